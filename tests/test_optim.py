"""What every optimizer does: groups, closures, hooks, gradients, errors."""

import numpy as np
import pytest
from optim_samples import OPTIMIZERS, give, parameter

import autograd
from optim import SGD, Adadelta, Adagrad, Adam, AdamW, NAdam, Optimizer, RMSprop
from optim.optimizer import (
    register_optimizer_step_post_hook,
    register_optimizer_step_pre_hook,
    required,
)


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


def test_hooks_around_the_steps_of_every_optimizer():
    log = []
    handles = [
        register_optimizer_step_pre_hook(lambda opt, args, kwargs: log.append("every pre")),
        register_optimizer_step_post_hook(lambda opt, args, kwargs: log.append("every post")),
    ]
    optimizers = [SGD([parameter([1.0])]), Recording([parameter([1.0])])]
    optimizers[0].register_step_pre_hook(lambda opt, args, kwargs: log.append("own pre"))
    optimizers[0].register_step_post_hook(lambda opt, args, kwargs: log.append("own post"))
    for optimizer in optimizers:
        optimizer.step()
    for handle in handles:
        handle.remove()
    optimizers[1].step()
    assert log == ["every pre", "own pre", "own post", "every post", "every pre", "every post"]


def test_hooks_around_state_dicts():
    optimizer, log = SGD([parameter([1.0])], lr=0.1), []
    optimizer.register_state_dict_pre_hook(lambda opt: log.append("second"))
    optimizer.register_state_dict_pre_hook(lambda opt: log.append("first"), prepend=True)
    optimizer.register_state_dict_post_hook(lambda opt, state: state.update(extra=1))
    handle = optimizer.register_state_dict_post_hook(lambda opt, state: {**state, "more": 2})
    saved = optimizer.state_dict()
    assert log == ["first", "second"]
    assert (saved.pop("extra"), saved.pop("more")) == (1, 2)
    handle.remove()
    assert "more" not in optimizer.state_dict()

    def faster(opt, state):
        log.append(state["param_groups"][0]["lr"])
        return {**state, "param_groups": [{**state["param_groups"][0], "lr": 0.5}]}

    log.clear()
    optimizer.register_load_state_dict_pre_hook(lambda opt, state: state.pop("junk") and None)
    optimizer.register_load_state_dict_pre_hook(faster)
    optimizer.register_load_state_dict_post_hook(lambda opt: log.append(opt.param_groups[0]["lr"]))
    optimizer.load_state_dict({**saved, "junk": 3})
    assert log == [0.1, 0.5]


def test_state_of_another_shape_loads_where_the_rule_allows_it():
    p = parameter([[1.0, 2.0]])
    optimizer = Recording([p])
    optimizer.load_state_dict(
        {
            "state": {0: {"any": np.ones(5, np.float32)}},
            "param_groups": optimizer.state_dict()["param_groups"],
        }
    )
    assert optimizer.state[p]["any"].shape == (5,)
    assert optimizer.state[p]["any"].dtype == np.float64


def test_repr():
    a, b = parameter([1.0]), parameter([1.0])
    text = repr(SGD([{"params": [a]}, {"params": [b], "lr": 0.5}], lr=0.1))
    assert text.startswith("SGD (\nParameter Group 0\n    dampening: 0\n")
    assert "\n    weight_decay: 0\n\nParameter Group 1\n" in text
    assert text.endswith("    lr: 0.5\n    maximize: False\n    momentum: 0\n    nesterov: False\n"
                         "    weight_decay: 0\n)")  # fmt: skip
