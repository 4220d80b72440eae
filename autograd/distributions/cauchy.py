"""The Cauchy distribution, whose tails are so heavy that it has no mean."""

from __future__ import annotations

import math
from typing import Any

from autograd.tensor import Tensor

from .location_scale import LocationScale
from .utils import uniform_noise


class Cauchy(LocationScale):
    """The Cauchy (Lorentz) distribution with median `loc` and half width `scale`.

    >>> import autograd
    >>> Cauchy(0.0, 1.0).cdf(autograd.tensor([0.0, 1.0]))
    tensor([0.5000, 0.7500])
    """

    @property
    def mean(self) -> Tensor:
        """NaN: the integral does not converge."""
        return self.loc.detach() * math.nan

    @property
    def variance(self) -> Tensor:
        return self.scale.detach() * math.inf

    @property
    def stddev(self) -> Tensor:
        return self.variance

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        return self.icdf(uniform_noise(self._extended_shape(sample_shape), self.loc))

    def log_prob(self, value: Tensor) -> Tensor:
        z = self._standardized(value)
        return -(z * z).log1p() - self.scale.log() - math.log(math.pi)

    def cdf(self, value: Tensor) -> Tensor:
        return self._standardized(value).atan() / math.pi + 0.5

    def icdf(self, value: Tensor) -> Tensor:
        return (math.pi * (value - 0.5)).tan() * self.scale + self.loc

    def entropy(self) -> Tensor:
        return math.log(4 * math.pi) + self.scale.log()
