"""Sampling images at positions that are themselves computed: spatial transformers.

Jaderberg et al., "Spatial transformer networks", 2015.
"""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from ..creation import linspace
from ..errors import ShapeError, described
from ..registry import public
from ..tensor import Tensor, wrap
from .indexing import IndexSelect
from .where import where

Tap = tuple[np.ndarray, Any]  # which element along a dimension, and its weight


@public(namespace="nn.functional")
def affine_grid(theta: Tensor, size: Any, align_corners: bool | None = None) -> Tensor:
    """The positions for `grid_sample` that transform images by the affine maps `theta`.

    Args:
        theta: of shape (N, 2, 3), or (N, 3, 4) for volumes.
        size: of the result of `grid_sample`, (N, C, H, W) or (N, C, D, H, W).
        align_corners: whether -1 and 1 are the centres of the corners, or their outer edges.

    Returns (N, H, W, 2) or (N, D, H, W, 3), coordinates x, y (and z) in [-1, 1].

    >>> import autograd, nn
    >>> identity = autograd.tensor([[[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]])
    >>> nn.functional.affine_grid(identity, (1, 1, 2, 2))[0, :, :, 0]
    tensor([[-0.5000,  0.5000],
            [-0.5000,  0.5000]])
    """
    n, _, *sizes = size = tuple(size)
    dims = len(sizes)
    if theta.dtype.kind != "f":
        raise ValueError(f"affine_grid: theta must be floating, got {described(theta)}")
    if dims not in (2, 3) or tuple(theta.shape) != (n, dims, dims + 1):
        raise (NotImplementedError if dims not in (2, 3) else ValueError)(
            f"affine_grid: expected theta of shape (N, 2, 3) and size (N, C, H, W), or (N, 3, 4) "
            f"and (N, C, D, H, W); got {described(theta)} and {size}"
        )
    if min(size) < 1:
        raise ValueError(f"affine_grid: sizes must be positive, got {size}")
    # At the identity, where spatial transformers begin, the points are those of the input, and
    # rounding decides to which side the gradient looks: these are PyTorch's roundings.
    axes = [linspace(-1, 1, m, dtype=theta.dtype)._data if m > 1 else np.zeros(1) for m in sizes]
    if not align_corners:
        axes = [axis * (m - 1) / m for axis, m in zip(axes, sizes, strict=True)]
    base = np.ones((*sizes, dims + 1), theta.dtype)
    for d, axis in enumerate(axes):  # the last size is that of x, the first coordinate
        base[..., dims - 1 - d] = axis.reshape(-1, *(1,) * (dims - 1 - d))
    points = wrap(base.reshape(-1, dims + 1)) @ theta.transpose(1, 2)
    return points.reshape(n, *sizes, dims)


@public(namespace="nn.functional")
def grid_sample(
    input: Tensor,
    grid: Tensor,
    mode: str = "bilinear",
    padding_mode: str = "zeros",
    align_corners: bool | None = None,
) -> Tensor:
    """The values of `input` at the positions in `grid`.

    Args:
        input: of shape (N, C, H, W) or (N, C, D, H, W).
        grid: of shape (N, *out, 2) or (N, *out, 3), coordinates x, y (and z); the input extends
            from -1 to 1.
        mode: "bilinear" (also for volumes), "nearest" or "bicubic" (for images).
        padding_mode: outside, the input continues with "zeros", its "border" or its
            "reflection".
        align_corners: whether -1 and 1 are the centres of the corners, or their outer edges.

    Returns (N, C, *out).

    >>> import autograd, nn
    >>> x = autograd.tensor([[[[1.0, 2.0], [3.0, 4.0]]]])
    >>> nn.functional.grid_sample(x, autograd.zeros(1, 1, 1, 2))
    tensor([[[[2.5000]]]])
    """
    dims = input.ndim - 2
    if mode not in ("bilinear", "nearest", "bicubic"):
        raise ValueError(f"grid_sample: mode must be bilinear, nearest or bicubic, got {mode!r}")
    if padding_mode not in ("zeros", "border", "reflection"):
        raise ValueError(
            f"grid_sample: padding_mode must be zeros, border or reflection, got {padding_mode!r}"
        )
    if (
        dims not in (2, 3)
        or grid.ndim != input.ndim
        or grid.shape[0] != input.shape[0]
        or grid.shape[-1] != dims
        or 0 in input.shape[2:]
    ):
        raise ShapeError(
            f"grid_sample: expected an input (N, C, H, W) or (N, C, D, H, W), not empty, and a "
            f"grid (N, *out, 2) or (N, *out, 3); got {described(input)} and {described(grid)}"
        )
    if input.dtype != grid.dtype:
        raise RuntimeError(
            f"grid_sample: input and grid must have one dtype, got {input.dtype} and {grid.dtype}"
        )
    if mode == "bicubic" and dims == 3:
        raise RuntimeError("grid_sample: bicubic is for images (N, C, H, W) only")
    n, channels, *sizes = input.shape
    rows = input.movedim(1, -1).reshape(-1, channels)
    points = grid.reshape(n, -1, dims)
    taps = [
        _taps(points[:, :, dims - 1 - d], sizes[d], mode, padding_mode, bool(align_corners))
        for d in range(dims)
    ]
    total: Any = None
    for combination in itertools.product(*taps):
        index = np.arange(n)[:, None]
        weight: Any = None
        for m, (i, w) in zip(sizes, combination, strict=True):
            index = index * m + i
            weight = w if weight is None else weight * w
        values = IndexSelect.apply(rows, 0, index.reshape(-1))
        part = values * weight.reshape(-1, 1)
        total = part if total is None else total + part
    return total.reshape(*grid.shape[:-1], channels).movedim(-1, 1)


