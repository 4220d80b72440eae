"""`Op`, what the built-in operations are, and their table.

The class of an operation holds its forward and its backward; an instance of it is at once the
graph node and the `ctx` that forward and backward share. `forward` sees ndarrays, and each
differentiable input has one rule in NumPy's own syntax, `{"x": lambda g, y: g * y}`. What a rule
asks for by name is what the node saves: parameters of `forward`, `out` (the result), or `ctx`. A
rule given ndarrays runs at NumPy's speed; given Tensors (`create_graph=True`) the same line records
a graph. `Function`, for users, is in custom.py.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np

from .batching.array import as_array
from .batching.samples import forward_in_batch, is_batched
from .dtypes import get_default_dtype, result_dtype, wrapped
from .errors import freed_error, in_place_error, rethrow
from .grad_mode import mode
from .node import Node as Node, Output as Output, next_sequence as _next_sequence
from .tensor import Tensor, wrap

OPS: dict[str, type[Op]] = {}
"""The built-in operations by name, in the order of their definition."""

_new = object.__new__
_ndarray = np.ndarray

_CTX, _OUT = -2, -1  # where a rule's argument comes from, beside positions in `args`


class Op(Node):
    """A built-in operation on ndarrays.

    A subclass defines `forward` (a ufunc or a function of the arguments; a first parameter named
    `ctx` receives the node) and `backward`, a mapping from a differentiable parameter to its
    rule. A `*xs` parameter's rule returns a sequence. `formula` shows each rule to a reader; a
    test evaluates it against the rule.
    """

    op_name: ClassVar[str] = ""
    symbol: ClassVar[str] = ""
    numpy: ClassVar[Any] = None  # the NumPy or SciPy function(s) that dispatch here
    formula: ClassVar[dict[str, str]] = {}
    forward: ClassVar[Callable[..., Any]]
    backward: ClassVar[dict[str, Callable[..., Any]]] = {}
    promote: ClassVar[str | None] = None  # "same": PyTorch's promotion; "float": integers too
    public: ClassVar[bool] = True  # False: an inner operation that users do not call
    namespace: ClassVar[str] = ""  # where an elementwise op appears, see registry.py
    aliases: ClassVar[tuple[str, ...]] = ()
    in_place: ClassVar[bool] = True  # whether an elementwise op has a twin with an underscore
    view: ClassVar[bool] = False  # the result shares its first argument's memory
    saves_on_ctx: ClassVar[bool] = False  # forward sets arrays as attributes of ctx
    batch: ClassVar[Callable[..., Any] | None] = None  # forward under vmap, where NumPy's won't do
    makes_own_gradients = True

    _versions: tuple[int, ...] | None = None
    _out_version = 0

    # Derived from the signatures at class creation:
    parameters: ClassVar[tuple[str, ...]] = ()
    variadic: ClassVar[int | None] = None
    _takes_ctx: ClassVar[bool] = False
    _rules: ClassVar[list[tuple[int, Callable[..., Any], tuple[int, ...]]]] = []
    _plans: ClassVar[dict[tuple[bool, ...], tuple[tuple[int, ...], bool]]]

    def __init_subclass__(cls, abstract: bool = False) -> None:
        if abstract:
            return
        cls.op_name = cls.__dict__.get("op_name") or _snake(cls.__name__)
        cls.parameters, cls.variadic, cls._takes_ctx = _signature(cls.forward)
        if not isinstance(cls.forward, np.ufunc):
            cls.forward = staticmethod(cls.forward)
        special = {"ctx": _CTX, "out": _OUT}
        cls._rules = [
            (
                cls.parameters.index(name),
                rule,
                tuple(
                    special[p] if p in special else cls.parameters.index(p)
                    for p in list(inspect.signature(rule).parameters)[1:]
                ),
            )
            for name, rule in cls.backward.items()
        ]
        cls._plans = {}
        if cls.saves_on_ctx:
            cls.args = _args_and_attributes  # type: ignore[assignment]
        cls._specialize()
        OPS[cls.op_name] = cls

    @classmethod
    def _specialize(cls) -> None:
        """A base class may replace `apply` by a version made for its subclasses' shape."""

    def name(self) -> str:
        return type(self).__name__ + "Backward0"

    def _differentiable_by(self, i: int) -> bool:
        if self.variadic is not None:
            i = min(i, self.variadic)
        return any(position == i for position, *_ in self._rules)

    @classmethod
    def apply(cls, *args: Any) -> Any:
        """Runs the operation on Tensors (and constants) and records it where grad mode is on."""
        arrays = []
        edges = []
        record = False
        for a in args:
            if isinstance(a, Tensor):
                if a._base is not None:
                    a._follow_base()
                edge = a._edge
                edges.append(edge)
                arrays.append(a._data)
                if edge is not None:
                    record = True
            else:
                arrays.append(a)
                edges.append(None)
        record = record and mode.grad and bool(cls._rules)
        node = _new(cls)
        if record:
            node.edges = tuple(edges)  # forward may ask for `needs_input_grad`
        try:
            if cls.promote is not None:
                arrays = promoted(arrays, cls.promote)
            out = cls.forward(node, *arrays) if cls._takes_ctx else cls.forward(*arrays)
        except Exception as error:
            out = _again(cls, node, arrays, error, args)
        if type(out) is tuple:
            return node._several(out, args, record)
        if type(out) is not np.ndarray:
            out = as_array(out)
        result = _new(Tensor)
        result._data = out
        if record and out.dtype.kind == "f":  # integers carry no gradient
            node._save(args, out)
            node.shape = out.shape
            node.dtype = out.dtype
            node.sequence = _next_sequence()
            result._edge = node
        if cls.view:
            result._become_view(args[0], cls, args[1:])
        if record and mode.watchers:
            tell_watchers(node, result, args)
        return result

    @classmethod
    def call(cls, *args: Any) -> Any:
        """`apply` when an argument is a Tensor, else plain `forward`: for use inside rules."""
        for a in args:
            if isinstance(a, Tensor):
                return cls.apply(*args)
        node = _new(cls)
        try:
            return cls.forward(node, *args) if cls._takes_ctx else cls.forward(*args)
        except Exception as error:
            return _again(cls, node, args, error, args)

    def _save(self, args: tuple[Any, ...], out: Any) -> None:
        """Keeps of `args` and `out` what the rules of the needed inputs ask for."""
        needs = tuple([edge is not None for edge in self.edges])
        plan = self._plans.get(needs)
        if plan is None:
            plan = self._plans[needs] = self._plan(needs)
        used, keep_out = plan
        frees, versioned, kept = keep_out or self.saves_on_ctx, False, [*args]
        i = -1
        for a in args:
            i += 1
            if isinstance(a, Tensor):
                if i not in used:
                    kept[i] = None
                    continue
                frees = True
                if a._counter is not None:
                    versioned = True
            elif type(a) is _ndarray or (type(a) is tuple and _ndarray in map(type, a)):
                frees = True  # an array, or an index with arrays
        kept.append(out if keep_out else None)
        self.args, self.frees = tuple(kept), frees
        if versioned:
            self._versions = tuple(map(version_of, kept))

    @classmethod
    def _plan(cls, needs: tuple[bool, ...]) -> tuple[Any, bool]:
        """(positions of arguments some needed rule asks for, whether one asks for the result)."""
        used: set[int] = set()
        for position, _, sources in cls._rules:
            if any(needs[position:]) if position == cls.variadic else needs[position]:
                used.update(sources)
        if cls.variadic in used:
            used.update(range(cls.variadic, len(needs)))
        return frozenset(used), _OUT in used

    def _several(self, outs: tuple[Any, ...], args: tuple[Any, ...], record: bool) -> Any:
        """Tensors for the results of an operation that has several; integer ones are constants."""
        results = tuple(map(wrap, outs))
        if record and outs:
            self._save(args, outs)
            self.sequence = _next_sequence()
            for result, output in zip(results, self._record_outputs(outs), strict=True):
                if output.dtype.kind == "f":
                    result._edge = output
        if self.view:
            for result in results:
                result._become_part(args[0])
        if record and mode.watchers:
            tell_watchers(self, results, args)
        return results

    def vjp(self, g: Any, graph: bool, edges: Any) -> Any:
        args = self.args
        if args is None:
            raise freed_error(self)
        gradients: list[Any] = [None] * len(edges)
        for position, rule, sources in self._rules:
            if position == self.variadic:
                if all(edge is None for edge in edges[position:]):
                    continue
            elif edges[position] is None:
                continue
            values = []
            for i in sources:
                a = None if graph or i < 0 or i == self.variadic else args[i]
                if isinstance(a, Tensor) and a._counter is None:
                    values.append(a._data)  # as `_value` would find it, in three calls
                else:
                    values.append(self._value(i, graph))
            if position == self.variadic:
                gradients[position:] = rule(g, *values)
            else:
                gradients[position] = rule(g, *values)
        return gradients

    def _value(self, i: int, graph: bool) -> Any:
        """What a rule asked for: an argument, the result, or the node itself.

        An ndarray, or with `graph` the Tensor in its place in the graph.
        """
        if i == _CTX:
            return self
        assert self.args is not None
        if i == _OUT:
            counters = self._out_counters
            if counters is not None and sum(c.n for c in counters) != self._out_version:
                raise in_place_error(self, "its result")
            out = self.args[-1]
            if not graph:
                return out
            outputs = self.outputs
            if outputs is None:
                return wrap(out, self)
            return [wrap(o, output) for o, output in zip(out, outputs, strict=True)]
        if i == self.variadic:
            return [self._argument(j, graph) for j in range(i, len(self.args) - 1)]
        return self._argument(i, graph)

    def _argument(self, i: int, graph: bool) -> Any:
        a = self.args[i]  # type: ignore[index]
        if not isinstance(a, Tensor):
            return a
        if a._counter is not None:
            expected = 0 if self._versions is None else self._versions[i]
            if a._counter.n != expected:
                raise in_place_error(self, f"its argument {self.parameter(i)}", a)
        if not graph:
            return a._data
        # Since then the tensor may have been detached, or made to require grad.
        edge = self.edges[i]
        return a if a._edge is edge else wrap(a._data, edge)

    def parameter(self, i: int) -> str:
        """The name of argument `i`."""
        if self.variadic is not None and i >= self.variadic:
            return f"{self.parameters[self.variadic]}[{i - self.variadic}]"
        return self.parameters[i]


