"""Operations that leave out the elements where a mask is False, `autograd.masked` in the API.

What is left out is replaced by the value that does not count: 0 in a sum, -∞ in a maximum.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ..axes import axes_of
from ..registry import public
from ..tensor import Tensor
from .activation import log_softmax, softmax
from .common import cast
from .compare import clamp_min
from .extrema import amax, amin, argmax, argmin
from .norms import vector_norm
from .order_statistics import nanmedian
from .pointwise import LogAddExp, Sqrt
from .reduce import Prod, logsumexp, sum
from .scan import cumprod, cumsum
from .where import where

Fill = Callable[[np.dtype], float]


def _lowest(dtype: np.dtype) -> float:
    return -math.inf if dtype.kind == "f" else int(np.iinfo(dtype).min)


def _highest(dtype: np.dtype) -> float:
    return math.inf if dtype.kind == "f" else int(np.iinfo(dtype).max)


def _filled(input: Any, mask: Any, dtype: Any, fill: Fill) -> Any:
    x = cast(input, dtype)
    return x if mask is None else where(mask, x, fill(x.dtype))


def _count(x: Any, mask: Any, dim: Any, keepdim: bool) -> Any:
    """How many elements count, over `dim`."""
    counted = np.ones(x.shape, x.dtype)
    return sum(counted if mask is None else where(mask, counted, 0.0), dim, keepdim)


def _named(function: Any, name: str, doc: str) -> None:
    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"{doc}, leaving out elements where `mask` is False."
    public(name, namespace="masked")(function)


def _reduction(name: str, function: Any, fill: Fill, what: str) -> Any:
    def reduced(
        input: Any, dim: Any = None, *, keepdim: bool = False, dtype: Any = None, mask: Any = None
    ) -> Tensor:
        return function(_filled(input, mask, dtype, fill), dim, keepdim)

    _named(reduced, name, f"{what} over `dim`, or over all elements")
    return reduced


def _index(function: Any) -> Any:
    """In the dtype of the input, as PyTorch has it here."""
    return lambda x, dim, keepdim: function(x, dim, keepdim).to(x.dtype)


_sum = _reduction("sum", sum, lambda _: 0, "The sum")
_reduction(
    "prod",
    lambda x, dim, keepdim: Prod.apply(x, axes_of(dim, x.ndim, "masked.prod"), keepdim),
    lambda _: 1,
    "The product",
)
_reduction("amax", amax, _lowest, "The maximum")
_reduction("amin", amin, _highest, "The minimum")
_reduction("argmax", _index(argmax), _lowest, "The index of the maximum")
_reduction("argmin", _index(argmin), _highest, "The index of the minimum")
_reduction("logsumexp", logsumexp, _lowest, "The logarithm of the sum of exponentials")


def _along(name: str, function: Any, fill: Fill, what: str) -> None:
    def along(input: Any, dim: int, *, dtype: Any = None, mask: Any = None) -> Tensor:
        return function(_filled(input, mask, dtype, fill), dim)

    _named(along, name, f"{what} along `dim`")


_along("cumsum", lambda x, dim: cumsum(x, dim, dtype=x.dtype), lambda _: 0, "The running sum")
_along("cumprod", lambda x, dim: cumprod(x, dim, dtype=x.dtype), lambda _: 1, "The running product")
_along("softmax", softmax, _lowest, "The softmax")
_along("log_softmax", log_softmax, _lowest, "The logarithm of the softmax")
_along("softmin", lambda x, dim: softmax(-x, dim), _highest, "The softmax of the negative")


@public(namespace="masked")
def mean(
    input: Any, dim: Any = None, *, keepdim: bool = False, dtype: Any = None, mask: Any = None
) -> Tensor:
    """The mean over `dim` of the elements where `mask` is True; of none, NaN.

    >>> import autograd
    >>> x = autograd.tensor([1.0, 2.0, 6.0])
    >>> autograd.masked.mean(x, mask=autograd.tensor([True, True, False]))
    tensor(1.5000)
    """
    x = cast(input, dtype)
    return _sum(x, dim, keepdim=keepdim, mask=mask) / _count(x, mask, dim, keepdim)


@public(namespace="masked")
def var(
    input: Any,
    dim: Any = None,
    unbiased: bool | None = None,
    *,
    correction: float | None = None,
    keepdim: bool = False,
    dtype: Any = None,
    mask: Any = None,
) -> Tensor:
    """The variance over `dim` of the elements where `mask` is True, see `autograd.var`.

    >>> import autograd
    >>> x = autograd.tensor([1.0, 3.0, 6.0])
    >>> autograd.masked.var(x, mask=autograd.tensor([True, True, False]))
    tensor(2.)
    """
    x: Any = cast(input, dtype)
    if correction is None:
        correction = 0 if unbiased is False else 1
    centred = x - mean(x, dim, keepdim=True, mask=mask)
    squares = _sum(centred * centred, dim, keepdim=keepdim, mask=mask)
    return squares / np.maximum(_count(x, mask, dim, keepdim) - correction, 0.0)


@public(namespace="masked")
def std(
    input: Any,
    dim: Any = None,
    unbiased: bool | None = None,
    *,
    correction: float | None = None,
    keepdim: bool = False,
    dtype: Any = None,
    mask: Any = None,
) -> Tensor:
    """The standard deviation over `dim` of the elements where `mask` is True, see `var`.

    >>> import autograd
    >>> x = autograd.tensor([1.0, 3.0, 6.0])
    >>> autograd.masked.std(x, unbiased=False, mask=autograd.tensor([True, True, False]))
    tensor(1.)
    """
    return Sqrt.apply(
        var(input, dim, unbiased, correction=correction, keepdim=keepdim, dtype=dtype, mask=mask)
    )


@public(namespace="masked")
def norm(
    input: Any,
    ord: float = 2.0,
    dim: Any = None,
    *,
    keepdim: bool = False,
    dtype: Any = None,
    mask: Any = None,
) -> Tensor:
    """The norm of order `ord` over `dim` of the elements where `mask` is True.

    >>> import autograd
    >>> x = autograd.tensor([3.0, 4.0, 6.0])
    >>> autograd.masked.norm(x, mask=autograd.tensor([True, True, False]))
    tensor(5.)
    """
    return vector_norm(_filled(input, mask, dtype, lambda _: 0), ord, dim, keepdim)


@public(namespace="masked")
def normalize(
    input: Any, ord: float, dim: int, *, eps: float = 1e-12, dtype: Any = None, mask: Any = None
) -> Tensor:
    """`input` divided by its norm along `dim` (at least `eps`), and 0 where `mask` is False.

    >>> import autograd
    >>> x = autograd.tensor([3.0, 4.0, 6.0])
    >>> autograd.masked.normalize(x, 2, 0, mask=autograd.tensor([True, True, False]))
    tensor([0.6000, 0.8000, 0.0000])
    """
    x = _filled(input, mask, dtype, lambda _: 0)
    return x / clamp_min(vector_norm(x, ord, dim, keepdim=True), eps)


@public(namespace="masked")
def median(
    input: Any, dim: int = -1, *, keepdim: bool = False, dtype: Any = None, mask: Any = None
) -> Tensor:
    """The lower median along `dim` of the elements where `mask` is True; of none, NaN.

    >>> import autograd
    >>> x = autograd.tensor([3.0, 4.0, 6.0])
    >>> autograd.masked.median(x, mask=autograd.tensor([True, False, True]))
    tensor(3.)
    """
    return nanmedian(_filled(input, mask, dtype, lambda _: math.nan), dim, keepdim).values


@public(namespace="masked")
def logaddexp(
    input: Any, other: Any, *, dtype: Any = None, input_mask: Any = None, other_mask: Any = None
) -> Tensor:
    """log(exp(input) + exp(other)), where each counts only where its mask is True.

    >>> import autograd
    >>> x, keep = autograd.tensor([1.0, 2.0]), autograd.tensor([True, True])
    >>> autograd.masked.logaddexp(x, x, input_mask=keep, other_mask=~keep)
    tensor([1., 2.])
    """
    x = _filled(input, input_mask, dtype, _lowest)
    return LogAddExp.apply(x, _filled(other, other_mask, x.dtype, _lowest))
