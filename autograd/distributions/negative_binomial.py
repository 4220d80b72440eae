"""The negative binomial distribution: how many successes come before the n-th failure."""

from __future__ import annotations

from typing import Any

import autograd
from autograd.grad_mode import no_grad
from autograd.ops.activation import logsigmoid
from autograd.tensor import Tensor

from . import constraints
from .distribution import Distribution
from .gamma import Gamma
from .utils import ProbsOrLogits, broadcast_all


class NegativeBinomial(ProbsOrLogits, Distribution):
    """The number of successes, each with probability `probs`, before `total_count` failures.

    >>> import autograd
    >>> NegativeBinomial(1, autograd.tensor(0.5)).log_prob(autograd.tensor([0.0, 1.0])).exp()
    tensor([0.5000, 0.2500])
    """

    arg_constraints = {
        "total_count": constraints.greater_than_eq(0),
        "probs": constraints.half_open_interval(0.0, 1.0),
        "logits": constraints.real,
    }
    support = constraints.nonnegative_integer

    def __init__(
        self,
        total_count: Any,
        probs: Any = None,
        logits: Any = None,
        validate_args: bool | None = None,
    ) -> None:
        name, value = self._given(probs, logits)
        counts, param = broadcast_all(total_count, value)
        self.total_count = counts.type_as(param)
        self.__dict__[name] = param
        super().__init__(param.shape, validate_args=validate_args)

    @property
    def mean(self) -> Tensor:
        return self.total_count * self.logits.exp()

    @property
    def mode(self) -> Tensor:
        return ((self.total_count - 1) * self.logits.exp()).floor().clamp(min=0.0)

    @property
    def variance(self) -> Tensor:
        return self.mean / (-self.logits).sigmoid()

    def sample(self, sample_shape: Any = ()) -> Tensor:
        # Poisson counts with a gamma distributed rate.
        with no_grad():
            rates = Gamma(self.total_count, (-self.logits).exp(), validate_args=False)
            return autograd.poisson(rates.sample(sample_shape))

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        n = self.total_count
        by_flips = n * logsigmoid(-self.logits) + value * logsigmoid(self.logits)
        ways = (n + value).lgamma() - (1 + value).lgamma() - n.lgamma()
        return by_flips + autograd.where(n + value == 0, 0.0, ways)  # no failure to wait for
