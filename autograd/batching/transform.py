"""Into a batch and out of it: the operations that hide a dimension and show it again.

What a function under `vmap` records is the graph of one element, on Batched arrays. Where that
graph leaves the batch, the gradients of all elements are added up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from ..axes import axis_of
from ..engine import tape
from ..function import Op, _new
from ..grad_mode import mode
from ..node import Output, next_sequence
from ..tensor import Tensor
from ..trees import leaves
from .array import Batched, Level

Function = Callable[..., Any]


class Hide(Op):
    """One element of a batch, which `axis` counted, in the place of all."""

    public = False
    backward = {"x": lambda g, axis, level: Reveal.call(g, axis, level)}
    formula = {"x": "g with its batch dimension"}

    def forward(x, axis, level):
        if type(x) is Batched and x.level.serial > level.serial:
            return Batched(Hide.forward(x.value, axis + 1, level), x.level)
        return Batched(np.moveaxis(x, axis, 0), level)


class Reveal(Op):
    """The whole batch, counted by `axis`, in the place of one element."""

    public = False
    backward = {"x": lambda g, axis, level: Hide.call(g, axis, level)}
    formula = {"x": "one element of g"}

    def forward(x, axis, level):
        if type(x) is Batched and x.level is level:
            return np.moveaxis(x.value, 0, axis)
        if type(x) is Batched and x.level.serial > level.serial:
            return Batched(Reveal.forward(x.value, axis + 1, level), x.level)
        return np.moveaxis(np.broadcast_to(x, (level.size, *x.shape)), 0, axis)


class Total(Op):
    """The sum over the batch."""

    public = False
    backward = {"x": lambda g, level: Shared.call(g, level)}
    formula = {"x": "g for each element"}

    def forward(x, level):
        return Reveal.forward(x, 0, level).sum(axis=0)


class Shared(Op):
    """What is the same for all elements of a batch; its gradient is the sum of theirs."""

    public = False
    backward = {"x": lambda g, level: Total.call(g, level)}
    formula = {"x": "sum of g over the batch"}

    def forward(x, level):
        return x

    @classmethod
    def record(cls, edge: Any, level: Level, sequence: int) -> Shared:
        """The node between `edge` and what used it."""
        node = _new(cls)
        node.edges, node.args = (edge, None), (None, level, None)
        node.shape, node.dtype, node.sequence = edge.shape, edge.dtype, sequence
        return node


@contextmanager
def running(level: Level) -> Iterator[None]:
    """While the block runs, random numbers are drawn as the level says."""
    before = mode.levels
    mode.levels = (*before, level)
    try:
        yield
    finally:
        mode.levels = before


def in_batch(function: Function, args: list[Any], dims: list[Any], level: Level) -> Any:
    """The result of `function` on `args` without their dimensions `dims` (None: as they are)."""
    with running(level):
        hidden = [
            x if d is None else Hide.apply(x, d % x.ndim, level)
            for x, d in zip(args, dims, strict=True)
        ]
        entries = {h._edge for h, d in zip(hidden, dims, strict=True) if d is not None}
        start = next_sequence()
        result = function(*hidden)
    roots = [x for x in leaves(result) if isinstance(x, Tensor) and x.requires_grad]
    _share(roots, entries, start, level)
    return result


def gradients_in_batch(grad: Function, vectors: list[Any]) -> tuple[Tensor | None, ...]:
    """`grad(*vectors)` for each entry along the first dimension of the vectors."""
    sizes = {v.shape[0] for v in vectors if isinstance(v, Tensor) and v.ndim}
    if len(sizes) != 1 or any(isinstance(v, Tensor) and not v.ndim for v in vectors):
        raise RuntimeError(
            "grad: with is_grads_batched=True, grad_outputs must be tensors whose first dimensions "
            "have the same size"
        )
    level = Level(*sizes)
    found = in_batch(grad, vectors, [v if v is None else 0 for v in vectors], level)
    return tuple(g if g is None else shown(g, 0, level) for g in found)


def shown(x: Tensor, place: int | None, level: Level) -> Tensor:
    """A result with the batch dimension at `place`; None: without, since it is the same for all."""
    if place is not None:
        return Reveal.apply(x, axis_of(place, x.ndim + 1), level)
    # The gradient belongs to one element, or it would count once for each of them.
    return Reveal.apply(x, 0, level)[0] if x.requires_grad else x


def _share(roots: list[Tensor], entries: set[Any], start: int, level: Level) -> None:
    """Puts a `Shared` node wherever the graph made since `start` leaves the batch.

    Inside, each element has its own gradient; what is the same for all of them gets the sum.
    """
    shared: dict[Any, Shared] = {}
    for node in tape(roots):
        if node.sequence <= start:
            continue
        node.edges = tuple(
            _shared(edge, entries, start, level, shared) if edge is not None else None
            for edge in node.edges
        )


def _shared(edge: Any, entries: set[Any], start: int, level: Level, known: dict[Any, Any]) -> Any:
    made_by = edge.node if type(edge) is Output else edge
    if made_by.sequence > start or edge in entries:
        return edge
    if edge not in known:
        known[edge] = Shared.record(edge, level, start)
    return known[edge]


def depends(x: Any, level: Level) -> bool:
    """Whether the tensor differs between the elements of the batch."""
    return isinstance(x, Tensor) and any(found is level for found in levels_of(x._data))


def levels_of(x: Any) -> Iterator[Level]:
    """All levels at which an array hides a dimension."""
    while type(x) is Batched:
        yield x.level
        x = x.value
