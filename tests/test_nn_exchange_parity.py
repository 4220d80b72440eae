"""Models cross over through files: trained there and used here, and the other way."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import autograd
import nn
import nn.functional
import optim

pytestmark = pytest.mark.parity
RNG = np.random.default_rng(0)


def numbers(*shape: int) -> np.ndarray:
    return RNG.standard_normal(shape).astype(np.float32)


def tokens(*shape: int) -> np.ndarray:
    return RNG.integers(0, 20, shape)


def mlp(lib: Any) -> Any:
    n = lib.nn
    return n.Sequential(
        n.Flatten(),
        n.Linear(64, 32),
        n.ReLU(),
        n.Dropout(0.2),
        n.Linear(32, 16, bias=False),
        n.PReLU(),
        n.Linear(16, 5),
    )


def lenet(lib: Any) -> Any:
    """LeCun et al., "Gradient-based learning applied to document recognition", 1998."""
    n = lib.nn
    return n.Sequential(
        n.Conv2d(1, 6, 5, padding=2),
        n.Tanh(),
        n.AvgPool2d(2),
        n.Conv2d(6, 16, 5),
        n.Tanh(),
        n.AvgPool2d(2),
        n.Flatten(),
        n.Linear(400, 120),
        n.Tanh(),
        n.Linear(120, 84),
        n.Tanh(),
        n.Linear(84, 5),
    )


def resnet18(lib: Any, width: int = 8) -> Any:
    """He et al., "Deep residual learning for image recognition", 2015, with fewer channels."""
    n, f = lib.nn, lib.functional

    def conv(inputs: int, outputs: int, size: int, stride: int) -> Any:
        return n.Conv2d(inputs, outputs, size, stride, padding=size // 2, bias=False)

    class BasicBlock(n.Module):
        def __init__(self, inputs: int, outputs: int, stride: int) -> None:
            super().__init__()
            self.conv1 = conv(inputs, outputs, 3, stride)
            self.bn1 = n.BatchNorm2d(outputs)
            self.relu = n.ReLU(inplace=True)
            self.conv2 = conv(outputs, outputs, 3, 1)
            self.bn2 = n.BatchNorm2d(outputs)
            self.downsample = None
            if stride != 1 or inputs != outputs:
                self.downsample = n.Sequential(
                    conv(inputs, outputs, 1, stride), n.BatchNorm2d(outputs)
                )

        def forward(self, x: Any) -> Any:
            out = self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x)))))
            out += x if self.downsample is None else self.downsample(x)
            return self.relu(out)

    class ResNet(n.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv1 = conv(3, width, 7, 2)
            self.bn1 = n.BatchNorm2d(width)
            self.maxpool = n.MaxPool2d(3, 2, 1)
            inputs = width
            for i in range(4):
                outputs = width * 2**i
                blocks = [BasicBlock(inputs, outputs, 1 if i == 0 else 2)]
                blocks.append(BasicBlock(outputs, outputs, 1))
                setattr(self, f"layer{i + 1}", n.Sequential(*blocks))
                inputs = outputs
            self.avgpool = n.AdaptiveAvgPool2d(1)
            self.fc = n.Linear(inputs, 5)

        def forward(self, x: Any) -> Any:
            x = self.maxpool(f.relu(self.bn1(self.conv1(x))))
            x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
            return self.fc(self.avgpool(x).flatten(1))

    return ResNet()


def lstm(lib: Any) -> Any:
    n = lib.nn

    class Reader(n.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embedding = n.Embedding(20, 8)
            self.lstm = n.LSTM(8, 6, 2, batch_first=True, dropout=0.1, bidirectional=True)
            self.out = n.Linear(12, 5)

        def forward(self, x: Any) -> Any:
            return self.out(self.lstm(self.embedding(x))[0][:, -1])

    return Reader()


def transformer(lib: Any) -> Any:
    n = lib.nn

    class Translator(n.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embedding = n.Embedding(20, 16)
            self.transformer = n.Transformer(16, 4, 2, 2, 24, batch_first=True)
            self.out = n.Linear(16, 5)

        def forward(self, x: Any) -> Any:
            x = self.embedding(x)
            mask = n.Transformer.generate_square_subsequent_mask(x.shape[1])
            return self.out(self.transformer(x, x, tgt_mask=mask)[:, -1])

    return Translator()


def gpt(lib: Any) -> Any:
    """The head is the embedding: one tensor under two names."""
    n = lib.nn

    class GPT(n.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embedding = n.Embedding(20, 16)
            layer = n.TransformerEncoderLayer(16, 4, 24, activation="gelu", norm_first=True)
            self.blocks = n.TransformerEncoder(layer, 2, enable_nested_tensor=False)
            self.head = n.Linear(16, 20, bias=False)
            self.head.weight = self.embedding.weight

        def forward(self, x: Any) -> Any:
            x = self.embedding(x).transpose(0, 1)
            mask = n.Transformer.generate_square_subsequent_mask(len(x))
            return self.head(self.blocks(x, mask=mask, is_causal=True))[-1]

    return GPT()


MODELS: dict[str, tuple[Callable[[Any], Any], np.ndarray]] = {
    "MLP": (mlp, numbers(6, 8, 8)),
    "LeNet": (lenet, numbers(4, 1, 28, 28)),
    "ResNet-18": (resnet18, numbers(4, 3, 64, 64)),
    "LSTM": (lstm, tokens(6, 7)),
    "Transformer": (transformer, tokens(6, 7)),
    "GPT": (gpt, tokens(6, 7)),
}


@pytest.fixture
def ours() -> Any:
    return SimpleNamespace(nn=nn, functional=nn.functional, optim=optim, of=autograd.from_numpy)


@pytest.fixture
def theirs(torch: Any) -> Any:
    return SimpleNamespace(
        nn=torch.nn, functional=torch.nn.functional, optim=torch.optim, of=torch.from_numpy
    )


def trained(lib: Any, model: Any, values: np.ndarray) -> Any:
    """The model after some steps, so that weights, buffers and counters are nobody's defaults."""
    optimizer = lib.optim.SGD(model.parameters(), lr=0.05)
    labels = lib.of(np.arange(len(values)) % 5)
    model.train()
    for _ in range(3):
        optimizer.zero_grad()
        lib.functional.cross_entropy(model(lib.of(values)), labels).backward()
        optimizer.step()
    return model


