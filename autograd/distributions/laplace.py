"""The Laplace distribution."""

from __future__ import annotations

import math
from typing import Any

from autograd.tensor import Tensor

from .location_scale import LocationScale
from .utils import uniform_noise


class Laplace(LocationScale):
    """The Laplace distribution, with density exp(-|value - loc| / scale) / (2 scale).

    >>> import autograd
    >>> Laplace(0.0, 2.0).log_prob(autograd.tensor([0.0, 1.0])).exp()
    tensor([0.2500, 0.1516])
    """

    @property
    def stddev(self) -> Tensor:
        return math.sqrt(2) * self.scale

    @property
    def variance(self) -> Tensor:
        return 2 * self.scale**2

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        return self.icdf(uniform_noise(self._extended_shape(sample_shape), self.loc))

    def log_prob(self, value: Tensor) -> Tensor:
        return -self._standardized(value).abs() - (2 * self.scale).log()

    def cdf(self, value: Tensor) -> Tensor:
        z = self._standardized(value)
        return 0.5 - 0.5 * z.sign() * (-z.abs()).expm1()

    def icdf(self, value: Tensor) -> Tensor:
        term = value - 0.5
        return self.loc - self.scale * term.sign() * (-2 * term.abs()).log1p()

    def entropy(self) -> Tensor:
        return 1 + (2 * self.scale).log()
