"""The normal distribution over vectors."""

from __future__ import annotations

import math
from typing import Any

import autograd
from autograd.tensor import Tensor

from . import constraints
from .distribution import Distribution
from .utils import lazy_property, noise


class MultivariateNormal(Distribution):
    """The normal distribution over vectors of length n, with any covariance.

    Args:
        loc: the mean, of shape (..., n).
        covariance_matrix: positive definite, of shape (..., n, n); or instead
        precision_matrix: its inverse; or instead
        scale_tril: its Cholesky factor, which all computations use.
        validate_args: whether to check arguments.

    >>> import autograd
    >>> d = MultivariateNormal(autograd.zeros(2), autograd.eye(2))
    >>> d.log_prob(autograd.tensor([0.0, 1.0]))
    tensor(-2.3379)
    """

    arg_constraints = {
        "loc": constraints.real_vector,
        "covariance_matrix": constraints.positive_definite,
        "precision_matrix": constraints.positive_definite,
        "scale_tril": constraints.lower_cholesky,
    }
    support = constraints.real_vector
    has_rsample = True
    _unbatched = ("_unbroadcasted_scale_tril",)

    def __init__(
        self,
        loc: Tensor,
        covariance_matrix: Tensor | None = None,
        precision_matrix: Tensor | None = None,
        scale_tril: Tensor | None = None,
        validate_args: bool | None = None,
    ) -> None:
        if loc.dim() < 1:
            raise ValueError("loc must be at least one-dimensional.")
        matrices = {
            "covariance_matrix": covariance_matrix,
            "precision_matrix": precision_matrix,
            "scale_tril": scale_tril,
        }
        given = {name: matrix for name, matrix in matrices.items() if matrix is not None}
        if len(given) != 1:
            raise ValueError(
                "Exactly one of covariance_matrix or precision_matrix or scale_tril may be "
                "specified."
            )
        ((name, matrix),) = given.items()
        if matrix.dim() < 2:
            raise ValueError(
                f"{name} must be at least two-dimensional, with optional leading batch dimensions"
            )
        batch_shape = autograd.broadcast_shapes(matrix.shape[:-2], loc.shape[:-1])
        self.__dict__[name] = matrix.expand((*batch_shape, -1, -1))
        self.loc = loc.expand((*batch_shape, -1))
        super().__init__(batch_shape, loc.shape[-1:], validate_args=validate_args)
        if name == "covariance_matrix":
            matrix = autograd.linalg.cholesky(matrix)
        elif name == "precision_matrix":
            matrix = _factor_of_inverse(matrix)
        self._unbroadcasted_scale_tril = matrix

    def _batched(self, matrix: Tensor) -> Tensor:
        return matrix.expand((*self._batch_shape, -1, -1))

    @lazy_property
    def scale_tril(self) -> Tensor:
        """The Cholesky factor of the covariance."""
        return self._batched(self._unbroadcasted_scale_tril)

    @lazy_property
    def covariance_matrix(self) -> Tensor:
        """The covariance."""
        tril = self._unbroadcasted_scale_tril
        return self._batched(tril @ tril.mT)

    @lazy_property
    def precision_matrix(self) -> Tensor:
        """The inverse of the covariance."""
        inverse = _inverse(self._unbroadcasted_scale_tril)
        return self._batched(inverse.mT @ inverse)

    @property
    def mean(self) -> Tensor:
        return self.loc

    @property
    def mode(self) -> Tensor:
        return self.loc

    @property
    def variance(self) -> Tensor:
        squares = self._unbroadcasted_scale_tril**2
        return squares.sum(-1).expand((*self._batch_shape, -1))

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        eps = noise("standard_normal", self._extended_shape(sample_shape), self.loc)
        return self.loc + (self._unbroadcasted_scale_tril @ eps[..., None])[..., 0]

    def _half_log_det(self) -> Tensor:
        return self._unbroadcasted_scale_tril.diagonal(dim1=-2, dim2=-1).log().sum(-1)

    def log_prob(self, value: Tensor) -> Tensor:
        if self._validate_args:
            self._validate_sample(value)
        n = self._event_shape[0]
        distance = mahalanobis(self._unbroadcasted_scale_tril, value - self.loc)
        return -0.5 * (n * math.log(2 * math.pi) + distance) - self._half_log_det()

    def entropy(self) -> Tensor:
        n = self._event_shape[0]
        entropy = 0.5 * n * (1 + math.log(2 * math.pi)) + self._half_log_det()
        return entropy.expand(self._batch_shape)


def mahalanobis(tril: Tensor, x: Tensor) -> Tensor:
    """xᵀ (tril trilᵀ)⁻¹ x, over the last dimension of `x`."""
    if tril.dim() == 2:  # all vectors in one system of equations
        columns = x.reshape(-1, x.shape[-1]).mT
        solved = autograd.linalg.solve_triangular(tril, columns, upper=False)
        return (solved**2).sum(0).reshape(x.shape[:-1])
    solved = autograd.linalg.solve_triangular(tril, x[..., None], upper=False)
    return (solved**2).sum((-1, -2))


def _inverse(tril: Tensor) -> Tensor:
    eye = autograd.eye(tril.shape[-1], dtype=tril.dtype)
    return autograd.linalg.solve_triangular(tril, eye, upper=False)


def _factor_of_inverse(matrix: Tensor) -> Tensor:
    """The Cholesky factor of the inverse of `matrix`, without the inverse.

    Reading rows and columns backwards makes an upper factor of a lower one.
    """
    backwards = autograd.linalg.cholesky(matrix.flip((-2, -1)))
    return _inverse(backwards.flip((-2, -1)).mT)
