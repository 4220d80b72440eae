"""The sums behind the elements of matrix products and linear layers, with the operands' names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from .elements import Rule


class Term(NamedTuple):
    """`factor · upstream`; `alone` where the rule has no factor."""

    factor: float
    upstream: float
    alone: bool = False


def brackets(*index: Any) -> str:
    """`[3,1]`; nothing for a number.

    >>> brackets(3, 1), brackets()
    ('[3,1]', '')
    """
    return f"[{','.join(map(str, index))}]" if index else ""


def products(rule: Rule, index: tuple[int, ...]) -> tuple[str, list[Term]] | None:
    """The sum with names, and its terms; None for what is no product of known operands."""
    op, g = getattr(rule.node, "op_name", ""), rule.step.upstream
    if isinstance(g, list) or np.ndim(g) < 2:
        return None
    if op == "linear":
        return _linear(rule, index, np.asarray(g))
    if op == "matmul":
        return _matmul(rule, index, np.asarray(g))
    return None


def _linear(rule: Rule, index: tuple[int, ...], g: np.ndarray) -> Any:
    """y[..., o] = Σ_j x[..., j] w[o, j] + b[o]."""
    if rule.slot == 2:
        (o,) = index
        places = list(np.ndindex(g.shape[:-1]))
        terms = [Term(1.0, g[*p, o], True) for p in places]
        return f"Σ_k g[k,{o}]", terms
    other = rule.value(1 - rule.slot)
    if other is None:
        return None
    name, value = other
    if rule.slot == 1:
        return _over_rows(index[0], index[1], name, value, g)
    *row, j = index
    terms = [Term(value[k, j], g[*row, k]) for k in range(g.shape[-1])]
    return f"Σ_k {name}[k,{j}] · g{brackets(*row, 'k')}", terms


def _over_rows(o: int, j: int, name: str, x: np.ndarray, g: np.ndarray) -> Any:
    """Σ over all rows of x[row, j] g[row, o]."""
    rows = list(np.ndindex(g.shape[:-1]))
    if x.shape[:-1] != g.shape[:-1]:
        return None
    terms = [Term(x[*r, j], g[*r, o]) for r in rows]
    return f"Σ_i {name}[i,{j}] · g[i,{o}]", terms


def _matmul(rule: Rule, index: tuple[int, ...], g: np.ndarray) -> Any:
    """out[..., i, k] = Σ_j x[..., i, j] y[..., j, k]; leading dimensions equal, or y a matrix."""
    other = rule.value(1 - rule.slot)
    if other is None or other[1].ndim < 2 or len(rule.shape) < 2:
        return None
    name, value = other
    if rule.slot == 1 and len(rule.shape) == 2:
        return _over_rows(index[1], index[0], name, value, g)
    *batch, row, column = index
    if rule.slot == 0:
        lead = [] if value.ndim == 2 else batch
        if value.ndim > 2 and value.shape[:-2] != rule.shape[:-2]:
            return None
        if g.shape[:-1] != rule.shape[:-1]:
            return None
        terms = [Term(value[*lead, column, k], g[*batch, row, k]) for k in range(g.shape[-1])]
        symbols = f"Σ_k {name}{brackets(*lead, column, 'k')} · g{brackets(*batch, row, 'k')}"
        return symbols, terms
    if value.shape[:-2] != rule.shape[:-2] or g.shape[:-2] != rule.shape[:-2]:
        return None
    terms = [Term(value[*batch, k, row], g[*batch, k, column]) for k in range(g.shape[-2])]
    symbols = f"Σ_k {name}{brackets(*batch, 'k', row)} · g{brackets(*batch, 'k', column)}"
    return symbols, terms
