"""Pooling by maximum, and the places the maxima came from.

A maximum is found by comparing, for one kernel element after the other, all windows at once. Where
the gradient has to go is kept as one small number per output: which kernel element won, the first
of equal ones. `Pick` reads at those places and `Place` adds there; each is the other's derivative.
"""

from __future__ import annotations

import math
from functools import reduce
from typing import Any

import numpy as np

from ..batching.folding import folding
from ..creation import as_tensor
from ..errors import ShapeError, described
from ..function import Op
from ..tensor import Tensor, wrap
from .common import passing
from .windows import (
    Windows,
    batch_first,
    batch_last,
    batched,
    blocks,
    padded,
    per_dimension,
    positions,
    restored,
    spatial,
    volume,
)


def lowest(dtype: np.dtype) -> Any:
    """What loses against every number of `dtype`."""
    return -math.inf if dtype.kind == "f" else np.iinfo(dtype).min


class MaxPool(Op):
    symbol, public, saves_on_ctx = "max", False, True
    backward = {"x": lambda g, ctx, windows: Place.call(g, ctx.winner, windows)}
    formula = {"x": "g at the places of the maxima, 0 elsewhere"}
    batch = folding({0: 0}, winner=-1)

    def forward(ctx, x, windows):
        if any(ctx.needs_input_grad):
            best, ctx.winner = _best(x, windows)
            return batch_first(best)
        a = padded(batch_last(x), windows, lowest(x.dtype))
        slices = [a[:, *s] for s in windows.offsets()]
        return batch_first(reduce(np.maximum, slices[1:], slices[0].copy()))


def _best(x: np.ndarray, windows: Windows) -> tuple[np.ndarray, np.ndarray]:
    """The maxima and the numbers of the kernel elements that met them; NaN wins, as in PyTorch."""
    a = padded(batch_last(x), windows, lowest(x.dtype))
    offsets = list(windows.offsets())
    number = np.uint8 if len(offsets) <= 256 else np.int32
    best = np.empty((len(a), *windows.out, a.shape[-1]), a.dtype)
    winner = np.zeros(best.shape, number)
    with_nan = a.dtype.kind == "f" and np.isnan(a.max(initial=0))
    first = _first_inside(windows) if windows.padded != windows.size else None
    for block in blocks(len(a), math.prod(best.shape[1:])):
        maximum, number_of_it = best[block], winner[block]
        maximum[...] = a[block, *offsets[0]]
        better = np.empty(maximum.shape, np.bool_)
        for k, s in enumerate(offsets[1:], 1):
            np.greater(a[block, *s], maximum, out=better)
            if with_nan:
                better |= np.isnan(a[block, *s])
            if first is not None:
                better |= first == k
            # Later elements have larger numbers, so the maximum is the last that was better.
            np.maximum(number_of_it, better.view(np.uint8) * number(k), out=number_of_it)
            np.maximum(maximum, a[block, *s], out=maximum)
    return best, winner


def _first_inside(windows: Windows) -> np.ndarray:
    """For each window its first kernel element that does not meet padding, (*out, 1)."""
    inside = np.zeros(windows.padded, np.bool_)
    inside[windows.inner()] = True
    return np.argmax([inside[s] for s in windows.offsets()], 0)[..., None]


class Place(Op):
    """Zeros of the input's size with each of x added at its winner: the adjoint of `Pick`."""

    public = False
    backward = {"x": lambda g, winner, windows: Pick.call(g, winner, windows)}
    formula = {"x": "g at the winners"}
    batch = folding({0: 0, 1: -1})

    def forward(x, winner, windows):
        x = batch_last(x)
        shape = (len(x), *windows.padded, x.shape[-1])
        tiles = windows.stride == windows.kernel and set(windows.dilation) == {1}
        if tiles and math.prod(windows.padded) == math.prod(windows.kernel) * math.prod(
            windows.out
        ):
            out = np.empty(shape, x.dtype)  # every element belongs to exactly one window
        else:
            out = np.zeros(shape, x.dtype)
        for block in blocks(len(x), math.prod(x.shape[1:])):
            for k, s in enumerate(windows.offsets()):
                if tiles:
                    passing(x[block], winner[block] == k, out[block, *s])
                else:
                    out[block, *s] += passing(x[block], winner[block] == k)
        return batch_first(out[:, *windows.inner()])


class Pick(Op):
    """The element of each window that is its winner."""

    public = False
    backward = {"x": lambda g, winner, windows: Place.call(g, winner, windows)}
    formula = {"x": "g at the winners, 0 elsewhere"}
    batch = folding({0: 0, 1: -1})

    def forward(x, winner, windows):
        a = padded(batch_last(x), windows)
        out = np.zeros(winner.shape, a.dtype)
        for k, s in enumerate(windows.offsets()):
            np.copyto(out, a[:, *s], where=winner == k)
        return batch_first(out)


