"""What the update rules share: blocks, the sign and decay of the gradient, checks of options."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from autograd.dtypes import float64, get_default_dtype
from autograd.tensor import Tensor, wrap

BLOCK = 1 << 16
"""Elements that an update works on at a time: its temporaries then stay in the cache."""


def blocks(*arrays: Any) -> Iterator[tuple[Any, ...]]:
    """Cuts arrays of one shape into runs of rows of about `BLOCK` elements, as views; None stays.

    An update takes about ten passes over its arrays. Taken block by block they stay in the
    cache, which on 16 million parameters is seven times faster than whole-array expressions, and
    the memory for temporaries stays small.

    >>> [x.shape for (x,) in blocks(np.zeros((600, 200)))]
    [(327, 200), (273, 200)]
    """
    size, length = arrays[0].size, len(arrays[0]) if arrays[0].ndim else 1
    if size <= BLOCK:
        yield arrays
        return
    rows = max(1, BLOCK * length // size)
    for start in range(0, length, rows):
        yield tuple([None if a is None else a[start : start + rows] for a in arrays])


def descent(g: np.ndarray, p: np.ndarray, group: dict[str, Any]) -> np.ndarray:
    """The gradient of what is minimized: negated under `maximize`, the L2 penalty's added.

    With decoupled weight decay the parameters `p` shrink, in place, instead.
    """
    if group["maximize"]:
        g = -g
    weight_decay = float(group["weight_decay"])
    if weight_decay == 0:
        return g
    if group.get("decoupled_weight_decay"):
        p *= 1 - float(group["lr"]) * weight_decay
        return g
    return g + weight_decay * p


def zeros(param: np.ndarray) -> Tensor:
    """The initial value of an average, in the layout of the parameter."""
    return wrap(np.zeros_like(param))


def step_count(start: float = 0.0) -> Tensor:
    """A counter of steps as PyTorch keeps it: a 0-d float Tensor."""
    dtype = float64 if get_default_dtype() == float64 else np.float32
    return wrap(np.array(start, dtype))


def next_step(state: dict[str, Any]) -> float:
    """Counts a step and returns its number, 1 for the first."""
    state["step"]._data += 1
    return state["step"].item()


def check_not_negative(what: str, value: Any) -> None:
    """Raises ValueError unless the option is a number (or a one-element Tensor) from 0 on."""
    if isinstance(value, Tensor) and value._data.size != 1:
        raise ValueError(f"Tensor {what} must be 1-element, got shape {value._data.shape}")
    if not value >= 0:
        raise ValueError(f"Invalid {what}: {value}")


def check_from(bound: float, what: str, value: Any) -> None:
    """`check_not_negative` with the bound in the message, as PyTorch's younger rules have it."""
    if isinstance(value, Tensor) and value._data.size != 1:
        raise ValueError("Tensor lr must be 1-element")
    if not value >= bound:
        raise ValueError(f"{what} should be >= {bound:g} but is: {value}")


def check_betas(betas: Any) -> None:
    """Raises ValueError unless both averages forget something and keep a share."""
    for i, beta in enumerate(betas):
        if not 0 <= beta < 1:
            raise ValueError(f"Invalid beta parameter at index {i}: {beta}")
