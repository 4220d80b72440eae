"""The threads of a `DataLoader`: who a worker is, and what it does before its first batch."""

from __future__ import annotations

import threading
from concurrent.futures import Executor
from typing import TYPE_CHECKING, Any

from nn.data.streams import Streams, stream_of

if TYPE_CHECKING:
    from nn.data.loader import DataLoader

_thread = threading.local()


class WorkerInfo:
    """What `get_worker_info` says of a worker: `id`, `num_workers`, `dataset` and `seed`.

    The dataset is the program's own, not a copy: what one worker changes in it, all see.
    """

    def __init__(self, id: int, num_workers: int, dataset: Any, streams: Streams) -> None:
        self.id, self.num_workers, self.dataset = id, num_workers, dataset
        self._streams = streams

    @property
    def seed(self) -> int:
        """A seed of the worker, another one in each pass, which `autograd.manual_seed` settles."""
        return self._streams.seed_of_worker(self.id)

    def __repr__(self) -> str:
        return f"WorkerInfo(id={self.id}, num_workers={self.num_workers})"


def get_worker_info() -> WorkerInfo | None:
    """In a thread of a `DataLoader` the `id`, `num_workers`, `seed` and `dataset`, elsewhere None.

    An `IterableDataset` is read by no worker: programs that ask there so that each worker takes
    its part of the data get None, which is "all of it".

    >>> from nn.data import DataLoader
    >>> get_worker_info() is None
    True
    >>> started = []
    >>> def init(number):
    ...     started.append((number, get_worker_info()))
    >>> _ = list(DataLoader(range(3), num_workers=2, worker_init_fn=init)); started
    [(0, WorkerInfo(id=0, num_workers=2)), (1, WorkerInfo(id=1, num_workers=2))]
    """
    return getattr(_thread, "info", None)


def start_workers(pool: Executor, loader: DataLoader[Any], streams: Streams) -> None:
    """Has each thread of `pool` learn who it is and call `worker_init_fn`, in the order of ids."""
    count = loader.num_workers
    turns = [threading.Event() for _ in range(count + 1)]

    def start(number: int) -> None:
        turns[number].wait()
        try:
            _thread.info = WorkerInfo(number, count, loader.dataset, streams)
            if loader.worker_init_fn is not None:
                with stream_of(streams, 0, number):
                    loader.worker_init_fn(number)
        except Exception as error:
            error.add_note(f"raised by worker_init_fn({number})")
            raise
        finally:
            turns[number + 1].set()

    # No thread has finished before all have begun, so that the pool starts one for each number.
    started = [pool.submit(start, number) for number in range(count)]
    turns[0].set()
    for one in started:
        one.result()
