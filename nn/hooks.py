"""Calling a module that has hooks. A module without any never gets here."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from autograd.hooks import RemovableHandle

from .backward_hooks import BackwardHooks

if TYPE_CHECKING:
    from .module import Module


class Hook(NamedTuple):
    """A registered function and how it wants to be called."""

    function: Callable[..., Any]
    with_kwargs: bool
    always_call: bool = False


def register_forward_pre_hook(
    self: Module,
    hook: Callable[..., Any],
    *,
    prepend: bool = False,
    with_kwargs: bool = False,
) -> RemovableHandle:
    """Calls `hook(module, args)` before `forward`.

    What it returns, unless None, replaces the arguments. With `with_kwargs` the hook is called as
    `hook(module, args, kwargs)` and returns None or the pair `(args, kwargs)`. `prepend` puts it
    before the hooks that are there already. The returned handle has `remove()`.
    """
    return add_hook(self, "_forward_pre_hooks", Hook(hook, with_kwargs), prepend)


def register_forward_hook(
    self: Module,
    hook: Callable[..., Any],
    *,
    prepend: bool = False,
    with_kwargs: bool = False,
    always_call: bool = False,
) -> RemovableHandle:
    """Calls `hook(module, args, output)` after `forward`.

    What it returns, unless None, replaces the output. With `with_kwargs` the hook is called as
    `hook(module, args, kwargs, output)`, with `always_call` also when `forward` raised an error.
    `prepend` puts it before the hooks that are there already. The returned handle has `remove()`.

    >>> import autograd, nn
    >>> layer = nn.Linear(2, 3)
    >>> handle = layer.register_forward_hook(lambda module, args, out: print(tuple(out.shape)))
    >>> _ = layer(autograd.ones(4, 2))
    (4, 3)
    >>> handle.remove()
    """
    return add_hook(self, "_forward_hooks", Hook(hook, with_kwargs, always_call), prepend)


def register_full_backward_hook(
    self: Module, hook: Callable[..., Any], prepend: bool = False
) -> RemovableHandle:
    """Calls `hook(module, grad_input, grad_output)` once the gradients of the inputs are known.

    Both are tuples: the gradients of the positional arguments of `forward` (None for those that are
    no Tensor) and of its results. What the hook returns, unless None, replaces
    `grad_input`. Arguments and results must not be changed in place.

    >>> import autograd, nn
    >>> layer = nn.Linear(2, 1, bias=False)
    >>> _ = layer.register_full_backward_hook(lambda module, by, of: print(by[0].shape, of))
    >>> layer(autograd.ones(3, 2, requires_grad=True)).sum().backward()
    Size([3, 2]) (tensor([[1.],
            [1.],
            [1.]]),)
    """
    return add_hook(self, "_backward_hooks", hook, prepend)


def register_full_backward_pre_hook(
    self: Module, hook: Callable[..., Any], prepend: bool = False
) -> RemovableHandle:
    """Calls `hook(module, grad_output)` before the gradients flow back through the module.

    What the hook returns, unless None, replaces `grad_output`, a tuple with the gradient of each
    result.
    """
    return add_hook(self, "_backward_pre_hooks", hook, prepend)


def add_hook(module: Module, table: str, hook: Any, prepend: bool = False) -> RemovableHandle:
    """Adds `hook` to a dict of `module`, which exists only once it has an entry."""
    hooks = module.__dict__.setdefault(table, {})
    handle = RemovableHandle(hooks)
    others = dict(hooks) if prepend else {}
    if prepend:
        hooks.clear()
    hooks[handle.id] = hook
    hooks.update(others)
    module.__dict__["_hooked"] = True
    return handle


def find_pre_hook(module: Module, kind: type, name: str) -> tuple[RemovableHandle, Any] | None:
    """The forward pre-hook of class `kind` for the tensor called `name`, with its handle."""
    for key, hook in module._forward_pre_hooks.items():
        function = hook.function
        if isinstance(function, kind) and getattr(function, "name", None) == name:
            return RemovableHandle(module.__dict__["_forward_pre_hooks"], key), function
    return None


OF_ALL_MODULES: dict[str, dict[int, Any]] = {
    "_forward_pre_hooks": {},
    "_forward_hooks": {},
    "_backward_pre_hooks": {},
    "_backward_hooks": {},
}
"""The hooks that are called for every module, before its own."""


class _OfAllModules(RemovableHandle):
    """While there is such a hook, `Module._hooked` is True, so that modules need not ask."""

    def __init__(self, table: str, hook: Any) -> None:
        super().__init__(OF_ALL_MODULES[table])
        self._hooks[self.id] = hook
        self._tell_modules()

    def remove(self) -> None:
        super().remove()
        self._tell_modules()

    @staticmethod
    def _tell_modules() -> None:
        from .module import Module

        Module._hooked = any(OF_ALL_MODULES.values())


def register_module_forward_pre_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Calls `hook(module, args)` before the `forward` of every module, and before its own hooks.

    What it returns, unless None, replaces the arguments.
    """
    return _OfAllModules("_forward_pre_hooks", Hook(hook, False))