def built(lib: Any, make: Callable[[Any], Any]) -> Any:
    with warnings.catch_warnings():  # PyTorch's, about nested tensors
        warnings.simplefilter("ignore")
        return make(lib)


def compare(ours: Any, theirs: Any, a: Any, b: Any, values: np.ndarray) -> None:
    """Equal outputs in evaluation mode: `a` here, `b` in PyTorch."""
    found = a.eval()(ours.of(values)).detach().numpy()
    expected = b.eval()(theirs.of(values)).detach().numpy()
    assert found.dtype == expected.dtype == np.float32
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("name", MODELS)
def test_from_pytorch(name: str, ours: Any, theirs: Any, torch: Any, tmp_path: Path) -> None:
    from safetensors.torch import save_file, save_model

    make, values = MODELS[name]
    source = trained(theirs, built(theirs, make), values)
    if name == "GPT":  # save_file refuses tensors that share memory
        save_model(source, tmp_path / "weights")
    else:
        save_file(source.state_dict(), tmp_path / "weights")
    model = make(ours)
    state = autograd.load(tmp_path / "weights")
    assert set(state) == set(source.state_dict()) == set(model.state_dict())
    assert model.load_state_dict(state) == ([], [])
    compare(ours, theirs, model, source, values)


@pytest.mark.parametrize("name", MODELS)
def test_from_a_checkpoint(name: str, ours: Any, theirs: Any, torch: Any, tmp_path: Path) -> None:
    """As people have them: a state dict by `torch.save`."""
    make, values = MODELS[name]
    source = trained(theirs, built(theirs, make), values)
    torch.save({"model": source.state_dict(), "epoch": 3}, tmp_path / "checkpoint.pt")
    model = make(ours)
    checkpoint = autograd.load(tmp_path / "checkpoint.pt")
    assert model.load_state_dict(checkpoint["model"]) == ([], []) and checkpoint["epoch"] == 3
    compare(ours, theirs, model, source, values)


@pytest.mark.parametrize("name", MODELS)
def test_to_pytorch(name: str, ours: Any, theirs: Any, torch: Any, tmp_path: Path) -> None:
    from safetensors.torch import load_file

    make, values = MODELS[name]
    source = trained(ours, make(ours), values)
    autograd.save(source.state_dict(), tmp_path / "weights")
    model = built(theirs, make)
    model.load_state_dict(load_file(tmp_path / "weights"))
    compare(ours, theirs, source, model, values)


def test_training_goes_on_alike(ours: Any, theirs: Any, torch: Any, tmp_path: Path) -> None:
    """What is loaded has the running statistics and counters, and trains to the same weights."""
    from safetensors.torch import save_file

    make, values = MODELS["ResNet-18"]
    source = trained(theirs, make(theirs), values)
    save_file(source.state_dict(), tmp_path / "weights")
    model = make(ours)
    model.load_state_dict(autograd.load(tmp_path / "weights"))
    trained(ours, model, values)
    trained(theirs, source, values)
    state = model.state_dict()
    for key, value in source.state_dict().items():
        np.testing.assert_allclose(state[key].numpy(), value.numpy(), 1e-3, 1e-4, err_msg=key)
    assert state["bn1.num_batches_tracked"].item() == 6


def test_tied_weights_stay_tied(ours: Any, theirs: Any, torch: Any, tmp_path: Path) -> None:
    """One tensor under two names, through either library's file into a model of the other."""
    from safetensors import safe_open
    from safetensors.torch import load_file, save_model

    source = built(theirs, gpt)
    save_model(source, tmp_path / "theirs")
    with safe_open(tmp_path / "theirs", "numpy") as file:
        assert len({"embedding.weight", "head.weight"} & set(file.keys())) == 1
    state = autograd.load(tmp_path / "theirs")
    assert state["embedding.weight"] is state["head.weight"]
    model = gpt(ours)
    model.load_state_dict(state)
    assert model.head.weight is model.embedding.weight
    assert len(list(model.parameters())) == len(list(source.parameters()))

    autograd.save(model.state_dict(), tmp_path / "ours")
    stored = load_file(tmp_path / "ours")
    assert torch.equal(stored["embedding.weight"], stored["head.weight"])
    other = built(theirs, gpt)
    other.load_state_dict(stored)
    assert other.head.weight is other.embedding.weight
    assert torch.equal(other.head.weight, source.head.weight)
