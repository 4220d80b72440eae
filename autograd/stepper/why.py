"""`why(w)`: where a gradient comes from, the largest part first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from . import formula
from .stops import norm
from .values import short

if TYPE_CHECKING:
    from .stepper import Stepper

SHOWN = 10


class Part(NamedTuple):
    """One contribution to a gradient."""

    k: int  # the step that made it
    consumer: str  # the label of the node that used the tensor
    op: str
    where: str  # file, line and turn, as far as they were recorded
    rule: str
    norm: float
    share: float  # of the sum of the norms
    value: Any  # the ndarray


class Why(list[Part]):
    """The contributions to one gradient, ranked by norm; printed as a table.

    `lines` has the same summed up by source line: (where, number of contributions, norm of their
    sum), the largest first.
    """

    def __init__(self, parts: list[Part], label: str, total: Any, lines: Any, note: str) -> None:
        super().__init__(parts)
        self.label, self.total, self.lines, self.note = label, total, lines, note

    def __str__(self) -> str:
        if not self:
            return f"∂/∂{self.label}: {self.note}"
        total = formula.summary(self.total)
        head = f"{self.label}: {total} = the sum of {len(self)} contribution"
        rows = [head + "s" * (len(self) != 1) + (f" ({self.note})" if self.note else "")]
        for part in self[:SHOWN]:
            size = short(part.value[()]) if part.value.ndim == 0 else f"norm {short(part.norm)}"
            where = f"   {part.where}" if part.where else ""
            rows.append(
                f"  {part.share:4.0%}  {size:>14}  by {part.consumer} ({part.op}, step {part.k}): "
                f"{part.rule}{where}"
            )
        if len(self) > SHOWN:
            rows.append(f"  and {len(self) - SHOWN} smaller ones")
        if len(self.lines) < len(self) and self.lines:
            rows.append("by source line:")
            rows += [
                f"  {where}: {count} contribution{'s' * (count != 1)}, their sum has norm "
                f"{short(size)}"
                for where, count, size in self.lines[:SHOWN]
            ]
        return "\n".join(rows)

    __repr__ = __str__


def why(stepper: Stepper, target: Any) -> Why:
    """The ranking for a target, up to the stepper's position."""
    forward, program, position = stepper.forward, stepper.program, stepper.position
    found = []
    sums: dict[str, list[Any]] = {}
    for k in stepper.backward.arrivals(target):
        if k >= position:
            break
        step = stepper.backward.step(k)
        for slot, edge, c, _, _ in step.arriving():
            if edge is not target:
                continue
            value = np.asarray(c)
            found.append((k, slot, step.node, value, norm(value)))
            place = program.line(step.node)
            if place is not None:
                where = program.where(step.node).partition(",")[0]
                count, total = sums.get(where, (0, 0.0))
                sums[where] = [count + 1, total + value.astype(np.float64)]
    whole = sum(size for *_, size in found)
    parts = [
        Part(
            k + 1,
            forward.label(node),
            forward.op(node),
            program.where(node),
            formula.named(forward, node, slot),
            size,
            size / whole if whole else 0.0,
            value,
        )
        for k, slot, node, value, size in found
    ]
    parts.sort(key=lambda part: -part.norm if part.norm == part.norm else -np.inf)
    lines = [(where, count, norm(total)) for where, (count, total) in sums.items()]
    lines.sort(key=lambda line: -line[2])
    left = sum(k >= position for k in stepper.backward.arrivals(target))
    note = f"{left} more to come" if left else ""
    total = stepper.backward.gradient(target, position)
    if not found:
        note = formula.NOTHING_YET if total is None else "the seed, nothing else was added"
    return Why(parts, forward.label(target), total, lines, note)
