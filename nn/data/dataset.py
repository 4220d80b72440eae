"""Datasets: anything with `len(dataset)` and `dataset[i]`, and how a loader asks for many items.

The classes are PyTorch's (`torch.utils.data`). One method is added: a dataset that keeps its items
in arrays may define `__getbatch__` and answer for a whole batch with one indexing of each array,
several times faster than taking the items one by one and stacking them.
"""

import itertools
import math
import operator
import warnings
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import numpy as np

from autograd import Generator, Tensor
from nn.data.sampler import numpy_rng

T_co = TypeVar("T_co", covariant=True)
T = TypeVar("T")


class Dataset(Generic[T_co]):
    """A map from an index to an item. Subclasses define `__getitem__` and, mostly, `__len__`.

    Two more methods may answer for many items at once; `DataLoader` prefers them to `__getitem__`:

    - `__getitems__(indices: list) -> list`: the items, still to be collated (PyTorch's);
    - `__getbatch__(indices: ndarray) -> Any`: what `default_collate` would make of the items at
      these int64 indices, or NotImplemented. It is asked only where the collation is the default.

    A subclass that overrides `__getitem__` alone is asked for its items by `__getitem__`: neither
    method of a base class can go behind its back.

    Example:
        >>> class Squares(Dataset[int]):
        ...     def __getitem__(self, index):
        ...         return index**2
        ...     def __len__(self):
        ...         return 5
        >>> Squares()[3], len(Squares() + Squares())
        (9, 10)
    """

    def __getitem__(self, index: Any) -> T_co:
        raise NotImplementedError(f"{type(self).__name__} must define __getitem__(self, index)")

    if TYPE_CHECKING:  # as in PyTorch, there is no default: `len` of a dataset without it fails

        def __len__(self) -> int: ...

    def __add__(self, other: "Dataset[T_co]") -> "ConcatDataset[T_co]":
        return ConcatDataset([self, other])


class IterableDataset(Dataset[T_co]):
    """Items one after another, as from a file or a network: subclasses define `__iter__`.

    Example:
        >>> from nn.data import DataLoader
        >>> class Lines(IterableDataset[str]):
        ...     def __iter__(self):
        ...         yield from ["a", "b", "c"]
        >>> list(DataLoader(Lines(), batch_size=2))
        [['a', 'b'], ['c']]
    """

    def __iter__(self) -> Iterator[T_co]:
        raise NotImplementedError(f"{type(self).__name__} must define __iter__(self)")

    def __add__(self, other: Any) -> "ChainDataset[T_co]":  # type: ignore[override]
        return ChainDataset([self, other])


class ChainDataset(IterableDataset[T_co]):
    """The items of several `IterableDataset`s, one after the other; also `dataset + dataset`.

    Raises:
        TypeError: (in the pass) one is no `IterableDataset`; `ConcatDataset` is for the others.

    Example:
        >>> class Letters(IterableDataset[str]):
        ...     def __iter__(self):
        ...         return iter("ab")
        >>> list(ChainDataset([Letters(), Letters()])), list(Letters() + Letters())
        (['a', 'b', 'a', 'b'], ['a', 'b', 'a', 'b'])
    """

    def __init__(self, datasets: Iterable[Any]) -> None:
        self.datasets = datasets

    def __iter__(self) -> Iterator[T_co]:
        return itertools.chain.from_iterable(self._checked())

    def __len__(self) -> int:
        return sum(map(len, self._checked()))

    def _checked(self) -> Iterator[Any]:
        for i, dataset in enumerate(self.datasets):
            if not isinstance(dataset, IterableDataset):
                raise TypeError(
                    f"ChainDataset: dataset {i} is a {type(dataset).__name__}, not an "
                    "IterableDataset; use ConcatDataset"
                )
            yield dataset


