"""Reductions."""

from __future__ import annotations

import numpy as np
import scipy.special

from .table import Row, Sample, bad, bools, call, edge, exact, ints, x

OVER_ALL = (
    call(x(2, 3)),
    call(x()),
    call(x(2, 3), 0),
    call(x(2, 3), -1, keepdim=True),
    call(x(2, 3, 2), 1),
    call(x(0, 3), 1),
    bad(IndexError, x(2, 3), 2),
)
OVER_SEVERAL = (
    *OVER_ALL,
    call(x(2, 3, 2), (0, 2)),
    call(x(2, 3, 2), dim=(0, -1), keepdim=True),
    bad(RuntimeError, x(2, 3), (0, 0)),
)
NANS = exact([[1.0, np.nan, 2.0], [3.0, 3.5, np.nan]])
TIES = exact([[1.0, 2.0, 2.0], [3.0, 3.0, 3.0]])


def first(result):
    """The values of a (values, indices) pair; the result itself where there is one."""
    return result[0] if isinstance(result, tuple) else result


ROWS = [
    Row(
        "sum",
        *OVER_SEVERAL,
        call(x(2, 3), dtype=np.float64),
        call(bools(2, 3)),
        call(ints(3), dtype=np.int32),
    ),
    Row("mean", *OVER_SEVERAL, call(x(2, 3), dtype=np.float64), edge(x(0))),
    Row(
        "prod",
        *OVER_ALL,
        *(call(exact([[0.0, 2.0, 3.0], [0.0, 0.0, 2.0]]), *dim) for dim in [(), (0,), (1,)]),
        call(x(2, 3), dtype=np.float64),
        call(ints(3), dtype=np.int32),
    ),
    Row("amax", *OVER_SEVERAL, edge(TIES, 1), edge(exact([1.0, np.nan]))),
    Row("amin", *OVER_SEVERAL, edge(TIES, 1), edge(exact([1.0, np.nan]))),
    *(
        Row(name, *OVER_ALL, edge(TIES, 1), edge(exact([1.0, np.nan]), 0), grad=0)
        for name in ("argmax", "argmin")
    ),
    *(
        Row(
            name,
            *OVER_ALL,
            edge(TIES, 1),
            edge(TIES),
            call(x(2, 3), x(3)),
            numpy=lambda a, b=None, dim=None, keepdim=False, f=f, two=two: (
                two(a, b)
                if isinstance(b, np.ndarray)
                else f(a, axis=b if dim is None else dim, keepdims=keepdim)
            ),
            run=lambda f, *args, **kwargs: first(f(*args, **kwargs)),
        )
        for name, f, two in [("max", np.max, np.maximum), ("min", np.min, np.minimum)]
    ),
    Row(
        "logsumexp",
        call(x(2, 3), 0),
        call(x(2, 3), (0, 1)),
        call(x(2, 3), -1, keepdim=True),
        call(x(), 0),
        call(x(0, 3), 1),
        edge(exact([np.inf, 0.0]), 0),
        # All -inf: the gradient is 0 here and NaN in PyTorch.
        edge(exact([-np.inf, -np.inf], grad=False), 0),
        edge(exact([1e4, 1e4]), 0),
        numpy=scipy.special.logsumexp,
    ),
    *(Row(name, *OVER_SEVERAL, call(bools(2, 3), 0), grad=0) for name in ("all", "any")),
    Row("count_nonzero", *(c for c in OVER_SEVERAL if not c.kwargs), call(bools(2, 3), 0), grad=0),
    Row(
        "nansum",
        *OVER_SEVERAL,
        call(NANS, 1),
        call(x(2, 3), dtype=np.float64),
    ),
    Row("nanmean", *OVER_SEVERAL, call(NANS, 0), edge(exact([np.nan, np.nan], grad=False))),
    Row(
        "aminmax",
        *(
            Sample(
                (c.args[0],), {"dim": c.args[1], **c.kwargs} if c.args[1:] else {}, c.kind, c.error
            )
            for c in OVER_ALL
        ),
        edge(TIES, dim=1),
        numpy=lambda a, dim=None, keepdim=False: (
            np.min(a, axis=dim, keepdims=keepdim),
            np.max(a, axis=dim, keepdims=keepdim),
        ),
    ),
]
