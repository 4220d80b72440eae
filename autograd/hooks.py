"""Functions that are called during a backward pass.

Hooks on a tensor are kept in a dict on what the engine delivers its gradient to. A node with hooks
of its own, or with saved values that went through `saved_tensors_hooks`, becomes an instance of a
subclass made for that (`specialize`), so that other nodes know nothing of it.
"""

from __future__ import annotations

import functools
import itertools
import types
from collections.abc import Callable
from typing import Any

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
