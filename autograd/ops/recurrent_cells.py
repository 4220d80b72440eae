"""One step of a recurrent network, as its equations read, and the loop over time made of steps.

recurrent.py does the same for all steps at once, faster; what is here is its reference, its second
derivative, and what can be stepped through (`autograd.unfused`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from ..creation import as_tensor
from ..errors import ShapeError, described
from ..registry import public
from ..tensor import Tensor
from .activation import ReLU
from .joining import cat
from .pointwise import Sigmoid, Tanh
from .products import linear, matmul
from .splitting import chunk

sigmoid, tanh, relu = Sigmoid.apply, Tanh.apply, ReLU.apply


def elman_step(
    x: Tensor, state: Any, w_ih: Any, w_hh: Any, b_ih: Any, b_hh: Any, nonlinearity: str
) -> Any:
    """h' = tanh(W_ih x + b_ih + W_hh h + b_hh), or relu (Elman, 1990)."""
    (h,) = state
    f = tanh if nonlinearity == "tanh" else relu
    return (f(linear(x, w_ih, b_ih) + linear(h, w_hh, b_hh)),)


def gru_step(x: Tensor, state: Any, w_ih: Any, w_hh: Any, b_ih: Any, b_hh: Any) -> Any:
    """A reset, an update and a new value (Cho et al., 2014; r after the product, as in PyTorch)."""
    (h,) = state
    x_r, x_z, x_n = chunk(linear(x, w_ih, b_ih), 3, -1)
    h_r, h_z, h_n = chunk(linear(h, w_hh, b_hh), 3, -1)
    r = sigmoid(x_r + h_r)
    z = sigmoid(x_z + h_z)
    n = tanh(x_n + r * h_n)
    return (n + z * (h - n),)


def lstm_step(
    x: Tensor, state: Any, w_ih: Any, w_hh: Any, b_ih: Any, b_hh: Any, w_hr: Any = None
) -> Any:
    """Gates for input, forgetting and output (Hochreiter & Schmidhuber, 1997; Gers et al., 2000).

    `w_hr` projects h to fewer features (Sak et al., 2014).
    """
    h, c = state
    i, f, g, o = chunk(linear(x, w_ih, b_ih) + linear(h, w_hh, b_hh), 4, -1)
    c = sigmoid(f) * c + sigmoid(i) * tanh(g)
    h = sigmoid(o) * tanh(c)
    return h if w_hr is None else matmul(h, w_hr.T), c


def steps_of(sizes: Sequence[int], reverse: bool) -> Iterator[tuple[slice, int]]:
    """For each step in turn its rows and their number, of sequences that are packed.

    `sizes` is how many sequences have a step 0, 1, ...: the numbers fall, and a step concerns the
    first sequences.
    """
    ends = [0]
    for n in sizes:
        ends.append(ends[-1] + n)
    order = range(len(sizes))
    for t in reversed(order) if reverse else order:
        yield slice(ends[t], ends[t + 1]), sizes[t]


def unrolled(
    step: Callable[[Tensor, Any], Any],
    x: Tensor,
    state: tuple[Tensor, ...],
    sizes: Sequence[int],
    reverse: bool,
) -> tuple[Tensor, ...]:
    """The loop over time: (h of all steps, then the last state of each sequence).

    `x` and the first result have the rows of all steps after each other, `state` one row per
    sequence.
    """
    outputs = []
    batch = len(state[0])
    for rows, n in steps_of(sizes, reverse):
        now = state if n == batch else tuple(s[:n] for s in state)
        now = step(x[rows], now)
        state = now if n == batch else tuple(map(replaced, state, now))
        outputs.append(now[0])
    return cat(outputs[::-1] if reverse else outputs), *state


def replaced(state: Tensor, first: Tensor) -> Tensor:
    """`state` with `first` in the place of its first rows."""
    return cat([first, state[len(first) :]])


# As PyTorch has them -------------------------------------------------------------------------


def _checked(name: str, gates: int, x: Any, state: Any, w_ih: Any, w_hh: Any, *biases: Any) -> None:
    """Raises unless the shapes fit each other."""
    hidden = w_hh.shape[-1]
    fits = w_ih.shape == (gates * hidden, x.shape[-1]) and w_hh.shape == (gates * hidden, hidden)
    fits &= all(s.shape == (*x.shape[:-1], hidden) for s in state)
    fits &= all(b is None or b.shape == (gates * hidden,) for b in biases)
    if not fits or x.ndim not in (1, 2) or x.dtype.kind != "f":
        shown = ", ".join(map(described, [x, *state, w_ih, w_hh, *biases]))
        raise ShapeError(
            f"{name}({shown}): expected a floating input of shape (N, in) or (in,), states "
            f"(N, hidden) or (hidden,), weights ({gates} · hidden, in) and "
            f"({gates} · hidden, hidden), and biases ({gates} · hidden,)"
        )


