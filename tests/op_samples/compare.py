"""Comparison, logic and bits."""

from __future__ import annotations

import numpy as np

from .table import Row, bad, binary, bools, call, constant, edge, exact, ints, unary, x

CLOSE = (
    call(exact([1.0, 1.0, np.nan, np.inf]), exact([1.0 + 1e-6, 1.1, np.nan, np.inf])),
    call(exact([1.0, np.nan]), exact([1.1, np.nan]), rtol=0.2, equal_nan=True),
    call(x(2, 3), x(3), atol=2.0),
    call(ints(3), ints(3)),
    bad(RuntimeError, x(2), ints(2)),
)

ROWS = [
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
    *(
        constant(unary(name))
        for name in (
            "isnan",
            "isinf",
            "isposinf",
            "isneginf",
            "isfinite",
            "isreal",
            "signbit",
            "logical_not",
        )
    ),
    *(constant(binary(name, number=None)) for name in ("logical_and", "logical_or", "logical_xor")),
    Row("bitwise_not", call(ints(2, 3)), call(bools(2)), grad=0),
    *(
        Row(
            name,
            call(ints(2, 3), ints(3)),
            call(ints(2), 3),
            call(bools(2, 3), bools(2, 1)),
            call(ints(), ints(0)),
            grad=0,
        )
        for name in ("bitwise_and", "bitwise_or", "bitwise_xor")
    ),
    *(
        Row(name, call(ints(2, 3, low=-9), ints(3)), call(ints(2), 3), grad=0, numpy=f)
        for name, f in [
            ("bitwise_left_shift", np.left_shift),
            ("bitwise_right_shift", np.right_shift),
        ]
    ),
    Row(
        "isclose",
        *CLOSE,
        bad(RuntimeError, x(2), x(2), rtol=-0.1),
        grad=0,
        numpy=lambda a, b, **k: np.isclose(a, b, **k),
    ),
    Row("allclose", *CLOSE, grad=0, numpy=lambda a, b, **k: np.allclose(a, b, **k)),
    Row(
        "equal",
        call(ints(3), ints(3)),
        call(exact([1.0, 2.0]), exact([1.0, 2.0])),
        call(exact([np.nan]), exact([np.nan])),
        call(x(2), x(1, 2)),
        call(x(0), x(0)),
        grad=0,
    ),
    Row(
        "isin",
        call(ints(2, 3), ints(2)),
        call(ints(3), exact([1, 2]), invert=True),
        call(ints(3), exact([4, 2]), assume_unique=True),
        call(ints(3), 2),
        grad=0,
    ),
    *(binary(name, number=None) for name in ("maximum", "minimum", "fmax", "fmin")),
    Row(
        "clamp",
        call(x(2, 3), -1.2, 1.3),
        call(x(2, 3), min=0.3),
        call(x(2, 3), max=0.3),
        call(x(2, 3), x(3), None),
        call(x(2, 3), x(2, 3, low=-3, high=0), x(3, low=0, high=3)),
        call(x(0, 3), 0, 1),
        call(x(), 0, 1),
        edge(exact([-1.0, 1.0, 0.0, np.nan, np.inf]), -1.0, 1.0),
        bad(RuntimeError, x(2)),
        numpy=lambda a, min=None, max=None: np.clip(a, min, max),
        skip_dtypes=("uint8",),
        why="-1 is no uint8",
    ),
    *(
        Row(
            name,
            call(x(2, 3), 0.3),
            call(x(2, 3), x(3)),
            call(x(), x()),
            edge(exact([1.0, np.nan]), 1.0),
            numpy=f,
        )
        for name, f in [("clamp_min", np.maximum), ("clamp_max", np.minimum)]
    ),
]
