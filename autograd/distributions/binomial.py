"""The binomial distribution: how many of n flips of a coin are heads."""

from __future__ import annotations

from typing import Any

import numpy as np

import autograd
from autograd.ops.activation import logsigmoid
from autograd.random import rng_of
from autograd.tensor import Tensor, wrap

from . import constraints
from .distribution import Distribution
from .utils import ProbsOrLogits, broadcast_all


class Binomial(ProbsOrLogits, Distribution):
    """The number of successes of `total_count` trials, each with probability `probs`.

    Args:
        total_count: how many trials, a number or a tensor.
        probs: the probability of success.
        logits: the log-odds of success, in the place of `probs`.
        validate_args: whether to check arguments.

    >>> import autograd
    >>> Binomial(2, autograd.tensor(0.5)).log_prob(autograd.tensor([0.0, 1.0])).exp()
    tensor([0.2500, 0.5000])
    """

    arg_constraints = {
        "total_count": constraints.nonnegative_integer,
        "probs": constraints.unit_interval,
        "logits": constraints.real,
    }
    has_enumerate_support = True

    def __init__(
        self,
        total_count: Any = 1,
        probs: Any = None,
        logits: Any = None,
        validate_args: bool | None = None,
    ) -> None:
        name, value = self._given(probs, logits)
        counts, param = broadcast_all(total_count, value)
        self.total_count = counts.type_as(param)
        self.__dict__[name] = param
        super().__init__(param.shape, validate_args=validate_args)

    @constraints.dependent_property(is_discrete=True, event_dim=0)
    def support(self) -> Any:
        return constraints.integer_interval(0, self.total_count)

    @property
    def mean(self) -> Tensor:
        return self.total_count * self.probs

    @property
    def mode(self) -> Tensor:
        return autograd.minimum(((self.total_count + 1) * self.probs).floor(), self.total_count)

    @property
    def variance(self) -> Tensor:
        return self.total_count * self.probs * (1 - self.probs)

    def sample(self, sample_shape: Any = ()) -> Tensor:
        shape = self._extended_shape(sample_shape)
        counts = self.total_count._data.astype(np.int64)
        values = rng_of(None).binomial(counts, self.probs._data, shape)
        return wrap(np.asarray(values).astype(self._param.dtype))

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        n, k = self.total_count, value
        ways = (n + 1).lgamma() - (k + 1).lgamma() - (n - k + 1).lgamma()
        # log(1 - p) = logsigmoid(-logits); k log p + (n - k) log(1 - p) = k logits + n log(1 - p)
        return ways + k * self.logits + n * logsigmoid(-self.logits)

    def _count(self, what: str) -> int:
        count = int(self.total_count.max())
        if int(self.total_count.min()) != count:
            raise NotImplementedError(f"Inhomogeneous total count not supported by `{what}`.")
        return count

    def entropy(self) -> Tensor:
        self._count("entropy")
        log_prob = self.log_prob(self.enumerate_support(False))
        return -(log_prob.exp() * log_prob).sum(0)

    def enumerate_support(self, expand: bool = True) -> Tensor:
        count = self._count("enumerate_support")
        return self._enumerated(autograd.arange(1 + count, dtype=self._param.dtype), expand)
