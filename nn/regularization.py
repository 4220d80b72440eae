"""What keeps a network from learning its training data by heart, beside the layers for it.

Dropout is in `nn.Dropout`, label smoothing in `nn.CrossEntropyLoss`, augmentation in
`nn.data.transforms`, weight decay in the optimizers.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import autograd
from autograd import Generator, Tensor
from autograd.random import rng_of

from . import functional as F
from .containers import ModuleList
from .module import Module


def _weights(module: Module, biases: bool) -> list[Tensor]:
    return [p for p in module.parameters() if p.requires_grad and (biases or p.ndim > 1)]


def l1_penalty(module: Module, biases: bool = False) -> Tensor:
    """The sum of the absolute values of the weights, a 0-d Tensor to add to a loss.

    It drives weights to 0 (Tibshirani, "Regression shrinkage and selection via the lasso", 1996).

    Args:
        biases: count parameters with one dimension too: biases, and the scales of norm layers.

    >>> import nn
    >>> layer = nn.Linear(2, 3)
    >>> bool(l1_penalty(layer) == layer.weight.abs().sum())
    True
    """
    parts = [p.abs().sum() for p in _weights(module, biases)]
    return autograd.stack(parts).sum() if parts else autograd.tensor(0.0)


def l2_penalty(module: Module, biases: bool = False) -> Tensor:
    """The sum of the squares of the weights, a 0-d Tensor to add to a loss.

    It keeps weights small (Hoerl and Kennard, "Ridge regression", 1970). With SGD, a penalty of
    `lam / 2` times this is what `weight_decay=lam` computes.

    Args:
        biases: count parameters with one dimension too: biases, and the scales of norm layers.
    """
    parts = [(p * p).sum() for p in _weights(module, biases)]
    return autograd.stack(parts).sum() if parts else autograd.tensor(0.0)


def _mixing(
    x: Tensor, target: Tensor, alpha: float, num_classes: int | None, generator: Generator | None
) -> tuple[Any, float, Tensor]:
    """The partner of each sample, the share of the sample itself, and the targets as shares."""
    if alpha <= 0:
        raise ValueError(f"mixup: alpha must be positive, got {alpha}")
    if len(x) != len(target):
        raise ValueError(f"mixup: {len(x)} samples and {len(target)} targets")
    if target.dtype.kind in "iu":
        if num_classes is None:
            raise ValueError("mixup: class numbers as targets need num_classes")
        target = F.one_hot(target, num_classes).to(x.dtype)
    rng = rng_of(generator)
    return rng.permutation(len(x)), float(rng.beta(alpha, alpha)), target


def mixup(
    x: Tensor,
    target: Tensor,
    alpha: float = 0.2,
    num_classes: int | None = None,
    *,
    generator: Generator | None = None,
) -> tuple[Tensor, Tensor]:
    """Each sample mixed with another one of the batch, and the targets likewise.

    Args:
        x: a batch (N, ...).
        target: class numbers (N,), or shares of the classes (N, C), or values to be predicted.
        alpha: the share of the sample itself is drawn from Beta(alpha, alpha), once for the batch.
        num_classes: C, for class numbers.

    Returns:
        The mixed batch, and the targets as shares of the classes (N, C), which
        `nn.CrossEntropyLoss` takes.

    Source: Zhang et al., "mixup: Beyond empirical risk minimization", 2018.

    >>> import autograd
    >>> x, t = mixup(autograd.rand(8, 5), autograd.randint(0, 3, (8,)), 0.4, num_classes=3)
    >>> x.shape, t.shape, autograd.allclose(t.sum(1), autograd.ones(8))
    (Size([8, 5]), Size([8, 3]), True)
    """
    partner, share, target = _mixing(x, target, alpha, num_classes, generator)
    return (
        share * x + (1 - share) * x[partner],
        share * target + (1 - share) * target[partner],
    )


def cutmix(
    x: Tensor,
    target: Tensor,
    alpha: float = 1.0,
    num_classes: int | None = None,
    *,
    generator: Generator | None = None,
) -> tuple[Tensor, Tensor]:
    """Each image (..., H, W) with a rectangle of another one, the targets mixed by area.

    Arguments and results are those of `mixup`.

    Source: Yun et al., "CutMix", 2019.
    """
    partner, share, target = _mixing(x, target, alpha, num_classes, generator)
    height, width = x.shape[-2:]
    rng, side = rng_of(generator), (1 - share) ** 0.5
    spans = []
    for n in (height, width):
        middle, half = rng.integers(n), int(n * side) // 2
        spans.append(slice(max(middle - half, 0), min(middle + half, n)))
    mixed = x.clone()
    mixed[..., spans[0], spans[1]] = x[partner][..., spans[0], spans[1]]
    taken = (spans[0].stop - spans[0].start) * (spans[1].stop - spans[1].start)
    share = 1 - taken / (height * width)
    return mixed, share * target + (1 - share) * target[partner]


def distillation_loss(
    output: Tensor,
    teacher_output: Tensor,
    target: Tensor | None = None,
    temperature: float = 4.0,
    alpha: float = 0.9,
) -> Tensor:
    """How far a student's scores are from its teacher's, and from the true classes.

    `alpha * T^2 * KL(teacher / T || student / T) + (1 - alpha) * cross_entropy(student, target)`,
    the mean over the batch. The factor T^2 keeps the size of the gradients independent of T.

    Args:
        output, teacher_output: scores (N, C); no gradient flows to the teacher.
        target: class numbers (N,); None leaves the second term out.
        temperature: T; the higher, the more the student sees of how the teacher ranks the wrong
            classes.
        alpha: the weight of the teacher.

    Source: Hinton, Vinyals and Dean, "Distilling the knowledge in a neural network", 2015.

    >>> import autograd
    >>> scores = autograd.tensor([[2.0, 0.0]])
    >>> distillation_loss(scores, scores).item()
    0.0
    """
    if output.shape != teacher_output.shape:
        raise ValueError(
            f"distillation_loss: the student's scores are {tuple(output.shape)}, the teacher's "
            f"{tuple(teacher_output.shape)}"
        )
    log_student = F.log_softmax(output / temperature, dim=-1)
    log_teacher = F.log_softmax(teacher_output.detach() / temperature, dim=-1)
    loss = F.kl_div(log_student, log_teacher, reduction="batchmean", log_target=True)
    loss = temperature**2 * loss
    if target is None:
        return loss
    return alpha * loss + (1 - alpha) * F.cross_entropy(output, target)


class Ensemble(Module):
    """Several models for one task: the mean of what they say.

    Args:
        models: called with the same arguments.
        average: "probabilities" takes the outputs for scores (N, C) and returns the logarithm of
            the mean of their softmax, which is again a score for losses and argmax; "outputs"
            returns the mean of the outputs.

    Source: Lakshminarayanan et al., "Simple and scalable predictive uncertainty estimation using
    deep ensembles", 2017.

    >>> import autograd, nn
    >>> Ensemble([nn.Linear(4, 3) for _ in range(5)])(autograd.ones(2, 4)).shape
    Size([2, 3])
    """

    def __init__(self, models: Sequence[Module], average: str = "probabilities") -> None:
        super().__init__()
        if average not in ("probabilities", "outputs"):
            raise ValueError(
                f'Ensemble: average must be "probabilities" or "outputs", got {average!r}'
            )
        if not models:
            raise ValueError("Ensemble: needs at least one model")
        self.models = ModuleList(models)
        self.average = average

    def forward(self, *args: Any, **kwargs: Any) -> Tensor:
        outputs = autograd.stack([model(*args, **kwargs) for model in self.models])
        if self.average == "outputs":
            return outputs.mean(0)
        logs = F.log_softmax(outputs, dim=-1)
        return logs.logsumexp(0) - math.log(len(self.models))

    def extra_repr(self) -> str:
        return f"average={self.average!r}"
