"""The schedules beside PyTorch's over 50 steps, their state dicts and closed forms."""

import copy
import math
import re
import warnings

import numpy as np
import pytest

import autograd
import optim

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.parity

STEPS = 50


def case(name, *args, rule="SGD", **kwargs):
    shown = re.sub(r" at 0x\w+", "", f"{name}-{rule}-{args}-{kwargs}")  # the same in every process
    return pytest.param(name, args, kwargs, rule, id=shown[:80])


CASES = [
    case("LambdaLR", lambda e: 0.95**e),
    case("LambdaLR", [lambda e: 0.95**e, lambda e: 1 / (1 + e)]),
    case("MultiplicativeLR", lambda e: 1 - 1 / (e + 2)),
    case("StepLR", 7),
    case("StepLR", 1, gamma=0.9),
    case("MultiStepLR", [3, 10, 10, 40], gamma=0.5),
    case("ConstantLR"),
    case("ConstantLR", factor=0.5, total_iters=20),
    case("LinearLR"),
    case("LinearLR", 0.1, 0.8, 30),
    case("ExponentialLR", 0.93),
    case("PolynomialLR"),
    case("PolynomialLR", 30, 2.5),
    case("CosineAnnealingLR", 10),
    case("CosineAnnealingLR", 50, eta_min=0.01),
    case("CosineAnnealingLR", 7, 0.2),
    case("CosineAnnealingWarmRestarts", 7),
    case("CosineAnnealingWarmRestarts", 4, 2, 0.01),
    case("CyclicLR", 0.1, 1.0, 5),
    case("CyclicLR", [0.1, 0.2], [1.0, 2.0], 5, 3, base_momentum=0.5, max_momentum=[0.8, 0.95]),
    case("CyclicLR", 0.1, 1.0, 5, mode="triangular2", rule="Adam"),
    case("CyclicLR", 0.1, 1.0, 5, mode="exp_range", gamma=0.97, cycle_momentum=False),
    case("CyclicLR", 0.1, 1.0, 4, scale_fn=lambda x: 1 / x, scale_mode="cycle"),
    case("CyclicLR", 0.1, 1.0, 4, scale_fn=lambda x: math.exp(-x), scale_mode="iterations"),
    case("OneCycleLR", 1.0, STEPS + 5),
    case("OneCycleLR", [1.0, 0.5], epochs=6, steps_per_epoch=10, rule="Adam"),
    case("OneCycleLR", 1.0, 60, anneal_strategy="linear", three_phase=True, pct_start=0.25),
    case("OneCycleLR", 1.0, 60, div_factor=5.0, final_div_factor=50.0, cycle_momentum=False),
    case("SWALR", 0.05),
    case("SWALR", [0.05, 0.4], 20, "linear"),
    case("SWALR", 0.3, anneal_epochs=0),
    case("OneCycleLR", 1.0, 60, base_momentum=0.6, max_momentum=[0.8, 0.99]),
]
CLOSED = ["StepLR", "MultiStepLR", "ConstantLR", "LinearLR", "ExponentialLR", "PolynomialLR"]
CLOSED += ["CosineAnnealingLR"]


def optimizer(library, rule="SGD"):
    tensors = autograd if library is optim else torch
    groups = [
        {"params": [tensors.zeros(2, requires_grad=True)], "lr": 0.5},
        {"params": [tensors.zeros(3, requires_grad=True)]},
    ]
    return getattr(library, rule)(groups, lr=0.1)


def both(name, args, kwargs, rule="SGD"):
    module = "swa_utils" if name == "SWALR" else "lr_scheduler"
    return [
        getattr(getattr(library, module), name)(optimizer(library, rule), *args, **kwargs)
        for library in (optim, torch.optim)
    ]


def options(scheduler):
    """The numbers that a schedule may have changed, of each group."""
    found = []
    for group in scheduler.optimizer.param_groups:
        found += [group[k] for k in ("lr", "initial_lr", "momentum", "max_lr") if k in group]
        found += group.get("betas", ())
    return found + list(scheduler.get_last_lr())


def step_both(schedulers, *args):
    for scheduler in schedulers:
        scheduler.optimizer.step()
        scheduler.step(*args)


