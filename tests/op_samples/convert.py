"""Copies and other dtypes."""

from __future__ import annotations

import numpy as np

from .table import Row, bools, call, edge, ints, x

ROWS = [
    Row("clone", call(x(2, 3)), call(x())),
    Row("clone", call(x(2, 3), x(3)), run=lambda f, a, b: f(a).copy_(b), numpy=None),
    Row(
        "type_as",
        call(x(2, 3), x(1, grad=False)),
        call(x(2), ints(1)),
        numpy=lambda a, b: a.astype(b.dtype),
    ),
    Row(
        "to",
        call(x(2, 3), np.float64),
        edge(x(2), dtype=np.float32),
        call(x(2), "cpu"),
        call(ints(2), np.float32),
        call(bools(2), np.int64),
        call(x(2), np.int32),
        numpy=lambda a, t=None, dtype=None: a.astype(dtype or (a.dtype if t == "cpu" else t)),
    ),
    Row(
        "contiguous",
        call(x(2, 3)),
        call(x(2, 0)),
        run=lambda f, a: f(a.T),
        numpy=np.ascontiguousarray,
    ),
]
