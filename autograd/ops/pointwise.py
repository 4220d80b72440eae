"""Elementwise functions of one tensor: exponentials, powers, trigonometry, rounding."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import scipy.special

from ..elementwise import Unary
from ..function import Op
from ..registry import public
from ..tensor import Tensor

# Python numbers: a NumPy float64 scalar would widen float32 gradients.
LN2, LN10, TWO_OVER_SQRT_PI = math.log(2), math.log(10), 2 / math.sqrt(math.pi)


class Exp(Unary):
    """e to the power of input."""

    forward = numpy = np.exp
    backward = {"x": lambda g, out: g * out}
    formula = {"x": "g * out"}


class Exp2(Unary):
    """2 to the power of input."""

    forward = numpy = np.exp2
    backward = {"x": lambda g, out: g * (out * LN2)}
    formula = {"x": "g * out * log(2)"}


class Expm1(Unary):
    """exp(input) - 1, exact for small inputs."""

    forward = numpy = np.expm1
    backward = {"x": lambda g, out: g * (out + 1)}
    formula = {"x": "g * (out + 1)"}


class Log(Unary):
    """The natural logarithm."""

    forward = numpy = np.log
    backward = {"x": lambda g, x: g / x}
    formula = {"x": "g / x"}


class Log1p(Unary):
    """log(1 + input), exact for small inputs."""

    forward = numpy = np.log1p
    backward = {"x": lambda g, x: g / (x + 1)}
    formula = {"x": "g / (x + 1)"}


class Log2(Unary):
    """The logarithm to base 2."""

    forward = numpy = np.log2
    backward = {"x": lambda g, x: g / (x * LN2)}
    formula = {"x": "g / (x * log(2))"}


class Log10(Unary):
    """The logarithm to base 10."""

    forward = numpy = np.log10
    backward = {"x": lambda g, x: g / (x * LN10)}
    formula = {"x": "g / (x * log(10))"}


class Sqrt(Unary):
    """The square root."""

    forward = numpy = np.sqrt
    backward = {"x": lambda g, out: g / (2 * out)}
    formula = {"x": "g / (2 * out)"}


class Rsqrt(Unary):
    """1 / sqrt(input)."""

    backward = {"x": lambda g, out: -0.5 * g * out**3}
    formula = {"x": "-0.5 * g * out**3"}

    def forward(x):  # type: ignore[no-untyped-def]
        return 1 / np.sqrt(x)


class Reciprocal(Unary):
    """1 / input."""

    numpy = np.reciprocal
    backward = {"x": lambda g, out: -g * out * out}
    formula = {"x": "-g * out**2"}

    def forward(x):  # type: ignore[no-untyped-def]
        return 1 / x


class Square(Unary):
    """input · input."""

    promote = "same"
    forward = numpy = np.square
    backward = {"x": lambda g, x: g * (2 * x)}
    formula = {"x": "g * 2 * x"}


class Sin(Unary):
    """The sine, of radians."""

    forward = numpy = np.sin
    backward = {"x": lambda g, x: g * np.cos(x)}
    formula = {"x": "g * cos(x)"}


class Cos(Unary):
    """The cosine, of radians."""

    forward = numpy = np.cos
    backward = {"x": lambda g, x: -g * np.sin(x)}
    formula = {"x": "-g * sin(x)"}


class Tan(Unary):
    """The tangent, of radians."""

    forward = numpy = np.tan
    backward = {"x": lambda g, out: g * (1 + out * out)}
    formula = {"x": "g * (1 + out**2)"}


class Asin(Unary):
    """The inverse sine, in radians."""

    aliases = ("arcsin",)
    forward = numpy = np.arcsin
    backward = {"x": lambda g, x: g / np.sqrt(1 - x * x)}
    formula = {"x": "g / sqrt(1 - x**2)"}


class Acos(Unary):
    """The inverse cosine, in radians."""

    aliases = ("arccos",)
    forward = numpy = np.arccos
    backward = {"x": lambda g, x: -g / np.sqrt(1 - x * x)}
    formula = {"x": "-g / sqrt(1 - x**2)"}


class Atan(Unary):
    """The inverse tangent, in radians."""

    aliases = ("arctan",)
    forward = numpy = np.arctan
    backward = {"x": lambda g, x: g / (1 + x * x)}
    formula = {"x": "g / (1 + x**2)"}


class Sinh(Unary):
    """The hyperbolic sine."""

    forward = numpy = np.sinh
    backward = {"x": lambda g, x: g * np.cosh(x)}
    formula = {"x": "g * cosh(x)"}


class Cosh(Unary):
    """The hyperbolic cosine."""

    forward = numpy = np.cosh
    backward = {"x": lambda g, x: g * np.sinh(x)}
    formula = {"x": "g * sinh(x)"}


class Tanh(Unary):
    """The hyperbolic tangent."""

    forward = numpy = np.tanh
    backward = {"x": lambda g, out: g * (1 - out * out)}
    formula = {"x": "g * (1 - out**2)"}


class Sigmoid(Unary):
    """1 / (1 + exp(-input)).

    >>> import autograd
    >>> autograd.sigmoid(autograd.tensor([-1000.0, 0.0, 1000.0]))
    tensor([0.0000, 0.5000, 1.0000])
    """

    symbol = "σ"
    forward = numpy = scipy.special.expit
    backward = {"x": lambda g, out: g * (out * (1 - out))}
    formula = {"x": "g * out * (1 - out)"}


class Erf(Unary):
    """The error function, 2/√π ∫₀ˣ exp(-t²) dt."""

    forward = numpy = scipy.special.erf
    backward = {"x": lambda g, x: g * (TWO_OVER_SQRT_PI * np.exp(-x * x))}
    formula = {"x": "g * 2 / sqrt(pi) * exp(-x**2)"}


class Abs(Unary):
    """The absolute value; its gradient at 0 is 0."""

    symbol, promote, aliases = "|x|", "same", ("absolute",)
    forward = numpy = np.absolute
    backward = {"x": lambda g, x: g * np.sign(x)}
    formula = {"x": "g * sign(x)"}


class Sign(Unary):
    """-1, 0 or 1; its gradient is 0."""

    promote = "same"
    numpy = np.sign
    backward = {"x": lambda g: g * 0}
    formula = {"x": "0"}

    def forward(x):  # type: ignore[no-untyped-def]
        return x.copy() if x.dtype == np.bool_ else np.sign(x)


class Floor(Unary):
    """The largest integer that is not larger; its gradient is 0."""

    promote = "same"
    forward = numpy = np.floor
    backward = {"x": lambda g: g * 0}
    formula = {"x": "0"}


class Ceil(Unary):
    """The smallest integer that is not smaller; its gradient is 0."""

    promote = "same"
    forward = numpy = np.ceil
    backward = {"x": lambda g: g * 0}
    formula = {"x": "0"}


class Trunc(Unary):
    """The integer part; its gradient is 0."""

    promote, aliases = "same", ("fix",)
    forward = numpy = np.trunc
    backward = {"x": lambda g: g * 0}
    formula = {"x": "0"}


class Round(Unary):
    """The nearest integer, halves to even; its gradient is 0."""

    promote = "same"
    numpy = np.rint
    backward = {"x": lambda g: g * 0}
    formula = {"x": "0"}

    def forward(x, decimals=0):  # type: ignore[no-untyped-def]
        return np.round(x, decimals)


@public(in_place=True, numpy=(np.round, np.rint), op=Round)
def round(input: Any, *, decimals: int = 0) -> Tensor:
    """The nearest value with `decimals` decimals; halves go to the even neighbour.

    >>> import autograd
    >>> autograd.round(autograd.tensor([0.5, 1.5, -1.2]))
    tensor([ 0.,  2., -1.])
    """
    return Round.apply(input, decimals)


class IsNan(Unary):
    """True where input is NaN."""

    op_name, promote = "isnan", "same"
    forward = numpy = np.isnan


class IsInf(Unary):
    """True where input is infinite."""

    op_name, promote = "isinf", "same"
    forward = numpy = np.isinf


class IsFinite(Unary):
    """True where input is neither infinite nor NaN."""

    op_name, promote = "isfinite", "same"
    forward = numpy = np.isfinite


class LogicalNot(Unary):
    """True where input is 0."""

    promote = "same"
    forward = numpy = np.logical_not


class Clamp(Op):
    """Limits values; a gradient passes where the value was within the limits, these included."""

    promote = "same"
    backward = {
        "x": lambda g, x, low, high: g * _within(x, low, high),
        "low": lambda g, x, low, high: g * ((x < low) if high is None else (x < low) & (low < high)),
        "high": lambda g, x, low, high: g * ((x > high) if low is None else (x > high) | (high < low)),
    }
    formula = {
        "x": "g * ((low <= x) & (x <= high))",
        "low": "g * (x < low)",
        "high": "g * (x > high)",
    }

    def forward(x, low, high):  # type: ignore[no-untyped-def]
        if low is not None:
            x = np.maximum(x, low)
        return x if high is None else np.minimum(x, high)


def _within(x: Any, low: Any, high: Any) -> Any:
    if low is None:
        return x <= high
    return x >= low if high is None else (x >= low) & (x <= high)


@public(in_place=True, numpy=np.clip, aliases=("clip",), op=Clamp)
def clamp(input: Any, min: Any = None, max: Any = None) -> Tensor:
    """`input` limited to [min, max]; either limit may be a number, a tensor or None.

    >>> import autograd
    >>> autograd.clamp(autograd.tensor([-2.0, 0.5, 2.0]), -1, 1)
    tensor([-1.0000,  0.5000,  1.0000])
    """
    if min is None and max is None:
        raise RuntimeError("clamp: at least one of min and max must be given")
    return Clamp.apply(input, min, max)
