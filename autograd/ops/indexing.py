"""Reading and writing by index, as NumPy and PyTorch do: integers, slices, None, Ellipsis, boolean
masks and integer arrays, in any mixture. What reads with repetition adds up in the gradient."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..axes import axis_of
from ..batching.array import Batched, everywhere, whole
from ..batching.indexing import select
from ..creation import as_tensor
from ..dtypes import made
from ..errors import IndexRangeError, ShapeError, described
from ..function import Op, _new, _next_sequence, tell_watchers
from ..grad_mode import mode
from ..inplace import adopt, check_in_place, check_place, write
from ..registry import public
from ..tensor import Tensor, wrap
from .accumulate import Scatter
from .broadcast import Expand, broadcast_shapes
from .shape import Reshape


def plain_index(index: Any) -> tuple[Any, ...]:
    """`index` as a tuple of what NumPy takes, with Tensors and lists as arrays."""
    parts = index if isinstance(index, tuple) else (index,)
    if _NUMBERS.issuperset(map(type, parts)):
        return parts
    return tuple([_plain_part(part) for part in parts])


_NUMBERS = frozenset([int, type(None), type(Ellipsis)])


def _plain_part(part: Any) -> Any:
    if isinstance(part, Tensor):
        part = part._data
        if part.dtype == np.uint8:  # a mask from before PyTorch had bool
            part = part.astype(np.bool_)
        # An index of no dimensions is a number: it selects, and does not gather.
        is_array = part.ndim or part.dtype == np.bool_ or type(part) is Batched
        return part if is_array else part.item()
    if isinstance(part, (list, range)):
        array = np.asarray([_plain_part(p) for p in part])
        return array.astype(np.int64) if array.size == 0 else array
    if isinstance(part, slice):
        bounds = part.start, part.stop, part.step
        if _NUMBERS.issuperset(map(type, bounds)):
            return part
        return slice(*(p.item() if isinstance(p, Tensor) else p for p in bounds))
    return part


def _is_number(part: Any) -> bool:
    return isinstance(part, (int, np.integer)) and not isinstance(part, (bool, np.bool_))


def _is_basic(index: tuple[Any, ...]) -> bool:
    return _NUMBERS.issuperset(map(type, index)) or all(
        part is None or part is Ellipsis or isinstance(part, slice) or _is_number(part)
        for part in index
    )


def _steps(index: tuple[Any, ...], ndim: int) -> list[tuple[Any, ...]]:
    """The NumPy indices that one after the other select what `index` does in PyTorch.

    For NumPy a number beside an array is an array too, and where a slice (or an Ellipsis that
    stands for nothing) separates arrays, their common dimension comes first. PyTorch applies the
    numbers before it looks at the arrays.
    """
    covers = [0 if p is None or p is Ellipsis else np.ndim(p) if _is_mask(p) else 1 for p in index]
    if sum(covers) == ndim:
        covers = [n for n, part in zip(covers, index, strict=True) if part is not Ellipsis]
        index = tuple(part for part in index if part is not Ellipsis)
    arrays = [i for i, part in enumerate(index) if not _is_basic((part,))]
    numbers = [i for i, part in enumerate(index) if _is_number(part)]
    chosen = sorted(arrays + numbers)
    if not arrays or not numbers or chosen[-1] - chosen[0] == len(chosen) - 1:
        return [index]
    first: list[Any] = []
    for i, part in enumerate(index):
        first += [slice(None)] * covers[i] if i in arrays else [part]
    rest = [
        part if i in arrays or part is Ellipsis else slice(None) for i, part in enumerate(index)
    ]
    return [tuple(first), tuple(part for i, part in enumerate(rest) if i not in numbers)]


def _is_mask(part: Any) -> bool:
    return isinstance(part, (bool, np.bool_)) or getattr(part, "dtype", None) == np.bool_


class GetItem(Op):
    op_name, symbol, view = "getitem", "[ ]", True
    backward = {"x": lambda g, ctx, index: Scatter.call(g, ctx.input_shape, index)}
    formula = {"x": "g added into zeros at index"}

    def forward(ctx, x, index):
        ctx.input_shape = x.shape
        return x[index]

    def batch(ctx, run, level, x, index):
        return select(x, index)


@public("__getitem__", op=GetItem)
def getitem(input: Tensor, index: Any) -> Tensor:
    """`input[index]`: a view for integers, slices, None and Ellipsis, else a copy.

    >>> import autograd
    >>> x = autograd.arange(6).reshape(2, 3)
    >>> x[1], x[:, -1], x[x > 3], x[[0, 1], [2, 0]]
    (tensor([3, 4, 5]), tensor([2, 5]), tensor([4, 5]), tensor([2, 3]))
    """
    parts = plain_index(index)
    if _is_basic(parts):
        if Ellipsis not in parts:
            parts = (*parts, Ellipsis)  # an array, and so a view, also where one element is left
        return GetItem.apply(input, parts)
    for step in _steps(parts, input._data.ndim):
        input = GetItem.apply(input, step)
    return input


class SetItem(Op):
    """A tensor after `x[index] = y`."""

    op_name, symbol, public = "setitem", "[ ]=", False
    backward = {
        "x": lambda g, index: SetItem.call(g, 0.0, index),
        "y": lambda g, index: g[index],
    }
    formula = {"x": "g, 0 at the index", "y": "g[index]"}

    def forward(x, y, index):
        out = np.array(x)
        out[index] = y
        return out

    def batch(ctx, run, level, x, y, index):
        out = Batched(np.array(everywhere(x, level)), level)
        out[index] = y
        return out

    @classmethod
    def record(cls, x: Tensor, y: Tensor, index: Any) -> SetItem:
        """The node without the result, which is already in memory."""
        node = _new(cls)
        node.edges = (x._edge, y._edge, None)
        node.args = (None, None, index, None)
        node.frees = np.ndarray in map(type, index)
        node.shape, node.dtype = x._data.shape, x._data.dtype
        node.sequence = _next_sequence()
        return node


@public("__setitem__")
def setitem(input: Tensor, index: Any, value: Any) -> None:
    """`input[index] = value`, in place and recorded.

    >>> import autograd
    >>> x = autograd.zeros(3); x[1:] = autograd.tensor([1.0, 2.0]); x
    tensor([0., 1., 2.])
    """
    name = "x[index] = value"
    if not isinstance(value, Tensor) and np.ndim(value) == 0:
        value = made(value, input.dtype)
    y = as_tensor(value).to(input.dtype)
    check_in_place(input, name, y.requires_grad)
    parts = plain_index(index)
    if mode.levels:
        check_place(input, parts, y._data)
    if not _is_basic(parts):
        *before, parts = _steps(parts, input._data.ndim)
        if before:
            return setitem(GetItem.apply(input, before[0]), parts, y)
    try:
        if y._data.ndim:  # leading dimensions of size 1 are dropped, as in NumPy
            extra = y._data.ndim - input._data[parts].ndim
            if extra > 0 and y._data.shape[:extra] == (1,) * extra:
                y = y.reshape(y._data.shape[extra:])
        node = None
        if mode.grad and (input.requires_grad or y.requires_grad):
            node = SetItem.record(input, y, parts)
        write(input, parts, y._data, name)
    except IndexError as error:
        raise IndexError(f"{name}: {error} (x is {described(input)})") from error
    except ValueError as error:
        raise ShapeError(
            f"{name}: {described(y)} cannot be broadcast to the selection of shape "
            f"{input._data[parts].shape} from {described(input)}"
        ) from error
    if node is not None:
        adopt(input, node)
        tell_watchers(node, input)


def along(index: np.ndarray, axis: int) -> tuple[Any, ...]:
    """The full index that takes `index` along `axis` and each other position from itself."""
    grid = np.ogrid[tuple(slice(n) for n in index.shape)]
    return tuple(index if i == axis else g for i, g in enumerate(grid))


def at_axis(index: Any, axis: int) -> tuple[Any, ...]:
    """The index of the slices that `index` names along `axis`."""
    return (*(slice(None),) * axis, index)


def integer_index(index: Any, size: int, name: str, negative: bool = False) -> np.ndarray:
    """`index` as an int64 array within [0, size).

    Negative indices are errors, as in PyTorch, or count from the end where it allows them.
    """
    array = as_tensor(index)._data
    if array.dtype.kind not in "iu":
        raise RuntimeError(f"{name}: the index must be an integer tensor, got dtype {array.dtype}")
    every = whole(array)
    if every.size and (every.min() < -size * negative or every.max() >= size):
        raise IndexRangeError(
            f"{name}: an index is out of range: the dimension has size {size}, the indices run "
            f"from {every.min()} to {every.max()}"
        )
    array = array.astype(np.int64, copy=False)
    return np.where(array < 0, array + size, array) if negative else array


def bool_mask(mask: Any, name: str) -> np.ndarray:
    """`mask` as an array, refused unless it is bool."""
    array = as_tensor(mask)._data
    if array.dtype != np.bool_:
        raise RuntimeError(f"{name}: the mask must be a bool tensor, got dtype {array.dtype}")
    return array


def lifted(x: Any) -> Tensor:
    """A 0-d tensor as a vector of one element, which is how PyTorch indexes it."""
    x = as_tensor(x)
    return x if x._data.ndim else Reshape.apply(x, (1,))


class Gather(Op):
    backward = {
        "x": lambda g, ctx, axis, index: Scatter.call(g, ctx.input_shape, along(index, axis))
    }
    formula = {"x": "g added into zeros at index"}

    def forward(ctx, x, axis, index):
        ctx.input_shape = x.shape
        return x[along(index, axis)]

    def batch(ctx, run, level, x, axis, index):
        return select(x, along(index, axis))


@public(op=Gather)
def gather(input: Any, dim: int, index: Any, *, sparse_grad: bool = False) -> Tensor:
    """Values picked along `dim`: out[i][j] = input[index[i][j]][j] for dim 0.

    >>> import autograd
    >>> autograd.tensor([[1.0, 2.0], [3.0, 4.0]]).gather(1, autograd.tensor([[0], [1]]))
    tensor([[1.],
            [4.]])
    """
    x, i = lifted(input), as_tensor(index)
    shape = x._data.shape
    axis = axis_of(dim, len(shape))
    picks = integer_index(lifted(i), shape[axis], "gather")
    if picks.ndim != len(shape) or any(
        a > b for j, (a, b) in enumerate(zip(picks.shape, shape, strict=True)) if j != axis
    ):
        if picks.size == 0:
            return wrap(np.zeros(picks.shape, x.dtype))
        raise ShapeError(
            f"gather: the index {described(i)} must have as many dimensions as the input "
            f"{described(x)} and, except along dim {axis}, sizes that are not larger"
        )
    out = Gather.apply(x, axis, picks)
    return out if i._data.ndim else Reshape.apply(out, ())


@public(numpy=np.take_along_axis)
def take_along_dim(input: Any, indices: Any, dim: int | None = None) -> Tensor:
    """`gather` that broadcasts both tensors outside `dim` and takes negative indices.

    Without `dim` the indices are those of the flattened tensor.

    >>> import autograd
    >>> autograd.take_along_dim(autograd.tensor([[1, 2], [3, 4]]), autograd.tensor([[-1]]), 1)
    tensor([[2],
            [4]])
    """
    if dim is None:
        return take(input, as_tensor(indices)._data.reshape(-1))
    x, i = lifted(input), as_tensor(indices)
    axis = axis_of(dim, x._data.ndim)
    size = x._data.shape[axis]
    picks = integer_index(i, size, "take_along_dim", negative=True)
    if picks.ndim != x._data.ndim:
        raise ShapeError(
            f"take_along_dim: input {described(x)} and indices {described(i)} must have the same "
            "number of dimensions"
        )
    one = tuple(1 if j == axis else n for j, n in enumerate(x._data.shape))
    try:
        shape = np.broadcast_shapes(one, picks.shape)
    except ValueError as error:
        raise ShapeError(
            f"take_along_dim: {described(x)} and indices {described(i)} do not broadcast outside "
            f"dim {axis}"
        ) from error
    grown = Expand.apply(x, tuple(size if j == axis else n for j, n in enumerate(shape)))
    own = tuple(picks.shape[axis] if j == axis else n for j, n in enumerate(shape))
    return Gather.apply(grown, axis, np.broadcast_to(picks, own))


@public()
def take(input: Any, index: Any) -> Tensor:
    """The elements that `index` names in the flattened tensor, in the shape of `index`.

    >>> import autograd
    >>> autograd.tensor([[1, 2], [3, 4]]).take(autograd.tensor([0, -1]))
    tensor([1, 4])
    """
    x = as_tensor(input)
    picks = integer_index(index, x._data.size, "take", negative=True)
    return GetItem.apply(Reshape.apply(x, (x._data.size,)), (picks,))


class IndexSelect(Op):
    backward = {
        "x": lambda g, ctx, axis, index: Scatter.call(g, ctx.input_shape, at_axis(index, axis))
    }
    formula = {"x": "g added into zeros at index"}

    def forward(ctx, x, axis, index):
        ctx.input_shape = x.shape
        return x.take(index, axis)

    def batch(ctx, run, level, x, axis, index):
        return select(x, at_axis(index, axis))


@public(op=IndexSelect)
def index_select(input: Any, dim: int, index: Any) -> Tensor:
    """The slices of `input` along `dim` that the 1-d `index` names.

    >>> import autograd
    >>> autograd.tensor([[1, 2], [3, 4]]).index_select(1, autograd.tensor([1]))
    tensor([[2],
            [4]])
    """
    x = as_tensor(input)
    axis = axis_of(dim, x._data.ndim)
    size = x._data.shape[axis] if x._data.ndim else 1
    out = IndexSelect.apply(lifted(x), axis, vector_index(index, size, "index_select"))
    return out if x._data.ndim else Reshape.apply(out, ())


def vector_index(index: Any, size: int, name: str, negative: bool = False) -> np.ndarray:
    """`integer_index` for one that must be a vector (or a number)."""
    i = as_tensor(index)
    if i._data.ndim > 1:
        raise IndexRangeError(f"{name}: the index must be a vector, got {described(i)}")
    return integer_index(i, size, name, negative).reshape(-1)


@public(reads_values=True)
def masked_select(input: Any, mask: Any) -> Tensor:
    """The elements where `mask` holds, as a vector; both broadcast.

    >>> import autograd
    >>> x = autograd.tensor([1.0, 2.0, 3.0])
    >>> x.masked_select(x > 1)
    tensor([2., 3.])
    """
    x, m = as_tensor(input), bool_mask(mask, "masked_select")
    shape = broadcast_shapes(x._data.shape, m.shape)
    return GetItem.apply(Expand.apply(x, shape), (np.broadcast_to(m, shape),))


@public(method=False, numpy=np.unravel_index)
def unravel_index(indices: Any, shape: Any) -> tuple[Tensor, ...]:
    """The index in each dimension of a tensor of `shape`, for indices into it flattened.

    >>> import autograd
    >>> autograd.unravel_index(autograd.tensor([1, 5]), (2, 3))
    (tensor([0, 1]), tensor([1, 2]))
    """
    array = as_tensor(indices)._data
    if array.dtype.kind not in "iu":
        raise TypeError(f"unravel_index: the indices must be integers, got {described(indices)}")
    return tuple(map(wrap, np.unravel_index(array, shape)))
