"""Batch and instance normalization, which may remember the moments of what they have seen."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

import autograd
from autograd import Tensor
from autograd.errors import described

from . import functional as F
from .norm import _Norm


class _RunningNorm(_Norm):
    """Layers that can remember the moments of what they have seen."""

    _version = 2
    running_mean: Tensor | None
    running_var: Tensor | None
    num_batches_tracked: Tensor | None

    def __init__(
        self,
        num_features: int,
        eps: float,
        momentum: float | None,
        affine: bool,
        track_running_stats: bool,
        bias: bool,
        device: Any,
        dtype: Any,
    ) -> None:
        super().__init__()
        self.num_features = num_features
        self.eps = eps
        self.momentum = momentum
        self.affine = affine
        self.track_running_stats = track_running_stats
        self._make_parameters(num_features, affine, affine and bias, device, dtype)
        n, options = num_features, {"device": device, "dtype": dtype}
        tracked = track_running_stats
        self.register_buffer("running_mean", autograd.zeros(n, **options) if tracked else None)
        self.register_buffer("running_var", autograd.ones(n, **options) if tracked else None)
        self.register_buffer("num_batches_tracked", autograd.tensor(0) if tracked else None)
        self.reset_parameters()

    def reset_running_stats(self) -> None:
        """Forgets the moments: zeros for means, ones for variances."""
        if self.running_mean is not None and self.running_var is not None:
            self.running_mean.zero_()
            self.running_var.fill_(1)
        if self.num_batches_tracked is not None:
            self.num_batches_tracked.zero_()

    def reset_parameters(self) -> None:
        """Forgets the moments and makes the weight ones and the bias zeros."""
        self.reset_running_stats()
        super().reset_parameters()

    def extra_repr(self) -> str:
        return (
            f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, "
            f"affine={self.affine}, bias={self.bias is not None}, "
            f"track_running_stats={self.track_running_stats}"
        )

    def _load_from_state_dict(
        self, state_dict: Mapping[str, Any], prefix: str, local_metadata: dict[str, Any], *rest: Any
    ) -> None:
        key = f"{prefix}num_batches_tracked"
        old = (local_metadata.get("version") or 0) < 2  # saved before there was this counter
        if old and self.track_running_stats and key not in state_dict:
            state_dict = {**state_dict, key: self.num_batches_tracked}
        super()._load_from_state_dict(state_dict, prefix, local_metadata, *rest)


class _BatchNorm(_RunningNorm):
    _ranks: tuple[int, ...]

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__(
            num_features, eps, momentum, affine, track_running_stats, bias, device, dtype
        )

    def forward(self, input: Tensor) -> Tensor:
        if input.ndim not in self._ranks:
            expected = " or ".join(f"{rank}D" for rank in self._ranks)
            raise ValueError(
                f"{self._get_name()}({self.num_features}): expected {expected} input (got "
                f"{input.ndim}D input {described(input)})"
            )
        momentum = self.momentum or 0.0
        mean, var = self.running_mean, self.running_var
        if self.training and self.num_batches_tracked is not None:
            self.num_batches_tracked.add_(1)
            if self.momentum is None:  # the plain average over all batches
                momentum = 1.0 / float(self.num_batches_tracked)
        if self.training and not self.track_running_stats:
            mean = var = None
        of_batch = self.training or (mean is None and var is None)
        return F.batch_norm(input, mean, var, self.weight, self.bias, of_batch, momentum, self.eps)


class BatchNorm1d(_BatchNorm):
    """Normalizes each feature over the batch (Ioffe & Szegedy, "Batch normalization", 2015).

    In training mode by the moments of the batch, which also move the running ones; in evaluation
    mode by the running ones.

    Args:
        num_features: the size of dimension 1 of the input.
        eps: added to the variance.
        momentum: how far the running moments move; None for their plain average.
        affine: whether to multiply by a weight and add a bias.
        track_running_stats: whether to have running moments; else the batch's are always used.
        device: "cpu" or None.
        dtype: floating dtype of parameters and buffers (default: the default dtype).
        bias: whether to add a bias.

    Shape:
        input [N, num_features] or [N, num_features, L], output the same.

    >>> import autograd, nn
    >>> nn.BatchNorm1d(3)(autograd.randn(8, 3)).mean(0).abs().max().item() < 1e-6
    True
    """

    _ranks = (2, 3)


class BatchNorm2d(_BatchNorm):
    """Normalizes each channel over the batch and its images; see `BatchNorm1d`.

    Shape:
        input [N, num_features, H, W], output the same.

    >>> import autograd, nn
    >>> nn.BatchNorm2d(3)(autograd.randn(8, 3, 4, 4)).shape
    Size([8, 3, 4, 4])
    """

    _ranks = (4,)


class BatchNorm3d(_BatchNorm):
    """Normalizes each channel over the batch and its volumes; see `BatchNorm1d`.

    Shape:
        input [N, num_features, D, H, W], output the same.
    """

    _ranks = (5,)


class _InstanceNorm(_RunningNorm):
    _dims: int

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = False,
        track_running_stats: bool = False,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__(
            num_features, eps, momentum, affine, track_running_stats, bias, device, dtype
        )

    def forward(self, input: Tensor) -> Tensor:
        axis = input.ndim - self._dims - 1
        if axis not in (0, 1):
            raise ValueError(
                f"{self._get_name()}({self.num_features}): expected {self._dims + 1}D or "
                f"{self._dims + 2}D input (got {input.ndim}D input {described(input)})"
            )
        if input.shape[axis] != self.num_features:
            message = (
                f"{self._get_name()}({self.num_features}): expected input's size at dim={axis} to "
                f"match num_features ({self.num_features}), but got: {input.shape[axis]}"
            )
            if self.affine:
                raise ValueError(message)
            warnings.warn(message, UserWarning, stacklevel=2)
        batched = input if axis else input.unsqueeze(0)
        out = F.instance_norm(
            batched,
            self.running_mean,
            self.running_var,
            self.weight,
            self.bias,
            self.training or not self.track_running_stats,
            self.momentum or 0.0,
            self.eps,
        )
        return out if axis else out.squeeze(0)


class InstanceNorm1d(_InstanceNorm):
    """Normalizes each channel of each sample over its length (Ulyanov et al., 2016).

    Args:
        num_features: channels of the input.
        eps: added to the variance.
        momentum: how far the running moments move.
        affine: whether to multiply by a weight and add a bias.
        track_running_stats: whether to have running moments, for evaluation mode.
        device: "cpu" or None.
        dtype: floating dtype of parameters and buffers (default: the default dtype).
        bias: whether to add a bias, if `affine`.

    Shape:
        input [N, num_features, L] or [num_features, L], output the same.

    >>> import autograd, nn
    >>> nn.InstanceNorm1d(2, eps=0.0)(autograd.tensor([[[1.0, 3.0], [0.0, 4.0]]])).tolist()
    [[[-1.0, 1.0], [-1.0, 1.0]]]
    """

    _dims = 1


class InstanceNorm2d(_InstanceNorm):
    """Normalizes each channel of each image; see `InstanceNorm1d`."""

    _dims = 2


class InstanceNorm3d(_InstanceNorm):
    """Normalizes each channel of each volume; see `InstanceNorm1d`."""

    _dims = 3
