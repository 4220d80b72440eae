"""Student's t-distribution."""

from __future__ import annotations

import math
from typing import Any

import autograd
from autograd.tensor import Tensor

from . import constraints
from .chi2 import Chi2
from .distribution import Distribution
from .utils import broadcast_all, noise


class StudentT(Distribution):
    """Student's t-distribution with `df` degrees of freedom, shifted and stretched.

    >>> import autograd
    >>> StudentT(1.0).log_prob(autograd.tensor(0.0)).exp()
    tensor(0.3183)
    """

    arg_constraints = {
        "df": constraints.positive,
        "loc": constraints.real,
        "scale": constraints.positive,
    }
    support = constraints.real
    has_rsample = True

    def __init__(
        self, df: Any, loc: Any = 0.0, scale: Any = 1.0, validate_args: bool | None = None
    ) -> None:
        self.df, self.loc, self.scale = broadcast_all(df, loc, scale)
        self._chi2 = Chi2(self.df, validate_args=validate_args)
        super().__init__(self.df.shape, validate_args=validate_args)

    @property
    def mean(self) -> Tensor:
        """`loc`; NaN up to one degree of freedom."""
        return autograd.where(self.df <= 1, math.nan, self.loc)

    @property
    def mode(self) -> Tensor:
        return self.loc

    @property
    def variance(self) -> Tensor:
        """Infinite up to two degrees of freedom, NaN up to one."""
        finite = autograd.where(self.df > 2, self.df, 3.0)
        variance = self.scale**2 * finite / (finite - 2)
        variance = autograd.where(self.df > 2, variance, math.inf)
        return autograd.where(self.df > 1, variance, math.nan)

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        x = noise("standard_normal", self._extended_shape(sample_shape), self.df)
        z = self._chi2.rsample(sample_shape)
        return self.loc + self.scale * x * (z / self.df).rsqrt()

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        y = (value - self.loc) / self.scale
        norm = self.scale.log() + 0.5 * self.df.log() + self._log_beta()
        return -0.5 * (self.df + 1) * (y * y / self.df).log1p() - norm

    def _log_beta(self) -> Tensor:
        """The logarithm of B(1/2, df/2)."""
        half = 0.5 * self.df
        return half.lgamma() + 0.5 * math.log(math.pi) - (half + 0.5).lgamma()

    def entropy(self) -> Tensor:
        half = 0.5 * self.df
        spread = (half + 0.5) * ((half + 0.5).digamma() - half.digamma())
        return self.scale.log() + spread + 0.5 * self.df.log() + self._log_beta()
