"""What a backward pass starts from: the checked arguments of `backward` and `grad`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from .errors import ShapeError, described
from .tensor import Tensor, wrap


def sequence_of(x: Any) -> list[Any]:
    """Anything to iterate over as a list, such as `model.parameters()`; else a list of one."""
    return [x] if isinstance(x, Tensor) or not isinstance(x, Iterable) else list(x)


def check_inputs(inputs: list[Any], name: str) -> None:
    """Raises unless all `inputs` are Tensors that require grad."""
    for i, x in enumerate(inputs):
        if not isinstance(x, Tensor):
            raise TypeError(f"{name}: input {i} is a {type(x).__name__}, not a Tensor")
        if not x.requires_grad:
            raise RuntimeError(f"{name}: input {i}, {described(x)}, does not require grad")


def roots_of(
    roots: list[Any], gradients: Any, graph: bool, name: str
) -> tuple[list[Tensor], list[Any]]:
    """The roots with their seeds: the given gradients, or ones for one-element tensors."""
    given = [None] * len(roots) if gradients is None else sequence_of(gradients)
    if len(given) != len(roots):
        raise RuntimeError(f"{name}: {len(roots)} outputs but {len(given)} gradients for them")
    seeds = []
    for root, gradient in zip(roots, given, strict=True):
        if not isinstance(root, Tensor):
            raise TypeError(
                f"{name}: expected a Tensor to differentiate, got {type(root).__name__}"
                + ("; call the model and its loss first" if callable(root) else "")
            )
        if not root.requires_grad:
            raise RuntimeError(
                f"{name}: {described(root)} does not require grad and has no graph: none of the "
                "tensors it was computed from has requires_grad=True, or it was computed under "
                "no_grad() or from a detach()ed tensor"
            )
        seeds.append(_seed(root, gradient, graph, name))
    return roots, seeds


def _seed(root: Tensor, gradient: Any, graph: bool, name: str) -> Any:
    if gradient is None:
        if root._data.size != 1:
            raise RuntimeError(
                f"{name}: the gradient can be left out only for a one-element tensor, this one "
                f"is {described(root)}; reduce it, for example with .sum() or .mean(), or pass "
                "a gradient of its shape"
            )
        seed = np.ones_like(root._data)
        return wrap(seed) if graph else seed
    if not isinstance(gradient, Tensor):
        gradient = wrap(np.asarray(gradient, root._data.dtype))
    if gradient._data.shape != root._data.shape:
        raise ShapeError(
            f"{name}: the gradient {described(gradient)} does not have the shape of the "
            f"tensor {described(root)}"
        )
    if gradient._data.dtype != root._data.dtype:
        gradient = gradient.to(root._data.dtype)
    return gradient if graph else gradient._data
