"""The schedules against their formulas, and what every schedule does. PyTorch is not needed."""

import copy
import math
import pickle

import numpy as np
import pytest

import autograd
from optim import SGD, Adam, lr_scheduler as schedules

EPOCHS = 24


def optimizer(rule=SGD, rates=(0.5, 0.1), **options):
    groups = [{"params": [autograd.zeros(2)], "lr": rate} for rate in rates]
    return rule(groups, **options)


def run(scheduler, epochs=EPOCHS):
    """The first group's rate in each epoch."""
    rates = []
    for _ in range(epochs):
        scheduler.optimizer.step()
        rates.append(scheduler.optimizer.param_groups[0]["lr"])
        scheduler.step()
    return rates


def step(e):
    return 0.3 ** (e // 4)


def cosine(e):
    return (1 + math.cos(math.pi * e / 10)) / 2


def restarts(e):
    start = 0 if e < 3 else 3 if e < 9 else 9 if e < 21 else 21
    length = 3 if e < 3 else 6 if e < 9 else 12 if e < 21 else 24
    return (1 + math.cos(math.pi * (e - start) / length)) / 2


def triangle(e):
    return 0.4 + 1.6 * (e % 7 / 3 if e % 7 <= 3 else (7 - e % 7) / 4)


FORMULAS = [
    (lambda o: schedules.LambdaLR(o, [lambda e: 0.9**e, lambda e: 1.0]), lambda e: 0.9**e),
    (
        lambda o: schedules.MultiplicativeLR(o, lambda e: 0.5 if e == 3 else 1.0),
        lambda e: 0.5 if e >= 3 else 1.0,
    ),
    (lambda o: schedules.StepLR(o, 4, gamma=0.3), step),
    (
        lambda o: schedules.MultiStepLR(o, [9, 3, 3], gamma=0.5),
        lambda e: 1.0 if e < 3 else 0.25 if e < 9 else 0.125,
    ),
    (lambda o: schedules.ConstantLR(o, 0.2, 7), lambda e: 0.2 if e < 7 else 1.0),
    (lambda o: schedules.LinearLR(o, 0.2, 0.9, 7), lambda e: 0.2 + 0.7 * min(e, 7) / 7),
    (lambda o: schedules.ExponentialLR(o, 0.8), lambda e: 0.8**e),
    (lambda o: schedules.PolynomialLR(o, 30, 2.0), lambda e: (1 - e / 30) ** 2),
    (lambda o: schedules.CosineAnnealingLR(o, 10), cosine),
    (lambda o: schedules.CosineAnnealingWarmRestarts(o, 3, 2), restarts),
    (
        lambda o: schedules.CyclicLR(o, 0.2, 1.0, 3, 4, cycle_momentum=False),
        triangle,
    ),
    (
        lambda o: schedules.SequentialLR(
            o, [schedules.ConstantLR(o, 0.1, 99), schedules.ExponentialLR(o, 0.9)], [5]
        ),
        lambda e: 0.1 if e < 5 else 0.9 ** (e - 5),
    ),
    (
        lambda o: schedules.ChainedScheduler(
            [schedules.StepLR(o, 4, gamma=0.3), schedules.ExponentialLR(o, 0.8)]
        ),
        lambda e: step(e) * 0.8**e,
    ),
]


@pytest.mark.parametrize(("make", "formula"), FORMULAS)
def test_follows_its_formula(make, formula):
    scheduler = make(optimizer())
    rates = run(scheduler)
    np.testing.assert_allclose(rates, [0.5 * formula(e) for e in range(EPOCHS)], atol=1e-15)
    assert scheduler.get_last_lr() == [g["lr"] for g in scheduler.optimizer.param_groups]


@pytest.mark.parametrize(("make", "formula"), FORMULAS)
@pytest.mark.parametrize("copied", [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))])
def test_resumes_from_its_state_dict(make, formula, copied):
    whole = make(optimizer())
    run(whole, 9)
    other = make(optimizer())
    other.optimizer.load_state_dict(copied(whole.optimizer.state_dict()))
    other.load_state_dict(copied(whole.state_dict()))
    assert run(other, 10) == run(whole, 10)


