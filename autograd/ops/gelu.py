"""GELU, exact and by tanh. In transformers it is the one costly function between the products, and
scipy's erf, which takes one number at a time, would be a quarter of a training step."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from scipy.special import erf

from ..creation import as_tensor
from ..function import Op
from ..registry import public
from ..tensor import Tensor

_SQRT_HALF, _SQRT_2_OVER_PI = math.sqrt(0.5), math.sqrt(2 / math.pi)
_PDF_AT_0 = _SQRT_2_OVER_PI / 2
_BLOCK = 1 << 15  # elements at a time: the intermediate results stay in the cache


class GELU(Op):
    op_name, promote, saves_on_ctx = "gelu", "float", True
    backward = {"x": lambda g, x, ctx: _by_x(g, x, ctx)}
    formula = {"x": "g * (cdf(x) + x * pdf(x))"}

    def forward(ctx, x):
        if x.dtype != np.float32:
            return (x * _normal_cdf(x)).astype(x.dtype, copy=False)  # erf: float64 of float16
        out, ctx.slope = _gelu_float32(x, slope=any(ctx.needs_input_grad))
        return out


def _by_x(g: Any, x: Any, ctx: Any) -> Any:
    slope = None if isinstance(g, Tensor) else getattr(ctx, "slope", None)
    return g * (_normal_cdf(x) + x * _normal_pdf(x) if slope is None else slope)


def _normal_cdf(x: Any) -> Any:
    return 0.5 * (1 + erf(x * _SQRT_HALF))


def _normal_pdf(x: Any) -> Any:
    return np.exp(-0.5 * x * x) * _PDF_AT_0


# The normal distribution function is (1 + tanh(x P(x²))) / 2 to 3e-8: P is the polynomial that
# makes the largest error of that least, found by least squares with weights. Highest power first.
_P = tuple(
    np.array(a, np.float32)
    for a in (
        *(1.75617404e-09, -1.32263446e-07, 3.9647456e-06, -5.53061994e-05),
        *(-3.25949638e-05, 0.0363330846, 0.797884941),
    )
)


def _gelu_float32(x: np.ndarray, slope: bool) -> tuple[np.ndarray, np.ndarray | None]:
    """GELU and perhaps its derivative, in passes over blocks."""
    flat = np.ascontiguousarray(x).reshape(-1)
    out = np.empty_like(flat)
    slopes = np.empty_like(flat) if slope else None
    buffers = np.empty((2, min(_BLOCK, flat.size)), np.float32)
    for start in range(0, flat.size, _BLOCK):
        block = slice(start, start + _BLOCK)
        u = flat[block]
        square, cdf = buffers[:, : len(u)]
        np.multiply(u, u, out=square)
        np.multiply(square, _P[0], out=cdf)
        for a in _P[1:-1]:
            cdf += a
            cdf *= square
        cdf += _P[-1]
        cdf *= u
        np.tanh(cdf, out=cdf)
        cdf *= 0.5
        cdf += 0.5
        np.multiply(u, cdf, out=out[block])
        if slopes is not None:
            bell = np.multiply(square, -0.5, out=square)
            np.exp(bell, out=bell)
            bell *= _PDF_AT_0
            bell *= u
            np.add(bell, cdf, out=slopes[block])
    return out.reshape(x.shape), None if slopes is None else slopes.reshape(x.shape)


class GELUTanh(Op):
    op_name, promote, public = "gelu_tanh", "float", False
    backward = {"x": lambda g, x: g * _tanh_slope(x)}
    formula = {"x": "g * the derivative of x (1 + tanh(u(x))) / 2"}

    def forward(x):
        return 0.5 * x * (1 + np.tanh(_inner(x)))


def _inner(x: Any) -> Any:
    return (_SQRT_2_OVER_PI * x) * (1 + 0.044715 * (x * x))


def _tanh_slope(x: Any) -> Any:
    tanh = np.tanh(_inner(x))
    by_inner = _SQRT_2_OVER_PI * (1 + 3 * 0.044715 * (x * x))
    return 0.5 * (1 + tanh) + 0.5 * x * (1 - tanh * tanh) * by_inner


@public(namespace="nn.functional", op=GELU)
def gelu(input: Any, approximate: str = "none") -> Tensor:
    """input · Φ(input), or its tanh approximation (Hendrycks & Gimpel 2016)."""
    if approximate == "none":
        return GELU.apply(input)
    if approximate == "tanh":
        return GELUTanh.apply(as_tensor(input))
    raise RuntimeError(f"gelu: approximate must be 'none' or 'tanh', got {approximate!r}")
