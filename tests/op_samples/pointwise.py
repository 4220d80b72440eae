"""Elementwise functions of one tensor."""

from __future__ import annotations

import numpy as np

from .table import Row, bad, call, constant, edge, exact, inside, pos, unary, x

ROWS = [
    unary("exp"),
    unary("exp2"),
    unary("expm1"),
    unary("log", pos),
    unary("log1p", pos),
    unary("log2", pos),
    unary("log10", pos),
    unary("sqrt", pos),
    unary("rsqrt", pos, lambda a: 1 / np.sqrt(a)),
    unary("reciprocal", pos),
    unary("square"),
    unary("sin"),
    unary("cos"),
    unary("tan", inside),
    unary("asin", inside),
    unary("acos", inside),
    unary("atan"),
    unary("sinh"),
    unary("cosh"),
    unary("tanh"),
    unary("sigmoid"),
    unary("erf"),
    unary("abs"),
    unary("sign"),
    unary("floor"),
    unary("ceil"),
    unary("trunc"),
    unary("round", x, np.round, call(x(2, 3), decimals=1)),
    constant(unary("isnan")),
    constant(unary("isinf")),
    constant(unary("isfinite")),
    constant(unary("logical_not")),
    Row(
        "clamp",
        call(x(2, 3), -1.2, 1.3),
        call(x(2, 3), min=0.3),
        call(x(2, 3), max=0.3),
        call(x(2, 3), x(3), None),
        call(x(2, 3), x(2, 3, low=-3, high=0), x(3, low=0, high=3)),
        call(x(0, 3), 0, 1),
        call(x(), -1, 1),
        edge(exact([-1.0, 1.0, 0.0, np.nan, np.inf]), -1.0, 1.0),
        bad(RuntimeError, x(2)),
        numpy=lambda a, min=None, max=None: np.clip(a, min, max),
    ),
]
