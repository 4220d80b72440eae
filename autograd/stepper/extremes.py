"""The sums behind the elements that a picture of a large tensor shows: the extremes of its blocks.

A trace does not hold all elements of a large contribution, and so no element's sum. What its
heat map shows is one element per block, and those few sums it does hold.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import GraphError
from .elements import Rule
from .local import elementwise
from .values import BLOCKS, FULL, extremes

if TYPE_CHECKING:
    from .backward import Step
    from .forward import Forward

LONGEST = 4096
"""Sums of more terms are left out: they take too long, and nobody reads them."""


def extreme_sums(forward: Forward, step: Step, slot: int, room: int) -> tuple[list[Any], int]:
    """[[index, text], ...] for the elements of a contribution's preview, and how many terms.

    Nothing for small contributions, which are kept whole, nor for operations whose rule would have
    to be asked for one unit vector after the other.
    """
    contribution = np.asarray(step.contributions[slot])
    if contribution.size <= FULL:
        return [], 0
    if elementwise(step.node):
        terms = 1
    elif getattr(step.node, "op_name", "") in ("linear", "matmul"):
        upstream = np.asarray(step.upstream)
        last = max(1, upstream.shape[-1]) if upstream.ndim else 1
        terms = max(last, upstream.size // last)
    else:
        return [], 0
    if terms > LONGEST or BLOCKS * BLOCKS * terms > room:
        return [], 0
    rule = Rule(forward, step, slot)
    places = np.array(np.unravel_index(extremes(contribution), contribution.shape)).T.tolist()
    try:
        found = [[place, str(rule.element(tuple(place)))] for place in places]
    except (ValueError, GraphError):
        return [], 0
    return found, len(found) * terms
