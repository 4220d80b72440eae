"""Losses that are primitives: fused where the parts would be slow or lose digits."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from ..batching.array import whole
from ..creation import as_tensor
from ..errors import ShapeError, described
from ..function import Op
from ..grad_mode import mode
from ..registry import public
from ..tensor import Tensor
from .activation import Softmax, log_softmax


class CrossEntropy(Op):
    """-Σ t log softmax(x) for class indices: one pass forward, softmax - t backward.

    Rows are samples; `weights` is the effective target: per sample the weight of its class (0
    where ignored), and per class the share that label smoothing gives it.
    """

    saves_on_ctx = True
    backward = {"x": lambda g, x, ctx: _cross_entropy_by_x(g, x, ctx)}
    formula = {"x": "g * (softmax(x) - target) / n"}

    def forward(ctx, x, target, weight, ignore_index, reduction, smoothing):
        n_classes = x.shape[-1]
        keep = target != ignore_index
        ctx.classes = np.where(keep, target, 0)
        of_class = np.ones(n_classes, x.dtype) if weight is None else weight
        per_sample = keep.astype(x.dtype)
        if weight is not None:
            per_sample = np.take_along_axis(weight, ctx.classes, 0) * keep
        ctx.peak = (1 - smoothing) * per_sample
        ctx.share = smoothing / n_classes * of_class if smoothing else None
        ctx.keep = keep
        shifted = x - x.max(axis=-1, keepdims=True, initial=-np.inf)
        picked = shifted[np.arange(len(x)), ctx.classes]
        smoothed = shifted @ ctx.share if smoothing else None
        ctx.exps = np.exp(shifted)
        ctx.total = ctx.exps.sum(-1)  # log softmax(x) is shifted - log(total)
        log_total = np.log(ctx.total)
        loss = -ctx.peak * np.where(keep, picked - log_total, 0)
        if smoothing:
            loss -= keep * (smoothed - log_total * ctx.share.sum())
        if reduction == "none":
            ctx.scale = None
            return loss
        count = per_sample.sum() if reduction == "mean" else np.asarray(1, x.dtype)
        ctx.scale = count + (count == 0)  # a loss of NaN has gradient 0
        return loss.sum() / count


def _cross_entropy_by_x(g: Any, x: Any, ctx: Any) -> Any:
    """(softmax(x) · total target weight - target) · g, per sample."""
    target = ctx.peak if ctx.share is None else ctx.peak + ctx.keep * ctx.share.sum()
    per_sample = g if ctx.scale is None else g / ctx.scale
    if isinstance(g, Tensor) or isinstance(x, Tensor):
        p = Softmax.apply(x, -1)
        return (p * target[:, None] - _dense_target(ctx)) * per_sample[..., None]
    d = ctx.exps * (per_sample * target / ctx.total)[:, None]
    d[np.arange(len(d)), ctx.classes] -= ctx.peak * per_sample
    if ctx.share is not None:
        d -= (ctx.keep * per_sample)[:, None] * ctx.share
    return d


def _dense_target(ctx: Any) -> np.ndarray:
    target = np.zeros_like(ctx.exps)
    target[np.arange(len(target)), ctx.classes] = ctx.peak
    return target if ctx.share is None else target + ctx.keep[:, None] * ctx.share


def constant(weight: Tensor, name: str) -> Tensor:
    """The weights of classes, refused if a gradient by them is expected: none would come."""
    if weight.requires_grad and mode.grad:
        raise RuntimeError(
            f"{name}: there is no gradient by the weights of the classes; pass weight.detach()"
        )
    return weight


@public(namespace="nn.functional", op=CrossEntropy)
def cross_entropy(
    input: Tensor,
    target: Any,
    weight: Any = None,
    size_average: Any = None,
    ignore_index: int = -100,
    reduce: Any = None,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Tensor:
    """The cross-entropy between logits and targets.

    Args:
        input: logits of shape (C,), (N, C) or (N, C, d1, ...).
        target: class indices of the input's shape without C, or class probabilities of its shape.
        weight: a weight per class, of shape (C,).
        ignore_index: a target that counts for nothing.
        reduction: "mean" (weighted, over the targets that count), "sum" or "none".
        label_smoothing: the share of each target spread over all classes (Szegedy et al. 2016).

    >>> import autograd, nn
    >>> nn.functional.cross_entropy(autograd.tensor([[0.0, 0.0]]), autograd.tensor([1]))
    tensor(0.6931)
    """
    reduction = resolved_reduction(reduction, size_average, reduce)
    check_reduction(reduction, "cross_entropy")
    if not 0.0 <= label_smoothing <= 1.0:
        raise RuntimeError(
            f"cross_entropy: label_smoothing must be in [0, 1], got {label_smoothing}"
        )
    y = as_tensor(target)
    axis = 1 if input.ndim > 1 else 0
    n_classes = input.shape[axis]
    w = None if weight is None else constant(as_tensor(weight), "cross_entropy")
    if w is not None and tuple(w.shape) != (n_classes,):
        raise RuntimeError(
            f"cross_entropy: weight must have shape ({n_classes},), one per class, "
            f"got {described(w)}"
        )
    if y.dtype.kind == "f":
        return _with_probabilities(input, y, w, reduction, label_smoothing, axis)
    batch = (*input.shape[:axis], *input.shape[axis + 1 :])
    if tuple(y.shape) != batch:
        raise ShapeError(
            f"cross_entropy: for logits {described(input)} the class indices must have shape "
            f"{batch}, got {described(y)}"
        )
    classes = y._data.reshape(-1).astype(np.int64, copy=False)
    every = whole(classes)
    if every.size and (every.min() < 0 or every.max() >= n_classes):
        bad = every[(every != ignore_index) & ((every < 0) | (every >= n_classes))]
        if bad.size:
            raise IndexError(
                f"cross_entropy: target {bad[0]} is out of bounds for {n_classes} classes"
            )
    rows = input.movedim(axis, -1).reshape(-1, n_classes) if input.ndim != 2 else input
    weights = None if w is None else w._data
    loss = CrossEntropy.apply(
        rows, classes, weights, ignore_index, reduction, float(label_smoothing)
    )
    return loss.reshape(batch) if reduction == "none" else loss


def _with_probabilities(
    input: Tensor, y: Tensor, weight: Tensor | None, reduction: str, smoothing: float, axis: int
) -> Tensor:
    if tuple(y.shape) != tuple(input.shape):
        raise ShapeError(
            f"cross_entropy: class probabilities must have the shape of the logits "
            f"{described(input)}, got {described(y)}"
        )
    n_classes = input.shape[axis]
    if smoothing:
        y = y * (1 - smoothing) + smoothing / n_classes
    terms = log_softmax(input, axis) * y
    if weight is not None:
        terms = terms * weight.reshape(-1, *(1,) * (input.ndim - axis - 1))
    loss = -terms.sum(axis)
    if reduction == "none":
        return loss
    total = loss.sum()
    return total / (input.numel() // n_classes) if reduction == "mean" else total


def check_reduction(reduction: str, name: str) -> None:
    """Raises for anything but PyTorch's three reductions."""
    if reduction not in ("mean", "sum", "none"):
        raise ValueError(f"{name}: reduction must be 'mean', 'sum' or 'none', got {reduction!r}")


