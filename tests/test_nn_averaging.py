"""Averaged models and the statistics of their layers, beside PyTorch's."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import autograd
import nn
from optim import swa_utils


def model(library=nn):
    return library.Sequential(library.Linear(3, 4), library.BatchNorm1d(4), library.Linear(4, 1))


def test_an_average_of_two_models():
    a, b = model(), model()
    averaged = swa_utils.AveragedModel(a)
    averaged.update_parameters(a)
    averaged.update_parameters(b)
    assert averaged.n_averaged.item() == 2
    for p, q, mean in zip(a.parameters(), b.parameters(), averaged.parameters(), strict=True):
        np.testing.assert_allclose(((p + q) / 2).numpy(force=True), mean.numpy(force=True), 1e-6)


def test_the_statistics_are_the_means_over_all_batches():
    net = model()
    x = np.random.default_rng(0).standard_normal((6, 5, 3)).astype(np.float32)
    net.eval()
    swa_utils.update_bn([(autograd.tensor(batch), "label") for batch in x], net)
    hidden = [net[0](autograd.tensor(batch)).numpy(force=True) for batch in x]
    expected = np.mean([h.mean(0) for h in hidden], 0)
    np.testing.assert_allclose(net[1].running_mean.numpy(), expected, rtol=1e-5, atol=1e-6)
    expected = np.mean([h.var(0, ddof=1) for h in hidden], 0)
    np.testing.assert_allclose(net[1].running_var.numpy(), expected, rtol=1e-5)
    assert net[1].momentum == 0.1
    assert not net.training


def test_a_model_without_statistics_is_not_run():
    swa_utils.update_bn(iter(["no batch at all"]), nn.Linear(2, 2))


def test_bad_arguments():
    with pytest.raises(AssertionError, match="Only one of"):
        swa_utils.AveragedModel(model(), avg_fn=max, multi_avg_fn=max)
    for make in (swa_utils.get_ema_avg_fn, swa_utils.get_ema_multi_avg_fn):
        with pytest.raises(ValueError, match=r"Invalid decay value 1\.5"):
            make(1.5)
    with pytest.raises(AttributeError, match="no attribute 'other'"):
        swa_utils.other  # noqa: B018


def test_optim_imports_no_modules_before_they_are_used():
    code = "import optim, sys; assert 'nn' not in sys.modules; optim.swa_utils.AveragedModel"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parent.parent)


# Beside PyTorch ----------------------------------------------------------------------------

AVERAGES = {
    "mean": lambda library: {},
    "mean of lists": lambda library: {"multi_avg_fn": library.get_swa_multi_avg_fn()},
    "mean by function": lambda library: {"avg_fn": library.get_swa_avg_fn()},
    "exponential": lambda library: {"avg_fn": library.get_ema_avg_fn(0.9)},
    "exponential of lists": lambda library: {"multi_avg_fn": library.get_ema_multi_avg_fn(0.9)},
    "own": lambda library: {"avg_fn": lambda averaged, new, n: (averaged * n + new) / (n + 1)},
}


@pytest.mark.parity
@pytest.mark.parametrize("use_buffers", [False, True])
@pytest.mark.parametrize("average", AVERAGES)
def test_same_averages(average, use_buffers):
    torch = pytest.importorskip("torch")
    if use_buffers and average == "mean of lists":
        pytest.skip("PyTorch's function does not take the integer buffer of BatchNorm1d")
    ours, theirs = model(), model(torch.nn)
    ours.load_state_dict({k: autograd.tensor(v.numpy()) for k, v in theirs.state_dict().items()})
    averaged, expected = (
        library.AveragedModel(net, use_buffers=use_buffers, **AVERAGES[average](library))
        for library, net in ((swa_utils, ours), (torch.optim.swa_utils, theirs))
    )
    rng = np.random.default_rng(0)
    for _ in range(5):
        x = rng.standard_normal((6, 3)).astype(np.float32)
        ours(autograd.tensor(x))  # changes the buffers
        theirs(torch.tensor(x))
        with autograd.no_grad(), torch.no_grad():
            for p, q in zip(ours.parameters(), theirs.parameters(), strict=True):
                change = rng.standard_normal(p.shape).astype(np.float32)
                p += autograd.tensor(change)
                q += torch.tensor(change)
        averaged.update_parameters(ours)
        expected.update_parameters(theirs)
        saved, their_saved = averaged.state_dict(), expected.state_dict()
        assert list(saved) == list(their_saved)
        for key, value in saved.items():
            assert str(their_saved[key].dtype).endswith(str(value.dtype))
            np.testing.assert_allclose(
                value.numpy(), their_saved[key].numpy(), rtol=1e-5, atol=1e-6, err_msg=key
            )
    batches = rng.standard_normal((4, 6, 3)).astype(np.float32)
    swa_utils.update_bn([autograd.tensor(b) for b in batches], averaged)
    torch.optim.swa_utils.update_bn([torch.tensor(b) for b in batches], expected)
    averaged.eval()
    expected.eval()
    out, their_out = averaged(autograd.tensor(batches[0])), expected(torch.tensor(batches[0]))
    np.testing.assert_allclose(out.numpy(force=True), their_out.detach().numpy(), rtol=1e-5)
