"""Reading and writing by index, as NumPy and PyTorch do: integers, slices, None, Ellipsis, boolean
masks and integer arrays, in any mixture. What reads with repetition adds up in the gradient."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..axes import axis_of
from ..creation import as_tensor
from ..errors import described
from ..function import Op, _new, _next_sequence
from ..grad_mode import mode
from ..inplace import _adopt, _rewrite_base, _write, check_in_place
from ..registry import public
from ..tensor import Tensor, wrap


def plain_index(index: Any) -> tuple[Any, ...]:
    """`index` as a tuple of what NumPy takes, with Tensors and lists as arrays."""
    parts = index if isinstance(index, tuple) else (index,)
    return tuple(_plain_part(part) for part in parts)


def _plain_part(part: Any) -> Any:
    if isinstance(part, Tensor):
        part = part._data
        # An index of no dimensions is a number: it selects, and does not gather.
        return part if part.ndim or part.dtype == np.bool_ else part.item()
    if isinstance(part, (list, range)):
        array = np.asarray([_plain_part(p) for p in part])
        return array.astype(np.int64) if array.size == 0 else array
    if isinstance(part, slice):
        return slice(*(p.item() if isinstance(p, Tensor) else p
                       for p in (part.start, part.stop, part.step)))
    return part


def _is_basic(index: tuple[Any, ...]) -> bool:
    return all(
        part is None or part is Ellipsis or isinstance(part, (slice, int, np.integer))
        and not isinstance(part, (bool, np.bool_))
        for part in index
    )


def _repeats(index: tuple[Any, ...]) -> bool:
    """Whether some element may be selected twice: only integer arrays can."""
    return any(isinstance(part, np.ndarray) and part.dtype != np.bool_ for part in index)


class GetItem(Op):
    op_name, symbol, view = "getitem", "[ ]", True
    backward = {"x": lambda g, ctx, index: Scatter.call(g, ctx.input_shape, index)}
    formula = {"x": "g added into zeros at the index"}

    def forward(ctx, x, index):  # type: ignore[no-untyped-def]
        ctx.input_shape = x.shape
        return x[index]


class Scatter(Op):
    """The adjoint of indexing: zeros of `shape` with g added at `index`."""

    public = False
    backward = {"x": lambda g, index: g[index]}
    formula = {"x": "g[index]"}

    def forward(x, shape, index):  # type: ignore[no-untyped-def]
        out = np.zeros(shape, x.dtype)
        if _repeats(index):
            np.add.at(out, index, x)
        else:
            out[index] = x
        return out


@public("__getitem__", op=GetItem)
def getitem(input: Tensor, index: Any) -> Tensor:
    """`input[index]`: a view for integers, slices, None and Ellipsis, else a copy.

    >>> import autograd
    >>> x = autograd.arange(6).reshape(2, 3)
    >>> x[1], x[:, -1], x[x > 3], x[[0, 1], [2, 0]]
    (tensor([3, 4, 5]), tensor([2, 5]), tensor([4, 5]), tensor([2, 3]))
    """
    parts = plain_index(index)
    if _is_basic(parts) and Ellipsis not in parts:
        parts = (*parts, Ellipsis)  # an array, and so a view, also where one element is left
    return GetItem.apply(input, parts)


class SetItem(Op):
    """A tensor after `x[index] = y`."""

    op_name, symbol, public = "setitem", "[ ]=", False
    backward = {"x": lambda g, index: _zeroed(g, index), "y": lambda g, index: g[index]}
    formula = {"x": "g, 0 at the index", "y": "g[index]"}

    def forward(x, y, index):  # type: ignore[no-untyped-def]
        out = x.copy()
        out[index] = y
        return out


def _zeroed(g: Any, index: Any) -> Any:
    outside = np.ones(g.shape, np.bool_)
    outside[index] = False
    return np.where(outside, g, 0.0)


@public("__setitem__")
def setitem(input: Tensor, index: Any, value: Any) -> None:
    """`input[index] = value`, in place and recorded.

    >>> import autograd
    >>> x = autograd.zeros(3); x[1:] = autograd.tensor([1.0, 2.0]); x
    tensor([0., 1., 2.])
    """
    y = value if isinstance(value, Tensor) else as_tensor(np.asarray(value, input.dtype)
                                                         if np.ndim(value) == 0 else value)
    check_in_place(input, "x[index] = value", y.requires_grad)
    y = y.to(input.dtype)  # type: ignore[attr-defined]
    parts = plain_index(index)
    target = input._data[parts].shape
    while y._data.ndim > len(target) and y._data.shape[0] == 1:
        y = y.squeeze(0)  # type: ignore[attr-defined]
    try:
        _write(input, parts, y._data, "x[index] = value")
    except ValueError as error:
        raise RuntimeError(
            f"x[index] = value: {described(y)} cannot be broadcast to the selection of shape "
            f"{target} from {described(input)}"
        ) from error
    if mode.grad and (input._edge is not None or y._edge is not None):
        node = _new(SetItem)
        node.edges = (input._edge, y._edge, None)
        node.args = (None, None, parts, None)
        node.shape, node.dtype = input._data.shape, input._data.dtype
        node.sequence = _next_sequence()
        if input._base is None:
            _adopt(input, node)
        else:
            _rewrite_base(input, wrap(input._data, node))


class Where(Op):
    backward = {
        "x": lambda g, condition: np.where(condition, g, 0.0),
        "y": lambda g, condition: np.where(condition, 0.0, g),
    }
    formula = {"x": "g where the condition holds", "y": "g where it does not"}

    def forward(x, y, condition):  # type: ignore[no-untyped-def]
        from ..function import promoted

        return np.where(condition, *promoted([x, y], "same"))


@public(op=Where, method=False)
def where(condition: Any, input: Any = None, other: Any = None) -> Any:
    """Elements of `input` where `condition` holds, of `other` elsewhere; all three broadcast.

    With the condition alone, the indices where it holds, one tensor per dimension.

    >>> import autograd
    >>> x = autograd.tensor([-1.0, 2.0])
    >>> autograd.where(x > 0, x, 0.0), autograd.where(x > 0)
    (tensor([0., 2.]), (tensor([1]),))
    """
    mask = condition._data if isinstance(condition, Tensor) else np.asarray(condition)
    if input is None and other is None:
        return tuple(as_tensor(i) for i in np.nonzero(mask))
    if mask.dtype != np.bool_:
        raise RuntimeError(f"where: the condition must be a bool tensor, got dtype {mask.dtype}")
    return Where.apply(input, other, mask)


def along(index: np.ndarray, axis: int) -> tuple[Any, ...]:
    """The full index that takes `index` along `axis` and each other position from itself."""
    grid = np.ogrid[tuple(slice(n) for n in index.shape)]
    return tuple(index if i == axis else g for i, g in enumerate(grid))


def integer_index(index: Any, size: int, name: str) -> np.ndarray:
    """`index` as an int64 array within [0, size); negative indices are errors, as in PyTorch."""
    array = as_tensor(index)._data
    if array.dtype.kind not in "iu":
        raise RuntimeError(f"{name}: the index must be an integer tensor, got dtype {array.dtype}")
    if array.size and (array.min() < 0 or array.max() >= size):
        raise RuntimeError(
            f"{name}: an index is out of range: the dimension has size {size}, the indices run "
            f"from {array.min()} to {array.max()}"
        )
    return array.astype(np.int64, copy=False)


class Gather(Op):
    backward = {
        "x": lambda g, ctx, axis, index: Scatter.call(g, ctx.input_shape, along(index, axis))
    }
    formula = {"x": "g added into zeros at the index"}

    def forward(ctx, x, axis, index):  # type: ignore[no-untyped-def]
        ctx.input_shape = x.shape
        return x[along(index, axis)]


@public(op=Gather)
def gather(input: Any, dim: int, index: Any, *, sparse_grad: bool = False) -> Tensor:
    """Values picked along `dim`: out[i][j] = input[index[i][j]][j] for dim 0.

    >>> import autograd
    >>> autograd.tensor([[1.0, 2.0], [3.0, 4.0]]).gather(1, autograd.tensor([[0], [1]]))
    tensor([[1.],
            [4.]])
    """
    x = as_tensor(input)
    shape = x._data.shape
    if not shape:
        return gather(x.reshape(1), 0, as_tensor(index).reshape(-1)).reshape(tuple(index.shape))
    axis = axis_of(dim, len(shape))
    picks = integer_index(index, shape[axis], "gather")
    if picks.ndim != len(shape) or any(
        a > b for i, (a, b) in enumerate(zip(picks.shape, shape, strict=True)) if i != axis
    ):
        raise RuntimeError(
            f"gather: the index {described(index)} must have as many dimensions as the input "
            f"{described(x)} and, except along dim {axis}, sizes that are not larger"
        )
    return Gather.apply(x, axis, picks)


class MaskedFill(Op):
    backward = {
        "x": lambda g, mask: np.where(mask, 0.0, g),
        "value": lambda g, mask: np.where(mask, g, 0.0),
    }
    formula = {"x": "g, 0 where the mask holds", "value": "sum of g where the mask holds"}

    def forward(x, value, mask):  # type: ignore[no-untyped-def]
        return np.where(mask, np.asarray(value, x.dtype), x)


@public(op=MaskedFill, in_place=True)
def masked_fill(input: Any, mask: Any, value: Any) -> Tensor:
    """`input` with `value` where `mask` holds.

    >>> import autograd
    >>> x = autograd.tensor([1.0, 2.0])
    >>> x.masked_fill(x > 1, 0.0)
    tensor([1., 0.])
    """
    m = as_tensor(mask)._data
    if m.dtype != np.bool_:
        raise RuntimeError(f"masked_fill: the mask must be a bool tensor, got dtype {m.dtype}")
    if isinstance(value, Tensor) and value._data.ndim:
        raise RuntimeError(
            f"masked_fill: the value must be a number or a 0-d tensor, got {described(value)}"
        )
    return MaskedFill.apply(as_tensor(input), value, m)


class IndexSelect(Op):
    backward = {
        "x": lambda g, ctx, axis, index: Scatter.call(
            g, ctx.input_shape, (slice(None),) * axis + (index,)
        )
    }
    formula = {"x": "g added into zeros at the index"}

    def forward(ctx, x, axis, index):  # type: ignore[no-untyped-def]
        ctx.input_shape = x.shape
        return x.take(index, axis)


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
    picks = integer_index(index, x._data.shape[axis] if x._data.ndim else 1, "index_select")
    if picks.ndim > 1:
        raise RuntimeError(f"index_select: the index must be 1-d, got {described(index)}")
    return IndexSelect.apply(x, axis, picks.reshape(-1))

