"""What `nn.functional` builds from primitives: activations, losses, distances, dropout."""

from __future__ import annotations

import numpy as np
from scipy.special import expit, log_expit, log_softmax as log_softmax_, softmax, xlogy

import autograd
import nn  # noqa: F401  (registers these functions)

from .table import Row, bad, call, edge, exact, ints, pos, unary, unit, x

F = "nn.functional."


def seeded(f, *args, **kwargs):
    autograd.manual_seed(0)  # the same numbers in every call, so that differences make sense
    return f(*args, **kwargs)


def channels(a, w):
    return w.reshape(-1, *(1,) * (a.ndim - 2)) if w.size > 1 else w.reshape(())


def reduce(loss, reduction="mean"):
    return {"mean": np.mean, "sum": np.sum, "none": lambda v: v}[reduction](loss)


def huber(a, b, reduction="mean", delta=1.0, weight=1.0):
    d = np.abs(a - b)
    loss = np.where(d <= delta, d * d / 2, delta * (d - delta / 2))
    return reduce(loss * weight, reduction)


def smooth_l1(a, b, beta=1.0, reduction="mean"):
    d = np.abs(a - b)
    return reduce(np.where(d < beta, d * d / 2 / (beta or 1), d - beta / 2), reduction)


def weighted(elementwise):
    def loss(a, b, reduction="mean", weight=None):
        if weight is not None and reduction == "mean":
            return (elementwise(a, b) * weight).sum() / weight.sum()
        return reduce(elementwise(a, b) * (1 if weight is None else weight), reduction)

    return loss


def nll(a, y, weight=None, ignore_index=-100, reduction="mean"):
    a = np.moveaxis(a, min(1, a.ndim - 1), -1)
    w = np.ones(a.shape[-1]) if weight is None else weight
    keep = y != ignore_index
    y = np.where(keep, y, 0)
    factors = w[y] * keep
    loss = -np.take_along_axis(a, y[..., None], -1)[..., 0] * factors
    return loss.sum() / factors.sum() if reduction == "mean" else reduce(loss, reduction)


def bce(p, t, weight=1.0, reduction="mean"):
    log_p, log_q = np.maximum(np.log(p), -100), np.maximum(np.log(1 - p), -100)
    return reduce(-weight * (t * log_p + (1 - t) * log_q), reduction)


def bce_with_logits(a, t, weight=1.0, reduction="mean", pos_weight=1.0):
    loss = -weight * (pos_weight * t * log_expit(a) + (1 - t) * log_expit(-a))
    return reduce(loss, reduction)


def kl(a, t, reduction="mean", log_target=False):
    loss = np.exp(t) * (t - a) if log_target else xlogy(t, t) - t * a
    return loss.sum() / a.shape[0] if reduction == "batchmean" else reduce(loss, reduction)


def norm(a, p, dim):
    return np.linalg.norm(a, p, axis=dim, keepdims=True)


def cosine(a, b, dim=1, eps=1e-8):
    a, b = np.broadcast_arrays(a, b)
    return (a * b / np.maximum(norm(a, 2, dim), eps) / np.maximum(norm(b, 2, dim), eps)).sum(dim)


def distance(a, b, p=2.0, eps=1e-6, keepdim=False):
    return np.linalg.norm(a - b + eps, p, axis=-1, keepdims=keepdim)


def along(f, name):
    return Row(
        F + name,
        call(x(2, 3), 0),
        call(x(2, 3), dim=-1),
        call(x(2, 3, 2), 1),
        call(x(), 0),
        call(x(0, 3), 1),
        call(x(3), -1, dtype=np.float64),
        edge(exact([[1e4, 0.0, -1e4], [-np.inf, 0.0, 1.0]]), 1),
        bad(IndexError, x(2, 3), 2),
        numpy=lambda a, dim, dtype=None: f(a, axis=dim) if a.ndim else f(a),
        skip_dtypes=("int64", "int32", "uint8", "bool"),
        why="PyTorch takes integers only where there are none",
    )


