"""NumPy's functions about shapes, joining and indexing, where its arguments differ from ours.

Arguments that would change the meaning and have no counterpart (`order="K"`, `mode="wrap"`) are
errors, never ignored.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from typing import Any

import numpy as np

from .creation import as_tensor, full
from .ops.broadcast import broadcast_tensors, expand
from .ops.convert import clone, to
from .ops.indexing import GetItem, index_select, take, take_along_dim
from .ops.joining import cat, column_stack, dstack, hstack, meshgrid, stack, vstack
from .ops.matrix import diag, diagonal, tril, triu
from .ops.rearrange import flip, repeat_interleave, roll, rot90, tile
from .ops.shape import movedim, permute, reshape, squeeze, transpose, unsqueeze
from .ops.splitting import evenly, tensor_split
from .ops.where import where
from .tensor import Tensor


def all_or_given(x: Any, axis: Any) -> tuple[int, ...]:
    """NumPy's `axis` (None, a number or several) as a tuple."""
    return tuple(range(x.ndim)) if axis is None else tuple(np.ravel(axis).tolist())


def _reversed(x: Any) -> Tensor:
    x = as_tensor(x)
    return permute(x, tuple(range(x.ndim))[::-1])


def _transpose(a: Any, axes: Any = None) -> Tensor:
    return _reversed(a) if axes is None else permute(a, tuple(axes))


def _reshape(a: Any, /, shape: Any, order: str = "C", *, copy: bool | None = None) -> Tensor:
    sizes = shape if isinstance(shape, (tuple, list)) else (shape,)
    if order == "F":
        return _reversed(reshape(_reversed(a), tuple(sizes)[::-1]))
    if order != "C":
        raise TypeError(f"np.reshape: order must be 'C' or 'F' for Tensors, got {order!r}")
    return reshape(clone(a) if copy else a, tuple(sizes))


def _expand_dims(a: Any, axis: Any) -> Tensor:
    x = as_tensor(a)
    axes = np.ravel(axis).tolist()
    n = x.ndim + len(axes)
    return reduce(unsqueeze, sorted(i % n if -n <= i < n else i for i in axes), x)


def _rollaxis(a: Any, axis: int, start: int = 0) -> Tensor:
    order = np.rollaxis(np.empty(range(as_tensor(a).ndim)), axis, start).shape
    return permute(a, order)


