"""What if a leaf had another value, or another gradient had arrived at a node.

For a leaf, the recorded operations run again on the new value (and on the same constants and random
numbers), which makes a second graph; for an upstream gradient, the same graph is passed through
again with that gradient put in. Nothing of the first pass is changed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..custom import FunctionNode
from ..engine import target_of
from ..errors import described
from ..function import Op
from ..grad_mode import enable_grad
from ..leaf import Leaf
from ..tensor import Tensor, wrap
from . import formula
from .forward import Forward, Variables, all_kept, origin_of

if TYPE_CHECKING:
    from .stepper import Stepper

FEW = 30


class WhatIf:
    """Two passes side by side.

    Attributes:
        stepper: the second pass, at its end, to be stepped as any other.
        changes: (what, before, after) for each root's value and each leaf's gradient that differs.
        same: the labels of the leaves whose gradients stay.
    """

    def __init__(self, first: Stepper, second: Stepper, assumption: str) -> None:
        self.stepper, self.assumption = second, assumption
        self.changes: list[tuple[str, Any, Any]] = []
        self.same: list[str] = []
        second.finish()
        first.backward.advance(len(first))
        one, two = first.forward, second.forward
        root = one.root_label()
        for a, b in zip(one.roots, two.roots, strict=True):
            self._compare(one.label(a._edge), a._data, b._data, False)
        for old, new in zip(one.leaves, two.leaves, strict=True):
            before = first.backward.gradient(old, len(first))
            after = second.backward.gradient(new, len(second))
            self._compare(f"∂{root}/∂{one.label(old)}", before, after, True)

    def _compare(self, what: str, before: Any, after: Any, gradient: bool) -> None:
        equal = before is after or (
            before is not None
            and after is not None
            and np.array_equal(before, after, equal_nan=True)
        )
        if not equal:
            self.changes.append((what, before, after))
        elif gradient:
            self.same.append(what.rpartition("∂")[2])

    def __str__(self) -> str:
        lines = [f"what if {self.assumption}:"]
        for what, before, after in self.changes[:FEW]:
            lines.append(f"  {what}: {_short(before)} → {_short(after)}")
        if len(self.changes) > FEW:
            lines.append(f"  and {len(self.changes) - FEW} more changes")
        if not self.changes:
            lines.append("  nothing changes")
        if self.same:
            lines.append(f"  the gradients of {', '.join(self.same[:FEW])} stay as they are")
        return "\n".join(lines)

    __repr__ = __str__


def _short(g: Any) -> str:
    return formula.NOTHING_YET if g is None else formula.summary(g)


def what_if(stepper: Stepper, values: dict[Any, Any], grad: dict[Any, Any]) -> WhatIf:
    """The pass with other values of leaves, or other upstream gradients of nodes."""
    from .stepper import Stepper

    if bool(values) == bool(grad):
        raise ValueError(
            "what_if: give either values of leaves, as in what_if({w: 2.0}), or gradients that "
            "arrive at nodes, as in what_if(grad={h: 1.0})"
        )
    chosen = {stepper.target(key): value for key, value in (values or grad).items()}
    forward = stepper.forward
    arrays = {t: _fitting(forward, t, value) for t, value in chosen.items()}
    for target in chosen:
        if (type(target) is Leaf) == bool(grad):
            raise ValueError(
                f"what_if: {forward.label(target)} is "
                + (
                    "a leaf: its gradient goes nowhere else, so change its value"
                    if grad
                    else "computed from others; change the value of a leaf, or with grad= the "
                    "gradient that arrives there"
                )
            )
    with stepper.restored():
        if grad:
            second = Stepper(
                forward.roots, stepper.seeds, forward.names, stepper.backward.keep, True
            )
            second.backward.overrides = arrays
            said = [
                f"∂{forward.root_label()}/∂{forward.label(t)} = {_short(a)}"
                for t, a in arrays.items()
            ]
        else:
            roots, names = _again(forward, arrays)
            second = Stepper(roots, stepper.seeds, names, stepper.backward.keep, True)
            said = [
                f"{forward.label(t)} = {_short(a)} (was {_short(forward.value(t))})"
                for t, a in arrays.items()
            ]
        return WhatIf(stepper, second, ", ".join(said))


def _fitting(forward: Forward, target: Any, value: Any) -> np.ndarray:
    """`value` as an array like the target's value and gradient."""
    data = value._data if isinstance(value, Tensor) else value
    try:
        array = np.array(data, dtype=target.dtype)
        if array.shape != tuple(target.shape):
            array = np.broadcast_to(array, tuple(target.shape)).copy()
    except (ValueError, TypeError):
        raise ValueError(
            f"what_if: {value!r:.60} does not fit {forward.label(target)}, which is "
            f"{described(target)}"
        ) from None
    return array


def _again(forward: Forward, arrays: dict[Any, np.ndarray]) -> tuple[list[Tensor], Variables]:
    """New roots, computed by the same operations from leaves with other values."""
    names = Variables()
    made: dict[Any, Tensor] = {}
    for leaf in forward.leaves:
        value = arrays[leaf] if leaf in arrays else forward.value(leaf)
        if value is None:
            raise ValueError(
                f"what_if: the value of {forward.label(leaf)} is gone, since nothing holds the "
                "tensor any more"
            )
        made[leaf] = wrap(np.array(value)).requires_grad_()
        names.add(forward.label(leaf), made[leaf])
    with enable_grad():
        for node in forward.order:
            results = _repeated(forward, node, made)
            for target, result in zip(node.outputs or (node,), results, strict=True):
                made[target] = result
                if name := forward.name(target):
                    names.add(name, result)
    return [made[target_of(root)] for root in forward.roots], names


def _repeated(forward: Forward, node: Any, made: dict[Any, Tensor]) -> Any:
    """The results of the node's operation on the new operands."""
    origin = origin_of(node)
    if origin is not None and origin.args:
        args = list(origin.args)
    elif isinstance(node, Op) and all_kept(node):
        args = [*(node.args or ())][: len(node.edges)]
        args += [None] * (len(node.edges) - len(args))
    else:
        what = f"{forward.label(node)} ({forward.op(node)})"
        how = (
            "call autograd.trace() before it"
            if origin is None
            else ("they were more than autograd.trace() may keep; raise its keep=")
        )
        raise ValueError(
            f"what_if: the arguments of {what} were not kept, so the forward pass cannot be run "
            f"again: {how}"
        )
    for slot, edge in enumerate(node.edges):
        if edge is not None:
            args[slot] = made[edge]
    function = node.function if isinstance(node, FunctionNode) else type(node)
    result = function.apply(*args)
    return result if isinstance(result, tuple) else (result,)
