"""Functions that are called around an optimizer's steps and around its state dicts."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from autograd.hooks import RemovableHandle

Hooks = dict[int, Callable[..., Any]]

_every_pre_hook: Hooks = {}
_every_post_hook: Hooks = {}


def _registered(hooks: Hooks, hook: Callable[..., Any], prepend: bool = False) -> RemovableHandle:
    handle = RemovableHandle(hooks)
    others = dict(hooks) if prepend else {}
    for key in others:
        del hooks[key]
    hooks[handle.id] = hook
    hooks.update(others)
    return handle


def register_optimizer_step_pre_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Calls `hook(optimizer, args, kwargs)` before each step of every optimizer."""
    return _registered(_every_pre_hook, hook)


def register_optimizer_step_post_hook(hook: Callable[..., None]) -> RemovableHandle:
    """Calls `hook(optimizer, args, kwargs)` after each step of every optimizer."""
    return _registered(_every_post_hook, hook)


def hooked(step: Callable[..., Any]) -> Callable[..., Any]:
    """`step` between the pre and post hooks, those of every optimizer around its own."""

    @functools.wraps(step)
    def stepped(*args: Any, **kwargs: Any) -> Any:
        self = args[0]
        for hook in [*_every_pre_hook.values(), *self._step_pre_hooks.values()]:
            replaced = hook(self, args, kwargs)
            if replaced is not None:
                if not (isinstance(replaced, tuple) and len(replaced) == 2):
                    raise RuntimeError(
                        f"{type(self).__name__}.step: a pre hook must return None or a tuple of "
                        f"(new_args, new_kwargs), got {replaced!r}"
                    )
                args, kwargs = replaced
        result = step(*args, **kwargs)
        self._stepped = True
        for hook in [*self._step_post_hooks.values(), *_every_post_hook.values()]:
            hook(self, args, kwargs)
        return result

    return stepped


class Hooked:
    """The part of `Optimizer` that keeps hooks. Copies and pickles of an optimizer have none."""

    def _no_hooks(self) -> None:
        self._step_pre_hooks: Hooks = {}
        self._step_post_hooks: Hooks = {}
        self._state_dict_pre_hooks: Hooks = {}
        self._state_dict_post_hooks: Hooks = {}
        self._load_state_dict_pre_hooks: Hooks = {}
        self._load_state_dict_post_hooks: Hooks = {}

    def register_step_pre_hook(self, hook: Callable[..., Any]) -> RemovableHandle:
        """Calls `hook(optimizer, args, kwargs)` before each step.

        It may return new (args, kwargs) for the step. Returns a handle with `remove()`.
        """
        return _registered(self._step_pre_hooks, hook)

    def register_step_post_hook(self, hook: Callable[..., None]) -> RemovableHandle:
        """Calls `hook(optimizer, args, kwargs)` after each step. Returns a handle."""
        return _registered(self._step_post_hooks, hook)

    def register_state_dict_pre_hook(
        self, hook: Callable[..., None], prepend: bool = False
    ) -> RemovableHandle:
        """Calls `hook(optimizer)` before `state_dict` looks at the optimizer. Returns a handle."""
        return _registered(self._state_dict_pre_hooks, hook, prepend)

    def register_state_dict_post_hook(
        self, hook: Callable[..., Any], prepend: bool = False
    ) -> RemovableHandle:
        """Calls `hook(optimizer, state_dict)`, which may change or return what is returned."""
        return _registered(self._state_dict_post_hooks, hook, prepend)

    def register_load_state_dict_pre_hook(
        self, hook: Callable[..., Any], prepend: bool = False
    ) -> RemovableHandle:
        """Calls `hook(optimizer, state_dict)`, which may change or return what is loaded."""
        return _registered(self._load_state_dict_pre_hooks, hook, prepend)

    def register_load_state_dict_post_hook(
        self, hook: Callable[..., None], prepend: bool = False
    ) -> RemovableHandle:
        """Calls `hook(optimizer)` after `load_state_dict`. Returns a handle."""
        return _registered(self._load_state_dict_post_hooks, hook, prepend)

    def _replaced(self, hooks: Hooks, state_dict: dict[str, Any]) -> dict[str, Any]:
        """`state_dict` after hooks that may return another one."""
        for hook in list(hooks.values()):
            other = hook(self, state_dict)
            state_dict = state_dict if other is None else other
        return state_dict
