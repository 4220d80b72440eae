"""What the rules and the argument checks of several families share."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..axes import axis_of
from ..creation import as_tensor
from ..dtypes import as_dtype, get_default_dtype
from ..errors import DtypeError, described
from ..random import rng_of
from ..tensor import Tensor, wrap


def floating_only(name: str, x: Any, *also: Any) -> None:
    """Raises unless `x` has a floating dtype, or one of `also`: in others a mean is cut off, and
    small integers overflow on the way."""
    if x.dtype.kind != "f" and x.dtype not in also:
        raise DtypeError(f"{name}: not defined for {described(x)}; convert with .float()")


def kept(g: Any, like: tuple[int, ...], axes: tuple[int, ...]) -> Any:
    """A reduced `g` with the dimensions it was reduced over, whether they were kept or not."""
    return g.reshape(tuple([1 if i in axes else n for i, n in enumerate(like)]))


def spread(g: Any, like: tuple[int, ...], axes: tuple[int, ...]) -> Any:
    """A reduced `g` over the shape it was reduced from."""
    g = kept(g, like, axes)
    if type(g) is not np.ndarray or math.prod(like) > 1000:
        return np.broadcast_to(g, like)
    out = np.empty(like, g.dtype)  # for little a third of the time
    out[...] = g
    return out


def passing(g: Any, mask: Any, out: np.ndarray | None = None) -> Any:
    """`g` where the bool `mask` holds, 0 elsewhere, also for an infinite `g`.

    On arrays it multiplies the bits of `g`, read as integers, by 0 or 1: as fast as a product of
    floats, where np.where takes ten times as long if the mask has no pattern.

    >>> passing(np.array([np.inf, -2.0]), np.array([False, True]))
    array([ 0., -2.])
    """
    if type(g) is np.ndarray and type(mask) is np.ndarray:
        bits = _BITS[g.dtype.itemsize]
        if out is None:
            return np.multiply(g.view(bits), mask).view(g.dtype)
        np.multiply(g.view(bits), mask, out=out.view(bits))
        return out
    if isinstance(g, np.generic):
        return g if mask else type(g)(0)
    return np.where(mask, g, 0.0)


_BITS = {n: np.dtype(f"i{n}") for n in (1, 2, 4, 8)}


def nonzero(x: Any) -> Any:
    """`x` with 1 in the place of 0, for a quotient that is 0 there."""
    return np.where(x == 0, 1.0, x)


def above_minus_infinity(out: Any) -> Any:
    """A log-sum `out` with 0 for -inf: where every term is -inf, the gradient is 0 and not NaN."""
    return np.where(out == -np.inf, 0.0, out)


def log1p_exp(x: Any) -> Any:
    """log(1 + exp(x)) without overflow; np.logaddexp is ten times as slow."""
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


def part(x: Any, axis: int, *bounds: int | None) -> Any:
    """`x[slice(*bounds)]` along `axis`."""
    return x[(slice(None),) * axis + (slice(*bounds), ...)]


def cast(input: Any, dtype: Any) -> Tensor:
    """`input` as a tensor, in `dtype` unless that is None."""
    x = as_tensor(input)
    return x if dtype is None else x.to(as_dtype(dtype))


def as_float(input: Any) -> Tensor:
    """`input` as a tensor; integers and bools become the default float."""
    x = as_tensor(input)
    return x if x.dtype.kind == "f" else x.to(get_default_dtype())


def floating(input: Any, name: str) -> Tensor:
    """`input` as a tensor, refused unless it is floating."""
    x = as_tensor(input)
    if x.dtype.kind != "f":
        raise RuntimeError(f"{name}: only floating tensors are possible, got dtype {x.dtype}")
    return x


def line(input: Any, dim: Any) -> tuple[Tensor, int]:
    """`input` with at least one dimension, and `dim` as an axis of it.

    A 0-d tensor becomes one of one element, and `like` makes the result 0-d again.
    """
    x = as_tensor(input)
    axis = axis_of(dim, x._data.ndim)
    return (x if x._data.ndim else x.reshape(1)), axis


def like(result: Any, input: Any) -> Any:
    """A result for `line(input, ...)`, 0-d again if `input` was and the result has one element."""
    return result if np.ndim(input) or result.shape != (1,) else result.reshape(())


def dropout_mask(shape: tuple[int, ...], p: float, dtype: Any) -> np.ndarray:
    """0 at random places, a share `p` of them, and 1 / (1 - p) elsewhere."""
    stays = rng_of(None).random(shape, dtype=np.float32) >= p
    return (stays / max(1 - p, 1e-9)).astype(dtype)


def dropped(x: Tensor, p: float) -> Tensor:
    """`x` with zeros at random places, a share `p` of them, and what stays divided by 1 - p."""
    return x * wrap(dropout_mask(x.shape, p, x.dtype))
