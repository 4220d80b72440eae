"""Recurrent layers, fused: one direction of one layer over all of time is one operation.

The composite (recurrent_cells.py) records a dozen operations for each step, and small ones, so that
most of its time is overhead. Here each step is one matrix product and elementwise work in place,
and the gradients of the weights come from one product over all steps.

Inside, a state is (features, sequences), so that the rows of a gate lie together in memory:
elementwise work on a part of every row takes several times as long. What the inputs contribute is
one product over all steps; `before` has the state that each step of each sequence began with.

Forward keeps of each step what the loop back through time needs. What that loop finds, and the
rules, are in recurrent_node.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..tensor import Tensor, wrap
from .common import passing
from .recurrent_cells import elman_step, gru_step, lstm_step, steps_of, unrolled
from .recurrent_node import FORMULAS, RULES, Found, Recurrent
from .small_products import product

# What the loops are made of ------------------------------------------------------------------


def _of_inputs(w: np.ndarray, x: np.ndarray, b: Any) -> np.ndarray:
    """W x + b of all steps, (features, rows)."""
    found = w @ x.T
    if b is not None:
        found += b[:, None]
    return found


def _columns(state: Any, sizes: Sequence[int], features: int, dtype: Any) -> np.ndarray:
    """A state, or the gradient by one, as (features, sequences); None stands for 0."""
    if state is None:
        return np.zeros((features, sizes[0]), dtype)
    return np.ascontiguousarray(state.T)


def _renewed(state: np.ndarray, new: np.ndarray) -> np.ndarray:
    """`state` after a step of the first sequences only."""
    n = new.shape[1]
    return new if n == state.shape[1] else np.concatenate([new, state[:, n:]], 1)


def _sigmoid_(x: np.ndarray) -> None:
    """In place. NumPy's tanh is vectorized, SciPy's expit is not."""
    x *= 0.5
    np.tanh(x, out=x)
    x += 1
    x *= 0.5


def _one_minus_square(x: np.ndarray) -> np.ndarray:
    square = x * x
    return np.subtract(1, square, out=square)


def _back(ctx: Any, sizes: Sequence[int], reverse: bool) -> Any:
    """(rows, number, what forward kept) of each step, the last first."""
    steps = zip(steps_of(sizes, reverse), ctx.kept, strict=True)
    return reversed([(rows, n, kept) for (rows, n), kept in steps])


def _zeros(state: Any, like: Tensor, sizes: Sequence[int], features: int) -> Tensor:
    return wrap(np.zeros((sizes[0], features), like.dtype)) if state is None else state


# The three -----------------------------------------------------------------------------------


class RNN(Recurrent):
    """h' = tanh(W_ih x + b_ih + W_hh h + b_hh), or relu."""

    op_name, symbol, rules = "rnn", "RNN", RULES
    formula = FORMULAS

    def forward(ctx, x, h0, w_ih, w_hh, b_ih, b_hh, nonlinearity, sizes, reverse):
        f = np.tanh if nonlinearity == "tanh" else lambda a, out: np.maximum(a, 0, out=out)
        before, y = np.empty((2, len(x), len(w_hh)), x.dtype)
        of_x = _of_inputs(w_ih, x, _sum(b_ih, b_hh))
        h = _columns(h0, sizes, len(w_hh), x.dtype)
        kept = []
        for rows, n in steps_of(sizes, reverse):
            before[rows] = h[:, :n].T
            new = product(w_hh, h[:, :n])
            new += of_x[:, rows]
            f(new, out=new)
            y[rows] = new.T
            h = _renewed(h, new)
            if ctx.edges:
                kept.append(new)
        ctx.before, ctx.kept = before, kept
        return y, h.T.copy()

    def through_time(ctx, g, x, h0, w_ih, w_hh, b_ih, b_hh, nonlinearity, sizes, reverse):
        by_y, by_last = g
        deltas = np.empty((len(w_hh), len(x)), x.dtype)
        back = np.ascontiguousarray(w_hh.T)
        dh = _columns(by_last, sizes, len(w_hh), x.dtype)
        for rows, n, h in _back(ctx, sizes, reverse):
            by_h = dh[:, :n] if by_y is None else dh[:, :n] + by_y[rows].T
            is_tanh = nonlinearity == "tanh"
            delta = by_h * _one_minus_square(h) if is_tanh else passing(by_h, h != 0)
            deltas[:, rows] = delta
            dh = _renewed(dh, back @ delta)
        return Found(deltas, x, ctx.before, w_ih, dh)

    def composite(x, h0, w_ih, w_hh, b_ih, b_hh, nonlinearity, sizes, reverse):
        state = (_zeros(h0, x, sizes, len(w_hh)),)
        weights = (w_ih, w_hh, b_ih, b_hh, nonlinearity)
        return unrolled(lambda x, s: elman_step(x, s, *weights), x, state, sizes, reverse)


