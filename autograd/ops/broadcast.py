"""Broadcasting made explicit, and undone."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..creation import as_tensor
from ..errors import ShapeError, described
from ..function import Op
from ..registry import public
from ..tensor import Size, Tensor
from .shape import ints, reshape, shaped_as


class Expand(Op):
    op_name, view = "broadcast_to", True
    backward = {"x": lambda g: g}  # the engine sums what broadcasting added
    formula = {"x": "g summed over the expanded dimensions"}

    def forward(x, shape):
        out = np.broadcast_to(x, shape)
        # Only what shows an element twice must not be written to.
        return x.reshape(shape) if out.size == x.size else out


@public(numpy=np.broadcast_to, op=Expand)
def broadcast_to(input: Any, size: Any) -> Tensor:
    """`input` repeated to `size` without a copy, by the rules of broadcasting. A view.

    >>> import autograd
    >>> autograd.tensor([1.0, 2.0]).broadcast_to((2, 2))
    tensor([[1., 2.],
            [1., 2.]])
    """
    return expand(input, size)


@public()
def expand(input: Any, *sizes: Any, size: Any = None) -> Tensor:
    """Like `broadcast_to`; -1 keeps a size.

    >>> import autograd
    >>> autograd.tensor([[1.0], [2.0]]).expand(-1, 3).shape
    Size([2, 3])
    """
    x, wanted = as_tensor(input), ints(sizes, size)
    extra = len(wanted) - x._data.ndim
    if extra < 0 or -1 in wanted[:extra]:
        raise ShapeError(
            f"expand: {wanted} needs one size for each dimension of {described(x)}, and -1 only "
            "where there is a size to keep"
        )
    own = (None,) * extra + x._data.shape
    return Expand.apply(x, tuple(a if n == -1 else n for a, n in zip(own, wanted, strict=True)))


expand_as = shaped_as("expand_as", expand)


@public(method=False, numpy=np.broadcast_arrays)
def broadcast_tensors(*tensors: Any) -> tuple[Tensor, ...]:
    """The tensors expanded to the one shape they broadcast to. Views.

    >>> import autograd
    >>> [x.shape for x in autograd.broadcast_tensors(autograd.ones(3), autograd.ones(2, 1))]
    [Size([2, 3]), Size([2, 3])]
    """
    xs = [as_tensor(x) for x in tensors]
    shape = broadcast_shapes(*(x._data.shape for x in xs))
    return tuple(Expand.apply(x, tuple(shape)) for x in xs)


@public(method=False)
def broadcast_shapes(*shapes: Any) -> Size:
    """The shape that tensors of `shapes` broadcast to.

    >>> import autograd
    >>> autograd.broadcast_shapes((2, 1), (3,), 1)
    Size([2, 3])
    """
    try:
        return Size(np.broadcast_shapes(*shapes))
    except ValueError as error:
        raise ShapeError(
            f"broadcast_shapes: {', '.join(map(str, shapes))} do not broadcast to one shape: from "
            "the right, sizes must be equal or 1"
        ) from error


@public()
def sum_to_size(input: Any, *sizes: Any, size: Any = None) -> Tensor:
    """The sum over the dimensions that broadcasting a tensor of `size` to this one would add.

    >>> import autograd
    >>> autograd.ones(2, 3).sum_to_size(1, 3)
    tensor([[2., 2., 2.]])
    """
    x, wanted = as_tensor(input), ints(sizes, size)
    if not wanted:
        return x.sum()
    shape = x._data.shape
    extra = len(shape) - len(wanted)
    if extra < 0 or any(a not in (1, b) for a, b in zip(wanted, shape[extra:], strict=True)):
        raise ShapeError(f"sum_to_size: {described(x)} cannot be broadcast from size {wanted}")
    axes = [i for i in range(len(shape)) if i < extra or wanted[i - extra] != shape[i]]
    return reshape(x.sum(axes, keepdim=True), wanted) if axes else x
