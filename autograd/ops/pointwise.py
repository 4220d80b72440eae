"""Elementwise exponentials, logarithms, roots, trigonometric and hyperbolic functions."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.special

from ..elementwise import Binary, Unary
from .common import nonzero

# Python numbers: a NumPy float64 scalar would widen float32 gradients.
LN2, LN10 = math.log(2), math.log(10)


def kept(ufunc: Any) -> Callable[..., Any]:
    """A SciPy function that returns the dtype it is given: float16, too, of which it knows none."""
    if ufunc.nin == 2:
        return lambda x, y: ufunc(x, y).astype(np.result_type(x, y), copy=False)

    def forward(x: Any) -> Any:
        out = ufunc(x)
        return out if out.dtype is x.dtype else out.astype(x.dtype)

    return forward


class Exp(Unary):
    """e to the power of input."""

    forward = numpy = np.exp
    backward = {"x": lambda g, out: g * out}
    formula = {"x": "g * out"}


class Exp2(Unary):
    """2 to the power of input."""

    aliases = ("special.exp2",)
    forward = numpy = np.exp2
    backward = {"x": lambda g, out: g * (out * LN2)}
    formula = {"x": "g * out * log(2)"}


class Expm1(Unary):
    """exp(input) - 1, exact for small inputs."""

    aliases = ("special.expm1",)
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

    aliases = ("special.log1p",)
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

    def forward(x):
        return 1 / np.sqrt(x)


class Reciprocal(Unary):
    """1 / input."""

    numpy = np.reciprocal
    backward = {"x": lambda g, out: -g * out * out}
    formula = {"x": "-g * out**2"}

    def forward(x):
        return 1 / x


class Square(Unary):
    """input · input."""

    promote, numpy = "same", np.square
    backward = {"x": lambda g, x: g * (2 * x)}
    formula = {"x": "g * 2 * x"}

    def forward(x):
        return np.square(x) if x.dtype != np.bool_ else x.astype(np.int64)


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


class Asinh(Unary):
    """The inverse hyperbolic sine."""

    aliases = ("arcsinh",)
    forward = numpy = np.arcsinh
    backward = {"x": lambda g, x: g / np.sqrt(x * x + 1)}
    formula = {"x": "g / sqrt(x**2 + 1)"}


class Acosh(Unary):
    """The inverse hyperbolic cosine."""

    aliases = ("arccosh",)
    forward = numpy = np.arccosh
    backward = {"x": lambda g, x: g / np.sqrt(x * x - 1)}
    formula = {"x": "g / sqrt(x**2 - 1)"}


class Atanh(Unary):
    """The inverse hyperbolic tangent."""

    aliases = ("arctanh",)
    forward = numpy = np.arctanh
    backward = {"x": lambda g, x: g / (1 - x * x)}
    formula = {"x": "g / (1 - x**2)"}


class Sigmoid(Unary):
    """1 / (1 + exp(-input)).

    >>> import autograd
    >>> autograd.sigmoid(autograd.tensor([-1000.0, 0.0, 1000.0]))
    tensor([0.0000, 0.5000, 1.0000])
    """

    symbol, aliases = "σ", ("special.expit",)
    numpy = scipy.special.expit
    forward = kept(numpy)
    backward = {"x": lambda g, out: g * (out * (1 - out))}
    formula = {"x": "g * out * (1 - out)"}


class Deg2Rad(Unary):
    """Degrees as radians."""

    op_name = "deg2rad"
    numpy = (np.deg2rad, np.radians)
    forward = np.deg2rad
    backward = {"x": lambda g: g * (math.pi / 180)}
    formula = {"x": "g * pi / 180"}


class Rad2Deg(Unary):
    """Radians as degrees."""

    op_name = "rad2deg"
    numpy = (np.rad2deg, np.degrees)
    forward = np.rad2deg
    backward = {"x": lambda g: g * (180 / math.pi)}
    formula = {"x": "g * 180 / pi"}


class Hypot(Binary):
    """√(input² + other²) without overflow; its gradient at (0, 0) is 0."""

    promote = "float"
    forward = numpy = np.hypot
    backward = {
        "x": lambda g, x, out: g * (x / nonzero(out)),
        "y": lambda g, y, out: g * (y / nonzero(out)),
    }
    formula = {"x": "g * x / out", "y": "g * y / out"}


class Atan2(Binary):
    """The angle of the point (other, input) from the first axis, in radians."""

    promote, aliases = "float", ("arctan2",)
    forward = numpy = np.arctan2
    # Dividing twice by the distance, whose square could overflow; at (0, 0) the gradient is 0.
    backward = {
        "x": lambda g, x, y: g * (y / nonzero(np.hypot(x, y))) / nonzero(np.hypot(x, y)),
        "y": lambda g, x, y: -g * (x / nonzero(np.hypot(x, y))) / nonzero(np.hypot(x, y)),
    }
    formula = {"x": "g * y / (x**2 + y**2)", "y": "-g * x / (x**2 + y**2)"}


class LogAddExp(Binary):
    """log(exp(input) + exp(other)), without overflow."""

    op_name, promote, in_place, numpy = "logaddexp", "float", False, np.logaddexp
    backward = {
        "x": lambda g, x, y: g * scipy.special.expit(x - y),
        "y": lambda g, x, y: g * scipy.special.expit(y - x),
    }
    formula = {"x": "g * sigmoid(x - y)", "y": "g * sigmoid(y - x)"}

    def forward(x, y):
        return np.maximum(x, y) + np.log1p(np.exp(-_apart(x, y)))  # np.logaddexp is slow


def _apart(x: Any, y: Any) -> Any:
    """|x - y|, and 0 where both are the same infinity."""
    return np.where(x == y, np.zeros_like(x), np.abs(x - y))


class LogAddExp2(Binary):
    """log2(2 ** input + 2 ** other), without overflow."""

    op_name, promote, in_place, numpy = "logaddexp2", "float", False, np.logaddexp2
    backward = {
        "x": lambda g, x, y: g * scipy.special.expit((x - y) * LN2),
        "y": lambda g, x, y: g * scipy.special.expit((y - x) * LN2),
    }
    formula = {"x": "g * sigmoid((x - y) * log(2))", "y": "g * sigmoid((y - x) * log(2))"}

    def forward(x, y):
        more = np.log1p(np.exp2(-_apart(x, y)))
        return np.maximum(x, y) + more * np.asarray(1 / LN2, more.dtype)