def test_all_groups_follow():
    scheduler = schedules.ExponentialLR(optimizer(), 0.5)
    run(scheduler, 3)
    assert scheduler.get_last_lr() == [0.0625, 0.0125]
    assert scheduler.base_lrs == [0.5, 0.1]


@pytest.mark.parametrize("rule", [SGD, Adam])
def test_one_cycle(rule):
    """Up in the first 30 of 100 steps, then down; the momentum goes the other way."""
    optim = optimizer(rule)
    scheduler = schedules.OneCycleLR(optim, [1.0, 2.0], total_steps=100)
    group = optim.param_groups[0]
    rates, momenta = [], []
    for _ in range(100):
        optim.step()
        rates.append(group["lr"])
        momenta.append(group["betas"][0] if rule is Adam else group["momentum"])
        scheduler.step()
    assert int(np.argmax(rates)) == int(np.argmin(momenta)) == 29
    np.testing.assert_allclose([rates[0], max(rates), rates[-1]], [1 / 25, 1.0, 1 / 25e4])
    np.testing.assert_allclose([momenta[0], min(momenta), momenta[-1]], [0.95, 0.85, 0.95])
    if rule is Adam:
        assert group["betas"][1] == 0.999
    with pytest.raises(ValueError, match="Tried to step 101 times"):
        scheduler.step()


@pytest.mark.parametrize("mode", ["triangular2", "exp_range"])
def test_cycles_get_lower(mode):
    scheduler = schedules.CyclicLR(
        optimizer(), 0.0, 1.0, 2, mode=mode, gamma=0.9, cycle_momentum=False
    )
    peaks = run(scheduler, 12)[2::4]
    expected = [0.9**2, 0.9**6, 0.9**10] if mode == "exp_range" else [1.0, 0.5, 0.25]
    np.testing.assert_allclose(peaks, expected)


def test_a_cycle_of_ones_own():
    class Height:
        factor = 1.0

        def __call__(self, x):
            return self.factor * x

    height = Height()
    scheduler = schedules.CyclicLR(optimizer(), 0.0, 1.0, 2, scale_fn=height, cycle_momentum=False)
    height.factor = 0.5
    assert run(scheduler, 12)[2::4] == [0.5, 1.0, 1.5]
    other = schedules.CyclicLR(optimizer(), 0.0, 1.0, 2, scale_fn=Height(), cycle_momentum=False)
    other.load_state_dict(scheduler.state_dict())
    assert other.scale_fn(3) == 1.5
    assert other.last_epoch == 12


def test_saved_lambdas():
    class Decay:
        def __init__(self, factor):
            self.factor = factor

        def __call__(self, epoch):
            return self.factor**epoch

    scheduler = schedules.LambdaLR(optimizer(), [Decay(0.5), lambda e: 1.0])
    state = scheduler.state_dict()
    assert state["lr_lambdas"] == [{"factor": 0.5}, None]
    other = schedules.LambdaLR(optimizer(), [Decay(0.1), lambda e: 1.0])
    other.load_state_dict(state)
    assert other.lr_lambdas[0].factor == 0.5


def test_plateau():
    optim = optimizer()
    scheduler = schedules.ReduceLROnPlateau(
        optim, factor=0.5, patience=2, cooldown=1, min_lr=[0.2, 0.0]
    )
    metrics = [5.0, 4.0, 4.1, 4.2, 4.0, 4.0, 4.0, 4.0, 4.0, 3.0, 3.0]
    rates = []
    for metric in metrics:
        scheduler.step(autograd.tensor(metric))
        rates.append(scheduler.get_last_lr())
    first = [0.5] * 4 + [0.25] * 4 + [0.2] * 3
    second = [0.1] * 4 + [0.05] * 4 + [0.025] * 3
    np.testing.assert_allclose(rates, list(zip(first, second, strict=True)))
    assert scheduler.best == 3.0


