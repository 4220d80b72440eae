"""One element of a gradient as the sum that it is: `dW[3,1] = Σ_i x[i,3] · g[i,1] = ...`.

Every rule is linear in the upstream gradient, so an element of a contribution is a sum of factors
times elements of that gradient. For products element by element and for matrix products the
factors are read off the operands. For every other operation they are the derivative of that element
by the upstream gradient, which the engine gives, since rules can be differentiated themselves.
"""

from __future__ import annotations

import heapq
import math
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from ..custom import FunctionNode
from ..engine import fitted, grad
from ..errors import GraphError
from ..grad_mode import enable_grad
from ..tensor import wrap
from . import formula
from .local import asked, elementwise, local, pull
from .products import Term, brackets, products
from .values import FULL, number, short

if TYPE_CHECKING:
    from .backward import Step
    from .build import Builder
    from .forward import Forward
    from .stepper import Stepper

SHOWN = 6
LETTERS = "ijklmnpqrst"


class Sum:
    """One element of a contribution as a sum of terms.

    Prints as `dW[3,1] = Σ_i x[i,3] · g[i,1] = 0.2 × (−1.1) + ... = −0.31`.
    """

    def __init__(self, name: str, symbols: str, terms: list[Term], value: float) -> None:
        self.name, self.symbols, self.terms, self.value = name, symbols, terms, value

    def __str__(self) -> str:
        terms = self.terms
        if len(terms) > SHOWN:
            terms = heapq.nlargest(SHOWN, terms, key=lambda t: abs(t.factor * t.upstream))
        shown = [_product(t) for t in terms]
        if len(self.terms) > SHOWN:
            shown.append(f"… ({len(self.terms) - SHOWN} smaller terms)")
        numbers = " + ".join(shown) or "0 (nothing flows here)"
        symbols = f" = {self.symbols}" if self.symbols else ""
        return f"{self.name}{symbols} = {numbers} = {short(self.value)}"

    __repr__ = __str__


def _product(term: Term) -> str:
    factor, g = short(term.factor), short(term.upstream)
    if term.alone:
        return f"({g})" if g.startswith("−") else g
    return " × ".join(f"({x})" if x.startswith("−") else x for x in (factor, g))


class Rule:
    """The rule of one argument of a node in one step, element by element."""

    def __init__(self, forward: Forward, step: Step, slot: int) -> None:
        self.forward, self.step, self.slot, self.node = forward, step, slot, step.node
        self.edge = step.node.edges[slot]
        self.shape = tuple(self.edge.shape)
        self.several = isinstance(step.upstream, list)
        self._values: dict[int, tuple[str, np.ndarray] | None] = {}

    def element(self, index: tuple[int, ...]) -> Sum:
        """The sum behind one element of the contribution."""
        value = np.asarray(self.step.contributions[self.slot])[index]
        name = f"d{self.forward.label(self.edge)}{brackets(*index)}"
        if elementwise(self.node):
            symbols, terms = self._elementwise(index)
        else:
            symbols, terms = products(self, index) or self._linear(index)
        return Sum(name, symbols, terms, value)

    def value(self, slot: int) -> tuple[str, np.ndarray] | None:
        """Name and value of another operand of the node; None where it is not known."""
        if slot not in self._values:
            self._values[slot] = self._operand(slot)
        return self._values[slot]

    def _operand(self, slot: int) -> tuple[str, np.ndarray] | None:
        for operand in self.forward.operands(self.node):
            if operand.slot == slot and operand.target is not None:
                found = self.forward.value(operand.target)
                return None if found is None else (self.forward.label(operand.target), found)
            if operand.slot == slot and operand.value is not None:
                return operand.name or operand.role, operand.value
        return None

    @cached_property
    def _local(self) -> np.ndarray | None:
        c = self.step.contributions[self.slot]
        found = local(self.node, self.slot, np.asarray(self.step.upstream), c)
        return None if found is None else np.broadcast_to(found, self.node.shape)

    @cached_property
    def _named(self) -> str:
        return formula.named(self.forward, self.node, self.slot)

    def _elementwise(self, index: tuple[int, ...]) -> tuple[str, list[Term]]:
        g, factors, rule = np.asarray(self.step.upstream), self._local, self._named
        if factors is None:
            return self._linear(index)
        places = _broadcast_places(index, self.shape, self.node.shape)
        summed = _summed_letters(self.shape, self.node.shape)
        symbols = f"Σ_{summed} {rule}" if summed else rule
        return symbols, [Term(factors[p], g[p], rule == "g") for p in places]

    # Any other operation ---------------------------------------------------------------------

    def _linear(self, index: tuple[int, ...]) -> tuple[str, list[Term]]:
        terms = []
        for part, g in self._parts():
            factors = self._factors(part, index)
            for place in zip(*np.nonzero(factors), strict=True) if g.ndim else [()]:
                terms.append(Term(factors[place], g[place]))
        return ("∂out/∂in · g" if len(terms) == 1 else "Σ_k ∂out[k]/∂in · g[k]"), terms

    def _factors(self, part: int | None, index: tuple[int, ...]) -> np.ndarray:
        """The derivative of element `index` of the contribution by the upstream gradient."""
        self._check()
        wanted = wrap(np.array(self.step.upstream if part is None else self.step.upstream[part]))
        wanted.requires_grad_()
        upstream: Any = wanted
        if part is not None:
            upstream = [None if g is None else wrap(np.asarray(g)) for g in self.step.upstream]
            upstream[part] = wanted
        with enable_grad():
            found = asked(self.node, self.slot, upstream, True)
            if found is None:
                raise ValueError(self._refusal())
            element = fitted(found, self.edge, self.node)[index]
            if not element.requires_grad:
                return np.zeros_like(wanted._data)
            (factors,) = grad(element, wanted, materialize_grads=True)
        assert factors is not None
        return factors._data

    def _parts(self) -> list[tuple[int | None, np.ndarray]]:
        if not self.several:
            return [(None, np.asarray(self.step.upstream))]
        parts = enumerate(self.step.upstream)
        return [(i, np.asarray(g)) for i, g in parts if g is not None]

    def column(self, part: int | None, p: int) -> np.ndarray:
        """How the contribution changes with element `p` of the upstream gradient (of a result)."""
        self._check()
        unit: Any
        if part is None:
            unit = np.zeros(self.node.shape, self.node.dtype)
            unit.reshape(-1)[p] = 1
        else:
            unit = [None if g is None else np.zeros_like(g) for g in self.step.upstream]
            unit[part].reshape(-1)[p] = 1
        found = pull(self.node, self.slot, unit)
        if found is None:
            raise ValueError(self._refusal())
        return fitted(found, self.edge, self.node)

    def _check(self) -> None:
        if isinstance(self.node, FunctionNode):
            raise ValueError(
                f"element: {self.forward.op(self.node)} is a Function of your own; its backward "
                "is not called again to take its result apart"
            )

    def _refusal(self) -> str:
        return f"element: the rule of {self.forward.op(self.node)} cannot be asked again here"


