"""Losses with margins, and likelihoods of counts and of normal samples."""

from __future__ import annotations

import numpy as np
from scipy.special import log_expit

from .functional import F, reduce
from .table import NAN, Row, bad, call, edge, exact, pos, unit, x

REDUCTIONS = ("mean", "sum", "none")
PAIR = (x(2, 3), x(2, 3))
SIGNS = exact([[1, -1, 1], [-1, -1, 1]])


def hinge_embedding(a, y, margin=1.0, reduction="mean"):
    return reduce(a * (y != -1) + np.maximum(0, margin - a) * (y != 1), reduction)


def cosine_embedding(a, b, y, margin=0.0, reduction="mean"):
    norms = np.sqrt(((a * a).sum(-1) + 1e-12) * ((b * b).sum(-1) + 1e-12))
    cos = (a * b).sum(-1) / norms
    loss = np.where(y == 1, 1 - cos, np.where(y == -1, np.maximum(0, cos - margin), 0))
    return reduce(loss, reduction)


def ranking(a, b, y, margin=0.0, reduction="mean"):
    return reduce(np.maximum(0, margin - y * (a - b)), reduction)


def multilabel_soft(a, t, weight=1.0, reduction="mean"):
    loss = -weight * (t * log_expit(a) + (1 - t) * log_expit(-a))
    return reduce(loss.sum(-1) / a.shape[-1], reduction)


def hinge_of_classes(row, labels, p, margin):
    """The sum over labels and other classes, as a loop."""
    others = [i for i in range(len(row)) if i not in labels]
    return sum(max(0.0, margin - row[y] + row[i]) ** p for y in labels for i in others) / len(row)


def multi_margin(a, y, p=1, margin=1.0, weight=None, reduction="mean"):
    rows = zip(np.atleast_2d(a), np.atleast_1d(y), strict=True)
    factors = np.ones(a.shape[-1] if a.ndim else 1) if weight is None else weight
    loss = [hinge_of_classes(row, [c], p, margin) * factors[c] for row, c in rows]
    return reduce(np.reshape(loss, y.shape), reduction)


def multilabel_margin(a, y, reduction="mean"):
    rows = zip(np.atleast_2d(a), np.atleast_2d(y), strict=True)
    loss = [hinge_of_classes(r, c[: [*c, -1].index(-1)], 1, 1.0) for r, c in rows]
    return reduce(np.reshape(loss, a.shape[:-1]), reduction)


def triplet(a, b, c, margin=1.0, p=2, eps=1e-6, swap=False, reduction="mean"):
    def distance(u, v):
        return np.linalg.norm(u - v + eps, p, -1)

    far = np.minimum(distance(a, c), distance(b, c)) if swap else distance(a, c)
    return reduce(np.maximum(0, margin + distance(a, b) - far), reduction)


def manhattan(u, v):
    return (u - v).abs().sum(-1)


def poisson(a, t, log_input=True, full=False, eps=1e-8, reduction="mean"):
    loss = np.exp(a) - t * a if log_input else a - t * np.log(a + eps)
    if full:
        n = np.where(t > 1, t, 1)
        loss = loss + (t > 1) * (n * np.log(n) - n + np.log(2 * np.pi * n) / 2)
    return reduce(loss, reduction)


def gaussian(a, t, var, full=False, eps=1e-6, reduction="mean"):
    var = np.maximum(var, eps)
    var = var[..., None] if var.ndim and var.ndim < a.ndim else var
    loss = (np.log(var) + (a - t) ** 2 / var) / 2
    return reduce(loss + full * np.log(2 * np.pi) / 2, reduction)


SCORES, CLASSES = x(3, 4), exact([1, 0, 2])
LABELS = exact([[1, 0, -1, 2], [2, -1, 0, 0], [-1, 0, 1, 2]])
TRIPLET = (x(3, 4), x(3, 4), x(3, 4))
ZEROS = exact(np.zeros((3, 2)))

