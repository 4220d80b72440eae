"""Operators of arithmetic and what is composed of them."""

from __future__ import annotations

import math

import numpy as np

from .table import Row, bad, binary, call, edge, exact, ints, pos, unary, x


def away_from_zero(*shape: int):
    return x(*shape, low=0.6, high=3.4)


ROWS = [
    binary("add", x, x, lambda a, b, alpha=1: a + alpha * b, call(x(2), x(2), alpha=2)),
    binary("sub", x, x, lambda a, b, alpha=1: a - alpha * b, call(x(2), x(2), alpha=2)),
    binary("mul"),
    binary(
        "div",
        x,
        away_from_zero,
        lambda a, b, rounding_mode=None: {
            None: np.true_divide,
            "floor": np.floor_divide,
            "trunc": lambda a, b: np.trunc(a / b),
        }[rounding_mode](a, b),
        call(x(2, 3), away_from_zero(3), rounding_mode="floor"),
        call(x(2, 3), away_from_zero(3), rounding_mode="trunc"),
        bad(RuntimeError, x(2), x(2), rounding_mode="up"),
    ),
    binary("floor_divide", x, away_from_zero),
    binary("remainder", x, away_from_zero),
    unary("neg", ref=np.negative),
    binary(
        "pow",
        pos,
        x,
        None,
        call(x(3), 2),
        call(x(3), 3.0),
        call(x(3), 0),
        call(x(2), ints(2, low=1)),
        *(call(x(2, 3), n) for n in (4, 5.0, -2, -3)),
        edge(exact([-math.inf, -1e30, -0.0, 0.0, math.inf, math.nan]), 5),
        edge(exact([-math.inf, -1e30, -0.0, 0.0, math.inf, math.nan]), -3),
    ),
    binary("fmod", x, away_from_zero),
    Row(
        "rsub",
        call(x(2, 3), x(3)),
        call(x(2, 3), 2.0),
        call(x(2), x(2), alpha=2),
        numpy=lambda a, b, alpha=1: b - alpha * a,
    ),
    binary("float_power", pos, x),
    Row(
        "ldexp",
        call(x(2, 3), x(3)),
        call(x(2, 3), ints(3)),
        call(x(), ints(3)),
        call(ints(2), ints(2)),
        call(x(0, 3), x(3)),
        numpy=lambda a, b: a * 2.0**b,
    ),
    *(
        Row(
            name,
            call(ints(2, 3), ints(3)),
            call(ints(), ints(2, low=-5)),
            call(ints(0), ints(1)),
            grad=0,
        )
        for name in ("gcd", "lcm")
    ),
    Row(
        "lerp",
        call(x(2, 3), x(3), 0.3),
        call(x(2, 3), x(2, 3), 0.8),
        call(x(2, 1), x(3), x(2, 3)),
        call(x(), x(), x()),
        call(x(0, 3), x(3), 0.5),
        edge(exact([1.0, 2.0]), exact([np.inf, 3.0]), exact([0.0, 1.0])),
        numpy=lambda a, b, w: a + w * (b - a),
    ),
    *(
        Row(
            name,
            call(x(2, 3), x(3), away_from_zero(2, 1)),
            call(x(2, 3), x(2, 3), away_from_zero(2, 3), value=2),
            call(x(), x(2), away_from_zero()),
            call(x(0, 3), x(3), away_from_zero(3)),
            numpy=f,
        )
        for name, f in [
            ("addcmul", lambda a, b, c, value=1: a + value * b * c),
            ("addcdiv", lambda a, b, c, value=1: a + value * b / c),
        ]
    ),
]
