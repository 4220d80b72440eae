"""Writing where a mask holds, or in the place of a view, out of place."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..axes import axis_of
from ..creation import as_tensor
from ..dtypes import stored
from ..errors import ShapeError, described
from ..function import Op
from ..inplace import CopySlices
from ..registry import public
from ..tensor import Tensor
from .broadcast import Expand, broadcast_shapes
from .common import passing
from .indexing import GetItem, SetItem, at_axis, bool_mask
from .matrix import Diagonal
from .scatter import number, same_dtype
from .shape import Reshape


class MaskedFill(Op):
    backward = {
        "x": lambda g, mask: passing(g, np.logical_not(mask)),
        "value": lambda g, mask: passing(g, mask),
    }
    formula = {"x": "g, 0 where the mask holds", "value": "sum of g where the mask holds"}

    def forward(x, value, mask):
        return np.where(mask, stored(value, x.dtype), x)


@public(op=MaskedFill, in_place=True)
def masked_fill(input: Any, mask: Any, value: Any) -> Tensor:
    """`input` with `value` where `mask` holds; they broadcast.

    >>> import autograd
    >>> x = autograd.tensor([1.0, 2.0])
    >>> x.masked_fill(x > 1, 0.0)
    tensor([1., 0.])
    """
    m = bool_mask(mask, "masked_fill")
    return MaskedFill.apply(as_tensor(input), number(value, "masked_fill"), m)


@public(in_place=True)
def fill(input: Any, value: Any) -> Tensor:
    """One value in the shape and dtype of `input`.

    >>> import autograd
    >>> autograd.fill(autograd.zeros(2), 3)
    tensor([3., 3.])
    """
    return MaskedFill.apply(as_tensor(input), number(value, "fill"), np.True_)


@public()
def fill_diagonal_(input: Tensor, fill_value: float, wrap: bool = False) -> Tensor:
    """Fills the main diagonal in place; with `wrap` it starts again below in a tall matrix.

    >>> import autograd
    >>> autograd.zeros(2, 2).fill_diagonal_(1)
    tensor([[1., 0.],
            [0., 1.]])
    """
    mask = np.zeros(input._data.shape, np.bool_)
    if mask.ndim < 2 or (mask.ndim > 2 and len(set(mask.shape)) > 1):
        raise ShapeError(
            f"fill_diagonal_: expected a matrix, or more dimensions of one size, got "
            f"{described(input)}"
        )
    np.fill_diagonal(mask, True, wrap)
    return input.masked_fill_(mask, fill_value)


@public(in_place=True, reads_values=True)
def masked_scatter(input: Any, mask: Any, source: Any) -> Tensor:
    """`input` with elements of `source`, in their order, where `mask` holds.

    >>> import autograd
    >>> mask = autograd.tensor([True, False, True])
    >>> autograd.zeros(3).masked_scatter(mask, autograd.tensor([1.0, 2.0]))
    tensor([1., 0., 2.])
    """
    x, y, m = as_tensor(input), as_tensor(source), bool_mask(mask, "masked_scatter")
    same_dtype(x, y, "masked_scatter")
    shape = broadcast_shapes(x._data.shape, m.shape)
    m = np.broadcast_to(m, shape)
    n = np.count_nonzero(m)
    if n > y._data.size:
        raise ShapeError(
            f"masked_scatter: the mask holds in {n} places, the source is {described(y)}"
        )
    flat = Reshape.apply(y, (y._data.size,))
    return SetItem.apply(Expand.apply(x, shape), GetItem.apply(flat, (slice(n),)), (m,))


def _into_view(name: str, input: Any, src: Any, op: Any, *args: Any) -> Tensor:
    """`input` with `src` in the place of the view `op(input, *args)`."""
    x, y = as_tensor(input), as_tensor(src)
    view = op.call(x._data, *args)
    if view.shape != y._data.shape:
        raise ShapeError(
            f"{name}: {described(y)} does not have the shape of the part of {described(x)} it "
            f"replaces, {view.shape}"
        )
    return CopySlices.apply(x, y, ((op, args),))


@public()
def diagonal_scatter(input: Any, src: Any, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Tensor:
    """`input` with `src` on a diagonal: the counterpart of `diagonal`.

    >>> import autograd
    >>> autograd.zeros(2, 2).diagonal_scatter(autograd.tensor([1.0, 2.0]))
    tensor([[1., 0.],
            [0., 2.]])
    """
    ndim = as_tensor(input)._data.ndim
    axes = axis_of(dim1, ndim), axis_of(dim2, ndim)
    return _into_view("diagonal_scatter", input, src, Diagonal, offset, *axes)


@public()
def select_scatter(input: Any, src: Any, dim: int, index: int) -> Tensor:
    """`input` with `src` as the slice `index` along `dim`: the counterpart of `select`.

    >>> import autograd
    >>> autograd.zeros(2, 2).select_scatter(autograd.tensor([1.0, 2.0]), 1, 0)
    tensor([[1., 0.],
            [2., 0.]])
    """
    axis = axis_of(dim, as_tensor(input)._data.ndim)
    place = (*at_axis(int(index), axis), ...)
    return _into_view("select_scatter", input, src, GetItem, place)


@public()
def slice_scatter(
    input: Any,
    src: Any,
    dim: int = 0,
    start: int | None = None,
    end: int | None = None,
    step: int = 1,
) -> Tensor:
    """`input` with `src` in the place of `start:end:step` along `dim`.

    >>> import autograd
    >>> autograd.zeros(3).slice_scatter(autograd.ones(2), start=1)
    tensor([0., 1., 1.])
    """
    if step <= 0:
        raise RuntimeError(f"slice_scatter: step must be positive, got {step}")
    axis = axis_of(dim, as_tensor(input)._data.ndim)
    place = (*at_axis(slice(start, end, step), axis), ...)
    return _into_view("slice_scatter", input, src, GetItem, place)
