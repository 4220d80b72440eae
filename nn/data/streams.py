"""Where transforms take their random numbers from, so that threads do not change the results.

A loader over a dataset with transforms gives each batch a stream of its own, whichever thread
fetches it: with the same seed an epoch is the same with any number of workers.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import numpy as np

import autograd
from autograd import Generator

_batch: ContextVar[_Stream | None] = ContextVar("batch", default=None)


class _Stream:
    """A random stream that is made when something is drawn from it."""

    def __init__(self, parent: np.random.SeedSequence, number: int) -> None:
        self.parent, self.number = parent, number

    @property
    def rng(self) -> np.random.Generator:
        made = self.__dict__.get("_rng")
        if made is None:
            key = (*self.parent.spawn_key, self.number)
            source = np.random.SeedSequence(self.parent.entropy, spawn_key=key)
            made = self.__dict__["_rng"] = np.random.Generator(np.random.PCG64(source))
        return made


def random_numbers(generator: Generator | None) -> np.random.Generator:
    """The given generator's stream; else that of the batch being fetched; else the global one."""
    if generator is not None:
        return generator.rng
    stream = _batch.get()
    return autograd.random.default_generator.rng if stream is None else stream.rng


def streams_for(dataset: Any) -> np.random.SeedSequence | None:
    """What the streams of a pass descend from, if `dataset` or one that it wraps has transforms.

    Otherwise none is split off, so that a plain loader leaves the global stream as it was.
    """
    pending = [dataset]
    while pending:
        current = pending.pop()
        if getattr(current, "transform", None) is not None:
            (child,) = autograd.random.default_generator.rng.spawn(1)
            return child.bit_generator.seed_seq  # type: ignore[return-value]
        inner = getattr(current, "dataset", None)
        pending += [] if inner is None else [inner]
        pending += getattr(current, "datasets", ())
    return None


@contextmanager
def stream_of_batch(parent: np.random.SeedSequence | None, number: int) -> Iterator[None]:
    """What is drawn in the block comes from the stream of batch `number`."""
    token = _batch.set(None if parent is None else _Stream(parent, number))
    try:
        yield
    finally:
        _batch.reset(token)
