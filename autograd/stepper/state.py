"""`State`: everything that is known at one position of a stepper."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..tensor import Tensor, wrap
from . import formula
from .local import local

if TYPE_CHECKING:
    from .backward import Step
    from .stepper import Stepper


def tensor(x: Any) -> Any:
    """A gradient as a Tensor of its own, a list of them, or None."""
    if isinstance(x, list):
        return [tensor(part) for part in x]
    return None if x is None else wrap(np.array(x))


class Contribution:
    """What one node adds to the gradient of one of its operands."""

    def __init__(self, state: State, slot: int, target: Any) -> None:
        self._state, self.slot, self._target = state, slot, target

    @property
    def to(self) -> str:
        """The operand's label."""
        return self._state._forward.label(self._target)

    @property
    def rule(self) -> str:
        """The formula, with `g` for the upstream gradient, in the operation's own parameters."""
        return formula.rule(self._state.node, self.slot)

    @property
    def text(self) -> str:
        """The formula with names and numbers, and what it is added to."""
        state = self._state
        return formula.contribution_line(state._forward, state.node, self.slot, state._step)

    @property
    def contrib(self) -> Tensor:
        """What is added."""
        return tensor(self._state._step.contributions[self.slot])

    @property
    def before(self) -> Tensor | None:
        """What had arrived before; None if nothing had."""
        return tensor(self._state._step.before[self.slot])

    @property
    def after(self) -> Tensor:
        """The sum so far."""
        return tensor(self._state._step.after[self.slot])

    @property
    def local(self) -> Tensor | None:
        """The local derivative where it is an array, else None; see docs/trace.md."""
        state = self._state
        with state._stepper._saved(state.node):
            return tensor(
                local(
                    state.node,
                    self.slot,
                    state._step.upstream,
                    state._step.contributions[self.slot],
                )
            )

    def __repr__(self) -> str:
        return f"<{self.text}>"


class State:
    """The state after step `k` of a stepper; at position 0 only the seed is there.

    Attributes:
        k: the position.
        node: the node whose step was the last, None at position 0.
    """

    def __init__(self, stepper: Stepper, k: int) -> None:
        self._stepper, self.k = stepper, k
        self._forward = stepper.forward
        self.node: Any = stepper.backward.order[k - 1] if k else None

    @property
    def _step(self) -> Step:
        return self._stepper.backward.step(self.k - 1)

    @property
    def op(self) -> str:
        """The operation's name."""
        return "" if self.node is None else self._forward.op(self.node)

    @property
    def label(self) -> str:
        """The name of the node's result, or the operation's with a number."""
        return "" if self.node is None else self._forward.label(self.node)

    @property
    def module(self) -> str:
        """The path of the innermost module whose forward made the node."""
        program = self._stepper.program
        return "" if self.node is None else program.scope_name(program.scope(self.node))

    @property
    def where(self) -> str:
        """File, line, and the turn of the loop."""
        return "" if self.node is None else self._stepper.program.where(self.node)

    @property
    def line(self) -> int | None:
        """The number of the source line."""
        place = None if self.node is None else self._stepper.program.line(self.node)
        return None if place is None else place[1]

    @property
    def iteration(self) -> tuple[int, int] | None:
        """(i, n): the i-th of n nodes that this place of the program made; None for one alone."""
        return None if self.node is None else self._stepper.program.turn(self.node)

    @property
    def upstream(self) -> Any:
        """The gradient of the node's result, complete; a list where it has several results."""
        return None if self.node is None else tensor(self._step.upstream)

    @property
    def value(self) -> Any:
        """The node's result in the forward pass, None where it was not kept."""
        if self.node is None:
            return None
        outputs = self.node.outputs
        if outputs is None:
            return tensor(self._forward.value(self.node))
        return [tensor(self._forward.value(output)) for output in outputs]

    @property
    def inputs(self) -> dict[str, Tensor | None]:
        """The operands' values by label; None where a value was not kept."""
        found: dict[str, Tensor | None] = {}
        for operand in [] if self.node is None else self._forward.operands(self.node):
            if operand.target is not None:
                value = self._forward.value(operand.target)
                found[self._forward.label(operand.target)] = tensor(value)
            elif operand.value is not None:
                found[operand.name or operand.role] = tensor(operand.value)
        return found

    @property
    def contributions(self) -> list[Contribution]:
        """What the node adds to its operands."""
        if self.node is None:
            return []
        return [Contribution(self, slot, edge) for slot, edge, *_ in self._step.arriving()]

    @property
    def flags(self) -> list[str]:
        """What is notable: some of "nan", "inf", "hook", "unreached"."""
        return [] if self.node is None else self._step.flags

    def __repr__(self) -> str:
        if self.node is None:
            return "<State 0: the seed>"
        return f"<State {self.k}: {self.label}>"
