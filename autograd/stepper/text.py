"""The state of a stepper as text: for terminals, `print`, and where nothing else can be shown."""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from ..leaf import Leaf
from . import formula
from .program import file_name
from .values import finite, short

if TYPE_CHECKING:
    from .stepper import Stepper

FEW = 12
"""So many gradients are listed; of more, those that changed last."""

FEW_WAITING = 4
"""More gradients that are not there yet share a line."""

_ASCII = str.maketrans(
    {
        "∂": "d",
        "·": "*",
        "×": "*",
        "−": "-",
        "∞": "inf",
        "│": "|",
        "²": "^2",
        "³": "^3",
        "Σ": "sum",
        "ᵀ": ".T",
        "→": "->",
        "←": "<-",
        "≈": "~",
        "Π": "prod",
        "…": "...",
    }
)


def text(stepper: Stepper, width: int | None = None, ascii: bool = False) -> str:
    """What is known at the stepper's position, in lines of at most `width` characters."""
    return laid_out(_lines(stepper), width, ascii)


def laid_out(lines: Iterable[tuple[str, int]], width: int | None, ascii: bool) -> str:
    """Lines, each with the indent of its continuations, for a terminal of that width."""
    columns = shutil.get_terminal_size((100, 24)).columns if width is None else width
    fitted = [
        part for line, hang in lines for part in _wrapped(_printable(line), max(columns, 30), hang)
    ]
    found = "\n".join(fitted)
    return found.translate(_ASCII).encode("ascii", "replace").decode() if ascii else found


def _printable(line: str) -> str:
    """Names are the user's: what would move a terminal's cursor is written out."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in line)


def _lines(stepper: Stepper) -> list[tuple[str, int]]:
    """Lines with the indent of their continuations; -1 for one that is cut, not wrapped."""
    k, total = stepper.position, len(stepper)
    root = stepper.forward.root_label()
    found: list[tuple[str, int]] = []
    if k == 0:
        found.append((f"start of the backward pass of {root}: {_steps(total)}", 4))
        found += _seeds(stepper)
        if any(not finite(root._data) for root in stepper.forward.roots):
            found += _cause(stepper)
        if total == 0:
            found.append((f"nothing to step: {root} is a leaf, and its gradient is the seed", 4))
    else:
        found += _step(stepper)
    if stepper.error is not None and k == stepper.backward.done:
        node = stepper.backward.order[k]
        found.append((f"the next step, of {_made(stepper, node)}, fails: {stepper.error}", 4))
    found += _gradients(stepper)
    if k < total and stepper.error is None:
        node = stepper.backward.order[k]
        where = stepper.program.where(node)
        found.append((f"next: {_made(stepper, node)}" + (f"   {where}" if where else ""), 4))
    elif k == total and stepper.optimizer is not None:
        found += [(line, 4) for line in stepper.update_lines()]
    if k == total and total:
        done = "committed to .grad" if stepper.committed else ".grad is untouched until commit()"
        found.append((f"the pass is complete; {done}", 4))
    return found


def _cause(stepper: Stepper) -> list[tuple[str, int]]:
    """The first value of the forward pass that is not finite."""
    node = stepper.forward.first_bad
    if node is None:
        return []
    where = stepper.program.where(node)
    at = f", {where}" if where else ""
    found = [(f"  ! the first value that is not finite: {_made(stepper, node)}{at}", 6)]
    return found + [(f"  {line}", indent + 2) for line, indent in _values(stepper, node)]


def _steps(n: int) -> str:
    return f"{n} step" + "s" * (n != 1)


def _seeds(stepper: Stepper) -> list[tuple[str, int]]:
    root = stepper.forward.root_label()
    return [
        (f"∂{root}/∂{stepper.forward.label(target)} = {formula.summary(seed)} (the seed)", 4)
        for target, seed in stepper.backward.seeds.items()
    ]


def _step(stepper: Stepper) -> list[tuple[str, int]]:
    state, forward, program = stepper.current, stepper.forward, stepper.program
    node, root = state.node, forward.root_label()
    head = f"step {state.k} of {len(stepper)}: {_made(stepper, node)}"
    found = [(head, 4)]
    if stepper.stopped:
        found.append((f"stopped: {stepper.stopped}", 4))
    scope = program.scope(node)
    if scope is not None:
        found.append((f"  in {state.module} ({scope.type})", 6))
    found += _source(stepper, node)
    found += _values(stepper, node)
    step = state._step
    if not step.reached:
        found.append(("  no gradient arrives here, so nothing happens", 6))
        return found
    label = forward.label(node)
    if isinstance(step.upstream, list):
        for i, g in enumerate(step.upstream):
            was = formula.NOTHING_YET if g is None else formula.summary(g)
            found.append((f"  g{i} = ∂{root}/∂{label}[{i}] = {was}", 6))
    else:
        found.append((f"  g = ∂{root}/∂{label} = {formula.summary(step.upstream)}", 6))
    if "hook" in step.flags:
        found.append(("  (a hook has changed g)", 6))
    with stepper._saved(node):
        for contribution in state.contributions:
            found.append((f"  {contribution.text}", 8))
    if not state.contributions:
        found.append(("  its rule returns no gradient", 6))
    bad = [flag for flag in step.flags if flag in ("nan", "inf")]
    if bad:
        words = " and ".join({"nan": "NaN", "inf": "infinite"}[flag] for flag in bad)
        found.append((f"  ! a gradient here is {words}", 6))
        found += _cause(stepper)
    return found


def _made(stepper: Stepper, node: Any) -> str:
    """`mul_1 = x1 * w1`, or the call."""
    forward = stepper.forward
    names, plain = [], []
    for operand in forward.operands(node):
        if operand.target is not None:
            names.append(forward.label(operand.target))
        elif operand.value is not None:
            scalar = operand.value.ndim == 0
            names.append(operand.name or (short(operand.value[()]) if scalar else operand.role))
        elif operand.text:
            plain.append(f"{operand.role}={operand.text}")
        else:
            names.append("constant")
    symbol = getattr(node, "symbol", "")
    if symbol and len(names) == 2:
        made = f"{names[0]} {symbol} {names[1]}"
    else:
        made = f"{forward.op(node)}({', '.join(names + plain)})"
    return f"{forward.label(node)} = {made}"


def _source(stepper: Stepper, node: Any) -> list[tuple[str, int]]:
    """The source lines with the node's part marked."""
    site = stepper.program.site(node)
    if site is None:
        return []
    line, column, end, end_column = site.positions
    turn = stepper.program.turn(node)
    loop = "" if turn is None else f", turn {turn[0]} of {turn[1]}"
    found = [(f"  {file_name(site.filename)}:{line} in {site.code.co_name}{loop}", 6)]
    for number in range(line, end + 1):
        code = site.text(number)
        if not code:
            continue
        found.append((f"  {number:5} │ {code}", -1))
        start = column if number == line else len(code) - len(code.lstrip())
        stop = end_column if number == end else len(code)
        found.append((f"        │ {' ' * start}{'^' * max(stop - start, 1)}", -1))
    return found


