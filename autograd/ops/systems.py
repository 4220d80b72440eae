"""Systems of equations with a structure: triangular matrices, Cholesky factors, tensors."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..creation import as_tensor
from ..errors import ShapeError, described
from ..registry import public
from ..tensor import Tensor
from .linalg import inv, matrix, solve


@public(namespace="linalg")
def solve_triangular(
    A: Any, B: Any, *, upper: bool, left: bool = True, unitriangular: bool = False
) -> Tensor:
    """X with A X = B (or X A = B) where only one triangle of A is read.

    >>> import autograd
    >>> A = autograd.tensor([[2.0, 9.0], [0.0, 4.0]])
    >>> autograd.linalg.solve_triangular(A, autograd.tensor([[2.0], [0.0]]), upper=True)
    tensor([[1.],
            [0.]])
    """
    a: Any = matrix(A, "linalg.solve_triangular", square=True)
    b: Any = matrix(as_tensor(B).to(a.dtype), "linalg.solve_triangular")
    if b.ndim < a.ndim:  # `solve` would take some matrices for a batch of vectors
        b = b.reshape((1,) * (a.ndim - b.ndim) + tuple(b.shape))
    if unitriangular:
        a = (a.triu(1) if upper else a.tril(-1)) + as_tensor(np.eye(a.shape[-1], dtype=a.dtype))
    else:
        a = a.triu() if upper else a.tril()
    return solve(a, b, left=left)


@public(keywords={"B": "input", "input2": "L"})
def cholesky_solve(input: Any, L: Any, upper: bool = False) -> Tensor:
    """X with A X = input, from the Cholesky factor L of A.

    >>> import autograd
    >>> autograd.cholesky_solve(autograd.ones(2, 1), autograd.eye(2) * 2)
    tensor([[0.2500],
            [0.2500]])
    """
    factor: Any = matrix(L, "cholesky_solve", square=True)
    lower = factor.mT if upper else factor
    half = solve_triangular(lower, input, upper=False)
    return solve_triangular(lower.mT, half, upper=True)


@public()
def cholesky_inverse(input: Any, upper: bool = False) -> Tensor:
    """The inverse of A from its Cholesky factor.

    >>> import autograd
    >>> autograd.cholesky_inverse(autograd.eye(2) * 2)
    tensor([[0.2500, 0.0000],
            [0.0000, 0.2500]])
    """
    size = as_tensor(input)._data.shape[-1]
    return cholesky_solve(as_tensor(np.eye(size, dtype=as_tensor(input).dtype)), input, upper)


@public(namespace="linalg", numpy=np.linalg.tensorsolve, keywords={"other": "B"})
def tensorsolve(A: Any, B: Any, dims: Any = None) -> Tensor:
    """X with tensordot(A, X, X.ndim) = B.

    >>> import autograd
    >>> A = autograd.eye(6).reshape(2, 3, 6) * 2
    >>> autograd.linalg.tensorsolve(A, autograd.ones(2, 3))
    tensor([0.5000, 0.5000, 0.5000, 0.5000, 0.5000, 0.5000])
    """
    a: Any = as_tensor(A)
    b: Any = as_tensor(B)
    if dims is not None:
        a = a.movedim(tuple(dims), tuple(range(a.ndim - len(dims), a.ndim)))
    rest = a.shape[b.ndim :]
    if math.prod(rest) != b.numel():
        raise ShapeError(
            f"linalg.tensorsolve({described(a)}, {described(b)}): the sizes of A beyond those of "
            "B must multiply to the number of equations"
        )
    return solve(a.reshape(b.numel(), b.numel()), b.reshape(-1)).reshape(rest)


@public(namespace="linalg", numpy=np.linalg.tensorinv)
def tensorinv(A: Any, ind: int = 2) -> Tensor:
    """The inverse of A for tensordot over its first `ind` dimensions.

    >>> import autograd
    >>> autograd.linalg.tensorinv(autograd.eye(6).reshape(2, 3, 6)).shape
    Size([6, 2, 3])
    """
    a: Any = as_tensor(A)
    if ind <= 0:
        raise RuntimeError(f"linalg.tensorinv: ind must be positive, got {ind}")
    first, rest = a.shape[:ind], a.shape[ind:]
    if math.prod(first) != math.prod(rest):
        raise ShapeError(
            f"linalg.tensorinv({described(a)}): the first {ind} sizes and the others must have "
            "equal products"
        )
    return inv(a.reshape(math.prod(first), -1)).reshape(*rest, *first)
