"""Recurrent cells and layers, against loops over plain equations."""

from __future__ import annotations

import numpy as np
from scipy.special import expit

from .table import Row, bad, call, x

INTEGERS = "PyTorch takes integers where no step of the equations leaves them"


def w(*shape, grad=True):
    """Weights of a size at which no gate saturates."""
    return x(*shape, low=-0.8, high=0.8, grad=grad)


def elman(a, h, w_ih, w_hh, b_ih=None, b_hh=None, f=np.tanh):
    return (f(a @ w_ih.T + h[0] @ w_hh.T + sum_of(b_ih, b_hh)),)


def gru(a, h, w_ih, w_hh, b_ih=None, b_hh=None):
    of_a = np.split(a @ w_ih.T + sum_of(b_ih), 3, -1)
    of_h = np.split(h[0] @ w_hh.T + sum_of(b_hh), 3, -1)
    r, z = (expit(p + q) for p, q in zip(of_a[:2], of_h[:2], strict=True))
    return ((1 - z) * np.tanh(of_a[2] + r * of_h[2]) + z * h[0],)


def lstm(a, h, w_ih, w_hh, b_ih=None, b_hh=None, w_hr=None):
    i, f, g, o = np.split(a @ w_ih.T + h[0] @ w_hh.T + sum_of(b_ih, b_hh), 4, -1)
    c = expit(f) * h[1] + expit(i) * np.tanh(g)
    h = expit(o) * np.tanh(c)
    return h if w_hr is None else h @ w_hr.T, c


def sum_of(*biases):
    return sum(0 if b is None else b for b in biases)


def relu(a):
    return np.maximum(a, 0)


def layers(cell):
    """What a function over layers computes, given one step."""

    def run(a, hx, params, biases, n, dropout, train, both, batch_first):
        hx = hx if isinstance(hx, (tuple, list)) else (hx,)
        a = a.swapaxes(0, 1) if batch_first else a
        per = len(params) // (n * (1 + both))
        last = []
        for layer in range(n):
            sides = []
            for side in range(1 + both):
                k = layer * (1 + both) + side
                weights = list(params[k * per : (k + 1) * per])
                if not biases and per == 3:
                    weights[2:2] = [None, None]
                state, out = tuple(s[k] for s in hx), []
                for step in a[::-1] if side else a:
                    state = cell(step, state, *weights)
                    out.append(state[0])
                sides.append(np.stack(out[::-1] if side else out))
                last.append(state)
            a = np.concatenate(sides, -1)
        states = [np.stack(parts) for parts in zip(*last, strict=True)]
        return a.swapaxes(0, 1) if batch_first else a, *states

    return run


def params(gates, n, biases=True, both=False, proj=0, size=2, inputs=3):
    found, out = [], proj or size
    for k in range(n):
        for _ in range(1 + both):
            found += [w(gates * size, (out * (1 + both)) if k else inputs), w(gates * size, out)]
            found += [w(gates * size), w(gates * size)] * biases
            found += [w(proj, size)] * bool(proj)
    return found


def states(k, *sizes):
    return [w(k, 2, size) for size in sizes]


def row(name, gates, cell):
    """A function over layers with one state, in all its forms."""
    return Row(
        name,
        call(x(3, 2, 3), w(1, 2, 2), params(gates, 1), True, 1, 0.0, True, False, False),
        call(x(2, 3, 3), w(2, 2, 2), params(gates, 2), True, 2, 0.0, False, False, True),
        call(
            x(3, 2, 3), w(2, 2, 2), params(gates, 1, False, True), False, 1, 0.0, True, True, False
        ),
        bad(
            RuntimeError, x(3, 2, 3), w(1, 2, 2), params(gates, 2), True, 1, 0.0, True, False, False
        ),
        bad(
            RuntimeError, x(3, 2, 4), w(1, 2, 2), params(gates, 1), True, 1, 0.0, True, False, False
        ),
        numpy=layers(cell),
        skip_dtypes="iub",
        why=INTEGERS,
    )


def cell(name, gates, step, *sizes):
    """A function over one step."""
    state = tuple(w(2, size) for size in sizes) if len(sizes) > 1 else w(2, *sizes)

    def reference(a, h, *weights):
        found = step(a, h if isinstance(h, tuple) else (h,), *weights)
        return found if len(found) > 1 else found[0]

    return Row(
        name,
        call(x(2, 3), state, w(gates * 2, 3), w(gates * 2, 2), w(gates * 2), w(gates * 2)),
        call(x(2, 3), state, w(gates * 2, 3), w(gates * 2, 2)),
        bad(RuntimeError, x(2, 4), state, w(gates * 2, 3), w(gates * 2, 2)),
        numpy=reference,
        skip_dtypes="iub",
        why=INTEGERS,
    )


ROWS = [
    cell("rnn_tanh_cell", 1, elman, 2),
    cell("rnn_relu_cell", 1, lambda *a: elman(*a, f=relu), 2),
    cell("gru_cell", 3, gru, 2),
    cell("lstm_cell", 4, lstm, 2, 2),
    row("rnn_tanh", 1, elman),
    row("rnn_relu", 1, lambda a, h, *weights: elman(a, h, *weights, f=relu)),
    row("gru", 3, gru),
    Row(
        "lstm",
        call(x(3, 2, 3), states(1, 2, 2), params(4, 1), True, 1, 0.0, True, False, False),
        call(x(2, 3, 3), states(2, 2, 2), params(4, 2), True, 2, 0.0, False, False, True),
        call(
            x(2, 2, 3), states(2, 2, 2), params(4, 1, False, True), False, 1, 0.0, True, True, False
        ),
        call(
            x(2, 2, 3),
            states(2, 1, 2),
            params(4, 2, True, False, 1),
            True,
            2,
            0.0,
            True,
            False,
            False,
        ),
        numpy=layers(lstm),
    ),
]
