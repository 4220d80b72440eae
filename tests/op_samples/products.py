"""Products of matrices and vectors."""

from __future__ import annotations

import numpy as np

from .table import Row, bad, call, edge, exact, x

WRONG = (RuntimeError, ValueError)


def tensordot(a, b, dims=2):
    """In PyTorch a contracted dimension of size 1 broadcasts."""
    if isinstance(dims, int):
        dims = [*range(a.ndim - dims, a.ndim)], [*range(dims)]
    shared = [max(a.shape[i], b.shape[j]) for i, j in zip(*dims, strict=True)]
    for axes, i in ((dims[0], 0), (dims[1], 1)):
        c = (a, b)[i]
        wide = list(c.shape)
        for axis, n in zip(axes, shared, strict=True):
            wide[axis] = n
        a, b = (np.broadcast_to(c, wide), b) if i == 0 else (a, np.broadcast_to(c, wide))
    return np.tensordot(a, b, dims)


ROWS = [
    Row(
        "matmul",
        call(x(2, 3), x(3, 2)),
        call(x(3), x(3)),
        call(x(2, 3), x(3)),
        call(x(3), x(3, 2)),
        call(x(2, 2, 3), x(3, 2)),
        call(x(2, 3), x(2, 3, 2)),
        call(x(2, 1, 2, 3), x(2, 3, 1)),
        call(x(2, 2, 3), x(3)),
        call(x(3), x(2, 3, 2)),
        call(x(0, 3), x(3, 2)),
        call(x(2, 0), x(0, 2)),
        call(x(2, 3, 0), x(0, 2)),
        call(x(0, 2, 3), x(3, 2)),
        bad(WRONG, x(2, 3), x(2, 3)),
        bad(WRONG, x(), x(2)),
    ),
    Row("mm", call(x(2, 3), x(3, 2)), bad(WRONG, x(3), x(3, 2)), numpy=np.matmul),
    Row(
        "bmm",
        call(x(2, 2, 3), x(2, 3, 1)),
        bad(WRONG, x(2, 3), x(3, 2)),
        bad(WRONG, x(2, 2, 3), x(1, 3, 2)),
        numpy=np.matmul,
    ),
    Row("mv", call(x(2, 3), x(3)), bad(WRONG, x(3), x(3)), numpy=np.matmul),
    Row("dot", call(x(3), x(3)), bad(WRONG, x(2), x(3)), bad(WRONG, x(2, 2), x(2))),
    Row(
        "nn.functional.linear",
        call(x(2, 3), x(4, 3), x(4)),
        call(x(2, 3), x(4, 3)),
        call(x(3), x(2, 3), x(2)),
        call(x(2, 2, 3), x(2, 3)),
        call(x(0, 3), x(2, 3), x(2)),
        bad(WRONG, x(2, 3), x(4, 2)),
        numpy=lambda a, w, b=0: a @ w.T + b,
    ),
    Row("vdot", call(x(3), x(3)), bad(WRONG, x(2), x(3)), numpy=np.dot),
    Row(
        "inner",
        call(x(3), x(3)),
        call(x(2, 3), x(4, 3)),
        call(x(), x(3)),
        bad(WRONG, x(2), x(3)),
        bad(WRONG, x(2, 3), x(1)),
    ),
    Row("outer", call(x(3), x(2)), call(x(0), x(2)), bad(WRONG, x(2, 2), x(3))),
    Row(
        "tensordot",
        call(x(2, 3), x(3, 2), dims=1),
        call(x(2, 3, 2), x(3, 2, 4)),
        call(x(2, 3, 2), x(2, 3, 4), dims=([0, 1], [0, 1])),
        call(x(2), x(3), dims=0),
        call(x(2, 3, 1), x(1, 2, 4)),
        bad(WRONG, x(2, 3), x(2, 3), dims=1),
        bad(WRONG, x(2), x(2), dims=2),
        numpy=tensordot,
    ),
    Row(
        "einsum",
        *[
            call(equation, *[x(*shape) for shape in shapes])
            for equation, *shapes in [
                ("ij,jk->ik", (2, 3), (3, 2)),
                ("ij,jk", (2, 3), (3, 2)),
                ("ii", (3, 3)),
                ("ii->i", (3, 3)),
                ("bij,bjk->bik", (2, 2, 3), (2, 3, 2)),
                ("...ij,...jk->...ik", (2, 2, 3), (3, 2)),
                ("i,j,k->ijk", (2,), (3,), (2,)),
                ("ij,kl->ik", (2, 3), (2, 2)),
                ("ij->", (2, 3)),
                ("iij,j->i", (2, 2, 3), (3,)),
                ("i...->...i", (2, 3, 2)),
                ("ab,bc,cd,ad->ac", (2, 3), (3, 2), (2, 2), (2, 2)),
                ("bhqd,bhkd->bhqk", (1, 2, 2, 3), (1, 2, 2, 3)),
            ]
        ],
        edge("ij,jk->ik", x(0, 3), x(3, 2)),
        bad(WRONG, "ij,jk->ik", x(2, 3), x(2, 3)),
        bad(WRONG, "ij->i", x(2)),
        bad(WRONG, "ij->k", x(2, 2)),
        numpy=np.einsum,
    ),
    *[
        Row(
            name,
            call(x(*bias), x(*first), x(*second)),
            call(x(*bias), x(*first), x(*second), beta=3, alpha=2),
            edge(exact(np.nan, grad=False), x(*first), x(*second), beta=0),
            numpy=None,
            skip_dtypes="b",
            why="PyTorch's factors are bool then",
        )
        for name, bias, first, second in [
            ("addmm", (2,), (2, 3), (3, 2)),
            ("addmv", (2,), (2, 3), (3,)),
            ("addr", (2, 3), (2,), (3,)),
            ("baddbmm", (2, 2, 2), (2, 2, 3), (2, 3, 2)),
            ("addbmm", (2, 2), (2, 2, 3), (2, 3, 2)),
        ]
    ],
]
