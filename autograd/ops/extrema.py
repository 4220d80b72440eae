"""The largest and the smallest: values, indices, and both."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import return_types
from ..axes import axes_of, axis_of
from ..batching.array import as_array
from ..creation import as_tensor
from ..errors import IndexRangeError, described
from ..function import Op
from ..registry import public
from ..return_types import MinMax
from ..tensor import Tensor
from .common import passing, spread
from .indexing import gather


def shared_evenly(g: Any, x: Any, out: Any, axes: tuple[int, ...]) -> Any:
    """`g` shared evenly among the elements of `x` that equal the one that was picked, `out`."""
    hit = x == spread(out, x.shape, axes)
    return passing(spread(g, x.shape, axes), hit) / hit.sum(axes, keepdims=True)


class AMax(Op):
    op_name, symbol = "amax", "max"
    backward = {"x": shared_evenly}
    formula = {"x": "g * (x == out) / number of ties"}

    def forward(x, axes, keepdim):
        return x.max(axis=axes, keepdims=keepdim)


class AMin(Op):
    op_name, symbol = "amin", "min"
    backward = {"x": shared_evenly}
    formula = {"x": "g * (x == out) / number of ties"}

    def forward(x, axes, keepdim):
        return x.min(axis=axes, keepdims=keepdim)


def _over(input: Any, dim: Any, name: str) -> tuple[Tensor, tuple[int, ...]]:
    """`input` as a tensor, and the axes of `dim`, none of which may be empty."""
    x = as_tensor(input)
    axes = axes_of(dim, x._data.ndim, name)
    if 0 in x._data.shape and not all(x._data.shape[axis] for axis in axes):
        raise IndexRangeError(f"{name}: nothing to choose from along dim {dim} of {described(x)}")
    return x, axes


@public(op=AMax)
def amax(input: Any, dim: Any = (), keepdim: bool = False) -> Tensor:
    """The maximum over `dim`; tied elements share the gradient evenly.

    >>> import autograd
    >>> autograd.tensor([[1.0, 5.0], [3.0, 2.0]]).amax(1)
    tensor([5., 3.])
    """
    return AMax.apply(*_over(input, dim, "amax"), keepdim)


@public(op=AMin)
def amin(input: Any, dim: Any = (), keepdim: bool = False) -> Tensor:
    """The minimum over `dim`; tied elements share the gradient evenly.

    >>> import autograd
    >>> autograd.tensor([[1.0, 5.0], [3.0, 2.0]]).amin(0)
    tensor([1., 2.])
    """
    return AMin.apply(*_over(input, dim, "amin"), keepdim)


@public()
def aminmax(input: Any, *, dim: int | None = None, keepdim: bool = False) -> MinMax:
    """(min, max) over `dim`, or over all elements.

    >>> import autograd
    >>> autograd.tensor([1.0, 3.0, 2.0]).aminmax().max
    tensor(3.)
    """
    dims = () if dim is None else dim
    return return_types.aminmax(amin(input, dims, keepdim), amax(input, dims, keepdim))


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
    return as_tensor(as_array(function(x, axis=axis, keepdims=keepdim and x.ndim > 0)))


def picked(kind: Any, input: Any, dim: int, keepdim: bool, choose: Any) -> Any:
    """`kind(values, indices)` with the element of each line along `dim` that `choose` picks.

    `choose(array, axis)` returns indices with a size of 1 along the axis.
    """
    x: Any = as_tensor(input)
    axis = axis_of(dim, x.ndim)
    if x.ndim == 0:
        return kind(*(part[0] for part in picked(kind, x.reshape(1), 0, True, choose)))
    if x.shape[axis] == 0:
        raise IndexError(
            f"{kind.__name__}: nothing to choose from along dim {dim} of shape {tuple(x.shape)}"
        )
    index = choose(x._data, axis)
    values, indices = gather(x, axis, index), as_tensor(index)
    return kind(values, indices) if keepdim else kind(values.squeeze(axis), indices.squeeze(axis))


def _extremum(name: str, whole: Any, pair: Any, arg: Any) -> Any:
    kind = getattr(return_types, name)

    def function(input: Any, dim: Any = None, keepdim: bool = False, *, other: Any = None) -> Any:
        if isinstance(dim, Tensor) or other is not None:
            return pair(as_tensor(input), dim if other is None else other)
        if dim is None:
            return whole(input)
        return picked(kind, input, dim, keepdim, lambda a, axis: arg(a, axis, keepdims=True))

    function.__name__ = function.__qualname__ = name
    word = "largest" if name == "max" else "smallest"
    function.__doc__ = f"""The {word} element; with `dim`, (values, indices) along it.

    With a second tensor instead of `dim`, the elementwise `{name}imum`. Without a dim, tied
    elements share the gradient; with one, the element that the index names has it.

    >>> import autograd
    >>> values, indices = autograd.tensor([[1.0, 5.0], [3.0, 2.0]]).{name}(1)
    """
    return public(name)(function)


max = _extremum("max", amax, lambda x, y: x.maximum(y), np.argmax)
min = _extremum("min", amin, lambda x, y: x.minimum(y), np.argmin)
