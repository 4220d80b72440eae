"""Comparison, logic and bits: what is true of the elements, and choices between two of them."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..batching.array import as_array
from ..creation import as_tensor
from ..dtypes import stored
from ..elementwise import Binary, Unary
from ..errors import DtypeError, described
from ..function import Op, promoted
from ..registry import public
from ..tensor import Tensor
from .common import passing


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


class _Predicate(Unary, abstract=True):
    promote, in_place = "same", False


class IsNan(_Predicate):
    """True where input is NaN."""

    op_name = "isnan"
    forward = numpy = np.isnan


class IsInf(_Predicate):
    """True where input is infinite."""

    op_name = "isinf"
    forward = numpy = np.isinf


class IsPosInf(_Predicate):
    """True where input is +∞."""

    op_name, numpy = "isposinf", np.isposinf

    def forward(x):
        return x == np.inf


class IsNegInf(_Predicate):
    """True where input is -∞."""

    op_name, numpy = "isneginf", np.isneginf

    def forward(x):
        return x == -np.inf


class IsFinite(_Predicate):
    """True where input is neither infinite nor NaN."""

    op_name = "isfinite"
    forward = numpy = np.isfinite


class IsReal(_Predicate):
    """True where input has no imaginary part: everywhere, for there are no complex tensors."""

    op_name, numpy = "isreal", np.isreal

    def forward(x):
        return np.ones(x.shape, np.bool_)


class SignBit(_Predicate):
    """True where the sign bit is set: below 0, and for -0.0."""

    op_name, numpy = "signbit", np.signbit

    def forward(x):
        return x < 0 if x.dtype.kind in "bu" else np.signbit(x)


class LogicalNot(Unary):
    """True where input is 0."""

    promote = "same"
    forward = numpy = np.logical_not


class LogicalAnd(Binary):
    """True where both are not 0."""

    forward = numpy = np.logical_and


class LogicalOr(Binary):
    """True where one or both are not 0."""

    forward = numpy = np.logical_or


class LogicalXor(Binary):
    """True where exactly one is not 0."""

    forward = numpy = np.logical_xor


class BitwiseNot(Unary):
    """The complement of each bit; of a bool, `not`."""

    symbol, promote = "~", "same"
    forward = numpy = np.invert


class BitwiseAnd(Binary):
    """The bits that both integers (or bools) have."""

    symbol = "&"
    forward = numpy = np.bitwise_and


class BitwiseOr(Binary):
    """The bits that at least one of both integers (or bools) has."""

    symbol = "|"
    forward = numpy = np.bitwise_or


class BitwiseXor(Binary):
    """The bits that exactly one of both integers (or bools) has."""

    symbol = "^"
    forward = numpy = np.bitwise_xor


class BitwiseLeftShift(Binary):
    """The bits of input moved up by other places: input · 2 ** other."""

    symbol, numpy = "<<", np.left_shift

    def forward(x, y):
        _refuse_bools(x, y)
        return np.left_shift(x, y)


class BitwiseRightShift(Binary):
    """The bits of input moved down by other places: input / 2 ** other, rounded down."""

    symbol, numpy = ">>", np.right_shift

    def forward(x, y):
        _refuse_bools(x, y)
        return np.right_shift(x, y)


def _refuse_bools(x: Any, y: Any) -> None:
    if np.result_type(x, y).kind == "b":
        raise TypeError("is not defined for bool tensors")


def _same_dtype(name: str, *operands: Any) -> list[np.ndarray]:
    dtypes = [x.dtype for x in operands if hasattr(x, "dtype")]
    arrays = [as_tensor(x, None if hasattr(x, "dtype") else dtypes[0])._data for x in operands]
    if arrays[0].dtype != arrays[1].dtype:
        raise RuntimeError(
            f"{name}({described(arrays[0])}, {described(arrays[1])}): both must have one dtype; "
            "convert with .to(dtype)"
        )
    return arrays


@public(numpy=np.isclose)
def isclose(
    input: Any, other: Any, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False
) -> Tensor:
    """True where |input - other| <= atol + rtol · |other|.

    >>> import autograd
    >>> autograd.isclose(autograd.tensor([1.0, 2.0]), autograd.tensor([1.0, 2.1]))
    tensor([ True, False])
    """
    x, y = _same_dtype("isclose", input, other)
    if rtol < 0 or atol < 0:
        raise RuntimeError(f"isclose: rtol and atol must not be negative, got {rtol} and {atol}")
    return as_tensor(as_array(np.isclose(x, y, rtol, atol, equal_nan)))


@public(numpy=np.allclose)
def allclose(
    input: Any, other: Any, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False
) -> bool:
    """Whether all elements are close, see `isclose`.

    >>> import autograd
    >>> autograd.allclose(autograd.tensor([1.0]), autograd.tensor([1.0 + 1e-7]))
    True
    """
    x, y = _same_dtype("allclose", input, other)
    return np.allclose(x, y, rtol, atol, equal_nan)


@public(numpy=np.array_equal)
def equal(input: Any, other: Any) -> bool:
    """Whether both have one shape and equal elements.

    >>> import autograd
    >>> autograd.equal(autograd.tensor([1, 2]), autograd.tensor([1, 2]))
    True
    """
    return np.array_equal(as_tensor(input)._data, as_tensor(other)._data)


@public(
    method=False,
    numpy=np.isin,
    keywords={"element": "elements", "test_element": "test_elements"},
)
def isin(
    elements: Any, test_elements: Any, *, assume_unique: bool = False, invert: bool = False
) -> Tensor:
    """True where an element is one of `test_elements` (with `invert`, where it is none).

    >>> import autograd
    >>> autograd.isin(autograd.tensor([1, 2, 3]), autograd.tensor([2, 3]))
    tensor([False,  True,  True])
    """
    x, y = (e._data if isinstance(e, Tensor) else e for e in (elements, test_elements))
    if np.result_type(x).kind == "b":
        raise DtypeError("isin: not defined for bool tensors")
    x, y = promoted([x, y], "same")
    return as_tensor(as_array(np.isin(x, y, assume_unique=assume_unique, invert=invert)))


class Maximum(Binary):
    """The larger of both, elementwise; NaN wins, and a tie halves the gradient."""

    in_place = False
    forward = numpy = np.maximum
    backward = {
        "x": lambda g, x, y: _larger_share(g, x, y),
        "y": lambda g, x, y: _larger_share(g, y, x),
    }
    formula = {"x": "g * ((x > y) + 0.5 * (x == y))", "y": "g * ((y > x) + 0.5 * (x == y))"}


def _larger_share(g: Any, x: Any, y: Any) -> Any:
    """What the larger of `x` and `y` gets of `g`, by `x`."""
    # "not smaller" rather than "larger": beside NaN both get the gradient, as in PyTorch.
    return np.where(x == y, g * 0.5, passing(g, np.logical_not(x < y)))


class Minimum(Binary):
    """The smaller of both, elementwise; NaN wins, and a tie halves the gradient."""

    in_place = False
    forward = numpy = np.minimum
    backward = {
        "x": lambda g, x, y: _larger_share(g, y, x),
        "y": lambda g, x, y: _larger_share(g, x, y),
    }
    formula = {"x": "g * ((x < y) + 0.5 * (x == y))", "y": "g * ((y < x) + 0.5 * (x == y))"}


class FMax(Binary):
    """The larger of both, elementwise; NaN loses, and a tie gives input the gradient."""

    op_name, in_place = "fmax", False
    forward = numpy = np.fmax
    backward = {
        "x": lambda g, x, y: passing(g, (x >= y) | np.isnan(y)),
        "y": lambda g, x, y: passing(g, np.logical_not((x >= y) | np.isnan(y))),
    }
    formula = {"x": "g * (x >= y)", "y": "g * (y > x)"}


class FMin(Binary):
    """The smaller of both, elementwise; NaN loses, and a tie gives input the gradient."""

    op_name, in_place = "fmin", False
    forward = numpy = np.fmin
    backward = {
        "x": lambda g, x, y: passing(g, (x <= y) | np.isnan(y)),
        "y": lambda g, x, y: passing(g, np.logical_not((x <= y) | np.isnan(y))),
    }
    formula = {"x": "g * (x <= y)", "y": "g * (y < x)"}


class Clamp(Op):
    """Limits values; a gradient passes where the value was within the limits, these included."""

    backward = {
        "x": lambda g, x, low, high: passing(g, _within(x, low, high)),
        "low": lambda g, x, low, high: passing(
            g, x < low if high is None else (x < low) & (low < high)
        ),
        "high": lambda g, x, low, high: passing(
            g, x > high if low is None else (x > high) | (high < low)
        ),
    }
    formula = {
        "x": "g * ((low <= x) & (x <= high))",
        "low": "g * (x < low)",
        "high": "g * (x > high)",
    }

    def forward(x, low, high):
        x, low, high = promoted([x, low, high], "same", stored)
        if low is not None:
            x = np.maximum(x, low)
        return x if high is None else np.minimum(x, high)


def _within(x: Any, low: Any, high: Any) -> Any:
    if low is None:
        return x <= high
    return x >= low if high is None else (x >= low) & (x <= high)


@public(in_place=True, aliases=("clip",), op=Clamp)
def clamp(input: Any, min: Any = None, max: Any = None) -> Tensor:
    """`input` limited to [min, max]; either limit may be a number, a tensor or None.

    >>> import autograd
    >>> autograd.clamp(autograd.tensor([-2.0, 0.5, 2.0]), -1, 1)
    tensor([-1.0000,  0.5000,  1.0000])
    """
    if min is None and max is None:
        raise RuntimeError("clamp: at least one of min and max must be given")
    return Clamp.apply(input, min, max)


@public(in_place=True)
def clamp_min(input: Any, min: Any) -> Tensor:
    """`input`, but not below `min`.

    >>> import autograd
    >>> autograd.clamp_min(autograd.tensor([-2.0, 0.5]), 0)
    tensor([0.0000, 0.5000])
    """
    return Clamp.apply(input, min, None)


@public(in_place=True)
def clamp_max(input: Any, max: Any) -> Tensor:
    """`input`, but not above `max`.

    >>> import autograd
    >>> autograd.clamp_max(autograd.tensor([-2.0, 0.5]), 0)
    tensor([-2.,  0.])
    """
    return Clamp.apply(input, None, max)
