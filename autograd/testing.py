"""Comparing results in tests, as `torch.testing` does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from .errors import described
from .tensor import Tensor

_TOLERANCES = {"float16": (1e-3, 1e-5), "float32": (1.3e-6, 1e-5), "float64": (1e-7, 1e-7)}


def assert_close(
    actual: Any,
    expected: Any,
    *,
    allow_subclasses: bool = True,
    rtol: float | None = None,
    atol: float | None = None,
    equal_nan: bool = False,
    check_device: bool = True,
    check_dtype: bool = True,
    check_layout: bool = True,
    check_stride: bool = False,
    msg: Any = None,
) -> None:
    """Raises an AssertionError unless |actual - expected| <= atol + rtol · |expected|.

    Args:
        actual, expected: tensors, arrays, numbers, or sequences and mappings of them.
        rtol, atol: both or neither; by default they depend on the dtype, the wider of two.
        equal_nan: whether NaN equals NaN.
        check_dtype: whether the dtypes must be equal.
        check_stride: whether the strides must be equal.
        msg: a message instead of the one that is made, or a function of that one.

    >>> import autograd
    >>> autograd.testing.assert_close(autograd.ones(2), autograd.tensor([1.0, 1.0 + 1e-7]))
    >>> autograd.testing.assert_close(autograd.tensor(1.0), autograd.tensor(2.0), msg="not close")
    Traceback (most recent call last):
    AssertionError: not close
    """
    if (rtol is None) != (atol is None):
        raise ValueError("assert_close: give both rtol and atol, or neither of them")
    tolerances = None if rtol is None else (rtol, atol)
    problem = _difference(
        actual, expected, tolerances, equal_nan, check_dtype, check_stride, place=""
    )
    if problem:
        raise AssertionError(problem if msg is None else msg(problem) if callable(msg) else msg)


def _difference(actual: Any, expected: Any, *options: Any, place: str) -> str:
    """What differs, in words; nothing if all is close."""
    where = f"\n\nThe failure occurred for item {place}" if place else ""
    if isinstance(expected, Mapping) and isinstance(actual, Mapping):
        if actual.keys() != expected.keys():
            return f"The keys of the mappings do not match: {set(actual) ^ set(expected)}{where}"
        pairs: Any = [(k, actual[k], expected[k]) for k in expected]
    elif _is_sequence(expected) and _is_sequence(actual):
        if len(actual) != len(expected):
            return f"The length of the sequences mismatch: {len(actual)} != {len(expected)}{where}"
        pairs = [(i, a, b) for i, (a, b) in enumerate(zip(actual, expected, strict=True))]
    elif expected is None or actual is None:
        return "" if expected is actual else f"{actual!r} is not {expected!r}{where}"
    else:
        problem = _values_differ(actual, expected, *options)
        return problem and problem + where
    for key, a, b in pairs:
        if problem := _difference(a, b, *options, place=f"{place}[{key!r}]"):
            return problem
    return ""


def _is_sequence(x: Any) -> bool:
    return isinstance(x, Sequence) and not isinstance(x, str)


def _values_differ(
    actual: Any,
    expected: Any,
    tolerances: tuple[float, float] | None,
    equal_nan: bool,
    check_dtype: bool,
    check_stride: bool,
) -> str:
    numbers = not (hasattr(actual, "shape") or hasattr(expected, "shape"))
    if not numbers and hasattr(actual, "shape") != hasattr(expected, "shape"):
        return f"cannot compare {type(actual).__name__} with {type(expected).__name__}"
    a, b = (x._data if isinstance(x, Tensor) else np.asarray(x) for x in (actual, expected))
    if a.shape != b.shape:
        return f"The values for attribute 'shape' do not match: {a.shape} != {b.shape}."
    if check_dtype and a.dtype != b.dtype and not numbers:
        return f"The values for attribute 'dtype' do not match: {a.dtype} != {b.dtype}."
    if check_stride and a.strides != b.strides:
        return f"The values for attribute 'stride()' do not match: {a.strides} != {b.strides}."
    rtol, atol = tolerances or np.max(
        [_TOLERANCES.get(x.dtype.name, (0.0, 0.0)) for x in (a, b)], axis=0
    )
    same = np.bool_ in (a.dtype, b.dtype)
    close = a == b if same else np.isclose(a, b, rtol, atol, equal_nan)
    if close.all():
        return ""
    with np.errstate(all="ignore"):
        size = np.abs(a.astype(np.float64) - b.astype(np.float64))
        relative = size / np.abs(b.astype(np.float64))
    title = "Scalars" if numbers or not a.ndim else "Tensor-likes"
    lines = [f"{title} are not {'close' if rtol or atol else 'equal'}!", ""]
    if a.ndim:
        wrong = a.size - np.count_nonzero(close)
        lines.append(f"Mismatched elements: {wrong} / {a.size} ({100 * wrong / a.size:.1f}%)")
    else:
        lines.append(f"Expected {b.item()} but got {a.item()} ({described(actual)}).")
    for name, values, limit in (("absolute", size, atol), ("relative", relative, rtol)):
        i = np.unravel_index(
            np.where(close, -1, np.nan_to_num(values, nan=np.inf)).argmax(), a.shape
        )
        at = f" at index {tuple(int(j) for j in i)}" if a.ndim else ""
        lines.append(f"Greatest {name} difference: {values[i]}{at} (up to {limit:g} allowed)")
    return "\n".join(lines)
