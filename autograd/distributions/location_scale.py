"""What distributions that are shifted and stretched along the real line share."""

from __future__ import annotations

from typing import Any

from autograd.tensor import Tensor

from . import constraints
from .distribution import Distribution
from .utils import broadcast_all


class LocationScale(Distribution):
    """A distribution of loc + scale * x for some x, with its mode at `loc`."""

    arg_constraints = {"loc": constraints.real, "scale": constraints.positive}
    support = constraints.real
    has_rsample = True

    def __init__(self, loc: Any, scale: Any, validate_args: bool | None = None) -> None:
        self.loc, self.scale = broadcast_all(loc, scale)
        super().__init__(self.loc.shape, validate_args=validate_args)

    @property
    def mean(self) -> Tensor:
        return self.loc

    @property
    def mode(self) -> Tensor:
        return self.loc

    @property
    def variance(self) -> Tensor:
        return self.stddev**2

    def _standardized(self, value: Tensor) -> Tensor:
        """`value` without location and scale, after the checks."""
        if self._validate_args:
            self._validate_sample(value)
        return (value - self.loc) / self.scale
