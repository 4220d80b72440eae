"""The same elements in other places, or several times: flip, roll, repeat and their relatives."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..axes import axes_of, axis_of
from ..creation import as_tensor
from ..dtypes import as_dtype, int64
from ..errors import ShapeError, described
from ..function import Op
from ..registry import public
from ..tensor import Tensor, wrap
from .indexing import IndexSelect, integer_index
from .shape import Reshape, ints


class Flip(Op):
    backward = {"x": lambda g, axes: Flip.call(g, axes)}
    formula = {"x": "g flipped back"}

    def forward(x, axes):
        return np.flip(x, axes).copy()


@public(op=Flip)
def flip(input: Any, *order: Any, dims: Any = None) -> Tensor:
    """Reverses the order along `dims`.

    >>> import autograd
    >>> autograd.tensor([1, 2, 3]).flip(0)
    tensor([3, 2, 1])
    """
    x, wanted = as_tensor(input), ints(order, dims)
    return Flip.apply(x, axes_of(wanted, x._data.ndim, "flip") if wanted else ())


def _flip_along(name: str, numpy: Any, axis: int) -> Any:
    def function(input: Any) -> Tensor:
        x = as_tensor(input)
        if x._data.ndim <= axis:
            raise RuntimeError(
                f"{name}: expected at least {axis + 1} dimension(s), got {described(x)}"
            )
        return Flip.apply(x, (axis,))

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"""Reverses the order along dim {axis}.

    >>> import autograd
    >>> autograd.{name}(autograd.eye(2))
    tensor([[0., 1.],
            [1., 0.]])
    """
    return public(name, numpy=numpy)(function)


flipud = _flip_along("flipud", np.flipud, 0)
fliplr = _flip_along("fliplr", np.fliplr, 1)


@public()
def rot90(input: Any, k: int = 1, dims: Any = (0, 1)) -> Tensor:
    """Turns the plane of `dims` by k · 90°, from the first dimension towards the second.

    >>> import autograd
    >>> autograd.rot90(autograd.tensor([[1, 2], [3, 4]]))
    tensor([[2, 4],
            [1, 3]])
    """
    x = as_tensor(input)
    axes = tuple(axis_of(d, x._data.ndim) for d in dims)
    if len(axes) != 2 or axes[0] == axes[1]:
        raise RuntimeError(f"rot90({described(x)}): dims must be two dimensions, got {dims}")
    a, b = axes
    flipped = Flip.apply(x, ((), (b,), (a, b), (a,))[k % 4])
    return flipped.transpose(a, b) if k % 2 else flipped


class Roll(Op):
    backward = {"x": lambda g, shifts, axes: Roll.call(g, tuple(-s for s in shifts), axes)}
    formula = {"x": "g rolled back"}

    def forward(x, shifts, axes):
        return np.roll(x, shifts, axes)


@public(op=Roll, numpy=np.roll)
def roll(input: Any, shifts: Any, dims: Any = None) -> Tensor:
    """Moves elements along `dims`; what is pushed out comes in again on the other side.

    Without `dims` the elements move as in one long row.

    >>> import autograd
    >>> autograd.tensor([1, 2, 3]).roll(1)
    tensor([3, 1, 2])
    """
    x, steps = as_tensor(input), ints((shifts,))
    if dims is None or dims == ():
        if len(steps) == 1:
            flat = Reshape.apply(x, (x._data.size,))
            return Reshape.apply(Roll.apply(flat, steps, (0,)), x._data.shape)
        dims = ()
    axes = tuple(axis_of(d, x._data.ndim) for d in ints((dims,)))
    if len(axes) != len(steps):
        raise RuntimeError(f"roll: {len(steps)} shifts but {len(axes)} dims; give one for each")
    return Roll.apply(x, steps, axes) if x._data.ndim else x.clone()


class Repeat(Op):
    backward = {"x": lambda g, ctx, times: _sum_of_copies(g, ctx.input_shape, times)}
    formula = {"x": "the sum of g over the copies"}

    def forward(ctx, x, times):
        ctx.input_shape = (1,) * (len(times) - x.ndim) + x.shape
        return np.tile(x, times)


def _sum_of_copies(g: Any, shape: tuple[int, ...], times: tuple[int, ...]) -> Any:
    pairs = tuple(n for pair in zip(times, shape, strict=True) for n in pair)
    return g.reshape(pairs).sum(tuple(range(0, len(pairs), 2))) if pairs else g


@public(op=Repeat)
def repeat(input: Any, *sizes: Any, repeats: Any = None) -> Tensor:
    """The tensor `sizes[i]` times along each dimension; more sizes add leading dimensions.

    >>> import autograd
    >>> autograd.tensor([1, 2]).repeat(2, 2)
    tensor([[1, 2, 1, 2],
            [1, 2, 1, 2]])
    """
    x, times = as_tensor(input), ints(sizes, repeats)
    if len(times) < x._data.ndim or min(times, default=0) < 0:
        raise ShapeError(
            f"repeat: expected one number that is not negative for each dimension of "
            f"{described(x)}, got {times}; tile takes fewer"
        )
    return Repeat.apply(x, times)


@public(numpy=np.tile)
def tile(input: Any, *sizes: Any, dims: Any = None) -> Tensor:
    """Like `repeat`, with missing sizes taken as 1.

    >>> import autograd
    >>> autograd.tensor([[1], [2]]).tile(2)
    tensor([[1, 1],
            [2, 2]])
    """
    x, times = as_tensor(input), ints(sizes, dims)
    return repeat(x, (1,) * (x._data.ndim - len(times)) + times)


@public(numpy=np.repeat, reads_values=True)
def repeat_interleave(
    input: Any, repeats: Any = None, dim: int | None = None, *, output_size: int | None = None
) -> Tensor:
    """Each element (of all, or each slice along `dim`) several times in a row.

    `repeats` is a number, or a vector with a number for each; alone, `repeats` gives the indices.

    >>> import autograd
    >>> autograd.tensor([1, 2]).repeat_interleave(2)
    tensor([1, 1, 2, 2])
    >>> autograd.repeat_interleave(autograd.tensor([1, 2]))
    tensor([0, 1, 1])
    """
    x = as_tensor(input)
    if repeats is None:
        counts = integer_index(x, np.iinfo(np.int64).max, "repeat_interleave")
        return wrap(np.repeat(np.arange(counts.size), counts))
    if dim is None:
        x, dim = Reshape.apply(x, (x._data.size,)), 0
    axis = axis_of(dim, x._data.ndim)
    n = x._data.shape[axis] if x._data.ndim else 1
    counts = integer_index(as_tensor(repeats), np.iinfo(np.int64).max, "repeat_interleave")
    if counts.size not in (1, n) or counts.ndim > 1:
        raise ShapeError(
            f"repeat_interleave: repeats has {counts.size} elements, {described(x)} has {n} "
            f"along dim {axis}; they must be as many, or repeats a number"
        )
    index = np.repeat(np.arange(n), counts.reshape(-1))
    if output_size is not None and output_size != index.size:
        raise ShapeError(
            f"repeat_interleave: output_size is {output_size}, but the result has {index.size}"
        )
    return IndexSelect.apply(x, axis, index)


@public(numpy=np.kron)
def kron(input: Any, other: Any) -> Tensor:
    """The Kronecker product: each element of `input` times all of `other`, as blocks.

    >>> import autograd
    >>> autograd.kron(autograd.eye(2), autograd.ones(1, 2))
    tensor([[1., 1., 0., 0.],
            [0., 0., 1., 1.]])
    """
    x, y = as_tensor(input), as_tensor(other)
    n = max(x._data.ndim, y._data.ndim)
    a = (1,) * (n - x._data.ndim) + x._data.shape
    b = (1,) * (n - y._data.ndim) + y._data.shape
    left = Reshape.apply(x, tuple(s for m in a for s in (m, 1)))
    right = Reshape.apply(y, tuple(s for m in b for s in (1, m)))
    return Reshape.apply(left * right, tuple(i * j for i, j in zip(a, b, strict=True)))


def _triangle_indices(name: str, numpy: Any, what: str) -> Any:
    def function(
        row: int, col: int, offset: int = 0, *, dtype: Any = int64, device: Any = None
    ) -> Tensor:
        if row < 0 or col < 0:
            raise RuntimeError(f"{name}: row and col must not be negative, got {row} and {col}")
        return wrap(np.stack(numpy(row, offset, col)).astype(as_dtype(dtype)))

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"""The indices of the {what} triangle of a matrix: its rows, its columns.

    >>> import autograd
    >>> autograd.{name}(2, 2).shape
    Size([2, 3])
    """
    return public(name, method=False)(function)


tril_indices = _triangle_indices("tril_indices", np.tril_indices, "lower")
triu_indices = _triangle_indices("triu_indices", np.triu_indices, "upper")
