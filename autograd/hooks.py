"""Functions that are called during a backward pass.

Hooks on a tensor are kept in a dict on what the engine delivers its gradient to. A node with hooks
of its own, or with saved values that went through `saved_tensors_hooks`, becomes an instance of a
subclass made for that (`specialize`), so that other nodes know nothing of it.
"""

from __future__ import annotations

import functools
import itertools
import types
import weakref
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from .grad_mode import mode as state

_ids = itertools.count()
LAST = 1 << 62


class RemovableHandle:
    """Removes a hook; also usable as a context manager."""

    def __init__(self, hooks: dict[int, Any], key: int | None = None) -> None:
        self._hooks = hooks
        self.id = next(_ids) if key is None else key

    def remove(self) -> None:
        """Takes the hook away; a second call does nothing."""
        self._hooks.pop(self.id, None)

    def __enter__(self) -> RemovableHandle:
        return self

    def __exit__(self, *exc: object) -> None:
        self.remove()


def add_hook(target: Any, hook: Callable[..., Any], last: bool = False) -> RemovableHandle:
    """Adds `hook(gradient)` to a node, an `Output` or a `Leaf`."""
    if target.hooks is None:
        target.hooks = {}
    handle = RemovableHandle(target.hooks)
    if last:  # `retain_grad` sees the gradient after all other hooks, whenever they are added
        handle.id = LAST + handle.id
    target.hooks[handle.id] = hook
    return handle


def run_hooks(hooks: dict[int, Callable[..., Any]], g: Any) -> Any:
    """The gradient (a Tensor) after every hook has seen, and maybe replaced, it."""
    from .tensor import Tensor

    for key in sorted(hooks):
        hook = hooks.get(key)  # an earlier hook may have removed it
        replaced = None if hook is None else hook(g)
        if replaced is None:
            continue
        if not isinstance(replaced, Tensor):
            raise TypeError(
                f"register_hook: a hook must return a Tensor or None, got {type(replaced).__name__}"
            )
        if replaced._data.shape != g._data.shape or replaced.dtype != g.dtype:
            raise RuntimeError(
                f"register_hook: a hook changed the gradient from {g._described()} to "
                f"{replaced._described()}; it must keep shape and dtype"
            )
        g = replaced
    return g


class Pass:
    """A backward pass while it runs, as its hooks find it in `mode.running`."""

    def __init__(
        self, order: Sequence[Any], roots: Iterable[Any], edges_of: Any = None, wanted: Any = ()
    ) -> None:
        self._order, self._roots = order, tuple(roots)
        self._edges_of, self._wanted = edges_of, wanted
        self._outer: Any = None

    def __enter__(self) -> None:
        self._outer, state.running = state.running, self

    def __exit__(self, *exc: object) -> None:
        state.running = self._outer

    @functools.cached_property
    def targets(self) -> set[Any]:
        """Every `Node`, `Output` and `Leaf` that a gradient is computed for."""
        edges_of, found = self._edges_of, set(self._roots)
        if edges_of is not None:
            found = {x for x in found if x in self._wanted or getattr(x, "node", x) in edges_of}
        for node in self._order:
            found.update(node.edges if edges_of is None else edges_of[node])
        return found


class _Handles(RemovableHandle):
    """Removes several hooks."""

    def __init__(self, handles: Sequence[RemovableHandle]) -> None:
        super().__init__({})
        self._handles = handles

    def remove(self) -> None:
        for handle in self._handles:
            handle.remove()


