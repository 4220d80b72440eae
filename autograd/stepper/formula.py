"""The chain rule as a line of text, with names and then with numbers in it.

`∂L/∂b += g · a = −0.277 × 2 = −0.553 (was 0.1, now −0.453)`
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from ..errors import described
from ..function import Op
from .forward import Forward
from .values import short

UNKNOWN = "backward(g)"
"""The rule of an operation that has no formula, such as a user's own Function."""

NOTHING_YET = "not computed yet"
LONGEST = 120
"""Formulas with numbers that are longer are left out; the one with names says enough."""

WRITTEN = 9
"""Arrays of at most so many elements are written out."""

_WORD = re.compile(r"(?<![\w.])[A-Za-z_]\w*(?![\w(])(?!\.(?!mT\b))")


def rule(node: Any, slot: int) -> str:
    """The display rule of an argument, in the names of the operation's own parameters."""
    if not isinstance(node, Op):
        return UNKNOWN
    position = slot if node.variadic is None else min(slot, node.variadic)
    return node.formula.get(node.parameters[position], UNKNOWN)


def named(forward: Forward, node: Any, slot: int) -> str:
    """The rule with the names of the operands in the place of the parameters'."""
    names = {"out": forward.label(node)}
    for operand in forward.operands(node):
        if operand.target is not None:
            names[operand.role] = forward.label(operand.target)
        elif operand.value is not None:
            names[operand.role] = operand.name or _constant(operand.value, operand.role)
        elif operand.text:
            names[operand.role] = operand.text
    return _typeset(_substituted(rule(node, slot), names), "·")


def numbers(forward: Forward, node: Any, slot: int, upstream: Any) -> str:
    """The rule with numbers in it; empty unless all of them are known and 0-d."""
    text = rule(node, slot)
    if not isinstance(node, Op) or node.shape != () or text == UNKNOWN:
        return ""
    values: dict[str, Any] = {"g": upstream, "out": forward.value(node)}
    for operand in forward.operands(node):
        values[operand.role] = (
            forward.value(operand.target) if operand.target is not None else operand.value
        )
    names = {}
    for word in set(_WORD.findall(text)):
        if word not in values:
            continue
        value = values[word]
        if value is None or np.ndim(value) != 0:
            return ""
        number = short(np.asarray(value)[()])
        names[word] = f"({number})" if number.startswith("−") and text != word else number
    found = _typeset(_substituted(text, names), "×")
    if not names or len(found) > LONGEST or re.search(r"[a-z]{2,} [a-z]", found):
        return ""
    # A number with a sign needs no brackets at the start.
    return re.sub(r"^\((−[^()]+)\)", r"\1", found)


def _substituted(text: str, names: dict[str, str]) -> str:
    return _WORD.sub(lambda match: names.get(match[0], match[0]), text)


def _typeset(text: str, times: str) -> str:
    text = text.replace("**", "^").replace(" * ", f" {times} ").replace(".mT", "ᵀ")
    text = re.sub(r"\^([23])(?![\d.])", lambda power: "²³"[int(power[1]) - 2], text)
    return text.replace(" - ", " − ")


def _constant(value: Any, role: str) -> str:
    return short(value[()]) if np.ndim(value) == 0 else role


def contribution_line(
    forward: Forward, node: Any, slot: int, step: Any, root: str | None = None
) -> str:
    """One contribution as a line: what it is added to, the rule, the numbers, before and after."""
    edge = node.edges[slot]
    c, before, after = step.contributions[slot], step.before[slot], step.after[slot]
    head = f"∂{root or forward.root_label()}/∂{forward.label(edge)} += {named(forward, node, slot)}"
    if np.ndim(c) == 0:
        several = isinstance(step.upstream, list)
        substituted = "" if several else numbers(forward, node, slot, step.upstream)
        total = short(np.asarray(c)[()])
        middle = f" = {substituted}" if substituted not in ("", total) else ""
        was = NOTHING_YET if before is None else short(np.asarray(before)[()])
        return f"{head}{middle} = {total} (was {was}, now {short(np.asarray(after)[()])})"
    if before is None:
        return f"{head} = {summary(c)} (was {NOTHING_YET})"
    return f"{head} = {summary(c)} (was {summary(before)}, now {summary(after)})"


def _written(x: np.ndarray) -> str:
    if x.ndim == 0:
        return short(x[()])
    return f"[{', '.join(map(_written, x))}]"


def summary(x: Any) -> str:
    """An array in a few words."""
    x = np.asarray(x)
    if x.ndim == 0:
        return short(x[()])
    if x.size <= WRITTEN:
        return f"{described(x)} {_written(x)}"
    with np.errstate(all="ignore"):
        norm = np.sqrt(np.sum(np.square(x, dtype=np.float64)))
    return f"{described(x)} of norm {short(norm)}"
