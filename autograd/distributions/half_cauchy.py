"""The half-Cauchy distribution."""

from __future__ import annotations

import math
from typing import Any

from autograd.tensor import Tensor

from .cauchy import Cauchy
from .half_normal import Half


class HalfCauchy(Half):
    """The distribution of |x| for x from Cauchy(0, scale).

    >>> import autograd
    >>> HalfCauchy(1.0).icdf(autograd.tensor(0.5))
    tensor(1.)
    """

    def __init__(self, scale: Any, validate_args: bool | None = None) -> None:
        super().__init__(Cauchy(0.0, scale, validate_args=False), validate_args)

    @property
    def mean(self) -> Tensor:
        return self.scale.detach() * math.inf

    @property
    def variance(self) -> Tensor:
        return self.base_dist.variance
