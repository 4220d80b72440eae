"""Shapes and the order of dimensions: views wherever NumPy can make them. Gradients undo the
change."""

from __future__ import annotations

import math
import sys
from typing import Any

import numpy as np

from ..axes import axes_of, axis_of
from ..creation import as_tensor
from ..errors import ShapeError, described
from ..function import Op
from ..registry import public
from ..tensor import Tensor, wrap
from .convert import is_dtype


def ints(args: tuple[Any, ...], keyword: Any = None) -> tuple[int, ...]:
    """Sizes or dimensions given as `f(1, 2)`, `f((1, 2))` or by keyword.

    >>> ints((1, 2)), ints(([1, 2],)), ints((), (1, 2)), ints((), 3)
    ((1, 2), (1, 2), (1, 2), (3,))
    """
    if keyword is not None:
        args = (keyword,)
    if len(args) == 1 and isinstance(args[0], (tuple, list)):
        args = tuple(args[0])
    return tuple(map(int, args))


class Reshape(Op):
    view = True
    backward = {"x": lambda g, ctx: g.reshape(ctx.input_shape)}
    formula = {"x": "g in the shape of x"}

    def forward(ctx, x, shape):
        ctx.input_shape = x.shape
        return x.reshape(shape)


@public(op=Reshape)
def reshape(input: Any, *sizes: Any, shape: Any = None) -> Tensor:
    """The same elements in another shape; one size may be -1. A view where possible.

    >>> import autograd
    >>> autograd.arange(6).reshape(2, -1)
    tensor([[0, 1, 2],
            [3, 4, 5]])
    """
    x = as_tensor(input)
    return Reshape.apply(x, _inferred(ints(sizes, shape), x._data.shape, "reshape"))


