"""The fused recurrent operations against their composite, and what recurrent layers promise."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pytest

import autograd
import nn
import optim
from autograd import gradcheck, gradgradcheck
from autograd.checkpoint import checkpoint
from autograd.functional import jacobian
from autograd.graph import saved_tensors_hooks
from nn.utils.rnn import PackedSequence, pack_sequence, pad_packed_sequence

KINDS = [
    ("RNN", {}),
    ("RNN", {"nonlinearity": "relu"}),
    ("GRU", {}),
    ("GRU", {"bias": False}),
    ("LSTM", {}),
    ("LSTM", {"proj_size": 1}),
]
SIZES = [(2, 2, 2), (3, 2, 1)]


def made(name: str, **options: Any) -> Any:
    autograd.manual_seed(0)
    return getattr(nn, name)(2, 3, **options, dtype=autograd.float64)


def packed_call(layer: Any, sizes: tuple[int, ...]) -> tuple[Any, list[Any]]:
    """A function of all tensors that the layer's result depends on, and those tensors."""
    names = [name for name, _ in layer.named_parameters()]
    x = autograd.randn(sum(sizes), 2, dtype=autograd.float64, requires_grad=True)
    count = 2 if layer.bidirectional else 1
    widths = [layer.proj_size or 3, 3] if isinstance(layer, nn.LSTM) else [3]
    hx = [
        autograd.randn(count, sizes[0], n, dtype=autograd.float64, requires_grad=True)
        for n in widths
    ]

    def call(x: Any, *rest: Any) -> Any:
        state, weights = rest[: len(hx)], rest[len(hx) :]
        arguments = (PackedSequence(x, autograd.tensor(sizes)), state if hx[1:] else state[0])
        changed = dict(zip(names, weights, strict=True))
        out, last = nn.utils.stateless.functional_call(layer, changed, arguments)
        return (out.data, *last) if hx[1:] else (out.data, last)

    return call, [x, *hx, *layer.parameters()]


@pytest.mark.parametrize("sizes", SIZES)
@pytest.mark.parametrize("both", [False, True])
@pytest.mark.parametrize(("name", "options"), KINDS)
def test_derivatives(name: str, options: Any, both: bool, sizes: Any) -> None:
    call, inputs = packed_call(made(name, **options, bidirectional=both), sizes)
    assert gradcheck(call, inputs, fast_mode=True)
    assert gradgradcheck(call, inputs, fast_mode=True)


