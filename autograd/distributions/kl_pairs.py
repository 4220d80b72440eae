"""Divergences of pairs of different distributions: those that PyTorch has.

KL(p ‖ q) is the mean over p of -log q, less the entropy of p. As a function of x, log q is made of
few terms, so that a pair needs no more than the means of these over p.
"""

from __future__ import annotations

import functools
import math
from typing import Any

import autograd
from autograd.tensor import Tensor

from .bernoulli import Bernoulli
from .beta import Beta
from .binomial import Binomial
from .exponential import Exponential
from .gamma import Gamma
from .gumbel import Gumbel
from .kl import register_kl
from .laplace import Laplace
from .normal import Normal
from .pareto import Pareto
from .poisson import Poisson
from .uniform import Uniform
from .utils import euler_constant

# Means over p -------------------------------------------------------------------------------


def _x_log_x(x: Tensor) -> Tensor:
    return x.xlogy(x)  # 0 at 0


@functools.singledispatch
def mean_log(p: Any) -> Tensor:
    """The mean of log(x)."""
    raise NotImplementedError(f"the mean of log(x) over {type(p).__name__}")


@mean_log.register
def _(p: Beta) -> Tensor:
    return p.concentration1.digamma() - (p.concentration1 + p.concentration0).digamma()


@mean_log.register
def _(p: Exponential) -> Tensor:
    return -p.rate.log() - euler_constant


@mean_log.register
def _(p: Uniform) -> Tensor:
    return (_x_log_x(p.high) - _x_log_x(p.low)) / (p.high - p.low) - 1


@mean_log.register
def _(p: Pareto) -> Tensor:
    return p.scale.log() + 1 / p.alpha


@functools.singledispatch
def mean_exp(p: Any, q: Gumbel) -> Tensor:
    """The mean of exp(-(x - loc) / scale)."""
    raise NotImplementedError(f"the mean of exp(-x) over {type(p).__name__}")


@mean_exp.register
def _(p: Exponential, q: Gumbel) -> Tensor:
    product = p.rate * q.scale
    return (q.loc / q.scale).exp() * product / (product + 1)


@mean_exp.register
def _(p: Gamma, q: Gumbel) -> Tensor:
    return (q.loc / q.scale).exp() * (1 + 1 / (p.rate * q.scale)) ** -p.concentration


@mean_exp.register
def _(p: Normal, q: Gumbel) -> Tensor:
    return ((q.loc - p.loc) / q.scale + 0.5 * (p.scale / q.scale) ** 2).exp()


@mean_exp.register
def _(p: Uniform, q: Gumbel) -> Tensor:
    ends = ((q.loc - p.low) / q.scale).exp() - ((q.loc - p.high) / q.scale).exp()
    return q.scale / (p.high - p.low) * ends


def _outside(p: Any, low: Any, high: Any = None) -> Any:
    """Whether p, if it is uniform, reaches where q has no density."""
    if not isinstance(p, Uniform):
        return autograd.tensor(False)
    below = p.low < low
    return below if high is None else below | (p.high > high)


# From p to q --------------------------------------------------------------------------------


@register_kl(Beta, Normal)
@register_kl(Exponential, Normal)
@register_kl(Gamma, Normal)
@register_kl(Gumbel, Normal)
@register_kl(Laplace, Normal)
@register_kl(Pareto, Normal)
@register_kl(Uniform, Normal)
def _to_normal(p: Any, q: Normal) -> Tensor:
    squares = (p.variance + (p.mean - q.loc) ** 2) / q.scale**2
    return q.scale.log() + 0.5 * (math.log(2 * math.pi) + squares) - p.entropy()


@register_kl(Beta, Exponential)
@register_kl(Gamma, Exponential)
@register_kl(Pareto, Exponential)
@register_kl(Uniform, Exponential)
def _to_exponential(p: Any, q: Exponential) -> Tensor:
    divergence = q.rate * p.mean - q.rate.log() - p.entropy()
    return autograd.where(_outside(p, 0), math.inf, divergence)


@register_kl(Beta, Gamma)
@register_kl(Exponential, Gamma)
@register_kl(Pareto, Gamma)
@register_kl(Uniform, Gamma)
def _to_gamma(p: Any, q: Gamma) -> Tensor:
    norm = q.concentration.lgamma() - q.concentration * q.rate.log()
    divergence = norm - (q.concentration - 1) * mean_log(p) + q.rate * p.mean - p.entropy()
    return autograd.where(_outside(p, 0), math.inf, divergence)


@register_kl(Exponential, Gumbel)
@register_kl(Gamma, Gumbel)
@register_kl(Normal, Gumbel)
@register_kl(Uniform, Gumbel)
def _to_gumbel(p: Any, q: Gumbel) -> Tensor:
    return q.scale.log() + (p.mean - q.loc) / q.scale + mean_exp(p, q) - p.entropy()


@register_kl(Pareto, Pareto)
@register_kl(Uniform, Pareto)
def _to_pareto(p: Any, q: Pareto) -> Tensor:
    norm = -q.alpha.log() - q.alpha * q.scale.log()
    least = p.low if isinstance(p, Uniform) else p.scale
    divergence = norm + (q.alpha + 1) * mean_log(p) - p.entropy()
    return autograd.where(least < q.scale, math.inf, divergence)


@register_kl(Normal, Laplace)
def _normal_laplace(p: Normal, q: Laplace) -> Tensor:
    z = (p.loc - q.loc) / p.scale
    mean_distance = p.scale * (
        math.sqrt(2 / math.pi) * (-0.5 * z * z).exp() + z * (z * math.sqrt(0.5)).erf()
    )
    return (2 * q.scale).log() + mean_distance / q.scale - p.entropy()


@register_kl(Uniform, Beta)
def _uniform_beta(p: Uniform, q: Beta) -> Tensor:
    a, b = q.concentration1, q.concentration0
    mirrored = Uniform(1 - p.high, 1 - p.low, validate_args=False)
    norm = a.lgamma() + b.lgamma() - (a + b).lgamma()
    divergence = norm - (a - 1) * mean_log(p) - (b - 1) * mean_log(mirrored) - p.entropy()
    return autograd.where(_outside(p, 0, 1), math.inf, divergence)


@register_kl(Beta, Uniform)
def _beta_uniform(p: Beta, q: Uniform) -> Tensor:
    outside = (q.low > 0) | (q.high < 1)
    return autograd.where(outside, math.inf, (q.high - q.low).log() - p.entropy())


@register_kl(Bernoulli, Poisson)
def _bernoulli_poisson(p: Bernoulli, q: Poisson) -> Tensor:
    return q.rate - p.probs * q.rate.log() - p.entropy()


# Where p reaches beyond q -------------------------------------------------------------------


def _infinite(p: Any, q: Any) -> Tensor:
    return autograd.full(p.batch_shape, math.inf, dtype=p.mean.dtype)


for _p, _qs in {
    Beta: (Pareto,),
    Exponential: (Beta, Pareto, Uniform),
    Gamma: (Beta, Pareto, Uniform),
    Gumbel: (Beta, Exponential, Gamma, Pareto, Uniform),
    Laplace: (Beta, Exponential, Gamma, Pareto, Uniform),
    Normal: (Beta, Exponential, Gamma, Pareto, Uniform),
    Pareto: (Beta, Uniform),
    Poisson: (Bernoulli, Binomial),
}.items():
    for _q in _qs:
        register_kl(_p, _q)(_infinite)
