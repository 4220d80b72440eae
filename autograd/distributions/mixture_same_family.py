"""Mixtures of distributions of one kind."""

from __future__ import annotations

from typing import Any

from autograd.grad_mode import no_grad
from autograd.tensor import Size, Tensor

from . import constraints
from .categorical import Categorical
from .distribution import Distribution


class MixtureSameFamilyConstraint(constraints.Constraint):
    """The support of a mixture: that of each of its components."""

    def __init__(self, base_constraint: constraints.Constraint) -> None:
        self.base_constraint = base_constraint

    @property
    def is_discrete(self) -> bool:
        return self.base_constraint.is_discrete

    @property
    def event_dim(self) -> int:
        return self.base_constraint.event_dim

    def check(self, value: Any) -> Tensor:
        inside = self.base_constraint.check(value.unsqueeze(-1 - self.event_dim))
        batch = value.shape[: value.dim() - self.event_dim]
        return inside.reshape((*batch, -1)).all(-1)

    def __repr__(self) -> str:
        return f"MixtureSameFamilyConstraint({self.base_constraint!r})"


class MixtureSameFamily(Distribution):
    """A component, drawn from a categorical distribution, and a value drawn from the component.

    Args:
        mixture_distribution: a `Categorical` over k components.
        component_distribution: the components, along the last of its batch dimensions.
        validate_args: whether to check arguments.

    >>> import autograd
    >>> from autograd.distributions import Normal
    >>> mixture = MixtureSameFamily(
    ...     Categorical(autograd.tensor([0.5, 0.5])), Normal(autograd.tensor([-1.0, 3.0]), 1.0)
    ... )
    >>> mixture.mean, mixture.variance
    (tensor(1.), tensor(5.))
    """

    arg_constraints: dict[str, constraints.Constraint] = {}

    def __init__(
        self,
        mixture_distribution: Categorical,
        component_distribution: Distribution,
        validate_args: bool | None = None,
    ) -> None:
        if not isinstance(mixture_distribution, Categorical):
            raise ValueError("The Mixture distribution needs to be an instance of Categorical")
        if not isinstance(component_distribution, Distribution):
            raise ValueError("The Component distribution needs to be an instance of Distribution")
        batch, own = mixture_distribution.batch_shape, component_distribution.batch_shape[:-1]
        pairs = zip(reversed(batch), reversed(own), strict=False)
        if any(m != 1 and c != 1 and m != c for m, c in pairs):
            raise ValueError(
                f"`mixture_distribution.batch_shape` ({batch}) is not compatible with "
                f"`component_distribution.batch_shape`({own})"
            )
        k, n = mixture_distribution.param_shape[-1], component_distribution.batch_shape[-1]
        if k != n:
            raise ValueError(
                f"`mixture_distribution component` ({k}) does not equal "
                f"`component_distribution.batch_shape[-1]` ({n})"
            )
        self.mixture_distribution = mixture_distribution
        self.component_distribution = component_distribution
        event_shape = component_distribution.event_shape
        super().__init__(own, event_shape, validate_args=validate_args)

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        """The mixture with its batch dimensions expanded to `batch_shape`."""
        new = type(self).__new__(type(self)) if _instance is None else _instance
        components = self.component_distribution
        k = components.batch_shape[-1:]
        mixture = self.mixture_distribution.expand(batch_shape)
        components = components.expand(tuple(batch_shape) + k)
        new.__dict__.update(self.__dict__)
        new.mixture_distribution, new.component_distribution = mixture, components
        new._batch_shape = Size(batch_shape)
        return new

    @constraints.dependent_property
    def support(self) -> Any:
        return MixtureSameFamilyConstraint(self.component_distribution.support)

    @property
    def _axis(self) -> int:
        """The dimension of the components."""
        return -1 - len(self._event_shape)

    def _weights(self) -> Tensor:
        probs = self.mixture_distribution.probs
        return probs.reshape((*probs.shape, *(1 for _ in self._event_shape)))

    def _mean(self, x: Tensor) -> Tensor:
        """The mean over the components."""
        return (self._weights() * x).sum(self._axis)

    @property
    def mean(self) -> Tensor:
        return self._mean(self.component_distribution.mean)

    @property
    def variance(self) -> Tensor:
        components = self.component_distribution
        between = (components.mean - self.mean.unsqueeze(self._axis)) ** 2
        return self._mean(components.variance + between)

    def cdf(self, value: Tensor) -> Tensor:
        each = self.component_distribution.cdf(value.unsqueeze(self._axis))
        return (each * self.mixture_distribution.probs).sum(-1)

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        each = self.component_distribution.log_prob(value.unsqueeze(self._axis))
        return (each + self.mixture_distribution.logits).logsumexp(-1)

    def sample(self, sample_shape: Any = ()) -> Tensor:
        with no_grad():
            values = self.component_distribution.sample(sample_shape)
            shape = values.shape[: values.dim() + self._axis]
            chosen = self.mixture_distribution.expand(self._batch_shape).sample(sample_shape)
            at = chosen.reshape((*shape, 1, *(1 for _ in self._event_shape)))
            at = at.expand((*shape, 1, *self._event_shape))
            return values.gather(self._axis, at).squeeze(self._axis)

    def __repr__(self) -> str:
        return (
            f"MixtureSameFamily(\n  {self.mixture_distribution},\n  {self.component_distribution})"
        )
