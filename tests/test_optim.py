"""The optimizers against their papers' equations, and what every optimizer does.

PyTorch is not needed here; test_optim_parity.py compares with it.
"""

import copy
import itertools
import pickle

import numpy as np
import pytest

import autograd
import optim
from optim import (
    SGD,
    Adadelta,
    Adagrad,
    Adam,
    Adamax,
    AdamW,
    NAdam,
    Optimizer,
    RAdam,
    RMSprop,
    rules,
)
from optim.optimizer import required

STEPS = 12


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
OPTIMIZERS = [
    lambda params: SGD(params, lr=0.1, momentum=0.9),
    lambda params: Adam(params, lr=0.1, amsgrad=True),
    lambda params: AdamW(params, lr=0.1),
    lambda params: RMSprop(params, lr=0.1, centered=True, momentum=0.5, eps=0.1),
    lambda params: Adagrad(params, lr=0.1),
    lambda params: Adadelta(params, lr=0.1),
    lambda params: Adamax(params, lr=0.1),
    lambda params: NAdam(params, lr=0.1),
    lambda params: RAdam(params, lr=0.1, betas=(0.9, 0.9)),
]


def parameter(values, dtype=np.float64):
    return autograd.tensor(np.asarray(values, dtype), requires_grad=True)


def give(p, g):
    p.grad = autograd.tensor(np.array(g, p.dtype))


def gradients(shape, steps=STEPS, seed=0):
    return np.random.default_rng(seed).standard_normal((steps, *shape))


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


def test_learning_rate_as_a_tensor():
    p, q = parameter([1.0]), parameter([1.0])
    for x, lr in ((p, 0.5), (q, autograd.tensor(0.5))):
        give(x, [2.0])
        SGD([x], lr=lr).step()
    assert p.item() == q.item() == 0.0


def test_groups_have_their_own_options():
    a, b, c = parameter([1.0]), parameter([1.0]), parameter([1.0])
    optimizer = SGD([{"params": a}, {"params": [b], "lr": 0.5}], lr=0.1)
    optimizer.add_param_group({"params": [c], "lr": 0.0})
    for p in (a, b, c):
        give(p, [1.0])
    optimizer.step()
    np.testing.assert_allclose([a.item(), b.item(), c.item()], [0.9, 0.5, 1.0])
    optimizer.param_groups[2]["lr"] = 2.0
    optimizer.step()
    assert c.item() == -1.0


def test_named_parameters():
    a, b = parameter([1.0]), parameter([1.0])
    optimizer = SGD([("a", a), ("b", b)])
    assert optimizer.param_groups[0]["params"] == [a, b]
    assert optimizer.state_dict()["param_groups"][0]["param_names"] == ["a", "b"]
    with pytest.raises(ValueError, match="some lack one"):
        SGD([("a", a), b])
    with pytest.raises(ValueError, match="without"):
        optimizer.add_param_group({"params": [parameter([1.0])]})


@pytest.mark.parametrize("make", OPTIMIZERS)
def test_parameters_without_a_gradient_are_left_alone(make):
    a, b = parameter([1.0]), parameter([1.0])
    optimizer = make([a, b])
    give(a, [1.0])
    optimizer.step()
    assert a.item() != 1.0
    assert b.item() == 1.0
    steps = [s.get("step") for s in optimizer.state_dict()["state"].values()]
    assert [step.item() for step in steps if step is not None] in ([], [1.0], [1.0, 0.0])


def test_zero_grad():
    p, q = parameter([1.0]), parameter([1.0])
    optimizer = SGD([p, q])
    give(p, [3.0])
    before = p.grad
    optimizer.zero_grad(set_to_none=False)
    assert p.grad.item() == 0.0
    assert before.item() == 0.0
    assert q.grad is None
    optimizer.zero_grad()
    assert p.grad is None


