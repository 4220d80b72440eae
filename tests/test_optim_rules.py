"""The update rules against the equations of their papers, written out in float64.

PyTorch is not needed here; test_optim_parity.py compares with it.
"""

import numpy as np
import pytest
from optim_samples import OPTIMIZERS, give, gradients, parameter

import optim
from optim import SGD, Adadelta, Adagrad, Adam, Adamax, AdamW, NAdam, RAdam, RMSprop, rules


def sgd(p, gradients, lr, momentum=0.0, dampening=0.0, weight_decay=0.0, nesterov=False):
    b = None
    for g in gradients:
        g = g + weight_decay * p
        b = g if b is None else momentum * b + (1 - dampening) * g
        p = p - lr * (g + momentum * b if nesterov else b)
    return p


def adam(
    p, gradients, lr, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0, amsgrad=False, decoupled=False
):
    m, v, largest = np.zeros_like(p), np.zeros_like(p), np.zeros_like(p)
    for t, g in enumerate(gradients, start=1):
        if decoupled:
            p = p - lr * weight_decay * p
        else:
            g = g + weight_decay * p
        m = betas[0] * m + (1 - betas[0]) * g
        v = betas[1] * v + (1 - betas[1]) * g**2
        largest = np.maximum(largest, v)
        m_hat = m / (1 - betas[0] ** t)
        v_hat = (largest if amsgrad else v) / (1 - betas[1] ** t)
        p = p - lr * m_hat / (np.sqrt(v_hat) + eps)
    return p


def adamw(p, gradients, lr, weight_decay=1e-2, **options):
    return adam(p, gradients, lr, weight_decay=weight_decay, decoupled=True, **options)


def rmsprop(p, gradients, lr, alpha=0.99, eps=1e-8, weight_decay=0, momentum=0, centered=False):
    v, m, b = np.zeros_like(p), np.zeros_like(p), np.zeros_like(p)
    for g in gradients:
        g = g + weight_decay * p
        v = alpha * v + (1 - alpha) * g**2
        m = alpha * m + (1 - alpha) * g
        b = momentum * b + g / (np.sqrt(v - m**2 if centered else v) + eps)
        p = p - lr * b
    return p


def adagrad(p, gradients, lr, lr_decay=0, weight_decay=0, initial_accumulator_value=0, eps=1e-10):
    s = np.full_like(p, initial_accumulator_value)
    for t, g in enumerate(gradients, start=1):
        g = g + weight_decay * p
        s = s + g**2
        p = p - lr / (1 + (t - 1) * lr_decay) * g / (np.sqrt(s) + eps)
    return p


def adadelta(p, gradients, lr=1.0, rho=0.9, eps=1e-6, weight_decay=0):
    v, u = np.zeros_like(p), np.zeros_like(p)
    for g in gradients:
        g = g + weight_decay * p
        v = rho * v + (1 - rho) * g**2
        d = np.sqrt((u + eps) / (v + eps)) * g
        u = rho * u + (1 - rho) * d**2
        p = p - lr * d
    return p


def adamax(p, gradients, lr, betas=(0.9, 0.999), eps=1e-8, weight_decay=0):
    m, u = np.zeros_like(p), np.zeros_like(p)
    for t, g in enumerate(gradients, start=1):
        g = g + weight_decay * p
        m = betas[0] * m + (1 - betas[0]) * g
        u = np.maximum(betas[1] * u, abs(g) + eps)
        p = p - lr * m / (1 - betas[0] ** t) / u
    return p


def nadam(p, gradients, lr, betas=(0.9, 0.999), eps=1e-8, weight_decay=0, momentum_decay=4e-3):
    m, v = np.zeros_like(p), np.zeros_like(p)
    mu = [betas[0] * (1 - 0.96 ** (t * momentum_decay) / 2) for t in range(len(gradients) + 2)]
    for t, g in enumerate(gradients, start=1):
        g = g + weight_decay * p
        m = betas[0] * m + (1 - betas[0]) * g
        v = betas[1] * v + (1 - betas[1]) * g**2
        m_hat = mu[t + 1] * m / (1 - np.prod(mu[1 : t + 2]))
        m_hat = m_hat + (1 - mu[t]) * g / (1 - np.prod(mu[1 : t + 1]))
        p = p - lr * m_hat / (np.sqrt(v / (1 - betas[1] ** t)) + eps)
    return p


def radam(p, gradients, lr, betas=(0.9, 0.999), eps=1e-8, weight_decay=0):
    m, v = np.zeros_like(p), np.zeros_like(p)
    end = 2 / (1 - betas[1]) - 1
    for t, g in enumerate(gradients, start=1):
        g = g + weight_decay * p
        m = betas[0] * m + (1 - betas[0]) * g
        v = betas[1] * v + (1 - betas[1]) * g**2
        m_hat = m / (1 - betas[0] ** t)
        rho = end - 2 * t * betas[1] ** t / (1 - betas[1] ** t)
        if rho > 5:
            r = np.sqrt((rho - 4) * (rho - 2) * end / ((end - 4) * (end - 2) * rho))
            m_hat = m_hat * r * np.sqrt(1 - betas[1] ** t) / (np.sqrt(v) + eps)
        p = p - lr * m_hat
    return p