@pytest.mark.parametrize("sizes", SIZES)
@pytest.mark.parametrize(("name", "options"), KINDS)
def test_fused_and_composite_agree(name: str, options: Any, sizes: Any) -> None:
    """Values, first and second derivatives by everything."""

    def all_of(call: Any, inputs: list[Any]) -> list[Any]:
        outs = call(*inputs)
        first = autograd.grad(sum((o * o).sum() for o in outs), inputs, create_graph=True)
        second = autograd.grad(sum((g * g).sum() for g in first), inputs)
        return [*outs, *first, *second]

    call, inputs = packed_call(made(name, **options, bidirectional=True), sizes)
    fused = all_of(call, inputs)
    with autograd.unfused():
        composite = all_of(call, inputs)
    for a, b in zip(fused, composite, strict=True):
        np.testing.assert_allclose(a.detach().numpy(), b.detach().numpy(), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(("name", "options"), KINDS)
def test_parts_of_the_results(name: str, options: Any) -> None:
    """The loss may depend on some of the results only, and some inputs may be constants."""
    layer = made(name, **options)
    call, inputs = packed_call(layer, (2, 2))
    inputs = [inputs[0].detach(), *(x.detach() for x in inputs[1:3]), *inputs[3:]]
    for i in range(3 if isinstance(layer, nn.LSTM) else 2):

        def fused(*weights: Any, i: int = i) -> Any:
            return call(*inputs[: -len(weights)], *weights)[i]

        assert gradcheck(fused, list(layer.parameters()), fast_mode=True)


def test_one_weight_for_several_layers() -> None:
    """A layer's input depends on the weights that it uses itself: no gradient is counted twice."""
    layer = made("RNN")
    step = nn.RNN(3, 3, dtype=autograd.float64)
    x = autograd.randn(3, 1, 2, dtype=autograd.float64)

    def call(w: Any) -> Any:
        changed = {"weight_ih_l0": w, "weight_hh_l0": w}
        y = nn.utils.stateless.functional_call(step, changed, layer(x)[0])[0]
        return nn.utils.stateless.functional_call(step, changed, y)[0]

    w = step.weight_ih_l0.detach().requires_grad_()
    assert gradcheck(call, [w]) and gradgradcheck(call, [w])


def test_a_hessian() -> None:
    """By differentiating twice: symmetric."""
    layer = made("LSTM")
    x = autograd.randn(3, 1, 2, dtype=autograd.float64)
    hessian = autograd.functional.hessian(lambda x: (layer(x)[0] ** 2).sum(), x).reshape(6, 6)
    np.testing.assert_allclose(hessian.numpy(), hessian.T.numpy(), atol=1e-12)
    assert jacobian(lambda x: layer(x)[0].sum(0), x).shape == (1, 3, 3, 1, 2)


# What is recorded ----------------------------------------------------------------------------


def test_a_layer_is_one_operation_and_under_unfused_its_cells() -> None:
    layer, x = nn.LSTM(2, 3, 2), autograd.zeros(20, 1, 2)
    assert [n.op_name for n in layer(x)[0].tape()].count("lstm") == 2
    with autograd.unfused():
        names = [node.op_name for node in layer(x)[0].tape()]
    assert names.count("sigmoid") == 3 * 20 * 2 and "lstm" not in names
    assert [n.op_name for n in layer(x)[0].tape()].count("lstm") == 2

    @autograd.unfused()
    def inside() -> bool:
        return "lstm" in [node.op_name for node in layer(x)[0].tape()]

    assert not inside()
    with autograd.trace():
        assert "lstm" not in [node.op_name for node in layer(x)[0].tape()]


def test_nothing_is_kept_without_gradients() -> None:
    layer, x = nn.GRU(2, 3), autograd.zeros(4, 1, 2)
    with autograd.no_grad():
        out, h = layer(x)
    assert out.grad_fn is None and not h.requires_grad
    for p in layer.parameters():
        p.requires_grad_(False)
    assert layer(x)[0].grad_fn is None


def test_backward_frees_and_can_be_repeated_if_asked() -> None:
    layer, x = nn.GRU(2, 3), autograd.ones(4, 1, 2)
    loss = layer(x)[0].sum()
    loss.backward(retain_graph=True)
    once = layer.weight_hh_l0.grad.clone()
    loss.backward()
    np.testing.assert_allclose(layer.weight_hh_l0.grad.numpy(), 2 * once.numpy(), rtol=1e-6)
    with pytest.raises(RuntimeError, match="freed"):
        loss.backward()


def test_a_weight_changed_before_backward_is_an_error() -> None:
    layer, x = nn.LSTM(2, 3), autograd.ones(4, 1, 2)
    loss = layer(x)[0].sum()
    with autograd.no_grad():
        layer.weight_hh_l0.mul_(2)
    with pytest.raises(RuntimeError, match="w_hh"):
        loss.backward()


@pytest.mark.parametrize("name", ["RNN", "GRU", "LSTM"])
def test_with_hooks_checkpoints_and_batches_of_gradients(name: str) -> None:
    """The gradients are the same in all the ways in which they are computed."""
    layer = made(name)
    x = autograd.randn(4, 2, 2, dtype=autograd.float64, requires_grad=True)
    inputs = [x, *layer.parameters()]
    expected = autograd.grad(layer(x)[0].sum(), inputs)
    with saved_tensors_hooks(lambda t: t.numpy().copy(), autograd.from_numpy):
        stored = layer(x)[0].sum()
    kept = checkpoint(lambda x: layer(x)[0], x, use_reentrant=False).sum()
    for loss in (stored, kept):
        for a, b in zip(autograd.grad(loss, inputs, retain_graph=True), expected, strict=True):
            np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-12)
    y = layer(x)[0]
    rows = autograd.randn(3, *y.shape, dtype=autograd.float64)
    batch = autograd.grad(y, inputs, rows, retain_graph=True, is_grads_batched=True)
    for i, row in enumerate(rows):
        for a, b in zip(batch, autograd.grad(y, inputs, row, retain_graph=True), strict=True):
            np.testing.assert_allclose(a[i].numpy(), b.numpy(), rtol=1e-9, atol=1e-12)


def test_a_parametrization_is_computed_once_per_call() -> None:
    calls = []

    class Halved(nn.Module):
        def forward(self, w: Any) -> Any:
            calls.append(w)
            return w / 2

    layer, x = nn.LSTM(2, 3), autograd.ones(4, 1, 2)
    before = layer(x)[0]
    nn.utils.parametrize.register_parametrization(layer, "weight_hh_l0", Halved())
    calls.clear()
    after = layer(x)[0]
    assert len(calls) == 1 and (after != before).any()
    after.sum().backward()
    assert layer.parametrizations.weight_hh_l0.original.grad is not None