def _values(stepper: Stepper, node: Any) -> list[tuple[str, int]]:
    """The result's and the operands' values."""
    forward = stepper.forward
    found = []
    outputs = node.outputs or (node,)
    for output in outputs:
        found.append(f"{forward.label(output)} = {_value(forward.value(output), output)}")
    for operand in forward.operands(node):
        if operand.target is not None:
            value = _value(forward.value(operand.target), operand.target)
            found.append(f"{forward.label(operand.target)} = {value}")
        elif operand.value is not None and operand.value.ndim:
            found.append(f"{operand.name or operand.role} = {formula.summary(operand.value)}")
    return [("  " + "; ".join(dict.fromkeys(found)), 6)]


def _value(value: Any, target: Any) -> str:
    if value is None:
        return f"{target.dtype}{list(target.shape)}, value not kept"
    return formula.summary(value)


def _gradients(stepper: Stepper) -> list[tuple[str, int]]:
    """The gradients of the leaves so far."""
    forward, k = stepper.forward, stepper.position
    leaves = list(forward.leaves)
    if not leaves:
        return []
    changed = set()
    if k:
        changed = {edge for _, edge, *_ in stepper.backward.step(k - 1).arriving()}
    shown = leaves
    if len(leaves) > FEW:
        shown = [leaf for leaf in leaves if leaf in changed]
        shown += [leaf for leaf in leaves if leaf not in changed][: FEW - len(shown)]
    root = forward.root_label()
    known: list[str] = []
    waiting: list[str] = []
    for leaf in shown:
        g = stepper.backward.gradient(leaf, k)
        name = f"∂{root}/∂{forward.label(leaf)}"
        if g is None:
            waiting.append(name)
            continue
        left = _coming(stepper, leaf)
        more = f", {left} more to come" if left else ""
        mark = " *" if leaf in changed else ""
        known.append(f"  {name} = {formula.summary(g)}{more}{mark}")
    return listed(known, waiting, len(leaves) - len(shown))


def listed(known: list[str], waiting: list[str], more: int) -> list[tuple[str, int]]:
    """The gradients so far: a line for each that is there, and for the others if they are few."""
    found = ["gradients so far:", *known]
    if len(waiting) > FEW_WAITING:
        found.append(f"  {formula.NOTHING_YET}: {', '.join(waiting)}")
    else:
        found += [f"  {name} = {formula.NOTHING_YET}" for name in waiting]
    if more:
        found.append(f"  and {more} more leaves")
    return [(line, 6) for line in found]


def _coming(stepper: Stepper, leaf: Leaf) -> int:
    """How many steps that use a leaf are still to come."""
    return sum(k >= stepper.position for k in stepper.backward.arrivals(leaf))


def near(label: str, labels: list[str]) -> str:
    """`is a` or `are a, b, ...`: the labels that are like one that does not exist, else the last.

    >>> near("w", ["w1", "w2", "b"]), near("x", ["a"])
    ('are w1, w2, ...', 'is a')
    """
    found = [name for name in labels if label.lower() in name.lower()] or labels[::-1]
    more = ", ..." * (len(found[:5]) < len(labels))
    return f"{'is' if len(labels) == 1 else 'are'} {', '.join(found[:5])}{more}"


def _wrapped(line: str, width: int, hanging: int) -> list[str]:
    if len(line) <= width:
        return [line]
    if hanging < 0:
        return [line[: width - 1] + "…"]
    return textwrap.wrap(
        line,
        width,
        subsequent_indent=" " * hanging,
        break_long_words=True,
        drop_whitespace=True,
    )
