"""Dimensions as arguments: negative, several, or all."""

from __future__ import annotations

import operator
from typing import Any


def axis_of(dim: Any, ndim: int) -> int:
    """`dim` counted from the front; 0-d tensors count as having one dimension.

    >>> axis_of(-1, 3)
    2
    """
    size = max(ndim, 1)
    axis = operator.index(dim)
    if not -size <= axis < size:
        raise IndexError(f"dimension out of range: expected one of {-size}..{size - 1}, got {axis}")
    return axis % size


def axes_of(dim: Any, ndim: int, name: str = "") -> tuple[int, ...]:
    """`dim` (None or an empty sequence: all; a number; a sequence) as a tuple of axes.

    >>> axes_of(None, 2), axes_of(-1, 2), axes_of((0, -1), 3)
    ((0, 1), (1,), (0, 2))
    """
    if dim is None or (isinstance(dim, (tuple, list)) and len(dim) == 0):
        return tuple(range(ndim))
    dims = dim if isinstance(dim, (tuple, list)) else (dim,)
    axes = tuple(axis_of(d, ndim) for d in dims)
    if len(set(axes)) != len(axes):
        raise RuntimeError(f"{name}: a dimension appears twice in dim={tuple(dims)}")
    return axes if ndim else ()
