"""Layers and losses beside PyTorch's: text, state, output, gradients of inputs and parameters."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

import autograd
import nn

pytestmark = pytest.mark.parity
RNG = np.random.default_rng(0)


def real(*shape: int) -> np.ndarray:
    """Values away from the kinks of the activations, on both sides of them."""
    values = RNG.uniform(-4, 4, shape)
    return np.where(np.abs(values * 2 - np.round(values * 2)) < 0.05, values + 0.06, values)


def unit(*shape: int) -> np.ndarray:
    return RNG.uniform(0.05, 0.95, shape)


def classes(*shape: int, n: int = 4) -> np.ndarray:
    return RNG.integers(0, n, shape)


@dataclass
class Case:
    """A module under the same name in both libraries, made and called alike."""

    name: str
    inputs: tuple[np.ndarray, ...] = field(default_factory=lambda: (real(3, 4),))
    args: tuple[Any, ...] = ()
    kwargs: dict[str, Any] = field(default_factory=dict)
    constant: tuple[int, ...] = ()  # inputs that are not differentiated

    def __str__(self) -> str:
        shown = [repr(a) for a in self.args]
        # A function by its name: its address differs between the processes of a run.
        shown += [f"{k}={getattr(v, '__name__', np.shape(v) or v)}" for k, v in self.kwargs.items()]
        shapes = " ".join("x".join(map(str, a.shape)) or "0d" for a in self.inputs)
        return f"{self.name}({', '.join(shown)}) {shapes}"


def case(name: str, *args: Any, of: Any = None, constant: Any = (), **kwargs: Any) -> Case:
    inputs = (real(3, 4),) if of is None else of if isinstance(of, tuple) else (of,)
    return Case(name, inputs, args, kwargs, constant)


LAYERS = [
    case("Identity", 54, unused=True),
    case("Linear", 4, 5),
    case("Linear", 4, 5, bias=False),
    case("Linear", 4, 5, of=real(4)),
    case("Linear", 4, 5, of=real(2, 3, 4)),
    case("Linear", 4, 5, of=real(0, 4)),
    case("Linear", 1, 1, of=real(7, 1)),
    case("Bilinear", 3, 4, 5, of=(real(2, 3), real(2, 4))),
    case("Bilinear", 3, 4, 5, bias=False, of=(real(2, 6, 3), real(2, 6, 4))),
    case("Flatten", of=real(2, 3, 4)),
    case("Flatten", 0, 1, of=real(2, 3, 4)),
    case("Flatten", start_dim=-2, of=real(2, 3, 4)),
    case("Unflatten", 1, (2, 2)),
    case("Unflatten", -1, (2, -1)),
    case("Unflatten", 0, [3, 1]),
    case("CosineSimilarity", of=(real(3, 4), real(3, 4))),
    case("CosineSimilarity", dim=0, eps=1e-3, of=(real(3, 4), real(3, 4))),
    case("PairwiseDistance", of=(real(3, 4), real(3, 4))),
    case("PairwiseDistance", 1.0, keepdim=True, of=(real(3, 4), real(4))),
]

ACTIVATIONS = [
    *(
        case(name)
        for name in [
            "ReLU",
            "ReLU6",
            "LeakyReLU",
            "ELU",
            "CELU",
            "SELU",
            "GELU",
            "SiLU",
            "Mish",
            "Sigmoid",
            "Tanh",
            "Softplus",
            "LogSigmoid",
            "Softsign",
            "Softshrink",
            "Hardshrink",
            "Hardsigmoid",
            "Hardswish",
            "Hardtanh",
            "Tanhshrink",
            "GLU",
            "PReLU",
        ]
    ),
    case("GELU", of=real()),
    case("LeakyReLU", 0.3),
    case("ELU", alpha=0.7),
    case("CELU", alpha=0.5),
    case("GELU", approximate="tanh"),
    case("Softplus", 2.0, 3.0),
    case("Softshrink", 1.1),
    case("Hardshrink", 1.1),
    case("Hardtanh", -0.5, 2.0),
    case("Threshold", 0.1, 20.0),
    case("PReLU", 4),
    case("PReLU", 3, init=0.1, of=real(2, 3, 4)),
    case("GLU", dim=0, of=real(4, 3)),
    case("Softmax", dim=1),
    case("Softmax", dim=-2, of=real(2, 3, 4)),
    case("LogSoftmax", dim=0),
    case("LogSoftmax", -1, of=real(2, 3, 4)),
    case("Softmin", dim=1),
    case("Softmin", 0, of=real(4)),
    case("Softplus", threshold=0.5, beta=0.5),
    case("Threshold", -1.0, 0.5, of=real(2, 3, 4)),
    case("Softmax2d", of=real(2, 3, 4, 4)),
    case("Softmax2d", of=real(3, 4, 4)),
]

# As if they were layers: what they do in evaluation mode.
DROPOUTS = [
    case("Dropout"),
    case("Dropout", 0.2),
    case("Dropout1d", of=real(2, 3, 4)),
    case("Dropout2d", of=real(2, 3, 4, 4)),
    case("Dropout3d", of=real(2, 3, 2, 2, 2)),
    case("AlphaDropout", 0.3),
    case("FeatureAlphaDropout"),
    case("RReLU"),
    case("RReLU", 0.1, 0.3),
]

REDUCTIONS = ("mean", "sum", "none")
SAME = (real(3, 4), real(3, 4))
LOSSES = [
    *(
        case(name, reduction=r, of=SAME)
        for name in ("MSELoss", "L1Loss", "SmoothL1Loss", "HuberLoss")
        for r in REDUCTIONS
    ),
    case("SmoothL1Loss", beta=0.5, of=SAME),
    case("SmoothL1Loss", beta=0, of=SAME),
    case("HuberLoss", "sum", 0.5, of=SAME),
    *(case("BCELoss", reduction=r, of=(unit(3, 4), unit(3, 4))) for r in REDUCTIONS),
    case("BCELoss", unit(4), of=(unit(3, 4), unit(3, 4)), constant=(1,)),
    *(case("BCEWithLogitsLoss", reduction=r, of=(real(3, 4), unit(3, 4))) for r in REDUCTIONS),
    case("BCEWithLogitsLoss", unit(3, 1), of=(real(3, 4), unit(3, 4))),
    case("BCEWithLogitsLoss", pos_weight=unit(4) * 3, of=(real(3, 4), unit(3, 4))),
    *(
        case(name, reduction=r, of=(real(3, 4), classes(3)))
        for name in ("NLLLoss", "CrossEntropyLoss")
        for r in REDUCTIONS
    ),
    *(
        case(name, weight=unit(4), reduction=r, ignore_index=2, of=(real(6, 4), classes(6)))
        for name in ("NLLLoss", "CrossEntropyLoss")
        for r in REDUCTIONS
    ),
    *(
        case(name, of=(real(2, 4, 3, 2), classes(2, 3, 2)))
        for name in ("NLLLoss", "CrossEntropyLoss")
    ),
    case("NLLLoss", of=(real(4), classes())),
    case("CrossEntropyLoss", of=(real(4), classes())),
    *(
        case("CrossEntropyLoss", label_smoothing=0.1, reduction=r, of=(real(3, 4), classes(3)))
        for r in REDUCTIONS
    ),
    case(
        "CrossEntropyLoss",
        weight=unit(4),
        ignore_index=1,
        label_smoothing=0.3,
        of=(real(6, 4), classes(6)),
    ),
    *(case("CrossEntropyLoss", reduction=r, of=(real(3, 4), unit(3, 4))) for r in REDUCTIONS),
    case("CrossEntropyLoss", unit(4), label_smoothing=0.2, of=(real(2, 4, 3), unit(2, 4, 3))),
    *(
        case("KLDivLoss", reduction=r, of=(real(3, 4), unit(3, 4)))
        for r in ("batchmean", "sum", "none")
    ),
    case("KLDivLoss", reduction="batchmean", log_target=True, of=SAME),
]


def built(library: Any, tensor: Callable[[np.ndarray], Any], c: Case) -> Any:
    """The module in one of the libraries, in float64."""

    def own(value: Any) -> Any:
        return tensor(value) if isinstance(value, np.ndarray) else value

    kwargs = {k: own(v) for k, v in c.kwargs.items()}
    return getattr(library, c.name)(*map(own, c.args), **kwargs).double()


def both(c: Case, torch: Any) -> tuple[Any, Any]:
    """Our module and PyTorch's, with PyTorch's weights in both."""
    ours = built(nn, autograd.from_numpy, c)
    theirs = built(torch.nn, torch.from_numpy, c)
    state = {k: v.numpy().copy() for k, v in theirs.state_dict().items()}
    assert ours.load_state_dict(state) == ([], [])
    return ours, theirs


def compare_calls(c: Case, ours: Any, theirs: Any, torch: Any, rtol: float = 1e-10) -> None:
    """The same output and, for the same upstream gradient, the same gradients everywhere."""
    xs = [autograd.from_numpy(a.copy()) for a in c.inputs]
    ys = [torch.from_numpy(a.copy()) for a in c.inputs]
    for i, (x, y) in enumerate(zip(xs, ys, strict=True)):
        if y.is_floating_point() and i not in c.constant:
            x.requires_grad_()
            y.requires_grad_()
    out, expected = ours(*xs), theirs(*ys)
    assert tuple(out.shape) == tuple(expected.shape)
    close(out, expected, rtol)
    upstream = real(*expected.shape)
    out.backward(autograd.from_numpy(upstream))
    expected.backward(torch.from_numpy(upstream))
    for x, y in zip(xs, ys, strict=True):
        if y.requires_grad:
            close(x.grad, y.grad, rtol)
    for (name, p), (_, q) in zip(ours.named_parameters(), theirs.named_parameters(), strict=True):
        close(p.grad, q.grad, rtol, name)


def close(ours: Any, theirs: Any, rtol: float, what: str = "") -> None:
    a, b = ours.detach().numpy(), theirs.detach().numpy()
    assert a.dtype == b.dtype
    np.testing.assert_allclose(a, b, rtol=rtol, atol=rtol, err_msg=what)


@pytest.mark.parametrize("c", LAYERS + ACTIVATIONS + LOSSES, ids=str)
def test_output_and_gradients(c: Case, torch: Any) -> None:
    rtol = 1e-7 if c.name == "Hardsigmoid" else 1e-10  # PyTorch's 1/6 is a float32
    compare_calls(c, *both(c, torch), torch, rtol)


@pytest.mark.parametrize("c", DROPOUTS, ids=str)
def test_evaluation_mode(c: Case, torch: Any) -> None:
    ours, theirs = both(c, torch)
    compare_calls(c, ours.eval(), theirs.eval(), torch)


@pytest.mark.parametrize("c", LAYERS + ACTIVATIONS + LOSSES + DROPOUTS, ids=str)
def test_text_and_state(c: Case, torch: Any) -> None:
    ours, theirs = both(c, torch)
    assert repr(ours) == repr(theirs)
    assert list(ours.state_dict()) == list(theirs.state_dict())
    assert [n for n, _ in ours.named_buffers()] == [n for n, _ in theirs.named_buffers()]


IN_PLACE = [
    "ReLU",
    "ReLU6",
    "LeakyReLU",
    "ELU",
    "CELU",
    "SELU",
    "SiLU",
    "Mish",
    "Hardsigmoid",
    "Hardswish",
    "Hardtanh",
]


@pytest.mark.parametrize("name", [*IN_PLACE, "Threshold", "RReLU", "Dropout"])
def test_in_place(name: str, torch: Any) -> None:
    """The input of the layer is overwritten, and gradients are right nevertheless."""
    args = (0.1, 20.0) if name == "Threshold" else ()
    ours = getattr(nn, name)(*args, inplace=True).eval()
    theirs = getattr(torch.nn, name)(*args, inplace=True).eval()
    assert repr(ours) == repr(theirs)
    values = real(3, 4)
    x, y = autograd.from_numpy(values), torch.from_numpy(values.copy())
    x.requires_grad_()
    y.requires_grad_()
    before, expected_before = x * 2, y * 2
    out, expected = ours(before), theirs(expected_before)
    assert out is before
    close(before, expected_before, 1e-7)
    (out * out).sum().backward()
    (expected * expected).sum().backward()
    close(x.grad, y.grad, 1e-7)


class TestNetwork:
    """A model as users write it, with shared layers, in both libraries."""

    @staticmethod
    def network(nn_: Any) -> Any:
        shared = nn_.Linear(6, 6)
        return nn_.Sequential(
            nn_.Flatten(),
            nn_.Linear(8, 6),
            nn_.ReLU(),
            shared,
            nn_.Sequential(nn_.Tanh(), shared, nn_.Dropout(0.0), nn_.PReLU()),
            nn_.Linear(6, 3, bias=False),
        )

    def test_gradients(self, torch: Any) -> None:
        ours, theirs = self.network(nn).double(), self.network(torch.nn).double()
        assert list(ours.state_dict()) == list(theirs.state_dict())
        ours.load_state_dict({k: v.numpy().copy() for k, v in theirs.state_dict().items()})
        compare_calls(Case("network", (real(5, 2, 4),)), ours, theirs, torch)

    def test_named(self, torch: Any) -> None:
        ours, theirs = self.network(nn), self.network(torch.nn)
        for method in ("named_parameters", "named_modules", "named_children"):
            a = [name for name, _ in getattr(ours, method)()]
            assert a == [name for name, _ in getattr(theirs, method)()], method
        for method in ("named_parameters", "named_modules"):
            a = [name for name, _ in getattr(ours, method)(prefix="net", remove_duplicate=False)]
            b = [name for name, _ in getattr(theirs, method)(prefix="net", remove_duplicate=False)]
            assert a == b, method

    def test_state_crosses_over(self, torch: Any) -> None:
        """PyTorch loads our values as well."""
        ours, theirs = self.network(nn), self.network(torch.nn)
        state = {k: torch.from_numpy(v.numpy()) for k, v in ours.state_dict().items()}
        assert theirs.load_state_dict(state) == ([], [])
        x = real(5, 2, 4).astype(np.float32)
        out, expected = ours(autograd.from_numpy(x)), theirs(torch.from_numpy(x))
        np.testing.assert_allclose(
            out.detach().numpy(), expected.detach().numpy(), rtol=1e-5, atol=1e-6
        )

    @pytest.mark.parametrize("strict", [True, False])
    def test_load_errors_read_alike(self, strict: bool, torch: Any) -> None:
        """One error, in PyTorch's words, lists missing and unexpected keys and wrong shapes."""
        state = {
            "1.weight": np.zeros((6, 9), np.float32),
            "1.bias": np.zeros(5, np.float32),
            "1.scale": np.zeros(5, np.float32),
            "9.weight": np.zeros(5, np.float32),
        }
        with pytest.raises(RuntimeError) as ours:
            self.network(nn).load_state_dict(state, strict=strict)
        with pytest.raises(RuntimeError) as theirs:
            self.network(torch.nn).load_state_dict(
                {k: torch.from_numpy(v) for k, v in state.items()}, strict=strict
            )
        assert str(ours.value) == str(theirs.value).replace("torch.Size", "Size")


