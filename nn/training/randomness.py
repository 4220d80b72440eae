"""The state of every random stream that a run draws from, as plain data for a checkpoint."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from autograd import Generator, get_rng_state, set_rng_state


def random_state(loaders: Iterable[Any]) -> dict[str, Any]:
    """That of this library, NumPy, Python, and of the generators of loaders and their samplers."""
    keys: Any  # uint32 (624,)
    _, keys, *rest = np.random.get_state(legacy=True)
    version, numbers, gauss = random.getstate()
    return {
        "autograd": get_rng_state(),
        "numpy": [keys.tolist(), *rest],
        "python": [version, list(numbers), gauss],
        "loaders": [g.get_state() for g in _generators(loaders)],
    }


def set_random_state(state: dict[str, Any], loaders: Iterable[Any]) -> None:
    """Restores what `random_state` returned."""
    set_rng_state(state["autograd"])
    keys, *rest = state["numpy"]
    np.random.set_state(("MT19937", np.array(keys, np.uint32), *rest))
    version, numbers, gauss = state["python"]
    random.setstate((version, tuple(numbers), gauss))
    for generator, known in zip(_generators(loaders), state["loaders"], strict=True):
        generator.set_state(known)


def _generators(loaders: Iterable[Any]) -> Iterator[Generator]:
    seen: set[int] = set()
    for loader in loaders:
        batches = getattr(loader, "batch_sampler", None)
        for owner in (loader, getattr(loader, "sampler", None), getattr(batches, "sampler", None)):
            generator = getattr(owner, "generator", None)
            if isinstance(generator, Generator) and id(generator) not in seen:
                seen.add(id(generator))
                yield generator
