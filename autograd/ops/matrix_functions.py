"""Functions of matrices made from products and decompositions: powers, pseudo-inverses, least
squares, exponentials."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import return_types
from ..axes import axis_of
from ..batching.array import as_array
from ..creation import as_tensor
from ..errors import ShapeError, described
from ..function import Op
from ..registry import public
from ..return_types import LstsqResult, OldSVDResult, QRResult
from ..tensor import Tensor
from .joining import stack
from .linalg import inv, matrix, qr, svd, svdvals, t
from .matrix import diagonal as _diagonal
from .norms import matrix_norm
from .products import matmul
from .where import where


class PInv(Op):
    """Golub & Pereyra, "The differentiation of pseudo-inverses" (1973)."""

    op_name = "pinv"
    backward = {"x": lambda g, x, out: _by_pinv(g, x, out)}
    formula = {"x": "-P.T @ g @ P.T + (I - x P) g.T P P.T + P.T P g.T (I - P x), with P = out"}

    def forward(x, rtol, hermitian):
        return np.linalg.pinv(x, rtol, hermitian)


def _by_pinv(g: Any, x: Any, p: Any) -> Any:
    inside = -t(p) @ g @ t(p)
    rows, columns = t(g) @ p @ t(p), t(p) @ p @ t(g)
    return inside + rows - x @ (p @ rows) + columns - (columns @ p) @ x


@public(namespace="linalg", numpy=np.linalg.pinv, op=PInv)
def pinv(
    A: Any, rcond: Any = None, hermitian: bool = False, *, atol: Any = None, rtol: Any = None
) -> Tensor:
    """The Moore-Penrose inverse; singular values below max(atol, rtol · largest) count as 0.

    `rcond` is the old name of `rtol`.

    >>> import autograd
    >>> autograd.linalg.pinv(autograd.tensor([[2.0], [0.0]]))
    tensor([[0.5000, 0.0000]])
    """
    a = matrix(A, "linalg.pinv")
    relative = _relative_tolerance(a, atol, rtol if rcond is None else rcond)
    return PInv.apply(a, relative, hermitian)


@public()
def pinverse(input: Any, rcond: float = 1e-15) -> Tensor:
    """The Moore-Penrose inverse; see `linalg.pinv`."""
    return pinv(input, rtol=rcond)


def _relative_tolerance(a: Tensor, atol: Any, rtol: Any) -> Any:
    """PyTorch's defaults, with an absolute tolerance made relative to the largest value."""
    if rtol is None:
        given = atol is not None and bool(np.any(as_tensor(atol)._data))
        rtol = 0.0 if given else max(a._data.shape[-2:]) * np.finfo(a.dtype).eps
    if atol is None or a._data.size == 0:
        return rtol
    largest = np.linalg.svd(a._data, compute_uv=False)[..., 0]
    return np.maximum(rtol, atol / np.where(largest == 0, 1, largest))


@public(namespace="linalg", numpy=np.linalg.matrix_rank)
def matrix_rank(
    A: Any, tol: Any = None, hermitian: bool = False, *, atol: Any = None, rtol: Any = None
) -> Tensor:
    """How many singular values count as different from 0: are above max(atol, rtol · largest).

    `tol` is the old name of `atol`.

    >>> import autograd
    >>> autograd.linalg.matrix_rank(autograd.ones(2, 2))
    tensor(1)
    """
    a = matrix(A, "linalg.matrix_rank")
    s = np.linalg.svd(a._data, compute_uv=False)
    largest = s.max(-1, keepdims=True, initial=0)
    tolerance = _relative_tolerance(a, atol if tol is None else tol, rtol)
    limit = as_array(tolerance)[..., None] * largest
    return as_tensor((s > limit).sum(-1))


@public(namespace="linalg", numpy=np.linalg.cond)
def cond(A: Any, p: Any = None) -> Tensor:
    """The condition number: the product of a norm of A and that of its inverse.

    >>> import autograd
    >>> autograd.linalg.cond(autograd.tensor([[4.0, 0.0], [0.0, 2.0]]))
    tensor(2.)
    """
    a = matrix(A, "linalg.cond")
    if p is None or p in (2, -2):
        s: Any = svdvals(a)
        large, small = s[..., 0], s[..., -1]
        return small / large if p == -2 else large / small
    return matrix_norm(a, p) * matrix_norm(inv(a), p)


