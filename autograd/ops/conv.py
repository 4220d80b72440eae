"""Convolution in one, two and three dimensions as matrix products, and its transpose.

Convolution is linear in the input and in the weight, so three operations are closed under
differentiation: the output from input and weight (`Conv`), the input's gradient from an output and
a weight (`ConvInput`, which is transposed convolution), and the weight's gradient from an output
and an input (`ConvWeight`). Each is the others' derivative, which gives every higher one.

correlation.py computes them on arrays.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..batching.folding import folding
from ..creation import as_tensor
from ..errors import ShapeError, described
from ..function import Op
from ..tensor import Tensor
from .correlation import correlated, spread_back, weight_of
from .windows import (
    Windows,
    batch_first,
    batch_last,
    batched,
    per_dimension,
    positions,
    restored,
    spatial,
)


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
        "x": lambda g, w, windows, groups: ConvInput.call(g, w, None, windows, groups),
        "w": lambda g, x, windows, groups: ConvWeight.call(g, x, windows, groups),
        "b": lambda g: _channel_sums(g),
    }
    formula = {"x": "transposed conv of g with w", "w": "conv of x with g", "b": "sum of g"}
    batch = _in_batch({0: 1, 1: 0, 2: 0}, 1)

    def forward(x, w, b, windows, groups):
        return batch_first(_plus(correlated(batch_last(x), w, windows, groups), b))


class ConvInput(Op):
    """The adjoint of `Conv` in its input: each output adds its weighted window to the input."""

    symbol, public = "convᵀ", False
    backward = {
        "y": lambda g, w, windows, groups: Conv.call(g, w, None, windows, groups),
        "w": lambda g, y, windows, groups: ConvWeight.call(y, g, windows, groups),
        "b": lambda g: _channel_sums(g),
    }
    formula = {"y": "conv of g with w", "w": "conv of g with y", "b": "sum of g"}
    batch = _in_batch({0: 1, 1: 0, 2: 0}, 1)

    def forward(y, w, b, windows, groups):
        return batch_first(_plus(spread_back(batch_last(y), w, windows, groups), b))


class ConvWeight(Op):
    """The adjoint of `Conv` in its weight: products of outputs with the windows they came from."""

    symbol, public = "conv_w", False
    backward = {
        "y": lambda g, x, windows, groups: Conv.call(x, g, None, windows, groups),
        "x": lambda g, y, windows, groups: ConvInput.call(y, g, None, windows, groups),
    }
    formula = {"y": "conv of x with g", "x": "transposed conv of y with g"}
    batch = _in_groups({0: 1, 1: 1}, 0)

    def forward(y, x, windows, groups):
        return weight_of(batch_last(y), batch_last(x), windows, groups)


def _plus(y: np.ndarray, b: Any) -> np.ndarray:
    """`y` (O, ...), which is the caller's own, plus one number per channel."""
    if b is not None:
        y += b.reshape(-1, *(1,) * (y.ndim - 1))
    return y


def _channel_sums(g: Any) -> Any:
    return g.sum((0, *range(2, g.ndim)))


def _checked(input: Any, weight: Any, bias: Any, dims: int, groups: Any, transposed: bool) -> Any:
    """The operands as tensors (with a batch), and whether the input had one; errors if unfit."""
    name = f"conv{'_transpose' * transposed}{dims}d"
    w, b = as_tensor(weight), None if bias is None else as_tensor(bias)
    x, was_batched = batched(input, dims, name)

    def call() -> str:
        return f"{name}({described(x)}, {described(w)}, {described(b)}, groups={groups})"

    if w.ndim != dims + 2:
        raise ShapeError(f"{call()}: the weight must have {dims + 2} dimensions")
    if x.dtype != w.dtype or (b is not None and b.dtype != w.dtype):
        raise RuntimeError(
            f"{call()}: input, weight and bias must have one dtype; convert with .to(dtype)"
        )
    (groups,) = per_dimension(groups, 1, name, "groups", 1)
    expected = w.shape[0] if transposed else w.shape[1] * groups
    if x.shape[1] != expected:
        raise ShapeError(f"{call()}: expected {expected} input channels, got {x.shape[1]}")
    if w.shape[0] % groups or w.shape[0] == 0:
        raise ShapeError(f"{call()}: the weight's first size must be a multiple of groups")
    out = w.shape[1] * groups if transposed else w.shape[0]
    if b is not None and tuple(b.shape) != (out,):
        raise ShapeError(f"{call()}: the bias must have shape [{out}], one number per channel")
    if 0 in x.shape[2:]:
        raise ShapeError(f"{call()}: the spatial dimensions must not be empty")
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
        return restored(ConvInput.apply(x, w, b, windows, groups), was_batched)

    return spatial(conv_transpose, "conv_transpose", dims, _TRANSPOSE, ConvInput)


conv1d, conv2d, conv3d = _conv(1), _conv(2), _conv(3)
conv_transpose1d, conv_transpose2d = _conv_transpose(1), _conv_transpose(2)
conv_transpose3d = _conv_transpose(3)
