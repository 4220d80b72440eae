"""Samples of gamma and Dirichlet distributions that are differentiable in the parameters.

Such a sample is made by rejection, so that it is no formula of noise and parameters. But moving the
parameter a and keeping the quantile moves the sample x by

    dx/da = -(dF(x; a)/da) / (dF(x; a)/dx)

with F the distribution function (Figurnov, Mohamed and Mnih, "Implicit Reparameterization
Gradients", 2018, equation 5). dF/dx is the density; dF/da has no closed form.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.special import betainc, betaincc, betaln, gammainc, gammaincc, gammaln

from autograd.custom import Function, once_differentiable
from autograd.random import rng_of
from autograd.tensor import Tensor, wrap


def _derivative(f: Callable[[Any], Any], a: Any) -> Any:
    """f'(a) of a distribution function, by a difference, which has about nine digits.

    F changes on the scale of a where a is small, and of its root where a is large.
    """
    h = 1e-5 * np.minimum(a, np.sqrt(a))
    above, below = a + h, a - h
    return (f(above) - f(below)) / (above - below)


def _of_tail(lower: Any, upper: Any, in_lower: Any, *args: Any) -> Any:
    """`lower`, or minus `upper` = 1 - lower: whichever is small, and so has small errors.

    The two differ by a constant, which the derivative does not see.
    """
    out = np.empty(in_lower.shape)
    out[in_lower] = lower(*(x[in_lower] for x in args))
    out[~in_lower] = -upper(*(x[~in_lower] for x in args))
    return out


def gamma_slope(a: np.ndarray, x: np.ndarray) -> np.ndarray:
    """dx/da of a sample x of the standard gamma distribution with shape parameter a."""
    a, x = np.broadcast_arrays(np.asarray(a, np.float64), np.asarray(x, np.float64))
    in_lower = x < a
    with np.errstate(all="ignore"):
        by_a = _derivative(lambda b: _of_tail(gammainc, gammaincc, in_lower, b, x), a)
        return -by_a * np.exp(x - (a - 1) * np.log(x) + gammaln(a))


def beta_slope(a: np.ndarray, b: np.ndarray, x: np.ndarray) -> np.ndarray:
    """dx/da of a sample x of the beta distribution with parameters a and b."""
    a, b, x = np.broadcast_arrays(*(np.asarray(v, np.float64) for v in (a, b, x)))
    in_lower = x * (a + b) < a
    with np.errstate(all="ignore"):
        by_a = _derivative(lambda c: _of_tail(betainc, betaincc, in_lower, c, b, x), a)
        return -by_a * np.exp(betaln(a, b) - (a - 1) * np.log(x) - (b - 1) * np.log1p(-x))


class StandardGamma(Function):
    """A sample of the gamma distribution with rate 1."""

    @staticmethod
    def forward(ctx: Any, concentration: Tensor) -> Tensor:
        a = concentration._data
        x = np.asarray(rng_of(None).standard_gamma(a)).astype(a.dtype)
        out = wrap(np.maximum(x, np.finfo(a.dtype).tiny))
        ctx.save_for_backward(concentration, out)
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, g: Tensor) -> Tensor:
        a, x = (t._data for t in ctx.saved_tensors)
        return wrap(g._data * gamma_slope(a, x).astype(a.dtype))


class StandardDirichlet(Function):
    """A sample of the Dirichlet distribution over the last dimension."""

    @staticmethod
    def forward(ctx: Any, concentration: Tensor) -> Tensor:
        a, rng = concentration._data, rng_of(None)
        # Logarithms of gamma samples, by those for a + 1: for small a the samples underflow.
        with np.errstate(divide="ignore"):
            logs = np.log(rng.standard_gamma(a + 1.0)) - rng.standard_exponential(a.shape) / a
        x = np.exp(logs - logs.max(-1, keepdims=True))
        x = (x / x.sum(-1, keepdims=True)).astype(a.dtype)
        info = np.finfo(a.dtype)
        out = wrap(np.clip(x, info.tiny, 1 - info.epsneg))
        ctx.save_for_backward(concentration, out)
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, g: Tensor) -> Tensor:
        # Each component has a beta distribution; as it moves, the others shrink in proportion.
        a, x = (t._data for t in ctx.saved_tensors)
        b = a.sum(-1, keepdims=True) - a
        with np.errstate(all="ignore"):
            slope = (beta_slope(a, b, x) / (1 - x)).astype(a.dtype)
        return wrap(slope * (g._data - (x * g._data).sum(-1, keepdims=True)))
