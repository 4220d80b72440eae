"""Elementwise exponentials, logarithms, roots, trigonometric and hyperbolic functions."""

from __future__ import annotations

import numpy as np

from .table import binary, inside, pos, unary, x

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
    unary("asinh"),
    unary("acosh", lambda *shape: x(*shape, low=1.1), edges=[1.0, 0.5, 100.0, np.inf]),
    unary("atanh", inside),
    unary("deg2rad"),
    unary("rad2deg"),
    # At (0, 0) the gradient of hypot is 0 here and NaN in PyTorch.
    binary("hypot", number=None, edges=[1.0, -2.0, np.inf, -np.inf]),
    binary("atan2", number=None),
    binary("logaddexp", number=None),
    binary("logaddexp2", number=None),
]
