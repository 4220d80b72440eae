"""Sorting, searching, sets and order statistics."""

from __future__ import annotations

import numpy as np

from .table import Row, bad, bools, call, edge, exact, ints, unit, x

TIES = exact([[1.0, 3.0, 1.0, 3.0, 2.0], [2.0, 2.0, 2.0, 1.0, 1.0]])
NANS = exact([[1.0, np.nan, 0.0, 2.0], [3.0, 1.0, 2.0, 5.0]], grad=False)
REPEATED = exact([[1, 3, 1, 3], [1, 1, 2, 2], [1, 3, 1, 3]])


def sort(a, dim=-1, descending=False, stable=False):
    if a.ndim == 0:
        return a, np.array(0)
    key = np.nan_to_num(a, nan=9.0)  # the largest
    index = np.argsort(-key if descending else key, dim, kind="stable")
    return np.take_along_axis(a, index, dim), index


SORTS = (
    call(x(5)),
    call(x(2, 3), 0),
    call(x(2, 3), -1, True),
    call(x(2, 3), dim=0, descending=True),
    call(x()),
    call(x(0, 3), 0),
    bad(IndexError, x(2), 1),
)
LINES = (
    call(x(5)),
    call(x(2, 3), 0),
    call(x(2, 4), -1, keepdim=True),
    call(x(3, 2, 2), dim=1),
    call(x(), 0),
    bad(IndexError, x(2), 1),
)
QUANTILES = (
    call(x(5), 0.3),
    call(x(2, 3), 0.5, 0),
    call(x(2, 4), exact([0.0, 0.3, 1.0], grad=False), dim=-1, keepdim=True),
    call(x(2, 3), exact([0.25, 0.6], grad=False), keepdim=True),
    call(x(2, 3), 0.5, keepdim=True),
    call(x(), 0.3),
    call(x(5), unit()),
    *(
        call(x(2, 5), exact([0.3, 0.5, 0.85], grad=False), 1, interpolation=i)
        for i in ("lower", "higher", "nearest", "midpoint")
    ),
    edge(NANS, 0.5, dim=1),
    edge(NANS, 0.4),
    bad(RuntimeError, x(2), 1.5),
    bad(RuntimeError, x(2), 0.5, interpolation="cubic"),
    bad(RuntimeError, x(0), 0.5),
    bad(RuntimeError, ints(3), 0.5),
)


def quantile(f):
    def reference(a, q, dim=None, keepdim=False, interpolation="linear"):
        return f(a, q, axis=dim if a.ndim else None, keepdims=keepdim, method=interpolation)

    return reference