class TensorDataset(Dataset[tuple[Tensor, ...]]):
    """Item i is the tuple of every tensor's i-th row.

    Args:
        tensors: of equal first size N; any dtype, any further dimensions.

    Raises:
        TypeError: an argument is not a Tensor.
        ValueError: a tensor has no dimension, or their first sizes differ.

    Example:
        >>> import autograd
        >>> data = TensorDataset(autograd.tensor([[1.0], [2.0]]), autograd.tensor([0, 1]))
        >>> len(data), [tuple(field.shape) for field in data[0]]
        (2, [(1,), ()])
    """

    def __init__(self, *tensors: Tensor) -> None:
        for position, tensor in enumerate(tensors):
            if not isinstance(tensor, Tensor):
                raise TypeError(
                    f"TensorDataset: argument {position} is {type(tensor).__name__}, not a Tensor; "
                    "autograd.from_numpy makes one of an ndarray"
                )
        shapes = [tuple(tensor.shape) for tensor in tensors]
        if not shapes or () in shapes or len({shape[0] for shape in shapes}) > 1:
            raise ValueError(
                f"TensorDataset: needs tensors of the same first size; got shapes {shapes}"
            )
        self.tensors = tensors

    def __getitem__(self, index: Any) -> tuple[Tensor, ...]:
        return tuple(tensor[index] for tensor in self.tensors)

    def __getbatch__(self, indices: np.ndarray) -> Any:
        # A list: what collating tuples gives.
        return [tensor[indices] for tensor in self.tensors]

    def __len__(self) -> int:
        return int(self.tensors[0].shape[0])


class Subset(Dataset[T_co]):
    """Items `indices` of a dataset, in that order.

    Example:
        >>> data = Subset("abcdef", [4, 0])
        >>> len(data), data[0]
        (2, 'e')
    """

    def __init__(self, dataset: Any, indices: Sequence[Any]) -> None:
        self.dataset = dataset
        self.indices = indices

    def __getitem__(self, index: Any) -> T_co:
        if isinstance(index, list):
            indices: Any = [self.indices[i] for i in index]
        else:
            indices = self.indices[index]
        item: T_co = self.dataset[indices]
        return item

    def __getitems__(self, indices: Sequence[int]) -> list[T_co]:
        return get_items(self.dataset, [self.indices[i] for i in indices])

    def __getbatch__(self, indices: np.ndarray) -> Any:
        return get_batch(self.dataset, [self.indices[i] for i in indices.tolist()])

    def __len__(self) -> int:
        return len(self.indices)


class ConcatDataset(Dataset[T_co]):
    """The items of several datasets, one dataset after the other; also `dataset + dataset`.

    Example:
        >>> data = ConcatDataset(["ab", "cde"])
        >>> len(data), data[3], data[-5]
        (5, 'd', 'a')
    """

    def __init__(self, datasets: Iterable[Any]) -> None:
        self.datasets = list(datasets)
        if not self.datasets:
            raise ValueError("ConcatDataset: needs at least one dataset")
        self.cumulative_sizes = list(itertools.accumulate(map(len, self.datasets)))

    def __getitem__(self, index: int) -> T_co:
        size = len(self)
        if not -size <= index < size:
            raise IndexError(f"ConcatDataset: index {index} is out of range for {size} items")
        index %= size
        which = bisect_right(self.cumulative_sizes, index)
        before = self.cumulative_sizes[which - 1] if which else 0
        item: T_co = self.datasets[which][index - before]
        return item

    def __len__(self) -> int:
        return self.cumulative_sizes[-1]


