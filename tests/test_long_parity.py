"""Operations on long inputs, which take other ways than short ones, beside PyTorch."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import autograd
import nn

pytest.importorskip("torch")
pytestmark = pytest.mark.parity

N = 5000


def compare(torch: Any, f: Any, *arrays: np.ndarray, rtol: float = 1e-10) -> None:
    """Values (and indices) of `f(library, *tensors)`, and the gradients of floating inputs."""
    results = []
    for m in (torch, autograd):
        tensors = [m.tensor(a) for a in arrays]
        leaves = [t.requires_grad_() for t in tensors if t.is_floating_point()]
        out = f(m, *tensors)
        parts = out if isinstance(out, tuple) else (out,)
        grad = torch.autograd.grad if m is torch else autograd.grad
        found = [p.detach().numpy() for p in parts]
        weights = m.tensor(np.cos(np.arange(parts[0].numel())).reshape(tuple(parts[0].shape)))
        if parts[0].requires_grad:
            found += [g.numpy() for g in grad((parts[0] * weights).sum(), leaves)]
        results.append(found)
    for theirs, ours in zip(*results, strict=True):
        assert ours.dtype == theirs.dtype
        np.testing.assert_allclose(ours, theirs, rtol=rtol, atol=rtol)


@pytest.mark.parametrize("reduce", ["sum", "prod", "mean", "amax", "amin"])
@pytest.mark.parametrize("include_self", [True, False])
def test_scatter_reduce_with_most_in_one_place(torch: Any, reduce: str, include_self: bool) -> None:
    """A table with a row for each place and a column for each element would not fit in memory."""
    rng = np.random.default_rng(0)
    index = np.concatenate([np.arange(N), np.full(N, 7)])
    x, y = rng.uniform(0.9, 1.1, N), rng.choice([0.99, 1.0, 1.01], 2 * N)
    compare(
        torch,
        lambda m, i, x, y: x.scatter_reduce(0, i, y, reduce, include_self=include_self),
        index,
        x,
        y,
    )


def test_products_with_zeros(torch: Any) -> None:
    rng = np.random.default_rng(0)
    y = rng.uniform(0.9, 1.1, N)
    y[::1000] = 0.0
    index = rng.integers(0, 50, N)
    compare(torch, lambda m, i, x, y: x.scatter_reduce(0, i, y, "prod"), index, y[:50] + 1, y)


@pytest.mark.parametrize("shape", [(N,), (2, N), (N, 3)])
def test_running_products_and_sums(torch: Any, shape: tuple[int, ...]) -> None:
    x = np.random.default_rng(0).uniform(0.95, 1.05, shape)
    dim = int(np.argmax(shape))
    compare(torch, lambda m, x: m.cumprod(x, dim), x)
    compare(torch, lambda m, x: m.logcumsumexp(x, dim), x)


@pytest.mark.parametrize("dim", [0, 1])
@pytest.mark.parametrize("nans", [0, 3])
def test_order_statistics(torch: Any, dim: int, nans: int) -> None:
    x = np.random.default_rng(0).permutation(N).reshape(50, -1) * 1.0
    x.reshape(-1)[:: N // 7][:nans] = np.nan
    for name in ("median", "nanmedian"):
        compare(torch, lambda m, x, name=name: tuple(getattr(m, name)(x, dim)), x)
        compare(torch, lambda m, x, name=name: getattr(m, name)(x), x)
    compare(torch, lambda m, x: tuple(m.kthvalue(x, 7, dim)), x)


def test_softplus_and_relatives_at_both_ends(torch: Any) -> None:
    ends = np.array([-np.inf, -1e4, -700.0, -40.0, -1e-9, 0.0, 1e-9, 40.0, 700.0, 1e4, np.inf])
    x, y = map(np.ravel, np.meshgrid(ends, ends))
    for name in ("logaddexp", "logaddexp2"):
        pair = getattr(autograd, name)(*map(autograd.tensor, (x, y)))
        expected = getattr(np, name)(x, y)
        np.testing.assert_allclose(pair.numpy(), expected, rtol=1e-15)
    compare(torch, lambda m, x: functional(m).softplus(x, threshold=50), ends[1:-1])
    compare(torch, lambda m, x: functional(m).logsigmoid(x), ends)


def functional(m: Any) -> Any:
    return nn.functional if m is autograd else m.nn.functional
