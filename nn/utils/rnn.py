"""Batches of sequences of different lengths, padded or packed.

A `PackedSequence` has only the steps that exist: step 0 of all sequences, then step 1 of those that
are that long, and so on, with the longest sequences first.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, Self

import numpy as np

import autograd
from autograd import Tensor
from autograd.errors import described
from autograd.tensor import wrap


class _Fields(NamedTuple):
    data: Tensor
    batch_sizes: Tensor
    sorted_indices: Tensor | None
    unsorted_indices: Tensor | None


class PackedSequence(_Fields):
    """Sequences of different lengths without padding, which all recurrent layers accept.

    Made by `pack_padded_sequence` and `pack_sequence`. `data` has the rows of step 0, then those of
    step 1, ...; `batch_sizes`, int64, how many rows a step has. `sorted_indices` is the order of
    the sequences by length, where they were sorted, and `unsorted_indices` undoes it.
    """

    def __new__(
        cls,
        data: Any,
        batch_sizes: Tensor | None = None,
        sorted_indices: Tensor | None = None,
        unsorted_indices: Tensor | None = None,
    ) -> Self:
        if batch_sizes is None:  # PyTorch allows the first two as a pair
            data, batch_sizes = data
        if unsorted_indices is None:
            unsorted_indices = invert_permutation(sorted_indices)
        assert batch_sizes is not None
        return super().__new__(cls, data, batch_sizes, sorted_indices, unsorted_indices)

    def to(self, *args: Any, **kwargs: Any) -> Self:
        """With `data` converted as `Tensor.to` does; itself where there is nothing to convert."""
        data = self.data.to(*args, **kwargs)
        return self if data is self.data else type(self)(data, *self[1:])

    def cpu(self) -> Self:
        """Itself: tensors are always there."""
        return self

    pin_memory = cpu

    def double(self) -> Self:
        """With `data` in float64."""
        return self.to(autograd.float64)

    def float(self) -> Self:
        """With `data` in float32."""
        return self.to(autograd.float32)

    def half(self) -> Self:
        """With `data` in float16."""
        return self.to(autograd.float16)

    def long(self) -> Self:
        """With `data` in int64."""
        return self.to(autograd.int64)

    def int(self) -> Self:
        """With `data` in int32."""
        return self.to(autograd.int32)

    def short(self) -> Self:
        """With `data` in int16."""
        return self.to(autograd.int16)

    def char(self) -> Self:
        """With `data` in int8."""
        return self.to(autograd.int8)

    def byte(self) -> Self:
        """With `data` in uint8."""
        return self.to(autograd.uint8)

    @property
    def is_cuda(self) -> bool:
        """False."""
        return False

    def is_pinned(self) -> bool:
        """False."""
        return False


def invert_permutation(permutation: Tensor | None) -> Tensor | None:
    """The permutation that undoes this one; None for None.

    >>> import autograd
    >>> invert_permutation(autograd.tensor([2, 0, 1]))
    tensor([1, 2, 0])
    """
    return None if permutation is None else wrap(np.argsort(permutation.numpy()))


def pack_padded_sequence(
    input: Tensor, lengths: Any, batch_first: bool = False, enforce_sorted: bool = True
) -> PackedSequence:
    """The steps that exist in a padded batch.

    Args:
        input: of shape (T, batch, *), or (batch, T, *) if `batch_first`.
        lengths: of each sequence, at least 1 and at most T.
        batch_first: the layout of `input`.
        enforce_sorted: expect the longest sequence first; otherwise they are sorted here.

    >>> import autograd
    >>> x = autograd.tensor([[1, 2, 0], [3, 0, 0], [4, 5, 6]])
    >>> packed = pack_padded_sequence(x, [2, 1, 3], batch_first=True, enforce_sorted=False)
    >>> packed.data, packed.batch_sizes, packed.sorted_indices
    (tensor([4, 1, 3, 5, 2, 6]), tensor([3, 2, 1]), tensor([2, 0, 1]))
    """
    sizes = autograd.as_tensor(lengths).detach().numpy().astype(np.int64)
    if input.ndim < 2:
        raise RuntimeError(
            f"pack_padded_sequence: the input must have at least 2 dimensions, got "
            f"{described(input)}"
        )
    x = input.transpose(0, 1) if batch_first else input
    steps, batch = x.shape[:2]
    if sizes.shape != (batch,) or batch == 0:
        raise RuntimeError(
            f"pack_padded_sequence: expected {batch} lengths, one per sequence of the input "
            f"{described(input)} (batch_first={batch_first}), got {sizes.size}"
        )
    if sizes.min() < 1 or sizes.max() > steps:
        raise RuntimeError(
            f"pack_padded_sequence: lengths must be in [1, {steps}], got {sizes.tolist()}"
        )
    order = None
    if not enforce_sorted:
        order = np.argsort(-sizes, kind="stable")
        sizes, x = sizes[order], x.index_select(1, wrap(order))
    elif (np.diff(sizes) > 0).any():
        raise RuntimeError(
            "pack_padded_sequence: lengths must fall when enforce_sorted is True, got "
            f"{sizes.tolist()}; pass enforce_sorted=False to have the sequences sorted"
        )
    exists = np.arange(int(sizes[0]))[:, None] < sizes
    rows = x.reshape(steps * batch, *x.shape[2:]).index_select(0, wrap(np.flatnonzero(exists)))
    return PackedSequence(rows, wrap(exists.sum(1)), None if order is None else wrap(order))


def pad_packed_sequence(
    sequence: PackedSequence,
    batch_first: bool = False,
    padding_value: float = 0.0,
    total_length: int | None = None,
) -> tuple[Tensor, Tensor]:
    """(the padded batch, the lengths): what `pack_padded_sequence` was given.

    Args:
        sequence: the packed batch.
        batch_first: whether the result is (batch, T, *) rather than (T, batch, *).
        padding_value: stands where sequences have ended.
        total_length: T, at least the longest length, which it is by default.

    >>> import autograd
    >>> packed = pack_sequence([autograd.tensor([1, 2]), autograd.tensor([3])])
    >>> pad_packed_sequence(packed, batch_first=True, padding_value=-1)
    (tensor([[ 1,  2],
            [ 3, -1]]), tensor([2, 1]))
    """
    data, batch_sizes, _, unsorted = sequence
    sizes = batch_sizes.numpy()
    steps, batch = len(sizes), int(sizes[0])
    if total_length is not None:
        if total_length < steps:
            raise ValueError(
                f"pad_packed_sequence: total_length must be at least the length of the longest "
                f"sequence, {steps}, got {total_length}"
            )
        steps = total_length
    exists = np.zeros((steps, batch), bool)
    exists[: len(sizes)] = np.arange(batch) < sizes[:, None]
    rest = data.shape[1:]
    empty = autograd.full((steps * batch, *rest), padding_value, dtype=data.dtype)
    padded = empty.index_copy(0, wrap(np.flatnonzero(exists)), data).reshape(steps, batch, *rest)
    lengths = wrap(exists.sum(0))
    if unsorted is not None:
        padded, lengths = padded.index_select(1, unsorted), lengths[unsorted]
    return (padded.transpose(0, 1) if batch_first else padded), lengths


def pad_sequence(
    sequences: Iterable[Tensor],
    batch_first: bool = False,
    padding_value: float = 0.0,
    padding_side: str = "right",
) -> Tensor:
    """Sequences of different lengths as one tensor.

    Args:
        sequences: each of shape (length, *).
        batch_first: whether the result is (batch, T, *) rather than (T, batch, *).
        padding_value: stands where there is no step.
        padding_side: "right" (after a sequence) or "left".

    >>> import autograd
    >>> pad_sequence([autograd.tensor([1, 2]), autograd.tensor([3])], batch_first=True)
    tensor([[1, 2],
            [3, 0]])
    """
    if not isinstance(sequences, Iterable):
        raise RuntimeError(
            f"pad_sequence: expected an iterable of sequences, got {type(sequences).__name__}"
        )
    found = list(sequences)
    if not found:
        raise RuntimeError("pad_sequence: there are no sequences")
    if padding_side not in ("left", "right"):
        raise RuntimeError(
            f"pad_sequence: padding_side must be left or right, got {padding_side!r}"
        )
    steps = max(len(s) for s in found)

    def padded(s: Tensor) -> Tensor:
        if len(s) == steps:
            return s
        fill = autograd.full((steps - len(s), *s.shape[1:]), padding_value, dtype=s.dtype)
        return autograd.cat([s, fill] if padding_side == "right" else [fill, s])

    return autograd.stack([padded(s) for s in found], 0 if batch_first else 1)


def unpad_sequence(
    padded_sequences: Tensor, lengths: Tensor, batch_first: bool = False
) -> list[Tensor]:
    """The sequences in a padded batch, each of its length.

    >>> import autograd
    >>> unpad_sequence(autograd.tensor([[1, 2], [3, 0]]), autograd.tensor([2, 1]), batch_first=True)
    [tensor([1, 2]), tensor([3])]
    """
    x = padded_sequences if batch_first else padded_sequences.transpose(0, 1)
    return [s[: int(n)] for s, n in zip(x, lengths, strict=True)]


def pack_sequence(sequences: Sequence[Tensor], enforce_sorted: bool = True) -> PackedSequence:
    """Packs sequences of shape (length, *), the longest first if `enforce_sorted`.

    >>> import autograd
    >>> pack_sequence([autograd.tensor([1, 2, 3]), autograd.tensor([4, 5]), autograd.tensor([6])])
    PackedSequence(data=tensor([1, 4, 6, 2, 5, 3]), batch_sizes=tensor([3, 2, 1]),
    sorted_indices=None, unsorted_indices=None)
    """
    lengths = [len(s) for s in sequences]
    return pack_padded_sequence(pad_sequence(sequences), lengths, enforce_sorted=enforce_sorted)


def unpack_sequence(packed_sequences: PackedSequence) -> list[Tensor]:
    """The sequences that were packed.

    >>> import autograd
    >>> unpack_sequence(pack_sequence([autograd.tensor([1, 2]), autograd.tensor([3])]))
    [tensor([1, 2]), tensor([3])]
    """
    return unpad_sequence(*pad_packed_sequence(packed_sequences, True), batch_first=True)
