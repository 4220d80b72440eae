"""The normal (Gaussian) distribution."""

from __future__ import annotations

import math
from typing import Any

from autograd.tensor import Tensor

from .location_scale import LocationScale
from .utils import noise


class Normal(LocationScale):
    """The normal distribution with mean `loc` and standard deviation `scale`.

    >>> import autograd
    >>> d = Normal(autograd.tensor([0.0, 1.0]), 1.0)
    >>> d.log_prob(autograd.tensor(0.0))
    tensor([-0.9189, -1.4189])
    """

    @property
    def stddev(self) -> Tensor:
        return self.scale

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        shape = self._extended_shape(sample_shape)
        return self.loc + noise("standard_normal", shape, self.loc) * self.scale

    def log_prob(self, value: Tensor) -> Tensor:
        z = self._standardized(value)
        return -0.5 * z * z - self.scale.log() - 0.5 * math.log(2 * math.pi)

    def cdf(self, value: Tensor) -> Tensor:
        return 0.5 * (1 + (self._standardized(value) / math.sqrt(2)).erf())

    def icdf(self, value: Tensor) -> Tensor:
        return self.loc + self.scale * (2 * value - 1).erfinv() * math.sqrt(2)

    def entropy(self) -> Tensor:
        return 0.5 + 0.5 * math.log(2 * math.pi) + self.scale.log()
