"""Loss functions. Each reduces over all elements: "mean", "sum", or "none" for a loss per element.

`size_average` and `reduce` are PyTorch's old spelling of `reduction`; using them warns.
"""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np

import autograd
from autograd import Tensor
from autograd.batching.array import whole
from autograd.errors import ShapeError, described
from autograd.ops.activation import logsigmoid
from autograd.ops.common import floating_only
from autograd.ops.loss import constant, reduced, resolved_reduction
from autograd.registry import public
from autograd.tensor import wrap


def _check_sizes(input: Tensor, target: Tensor) -> None:
    if target._data.shape != input._data.shape:
        warnings.warn(
            f"Using a target size ({target.shape}) that is different to the input size "
            f"({input.shape}). This will likely lead to incorrect results due to broadcasting. "
            "Please ensure they have the same size.",
            UserWarning,
            stacklevel=3,
        )


def _difference(input: Tensor, target: Tensor) -> Tensor:
    """input - target, where a bool counts as 0 or 1, and a 0-d tensor as one with dimensions."""
    if input.dtype != target.dtype:
        dtype = autograd.promote_types(input.dtype, target.dtype)
        input, target = input.to(dtype), target.to(dtype)
    return input - target


def _weighted(
    loss: Tensor, input: Tensor, weight: Tensor | None, reduction: str, name: str
) -> Tensor:
    """Reduces an elementwise loss; a weighted mean divides by the sum of the weights."""
    if weight is None:
        return reduced(loss, reduction, name)
    if weight.shape != input.shape:
        raise ValueError(
            f"{name}: Weights and input must have the same size, "
            f"got {described(weight)} and {described(input)}"
        )
    if reduction == "mean":
        return (loss * weight).sum() / weight.sum()
    return reduced(loss * weight, reduction, name)


@public(namespace="nn.functional")
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
    return _weighted(_difference(input, target).square(), input, weight, reduction, "mse_loss")


@public(namespace="nn.functional")
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
    return _weighted(_difference(input, target).abs(), input, weight, reduction, "l1_loss")


@public(namespace="nn.functional")
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
    d = _difference(input, target)
    floating_only("smooth_l1_loss", d)
    size = d.abs()
    if beta == 0:
        return reduced(size, reduction, "smooth_l1_loss")
    loss = autograd.where(size < beta, d.square() * (0.5 / beta), size - 0.5 * beta)
    return reduced(loss, reduction, "smooth_l1_loss")


@public(namespace="nn.functional")
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
    d = _difference(input, target)
    floating_only("huber_loss", d)
    size = d.abs()
    loss = autograd.where(size <= delta, 0.5 * d.square(), delta * (size - 0.5 * delta))
    if input.dtype.kind == "f":
        loss = loss.to(input.dtype)  # PyTorch's, also for a target of a wider dtype
    if weight is not None and reduction == "mean":
        # PyTorch divides by the number of elements here, not by the sum of the weights.
        return _weighted(loss, input, weight, "none", "huber_loss").mean()
    return _weighted(loss, input, weight, reduction, "huber_loss")


@public(namespace="nn.functional")
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
    return reduced(loss if weight is None else loss * weight, reduction, name)


@public(namespace="nn.functional")
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
    counts = target._data != ignore_index
    classes = np.where(counts, target._data, 0)
    outside = (classes < 0) | (classes >= n_classes)
    if whole(outside).any():
        first = whole(classes)[whole(outside)][0]
        raise IndexError(f"nll_loss: target {first} is out of bounds for {n_classes} classes")
    factors = counts.astype(input.dtype)
    if weight is not None:
        constant(weight, "nll_loss")
        flat = np.take_along_axis(weight._data, classes.reshape(-1), 0)
        factors = factors * flat.reshape(classes.shape)
    picked = -input.gather(axis, wrap(np.expand_dims(classes, axis))).squeeze(axis)
    if reduction != "mean":
        return reduced(picked * wrap(factors), reduction, "nll_loss")
    total = factors.sum()
    nothing = total == 0  # nothing counts: the mean is NaN, but no gradient becomes NaN
    loss = (picked * wrap(factors / (total + nothing))).sum()
    return loss + np.where(nothing, math.nan, 0.0) if whole(nothing).any() else loss


