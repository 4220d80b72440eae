"""Variances, covariances and histograms."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .. import return_types
from ..axes import axes_of
from ..batching.array import whole
from ..creation import as_tensor
from ..errors import described
from ..function import Op
from ..registry import public
from ..return_types import HistEdges
from ..tensor import Tensor
from .common import floating, nonzero, spread
from .reduce import mean


class Var(Op):
    backward = {
        "x": lambda g, x, ctx, axes: (
            spread(g, x.shape, axes) * ((2.0 / ctx.freedom) * (x - _mean(x, axes)))
        )
    }
    formula = {"x": "g * 2 / (n - correction) * (x - mean)"}

    def forward(ctx, x, axes, correction, keepdim):
        n = math.prod(x.shape[i] for i in axes)
        ctx.freedom = n - correction if n > correction else math.nan
        centred = x - _mean(x, axes)  # two passes: near-equal numbers do not cancel
        total = (centred * centred).sum(axis=axes, keepdims=keepdim)
        return total / np.asarray(np.maximum(n - correction, 0), total.dtype)


def _mean(x: Any, axes: tuple[int, ...]) -> Any:
    n = math.prod(x.shape[i] for i in axes)
    return x.sum(axes, keepdims=True) / (n if n else math.nan)


class Std(Op):
    # Where all elements are equal there is no derivative; the subgradient is 0.
    backward = {
        "x": lambda g, x, out, ctx, axes: (
            spread(g / nonzero(out), x.shape, axes) * ((1.0 / ctx.freedom) * (x - _mean(x, axes)))
        )
    }
    formula = {"x": "g / out / (n - correction) * (x - mean)"}

    def forward(ctx, x, axes, correction, keepdim):
        return np.sqrt(Var.forward(ctx, x, axes, correction, keepdim))


def _arguments(
    input: Any, dim: Any, unbiased: bool | None, correction: float | None, name: str
) -> tuple[Tensor, tuple[int, ...], float]:
    """(input, axes, correction); the overloads take `unbiased` in the place of `dim`."""
    x = floating(input, name)
    if isinstance(dim, bool):
        dim, unbiased = None, dim
    if correction is None:
        correction = 0 if unbiased is False else 1
    return x, axes_of(dim, x._data.ndim, name), correction


def _spread_of_values(name: str, op: Any, what: str) -> Any:
    def function(
        input: Any,
        dim: Any = None,
        unbiased: bool | None = None,
        keepdim: bool = False,
        *,
        correction: float | None = None,
    ) -> Tensor:
        x, axes, correction = _arguments(input, dim, unbiased, correction, name)
        return op.apply(x, axes, correction, keepdim)

    def with_mean(
        input: Any,
        dim: Any = None,
        unbiased: bool | None = None,
        keepdim: bool = False,
        *,
        correction: float | None = None,
    ) -> tuple[Tensor, Tensor]:
        x, axes, correction = _arguments(input, dim, unbiased, correction, f"{name}_mean")
        return op.apply(x, axes, correction, keepdim), mean(x, axes, keepdim)

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"""The {what} over `dim`, dividing by n - correction (default 1).

    >>> import autograd
    >>> autograd.tensor([1.0, 2.0, 3.0]).{name}()
    tensor(1.)
    """
    with_mean.__name__ = with_mean.__qualname__ = f"{name}_mean"
    with_mean.__doc__ = f"""The {what} and the mean over `dim`, see `{name}`.

    >>> import autograd
    >>> autograd.{name}_mean(autograd.tensor([1.0, 2.0, 3.0]))
    (tensor(1.), tensor(2.))
    """
    public(f"{name}_mean", method=False)(with_mean)
    return public(name, op=op)(function)


var = _spread_of_values("var", Var, "variance")
std = _spread_of_values("std", Std, "standard deviation, the root of the variance,")


@public()
def cov(input: Any, *, correction: int = 1, fweights: Any = None, aweights: Any = None) -> Tensor:
    """The covariances of variables (rows) over observations (columns); of one, its variance.

    `fweights` says how often each observation occurred, `aweights` how much it counts.

    >>> import autograd
    >>> autograd.tensor([[0.0, 1.0, 2.0], [2.0, 1.0, 0.0]]).cov()
    tensor([[ 1., -1.],
            [-1.,  1.]])
    """
    x: Any = as_tensor(input)
    if x.ndim > 2:
        raise RuntimeError(f"cov: expected at most 2 dimensions, got {described(x)}")
    x = x.reshape(1, -1) if x.ndim < 2 else x
    ones = np.ones(x.shape[1], x.dtype if x.dtype.kind == "f" else np.float32)
    f: Any = ones if fweights is None else _weights(fweights, x, "fweights", "iu").to(ones.dtype)
    a: Any = ones if aweights is None else _weights(aweights, x, "aweights", "f")
    w = f * a
    total = w.sum()
    centred = x - (x * w).sum(1, keepdim=True) / total
    freedom = total - correction * ((w * a).sum() / total)
    return ((centred * w) @ centred.T / np.maximum(freedom, 0.0)).squeeze()


def _weights(weights: Any, x: Tensor, name: str, kinds: str) -> Tensor:
    """One weight per observation, none negative, or an error."""
    w = as_tensor(weights)
    if w.ndim > 1 or w.numel() != x.shape[1] or w.dtype.kind not in kinds:
        kind = "floating" if kinds == "f" else "integral"
        raise RuntimeError(
            f"cov: {name} must be {x.shape[1]} {kind} numbers, one per observation, got "
            f"{described(w)}"
        )
    if whole(w._data < 0).any():
        raise RuntimeError(f"cov: {name} must not be negative")
    return w


@public(numpy=np.corrcoef)
def corrcoef(input: Any) -> Tensor:
    """The correlations of variables (rows) over observations (columns).

    >>> import autograd
    >>> autograd.tensor([[0.0, 1.0, 2.0], [2.0, 1.0, 0.0]]).corrcoef()
    tensor([[ 1., -1.],
            [-1.,  1.]])
    """
    c: Any = cov(input)
    if c.ndim == 0:
        return c / c
    deviation = c.diagonal().sqrt()
    return (c / deviation[:, None] / deviation).clamp(-1, 1)


@public(numpy=np.bincount, reads_values=True)
def bincount(input: Any, weights: Any = None, minlength: int = 0) -> Tensor:
    """How often each of 0, 1, ... occurs in 1-d `input`, or the sum of the weights of each.

    >>> import autograd
    >>> autograd.bincount(autograd.tensor([0, 2, 2]))
    tensor([1, 0, 2])
    """
    x = as_tensor(input)._data
    if x.ndim != 1 or x.dtype.kind not in "iu" or (x.size and x.min() < 0):
        raise RuntimeError(
            f"bincount: expected integers in 1 dimension, none negative, got {described(x)}"
        )
    w = None if weights is None else as_tensor(weights)._data
    counts = np.bincount(x, w, minlength)
    return as_tensor(
        counts.astype(np.float32) if w is not None and w.dtype == np.float32 else counts
    )


@public(reads_values=True)
def histc(input: Any, bins: int = 100, min: float = 0, max: float = 0) -> Tensor:
    """How many elements fall into each of `bins` equal parts of [min, max].

    Others, and NaN, do not count. Where min equals max, they are those of the elements.

    >>> import autograd
    >>> autograd.tensor([1.0, 2.0, 1.0]).histc(bins=4, min=0, max=3)
    tensor([0., 2., 1., 0.])
    """
    x = floating(input, "histc")._data
    low, high = float(min), float(max)
    if low == high and x.size:
        low, high = float(x.min()), float(x.max())
    if low == high:
        low, high = low - 1, high + 1
    if bins < 1 or not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise RuntimeError(f"histc: cannot make {bins} bins of [{low}, {high}]")
    inside = x[(x >= low) & (x <= high)]
    place = ((inside - low) / (high - low) * bins).astype(np.int64)
    counts = np.bincount(np.minimum(place, bins - 1), minlength=bins)
    return as_tensor(counts.astype(x.dtype))


def _plain(value: Any) -> Any:
    """Tensors, also in sequences, as arrays."""
    if isinstance(value, (tuple, list)):
        return [_plain(v) for v in value]
    return value._data if isinstance(value, Tensor) else value


@public(reads_values=True)
def histogram(
    input: Any, bins: Any, *, range: Any = None, weight: Any = None, density: bool = False
) -> HistEdges:
    """(hist, bin_edges): the (weighted) number of elements between edges.

    `bins` is their number in `range` (default: that of the elements), or a tensor of edges. With
    `density` the histogram integrates to 1.

    >>> import autograd
    >>> autograd.histogram(autograd.tensor([1.0, 2.0, 1.0]), 2, range=(0.0, 3.0)).hist
    tensor([2., 1.])
    """
    x = floating(input, "histogram")._data
    found = np.histogram(x, _plain(bins), range, weights=_plain(weight), density=density)
    return return_types.histogram(*(as_tensor(part.astype(x.dtype)) for part in found))


@public(method=False, reads_values=True)
def histogramdd(
    input: Any, bins: Any, *, range: Any = None, weight: Any = None, density: bool = False
) -> HistEdges:
    """(hist, bin_edges) of points (..., n) in n dimensions; bin_edges has a tensor for each.

    `bins` is a number for all dimensions, one for each, or a sequence of edges; `range` is flat:
    low and high of the first dimension, of the second, and so on.

    >>> import autograd
    >>> autograd.histogramdd(autograd.tensor([[0.0, 1.0], [1.0, 1.0]]), [2, 1]).hist
    tensor([[1.],
            [1.]])
    """
    x = floating(input, "histogramdd")._data
    points = x.reshape(-1, x.shape[-1])
    bounds: Any = None if range is None else np.reshape(range, (-1, 2))
    counts, edges = np.histogramdd(
        points, _plain(bins), bounds, weights=None if weight is None else _plain(weight).ravel(),
        density=density,
    )  # fmt: skip
    return return_types.histogramdd(
        as_tensor(counts.astype(x.dtype)), tuple(as_tensor(e.astype(x.dtype)) for e in edges)
    )
