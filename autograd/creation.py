"""Making tensors: from data, from arrays without a copy, and filled with constants.

`memory_format` is accepted where programs give it, and means nothing: new tensors are in C order.
"""

from __future__ import annotations

import math
import operator
from typing import Any

import numpy as np

from .arrays import array_of, plain
from .batching.array import separately
from .devices import device as Device
from .dtypes import SUPPORTED, as_dtype, get_default_dtype, int64, made, stored
from .errors import DtypeError, described
from .registry import public
from .tensor import Tensor, wrap


def check_device(device: Any) -> None:
    """Raises for any device but the CPU, the only one there is."""
    if device is not None and device != "cpu":
        Device(device)


def finish(array: np.ndarray, dtype: Any, device: Any, requires_grad: bool) -> Tensor:
    """The tensor around a new `array`, after the arguments all creation functions share."""
    check_device(device)
    result = wrap(array if dtype is None else array.astype(as_dtype(dtype), copy=False))
    return result.requires_grad_() if requires_grad else result


def size_of(args: tuple[Any, ...], keyword: Any = None) -> tuple[int, ...]:
    """The shape given as `f(2, 3)`, `f((2, 3))` or `f(size=(2, 3))`."""
    if keyword is not None:
        args = (keyword,)
    if len(args) == 1 and isinstance(args[0], (tuple, list)):
        args = tuple(args[0])
    sizes = tuple(map(operator.index, args))
    if any(n < 0 for n in sizes):
        raise RuntimeError(f"a size cannot be negative, got {sizes}")
    return sizes


def legacy_array(data: tuple[Any, ...]) -> np.ndarray:
    """What PyTorch's old constructor `Tensor(...)` makes: float data, or an array of a size."""
    if len(data) == 1 and not isinstance(data[0], int):
        return array_of(data[0], get_default_dtype())
    return np.zeros(size_of(data) if data else (0,), get_default_dtype())


