"""Seeing the graph: `draw(root)`, also as the Tensor method `loss.draw()`.

The other modules here, and graphviz, are imported when something is drawn, so that importing the
package stays cheap: graph.py makes plain data of the tape, dot.py a drawing of the data.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ..tensor import Tensor

if TYPE_CHECKING:
    from .dot import Drawing


def draw(root: Any, params: Any = None, *, rankdir: str | None = None) -> Drawing:
    """The graph that led to `root`, as a `graphviz.Digraph` that a notebook shows as a picture.

    Boxes with round corners are operations with the shape and dtype of their results, square
    ones are parameters (leaves that require grad; dashed: frozen), sheets are data, a box with
    two outlines is an output. A constant that no operation had to save is not known; beside an
    operator it is noted as `const`, elsewhere it is left out.

    Args:
        root: a Tensor of any shape that requires grad, or a list, tuple or dict of them. It can
            be drawn before and after `backward()`.
        params: what names the leaves: a module, a dict from name to Tensor, or the result of
            `named_parameters()`. Other tensors are called by their attribute `name`, else by the
            variable of the caller that holds them, as in `x`, `w[0]` or `model.0.weight`.
        rankdir: "LR" (left to right) or "TB" (top down); by default what suits the size.

    Returns:
        A `graphviz.Digraph`: `.source` is the DOT text, `.save("g.dot")` writes it, and where
        the program `dot` is installed `.render("g", format="svg")` writes a picture.

    Raises:
        TypeError: for a root that is no Tensor, such as a module.
        RuntimeError: for a root without a graph.

    >>> import autograd
    >>> x = autograd.tensor(3.0, requires_grad=True)
    >>> draw(x * x).source.splitlines()[0]
    'digraph computation {'
    """
    roots, labels = _roots(root)
    if rankdir not in (None, "LR", "TB", "RL", "BT"):
        raise ValueError(f'draw: rankdir must be "LR", "TB", "RL" or "BT", got {rankdir!r}')
    from .dot import to_dot
    from .graph import graph_of
    from .names import Names

    names = Names()
    if params is not None:
        names.add_params(params)
    names.add_variables(sys._getframe(1))
    return to_dot(graph_of(roots, names, labels), rankdir)


def _roots(root: Any) -> tuple[list[Tensor], list[str]]:
    """The roots as a list with their labels, after checking them."""
    if isinstance(root, Mapping):
        roots, labels = list(root.values()), [str(key) for key in root]
    elif isinstance(root, (list, tuple)):
        roots, labels = list(root), []
    else:
        roots, labels = [root], []
    if not roots:
        raise ValueError(f"draw: an empty {type(root).__name__} has no graph; give a Tensor")
    for i, tensor in enumerate(roots):
        where = "" if tensor is root else f" at {labels[i] if labels else i!r}"
        if not isinstance(tensor, Tensor):
            raise TypeError(f"draw: expected a Tensor{where}, got {_mistaken(tensor)}")
        if not tensor.requires_grad:
            raise RuntimeError(
                f"draw: {tensor._described()}{where} has no graph: none of the tensors it was "
                "computed from has requires_grad=True, or it was computed under no_grad() or "
                "from a detach()ed tensor"
            )
    return roots, labels


def _mistaken(value: Any) -> str:
    """What was given instead of a Tensor, and what to give."""
    from .names import is_module

    kind = type(value).__name__
    if is_module(value):
        return f"the module {kind}; call it and draw what it returns, as in draw(model(x))"
    if isinstance(value, type):
        return f"the class {value.__name__}; make an object, call it and draw what it returns"
    if callable(value):
        name = getattr(value, "__name__", kind)
        return f"the function {name} itself; call it and draw what it returns, as in {name}(...)"
    if hasattr(value, "__array__") or isinstance(value, (bool, int, float)):
        return (
            f"{kind}, which records no graph; compute from Tensors that require grad, as made "
            "by autograd.tensor(..., requires_grad=True)"
        )
    if isinstance(value, (list, tuple, Mapping)):
        return f"a {kind} in it; give one flat list of Tensors"
    return kind


Tensor.draw = draw  # type: ignore[method-assign, assignment]
