"""The backward side: the real engine, paused between nodes, and the log of what it did.

Step k is the k-th node of the tape, newest first; one that no gradient reaches is a step too, an
empty one, so that steps and nodes correspond whatever happens. A step is performed once, hooks and
all. The log keeps what it did by reference, up to a number of bytes; what was dropped is done again
from a checkpoint when it is asked for.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from ..custom import FunctionNode
from ..engine import backward_steps, hooked
from ..grad_mode import set_grad_enabled
from ..hooks import LAST, NodeHooks, Pass
from ..leaf import Leaf
from ..viz.collector import without_collector
from .values import finite, flags

OVERHEAD = 400  # bytes of a step beside its arrays


class Step:
    """What one node did: `contributions[i]` went along `edges[i]`, onto `before[i]`."""

    __slots__ = ("after", "before", "contributions", "flags", "node", "upstream")

    def __init__(self, node: Any, upstream: Any, contributions: Any, before: Any, after: Any):
        self.node, self.upstream, self.contributions = node, upstream, contributions
        self.before, self.after = before, after
        self.flags: list[str] = []  # some of "nan", "inf", "hook", "unreached"

    @property
    def reached(self) -> bool:
        """Whether any gradient arrived."""
        return self.upstream is not None

    def arriving(self) -> Iterator[tuple[int, Any, Any, Any, Any]]:
        """(slot, edge, contribution, before, after) where a contribution was made."""
        if not self.reached:
            return
        for slot, edge in enumerate(self.node.edges):
            if edge is not None and self.contributions[slot] is not None:
                yield slot, edge, self.contributions[slot], self.before[slot], self.after[slot]

    def size(self) -> int:
        """About how many bytes it keeps alive."""
        total = OVERHEAD
        for parts in (self.contributions, self.after):
            for part in parts or ():
                total += getattr(part, "nbytes", 0)
        return total


class Backward:
    """The backward pass of `order` (oldest node first) from `seeds`, one per root."""

    def __init__(
        self, order: Sequence[Any], targets: Sequence[Any], seeds: Sequence[Any], keep: int
    ) -> None:
        self.order = order[::-1]
        self.place = {node: k for k, node in enumerate(self.order)}
        self.keep = keep
        self.error: Exception | None = None
        self.done = 0  # steps performed so far
        self.seeds: dict[Any, Any] = {}
        for target, seed in zip(targets, seeds, strict=True):
            self.seeds[target] = seed if target not in self.seeds else self.seeds[target] + seed
        self.overrides: dict[Any, Any] = {}  # gradients to put in the place of those that arrive
        self.flagged: list[int] = []  # steps with a gradient that is not finite
        self.retained: dict[Any, None] = {}  # nodes with hooks of `retain_grad`, left to the commit
        self.final: dict[Any, Any] | None = None  # gradients of the leaves after their hooks
        self._log: list[Step | None] = []
        self._bytes = 0
        self._evictable: dict[int, None] = {}  # steps in the log that may be dropped
        self._table = dict(self.seeds)
        self._owned: set[Any] = set()
        self._engine = self._steps(0, self._table, self._owned)
        self._pass = Pass(self.order, self.seeds)
        self._spacing = max(256, math.isqrt(len(order)))
        self._checkpoints: dict[int, tuple[dict[Any, Any], set[Any]]]
        self._checkpoints = {0: (dict(self.seeds), set())}
        self._last_checkpoint = 0
        self._arrivals: dict[Any, list[int]] | None = None

    def __len__(self) -> int:
        return len(self.order)

    def advance(self, k: int) -> None:
        """Performs steps until `k` of them are done; raises what a node's rule raises."""
        if k > self.done and self.error is not None:
            raise self.error
        quiet = np.errstate(all="ignore")
        with set_grad_enabled(False), quiet, without_collector(), self._pass:
            while self.done < k:
                step = self._perform(self.done, self._table, self._engine)
                self._log.append(step)
                if "nan" in step.flags or "inf" in step.flags:
                    self.flagged.append(self.done)
                self.done += 1
                self._account(self.done - 1, step)
                self._mark()
            if self.done == len(self.order) and self.final is None:
                self._finish()

    def step(self, k: int) -> Step:
        """Step `k` (from 0), which must have been performed; done again if it was dropped."""
        found = self._log[k]
        if found is None:
            self._again(k)
            found = self._log[k]
            assert found is not None
        return found

    def gradient(self, target: Any, k: int) -> Any:
        """What had arrived at `target` after `k` steps; None before anything did."""
        if self.final is not None and k == len(self.order) and target in self.final:
            return self.final[target]
        for i in reversed(self.arrivals(target)):
            if i < k:
                step = self.step(i)
                found = [after for _, edge, _, _, after in step.arriving() if edge is target]
                if found:
                    return found[-1]
        return self.seeds.get(target)

    def arrivals(self, target: Any) -> list[int]:
        """The steps that may contribute to `target`, in their order."""
        if self._arrivals is None:
            self._arrivals = {}
            with without_collector():
                for k, node in enumerate(self.order):
                    for edge in dict.fromkeys(node.edges):
                        if edge is not None:
                            self._arrivals.setdefault(edge, []).append(k)
        return self._arrivals.get(target, [])

    # Performing ------------------------------------------------------------------------------

    def _steps(self, start: int, table: dict[Any, Any], owned: set[Any]) -> Iterator[Any]:
        order = self.order[start:] if start else self.order
        return backward_steps(order, table, retain=True, keep=True, owned=owned)

    def _perform(self, k: int, table: dict[Any, Any], engine: Iterator[Any]) -> Step:
        node = self.order[k]
        outputs = node.outputs
        for target in self.overrides.keys() & {*(outputs or (node,))}:
            table[target] = self.overrides[target]
        arrived = table.get(node) if outputs is None else [table.get(o) for o in outputs]
        if arrived is None or (outputs is not None and all(part is None for part in arrived)):
            step = Step(node, None, None, None, None)
            step.flags.append("unreached")
            return step
        before = [None if edge is None else table.get(edge) for edge in node.edges]
        retained = _without_retained(node, outputs)
        if any(taken for _, taken in retained):
            self.retained[node] = None
        try:
            done, upstream, contributions = next(engine)
        except Exception as error:
            self.error = error
            raise
        finally:
            for hooks, taken in retained:
                hooks.update(taken)
        assert done is node
        step = Step(node, upstream, list(contributions), *_sums(node, contributions, before, table))
        same = upstream is arrived if outputs is None else all(map(_is, upstream, arrived))
        for g in (*(upstream if outputs is not None else (upstream,)), *step.contributions):
            if g is not None and not finite(g):
                step.flags += [flag for flag in flags(g) if flag not in step.flags]
        if not same:
            step.flags.append("hook")
        step.flags.sort()
        return step

    def _finish(self) -> None:
        """Runs the hooks of the leaves, whose gradients are now complete."""
        self.final = {
            target: hooked(target, g, False) if target.hooks else g
            for target, g in self._table.items()
            if type(target) is Leaf
        }

    # Memory ----------------------------------------------------------------------------------

    def _account(self, k: int, step: Step) -> None:
        self._bytes += step.size()
        if not _pinned(step):
            self._evictable[k] = None
        if self._bytes > self.keep:
            self._evict(k)

    def _evict(self, k: int) -> None:
        """Drops steps, those farthest from `k` first, until a tenth of the room is free."""
        for i in sorted(self._evictable, key=lambda i: abs(i - k), reverse=True):
            if i == k or self._bytes <= 0.9 * self.keep:
                break
            step = self._log[i]
            assert step is not None
            self._bytes -= step.size()
            self._log[i] = None
            del self._evictable[i]

    def _mark(self) -> None:
        """Takes a checkpoint every sqrt(n) steps; rarer while many gradients are under way."""
        if self.done - self._last_checkpoint >= max(self._spacing, len(self._table)):
            self._checkpoints[self.done] = dict(self._table), self._owned & self._table.keys()
            self._last_checkpoint = self.done

    def _again(self, k: int) -> None:
        """Repeats the steps from the last checkpoint before `k` to `k`."""
        start = max(c for c in self._checkpoints if c <= k)
        saved_table, saved_owned = self._checkpoints[start]
        table, owned = dict(saved_table), set(saved_owned)
        engine = self._steps(start, table, owned)
        with set_grad_enabled(False), np.errstate(all="ignore"):
            for i in range(start, k + 1):
                kept = self._log[i]
                if kept is not None and _pinned(kept):  # what runs users' code runs once
                    _apply(kept, table)
                    engine = self._steps(i + 1, table, owned)
                    continue
                step = self._perform(i, table, engine)
                if kept is None:
                    self._log[i] = step
                    self._account(i, step)


