"""Metrics that are updated batch by batch and computed at the end.

What they count are exact sums, not means of the batches' means, so the sizes of the batches do not
matter. Names and definitions are scikit-learn's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from autograd import Tensor


class Metric:
    """Base class: `update(output, target)` for each batch, then `compute()`; `reset()` starts anew.

    Whatever a subclass keeps in `self.state`, a dict of ndarrays and numbers, is part of a
    checkpoint.
    """

    name = ""

    def __init__(self) -> None:
        self.state: dict[str, Any] = {}
        self.reset()

    def reset(self) -> None:
        """Forgets all batches."""
        self.state.clear()

    def update(self, output: Tensor, target: Tensor) -> None:
        """Takes note of a batch."""
        raise NotImplementedError(f"{type(self).__name__} must define update(output, target)")

    def compute(self) -> Any:
        """The value over all batches since `reset`; NaN if there were none."""
        raise NotImplementedError(f"{type(self).__name__} must define compute()")

    def __call__(self, output: Tensor, target: Tensor) -> Any:
        """The value for one batch."""
        self.reset()
        self.update(output, target)
        return self.compute()


class Mean(Metric):
    """The mean of `function(output, target)` over samples: each batch counts by its size."""

    def __init__(self, function: Callable[[Any, Any], Any], name: str = "") -> None:
        super().__init__()
        self.function = function
        self.name = name or getattr(function, "__name__", type(function).__name__)

    def reset(self) -> None:
        self.state.update(total=0.0, count=0)

    def update(self, output: Tensor, target: Tensor) -> None:
        value, count = self.function(output, target), batch_size(target, output)
        self.state["total"] += (value.item() if isinstance(value, Tensor) else value) * count
        self.state["count"] += count

    def compute(self) -> float:
        return self.state["total"] / self.state["count"] if self.state["count"] else float("nan")


class MeanSquaredError(Mean):
    """The mean of the squared differences.

    >>> import autograd
    >>> MeanSquaredError()(autograd.tensor([1.0, 3.0]), autograd.tensor([1.0, 1.0]))
    2.0
    """

    name = "mse"

    def __init__(self) -> None:
        super().__init__(lambda output, target: ((output - target) ** 2).mean(), self.name)


class MeanAbsoluteError(Mean):
    """The mean of the absolute differences."""

    name = "mae"

    def __init__(self) -> None:
        super().__init__(lambda output, target: (output - target).abs().mean(), self.name)


class TopK(Metric):
    """The share of samples whose true class is among the `k` highest scores.

    `output` are scores (N, C), or (N, C, ...); `target` holds class numbers (N, ...). Among equal
    scores the lower class number counts as higher.

    >>> import autograd
    >>> scores = autograd.tensor([[0.1, 0.5, 0.4], [0.2, 0.1, 0.7]])
    >>> TopK(2)(scores, autograd.tensor([2, 1]))
    0.5
    """

    def __init__(self, k: int = 5) -> None:
        super().__init__()
        self.k, self.name = k, f"top{k}"

    def reset(self) -> None:
        self.state.update(correct=0, count=0)

    def update(self, output: Tensor, target: Tensor) -> None:
        scores, true = _scores(output, self.name), _array(target)
        _check_sizes(self.name, scores[..., 0], true)
        own = np.take_along_axis(scores, true[..., None].astype(np.int64), -1)
        classes = np.arange(scores.shape[-1])
        before = (scores > own) | ((scores == own) & (classes < true[..., None]))
        self.state["correct"] += int((before.sum(-1) < self.k).sum())
        self.state["count"] += true.size

    def compute(self) -> float:
        return self.state["correct"] / self.state["count"] if self.state["count"] else float("nan")


class Accuracy(TopK):
    """The share of samples whose predicted class is the true one.

    `output` are scores (N, C), class numbers (N,), or for two classes probabilities or logits (N,)
    with `threshold` between the classes (0.5 for probabilities, 0 for logits).

    >>> import autograd
    >>> Accuracy()(autograd.tensor([[0.1, 0.9], [0.8, 0.2]]), autograd.tensor([1, 1]))
    0.5
    """

    def __init__(self, threshold: float = 0.5) -> None:
        super().__init__(1)
        self.threshold, self.name = threshold, "accuracy"

    def update(self, output: Tensor, target: Tensor) -> None:
        predicted, true = _classes(output, target, self.threshold, self.name)
        self.state["correct"] += int((predicted == true).sum())
        self.state["count"] += true.size


class ConfusionMatrix(Metric):
    """How often class i was taken for class j: an int64 ndarray (classes, classes).

    `output` as for `Accuracy`. The number of classes is that of the scores, else one more than
    the highest class number seen, unless it is given.

    >>> import autograd
    >>> metric = ConfusionMatrix(2)
    >>> scores = autograd.tensor([[2.0, 1.0], [0.0, 3.0], [1.0, 0.0]])
    >>> metric.update(scores, autograd.tensor([0, 1, 1]))
    >>> metric.compute()
    array([[1, 0],
           [1, 1]])
    """

    name = "confusion_matrix"

    def __init__(self, num_classes: int | None = None, threshold: float = 0.5) -> None:
        super().__init__()
        self.num_classes, self.threshold = num_classes, threshold

    def reset(self) -> None:
        self.state["counts"] = np.zeros((0, 0), np.int64)

    def update(self, output: Tensor, target: Tensor) -> None:
        predicted, true = _classes(output, target, self.threshold, self.name)
        counts = self.state["counts"]
        scored = output.shape[1] if output.ndim > target.ndim else 2 if _is_float(output) else 0
        highest = int(max(predicted.max(initial=-1), true.max(initial=-1))) + 1
        size = self.num_classes or max(scored, highest, len(counts))
        if min(predicted.min(initial=0), true.min(initial=0)) < 0 or highest > size:
            raise ValueError(f"{self.name}: class numbers must be from 0 to {size - 1}")
        found = np.bincount((true * size + predicted).reshape(-1), minlength=size * size)
        grown = np.zeros((size, size), np.int64)
        grown[: len(counts), : len(counts)] = counts
        self.state["counts"] = grown + found.reshape(size, size)

    def compute(self) -> Any:
        return self.state["counts"].copy()


class _PerClass(ConfusionMatrix):
    """A ratio per class from the confusion matrix, averaged.

    Args:
        average: "macro" (mean over classes), "weighted" (by their numbers of samples), "micro"
            (over all samples), "binary" (that of class 1), or None (one per class). A ratio 0/0
            counts as 0. Classes that neither occur nor are predicted count as in scikit-learn's
            default: not at all, unless the output has a score for them.
    """

    def __init__(
        self,
        average: str | None = "macro",
        num_classes: int | None = None,
        threshold: float = 0.5,
    ) -> None:
        if average not in ("macro", "weighted", "micro", "binary", None):
            raise ValueError(
                f'{self.name}: average must be "macro", "weighted", "micro", "binary" or None, '
                f"got {average!r}"
            )
        self.average = average
        super().__init__(num_classes, threshold)

    def compute(self) -> Any:
        counts = self.state["counts"]
        if not counts.sum():
            return float("nan")
        hits, true, predicted = np.diag(counts), counts.sum(1), counts.sum(0)
        if self.average == "micro":
            return float(self._ratio(hits.sum(), true.sum(), predicted.sum()))
        ratios = self._ratio(hits, true, predicted)
        if self.average is None:
            return ratios
        if self.average == "binary":
            if len(counts) > 2:
                raise ValueError(f'{self.name}: average="binary" is for two classes')
            return float(ratios[1]) if len(ratios) > 1 else 0.0
        occurs = (true + predicted) > 0
        weights = true[occurs] if self.average == "weighted" else None
        return float(np.average(ratios[occurs], weights=weights))

    def _ratio(self, hits: Any, true: Any, predicted: Any) -> Any:
        raise NotImplementedError


def _divided(a: Any, b: Any) -> Any:
    return a / np.maximum(b, 1)  # the numerator is 0 where the denominator is


class Precision(_PerClass):
    """Of the samples taken for a class, the share that is of it.

    >>> import autograd
    >>> Precision(average=None)(autograd.tensor([0, 1, 1, 1]), autograd.tensor([0, 0, 1, 1]))
    array([1.        , 0.66666667])
    """

    name = "precision"

    def _ratio(self, hits: Any, true: Any, predicted: Any) -> Any:
        return _divided(hits, predicted)


class Recall(_PerClass):
    """Of the samples of a class, the share that is taken for it."""

    name = "recall"

    def _ratio(self, hits: Any, true: Any, predicted: Any) -> Any:
        return _divided(hits, true)


class F1(_PerClass):
    """The harmonic mean of precision and recall."""

    name = "f1"

    def _ratio(self, hits: Any, true: Any, predicted: Any) -> Any:
        return _divided(2 * hits, true + predicted)


class AUC(Metric):
    """The area under the ROC curve: how likely a sample of a class scores higher than another.

    `output` are scores (N,) of class 1 or (N, C): with two classes the difference of the two
    scores is used, with more the mean over the classes that occur, each against all others.
    Computed exactly from ranks (Hanley and McNeil, "The meaning and use of the area under a
    receiver operating characteristic (ROC) curve", 1982); all scores are kept.

    >>> import autograd
    >>> metric = AUC()
    >>> metric.update(autograd.tensor([0.1, 0.4, 0.35, 0.8]), autograd.tensor([0, 0, 1, 1]))
    >>> metric.compute()
    0.75
    """

    name = "auc"

    def reset(self) -> None:
        self.state.update(scores=np.zeros(0), targets=np.zeros(0, np.int64))

    def update(self, output: Tensor, target: Tensor) -> None:
        scores, true = _array(output).astype(np.float64), _array(target).reshape(-1)
        if scores.ndim == 2 and scores.shape[1] == 1:
            scores = scores[:, 0]
        _check_sizes(self.name, scores if scores.ndim == 1 else scores[:, 0], true)
        known = self.state["scores"]
        self.state["scores"] = np.concatenate([known, scores]) if len(known) else scores
        self.state["targets"] = np.concatenate([self.state["targets"], true.astype(np.int64)])

    def compute(self) -> float:
        scores, true = self.state["scores"], self.state["targets"]
        if scores.ndim == 2 and scores.shape[1] == 2:
            scores = scores[:, 1] - scores[:, 0]
        if scores.ndim == 1:
            return _area(scores, true == 1)
        areas = [_area(scores[:, c], true == c) for c in range(scores.shape[1])]
        known = [a for a in areas if a == a]
        return float(np.mean(known)) if known else float("nan")


def _area(scores: np.ndarray, positive: np.ndarray) -> float:
    """The Mann-Whitney statistic divided by the number of pairs; NaN without pairs."""
    from scipy.stats import rankdata  # slow to import, seldom needed

    n = int(positive.sum())
    pairs = n * (len(positive) - n)
    if not pairs:
        return float("nan")
    return float((rankdata(scores)[positive].sum() - n * (n + 1) / 2) / pairs)


def _array(value: Any) -> np.ndarray:
    return value.numpy(force=True) if isinstance(value, Tensor) else np.asarray(value)


def _is_float(value: Any) -> bool:
    return _array(value).dtype.kind == "f"


def _scores(output: Tensor, name: str) -> np.ndarray:
    scores = _array(output)
    if scores.ndim < 2:
        raise ValueError(f"{name}: expected scores (N, C), got the shape {scores.shape}")
    return np.moveaxis(scores, 1, -1)


def _classes(
    output: Tensor, target: Tensor, threshold: float, name: str
) -> tuple[np.ndarray, np.ndarray]:
    """Predicted and true class numbers."""
    found, true = _array(output), _array(target)
    if found.ndim > true.ndim and found.shape[1] > 1:
        found = _scores(output, name).argmax(-1)
    else:
        found = found.reshape(true.shape) if found.size == true.size else found
        if found.dtype.kind == "f":
            found = found > threshold
    _check_sizes(name, found, true)
    return found.astype(np.int64), true.astype(np.int64)


def _check_sizes(name: str, found: np.ndarray, true: np.ndarray) -> None:
    if found.shape != true.shape:
        raise ValueError(
            f"{name}: the outputs are for {found.shape} samples, the targets have the shape "
            f"{true.shape}"
        )


def batch_size(*values: Any) -> int:
    """The first dimension of the first Tensor among `values`; 1 if there is none."""
    for value in values:
        if isinstance(value, (tuple, list)):
            return batch_size(*value)
        if isinstance(value, Tensor) and value.ndim:
            return int(value.shape[0])
    return 1


_NAMES: dict[str, Callable[[], Metric]] = {
    "accuracy": Accuracy,
    "auc": AUC,
    "f1": F1,
    "mae": MeanAbsoluteError,
    "mse": MeanSquaredError,
    "precision": Precision,
    "recall": Recall,
    "top5": TopK,
}

Metrics = Mapping[str, Any] | Iterable[Any] | str | None


def as_metrics(metrics: Metrics) -> dict[str, Metric]:
    """Metrics by name, from names, `Metric`s and functions, in a list or a dict."""
    if metrics is None:
        return {}
    if isinstance(metrics, (str, Metric)) or callable(metrics):
        metrics = [metrics]
    if not isinstance(metrics, Mapping):
        made = [_metric(m) for m in metrics]
        return {m.name or type(m).__name__: m for m in made}
    return {name: _metric(m) for name, m in metrics.items()}


def _metric(metric: Any) -> Metric:
    if isinstance(metric, type) and issubclass(metric, Metric):
        return metric()
    if isinstance(metric, Metric):
        return metric
    if isinstance(metric, str) and metric in _NAMES:
        return _NAMES[metric]()
    if callable(metric):
        return Mean(metric)
    raise ValueError(
        f"a metric is one of {', '.join(map(repr, _NAMES))}, a Metric, or a function of output and "
        f"target; got {metric!r}"
    )
