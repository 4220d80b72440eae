"""What `step` can be given, and what it says to everything else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..engine import tape
from ..errors import GraphError, ShapeError, described
from ..grad_mode import mode
from ..recording import Recorder
from ..roots import roots_of
from ..tensor import Leaf, Tensor
from ..viz.names import Names, is_module
from .forward import origin_of

HINT = "turn autograd.trace() on before the forward pass to be told the lines"


def roots_and_seeds(
    loss: Any, grad: Any, names: Names, frame: Any
) -> tuple[list[Tensor], list[Any], list[str]]:
    """The roots with their gradients and labels, after checking both."""
    roots, labels = _listed(loss)
    for i, root in enumerate(roots):
        where = "" if root is loss else f" at {labels[i] if labels else i!r}"
        if not isinstance(root, Tensor):
            raise TypeError(f"step: expected a Tensor{where}, got {_mistaken(root)}")
        if not root.requires_grad:
            raise RuntimeError(_no_graph(root, where, frame))
    given = _gradients(roots, grad, labels)
    checked = [_gradient(root, g) for root, g in zip(roots, given, strict=True)]
    seeds = roots_of(roots, checked, False, "step")[1]
    _not_freed(tape(roots))
    return roots, seeds, labels


def _listed(loss: Any) -> tuple[list[Any], list[str]]:
    if isinstance(loss, Mapping):
        roots, labels = list(loss.values()), [str(key) for key in loss]
    elif isinstance(loss, (list, tuple)):
        roots, labels = list(loss), []
    else:
        return [loss], []
    if not roots:
        raise ValueError(f"step: an empty {type(loss).__name__} has no graph; give a Tensor")
    return roots, labels


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


def _mistaken(value: Any) -> str:
    kind = type(value).__name__
    if is_module(value):
        return (
            f"the module {kind}; call it, make a number of what it returns and step that, as in "
            "step(loss_fn(model(x), y))"
        )
    if isinstance(value, type):
        return f"the class {value.__name__}; make an object, call it and step what it returns"
    if callable(value):
        name = getattr(value, "__name__", kind)
        return f"the function {name} itself; call it, as in step({name}())"
    if hasattr(value, "__array__") or isinstance(value, (bool, int, float)):
        return (
            f"{kind}, which records no graph; compute it from Tensors that require grad, as made "
            "by autograd.tensor(..., requires_grad=True), and without .item() or .numpy()"
        )
    if isinstance(value, (list, tuple, Mapping)):
        return f"a {kind} in it; give one flat list of Tensors"
    if value is None:
        return "None; was the function's `return` forgotten?"
    return kind


def _no_graph(root: Tensor, where: str, frame: Any) -> str:
    """Why a tensor has no graph, as far as that can be known."""
    head = f"step: {described(root)}{where} has no graph to step through"
    if root._data.dtype.kind != "f":
        return (
            f"{head}: {root._data.dtype} tensors have no gradients; compute in floating point, for "
            "example with .float()"
        )
    recorders = [w for w in mode.watchers if isinstance(w, Recorder)]
    cuts = [cut for recorder in recorders for cut in recorder.cuts]
    if cuts:
        lines = "".join(f"\n  {how} at {site}" for how, site in cuts)
        return f"{head}. Gradients were cut off here:{lines}"
    reason = (
        "none of the tensors it was computed from has requires_grad=True, or it was computed "
        "under no_grad() or from a detach()ed tensor"
    )
    plain = _without_grad(root, frame)
    if plain:
        names = ", ".join(plain)
        return (
            f"{head}: {reason}. These variables do not require grad: {names}. Make the one to "
            f"differentiate by with requires_grad=True before computing{_hint(recorders)}"
        )
    return f"{head}: {reason}{_hint(recorders)}"


def _hint(recorders: list[Recorder]) -> str:
    return "" if recorders else f" ({HINT})"


def _without_grad(root: Tensor, frame: Any) -> list[str]:
    """The caller's floating variables that do not require grad."""
    found = []
    for name, value in frame.f_locals.items():
        if name[:1] == "_" or not isinstance(value, Tensor) or value is root:
            continue
        if value._data.dtype.kind == "f" and not value.requires_grad:
            found.append(f"{name} ({described(value)})")
    return found[:8]


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
                + ("" if passed is not None else f" ({HINT})")
            )


def is_leaf(root: Tensor) -> bool:
    """Whether there is nothing to step."""
    return type(root._edge) is Leaf