@public(method=False)
def rnn_tanh_cell(
    input: Tensor,
    hx: Tensor,
    w_ih: Tensor,
    w_hh: Tensor,
    b_ih: Tensor | None = None,
    b_hh: Tensor | None = None,
) -> Tensor:
    """tanh(W_ih x + b_ih + W_hh h + b_hh), one step of a recurrent network (Elman, 1990).

    >>> import autograd
    >>> one = autograd.ones(1, 1)
    >>> autograd.rnn_tanh_cell(one, one, 0.2 * one, 0.3 * one)
    tensor([[0.4621]])
    """
    x, h = as_tensor(input), as_tensor(hx)
    _checked("rnn_tanh_cell", 1, x, (h,), w_ih, w_hh, b_ih, b_hh)
    return elman_step(x, (h,), w_ih, w_hh, b_ih, b_hh, "tanh")[0]


@public(method=False)
def rnn_relu_cell(
    input: Tensor,
    hx: Tensor,
    w_ih: Tensor,
    w_hh: Tensor,
    b_ih: Tensor | None = None,
    b_hh: Tensor | None = None,
) -> Tensor:
    """relu(W_ih x + b_ih + W_hh h + b_hh), one step of a recurrent network."""
    x, h = as_tensor(input), as_tensor(hx)
    _checked("rnn_relu_cell", 1, x, (h,), w_ih, w_hh, b_ih, b_hh)
    return elman_step(x, (h,), w_ih, w_hh, b_ih, b_hh, "relu")[0]


@public(method=False)
def gru_cell(
    input: Tensor,
    hx: Tensor,
    w_ih: Tensor,
    w_hh: Tensor,
    b_ih: Tensor | None = None,
    b_hh: Tensor | None = None,
) -> Tensor:
    """One step of a gated recurrent unit (Cho et al., 2014).

    r and z are sigmoid(W_ih x + b_ih + W_hh h + b_hh) by their rows of the weights, n is
    tanh(W_in x + b_in + r (W_hn h + b_hn)), and the result (1 - z) n + z h.

    Args:
        input: x, of shape (N, in) or (in,).
        hx: h, of shape (N, hidden) or (hidden,), like the result.
        w_ih, w_hh: of shapes (3 hidden, in) and (3 hidden, hidden); rows of r, z and n.
        b_ih, b_hh: of shape (3 hidden,).

    >>> import autograd
    >>> x, h, w = autograd.zeros(2, 3), autograd.ones(2, 1), autograd.zeros(3, 3)
    >>> autograd.gru_cell(x, h, w, w[:, :1])
    tensor([[0.5000],
            [0.5000]])
    """
    x, h = as_tensor(input), as_tensor(hx)
    _checked("gru_cell", 3, x, (h,), w_ih, w_hh, b_ih, b_hh)
    return gru_step(x, (h,), w_ih, w_hh, b_ih, b_hh)[0]


@public(method=False)
def lstm_cell(
    input: Tensor,
    hx: tuple[Tensor, Tensor],
    w_ih: Tensor,
    w_hh: Tensor,
    b_ih: Tensor | None = None,
    b_hh: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """One step of a long short-term memory (Hochreiter & Schmidhuber, 1997).

    i, f and o are sigmoid(W_ih x + b_ih + W_hh h + b_hh) by their rows of the weights, g is the
    same with tanh, and the results c' = f c + i g and h' = o tanh(c').

    Args:
        input: x, of shape (N, in) or (in,).
        hx: h and c, of shape (N, hidden) or (hidden,), like the results h' and c'.
        w_ih, w_hh: of shapes (4 hidden, in) and (4 hidden, hidden); rows of i, f, g and o.
        b_ih, b_hh: of shape (4 hidden,).

    >>> import autograd
    >>> x, h, w = autograd.zeros(2, 3), autograd.ones(2, 1), autograd.zeros(4, 3)
    >>> autograd.lstm_cell(x, (h, h), w, w[:, :1])[1]
    tensor([[0.5000],
            [0.5000]])
    """
    x = as_tensor(input)
    state = h, c = tuple(map(as_tensor, hx))
    _checked("lstm_cell", 4, x, state, w_ih, w_hh, b_ih, b_hh)
    return lstm_step(x, (h, c), w_ih, w_hh, b_ih, b_hh)
