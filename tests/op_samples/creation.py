"""Functions that make tensors, from data or at random."""

from __future__ import annotations

import numpy as np

from .table import Row, bad, call, ints, pos, x

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
    *(
        Row(
            name,
            call([1.0, 2.0]),
            call([1, 2], dtype=np.float64),
            grad=0,
            numpy=lambda data, dtype=None: np.array(data, dtype),
        )
        for name in ("as_tensor", "asarray")
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
            grad=0,
            numpy=lambda *size, dtype=np.float32, f=f: f(
                size[0] if size and isinstance(size[0], tuple) else size, dtype
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
        grad=0,
    ),
    Row("linspace", call(0, 1, 5), call(-1.0, 1.0, 4), call(3, 1, 1), call(0, 1, 0), grad=0),
    Row("eye", call(3), call(2, 3), call(0), grad=0),
    *(
        Row(name, call(2, 3), call((2, 3)), call(2, dtype=np.float64), random=True, grad=0)
        for name in ("rand", "randn")
    ),
    *(Row(name, call(pos(2, 3)), random=True, grad=0) for name in ("rand_like", "randn_like")),
    Row("randint", call(5, (2, 3)), call(1, 5, (2,)), random=True, grad=0),
    Row("randperm", call(5), random=True, grad=0),
]
