"""Loss functions. Each reduces over all elements: "mean", "sum", or "none" for a loss per element.

`size_average` and `reduce` are PyTorch's old spelling of `reduction`; using them warns.
"""

from __future__ import annotations

import warnings
from typing import Any

import autograd
from autograd import Tensor
from autograd.errors import ShapeError, described
from autograd.ops.activation import logsigmoid
from autograd.ops.loss import (
    BinaryCrossEntropy,
    check_reduction,
    resolved_reduction,
)


def _reduced(loss: Tensor, reduction: str, name: str) -> Tensor:
    if reduction == "mean":
        return loss.mean()
    if reduction == "sum":
        return loss.sum()
    check_reduction(reduction, name)
    return loss


def _check_sizes(input: Tensor, target: Tensor) -> None:
    if target._data.shape != input._data.shape:
        warnings.warn(
            f"Using a target size ({target.shape}) that is different to the input size "
            f"({input.shape}). This will likely lead to incorrect results due to broadcasting. "
            "Please ensure they have the same size.",
            UserWarning,
            stacklevel=3,
        )


def _weighted(
    loss: Tensor, input: Tensor, weight: Tensor | None, reduction: str, name: str
) -> Tensor:
    """Reduces an elementwise loss; a weighted mean divides by the sum of the weights."""
    if weight is None:
        return _reduced(loss, reduction, name)
    if weight.shape != input.shape:
        raise ValueError(
            f"{name}: Weights and input must have the same size, "
            f"got {described(weight)} and {described(input)}"
        )
    if reduction == "mean":
        return (loss * weight).sum() / weight.sum()
    return _reduced(loss * weight, reduction, name)


def mse_loss(
    input: Tensor,
    target: Tensor,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
    weight: Tensor | None = None,
) -> Tensor:
    """(input - target)².

    >>> import autograd, nn
    >>> nn.functional.mse_loss(autograd.tensor([1.0, 3.0]), autograd.tensor([1.0, 1.0]))
    tensor(2.)
    """
    _check_sizes(input, target)
    reduction = resolved_reduction(reduction, size_average, reduce)
    return _weighted((input - target).square(), input, weight, reduction, "mse_loss")


def l1_loss(
    input: Tensor,
    target: Tensor,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
    weight: Tensor | None = None,
) -> Tensor:
    """|input - target|.

    >>> import autograd, nn
    >>> nn.functional.l1_loss(autograd.tensor([1.0, 3.0]), autograd.tensor([1.0, 1.0]))
    tensor(1.)
    """
    _check_sizes(input, target)
    reduction = resolved_reduction(reduction, size_average, reduce)
    return _weighted((input - target).abs(), input, weight, reduction, "l1_loss")


def smooth_l1_loss(
    input: Tensor,
    target: Tensor,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
    beta: float = 1.0,
) -> Tensor:
    """d² / (2 beta) where d = |input - target| is below `beta`, d - beta / 2 elsewhere.

    Girshick, "Fast R-CNN", 2015, equation 3.

    >>> import autograd, nn
    >>> target = autograd.zeros(2)
    >>> nn.functional.smooth_l1_loss(autograd.tensor([0.5, 3.0]), target, reduction="none")
    tensor([0.1250, 2.5000])
    """
    _check_sizes(input, target)
    reduction = resolved_reduction(reduction, size_average, reduce)
    if beta < 0:
        raise RuntimeError(f"smooth_l1_loss does not support negative values for beta, got {beta}")
    d = input - target
    size = d.abs()
    if beta == 0:
        return _reduced(size, reduction, "smooth_l1_loss")
    loss = autograd.where(size < beta, d.square() * (0.5 / beta), size - 0.5 * beta)
    return _reduced(loss, reduction, "smooth_l1_loss")


def huber_loss(
    input: Tensor,
    target: Tensor,
    reduction: str = "mean",
    delta: float = 1.0,
    weight: Tensor | None = None,
) -> Tensor:
    """d² / 2 where d = |input - target| is at most `delta`, delta (d - delta / 2) elsewhere.

    Huber, "Robust estimation of a location parameter", 1964.

    >>> import autograd, nn
    >>> nn.functional.huber_loss(autograd.tensor([0.5, 3.0]), autograd.zeros(2), reduction="none")
    tensor([0.1250, 2.5000])
    """
    _check_sizes(input, target)
    if delta <= 0:
        raise RuntimeError(
            f"huber_loss does not support non-positive values for delta, got {delta}"
        )
    d = input - target
    size = d.abs()
    loss = autograd.where(size <= delta, 0.5 * d.square(), delta * (size - 0.5 * delta))
    if weight is not None and reduction == "mean":
        # PyTorch divides by the number of elements here, not by the sum of the weights.
        return _weighted(loss, input, weight, "none", "huber_loss").mean()
    return _weighted(loss, input, weight, reduction, "huber_loss")


def binary_cross_entropy(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
) -> Tensor:
    """-(target · log(input) + (1 - target) · log(1 - input)), with logarithms of at least -100.

    Args:
        input: probabilities in [0, 1] of any shape. For the output of a sigmoid,
            `binary_cross_entropy_with_logits` on what went into it is more accurate.
        target: numbers in [0, 1] of the same shape.
        weight: factors that broadcast to that shape.

    >>> import autograd, nn
    >>> nn.functional.binary_cross_entropy(autograd.tensor([0.5]), autograd.tensor([1.0]))
    tensor(0.6931)
    """
    reduction = resolved_reduction(reduction, size_average, reduce)
    if target.shape != input.shape:
        raise ValueError(
            f"binary_cross_entropy: target {described(target)} and input {described(input)} must "
            "have the same size"
        )
    values = input._data
    if values.size and not (values.min() >= 0 and values.max() <= 1):
        raise RuntimeError(
            "binary_cross_entropy: all elements of input should be between 0 and 1, found "
            f"{values.min():g} to {values.max():g}; apply a sigmoid, or use "
            "binary_cross_entropy_with_logits"
        )
    loss = BinaryCrossEntropy.apply(input, target)
    return _reduced(loss if weight is None else loss * weight, reduction, "binary_cross_entropy")