@public(namespace="nn.functional")
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
        loss = autograd.xlogy(target, target) - target * input
    if reduction == "batchmean":
        total = loss.sum()
        return total / input.shape[0] if input.ndim else total
    return reduced(loss, reduction, "kl_div")


@public(namespace="nn.functional")
def poisson_nll_loss(
    input: Tensor,
    target: Tensor,
    log_input: bool = True,
    full: bool = False,
    size_average: Any = None,
    eps: float = 1e-8,
    reduce: Any = None,
    reduction: str = "mean",
) -> Tensor:
    """exp(input) - target · input, the negative log-likelihood of counts under a Poisson law.

    Args:
        input: logarithms of the expected counts, of any shape.
        target: counts that broadcast to that shape.
        log_input: False for expected counts themselves: input - target · log(input + eps).
        full: adds log(target!) for targets above 1, by Stirling's formula
            target log(target) - target + log(2π target) / 2.

    >>> import autograd, nn
    >>> nn.functional.poisson_nll_loss(autograd.tensor([0.0]), autograd.tensor([3.0]))
    tensor(1.)
    """
    reduction = resolved_reduction(reduction, size_average, reduce)
    expected, log = (input.exp(), input) if log_input else (input, (input + eps).log())
    loss = expected - target * log
    if full:
        small = target <= 1
        n = autograd.where(small, 1.0, target)
        loss = loss + autograd.where(small, 0.0, n * n.log() - n + 0.5 * (2 * math.pi * n).log())
    return reduced(loss, reduction, "poisson_nll_loss")


@public(namespace="nn.functional")
def gaussian_nll_loss(
    input: Tensor,
    target: Tensor,
    var: Tensor | float,
    full: bool = False,
    eps: float = 1e-6,
    reduction: str = "mean",
) -> Tensor:
    """(log(var) + (input - target)² / var) / 2, with var of at least `eps`.

    Nix and Weigend, "Estimating the mean and variance of the target probability distribution",
    1994.

    Args:
        input: expectations, of shape [*, D].
        target: samples of the same shape, or one that broadcasts to it.
        var: variances of the same shape, or of shape [*, 1] or [*]; or one number.
        full: adds the constant log(2π) / 2.

    >>> import autograd, nn
    >>> x, y = autograd.tensor([[1.0, 3.0]]), autograd.tensor([[1.0, 1.0]])
    >>> nn.functional.gaussian_nll_loss(x, y, autograd.ones(1, 2))
    tensor(1.)
    """
    v: Tensor = var if isinstance(var, Tensor) else float(var) * autograd.ones_like(input)
    if (whole(v._data) < 0).any():
        raise ValueError("gaussian_nll_loss: var has negative entries; a variance is at least 0")
    if v.shape != input.shape:
        differing = [b for a, b in zip(input.shape, v.shape, strict=False) if a != b]
        if input.shape[:-1] == v.shape:
            v = v.unsqueeze(-1)
        elif input.ndim != v.ndim or differing != [1]:
            raise ValueError(
                f"gaussian_nll_loss: var {described(v)} must have the shape of the input "
                f"{described(input)}, or its shape with one dimension 1 or without the last one"
            )
    v = v.clone()
    with autograd.no_grad():  # raising var to eps does not stop its gradient
        v.clamp_(min=eps)
    loss = 0.5 * (v.log() + (input - target).square() / v)
    if full:
        loss = loss + 0.5 * math.log(2 * math.pi)
    return reduced(loss, reduction, "gaussian_nll_loss")
