"""Activations that write their result to their argument: PyTorch's names with an underscore."""

from __future__ import annotations

from typing import Any

from autograd import Tensor
from autograd.ops.activation import celu, elu, hardtanh, leaky_relu, selu
from autograd.registry import public

from .activations import rrelu, threshold


@public("relu_", namespace="nn.functional")
def relu_(input: Tensor) -> Tensor:
    """`relu`, in place.

    >>> import autograd, nn
    >>> x = autograd.tensor([-1.0, 2.0])
    >>> nn.functional.relu_(x) is x, x
    (True, tensor([0., 2.]))
    """
    return input.relu_()


@public("elu_", namespace="nn.functional")
def elu_(input: Tensor, alpha: float = 1.0) -> Tensor:
    """`elu`, in place."""
    return elu(input, alpha, True)


@public("celu_", namespace="nn.functional")
def celu_(input: Tensor, alpha: float = 1.0) -> Tensor:
    """`celu`, in place."""
    return celu(input, alpha, True)


@public("selu_", namespace="nn.functional")
def selu_(input: Tensor) -> Tensor:
    """`selu`, in place."""
    return selu(input, True)


@public("leaky_relu_", namespace="nn.functional")
def leaky_relu_(input: Tensor, negative_slope: float = 0.01) -> Tensor:
    """`leaky_relu`, in place."""
    return leaky_relu(input, negative_slope, True)


@public("hardtanh_", namespace="nn.functional")
def hardtanh_(input: Tensor, min_val: float = -1.0, max_val: float = 1.0) -> Tensor:
    """`hardtanh`, in place."""
    return hardtanh(input, min_val, max_val, True)


@public("threshold_", namespace="nn.functional")
def threshold_(input: Tensor, threshold: float, value: float) -> Tensor:
    """`threshold`, in place."""
    return _threshold(input, threshold, value, True)


@public("rrelu_", namespace="nn.functional")
def rrelu_(
    input: Tensor, lower: float = 1 / 8, upper: float = 1 / 3, training: bool = False
) -> Tensor:
    """`rrelu`, in place."""
    return rrelu(input, lower, upper, training, True)


_threshold: Any = threshold
