"""`nn.summary`: the counts against hand calculations, and that the model is left alone."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import autograd
import nn


class LeNet(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 6, 5, padding=2), nn.BatchNorm2d(6), nn.ReLU(), nn.MaxPool2d(2)
        )
        self.head = nn.Linear(6 * 14 * 14, 10)

    def forward(self, x: Any, twice: bool = False) -> Any:
        y = self.head(self.features(x).flatten(1))
        return y + self.head(self.features(x).flatten(1)) if twice else y


CONV, NORM, HEAD = 6 * 28 * 28 * 25, 6 * 28 * 28, 10 * 6 * 14 * 14


def test_counts() -> None:
    net = LeNet()
    net.head.bias.requires_grad_(False)
    found = nn.summary(net, (3, 1, 28, 28))
    assert found.total_params == sum(p.numel() for p in net.parameters()) == 156 + 12 + 11770
    assert found.trainable_params == found.total_params - 10
    assert found.mult_adds == 3 * (CONV + NORM + HEAD)
    assert found.input_bytes == 3 * 28 * 28 * 4
    assert found.output_bytes == 3 * 4 * (3 * 6 * 28 * 28 + 6 * 14 * 14 + 10)
    assert found.param_bytes == 4 * found.total_params + 4 * 12 + 8  # float32, an int64 counter
    shapes = [tuple(row.output.shape) for row in found.calls[0].rows()]
    assert shapes[0] == (3, 10) and shapes[2] == (3, 6, 28, 28)


def test_depth_folds_counts_into_what_is_shown() -> None:
    rows = str(nn.summary(LeNet(), (1, 1, 28, 28), depth=1)).splitlines()
    assert [row.split()[-2] for row in rows if "features" in row] == ["168"]
    assert [row.split()[-1] for row in rows if "features" in row] == [f"{CONV + NORM:,}"]
    assert not any("Conv2d" in row for row in rows)


def test_layers_called_twice_hold_their_parameters_once() -> None:
    once = nn.summary(LeNet(), (1, 1, 28, 28))
    twice = nn.summary(LeNet(), (1, 1, 28, 28), twice=True)
    assert twice.total_params == once.total_params
    assert twice.mult_adds == 2 * once.mult_adds
    assert str(twice).count("(shared)") == 4
    counted = sum(p.numel() for row in twice.calls[0].rows() for p in row.own)
    assert counted == twice.total_params


@pytest.mark.parametrize(
    ("layer", "shape", "expected"),
    [
        (nn.Linear(4, 3), (2, 5, 4), 2 * 5 * 12),
        (nn.ConvTranspose1d(4, 3, 2), (2, 4, 5), 2 * 4 * 5 * 3 * 2),
        (nn.Conv1d(4, 6, 2, groups=2), (1, 4, 5), 6 * 4 * 2 * 2),
        (nn.LayerNorm(4), (2, 4), 8),
        (nn.ReLU(), (2, 4), 0),
    ],
)
def test_mult_adds(layer: Any, shape: Any, expected: int) -> None:
    assert nn.summary(layer, shape).mult_adds == expected


def test_attention() -> None:
    layer = nn.MultiheadAttention(8, 2, kdim=6, vdim=4, batch_first=True)
    q, k, v = (autograd.ones(3, n, d) for n, d in ((5, 8), (7, 6), (7, 4)))
    projections = 5 * 8 * 8 * 2 + 7 * 8 * (6 + 4)
    found = nn.summary(layer, input_data=(q, k, v))
    assert found.mult_adds == 3 * (projections + 2 * 5 * 7 * 8)
    assert found.calls[0].own == list(layer.parameters())


def test_inputs() -> None:
    table = nn.Sequential(nn.Embedding(10, 4))
    assert nn.summary(table, (2, 3), dtypes=[autograd.int64]).calls[0].output.shape == (2, 3, 4)
    layer = nn.Bilinear(2, 3, 4)
    assert nn.summary(layer, [(5, 2), (5, 3)]).mult_adds == 5 * 4 * 2 * 3
    net = LeNet()
    data = {"x": autograd.ones(2, 1, 28, 28), "twice": True}
    assert nn.summary(net, input_data=data).mult_adds == 4 * (CONV + NORM + HEAD)
    with pytest.raises(ValueError, match="one of the two"):
        nn.summary(net)
    with pytest.raises(ValueError, match="2 dtypes for 1 inputs"):
        nn.summary(net, (1, 1), dtypes=[None, None])


def test_leaves_the_model_as_it_was() -> None:
    net = LeNet()
    net.features[1].eval()
    before = {k: v.numpy().copy() for k, v in net.state_dict().items()}
    modes = [m.training for m in net.modules()]
    autograd.manual_seed(3)
    expected = autograd.rand(2).tolist()
    autograd.manual_seed(3)
    nn.summary(net, (2, 1, 28, 28))
    with pytest.raises(RuntimeError, match=r"with \[1, 2, 9, 9\] failed.*\n.*returned: none"):
        nn.summary(net, (1, 2, 9, 9))
    with pytest.raises(RuntimeError, match="returned: 0, 1, 2, 3, features"):
        nn.summary(net, (1, 1, 9, 9))
    assert autograd.rand(2).tolist() == expected
    assert [m.training for m in net.modules()] == modes
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in net.modules())
    for key, value in net.state_dict().items():
        np.testing.assert_array_equal(value.numpy(), before[key])
