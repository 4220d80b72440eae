"""Random numbers with tensors as parameters, tensors filled with them, and window functions.

tests/test_random.py compares the distributions.
"""

from __future__ import annotations

import numpy as np
import scipy.signal

from .table import Row, bad, call, edge, exact, ints, pos, unit, x

REFUSED = (RuntimeError, NotImplementedError)


def sampled(name, *samples, **options):
    """A row of which only shapes and dtypes, and the zero derivatives, can be compared."""
    return Row(name, *samples, random=True, numpy=None, **options)


def filled(f, a, *args, **kwargs):
    """The method on a copy that is part of the graph."""
    a = a * 1
    f(a, *args, **kwargs)
    return a


ROWS = [
    sampled(
        "bernoulli",
        call(unit(2, 3)),
        call(x(3, grad=False), 0.5),
        call(ints(3), p=0.5),
        bad(RuntimeError, exact([2.0])),
        bad(RuntimeError, x(2), 1.5),
        bad(NotImplementedError, ints(2)),
    ),
    sampled(
        "normal",
        edge(x(2, 3), 2.0),
        edge(x(2, 1), pos(3)),
        edge(0.0, pos(2)),
        edge(x(2)),
        call(x(2, 1, grad=False), pos(3, grad=False)),
        call(1.0, 2.0, (2, 3)),
        call(mean=0.0, std=1.0, size=(2,)),
        bad(RuntimeError, x(2), -1.0),
        bad(RuntimeError, x(2), exact([1.0, -1.0])),
        bad(RuntimeError, x(2), pos(3)),
        bad(NotImplementedError, ints(2), 1.0),
        bad(TypeError, 0.0, 1.0),
        why="edges: the gradient is zero by definition, the derivative at a fixed seed is not",
    ),
    sampled("poisson", call(pos(2, 3)), bad(RuntimeError, exact([-1.0])), bad(REFUSED, ints(2))),
    sampled(
        "multinomial",
        call(pos(3, grad=False), 2),
        call(pos(2, 3, grad=False), 5, replacement=True),
        call(exact([0.0, 1.0], grad=False), 2, True),
        bad(RuntimeError, pos(3), 4),
        bad(RuntimeError, pos(3), 0),
        bad(RuntimeError, pos(), 1),
        bad(RuntimeError, exact([1.0, -1.0]), 1),
        bad(RuntimeError, exact([0.0, 0.0]), 1),
        bad(RuntimeError, ints(2), 1),
        grad=0,
    ),
    *(
        sampled(name, call(x(2, 3)), call(x(2), *args), *bads, run=filled)
        for name, args, bads in [
            ("uniform_", (-1, 2), [bad(RuntimeError, x(2), 2, 1)]),
            ("normal_", (3.0, 2.0), [bad(RuntimeError, x(2), 0, -1), bad(REFUSED, ints(2))]),
            ("log_normal_", (0.0, 1.0), [bad(RuntimeError, x(2), 0, 0)]),
            ("exponential_", (2.0,), [bad(RuntimeError, x(2), -1), bad(RuntimeError, ints(2))]),
            ("cauchy_", (1.0, 2.0), [bad(RuntimeError, x(2), 0, 0)]),
        ]
    ),
    sampled(
        "geometric_", call(x(2), 0.5), call(ints(2), 0.5), bad(RuntimeError, x(2), 1), run=filled
    ),
    sampled(
        "bernoulli_",
        call(x(2)),
        call(ints(3), 0.25),
        call(x(2, 2), unit(2, grad=False)),
        bad(RuntimeError, x(2), 2.0),
        run=filled,
    ),
    sampled(
        "random_",
        call(x(2)),
        call(x(2), 5),
        call(ints(2), -3, 3),
        call(x(2), to=3),
        bad(RuntimeError, x(2), 5, 3),
        run=filled,
    ),
    *(
        Row(
            f"{name}_window",
            *(call(m) for m in (0, 1, 4)),
            call(4, False, dtype=np.float64),
            bad(RuntimeError, -1),
            grad=0,
            numpy=lambda m, periodic=True, dtype=None, f=name, **_: getattr(
                scipy.signal.windows, f
            )(m, sym=not periodic),
        )
        for name in ("hann", "hamming", "blackman", "bartlett")
    ),
    *(
        Row(
            f"signal.windows.{name}",
            *(call(m) for m in (0, 1, 4, 5)),
            call(4, sym=False),
            call(3, dtype=np.float64, **options),
            bad(ValueError, -1),
            bad(ValueError, 3, dtype=np.int64),
            grad=0,
            numpy=lambda M, sym=True, dtype=None, f=f, default=default, **options: getattr(
                scipy.signal.windows, f
            )(M, **(default | options), sym=sym),
        )
        for name, default, options in [
            ("hann", {}, {}),
            ("hamming", {}, {}),
            ("blackman", {}, {}),
            ("bartlett", {}, {}),
            ("kaiser", {"beta": 12.0}, {"beta": 2.0}),
            ("gaussian", {"std": 1.0}, {"std": 2.0}),
        ]
        for f in [name]
    ),
]
