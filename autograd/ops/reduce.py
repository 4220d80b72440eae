"""Sums, products, logsumexp and counts over dimensions."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..axes import axes_of, axis_of
from ..batching.array import as_array
from ..creation import as_tensor
from ..function import Op
from ..registry import public
from ..tensor import Tensor
from .common import above_minus_infinity, as_float, cast, floating, kept, spread
from .scan import accumulator, product_before


class Sum(Op):
    symbol = "Σ"
    backward = {"x": lambda g, ctx, axes: spread(g, ctx.input_shape, axes)}
    formula = {"x": "g spread over the summed dimensions"}

    def forward(ctx, x, axes, keepdim):
        ctx.input_shape = x.shape
        return x.sum(axis=axes, keepdims=keepdim, dtype=accumulator(x))


@public(numpy=np.sum, op=Sum)
def sum(input: Any, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """The sum over `dim` (a number, several, or None for all). Integers and bools give int64.

    >>> import autograd
    >>> x = autograd.tensor([[1.0, 2.0], [3.0, 4.0]])
    >>> x.sum(), x.sum(0), x.sum(dim=1, keepdim=True)
    (tensor(10.), tensor([4., 6.]), tensor([[3.],
            [7.]]))
    """
    x = cast(input, dtype)
    total = Sum.apply(x, axes_of(dim, x._data.ndim, "sum"), keepdim)
    return total if dtype is None else cast(total, dtype)


@public()
def nansum(input: Any, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """The sum over `dim`, NaN counting as 0.

    >>> import autograd
    >>> autograd.tensor([1.0, float("nan")]).nansum()
    tensor(1.)
    """
    x: Any = cast(input, dtype)
    known = x if x.dtype.kind != "f" else np.where(np.isnan(x), 0.0, x)
    return sum(known, dim, keepdim, dtype=dtype)


class Mean(Op):
    backward = {"x": lambda g, ctx, axes: spread(g / ctx.n, ctx.input_shape, axes)}
    formula = {"x": "g / n spread over the averaged dimensions"}

    def forward(ctx, x, axes, keepdim):
        ctx.input_shape = x.shape
        ctx.n = math.prod(x.shape[i] for i in axes)
        total = x.sum(axis=axes, keepdims=keepdim)
        return total / np.asarray(ctx.n, total.dtype)  # 0 / 0 is NaN, where ints would raise


@public(numpy=np.mean, op=Mean)
def mean(input: Any, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """The mean over `dim`; of an empty tensor NaN.

    >>> import autograd
    >>> autograd.tensor([1.0, 2.0, 6.0]).mean()
    tensor(3.)
    """
    x = floating(cast(input, dtype), "mean")
    return Mean.apply(x, axes_of(dim, x._data.ndim, "mean"), keepdim)


@public()
def nanmean(input: Any, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """The mean over `dim` of what is not NaN; NaN where there is nothing else.

    >>> import autograd
    >>> autograd.tensor([1.0, float("nan")]).nanmean()
    tensor(1.)
    """
    x: Any = floating(cast(input, dtype), "nanmean")
    return nansum(x, dim, keepdim) / np.logical_not(np.isnan(x)).sum(dim, keepdim)


class Prod(Op):
    symbol = "Π"
    backward = {"x": lambda g, x, axes: spread(g, x.shape, axes) * _product_of_others(x, axes)}
    formula = {"x": "g * product of the other elements"}

    def forward(x, axes, keepdim):
        return x.prod(axis=axes, keepdims=keepdim, dtype=accumulator(x))


def _product_of_others(x: Any, axes: tuple[int, ...]) -> Any:
    """For each element the product of all others along `axes`.

    Not out / x, which fails at zeros: the product of what comes before times that of what comes
    after, over the reduced dimensions laid out as one.
    """
    if x.size == 0 if isinstance(x, np.ndarray) else x.numel() == 0:
        return x
    order = (*(i for i in range(x.ndim) if i not in axes), *axes)
    laid_out = np.transpose(x, order)
    flat = laid_out.reshape(*laid_out.shape[: x.ndim - len(axes)], -1)
    axis = flat.ndim - 1
    after = np.flip(product_before(np.flip(flat, axis), axis), axis)
    others = (product_before(flat, axis) * after).reshape(laid_out.shape)
    return np.transpose(others, tuple(int(i) for i in np.argsort(order)))


@public(op=Prod)
def prod(input: Any, dim: int | None = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """The product over `dim`, or over all elements; differentiable at zeros too.

    >>> import autograd
    >>> autograd.tensor([2.0, 3.0]).prod()
    tensor(6.)
    """
    x = cast(input, dtype)
    ndim = x._data.ndim
    axes = axes_of(None if dim is None else axis_of(dim, ndim), ndim)
    return cast(Prod.apply(x, axes, keepdim), dtype)


class LogSumExp(Op):
    op_name = "logsumexp"
    backward = {
        "x": lambda g, x, out, axes: (
            kept(g, x.shape, axes) * np.exp(x - above_minus_infinity(kept(out, x.shape, axes)))
        )
    }
    formula = {"x": "g * exp(x - out)"}

    def forward(x, axes, keepdim):
        top = x.max(axis=axes, keepdims=True, initial=-np.inf)
        top = np.where(np.isinf(top), 0.0, top)
        out = np.log(np.exp(x - top).sum(axis=axes, keepdims=True)) + top
        return out if keepdim else out.squeeze(axes)


@public(op=LogSumExp, aliases=("special.logsumexp",))
def logsumexp(input: Any, dim: Any, keepdim: bool = False) -> Tensor:
    """log Σ exp(input) over `dim`, without overflow.

    >>> import autograd
    >>> autograd.tensor([1000.0, 1000.0]).logsumexp(0)
    tensor(1000.6932)
    """
    x = as_float(input)
    return LogSumExp.apply(x, axes_of(dim, x._data.ndim, "logsumexp"), keepdim)


def _truth(name: str, function: Any, what: str) -> Any:
    def reduced(input: Any, dim: Any = None, keepdim: bool = False) -> Tensor:
        x = as_tensor(input)._data
        result = as_array(function(x, axis=axes_of(dim, x.ndim, name), keepdims=keepdim))
        return as_tensor(result.astype(np.uint8) if x.dtype == np.uint8 else result)

    reduced.__name__ = reduced.__qualname__ = name
    reduced.__doc__ = f"""True where {what} element over `dim` is not 0 (1 for uint8).

    >>> import autograd
    >>> autograd.{name}(autograd.tensor([True, False]))
    tensor({name == "any"})
    """
    return public(name, numpy=function)(reduced)


all = _truth("all", np.all, "every")
any = _truth("any", np.any, "some")


@public(numpy=np.count_nonzero)
def count_nonzero(input: Any, dim: Any = None) -> Tensor:
    """How many elements over `dim` are not 0.

    >>> import autograd
    >>> autograd.tensor([0, 1, 2]).count_nonzero()
    tensor(2)
    """
    x = as_tensor(input)._data
    return as_tensor(as_array((x != 0).sum(axes_of(dim, x.ndim, "count_nonzero"))))
