"""Elementwise steps and signs: absolute value, rounding, and the parts of a floating number."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import return_types
from ..batching.array import as_array
from ..creation import as_tensor
from ..elementwise import Binary, Unary
from ..function import Op, promoted
from ..registry import public
from ..return_types import MantissaExponent
from ..tensor import Tensor
from .common import passing


class Abs(Unary):
    """The absolute value; its gradient at 0 is 0."""

    symbol, promote, aliases = "|x|", "same", ("absolute",)
    numpy = (np.absolute, np.fabs)
    forward = np.absolute
    backward = {"x": lambda g, x: g * np.sign(x)}
    formula = {"x": "g * sign(x)"}


class Sign(Unary):
    """-1, 0 or 1; its gradient is 0."""

    promote, aliases = "same", ("sgn",)
    numpy = np.sign
    backward = {"x": lambda g: np.zeros_like(g)}
    formula = {"x": "0"}

    def forward(x):
        if x.dtype == np.bool_:
            return x.copy()
        return np.subtract(x > 0, x < 0, dtype=x.dtype)  # 0 for NaN, as in PyTorch


class Floor(Unary):
    """The largest integer that is not larger; its gradient is 0."""

    promote = "same"
    forward = numpy = np.floor
    backward = {"x": lambda g: np.zeros_like(g)}
    formula = {"x": "0"}


class Ceil(Unary):
    """The smallest integer that is not smaller; its gradient is 0."""

    promote = "same"
    forward = numpy = np.ceil
    backward = {"x": lambda g: np.zeros_like(g)}
    formula = {"x": "0"}


class Trunc(Unary):
    """The integer part; its gradient is 0."""

    promote, aliases = "same", ("fix",)
    numpy = (np.trunc, np.fix)
    forward = np.trunc
    backward = {"x": lambda g: np.zeros_like(g)}
    formula = {"x": "0"}


class Round(Unary):
    """The nearest integer, halves to even; its gradient is 0."""

    promote = "same"
    numpy = np.rint
    backward = {"x": lambda g: np.zeros_like(g)}
    formula = {"x": "0"}

    def forward(x, decimals=0):
        return np.round(x, decimals)


@public(in_place=True, numpy=np.rint, aliases=("special.round",), op=Round)
def round(input: Any, *, decimals: int = 0) -> Tensor:
    """The nearest value with `decimals` decimals; halves go to the even neighbour.

    >>> import autograd
    >>> autograd.round(autograd.tensor([0.5, 1.5, -1.2]))
    tensor([ 0.,  2., -1.])
    """
    return Round.apply(input, decimals)


class Frac(Unary):
    """The part after the point, with the sign of input."""

    promote = "same"
    backward = {"x": lambda g: g}
    formula = {"x": "g"}

    def forward(x):
        return x - np.trunc(x)


class Positive(Unary):
    """+input."""

    promote, in_place = "same", False
    forward = numpy = np.positive
    backward = {"x": lambda g: g}
    formula = {"x": "g"}


class CopySign(Binary):
    """input with the sign of other, elementwise; 0.0 and -0.0 have one too."""

    op_name, promote = "copysign", "float"
    forward = numpy = np.copysign
    backward = {
        "x": lambda g, x, out: g * (np.sign(x) * np.sign(out)),
        "y": lambda g: np.zeros_like(g),
    }
    formula = {"x": "g * sign(x) * sign(out)", "y": "0"}


@public(in_place=True, numpy=np.heaviside)
def heaviside(input: Any, values: Any) -> Tensor:
    """0 where input is negative, 1 where it is positive, `values` where it is 0.

    >>> import autograd
    >>> autograd.heaviside(autograd.tensor([-1.0, 0.0, 2.0]), autograd.tensor(0.5))
    tensor([0.0000, 0.5000, 1.0000])
    """
    x, y = promoted([as_tensor(input)._data, as_tensor(values)._data], "same")
    return as_tensor(np.where(x == 0, y, (x > 0).astype(x.dtype)))


@public(numpy=np.real, method=False)
def real(input: Any) -> Tensor:
    """`input` itself: there are no complex tensors.

    >>> import autograd
    >>> autograd.real(autograd.tensor([1.0]))
    tensor([1.])
    """
    return as_tensor(input)


class NextAfter(Binary):
    """The next floating number after input in the direction of other."""

    op_name = "nextafter"
    forward = numpy = np.nextafter
    backward = {"x": lambda g, x, y: passing(g, x != y), "y": lambda g, x, y: passing(g, x == y)}
    formula = {"x": "g * (x != y)", "y": "g * (x == y)"}


class Frexp(Op):
    saves_on_ctx = True
    backward = {"x": lambda g, ctx: g[0] * ctx.scale}
    formula = {"x": "g * 2**-exponent"}

    def forward(ctx, x):
        mantissa, exponent = np.frexp(x)
        ctx.scale = np.ldexp(np.ones((), x.dtype), -exponent)
        return as_array(mantissa), as_array(exponent)


@public(numpy=np.frexp, op=Frexp)
def frexp(input: Any) -> MantissaExponent:
    """(mantissa, exponent) with input = mantissa · 2 ** exponent and 0.5 <= |mantissa| < 1.

    >>> import autograd
    >>> autograd.frexp(autograd.tensor([6.0])).mantissa
    tensor([0.7500])
    """
    return return_types.frexp(*Frexp.apply(input))


class NanToNum(Op):
    backward = {"x": lambda g, x: passing(g, np.isfinite(x))}
    formula = {"x": "g * isfinite(x)"}

    def forward(x, nan, posinf, neginf):
        return np.nan_to_num(x, nan=0.0 if nan is None else nan, posinf=posinf, neginf=neginf)


@public(in_place=True, op=NanToNum)
def nan_to_num(
    input: Any, nan: float | None = 0.0, posinf: float | None = None, neginf: float | None = None
) -> Tensor:
    """`input` with numbers for NaN and ±∞, for ±∞ by default the largest and smallest finite ones.

    >>> import autograd
    >>> autograd.nan_to_num(autograd.tensor([1.0, float("nan")]), nan=2.0)
    tensor([1., 2.])
    """
    return NanToNum.apply(as_tensor(input), nan, posinf, neginf)
