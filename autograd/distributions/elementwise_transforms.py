"""Transforms of every element by itself."""

from __future__ import annotations

import math
from typing import Any

import autograd
from autograd.ops.activation import logsigmoid, softplus
from autograd.tensor import Tensor

from . import constraints
from .distribution import Distribution
from .transform import Transform
from .utils import broadcast_all


class _OfReals(Transform):
    """A rising function of all real numbers, without parameters."""

    domain = constraints.real
    bijective = True
    sign = 1

    def _key(self) -> tuple[Any, ...]:
        return ()


class ExpTransform(_OfReals):
    """y = exp(x).

    >>> import autograd
    >>> f, x = ExpTransform(), autograd.tensor(0.5)
    >>> f(x), f.log_abs_det_jacobian(x, f(x))
    (tensor(1.6487), tensor(0.5000))
    """

    codomain = constraints.positive

    def _call(self, x: Tensor) -> Tensor:
        return x.exp()

    def _inverse(self, y: Tensor) -> Tensor:
        return y.log()

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        return x


def clipped_sigmoid(x: Tensor) -> Tensor:
    """The sigmoid, kept inside (0, 1)."""
    return _clipped(x.sigmoid())


def _clipped(y: Tensor) -> Tensor:
    info = autograd.finfo(y.dtype)
    return y.clamp(float(info.tiny), 1 - float(info.eps))


class SigmoidTransform(_OfReals):
    """y = 1 / (1 + exp(-x)), kept inside (0, 1).

    >>> import autograd
    >>> SigmoidTransform()(autograd.tensor([-2.0, 0.0, 2.0]))
    tensor([0.1192, 0.5000, 0.8808])
    """

    codomain = constraints.unit_interval

    def _call(self, x: Tensor) -> Tensor:
        return clipped_sigmoid(x)

    def _inverse(self, y: Tensor) -> Tensor:
        y = _clipped(y)
        return y.log() - (-y).log1p()

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        return logsigmoid(x) + logsigmoid(-x)


class SoftplusTransform(_OfReals):
    """y = log(1 + exp(x)).

    >>> import autograd
    >>> SoftplusTransform()(autograd.tensor([-2.0, 0.0, 2.0]))
    tensor([0.1269, 0.6931, 2.1269])
    """

    codomain = constraints.positive

    def _call(self, x: Tensor) -> Tensor:
        return softplus(x)

    def _inverse(self, y: Tensor) -> Tensor:
        return (-(-y).expm1()).log() + y

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        return logsigmoid(x)


class TanhTransform(_OfReals):
    """y = tanh(x). With cache_size=1 its inverse is exact where tanh rounds to ±1.

    >>> import autograd
    >>> TanhTransform()(autograd.tensor([-2.0, 0.0, 2.0]))
    tensor([-0.9640,  0.0000,  0.9640])
    """

    codomain = constraints.interval(-1.0, 1.0)

    def _call(self, x: Tensor) -> Tensor:
        return x.tanh()

    def _inverse(self, y: Tensor) -> Tensor:
        return y.atanh()

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        # log(1 - tanh(x)**2), without the cancellation for large x.
        return 2 * (math.log(2) - x - softplus(-2 * x))


class AbsTransform(Transform):
    """y = |x|, with the positive x for the inverse."""

    domain = constraints.real
    codomain = constraints.positive

    def _key(self) -> tuple[Any, ...]:
        return ()

    def _call(self, x: Tensor) -> Tensor:
        return x.abs()

    def _inverse(self, y: Tensor) -> Tensor:
        return y


def _shape_of(parameter: Any) -> Any:
    return parameter.shape if isinstance(parameter, Tensor) else ()


class PowerTransform(Transform):
    """y = x ** exponent, for positive x.

    >>> import autograd
    >>> PowerTransform(2.0)(autograd.tensor(3.0))
    tensor(9.)
    """

    domain = constraints.positive
    codomain = constraints.positive
    bijective = True

    def __init__(self, exponent: Any, cache_size: int = 0) -> None:
        super().__init__(cache_size)
        (self.exponent,) = broadcast_all(exponent)

    def _key(self) -> tuple[Any, ...]:
        return (self.exponent,)

    @property
    def sign(self) -> Any:
        return self.exponent.sign()

    def _call(self, x: Tensor) -> Tensor:
        return x**self.exponent

    def _inverse(self, y: Tensor) -> Tensor:
        return y ** (1 / self.exponent)

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        return (self.exponent * y / x).abs().log()

    def forward_shape(self, shape: Any) -> Any:
        return autograd.broadcast_shapes(shape, self.exponent.shape)

    inverse_shape = forward_shape


class AffineTransform(Transform):
    """y = loc + scale * x.

    Args:
        loc: a number or a tensor.
        scale: a number or a tensor.
        event_dim: how many dimensions make an event.
        cache_size: see `Transform`.

    >>> import autograd
    >>> f = AffineTransform(1.0, 2.0)
    >>> f(autograd.tensor(3.0)), f.inv(autograd.tensor(7.0))
    (tensor(7.), tensor(3.))
    """

    bijective = True

    def __init__(self, loc: Any, scale: Any, event_dim: int = 0, cache_size: int = 0) -> None:
        super().__init__(cache_size)
        self.loc = loc
        self.scale = scale
        self._event_dim = event_dim

    def _key(self) -> tuple[Any, ...]:
        return self.loc, self.scale

    @property
    def event_dim(self) -> int:
        return self._event_dim

    @constraints.dependent_property(is_discrete=False)
    def domain(self) -> Any:
        if self._event_dim == 0:
            return constraints.real
        return constraints.independent(constraints.real, self._event_dim)

    codomain = domain

    @property
    def sign(self) -> Any:
        if isinstance(self.scale, Tensor):
            return self.scale.sign()
        return (self.scale > 0) - (self.scale < 0)

    def _call(self, x: Tensor) -> Tensor:
        return self.loc + self.scale * x

    def _inverse(self, y: Tensor) -> Tensor:
        return (y - self.loc) / self.scale

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        if isinstance(self.scale, Tensor):
            slope = self.scale.abs().log()
        else:
            slope = autograd.full_like(x, math.log(abs(self.scale)))
        if not self._event_dim:
            return slope.expand(x.shape)
        slope = slope.reshape((*slope.shape[: -self._event_dim], -1)).sum(-1)
        return slope.expand(x.shape[: -self._event_dim])

    def forward_shape(self, shape: Any) -> Any:
        return autograd.broadcast_shapes(shape, _shape_of(self.loc), _shape_of(self.scale))

    inverse_shape = forward_shape


class CumulativeDistributionTransform(Transform):
    """y = the distribution function of `distribution` at x."""

    bijective = True
    codomain = constraints.unit_interval
    sign = 1

    def __init__(self, distribution: Distribution, cache_size: int = 0) -> None:
        super().__init__(cache_size)
        self.distribution = distribution

    @property
    def domain(self) -> Any:
        return self.distribution.support

    def _call(self, x: Tensor) -> Tensor:
        return self.distribution.cdf(x)

    def _inverse(self, y: Tensor) -> Tensor:
        return self.distribution.icdf(y)

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        return self.distribution.log_prob(x)