def _inferred(sizes: tuple[int, ...], old: tuple[int, ...], name: str) -> tuple[int, ...]:
    """`sizes` with a -1 replaced by what is left."""
    total = math.prod(old)
    if min(sizes, default=0) >= 0 and math.prod(sizes) == total:
        return sizes
    known = math.prod(n for n in sizes if n != -1)
    if sizes.count(-1) > 1 or any(n < -1 for n in sizes):
        raise RuntimeError(f"{name}: only one size can be left to infer (-1), got {sizes}")
    if -1 in sizes and known and total % known == 0:
        return tuple(total // known if n == -1 else n for n in sizes)
    raise ShapeError(f"{name}: shape {sizes} is invalid for a tensor of shape {old}")


@public()
def view(input: Tensor, *sizes: Any, size: Any = None, dtype: Any = None) -> Tensor:
    """Like `reshape`, but never copies: an error where the memory layout does not allow it.

    `x.view(dtype)` reads the memory as another dtype, outside the graph.

    >>> import autograd
    >>> autograd.arange(6).view(3, 2).shape
    Size([3, 2])
    >>> autograd.tensor([1.0]).view(autograd.int32)
    tensor([1065353216], dtype=int32)
    """
    if sizes and is_dtype(sizes[0]):
        dtype = sizes[0]
    try:
        if dtype is not None:
            result = wrap(input._data.view(dtype))
            result._counter = input._versions()
            return result
        shape = _inferred(ints(sizes, size), input._data.shape, "view")
        if not input._data.flags.c_contiguous and _nobody_shares(input):
            input._data = np.ascontiguousarray(input._data)
        input._data.reshape(shape, copy=False)
    except ValueError as error:
        if isinstance(error, ShapeError):
            raise
        raise RuntimeError(
            f"view: the memory layout of {described(input)} has no view of "
            f"{'shape ' + str(shape) if dtype is None else dtype}; use .reshape(...), which "
            "copies where it must, or .contiguous() first"
        ) from error
    return Reshape.apply(input, shape)


def _nobody_shares(x: Tensor) -> bool:
    """Whether the memory of `x` may be laid out anew.

    Operations leave their results in the layout that is fastest, which is not always PyTorch's:
    after a convolution, `x.view(n, -1)` has to work.
    """
    alone = x.grad_fn is not None or sys.getrefcount(x._data) <= 2  # `x` and the argument
    return alone and x._base is None and x._counter is None


def shaped_as(name: str, function: Any) -> Any:
    """Registers the twin of `function` that takes its sizes from another tensor."""

    def shaped(input: Tensor, other: Tensor) -> Tensor:
        return function(input, tuple(other.shape))

    shaped.__name__ = shaped.__qualname__ = name
    shaped.__doc__ = f"""`input.{function.__name__}(other.shape)`.

    >>> import autograd
    >>> autograd.{name}(autograd.ones(1, 2), autograd.ones(1, 2)).shape
    Size([1, 2])
    """
    return public(name)(shaped)


reshape_as = shaped_as("reshape_as", reshape)
view_as = shaped_as("view_as", view)


@public()
def flatten(input: Any, start_dim: int = 0, end_dim: int = -1) -> Tensor:
    """Joins the dimensions from `start_dim` to `end_dim` into one.

    >>> import autograd
    >>> autograd.zeros(2, 3, 4).flatten(1).shape
    Size([2, 12])
    """
    x = as_tensor(input)
    shape = x._data.shape
    first, last = axis_of(start_dim, len(shape)), axis_of(end_dim, len(shape))
    if first > last:
        raise RuntimeError("flatten: start_dim must not come after end_dim")
    if first == last and shape:
        return x
    return Reshape.apply(
        x, (*shape[:first], math.prod(shape[first : last + 1]), *shape[last + 1 :])
    )


@public()
def ravel(input: Any) -> Tensor:
    """All elements in one dimension; a view where the memory layout allows it.

    >>> import autograd
    >>> autograd.zeros(2, 3).ravel().shape
    Size([6])
    """
    x = as_tensor(input)
    return Reshape.apply(x, (x._data.size,))


@public()
def unflatten(input: Any, dim: int, sizes: Any) -> Tensor:
    """Splits the dimension `dim` into dimensions of `sizes`, one of which may be -1.

    >>> import autograd
    >>> autograd.zeros(2, 12).unflatten(1, (3, -1)).shape
    Size([2, 3, 4])
    """
    x = as_tensor(input)
    shape = x._data.shape
    axis = axis_of(dim, len(shape))
    inner = _inferred(tuple(sizes), shape[axis : axis + 1], "unflatten")
    return Reshape.apply(x, (*shape[:axis], *inner, *shape[axis + 1 :]))


@public()
def squeeze(input: Any, dim: Any = None) -> Tensor:
    """Drops dimensions of size 1: all of them, or those in `dim`.

    >>> import autograd
    >>> autograd.zeros(1, 3, 1).squeeze().shape
    Size([3])
    """
    x = as_tensor(input)
    shape = x._data.shape
    axes = axes_of(dim, len(shape), "squeeze") if dim != () else ()
    return Reshape.apply(x, tuple(n for i, n in enumerate(shape) if n != 1 or i not in axes))


@public()
def unsqueeze(input: Any, dim: int) -> Tensor:
    """Inserts a dimension of size 1 at `dim`.

    >>> import autograd
    >>> autograd.zeros(3).unsqueeze(0).shape
    Size([1, 3])
    """
    x = as_tensor(input)
    axis = axis_of(dim, x._data.ndim + 1)
    return Reshape.apply(x, (*x._data.shape[:axis], 1, *x._data.shape[axis:]))


def _atleast(name: str, ufunc: Any, pad: Any) -> Any:
    n = int(name[-2])

    def atleast(*tensors: Any) -> Any:
        if len(tensors) != 1:
            return tuple(atleast(x) for x in tensors)
        if isinstance(tensors[0], (tuple, list)):
            return tuple(atleast(x) for x in tensors[0])
        x = as_tensor(tensors[0])
        return x if x._data.ndim >= n else Reshape.apply(x, pad(*x._data.shape))

    atleast.__name__ = atleast.__qualname__ = name
    atleast.__doc__ = f"""Each tensor with dimensions of size 1 added until it has {n}. Views.

    Several tensors (or a sequence of them) give a tuple.

    >>> import autograd
    >>> autograd.{name}(autograd.tensor(1.0)).ndim
    {n}
    """
    return public(name, method=False, numpy=ufunc)(atleast)


atleast_1d = _atleast("atleast_1d", np.atleast_1d, lambda: (1,))
atleast_2d = _atleast("atleast_2d", np.atleast_2d, lambda n=1: (1, n))
atleast_3d = _atleast(
    "atleast_3d", np.atleast_3d, lambda *s: (*s, 1) if len(s) == 2 else (1, *(s or (1,)), 1)
)


class Permute(Op):
    view = True
    backward = {"x": lambda g, axes: Permute.call(g, inverse_order(axes))}
    formula = {"x": "g with the dimensions back in place"}

    def forward(x, axes):
        return x.transpose(axes)


def inverse_order(axes: tuple[int, ...]) -> tuple[int, ...]:
    """The order that undoes `axes`.

    >>> inverse_order((2, 0, 1))
    (1, 2, 0)
    """
    return tuple(sorted(range(len(axes)), key=axes.__getitem__))


@public(op=Permute)
def permute(input: Any, *order: Any, dims: Any = None) -> Tensor:
    """The dimensions in the order `dims`. A view.

    >>> import autograd
    >>> autograd.zeros(2, 3, 4).permute(2, 0, 1).shape
    Size([4, 2, 3])
    """
    x, wanted = as_tensor(input), ints(order, dims)
    axes = tuple(axis_of(d, x._data.ndim) for d in wanted)
    if sorted(axes) != list(range(x._data.ndim)):
        raise RuntimeError(
            f"permute: dims {wanted} are no order of the {x._data.ndim} dimensions of "
            f"{described(x)}"
        )
    return Permute.apply(x, axes)


@public(aliases=("swapdims",))
def transpose(input: Any, dim0: int, dim1: int) -> Tensor:
    """Swaps two dimensions. A view.

    >>> import autograd
    >>> autograd.zeros(2, 3, 4).transpose(0, 2).shape
    Size([4, 3, 2])
    """
    x = as_tensor(input)
    a, b = axis_of(dim0, x._data.ndim), axis_of(dim1, x._data.ndim)
    axes = list(range(x._data.ndim))
    if axes:
        axes[a], axes[b] = axes[b], axes[a]
    return Permute.apply(x, tuple(axes))


@public(numpy=np.swapaxes)
def swapaxes(input: Any, axis0: int, axis1: int) -> Tensor:
    """Swaps two dimensions, as `transpose` does. A view.

    >>> import autograd
    >>> autograd.zeros(2, 3).swapaxes(0, 1).shape
    Size([3, 2])
    """
    return transpose(input, axis0, axis1)


@public()
def t(input: Any) -> Tensor:
    """The transpose of a matrix (tensors of fewer dimensions as they are). A view.

    >>> import autograd
    >>> autograd.zeros(2, 3).t().shape
    Size([3, 2])
    """
    x = as_tensor(input)
    if x._data.ndim > 2:
        raise RuntimeError(f"t: expected at most 2 dimensions, got {x._data.ndim}; use transpose")
    return Permute.apply(x, tuple(range(x._data.ndim))[::-1])


@public(numpy=np.matrix_transpose)
def adjoint(input: Any) -> Tensor:
    """The last two dimensions swapped; the same as `mT`, since all tensors are real. A view.

    >>> import autograd
    >>> autograd.zeros(4, 2, 3).adjoint().shape
    Size([4, 3, 2])
    """
    x = as_tensor(input)
    if x._data.ndim == 1:
        raise RuntimeError(f"adjoint: expected a matrix or a batch of matrices, got {described(x)}")
    return transpose(x, -2, -1) if x._data.ndim else Permute.apply(x, ())


@public(aliases=("moveaxis",), numpy=np.moveaxis)
def movedim(input: Any, source: Any, destination: Any) -> Tensor:
    """Moves dimensions to other places; the others keep their order. A view.

    >>> import autograd
    >>> autograd.zeros(2, 3, 4).movedim(0, -1).shape
    Size([3, 4, 2])
    """
    x = as_tensor(input)
    ndim = x._data.ndim
    origins = [axis_of(d, ndim) for d in ints((source,))]
    targets = [axis_of(d, ndim) for d in ints((destination,))]
    if len(origins) != len(targets) or any(len(set(d)) < len(d) for d in (origins, targets)):
        raise RuntimeError(f"movedim: source {source} and destination {destination} do not match")
    if ndim == 0:
        return Permute.apply(x, ())
    order = [i for i in range(ndim) if i not in origins]
    for target, origin in sorted(zip(targets, origins, strict=True)):
        order.insert(target, origin)
    return Permute.apply(x, tuple(order))