@public(namespace="linalg", keywords={"b": "B"}, reads_values=True)
def lstsq(A: Any, B: Any, rcond: Any = None, *, driver: str | None = None) -> LstsqResult:
    """The X (of least norm) that minimizes ‖A X - B‖, for matrices A (m, n) and B (m, k).

    >>> import autograd
    >>> A = autograd.tensor([[1.0, 0.0], [1.0, 1.0], [1.0, 2.0]])
    >>> autograd.linalg.lstsq(A, autograd.tensor([[1.0], [3.0], [5.0]])).solution
    tensor([[1.0000],
            [2.0000]])
    """
    a, b = matrix(A, "linalg.lstsq"), as_tensor(B)
    if driver not in (None, "gels", "gelsy", "gelsd", "gelss"):
        raise RuntimeError(f"linalg.lstsq: unknown driver {driver!r}")
    vector = b._data.ndim == a._data.ndim - 1
    columns = b.unsqueeze(-1) if vector else b
    if columns._data.shape[-2] != a._data.shape[-2]:
        raise ShapeError(f"linalg.lstsq({described(a)}, {described(b)}): the rows differ in number")
    x = matmul(pinv(a, rtol=rcond), columns)
    m, n = a._data.shape[-2:]
    empty = as_tensor(np.zeros((0,), a.dtype))
    full_rank = driver == "gels" or bool((matrix_rank(a, rtol=rcond)._data == n).all())
    residuals: Any = empty
    if m > n and full_rank and driver != "gelsy":
        residuals = ((matmul(a, x) - columns) ** 2).sum(-2)
    with_rank = driver != "gels"
    rank = matrix_rank(a, rtol=rcond) if with_rank else as_tensor(np.zeros((0,), np.int64))
    values = svdvals(a) if driver in ("gelsd", "gelss") else empty
    return return_types.linalg_lstsq(x.squeeze(-1) if vector else x, residuals, rank, values)


