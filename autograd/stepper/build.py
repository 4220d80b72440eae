"""Makes a `Trace` of a forward and a backward side."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..function import Op
from ..tensor import Leaf
from . import formula
from .backward import Backward, Step
from .forward import Forward
from .local import elementwise, local
from .trace import COLUMNS, SCHEMA, Trace
from .values import encode, flags, plain


class Builder:
    """Gathers the columns; ids are handed out in forward order, operands before operations."""

    def __init__(self, forward: Forward, backward: Backward) -> None:
        self.forward, self.backward = forward, backward
        self.columns: dict[str, list[Any]] = {name: [] for name in COLUMNS}
        self.ids: dict[Any, int] = {}
        self.files: list[dict[str, Any]] = []
        self.modules: list[dict[str, Any]] = []
        self.places: dict[tuple[Any, int], int] = {}  # of an argument among the inputs
        self._constants: dict[Any, int] = {}
        self._alive: list[Any] = []

    def trace(self, steps: int) -> Trace:
        """The trace of the first `steps` steps."""
        for node in self.forward.order:
            self.add_operation(node)
        roots = [self.reference(root._edge) for root in self.forward.roots]
        found = [self.step(k) for k in range(steps)]
        return Trace(
            {
                "schema": SCHEMA,
                "meta": {
                    "lib": _version(),
                    "title": self.forward.root_label(),
                    "roots": roots,
                    "seeds": [encode(s) for s in self.backward.seeds.values()],
                    "total_steps": len(self.backward),
                    "truncated": None,
                    "error": None,
                    "notes": [],
                },
                "files": self.files,
                "modules": self.modules,
                "nodes": self.columns,
                "steps": found,
                "first_bad": self.first_bad(found),
                "update": None,
            }
        )

    # Nodes -----------------------------------------------------------------------------------

    def add(self, **fields: Any) -> int:
        """A new row."""
        for name, default in COLUMNS.items():
            self.columns[name].append(fields.get(name, default))
        return len(self.columns["op"]) - 1

    def add_operation(self, node: Any) -> None:
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
        if outputs is None:
            value = forward.value(node)
            val = None if value is None else encode(value)
        else:
            parts = [forward.value(o) for o in outputs]
            val = {"results": [None if p is None else encode(p) for p in parts]}
        self.ids[node] = self.add(
            op=forward.op(node),
            symbol=node.symbol if isinstance(node, Op) else "",
            name=forward.name(node),
            label=forward.label(node),
            kind="op",
            shape=list(node.shape),
            dtype=str(node.dtype),
            results=None if outputs is None else [[list(o.shape), str(o.dtype)] for o in outputs],
            inputs=inputs,
            roles=roles,
            args=args,
            formula=rules,
            value=val,
        )

    def reference(self, target: Any) -> Any:
        """The id of a target; with several results the pair of id and result."""
        if type(target) is Leaf:
            if target not in self.ids:
                self.ids[target] = self.leaf(target)
            return self.ids[target]
        node = self.ids[target.node]
        return node if target is target.node else [node, target.index]

    def leaf(self, leaf: Leaf) -> int:
        value, tensor = self.forward.value(leaf), leaf.variable
        before = None if tensor is None or tensor._grad is None else encode(tensor._grad._data)
        return self.add(
            kind="leaf",
            leaf=True,
            name=self.forward.name(leaf),
            label=self.forward.label(leaf),
            shape=list(leaf.shape),
            dtype=str(leaf.dtype),
            value=None if value is None else encode(value),
            grad_before=before,
        )

    def constant(self, operand: Any) -> int:
        value = operand.value
        key = id(value) if value.ndim else (float(value), str(value.dtype), operand.name)
        if key not in self._constants:
            self._alive.append(value)
            name = operand.name
            number = encode(value)
            label = name or (str(number) if value.ndim == 0 else f"data_{len(self._constants) + 1}")
            self._constants[key] = self.add(
                kind="data",
                leaf=True,
                needs_grad=False,
                name=name,
                label=label,
                shape=list(value.shape),
                dtype=str(value.dtype),
                value=number,
            )
        return self._constants[key]

    # Steps -----------------------------------------------------------------------------------

    def step(self, k: int) -> dict[str, Any]:
        """Step `k` as a record."""
        step = self.backward.step(k)
        node = self.ids[step.node]
        if not step.reached:
            return {"k": k + 1, "node": node, "upstream": None, "flags": ["unreached"], "edges": []}
        if isinstance(step.upstream, list):
            parts = [None if part is None else encode(part) for part in step.upstream]
            upstream: Any = {"results": parts}
        else:
            upstream = encode(step.upstream)
        found = {
            "k": k + 1,
            "node": node,
            "upstream": upstream,
            "flags": step_flags(step),
            "edges": [self.edge(step, *arriving) for arriving in step.arriving()],
        }
        return found

    def edge(self, step: Step, slot: int, edge: Any, c: Any, before: Any, after: Any) -> Any:
        reference = self.reference(edge)
        derivative = local(step.node, slot, step.upstream, c)
        found = {
            "to": reference[0] if isinstance(reference, list) else reference,
            "slot": self.places[step.node, slot],
            "rule": formula.rule(step.node, slot),
            "text": formula.contribution_line(self.forward, step.node, slot, step),
            "local": None if derivative is None else encode(derivative),
            "contrib": encode(c),
            "before": None if before is None else encode(before),
            "after": encode(after),
        }
        if isinstance(reference, list):
            found["result"] = reference[1]
        if elementwise(step.node):
            found["expand"] = {"kind": "elementwise"}
        return found

    def first_bad(self, steps: list[dict[str, Any]]) -> dict[str, Any] | None:
        """The first node in forward order, and the first step, with a value that is not finite."""
        forward = next((i for i, v in enumerate(self.columns["value"]) if _bad(v)), None)
        step = next((s for s in steps if {"nan", "inf"} & set(s["flags"])), None)
        if forward is None and step is None:
            return None
        return {
            "forward": forward,
            "backward": None if step is None else step["node"],
            "step": None if step is None else step["k"],
        }


def step_flags(step: Step) -> list[str]:
    """What is notable about a step: "nan", "inf", "hook", "unreached"."""
    if not step.reached:
        return ["unreached"]
    parts = step.upstream if isinstance(step.upstream, list) else [step.upstream]
    found = {flag for part in (*parts, *step.contributions) for flag in flags(part)}
    if step.hooked:
        found.add("hook")
    return sorted(found)


def _bad(value: Any) -> bool:
    """Whether a VAL has an element that is not finite."""
    if isinstance(value, dict):
        if "results" in value:
            return any(_bad(part) for part in value["results"])
        return bool(value["stats"]["nan"] or value["stats"]["inf"])
    return value is not None and not np.isfinite(plain(value))


def _version() -> str:
    from importlib import metadata

    try:
        return metadata.version("tapegrad")
    except metadata.PackageNotFoundError:
        return ""
