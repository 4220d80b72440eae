"""The update rules against the equations of their papers, written out in float64.

PyTorch is not needed here; test_optim_parity.py compares with it.
"""

import numpy as np
import pytest
from optim_samples import OPTIMIZERS, give, gradients, parameter

import optim
from optim import (
    ASGD,
    SGD,
    Adadelta,
    Adafactor,
    Adagrad,
    Adam,
    Adamax,
    AdamW,
    Lion,
    Muon,
    NAdam,
    RAdam,
    RMSprop,
    Rprop,
    rules,
)


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


def rprop(p, gradients, lr, etas=(0.5, 1.2), step_sizes=(1e-6, 50)):
    s, before = np.full_like(p, lr), np.zeros_like(p)
    for g in gradients:
        same, turned = g * before > 0, g * before < 0
        s = np.where(same, np.minimum(s * etas[1], step_sizes[1]), s)
        s = np.where(turned, np.maximum(s * etas[0], step_sizes[0]), s)
        g = np.where(turned, 0, g)
        p = p - s * np.sign(g)
        before = g
    return p


def asgd(p, gradients, lr, lambd=1e-4, alpha=0.75, weight_decay=0):
    for t, g in enumerate(gradients):
        eta = lr / (1 + lambd * lr * t) ** alpha
        p = p - eta * (g + weight_decay * p + lambd * p)
    return p


def adafactor(p, gradients, lr, beta2_decay=-0.8, eps=(2.0**-52, 1e-3), d=1.0, weight_decay=0):
    if p.size == 0:
        return p

    def rms(x):
        return np.sqrt(np.mean(x**2))

    v = r = c = 0
    for t, g in enumerate(gradients, start=1):
        beta, rho = 1 - t**beta2_decay, min(lr, 1 / np.sqrt(t))
        alpha = max(eps[1], rms(p)) * rho
        p = p - lr * weight_decay * p
        if g.ndim == 2:
            r = beta * r + (1 - beta) * (g**2).mean(1, keepdims=True)
            c = beta * c + (1 - beta) * (g**2).mean(0, keepdims=True)
            v = r @ c / r.mean()
        else:
            v = beta * v + (1 - beta) * g**2
        u = g / np.sqrt(v)
        p = p - alpha * u / max(1, rms(u) / d)
    return p


def lion(p, gradients, lr, betas=(0.9, 0.99), weight_decay=0):
    m = np.zeros_like(p)
    for g in gradients:
        p = p - lr * (np.sign(betas[0] * m + (1 - betas[0]) * g) + weight_decay * p)
        m = betas[1] * m + (1 - betas[1]) * g
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
    (Rprop, rprop, {"lr": 0.1}),
    (Rprop, rprop, {"lr": 0.1, "etas": (0.3, 2.0), "step_sizes": (0.05, 0.3)}),
    (ASGD, asgd, {"lr": 0.1}),
    (ASGD, asgd, {"lr": 0.1, "lambd": 0.3, "alpha": 0.5, "weight_decay": 0.1}),
    (Adafactor, adafactor, {"lr": 0.1}),
    (Adafactor, adafactor, {"lr": 0.9, "beta2_decay": -0.5, "d": 2.0, "weight_decay": 0.1}),
    (Lion, lion, {"lr": 0.1}),
    (Lion, lion, {"lr": 0.1, "betas": (0.5, 0.7), "weight_decay": 0.1}),
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
    # NAdam keeps the product of its momenta in single precision, ASGD its rates, as PyTorch does.
    rtol = 1e-6 if rule in (NAdam, ASGD) else 1e-12
    np.testing.assert_allclose(p.detach().numpy(), expected, rtol=rtol, atol=1e-14)


@pytest.mark.parametrize("shape", [(4, 4), (3, 7), (7, 3)])
@pytest.mark.parametrize("nesterov", [False, True])
@pytest.mark.parametrize("adjust", ["original", "match_rms_adamw"])
def test_muon_follows_its_equations_on_singular_values(shape, nesterov, adjust):
    start, grads = np.random.default_rng(1).standard_normal(shape), gradients(shape)
    p = parameter(start)
    optimizer = Muon([p], lr=0.1, nesterov=nesterov, adjust_lr_fn=adjust)
    factor = np.sqrt(max(1, shape[0] / shape[1]))
    if adjust == "match_rms_adamw":
        factor = 0.2 * np.sqrt(max(shape))
    expected, b = start, np.zeros(shape)
    for g in grads:
        give(p, g)
        optimizer.step()
        b = 0.95 * b + 0.05 * g
        u, s, v = np.linalg.svd(0.95 * b + 0.05 * g if nesterov else b, full_matrices=False)
        s = s / np.linalg.norm(s)
        for _ in range(5):
            s = 3.4445 * s - 4.775 * s**3 + 2.0315 * s**5
        expected = expected - 0.1 * (0.1 * expected + factor * (u * s) @ v)
    np.testing.assert_allclose(p.detach().numpy(), expected, rtol=1e-9, atol=1e-12)


def test_muon_refuses_what_it_cannot_iterate():
    p = parameter([[1.0]])
    give(p, [[1.0]])
    with pytest.raises(ValueError, match="less than 100"):
        Muon([p], ns_steps=100).step()
    with pytest.raises(ValueError, match="exactly 3"):
        Muon([p], ns_coefficients=(1.0, 2.0)).step()


def test_asgd_averages_after_t0():
    p = parameter([1.0, 2.0])
    optimizer = ASGD([p], lr=0.1, t0=3)
    seen = []
    for g in gradients((2,)):
        give(p, g)
        optimizer.step()
        seen.append(p.detach().numpy().copy())
    # The average begins as the parameters of step t0 + 2.
    expected = np.mean(seen[4:], axis=0)
    np.testing.assert_allclose(optimizer.state[p]["ax"].numpy(), expected, rtol=1e-6)


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
    tested = {rule.__name__ for rule, _, _ in RULES} | {"Muon", "LBFGS"}  # LBFGS: a file of its own
    assert tested == set(optim.__all__) - {"Optimizer", "lr_scheduler", "swa_utils"}
