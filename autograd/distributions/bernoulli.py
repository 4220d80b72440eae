"""The Bernoulli distribution: one flip of a coin."""

from __future__ import annotations

import math
from typing import Any

import autograd
from autograd.grad_mode import no_grad
from autograd.ops.activation import logsigmoid
from autograd.tensor import Tensor

from . import constraints
from .distribution import Distribution
from .utils import ProbsOrLogits, broadcast_all


class Bernoulli(ProbsOrLogits, Distribution):
    """1 with probability `probs` (or log-odds `logits`), else 0.

    >>> import autograd
    >>> d = Bernoulli(autograd.tensor([0.25, 1.0]))
    >>> d.log_prob(autograd.tensor(1.0)).exp()
    tensor([0.2500, 1.0000])
    """

    arg_constraints = {"probs": constraints.unit_interval, "logits": constraints.real}
    support = constraints.boolean
    has_enumerate_support = True

    def __init__(
        self, probs: Any = None, logits: Any = None, validate_args: bool | None = None
    ) -> None:
        name, value = self._given(probs, logits)
        (self.__dict__[name],) = broadcast_all(value)
        super().__init__(self._param.shape, validate_args=validate_args)

    @property
    def mean(self) -> Tensor:
        return self.probs

    @property
    def mode(self) -> Tensor:
        """The more probable value; NaN where both are as probable."""
        return autograd.where(self.probs == 0.5, math.nan, (self.probs >= 0.5).type_as(self.probs))

    @property
    def variance(self) -> Tensor:
        return self.probs * (1 - self.probs)

    def sample(self, sample_shape: Any = ()) -> Tensor:
        with no_grad():
            return autograd.bernoulli(self.probs.expand(self._extended_shape(sample_shape)))

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        return (value - 1) * self.logits + logsigmoid(self.logits)

    def entropy(self) -> Tensor:
        return (1 - self.probs) * self.logits - logsigmoid(self.logits)

    def enumerate_support(self, expand: bool = True) -> Tensor:
        return self._enumerated(autograd.arange(2, dtype=self._param.dtype), expand)
