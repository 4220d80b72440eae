"""Joining, splitting and rearranging."""

from __future__ import annotations

import itertools

import numpy as np
import scipy.linalg

from .table import Row, bad, call, exact, ints, x


def chunk(a, chunks, dim=0):
    each = max(-(-a.shape[dim] // chunks), 1)
    return np.split(a, range(each, a.shape[dim], each), dim)


def split(a, size, dim=0):
    size = size if isinstance(size, (list, tuple)) else [size] * (a.shape[dim] // size)
    return np.split(a, np.cumsum(size)[: None if sum(size) < a.shape[dim] else -1], dim)


def combinations(a, r=2, with_replacement=False):
    select = itertools.combinations_with_replacement if with_replacement else itertools.combinations
    rows = list(select(a, r))
    return np.array(rows).reshape(len(rows), r) if r else a[:0]


def cartesian_prod(*vectors):
    if len(vectors) == 1:
        return vectors[0]
    return np.stack([g.ravel() for g in np.meshgrid(*vectors, indexing="ij")], 1)


JOINING = [
    Row(
        "cat",
        call([x(2, 3), x(1, 3)]),
        call([x(2, 1), x(2, 2)], dim=-1),
        call([x(2), x(0)]),
        call([x(2)]),
        call((x(2, 3), x(2, 3), x(2, 3)), 1),
        bad(RuntimeError, [x(2, 3), x(2, 2)]),
        bad(RuntimeError, [x(2), x()]),
        bad(IndexError, [x(2), x(2)], 1),
        bad(ValueError, []),
        numpy=lambda xs, dim=0: np.concatenate(xs, dim),
    ),
    Row(
        "stack",
        call([x(2, 3), x(2, 3)]),
        call([x(2), x(2)], dim=-1),
        call([x(2, 3), x(2, 3), x(2, 3)], 1),
        call([x(), x()]),
        call([x(0, 2), x(0, 2)], 1),
        bad(RuntimeError, [x(2), x(3)]),
        bad(RuntimeError, []),
        numpy=lambda xs, dim=0: np.stack(xs, dim),
    ),
    *(
        Row(
            name,
            call([x(2), x(2)]),
            call([x(2, 3), x(2, 3)]),
            call((x(), x(1))),
            call([x(2, 3, 2), x(2, 3, 2)]),
            bad(RuntimeError, [x(2, 3), x(3, 2)]),
            bad(RuntimeError, []),
        )
        for name in ("hstack", "vstack", "dstack", "column_stack")
    ),
    Row(
        "block_diag",
        call(x(2, 3), x(1, 2)),
        call(x(), x(2), x(2, 1)),
        call(x(0, 2), x(1, 1)),
        call(),
        bad(RuntimeError, x(2, 1, 1)),
        numpy=scipy.linalg.block_diag,
    ),
    Row(
        "meshgrid",
        call(x(2), x(3), indexing="ij"),
        call(x(2), x(3), x(2), indexing="xy"),
        call([x(2), x()], indexing="ij"),
        call(x(2), indexing="xy"),
        bad(RuntimeError, x(2), x(2, 3), indexing="ij"),
        bad(RuntimeError, x(2), indexing="yx"),
        numpy=lambda *a, indexing: np.meshgrid(
            *(a[0] if isinstance(a[0], list) else a), indexing=indexing
        ),
    ),
    Row(
        "cartesian_prod",
        call(x(2), x(3)),
        call(x(2)),
        call(x(2), x(1), x(2)),
        bad(RuntimeError, x(2, 2), x(1)),
        numpy=cartesian_prod,
    ),
    Row(
        "combinations",
        call(x(4)),
        call(x(3), 3),
        call(x(3), r=2, with_replacement=True),
        call(x(3), 0),
        call(x(2), 3),
        bad(RuntimeError, x(2, 2)),
        bad(RuntimeError, x(2), -1),
        numpy=combinations,
    ),
    Row(
        "kron",
        call(x(2), x(3)),
        call(x(2, 3), x(2)),
        call(x(2, 1, 2), x(2, 2)),
        call(x(), x(2, 2)),
        call(x(0, 2), x(2, 2)),
    ),
]

SPLITTING = [
    Row(
        "split",
        call(x(4), 2),
        call(x(5, 2), 2),
        call(x(2, 5), [2, 3], dim=1),
        call(x(2, 3), (1, 2), -1),
        call(x(3), 5),
        bad(RuntimeError, x(3), 0),
        bad(RuntimeError, x(3), -1),
        bad(RuntimeError, x(3), [1, 1]),
        bad(RuntimeError, x(), 1),
        numpy=split,
    ),
    Row(
        "split_with_sizes",
        call(x(5), [2, 0, 3]),
        call(x(2, 3), split_sizes=(1, 2), dim=-1),
        bad(RuntimeError, x(3), [4, -1]),
        numpy=lambda a, split_sizes, dim=0: split(a, split_sizes, dim),
    ),
    Row(
        "chunk",
        call(x(5), 4),
        call(x(2, 4), 2, 1),
        call(x(2, 4), chunks=3, dim=-1),
        bad(RuntimeError, x(3), 0),
        numpy=chunk,
    ),
    Row(
        "tensor_split",
        call(x(5), 3),
        call(x(2, 4), (1, 3), 1),
        call(x(5), [3, 1, -1, 9]),
        call(x(2), 3),
        call(x(3), indices=[1]),
        call(x(3), sections=2, dim=-1),
        bad(RuntimeError, x(3), 0),
        numpy=lambda a, where=None, dim=0, indices=None, sections=None: np.array_split(
            a, next(w for w in (where, indices, sections) if w is not None), dim
        ),
    ),
    *(
        Row(
            name,
            *(call(x(*shape), 2) for shape in shapes),
            call(x(*shapes[0]), [1]),
            bad(RuntimeError, x(3, 3, 3), 2),
            bad(RuntimeError, x(), 2),
        )
        for name, shapes in {
            "hsplit": [(4,), (2, 4)],
            "vsplit": [(4, 3), (2, 1, 3)],
            "dsplit": [(2, 1, 4)],
        }.items()
    ),
    Row(
        "unbind",
        call(x(2, 3)),
        call(x(2, 3), 1),
        call(x(2, 3), dim=-1),
        call(x(3)),
        call(x(0, 3)),
        bad(IndexError, x()),
        bad(IndexError, x(2), 1),
        numpy=lambda a, dim=0: tuple(np.moveaxis(a, dim, 0)),
    ),
]

REARRANGING = [
    Row(
        "flip",
        call(x(2, 3), (0,)),
        call(x(2, 3), (0, -1)),
        call(x(0, 3), (1,)),
        call(x(2, 3), dims=[1]),
        bad(RuntimeError, x(2), (0, 0)),
        bad(IndexError, x(2), (1,)),
        numpy=lambda a, dims: np.flip(a, dims),
    ),
    Row("fliplr", call(x(2, 3)), bad(RuntimeError, x(2))),
    Row("flipud", call(x(2)), call(x(2, 3)), bad(RuntimeError, x())),
    Row(
        "rot90",
        *(call(x(2, 3), k) for k in (-1, 0, 1, 2, 3, 5)),
        call(x(2, 3, 2), k=1, dims=(0, -1)),
        call(x(2, 3), 1, [1, 0]),
        bad(RuntimeError, x(2, 3), 1, (0, 0)),
        bad(RuntimeError, x(2, 3), 1, (0, 1, 1)),
        numpy=lambda a, k=1, dims=(0, 1): np.rot90(a, k, dims),
    ),
    Row(
        "roll",
        call(x(2, 3), 1),
        call(x(2, 3), -2, 1),
        call(x(2, 3), (1, 2), (0, -1)),
        call(x(2, 3), shifts=(1, 1), dims=(1, 1)),
        call(x(0, 3), 1, 0),
        bad(RuntimeError, x(2, 3), (1, 2), (0,)),
        bad(IndexError, x(2, 3), 1, 2),
        numpy=lambda a, shifts, dims=None: np.roll(a, shifts, dims),
    ),
    Row(
        "tile",
        call(x(2, 3), (2,)),
        call(x(2), (2, 1, 2)),
        call(x(), (3,)),
        call(x(2), dims=(0,)),
        numpy=lambda a, dims: np.tile(a, dims),
    ),
    Row(
        "repeat",
        call(x(2, 3), 2, 1),
        call(x(2), (2, 1, 3)),
        call(x(), 2),
        call(x(2), 0),
        bad(RuntimeError, x(2, 3), 2),
        bad(RuntimeError, x(2), -1),
        numpy=lambda a, *sizes: np.tile(a, sizes[0] if isinstance(sizes[0], tuple) else sizes),
    ),
    Row(
        "repeat_interleave",
        call(x(2, 3), 2),
        call(x(2, 3), 3, 1),
        call(x(2, 3), exact([2, 1]), dim=0),
        call(x(3), exact([0, 2, 1])),
        call(x(), 2),
        call(x(2), exact([2, 1]), dim=0, output_size=3),
        bad(RuntimeError, x(2, 3), exact([1, 2, 3]), 0),
        bad(RuntimeError, x(2), exact([1, -1]), 0),
        numpy=lambda a, repeats, dim=None, output_size=None: np.repeat(a, repeats, dim),
    ),
    Row(
        "repeat_interleave",
        call(ints(3, low=0, high=3)),
        grad=0,
        numpy=lambda a: np.repeat(range(3), a),
    ),
    *(
        Row(
            name,
            call(3, 3),
            call(2, 4, -1),
            call(4, 2, offset=1, dtype=np.int32),
            call(0, 2),
            bad(RuntimeError, -1, 2),
            grad=0,
            numpy=lambda n, m, offset=0, dtype=np.int64, f=f: np.stack(f(n, offset, m)),
        )
        for name, f in [("tril_indices", np.tril_indices), ("triu_indices", np.triu_indices)]
    ),
]

ROWS = JOINING + SPLITTING + REARRANGING
