"""Losses with margins and likelihoods as modules, beside PyTorch's."""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from op_samples import ROWS
from op_samples.calling import run_ours, run_torch
from test_nn_parity import REDUCTIONS, Case, both, case, classes, compare_calls, real, unit

import autograd
import nn

pytestmark = pytest.mark.parity
PAIR = (real(3, 4), real(3, 4))
TRIPLET = (*PAIR, real(3, 4))
SIGNS = np.array([[1, -1, 1, -1]] * 3)
LABELS = np.array([[1, 0, -1, 2], [2, -1, 0, 0], [-1, 0, 1, 2]])

INPUTS = {
    "HingeEmbeddingLoss": (real(3, 4), SIGNS),
    "CosineEmbeddingLoss": (*PAIR, SIGNS[0, :3]),
    "MarginRankingLoss": (*PAIR, SIGNS),
    "SoftMarginLoss": (real(3, 4), SIGNS),
    "MultiMarginLoss": (real(3, 4), classes(3)),
    "MultiLabelMarginLoss": (real(3, 4), LABELS),
    "MultiLabelSoftMarginLoss": (real(3, 4), unit(3, 4)),
    "TripletMarginLoss": TRIPLET,
    "TripletMarginWithDistanceLoss": TRIPLET,
    "PoissonNLLLoss": (real(3, 4), unit(3, 4) * 5),
    "GaussianNLLLoss": (*PAIR, unit(3, 4)),
}


def with_inputs(name: str, *args: Any, of: Any = None, **kwargs: Any) -> Case:
    return case(name, *args, of=of or INPUTS[name], **kwargs)


CASES = [
    *(with_inputs(name, reduction=r) for name in INPUTS for r in REDUCTIONS),
    with_inputs("HingeEmbeddingLoss", 2.3),
    with_inputs("CosineEmbeddingLoss", 0.2),
    with_inputs("CosineEmbeddingLoss", of=(real(4), real(4), np.array(-1))),
    with_inputs("MarginRankingLoss", 0.7),
    with_inputs("MultiMarginLoss", 2, 0.5, unit(4)),
    with_inputs("MultiMarginLoss", weight=unit(4), of=(real(4), classes())),
    with_inputs("MultiLabelMarginLoss", of=(real(4), LABELS[0])),
    with_inputs("MultiLabelSoftMarginLoss", unit(4)),
    with_inputs("TripletMarginLoss", 3.0, 1, swap=True),
    with_inputs("TripletMarginLoss", p=3.0, eps=0.1),
    with_inputs(
        "TripletMarginWithDistanceLoss",
        distance_function=lambda u, v: (u - v).abs().sum(-1),
        margin=2.0,
        swap=True,
    ),
    with_inputs("PoissonNLLLoss", False, True, eps=0.1, of=(unit(3, 4), unit(3, 4) * 5)),
    with_inputs("PoissonNLLLoss", full=True),
    with_inputs("GaussianNLLLoss", full=True, eps=0.4, of=(*PAIR, unit(3, 1))),
    with_inputs("GaussianNLLLoss", of=(*PAIR, unit(3))),
]


@pytest.mark.parametrize("c", CASES, ids=str)
def test_output_and_gradients(c: Case, torch: Any) -> None:
    compare_calls(c, *both(c, torch), torch)


@pytest.mark.parametrize("c", CASES, ids=str)
def test_text_and_state(c: Case, torch: Any) -> None:
    ours, theirs = both(c, torch)
    assert repr(ours) == repr(theirs)
    assert list(ours.state_dict()) == list(theirs.state_dict())


OLD = [{"size_average": False}, {"reduce": False}, {"reduce": True}]
WITH_OLD = [
    "hinge_embedding_loss",
    "cosine_embedding_loss",
    "margin_ranking_loss",
    "soft_margin_loss",
    "multi_margin_loss",
    "multilabel_margin_loss",
    "multilabel_soft_margin_loss",
    "triplet_margin_loss",
    "poisson_nll_loss",
]
KEYWORD_ONLY = {"TripletMarginWithDistanceLoss", "GaussianNLLLoss"}


@pytest.mark.parametrize("old", OLD, ids=str)
@pytest.mark.parametrize("name", sorted(INPUTS.keys() - KEYWORD_ONLY))
def test_old_spelling_of_reduction(name: str, old: dict[str, bool], torch: Any) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = getattr(torch.nn, name)(**old).reduction
    with pytest.warns(UserWarning, match=f"reduction='{expected}'"):
        assert getattr(nn, name)(**old).reduction == expected


@pytest.mark.parametrize("old", OLD, ids=str)
@pytest.mark.parametrize("name", WITH_OLD)
def test_old_spelling_in_functions(name: str, old: dict[str, bool], torch: Any) -> None:
    row = next(row for row in ROWS if row.name == f"nn.functional.{name}")
    sample = dataclasses.replace(row.samples[0], kwargs=old)
    expected = run_torch(torch, row, sample, "float64").results[0]
    with pytest.warns(UserWarning, match="reduction='"):
        found = run_ours(row, sample, "float64").results[0]
    np.testing.assert_allclose(found.detach().numpy(), expected.detach().numpy(), rtol=1e-12)


def test_soft_margin_loss_of_large_scores() -> None:
    """Finite, with finite derivatives, where exp overflows (PyTorch: inf and NaN)."""
    x = autograd.tensor([-1000.0, 1000.0], requires_grad=True)
    loss = nn.functional.soft_margin_loss(x, autograd.ones(2), reduction="none")
    loss.sum().backward()
    assert loss.tolist() == [1000.0, 0.0]
    assert x.grad is not None
    assert x.grad.tolist() == [-1.0, 0.0]


@pytest.mark.parametrize(
    ("name", "kwargs", "match"),
    [
        ("MultiMarginLoss", {"p": 3}, "only p == 1 and p == 2"),
        ("MultiMarginLoss", {"weight": unit(2, 2)}, "1D tensor, got 2D"),
        ("TripletMarginLoss", {"margin": 0.0}, "margin to be greater than 0, got 0.0"),
        ("TripletMarginWithDistanceLoss", {"margin": -1.0}, "margin to be greater than 0"),
    ],
)
def test_errors(name: str, kwargs: dict[str, Any], match: str, torch: Any) -> None:
    def make(library: Any, tensor: Callable[[np.ndarray], Any]) -> Any:
        own = {k: tensor(v) if isinstance(v, np.ndarray) else v for k, v in kwargs.items()}
        return getattr(library, name)(**own)

    with pytest.raises(ValueError, match=match):
        make(nn, autograd.from_numpy)
    with pytest.raises(ValueError, match=match):
        make(torch.nn, torch.from_numpy)
