"""Seeing the graph: `draw(root)`, also as the Tensor method `loss.draw()`.

The other modules here are imported when something is drawn, so that importing the package stays
cheap: graph.py makes plain data of the tape, grouping.py and fold.py decide on the boxes, faces.py
on the words in them, layout.py on their places, and svg.py, dot.py, listing.py and page.py write.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from types import FrameType
from typing import TYPE_CHECKING, Any

from ..tensor import Tensor
from .collector import without_collector

if TYPE_CHECKING:
    from .drawing import Drawing

FEW_NODES = 1000
"""Up to so many nodes, `values` and `grads` are looked up for all and not only for those shown."""


def draw(
    root: Any,
    params: Any = None,
    *,
    depth: int | None = None,
    values: bool = False,
    grads: bool = False,
    rankdir: str | None = None,
    engine: str = "auto",
    legend: bool = True,
    max_boxes: int = 100,
) -> Drawing:
    """The graph that led to `root`, as a `Drawing` that a notebook shows as a picture.

    Boxes with round corners are operations with the shape and dtype of their results, square
    ones are parameters (leaves that require grad; dashed: frozen), sheets are data, a box with
    two outlines is a result. A constant that no operation had to save is not known; beside an
    operator it is noted as `const`, elsewhere it is left out.

    What was recorded under `autograd.trace()` is drawn too: frames around the operations of a
    module, and the source line of an operation when the mouse is on it. A graph of more than
    `max_boxes` nodes is folded, by modules, loops and stretches; the drawing says so.

    Args:
        root: a Tensor of any shape that requires grad, or a list, tuple or dict of them. It can
            be drawn before and after `backward()`. An `autograd.trace()` block in which the
            forward pass raised is drawn as far as it came, with the operation that failed.
        params: what names the leaves: a module, a dict from name to Tensor, or the result of
            `named_parameters()`. Other tensors are called by their attribute `name`, else by the
            variable of the caller that holds them, as in `x`, `w[0]` or `model.0.weight`.
        depth: how many levels of modules are opened: with 0 a model is one box, with 1 each of
            its direct submodules is, and so on.
        values: shows the value of every tensor: a number, or a heat map with statistics.
        grads: shows the `.grad` of every tensor that has one.
        rankdir: "LR" (left to right) or "TB" (top down), or "RL" or "BT"; by default what fits.
        engine: "auto", or "dot" to have Graphviz lay out the picture.
        legend: whether kinds of boxes are explained below the picture.
        max_boxes: how many boxes there are at most; more than about 100 are hard to read.

    Returns:
        A `Drawing`: `.svg`, `.dot`, `.html` and `.text` are its texts, `.save("g.svg")` writes a
        file in the format of its suffix: `.svg`, `.html`, `.txt`, `.dot`, and `.png` and `.pdf`
        where Graphviz is installed. `.source`, `.render` and `.pipe` are those of a
        `graphviz.Digraph`.

    Raises:
        TypeError: for a root that is no Tensor, such as a module.
        RuntimeError: for a root without a graph.

    >>> import autograd
    >>> x = autograd.tensor(3.0, requires_grad=True)
    >>> print(draw(x * x))
    Computation graph with 3 nodes
    1  □ x = 3           float32
    2  * ← 1, 1          float32
    3  ◎ output = 9 ← 2  float32
    <BLANKLINE>
    □ requires grad   ◎ result   ← made from
    <BLANKLINE>
    """
    frame = sys._getframe(1)
    roots, labels, failure = _roots(root, frame)
    _check_options(depth, rankdir, engine, max_boxes)
    from ..stepper.forward import Variables
    from .drawing import Drawing
    from .graph import Builder
    from .scene import Folding

    names = Variables()
    if params is not None:
        names.add_params(params)
    names.add_variables(frame)
    with without_collector():
        builder = Builder(names)
        builder.add(roots, labels, failure)
        folding = Folding(builder.graph, depth, max_boxes)
        known: Iterable[int] = ()
        if values or grads:
            from .contents import Contents

            # In a page, more of a small graph can be opened later.
            nodes = len(builder.graph.nodes)
            known = folding.shown if nodes > FEW_NODES else range(nodes)
            contents = Contents(roots, names)
            contents.fill(builder.graph, builder.targets, known, values, grads)
        return Drawing(folding, values, grads, known, rankdir, engine, legend)


def _check_options(depth: Any, rankdir: Any, engine: Any, max_boxes: Any) -> None:
    if rankdir not in (None, "LR", "TB", "RL", "BT"):
        raise ValueError(f'draw: rankdir must be "LR", "TB", "RL" or "BT", got {rankdir!r}')
    if engine not in ("auto", "dot"):
        raise ValueError(f'draw: engine must be "auto" or "dot", got {engine!r}')
    if depth is not None and (type(depth) is not int or depth < 0):
        raise ValueError(f"draw: depth must be a whole number from 0, or None, got {depth!r}")
    if type(max_boxes) is not int or max_boxes < 10:
        raise ValueError(f"draw: max_boxes must be a whole number from 10, got {max_boxes!r}")


def _roots(root: Any, frame: FrameType) -> tuple[list[Tensor], list[str], Any]:
    """The roots with their labels, after checking them, and what failed."""
    from ..recording import Recorder
    from .given import given_roots

    if not isinstance(root, Recorder):
        return *given_roots(root, "draw", frame), None
    found = root.results
    if root.failure is None and not found:
        raise RuntimeError(
            "draw: nothing that is left was recorded by this autograd.trace(); draw what was "
            "computed inside the block, as in loss.draw()"
        )
    return found, [], root.failure


Tensor.draw = draw  # type: ignore[method-assign, assignment]
