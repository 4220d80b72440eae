"""Running sums, products and extrema, and what is computed from neighbours along a dimension."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import return_types
from ..axes import axis_of
from ..creation import as_tensor
from ..errors import ShapeError, described
from ..function import Op
from ..registry import public
from ..return_types import ValuesIndices
from ..tensor import Tensor
from .common import above_minus_infinity, as_float, cast, like, line, part
from .indexing import gather


def accumulator(x: np.ndarray) -> Any:
    """The dtype in which sums and products of `x` are formed: int64 for integers and bools."""
    return np.int64 if x.dtype.kind in "bui" else None


class CumSum(Op):
    op_name = "cumsum"
    backward = {"x": lambda g, axis: np.flip(CumSum.call(np.flip(g, axis), axis), axis)}
    formula = {"x": "cumulative sum of g from the end"}

    def forward(x, axis):
        return x.cumsum(axis=axis, dtype=accumulator(x))


@public(op=CumSum, in_place=True)
def cumsum(input: Any, dim: int, *, dtype: Any = None) -> Tensor:
    """The running sum along `dim`. Integers and bools give int64.

    >>> import autograd
    >>> autograd.tensor([1.0, 2.0, 3.0]).cumsum(0)
    tensor([1., 3., 6.])
    """
    x, axis = line(cast(input, dtype), dim)
    return cast(like(CumSum.apply(x, axis), input), dtype)


class Recurrence(Op):
    """s[i] = a[i] · s[i - 1] + b[i] along an axis, from s[-1] = 0.

    The derivatives of running products and of logcumsumexp are recurrences without a division, and
    those of a recurrence are recurrences from the other end.
    """

    public = False
    backward = {
        "a": lambda g, a, out, axis: from_the_end(g, a, axis) * shifted(out, axis, 0.0),
        "b": lambda g, a, axis: from_the_end(g, a, axis),
    }
    formula = {"a": "d * s[i - 1], with d[i] = g[i] + a[i + 1] * d[i + 1]", "b": "d"}

    def forward(a, b, axis):
        a, s = np.moveaxis(a, axis, 0), np.moveaxis(b, axis, 0)
        if type(s) is np.ndarray and len(s) > 16 * _BLOCK:
            return np.moveaxis(_in_blocks(a, s), 0, axis)
        a, s, step = a.copy(), s.copy(), 1
        while step < len(s):  # s[i] covers the last `step` terms, a[i] their factors
            s[step:] += a[step:] * s[:-step]
            a[step:] *= a[:-step]
            step *= 2
        return np.moveaxis(s, 0, axis)


_BLOCK = 64


def _in_blocks(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The recurrence along the first axis in time proportional to its length.

    Blocks run side by side; what a block hands on to the next is a recurrence over the blocks.
    """
    n = len(b)
    filled = [
        np.concatenate([x, np.zeros((-n % _BLOCK, *x.shape[1:]), x.dtype)])
        .reshape(-1, _BLOCK, *x.shape[1:])
        .swapaxes(0, 1)
        .copy()
        for x in (a, b)
    ]
    a, s = filled
    for j in range(1, _BLOCK):
        s[j] += a[j] * s[j - 1]
        a[j] *= a[j - 1]
    s[:, 1:] += a[:, 1:] * Recurrence.forward(a[-1, :-1], s[-1, :-1], 0)  # type: ignore[arg-type]
    return s.swapaxes(0, 1).reshape(-1, *s.shape[2:])[:n]


def shifted(x: Any, axis: int, first: float) -> Any:
    """`x` moved on by one along `axis`, after `first`."""
    if x.shape[axis] == 0:
        return x
    start = np.full((*x.shape[:axis], 1, *x.shape[axis + 1 :]), first, x.dtype)
    return np.concatenate([start, part(x, axis, None, -1)], axis)


def from_the_end(g: Any, a: Any, axis: int) -> Any:
    """d[i] = g[i] + a[i + 1] · d[i + 1]."""
    factors = shifted(np.flip(a, axis), axis, 0.0)
    return np.flip(Recurrence.call(factors, np.flip(g, axis), axis), axis)


class CumProd(Op):
    op_name = "cumprod"
    # What comes before x[i], times the sum over what comes after; no division, so zeros are fine.
    backward = {"x": lambda g, x, axis: product_before(x, axis) * from_the_end(g, x, axis)}
    formula = {"x": "sum of g * product of the others, over the products that x is in"}

    def forward(x, axis):
        return x.cumprod(axis=axis, dtype=accumulator(x))


