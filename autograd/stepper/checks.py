"""What `step` can be given beside its roots, and what it says to everything else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..engine import tape
from ..errors import GraphError, ShapeError, described
from ..leaf import Leaf
from ..roots import roots_of
from ..tensor import Tensor
from ..viz.given import given_roots
from ..viz.names import Names
from .forward import origin_of

TO_BE_TOLD = "keep autograd.trace() on from the forward pass to backward() to be told its line"


def roots_and_seeds(
    loss: Any, grad: Any, names: Names, frame: Any
) -> tuple[list[Tensor], list[Any], list[str]]:
    """The roots with their gradients and labels, after checking both."""
    roots, labels = given_roots(loss, "step", frame)
    given = _gradients(roots, grad, labels)
    checked = [_gradient(root, g) for root, g in zip(roots, given, strict=True)]
    seeds = roots_of(roots, checked, False, "step")[1]
    _not_freed(tape(roots))
    return roots, seeds, labels


def _gradients(roots: list[Tensor], grad: Any, labels: list[str]) -> list[Any]:
    if grad is None:
        return [None] * len(roots)
    if isinstance(grad, Mapping):
        if set(map(str, grad)) != set(labels):
            raise ValueError(
                f"step: grad is a dict with the keys {list(grad)}, the roots have {labels}; give "
                "one gradient for each root, under its key"
            )
        by_label = {str(key): value for key, value in grad.items()}
        return [by_label[label] for label in labels]
    if len(roots) == 1 and not (
        isinstance(grad, (list, tuple)) and len(grad) == 1 and isinstance(grad[0], Tensor)
    ):
        return [grad]
    if not isinstance(grad, (list, tuple)) or len(grad) != len(roots):
        n = len(grad) if isinstance(grad, (list, tuple)) else 1
        raise ValueError(
            f"step: {len(roots)} roots but {n} gradient{'s' * (n != 1)}; give a list with one for "
            "each root"
        )
    return list(grad)


def _gradient(root: Tensor, g: Any) -> Any:
    """A gradient as an array that can be one for `root`."""
    if g is None:
        if root._data.size != 1:
            raise RuntimeError(
                f"step: {described(root)} has {root._data.size} elements, so there is no one "
                "gradient to start from; step a number, such as its .sum() or .mean(), or pass "
                f"grad=, of shape {list(root.shape)}"
            )
        return None
    if isinstance(g, Tensor):
        array = g._data
    else:
        try:
            array = np.asarray(g)
        except ValueError as error:
            raise ShapeError(f"step: grad is no array ({error}); give a Tensor") from None
    if array.dtype.kind not in "fiub":
        raise TypeError(
            f"step: grad must be a Tensor, an array or numbers of shape {list(root.shape)}, got "
            f"{type(g).__name__} of dtype {array.dtype}"
        )
    if array.shape != root._data.shape:
        raise ShapeError(
            f"step: grad has shape {list(array.shape)}, but {described(root)} needs one of its own "
            f"shape {list(root.shape)}"
        )
    return array.astype(root._data.dtype, copy=False)


def _not_freed(order: list[Any]) -> None:
    """Raises if a backward pass has dropped what the nodes had saved."""
    for node in order:
        if node.args is None:
            origin = origin_of(node)
            passed = None if origin is None else origin.passed
            at = f" at {passed}" if passed is not None else ""
            raise GraphError(
                f"step: the graph was freed by a backward pass{at}, which dropped the values that "
                f"{node!r} had saved. Step before backward(), or pass retain_graph=True to that "
                "backward(), or compute the loss again; loss.draw() still shows the structure"
                + ("" if passed is not None else f" ({TO_BE_TOLD})")
            )


def is_leaf(root: Tensor) -> bool:
    """Whether there is nothing to step."""
    return type(root._edge) is Leaf
