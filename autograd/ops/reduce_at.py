"""Products and extrema of what meets in one place: the heart of `scatter_reduce`."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..function import Op
from ..tensor import Tensor
from .broadcast import Expand
from .common import passing
from .scan import Recurrence, shifted
from .shape import Reshape

REDUCTIONS = {"prod": np.multiply, "amax": np.maximum, "amin": np.minimum}


def reduced_at(
    x: Tensor, y: Tensor, index: tuple[Any, ...], reduce: str, include_self: bool
) -> Tensor:
    """`x` with the elements of `y` reduced into those that `index` names; they broadcast."""
    places = np.arange(x._data.size).reshape(x._data.shape)[index]
    flat = Reshape.apply(x, (x._data.size,))
    if not include_self:
        flat = Cleared.apply(flat, places.reshape(-1), reduce)
    values = Reshape.apply(Expand.apply(y, places.shape), (places.size,))
    op = ProductAt if reduce == "prod" else ExtremumAt
    out = op.apply(flat, values, places.reshape(-1), reduce, include_self)
    return Reshape.apply(out, x._data.shape)


class Cleared(Op):
    """A vector with what changes nothing in some places."""

    public = False
    backward = {"x": lambda g, places: Cleared.call(g, places, "sum")}
    formula = {"x": "g, 0 in the places"}

    def forward(x, places, reduce):
        out = np.array(x)
        out[places] = _neutral(reduce, x.dtype)
        return out


class ExtremumAt(Op):
    """The largest or smallest of each element of `x` and those of `y` that come to its place."""

    public = False
    saves_on_ctx = True
    backward = {
        "x": lambda g, x, y, out, places, own, ctx: passing(
            g / _ties(ctx, x, y, out, places, own), ctx.hits[0]
        ),
        "y": lambda g, x, y, out, places, own, ctx: passing(
            (g / _ties(ctx, x, y, out, places, own))[places], ctx.hits[1]
        ),
    }
    formula = {"x": "g * (x == out) / ties", "y": "(g * (y == out) / ties) at the places"}

    def forward(ctx, x, y, places, reduce, own):
        out = np.array(x)
        REDUCTIONS[reduce].at(out, places, y)
        ctx.hits = None
        return out


def _ties(ctx: Any, x: Any, y: Any, out: Any, places: np.ndarray, own: bool) -> np.ndarray:
    """How many elements equal the one that was chosen; `ctx.hits` says of x and of y, which.

    Elements equal to it share the gradient evenly.
    """
    if ctx.hits is None:
        x, y, out = (a._data if isinstance(a, Tensor) else a for a in (x, y, out))
        of_x, of_y = x == out, y == out[places]
        if not own:  # x holds what stands for nothing there
            of_x[places] = False
        ctx.ties = (of_x + np.bincount(places[of_y], minlength=x.size)).astype(out.dtype)
        ctx.hits = [of_x, of_y]
    return ctx.ties


class ProductAt(Op):
    """Each element of `x` times those of `y` that come to its place."""

    public = False
    backward = {
        "x": lambda g, x, y, out, places: (
            g * (out / x if _divides(x, y, out) else _others(x, y, places)[: x.shape[0]])
        ),
        "y": lambda g, x, y, out, places: (
            (g * out)[places] / y
            if _divides(x, y, out)
            else g[places] * _others(x, y, places)[x.shape[0] :]
        ),
    }
    formula = {"x": "g * product of the others", "y": "g at the places * product of the others"}

    def forward(x, y, places, reduce, own):
        out = np.array(x)
        np.multiply.at(out, places, y)
        return out


def _divides(x: Any, y: Any, out: Any) -> bool:
    """Whether the product of the others may be found by division, several times as fast: no factor
    is 0 and no product too large or too small. (A derivative of it would ask the same again.)"""
    if not all(type(a) is np.ndarray for a in (x, y, out)):
        return False
    info, size = np.finfo(out.dtype), np.abs(out)
    return bool((size > info.tiny).all() and (size < info.max).all())


def _others(x: Any, y: Any, places: np.ndarray) -> Any:
    """For each element the product of all others in its place, those of `x` first.

    The product of what comes before, in the order of the places, times that of what comes after: a
    division would fail at zeros.
    """
    place = np.concatenate([np.arange(x.shape[0]), places])
    order = _order(place)
    factors, place = np.concatenate([x, y])[order], place[order]
    before = _before(factors, place)
    after = np.flip(_before(np.flip(factors, 0), place[::-1]), 0)
    back = np.empty_like(order)
    back[order] = np.arange(order.size)
    return (before * after)[back]


def _order(place: np.ndarray) -> np.ndarray:
    """The stable order, by counting: the entries of a sparse matrix, one in each row, by column."""
    from scipy import sparse

    n = place.size
    rows = sparse.csr_array((np.ones(n, np.int8), place, np.arange(n + 1)))
    return rows.tocsc().indices


def _before(factors: Any, place: np.ndarray) -> Any:
    """The running product of earlier factors of the same place, which starts with 1."""
    same = np.concatenate([[False], place[1:] == place[:-1]]).astype(factors.dtype)
    return Recurrence.call(shifted(factors, 0, 0.0) * same, 1 - same, 0)


def _neutral(reduce: str, dtype: np.dtype) -> Any:
    if reduce in ("prod", "sum"):
        return int(reduce == "prod")
    if dtype.kind == "b":
        return reduce == "amin"
    if dtype.kind == "f":
        return -np.inf if reduce == "amax" else np.inf
    return np.iinfo(dtype).min if reduce == "amax" else np.iinfo(dtype).max
