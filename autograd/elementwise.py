"""The path of elementwise operations, which scalar programs and small networks consist of.

`Op.apply` and `Op.vjp` do the same for any operation; these versions are unrolled for one and two
operands, because per-op overhead is most of the time such programs take (benchmarks/step.py).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np

from .batching.array import Batched
from .errors import UnsupportedOperand, rethrow
from .function import _OUT, Op, _new, _next_sequence, version_of
from .grad_mode import mode
from .tensor import Tensor

_ndarray = np.ndarray


class Unary(Op, abstract=True):
    """An elementwise function of one tensor; integers become the default float."""

    promote = "float"

    @classmethod
    def _specialize(cls) -> None:
        if cls.parameters == ("x",) and not cls._takes_ctx:
            cls.apply = staticmethod(_unary_apply(cls))  # type: ignore[method-assign]
            if cls._rules:
                cls.vjp = _unary_vjp(cls)  # type: ignore[method-assign]


class Binary(Op, abstract=True):
    """An elementwise function of two operands that broadcast; the engine sums that out again."""

    promote = "same"
    operator: ClassVar[Callable[..., Any]]  # `apply`, but NotImplemented for a foreign operand

    @classmethod
    def _specialize(cls) -> None:
        if cls.parameters == ("x", "y") and not cls._takes_ctx:
            general = cls.apply

            def operator(x: Any, y: Any) -> Any:
                if x is None or y is None:  # so that `x == None` is False
                    return NotImplemented
                try:
                    return general(x, y)
                except UnsupportedOperand:
                    return NotImplemented

            cls.operator = staticmethod(_binary_apply(cls, operator))
            cls.apply = staticmethod(_binary_apply(cls, general))  # type: ignore[method-assign]
            cls.vjp = _binary_vjp(cls)  # type: ignore[method-assign]


def _unary_apply(cls: Any) -> Callable[..., Any]:
    general, forward = cls.apply, cls.forward
    differentiable = bool(cls._rules)
    sources = cls._rules[0][2] if differentiable else ()
    keep_x, keep_out = 0 in sources, _OUT in sources
    keeps = keep_x or keep_out

    def apply(x: Any) -> Tensor:
        if not isinstance(x, Tensor):
            return general(x)
        if x._base is not None:
            x._follow_base()
        edge = x._edge
        if edge is None and x._data.dtype.kind != "f":  # what has an edge is floating
            return general(x)
        try:
            out = forward(x._data)
        except RuntimeWarning:  # see silent.py
            with np.errstate(all="ignore"):
                out = forward(x._data)
        except Exception as error:
            if type(x._data) is Batched:
                return general(x)
            rethrow(error, cls.op_name, (x,))
        if type(out) is not _ndarray and type(out) is not Batched:
            out = np.asarray(out)
        result = _new(Tensor)
        result._data = out
        if edge is not None and differentiable and mode.plain:
            result._edge = node = _new(cls)
            node.edges = (edge,)
            node.shape = out.shape
            node.dtype = out.dtype
            node.sequence = _next_sequence()
            if keeps:
                node.frees = True
                node.args = (x if keep_x else None, out if keep_out else None)
                if keep_x and x._counter is not None:
                    node._versions = (x._counter.n, 0)
        elif edge is not None and differentiable and mode.grad:
            return general(x)
        return result

    return apply


def _binary_apply(cls: Any, general: Callable[..., Any]) -> Callable[..., Any]:
    forward, floats_only = cls.forward, cls.promote == "float"
    sources = {position: sources for position, _, sources in cls._rules}
    of_x, of_y = sources.get(0, ()), sources.get(1, ())
    differentiable = bool(sources)
    keeps = bool(of_x or of_y)
    plans = [  # (keep x, keep y, keep the result) by [does x need a gradient][does y]
        [tuple(i in of_x * x_needs + of_y * y_needs for i in (0, 1, _OUT)) for y_needs in (0, 1)]
        for x_needs in (0, 1)
    ]

    def apply(x: Any, y: Any) -> Tensor:
        x_data: Any
        y_data: Any
        # Fast: two tensors of the same dtype, or a float tensor and a Python number.
        if isinstance(x, Tensor):
            if x._base is not None:
                x._follow_base()
            x_data, x_edge = x._data, x._edge
            if isinstance(y, Tensor):
                if y._base is not None:
                    y._follow_base()
                y_data, y_edge = y._data, y._edge
                dtype = x_data.dtype
                if dtype is not y_data.dtype or (floats_only and dtype.kind != "f"):
                    return general(x, y)
            elif (type(y) is float or type(y) is int) and (dtype := x_data.dtype).kind == "f":
                y_data, y_edge = y, None
            else:
                return general(x, y)
        elif (
            (type(x) is float or type(x) is int)
            and isinstance(y, Tensor)
            and (dtype := y._data.dtype).kind == "f"
        ):
            if y._base is not None:
                y._follow_base()
            x_data, x_edge, y_data, y_edge = x, None, y._data, y._edge
        else:
            return general(x, y)
        try:
            out = forward(x_data, y_data)
        except RuntimeWarning:  # see silent.py
            with np.errstate(all="ignore"):
                out = forward(x_data, y_data)
        except Exception as error:
            if type(x_data) is Batched or type(y_data) is Batched:
                return general(x, y)
            rethrow(error, cls.op_name, (x, y))
        if type(out) is not _ndarray and type(out) is not Batched:
            out = np.asarray(out)
        result = _new(Tensor)
        result._data = out
        if (x_edge is not None or y_edge is not None) and differentiable and mode.plain:
            result._edge = node = _new(cls)
            node.edges = (x_edge, y_edge)
            node.shape = out.shape
            node.dtype = dtype
            node.sequence = _next_sequence()
            if keeps:
                keep_x, keep_y, keep_out = plans[x_edge is not None][y_edge is not None]
                node.args = (
                    x if keep_x else None,
                    y if keep_y else None,
                    out if keep_out else None,
                )
                keep_x, keep_y = keep_x and x_data is not x, keep_y and y_data is not y
                if keep_x or keep_y or keep_out:
                    node.frees = True
                    if (keep_x and x._counter is not None) or (keep_y and y._counter is not None):
                        node._versions = tuple(map(version_of, node.args))
        elif (x_edge is not None or y_edge is not None) and differentiable and mode.grad:
            return general(x, y)
        return result

    return apply


def _unary_vjp(cls: Any) -> Callable[..., Any]:
    """`Op.vjp` for a gradient as an ndarray and at most one saved value.

    The gradient of a 0-d result is mostly a NumPy scalar, and arithmetic of two scalars is several
    times faster than of a scalar and a 0-d array, so the saved value becomes a scalar too.
    """
    general = Op.vjp
    _, rule, sources = cls._rules[0]
    if len(sources) > 1:
        return general
    saved = sources[0] if sources else None
    uses_out = saved == _OUT

    def vjp(self: Any, g: Any, graph: bool, edges: Any) -> Any:
        args = self.args
        if graph or args is None or (uses_out and self._out_counters is not None):
            return general(self, g, graph, edges)
        if saved is None:
            return (rule(g),)
        a = args[saved]
        if isinstance(a, Tensor):
            a = a._data if a._counter is None else self._argument(saved, False)
        return (rule(g, a if type(g) is _ndarray else a[()]),)

    return vjp


def _binary_vjp(cls: Any) -> Callable[..., Any]:
    """The same for two operands; a loop over them would cost as much again as the rules."""
    general = Op.vjp
    rules = {position: (rule, sources) for position, rule, sources in cls._rules}
    if len(rules) < 2 or any(len(sources) > 1 for _, sources in rules.values()):
        return general
    (x_rule, x_sources), (y_rule, y_sources) = rules[0], rules[1]
    x_saved, y_saved = (sources[0] if sources else None for sources in (x_sources, y_sources))
    uses_out = _OUT in (x_saved, y_saved)

    def vjp(self: Any, g: Any, graph: bool, edges: Any) -> Any:
        args = self.args
        if graph or args is None or (uses_out and self._out_counters is not None):
            return general(self, g, graph, edges)
        x_edge, y_edge = edges
        by_x = by_y = None
        if x_edge is not None:
            if x_saved is None:
                by_x = x_rule(g)
            else:
                a = args[x_saved]
                if isinstance(a, Tensor):
                    a = a._data if a._counter is None else self._argument(x_saved, False)
                    if type(g) is not _ndarray:
                        a = a[()]
                by_x = x_rule(g, a)
        if y_edge is not None:
            if y_saved is None:
                by_y = y_rule(g)
            else:
                a = args[y_saved]
                if isinstance(a, Tensor):
                    a = a._data if a._counter is None else self._argument(y_saved, False)
                    if type(g) is not _ndarray:
                        a = a[()]
                by_y = y_rule(g, a)
        return by_x, by_y

    return vjp
