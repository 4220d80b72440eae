"""Random numbers: their distributions, and streams that go on where they were interrupted."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.stats

import autograd
from autograd import Generator, Tensor

N = 4000


def generator(seed: int = 0) -> Generator:
    return Generator().manual_seed(seed)


def zeros() -> Tensor:
    return autograd.zeros(N, dtype=autograd.float64)


CONTINUOUS: dict[str, tuple[Callable[[Generator], Tensor], Any]] = {
    "rand": (lambda g: autograd.rand(N, generator=g), scipy.stats.uniform()),
    "randn": (lambda g: autograd.randn(N, generator=g), scipy.stats.norm()),
    "rand_like": (lambda g: autograd.rand_like(zeros(), generator=g), scipy.stats.uniform()),
    "normal": (
        lambda g: autograd.normal(zeros() + 1, zeros() + 2, generator=g),
        scipy.stats.norm(1, 2),
    ),
    "normal of numbers": (
        lambda g: autograd.normal(1.0, 2.0, (N,), generator=g),
        scipy.stats.norm(1, 2),
    ),
    "uniform_": (lambda g: zeros().uniform_(-1, 3, generator=g), scipy.stats.uniform(-1, 4)),
    "normal_": (lambda g: zeros().normal_(1, 2, generator=g), scipy.stats.norm(1, 2)),
    "log_normal_": (
        lambda g: zeros().log_normal_(0.5, 0.25, generator=g),
        scipy.stats.lognorm(0.25, scale=np.exp(0.5)),
    ),
    "exponential_": (
        lambda g: zeros().exponential_(2.0, generator=g),
        scipy.stats.expon(scale=0.5),
    ),
    "cauchy_": (lambda g: zeros().cauchy_(1.0, 2.0, generator=g), scipy.stats.cauchy(1, 2)),
}


@pytest.mark.parametrize("name", CONTINUOUS)
def test_continuous_distribution(name: str) -> None:
    draw, expected = CONTINUOUS[name]
    values = draw(generator()).numpy()
    assert scipy.stats.kstest(values, expected.cdf).pvalue > 1e-3
    np.testing.assert_array_equal(values, draw(generator()).numpy())


WEIGHTS = np.array([1.0, 0.0, 3.0, 4.0])

DISCRETE: dict[str, tuple[Callable[[Generator], Tensor], Any]] = {
    "randint": (lambda g: autograd.randint(2, 5, (N,), generator=g), [0, 0, 1, 1, 1]),
    "randint_like": (lambda g: autograd.randint_like(zeros(), 3, generator=g), [1, 1, 1]),
    "random_": (lambda g: zeros().random_(1, 4, generator=g), [0, 1, 1, 1]),
    "bernoulli": (lambda g: autograd.bernoulli(zeros() + 0.25, generator=g), [3, 1]),
    "bernoulli_": (lambda g: zeros().bernoulli_(0.25, generator=g), [3, 1]),
    "geometric_": (
        lambda g: zeros().geometric_(0.5, generator=g).clamp(max=6),
        [0, *(0.5**k for k in range(1, 6)), 0.5**5],
    ),
    "poisson": (
        lambda g: autograd.poisson(zeros() + 1.5, generator=g).clamp(max=6),
        [*scipy.stats.poisson(1.5).pmf(range(6)), scipy.stats.poisson(1.5).sf(5)],
    ),
    "multinomial": (
        lambda g: autograd.multinomial(
            autograd.from_numpy(WEIGHTS), N, replacement=True, generator=g
        ),
        WEIGHTS,
    ),
    "first of multinomial without replacement": (
        lambda g: autograd.multinomial(autograd.from_numpy(WEIGHTS).expand(N, 4), 2, generator=g)[
            :, 0
        ],
        WEIGHTS,
    ),
}


@pytest.mark.parametrize("name", DISCRETE)
def test_discrete_distribution(name: str) -> None:
    draw, weights = DISCRETE[name]
    values = draw(generator()).numpy()
    expected = np.array(weights, float)
    counts = np.bincount(values.astype(int), minlength=expected.size)
    assert counts.size == expected.size
    assert not counts[expected == 0].any()
    possible = expected > 0
    shares = expected[possible] / expected.sum() * values.size
    assert scipy.stats.chisquare(counts[possible], shares).pvalue > 1e-3


def test_multinomial_without_replacement_draws_each_once() -> None:
    drawn = autograd.multinomial(autograd.ones(50, 6), 6, generator=generator()).numpy()
    np.testing.assert_array_equal(np.sort(drawn, -1), np.tile(np.arange(6), (50, 1)))
    assert len({tuple(row) for row in drawn}) > 1


def test_randperm_is_a_permutation() -> None:
    values = autograd.randperm(100, generator=generator()).numpy()
    assert sorted(values) == list(range(100))
    assert not np.array_equal(values, np.arange(100))


@pytest.mark.parametrize(
    ("dtype", "low", "high"),
    [
        ("uint8", 0, 255),
        ("int8", -128, 127),
        ("bool", 0, 1),
        ("float16", 0, 2**11),
        ("int64", 0, 2**63 - 1),
    ],
)
def test_random_fills_with_all_a_dtype_can_hold(dtype: str, low: int, high: int) -> None:
    values = autograd.zeros(N, dtype=dtype).random_(generator=generator()).numpy()
    assert values.dtype == dtype
    assert int(values.min()) >= 0 and int(values.max()) <= high
    assert int(values.max()) > 0.9 * high
    if high > 1:
        edge = autograd.zeros(2, dtype=dtype).random_(high - 1, high, generator=generator())
        assert (edge.numpy() == high - 1).all()
    with pytest.raises(RuntimeError, match=dtype):
        autograd.zeros(2, dtype=dtype).random_(low, 2**65)


def test_samples_have_a_gradient_of_zero() -> None:
    p = autograd.full((3,), 0.5, requires_grad=True)
    draws = [
        autograd.bernoulli(p),
        autograd.poisson(p),
        autograd.normal(p, 1.0),
        autograd.normal(0.0, p),
        autograd.normal(p, p),
        (p * 1).uniform_(),
    ]
    for draw in draws:
        (g,) = autograd.grad(draw.sum(), p)
        np.testing.assert_array_equal(g.numpy(), np.zeros(3))


def test_filling_a_leaf_that_requires_grad_is_refused() -> None:
    w = autograd.zeros(2, requires_grad=True)
    with pytest.raises(RuntimeError, match="no_grad"):
        w.normal_()
    with autograd.no_grad():
        w.normal_()
    assert w.requires_grad


def test_filling_a_view_writes_to_the_base() -> None:
    x = autograd.zeros(2, 3)
    x[1].uniform_(1, 2)
    assert (x[0] == 0).all() and (x[1] >= 1).all()


# States --------------------------------------------------------------------------------------


def test_state_restores_the_stream_and_the_streams_split_off_it() -> None:
    g = generator(-7)
    autograd.rand(3, generator=g)
    g.rng.spawn(3)
    state = g.get_state()
    expected = autograd.rand(3, generator=g).numpy()
    children = [child.random() for child in g.rng.spawn(2)]
    for target in (g, Generator()):
        target.set_state(json.loads(json.dumps(state)))
        assert target.initial_seed() == -7
        np.testing.assert_array_equal(autograd.rand(3, generator=target).numpy(), expected)
        assert [child.random() for child in target.rng.spawn(2)] == children
        assert target.get_state()["spawned"] == 5


def test_state_can_be_saved_beside_tensors(tmp_path: Path) -> None:
    autograd.manual_seed(3)
    autograd.randn(5)
    path = tmp_path / "state.safetensors"
    autograd.save({"rng": autograd.get_rng_state(), "w": autograd.zeros(2)}, path)
    expected = autograd.randn(4).numpy()
    autograd.set_rng_state(autograd.load(path)["rng"])
    np.testing.assert_array_equal(autograd.randn(4).numpy(), expected)


@pytest.mark.parametrize("state", [{}, {"seed": 1}, 3, autograd.zeros(2)])
def test_what_is_no_state_is_refused(state: Any) -> None:
    with pytest.raises(TypeError, match="get_state"):
        generator().set_state(state)


def test_an_interrupted_run_resumes_with_the_same_shuffles() -> None:
    from nn.data import DataLoader, TensorDataset

    def passes(loader: Any, n: int) -> list[list[int]]:
        return [[int(i) for (batch,) in loader for i in batch] for _ in range(n)]

    data = TensorDataset(autograd.arange(20))
    autograd.manual_seed(0)
    expected = passes(DataLoader(data, batch_size=4, shuffle=True), 4)
    autograd.manual_seed(0)
    assert passes(DataLoader(data, batch_size=4, shuffle=True), 2) == expected[:2]
    state = autograd.get_rng_state()
    autograd.manual_seed(99)
    autograd.set_rng_state(state)
    assert passes(DataLoader(data, batch_size=4, shuffle=True), 2) == expected[2:]
    assert expected[2] != expected[3]


def test_negative_and_large_seeds() -> None:
    draws = {autograd.rand(1, generator=generator(s)).item() for s in (-1, 0, 2**63, 2**64 - 2)}
    assert len(draws) == 4
    assert Generator().manual_seed(5).initial_seed() == 5
    assert generator().seed() != generator().seed()
