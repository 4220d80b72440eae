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


def take_along_dim(a, indices, dim=None):
    if dim is None:
        return a.ravel()[indices]
    one = [1 if i == dim else n for i, n in enumerate(a.shape)]
    shape = np.broadcast_shapes(one, indices.shape)
    a = np.broadcast_to(a, [a.shape[dim] if i == dim else n for i, n in enumerate(shape)])
    own = [indices.shape[dim] if i == dim else n for i, n in enumerate(shape)]
    return np.take_along_axis(a, np.broadcast_to(indices, own), dim)


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
        call(x(4), dim=0, index=exact([3, 3])),
        call(x(4), 0, exact(2)),
        call(x(), 0, exact([0, 0])),
        call(x(2, 3), 1, ints(2, 0)),
        bad(RuntimeError, x(2, 3), 1, exact([[3]])),
        bad(RuntimeError, x(2, 3), 1, exact([[-1]])),
        bad(RuntimeError, x(2, 3), 1, exact([0])),
        bad(RuntimeError, x(2, 3), 1, exact([[0.0]])),
        numpy=lambda a, dim, index: np.take_along_axis(
            np.atleast_1d(a), np.atleast_1d(index), dim
        ).reshape(index.shape),
    ),
    Row(
        "take_along_dim",
        call(x(2, 3), PICKS, 1),
        call(x(2, 3), exact([[-1]]), dim=1),
        call(x(1, 3), PICKS, 1),
        call(x(2, 3), exact([5, 0])),
        bad(RuntimeError, x(2, 3), exact([0]), 1),
        bad(RuntimeError, x(2, 3), exact([[0], [0], [0]]), 1),
        numpy=take_along_dim,
    ),
    Row(
        "take",
        call(x(2, 3), exact([[0, -1], [5, 2]])),
        call(x(2, 3), exact(1)),
        call(x(2, 3), index=ints(0)),
        bad(IndexError, x(2, 3), exact([6])),
        bad(IndexError, x(0), exact([0])),
        bad(RuntimeError, x(2), exact([0.0])),
        numpy=lambda a, index: np.take(a, index),
    ),
    Row(
        "index_select",
        call(x(2, 3), 1, exact([2, 0, 2])),
        call(x(2, 3), 0, ints(0)),
        call(x(3, 2, 2), dim=-2, index=exact([1, 1])),
        call(x(2, 3), 1, exact(0)),
        call(x(), 0, exact([0])),
        bad(RuntimeError, x(2), 0, exact([2])),
        bad(RuntimeError, x(2), 0, exact([-1])),
        bad(IndexError, x(2), 0, exact([[0]])),
        numpy=lambda a, dim, index: np.take(
            a if a.ndim else a[None], np.atleast_1d(index), dim
        ).reshape(
            () if a.ndim == 0 else [-1 if i == dim % a.ndim else n for i, n in enumerate(a.shape)]
        ),
    ),
    Row(
        "masked_select",
        call(x(2, 3), bools(2, 3)),
        call(x(3), bools(2, 3)),
        call(x(2, 3), mask=bools(3)),
        call(x(), exact(True)),
        call(x(0, 2), bools(0, 2)),
        bad(RuntimeError, x(2), exact([1, 0])),
        bad(RuntimeError, x(2), bools(3)),
        numpy=lambda a, mask: (a + 0 * mask)[np.broadcast_to(mask, (a + 0 * mask).shape)],
    ),
    Row(
        "unravel_index",
        call(exact([1, 5]), (2, 3)),
        call(exact([[0, 2]]), (3,)),
        bad(TypeError, exact([1.0]), (2, 3)),
        grad=0,
    ),
]
