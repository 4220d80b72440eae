"""The Bernoulli distribution made continuous, for gradients of samples."""

from __future__ import annotations

from typing import Any

from autograd.tensor import Tensor

from . import constraints
from .distribution import Distribution
from .transformed_distribution import TransformedDistribution
from .transforms import SigmoidTransform
from .utils import ProbsOrLogits, broadcast_all, clamp_probs, uniform_noise


class LogitRelaxedBernoulli(ProbsOrLogits, Distribution):
    """The log-odds of the values of `RelaxedBernoulli`."""

    arg_constraints = {"probs": constraints.unit_interval, "logits": constraints.real}
    support = constraints.real
    has_rsample = True
    _unbatched = ("temperature",)

    def __init__(
        self,
        temperature: Any,
        probs: Any = None,
        logits: Any = None,
        validate_args: bool | None = None,
    ) -> None:
        name, value = self._given(probs, logits)
        (self.temperature,) = broadcast_all(temperature)
        (self.__dict__[name],) = broadcast_all(value)
        super().__init__(self._param.shape, validate_args=validate_args)

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        u = uniform_noise(self._extended_shape(sample_shape), self._param)
        p = clamp_probs(self.probs)
        return (u.log() - (-u).log1p() + p.log() - (-p).log1p()) / self.temperature

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        difference = self.logits - value * self.temperature
        return self.temperature.log() + difference - 2 * difference.exp().log1p()


class RelaxedBernoulli(TransformedDistribution):
    """Values in (0, 1), the closer to 0 and 1 the lower the `temperature`.

    Maddison, Mnih and Teh, "The Concrete Distribution", 2017; Jang, Gu and Poole, "Categorical
    Reparameterization with Gumbel-Softmax", 2017.

    Args:
        temperature: how far from 0 and 1 values are.
        probs: the probability of values near 1.
        logits: the log-odds of values near 1, in the place of `probs`.
        validate_args: whether to check arguments.

    >>> import autograd
    >>> p = autograd.tensor([0.3, 0.9], requires_grad=True)
    >>> RelaxedBernoulli(0.5, probs=p).rsample().requires_grad
    True
    """

    arg_constraints = {"probs": constraints.unit_interval, "logits": constraints.real}
    support = constraints.unit_interval

    def __init__(
        self,
        temperature: Any,
        probs: Any = None,
        logits: Any = None,
        validate_args: bool | None = None,
    ) -> None:
        base = LogitRelaxedBernoulli(temperature, probs, logits)
        super().__init__(base, SigmoidTransform(), validate_args=validate_args)

    @property
    def temperature(self) -> Tensor:
        """How far from 0 and 1 values are."""
        return self.base_dist.temperature

    @property
    def logits(self) -> Tensor:
        """The log-odds of values near 1."""
        return self.base_dist.logits

    @property
    def probs(self) -> Tensor:
        """The probability of values near 1."""
        return self.base_dist.probs
