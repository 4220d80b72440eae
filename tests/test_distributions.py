"""Distributions beside SciPy's, their samples and the gradients of samples; checks and shapes."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
import scipy.special
import scipy.stats
from distribution_samples import IDS, SAMPLES, made

import autograd
from autograd import distributions
from autograd.distributions import (
    Bernoulli,
    Categorical,
    Distribution,
    Independent,
    MultivariateNormal,
    Normal,
    Uniform,
    constraints,
    reparameterization,
    utils,
)

SCIPY = [
    (Normal(1.0, 2.0), scipy.stats.norm(1, 2)),
    (Uniform(1.0, 4.0), scipy.stats.uniform(1, 3)),
    (distributions.Laplace(1.0, 2.0), scipy.stats.laplace(1, 2)),
    (distributions.Cauchy(1.0, 2.0), scipy.stats.cauchy(1, 2)),
    (distributions.Gumbel(1.0, 2.0), scipy.stats.gumbel_r(1, 2)),
    (distributions.StudentT(5.0, 1.0, 2.0), scipy.stats.t(5, 1, 2)),
    (distributions.Exponential(2.0), scipy.stats.expon(scale=0.5)),
    (distributions.Gamma(2.5, 2.0), scipy.stats.gamma(2.5, scale=0.5)),
    (distributions.Gamma(0.2, 1.0), scipy.stats.gamma(0.2)),
    (distributions.Chi2(3.0), scipy.stats.chi2(3)),
    (distributions.Beta(0.5, 2.0), scipy.stats.beta(0.5, 2)),
    (distributions.LogNormal(0.5, 0.7), scipy.stats.lognorm(0.7, scale=np.exp(0.5))),
    (distributions.HalfNormal(2.0), scipy.stats.halfnorm(scale=2)),
    (distributions.Pareto(2.0, 3.0), scipy.stats.pareto(3, scale=2)),
    (distributions.Weibull(2.0, 1.5), scipy.stats.weibull_min(1.5, scale=2)),
    (distributions.InverseGamma(3.0, 2.0), scipy.stats.invgamma(3, scale=2)),
    (distributions.HalfCauchy(2.0), scipy.stats.halfcauchy(scale=2)),
]
DISCRETE = [
    (Bernoulli(0.3), scipy.stats.bernoulli(0.3)),
    (distributions.Poisson(3.7), scipy.stats.poisson(3.7)),
    (distributions.Binomial(5, 0.3), scipy.stats.binom(5, 0.3)),
    (distributions.NegativeBinomial(3, autograd.tensor(0.4)), scipy.stats.nbinom(3, 0.6)),
    (distributions.Geometric(0.3), scipy.stats.geom(0.3, loc=-1)),
    (Categorical(autograd.tensor([0.2, 0.3, 0.5])), scipy.stats.rv_discrete(
        values=([0, 1, 2], [0.2, 0.3, 0.5]))),
]  # fmt: skip


def names(pairs):
    return [type(d).__name__ for d, _ in pairs]


@pytest.fixture(autouse=True)
def seed():
    autograd.manual_seed(0)


# Beside SciPy -------------------------------------------------------------------------------


@pytest.mark.parametrize(("ours", "theirs"), SCIPY, ids=names(SCIPY))
def test_continuous(ours, theirs):
    u = np.linspace(0.01, 0.99, 9)
    x = theirs.ppf(u)
    value = autograd.tensor(x.astype(np.float32))
    np.testing.assert_allclose(ours.log_prob(value).numpy(), theirs.logpdf(x), rtol=2e-4, atol=1e-5)
    np.testing.assert_allclose(ours.entropy().item(), theirs.entropy(), rtol=1e-5)
    if np.isfinite(theirs.mean()):
        np.testing.assert_allclose(ours.mean.item(), theirs.mean(), rtol=1e-5)
        np.testing.assert_allclose(ours.variance.item(), theirs.var(), rtol=1e-5)
        np.testing.assert_allclose(ours.stddev.item(), theirs.std(), rtol=1e-5)
    for method, arguments, expected in (("cdf", value, u), ("icdf", autograd.tensor(u), x)):
        try:
            result = getattr(ours, method)(arguments)
        except NotImplementedError:
            assert type(ours).__name__ in ("StudentT", "Beta", "Gamma", "Chi2", "InverseGamma")
        else:
            np.testing.assert_allclose(result.numpy(), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("ours", "theirs"), DISCRETE, ids=names(DISCRETE))
def test_discrete(ours, theirs):
    x = np.arange(0, 2 if isinstance(ours, Bernoulli) else 3)
    value = autograd.tensor(x.astype(np.float32))
    np.testing.assert_allclose(ours.log_prob(value).numpy(), theirs.logpmf(x), rtol=1e-4)
    if not isinstance(ours, Categorical):
        np.testing.assert_allclose(ours.mean.item(), theirs.mean(), rtol=1e-5)
        np.testing.assert_allclose(ours.variance.item(), theirs.var(), rtol=1e-5)
    if not isinstance(ours, (distributions.Poisson, distributions.NegativeBinomial)):
        np.testing.assert_allclose(ours.entropy().item(), theirs.entropy(), rtol=1e-5)
        np.testing.assert_allclose(ours.perplexity().item(), np.exp(theirs.entropy()), rtol=1e-5)


def test_vectors():
    rng = np.random.default_rng(0)
    a = rng.standard_normal((3, 3))
    covariance, loc, x = a @ a.T + np.eye(3), rng.standard_normal(3), rng.standard_normal((4, 3))
    theirs = scipy.stats.multivariate_normal(loc, covariance)
    for given in (
        {"covariance_matrix": covariance},
        {"precision_matrix": np.linalg.inv(covariance)},
        {"scale_tril": np.linalg.cholesky(covariance)},
    ):
        ours = MultivariateNormal(
            autograd.tensor(loc), **{k: autograd.tensor(v) for k, v in given.items()}
        )
        np.testing.assert_allclose(ours.log_prob(autograd.tensor(x)).numpy(), theirs.logpdf(x))
        np.testing.assert_allclose(ours.entropy().item(), theirs.entropy())
        np.testing.assert_allclose(ours.covariance_matrix.numpy(), covariance)
        np.testing.assert_allclose(ours.precision_matrix.numpy(), np.linalg.inv(covariance))
        np.testing.assert_allclose(ours.scale_tril.numpy(), np.linalg.cholesky(covariance))
        sample = ours.sample((20_000,)).numpy()
        np.testing.assert_allclose(sample.mean(0), loc, atol=0.1)
        np.testing.assert_allclose(np.cov(sample.T), covariance, atol=0.2)
    dirichlet = distributions.Dirichlet(autograd.tensor([0.5, 2.0, 3.0]))
    theirs = scipy.stats.dirichlet([0.5, 2, 3])
    at = np.array([0.2, 0.3, 0.5])
    assert dirichlet.log_prob(autograd.tensor(at)).item() == pytest.approx(theirs.logpdf(at), 1e-5)
    assert dirichlet.entropy().item() == pytest.approx(theirs.entropy(), 1e-5)


def test_multinomial():
    p = [0.1, 0.2, 0.7]
    ours = distributions.Multinomial(4, autograd.tensor(p, dtype=autograd.float64))
    theirs = scipy.stats.multinomial(4, p)
    assert ours.entropy().item() == pytest.approx(theirs.entropy())
    x = ours.sample((10_000,)).numpy()
    assert (x.sum(-1) == 4).all()
    np.testing.assert_allclose(x.mean(0), theirs.mean(), atol=0.05)
    np.testing.assert_allclose(np.cov(x.T), theirs.cov(), atol=0.05)
    np.testing.assert_allclose(ours.log_prob(autograd.tensor(x)).numpy(), theirs.logpmf(x))
    sure = distributions.Multinomial(2, autograd.tensor([0.0, 1.0]))
    assert sure.log_prob(autograd.tensor([0.0, 2.0])).item() == pytest.approx(0, abs=1e-6)
    with pytest.raises(NotImplementedError, match="inhomogeneous"):
        distributions.Multinomial(autograd.tensor([1, 2]), autograd.tensor(p))


def test_mixtures():
    weights, locs = autograd.tensor([0.3, 0.7]), autograd.tensor([[-1.0, 3.0], [0.0, 1.0]])
    ours = distributions.MixtureSameFamily(Categorical(weights), Normal(locs, 0.5))
    assert ours.batch_shape == (2,)
    parts = [[scipy.stats.norm(loc, 0.5) for loc in row] for row in locs.tolist()]
    x = np.linspace(-2, 4, 7, dtype=np.float32)
    for i, (a, b) in enumerate(parts):
        density = 0.3 * a.pdf(x) + 0.7 * b.pdf(x)
        found = ours.log_prob(autograd.tensor(x)[:, None]).numpy()[:, i]
        np.testing.assert_allclose(found, np.log(density), rtol=1e-4)
        cdf = ours.cdf(autograd.tensor(x)[:, None]).numpy()[:, i]
        np.testing.assert_allclose(cdf, 0.3 * a.cdf(x) + 0.7 * b.cdf(x), rtol=1e-4, atol=1e-6)
        sample = ours.sample((3_000,)).numpy()[:, i]
        within = np.sort(0.3 * a.cdf(sample) + 0.7 * b.cdf(sample))  # uniform, if all is right
        assert scipy.stats.kstest(within, "uniform").pvalue > 1e-3
    sample = ours.sample((50_000,)).numpy()
    np.testing.assert_allclose(ours.mean.numpy(), sample.mean(0), atol=0.05)
    np.testing.assert_allclose(ours.variance.numpy(), sample.var(0), rtol=0.05)
    assert ours.expand((3, 2)).sample().shape == (3, 2)
    vectors = distributions.MixtureSameFamily(
        Categorical(autograd.ones(3, 4)), Independent(Normal(autograd.zeros(3, 4, 2), 1.0), 1)
    )
    assert vectors.sample((5,)).shape == (5, 3, 2)
    assert vectors.mean.shape == vectors.variance.shape == (3, 2)
    single = Normal(autograd.zeros(2), 1.0).log_prob(autograd.ones(2)).sum()
    at = vectors.log_prob(autograd.ones(3, 2)).numpy()
    np.testing.assert_allclose(at, [single.item()] * 3, rtol=1e-5)
    for wrong, message in (
        ((Normal(0.0, 1.0), Normal(locs, 1.0)), "instance of Categorical"),
        ((Categorical(weights), 3), "instance of Distribution"),
        ((Categorical(autograd.ones(3)), Normal(locs, 1.0)), "does not equal"),
        ((Categorical(autograd.ones(3, 2)), Normal(locs, 1.0)), "not compatible"),
    ):
        with pytest.raises(ValueError, match=message):
            distributions.MixtureSameFamily(*wrong)


def test_mixtures_beside_pytorch():
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(0)
    w, loc = rng.random((3, 4)), rng.standard_normal((3, 4, 2))
    x = rng.standard_normal((5, 3, 2))
    made = [
        d.MixtureSameFamily(
            d.Categorical(lib.tensor(w)), d.Independent(d.Normal(lib.tensor(loc), 0.5), 1)
        )
        for d, lib in ((distributions, autograd), (torch.distributions, torch))
    ]
    for what in ("mean", "variance"):
        np.testing.assert_allclose(*(getattr(m, what).numpy() for m in made))
    a, b = made[0].log_prob(autograd.tensor(x)), made[1].log_prob(torch.tensor(x))
    np.testing.assert_allclose(a.numpy(), b.numpy())
    assert repr(made[0]).replace("Size", "torch.Size") == repr(made[1])
    assert repr(made[0].support) == repr(made[1].support)


def test_relaxed_samples_come_close_to_the_corners():
    p = autograd.tensor([0.2, 0.3, 0.5])
    cold = distributions.RelaxedOneHotCategorical(0.01, probs=p).sample((5_000,)).numpy()
    assert (cold.max(-1) > 0.9).mean() > 0.95
    np.testing.assert_allclose(np.bincount(cold.argmax(-1)) / 5_000, p.numpy(), atol=0.03)
    coins = distributions.RelaxedBernoulli(0.01, probs=p).sample((5_000,)).numpy()
    np.testing.assert_allclose((coins > 0.5).mean(0), p.numpy(), atol=0.03)


# Samples ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("ours", "theirs"), SCIPY, ids=names(SCIPY))
def test_samples_have_the_distribution(ours, theirs):
    """By the test of Kolmogorov and Smirnov: a p-value below 1e-3 is one in a thousand."""
    sample = ours.sample((5_000,)).numpy().astype(np.float64)
    assert scipy.stats.kstest(sample, theirs.cdf).pvalue > 1e-3


@pytest.mark.parametrize(("ours", "theirs"), DISCRETE, ids=names(DISCRETE))
def test_counts_have_the_distribution(ours, theirs):
    sample = ours.sample((5_000,)).numpy().astype(int)
    values = np.arange(sample.max() + 1)
    expected = 5_000 * theirs.pmf(values)
    common = expected > 5
    observed = np.bincount(sample)[common]
    rest = 5_000 - observed.sum(), 5_000 - expected[common].sum()
    if rest[1] > 1:
        observed, expected = np.append(observed, rest[0]), np.append(expected[common], rest[1])
    else:
        expected = expected[common] * observed.sum() / expected[common].sum()
    assert scipy.stats.chisquare(observed, expected).pvalue > 1e-3


@pytest.mark.parametrize("a", [[0.01, 0.02], [0.5, 2.0, 3.0], [30.0, 1.0]])
def test_dirichlet_components_have_beta_distributions(a):
    sample = distributions.Dirichlet(autograd.tensor(a, dtype=autograd.float64)).sample((4_000,))
    np.testing.assert_allclose(sample.numpy().sum(-1), 1)
    for i, concentration in enumerate(a):
        marginal = scipy.stats.beta(concentration, sum(a) - concentration)
        values = sample[:, i].numpy()
        if concentration < 0.1:  # most of it closer to 0 or 1 than float64 can tell
            assert (values < 0.5).mean() == pytest.approx(marginal.cdf(0.5), abs=0.05)
        else:
            assert scipy.stats.kstest(values, marginal.cdf).pvalue > 1e-3


def test_samples_follow_the_seed_and_the_dtype():
    d = distributions.Gamma(autograd.tensor([0.5, 2.0], dtype=autograd.float64), 1.0)
    first = d.sample((3,))
    autograd.manual_seed(0)
    again = d.sample((3,))
    assert first.dtype == autograd.float64
    np.testing.assert_array_equal(first.numpy(), again.numpy())
    assert not np.array_equal(first.numpy(), d.sample((3,)).numpy())


def test_samples_of_tiny_concentrations_are_inside_the_support():
    gamma = distributions.Gamma(1e-4, 1.0).sample((1000,))
    assert (gamma > 0).all()
    beta = distributions.Beta(1e-4, 1e-4).sample((1000,))
    assert ((beta > 0) & (beta < 1)).all()
    assert distributions.Beta(1e-4, 1e-4).log_prob(beta).isfinite().all()


# Gradients of samples -----------------------------------------------------------------------


@pytest.mark.parametrize(
    "make",
    [
        lambda a, b: Normal(a, b),
        lambda a, b: Uniform(a, a + b),
        lambda a, b: distributions.Laplace(a, b),
        lambda a, b: distributions.Cauchy(a, b),
        lambda a, b: distributions.Gumbel(a, b),
        lambda a, b: distributions.LogNormal(a, b),
        lambda a, b: distributions.Exponential(b),
    ],
)
def test_gradients_keep_the_quantile(make):
    a = autograd.tensor([0.5, -1.0], dtype=autograd.float64, requires_grad=True)
    b = autograd.tensor([2.0, 0.5], dtype=autograd.float64, requires_grad=True)
    x = make(a, b).rsample((3,))
    u = make(a, b).cdf(x.detach()).detach()
    grads = autograd.grad(x.sum(), (a, b), allow_unused=True)
    expected = autograd.grad(make(a, b).icdf(u).sum(), (a, b), allow_unused=True)
    for grad, other in zip(grads, expected, strict=True):
        if other is not None:
            np.testing.assert_allclose(grad.numpy(), other.numpy(), rtol=1e-6)


@pytest.mark.parametrize("a", [0.05, 0.4, 1.0, 2.5, 20.0, 500.0])
def test_gamma_slope_is_that_of_the_quantile(a):
    u = np.array([1e-4, 0.03, 0.3, 0.5, 0.8, 0.99, 0.9999])
    x, h = scipy.special.gammaincinv(a, u), 1e-5 * a
    up, down = (scipy.special.gammaincinv(a + d, u) for d in (h, -h))
    # The difference has six digits.
    expected = (up - down) / (2 * h)
    np.testing.assert_allclose(reparameterization.gamma_slope(a, x), expected, rtol=1e-5)


@pytest.mark.parametrize("a", [0.1, 0.7, 1.0, 3.0, 40.0, 2000.0])
@pytest.mark.parametrize("b", [0.1, 1.0, 5.0, 60.0])
def test_beta_slope_is_that_of_the_quantile(a, b):
    u = np.array([1e-3, 0.03, 0.3, 0.5, 0.8, 0.99])
    x, h = scipy.special.betaincinv(a, b, u), 1e-5 * a
    u, x = u[x < 1 - 1e-7], x[x < 1 - 1e-7]
    up, down = (scipy.special.betaincinv(a + d, b, u) for d in (h, -h))
    expected = (up - down) / (2 * h)
    np.testing.assert_allclose(reparameterization.beta_slope(a, b, x), expected, rtol=1e-4)


@pytest.mark.parametrize(
    ("make", "mean"),
    [
        (lambda a: distributions.Gamma(a, 2.0), lambda a: a * (a + 1) / 4),
        (
            lambda a: distributions.Beta(a, 2.0),
            lambda a: a * (a + 1) / ((a + 2) * (a + 3)),
        ),
        (
            lambda a: distributions.Dirichlet(autograd.stack([a, a * 0 + 1, a * 0 + 3], -1)),
            lambda a: (a * (a + 1) + 14) / ((a + 4) * (a + 5)),
        ),
        (lambda a: distributions.StudentT(a + 5), lambda a: (a + 5) / (a + 3)),
    ],
)
def test_mean_gradient_is_the_gradient_of_the_mean(make, mean):
    """Of the squares, summed: their means are known."""
    a = autograd.tensor(1.5, dtype=autograd.float64, requires_grad=True)
    x = make(a.expand(10_000)).rsample()
    squares = (x * x).reshape(10_000, -1).sum(-1)
    (grad,) = autograd.grad(squares.mean(), a)
    (expected,) = autograd.grad(mean(a), a)
    assert grad.item() == pytest.approx(expected.item(), rel=0.15)


def test_gamma_samples_by_their_rate():
    a, b = (autograd.tensor([1.5, 0.5], requires_grad=True) for _ in range(2))
    x = distributions.Gamma(a, b).rsample()
    x.sum().backward()
    np.testing.assert_allclose(b.grad.numpy(), (-x / b).numpy(force=True), rtol=1e-6)
    slope = reparameterization.gamma_slope(a.numpy(force=True), (x * b).numpy(force=True))
    np.testing.assert_allclose(a.grad.numpy(), slope / b.numpy(force=True), rtol=1e-5)


def test_second_derivatives_of_samples_are_refused():
    a = autograd.tensor(1.5, requires_grad=True)
    for d in (distributions.Gamma(a, 1.0), distributions.Beta(a, 1.0)):
        (grad,) = autograd.grad(d.rsample(), a, create_graph=True)
        with pytest.raises(RuntimeError, match="differentiate twice"):
            grad.backward()


def test_gradients_of_torch():
    torch = pytest.importorskip("torch")
    a = autograd.tensor([[0.5, 2.0, 3.0]] * 5, dtype=autograd.float64, requires_grad=True)
    x = distributions.Dirichlet(a).rsample()
    g = np.random.default_rng(0).standard_normal((5, 3))
    (grad,) = autograd.grad(x, a, autograd.tensor(g))
    expected = torch.distributions.dirichlet._Dirichlet_backward(
        *(torch.tensor(v) for v in (x.numpy(force=True), a.numpy(force=True), g))
    )
    # PyTorch's approximation has about three digits.
    np.testing.assert_allclose(grad.numpy(), expected.numpy(), rtol=5e-3, atol=1e-4)


def test_discrete_samples_have_no_gradient_but_their_log_prob_has():
    logits = autograd.tensor([0.3, -1.0, 2.0], requires_grad=True)
    d = Categorical(logits=logits)
    assert not d.has_rsample
    with pytest.raises(NotImplementedError, match="Categorical does not implement rsample"):
        d.rsample()
    action = d.sample()
    d.log_prob(action).backward()
    expected = -d.probs.numpy(force=True)
    expected[action.item()] += 1
    np.testing.assert_allclose(logits.grad.numpy(), expected, rtol=1e-5)


def test_lazy_parameters_have_gradients_when_first_asked_for_without():
    probs = autograd.tensor([0.3, 0.7], requires_grad=True)
    d = Bernoulli(probs)
    with autograd.no_grad():
        assert d.logits.requires_grad
    assert d.logits is d.logits


# Checks -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Normal(0.0, -1.0), r"parameter scale \(Tensor of shape \(\)\) of distribution "
                                    r"Normal\(loc: 0.0, scale: -1.0\) to satisfy the constraint "
                                    r"GreaterThan\(lower_bound=0.0\)"),
        (lambda: Normal(float("nan"), 1.0), "parameter loc"),
        (lambda: Uniform(1.0, 1.0), "parameter low"),
        (lambda: Bernoulli(1.5), "parameter probs"),
        (lambda: Categorical(autograd.tensor([0.5, -0.5, 1.0])), r"constraint Simplex\(\)"),
        (lambda: distributions.Geometric(0.0), "parameter probs"),
        (lambda: MultivariateNormal(autograd.zeros(2), -autograd.eye(2)), "PositiveDefinite"),
        (lambda: MultivariateNormal(autograd.zeros(2)), "Exactly one of covariance_matrix"),
        (lambda: MultivariateNormal(autograd.tensor(0.0), autograd.eye(2)), "at least one-dim"),
        (lambda: MultivariateNormal(autograd.zeros(2), autograd.zeros(2)), "two-dimensional"),
        (lambda: Bernoulli(), "Either `probs` or `logits` must be specified, but not both"),
        (lambda: Categorical(autograd.tensor(1.0)), "`probs` parameter must be at least one-dim"),
        (lambda: distributions.Dirichlet(autograd.tensor(1.0)), "at least one-dimensional"),
        (lambda: Normal("a", 1.0), "must be numbers or Tensors, got str, float"),
        (lambda: Independent(Normal(0.0, 1.0), 1), "Expected reinterpreted_batch_ndims"),
        (lambda: Normal(0.0, 1.0).log_prob(1.0), "must be a Tensor"),
        (lambda: Normal(autograd.zeros(3), 1.0).log_prob(autograd.zeros(2)), "not broadcastable"),
        (lambda: distributions.Dirichlet(autograd.ones(3)).log_prob(autograd.ones(2)), "right-m"),
        (lambda: Bernoulli(0.5).log_prob(autograd.tensor(0.5)), r"support \(Boolean\(\)"),
        (lambda: Categorical(autograd.ones(3)).log_prob(autograd.tensor(3)), "within the support"),
        (lambda: distributions.Gamma(1.0, 1.0).log_prob(-autograd.ones(1)), "within the support"),
        (lambda: distributions.Binomial(2, 0.5).log_prob(autograd.tensor(3.0)), "within the supp"),
    ],
)  # fmt: skip
def test_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_checks_can_be_turned_off():
    assert Normal(0.0, -1.0, validate_args=False).log_prob(autograd.tensor(0.0)).isnan()
    Distribution.set_default_validate_args(False)
    try:
        Normal(0.0, -1.0)
    finally:
        Distribution.set_default_validate_args(True)
    with pytest.raises(ValueError, match="expected True or False"):
        Distribution.set_default_validate_args("no")


def test_a_distribution_of_ones_own():
    class Triangle(Distribution):
        arg_constraints = {"width": constraints.positive}

        def __init__(self, width, validate_args=None):
            (self.width,) = utils.broadcast_all(width)
            super().__init__(self.width.shape, validate_args=validate_args)

        def rsample(self, sample_shape=()):
            noise = utils.noise("random", (2, *self._extended_shape(sample_shape)), self.width)
            return noise.sum(0) * self.width / 2

        def log_prob(self, value):
            self._validate_sample(value)
            return value

    d = Triangle(autograd.tensor([1.0, 2.0]))
    assert d.expand((3, 2)).sample((4,)).shape == (4, 3, 2)
    assert repr(d) == "Triangle(width: Size([2]))"
    for missing in ("mean", "mode", "variance", "support"):
        with pytest.raises(NotImplementedError, match=f"Triangle does not implement {missing}"):
            getattr(d, missing)
    with pytest.warns(UserWarning, match="does not define `support`"):
        d.log_prob(autograd.tensor([0.5, 0.5]))
    with pytest.warns(FutureWarning, match="sample_n"):
        assert d.sample_n(3).shape == (3, 2)

    class Bare(Distribution):
        pass

    with pytest.warns(UserWarning, match="does not define `arg_constraints`"):
        Bare()
    assert Bare(validate_args=False)._get_checked_instance(Distribution) is not None


@pytest.mark.parametrize(("name", "given", "values"), SAMPLES, ids=IDS)
def test_copies_and_pickles(name, given, values):
    d, _ = made(distributions, autograd.tensor, name, given)
    x = autograd.tensor(np.asarray(values))
    for twin in (copy.deepcopy(d), pickle.loads(pickle.dumps(d))):
        np.testing.assert_array_equal(twin.log_prob(x).numpy(), d.log_prob(x).numpy())


@pytest.mark.parametrize(("name", "given", "values"), SAMPLES, ids=IDS)
def test_expanding_keeps_the_values(name, given, values):
    d, _ = made(distributions, autograd.tensor, name, given)
    d.log_prob(d.sample())  # fills in what is lazy
    wide = d.expand((2, *d.batch_shape))
    x = wide.sample()
    np.testing.assert_allclose(wide.log_prob(x).numpy(), d.log_prob(x).numpy(), rtol=1e-9)
    if not name.startswith("Relaxed"):
        np.testing.assert_array_equal(wide.mean[1].numpy(), d.mean.numpy())


def test_independent():
    base = Normal(autograd.zeros(4, 2, 3), 2.0)
    d = Independent(base, 2)
    assert (d.batch_shape, d.event_shape) == ((4,), (2, 3))
    x = d.rsample((5,))
    np.testing.assert_allclose(
        d.log_prob(x).numpy(), base.log_prob(x).numpy().sum((-1, -2)), rtol=1e-6
    )
    np.testing.assert_allclose(d.entropy().numpy(), base.entropy().numpy().sum((-1, -2)), rtol=1e-6)
    assert d.expand((7, 4)).sample().shape == (7, 4, 2, 3)
    for what in ("mean", "mode", "variance"):
        assert getattr(d, what).shape == (4, 2, 3)
    assert d.support == d.support or d.support.event_dim == 2
    assert repr(d) == "Independent(Normal(loc: Size([4, 2, 3]), scale: Size([4, 2, 3])), 2)"
    coins = Independent(Bernoulli(autograd.ones(3) / 2), 0)
    assert coins.enumerate_support().shape == (2, 3)
    with pytest.raises(NotImplementedError, match="cartesian product"):
        Independent(Bernoulli(autograd.ones(3) / 2), 1).enumerate_support()


# Constraints beside PyTorch -----------------------------------------------------------------

VALUES = np.array([[-1.0, 0.0, 0.5], [1.0, 2.0, np.inf], [0.2, 0.3, 0.5], [0.0, 1.0, 0.0]])
MATRICES = np.array(
    [
        [[1.0, 0.0], [0.5, 2.0]],
        [[1.0, 0.5], [0.5, 2.0]],
        [[1.0, 0.0], [0.6, 0.8]],
        [[1.0, 1.0], [1.0, 1.0]],
        [[1.0, 2.0], [2.0, 1.0]],
    ]
)
CHECKED = {
    "real": lambda c: (c.real, VALUES),
    "real vector": lambda c: (c.real_vector, VALUES),
    "boolean": lambda c: (c.boolean, VALUES),
    "one hot": lambda c: (c.one_hot, VALUES),
    "simplex": lambda c: (c.simplex, VALUES),
    "positive": lambda c: (c.positive, VALUES),
    "nonnegative": lambda c: (c.nonnegative, VALUES),
    "greater": lambda c: (c.greater_than(0.5), VALUES),
    "greater or equal": lambda c: (c.greater_than_eq(0.5), VALUES),
    "less": lambda c: (c.less_than(0.5), VALUES),
    "unit interval": lambda c: (c.unit_interval, VALUES),
    "interval": lambda c: (c.interval(-0.5, 2.0), VALUES),
    "half open": lambda c: (c.half_open_interval(-0.5, 2.0), VALUES),
    "integers": lambda c: (c.integer_interval(0, 1), VALUES[[0, 2, 3]]),
    "counts": lambda c: (c.nonnegative_integer, VALUES[[0, 2, 3]]),
    "positive integers": lambda c: (c.positive_integer, VALUES[[0, 2, 3]]),
    "multinomial": lambda c: (c.multinomial(1), VALUES),
    "independent": lambda c: (c.independent(c.positive, 2), VALUES),
    "lower triangular": lambda c: (c.lower_triangular, MATRICES),
    "lower Cholesky": lambda c: (c.lower_cholesky, MATRICES),
    "correlations": lambda c: (c.corr_cholesky, MATRICES),
    "square": lambda c: (c.square, MATRICES),
    "not square": lambda c: (c.positive_definite, VALUES),
    "symmetric": lambda c: (c.symmetric, MATRICES),
    "positive semidefinite": lambda c: (c.positive_semidefinite, MATRICES[[1, 2, 4]]),
    "positive definite": lambda c: (c.positive_definite, MATRICES[[1, 2, 4]]),
    "cat": lambda c: (c.cat([c.positive, c.real], 1, [2, 1]), VALUES),
    "stack": lambda c: (c.stack([c.positive, c.real, c.less_than(1.0)], -1), VALUES),
}


@pytest.mark.parity
@pytest.mark.parametrize("name", CHECKED)
def test_constraints(name):
    torch = pytest.importorskip("torch")
    ours, values = CHECKED[name](constraints)
    theirs, _ = CHECKED[name](torch.distributions.constraints)
    checked = ours.check(autograd.tensor(values))
    expected = theirs.check(torch.tensor(values))
    np.testing.assert_array_equal(checked.numpy(), expected.numpy())
    assert ours.event_dim == theirs.event_dim
    assert ours.is_discrete == theirs.is_discrete
    if name not in ("cat", "stack", "multinomial"):  # whose text in PyTorch has no arguments
        assert repr(ours) == repr(theirs)


def test_dependent_constraints():
    assert constraints.is_dependent(constraints.dependent)
    assert constraints.is_dependent(Uniform.support)
    assert not constraints.is_dependent(Uniform(0.0, 1.0).support)
    assert Uniform.support.event_dim == 0
    assert Categorical.support.is_discrete
    assert constraints.dependent(event_dim=1).event_dim == 1
    with pytest.raises(NotImplementedError, match=r"\.event_dim cannot be determined statically"):
        constraints.dependent.event_dim  # noqa: B018
    with pytest.raises(ValueError, match="Cannot determine validity"):
        constraints.dependent.check(autograd.ones(1))


# Helpers ------------------------------------------------------------------------------------


def test_triangles():
    m = autograd.tensor(np.arange(18.0).reshape(2, 3, 3), requires_grad=True)
    for diag, count in ((0, 6), (-1, 3), (1, 8)):
        v = utils.tril_matrix_to_vec(m, diag)
        assert v.shape == (2, count)
        back = utils.vec_to_tril_matrix(v, diag)
        np.testing.assert_array_equal(back.numpy(force=True), np.tril(m.numpy(force=True), diag))
    (grad,) = autograd.grad(back.sum(), m)
    np.testing.assert_array_equal(grad.numpy(), np.tril(np.ones((2, 3, 3)), 1))
    with pytest.raises(ValueError, match="cannot be expressed"):
        utils.vec_to_tril_matrix(autograd.ones(4))
    with pytest.raises(ValueError, match="outside"):
        utils.tril_matrix_to_vec(m, 3)