def register_module_forward_hook(
    hook: Callable[..., Any], *, with_kwargs: bool = False, always_call: bool = False
) -> RemovableHandle:
    """Calls `hook(module, args, output)` after the `forward` of every module, before its own hooks.

    What it returns, unless None, replaces the output; the options are those of
    `Module.register_forward_hook`.

    >>> import autograd, nn
    >>> from nn.modules.module import register_module_forward_hook
    >>> net = nn.Sequential(nn.Linear(2, 3), nn.ReLU())
    >>> with register_module_forward_hook(lambda m, args, out: print(type(m).__name__, out.shape)):
    ...     _ = net(autograd.ones(1, 2))
    Linear Size([1, 3])
    ReLU Size([1, 3])
    Sequential Size([1, 3])
    """
    return _OfAllModules("_forward_hooks", Hook(hook, with_kwargs, always_call))


def register_module_full_backward_pre_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Calls `hook(module, grad_output)` for every module; see the method of that name."""
    return _OfAllModules("_backward_pre_hooks", hook)


def register_module_full_backward_hook(hook: Callable[..., Any]) -> RemovableHandle:
    """Calls `hook(module, grad_input, grad_output)` for every module, before its own hooks.

    See `Module.register_full_backward_hook`.
    """
    return _OfAllModules("_backward_hooks", hook)


def hooks_of(module: Module, table: str) -> list[tuple[int, Any]]:
    """The hooks of all modules, then those of this one, with their keys."""
    return [*OF_ALL_MODULES[table].items(), *getattr(module, table).items()]


def call_with_hooks(module: Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """`module.forward` between its pre-hooks and its hooks."""
    done: set[int] = set()
    result = None
    backward = None
    backward_hooks, backward_pre_hooks = (
        [hook for _, hook in hooks_of(module, table)]
        for table in ("_backward_hooks", "_backward_pre_hooks")
    )
    if backward_hooks or backward_pre_hooks:
        backward = BackwardHooks(module, backward_hooks, backward_pre_hooks)
    try:
        args, kwargs = _before(module, args, kwargs)
        if backward is not None:
            args = backward.on_inputs(args)
        result = module.forward(*args, **kwargs)
        for key, hook in hooks_of(module, "_forward_hooks"):
            done.add(key)
            result = _after(module, hook, args, kwargs, result)
        if backward is not None:
            result = backward.on_outputs(result)
    except Exception:
        for key, hook in hooks_of(module, "_forward_hooks"):
            if hook.always_call and key not in done:
                try:
                    result = _after(module, hook, args, kwargs, result)
                except Exception as error:
                    warnings.warn(
                        f"a forward hook with always_call=True of {module._get_name()} failed, "
                        f"which was ignored since another error is being raised: {error}",
                        UserWarning,
                        stacklevel=3,
                    )
        raise
    return result


def _before(module: Module, args: Any, kwargs: Any) -> tuple[Any, Any]:
    for _, hook in hooks_of(module, "_forward_pre_hooks"):
        if not hook.with_kwargs:
            changed = hook.function(module, args)
            if changed is not None:
                args = changed if isinstance(changed, tuple) else (changed,)
            continue
        changed = hook.function(module, args, kwargs)
        if changed is None:
            continue
        if not (isinstance(changed, tuple) and len(changed) == 2):
            raise RuntimeError(
                "forward pre-hook must return None or a tuple of (new_args, new_kwargs), "
                f"but got {changed}."
            )
        args, kwargs = changed
    return args, kwargs


def _after(module: Module, hook: Hook, args: Any, kwargs: Any, result: Any) -> Any:
    given = (args, kwargs) if hook.with_kwargs else (args,)
    changed = hook.function(module, *given, result)
    return result if changed is None else changed
