"""Recurrent layers, fused: one direction of one layer over all of time is one operation.

The composite (recurrent_cells.py) records a dozen operations for each step, and small ones, so that
most of its time is overhead. Here each step is one matrix product and elementwise work in place,
and the gradients of the weights come from one product over all steps.

Inside, a state is (features, sequences), so that the rows of a gate lie together in memory:
elementwise work on a part of every row takes several times as long. `z` has a row [x, 1, h] for
each step of each sequence, whose product with the joined weights contains the biases.

Forward keeps of each step what the loop back through time needs. That loop runs once for all rules
and finds the deltas, the gradients by what goes into the gates; the rules are products with them.
Second derivatives go through the composite.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from ..batching.samples import is_batched
from ..engine import grad
from ..errors import freed_error
from ..function import Op
from ..grad_mode import enable_grad
from ..tensor import Tensor, wrap
from .recurrent_cells import elman_step, gru_step, lstm_step, steps_of, unrolled


class Found(NamedTuple):
    """What the loop back through time finds."""

    deltas: np.ndarray  # (gates, rows)
    h0: np.ndarray  # gradients by the initial states, (features, sequences)
    c0: Any = None
    by_h: Any = None  # with a projection: the gradients by its result, (features, rows)
    cells: Any = None  # and what was projected, (rows, features)


class _Recurrent(Op, abstract=True):
    """What the three share: x (rows of all steps, in) and states (sequences, features) or None.

    The results are h of all steps, and the last states.
    """

    public, saves_on_ctx = False, True
    composite: Callable[..., Any]  # the same on Tensors, step by step
    through_time: Callable[..., Found]  # of ctx, the upstream gradients and the arguments

    z: np.ndarray
    kept: list[Any]  # by step, in the order of the loop
    back: Found | None = None

    def vjp(self, g: Any, graph: bool, edges: Any) -> Any:
        if self.args is None:
            raise freed_error(self)
        if graph:
            return self._by_composite(g, edges)
        if is_batched(g):  # the loop works in memory of its own, which has no place for a batch
            with enable_grad():
                found = self._by_composite([p if p is None else wrap(p) for p in g], edges)
            return [f if f is None else f._data for f in found]
        values = [self._value(i, False) for i in range(len(self.args) - 1)]
        self.back = type(self).through_time(self, g, *values)
        try:
            return super().vjp(g, graph, edges)
        finally:
            self.back = None

    @classmethod
    def _plan(cls, needs: tuple[bool, ...]) -> tuple[Any, bool]:
        return frozenset(range(len(needs))), False  # the composite starts from all arguments

    def _by_composite(self, g: Any, edges: Any) -> Any:
        """The gradients as part of the graph."""
        assert self.args is not None
        args = [self._value(i, True) for i in range(len(self.args) - 1)]
        # Clones, since one argument may depend on another, and each rule is by its own alone.
        args = [a if edge is None else a.clone() for a, edge in zip(args, self.edges, strict=True)]
        outs = type(self).composite(*args)
        pairs = [(out, part) for out, part in zip(outs, g, strict=True) if part is not None]
        wanted = [i for i, edge in enumerate(edges) if edge is not None]
        found = grad(
            [out for out, _ in pairs],
            [args[i] for i in wanted],
            [part for _, part in pairs],
            create_graph=True,
            allow_unused=True,
        )
        gradients: list[Any] = [None] * len(edges)
        for i, by in zip(wanted, found, strict=True):
            gradients[i] = by
        return gradients


# What the loops are made of ------------------------------------------------------------------


def _inputs(x: Any, hidden: int) -> np.ndarray:
    """z with x in its place; the loop fills in h."""
    n = x.shape[1]
    z = np.empty((len(x), n + 1 + hidden), x.dtype)
    z[:, :n] = x
    z[:, n] = 1
    return z


def _joined(w_ih: Any, b: Any, w_hh: Any) -> np.ndarray:
    """The weights that a row of z is multiplied by."""
    n = w_ih.shape[1]
    w = np.empty((len(w_ih), n + 1 + w_hh.shape[1]), w_ih.dtype)
    w[:, :n], w[:, n], w[:, n + 1 :] = w_ih, 0 if b is None else b, w_hh
    return w


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


class RNN(_Recurrent):
    """h' = tanh(W_ih x + b_ih + W_hh h + b_hh), or relu."""

    op_name, symbol = "rnn", "RNN"
    backward = {
        "x": lambda g, ctx, w_ih: ctx.back.deltas.T @ w_ih,
        "h0": lambda g, ctx: ctx.back.h0.T,
        "w_ih": lambda g, ctx, x: ctx.back.deltas @ x,
        "w_hh": lambda g, ctx, x: ctx.back.deltas @ ctx.z[:, x.shape[1] + 1 :],
        "b_ih": lambda g, ctx: ctx.back.deltas.sum(1),
        "b_hh": lambda g, ctx: ctx.back.deltas.sum(1),
    }
    formula = {
        "x": "δ @ w_ih, with δ[t] = f'(h[t]) (g[t] + δ[t+1] @ w_hh)",
        "h0": "δ[0] @ w_hh",
        "w_ih": "sum over t of δ[t].mT @ x[t]",
        "w_hh": "sum over t of δ[t].mT @ h[t-1]",
        "b_ih": "sum of δ",
        "b_hh": "sum of δ",
    }

    def forward(ctx, x, h0, w_ih, w_hh, b_ih, b_hh, nonlinearity, sizes, reverse):
        f = np.tanh if nonlinearity == "tanh" else lambda a, out: np.maximum(a, 0, out=out)
        inner = x.shape[1] + 1
        z, y = _inputs(x, len(w_hh)), np.empty((len(x), len(w_hh)), x.dtype)
        w = _joined(w_ih, _sum(b_ih, b_hh), w_hh)
        h = _columns(h0, sizes, len(w_hh), x.dtype)
        kept = []
        for rows, n in steps_of(sizes, reverse):
            z[rows, inner:] = h[:, :n].T
            new = w @ z[rows].T
            f(new, out=new)
            y[rows] = new.T
            h = _renewed(h, new)
            if ctx.edges:
                kept.append(new)
        ctx.z, ctx.kept = z, kept
        return y, h.T.copy()

    def through_time(ctx, g, x, h0, w_ih, w_hh, b_ih, b_hh, nonlinearity, sizes, reverse):
        by_y, by_last = g
        deltas = np.empty((len(w_hh), len(x)), x.dtype)
        back = np.ascontiguousarray(w_hh.T)
        dh = _columns(by_last, sizes, len(w_hh), x.dtype)
        for rows, n, h in _back(ctx, sizes, reverse):
            by_h = dh[:, :n] if by_y is None else dh[:, :n] + by_y[rows].T
            slope = _one_minus_square(h) if nonlinearity == "tanh" else h > 0
            deltas[:, rows] = delta = by_h * slope
            dh = _renewed(dh, back @ delta)
        return Found(deltas, dh)

    def composite(x, h0, w_ih, w_hh, b_ih, b_hh, nonlinearity, sizes, reverse):
        state = (_zeros(h0, x, sizes, len(w_hh)),)
        weights = (w_ih, w_hh, b_ih, b_hh, nonlinearity)
        return unrolled(lambda x, s: elman_step(x, s, *weights), x, state, sizes, reverse)


