"""Copies and other dtypes: `clone`, `to` and its relatives."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..creation import check_device
from ..dtypes import Absent, as_dtype
from ..function import Op
from ..registry import public
from ..tensor import Tensor


class Clone(Op):
    backward = {"x": lambda g: g}
    formula = {"x": "g"}

    def forward(x, order):
        return x.copy(order=order)


@public(numpy=np.copy, op=Clone)
def clone(input: Any, *, memory_format: Any = None) -> Tensor:
    """A copy that stays in the graph.

    >>> import autograd
    >>> autograd.tensor([1.0]).clone()
    tensor([1.])
    """
    return Clone.apply(input, "K")


@public()
def contiguous(input: Tensor, *, memory_format: Any = None) -> Tensor:
    """The tensor itself where its elements lie in memory in C order, else a copy that does.

    >>> import autograd
    >>> autograd.zeros(2, 3).t().contiguous().stride()
    (2, 1)
    """
    return input if input._data.flags.c_contiguous else Clone.apply(input, "C")


class To(Op):
    symbol = "to"
    backward = {"x": lambda g: g}  # the engine gives a gradient the dtype of what it is for
    formula = {"x": "g in the dtype of x"}

    def forward(x, dtype):
        with np.errstate(all="ignore"):
            return x.astype(dtype)


@public("type_as")
def type_as(input: Tensor, other: Tensor) -> Tensor:
    """`input` in the dtype of `other`."""
    return to(input, other.dtype)


@public(op=To)
def to(
    input: Tensor,
    *args: Any,
    dtype: Any = None,
    device: Any = None,
    copy: bool = False,
    non_blocking: bool = False,
    memory_format: Any = None,
) -> Tensor:
    """The tensor in another dtype: `x.to(dtype)`, `x.to("cpu")`, `x.to("cpu", dtype)`, `x.to(y)`.

    Returns `input` itself where nothing changes, unless `copy`.

    >>> import autograd
    >>> autograd.tensor([1.9]).to(autograd.int64)
    tensor([1])
    """
    for argument in args:
        if isinstance(argument, Tensor):
            dtype = argument.dtype
        elif isinstance(argument, bool):
            copy = copy or argument
        elif is_dtype(argument):
            dtype = argument
        elif argument is not None:
            device = argument
    check_device(device)
    wanted = input.dtype if dtype is None else as_dtype(dtype)
    if wanted == input.dtype:
        return clone(input) if copy else input
    return To.apply(input, wanted)


def is_dtype(x: Any) -> bool:
    """Whether `x` names a dtype, not a device.

    >>> is_dtype(np.float32), is_dtype("int64"), is_dtype("cpu"), is_dtype(None)
    (True, True, False, False)
    """
    if not isinstance(x, (np.dtype, type, str)):
        return isinstance(x, Absent)
    try:
        np.dtype(x)
    except TypeError:
        return False
    return True
