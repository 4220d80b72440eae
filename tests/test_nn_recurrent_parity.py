"""Recurrent layers and cells beside PyTorch's: outputs, states, all gradients, text and errors."""

from __future__ import annotations

import itertools
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from test_nn_parity import Case, both, case, close, real

import autograd
import nn
from nn.utils import rnn as packing

pytestmark = pytest.mark.parity
IN, HIDDEN, STEPS, BATCH = 3, 4, 5, 3
LENGTHS = (5, 3, 2)


def layer(name: str, *args: Any, **kwargs: Any) -> Case:
    return case(name, IN, HIDDEN, *args, of=(), **kwargs)


KINDS = [("RNN", {}), ("RNN", {"nonlinearity": "relu"}), ("GRU", {}), ("LSTM", {})]
KINDS += [("LSTM", {"proj_size": 2})]
LAYERS = [
    layer(name, **options, num_layers=layers, bidirectional=both_ways, bias=bias)
    for name, options in KINDS
    for layers, both_ways, bias in itertools.product((1, 2), (False, True), (False, True))
]


def flat(found: Any) -> list[Any]:
    """The tensors in a result: output, then states; of a packed output its data."""
    if not isinstance(found, tuple):
        return [found]
    if hasattr(found, "batch_sizes"):
        return [found.data]
    return [tensor for part in found for tensor in flat(part)]


def states_of(c: Case, *batch: int) -> list[np.ndarray]:
    count = c.kwargs.get("num_layers", 1) * (1 + c.kwargs.get("bidirectional", False))
    sizes = [c.kwargs.get("proj_size") or HIDDEN, HIDDEN][: 2 if c.name == "LSTM" else 1]
    return [real(count, *batch, size) / 4 for size in sizes]


def compare(ours: Any, theirs: Any, arrays: list[np.ndarray], torch: Any, call: Any) -> None:
    """`call(module, library, tensors)` gives the same tensors, and the same gradients."""
    xs = [autograd.from_numpy(a.copy()).requires_grad_() for a in arrays]
    ys = [torch.from_numpy(a.copy()).requires_grad_() for a in arrays]
    found, expected = flat(call(ours, nn, xs)), flat(call(theirs, torch.nn, ys))
    assert len(found) == len(expected)
    for a, b in zip(found, expected, strict=True):
        assert tuple(a.shape) == tuple(b.shape)
        close(a, b, 1e-10)
    upstream = [real(*b.shape) for b in expected]
    autograd.backward(found, [autograd.from_numpy(g) for g in upstream])
    torch.autograd.backward(expected, [torch.from_numpy(g) for g in upstream])
    for x, y in zip(xs, ys, strict=True):
        close(x.grad, y.grad, 1e-9)
    for (name, p), (_, q) in zip(ours.named_parameters(), theirs.named_parameters(), strict=True):
        close(p.grad, q.grad, 1e-9, name)


def given(hx: list[Any]) -> Any:
    """States as a layer takes them."""
    return tuple(hx) if len(hx) > 1 else hx[0] if hx else None


@pytest.mark.parametrize("fused", [True, False], ids=["fused", "composite"])
@pytest.mark.parametrize("c", LAYERS, ids=str)
def test_sequences_of_one_length(c: Case, fused: bool, torch: Any) -> None:
    def call(module: Any, library: Any, tensors: list[Any]) -> Any:
        x, *hx = tensors
        if fused or library is torch.nn:
            return module(x, given(hx))
        with autograd.unfused():
            return module(x, given(hx))

    ours, theirs = both(c, torch)
    x = real(STEPS, BATCH, IN)
    compare(ours, theirs, [x, *states_of(c, BATCH)], torch, call)
    ours.zero_grad(), theirs.zero_grad()
    compare(ours, theirs, [x], torch, call)  # states that start as zeros


@pytest.mark.parametrize("fused", [True, False], ids=["fused", "composite"])
@pytest.mark.parametrize("sort", [True, False], ids=["sorted", "unsorted"])
@pytest.mark.parametrize("c", LAYERS, ids=str)
def test_packed_sequences(c: Case, sort: bool, fused: bool, torch: Any) -> None:
    lengths = LENGTHS if sort else (2, 5, 3)

    def call(module: Any, library: Any, tensors: list[Any]) -> Any:
        x, *hx = tensors
        utils = packing if library is nn else library.utils.rnn
        packed = utils.pack_padded_sequence(x, lengths, enforce_sorted=sort)
        if fused or library is torch.nn:
            return module(packed, given(hx))
        with autograd.unfused():
            return module(packed, given(hx))

    ours, theirs = both(c, torch)
    compare(ours, theirs, [real(STEPS, BATCH, IN), *states_of(c, BATCH)], torch, call)


