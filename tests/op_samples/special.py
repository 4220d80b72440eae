"""Special functions."""

from __future__ import annotations

from typing import Any

import numpy as np
import scipy.special

from .table import (
    LOOK_UP,
    SPECIAL,
    Row,
    bad,
    binary,
    call,
    edge,
    exact,
    inside,
    pos,
    unary,
    unit,
    x,
)

S = "special."


TRIGAMMA: dict[str, Any] = {
    "tol": (1e-8, 1e-5),
    "why": "PyTorch's derivative of digamma has 9 digits",
}
INCOMPLETE: dict[str, Any] = {
    "number": None,
    "edges": None,
    "why": "there is no derivative by the first argument",
}


def constant_pos(*shape: int):
    return pos(*shape, grad=False)


ROWS = [
    unary("erf"),
    unary("erfc"),
    unary("erfinv", inside),
    unary(S + "erfcx"),
    unary(S + "ndtr"),
    unary(S + "ndtri", unit),
    unary(S + "log_ndtr", edges=[0.0, 100.0, -1.0, -100.0, np.inf]),
    unary(
        "logit",
        unit,
        lambda a, eps=None: scipy.special.logit(a if eps is None else np.clip(a, eps, 1 - eps)),
        call(unit(2, 3), 0.3),
        call(x(2, 3), eps=0.2),
        edges=[0.0, 0.5, 1.0, 2.0, -1.0, np.inf],
    ),
    unary(S + "entr", pos),
    binary("xlogy", x, pos),
    binary(S + "xlog1py", x, pos),
    unary(
        "lgamma",
        pos,
        lambda a: np.where(a == -np.inf, np.inf, scipy.special.gammaln(a)),
        edges=[0.0, 0.5, 100.0, np.inf, -np.inf],
        **TRIGAMMA,
    ),
    unary("digamma", pos, edges=[0.0, -0.0, 0.5, 100.0, np.inf], **TRIGAMMA),
    Row(
        "polygamma",
        *(call(n, pos(2, 3)) for n in (0, 1, 3)),
        call(1, pos()),
        call(2, pos(0, 3)),
        bad(RuntimeError, -1, pos(2)),
        run=lambda f, n, a: f(n, a),  # the tensor comes second, as no in-place twin takes it
        **TRIGAMMA,
    ),
    Row(
        "mvlgamma",
        call(x(2, 3, low=1.1), 2),
        call(x(low=2.0, high=5.0), 3),
        call(x(0, low=1.1), 1),
        bad(RuntimeError, pos(2), 0),
        numpy=np.vectorize(scipy.special.multigammaln, otypes=[float]),
        **TRIGAMMA,
    ),
    *(
        binary(
            name,
            constant_pos,
            pos,
            f,
            edge(exact([0.5, 1.0, -1.0, 2.0], grad=False), exact([0.0, np.inf, 1.0, -1.0])),
            **INCOMPLETE,
        )
        for name, f in [("igamma", scipy.special.gammainc), ("igammac", scipy.special.gammaincc)]
    ),
    binary(
        S + "zeta",
        lambda *shape: x(*shape, low=1.1, grad=False),
        pos,
        edges=None,
        why=INCOMPLETE["why"],
    ),
    *(
        unary(S + name, torch=None, why="PyTorch has no derivative")
        for name in ("bessel_j0", "bessel_j1")
    ),
    unary(
        S + "spherical_bessel_j0",
        ref=lambda a: np.where(np.isinf(a), 0, np.sinc(a / np.pi)),
        torch=None,
        why="PyTorch has no derivative",
    ),
    unary("i0"),
    unary(S + "i1"),
    *(
        unary(S + name, x, LOOK_UP, edge(exact([np.inf, -np.inf], grad=False)), edges=SPECIAL[:-2])
        for name in ("i0e", "i1e")
    ),
    # Further derivatives at 0, and at infinity, are NaN in PyTorch.
    unary("sinc", edges=[0.0, -0.0, 0.5, 1.0, -100.0]),
]
