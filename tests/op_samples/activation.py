"""Activation functions and softmax."""

from __future__ import annotations

import numpy as np
import scipy.special
from scipy.stats import norm

from .table import Row, bad, call, edge, exact, unary, x

F = "nn.functional."

ROWS = [
    unary("relu", ref=lambda a: np.maximum(a, 0)),
    unary(F + "leaky_relu", x, lambda a, s=0.01: np.where(a > 0, a, a * s), call(x(3), 0.2)),
    unary(F + "elu", x, lambda a, k=1.0: np.where(a > 0, a, k * np.expm1(a)), call(x(3), 0.5)),
    unary(
        F + "celu",
        x,
        lambda a, k=1.0: np.maximum(a, 0) + np.minimum(k * np.expm1(a / k), 0),
        call(x(3), 0.5),
    ),
    unary(
        "selu",
        x,
        lambda a: 1.0507009873554805 * np.where(a > 0, a, 1.6732632423543772 * np.expm1(a)),
    ),
    unary(
        F + "gelu",
        x,
        lambda a, approximate="none": (
            a * norm.cdf(a)
            if approximate == "none"
            else 0.5 * a * (1 + np.tanh(np.sqrt(2 / np.pi) * (a + 0.044715 * a**3)))
        ),
        call(x(2, 3), approximate="tanh"),
        bad(RuntimeError, x(2), approximate="no"),
    ),
    unary(F + "silu", ref=lambda a: a / (1 + np.exp(-a))),
    unary(
        F + "softplus",
        x,
        lambda a, beta=1.0, threshold=20.0: np.log1p(np.exp(beta * a)) / beta,
        call(x(2, 3), 2.0),
        call(x(2), beta=0.5, threshold=10.0),
    ),
    unary(F + "logsigmoid", ref=lambda a: -np.log1p(np.exp(-a))),
    unary(
        F + "hardtanh",
        x,
        lambda a, low=-1.0, high=1.0: np.clip(a, low, high),
        call(x(2, 3), -0.3, 2.2),
        bad(ValueError, x(2), 1.0, -1.0),
    ),
    unary(F + "relu6", ref=lambda a: np.clip(a, 0, 6)),
    *(
        Row(
            name,
            call(x(2, 3), 0),
            call(x(2, 3), dim=-1),
            call(x(2, 3, 2), 1),
            call(x(), 0),
            call(x(0, 3), 1),
            call(x(2, 0), 0),
            call(x(3), -1, dtype=np.float64),
            edge(exact([[1e4, 0.0, -1e4], [-np.inf, 0.0, 1.0]]), 1),
            bad(IndexError, x(2, 3), 2),
            numpy=lambda a, dim, dtype=None, f=f: f(a, axis=dim) if a.ndim else f(a),
            skip_dtypes="iub",
            why="PyTorch takes integers only when there are none",
        )
        for name, f in [
            ("softmax", scipy.special.softmax),
            ("log_softmax", scipy.special.log_softmax),
        ]
    ),
]
