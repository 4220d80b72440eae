"""Convolution in one, two and three dimensions as matrix products, and its transpose.

Convolution is linear in the input and in the weight, so three operations are closed under
differentiation: the output from input and weight (`Conv`), the input's gradient from an output and
a weight (`ConvInput`, which is transposed convolution), and the weight's gradient from an output
and an input (`ConvWeight`). Each is the others' derivative, which gives every higher one.

The products run over the windows of one row (position along the first spatial dimension) after
the other: all other dimensions of the windows are laid out in memory, the first is not, since
windows of neighbouring rows overlap there and a view shows them (Cho & Brand, "MEC:
memory-efficient convolution for deep neural network", 2017).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..batching.folding import folding
from ..creation import as_tensor
from ..errors import ShapeError, described
from ..function import Op
from ..tensor import Tensor
from .windows import (
    IN_CACHE,
    Windows,
    batch_first,
    batch_last,
    batched,
    per_dimension,
    positions,
    restored,
    spatial,
    volume,
)

FEW_COLUMNS = 128  # below, products of one row each are slower than laying out whole windows


def _by_rows(windows: Windows, batch: int) -> Windows:
    """The windows with the dimension of their rows in front: their first, or a dummy.

    With the dummy, there is one row, and windows are laid out whole.
    """
    overlaps = windows.kernel[0] > 1 and windows.dilation[0] == 1 and len(windows.kernel) > 1
    if overlaps and volume(windows.out[1:]) * batch >= FEW_COLUMNS:
        return windows
    return windows.after_dummy()


def _columns(x: np.ndarray, windows: Windows, groups: int) -> np.ndarray:
    """The windows over `x` as matrices (groups, rows, elements of a window, positions).

    `x` is (C, *padded, N), contiguous. The elements are in the order of the first spatial
    dimension, channel, other spatial dimensions.
    """
    channels, n = x.shape[0] // groups, x.shape[-1]
    steps, rows = x.strides, windows.padded[0]
    dilated = (s * d for s, d in zip(steps[2:-1], windows.dilation[1:], strict=True))
    moved = (s * d for s, d in zip(steps[2:-1], windows.stride[1:], strict=True))
    row = np.ascontiguousarray(
        np.ndarray(
            (groups, rows, channels, *windows.kernel[1:], *windows.out[1:], n),
            x.dtype,
            x,
            strides=(steps[0] * channels, steps[1], steps[0], *dilated, *moved, steps[-1]),
        )
    )
    depth, width = channels * volume(windows.kernel[1:]), volume(windows.out[1:]) * n
    step = depth * width * x.itemsize
    return np.ndarray(
        (groups, windows.out[0], windows.kernel[0] * depth, width),
        x.dtype,
        row,
        strides=(rows * step, windows.stride[0] * step, width * x.itemsize, x.itemsize),
    )


def _kernel(w: np.ndarray, windows: Windows, groups: int) -> np.ndarray:
    """The weight as (groups, out channels, first spatial, in channels, other spatial)."""
    return w.reshape(groups, len(w) // groups, w.shape[1], *windows.kernel).swapaxes(2, 3)


def _outputs(y: np.ndarray, windows: Windows, groups: int) -> np.ndarray:
    """An output (O, *out, N) as matrices (groups, rows, out channels, positions)."""
    columns = volume(windows.out[1:]) * y.shape[-1]
    return y.reshape(groups, len(y) // groups, windows.out[0], columns).swapaxes(1, 2)


def _in_groups(axes: dict[int, int], out: int) -> Any:
    """The rule under `vmap` where each element has its own weight: as groups of channels."""
    fold = folding(axes, out)

    def rule(ctx: Any, run: Any, level: Any, *args: Any) -> Any:
        return fold(ctx, lambda *a: run(*a[:-1], a[-1] * level.size), level, *args)

    return rule


def _in_batch(axes: dict[int, int], out: int) -> Any:
    """The rule under `vmap`: elements are more samples if they share the weight."""
    samples, groups = folding({0: 0}), _in_groups(axes, out)

    def rule(*args: Any) -> Any:
        result = samples(*args)
        return groups(*args) if result is NotImplemented else result

    return rule


class Conv(Op):
    symbol, public = "conv", False
    backward = {
        "x": lambda g, w, windows, groups: ConvInput.call(g, w, windows, groups),
        "w": lambda g, x, windows, groups: ConvWeight.call(g, x, windows, groups),
        "b": lambda g: g.sum((0, *range(2, g.ndim))),
    }
    formula = {"x": "transposed conv of g with w", "w": "conv of x with g", "b": "sum of g"}
    batch = _in_batch({0: 1, 1: 0, 2: 0}, 1)

    def forward(x, w, b, windows, groups):
        by_rows = _by_rows(windows, len(x))
        a = batch_last(x, windows).reshape(x.shape[1], *by_rows.padded, len(x))
        columns = _columns(a, by_rows, groups)
        k = _kernel(w, by_rows, groups).reshape(groups, 1, len(w) // groups, columns.shape[2])
        y = np.empty((len(w), *windows.out, len(x)), x.dtype)
        np.matmul(k, columns, out=_outputs(y, by_rows, groups))
        if b is not None:
            y += b.reshape(-1, *(1,) * (y.ndim - 1))
        return batch_first(y)


class ConvInput(Op):
    """The adjoint of `Conv` in its input: each output adds its weighted window to the input."""

    symbol, public = "convᵀ", False
    backward = {
        "y": lambda g, w, windows, groups: Conv.call(g, w, None, windows, groups),
        "w": lambda g, y, windows, groups: ConvWeight.call(y, g, windows, groups),
    }
    formula = {"y": "conv of g with w", "w": "conv of g with y"}
    batch = _in_batch({0: 1, 1: 0}, 1)

    def forward(y, w, windows, groups):
        n, by_rows = len(y), _by_rows(windows, len(y))
        channels, stride = w.shape[1], by_rows.stride[0]
        x = np.zeros((groups, channels, *by_rows.padded, n), y.dtype)
        g = _outputs(_contiguous(y), by_rows, groups)
        k = _kernel(w, by_rows, groups)
        # Each output adds to as many rows of the input as the kernel has, `stride` apart. Those
        # with the same remainder add up in one product, over `taps` outputs in a row.
        for first in range(min(stride, by_rows.kernel[0])):
            part = k[:, :, first::stride][:, :, ::-1]
            taps = part.shape[2]
            m = part.transpose(0, *range(3, part.ndim), 2, 1)
            m = m.reshape(groups, 1, m[0, ..., 0, 0].size, taps * g.shape[2])
            _add_rows(m, _neighbours(g, taps), x[:, :, first::stride], by_rows)
        x = x.reshape(groups * channels, *windows.padded, n)
        return batch_first(x[:, *windows.inner()])


def _add_rows(m: np.ndarray, g: np.ndarray, x: np.ndarray, windows: Windows) -> None:
    """Adds the products of `m` with the rows of `g` to the rows of `x`, at the kernel's offsets.

    As many rows at once as fit in the cache with their products.
    """
    offsets = list(zip(np.ndindex(windows.kernel[1:]), windows.offsets(1), strict=True))
    rows, size = g.shape[1], m[:, 0, :, 0].size * g.shape[3]
    block = max(1, IN_CACHE // max(size, 1))
    for start in range(0, rows, block):
        sums = np.matmul(m, g[:, start : start + block])
        sums = sums.reshape(
            *sums.shape[:2], x.shape[1], *windows.kernel[1:], *windows.out[1:], x.shape[-1]
        ).swapaxes(1, 2)
        target = x[:, :, start : min(start + block, rows)]
        for offset, slices in offsets:
            part = target[:, :, :, *slices]
            part += sums[:, :, :, *offset]


def _contiguous(y: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(y.transpose(*range(1, y.ndim), 0))


def _neighbours(g: np.ndarray, taps: int) -> np.ndarray:
    """(groups, rows, O, P) to (groups, rows + taps - 1, taps·O, P): each row with those before it.

    Rows beyond the ends are zeros.
    """
    if taps == 1:
        return g
    groups, rows, channels, width = g.shape
    padded = np.zeros((groups, rows + 2 * (taps - 1), channels, width), g.dtype)
    padded[:, taps - 1 : taps - 1 + rows] = g
    return np.ndarray(
        (groups, rows + taps - 1, taps * channels, width),
        g.dtype,
        padded,
        strides=(*padded.strides[:2], *padded.strides[2:]),
    )


class ConvWeight(Op):
    """The adjoint of `Conv` in its weight: products of outputs with the windows they came from."""

    symbol, public = "conv_w", False
    backward = {
        "y": lambda g, x, windows, groups: Conv.call(x, g, None, windows, groups),
        "x": lambda g, y, windows, groups: ConvInput.call(y, g, windows, groups),
    }
    formula = {"y": "conv of x with g", "x": "transposed conv of y with g"}
    batch = _in_groups({0: 1, 1: 1}, 0)

    def forward(y, x, windows, groups):
        by_rows = _by_rows(windows, len(x))
        a = batch_last(x, windows).reshape(x.shape[1], *by_rows.padded, len(x))
        columns = _columns(a, by_rows, groups)
        g = _outputs(_contiguous(y), by_rows, groups).swapaxes(2, 3)
        k = _summed_products(columns, g)  # (groups, elements, out channels)
        channels = len(a) // groups
        k = k.reshape(groups, by_rows.kernel[0], channels, *by_rows.kernel[1:], k.shape[-1])
        k = np.moveaxis(k, -1, 1).swapaxes(2, 3)
        return k.reshape(y.shape[1], channels, *windows.kernel)


def _summed_products(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Σᵢ a[:, i] @ b[:, i]."""
    if a.shape[1] * a.shape[2] * b.shape[3] <= 1 << 20:
        return np.matmul(a, b).sum(1)
    total = np.matmul(a[:, 0], b[:, 0])
    for i in range(1, a.shape[1]):  # large products: not all of them in memory at once
        total += np.matmul(a[:, i], b[:, i])
    return total


