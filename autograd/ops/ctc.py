"""Connectionist temporal classification: the loss over all alignments of a label sequence.

Graves et al., "Connectionist temporal classification", 2006. A sequence of S labels, with blanks
around each, has 2 S + 1 states; `_paths` sums the probabilities of all paths to each, step by
step, in logarithms. How probable a state is given the labels then follows backwards from the end,
which is also the gradient; it needs no second recursion, as shares are taken of what was summed.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..creation import as_tensor
from ..errors import ShapeError, described
from ..function import Op
from ..registry import public
from ..tensor import Tensor, wrap
from .indexing import GetItem
from .loss import check_reduction
from .where import where

NEVER = -1e30  # the logarithm of 0; finite, so that differences of such are numbers


class CTC(Op):
    """-log Σ over paths, from the states' log probabilities x (time, batch, state).

    `skip` (batch, state) is 0 where a path may leave out the blank before a state, else NEVER;
    `last` is the index of the final state, one per sample, as is `steps`, the length in time.
    """

    op_name, symbol, public, saves_on_ctx = "ctc", "ctc", False, True
    backward = {"x": lambda g, x, ctx, skip, last, steps: _by_x(g, x, ctx, skip, last, steps)}
    formula = {"x": "-g * probability of each state given the labels"}

    def forward(ctx, x, skip, last, steps):
        ctx.paths = _paths(x, skip, steps)
        loss = -_total(ctx.paths[-1], last)
        return np.where(loss > -0.5 * NEVER, np.inf, loss).astype(x.dtype)


def _paths(x: Any, skip: np.ndarray, steps: np.ndarray) -> list[Any]:
    """For each time the log probability of all paths to each state; constant after the end."""
    start = np.full(x.shape[1:], NEVER, x.dtype)
    start[:, :2] = 0
    paths = [np.where((steps > 0)[:, None], x[0] + start, _before_time(x))] if len(x) else []
    for t in range(1, len(x)):
        total = (
            np.logaddexp(
                np.logaddexp(paths[-1], _shifted(paths[-1], 1)), _shifted(paths[-1], 2) + skip
            )
            + x[t]
        )
        paths.append(np.where((steps > t)[:, None], np.maximum(total, NEVER), paths[-1]))
    return paths


def _before_time(x: Any) -> np.ndarray:
    """Paths of no steps, which fit the empty sequence."""
    paths = np.full(x.shape[1:], NEVER, x.dtype)
    paths[:, 0] = 0
    return paths


def _shifted(a: Any, by: int) -> Any:
    """The states moved up by one or two places."""
    fill = np.full((a.shape[0], min(by, a.shape[1])), NEVER, a.dtype)
    return np.concatenate([fill, a[:, : a.shape[1] - fill.shape[1]]], 1)


def _ends(a: Any, last: np.ndarray) -> Any:
    """The log probabilities of the two states a path may end in."""
    batch = np.arange(len(last))
    before = np.where(last > 0, a[batch, np.maximum(last - 1, 0)], a.dtype.type(NEVER))
    return a[batch, last], before


def _total(a: Any, last: np.ndarray) -> Any:
    return np.logaddexp(*_ends(a, last))


def _by_x(g: Any, x: Any, ctx: Any, skip: np.ndarray, last: np.ndarray, steps: np.ndarray) -> Any:
    paths = _paths(x, skip, steps) if isinstance(g, Tensor) else ctx.paths
    total = _total(paths[-1], last)[:, None]
    states = np.arange(x.shape[2])
    is_end = (states == last[:, None]) | (states == last[:, None] - 1)
    share = np.where(is_end, np.exp(paths[-1] - total), 0.0)
    shares = []
    for t in range(len(x) - 1, -1, -1):
        now = (steps > t)[:, None]
        shares.append(np.where(now, share, 0.0))
        if t:
            # What of each state came from itself, from the state before, and from two before.
            rest = x[t] - paths[t]
            stay = share * np.exp(np.minimum(paths[t - 1] + rest, 0.0))
            step = share * np.exp(np.minimum(_shifted(paths[t - 1], 1) + rest, 0.0))
            jump = share * np.exp(np.minimum(_shifted(paths[t - 1], 2) + rest + skip, 0.0))
            earlier = stay + _moved_down(step, 1) + _moved_down(jump, 2)
            share = np.where(now, earlier, share)
    # The gradient of an infinite loss is NaN, as in PyTorch, unless nothing depends on it.
    impossible = np.where(total[:, 0] < 0.5 * NEVER, np.nan, 1.0)
    g = np.where(g == 0, 0.0, g * impossible)
    return -np.stack(shares[::-1]) * g[None, :, None]


def _moved_down(a: Any, by: int) -> Any:
    fill = np.zeros((a.shape[0], min(by, a.shape[1])), a.dtype)
    return np.concatenate([a[:, by:], fill], 1)


@public(namespace="nn.functional", op=CTC, reads_values=True)
def ctc_loss(
    log_probs: Tensor,
    targets: Tensor,
    input_lengths: Any,
    target_lengths: Any,
    blank: int = 0,
    reduction: str = "mean",
    zero_infinity: bool = False,
) -> Tensor:
    """The negative log probability of label sequences, over all their alignments in time.

    Args:
        log_probs: log probabilities of the classes, of shape (T, N, C) or (T, C); the result of
            `log_softmax`.
        targets: labels, of shape (N, S), or all sequences after each other, or (S,) without N.
        input_lengths: the length in time of each sample, at most T.
        target_lengths: the number of labels of each sample.
        blank: the class that stands for no label.
        reduction: "mean" (each loss divided by its number of labels, then averaged), "sum" or
            "none".
        zero_infinity: whether impossible sequences (longer than their time) count as 0.

    The gradient is that by the log probabilities; PyTorch adds what `log_softmax` cancels, so the
    two agree behind it.

    >>> import autograd, nn
    >>> log_probs = autograd.zeros(2, 1, 3).log_softmax(-1)
    >>> nn.functional.ctc_loss(log_probs, autograd.tensor([[1]]), (2,), (1,))
    tensor(1.0986)
    """
    check_reduction(reduction, "ctc_loss")
    x = as_tensor(log_probs)
    if x.ndim not in (2, 3) or x.dtype.kind != "f":
        raise RuntimeError(
            f"ctc_loss: log_probs must be floating, (T, N, C) or (T, C), got {described(x)}"
        )
    was_batched = x.ndim == 3
    x = x if was_batched else x.reshape(x.shape[0], 1, x.shape[1])
    time, n, classes = x.shape
    if not 0 <= blank < classes:
        raise RuntimeError(f"ctc_loss: blank {blank} must be one of the {classes} classes")
    steps = _lengths(input_lengths, n, time, "input_lengths")
    sizes = _lengths(target_lengths, n, None, "target_lengths")
    labels = _states(as_tensor(targets)._data, sizes, classes, blank, was_batched)
    skip = np.full(labels.shape, NEVER, x.dtype)
    skip[:, 2:][labels[:, 2:] != labels[:, :-2]] = 0
    states = GetItem.apply(x, (slice(None), np.arange(n)[:, None], labels))
    loss: Any = CTC.apply(states, skip, 2 * sizes, steps)
    if zero_infinity:
        loss = where(loss == np.inf, 0.0, loss)
    if reduction == "mean":
        loss = (loss / wrap(np.maximum(sizes, 1).astype(x.dtype))).mean()
    elif reduction == "sum":
        loss = loss.sum()
    return loss.reshape(()) if loss.ndim and not was_batched else loss


def _lengths(given: Any, n: int, most: int | None, name: str) -> np.ndarray:
    lengths = as_tensor(given)._data.reshape(-1)
    if lengths.dtype.kind not in "iu" or len(lengths) != n:
        raise RuntimeError(f"ctc_loss: {name} must be {n} integers, one per sample, got {given!r}")
    if n and (lengths.min() < 0 or (most is not None and lengths.max() > most)):
        raise RuntimeError(
            f"ctc_loss: {name} must be in [0, {most or '...'}], got {lengths.tolist()}"
        )
    return lengths.astype(np.int64)


def _states(
    targets: np.ndarray, sizes: np.ndarray, classes: int, blank: int, was_batched: bool
) -> np.ndarray:
    """The class of each state, (N, 2 S + 1): the labels, with blanks between and around them."""
    n, most = len(sizes), int(sizes.max(initial=0))
    padded = np.full((n, most), blank, np.int64)
    inside = np.arange(most) < sizes[:, None]
    if targets.ndim == 1 and was_batched:
        if len(targets) != sizes.sum():
            raise ShapeError(
                f"ctc_loss: the targets must have {sizes.sum()} labels, the sum of "
                f"target_lengths, got {len(targets)}"
            )
        padded[inside] = targets
    else:
        rows = targets.reshape(n, -1) if n else targets.reshape(0, 0)
        if rows.shape[1] < most:
            raise ShapeError(
                f"ctc_loss: the targets must have at least {most} columns, the largest of "
                f"target_lengths, got {targets.shape}"
            )
        padded[inside] = rows[:, :most][inside]
    if padded.size and (padded.min() < 0 or padded.max() >= classes):
        raise IndexError(
            f"ctc_loss: targets must be in [0, {classes}), got {padded.min()} to {padded.max()}"
        )
    states = np.full((n, 2 * most + 1), blank)
    states[:, 1::2] = padded
    return states
