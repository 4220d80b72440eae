"""Pooling by average and by p-norm. A sum over windows is separable: one dimension at a time."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..batching.folding import folding
from ..function import Op
from ..tensor import Tensor
from .common import floating_only
from .pooling import max_pool1d, max_pool2d, max_pool3d, output_sizes, pooling_windows
from .resample import Resample, averages
from .windows import Windows, batch_first, batch_last, batched, padded, restored, spatial


class AvgPool(Op):
    symbol, public = "mean", False
    backward = {"x": lambda g, windows, divisor: AvgSpread.call(g, windows, divisor)}
    formula = {"x": "g / divisor added to each window"}
    batch = folding({0: 0})

    def forward(x, windows, divisor):
        a = padded(batch_last(x), windows)
        for slices in _axes(windows):
            total = a[slices[0]]
            for k, s in enumerate(slices[1:]):
                total = np.add(total, a[s], out=total if k else None)
            a = total
        # PyTorch divides integers too, and drops the fraction.
        return batch_first((a / divisor).astype(x.dtype, copy=False))


class AvgSpread(Op):
    """The adjoint of `AvgPool`."""

    public = False
    backward = {"x": lambda g, windows, divisor: AvgPool.call(g, windows, divisor)}
    formula = {"x": "the average of each window of g"}
    batch = folding({0: 0})

    def forward(x, windows, divisor):
        a = batch_last(x) / divisor
        for d, slices in reversed(list(enumerate(_axes(windows)))):
            shape = [*a.shape]
            shape[d + 1] = windows.padded[d]
            total = np.zeros(shape, a.dtype)
            for s in slices:
                total[s] += a
            a = total
        return batch_first(a[:, *windows.inner()])


def _axes(windows: Windows) -> list[list[tuple[slice, ...]]]:
    """For each spatial dimension, the slices that meet the kernel's elements along it."""
    found = []
    for d, (k, n, s) in enumerate(zip(windows.kernel, windows.out, windows.stride, strict=True)):
        before = (slice(None),) * (d + 1)
        found.append([(*before, slice(i, i + (n - 1) * s + 1, s)) for i in range(k)])
    return found


def _counts(windows: Windows, count_padding: bool, dtype: Any) -> Any:
    """How many elements each window averages; one number where all have the same.

    What a window has beyond the padding (with ceil_mode) never counts.
    """
    total: Any = 1
    for d, (n, padding) in enumerate(zip(windows.size, windows.before, strict=True)):
        start = np.arange(windows.out[d]) * windows.stride[d] - padding
        end = np.minimum(start + windows.kernel[d], n + padding)
        if not count_padding:
            start, end = np.maximum(start, 0), np.minimum(end, n)
        total = total * (end - start).reshape(-1, *(1,) * (len(windows.size) - d))
    return total.flat[0].item() if (total == total.flat[0]).all() else total.astype(dtype)


def _avg_pool(dims: int) -> Any:
    def pooled(
        input: Tensor,
        kernel_size: Any,
        stride: Any,
        padding: Any,
        ceil_mode: bool,
        count_include_pad: bool,
        divisor: int | None,
    ) -> Tensor:
        name = f"avg_pool{dims}d"
        x, was_batched = batched(input, dims, name)
        windows = pooling_windows(x, kernel_size, stride, padding, 1, ceil_mode, dims, name)
        floating_only(name, x, np.int64)
        if divisor == 0:
            raise RuntimeError(f"{name}: divisor_override must not be 0")
        kind = x.dtype if x.dtype.kind == "f" else np.int64
        counts = divisor or _counts(windows, count_include_pad, kind)
        return restored(AvgPool.apply(x, windows, counts), was_batched)

    if dims == 1:

        def avg_pool(
            input: Tensor,
            kernel_size: Any,
            stride: Any = None,
            padding: Any = 0,
            ceil_mode: bool = False,
            count_include_pad: bool = True,
        ) -> Tensor:
            return pooled(input, kernel_size, stride, padding, ceil_mode, count_include_pad, None)

        return spatial(avg_pool, "avg_pool", 1, _AVG_POOL.replace(_OVERRIDE, ""), AvgPool)

    def avg_pool_nd(
        input: Tensor,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: int | None = None,
    ) -> Tensor:
        return pooled(
            input, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override
        )

    return spatial(avg_pool_nd, "avg_pool", dims, _AVG_POOL, AvgPool)


