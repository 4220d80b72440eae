"""Normalization layers; their formulas are in autograd/ops/normalization.py."""

from __future__ import annotations

from typing import Any

import autograd
from autograd import Tensor

from . import functional as F, init
from .module import Module
from .parameter import Parameter


class _Norm(Module):
    """What all layers share that multiply by a weight and add a bias."""

    weight: Parameter | None
    bias: Parameter | None

    def _make_parameters(
        self, shape: Any, weight: bool, bias: bool, device: Any, dtype: Any
    ) -> None:
        for name, wanted in (("weight", weight), ("bias", bias)):
            tensor = (
                Parameter(autograd.empty(shape, device=device, dtype=dtype)) if wanted else None
            )
            self.register_parameter(name, tensor)

    def reset_parameters(self) -> None:
        """Makes the weight ones and the bias zeros."""
        if self.weight is not None:
            init.ones_(self.weight)
        if self.bias is not None:
            init.zeros_(self.bias)


class LayerNorm(_Norm):
    """Normalizes over the last dimensions (Ba, Kiros & Hinton, "Layer normalization", 2016).

    Args:
        normalized_shape: the sizes of the dimensions to normalize over; a number for the last.
        eps: added to the variance.
        elementwise_affine: whether to multiply by a weight and add a bias.
        bias: whether to add a bias.
        device: "cpu" or None.
        dtype: floating dtype of the parameters (default: the default dtype).

    Attributes:
        weight: of shape `normalized_shape`, ones at first.
        bias: likewise, zeros at first.

    >>> import autograd, nn
    >>> nn.LayerNorm(2, eps=0.0)(autograd.tensor([[1.0, 3.0]])).tolist()
    [[-1.0, 1.0]]
    """

    def __init__(
        self,
        normalized_shape: Any,
        eps: float = 1e-5,
        elementwise_affine: bool = True,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.normalized_shape = _shape(normalized_shape)
        self.eps = eps
        self.elementwise_affine = elementwise_affine
        self._make_parameters(
            self.normalized_shape, elementwise_affine, elementwise_affine and bias, device, dtype
        )
        self.reset_parameters()

    def forward(self, input: Tensor) -> Tensor:
        return F.layer_norm(input, self.normalized_shape, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        return (
            f"{self.normalized_shape}, eps={self.eps}, "
            f"elementwise_affine={self.elementwise_affine}, bias={self.bias is not None}"
        )


def _shape(sizes: Any) -> tuple[int, ...]:
    return (sizes,) if isinstance(sizes, int) else tuple(sizes)


class RMSNorm(_Norm):
    """Divides by the root mean square over the last dimensions (Zhang & Sennrich, 2019).

    Args:
        normalized_shape: the sizes of the dimensions to normalize over; a number for the last.
        eps: added to the mean square (default: the machine epsilon of the input's dtype).
        elementwise_affine: whether to multiply by a weight.
        device: "cpu" or None.
        dtype: floating dtype of the weight (default: the default dtype).

    >>> import autograd, nn
    >>> nn.RMSNorm(2, eps=0.0)(autograd.tensor([[1.0, 1.0]])).tolist()
    [[1.0, 1.0]]
    """

    def __init__(
        self,
        normalized_shape: Any,
        eps: float | None = None,
        elementwise_affine: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.normalized_shape = _shape(normalized_shape)
        self.eps = eps
        self.elementwise_affine = elementwise_affine
        weight = None
        if elementwise_affine:
            empty = autograd.empty(self.normalized_shape, device=device, dtype=dtype)
            weight = Parameter(empty)
        self.register_parameter("weight", weight)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Makes the weight ones."""
        if self.weight is not None:
            init.ones_(self.weight)

    def forward(self, input: Tensor) -> Tensor:
        return F.rms_norm(input, self.normalized_shape, self.weight, self.eps)

    def extra_repr(self) -> str:
        return (
            f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}"
        )


class GroupNorm(_Norm):
    """Normalizes groups of channels of each sample (Wu & He, "Group normalization", 2018).

    Args:
        num_groups: how many groups; must divide `num_channels`.
        num_channels: the size of dimension 1 of the input.
        eps: added to the variance.
        affine: whether to multiply by a weight and add a bias, one number each per channel.
        device: "cpu" or None.
        dtype: floating dtype of the parameters (default: the default dtype).
        bias: whether to add a bias.

    >>> import autograd, nn
    >>> nn.GroupNorm(2, 6)(autograd.randn(4, 6, 8, 8)).shape
    Size([4, 6, 8, 8])
    """

    def __init__(
        self,
        num_groups: int,
        num_channels: int,
        eps: float = 1e-5,
        affine: bool = True,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__()
        if num_channels % num_groups:
            raise ValueError(
                f"num_channels ({num_channels}) must be divisible by num_groups ({num_groups})"
            )
        self.num_groups = num_groups
        self.num_channels = num_channels
        self.eps = eps
        self.affine = affine
        self._make_parameters(num_channels, affine, affine and bias, device, dtype)
        self.reset_parameters()

    def forward(self, input: Tensor) -> Tensor:
        return F.group_norm(input, self.num_groups, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        return (
            f"{self.num_groups}, {self.num_channels}, eps={self.eps}, affine={self.affine}, "
            f"bias={self.bias is not None}"
        )


class LocalResponseNorm(Module):
    """input / (k + alpha · mean square over neighbouring channels)^beta (Krizhevsky et al., 2012).

    Args:
        size: how many channels count.
        alpha, beta, k: as in the formula.
    """

    def __init__(self, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> None:
        super().__init__()
        self.size = size
        self.alpha = alpha
        self.beta = beta
        self.k = k

    def forward(self, input: Tensor) -> Tensor:
        return F.local_response_norm(input, self.size, self.alpha, self.beta, self.k)

    def extra_repr(self) -> str:
        return f"{self.size}, alpha={self.alpha}, beta={self.beta}, k={self.k}"
