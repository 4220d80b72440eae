"""Functions that make tensors, from data or at random."""

from __future__ import annotations

import numpy as np

from .table import Row, bad, call, exact, ints, pos, x

ROWS = [
    Row(
        "tensor",
        call([1.0, 2.0]),
        call([[1, 2], [3, 4]]),
        call(True),
        call([]),
        call(3, dtype=np.float64),
        numpy=lambda data, dtype=None: np.array(data, dtype),
        grad=0,
    ),
    Row(
        "as_tensor",
        call([1.0, 2.0]),
        call([1, 2], dtype=np.float64),
        grad=0,
        numpy=lambda data, dtype=None: np.array(data, dtype),
    ),
    Row(
        "asarray",
        call([1.0, 2.0]),
        call([1, 2], dtype=np.float64, copy=True),
        call(x(2), copy=False),
        bad(ValueError, [1, 2], copy=False),
        grad=0,
        numpy=lambda data, dtype=None, copy=None: np.array(data, dtype),
        why="the call with copy=False is the tensor itself",
    ),
    Row(
        "frombuffer",
        call(bytearray(b"\1\2\3\4"), dtype=np.uint8),
        call(bytearray(b"\1\2\3\4"), dtype=np.int16),
        call(bytearray(b"\1\2\3\4"), dtype=np.uint8, count=2, offset=1),
        bad(ValueError, bytearray(b"\1\2\3"), dtype=np.int16),
        bad(ValueError, bytearray(b"\1\2\3"), dtype=np.int16, count=5),
        bad(ValueError, bytearray(), dtype=np.int16),
        grad=0,
    ),
    Row(
        "scalar_tensor",
        call(3),
        call(2.5, dtype=np.float64),
        call(True, dtype=np.int64),
        grad=0,
        numpy=np.array,
    ),
    Row(
        "from_numpy",
        call(np.arange(3)),
        call(np.ones((2, 2), np.float32)),
        bad(TypeError, [1]),
        numpy=np.array,
        grad=0,
    ),
    *(
        Row(
            name,
            call(2, 3),
            call((2, 3)),
            call(()),
            call(2, dtype=np.int64),
            call(size=(2, 3)),
            bad(RuntimeError, -1),
            bad(TypeError, 2.0),
            grad=0,
            numpy=lambda *sizes, size=None, dtype=np.float32, f=f: f(
                size or (sizes[0] if sizes and isinstance(sizes[0], tuple) else sizes), dtype
            ),
        )
        for name, f in [("zeros", np.zeros), ("ones", np.ones)]
    ),
    Row("empty", call(2, 3), call((0, 2), dtype=np.int64), random=True, grad=0),
    Row("full", call((2, 3), 1.5), call((2,), 7), call((), True), grad=0),
    *(
        Row(name, call(x(2, 3)), call(ints(2)), call(x(2), dtype=np.int32), grad=0)
        for name in ("zeros_like", "ones_like")
    ),
    Row("empty_like", call(x(2, 3)), random=True, grad=0),
    Row("full_like", call(x(2, 3), 1.5), call(ints(2), 3), grad=0),
    Row(
        "arange",
        call(5),
        call(1, 4),
        call(0, 1, 0.25),
        call(3, 0, -1),
        call(2.5),
        call(3, dtype=np.float64),
        call(0, 2.5, dtype=np.int64),
        call(start=1, end=5, step=2),
        call(exact(4.0, grad=False)),
        call(True),
        bad(RuntimeError, 5, 1),
        bad(RuntimeError, 1, 5, 0),
        bad(RuntimeError, float("nan")),
        grad=0,
        numpy=lambda start, end=None, step=1, dtype=None: np.arange(
            *((0, start) if end is None else (int(start) if dtype is np.int64 else start, end)),
            step,
            dtype or np.result_type(start, end or 0, step),
        )[: 2 if end == 2.5 else None],
        why="with an integer dtype the bounds are made integers first",
    ),
    Row(
        "logspace",
        call(0, 2, 3),
        call(-1.0, 1.0, 4, base=2),
        call(0, 2, 3, dtype=np.int64),
        call(1, 5, 1),
        bad(RuntimeError, 0, 1, -1),
        grad=0,
    ),
    Row(
        "linspace",
        call(0, 1, 5),
        call(-1.0, 1.0, 4),
        call(3, 1, 1),
        call(0, 1, 0),
        call(-10, 0, 4, dtype=np.int64),
        call(exact(0.0, grad=False), exact(1.0, grad=False), 3),
        bad(RuntimeError, 0, 1, -1),
        bad(TypeError, 0, 1, 3.0),
        grad=0,
        numpy=lambda a, b, n, dtype=np.float64: np.linspace(a, b, n).astype(dtype),
    ),
    Row(
        "eye", call(3), call(2, 3), call(0), call(2, dtype=np.int64), bad(RuntimeError, -1), grad=0
    ),
    *(
        Row(
            name,
            call(2, 3),
            call((2, 3)),
            call(size=(2,)),
            call(2, dtype=np.float64),
            bad(NotImplementedError, 2, dtype=np.int64),
            random=True,
            grad=0,
        )
        for name in ("rand", "randn")
    ),
    *(
        Row(name, call(pos(2, 3)), call(ints(2), dtype=np.float64), random=True, grad=0)
        for name in ("rand_like", "randn_like")
    ),
    Row(
        "randint",
        call(5, (2, 3)),
        call(1, 5, (2,)),
        call(low=0, high=3, size=(2,)),
        call(5, (2,), dtype=np.float32),
        bad(RuntimeError, 3, 3, (2,)),
        random=True,
        grad=0,
    ),
    Row(
        "randint_like",
        call(x(2, 3, grad=False), 5),
        call(ints(2), 1, 5),
        call(x(2, grad=False), low=1, high=3, dtype=np.int64),
        bad(RuntimeError, x(2), 3, 3),
        random=True,
        grad=0,
    ),
    Row(
        "randperm",
        call(5),
        call(0),
        call(3, dtype=np.float32),
        bad(RuntimeError, -1),
        random=True,
        grad=0,
    ),
]
