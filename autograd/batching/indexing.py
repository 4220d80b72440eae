"""Reading and writing Batched arrays by index, where array, index or both hide a dimension.

NumPy puts the dimensions that arrays in an index have in common in their place, or in front where
something lies between them. The hidden dimension goes along, and is then put in front.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from .array import (
    WRITING,
    Batched,
    Level,
    NotBatchable,
    aligned,
    element,
    everywhere,
    hidden,
    highest,
    joined,
)


def select(x: Any, index: Any) -> Any:
    """`x[index]`, where `x` is Batched or an array in `index` is."""
    parts = index if isinstance(index, tuple) else (index,)
    if all(p is None or p is Ellipsis or type(p) in (int, slice) for p in parts):
        return Batched(x.value[(slice(None), *parts)], x.level)
    level = highest((x, parts))
    if _has_masks(parts, level):
        return joined(level, [a[i] for a, i in _elements(level, x, parts)])
    value, place, order = _plan(x, parts, level)
    return Batched(value[place].transpose(order), level)


def store(x: Any, index: Any, values: Any) -> None:
    """`x[index] = values` for a Batched `x`."""
    parts = index if isinstance(index, tuple) else (index,)
    level = highest((x, parts, (values,)))
    if hidden(x, level) is None:
        raise NotBatchable(WRITING)  # all elements would be written to one place
    if _has_masks(parts, level):
        for a, i, v in _elements(level, x, parts, values):
            a[i] = v
        return
    value, place, order = _plan(x, parts, level)
    if isinstance(values, np.ndarray):
        values = _in_order(everywhere(values, level), order)
    value[place] = values


def _has_masks(parts: tuple[Any, ...], level: Level) -> bool:
    """Whether elements of the batch are selected by masks, whose number depends on the data."""
    masked = any(_mask_ndim(p) is not None for p in parts)
    return masked and any(hidden(p, level) is not None for p in parts)


def _elements(level: Level, *values: Any) -> Iterator[Any]:
    return (element(values, level, i) for i in range(level.size))


def placed(values: Any, x: Any, index: tuple[Any, ...], level: Level) -> tuple[Any, Any]:
    """`values` and `index` with the hidden dimension, for what writes to the whole of `x`."""
    _, place, order = _plan(Batched(everywhere(x, level), level), index, level)
    return _in_order(everywhere(values, level), order), place


def _in_order(values: Any, order: list[int]) -> Any:
    """The whole of `values` broadcast and transposed to what a plan's index selects."""
    sizes = values.shape
    values = values.reshape((sizes[0], *(1,) * (len(order) - len(sizes)), *sizes[1:]))
    return values.transpose(tuple(int(i) for i in np.argsort(order)))


def _plan(x: Any, parts: tuple[Any, ...], level: Level) -> tuple[Any, tuple[Any, ...], list[int]]:
    """(the array to index, the index, the order of the result's dimensions that is wanted)."""
    value = hidden(x, level)
    arrays = [i for i, p in enumerate(parts) if isinstance(p, (np.ndarray, list, bool, np.bool_))]
    masks = [i for i in arrays if _mask_ndim(parts[i]) is not None]
    chosen = [i for i, p in enumerate(parts) if i in arrays or isinstance(p, (int, np.integer))]
    covered = sum(np.ndim(parts[i]) if i in masks else 1 for i in chosen)
    added = sum(p is None for p in parts)
    if not arrays:
        return value, (slice(None), *parts), list(range(1 + x.ndim - covered + added))
    common = max(1 if i in masks else np.ndim(parts[i]) for i in arrays)
    n = 1 + x.ndim - covered + added + common
    together = chosen[-1] - chosen[0] == len(chosen) - 1
    slices = sum(isinstance(p, slice) for p in parts)
    open_ended = x.ndim - covered - slices  # what an Ellipsis stands for
    before = sum(open_ended if p is Ellipsis else 1 for p in parts[: chosen[0]])
    if all(hidden(p, level) is None for p in parts):
        place: tuple[Any, ...] = (slice(None), *parts)
        return value, place, _first(0 if together else common, n)
    place = tuple(aligned(p, level, common) if i in arrays else p for i, p in enumerate(parts))
    if value is None:
        return x, place, _first(before if together else 0, n)
    rows = np.arange(level.size).reshape(-1, *(1,) * common)
    front, behind = range(1, 1 + common), range(1 + common, 1 + common + before)
    order = [0, *behind, *front, *range(1 + common + before, n)]
    return value, (rows, *place), order if together else list(range(n))


def _first(axis: int, n: int) -> list[int]:
    """The order of `n` dimensions that puts one in front."""
    return [axis, *(i for i in range(n) if i != axis)]


def _mask_ndim(part: Any) -> int | None:
    """The dimensions that a mask covers, None for what is no mask."""
    if isinstance(part, (bool, np.bool_)):
        return 0
    return part.ndim if getattr(part, "dtype", None) == np.bool_ else None