def register_multi_grad_hook(
    tensors: Sequence[Any], fn: Callable[..., Any], *, mode: str = "all"
) -> RemovableHandle:
    """Calls `fn` once in each backward pass, for the gradients of several tensors.

    Args:
        tensors: they require grad; with "any", others are left out.
        fn: with "all", called with the list of gradients, when the last of them is complete. It has
            None for tensors for which the pass computes none. What it returns is not used.
        mode: "all", or "any": `fn` is called with the first gradient that is complete.

    >>> import autograd
    >>> from autograd.graph import register_multi_grad_hook
    >>> a, b = autograd.ones(2, requires_grad=True)
    >>> c, d = a * b, a + b
    >>> handle = register_multi_grad_hook([a, b, c, d], print)
    >>> c.backward()
    [tensor(1.), tensor(1.), tensor(1.), None]
    """
    if mode not in ("all", "any"):
        raise ValueError(f"register_multi_grad_hook: mode must be 'all' or 'any', got {mode!r}")
    tensors = list(tensors)
    known: weakref.WeakKeyDictionary[Pass, list[Any]] = weakref.WeakKeyDictionary()

    def arrived(i: int, g: Any) -> None:
        running = state.running
        if mode == "any":
            if running not in known:
                known[running] = []
                fn(g)
            return
        if running not in known:
            awaited = sum(target in running.targets for target in targets)
            known[running] = [awaited, [None] * len(targets)]
        entry = known[running]
        entry[0] -= 1
        entry[1][i] = g
        if entry[0] == 0:
            fn(entry[1])

    if mode == "any":
        tensors = [x for x in tensors if x.requires_grad]
    handles = [x.register_hook(functools.partial(arrived, i)) for i, x in enumerate(tensors)]
    targets = [x._edge for x in tensors]
    return _Handles(handles)


def specialize(node: Any, mixin: type) -> None:
    """Makes `node` an instance of a subclass of its class and `mixin`."""
    if not isinstance(node, mixin):
        node.__class__ = _specialized(type(node), mixin)  # type: ignore[arg-type]


@functools.cache
def _specialized(cls: type, mixin: type) -> type:
    options = {"abstract": True} if hasattr(cls, "op_name") else {}  # Op registers its subclasses
    return types.new_class(cls.__name__, (mixin, cls), options)


class NodeHooks:
    """A node around whose `vjp` hooks are called; see `Node.register_hook`."""

    makes_own_gradients = False  # hooks may keep what they are shown
    before: dict[int, Callable[..., Any]]
    after: dict[int, Callable[..., Any]]

    def vjp(self, g: Any, graph: bool, edges: Any) -> Any:
        several = isinstance(g, list)
        shown = _tensors(g if several else [g], graph)
        for hook in list(self.before.values()):
            shown = _replaced(hook(shown), shown, "register_prehook")
        parts = _arrays(shown, graph)
        found = _tensors(super().vjp(parts if several else parts[0], graph, edges), graph)  # type: ignore[misc]
        for hook in list(self.after.values()):
            found = _replaced(hook(found, shown), found, "register_hook")
        return _arrays(found, graph)


def add_node_hook(node: Any, hook: Callable[..., Any], after: bool) -> RemovableHandle:
    """Adds a hook that is called before or after the node's step of the backward pass."""
    if not isinstance(node, NodeHooks):
        specialize(node, NodeHooks)
        node.before, node.after = {}, {}
    hooks = node.after if after else node.before
    handle = RemovableHandle(hooks)
    hooks[handle.id] = hook
    return handle


def _replaced(result: Any, shown: tuple[Any, ...], name: str) -> tuple[Any, ...]:
    if result is None:
        return shown
    result = result if isinstance(result, tuple) else (result,)
    if len(result) != len(shown):
        raise RuntimeError(
            f"{name}: a hook returned {len(result)} gradients in the place of {len(shown)}"
        )
    if any(g is None and r is not None for g, r in zip(shown, result, strict=True)):
        raise RuntimeError(f"{name}: a hook cannot replace a None gradient by another value")
    return result


def _tensors(parts: Any, graph: bool) -> tuple[Any, ...]:
    from .tensor import wrap

    return tuple(p if p is None or graph else wrap(p) for p in parts)


def _arrays(parts: Any, graph: bool) -> list[Any]:
    return [p if p is None or graph else p._data for p in parts]
