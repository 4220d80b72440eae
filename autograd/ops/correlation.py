"""Correlation of arrays with kernels, and its two adjoints, as matrix products.

All arrays have the batch last, (channels, *spatial, batch), see windows.py.

The products run over the windows of one row (position along the first spatial dimension) after
the other: all other dimensions of the windows are laid out in memory, the first is not, since
windows of neighbouring rows overlap there and a view shows them (Cho & Brand, "MEC:
memory-efficient convolution for deep neural network", 2017).
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from .small_products import most_in_a_piece
from .windows import IN_CACHE, Windows, padded, volume

FEW_COLUMNS = 128  # below, products of one row each are slower than laying out whole windows


def correlated(x: np.ndarray, w: np.ndarray, windows: Windows, groups: int) -> np.ndarray:
    """(O, *out, N) from (C, *size, N) and a weight (O, C / groups, *kernel)."""
    by_rows = _by_rows(windows, x.shape[-1])
    columns = _columns(x, windows, by_rows, groups)
    k = _kernel(w, by_rows, groups).reshape(groups, len(w) // groups, columns.shape[2])
    y = np.empty((len(w), *windows.out, x.shape[-1]), x.dtype)
    _multiply(k, columns, _by_row(y, by_rows, groups))
    return y


def weight_of(y: np.ndarray, x: np.ndarray, windows: Windows, groups: int) -> np.ndarray:
    """The weight's gradient (O, C / groups, *kernel): products of outputs with their windows."""
    by_rows = _by_rows(windows, x.shape[-1])
    columns = _columns(x, windows, by_rows, groups)
    k = _summed_products(columns, _by_row(y, by_rows, groups).swapaxes(2, 3))
    channels = len(x) // groups
    k = k.reshape(groups, by_rows.kernel[0], channels, *by_rows.kernel[1:], k.shape[-1])
    k = np.moveaxis(k, -1, 1).swapaxes(2, 3)
    return k.reshape(len(y), channels, *windows.kernel)


def spread_back(y: np.ndarray, w: np.ndarray, windows: Windows, groups: int) -> np.ndarray:
    """The input's gradient (C, *size, N): each output (O, *out, N) added, weighted, to its window.

    Without a stride that is a correlation with the flipped kernel. With one, the inputs at
    positions of the same remainder meet the same elements of the kernel, and each remainder is
    a correlation of its own. That is faster unless it has far fewer results than terms.
    """
    outputs, channels = len(w) // groups, w.shape[1]
    strided = max(windows.stride) > 1
    if outputs > 2 * channels or (strided and max(windows.dilation) > 1):
        return _added(y, w, windows, groups)
    k = w.reshape(groups, outputs, channels, *windows.kernel).swapaxes(1, 2)
    k = k.reshape(groups * channels, outputs, *windows.kernel)
    x = np.empty((len(k), *windows.size, y.shape[-1]), y.dtype) if strided else None
    for phases in itertools.product(*map(_phases, *windows)):
        taps, inside, places, fields = zip(*phases, strict=True)
        part = np.ascontiguousarray(np.flip(k[:, :, *taps], tuple(range(2, k.ndim))))
        found: Any = 0
        if part.size:
            found = correlated(y[:, *inside], part, Windows(*zip(*fields, strict=True)), groups)
        if x is None:
            return found
        x[:, *places] = found
    assert x is not None
    return x


class _Phase(NamedTuple):
    """The inputs, along one dimension, whose positions have one remainder by the stride."""

    taps: slice  # of the kernel
    inside: slice  # the outputs that count
    places: slice  # of the input
    fields: tuple[int, ...]  # of the `Windows` over the outputs


def _phases(
    size: int, kernel: int, out: int, stride: int, before: int, after: int, dilation: int
) -> Iterator[_Phase]:
    for first in range(min(stride, size)):
        tap = (first + before) % stride
        taps, count = len(range(tap, kernel, stride)), len(range(first, size, stride))
        reach = dilation * (taps - 1)
        start = reach - (first + before - tap) // stride  # the padding; negative: outputs left out
        end = count + reach - start - out
        inside = slice(max(0, -start), max(0, out + min(0, end)))
        padded = (len(range(out)[inside]), taps, count, 1, max(0, start), max(0, end), dilation)
        yield _Phase(slice(tap, None, stride), inside, slice(first, None, stride), padded)


