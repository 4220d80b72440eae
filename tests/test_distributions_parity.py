"""Distributions beside PyTorch's: values, gradients, shapes, text, errors."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
from distribution_samples import IDS, SAMPLES, made

import autograd
from autograd import distributions

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.parity

PROPERTIES = ["mean", "mode", "variance", "stddev"]
METHODS = ["entropy", "perplexity"]
OF_VALUES = ["log_prob", "cdf"]


def both(name, given, **options):
    ours, p = made(distributions, autograd.tensor, name, given, **options)
    theirs, q = made(torch.distributions, torch.tensor, name, given, **options)
    return (ours, p), (theirs, q)


def result(f):
    """What a call returns, or None where it is not implemented."""
    try:
        return f()
    except NotImplementedError:
        return None


def call(distribution, method, value):
    return getattr(distribution, method)(value)


def close(ours, theirs):
    assert isinstance(ours, autograd.Tensor)
    assert tuple(ours.shape) == tuple(theirs.shape)
    assert str(theirs.dtype).endswith(str(ours.dtype))
    expected = theirs.detach().numpy()
    # PyTorch's trigamma, in gradients of entropies, has about nine digits.
    rtol, atol = (1e-8, 1e-9) if expected.dtype == np.float64 else (5e-6, 1e-6)
    np.testing.assert_allclose(ours.detach().numpy(), expected, rtol=rtol, atol=atol)


def compare(make_ours, make_theirs, p, q):
    """The same result, and the same gradient with respect to each parameter that is a tensor."""
    ours, theirs = result(make_ours), result(make_theirs)
    if theirs is None:
        return False
    close(ours, theirs)
    if not theirs.requires_grad:
        return True
    keys = [key for key, value in q.items() if isinstance(value, torch.Tensor)]
    own, expected = (
        result(partial(gradients, library, y, [given[key] for key in keys]))
        for library, y, given in ((autograd, ours, p), (torch, theirs, q))
    )
    if expected is None:
        assert own is None
        return True
    for mine, grad in zip(own, expected, strict=True):
        if grad is None or not grad.any():
            assert mine is None or not mine.any()
        else:
            close(mine, grad)
    return True


def gradients(library, y, xs):
    """Of a weighted sum of y, so that no two elements count the same."""
    weights = np.linspace(0.5, 2.0, y.numel()).reshape(tuple(y.shape))
    grad = autograd.grad if library is autograd else torch.autograd.grad
    total = (y * library.tensor(weights)).sum()
    return grad(total, xs, allow_unused=True, retain_graph=True)


@pytest.mark.parametrize(("name", "given", "values"), SAMPLES, ids=IDS)
def test_moments_and_entropy(name, given, values):
    (ours, p), (theirs, q) = both(name, given, requires_grad=True)
    for what in PROPERTIES:
        compare(partial(getattr, ours, what), partial(getattr, theirs, what), p, q)
    if name == "Multinomial":
        return  # whose entropy PyTorch computes in single precision
    for what in METHODS:
        compare(getattr(ours, what), getattr(theirs, what), p, q)


@pytest.mark.parametrize(("name", "given", "values"), SAMPLES, ids=IDS)
def test_densities_and_distribution_functions(name, given, values):
    (ours, p), (theirs, q) = both(name, given, requires_grad=True)
    for what in OF_VALUES:
        x, y = (lib.tensor(np.asarray(values)) for lib in (autograd, torch))
        if y.is_floating_point() and not theirs.support.is_discrete:
            x, y = x.requires_grad_(), y.requires_grad_()
            p, q = p | {"value": x}, q | {"value": y}
        compare(partial(call, ours, what, x), partial(call, theirs, what, y), p, q)


@pytest.mark.parametrize(("name", "given", "values"), SAMPLES, ids=IDS)
def test_quantiles(name, given, values):
    (ours, p), (theirs, q) = both(name, given, requires_grad=True)
    u = np.linspace(0.05, 0.95, 5).reshape((5,) + (1,) * len(ours.batch_shape))
    compare(lambda: ours.icdf(autograd.tensor(u)), lambda: theirs.icdf(torch.tensor(u)), p, q)


@pytest.mark.parametrize(("name", "given", "values"), SAMPLES, ids=IDS)
def test_shapes_and_text(name, given, values):
    (ours, _), (theirs, _) = both(name, given)
    wide = (4, *ours.batch_shape)
    for d, e in ((ours, theirs), (ours.expand(wide), theirs.expand(wide))):
        assert tuple(d.batch_shape) == tuple(e.batch_shape)
        assert tuple(d.event_shape) == tuple(e.event_shape)
        if "tensor" not in repr(e):
            assert repr(d).replace("Size", "torch.Size") == repr(e)
        for shape in ((), (2,), (3, 1)):
            sample, expected = d.sample(shape), e.sample(shape)
            assert tuple(sample.shape) == tuple(expected.shape)
            assert str(expected.dtype).endswith(str(sample.dtype))
            assert not sample.requires_grad
            assert d.support.check(sample).all()
            assert d.log_prob(sample).shape == tuple(shape) + d.batch_shape
        assert d.has_rsample == e.has_rsample
        assert d.has_enumerate_support == e.has_enumerate_support
        assert d.support.event_dim == e.support.event_dim
        assert d.support.is_discrete == e.support.is_discrete
        if "tensor" not in repr(e.support) and name != "Multinomial":  # whose has no arguments
            assert repr(d.support) == repr(e.support)


@pytest.mark.parametrize(("name", "given", "values"), SAMPLES, ids=IDS)
def test_enumeration(name, given, values):
    (ours, _), (theirs, _) = both(name, given)
    for expand in (True, False):
        expected = result(partial(theirs.enumerate_support, expand))
        if expected is None:
            with pytest.raises(NotImplementedError):
                ours.enumerate_support(expand)
        else:
            close(ours.enumerate_support(expand), expected)
