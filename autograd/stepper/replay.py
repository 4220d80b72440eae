"""`Replay`: a stepper over a `Trace`, for a backward pass that happened elsewhere.

It moves and prints as a `Stepper` does, from what the file holds; nothing is computed again.
"""

from __future__ import annotations

import fnmatch
import math
from bisect import bisect_right
from collections.abc import Callable
from typing import Any

from .formula import NOTHING_YET
from .text import FEW, laid_out, listed, near
from .trace import Trace
from .values import describe, magnitude, short

Check = Callable[[dict[str, Any]], str]


class Replay:
    """A position in a trace; `next`, `back`, `over`, `into`, `out`, `goto`, `run`, `finish`.

    >>> import autograd
    >>> from autograd.stepper import trace_of
    >>> x = autograd.tensor(3.0, requires_grad=True)
    >>> r = Replay(trace_of(x * x))
    >>> r.next().grad("x"), len(r), r.back().grad("x")
    (6.0, 1, None)
    """

    def __init__(self, trace: Trace) -> None:
        self.trace = trace
        self.nodes, self.steps = trace.nodes, trace.steps
        self.position = 0
        self.stopped = ""
        self.committed = False
        self._checks: list[Check] = []
        # (node, result) -> the steps that add to it, and the sums after each
        self._arrivals: dict[tuple[int, int], tuple[list[int], list[dict[str, Any]]]] = {}
        for k, step in enumerate(self.steps):
            for edge in step.get("edges", ()):
                if edge.get("to") is not None:
                    target = edge["to"], edge.get("result") or 0
                    places, edges = self._arrivals.setdefault(target, ([], []))
                    places.append(k)
                    edges.append(edge)

    def __len__(self) -> int:
        return len(self.steps)

    # What is known ----------------------------------------------------------------------------

    def label(self, node: int, result: int = 0) -> str:
        """The node's label, with the number of the result where it has several."""
        found = self.nodes["label"][node]
        return f"{found}[{result}]" if self.nodes["results"][node] else found

    def target(self, label: str) -> int:
        """The node of that label."""
        labels = self.nodes["label"]
        if label in labels:
            return labels.index(label)
        ends = [name for name in labels if name.endswith("." + label)]
        if len(ends) == 1:  # "0.weight" of model.0.weight
            return labels.index(ends[0])
        raise KeyError(f"no node is called {label!r}; there {near(label, list(labels))}")

    def grad(self, label: str, result: int = 0) -> Any:
        """The gradient so far as in the trace; None: not computed yet."""
        return self._gradient(self.target(label), result)

    def _gradient(self, node: int, result: int = 0) -> Any:
        places, edges = self._arrivals.get((node, result), ([], []))
        found = bisect_right(places, self.position - 1)
        if found:
            return edges[found - 1].get("after")
        if edges and edges[0].get("before") is not None:
            return edges[0]["before"]  # of a pass that is here in part
        for reference, seed in zip(
            self.trace.meta.get("roots") or (), self.trace.meta.get("seeds") or (), strict=False
        ):
            if (reference if isinstance(reference, list) else [reference, 0]) == [node, result]:
                return seed
        return None

    # Moving ----------------------------------------------------------------------------------

    def next(self, n: int = 1) -> Replay:
        """Takes `n` steps; at the end it stays."""
        return self._move(min(self.position + n, len(self)))

    def back(self, n: int = 1) -> Replay:
        """Goes `n` steps back; at the start it stays."""
        return self._move(max(self.position - n, 0))

    into = next

    def over(self) -> Replay:
        """Steps over what comes next: a whole module, or all operations of one source line."""
        k = self.position
        if k >= len(self):
            return self
        current, coming = (self._scopes(k - 1) if k else []), self._scopes(k)
        depth = 0
        while depth < min(len(current), len(coming)) and current[depth] == coming[depth]:
            depth += 1
        if depth < len(coming):
            entered = coming[depth]
            return self._move(self._first(k + 1, lambda i: entered not in self._scopes(i)))
        place = self._place(k)
        if place is None:
            return self.next()
        return self._move(self._first(k + 1, lambda i: self._place(i) != place))

    def out(self) -> Replay:
        """Goes on to where the current module is left; outside of all modules, to the end."""
        scopes = self._scopes(max(self.position - 1, 0)) if self.steps else []
        if not scopes:
            return self.finish()
        inside = scopes[-1]
        return self._move(self._first(self.position, lambda i: inside not in self._scopes(i)))

    def goto(self, where: Any) -> Replay:
        """Goes to a position, after the step of a node, after the last addition to a leaf, or
        after the first step inside the module of that path.
        """
        if isinstance(where, int):
            if not 0 <= where <= len(self):
                raise IndexError(f"there is no position {where}; they go from 0 to {len(self)}")
            return self._move(where)
        try:
            node = self.target(where)
        except KeyError:
            for k in range(len(self)):
                paths = [(self.trace.modules[m]["path"], self._module(m)) for m in self._scopes(k)]
                if any(where in names for names in paths):
                    return self._move(k + 1)
            raise
        own = [k for k, step in enumerate(self.steps) if step["node"] == node]
        places = self._arrivals.get((node, 0), ([], []))[0]
        return self._move((own or places or [-1])[-1] + 1)

    def run(self) -> Replay:
        """Goes on to the next stop (see `stop_at`), or to the end."""
        while self.position < len(self):
            self.next()
            step = self.steps[self.position - 1]
            reason = next(filter(None, (check(step) for check in self._checks)), "")
            if reason:
                self.stopped = reason
                break
        return self

    def finish(self) -> Replay:
        """Goes to the end, past all stops."""
        return self._move(len(self))

    def clear_stops(self) -> Replay:
        """Removes all conditions."""
        self._checks.clear()
        return self

    def stop_at(
        self,
        nonfinite: bool = False,
        norm_above: float | None = None,
        norm_below: float | None = None,
        op: str | None = None,
        module: str | None = None,
        line: int | str | None = None,
    ) -> Replay:
        """Adds conditions at which `run` stops; see `Stepper.stop_at`."""
        if nonfinite:
            self._checks.append(
                lambda step: "a gradient is not finite" * bool({"nan", "inf"} & set(step["flags"]))
            )
        for limit, above in ((norm_above, True), (norm_below, False)):
            if limit is not None:
                self._checks.append(_norm_check(float(limit), above))
        if op is not None:
            self._checks.append(
                lambda step: (
                    f"the operation is {self.nodes['op'][step['node']]}"
                    * fnmatch.fnmatchcase(self.nodes["op"][step["node"]], op)
                )
            )
        if module is not None:
            self._checks.append(lambda step: self._in_module(step, module))
        if line is not None:
            self._checks.append(lambda step: self._at_line(step, str(line)))
        return self

    def _move(self, k: int) -> Replay:
        self.position, self.stopped = k, ""
        return self

    def _first(self, k: int, found: Callable[[int], bool]) -> int:
        while k < len(self) and not found(k):
            k += 1
        return k

    def _scopes(self, k: int) -> list[int]:
        """The modules around the node of a step, the outermost first."""
        found: list[int] = []
        module = self.nodes["module"][self.steps[k]["node"]]
        while module is not None and module >= 0:
            found.append(module)
            module = self.trace.modules[module].get("parent", -1)
        return found[::-1]

    def _place(self, k: int) -> Any:
        node = self.steps[k]["node"]
        source = self.nodes["src"][node]
        turn = (self.nodes["iteration"][node] or [0])[0]
        return None if source is None else (source[:2], turn, self._scopes(k))

    def _in_module(self, step: dict[str, Any], pattern: str) -> str:
        for module in self._scopes(step["k"] - 1):
            known = self.trace.modules[module]
            names = known.get("path", ""), self._module(module), known.get("type", "")
            if any(fnmatch.fnmatchcase(name, pattern) for name in names):
                return f"the module is {self._module(module)}"
        return ""

    def _at_line(self, step: dict[str, Any], line: str) -> str:
        source = self.nodes["src"][step["node"]]
        file, _, number = line.rpartition(":")
        if source is None or str(source[1]) != number:
            return ""
        return f"the line is {line}" * self.trace.files[source[0]]["name"].endswith(file)

    # Showing ---------------------------------------------------------------------------------

    def text(self, width: int | None = None, ascii: bool = False) -> str:
        """The current step for a terminal, as `Stepper.text` has it."""
        return laid_out(self._lines(), width, ascii)

    def _lines(self) -> list[tuple[str, int]]:
        meta, k, total = self.trace.meta, self.position, len(self)
        title = meta.get("title", "L")
        found: list[tuple[str, int]] = []
        if k == 0:
            found.append((f"start of the backward pass of {title}: {_steps(total)}", 4))
            found += [(str(note), 4) for note in meta.get("notes") or ()]
            if meta.get("truncated"):
                found.append((f"left out: {meta['truncated'].get('reason', '')}", 4))
        else:
            found += self._step(self.steps[k - 1])
        error = meta.get("error")
        if error and k == total:
            found.append((f"the next step fails: {error.get('type')}: {error.get('message')}", 4))
        found += self._gradients()
        if k < total:
            found.append((f"next: {self._made(self.steps[k]['node'])}", 4))
        elif total:
            update = self.trace.data.get("update")
            if update:
                found.append((f"{update.get('optimizer')}: {update.get('rule')}", 4))
                found += [(f"  {p.get('text')}", 6) for p in update.get("params") or ()]
            found.append(("the pass is complete", 4))
        return found

    def _step(self, step: dict[str, Any]) -> list[tuple[str, int]]:
        total = self.trace.meta.get("total_steps", len(self))
        node, title = step["node"], self.trace.meta.get("title", "L")
        found = [
            (
                f"step {step['k']} of {total}: {self._made(node)}",
                4,
            )
        ]
        if self.stopped:
            found.append((f"stopped: {self.stopped}", 4))
        module = self.nodes["module"][node]
        if module is not None:
            kind = self.trace.modules[module].get("type", "")
            found.append((f"  in {self._module(module)} ({kind})", 6))
        found += self._source(node)
        found.append(("  " + self._values(node), 6))
        if "unreached" in step["flags"]:
            return [*found, ("  no gradient arrives here, so nothing happens", 6)]
        upstream = _known(step.get("upstream"))
        found.append((f"  g = ∂{title}/∂{self.nodes['label'][node]} = {upstream}", 6))
        found += [(f"  {edge.get('text', '')}", 8) for edge in step.get("edges", ())]
        bad = [{"nan": "NaN", "inf": "infinite"}[f] for f in step["flags"] if f in ("nan", "inf")]
        if bad:
            found.append((f"  ! a gradient here is {' and '.join(bad)}", 6))
        return found

    def _module(self, module: int) -> str:
        """The path from the variable that holds the outermost module."""
        top = module
        while self.trace.modules[top].get("parent", -1) >= 0:
            top = self.trace.modules[top]["parent"]
        own = self.trace.modules[module]
        name = self.trace.modules[top].get("name", "")
        if name == self.trace.modules[top].get("type"):
            name = ""  # no variable held it
        parts = (name, own.get("path", ""))
        return ".".join(part for part in parts if part) or own.get("type", "")

    def _made(self, node: int) -> str:
        inputs, roles = self.nodes["inputs"][node], self.nodes["roles"][node]
        names = [self._reference(i, roles[j] if j < len(roles) else "constant")
                 for j, i in enumerate(inputs)]  # fmt: skip
        symbol, label = self.nodes["symbol"][node], self.nodes["label"][node]
        if symbol and len(names) == 2:
            return f"{label} = {names[0]} {symbol} {names[1]}"
        plain_ = [f"{k}={v}" for k, v in self.nodes["args"][node].items()]
        return f"{label} = {self.nodes['op'][node]}({', '.join(names + plain_)})"

    def _reference(self, reference: Any, role: str) -> str:
        if reference is None:
            return role
        return self.label(*reference) if isinstance(reference, list) else self.label(reference)

    def _source(self, node: int) -> list[tuple[str, int]]:
        source = self.nodes["src"][node]
        if source is None:
            return []
        file, line, column, end, end_column = source
        turn = self.nodes["iteration"][node]
        loop = "" if turn is None else f", turn {turn[0]} of {turn[1]}"
        found = [(f"  {self.trace.files[file]['name']}:{line}{loop}", 6)]
        for number in range(line, end + 1):
            code = self.trace.files[file].get("lines", {}).get(str(number))
            if not code:
                continue
            found.append((f"  {number:5} │ {code}", -1))
            start = column if number == line else len(code) - len(code.lstrip())
            stop = end_column if number == end else len(code)
            found.append((f"        │ {' ' * start}{'^' * max(stop - start, 1)}", -1))
        return found

    def _values(self, node: int) -> str:
        references = [i[0] if isinstance(i, list) else i for i in self.nodes["inputs"][node]]
        shown = dict.fromkeys([node, *(i for i in references if i is not None)])
        parts = []
        for i in shown:
            value = self.nodes["value"][i]
            known = "value not kept" if value is None else describe(value)
            if self.nodes["kind"][i] != "data" or self.nodes["shape"][i]:
                parts.append(f"{self.nodes['label'][i]} = {known}")
        return "; ".join(parts)

    def _gradients(self) -> list[tuple[str, int]]:
        leaves = [i for i, kind in enumerate(self.nodes["kind"]) if kind == "leaf"]
        if not leaves:
            return []
        changed: set[Any] = set()
        if self.position:
            changed = {edge.get("to") for edge in self.steps[self.position - 1].get("edges", ())}
        shown = leaves
        if len(leaves) > FEW:
            first = [leaf for leaf in leaves if leaf in changed]
            shown = (first + [leaf for leaf in leaves if leaf not in changed])[:FEW]
        title = self.trace.meta.get("title", "L")
        known: list[str] = []
        waiting: list[str] = []
        for leaf in shown:
            value = self._gradient(leaf)
            name = f"∂{title}/∂{self.nodes['label'][leaf]}"
            if value is None:
                waiting.append(name)
                continue
            coming = {k for k in self._arrivals.get((leaf, 0), ([],))[0] if k >= self.position}
            more = f", {len(coming)} more to come" if coming else ""
            mark = " *" if leaf in changed else ""
            known.append(f"  {name} = {describe(value)}{more}{mark}")
        return listed(known, waiting, len(leaves) - len(shown))

    def why(self, label: str) -> str:
        """The contributions to a gradient so far, the largest first."""
        node = self.target(label)
        parts = []
        for (to, _), (places, edges) in self._arrivals.items():
            for k, edge in zip(places, edges, strict=True):
                if to == node and k < self.position:
                    parts.append((magnitude(edge.get("contrib")), k, edge))
        if not parts:
            return f"∂/∂{label}: {NOTHING_YET}"
        parts.sort(key=lambda part: -part[0] if part[0] == part[0] else -math.inf)
        whole = sum(size for size, *_ in parts)
        rows = [f"{label}: {_known(self._gradient(node))} = the sum of {len(parts)} parts"]
        for size, k, edge in parts[:10]:
            share = f"{size / whole:4.0%}" if whole else "  0%"
            maker = self.nodes["label"][self.steps[k]["node"]]
            rows.append(
                f"  {share}  {describe(edge.get('contrib'))}  by {maker} (step {k + 1}): "
                f"{edge.get('rule', '')}"
            )
        return "\n".join(rows)

    def __repr__(self) -> str:
        return self.text()


def _steps(n: int) -> str:
    return f"{n} step" + "s" * (n != 1)


def _norm_check(limit: float, above: bool) -> Check:
    def check(step: dict[str, Any]) -> str:
        for value in (step.get("upstream"), *(e.get("contrib") for e in step.get("edges", ()))):
            size = magnitude(value)
            if value is not None and (size > limit if above else size < limit):
                return (
                    f"a gradient has norm {short(size)}, {'above' if above else 'below'} {limit:g}"
                )
        return ""

    return check


def _known(value: Any) -> str:
    return NOTHING_YET if value is None else describe(value)