def test_states_are_carried_on() -> None:
    """Two halves one after the other are the whole; cutting the graph between is detach()."""
    for name in ("RNN", "GRU", "LSTM"):
        layer = made(name, num_layers=2)
        x = autograd.randn(6, 2, 2, dtype=autograd.float64)
        whole, last = layer(x)
        first, state = layer(x[:4])
        second, again = layer(x[4:], state)
        np.testing.assert_allclose(autograd.cat([first, second]).tolist(), whole.tolist())
        np.testing.assert_allclose(again[0].tolist(), last[0].tolist())


# As modules ----------------------------------------------------------------------------------


@pytest.mark.parametrize("cell", ["RNN", "GRU", "LSTM"])
def test_a_cell_steps_like_its_layer(cell: str) -> None:
    layer = made(cell)
    step = getattr(nn, f"{cell}Cell")(2, 3, dtype=autograd.float64)
    names = {k.removesuffix("_l0"): v for k, v in layer.state_dict().items()}
    step.load_state_dict(names)
    x = autograd.randn(4, 2, 2, dtype=autograd.float64)
    state, outputs = None, []
    for now in x:
        state = step(now, state)
        outputs.append(state[0] if cell == "LSTM" else state)
    np.testing.assert_allclose(autograd.stack(outputs).tolist(), layer(x)[0].tolist())


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))])
def test_copies(copied: Any) -> None:
    layer = nn.LSTM(2, 3, 2, bidirectional=True, batch_first=True)
    other = copied(layer)
    x = autograd.randn(2, 4, 2)
    assert repr(other) == repr(layer)
    assert other(x)[0].tolist() == layer(x)[0].tolist()
    with autograd.no_grad():
        other.weight_ih_l0.zero_()
    assert layer.weight_ih_l0.abs().sum() > 0
    assert all(len(group) == 4 for group in other.all_weights)
    assert other.all_weights[0][0] is other.weight_ih_l0


def test_a_replaced_weight_is_used() -> None:
    layer, x = nn.GRU(2, 3, bias=False), autograd.ones(2, 1, 2)
    layer.weight_ih_l0 = nn.Parameter(autograd.zeros(9, 2))
    assert layer(x)[0].abs().sum() == 0
    assert layer.double()(x.double())[0].dtype == autograd.float64


def test_dropout_between_layers_scales() -> None:
    autograd.manual_seed(0)
    layer = nn.RNN(1, 200, 2, "relu", dropout=0.5)
    with autograd.no_grad():
        for p in layer.parameters():
            p.zero_()
        layer.bias_ih_l0.fill_(1.0)
        layer.weight_ih_l1.copy_(autograd.eye(200))
    y = layer(autograd.zeros(1, 50, 1))[0]
    assert set(y.unique().tolist()) == {0.0, 2.0}
    assert abs(y.mean().item() - 1) < 0.05
    assert set(layer.eval()(autograd.zeros(1, 50, 1))[0].unique().tolist()) == {1.0}


def test_learns_what_needs_memory() -> None:
    """The first of ten inputs has to be told at the end."""
    autograd.manual_seed(0)

    class Net(nn.Module):
        def __init__(self, layer: Any) -> None:
            super().__init__()
            self.layer, self.out = layer, nn.Linear(16, 2)

        def forward(self, x: Any) -> Any:
            return self.out(self.layer(x)[0][-1])

    x = autograd.randn(10, 64, 1)
    target = (x[0, :, 0] > 0).long()
    for layer in (nn.LSTM(1, 16), nn.GRU(1, 16)):
        net = Net(layer)
        optimizer = optim.Adam(net.parameters(), 0.02)
        for _ in range(80):
            loss = nn.functional.cross_entropy(net(x), target)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        assert loss.item() < 0.1


def test_packed_batches_ignore_padding() -> None:
    """Each sequence of a packed batch gives what it gives alone."""
    layer = made("LSTM", num_layers=2, bidirectional=True)
    sequences = [autograd.randn(n, 2, dtype=autograd.float64) for n in (2, 4, 3)]
    out, (h, _) = layer(pack_sequence(sequences, enforce_sorted=False))
    padded, lengths = pad_packed_sequence(out)
    assert lengths.tolist() == [2, 4, 3]
    for i, sequence in enumerate(sequences):
        alone, (last, _) = layer(sequence)
        np.testing.assert_allclose(padded[: len(sequence), i].tolist(), alone.tolist())
        np.testing.assert_allclose(h[:, i].tolist(), last.tolist())
