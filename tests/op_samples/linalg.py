"""Linear algebra: inputs are made regular, symmetric or positive definite by `run`; vectors of a
decomposition are compared where their sign does not matter."""

from __future__ import annotations

import math

import numpy as np
import scipy.linalg

from .table import Row, bad, call, edge, exact, x

WRONG = (RuntimeError, ValueError)
SQUARE = (call(x(3, 3)), call(x(2, 2, 2)), call(x(1, 1)))
NOT_SQUARE = (bad(WRONG, x(2, 3)), bad(WRONG, x(3)))
LOOSE = (1e-7, 2e-3)  # inverses and decompositions amplify rounding by the condition number


def regular(a):  # type: ignore[no-untyped-def]
    """Diagonally dominant, so well-conditioned, for square matrices; others as they are."""
    if a.ndim < 2 or a.shape[-1] != a.shape[-2]:
        return a
    eye = np.eye(a.shape[-1])
    return a + 8 * _like(eye, a)


def symmetric(a):  # type: ignore[no-untyped-def]
    return a + a.swapaxes(-1, -2)


def positive(a):  # type: ignore[no-untyped-def]
    if a.ndim < 2 or a.shape[-1] != a.shape[-2]:
        return a
    return a @ a.swapaxes(-1, -2) + 4 * _like(np.eye(a.shape[-1]), a)


def triangle(a, upper):  # type: ignore[no-untyped-def]
    """A regular triangular matrix."""
    mask = np.tri(a.shape[-1])
    return regular(a) * _like(mask.T if upper else mask, a)


def _like(array, a):  # type: ignore[no-untyped-def]
    """A constant of the library and dtype of `a`."""
    if isinstance(a, np.ndarray):
        return array.astype(a.dtype)
    return a.new_tensor(array.tolist())


def _pivots(p):  # type: ignore[no-untyped-def]
    return p.astype(np.int32) if isinstance(p, np.ndarray) else p.int()