class GRU(Recurrent):
    """r, z = sigmoid(W x + b + W h + b), n = tanh(W x + b + r (W h + b)), h' = (1 - z) n + z h.

    The deltas are, from the top, those of n by x, of r, of z, and of n by h: three that belong to
    W_ih, and three that belong to W_hh in its order.
    """

    op_name, symbol = "gru", "GRU"
    rules = RULES | {
        "x": lambda found: _by_x(found).T @ np.roll(found.w_ih, len(found.w_ih) // 3, 0),
        "w_ih": lambda found: _in_order(_by_x(found) @ found.x),
        "w_hh": lambda found: _by_hidden(found) @ found.h,
        "b_ih": lambda found: _in_order(_by_x(found).sum(1)),
        "b_hh": lambda found: _by_hidden(found).sum(1),
    }
    formula = FORMULAS | {
        "w_hh": "sum over t of δ'[t].mT @ h[t-1], with δ' = δ, but r δ for n",
        "b_hh": "sum of δ'",
    }

    def forward(ctx, x, h0, w_ih, w_hh, b_ih, b_hh, sizes, reverse):
        size = w_hh.shape[1]
        before, y = np.empty((2, len(x), size), x.dtype)
        of_x = _of_inputs(w_ih, x, b_ih)
        h = _columns(h0, sizes, size, x.dtype)
        kept = []
        for rows, n in steps_of(sizes, reverse):
            old = h[:, :n]
            before[rows] = old.T
            of_h = product(w_hh, old)
            if b_hh is not None:  # not with that of x: what goes into n is multiplied by r
                of_h += b_hh[:, None]
            gates, n_by_h = of_h[: 2 * size], of_h[2 * size :]
            gates += of_x[: 2 * size, rows]
            _sigmoid_(gates)
            r, update = gates[:size], gates[size:]
            candidate = r * n_by_h
            candidate += of_x[2 * size :, rows]
            np.tanh(candidate, out=candidate)
            new = old - candidate
            if ctx.edges:
                kept.append((r, update, candidate, n_by_h, new))
                new = update * new
            else:
                new *= update
            new += candidate
            y[rows] = new.T
            h = _renewed(h, new)
        ctx.before, ctx.kept = before, kept
        return y, h.T.copy()

    def through_time(ctx, g, x, h0, w_ih, w_hh, b_ih, b_hh, sizes, reverse):
        by_y, by_last = g
        size = w_hh.shape[1]
        deltas = np.empty((4 * size, len(x)), x.dtype)
        back = np.ascontiguousarray(w_hh.T)
        dh = _columns(by_last, sizes, size, x.dtype)
        for rows, n, (r, update, candidate, n_by_h, difference) in _back(ctx, sizes, reverse):
            by_h = dh[:, :n] if by_y is None else dh[:, :n] + by_y[rows].T
            through = by_h * update
            slope = _one_minus_square(candidate)
            slope *= by_h - through
            by_update = through * difference
            by_update *= 1 - update
            by_n = slope * r
            by_r = by_n * n_by_h
            by_r *= 1 - r
            delta = np.concatenate([slope, by_r, by_update, by_n])
            deltas[:, rows] = delta
            through += back @ delta[size:]
            dh = _renewed(dh, through)
        return Found(deltas, x, ctx.before, w_ih, dh)

    def composite(x, h0, w_ih, w_hh, b_ih, b_hh, sizes, reverse):
        state = (_zeros(h0, x, sizes, w_hh.shape[1]),)
        weights = (w_ih, w_hh, b_ih, b_hh)
        return unrolled(lambda x, s: gru_step(x, s, *weights), x, state, sizes, reverse)


def _by_x(found: Found) -> Any:
    return found.deltas[: 3 * len(found.deltas) // 4]


def _by_hidden(found: Found) -> Any:
    return found.deltas[len(found.deltas) // 4 :]


def _in_order(a: Any) -> Any:
    """Rows of n, r and z as r, z and n."""
    return np.roll(a, -(len(a) // 3), 0)


class LSTM(Recurrent):
    """i, f, o = sigmoid(W x + b + W h + b), g = tanh(the same), c' = f c + i g, h' = o tanh(c').

    With `w_hr`, h' is its product with that.
    """

    op_name, symbol = "lstm", "LSTM"
    rules = RULES | {
        "c0": lambda found: found.c0.T.copy(),
        "w_hr": lambda found: found.by_h @ found.cells,
    }
    formula = FORMULAS | {
        "c0": "f[0] times the gradient by c[0]",
        "w_hr": "sum over t of the gradient by h[t].mT @ (o[t] tanh(c[t]))",
    }

    def forward(ctx, x, h0, c0, w_ih, w_hh, b_ih, b_hh, w_hr, sizes, reverse):
        size = len(w_hh) // 4
        before, y = np.empty((2, len(x), w_hh.shape[1]), x.dtype)
        # sigmoid(x) = (tanh(x / 2) + 1) / 2, so that there is one tanh for all
        half = np.repeat(np.array([0.5, 0.5, 1, 0.5], x.dtype), size)[:, None]
        b = _sum(b_ih, b_hh)
        of_x = _of_inputs(w_ih * half, x, None if b is None else b * half[:, 0])
        w = w_hh * half
        h = _columns(h0, sizes, w_hh.shape[1], x.dtype)
        c = _columns(c0, sizes, size, x.dtype)
        kept = []
        for rows, n in steps_of(sizes, reverse):
            before[rows] = h[:, :n].T
            gates = product(w, h[:, :n])
            gates += of_x[:, rows]
            np.tanh(gates, out=gates)
            for part in (gates[: 2 * size], gates[3 * size :]):
                part += 1
                part *= 0.5
            i, f, g, o = gates.reshape(4, size, n)
            old = c[:, :n]
            cell = f * old
            cell += i * g
            bounded = np.tanh(cell)
            new = o * bounded
            if w_hr is not None:
                new = w_hr @ new
            y[rows] = new.T
            h, c = _renewed(h, new), _renewed(c, cell)
            if ctx.edges:
                kept.append((gates, old, bounded))
        ctx.before, ctx.kept = before, kept
        return y, h.T.copy(), c.T.copy()

    def through_time(ctx, g, x, h0, c0, w_ih, w_hh, b_ih, b_hh, w_hr, sizes, reverse):
        by_y, by_last, by_cell = g
        size, hidden, dtype = len(w_hh) // 4, w_hh.shape[1], x.dtype
        deltas, scratch = np.empty((4 * size, len(x)), dtype), np.empty(4 * size * sizes[0], dtype)
        back = np.ascontiguousarray(w_hh.T)
        dh = _columns(by_last, sizes, hidden, dtype)
        dc = _columns(by_cell, sizes, size, dtype)
        projected = np.empty((hidden, len(x)), dtype) if w_hr is not None else None
        cells = np.empty((len(x), size), dtype) if w_hr is not None else None
        for rows, n, (gates, before, bounded) in _back(ctx, sizes, reverse):
            i, f, g, o = gates.reshape(4, size, n)
            by_h = dh[:, :n] if by_y is None else dh[:, :n] + by_y[rows].T
            if w_hr is not None:
                projected[:, rows], cells[rows] = by_h, (o * bounded).T
                by_h = w_hr.T @ by_h
            delta = np.subtract(1, gates, out=scratch[: gates.size].reshape(gates.shape))
            delta *= gates
            by_i, by_f, by_g, by_o = delta.reshape(4, size, n)
            by_g[:] = _one_minus_square(g)
            by_c = _one_minus_square(bounded)
            by_c *= o
            by_c *= by_h
            by_c += dc[:, :n]
            by_i *= g
            by_f *= before
            by_g *= i
            by_o *= bounded
            for part, by in ((by_i, by_c), (by_f, by_c), (by_g, by_c), (by_o, by_h)):
                part *= by
            deltas[:, rows] = delta
            dh = _renewed(dh, back @ delta)
            by_c *= f
            dc = _renewed(dc, by_c)
        return Found(deltas, x, ctx.before, w_ih, dh, dc, projected, cells)

    def composite(x, h0, c0, w_ih, w_hh, b_ih, b_hh, w_hr, sizes, reverse):
        size = len(w_hh) // 4
        state = _zeros(h0, x, sizes, w_hh.shape[1]), _zeros(c0, x, sizes, size)
        weights = (w_ih, w_hh, b_ih, b_hh, w_hr)
        return unrolled(lambda x, s: lstm_step(x, s, *weights), x, state, sizes, reverse)


def _sum(a: Any, b: Any) -> Any:
    return a if b is None else b if a is None else a + b