def _taps(x: Any, size: int, mode: str, padding: str, corners: bool) -> list[Tap]:
    """What the positions `x` along one dimension, in [-1, 1], are made of."""
    x = (x + 1) * ((size - 1) / 2) if corners else ((x + 1) * size - 1) / 2
    if mode != "bicubic":
        x = _moved_inside(x, size, padding, corners)
    if mode == "nearest":
        return [_tap(np.rint(x._data), wrap(np.ones_like(x._data)), size)]
    left = np.floor(x._data)
    t = x - wrap(left)
    if mode == "bilinear":
        return [_tap(left, 1 - t, size), _tap(left + 1, t, size)]
    found = []
    for k, distance in enumerate((t + 1, t, 1 - t, 2 - t), -1):
        place = _moved_inside(wrap(left + k), size, padding, corners)._data
        found.append(_tap(place, _keys(distance, far=k in (-1, 2)), size))
    return found


@np.errstate(all="ignore")  # positions may be infinite or NaN
def _tap(place: np.ndarray, weight: Any, size: int) -> Tap:
    """An index that exists, and the weight, 0 where the place does not."""
    inside = (place >= 0) & (place < size)  # False for NaN
    index = np.where(inside, place, 0).astype(np.int64)
    return index, weight * wrap(inside.astype(place.dtype))


def _keys(d: Any, far: bool, a: float = -0.75) -> Any:
    """Keys' cubic kernel at a distance below 1, or between 1 and 2."""
    if far:
        return ((d - 5) * d + 8) * d * a - 4 * a
    return ((a + 2) * d - (a + 3)) * d * d + 1


@np.errstate(all="ignore")
def _moved_inside(x: Any, size: int, padding: str, corners: bool) -> Any:
    """Positions outside moved to the border, or reflected at it.

    Both are ±x + constant, piece by piece.
    """
    if padding == "zeros":
        return x
    place, slope = x._data, np.ones_like(x._data)
    if padding == "reflection":
        low, span = (0.0, size - 1.0) if corners else (-0.5, float(size))
        if span == 0:
            place, slope = np.zeros_like(place), np.zeros_like(place)
        else:
            slope = np.where(place < low, -1, 1)
            distance = np.abs(place - low)
            flips = np.floor(distance / span)
            rest = distance - flips * span
            odd = flips % 2 == 1
            place = np.where(odd, span - rest, rest) + low
            slope = np.where(odd, -slope, slope)
    inside = (place > 0) & (place < size - 1)
    place = np.clip(np.nan_to_num(place), 0, size - 1).astype(x.dtype)
    slope = slope.astype(x.dtype)
    constant = np.where(inside, place - slope * x._data, 0).astype(x.dtype)
    return where(wrap(inside), x * wrap(slope) + wrap(constant), wrap(place))
