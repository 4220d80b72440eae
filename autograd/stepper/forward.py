"""The forward side of what is stepped: nodes, their operands, names and values.

Everything is answered when asked, node by node, so that a tape of a million nodes costs no more
than a look at the part of it that is shown.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from ..elementwise import Binary, Unary
from ..engine import tape
from ..function import Op
from ..leaf import Leaf
from ..recording import went_bad
from ..tensor import Tensor
from ..viz.names import Names

RECOVERED = 10_000
"""Values that nobody kept are computed again, over at most this many operations in one go."""

HOPELESS = 50_000
"""After so many operations were looked at in vain, it is not tried any more."""


class Operand(NamedTuple):
    """An argument of an operation: what gradients flow to, or a constant, or a plain argument."""

    slot: int
    role: str  # the parameter's name
    target: Any = None  # Node, Output or Leaf
    value: np.ndarray | None = None  # of a constant
    text: str = ""  # of a plain argument
    name: str = ""  # of a constant


class Variables(Names):
    """`Names` that also knows the values of what it names."""

    def __init__(self) -> None:
        super().__init__()
        self.tensors: dict[Any, Tensor] = {}

    def add(self, name: str, tensor: Tensor, parameter: bool = False) -> None:
        super().add(name, tensor, parameter)
        if tensor._edge is not None:
            self.tensors.setdefault(tensor._edge, tensor)


class Forward:
    """The tape of `roots`, oldest node first, and what is known of its values."""

    def __init__(self, roots: Sequence[Tensor], names: Variables) -> None:
        self.roots, self.names = list(roots), names
        self.order = tape(roots)
        self.number = {node: i for i, node in enumerate(self.order)}
        self.leaves: dict[Leaf, int] = {}
        self._tensors: dict[Any, Tensor] = dict(names.tensors)  # who holds the value of a target
        self._values: dict[Any, np.ndarray] = {}  # computed again
        self._in_vain = 0
        self._asked: tuple[Any, Any, list[Operand]] = (None, None, [])
        self._gradients: dict[Leaf, Any] = {}  # what `.grad` was before the commit
        for root in self.roots:
            self._tensors[root._edge] = root
            if type(root._edge) is Leaf:
                self.leaves.setdefault(root._edge, len(self.leaves))
        for node in self.order:
            args = node.args or ()
            for slot, edge in enumerate(node.edges):
                if type(edge) is Leaf and edge not in self.leaves:
                    self.leaves[edge] = len(self.leaves)
                if slot < len(args) and isinstance(args[slot], Tensor) and edge is not None:
                    self._tensors.setdefault(edge, args[slot])

    # What a node is --------------------------------------------------------------------------

    def op(self, node: Any) -> str:
        """The operation's name in the registry, or the class of a user's Function."""
        return node.op_name if isinstance(node, Op) else node.name().removesuffix("Backward")

    def name(self, target: Any) -> str:
        """The variable's or parameter's name, if one is known."""
        found = self.names.of(target)
        if not found and type(target) is Leaf and target.variable is not None:
            found = target.variable.name or ""
        return found

    def label(self, target: Any) -> str:
        """A name that is never empty: the variable's, else the operation's with its number."""
        found = self.name(target)
        if found:
            return found
        if type(target) is Leaf:
            return f"leaf_{self.leaves[target] + 1}"
        node = target.node
        own = f"{self.op(node)}_{self.number[node] + 1}"
        return own if target is node else f"{self.label(node)}[{target.index}]"

    def labels(self) -> dict[str, Any]:
        """All nodes and leaves by label; of equal labels the first in the forward pass."""
        found: dict[str, Any] = {}
        for node in self.order:
            for edge in node.edges:
                if type(edge) is Leaf:
                    found.setdefault(self.label(edge), edge)
            found.setdefault(self.label(node), node)
            for output in node.outputs or ():
                found.setdefault(self.label(output), output)
        for root in self.roots:
            found.setdefault(self.label(root._edge), root._edge)
        return found

    def gradient_before(self, leaf: Leaf) -> Any:
        """The `.grad` that a leaf had before the pass is committed, None if it had none."""
        if leaf in self._gradients:
            return self._gradients[leaf]
        tensor = leaf.variable
        return None if tensor is None or tensor._grad is None else tensor._grad._data

    def remember_gradients(self) -> None:
        """Keeps what `.grad` is now, since it will be changed in place."""
        for leaf in self.leaves:
            before = self.gradient_before(leaf)
            self._gradients[leaf] = None if before is None else before.copy()

    def root_label(self) -> str:
        """What is differentiated, as it is called in `∂L/∂w`."""
        return (self.name(self.roots[0]._edge) or "L") if len(self.roots) == 1 else "L"

    def operands(self, node: Any) -> list[Operand]:
        """The arguments of a node, as far as they are known."""
        asked, args, known = self._asked
        if asked is not node or args is not node.args:  # a step is asked for several times
            known = self._operands(node)
            self._asked = node, node.args, known
        return known

    def _operands(self, node: Any) -> list[Operand]:
        found = []
        is_op = isinstance(node, Op)
        infix = isinstance(node, Binary) or (is_op and node.op_name == "matmul")
        origin = origin_of(node)
        args = (node.args or ()) if is_op else ()
        if origin is not None and origin.args:
            args = origin.args
        for slot, edge in enumerate(node.edges):
            role = node.parameter(slot) if is_op else f"argument {slot}"
            value = args[slot] if slot < len(args) else None
            if edge is not None:
                found.append(Operand(slot, role, edge))
            elif isinstance(value, (Tensor, np.ndarray)) or (infix and value is not None):
                array = value._data if isinstance(value, Tensor) else np.asarray(value)
                found.append(Operand(slot, role, value=array, name=self.names.of(array)))
            elif (text := argument_text(value)) is not None:
                found.append(Operand(slot, role, text=text))
            elif infix:
                found.append(Operand(slot, role))
        return found

    @cached_property
    def first_bad(self) -> Any:
        """The first node whose result is not finite though its operands do not excuse it."""
        look = self.value if len(self.order) <= RECOVERED else self._kept
        for node in self.order:
            kept = [look(target) for target in node.outputs or (node,)]
            if not went_bad(kept, ()):
                continue
            operands = [
                o.value if o.target is None else look(o.target) for o in self.operands(node)
            ]
            if went_bad(kept, [*operands, *_plain_numbers(node)]):
                return node
        return None

    # Values ----------------------------------------------------------------------------------

    def value(self, target: Any) -> np.ndarray | None:
        """The value of a node, `Output` or `Leaf`; None where nobody kept it."""
        found = self._kept(target)
        return self._recovered(target) if found is None else found

    def _kept(self, target: Any) -> np.ndarray | None:
        if type(target) is Leaf:
            return None if target.variable is None else target.variable._data
        node, index = target.node, target.index
        origin = origin_of(node)
        if origin is not None and (value := origin.value(node, index)) is not None:
            return value
        tensor = self._tensors.get(target)
        if tensor is not None and tensor._edge is target:
            return tensor._data
        if isinstance(node, Op) and node.args and (out := node.args[-1]) is not None:
            several = isinstance(out, tuple)
            if len(node.args) > len(node.edges) and _unchanged(node):
                return out[index] if several else out
        return self._values.get(target)

    def _recovered(self, target: Any) -> np.ndarray | None:
        """The value computed again from what was kept, where that is possible."""
        if self._in_vain > HOPELESS:
            return None
        todo, seen = [target], {target}
        missing: list[Any] = []
        for thing in todo:  # grows as the loop goes on
            if self._kept(thing) is not None:
                continue
            if not repeatable(thing) or len(missing) >= RECOVERED:
                self._in_vain += len(seen)
                return None
            missing.append(thing)
            for edge in thing.edges:
                if edge is not None and edge not in seen:
                    seen.add(edge)
                    todo.append(edge)
        missing.sort(key=lambda node: node.sequence)
        for node in missing:
            args = [
                saved if edge is None else self._kept(edge)
                for edge, saved in zip(node.edges, _arguments(node), strict=True)
            ]
            self._values[node] = np.asarray(run_again(node, args))
        return self._values[target]


def origin_of(node: Any) -> Any:
    """What `autograd.trace()` noted when the node was recorded, if it was on."""
    return vars(node).get("origin")


def _arguments(node: Any) -> list[Any]:
    """The saved arguments of a node as arrays and plain values, one for each edge."""
    args = list((node.args or ())[: len(node.edges)])
    args += [None] * (len(node.edges) - len(args))
    return [a._data if isinstance(a, Tensor) else a for a in args]


def _plain_numbers(node: Any) -> list[Any]:
    origin = origin_of(node)
    args = origin.args if origin is not None and origin.args else node.args or ()
    return [a for a in args if isinstance(a, float)]


def repeatable(node: Any) -> bool:
    """Whether the operation can be run again: a built-in one with all its constants at hand."""
    if type(node) is Leaf or not isinstance(node, Op) or node._outputs is not None:
        return False
    if node.args is None or (node.view and node.frees):
        return False
    return all_kept(node)


def all_kept(node: Any) -> bool:
    """Whether a built-in operation kept all its constants."""
    if node.args is None:
        return False
    saved = _arguments(node)
    if isinstance(node, (Unary, Binary)):  # these save no more than their rules ask for
        return all(e is not None or a is not None for e, a in zip(node.edges, saved, strict=True))
    # Of a constant that no rule asks for nothing was kept, and it looks like an argument None.
    return len(node.args) > len(node.edges) and not node.variadic and _constants_kept(node, saved)


def _constants_kept(node: Any, saved: list[Any]) -> bool:
    return all(
        edge is not None or value is not None or node.parameters[slot] not in node.backward
        for slot, (edge, value) in enumerate(zip(node.edges, saved, strict=True))
    )


def run_again(node: Any, args: Sequence[Any]) -> Any:
    """The operation's forward on other values."""
    cls = type(node)
    fresh = object.__new__(cls)
    fresh.edges = node.edges
    with np.errstate(all="ignore"):
        return cls.forward(fresh, *args) if cls._takes_ctx else cls.forward(*args)


def _unchanged(node: Any) -> bool:
    """Whether the result that a node saved still is what it was."""
    counters = node._out_counters
    return counters is None or sum(c.n for c in counters) == node._out_version


def argument_text(value: Any) -> str | None:
    """A plain argument as text; None for a default or what tells a reader nothing."""
    if value is None or value is False or value is Ellipsis:
        return None if value is not Ellipsis else "..."
    if isinstance(value, (bool, int, float, str)):
        return str(value)
    if isinstance(value, slice):
        parts = ["" if p is None else str(p) for p in (value.start, value.stop, value.step)]
        return ":".join(parts if value.step is not None else parts[:2])
    if isinstance(value, (tuple, list)):
        texts = [argument_text(v) or ("None" if v is None else "·") for v in value]
        if texts and set(texts) == {"·"}:  # arrays, of which nothing can be said
            return None
        return f"({', '.join(texts)}{',' * (len(texts) == 1)})"
    return None
