"""In-place changes under autograd, as PyTorch defines them.

An in-place operation computes its out-of-place result, writes it to the tensor's memory and takes
over its history. When the tensor is a view, its base's history is what is rewritten (`CopySlices`);
the base's other views take it up when they are next used (`Tensor._follow_base`).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .dtypes import can_cast
from .errors import ShapeError, described
from .function import Op, _new, _next_sequence
from .grad_mode import mode
from .tensor import Tensor, wrap


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
            f"{name}: {described(x)} is a view made under no_grad or by an operation with several "
            "results; changing it in place would lose gradients. Change the base instead, for "
            "example with x[index] = value"
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
    edge = result._edge
    if result.dtype != x.dtype and edge is not None:
        edge = result.to(x.dtype)._edge  # type: ignore[attr-defined]
    _write(x, ..., result._data, name)
    if mode.grad and (edge is not None or x._edge is not None):
        if x._base is None:
            _adopt(x, edge)
        else:
            _rewrite_base(x, wrap(result._data, edge))
    return x


def _write(x: Tensor, index: Any, values: Any, name: str) -> None:
    if not x._data.flags.writeable:
        raise RuntimeError(
            f"{name}: several elements of {described(x)} share one place in memory (it was "
            "expanded); call .clone() before changing it in place"
        )
    x._data[index] = values
    x._versions().n += 1


def _adopt(x: Tensor, edge: Any) -> None:
    """`x` is now the result of `edge`; its views must follow."""
    x._edge = edge
    x._epoch += 1


def _rewrite_base(view: Tensor, values: Tensor) -> None:
    """Records on the base of `view` that the part it shows is now `values`."""
    base = view._base
    assert base is not None
    _adopt(base, CopySlices.record(base, values, view._view))
    view._follow_base()


class CopySlices(Op):
    """A base after one of its views was overwritten: gradients split between the two."""

    def forward(x, y, chain):  # type: ignore[no-untyped-def]
        out = x.copy()
        _replayed(out, chain)[...] = y
        return out

    backward = {
        "x": lambda g, chain: np.where(_outside(g, chain), g, 0.0),
        "y": lambda g, chain: _replayed(g, chain),
    }
    formula = {"x": "g outside the view, 0 inside", "y": "the view of g"}

    @classmethod
    def record(cls, base: Tensor, values: Tensor, chain: Any) -> CopySlices:
        """The node alone, for memory that has been written to already."""
        node = _new(cls)
        node.edges = (base._edge, values._edge, None)
        node.args = (None, None, chain, None)
        node.shape, node.dtype = base._data.shape, base._data.dtype
        node.sequence = _next_sequence()
        return node


def _replayed(x: Any, chain: Any) -> Any:
    """The view of `x` that `chain` describes, for an ndarray or a Tensor."""
    for op, args in chain:
        x = op.call(x, *args)
    return x


def _outside(g: Any, chain: Any) -> Any:
    """True where the view does not reach."""
    mask = np.ones(g.shape, np.bool_)
    view = _replayed(mask, chain)
    if np.may_share_memory(view, mask):
        view[...] = False
    else:  # the base lay otherwise in memory: in C order, a reshape on the way has to copy
        mask.flat[_replayed(np.arange(g.size).reshape(g.shape), chain)] = False
    return mask