def _places(winner: np.ndarray, windows: Windows) -> np.ndarray:
    """The winners (C, *out, N) as positions in the flattened spatial dimensions of the input."""
    index = np.zeros((1,) * winner.ndim, np.int64)
    within = np.unravel_index(winner, windows.kernel)
    for d, offset in enumerate(within):
        first = np.arange(windows.out[d]) * windows.stride[d] - windows.before[d]
        first = first.reshape(-1, *(1,) * (len(windows.out) - d))
        index = index * windows.size[d] + first + offset * windows.dilation[d]
    return index


def _max_pool(dims: int) -> Any:
    def max_pool(
        input: Tensor,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        dilation: Any = 1,
        ceil_mode: bool = False,
        return_indices: bool = False,
    ) -> Any:
        name = f"max_pool{dims}d"
        x, was_batched = batched(input, dims, name)
        windows = pooling_windows(x, kernel_size, stride, padding, dilation, ceil_mode, dims, name)
        if x.dtype == np.bool_:
            raise NotImplementedError(f"{name}: not for bool tensors")
        if not return_indices:
            return restored(MaxPool.apply(x, windows), was_batched)
        winner = _best(x._data, windows)[1]
        places = wrap(np.ascontiguousarray(batch_first(_places(winner, windows))))
        values = Pick.apply(x, winner, windows)
        return restored(values, was_batched), restored(places, was_batched)

    return spatial(max_pool, "max_pool", dims, _MAX_POOL, MaxPool, reads_values=True)


_MAX_POOL = """The largest element of each window.

    Args:
        input: of shape (N, C, {sizes}) or (C, {sizes}).
        kernel_size: the size of a window; a number, or one per spatial dimension, as all below.
        stride: the distance of windows (default: their size, so that they tile the input).
        padding: what counts as -inf on both sides; at most half the kernel.
        dilation: the distance of a window's elements.
        ceil_mode: whether windows may reach beyond the end.
        return_indices: also give the places of the maxima in the flattened spatial dimensions.

    The gradient goes to the first of equal elements.

    >>> import autograd, nn
    >>> nn.functional.max_pool{dims}d(autograd.ones(2, 3, {fours}), 2).shape
    Size([2, 3, {twos}])
    """


def pooling_windows(
    x: Tensor,
    kernel_size: Any,
    stride: Any,
    padding: Any,
    dilation: Any,
    ceil_mode: bool,
    dims: int,
    name: str,
) -> Windows:
    """The windows of a pooling operation, after PyTorch's checks."""
    kernel = per_dimension(kernel_size, dims, name, "kernel_size", 1)
    if stride is None or (isinstance(stride, (tuple, list)) and not stride):
        stride = kernel
    stride = per_dimension(stride, dims, name, "stride", 1)
    padding = per_dimension(padding, dims, name, "padding", 0)
    dilation = per_dimension(dilation, dims, name, "dilation", 1)
    if any(2 * p > d * (k - 1) + 1 for p, k, d in zip(padding, kernel, dilation, strict=True)):
        raise RuntimeError(
            f"{name}: padding {padding} must be at most half of the kernel {kernel}, or whole "
            "windows would be padding"
        )
    if 0 in x.shape[1:]:
        raise ShapeError(f"{name}: only the batch can be empty, got {described(x)}")
    size = tuple(x._data.shape[2:])
    return positions(size, kernel, stride, padding, padding, dilation, name, bool(ceil_mode))


max_pool1d, max_pool2d, max_pool3d = _max_pool(1), _max_pool(2), _max_pool(3)


def _max_unpool(dims: int) -> Any:
    def max_unpool(
        input: Tensor,
        indices: Tensor,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        output_size: Any = None,
    ) -> Tensor:
        name = f"max_unpool{dims}d"
        x, was_batched = batched(input, dims, name)
        places = batched(indices, dims, name)[0]
        if places.shape != x.shape:
            raise ShapeError(
                f"{name}: the indices {described(places)} must have the shape of the input "
                f"{described(x)}"
            )
        kernel = per_dimension(kernel_size, dims, name, "kernel_size", 1)
        stride = per_dimension(kernel if stride is None else stride, dims, name, "stride", 1)
        padding = per_dimension(padding, dims, name, "padding", 0)
        default = tuple(
            (n - 1) * s - 2 * p + k
            for n, s, p, k in zip(x.shape[2:], stride, padding, kernel, strict=True)
        )
        size = default if output_size is None else tuple(output_size)[-dims:]
        if len(size) != dims or any(
            not d - s < n < d + s for n, d, s in zip(size, default, stride, strict=True)
        ):
            raise ValueError(
                f"{name}: output_size {output_size} must differ from {default} by less than the "
                f"stride {stride}"
            )
        zeros = wrap(np.zeros((*x.shape[:2], math.prod(size)), x.dtype))
        flat = zeros.scatter(2, places.flatten(2), x.flatten(2))
        return restored(flat.reshape(*x.shape[:2], *size), was_batched)

    return spatial(max_unpool, "max_unpool", dims, _MAX_UNPOOL)


