"""Parametrizations: a parameter that is computed from others whenever it is read.

A module with parametrizations becomes an instance of a subclass of its class in which each
parametrized name is a property. The tensors that are learned instead are in a `ParametrizationList`
at `module.parametrizations.NAME`, so they are found, saved and loaded as those of any submodule.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from autograd import Tensor, no_grad

from ..containers import ModuleDict, ModuleList
from ..module import Module
from ..parameter import Parameter

_cache: ContextVar[dict[tuple[Module, str], Tensor] | None] = ContextVar("cache", default=None)


@contextmanager
def cached() -> Iterator[None]:
    """Computes each parametrized tensor once while the block runs.

    Worth it where it is read several times in a forward pass, as in a recurrent network.
    """
    token = _cache.set({}) if _cache.get() is None else None
    try:
        yield
    finally:
        if token is not None:
            _cache.reset(token)


class ParametrizationList(ModuleList):
    """The parametrizations of one tensor, applied one after the other, and what they start from.

    That is `original`, or `original0`, `original1`, ... where the first parametrization has a
    `right_inverse` that returns several tensors. Made by `register_parametrization`.
    """

    original: Tensor

    def __init__(self, modules: Sequence[Module], original: Tensor, unsafe: bool = False) -> None:
        if not modules:
            raise ValueError("ParametrizationList requires one or more modules.")
        super().__init__(modules)
        self.unsafe = unsafe
        shape, dtype = original.shape, original.dtype
        with no_grad():
            start: Any = original
            for module in reversed(list(self)):
                start = _inverse(module, start)
        self.is_tensor = isinstance(start, Tensor)
        if self.is_tensor:
            if start.dtype != dtype:
                raise ValueError(
                    "When `right_inverse` outputs one tensor, it may not change the dtype.\n"
                    f"original.dtype: {dtype}\nright_inverse(original).dtype: {start.dtype}"
                )
            # The same Tensor, so that an optimizer that has it learns it.
            original.data = start.detach()
            _register(self, "original", original)
            self.ntensors = 1
        else:
            self._register_several(start, original)
        if not unsafe:
            result = self()
            what = "Registering a parametrization may not change"
            _check_like(result, shape, dtype, what, "unparametrized", "parametrized")

    def _register_several(self, tensors: Any, original: Tensor) -> None:
        if not isinstance(tensors, Sequence):
            raise ValueError(
                "'right_inverse' must return a Tensor or a Sequence of tensors (list, tuple...). "
                f"Got {type(tensors).__name__}"
            )
        self.ntensors = len(tensors)
        for i, tensor in enumerate(tensors):
            if not isinstance(tensor, Tensor):
                raise ValueError(
                    "'right_inverse' must return a Tensor or a Sequence of tensors (list, "
                    f"tuple...). Got element {i} of the sequence with type {type(tensor).__name__}."
                )
            if isinstance(original, Parameter):
                tensor = Parameter(tensor, original.requires_grad)
            _register(self, f"original{i}", tensor)

    def originals(self) -> list[Tensor]:
        """The tensors that the first parametrization is applied to."""
        if self.is_tensor:
            return [self.original]
        return [getattr(self, f"original{i}") for i in range(self.ntensors)]

    def forward(self) -> Tensor:
        """The parametrized tensor."""
        first, *others = list(self)
        result = first(*self.originals())
        for module in others:
            result = module(result)
        return result

    def right_inverse(self, value: Tensor) -> None:
        """Sets the originals so that the parametrized tensor is `value`."""
        with no_grad():
            found: Any = value
            for module in reversed(list(self)):
                if not hasattr(module, "right_inverse"):
                    raise RuntimeError(
                        f"parametrization {type(module).__name__} does not implement right_inverse."
                    )
                found = module.right_inverse(found)
        found = [found] if self.is_tensor else found
        originals = self.originals()
        if not isinstance(found, Sequence) or len(found) != len(originals):
            raise ValueError(
                f"'right_inverse' must return a sequence of tensors of length {self.ntensors}. "
                f"Got {type(found).__name__}"
            )
        for original, tensor in zip(originals, found, strict=True):
            if not isinstance(tensor, Tensor) or tensor.dtype != original.dtype:
                raise ValueError(
                    f"`right_inverse` should return tensors of dtype {original.dtype}, like the "
                    f"originals. Got {getattr(tensor, 'dtype', type(tensor).__name__)}"
                )
        for original, tensor in zip(originals, found, strict=True):
            original.data = tensor.detach()


def _inverse(module: Any, value: Any) -> Any:
    """`module.right_inverse(value)`; the identity where there is none."""
    if hasattr(module, "right_inverse"):
        try:
            return module.right_inverse(value)
        except NotImplementedError:
            pass
    return value


def _register(module: Module, name: str, tensor: Tensor) -> None:
    if isinstance(tensor, Parameter):
        module.register_parameter(name, tensor)
    else:
        module.register_buffer(name, tensor)


def _check_like(result: Any, shape: Any, dtype: Any, what: str, before: str, after: str) -> None:
    if not isinstance(result, Tensor):
        raise ValueError(f"A parametrization must return a tensor. Got {type(result).__name__}.")
    for kind, old, new in (("dtype", dtype, result.dtype), ("shape", shape, result.shape)):
        if old != new:
            raise ValueError(
                f"{what} the {kind} of the tensor, unless `unsafe` flag is enabled.\n"
                f"{before} {kind}: {old}\n{after} {kind}: {new}"
            )


@functools.cache
def _parametrized_class(cls: Any, names: tuple[str, ...]) -> type[Module]:
    """A subclass of `cls` that computes the tensors called `names`, and can be copied and pickled.

    It does not exist under its name in a module, hence `__reduce_ex__`.
    """
    body: dict[str, Any] = {name: _computed(name) for name in names}
    body["_unparametrized"] = cls
    body["__reduce_ex__"] = lambda self, protocol: (_restored, (cls, names), self.__dict__)
    return type(f"Parametrized{cls.__name__}", (cls,), body)


def _restored(cls: Any, names: tuple[str, ...]) -> Module:
    parametrized = _parametrized_class(cls, names)
    return parametrized.__new__(parametrized)


def _computed(name: str) -> property:
    def get(self: Module) -> Tensor:
        cache = _cache.get()
        if cache is None:
            return self.parametrizations[name]()
        if (self, name) not in cache:
            cache[self, name] = self.parametrizations[name]()
        return cache[self, name]

    def set_(self: Module, value: Tensor) -> None:
        self.parametrizations[name].right_inverse(value)

    return property(get, set_)


def register_parametrization(
    module: Module, tensor_name: str, parametrization: Module, *, unsafe: bool = False
) -> Module:
    """Makes a parameter or buffer of `module` a function of others, which are learned instead.

    From then on `module.NAME` is `parametrization(original)`, computed whenever it is read. A
    second parametrization of the same tensor is applied to the result of the first. With a method
    `right_inverse(value)`, which returns the original (or a tuple of originals) for a value of
    the tensor, the tensor keeps its value now, and values can be assigned to it.

    Args:
        unsafe: allow that the parametrization changes shape or dtype, and do not check it.

    Raises:
        ValueError: if there is no such tensor, or shape or dtype change.

    >>> import autograd, nn
    >>> class Symmetric(nn.Module):
    ...     def forward(self, x):
    ...         return x.triu() + x.triu(1).T
    ...     def right_inverse(self, a):
    ...         return a.triu()
    >>> layer = register_parametrization(nn.Linear(3, 3), "weight", Symmetric())
    >>> bool((layer.weight == layer.weight.T).all())
    True
    >>> [name for name, _ in layer.named_parameters()]
    ['bias', 'parametrizations.weight.original']
    """
    parametrization.train(module.training)
    if is_parametrized(module, tensor_name):
        known = module.parametrizations[tensor_name]
        if not unsafe:
            _check_next(module, tensor_name, parametrization)
        known.append(parametrization)
        known.unsafe |= unsafe
        return module
    if tensor_name not in module._parameters and tensor_name not in module._buffers:
        raise ValueError(
            f"Module '{module}' does not have a parameter, a buffer, or a parametrized element "
            f"with name '{tensor_name}'"
        )
    parametrizations = ParametrizationList(
        [parametrization], getattr(module, tensor_name), unsafe=unsafe
    )
    delattr(module, tensor_name)
    if not is_parametrized(module):
        module.parametrizations = ModuleDict()
    module.parametrizations[tensor_name] = parametrizations
    _set_class(module, type_before_parametrizations(module))
    return module


def _check_next(module: Module, name: str, parametrization: Any) -> None:
    """Raises ValueError if another parametrization does not fit what there is."""
    tensor = getattr(module, name)
    shape, dtype = tensor.shape, tensor.dtype
    result = parametrization(tensor)
    what = "Registering a parametrization may not change"
    _check_like(result, shape, dtype, what, f"module.{name}", "parametrization")
    with no_grad():
        back = _inverse(parametrization, result)
    what = "parametrization.right_inverse may not change"
    _check_like(back, shape, dtype, what, f"module.{name}", "right_inverse")


def _set_class(module: Module, cls: Any) -> None:
    """Gives `module` the subclass of `cls` that fits its parametrizations."""
    names = tuple(sorted(module.parametrizations)) if is_parametrized(module) else ()
    module.__class__ = _parametrized_class(cls, names) if names else cls


def is_parametrized(module: Module, tensor_name: str | None = None) -> bool:
    """Whether `module` has a parametrization, of the tensor `tensor_name` if that is given.

    >>> import nn
    >>> layer = nn.Linear(2, 2)
    >>> is_parametrized(layer), is_parametrized(nn.utils.parametrizations.weight_norm(layer))
    (False, True)
    """
    known = module._modules.get("parametrizations")
    if not isinstance(known, ModuleDict):
        return False
    return len(known) > 0 if tensor_name is None else tensor_name in known


def remove_parametrizations(
    module: Module, tensor_name: str, leave_parametrized: bool = True
) -> Module:
    """Makes a parametrized tensor an ordinary parameter or buffer again.

    Args:
        leave_parametrized: give it its present value; otherwise that of the original, which is
            possible where there is one.
    """
    if not is_parametrized(module, tensor_name):
        raise ValueError(f"Module {module} does not have a parametrization on {tensor_name}")
    known = module.parametrizations[tensor_name]
    if not known.is_tensor and not leave_parametrized:
        raise ValueError(
            "Cannot leave unparametrized (`leave_parametrized=False`) a tensor that is "
            "parametrized in terms of a sequence of tensors."
        )
    value = getattr(module, tensor_name)
    if known.is_tensor:
        tensor = known.original
        if leave_parametrized:
            tensor.data = value.detach()
    else:
        tensor = Parameter(value.detach()) if value.requires_grad else value
    before = type_before_parametrizations(module)
    del module.parametrizations[tensor_name]
    _set_class(module, before)
    if not len(module.parametrizations):
        delattr(module, "parametrizations")
    _register(module, tensor_name, tensor)
    return module


def type_before_parametrizations(module: Module) -> type[Module]:
    """The class that `module` had before it was parametrized."""
    return vars(type(module)).get("_unparametrized", type(module))
