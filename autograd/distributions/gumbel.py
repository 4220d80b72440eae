"""The Gumbel distribution: of the maximum of many values."""

from __future__ import annotations

import math
from typing import Any

from autograd.tensor import Tensor

from .location_scale import LocationScale
from .utils import euler_constant, uniform_noise


class Gumbel(LocationScale):
    """The Gumbel distribution, with distribution function exp(-exp(-(value - loc) / scale)).

    >>> import autograd
    >>> Gumbel(1.0, 2.0).cdf(autograd.tensor(1.0))
    tensor(0.3679)
    """

    @property
    def mean(self) -> Tensor:
        return self.loc + self.scale * euler_constant

    @property
    def stddev(self) -> Tensor:
        return math.pi / math.sqrt(6) * self.scale

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        return self.icdf(uniform_noise(self._extended_shape(sample_shape), self.loc))

    def log_prob(self, value: Tensor) -> Tensor:
        z = self._standardized(value)
        return -z - (-z).exp() - self.scale.log()

    def cdf(self, value: Tensor) -> Tensor:
        return (-(-self._standardized(value)).exp()).exp()

    def icdf(self, value: Tensor) -> Tensor:
        return self.loc - self.scale * (-value.log()).log()

    def entropy(self) -> Tensor:
        return self.scale.log() + (1 + euler_constant)
