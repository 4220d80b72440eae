"""Losses that ask for a margin: between classes, between pairs and between triplets of samples.

Each reduces over all its values: "mean", "sum", or "none". `size_average` and `reduce` are
PyTorch's old spelling of `reduction`; using them warns.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import autograd
from autograd import Tensor
from autograd.batching.array import whole
from autograd.errors import IndexRangeError, ShapeError, described
from autograd.ops.activation import logsigmoid
from autograd.ops.common import floating_only
from autograd.ops.loss import check_reduction, constant, reduced, resolved_reduction
from autograd.registry import public
from autograd.tensor import wrap

from .distances import pairwise_distance


@public(namespace="nn.functional")
def hinge_embedding_loss(
    input: Tensor,
    target: Tensor,
    margin: float = 1.0,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
) -> Tensor:
    """input where the target is 1, max(0, margin - input) where it is -1.

    Args:
        input: distances of any shape.
        target: 1 for a pair that should be close, -1 for one that should not; it broadcasts.

    >>> import autograd, nn
    >>> distance, target = autograd.tensor([0.25, 0.25]), autograd.tensor([1, -1])
    >>> nn.functional.hinge_embedding_loss(distance, target, reduction="none")
    tensor([0.2500, 0.7500])
    """
    reduction = resolved_reduction(reduction, size_average, reduce)
    far = autograd.where(target != 1, (margin - input).clamp(min=0), 0.0)
    near = autograd.where(target != -1, input, 0.0)
    return reduced(far + near, reduction, "hinge_embedding_loss")


@public(namespace="nn.functional")
def cosine_embedding_loss(
    input1: Tensor,
    input2: Tensor,
    target: Tensor,
    margin: float = 0,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
) -> Tensor:
    """1 - cos(input1, input2) where the target is 1, max(0, cos - margin) where it is -1.

    Args:
        input1, input2: vectors of shape [N, D] or [D].
        target: 1 or -1 per pair, of shape [N] or [].

    >>> import autograd, nn
    >>> a, b = autograd.tensor([[1.0, 0.0]]), autograd.tensor([[3.0, 4.0]])
    >>> nn.functional.cosine_embedding_loss(a, b, autograd.tensor([1]))
    tensor(0.4000)
    """
    reduction = resolved_reduction(reduction, size_average, reduce)
    if target.ndim > 1 or not input1.ndim == input2.ndim == target.ndim + 1:
        raise RuntimeError(
            "cosine_embedding_loss: expected two inputs of shape [N, D] and a target [N], or [D] "
            f"and [], got {described(input1)}, {described(input2)} and {described(target)}"
        )
    squares = [(x * x).sum(-1) + 1e-12 for x in (input1, input2)]
    cos = (input1 * input2).sum(-1) / (squares[0] * squares[1]).sqrt()
    near = autograd.where(target == 1, 1 - cos, 0.0)
    far = autograd.where(target == -1, (cos - margin).clamp(min=0), 0.0)
    return reduced(near + far, reduction, "cosine_embedding_loss")


@public(namespace="nn.functional")
def margin_ranking_loss(
    input1: Tensor,
    input2: Tensor,
    target: Tensor,
    margin: float = 0,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
) -> Tensor:
    """max(0, margin - target · (input1 - input2)).

    Args:
        input1, input2: scores with the same number of dimensions, which broadcast.
        target: 1 where input1 should rank higher, -1 where input2 should.

    >>> import autograd, nn
    >>> a, b = autograd.tensor([1.0, 1.0]), autograd.tensor([3.0, 3.0])
    >>> nn.functional.margin_ranking_loss(a, b, autograd.tensor([1, -1]), reduction="none")
    tensor([2., 0.])
    """
    reduction = resolved_reduction(reduction, size_average, reduce)
    if not input1.ndim == input2.ndim == target.ndim:
        raise RuntimeError(
            "margin_ranking_loss: the inputs and the target must have the same number of "
            f"dimensions, got {described(input1)}, {described(input2)} and {described(target)}"
        )
    loss = (-target * (input1 - input2) + float(margin)).clamp(min=0)
    return reduced(loss, reduction, "margin_ranking_loss")


@public(namespace="nn.functional")
def soft_margin_loss(
    input: Tensor,
    target: Tensor,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
) -> Tensor:
    """log(1 + exp(-target · input)), for targets 1 and -1. It does not overflow.

    >>> import autograd, nn
    >>> scores, target = autograd.tensor([0.0, 1000.0]), autograd.tensor([1.0, -1.0])
    >>> nn.functional.soft_margin_loss(scores, target, reduction="none")
    tensor([6.9315e-01, 1.0000e+03])
    """
    reduction = resolved_reduction(reduction, size_average, reduce)
    margin = target * input
    floating_only("soft_margin_loss", margin)
    loss = -logsigmoid(margin)
    if input.dtype.kind == "f":
        loss = loss.to(input.dtype)  # PyTorch's, also for a target of a wider dtype
    return reduced(loss, reduction, "soft_margin_loss")


@public(namespace="nn.functional")
def multilabel_soft_margin_loss(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
) -> Tensor:
    """The binary cross-entropy of sigmoid(input), averaged over the classes.

    Args:
        input: logits of shape [*, C].
        target: numbers in [0, 1] of the same shape.
        weight: factors that broadcast to that shape, usually one per class.

    Returns:
        A loss per sample, of shape [*], reduced.

    >>> import autograd, nn
    >>> logits, target = autograd.zeros(1, 2), autograd.tensor([[1.0, 0.0]])
    >>> nn.functional.multilabel_soft_margin_loss(logits, target)
    tensor(0.6931)
    """
    reduction = resolved_reduction(reduction, size_average, reduce)
    if input.ndim == 0:
        raise IndexError("multilabel_soft_margin_loss: expected an input [*, C], got a 0-d tensor")
    loss = -(target * logsigmoid(input) + (1 - target) * logsigmoid(-input))
    if weight is not None:
        loss = loss * weight
    return reduced(loss.sum(-1) / input.shape[-1], reduction, "multilabel_soft_margin_loss")


def _checked_rows(name: str, input: Tensor, target: Tensor, lowest: int) -> Tensor:
    """The input as [N, C], once it and the class indices in the target are valid."""
    if input.ndim > 2 or (input.ndim and input.shape[-1] == 0):
        raise RuntimeError(f"{name}: expected an input [N, C] or [C], got {described(input)}")
    rows = input if input.ndim == 2 else input.reshape(1, -1)
    classes = target._data
    if classes.dtype.kind not in "iu":
        raise RuntimeError(
            f"{name}: the target must hold class indices (int64), got {described(target)}"
        )
    outside = (classes < lowest) | (classes >= rows.shape[1])
    if whole(outside).any():
        first = whole(classes)[whole(outside)][0]
        raise IndexRangeError(f"{name}: target {first} is out of range for {rows.shape[1]} classes")
    return rows


@public(namespace="nn.functional")
def multi_margin_loss(
    input: Tensor,
    target: Tensor,
    p: int = 1,
    margin: float = 1.0,
    weight: Tensor | None = None,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
) -> Tensor:
    """Σ weight[y] max(0, margin - input[y] + input[i])ᵖ / C over the classes i other than y.

    Crammer and Singer, "On the algorithmic implementation of multiclass kernel-based vector
    machines", 2001.

    Args:
        input: scores of shape [N, C] or [C].
        target: the classes y, of shape [N] or [].
        p: 1 or 2.
        weight: a factor per class, of shape [C]. A mean divides by N all the same.

    >>> import autograd, nn
    >>> scores = autograd.tensor([[1.0, 3.0]])
    >>> nn.functional.multi_margin_loss(scores, autograd.tensor([0]))
    tensor(1.5000)
    """
    reduction = resolved_reduction(reduction, size_average, reduce)
    if p not in (1, 2):
        raise ValueError(f"multi_margin_loss: only p == 1 and p == 2 are supported, got {p}")
    if weight is not None and weight.ndim != 1:
        raise ValueError(
            f"multi_margin_loss: weight must be one-dimensional, got {described(weight)}"
        )
    rows = _checked_rows("multi_margin_loss", input, target, lowest=0)
    n_rows, n_classes = rows.shape
    if target.ndim > 1 or target.numel() != n_rows:
        raise ShapeError(
            f"multi_margin_loss: for an input {described(input)} the target must have shape "
            f"[{n_rows}], got {described(target)}"
        )
    if weight is not None and weight.numel() != n_classes:
        raise ShapeError(
            f"multi_margin_loss: weight must have shape [{n_classes}], one per class, "
            f"got {described(weight)}"
        )
    y = target._data.reshape(-1, 1)
    gap = margin - rows.gather(1, wrap(y)) + rows
    violated = (gap._data > 0) & (np.arange(n_classes) != y)
    gap = autograd.where(wrap(violated), gap, 0.0)
    loss = (gap if p == 1 else gap * gap).sum(1) / n_classes
    if weight is not None:
        of_class = constant(weight, "multi_margin_loss")._data
        loss = loss * wrap(np.take_along_axis(of_class, y[:, 0], 0))
    return reduced(loss.reshape(target.shape), reduction, "multi_margin_loss")


@public(namespace="nn.functional", reads_values=True)
def multilabel_margin_loss(
    input: Tensor,
    target: Tensor,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
) -> Tensor:
    """Σ max(0, 1 - input[y] + input[i]) / C over the target classes y and all other classes i.

    Args:
        input: scores of shape [N, C] or [C].
        target: of the same shape; the target classes of each sample, ended by -1.

    >>> import autograd, nn
    >>> scores, target = autograd.tensor([0.1, 0.2, 0.4, 0.8]), autograd.tensor([3, 0, -1, 1])
    >>> nn.functional.multilabel_margin_loss(scores, target)
    tensor(0.8500)
    """
    reduction = resolved_reduction(reduction, size_average, reduce)
    rows = _checked_rows("multilabel_margin_loss", input, target, lowest=-1)
    n_rows, n_classes = rows.shape
    alike = target.shape == input.shape if input.ndim == 2 else target.ndim < 2
    if not alike or target.numel() != rows.numel():
        raise ShapeError(
            f"multilabel_margin_loss: the target must have the shape of the input "
            f"{described(input)}, got {described(target)}"
        )
    y = target._data.reshape(n_rows, n_classes)
    counts = np.logical_and.accumulate(y >= 0, axis=1)
    n_labels = int(counts.sum(1).max(initial=0))  # the columns that are used
    y, counts = np.where(counts, y, 0)[:, :n_labels], counts[:, :n_labels]
    others = np.ones((n_rows, n_classes), bool)
    others[np.nonzero(counts)[0], y[counts]] = False
    gap = 1 - rows.gather(1, wrap(y)).unsqueeze(2) + rows.unsqueeze(1)  # [N, labels, C]
    violated = (gap._data > 0) & counts[:, :, None] & others[:, None, :]
    loss = autograd.where(wrap(violated), gap, 0.0).sum((1, 2)) / n_classes
    return reduced(loss.reshape(input.shape[:-1]), reduction, "multilabel_margin_loss")


@public(namespace="nn.functional")
def triplet_margin_loss(
    anchor: Tensor,
    positive: Tensor,
    negative: Tensor,
    margin: float = 1.0,
    p: float = 2,
    eps: float = 1e-6,
    swap: bool = False,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
) -> Tensor:
    """max(0, d(anchor, positive) - d(anchor, negative) + margin), d being `pairwise_distance`.

    Balntas et al., "Learning local feature descriptors with triplets and shallow convolutional
    neural networks", 2016.

    Args:
        anchor, positive, negative: vectors of shape [N, D] or [D], which broadcast.
        p, eps: those of `pairwise_distance`.
        swap: take d(positive, negative) in the place of d(anchor, negative) where it is smaller.

    >>> import autograd, nn
    >>> a, b, c = (autograd.tensor([[v, 0.0]]) for v in (0.0, 3.0, 2.0))
    >>> nn.functional.triplet_margin_loss(a, b, c)
    tensor(2.)
    """
    reduction = resolved_reduction(reduction, size_average, reduce)

    def distance(x: Tensor, y: Tensor) -> Tensor:
        return pairwise_distance(x, y, p, eps)

    triplet = (anchor, positive, negative)
    return _triplet_loss("triplet_margin_loss", triplet, distance, margin, swap, reduction)


@public(namespace="nn.functional")
def triplet_margin_with_distance_loss(
    anchor: Tensor,
    positive: Tensor,
    negative: Tensor,
    *,
    distance_function: Callable[[Tensor, Tensor], Tensor] | None = None,
    margin: float = 1.0,
    swap: bool = False,
    reduction: str = "mean",
) -> Tensor:
    """`triplet_margin_loss` with another distance; by default `pairwise_distance`.

    >>> import autograd, nn
    >>> a, b, c = (autograd.tensor([[v, 0.0]]) for v in (0.0, 3.0, 2.0))
    >>> nn.functional.triplet_margin_with_distance_loss(
    ...     a, b, c, distance_function=lambda x, y: (x - y).abs().sum(-1)
    ... )
    tensor(2.)
    """
    distance = distance_function or pairwise_distance
    name = "triplet_margin_with_distance_loss"
    return _triplet_loss(name, (anchor, positive, negative), distance, margin, swap, reduction)


def _triplet_loss(
    name: str,
    triplet: tuple[Tensor, Tensor, Tensor],
    distance: Callable[[Tensor, Tensor], Tensor],
    margin: float,
    swap: bool,
    reduction: str,
) -> Tensor:
    check_reduction(reduction, name)
    if margin <= 0:
        raise ValueError(f"{name}: margin must be greater than 0, got {margin}")
    anchor, positive, negative = triplet
    if not anchor.ndim == positive.ndim == negative.ndim:
        raise RuntimeError(
            f"{name}: anchor, positive and negative must have the same number of dimensions, "
            f"got {', '.join(map(described, triplet))}"
        )
    to_negative = distance(anchor, negative)
    if swap:
        to_negative = autograd.minimum(to_negative, distance(positive, negative))
    loss = (margin + distance(anchor, positive) - to_negative).clamp(min=0)
    return reduced(loss, reduction, name)
