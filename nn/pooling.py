"""Pooling layers: one value for each window of an input [N, C, *] or [C, *]."""

from __future__ import annotations

from typing import Any

from autograd import Tensor
from autograd.ops.windows import per_dimension

from . import functional as F
from .module import Module


class _MaxPool(Module):
    _dims: int

    def __init__(
        self,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        dilation: Any = 1,
        return_indices: bool = False,
        ceil_mode: bool = False,
    ) -> None:
        super().__init__()
        self.kernel_size = kernel_size
        self.stride = kernel_size if stride is None else stride
        self.padding = padding
        self.dilation = dilation
        self.return_indices = return_indices
        self.ceil_mode = ceil_mode

    def forward(self, input: Tensor) -> Any:
        return (F.max_pool1d, F.max_pool2d, F.max_pool3d)[self._dims - 1](
            input,
            self.kernel_size,
            self.stride,
            self.padding,
            self.dilation,
            ceil_mode=self.ceil_mode,
            return_indices=self.return_indices,
        )

    def extra_repr(self) -> str:
        return (
            f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}, "
            f"dilation={self.dilation}, ceil_mode={self.ceil_mode}"
        )


class MaxPool1d(_MaxPool):
    """The largest element of each window along the last dimension.

    Args:
        kernel_size: the size of a window; a number, or one per spatial dimension, as all below.
        stride: the distance of windows (default: their size).
        padding: what counts as -inf on both sides.
        dilation: the distance of a window's elements.
        return_indices: also give the places of the maxima, for `MaxUnpool1d`.
        ceil_mode: whether windows may reach beyond the end.

    >>> import autograd, nn
    >>> nn.MaxPool1d(2)(autograd.tensor([[1.0, 3.0, 2.0, 0.0]]))
    tensor([[3., 2.]])
    """

    _dims = 1


class MaxPool2d(_MaxPool):
    """The largest element of each window over the last two dimensions; see `MaxPool1d`.

    >>> import autograd, nn
    >>> nn.MaxPool2d(2)(autograd.randn(8, 6, 24, 24)).shape
    Size([8, 6, 12, 12])
    """

    _dims = 2


class MaxPool3d(_MaxPool):
    """The largest element of each window over the last three dimensions; see `MaxPool1d`."""

    _dims = 3


class _MaxUnpool(Module):
    _dims: int

    def __init__(self, kernel_size: Any, stride: Any = None, padding: Any = 0) -> None:
        super().__init__()
        stride = kernel_size if stride is None else stride
        name = self._get_name()
        self.kernel_size = per_dimension(kernel_size, self._dims, name, "kernel_size", 1)
        self.stride = per_dimension(stride, self._dims, name, "stride", 1)
        self.padding = per_dimension(padding, self._dims, name, "padding", 0)

    def forward(self, input: Tensor, indices: Tensor, output_size: Any = None) -> Tensor:
        return (F.max_unpool1d, F.max_unpool2d, F.max_unpool3d)[self._dims - 1](
            input, indices, self.kernel_size, self.stride, self.padding, output_size
        )

    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class MaxUnpool1d(_MaxUnpool):
    """Puts the results of `MaxPool1d` back at their places, among zeros.

    >>> import autograd, nn
    >>> pool, unpool = nn.MaxPool1d(2, return_indices=True), nn.MaxUnpool1d(2)
    >>> unpool(*pool(autograd.tensor([[[1.0, 3.0, 2.0, 0.0]]])))
    tensor([[[0., 3., 2., 0.]]])
    """

    _dims = 1


class MaxUnpool2d(_MaxUnpool):
    """Puts the results of `MaxPool2d` back at their places, among zeros."""

    _dims = 2


class MaxUnpool3d(_MaxUnpool):
    """Puts the results of `MaxPool3d` back at their places, among zeros."""

    _dims = 3


class AvgPool1d(Module):
    """The mean of each window along the last dimension.

    Args:
        kernel_size: the size of a window.
        stride: the distance of windows (default: their size).
        padding: zeros added on both sides.
        ceil_mode: whether windows may reach beyond the end.
        count_include_pad: whether the zeros of the padding count.

    >>> import autograd, nn
    >>> nn.AvgPool1d(2)(autograd.tensor([[1.0, 3.0, 2.0, 0.0]]))
    tensor([[2., 1.]])
    """

    def __init__(
        self,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
    ) -> None:
        super().__init__()
        stride = kernel_size if stride is None else stride
        self.kernel_size = per_dimension(kernel_size, 1, "AvgPool1d", "kernel_size", 1)
        self.stride = per_dimension(stride, 1, "AvgPool1d", "stride", 1)
        self.padding = per_dimension(padding, 1, "AvgPool1d", "padding", 0)
        self.ceil_mode = ceil_mode
        self.count_include_pad = count_include_pad

    def forward(self, input: Tensor) -> Tensor:
        return F.avg_pool1d(
            input,
            self.kernel_size,
            self.stride,
            self.padding,
            self.ceil_mode,
            self.count_include_pad,
        )

    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class _AvgPool(Module):
    _dims: int

    def __init__(
        self,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: int | None = None,
    ) -> None:
        super().__init__()
        self.kernel_size = kernel_size
        self.stride = kernel_size if stride is None else stride
        self.padding = padding
        self.ceil_mode = ceil_mode
        self.count_include_pad = count_include_pad
        self.divisor_override = divisor_override

    def forward(self, input: Tensor) -> Tensor:
        return (F.avg_pool2d, F.avg_pool3d)[self._dims - 2](
            input,
            self.kernel_size,
            self.stride,
            self.padding,
            self.ceil_mode,
            self.count_include_pad,
            self.divisor_override,
        )

    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class AvgPool2d(_AvgPool):
    """The mean of each window over the last two dimensions; see `AvgPool1d`.

    Args:
        divisor_override: a number to divide by instead of the window's elements.

    >>> import autograd, nn
    >>> nn.AvgPool2d(2)(autograd.arange(16.0).reshape(1, 1, 4, 4))
    tensor([[[[ 2.5000,  4.5000],
              [10.5000, 12.5000]]]])
    """

    _dims = 2


