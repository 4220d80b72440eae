"""Activation functions. The primitives are in autograd; those built from them are here.

Where PyTorch has `inplace`, it works here too: the input is overwritten, and the graph knows.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import autograd
from autograd import Tensor
from autograd.inplace import assign
from autograd.ops import activation as primitive
from autograd.ops.activation import softplus


def _run(function: Callable[..., Tensor], input: Tensor, inplace: bool, *args: Any) -> Tensor:
    """`function(input, *args)`, written to the memory of `input` if `inplace`."""
    if not inplace:
        return function(input, *args)
    # The clone is what the graph may save, since `input` is about to be overwritten.
    return assign(input, function(input.clone(), *args), f"{function.__name__}_")


def relu(input: Tensor, inplace: bool = False) -> Tensor:
    """max(0, input); its gradient at 0 is 0.

    >>> import autograd, nn
    >>> nn.functional.relu(autograd.tensor([-1.0, 2.0]))
    tensor([0., 2.])
    """
    return _run(autograd.relu, input, inplace) if inplace else autograd.relu(input)


def relu6(input: Tensor, inplace: bool = False) -> Tensor:
    """min(max(0, input), 6)."""
    return _run(primitive.relu6, input, inplace)


def leaky_relu(input: Tensor, negative_slope: float = 0.01, inplace: bool = False) -> Tensor:
    """max(0, input) + negative_slope · min(0, input).

    >>> import autograd, nn
    >>> nn.functional.leaky_relu(autograd.tensor([-1.0, 2.0]), 0.5)
    tensor([-0.5000,  2.0000])
    """
    return _run(primitive.leaky_relu, input, inplace, negative_slope)


def prelu(input: Tensor, weight: Tensor) -> Tensor:
    """max(0, input) + weight · min(0, input), with one learned weight, or one per channel.

    Args:
        input: of any shape; dimension 1 (or the only one) is that of the channels.
        weight: of shape [1] or [channels].

    >>> import autograd, nn
    >>> nn.functional.prelu(autograd.tensor([[-1.0, -1.0]]), autograd.tensor([0.5, 0.25]))
    tensor([[-0.5000, -0.2500]])
    """
    channels = 1 if input.ndim == 0 else input.shape[min(1, input.ndim - 1)]
    if weight.numel() not in (1, channels) or weight.ndim > 1:
        raise RuntimeError(
            f"prelu: expected a weight of shape [1] or, one per channel, [{channels}] for an "
            f"input of shape {list(input.shape)}, got {list(weight.shape)}"
        )
    if weight.ndim and weight.numel() > 1:
        weight = weight.reshape(-1, *(1,) * max(input.ndim - 2, 0))
    elif weight.ndim:
        weight = weight.reshape(())
    return autograd.where(input > 0, input, weight * input)


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
    return _run(_leaky, input, inplace, slope)


def _leaky(input: Tensor, slope: Any) -> Tensor:
    return autograd.where(input > 0, input, slope * input)


def elu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """input where positive, alpha · (exp(input) - 1) elsewhere (Clevert et al., 2016)."""
    return _run(primitive.elu, input, inplace, alpha)


def celu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """max(0, input) + min(0, alpha · (exp(input / alpha) - 1)) (Barron, 2017)."""
    if alpha == 0:
        raise RuntimeError("celu: alpha must not be 0")
    return _run(primitive.celu, input, inplace, alpha)


def selu(input: Tensor, inplace: bool = False) -> Tensor:
    """The self-normalizing scaled ELU (Klambauer et al., 2017)."""
    return _run(primitive.selu, input, inplace)


def silu(input: Tensor, inplace: bool = False) -> Tensor:
    """input · sigmoid(input), also called swish (Elfwing et al., 2017)."""
    return _run(primitive.silu, input, inplace)


def mish(input: Tensor, inplace: bool = False) -> Tensor:
    """input · tanh(softplus(input)) (Misra, 2019).

    >>> import autograd, nn
    >>> nn.functional.mish(autograd.tensor([0.0, 1.0]))
    tensor([0.0000, 0.8651])
    """
    return _run(_mish, input, inplace)


def _mish(input: Tensor) -> Tensor:
    return input * softplus(input).tanh()


def hardtanh(
    input: Tensor, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False
) -> Tensor:
    """input limited to [min_val, max_val]."""
    return _run(primitive.hardtanh, input, inplace, min_val, max_val)


def hardsigmoid(input: Tensor, inplace: bool = False) -> Tensor:
    """0 below -3, 1 above 3, and input / 6 + 1/2 between.

    >>> import autograd, nn
    >>> nn.functional.hardsigmoid(autograd.tensor([-4.0, 0.0, 4.0]))
    tensor([0.0000, 0.5000, 1.0000])
    """
    return _run(_hardsigmoid, input, inplace)


def _hardsigmoid(input: Tensor) -> Tensor:
    return primitive.relu6(input + 3) / 6


def hardswish(input: Tensor, inplace: bool = False) -> Tensor:
    """input · hardsigmoid(input) (Howard et al., "Searching for MobileNetV3", 2019)."""
    return _run(_hardswish, input, inplace)


def _hardswish(input: Tensor) -> Tensor:
    return input * _hardsigmoid(input)


def threshold(input: Tensor, threshold: float, value: float, inplace: bool = False) -> Tensor:
    """input where it exceeds `threshold`, `value` elsewhere."""
    return _run(_threshold, input, inplace, threshold, value)


def _threshold(input: Tensor, threshold: float, value: float) -> Tensor:
    return input.masked_fill(input <= threshold, value)  # NaN stays


def hardshrink(input: Tensor, lambd: float = 0.5) -> Tensor:
    """input, but 0 within [-lambd, lambd].

    >>> import autograd, nn
    >>> nn.functional.hardshrink(autograd.tensor([-1.0, 0.3, 1.0]))
    tensor([-1.,  0.,  1.])
    """
    return input.masked_fill(input.abs() <= lambd, 0.0)


def softshrink(input: Tensor, lambd: float = 0.5) -> Tensor:
    """input moved by `lambd` towards 0, and 0 within [-lambd, lambd].

    >>> import autograd, nn
    >>> nn.functional.softshrink(autograd.tensor([-1.0, 0.3, 1.0]))
    tensor([-0.5000,  0.0000,  0.5000])
    """
    if lambd < 0:
        raise RuntimeError(f"softshrink: lambd must be 0 or more, got {lambd}")
    return input - autograd.clamp(input, -lambd, lambd)


def tanhshrink(input: Tensor) -> Tensor:
    """input - tanh(input)."""
    return input - input.tanh()


def softsign(input: Tensor) -> Tensor:
    """input / (1 + |input|)."""
    return input / (input.abs() + 1)


def tanh(input: Tensor) -> Tensor:
    """The hyperbolic tangent."""
    return autograd.tanh(input)


def sigmoid(input: Tensor) -> Tensor:
    """1 / (1 + exp(-input))."""
    return autograd.sigmoid(input)


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


def softmin(
    input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None
) -> Tensor:
    """softmax(-input) along `dim`."""
    if dim is None:
        dim = _implicit_dim("softmin", input.ndim, _stacklevel)
    return autograd.softmax(-input, dim, dtype=dtype)


def log_softmax(
    input: Tensor, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None
) -> Tensor:
    """log(softmax(input)) along `dim`, exact where softmax underflows."""
    if dim is None:
        dim = _implicit_dim("log_softmax", input.ndim, _stacklevel)
    return autograd.log_softmax(input, dim, dtype=dtype)


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
