"""The operators of arithmetic and comparison. In a rule, g is the upstream gradient."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..elementwise import Binary, Unary
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


@public(numpy=np.add, in_place=True, op=Add)
def add(input: Any, other: Any, *, alpha: Any = 1) -> Tensor:
    """input + alpha · other.

    >>> import autograd
    >>> autograd.add(autograd.tensor([1.0, 2.0]), 10, alpha=2)
    tensor([21., 22.])
    """
    return Add.apply(input, other if alpha == 1 else Mul.apply(other, alpha))


@public(numpy=np.subtract, in_place=True, aliases=("subtract",), op=Sub)
def sub(input: Any, other: Any, *, alpha: Any = 1) -> Tensor:
    """input - alpha · other.

    >>> import autograd
    >>> autograd.sub(autograd.tensor([1.0, 2.0]), 1)
    tensor([0., 1.])
    """
    for x in (input, other):
        if getattr(x, "dtype", None) == np.bool_:
            raise RuntimeError("sub: `-` is not defined for bool tensors; use ^ or logical_not()")
    return Sub.apply(input, other if alpha == 1 else Mul.apply(other, alpha))


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


@public(numpy=np.true_divide, in_place=True, aliases=("divide",), op=Div)
def div(input: Any, other: Any, *, rounding_mode: str | None = None) -> Tensor:
    """input / other; with `rounding_mode` "floor" or "trunc" the rounded quotient.

    >>> import autograd
    >>> autograd.div(autograd.tensor([7, -7]), 2)
    tensor([ 3.5000, -3.5000])
    >>> autograd.div(autograd.tensor([7, -7]), 2, rounding_mode="trunc")
    tensor([ 3, -3])
    """
    if rounding_mode is None:
        return Div.apply(input, other)
    if rounding_mode == "floor":
        return FloorDivide.apply(input, other)
    if rounding_mode == "trunc":
        return TruncDivide.apply(input, other)
    raise RuntimeError(
        f"div: rounding_mode must be None, 'trunc' or 'floor', got {rounding_mode!r}"
    )


class FloorDivide(Binary):
    """The quotient rounded towards minus infinity; its gradient is 0."""

    symbol = "//"
    numpy = np.floor_divide
    backward = {"x": lambda g: g * 0, "y": lambda g: g * 0}
    formula = {"x": "0", "y": "0"}

    def forward(x, y):  # type: ignore[no-untyped-def]
        _refuse_integer_division_by_zero(x, y)
        return np.floor_divide(x, y)


class TruncDivide(Binary):
    """The quotient rounded towards zero; its gradient is 0."""

    public = False
    backward = {"x": lambda g: g * 0, "y": lambda g: g * 0}
    formula = {"x": "0", "y": "0"}

    def forward(x, y):  # type: ignore[no-untyped-def]
        _refuse_integer_division_by_zero(x, y)
        quotient = np.trunc(np.true_divide(x, y))
        integers = np.result_type(x, y).kind in "iu"
        # |x| // |y| stays exact where the float quotient of large integers would not.
        return np.sign(x) * np.sign(y) * (np.abs(x) // np.abs(y)) if integers else quotient


def _refuse_integer_division_by_zero(x: Any, y: Any) -> None:
    if np.result_type(x, y).kind in "iu" and np.any(np.equal(y, 0)):
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

    def forward(x, y):  # type: ignore[no-untyped-def]
        _refuse_integer_division_by_zero(x, y)
        return np.remainder(x, y)


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

    def forward(x, y):  # type: ignore[no-untyped-def]
        return x**y  # the operator squares without a general power; np.power does not

    # At y = 0 the derivative is 0 even where x ** -1 is not finite, and so is that by y at x = 0.
    backward = {
        "x": lambda g, x, y: _where(y == 0, g, lambda: g * (y * x ** (y - 1))),
        "y": lambda g, x, y, out: _where((x == 0) & (y >= 0), g, lambda: g * (out * np.log(x))),
    }


def _where(zero: Any, g: Any, otherwise: Any) -> Any:
    """0 where `zero` holds, else `otherwise()`."""
    if isinstance(zero, (bool, np.bool_)):
        return g * 0 if zero else otherwise()
    return np.where(zero, 0.0, otherwise())


@public(in_place=True, numpy=np.power, op=Pow)
def pow(input: Any, exponent: Any) -> Tensor:
    """input to the power of `exponent`; either may be a number.

    >>> import autograd
    >>> autograd.pow(autograd.tensor([2.0, 3.0]), 2)
    tensor([4., 9.])
    """
    return Pow.apply(input, exponent)


class Maximum(Binary):
    """The larger of both, elementwise; NaN wins, and a tie halves the gradient."""

    forward = numpy = np.maximum
    backward = {
        "x": lambda g, x, y: g * ((x > y) + 0.5 * (x == y)),
        "y": lambda g, x, y: g * ((y > x) + 0.5 * (x == y)),
    }
    formula = {"x": "g * (x > y)", "y": "g * (y > x)"}


class Minimum(Binary):
    """The smaller of both, elementwise; NaN wins, and a tie halves the gradient."""

    forward = numpy = np.minimum
    backward = {
        "x": lambda g, x, y: g * ((x < y) + 0.5 * (x == y)),
        "y": lambda g, x, y: g * ((y < x) + 0.5 * (x == y)),
    }
    formula = {"x": "g * (x < y)", "y": "g * (y < x)"}


class Eq(Binary):
    """input == other, elementwise."""

    symbol = "=="
    forward = numpy = np.equal


class Ne(Binary):
    """input != other, elementwise."""

    symbol, aliases = "!=", ("not_equal",)
    forward = numpy = np.not_equal


class Lt(Binary):
    """input < other, elementwise."""

    symbol, aliases = "<", ("less",)
    forward = numpy = np.less


class Le(Binary):
    """input <= other, elementwise."""

    symbol, aliases = "<=", ("less_equal",)
    forward = numpy = np.less_equal


class Gt(Binary):
    """input > other, elementwise."""

    symbol, aliases = ">", ("greater",)
    forward = numpy = np.greater


class Ge(Binary):
    """input >= other, elementwise."""

    symbol, aliases = ">=", ("greater_equal",)
    forward = numpy = np.greater_equal
