"""Resizing images, volumes and signals."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from ..errors import described
from ..registry import public
from ..tensor import Tensor
from .averaging import adaptive_avg_pool1d, adaptive_avg_pool2d, adaptive_avg_pool3d
from .common import floating_only
from .resample import Resample, Taps, antialiased, cubic, linear, nearest

_DIMENSIONS = {
    "nearest": (1, 2, 3),
    "nearest-exact": (1, 2, 3),
    "area": (1, 2, 3),
    "linear": (1,),
    "bilinear": (2,),
    "bicubic": (2,),
    "trilinear": (3,),
}
_WITH_CORNERS = ("linear", "bilinear", "bicubic", "trilinear")


@public(namespace="nn.functional", op=Resample)
def interpolate(
    input: Tensor,
    size: Any = None,
    scale_factor: Any = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
    recompute_scale_factor: bool | None = None,
    antialias: bool = False,
) -> Tensor:
    """`input` resized to `size`, or by `scale_factor`.

    Args:
        input: of shape (N, C, *spatial), with 1 to 3 spatial dimensions.
        size: of the result; a number, or one per spatial dimension.
        scale_factor: what sizes are multiplied by (and rounded down); instead of `size`.
        mode: "nearest", "nearest-exact" (which has no bias), "area" (averages), or by the number
            of spatial dimensions "linear", "bilinear", "bicubic", "trilinear".
        align_corners: whether the corners' centres stay where they are, or the corners; for the
            linear and cubic modes.
        recompute_scale_factor: whether positions come from the sizes, not from `scale_factor`.
        antialias: whether shrinking averages over all that is left out; for "bilinear" and
            "bicubic".

    >>> import autograd, nn
    >>> nn.functional.interpolate(autograd.tensor([[[1.0, 2.0]]]), scale_factor=2)
    tensor([[[1., 1., 2., 2.]]])
    >>> nn.functional.interpolate(autograd.tensor([[[1.0, 2.0]]]), size=4, mode="linear")
    tensor([[[1.0000, 1.2500, 1.7500, 2.0000]]])
    """
    dims = input.ndim - 2
    if dims not in _DIMENSIONS.get(mode, ()):
        raise NotImplementedError(
            f"interpolate: mode {mode!r} does not exist for {described(input)}; an input (N, C, L) "
            "takes linear, (N, C, H, W) bilinear or bicubic, (N, C, D, H, W) trilinear, and each "
            "nearest, nearest-exact and area"
        )
    if align_corners is not None and mode not in _WITH_CORNERS:
        raise ValueError(f"interpolate: align_corners is for {', '.join(_WITH_CORNERS)}")
    if antialias and mode not in ("bilinear", "bicubic"):
        raise ValueError("interpolate: antialias is for bilinear and bicubic")
    if recompute_scale_factor and size is not None:
        raise ValueError("interpolate: recompute_scale_factor has no meaning with size")
    out, scales = _sizes(input, size, scale_factor, dims)
    if recompute_scale_factor:
        scales = (None,) * dims
    if 0 in input.shape[1:]:
        raise RuntimeError(f"interpolate: only the batch can be empty, got {described(input)}")
    if mode == "area":
        pool = (adaptive_avg_pool1d, adaptive_avg_pool2d, adaptive_avg_pool3d)[dims - 1]
        return pool(input, out)
    x, axes = input, list(enumerate(zip(out, scales, strict=True), 2))
    shades = x.dtype == np.uint8 and not mode.startswith("nearest")
    if shades:  # of an image: PyTorch rounds them after each dimension, the last one first
        x = x.float()
        axes.reverse()
    elif not mode.startswith("nearest"):
        floating_only("interpolate", x)
    for axis, (m, scale) in axes:
        taps = _taps(mode, x.shape[axis], m, scale, bool(align_corners), antialias, x.dtype)
        x = Resample.apply(x, axis, taps)
        if shades:
            x = x.round().clamp(0, 255)
    return x.to(input.dtype)


def _sizes(x: Tensor, size: Any, scale: Any, dims: int) -> tuple[Any, Any]:
    """The sizes of the result, and the scales that positions are computed with (None: by size)."""
    if (size is None) == (scale is None):
        raise ValueError("interpolate: give either size or scale_factor")
    given = scale if size is None else size
    values = tuple(given) if isinstance(given, (tuple, list)) else (given,) * dims
    if len(values) != dims:
        raise ValueError(
            f"interpolate: expected one number or {dims}, for the spatial dimensions of "
            f"{described(x)}, got {given!r}"
        )
    if size is None:
        out = tuple(int(n * s) for n, s in zip(x.shape[2:], values, strict=True))
        scales: tuple[float | None, ...] = tuple(float(s) for s in values)
    else:
        out, scales = tuple(int(n) for n in values), (None,) * dims
    if min(out) < 1:
        raise RuntimeError(f"interpolate: the sizes of the result must be positive, got {out}")
    return out, scales


def _taps(
    mode: str, n: int, m: int, scale: float | None, corners: bool, antialias: bool, dtype: Any
) -> Taps:
    if mode.startswith("nearest"):
        return nearest(n, m, scale, mode == "nearest-exact")
    if antialias:
        return antialiased(n, m, scale, corners, dtype, mode == "bicubic")
    return (cubic if mode == "bicubic" else linear)(n, m, scale, corners, dtype)


@public(namespace="nn.functional")
def upsample(
    input: Tensor,
    size: Any = None,
    scale_factor: Any = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
) -> Tensor:
    """The old name of `interpolate`."""
    _deprecated("upsample")
    return interpolate(input, size, scale_factor, mode, align_corners)


@public(namespace="nn.functional")
def upsample_nearest(input: Tensor, size: Any = None, scale_factor: Any = None) -> Tensor:
    """The old name of `interpolate` with mode "nearest"."""
    _deprecated("upsample_nearest")
    return interpolate(input, size, scale_factor, mode="nearest")


@public(namespace="nn.functional")
def upsample_bilinear(input: Tensor, size: Any = None, scale_factor: Any = None) -> Tensor:
    """The old name of `interpolate` with mode "bilinear" and `align_corners`."""
    _deprecated("upsample_bilinear")
    return interpolate(input, size, scale_factor, mode="bilinear", align_corners=True)


def _deprecated(name: str) -> None:
    warnings.warn(
        f"`nn.functional.{name}` is deprecated. Use `nn.functional.interpolate` instead.",
        stacklevel=3,
    )
