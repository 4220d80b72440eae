"""Transforms of vectors and matrices as a whole."""

from __future__ import annotations

import math
from typing import Any

import autograd
from autograd.ops.activation import logsigmoid, softplus
from autograd.tensor import Size, Tensor

from . import constraints
from .elementwise_transforms import clipped_sigmoid
from .transform import Transform, check_dim
from .utils import tril_matrix_to_vec, vec_to_tril_matrix


class _Plain(Transform):
    """A transform without parameters: all of a class are equal."""

    def _key(self) -> tuple[Any, ...]:
        return ()


class SoftmaxTransform(_Plain):
    """Vectors to the simplex by the softmax. Not bijective: a shift of all components is lost.

    >>> import autograd
    >>> SoftmaxTransform()(autograd.tensor([0.0, 0.0]))
    tensor([0.5000, 0.5000])
    """

    domain = constraints.real_vector
    codomain = constraints.simplex

    def _call(self, x: Tensor) -> Tensor:
        return x.softmax(-1)

    def _inverse(self, y: Tensor) -> Tensor:
        return y.log()

    def forward_shape(self, shape: Any) -> Any:
        check_dim(shape, 1)
        return shape

    inverse_shape = forward_shape


def _with_one(x: Tensor, first: bool) -> Tensor:
    """`x` with a 1 before or after its last dimension's elements."""
    one = x.new_ones((*x.shape[:-1], 1))
    return autograd.cat([one, x] if first else [x, one], -1)


class StickBreakingTransform(_Plain):
    """Vectors of n numbers to the simplex of n + 1: each breaks its share off what is left.

    >>> import autograd
    >>> StickBreakingTransform()(autograd.zeros(2))  # three parts of a stick
    tensor([0.3333, 0.3333, 0.3333])
    """

    domain = constraints.real_vector
    codomain = constraints.simplex
    bijective = True

    @staticmethod
    def _offset(x: Tensor) -> Tensor:
        """log(n), ..., log(1): zeros break the stick into equal pieces."""
        return autograd.arange(x.shape[-1], 0, -1, dtype=x.dtype).log()

    def _call(self, x: Tensor) -> Tensor:
        share = clipped_sigmoid(x - self._offset(x))
        return _with_one(share, first=False) * _with_one((1 - share).cumprod(-1), first=True)

    def _inverse(self, y: Tensor) -> Tensor:
        pieces = y[..., :-1]
        # Rounding can leave less than nothing.
        left = (1 - pieces.cumsum(-1)).clamp(min=float(autograd.finfo(y.dtype).tiny))
        return pieces.log() - left.log() + self._offset(pieces)

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        x = x - self._offset(x)
        return (-x + logsigmoid(x) + y[..., :-1].log()).sum(-1)

    def forward_shape(self, shape: Any) -> Any:
        check_dim(shape, 1)
        return Size((*shape[:-1], shape[-1] + 1))

    def inverse_shape(self, shape: Any) -> Any:
        check_dim(shape, 1)
        return Size((*shape[:-1], shape[-1] - 1))


class LowerCholeskyTransform(_Plain):
    """Square matrices to Cholesky factors: the lower triangle, the diagonal by exp.

    >>> import autograd
    >>> LowerCholeskyTransform()(autograd.tensor([[0.0, 5.0], [2.0, 1.0]]))
    tensor([[1.0000, 0.0000],
            [2.0000, 2.7183]])
    """

    domain = constraints.independent(constraints.real, 2)
    codomain = constraints.lower_cholesky

    def _call(self, x: Tensor) -> Tensor:
        return x.tril(-1) + x.diagonal(dim1=-2, dim2=-1).exp().diag_embed()

    def _inverse(self, y: Tensor) -> Tensor:
        return y.tril(-1) + y.diagonal(dim1=-2, dim2=-1).log().diag_embed()


class PositiveDefiniteTransform(_Plain):
    """Square matrices to positive definite ones, by their Cholesky factors."""

    domain = constraints.independent(constraints.real, 2)
    codomain = constraints.positive_definite

    def _call(self, x: Tensor) -> Tensor:
        factor = LowerCholeskyTransform()(x)
        return factor @ factor.mT

    def _inverse(self, y: Tensor) -> Tensor:
        return LowerCholeskyTransform().inv(autograd.linalg.cholesky(y))


class CorrCholeskyTransform(Transform):
    """Vectors of n (n - 1) / 2 numbers to Cholesky factors of correlation matrices of size n.

    Row by row the tanh of a number, squared, breaks its share off the squared length 1 of the row
    (Stan reference manual, "Cholesky factors of correlation matrices"). The Jacobian is that of the
    entries below the diagonal.
    """

    domain = constraints.real_vector
    codomain = constraints.corr_cholesky
    bijective = True

    def _call(self, x: Tensor) -> Tensor:
        eps = float(autograd.finfo(x.dtype).eps)
        r = vec_to_tril_matrix(x.tanh().clamp(-1 + eps, 1 - eps), diag=-1)
        left = (1 - r**2).sqrt().cumprod(-1)
        r = r + autograd.eye(r.shape[-1], dtype=r.dtype)
        return r * _with_one(left[..., :-1], first=True)

    def _inverse(self, y: Tensor) -> Tensor:
        left = _with_one((1 - (y * y).cumsum(-1))[..., :-1], first=True)
        return (tril_matrix_to_vec(y, -1) / tril_matrix_to_vec(left, -1).sqrt()).atanh()

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        left = tril_matrix_to_vec(1 - (y * y).cumsum(-1), -2)
        of_tanh = -2 * (x + softplus(-2 * x) - math.log(2)).sum(-1)
        return 0.5 * left.log().sum(-1) + of_tanh

    def forward_shape(self, shape: Any) -> Any:
        check_dim(shape, 1)
        count = shape[-1]
        n = round((0.25 + 2 * count) ** 0.5 + 0.5)
        if n * (n - 1) // 2 != count:
            raise ValueError("Input is not a flattened lower-diagonal number")
        return Size((*shape[:-1], n, n))

    def inverse_shape(self, shape: Any) -> Any:
        check_dim(shape, 2)
        n = shape[-1]
        if shape[-2] != n:
            raise ValueError("Input is not square")
        return Size((*shape[:-2], n * (n - 1) // 2))