def reduced(loss: Tensor, reduction: str, name: str) -> Tensor:
    """`loss` reduced over all elements."""
    check_reduction(reduction, name)
    if reduction == "none":
        return loss
    return loss.mean() if reduction == "mean" else loss.sum()


def resolved_reduction(reduction: str, size_average: Any, reduce: Any) -> str:
    """`reduction`, or what PyTorch's old arguments `size_average` and `reduce` say."""
    if size_average is None and reduce is None:
        return reduction
    mean = size_average is None or size_average
    found = "none" if reduce is not None and not reduce else "mean" if mean else "sum"
    warnings.warn(
        f"size_average and reduce args will be deprecated, please use reduction='{found}' instead.",
        UserWarning,
        stacklevel=3,
    )
    return found


class BinaryCrossEntropy(Op):
    """-(t log x + (1 - t) log(1 - x)), with logarithms of at least -100.

    A primitive, since at x = 0 and x = 1, where sigmoids end up, the derivatives of the parts are
    0 / 0; that of the whole is bounded by keeping x (1 - x) at 1e-12 or more, as in PyTorch.
    """

    promote = "float"
    backward = {
        "x": lambda g, x, t: g * (x - t) / np.maximum(x * (1 - x), 1e-12),
        "t": lambda g, x: g * (np.log1p(-x) - np.log(x)),
    }
    formula = {"x": "g * (x - t) / (x * (1 - x))", "t": "g * (log(1 - x) - log(x))"}

    def forward(x, t):
        return -(t * np.maximum(np.log(x), -100) + (1 - t) * np.maximum(np.log1p(-x), -100))


@public(namespace="nn.functional", op=BinaryCrossEntropy)
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
    values = whole(input._data)
    if values.size and not (values.min() >= 0 and values.max() <= 1):
        raise RuntimeError(
            "binary_cross_entropy: all elements of input should be between 0 and 1, found "
            f"{values.min():g} to {values.max():g}; apply a sigmoid, or use "
            "binary_cross_entropy_with_logits"
        )
    loss = BinaryCrossEntropy.apply(input, target)
    return reduced(
        loss if weight is None else loss * weight,
        reduction,
        "binary_cross_entropy",
    )
