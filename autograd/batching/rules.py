"""What NumPy's functions do with Batched arrays: mostly the same one dimension further on.

A rule gets the level and the function's own arguments, and says NotImplemented where it does not
apply. A function without a rule is called for one element of the batch after the other.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from .array import (
    WRITING,
    Batched,
    Level,
    NotBatchable,
    aligned,
    element,
    everywhere,
    hidden,
    highest,
    joined,
    levels_in,
    rewrapped,
    whole,
)

RULES: dict[Any, Callable[..., Any]] = {}


def for_each(level: Level, function: Any, args: Any, kwargs: Any) -> Any:
    """The function called for one element of the batch after the other."""
    targets = kwargs.get("out") or (args[0] if function in _WRITING else ())
    for target in targets if isinstance(targets, tuple) else (targets,):
        if target is not None and hidden(target, level) is None:
            raise NotBatchable(WRITING)  # all elements would be written to one place
    calls = (element((args, kwargs), level, i) for i in range(level.size))
    return joined(level, [function(*a, **k) for a, k in calls])


_WRITING = (np.copyto, np.fill_diagonal, np.place, np.put, np.put_along_axis, np.putmask)


def _rule(*functions: Any) -> Callable[[Any], Any]:
    def register(rule: Any) -> Any:
        for function in functions:
            RULES[function] = rule
        return rule

    return register


def _each(rule_of: Callable[..., Any], *functions: Any) -> None:
    for function in functions:
        rule_of(function)


# Elementwise --------------------------------------------------------------------------------


def _broadcasting(function: Any) -> None:
    @_rule(function)
    def rule(level: Level, *args: Any, **kwargs: Any) -> Any:
        if any(levels_in(kwargs)) or any(a is None for a in args):
            return NotImplemented
        ndim = max([getattr(a, "ndim", 0) for a in args])
        return Batched(function(*[aligned(a, level, ndim) for a in args], **kwargs), level)


_each(_broadcasting, np.where, np.clip, np.isclose)


def _same_shape(function: Any) -> None:
    """Of one array, whose dimensions do not matter, or only the last ones."""

    @_rule(function)
    def rule(level: Level, a: Any, *args: Any, **kwargs: Any) -> Any:
        value = hidden(a, level)
        if value is None or any(levels_in((args, kwargs))):
            return NotImplemented
        return rewrapped(function(value, *args, **kwargs), level)


_each(_same_shape, np.copy, np.nan_to_num, np.round, np.around, np.sinc, np.real, np.fix, np.i0)


def _filled(function: Any) -> None:
    @_rule(function)
    def rule(level: Level, a: Any, *args: Any, shape: Any = None, **kwargs: Any) -> Any:
        value = hidden(a, level)
        if value is None or any(levels_in((args, kwargs))):
            return NotImplemented
        sizes = (level.size, *(a.shape if shape is None else shape))
        return Batched(function(value, *args, shape=sizes, **kwargs), level)


_each(_filled, np.zeros_like, np.ones_like, np.empty_like, np.full_like)


# Along dimensions ---------------------------------------------------------------------------


def _shifted(axis: Any, ndim: int) -> Any:
    """Dimensions of an element as dimensions of the whole batch."""
    if isinstance(axis, (tuple, list)):
        return tuple(_shifted(a, ndim) for a in axis)
    if not -ndim <= axis < ndim:
        raise np.exceptions.AxisError(axis, ndim)
    return axis % ndim + 1


def _reduction(function: Any) -> None:
    """Over some dimensions, or all of them."""

    @_rule(function)
    def rule(level: Level, a: Any, axis: Any = None, *args: Any, **kwargs: Any) -> Any:
        value = hidden(a, level)
        if value is None or kwargs.get("out") is not None or any(levels_in((args, kwargs))):
            return NotImplemented
        axes = range(a.ndim) if axis is None else axis
        found = _shifted(tuple(axes) if axis is None else axes, a.ndim)
        return Batched(function(value, found, *args, **kwargs), level)


_each(_reduction, np.sum, np.prod, np.mean, np.max, np.min, np.any, np.all, np.var, np.std)
_each(_reduction, np.count_nonzero, np.nansum, np.nanmax, np.nanmin, np.nanmean, np.median)


def _scan(axis_at: int, default: Any, function: Any) -> None:
    """Along one dimension, or along all elements in one dimension."""

    @_rule(function)
    def rule(level: Level, a: Any, *args: Any, **kwargs: Any) -> Any:
        value = hidden(a, level)
        given = list(args)
        axis = kwargs.pop("axis", default)
        if len(given) >= axis_at:
            axis = given.pop(axis_at - 1)
        if value is None or kwargs.get("out") is not None or any(levels_in((given, kwargs))):
            return NotImplemented
        if axis is None:
            value, axis = value.reshape(level.size, -1), 1
        else:
            axis = _shifted(axis, a.ndim)
        return Batched(function(value, *given, axis=axis, **kwargs), level)


_each(partial(_scan, 1, None), np.argmax, np.argmin, np.cumsum, np.cumprod, np.nancumsum)
_each(partial(_scan, 1, -1), np.sort, np.argsort)
_each(partial(_scan, 2, None), np.repeat)
_each(partial(_scan, 2, -1), np.diff, np.partition, np.argpartition)


@_rule(np.take)
def _take(level: Level, a: Any, indices: Any, axis: Any = None, *args: Any, **kwargs: Any) -> Any:
    value = hidden(a, level)
    if value is not None and hidden(indices, level) is None:
        whole = value.reshape(level.size, -1) if axis is None else value
        axis = 1 if axis is None else _shifted(axis, a.ndim)
        return Batched(np.take(whole, indices, axis, *args, **kwargs), level)
    if args or kwargs:
        return NotImplemented
    from .indexing import select

    a = a.reshape(-1) if axis is None else a
    return select(a, (*(slice(None),) * ((axis or 0) % a.ndim), indices))


@_rule(np.take_along_axis)
def _take_along_axis(level: Level, arr: Any, indices: Any, axis: Any = -1) -> Any:
    if axis is None:
        return NotImplemented
    values = everywhere(arr, level), everywhere(indices, level)
    return Batched(np.take_along_axis(*values, _shifted(axis, arr.ndim)), level)


# Shapes -------------------------------------------------------------------------------------


@_rule(np.reshape)
def _reshape(level: Level, a: Any, /, shape: Any, *args: Any, **kwargs: Any) -> Any:
    return a.reshape(shape, *args, **kwargs)


@_rule(np.ravel)
def _ravel(level: Level, a: Any, order: str = "C") -> Any:
    return a.reshape(-1, order=order)


@_rule(np.transpose)
def _transpose(level: Level, a: Any, axes: Any = None) -> Any:
    return a.transpose(axes)


@_rule(np.swapaxes)
def _swapaxes(level: Level, a: Any, axis1: int, axis2: int) -> Any:
    axes = _shifted((axis1, axis2), a.ndim)
    return Batched(np.swapaxes(hidden(a, level), *axes), level)


@_rule(np.moveaxis)
def _moveaxis(level: Level, a: Any, source: Any, destination: Any) -> Any:
    places = _shifted(source, a.ndim), _shifted(destination, a.ndim)
    return Batched(np.moveaxis(hidden(a, level), *places), level)


@_rule(np.expand_dims)
def _expand_dims(level: Level, a: Any, axis: Any) -> Any:
    axes = axis if isinstance(axis, (tuple, list)) else (axis,)
    return Batched(np.expand_dims(a.value, _shifted(axes, a.ndim + len(axes))), level)


@_rule(np.squeeze)
def _squeeze(level: Level, a: Any, axis: Any = None) -> Any:
    axes = [i for i, n in enumerate(a.shape) if n == 1] if axis is None else axis
    return Batched(np.squeeze(a.value, _shifted(axes, a.ndim)), level)


@_rule(np.broadcast_to)
def _broadcast_to(level: Level, array: Any, shape: Any) -> Any:
    sizes = tuple(shape) if isinstance(shape, (tuple, list)) else (shape,)
    value = aligned(array, level, max(len(sizes), array.ndim))
    return Batched(np.broadcast_to(value, (level.size, *sizes)), level)


@_rule(np.flip)
def _flip(level: Level, m: Any, axis: Any = None) -> Any:
    axes = tuple(range(m.ndim)) if axis is None else axis
    return Batched(np.flip(m.value, _shifted(axes, m.ndim)), level)


@_rule(np.roll)
def _roll(level: Level, a: Any, shift: Any, axis: Any = None) -> Any:
    if axis is None:
        return _roll(level, a.reshape(-1), shift, 0).reshape(a.shape)
    return Batched(np.roll(a.value, shift, _shifted(axis, a.ndim)), level)


@_rule(np.concatenate)
def _concatenate(level: Level, arrays: Any, axis: Any = 0, **kwargs: Any) -> Any:
    if axis is None or kwargs.get("out") is not None:
        return NotImplemented
    values = [everywhere(a, level) for a in arrays]
    axis = _shifted(axis, values[0].ndim - 1)
    return Batched(np.concatenate(values, axis, **kwargs), level)


@_rule(np.stack)
def _stack(level: Level, arrays: Any, axis: int = 0, **kwargs: Any) -> Any:
    values = [everywhere(a, level) for a in arrays]
    return Batched(np.stack(values, _shifted(axis, values[0].ndim), **kwargs), level)


@_rule(np.diagonal)
def _diagonal(level: Level, a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    axes = _shifted((axis1, axis2), a.ndim)
    return Batched(np.diagonal(a.value, offset, *axes), level)


@_rule(np.shape)
def _shape(level: Level, a: Any) -> Any:
    return a.shape if isinstance(a, np.ndarray) else NotImplemented


@_rule(np.ndim)
def _ndim(level: Level, a: Any) -> Any:
    return a.ndim if isinstance(a, np.ndarray) else NotImplemented


@_rule(np.may_share_memory, np.shares_memory)
def _may_share_memory(level: Level, a: Any, b: Any, max_work: Any = None) -> bool:
    return np.may_share_memory(whole(a), whole(b))


@_rule(np.result_type)
def _result_type(level: Level, *args: Any) -> Any:
    return np.result_type(*[a.dtype if isinstance(a, np.ndarray) else a for a in args])


# Matrices -----------------------------------------------------------------------------------


def _of_matrices(function: Any) -> None:
    """Of batches of matrices in the last two dimensions."""

    @_rule(function)
    def rule(level: Level, a: Any, *args: Any, **kwargs: Any) -> Any:
        value = hidden(a, level)
        if value is None or a.ndim < 2 or any(levels_in((args, kwargs))):
            return NotImplemented
        return rewrapped(function(value, *args, **kwargs), level)


_each(_of_matrices, np.tril, np.triu, np.matrix_transpose, np.linalg.inv, np.linalg.det)
_each(_of_matrices, np.linalg.slogdet, np.linalg.cholesky, np.linalg.qr, np.linalg.svd)
_each(_of_matrices, np.linalg.eigh, np.linalg.eigvalsh, np.linalg.pinv, np.linalg.matrix_power)


@_rule(np.linalg.solve)
def _solve(level: Level, a: Any, b: Any) -> Any:
    if b.ndim < 2:  # one vector, which beside a batch of matrices NumPy takes for a matrix
        return _solve(level, a, b[..., None])[..., 0]
    ndim = max(a.ndim, b.ndim)
    return Batched(np.linalg.solve(aligned(a, level, ndim), aligned(b, level, ndim)), level)


def ufunc_method(ufunc: Any, method: str, inputs: Any, kwargs: dict[str, Any]) -> Any:
    """`np.add.reduce` and the like, and the ufuncs that are not elementwise."""
    level = highest((inputs, *kwargs.values()))
    value = hidden(inputs[0], level)
    if method == "__call__" and ufunc is np.matmul and not kwargs:
        return _matmul(level, *inputs)
    function = ufunc if method == "__call__" else getattr(ufunc, method)
    lone = value is not None and not any(levels_in((inputs[1:], kwargs)))
    if method in ("reduce", "accumulate", "reduceat") and lone and "out" not in kwargs:
        axis = kwargs.pop("axis", 0)
        axes = tuple(range(inputs[0].ndim)) if axis is None else axis
        kwargs["axis"] = _shifted(axes, inputs[0].ndim)
        return Batched(function(value, *inputs[1:], **kwargs), level)
    if method == "at" and value is None:
        raise NotBatchable(WRITING)
    if method == "__call__" and ufunc.nin == 1 and lone:
        return rewrapped(function(value, **kwargs), level)
    return for_each(level, function, inputs, kwargs)


def _matmul(level: Level, x: Any, y: Any) -> Any:
    if x.ndim == 1:
        product = _matmul(level, x[None], y)
        return product[..., 0, :] if y.ndim > 1 else product[..., 0]
    if y.ndim == 1:
        return _matmul(level, x, y[:, None])[..., 0]
    if x.ndim == y.ndim == 2:
        # One factor for all: one large product instead of many small ones.
        if hidden(y, level) is None:
            rows = x.value.reshape(-1, x.shape[1]) @ y
            return Batched(rows.reshape(level.size, x.shape[0], y.shape[1]), level)
        if hidden(x, level) is None:
            columns = np.moveaxis(y.value, 0, 1).reshape(y.shape[0], -1)
            product = (x @ columns).reshape(x.shape[0], level.size, y.shape[1])
            return Batched(np.moveaxis(product, 1, 0), level)
        if x.shape[1] == 1:  # an outer product
            return Batched(x.value * y.value, level)
    ndim = max(x.ndim, y.ndim)
    return Batched(aligned(x, level, ndim) @ aligned(y, level, ndim), level)
