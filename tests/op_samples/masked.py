"""Operations with a mask."""

from __future__ import annotations

import numpy as np

from .table import Row, call, edge, exact, x

KEEP = exact([[True, False, True], [False, True, True]])
NONE = exact([[True, False, True], [False, False, False]])
M = "masked."


def reducing(f, fill):
    """A NumPy reduction of what the mask keeps."""

    def reference(a, dim=None, keepdim=False, dtype=None, mask=None, **options):
        a = a if mask is None else np.where(mask, a, fill)
        return f(a, axis=dim, keepdims=keepdim, **options)

    return reference


def variation(f):
    def reference(a, dim=None, unbiased=True, correction=None, keepdim=False, mask=True):
        ddof = int(unbiased) if correction is None else correction
        return f(np.where(mask, a, np.nan), axis=dim, ddof=ddof, keepdims=keepdim)

    return reference


OVER = (
    call(x(2, 3), mask=KEEP),
    call(x(2, 3), 1, mask=KEEP),
    call(x(2, 3), -1, keepdim=True, mask=KEEP),
    call(x(2, 3), 0),
)
OVER_SEVERAL = (*OVER, call(x(2, 3), (0, 1), mask=KEEP))
ALONG = (call(x(2, 3), 1, mask=KEEP), call(x(2, 3), dim=0))
EMPTY = edge(x(2, 3, grad=False), 1, mask=NONE)

ROWS = [
    Row(M + "sum", *OVER_SEVERAL, EMPTY, numpy=reducing(np.sum, 0)),
    Row(M + "prod", *OVER, EMPTY, numpy=reducing(np.prod, 1)),
    Row(M + "amax", *OVER_SEVERAL, EMPTY, numpy=reducing(np.max, -np.inf)),
    Row(M + "amin", *OVER_SEVERAL, EMPTY, numpy=reducing(np.min, np.inf)),
    Row(M + "argmax", *OVER, EMPTY, numpy=reducing(np.argmax, -np.inf), grad=0),
    Row(M + "argmin", *OVER, EMPTY, numpy=reducing(np.argmin, np.inf), grad=0),
    Row(M + "mean", *OVER_SEVERAL, EMPTY, numpy=reducing(np.nanmean, np.nan)),
    *(
        Row(
            M + name,
            *OVER,
            call(x(2, 4), 1, unbiased=False),
            call(x(2, 3), 1, correction=0, mask=KEEP),
            numpy=variation(f),
        )
        for name, f in [("var", np.nanvar), ("std", np.nanstd)]
    ),
    Row(
        M + "logsumexp",
        *OVER_SEVERAL,
        EMPTY,
        numpy=reducing(np.logaddexp.reduce, -np.inf),
        skip_dtypes="iub",
        why="PyTorch rounds to integers",
    ),
    Row(
        M + "norm",
        call(x(2, 3), 2, 1, mask=KEEP),
        call(x(2, 3), ord=3.0, keepdim=True),
        call(x(2, 3), mask=KEEP),
        numpy=lambda a, ord=2.0, dim=None, keepdim=False, mask=True: np.linalg.vector_norm(
            np.where(mask, a, 0), ord=ord, axis=dim, keepdims=keepdim
        ),
    ),
    Row(
        M + "normalize",
        call(x(2, 3), 2, 1, mask=KEEP),
        call(x(2, 3), 3, 0),
        edge(x(2, 3, grad=False), 2, 1, mask=NONE),
        numpy=None,
    ),
    *(Row(M + name, *ALONG, numpy=None) for name in ("cumsum", "cumprod")),
    *(Row(M + name, *ALONG, EMPTY, numpy=None) for name in ("softmax", "softmin")),
    Row(M + "log_softmax", call(x(2, 3), dim=0), edge(x(2, 3), 1, mask=KEEP), EMPTY, numpy=None),
    Row(
        M + "median",
        *(s for s in OVER if s.args[1:]),
        EMPTY,
        numpy=None,
        skip_dtypes="iub",
        why="what is left out is NaN on the way",
    ),
    Row(
        M + "logaddexp",
        call(x(2, 3), x(2, 3), input_mask=KEEP),
        call(x(2, 3), x(2, 3), input_mask=KEEP, other_mask=exact([[True] * 3] * 2)),
        numpy=lambda a, b, input_mask=True, other_mask=True: np.logaddexp(
            np.where(input_mask, a, -np.inf), np.where(other_mask, b, -np.inf)
        ),
        grad=1,
        skip_dtypes="iub",
        why="PyTorch's second derivative is NaN at what is left out; it rounds to integers",
    ),
]
