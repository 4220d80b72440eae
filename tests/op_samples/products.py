"""Products of matrices and vectors."""

from __future__ import annotations

import numpy as np

from .table import Row, bad, call, x

WRONG = (RuntimeError, ValueError)

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
        bad(WRONG, x(2, 3), x(2, 3)),
        bad(WRONG, x(), x(2)),
    ),
    Row("mm", call(x(2, 3), x(3, 2)), bad(WRONG, x(3), x(3, 2)), numpy=np.matmul),
    Row("bmm", call(x(2, 2, 3), x(2, 3, 1)), bad(WRONG, x(2, 3), x(3, 2)), numpy=np.matmul),
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
]
