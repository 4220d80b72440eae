"""Makes a `Trace` of a stepper: the columns of the nodes, then the steps."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import GraphError
from ..function import Op
from ..leaf import Leaf
from . import formula
from .elements import expansion
from .extremes import extreme_sums
from .local import local
from .program import file_name
from .trace import COLUMNS, SCHEMA, Trace
from .values import encode

if TYPE_CHECKING:
    from ..sites import Scope, Site
    from .backward import Step
    from .stepper import Stepper

WHOLE = 12_000
"""Passes of at most this many steps are kept whole; of longer ones a window and flagged steps."""

SPAN = 500
FLAGGED = 1000
GROUPS = 300
TERMS = 20_000
"""How many terms of sums over elements a trace has room for."""

EXTREMES = 200_000
"""How many terms of sums behind the extremes of large contributions are looked at."""

ALIVE = 2**26
"""How many bytes of arrays are kept alive so that each is looked at once."""


def build(stepper: Stepper, around: int | None = None, span: int = SPAN) -> Trace:
    """The trace of a stepper's whole pass, or of a window of `span` steps on both sides."""
    builder = Builder(stepper)
    error = _run(stepper)
    done = stepper.backward.done
    middle = stepper.position if around is None else around
    chosen = _chosen(stepper, done, middle, span)
    kept = [stepper.backward.order[k] for k in chosen]
    if error is not None:
        kept.append(stepper.backward.order[done])
    elif len(chosen) == len(stepper):
        kept = list(stepper.backward.order)
    for node in sorted(kept, key=lambda node: node.sequence):
        builder.add_operation(node)
    roots = [builder.reference(target) for target in stepper._targets]
    steps = [builder.step(k) for k in chosen]
    return Trace._of_builder(
        {
            "schema": SCHEMA,
            "meta": {
                "lib": _version(),
                "title": stepper.forward.root_label(),
                "roots": [root for root in roots if root is not None],
                "seeds": [encode(s) for s in stepper.backward.seeds.values()],
                "total_steps": len(stepper),
                "truncated": None if len(kept) == len(stepper) else _left_out(stepper, kept),
                "error": None if error is None else builder.error(error, done),
                "notes": _notes(stepper),
            },
            "files": builder.files,
            "modules": builder.modules,
            "nodes": builder.columns,
            "steps": steps,
            "first_bad": builder.first_bad(steps),
            "update": stepper.update_record(builder.ids),
        }
    )


def _run(stepper: Stepper) -> Exception | None:
    try:
        stepper.backward.advance(len(stepper))
    except Exception as error:  # the trace shows what was done before it
        return error
    return None


def _chosen(stepper: Stepper, done: int, middle: int, span: int) -> list[int]:
    """The steps that the trace will hold."""
    if len(stepper) <= WHOLE:
        return list(range(done))
    window = range(max(0, middle - span), min(done, middle + span))
    return sorted({*window, *stepper.backward.flagged[:FLAGGED]})


def _left_out(stepper: Stepper, kept: list[Any]) -> dict[str, Any]:
    there = set(kept)
    counts: Counter[tuple[Any, str]] = Counter()
    flagged: Counter[tuple[Any, str]] = Counter()
    bad = {stepper.backward.order[k] for k in stepper.backward.flagged}
    for node in stepper.forward.order:
        if node not in there:
            place = stepper.program.line(node), stepper.forward.op(node)
            counts[place] += 1
            flagged[place] += node in bad
    return {
        "nodes": len(stepper),
        "kept": len(kept),
        "reason": f"Of more than {WHOLE:,} steps, {SPAN} on both sides of the stepper's position "
        "are kept, and those with a gradient that is not finite; goto(k) and save again for "
        "another part.",
        "groups": [
            {
                "label": f"{file_name(line[0])}:{line[1]}" if line else "",
                "op": op,
                "count": count,
                "flagged": flagged[line, op],
            }
            for (line, op), count in counts.most_common(GROUPS)
        ],
    }


def _notes(stepper: Stepper) -> list[str]:
    if not stepper.forward.order or stepper.program.site(stepper.forward.order[-1]) is not None:
        return []
    return [
        "Source lines, modules and some values are not known: call autograd.trace() before the "
        "forward pass to record them."
    ]


