"""Writing at an index, where a mask holds, or in the place of a view, out of place."""

from __future__ import annotations

import numpy as np

from .table import Row, bad, bools, call, exact, ints, x

PICKS = exact([[0, 2, 1], [2, 1, 0]])  # nothing twice along either dimension
TWICE = exact([[0, 1, 1], [0, 0, 0]])
REDUCTIONS = {"sum": np.add, "prod": np.multiply, "mean": np.add, "amax": np.maximum,
              "amin": np.minimum, "add": np.add, "multiply": np.multiply}  # fmt: skip


def reduced(a, places, values, reduce, include_self=True):
    """`values` put into a copy of `a`, one after the other."""
    out, seen = np.array(a), np.zeros(np.shape(a), int)
    seen += include_self
    for place, value in zip(places, values, strict=True):
        if reduce is None or not seen[place]:
            out[place] = value
        else:
            out[place] = REDUCTIONS[reduce](out[place], value)
        seen[place] += 1
    return out / np.maximum(seen, 1) if reduce == "mean" else out


def scatter(a, dim, index, src=None, reduce=None, value=None, include_self=True):
    a, shape, index = np.atleast_1d(a), np.shape(a), np.atleast_1d(index)
    src = np.asarray(value if src is None else src)
    src = np.broadcast_to(src, index.shape) if src.ndim == 0 else src
    places = []
    for position in np.ndindex(*index.shape):
        place = list(position)
        place[dim] = index[position]
        places.append(tuple(place))
    values = [src[position] for position in np.ndindex(*index.shape)]
    return reduced(a, places, values, reduce, include_self).reshape(shape)


def by_slices(a, dim, index, source, reduce=None, include_self=True):
    shape, index = np.shape(a), np.atleast_1d(index)
    out, source = (
        np.moveaxis(np.array(a, ndmin=1), dim, 0),
        np.moveaxis(np.atleast_1d(source), dim, 0),
    )
    places = [(i, *rest) for i in index for rest in np.ndindex(*out.shape[1:])]
    out = reduced(out, places, source.ravel(), reduce, include_self)
    return np.moveaxis(out, 0, dim).reshape(shape)


def changed(write):
    """What `write(copy of a, ...)` leaves behind."""

    def result(a, *args, **kwargs):
        a = np.array(a)
        write(a, *args, **kwargs)
        return a

    return result


def index_fill(a, dim, index, value):
    np.moveaxis(np.atleast_1d(a), dim, 0)[index] = value


def index_put(a, indices, values, accumulate=False):
    if accumulate:
        np.add.at(a, tuple(indices), values)
    else:
        a[tuple(indices)] = values


def put(a, index, source, accumulate=False):
    index_put(a.reshape(-1), (index.ravel(),), source.ravel(), accumulate)


def masked_scatter(a, mask, source):
    a = np.array(np.broadcast_arrays(a, mask)[0])
    mask = np.broadcast_to(mask, a.shape)
    a[mask] = source.ravel()[: np.count_nonzero(mask)]
    return a


def diagonal_scatter(a, src, offset=0, dim1=0, dim2=1):
    part = np.diagonal(a, offset, dim1, dim2)
    part.flags.writeable = True
    part[...] = src


def select_scatter(a, src, dim, index):
    np.moveaxis(a, dim, 0)[index] = src


def slice_scatter(a, src, dim=0, start=None, end=None, step=1):
    np.moveaxis(a, dim, 0)[start:end:step] = np.moveaxis(src, dim, 0)


