"""Data as arrays: what `tensor(...)` makes of numbers, nested sequences, arrays and Tensors."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Any

import numpy as np

from .dtypes import SUPPORTED, as_dtype, get_default_dtype, int64, made, promote_types
from .errors import described
from .tensor import Tensor


def array_of(data: Any, dtype: Any = None) -> np.ndarray:
    """`data` (numbers, nested sequences, arrays, Tensors) as a new ndarray of PyTorch's dtype."""
    wanted = None if dtype is None else as_dtype(dtype)
    if isinstance(data, Tensor):
        return np.array(data._data, dtype=wanted)
    if isinstance(data, (np.ndarray, np.generic)):
        return _copied(data, wanted)
    if isinstance(data, (list, tuple)) and _holds_array(data):
        if wanted is None:
            wanted = functools.reduce(promote_types, _dtypes_in(data))
        data = plain(data)
    try:
        array = np.array(data)
    except ValueError as error:
        raise ValueError(
            f"tensor: nested sequences must all have the same length: {error}"
        ) from error
    large = array.dtype.kind in "uO" and all(type(x) is int for x in array.ravel().tolist())
    if array.dtype.kind not in "bif" and not large:
        raise TypeError(f"tensor: cannot make a tensor from {described(data)}")
    if wanted is None:
        if array.dtype.kind == "f":
            wanted = get_default_dtype()
        else:
            wanted = array.dtype if array.dtype.kind == "b" else int64
    if wanted.kind in "iu" and array.size:
        for bound in np.array([array.min(), array.max()], array.dtype).tolist():
            made(bound, wanted)  # which raises if it does not fit
    with np.errstate(all="ignore"):
        return array.astype(wanted, copy=False)


def _copied(data: Any, wanted: np.dtype | None) -> np.ndarray:
    if wanted is None and data.dtype not in SUPPORTED:
        raise TypeError(
            f"tensor: dtype {data.dtype} is not supported; convert the array first, for example "
            "with .astype(np.float32)"
        )
    if data.dtype.kind not in "biuf":
        raise TypeError(f"tensor: cannot make a tensor of {data.dtype} data")
    with np.errstate(all="ignore"):
        return np.array(data, dtype=wanted or data.dtype.newbyteorder("="))


def _holds_array(data: Any) -> bool:
    """Whether nested sequences have arrays or Tensors in the place of numbers, with a dtype."""
    while isinstance(data, (list, tuple)) and data:
        data = data[0]
    return isinstance(data, (Tensor, np.ndarray, np.generic))


def _dtypes_in(data: Any) -> Iterator[np.dtype]:
    for d in data:
        if isinstance(d, (list, tuple)):
            yield from _dtypes_in(d)
        else:
            yield d.dtype if hasattr(d, "dtype") else array_of(d).dtype


def plain(data: Any) -> Any:
    """`data` with the numbers of Tensors and arrays in their place."""
    if isinstance(data, (Tensor, np.ndarray, np.generic)):
        return data.tolist()
    return [plain(d) for d in data] if isinstance(data, (list, tuple)) else data
