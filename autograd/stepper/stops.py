"""Conditions at which `run` stops, as breakpoints of a debugger."""

from __future__ import annotations

import fnmatch
import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from .stepper import Stepper

Condition = Callable[["Stepper", int], str]
"""What a stepper and a step number answer with the reason to stop there, or with nothing."""


def conditions(
    nonfinite: bool = False,
    norm_above: float | None = None,
    norm_below: float | None = None,
    op: str | None = None,
    module: str | None = None,
    line: int | str | None = None,
    when: Callable[[Any], Any] | None = None,
) -> list[Condition]:
    """The conditions that were asked for; each stops alone."""
    found: list[Condition] = []
    if nonfinite:
        found.append(_nonfinite)
    if norm_above is not None:
        found.append(_norm(norm_above, above=True))
    if norm_below is not None:
        found.append(_norm(norm_below, above=False))
    if op is not None:
        found.append(_op(op))
    if module is not None:
        found.append(_module(module))
    if line is not None:
        found.append(_line(line))
    if when is not None:
        if not callable(when):
            raise TypeError(
                f"stop_at: `when` must be a function of the state, as in lambda st: "
                f"st.label == 'w', got {type(when).__name__}"
            )
        found.append(_when(when))
    return found


def _gradients(stepper: Stepper, k: int) -> list[Any]:
    """The upstream gradient and the contributions of a step."""
    step = stepper.backward.step(k)
    if not step.reached:
        return []
    upstream = step.upstream if isinstance(step.upstream, list) else [step.upstream]
    return [g for g in (*upstream, *step.contributions) if g is not None]


def _nonfinite(stepper: Stepper, k: int) -> str:
    bad = {"nan", "inf"} & set(stepper.backward.step(k).flags)
    return "a gradient is not finite" if bad else ""


def norm(x: Any) -> float:
    """The 2-norm in float64, of NaN if there is one."""
    flat = np.asarray(x, np.float64).reshape(-1)
    with np.errstate(all="ignore"):
        return math.sqrt(float(np.dot(flat, flat)))


def _norm(limit: Any, above: bool) -> Condition:
    name = "norm_above" if above else "norm_below"
    if isinstance(limit, bool) or not isinstance(limit, (int, float)) or limit != limit:
        raise TypeError(f"stop_at: {name} must be a number, as in {name}=1e3, got {limit!r}")

    def check(stepper: Stepper, k: int) -> str:
        for g in _gradients(stepper, k):
            size = norm(g)
            if size > limit if above else size < limit:
                return f"a gradient has norm {size:.4g}, {'above' if above else 'below'} {limit:g}"
        return ""

    return check


def _op(pattern: str) -> Condition:
    def check(stepper: Stepper, k: int) -> str:
        op = stepper.forward.op(stepper.backward.order[k])
        return f"the operation is {op}" if fnmatch.fnmatchcase(op, pattern) else ""

    return check


def _module(pattern: str) -> Condition:
    def check(stepper: Stepper, k: int) -> str:
        program = stepper.program
        for scope in program.scopes(stepper.backward.order[k]):
            name = program.scope_name(scope)
            if any(fnmatch.fnmatchcase(n, pattern) for n in (scope.path, name, scope.type)):
                return f"the module is {name}"
        return ""

    return check


def _line(line: int | str) -> Condition:
    file, _, number = str(line).rpartition(":")
    if not number.isdigit():
        raise ValueError(f'stop_at: line must be a number or "file.py:12", got {line!r}')

    def check(stepper: Stepper, k: int) -> str:
        place = stepper.program.line(stepper.backward.order[k])
        if place is None or place[1] != int(number) or not place[0].endswith(file):
            return ""
        return f"the line is {line}"

    return check


def _when(when: Callable[[Any], Any]) -> Condition:
    def check(stepper: Stepper, k: int) -> str:
        return "`when` is true" if when(stepper.state(k + 1)) else ""

    return check
