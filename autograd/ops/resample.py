"""Resampling along one dimension: each output is a weighted sum of a few inputs, its taps.

Interpolation in all its modes, adaptive average pooling and resizing by area are this operation
along one spatial dimension after the other; they differ only in the taps.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from ..function import Op


class Taps(NamedTuple):
    """For each of m outputs the t inputs it is made of; along each column of `index`, the inputs
    never go back."""

    size: int  # of the input
    index: np.ndarray  # type: ignore[assignment]  # (m, t); hides tuple.index
    weight: np.ndarray | None  # (m, t), None: a single tap of weight 1


class Resample(Op):
    public = False
    backward = {"x": lambda g, axis, taps: Spread.call(g, axis, taps)}
    formula = {"x": "g times its weights, added at the taps"}

    def forward(x, axis, taps):
        if taps.weight is None:
            return x.take(taps.index[:, 0], axis)
        return sum(
            x.take(taps.index[:, t], axis) * _weight(taps, t, axis, x)
            for t in range(taps.index.shape[1])
        )


class Spread(Op):
    """The adjoint of `Resample`."""

    public = False
    backward = {"x": lambda g, axis, taps: Resample.call(g, axis, taps)}
    formula = {"x": "the weighted sum of the taps of g"}

    def forward(x, axis, taps):
        out = np.zeros_like(x, shape=(*x.shape[:axis], taps.size, *x.shape[axis + 1 :]))
        before = (slice(None),) * axis
        for t in range(taps.index.shape[1]):
            # A column is sorted, so that the outputs of one input are neighbours.
            inputs, starts = np.unique(taps.index[:, t], return_index=True)
            if len(starts):
                weighted = x if taps.weight is None else x * _weight(taps, t, axis, x)
                out[(*before, inputs)] += np.add.reduceat(weighted, starts, axis)
        return out


def _weight(taps: Taps, t: int, axis: int, x: np.ndarray) -> np.ndarray:
    assert taps.weight is not None
    weight = taps.weight[:, t].astype(x.dtype)
    return weight.reshape(-1, *(1,) * (x.ndim - axis - 1))


def averages(n: int, m: int) -> Taps:
    """The means over `m` parts of nearly one size, which overlap where they must."""
    i = np.arange(m)
    start, end = i * n // m, -(-(i + 1) * n // m)
    t = np.arange((end - start).max(initial=1))
    inside = start[:, None] + t < end[:, None]
    index = np.minimum(start[:, None] + t, end[:, None] - 1)
    return Taps(n, index, inside / (end - start)[:, None])


# Interpolation. Where PyTorch computes in the precision of the input, so does this: positions
# that are integers up to rounding must fall on the same side.


def nearest(n: int, m: int, scale: float | None, exact: bool) -> Taps:
    """One tap each: at ⌊i n / m⌋, or with `exact` at ⌊(i + 1/2) n / m⌋."""
    ratio = _ratio(n, m, scale, np.dtype(np.float32))
    i = np.arange(m).astype(np.float32)
    index = np.floor((i + np.float32(0.5)) * ratio if exact else i * ratio).astype(np.int64)
    return Taps(n, np.minimum(index, n - 1)[:, None], None)


def linear(n: int, m: int, scale: float | None, corners: bool, dtype: np.dtype) -> Taps:
    """The two neighbours of a position, by their distance."""
    if n == m:  # a scale that rounding turned into 1
        scale = None
    position = np.maximum(_positions(n, m, scale, corners, dtype), 0)
    left = np.minimum(np.floor(position).astype(np.int64), n - 1)
    part = np.clip(position - left, 0, 1).astype(dtype)
    index = np.stack([left, np.minimum(left + 1, n - 1)], -1)
    return Taps(n, index, np.stack([1 - part, part], -1))


def cubic(n: int, m: int, scale: float | None, corners: bool, dtype: np.dtype) -> Taps:
    """The four neighbours of a position, by Keys' kernel with a = -3/4."""
    position = _positions(n, m, scale, corners, dtype)
    left = np.minimum(np.floor(position).astype(np.int64), n - 1)
    part = np.clip(position - left, 0, 1).astype(dtype)
    offsets = np.arange(-1, 3)
    index = np.clip(left[:, None] + offsets, 0, n - 1)
    return Taps(n, index, _keys(np.abs(part[:, None] - offsets), -0.75).astype(dtype))


def antialiased(
    n: int, m: int, scale: float | None, corners: bool, dtype: np.dtype, is_cubic: bool
) -> Taps:
    """All inputs under the interpolation kernel, which is stretched when sizes shrink."""
    ratio = float(_scale(n, m, scale, corners, dtype))
    stretch = max(ratio, 1.0)
    reach = (2.0 if is_cubic else 1.0) * stretch
    centre = ratio * (np.arange(m) + 0.5)
    start = np.maximum((centre - reach + 0.5).astype(np.int64), 0)
    end = np.minimum((centre + reach + 0.5).astype(np.int64), n)
    t = np.arange((end - start).max(initial=0))
    index = start[:, None] + t
    distance = np.abs((index - centre[:, None] + 0.5) / stretch)
    kernel: Callable[[np.ndarray], np.ndarray] = (
        (lambda d: _keys(d, -0.5)) if is_cubic else (lambda d: np.maximum(1 - d, 0))
    )
    weight = np.where(index < end[:, None], kernel(distance), 0)
    weight /= weight.sum(-1, keepdims=True)
    return Taps(n, np.minimum(index, end[:, None] - 1), weight)


def _keys(d: np.ndarray, a: float) -> np.ndarray:
    """Keys, "Cubic convolution interpolation for digital image processing", 1981."""
    near = ((a + 2) * d - (a + 3)) * d * d + 1
    far = ((d - 5) * d + 8) * d * a - 4 * a
    return np.where(d <= 1, near, np.where(d < 2, far, 0))


def _ratio(n: int, m: int, scale: float | None, dtype: np.dtype) -> Any:
    return dtype.type(1 / scale) if scale else dtype.type(n) / dtype.type(max(m, 1))


def _scale(n: int, m: int, scale: float | None, corners: bool, dtype: np.dtype) -> Any:
    """The distance of neighbouring outputs, in inputs."""
    if not corners:
        return _ratio(n, m, scale, dtype)
    return dtype.type(n - 1) / dtype.type(m - 1) if m > 1 else dtype.type(0)


def _positions(n: int, m: int, scale: float | None, corners: bool, dtype: np.dtype) -> np.ndarray:
    """Where the outputs lie among the inputs: corner on corner, or centre among pixels."""
    step = _scale(n, m, scale, corners, dtype)
    i = np.arange(m).astype(dtype)
    half = dtype.type(0.5)
    return i * step if corners else (i + half) * step - half
