"""Norms of vectors and matrices, and distances."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..axes import axes_of, axis_of
from ..creation import as_tensor
from ..dtypes import as_dtype
from ..errors import ShapeError, described
from ..function import Op
from ..registry import public
from ..tensor import Tensor
from .common import spread
from .linalg import matrix, svdvals


class Norm(Op):
    """The Euclidean norm; at 0, where there is no derivative, the subgradient 0."""

    symbol, public = "‖x‖", False
    backward = {"x": lambda g, x, out, axes: _by_norm(g, x, out, axes)}
    formula = {"x": "g * x / out"}

    def forward(x, axes, keepdim):
        # Scaled by the largest element, so that squares neither overflow nor underflow.
        scale = np.abs(x).max(axis=axes, keepdims=True, initial=0)
        scale = np.where((scale == 0) | ~np.isfinite(scale), np.asarray(1, x.dtype), scale)
        out = np.sqrt(np.square(x / scale).sum(axis=axes, keepdims=True)) * scale
        return out if keepdim else out.squeeze(axes)


def _by_norm(g: Any, x: Any, out: Any, axes: tuple[int, ...]) -> Any:
    zero = spread(out, x.shape, axes) == 0
    length = np.where(zero, 1.0, spread(out, x.shape, axes))
    return np.where(zero, 0.0, spread(g, x.shape, axes) * (x / length))


@public(namespace="linalg")
def vector_norm(
    x: Any, ord: float = 2, dim: Any = None, keepdim: bool = False, *, dtype: Any = None
) -> Tensor:
    """The norm (Σ |x|^ord)^(1/ord) over `dim`, or over all elements; ord may be ±inf and 0.

    >>> import autograd
    >>> autograd.linalg.vector_norm(autograd.tensor([3.0, 4.0]))
    tensor(5.)
    """
    a: Any = as_tensor(x)
    if dtype is not None:
        a = a.to(as_dtype(dtype))
    if a.dtype.kind != "f":
        raise RuntimeError(f"linalg.vector_norm: expected a floating tensor, got {described(a)}")
    axes = axes_of(dim, a.ndim, "linalg.vector_norm")
    if ord == 2:
        return Norm.apply(a, axes, keepdim)
    if ord == 0:
        without_slope = a.masked_fill(np.True_, 0.0)
        return (a != 0).sum(axes, keepdim).to(a.dtype) + without_slope.sum(axes, keepdim)
    if not axes and a.ndim == 0:
        return a.abs()
    if math.isinf(ord):
        return (a.abs().amax if ord > 0 else a.abs().amin)(axes, keepdim)
    if ord == 1:
        return a.abs().sum(axes, keepdim)
    # Neither |x|^ord nor the root needs to have a derivative at 0; the subgradient is 0.
    powers = a.abs() ** float(ord) if ord < 0 else _zero_at_zero(a.abs(), float(ord))
    total = powers.sum(axes, keepdim)
    return total ** (1.0 / ord) if ord < 0 else _zero_at_zero(total, 1.0 / ord)


def _zero_at_zero(x: Any, power: float) -> Any:
    """`x ** power`, with derivatives 0 where x is 0."""
    zero = x == 0
    return np.where(zero, 0.0, np.where(zero, 1.0, x) ** power)


@public(namespace="linalg")
def matrix_norm(
    A: Any, ord: Any = "fro", dim: Any = (-2, -1), keepdim: bool = False, *, dtype: Any = None
) -> Tensor:
    """A norm of matrices: "fro", "nuc", ±inf (rows), ±1 (columns), ±2 (singular values).

    >>> import autograd
    >>> autograd.linalg.matrix_norm(autograd.eye(2), "nuc")
    tensor(2.)
    """
    a: Any = as_tensor(A) if dtype is None else as_tensor(A).to(as_dtype(dtype))
    axes = tuple(dim)
    if len(axes) != 2:
        raise RuntimeError(f"linalg.matrix_norm: dim must name two dimensions, got {dim}")
    a = matrix(a, "linalg.matrix_norm")
    rows, columns = axes_of(axes, a.ndim, "linalg.matrix_norm")
    if ord == "fro":
        return vector_norm(a, 2, (rows, columns), keepdim)
    moved = a.movedim((rows, columns), (-2, -1))
    if ord == "nuc":
        result = svdvals(moved).sum(-1)
    elif ord in (2, -2):
        s: Any = svdvals(moved)
        result = s.sum(-1) if s.shape[-1] == 0 else s.amax(-1) if ord > 0 else s.amin(-1)
    elif ord in (1, -1, math.inf, -math.inf):
        sums = moved.abs().sum(-2 if abs(ord) == 1 else -1)
        of_nothing = ord > 0 and sums.shape[-1] == 0
        result = sums.sum(-1) if of_nothing else sums.amax(-1) if ord > 0 else sums.amin(-1)
    else:
        raise RuntimeError(
            f"linalg.matrix_norm: ord must be 'fro', 'nuc', ±1, ±2 or ±inf, got {ord!r}"
        )
    if keepdim:
        for axis in sorted((rows, columns)):
            result = result.unsqueeze(axis)
    return result


@public(namespace="linalg")
def norm(
    A: Any, ord: Any = None, dim: Any = None, keepdim: bool = False, *, dtype: Any = None
) -> Tensor:
    """`vector_norm`, or `matrix_norm` where `ord` or two dimensions in `dim` ask for it.

    >>> import autograd
    >>> autograd.linalg.norm(autograd.tensor([[3.0, 0.0], [0.0, 4.0]]))
    tensor(5.)
    """
    a: Any = as_tensor(A)
    dims = None if dim is None else tuple(dim) if isinstance(dim, (tuple, list)) else (dim,)
    if ord is None:
        return vector_norm(a, 2, dims, keepdim, dtype=dtype)
    if isinstance(ord, str) or (dims is None and a.ndim == 2) or (dims and len(dims) == 2):
        return matrix_norm(a, ord, dims or (-2, -1), keepdim, dtype=dtype)
    if dims is None and a.ndim != 1:
        raise RuntimeError(
            f"linalg.norm: with ord={ord} and no dim, expected 1 or 2 dimensions, "
            f"got {described(a)}"
        )
    return vector_norm(a, ord, dims, keepdim, dtype=dtype)


@public("norm")
def _norm(
    input: Any, p: Any = "fro", dim: Any = None, keepdim: bool = False, dtype: Any = None
) -> Tensor:
    """The p-norm over `dim`, or over all elements; "fro" is 2, "nuc" the nuclear norm of matrices.

    >>> import autograd
    >>> autograd.norm(autograd.tensor([[3.0, 0.0], [0.0, 4.0]]))
    tensor(5.)
    """
    if isinstance(p, str) and p != "fro":
        return matrix_norm(input, p, (0, 1) if dim is None else dim, keepdim, dtype=dtype)
    return vector_norm(input, 2 if p in ("fro", None) else p, dim, keepdim, dtype=dtype)


@public()
def dist(input: Any, other: Any, p: float = 2) -> Tensor:
    """The p-norm of input - other.

    >>> import autograd
    >>> autograd.dist(autograd.tensor([3.0, 0.0]), autograd.tensor([0.0, 4.0]))
    tensor(5.)
    """
    return vector_norm(as_tensor(input) - other, p)


@public(in_place=True)
def renorm(input: Any, p: float, dim: int, maxnorm: float) -> Tensor:
    """`input` with each slice at `dim` scaled down to a p-norm of at most `maxnorm`.

    >>> import autograd
    >>> autograd.renorm(autograd.tensor([[3.0, 4.0], [0.3, 0.4]]), 2, 0, 1.0)
    tensor([[0.6000, 0.8000],
            [0.3000, 0.4000]])
    """
    x: Any = as_tensor(input)
    axis = axis_of(dim, x.ndim)
    length: Any = vector_norm(x, p, tuple(i for i in range(x.ndim) if i != axis), keepdim=True)
    return x * np.where(length > maxnorm, maxnorm / (length + 1e-7), 1.0)


@public(method=False)
def cdist(x1: Any, x2: Any, p: float = 2.0, compute_mode: Any = None) -> Tensor:
    """The p-norm distance of each row of `x1` (..., P, M) from each row of `x2` (..., R, M).

    >>> import autograd
    >>> autograd.cdist(autograd.tensor([[0.0, 0.0]]), autograd.tensor([[3.0, 4.0]]))
    tensor([[5.]])
    """
    x, y = matrix(x1, "cdist"), matrix(x2, "cdist")
    if x._data.shape[-1] != y._data.shape[-1]:
        raise ShapeError(f"cdist({described(x)}, {described(y)}): the rows differ in length")
    if p < 0:
        raise RuntimeError(f"cdist: p must not be negative, got {p}")
    difference = x.unsqueeze(-2) - y.unsqueeze(-3)
    return vector_norm(difference, p, -1)


@public(method=False, aliases=("nn.functional.pdist",))
def pdist(input: Any, p: float = 2.0) -> Tensor:
    """The p-norm distances of the rows of `input` (N, M) from each other: N (N - 1) / 2 of them.

    >>> import autograd
    >>> autograd.pdist(autograd.tensor([[0.0, 0.0], [3.0, 4.0], [3.0, 0.0]]))
    tensor([5., 3., 4.])
    """
    x: Any = as_tensor(input)
    if x.ndim != 2 or p < 0:
        raise RuntimeError(
            f"pdist: expected a matrix and p of at least 0, got {described(x)} and {p}"
        )
    first, second = np.triu_indices(len(x._data), 1)
    return vector_norm(x[first] - x[second], p, -1)
