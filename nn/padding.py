"""Layers that pad the ends of spatial dimensions."""

from __future__ import annotations

from typing import Any

from autograd import Tensor

from . import functional as F
from .module import Module


class _Pad(Module):
    _dims: int
    _mode: str
    _value: float | None = None

    def __init__(self, padding: Any) -> None:
        super().__init__()
        many = isinstance(padding, (tuple, list))
        self.padding = tuple(padding) if many else (padding,) * (2 * self._dims)
        if len(self.padding) != 2 * self._dims:
            raise ValueError(
                f"{self._get_name()}: padding must be one number or {2 * self._dims}, got "
                f"{padding!r}"
            )

    def forward(self, input: Tensor) -> Tensor:
        return F.pad(input, self.padding, self._mode, self._value)

    def extra_repr(self) -> str:
        return f"{self.padding}"


class _ConstantPad(_Pad):
    _mode = "constant"

    def __init__(self, padding: Any, value: float) -> None:
        super().__init__(padding)
        self.value = value

    def forward(self, input: Tensor) -> Tensor:
        return F.pad(input, self.padding, "constant", self.value)

    def extra_repr(self) -> str:
        return f"padding={self.padding}, value={self.value}"


class ConstantPad1d(_ConstantPad):
    """Adds `value` at the ends of the last dimension.

    Args:
        padding: how many; a number, or (left, right); two-dimensional layers take (left, right,
            top, bottom), three-dimensional ones (left, right, top, bottom, front, back).
        value: what.

    >>> import autograd, nn
    >>> nn.ConstantPad1d((1, 2), 7.0)(autograd.zeros(1, 1, 2))
    tensor([[[7., 0., 0., 7., 7.]]])
    """

    _dims = 1


class ConstantPad2d(_ConstantPad):
    """Adds `value` at the ends of the last two dimensions; see `ConstantPad1d`."""

    _dims = 2


class ConstantPad3d(_ConstantPad):
    """Adds `value` at the ends of the last three dimensions; see `ConstantPad1d`."""

    _dims = 3


class _ZeroPad(_Pad):
    _mode, _value = "constant", 0.0


class ZeroPad1d(_ZeroPad):
    """Adds zeros at the ends of the last dimension."""

    _dims = 1


class ZeroPad2d(_ZeroPad):
    """Adds zeros at the ends of the last two dimensions.

    >>> import autograd, nn
    >>> nn.ZeroPad2d((1, 0, 0, 1))(autograd.ones(1, 1, 1, 2))
    tensor([[[[0., 1., 1.],
              [0., 0., 0.]]]])
    """

    _dims = 2


class ZeroPad3d(_ZeroPad):
    """Adds zeros at the ends of the last three dimensions."""

    _dims = 3


class _ReflectionPad(_Pad):
    _mode = "reflect"


class ReflectionPad1d(_ReflectionPad):
    """Continues the last dimension with its reflection, without repeating the edge.

    >>> import autograd, nn
    >>> nn.ReflectionPad1d(2)(autograd.tensor([[1.0, 2.0, 3.0]]))
    tensor([[3., 2., 1., 2., 3., 2., 1.]])
    """

    _dims = 1


class ReflectionPad2d(_ReflectionPad):
    """Continues the last two dimensions with their reflections."""

    _dims = 2


class ReflectionPad3d(_ReflectionPad):
    """Continues the last three dimensions with their reflections."""

    _dims = 3


class _ReplicationPad(_Pad):
    _mode = "replicate"


class ReplicationPad1d(_ReplicationPad):
    """Repeats the edges of the last dimension.

    >>> import autograd, nn
    >>> nn.ReplicationPad1d(2)(autograd.tensor([[1.0, 2.0]]))
    tensor([[1., 1., 1., 2., 2., 2.]])
    """

    _dims = 1


class ReplicationPad2d(_ReplicationPad):
    """Repeats the edges of the last two dimensions."""

    _dims = 2


class ReplicationPad3d(_ReplicationPad):
    """Repeats the edges of the last three dimensions."""

    _dims = 3


class _CircularPad(_Pad):
    _mode = "circular"


class CircularPad1d(_CircularPad):
    """Wraps the last dimension around.

    >>> import autograd, nn
    >>> nn.CircularPad1d((1, 2))(autograd.tensor([[1.0, 2.0, 3.0]]))
    tensor([[3., 1., 2., 3., 1., 2.]])
    """

    _dims = 1


class CircularPad2d(_CircularPad):
    """Wraps the last two dimensions around."""

    _dims = 2


class CircularPad3d(_CircularPad):
    """Wraps the last three dimensions around."""

    _dims = 3
