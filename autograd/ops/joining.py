"""Tensors joined: along a dimension, as blocks, in all combinations."""

from __future__ import annotations

import itertools
from functools import reduce
from typing import Any

import numpy as np

from ..axes import axis_of
from ..creation import as_tensor
from ..dtypes import promote_types
from ..errors import ShapeError, described
from ..function import Op
from ..registry import public
from ..tensor import Tensor, wrap
from .broadcast import Expand
from .convert import to
from .shape import Reshape, atleast_1d, atleast_2d, atleast_3d


class Cat(Op):
    backward = {"xs": lambda g, ctx, axis: _parts(g, ctx.sizes, axis)}
    formula = {"xs": "the part of g that came from each"}

    def forward(ctx, axis, *xs):
        ctx.sizes = [x.shape[axis] for x in xs]
        return np.concatenate(xs, axis)


def _parts(g: Any, sizes: list[int], axis: int) -> list[Any]:
    before = (slice(None),) * axis
    stops = itertools.accumulate(sizes)
    return [g[(*before, slice(b - n, b))] for n, b in zip(sizes, stops, strict=True)]


def _of_one_dtype(tensors: Any, name: str) -> list[Tensor]:
    """`tensors` in the dtype they promote to; nothing is converted where they have it already."""
    xs = [x if isinstance(x, Tensor) else as_tensor(x) for x in tensors]
    if not xs:
        raise ShapeError(f"{name}: expected a non-empty sequence of tensors")
    dtypes = {x._data.dtype for x in xs}
    if len(dtypes) > 1:
        dtype = reduce(promote_types, dtypes)
        xs = [to(x, dtype) for x in xs]
    return xs


@public(method=False, aliases=("concat", "concatenate"), op=Cat)
def cat(tensors: Any, dim: int = 0) -> Tensor:
    """Joins tensors along an existing dimension.

    >>> import autograd
    >>> autograd.cat([autograd.tensor([1.0]), autograd.tensor([2.0, 3.0])])
    tensor([1., 2., 3.])
    """
    xs = _of_one_dtype(tensors, "cat")
    first = next((x._data.shape for x in xs if x._data.shape != (0,)), (0,))
    axis = axis_of(dim, len(first))
    before, behind = first[:axis], first[axis + 1 :]
    for i, x in enumerate(xs):
        shape = x._data.shape
        if shape == first and shape:
            continue
        if shape == (0,):  # fits tensors of any shape, as in PyTorch
            xs[i] = Reshape.apply(x, (*before, 0, *behind))
        elif not shape or shape[:axis] != before or shape[axis + 1 :] != behind:
            raise ShapeError(
                f"cat: sizes must match except along dim {axis}, got "
                f"{', '.join(map(described, xs))}; use stack for a new dimension"
            )
    return Cat.apply(axis, *xs)


class Stack(Op):
    backward = {
        "xs": lambda g, axis: [g[(slice(None),) * axis + (i,)] for i in range(g.shape[axis])]
    }
    formula = {"xs": "the part of g that came from each"}

    def forward(axis, *xs):
        # As np.stack, which spends most of its time on giving each array the new dimension.
        shape = xs[0].shape
        if not shape:
            return np.array(xs)
        at = axis if axis < len(shape) else 0
        out = np.concatenate(xs, at).reshape(*shape[:at], len(xs), *shape[at:])
        return out if at == axis else np.ascontiguousarray(np.moveaxis(out, 0, -1))


@public(method=False, op=Stack)
def stack(tensors: Any, dim: int = 0) -> Tensor:
    """Joins tensors of one shape along a new dimension.

    >>> import autograd
    >>> autograd.stack([autograd.tensor([1.0, 2.0]), autograd.tensor([3.0, 4.0])]).shape
    Size([2, 2])
    """
    xs = _of_one_dtype(tensors, "stack")
    shape = xs[0]._data.shape
    if len({x._data.shape for x in xs}) > 1:
        raise ShapeError(
            f"stack: all tensors must have one shape, got {', '.join(map(described, xs))}; use "
            "cat to join along an existing dimension"
        )
    return Stack.apply(axis_of(dim, len(shape) + 1), *xs)


def _stacking(name: str, numpy: Any, prepared: Any, axis: Any, what: str, also: Any = ()) -> Any:
    def function(tensors: Any) -> Tensor:
        xs = [prepared(as_tensor(x)) for x in tensors]
        return cat(xs, axis(xs) if callable(axis) else axis)

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"""Joins tensors {what}.

    >>> import autograd
    >>> autograd.{name}([autograd.zeros(2), autograd.zeros(2)]).numel()
    4
    """
    return public(name, method=False, numpy=numpy, aliases=also)(function)


