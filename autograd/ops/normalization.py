"""Normalization: layer, RMS, group, batch and instance norm, over two primitives (normalize.py)."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..creation import as_tensor
from ..errors import ShapeError, described
from ..inplace import write
from ..registry import public
from ..tensor import Tensor
from .averaging import AvgPool
from .common import floating_only
from .normalize import ChannelNorm, Normalize
from .windows import Windows


def _checked(input: Any, weight: Any, bias: Any, shape: tuple[int, ...], name: str) -> Tensor:
    """`input` as a tensor, after checks of dtype and of the parameters' shape."""
    x = as_tensor(input)
    if x.dtype.kind != "f":
        raise NotImplementedError(f"{name}: only for floating tensors, got {described(x)}")
    for what, parameter in (("weight", weight), ("bias", bias)):
        if parameter is not None and tuple(parameter.shape) != shape:
            raise ShapeError(
                f"{name}: for the input {described(x)} the {what} must have shape {shape}, got "
                f"{described(parameter)}"
            )
    return x


def _trailing(x: Tensor, normalized_shape: Any, name: str) -> tuple[int, ...]:
    """The axes that `normalized_shape` stands for."""
    shape = tuple(normalized_shape)
    if not shape or tuple(x.shape[-len(shape) :]) != shape:
        raise ShapeError(
            f"{name}: normalized_shape {shape} must be the last sizes (at least one) of the "
            f"input {described(x)}"
        )
    return tuple(range(x.ndim - len(shape), x.ndim))


@public(namespace="nn.functional", op=Normalize)
def layer_norm(
    input: Tensor,
    normalized_shape: Any,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
) -> Tensor:
    """Normalizes over the last dimensions (Ba, Kiros & Hinton, "Layer normalization", 2016).

    Args:
        input: of shape (*, *normalized_shape).
        normalized_shape: the sizes of the dimensions to normalize over.
        weight, bias: of shape `normalized_shape`; what the result is multiplied by and plus.
        eps: added to the variance.

    >>> import autograd, nn
    >>> nn.functional.layer_norm(autograd.tensor([[1.0, 3.0]]), (2,), eps=0.0)
    tensor([[-1.,  1.]])
    """
    x = _checked(input, weight, bias, tuple(normalized_shape), "layer_norm")
    axes = _trailing(x, normalized_shape, "layer_norm")
    return Normalize.apply(x, weight, bias, axes, float(eps), True)


@public(namespace="nn.functional", op=Normalize)
def rms_norm(
    input: Tensor,
    normalized_shape: Any,
    weight: Tensor | None = None,
    eps: float | None = None,
) -> Tensor:
    """Divides by the root mean square over the last dimensions (Zhang & Sennrich, 2019).

    Args:
        input: of shape (*, *normalized_shape).
        normalized_shape: the sizes of the dimensions to normalize over.
        weight: of shape `normalized_shape`; what the result is multiplied by.
        eps: added to the mean square (default: the machine epsilon of the dtype).

    >>> import autograd, nn
    >>> nn.functional.rms_norm(autograd.tensor([[3.0, 4.0, 5.0, 0.0]]), (4,))
    tensor([[0.8485, 1.1314, 1.4142, 0.0000]])
    """
    x = _checked(input, weight, None, tuple(normalized_shape), "rms_norm")
    axes = _trailing(x, normalized_shape, "rms_norm")
    eps = float(np.finfo(x.dtype).eps if eps is None else eps)
    return Normalize.apply(x, weight, None, axes, eps, False)


def _per_channel(parameter: Any, ndim: int) -> Any:
    """One number per channel, in a shape that broadcasts against (N, C, ...)."""
    return None if parameter is None else parameter.reshape(-1, *(1,) * (ndim - 2))


