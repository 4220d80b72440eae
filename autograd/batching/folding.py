"""Rules for operations that know batches themselves: the hidden dimension joins one of theirs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .array import Batched, Level, everywhere, levels_in

Rule = Callable[..., Any]


def folding(axes: dict[int, int], out: int = 0, **kept: int) -> Rule:
    """The rule that joins the hidden dimension of argument `i` with its dimension `axes[i]`.

    `out` is the dimension of the result that it is taken from again; `kept` says the same of what
    forward sets on ctx. It does not apply where another argument is Batched.
    """

    def rule(ctx: Any, run: Rule, level: Level, *args: Any) -> Any:
        others = [a for i, a in enumerate(args) if i not in axes]
        if any(found is level for found in levels_in(others)):
            return NotImplemented
        given = list(args)
        for i, axis in axes.items():
            if given[i] is not None:
                given[i] = _joined(everywhere(given[i], level), axis)
        result = run(*given)
        for name, axis in kept.items():
            if hasattr(ctx, name):
                setattr(ctx, name, _parted(getattr(ctx, name), axis, level))
        return _parted(result, out, level)

    return rule


def _joined(value: Any, axis: int) -> Any:
    """The first dimension before the one that is number `axis` of the others, as one with it."""
    at = axis % (value.ndim - 1)
    moved = np.moveaxis(value, 0, at)
    sizes = moved.shape
    return moved.reshape((*sizes[:at], sizes[at] * sizes[at + 1], *sizes[at + 2 :]))


def _parted(value: Any, axis: int, level: Level) -> Any:
    """The inverse of `_joined`."""
    at = axis % value.ndim
    sizes = value.shape
    parted = value.reshape((*sizes[:at], level.size, sizes[at] // level.size, *sizes[at + 1 :]))
    return Batched(np.moveaxis(parted, at, 0), level)
