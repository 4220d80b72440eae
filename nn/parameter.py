"""`Parameter` and `Buffer`: tensors that a `Module` takes note of when they are assigned to it.

Those of lazy layers (lazy.py) have no shape yet.
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from autograd import Tensor, empty, get_default_dtype


def _adopt(target: Tensor, data: Tensor | None) -> None:
    """Makes `target` show the memory of `data`, outside its graph but with its version."""
    kind = type(target).__name__
    if data is None:
        target._data = np.empty(0, get_default_dtype())
    elif isinstance(data, Tensor):
        target._data = data._data
        target._counter = data._versions()
    else:
        raise TypeError(
            f"{kind}: expected a Tensor of autograd, got {type(data).__module__}."
            f"{type(data).__name__}; use nn.{kind}(autograd.tensor(...))"
        )


class Parameter(Tensor):
    """A tensor that a module learns.

    Assigned to an attribute of a `Module`, it becomes one of its `parameters()`. It shares the
    memory of `data`, and requires grad also when made under `no_grad`.

    Args:
        data: a floating Tensor of any shape (default: an empty one).
        requires_grad: whether `backward()` fills its `.grad`.

    >>> import autograd, nn
    >>> nn.Parameter(autograd.ones(2))
    Parameter containing:
    tensor([1., 1.], requires_grad=True)
    """

    def __init__(self, data: Tensor | None = None, requires_grad: bool = True) -> None:
        _adopt(self, data)
        if requires_grad:
            self.requires_grad_()

    def __repr__(self) -> str:
        return "Parameter containing:\n" + super().__repr__()

    def __deepcopy__(self, memo: dict[int, Any]) -> Tensor:
        # As in PyTorch, a copied model starts without gradients.
        result = super().__deepcopy__(memo)
        result._grad = None
        return result

    def _copy_memory(self, source: Tensor, memo: dict[int, Any]) -> None:
        self._data = source._data.copy("K")  # as in PyTorch, a parameter shares it with no copy


class Buffer(Tensor):
    """A tensor that belongs to a module's state but is not learned, such as a running mean.

    Assigning it to an attribute of a `Module` is `register_buffer` in short form.

    Args:
        data: a Tensor of any shape and dtype (default: an empty one).
        persistent: whether it is part of the module's `state_dict()`.

    >>> import autograd, nn
    >>> module = nn.Module()
    >>> module.mean = nn.Buffer(autograd.zeros(2))
    >>> dict(module.named_buffers())
    {'mean': tensor([0., 0.])}
    """

    persistent: bool

    def __init__(self, data: Tensor | None = None, *, persistent: bool = True) -> None:
        _adopt(self, data)
        self.persistent = persistent


class _Uninitialized(Tensor):
    """A tensor whose shape is not known yet; `materialize` makes it an ordinary one."""

    _becomes: ClassVar[type]

    def __init__(self, requires_grad: bool = False, device: Any = None, dtype: Any = None) -> None:
        self._data = empty(0, device=device, dtype=dtype)._data
        if requires_grad:
            self.requires_grad_()

    @property
    def shape(self) -> Any:
        raise RuntimeError(
            "the shape of an uninitialized parameter or buffer is not known yet: lazy layers learn "
            "it from their first input, so call the model once, for example with zeros"
        )

    def numel(self) -> int:
        """An error, as `shape` is."""
        return self.shape.numel()

    nelement = numel

    def materialize(self, shape: Any, device: Any = None, dtype: Any = None) -> None:
        """Gives the tensor a shape, and memory with arbitrary values."""
        self.data = empty(shape, device=device, dtype=self.dtype if dtype is None else dtype)
        self.__class__ = self._becomes

    def to(self, *args: Any, **kwargs: Any) -> Any:
        found = super().to(*args, **kwargs)
        return self if found is self else type(self)(self.requires_grad, dtype=found.dtype)

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"


class UninitializedParameter(_Uninitialized, Parameter):
    """A parameter of a lazy layer before its first call.

    >>> import nn
    >>> nn.LazyLinear(3).weight
    <UninitializedParameter>
    """

    _becomes = Parameter

    def __init__(self, requires_grad: bool = True, device: Any = None, dtype: Any = None) -> None:
        super().__init__(requires_grad, device, dtype)


class UninitializedBuffer(_Uninitialized, Buffer):
    """A buffer of a lazy layer before its first call."""

    _becomes = Buffer

    def __init__(
        self,
        requires_grad: bool = False,
        device: Any = None,
        dtype: Any = None,
        persistent: bool = True,
    ) -> None:
        super().__init__(requires_grad, device, dtype)
        self.persistent = persistent


def is_lazy(tensor: Any) -> bool:
    """Whether this is a parameter or buffer without a shape.

    >>> import nn
    >>> is_lazy(nn.LazyLinear(3).weight), is_lazy(nn.Linear(2, 3).weight)
    (True, False)
    """
    return isinstance(tensor, _Uninitialized)
