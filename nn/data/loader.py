"""DataLoader: batches of a dataset, in order or shuffled, fetched ahead by threads if asked."""

import itertools
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Generic, TypeVar

from autograd import Generator
from nn.data.collate import CollateError, default_collate, default_convert
from nn.data.dataset import Dataset, IterableDataset, get_batch, get_items
from nn.data.sampler import BatchSampler, RandomSampler, SequentialSampler
from nn.data.streams import Streams, has_transforms, stream_of
from nn.data.worker import start_workers

T_co = TypeVar("T_co", covariant=True)


class DataLoader(Generic[T_co]):
    """Iterates over a dataset in batches; each `for` is a new pass, newly shuffled if shuffled.

    Datasets that keep their items in arrays (`TensorDataset`, `MNIST` without transforms, a
    `Subset` of one, any with `__getbatch__`: see `Dataset`) are indexed once a batch.

    Args:
        dataset: anything with `len` and `[index]`, or an `IterableDataset`, whose items come in
            its own order, fetched one batch at a time.
        batch_size: items in a batch; None gives items, not batches.
        shuffle: a new random order in each pass.
        sampler: an iterable of indices, in place of `shuffle`.
        batch_sampler: an iterable of lists of indices, in place of `batch_size`, `shuffle`,
            `sampler` and `drop_last`.
        num_workers: threads that fetch batches ahead; 0 fetches each when it is asked for. The
            order of the batches stays the same. NumPy works outside Python's lock only in large
            operations: threads gain most where items are read from files. Random numbers that
            items draw from `autograd` come from a stream of their batch, so that
            `autograd.manual_seed` settles them too.
        collate_fn: makes a batch of a list of items, by default `default_collate`.
        drop_last: leave out a last batch that is short.
        generator: draws the orders, as for `RandomSampler`: without one they are settled by
            `autograd.manual_seed`, and drawing them changes no other random number.
        worker_init_fn: called with 0 .. num_workers - 1 at the start of each pass, in the thread of
            that worker, one after the other, before any item is fetched; not for an
            `IterableDataset`, which is read by no worker. Workers share the memory of the program:
            `np.random.seed` and `random.seed` in it seed those of the whole program.
            `autograd.manual_seed` has no effect beyond it, since each batch has a stream of its
            own; `get_worker_info().seed` is a seed of the worker.
        prefetch_factor: batches fetched ahead for each worker, by default 2.
        pin_memory, persistent_workers, timeout, multiprocessing_context, pin_memory_device,
            in_order: accepted for PyTorch's sake; they change nothing here, where workers are
            threads with the state of the program, and always keep the order.

    Raises:
        ValueError: arguments that exclude each other, or a count that is not positive.

    An error in an item, or in collating it, carries a note of its index.

    Example:
        >>> import autograd
        >>> from nn.data import TensorDataset
        >>> data = TensorDataset(autograd.arange(10.0).reshape(5, 2), autograd.arange(5))
        >>> for x, y in DataLoader(data, batch_size=2):
        ...     print(tuple(x.shape), y.tolist())
        (2, 2) [0, 1]
        (2, 2) [2, 3]
        (1, 2) [4]
    """

    def __init__(
        self,
        dataset: Dataset[T_co],
        batch_size: int | None = 1,
        shuffle: bool | None = False,
        sampler: Iterable[Any] | None = None,
        batch_sampler: Iterable[Sequence[Any]] | None = None,
        num_workers: int = 0,
        collate_fn: Callable[[Any], Any] | None = None,
        pin_memory: bool = False,
        drop_last: bool = False,
        timeout: float = 0,
        worker_init_fn: Callable[[int], Any] | None = None,
        multiprocessing_context: Any = None,
        generator: Generator | None = None,
        *,
        prefetch_factor: int | None = None,
        persistent_workers: bool = False,
        pin_memory_device: str = "",
        in_order: bool = True,
    ) -> None:
        if not isinstance(num_workers, int) or num_workers < 0:
            raise ValueError(f"DataLoader: num_workers must be 0 or more, got {num_workers!r}")
        if prefetch_factor is not None and prefetch_factor < 1:
            raise ValueError(f"DataLoader: prefetch_factor must be 1 or more: {prefetch_factor!r}")
        if sampler is not None and shuffle:
            raise ValueError("DataLoader: a sampler sets the order; leave out shuffle")
        if batch_sampler is not None:
            if batch_size != 1 or shuffle or sampler is not None or drop_last:
                raise ValueError(
                    "DataLoader: a batch_sampler makes the batches; leave out batch_size, shuffle, "
                    "sampler and drop_last"
                )
            batch_size = None
        elif batch_size is None and drop_last:
            raise ValueError("DataLoader: with batch_size=None there is no last batch to drop")
        streamed = isinstance(dataset, IterableDataset)
        if streamed and (shuffle or sampler is not None or batch_sampler is not None):
            raise ValueError(
                "DataLoader: an IterableDataset comes in its own order; leave out shuffle, sampler "
                "and batch_sampler, and shuffle in its __iter__"
            )
        if sampler is None and not streamed:
            sampler = (
                RandomSampler(dataset, generator=generator)
                if shuffle
                else SequentialSampler(dataset)
            )
        if batch_size is not None and sampler is not None:
            batch_sampler = BatchSampler(sampler, batch_size, drop_last)
        if collate_fn is None:
            single = batch_sampler is None and not (streamed and batch_size)
            collate_fn = default_convert if single else default_collate
        self.dataset = dataset
        self.batch_size = batch_size
        self.sampler = sampler
        self.batch_sampler = batch_sampler
        self.num_workers = num_workers
        self.collate_fn = collate_fn
        self.drop_last = drop_last
        self.generator = generator
        self.prefetch_factor = prefetch_factor
        self.pin_memory = pin_memory
        self.persistent_workers = persistent_workers
        self.timeout = timeout
        self.worker_init_fn = worker_init_fn

    def __len__(self) -> int:
        if isinstance(self.dataset, IterableDataset):
            items, size = len(self.dataset), self.batch_size or 1
            return items // size if self.drop_last else -(-items // size)
        return len(self._steps())  # type: ignore[arg-type]

    def __iter__(self) -> Iterator[T_co]:
        if isinstance(self.dataset, IterableDataset):
            return self._streamed(self.dataset)
        streams = Streams() if self.num_workers or has_transforms(self.dataset) else None
        if self.num_workers == 0:
            return (self._fetch(job, streams) for job in enumerate(self._steps()))
        return self._prefetch(streams)

    def _steps(self) -> Iterable[Any]:
        steps = self.sampler if self.batch_sampler is None else self.batch_sampler
        assert steps is not None
        return steps

    def _streamed(self, dataset: IterableDataset[Any]) -> Iterator[Any]:
        if self.batch_size is None:
            yield from map(self.collate_fn, dataset)
            return
        items = iter(dataset)
        while batch := list(itertools.islice(items, self.batch_size)):
            if len(batch) == self.batch_size or not self.drop_last:
                yield self.collate_fn(batch)

    def _prefetch(self, streams: Any) -> Iterator[T_co]:
        from concurrent.futures import Future, ThreadPoolExecutor  # slow to import, seldom needed

        pool = ThreadPoolExecutor(self.num_workers, thread_name_prefix="DataLoader")
        waiting: deque[Future[Any]] = deque()
        try:
            start_workers(pool, self, streams)
            for job in enumerate(self._steps()):
                waiting.append(pool.submit(self._fetch, job, streams))
                if len(waiting) > self.num_workers * (self.prefetch_factor or 2):
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            # Also reached when the loop over the loader ends early and drops this generator.
            pool.shutdown(cancel_futures=True)

    def _fetch(self, job: tuple[int, Any], streams: Any) -> Any:
        number, indices = job
        if streams is None:
            return self._batch(indices)
        with stream_of(streams, number):
            return self._batch(indices)

    def _batch(self, indices: Any) -> Any:
        if self.batch_sampler is None:
            return self.collate_fn(get_items(self.dataset, [indices])[0])
        if self.collate_fn is default_collate:
            batch = get_batch(self.dataset, indices)
            if batch is not NotImplemented:
                return batch
        items = get_items(self.dataset, indices)
        try:
            return self.collate_fn(items)
        except CollateError as error:
            error.add_note(f"entry {error.entry} is item {indices[error.entry]!r} of the dataset")
            raise