def product_before(x: Any, axis: int) -> Any:
    """For each element the product of those before it along `axis`."""
    return CumProd.call(shifted(x, axis, 1.0), axis)


@public(op=CumProd, in_place=True)
def cumprod(input: Any, dim: int, *, dtype: Any = None) -> Tensor:
    """The running product along `dim`; differentiable at zeros. Integers and bools give int64.

    >>> import autograd
    >>> autograd.tensor([1.0, 2.0, 3.0]).cumprod(0)
    tensor([1., 2., 6.])
    """
    x, axis = line(cast(input, dtype), dim)
    return cast(like(CumProd.apply(x, axis), input), dtype)


class LogCumSumExp(Op):
    op_name = "logcumsumexp"
    backward = {"x": lambda g, x, out, axis: _by_logcumsumexp(g, x, out, axis)}
    formula = {"x": "sum over k >= i of g[k] * exp(x[i] - out[k])"}

    def forward(x, axis):
        return np.logaddexp.accumulate(x, axis=axis)


def _by_logcumsumexp(g: Any, x: Any, out: Any, axis: int) -> Any:
    """A recurrence whose factors exp(out[i] - out[i + 1]) are at most 1, so it cannot overflow."""
    end = above_minus_infinity(out)
    return from_the_end(g, np.exp(shifted(out, axis, -np.inf) - end), axis) * np.exp(x - end)


@public(op=LogCumSumExp)
def logcumsumexp(input: Any, dim: int) -> Tensor:
    """The logarithm of the running sum of exp(input) along `dim`, without overflow.

    >>> import autograd
    >>> autograd.tensor([0.0, 0.0]).logcumsumexp(0)
    tensor([0.0000, 0.6931])
    """
    x, axis = line(as_float(input), dim)
    return like(LogCumSumExp.apply(x, axis), input)


def _running(name: str, ufunc: Any, word: str) -> Any:
    kind = getattr(return_types, name)

    def function(input: Any, dim: int) -> ValuesIndices:
        x, axis = line(input, dim)
        a = x._data
        best = ufunc.accumulate(a, axis=axis) if a.size else a
        position = np.arange(a.shape[axis]).reshape(-1, *(1,) * (a.ndim - axis - 1))
        # The last of equal elements, and of NaNs.
        index = np.where((a == best) | (a != a), position, 0)
        index = np.maximum.accumulate(index, axis=axis) if a.size else index
        return kind(like(gather(x, axis, index), input), like(as_tensor(index), input))

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"""(values, indices) of the {word} element so far along `dim`.

    Of equal elements the last one counts.

    >>> import autograd
    >>> values, indices = autograd.tensor([1.0, 3.0, 2.0]).{name}(0)
    """
    return public(name)(function)


cummax = _running("cummax", np.maximum, "largest")
cummin = _running("cummin", np.minimum, "smallest")


@public(numpy=np.diff)
def diff(input: Any, n: int = 1, dim: int = -1, prepend: Any = None, append: Any = None) -> Tensor:
    """The differences of neighbours along `dim`, `n` times over; of bools, where they differ.

    >>> import autograd
    >>> autograd.tensor([1, 3, 2]).diff()
    tensor([ 2, -1])
    """
    x: Any = as_tensor(input)
    if x.ndim == 0:
        raise RuntimeError("diff: expected at least 1 dimension, got a 0-d tensor")
    if n < 0:
        raise RuntimeError(f"diff: n must not be negative, got {n}")
    axis = axis_of(dim, x.ndim)
    ends = [e if e is None else as_tensor(e) for e in (prepend, append)]
    if n and any(e is not None for e in ends):
        x = np.concatenate([e for e in (ends[0], x, ends[1]) if e is not None], axis)
    for _ in range(min(n, x.shape[axis])):
        later, earlier = part(x, axis, 1, None), part(x, axis, None, -1)
        x = later ^ earlier if x.dtype == np.bool_ else later - earlier
    return x