def _again(op: type[Op], node: Op, arrays: Any, error: Exception, args: tuple[Any, ...]) -> Any:
    """The forward of `op` once it has failed: without warnings (see silent.py), or in a batch."""
    try:
        with np.errstate(all="ignore"):
            if isinstance(error, RuntimeWarning):
                return _forward(op, node, arrays)
            if is_batched(arrays):
                return forward_in_batch(op, node, arrays, _forward)
    except Exception as another:
        error = another
    rethrow(error, op.op_name, args)


def _forward(op: type[Op], node: Op, arrays: Any) -> Any:
    try:
        arrays = arrays if op.promote is None else promoted(arrays, op.promote)
        return op.forward(node, *arrays) if op._takes_ctx else op.forward(*arrays)
    except Exception:
        if not is_batched(arrays):
            raise
    return forward_in_batch(op, node, arrays, _forward)


def _set_args(node: Any, args: tuple[Any, ...] | None) -> None:
    attributes = vars(node)
    attributes["_args"] = args
    if args is None:
        for name, value in list(attributes.items()):
            if isinstance(value, (np.ndarray, list)) and name[0] != "_":
                del attributes[name]


# For nodes with `saves_on_ctx`: freeing what was saved as arguments frees what ctx holds as well.
_args_and_attributes = property(lambda node: vars(node).get("_args", ()), _set_args)