class Builder:
    """Gathers the columns; ids are handed out in forward order, operands before operations."""

    def __init__(self, stepper: Stepper) -> None:
        self.stepper, self.forward, self.program = stepper, stepper.forward, stepper.program
        self.columns: dict[str, list[Any]] = {name: [] for name in COLUMNS}
        self.ids: dict[Any, int] = {}
        self.places: dict[tuple[Any, int], int] = {}  # of an argument among the inputs
        self.files: list[dict[str, Any]] = []
        self.modules: list[dict[str, Any]] = []
        self.room = TERMS
        self.room_for_extremes = EXTREMES
        self._files: dict[str, int] = {}
        self._modules: dict[Scope, int] = {}
        self._constants: dict[Any, int] = {}
        self._unnamed = 0
        self._alive: list[Any] = []
        self._encoded: dict[int, tuple[np.ndarray, Any]] = {}
        self._encoded_bytes = 0

    def add(self, **fields: Any) -> int:
        """A new row."""
        for name, default in COLUMNS.items():
            self.columns[name].append(fields.get(name, default))
        return len(self.columns["op"]) - 1

    def encoded(self, x: Any) -> Any:
        """The VAL of an array, a list of them, or None.

        The sum after one contribution is the one before the next, and in the end the upstream
        gradient of a step: the same array, so that most are looked up.
        """
        if x is None:
            return None
        if isinstance(x, list):
            return {"results": [self.encoded(part) for part in x]}
        x = np.asarray(x)
        if x.ndim == 0:
            return encode(x)
        if id(x) not in self._encoded:
            self._encoded_bytes += x.nbytes
            if self._encoded_bytes > ALIVE:
                self._encoded.clear()
                self._encoded_bytes = x.nbytes
            self._encoded[id(x)] = x, encode(x)
        return self._encoded[id(x)][1]

    # Nodes -----------------------------------------------------------------------------------

    def add_operation(self, node: Any) -> None:
        """A row for a node, after those of its operands."""
        forward = self.forward
        inputs: list[Any] = []
        roles: list[str] = []
        rules: list[str | None] = []
        args: dict[str, str] = {}
        for operand in forward.operands(node):
            if operand.text:
                args[operand.role] = operand.text
                continue
            if operand.target is not None:
                inputs.append(self.reference(operand.target))
                rules.append(formula.rule(node, operand.slot))
            else:
                inputs.append(None if operand.value is None else self.constant(operand))
                rules.append(None)
            roles.append(operand.role)
            self.places[node, operand.slot] = len(inputs) - 1
        outputs = node.outputs
        turn = self.program.turn(node)
        self.ids[node] = self.add(
            op=forward.op(node),
            symbol=node.symbol if isinstance(node, Op) else "",
            name=forward.name(node),
            label=forward.label(node),
            shape=list(node.shape),
            dtype=str(node.dtype),
            results=None if outputs is None else [[list(o.shape), str(o.dtype)] for o in outputs],
            inputs=inputs,
            roles=roles,
            args=args,
            formula=rules,
            module=self.module(self.program.scope(node)),
            src=self.source(self.program.site(node)),
            iteration=None if turn is None else list(turn),
            value=self.encoded([forward.value(o) for o in outputs])
            if outputs is not None
            else self.encoded(forward.value(node)),
        )

    def reference(self, target: Any) -> Any:
        """The id of a target; with several results [id, result]; None for what is left out."""
        if type(target) is Leaf:
            if target not in self.ids:
                self.ids[target] = self.leaf(target)
            return self.ids[target]
        node = self.ids.get(target.node)
        return node if node is None or target is target.node else [node, target.index]

    def leaf(self, leaf: Leaf) -> int:
        """A row for a leaf."""
        return self.add(
            kind="leaf",
            leaf=True,
            name=self.forward.name(leaf),
            label=self.forward.label(leaf),
            shape=list(leaf.shape),
            dtype=str(leaf.dtype),
            value=self.encoded(self.forward.value(leaf)),
            grad_before=self.encoded(self.forward.gradient_before(leaf)),
        )

    def constant(self, operand: Any) -> int:
        """A row for a constant; equal for operands that show the same array."""
        value = operand.value
        key = id(value) if value.ndim else (value.item(), str(value.dtype), operand.name)
        if key not in self._constants:
            self._alive.append(value)
            number = self.encoded(value)
            plain = formula.short(value[()]) if value.ndim == 0 else ""
            self._constants[key] = self.add(
                kind="data",
                leaf=True,
                needs_grad=False,
                name=operand.name,
                label=operand.name or plain or self._data_label(),
                shape=list(value.shape),
                dtype=str(value.dtype),
                value=number,
            )
        return self._constants[key]

    def _data_label(self) -> str:
        self._unnamed += 1
        return f"data_{self._unnamed}"

    def source(self, site: Site | None) -> list[int] | None:
        """Where a node was made, with the lines added to the files."""
        if site is None:
            return None
        if site.filename not in self._files:
            self._files[site.filename] = len(self.files)
            self.files.append({"name": file_name(site.filename), "lines": {}})
        number = self._files[site.filename]
        line, column, end, end_column = site.positions
        for i in range(line, end + 1):
            self.files[number]["lines"].setdefault(str(i), site.text(i))
        return [number, line, column, end, end_column]

    def module(self, scope: Scope | None) -> int | None:
        """The place of a module in the table, its parents before it."""
        chain = []
        while scope is not None and scope not in self._modules:
            chain.append(scope)
            scope = scope.parent
        for new in reversed(chain):
            parent = -1 if new.parent is None else self._modules[new.parent]
            name = "" if new.parent is not None else self.program.scope_name(new)
            self._modules[new] = len(self.modules)
            self.modules.append(
                {"path": new.path, "type": new.type, "parent": parent, "name": name}
            )
        found = chain[0] if chain else scope
        return None if found is None else self._modules[found]

    # Steps -----------------------------------------------------------------------------------

    def step(self, k: int) -> dict[str, Any]:
        """Step `k` as a record."""
        step = self.stepper.backward.step(k)
        edges = []
        with self.stepper._saved(step.node):
            for slot, edge, c, before, after in step.arriving():
                if (reference := self.reference(edge)) is not None:
                    edges.append(self.edge(step, slot, reference, c, before, after))
        return {
            "k": k + 1,
            "node": self.ids[step.node],
            "upstream": self.encoded(step.upstream),
            "flags": step.flags,
            "edges": edges,
        }

    def edge(
        self, step: Step, slot: int, reference: Any, c: Any, before: Any, after: Any
    ) -> dict[str, Any]:
        """One contribution as a record."""
        node = step.node
        try:
            derivative = local(node, slot, step.upstream, c)
        except GraphError:  # a saved value was changed in place after the step
            derivative = None
        found = {
            "to": reference[0] if isinstance(reference, list) else reference,
            "slot": self.places[node, slot],
            "rule": formula.rule(node, slot),
            "text": formula.contribution_line(self.forward, node, slot, step),
            "local": self.encoded(derivative),
            "contrib": self.encoded(c),
            "before": self.encoded(before),
            "after": self.encoded(after),
        }
        if isinstance(reference, list):
            found["result"] = reference[1]
        expand, used = expansion(self, step, slot, self.room)
        self.room -= used
        if expand is not None:
            found["expand"] = expand
        sums, used = extreme_sums(self.forward, step, slot, self.room_for_extremes)
        self.room_for_extremes -= used
        if sums:
            found["sums"] = sums
        return found

    def error(self, error: Exception, done: int) -> dict[str, Any]:
        """What a rule raised, and at which step."""
        notes = "".join(f"; {note}" for note in getattr(error, "__notes__", ()))
        return {
            "k": done + 1,
            "node": self.ids[self.stepper.backward.order[done]],
            "type": type(error).__name__,
            "message": f"{error}{notes}",
        }

    def first_bad(self, steps: list[dict[str, Any]]) -> dict[str, Any] | None:
        """The first node in forward order whose value went bad, and the first such step."""
        node = self.forward.first_bad
        step = next((s for s in steps if {"nan", "inf"} & set(s["flags"])), None)
        if node is None and step is None:
            return None
        return {
            "forward": None if node is None else self._cause(node),
            "backward": None if step is None else step["node"],
            "step": None if step is None else step["k"],
        }

    def _cause(self, node: Any) -> int | None:
        """The row of a node that went bad, or of an operand that was NaN before it."""
        row = self.ids.get(node)
        for reference in self.columns["inputs"][row] if row is not None else ():
            if isinstance(reference, int) and self.columns["leaf"][reference]:
                value = self.columns["value"][reference]
                if value == "NaN" or (isinstance(value, dict) and value["stats"]["nan"]):
                    return reference
        return row


def _version() -> str:
    from importlib import metadata

    try:
        return metadata.version("tapegrad")
    except metadata.PackageNotFoundError:
        return ""