ROWS = [
    Row("linalg.inv", *SQUARE, *NOT_SQUARE, run=lambda f, a: f(regular(a)), tol=LOOSE),
    Row("inverse", call(x(3, 3)), run=lambda f, a: f(regular(a)), numpy=np.linalg.inv, tol=LOOSE),
    Row(
        "linalg.solve",
        call(x(3, 3), x(3)),
        call(x(3, 3), x(3, 2)),
        call(x(2, 3, 3), x(2, 3, 2)),
        call(x(2, 3, 3), x(3, 2)),
        call(x(3, 3), x(2, 3), left=False),
        bad(WRONG, x(3, 3), x(2)),
        bad(WRONG, x(2, 3), x(2)),
        run=lambda f, a, b, **k: f(regular(a), b, **k),
        numpy=lambda a, b, left=True: (
            np.linalg.solve(a, b)
            if left
            else np.linalg.solve(a.swapaxes(-1, -2), b.swapaxes(-1, -2)).swapaxes(-1, -2)
        ),
        tol=LOOSE,
    ),
    Row(
        "linalg.det",
        *SQUARE,
        *NOT_SQUARE,
        tol=LOOSE,
    ),
    Row("det", call(x(3, 3)), numpy=np.linalg.det, tol=LOOSE),
    Row("linalg.slogdet", *SQUARE, *NOT_SQUARE, run=lambda f, a: tuple(f(regular(a))), tol=LOOSE),
    Row("slogdet", call(x(3, 3)), numpy=np.linalg.slogdet, run=lambda f, a: tuple(f(regular(a)))),
    Row(
        "logdet",
        call(x(3, 3)),
        call(x(2, 2, 2)),
        edge(exact([[-1.0, 0.0], [0.0, 1.0]])),
        run=lambda f, a: f(a @ a.swapaxes(-1, -2) if a.shape[-1] == 3 else a @ a),
        numpy=lambda a: np.log(np.linalg.det(a)),
        tol=LOOSE,
    ),
    Row(
        "linalg.cholesky",
        *SQUARE,
        call(x(3, 3), upper=True),
        *NOT_SQUARE,
        run=lambda f, a, **k: f(
            positive(a) if a.ndim > 1 and a.shape[-1] == a.shape[-2] else a, **k
        ),
        numpy=lambda a, upper=False: np.linalg.cholesky(a, upper=upper),
        tol=LOOSE,
    ),
    Row(
        "cholesky",
        call(x(3, 3)),
        call(x(3, 3), upper=True),
        run=lambda f, a, **k: f(positive(a), **k),
        numpy=lambda a, upper=False: np.linalg.cholesky(a, upper=upper),
        tol=LOOSE,
    ),
    Row(
        "linalg.qr",
        call(x(3, 3)),
        call(x(4, 2)),
        call(x(2, 4)),
        call(x(2, 3, 2)),
        bad(WRONG, x(3)),
        run=lambda f, a: tuple(abs(part) for part in f(a)),
        tol=LOOSE,
    ),
    Row(
        "linalg.svd",
        call(x(3, 3)),
        call(x(4, 2)),
        call(x(2, 4)),
        call(x(2, 3, 2)),
        bad(WRONG, x(3)),
        run=lambda f, a: tuple(abs(part) for part in f(a, full_matrices=False)),
        tol=LOOSE,
    ),
    Row(
        "linalg.svdvals",
        call(x(3, 3)),
        call(x(4, 2)),
        edge(exact([[2.0, 0.0], [0.0, 2.0]])),
        bad(WRONG, x(3)),
        numpy=lambda a: np.linalg.svd(a, compute_uv=False),
        tol=LOOSE,
    ),
    Row(
        "svd",
        call(x(3, 2)),
        call(x(2, 2, 3), True),
        call(x(3, 3), some=False),
        call(x(3, 2), compute_uv=False),
        run=lambda f, a, *args, **kw: (lambda u, s, v: (abs(u), s, abs(v)))(*f(a, *args, **kw)),
        numpy=lambda a, some=True, compute_uv=True: (
            (lambda u, s, v: (u, s, v.swapaxes(-1, -2)))(*np.linalg.svd(a, full_matrices=not some))
            if compute_uv
            else (np.zeros((3, 3)), np.linalg.svd(a, compute_uv=False), np.zeros((2, 2)))
        ),
        tol=LOOSE,
    ),
    Row(
        "qr",
        call(x(3, 2)),
        call(x(2, 3, 3), False),
        run=lambda f, a, *args: tuple(abs(part) for part in f(a, *args)),
        numpy=lambda a, some=True: np.linalg.qr(a, "reduced" if some else "complete"),
        tol=LOOSE,
    ),
    Row(
        "linalg.eigh",
        *SQUARE,
        *NOT_SQUARE,
        run=lambda f, a: (lambda w, v: (w, abs(v)))(*f(symmetric(a) if a.ndim > 1 else a)),
        tol=LOOSE,
    ),
    Row(
        "linalg.eigvalsh",
        *SQUARE,
        *NOT_SQUARE,
        run=lambda f, a: f(symmetric(a) if a.ndim > 1 else a),
        tol=LOOSE,
    ),
    Row(
        "linalg.vector_norm",
        call(x(2, 3)),
        call(x(2, 3), 1),
        call(x(2, 3), 3, dim=-1),
        call(x(2, 3), 0.5, dim=0, keepdim=True),
        call(x(2, 3), math.inf, dim=1),
        call(x(2, 3), -math.inf),
        call(x(2, 3), 0),
        call(x(2, 2, 3), 2, dim=(0, 2)),
        call(x(0), 2),
        edge(exact([0.0, 0.0])),
        edge(exact([0.0, 0.0]), 3),
        numpy=lambda a, ord=2, axis=None, keepdims=False: np.linalg.vector_norm(
            a, axis=axis, keepdims=keepdims, ord=ord
        ),
    ),
    Row(
        "linalg.matrix_norm",
        *[call(x(3, 2), ord) for ord in ("fro", "nuc", 1, -1, 2, -2, math.inf, -math.inf)],
        call(x(2, 3, 4), "nuc", dim=(0, 2)),
        call(x(2, 3, 4), 1, dim=(-1, 0), keepdim=True),
        bad(WRONG, x(3)),
        bad(WRONG, x(2, 2), 3),
        numpy=lambda a, ord="fro", axis=(-2, -1), keepdims=False: np.linalg.norm(
            a, ord, axis, keepdims
        ),
        tol=LOOSE,
    ),
    Row(
        "linalg.norm",
        call(x(2, 3)),
        call(x(3), 1),
        call(x(2, 3), "fro"),
        call(x(2, 3), 2),
        call(x(2, 3), 1, dim=1),
        call(x(2, 3, 2), math.inf, dim=(0, 1)),
        numpy=lambda a, ord=None, axis=None, keepdims=False: np.linalg.norm(a, ord, axis, keepdims),
        tol=LOOSE,
    ),
    Row(
        "cdist",
        call(x(2, 3), x(4, 3)),
        call(x(2, 3), x(4, 3), p=1.0),
        call(x(2, 2, 3), x(4, 3), p=3.0),
        call(x(2, 3), x(4, 3), p=math.inf),
        bad(WRONG, x(2, 3), x(2, 2)),
        numpy=lambda a, b, p=2.0: np.linalg.vector_norm(
            a[..., :, None, :] - b[..., None, :, :], axis=-1, ord=p
        ),
    ),
    Row(
        "linalg.pinv",
        call(x(3, 3)),
        call(x(4, 2)),
        call(x(2, 4)),
        call(x(2, 3, 2)),
        bad(WRONG, x(3)),
        tol=LOOSE,
    ),
    Row("pinverse", call(x(4, 2)), numpy=np.linalg.pinv, tol=LOOSE),
    Row(
        "linalg.matrix_rank",
        call(x(3, 3)),
        call(exact([[1.0, 2.0], [2.0, 4.0]])),
        call(x(2, 3, 4), atol=0.1),
        grad=0,
        numpy=lambda a, atol=None: np.linalg.matrix_rank(a),
    ),
    Row(
        "linalg.cond",
        call(x(3, 3)),
        call(x(3, 3), "fro"),
        call(x(3, 3), 1),
        call(x(3, 3), -2),
        run=lambda f, a, *p: f(regular(a), *p),
        # PyTorch's own, for these norms, cannot be differentiated twice.
        torch=lambda t, a, p=None: (
            t.linalg.matrix_norm(a, p) * t.linalg.matrix_norm(t.linalg.inv(a), p)
            if p in ("fro", 1)
            else t.linalg.cond(a, p)
        ),
        tol=LOOSE,
    ),
    Row(
        "linalg.lstsq",
        call(x(4, 2), x(4, 3)),
        call(x(2, 4, 2), x(2, 4, 3)),
        run=lambda f, a, b: f(a, b).solution if hasattr(f(a, b), "solution") else f(a, b),
        numpy=lambda a, b: np.linalg.pinv(a) @ b,
        tol=LOOSE,
    ),
    Row(
        "linalg.matrix_power",
        call(x(3, 3), 0),
        call(x(3, 3), 1),
        call(x(2, 2, 2), 5),
        call(x(3, 3), -1),  # PyTorch cannot differentiate -2 twice
        bad(WRONG, x(2, 3), 2),
        run=lambda f, a, n: f(regular(a) if n < 0 else a, n),
        tol=LOOSE,
    ),
    Row("matrix_power", call(x(3, 3), 3), numpy=np.linalg.matrix_power, tol=LOOSE),
    Row(
        "linalg.multi_dot",
        call([x(2, 3), x(3, 4), x(4, 2)]),
        call([x(3), x(3, 4), x(4)]),
        call([x(2, 5), x(5, 1), x(1, 5), x(5, 3)]),
        bad(WRONG, [x(2, 3)]),
        tol=LOOSE,
    ),
    Row("chain_matmul", call(x(2, 3), x(3, 4)), numpy=np.matmul, torch=lambda t, a, b: a @ b),
    Row("matrix_exp", *SQUARE, *NOT_SQUARE, numpy=scipy.linalg.expm, tol=LOOSE),
    Row("linalg.matrix_exp", call(x(3, 3)), numpy=scipy.linalg.expm, tol=LOOSE),
    Row(
        "linalg.solve_triangular",
        call(x(3, 3), x(3, 2), upper=True),
        call(x(3, 3), x(3, 2), upper=False),
        call(x(3, 3), x(2, 3), upper=True, left=False),
        call(x(2, 3, 3), x(2, 3, 1), upper=False, unitriangular=True),
        call(x(3, 3, 3), x(3, 3), upper=False),  # a matrix, no batch of vectors
        run=lambda f, a, b, **k: f(regular(a), b, **k),
        numpy=None,
        tol=LOOSE,
    ),
    Row(
        "cholesky_solve",
        call(x(3, 2), x(3, 3)),
        call(x(3, 2), x(3, 3), upper=True),
        call(x(3, 3), x(3, 3, 3)),
        run=lambda f, b, a, upper=False: f(b, triangle(a, upper), upper=upper),
        numpy=None,
        tol=LOOSE,
    ),
    Row(
        "cholesky_inverse",
        call(x(3, 3)),
        call(x(3, 3, 3)),
        call(x(3, 3), upper=True),
        run=lambda f, a, upper=False: f(triangle(a, upper), upper=upper),
        numpy=None,
        tol=LOOSE,
    ),
    Row(
        "linalg.cross",
        call(x(2, 3), x(2, 3)),
        call(x(3, 2), x(3, 2), dim=0),
        call(x(1, 3), x(2, 3)),
        bad(WRONG, x(2, 2), x(2, 2)),
        numpy=lambda a, b, axis=-1: np.cross(a, b, axis=axis),
    ),
    Row("cross", call(x(2, 3), x(2, 3)), call(x(3, 2), x(3, 2), dim=0), numpy=None),
    Row(
        "linalg.vecdot",
        call(x(2, 3), x(2, 3)),
        call(x(3, 2), x(3, 2), dim=0),
        numpy=lambda a, b, axis=-1: (a * b).sum(axis),
    ),
    Row(
        "linalg.diagonal",
        call(x(2, 3, 3)),
        call(x(2, 3), offset=1),
        numpy=lambda a, offset=0: np.diagonal(a, offset, -2, -1),
    ),
    Row(
        "linalg.tensorsolve",
        call(x(2, 3, 6), x(2, 3)),
        run=lambda f, a, b: f(regular(a.reshape(6, 6)).reshape(2, 3, 6), b),
        tol=LOOSE,
    ),
    Row(
        "linalg.tensorinv",
        call(x(2, 3, 6)),
        run=lambda f, a: f(regular(a.reshape(6, 6)).reshape(2, 3, 6)),
        tol=LOOSE,
    ),
    Row(
        "linalg.inv_ex",
        *SQUARE,
        call(x(3, 3), check_errors=True),
        *NOT_SQUARE,
        run=lambda f, a, **k: tuple(f(regular(a), **k)),
        numpy=None,
        tol=LOOSE,
    ),
    Row(
        "linalg.solve_ex",
        call(x(3, 3), x(3)),
        call(x(2, 3, 3), x(2, 3, 2)),
        call(x(3, 3), x(2, 3), left=False),
        bad(WRONG, x(2, 3), x(2)),
        run=lambda f, a, b, **k: tuple(f(regular(a), b, **k)),
        numpy=None,
        tol=LOOSE,
    ),
    Row(
        "linalg.cholesky_ex",
        *SQUARE,
        call(x(3, 3), upper=True),
        *NOT_SQUARE,
        run=lambda f, a, **k: tuple(f(positive(a), **k)),
        numpy=None,
        tol=LOOSE,
    ),
    Row(
        "linalg.lu_factor",
        *SQUARE,
        call(x(4, 2)),
        call(x(2, 4)),
        call(x(2, 3, 2)),
        bad(WRONG, x(3)),
        bad(WRONG, x(3, 3), pivot=False),
        run=lambda f, a, **k: tuple(f(a, **k)),
        numpy=None,
        tol=LOOSE,
    ),
    Row(
        "linalg.lu",
        *SQUARE,
        call(x(4, 2)),
        call(x(2, 4)),
        call(x(2, 2, 3)),
        bad(WRONG, x(3)),
        run=lambda f, a, **k: tuple(f(a, **k)),
        numpy=lambda a: scipy.linalg.lu(a),
        tol=LOOSE,
    ),
    Row(
        "linalg.lu_solve",
        call(x(3, 3), exact([3, 2, 3]), x(3, 2)),
        call(x(3, 3), exact([1, 3, 3]), x(2, 3), left=False),
        call(x(3, 3), exact([2, 3, 3]), x(3, 2), adjoint=True),
        call(x(3, 3), exact([3, 3, 3]), x(2, 3), adjoint=True, left=False),
        call(x(2, 3, 3), exact([[3, 2, 3], [2, 3, 3]]), x(2, 3, 1)),
        run=lambda f, a, p, b, **k: f(regular(a), _pivots(p), b, **k),
        numpy=None,
        tol=LOOSE,
    ),
    Row(
        "linalg.vander",
        call(x(3)),
        call(x(2, 3), N=4),
        edge(exact([0.0, 2.0]), N=3),
        numpy=lambda a, N=None: a[..., None] ** np.arange(a.shape[-1] if N is None else N),
    ),
]