class StackDataset(Dataset[Any]):
    """Datasets side by side: item i is the tuple of the i-th items of all, or a dict of them.

    Args:
        args: datasets of one length, for tuples;
        kwargs: or by name, for dicts.

    Raises:
        ValueError: there is no dataset, some are given by name and some not, or lengths differ.

    Example:
        >>> StackDataset("abc", [1, 2, 3])[1]
        ('b', 2)
        >>> StackDataset(letter="abc", number=[1, 2, 3])[2]
        {'letter': 'c', 'number': 3}
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if bool(args) == bool(kwargs):
            raise ValueError(
                "StackDataset: needs datasets in order, for tuples, or by name, for dicts; got "
                + ("both" if args else "none")
            )
        self.datasets: Any = args or kwargs
        sizes = [len(dataset) for dataset in (*args, *kwargs.values())]
        if len(set(sizes)) > 1:
            raise ValueError(f"StackDataset: the datasets differ in length: {sizes}")
        self._length = sizes[0]

    def __getitem__(self, index: Any) -> Any:
        return self._each(lambda dataset: dataset[index])

    def __getitems__(self, indices: list[Any]) -> list[Any]:
        columns = self._each(lambda dataset: get_items(dataset, indices))
        if isinstance(columns, dict):
            rows = zip(*columns.values(), strict=True)
            return [dict(zip(columns, row, strict=True)) for row in rows]
        return list(zip(*columns, strict=True))

    def __getbatch__(self, indices: np.ndarray) -> Any:
        named = isinstance(self.datasets, dict)
        batches = []
        for dataset in self.datasets.values() if named else self.datasets:
            batches.append(get_batch(dataset, indices.tolist()))
            if batches[-1] is NotImplemented:
                return NotImplemented
        return dict(zip(self.datasets, batches, strict=True)) if named else batches

    def _each(self, function: Callable[[Any], Any]) -> Any:
        if isinstance(self.datasets, dict):
            return {name: function(dataset) for name, dataset in self.datasets.items()}
        return tuple(map(function, self.datasets))

    def __len__(self) -> int:
        return self._length


def random_split(
    dataset: Any, lengths: Sequence[int | float], generator: Generator | None = None
) -> list[Subset[Any]]:
    """Deals a dataset's items at random into disjoint subsets.

    Args:
        lengths: the sizes, summing to `len(dataset)`; or fractions summing to 1, rounded down, the
            items left over going one each to the first subsets.
        generator: gives the order; without one, a seed of `autograd.manual_seed` settles it (see
            `RandomSampler`).

    Raises:
        ValueError: a length is negative, or they sum neither to `len(dataset)` nor to 1.

    Example:
        >>> import autograd
        >>> parts = random_split(range(10), [0.75, 0.25], autograd.Generator().manual_seed(0))
        >>> [len(part) for part in parts], sorted(item for part in parts for item in part)
        ([8, 2], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
    """
    size = len(dataset)
    sizes = [int(length) for length in lengths]
    if math.isclose(sum(lengths), 1):
        sizes = [math.floor(size * fraction) for fraction in lengths]
        for i in range(size - sum(sizes)):
            sizes[i % len(sizes)] += 1
        for i, length in enumerate(sizes):
            if length == 0:
                warnings.warn(f"random_split: part {i} of {size} items is empty", stacklevel=2)
    elif sizes != list(lengths) or sum(sizes) != size:
        raise ValueError(
            f"random_split: lengths must be sizes summing to len(dataset) = {size}, or fractions "
            f"summing to 1; got {list(lengths)}, which sum to {sum(lengths)}"
        )
    if any(length < 0 for length in lengths):
        raise ValueError(f"random_split: lengths must not be negative, got {list(lengths)}")
    order = numpy_rng(generator).permutation(size).tolist()
    return [
        Subset(dataset, order[end - length : end])
        for length, end in zip(sizes, itertools.accumulate(sizes), strict=True)
    ]


def get_batch(dataset: Any, indices: Sequence[int]) -> Any:
    """The collated items from the dataset's `__getbatch__`, or NotImplemented."""
    method = _bulk_method(dataset, "__getbatch__")
    if method is None:
        return NotImplemented
    # Through __index__, which a float index does not have: np.asarray would round it.
    return method(np.fromiter(map(operator.index, indices), np.int64, len(indices)))


def get_items(dataset: Any, indices: Sequence[Any]) -> list[Any]:
    """The items at these indices, in order; an error in one is given a note of its index."""
    method = _bulk_method(dataset, "__getitems__")
    if method is not None:
        return list(method(indices))
    items = []
    for index in indices:
        try:
            items.append(dataset[index])
        except Exception as error:
            error.add_note(f"raised by item {index!r} of {type(dataset).__name__}")
            raise
    return items


def _bulk_method(dataset: Any, name: str) -> Callable[[Any], Any] | None:
    for cls in type(dataset).__mro__:
        if name in vars(cls):
            method: Callable[[Any], Any] = getattr(dataset, name)
            return method
        if "__getitem__" in vars(cls):
            return None
    return None
