"""Convolution layers and their transposes."""

from __future__ import annotations

import math
from typing import Any

import autograd
from autograd import Tensor
from autograd.errors import ShapeError, described
from autograd.ops.windows import per_dimension

from . import functional as F, init
from .module import Module
from .parameter import Parameter

_PADDING_MODES = ("zeros", "reflect", "replicate", "circular")


class _ConvNd(Module):
    _dims: int
    weight: Parameter
    bias: Parameter | None

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Any,
        stride: Any,
        padding: Any,
        dilation: Any,
        transposed: bool,
        output_padding: Any,
        groups: int,
        bias: bool,
        padding_mode: str,
        device: Any,
        dtype: Any,
    ) -> None:
        super().__init__()
        if groups <= 0:
            raise ValueError("groups must be a positive integer")
        if in_channels % groups:
            raise ValueError("in_channels must be divisible by groups")
        if out_channels % groups:
            raise ValueError("out_channels must be divisible by groups")
        self.in_channels = in_channels
        self.out_channels = out_channels
        self.kernel_size = self._sizes(kernel_size, "kernel_size", 1)
        self.stride = self._sizes(stride, "stride", 1)
        if isinstance(padding, str):
            if padding not in ("same", "valid"):
                raise ValueError(f"Invalid padding string {padding!r}, should be 'same' or 'valid'")
            if padding == "same" and max(self.stride) > 1:
                raise ValueError("padding='same' is not supported for strided convolutions")
        named = isinstance(padding, str)
        self.padding: Any = padding if named else self._sizes(padding, "padding", 0)
        self.dilation = self._sizes(dilation, "dilation", 1)
        self.output_padding = self._sizes(output_padding, "output_padding", 0)
        self.transposed = transposed
        self.groups = groups
        if padding_mode not in _PADDING_MODES:
            raise ValueError(f"padding_mode must be one of {_PADDING_MODES}, got '{padding_mode}'")
        self.padding_mode = padding_mode
        mixed = (in_channels, out_channels) if transposed else (out_channels, in_channels)
        shape = (mixed[0], mixed[1] // groups, *self.kernel_size)
        self.weight = Parameter(autograd.empty(shape, device=device, dtype=dtype))
        if bias:
            self.bias = Parameter(autograd.empty(out_channels, device=device, dtype=dtype))
        else:
            self.register_parameter("bias", None)
        self.reset_parameters()

    def _sizes(self, value: Any, what: str, least: int) -> tuple[int, ...]:
        return per_dimension(value, self._dims, self._get_name(), what, least)

    def reset_parameters(self) -> None:
        """Draws new initial values: uniform on ±1/√(inputs of each output)."""
        fan_in, _ = init._calculate_fan_in_and_fan_out(self.weight)
        bound = 1 / math.sqrt(fan_in) if fan_in > 0 else 0
        init.uniform_(self.weight, -bound, bound)  # kaiming_uniform_ with a = √5
        if self.bias is not None:
            init.uniform_(self.bias, -bound, bound)

    def _refused(self, input: Tensor, error: Exception) -> Exception:
        """The error in the layer's words, where the input has the wrong number of dimensions or
        channels."""
        axis = input.ndim - self._dims - 1
        if axis in (0, 1) and input.shape[axis] == self.in_channels:
            return error
        sizes = ", ".join("DHW"[-self._dims :]) if self._dims > 1 else "L"
        return ShapeError(
            f"{self._get_name()}({self.extra_repr()}): expected an input of shape "
            f"[N, {self.in_channels}, {sizes}] or [{self.in_channels}, {sizes}], got "
            f"{described(input)}"
        )

    def extra_repr(self) -> str:
        text = f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}"
        text += f", stride={self.stride}"
        if self.padding != (0,) * len(self.padding):
            text += f", padding={self.padding}"
        if self.dilation != (1,) * self._dims:
            text += f", dilation={self.dilation}"
        if self.output_padding != (0,) * self._dims:
            text += f", output_padding={self.output_padding}"
        if self.groups != 1:
            text += f", groups={self.groups}"
        if self.bias is None:
            text += ", bias=False"
        if self.padding_mode != "zeros":
            text += f", padding_mode={self.padding_mode}"
        return text


