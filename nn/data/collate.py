"""Collation: a list of items becomes one batch, with a new first dimension on every array in it."""

import copy
from collections.abc import Mapping, MutableMapping, Sequence
from typing import Any

import numpy as np

import autograd
from autograd import Tensor


class CollateError(RuntimeError):
    """Items that do not fit together. `entry`: the first that differs from entry 0."""

    def __init__(self, message: str, entry: int) -> None:
        super().__init__(f"cannot collate: {message}; pass a collate_fn that pads or drops")
        self.entry = entry


def default_collate(batch: Sequence[Any]) -> Any:
    """Makes one batch of B items, by the type of the first:

    - tensors and ndarrays of one shape S, NumPy numbers: a tensor (B, *S) of their dtype;
    - float: a float64 tensor (B,); int: an int64 tensor (B,); bool: a bool tensor (B,);
    - str, bytes: the list as it is;
    - dict: a dict of the collated values; named tuple: one of the collated fields; tuple or list:
      a list of the collated fields.

    Raises:
        CollateError: (a RuntimeError) shapes, lengths or keys differ; it names the entry.
        TypeError: there is no rule for the type.

    Example:
        >>> images, labels = default_collate([(np.zeros((2, 3)), 7), (np.ones((2, 3)), 1)])
        >>> tuple(images.shape), labels.tolist()
        ((2, 2, 3), [7, 1])
    """
    first = batch[0]
    if isinstance(first, Tensor):
        _check_same(batch, "shape", [tuple(entry.shape) for entry in batch])
        return autograd.stack(list(batch))
    if isinstance(first, np.ndarray | np.number | np.bool_) and first.dtype.kind in "biufc":
        _check_same(batch, "shape", [np.shape(entry) for entry in batch])
        return autograd.from_numpy(np.stack(batch))
    if isinstance(first, float):
        return autograd.tensor(list(batch), dtype=autograd.float64)
    if isinstance(first, int):
        return autograd.tensor(list(batch))
    if isinstance(first, str | bytes):
        return batch
    if isinstance(first, Mapping):
        for position, entry in enumerate(batch):
            if missing := first.keys() - entry.keys():
                raise CollateError(f"entry {position} lacks the keys {missing}", position)
        return _mapping_like(first, {k: default_collate([e[k] for e in batch]) for k in first})
    if isinstance(first, Sequence):
        _check_same(batch, "length", [len(entry) for entry in batch])
        fields = [default_collate(field) for field in zip(*batch, strict=True)]
        return type(first)(*fields) if hasattr(first, "_fields") else fields
    raise TypeError(
        f"cannot collate {_kind(first)}: items must be tensors, ndarrays, numbers, strings, or "
        "dicts, tuples and lists of these; convert them in the dataset or pass a collate_fn"
    )


def default_convert(item: Any) -> Any:
    """An item with the ndarrays and NumPy numbers in it made tensors, and tuples made lists.

    What `DataLoader` does with an item where it makes no batches (`batch_size=None`).

    Example:
        >>> default_convert({"x": np.zeros(3), "name": "a"})
        {'x': tensor([0., 0., 0.], dtype=float64), 'name': 'a'}
    """
    if isinstance(item, np.ndarray | np.number | np.bool_) and item.dtype.kind in "biufc":
        return autograd.from_numpy(np.asarray(item))
    if isinstance(item, Mapping):
        return _mapping_like(item, {key: default_convert(item[key]) for key in item})
    if isinstance(item, Sequence) and not isinstance(item, str | bytes):
        fields = [default_convert(field) for field in item]
        return type(item)(*fields) if hasattr(item, "_fields") else fields
    return item


def _mapping_like(mapping: Mapping[Any, Any], values: dict[Any, Any]) -> Any:
    try:
        if isinstance(mapping, MutableMapping):
            # A copy keeps what a subclass holds besides its items.
            clone = copy.copy(mapping)
            clone.update(values)
            return clone
        return type(mapping)(values)  # type: ignore[call-arg]
    except TypeError:
        return values


def _check_same(batch: Sequence[Any], what: str, values: list[Any]) -> None:
    for position, value in enumerate(values):
        if value != values[0]:
            raise CollateError(
                f"entry {position} of the batch has {what} {value}, entry 0 has {values[0]}",
                position,
            )


def _kind(item: Any) -> str:
    return f"an array of dtype {item.dtype}" if isinstance(item, np.ndarray) else str(type(item))