def test_zero_grad_drops_the_graph_of_a_gradient():
    p = parameter([1.0])
    (p * p * p).sum().backward(create_graph=True)
    assert p.grad.requires_grad
    SGD([p]).zero_grad(set_to_none=False)
    assert not p.grad.requires_grad
    assert p.grad.item() == 0.0


def test_closure_runs_with_gradients_on_and_its_loss_is_returned():
    p = parameter([3.0])
    optimizer = SGD([p], lr=0.25)

    def closure():
        optimizer.zero_grad()
        loss = (p * p).sum()
        loss.backward()
        return loss

    with autograd.no_grad():
        losses = [optimizer.step(closure).item() for _ in range(3)]
    np.testing.assert_allclose(losses, [9.0, 2.25, 0.5625])
    assert optimizer.step() is None


def test_step_is_an_in_place_change_that_backward_notices():
    p = parameter([3.0])
    loss = (p * p).sum()
    give(p, [1.0])
    SGD([p]).step()
    assert p.is_leaf
    with pytest.raises(RuntimeError, match="changed in place"):
        loss.backward()


def test_overflow_is_silent():
    p = parameter([1e30, 1.0], np.float32)
    optimizer = Adam([p], lr=1e30)
    for _ in range(2):
        give(p, [1e30, np.nan])
        optimizer.step()
    assert np.isnan(p.detach().numpy()[1])


# Checkpoints -------------------------------------------------------------------------------


def trained(make, steps, seed=0):
    a, b = parameter(gradients((3, 2), 1, 5)[0]), parameter(gradients((4,), 1, 6)[0])
    optimizer = make([{"params": [a]}, {"params": [b], "lr": 0.01}])
    train(optimizer, steps, seed)
    return optimizer


def train(optimizer, steps, seed):
    for step in range(steps):
        for group in optimizer.param_groups:
            for p in group["params"]:
                give(p, gradients(p.shape, 1, seed + step)[0])
        optimizer.step()


def values(optimizer):
    return [p.detach().numpy() for group in optimizer.param_groups for p in group["params"]]


@pytest.mark.parametrize("make", OPTIMIZERS)
def test_resumes_bit_for_bit(make):
    whole = trained(make, 8)
    half = trained(make, 5)
    saved = copy.deepcopy(half.state_dict())
    resumed = trained(make, 0)
    for new, old in zip(values(resumed), values(half), strict=True):
        new[...] = old
    resumed.load_state_dict(saved)
    train(half, 2, 99)  # what was loaded must not share memory with the source
    train(resumed, 3, 5)
    for x, y in zip(values(resumed), values(whole), strict=True):
        np.testing.assert_array_equal(x, y)
    assert resumed.state_dict()["param_groups"] == whole.state_dict()["param_groups"]


@pytest.mark.parametrize("make", OPTIMIZERS)
@pytest.mark.parametrize("copied", [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))])
def test_copies_and_pickles(make, copied):
    original = trained(make, 4)
    twin = copied(original)
    train(original, 3, 7)
    assert not np.array_equal(values(original)[0], values(twin)[0])
    train(twin, 3, 7)
    for x, y in zip(values(original), values(twin), strict=True):
        np.testing.assert_array_equal(x, y)


def test_state_dict_layout():
    state = trained(OPTIMIZERS[1], 2).state_dict()
    assert set(state) == {"state", "param_groups"}
    assert [g["params"] for g in state["param_groups"]] == [[0], [1]]
    assert [g["lr"] for g in state["param_groups"]] == [0.1, 0.01]
    assert list(state["state"][0]) == ["step", "exp_avg", "exp_avg_sq", "max_exp_avg_sq"]
    assert state["state"][1]["step"].item() == 2.0


