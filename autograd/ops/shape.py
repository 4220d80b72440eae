"""Shapes: views where NumPy can make them, joining and splitting. Gradients undo the change."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..axes import axes_of, axis_of
from ..creation import as_tensor
from ..dtypes import as_dtype
from ..function import Op
from ..registry import public
from ..tensor import Tensor


def ints(args: tuple[Any, ...]) -> tuple[int, ...]:
    """Sizes or dimensions given as `f(1, 2)` or `f((1, 2))`."""
    if len(args) == 1 and isinstance(args[0], (tuple, list)):
        args = tuple(args[0])
    return tuple(int(a) for a in args)


class Reshape(Op):
    view = True
    backward = {"x": lambda g, ctx: g.reshape(ctx.input_shape)}
    formula = {"x": "g in the shape of x"}

    def forward(ctx, x, shape):  # type: ignore[no-untyped-def]
        ctx.input_shape = x.shape
        return x.reshape(shape)


@public(op=Reshape)
def reshape(input: Any, *shape: Any) -> Tensor:
    """The same elements in another shape; one size may be -1. A view where possible.

    >>> import autograd
    >>> autograd.arange(6).reshape(2, -1)
    tensor([[0, 1, 2],
            [3, 4, 5]])
    """
    x, sizes = as_tensor(input), ints(shape)
    return Reshape.apply(x, _inferred(sizes, x._data.shape))


def _inferred(sizes: tuple[int, ...], old: tuple[int, ...]) -> tuple[int, ...]:
    """`sizes` with a -1 replaced by what is left."""
    total, known = math.prod(old), math.prod(n for n in sizes if n != -1)
    if sizes.count(-1) > 1 or any(n < -1 for n in sizes):
        raise RuntimeError(f"reshape: only one size can be left to infer (-1), got {sizes}")
    if -1 in sizes:
        if known == 0 or total % known:
            raise RuntimeError(f"reshape: shape {sizes} is invalid for a tensor of shape {old}")
        return tuple(total // known if n == -1 else n for n in sizes)
    if known != total:
        raise RuntimeError(f"reshape: shape {sizes} is invalid for a tensor of shape {old}")
    return sizes


@public()
def view(input: Tensor, *shape: Any) -> Tensor:
    """Like `reshape`, but never copies: an error where the memory layout does not allow it.

    >>> import autograd
    >>> autograd.arange(6).view(3, 2).shape
    Size([3, 2])
    """
    sizes = _inferred(ints(shape), input._data.shape)
    try:
        input._data.reshape(sizes, copy=False)
    except ValueError as error:
        raise RuntimeError(
            f"view: the memory layout of this tensor of shape {tuple(input.shape)} has no view of "
            f"shape {sizes}; use .reshape(...), which copies where it must"
        ) from error
    return Reshape.apply(input, sizes)


@public(aliases=("ravel",))
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
    return Reshape.apply(
        x, (*shape[:first], math.prod(shape[first : last + 1]), *shape[last + 1 :])
    )


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


class Permute(Op):
    view = True
    backward = {"x": lambda g, axes: g.transpose(_inverse(axes))
                if isinstance(g, np.ndarray) else Permute.apply(g, _inverse(axes))}
    formula = {"x": "g with the dimensions back in place"}

    def forward(x, axes):  # type: ignore[no-untyped-def]
        return x.transpose(axes)


def _inverse(axes: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(sorted(range(len(axes)), key=axes.__getitem__))


@public(op=Permute)
def permute(input: Any, *dims: Any) -> Tensor:
    """The dimensions in the order `dims`. A view.

    >>> import autograd
    >>> autograd.zeros(2, 3, 4).permute(2, 0, 1).shape
    Size([4, 2, 3])
    """
    x, ndim = as_tensor(input), as_tensor(input)._data.ndim
    axes = tuple(axis_of(d, ndim) for d in ints(dims))
    if sorted(axes) != list(range(ndim)):
        raise RuntimeError(f"permute: dims {ints(dims)} are no order of the {ndim} dimensions")
    return Permute.apply(x, axes)


@public(aliases=("swapaxes", "swapdims"))
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
    return transpose(x, 0, 1) if x._data.ndim == 2 else Permute.apply(x, tuple(range(x._data.ndim)))


@public(aliases=("moveaxis",))
def movedim(input: Any, source: Any, destination: Any) -> Tensor:
    """Moves dimensions to other places; the others keep their order. A view.

    >>> import autograd
    >>> autograd.zeros(2, 3, 4).movedim(0, -1).shape
    Size([3, 4, 2])
    """
    x = as_tensor(input)
    ndim = x._data.ndim
    one = not isinstance(source, (tuple, list))
    origins = [axis_of(d, ndim) for d in ((source,) if one else source)]
    targets = [axis_of(d, ndim) for d in ((destination,) if one else destination)]
    if len(origins) != len(targets) or len(set(origins)) < len(origins) or len(set(targets)) < len(targets):
        raise RuntimeError(f"movedim: source {source} and destination {destination} do not match")
    order = [i for i in range(ndim) if i not in origins]
    for target, origin in sorted(zip(targets, origins, strict=True)):
        order.insert(target, origin)
    return Permute.apply(x, tuple(order))


class Expand(Op):
    op_name, view = "broadcast_to", True
    backward = {"x": lambda g: g}  # the engine sums what broadcasting added
    formula = {"x": "g summed over the expanded dimensions"}

    def forward(x, shape):  # type: ignore[no-untyped-def]
        return np.broadcast_to(x, shape)


@public(op=Expand)
def broadcast_to(input: Any, size: Any) -> Tensor:
    """`input` repeated to `size` without a copy, by the rules of broadcasting. A view.

    >>> import autograd
    >>> autograd.tensor([1.0, 2.0]).broadcast_to((2, 2))
    tensor([[1., 2.],
            [1., 2.]])
    """
    return expand(input, *size)


@public()
def expand(input: Any, *sizes: Any) -> Tensor:
    """Like `broadcast_to`; -1 keeps a size.

    >>> import autograd
    >>> autograd.tensor([[1.0], [2.0]]).expand(-1, 3).shape
    Size([2, 3])
    """
    x, wanted = as_tensor(input), ints(sizes)
    extra = len(wanted) - x._data.ndim
    shape = tuple(
        x._data.shape[i - extra] if n == -1 and i >= extra else n for i, n in enumerate(wanted)
    )
    return Expand.apply(x, shape)


class Clone(Op):
    backward = {"x": lambda g: g}
    formula = {"x": "g"}

    def forward(x):  # type: ignore[no-untyped-def]
        return x.copy(order="K")


@public(numpy=np.copy, op=Clone)
def clone(input: Any, *, memory_format: Any = None) -> Tensor:
    """A copy that stays in the graph.

    >>> import autograd
    >>> autograd.tensor([1.0]).clone()
    tensor([1.])
    """
    return Clone.apply(input)


class To(Op):
    symbol = "to"
    backward = {"x": lambda g: g}  # the engine gives a gradient the dtype of what it is for
    formula = {"x": "g in the dtype of x"}

    def forward(x, dtype):  # type: ignore[no-untyped-def]
        with np.errstate(all="ignore"):
            return x.astype(dtype)


@public("type_as")
def type_as(input: Tensor, other: Tensor) -> Tensor:
    """`input` in the dtype of `other`."""
    return to(input, other.dtype)


@public(op=To)
def to(input: Tensor, *args: Any, dtype: Any = None, device: Any = None, copy: bool = False,
       non_blocking: bool = False) -> Tensor:
    """The tensor in another dtype: `x.to(dtype)`, `x.to("cpu")`, `x.to("cpu", dtype)`, `x.to(y)`.

    Returns `input` itself where nothing changes, unless `copy`.

    >>> import autograd
    >>> autograd.tensor([1.9]).to(autograd.int64)
    tensor([1])
    """
    from ..creation import check_device

    for argument in args:
        if isinstance(argument, Tensor):
            dtype = argument.dtype
        elif isinstance(argument, str) and not _is_dtype_name(argument) or hasattr(argument, "type"):
            if isinstance(argument, np.dtype) or isinstance(argument, type):
                dtype = argument
            else:
                device = argument
        elif isinstance(argument, bool):
            copy = copy or argument
        elif argument is not None:
            dtype = argument
    check_device(device)
    wanted = input.dtype if dtype is None else as_dtype(dtype)
    if wanted == input.dtype:
        return clone(input) if copy else input
    return To.apply(input, wanted)


def _is_dtype_name(text: str) -> bool:
    try:
        np.dtype(text)
    except TypeError:
        return False
    return True


class Cat(Op):
    backward = {"xs": lambda g, ctx, axis: _split(g, ctx.sizes, axis)}
    formula = {"xs": "the part of g that came from each"}

    def forward(ctx, axis, *xs):  # type: ignore[no-untyped-def]
        ctx.sizes = [x.shape[axis] for x in xs]
        return np.concatenate(xs, axis)


def _split(g: Any, sizes: list[int], axis: int) -> list[Any]:
    parts, start = [], 0
    for size in sizes:
        parts.append(g[(slice(None),) * axis + (slice(start, start + size),)])
        start += size
    return parts


def _same_dtype(tensors: Any, name: str) -> list[Tensor]:
    from ..dtypes import promote_types

    xs = [as_tensor(x) for x in tensors]
    if not xs:
        raise RuntimeError(f"{name}: expected a non-empty sequence of tensors")
    dtype = xs[0].dtype
    for x in xs[1:]:
        dtype = promote_types(dtype, x.dtype)
    return [to(x, dtype) for x in xs]


@public(method=False, aliases=("concat", "concatenate"), op=Cat)
def cat(tensors: Any, dim: int = 0) -> Tensor:
    """Joins tensors along an existing dimension.

    >>> import autograd
    >>> autograd.cat([autograd.tensor([1.0]), autograd.tensor([2.0, 3.0])])
    tensor([1., 2., 3.])
    """
    xs = _same_dtype(tensors, "cat")
    # PyTorch skips empty 1-d tensors, whatever the shape of the others.
    kept = [x for x in xs if x._data.shape != (0,)] or xs[:1]
    axis = axis_of(dim, kept[0]._data.ndim)
    first = kept[0]._data.shape
    for x in kept:
        if len(x.shape) != len(first) or x._data.ndim == 0 or any(
            a != b for i, (a, b) in enumerate(zip(x._data.shape, first, strict=True)) if i != axis
        ):
            raise RuntimeError(
                f"cat: sizes must match except along dim {axis}, got "
                f"{', '.join(str(tuple(x.shape)) for x in kept)}; use stack for a new dimension"
            )
    return Cat.apply(axis, *kept)


class Stack(Op):
    backward = {"xs": lambda g, axis: [g[(slice(None),) * axis + (i,)] for i in range(g.shape[axis])]}
    formula = {"xs": "the part of g that came from each"}

    def forward(axis, *xs):  # type: ignore[no-untyped-def]
        return np.stack(xs, axis)


@public(method=False, op=Stack)
def stack(tensors: Any, dim: int = 0) -> Tensor:
    """Joins tensors of one shape along a new dimension.

    >>> import autograd
    >>> autograd.stack([autograd.tensor([1.0, 2.0]), autograd.tensor([3.0, 4.0])]).shape
    Size([2, 2])
    """
    xs = _same_dtype(tensors, "stack")
    if any(x._data.shape != xs[0]._data.shape for x in xs):
        raise RuntimeError(
            f"stack: all tensors must have one shape, got "
            f"{', '.join(str(tuple(x.shape)) for x in xs)}"
        )
    return Stack.apply(axis_of(dim, xs[0]._data.ndim + 1), *xs)


class Unbind(Op):
    view = True
    backward = {"x": lambda g, ctx, axis: Stack.call(axis, *_filled(g, ctx.part))}
    formula = {"x": "the gradients of the parts, stacked"}

    def forward(ctx, x, axis):  # type: ignore[no-untyped-def]
        moved = np.moveaxis(x, axis, 0)
        ctx.part = np.zeros(moved.shape[1:], x.dtype)
        return tuple(moved[i : i + 1].reshape(moved.shape[1:]) if moved.ndim == 1 else moved[i]
                     for i in range(len(moved)))


def _filled(gradients: list[Any], zero: Any) -> list[Any]:
    """Zeros for the results that no gradient reached."""
    return [zero if g is None else g for g in gradients]


@public(op=Unbind)
def unbind(input: Any, dim: int = 0) -> tuple[Tensor, ...]:
    """The slices along `dim`. Views.

    >>> import autograd
    >>> autograd.tensor([[1, 2], [3, 4]]).unbind(1)
    (tensor([1, 3]), tensor([2, 4]))
    """
    x = as_tensor(input)
    if x._data.ndim == 0:
        raise RuntimeError("unbind: a 0-d tensor has no dimension to unbind")
    return Unbind.apply(x, axis_of(dim, x._data.ndim))


class Flip(Op):
    numpy = np.flip
    backward = {"x": lambda g, axes: np.flip(g, axes)}
    formula = {"x": "g flipped back"}

    def forward(x, axes):  # type: ignore[no-untyped-def]
        return np.flip(x, axes).copy()


@public(op=Flip, numpy=np.flip)
def flip(input: Any, *dims: Any) -> Tensor:
    """Reverses the order along `dims`.

    >>> import autograd
    >>> autograd.tensor([1, 2, 3]).flip(0)
    tensor([3, 2, 1])
    """
    x = as_tensor(input)
    return Flip.apply(x, axes_of(ints(dims), x._data.ndim, "flip"))
