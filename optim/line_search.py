"""The line search of L-BFGS: a step length that satisfies the strong Wolfe conditions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np


class Point(NamedTuple):
    """A point on the line: step length, loss, gradient, and the slope along the line."""

    t: Any
    f: float
    g: np.ndarray
    slope: Any


def cubic_minimum(a: Point, b: Point, bounds: tuple[Any, Any] | None = None) -> Any:
    """Where the cubic with these values and slopes is least, within `bounds` (or between the two).

    Nocedal and Wright, "Numerical Optimization", 2006, equation 3.59.
    """
    if a.t > b.t:
        a, b = b, a
    low, high = bounds or (a.t, b.t)
    d1 = a.slope + b.slope - 3 * (a.f - b.f) / (a.t - b.t)
    square = d1 * d1 - a.slope * b.slope
    if not square >= 0:
        return (low + high) / 2
    d2 = np.sqrt(square)
    t = b.t - (b.t - a.t) * ((b.slope + d2 - d1) / (b.slope - a.slope + 2 * d2))
    return min(max(t, low), high)


def strong_wolfe(
    at: Callable[[Any], Point],
    start: Point,
    t: Any,
    length: Any,
    tolerance_change: float,
    max_tries: int,
    c1: float = 1e-4,
    c2: float = 0.9,
) -> tuple[Point, int]:
    """A point with f <= f(0) + c1 * t * slope(0) and |slope| <= c2 * |slope(0)|.

    Nocedal and Wright, algorithms 3.5 and 3.6, in the form that PyTorch has from minFunc.

    Args:
        at: evaluates the loss at a step length.
        start: the point at length 0, with a negative slope.
        t: the first length to try.
        length: the largest component of the direction.
        tolerance_change: stop when the bracket is shorter than this, in the parameters.
        max_tries: how many lengths to try after the first.

    Returns:
        The point (the best one found, if none satisfies the conditions), and the number of
        evaluations.
    """

    def too_high(p: Point) -> bool:
        return p.f > start.f + c1 * p.t * start.slope

    def flat(p: Point) -> bool:
        return abs(p.slope) <= -c2 * start.slope

    # Longer and longer steps, until two of them enclose a solution.
    previous, new, tries = start, at(t), 0
    while tries < max_tries:
        if too_high(new) or (tries > 1 and new.f >= previous.f):
            break
        if flat(new):
            return new, tries + 1
        if new.slope >= 0:
            break
        t = cubic_minimum(previous, new, (new.t + 0.01 * (new.t - previous.t), new.t * 10))
        previous, new = new, at(t)
        tries += 1
    bracket = [start if tries == max_tries else previous, new]

    # A bracket that closes around a solution.
    low, high = _order(bracket)
    insufficient = False
    while tries < max_tries:
        left, right = sorted((bracket[0].t, bracket[1].t))
        if (right - left) * length < tolerance_change:
            break
        t = cubic_minimum(bracket[0], bracket[1])
        margin = 0.1 * (right - left)
        near = min(right - t, t - left) < margin
        if near and (insufficient or t >= right or t <= left):
            # Twice close to an end, or at it: move away from it.
            t = right - margin if abs(t - right) < abs(t - left) else left + margin
            near = False
        insufficient = near
        new = at(t)
        tries += 1
        if too_high(new) or new.f >= bracket[low].f:
            bracket[high] = new
            low, high = _order(bracket)
            continue
        done = flat(new)
        if not done and new.slope * (bracket[high].t - bracket[low].t) >= 0:
            bracket[high] = bracket[low]
        bracket[low] = new
        if done:
            break
    return bracket[low], tries + 1


def _order(bracket: list[Point]) -> tuple[int, int]:
    """Which end is the lower one, and which the higher."""
    return (0, 1) if bracket[0].f <= bracket[1].f else (1, 0)