ROWS = [
    Row(
        F + "hinge_embedding_loss",
        *(call(x(2, 3), SIGNS, reduction=r) for r in REDUCTIONS),
        call(x(2, 3), SIGNS, 2.2),
        call(x(2, 3), exact([1, -1, -1]), margin=0.3, reduction="none"),
        call(x(2), exact([0, 2])),  # neither 1 nor -1: both parts count
        call(x(), exact(-1.0, grad=False)),
        call(x(0, 3), exact([1, -1, -1]), reduction="sum"),
        edge(exact([1.0, 1.0, 0.0, 2.0]), exact([1, -1, -1, -1])),
        edge(NAN, exact([1, -1])),
        bad(RuntimeError, x(2, 3), exact([1, -1])),
        bad(ValueError, x(2, 3), SIGNS, reduction="avg"),
        numpy=hinge_embedding,
        skip_dtypes="iub",
        why="PyTorch rounds the margin to the dtype of integer distances",
    ),
    Row(
        F + "cosine_embedding_loss",
        *(call(x(3, 4), x(3, 4), exact([1, -1, 1]), reduction=r) for r in REDUCTIONS),
        call(x(3, 4), x(3, 4), exact([-1, -1, -1]), 0.2, reduction="none"),
        call(x(3, 4), x(3, 4), exact([-1, -1, 1]), margin=-0.5),
        call(x(3, 4), x(1, 4), exact([1, 0, -1]), reduction="none"),
        call(x(4), x(4), exact(1)),
        call(x(0, 4), x(0, 4), exact(np.zeros(0, int)), reduction="sum"),
        edge(ZEROS, x(3, 2), exact([1, -1, 1])),
        edge(exact([[1.0, 0.0]]), exact([[0.0, 1.0]]), exact([-1])),
        bad(RuntimeError, x(3, 4), x(3, 4), exact(1)),
        bad(RuntimeError, x(3, 4), x(3, 4), exact([[1], [1], [1]])),
        bad(RuntimeError, x(4), x(4), exact([1])),
        bad(RuntimeError, x(3, 4), x(3, 2), exact([1, 1, 1])),
        bad(RuntimeError, x(3, 4), x(3, 4), exact([1, 1])),
        bad(ValueError, x(3, 4), x(3, 4), exact([1, 1, 1]), reduction="avg"),
        numpy=cosine_embedding,
        tol=(1e-8, 1e-5),
        why="PyTorch's 1e-12 is a float32",
    ),
    Row(
        F + "margin_ranking_loss",
        *(call(*PAIR, SIGNS, reduction=r) for r in REDUCTIONS),
        call(*PAIR, SIGNS, 0.7),
        call(*PAIR, x(2, 3), margin=-0.2, reduction="none"),
        call(x(2, 1), x(1, 3), SIGNS, margin=2.0),
        call(x(), x(), exact(1)),
        call(x(0, 3), x(0, 3), exact([[1, -1, 1]]), reduction="sum"),
        edge(exact([1.0, 1.0, 0.0]), exact([1.0, 0.0, 1.0]), exact([1, 1, -1])),
        edge(NAN, exact([1.0, 1.0], grad=False), exact([1, -1])),
        bad(RuntimeError, x(2, 3), x(3), SIGNS),
        bad(RuntimeError, x(2, 3), x(2, 2), SIGNS),
        bad(ValueError, *PAIR, SIGNS, reduction="avg"),
        numpy=ranking,
    ),
    Row(
        F + "soft_margin_loss",
        *(call(x(2, 3), SIGNS, reduction=r) for r in REDUCTIONS),
        call(x(2, 3), exact([1.0, -1.0, -1.0], grad=False), reduction="none"),
        call(x(2, 3), x(2, 3, grad=False)),
        call(x(), exact(-1)),
        call(x(0, 3), exact([1, -1, 1]), reduction="sum"),
        edge(exact([0.0, 50.0, -50.0, 1000.0]), exact([1, -1, -1, 1])),
        edge(NAN, exact([1, -1])),
        bad(RuntimeError, x(2, 3), exact([1, -1])),
        bad(ValueError, x(2, 3), SIGNS, reduction="avg"),
        numpy=lambda a, y, reduction="mean": reduce(-log_expit(a * y), reduction),
    ),
    Row(
        F + "multilabel_soft_margin_loss",
        *(call(x(3, 4), unit(3, 4), reduction=r) for r in REDUCTIONS),
        call(x(3, 4), exact(np.eye(4, dtype=int)[:3]), pos(4, grad=False)),
        call(x(3, 4), unit(3, 4), weight=pos(3, 4, grad=False), reduction="none"),
        call(x(4), unit(4), reduction="none"),
        call(x(2, 3, 4), unit(2, 3, 4), reduction="none"),
        call(x(0, 4), unit(0, 4), reduction="sum"),
        edge(exact([[1e3, -1e3, 1e3, -1e3]]), exact([[1.0, 0.0, 0.0, 1.0]], grad=False)),
        bad(IndexError, x(), unit()),
        bad(RuntimeError, x(3, 4), unit(3, 3)),
        bad(ValueError, x(3, 4), unit(3, 4), reduction="avg"),
        numpy=multilabel_soft,
    ),
    Row(
        F + "multi_margin_loss",
        *(call(SCORES, CLASSES, p, reduction=r) for p in (1, 2) for r in REDUCTIONS),
        *(call(SCORES, CLASSES, p, 0.4, pos(4, grad=False)) for p in (1, 2)),
        call(SCORES, CLASSES, weight=pos(4, grad=False), reduction="none"),
        call(SCORES, CLASSES, margin=-0.7),
        call(x(4), exact(2), reduction="none"),
        call(x(4), exact([2]), reduction="none"),
        call(x(1, 4), exact(2), reduction="none"),
        call(x(), exact(0)),
        call(x(0, 4), exact(np.zeros(0, int)), reduction="none"),
        *(edge(exact([[1.0, 0.0, 2.0, -1.0]]), exact([0]), p) for p in (1, 2)),
        edge(exact([[np.nan, 1.0, 2.0]], grad=False), exact([1])),
        bad(ValueError, SCORES, CLASSES, p=3),
        bad(ValueError, SCORES, CLASSES, weight=pos(4, 1)),
        bad(RuntimeError, SCORES, CLASSES, weight=pos(5)),
        bad(RuntimeError, SCORES, exact([1, 0])),
        bad(RuntimeError, SCORES, exact([[1], [0], [2]])),
        bad(RuntimeError, SCORES, exact([1, 0, 4])),
        bad(RuntimeError, SCORES, exact([1, 0, -1])),
        bad(RuntimeError, SCORES, exact([1.0, 0.0, 2.0])),
        bad(RuntimeError, x(1, 3, 4), CLASSES),
        bad(RuntimeError, x(3, 0), CLASSES),
        bad(ValueError, SCORES, CLASSES, reduction="avg"),
        numpy=multi_margin,
        skip_dtypes="iub",
        why="PyTorch takes integer scores only where there are none",
    ),
    Row(
        F + "multilabel_margin_loss",
        *(call(SCORES, LABELS, reduction=r) for r in REDUCTIONS),
        call(x(4), exact([3, 0, -1, 1])),
        call(x(4), exact([3, 0, 1, 2]), reduction="none"),
        call(x(4), exact([0, 0, -1, 1])),  # a label given twice counts twice
        call(x(4), exact([-1, 0, 0, 1])),
        call(x(), exact(0)),
        call(x(0, 4), exact(np.zeros((0, 4), int)), reduction="none"),
        edge(exact([1.0, 0.0, 2.0, -1.0]), exact([0, -1, 1, 1])),
        edge(exact([np.nan, 1.0, 2.0], grad=False), exact([1, -1, 0])),
        bad(RuntimeError, SCORES, exact([[0, 1, 2, 3]])),
        bad(RuntimeError, x(4), exact([0, 1])),
        bad(RuntimeError, x(4), exact([0, 1, -1, 4])),
        bad(RuntimeError, x(4), exact([0, 1, -2, 3])),
        bad(RuntimeError, x(2), exact([0.0, -1.0])),
        bad(RuntimeError, x(1, 3, 4), LABELS),
        bad(ValueError, SCORES, LABELS, reduction="avg"),
        numpy=multilabel_margin,
        skip_dtypes="iub",
        why="PyTorch takes integer scores only where there are none",
    ),
    Row(
        F + "triplet_margin_loss",
        *(call(*TRIPLET, reduction=r, swap=s) for r in REDUCTIONS for s in (False, True)),
        *(call(*TRIPLET, 2.0, p) for p in (1, 3, np.inf)),
        call(*TRIPLET, margin=0.3, eps=0.1, reduction="none"),
        call(x(4), x(4), x(4), margin=5.0),
        call(x(3, 4), x(1, 4), x(3, 1), margin=5.0, reduction="none"),
        call(x(0, 4), x(0, 4), x(0, 4), reduction="sum"),
        edge(ZEROS, ZEROS, ZEROS, eps=0.0),
        edge(ZEROS, ZEROS, ZEROS, swap=True),
        bad(ValueError, *TRIPLET, margin=0.0),
        bad(RuntimeError, x(3, 4), x(4), x(3, 4)),
        bad(RuntimeError, x(3, 4), x(3, 2), x(3, 4)),
        bad(ValueError, *TRIPLET, reduction="avg"),
        numpy=triplet,
    ),
    Row(
        F + "triplet_margin_with_distance_loss",
        *(call(*TRIPLET, reduction=r, swap=s) for r in REDUCTIONS for s in (False, True)),
        call(*TRIPLET, distance_function=manhattan, margin=0.4, swap=True),
        call(*TRIPLET, distance_function=manhattan, reduction="none"),
        call(x(4), x(4), x(4), margin=5.0),
        bad(ValueError, *TRIPLET, margin=-1.0),
        bad(RuntimeError, x(3, 4), x(4), x(3, 4)),
        bad(ValueError, *TRIPLET, reduction="avg"),
        numpy=lambda a, b, c, distance_function=None, **options: triplet(
            a, b, c, **options, **({"p": 1, "eps": 0.0} if distance_function else {})
        ),
    ),
    Row(
        F + "poisson_nll_loss",
        *(call(x(2, 3), pos(2, 3), reduction=r) for r in REDUCTIONS),
        *(call(pos(2, 3), pos(2, 3), False, reduction=r) for r in REDUCTIONS),
        call(pos(2, 3), pos(2, 3), log_input=False, eps=0.5),
        call(x(2, 3), pos(2, 3), full=True, reduction="none"),
        call(pos(2, 3), exact([0.0, 1.0, 5.0], grad=False), False, True),
        call(x(2, 1), pos(3), reduction="none"),
        call(x(), pos()),
        call(x(0, 3), pos(3), full=True, reduction="sum"),
        edge(exact([0.0, 1.0, 0.0]), exact([0.0, 0.0, 2.0]), log_input=False),
        edge(x(3), exact([0.0, 1.0, 2.0], grad=False), full=True),
        edge(NAN, exact([1.0, np.nan], grad=False), full=True, reduction="none"),
        bad(RuntimeError, x(2, 3), pos(2)),
        bad(ValueError, x(2, 3), pos(2, 3), reduction="avg"),
        numpy=poisson,
    ),
    Row(
        F + "gaussian_nll_loss",
        *(call(*PAIR, pos(2, 3), reduction=r) for r in REDUCTIONS),
        call(*PAIR, pos(2, 3), True),
        call(*PAIR, pos(2), full=True),
        call(*PAIR, pos(2, 1), reduction="none"),
        call(*PAIR, pos(1, 3), reduction="none"),
        call(*PAIR, 0.7),
        call(x(2, 3), x(3), pos(2, 3)),
        call(x(), x(), pos()),
        call(x(0, 3), x(0, 3), pos(0, 3), reduction="sum"),
        edge(exact([1.0, 2.0, 0.0]), exact([0.0, 0.0, 0.0]), exact([0.0, 1e-7, np.inf])),
        edge(*PAIR, exact([[0.2, 0.3, 0.4], [0.1, 0.5, 0.6]]), eps=0.35),
        bad(ValueError, *PAIR, exact([[0.1], [-0.1]])),
        bad(ValueError, *PAIR, -0.1),
        bad(ValueError, *PAIR, pos(3)),
        bad(ValueError, *PAIR, pos(1, 1)),
        bad(ValueError, *PAIR, pos(2, 3), reduction="avg"),
        numpy=lambda a, t, var, *options, **more: gaussian(a, t, np.asarray(var), *options, **more),
    ),
]
