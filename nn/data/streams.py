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

    def source(self, *key: int) -> np.random.SeedSequence:
        """What the stream of batch `key` starts from, or that of a worker, whose key is longer."""
        with self._lock:
            if self._parent is None:
                (child,) = default_generator._rng.spawn(1)
                self._parent = child.bit_generator.seed_seq
        parent = self._parent
        return np.random.SeedSequence(parent.entropy, spawn_key=(*parent.spawn_key, *key))

    def seed_of_worker(self, number: int) -> int:
        """A seed for streams other than the library's; it is another one in each pass."""
        return int(self.source(0, number).generate_state(1, np.uint64)[0] >> np.uint64(1))


class _Stream:
    """A random stream that is made when something is drawn from it."""

    def __init__(self, streams: Streams, *key: int) -> None:
        self.streams, self.key = streams, key
        self._rng: np.random.Generator | None = None

    @property
    def rng(self) -> np.random.Generator:
        if self._rng is None:
            self._rng = np.random.Generator(np.random.PCG64(self.streams.source(*self.key)))
        return self._rng

    def manual_seed(self, seed: int) -> None:
        """Goes on, until the end of the batch, with the numbers of this seed."""
        self._rng = Generator().manual_seed(seed).rng


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
        several = getattr(current, "datasets", ())
        pending += several.values() if isinstance(several, dict) else several
    return False


@contextmanager
def stream_of(streams: Streams | None, *key: int) -> Iterator[None]:
    """What is drawn in the block comes from the stream of batch `key`, or of a worker."""
    token = local_stream.set(None if streams is None else _Stream(streams, *key))
    try:
        yield
    finally:
        local_stream.reset(token)