def test_parameter_list_and_dict(torch: Any) -> None:
    """Names, order and text of parameters held in a list and in a dict."""

    def holder(nn_: Any, ones: Any) -> Any:
        module = nn_.Module()
        module.many = nn_.ParameterList([ones(2), ones(3)])
        module.named = nn_.ParameterDict({"b": ones(2), "a": ones(1)})
        module.many.append(ones(4))
        return module

    ours, theirs = holder(nn, autograd.ones), holder(torch.nn, torch.ones)
    assert list(ours.state_dict()) == list(theirs.state_dict())


@pytest.mark.parametrize("c", [c for c in ACTIVATIONS if len(c.inputs[0].shape) == 2], ids=str)
def test_half_precision_stays(c: Case, torch: Any) -> None:
    ours, theirs = (module.half().eval() for module in both(c, torch))
    x = c.inputs[0].astype(np.float16)
    found, expected = ours(autograd.from_numpy(x)), theirs(torch.from_numpy(x))
    close(found, expected, 4e-3)


INTEGERS = {
    "adaptive_avg_pool2d": lambda f, x: f.adaptive_avg_pool2d(x, 4),
    "adaptive_avg_pool2d, even": lambda f, x: f.adaptive_avg_pool2d(x, 2),
    "avg_pool2d": lambda f, x: f.avg_pool2d(x, 3),
    "avg_pool1d": lambda f, x: f.avg_pool1d(x[0], 3),
    "lp_pool2d": lambda f, x: f.lp_pool2d(x, 2, 2),
    "local_response_norm": lambda f, x: f.local_response_norm(x, 2),
    "bilinear": lambda f, x: f.interpolate(x, scale_factor=1.5, mode="bilinear"),
    "corners": lambda f, x: f.interpolate(x, size=(4, 9), mode="bilinear", align_corners=True),
    "bicubic": lambda f, x: f.interpolate(x, size=(9, 4), mode="bicubic"),
    "area": lambda f, x: f.interpolate(x, scale_factor=1.5, mode="area"),
    "smooth_l1_loss": lambda f, x: f.smooth_l1_loss(x[0], x[1]),
    "huber_loss": lambda f, x: f.huber_loss(x[0], x[1]),
    "soft_margin_loss": lambda f, x: f.soft_margin_loss(x[0], x[1]),
}


