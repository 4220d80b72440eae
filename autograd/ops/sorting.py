"""Sorting, and what is found by it: the largest few, sets, places in a sorted sequence.

Orders are stable: equal elements keep theirs, ascending and descending. NaN counts as largest.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import return_types
from ..axes import axis_of
from ..creation import as_tensor
from ..dtypes import wrapped
from ..errors import ShapeError, described
from ..registry import public
from ..return_types import ValuesIndices
from ..tensor import Tensor
from .common import like, line, part
from .indexing import gather


def order(a: np.ndarray, axis: int, descending: bool = False) -> np.ndarray:
    """The indices that sort `a` along `axis`."""
    if not descending:
        return np.argsort(a, axis, kind="stable")
    backwards = np.argsort(np.flip(a, axis), axis, kind="stable")
    return a.shape[axis] - 1 - np.flip(backwards, axis)


@public()
def sort(
    input: Any, dim: int = -1, descending: bool = False, stable: bool = False
) -> ValuesIndices:
    """(values, indices) in order along `dim`; the order is stable whether asked for or not.

    >>> import autograd
    >>> autograd.tensor([3.0, 1.0, 2.0]).sort().values
    tensor([1., 2., 3.])
    """
    x, axis = line(input, dim)
    index = order(x._data, axis, descending)
    return return_types.sort(like(gather(x, axis, index), input), like(as_tensor(index), input))


@public()
def argsort(input: Any, dim: int = -1, descending: bool = False, stable: bool = False) -> Tensor:
    """The indices that sort `input` along `dim`.

    >>> import autograd
    >>> autograd.tensor([3.0, 1.0, 2.0]).argsort()
    tensor([1, 2, 0])
    """
    return sort(input, dim, descending).indices


@public()
def msort(input: Any) -> Tensor:
    """`input` in order along its first dimension.

    >>> import autograd
    >>> autograd.tensor([3.0, 1.0, 2.0]).msort()
    tensor([1., 2., 3.])
    """
    return sort(input, 0).values


def _first_of_order(a: np.ndarray, axis: int, k: int, descending: bool) -> np.ndarray:
    """The first `k` indices of `order`, by partition, which does not sort all."""
    n = a.shape[axis]
    if not 0 < k < n:
        return part(order(a, axis, descending), axis, None, k)
    start = n - k if descending else 0
    chosen = np.argpartition(a, start if descending else k - 1, axis)
    chosen = np.sort(part(chosen, axis, start, start + k), axis)  # equal elements in their order
    ranks = order(np.take_along_axis(a, chosen, axis), axis, descending)
    return np.take_along_axis(chosen, ranks, axis)


@public()
def topk(
    input: Any, k: int, dim: int = -1, largest: bool = True, sorted: bool = True
) -> ValuesIndices:
    """(values, indices) of the `k` largest (or smallest) elements along `dim`, in order.

    >>> import autograd
    >>> autograd.tensor([3.0, 1.0, 2.0]).topk(2).values
    tensor([3., 2.])
    """
    x, axis = line(input, dim)
    if not 0 <= k <= x._data.shape[axis]:
        raise RuntimeError(f"topk: k={k} is out of range for dim {dim} of {described(x)}")
    index = _first_of_order(x._data, axis, k, largest)
    values = like(gather(x, axis, index), input)
    return return_types.topk(values, like(as_tensor(index), input))


@public(method=False, reads_values=True)
def searchsorted(
    sorted_sequence: Any,
    input: Any,
    *,
    out_int32: bool = False,
    right: bool = False,
    side: str | None = None,
    sorter: Any = None,
) -> Tensor:
    """The indices at which the values `input` keep the last dimension of `sorted_sequence` sorted.

    Equal elements come after the index, or before it with `right` (the same as side="right").
    `sorter` has the indices that sort a sequence which is not.

    >>> import autograd
    >>> autograd.searchsorted(autograd.tensor([1, 3, 5]), autograd.tensor([3, 6]))
    tensor([1, 3])
    """
    a = as_tensor(sorted_sequence)._data
    wraps = type(input) is int and a.dtype.kind in "iu"
    values = wrapped(input, a.dtype) if wraps else as_tensor(input)._data
    if side not in (None, "left", "right") or (side == "left" and right):
        raise RuntimeError(f"searchsorted: side={side!r} does not go with right={right}")
    if sorter is not None:
        a = np.take_along_axis(a, as_tensor(sorter)._data, -1)
    if a.ndim != 1 and (a.ndim == 0 or a.shape[:-1] != values.shape[:-1]):
        raise ShapeError(
            f"searchsorted: the sequence {described(a)} must be 1-d, or have the leading "
            f"dimensions of the values {described(values)}"
        )
    where: Any = "right" if right or side == "right" else "left"
    if a.ndim == 1:
        found = np.asarray(np.searchsorted(a, values, where))
    else:
        found = np.empty(values.shape, np.int64)
        for row in np.ndindex(a.shape[:-1]):
            found[row] = np.searchsorted(a[row], values[row], where)
    return as_tensor(found.astype(np.int32 if out_int32 else np.int64))


@public(method=False)
def bucketize(
    input: Any, boundaries: Any, *, out_int32: bool = False, right: bool = False
) -> Tensor:
    """The index of the bucket between sorted `boundaries` that each element falls into.

    An element equal to a boundary belongs to the bucket below it, with `right` to that above.

    >>> import autograd
    >>> autograd.bucketize(autograd.tensor([0, 3, 9]), autograd.tensor([1, 3, 5]))
    tensor([0, 1, 3])
    """
    return searchsorted(boundaries, input, out_int32=out_int32, right=right)


@public(reads_values=True)
def unique(
    input: Any,
    sorted: bool = True,
    return_inverse: bool = False,
    return_counts: bool = False,
    dim: int | None = None,
) -> Any:
    """The different elements, or slices along `dim`, in order.

    Returns them alone, or (unique, inverse, counts) with the tensors asked for: where each element
    went, and how often each occurs.

    >>> import autograd
    >>> autograd.tensor([3, 1, 3]).unique(return_counts=True)
    (tensor([1, 3]), tensor([1, 2]))
    """
    x = as_tensor(input)._data
    axis = None if dim is None else axis_of(dim, x.ndim)
    values, inverse, counts = np.unique(
        x, return_inverse=True, return_counts=True, axis=axis, equal_nan=False
    )
    inverse = inverse.reshape(x.shape if axis is None else -1)
    return _with_extras(values, inverse, counts, return_inverse, return_counts)


@public(reads_values=True)
def unique_consecutive(
    input: Any, return_inverse: bool = False, return_counts: bool = False, dim: int | None = None
) -> Any:
    """`input`, flattened or along `dim`, with one of each run of equal elements; see `unique`.

    >>> import autograd
    >>> autograd.tensor([1, 1, 3, 1]).unique_consecutive()
    tensor([1, 3, 1])
    """
    x = as_tensor(input)._data
    axis = 0 if dim is None else axis_of(dim, x.ndim)
    a = x.reshape(-1) if dim is None else np.moveaxis(x, axis, 0)
    starts = np.ones(len(a), np.bool_)
    starts[1:] = (a[1:] != a[:-1]).any(tuple(range(1, a.ndim)))
    inverse = np.cumsum(starts) - 1
    counts = np.diff(np.append(np.flatnonzero(starts), len(a)))
    inverse = inverse.reshape(x.shape) if dim is None else inverse
    values = np.ascontiguousarray(np.moveaxis(a[starts], 0, axis))
    return _with_extras(values, inverse, counts, return_inverse, return_counts)


def _with_extras(values: Any, inverse: Any, counts: Any, *wanted: bool) -> Any:
    extras = [as_tensor(a) for a, want in zip((inverse, counts), wanted, strict=True) if want]
    return (as_tensor(values), *extras) if extras else as_tensor(values)


@public(reads_values=True)
def nonzero(input: Any, *, as_tuple: bool = False) -> Any:
    """The indices of elements that are not 0: a row for each, or one tensor per dimension.

    >>> import autograd
    >>> autograd.tensor([0, 5, 7]).nonzero()
    tensor([[1],
            [2]])
    """
    x = as_tensor(input)._data
    if as_tuple:
        return tuple(as_tensor(i) for i in np.nonzero(np.atleast_1d(x)))
    return as_tensor(np.argwhere(x))


@public(reads_values=True)
def nonzero_static(input: Any, *, size: int, fill_value: int = -1) -> Tensor:
    """`nonzero` with exactly `size` rows: cut off, or filled up with `fill_value`.

    >>> import autograd
    >>> autograd.nonzero_static(autograd.tensor([0, 5]), size=2)
    tensor([[ 1],
            [-1]])
    """
    found = np.argwhere(as_tensor(input)._data)[:size]
    rows = np.full((size, found.shape[1]), fill_value, np.int64)
    rows[: len(found)] = found
    return as_tensor(rows)


@public(numpy=np.argwhere)
def argwhere(input: Any) -> Tensor:
    """The indices of elements that are not 0, one per row.

    >>> import autograd
    >>> autograd.tensor([0, 5]).argwhere()
    tensor([[1]])
    """
    return nonzero(input)