def _with_dtype(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    def joined(xs: Any, axis: Any = 0, *, dtype: Any = None, casting: str = "same_kind") -> Tensor:
        result = function(xs, axis)
        return result if dtype is None else to(result, np.dtype(dtype))

    return joined


def _concatenate(xs: Any, axis: Any) -> Tensor:
    return cat([reshape(x, -1) for x in xs], 0) if axis is None else cat(xs, axis)


def _without_axis(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    def joined(tup: Any, *, dtype: Any = None, casting: str = "same_kind") -> Tensor:
        return _with_dtype(lambda xs, _: function(xs))(tup, dtype=dtype)

    return joined


def _split(ary: Any, indices_or_sections: Any, axis: int = 0) -> Any:
    return evenly(as_tensor(ary), indices_or_sections, axis, "np.split")


def _meshgrid(
    *xi: Any, copy: bool = True, sparse: bool = False, indexing: str = "xy"
) -> tuple[Tensor, ...]:
    if sparse:
        raise TypeError("np.meshgrid: sparse=True is not supported for Tensors; use x[:, None]")
    grids = meshgrid(*(reshape(x, -1) for x in xi), indexing=indexing)
    return tuple(map(clone, grids)) if copy else grids


def _take(a: Any, indices: Any, axis: Any = None, out: None = None, mode: str = "raise") -> Tensor:
    if out is not None or mode != "raise":
        raise TypeError("np.take: out= and mode= are not supported for Tensors")
    if axis is None:
        return take(a, indices)
    index = np.asarray(indices._data if isinstance(indices, Tensor) else indices)
    return GetItem.apply(as_tensor(a), (*(slice(None),) * (axis % a.ndim), index))


def _take_along_axis(arr: Any, indices: Any, axis: Any = -1) -> Tensor:
    return take_along_dim(arr, indices, axis)


def _delete(arr: Any, obj: Any, axis: Any = None) -> Tensor:
    x = reshape(arr, -1) if axis is None else as_tensor(arr)
    kept = np.delete(np.arange(x.shape[axis or 0]), obj)
    return index_select(x, axis or 0, kept)


def _compress(condition: Any, a: Any, axis: Any = None) -> Tensor:
    x = reshape(a, -1) if axis is None else as_tensor(a)
    return index_select(x, axis or 0, np.flatnonzero(as_tensor(condition)._data))


def _append(arr: Any, values: Any, axis: Any = None) -> Tensor:
    return _concatenate([as_tensor(arr), as_tensor(values)], axis)


def _select(condlist: Any, choicelist: Any, default: Any = 0) -> Tensor:
    pairs = list(zip(condlist, choicelist, strict=True))[::-1]
    return reduce(lambda rest, pair: where(pair[0], pair[1], rest), pairs, default)


def _pad(array: Any, pad_width: Any, mode: Any = "constant", constant_values: Any = 0) -> Tensor:
    x = as_tensor(array)
    widths = np.broadcast_to(pad_width, (x.ndim, 2)).tolist()
    values = np.broadcast_to(constant_values, (x.ndim, 2)).tolist()
    for axis, (both, fill) in enumerate(zip(widths, values, strict=True)):
        if not any(both):
            continue
        if mode == "constant":
            sizes = ((*x.shape[:axis], n, *x.shape[axis + 1 :]) for n in both)
            before, after = (full(s, v, dtype=x.dtype) for s, v in zip(sizes, fill, strict=True))
            x = cat([before, x, after], axis)
        elif mode in ("edge", "reflect", "symmetric", "wrap"):
            x = index_select(x, axis, np.pad(np.arange(x.shape[axis]), both, mode=mode))
        else:
            raise TypeError(f"np.pad: mode {mode!r} is not supported for Tensors")
    return x


def _insert(arr: Any, obj: Any, values: Any, axis: Any = None) -> Tensor:
    x = reshape(arr, -1) if axis is None else as_tensor(arr)
    dim, v = (axis or 0) % x.ndim, as_tensor(values)
    n = x.shape[dim]
    if np.ndim(obj) == 0 and v.ndim == x.ndim:
        obj = [obj] * v.shape[dim]
    count = max(np.size(obj), 1)
    order = np.insert(np.arange(n), obj, np.arange(n, n + count))
    added = expand(to(v, x.dtype), (*x.shape[:dim], count, *x.shape[dim + 1 :]))
    return index_select(cat([x, added], dim), dim, order)


def _block(arrays: Any) -> Tensor:
    def depth(xs: Any) -> int:
        return 1 + max(map(depth, xs)) if isinstance(xs, list) else 0

    def leaves(xs: Any) -> list[Any]:
        return [x for part in xs for x in leaves(part)] if isinstance(xs, list) else [xs]

    levels = depth(arrays)
    ndim = max([levels, *(as_tensor(x).ndim for x in leaves(arrays))])

    def joined(xs: Any, level: int) -> Tensor:
        if isinstance(xs, list):
            return cat([joined(x, level - 1) for x in xs], -level)
        x = as_tensor(xs)
        return reshape(x, ((1,) * (ndim - x.ndim) + tuple(x.shape)))

    return joined(arrays, levels)


def _choose(a: Any, choices: Any) -> Tensor:
    index = as_tensor(a)
    if not ((index >= 0) & (index < len(choices))).all():
        raise ValueError(f"np.choose: the indices must lie in [0, {len(choices)})")
    return _select([index == i for i in range(1, len(choices))], choices[1:], choices[0])


def _copyto(dst: Any, src: Any) -> None:
    if not isinstance(dst, Tensor):
        raise TypeError("np.copyto: the target must be a Tensor, or the graph is lost")
    dst.copy_(src)


def _trace(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Tensor:
    return diagonal(a, offset, axis1, axis2).sum(-1)


def _like(value: Any) -> Callable[..., Tensor]:
    def like(a: Any, dtype: Any = None, *, shape: Any = None, device: Any = None) -> Tensor:
        return _full_like(a, value, dtype, shape=shape)

    return like


def _full_like(
    a: Any, fill_value: Any, dtype: Any = None, *, shape: Any = None, device: Any = None
) -> Tensor:
    sizes = tuple(a.shape) if shape is None else shape
    return full(sizes, fill_value, dtype=a.dtype if dtype is None else dtype, device=device)


SHAPES: dict[Any, Callable[..., Any]] = {
    np.transpose: _transpose,
    np.reshape: _reshape,
    np.ravel: lambda a, order="C": _reshape(a, -1, order),
    np.squeeze: lambda a, axis=None: squeeze(a) if axis is None else squeeze(a, axis),
    np.expand_dims: _expand_dims,
    np.swapaxes: lambda a, axis1, axis2: transpose(a, axis1, axis2),
    np.moveaxis: movedim,
    np.rollaxis: _rollaxis,
    np.broadcast_to: lambda array, shape, subok=False: expand(array, shape),
    np.broadcast_arrays: lambda *args, subok=False: broadcast_tensors(*args),
    np.concatenate: _with_dtype(_concatenate),
    np.stack: _with_dtype(stack),
    np.hstack: _without_axis(hstack),
    np.vstack: _without_axis(vstack),
    np.dstack: _without_axis(dstack),
    np.column_stack: _without_axis(column_stack),
    np.append: _append,
    np.pad: _pad,
    np.insert: _insert,
    np.block: _block,
    np.choose: _choose,
    np.split: _split,
    np.array_split: lambda ary, indices_or_sections, axis=0: tensor_split(
        ary, indices_or_sections, axis
    ),
    np.meshgrid: _meshgrid,
    np.tile: lambda A, reps: tile(A, reps),
    np.repeat: lambda a, repeats, axis=None: repeat_interleave(a, as_tensor(repeats), axis),
    np.roll: lambda a, shift, axis=None: roll(a, shift, axis),
    np.rot90: lambda m, k=1, axes=(0, 1): rot90(m, k, axes),
    np.flip: lambda m, axis=None: flip(m, all_or_given(m, axis)),
    np.take: _take,
    np.take_along_axis: _take_along_axis,
    np.delete: _delete,
    np.compress: _compress,
    np.extract: lambda condition, arr: _compress(reshape(condition, -1), arr),
    np.select: _select,
    np.where: lambda condition, x=None, y=None: where(condition, x, y),
    np.diagonal: lambda a, offset=0, axis1=0, axis2=1: diagonal(a, offset, axis1, axis2),
    np.trace: _trace,
    np.diag: lambda v, k=0: diag(v, k),
    np.tril: lambda m, k=0: tril(m, k),
    np.triu: lambda m, k=0: triu(m, k),
    np.copyto: _copyto,
    np.zeros_like: _like(0),
    np.ones_like: _like(1),
    np.empty_like: _like(0),
    np.full_like: _full_like,
    np.shape: lambda a: tuple(a.shape),
    np.ndim: lambda a: a.ndim,
    np.size: lambda a, axis=None: a.numel() if axis is None else a.shape[axis],
}
