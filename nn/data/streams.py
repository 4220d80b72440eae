"""Where datasets and transforms take their random numbers from: threads do not change the results.

Each batch that is fetched in a thread, or goes through transforms, has a stream of its own, from
which the library's random functions draw meanwhile. With the same seed an epoch is the same
whichever thread fetches what; with transforms also with any number of workers. (NumPy's global
stream and Python's `random` know nothing of it.)
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from autograd import Generator
from autograd.random import default_generator, local_stream


class Streams:
    """The streams of one pass. Nothing is split off the global one before something is drawn, so
    that a loader that draws nothing leaves it as it was."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._parent: Any = None

    def of_batch(self, number: int) -> np.random.Generator:
        """The stream of a batch."""
        with self._lock:
            if self._parent is None:
                (child,) = default_generator._rng.spawn(1)
                self._parent = child.bit_generator.seed_seq
        key = (*self._parent.spawn_key, number)
        source = np.random.SeedSequence(self._parent.entropy, spawn_key=key)
        return np.random.Generator(np.random.PCG64(source))


class _Stream:
    """A random stream that is made when something is drawn from it."""

    def __init__(self, streams: Streams, number: int) -> None:
        self.streams, self.number = streams, number

    @property
    def rng(self) -> np.random.Generator:
        made = self.__dict__.get("_rng")
        if made is None:
            made = self.__dict__["_rng"] = self.streams.of_batch(self.number)
        return made


def random_numbers(generator: Generator | None) -> np.random.Generator:
    """The given generator's stream; else that of the batch being fetched; else the global one."""
    return (default_generator if generator is None else generator).rng


def has_transforms(dataset: Any) -> bool:
    """Whether `dataset`, or one that it wraps, has transforms."""
    pending = [dataset]
    while pending:
        current = pending.pop()
        if getattr(current, "transform", None) is not None:
            return True
        inner = getattr(current, "dataset", None)
        pending += [] if inner is None else [inner]
        pending += getattr(current, "datasets", ())
    return False


@contextmanager
def stream_of_batch(streams: Streams | None, number: int) -> Iterator[None]:
    """What is drawn in the block comes from the stream of batch `number`."""
    token = local_stream.set(None if streams is None else _Stream(streams, number))
    try:
        yield
    finally:
        local_stream.reset(token)
