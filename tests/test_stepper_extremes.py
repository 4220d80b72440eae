"""The sums that a trace holds for the picture of a large contribution."""

from __future__ import annotations

import numpy as np
import pytest

import autograd
import nn
from autograd.stepper import trace_of
from autograd.stepper.trace import Trace
from autograd.stepper.values import extremes, plain, preview, short


def layers(batch: int) -> Trace:
    autograd.manual_seed(1)
    x = autograd.randn(batch, 20)
    w = autograd.randn(20, 12, requires_grad=True)
    model = nn.Sequential(nn.Linear(12, 15), nn.Tanh())
    with autograd.trace():
        loss = (model(x @ w) ** 2).sum()
    return trace_of(loss)


@pytest.mark.parametrize("shape", [(9, 9), (100,), (3, 70), (2, 5, 11), (65, 1)])
def test_extremes_are_the_largest_of_the_blocks(shape: tuple[int, ...]) -> None:
    x = np.random.default_rng(0).standard_normal(shape)
    x.flat[7] = np.nan
    matrix = x.reshape(-1, shape[-1])
    blocks = [
        [part[np.argmax(np.abs(part))] for part in map(np.ravel, np.array_split(band, across, 1))]
        for across in (min(8, shape[-1]),)
        for band in np.array_split(matrix, min(8, len(matrix)))
    ]
    flat = [entry for row in blocks for entry in row]
    np.testing.assert_array_equal(x.reshape(-1)[extremes(x)], flat)
    assert [[plain(entry) for entry in row] for row in preview(x)] == [
        [pytest.approx(entry, nan_ok=True) for entry in row] for row in blocks
    ]


def test_sums_end_in_the_elements_they_are_for() -> None:
    trace = layers(30)
    ops = set()
    for step in trace.steps:
        for edge in step["edges"]:
            if "sums" not in edge:
                continue
            ops.add(trace.nodes["op"][step["node"]])
            entries = [entry for row in edge["contrib"]["preview"] for entry in row]
            assert len(edge["sums"]) == len(entries)
            for (index, text), entry in zip(edge["sums"], entries, strict=True):
                assert len(index) == len(edge["contrib"]["shape"])
                assert text.endswith(f" = {short(entry)}")
    assert ops >= {"matmul", "linear", "tanh"}


def test_small_ones_are_whole_and_have_none() -> None:
    for step in layers(2).steps:
        for edge in step["edges"]:
            contrib = edge["contrib"]
            small = not isinstance(contrib, dict) or contrib["n"] <= 64
            assert not (small and "sums" in edge)


def test_there_is_room_for_so_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("autograd.stepper.build.EXTREMES", 64)
    held = [edge for step in layers(30).steps for edge in step["edges"] if "sums" in edge]
    assert len(held) <= 1