@public(namespace="linalg", numpy=np.linalg.matrix_power)
def matrix_power(A: Any, n: int) -> Tensor:
    """The n-th power of square matrices, of the inverse for negative n.

    >>> import autograd
    >>> autograd.linalg.matrix_power(autograd.tensor([[1.0, 1.0], [0.0, 1.0]]), 3)
    tensor([[1., 3.],
            [0., 1.]])
    """
    a = matrix(A, "linalg.matrix_power", square=True, floating=n < 0)
    if n < 0:
        a, n = inv(a), -n
    if n == 0:
        return where(np.zeros(a._data.shape, np.bool_), a, np.eye(a._data.shape[-1], dtype=a.dtype))
    if n == 1:
        return a.clone()
    half = matrix_power(a, n // 2)  # by repeated squaring
    square = matmul(half, half)
    return matmul(square, a) if n % 2 else square


@public("matrix_power")
def _matrix_power(input: Any, n: int) -> Tensor:
    """The n-th power of square matrices; see `linalg.matrix_power`."""
    return matrix_power(input, n)


@public(namespace="linalg", numpy=np.linalg.multi_dot)
def multi_dot(tensors: Any) -> Tensor:
    """The product of several matrices in the cheapest order (Cormen et al., matrix chains).

    The first and the last may be vectors.

    >>> import autograd
    >>> autograd.linalg.multi_dot([autograd.ones(1, 9), autograd.ones(9, 9), autograd.ones(9)])
    tensor([81.])
    """
    xs = [as_tensor(x) for x in tensors]
    if len(xs) < 2:
        raise RuntimeError(f"linalg.multi_dot: expected at least 2 tensors, got {len(xs)}")
    row, column = xs[0]._data.ndim == 1, xs[-1]._data.ndim == 1
    if row:
        xs[0] = xs[0].unsqueeze(0)
    if column:
        xs[-1] = xs[-1].unsqueeze(1)
    if any(x._data.ndim != 2 for x in xs):
        got = ", ".join(map(described, xs))
        raise RuntimeError(f"linalg.multi_dot: expected matrices, got {got}")
    sizes = [x._data.shape[0] for x in xs] + [xs[-1]._data.shape[1]]
    best: dict[tuple[int, int], tuple[float, int]] = {(i, i): (0.0, i) for i in range(len(xs))}
    for length in range(1, len(xs)):
        for i in range(len(xs) - length):
            j = i + length
            best[i, j] = min(
                (best[i, k][0] + best[k + 1, j][0] + sizes[i] * sizes[k + 1] * sizes[j + 1], k)
                for k in range(i, j)
            )

    def product(i: int, j: int) -> Tensor:
        if i == j:
            return xs[i]
        k = best[i, j][1]
        return matmul(product(i, k), product(k + 1, j))

    result: Any = product(0, len(xs) - 1)
    result = result.squeeze(-1) if column else result
    return result.squeeze(0) if row else result


@public(method=False)
def chain_matmul(*matrices: Any) -> Tensor:
    """The product of several matrices; see `linalg.multi_dot`."""
    return multi_dot(matrices[0] if isinstance(matrices[0], (list, tuple)) else matrices)


class MatrixExp(Op):
    # The gradient is the upper right block of the exponential of [[xᵀ, g], [0, xᵀ]]
    # (Al-Mohy & Higham 2009), which is an exponential again, to any order.
    backward = {"x": lambda g, x: _by_exp(g, x)}
    formula = {"x": "upper right block of expm([[x.T, g], [0, x.T]])"}

    def forward(x):
        import scipy.linalg  # as slow to import as NumPy

        return scipy.linalg.expm(x).astype(x.dtype, copy=False) if x.size else x.copy()


def _by_exp(g: Any, x: Any) -> Any:
    n = x.shape[-1]
    zero = 0.0 * g
    top, bottom = np.concatenate([t(x), g], -1), np.concatenate([zero, t(x)], -1)
    return MatrixExp.call(np.concatenate([top, bottom], -2))[..., :n, n:]


@public(op=MatrixExp)
def matrix_exp(input: Any) -> Tensor:
    """The exponential of square matrices, Σ Aᵏ / k!.

    >>> import autograd
    >>> autograd.matrix_exp(autograd.zeros(2, 2))
    tensor([[1., 0.],
            [0., 1.]])
    """
    return MatrixExp.apply(matrix(input, "matrix_exp", square=True))


@public("matrix_exp", namespace="linalg")
def _linalg_matrix_exp(A: Any) -> Tensor:
    """The exponential of square matrices; see `autograd.matrix_exp`."""
    return matrix_exp(A)


@public(namespace="linalg", numpy=np.cross)
def cross(input: Any, other: Any, *, dim: int = -1) -> Tensor:
    """The vector product along a dimension of size 3.

    >>> import autograd
    >>> autograd.linalg.cross(autograd.tensor([1.0, 0.0, 0.0]), autograd.tensor([0.0, 1.0, 0.0]))
    tensor([0., 0., 1.])
    """
    x: Any = as_tensor(input)
    y: Any = as_tensor(other)
    if x.ndim != y.ndim:
        raise RuntimeError(f"cross({described(x)}, {described(y)}): the ranks differ")
    axis = axis_of(dim, x.ndim)
    if x.shape[axis] != 3 or y.shape[axis] != 3:
        raise ShapeError(f"cross({described(x)}, {described(y)}): dim {axis} must have size 3")
    x1, x2, x3 = x.movedim(axis, 0)
    y1, y2, y3 = y.movedim(axis, 0)
    parts = [x2 * y3 - x3 * y2, x3 * y1 - x1 * y3, x1 * y2 - x2 * y1]
    return stack(parts, axis)


@public("cross")
def _cross(input: Any, other: Any, dim: int | None = None) -> Tensor:
    """The vector product along `dim`, by default the first dimension of size 3."""
    if dim is None:
        threes = [i for i, n in enumerate(as_tensor(input)._data.shape) if n == 3]
        if not threes:
            raise RuntimeError(f"cross: no dimension of size 3 in {described(as_tensor(input))}")
        dim = threes[0]
    return cross(input, other, dim=dim)


@public("svd")
def _svd(input: Any, some: bool = True, compute_uv: bool = True) -> OldSVDResult:
    """A = U diag(S) V.T: like `linalg.svd`, but with V, and reduced unless `some=False`.

    >>> import autograd
    >>> autograd.svd(autograd.tensor([[3.0, 0.0], [0.0, 4.0]])).S
    tensor([4., 3.])
    """
    if compute_uv:
        u, s, vh = svd(input, not some)
        return return_types.svd(u, s, t(vh))
    x, s = as_tensor(input), svdvals(input)
    m, n = x._data.shape[-2:]
    return return_types.svd(x.new_zeros(m, m), s, x.new_zeros(n, n))


@public("qr")
def _qr(input: Any, some: bool = True) -> QRResult:
    """`linalg.qr`, reduced unless `some=False`.

    >>> import autograd
    >>> abs(autograd.qr(autograd.tensor([[2.0], [0.0]])).R)
    tensor([[2.]])
    """
    return return_types.qr(*qr(input, "reduced" if some else "complete"))


@public(namespace="linalg")
def vecdot(x: Any, y: Any, *, dim: int = -1) -> Tensor:
    """The products of vectors along a dimension.

    >>> import autograd
    >>> autograd.linalg.vecdot(autograd.ones(2, 3), autograd.ones(2, 3))
    tensor([3., 3.])
    """
    return (as_tensor(x) * as_tensor(y)).sum(dim)


@public("diagonal", namespace="linalg")
def _linalg_diagonal(A: Any, *, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Tensor:
    """The diagonals of matrices, by default of the last two dimensions. A view."""
    return _diagonal(A, offset, dim1, dim2)


@public(namespace="linalg")
def vander(x: Any, *, N: int | None = None) -> Tensor:
    """The matrix of powers x⁰, x¹, ..., x^(N-1) of each element.

    >>> import autograd
    >>> autograd.linalg.vander(autograd.tensor([2.0, 3.0]), N=3)
    tensor([[1., 2., 4.],
            [1., 3., 9.]])
    """
    a: Any = as_tensor(x)
    a = a if a.dtype.kind == "f" else a.long()
    a = a if a.ndim else a.reshape(1)
    size = a.shape[-1] if N is None else N
    powers = as_tensor(np.arange(size, dtype=a.dtype))
    return a.unsqueeze(-1) ** powers
