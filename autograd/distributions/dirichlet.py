"""The Dirichlet distribution: over the probabilities of K classes."""

from __future__ import annotations

from typing import Any

import autograd
from autograd.tensor import Tensor

from . import constraints
from .distribution import Distribution
from .reparameterization import StandardDirichlet


class Dirichlet(Distribution):
    """Vectors of positive numbers with sum 1, of K components.

    Args:
        concentration: positive numbers (α) of shape (..., K); with all 1, the uniform distribution.
        validate_args: whether to check arguments.

    >>> import autograd
    >>> Dirichlet(autograd.tensor([1.0, 3.0])).mean
    tensor([0.2500, 0.7500])
    """

    arg_constraints = {"concentration": constraints.independent(constraints.positive, 1)}
    support = constraints.simplex
    has_rsample = True

    def __init__(self, concentration: Tensor, validate_args: bool | None = None) -> None:
        if concentration.dim() < 1:
            raise ValueError("`concentration` parameter must be at least one-dimensional.")
        self.concentration = concentration
        shape = concentration.shape
        super().__init__(shape[:-1], shape[-1:], validate_args=validate_args)

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        return StandardDirichlet.apply(
            self.concentration.expand(self._extended_shape(sample_shape))
        )

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        a = self.concentration
        return (a - 1).xlogy(value).sum(-1) + a.sum(-1).lgamma() - a.lgamma().sum(-1)

    @property
    def mean(self) -> Tensor:
        return self.concentration / self.concentration.sum(-1, keepdim=True)

    @property
    def mode(self) -> Tensor:
        """The most probable vector; where all concentrations are below 1, one of the corners."""
        above = (self.concentration - 1).clamp(min=0.0)
        corner = autograd.zeros_like(above)
        corner[..., 0] = 1
        in_corner = (self.concentration < 1).all(-1, keepdim=True)
        # Where it is chosen: a quotient 0 / 0 would make the gradient NaN there too.
        above = autograd.where(in_corner, corner, above)
        return above / above.sum(-1, keepdim=True)

    @property
    def variance(self) -> Tensor:
        a, total = self.concentration, self.concentration.sum(-1, keepdim=True)
        return a * (total - a) / (total**2 * (total + 1))

    def entropy(self) -> Tensor:
        a, total, k = self.concentration, self.concentration.sum(-1), self._event_shape[0]
        return (
            a.lgamma().sum(-1)
            - total.lgamma()
            - (k - total) * total.digamma()
            - ((a - 1) * a.digamma()).sum(-1)
        )
