"""Losses."""

from __future__ import annotations

import numpy as np
from scipy.special import log_softmax

from .table import Row, bad, call, exact, pos, unit, x


def cross_entropy(a, y, weight=None, ignore_index=-100, reduction="mean", label_smoothing=0.0):
    log_p = np.moveaxis(log_softmax(a, axis=min(1, a.ndim - 1)), min(1, a.ndim - 1), -1)
    n, w = log_p.shape[-1], np.ones(log_p.shape[-1]) if weight is None else weight
    keep = np.ones(log_p.shape[:-1])
    if y.dtype.kind == "i":
        keep = (y != ignore_index) * 1.0
        p = np.eye(n)[np.where(keep, y, 0)]
        count = (keep * (p @ w)).sum()
    else:
        p, count = np.moveaxis(y, min(1, y.ndim - 1), -1), keep.sum()
    p = p * (1 - label_smoothing) + label_smoothing / n
    loss = -(log_p * p * w).sum(-1) * keep
    return loss if reduction == "none" else loss.sum() / (count if reduction == "mean" else 1)


Y = exact([1, 0, 2])

ROWS = [
    Row(
        "nn.functional.cross_entropy",
        call(x(3, 4), Y),
        call(x(4), exact(2)),
        *(
            call(x(3, 4), Y, reduction=r, label_smoothing=s)
            for r in ("mean", "sum", "none")
            for s in (0.0, 0.1)
        ),
        call(x(3, 4), Y, weight=pos(4, grad=False), label_smoothing=0.2),
        call(x(3, 4), exact([1, -100, 0]), pos(4, grad=False)),
        call(x(3, 4), Y, ignore_index=0),
        call(x(2, 3, 2), exact([[0, 1], [2, 2]]), reduction="none"),
        call(x(3, 4), unit(3, 4)),
        call(x(3, 4), unit(3, 4), pos(4, grad=False), reduction="sum"),
        call(x(3, 4), unit(3, 4), label_smoothing=0.3),
        bad(IndexError, x(2, 3), exact([0, 3])),
        bad((ValueError, RuntimeError), x(2, 3), exact([0])),
        bad(ValueError, x(2, 3), exact([0, 1]), reduction="avg"),
        numpy=cross_entropy,
    ),
]
