"""What distributions share: broadcasting parameters, probabilities and log-odds, noise."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

import autograd
from autograd.grad_mode import enable_grad
from autograd.random import draw
from autograd.tensor import Size, Tensor, wrap

euler_constant = 0.57721566490153286060


class lazy_property(functools.cached_property):
    """An attribute computed when first asked for, with its gradient whatever the grad mode is."""

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        with enable_grad():
            return super().__get__(instance, owner)


def broadcast_all(*values: Any) -> tuple[Tensor, ...]:
    """Tensors and numbers as tensors of one shape, numbers in the dtype of the first tensor.

    >>> import autograd
    >>> broadcast_all(autograd.zeros(2), 1.0)
    (tensor([0., 0.]), tensor([1., 1.]))
    """
    tensors = [wrap(v) if isinstance(v, np.ndarray) else v for v in values]
    if not all(isinstance(v, (Tensor, int, float)) for v in tensors):
        raise ValueError(
            "distributions: parameters must be numbers or Tensors, got "
            + ", ".join(type(v).__name__ for v in values)
        )
    dtypes = [v.dtype for v in tensors if isinstance(v, Tensor)]
    dtype = dtypes[0] if dtypes else autograd.get_default_dtype()
    return autograd.broadcast_tensors(
        *(v if isinstance(v, Tensor) else autograd.tensor(v, dtype=dtype) for v in tensors)
    )


def sum_rightmost(value: Tensor, ndim: int) -> Tensor:
    """The sum over the last `ndim` dimensions."""
    return value.reshape((*value.shape[:-ndim], -1)).sum(-1) if ndim else value


def noise(method: str, shape: Any, like: Tensor) -> Tensor:
    """Numbers that NumPy's generator draws (`standard_normal`, ...), in the dtype of `like`."""
    return wrap(draw(method, tuple(shape), like.dtype, None))


def uniform_noise(shape: Any, like: Tensor) -> Tensor:
    """Uniform numbers in (0, 1), of which quantiles and logarithms are finite."""
    u = noise("random", shape, like)._data
    info = np.finfo(u.dtype)
    return wrap(np.clip(u, info.tiny, 1 - info.epsneg))


# Probabilities and log-odds -----------------------------------------------------------------


def logits_to_probs(logits: Tensor, is_binary: bool = False) -> Tensor:
    """Probabilities from log-odds (binary), or from logarithms of weights in the last dimension."""
    return logits.sigmoid() if is_binary else logits.softmax(-1)


def clamp_probs(probs: Tensor) -> Tensor:
    """Probabilities moved inside (0, 1) by the dtype's epsilon, so that logarithms are finite."""
    eps = float(autograd.finfo(probs.dtype).eps)
    return probs.clamp(eps, 1 - eps)


def probs_to_logits(probs: Tensor, is_binary: bool = False) -> Tensor:
    """Log-odds (binary), or logarithms of probabilities in the last dimension."""
    inside = clamp_probs(probs)
    return inside.log() - (-inside).log1p() if is_binary else inside.log()


class ProbsOrLogits:
    """A distribution with one of `probs` and `logits`, that makes the other when asked for it."""

    _is_binary = True

    @staticmethod
    def _given(probs: Any, logits: Any) -> tuple[str, Any]:
        """The name of the one that is given, and its value."""
        if (probs is None) == (logits is None):
            raise ValueError("Either `probs` or `logits` must be specified, but not both.")
        return ("probs", probs) if logits is None else ("logits", logits)

    @lazy_property
    def logits(self) -> Tensor:
        return probs_to_logits(self.probs, self._is_binary)

    @lazy_property
    def probs(self) -> Tensor:
        return logits_to_probs(self.logits, self._is_binary)

    @property
    def _param(self) -> Tensor:
        return self.__dict__["probs" if "probs" in self.__dict__ else "logits"]

    @property
    def param_shape(self) -> Size:
        """The shape of the parameter."""
        return self._param.shape


# Triangular matrices ------------------------------------------------------------------------


def tril_matrix_to_vec(mat: Tensor, diag: int = 0) -> Tensor:
    """The entries of the lower triangle up to diagonal `diag`, row by row.

    >>> import autograd
    >>> tril_matrix_to_vec(autograd.tensor([[1.0, 0.0], [2.0, 3.0]]))
    tensor([1., 2., 3.])
    """
    n = mat.shape[-1]
    if not -n <= diag < n:
        raise ValueError(f"diag ({diag}) provided is outside [{-n}, {n - 1}].")
    rows, columns = np.tril_indices(n, diag)
    return mat[..., rows, columns]


def vec_to_tril_matrix(vec: Tensor, diag: int = 0) -> Tensor:
    """The square matrix with these entries up to diagonal `diag`, and zeros above.

    >>> import autograd
    >>> vec_to_tril_matrix(autograd.tensor([1.0, 2.0, 3.0]))
    tensor([[1., 0.],
            [2., 3.]])
    """
    count = vec.shape[-1]
    n = next((n for n in range(1, count + 3) if len(np.tril_indices(n, diag)[0]) >= count), 0)
    rows, columns = np.tril_indices(n, diag)
    if len(rows) != count:
        raise ValueError(
            f"The size of last dimension is {count} which cannot be expressed as the lower "
            "triangular part of a square D x D matrix."
        )
    flat = vec.new_zeros((*vec.shape[:-1], n * n))
    at = np.broadcast_to(rows * n + columns, vec.shape)
    return flat.scatter(-1, wrap(np.ascontiguousarray(at)), vec).reshape((*vec.shape[:-1], n, n))