ALONG_DIM = [
    Row(
        "scatter",
        call(x(2, 3), 1, PICKS, x(2, 3)),
        call(x(3, 3), 0, PICKS, x(2, 3)),
        call(x(2, 3), 1, exact([[1]]), 5.0),
        call(x(2, 3), dim=1, index=exact([[1]]), value=2),
        call(x(2, 3), 1, TWICE, 2.0, reduce="add"),
        call(x(2, 3), 1, TWICE, 2.0, reduce="multiply"),
        call(x(2, 3), 1, TWICE, x(2, 3, grad=False), reduce="multiply"),
        call(x(4), 0, exact(1), x()),
        call(x(), 0, exact([0]), x(1)),
        call(x(2, 3), 1, ints(0, 3), x(0, 3)),
        bad(RuntimeError, x(2, 3), 1, exact([[3]]), x(1, 1)),
        bad(RuntimeError, x(2, 3), 1, exact([[1, 2]]), x(1, 1)),
        bad(RuntimeError, x(2, 3), 1, exact([[1], [1], [1]]), x(3, 1)),
        bad(RuntimeError, x(2, 3), 1, exact([[1]]), ints(1, 1)),
        bad(RuntimeError, x(2, 3), 1, exact([[1]]), x()),
        bad(RuntimeError, x(2, 3), 1, exact([[1]]), x(1, 1), reduce="max"),
        bad(TypeError, x(2, 3), 1, exact([[1]])),
        numpy=scatter,
    ),
    Row(
        "scatter_add",
        call(x(2, 3), 1, TWICE, x(2, 3)),
        call(x(3, 2), 0, exact([[1, 1]]), src=x(1, 2)),
        call(x(), 0, exact(0), x()),
        bad(RuntimeError, x(2, 3), 1, exact([[1]]), ints(1, 1)),
        bad(IndexError, x(2), 1, exact([1]), x(1)),
        numpy=lambda a, dim, index, src: scatter(a, dim, index, src, "sum"),
    ),
    Row(
        "scatter_reduce",
        *(
            call(x(2, 3), 1, TWICE, x(2, 3), reduce, include_self=include_self)
            for reduce in ("sum", "prod", "mean", "amax", "amin")
            for include_self in (True, False)
        ),
        call(x(3, 3), 0, exact([[1, 0, 1]]), x(1, 3), reduce="amax"),
        call(x(3), 0, ints(0), x(0), "prod"),
        call(x(), 0, exact([0, 0]), x(2), "mean"),
        bad(RuntimeError, x(2), 0, exact([0]), x(1), "add"),
        numpy=lambda a, dim, index, src, reduce, include_self=True: scatter(
            a, dim, index, src, reduce, include_self=include_self
        ),
        skip_dtypes="b",
        why="PyTorch has no mean of bool; the other reductions are compared by hand",
    ),
]

LARGER_SOURCE = [
    Row(
        name,
        call(x(2, 3), -1, exact([[2], [0]]), x(2, 2), *more),
        call(x(2, 3), 1, ints(0, 3), x(2, 3), *more),
        numpy=scatter,
        torch=None,
        why="PyTorch's gradient of a source that is larger than the index is an error",
    )
    for name, more in [("scatter", ()), ("scatter_reduce", ("prod",))]
]

SLICES = [
    Row(
        "index_add",
        call(x(3, 2), 0, exact([2, 0, 2]), x(3, 2)),
        call(x(2, 3), -1, exact([1]), x(2, 1), alpha=3),
        call(x(3), dim=0, index=exact(1), source=x(1)),
        call(x(), 0, exact(0), x()),
        bad(RuntimeError, x(2, 3), 1, exact([3]), x(2, 1)),
        bad(RuntimeError, x(2, 3), 1, exact([1, 2]), x(2, 1)),
        bad(RuntimeError, x(2, 3), 1, exact([1]), x(3, 1)),
        bad(RuntimeError, x(2, 3), 1, exact([1]), ints(2, 1)),
        bad(IndexError, x(2, 3), 1, exact([[0]]), x(2, 1)),
        numpy=lambda a, dim, index, source, alpha=1: by_slices(
            a, dim, index, source * alpha, "sum"
        ),
    ),
    Row(
        "index_copy",
        call(x(3, 2), 0, exact([2, 0]), x(2, 2)),
        call(x(2, 3), dim=-1, index=exact([1]), source=x(2, 1)),
        bad(IndexError, x(2, 3), 1, exact([3]), x(2, 1)),
        bad(RuntimeError, x(2, 3), 1, exact([1]), x(3, 1)),
        bad(RuntimeError, x(2, 3), 1, exact([1]), ints(2, 1)),
        call(x(3), 0, exact([1]), x()),
        call(x(), 0, exact(0), x(1)),
        numpy=by_slices,
    ),
    Row(
        "index_reduce",
        *(
            call(x(3, 2), 0, exact([2, 0, 2]), x(3, 2), reduce, include_self=include_self)
            for reduce in ("prod", "mean", "amax", "amin")
            for include_self in (True, False)
        ),
        call(x(2, 3), -1, exact([1]), source=x(2, 1), reduce="amax"),
        bad(RuntimeError, x(2), 0, exact([0]), x(1), "sum"),
        numpy=by_slices,
        skip_dtypes="b",
        why="PyTorch has no mean of bool",
    ),
    Row(
        "index_fill",
        call(x(3, 2), 0, exact([2, -3]), 1.5),
        call(x(2, 3), -1, exact(1), x()),
        call(x(2, 3), 1, exact([1, 1, 2]), x()),
        call(x(), dim=0, index=exact([0]), value=2),
        bad(IndexError, x(2, 3), 1, exact([3]), 1.0),
        bad(RuntimeError, x(2, 3), 1, exact([1]), x(1)),
        numpy=changed(index_fill),
    ),
]

