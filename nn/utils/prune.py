"""Pruning: entries of a parameter held at zero by a mask.

A pruned parameter `NAME` becomes `NAME_orig` (learned) and the buffer `NAME_mask` (zeros and ones);
a forward pre-hook, the pruning method, sets `NAME` to their product. Each method is a class
(pruning_methods.py) and a function under PyTorch's name that applies it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import autograd
from autograd import Tensor

from ..hooks import find_pre_hook
from ..module import Module
from .convert_parameters import parameters_to_vector
from .pruning_methods import (
    BasePruningMethod,
    CustomFromMask,
    Identity,
    L1Unstructured,
    LnStructured,
    PruningContainer,
    RandomStructured,
    RandomUnstructured,
)


def identity(module: Module, name: str) -> Module:
    """Makes `NAME_orig` and `NAME_mask` without pruning anything."""
    Identity.apply(module, name)
    return module


def random_unstructured(module: Module, name: str, amount: float) -> Module:
    """Prunes entries of a parameter drawn at random: a fraction (float) or a number (int)."""
    RandomUnstructured.apply(module, name, amount)
    return module


def l1_unstructured(
    module: Module, name: str, amount: float, importance_scores: Tensor | None = None
) -> Module:
    """Prunes the entries of a parameter that are smallest in absolute value.

    Args:
        amount: the fraction (float) or the number (int) of entries.
        importance_scores: what to compare in the place of the parameter; of its shape.

    Source: Han et al., "Learning both weights and connections for efficient neural networks", 2015.

    >>> import nn
    >>> layer = nn.utils.prune.l1_unstructured(nn.Linear(10, 10), "weight", amount=0.3)
    >>> int((layer.weight == 0).sum())
    30
    >>> [name for name, _ in layer.named_parameters()]
    ['bias', 'weight_orig']
    """
    L1Unstructured.apply(module, name, amount, importance_scores=importance_scores)
    return module


def random_structured(module: Module, name: str, amount: float, dim: int) -> Module:
    """Prunes slices along `dim` drawn at random."""
    RandomStructured.apply(module, name, amount, dim)
    return module


def ln_structured(
    module: Module,
    name: str,
    amount: float,
    n: Any,
    dim: int,
    importance_scores: Tensor | None = None,
) -> Module:
    """Prunes the slices along `dim` with the smallest Ln norms, such as the weakest channels."""
    LnStructured.apply(module, name, amount, n, dim, importance_scores=importance_scores)
    return module


def custom_from_mask(module: Module, name: str, mask: Tensor) -> Module:
    """Prunes where `mask` is 0."""
    CustomFromMask.apply(module, name, mask)
    return module


def global_unstructured(
    parameters: Iterable[tuple[Module, str]],
    pruning_method: type[BasePruningMethod],
    importance_scores: dict[tuple[Module, str], Tensor] | None = None,
    **kwargs: Any,
) -> None:
    """Prunes several parameters as if they were one vector.

    Args:
        parameters: pairs of a module and the name of its parameter.
        pruning_method: an unstructured method such as `L1Unstructured`, made with `kwargs`.
        importance_scores: by pair, what to compare in the place of the parameter.

    >>> import nn
    >>> net = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4))
    >>> weights = [(net[0], "weight"), (net[1], "weight")]
    >>> global_unstructured(weights, L1Unstructured, amount=8)
    >>> int(sum((module.weight == 0).sum() for module, _ in weights))
    8
    """
    if not isinstance(parameters, Iterable):
        raise TypeError("global_unstructured(): parameters is not an Iterable")
    scores = importance_scores or {}
    if not isinstance(scores, dict):
        raise TypeError("global_unstructured(): importance_scores must be of type dict")
    pairs = list(parameters)
    method = pruning_method(**kwargs)
    if method.PRUNING_TYPE != "unstructured":
        raise TypeError(
            'Only "unstructured" PRUNING_TYPE supported for the `pruning_method`. Found method '
            f"{pruning_method} of type {method.PRUNING_TYPE}"
        )
    tensors = [getattr(module, name).detach() for module, name in pairs]
    importance = [scores.get(pair, t) for pair, t in zip(pairs, tensors, strict=True)]
    masks = [
        getattr(module, f"{name}_mask", autograd.ones_like(t))
        for (module, name), t in zip(pairs, tensors, strict=True)
    ]
    method.name = "all"
    together = PruningContainer(method)
    mask = together.compute_mask(parameters_to_vector(importance), parameters_to_vector(masks))
    parts = mask.split([t.numel() for t in tensors])
    for (module, name), t, part in zip(pairs, tensors, parts, strict=True):
        custom_from_mask(module, name, part.view_as(t))


def remove(module: Module, name: str) -> Module:
    """Makes a pruned parameter an ordinary one again; its zeros stay, but can change."""
    found = find_pre_hook(module, BasePruningMethod, name)
    if found is None:
        raise ValueError(
            f"Parameter '{name}' of module {module} has to be pruned before pruning can be removed"
        )
    handle, method = found
    method.remove(module)
    handle.remove()
    return module


def is_pruned(module: Module) -> bool:
    """Whether a parameter of `module` or of a module below it is pruned."""
    return any(
        isinstance(hook.function, BasePruningMethod)
        for m in module.modules()
        for hook in m._forward_pre_hooks.values()
    )