_MAX_UNPOOL = """Puts the results of `max_pool{dims}d` back at their places, among zeros.

    Args:
        input: the results.
        indices: what `max_pool{dims}d` with `return_indices=True` gave beside them.
        kernel_size, stride, padding: as given to it.
        output_size: the size it was applied to, where several would have given this result.

    >>> import autograd, nn
    >>> x = autograd.ones(1, 1, {fours})
    >>> values, places = nn.functional.max_pool{dims}d(x, 2, return_indices=True)
    >>> nn.functional.max_unpool{dims}d(values, places, 2).shape
    Size([1, 1, {fours}])
    """

max_unpool1d, max_unpool2d, max_unpool3d = _max_unpool(1), _max_unpool(2), _max_unpool(3)


def _adaptive_max_pool(dims: int) -> Any:
    def adaptive_max_pool(input: Tensor, output_size: Any, return_indices: bool = False) -> Any:
        name = f"adaptive_max_pool{dims}d"
        x, was_batched = batched(input, dims, name)
        size, out = x._data.shape[2:], output_sizes(output_size, x, dims, name)
        kernel = tuple(n // max(m, 1) for n, m in zip(size, out, strict=True))
        even = all(n == m * k for n, m, k in zip(size, out, kernel, strict=True))
        # MaxPool goes over the places in a window, what follows over the windows.
        if even and volume(kernel) <= volume(out) and not return_indices:
            windows = pooling_windows(x, kernel, None, 0, 1, False, dims, name)
            return restored(MaxPool.apply(x, windows), was_batched)
        places = np.empty((*x.shape[:2], *out), np.int64)
        for index in np.ndindex(out):
            box = [bin_of(i, n, m) for i, n, m in zip(index, size, out, strict=True)]
            part = x._data[:, :, *(slice(a, b) for a, b in box)]
            within = np.unravel_index(
                part.reshape(*x.shape[:2], volume(part.shape[2:])).argmax(-1), part.shape[2:]
            )
            starts = [a + w for (a, _), w in zip(box, within, strict=True)]
            places[:, :, *index] = np.ravel_multi_index(starts, size)
        indices = wrap(places)
        values = x.flatten(2).gather(2, indices.flatten(2)).reshape(places.shape)
        values, indices = restored(values, was_batched), restored(indices, was_batched)
        return (values, indices) if return_indices else values

    return spatial(
        adaptive_max_pool, "adaptive_max_pool", dims, _ADAPTIVE_MAX_POOL, reads_values=True
    )


_ADAPTIVE_MAX_POOL = """The largest elements of `output_size` windows of nearly one size.

    Args:
        input: of shape (N, C, ...) or (C, ...), with {dims} spatial dimensions.
        output_size: a number, or one per spatial dimension; None keeps a size.
        return_indices: also give the places of the maxima in the flattened spatial dimensions.

    >>> import autograd, nn
    >>> nn.functional.adaptive_max_pool{dims}d(autograd.ones(2, 3, {fives}), 2).shape
    Size([2, 3, {twos}])
    """


def output_sizes(output_size: Any, x: Tensor, dims: int, name: str) -> tuple[int, ...]:
    """`output_size` with the input's own size for None."""
    sizes = output_size if isinstance(output_size, (tuple, list)) else (output_size,) * dims
    filled = [n if m is None else m for n, m in zip(x.shape[2:], sizes, strict=False)]
    if len(sizes) != dims:
        raise RuntimeError(f"{name}: output_size must be one number or {dims}, got {output_size!r}")
    if 0 in x.shape[1:]:
        raise ShapeError(f"{name}: only the batch can be empty, got {described(as_tensor(x))}")
    return per_dimension(filled, dims, name, "output_size", 0)


def bin_of(i: int, n: int, m: int) -> tuple[int, int]:
    """Where the i-th of `m` windows over `n` elements begins and ends."""
    return i * n // m, -(-(i + 1) * n // m)


adaptive_max_pool1d, adaptive_max_pool2d = _adaptive_max_pool(1), _adaptive_max_pool(2)
adaptive_max_pool3d = _adaptive_max_pool(3)
