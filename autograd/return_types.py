"""Named tuples for functions with several results, under PyTorch's names and with its `repr`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from .tensor import Tensor


class ValuesIndices(NamedTuple):
    """Elements along a dimension, and where they are."""

    values: Tensor
    indices: Tensor


class MinMax(NamedTuple):
    """The result of `aminmax`."""

    min: Tensor
    max: Tensor


class MantissaExponent(NamedTuple):
    """The result of `frexp`."""

    mantissa: Tensor
    exponent: Tensor


class HistEdges(NamedTuple):
    """The result of `histogram`; of `histogramdd`, with a tuple of edges."""

    hist: Tensor
    bin_edges: Any


class SlogdetResult(NamedTuple):
    """The sign and the logarithm of the absolute value of a determinant."""

    sign: Tensor
    logabsdet: Tensor


class QRResult(NamedTuple):
    """A matrix with orthonormal columns and an upper triangular one."""

    Q: Tensor
    R: Tensor


class SVDResult(NamedTuple):
    """Left singular vectors, singular values in descending order, right ones transposed."""

    U: Tensor
    S: Tensor
    Vh: Tensor


class OldSVDResult(NamedTuple):
    """Left singular vectors, singular values in descending order, right ones."""

    U: Tensor
    S: Tensor
    V: Tensor


class EighResult(NamedTuple):
    """Eigenvalues in ascending order, and eigenvectors as columns."""

    eigenvalues: Tensor
    eigenvectors: Tensor


class LstsqResult(NamedTuple):
    """The solution of least squares and what is known about it."""

    solution: Tensor
    residuals: Tensor
    rank: Tensor
    singular_values: Tensor


class InverseInfo(NamedTuple):
    """Inverses, and 0 for each matrix that has one."""

    inverse: Tensor
    info: Tensor


class CholeskyInfo(NamedTuple):
    """Cholesky factors, and 0 for each matrix that has one."""

    L: Tensor
    info: Tensor


class SolveInfo(NamedTuple):
    """Solutions, and 0 for each matrix that is regular."""

    result: Tensor
    info: Tensor


class LUFactorResult(NamedTuple):
    """L and U in one matrix, and the row with which each was exchanged, counted from 1."""

    LU: Tensor
    pivots: Tensor


class LUResult(NamedTuple):
    """A permutation, a lower triangular matrix with ones on the diagonal, an upper one."""

    P: Tensor
    L: Tensor
    U: Tensor


def _repr(self: Any) -> str:
    fields = ",\n".join(f"{name}={value!r}" for name, value in zip(self._fields, self, strict=True))
    return f"autograd.return_types.{type(self).__name__}(\n{fields})"


def _named(name: str, base: type) -> Any:
    """`base` under the name of a function, with PyTorch's `repr`."""
    return type(name, (base,), {"__repr__": _repr, "__slots__": (), "__module__": __name__})


max, min, sort, topk, kthvalue, mode, median, nanmedian, cummax, cummin = (
    _named(name, ValuesIndices)
    for name in (
        "max", "min", "sort", "topk", "kthvalue", "mode", "median", "nanmedian", "cummax", "cummin"
    )
)  # fmt: skip
aminmax = _named("aminmax", MinMax)
frexp = _named("frexp", MantissaExponent)
histogram = _named("histogram", HistEdges)
histogramdd = _named("histogramdd", HistEdges)
linalg_slogdet = _named("linalg_slogdet", SlogdetResult)
qr = _named("qr", QRResult)
linalg_qr = _named("linalg_qr", QRResult)
svd = _named("svd", OldSVDResult)
linalg_svd = _named("linalg_svd", SVDResult)
linalg_eigh = _named("linalg_eigh", EighResult)
linalg_lstsq = _named("linalg_lstsq", LstsqResult)
linalg_inv_ex = _named("linalg_inv_ex", InverseInfo)
linalg_cholesky_ex = _named("linalg_cholesky_ex", CholeskyInfo)
linalg_solve_ex = _named("linalg_solve_ex", SolveInfo)
linalg_lu_factor = _named("linalg_lu_factor", LUFactorResult)
linalg_lu = _named("linalg_lu", LUResult)
