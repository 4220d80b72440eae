"""Activation functions that are built from the primitives of autograd/ops/activation.py."""

from __future__ import annotations

import warnings
from typing import Any

import autograd
from autograd import Tensor
from autograd.dtypes import stored
from autograd.ops.activation import optionally, softplus
from autograd.registry import public
from autograd.tensor import wrap


@public(namespace="nn.functional")
def relu(input: Tensor, inplace: bool = False) -> Tensor:
    """max(0, input); its gradient at 0 is 0.

    >>> import autograd, nn
    >>> nn.functional.relu(autograd.tensor([-1.0, 2.0]))
    tensor([0., 2.])
    """
    return optionally(inplace, "relu", autograd.relu, input)


@public(namespace="nn.functional")
def prelu(input: Tensor, weight: Tensor) -> Tensor:
    """max(0, input) + weight · min(0, input), with one learned weight, or one per channel.

    Args:
        input: of any shape; dimension 1 is that of the channels.
        weight: of shape [1] or [channels].

    >>> import autograd, nn
    >>> nn.functional.prelu(autograd.tensor([[-1.0, -1.0]]), autograd.tensor([0.5, 0.25]))
    tensor([[-0.5000, -0.2500]])
    """
    channels = 1 if input.ndim < 2 else input.shape[1]
    if weight.numel() not in (1, channels) or weight.ndim > 1:
        raise RuntimeError(
            f"prelu: expected a weight of shape [1] or, one per channel, [{channels}] for an "
            f"input of shape {list(input.shape)}, got {list(weight.shape)}"
        )
    if weight.ndim and weight.numel() > 1:
        weight = weight.reshape(-1, *(1,) * max(input.ndim - 2, 0))
    elif weight.ndim:
        weight = weight.reshape(())
    # Where the input is infinite, weight * input would give its weight the gradient 0 * inf.
    return autograd.where(input > 0, input, weight * autograd.clamp(input, max=0))


@public(namespace="nn.functional")
def rrelu(
    input: Tensor,
    lower: float = 1.0 / 8,
    upper: float = 1.0 / 3,
    training: bool = False,
    inplace: bool = False,
) -> Tensor:
    """Leaky ReLU whose slope is drawn from [lower, upper] per element; their mean if not training.

    Xu et al., "Empirical evaluation of rectified activations", 2015.
    """
    if lower > upper:
        raise RuntimeError(f"rrelu: lower must not exceed upper, got {lower} and {upper}")
    slope: Any = (lower + upper) / 2
    if training:
        slope = lower + autograd.rand_like(input) * (upper - lower)
    return optionally(inplace, "rrelu", _leaky, input, slope)


def _leaky(input: Tensor, slope: Any) -> Tensor:
    return autograd.where(input > 0, input, slope * input)


@public(namespace="nn.functional")
def mish(input: Tensor, inplace: bool = False) -> Tensor:
    """input · tanh(softplus(input)) (Misra, 2019).

    >>> import autograd, nn
    >>> nn.functional.mish(autograd.tensor([0.0, 1.0]))
    tensor([0.0000, 0.8651])
    """
    return optionally(inplace, "mish", _mish, input)


def _mish(input: Tensor) -> Tensor:
    return input * softplus(input).tanh()


@public(namespace="nn.functional")
def threshold(input: Tensor, threshold: float, value: float, inplace: bool = False) -> Tensor:
    """input where it exceeds `threshold`, `value` elsewhere."""
    return optionally(inplace, "threshold", _threshold, input, threshold, value)


def _threshold(input: Tensor, threshold: float, value: float) -> Tensor:
    limit = stored(threshold, input.dtype)[()]  # beside integers, rounded towards 0
    return input.masked_fill(input <= wrap(limit), value)  # NaN stays


@public(namespace="nn.functional")
def hardshrink(input: Tensor, lambd: float = 0.5) -> Tensor:
    """input, but 0 within [-lambd, lambd].

    >>> import autograd, nn
    >>> nn.functional.hardshrink(autograd.tensor([-1.0, 0.3, 1.0]))
    tensor([-1.,  0.,  1.])
    """
    return input.masked_fill(input.abs() <= lambd, 0.0)


