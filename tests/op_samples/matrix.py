"""Triangles and diagonals."""

from __future__ import annotations

import numpy as np

from .table import Row, bad, call, x

WRONG = (RuntimeError, ValueError, IndexError)
TRIANGLE = (call(x(3, 3)), call(x(2, 3), 1), call(x(2, 3, 2), diagonal=-1), call(x(0, 2)))

ROWS = [
    Row("tril", *TRIANGLE, bad(WRONG, x(3)), numpy=lambda a, diagonal=0: np.tril(a, diagonal)),
    Row("triu", *TRIANGLE, bad(WRONG, x(3)), numpy=lambda a, diagonal=0: np.triu(a, diagonal)),
    Row(
        "diagonal",
        call(x(3, 3)),
        call(x(2, 3), 1),
        call(x(2, 3, 4), offset=-1, dim1=1, dim2=2),
        call(x(2, 3, 4), dim1=-1, dim2=0),
        call(x(2, 3), 5),
        bad(WRONG, x(2, 3), dim1=0, dim2=0),
        numpy=lambda a, offset=0, dim1=0, dim2=1: np.diagonal(a, offset, dim1, dim2),
    ),
    Row(
        "diag_embed",
        call(x(3)),
        call(x(2, 3), 1),
        call(x(2, 3), offset=-1, dim1=0, dim2=2),
        bad(WRONG, x(2, 3), dim1=1, dim2=1),
        numpy=None,
    ),
    Row(
        "diag",
        call(x(3)),
        call(x(3), -1),
        call(x(3, 3)),
        call(x(2, 3), diagonal=1),
        bad(WRONG, x(2, 2, 2)),
        numpy=lambda a, diagonal=0: np.diag(a, diagonal),
    ),
    Row("diagflat", call(x(3)), call(x(2, 2), 1), numpy=lambda a, k=0: np.diagflat(a, k)),
    Row("trace", call(x(3, 3)), call(x(2, 3)), bad(WRONG, x(3))),
]
