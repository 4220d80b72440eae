"""Shapes, views, joining and splitting."""

from __future__ import annotations

import numpy as np

from .table import Row, bad, bools, call, edge, ints, x


def flatten(a, start_dim=0, end_dim=-1):
    shape = a.shape or (1,)
    first, last = start_dim % len(shape), end_dim % len(shape)
    return a.reshape(*shape[:first], -1, *shape[last + 1 :])


ROWS = [
    Row(
        "reshape",
        call(x(2, 3), (3, 2)),
        call(x(2, 3), (-1,)),
        call(x(2, 3), (1, 6, 1)),
        call(x(), (1,)),
        call(x(0, 3), (3, 0)),
        bad(RuntimeError, x(2, 3), (4, 2)),
    ),
    Row(
        "view",
        call(x(2, 3), 3, 2),
        call(x(2, 3), -1),
        call(x(2, 3), (6,)),
        call(x(0, 3), 0),
        bad(RuntimeError, x(2, 3), 4),
        run=lambda f, a, *shape: f(a.reshape(-1).reshape(a.shape), *shape),
        numpy=lambda a, *shape: a.reshape(*shape),
    ),
    Row(
        "flatten",
        call(x(2, 3)),
        call(x(2, 3, 2), 1),
        call(x(2, 3, 2), 0, 1),
        call(x()),
        call(x(2, 0)),
        numpy=flatten,
    ),
    Row(
        "squeeze",
        call(x(1, 3, 1)),
        call(x(1, 3, 1), 0),
        call(x(1, 3, 1), (0, -1)),
        call(x(2, 3), 1),
        numpy=lambda a, dim=None: a.reshape(
            [
                n
                for i, n in enumerate(a.shape)
                if n != 1 or (dim is not None and i not in np.ravel(dim) % a.ndim)
            ]
        ),
    ),
    Row(
        "unsqueeze",
        call(x(2, 3), 0),
        call(x(2, 3), -1),
        call(x(), 0),
        bad(IndexError, x(2), 3),
        numpy=np.expand_dims,
    ),
    Row(
        "permute",
        call(x(2, 3, 4), (2, 0, 1)),
        call(x(2, 3), (-1, 0)),
        bad(RuntimeError, x(2, 3), (0,)),
        numpy=np.transpose,
    ),
    Row(
        "transpose",
        call(x(2, 3, 2), 0, 1),
        call(x(2, 3), -1, 0),
        call(x(), 0, 0),
        bad(IndexError, x(2, 3), 0, 2),
        numpy=lambda a, i, j: a.swapaxes(i, j) if a.ndim else a,
    ),
    Row(
        "t", call(x(2, 3)), call(x(3)), call(x()), bad(RuntimeError, x(1, 2, 3)), numpy=np.transpose
    ),
    Row(
        "movedim",
        call(x(2, 3, 4), 0, -1),
        call(x(2, 3, 4), (0, 1), (2, 0)),
        bad(RuntimeError, x(2, 3), (0, 1), (0,)),
        numpy=np.moveaxis,
    ),
    Row(
        "broadcast_to",
        call(x(3), (2, 3)),
        call(x(2, 1), (2, 3)),
        call(x(), (2,)),
        bad(RuntimeError, x(3), (2, 2)),
        numpy=np.broadcast_to,
    ),
    Row(
        "expand",
        call(x(2, 1), -1, 3),
        call(x(3), (2, 3)),
        bad(RuntimeError, x(3), 2, 2),
        numpy=lambda a, *shape: np.broadcast_to(a, [2, 3]),
    ),
    Row("clone", call(x(2, 3)), call(x())),
    Row(
        "type_as",
        call(x(2, 3), x(1, grad=False)),
        call(x(2), ints(1)),
        numpy=lambda a, b: a.astype(b.dtype),
    ),
    Row(
        "to",
        call(x(2, 3), np.float64),
        edge(x(2), dtype=np.float32),
        call(x(2), "cpu"),
        call(ints(2), np.float32),
        call(bools(2), np.int64),
        call(x(2), np.int32),
        numpy=lambda a, t=None, dtype=None: a.astype(dtype or (a.dtype if t == "cpu" else t)),
    ),
    Row(
        "cat",
        call([x(2, 3), x(1, 3)]),
        call([x(2, 1), x(2, 2)], dim=-1),
        call([x(2), x(0, grad=False)]),
        call([x(2)]),
        bad(RuntimeError, [x(2, 3), x(2, 2)]),
        bad((RuntimeError, ValueError), []),
        numpy=lambda xs, dim=0: np.concatenate(xs, dim),
    ),
    Row(
        "stack",
        call([x(2, 3), x(2, 3)]),
        call([x(2), x(2)], dim=-1),
        call([x(), x()]),
        bad(RuntimeError, [x(2), x(3)]),
        numpy=lambda xs, dim=0: np.stack(xs, dim),
    ),
    Row(
        "unbind",
        call(x(2, 3)),
        call(x(2, 3), 1),
        call(x(2, 3), -1),
        call(x(3)),
        bad(RuntimeError, x()),
        numpy=lambda a, dim=0: tuple(np.moveaxis(a, dim, 0)),
    ),
    Row("flip", call(x(2, 3), (0,)), call(x(2, 3), (0, -1)), call(x(0, 3), (1,))),
]