@public(namespace="nn.functional")
def tanhshrink(input: Tensor) -> Tensor:
    """input - tanh(input)."""
    return input - input.tanh()


@public(namespace="nn.functional")
def softsign(input: Tensor) -> Tensor:
    """input / (1 + |input|)."""
    return input / (input.abs() + 1)


@public(namespace="nn.functional")
def tanh(input: Tensor) -> Tensor:
    """The hyperbolic tangent."""
    return autograd.tanh(input)


@public(namespace="nn.functional")
def sigmoid(input: Tensor) -> Tensor:
    """1 / (1 + exp(-input))."""
    return autograd.sigmoid(input)


@public(namespace="nn.functional")
def glu(input: Tensor, dim: int = -1) -> Tensor:
    """a · sigmoid(b), where a and b are the halves of the input along `dim` (Dauphin et al., 2017).

    >>> import autograd, nn
    >>> nn.functional.glu(autograd.tensor([[4.0, 0.0]]))
    tensor([[2.]])
    """
    if input.ndim == 0:
        raise RuntimeError("glu does not support scalars because halving size must be even")
    size = input.shape[dim]
    if size % 2:
        raise RuntimeError(
            f"glu: the size of dimension {dim} must be even to be halved, got {size}"
        )
    before = (slice(None),) * (dim % input.ndim)
    a, b = input[(*before, slice(size // 2))], input[(*before, slice(size // 2, None))]
    return a * b.sigmoid()


def _implicit_dim(name: str, ndim: int, stacklevel: int) -> int:
    warnings.warn(
        f"Implicit dimension choice for {name} has been deprecated. "
        "Change the call to include dim=X as an argument.",
        UserWarning,
        stacklevel=stacklevel,
    )
    return 0 if ndim in (0, 1, 3) else 1


@public(namespace="nn.functional")
def softmax(
    input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None
) -> Tensor:
    """exp(input) / Σ exp(input) along `dim`, computed in `dtype` if given.

    >>> import autograd, nn
    >>> nn.functional.softmax(autograd.tensor([0.0, 0.0]), dim=0)
    tensor([0.5000, 0.5000])
    """
    if dim is None:
        dim = _implicit_dim("softmax", input.ndim, _stacklevel)
    return autograd.softmax(input, dim, dtype=dtype)


@public(namespace="nn.functional")
def softmin(
    input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None
) -> Tensor:
    """softmax(-input) along `dim`."""
    if dim is None:
        dim = _implicit_dim("softmin", input.ndim, _stacklevel)
    return autograd.softmax(-input, dim, dtype=dtype)


@public(namespace="nn.functional")
def log_softmax(
    input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None
) -> Tensor:
    """log(softmax(input)) along `dim`, exact where softmax underflows."""
    if dim is None:
        dim = _implicit_dim("log_softmax", input.ndim, _stacklevel)
    return autograd.log_softmax(input, dim, dtype=dtype)


@public(namespace="nn.functional")
def gumbel_softmax(
    logits: Tensor, tau: float = 1, hard: bool = False, eps: float = 1e-10, dim: int = -1
) -> Tensor:
    """A differentiable sample from the categorical distribution softmax(logits).

    Jang et al., "Categorical reparameterization with Gumbel-softmax", 2017.

    Args:
        logits: unnormalized log-probabilities along `dim`.
        tau: the temperature; low values give samples near one-hot vectors.
        hard: return a one-hot vector, with the gradient of the soft sample.
        eps: not used.
        dim: the dimension of the categories.
    """
    if eps != 1e-10:
        warnings.warn("`eps` parameter is deprecated and has no effect.", UserWarning, stacklevel=2)
    exponential = -(1 - autograd.rand_like(logits)).log()
    soft = autograd.softmax((logits - exponential.log()) / tau, dim)
    if not hard:
        return soft
    classes = soft.argmax(dim, keepdim=True)
    shape = [1] * logits.ndim
    shape[dim] = -1
    one_hot = (autograd.arange(logits.shape[dim]).reshape(shape) == classes).to(soft.dtype)
    return one_hot - soft.detach() + soft