ROWS = [
    Row(
        "sort",
        *SORTS,
        edge(TIES, dim=1, stable=True),
        edge(TIES, stable=True, dim=0, descending=True),
        edge(NANS, 1),
        edge(NANS, 1, descending=True),
        call(bools(6), stable=True),
        numpy=sort,
        run=lambda f, a, *args, **k: tuple(f(a, *args, **k)),
    ),
    Row(
        "argsort",
        *SORTS,
        edge(TIES, stable=True),
        edge(NANS, descending=True),
        grad=0,
        numpy=lambda a, dim=-1, descending=False, stable=False: sort(a, dim, descending)[1],
    ),
    Row("msort", call(x(4)), call(x(3, 2)), call(ints(4)), numpy=lambda a: np.sort(a, 0)),
    Row(
        "topk",
        call(x(5), 2),
        call(x(3, 2), 2, 0),
        call(x(2, 4), 3, largest=False),
        call(x(2, 4), k=2, dim=-1, sorted=True),
        call(x(3), 0),
        call(x(), 1),
        call(x(0, 3), 2),
        call(exact([5, 1, 3]), 2),
        bad(RuntimeError, x(3), 4),
        skip_dtypes="iub",
        why="PyTorch orders ties as it likes",
        numpy=lambda a, k, dim=-1, largest=True, sorted=True: (
            tuple(np.take(part, np.arange(k), dim) for part in sort(np.atleast_1d(a), dim, largest))
            if a.ndim
            else (a, np.array(0))
        ),
    ),
    Row(
        "kthvalue",
        call(x(5), 2),
        call(x(3, 2), 2, 0),
        call(x(2, 4), 4, dim=-1, keepdim=True),
        call(x(), 1),
        bad(RuntimeError, x(3), 4),
        bad(RuntimeError, x(3), 0),
        call(exact([5, 1, 3]), 2),
        skip_dtypes="iub",
        why="PyTorch picks of ties as it likes",
        numpy=None,
    ),
    *(
        Row(
            name,
            call(x(4)),
            call(x(3, 5)),
            *LINES,
            edge(TIES),
            edge(NANS),
            edge(NANS, 1),
            numpy=None,
        )
        for name in ("median", "nanmedian")
    ),
    Row(
        "mode",
        *LINES,
        edge(TIES, 1),
        edge(TIES, 0),
        call(ints(7), 0),
        call(REPEATED, 0),
        call(bools(5)),
        numpy=None,
    ),
    Row(
        "quantile",
        *QUANTILES,
        numpy=quantile(np.quantile),
    ),
    Row(
        "nanquantile",
        *QUANTILES,
        edge(exact([np.nan, np.nan], grad=False), 0.5),
        numpy=quantile(np.nanquantile),
    ),
    Row(
        "searchsorted",
        *(
            call(exact([1.0, 3.0, 3.0, 5.0], grad=False), exact(v, grad=False), **k)
            for v in ([[3.0, 0.0], [9.0, 4.0]], 3.0)
            for k in ({}, {"right": True}, {"side": "right"}, {"out_int32": True})
        ),
        call(exact([3, 1, 2]), exact([2, 5]), sorter=exact([1, 2, 0])),
        call(exact([[1, 2], [3, 4]]), exact([[2, 0, 3], [4, 5, 3]])),
        bad(RuntimeError, exact([[1, 2]]), exact([1])),
        bad(RuntimeError, exact([1, 2]), exact([1]), side="left", right=True),
        grad=0,
        numpy=None,
    ),
    Row(
        "bucketize",
        call(exact([[3.0, 0.0], [9.0, 4.0]], grad=False), exact([1.0, 3.0], grad=False)),
        call(ints(2, 3), exact([1, 3]), right=True),
        call(ints(2), exact([1, 3]), out_int32=True),
        grad=0,
        numpy=lambda a, edges, right=False, out_int32=False: np.digitize(a, edges, not right),
    ),
    Row(
        "unique",
        call(REPEATED),
        call(REPEATED, return_inverse=True),
        call(REPEATED, True, True, True),
        call(REPEATED, dim=0),
        call(REPEATED, return_counts=True, return_inverse=True, dim=1),
        call(x(2, 2, grad=False)),
        call(ints(0)),
        call(bools(4), return_counts=True),
        edge(NANS),
        grad=0,
        numpy=None,
    ),
    Row(
        "unique_consecutive",
        call(exact([1, 1, 2, 2, 1])),
        call(REPEATED, return_inverse=True, return_counts=True),
        call(exact([[1, 1, 3], [2, 2, 2]]), True, True, 1),
        call(exact([[1, 2], [1, 2], [0, 0]]), dim=0),
        call(ints(0), return_counts=True),
        grad=0,
        numpy=None,
    ),
    Row(
        "nonzero",
        call(exact([[0, 1, 2], [3, 0, 0]])),
        call(exact([[0, 1, 2], [3, 0, 0]]), as_tuple=True),
        call(bools(5)),
        call(exact(3)),
        call(ints(0)),
        call(x(2, 2, grad=False)),
        grad=0,
        numpy=lambda a, as_tuple=False: np.nonzero(a) if as_tuple else np.argwhere(a),
    ),
    Row(
        "nonzero_static",
        call(exact([[0, 1, 2], [3, 0, 0]]), size=2),
        call(exact([[0, 1, 2], [3, 0, 0]]), size=5, fill_value=7),
        call(bools(4), size=3),
        grad=0,
        numpy=None,
    ),
    Row("argwhere", call(exact([[0, 1, 2], [3, 0, 0]])), call(exact(3)), call(bools(3)), grad=0),
]
