"""Tensor methods and properties that are no operations: conversions, sizes, small names."""

from __future__ import annotations

from typing import Any

import numpy as np

from . import dtypes, kinds
from .batching.array import separately
from .creation import check_device, finish, full, size_of
from .devices import device
from .errors import described
from .inplace import Copy, assign
from .layout import METHODS
from .ops.convert import to
from .ops.shape import adjoint, permute
from .ops.views import offset_in_memory
from .ops.where import where
from .registry import ENTRIES
from .tensor import Size, Tensor, wrap

_CONVERSIONS: dict[str, np.dtype] = {
    "float": dtypes.float32,
    "double": dtypes.float64,
    "half": dtypes.float16,
    "long": dtypes.int64,
    "int": dtypes.int32,
    "short": dtypes.int16,
    "char": dtypes.int8,
    "byte": dtypes.uint8,
    "bool": dtypes.bool_,
}


def _conversion(name: str, dtype: np.dtype) -> Any:
    def convert(self: Tensor) -> Tensor:
        return to(self, dtype)

    convert.__name__ = convert.__qualname__ = name
    convert.__doc__ = f"The tensor as {dtype}; itself where it already is."
    return convert


def cpu(self: Tensor) -> Tensor:
    """The tensor itself: everything is on the CPU."""
    return self


def size(self: Tensor, dim: int | None = None) -> Any:
    """The shape, or the size of one dimension."""
    return Size(self._data.shape) if dim is None else self._data.shape[dim]


def dim(self: Tensor) -> int:
    """The number of dimensions."""
    return self._data.ndim


def is_contiguous(self: Tensor) -> bool:
    """True where the elements lie in memory in C order."""
    return self._data.flags.c_contiguous


def stride(self: Tensor, dim: int | None = None) -> Any:
    """The step in memory of each dimension, in elements."""
    steps = tuple(s // self._data.itemsize for s in self._data.strides)
    return steps if dim is None else steps[dim]


def copy_(self: Tensor, other: Any, non_blocking: bool = False) -> Tensor:
    """Writes `other`, broadcast and converted, to this tensor."""
    source = other if isinstance(other, Tensor) else wrap(np.asarray(other))
    return assign(self, Copy.apply(self, source), "copy_")


def zero_(self: Tensor) -> Tensor:
    """Fills the tensor with 0."""
    return self.fill_(0)


def where_method(self: Tensor, condition: Any, other: Any) -> Tensor:
    """The tensor where `condition` holds, `other` elsewhere."""
    return where(condition, self, other)


def new_tensor(
    self: Tensor, data: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """A tensor with a copy of `data`, by default in this tensor's dtype."""
    from .creation import tensor

    return tensor(data, dtype=dtype or self.dtype, device=device, requires_grad=requires_grad)


def _new_filled(name: str, value: float) -> Any:
    def new(
        self: Tensor,
        *sizes: Any,
        size: Any = None,
        dtype: Any = None,
        device: Any = None,
        requires_grad: bool = False,
    ) -> Tensor:
        return self.new_full(
            size_of(sizes, size), value, dtype=dtype, device=device, requires_grad=requires_grad
        )

    new.__name__ = new.__qualname__ = name
    new.__doc__ = f"A tensor filled with {value}, by default in this tensor's dtype."
    return new


def new_full(
    self: Tensor,
    size: Any,
    fill_value: Any,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """A tensor filled with `fill_value`, by default in this tensor's dtype."""
    result = full(size, fill_value, dtype=dtype or self.dtype, device=device)
    return finish(separately(result._data, self._data), None, None, requires_grad)


_CPU = device("cpu")


def _device(self: Tensor) -> Any:
    """Where the tensor is: always "cpu"."""
    return _CPU


def _transposed(self: Tensor) -> Tensor:
    """The dimensions in reverse order. A view."""
    return permute(self, *range(self._data.ndim)[::-1])


def _matrix_adjoint(self: Tensor) -> Tensor:
    """The transpose of a matrix: the same as `T`, since all tensors are real. A view."""
    if self._data.ndim not in (0, 2):
        raise RuntimeError(
            f"H: expected a matrix, got {described(self)}; mH takes batches of matrices"
        )
    return _transposed(self)


def bind_methods() -> None:
    """Gives Tensor what this file defines, after the operations are bound."""
    for name, dtype in _CONVERSIONS.items():
        setattr(Tensor, name, _conversion(name, dtype))
    for function in (
        cpu,
        size,
        dim,
        is_contiguous,
        stride,
        copy_,
        zero_,
        new_tensor,
        new_full,
    ):
        setattr(Tensor, function.__name__, function)
    for name, value in (("new_zeros", 0), ("new_ones", 1), ("new_empty", 0)):
        setattr(Tensor, name, _new_filled(name, value))
    for name, getter in (
        ("T", _transposed),
        ("mT", adjoint),
        ("H", _matrix_adjoint),
        ("mH", adjoint),
        ("device", _device),
        ("real", ENTRIES["real"].function),
        *kinds.PROPERTIES.items(),
    ):
        setattr(Tensor, name, property(getter))
    matmul = ENTRIES["matmul"].function
    others: dict[str, Any] = {
        "where": where_method,
        "storage_offset": offset_in_memory,
        "__matmul__": matmul,
        "__rmatmul__": lambda self, other: matmul(other, self),
        "__pos__": lambda self: self,
        "__neg__": ENTRIES["neg"].function,
        "__invert__": ENTRIES["bitwise_not"].function,
        "__abs__": ENTRIES["abs"].function,
    }
    for name, method in (METHODS | kinds.METHODS | others).items():
        setattr(Tensor, name, method)


__all__ = ["bind_methods", "check_device"]
