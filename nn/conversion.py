"""What changes all parameters and buffers of a module: its methods `to`, `double`, and so on."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from autograd import Tensor, bfloat16, float16, float32, float64, no_grad
from autograd.creation import check_device
from autograd.dtypes import as_dtype

if TYPE_CHECKING:
    from .module import Module

M = TypeVar("M", bound="Module")


def to(
    self: M,
    *args: Any,
    device: Any = None,
    dtype: Any = None,
    non_blocking: bool = False,
    memory_format: Any = None,
) -> M:
    """Converts floating parameters and buffers: `to(dtype)`, `to("cpu")`, `to(tensor)`.

    The parameters stay the same objects, so an optimizer keeps working. The only device is
    the CPU; `non_blocking` and `memory_format` are accepted and mean nothing here.

    >>> import autograd, nn
    >>> nn.Linear(2, 2).to(autograd.float64).weight.dtype
    dtype('float64')
    """
    check_device(device)
    for arg in args:
        if isinstance(arg, Tensor):
            dtype = arg.dtype
        elif isinstance(arg, str) or hasattr(arg, "index"):
            check_device(arg)
        elif arg is not None and not isinstance(arg, bool):  # a bool is `non_blocking`
            dtype = arg
    if dtype is None:
        return self
    if as_dtype(dtype).kind != "f":
        raise TypeError(
            f"nn.Module.to only accepts floating point dtypes, but got desired dtype={dtype}"
        )
    return self._apply(lambda t: t.to(dtype) if t.dtype.kind == "f" else t)


def to_float32(self: M) -> M:
    """Converts floating parameters and buffers to float32."""
    return self.to(float32)


def to_float64(self: M) -> M:
    """Converts floating parameters and buffers to float64."""
    return self.to(float64)


def to_float16(self: M) -> M:
    """Converts floating parameters and buffers to float16."""
    return self.to(float16)


def to_bfloat16(self: M) -> M:
    """An error: there is no bfloat16 in NumPy."""
    return self.to(bfloat16)


def to_dtype(self: M, dst_type: Any) -> M:
    """Converts floating parameters and buffers to the dtype `dst_type`."""
    return self.to(dst_type)


def cpu(self: M) -> M:
    """Does nothing: everything is on the CPU."""
    return self


def cuda(self: M, device: Any = None) -> M:
    """An error: there is no such device. Programs ask `cuda.is_available()` first."""
    return self.to("cuda")


def to_empty(self: M, *, device: Any, recurse: bool = True) -> M:
    """Does nothing: no module is without memory here, which this would give it."""
    check_device(device)
    return self


def _apply(self: M, fn: Callable[[Tensor], Tensor]) -> M:
    """Replaces the values of parameters, their gradients and the buffers by `fn(values)`."""
    with no_grad():
        for module in self.modules():
            for p in module._parameters.values():
                if p is None:
                    continue
                p.data = fn(p)
                if p._grad is not None:
                    p._grad = fn(p._grad.detach())
            for name, buffer in module._buffers.items():
                if buffer is not None:
                    module._buffers[name] = fn(buffer)
    return self
