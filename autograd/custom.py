"""`Function`: operations that users define, to the letter of PyTorch's documentation.

A user may set any attribute on `ctx`, also `shape` or `args`, so here, unlike in an `Op`, ctx and
graph node are two objects. The node owns what was saved, and ctx refers to it weakly.
"""

from __future__ import annotations

import functools
import inspect
import weakref
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from .batching.samples import call_one_by_one, level_of
from .errors import freed_error, in_place_error
from .function import Node, _next_sequence, tell_watchers, version_of
from .grad_mode import mode, no_grad
from .inplace import adopt, check_in_place
from .tensor import Tensor, wrap


class FunctionCtx:
    """What the forward and the backward of a `Function` share. Any attribute may be set on it."""

    needs_input_grad: tuple[bool, ...] = ()
    materialize_grads = True
    to_save: tuple[Tensor | None, ...] = ()
    dirty_tensors: tuple[Tensor, ...] = ()
    non_differentiable: tuple[Tensor, ...] = ()
    _node: Callable[[], FunctionNode | None] = staticmethod(lambda: None)

    def save_for_backward(self, *tensors: Tensor | None) -> None:
        """Keeps tensors (inputs, outputs or others) for `backward`, as `ctx.saved_tensors`.

        They are freed with the graph, and an in-place change of one before `backward` is an error.
        """
        for i, t in enumerate(tensors):
            if t is not None and not isinstance(t, Tensor):
                raise TypeError(
                    f"save_for_backward: argument {i} is a {type(t).__name__}, not a Tensor; set "
                    "other values as attributes of ctx"
                )
        self.to_save = tensors

    @property
    def saved_tensors(self) -> tuple[Tensor | None, ...]:
        """What `save_for_backward` was given."""
        node = self._node()
        return () if node is None else node.saved_tensors

    def mark_dirty(self, *tensors: Tensor) -> None:
        """Declares inputs that forward changed in place; forward must return them."""
        self.dirty_tensors = tensors

    def mark_non_differentiable(self, *tensors: Tensor) -> None:
        """Declares outputs that carry no gradient."""
        self.non_differentiable = tensors

    def set_materialize_grads(self, value: bool) -> None:
        """With False, backward gets None, not zeros, for outputs that no gradient reached."""
        self.materialize_grads = value


class Function(FunctionCtx):
    """Base class of operations with a backward of their own; used through `apply`.

    `forward(ctx, *args)` computes the result: a Tensor, or a tuple with Tensors in it. It runs
    unrecorded. `backward(ctx, *grads)` gets one gradient per result and returns one per argument,
    None for those that have none; with create_graph=True it is recorded, so that it can itself be
    differentiated if it is made of differentiable operations. In another style, `forward(*args)`
    takes no ctx, and `setup_context(ctx, inputs, output)` saves what backward needs.

    >>> import autograd
    >>> class Exp(autograd.Function):
    ...     @staticmethod
    ...     def forward(ctx, x):
    ...         y = x.exp()
    ...         ctx.save_for_backward(y)
    ...         return y
    ...     @staticmethod
    ...     def backward(ctx, g):
    ...         (y,) = ctx.saved_tensors
    ...         return g * y
    >>> x = autograd.tensor(0.0, requires_grad=True)
    >>> y = Exp.apply(x); y.backward(); y, x.grad
    (tensor(1., grad_fn=<ExpBackward>), tensor(1.))
    """

    generate_vmap_rule = False
    """Whether forward and backward consist of differentiable operations only, so that under `vmap`
    they can run once for all elements. Otherwise, and without `vmap`, they run for each."""

    _backward_cls: type[FunctionNode]

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        cls._backward_cls = type(f"{cls.__name__}Backward", (FunctionNode,), {})

    def __init__(self) -> None:
        name = type(self).__name__
        raise RuntimeError(f"{name} is not to be instantiated; call {name}.apply(...)")

    @staticmethod
    def forward(*args: Any, **kwargs: Any) -> Any:
        """Computes the result."""
        raise NotImplementedError("a Function must implement forward")

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
        """Saves what backward needs, where `forward` takes no ctx."""
        raise NotImplementedError("setup_context is not implemented")

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Any) -> Any:
        """The gradient of each argument, given those of the results."""
        raise NotImplementedError(
            "a Function must implement backward (or vjp, the same by another name) to be used in "
            "a backward pass"
        )

    vjp = backward

    @staticmethod
    def vmap(info: Any, in_dims: tuple[Any, ...], *args: Any) -> Any:
        """What `apply` does under `vmap`: (result, where its batch dimension is).

        Args:
            info: has `batch_size` and `randomness`.
            in_dims: for each argument where its batch dimension is; None for one without.
        """
        raise NotImplementedError("vmap is not implemented")

    @classmethod
    def apply(cls, *args: Any, **kwargs: Any) -> Any:
        """Runs forward and records the operation where grad mode is on."""
        if mode.levels and not cls.generate_vmap_rule:
            level = level_of([args, kwargs])
            if level is not None:
                return function_in_batch(cls, level, args, kwargs)
        ctx = FunctionCtx()
        separate = cls.setup_context is not Function.setup_context
        first = () if separate else (ctx,)
        if kwargs or separate:  # keywords and defaults become positions, as backward sees them
            bound = inspect.signature(cls.forward).bind(*first, *args, **kwargs)
            bound.apply_defaults()
            args = bound.args[len(first) :]
        ctx.needs_input_grad = tuple([isinstance(a, Tensor) and a.requires_grad for a in args])
        record = mode.grad and any(ctx.needs_input_grad)
        node = cls._backward_cls(cls, ctx, args) if record else None
        versions = {id(a): version_of(a) for a in args if isinstance(a, Tensor)}
        with no_grad():
            out = cls.forward(*first, *args)
            if separate:
                cls.setup_context(ctx, args, out)
        outputs = out if isinstance(out, tuple) else (out,)
        for t in ctx.dirty_tensors:
            _check_dirty(t, outputs, cls.__name__, record)
            if t._version == versions.get(id(t)):
                t._versions().n += 1
        results = tuple(_result(o, ctx, versions.keys(), record) for o in outputs)
        if node is not None:
            node.record(outputs, results)
            if mode.watchers:
                tell_watchers(node, results, args)
        ctx.to_save = ctx.dirty_tensors = ctx.non_differentiable = ()
        return results if isinstance(out, tuple) else results[0]


