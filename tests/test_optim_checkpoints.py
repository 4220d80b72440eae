"""State dicts, copies and pickles of optimizers: what continues from them ends the same."""

import copy
import itertools
import pickle

import numpy as np
import pytest
from optim_samples import OPTIMIZERS, give, gradients, parameter

import autograd
from optim import Adam


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


def test_two_optimizers_in_two_threads():
    from concurrent.futures import ThreadPoolExecutor

    def run(_):
        return values(trained(OPTIMIZERS[1], 20))

    with ThreadPoolExecutor(2) as pool:
        ended = list(pool.map(run, range(4)))
    for x, y in itertools.pairwise(ended):
        np.testing.assert_array_equal(x[0], y[0])