@pytest.mark.parametrize(("name", "options"), KINDS)
@pytest.mark.parametrize("form", ["batch first", "one sequence", "one packed", "no sequences"])
def test_forms(name: str, options: dict[str, Any], form: str, torch: Any) -> None:
    c = layer(name, **options, num_layers=2, bidirectional=True, batch_first=form == "batch first")
    ours, theirs = both(c, torch)
    shape = {"one sequence": (STEPS, IN), "no sequences": (STEPS, 0, IN)}
    x = real(*shape.get(form, (BATCH, STEPS, IN)))
    batch = () if form == "one sequence" else (x.shape[not c.kwargs["batch_first"]],)

    def call(module: Any, library: Any, tensors: list[Any]) -> Any:
        x, *hx = tensors
        if form == "one packed":
            utils = packing if library is nn else library.utils.rnn
            return module(utils.pack_sequence([x[0]]), None)
        return module(x, given(hx))

    hx = [] if form == "one packed" else states_of(c, *batch)
    compare(ours, theirs, [x, *hx], torch, call)


CELLS = [
    case(name, IN, HIDDEN, of=(), **options)
    for name, options in [
        ("RNNCell", {}),
        ("RNNCell", {"nonlinearity": "relu", "bias": False}),
        ("GRUCell", {}),
        ("GRUCell", {"bias": False}),
        ("LSTMCell", {}),
        ("LSTMCell", {"bias": False}),
    ]
]


@pytest.mark.parametrize("batch", [(), (2,)])
@pytest.mark.parametrize("c", CELLS, ids=str)
def test_cells(c: Case, batch: tuple[int, ...], torch: Any) -> None:
    ours, theirs = both(c, torch)
    hx = [real(*batch, HIDDEN) for _ in range(2 if c.name == "LSTMCell" else 1)]
    compare(ours, theirs, [real(*batch, IN), *hx], torch, lambda m, _, t: m(t[0], given(t[1:])))
    ours.zero_grad(), theirs.zero_grad()
    compare(ours, theirs, [real(*batch, IN)], torch, lambda m, _, t: m(t[0]))


TEXTS = [
    *LAYERS[:8],
    *CELLS,
    layer("LSTM", 3, True, True, 0.5, True, 2),
    layer("RNN", 2, "relu", False, True, 0.25, True),
    layer("GRU", 2, dropout=1),
]


@pytest.mark.parametrize("c", TEXTS, ids=str)
def test_text_state_and_weights(c: Case, torch: Any) -> None:
    ours, theirs = both(c, torch)
    assert repr(ours) == repr(theirs)
    shapes = [{k: tuple(v.shape) for k, v in m.state_dict().items()} for m in (ours, theirs)]
    assert list(shapes[0].items()) == list(shapes[1].items())
    if "Cell" not in c.name:
        names = [[[n for w in g for n, p in m.named_parameters() if p is w] for g in m.all_weights]
                 for m in (ours, theirs)]  # fmt: skip
        assert names[0] == names[1]
        assert ours.flatten_parameters() is None


@pytest.mark.parametrize("name", ["RNN", "GRU", "LSTM", "LSTMCell"])
def test_initial_distribution(name: str, torch: Any) -> None:
    """Uniform on ±1/√hidden: the range, and the deviation from many numbers."""
    autograd.manual_seed(0)
    ours, theirs = getattr(nn, name)(50, 64), getattr(torch.nn, name)(50, 64)
    for key, value in theirs.state_dict().items():
        a, b = ours.state_dict()[key].numpy(), value.numpy()
        assert np.abs(a).max() <= 1 / 8 and abs(a.std() - b.std()) < 6 * b.std() / np.sqrt(a.size)


# Between the libraries ------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["LSTM", "GRU", "RNN"])
def test_weights_cross_over(name: str, torch: Any, tmp_path: Path) -> None:
    """Through safetensors, in both directions."""
    safetensors = pytest.importorskip("safetensors.torch")

    def model(library: Any) -> Any:
        return library.ModuleDict(
            {
                "words": library.Embedding(20, 16),
                "layers": getattr(library, name)(16, 32, 2, batch_first=True, bidirectional=True),
                "out": library.Linear(64, 20),
            }
        )

    def result(m: Any, tokens: Any) -> np.ndarray:
        return m["out"](m["layers"](m["words"](tokens))[0]).detach().numpy()

    tokens = np.random.default_rng(0).integers(0, 20, (4, 11))
    ours, theirs = model(nn), model(torch.nn)
    safetensors.save_file(theirs.state_dict(), tmp_path / "theirs")
    assert ours.load_state_dict(autograd.load(tmp_path / "theirs")) == ([], [])
    a, b = result(ours, autograd.from_numpy(tokens)), result(theirs, torch.from_numpy(tokens))
    np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)
    with autograd.no_grad():
        for p in ours.parameters():
            p.mul_(1.5)
    autograd.save(ours.state_dict(), tmp_path / "ours.safetensors")
    theirs.load_state_dict(safetensors.load_file(tmp_path / "ours.safetensors"))
    a, b = result(ours, autograd.from_numpy(tokens)), result(theirs, torch.from_numpy(tokens))
    np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