def _check_dirty(t: Tensor, outputs: tuple[Any, ...], name: str, record: bool) -> None:
    if not any(t is o for o in outputs):
        raise RuntimeError(
            f"{name}: forward marked a tensor as dirty but did not return it; inputs that are "
            "changed in place must be among the results"
        )
    check_in_place(t, name, record)


def _result(output: Any, ctx: FunctionCtx, inputs: Any, record: bool) -> Any:
    """`output`, or another tensor that shares its memory where it belongs to the outside."""
    if not isinstance(output, Tensor) or any(output is t for t in ctx.dirty_tensors):
        return output
    if output._edge is None and id(output) not in inputs:
        return output
    result = wrap(output._data)
    if record and not any(output is t for t in ctx.non_differentiable):
        result._become_part(output)
    return result


class _Saved:
    """A saved tensor with its version. For an output, whose history is the node, a copy of it that
    does not know the node: that would be a cycle of references."""

    __slots__ = ("edge", "index", "value", "version")

    def __init__(self, value: Tensor, index: int | None, edge: Any) -> None:
        self.index, self.edge = index, edge
        self.value: Any = value if index is None else value.detach()
        self.version = value._version

    def tensor(self, node: FunctionNode) -> Tensor:
        """The tensor in its place in the graph."""
        value, edge = self.value, self.edge
        if not isinstance(value, Tensor):  # see graph.py
            value = value.unpack()
        elif value._version != self.version:
            raise in_place_error(node, "a saved tensor", value)
        if self.index in node.differentiable:
            outputs = node.outputs
            edge = node if outputs is None else outputs[self.index]
        if value._edge is edge:
            return value
        result = wrap(value._data, edge)
        result._counter = value._counter
        return result