@pytest.mark.parametrize("mode", ["min", "max"])
@pytest.mark.parametrize("threshold_mode", ["rel", "abs"])
def test_what_counts_as_better(mode, threshold_mode):
    scheduler = schedules.ReduceLROnPlateau(
        optimizer(), mode=mode, threshold=0.1, threshold_mode=threshold_mode
    )
    scheduler.step(10.0)
    sign = -1 if mode == "min" else 1
    enough = 1.0 if threshold_mode == "rel" else 0.1
    scheduler.step(10.0 + sign * enough * 0.99)
    assert (scheduler.best, scheduler.num_bad_epochs) == (10.0, 1)
    scheduler.step(10.0 + sign * enough * 1.01)
    assert (scheduler.best, scheduler.num_bad_epochs) == (10.0 + sign * enough * 1.01, 0)


def test_plateau_with_a_group_added_later():
    optim = optimizer()
    scheduler = schedules.ReduceLROnPlateau(optim, patience=0)
    listed = schedules.ReduceLROnPlateau(optim, patience=0, min_lr=[0.0, 0.0])
    optim.add_param_group({"params": [autograd.zeros(2)], "lr": 1.0})
    for _ in range(2):
        scheduler.step(1.0)
    np.testing.assert_allclose(scheduler.get_last_lr(), [0.05, 0.01, 0.1])
    listed.step(1.0)
    with pytest.raises(RuntimeError, match="`min_lrs`"):
        listed.step(1.0)


def test_rate_as_a_tensor_stays_that_tensor():
    rate = autograd.tensor(0.5, dtype=autograd.float64)
    optim = SGD([autograd.zeros(2)], lr=rate)
    scheduler = schedules.ExponentialLR(optim, 0.5)
    run(scheduler, 2)
    assert optim.param_groups[0]["lr"] is rate
    assert rate.item() == scheduler.get_last_lr()[0] == 0.125


def test_going_to_an_epoch_uses_the_closed_form():
    for make, formula in FORMULAS[2:9]:
        scheduler = make(optimizer())
        scheduler.optimizer.step()
        with pytest.warns(UserWarning, match="epoch parameter"):
            scheduler.step(6)
        np.testing.assert_allclose(scheduler.get_last_lr()[0], 0.5 * formula(6))


def test_going_to_a_fraction_of_an_epoch():
    for mult in (1, 2):
        scheduler = schedules.CosineAnnealingWarmRestarts(optimizer(), 3, mult)
        scheduler.step(4.5)
        length = 3 * mult
        expected = 0.5 * (1 + math.cos(math.pi * 1.5 / length)) / 2
        np.testing.assert_allclose(scheduler.get_last_lr()[0], expected)
        scheduler.step(1.5)
        np.testing.assert_allclose(scheduler.get_last_lr()[0], 0.25)
    with pytest.raises(ValueError, match="non-negative epoch"):
        scheduler.step(-1)


def test_the_wrong_order_of_steps():
    optim = optimizer()
    scheduler = schedules.ExponentialLR(optim, 0.5)
    with pytest.warns(UserWarning, match="before `optimizer.step"):
        scheduler.step()


def test_resuming_by_last_epoch():
    optim = optimizer()
    with pytest.raises(KeyError, match="initial_lr"):
        schedules.StepLR(optim, 4, last_epoch=3)
    whole = schedules.StepLR(optim, 4, gamma=0.3)
    run(whole, 6)
    resumed = schedules.StepLR(optim, 4, gamma=0.3, last_epoch=whole.last_epoch - 1)
    assert resumed.get_last_lr() == whole.get_last_lr()
    assert resumed.last_epoch == whole.last_epoch


def test_a_schedule_of_ones_own():
    class Halving(schedules.LRScheduler):
        def get_lr(self):
            assert self._get_lr_called_within_step
            return [group["lr"] / 2 for group in self.optimizer.param_groups]

    assert run(Halving(optimizer()), 2) == [0.25, 0.125]
    with pytest.raises(NotImplementedError, match="LRScheduler does not define get_lr"):
        schedules.LRScheduler(optimizer())


