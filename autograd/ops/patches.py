"""Patches as columns, and channels as pixels: unfold, fold and the shuffles."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..batching.folding import folding
from ..creation import as_tensor
from ..errors import ShapeError, described
from ..function import Op
from ..registry import public
from ..tensor import Tensor
from .windows import Windows, batched, per_dimension, positions, restored


class Unfold(Op):
    op_name, public = "unfold_patches", False
    backward = {"x": lambda g, windows: Fold.call(g, windows)}
    formula = {"x": "each column of g added to its patch"}
    batch = folding({0: 0})

    def forward(x, windows):
        if windows.padded != windows.size:
            padded = np.zeros((*x.shape[:2], *windows.padded), x.dtype)
            padded[:, :, *windows.inner()] = x
            x = padded
        out = np.empty((*x.shape[:2], math.prod(windows.kernel), *windows.out), x.dtype)
        for k, s in enumerate(windows.offsets()):
            out[:, :, k] = x[:, :, *s]
        return out.reshape(len(x), out.shape[1] * out.shape[2], math.prod(windows.out))


class Fold(Op):
    op_name, public = "fold_patches", False
    backward = {"x": lambda g, windows: Unfold.call(g, windows)}
    formula = {"x": "the patches of g as columns"}
    batch = folding({0: 0})

    def forward(x, windows):
        elements = math.prod(windows.kernel)
        channels = x.shape[1] // elements
        parts = x.reshape(len(x), channels, elements, *windows.out)
        out = np.zeros((len(x), channels, *windows.padded), x.dtype)
        for k, s in enumerate(windows.offsets()):
            out[:, :, *s] += parts[:, :, k]
        return out[:, :, *windows.inner()]


def _windows(
    size: tuple[int, ...], kernel_size: Any, dilation: Any, padding: Any, stride: Any, name: str
) -> Windows:
    kernel = per_dimension(kernel_size, 2, name, "kernel_size", 1)
    dilation = per_dimension(dilation, 2, name, "dilation", 1)
    padding = per_dimension(padding, 2, name, "padding", 0)
    stride = per_dimension(stride, 2, name, "stride", 1)
    return positions(size, kernel, stride, padding, padding, dilation, name)


@public(namespace="nn.functional", op=Unfold)
def unfold(
    input: Tensor, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1
) -> Tensor:
    """The patches that a kernel would meet, one per column ("im2col").

    Args:
        input: of shape (N, C, H, W) or (C, H, W).
        kernel_size: the size of a patch; a number, or one per dimension, as all below.
        dilation: the distance of a patch's elements.
        padding: zeros added on both sides.
        stride: the distance of patches.

    Returns (N, C · elements of a patch, number of patches), without N if the input had none.

    >>> import autograd, nn
    >>> nn.functional.unfold(autograd.ones(1, 3, 4, 5), 2).shape
    Size([1, 12, 12])
    """
    x, was_batched = batched(input, 2, "unfold")
    if 0 in x.shape[1:]:
        raise ShapeError(f"unfold: only the batch can be empty, got {described(x)}")
    windows = _windows(x._data.shape[2:], kernel_size, dilation, padding, stride, "unfold")
    return restored(Unfold.apply(x, windows), was_batched)


@public(namespace="nn.functional", op=Fold)
def fold(
    input: Tensor,
    output_size: Any,
    kernel_size: Any,
    dilation: Any = 1,
    padding: Any = 0,
    stride: Any = 1,
) -> Tensor:
    """The image in which each column of `input` is added at its patch: the adjoint of `unfold`.

    Args:
        input: of shape (N, C · elements of a patch, number of patches), or without N.
        output_size: the height and width of the image.
        kernel_size, dilation, padding, stride: as in `unfold`.

    Returns (N, C, height, width), without N if the input had none.

    >>> import autograd, nn
    >>> nn.functional.fold(autograd.ones(1, 12, 12), (4, 5), 2).shape
    Size([1, 3, 4, 5])
    """
    x, was_batched = batched(input, 1, "fold")
    size = per_dimension(output_size, 2, "fold", "output_size", 1)
    windows = _windows(size, kernel_size, dilation, padding, stride, "fold")
    columns = math.prod(windows.out)
    if x.shape[1] == 0 or x.shape[1] % math.prod(windows.kernel) or x.shape[2] != columns:
        raise ShapeError(
            f"fold: for output_size {size} and kernel {windows.kernel} the input must have "
            f"{columns} columns and a multiple of {math.prod(windows.kernel)} rows, got "
            f"{described(x)}"
        )
    return restored(Fold.apply(x, windows), was_batched)


@public("pixel_shuffle", method=False, aliases=("nn.functional.pixel_shuffle",))
def pixel_shuffle(input: Tensor, upscale_factor: int) -> Tensor:
    """(*, C r², H, W) as (*, C, H r, W r): groups of r² channels become blocks of pixels.

    Shi et al., "Real-time single image and video super-resolution", 2016.

    >>> import autograd, nn
    >>> nn.functional.pixel_shuffle(autograd.ones(1, 8, 2, 3), 2).shape
    Size([1, 2, 4, 6])
    """
    x, r = as_tensor(input), upscale_factor
    if x.ndim < 3 or r < 1 or x.shape[-3] % (r * r):
        raise ShapeError(
            f"pixel_shuffle: the channels (third dimension from the end) must be a multiple of "
            f"{r}²; got {described(x)}"
        )
    *batch, channels, height, width = x.shape
    n = len(batch)
    parts = x.reshape(*batch, channels // (r * r), r, r, height, width)
    order = (*range(n), n, n + 3, n + 1, n + 4, n + 2)
    return parts.permute(order).reshape(*batch, channels // (r * r), height * r, width * r)


@public("pixel_unshuffle", method=False, aliases=("nn.functional.pixel_unshuffle",))
def pixel_unshuffle(input: Tensor, downscale_factor: int) -> Tensor:
    """(*, C, H r, W r) as (*, C r², H, W): the inverse of `pixel_shuffle`.

    >>> import autograd, nn
    >>> nn.functional.pixel_unshuffle(autograd.ones(1, 2, 4, 6), 2).shape
    Size([1, 8, 2, 3])
    """
    x, r = as_tensor(input), downscale_factor
    if x.ndim < 3 or r < 1 or x.shape[-1] % r or x.shape[-2] % r:
        raise ShapeError(
            f"pixel_unshuffle: height and width must be multiples of {r}; got {described(x)}"
        )
    *batch, channels, height, width = x.shape
    n = len(batch)
    parts = x.reshape(*batch, channels, height // r, r, width // r, r)
    order = (*range(n), n, n + 2, n + 4, n + 1, n + 3)
    return parts.permute(order).reshape(*batch, channels * r * r, height // r, width // r)


@public("channel_shuffle", method=False, aliases=("nn.functional.channel_shuffle",))
def channel_shuffle(input: Tensor, groups: int) -> Tensor:
    """The channels in the order that takes one of each group in turn (Zhang et al., 2018).

    >>> import autograd, nn
    >>> x = autograd.arange(4.0).reshape(1, 4, 1)
    >>> nn.functional.channel_shuffle(x, 2).flatten()
    tensor([0., 2., 1., 3.])
    """
    x = as_tensor(input)
    if x.ndim < 3 or groups < 1 or x.shape[1] % groups:
        raise ShapeError(
            f"channel_shuffle: the channels (dimension 1 of at least 3) must be a multiple of "
            f"the {groups} groups; got {described(x)}"
        )
    n, channels, *sizes = x.shape
    parts = x.reshape(n, groups, channels // groups, *sizes)
    return parts.transpose(1, 2).reshape(x.shape)