def binary_cross_entropy_with_logits(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
    pos_weight: Tensor | None = None,
) -> Tensor:
    """The binary cross-entropy of sigmoid(input), without overflow.

    Args:
        input: logits of any shape.
        target: numbers in [0, 1] of the same shape.
        weight: factors that broadcast to that shape.
        pos_weight: factors on the part of positive targets, to balance recall and precision.

    >>> import autograd, nn
    >>> logits, target = autograd.tensor([0.0, -1000.0]), autograd.tensor([1.0, 0.0])
    >>> nn.functional.binary_cross_entropy_with_logits(logits, target, reduction="none")
    tensor([0.6931, 0.0000])
    """
    reduction = resolved_reduction(reduction, size_average, reduce)
    if target.shape != input.shape:
        raise ValueError(
            f"binary_cross_entropy_with_logits: target {described(target)} and input "
            f"{described(input)} must have the same size"
        )
    # -log(1 - sigmoid(x)) = x - logsigmoid(x)
    factor = 1 if pos_weight is None else 1 + (pos_weight - 1) * target
    loss = (1 - target) * input - factor * logsigmoid(input)
    name = "binary_cross_entropy_with_logits"
    return _reduced(loss if weight is None else loss * weight, reduction, name)


def nll_loss(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: Any = None,
    ignore_index: int = -100,
    reduce: Any = None,
    reduction: str = "mean",
) -> Tensor:
    """-weight[target] · input[target], the negative log-likelihood of the target classes.

    Args:
        input: log-probabilities of shape [C], [N, C] or [N, C, d1, ...].
        target: class indices of that shape without C.
        weight: a weight per class, of shape [C]. A mean divides by the sum of the targets' weights.
        ignore_index: a target that counts for nothing.

    >>> import autograd, nn
    >>> log_p = autograd.tensor([[0.25, 0.75]]).log()
    >>> nn.functional.nll_loss(log_p, autograd.tensor([1]))
    tensor(0.2877)
    """
    reduction = resolved_reduction(reduction, size_average, reduce)
    if input.ndim == 0:
        raise ValueError("nll_loss: expected an input of 1 or more dimensions, got a 0-d tensor")
    axis = 1 if input.ndim > 1 else 0
    n_classes = input.shape[axis]
    expected = (*input.shape[:axis], *input.shape[axis + 1 :])
    if tuple(target.shape) != expected:
        raise ShapeError(
            f"nll_loss: for an input {described(input)} the target must have shape {expected}, "
            f"got {described(target)}"
        )
    if target.dtype.kind not in "iu":
        raise RuntimeError(
            f"nll_loss: the target must hold class indices (int64), got {described(target)}"
        )
    if weight is not None and tuple(weight.shape) != (n_classes,):
        raise RuntimeError(
            f"nll_loss: weight must have shape [{n_classes}], one per class, "
            f"got {described(weight)}"
        )
    counts = target != ignore_index
    classes = target.masked_fill(~counts._data, 0)
    outside = (classes._data < 0) | (classes._data >= n_classes)
    if outside.any():
        raise IndexError(
            f"nll_loss: target {classes._data[outside][0]} is out of bounds for {n_classes} classes"
        )
    factors = counts.to(input.dtype)
    if weight is not None:
        factors = factors * weight[classes]
    loss = -input.gather(axis, classes.unsqueeze(axis)).squeeze(axis) * factors
    if reduction == "mean":
        return loss.sum() / factors.sum()
    return _reduced(loss, reduction, "nll_loss")


def kl_div(
    input: Tensor,
    target: Tensor,
    size_average: Any = None,
    reduce: Any = None,
    reduction: str = "mean",
    log_target: bool = False,
) -> Tensor:
    """target · (log(target) - input), the Kullback-Leibler divergence of input from target.

    Args:
        input: log-probabilities of any shape.
        target: probabilities of that shape, or with `log_target` their logarithms.
        reduction: also "batchmean", the sum divided by the size of dimension 0, which is what the
            mathematical definition gives for a batch.

    >>> import autograd, nn
    >>> p = autograd.tensor([[0.5, 0.5]])
    >>> nn.functional.kl_div(p.log(), p, reduction="batchmean")
    tensor(0.)
    """
    if size_average is None and reduce is None and reduction == "mean":
        warnings.warn(
            "reduction: 'mean' divides the total loss by both the batch size and the support "
            "size. 'batchmean' divides only by the batch size, and aligns with the KL div math "
            "definition. 'mean' will be changed to behave the same as 'batchmean' in the next "
            "major release.",
            UserWarning,
            stacklevel=2,
        )
    reduction = resolved_reduction(reduction, size_average, reduce)
    if log_target:
        loss = target.exp() * (target - input)
    else:
        positive = target > 0
        safe = autograd.where(positive, target, 1.0)  # 0 log 0 = 0
        loss = autograd.where(positive, target * safe.log(), target * 0.0) - target * input
    if reduction == "batchmean":
        total = loss.sum()
        return total / input.shape[0] if input.ndim else total
    return _reduced(loss, reduction, "kl_div")
