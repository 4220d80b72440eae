"""Lazy layers beside PyTorch's: before and after their first call, saved, copied, trained."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pytest
from test_nn_parity import close, real

import autograd
import nn
import optim

pytestmark = pytest.mark.parity
LAYERS = [
    ("LazyLinear", (4,), {}, (2, 3, 5)),
    ("LazyLinear", (4, False), {}, (5,)),
    ("LazyConv1d", (4, 3), {"padding": 1}, (2, 3, 7)),
    ("LazyConv2d", (4, 3), {"groups": 2, "bias": False, "padding_mode": "circular"}, (2, 6, 7, 7)),
    ("LazyConv2d", (4, (3, 2), 2), {}, (3, 7, 7)),
    ("LazyConv3d", (4, 2), {}, (2, 3, 4, 4, 4)),
    ("LazyConvTranspose1d", (4, 3), {}, (2, 3, 7)),
    ("LazyConvTranspose2d", (4, 3, 2, 1, 1, 2), {}, (2, 6, 4, 4)),
    ("LazyConvTranspose3d", (4, 2), {"dilation": 2}, (2, 3, 4, 4, 4)),
    ("LazyBatchNorm1d", (), {}, (4, 3)),
    ("LazyBatchNorm2d", (1e-3, None), {"bias": False}, (4, 3, 5, 5)),
    ("LazyBatchNorm3d", (), {"affine": False}, (4, 3, 2, 2, 2)),
    ("LazyInstanceNorm1d", (), {"track_running_stats": False}, (4, 3, 5)),
    ("LazyInstanceNorm2d", (), {}, (4, 3, 5, 5)),
    ("LazyInstanceNorm3d", (), {}, (4, 3, 2, 2, 2)),
]


@pytest.mark.parametrize(("name", "args", "kwargs", "shape"), LAYERS)
def test_first_call(name: str, args: Any, kwargs: Any, shape: Any, torch: Any) -> None:
    ours, theirs = (getattr(lib, name)(*args, **kwargs) for lib in (nn, torch.nn))
    assert repr(ours) == repr(theirs)
    assert list(ours.state_dict()) == list(theirs.state_dict())
    parameters = list(ours.parameters())
    ours.double(), theirs.double()
    x = real(*shape)
    ours(autograd.from_numpy(x)), theirs(torch.from_numpy(x))
    assert type(ours) is getattr(nn, name.removeprefix("Lazy")) and repr(ours) == repr(theirs)
    assert all(a is b for a, b in zip(parameters, ours.parameters(), strict=True))
    state = {k: v.numpy().copy() for k, v in theirs.state_dict().items()}
    assert ours.load_state_dict(state) == ([], [])
    a, b = autograd.from_numpy(x).requires_grad_(), torch.from_numpy(x).requires_grad_()
    out, expected = ours(a), theirs(b)
    close(out, expected, 1e-9)
    g = real(*expected.shape)
    out.backward(autograd.from_numpy(g))
    expected.backward(torch.from_numpy(g))
    close(a.grad, b.grad, 1e-9)
    for (key, p), (_, q) in zip(ours.named_parameters(), theirs.named_parameters(), strict=True):
        close(p.grad, q.grad, 1e-9, key)


def network() -> Any:
    return nn.Sequential(
        nn.LazyConv2d(4, 3), nn.LazyBatchNorm2d(), nn.ReLU(), nn.Flatten(), nn.LazyLinear(2)
    )


def test_initial_values(torch: Any) -> None:
    """Drawn at the first call, as those of the ordinary layer."""
    layer = nn.LazyLinear(200)
    layer(autograd.ones(1, 100))
    w = layer.weight.detach().numpy()
    assert np.abs(w).max() <= 0.1 and abs(w.std() - 0.1 / np.sqrt(3)) < 0.002
    norm = nn.LazyBatchNorm1d()
    norm(autograd.zeros(2, 3))
    assert norm.weight.tolist() == [1, 1, 1] and norm.bias.tolist() == [0, 0, 0]


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))])
def test_copies_before_the_first_call(copied: Any) -> None:
    net = copied(network())
    assert net(autograd.ones(2, 1, 5, 5)).shape == (2, 2)
    assert all(p.requires_grad for p in net.parameters())


def test_an_optimizer_made_before_the_first_call_trains() -> None:
    autograd.manual_seed(0)
    net = network()
    optimizer = optim.Adam(net.parameters(), 0.05)
    x, y = autograd.randn(32, 1, 5, 5), autograd.arange(32) % 2
    x[y == 1] += 1.0
    for _ in range(20):
        loss = nn.functional.cross_entropy(net(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert loss.item() < 0.2


def test_states_before_and_after() -> None:
    """A loaded state gives the shapes; one without shapes changes nothing."""
    full, empty, other = network(), network(), network()
    x = autograd.ones(2, 1, 5, 5)
    full(x)
    assert other.load_state_dict(empty.state_dict()) == ([], [])
    assert empty.load_state_dict(full.state_dict()) == ([], [])
    assert not empty[0].has_uninitialized_params()
    assert empty.eval()(x).tolist() == full.eval()(x).tolist()
    assert empty[0].in_channels == 1 and type(empty[4]) is nn.Linear
    with pytest.raises(RuntimeError, match="not known yet"):
        full.load_state_dict(other.state_dict())


def test_what_has_no_shape_yet(torch: Any) -> None:
    layer = nn.LazyConv2d(4, 3)
    with pytest.raises(RuntimeError, match="not known yet"):
        _ = layer.weight.shape
    assert repr(layer.weight) == repr(torch.nn.LazyConv2d(4, 3).weight)
    with pytest.raises(RuntimeError, match="LazyConv2d"):
        layer(autograd.ones(3))
    with pytest.raises(ValueError, match="once before"):
        nn.init.normal_(layer.weight)
    with pytest.raises(ValueError, match="divisible"):
        nn.LazyConv2d(4, 3, groups=3)
    for library in (nn, torch.nn):
        wrong = library.LazyConv2d(4, 3, groups=2)
        with pytest.raises(ValueError, match="divisible"):
            wrong((autograd if library is nn else torch).ones(1, 3, 5, 5))


def test_a_lazy_module_of_a_users_own() -> None:
    class Scale(nn.lazy.LazyModuleMixin):
        def __init__(self) -> None:
            super().__init__()
            self.scale = nn.UninitializedParameter()

        def initialize_parameters(self, x: Any) -> None:
            if self.has_uninitialized_params():
                self.scale.materialize(x.shape[-1:])
                nn.init.constant_(self.scale, 2.0)

        def forward(self, x: Any) -> Any:
            return x * self.scale

    module = Scale()
    assert module(autograd.ones(1, 3)).tolist() == [[2, 2, 2]]
    assert module(autograd.ones(1, 3)).tolist() == [[2, 2, 2]]
