"""Metrics against scikit-learn, over batches of unequal size."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

import autograd
from nn.training import (
    AUC,
    F1,
    Accuracy,
    ConfusionMatrix,
    MeanAbsoluteError,
    MeanSquaredError,
    Precision,
    Recall,
    TopK,
)

reference = pytest.importorskip("sklearn.metrics")
pytestmark = pytest.mark.parity

RNG = np.random.default_rng(0)
TRUE = RNG.integers(0, 5, 203)
SCORES = RNG.normal(size=(203, 5)).astype(np.float32) + 2 * np.eye(5, dtype=np.float32)[TRUE]
SCORES = SCORES.round(1)  # some scores are equal
PREDICTED = SCORES.argmax(1)
BINARY = RNG.integers(0, 2, 203)
PROBABILITY = ((RNG.random(203) + 0.5 * BINARY) / 1.5).round(2).astype(np.float32)


def measured(metric: Any, output: np.ndarray, target: np.ndarray) -> Any:
    for start, stop in ((0, 7), (7, 150), (150, len(target))):
        part = slice(start, stop)
        metric.update(autograd.tensor(output[part]), autograd.tensor(target[part]))
    return metric.compute()


def test_accuracy() -> None:
    expected = reference.accuracy_score(TRUE, PREDICTED)
    assert measured(Accuracy(), SCORES, TRUE) == pytest.approx(expected, rel=1e-12)
    assert measured(Accuracy(), PREDICTED, TRUE) == pytest.approx(expected, rel=1e-12)
    expected = reference.accuracy_score(BINARY, PROBABILITY > 0.5)
    assert measured(Accuracy(), PROBABILITY, BINARY) == pytest.approx(expected, rel=1e-12)
    column = PROBABILITY[:, None]
    assert measured(Accuracy(), column, BINARY[:, None]) == pytest.approx(expected, rel=1e-12)
    logits = np.log(PROBABILITY + 1e-3) - np.log(1 - PROBABILITY + 1e-3)
    found = measured(Accuracy(threshold=0.0), logits, BINARY)
    assert found == pytest.approx(reference.accuracy_score(BINARY, logits > 0), rel=1e-12)


@pytest.mark.parametrize("k", [1, 2, 4])
def test_top_k(k: int) -> None:
    distinct = SCORES + RNG.normal(size=SCORES.shape).astype(np.float32) * 1e-3
    expected = reference.top_k_accuracy_score(TRUE, distinct, k=k, labels=range(5))
    assert measured(TopK(k), distinct, TRUE) == pytest.approx(expected, rel=1e-12)


def test_top_k_with_equal_scores() -> None:
    scores = autograd.tensor([[1.0, 1.0, 0.0], [1.0, 1.0, 0.0]])
    assert TopK(1)(scores, autograd.tensor([0, 1])) == 0.5


def test_confusion_matrix() -> None:
    expected = reference.confusion_matrix(TRUE, PREDICTED)
    np.testing.assert_array_equal(measured(ConfusionMatrix(), SCORES, TRUE), expected)
    np.testing.assert_array_equal(measured(ConfusionMatrix(), PREDICTED, TRUE), expected)
    expected = reference.confusion_matrix(TRUE, PREDICTED, labels=range(7))
    np.testing.assert_array_equal(measured(ConfusionMatrix(7), PREDICTED, TRUE), expected)
    with pytest.raises(ValueError, match="from 0 to 1"):
        ConfusionMatrix(2)(autograd.tensor([0]), autograd.tensor([2]))


AVERAGES = ["macro", "weighted", "micro", None]


@pytest.mark.parametrize("average", AVERAGES)
@pytest.mark.parametrize("rare", [False, True])
@pytest.mark.parametrize("kind", [Precision, Recall, F1])
def test_per_class(kind: type, rare: bool, average: Any) -> None:
    name = {"Precision": "precision_score", "Recall": "recall_score", "F1": "f1_score"}
    true, predicted = TRUE.copy(), PREDICTED.copy()
    if rare:  # a class that never occurs, and one that is never predicted
        true[true == 1] = 2
        predicted[predicted == 3] = 4
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # scikit-learn's, of 0/0
        score = getattr(reference, name[kind.__name__])
        expected = score(true, predicted, average=average)
    found = measured(kind(average), predicted, true)
    np.testing.assert_allclose(found, expected, rtol=1e-12)


@pytest.mark.parametrize("kind", [Precision, Recall, F1])
def test_binary(kind: type) -> None:
    name = {"Precision": "precision_score", "Recall": "recall_score", "F1": "f1_score"}
    expected = getattr(reference, name[kind.__name__])(BINARY, PROBABILITY > 0.5)
    found = measured(kind("binary"), PROBABILITY, BINARY)
    assert found == pytest.approx(expected, rel=1e-12)
    with pytest.raises(ValueError, match="two classes"):
        measured(kind("binary"), PREDICTED, TRUE)
    with pytest.raises(ValueError, match="average must be"):
        kind("mean")


def test_auc() -> None:
    expected = reference.roc_auc_score(BINARY, PROBABILITY)
    assert measured(AUC(), PROBABILITY, BINARY) == pytest.approx(expected, rel=1e-12)
    assert measured(AUC(), PROBABILITY[:, None], BINARY) == pytest.approx(expected, rel=1e-12)
    two = np.stack([1 - PROBABILITY, PROBABILITY], 1).astype(np.float64)
    expected = reference.roc_auc_score(BINARY, two[:, 1] - two[:, 0])
    assert measured(AUC(), two, BINARY) == pytest.approx(expected, rel=1e-12)
    odds = np.exp(SCORES.astype(np.float64))
    odds /= odds.sum(1, keepdims=True)
    expected = reference.roc_auc_score(TRUE, odds, multi_class="ovr")
    assert measured(AUC(), odds, TRUE) == pytest.approx(expected, rel=1e-12)
    assert np.isnan(AUC()(autograd.rand(3), autograd.ones(3)))


def test_errors_of_regression() -> None:
    x, y = RNG.normal(size=(2, 203, 3))
    found = measured(MeanSquaredError(), x, y)
    assert found == pytest.approx(reference.mean_squared_error(x, y), rel=1e-12)
    found = measured(MeanAbsoluteError(), x, y)
    assert found == pytest.approx(reference.mean_absolute_error(x, y), rel=1e-12)


def test_wrong_shapes() -> None:
    for metric in (Accuracy(), TopK(2), F1(), AUC()):
        with pytest.raises(ValueError, match=metric.name if metric.name != "f1" else "f1"):
            metric(autograd.rand(3, 4), autograd.tensor([0, 1]))
