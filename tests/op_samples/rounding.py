"""Elementwise steps and signs, and the parts of a floating number."""

from __future__ import annotations

import numpy as np

from .table import SPECIAL, Row, binary, call, edge, exact, ints, unary, x

ROWS = [
    unary("abs"),
    unary("sign", ref=lambda a: np.where(np.isnan(a), 0, np.sign(a))),
    unary("floor"),
    unary("ceil"),
    unary("trunc"),
    unary("round", x, np.round, call(x(2, 3), decimals=1)),
    unary("frac", ref=lambda a: a - np.trunc(a)),
    unary("positive"),
    Row("real", call(x(2, 3)), call(ints(2))),
    binary(
        "copysign",
        edges=[0.0, -0.0, 2.0, -2.0],
        grad=1,
        why="PyTorch's second derivative is rounding noise around 0",
    ),
    Row(
        "heaviside",
        call(x(2, 3, grad=False), x(3, grad=False)),
        call(x(grad=False), x(2, 1, grad=False)),
        edge(exact([[0.0, -0.0], [np.inf, np.nan]], grad=False), exact([0.5, np.nan], grad=False)),
        numpy=lambda a, b: np.where(np.isnan(a), 0, np.heaviside(a, b)),
        grad=0,
    ),
    Row(
        "nextafter",
        call(x(2, 3), x(3)),
        edge(exact([1.0]), exact([2.0])),
        numpy=None,
    ),
    Row(
        "frexp",
        call(x(2, 3)),
        call(x()),
        call(x(0, 3)),
        edge(exact([0.0, 1.0, -8.0])),
    ),
    Row(
        "nan_to_num",
        call(x(2, 3)),
        call(x()),
        call(x(0, 3)),
        # The largest numbers, which stand for infinity, depend on the dtype: for PyTorch only.
        edge(exact([np.nan, 0.0])),
        edge(exact(SPECIAL), nan=2.0, posinf=3.0, neginf=-1.0),
    ),
]
