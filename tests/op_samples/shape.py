"""Shapes, the order of dimensions, broadcasting."""

from __future__ import annotations

import numpy as np

from .table import Row, bad, call, exact, x


def flatten(a, start_dim=0, end_dim=-1):
    shape = a.shape or (1,)
    first, last = start_dim % len(shape), end_dim % len(shape)
    return a.reshape(*shape[:first], -1, *shape[last + 1 :])


def unflatten(a, dim, sizes):
    axis = dim % a.ndim
    return a.reshape(*a.shape[:axis], *sizes, *a.shape[axis + 1 :])


def sum_to_size(a, *size):
    size = size[0] if size and isinstance(size[0], tuple) else size
    extra = a.ndim - len(size)
    kept = [i for i in range(a.ndim) if i >= extra and size[i - extra] == a.shape[i]]
    axes = tuple(i for i in range(a.ndim) if i not in kept)
    return a.sum(axes, keepdims=True).reshape(size) if axes else a


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
        call(x(), 0, -1),
        bad(RuntimeError, x(2, 3), (0, 1), (0,)),
        numpy=lambda a, i, j: np.moveaxis(a, i, j) if a.ndim else a,
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
    Row(
        "expand_as",
        call(x(2, 1), x(2, 3)),
        call(x(), x(2, grad=False)),
        bad(RuntimeError, x(3), x(2, 2)),
        numpy=lambda a, b: np.broadcast_to(a, b.shape),
    ),
    *(
        Row(
            name,
            call(x(2, 3), x(3, 2)),
            call(x(0, 3), x(0)),
            bad(RuntimeError, x(2, 3), x(2)),
            run=lambda f, a, b: f(a.reshape(-1).reshape(a.shape), b),
            numpy=lambda a, b: a.reshape(b.shape),
        )
        for name in ("view_as", "reshape_as")
    ),
    Row("ravel", call(x(2, 3)), call(x()), call(x(2, 0))),
    Row(
        "unflatten",
        call(x(2, 6), 1, (3, -1)),
        call(x(4), 0, [2, 2]),
        call(x(2, 3), dim=-1, sizes=(1, 3)),
        bad(RuntimeError, x(2, 3), 1, (2, 2)),
        bad(RuntimeError, x(2, 3), 1, (-1, -1)),
        numpy=unflatten,
    ),
    Row(
        "swapaxes",
        call(x(2, 3), 0, 1),
        call(x(2, 3, 2), axis0=0, axis1=-1),
        bad(IndexError, x(2), 0, 1),
        numpy=lambda a, axis0, axis1: a.swapaxes(axis0, axis1),
    ),
    Row(
        "adjoint",
        call(x(2, 3)),
        call(x(4, 2, 3)),
        call(x()),
        bad(RuntimeError, x(2)),
        numpy=lambda a: np.swapaxes(a, -2, -1) if a.ndim else a,
    ),
    *(
        Row(
            f"atleast_{n}d",
            *(call(x(*shape)) for shape in [(), (2,), (2, 3), (2, 3, 2), (1, 2, 3, 2)]),
            call(x(2), x()),
            call([x(), x(2)]),
            numpy=lambda *a, f=f: f(*(a[0] if isinstance(a[0], list) else a)),
        )
        for n, f in [(1, np.atleast_1d), (2, np.atleast_2d), (3, np.atleast_3d)]
    ),
    Row(
        "broadcast_tensors",
        call(x(2, 1), x(3)),
        call(x(), x(2)),
        call(x(2)),
        bad(RuntimeError, x(2), x(3)),
        numpy=np.broadcast_arrays,
    ),
    Row(
        "broadcast_shapes",
        call((2, 1), (3,), (1,)),
        call(),
        call((0, 3), 1),
        bad(RuntimeError, (2,), (3,)),
        run=lambda f, *shapes: tuple(f(*shapes)),
        grad=0,
    ),
    Row(
        "sum_to_size",
        call(x(2, 3), 1, 3),
        call(x(2, 3), (3,)),
        call(x(2, 3), (1, 1)),
        call(x(2, 2, 3), 2, 1),
        call(x(2, 3), 2, 3),
        call(x(2), ()),
        call(x(), ()),
        bad(RuntimeError, x(2, 3), 2, 2),
        bad(RuntimeError, x(3), 2, 3),
        numpy=sum_to_size,
    ),
    Row(
        "view",
        call(exact([[1, -2]]), np.float64),
        numpy=lambda a, t: a.view(t),
        torch="Tensor.view",
        grad=0,
    ),
]
