"""Reductions over dimensions. The gradient of each spreads over what was reduced."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from ..axes import axes_of, axis_of
from ..creation import as_tensor
from ..dtypes import as_dtype
from ..function import Op
from ..registry import public
from ..tensor import Tensor


def accumulator(x: np.ndarray) -> Any:
    """The dtype in which elements of `x` are added up: int64 for integers and bools."""
    return np.int64 if x.dtype.kind in "bui" else None


def spread(g: Any, like: tuple[int, ...], axes: tuple[int, ...]) -> Any:
    """A reduced `g` over the shape it was reduced from, whether the dimensions were kept or not."""
    kept = tuple(1 if i in axes else n for i, n in enumerate(like))
    return np.broadcast_to(g.reshape(kept), like)


def _cast(input: Any, dtype: Any) -> Any:
    x = as_tensor(input)
    return x if dtype is None else x.to(as_dtype(dtype))  # type: ignore[attr-defined]


def floating(input: Any, name: str) -> Tensor:
    """`input` as a tensor, refused unless it is floating."""
    x = as_tensor(input)
    if x.dtype.kind != "f":
        raise RuntimeError(f"{name}: only floating tensors are possible, got dtype {x.dtype}")
    return x


class Sum(Op):
    symbol = "Σ"
    backward = {"x": lambda g, ctx, axes: spread(g, ctx.input_shape, axes)}
    formula = {"x": "g spread over the summed dimensions"}

    def forward(ctx, x, axes, keepdim):  # type: ignore[no-untyped-def]
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
    x = _cast(input, dtype)
    return Sum.apply(x, axes_of(dim, x._data.ndim, "sum"), keepdim)


class Mean(Op):
    backward = {"x": lambda g, ctx, axes: spread(g / ctx.n, ctx.input_shape, axes)}
    formula = {"x": "g / n spread over the averaged dimensions"}

    def forward(ctx, x, axes, keepdim):  # type: ignore[no-untyped-def]
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
    x = floating(_cast(input, dtype), "mean")
    return Mean.apply(x, axes_of(dim, x._data.ndim, "mean"), keepdim)


class Prod(Op):
    symbol = "Π"
    backward = {"x": lambda g, x, axes: spread(g, x.shape, axes) * _product_of_others(x, axes)}
    formula = {"x": "g * product of the other elements"}

    def forward(x, axes, keepdim):  # type: ignore[no-untyped-def]
        return x.prod(axis=axes, keepdims=keepdim, dtype=accumulator(x))


def _product_of_others(x: Any, axes: tuple[int, ...]) -> Any:
    """For each element the product of all others along `axes`.

    Not out / x, which fails at zeros: the exclusive product from the left times that from the
    right, over the reduced dimensions laid out as one.
    """
    ndim = x.ndim
    others = tuple(i for i in range(ndim) if i not in axes)
    n = math.prod(x.shape[i] for i in axes)
    flat = np.transpose(x, (*others, *axes)).reshape((*(x.shape[i] for i in others), n))
    if n == 0:
        return x
    ones = np.ones((*flat.shape[:-1], 1), flat.dtype)
    left = [ones]
    right = [ones]
    for i in range(n - 1):
        left.append(left[-1] * flat[..., i : i + 1])
        right.append(right[-1] * flat[..., n - 1 - i : n - i])
    exclusive = np.concatenate(left, -1) * np.concatenate(right[::-1], -1)
    exclusive = exclusive.reshape(tuple(x.shape[i] for i in (*others, *axes)))
    return np.transpose(exclusive, tuple(int(i) for i in np.argsort((*others, *axes))))


@public(numpy=np.prod, op=Prod)
def prod(input: Any, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Tensor:
    """The product over `dim`, or over all elements; differentiable at zeros too.

    >>> import autograd
    >>> autograd.tensor([2.0, 3.0]).prod()
    tensor(6.)
    """
    x = _cast(input, dtype)
    axes = axes_of(dim, x._data.ndim, "prod") if dim is None else axes_of(
        axis_of(dim, x._data.ndim), x._data.ndim
    )
    return Prod.apply(x, axes, keepdim)


def _even(g: Any, x: Any, out: Any, axes: tuple[int, ...]) -> Any:
    """`g` shared evenly among the elements of `x` that equal their extremum `out`."""
    hit = x == spread(out, x.shape, axes)
    count = hit.sum(axes, keepdims=True)
    return spread(g, x.shape, axes) * hit / count


class AMax(Op):
    op_name, symbol = "amax", "max"
    backward = {"x": lambda g, x, out, axes: _even(g, x, out, axes)}
    formula = {"x": "g * (x == out) / number of ties"}

    def forward(x, axes, keepdim):  # type: ignore[no-untyped-def]
        return x.max(axis=axes, keepdims=keepdim)


class AMin(Op):
    op_name, symbol = "amin", "min"
    backward = {"x": lambda g, x, out, axes: _even(g, x, out, axes)}
    formula = {"x": "g * (x == out) / number of ties"}

    def forward(x, axes, keepdim):  # type: ignore[no-untyped-def]
        return x.min(axis=axes, keepdims=keepdim)


@public(op=AMax)
def amax(input: Any, dim: Any = (), keepdim: bool = False) -> Tensor:
    """The maximum over `dim`; tied elements share the gradient evenly.

    >>> import autograd
    >>> autograd.tensor([[1.0, 5.0], [3.0, 2.0]]).amax(1)
    tensor([5., 3.])
    """
    x = as_tensor(input)
    return AMax.apply(x, axes_of(dim, x._data.ndim, "amax"), keepdim)


@public(op=AMin)
def amin(input: Any, dim: Any = (), keepdim: bool = False) -> Tensor:
    """The minimum over `dim`; tied elements share the gradient evenly.

    >>> import autograd
    >>> autograd.tensor([[1.0, 5.0], [3.0, 2.0]]).amin(0)
    tensor([1., 2.])
    """
    x = as_tensor(input)
    return AMin.apply(x, axes_of(dim, x._data.ndim, "amin"), keepdim)


class MaxResult(NamedTuple):
    """Values and their indices along the reduced dimension."""

    values: Tensor
    indices: Tensor


def _extremum(name: str, whole: Any, pair: Any, arg: Any) -> Any:
    def function(input: Any, dim: Any = None, keepdim: bool = False) -> Any:
        x = as_tensor(input)
        if isinstance(dim, Tensor):
            return pair(x, dim)
        if dim is None:
            return whole(x)
        indices = arg(x, dim, True)
        values = x.gather(dim, indices) if x._data.ndim else x.clone()  # type: ignore[attr-defined]
        if not keepdim and x._data.ndim:
            axis = axis_of(dim, x._data.ndim)
            values, indices = values.squeeze(axis), indices.squeeze(axis)
        return MaxResult(values, indices)

    function.__name__ = function.__qualname__ = name
    word = "largest" if name == "max" else "smallest"
    function.__doc__ = f"""The {word} element; with `dim`, (values, indices) along it.

    With a second tensor instead of `dim`, the elementwise `{name}imum`.

    >>> import autograd
    >>> values, indices = autograd.tensor([[1.0, 5.0], [3.0, 2.0]]).{name}(1)
    """
    return function


@public(numpy=np.argmax)
def argmax(input: Any, dim: int | None = None, keepdim: bool = False) -> Tensor:
    """The index of the largest element (the first of several) along `dim`, or of all.

    >>> import autograd
    >>> autograd.tensor([[1.0, 5.0], [3.0, 2.0]]).argmax(1)
    tensor([1, 0])
    """
    return _arg(np.argmax, as_tensor(input)._data, dim, keepdim, "argmax")


@public(numpy=np.argmin)
def argmin(input: Any, dim: int | None = None, keepdim: bool = False) -> Tensor:
    """The index of the smallest element (the first of several) along `dim`, or of all.

    >>> import autograd
    >>> autograd.tensor([[1.0, 5.0], [3.0, 2.0]]).argmin(1)
    tensor([0, 1])
    """
    return _arg(np.argmin, as_tensor(input)._data, dim, keepdim, "argmin")


def _arg(function: Any, x: np.ndarray, dim: int | None, keepdim: bool, name: str) -> Tensor:
    axis = None if dim is None or x.ndim == 0 else axis_of(dim, x.ndim)
    if (x.size if axis is None else x.shape[axis]) == 0:
        raise IndexError(f"{name}: nothing to choose from in a tensor of shape {x.shape}")
    return as_tensor(np.asarray(function(x, axis=axis, keepdims=keepdim and x.ndim > 0)))


max = public("max")(
    _extremum("max", amax, lambda x, y: x.maximum(y), argmax)
)
min = public("min")(
    _extremum("min", amin, lambda x, y: x.minimum(y), argmin)
)


class Var(Op):
    backward = {
        "x": lambda g, x, ctx, axes: spread(g, x.shape, axes)
        * ((2.0 / ctx.freedom) * (x - _mean(x, axes)))
    }
    formula = {"x": "g * 2 / (n - correction) * (x - mean)"}

    def forward(ctx, x, axes, correction, keepdim):  # type: ignore[no-untyped-def]
        n = math.prod(x.shape[i] for i in axes)
        ctx.freedom = n - correction if n > correction else math.nan
        centred = x - _mean(x, axes)  # two passes: near-equal numbers do not cancel
        total = (centred * centred).sum(axis=axes, keepdims=keepdim)
        return total / np.asarray(np.maximum(n - correction, 0), total.dtype)


def _mean(x: Any, axes: tuple[int, ...]) -> Any:
    n = math.prod(x.shape[i] for i in axes)
    return x.sum(axes, keepdims=True) / (n if n else math.nan)


@public(op=Var)
def var(input: Any, dim: Any = None, unbiased: bool | None = None, keepdim: bool = False, *,
        correction: float | None = None) -> Tensor:
    """The variance over `dim`, divided by n - correction (default 1).

    >>> import autograd
    >>> autograd.tensor([1.0, 2.0, 3.0]).var()
    tensor(1.)
    """
    x = floating(input, "var")
    if isinstance(dim, bool):  # the overload var(input, unbiased)
        dim, unbiased = None, dim
    if correction is None:
        correction = 1 if unbiased is None or unbiased else 0
    return Var.apply(x, axes_of(dim, x._data.ndim, "var"), correction, keepdim)


@public()
def std(input: Any, dim: Any = None, unbiased: bool | None = None, keepdim: bool = False, *,
        correction: float | None = None) -> Tensor:
    """The standard deviation, the root of `var`.

    >>> import autograd
    >>> autograd.tensor([1.0, 2.0, 3.0]).std()
    tensor(1.)
    """
    return var(input, dim, unbiased, keepdim, correction=correction).sqrt()  # type: ignore[attr-defined]


class LogSumExp(Op):
    op_name = "logsumexp"
    backward = {
        "x": lambda g, x, out, axes: spread(g, x.shape, axes)
        * np.exp(x - _above_minus_infinity(spread(out, x.shape, axes)))
    }
    formula = {"x": "g * exp(x - out)"}

    def forward(x, axes, keepdim):  # type: ignore[no-untyped-def]
        top = x.max(axis=axes, keepdims=True, initial=-np.inf)
        top = np.where(np.isinf(top), 0.0, top)
        out = np.log(np.exp(x - top).sum(axis=axes, keepdims=True)) + top
        return out if keepdim else out.squeeze(axes)


def _above_minus_infinity(out: Any) -> Any:
    """`out` with 0 for -inf: where every element is -inf, the gradient is 0 and not NaN."""
    return np.where(out == -np.inf, 0.0, out)


@public(op=LogSumExp)
def logsumexp(input: Any, dim: Any, keepdim: bool = False) -> Tensor:
    """log Σ exp(input) over `dim`, without overflow.

    >>> import autograd
    >>> autograd.tensor([1000.0, 1000.0]).logsumexp(0)
    tensor(1000.6932)
    """
    x = as_tensor(input)
    x = x if x.dtype.kind == "f" else x.float()  # type: ignore[attr-defined]
    return LogSumExp.apply(x, axes_of(dim, x._data.ndim, "logsumexp"), keepdim)


def _truth(name: str, function: Any, what: str) -> Any:
    def reduced(input: Any, dim: Any = None, keepdim: bool = False) -> Tensor:
        x = as_tensor(input)._data
        result = function(x, axis=axes_of(dim, x.ndim, name), keepdims=keepdim)
        # uint8 was PyTorch's bool once, and stays itself here.
        return as_tensor(np.asarray(result, np.uint8 if x.dtype == np.uint8 else None))

    reduced.__name__ = reduced.__qualname__ = name
    reduced.__doc__ = f"""True where {what} element over `dim` is not 0.

    >>> import autograd
    >>> autograd.{name}(autograd.tensor([True, False]))
    tensor({name == "any"})
    """
    return public(name, numpy=function)(reduced)


all = _truth("all", np.all, "every")
any = _truth("any", np.any, "some")


class CumSum(Op):
    op_name = "cumsum"
    backward = {"x": lambda g, axis: np.flip(CumSum.call(np.flip(g, axis), axis), axis)}
    formula = {"x": "cumulative sum of g from the end"}

    def forward(x, axis):  # type: ignore[no-untyped-def]
        return x.cumsum(axis=axis, dtype=accumulator(x))


@public(numpy=np.cumsum, op=CumSum, in_place=True)
def cumsum(input: Any, dim: int, *, dtype: Any = None) -> Tensor:
    """The running sum along `dim`.

    >>> import autograd
    >>> autograd.tensor([1.0, 2.0, 3.0]).cumsum(0)
    tensor([1., 3., 6.])
    """
    x = _cast(input, dtype)
    if x._data.ndim == 0:
        return cumsum(x.reshape(1), 0).reshape(())  # type: ignore[attr-defined]
    return CumSum.apply(x, axis_of(dim, x._data.ndim))