ACTIVATIONS = [
    unary(F + "relu", ref=lambda a: np.maximum(a, 0)),
    Row(
        F + "prelu",
        call(x(2, 3), pos(1)),
        call(x(2, 3), pos(3)),
        call(x(2, 3, 2), x(3)),
        call(x(4), x(1)),
        call(x(0, 3), pos(3)),
        edge(exact([[0.0, -0.0, np.inf, -np.inf]]), exact([0.25])),
        bad(RuntimeError, x(2, 3), pos(2)),
        numpy=lambda a, w: np.where(a > 0, a, channels(a, w) * a),
    ),
    unary(
        F + "rrelu",
        x,
        lambda a, low=1 / 8, high=1 / 3: np.where(a > 0, a, a * (low + high) / 2),
        call(x(2, 3), 0.1, 0.3),
    ),
    unary(F + "mish", ref=lambda a: a * np.tanh(np.log1p(np.exp(a)))),
    unary(
        F + "hardsigmoid",
        ref=lambda a: np.clip(a + 3, 0, 6) / 6,
        tol=(1e-7, 1e-5),
        why="PyTorch's 1/6 is a float32",
    ),
    unary(F + "hardswish", ref=lambda a: a * np.clip(a + 3, 0, 6) / 6),
    Row(
        F + "threshold",
        call(x(2, 3), 0.1, 20.0),
        call(x(), -1.2, 3.0),
        call(x(0, 3), 0.1, 2.0),
        edge(exact([0.0, 0.5, 1.0, np.inf, -np.inf, np.nan]), 0.5, 7.0),
        numpy=lambda a, t, v: np.where(a <= t, v, a),
    ),
    unary(F + "hardshrink", x, lambda a, k=0.5: np.where(np.abs(a) <= k, 0, a), call(x(5), 1.2)),
    unary(
        F + "softshrink",
        x,
        lambda a, k=0.5: np.sign(a) * np.maximum(np.abs(a) - k, 0),
        call(x(5), 1.2),
        bad(RuntimeError, x(2), -0.5),
    ),
    unary(F + "tanhshrink", ref=lambda a: a - np.tanh(a)),
    unary(F + "softsign", ref=lambda a: a / (1 + np.abs(a))),
    unary(F + "tanh", ref=np.tanh),
    unary(F + "sigmoid", ref=expit),
    Row(
        F + "glu",
        call(x(2, 4)),
        call(x(4, 3), 0),
        call(x(2, 2, 3), dim=-2),
        call(x(0, 2)),
        bad(RuntimeError, x(2, 3)),
        bad(RuntimeError, x()),
        numpy=lambda a, dim=-1: (lambda p, q: p * expit(q))(*np.split(a, 2, dim)),
    ),
    along(softmax, "softmax"),
    along(log_softmax_, "log_softmax"),
    along(lambda a, axis=None: softmax(-a, axis=axis), "softmin"),
    Row(
        F + "gumbel_softmax",
        call(x(2, 3)),
        edge(x(2, 3), tau=0.5, hard=True, dim=0),  # straight through: not the derivative
        numpy=None,
        random=True,
        run=seeded,
    ),
]

PAIR = (x(2, 3), x(2, 3))
REDUCTIONS = ("mean", "sum", "none")
LOG_P = exact(np.log(np.arange(1, 13).reshape(3, 4) / 13))
Y = exact([1, 0, 3])

LOSSES = [
    *(
        Row(
            F + name,
            *(call(*PAIR, reduction=r) for r in REDUCTIONS),
            *(call(*PAIR, reduction=r, weight=pos(2, 3, grad=False)) for r in REDUCTIONS),
            call(x(), x()),
            call(x(0, 3), x(0, 3), reduction="sum"),
            edge(exact([1.0, 2.0, np.inf]), exact([1.0, 2.0, 3.0])),
            bad(ValueError, *PAIR, reduction="avg"),
            bad(ValueError, *PAIR, weight=pos(3)),
            numpy=weighted(f),
        )
        for name, f in [
            ("mse_loss", lambda a, b: (a - b) ** 2),
            ("l1_loss", lambda a, b: np.abs(a - b)),
        ]
    ),
    Row(
        F + "smooth_l1_loss",
        *(call(*PAIR, reduction=r) for r in REDUCTIONS),
        call(*PAIR, beta=0.3),
        call(*PAIR, beta=0.0),
        edge(exact([1.0, 2.0, 3.0]), exact([1.0, 1.0, 1.0])),
        bad(RuntimeError, *PAIR, beta=-1.0),
        numpy=smooth_l1,
    ),
    Row(
        F + "huber_loss",
        *(call(*PAIR, reduction=r) for r in REDUCTIONS),
        *(call(*PAIR, reduction=r, weight=pos(2, 3, grad=False)) for r in REDUCTIONS),
        call(*PAIR, delta=0.3),
        edge(exact([1.0, 2.0, 3.0]), exact([1.0, 1.0, 1.0])),
        bad(RuntimeError, *PAIR, delta=0.0),
        numpy=huber,
    ),
    Row(
        F + "binary_cross_entropy",
        *(call(unit(2, 3), unit(2, 3), reduction=r) for r in REDUCTIONS),
        call(unit(2, 3), unit(2, 3), pos(3, grad=False)),
        call(unit(), unit(grad=False)),
        edge(exact([0.0, 0.0, 1.0, 1.0]), exact([0.0, 1.0, 0.0, 1.0], grad=False)),
        bad(ValueError, unit(2, 3), unit(3)),
        bad(RuntimeError, exact([1.5]), exact([1.0])),
        numpy=bce,
        tol=(1e-8, 1e-5),
        why="PyTorch's bound of 1e-12 is a float32",
    ),
    Row(
        F + "binary_cross_entropy_with_logits",
        *(call(x(2, 3), unit(2, 3), reduction=r) for r in REDUCTIONS),
        call(x(2, 3), unit(2, 3), pos(3, grad=False)),
        call(x(2, 3), unit(2, 3), pos_weight=pos(3, grad=False)),
        call(
            x(2, 3),
            unit(2, 3),
            pos(2, 1, grad=False),
            reduction="sum",
            pos_weight=pos(3, grad=False),
        ),
        edge(exact([1e4, -1e4, 1e4, -1e4]), exact([0.0, 1.0, 1.0, 0.0])),
        bad(ValueError, x(2, 3), unit(3)),
        numpy=bce_with_logits,
    ),
    Row(
        F + "nll_loss",
        *(call(LOG_P, Y, reduction=r) for r in REDUCTIONS),
        call(x(4), exact(2)),
        call(x(2, 3, 2), exact([[0, 1], [2, 2]])),
        call(x(2, 3, 2, 2), exact(np.arange(8).reshape(2, 2, 2) % 3), reduction="none"),
        call(LOG_P, Y, pos(4, grad=False)),
        call(LOG_P, exact([1, -100, 3]), pos(4, grad=False)),
        call(LOG_P, Y, ignore_index=3, reduction="none"),
        edge(LOG_P, exact([-100, -100, -100])),
        bad(IndexError, LOG_P, exact([0, 1, 4])),
        bad((ValueError, RuntimeError), LOG_P, exact([0, 1])),
        bad(RuntimeError, LOG_P, Y, pos(3)),
        numpy=nll,
    ),
    Row(
        F + "kl_div",
        *(call(x(2, 3), unit(2, 3), reduction=r) for r in ("batchmean", "sum", "none")),
        call(x(2, 3), x(2, 3), reduction="batchmean", log_target=True),
        call(x(), unit(), reduction="sum"),
        edge(exact([0.5, -1.0]), exact([0.0, 1.0], grad=False), reduction="sum"),
        numpy=kl,
    ),
]