hstack = _stacking(
    "hstack",
    np.hstack,
    atleast_1d,
    lambda xs: min(1, xs[0].ndim - 1) if xs else 0,
    "side by side: along the second dimension, vectors along the first",
)
vstack = _stacking(
    "vstack",
    np.vstack,
    atleast_2d,
    0,
    "on top of each other: along the first dimension, vectors as rows",
    also=("row_stack",),
)
dstack = _stacking("dstack", np.dstack, atleast_3d, 2, "along the third dimension")
column_stack = _stacking(
    "column_stack",
    np.column_stack,
    lambda x: x.reshape(-1, 1) if x.ndim < 2 else x,
    1,
    "as columns of a matrix",
)


class BlockDiag(Op):
    backward = {"xs": lambda g, ctx: [g[corner] for corner in ctx.corners]}
    formula = {"xs": "the block of g that came from each"}

    def forward(ctx, *xs):
        ctx.corners, rows, columns = [], 0, 0
        for x in xs:
            below, right = rows + x.shape[0], columns + x.shape[1]
            ctx.corners.append((slice(rows, below), slice(columns, right)))
            rows, columns = below, right
        out = np.zeros((rows, columns), xs[0].dtype)
        for corner, x in zip(ctx.corners, xs, strict=True):
            out[corner] = x
        return out


@public(method=False, op=BlockDiag)
def block_diag(*tensors: Any) -> Tensor:
    """The matrix with the given matrices (or rows, or numbers) along its diagonal, 0 elsewhere.

    >>> import autograd
    >>> autograd.block_diag(autograd.tensor([[1, 2]]), autograd.tensor(3))
    tensor([[1, 2, 0],
            [0, 0, 3]])
    """
    xs = _of_one_dtype(tensors or [np.zeros((1, 0), np.float32)], "block_diag")
    for x in xs:
        if x._data.ndim > 2:
            raise RuntimeError(
                f"block_diag: tensors of at most 2 dimensions are possible, got {described(x)}"
            )
    return BlockDiag.apply(*map(atleast_2d, xs))


def _vectors(tensors: Any, name: str) -> list[Tensor]:
    """`tensors`, which must be vectors (or numbers) of one dtype."""
    xs = [as_tensor(x) for x in tensors]
    if not xs or any(x._data.ndim > 1 or x.dtype != xs[0].dtype for x in xs):
        raise RuntimeError(
            f"{name}({', '.join(map(described, xs))}): expected one or more vectors of one dtype"
        )
    return xs


@public(method=False)
def meshgrid(*tensors: Any, indexing: str = "ij") -> tuple[Tensor, ...]:
    """Each vector spread over a grid of as many dimensions as there are vectors. Views.

    With `indexing="xy"`, NumPy's default, the first two dimensions are swapped.

    >>> import autograd
    >>> rows, columns = autograd.meshgrid(autograd.arange(2), autograd.arange(3))
    >>> rows
    tensor([[0, 0, 0],
            [1, 1, 1]])
    """
    if indexing not in ("ij", "xy"):
        raise RuntimeError(f"meshgrid: indexing must be 'ij' or 'xy', got {indexing!r}")
    one = len(tensors) == 1 and isinstance(tensors[0], (tuple, list))
    xs = _vectors(tensors[0] if one else tensors, "meshgrid")
    shape = tuple(x._data.size for x in xs)
    grids = [
        Expand.apply(
            Reshape.apply(x, tuple(n if i == j else 1 for j, n in enumerate(shape))), shape
        )
        for i, x in enumerate(xs)
    ]
    if indexing == "xy" and len(xs) > 1:
        grids = [g.transpose(0, 1) for g in grids]
    return tuple(grids)


@public(method=False)
def cartesian_prod(*tensors: Any) -> Tensor:
    """All ways of taking one element from each vector, as rows; a single vector as it is.

    >>> import autograd
    >>> autograd.cartesian_prod(autograd.tensor([1, 2]), autograd.tensor([3, 4]))
    tensor([[1, 3],
            [1, 4],
            [2, 3],
            [2, 4]])
    """
    xs = _vectors(tensors, "cartesian_prod")
    if len(xs) == 1:
        return xs[0]
    return stack([g.reshape(-1) for g in meshgrid(*xs)], 1)


@public()
def combinations(input: Any, r: int = 2, with_replacement: bool = False) -> Tensor:
    """All selections of `r` elements of a vector, in the order of itertools, as rows.

    >>> import autograd
    >>> autograd.combinations(autograd.tensor([1, 2, 3]))
    tensor([[1, 2],
            [1, 3],
            [2, 3]])
    """
    (x,) = _vectors([input], "combinations")
    if x._data.ndim == 0 or r < 0:
        raise RuntimeError(f"combinations({described(x)}, {r}): expected a vector and r >= 0")
    if r == 0:
        return wrap(x._data[:0])
    select = itertools.combinations_with_replacement if with_replacement else itertools.combinations
    rows = list(select(range(x._data.size), r))
    return x[np.array(rows, np.int64).reshape(len(rows), r)]
