"""Reading and writing by index."""

from __future__ import annotations

import operator

import numpy as np

from .table import Row, bad, bools, call, exact, ints, x

PICKS = exact([[0, 1, 1], [2, 0, 0]])


def written(f, a, index, value):
    """`a[index] = value`, on a copy that is part of the graph."""
    a = a * 1.0
    f(a, index, value)
    return a


def written_to_view(f, a, index, value):
    """The same through a view of the copy."""
    a = a * 1.0
    f(a[1:], index, value)
    return a


ROWS = [
    Row(
        "__getitem__",
        *(
            call(x(3, 4), index)
            for index in [
                0,
                -1,
                (1, 2),
                slice(1, None),
                (slice(None), slice(None, None, 2)),
                (..., 1),
                None,
                (slice(None), None, 1),
                [0, 2, 0],
                (exact([0, 2]), exact([1, 1])),
                (slice(None), exact([[0, 3], [1, 1]])),
                (exact([1, 0]), None, slice(1, 3)),
                (exact([0, 2]), slice(None), None),
                bools(3, 4),
                (bools(3), 1),
                (slice(0, 0),),
                (...,),
            ]
        ),
        bad(IndexError, x(2), 2),
        bad(IndexError, x(2), (0, 0)),
        numpy=operator.getitem,
        torch="Tensor.__getitem__",
    ),
    *(
        Row(
            "__setitem__",
            *(
                call(x(3, 4), index, value)
                for index, value in [
                    (0, x(4)),
                    (slice(1, None), x(4)),
                    ((slice(None), 1), x()),
                    (..., 2.0),
                    (bools(2, 4) if run is written_to_view else bools(3, 4), 1.5),
                    (exact([0, 1]), x(2, 4)),
                ]
            ),
            bad(RuntimeError, x(3, 4), 0, x(3)),
            numpy=operator.setitem,
            torch="Tensor.__setitem__",
            run=run,
        )
        for run in (written, written_to_view)
    ),
    Row(
        "where",
        call(bools(2, 3), x(2, 3), x(3)),
        call(bools(2, 1), x(), x(3)),
        call(bools(3), x(3), 0.0),
        call(bools(0, 3), x(3), x(0, 3)),
    ),
    Row(
        "gather",
        call(x(2, 3), 0, exact([[0, 1, 1]])),
        call(x(2, 3), 1, PICKS),
        call(x(2, 3), -1, PICKS),
        call(x(4), 0, exact([3, 3])),
        bad(RuntimeError, x(2, 3), 1, exact([[3]])),
        numpy=lambda a, dim, i: np.take_along_axis(a, i, dim),
    ),
    Row(
        "masked_fill",
        call(x(2, 3), bools(2, 3), 1.5),
        call(x(2, 3), bools(3), x()),
        numpy=lambda a, m, v: np.where(m, v, a),
    ),
    Row(
        "index_select",
        call(x(2, 3), 1, exact([2, 0, 2])),
        call(x(2, 3), 0, ints(0)),
        bad((IndexError, RuntimeError), x(2), 0, exact([2])),
        numpy=lambda a, dim, i: np.take(a, i, dim),
    ),
]
