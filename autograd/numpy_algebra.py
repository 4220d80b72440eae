"""NumPy's products, linear algebra and weighted or partial reductions on Tensors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.special

from .creation import as_tensor, full
from .inplace import in_place
from .numpy_shapes import all_or_given
from .ops.indexing import plain_index
from .ops.scatter import AddAt
from .ops.where import where
from .registry import ENTRIES
from .tensor import Tensor


def _f(name: str) -> Callable[..., Any]:
    return ENTRIES[name].function


# Products ------------------------------------------------------------------------------------


def _dot(a: Any, b: Any) -> Tensor:
    x, y = as_tensor(a), as_tensor(b)
    if not x.ndim or not y.ndim:
        return x * y
    if y.ndim < 3:
        return _f("matmul")(x, y)
    return _f("tensordot")(x, y, ([x.ndim - 1], [y.ndim - 2]))


def _vdot(a: Any, b: Any) -> Tensor:
    return _f("dot")(as_tensor(a).reshape(-1), as_tensor(b).reshape(-1))


def _einsum(*operands: Any, optimize: Any = False) -> Tensor:
    return _f("einsum")(*operands)


def _convolve(a: Any, v: Any, mode: str = "full") -> Tensor:
    x, kernel = (as_tensor(t).reshape(1, 1, -1) for t in (a, v))
    if kernel.shape[-1] > x.shape[-1]:
        x, kernel = kernel, x
    n, m = x.shape[-1], kernel.shape[-1]
    whole = _f("nn.functional.conv1d")(x, kernel.flip(-1), padding=m - 1).reshape(-1)
    parts = {"full": (0, n + m - 1), "same": ((m - 1) // 2, n), "valid": (m - 1, n - m + 1)}
    if mode not in parts:
        raise ValueError(f"np.convolve: mode must be 'full', 'same' or 'valid', got {mode!r}")
    start, length = parts[mode]
    return whole[start : start + length]


def _polyval(p: Any, x: Any) -> Any:
    result = x * 0
    for coefficient in p:
        result = result * x + coefficient
    return result


def _interp(x: Any, xp: Any, fp: Any, left: Any = None, right: Any = None) -> Tensor:
    x, xs, ys = (as_tensor(t) for t in (x, xp, fp))
    i = (_f("searchsorted")(xs.detach(), x.detach(), right=True) - 1).clamp(0, len(xs) - 2)
    inside = ys[i] + (ys[i + 1] - ys[i]) / (xs[i + 1] - xs[i]) * (x - xs[i])
    below = where(x < xs[0], ys[0] if left is None else left, inside)
    return where(x > xs[-1], ys[-1] if right is None else right, below)


# Linear algebra ------------------------------------------------------------------------------


def _svd(a: Any, full_matrices: bool = True, compute_uv: bool = True, hermitian: bool = False):
    return _f("linalg.svd")(a, full_matrices) if compute_uv else _f("linalg.svdvals")(a)


def _lstsq(a: Any, b: Any, rcond: Any = None) -> Any:
    y = as_tensor(b)
    columns = y.unsqueeze(-1) if y.ndim == 1 else y
    solution, residuals, rank, values = _f("linalg.lstsq")(a, columns, rcond, driver="gelsd")
    return solution.squeeze(-1) if y.ndim == 1 else solution, residuals, rank, values


# Reductions ----------------------------------------------------------------------------------


def _chosen(x: Any, mask: Any, otherwise: Any) -> Any:
    return x if mask is None else where(as_tensor(mask), x, otherwise)


def reducing(name: str, neutral: float, combine: Callable[..., Any]) -> Callable[..., Any]:
    """A sum or product over `axis`, of the elements where `where`, beginning with `initial`."""

    def adapted(
        x: Any,
        axis: Any = None,
        dtype: Any = None,
        keepdims: bool = False,
        initial: Any = None,
        where: Any = None,
    ) -> Any:
        x = _chosen(x, where, neutral)
        result = _f(name)(x, axis, keepdim=keepdims, dtype=dtype)
        return result if initial is None else combine(result, initial)

    return adapted


def _mean(
    x: Any, axis: Any = None, dtype: Any = None, keepdims: bool = False, *, where: Any = None
) -> Any:
    if where is None:
        return _f("mean")(x, axis, keepdim=keepdims, dtype=dtype)
    mask = as_tensor(where).broadcast_to(x.shape)
    count = mask.sum(axis, keepdim=keepdims)
    return _f("sum")(_chosen(x, mask, 0.0), axis, keepdim=keepdims, dtype=dtype) / count


def extremum(name: str, combine: Callable[..., Any]) -> Callable[..., Any]:
    """A maximum or minimum over `axis`, of the elements where `where`, and of `initial`."""

    def adapted(
        x: Any, axis: Any = None, keepdims: bool = False, initial: Any = None, where: Any = None
    ) -> Any:
        if where is not None and initial is None:
            raise ValueError(f"np.{name[1:]}: where= needs initial=, the result where none is left")
        x = _chosen(x, where, initial)
        if initial is not None and 0 in x.shape:  # `initial` is what an empty one has
            shape = np.empty(x.shape).sum(axis, keepdims=keepdims).shape
            return full(shape, initial, dtype=x.dtype)
        result = _f(name)(x, () if axis is None else axis, keepdim=keepdims)
        return result if initial is None else combine(result, as_tensor(initial).to(result.dtype))

    return adapted


def _nan_extremum(name: str, loser: float) -> Callable[..., Any]:
    def adapted(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
        missing, axes = _f("isnan")(x), all_or_given(x, axis)
        found = _f(name)(where(missing, loser, x), axes, keepdim=keepdims)
        return where(missing.all(axes, keepdim=keepdims), np.nan, found) if axes else x

    return adapted


def _nan_place(name: str, loser: float) -> Callable[..., Any]:
    return lambda x, axis=None, keepdims=False: _f(name)(
        where(_f("isnan")(x), loser, x), axis, keepdim=keepdims
    )


def _without_nan(name: str, neutral: float) -> Callable[..., Any]:
    def adapted(x: Any, axis: Any = None, dtype: Any = None, keepdims: bool = False) -> Any:
        return _f(name)(where(_f("isnan")(x), neutral, x), axis, keepdim=keepdims, dtype=dtype)

    return adapted


def _running_without_nan(name: str, neutral: float) -> Callable[..., Any]:
    def adapted(x: Any, axis: Any = None, dtype: Any = None) -> Any:
        x = where(_f("isnan")(x), neutral, x)
        return _f(name)(x.reshape(-1) if axis is None else x, axis or 0, dtype=dtype)

    return adapted


def _nanvar(
    x: Any, axis: Any = None, dtype: Any = None, ddof: int = 0, keepdims: bool = False
) -> Any:
    axes, known = all_or_given(x, axis), ~_f("isnan")(x)
    off = where(known, x - _f("nanmean")(x, axes, keepdim=True), 0.0)
    return (off * off).sum(axes, keepdim=keepdims) / (known.sum(axes, keepdim=keepdims) - ddof)


def _average(
    a: Any, axis: Any = None, weights: Any = None, returned: bool = False, *, keepdims: bool = False
) -> Any:
    x = as_tensor(a)
    axes = all_or_given(x, axis)
    if weights is None:
        w = full((), 1.0, dtype=x.dtype).broadcast_to(x.shape)
    else:
        w = as_tensor(weights)
        if w.shape != x.shape:  # one-dimensional, along the axis
            w = w.reshape(
                [n if i in {k % x.ndim for k in axes} else 1 for i, n in enumerate(x.shape)]
            )
        w = w.broadcast_to(x.shape)
    total = w.sum(axes, keepdim=keepdims)
    mean = (x * w).sum(axes, keepdim=keepdims) / total
    return (mean, total) if returned else mean


# Ufuncs --------------------------------------------------------------------------------------


def at(name: str, inputs: Any, sign: int) -> None:
    """`np.add.at` and `np.subtract.at`: in place, as often as an element is named."""
    target, index, values = inputs
    if not isinstance(target, Tensor):
        raise TypeError(f"{name}: the target must be a Tensor when a value is one")
    i = plain_index(index)

    def added(x: Tensor, y: Tensor) -> Tensor:
        return AddAt.apply(x, (sign * y).to(x.dtype), i)

    in_place(name, added, target, as_tensor(values))


UFUNCS: dict[Any, Callable[..., Any]] = {
    np.divmod: lambda x, y: (_f("floor_divide")(x, y), _f("remainder")(x, y)),
    np.modf: lambda x: (_f("frac")(x), _f("trunc")(x)),
    np.conjugate: lambda x: x,
    np.vecdot: lambda x, y: (x * y).sum(-1),
    np.matvec: lambda x, y: _f("matmul")(x, as_tensor(y).unsqueeze(-1)).squeeze(-1),
    np.vecmat: lambda x, y: _f("matmul")(as_tensor(x).unsqueeze(-2), y).squeeze(-2),
    scipy.special.betaln: lambda x, y: (
        _f("lgamma")(x) + _f("lgamma")(y) - _f("lgamma")(as_tensor(x) + y)
    ),
    scipy.special.log_expit: lambda x: _f("nn.functional.logsigmoid")(x),
}

ALGEBRA: dict[Any, Callable[..., Any]] = {
    np.dot: _dot,
    np.vdot: _vdot,
    np.tensordot: lambda a, b, axes=2: _f("tensordot")(a, b, axes),
    np.einsum: _einsum,
    np.convolve: _convolve,
    np.correlate: lambda a, v, mode="valid": _convolve(a, as_tensor(v).flip(0), mode),
    np.polyval: _polyval,
    np.interp: _interp,
    np.linalg.norm: lambda x, ord=None, axis=None, keepdims=False: _f("linalg.norm")(
        x, ord, axis, keepdims
    ),
    np.linalg.vector_norm: lambda x, *, axis=None, keepdims=False, ord=2: _f("linalg.vector_norm")(
        x, ord, axis, keepdims
    ),
    np.linalg.matrix_norm: lambda x, *, keepdims=False, ord="fro": _f("linalg.matrix_norm")(
        x, ord, keepdim=keepdims
    ),
    np.linalg.svd: _svd,
    np.linalg.lstsq: _lstsq,
    np.linalg.vecdot: lambda x1, x2, *, axis=-1: _f("linalg.vecdot")(x1, x2, dim=axis),
    np.linalg.outer: lambda x1, x2: _f("outer")(x1, x2),
    np.linalg.trace: lambda x, *, offset=0: _f("diagonal")(x, offset, -2, -1).sum(-1),
    np.linalg.matrix_transpose: lambda x: x.mT,
    np.matrix_transpose: lambda x: x.mT,
    np.sum: reducing("sum", 0, lambda x, y: x + y),
    np.prod: reducing("prod", 1, lambda x, y: x * y),
    np.mean: _mean,
    np.max: extremum("amax", lambda x, y: x.maximum(y)),
    np.min: extremum("amin", lambda x, y: x.minimum(y)),
    np.average: _average,
    np.nanmax: _nan_extremum("amax", -np.inf),
    np.nanmin: _nan_extremum("amin", np.inf),
    np.nanargmax: _nan_place("argmax", -np.inf),
    np.nanargmin: _nan_place("argmin", np.inf),
    np.nanprod: _without_nan("prod", 1.0),
    np.nancumsum: _running_without_nan("cumsum", 0.0),
    np.nancumprod: _running_without_nan("cumprod", 1.0),
    np.nanvar: _nanvar,
    np.nanstd: lambda *args, **kwargs: _nanvar(*args, **kwargs).sqrt(),
    np.iscomplexobj: lambda x: False,
    np.isrealobj: lambda x: True,
}