class FunctionNode(Node):
    """The graph node of a user's `Function`. What it does not have itself, it takes from ctx."""

    def __init__(self, function: type[Function], ctx: FunctionCtx, args: tuple[Any, ...]) -> None:
        self.function, self.ctx = function, ctx
        self.edges = tuple([a._edge if isinstance(a, Tensor) else None for a in args])
        self.inputs = {id(a): e for a, e in zip(args, self.edges, strict=True)}
        self.takes_tensor = tuple([isinstance(a, Tensor) for a in args])
        self.differentiable: frozenset[int] = frozenset()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.__dict__["ctx"], name)

    @property
    def needs_input_grad(self) -> tuple[bool, ...]:
        return self.ctx.needs_input_grad

    def name(self) -> str:
        return self.function.__name__ + "Backward"

    def _differentiable_by(self, i: int) -> bool:
        return self.takes_tensor[i]

    def record(self, outputs: tuple[Any, ...], results: tuple[Any, ...]) -> None:
        """Makes this node the history of the `results` that are differentiable."""
        ctx = self.ctx
        self.differentiable = frozenset(
            i
            for i, (o, r) in enumerate(zip(outputs, results, strict=True))
            if isinstance(r, Tensor) and r.dtype.kind == "f"
            if not any(o is t for t in ctx.non_differentiable)
        )
        if not self.differentiable:
            return
        self.sequence = _next_sequence()
        self.holes = frozenset(i for i, r in enumerate(results) if not isinstance(r, Tensor))
        several = self._record_outputs([getattr(r, "_data", np.empty(0)) for r in results])
        if len(results) == 1:
            self._outputs = None
        dirty = {id(t) for t in ctx.dirty_tensors}
        for i in self.differentiable:
            edge = self if len(results) == 1 else several[i]
            if id(results[i]) in dirty:
                adopt(results[i], edge)
            else:
                results[i]._edge = edge
        places = {id(o): i for i, o in enumerate(outputs)}
        self.args = tuple(
            None if t is None else _Saved(t, places.get(id(t)), self.inputs.get(id(t)))
            for t in ctx.to_save
        )
        self.frees = bool(self.args)
        self.inputs = {}
        ctx._node = weakref.ref(self)

    @property
    def saved_tensors(self) -> tuple[Tensor | None, ...]:
        """The saved tensors, in their place in the graph."""
        if self.args is None:
            raise freed_error(self)
        return tuple([None if s is None else s.tensor(self) for s in self.args])

    def vjp(self, g: Any, graph: bool, edges: Any) -> Any:
        parts = g if self._outputs is not None else [g]
        if not graph:
            parts = [None if part is None else wrap(part) for part in parts]
        if self.ctx.materialize_grads:
            parts = [
                wrap(np.zeros(*self.results[i])) if part is None and i not in self.holes else part
                for i, part in enumerate(parts)
            ]
        found = _backward_of(self.function)(self.ctx, *parts)
        found = found if isinstance(found, tuple) else (found,)
        n = len(edges)
        if len(found) > n and all(f is None for f in found[n:]):
            found = found[:n]
        if len(found) != n:
            raise RuntimeError(
                f"{self!r} returned an incorrect number of gradients: forward has {n} arguments, "
                f"backward returned {len(found)}"
            )
        for i, f in enumerate(found):
            if f is not None and not isinstance(f, Tensor):
                raise RuntimeError(
                    f"{self!r} returned a {type(f).__name__} as gradient {i}; expected a Tensor or "
                    "None"
                )
            if f is not None and not self.takes_tensor[i]:
                raise RuntimeError(
                    f"{self!r} returned a gradient for argument {i}, which is no Tensor; return "
                    "None for it"
                )
        return [f if f is None or graph else f._data for f in found]


def _backward_of(function: type[Function]) -> Callable[..., Any]:
    """The user's `backward`, which may also be called `vjp`."""
    if function.vjp is Function.vjp:
        return function.backward
    if function.backward is not Function.backward:
        raise RuntimeError(f"{function.__name__}: implement backward or vjp, not both")
    return function.vjp


def once_differentiable(backward: Callable[..., Any]) -> Callable[..., Any]:
    """Decorates a `backward` that cannot itself be differentiated, such as one on NumPy arrays.

    A backward pass through its result (create_graph=True) is then an error, not a wrong number.
    """

    @functools.wraps(backward)
    def once(ctx: Any, *grads: Any) -> Any:
        with no_grad():
            found = backward(ctx, *grads)
        node = ctx._node()
        if not mode.grad or node is None:
            return found
        edges = (*(g._edge for g in grads if g is not None), *node.edges)
        results = found if isinstance(found, tuple) else (found,)
        results = tuple(
            _NotTwice.result(f, node, edges) if isinstance(f, Tensor) else f for f in results
        )
        return results if isinstance(found, tuple) else results[0]

    return once


class _NotTwice(Node):
    """Stands for the derivative that a `once_differentiable` backward does not have."""

    of: str

    @classmethod
    def result(cls, value: Tensor, of: FunctionNode, edges: tuple[Any, ...]) -> Tensor:
        node = cls()
        node.of, node.edges = repr(of), edges
        node.shape, node.dtype = value._data.shape, value._data.dtype
        node.sequence = _next_sequence()
        return wrap(value._data, node)

    def name(self) -> str:
        return "Error"

    def vjp(self, g: Any, graph: bool, edges: Any) -> Any:
        raise RuntimeError(
            f"trying to differentiate twice a function that was marked with @once_differentiable: "
            f"the backward of {self.of}"
        )


class VmapInfo(NamedTuple):
    """What `Function.vmap` is told of the `vmap` that runs."""

    batch_size: int
    randomness: str


def function_in_batch(function: type[Function], level: Any, args: Any, kwargs: Any) -> Any:
    """`function.apply` under `vmap`: by its own rule, or for each element."""
    from .batching.transform import Hide, Reveal, depends

    if function.vmap is Function.vmap:
        return call_one_by_one(level, function.apply, args, kwargs)
    dims = tuple(0 if depends(a, level) else None for a in args)
    shown = [a if d is None else Reveal.apply(a, 0, level) for a, d in zip(args, dims, strict=True)]
    info = VmapInfo(level.size, level.randomness)
    result, out_dims = function.vmap(info, dims, *shown, **kwargs)
    if not isinstance(result, tuple):
        return result if out_dims is None else Hide.apply(result, out_dims, level)
    places = out_dims if isinstance(out_dims, tuple) else (out_dims,) * len(result)
    return tuple(
        r if d is None else Hide.apply(r, d, level) for r, d in zip(result, places, strict=True)
    )