@public(namespace="nn.functional", op=ChannelNorm)
def group_norm(
    input: Tensor,
    num_groups: int,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
) -> Tensor:
    """Normalizes each of `num_groups` groups of channels of each sample (Wu & He, 2018).

    Args:
        input: of shape (N, C, *).
        num_groups: how many groups; must divide C.
        weight, bias: of shape (C,).
        eps: added to the variance.

    >>> import autograd, nn
    >>> nn.functional.group_norm(autograd.tensor([[1.0, 3.0, 0.0, 4.0]]), 2, eps=0.0)
    tensor([[-1.,  1., -1.,  1.]])
    """
    if input.ndim < 2 or num_groups < 1 or input.shape[1] % num_groups:
        raise ShapeError(
            f"group_norm: {num_groups} groups must divide dimension 1 of the input, of at least "
            f"2 dimensions; got {described(input)}"
        )
    n, channels = input.shape[:2]
    x = _checked(input, weight, bias, (channels,), "group_norm")
    _more_than_one(x, n * channels // num_groups * math.prod(x.shape[2:]), "group_norm")
    return ChannelNorm.apply(x, weight, bias, num_groups, float(eps), [])


def _more_than_one(x: Tensor, count: int, name: str) -> None:
    if count == 1:
        raise ValueError(
            f"{name}: expected more than 1 value per channel to normalize, got {described(x)}"
        )


def _affine(x: Any, weight: Any, bias: Any) -> Any:
    """weight · x + bias, with one number each per channel."""
    if weight is not None:
        x = x * _per_channel(weight, x.ndim)
    return x if bias is None else x + _per_channel(bias, x.ndim)


@public(namespace="nn.functional", op=ChannelNorm)
def batch_norm(
    input: Tensor,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """Normalizes each channel over the batch (Ioffe & Szegedy, "Batch normalization", 2015).

    Args:
        input: of shape (N, C, *).
        running_mean, running_var: of shape (C,). Training moves them towards the batch's mean and
            unbiased variance, in place; else they are what the input is normalized with.
        weight, bias: of shape (C,).
        training: whether to normalize with the moments of this batch.
        momentum: how far the running moments move.
        eps: added to the variance.

    >>> import autograd, nn
    >>> x = autograd.tensor([[1.0, 0.0], [3.0, 4.0]])
    >>> nn.functional.batch_norm(x, None, None, training=True, eps=1e-12)
    tensor([[-1., -1.],
            [ 1.,  1.]])
    """
    channels = (input.shape[1] if input.ndim > 1 else 0,)
    x = _checked(input, weight, bias, channels, "batch_norm")
    _check_running(x, running_mean, running_var, "batch_norm", needed=not training)
    if eps < 0 or (training and eps == 0):
        raise ValueError(f"batch_norm: eps must be positive, got {eps}")
    if not training:
        return _with_running(x, running_mean, running_var, weight, bias, eps)
    moments: list[Any] = []
    count = x.shape[0] * math.prod(x.shape[2:])
    _more_than_one(x, count, "batch_norm")
    out = ChannelNorm.apply(x, weight, bias, 0, float(eps), moments)
    mean, var = moments
    _move_running(running_mean, running_var, mean, var, count, momentum)
    return out


def _check_running(x: Tensor, mean: Any, var: Any, name: str, needed: bool) -> None:
    for what, buffer in (("running_mean", mean), ("running_var", var)):
        if buffer is None and needed:
            raise RuntimeError(f"{name}: {what} is needed where the input's moments are not used")
        if buffer is not None and (x.ndim < 2 or tuple(buffer.shape) != (x.shape[1],)):
            raise ShapeError(
                f"{name}: {what} must have one element per channel of the input {described(x)}, "
                f"got {described(buffer)}"
            )


def _with_running(x: Any, mean: Any, var: Any, weight: Any, bias: Any, eps: float) -> Any:
    """The input normalized with given moments: one multiplication and one addition."""
    scale = 1 / (var + eps).sqrt()
    scale = scale if weight is None else scale * weight
    shift = -mean * scale if bias is None else bias - mean * scale
    return _affine(x, scale, shift)


def _move_running(
    running_mean: Any, running_var: Any, mean: Any, var: Any, count: int, momentum: float
) -> None:
    """Moves the running moments towards those of a batch, the variance unbiased."""
    for running, value in (
        (running_mean, mean),
        (running_var, var * (count / max(count - 1, 1))),
    ):
        if running is not None and count:
            step = momentum * (value.reshape(-1) - running._data)
            write(running, ..., running._data + step, "batch_norm")


@public(namespace="nn.functional", op=ChannelNorm)
def instance_norm(
    input: Tensor,
    running_mean: Tensor | None = None,
    running_var: Tensor | None = None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    use_input_stats: bool = True,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """Normalizes each channel of each sample over its spatial dimensions (Ulyanov et al., 2016).

    Args:
        input: of shape (N, C, *), with spatial dimensions.
        running_mean, running_var: of shape (C,), moved towards the means over the batch of the
            samples' moments, in place.
        weight, bias: of shape (C,).
        use_input_stats: whether to normalize with the samples' moments, or the running ones.
        momentum: how far the running moments move.
        eps: added to the variance.

    >>> import autograd, nn
    >>> nn.functional.instance_norm(autograd.tensor([[[1.0, 3.0], [0.0, 4.0]]]), eps=0.0)
    tensor([[[-1.,  1.],
             [-1.,  1.]]])
    """
    channels = (input.shape[1] if input.ndim > 1 else 0,)
    x = _checked(input, weight, bias, channels, "instance_norm")
    _check_running(x, running_mean, running_var, "instance_norm", needed=not use_input_stats)
    if not use_input_stats:
        return _with_running(x, running_mean, running_var, weight, bias, eps)
    count = math.prod(x.shape[2:])
    if count == 1:
        raise ValueError(f"instance_norm: expected more than 1 spatial element, got {described(x)}")
    moments: list[Any] = []
    out = ChannelNorm.apply(x, weight, bias, x.shape[1], float(eps), moments)
    mean, var = (m.reshape(x.shape[:2]).mean(0) for m in moments)
    _move_running(running_mean, running_var, mean, var, count, momentum)
    return out


@public(namespace="nn.functional")
def local_response_norm(
    input: Tensor, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0
) -> Tensor:
    """input / (k + alpha · mean square over `size` channels)^beta (Krizhevsky et al., 2012).

    Args:
        input: of shape (N, C, *), with spatial dimensions.
        size: how many neighbouring channels count, zeros beyond the ends.
        alpha, beta, k: as in the formula.

    >>> import autograd, nn
    >>> nn.functional.local_response_norm(autograd.ones(1, 2, 2), 2, alpha=2.0, beta=1.0)
    tensor([[[0.5000, 0.5000],
             [0.3333, 0.3333]]])
    """
    if input.ndim < 3:
        raise ValueError(
            f"local_response_norm: expected at least 3 dimensions, got {described(input)}"
        )
    x = as_tensor(input)
    if 0 in x.shape:
        return x
    floating_only("local_response_norm", x, np.int64)
    n, channels = x.shape[:2]
    rows = (x * x).reshape(n, 1, channels, math.prod(x.shape[2:]))
    windows = Windows(
        (channels, rows.shape[3]),
        (size, 1),
        tuple(rows.shape[2:]),
        (1, 1),
        (size // 2, 0),
        ((size - 1) // 2, 0),
        (1, 1),
    )
    mean = AvgPool.apply(rows, windows, size).reshape(x.shape)
    return x / (mean * alpha + k) ** beta
