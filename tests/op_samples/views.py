"""Views of a part of a tensor."""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import as_strided, sliding_window_view

from .table import Row, bad, call, exact, x


def unfold(a, dimension, size, step):
    if a.ndim == 0:
        return np.full(size, a)
    return sliding_window_view(a, size, dimension)[
        (*(slice(None),) * (dimension % a.ndim), slice(None, None, step))
    ]


ROWS = [
    Row(
        "narrow",
        call(x(4, 2), 0, 1, 2),
        call(x(2, 4), dim=-1, start=-3, length=2),
        call(x(3), 0, exact(1), 2),
        call(x(3), 0, 3, 0),
        bad(RuntimeError, x(3), 0, 2, 2),
        bad(RuntimeError, x(3), 0, 2, -1),
        bad(RuntimeError, x(), 0, 0, 1),
        bad(IndexError, x(3), 0, 4, 0),
        numpy=lambda a, dim, start, length: np.take(a, np.arange(start, start + length), dim),
    ),
    Row(
        "select",
        call(x(2, 3), 1, 0),
        call(x(2, 3), dim=0, index=-1),
        call(x(3), 0, 2),
        bad(IndexError, x(2, 3), 1, 3),
        bad(IndexError, x(), 0, 0),
        numpy=lambda a, dim, index: np.take(a, index, dim),
    ),
    Row(
        "unfold",
        call(x(7), 0, 3, 2),
        call(x(2, 5), dimension=-1, size=2, step=1),
        call(x(4, 2), 0, 1, 3),
        call(x(4), 0, 2, 2),
        call(x(3), 0, 3, 1),
        call(x(), 0, 1, 1),
        bad(RuntimeError, x(3), 0, 4, 1),
        bad(RuntimeError, x(3), 0, 2, 0),
        numpy=unfold,
    ),
    Row(
        "as_strided",
        call(x(2, 3), (2, 2), (1, 2)),
        call(x(6), (3, 2), (1, 1), 2),
        call(x(4), size=(2,), stride=(2,), storage_offset=1),
        call(x(4), (), ()),
        bad(RuntimeError, x(2, 3), (2, 9), (1, 2)),
        run=lambda f, a, *args, **kwargs: f(a.reshape(-1).repeat(1), *args, **kwargs),
        numpy=lambda a, size, stride, storage_offset=0: as_strided(
            np.ascontiguousarray(a)[storage_offset:], size, [s * a.itemsize for s in stride]
        ),
    ),
]
