"""`Batched`, an array with a hidden first dimension, and how NumPy's functions treat it."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from ..errors import ShapeError

_serial = itertools.count(1).__next__


class NotBatchable(RuntimeError):
    """A value of a batch was asked for as if it were one value."""

    _described = True  # see errors.rethrow


class Level:
    """One `vmap` that is running, or has run: whose hidden dimension it is.

    Levels are nested, and later ones are inside: their dimension is the outermost in memory.
    """

    __slots__ = ("randomness", "serial", "size")

    def __init__(self, size: int, randomness: str = "error") -> None:
        self.size, self.randomness, self.serial = size, randomness, _serial()


CONTROL_FLOW = (
    "vmap: It looks like you're attempting to use a Tensor in some data-dependent control flow. "
    "We don't support that yet; use autograd.where(condition, a, b) in the place of `if`"
)
ITEM = (
    "vmap: It looks like you're calling .item() on a Tensor. We don't support vmap over calling "
    ".item() on a Tensor, please try to rewrite what you're doing with other operations."
)
AN_ARRAY = (
    "vmap: a batch of arrays cannot become one ndarray; use operations on Tensors inside the "
    "function"
)
WRITING = (
    "vmap: writing in place is not possible, because what is written differs between the elements "
    "of the batch and the tensor it is written to does not: all would be written to one place. "
    "Use an out-of-place operation, or make the tensor from one that is mapped over, for example "
    "with new_zeros"
)


class Batched:
    """One element of a batch, which stands for all: an array without its first dimension.

    `value` is the array with that dimension, an ndarray or, where levels are nested, Batched at an
    outer level.
    """

    __slots__ = ("level", "value")
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, value: Any, level: Level) -> None:
        self.value, self.level = value, level

    # `isinstance(x, np.ndarray)` is true of it; NumPy's own code is not misled.
    __class__ = property(lambda self: np.ndarray)

    @property
    def shape(self) -> tuple[int, ...]:
        return self.value.shape[1:]

    @property
    def ndim(self) -> int:
        return self.value.ndim - 1

    @property
    def size(self) -> int:
        return math.prod(self.value.shape[1:])

    @property
    def dtype(self) -> np.dtype:
        return self.value.dtype

    @property
    def itemsize(self) -> int:
        return self.value.itemsize

    @property
    def strides(self) -> tuple[int, ...]:
        return self.value.strides[1:]

    @property
    def flags(self) -> Any:
        return self.value.flags

    @property
    def T(self) -> Any:
        return self.transpose()

    @property
    def mT(self) -> Any:
        return np.swapaxes(self, -1, -2)

    def __len__(self) -> int:
        return self.shape[0]

    def __iter__(self) -> Iterator[Any]:
        return (self[i] for i in range(len(self)))

    def __repr__(self) -> str:
        return f"Batched(lvl={self.level.serial}, bdim=0, value={self.value!r})"

    def __getitem__(self, index: Any) -> Any:
        from .indexing import select

        return select(self, index)

    def __setitem__(self, index: Any, values: Any) -> None:
        from .indexing import store

        store(self, index, values)

    # Shapes -----------------------------------------------------------------------------------

    def reshape(self, *shape: Any, order: str = "C", copy: bool | None = None) -> Any:
        sizes = shape[0] if len(shape) == 1 and isinstance(shape[0], (tuple, list)) else shape
        if -1 in sizes:
            known = math.prod(n for n in sizes if n != -1)
            sizes = tuple(self.size // max(known, 1) if n == -1 else n for n in sizes)
        sizes = (self.value.shape[0], *sizes)
        options: dict[str, Any] = {} if copy is None else {"copy": copy}
        return Batched(self.value.reshape(sizes, order=order, **options), self.level)

    def transpose(self, *axes: Any) -> Any:
        if len(axes) == 1 and (axes[0] is None or isinstance(axes[0], (tuple, list))):
            axes = tuple(axes[0] or ())
        order = [a % self.ndim + 1 for a in axes] or list(range(self.ndim, 0, -1))
        return Batched(self.value.transpose((0, *order)), self.level)

    def astype(self, dtype: Any, copy: bool = True, **options: Any) -> Any:
        return Batched(self.value.astype(dtype, copy=copy, **options), self.level)

    def copy(self, order: str = "C") -> Any:
        return Batched(self.value.copy(order=order), self.level)

    def view(self, dtype: Any) -> Any:
        return Batched(self.value.view(dtype), self.level)

    def fill(self, value: Any) -> None:
        self[...] = value

    # What would leave the batch ---------------------------------------------------------------

    def __bool__(self) -> bool:
        raise NotBatchable(CONTROL_FLOW)

    def item(self, *_: Any) -> Any:
        raise NotBatchable(ITEM)

    __int__ = __float__ = __index__ = tolist = item

    def __array__(self, *_: Any, **__: Any) -> Any:
        raise NotBatchable(AN_ARRAY)

    # NumPy's protocols ------------------------------------------------------------------------

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        if method != "__call__" or ufunc.signature is not None:
            from .rules import ufunc_method

            if not all(isinstance(x, (*_OPERANDS, tuple, list)) for x in inputs):
                return NotImplemented
            return ufunc_method(ufunc, method, inputs, kwargs)
        outs = kwargs.get("out", ())
        level, ndim = self.level, 0
        for x in (*inputs, *outs):
            if type(x) is Batched:
                if x.level.serial > level.serial:
                    level = x.level
                ndim = max(ndim, x.value.ndim - 1)
            elif isinstance(x, _OPERANDS):
                ndim = max(ndim, getattr(x, "ndim", 0))
            else:
                return NotImplemented  # a Tensor, whose turn it is
        if "where" in kwargs or any(hidden(o, level) is None for o in outs):
            raise NotBatchable(WRITING)
        if outs:
            kwargs["out"] = tuple(hidden(o, level) for o in outs)
        result = ufunc(*[aligned(x, level, ndim) for x in inputs], **kwargs)
        return rewrapped(result, level) if type(result) is tuple else Batched(result, level)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        if not all(issubclass(t, (Batched, np.ndarray)) for t in types):
            return NotImplemented
        from .rules import RULES, for_each

        level = highest((args, *kwargs.values()))
        rule = RULES.get(function)
        result = NotImplemented if rule is None else rule(level, *args, **kwargs)
        return for_each(level, function, args, kwargs) if result is NotImplemented else result


_OPERANDS = (np.ndarray, np.generic, int, float)


def highest(values: Any) -> Level:
    """The innermost level among Batched arrays in nested tuples, lists and dicts."""
    found = list(levels_in(values))
    return found[0] if len(found) == 1 else max(found, key=lambda level: level.serial)


def levels_in(values: Any) -> Iterator[Level]:
    """The levels of the Batched arrays in nested tuples, lists and dicts, outer ones left out."""
    for x in values.values() if type(values) is dict else values:
        if type(x) is Batched:
            yield x.level
        elif isinstance(x, (tuple, list, dict)):
            yield from levels_in(x)


def hidden(x: Any, level: Level) -> Any:
    """`x` with the dimension that it hides at `level`, None if it does not."""
    return x.value if type(x) is Batched and x.level is level else None


def aligned(x: Any, level: Level, ndim: int) -> Any:
    """`x` so that it broadcasts against values whose elements have `ndim` dimensions."""
    value = hidden(x, level)
    if value is None:
        return x
    missing = ndim + 1 - value.ndim
    if missing <= 0:
        return value
    return value.reshape((value.shape[0], *(1,) * missing, *value.shape[1:]))


def everywhere(x: Any, level: Level) -> Any:
    """`x` with the dimension of `level` in front, repeated where it does not depend on it."""
    value = hidden(x, level)
    return np.broadcast_to(x, (level.size, *np.shape(x))) if value is None else value


def rewrapped(result: Any, level: Level) -> Any:
    """What a function gave for arrays with their hidden dimension: without it again."""
    if isinstance(result, (tuple, list)):
        parts = [Batched(part, level) for part in result]
        return type(result)(*parts) if hasattr(result, "_fields") else type(result)(parts)
    return Batched(result, level)


def joined(level: Level, results: list[Any]) -> Any:
    """The results for one element after the other as one result, Batched where it is an array."""
    first = results[0]
    if isinstance(first, (tuple, list)):
        if len({len(r) for r in results}) > 1:
            raise _different(results)
        parts = [joined(level, list(column)) for column in zip(*results, strict=True)]
        return type(first)(*parts) if hasattr(first, "_fields") else type(first)(parts)
    if isinstance(first, (np.ndarray, np.generic)):
        if len({np.shape(r) for r in results}) > 1:
            raise _different(results)
        return Batched(np.stack(results), level)
    if type(first) in (bool, int, float) and any(r != first for r in results):
        return Batched(np.asarray(results), level)
    return first


def _different(results: list[Any]) -> ShapeError:
    shapes = list(dict.fromkeys(np.shape(r) for r in results))[:3]
    return ShapeError(
        "vmap: an operation whose result has a data-dependent shape gave different ones for the "
        f"elements of the batch: {', '.join(map(str, shapes))}"
    )


def element(values: Any, level: Level, i: int) -> Any:
    """`values` (arrays, nested in tuples, lists and dicts) for element `i` of the batch."""
    if type(values) is Batched:
        return values.value[i, ...] if values.level is level else values
    if type(values) is dict:
        return {k: element(v, level, i) for k, v in values.items()}
    if isinstance(values, (tuple, list)):
        parts = [element(v, level, i) for v in values]
        return type(values)(*parts) if hasattr(values, "_fields") else type(values)(parts)
    return values


def whole(x: Any) -> Any:
    """An array with all the dimensions it hides: for checks of every element of a batch."""
    while type(x) is Batched:
        x = x.value
    return x


def separately(array: np.ndarray, like: Any) -> Any:
    """`array` in memory of its own for each element of the batch that `like` is of, if it is."""
    if type(like) is not Batched:
        return array
    result = np.empty_like(like, dtype=array.dtype, shape=array.shape)
    result[...] = array
    return result


def as_array(x: Any, dtype: Any = None) -> Any:
    """`np.asarray`, which leaves a Batched array one."""
    if type(x) is not Batched:
        return np.asarray(x, dtype)
    return x if dtype is None else x.astype(dtype, copy=False)


def _method(name: str) -> Callable[..., Any]:
    function = getattr(np, name)

    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        return function(self, *args, **kwargs)

    method.__name__ = name
    return method


_METHODS = (
    *("all", "any", "argmax", "argmin", "argsort", "clip", "cumprod", "cumsum", "diagonal", "dot"),
    *("max", "mean", "min", "nonzero", "prod", "ravel", "repeat", "round", "searchsorted"),
    *("squeeze", "std", "sum", "swapaxes", "take", "trace", "var"),
)
for _name in _METHODS:
    setattr(Batched, _name, _method(_name))


def _operator(ufunc: Any) -> tuple[Callable[..., Any], Callable[..., Any], Callable[..., Any]]:
    def forward(self: Any, other: Any) -> Any:
        return ufunc(self, other) if isinstance(other, _OPERANDS) else NotImplemented

    def reflected(self: Any, other: Any) -> Any:
        return ufunc(other, self) if isinstance(other, _OPERANDS) else NotImplemented

    def in_place(self: Any, other: Any) -> Any:
        return ufunc(self, other, out=self)

    return forward, reflected, in_place


for _name, _ufunc in {
    "add": np.add,
    "sub": np.subtract,
    "mul": np.multiply,
    "truediv": np.true_divide,
    "floordiv": np.floor_divide,
    "mod": np.remainder,
    "pow": np.power,
    "matmul": np.matmul,
    "and": np.bitwise_and,
    "or": np.bitwise_or,
    "xor": np.bitwise_xor,
    "lshift": np.left_shift,
    "rshift": np.right_shift,
}.items():
    for _prefix, _function in zip(("", "r", "i"), _operator(_ufunc), strict=True):
        setattr(Batched, f"__{_prefix}{_name}__", _function)
for _name, _ufunc in {
    "eq": np.equal,
    "ne": np.not_equal,
    "lt": np.less,
    "le": np.less_equal,
    "gt": np.greater,
    "ge": np.greater_equal,
}.items():
    setattr(Batched, f"__{_name}__", _operator(_ufunc)[0])
for _name, _ufunc in {"neg": np.negative, "abs": np.absolute, "invert": np.invert}.items():
    setattr(Batched, f"__{_name}__", lambda self, ufunc=_ufunc: ufunc(self))
