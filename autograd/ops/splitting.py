"""Tensors taken apart into views. All parts come from one node, so that the gradient of T parts
costs one pass over the tensor, not T."""

from __future__ import annotations

from itertools import accumulate, pairwise
from typing import Any

import numpy as np

from ..axes import axis_of
from ..creation import as_tensor
from ..errors import IndexRangeError, ShapeError, described
from ..function import Op
from ..registry import public
from ..tensor import Tensor
from .joining import Cat, Stack


def filled(gradients: list[Any], ctx: Any) -> list[Any]:
    """Zeros for the results that no gradient reached."""
    return [
        np.zeros(output.shape, output.dtype) if g is None else g
        for g, output in zip(gradients, ctx.outputs, strict=True)
    ]


class Split(Op):
    view = True
    backward = {"x": lambda g, ctx, axis: Cat.call(axis, *filled(g, ctx))}
    formula = {"x": "the gradients of the parts, joined"}

    def forward(x, axis, bounds):
        before = (slice(None),) * axis
        return tuple([x[(*before, slice(a, b))] for a, b in pairwise(bounds)])


def _divided(input: Any, dim: int, name: str) -> tuple[Tensor, int, int]:
    """The tensor, the axis and the axis' size."""
    x = as_tensor(input)
    if x._data.ndim == 0:
        raise IndexRangeError(f"{name}: a 0-d tensor has no dimension to split")
    axis = axis_of(dim, x._data.ndim)
    return x, axis, x._data.shape[axis]


@public(keywords={"split_size": "split_size_or_sections", "input": "tensor"})
def split(tensor: Any, split_size_or_sections: Any, dim: int = 0) -> tuple[Tensor, ...]:
    """Parts of one size (the last may be smaller), or of the sizes in a list. Views.

    >>> import autograd
    >>> autograd.arange(5).split(2)
    (tensor([0, 1]), tensor([2, 3]), tensor([4]))
    >>> autograd.arange(5).split([4, 1])
    (tensor([0, 1, 2, 3]), tensor([4]))
    """
    size = split_size_or_sections
    if isinstance(size, (tuple, list)):
        return split_with_sizes(tensor, size, dim)
    x, axis, n = _divided(tensor, dim, "split")
    size = int(size)
    if size < 0 or (size == 0 and n > 0):
        raise RuntimeError(
            f"split({described(x)}, {size}, dim={axis}): the size of the parts must be positive "
            "(0 only for an empty dimension)"
        )
    return Split.apply(x, axis, (*range(0, n, size), n) if n else (0, 0))


@public()
def split_with_sizes(input: Any, split_sizes: Any, dim: int = 0) -> tuple[Tensor, ...]:
    """Parts of the given sizes, which must add up to the size of the dimension. Views.

    >>> import autograd
    >>> autograd.arange(3).split_with_sizes([1, 2])
    (tensor([0]), tensor([1, 2]))
    """
    x, axis, n = _divided(input, dim, "split_with_sizes")
    sizes = [int(s) for s in split_sizes]
    if sum(sizes) != n or min(sizes, default=0) < 0:
        raise ShapeError(
            f"split_with_sizes: the sizes {sizes} must not be negative and must add up to {n}, "
            f"the size of {described(x)} along dim {axis}"
        )
    return Split.apply(x, axis, tuple(accumulate(sizes, initial=0)))


