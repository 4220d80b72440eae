"""Hooks on gradients: kept in a dict on what the engine delivers a gradient to."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

_ids = itertools.count()


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
    """Adds `hook(gradient)` to a node, an `Output` or a leaf tensor."""
    if target.hooks is None:
        target.hooks = {}
    handle = RemovableHandle(target.hooks)
    if last:  # `retain_grad` sees the gradient after all other hooks, whenever they are added
        handle.id = _LAST + handle.id
    target.hooks[handle.id] = hook
    return handle


_LAST = 1 << 62


def run_hooks(hooks: dict[int, Callable[..., Any]], g: Any) -> Any:
    """The gradient (a Tensor) after every hook has seen, and maybe replaced, it."""
    from .tensor import Tensor

    for key in sorted(hooks):
        replaced = hooks[key](g)
        if replaced is None:
            continue
        if not isinstance(replaced, Tensor):
            raise TypeError(
                f"register_hook: a hook must return a Tensor or None, got {type(replaced).__name__}"
            )
        if replaced._data.shape != g._data.shape:
            raise RuntimeError(
                f"register_hook: a hook changed the gradient's shape from {tuple(g.shape)} to "
                f"{tuple(replaced.shape)}"
            )
        g = replaced
    return g