def element(stepper: Stepper, target: Any, index: tuple[Any, ...]) -> list[Sum]:
    """The sums behind one element of what the current step adds to a gradient."""
    if stepper.position == 0:
        raise ValueError("element: no step has been taken yet; next() takes the first")
    step = stepper.backward.step(stepper.position - 1)
    slots = [slot for slot, edge, *_ in step.arriving() if edge is target]
    label = stepper.forward.label(target)
    if not slots:
        raise ValueError(
            f"element: the current step, of {stepper.forward.label(step.node)}, adds nothing to "
            f"{label}; goto a node that uses it (why({label!r}) lists them)"
        )
    place = _place(index, tuple(target.shape), label)
    with stepper._saved(step.node):
        return [Rule(stepper.forward, step, slot).element(place) for slot in slots]


def _place(index: tuple[Any, ...], shape: tuple[int, ...], label: str) -> tuple[int, ...]:
    if len(index) == 1 and isinstance(index[0], tuple):
        index = index[0]
    if len(index) != len(shape):
        raise IndexError(
            f"element: {label} has shape {list(shape)}, so an element of it has {len(shape)} "
            f"indices, got {len(index)}"
        )
    for i, n in zip(index, shape, strict=True):
        if not -n <= i < n:
            raise IndexError(
                f"element: {list(index)} is outside of {label}, of shape {list(shape)}"
            )
    return tuple(int(i) % n for i, n in zip(index, shape, strict=True))


def _broadcast_places(
    index: tuple[int, ...], shape: tuple[int, ...], out: tuple[int, ...]
) -> list[tuple[int, ...]]:
    """The elements of the result that broadcasting made of element `index`."""
    extra = len(out) - len(shape)
    ranges: list[Any] = [range(n) for n in out[:extra]]
    for i, size, n in zip(index, shape, out[extra:], strict=True):
        ranges.append(range(n) if size == 1 and n != 1 else (i,))
    grid = np.meshgrid(*ranges, indexing="ij") if ranges else []
    return list(zip(*(a.reshape(-1).tolist() for a in grid), strict=True)) if grid else [()]


def _summed_letters(shape: tuple[int, ...], out: tuple[int, ...]) -> str:
    extra = len(out) - len(shape)
    summed = [i for i in range(len(out)) if i < extra or (shape[i - extra] == 1 and out[i] != 1)]
    return ",".join(LETTERS[i % len(LETTERS)] for i in summed)


# For a trace -------------------------------------------------------------------------------------


def expansion(builder: Builder, step: Step, slot: int, room: int) -> tuple[Any, int]:
    """The `expand` of an edge (docs/trace.md) and how many terms it has; (None, 0) if too many."""
    rule = Rule(builder.forward, step, slot)
    if elementwise(step.node):
        return {"kind": "elementwise"}, 0
    if getattr(step.node, "op_name", "") == "matmul":
        row = builder.columns["inputs"][builder.ids[step.node]]
        if all(isinstance(i, int) and len(builder.columns["shape"][i]) == 2 for i in row):
            return {"kind": "matmul", "other": row[1 - slot]}, 0
    n = math.prod(rule.shape)
    if isinstance(step.node, FunctionNode) or n > FULL or not n:
        return None, 0
    if sum(g.size for _, g in rule._parts()) > FULL:
        return None, 0
    try:
        terms = _all_terms(rule, n)
    except (ValueError, GraphError):
        return None, 0
    used = sum(map(len, terms))
    return ({"kind": "terms", "terms": terms}, used) if used <= room else (None, 0)


def _all_terms(rule: Rule, n: int) -> list[list[Any]]:
    """For each element of the contribution, [place in the upstream gradient, factor] pairs."""
    terms: list[list[Any]] = [[] for _ in range(n)]
    for part, g in rule._parts():
        for p in range(g.size):
            column = np.asarray(rule.column(part, p)).reshape(-1)
            for e in np.flatnonzero(column):
                terms[e].append([p if part is None else [part, p], number(column[e])])
    return terms