def assert_equal(schedulers):
    np.testing.assert_allclose(*map(options, schedulers), rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize(("name", "args", "kwargs", "rule"), CASES)
def test_same_rates(name, args, kwargs, rule):
    schedulers = both(name, args, kwargs, rule)
    for _ in range(STEPS):
        assert_equal(schedulers)
        step_both(schedulers)


@pytest.mark.parametrize(("name", "args", "kwargs", "rule"), CASES)
def test_state_dicts_have_the_same_keys_and_cross_over(name, args, kwargs, rule):
    schedulers = both(name, args, kwargs, rule)
    for _ in range(17):
        step_both(schedulers)
    ours, theirs = (scheduler.state_dict() for scheduler in schedulers)
    # Bookkeeping of the present call only.
    temporary = {"_is_initial", "_get_lr_called_within_step"}
    assert set(ours) - temporary == set(theirs) - temporary
    fresh = both(name, args, kwargs, rule)
    fresh[0].load_state_dict(copy.deepcopy(theirs))
    fresh[1].load_state_dict(copy.deepcopy(ours))
    for new, old in zip(fresh, schedulers, strict=True):
        for group, trained in zip(
            new.optimizer.param_groups, old.optimizer.param_groups, strict=True
        ):
            group.update({k: v for k, v in trained.items() if k != "params"})
    for _ in range(20):
        step_both(fresh)
        step_both(schedulers)
        assert_equal(fresh)
        assert_equal((fresh[0], schedulers[0]))


@pytest.mark.parametrize(
    ("name", "args", "kwargs", "rule"), [c for c in CASES if c.values[0] in CLOSED]
)
def test_same_rates_at_given_epochs(name, args, kwargs, rule):
    schedulers = both(name, args, kwargs, rule)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        for epoch in (0, 3, 10, 5, 40):
            step_both(schedulers, epoch)
            assert_equal(schedulers)
        step_both(schedulers)
        assert_equal(schedulers)


@pytest.mark.parametrize("epochs", [[0.0, 0.4, 3.9, 4.0, 11.3, 12.0, 30.5], [2, 5, 28]])
@pytest.mark.parametrize("mult", [1, 2, 3])
def test_same_restarts_at_fractions_of_epochs(epochs, mult):
    schedulers = both("CosineAnnealingWarmRestarts", (4, mult), {})
    for epoch in epochs:
        step_both(schedulers, epoch)
        assert_equal(schedulers)
    step_both(schedulers)
    assert_equal(schedulers)


@pytest.mark.parametrize("mode", ["min", "max"])
@pytest.mark.parametrize("threshold_mode", ["rel", "abs"])
@pytest.mark.parametrize(
    "kwargs",
    [
        {},
        {"factor": 0.5, "patience": 2, "cooldown": 3},
        {"factor": 0.3, "patience": 0, "min_lr": [0.05, 0.0], "threshold": 0.05},
        {"patience": 1, "eps": 0.02, "min_lr": 1e-3},
    ],
)
def test_same_plateaus(mode, threshold_mode, kwargs):
    kwargs = {"mode": mode, "threshold_mode": threshold_mode, **kwargs}
    schedulers = both("ReduceLROnPlateau", (), kwargs)
    rng = np.random.default_rng(3)
    for i in range(STEPS):
        step_both(schedulers, float(math.exp(-i / 10) + 0.1 * rng.random()))
        assert_equal(schedulers)
        ours, theirs = (scheduler.state_dict() for scheduler in schedulers)
        assert ours == theirs


def combined(library, kind):
    s = library.lr_scheduler
    o = optimizer(library)
    if kind == "sequential":
        parts = [s.LinearLR(o, 0.1, total_iters=5), s.StepLR(o, 4), s.CosineAnnealingLR(o, 9)]
        return s.SequentialLR(o, parts, [5, 20])
    if kind == "sequential without closed forms":
        parts = [s.LambdaLR(o, lambda e: 0.9**e), s.CosineAnnealingWarmRestarts(o, 4)]
        return s.SequentialLR(o, parts, [7])
    if kind == "nested":
        inner = s.SequentialLR(o, [s.ConstantLR(o), s.ExponentialLR(o, 0.9)], [3])
        with warnings.catch_warnings():  # both warn of the step that starts the inner schedule
            warnings.simplefilter("ignore", UserWarning)
            return s.SequentialLR(o, [inner, s.PolynomialLR(o, 20)], [12])
    parts = [s.LinearLR(o), s.ExponentialLR(o, 0.95), s.MultiStepLR(o, [4, 9])]
    return s.ChainedScheduler(parts, optimizer=o)


@pytest.mark.parametrize(
    "kind", ["sequential", "sequential without closed forms", "nested", "chained"]
)
def test_same_combinations(kind):
    schedulers = [combined(library, kind) for library in (optim, torch.optim)]
    for _ in range(20):
        assert_equal(schedulers)
        step_both(schedulers)
    fresh = [combined(library, kind) for library in (optim, torch.optim)]
    states = [copy.deepcopy(scheduler.state_dict()) for scheduler in schedulers]
    for new, state, old in zip(fresh, reversed(states), schedulers, strict=True):
        new.load_state_dict(state)
        for group, trained in zip(
            new.optimizer.param_groups, old.optimizer.param_groups, strict=True
        ):
            group["lr"] = trained["lr"]
    for _ in range(20):
        step_both(fresh)
        step_both(schedulers)
        assert_equal(fresh)
        assert_equal(schedulers)


def test_same_rates_when_resumed_by_last_epoch():
    for name, args in (("StepLR", (4,)), ("CosineAnnealingLR", (9,)), ("ExponentialLR", (0.9,))):
        resumed = []
        for library in (optim, torch.optim):
            o = optimizer(library)
            for group in o.param_groups:
                group["initial_lr"] = 2 * group["lr"]
            resumed.append(getattr(library.lr_scheduler, name)(o, *args, last_epoch=6))
        for _ in range(10):
            assert_equal(resumed)
            step_both(resumed)
