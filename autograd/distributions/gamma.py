"""The gamma distribution."""

from __future__ import annotations

from typing import Any

import numpy as np

import autograd
from autograd.tensor import Tensor

from . import constraints
from .distribution import Distribution
from .reparameterization import StandardGamma
from .utils import broadcast_all


class Gamma(Distribution):
    """The gamma distribution with shape `concentration` (α) and `rate` (β, 1 / scale).

    >>> import autograd
    >>> Gamma(1.0, 2.0).log_prob(autograd.tensor([0.5, 1.0])).exp()
    tensor([0.7358, 0.2707])
    """

    arg_constraints: Any = {
        "concentration": constraints.positive,
        "rate": constraints.positive,
    }
    support = constraints.nonnegative
    has_rsample = True

    def __init__(self, concentration: Any, rate: Any, validate_args: bool | None = None) -> None:
        self.concentration, self.rate = broadcast_all(concentration, rate)
        super().__init__(self.concentration.shape, validate_args=validate_args)

    @property
    def mean(self) -> Tensor:
        return self.concentration / self.rate

    @property
    def mode(self) -> Tensor:
        return ((self.concentration - 1) / self.rate).clamp(min=0)

    @property
    def variance(self) -> Tensor:
        return self.concentration / self.rate**2

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        shape = self._extended_shape(sample_shape)
        value = StandardGamma.apply(self.concentration.expand(shape)) / self.rate
        # A sample of 0 would have an infinite density. Not an operation: the gradient stays, which
        # this change of less than any number is too small to touch.
        np.maximum(value._data, np.finfo(value.dtype).tiny, out=value._data)
        return value

    def log_prob(self, value: Any) -> Tensor:
        value = autograd.as_tensor(value, dtype=self.rate.dtype)
        if self._validate_args:
            self._validate_sample(value)
        return (
            self.concentration.xlogy(self.rate)
            + (self.concentration - 1).xlogy(value)
            - self.rate * value
            - self.concentration.lgamma()
        )

    def cdf(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        return autograd.special.gammainc(self.concentration, self.rate * value)

    def entropy(self) -> Tensor:
        a = self.concentration
        return a - self.rate.log() + a.lgamma() + (1 - a) * a.digamma()