def test_dropout_between_layers(torch: Any) -> None:
    """All dropped: the second layer sees zeros. In evaluation nothing is, and one layer warns."""
    c = layer("LSTM", num_layers=2, dropout=1.0)
    ours, theirs = both(c, torch)
    compare(ours, theirs, [real(STEPS, BATCH, IN)], torch, lambda m, _, t: m(t[0]))
    compare(ours.eval(), theirs.eval(), [real(STEPS, BATCH, IN)], torch, lambda m, _, t: m(t[0]))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        nn.GRU(2, 3, dropout=0.2)
        torch.nn.GRU(2, 3, dropout=0.2)
    assert len(caught) == 2 and str(caught[0].message) == str(caught[1].message)
    assert caught[0].filename == __file__


REFUSED = [
    ((), {}, real(4), None, ValueError),
    ((), {}, real(4, 2, 5), None, RuntimeError),
    ((), {}, real(0, 2, 3), None, RuntimeError),
    ((), {}, real(4, 2, 3).astype(np.float32), None, ValueError),
    ((), {}, real(4, 2, 3), (1, 3, 4), RuntimeError),
    ((), {}, real(4, 2, 3), (1, 2, 3), RuntimeError),
    ((), {}, real(4, 2, 3), (2, 2, 4), RuntimeError),
    ((), {}, real(4, 2, 3), (1, 4), RuntimeError),
    ((), {}, real(4, 3), (1, 1, 4), RuntimeError),
    ((2,), {"bidirectional": True}, real(4, 2, 3), (2, 2, 4), RuntimeError),
]


@pytest.mark.parametrize("name", ["RNN", "GRU", "LSTM"])
@pytest.mark.parametrize(("args", "kwargs", "x", "state", "error"), REFUSED)
def test_wrong_inputs(
    name: str, args: Any, kwargs: Any, x: Any, state: Any, error: Any, torch: Any
) -> None:
    c = layer(name, *args, **kwargs)
    for module, wrap in zip(both(c, torch), (autograd.from_numpy, torch.from_numpy), strict=True):
        hx = None
        if state:
            hx = wrap(np.zeros(state, x.dtype))
            hx = (hx, hx) if name == "LSTM" else hx
        with pytest.raises(error) as caught:
            module(wrap(x), hx)
        if wrap is autograd.from_numpy:
            assert name in str(caught.value)


BAD_ARGUMENTS = [
    ("LSTM", (3, 4), {"dropout": 1.5}),
    ("LSTM", (3, 4), {"dropout": True}),
    ("LSTM", (3, 4), {"proj_size": 4}),
    ("LSTM", (3, 4), {"proj_size": -1}),
    ("GRU", (3.0, 4), {}),
    ("GRU", (3, 4.0), {}),
    ("GRU", (0, 4), {}),
    ("GRU", (3, 0), {}),
    ("GRU", (3, 4, 0), {}),
    ("GRU", (3, 4), {"bias": 1}),
    ("GRU", (3, 4), {"batch_first": 1}),
    ("RNN", (3, 4), {"nonlinearity": "sigmoid"}),
    ("RNN", (3, 4), {"hidden": 4}),
]


@pytest.mark.parametrize(("name", "args", "kwargs"), BAD_ARGUMENTS)
def test_bad_arguments(name: str, args: Any, kwargs: Any, torch: Any) -> None:
    with pytest.raises(Exception) as theirs:
        getattr(torch.nn, name)(*args, **kwargs)
    with pytest.raises(theirs.type):
        getattr(nn, name)(*args, **kwargs)


@pytest.mark.parametrize("c", CELLS[::2], ids=str)
def test_wrong_inputs_of_cells(c: Case, torch: Any) -> None:
    for module, wrap in zip(both(c, torch), (autograd.from_numpy, torch.from_numpy), strict=True):
        for shape, error in [((2, 2, 3), ValueError), ((2, 5), RuntimeError)]:
            with pytest.raises(error):
                module(wrap(real(*shape)))
        hx = wrap(real(3, HIDDEN))
        with pytest.raises(RuntimeError):
            module(wrap(real(2, IN)), (hx, hx) if c.name == "LSTMCell" else hx)
