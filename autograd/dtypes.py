"""Data types under PyTorch's names, and PyTorch's rules for mixing them.

A dtype is NumPy's own `dtype` object. What differs from NumPy is promotion: an integer tensor
never widens a float one, a 0-d tensor never widens one with dimensions of the same kind, a Python
number is weaker still, and integers become the default float (float32) where a float is needed.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .errors import UnsupportedOperand

float16 = half = np.dtype(np.float16)
float32 = np.dtype(np.float32)
float64 = double = np.dtype(np.float64)
int8 = np.dtype(np.int8)
int16 = short = np.dtype(np.int16)
int32 = np.dtype(np.int32)
int64 = long = np.dtype(np.int64)
uint8 = np.dtype(np.uint8)
# `float`, `int` and `bool` are bound in autograd/__init__.py, where they shadow nothing.
bool_ = np.dtype(np.bool_)


class Absent:
    """A dtype that can be named, as in `autocast(dtype=bfloat16)`, but that no tensor can have."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __repr__(self) -> str:
        return self._name


bfloat16 = Absent("bfloat16")
SUPPORTED = (float16, float32, float64, int8, int16, int32, int64, uint8, bool_)

_LARGEST = {dtype: float(np.finfo(dtype).max) for dtype in (float16, float32, float64)}
_default = float32
_PYTHON = {float: lambda: _default, int: lambda: int64, bool: lambda: bool_}
_RANK = {"b": 0, "u": 1, "i": 1, "f": 2}


def get_default_dtype() -> np.dtype:
    """The dtype of tensors made from Python floats.

    >>> get_default_dtype()
    dtype('float32')
    """
    return _default


def set_default_dtype(dtype: Any) -> None:
    """Makes `dtype` (floating) the dtype of tensors made from Python floats.

    >>> set_default_dtype(float64); get_default_dtype()
    dtype('float64')
    >>> set_default_dtype(float32)
    """
    global _default
    wanted = as_dtype(dtype)
    if wanted.kind != "f":
        raise TypeError(f"set_default_dtype: only floating dtypes can be the default, got {wanted}")
    _default = wanted


def as_dtype(dtype: Any) -> np.dtype:
    """`dtype` (a NumPy dtype, its name, or Python's float, int or bool) as a supported dtype."""
    try:
        found = np.dtype(dtype)
    except TypeError:
        found = None
    if found is None or found not in SUPPORTED:  # NumPy: None == np.dtype('float64')
        names = ", ".join(map(str, SUPPORTED))
        raise TypeError(f"dtype {dtype!r} is not supported; use one of {names}")
    return found


def promote_types(first: Any, second: Any) -> np.dtype:
    """The smallest dtype of the wider kind that holds both.

    >>> promote_types(int64, float32)
    dtype('float32')
    """
    a, b = as_dtype(first), as_dtype(second)
    if _RANK[a.kind] != _RANK[b.kind]:
        return a if _RANK[a.kind] > _RANK[b.kind] else b
    return np.promote_types(a, b)


def result_dtype(operands: Any) -> np.dtype:
    """The dtype of an elementwise result over ndarrays and Python numbers.

    Arrays with dimensions decide; 0-d arrays count only if they are of a higher kind
    (bool < integer < float), and Python numbers only if of a higher kind than both.
    """
    groups: list[np.dtype | None] = [None, None, None]
    for x in operands:
        if isinstance(x, np.ndarray):
            group, dtype = (0 if x.ndim else 1), x.dtype
        elif type(x) in _PYTHON:
            group, dtype = 2, _PYTHON[type(x)]()
        else:
            raise UnsupportedOperand(f"{type(x).__name__} is no Tensor, ndarray or number")
        known = groups[group]
        groups[group] = dtype if known is None else promote_types(known, dtype)
    result: np.dtype | None = None
    for dtype in groups:
        if dtype is not None and (result is None or _RANK[dtype.kind] > _RANK[result.kind]):
            result = dtype if result is None else promote_types(result, dtype)
    assert result is not None
    return result


def can_cast(source: Any, target: Any) -> bool:
    """Whether PyTorch would store a result of dtype `source` in a tensor of dtype `target`.

    >>> can_cast(float64, float32), can_cast(float32, int64)
    (True, False)
    """
    return _RANK[as_dtype(source).kind] <= _RANK[as_dtype(target).kind]


def wrapped(number: Any, dtype: np.dtype) -> np.ndarray:
    """A Python number as an operand beside tensors of `dtype`: integers wrap around, as in C.

    >>> wrapped(-1, uint8), wrapped(300, uint8)
    (array(255, dtype=uint8), array(44, dtype=uint8))
    """
    if type(number) is not int or dtype.kind not in "iu":
        return np.asarray(number, dtype)
    if not -(2**63) <= number < 2**64:
        raise OverflowError(f"{number} does not fit into 64 bits")
    return np.asarray(number % 2**64, np.uint64).astype(dtype)


def made(number: Any, dtype: np.dtype) -> np.ndarray:
    """A Python number as data of `dtype`: it must fit, but for float16, which may be infinite."""
    if dtype != float16:
        return stored(number, dtype)
    with np.errstate(over="ignore"):
        return np.asarray(number, dtype)


def stored(number: Any, dtype: np.dtype) -> np.ndarray:
    """A Python number as what `fill_` and its relatives write to tensors of `dtype`: it must fit.

    A negative integer fits an unsigned dtype if its magnitude does, and wraps around.

    >>> stored(-1, uint8), stored(2.7, int8)
    (array(255, dtype=uint8), array(2, dtype=int8))
    """
    if dtype.kind == "b" or not isinstance(number, (int, float)):
        return np.asarray(number, dtype)
    if dtype.kind == "f":
        if not math.isinf(number) and abs(number) > _LARGEST[dtype]:
            raise RuntimeError(f"the value {number} cannot be stored as {dtype}, it is too large")
        return np.asarray(number, dtype)
    limits = np.iinfo(dtype)
    low = -limits.max if dtype.kind == "u" and isinstance(number, int) else limits.min
    if not math.isfinite(number) or not low <= int(number) <= limits.max:
        raise RuntimeError(
            f"the value {number} cannot be stored as {dtype}, which holds {limits.min} to "
            f"{limits.max}"
        )
    return wrapped(int(number), dtype)
