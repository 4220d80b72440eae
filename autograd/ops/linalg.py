"""Linear algebra on matrices and batches of them: solving, decomposing, functions of a matrix.

Sources of the rules: M. B. Giles, "An extended collection of matrix derivative results for forward
and reverse mode algorithmic differentiation" (2008); for svd and eigh, J. Townsend,
"Differentiating the singular value decomposition" (2016). Gradients through svd and eigh do not
exist where singular values or eigenvalues are equal, unless what is computed from them does not
depend on the choice of vectors; there they are infinite or NaN, as in PyTorch.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import return_types
from ..batching.array import as_array, whole
from ..creation import as_tensor
from ..errors import ShapeError, described
from ..function import Op
from ..registry import public
from ..return_types import EighResult, QRResult, SlogdetResult, SVDResult
from ..tensor import Tensor


def matrix(x: Any, name: str, square: bool = False, floating: bool = True) -> Tensor:
    """`x` as a (floating) tensor of (square) matrices, or a clear error."""
    a = as_tensor(x)
    if floating and a.dtype.kind != "f":
        raise RuntimeError(f"{name}: expected a floating tensor, got {described(a)}")
    if a._data.ndim < 2 or (square and a._data.shape[-1] != a._data.shape[-2]):
        kind = "square matrices, of shape (..., n, n)" if square else "matrices, (..., m, n)"
        raise ShapeError(f"{name}: expected {kind}; got {described(a)}")
    return a


def t(x: Any) -> Any:
    """The transpose of each matrix, of an ndarray or a Tensor."""
    return x.swapaxes(-1, -2)


def diagonals(x: Any) -> Any:
    """Matrices with the last dimension of `x` on the diagonal."""
    return x[..., None] * np.eye(x.shape[-1], dtype=x.dtype)


class Inv(Op):
    backward = {"x": lambda g, out: -t(out) @ g @ t(out)}
    formula = {"x": "-out.mT @ g @ out.mT"}

    def forward(x):
        return np.linalg.inv(x)


@public(namespace="linalg", numpy=np.linalg.inv, op=Inv)
def inv(A: Any) -> Tensor:
    """The inverse of square matrices; an error for singular ones.

    >>> import autograd
    >>> autograd.linalg.inv(autograd.tensor([[2.0, 0.0], [0.0, 4.0]]))
    tensor([[0.5000, 0.0000],
            [0.0000, 0.2500]])
    """
    return Inv.apply(matrix(A, "linalg.inv", square=True))


@public()
def inverse(input: Any) -> Tensor:
    """The inverse of square matrices; see `linalg.inv`."""
    return inv(input)


class Solve(Op):
    backward = {
        "a": lambda g, a, out: -np.linalg.solve(t(a), g) @ t(out),
        "b": lambda g, a: np.linalg.solve(t(a), g),
    }
    formula = {"a": "-solve(a.T, g) @ out.T", "b": "solve(a.T, g)"}

    def forward(a, b):
        return np.linalg.solve(a, b)


@public(namespace="linalg", numpy=np.linalg.solve, op=Solve)
def solve(A: Any, B: Any, *, left: bool = True) -> Tensor:
    """X with A X = B (or X A = B with left=False), for vectors or matrices B.

    >>> import autograd
    >>> A = autograd.tensor([[2.0, 0.0], [0.0, 4.0]])
    >>> autograd.linalg.solve(A, autograd.tensor([2.0, 4.0]))
    tensor([1., 1.])
    """
    a, b = matrix(A, "linalg.solve", square=True), as_tensor(B)
    if not left:
        return solve(t(a), t(b)).swapaxes(-1, -2)
    vector = b._data.ndim == 1 or (
        b._data.ndim == a._data.ndim - 1 and b._data.shape == a._data.shape[:-1]
    )
    columns = b.unsqueeze(-1) if vector else b
    if columns._data.shape[-2] != a._data.shape[-1]:
        raise ShapeError(
            f"linalg.solve({described(a)}, {described(b)}): B must have as many rows as A"
        )
    x = Solve.apply(a, columns)
    return x.squeeze(-1) if vector else x


class Det(Op):
    backward = {"x": lambda g, x, out: _by_det(g, x, out)}
    formula = {"x": "g * out * inv(x).T"}

    def forward(x):
        return np.linalg.det(x)


def _by_det(g: Any, x: Any, out: Any) -> Any:
    values = whole(out._data if isinstance(out, Tensor) else out)
    if not np.any(values == 0):
        return (g * out)[..., None, None] * t(np.linalg.inv(x))
    # Of a singular matrix the gradient is the cofactor matrix, which needs no inverse:
    # det(U) det(V) U diag(products of the other singular values) Vᵀ.
    u, s, vh = np.linalg.svd(x)
    n = s.shape[-1]
    others = np.stack([_product(s, [j for j in range(n) if j != i]) for i in range(n)], -1)
    sign = np.linalg.det(u) * np.linalg.det(vh)
    return (g * sign)[..., None, None] * ((u * others[..., None, :]) @ vh)


def _product(s: Any, columns: list[int]) -> Any:
    result = s[..., 0] * 0 + 1
    for j in columns:
        result = result * s[..., j]
    return result


@public(namespace="linalg", numpy=np.linalg.det, op=Det)
def det(A: Any) -> Tensor:
    """The determinant of square matrices.

    >>> import autograd
    >>> autograd.linalg.det(autograd.tensor([[2.0, 0.0], [0.0, 4.0]]))
    tensor(8.)
    """
    return Det.apply(matrix(A, "linalg.det", square=True))


@public("det")
def _det(input: Any) -> Tensor:
    """The determinant of square matrices; see `linalg.det`."""
    return det(input)


class SlogDet(Op):
    op_name = "slogdet"
    backward = {
        "x": lambda g, x: 0.0 * x if g[1] is None else g[1][..., None, None] * t(np.linalg.inv(x))
    }
    formula = {"x": "g of logabsdet * inv(x).T"}

    def forward(x):
        sign, logabsdet = np.linalg.slogdet(x)
        return as_array(sign), as_array(logabsdet)


@public(namespace="linalg", numpy=np.linalg.slogdet, op=SlogDet)
def slogdet(A: Any) -> SlogdetResult:
    """(sign, log |det A|) of square matrices, where the determinant itself would overflow.

    >>> import autograd
    >>> autograd.linalg.slogdet(autograd.eye(2) * 1e30).sign
    tensor(1.)
    """
    return return_types.linalg_slogdet(*SlogDet.apply(matrix(A, "linalg.slogdet", square=True)))


@public("slogdet")
def _slogdet(input: Any) -> SlogdetResult:
    """(sign, log |det|) of square matrices; see `linalg.slogdet`."""
    return slogdet(input)


@public()
def logdet(input: Any) -> Tensor:
    """The logarithm of the determinant; NaN where that is negative.

    >>> import autograd
    >>> autograd.logdet(autograd.eye(3))
    tensor(0.)
    """
    sign, logabsdet = slogdet(input)
    return logabsdet + sign.log() * 0


class Cholesky(Op):
    backward = {"x": lambda g, out: _by_cholesky(g, out)}
    formula = {"x": "inv(out).T @ tril(out.T @ g), the diagonal halved, @ inv(out), symmetrized"}

    def forward(x):
        return np.linalg.cholesky(x)


def _by_cholesky(g: Any, lower: Any) -> Any:
    inner = np.tril(t(lower) @ g)
    halved = inner * (1 - 0.5 * np.eye(inner.shape[-1], dtype=inner.dtype))
    inverse = np.linalg.inv(lower)
    s = t(inverse) @ halved @ inverse
    return 0.5 * (s + t(s))


@public(namespace="linalg", numpy=np.linalg.cholesky, op=Cholesky)
def cholesky(A: Any, *, upper: bool = False) -> Tensor:
    """The lower (or upper) triangular L with A = L Lᵀ, of symmetric positive definite matrices.

    >>> import autograd
    >>> autograd.linalg.cholesky(autograd.eye(2) * 4)
    tensor([[2., 0.],
            [0., 2.]])
    """
    lower = Cholesky.apply(matrix(A, "linalg.cholesky", square=True))
    return lower.mT if upper else lower


@public("cholesky")
def _cholesky(input: Any, upper: bool = False) -> Tensor:
    """The Cholesky factor; see `linalg.cholesky`."""
    return cholesky(input, upper=upper)


class QR(Op):
    op_name = "qr"
    backward = {"x": lambda g, out, x: _by_qr(g, out[0], out[1], x)}
    formula = {"x": "(gQ + Q (upper triangle of gR R.T - Q.T gQ, symmetrized)) @ inv(R).T"}

    def forward(x, mode):
        return tuple(np.linalg.qr(x, mode))


def _by_qr(g: Any, q: Any, r: Any, x: Any) -> Any:
    n = q.shape[-1]
    if q.shape[-1] != min(x.shape[-2:]):
        raise RuntimeError("qr: there is no gradient for mode='complete' of tall matrices")
    gq = np.zeros(q.shape, q.dtype) if g[0] is None else g[0]
    gr = np.zeros(r.shape, r.dtype) if g[1] is None else g[1]
    square, rest, g_rest = r[..., :n], x[..., n:], gr[..., n:]
    if r.shape[-1] > n:  # wide: the columns beyond the square are Qᵀ times those of x
        gq = gq + rest @ t(g_rest)
    inner = np.triu(gr[..., :n] @ t(square) - t(q) @ gq)
    inner = inner + t(inner) - inner * np.eye(n, dtype=q.dtype)
    first = (gq + q @ inner) @ t(np.linalg.inv(square))
    return first if r.shape[-1] == n else np.concatenate([first, q @ g_rest], -1)


@public(namespace="linalg", numpy=np.linalg.qr, op=QR)
def qr(A: Any, mode: str = "reduced") -> QRResult:
    """A = Q R; `mode` is "reduced", "complete" or "r" (Q is then empty).

    >>> import autograd
    >>> q, r = autograd.linalg.qr(autograd.eye(3, 2)); q.shape, r.shape
    (Size([3, 2]), Size([2, 2]))
    """
    a = matrix(A, "linalg.qr")
    if mode == "r":
        return return_types.linalg_qr(as_tensor(np.zeros((0,), a.dtype)), QR.apply(a, "reduced")[1])
    if mode not in ("reduced", "complete"):
        raise RuntimeError(f"linalg.qr: mode must be 'reduced', 'complete' or 'r', got {mode!r}")
    return return_types.linalg_qr(*QR.apply(a, mode))


class SVD(Op):
    op_name = "svd"
    backward = {"x": lambda g, out: _by_svd(g, *out)}
    formula = {"x": "U (skew(U.T gU) / E S + S skew(V.T gV) / E + diag(gS)) Vh, E = s_j^2 - s_i^2"}

    def forward(x, full):
        return tuple(np.linalg.svd(x, full_matrices=full))


def _by_svd(g: Any, u: Any, s: Any, vh: Any) -> Any:
    gu, gs, gvh = g
    k = s.shape[-1]
    if u.shape[-1] > k:
        u, gu = u[..., :k], _of_first(k, gu)
    elif vh.shape[-2] > k:
        gvh = None if gvh is None else t(_of_first(k, t(gvh)))
        vh = vh[..., :k, :]
    inner = np.zeros((k, k), s.dtype) if gs is None else diagonals(gs)
    if gu is None and gvh is None:
        return u @ inner @ vh
    row, column = s[..., None, :], s[..., :, None]
    gap = (row - column) * (row + column) + np.eye(k, dtype=s.dtype)
    outside = 0.0
    if gu is not None:
        skew = t(u) @ gu
        inner = inner + (skew - t(skew)) / gap * row
        if u.shape[-2] > k:
            left = gu / row
            outside = outside + (left - u @ (t(u) @ left)) @ vh
    if gvh is not None:
        skew = vh @ t(gvh)
        inner = inner + column * (skew - t(skew)) / gap
        if vh.shape[-1] > k:
            right = gvh / column
            outside = outside + u @ (right - (right @ t(vh)) @ vh)
    return u @ inner @ vh + outside


def _of_first(k: int, g: Any) -> Any:
    """The gradient of the first `k` vectors; those beyond are not determined and have none."""
    if g is None:
        return None
    if whole((g._data if isinstance(g, Tensor) else g)[..., k:]).any():
        raise RuntimeError(
            "svd: there is no gradient for the vectors of full_matrices=True of matrices that are "
            "not square; use full_matrices=False"
        )
    return g[..., :k]


@public(namespace="linalg", numpy=np.linalg.svd, op=SVD)
def svd(A: Any, full_matrices: bool = True, *, driver: None = None) -> SVDResult:
    """A = U diag(S) Vh. Gradients of U and Vh need distinct singular values.

    A `driver` can be chosen on a GPU only.

    >>> import autograd
    >>> autograd.linalg.svd(autograd.tensor([[3.0, 0.0], [0.0, 4.0]])).S
    tensor([4., 3.])
    """
    _check_driver(driver, "linalg.svd")
    return return_types.linalg_svd(*SVD.apply(matrix(A, "linalg.svd"), full_matrices))


@public(namespace="linalg")
def svdvals(A: Any, *, driver: None = None) -> Tensor:
    """The singular values, in descending order; differentiable also where they repeat.

    >>> import autograd
    >>> autograd.linalg.svdvals(autograd.tensor([[3.0, 0.0], [0.0, 4.0]]))
    tensor([4., 3.])
    """
    _check_driver(driver, "linalg.svdvals")
    return SVD.apply(matrix(A, "linalg.svdvals"), False)[1]


def _check_driver(driver: Any, name: str) -> None:
    if driver is not None:
        raise RuntimeError(f"{name}: driver={driver!r} is for GPUs; leave it out")


class Eigh(Op):
    backward = {"x": lambda g, out: _by_eigh(g, *out)}
    formula = {"x": "V (diag(gw) + skew(V.T gV) / (w_j - w_i)) V.T"}

    def forward(x, uplo):
        return tuple(np.linalg.eigh(x, uplo))


def _by_eigh(g: Any, w: Any, v: Any) -> Any:
    gw, gv = g
    inner = 0.0 if gw is None else diagonals(gw)
    if gv is not None:
        n = w.shape[-1]
        diagonal = np.eye(n, dtype=w.dtype)
        gap = w[..., None, :] - w[..., :, None] + diagonal
        turned = t(v) @ gv
        inner = inner + (turned - t(turned)) / (2 * gap)  # symmetric, as the matrix is
    return v @ inner @ t(v)


@public(namespace="linalg", numpy=np.linalg.eigh, op=Eigh)
def eigh(A: Any, UPLO: str = "L") -> EighResult:
    """The eigenvalues and eigenvectors of symmetric matrices, of which one triangle is read.

    >>> import autograd
    >>> autograd.linalg.eigh(autograd.tensor([[2.0, 0.0], [0.0, 1.0]])).eigenvalues
    tensor([1., 2.])
    """
    if UPLO.upper() not in ("L", "U"):
        raise RuntimeError(f"linalg.eigh: UPLO must be 'L' or 'U', got {UPLO!r}")
    a = matrix(A, "linalg.eigh", square=True)
    return return_types.linalg_eigh(*Eigh.apply(a, UPLO.upper()))


@public(namespace="linalg", numpy=np.linalg.eigvalsh)
def eigvalsh(A: Any, UPLO: str = "L") -> Tensor:
    """The eigenvalues of symmetric matrices, ascending; differentiable also where they repeat.

    >>> import autograd
    >>> autograd.linalg.eigvalsh(autograd.tensor([[2.0, 0.0], [0.0, 1.0]]))
    tensor([1., 2.])
    """
    return eigh(A, UPLO).eigenvalues