def _checked(input: Any, weight: Any, bias: Any, dims: int, groups: Any, transposed: bool) -> Any:
    """The operands as tensors (with a batch), and whether the input had one; errors if unfit."""
    name = f"conv{'_transpose' * transposed}{dims}d"
    w, b = as_tensor(weight), None if bias is None else as_tensor(bias)
    x, was_batched = batched(input, dims, name)
    call = f"{name}({described(x)}, {described(w)}, {described(b)}, groups={groups})"
    if w.ndim != dims + 2:
        raise ShapeError(f"{call}: the weight must have {dims + 2} dimensions")
    if x.dtype != w.dtype or (b is not None and b.dtype != w.dtype):
        raise RuntimeError(
            f"{call}: input, weight and bias must have one dtype; convert with .to(dtype)"
        )
    (groups,) = per_dimension(groups, 1, name, "groups", 1)
    expected = w.shape[0] if transposed else w.shape[1] * groups
    if x.shape[1] != expected:
        raise ShapeError(f"{call}: expected {expected} input channels, got {x.shape[1]}")
    if w.shape[0] % groups or w.shape[0] == 0:
        raise ShapeError(f"{call}: the weight's first size must be a multiple of groups")
    out = w.shape[1] * groups if transposed else w.shape[0]
    if b is not None and tuple(b.shape) != (out,):
        raise ShapeError(f"{call}: the bias must have shape [{out}], one number per channel")
    if 0 in x.shape[2:]:
        raise ShapeError(f"{call}: the spatial dimensions must not be empty")
    return name, x, w, b, was_batched


