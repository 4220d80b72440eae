"""The Poisson distribution: how many events happen."""

from __future__ import annotations

from typing import Any

import autograd
from autograd.grad_mode import no_grad
from autograd.tensor import Tensor

from . import constraints
from .distribution import Distribution
from .utils import broadcast_all


class Poisson(Distribution):
    """Counts with mean `rate`: value has the probability rate^value exp(-rate) / value!.

    >>> import autograd
    >>> Poisson(2.0).log_prob(autograd.tensor([0.0, 1.0, 2.0])).exp()
    tensor([0.1353, 0.2707, 0.2707])
    """

    arg_constraints = {"rate": constraints.nonnegative}
    support = constraints.nonnegative_integer

    def __init__(self, rate: Any, validate_args: bool | None = None) -> None:
        (self.rate,) = broadcast_all(rate)
        super().__init__(self.rate.shape, validate_args=validate_args)

    @property
    def mean(self) -> Tensor:
        return self.rate

    @property
    def mode(self) -> Tensor:
        return self.rate.floor()

    @property
    def variance(self) -> Tensor:
        return self.rate

    def sample(self, sample_shape: Any = ()) -> Tensor:
        with no_grad():
            return autograd.poisson(self.rate.expand(self._extended_shape(sample_shape)))

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        return value.xlogy(self.rate) - self.rate - (value + 1).lgamma()
