"""Rows of a table by index, alone and in bags."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..batching.array import whole
from ..batching.indexing import select
from ..creation import as_tensor
from ..errors import ShapeError, described
from ..function import Op
from ..registry import public
from ..tensor import Tensor, wrap
from .accumulate import Scatter
from .indexing import Gather, IndexSelect


class Embedding(Op):
    """Rows of the weight. `scale` multiplies the gradient of each, None for 1."""

    public = False
    backward = {
        "weight": lambda g, ctx, index, scale: Scatter.call(
            g if scale is None else g * scale, ctx.input_shape, (index,)
        )
    }
    formula = {"weight": "g added into zeros at the rows"}

    def forward(ctx, weight, index, scale):
        ctx.input_shape = weight.shape
        return weight.take(index, 0)

    def batch(ctx, run, level, weight, index, scale):
        return select(weight, index)


def _indices(input: Any, weight: Tensor, name: str) -> np.ndarray:
    index = as_tensor(input)._data
    if index.dtype not in (np.int64, np.int32):
        raise RuntimeError(f"{name}: the indices must be int64 or int32, got {index.dtype}")
    every = whole(index)
    if every.size and (every.min() < 0 or every.max() >= weight.shape[0]):
        raise IndexError(
            f"{name}: indices must be in [0, {weight.shape[0]}), the rows of {described(weight)}; "
            f"they run from {every.min()} to {every.max()}"
        )
    return index


def _shrink_rows(weight: Tensor, index: np.ndarray, max_norm: float, norm_type: float) -> None:
    """Makes the p-norms of the rows that `index` names at most `max_norm`, in place."""
    rows = np.unique(index)
    norms = np.linalg.norm(weight._data[rows], norm_type, axis=1)
    long = norms > max_norm
    weight._data[rows[long]] *= (max_norm / (norms[long] + 1e-7))[:, None].astype(weight.dtype)
    weight._versions().n += 1


def _looked_up(
    weight: Tensor, index: np.ndarray, padding_idx: int | None, by_frequency: bool
) -> Tensor:
    scale: Any = None
    if padding_idx is not None or by_frequency:
        scale = np.ones((*index.shape, 1), weight.dtype)
    if by_frequency:
        scale /= np.bincount(index.reshape(-1), minlength=weight.shape[0])[index][..., None]
    if padding_idx is not None:
        scale[index == padding_idx] = 0
    return Embedding.apply(weight, index, scale)


@public(namespace="nn.functional", op=Embedding)
def embedding(
    input: Tensor,
    weight: Tensor,
    padding_idx: int | None = None,
    max_norm: float | None = None,
    norm_type: float = 2.0,
    scale_grad_by_freq: bool = False,
    sparse: bool = False,
) -> Tensor:
    """The rows of `weight` that `input` names.

    Args:
        input: indices, int64 or int32, of any shape.
        weight: the table, of shape (rows, features).
        padding_idx: a row that receives no gradient.
        max_norm: rows that are looked up and longer are first shrunk to this norm, in place.
        norm_type: which p-norm `max_norm` bounds.
        scale_grad_by_freq: whether the gradient of a row is divided by how often it occurs.
        sparse: accepted; gradients are dense.

    Returns the shape of `input` with the features as last dimension.

    >>> import autograd, nn
    >>> table = autograd.tensor([[0.0, 0.0], [1.0, 2.0]])
    >>> nn.functional.embedding(autograd.tensor([1, 0]), table)
    tensor([[1., 2.],
            [0., 0.]])
    """
    if weight.ndim != 2:
        raise RuntimeError(f"embedding: the weight must have 2 dimensions, got {described(weight)}")
    index = _indices(input, weight, "embedding")
    rows = weight.shape[0]
    if padding_idx is not None and not -rows <= padding_idx < rows:
        raise AssertionError(f"embedding: padding_idx {padding_idx} must be one of {rows} rows")
    if max_norm is not None:
        _shrink_rows(weight, index, max_norm, norm_type)
    padding = None if padding_idx is None else padding_idx % rows
    return _looked_up(weight, index, padding, scale_grad_by_freq)


@public(namespace="nn.functional", op=Embedding, reads_values=True)
def embedding_bag(
    input: Tensor,
    weight: Tensor,
    offsets: Tensor | None = None,
    max_norm: float | None = None,
    norm_type: float = 2,
    scale_grad_by_freq: bool = False,
    mode: str = "mean",
    sparse: bool = False,
    per_sample_weights: Tensor | None = None,
    include_last_offset: bool = False,
    padding_idx: int | None = None,
) -> Tensor:
    """The mean, sum or maximum of the rows of `weight` in each bag of indices.

    Args:
        input: indices, (bags, size of each), or one dimension of all bags after each other.
        weight: the table, of shape (rows, features).
        offsets: where each bag starts, for an input of one dimension.
        max_norm, norm_type, scale_grad_by_freq, sparse: as in `embedding`.
        mode: "mean", "sum" or "max".
        per_sample_weights: what rows are multiplied by, of the shape of `input`; for "sum".
        include_last_offset: whether `offsets` also has the end of the last bag.
        padding_idx: a row that counts for nothing.

    Returns (bags, features); empty bags are zeros.

    >>> import autograd, nn
    >>> table = autograd.tensor([[1.0, 2.0], [3.0, 4.0]])
    >>> nn.functional.embedding_bag(autograd.tensor([[0, 1], [1, 1]]), table)
    tensor([[2., 3.],
            [3., 4.]])
    """
    _check_bags(input, weight, mode, per_sample_weights, scale_grad_by_freq or sparse)
    index = _indices(input, weight, "embedding_bag")
    bags, count = _bags(index, offsets, include_last_offset)
    index = index.reshape(-1)
    if max_norm is not None:
        _shrink_rows(weight, index, max_norm, norm_type)
    weights: Any = (
        per_sample_weights if per_sample_weights is None else per_sample_weights.reshape(-1)
    )
    if padding_idx is not None:
        kept = np.flatnonzero(index != padding_idx % weight.shape[0])
        index, bags = index[kept], bags[kept]
        weights = None if weights is None else IndexSelect.apply(weights, 0, kept)
    rows: Any = _looked_up(weight, index, None, scale_grad_by_freq)
    if weights is not None:
        rows = rows * weights.reshape(-1, 1)
    if mode == "max":
        return _maxima(rows, bags, count)
    total = Scatter.apply(rows, (count, weight.shape[1]), (bags,))
    if mode == "sum":
        return total
    sizes = np.maximum(np.bincount(bags, minlength=count), 1).astype(weight.dtype)
    return total / wrap(sizes[:, None])


def _check_bags(
    input: Tensor, weight: Tensor, mode: str, per_sample_weights: Any, special_gradient: bool
) -> None:
    name = "embedding_bag"
    if weight.ndim != 2:
        raise ValueError(f"{name}: the weight must have 2 dimensions, got {described(weight)}")
    if mode not in ("mean", "sum", "max"):
        raise ValueError(f"{name}: mode must be mean, sum or max, got {mode!r}")
    if mode == "max" and special_gradient:
        raise ValueError(f"{name}: mode max allows neither scale_grad_by_freq nor sparse")
    if per_sample_weights is not None:
        if tuple(per_sample_weights.shape) != tuple(input.shape):
            raise ValueError(
                f"{name}: per_sample_weights must have the shape of the input "
                f"{described(input)}, got {described(per_sample_weights)}"
            )
        if mode != "sum":
            raise NotImplementedError(f"{name}: per_sample_weights are for mode sum, not {mode}")


def _bags(index: np.ndarray, offsets: Any, include_last: bool) -> tuple[np.ndarray, int]:
    """The number of the bag of each index, and how many bags there are."""
    if index.ndim == 2:
        if offsets is not None:
            raise ValueError(
                "embedding_bag: an input of 2 dimensions has its bags as rows; give "
                "no offsets with it"
            )
        return np.repeat(np.arange(len(index)), index.shape[1]), len(index)
    if index.ndim != 1 or offsets is None or offsets.ndim != 1:
        raise ValueError(
            "embedding_bag: expected indices of 2 dimensions, or of 1 dimension with offsets of "
            f"1 dimension; got {described(index)} and {described(offsets)}"
        )
    starts = as_tensor(offsets)._data
    ends = starts[1:] if include_last else np.append(starts[1:], len(index))
    if len(starts) and starts[0] != 0:
        raise RuntimeError(f"embedding_bag: the first offset must be 0, got {starts[0]}")
    count = len(ends)
    sizes = ends - starts[:count]
    if (sizes < 0).any() or (count and ends[-1] > len(index)):
        raise RuntimeError(
            f"embedding_bag: the offsets must not decrease and not exceed the {len(index)} "
            f"indices, got {starts.tolist()}"
        )
    if include_last and count and ends[-1] < len(index):
        raise ShapeError(
            f"embedding_bag: the last offset {ends[-1]} must be the number of indices, {len(index)}"
        )
    return np.repeat(np.arange(count), sizes), count


def _maxima(rows: Tensor, bags: np.ndarray, count: int) -> Tensor:
    """The largest of each feature in each bag; the gradient goes to the first of equal ones."""
    starts = np.searchsorted(bags, np.arange(count + 1))
    winner = np.zeros((count, rows.shape[1]), np.int64)
    filled = np.diff(starts) > 0
    for bag in np.flatnonzero(filled):
        start, end = starts[bag], starts[bag + 1]
        winner[bag] = start + rows._data[start:end].argmax(0)
    if not len(rows._data):
        return wrap(np.zeros(winner.shape, rows.dtype))
    return Gather.apply(rows, 0, winner) * wrap(filled[:, None].astype(rows.dtype))
