"""The ways a stepper moves: by steps, modules and lines, to places, and to stops."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Self, cast

import numpy as np

from ..leaf import Leaf
from ..viz.names import is_module
from .stops import Condition, conditions

if TYPE_CHECKING:
    from .backward import Backward
    from .program import Program
    from .state import State
    from .stepper import Stepper


class Moves:
    """The part of `Stepper` that changes its position."""

    position: int
    stopped: str
    backward: Backward
    program: Program
    target: Callable[[Any], Any]
    state: Callable[[int], State]
    _conditions: list[Condition]

    def __len__(self) -> int:
        return len(self.backward)

    def next(self, n: int = 1) -> Self:
        """Takes `n` steps; at the end it stays."""
        return self._move(min(self.position + _count(n, "next"), len(self)))

    def back(self, n: int = 1) -> Self:
        """Goes `n` steps back; at the start it stays."""
        return self._move(max(self.position - _count(n, "back"), 0))

    def into(self) -> Self:
        """Takes one step, also into a module or a line."""
        return self.next()

    def over(self) -> Self:
        """Steps over what comes next: a whole module, or all operations of one source line."""
        k = self.position
        if k >= len(self):
            return self
        inside = self._entered(k)
        k += 1
        while k < len(self) and inside(k):
            k += 1
        return self._move(k)

    def out(self) -> Self:
        """Goes on to where the current module is left; outside of all modules, to the end."""
        k = self.position
        scopes = self.program.scopes(self.backward.order[max(k - 1, 0)]) if len(self) else []
        inside = scopes[-1] if scopes else None
        while k < len(self) and (inside is None or inside in self._scopes(k)):
            k += 1
        return self._move(k)

    def _scopes(self, k: int) -> list[Any]:
        return self.program.scopes(self.backward.order[k])

    def _entered(self, k: int) -> Callable[[int], bool]:
        """What tells whether a later step belongs to what step `k` enters."""
        current = self._scopes(k - 1) if k else []
        coming = self._scopes(k)
        depth = 0
        while depth < min(len(current), len(coming)) and current[depth] is coming[depth]:
            depth += 1
        if depth < len(coming):
            return lambda i: coming[depth] in self._scopes(i)
        place = self.program.line(self.backward.order[k])
        turn = self._turn(k)
        if place is None:
            return lambda i: False
        return lambda i: (
            self.program.line(self.backward.order[i]) == place
            and self._scopes(i) == coming
            and self._turn(i) == turn
        )

    def _turn(self, k: int) -> int:
        turn = self.program.turn(self.backward.order[k])
        return turn[0] if turn else 0

    def goto(self, where: Any) -> Self:
        """Goes to a position, or to where the gradient of a node or leaf is complete or was used.

        For a node (or its Tensor, or label) that is right after its own step, for a leaf right
        after the last contribution to it, for a module (or its path, such as "encoder.0") after
        the first step inside it.
        """
        if isinstance(where, bool):
            raise TypeError("goto: expected a position, a Tensor, a node or a label, got a bool")
        if isinstance(where, (int, np.integer)):
            self._check_position(int(where))
            return self._move(int(where))
        if is_module(where):
            return self._move(self._entry(where) + 1)
        try:
            target = self.target(where)
        except KeyError:
            if (k := self._entry(where)) < 0:
                raise
            return self._move(k + 1)
        if type(target) is Leaf:
            arrivals = self.backward.arrivals(target)
            return self._move(arrivals[-1] + 1 if arrivals else 0)
        return self._move(self.backward.place[target.node] + 1)

    def _entry(self, module: Any) -> int:
        """The first step inside a module, given by itself or by its path; -1 for no such path."""
        by_path = isinstance(module, str)
        for k, node in enumerate(self.backward.order):
            for scope in self.program.scopes(node):
                if by_path and module in (scope.path, self.program.scope_name(scope)):
                    return k
                if not by_path and scope.module() is module:
                    return k
        if by_path:
            return -1
        raise ValueError(
            f"goto: no operation of this pass was recorded in that {type(module).__name__}; call "
            "it inside of `with autograd.trace():`, which remembers the modules"
        )

    def run(self) -> Self:
        """Goes on to the next stop (see `stop_at`), or to the end."""
        self.stopped = ""
        for k in range(self.position, len(self)):
            self._move(k + 1)
            reason = next(
                filter(None, (check(cast("Stepper", self), k) for check in self._conditions)), ""
            )
            if reason:
                self.stopped = reason
                return self
        return self

    def finish(self) -> Self:
        """Goes to the end, past all stops."""
        return self._move(len(self))

    def stop_at(
        self,
        nonfinite: bool = False,
        norm_above: float | None = None,
        norm_below: float | None = None,
        op: str | None = None,
        module: str | None = None,
        line: int | str | None = None,
        when: Callable[[State], Any] | None = None,
    ) -> Self:
        """Adds conditions at which `run` stops, after the step that fulfils one of them.

        Args:
            nonfinite: a gradient has a NaN or an infinity.
            norm_above, norm_below: a gradient's 2-norm is beyond this.
            op: the operation's name; `*` and `?` as in file names.
            module: the path (or the type) of a module around the node, such as "enc.*".
            line: a source line, 12 or "train.py:12".
            when: a function of the state.
        """
        found = conditions(nonfinite, norm_above, norm_below, op, module, line, when)
        if not found:
            raise ValueError("stop_at: give at least one condition, such as nonfinite=True")
        self._conditions += found
        return self

    def clear_stops(self) -> Self:
        """Removes all conditions."""
        self._conditions.clear()
        return self

    def __iter__(self) -> Iterator[State]:
        """From here to the end, a state after each step."""
        while self.position < len(self):
            yield self.next().state(self.position)

    def _move(self, k: int) -> Self:
        self.stopped = ""
        try:
            self.backward.advance(k)
        except Exception:
            self.position = min(k, self.backward.done)
            raise
        self.position = k
        return self

    def _check_position(self, k: int) -> None:
        if not 0 <= k <= len(self):
            raise IndexError(f"there is no position {k}; they go from 0 to {len(self)}")


def _count(n: Any, name: str) -> int:
    if isinstance(n, bool) or not isinstance(n, (int, np.integer)) or n < 0:
        raise ValueError(f"{name}: the number of steps must be 0 or more, got {n!r}")
    return int(n)
