"""The parametrizations that come with PyTorch: orthogonal matrices, weight and spectral norm."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

import autograd
from autograd import Tensor, no_grad

from .. import functional as F
from ..conv import ConvTranspose1d, ConvTranspose2d, ConvTranspose3d
from ..module import Module
from . import parametrize

_MAPS = ("matrix_exp", "cayley", "householder")


class _Orthogonal(Module):
    """Maps a matrix to one with orthonormal columns (rows, if it is wide)."""

    base: Tensor | None

    def __init__(self, shape: Any, orthogonal_map: str, use_trivialization: bool) -> None:
        super().__init__()
        self.shape, self.orthogonal_map = tuple(shape), orthogonal_map
        self.use_trivialization = use_trivialization
        if use_trivialization:
            self.register_buffer("base", None)

    def forward(self, x: Tensor) -> Tensor:
        wide = x.shape[-2] < x.shape[-1]
        if wide:
            x = x.mT
        n, k = x.shape[-2:]
        if self.orthogonal_map == "householder":
            a = x.tril(-1)
            tau = 2 / (1 + (a * a).sum(-2))
            signs = x.detach().diagonal(dim1=-2, dim2=-1).trunc().unsqueeze(-2)
            q = _householder_product(a, tau) * signs
        else:
            x = x.tril()
            if n != k:
                x = autograd.cat([x, x.new_zeros(*x.shape[:-1], n - k)], dim=-1)
            skew = x - x.mT
            if self.orthogonal_map == "matrix_exp":
                q = autograd.matrix_exp(skew)
            else:
                eye = autograd.eye(n, dtype=x.dtype)
                q = autograd.linalg.solve(eye - skew / 2, eye + skew / 2)
            q = q[..., :k]
        if self.use_trivialization:
            assert self.base is not None
            q = self.base @ q
        return q.mT if wide else q

    @no_grad()
    def right_inverse(self, q: Tensor) -> Tensor:
        if tuple(q.shape) != self.shape:
            raise ValueError(
                f"Expected a matrix or batch of matrices of shape {self.shape}. Got a tensor of "
                f"shape {tuple(q.shape)}."
            )
        if not self.use_trivialization:
            return self._reflectors(q)
        # The map is applied around a base: the given matrix, made orthogonal and square.
        tall = q.mT if q.shape[-2] < q.shape[-1] else q
        n, k = tall.shape[-2:]
        if n != k:
            rest = autograd.randn(*tall.shape[:-1], n - k, dtype=q.dtype)
            tall = autograd.cat([tall, rest], dim=-1)
        self.base = tall.clone() if _is_orthogonal(tall) else _made_orthogonal(tall)
        # Minus the identity is mapped to the identity by all three maps.
        start = autograd.zeros_like(q)
        start.diagonal(dim1=-2, dim2=-1).fill_(-1)
        return start

    def _reflectors(self, q: Tensor) -> Tensor:
        """The Householder vectors of `q` below the diagonal, the signs of R on it."""
        if self.orthogonal_map != "householder":
            raise NotImplementedError(
                "It is not possible to assign to the matrix exponential or the Cayley "
                "parametrizations when use_trivialization=False."
            )
        wide = q.shape[-2] < q.shape[-1]
        transposed, scales = np.linalg.qr((q.mT if wide else q).numpy(force=True), mode="raw")
        a, tau = autograd.tensor(transposed).mT.clone(), autograd.tensor(scales)
        diagonal = a.diagonal(dim1=-2, dim2=-1)
        # LAPACK leaves a column that needs no reflection alone, with tau = 0.
        diagonal.copy_(diagonal.sign() * autograd.where(tau == 0, -1, 1))
        return a.mT if wide else a


def _householder_product(a: Tensor, tau: Tensor) -> Tensor:
    """The first columns of the product of `1 - tau_i v_i v_i^T`, where v_i is e_i + a[:, i]."""
    n, k = a.shape[-2:]
    eye = autograd.eye(n, k, dtype=a.dtype)
    vectors, q = a + eye, eye.expand(a.shape)
    for i in reversed(range(k)):
        v = vectors[..., i : i + 1]
        q = q - tau[..., i, None, None] * v @ (v.mT @ q)
    return q


def _is_orthogonal(q: Tensor) -> bool:
    eye = autograd.eye(q.shape[-1], dtype=q.dtype)
    tolerance = 10 * q.shape[-2] * autograd.finfo(q.dtype).eps
    return autograd.allclose(q.mT @ q, eye, atol=tolerance)


def _made_orthogonal(a: Tensor) -> Tensor:
    """The factor Q of A = QR with a positive diagonal of R, for which Q is unique."""
    q, r = autograd.linalg.qr(a)
    return q * r.diagonal(dim1=-2, dim2=-1).sign().unsqueeze(-2)


def orthogonal(
    module: Module,
    name: str = "weight",
    orthogonal_map: str | None = None,
    *,
    use_trivialization: bool = True,
) -> Module:
    """Keeps a matrix of `module` orthogonal: its columns orthonormal, or its rows if it is wide.

    Args:
        orthogonal_map: "matrix_exp" (the default for square matrices), "cayley" or "householder"
            (the default for others).
        use_trivialization: learn around the present value, which makes the problem better
            conditioned (Lezcano-Casado, "Trivializations for gradient-based optimization on
            manifolds", 2019).

    >>> import autograd, nn
    >>> layer = orthogonal(nn.Linear(3, 5))
    >>> autograd.allclose(layer.weight.T @ layer.weight, autograd.eye(3), atol=1e-5)
    True
    """
    weight = _tensor(module, name)
    if weight.ndim < 2:
        raise ValueError(
            f"Expected a matrix or batch of matrices. Got a tensor of {weight.ndim} dimensions."
        )
    if orthogonal_map is None:
        square = weight.shape[-2] == weight.shape[-1]
        orthogonal_map = "matrix_exp" if square else "householder"
    if orthogonal_map not in _MAPS:
        raise ValueError(
            'orthogonal_map has to be one of "matrix_exp", "cayley", "householder". '
            f"Got: {orthogonal_map}"
        )
    parametrization = _Orthogonal(weight.shape, orthogonal_map, use_trivialization)
    return parametrize.register_parametrization(module, name, parametrization, unsafe=True)


def _tensor(module: Module, name: str) -> Tensor:
    tensor = getattr(module, name, None)
    if not isinstance(tensor, Tensor):
        raise ValueError(f"Module '{module}' has no parameter or buffer with name '{name}'")
    return tensor


def norm_except_dim(v: Tensor, dim: int | None) -> Tensor:
    """The Euclidean norm of each slice of `v` along `dim`, broadcastable to it; of all for None."""
    if dim is None or dim == -1:
        return v.norm()
    return v.norm(dim=[d for d in range(v.ndim) if d != dim], keepdim=True)


class _WeightNorm(Module):
    """w = g v / |v|."""

    def __init__(self, dim: int | None = 0) -> None:
        super().__init__()
        self.dim = dim

    def forward(self, g: Tensor, v: Tensor) -> Tensor:
        return v * (g / norm_except_dim(v, self.dim))

    def right_inverse(self, weight: Tensor) -> tuple[Tensor, Tensor]:
        return norm_except_dim(weight, self.dim), weight


def weight_norm(module: Module, name: str = "weight", dim: int | None = 0) -> Module:
    """Learns the length and the direction of a weight separately: w = g v / |v|.

    The lengths g are `parametrizations.NAME.original0`, the directions v are `original1`.

    Args:
        dim: one length for each index of this dimension; None: one for all.

    Source: Salimans and Kingma, "Weight normalization", 2016.

    >>> import nn
    >>> layer = weight_norm(nn.Linear(20, 40))
    >>> layer.parametrizations.weight.original0.shape
    Size([40, 1])
    """
    parametrize.register_parametrization(module, name, _WeightNorm(dim), unsafe=True)
    module.register_load_state_dict_pre_hook(functools.partial(_rename_old, name))
    return module


def _rename_old(name: str, module: Module, state: dict[str, Any], prefix: str, *_: Any) -> None:
    """Makes the keys of `nn.utils.weight_norm` in a loaded state the present ones."""
    old = [f"{prefix}{name}_g", f"{prefix}{name}_v"]
    if all(key in state for key in old):
        for i, key in enumerate(old):
            state[f"{prefix}parametrizations.{name}.original{i}"] = state.pop(key)


def as_matrix(weight: Tensor, dim: int) -> Tensor:
    """`weight` with dimension `dim` in front and all others in one."""
    return weight.movedim(dim, 0).flatten(1)


@no_grad()
def power_iteration(
    matrix: Tensor, u: Tensor, v: Tensor, steps: int, eps: float
) -> tuple[Tensor, Tensor]:
    """`u` and `v` closer to the first left and right singular vectors of `matrix`."""
    for _ in range(steps):
        u = F.normalize(matrix @ v, dim=0, eps=eps)
        v = F.normalize(matrix.T @ u, dim=0, eps=eps)
    return u, v


def default_dim(module: Module) -> int:
    """The dimension of a layer's outputs in its weight."""
    return int(isinstance(module, (ConvTranspose1d, ConvTranspose2d, ConvTranspose3d)))


class _SpectralNorm(Module):
    """W / sigma, with the largest singular value sigma estimated by power iteration."""

    _u: Tensor
    _v: Tensor

    def __init__(
        self, weight: Tensor, n_power_iterations: int = 1, dim: int = 0, eps: float = 1e-12
    ) -> None:
        super().__init__()
        ndim = weight.ndim
        if not -ndim <= dim < ndim:
            raise IndexError(
                f"Dimension out of range (expected to be in range of [-{ndim}, {ndim - 1}] but "
                f"got {dim})"
            )
        if n_power_iterations <= 0:
            raise ValueError(
                "Expected n_power_iterations to be positive, but got "
                f"n_power_iterations={n_power_iterations}"
            )
        self.n_power_iterations, self.dim, self.eps = n_power_iterations, dim % ndim, eps
        if ndim > 1:
            matrix = as_matrix(weight, self.dim).detach()
            u, v = (F.normalize(matrix.new_empty(n).normal_(), dim=0) for n in matrix.shape)
            self.register_buffer("_u", u)
            self.register_buffer("_v", v)
            self._iterate(matrix, 15)

    def _iterate(self, matrix: Tensor, steps: int) -> None:
        u, v = power_iteration(matrix.detach(), self._u, self._v, steps, self.eps)
        # New tensors, since the graph of an earlier forward pass may need the old ones.
        self._u, self._v = u, v

    def forward(self, weight: Tensor) -> Tensor:
        if weight.ndim == 1:
            return F.normalize(weight, dim=0, eps=self.eps)
        matrix = as_matrix(weight, self.dim)
        if self.training:
            self._iterate(matrix, self.n_power_iterations)
        return weight / (self._u @ (matrix @ self._v))

    def right_inverse(self, value: Tensor) -> Tensor:
        return value


def spectral_norm(
    module: Module,
    name: str = "weight",
    n_power_iterations: int = 1,
    eps: float = 1e-12,
    dim: int | None = None,
) -> Module:
    """Divides a weight, seen as a matrix, by its largest singular value.

    That is estimated by `n_power_iterations` of power iteration whenever the weight is read in
    training mode, starting from the last estimate.

    Args:
        dim: the dimension of the outputs, 0 but for transposed convolutions, where it is 1.
        eps: guards divisions by the length of a vector.

    Source: Miyato et al., "Spectral normalization for generative adversarial networks", 2018.

    >>> import autograd, nn
    >>> layer = spectral_norm(nn.Linear(20, 40), n_power_iterations=20)
    >>> round(autograd.linalg.matrix_norm(layer.weight, 2).item(), 2)
    1.0
    """
    weight = _tensor(module, name)
    dim = default_dim(module) if dim is None else dim
    parametrization = _SpectralNorm(weight, n_power_iterations, dim, eps)
    return parametrize.register_parametrization(module, name, parametrization)
