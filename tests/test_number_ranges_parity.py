"""Python numbers that do not fit the dtype beside them: wrapped, refused or infinite, as PyTorch
has it. Operands of arithmetic and comparisons wrap around; what is stored must fit."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from op_samples.calling import array_of

import autograd
import nn

pytest.importorskip("torch")
pytestmark = pytest.mark.parity


def setitem(m: Any, x: Any, v: Any, index: Any) -> Any:
    x = x.clone()
    x[index] = v
    return x


NAMES = """
    add sub mul true_divide eq ne lt le gt ge remainder floor_divide fmod pow bitwise_and bitwise_or
    bitwise_xor bitwise_left_shift bitwise_right_shift xlogy rsub isin float_power clamp clamp_min
    clamp_max fill full_like
"""
OPERANDS = {name: lambda m, x, v, name=name: getattr(m, name)(x, v) for name in NAMES.split()} | {
    "v + x": lambda m, x, v: v + x,
    "v - x": lambda m, x, v: v - x,
    "v * x": lambda m, x, v: v * x,
    "v ** x": lambda m, x, v: v**x,
    "v & x": lambda m, x, v: v & x,
    "v << x": lambda m, x, v: v << x,
    "v > x": lambda m, x, v: v > x,
    "x += v": lambda m, x, v: x.clone().__iadd__(v),
    "x[0] + v": lambda m, x, v: x[0] + v,
    "x + tensor(v)": lambda m, x, v: x + m.tensor(v),
    "maximum": lambda m, x, v: m.maximum(x, m.tensor(v)),
    "div trunc": lambda m, x, v: m.div(x, v, rounding_mode="trunc"),
    "add alpha": lambda m, x, v: m.add(x, x, alpha=v),
    "searchsorted": lambda m, x, v: m.searchsorted(x, v),
    "bucketize": lambda m, x, v: m.bucketize(v, x),
    "clamp both": lambda m, x, v: m.clamp(x, 0, v),
    "where": lambda m, x, v: m.where(x > 1, x, v),
    "where first": lambda m, x, v: m.where(x > 1, v, x),
    "tensor": lambda m, x, v: m.tensor([v, 1], dtype=x.dtype),
    "new_tensor": lambda m, x, v: x.new_tensor(v),
    "scalar_tensor": lambda m, x, v: m.scalar_tensor(v, dtype=x.dtype),
    "full": lambda m, x, v: m.full((2,), v, dtype=x.dtype),
    "new_full": lambda m, x, v: x.new_full((2,), v),
    "fill_": lambda m, x, v: x.clone().fill_(v),
    "masked_fill": lambda m, x, v: x.masked_fill(x > 1, v),
    "masked_fill_": lambda m, x, v: x.clone().masked_fill_(x > 1, v),
    "index_fill": lambda m, x, v: x.index_fill(0, m.tensor([0]), v),
    "fill_diagonal_": lambda m, x, v: x.reshape(2, 2).clone().fill_diagonal_(v),
    "scatter": lambda m, x, v: x.scatter(0, m.tensor([0]), v),
    "x[0] = v": lambda m, x, v: setitem(m, x, v, 0),
    "x[mask] = v": lambda m, x, v: setitem(m, x, v, x > 1),
    "pad": lambda m, x, v: (nn if m is autograd else m.nn).functional.pad(x, (1, 0), value=v),
}
INTEGERS = (-1, -200, 128, 255, 256, 300, 40000, 2**31, 2**40, 2**62)
FLOATS = (-3.0, 2.7, 300.0, 70000.0, 1e39, math.inf, math.nan)


def outcome(m: Any, f: Any, dtype: Any, v: Any) -> tuple[type[Exception] | None, Any]:
    try:
        return None, f(m, m.tensor([0, 1, 3, 100]).to(dtype), v)
    except (RuntimeError, ValueError, TypeError, OverflowError) as error:
        return type(error), None


@pytest.mark.parametrize("dtype", ["uint8", "int8", "int16", "int32", "int64", "bool"])
@pytest.mark.parametrize("name", OPERANDS)
def test_integers(name: str, dtype: str, torch: Any) -> None:
    for v in INTEGERS + FLOATS[:2]:
        compare(name, dtype, v, torch)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize("name", [n for n in OPERANDS if "<<" not in n and "&" not in n])
def test_floats(name: str, dtype: str, torch: Any) -> None:
    # PyTorch computes with half precision in float32, where such a number is finite; and it
    # rounds the number to float32 before the logarithm.
    computes = name not in STORES and dtype == "float16"
    for v in FLOATS[:3] if computes else FLOATS[: -3 if name == "xlogy" else None]:
        compare(name, dtype, v, torch)


STORES = set(list(OPERANDS)[list(OPERANDS).index("clamp both") :]) | {"fill", "full_like", "clamp"}


def compare(name: str, dtype: str, v: Any, torch: Any) -> None:
    error, theirs = outcome(torch, OPERANDS[name], getattr(torch, dtype), v)
    ours_error, ours = outcome(autograd, OPERANDS[name], getattr(autograd, dtype), v)
    if error is not None:
        if "not implemented" not in str(error):
            assert ours_error is not None, f"{v}: PyTorch raises {error.__name__}"
        return
    assert ours_error is None, f"{v}: {ours_error}, PyTorch has {theirs}"
    a, b = array_of(ours), array_of(theirs)
    assert a.dtype == b.dtype, v
    rtol = {"float16": 1e-3, "float32": 1e-6}.get(str(b.dtype), 1e-15)
    np.testing.assert_allclose(a, b, rtol=rtol, err_msg=str(v))
