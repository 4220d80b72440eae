"""The geometric distribution: how many failures come before the first success."""

from __future__ import annotations

from typing import Any

import autograd
from autograd.grad_mode import no_grad
from autograd.ops.activation import logsigmoid
from autograd.tensor import Tensor

from . import constraints
from .distribution import Distribution
from .utils import ProbsOrLogits, broadcast_all, uniform_noise


class Geometric(ProbsOrLogits, Distribution):
    """The number of failures, 0, 1, ..., before a trial with probability `probs` succeeds.

    >>> import autograd
    >>> Geometric(0.5).log_prob(autograd.tensor([0.0, 1.0, 2.0])).exp()
    tensor([0.5000, 0.2500, 0.1250])
    """

    arg_constraints = {"probs": constraints.unit_interval, "logits": constraints.real}
    support = constraints.nonnegative_integer

    def __init__(
        self, probs: Any = None, logits: Any = None, validate_args: bool | None = None
    ) -> None:
        name, value = self._given(probs, logits)
        (self.__dict__[name],) = broadcast_all(value)
        super().__init__(self._param.shape, validate_args=validate_args)
        if self._validate_args and name == "probs":
            self._check("parameter probs", self.probs, constraints.positive)

    @property
    def mean(self) -> Tensor:
        return 1 / self.probs - 1

    @property
    def mode(self) -> Tensor:
        return self.probs.detach() * 0

    @property
    def variance(self) -> Tensor:
        return (1 / self.probs - 1) / self.probs

    def sample(self, sample_shape: Any = ()) -> Tensor:
        with no_grad():
            u = uniform_noise(self._extended_shape(sample_shape), self._param)
            return (u.log() / (-self.probs).log1p()).floor()

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        # 0 * log(0) for certain success at once.
        certain = (self.probs == 1) & (value == 0)
        failure = autograd.where(certain, 0.0, self.probs)
        return value * (-failure).log1p() + self.probs.log()

    def entropy(self) -> Tensor:
        flip = (1 - self.probs) * self.logits - logsigmoid(self.logits)
        return flip / self.probs
