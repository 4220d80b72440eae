"""A batch norm after a convolution or a linear layer, computed into the layer's weights.

In eval mode `(y - mean) / sqrt(var + eps) * w + b` of `y = kernel * x + bias` is again a layer of
the same kind.
"""

from __future__ import annotations

import copy
from typing import Any, TypeVar

import autograd
from autograd import Tensor

from ..module import Module
from ..parameter import Parameter

Layer = TypeVar("Layer", bound=Module)


def fuse_conv_bn_eval(conv: Layer, bn: Module, transpose: bool = False) -> Layer:
    """A new convolution that computes `bn(conv(x))`; both must be in eval mode.

    `transpose` is for transposed convolutions, which have their output channels second.

    >>> import autograd, nn
    >>> conv, bn = nn.Conv2d(1, 2, 3).eval(), nn.BatchNorm2d(2).eval()
    >>> x = autograd.randn(1, 1, 4, 4)
    >>> autograd.allclose(nn.utils.fuse_conv_bn_eval(conv, bn)(x), bn(conv(x)), atol=1e-6)
    True
    """
    return _fused(conv, bn, fuse_conv_bn_weights, transpose)


def fuse_linear_bn_eval(linear: Layer, bn: Module) -> Layer:
    """A new linear layer that computes `bn(linear(x))`; both must be in eval mode.

    >>> import autograd, nn
    >>> layer, norm = nn.Linear(3, 2).eval(), nn.BatchNorm1d(2).eval()
    >>> x = autograd.randn(4, 3)
    >>> autograd.allclose(norm(layer(x)), fuse_linear_bn_eval(layer, norm)(x), atol=1e-6)
    True
    """
    out, features = linear.out_features, bn.num_features
    if features not in (out, 1):
        raise AssertionError(
            "To fuse, linear.out_features == bn.num_features or bn.num_features == 1, got "
            f"linear.out_features={out} and bn.num_features={features}"
        )
    return _fused(linear, bn, fuse_linear_bn_weights)


def _fused(layer: Layer, bn: Any, fuse: Any, *options: bool) -> Layer:
    if layer.training or bn.training:
        raise AssertionError("Fusion only for eval! Call .eval() on both modules first")
    if bn.running_mean is None or bn.running_var is None:
        raise AssertionError("bn.running_mean and bn.running_var must not be None")
    fused = copy.deepcopy(layer)
    statistics = (bn.running_mean, bn.running_var, bn.eps, bn.weight, bn.bias)
    fused.weight, fused.bias = fuse(fused.weight, fused.bias, *statistics, *options)
    return fused


def fuse_conv_bn_weights(
    conv_w: Tensor,
    conv_b: Tensor | None,
    bn_rm: Tensor,
    bn_rv: Tensor,
    bn_eps: float,
    bn_w: Tensor | None,
    bn_b: Tensor | None,
    transpose: bool = False,
) -> tuple[Parameter, Parameter]:
    """Weight and bias of the fused convolution."""
    shape = [1] * conv_w.ndim
    shape[1 if transpose else 0] = -1
    return _weights(conv_w, conv_b, bn_rm, bn_rv, bn_eps, bn_w, bn_b, shape)


def fuse_linear_bn_weights(
    linear_w: Tensor,
    linear_b: Tensor | None,
    bn_rm: Tensor,
    bn_rv: Tensor,
    bn_eps: float,
    bn_w: Tensor | None,
    bn_b: Tensor | None,
) -> tuple[Parameter, Parameter]:
    """Weight and bias of the fused linear layer."""
    return _weights(linear_w, linear_b, bn_rm, bn_rv, bn_eps, bn_w, bn_b, [-1, 1])


@autograd.no_grad()
def _weights(
    w: Tensor,
    b: Tensor | None,
    mean: Tensor,
    var: Tensor,
    eps: float,
    scale: Tensor | None,
    shift: Tensor | None,
    shape: list[int],
) -> tuple[Parameter, Parameter]:
    factor = autograd.rsqrt(var + eps)
    if scale is not None:
        factor = factor * scale
    bias = -mean * factor if b is None else (b - mean) * factor
    if shift is not None:
        bias = bias + shift
    learned = b is None or b.requires_grad
    return (
        Parameter((w * factor.reshape(shape)).to(w.dtype), w.requires_grad),
        Parameter(bias.to(w.dtype if b is None else b.dtype), learned),
    )