_OVERRIDE = """        divisor_override: a number to divide by instead.
"""
_AVG_POOL = f"""The mean of each window.

    Args:
        input: of shape (N, C, {{sizes}}) or (C, {{sizes}}).
        kernel_size: the size of a window; a number, or one per spatial dimension, as all below.
        stride: the distance of windows (default: their size, so that they tile the input).
        padding: zeros added on both sides; at most half the kernel.
        ceil_mode: whether windows may reach beyond the end; what lies there does not count.
        count_include_pad: whether the zeros of the padding count.
{_OVERRIDE}
    >>> import autograd, nn
    >>> nn.functional.avg_pool{{dims}}d(autograd.ones(2, 3, {{fours}}), 2).shape
    Size([2, 3, {{twos}}])
    """

avg_pool1d, avg_pool2d, avg_pool3d = _avg_pool(1), _avg_pool(2), _avg_pool(3)


def _adaptive_avg_pool(dims: int) -> Any:
    def adaptive_avg_pool(input: Tensor, output_size: Any) -> Tensor:
        name = f"adaptive_avg_pool{dims}d"
        x, was_batched = batched(input, dims, name)
        floating_only(name, x)
        size, out = tuple(x._data.shape[2:]), output_sizes(output_size, x, dims, name)
        if all(m and n % m == 0 for n, m in zip(size, out, strict=True)):
            kernel = tuple(n // m for n, m in zip(size, out, strict=True))
            windows = pooling_windows(x, kernel, None, 0, 1, False, dims, name)
            return restored(AvgPool.apply(x, windows, math.prod(kernel)), was_batched)
        for axis, (n, m) in enumerate(zip(size, out, strict=True), 2):
            x = Resample.apply(x, axis, averages(n, m))
        return restored(x, was_batched)

    return spatial(adaptive_avg_pool, "adaptive_avg_pool", dims, _ADAPTIVE_AVG_POOL, AvgPool)


_ADAPTIVE_AVG_POOL = """The means of `output_size` windows of nearly one size.

    Args:
        input: of shape (N, C, {sizes}) or (C, {sizes}).
        output_size: a number, or one per spatial dimension; None keeps a size.

    >>> import autograd, nn
    >>> nn.functional.adaptive_avg_pool{dims}d(autograd.ones(2, 3, {fives}), 2).shape
    Size([2, 3, {twos}])
    """

adaptive_avg_pool1d, adaptive_avg_pool2d = _adaptive_avg_pool(1), _adaptive_avg_pool(2)
adaptive_avg_pool3d = _adaptive_avg_pool(3)


def _lp_pool(dims: int) -> Any:
    average = (avg_pool1d, avg_pool2d, avg_pool3d)[dims - 1]
    largest = (max_pool1d, max_pool2d, max_pool3d)[dims - 1]

    def lp_pool(
        input: Tensor,
        norm_type: float,
        kernel_size: Any,
        stride: Any = None,
        ceil_mode: bool = False,
    ) -> Tensor:
        kernel = kernel_size if isinstance(kernel_size, (tuple, list)) else (kernel_size,) * dims
        if math.isinf(norm_type):
            sign = 1 if norm_type > 0 else -1
            return sign * largest(sign * input.abs(), kernel_size, stride, 0, 1, ceil_mode)
        mean = average(input**norm_type, kernel_size, stride, 0, ceil_mode)
        total = mean.sign() * mean.abs().relu() * math.prod(kernel)
        return total ** (1.0 / norm_type)

    return spatial(lp_pool, "lp_pool", dims, _LP_POOL)


_LP_POOL = """The p-norm of each window: (Σ xᵖ)^(1/p).

    Args:
        input: of shape (N, C, {sizes}) or (C, {sizes}).
        norm_type: p.
        kernel_size: the size of a window; a number, or one per spatial dimension.
        stride: the distance of windows (default: their size).
        ceil_mode: whether windows may reach beyond the end.

    Windows of sum 0 have no finite gradient, as in PyTorch.

    >>> import autograd, nn
    >>> nn.functional.lp_pool{dims}d(autograd.ones(2, 3, {fours}), 2, 2).shape
    Size([2, 3, {twos}])
    """

lp_pool1d, lp_pool2d, lp_pool3d = _lp_pool(1), _lp_pool(2), _lp_pool(3)
