"""Dropout: random zeros while training, scaled so that the mean stays."""

from __future__ import annotations

import math
import warnings

import numpy as np

from autograd import Tensor, get_default_dtype
from autograd.batching.array import as_array
from autograd.inplace import assign
from autograd.random import rng_of
from autograd.registry import public
from autograd.tensor import wrap


def _check_probability(p: float) -> None:
    if not 0.0 <= p <= 1.0:
        raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")


def _kept(shape: tuple[int, ...], p: float) -> np.ndarray:
    """True with probability 1 - p, drawn from autograd's generator."""
    return as_array(rng_of(None).random(shape, dtype=np.float32) >= p)


def _floating(input: Tensor) -> np.dtype:
    return input.dtype if input.dtype.kind == "f" else get_default_dtype()


def _dropped(input: Tensor, shape: tuple[int, ...], p: float, inplace: bool, name: str) -> Tensor:
    """`input` times a mask of `shape`, whose entries are 0 or 1 / (1 - p)."""
    scale = 1 / (1 - p) if p < 1 else 0.0
    mask = (_kept(shape, p) * scale).astype(input.dtype if p == 1 else _floating(input))
    result = input * wrap(mask)
    return assign(input, result, name + "_") if inplace else result


@public(namespace="nn.functional")
def dropout(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Each element is 0 with probability `p`, else divided by 1 - p; as it is if not `training`.

    Srivastava et al., "Dropout", 2014.

    >>> import autograd, nn
    >>> _ = autograd.manual_seed(0)
    >>> sorted(set(nn.functional.dropout(autograd.ones(100)).tolist()))
    [0.0, 2.0]
    """
    _check_probability(p)
    if not training or p == 0:
        return input
    return _dropped(input, input._data.shape, p, inplace, "dropout")


def _channels_dropped(input: Tensor, p: float, inplace: bool, name: str, batched: bool) -> Tensor:
    shape = input._data.shape
    channels = 2 if batched else 1
    return _dropped(input, shape[:channels] + (1,) * (len(shape) - channels), p, inplace, name)


@public(namespace="nn.functional")
def dropout1d(
    input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False
) -> Tensor:
    """Like `dropout` for whole channels: input [N, C, L] or [C, L]."""
    _check_probability(p)
    if input.ndim not in (2, 3):
        raise RuntimeError(
            f"dropout1d: Expected 2D or 3D input, but received a {input.ndim}D input. Its "
            "shape should be [N, C, L] or [C, L]"
        )
    if not training or p == 0:
        return input
    return _channels_dropped(input, p, inplace, "dropout1d", input.ndim == 3)


@public(namespace="nn.functional")
def dropout2d(
    input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False
) -> Tensor:
    """Like `dropout` for whole channels: input [N, C, H, W] (or [N, C, L], as in PyTorch).

    Tompson et al., "Efficient object localization using convolutional networks", 2015.
    """
    _check_probability(p)
    if input.ndim not in (3, 4):
        warnings.warn(
            f"dropout2d: Received a {input.ndim}-D input, which is deprecated; use dropout. Its "
            "shape should be [N, C, H, W]",
            UserWarning,
            stacklevel=2,
        )
    if input.ndim == 3:
        warnings.warn(
            "dropout2d: Received a 3D input, which is taken as [N, C, L]; use dropout1d",
            UserWarning,
            stacklevel=2,
        )
    if not training or p == 0:
        return input
    return _channels_dropped(input, p, inplace, "dropout2d", True)


@public(namespace="nn.functional")
def dropout3d(
    input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False
) -> Tensor:
    """Like `dropout` for whole channels: input [N, C, D, H, W] or [C, D, H, W]."""
    _check_probability(p)
    if input.ndim not in (4, 5):
        warnings.warn(
            f"dropout3d: Received a {input.ndim}-D input, which is deprecated; use dropout. Its "
            "shape should be [N, C, D, H, W] or [C, D, H, W]",
            UserWarning,
            stacklevel=2,
        )
    if not training or p == 0:
        return input
    return _channels_dropped(input, p, inplace, "dropout3d", input.ndim == 5)


_ALPHA = -1.7580993408473766  # the limit of SELU at minus infinity


@public(namespace="nn.functional")
def alpha_dropout(
    input: Tensor, p: float = 0.5, training: bool = False, inplace: bool = False
) -> Tensor:
    """Dropout for SELU networks: keeps mean 0 and variance 1 (Klambauer et al., 2017).

    A dropped element becomes SELU's negative limit, then all are scaled and shifted.
    """
    return _alpha_dropped(input, input._data.shape, p, training, inplace, "alpha_dropout")


@public(namespace="nn.functional")
def feature_alpha_dropout(
    input: Tensor, p: float = 0.5, training: bool = False, inplace: bool = False
) -> Tensor:
    """Like `alpha_dropout` for whole channels: input [N, C, *]."""
    shape = input._data.shape
    mask = shape[:2] + (1,) * (len(shape) - 2)
    return _alpha_dropped(input, mask, p, training, inplace, "feature_alpha_dropout")


def _alpha_dropped(
    input: Tensor, shape: tuple[int, ...], p: float, training: bool, inplace: bool, name: str
) -> Tensor:
    _check_probability(p)
    if not training or p == 0:
        return input
    if p == 1:
        return _dropped(input, shape, p, inplace, name)
    kept = _kept(shape, p)
    # x -> a (x m + ALPHA (1 - m)) + b with Bernoulli(1 - p) m keeps mean 0 and variance 1.
    a = 1 / math.sqrt((1 - p) * (1 + p * _ALPHA**2))
    b = -a * p * _ALPHA
    dtype = _floating(input)
    scale = np.where(kept, a, 0.0).astype(dtype)
    shift = np.where(kept, b, a * _ALPHA + b).astype(dtype)
    result = input * wrap(scale) + wrap(shift)
    return assign(input, result, name + "_") if inplace else result
