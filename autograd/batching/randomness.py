"""Random numbers under `vmap`: none, the same for all elements, or different ones for each."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import numpy as np

from ..grad_mode import mode
from .array import Batched, Level, NotBatchable, element, joined, levels_in

_ERROR = (
    "vmap: called random operation while in randomness error mode. Please either use the 'same' "
    "or 'different' randomness flags on vmap or perform the randomness operation out of vmap"
)
_OF_A_SHAPE = ("random", "standard_normal", "standard_exponential")  # their first argument


class Draws:
    """NumPy's generator `rng` while a `vmap` is running."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng

    def __getattr__(self, name: str) -> Any:
        if any(level.randomness == "error" for level in mode.levels):
            raise NotBatchable(_ERROR)
        return partial(_drawn, self.rng, name, mode.levels)


def _drawn(
    rng: np.random.Generator, name: str, levels: tuple[Level, ...], *args: Any, **kwargs: Any
) -> Any:
    """The draw for all elements of the levels, of which the last is the innermost."""
    if not levels:
        return getattr(rng, name)(*args, **kwargs)
    *outer, level = levels
    same = level.randomness == "same"
    depends = level in levels_in((args, kwargs))
    if same and not depends:
        return _drawn(rng, name, tuple(outer), *args, **kwargs)
    if name in _OF_A_SHAPE and not depends:
        sizes = args[0] if isinstance(args[0], (tuple, list)) else (args[0],)
        values = _drawn(rng, name, tuple(outer), (level.size, *sizes), *args[1:], **kwargs)
        return Batched(values, level)
    start = rng.bit_generator.state
    results = []
    for i in range(level.size):
        if same:
            rng.bit_generator.state = start
        a, k = element((args, kwargs), level, i)
        results.append(np.asarray(_drawn(rng, name, tuple(outer), *a, **k)))
    return joined(level, results)


@contextmanager
def one_by_one(level: Level) -> Iterator[Iterator[int]]:
    """For a loop that computes each element by itself: the numbers of the elements.

    Inside the block the level does not hold: random numbers are those of one element.
    """
    from ..random import default_generator

    before, rng = mode.levels, default_generator.rng
    start = rng.bit_generator.state

    def numbers() -> Iterator[int]:
        for i in range(level.size):
            if level.randomness == "same":
                rng.bit_generator.state = start
            yield i

    if level.randomness != "error":
        mode.levels = tuple(each for each in before if each is not level)
    try:
        yield numbers()
    finally:
        mode.levels = before
