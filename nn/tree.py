"""Walking the tree of modules: the methods of `Module` that name and find what is below it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from autograd import Tensor

from .parameter import Parameter

if TYPE_CHECKING:
    from .module import Module


def named_modules(
    self: Module,
    memo: set[Module] | None = None,
    prefix: str = "",
    remove_duplicate: bool = True,
) -> Iterator[tuple[str, Module]]:
    """This module and all below it with their paths, parents first; a shared one once."""
    seen = set() if memo is None else memo
    pending = [(prefix, self)]
    while pending:
        path, module = pending.pop()
        if module in seen:
            continue
        if remove_duplicate:
            seen.add(module)
        yield path, module
        start = f"{path}." if path else ""
        pending.extend(
            (start + name, child)
            for name, child in reversed(module._modules.items())
            if child is not None
        )


def path_below(outer: Module, inner: Module) -> str | None:
    """Where `inner` is below `outer`, None if it is not."""
    return next((path for path, module in outer.named_modules() if module is inner), None)


def modules(self: Module, remove_duplicate: bool = True) -> Iterator[Module]:
    """This module and all below it."""
    return (m for _, m in self.named_modules(remove_duplicate=remove_duplicate))


def named_children(self: Module) -> Iterator[tuple[str, Module]]:
    """The modules directly below this one with their names; a shared one once."""
    seen: set[Module] = set()
    for name, module in self._modules.items():
        if module is not None and module not in seen:
            seen.add(module)
            yield name, module


def children(self: Module) -> Iterator[Module]:
    """The modules directly below this one."""
    return (module for _, module in self.named_children())


def named_parameters(
    self: Module, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
) -> Iterator[tuple[str, Parameter]]:
    """The parameters with their paths; a shared one once.

    >>> import nn
    >>> [(name, tuple(p.shape)) for name, p in nn.Linear(3, 2).named_parameters()]
    [('weight', (2, 3)), ('bias', (2,))]
    """
    return _named(self, "_parameters", prefix, recurse, remove_duplicate)


def parameters(self: Module, recurse: bool = True) -> Iterator[Parameter]:
    """The parameters of this module and, with `recurse`, of all below it."""
    return (p for _, p in self.named_parameters(recurse=recurse))


def named_buffers(
    self: Module, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
) -> Iterator[tuple[str, Tensor]]:
    """The buffers with their paths; a shared one once."""
    return _named(self, "_buffers", prefix, recurse, remove_duplicate)


def buffers(self: Module, recurse: bool = True) -> Iterator[Tensor]:
    """The buffers of this module and, with `recurse`, of all below it."""
    return (b for _, b in self.named_buffers(recurse=recurse))


def _named(module: Module, table: str, prefix: str, recurse: bool, unique: bool) -> Iterator[Any]:
    seen: set[Tensor] = set()
    walk = module.named_modules(prefix=prefix, remove_duplicate=unique)
    for path, current in walk if recurse else [(prefix, module)]:
        for name, tensor in current.__dict__[table].items():
            if tensor is not None and tensor not in seen:
                if unique:
                    seen.add(tensor)
                yield f"{path}.{name}" if path else name, tensor


def get_submodule(self: Module, target: str) -> Module:
    """The module at a path such as `"encoder.0.linear"`; the empty path is this module."""
    from .module import Module

    module = self
    for name in target.split(".") if target else ():
        if not hasattr(module, name):
            raise AttributeError(f"{module._get_name()} has no attribute `{name}`")
        module = getattr(module, name)
        if not isinstance(module, Module):
            raise AttributeError(f"`{name}` is not an nn.Module")
    return module


def set_submodule(self: Module, target: str, module: Module, strict: bool = False) -> None:
    """Puts `module` at the path `target`; with `strict` there must be one already.

    >>> import nn
    >>> net = nn.Sequential(nn.Linear(2, 2), nn.Sequential(nn.ReLU()))
    >>> net.set_submodule("1.0", nn.Tanh())
    >>> net[1][0]
    Tanh()
    """
    from .module import Module

    if not target:
        raise ValueError("Cannot set the submodule without a target name!")
    if not isinstance(module, Module):
        raise ValueError(f"`module` is not an nn.Module, found {type(module)}")
    path, _, name = target.rpartition(".")
    parent = self.get_submodule(path)
    if hasattr(parent, name):
        if not isinstance(getattr(parent, name), Module):
            raise AttributeError(f"`{name}` is not an nn.Module")
    elif strict:
        raise AttributeError(f"{parent._get_name()} has no attribute `{name}`")
    setattr(parent, name, module)


def get_parameter(self: Module, target: str) -> Parameter:
    """The parameter at a path such as `"encoder.0.weight"`."""
    return _member(self, target, "_parameters", "an nn.Parameter")


def get_buffer(self: Module, target: str) -> Tensor:
    """The buffer at a path such as `"encoder.1.running_mean"`."""
    return _member(self, target, "_buffers", "a buffer")


def _member(module: Module, target: str, table: str, what: str) -> Any:
    path, _, name = target.rpartition(".")
    owner = module.get_submodule(path)
    if not hasattr(owner, name):
        raise AttributeError(f"{owner._get_name()} has no attribute `{name}`")
    if name not in owner.__dict__[table]:
        raise AttributeError(f"`{name}` is not {what}")
    return getattr(owner, name)


@contextmanager
def evaluating(module: Module) -> Iterator[None]:
    """Eval mode for all modules while the block runs; then each has the mode it had."""
    modes = {m: m.training for m in module.modules()}
    module.eval()
    try:
        yield
    finally:
        for m, training in modes.items():
            m.training = training