class _Conv(_ConvNd):
    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Any,
        stride: Any = 1,
        padding: Any = 0,
        dilation: Any = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(
            in_channels,
            out_channels,
            kernel_size,
            stride,
            padding,
            dilation,
            False,
            0,
            groups,
            bias,
            padding_mode,
            device,
            dtype,
        )

    def forward(self, input: Tensor) -> Tensor:
        conv = (F.conv1d, F.conv2d, F.conv3d)[self._dims - 1]
        padding: Any = self.padding
        try:
            if self.padding_mode != "zeros":
                input, padding = F.pad(input, self._around(), self.padding_mode), 0
            return conv(
                input, self.weight, self.bias, self.stride, padding, self.dilation, self.groups
            )
        except (RuntimeError, NotImplementedError) as error:
            raise self._refused(input, error) from error

    def _around(self) -> list[int]:
        """The padding as `F.pad` takes it, last dimension first."""
        if isinstance(self.padding, tuple):
            return [p for p in self.padding[::-1] for _ in range(2)]
        total = [d * (k - 1) for d, k in zip(self.dilation, self.kernel_size, strict=True)]
        same = self.padding == "same"
        return [p * same for t in total[::-1] for p in (t // 2, t - t // 2)]


class Conv1d(_Conv):
    """Cross-correlation of a signal with learned kernels, plus a bias.

    Args:
        in_channels: channels of the input.
        out_channels: channels of the output, one per kernel.
        kernel_size: a number, or one per spatial dimension, as the following.
        stride: the step of the kernels.
        padding: what is added on both sides; numbers, "valid" (nothing) or "same" (the output has
            the input's size; stride 1 only).
        dilation: the distance of a kernel's elements.
        groups: channels are split into this many groups that do not mix.
        bias: whether to add a bias.
        padding_mode: "zeros", "reflect", "replicate" or "circular".
        device: "cpu" or None.
        dtype: floating dtype of the parameters (default: the default dtype).

    Shape:
        input [N, in_channels, L] or [in_channels, L], output [N, out_channels, L'] or without N.

    Attributes:
        weight: [out_channels, in_channels / groups, *kernel_size], uniform on ±1/√fan at first,
            fan being the inputs of each output.
        bias: [out_channels], likewise.

    >>> import autograd, nn
    >>> nn.Conv1d(3, 8, 5)(autograd.randn(2, 3, 20)).shape
    Size([2, 8, 16])
    """

    _dims = 1


class Conv2d(_Conv):
    """Cross-correlation of an image with learned kernels, plus a bias; see `Conv1d`.

    Shape:
        input [N, in_channels, H, W] or [in_channels, H, W], output with `out_channels`.

    >>> import autograd, nn
    >>> nn.Conv2d(1, 6, 5)(autograd.randn(2, 1, 28, 28)).shape
    Size([2, 6, 24, 24])
    """

    _dims = 2


class Conv3d(_Conv):
    """Cross-correlation of a volume with learned kernels, plus a bias; see `Conv1d`.

    Shape:
        input [N, in_channels, D, H, W] or [in_channels, D, H, W], output with `out_channels`.

    >>> import autograd, nn
    >>> nn.Conv3d(1, 4, 3, padding="same")(autograd.randn(2, 1, 5, 6, 7)).shape
    Size([2, 4, 5, 6, 7])
    """

    _dims = 3


class _ConvTranspose(_ConvNd):
    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Any,
        stride: Any = 1,
        padding: Any = 0,
        output_padding: Any = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: Any = 1,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        if padding_mode != "zeros":
            raise ValueError(f'Only "zeros" padding mode is supported for {type(self).__name__}')
        super().__init__(
            in_channels,
            out_channels,
            kernel_size,
            stride,
            padding,
            dilation,
            True,
            output_padding,
            groups,
            bias,
            padding_mode,
            device,
            dtype,
        )

    def forward(self, input: Tensor, output_size: Any = None) -> Tensor:
        conv = (F.conv_transpose1d, F.conv_transpose2d, F.conv_transpose3d)[self._dims - 1]
        extra = self.output_padding
        if output_size is not None:
            extra = self._extra(input, tuple(output_size))
        try:
            return conv(
                input,
                self.weight,
                self.bias,
                self.stride,
                self.padding,
                extra,
                self.groups,
                self.dilation,
            )
        except RuntimeError as error:
            raise self._refused(input, error) from error

    def _extra(self, input: Tensor, output_size: tuple[int, ...]) -> tuple[int, ...]:
        """The `output_padding` that gives this size."""
        size = output_size[-self._dims :]
        least = [
            (n - 1) * s - 2 * p + d * (k - 1) + 1
            for n, s, p, d, k in zip(
                input.shape[-self._dims :],
                self.stride,
                self.padding,
                self.dilation,
                self.kernel_size,
                strict=True,
            )
        ]
        extra = tuple(n - m for n, m in zip(size, least, strict=True))
        if len(output_size) not in (self._dims, input.ndim) or any(
            not 0 <= e < s for e, s in zip(extra, self.stride, strict=True)
        ):
            most = [m + s - 1 for m, s in zip(least, self.stride, strict=True)]
            raise ValueError(
                f"{self._get_name()}: output_size {output_size} is not possible for an input of "
                f"shape {described(input)}; sizes range from {least} to {most}"
            )
        return extra


class ConvTranspose1d(_ConvTranspose):
    """Transposed convolution of a signal: what `Conv1d` does to gradients, as a layer.

    Args:
        in_channels: channels of the input.
        out_channels: channels of the output.
        kernel_size: a number, or one per spatial dimension, as the following.
        stride: the distance of the input's elements in the output.
        padding: what is cut off on both sides of the output.
        output_padding: what is added on one side.
        groups: channels are split into this many groups that do not mix.
        bias: whether to add a bias.
        dilation: the distance of a kernel's elements.
        padding_mode: only "zeros".
        device: "cpu" or None.
        dtype: floating dtype of the parameters (default: the default dtype).

    Shape:
        input [N, in_channels, L] or [in_channels, L], output [N, out_channels, L'] or without N.
        Called with `output_size`, the layer chooses the output padding.

    Attributes:
        weight: [in_channels, out_channels / groups, *kernel_size], uniform at first.
        bias: [out_channels], likewise.

    >>> import autograd, nn
    >>> nn.ConvTranspose1d(8, 3, 4, stride=2, padding=1)(autograd.randn(2, 8, 10)).shape
    Size([2, 3, 20])
    """

    _dims = 1


class ConvTranspose2d(_ConvTranspose):
    """Transposed convolution of an image; see `ConvTranspose1d`.

    Shape:
        input [N, in_channels, H, W] or [in_channels, H, W], output with `out_channels`.

    >>> import autograd, nn
    >>> nn.ConvTranspose2d(8, 3, 4, stride=2, padding=1)(autograd.randn(2, 8, 5, 6)).shape
    Size([2, 3, 10, 12])
    """

    _dims = 2


class ConvTranspose3d(_ConvTranspose):
    """Transposed convolution of a volume; see `ConvTranspose1d`.

    Shape:
        input [N, in_channels, D, H, W] or [in_channels, D, H, W], output with `out_channels`.

    >>> import autograd, nn
    >>> nn.ConvTranspose3d(4, 1, 2, stride=2)(autograd.randn(2, 4, 2, 3, 4)).shape
    Size([2, 1, 4, 6, 8])
    """

    _dims = 3
