"""Divergences beside PyTorch's and as integrals; how a pair is found."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.special
from distribution_samples import made

import autograd
from autograd import distributions
from autograd.distributions import Independent, Normal, kl, kl_divergence, register_kl

# Two of each kind, of which the second's support is the wider if they differ.
KINDS = {
    "Bernoulli": ({"probs": [0.3, 0.9]}, {"logits": [-2.0, 0.3]}),
    "Beta": (
        {"concentration1": [0.5, 2.0], "concentration0": [0.7, 3.0]},
        {"concentration1": [1.5, 3.0], "concentration0": [2.7, 1.0]},
    ),
    "Binomial": ({"total_count": 5, "probs": [0.3, 0.9]}, {"total_count": 5, "logits": [0.2, 1.0]}),
    "Categorical": ({"probs": [[0.1, 0.2, 0.7]]}, {"logits": [[0.3, -1.0, 2.0], [0.0, 1.0, 0.1]]}),
    "Cauchy": ({"loc": [0.5, -1.0], "scale": [1.0, 2.5]}, {"loc": [0.0, 1.0], "scale": 2.0}),
    "Dirichlet": (
        {"concentration": [[0.5, 2.0, 3.0], [1.5, 1.5, 4.0]]},
        {"concentration": [1.0, 0.6, 5.0]},
    ),
    "Exponential": ({"rate": [0.5, 3.0]}, {"rate": [2.0, 1.0]}),
    "Gamma": (
        {"concentration": [0.3, 1.5], "rate": [2.0, 0.5]},
        {"concentration": [2.0, 0.7], "rate": 1.5},
    ),
    "Geometric": ({"probs": [0.3, 0.9]}, {"logits": [-2.0, 0.3]}),
    "Gumbel": ({"loc": [0.5, -1.0], "scale": [1.0, 2.5]}, {"loc": [0.0, 1.0], "scale": 2.0}),
    "HalfNormal": ({"scale": [1.0, 2.5]}, {"scale": [2.0, 0.5]}),
    "Laplace": ({"loc": [0.5, -1.0], "scale": [1.0, 2.5]}, {"loc": [0.0, 1.0], "scale": 2.0}),
    "LogNormal": ({"loc": [0.5, -1.0], "scale": [1.0, 2.5]}, {"loc": [0.0, 1.0], "scale": 2.0}),
    "MultivariateNormal": (
        {"loc": [1.0, -0.5], "covariance_matrix": [[2.0, 0.6], [0.6, 1.0]]},
        {
            "loc": [[0.0, 1.0], [1.0, 1.0]],
            "scale_tril": [[[2.0, 0.0], [0.6, 1.0]], [[1.0, 0.0], [3.0, 0.5]]],
        },
    ),
    "Normal": ({"loc": [0.5, -1.0], "scale": [1.0, 2.5]}, {"loc": [0.0, 1.0], "scale": 2.0}),
    "OneHotCategorical": ({"probs": [0.1, 0.2, 0.7]}, {"logits": [[0.3, -1.0, 2.0]]}),
    "Pareto": ({"scale": [1.0, 0.5], "alpha": [2.5, 3.0]}, {"scale": [0.1, 0.15], "alpha": 1.5}),
    "Poisson": ({"rate": [0.5, 3.7]}, {"rate": [2.0, 1.0]}),
    "Uniform": ({"low": [0.1, 0.2], "high": [0.4, 0.9]}, {"low": [-1.0, 0.1], "high": 1.5}),
}
BASES = {"ExponentialFamily", "Independent", "TransformedDistribution"}


def pairs():
    return sorted(
        (p.__name__, q.__name__) for p, q in kl.REGISTERED if {p.__name__, q.__name__} <= set(KINDS)
    )


def instances(library, tensor, p, q, requires_grad=True):
    (first, a), (second, b) = (
        made(library, tensor, name, KINDS[name][i], requires_grad) for i, name in enumerate((p, q))
    )
    xs = [x for x in (*a.values(), *b.values()) if not isinstance(x, (int, float))]
    return first, second, xs


@pytest.mark.parity
@pytest.mark.parametrize(("p", "q"), pairs())
def test_values_and_gradients(p, q):
    torch = pytest.importorskip("torch")
    ours, our_q, xs = instances(distributions, autograd.tensor, p, q)
    theirs, their_q, ys = instances(torch.distributions, torch.tensor, p, q)
    value = kl_divergence(ours, our_q)
    expected = torch.distributions.kl_divergence(theirs, their_q)
    np.testing.assert_allclose(value.numpy(force=True), expected.detach().numpy(), rtol=1e-9)
    if not expected.isfinite().all():
        return
    grads = autograd.grad(value.sum(), xs, allow_unused=True)
    expected_grads = torch.autograd.grad(expected.sum(), ys, allow_unused=True)
    for grad, expected_grad in zip(grads, expected_grads, strict=True):
        if expected_grad is None:
            assert grad is None
        else:
            np.testing.assert_allclose(grad.numpy(), expected_grad.numpy(), rtol=1e-7, atol=1e-8)


@pytest.mark.parity
def test_the_table_is_complete():
    torch = pytest.importorskip("torch")
    table = torch.distributions.kl._KL_REGISTRY
    theirs = {(p.__name__, q.__name__) for p, q in table}
    known = {name for name in dir(distributions) if hasattr(torch.distributions, name)} - BASES
    assert {pair for pair in theirs if set(pair) <= known} <= set(pairs())


@pytest.mark.parametrize(
    ("p", "q"),
    [
        ("Beta", "Beta"),
        ("Beta", "Normal"),
        ("Exponential", "Gamma"),
        ("Exponential", "Gumbel"),
        ("Gamma", "Gumbel"),
        ("Gumbel", "Gumbel"),
        ("Laplace", "Normal"),
        ("Normal", "Gumbel"),
        ("Normal", "Laplace"),
        ("Pareto", "Exponential"),
        ("Pareto", "Pareto"),
        ("Uniform", "Pareto"),
        ("Uniform", "Beta"),
        ("Uniform", "Gumbel"),
        ("Uniform", "Uniform"),
    ],
)
def test_is_the_mean_of_the_definition(p, q):
    p, q, _ = instances(distributions, autograd.tensor, p, q, False)
    u = (np.arange(200_000) + 0.5)[:, None] / 200_000
    x = autograd.tensor(quantiles(p, u))
    mean = (p.log_prob(x) - q.log_prob(x)).mean(0)
    # The midpoint rule leaves out half of the last interval, where the logarithms are large.
    np.testing.assert_allclose(kl_divergence(p, q).numpy(), mean.numpy(), rtol=1e-3)


def quantiles(d, u):
    if isinstance(d, distributions.Beta):
        return scipy.special.betaincinv(d.concentration1.numpy(), d.concentration0.numpy(), u)
    if isinstance(d, distributions.Gamma):
        return scipy.special.gammaincinv(d.concentration.numpy(), u) / d.rate.numpy()
    return d.icdf(autograd.tensor(u)).numpy()


def test_infinite_where_p_has_mass_that_q_has_not():
    flip = distributions.Bernoulli(autograd.tensor([0.5, 0.0, 1.0, 1.0]))
    sure = distributions.Bernoulli(autograd.tensor([1.0, 1.0, 1.0, 0.5]))
    values = kl_divergence(flip, sure).numpy()
    np.testing.assert_allclose(values, [np.inf, np.inf, 0, np.log(2)], atol=1e-6)
    narrow, wide = distributions.Uniform(0.0, 1.0), distributions.Uniform(0.0, 2.0)
    assert kl_divergence(wide, narrow).item() == np.inf
    assert kl_divergence(narrow, wide).item() == pytest.approx(np.log(2))
    one, other = (distributions.Categorical(autograd.tensor(p)) for p in ([0.5, 0.5], [1.0, 0.0]))
    assert kl_divergence(one, other).item() == np.inf
    assert kl_divergence(other, one).item() == pytest.approx(np.log(2))
    many, few = (distributions.Binomial(n, autograd.tensor(0.5)) for n in (3, 2))
    assert kl_divergence(many, few).item() == np.inf
    with pytest.raises(NotImplementedError, match=r"q\.total_count > p\.total_count"):
        kl_divergence(few, many)


def test_independent_and_transformed():
    p, q = Normal(autograd.zeros(2, 3), 1.0), Normal(autograd.ones(2, 3), 2.0)
    whole = kl_divergence(Independent(p, 1), Independent(q, 1))
    np.testing.assert_allclose(whole.numpy(), kl_divergence(p, q).sum(-1).numpy())
    with pytest.raises(NotImplementedError, match="reinterpreted_batch_ndims"):
        kl_divergence(Independent(p, 1), Independent(q, 2))
    tanh, exp = distributions.TanhTransform(), distributions.ExpTransform()
    transformed = [distributions.TransformedDistribution(d, [exp]) for d in (p, q)]
    np.testing.assert_allclose(kl_divergence(*transformed).numpy(), kl_divergence(p, q).numpy())
    with pytest.raises(NotImplementedError, match="different transforms"):
        kl_divergence(transformed[0], distributions.TransformedDistribution(q, [tanh]))


def test_the_nearest_pair_is_found(monkeypatch):
    monkeypatch.setattr(kl, "REGISTERED", dict(kl.REGISTERED))
    kl._found.cache_clear()

    class A(Normal):
        pass

    class B(A):
        pass

    with pytest.raises(NotImplementedError, match="p type Poisson and q type A"):
        kl_divergence(distributions.Poisson(1.0), A(0.0, 1.0))
    assert kl_divergence(A(0.0, 1.0), B(0.0, 1.0)).item() == 0
    register_kl(A, Normal)(lambda p, q: "A, Normal")
    assert kl_divergence(B(0.0, 1.0), A(0.0, 1.0)) == "A, Normal"
    register_kl(Normal, A)(lambda p, q: "Normal, A")
    with pytest.warns(RuntimeWarning, match=r"Please register_kl\(A, A\)"):
        kl_divergence(A(0.0, 1.0), A(0.0, 1.0))
    register_kl(A, A)(lambda p, q: "A, A")
    assert kl_divergence(B(0.0, 1.0), A(0.0, 1.0)) == "A, A"
    with pytest.raises(TypeError, match="type_q to be a Distribution subclass"):
        register_kl(Normal, int)
    kl._found.cache_clear()


def test_vectors_of_different_lengths():
    p, q = (distributions.MultivariateNormal(autograd.zeros(n), autograd.eye(n)) for n in (2, 3))
    with pytest.raises(ValueError, match="different event shapes"):
        kl_divergence(p, q)