def test_loading_restores_dtype_and_takes_arrays_and_old_step_counts():
    optimizer = trained(OPTIMIZERS[1], 3)
    state = copy.deepcopy(optimizer.state_dict())
    for entry in state["state"].values():
        entry["step"] = 3
        for key in ("exp_avg", "exp_avg_sq", "max_exp_avg_sq"):
            entry[key] = entry[key].numpy().astype(np.float32)
    other = trained(OPTIMIZERS[1], 0)
    other.load_state_dict(state)
    loaded = other.state_dict()["state"][0]
    assert loaded["exp_avg"].dtype == np.float64
    assert loaded["step"].item() == 3.0
    assert isinstance(loaded["step"], autograd.Tensor)


def test_loading_fills_options_that_the_file_does_not_have():
    optimizer = trained(OPTIMIZERS[2], 1)
    state = copy.deepcopy(optimizer.state_dict())
    for group in state["param_groups"]:
        del group["maximize"]
        group["decoupled_weight_decay"] = False  # as saved by Adam
    optimizer.load_state_dict(state)
    assert optimizer.param_groups[0]["maximize"] is False
    assert optimizer.param_groups[0]["decoupled_weight_decay"] is True


def test_loading_the_wrong_state():
    state = trained(OPTIMIZERS[1], 1).state_dict()
    with pytest.raises(ValueError, match="different number of parameter groups: 2, not 1"):
        Adam([parameter([1.0])]).load_state_dict(state)
    a, b, c = parameter([1.0]), parameter([1.0]), parameter([1.0])
    with pytest.raises(ValueError, match="match the size of optimizer's group: group 0"):
        Adam([{"params": [a, b]}, {"params": [c]}]).load_state_dict(state)
    with pytest.raises(ValueError, match=r"exp_avg has shape \(3, 2\), its parameter \(1,\)"):
        Adam([{"params": [a]}, {"params": [b]}]).load_state_dict(state)


# What is refused ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "options", "message"),
    [
        (SGD, {"lr": -1}, "Invalid learning rate: -1"),
        (SGD, {"lr": float("nan")}, "Invalid learning rate: nan"),
        (SGD, {"momentum": -0.1}, "Invalid momentum value: -0.1"),
        (SGD, {"weight_decay": -2}, "Invalid weight_decay value: -2"),
        (SGD, {"nesterov": True}, "Nesterov momentum requires a momentum and zero dampening"),
        (SGD, {"nesterov": True, "momentum": 0.9, "dampening": 0.1}, "zero dampening"),
        (Adam, {"lr": -1}, "Invalid learning rate: -1"),
        (Adam, {"eps": -1}, "Invalid epsilon value: -1"),
        (Adam, {"weight_decay": -1}, "Invalid weight_decay value: -1"),
        (Adam, {"betas": (1.0, 0.9)}, "Invalid beta parameter at index 0: 1.0"),
        (AdamW, {"betas": (0.9, -0.1)}, "Invalid beta parameter at index 1: -0.1"),
        (RMSprop, {"alpha": -1}, "Invalid alpha value: -1"),
        (Adagrad, {"lr_decay": -1}, "Invalid lr_decay value: -1"),
        (Adadelta, {"rho": 1.1}, "Invalid rho value: 1.1"),
        (NAdam, {"momentum_decay": -1}, "Invalid momentum_decay value: -1"),
    ],
)
def test_options_out_of_range(rule, options, message):
    with pytest.raises(ValueError, match=message):
        rule([parameter([1.0])], **options)
    with pytest.raises(ValueError, match=message):
        rule([{"params": [parameter([1.0])], **options}])


def test_learning_rate_tensor_of_two_elements():
    with pytest.raises(ValueError, match="1-element"):
        SGD([parameter([1.0])], lr=autograd.tensor([0.1, 0.2]))


@pytest.mark.parametrize("option", ["capturable", "differentiable"])
def test_unsupported_options(option):
    with pytest.raises(NotImplementedError, match=f"Adam: {option}=True is not supported"):
        Adam([parameter([1.0])], **{option: True})
    Adam([parameter([1.0])], foreach=True, fused=False)


