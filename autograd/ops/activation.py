"""Activation functions and softmax: primitives where the composite is slow or overflows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.special import expit

from ..axes import axis_of
from ..creation import as_tensor
from ..dtypes import as_dtype
from ..elementwise import Unary
from ..function import Op
from ..inplace import assign
from ..registry import public
from ..tensor import Tensor
from .common import log1p_exp, passing

SELU_ALPHA, SELU_SCALE = 1.6732632423543772848170429916717, 1.0507009873554804934193349852946


def optionally(
    in_place: bool, name: str, function: Callable[..., Tensor], x: Tensor, *args: Any
) -> Tensor:
    """`function(x, *args)`, written to the memory of `x` if `in_place`."""
    if not in_place:
        return function(x, *args)
    # The clone is what the graph may save, since `x` is about to be overwritten.
    return assign(x, function(x.clone(), *args), name + "_")


class ReLU(Unary):
    """max(0, input); its gradient at 0 is 0.

    >>> import autograd
    >>> autograd.relu(autograd.tensor([-1.0, 2.0]))
    tensor([0., 2.])
    """

    op_name, promote = "relu", "same"
    backward = {"x": lambda g, out: passing(g, out != 0)}  # NaN passes it on, as in PyTorch
    formula = {"x": "g * (out > 0)"}

    def forward(x):
        return np.maximum(x, 0)


class LeakyReLU(Op):
    op_name, promote = "leaky_relu", "float"
    backward = {
        "x": lambda g, x, slope: passing(g, x > 0) + passing(g, np.logical_not(x > 0)) * slope
    }
    formula = {"x": "g * where(x > 0, 1, slope)"}

    def forward(x, slope):
        return np.maximum(x, 0) + np.minimum(x, 0) * slope  # three times as fast as np.where


@public(namespace="nn.functional", op=LeakyReLU)
def leaky_relu(input: Any, negative_slope: float = 0.01, inplace: bool = False) -> Tensor:
    """max(0, input) + negative_slope · min(0, input)."""
    return optionally(inplace, "leaky_relu", LeakyReLU.apply, input, float(negative_slope))


class ELU(Op):
    op_name, promote = "elu", "float"
    backward = {
        "x": lambda g, x, alpha: (
            passing(g, x > 0) + passing(g, np.logical_not(x > 0)) * (alpha * np.exp(_negative(x)))
        )
    }
    formula = {"x": "g * where(x > 0, 1, alpha * exp(x))"}

    def forward(x, alpha):
        return np.maximum(x, 0) + alpha * np.expm1(_negative(x))


def _negative(x: Any) -> Any:
    """min(x, 0): keeps the branch that is not taken from overflowing.

    Its derivative at 0 is 0, as PyTorch's second derivative of `elu` is.
    """
    return np.where(x >= 0, 0.0, x) if isinstance(x, Tensor) else np.minimum(x, 0.0)


@public(namespace="nn.functional", op=ELU)
def elu(input: Any, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """input where positive, alpha · (exp(input) - 1) elsewhere (Clevert et al. 2016)."""
    return optionally(inplace, "elu", ELU.apply, input, float(alpha))


@public(namespace="nn.functional")
def celu(input: Any, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """max(0, input) + min(0, alpha · (exp(input / alpha) - 1)) (Barron 2017)."""
    if alpha == 0:
        raise RuntimeError("celu: alpha must not be 0")
    return optionally(inplace, "celu", lambda x: elu(as_tensor(x) / alpha) * alpha, input)


@public(method=False)
def selu(input: Any, inplace: bool = False) -> Tensor:
    """The self-normalizing scaled ELU (Klambauer et al. 2017)."""
    return optionally(inplace, "selu", lambda x: elu(x, SELU_ALPHA) * SELU_SCALE, input)


class SiLU(Op):
    op_name, promote = "silu", "float"
    backward = {"x": lambda g, x: _silu_by_x(g, x, expit(x))}
    formula = {"x": "g * (sigmoid(x) * (1 + x * (1 - sigmoid(x))))"}

    def forward(x):
        return (x * expit(x)).astype(x.dtype, copy=False)  # expit makes float64 of float16


def _silu_by_x(g: Any, x: Any, s: Any) -> Any:
    return g * (s * (1 + x * (1 - s)))


@public(namespace="nn.functional", op=SiLU)
def silu(input: Any, inplace: bool = False) -> Tensor:
    """input · sigmoid(input), also called swish (Elfwing et al. 2017)."""
    return optionally(inplace, "silu", SiLU.apply, input)


class Softplus(Op):
    promote = "float"
    backward = {
        "x": lambda g, x, beta, threshold: np.where(x * beta > threshold, g, g * expit(x * beta))
    }
    formula = {"x": "g * sigmoid(beta * x)"}

    def forward(x, beta, threshold):
        scaled = x * beta
        return np.where(scaled > threshold, x, log1p_exp(scaled) / beta)


@public(namespace="nn.functional", op=Softplus)
def softplus(input: Any, beta: float = 1.0, threshold: float = 20.0) -> Tensor:
    """log(1 + exp(beta · input)) / beta; linear where beta · input exceeds the threshold."""
    return Softplus.apply(input, float(beta), float(threshold))


class LogSigmoid(Op):
    op_name, promote = "logsigmoid", "float"
    backward = {"x": lambda g, x: g * expit(-x)}
    formula = {"x": "g * sigmoid(-x)"}

    def forward(x):
        return -log1p_exp(-x)


@public(namespace="nn.functional", op=LogSigmoid)
def logsigmoid(input: Any) -> Tensor:
    """log(sigmoid(input)), without underflow."""
    return LogSigmoid.apply(input)


class HardTanh(Op):
    op_name = "hardtanh"
    # PyTorch's gradient is 0 at the limits here, and 1 there for clamp.
    backward = {"x": lambda g, x, low, high: passing(g, (x > low) & (x < high))}
    formula = {"x": "g * ((low < x) & (x < high))"}

    def forward(x, low, high):
        return np.clip(x, x.dtype.type(low), x.dtype.type(high))


@public(namespace="nn.functional", op=HardTanh)
def hardtanh(
    input: Any, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False
) -> Tensor:
    """input limited to [min_val, max_val]."""
    if min_val > max_val:
        raise ValueError("hardtanh: min_val must not be larger than max_val")
    return optionally(
        inplace, "hardtanh", HardTanh.apply, as_tensor(input), float(min_val), float(max_val)
    )


@public(namespace="nn.functional")
def relu6(input: Any, inplace: bool = False) -> Tensor:
    """min(max(0, input), 6)."""
    return hardtanh(input, 0.0, 6.0, inplace)


class SoftShrink(Op):
    op_name, promote = "softshrink", "float"
    backward = {"x": lambda g, x, lambd: passing(g, np.abs(x) > lambd)}
    formula = {"x": "g * (abs(x) > lambd)"}

    def forward(x, lambd):
        return x - np.clip(x, -lambd, lambd)


@public(namespace="nn.functional", op=SoftShrink)
def softshrink(input: Any, lambd: float = 0.5) -> Tensor:
    """input moved by `lambd` towards 0, and 0 within [-lambd, lambd].

    >>> import autograd, nn
    >>> nn.functional.softshrink(autograd.tensor([-1.0, 0.3, 1.0]))
    tensor([-0.5000,  0.0000,  0.5000])
    """
    if lambd < 0:
        raise RuntimeError(f"softshrink: lambd must be 0 or more, got {lambd}")
    return SoftShrink.apply(input, float(lambd))


class HardSigmoid(Op):
    op_name, promote = "hardsigmoid", "float"
    backward = {"x": lambda g, x: passing(g / 6, abs(x) < 3)}
    formula = {"x": "where(abs(x) < 3, g / 6, 0)"}

    def forward(x):
        return np.clip(x + 3, 0, 6) / 6


@public(namespace="nn.functional", op=HardSigmoid)
def hardsigmoid(input: Any, inplace: bool = False) -> Tensor:
    """0 below -3, 1 above 3, and input / 6 + 1/2 between.

    >>> import autograd, nn
    >>> nn.functional.hardsigmoid(autograd.tensor([-4.0, 0.0, 4.0]))
    tensor([0.0000, 0.5000, 1.0000])
    """
    return optionally(inplace, "hardsigmoid", HardSigmoid.apply, input)


class HardSwish(Op):
    # A primitive: the product rule would give inf * 0 at infinity, where the derivative is 1.
    op_name, promote = "hardswish", "float"
    backward = {"x": lambda g, x: np.where(x >= 3, g, np.where(x <= -3, 0.0, g * (x / 3 + 0.5)))}
    formula = {"x": "where(x <= -3, 0, where(x < 3, g * (x / 3 + 1/2), g))"}

    def forward(x):
        return x * (np.clip(x + 3, 0, 6) / 6)


@public(namespace="nn.functional", op=HardSwish)
def hardswish(input: Any, inplace: bool = False) -> Tensor:
    """input · hardsigmoid(input) (Howard et al., "Searching for MobileNetV3", 2019)."""
    return optionally(inplace, "hardswish", HardSwish.apply, input)


class Softmax(Op):
    backward = {"x": lambda g, out, axis: out * (g - (g * out).sum(axis, keepdims=True))}
    formula = {"x": "out * (g - sum(g * out))"}

    def forward(x, axis):
        shifted = np.exp(x - x.max(axis=axis, keepdims=True, initial=-np.inf))
        shifted /= shifted.sum(axis=axis, keepdims=True)
        return shifted


class LogSoftmax(Op):
    backward = {"x": lambda g, out, axis: g - np.exp(out) * g.sum(axis, keepdims=True)}
    formula = {"x": "g - exp(out) * sum(g)"}

    def forward(x, axis):
        shifted = x - x.max(axis=axis, keepdims=True, initial=-np.inf)
        return shifted - np.log(np.exp(shifted).sum(axis=axis, keepdims=True))


def _softmax_input(input: Any, dim: int | None, dtype: Any, name: str) -> tuple[Tensor, int]:
    x = as_tensor(input)
    if dtype is not None:
        x = x.to(as_dtype(dtype))
    if x.dtype.kind != "f":
        raise RuntimeError(f"{name}: only floating tensors are possible, got dtype {x.dtype}")
    if dim is None:
        raise TypeError(f"{name}: say along which dimension, for example dim=-1")
    return (x if x._data.ndim else x.reshape(1)), axis_of(dim, x._data.ndim)


@public(op=Softmax, aliases=("special.softmax",))
def softmax(input: Any, dim: int | None = None, dtype: Any = None) -> Tensor:
    """exp(input) / Σ exp(input) along `dim`, without overflow.

    >>> import autograd
    >>> autograd.softmax(autograd.tensor([0.0, 0.0]), dim=0)
    tensor([0.5000, 0.5000])
    """
    x, axis = _softmax_input(input, dim, dtype, "softmax")
    out = Softmax.apply(x, axis)
    return out if as_tensor(input)._data.ndim else out.reshape(())


@public(op=LogSoftmax, aliases=("special.log_softmax",))
def log_softmax(input: Any, dim: int | None = None, dtype: Any = None) -> Tensor:
    """log(softmax(input)), exact where softmax underflows.

    >>> import autograd
    >>> autograd.log_softmax(autograd.tensor([0.0, 1e4]), dim=0)
    tensor([-10000.,      0.])
    """
    x, axis = _softmax_input(input, dim, dtype, "log_softmax")
    out = LogSoftmax.apply(x, axis)
    return out if as_tensor(input)._data.ndim else out.reshape(())
