"""The node that the fused recurrent operations share: their rules, and how these find their values.

The loop back through time runs once for all rules and finds the deltas, the gradients by what goes
into the gates at each step; the rules are products with those. With `create_graph=True`, and under
`vmap`, the gradients are those of the composite.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, NamedTuple

import numpy as np

from ..batching.samples import is_batched
from ..engine import grad
from ..function import Op
from ..grad_mode import enable_grad
from ..tensor import Tensor, wrap


class Found(NamedTuple):
    """What the loop back through time finds, and what the rules multiply it with."""

    deltas: np.ndarray  # (gates, rows)
    x: np.ndarray  # (rows, in)
    h: np.ndarray  # that each row started from, (rows, hidden)
    w_ih: np.ndarray
    h0: np.ndarray  # gradients by the initial states, (features, sequences)
    c0: Any = None
    by_h: Any = None  # with a projection: the gradients by its result, (features, rows)
    cells: Any = None  # and what was projected, (rows, features)


RULES: dict[str, Callable[[Found], Any]] = {
    "x": lambda found: found.deltas.T @ found.w_ih,
    "h0": lambda found: found.h0.T.copy(),
    "w_ih": lambda found: found.deltas @ found.x,
    "w_hh": lambda found: found.deltas @ found.h,
    "b_ih": lambda found: found.deltas.sum(1),
    "b_hh": lambda found: found.deltas.sum(1),
}
FORMULAS = {
    "x": "δ @ w_ih, with δ the gradient by what goes into the gates",
    "h0": "what came back from step 0",
    "w_ih": "sum over t of δ[t].mT @ x[t]",
    "w_hh": "sum over t of δ[t].mT @ h[t-1]",
    "b_ih": "sum of δ",
    "b_hh": "sum of δ",
}


class Recurrent(Op, abstract=True):
    """What the three share: x (rows of all steps, in) and states (sequences, features) or None.

    The results are h of all steps, and the last states. `rules` hold for arrays.
    """

    public, saves_on_ctx = False, True
    rules: ClassVar[dict[str, Callable[[Found], Any]]]
    composite: Callable[..., Any]  # the same on Tensors, step by step
    through_time: Callable[..., Found]  # of ctx, the upstream gradients and the arguments

    before: np.ndarray
    kept: list[Any]  # by step, in the order of the loop
    found: list[Any]  # [upstream gradients, what was found for them]

    def __init_subclass__(cls, abstract: bool = False) -> None:
        cls.backward = {name: _either(name, rule) for name, rule in cls.rules.items()}
        super().__init_subclass__(abstract)

    @classmethod
    def _plan(cls, needs: tuple[bool, ...]) -> tuple[Any, bool]:
        return frozenset(range(len(needs))), False  # the composite starts from all arguments

    def _remembered(self, g: Any, find: Callable[..., Any], graph: bool) -> Any:
        """`find(self, g, *arguments)`, the same for all rules of one step of a backward pass."""
        known = vars(self).get("found")
        if known is None or known[0] is not g:
            values = [self._value(i, graph) for i in range(len(self.parameters))]
            known = self.found = [g, find(self, g, *values)]
        return known[1]


def _either(name: str, rule: Callable[[Found], Any]) -> Callable[[Any, Any], Any]:
    def gradient(g: Any, ctx: Any) -> Any:
        if any(isinstance(part, Tensor) for part in g):
            return ctx._remembered(g, _by_composite, True)[ctx.parameters.index(name)]
        if is_batched(g):  # the loop works in memory of its own, which has no place for a batch
            return ctx._remembered(g, _batched, True)[ctx.parameters.index(name)]._data
        return rule(ctx._remembered(g, type(ctx).through_time, False))

    return gradient


@enable_grad()
def _batched(ctx: Any, g: Any, *args: Any) -> list[Any]:
    return _by_composite(ctx, [None if part is None else wrap(part) for part in g], *args)


def _by_composite(ctx: Any, g: Any, *args: Any) -> list[Any]:
    """The gradients by all arguments, as part of the graph."""
    # Clones, since one argument may depend on another, and each rule is by its own alone.
    own = [a if edge is None else a.clone() for a, edge in zip(args, ctx.edges, strict=True)]
    outs = type(ctx).composite(*own)
    pairs = [(out, part) for out, part in zip(outs, g, strict=True) if part is not None]
    wanted = [i for i, edge in enumerate(ctx.edges) if edge is not None]
    found = grad(
        [out for out, _ in pairs],
        [own[i] for i in wanted],
        [part for _, part in pairs],
        create_graph=True,
        allow_unused=True,
    )
    gradients: list[Any] = [None] * len(args)
    for i, by in zip(wanted, found, strict=True):
        gradients[i] = by
    return gradients