@public(method=False)
def tensor(
    data: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """A tensor with a copy of `data`.

    Python floats become the default dtype (float32), integers int64; arrays keep their dtype.

    >>> import autograd
    >>> autograd.tensor([[1, 2], [3, 4]])
    tensor([[1, 2],
            [3, 4]])
    """
    return finish(array_of(data, dtype), None, device, requires_grad)


@public(method=False)
def as_tensor(data: Any, dtype: Any = None, device: Any = None) -> Tensor:
    """`data` as a tensor, sharing memory (and the graph) where it already is one or an ndarray.

    >>> import autograd, numpy
    >>> a = numpy.zeros(2); t = autograd.as_tensor(a); a[0] = 1; t
    tensor([1., 0.], dtype=float64)
    """
    if isinstance(data, Tensor) and dtype is None and device is None:
        return data
    check_device(device)
    if isinstance(data, Tensor):
        return data if dtype is None else data.to(as_dtype(dtype))
    if isinstance(data, np.ndarray) and data.dtype in SUPPORTED:
        return wrap(data if dtype is None else data.astype(as_dtype(dtype), copy=False))
    return wrap(array_of(data, dtype))


@public(method=False)
def asarray(
    obj: Any,
    *,
    dtype: Any = None,
    device: Any = None,
    copy: bool | None = None,
    requires_grad: bool = False,
) -> Tensor:
    """`as_tensor`, which with `copy` always copies, and without (False) never.

    >>> import autograd
    >>> autograd.asarray([1, 2], copy=True)
    tensor([1, 2])
    """
    if copy:
        return tensor(obj, dtype=dtype, device=device, requires_grad=requires_grad)
    result = as_tensor(obj, dtype, device)
    old = obj._data if isinstance(obj, Tensor) else obj
    if copy is False and result._data is not old:
        raise ValueError(f"asarray: {described(obj)} cannot become this tensor without a copy")
    return result.requires_grad_() if requires_grad else result


@public(method=False)
def from_numpy(ndarray: np.ndarray) -> Tensor:
    """A tensor that shares memory with `ndarray`.

    >>> import autograd, numpy
    >>> autograd.from_numpy(numpy.arange(3))
    tensor([0, 1, 2])
    """
    if not isinstance(ndarray, np.ndarray):
        raise TypeError(f"from_numpy: expected an ndarray, got {type(ndarray).__name__}")
    if ndarray.dtype not in SUPPORTED:
        raise TypeError(f"from_numpy: dtype {ndarray.dtype} is not supported")
    return wrap(ndarray)


@public(method=False)
def frombuffer(
    buffer: Any, *, dtype: Any, count: int = -1, offset: int = 0, requires_grad: bool = False
) -> Tensor:
    """The bytes of an object with the buffer protocol, from `offset` on, read as `dtype`.

    Shares memory; cannot be changed in place where the buffer is read-only.

    >>> import autograd
    >>> autograd.frombuffer(b"\\x01\\x00\\x02\\x00", dtype=autograd.int16)
    tensor([1, 2], dtype=int16)
    """
    array = np.frombuffer(buffer, as_dtype(dtype), count, offset)
    if array.size == 0:
        raise ValueError("frombuffer: the buffer is empty")
    return finish(array, None, None, requires_grad)


def _filled(name: str, value: float, what: str) -> Any:
    def function(
        *sizes: Any,
        size: Any = None,
        dtype: Any = None,
        device: Any = None,
        requires_grad: bool = False,
        memory_format: Any = None,
    ) -> Tensor:
        kind = get_default_dtype() if dtype is None else as_dtype(dtype)
        return finish(np.full(size_of(sizes, size), value, kind), None, device, requires_grad)

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"""A tensor of {what}, of the default dtype.

    >>> import autograd
    >>> autograd.{name}(2, 3).shape
    Size([2, 3])
    """
    return public(method=False)(function)


zeros = _filled("zeros", 0, "zeros")
ones = _filled("ones", 1, "ones")
empty = _filled("empty", 0, "unspecified values (zeros)")


@public(method=False)
def scalar_tensor(
    s: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """A 0-d tensor of one number, of the default dtype.

    >>> import autograd
    >>> autograd.scalar_tensor(3)
    tensor(3.)
    """
    kind = get_default_dtype() if dtype is None else as_dtype(dtype)
    return finish(made(plain(s), kind), None, device, requires_grad)


@public(method=False)
def full(
    size: Any,
    fill_value: Any,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """A tensor filled with one value, of the dtype that value would have.

    >>> import autograd
    >>> autograd.full((2,), 7)
    tensor([7, 7])
    """
    value = array_of(fill_value) if dtype is None else stored(plain(fill_value), as_dtype(dtype))
    shape = size_of((size,) if isinstance(size, int) else tuple(size))
    return finish(np.full(shape, value), None, device, requires_grad)


@public(method=False, numpy=np.full_like)
def full_like(
    input: Any,
    fill_value: Any,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    memory_format: Any = None,
) -> Tensor:
    """One value with the shape and dtype of `input`.

    >>> import autograd
    >>> autograd.full_like(autograd.ones(2), 5)
    tensor([5., 5.])
    """
    kind = input.dtype if dtype is None else as_dtype(dtype)
    value = stored(plain(fill_value), kind)
    filled = separately(np.full(tuple(input.shape), value), as_tensor(input)._data)
    return finish(filled, None, device, requires_grad)


def _filled_like(name: str, value: float, what: str, numpy: Any) -> Any:
    def function(
        input: Any,
        *,
        dtype: Any = None,
        device: Any = None,
        requires_grad: bool = False,
        memory_format: Any = None,
    ) -> Tensor:
        return full_like(input, value, dtype=dtype, device=device, requires_grad=requires_grad)

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"""{what} with the shape and dtype of `input`.

    >>> import autograd
    >>> autograd.{name}(autograd.ones(2)).shape
    Size([2])
    """
    return public(method=False, numpy=numpy)(function)


zeros_like = _filled_like("zeros_like", 0, "Zeros", np.zeros_like)
ones_like = _filled_like("ones_like", 1, "Ones", np.ones_like)
empty_like = _filled_like("empty_like", 0, "Unspecified values (zeros)", np.empty_like)


@public(method=False, reads_values=True)
def arange(
    start: Any = None,
    end: Any = None,
    step: Any = 1,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """Values from `start` up to but without `end`; integers give int64, floats the default dtype.

    >>> import autograd
    >>> autograd.arange(3), autograd.arange(1, 2, 0.5)
    (tensor([0, 1, 2]), tensor([1.0000, 1.5000]))
    """
    if end is None:
        start, end = None, start
    start, end, step = (
        x.item() if isinstance(x, Tensor) else x for x in (0 if start is None else start, end, step)
    )
    if dtype is None:
        integers = all(isinstance(x, (int, np.integer)) for x in (start, end, step))
        dtype = int64 if integers else get_default_dtype()
    kind = as_dtype(dtype)
    if kind.kind == "b":
        raise DtypeError("arange: not defined for dtype bool")
    if not all(map(math.isfinite, (start, end, step))):
        raise RuntimeError(f"arange: no values from {start} to {end} in steps of {step}")
    if kind.kind != "f":
        start, end, step = int(start), int(end), int(step)
    if step == 0:
        raise RuntimeError("arange: step must not be 0")
    if (end - start) * step < 0:
        raise RuntimeError(f"arange: a step of {step} never leads from {start} to {end}")
    n = math.ceil((end - start) / step)
    values = start + np.arange(n) * step  # exact for integers, one rounding for floats
    return finish(np.asarray(values), kind, device, requires_grad)


@public(method=False, reads_values=True)
def linspace(
    start: Any,
    end: Any,
    steps: int,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """`steps` evenly spaced values from `start` to `end`, both included.

    >>> import autograd
    >>> autograd.linspace(0, 1, 3)
    tensor([0.0000, 0.5000, 1.0000])
    """
    kind = get_default_dtype() if dtype is None else as_dtype(dtype)
    if kind == np.float32 and operator.index(steps) > 1:
        values = spaced_float32(float(start), float(end), steps)
    else:
        values = _spaced(start, end, steps, "linspace", kind)
    return finish(values, kind, device, requires_grad)


@public(method=False)
def logspace(
    start: Any,
    end: Any,
    steps: int,
    base: float = 10.0,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """`base` to the power of `steps` evenly spaced values from `start` to `end`.

    >>> import autograd
    >>> autograd.logspace(0, 2, 3)
    tensor([  1.,  10., 100.])
    """
    kind = get_default_dtype() if dtype is None else as_dtype(dtype)
    values = np.power(float(base), _spaced(start, end, steps, "logspace", kind))
    return finish(values, kind, device, requires_grad)


def spaced_float32(start: float, end: float, steps: int) -> np.ndarray:
    """PyTorch's numbers to the last bit: from both ends, with a step in single precision."""
    with np.errstate(all="ignore"):
        first, last = np.float32(start), np.float32(end)
        step = np.float64((last - first) / np.float32(steps - 1))
        i = np.arange(steps)
        near = np.where(i < steps // 2, first + step * i, last - step * (steps - 1 - i))
        return near.astype(np.float32)


def _spaced(start: Any, end: Any, steps: int, name: str, kind: np.dtype) -> np.ndarray:
    steps = operator.index(steps)
    if steps < 0:
        raise RuntimeError(f"{name}: the number of steps must not be negative, got {steps}")
    number = float if kind.kind == "f" else int  # as in PyTorch, the ends are cast first
    return np.linspace(number(start), number(end), steps)


@public(method=False)
def eye(
    n: int,
    m: int | None = None,
    *,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """The identity matrix, `n` by `m` (default: square).

    >>> import autograd
    >>> autograd.eye(2)
    tensor([[1., 0.],
            [0., 1.]])
    """
    kind = get_default_dtype() if dtype is None else as_dtype(dtype)
    rows, columns = size_of((n, n if m is None else m))
    return finish(np.eye(rows, columns, dtype=kind), None, device, requires_grad)