class GRU(_Recurrent):
    """r, z = sigmoid(W x + b + W h + b), n = tanh(W x + b + r (W h + b)), h' = (1 - z) n + z h.

    The deltas are, from the top, those of n by x, of r, of z, and of n by h: three that belong to
    W_ih, and three that belong to W_hh in its order.
    """

    op_name, symbol = "gru", "GRU"
    backward = {
        "x": lambda g, ctx, w_ih: _by_x(ctx).T @ np.roll(w_ih, len(w_ih) // 3, 0),
        "h0": lambda g, ctx: ctx.back.h0.T,
        "w_ih": lambda g, ctx, x: _in_order(_by_x(ctx) @ x),
        "w_hh": lambda g, ctx, x: _by_hidden(ctx) @ ctx.z[:, x.shape[1] + 1 :],
        "b_ih": lambda g, ctx: _in_order(_by_x(ctx).sum(1)),
        "b_hh": lambda g, ctx: _by_hidden(ctx).sum(1),
    }
    formula = {
        "x": "δ @ w_ih, with δ of r, z, n from g[t] + what came back from step t+1",
        "h0": "what came back from step 0",
        "w_ih": "sum over t of δ[t].mT @ x[t]",
        "w_hh": "sum over t of δ'[t].mT @ h[t-1], with δ' = δ, but r δ for n",
        "b_ih": "sum of δ",
        "b_hh": "sum of δ'",
    }

    def forward(ctx, x, h0, w_ih, w_hh, b_ih, b_hh, sizes, reverse):
        size, inner = w_hh.shape[1], x.shape[1] + 1
        z, y = _inputs(x, size), np.empty((len(x), size), x.dtype)
        # What goes into n from h is multiplied by r, so x and h have products of their own.
        of_x = w_ih @ x.T
        if b_ih is not None:
            of_x += b_ih[:, None]
        w = _joined(w_hh[:, :0], b_hh, w_hh)
        h = _columns(h0, sizes, size, x.dtype)
        kept = []
        for rows, n in steps_of(sizes, reverse):
            before = h[:, :n]
            z[rows, inner:] = before.T
            of_h = w @ z[rows, inner - 1 :].T
            gates, n_by_h = of_h[: 2 * size], of_h[2 * size :]
            gates += of_x[: 2 * size, rows]
            _sigmoid_(gates)
            r, update = gates[:size], gates[size:]
            candidate = r * n_by_h
            candidate += of_x[2 * size :, rows]
            np.tanh(candidate, out=candidate)
            new = before - candidate
            if ctx.edges:
                kept.append((r, update, candidate, n_by_h, new))
                new = update * new
            else:
                new *= update
            new += candidate
            y[rows] = new.T
            h = _renewed(h, new)
        ctx.z, ctx.kept = z, kept
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
        return Found(deltas, dh)

    def composite(x, h0, w_ih, w_hh, b_ih, b_hh, sizes, reverse):
        state = (_zeros(h0, x, sizes, w_hh.shape[1]),)
        weights = (w_ih, w_hh, b_ih, b_hh)
        return unrolled(lambda x, s: gru_step(x, s, *weights), x, state, sizes, reverse)


def _by_x(ctx: Any) -> Any:
    return ctx.back.deltas[: 3 * len(ctx.back.deltas) // 4]


def _by_hidden(ctx: Any) -> Any:
    return ctx.back.deltas[len(ctx.back.deltas) // 4 :]


def _in_order(a: Any) -> Any:
    """Rows of n, r and z as r, z and n."""
    return np.roll(a, -(len(a) // 3), 0)


class LSTM(_Recurrent):
    """i, f, o = sigmoid(W x + b + W h + b), g = tanh(the same), c' = f c + i g, h' = o tanh(c').

    With `w_hr`, h' is its product with that.
    """

    op_name, symbol = "lstm", "LSTM"
    backward = {
        "x": lambda g, ctx, w_ih: ctx.back.deltas.T @ w_ih,
        "h0": lambda g, ctx: ctx.back.h0.T,
        "c0": lambda g, ctx: ctx.back.c0.T,
        "w_ih": lambda g, ctx, x: ctx.back.deltas @ x,
        "w_hh": lambda g, ctx, x: ctx.back.deltas @ ctx.z[:, x.shape[1] + 1 :],
        "b_ih": lambda g, ctx: ctx.back.deltas.sum(1),
        "b_hh": lambda g, ctx: ctx.back.deltas.sum(1),
        "w_hr": lambda g, ctx: ctx.back.by_h @ ctx.back.cells,
    }
    formula = {
        "x": "δ @ w_ih, with δ of i, f, g, o from g[t] + what came back from step t+1",
        "h0": "δ[0] @ w_hh",
        "c0": "f[0] times the gradient by c[0]",
        "w_ih": "sum over t of δ[t].mT @ x[t]",
        "w_hh": "sum over t of δ[t].mT @ h[t-1]",
        "b_ih": "sum of δ",
        "b_hh": "sum of δ",
        "w_hr": "sum over t of the gradient by h[t].mT @ (o[t] tanh(c[t]))",
    }

    def forward(ctx, x, h0, c0, w_ih, w_hh, b_ih, b_hh, w_hr, sizes, reverse):
        size, inner = len(w_hh) // 4, x.shape[1] + 1
        z, y = _inputs(x, w_hh.shape[1]), np.empty((len(x), w_hh.shape[1]), x.dtype)
        w = _joined(w_ih, _sum(b_ih, b_hh), w_hh)
        w[: 2 * size] *= (
            0.5  # sigmoid(x) = (tanh(x / 2) + 1) / 2, so that there is one tanh for all
        )
        w[3 * size :] *= 0.5
        h = _columns(h0, sizes, w_hh.shape[1], x.dtype)
        c = _columns(c0, sizes, size, x.dtype)
        kept = []
        for rows, n in steps_of(sizes, reverse):
            z[rows, inner:] = h[:, :n].T
            gates = w @ z[rows].T
            np.tanh(gates, out=gates)
            for half in (gates[: 2 * size], gates[3 * size :]):
                half += 1
                half *= 0.5
            i, f, g, o = gates.reshape(4, size, n)
            before = c[:, :n]
            cell = f * before
            cell += i * g
            bounded = np.tanh(cell)
            new = o * bounded
            if w_hr is not None:
                new = w_hr @ new
            y[rows] = new.T
            h, c = _renewed(h, new), _renewed(c, cell)
            if ctx.edges:
                kept.append((gates, before, bounded))
        ctx.z, ctx.kept = z, kept
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
        return Found(deltas, dh, dc, projected, cells)

    def composite(x, h0, c0, w_ih, w_hh, b_ih, b_hh, w_hr, sizes, reverse):
        size = len(w_hh) // 4
        state = _zeros(h0, x, sizes, w_hh.shape[1]), _zeros(c0, x, sizes, size)
        weights = (w_ih, w_hh, b_ih, b_hh, w_hr)
        return unrolled(lambda x, s: lstm_step(x, s, *weights), x, state, sizes, reverse)


def _sum(a: Any, b: Any) -> Any:
    return a if b is None else b if a is None else a + b
