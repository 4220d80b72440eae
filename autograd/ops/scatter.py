"""Writing at an index, out of place: `scatter`, `index_add` and their relatives.

Two linear operations carry most of them: `SetItem` replaces and `AddAt` adds.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..axes import axis_of
from ..batching.array import Batched, everywhere
from ..batching.indexing import placed
from ..creation import as_tensor
from ..dtypes import stored
from ..errors import IndexRangeError, ShapeError, described
from ..function import Op
from ..registry import public
from ..tensor import Tensor, wrap
from .accumulate import summed_at
from .convert import to
from .indexing import (
    GetItem,
    SetItem,
    along,
    at_axis,
    integer_index,
    lifted,
    plain_index,
    vector_index,
)
from .reduce_at import REDUCTIONS, reduced_at
from .shape import Reshape


class AddAt(Op):
    """`x` with `y` added at the index, as often as an element is named."""

    public = False
    backward = {"x": lambda g: g, "y": lambda g, index: g[index]}
    formula = {"x": "g", "y": "g[index]"}

    def forward(x, y, index):
        return x + summed_at(y, x.shape, index)

    def batch(ctx, run, level, x, y, index):
        values, place = placed(y, x, index, level)
        return Batched(run(everywhere(x, level), values, place), level)


def same_dtype(x: Tensor, y: Tensor, name: str) -> None:
    """Raises where the two tensors have different dtypes."""
    if x.dtype != y.dtype:
        raise RuntimeError(
            f"{name}: the tensors {described(x)} and {described(y)} must have one dtype; convert "
            "with .to(dtype)"
        )


def _along_dim(
    change: Any, name: str, input: Any, dim: int, index: Any, src: Any, value: Any = None
) -> Tensor:
    """`change(x, y, index)` for what the scatter functions take: `y` is `src`, cut to the size of
    the index, or one value."""
    given = as_tensor(input)
    x, i = lifted(given), lifted(index)
    axis = axis_of(dim, x._data.ndim)
    picks = integer_index(i, x._data.shape[axis], name)
    if src is None:
        y = wrap(stored(value, x.dtype))
        limits: tuple[int, ...] = picks.shape
    else:
        y = lifted(src)
        same_dtype(x, y, name)
        limits = y._data.shape
    if picks.size == 0:
        return given.clone()
    own = x._data.shape
    if (
        not picks.ndim == len(own) == len(limits)
        or any(a > b for j, (a, b) in enumerate(zip(picks.shape, own, strict=True)) if j != axis)
        or any(a > b for a, b in zip(picks.shape, limits, strict=True))
    ):
        raise ShapeError(
            f"{name}: the index {described(i)} must have as many dimensions as the tensor "
            f"{described(x)} and the source {described(y)}, and sizes that are not larger (the "
            f"tensor's along dim {axis} does not count)"
        )
    if src is not None and limits != picks.shape:
        y = GetItem.apply(y, tuple(map(slice, picks.shape)))
    return Reshape.apply(change(x, y, along(picks, axis)), given._data.shape)


@public(in_place=True, reads_values=True)
def scatter(
    input: Any, dim: int, index: Any, src: Any = None, *, value: Any = None, reduce: Any = None
) -> Tensor:
    """`input` with `src` (a tensor, or one value) written along `dim` at `index`.

    For dim 0: out[index[i][j]][j] = src[i][j]. `reduce` may be "add" or "multiply".

    >>> import autograd
    >>> autograd.zeros(2, 3).scatter(1, autograd.tensor([[2], [0]]), 1.0)
    tensor([[0., 0., 1.],
            [1., 0., 0.]])
    """
    if src is not None and not isinstance(src, (Tensor, np.ndarray)):
        src, value = None, src
    if src is None and value is None:
        raise TypeError("scatter: give src (a tensor) or value (a number)")
    changes = {None: SetItem.apply, "add": AddAt.apply, "multiply": _reduction("prod", True)}
    if reduce not in changes:
        raise RuntimeError(f"scatter: reduce must be 'add' or 'multiply', got {reduce!r}")
    return _along_dim(changes[reduce], "scatter", input, dim, index, src, value)


@public(in_place=True)
def scatter_add(input: Any, dim: int, index: Any, src: Any) -> Tensor:
    """`input` with `src` added along `dim` at `index`; what comes to one place adds up.

    >>> import autograd
    >>> autograd.zeros(2).scatter_add(0, autograd.tensor([1, 1]), autograd.tensor([1.0, 2.0]))
    tensor([0., 3.])
    """
    return _along_dim(AddAt.apply, "scatter_add", input, dim, index, src)


@public(in_place=True, reads_values=True)
def scatter_reduce(
    input: Any, dim: int, index: Any, src: Any, reduce: str, *, include_self: bool = True
) -> Tensor:
    """Like `scatter_add`, with "sum", "prod", "mean", "amax" or "amin" of what meets in a place.

    Without `include_self`, what was there does not take part.

    >>> import autograd
    >>> x, index = autograd.zeros(2), autograd.tensor([1, 1])
    >>> x.scatter_reduce(0, index, autograd.tensor([1.0, 2.0]), "amax")
    tensor([0., 2.])
    """
    if reduce not in ("sum", *REDUCTIONS, "mean"):
        raise RuntimeError(
            f"scatter_reduce: reduce must be sum, prod, mean, amax or amin, got {reduce!r}"
        )
    change = _reduction(reduce, include_self)
    return _along_dim(change, "scatter_reduce", input, dim, index, src)


def _reduction(reduce: str, include_self: bool) -> Any:
    """`change(x, y, index)` that reduces `y` into `x`."""

    def change(x: Tensor, y: Tensor, index: tuple[Any, ...]) -> Tensor:
        if reduce in REDUCTIONS:
            return reduced_at(x, y, index, reduce, include_self)
        if not include_self:
            x = SetItem.apply(x, 0, index)
        total = AddAt.apply(x, y, index)
        if reduce == "sum":
            return total
        ones = np.ones(y._data.shape, x.dtype)
        count = summed_at(ones, x._data.shape, index) + np.asarray(include_self, x.dtype)
        count = np.maximum(count, np.asarray(1, x.dtype))
        return total / count if x.dtype.kind == "f" else total // count

    return change


def _slices(change: Any, name: str, input: Any, dim: int, index: Any, source: Any) -> Tensor:
    """`change(x, y, index)` for what the index functions take: `source` holds one slice along
    `dim` for each entry of `index`."""
    given, s = as_tensor(input), as_tensor(source)
    x = lifted(given)
    axis = axis_of(dim, x._data.ndim)
    picks = vector_index(index, x._data.shape[axis], name)
    same_dtype(x, s, name)
    wanted = (*x._data.shape[:axis], picks.size, *x._data.shape[axis + 1 :])
    # index_copy takes a number for a slice of one element, and the reverse; the others do not.
    number_for_slice = name == "index_copy" or s._data.ndim == given._data.ndim
    if (s._data.shape != wanted and (s._data.ndim or wanted != (1,))) or not number_for_slice:
        raise ShapeError(
            f"{name}: {described(x)} with {picks.size} indices along dim {axis} needs a source of "
            f"shape {wanted}, got {described(s)}"
        )
    out = change(x, Reshape.apply(s, wanted), at_axis(picks, axis))
    return Reshape.apply(out, given._data.shape)


@public(in_place=True)
def index_add(input: Any, dim: int, index: Any, source: Any, *, alpha: float = 1) -> Tensor:
    """`input` with the slices of alpha · source added along `dim` at `index`.

    >>> import autograd
    >>> autograd.zeros(3).index_add(0, autograd.tensor([2, 2]), autograd.ones(2))
    tensor([0., 0., 2.])
    """
    s = as_tensor(source)
    scaled = s if alpha == 1 else to(s * alpha, s.dtype)
    return _slices(AddAt.apply, "index_add", input, dim, index, scaled)


@public(in_place=True)
def index_copy(input: Any, dim: int, index: Any, source: Any) -> Tensor:
    """`input` with the slices of `source` written along `dim` at `index`.

    >>> import autograd
    >>> autograd.zeros(3).index_copy(0, autograd.tensor([2, 0]), autograd.tensor([1.0, 2.0]))
    tensor([2., 0., 1.])
    """
    return _slices(SetItem.apply, "index_copy", input, dim, index, source)


@public(in_place=True, reads_values=True)
def index_reduce(
    input: Any, dim: int, index: Any, source: Any, reduce: str, *, include_self: bool = True
) -> Tensor:
    """Like `index_add`, with the "prod", "mean", "amax" or "amin" of what meets in a place.

    >>> import autograd
    >>> x, index = autograd.ones(2), autograd.tensor([1, 1])
    >>> x.index_reduce(0, index, autograd.tensor([3.0, 2.0]), "prod")
    tensor([1., 6.])
    """
    if reduce not in (*REDUCTIONS, "mean"):
        raise RuntimeError(
            f"index_reduce: reduce must be prod, mean, amax or amin, got {reduce!r}; index_add "
            "takes the sum"
        )
    change = _reduction(reduce, include_self)
    return _slices(change, "index_reduce", input, dim, index, source)


@public(in_place=True, reads_values=True)
def index_fill(input: Any, dim: int, index: Any, value: Any) -> Tensor:
    """`input` with one value in the slices along `dim` that `index` names.

    >>> import autograd
    >>> autograd.zeros(3).index_fill(0, autograd.tensor([0, -1]), 5)
    tensor([5., 0., 5.])
    """
    given = as_tensor(input)
    x = lifted(given)
    axis = axis_of(dim, x._data.ndim)
    picks = vector_index(index, x._data.shape[axis], "index_fill", negative=True)
    picks = np.unique(picks)  # the gradient of the value counts each place once
    value = number(value, "index_fill")
    y = value if isinstance(value, Tensor) else stored(value, x.dtype)
    out = SetItem.apply(x, y, at_axis(picks, axis))
    return Reshape.apply(out, given._data.shape)


def number(value: Any, name: str) -> Any:
    """`value`, which must be a number or a 0-d tensor."""
    if np.ndim(value):
        raise RuntimeError(
            f"{name}: the value must be a number or a 0-d tensor, got {described(value)}"
        )
    return value


@public(in_place=True)
def index_put(input: Any, indices: Any, values: Any, accumulate: bool = False) -> Tensor:
    """`input` after `input[indices] = values`, or `+=` that counts repetition with `accumulate`.

    `indices` is a tuple or list of tensors; `values` is broadcast.

    >>> import autograd
    >>> i = autograd.tensor([0, 0])
    >>> autograd.zeros(2).index_put((i,), autograd.tensor(1.0), accumulate=True)
    tensor([2., 0.])
    """
    if not isinstance(indices, (tuple, list)):
        raise TypeError(f"index_put: indices must be a tuple of tensors, got {type(indices)}")
    x, y = as_tensor(input), as_tensor(values)
    same_dtype(x, y, "index_put")
    return (AddAt if accumulate else SetItem).apply(x, y, plain_index(tuple(indices)))


@public(in_place=True)
def put(input: Any, index: Any, source: Any, accumulate: bool = False) -> Tensor:
    """`input` with the elements of `source` written at, or added to, those that `index` names in
    the flattened tensor.

    >>> import autograd
    >>> autograd.zeros(2, 2).put(autograd.tensor([1, -1]), autograd.tensor([3.0, 4.0]))
    tensor([[0., 3.],
            [0., 4.]])
    """
    x, y = as_tensor(input), as_tensor(source)
    same_dtype(x, y, "put")
    picks = integer_index(index, x._data.size, "put", negative=True).reshape(-1)
    if picks.size != y._data.size:
        raise IndexRangeError(f"put: {picks.size} indices, but {described(y)} for them")
    flat, values = Reshape.apply(x, (x._data.size,)), Reshape.apply(y, (picks.size,))
    out = (AddAt if accumulate else SetItem).apply(flat, values, (picks,))
    return Reshape.apply(out, x._data.shape)
