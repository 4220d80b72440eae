"""Views of a part of a tensor: `narrow`, `select`, sliding windows, strides."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided as numpy_as_strided, sliding_window_view

from ..axes import axis_of
from ..creation import as_tensor
from ..errors import IndexRangeError, ShapeError, described
from ..function import Op
from ..registry import public
from ..tensor import Tensor
from .accumulate import Scatter
from .indexing import GetItem, at_axis
from .shape import Reshape, ints


@public(reads_values=True)
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
    """Elements of the memory behind `x`, at `offset` from its first element and `stride` apart.

    `layout` has the strides of `x`. An array with others, a gradient for one, is read as if it
    had these.
    """

    view = True
    backward = {
        "x": lambda g, ctx, size, stride, offset, layout: _added(
            g, ctx.input_shape, layout, _positions(size, stride, offset)
        )
    }
    formula = {"x": "g added into zeros where it was read"}

    def forward(ctx, x, size, stride, offset, layout):
        ctx.input_shape, step = x.shape, x.itemsize
        if any(n > 1 and s != o * step for n, s, o in zip(x.shape, x.strides, layout, strict=True)):
            places = _places(x.shape, layout, _positions(size, stride, offset))
            return x.reshape(-1)[places].reshape(size)
        memory, start = _memory(x)
        strides = tuple(s * step for s in stride)
        shown = np.ndarray(size, x.dtype, memory, (start + offset) * step, strides)
        if not _apart(size, stride):
            shown.flags.writeable = False
        return shown


def _memory(x: np.ndarray) -> tuple[np.ndarray, int]:
    """The memory that `x` shows a part of, as bytes, and the place of its first element there."""
    owner = x
    while isinstance(owner.base, np.ndarray):
        owner = owner.base
    low, high = np.lib.array_utils.byte_bounds(owner)
    forward = owner[tuple(slice(None, None, 1 if s >= 0 else -1) for s in owner.strides)]
    places = numpy_as_strided(forward, (forward.size and 1,), writeable=x.flags.writeable)
    memory = numpy_as_strided(places.view(np.uint8), (high - low,), (1,))
    return memory, (x.__array_interface__["data"][0] - low) // x.itemsize


def _apart(size: tuple[int, ...], stride: tuple[int, ...]) -> bool:
    """Whether each element has a place of its own; said of what is nested as dimensions are."""
    reach = -1 if 0 in size else 0
    for step, count in sorted(zip(stride, size, strict=True)):
        if count > 1 and reach >= 0:
            if step <= reach:
                return False
            reach += step * (count - 1)
    return True


def _added(g: Any, shape: tuple[int, ...], layout: tuple[int, ...], read: np.ndarray) -> Any:
    """Zeros of `shape` with g added where it was read."""
    places = _places(shape, layout, read)
    within = np.flatnonzero(places >= 0)  # the rest of the memory is no part of x
    flat = Scatter.call(g.reshape(-1)[within], (math.prod(shape),), (places[within],))
    if not _apart(shape, layout):  # elements in one place, of an expanded tensor, share it evenly
        same = _places(shape, layout, _positions(shape, layout, 0))
        flat = (flat / np.bincount(same)[same].astype(g.dtype))[same]
    return flat.reshape(shape)


def _positions(size: tuple[int, ...], stride: tuple[int, ...], offset: int) -> np.ndarray:
    """Where each element lies, in the order of the elements."""
    positions = np.full(size, offset)
    for i, (count, step) in enumerate(zip(size, stride, strict=True)):
        positions += (np.arange(count) * step).reshape((-1,) + (1,) * (len(size) - 1 - i))
    return positions.reshape(-1)


def _places(shape: tuple[int, ...], layout: tuple[int, ...], read: np.ndarray) -> np.ndarray:
    """Which elements of a tensor lie at the places `read`, -1 for none, the last of several."""
    own = _positions(shape, layout, 0)
    first = min(own.min(initial=0), read.min(initial=0))
    element = np.full(max(own.max(initial=0), read.max(initial=0)) - first + 1, -1)
    element[own - first] = np.arange(own.size)
    return element[read - first]


def offset_in_memory(self: Tensor) -> int:
    """How many elements precede the first one in the memory of the tensor this is a view of."""
    base = self if self._base is None else self._base
    low, _ = np.lib.array_utils.byte_bounds(base._data)
    return (self._data.__array_interface__["data"][0] - low) // self._data.itemsize


@public(op=AsStrided, reads_values=True)
def as_strided(input: Any, size: Any, stride: Any, storage_offset: int | None = None) -> Tensor:
    """The elements at storage_offset + Σ index · stride of the memory `input` shows. A view.

    Strides are in elements. The memory is that of the tensor which `input` is a view of, if it is
    one; without an offset it is the view's own. Elements of that memory which `input` does not
    show get no gradient from it.

    >>> import autograd
    >>> autograd.arange(4).as_strided((2, 2), (1, 2))
    tensor([[0, 2],
            [1, 3]])
    """
    x = as_tensor(input)
    sizes, steps = ints((size,)), ints((stride,))
    if len(sizes) != len(steps):
        raise RuntimeError(f"as_strided: {len(sizes)} sizes, but {len(steps)} strides")
    if min((*sizes, *steps), default=0) < 0:
        raise RuntimeError(f"as_strided: negative sizes or strides, got {sizes} and {steps}")
    own = offset_in_memory(x)
    start = own if storage_offset is None else int(storage_offset)
    low, high = np.lib.array_utils.byte_bounds((x if x._base is None else x._base)._data)
    last = start + sum((n - 1) * s for n, s in zip(sizes, steps, strict=True))
    if start < 0 or (0 not in sizes and last * x._data.itemsize >= high - low):
        raise ShapeError(
            f"as_strided: size {sizes} with strides {steps} from {start} reaches outside of the "
            f"{(high - low) // x._data.itemsize} elements in memory behind {described(x)}"
        )
    source, partial = x, False
    if x._base is not None:
        places = _places(x._data.shape, x.stride(), _positions(sizes, steps, start - own))
        partial = bool((places < 0).any())
        if x._view is not None and not partial:
            source, own = x._base, offset_in_memory(x._base)
    result = AsStrided.apply(source, sizes, steps, start - own, source.stride())
    if partial:
        # Changed in place, it would change more than x: an error where gradients flow.
        result._view = None
        result._become_part(x)
    return result
