"""`norm` and what is made of it."""

from __future__ import annotations

import numpy as np

from .table import Row, bad, call, edge, exact, ints, x


def norm(a, p="fro", dim=None, keepdim=False, dtype=None):
    if p == "nuc":
        return np.linalg.norm(a, "nuc", dim or (0, 1), keepdim)
    return np.linalg.vector_norm(a, ord=2 if p == "fro" else p, axis=dim, keepdims=keepdim)


ROWS = [
    Row(
        "norm",
        call(x(2, 3)),
        call(x(3), 2),
        call(x()),
        *(call(x(2, 3), p, 1) for p in (1, 2, 3, 1.5, 0.5, -2, np.inf, -np.inf)),
        call(x(2, 3), 3, dim=(0, 1), keepdim=True),
        call(x(2, 3), dim=-1, keepdim=True),
        call(x(2, 3), "fro", (0, 1)),
        call(x(2, 3), "nuc"),
        call(x(3), dtype=np.float64),
        *(edge(exact([0.0, 0.0]), p) for p in (1, 1.5, 2, 3, np.inf)),
        *(edge(exact([0.0, -2.0]), p) for p in (0.5, 1, 1.5, 2, 3, np.inf, -np.inf)),
        edge(exact([[3.0, -3.0], [1.0, 1.0]]), np.inf, 1),
        bad(RuntimeError, ints(3)),
        bad(IndexError, x(2), 2, 1),
        numpy=norm,
    ),
    Row(
        "dist",
        call(x(2, 3), x(3)),
        *(call(x(3), x(3), p) for p in (1, 3, np.inf)),
        call(x(), x()),
        edge(exact([1.0, 2.0]), exact([1.0, 2.0])),
        numpy=lambda a, b, p=2: np.linalg.vector_norm(a - b, ord=p),
    ),
    Row(
        "renorm",
        call(x(2, 3), 2, 0, 1.0),
        call(x(2, 3), p=1, dim=-1, maxnorm=2.0),
        call(x(2, 3, 2), 3, 1, 0.5),
        edge(exact([[0.0, 0.0], [3.0, 4.0]]), 2, 0, 1.0),
        numpy=None,
    ),
]
