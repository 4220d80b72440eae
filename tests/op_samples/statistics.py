"""Variances, covariances and histograms."""

from __future__ import annotations

import numpy as np

from .reduce import OVER_SEVERAL
from .table import Row, bad, call, edge, exact, ints, pos, x

CLOSE = exact([1e8, 1e8 + 1, 1e8 + 2], grad=False)


def moments(f, *extra):
    def reference(a, dim=None, unbiased=True, correction=None, keepdim=False):
        if isinstance(dim, bool):
            dim, unbiased = None, dim
        ddof = int(unbiased) if correction is None else correction
        found = f(a, axis=dim, ddof=ddof, keepdims=keepdim)
        return (found, *(e(a, axis=dim, keepdims=keepdim) for e in extra)) if extra else found

    return reference


SPREADS = (
    *(s for s in OVER_SEVERAL if s.args[0].shape not in [(), (0, 3)]),
    edge(x()),
    edge(x(0, 3), 0),
    edge(exact([1.0, 1.0, 1.0])),
    call(CLOSE),
    call(x(2, 3), 1, correction=0),
    call(x(2, 3), False),
    call(x(2, 3), unbiased=False),
)
POINTS = exact([[0.0, 1.5], [2.5, 1.0], [2.0, 3.0], [0.5, 0.25]], grad=False)

ROWS = [
    *(
        Row(name, *SPREADS, numpy=moments(f, *extra))
        for name, f, extra in [
            ("var", np.var, ()),
            ("std", np.std, ()),
            ("var_mean", np.var, (np.mean,)),
            ("std_mean", np.std, (np.mean,)),
        ]
    ),
    Row(
        "cov",
        call(x(2, 4)),
        call(x(5)),
        call(x(3, 4), correction=0),
        call(x(2, 4), fweights=exact([1, 2, 0, 3])),
        call(x(2, 4), aweights=pos(4, grad=False)),
        call(x(2, 4), fweights=exact([1, 2, 0, 3]), aweights=pos(4, grad=False)),
        bad(RuntimeError, x(2, 2, 2)),
        bad(RuntimeError, x(2, 3), fweights=exact([1, 2])),
        bad(RuntimeError, x(2, 3), fweights=pos(3)),
        bad(RuntimeError, x(2, 3), fweights=exact([1, 2, -1])),
        bad(RuntimeError, x(2, 3), aweights=exact([[1.0, 2.0, 3.0]])),
        numpy=lambda a, correction=1, fweights=None, aweights=None: np.cov(
            a, ddof=correction, fweights=fweights, aweights=aweights
        ),
        skip_dtypes="iub",
        why="PyTorch wants floating weights",
    ),
    Row("corrcoef", call(x(2, 4)), call(x(3, 5)), edge(x(4))),
    Row(
        "bincount",
        call(ints(6)),
        call(ints(6), minlength=8),
        call(ints(4), x(4, grad=False)),
        call(ints(4), ints(4)),
        call(ints(0)),
        bad((RuntimeError, ValueError), exact([-1, 2])),
        bad((RuntimeError, ValueError), ints(2, 2)),
        grad=0,
        numpy=None,
    ),
    Row(
        "histc",
        call(x(9, grad=False)),
        call(x(3, 4, grad=False), 5, -1, 2),
        call(x(7, grad=False), bins=4, min=-2.0, max=2.5),
        call(exact([1.0, 1.0], grad=False), 3),
        edge(exact([1.0, np.nan, 2.0, 3.0], grad=False), 3, 1, 3),
        bad(RuntimeError, x(2), 3, 2, 1),
        grad=0,
        numpy=None,
    ),
    Row(
        "histogram",
        call(x(9, grad=False), 4),
        call(x(9, grad=False), bins=4, range=(-2.0, 2.5)),
        call(x(2, 4, grad=False), 3, weight=pos(2, 4, grad=False), density=True),
        call(x(9, grad=False), exact([-2.0, 0.0, 0.5, 3.0], grad=False)),
        grad=0,
        numpy=lambda a, bins, range=None, weight=None, density=False: np.histogram(
            a, bins, range, density, weight
        ),
    ),
    Row(
        "histogramdd",
        call(POINTS, [2, 3]),
        call(POINTS, 2, range=[0.0, 3.0, 0.0, 4.0]),
        call(POINTS, [2, 2], weight=pos(4, grad=False), density=True),
        call(POINTS, [exact([0.0, 1.0, 3.0], grad=False), exact([0.0, 4.0], grad=False)]),
        grad=0,
        numpy=None,
        run=lambda f, a, bins, **k: (f(a, bins, **k)[0], *f(a, bins, **k)[1]),
    ),
]