@pytest.mark.parametrize("dtype", ["uint8", "int8", "int32", "int64", "bool"])
@pytest.mark.parametrize("name", INTEGERS)
def test_integers_are_averaged_right_or_not_at_all(name: str, dtype: str, torch: Any) -> None:
    x = RNG.integers(0, 256, (2, 3, 6, 6)).astype(dtype)
    try:
        expected = INTEGERS[name](torch.nn.functional, torch.from_numpy(x)).numpy()
    except (RuntimeError, NotImplementedError):
        with pytest.raises(NotImplementedError, match=r"not (defined|supported).*(float\(\)|xor)"):
            INTEGERS[name](nn.functional, autograd.from_numpy(x))
        return
    found = INTEGERS[name](nn.functional, autograd.from_numpy(x)).numpy()
    assert found.dtype == expected.dtype
    # PyTorch's bytes are averaged with weights of 16 bits.
    np.testing.assert_allclose(found.astype(float), expected.astype(float), 1e-5, dtype == "uint8")


@pytest.mark.parametrize(
    ("cutoffs", "kwargs"),
    [
        ([3, 7], {"div_value": 2.0}),
        ([2], {"div_value": 2.0, "head_bias": True}),
        ([1, 4, 11], {"div_value": 1.0}),
    ],
)
def test_adaptive_log_softmax(cutoffs: list[int], kwargs: Any, torch: Any) -> None:
    c = case("AdaptiveLogSoftmaxWithLoss", 8, 12, cutoffs, **kwargs)
    ours, theirs = both(c, torch)
    assert list(ours.state_dict()) == list(theirs.state_dict())
    x, targets = real(20, 8), RNG.permutation(np.arange(20) % 12)
    for row in (slice(None), 5):
        a = autograd.from_numpy(x[row].copy()).requires_grad_()
        b = torch.from_numpy(x[row].copy()).requires_grad_()
        found = ours(a, autograd.from_numpy(np.array(targets[row])))
        expected = theirs(b, torch.from_numpy(np.array(targets[row])))
        close(found.output, expected.output, 1e-12)
        close(found.loss, expected.loss, 1e-12)
        (found.loss + found.output.square().sum()).backward()
        (expected.loss + expected.output.square().sum()).backward()
        close(a.grad, b.grad, 1e-12)
    for p, q in zip(ours.parameters(), theirs.parameters(), strict=True):
        close(p.grad, q.grad, 1e-12)
    a, b = autograd.from_numpy(x), torch.from_numpy(x)
    close(ours.log_prob(a), theirs.log_prob(b), 1e-12)
    assert ours.predict(a).tolist() == theirs.predict(b).tolist()


@pytest.mark.parametrize("cutoffs", [[], [5, 3], [3, 3], [0, 4], [4, 12], [2.5]])
def test_adaptive_log_softmax_refuses(cutoffs: Any, torch: Any) -> None:
    for library in (nn, torch.nn):
        with pytest.raises(ValueError, match="cutoffs should be a sequence"):
            library.AdaptiveLogSoftmaxWithLoss(8, 12, cutoffs)
    layer = nn.AdaptiveLogSoftmaxWithLoss(8, 12, [3])
    with pytest.raises(RuntimeError, match=r"\[0, 11\], but values in range \[0, 12\]"):
        layer(autograd.ones(2, 8), autograd.tensor([0, 12]))
    with pytest.raises(RuntimeError, match=r"expected an input \[N, 8\]"):
        layer(autograd.ones(2, 7), autograd.tensor([0, 1]))
