"""Initial values: the distribution that each function promises, its arguments and its errors."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.stats

import autograd
from nn import init

SHAPES = [(300, 200), (40, 60, 5), (20, 30, 5, 5)]


def seeded() -> autograd.Generator:
    return autograd.Generator().manual_seed(3)


def drawn(function: Callable[..., Any], shape: Any, **kwargs: Any) -> np.ndarray:
    tensor = autograd.empty(shape)
    assert function(tensor, generator=seeded(), **kwargs) is tensor
    return tensor.numpy().ravel()


def assert_distributed(values: np.ndarray, distribution: Any) -> None:
    """Kolmogorov-Smirnov; the seed is fixed, so this is no matter of luck from run to run."""
    assert scipy.stats.kstest(values, distribution.cdf).pvalue > 1e-3


def fans(shape: tuple[int, ...]) -> tuple[int, int]:
    field = math.prod(shape[2:])
    return shape[1] * field, shape[0] * field


def test_uniform() -> None:
    values = drawn(init.uniform_, (300, 200), a=-1.5, b=0.5)
    assert values.dtype == np.float32
    assert_distributed(values, scipy.stats.uniform(-1.5, 2.0))


def test_normal() -> None:
    assert_distributed(drawn(init.normal_, (300, 200), mean=2.0, std=0.3), scipy.stats.norm(2, 0.3))


@pytest.mark.parametrize(
    ("mean", "std", "a", "b"),
    [(0.0, 1.0, -2.0, 2.0), (0.0, 0.02, -2.0, 2.0), (1.0, 2.0, 0.5, 1.0), (0.0, 0.5, 0.6, 0.9)],
)
def test_trunc_normal(mean: float, std: float, a: float, b: float) -> None:
    values = drawn(init.trunc_normal_, (300, 200), mean=mean, std=std, a=a, b=b)
    assert values.min() >= a and values.max() <= b
    expected = scipy.stats.truncnorm((a - mean) / std, (b - mean) / std, mean, std)
    assert_distributed(values, expected)


def test_trunc_normal_far_in_the_tail() -> None:
    with pytest.warns(UserWarning, match="more than 2 std"):
        values = drawn(init.trunc_normal_, (300, 200), mean=0.0, std=1.0, a=9.0, b=10.0)
    assert_distributed(values.astype(np.float64), scipy.stats.truncnorm(9.0, 10.0))


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("gain", [1.0, 2.5])
def test_xavier(shape: tuple[int, ...], gain: float) -> None:
    std = gain * math.sqrt(2 / sum(fans(shape)))
    bound = std * math.sqrt(3)
    values = drawn(init.xavier_uniform_, shape, gain=gain)
    assert_distributed(values, scipy.stats.uniform(-bound, 2 * bound))
    assert_distributed(drawn(init.xavier_normal_, shape, gain=gain), scipy.stats.norm(0, std))


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("mode", ["fan_in", "fan_out"])
@pytest.mark.parametrize(
    ("nonlinearity", "a"), [("leaky_relu", 0.0), ("leaky_relu", 1.5), ("tanh", 0.0)]
)
def test_kaiming(shape: tuple[int, ...], mode: str, nonlinearity: str, a: float) -> None:
    fan = fans(shape)[mode == "fan_out"]
    gain = 5 / 3 if nonlinearity == "tanh" else math.sqrt(2 / (1 + a * a))
    std = gain / math.sqrt(fan)
    kwargs: Any = {"a": a, "mode": mode, "nonlinearity": nonlinearity}
    bound = std * math.sqrt(3)
    values = drawn(init.kaiming_uniform_, shape, **kwargs)
    assert_distributed(values, scipy.stats.uniform(-bound, 2 * bound))
    assert_distributed(drawn(init.kaiming_normal_, shape, **kwargs), scipy.stats.norm(0, std))


@pytest.mark.parametrize("shape", [(4, 9), (9, 4), (5, 5), (4, 3, 2, 2)], ids=str)
def test_orthogonal(shape: tuple[int, ...]) -> None:
    w = drawn(init.orthogonal_, shape, gain=1.5).reshape(shape[0], -1).astype(np.float64) / 1.5
    product = w @ w.T if w.shape[0] <= w.shape[1] else w.T @ w
    np.testing.assert_allclose(product, np.eye(len(product)), atol=1e-6)


def test_orthogonal_is_uniform() -> None:
    """A first entry of a random rotation in 3 dimensions is uniform on [-1, 1]."""
    generator = seeded()
    firsts = [
        float(init.orthogonal_(autograd.empty(3, 3), generator=generator)[0, 0]) for _ in range(500)
    ]
    assert_distributed(np.array(firsts), scipy.stats.uniform(-1, 2))


def test_sparse() -> None:
    w = init.sparse_(autograd.empty(50, 40), 0.3, std=0.5, generator=seeded()).numpy()
    np.testing.assert_array_equal((w == 0).sum(0), 15)
    assert len({tuple(np.flatnonzero(column)) for column in (w == 0).T}) > 30
    assert_distributed(w[w != 0], scipy.stats.norm(0, 0.5))


def test_constants() -> None:
    w = autograd.empty(2, 3)
    np.testing.assert_array_equal(init.constant_(w, 0.3).numpy(), np.full((2, 3), 0.3, np.float32))
    np.testing.assert_array_equal(init.ones_(w).numpy(), np.ones((2, 3)))
    np.testing.assert_array_equal(init.zeros_(w).numpy(), np.zeros((2, 3)))
    np.testing.assert_array_equal(init.eye_(w).numpy(), np.eye(2, 3))


@pytest.mark.parity
@pytest.mark.parametrize("shape", [(4, 2, 3), (2, 4, 3, 3), (6, 2, 3, 4, 5)], ids=str)
@pytest.mark.parametrize("groups", [1, 2])
def test_dirac(shape: tuple[int, ...], groups: int, torch: Any) -> None:
    expected = torch.nn.init.dirac_(torch.empty(shape), groups).numpy()
    np.testing.assert_array_equal(init.dirac_(autograd.empty(shape), groups).numpy(), expected)


@pytest.mark.parity
@pytest.mark.parametrize(
    "args",
    [
        ("linear",),
        ("conv2d",),
        ("sigmoid",),
        ("tanh",),
        ("relu",),
        ("selu",),
        ("leaky_relu",),
        ("leaky_relu", 0.2),
    ],
)
def test_calculate_gain(args: tuple[Any, ...], torch: Any) -> None:
    assert init.calculate_gain(*args) == torch.nn.init.calculate_gain(*args)


@pytest.mark.parity
def test_fans_as_pytorch_counts_them(torch: Any) -> None:
    for shape in SHAPES:
        expected = torch.nn.init._calculate_fan_in_and_fan_out(torch.empty(shape))
        assert init._calculate_fan_in_and_fan_out(autograd.empty(shape)) == expected


def test_written_outside_the_graph() -> None:
    """A leaf that requires grad may be initialised, and a value saved before is known to be old."""
    w = autograd.ones(3, requires_grad=True)
    loss = (w * w).sum()
    init.uniform_(w)
    assert w.is_leaf and w.requires_grad
    with pytest.raises(RuntimeError, match="changed in place"):
        loss.backward()


def test_seed_repeats_and_dtype_stays() -> None:
    for dtype in (autograd.float16, autograd.float32, autograd.float64):
        autograd.manual_seed(1)
        first = init.kaiming_uniform_(autograd.empty(4, 5, dtype=dtype)).numpy().copy()
        autograd.manual_seed(1)
        again = init.kaiming_uniform_(autograd.empty(4, 5, dtype=dtype))
        assert again.dtype == dtype
        np.testing.assert_array_equal(again.numpy(), first)


def test_empty_weights_are_left_alone() -> None:
    for function in (init.kaiming_uniform_, init.kaiming_normal_):
        with pytest.warns(UserWarning, match="no-op"):
            function(autograd.empty(0, 3))
    assert init.orthogonal_(autograd.empty(0, 3)).shape == (0, 3)


@pytest.mark.parametrize(
    ("call", "error", "match"),
    [
        (lambda: init.calculate_gain("swish"), ValueError, "swish"),
        (lambda: init.calculate_gain("leaky_relu", True), ValueError, "True"),
        (lambda: init.xavier_uniform_(autograd.empty(3)), ValueError, "fewer than 2 dim.*float32"),
        (lambda: init.kaiming_normal_(autograd.empty(3, 3), mode="fan"), ValueError, "fan_out"),
        (lambda: init.eye_(autograd.empty(3)), ValueError, "2 dimensions"),
        (lambda: init.sparse_(autograd.empty(3), 0.1), ValueError, "2 dimensions"),
        (lambda: init.orthogonal_(autograd.empty(3)), ValueError, "2 or more"),
        (lambda: init.dirac_(autograd.empty(3, 3)), ValueError, "3, 4, or 5"),
        (lambda: init.dirac_(autograd.empty(3, 3, 3), 2), ValueError, "divisible"),
        (lambda: init.uniform_(autograd.empty(3), 1, 0), RuntimeError, "a=1, b=0"),
        (lambda: init.normal_(autograd.empty(3), 0, -1), RuntimeError, "std"),
    ],
)
def test_errors(call: Callable[[], Any], error: type[Exception], match: str) -> None:
    with pytest.raises(error, match=match):
        call()
