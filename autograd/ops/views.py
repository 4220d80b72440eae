"""Views of a part of a tensor: `narrow`, `select`, sliding windows, strides."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided as numpy_as_strided, sliding_window_view

from ..axes import axis_of
from ..creation import as_tensor
from ..errors import IndexRangeError, ShapeError, described
from ..function import Op
from ..registry import public
from ..tensor import Tensor
from .accumulate import summed_at
from .indexing import GetItem, at_axis
from .shape import Reshape, ints


@public()
def narrow(input: Any, dim: int, start: Any, length: int) -> Tensor:
    """`length` slices along `dim`, from `start` (which may be negative). A view.

    >>> import autograd
    >>> autograd.arange(5).narrow(0, 1, 3)
    tensor([1, 2, 3])
    """
    x, first = as_tensor(input), int(start)
    if x._data.ndim == 0:
        raise RuntimeError("narrow: a 0-d tensor has no dimension to narrow")
    axis = axis_of(dim, x._data.ndim)
    size = x._data.shape[axis]
    if not -size <= first <= size:
        raise IndexRangeError(f"narrow: start {first} is out of range for size {size}")
    first += size * (first < 0)
    if length < 0 or first + length > size:
        raise RuntimeError(
            f"narrow: start {first} and length {length} do not fit {described(x)} along dim {axis}"
        )
    return GetItem.apply(x, at_axis(slice(first, first + length), axis))


@public()
def select(input: Any, dim: int, index: Any) -> Tensor:
    """The slice `index` along `dim`, without that dimension. A view.

    >>> import autograd
    >>> autograd.tensor([[1, 2], [3, 4]]).select(1, 0)
    tensor([1, 3])
    """
    x = as_tensor(input)
    if x._data.ndim == 0:
        raise IndexError("select: a 0-d tensor has no dimension to select from")
    axis = axis_of(dim, x._data.ndim)
    return GetItem.apply(x, (*at_axis(int(index), axis), ...))


class Unfold(Op):
    view = True
    backward = {
        "x": lambda g, ctx, axis, size, step: Overlap.call(g, ctx.input_shape, axis, size, step)
    }
    formula = {"x": "the windows of g added where they came from"}

    def forward(ctx, x, axis, size, step):
        ctx.input_shape = x.shape
        apart = x.flags.writeable and step >= size  # else windows share elements
        windows = sliding_window_view(x, size, axis, writeable=apart)
        return windows[at_axis(slice(None, None, step), axis)]


class Overlap(Op):
    """Zeros of `shape` with windows added in their places: the adjoint of taking them."""

    public = False
    backward = {"x": lambda g, axis, size, step: Unfold.call(g, axis, size, step)}
    formula = {"x": "the windows of g"}

    def forward(x, shape, axis, size, step):
        out = np.zeros(shape, x.dtype)
        stop = (x.shape[axis] - 1) * step + 1
        for i in range(size):
            out[at_axis(slice(i, i + stop, step), axis)] += x[..., i]
        return out


@public(op=Unfold)
def unfold(input: Any, dimension: int, size: int, step: int) -> Tensor:
    """All windows of `size` along a dimension, `step` apart, in a new last dimension. A view.

    >>> import autograd
    >>> autograd.arange(5).unfold(0, 3, 2)
    tensor([[0, 1, 2],
            [2, 3, 4]])
    """
    x = as_tensor(input)
    axis = axis_of(dimension, x._data.ndim)
    available = x._data.shape[axis] if x._data.ndim else 1
    if not 0 <= size <= available or step <= 0:
        raise RuntimeError(
            f"unfold: size must be between 0 and {available}, that of {described(x)} along dim "
            f"{axis}, and step positive; got size {size}, step {step}"
        )
    if x._data.ndim == 0:
        return GetItem.apply(Reshape.apply(x, (1,)), (slice(size),))
    return Unfold.apply(x, axis, size, step)


class AsStrided(Op):
    view = True
    backward = {
        "x": lambda g, ctx, size, stride, offset: Strewn.call(
            g, ctx.input_shape, size, stride, offset
        )
    }
    formula = {"x": "g added into zeros where it was read"}

    def forward(ctx, x, size, stride, offset):
        ctx.input_shape = x.shape
        positions = _positions(x.size, size, stride, offset)
        unique = np.unique(positions).size == positions.size
        strides = tuple(s * x.itemsize for s in stride)
        start = x.reshape(-1)[offset:]
        return numpy_as_strided(start, size, strides, writeable=x.flags.writeable and unique)


class Strewn(Op):
    """Zeros of `shape` with `x` added where `as_strided` would read it."""

    public = False
    backward = {"x": lambda g, size, stride, offset: AsStrided.call(g, size, stride, offset)}
    formula = {"x": "g read with the same strides"}

    def forward(x, shape, size, stride, offset):
        n = int(np.prod(shape))
        return summed_at(x, (n,), (_positions(n, size, stride, offset),)).reshape(shape)


def _positions(n: int, size: tuple[int, ...], stride: tuple[int, ...], offset: int) -> np.ndarray:
    """Where each element of the strided tensor lies among `n` elements in a row."""
    positions = np.full(size, offset)
    for i, (count, step) in enumerate(zip(size, stride, strict=True)):
        positions += (np.arange(count) * step).reshape((-1,) + (1,) * (len(size) - 1 - i))
    if positions.size and (positions.min() < 0 or positions.max() >= n):
        raise ShapeError(f"size {size} with strides {stride} from {offset} reaches outside")
    return positions


@public(op=AsStrided)
def as_strided(input: Any, size: Any, stride: Any, storage_offset: int = 0) -> Tensor:
    """The elements at offset + Σ index · stride of a contiguous tensor. A view.

    Strides are in elements. Unlike in PyTorch, the offset counts from the tensor's own first
    element, and what lies in memory before and behind the tensor cannot be reached.

    >>> import autograd
    >>> autograd.arange(4).as_strided((2, 2), (1, 2))
    tensor([[0, 2],
            [1, 3]])
    """
    x = as_tensor(input)
    if not x._data.flags.c_contiguous:
        raise RuntimeError(
            f"as_strided: {described(x)} is not contiguous; call .contiguous() before"
        )
    return AsStrided.apply(x, ints((size,)), ints((stride,)), storage_offset or 0)
