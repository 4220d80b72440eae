"""Order statistics: the k-th value, medians, the mode and quantiles. NaN counts as largest."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import return_types
from ..axes import axis_of
from ..batching.array import whole
from ..creation import as_tensor
from ..errors import described
from ..function import Op
from ..registry import public
from ..return_types import ValuesIndices
from ..tensor import Tensor
from .arithmetic import lerp
from .common import floating, line, passing, spread
from .extrema import picked
from .indexing import gather
from .sorting import order, sort


@public()
def kthvalue(input: Any, k: int, dim: int = -1, keepdim: bool = False) -> ValuesIndices:
    """(values, indices) of the `k`-th smallest element along `dim`, counted from 1.

    >>> import autograd
    >>> autograd.tensor([3.0, 1.0, 2.0]).kthvalue(2).values
    tensor(2.)
    """
    x, axis = line(input, dim)
    if not 1 <= k <= x._data.shape[axis]:
        raise RuntimeError(f"kthvalue: k={k} is out of range for dim {dim} of {described(x)}")
    return picked(
        return_types.kthvalue, input, dim, keepdim, lambda a, i: _ranked(a, i, np.array(k - 1))
    )


def _ranked(a: np.ndarray, axis: int, place: np.ndarray) -> np.ndarray:
    """The index along `axis` of the element at `place` in the stable order, without sorting all."""
    place = place.reshape(place.shape or (1,) * a.ndim)
    kth = np.unique(place) if type(place) is np.ndarray else ()
    ordered = np.partition(a, kth, axis) if 0 < len(kth) < 16 else np.sort(a, axis)
    value = np.take_along_axis(ordered, place, axis)
    equal = np.where(value == value, a == value, a != a)
    before = np.where(value == value, a < value, a == a).sum(axis, keepdims=True)
    return np.argmax(np.cumsum(equal, axis) > place - before, axis, keepdims=True)


def _middle(ignore_nan: bool) -> Any:
    def choose(a: np.ndarray, axis: int) -> np.ndarray:
        known = (a == a).sum(axis, keepdims=True)
        place = np.maximum(known - 1, 0) // 2
        if not ignore_nan:
            place = np.where(known < a.shape[axis], known, place)  # NaNs come last: the first one
        return _ranked(a, axis, place)

    return choose


class Median(Op):
    public = False
    backward = {"x": lambda g, x, out: _by_median(g, x, out)}
    formula = {"x": "g * (x == out) / number of ties"}

    def forward(x, choose):
        flat = x.reshape(-1)
        return flat[choose(flat, 0)[0]] if flat.size else np.full_like(x, np.nan, shape=())


def _by_median(g: Any, x: Any, out: Any) -> Any:
    equal = np.where(out == out, x == out, x != x)
    return passing(spread(g, x.shape, tuple(range(x.ndim))), equal) / equal.sum()


def _median(name: str, ignore_nan: bool, note: str) -> Any:
    kind, choose = getattr(return_types, name), _middle(ignore_nan)

    def function(input: Any, dim: int | None = None, keepdim: bool = False) -> Any:
        if dim is None:
            return Median.apply(as_tensor(input), choose)
        return picked(kind, input, dim, keepdim, choose)

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"""The middle element, of an even number the lower; {note}.

    With `dim`, (values, indices) along it.

    >>> import autograd
    >>> autograd.tensor([3.0, 1.0, 2.0, 4.0]).{name}()
    tensor(2.)
    """
    return public(name)(function)


median = _median("median", False, "NaN where there is one")
nanmedian = _median("nanmedian", True, "NaNs do not count")


@public()
def mode(input: Any, dim: int = -1, keepdim: bool = False) -> ValuesIndices:
    """(values, indices) of the most frequent element along `dim`, of several the smallest.

    The index is that of its last occurrence.

    >>> import autograd
    >>> autograd.tensor([2, 1, 2, 1, 3]).mode()
    autograd.return_types.mode(
    values=tensor(1),
    indices=tensor(3))
    """

    def choose(a: np.ndarray, axis: int) -> np.ndarray:
        indices = np.moveaxis(order(a, axis), axis, -1)
        a = np.take_along_axis(np.moveaxis(a, axis, -1), indices, -1)
        place = np.arange(a.shape[-1])
        starts = np.concatenate([a[..., :1] == a[..., :1], a[..., 1:] != a[..., :-1]], -1)
        length = place - np.maximum.accumulate(np.where(starts, place, 0), axis=-1)
        best = np.argmax(length, -1, keepdims=True)
        return np.moveaxis(np.take_along_axis(indices, best, -1), -1, axis)

    return picked(return_types.mode, input, dim, keepdim, choose)


_ROUNDED = {"lower": np.floor, "higher": np.ceil, "nearest": np.rint}
_INTERPOLATIONS = (*_ROUNDED, "linear", "midpoint")


def _are_fractions(q: Any) -> bool:
    return bool(((whole(q) >= 0) & (whole(q) <= 1)).all())


def _quantile(name: str, ignore_nan: bool, note: str) -> Any:
    def function(
        input: Any,
        q: Any,
        dim: int | None = None,
        keepdim: bool = False,
        *,
        interpolation: str = "linear",
    ) -> Tensor:
        x: Any = floating(input, name)
        p: Any = q if isinstance(q, Tensor) else as_tensor(np.asarray(q, x.dtype))
        if p.ndim > 1 or p.dtype != x.dtype:
            raise RuntimeError(
                f"{name}: q must be a number, or a tensor of the input's dtype with at most 1 "
                f"dimension, got {described(p)}"
            )
        if interpolation not in _INTERPOLATIONS or not _are_fractions(p._data):
            raise RuntimeError(
                f"{name}: q must be in [0, 1], and interpolation one of "
                f"{', '.join(_INTERPOLATIONS)}; got {q} and {interpolation!r}"
            )
        if x.numel() == 0:
            raise RuntimeError(f"{name}: the input {described(x)} is empty")
        axis = 0 if dim is None else axis_of(dim, x.ndim)
        kept = [1 if dim is None or i == axis else n for i, n in enumerate(x.shape)]
        lines = (x.reshape(-1) if dim is None or x.ndim == 0 else x).movedim(axis, -1)
        values = _between(lines, p.reshape(-1), ignore_nan, interpolation)
        values = values.movedim(-1, 0) if p.ndim else values.squeeze(-1)
        return values.reshape(*p.shape, *kept) if keepdim else values

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"""The `q`-quantiles over `dim`, or over all elements; {note}.

    `q` in [0, 1] is a number or 1-d, which becomes the first dimension of the result. Between two
    elements, `interpolation` is "linear", "lower", "higher", "nearest" or "midpoint".

    >>> import autograd
    >>> autograd.tensor([1.0, 2.0, 4.0]).{name}(0.75)
    tensor(3.)
    """
    return public(name)(function)


def _between(x: Any, q: Any, ignore_nan: bool, interpolation: str) -> Any:
    """The quantiles `q` along the last dimension of `x`, which they replace."""
    ordered, last = sort(x).values, x.shape[-1] - 1
    known = (ordered._data == ordered._data).sum(-1, keepdims=True)
    rank = q * np.maximum(known - 1, 0).astype(x.dtype)
    if not ignore_nan:
        rank = np.where(known <= last, float(last), rank)  # where the NaN is
    rank = _ROUNDED.get(interpolation, np.positive)(rank)
    below = gather(ordered, -1, np.floor(rank).long())
    if interpolation in _ROUNDED:
        return below
    above = gather(ordered, -1, np.ceil(rank).long())
    return lerp(below, above, 0.5 if interpolation == "midpoint" else rank - np.floor(rank))


quantile = _quantile("quantile", False, "NaN where there is one")
nanquantile = _quantile("nanquantile", True, "NaNs do not count")
