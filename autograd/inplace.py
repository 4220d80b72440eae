"""In-place changes under autograd, as PyTorch defines them.

An in-place operation computes its out-of-place result, writes it to the tensor's memory and takes
over its history. When the tensor is a view, its base's history is what is rewritten (`CopySlices`);
the base's other views take it up when they are next used (`Tensor._follow_base`).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from .batching.array import WRITING, Batched, NotBatchable, everywhere
from .batching.samples import is_batched
from .dtypes import can_cast
from .errors import ShapeError, described
from .function import Op, _new, _next_sequence, tell_watchers
from .grad_mode import mode
from .tensor import Tensor, wrap


def in_place(name: str, function: Callable[..., Any], x: Tensor, *args: Any, **kwargs: Any) -> Any:
    """Writes `function(x, ...)` to the memory of `x` and returns `x`."""
    check_in_place(x, name)
    given = (x, *args)
    if mode.grad and any(
        isinstance(a, Tensor) and a.requires_grad for a in (*given, *kwargs.values())
    ):
        # What the graph may save must survive the change.
        given = tuple(_snapshot(a, x) for a in given)
        kwargs = {k: _snapshot(a, x) for k, a in kwargs.items()}
    result = function(*given, **kwargs)
    return result if result is NotImplemented else assign(x, result, name)


def _snapshot(a: Any, x: Tensor) -> Any:
    """`a`, or a copy of it in the same place of the graph where it shares memory with `x`."""
    if isinstance(a, Tensor) and (a is x or np.may_share_memory(a._data, x._data)):
        a.requires_grad  # noqa: B018 (a view takes up its base's history)
        return wrap(a._data.copy(), a._edge)
    return a


def optionally(
    inplace: bool, name: str, function: Callable[..., Tensor], x: Tensor, *args: Any
) -> Tensor:
    """`function(x, *args)`, written to the memory of `x` if `inplace`."""
    return in_place(name + "_", function, x, *args) if inplace else function(x, *args)


def check_in_place(x: Tensor, name: str, source_requires_grad: bool = False) -> None:
    """Raises where writing to `x` would break the graph."""
    if not mode.grad:
        return
    base = x if x._base is None else x._base
    if base.is_leaf and base.requires_grad:
        what = "a leaf that requires grad" if x is base else "a view of a leaf that requires grad"
        raise RuntimeError(
            f"{name}: {described(x)} is {what}, so it cannot be changed in place; do it under "
            "autograd.no_grad() (as optimizers do), or use an out-of-place operation"
        )
    if x._base is not None and x._view is None and (base.requires_grad or source_requires_grad):
        raise RuntimeError(
            f"{name}: {described(x)} is a view made under no_grad, by an operation with several "
            "results or by a Function of your own; changing it in place would lose gradients. "
            "Change the base instead, for example with x[index] = value, or a clone()"
        )


def assign(x: Tensor, result: Tensor, name: str) -> Tensor:
    """Gives `x` the values and the history of `result`, and returns it."""
    check_in_place(x, name, result.requires_grad)
    if result._data.shape != x._data.shape:
        raise ShapeError(
            f"{name}: the result {described(result)} does not have the shape of the tensor it is "
            f"written to, {described(x)}"
        )
    if not can_cast(result.dtype, x.dtype):
        raise RuntimeError(
            f"{name}: the result has dtype {result.dtype}, which cannot be stored in the tensor "
            f"it is written to, {described(x)}"
        )
    if mode.grad and x.requires_grad and not result.requires_grad:
        result = Copy.apply(x, result)  # a constant; the old values still get a gradient, zeros
    edge = result._edge
    if result.dtype != x.dtype and edge is not None:
        edge = result.to(x.dtype)._edge
    write(x, ..., result._data, name)
    if mode.grad and edge is not None:
        adopt(x, edge)
    return x


def write(x: Tensor, index: Any, values: Any, name: str) -> None:
    """Writes to the memory of `x`, and counts it."""
    if not x._data.flags.writeable:
        raise RuntimeError(
            f"{name}: several elements of {described(x)} share one place in memory (it was "
            "expanded), or it shows a read-only array; call .clone() before changing it in place"
        )
    if mode.levels:
        check_place(x, index, values)
    x._data[index] = values
    x._versions().n += 1
    for watcher in mode.watchers:
        watcher.changed(x)


def check_place(x: Tensor, *values: Any) -> None:
    """Raises where what differs between the elements of a batch would be written to one place."""
    if type(x._data) is not Batched and is_batched(values):
        raise NotBatchable(WRITING)


def adopt(x: Tensor, edge: Any) -> None:
    """Makes `edge` the history of `x`, whose memory has been written; its views will follow."""
    base = x._base
    if base is not None:
        edge = CopySlices.record(base, wrap(x._data, edge), x._view)
        tell_watchers(edge, base)
    target = x if base is None else base
    target._edge = edge
    target._epoch += 1
    if base is not None:
        x._seen = -1
        x._follow_base()
    for t in (x,) if base is None else (base, x):
        if t._retained is not None:
            t._retain()


class Copy(Op):
    """A tensor after all of it was overwritten with `y`, which broadcasts."""

    public = False
    backward = {"x": lambda g: np.zeros_like(g), "y": lambda g: g}
    formula = {"x": "0", "y": "g"}

    def forward(x, y):
        with np.errstate(all="ignore"):
            return np.broadcast_to(y, x.shape).astype(x.dtype)


class CopySlices(Op):
    """A base after the view of it that `chain` describes was overwritten with `y`."""

    public = False
    backward = {
        "x": lambda g, chain: CopySlices.call(g, 0.0, chain),
        "y": lambda g, chain: _replayed(g, chain),
    }
    formula = {"x": "g, 0 in the view", "y": "the view of g"}

    def forward(x, y, chain):
        return _with_view(np.array(x, order="C"), y, chain)

    def batch(ctx, run, level, x, y, chain):
        return _with_view(Batched(np.array(everywhere(x, level), order="C"), level), y, chain)

    @classmethod
    def record(cls, base: Tensor, values: Tensor, chain: Any) -> CopySlices:
        """The node without the result, which is already in memory."""
        node = _new(cls)
        node.edges = (base._edge, values._edge, None)
        node.args = (None, None, chain, None)
        node.shape, node.dtype = base._data.shape, base._data.dtype
        node.sequence = _next_sequence()
        return node


def _with_view(out: Any, y: Any, chain: Any) -> Any:
    """`out` after its view was overwritten."""
    view = _replayed(out, chain)
    if np.may_share_memory(view, out):
        view[...] = y
    else:  # a reshape that was a view of the base can be a copy in another memory layout
        positions = np.arange(math.prod(out.shape)).reshape(out.shape)
        out.reshape(-1)[_replayed(positions, chain)] = y
    return out


def _replayed(x: Any, chain: Any) -> Any:
    """The view of `x` that `chain` describes, for an ndarray or a Tensor."""
    for op, args in chain:
        x = op.call(x, *args)
    return x
