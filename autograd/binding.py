"""Binds the table to Python: Tensor methods, operators, in-place twins and NumPy's dispatch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .elementwise import Binary, Unary
from .function import OPS
from .inplace import in_place
from .registry import ENTRIES, NUMPY, public
from .tensor import Tensor

# Operators by op name: (method, reflected, in-place)
OPERATORS = {
    "add": ("__add__", "__radd__", "__iadd__"),
    "sub": ("__sub__", "__rsub__", "__isub__"),
    "mul": ("__mul__", "__rmul__", "__imul__"),
    "div": ("__truediv__", "__rtruediv__", "__itruediv__"),
    "floor_divide": ("__floordiv__", "__rfloordiv__", "__ifloordiv__"),
    "remainder": ("__mod__", "__rmod__", "__imod__"),
    "pow": ("__pow__", "__rpow__", "__ipow__"),
    "bitwise_and": ("__and__", "__rand__", "__iand__"),
    "bitwise_or": ("__or__", "__ror__", "__ior__"),
    "bitwise_xor": ("__xor__", "__rxor__", "__ixor__"),
    "bitwise_left_shift": ("__lshift__", "__rlshift__", "__ilshift__"),
    "bitwise_right_shift": ("__rshift__", "__rrshift__", "__irshift__"),
    "eq": ("__eq__", None, None),
    "ne": ("__ne__", None, None),
    "lt": ("__lt__", None, None),
    "le": ("__le__", None, None),
    "gt": ("__gt__", None, None),
    "ge": ("__ge__", None, None),
}


def bind() -> None:
    """Completes the table with the elementwise ops and gives Tensor its methods."""
    for name, op in list(OPS.items()):
        if issubclass(op, (Unary, Binary)) and op.public and name not in ENTRIES:
            _register_elementwise(name, op)
    for entry in ENTRIES.values():
        if entry.method and not hasattr(Tensor, entry.name):
            setattr(Tensor, entry.name, entry.function)
        if entry.in_place and not hasattr(Tensor, entry.name + "_"):
            setattr(Tensor, entry.name + "_", _in_place(entry.name, entry.function))
    for name, (method, reflected, augmented) in OPERATORS.items():
        if name not in OPS:
            continue
        operator = OPS[name].operator  # type: ignore[attr-defined]
        setattr(Tensor, method, operator)
        if reflected is not None:
            setattr(Tensor, reflected, _reflected(operator))
        if augmented is not None:
            setattr(Tensor, augmented, _in_place(name, operator))
    protocols: dict[str, Any] = {
        "__rdiv__": Tensor.__rtruediv__,
        "__array_ufunc__": array_ufunc,
        "__array_function__": array_function,
    }
    for name, method in protocols.items():
        setattr(Tensor, name, method)


def _register_elementwise(name: str, op: Any) -> None:
    apply = op.apply
    if len(op.parameters) == 1:

        def function(input: Any) -> Tensor:
            return apply(input)

    else:

        def function(input: Any, other: Any) -> Tensor:  # type: ignore[misc]
            return apply(input, other)

    function.__name__ = function.__qualname__ = name
    function.__doc__ = op.__doc__
    function.__module__ = "autograd"
    if op.namespace is None:
        return
    public(
        name,
        namespace=op.namespace,
        in_place=op.in_place and op.namespace == "",
        numpy=() if op.numpy is None else op.numpy,
        aliases=op.aliases,
        op=op,
    )(function)


def _reflected(operator: Callable[..., Any]) -> Callable[..., Any]:
    def reflected(self: Tensor, other: Any) -> Any:
        return operator(other, self)

    return reflected


def _in_place(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """`x.NAME_(...)`: the value and history of `NAME(x, ...)`, written to the memory of x."""
    name += "_"

    def method(self: Tensor, *args: Any, **kwargs: Any) -> Any:
        return in_place(name, function, self, *args, **kwargs)

    method.__name__ = method.__qualname__ = name
    method.__doc__ = f"In-place version of `{name[:-1]}`."
    return method


def array_ufunc(self: Tensor, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
    """`np.exp(t)`, `array * t` and their like run the differentiable operation."""
    from .numpy_protocol import call_ufunc

    if method == "__call__" and not kwargs:
        function = NUMPY.get(ufunc)
        if function is not None:
            return function(*inputs)
    return call_ufunc(ufunc, method, inputs, kwargs)


def array_function(self: Tensor, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
    """`np.sum(t)`, `np.concatenate([t, u])` and their like."""
    from .numpy_protocol import call_function

    return call_function(function, args, kwargs)
