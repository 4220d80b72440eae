"""Recurrent cells: one step, for loops that a program writes itself."""

from __future__ import annotations

import math
from typing import Any

import autograd
from autograd import Tensor
from autograd.errors import ShapeError, described

from . import init
from .module import Module
from .parameter import Parameter


class RNNCellBase(Module):
    """What the cells share: weights, their initial values, and checks."""

    weight_ih: Parameter
    weight_hh: Parameter
    bias_ih: Parameter | None
    bias_hh: Parameter | None

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool,
        num_chunks: int,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.input_size = input_size
        self.hidden_size = hidden_size
        self.bias = bias
        rows, options = num_chunks * hidden_size, {"device": device, "dtype": dtype}
        self.weight_ih = Parameter(autograd.empty((rows, input_size), **options))
        self.weight_hh = Parameter(autograd.empty((rows, hidden_size), **options))
        for name in ("bias_ih", "bias_hh"):
            value = Parameter(autograd.empty(rows, **options)) if bias else None
            self.register_parameter(name, value)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draws new initial values: uniform on ±1/√hidden_size."""
        bound = 1 / math.sqrt(self.hidden_size) if self.hidden_size > 0 else 0
        for weight in self.parameters():
            init.uniform_(weight, -bound, bound)

    def extra_repr(self) -> str:
        text = f"{self.input_size}, {self.hidden_size}"
        return text if self.bias is True else f"{text}, bias={self.bias}"

    def _weights(self) -> tuple[Any, ...]:
        return self.weight_ih, self.weight_hh, self.bias_ih, self.bias_hh

    def _checked(self, input: Tensor, state: Any) -> Any:
        """`state`, zeros if it is None, after checks of all shapes."""
        for what, x in (("input", input), *(("hidden", s) for s in state or ())):
            if x.ndim not in (1, 2):
                raise ValueError(
                    f"{self._get_name()}: Expected {what} to be 1D or 2D, got {x.ndim}D instead"
                )
        if state is None:
            shape = (*input.shape[:-1], self.hidden_size)
            return [autograd.zeros(shape, dtype=input.dtype)] * self._states
        batch = input.shape[:-1]
        if input.shape[-1] != self.input_size or any(
            s.shape != (*batch, self.hidden_size) for s in state
        ):
            raise ShapeError(
                f"{self._get_name()}({self.extra_repr()}): expected an input [N, "
                f"{self.input_size}] and states [N, {self.hidden_size}], or both without N, got "
                f"{', '.join(map(described, (input, *state)))}"
            )
        return state

    _states = 1


class RNNCell(RNNCellBase):
    """h' = tanh(W_ih x + b_ih + W_hh h + b_hh), or relu (Elman, "Finding structure in time", 1990).

    Args:
        input_size: features of x.
        hidden_size: features of h.
        bias: whether to add b_ih and b_hh.
        nonlinearity: "tanh" or "relu".
        device: "cpu" or None.
        dtype: floating dtype of the parameters (default: the default dtype).

    Shape:
        input [N, input_size] or [input_size], hx [N, hidden_size] or [hidden_size] (default:
        zeros), output like hx.

    Attributes:
        weight_ih: [hidden_size, input_size], uniform on ±1/√hidden_size at first, like all.
        weight_hh: [hidden_size, hidden_size].
        bias_ih, bias_hh: [hidden_size].

    >>> import autograd, nn
    >>> cell, h = nn.RNNCell(10, 20), autograd.zeros(3, 20)
    >>> for x in autograd.randn(6, 3, 10):
    ...     h = cell(x, h)
    >>> h.shape
    Size([3, 20])
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        nonlinearity: str = "tanh",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(input_size, hidden_size, bias, 1, device, dtype)
        self.nonlinearity = nonlinearity

    def forward(self, input: Tensor, hx: Tensor | None = None) -> Tensor:
        if self.nonlinearity not in ("tanh", "relu"):
            raise RuntimeError(f"Unknown nonlinearity: {self.nonlinearity}")
        (h,) = self._checked(input, None if hx is None else (hx,))
        step = autograd.rnn_tanh_cell if self.nonlinearity == "tanh" else autograd.rnn_relu_cell
        return step(input, h, *self._weights())

    def extra_repr(self) -> str:
        text = super().extra_repr()
        shown = self.nonlinearity != "tanh"
        return f"{text}, nonlinearity={self.nonlinearity}" if shown else text


class LSTMCell(RNNCellBase):
    """One step of a long short-term memory (Hochreiter & Schmidhuber, 1997).

    i, f, o = sigmoid(W_ih x + b_ih + W_hh h + b_hh) and g = tanh(the same), by their rows of the
    weights; c' = f c + i g, h' = o tanh(c').

    Args:
        input_size: features of x.
        hidden_size: features of h and c.
        bias: whether to add b_ih and b_hh.
        device: "cpu" or None.
        dtype: floating dtype of the parameters (default: the default dtype).

    Shape:
        input [N, input_size] or [input_size], hx a pair (h, c) of [N, hidden_size] or
        [hidden_size] (default: zeros), output the pair (h', c').

    Attributes:
        weight_ih: [4 hidden_size, input_size], uniform on ±1/√hidden_size at first, like all.
        weight_hh: [4 hidden_size, hidden_size].
        bias_ih, bias_hh: [4 hidden_size].

    >>> import autograd, nn
    >>> h, c = nn.LSTMCell(10, 20)(autograd.randn(3, 10))
    >>> h.shape, c.shape
    (Size([3, 20]), Size([3, 20]))
    """

    _states = 2

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(input_size, hidden_size, bias, 4, device, dtype)

    def forward(self, input: Tensor, hx: tuple[Tensor, Tensor] | None = None) -> Any:
        h, c = self._checked(input, hx)
        return autograd.lstm_cell(input, (h, c), *self._weights())


class GRUCell(RNNCellBase):
    """One step of a gated recurrent unit (Cho et al., 2014).

    r, z = sigmoid(W_ih x + b_ih + W_hh h + b_hh), n = tanh(W_in x + b_in + r (W_hn h + b_hn)), by
    their rows of the weights; h' = (1 - z) n + z h.

    Args:
        input_size: features of x.
        hidden_size: features of h.
        bias: whether to add b_ih and b_hh.
        device: "cpu" or None.
        dtype: floating dtype of the parameters (default: the default dtype).

    Shape:
        input [N, input_size] or [input_size], hx [N, hidden_size] or [hidden_size] (default:
        zeros), output like hx.

    Attributes:
        weight_ih: [3 hidden_size, input_size], uniform on ±1/√hidden_size at first, like all.
        weight_hh: [3 hidden_size, hidden_size].
        bias_ih, bias_hh: [3 hidden_size].

    >>> import autograd, nn
    >>> nn.GRUCell(10, 20)(autograd.randn(3, 10)).shape
    Size([3, 20])
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(input_size, hidden_size, bias, 3, device, dtype)

    def forward(self, input: Tensor, hx: Tensor | None = None) -> Tensor:
        (h,) = self._checked(input, None if hx is None else (hx,))
        return autograd.gru_cell(input, h, *self._weights())