_CONV = """The cross-correlation of `input` with `weight`, plus `bias` ("convolution").

    Args:
        input: of shape (N, C, {sizes}) or (C, {sizes}).
        weight: of shape (O, C / groups, *kernel).
        bias: of shape (O,).
        stride: the step of the kernel; a number, or one per spatial dimension.
        padding: zeros added on both sides; numbers, "valid" (none) or "same" (the output has the
            input's size; stride 1 only).
        dilation: the distance of the kernel's elements.
        groups: channels are split into this many groups that do not mix.

    Returns (N, O, ...) or (O, ...). Operands that do not fit raise a `ShapeError`, different
    dtypes a RuntimeError.

    >>> import autograd, nn
    >>> x, w = autograd.ones(2, 3, {fives}), autograd.ones(4, 3, {threes})
    >>> nn.functional.conv{dims}d(x, w, padding=1).shape
    Size([2, 4, {fives}])
    """

_TRANSPOSE = """Transposed convolution: the gradient of `conv{dims}d` by its input, as an operation.

    Args:
        input: of shape (N, C, {sizes}) or (C, {sizes}).
        weight: of shape (C, O / groups, *kernel).
        bias: of shape (O,).
        stride: the distance of the input's elements in the output.
        padding: what is cut off on both sides of the output.
        output_padding: what is added on one side; smaller than stride or dilation.
        groups: channels are split into this many groups that do not mix.
        dilation: the distance of the kernel's elements.

    Returns (N, O, ...) or (O, ...), each size (n - 1) stride - 2 padding + dilation (k - 1) +
    output_padding + 1. Operands that do not fit raise a `ShapeError`, different dtypes a
    RuntimeError.

    >>> import autograd, nn
    >>> x, w = autograd.ones(2, 3, {fives}), autograd.ones(3, 4, {threes})
    >>> nn.functional.conv_transpose{dims}d(x, w, padding=1).shape
    Size([2, 4, {fives}])
    """


