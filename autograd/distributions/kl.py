"""The Kullback-Leibler divergence: its table of pairs, and those of one distribution with itself.

Pairs of different distributions are in kl_pairs.py.
"""

from __future__ import annotations

import functools
import math
import warnings
from collections.abc import Callable
from typing import Any, TypeVar

import autograd
from autograd.ops.activation import logsigmoid
from autograd.tensor import Tensor

from .bernoulli import Bernoulli
from .beta import Beta
from .binomial import Binomial
from .categorical import Categorical
from .cauchy import Cauchy
from .dirichlet import Dirichlet
from .distribution import Distribution
from .exponential import Exponential
from .gamma import Gamma
from .geometric import Geometric
from .gumbel import Gumbel
from .half_normal import HalfNormal
from .independent import Independent
from .laplace import Laplace
from .multivariate_normal import MultivariateNormal, mahalanobis
from .normal import Normal
from .one_hot_categorical import OneHotCategorical
from .poisson import Poisson
from .transformed_distribution import TransformedDistribution
from .uniform import Uniform
from .utils import euler_constant, sum_rightmost

F = TypeVar("F", bound=Callable[[Any, Any], Tensor])

REGISTERED: dict[tuple[type, type], Callable[[Any, Any], Tensor]] = {}
"""The functions by the types of p and q; subclasses inherit them."""


def register_kl(type_p: type, type_q: type) -> Callable[[F], F]:
    """Makes the decorated function of p and q the divergence of these types (and subclasses).

    >>> from autograd.distributions import Normal
    >>> class Bell(Normal): pass
    >>> @register_kl(Bell, Normal)
    ... def kl_bell_normal(p, q):
    ...     return p.loc * 0 + 42
    >>> kl_divergence(Bell(0.0, 1.0), Normal(0.0, 1.0))
    tensor(42.)
    """
    for name, cls in (("type_p", type_p), ("type_q", type_q)):
        if not (isinstance(cls, type) and issubclass(cls, Distribution)):
            raise TypeError(f"Expected {name} to be a Distribution subclass but got {cls}")

    def register(function: F) -> F:
        REGISTERED[type_p, type_q] = function
        _found.cache_clear()
        return function

    return register


@functools.cache
def _found(type_p: Any, type_q: Any) -> Callable[[Any, Any], Tensor] | None:
    """The function for the nearest base classes."""
    ranked = {
        (type_p.__mro__.index(p), type_q.__mro__.index(q)): function
        for (p, q), function in REGISTERED.items()
        if issubclass(type_p, p) and issubclass(type_q, q)
    }
    if not ranked:
        return None
    by_p, by_q = min(ranked), min(ranked, key=lambda rank: rank[::-1])
    if ranked[by_p] is not ranked[by_q]:
        nearest = type_p.__mro__[by_p[0]].__name__, type_q.__mro__[by_q[1]].__name__
        warnings.warn(
            f"Ambiguous kl_divergence({type_p.__name__}, {type_q.__name__}). Please "
            f"register_kl({nearest[0]}, {nearest[1]})",
            RuntimeWarning,
            stacklevel=3,
        )
    return ranked[by_p]


def kl_divergence(p: Distribution, q: Distribution) -> Tensor:
    """KL(p ‖ q), the mean over p of log p - log q, of shape batch_shape.

    A NotImplementedError names a pair that has no closed form here; `register_kl` adds pairs.

    >>> from autograd.distributions import Normal
    >>> kl_divergence(Normal(0.0, 1.0), Normal(1.0, 1.0))
    tensor(0.5000)
    """
    types: tuple[Any, Any] = type(p), type(q)
    function = _found(*types)
    if function is None:
        raise NotImplementedError(
            f"No KL(p || q) is implemented for p type {type(p).__name__} and q type "
            f"{type(q).__name__}"
        )
    return function(p, q)


@register_kl(Bernoulli, Bernoulli)
def _bernoulli(p: Bernoulli, q: Bernoulli) -> Tensor:
    one = p.probs * (logsigmoid(p.logits) - logsigmoid(q.logits))
    one = autograd.where(q.probs == 0, math.inf, one)
    zero = (1 - p.probs) * (logsigmoid(-p.logits) - logsigmoid(-q.logits))
    zero = autograd.where(q.probs == 1, math.inf, zero)
    return autograd.where(p.probs == 0, 0.0, one) + autograd.where(p.probs == 1, 0.0, zero)


@register_kl(Binomial, Binomial)
def _binomial(p: Binomial, q: Binomial) -> Tensor:
    if (p.total_count < q.total_count).any():
        raise NotImplementedError(
            "KL between Binomials where q.total_count > p.total_count is not implemented"
        )
    per_trial = p.probs * (p.logits - q.logits) + (-p.probs).log1p() - (-q.probs).log1p()
    return autograd.where(p.total_count > q.total_count, math.inf, p.total_count * per_trial)


@register_kl(Categorical, Categorical)
def _categorical(p: Categorical, q: Categorical) -> Tensor:
    terms = p.probs * (p.logits - q.logits)
    terms = autograd.where(q.probs == 0, math.inf, terms)
    return autograd.where(p.probs == 0, 0.0, terms).sum(-1)


