"""Transforms beside PyTorch's, Jacobians by differentiation, and transformed distributions."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest

import autograd
from autograd import distributions
from autograd.distributions import (
    AffineTransform,
    ComposeTransform,
    ExpTransform,
    Normal,
    SigmoidTransform,
    TanhTransform,
    TransformedDistribution,
    constraints,
    transforms,
)

X = np.random.default_rng(0).standard_normal((4, 3))
LIST = [[1.5, -0.5, 2.0]]
# Each in one library, by its names and its tensors, with inputs.
CASES = {
    "exp": (lambda t, T: t.ExpTransform(), X),
    "inverse": (lambda t, T: t.ExpTransform().inv, abs(X)),
    "power": (lambda t, T: t.PowerTransform(T([2.0, -1.0, 0.5])), abs(X)),
    "power of a number": (lambda t, T: t.PowerTransform(3.0), abs(X)),
    "sigmoid": (lambda t, T: t.SigmoidTransform(), X),
    "softplus": (lambda t, T: t.SoftplusTransform(), X),
    "tanh": (lambda t, T: t.TanhTransform(), X),
    "abs": (lambda t, T: t.AbsTransform(), X),
    "affine": (lambda t, T: t.AffineTransform(1.0, -2.0), X),
    "affine by tensors": (lambda t, T: t.AffineTransform(T(LIST), T([[2.0], [3.0]])), X[:2]),
    "affine of vectors": (lambda t, T: t.AffineTransform(0.5, T([1.0, 2.0, -3.0]), 1), X),
    "chain": (
        lambda t, T: t.ComposeTransform(
            [t.AffineTransform(1.0, 2.0), t.SigmoidTransform(), t.AffineTransform(-1.0, 2.0)]
        ),
        X,
    ),
    "chain to vectors": (
        lambda t, T: t.ComposeTransform([t.TanhTransform(), t.StickBreakingTransform()]),
        X,
    ),
    "nothing": (lambda t, T: t.identity_transform, X),
    "independent": (lambda t, T: t.IndependentTransform(t.ExpTransform(), 1), X),
    "reshape": (lambda t, T: t.ReshapeTransform((4, 3), (2, 6)), X),
    "softmax": (lambda t, T: t.SoftmaxTransform(), X),
    "sticks": (lambda t, T: t.StickBreakingTransform(), X),
    "correlations": (lambda t, T: t.CorrCholeskyTransform(), X),
    "lower Cholesky": (lambda t, T: t.LowerCholeskyTransform(), X[:3]),
    "positive definite": (lambda t, T: t.PositiveDefiniteTransform(), X[:3]),
}


@pytest.fixture
def torch():
    return pytest.importorskip("torch")


@pytest.mark.parity
@pytest.mark.parametrize("name", CASES)
def test_same_values(torch, name):
    make, x = CASES[name]
    ours = make(transforms, lambda v: autograd.tensor(np.array(v)))
    theirs = make(torch.distributions, lambda v: torch.tensor(np.array(v)))
    x, their_x = autograd.tensor(x), torch.tensor(x)
    y, their_y = ours(x), theirs(their_x)
    same(y, their_y)
    same(ours.inv(y), theirs.inv(their_y))
    assert tuple(ours.forward_shape(x.shape)) == tuple(theirs.forward_shape(their_x.shape))
    assert tuple(ours.inverse_shape(y.shape)) == tuple(theirs.inverse_shape(their_y.shape))
    for what in ("domain", "codomain"):
        mine, expected = getattr(ours, what), getattr(theirs, what)
        assert mine.event_dim == expected.event_dim
        assert repr(mine) == repr(expected)
    assert ours.domain.check(x).all()
    assert ours.codomain.check(y).all()
    assert ours.bijective == theirs.bijective
    assert repr(ours) == repr(theirs)
    try:
        expected = theirs.log_abs_det_jacobian(their_x, their_y)
    except NotImplementedError:
        with pytest.raises(NotImplementedError):
            ours.log_abs_det_jacobian(x, y)
    else:
        same(ours.log_abs_det_jacobian(x, y), expected)
        same(ours.inv.log_abs_det_jacobian(y, x), -expected)
    try:
        expected = theirs.sign
    except NotImplementedError:
        return
    np.testing.assert_array_equal(np.asarray(ours.sign), np.asarray(expected))


def same(ours, theirs):
    assert tuple(ours.shape) == tuple(theirs.shape)
    np.testing.assert_allclose(ours.numpy(), theirs.numpy(), rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize(
    "name", ["exp", "power", "sigmoid", "softplus", "tanh", "affine", "chain", "inverse"]
)
def test_jacobians_are_derivatives(name):
    make, x = CASES[name]
    transform = make(transforms, lambda v: autograd.tensor(np.array(v)))
    x = autograd.tensor(x, requires_grad=True)
    y = transform(x)
    (slope,) = autograd.grad(y.sum(), x)
    log_det = transform.log_abs_det_jacobian(x, y)
    np.testing.assert_allclose(log_det.numpy(force=True), np.log(abs(slope.numpy())), rtol=1e-9)


@pytest.mark.parametrize("name", ["sticks", "correlations"])
def test_jacobian_of_vectors(name):
    transform = CASES[name][0](transforms, None)
    rows, columns = np.tril_indices(3, -1)

    def free(x):
        """As many entries of the output as there are inputs."""
        y = transform(x)
        return y[:-1] if name == "sticks" else y[rows, columns]

    x = autograd.tensor(X[0])
    jacobian = autograd.functional.jacobian(free, x)
    expected = autograd.linalg.slogdet(jacobian)[1].item()
    assert transform.log_abs_det_jacobian(x, transform(x)).item() == pytest.approx(expected)


def test_a_cache_gives_the_very_input():
    x = autograd.tensor([30.0])  # where tanh rounds to 1
    plain, cached = TanhTransform(), TanhTransform(cache_size=1)
    assert plain.inv(plain(x)).item() == np.inf
    y = cached(x)
    assert cached.inv(y) is x
    assert cached(x) is y
    assert plain.with_cache().inv(plain(x)).item() == np.inf
    assert plain.with_cache(0) is plain
    z = cached.inv(autograd.tensor([0.5]))
    assert cached(z).item() == 0.5
    chain = ComposeTransform([TanhTransform(), AffineTransform(0.0, 2.0)], cache_size=1)
    assert chain.inv(chain(x)) is x
    with pytest.raises(ValueError, match="cache_size must be 0 or 1"):
        TanhTransform(cache_size=2)


def test_equality():
    assert ExpTransform() == ExpTransform()
    assert ExpTransform() != TanhTransform()
    assert ExpTransform().inv == ExpTransform().inv
    assert AffineTransform(1.0, 2.0) == AffineTransform(1.0, 2.0)
    assert AffineTransform(1.0, 2.0) != AffineTransform(1.0, autograd.tensor([2.0, 3.0]))
    assert AffineTransform(0.0, autograd.ones(2)) == AffineTransform(0.0, autograd.ones(2))
    one = ComposeTransform([ExpTransform(), AffineTransform(0.0, 1.0)])
    assert one == ComposeTransform([ExpTransform(), AffineTransform(0.0, 1.0)])
    assert one != ComposeTransform([ExpTransform()])

    class Own(transforms.Transform):
        pass

    assert Own() != Own()


def test_inverses_of_inverses_and_copies():
    for transform in (ExpTransform(), ComposeTransform([ExpTransform(), TanhTransform()])):
        assert transform.inv.inv is transform
        assert pickle.loads(pickle.dumps(transform)) == transform
        assert copy.deepcopy(transform.inv) == transform.inv


def test_too_few_dimensions():
    x = autograd.tensor(1.0)
    for transform in (
        transforms.IndependentTransform(ExpTransform(), 1),
        transforms.ReshapeTransform((4,), (2, 2)),
    ):
        with pytest.raises(ValueError, match="Too few dimensions"):
            transform(x)
    with pytest.raises(ValueError, match="Shape mismatch"):
        transforms.ReshapeTransform((4,), (2, 2)).forward_shape((3,))
    with pytest.raises(ValueError, match="different numbers of elements"):
        transforms.ReshapeTransform((4,), (2, 3))
    with pytest.raises(ValueError, match="lower-diagonal"):
        transforms.CorrCholeskyTransform().forward_shape((4,))
    with pytest.raises(ValueError, match="not square"):
        transforms.CorrCholeskyTransform().inverse_shape((4, 3))


# Transformed distributions -----------------------------------------------------------------

TRANSFORMED = {
    "logistic": lambda d, T: d.TransformedDistribution(
        d.Uniform(T([0.0, 0.0]), T([1.0, 1.0])),
        [d.SigmoidTransform().inv, d.AffineTransform(T([0.5, 1.0]), T([2.0, -0.5]))],
    ),
    "scaled by a batch": lambda d, T: d.TransformedDistribution(
        d.Normal(T(0.0), T(1.0)), d.AffineTransform(T([0.5, 1.0]), 2.0)
    ),
    "squashed": lambda d, T: d.TransformedDistribution(
        d.Normal(T([0.0, 0.1]), T([1.0, 2.0])), [d.TanhTransform()]
    ),
    "vectors": lambda d, T: d.TransformedDistribution(
        d.Normal(T([[0.0, 0.1]]), T([[1.0, 2.0]])), [d.StickBreakingTransform()]
    ),
    "scaled vectors": lambda d, T: d.TransformedDistribution(
        d.Independent(d.Normal(T([0.0, 0.1]), T([1.0, 2.0])), 1),
        [d.AffineTransform(T([0.5, 1.0]), T([2.0, 3.0]))],
    ),
    "reshaped": lambda d, T: d.TransformedDistribution(
        d.Normal(T([0.0, 0.1, 0.2, 0.3]), 1.0), [d.ReshapeTransform((4,), (2, 2))]
    ),
    "nothing": lambda d, T: d.TransformedDistribution(d.Normal(T([0.0]), 1.0), []),
}


@pytest.mark.parity
@pytest.mark.parametrize("name", TRANSFORMED)
def test_same_distribution(torch, name):
    ours = TRANSFORMED[name](distributions, lambda v: autograd.tensor(np.array(v)))
    theirs = TRANSFORMED[name](torch.distributions, lambda v: torch.tensor(np.array(v)))
    for d, e in ((ours, theirs), (ours.expand((3, *ours.batch_shape)), None)):
        e = theirs.expand((3, *theirs.batch_shape)) if e is None else e
        assert tuple(d.batch_shape) == tuple(e.batch_shape)
        assert tuple(d.event_shape) == tuple(e.event_shape)
        assert d.has_rsample
        assert repr(d.support) == repr(e.support)
        sample = d.rsample((5,))
        assert tuple(sample.shape) == tuple(e.rsample((5,)).shape)
        same(d.log_prob(sample), e.log_prob(torch.tensor(sample.numpy())))
        if not d.event_shape:
            same(d.cdf(sample), e.cdf(torch.tensor(sample.numpy())))
            u = np.full(tuple(d.batch_shape), 0.3)
            same(d.icdf(autograd.tensor(u)), e.icdf(torch.tensor(u)))


def test_gradients_go_through_samples():
    loc = autograd.tensor([0.5], requires_grad=True)
    d = TransformedDistribution(Normal(loc, 1.0), [TanhTransform(cache_size=1)])
    action = d.rsample()
    assert action.requires_grad
    assert not d.sample().requires_grad
    d.log_prob(action).sum().backward()
    # Of log p of a reparameterized sample, only the Jacobian depends on the location.
    assert loc.grad.item() == pytest.approx(2 * action.item(), rel=1e-5)


def test_what_is_no_transform():
    for wrong in ("exp", [3]):
        with pytest.raises(ValueError, match="must be a Transform or a list"):
            TransformedDistribution(Normal(0.0, 1.0), wrong)
    with pytest.raises(ValueError, match="size at least 1"):
        TransformedDistribution(Normal(0.0, 1.0), transforms.SoftmaxTransform())


def test_by_a_distribution_function():
    transform = distributions.CumulativeDistributionTransform(Normal(1.0, 2.0))
    x = autograd.tensor([0.3, 2.0])
    y = transform(x)
    assert transform.codomain.check(y).all()
    np.testing.assert_allclose(transform.inv(y).numpy(), x.numpy(), rtol=1e-5)
    log_det = transform.log_abs_det_jacobian(x, y)
    np.testing.assert_allclose(log_det.numpy(), Normal(1.0, 2.0).log_prob(x).numpy())


# From constraints --------------------------------------------------------------------------

CONSTRAINTS = {
    "real": lambda c: c.real,
    "positive": lambda c: c.positive,
    "nonnegative": lambda c: c.nonnegative,
    "greater": lambda c: c.greater_than(2.0),
    "less": lambda c: c.less_than(2.0),
    "unit interval": lambda c: c.unit_interval,
    "interval": lambda c: c.interval(-1.0, 3.0),
    "half open": lambda c: c.half_open_interval(-1.0, 3.0),
    "simplex": lambda c: c.simplex,
    "vector": lambda c: c.real_vector,
    "positive vector": lambda c: c.independent(c.positive, 1),
    "lower Cholesky": lambda c: c.lower_cholesky,
    "correlations": lambda c: c.corr_cholesky,
    "positive definite": lambda c: c.positive_definite,
    "integers": lambda c: c.nonnegative_integer,
    "boolean": lambda c: c.boolean,
}


@pytest.mark.parity
@pytest.mark.parametrize("registry", ["biject_to", "transform_to"])
@pytest.mark.parametrize("name", CONSTRAINTS)
def test_transforms_into_constraints(torch, registry, name):
    constraint = CONSTRAINTS[name](constraints)
    try:
        theirs = getattr(torch.distributions, registry)(
            CONSTRAINTS[name](torch.distributions.constraints)
        )
    except NotImplementedError:
        with pytest.raises(NotImplementedError, match="Cannot transform"):
            getattr(distributions, registry)(constraint)
        return
    transform = getattr(distributions, registry)(constraint)
    x = X[:3]
    y = transform(autograd.tensor(x))
    assert constraint.check(y).all()
    same(y, theirs(torch.tensor(x)))
    assert transform.bijective == theirs.bijective


def test_own_constraints_and_registries():
    class Even(constraints.Constraint):
        pass

    registry = type(distributions.biject_to)()
    made = registry.register(Even)(lambda constraint: SigmoidTransform())
    assert registry(Even()) == SigmoidTransform()
    assert registry.register(Even(), made) is made
    with pytest.raises(TypeError, match="Constraint subclass or instance"):
        registry.register(int, made)