ANYWHERE = [
    Row(
        "index_put",
        call(x(2, 3), (exact([0, 1]), exact([2, 0])), x(2)),
        call(x(2, 3), [exact([1])], x(3)),
        call(x(2, 3), (exact([[True, False, True], [False, False, False]]),), x(2)),
        call(x(2, 3), (exact([0, 0]), exact([1, 1])), x(2), accumulate=True),
        call(x(2, 3), (exact([0, 0]),), x(), True),
        bad(IndexError, x(2, 3), (exact([2]),), x()),
        bad(RuntimeError, x(2, 3), (exact([1]),), x(2)),
        bad(RuntimeError, x(2, 3), (exact([1]),), ints()),
        bad(TypeError, x(2, 3), exact([1]), x()),
        numpy=changed(index_put),
    ),
    Row(
        "put",
        call(x(2, 3), exact([1, -1]), x(2)),
        call(x(2, 3), exact([[1, 1]]), x(2), accumulate=True),
        call(x(2, 3), ints(0), source=x(0)),
        bad(IndexError, x(2, 3), exact([6]), x(1)),
        bad(IndexError, x(2, 3), exact([1, 2]), x(1)),
        bad(RuntimeError, x(2, 3), exact([1]), ints(1)),
        numpy=changed(put),
    ),
    Row(
        "masked_fill",
        call(x(2, 3), bools(2, 3), 1.5),
        call(x(2, 3), bools(3), x()),
        call(x(3), mask=bools(2, 3), value=0),
        bad(RuntimeError, x(2), exact([1, 0]), 1.5),
        bad(RuntimeError, x(2), bools(2), x(1)),
        numpy=lambda a, mask, value: np.where(mask, value, a),
    ),
    Row(
        "masked_scatter",
        call(x(2, 3), bools(2, 3), x(7)),
        call(x(3), bools(2, 3), x(2, 3)),
        call(x(2, 3), mask=exact([True, False, True]), source=x(4)),
        bad(RuntimeError, x(2), exact([True, True]), x(1)),
        bad(RuntimeError, x(2), exact([True, True]), ints(2)),
        bad(RuntimeError, x(2), exact([1, 0]), x(2)),
        numpy=masked_scatter,
    ),
    Row(
        "fill",
        call(x(2, 3), 1.5),
        call(x(2, 3), x()),
        call(x(0), value=1),
        bad(RuntimeError, x(2), x(1)),
        numpy=lambda a, value: np.full(a.shape, value),
    ),
    Row(
        "fill_diagonal_",
        call(x(3, 3), 1.5),
        call(x(5, 2), 0, wrap=True),
        call(x(5, 2), fill_value=1),
        call(x(2, 2, 2), 1.5),
        bad(RuntimeError, x(3), 1.0),
        bad(RuntimeError, x(2, 3, 3), 1.0),
        run=lambda f, a, *args, **kwargs: f(a + a * 0, *args, **kwargs),
        numpy=changed(lambda a, fill_value, wrap=False: np.fill_diagonal(a, fill_value, wrap)),
    ),
    Row(
        "diagonal_scatter",
        call(x(2, 3), x(2)),
        call(x(3, 3), x(2), -1),
        call(x(2, 2, 3), x(2, 2), offset=0, dim1=-1, dim2=0),
        bad(RuntimeError, x(2, 3), x(3)),
        numpy=changed(diagonal_scatter),
    ),
    Row(
        "select_scatter",
        call(x(2, 3), x(2), 1, -1),
        call(x(2, 3), src=x(3), dim=0, index=1),
        call(x(2), x(), 0, 0),
        bad(RuntimeError, x(2, 3), x(1), 1, 0),
        bad(IndexError, x(2, 3), x(2), 1, 3),
        numpy=changed(select_scatter),
    ),
    Row(
        "slice_scatter",
        call(x(4, 2), x(2, 2), 0, 1, 4, 2),
        call(x(2, 3), x(2, 2), dim=1, start=-2),
        call(x(2, 3), x(2, 3)),
        bad(RuntimeError, x(2, 3), x(1, 3)),
        bad(RuntimeError, x(2, 3), x(2, 3), 0, 0, 2, -1),
        numpy=changed(slice_scatter),
    ),
]

ROWS = ALONG_DIM + LARGER_SOURCE + SLICES + ANYWHERE