@register_kl(OneHotCategorical, OneHotCategorical)
def _one_hot_categorical(p: OneHotCategorical, q: OneHotCategorical) -> Tensor:
    return _categorical(p._categorical, q._categorical)


@register_kl(Geometric, Geometric)
def _geometric(p: Geometric, q: Geometric) -> Tensor:
    return -p.entropy() - (-q.probs).log1p() / p.probs - q.logits


@register_kl(Poisson, Poisson)
def _poisson(p: Poisson, q: Poisson) -> Tensor:
    return p.rate * (p.rate.log() - q.rate.log()) - (p.rate - q.rate)


@register_kl(Dirichlet, Dirichlet)
def _dirichlet(p: Dirichlet, q: Dirichlet) -> Tensor:
    a, b = p.concentration, q.concentration
    total = a.sum(-1)
    mean_logs = a.digamma() - total.digamma()[..., None]
    norms = total.lgamma() - b.sum(-1).lgamma() - (a.lgamma() - b.lgamma()).sum(-1)
    return norms + ((a - b) * mean_logs).sum(-1)


@register_kl(Beta, Beta)
def _beta(p: Beta, q: Beta) -> Tensor:
    return _dirichlet(p._dirichlet, q._dirichlet)


@register_kl(Exponential, Exponential)
def _exponential(p: Exponential, q: Exponential) -> Tensor:
    ratio = q.rate / p.rate
    return ratio - 1 - ratio.log()


@register_kl(Gamma, Gamma)
def _gamma(p: Gamma, q: Gamma) -> Tensor:
    a, b = p.concentration, q.concentration
    return (
        b * (p.rate / q.rate).log()
        + b.lgamma()
        - a.lgamma()
        + (a - b) * a.digamma()
        + (q.rate - p.rate) * (a / p.rate)
    )


@register_kl(Normal, Normal)
def _normal(p: Normal, q: Normal) -> Tensor:
    ratio = (p.scale / q.scale) ** 2
    return 0.5 * (ratio + ((p.loc - q.loc) / q.scale) ** 2 - 1 - ratio.log())


@register_kl(HalfNormal, HalfNormal)
def _half_normal(p: HalfNormal, q: HalfNormal) -> Tensor:
    return _normal(p.base_dist, q.base_dist)


@register_kl(MultivariateNormal, MultivariateNormal)
def _multivariate_normal(p: MultivariateNormal, q: MultivariateNormal) -> Tensor:
    if p.event_shape != q.event_shape:
        raise ValueError(
            "KL-divergence between two Multivariate Normals with different event shapes cannot be "
            f"computed: {p.event_shape} and {q.event_shape}"
        )
    ratio = autograd.linalg.solve_triangular(q.scale_tril, p.scale_tril, upper=False)
    spread = (ratio**2).sum((-1, -2))
    distance = mahalanobis(q.scale_tril, q.loc - p.loc)
    log_ratio = q._half_log_det() - p._half_log_det()
    return log_ratio + 0.5 * (spread + distance - p.event_shape[0])


@register_kl(Laplace, Laplace)
def _laplace(p: Laplace, q: Laplace) -> Tensor:
    distance, ratio = (p.loc - q.loc).abs(), p.scale / q.scale
    return distance / q.scale + ratio * (-distance / p.scale).exp() - 1 - ratio.log()


@register_kl(Cauchy, Cauchy)
def _cauchy(p: Cauchy, q: Cauchy) -> Tensor:
    # Chyzak and Nielsen, "A closed-form formula for the Kullback-Leibler divergence between Cauchy
    # distributions", 2019.
    squares = (p.scale + q.scale) ** 2 + (p.loc - q.loc) ** 2
    return squares.log() - (4 * p.scale * q.scale).log()


@register_kl(Gumbel, Gumbel)
def _gumbel(p: Gumbel, q: Gumbel) -> Tensor:
    ratio, shift = p.scale / q.scale, (q.loc - p.loc) / q.scale
    moment = (shift + (1 + ratio).lgamma()).exp()
    return ratio * euler_constant - ratio.log() - shift + moment - (1 + euler_constant)


@register_kl(Uniform, Uniform)
def _uniform(p: Uniform, q: Uniform) -> Tensor:
    outside = (q.low > p.low) | (q.high < p.high)
    return autograd.where(outside, math.inf, ((q.high - q.low) / (p.high - p.low)).log())


@register_kl(Independent, Independent)
def _independent(p: Independent, q: Independent) -> Tensor:
    if p.reinterpreted_batch_ndims != q.reinterpreted_batch_ndims:
        raise NotImplementedError("KL of Independent with different reinterpreted_batch_ndims")
    return sum_rightmost(kl_divergence(p.base_dist, q.base_dist), p.reinterpreted_batch_ndims)


@register_kl(TransformedDistribution, TransformedDistribution)
def _transformed(p: TransformedDistribution, q: TransformedDistribution) -> Tensor:
    if p.transforms != q.transforms or p.event_shape != q.event_shape:
        raise NotImplementedError("KL of distributions with different transforms or event shapes")
    return kl_divergence(p.base_dist, q.base_dist)
