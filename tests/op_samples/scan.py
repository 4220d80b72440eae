"""Running sums, products and extrema, and what is computed from neighbours."""

from __future__ import annotations

import numpy as np

from .table import Row, bad, bools, call, edge, exact, ints, x

ALONG = (
    call(x(2, 3), 0),
    call(x(2, 3), dim=-1),
    call(x(2, 3, 2), 1),
    call(x(), 0),
    call(x(0, 3), 1),
    call(x(0, 3), 0),
    bad(IndexError, x(2, 3), 2),
)
ZEROS = exact([[2.0, 0.0, 3.0, 0.0, 4.0], [0.0, 0.0, 1.0, 2.0, 3.0]])
TIES = exact([[1.0, 3.0, 3.0, 2.0], [2.0, 1.0, 1.0, 1.0]])


def trapezoids(y, x, dx, dim):
    """Twice the areas."""
    y = np.moveaxis(y, dim, -1)
    if x is not None:
        dx = np.diff(x if x.ndim == 1 else np.moveaxis(x, dim, -1))
    return (y[..., 1:] + y[..., :-1]) * dx


INTEGRALS = (
    call(x(4)),
    call(x(2, 4), dx=0.5),
    call(x(4, 2), dim=0),
    call(x(2, 3), x(3)),
    call(x(3, 2), x(3), dim=0),
    call(x(2, 3), x(2, 3)),
    call(x(1)),
    bad((RuntimeError, IndexError), x(2, 3), dim=2),
)

ROWS = [
    Row(
        "cumsum",
        *ALONG,
        call(x(3), 0, dtype=np.float64),
        call(ints(3), 0, dtype=np.int32),
        call(bools(3), 0),
        numpy=lambda a, dim, dtype=None: np.cumsum(a, dim, dtype) if a.ndim else a,
    ),
    Row(
        "cumprod",
        *ALONG,
        call(x(3), 0, dtype=np.float64),
        call(ints(3), 0, dtype=np.int32),
        call(ZEROS, 1),
        call(ZEROS, 0),
        call(x(5), 0),
        numpy=lambda a, dim, dtype=None: np.cumprod(a, dim, dtype) if a.ndim else a,
    ),
    Row(
        "logcumsumexp",
        *ALONG,
        edge(exact([1e4, -1e4, 1e4, 0.0]), 0),
        # Where all so far are -inf the gradient is 0 here and NaN in PyTorch.
        edge(exact([-np.inf, -np.inf, 1.0, np.inf], grad=False), 0),
        edge(exact([1.0, -np.inf, 2.0]), 0),
        numpy=lambda a, dim: np.logaddexp.accumulate(a, axis=dim) if a.ndim else a,
    ),
    *(
        Row(
            name,
            *ALONG,
            edge(TIES, 1),
            edge(exact([1.0, np.nan, 2.0, np.nan], grad=False), 0),
            call(ints(3), 0),
            call(bools(4), 0),
            numpy=None,
        )
        for name in ("cummax", "cummin")
    ),
    Row(
        "diff",
        call(x(4)),
        call(x(2, 4), 2),
        call(x(4, 2), n=1, dim=0),
        call(x(2, 4), prepend=x(2, 1), append=x(2, 2)),
        call(x(3), n=0),
        call(x(3), n=0, prepend=x(1, grad=False)),
        call(x(2), 5),
        call(bools(4)),
        call(x(0)),
        bad(RuntimeError, x()),
        bad(RuntimeError, x(3), -1),
    ),
    *(
        Row(
            name,
            *INTEGRALS,
            numpy=lambda y, x=None, dx=1.0, dim=-1, f=f: f(y, x, dx, dim),
        )
        for name, f in [
            ("trapezoid", lambda *args: trapezoids(*args).sum(-1) / 2),
            (
                "cumulative_trapezoid",
                lambda *args: np.moveaxis(trapezoids(*args).cumsum(-1) / 2, -1, args[-1]),
            ),
        ]
    ),
    Row(
        "gradient",
        call(x(4)),
        call(x(3, 4)),
        call(x(3, 4), dim=1),
        call(x(4), spacing=None),
        call(x(3, 4), spacing=0.5, dim=(0, 1)),
        call(x(3, 4), spacing=(2.0, 0.5), edge_order=2),
        call(x(4), spacing=(exact([0.0, 1.0, 3.0, 3.5], grad=False),)),
        call(x(4), spacing=(exact([0.0, 1.0, 3.0, 3.5], grad=False),), edge_order=2),
        bad(RuntimeError, x(1)),
        bad(RuntimeError, x(3, 3), dim=(1, 1)),
        numpy=lambda a, spacing=1, dim=None, edge_order=1: np.gradient(
            a,
            *(spacing if isinstance(spacing, tuple) else (spacing or 1,)),
            axis=dim,
            edge_order=edge_order,
        ),
        skip_dtypes="iub",
        why="positions as integers may coincide",
    ),
]