def _added(y: np.ndarray, w: np.ndarray, windows: Windows, groups: int) -> np.ndarray:
    """The same as products that are added to where their windows were."""
    by_rows, n = _by_rows(windows, y.shape[-1]), y.shape[-1]
    channels, stride = w.shape[1], by_rows.stride[0]
    x = np.zeros((groups, channels, *by_rows.padded, n), y.dtype)
    g, k = _by_row(y, by_rows, groups), _kernel(w, by_rows, groups)
    # Each output adds to as many rows of the input as the kernel has, `stride` apart. Those
    # with the same remainder add up in one product, over `taps` outputs in a row.
    for first in range(min(stride, by_rows.kernel[0])):
        part = k[:, :, first::stride][:, :, ::-1]
        taps = part.shape[2]
        m = part.transpose(0, *range(3, part.ndim), 2, 1)
        m = m.reshape(groups, m[0, ..., 0, 0].size, taps * g.shape[2])
        _add_rows(m, _neighbours(g, taps), x[:, :, first::stride], by_rows)
    x = x.reshape(groups * channels, *windows.padded, n)
    return x[:, *windows.inner()]


def _add_rows(m: np.ndarray, g: np.ndarray, x: np.ndarray, windows: Windows) -> None:
    """Adds the products of `m` with the rows of `g` to the rows of `x`, at the kernel's offsets.

    As many rows at once as fit in the cache with their products.
    """
    offsets = list(zip(np.ndindex(windows.kernel[1:]), windows.offsets(1), strict=True))
    rows, size = g.shape[1], m[:, :, 0].size * g.shape[3]
    block = max(1, IN_CACHE // max(size, 1))
    for start in range(0, rows, block):
        terms = g[:, start : start + block]
        sums = np.empty((*terms.shape[:2], m.shape[1], g.shape[3]), g.dtype)
        _multiply(m, terms, sums)
        sums = sums.reshape(
            *sums.shape[:2], x.shape[1], *windows.kernel[1:], *windows.out[1:], x.shape[-1]
        ).swapaxes(1, 2)
        target = x[:, :, start : min(start + block, rows)]
        for offset, slices in offsets:
            part = target[:, :, :, *slices]
            part += sums[:, :, :, *offset]


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
        (groups, rows + taps - 1, taps * channels, width), g.dtype, padded, strides=padded.strides
    )


# Matrices ------------------------------------------------------------------------------------


def _by_rows(windows: Windows, batch: int) -> Windows:
    """The windows with the dimension of their rows in front: their first, or a dummy.

    With the dummy, there is one row, and windows are laid out whole.
    """
    overlaps = windows.kernel[0] > 1 and windows.dilation[0] == 1 and len(windows.kernel) > 1
    if overlaps and volume(windows.out[1:]) * batch >= FEW_COLUMNS:
        return windows
    return windows.after_dummy()


def _columns(x: np.ndarray, windows: Windows, by_rows: Windows, groups: int) -> np.ndarray:
    """The windows over `x` as matrices (groups, rows, elements of a window, positions).

    The elements are in the order of the first spatial dimension, channel, other spatial
    dimensions.
    """
    x = padded(x, windows)
    x = x.reshape(len(x), *by_rows.padded, x.shape[-1])
    windows, channels, n = by_rows, len(x) // groups, x.shape[-1]
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


def _by_row(y: np.ndarray, windows: Windows, groups: int) -> np.ndarray:
    """Outputs (O, *out, N) as matrices (groups, rows, out channels, positions)."""
    columns = volume(windows.out[1:]) * y.shape[-1]
    return y.reshape(groups, len(y) // groups, windows.out[0], columns).swapaxes(1, 2)


def _multiply(k: np.ndarray, columns: np.ndarray, out: np.ndarray) -> None:
    """out[g, r] = k[g] @ columns[g, r] for all groups and rows.

    In pieces that are small products, if they can be wide enough; those are fastest with `k` laid
    out column by column.
    """
    width = columns.shape[-1]
    most = most_in_a_piece(k[0].size)
    if most < 32 or most >= width:
        np.matmul(k[:, None], columns, out=out)
        return
    k = np.ascontiguousarray(k.swapaxes(1, 2)).swapaxes(1, 2)
    pieces = -(-width // most)
    step = min(most, -(-width // pieces) + 31) // 32 * 32
    whole = width // step * step
    np.matmul(k[:, None, None], _pieces(columns, step), out=_pieces(out, step))
    if whole < width:
        np.matmul(k[:, None], columns[..., whole:], out=out[..., whole:])


def _pieces(a: np.ndarray, step: int) -> np.ndarray:
    """(groups, rows, pieces, n, step): what is whole of the columns of (groups, rows, n, width)."""
    whole = a.shape[-1] // step * step
    return a[..., :whole].reshape(*a.shape[:-1], -1, step).swapaxes(2, 3)


def _summed_products(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Σᵢ a[:, i] @ b[:, i]."""
    if a.shape[1] * a.shape[2] * b.shape[3] <= 1 << 20:
        return np.matmul(a, b).sum(1)
    total = np.matmul(a[:, 0], b[:, 0])
    for i in range(1, a.shape[1]):  # large products: not all of them in memory at once
        total += np.matmul(a[:, i], b[:, i])
    return total