RULES = [
    (SGD, sgd, {"lr": 0.1}),
    (SGD, sgd, {"lr": 0.1, "weight_decay": 0.3}),
    (SGD, sgd, {"lr": 0.1, "momentum": 0.9}),
    (SGD, sgd, {"lr": 0.1, "momentum": 0.9, "dampening": 0.4, "weight_decay": 0.1}),
    (SGD, sgd, {"lr": 0.1, "momentum": 0.9, "nesterov": True, "weight_decay": 0.1}),
    (Adam, adam, {"lr": 0.1}),
    (Adam, adam, {"lr": 0.1, "betas": (0.5, 0.7), "eps": 1e-3, "weight_decay": 0.2}),
    (Adam, adam, {"lr": 0.1, "betas": (0.8, 0.6), "amsgrad": True}),
    (AdamW, adamw, {"lr": 0.1}),
    (AdamW, adamw, {"lr": 0.1, "weight_decay": 0.4, "amsgrad": True}),
    (RMSprop, rmsprop, {"lr": 0.1}),
    (RMSprop, rmsprop, {"lr": 0.1, "alpha": 0.5, "eps": 0.01, "weight_decay": 0.1}),
    (RMSprop, rmsprop, {"lr": 0.1, "centered": True, "momentum": 0.7, "eps": 0.1}),
    (Adagrad, adagrad, {"lr": 0.1}),
    (Adagrad, adagrad, {"lr": 0.1, "lr_decay": 0.1, "initial_accumulator_value": 0.5}),
    (Adadelta, adadelta, {}),
    (Adadelta, adadelta, {"lr": 0.3, "rho": 0.6, "eps": 0.01, "weight_decay": 0.1}),
    (Adamax, adamax, {"lr": 0.1}),
    (Adamax, adamax, {"lr": 0.1, "betas": (0.6, 0.7), "eps": 0.1, "weight_decay": 0.1}),
    (NAdam, nadam, {"lr": 0.1, "momentum_decay": 0.5, "weight_decay": 0.1}),
    (RAdam, radam, {"lr": 0.1, "betas": (0.8, 0.9), "weight_decay": 0.1}),
]


@pytest.mark.parametrize(("rule", "paper", "options"), RULES)
@pytest.mark.parametrize("maximize", [False, True])
@pytest.mark.parametrize("shape", [(), (3, 4), (0, 2)])
def test_follows_the_equations(rule, paper, options, maximize, shape):
    start = np.random.default_rng(1).standard_normal(shape)
    p = parameter(start)
    optimizer = rule([p], maximize=maximize, **options)
    all_gradients = gradients(shape)
    for g in all_gradients:
        give(p, g)
        optimizer.step()
        np.testing.assert_array_equal(p.grad.numpy(), g)  # the step leaves the gradient alone
    expected = paper(start, -all_gradients if maximize else all_gradients, **options)
    # NAdam keeps the product of its momenta in single precision, as PyTorch does.
    rtol = 1e-6 if rule is NAdam else 1e-12
    np.testing.assert_allclose(p.detach().numpy(), expected, rtol=rtol, atol=1e-14)


@pytest.mark.parametrize("make", OPTIMIZERS)
@pytest.mark.parametrize("order", ["C", "F"])
def test_blocks_change_nothing(make, order, monkeypatch):
    """A parameter larger than a block ends as if it had been updated in one piece."""
    start, grads = gradients((37, 11), 1)[0], gradients((37, 11))
    ended = []
    for block in (1, 100, 10**6):
        monkeypatch.setattr(rules, "BLOCK", block)
        p = parameter(np.array(start, order=order))
        optimizer = make([p])
        for g in grads:
            give(p, g)
            optimizer.step()
        ended.append(p.detach().numpy())
    np.testing.assert_array_equal(ended[0], ended[2])
    np.testing.assert_array_equal(ended[1], ended[2])
    assert not np.array_equal(ended[0], start)


def test_float32_stays_float32_with_numpy_options():
    p = parameter([1.0, 2.0], np.float32)
    optimizer = Adam([p], lr=np.float64(0.1), betas=(np.float64(0.9), np.float64(0.99)))
    give(p, [0.3, 0.1])
    optimizer.step()
    assert p.dtype == np.float32
    assert {v.dtype for v in optimizer.state[p].values()} == {np.dtype(np.float32)}


def test_every_exported_rule_has_equations_here():
    tested = {rule.__name__ for rule, _, _ in RULES}
    assert tested == set(optim.__all__) - {"Optimizer", "lr_scheduler"}
