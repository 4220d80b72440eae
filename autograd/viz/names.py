"""What the leaves and results of a graph are called: by a module, by a dict, or by the caller.

Nothing is guessed: a name is used only where the module's table or a variable of the calling
function holds that very tensor.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import FrameType
from typing import Any

import numpy as np

from ..tensor import Tensor

LONGEST = 1000
"""Longer lists of the caller are not searched for tensors."""


class Names:
    """Names by the engine's object: a leaf, a node, or the array of a constant."""

    def __init__(self) -> None:
        self._names: dict[Any, str] = {}
        self._parameters: set[Any] = set()
        self._modules: dict[int, str] = {}
        self._alive: list[Any] = []  # what the identities above belong to

    def of(self, thing: Any) -> str:
        """The name of a leaf, node or array; empty if it has none."""
        return self._names.get(identity(thing), "")

    def is_parameter(self, array: np.ndarray) -> bool:
        """Is this constant a frozen parameter of a module?"""
        return identity(array) in self._parameters

    def of_module(self, module: Any) -> str:
        """The name of a module that was given or that a variable holds; empty if it has none."""
        return self._modules.get(id(module), "")

    def add(self, name: str, tensor: Tensor, parameter: bool = False) -> None:
        """Names what `tensor` is in the graph; the first name stays."""
        thing = tensor._data if tensor._edge is None else tensor._edge
        self._alive.append(thing)
        self._names.setdefault(identity(thing), name)
        if parameter:
            self._parameters.add(identity(thing))

    def add_module(self, module: Any, prefix: str = "") -> None:
        """Names the parameters and buffers of an `nn.Module` by their paths."""
        self._alive.append(module)
        self._modules.setdefault(id(module), prefix[:-1])
        for name, parameter in module.named_parameters():
            self.add(prefix + name, parameter, parameter=True)
        for name, buffer in getattr(module, "named_buffers", tuple)():
            self.add(prefix + name, buffer)

    def add_params(self, params: Any, verb: str = "draw") -> None:
        """Names from the argument `params` of `draw` or `step`: a module, a dict, or pairs.

        >>> import autograd
        >>> w = autograd.ones(2, requires_grad=True)
        >>> names = Names(); names.add_params({"w": w}); names.of(w._edge)
        'w'
        """
        if is_module(params):
            self.add_module(params)
            return
        pairs = params.items() if isinstance(params, Mapping) else params
        expected = f"{verb}: params must be a module, a dict of tensors, or named_parameters()"
        if not isinstance(pairs, Iterable):
            raise TypeError(f"{expected}; got {type(params).__name__}")
        for pair in pairs:
            if not (isinstance(pair, tuple) and len(pair) == 2):
                raise TypeError(f"{expected}; got a {type(pair).__name__} among them")
            name, tensor = pair
            if not isinstance(tensor, Tensor):
                raise TypeError(f"{expected}; {name!r} is a {type(tensor).__name__}")
            self.add(str(name), tensor)

    def add_variables(self, frame: FrameType) -> None:
        """Names from the variables that a frame sees: its own, then those of its module.

        A module names its parameters, as in `model.0.weight`, a list or dict its elements, as in
        `w[0]`. Names with a leading underscore, such as a notebook's `_` and `_12`, are left out.
        """
        variables = [*frame.f_locals.items(), *frame.f_globals.items()]
        visible = [(name, value) for name, value in variables if name[:1] != "_"]
        # Modules first: a parameter should not be called `p` after the last turn of a loop.
        for name, value in visible:
            if is_module(value):
                self.add_module(value, name + ".")
        for name, value in visible:
            if isinstance(value, Tensor):
                self.add(value.name or name, value)
        for name, value in visible:
            for place, element in _elements(value):
                if isinstance(element, Tensor):
                    self.add(element.name or f"{name}[{place!r}]", element)


def _elements(value: Any) -> Iterable[tuple[Any, Any]]:
    """The places and elements of a plain list, tuple or dict that is not too long to look at."""
    if type(value) not in (list, tuple, dict) or len(value) > LONGEST:
        return ()
    return value.items() if type(value) is dict else enumerate(value)


def identity(thing: Any) -> Any:
    """What tells things apart while they live; equal for arrays that show the same memory alike."""
    if type(thing) is np.ndarray:
        return thing.__array_interface__["data"][0], thing.shape, thing.strides, thing.dtype.str
    return id(thing)


def is_module(value: Any) -> bool:
    """An `nn.Module`, told by its methods since this package does not know `nn`."""
    return callable(getattr(type(value), "named_parameters", None)) and hasattr(value, "forward")