def test_bad_parameters():
    p = parameter([1.0])
    with pytest.raises(ValueError, match="empty parameter list"):
        SGD([])
    with pytest.raises(TypeError, match=r"pass \[tensor\]"):
        SGD(p)
    with pytest.raises(TypeError, match="parameter 1 is a str"):
        SGD([p, "w"])
    with pytest.raises(ValueError, match="non-leaf Tensor; parameter 0 is the result of <Mul"):
        SGD([p * 2])
    with pytest.raises(TypeError, match="set"):
        SGD([{"params": {p}}])
    with pytest.raises(ValueError, match="more than one parameter group"):
        SGD([{"params": [p]}, {"params": [p]}])
    with pytest.warns(UserWarning, match="more than once"):
        SGD([p, p])
    with pytest.raises(TypeError, match="param_group must be a dict, got list"):
        SGD([p]).add_param_group([parameter([1.0])])


def test_a_retained_result_may_be_optimized():
    y = parameter([1.0]) * 2
    y.retain_grad()
    assert SGD([y]).param_groups[0]["params"] == [y]


def test_required_option():
    class Rule(Optimizer):
        def __init__(self, params):
            super().__init__(params, {"lr": required})

    with pytest.raises(ValueError, match="lacks a value for 'lr'"):
        Rule([parameter([1.0])])
    rule = Rule([{"params": [parameter([1.0])], "lr": 0.1}])
    give(rule.param_groups[0]["params"][0], [1.0])
    with pytest.raises(NotImplementedError, match="Rule defines neither step nor _update"):
        rule.step()


# Hooks and display -------------------------------------------------------------------------


class Recording(Optimizer):
    """A rule as a user writes it, with a step of its own."""

    def __init__(self, params):
        super().__init__(params, {})
        self.steps = []

    def step(self, times=1):
        self.steps.append(times)


@pytest.mark.parametrize("rule", [SGD, Recording])
def test_step_hooks_run_around_every_step(rule):
    optimizer = rule([parameter([1.0])])
    log = []
    pre = optimizer.register_step_pre_hook(lambda opt, args, kwargs: log.append("pre"))
    post = optimizer.register_step_post_hook(lambda opt, args, kwargs: log.append(opt))
    optimizer.step()
    pre.remove()
    post.remove()
    optimizer.step()
    assert log == ["pre", optimizer]


def test_a_pre_hook_may_change_the_arguments():
    optimizer = Recording([parameter([1.0])])
    handle = optimizer.register_step_pre_hook(lambda opt, args, kwargs: (args, {"times": 3}))
    optimizer.step()
    assert optimizer.steps == [3]
    handle.remove()
    optimizer.register_step_pre_hook(lambda opt, args, kwargs: 5)
    with pytest.raises(RuntimeError, match="pre hook must return None or a tuple"):
        optimizer.step()


def test_repr():
    a, b = parameter([1.0]), parameter([1.0])
    text = repr(SGD([{"params": [a]}, {"params": [b], "lr": 0.5}], lr=0.1))
    assert text.startswith("SGD (\nParameter Group 0\n    dampening: 0\n")
    assert "\n    weight_decay: 0\n\nParameter Group 1\n" in text
    assert text.endswith("    lr: 0.5\n    maximize: False\n    momentum: 0\n    nesterov: False\n"
                         "    weight_decay: 0\n)")  # fmt: skip


def test_every_exported_rule_has_equations_here():
    tested = {rule.__name__ for rule, _, _ in RULES}
    assert tested == set(optim.__all__) - {"Optimizer"}


def test_two_optimizers_in_two_threads():
    from concurrent.futures import ThreadPoolExecutor

    def run(_):
        return values(trained(OPTIMIZERS[1], 20))

    with ThreadPoolExecutor(2) as pool:
        ended = list(pool.map(run, range(4)))
    for x, y in itertools.pairwise(ended):
        np.testing.assert_array_equal(x[0], y[0])
