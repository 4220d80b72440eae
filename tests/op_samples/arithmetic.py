"""Operators of arithmetic and comparison."""

from __future__ import annotations

import numpy as np

from .table import bad, binary, call, constant, ints, pos, unary, x


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
    ),
    binary("maximum"),
    binary("minimum"),
    *(
        constant(binary(name, x, x, ref))
        for name, ref in [
            ("eq", np.equal),
            ("ne", np.not_equal),
            ("lt", np.less),
            ("le", np.less_equal),
            ("gt", np.greater),
            ("ge", np.greater_equal),
        ]
    ),
]