def _trapezoids(y: Any, x: Any, dx: Any, dim: int, name: str) -> tuple[Any, int]:
    """Twice the area between neighbours."""
    y = as_tensor(y)
    if x is not None and dx is not None:
        raise TypeError(f"{name}: give the positions x or their distance dx, not both")
    axis = axis_of(dim, y.ndim)
    width: Any = 1 if dx is None else dx
    if x is not None:
        x = as_tensor(x)
        width = diff(x, dim=0 if x.ndim == 1 else dim)
        if x.ndim == 1:
            if x.shape[0] != y.shape[axis]:
                raise ShapeError(f"{name}: {described(x)} are no positions for {described(y)}")
            width = width.reshape(-1, *(1,) * (y.ndim - axis - 1))
    return (part(y, axis, 1, None) + part(y, axis, None, -1)) * width, axis


@public(method=False, aliases=("trapz",))
def trapezoid(y: Any, x: Any = None, *, dx: Any = None, dim: int = -1) -> Tensor:
    """The integral of `y` along `dim` by the trapezoidal rule, at positions `x` or `dx` apart.

    >>> import autograd
    >>> autograd.trapezoid(autograd.tensor([1.0, 2.0, 3.0]))
    tensor(4.)
    """
    y = as_tensor(y)
    if x is None and y.dtype.kind in "iu":  # in small integers the sums would overflow
        y = y.to(np.int64)
    areas, axis = _trapezoids(y, x, dx, dim, "trapezoid")
    return areas.sum(axis) / 2


@public(method=False)
def cumulative_trapezoid(y: Any, x: Any = None, *, dx: Any = None, dim: int = -1) -> Tensor:
    """The running integral of `y` along `dim` by the trapezoidal rule; one element fewer.

    >>> import autograd
    >>> autograd.cumulative_trapezoid(autograd.tensor([1.0, 2.0, 3.0]))
    tensor([1.5000, 4.0000])
    """
    areas, axis = _trapezoids(y, x, dx, dim, "cumulative_trapezoid")
    return areas.cumsum(axis) / 2


@public(method=False)
def gradient(
    input: Any, *, spacing: Any = 1, dim: Any = None, edge_order: int = 1
) -> tuple[Tensor, ...]:
    """The derivative along each dimension in `dim` by central differences, of second order inside.

    `spacing` is the distance of samples, one distance per dimension, or a sequence of tensors with
    the positions; `edge_order` is the order of the differences at the ends.

    >>> import autograd
    >>> autograd.gradient(autograd.tensor([1.0, 4.0, 9.0, 16.0]))
    (tensor([3., 4., 6., 7.]),)
    """
    x = as_tensor(input)
    dims = range(x.ndim) if dim is None else dim if isinstance(dim, (tuple, list)) else (dim,)
    axes = [axis_of(d, x.ndim) for d in dims]
    if len(set(axes)) < len(axes):
        raise RuntimeError(f"gradient: a dimension appears several times in dim={dim}")
    distance = 1 if spacing is None else spacing
    spacings = distance if isinstance(distance, (tuple, list)) else [distance] * len(axes)
    if len(spacings) != len(axes):
        raise RuntimeError(f"gradient: {len(spacings)} spacings for {len(axes)} dimensions")
    if edge_order not in (1, 2):
        raise RuntimeError(f"gradient: edge_order must be 1 or 2, got {edge_order}")
    if any(x.shape[axis] <= edge_order for axis in axes):
        raise RuntimeError(
            f"gradient: each dimension needs more than edge_order={edge_order} elements, got "
            f"{described(x)}"
        )
    return tuple(_slope(x, *pair, edge_order) for pair in zip(axes, spacings, strict=True))


def _slope(x: Any, axis: int, spacing: Any, edge_order: int) -> Any:
    ones = (1,) * (x.ndim - axis - 1)
    h: Any
    if np.ndim(spacing):
        h = diff(spacing)
        h = h.reshape(-1, *ones)
    else:
        h = np.full((x.shape[axis] - 1, *ones), float(spacing), as_float(x).dtype)
    d = diff(x, dim=axis) / h  # the slopes between neighbours
    before, after = h[:-1], h[1:]
    # An inner slope is the mean of both sides, each weighted with the other's distance.
    inner = (part(d, axis, None, -1) * after + part(d, axis, 1, None) * before) / (before + after)
    first, last = part(d, axis, None, 1), part(d, axis, -1, None)
    if edge_order == 2:
        first = first + (first - part(inner, axis, None, 1))
        last = last + (last - part(inner, axis, -1, None))
    return np.concatenate([first, inner, last], axis)
