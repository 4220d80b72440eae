"""`torch.func`'s functions for modules: calling one with other parameters, stacking several.

They know a module by its tables of parameters and buffers and its `named_modules`, not by its
class, so that this package stays independent of `nn`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from .grad_mode import no_grad
from .ops.joining import stack
from .tensor import Tensor

Place = tuple[dict[str, Any], str]
"""The table of a module in which a parameter or buffer is, and its name there."""


def functional_call(
    module: Any,
    parameter_and_buffer_dicts: dict[str, Tensor] | Sequence[dict[str, Tensor]],
    args: Any = None,
    kwargs: dict[str, Any] | None = None,
    *,
    tie_weights: bool = True,
    strict: bool = False,
) -> Any:
    """Calls `module` with other tensors in the place of its parameters and buffers.

    Args:
        parameter_and_buffer_dicts: Tensors by path, as from `named_parameters()`, or several such
            dicts; what is not in them stays as it is. A buffer that the call replaces is replaced
            in the dict.
        args: the arguments of the call: a tuple, or a single one.
        kwargs: its keyword arguments.
        tie_weights: a tensor that the module has under several paths is replaced under all.
        strict: whether the paths must be exactly those of the module.

    Raises:
        ValueError: if tied paths are given different tensors, or a path is in two dicts.
        RuntimeError: if `strict` and a path is missing or unknown.

    >>> import autograd, nn
    >>> layer = nn.Linear(2, 1, bias=False)
    >>> weight = autograd.tensor([[1.0, 10.0]], requires_grad=True)
    >>> functional_call(layer, {"weight": weight}, autograd.tensor([3.0, 4.0]))
    tensor([43.], grad_fn=<LinearBackward0>)
    """
    given = _merged(parameter_and_buffer_dicts)
    places = dict(_places(module))
    if strict:
        _check_keys(module, given, places)
    replaced = [(places[path], t) for path, t in given.items() if path in places]
    if tie_weights:
        replaced = _with_tied(given, places)
    originals = [(place, place[0][place[1]]) for place, _ in replaced]
    call = () if args is None else args if isinstance(args, tuple) else (args,)
    try:
        for (table, name), tensor in replaced:
            table[name] = tensor
        return module(*call, **(kwargs or {}))
    finally:
        changed = {path: places[path][0][places[path][1]] for path in given if path in places}
        for (table, name), tensor in originals:
            table[name] = tensor
        if isinstance(parameter_and_buffer_dicts, dict):
            parameter_and_buffer_dicts.update(changed)


def _merged(dicts: Any) -> dict[str, Tensor]:
    if isinstance(dicts, Mapping):
        return dict(dicts)
    if not isinstance(dicts, Sequence) or not all(isinstance(d, Mapping) for d in dicts):
        raise ValueError(
            "functional_call: expected parameter_and_buffer_dicts to be a dict, or a list or "
            f"tuple of dicts, but got {type(dicts).__name__}"
        )
    merged: dict[str, Tensor] = {}
    for d in dicts:
        repeated = sorted(merged.keys() & d.keys())
        if repeated:
            raise ValueError(f"functional_call: {repeated} appear in several dictionaries")
        merged.update(d)
    return merged


def _places(module: Any) -> Iterable[tuple[str, Place]]:
    for prefix, current in module.named_modules(remove_duplicate=False):
        start = f"{prefix}." if prefix else ""
        for table in (current._parameters, current._buffers):
            for name, tensor in table.items():
                if tensor is not None:
                    yield start + name, (table, name)


def _check_keys(module: Any, given: dict[str, Tensor], places: dict[str, Place]) -> None:
    problems = [
        f"{what} key(s): {', '.join(map(repr, sorted(keys)))}."
        for what, keys in (
            ("Unexpected", given.keys() - places.keys()),
            ("Missing", places.keys() - given.keys()),
        )
        if keys
    ]
    if problems:
        raise RuntimeError(
            f"Error(s) in reparametrizing for {type(module).__name__}:\n\t" + "\n\t".join(problems)
        )


def _with_tied(given: dict[str, Tensor], places: dict[str, Place]) -> list[tuple[Place, Tensor]]:
    """The places to replace, also those that hold the same tensor under another path."""
    paths: dict[int, list[str]] = {}
    for path, (table, name) in places.items():
        paths.setdefault(id(table[name]), []).append(path)
    replaced = []
    for same in paths.values():
        tensors = [given[path] for path in same if path in given]
        if not tensors:
            continue
        if any(t is not tensors[0] for t in tensors):
            raise ValueError(
                f"functional_call got multiple values for keys {same}, which are tied. Consider "
                "using tie_weights=False"
            )
        replaced += [(places[path], tensors[0]) for path in same]
    return replaced


def stack_module_state(models: Sequence[Any]) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Parameters and buffers of equal models, each stacked along a new first dimension.

    With `vmap` over `functional_call` they make an ensemble that is computed at once.

    Returns:
        The dict of the stacked parameters, which are leaves, and that of the stacked buffers.

    >>> import autograd, nn
    >>> params, buffers = stack_module_state([nn.Linear(2, 3) for _ in range(5)])
    >>> params["weight"].shape, buffers
    (Size([5, 3, 2]), {})
    """
    if not models:
        raise RuntimeError("stack_module_state: Expected at least one model, got 0.")
    if len({m.training for m in models}) > 1:
        raise RuntimeError(
            "stack_module_state: Expected all models to have the same training/eval mode."
        )
    if len({type(m) for m in models}) > 1:
        raise RuntimeError("stack_module_state: Expected all models to be of the same class.")
    params = {}
    for path, first in models[0].named_parameters():
        with no_grad():
            stacked = stack([m.get_parameter(path) for m in models])
        params[path] = stacked.requires_grad_(first.requires_grad)
    buffers = {
        path: stack([m.get_buffer(path) for m in models]) for path, _ in models[0].named_buffers()
    }
    return params, buffers
