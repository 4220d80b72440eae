"""LU decompositions, and inverses and solutions that say for which matrices there is none.

The order of the rows that pivoting chooses is constant, so gradients are those of the decomposition
of the rows in that order.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import return_types
from ..creation import as_tensor
from ..errors import LinAlgError
from ..function import Op
from ..registry import public
from ..return_types import CholeskyInfo, InverseInfo, LUFactorResult, LUResult, SolveInfo
from ..tensor import Tensor
from .joining import cat
from .linalg import cholesky, inv, matrix, solve, t
from .systems import solve_triangular
from .where import where


class LUFactors(Op):
    """L and U of square matrices, whose values (`packed`) LAPACK has found.

    Source of the rule: S. F. Walter and L. Lehmann, "Algorithmic differentiation of linear algebra
    functions" (2010).
    """

    op_name = "lu_factors"
    public = False
    backward = {"x": lambda g, out: _by_lu(g, out)}
    formula = {"x": "inv(L).T @ (tril(L.T @ g, -1) + triu(g @ U.T)) @ inv(U).T"}

    def forward(x, packed):
        return packed.copy()


def _by_lu(g: Any, packed: Any) -> Any:
    lower = np.tril(packed, -1) + np.eye(packed.shape[-1], dtype=packed.dtype)
    upper = np.triu(packed)
    inner = np.tril(t(lower) @ g, -1) + np.triu(g @ t(upper))
    return np.linalg.solve(t(lower), t(np.linalg.solve(upper, t(inner))))


def _lapack(name: str, a: np.ndarray, **options: Any) -> list[np.ndarray]:
    """The results of a function of LAPACK for each matrix, of which the last is `info`."""
    import scipy.linalg  # as slow to import as NumPy

    function = scipy.linalg.get_lapack_funcs((name,), (a,))[0]
    *batch, m, n = a.shape
    factors, info = a.copy(), np.zeros(batch, np.int32)
    pivots = np.zeros((*batch, min(m, n)), np.int32)
    for i in np.ndindex(*batch) if a.size else ():
        factors[i], *found, info[i] = function(a[i], **options)
        if found:
            pivots[i] = found[0] + 1
    return [factors, pivots, info]


def _order(pivots: np.ndarray, rows: int, dtype: Any) -> np.ndarray:
    """The matrices P of A = P L U."""
    p = np.zeros((*pivots.shape[:-1], rows, rows), dtype)
    for i in np.ndindex(*pivots.shape[:-1]):
        order = np.arange(rows)
        for row, other in enumerate(pivots[i] - 1):
            order[[row, other]] = order[[other, row]]
        p[i][order, np.arange(rows)] = 1
    return p


def _check_pivot(pivot: bool, name: str) -> None:
    if not pivot:
        raise RuntimeError(f"{name}: LU without pivoting is not implemented on the CPU")


@public(namespace="linalg", reads_values=True)
def lu_factor(A: Any, *, pivot: bool = True) -> LUFactorResult:
    """The LU decomposition of matrices (..., m, n), L and U in one matrix, for `linalg.lu_solve`.

    `pivots` are int32 (..., min(m, n)): the rows, from 1, that were exchanged with rows 1, 2, ...

    >>> import autograd
    >>> autograd.linalg.lu_factor(autograd.tensor([[2.0, 4.0], [4.0, 2.0]]))
    autograd.return_types.linalg_lu_factor(
    LU=tensor([[4.0000, 2.0000],
            [0.5000, 3.0000]]),
    pivots=tensor([2, 2], dtype=int32))
    """
    _check_pivot(pivot, "linalg.lu_factor")
    a: Any = matrix(A, "linalg.lu_factor")
    packed, pivots, _ = _lapack("getrf", a._data)
    m, n = a._data.shape[-2:]
    k = min(m, n)
    rows = as_tensor(t(_order(pivots, m, a.dtype))) @ a
    factors: Any = LUFactors.apply(rows[..., :k, :k], packed[..., :k, :k])
    if m > k:
        below = solve_triangular(factors, rows[..., k:, :], upper=True, left=False)
        factors = cat([factors, below], -2)
    elif n > k:
        beside = solve_triangular(factors, rows[..., k:], upper=False, unitriangular=True)
        factors = cat([factors, beside], -1)
    return return_types.linalg_lu_factor(factors, as_tensor(pivots))


@public(namespace="linalg", reads_values=True)
def lu(A: Any, *, pivot: bool = True) -> LUResult:
    """A = P L U for matrices (..., m, n): a permutation, lower and upper triangular matrices.

    >>> import autograd
    >>> P, L, U = autograd.linalg.lu(autograd.tensor([[2.0, 4.0], [4.0, 2.0]]))
    >>> L, P @ L @ U
    (tensor([[1.0000, 0.0000],
            [0.5000, 1.0000]]), tensor([[2., 4.],
            [4., 2.]]))
    """
    _check_pivot(pivot, "linalg.lu")
    factors, pivots = lu_factor(A)
    m, n = factors._data.shape[-2:]
    k = min(m, n)
    p = as_tensor(_order(pivots._data, m, factors.dtype))
    ones = as_tensor(np.eye(m, k, dtype=factors.dtype))
    lower = factors[..., :k].tril(-1) + ones
    return return_types.linalg_lu(p, lower, factors[..., :k, :].triu())


@public(namespace="linalg", keywords={"input": "LU"}, reads_values=True)
def lu_solve(LU: Any, pivots: Any, B: Any, *, left: bool = True, adjoint: bool = False) -> Tensor:
    """X with A X = B (X A = B with left=False; Aᵀ for A with `adjoint`), from A's `lu_factor`.

    >>> import autograd
    >>> A = autograd.tensor([[2.0, 4.0], [4.0, 2.0]])
    >>> autograd.linalg.lu_solve(*autograd.linalg.lu_factor(A), autograd.tensor([[6.0], [6.0]]))
    tensor([[1.],
            [1.]])
    """
    factors, b = matrix(LU, "linalg.lu_solve", square=True), matrix(B, "linalg.lu_solve")
    if not left:
        return t(lu_solve(factors, pivots, t(b), adjoint=not adjoint))
    p: Any = as_tensor(_order(as_tensor(pivots)._data, factors._data.shape[-1], factors.dtype))
    if adjoint:
        half = solve_triangular(t(factors), b, upper=False)
        return p @ solve_triangular(t(factors), half, upper=True, unitriangular=True)
    half = solve_triangular(factors, t(p) @ b, upper=False, unitriangular=True)
    return solve_triangular(factors, half, upper=True)


@public(namespace="linalg", reads_values=True)
def inv_ex(A: Any, *, check_errors: bool = False) -> InverseInfo:
    """The inverse of square matrices, and no error for singular ones: (inverse, info).

    `info` is int32 (...): 0, or the place, from 1, of the diagonal element of U in A = P L U that
    is zero. The inverse is NaN there.

    >>> import autograd
    >>> autograd.linalg.inv_ex(autograd.zeros(2, 2)).info
    tensor(1, dtype=int32)
    """
    a = matrix(A, "linalg.inv_ex", square=True)
    info = _lapack("getrf", a._data)[2]
    _check_info(info, check_errors, "linalg.inv_ex")
    return return_types.linalg_inv_ex(inv(_regular(a, info)), as_tensor(info))


@public(namespace="linalg", reads_values=True)
def solve_ex(A: Any, B: Any, *, left: bool = True, check_errors: bool = False) -> SolveInfo:
    """X with A X = B, and no error for singular matrices: (result, info); see `linalg.inv_ex`.

    >>> import autograd
    >>> autograd.linalg.solve_ex(autograd.zeros(1, 1), autograd.ones(1))
    autograd.return_types.linalg_solve_ex(
    result=tensor([nan]),
    info=tensor(1, dtype=int32))
    """
    a = matrix(A, "linalg.solve_ex", square=True)
    info = _lapack("getrf", a._data)[2]
    _check_info(info, check_errors, "linalg.solve_ex")
    result = solve(_regular(a, info), B, left=left)
    return return_types.linalg_solve_ex(result, as_tensor(info))


@public(namespace="linalg", reads_values=True)
def cholesky_ex(A: Any, *, upper: bool = False, check_errors: bool = False) -> CholeskyInfo:
    """The Cholesky factor, and no error for matrices that have none: (L, info).

    `info` is int32 (...): 0, or the order of the first leading minor that is not positive. The
    factor is NaN there.

    >>> import autograd
    >>> autograd.linalg.cholesky_ex(autograd.tensor([[1.0, 0.0], [0.0, -1.0]])).info
    tensor(2, dtype=int32)
    """
    a = matrix(A, "linalg.cholesky_ex", square=True)
    info = _lapack("potrf", a._data, lower=True)[2]
    _check_info(info, check_errors, "linalg.cholesky_ex")
    factor = cholesky(_regular(a, info, np.eye(a._data.shape[-1])), upper=upper)
    return return_types.linalg_cholesky_ex(_regular(factor, info), as_tensor(info))


def _regular(a: Tensor, info: np.ndarray, other: Any = np.nan) -> Tensor:
    """`a` with `other` in the place of the matrices that have no result."""
    if not info.any():
        return a
    return where(info[..., None, None] == 0, a, np.asarray(other, a.dtype))


def _check_info(info: np.ndarray, check: bool, name: str) -> None:
    if check and info.any():
        which = tuple(int(i) for i in np.argwhere(info)[0])
        what = "is not positive definite" if "cholesky" in name else "is singular"
        raise LinAlgError(
            f"{name}: the matrix{f' {which} of the batch' if which else ''} {what} "
            f"(info {info[which]})"
        )