@pytest.mark.parametrize(
    ("make", "kind", "message"),
    [
        (lambda o: schedules.StepLR("adam", 3), TypeError, "str is not an Optimizer"),
        (lambda o: schedules.ReduceLROnPlateau(3), TypeError, "int is not an Optimizer"),
        (lambda o: schedules.ReduceLROnPlateau(o, "up"), ValueError, "mode up is unknown"),
        (lambda o: schedules.ReduceLROnPlateau(o, factor=1.0), ValueError, "Factor should be < 1"),
        (
            lambda o: schedules.ReduceLROnPlateau(o, threshold_mode="x"),
            ValueError,
            "threshold mode x is unknown",
        ),
        (lambda o: schedules.ReduceLROnPlateau(o, min_lr=[0]), ValueError, "expected 2 min_lrs"),
        (lambda o: schedules.LambdaLR(o, [abs]), ValueError, "Expected 2 lr_lambdas, but got 1"),
        (lambda o: schedules.MultiplicativeLR(o, 0.5), TypeError, "should be a function"),
        (lambda o: schedules.ConstantLR(o, 1.5), ValueError, "between 0 and 1"),
        (lambda o: schedules.LinearLR(o, 0.0), ValueError, "greater than 0"),
        (lambda o: schedules.LinearLR(o, 0.5, 1.1), ValueError, "between 0 and 1"),
        (lambda o: schedules.CosineAnnealingWarmRestarts(o, 0), ValueError, "positive integer T_0"),
        (lambda o: schedules.CosineAnnealingWarmRestarts(o, 2, 0.5), ValueError, "T_mult >= 1"),
        (lambda o: schedules.CosineAnnealingWarmRestarts(o, 2, eta_min="0"), ValueError, "eta_min"),
        (lambda o: schedules.CyclicLR(o, [0.1], 1.0), ValueError, "base_lr has 1 values"),
        (lambda o: schedules.CyclicLR(o, 0.1, 1.0, mode="x"), ValueError, "mode is invalid"),
        (lambda o: schedules.OneCycleLR(o, 1.0), ValueError, "either total_steps OR"),
        (lambda o: schedules.OneCycleLR(o, 1.0, 0), ValueError, "positive integer total_steps"),
        (
            lambda o: schedules.OneCycleLR(o, 1.0, epochs=2, steps_per_epoch=0.5),
            ValueError,
            "positive integer steps_per_epoch",
        ),
        (lambda o: schedules.OneCycleLR(o, 1.0, 9, pct_start=2), ValueError, "pct_start"),
        (lambda o: schedules.OneCycleLR(o, 1.0, 9, anneal_strategy="x"), ValueError, "'linear'"),
        (lambda o: schedules.SequentialLR(o, [], []), ValueError, "at least one scheduler"),
        (
            lambda o: schedules.SequentialLR(o, [schedules.StepLR(o, 1)], [3]),
            ValueError,
            "one more than the number of milestone points",
        ),
        (
            lambda o: schedules.ChainedScheduler([schedules.ReduceLROnPlateau(o)]),
            ValueError,
            "needs a metric",
        ),
        (lambda o: schedules.ChainedScheduler(["step"]), TypeError, "`optimizer` as its attribute"),
        (
            lambda o: schedules.SequentialLR(optimizer(), [schedules.StepLR(o, 1)], []),
            ValueError,
            "belongs to another",
        ),
    ],
)  # fmt: skip
def test_what_is_refused(make, kind, message):
    with pytest.raises(kind, match=message):
        make(optimizer())


def test_cycling_momentum_needs_momentum():
    from optim import Adagrad

    with pytest.raises(ValueError, match="must support momentum or beta1"):
        schedules.OneCycleLR(optimizer(Adagrad), 1.0, 10)
