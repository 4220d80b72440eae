"""The operators of arithmetic and what is composed of them.

In a rule, g is the upstream gradient.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..batching.array import whole
from ..dtypes import bool_, float64, result_dtype, stored
from ..elementwise import Binary, Unary
from ..errors import DtypeError
from ..function import Op
from ..registry import public
from ..tensor import Tensor


class Add(Binary):
    symbol = "+"
    forward = np.add
    backward = {"x": lambda g: g, "y": lambda g: g}
    formula = {"x": "g", "y": "g"}


class Sub(Binary):
    symbol = "-"
    forward = np.subtract
    backward = {"x": lambda g: g, "y": lambda g: -g}
    formula = {"x": "g", "y": "-g"}

    @classmethod
    def apply(cls, x, y):
        if np.bool_ in (getattr(x, "dtype", None), getattr(y, "dtype", None)):
            raise DtypeError("sub: `-` is not defined for bool tensors; use ^ or logical_not()")
        return super().apply(x, y)


@public(numpy=np.add, in_place=True, op=Add)
def add(input: Any, other: Any, *, alpha: Any = 1) -> Tensor:
    """input + alpha · other.

    >>> import autograd
    >>> autograd.add(autograd.tensor([1.0, 2.0]), 10, alpha=2)
    tensor([21., 22.])
    """
    return Add.apply(input, _times(other, alpha, input))


@public(numpy=np.subtract, in_place=True, aliases=("subtract",), op=Sub)
def sub(input: Any, other: Any, *, alpha: Any = 1) -> Tensor:
    """input - alpha · other.

    >>> import autograd
    >>> autograd.sub(autograd.tensor([1.0, 2.0]), 1)
    tensor([0., 1.])
    """
    return Sub.apply(input, _times(other, alpha, input))


def _times(other: Any, alpha: Any, input: Any) -> Any:
    """alpha · other, to be added to `input`: alpha may not be of a higher kind than both."""
    if type(alpha) is int and alpha == 1:
        return other
    dtype = result_dtype([getattr(x, "_data", x) for x in (input, other)])
    if isinstance(alpha, float) and dtype.kind != "f":
        raise RuntimeError(f"alpha must be an integer for integer tensors, got {alpha}")
    if dtype.kind == "b":
        alpha = bool(alpha)
    if not isinstance(alpha, Tensor):
        stored(alpha, dtype)  # raises if it does not fit
    return Mul.apply(other, alpha) if hasattr(other, "dtype") else alpha * other


@public(method=False)
def rsub(input: Any, other: Any, *, alpha: Any = 1) -> Tensor:
    """other - alpha · input.

    >>> import autograd
    >>> autograd.rsub(autograd.tensor([1.0, 2.0]), 1)
    tensor([ 0., -1.])
    """
    return sub(other, input, alpha=alpha)


class Mul(Binary):
    """input · other.

    >>> import autograd
    >>> autograd.mul(autograd.tensor([1.0, 2.0]), autograd.tensor([3.0, 4.0]))
    tensor([3., 8.])
    """

    symbol, aliases = "*", ("multiply",)
    forward = numpy = np.multiply
    backward = {"x": lambda g, y: g * y, "y": lambda g, x: g * x}
    formula = {"x": "g * y", "y": "g * x"}


class Div(Binary):
    symbol, promote = "/", "float"
    forward = np.true_divide
    backward = {"x": lambda g, y: g / y, "y": lambda g, out, y: -g * out / y}
    formula = {"x": "g / y", "y": "-g * out / y"}


@public(numpy=np.true_divide, in_place=True, aliases=("divide", "true_divide"), op=Div)
def div(input: Any, other: Any, *, rounding_mode: str | None = None) -> Tensor:
    """input / other; with `rounding_mode` "floor" or "trunc" the rounded quotient.

    >>> import autograd
    >>> autograd.div(autograd.tensor([7, -7]), 2)
    tensor([ 3.5000, -3.5000])
    >>> autograd.div(autograd.tensor([7, -7]), 2, rounding_mode="trunc")
    tensor([ 3, -3])
    """
    ops = {None: Div, "floor": FloorDivide, "trunc": TruncDivide}
    if rounding_mode not in ops:
        raise RuntimeError(
            f"div: rounding_mode must be None, 'trunc' or 'floor', got {rounding_mode!r}"
        )
    return ops[rounding_mode].apply(input, other)


class FloorDivide(Binary):
    """The quotient rounded towards minus infinity; its gradient is 0."""

    symbol = "//"
    numpy = np.floor_divide
    backward = {"x": lambda g: np.zeros_like(g), "y": lambda g: np.zeros_like(g)}
    formula = {"x": "0", "y": "0"}

    def forward(x, y):
        _refuse_integer_division_by_zero(x, y)
        return np.floor_divide(x, y)


class TruncDivide(Binary):
    """The quotient rounded towards zero; its gradient is 0."""

    public = False
    backward = {"x": lambda g: np.zeros_like(g), "y": lambda g: np.zeros_like(g)}
    formula = {"x": "0", "y": "0"}

    def forward(x, y):
        _refuse_integer_division_by_zero(x, y)
        if np.result_type(x, y).kind not in "iu":
            return np.trunc(np.true_divide(x, y))
        quotient, rest = np.divmod(x, y)  # of large integers, a float quotient would be inexact
        return quotient + ((rest != 0) & ((x < 0) != (y < 0)))


def _refuse_integer_division_by_zero(x: Any, y: Any) -> None:
    kind = np.result_type(x, y).kind
    if kind == "b":
        raise TypeError("is not defined for bool tensors")
    if kind in "iu" and np.any(np.equal(whole(y), 0)):
        raise RuntimeError("ZeroDivisionError: an integer was divided by 0")


class Remainder(Binary):
    """The remainder with the sign of the divisor, Python's `%`.

    >>> import autograd
    >>> autograd.remainder(autograd.tensor([-3.0, 3.0]), 2)
    tensor([1., 1.])
    """

    symbol = "%"
    numpy = np.remainder
    backward = {"x": lambda g: g, "y": lambda g, x, y: -g * np.floor_divide(x, y)}
    formula = {"x": "g", "y": "-g * floor(x / y)"}

    def forward(x, y):
        _refuse_integer_division_by_zero(x, y)
        return np.remainder(x, y)


class FMod(Binary):
    """The remainder with the sign of the dividend, C's `fmod`.

    >>> import autograd
    >>> autograd.fmod(autograd.tensor([-3.0, 3.0]), 2)
    tensor([-1.,  1.])
    """

    op_name = "fmod"
    numpy = np.fmod
    backward = {"x": lambda g: g, "y": lambda g, x, y: -g * np.trunc(x / y)}
    formula = {"x": "g", "y": "-g * trunc(x / y)"}

    def forward(x, y):
        _refuse_integer_division_by_zero(x, y)
        return np.fmod(x, y)


class Neg(Unary):
    """-input."""

    symbol, promote, aliases = "-", "same", ("negative",)
    forward = numpy = np.negative
    backward = {"x": lambda g: -g}
    formula = {"x": "-g"}


class Pow(Binary):
    """input to the power of exponent.

    >>> import autograd
    >>> autograd.pow(autograd.tensor([2.0, 3.0]), 2)
    tensor([4., 9.])
    """

    symbol = "**"
    numpy = np.power
    formula = {"x": "g * y * x ** (y - 1)", "y": "g * out * log(x)"}

    def forward(x, y):
        if getattr(x, "dtype", None) is bool_:
            return np.greater_equal(x, y)  # where NumPy has int8
        try:
            return _raised(x, y)
        except ValueError:  # NumPy refuses negative powers of integers
            if np.ndim(y) == 0:
                raise
            return np.where(y < 0, (np.abs(x) == 1) * x ** (y % 2), x ** np.abs(y))

    @classmethod
    def apply(cls, x, y):
        if type(y) is int and isinstance(x, Tensor) and x.dtype.kind in "iu":
            stored(y, x.dtype)  # raises if it does not fit
            if y < 0:
                raise RuntimeError("pow: integers to negative integer powers are not allowed")
        return super().apply(x, y)

    # At y = 0 the derivative is 0 even where x ** -1 is not finite, and so is that by y at x = 0.
    backward = {
        "x": lambda g, x, y: _where(y == 0, g, lambda: g * (y * _raised(x, y - 1))),
        "y": lambda g, x, y, out: _where((x == 0) & (y >= 0), g, lambda: g * (out * np.log(x))),
    }


def _raised(x: Any, y: Any) -> Any:
    """`x ** y`, for whole numbers y by way of |x|: NumPy is a hundred times slower below 0."""
    if (
        type(x) is not np.ndarray
        or type(y) not in (int, float)
        or x.dtype.kind != "f"
        or y in (-1, 0, 1, 2)
        or y % 1
    ):
        return x**y  # the operator squares without a general power; np.power does not
    if y == 3:
        return x * x * x
    out = np.asarray(np.abs(x) ** y)
    return np.copysign(out, x, out=out) if y % 2 else out


def _where(zero: Any, g: Any, otherwise: Any) -> Any:
    """0 where `zero` holds, else `otherwise()`."""
    if isinstance(zero, (bool, np.bool_)):
        return np.zeros_like(g) if zero else otherwise()
    return np.where(zero, 0.0, otherwise())


@public(in_place=True, numpy=np.power, op=Pow)
def pow(input: Any, exponent: Any) -> Tensor:
    """input to the power of `exponent`; either may be a number.

    >>> import autograd
    >>> autograd.pow(autograd.tensor([2.0, 3.0]), 2)
    tensor([4., 9.])
    """
    return Pow.apply(input, exponent)


@public(in_place=True, numpy=np.float_power)
def float_power(input: Any, exponent: Any) -> Tensor:
    """input to the power of `exponent`, computed in float64.

    >>> import autograd
    >>> autograd.float_power(autograd.tensor([2, 3]), 2)
    tensor([4., 9.], dtype=float64)
    """
    operands = (x.to(float64) if isinstance(x, Tensor) else x for x in (input, exponent))
    return Pow.apply(*operands)


@public(in_place=True, numpy=np.ldexp)
def ldexp(input: Any, other: Any) -> Tensor:
    """input · 2 ** other.

    >>> import autograd
    >>> autograd.ldexp(autograd.tensor([1.0]), autograd.tensor([3]))
    tensor([8.])
    """
    if isinstance(other, Tensor) and other.dtype.kind != "f" and input.dtype.kind == "f":
        other = other.to(input.dtype)
    return Mul.apply(input, Pow.apply(2.0, other))


class Gcd(Binary):
    """The greatest common divisor of integers."""

    forward = numpy = np.gcd


class Lcm(Binary):
    """The least common multiple of integers."""

    forward = numpy = np.lcm


class Lerp(Op):
    promote = "same"
    backward = {
        "x": lambda g, w: g * (1 - w),
        "y": lambda g, w: g * w,
        "w": lambda g, x, y: g * (y - x),
    }
    formula = {"x": "g * (1 - w)", "y": "g * w", "w": "g * (y - x)"}

    def forward(x, y, w):
        # From the nearer end, so that a weight of 1 gives y exactly.
        return np.where(np.abs(w) < 0.5, x + w * (y - x), y - (y - x) * (1 - w))


@public(in_place=True, op=Lerp)
def lerp(input: Any, end: Any, weight: Any) -> Tensor:
    """input + weight · (end - input): linear interpolation.

    >>> import autograd
    >>> autograd.lerp(autograd.tensor([0.0, 10.0]), autograd.tensor([1.0, 20.0]), 0.5)
    tensor([ 0.5000, 15.0000])
    """
    return Lerp.apply(input, end, weight)


@public(in_place=True)
def addcmul(input: Any, tensor1: Any, tensor2: Any, *, value: Any = 1) -> Tensor:
    """input + value · tensor1 · tensor2.

    >>> import autograd
    >>> autograd.addcmul(autograd.ones(2), autograd.tensor([1.0, 2.0]), 3.0, value=0.5)
    tensor([2.5000, 4.0000])
    """
    return add(input, Mul.apply(tensor1, tensor2), alpha=value)


@public(in_place=True)
def addcdiv(input: Any, tensor1: Any, tensor2: Any, *, value: Any = 1) -> Tensor:
    """input + value · tensor1 / tensor2.

    >>> import autograd
    >>> autograd.addcdiv(autograd.ones(2), autograd.tensor([1.0, 2.0]), 4.0, value=2)
    tensor([1.5000, 2.0000])
    """
    return add(input, Div.apply(tensor1, tensor2), alpha=value)
