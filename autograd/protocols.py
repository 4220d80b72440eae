"""Python's protocols for `Tensor`: conversion to numbers, iteration, text, copying and pickling."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from .tensor import Tensor


class Protocols:
    """The part of `Tensor` that the language calls."""

    _data: np.ndarray

    __hash__ = object.__hash__  # by identity, since == is elementwise

    def __repr__(self: Any) -> str:
        from .printing import tensor_text

        return tensor_text(self)

    def __format__(self: Any, spec: str) -> str:
        if self._data.ndim == 0 and type(self).__repr__ is Protocols.__repr__:
            return format(self.item(), spec)
        return object.__format__(self, spec)

    def __len__(self: Any) -> int:
        if self._data.ndim == 0:
            raise TypeError("len() of a 0-d tensor")
        return self._data.shape[0]

    def __iter__(self: Any) -> Iterator[Tensor]:
        if self._data.ndim == 0:
            raise TypeError("iteration over a 0-d tensor")
        return iter(self.unbind(0))

    def __contains__(self: Any, value: Any) -> bool:
        return bool((self._data == getattr(value, "_data", value)).any())

    def __bool__(self: Any) -> bool:
        if self._data.size != 1:
            raise RuntimeError(
                f"the truth value of {self._described()} is ambiguous; use .any() or .all()"
            )
        return bool(self._data[()])

    def __float__(self: Any) -> float:
        return float(self.item())

    def __int__(self: Any) -> int:
        return int(self.item())

    def __index__(self: Any) -> int:
        if self._data.dtype.kind not in "iub":
            raise TypeError(f"only integer tensors can be an index, got {self._described()}")
        return int(self.item())

    def __array__(self: Any, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.array(self.numpy(), dtype=dtype, copy=copy)

    def __dlpack__(self: Any, **options: Any) -> Any:
        if self._edge is not None:
            raise BufferError(
                f"__dlpack__: {self._described()} requires grad, and what imports it would leave "
                "the graph; use .detach()"
            )
        return self._data.__dlpack__(**options)

    def __dlpack_device__(self) -> tuple[int, int]:
        return self._data.__dlpack_device__()

    def __deepcopy__(self: Any, memo: dict[int, Any]) -> Tensor:
        if not self.is_leaf:
            raise RuntimeError(
                "deepcopy: only leaf tensors can be copied this way; use .detach().clone()"
            )
        kind: Any = type(self)
        result = kind.__new__(kind)
        memo[id(self)] = result
        import copy

        for key, value in self.__dict__.items():
            if key not in _NOT_COPIED and key != "_data":
                setattr(result, key, copy.deepcopy(value, memo))
        result._copy_memory(self, memo)
        return result.requires_grad_(self._edge is not None)

    def _copy_memory(self: Any, source: Tensor, memo: dict[int, Any]) -> None:
        import copy

        self._data = _copied_array(source._data, memo)
        if source._counter is not None:  # copies that share memory know of each other's changes
            self._counter = copy.deepcopy(source._counter, memo)

    def __reduce__(self: Any) -> Any:
        if not self.is_leaf:
            raise RuntimeError("pickle: only leaf tensors can be pickled; use .detach()")
        # As in PyTorch, gradients are left behind.
        skipped = (*_NOT_COPIED, "_grad")
        state = {k: v for k, v in self.__dict__.items() if k not in skipped}
        return _rebuild, (type(self), state, self._edge is not None)


def _copied_array(data: np.ndarray, memo: dict[int, Any]) -> np.ndarray:
    """A copy, as part of one copy of the memory if `data` is a view: views still share it."""
    import copy

    whole = data
    while type(whole.base) is np.ndarray:
        whole = whole.base
    if whole is not data and data.size and min(data.strides, default=1) > 0:
        order = np.argsort([-stride for stride in whole.strides], kind="stable")
        start = data.__array_interface__["data"][0] - whole.__array_interface__["data"][0]
        if whole.transpose(order).flags.c_contiguous:
            memory = copy.deepcopy(whole, memo).transpose(order)
            return np.ndarray(data.shape, data.dtype, memory, start, data.strides)
    copied: np.ndarray = copy.deepcopy(data, memo)
    return copied


# What ties a tensor to others; a copy stands alone, but for the memory of views.
_NOT_COPIED = (
    "_base",
    "_view",
    "_counter",
    "_seen",
    "_epoch",
    "_edge",
    "_post_hooks",
    "_retained",
)


def _rebuild(kind: type[Tensor], state: dict[str, Any], requires_grad: bool) -> Tensor:
    """A tensor from what `Tensor.__reduce__` wrote."""
    result = kind.__new__(kind)
    result.__dict__.update(state)
    return result.requires_grad_(requires_grad)