@public()
def chunk(input: Any, chunks: int, dim: int = 0) -> tuple[Tensor, ...]:
    """At most `chunks` parts of one size; the last may be smaller. Views.

    >>> import autograd
    >>> autograd.arange(5).chunk(4)
    (tensor([0, 1]), tensor([2, 3]), tensor([4]))
    """
    x, axis, n = _divided(input, dim, "chunk")
    if chunks <= 0:
        raise RuntimeError(f"chunk: the number of chunks must be positive, got {chunks}")
    return split(x, -(-n // chunks), axis) if n else split_with_sizes(x, [0] * chunks, axis)


_WHERE = dict.fromkeys(("indices", "sections", "tensor_indices_or_sections"), "indices_or_sections")


@public(numpy=np.array_split, keywords=_WHERE, reads_values=True)
def tensor_split(input: Any, indices_or_sections: Any, dim: int = 0) -> tuple[Tensor, ...]:
    """As many parts as `indices_or_sections` says, nearly equal, or the parts between the
    indices it holds. Views.

    >>> import autograd
    >>> autograd.arange(5).tensor_split(3)
    (tensor([0, 1]), tensor([2, 3]), tensor([4]))
    >>> autograd.arange(5).tensor_split((1, 3))
    (tensor([0]), tensor([1, 2]), tensor([3, 4]))
    """
    x, axis, n = _divided(input, dim, "tensor_split")
    tensor = isinstance(indices_or_sections, (Tensor, np.ndarray))
    where = indices_or_sections.tolist() if tensor else indices_or_sections
    if isinstance(where, (tuple, list)):
        stops = [slice(int(i)).indices(n)[1] for i in where]
    elif where <= 0:
        raise RuntimeError(f"tensor_split: the number of sections must be positive, got {where}")
    else:
        each, more = divmod(n, int(where))
        stops = [each * i + min(i, more) for i in range(1, int(where))]
    bounds = (0, *stops, n)
    if all(a <= b for a, b in pairwise(bounds)):
        return Split.apply(x, axis, bounds)
    before = (slice(None),) * axis  # indices out of order: the parts overlap
    return tuple(x[(*before, slice(a, b))] for a, b in pairwise(bounds))


def _directed(name: str, numpy: Any, dim: int, least: int) -> Any:
    def function(input: Any, indices_or_sections: Any) -> tuple[Tensor, ...]:
        x = as_tensor(input)
        if x._data.ndim < least:
            raise RuntimeError(
                f"{name}: expected at least {least} dimension(s), got {described(x)}"
            )
        axis = min(dim, x._data.ndim - 1)
        return evenly(x, indices_or_sections, axis, name)

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"""`tensor_split` along dim {dim}; a number of parts must divide its size.

    >>> import autograd
    >>> len(autograd.{name}(autograd.zeros(2, 2, 2), 2))
    2
    """
    return public(name, numpy=numpy, keywords=_WHERE)(function)


def evenly(x: Tensor, where: Any, axis: int, name: str) -> tuple[Tensor, ...]:
    """`tensor_split`, an error where a number of parts does not divide the size."""
    n = x._data.shape[axis]
    if not isinstance(where, (tuple, list, np.ndarray, Tensor)) and (where <= 0 or n % where):
        raise ShapeError(
            f"{name}: {described(x)} cannot be split into {where} equal parts along dim {axis}"
        )
    return tensor_split(x, where, axis)


hsplit = _directed("hsplit", np.hsplit, 1, 1)
vsplit = _directed("vsplit", np.vsplit, 0, 2)
dsplit = _directed("dsplit", np.dsplit, 2, 3)


class Unbind(Op):
    view = True
    backward = {"x": lambda g, ctx, axis: Stack.call(axis, *filled(g, ctx))}
    formula = {"x": "the gradients of the parts, stacked"}

    def forward(x, axis):
        before = (slice(None),) * axis
        return tuple([x[(*before, i, ...)] for i in range(x.shape[axis])])


@public(op=Unbind, numpy=np.unstack)
def unbind(input: Any, dim: int = 0) -> tuple[Tensor, ...]:
    """The slices along `dim`. Views.

    >>> import autograd
    >>> autograd.tensor([[1, 2], [3, 4]]).unbind(1)
    (tensor([1, 3]), tensor([2, 4]))
    """
    x, axis, n = _divided(input, dim, "unbind")
    return Unbind.apply(x, axis) if n else ()