class AvgPool3d(_AvgPool):
    """The mean of each window over the last three dimensions; see `AvgPool2d`."""

    _dims = 3


class _LPPool(Module):
    _dims: int

    def __init__(
        self, norm_type: float, kernel_size: Any, stride: Any = None, ceil_mode: bool = False
    ) -> None:
        super().__init__()
        self.norm_type = norm_type
        self.kernel_size = kernel_size
        self.stride = stride
        self.ceil_mode = ceil_mode

    def forward(self, input: Tensor) -> Tensor:
        return (F.lp_pool1d, F.lp_pool2d, F.lp_pool3d)[self._dims - 1](
            input, float(self.norm_type), self.kernel_size, self.stride, self.ceil_mode
        )

    def extra_repr(self) -> str:
        return (
            f"norm_type={self.norm_type}, kernel_size={self.kernel_size}, stride={self.stride}, "
            f"ceil_mode={self.ceil_mode}"
        )


class LPPool1d(_LPPool):
    """(Σ xᵖ)^(1/p) of each window along the last dimension.

    Args:
        norm_type: p.
        kernel_size: the size of a window.
        stride: the distance of windows (default: their size).
        ceil_mode: whether windows may reach beyond the end.

    >>> import autograd, nn
    >>> nn.LPPool1d(2, 2)(autograd.tensor([[3.0, 4.0]]))
    tensor([[5.]])
    """

    _dims = 1


class LPPool2d(_LPPool):
    """(Σ xᵖ)^(1/p) of each window over the last two dimensions; see `LPPool1d`."""

    _dims = 2


class LPPool3d(_LPPool):
    """(Σ xᵖ)^(1/p) of each window over the last three dimensions; see `LPPool1d`."""

    _dims = 3


class _AdaptiveAvgPool(Module):
    _dims: int

    def __init__(self, output_size: Any) -> None:
        super().__init__()
        self.output_size = output_size

    def forward(self, input: Tensor) -> Tensor:
        functions = (F.adaptive_avg_pool1d, F.adaptive_avg_pool2d, F.adaptive_avg_pool3d)
        return functions[self._dims - 1](input, self.output_size)

    def extra_repr(self) -> str:
        return f"output_size={self.output_size}"


class AdaptiveAvgPool1d(_AdaptiveAvgPool):
    """The means of `output_size` windows of nearly one size.

    >>> import autograd, nn
    >>> nn.AdaptiveAvgPool1d(2)(autograd.tensor([[1.0, 2.0, 3.0]]))
    tensor([[1.5000, 2.5000]])
    """

    _dims = 1


class AdaptiveAvgPool2d(_AdaptiveAvgPool):
    """The means of windows over the last two dimensions; None in `output_size` keeps a size.

    >>> import autograd, nn
    >>> nn.AdaptiveAvgPool2d((1, None))(autograd.randn(8, 6, 5, 7)).shape
    Size([8, 6, 1, 7])
    """

    _dims = 2


class AdaptiveAvgPool3d(_AdaptiveAvgPool):
    """The means of windows over the last three dimensions; None in `output_size` keeps a size."""

    _dims = 3


class _AdaptiveMaxPool(Module):
    _dims: int

    def __init__(self, output_size: Any, return_indices: bool = False) -> None:
        super().__init__()
        self.output_size = output_size
        self.return_indices = return_indices

    def forward(self, input: Tensor) -> Any:
        functions = (F.adaptive_max_pool1d, F.adaptive_max_pool2d, F.adaptive_max_pool3d)
        return functions[self._dims - 1](input, self.output_size, self.return_indices)

    def extra_repr(self) -> str:
        return f"output_size={self.output_size}"


class AdaptiveMaxPool1d(_AdaptiveMaxPool):
    """The maxima of `output_size` windows of nearly one size.

    >>> import autograd, nn
    >>> nn.AdaptiveMaxPool1d(2)(autograd.tensor([[1.0, 2.0, 3.0]]))
    tensor([[2., 3.]])
    """

    _dims = 1


class AdaptiveMaxPool2d(_AdaptiveMaxPool):
    """The maxima of windows over the last two dimensions; None in `output_size` keeps a size.

    >>> import autograd, nn
    >>> nn.AdaptiveMaxPool2d(1)(autograd.arange(16.0).reshape(1, 4, 2, 2)).flatten()
    tensor([ 3.,  7., 11., 15.])
    """

    _dims = 2


class AdaptiveMaxPool3d(_AdaptiveMaxPool):
    """The maxima of windows over the last three dimensions; None in `output_size` keeps a size."""

    _dims = 3