def _is(a: Any, b: Any) -> bool:
    return a is b


def _sums(
    node: Any, contributions: Any, before: list[Any], table: dict[Any, Any]
) -> tuple[list[Any], list[Any]]:
    """For each edge, what had arrived before and after its contribution.

    An operand that is used twice, as in x * x, receives one contribution after the other.
    """
    last: dict[Any, int] = {}
    for slot, edge in enumerate(node.edges):
        if edge is not None and contributions[slot] is not None:
            last[edge] = slot
    after: list[Any] = list(before)
    running: dict[Any, Any] = {}
    for slot, edge in enumerate(node.edges):
        if edge is None:
            continue
        before[slot] = after[slot] = running.get(edge, before[slot])
        c = contributions[slot]
        if c is None:
            continue
        if last[edge] == slot:
            after[slot] = table[edge]
        else:
            after[slot] = c if before[slot] is None else before[slot] + c
        running[edge] = after[slot]
    return before, after


def _pinned(step: Step) -> bool:
    """Whether repeating the step would run code of the user's again."""
    node = step.node
    if isinstance(node, (FunctionNode, NodeHooks)) or getattr(node, "hooks", None):
        return True
    return node._outputs is not None and any(o.hooks for o in node.outputs or ())


def _apply(step: Step, table: dict[Any, Any]) -> None:
    """Does to the table what the step did."""
    for target in step.node.outputs or (step.node,):
        table.pop(target, None)
    for _, edge, _, _, after in step.arriving():
        table[edge] = after


def _without_retained(node: Any, outputs: Any) -> list[tuple[dict[int, Any], dict[int, Any]]]:
    """Takes away the hooks of `retain_grad`, which write to `.grad`; they run at the commit."""
    taken = []
    for target in (node,) if outputs is None else outputs:
        if target.hooks:
            found = {key: hook for key, hook in target.hooks.items() if key >= LAST}
            for key in found:
                del target.hooks[key]
            taken.append((target.hooks, found))
    return taken
