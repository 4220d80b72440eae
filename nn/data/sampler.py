"""Samplers: in which order, and how often, a loader visits the indices of a dataset.

All names are PyTorch's. Iterating a sampler a second time is a new pass, with a new order if the
order is random.
"""

import itertools
from collections.abc import Iterable, Iterator, Sequence, Sized
from typing import Any, Generic, TypeVar

import numpy as np

import autograd
from autograd import Generator, Tensor

T_co = TypeVar("T_co", covariant=True)


class Sampler(Generic[T_co]):
    """Yields indices of a dataset. Subclasses define `__iter__` and, for `len(loader)`, `__len__`.

    Example:
        >>> class Backwards(Sampler[int]):
        ...     def __init__(self, data):
        ...         self.data = data
        ...     def __iter__(self):
        ...         return iter(reversed(range(len(self.data))))
        >>> list(Backwards("abc"))
        [2, 1, 0]
    """

    def __iter__(self) -> Iterator[T_co]:
        raise NotImplementedError(f"{type(self).__name__} must define __iter__(self)")


class SequentialSampler(Sampler[int]):
    """The indices of `data_source` in order.

    Example:
        >>> list(SequentialSampler("abc"))
        [0, 1, 2]
    """

    def __init__(self, data_source: Sized) -> None:
        self.data_source = data_source

    def __iter__(self) -> Iterator[int]:
        return iter(range(len(self.data_source)))

    def __len__(self) -> int:
        return len(self.data_source)


class RandomSampler(Sampler[int]):
    """The indices of `data_source` in random order, a new one in each pass.

    Args:
        replacement: draw every index anew, so that some come twice and some not at all.
        num_samples: how many to draw, by default `len(data_source)`; more than that without
            replacement goes on with a new order.
        generator: draws the orders, and is advanced. Without one, each pass has a stream of its
            own, split from the global generator: `autograd.manual_seed` settles the orders, yet
            drawing them changes no other random number of the program.

    Raises:
        ValueError: `num_samples` is not a positive integer, or there are no items.

    Example:
        >>> sampler = RandomSampler(range(4), generator=autograd.Generator().manual_seed(0))
        >>> sorted(sampler), len(sampler)
        ([0, 1, 2, 3], 4)
    """

    def __init__(
        self,
        data_source: Sized,
        replacement: bool = False,
        num_samples: int | None = None,
        generator: Generator | None = None,
    ) -> None:
        self.data_source = data_source
        self.replacement = replacement
        self._num_samples = num_samples
        self.generator = generator
        check_count("RandomSampler: the number of items", len(data_source))
        check_count("RandomSampler: num_samples", self.num_samples)

    @property
    def num_samples(self) -> int:
        return len(self.data_source) if self._num_samples is None else self._num_samples

    def __iter__(self) -> Iterator[int]:
        rng = numpy_rng(self.generator)
        size, count = len(self.data_source), self.num_samples
        if self.replacement:
            yield from rng.integers(size, size=count).tolist()
            return
        for drawn in range(0, count, size):
            yield from rng.permutation(size)[: count - drawn].tolist()

    def __len__(self) -> int:
        return self.num_samples


class SubsetRandomSampler(Sampler[Any]):
    """The given indices in random order, each once a pass; `generator` as for `RandomSampler`.

    Example:
        >>> sorted(SubsetRandomSampler([7, 3, 5]))
        [3, 5, 7]
    """

    def __init__(self, indices: Sequence[Any], generator: Generator | None = None) -> None:
        self.indices = indices
        self.generator = generator

    def __iter__(self) -> Iterator[Any]:
        for i in numpy_rng(self.generator).permutation(len(self.indices)).tolist():
            yield self.indices[i]

    def __len__(self) -> int:
        return len(self.indices)


class WeightedRandomSampler(Sampler[int]):
    """Draws from 0 .. len(weights) - 1, index i with probability weights[i] / sum(weights).

    Args:
        weights: finite and not negative, not all zero; a sequence, ndarray or tensor (N,).
        num_samples: how many to draw in a pass.
        replacement: else an index comes at most once a pass.
        generator: as for `RandomSampler`.

    Raises:
        ValueError: `num_samples` is not a positive integer, or more than the positive weights
            when drawing without replacement; or the weights are not as said.

    Example:
        >>> list(WeightedRandomSampler([0.0, 2.0, 0.0], num_samples=3))
        [1, 1, 1]
    """

    def __init__(
        self,
        weights: Sequence[float] | np.ndarray | Tensor,
        num_samples: int,
        replacement: bool = True,
        generator: Generator | None = None,
    ) -> None:
        check_count("WeightedRandomSampler: num_samples", num_samples)
        values = np.array(weights, dtype=np.float64)
        if values.ndim != 1 or not (np.isfinite(values) & (values >= 0)).all() or not values.any():
            raise ValueError(
                "WeightedRandomSampler: weights must be of shape (N,), finite and not negative, "
                f"with a positive sum; got shape {values.shape}: {values}"
            )
        if not replacement and num_samples > np.count_nonzero(values):
            raise ValueError(
                f"WeightedRandomSampler: cannot draw {num_samples} different indices, only "
                f"{np.count_nonzero(values)} have a positive weight; pass replacement=True"
            )
        self.weights = autograd.from_numpy(values)
        self.num_samples = num_samples
        self.replacement = replacement
        self.generator = generator

    def __iter__(self) -> Iterator[int]:
        weights = self.weights.numpy()
        draws = numpy_rng(self.generator).choice(
            len(weights), self.num_samples, self.replacement, weights / weights.sum()
        )
        yield from draws.tolist()

    def __len__(self) -> int:
        return self.num_samples


class BatchSampler(Sampler[list[Any]]):
    """Lists of `batch_size` indices of another sampler; the last may be shorter, or is dropped.

    Raises:
        ValueError: `batch_size` is not a positive integer.

    Example:
        >>> list(BatchSampler(range(5), batch_size=2, drop_last=False))
        [[0, 1], [2, 3], [4]]
    """

    def __init__(self, sampler: Iterable[Any], batch_size: int, drop_last: bool) -> None:
        check_count("batch_size", batch_size)
        self.sampler = sampler
        self.batch_size = batch_size
        self.drop_last = drop_last

    def __iter__(self) -> Iterator[list[Any]]:
        indices = iter(self.sampler)
        while batch := list(itertools.islice(indices, self.batch_size)):
            if self.drop_last and len(batch) < self.batch_size:
                return
            yield batch

    def __len__(self) -> int:
        size = len(self.sampler)  # type: ignore[arg-type]
        return size // self.batch_size if self.drop_last else -(-size // self.batch_size)


def numpy_rng(generator: Generator | None) -> np.random.Generator:
    """The NumPy generator to draw from: the given one's, or a new one split from the global's."""
    if generator is not None:
        return generator.rng
    return autograd.random.default_generator.rng.spawn(1)[0]


def check_count(what: str, value: Any) -> None:
    if not isinstance(value, int) or isinstance(value, bool) or value <= 0:
        raise ValueError(f"{what} must be a positive integer, got {value!r}")
