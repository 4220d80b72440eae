"""The categorical distribution: one of K classes."""

from __future__ import annotations

import math
from typing import Any

import autograd
from autograd.grad_mode import no_grad
from autograd.tensor import Size, Tensor

from . import constraints
from .distribution import Distribution
from .utils import ProbsOrLogits


class Categorical(ProbsOrLogits, Distribution):
    """An index from 0 to K - 1, drawn with probabilities along the last dimension.

    Args:
        probs: weights of shape (..., K), which the attribute `probs` holds normalized.
        logits: logarithms of weights, which the attribute `logits` holds normalized.
        validate_args: whether to check arguments.

    >>> import autograd
    >>> d = Categorical(autograd.tensor([1.0, 3.0]))
    >>> d.probs, d.log_prob(autograd.tensor(1)).exp()
    (tensor([0.2500, 0.7500]), tensor(0.7500))
    """

    arg_constraints = {"probs": constraints.simplex, "logits": constraints.real_vector}
    has_enumerate_support = True
    _is_binary = False

    def __init__(
        self, probs: Any = None, logits: Any = None, validate_args: bool | None = None
    ) -> None:
        name, value = self._given(probs, logits)
        if value.dim() < 1:
            raise ValueError(f"`{name}` parameter must be at least one-dimensional.")
        if name == "probs":
            self.probs = value / value.sum(-1, keepdim=True)
        else:
            self.logits = value - value.logsumexp(-1, keepdim=True)
        self._num_events = value.shape[-1]
        super().__init__(value.shape[:-1], validate_args=validate_args)

    @constraints.dependent_property(is_discrete=True, event_dim=0)
    def support(self) -> Any:
        return constraints.integer_interval(0, self._num_events - 1)

    @property
    def mean(self) -> Tensor:
        """NaN: the classes are no numbers."""
        return autograd.full(self._batch_shape, math.nan, dtype=self._param.dtype)

    @property
    def mode(self) -> Tensor:
        return self._param.argmax(-1)

    @property
    def variance(self) -> Tensor:
        """NaN: the classes are no numbers."""
        return self.mean

    def sample(self, sample_shape: Any = ()) -> Tensor:
        shape = Size(sample_shape)
        with no_grad():
            rows = self.probs.reshape(-1, self._num_events)
            drawn = autograd.multinomial(rows, shape.numel(), replacement=True)
        return drawn.T.reshape(self._extended_shape(shape))

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        shape = autograd.broadcast_shapes(value.shape, self._batch_shape)
        at = value.long().expand(shape).unsqueeze(-1)
        return self.logits.expand((*shape, -1)).gather(-1, at).squeeze(-1)

    def entropy(self) -> Tensor:
        # A class of probability zero has logit -inf, and contributes 0 all the same.
        least = float(autograd.finfo(self._param.dtype).min)
        return -(self.logits.clamp(min=least) * self.probs).sum(-1)

    def enumerate_support(self, expand: bool = True) -> Tensor:
        return self._enumerated(autograd.arange(self._num_events), expand)
