"""NumPy's functions on Tensors, beyond the plain ufunc call: adaptors where signatures differ.

What has no differentiable counterpart raises, and says how to leave the graph; it never silently
returns an array without gradients.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .inplace import in_place
from .numpy_algebra import ALGEBRA, UFUNCS, at
from .numpy_shapes import SHAPES
from .registry import ENTRIES, NUMPY
from .tensor import Tensor

NUMPY.update(UFUNCS)

_REDUCE = {
    np.logaddexp: "logsumexp",
    np.logical_and: "all",
    np.logical_or: "any",
}
_REDUCE_AS = {np.add: np.sum, np.multiply: np.prod, np.maximum: np.max, np.minimum: np.min}
_ACCUMULATE = {
    np.add: "cumsum",
    np.multiply: "cumprod",
    np.maximum: "cummax",
    np.minimum: "cummin",
    np.logaddexp: "logcumsumexp",
}


def _unsupported(what: str) -> TypeError:
    return TypeError(
        f"{what} has no differentiable counterpart for Tensors; use an autograd function, or "
        "leave the graph first with x.detach().numpy()"
    )


def call_ufunc(ufunc: Any, method: str, inputs: Any, kwargs: dict[str, Any]) -> Any:
    """A ufunc with keyword arguments, or one of its methods."""
    name = f"np.{ufunc.__name__}" + ("" if method == "__call__" else f".{method}")
    if method == "at" and ufunc in (np.add, np.subtract):
        return at(name, inputs, 1 if ufunc is np.add else -1)
    if "out" not in kwargs:
        return _ufunc(ufunc, method, name, inputs, kwargs)
    (target,) = kwargs.pop("out")
    if not isinstance(target, Tensor):
        raise TypeError(f"{name}: out= must be a Tensor when an input is one, or the graph is lost")
    mask = None if method != "__call__" else kwargs.pop("where", None)

    def changed(before: Tensor, *given: Any) -> Tensor:
        result = _ufunc(ufunc, method, name, given, kwargs)
        return result if mask is None else _f("where")(mask, result, before)

    return in_place(name, changed, target, *inputs)


def _ufunc(ufunc: Any, method: str, name: str, inputs: Any, kwargs: dict[str, Any]) -> Any:
    if method == "reduce" and ufunc in _REDUCE_AS:
        return _ADAPTED[_REDUCE_AS[ufunc]](*inputs, **{"axis": 0} | kwargs)
    if method == "reduce" and ufunc in _REDUCE:
        kwargs = {k: v for k, v in kwargs.items() if not (k == "keepdims" and v is False)}
        kwargs.setdefault("axis", 0)
        return ENTRIES[_REDUCE[ufunc]].function(*inputs, **kwargs)
    if method == "accumulate" and ufunc in _ACCUMULATE:
        kwargs.setdefault("axis", 0)
        result: Any = ENTRIES[_ACCUMULATE[ufunc]].function(*inputs, **kwargs)
        return result[0] if isinstance(result, tuple) else result
    if method == "outer" and ufunc in NUMPY and len(inputs) == 2:
        x, y = (x if isinstance(x, Tensor) else ENTRIES["as_tensor"].function(x) for x in inputs)
        return NUMPY[ufunc](x.reshape(*x.shape, *(1,) * y.ndim), y)
    if method != "__call__" or ufunc not in NUMPY:
        raise _unsupported(name)
    if kwargs.keys() - {"dtype"}:
        raise _unsupported(f"{name} with {', '.join(kwargs)}=")
    result = NUMPY[ufunc](*inputs)
    return result if kwargs.get("dtype") is None else result.to(np.dtype(kwargs["dtype"]))


def call_function(function: Any, args: Any, kwargs: dict[str, Any]) -> Any:
    """A NumPy function that is no ufunc."""
    ours = _ADAPTED.get(function) or NUMPY.get(function)
    if ours is None:
        raise _unsupported(f"np.{function.__name__}")
    try:
        return ours(*args, **kwargs)
    except TypeError as error:
        if "unexpected keyword argument" not in str(error):
            raise
        raise TypeError(f"np.{function.__name__} of Tensors: {error}") from error


def _f(name: str) -> Callable[..., Any]:
    return ENTRIES[name].function


def _std(name: str) -> Callable[..., Any]:
    def adapted(x: Any, axis: Any = None, ddof: int = 0, keepdims: bool = False) -> Any:
        return _f(name)(x, axis, correction=ddof, keepdim=keepdims)

    return adapted


def _reducing(name: str) -> Callable[..., Any]:
    def adapted(x: Any, axis: Any = None, dtype: Any = None, keepdims: bool = False) -> Any:
        return _f(name)(x, axis, keepdim=keepdims, dtype=dtype)

    return adapted


def _running(name: str) -> Callable[..., Any]:
    def adapted(x: Any, axis: Any = None, dtype: Any = None) -> Any:
        return _f(name)(x.reshape(-1) if axis is None else x, axis or 0, dtype=dtype)

    return adapted


def _quantile(name: str, scale: float = 1.0) -> Callable[..., Any]:
    def adapted(
        x: Any, q: Any, axis: Any = None, *, method: str = "linear", keepdims: bool = False
    ) -> Any:
        q = q if isinstance(q, Tensor) else np.asarray(q, x.dtype)
        return _f(name)(x, q / scale, axis, keepdim=keepdims, interpolation=method)

    return adapted


def _median(name: str) -> Callable[..., Any]:
    """NumPy's median is the mean of the middle two, where PyTorch's is the lower of them."""

    def adapted(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
        return _f(name)(x, 0.5, axis, keepdim=keepdims)

    return adapted


def _clip(x: Any, a_min: Any = None, a_max: Any = None, *, min: Any = None, max: Any = None) -> Any:
    low, high = (a_min if min is None else min), (a_max if max is None else max)
    return x if low is None and high is None else _f("clamp")(x, low, high)


def _gradient(x: Any, *spacing: Any, axis: Any = None, edge_order: int = 1) -> Any:
    given: Any = spacing[0] if len(spacing) == 1 else spacing or 1
    slopes = _f("gradient")(x, spacing=given, dim=axis, edge_order=edge_order)
    return slopes[0] if len(slopes) == 1 else slopes


def _sort(x: Any, axis: Any = -1, **kind: Any) -> Any:
    return _f("sort")(x.reshape(-1) if axis is None else x, -1 if axis is None else axis).values


def _argsort(x: Any, axis: Any = -1, **kind: Any) -> Any:
    return _f("argsort")(x.reshape(-1) if axis is None else x, -1 if axis is None else axis)


def _unique(
    x: Any, return_inverse: bool = False, return_counts: bool = False, axis: Any = None
) -> Any:
    return _f("unique")(x, True, return_inverse, return_counts, axis)


_ADAPTED: dict[Any, Callable[..., Any]] = {
    **SHAPES,
    **ALGEBRA,
    np.var: _std("var"),
    np.std: _std("std"),
    np.amax: ALGEBRA[np.max],
    np.amin: ALGEBRA[np.min],
    np.ptp: lambda x, axis=(), keepdims=False: (
        _f("amax")(x, axis, keepdims) - _f("amin")(x, axis, keepdims)
    ),
    np.nansum: _reducing("nansum"),
    np.nanmean: _reducing("nanmean"),
    np.cumsum: _running("cumsum"),
    np.cumprod: _running("cumprod"),
    np.median: _median("quantile"),
    np.nanmedian: _median("nanquantile"),
    np.quantile: _quantile("quantile"),
    np.nanquantile: _quantile("nanquantile"),
    np.percentile: _quantile("quantile", 100.0),
    np.nanpercentile: _quantile("nanquantile", 100.0),
    np.cov: lambda x, ddof=1, **weights: _f("cov")(x, correction=ddof, **weights),
    np.clip: _clip,
    np.round: lambda x, decimals=0: _f("round")(x, decimals=decimals),
    np.around: lambda x, decimals=0: _f("round")(x, decimals=decimals),
    np.nan_to_num: lambda x, copy=True, **numbers: _f("nan_to_num")(x, **numbers),
    np.trapezoid: lambda y, x=None, dx=1.0, axis=-1: _f("trapezoid")(
        y, x, dx=dx if x is None else None, dim=axis
    ),
    np.gradient: _gradient,
    np.sort: _sort,
    np.partition: lambda a, kth, axis=-1, **kind: _sort(a, axis),  # sorted is partitioned, too
    np.argsort: _argsort,
    np.argpartition: lambda a, kth, axis=-1, **kind: _argsort(a, axis),
    np.isin: lambda element, test_elements, assume_unique=False, invert=False, **kind: _f("isin")(
        *map(ENTRIES["as_tensor"].function, (element, test_elements)), invert=invert
    ),
    np.cumulative_sum: _running("cumsum"),
    np.cumulative_prod: _running("cumprod"),
    np.astype: lambda x, dtype, copy=True, device=None: x.to(np.dtype(dtype), copy=copy),
    np.unique: _unique,
    np.nonzero: lambda x: _f("nonzero")(x, as_tuple=True),
    np.flatnonzero: lambda x: _f("nonzero")(x.reshape(-1), as_tuple=True)[0],
    np.searchsorted: lambda a, v, side="left", sorter=None: _f("searchsorted")(
        a, v, side=side, sorter=sorter
    ),
    np.digitize: lambda x, bins, right=False: _f("bucketize")(x, bins, right=not right),
    np.histogram: lambda x, bins=10, range=None, density=False, weights=None: _f("histogram")(
        x, bins, range=range, weight=weights, density=density
    ),
}
