"""Several recurrent layers in one or both directions: what `nn.RNN`, `nn.GRU` and `nn.LSTM` run.

`autograd.lstm` and its relatives have PyTorch's signatures; the modules call `run_layers`, which
takes sequences that are packed, all rows of a step after each other, as well.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..creation import as_tensor
from ..dtypes import result_dtype
from ..errors import ShapeError, described
from ..fusing import fuses
from ..grad_mode import mode
from ..registry import public
from ..tensor import Tensor
from .common import dropped
from .joining import cat, stack
from .recurrent import GRU, LSTM, RNN

Direction = Callable[..., Any]  # (x, states, weights, sizes, reverse) -> (h of all steps, states)


def rnn_direction(nonlinearity: str) -> Direction:
    def run(x: Any, states: Any, weights: Any, sizes: Any, reverse: bool) -> Any:
        w_ih, w_hh, b_ih, b_hh, _ = weights
        return _op(RNN)(x, *states, w_ih, w_hh, b_ih, b_hh, nonlinearity, sizes, reverse)

    return run


def gru_direction(x: Any, states: Any, weights: Any, sizes: Any, reverse: bool) -> Any:
    return _op(GRU)(x, *states, *weights[:4], sizes, reverse)


def lstm_direction(x: Any, states: Any, weights: Any, sizes: Any, reverse: bool) -> Any:
    return _op(LSTM)(x, *states, *weights, sizes, reverse)


def _op(fused: Any) -> Callable[..., Any]:
    # Fused operations write to memory of their own, which batches cannot.
    return fused.apply if fuses() and not mode.levels else fused.composite


def run_layers(
    direction: Direction,
    x: Tensor,
    states: Sequence[Tensor | None],
    weights: Sequence[Sequence[Tensor | None]],
    sizes: tuple[int, ...],
    dropout: float,
    bidirectional: bool,
) -> tuple[Tensor, ...]:
    """(h of all steps in the last layer, then the last states of all layers and directions).

    Args:
        x: (rows of all steps, features); a step has the rows of the first sequences.
        states: each (layers · directions, sequences, features), or None for zeros.
        weights: of each layer and direction w_ih, w_hh, b_ih, b_hh and w_hr.
        sizes: the number of rows of each step, which must not grow.
        dropout: the share of the results of all layers but the last that are dropped.
        bidirectional: whether every second entry of `weights` goes from the end to the start.
    """
    directions = 2 if bidirectional else 1
    last: list[tuple[Tensor, ...]] = []
    for i in range(0, len(weights), directions):
        found = []
        for k in range(i, i + directions):
            start = [None if s is None else s[k] for s in states]
            out, *ends = direction(x, start, weights[k], sizes, k > i)
            found.append(out)
            last.append(tuple(ends))
        x = found[0] if len(found) == 1 else cat(found, 1)
        if dropout and i + directions < len(weights):
            x = dropped(x, dropout)
    return x, *(stack(parts) for parts in zip(*last, strict=True))


def grouped(params: Sequence[Tensor], has_biases: bool, projects: bool) -> list[list[Any]]:
    """A flat list of weights by layer and direction, with None where there are none."""
    per = 2 + 2 * has_biases + projects
    groups = []
    for i in range(0, len(params), per):
        found: list[Any] = list(params[i : i + per])
        w_hr = found.pop() if projects else None
        groups.append([*found, *[None] * (4 - len(found)), w_hr])
    return groups


def _run(
    name: str,
    direction: Direction,
    input: Any,
    hx: Sequence[Tensor],
    params: Sequence[Tensor],
    has_biases: bool,
    num_layers: int,
    dropout: float,
    train: bool,
    bidirectional: bool,
    batch_first: bool,
) -> tuple[Tensor, ...]:
    given = [as_tensor(t) for t in (input, *hx, *params)]
    dtype = result_dtype([t._data for t in given])
    if dtype.kind != "f":
        raise RuntimeError(f"{name}: only for floating tensors, got {described(given[0])}")
    x, *rest = [t.to(dtype) for t in given]
    hx, params = rest[: len(hx)], rest[len(hx) :]
    if x.ndim != 3 or any(s.ndim != 3 for s in hx):
        shown = ", ".join(map(described, (x, *hx)))
        raise ShapeError(f"{name}({shown}): the input and the states must have 3 dimensions")
    x = x.transpose(0, 1) if batch_first else x
    time, batch = x.shape[:2]
    count = num_layers * (2 if bidirectional else 1)
    per, over = divmod(len(params), count)
    projects = per - 2 - 2 * has_biases
    if over or projects not in (0, 1) or (projects and len(hx) < 2):
        raise RuntimeError(
            f"{name}: {count} layers and directions need {2 + 2 * has_biases} weights each, got "
            f"{len(params)} in all"
        )
    if time == 0:
        raise RuntimeError(f"{name}: expected at least one step, got an input {described(x)}")
    out, *last = run_layers(
        direction,
        x.reshape(time * batch, x.shape[2]),
        hx,
        grouped(params, has_biases, bool(projects)),
        (batch,) * time,
        dropout if train else 0.0,
        bidirectional,
    )
    out = out.reshape(time, batch, out.shape[1])
    return (out.transpose(0, 1) if batch_first else out), *last


@public(method=False, op=RNN)
def rnn_tanh(
    input: Tensor,
    hx: Tensor,
    params: Sequence[Tensor],
    has_biases: bool,
    num_layers: int,
    dropout: float,
    train: bool,
    bidirectional: bool,
    batch_first: bool,
) -> tuple[Tensor, ...]:
    """The layers of `nn.RNN` as a function: (output, last h). See `lstm`."""
    layout = (params, has_biases, num_layers, dropout, train, bidirectional, batch_first)
    return _run("rnn_tanh", rnn_direction("tanh"), input, (hx,), *layout)


@public(method=False, op=RNN)
def rnn_relu(
    input: Tensor,
    hx: Tensor,
    params: Sequence[Tensor],
    has_biases: bool,
    num_layers: int,
    dropout: float,
    train: bool,
    bidirectional: bool,
    batch_first: bool,
) -> tuple[Tensor, ...]:
    """`rnn_tanh` with relu."""
    layout = (params, has_biases, num_layers, dropout, train, bidirectional, batch_first)
    return _run("rnn_relu", rnn_direction("relu"), input, (hx,), *layout)


@public(method=False, op=GRU)
def gru(
    input: Tensor,
    hx: Tensor,
    params: Sequence[Tensor],
    has_biases: bool,
    num_layers: int,
    dropout: float,
    train: bool,
    bidirectional: bool,
    batch_first: bool,
) -> tuple[Tensor, ...]:
    """The layers of `nn.GRU` as a function: (output, last h). See `lstm`."""
    layout = (params, has_biases, num_layers, dropout, train, bidirectional, batch_first)
    return _run("gru", gru_direction, input, (hx,), *layout)


@public(method=False, op=LSTM)
def lstm(
    input: Tensor,
    hx: Sequence[Tensor],
    params: Sequence[Tensor],
    has_biases: bool,
    num_layers: int,
    dropout: float,
    train: bool,
    bidirectional: bool,
    batch_first: bool,
) -> tuple[Tensor, ...]:
    """The layers of `nn.LSTM` as a function: (output, last h, last c).

    Args:
        input: of shape (steps, batch, in), or (batch, steps, in) if `batch_first`.
        hx: h and c, of shape (layers · directions, batch, hidden).
        params: for each layer, and direction in it, w_ih, w_hh, then b_ih and b_hh if
            `has_biases`, then w_hr if there are projections.
        has_biases: whether there are biases.
        num_layers: the number of layers.
        dropout: the share dropped of the results of all layers but the last, if `train`.
        train: whether there is dropout.
        bidirectional: whether each layer also goes from the end to the start.
        batch_first: the layout of `input` and of the output.

    >>> import autograd
    >>> x, state = autograd.zeros(5, 2, 3), autograd.zeros(1, 2, 4)
    >>> params = [autograd.zeros(16, 3), autograd.zeros(16, 4)]
    >>> y, h, c = autograd.lstm(x, (state, state), params, False, 1, 0.0, True, False, False)
    >>> y.shape, h.shape
    (Size([5, 2, 4]), Size([1, 2, 4]))
    """
    layout = (params, has_biases, num_layers, dropout, train, bidirectional, batch_first)
    return _run("lstm", lstm_direction, input, hx, *layout)
