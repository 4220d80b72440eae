"""Questions about tensors and dtypes: limits, `is_tensor`, typed constructors, `.type()`, sizes."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from .arrays import array_of
from .creation import size_of
from .dtypes import SUPPORTED, as_dtype, get_default_dtype, result_dtype, set_default_dtype
from .tensor import Tensor, wrap

inf, nan, pi, e, newaxis = math.inf, math.nan, math.pi, math.e, None
dtype = np.dtype
# Accepted where PyTorch takes them, and without effect:
strided, contiguous_format, preserve_format, channels_last = (
    "strided",
    "contiguous_format",
    "preserve_format",
    "channels_last",
)


class finfo:
    """The limits of a floating dtype (default: the default dtype), as Python numbers.

    >>> import autograd
    >>> autograd.finfo(autograd.float32).eps, autograd.finfo("float16").max
    (1.1920928955078125e-07, 65504.0)
    """

    def __init__(self, type: Any = None) -> None:
        found = get_default_dtype() if type is None else as_dtype(type)
        if found.kind != "f":
            raise TypeError(f"finfo: expected a floating dtype, got {found}; use iinfo")
        limits = np.finfo(found)
        self.dtype, self.bits = str(found), limits.bits
        self.eps, self.resolution = float(limits.eps), float(limits.resolution)
        self.max, self.min = float(limits.max), float(limits.min)
        self.tiny = self.smallest_normal = float(limits.tiny)

    def __repr__(self) -> str:
        names = ("resolution", "min", "max", "eps", "smallest_normal", "tiny", "dtype")
        return f"finfo({', '.join(f'{n}={getattr(self, n)}' for n in names)})"


class iinfo:
    """The limits of an integer dtype.

    >>> import autograd
    >>> autograd.iinfo(autograd.uint8).max
    255
    """

    def __init__(self, type: Any) -> None:
        found = as_dtype(type)
        if found.kind not in "iu":
            raise TypeError(f"iinfo: expected an integer dtype, got {found}; use finfo")
        limits = np.iinfo(found)
        self.dtype, self.bits = str(found), limits.bits
        self.max, self.min = int(limits.max), int(limits.min)

    def __repr__(self) -> str:
        return f"iinfo(min={self.min}, max={self.max}, dtype={self.dtype})"


def is_tensor(obj: Any) -> bool:
    """True for a Tensor.

    >>> import autograd
    >>> autograd.is_tensor(autograd.ones(1)), autograd.is_tensor(1.0)
    (True, False)
    """
    return isinstance(obj, Tensor)


def result_type(tensor1: Any, tensor2: Any) -> np.dtype:
    """The dtype of `tensor1 + tensor2`; either may be a Python number.

    >>> import autograd
    >>> autograd.result_type(autograd.ones(2), 3), autograd.result_type(autograd.arange(2), 1.5)
    (dtype('float32'), dtype('float32'))
    """
    return result_dtype([getattr(x, "_data", x) for x in (tensor1, tensor2)])


class _Typed(type):
    """The class of `FloatTensor` and its like, which are constructors and answer `isinstance`."""

    dtype: np.dtype

    def __instancecheck__(cls, x: Any) -> bool:
        return isinstance(x, Tensor) and x.dtype == cls.dtype

    def __call__(cls, *data: Any) -> Tensor:
        if len(data) == 1 and not isinstance(data[0], int):
            return wrap(array_of(data[0], cls.dtype))
        return wrap(np.zeros(size_of(data) if data else (0,), cls.dtype))


def _typed(name: str, kind: Any) -> Any:
    doc = f"PyTorch's old constructor of {np.dtype(kind)} tensors: from data, or zeros in a size."
    return _Typed(name, (), {"dtype": np.dtype(kind), "__doc__": doc})


FloatTensor = _typed("FloatTensor", np.float32)
DoubleTensor = _typed("DoubleTensor", np.float64)
HalfTensor = _typed("HalfTensor", np.float16)
LongTensor = _typed("LongTensor", np.int64)
IntTensor = _typed("IntTensor", np.int32)
ShortTensor = _typed("ShortTensor", np.int16)
CharTensor = _typed("CharTensor", np.int8)
ByteTensor = _typed("ByteTensor", np.uint8)
BoolTensor = _typed("BoolTensor", np.bool_)
_TYPED = {
    t.__name__: t
    for t in (
        FloatTensor,
        DoubleTensor,
        HalfTensor,
        LongTensor,
        IntTensor,
        ShortTensor,
        CharTensor,
        ByteTensor,
        BoolTensor,
    )
}


def set_default_tensor_type(t: Any) -> None:
    """PyTorch's older way to say `set_default_dtype`: a typed constructor or its name.

    >>> import autograd
    >>> autograd.set_default_tensor_type(autograd.DoubleTensor); autograd.tensor(1.0).dtype
    dtype('float64')
    >>> autograd.set_default_tensor_type("FloatTensor")
    """
    found = _TYPED.get(t.rpartition(".")[2]) if isinstance(t, str) else t
    if not isinstance(found, _Typed):
        raise TypeError(
            f"set_default_tensor_type: expected FloatTensor, DoubleTensor or HalfTensor, got {t!r}"
        )
    set_default_dtype(found.dtype)


class _AnyTensor(type):
    """The class of `Variable`."""

    def __instancecheck__(cls, x: Any) -> bool:
        return isinstance(x, Tensor)

    def __call__(cls, data: Tensor, requires_grad: bool = False, volatile: bool = False) -> Tensor:
        return data.detach().requires_grad_(requires_grad)


class Variable(metaclass=_AnyTensor):
    """Tensors, under the name of old programs: `Variable(data)` is `data`, detached.

    >>> import autograd
    >>> autograd.Variable(autograd.ones(1), requires_grad=True)
    tensor([1.], requires_grad=True)
    """


def type_method(self: Tensor, dtype: Any = None, non_blocking: bool = False) -> Any:
    """The name of the typed constructor, or the tensor converted to another dtype.

    `dtype` is a dtype, a typed constructor or its name.

    >>> import autograd
    >>> autograd.ones(1).type(), autograd.ones(1).type(autograd.LongTensor)
    ('autograd.FloatTensor', tensor([1]))
    """
    if dtype is None:
        return next(f"autograd.{name}" for name, t in _TYPED.items() if t.dtype == self.dtype)
    if isinstance(dtype, str):
        dtype = _TYPED.get(dtype.rpartition(".")[2], dtype)
    return self.to(dtype.dtype if isinstance(dtype, _Typed) else dtype)


def new(self: Tensor, *args: Any) -> Tensor:
    """A tensor of this dtype, as old programs make it: `x.new(2, 3)` of a size, or of data.

    >>> import autograd
    >>> autograd.ones(1).new(2, 3).zero_().shape, autograd.arange(2).new([5, 7])
    (Size([2, 3]), tensor([5, 7]))
    """
    return next(t for t in _TYPED.values() if t.dtype == self.dtype)(*args)


def from_dlpack(ext_tensor: Any) -> Tensor:
    """A tensor that shares memory with an array of another library, through its `__dlpack__`.

    It cannot be changed in place where that array cannot, as those of JAX.

    >>> import autograd, numpy
    >>> a = numpy.zeros(2); t = autograd.from_dlpack(a); a[0] = 1; t
    tensor([1., 0.], dtype=float64)
    """
    try:
        array = np.from_dlpack(ext_tensor)
    except AttributeError as error:
        raise TypeError(
            f"from_dlpack: {type(ext_tensor).__name__} has no __dlpack__; pass the array or tensor "
            "itself"
        ) from error
    if array.dtype not in SUPPORTED:
        raise TypeError(f"from_dlpack: dtype {array.dtype} is not supported")
    return wrap(array)


def numel(input: Tensor) -> int:
    """The number of elements."""
    return input._data.size


def is_floating_point(input: Tensor) -> bool:
    """True for float16, float32 and float64."""
    return input._data.dtype.kind == "f"


def is_complex(input: Tensor) -> bool:
    """False: all tensors are real."""
    return False


def is_signed(input: Tensor) -> bool:
    """True for dtypes that hold negative numbers."""
    return input._data.dtype.kind in "if"


def is_same_size(input: Tensor, other: Tensor) -> bool:
    """Whether the shapes are equal."""
    return input._data.shape == other._data.shape


def get_device(input: Tensor) -> int:
    """-1, as PyTorch says of the CPU."""
    return -1


def detach(input: Tensor) -> Tensor:
    """The tensor without its graph, on the same memory."""
    return input.detach()


def typename(obj: Any) -> str:
    """The name of a type: of a tensor, that of its typed constructor.

    >>> import autograd
    >>> autograd.typename(autograd.ones(1))
    'autograd.FloatTensor'
    """
    if isinstance(obj, Tensor):
        return obj.type()
    kind = obj if isinstance(obj, type) else type(obj)
    return kind.__name__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__name__}"


def is_nonzero(input: Tensor) -> bool:
    """Whether the one element of `input` is not 0."""
    return bool(input)


def _reversed(self: Tensor) -> Tensor:
    return self.flip(0) if self._data.ndim else self


def _apply(self: Tensor, callable: Callable[[Any], Any]) -> Tensor:
    """Replaces each element by `callable(element)`, in place and unrecorded."""
    if self.requires_grad:
        raise TypeError("apply_: a tensor that requires grad cannot be changed by a function")
    from .inplace import write

    values = [callable(v) for v in self._data.ravel().tolist()]
    write(self, ..., np.array(values, self.dtype).reshape(self._data.shape), "apply_")
    return self


def _refuse(name: str) -> Callable[..., Any]:
    def method(self: Tensor, *args: Any, **kwargs: Any) -> Any:
        raise RuntimeError(f"{name}(): device {name!r} is not available; everything runs on 'cpu'")

    method.__doc__ = f"An error: there is no {name} device."
    return method


METHODS: dict[str, Any] = {
    "type": type_method,
    "new": new,
    "numel": numel,
    "nelement": numel,
    "is_floating_point": is_floating_point,
    "is_complex": is_complex,
    "is_nonzero": is_nonzero,
    "apply_": _apply,
    "cuda": _refuse("cuda"),
    "__reversed__": _reversed,
    "ndimension": lambda self: self._data.ndim,
    "element_size": lambda self: self._data.itemsize,
    "data_ptr": lambda self: self._data.ctypes.data,
    "get_device": get_device,
    "is_signed": is_signed,
    "is_same_size": is_same_size,
    "_is_view": lambda self: self._base is not None,
    **dict.fromkeys(("is_inference", "is_pinned", "is_shared", "is_neg"), lambda self: False),
    "is_set_to": lambda self, tensor: (
        self._data.__array_interface__ == tensor._data.__array_interface__
    ),
    "pin_memory": lambda self: self,
    "share_memory_": lambda self: self,
    "resolve_conj": lambda self: self,
    "resolve_neg": lambda self: self,
}
PROPERTIES: dict[str, Callable[[Tensor], Any]] = {
    "itemsize": lambda self: self._data.itemsize,
    "nbytes": lambda self: self._data.nbytes,
    "is_cpu": lambda self: True,
    "layout": lambda self: strided,
    "is_cuda": lambda self: False,
    "is_meta": lambda self: False,
    "is_sparse": lambda self: False,
    "is_quantized": lambda self: False,
}
