"""L-BFGS: its directions, its line search, and its state beside PyTorch's."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

import autograd
from optim import LBFGS, line_search

SEARCHES = [None, "strong_wolfe"]


def rosenbrock(x):
    return (100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2).sum()


def network(w1, b1, w2, b2, x, y):
    return (((x @ w1 + b1).tanh() @ w2 + b2 - y) ** 2).mean()


def starts(problem):
    rng = np.random.default_rng(0)
    if problem == "rosenbrock":
        return [np.array([-1.2, 1.0, -0.5, 0.8])]
    return [rng.standard_normal(shape) for shape in ((3, 8), (8,), (8, 2), (2,))]


class Run:
    """A problem in one library, with the losses of every evaluation."""

    def __init__(self, library, rule, problem, dtype="float64", **options):
        self.params = [library.tensor(x.astype(dtype)).requires_grad_() for x in starts(problem)]
        rng = np.random.default_rng(1)
        self.data = [library.tensor(rng.standard_normal((20, n)).astype(dtype)) for n in (3, 2)]
        self.problem, self.losses = problem, []
        self.optimizer = rule(self.params, **options)

    def closure(self):
        self.optimizer.zero_grad()
        if self.problem == "rosenbrock":
            loss = rosenbrock(self.params[0])
        else:
            loss = network(*self.params, *self.data)
        loss.backward()
        self.losses.append(loss.item())
        return loss

    def steps(self, n):
        return [self.optimizer.step(self.closure).item() for _ in range(n)]

    def follow(self, other, torch):
        """Goes on from where `other`, in PyTorch, is."""
        for p, q in zip(self.params, other.params, strict=True):
            p.data = autograd.tensor(q.detach().numpy().copy())
        state = converted(other.optimizer.state_dict(), torch.Tensor, autograd.tensor)
        self.optimizer.load_state_dict(state)

    def values(self):
        return np.concatenate([p.detach().numpy().ravel() for p in self.params])


@pytest.mark.parametrize("problem", ["rosenbrock", "network"])
def test_reaches_the_minimum(problem):
    run = Run(autograd, LBFGS, problem, line_search_fn="strong_wolfe", max_iter=400)
    run.steps(1)
    gradient = np.concatenate([p.grad.numpy().ravel() for p in run.params])
    if problem == "rosenbrock":
        np.testing.assert_allclose(run.values(), 1, atol=1e-6)
    else:
        assert abs(gradient).max() < 1e-2
    assert run.losses[-1] < 0.5 * run.losses[0]


def test_quadratic_of_n_dimensions_takes_about_n_iterations():
    rng = np.random.default_rng(0)
    a = rng.standard_normal((6, 6))
    a = autograd.tensor(a @ a.T + np.eye(6))
    x = autograd.tensor(rng.standard_normal(6), requires_grad=True)
    optimizer = LBFGS([x], line_search_fn="strong_wolfe", max_iter=20, max_eval=100)

    def closure():
        optimizer.zero_grad()
        loss = 0.5 * x @ a @ x
        loss.backward()
        return loss

    optimizer.step(closure)
    assert closure().item() < 1e-12
    assert optimizer.state[x]["n_iter"] <= 20


@pytest.mark.parametrize("t", [1e-3, 0.1, 1.0, 10.0])
@pytest.mark.parametrize(
    ("f", "slope"),
    [
        (lambda t: (t - 1) ** 2, lambda t: 2 * (t - 1)),
        (lambda t: t**4 / 4 - t, lambda t: t**3 - 1),
        (lambda t: np.exp(t) - 3 * t, lambda t: np.exp(t) - 3),
        (lambda t: -t / (t**2 + 2), lambda t: (t**2 - 2) / (t**2 + 2) ** 2),  # Moré and Thuente
    ],
)
def test_the_strong_wolfe_conditions_hold(f, slope, t):
    def at(t):
        return line_search.Point(t, f(t), np.zeros(1), np.float64(slope(t)))

    start = at(0.0)
    end, evaluations = line_search.strong_wolfe(at, start, t, 1.0, 1e-9, 25, c2=0.1)
    assert end.f <= start.f + 1e-4 * end.t * start.slope
    assert abs(end.slope) <= 0.1 * abs(start.slope)
    assert evaluations <= 26


def test_a_search_without_a_second_evaluation_returns_what_it_has():
    run = Run(autograd, LBFGS, "rosenbrock", max_eval=1, line_search_fn="strong_wolfe")
    run.steps(1)
    assert run.optimizer.state[run.params[0]]["func_evals"] == 2


def test_refuses_groups_other_searches_and_negative_rates():
    a, b = (autograd.zeros(1, requires_grad=True) for _ in range(2))
    with pytest.raises(ValueError, match="doesn't support per-parameter options"):
        LBFGS([{"params": [a]}, {"params": [b]}])
    with pytest.raises(ValueError, match="doesn't support per-parameter options"):
        LBFGS([a]).add_param_group({"params": [b]})
    with pytest.raises(ValueError, match="Invalid learning rate"):
        LBFGS([a], lr=-1)
    with pytest.raises(RuntimeError, match="only 'strong_wolfe'"):
        Run(autograd, LBFGS, "rosenbrock", line_search_fn="armijo").steps(1)
    with pytest.raises(TypeError, match="closure"):
        LBFGS([a]).step()


def test_a_parameter_without_a_gradient_stays():
    a, b = (autograd.ones(2, requires_grad=True) for _ in range(2))
    optimizer = LBFGS([a, b])

    def closure():
        optimizer.zero_grad()
        loss = (a * a).sum()
        loss.backward()
        return loss

    with autograd.no_grad():
        optimizer.step(closure)
    assert abs(a.detach().numpy()).max() < 1e-6
    assert (b == 1).all()


@pytest.mark.parametrize("search", SEARCHES)
@pytest.mark.parametrize("copied", ["state_dict", "deepcopy", "pickle"])
def test_resumes_bit_for_bit(search, copied):
    options = {"line_search_fn": search, "lr": 1.0 if search else 1e-3, "max_iter": 3}
    whole, half = (Run(autograd, LBFGS, "network", history_size=4, **options) for _ in range(2))
    whole.steps(6)
    half.steps(3)
    if copied == "state_dict":
        resumed = Run(autograd, LBFGS, "network", history_size=4, **options)
        for new, old in zip(resumed.params, half.params, strict=True):
            new.data = old.detach().clone()
        resumed.optimizer.load_state_dict(copy.deepcopy(half.optimizer.state_dict()))
    elif copied == "deepcopy":
        resumed = copy.deepcopy(half)
    else:
        resumed = pickle.loads(pickle.dumps(half))
    half.steps(1)  # must not change what was copied
    resumed.steps(3)
    np.testing.assert_array_equal(resumed.values(), whole.values())


# Beside PyTorch ----------------------------------------------------------------------------

OPTIONS = [
    {},
    {"lr": 0.5, "max_iter": 1},
    {"max_iter": 5, "history_size": 2},
    {"max_iter": 10, "max_eval": 7},
    {"tolerance_grad": 0.5},
    {"tolerance_change": 0.1},
]
RATES = {"rosenbrock": 1e-3, "network": 0.3}


@pytest.fixture
def torch():
    return pytest.importorskip("torch")


def pair(torch, problem, search, options, dtype="float64"):
    rate = {} if search else {"lr": RATES[problem]}
    options = rate | options | {"line_search_fn": search}
    return (
        Run(autograd, LBFGS, problem, dtype, **options),
        Run(torch, torch.optim.LBFGS, problem, dtype, **options),
    )


@pytest.mark.parity
@pytest.mark.parametrize("problem", ["rosenbrock", "network"])
@pytest.mark.parametrize("search", SEARCHES)
@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_same_evaluations_step_for_step(torch, problem, search, options):
    ours, theirs = pair(torch, problem, search, options)
    for _ in range(20):
        np.testing.assert_allclose(ours.steps(1), theirs.steps(1), rtol=1e-12)
        assert len(ours.losses) == len(theirs.losses)
        np.testing.assert_allclose(ours.losses, theirs.losses, rtol=1e-8, atol=1e-14)
        np.testing.assert_allclose(ours.values(), theirs.values(), rtol=1e-7, atol=1e-8)
        # Rounding differs in the last place, and every iteration multiplies the difference by up
        # to the condition of the Hessian: the next step begins at the same place again.
        ours.follow(theirs, torch)
    mine, their_state = ours.optimizer.state_dict(), theirs.optimizer.state_dict()
    assert mine["param_groups"] == their_state["param_groups"]
    assert set(mine["state"][0]) == set(their_state["state"][0])
    for key in ("func_evals", "n_iter"):
        assert mine["state"][0][key] == their_state["state"][0][key]
    assert repr(ours.optimizer) == repr(theirs.optimizer)


@pytest.mark.parity
@pytest.mark.parametrize("search", SEARCHES)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_state_dicts_cross_over(torch, search, dtype):
    ours, theirs = pair(torch, "network", search, {"max_iter": 4}, dtype)
    ours.steps(2)
    theirs.steps(2)
    for p, q in zip(ours.params, theirs.params, strict=True):
        p.data, q.data = autograd.tensor(q.detach().numpy()), torch.tensor(p.detach().numpy())
    saved = ours.optimizer.state_dict(), theirs.optimizer.state_dict()
    ours.optimizer.load_state_dict(converted(saved[1], torch.Tensor, autograd.tensor))
    theirs.optimizer.load_state_dict(converted(saved[0], autograd.Tensor, torch.tensor))
    ours.steps(2)
    theirs.steps(2)
    tolerance = 1e-3 if dtype == "float32" else 1e-9
    np.testing.assert_allclose(ours.losses, theirs.losses, rtol=tolerance)
    assert {p.dtype.name for p in ours.params} == {dtype}


def converted(x, kind, make):
    if isinstance(x, kind):
        return make(x.detach().numpy().copy())
    if isinstance(x, dict):
        return {k: converted(v, kind, make) for k, v in x.items()}
    return [converted(v, kind, make) for v in x] if isinstance(x, list) else x
