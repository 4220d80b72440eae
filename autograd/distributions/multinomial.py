"""The multinomial distribution: how often each of K classes comes up."""

from __future__ import annotations

from typing import Any

import numpy as np

import autograd
from autograd.random import rng_of
from autograd.tensor import Size, Tensor, wrap

from . import constraints
from .binomial import Binomial
from .categorical import Categorical
from .distribution import Distribution


class Multinomial(Distribution):
    """The counts of K classes among `total_count` draws.

    Args:
        total_count: how many draws, one number for the whole batch.
        probs: weights of shape (..., K), which the attribute `probs` holds normalized.
        logits: logarithms of weights, which the attribute `logits` holds normalized.
        validate_args: whether to check arguments.

    >>> import autograd
    >>> d = Multinomial(2, autograd.tensor([1.0, 1.0]))
    >>> d.log_prob(autograd.tensor([1.0, 1.0])).exp()
    tensor(0.5000)
    """

    arg_constraints = {"probs": constraints.simplex, "logits": constraints.real_vector}

    def __init__(
        self,
        total_count: int = 1,
        probs: Any = None,
        logits: Any = None,
        validate_args: bool | None = None,
    ) -> None:
        if not isinstance(total_count, int):
            raise NotImplementedError("inhomogeneous total_count is not supported")
        self.total_count = total_count
        self._categorical = Categorical(probs, logits)
        shape = self._categorical.param_shape
        super().__init__(shape[:-1], shape[-1:], validate_args=validate_args)

    @property
    def probs(self) -> Tensor:
        """The normalized probabilities."""
        return self._categorical.probs

    @property
    def logits(self) -> Tensor:
        """The logarithms of the normalized probabilities."""
        return self._categorical.logits

    @property
    def param_shape(self) -> Size:
        """The shape of the parameter."""
        return self._categorical.param_shape

    @constraints.dependent_property(is_discrete=True, event_dim=1)
    def support(self) -> Any:
        return constraints.multinomial(self.total_count)

    @property
    def mean(self) -> Tensor:
        return self.probs * self.total_count

    @property
    def variance(self) -> Tensor:
        return self.total_count * self.probs * (1 - self.probs)

    def sample(self, sample_shape: Any = ()) -> Tensor:
        probs = self.probs._data.astype(np.float64)
        probs /= probs.sum(-1, keepdims=True)  # NumPy wants it to sixteen digits
        shape = Size(sample_shape) + self._batch_shape
        counts = rng_of(None).multinomial(self.total_count, probs, shape)
        return wrap(counts.astype(self.probs.dtype))

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        # 0 * log(0) for a class that cannot come up, and does not.
        logits = autograd.where((value == 0) & self.logits.isneginf(), 0.0, self.logits)
        ways = (value.sum(-1) + 1).lgamma() - (value + 1).lgamma().sum(-1)
        return ways + (logits * value).sum(-1)

    def entropy(self) -> Tensor:
        n = autograd.tensor(float(self.total_count), dtype=self.probs.dtype)
        counts = Binomial(self.total_count, self.probs)
        k = counts.enumerate_support(expand=False)[1:]
        log_factorials = (counts.log_prob(k).exp() * (k + 1).lgamma()).sum((0, -1))
        return n * self._categorical.entropy() - (n + 1).lgamma() + log_factorials
