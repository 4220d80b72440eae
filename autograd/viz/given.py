"""The roots that `draw` and `step` are given, and what they say to everything else."""

from __future__ import annotations

from collections.abc import Mapping
from types import FrameType
from typing import Any

from ..errors import described
from ..grad_mode import mode
from ..recording import Recorder
from ..tensor import Tensor
from .names import is_module

HINT = "turn autograd.trace() on before the forward pass to be told the lines"

_EXAMPLES = {
    "draw": "draw what it returns, as in draw(model(x))",
    "step": "make a number of what it returns and step that, as in step(loss_fn(model(x), y))",
}


def given_roots(value: Any, verb: str, frame: FrameType) -> tuple[list[Tensor], list[str]]:
    """The roots as a list with their labels, after checking them.

    Args:
        value: a Tensor, or a list, tuple or dict of them.
        verb: "draw" or "step".
        frame: the caller's, whose variables tell what might have been meant.
    """
    roots, labels = _listed(value, verb)
    for i, root in enumerate(roots):
        where = "" if root is value else f" at {labels[i] if labels else i!r}"
        if not isinstance(root, Tensor):
            raise TypeError(f"{verb}: expected a Tensor{where}, got {_mistaken(root, verb)}")
        if not root.requires_grad:
            raise RuntimeError(_no_graph(root, where, verb, frame))
    return roots, labels


def _listed(value: Any, verb: str) -> tuple[list[Any], list[str]]:
    if isinstance(value, Mapping):
        roots, labels = list(value.values()), [str(key) for key in value]
    elif isinstance(value, (list, tuple)):
        roots, labels = list(value), []
    else:
        return [value], []
    if not roots:
        raise ValueError(f"{verb}: an empty {type(value).__name__} has no graph; give a Tensor")
    return roots, labels


def _mistaken(value: Any, verb: str) -> str:
    """What was given instead of a Tensor, and what to give."""
    kind = type(value).__name__
    if is_module(value):
        return f"the module {kind}; call it and {_EXAMPLES[verb]}"
    if isinstance(value, type):
        return f"the class {value.__name__}; make an object, call it and {verb} what it returns"
    if callable(value):
        name = getattr(value, "__name__", kind)
        return f"the function {name} itself; call it, as in {verb}({name}())"
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


def _no_graph(root: Tensor, where: str, verb: str, frame: FrameType) -> str:
    """Why a tensor has no graph, as far as that can be known."""
    head = f"{verb}: {described(root)}{where} has no graph"
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