def tell_watchers(node: Node, results: Any, args: tuple[Any, ...] = ()) -> None:
    """Reports what was just recorded, if it was."""
    if node.sequence >= 0:
        for watcher in mode.watchers:
            watcher.recorded(node, results, args)


def version_of(x: Any) -> int:
    """How often the memory behind `x` was changed in place; 0 for what is no Tensor."""
    return x._counter.n if isinstance(x, Tensor) and x._counter is not None else 0


def promoted(
    arrays: list[Any], kind: str, number: Callable[[Any, np.dtype], np.ndarray] = wrapped
) -> list[Any]:
    """`arrays` in the dtype PyTorch computes in; Python numbers stay weak beside float arrays.

    `number` makes arrays of Python numbers, see dtypes.py.
    """
    first = arrays[0]
    if number is wrapped and isinstance(first, np.ndarray) and first.dtype.kind == "f":
        for other in arrays:
            if isinstance(other, np.ndarray):
                if other.dtype is not first.dtype:
                    break
            elif type(other) is not float and type(other) is not int:
                break
        else:
            return arrays
    arrays = [a.item() if isinstance(a, np.generic) else a for a in arrays]
    dtype = result_dtype([a for a in arrays if a is not None])
    if kind == "float" and dtype.kind != "f":
        dtype = get_default_dtype()
    return [
        a.astype(dtype, copy=False)
        if isinstance(a, np.ndarray)
        else a
        if a is None
        else number(a, dtype)
        for a in arrays
    ]


def _signature(forward: Any) -> tuple[tuple[str, ...], int | None, bool]:
    """(parameter names without ctx, position of a `*xs` parameter, whether ctx comes first)."""
    if isinstance(forward, np.ufunc):
        return ("x", "y")[: forward.nin], None, False
    parameters = list(inspect.signature(forward).parameters.values())
    takes_ctx = parameters[0].name == "ctx"
    names = tuple(p.name for p in parameters[takes_ctx:])
    stars = [p.name for p in parameters if p.kind is p.VAR_POSITIONAL]
    return names, names.index(stars[0]) if stars else None, takes_ctx


def _snake(name: str) -> str:
    """LogSoftmax -> log_softmax."""
    return "".join("_" + c.lower() if c.isupper() and i else c.lower() for i, c in enumerate(name))


def __getattr__(name: str) -> Any:
    """PyTorch keeps `once_differentiable` and its companions in a module of this name."""
    if name in ("Function", "FunctionCtx", "once_differentiable"):
        from . import custom

        return getattr(custom, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
