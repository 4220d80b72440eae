"""Recurrent layers: several layers of cells over time, in one or both directions."""

from __future__ import annotations

import math
import numbers
import warnings
from typing import Any

import autograd
from autograd import Tensor
from autograd.errors import ShapeError, described
from autograd.ops.recurrent_layers import (
    Direction,
    grouped,
    gru_direction,
    lstm_direction,
    rnn_direction,
    run_layers,
)

from . import init
from .module import Module
from .parameter import Parameter
from .utils.rnn import PackedSequence

_GATES = {"RNN_TANH": 1, "RNN_RELU": 1, "GRU": 3, "LSTM": 4}


class RNNBase(Module):
    """What `RNN`, `LSTM` and `GRU` share: the weights by layer and direction, and the checks."""

    def __init__(
        self,
        mode: str,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        proj_size: int = 0,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.mode = mode
        self.input_size = input_size
        self.hidden_size = hidden_size
        self.num_layers = num_layers
        self.bias = bias
        self.batch_first = batch_first
        self.bidirectional = bidirectional
        self.proj_size = proj_size
        self._check_arguments(dropout)
        self.dropout = float(dropout)
        self._all_weights: list[list[str]] = []
        out = (proj_size or hidden_size) * (2 if bidirectional else 1)
        for layer in range(num_layers):
            for suffix in ("", "_reverse") if bidirectional else ("",):
                names = self._make(layer, suffix, out if layer else input_size, device, dtype)
                self._all_weights.append(names)
        self.reset_parameters()

    def _check_arguments(self, dropout: Any) -> None:
        is_number = isinstance(dropout, numbers.Number) and not isinstance(dropout, bool)
        if not is_number or not 0 <= dropout <= 1:
            raise ValueError(
                "dropout should be a number in range [0, 1] representing the probability of an "
                f"element being zeroed, got {dropout!r}"
            )
        if dropout > 0 and self.num_layers == 1:
            warnings.warn(
                "dropout option adds dropout after all but last recurrent layer, so non-zero "
                f"dropout expects num_layers greater than 1, but got dropout={dropout} and "
                f"num_layers={self.num_layers}",
                UserWarning,
                stacklevel=4,
            )
        kinds = {"bias": bool, "batch_first": bool, "input_size": int, "hidden_size": int}
        for name, kind in kinds.items():
            value = getattr(self, name)
            if not isinstance(value, kind):
                raise TypeError(
                    f"{name} should be of type {kind.__name__}, got: {type(value).__name__}"
                )
        for name in ("input_size", "hidden_size", "num_layers"):
            if getattr(self, name) <= 0:
                raise ValueError(f"{name} must be greater than zero")
        if not 0 <= self.proj_size < self.hidden_size:
            raise ValueError(
                f"proj_size must be 0 (no projection) or a number below hidden_size, got "
                f"{self.proj_size} with hidden_size={self.hidden_size}"
            )
        if self.mode not in _GATES:
            raise ValueError(f"Unrecognized RNN mode: {self.mode}")

    def _make(self, layer: int, suffix: str, inputs: int, device: Any, dtype: Any) -> list[str]:
        """Registers the weights of one layer and direction; returns their names."""
        rows = _GATES[self.mode] * self.hidden_size
        shapes: dict[str, tuple[int, ...]] = {
            "weight_ih": (rows, inputs),
            "weight_hh": (rows, self.proj_size or self.hidden_size),
        }
        if self.bias:
            shapes |= {"bias_ih": (rows,), "bias_hh": (rows,)}
        if self.proj_size:
            shapes["weight_hr"] = (self.proj_size, self.hidden_size)
        names = {f"{name}_l{layer}{suffix}": shape for name, shape in shapes.items()}
        for name, shape in names.items():
            value = Parameter(autograd.empty(shape, device=device, dtype=dtype))
            self.register_parameter(name, value)
        return list(names)

    def reset_parameters(self) -> None:
        """Draws new initial values: uniform on ±1/√hidden_size."""
        bound = 1 / math.sqrt(self.hidden_size)
        for weight in self.parameters():
            init.uniform_(weight, -bound, bound)

    def flatten_parameters(self) -> None:
        """Does nothing: there is no other layout of the weights that would be faster."""

    @property
    def all_weights(self) -> list[list[Parameter]]:
        """The weights of each layer and direction."""
        return [[getattr(self, name) for name in names] for names in self._all_weights]

    def extra_repr(self) -> str:
        text = f"{self.input_size}, {self.hidden_size}"
        defaults = {
            "proj_size": 0,
            "num_layers": 1,
            "bias": True,
            "batch_first": False,
            "dropout": 0,
            "bidirectional": False,
        }
        for name, default in defaults.items():
            if getattr(self, name) != default:
                text += f", {name}={getattr(self, name)}"
        return text

    def _direction(self) -> Direction:
        raise NotImplementedError

    def _state_sizes(self) -> tuple[int, ...]:
        return (self.hidden_size,)

    def _run(self, input: Any, states: tuple[Tensor, ...] | None) -> tuple[Any, list[Tensor]]:
        """(output, last states) in the layout of the input: packed, batched or one sequence."""
        order = undo = None
        weights = [w for group in self.all_weights for w in group]
        dtype = weights[0].dtype
        if isinstance(input, PackedSequence):
            rows, batch_sizes, order, undo = input
            self._check_input(rows, 2, "the data of a PackedSequence", dtype)
            sizes = tuple(batch_sizes.tolist())
        else:
            if input.ndim not in (2, 3):
                raise ValueError(
                    f"{self._get_name()}: Expected input to be 2D or 3D, got {input.ndim}D instead"
                )
            x = input if input.ndim == 3 else input.unsqueeze(1)
            x = x.transpose(0, 1) if self.batch_first and input.ndim == 3 else x
            self._check_input(input, input.ndim, "the input", dtype)
            steps, batch = x.shape[:2]
            rows, sizes = x.reshape(steps * batch, x.shape[2]), (batch,) * steps
        start = self._initial(states, sizes[0] if sizes else 0, input)
        if order is not None:
            start = [None if s is None else s.index_select(1, order) for s in start]
        out, *last = run_layers(
            self._direction(),
            rows,
            start,
            grouped(weights, self.bias, self.proj_size > 0),
            sizes,
            self.dropout if self.training else 0.0,
            self.bidirectional,
        )
        if isinstance(input, PackedSequence):
            if undo is not None:
                last = [s.index_select(1, undo) for s in last]
            return PackedSequence(out, *input[1:]), last
        if input.ndim == 2:
            return out, [s.squeeze(1) for s in last]
        out = out.reshape(steps, batch, out.shape[1])
        return (out.transpose(0, 1) if self.batch_first else out), last

    def _check_input(self, x: Tensor, ndim: int, what: str, dtype: Any) -> None:
        layer = f"{self._get_name()}({self.extra_repr()})"
        if x.ndim != ndim or x.shape[-1] != self.input_size:
            expected = {
                2: f"[L, {self.input_size}]",
                3: f"[{'N, L' if self.batch_first else 'L, N'}, {self.input_size}]",
            }
            raise ShapeError(f"{layer}: expected {what} as {expected[ndim]}, got {described(x)}")
        if x.dtype != dtype:
            raise ValueError(
                f"{layer}: {what} is {described(x)}, but the weights are {dtype}; convert "
                f"with input.to({dtype}), or the model with model.to({x.dtype})"
            )
        if not x.shape[1 if self.batch_first and ndim == 3 else 0]:
            raise RuntimeError(f"{layer}: expected at least one step, got {what} {described(x)}")

    def _initial(self, states: Any, batch: int, input: Any) -> list[Tensor | None]:
        """The states with the dimension of the batch, None for zeros."""
        if states is None:
            return [None] * len(self._state_sizes())
        single = not isinstance(input, PackedSequence) and input.ndim == 2
        count = self.num_layers * (2 if self.bidirectional else 1)
        for i, (state, size) in enumerate(zip(states, self._state_sizes(), strict=True)):
            shape = (count, size) if single else (count, batch, size)
            if tuple(state.shape) != shape:
                name = "hx" if len(states) == 1 else f"hx[{i}]"
                raise ShapeError(
                    f"{self._get_name()}({self.extra_repr()}): expected {name} of shape "
                    f"{list(shape)} for this input, got {described(state)}"
                )
        return [state.unsqueeze(1) if single else state for state in states]


class _OneState(RNNBase):
    def forward(self, input: Any, hx: Tensor | None = None) -> tuple[Any, Tensor]:
        out, (last,) = self._run(input, None if hx is None else (hx,))
        return out, last


class RNN(_OneState):
    """h' = tanh(W_ih x + b_ih + W_hh h + b_hh) at every step, or relu (Elman, 1990).

    Args:
        input_size: features of the input.
        hidden_size: features of h.
        num_layers: layers on top of each other; each gets the output of the one below.
        nonlinearity: "tanh" or "relu".
        bias: whether to add b_ih and b_hh.
        batch_first: whether batches are [N, L, *] rather than [L, N, *]; states never are.
        dropout: share of the outputs of all layers but the last that are dropped in training.
        bidirectional: whether each layer also runs from the end to the start; its output has both
            next to each other.
        device: "cpu" or None.
        dtype: floating dtype of the parameters (default: the default dtype).

    Shape:
        input [L, N, input_size], [L, input_size] or a `PackedSequence`; hx [layers · directions,
        N, hidden_size] or without N (default: zeros). Returns the output [L, N, directions ·
        hidden_size], or packed like the input, and the last states, like hx.

    Attributes:
        weight_ih_l0: [hidden_size, input_size], uniform on ±1/√hidden_size at first, like all;
            `_l1` [hidden_size, directions · hidden_size]; with the suffix `_reverse` for the other
            direction.
        weight_hh_l0: [hidden_size, hidden_size], and so on.
        bias_ih_l0, bias_hh_l0: [hidden_size], and so on.

    All steps of a layer are one operation in the graph. Under `autograd.trace()`, which the stepper
    looks at, and under `autograd.unfused()`, each cell is there with its gates.

    >>> import autograd, nn
    >>> output, h = nn.RNN(10, 20, 2)(autograd.randn(5, 3, 10))
    >>> output.shape, h.shape
    (Size([5, 3, 20]), Size([2, 3, 20]))
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        nonlinearity: str = "tanh",
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        if nonlinearity not in ("tanh", "relu"):
            raise ValueError(
                f"Unknown nonlinearity '{nonlinearity}'. Select from 'tanh' or 'relu'."
            )
        mode = f"RNN_{nonlinearity.upper()}"
        layout = (num_layers, bias, batch_first, dropout, bidirectional)
        super().__init__(mode, input_size, hidden_size, *layout, device=device, dtype=dtype)
        self.nonlinearity = nonlinearity

    def _direction(self) -> Direction:
        return rnn_direction(self.nonlinearity)


class GRU(_OneState):
    """Layers of gated recurrent units (Cho et al., 2014); see `GRUCell` for the equations.

    Args:
        input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional, device,
            dtype: as for `RNN`.

    Shape:
        as for `RNN`.

    Attributes:
        weight_ih_l0, ...: as for `RNN`, with 3 · hidden_size rows: those of r, z and n.

    >>> import autograd, nn
    >>> output, h = nn.GRU(10, 20, bidirectional=True)(autograd.randn(5, 3, 10))
    >>> output.shape, h.shape
    (Size([5, 3, 40]), Size([2, 3, 20]))
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        layout = (num_layers, bias, batch_first, dropout, bidirectional)
        super().__init__("GRU", input_size, hidden_size, *layout, device=device, dtype=dtype)

    def _direction(self) -> Direction:
        return gru_direction


class LSTM(RNNBase):
    """Layers of long short-term memory (Hochreiter & Schmidhuber, 1997); equations: `LSTMCell`.

    Args:
        input_size, hidden_size, num_layers, bias, batch_first, dropout, bidirectional, device,
            dtype: as for `RNN`.
        proj_size: if not 0, h is projected to this many features (Sak et al., 2014).

    Shape:
        input as for `RNN`; hx a pair (h, c) of [layers · directions, N, features] or without N
        (default: zeros), where h has proj_size features if there are projections. Returns the
        output and the pair of last states.

    Attributes:
        weight_ih_l0, ...: as for `RNN`, with 4 · hidden_size rows: those of i, f, g and o.
        weight_hr_l0: [proj_size, hidden_size] if there are projections, and so on.

    >>> import autograd, nn
    >>> output, (h, c) = nn.LSTM(10, 20, 2)(autograd.randn(5, 3, 10))
    >>> output.shape, h.shape, c.shape
    (Size([5, 3, 20]), Size([2, 3, 20]), Size([2, 3, 20]))
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        proj_size: int = 0,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        layout = (num_layers, bias, batch_first, dropout, bidirectional, proj_size)
        super().__init__("LSTM", input_size, hidden_size, *layout, device, dtype)

    def _direction(self) -> Direction:
        return lstm_direction

    def _state_sizes(self) -> tuple[int, ...]:
        return self.proj_size or self.hidden_size, self.hidden_size

    def forward(
        self, input: Any, hx: tuple[Tensor, Tensor] | None = None
    ) -> tuple[Any, tuple[Tensor, Tensor]]:
        if isinstance(hx, Tensor):
            raise RuntimeError(
                f"LSTM({self.extra_repr()}): expected hx to be a pair (h, c), got {described(hx)}"
            )
        out, (h, c) = self._run(input, None if hx is None else tuple(hx))
        return out, (h, c)