def _conv(dims: int) -> Any:
    def conv(
        input: Tensor,
        weight: Tensor,
        bias: Tensor | None = None,
        stride: Any = 1,
        padding: Any = 0,
        dilation: Any = 1,
        groups: int = 1,
    ) -> Tensor:
        name, x, w, b, was_batched = _checked(input, weight, bias, dims, groups, False)
        stride = per_dimension(stride, dims, name, "stride", 1)
        dilation = per_dimension(dilation, dims, name, "dilation", 1)
        kernel = w._data.shape[2:]
        if padding == "same":
            if max(stride) > 1:
                raise RuntimeError(f"{name}: padding='same' is only possible with stride 1")
            total = [d * (k - 1) for d, k in zip(dilation, kernel, strict=True)]
            before = tuple(t // 2 for t in total)
            after = tuple(t - t // 2 for t in total)
        elif isinstance(padding, str) and padding != "valid":
            raise RuntimeError(
                f"{name}: padding must be 'same', 'valid' or numbers, got {padding!r}"
            )
        else:
            padding = 0 if padding == "valid" else padding
            before = after = per_dimension(padding, dims, name, "padding", 0)
        size = x._data.shape[2:]
        windows = positions(size, kernel, stride, before, after, dilation, name)
        return restored(Conv.apply(x, w, b, windows, groups), was_batched)

    return spatial(conv, "conv", dims, _CONV, Conv)


def _conv_transpose(dims: int) -> Any:
    def conv_transpose(
        input: Tensor,
        weight: Tensor,
        bias: Tensor | None = None,
        stride: Any = 1,
        padding: Any = 0,
        output_padding: Any = 0,
        groups: int = 1,
        dilation: Any = 1,
    ) -> Tensor:
        name, x, w, b, was_batched = _checked(input, weight, bias, dims, groups, True)
        stride = per_dimension(stride, dims, name, "stride", 1)
        dilation = per_dimension(dilation, dims, name, "dilation", 1)
        padding = per_dimension(padding, dims, name, "padding", 0)
        extra = per_dimension(output_padding, dims, name, "output_padding", 0)
        if any(e >= max(s, d) for e, s, d in zip(extra, stride, dilation, strict=True)):
            raise RuntimeError(
                f"{name}: output_padding {extra} must be smaller than stride or dilation"
            )
        out, kernel = x._data.shape[2:], w._data.shape[2:]
        size = tuple(
            (n - 1) * s - 2 * p + d * (k - 1) + e + 1
            for n, s, p, d, k, e in zip(out, stride, padding, dilation, kernel, extra, strict=True)
        )
        if min(size) < 1:
            raise ShapeError(
                f"{name}: for an input {described(x)}, kernel {kernel} and padding {padding} the "
                f"output would have the size {size}"
            )
        windows = Windows(size, kernel, out, stride, padding, padding, dilation)
        y = restored(ConvInput.apply(x, w, windows, groups), was_batched)
        return y if b is None else y + b.reshape(-1, *(1,) * dims)

    return spatial(conv_transpose, "conv_transpose", dims, _TRANSPOSE, ConvInput)


conv1d, conv2d, conv3d = _conv(1), _conv(2), _conv(3)
conv_transpose1d, conv_transpose2d = _conv_transpose(1), _conv_transpose(2)
conv_transpose3d = _conv_transpose(3)