OTHERS = [
    Row(
        F + "normalize",
        call(x(2, 3)),
        call(x(2, 3), p=1.0),
        call(x(2, 3), 3.0, 0),
        call(x(2, 3), float("inf"), -1),
        call(x(2, 3, 2), dim=(0, 2)),
        call(x(3), dim=0),
        call(x(2, 3), eps=5.0),
        edge(exact([[0.0, 0.0], [3.0, 4.0]])),
        numpy=lambda a, p=2.0, dim=1, eps=1e-12: (
            a / np.maximum((np.abs(a) ** p).sum(dim, keepdims=True) ** (1 / p), eps)
            if np.isfinite(p)
            else a / np.abs(a).max(dim, keepdims=True)
        ),
    ),
    Row(
        F + "cosine_similarity",
        call(*PAIR),
        call(x(3), x(3), dim=0),
        call(x(2, 3, 2), x(3, 2), dim=-1),
        call(x(2, 1), x(2, 3)),
        edge(*PAIR, eps=10.0),  # PyTorch's gradient does not see that eps replaces the norm
        edge(exact([[0.0, 0.0]]), exact([[1.0, 2.0]])),
        numpy=cosine,
    ),
    Row(
        F + "pairwise_distance",
        call(*PAIR),
        call(x(3), x(3)),
        call(*PAIR, p=1.0, keepdim=True),
        call(*PAIR, 3.0, 1e-3),
        call(*PAIR, p=float("inf")),
        call(x(2, 3), x(3)),
        numpy=distance,
    ),
    Row(
        F + "one_hot",
        call(ints(2, 3)),
        call(ints(3), 7),
        call(ints(), 5),
        call(ints(0), 4),
        bad(RuntimeError, ints(0)),
        bad(RuntimeError, exact([-1])),
        bad(RuntimeError, exact([3]), 3),
        numpy=lambda a, n=-1: np.eye(n if n > 0 else a.max() + 1, dtype=np.int64)[a],
        grad=0,
    ),
    Row(
        F + "bilinear",
        call(x(2, 3), x(2, 4), x(5, 3, 4)),
        call(x(2, 3), x(2, 4), x(5, 3, 4), x(5)),
        call(x(2, 2, 3), x(2, 2, 4), x(1, 3, 4), x(1)),
        call(x(0, 3), x(0, 4), x(5, 3, 4)),
        bad(RuntimeError, x(2, 3), x(2, 4), x(5, 4, 3)),
        numpy=lambda a, b, w, bias=0.0: np.einsum("...i,kij,...j->...k", a, w, b) + bias,
    ),
    *(
        Row(
            F + name,
            call(x(*shape), 0.4, True),
            call(x(*shape), 0.0, True),
            call(x(*shape), 1.0, True),
            call(x(*shape), 0.4, training=False),
            bad(ValueError, x(*shape), 1.5),
            numpy=None,
            random=True,
            run=seeded,
        )
        for name, shape in [
            ("dropout", (2, 3)),
            ("dropout1d", (2, 3, 4)),
            ("dropout2d", (2, 3, 4, 4)),
            ("dropout3d", (2, 3, 2, 2, 2)),
            ("alpha_dropout", (2, 3)),
            ("feature_alpha_dropout", (2, 3, 4)),
        ]
    ),
]

ROWS = ACTIVATIONS + LOSSES + OTHERS
