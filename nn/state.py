"""`state_dict` and `load_state_dict`: names and values of all that a module must remember.

Loading checks everything before it complains, so that one error lists all that does not fit.
`_save_to_state_dict` and `_load_from_state_dict` handle one module without its children; layers
that changed their layout override them, as in PyTorch.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from autograd import Tensor
from autograd.hooks import RemovableHandle
from autograd.tensor import wrap

from .hooks import add_hook
from .parameter import Parameter

if TYPE_CHECKING:
    from .module import Module

_EXTRA_STATE = "_extra_state"  # the key under which the result of `get_extra_state` is saved


class IncompatibleKeys(NamedTuple):
    """Keys that the module has and the loaded state has not, and the other way round."""

    missing_keys: list[str]
    unexpected_keys: list[str]

    def __repr__(self) -> str:
        missing, unexpected = self
        if not missing and not unexpected:
            return "<All keys matched successfully>"
        return f"IncompatibleKeys(missing_keys={missing}, unexpected_keys={unexpected})"


class _StateDict(OrderedDict[str, Any]):
    """A state with the version of each module's layout, by path."""

    _metadata: dict[str, dict[str, Any]]


def state_dict(
    self: Module, destination: Any = None, prefix: str = "", keep_vars: bool = False
) -> Any:
    """The parameters and persistent buffers by path, here and below, sharing memory.

    Args:
        destination: a dict to add to, which is then returned.
        prefix: goes before every key.
        keep_vars: give the parameters themselves, not detached tensors.

    >>> import nn
    >>> list(nn.Sequential(nn.Linear(2, 3), nn.ReLU()).state_dict())
    ['0.weight', '0.bias']
    """
    for hook in list(self._state_dict_pre_hooks.values()):
        hook(self, prefix, keep_vars)
    if destination is None:
        destination = _StateDict()
        destination._metadata = {}
    local = {"version": self._version}
    if hasattr(destination, "_metadata"):
        destination._metadata[prefix[:-1]] = local
    self._save_to_state_dict(destination, prefix, keep_vars)
    for name, module in self._modules.items():
        if module is not None:
            module.state_dict(
                destination=destination, prefix=f"{prefix}{name}.", keep_vars=keep_vars
            )
    for hook in list(self._state_dict_hooks.values()):
        hook(self, destination, prefix, local)
    return destination


def register_state_dict_pre_hook(self: Module, hook: Callable[..., Any]) -> RemovableHandle:
    """Calls `hook(module, prefix, keep_vars)` before `state_dict` collects this module's state."""
    return add_hook(self, "_state_dict_pre_hooks", hook)


def register_state_dict_post_hook(self: Module, hook: Callable[..., Any]) -> RemovableHandle:
    """Calls `hook(module, state_dict, prefix, local_metadata)`, which may change the dict.

    It runs once the states of this module and of all below it are in the dict.
    """
    return add_hook(self, "_state_dict_hooks", hook)


def register_load_state_dict_pre_hook(self: Module, hook: Callable[..., Any]) -> RemovableHandle:
    """Calls a hook before this module loads its part of a state, which the hook may change.

    Its arguments are `(module, state_dict, prefix, local_metadata, strict, missing_keys,
    unexpected_keys, error_msgs)`; keys in the dict are full paths.
    """
    return add_hook(self, "_load_state_dict_pre_hooks", hook)


def register_load_state_dict_post_hook(self: Module, hook: Callable[..., Any]) -> RemovableHandle:
    """Calls `hook(module, incompatible_keys)` when this module and all below it have loaded.

    The hook may change the two lists, for example to accept a missing key.
    """
    return add_hook(self, "_load_state_dict_post_hooks", hook)


def _save_to_state_dict(
    self: Module, destination: dict[str, Any], prefix: str, keep_vars: bool
) -> None:
    """Adds the state of this module itself."""
    for name, tensor in _own_state(self).items():
        destination[prefix + name] = tensor if keep_vars else tensor.detach()
    if type(self).get_extra_state is not get_extra_state:
        destination[prefix + _EXTRA_STATE] = self.get_extra_state()


def _own_state(module: Module) -> dict[str, Tensor]:
    """The parameters and persistent buffers of `module` itself that are not None."""
    entries = {**module._parameters, **module._buffers}
    hidden = module._non_persistent_buffers_set
    return {name: t for name, t in entries.items() if t is not None and name not in hidden}


def get_extra_state(self: Module) -> Any:
    """Overridden by modules whose state holds more than tensors; saved under `_extra_state`."""
    raise NotImplementedError(f"{self._get_name()} has no extra state")


def set_extra_state(self: Module, state: Any) -> None:
    """Takes back what `get_extra_state` returned."""
    raise NotImplementedError(f"{self._get_name()} has no extra state")


def load_state_dict(
    self: Module, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = False
) -> IncompatibleKeys:
    """Copies values by path into this module and all below it.

    Args:
        state_dict: what `state_dict()` returned; the values may be Tensors or ndarrays.
        strict: whether the keys must be exactly those of the module.
        assign: put the given tensors themselves in place, with their dtype, instead of copying
            values; an optimizer must then be made afterwards.

    Returns:
        `missing_keys` and `unexpected_keys`, lists that are empty if `strict`.

    Raises:
        RuntimeError: one error that lists missing and unexpected keys and all wrong shapes.

    >>> import nn
    >>> a, b = nn.Linear(2, 3), nn.Linear(2, 3)
    >>> b.load_state_dict(a.state_dict())
    <All keys matched successfully>
    >>> bool((a.weight == b.weight).all())
    True
    """
    if not isinstance(state_dict, Mapping):
        raise TypeError(f"Expected state_dict to be dict-like, got {type(state_dict)}.")
    keys = IncompatibleKeys([], [])
    errors: list[str] = []
    metadata = getattr(state_dict, "_metadata", {})
    _load(self, OrderedDict(state_dict), "", metadata, assign, keys, errors)
    if strict:
        for what, names in (("Unexpected", keys.unexpected_keys), ("Missing", keys.missing_keys)):
            if names:
                listed = ", ".join(f'"{name}"' for name in names)
                errors.insert(0, f"{what} key(s) in state_dict: {listed}. ")
    if errors:
        listed = "\n\t".join(errors)
        raise RuntimeError(f"Error(s) in loading state_dict for {self._get_name()}:\n\t{listed}")
    return keys


def _load(
    module: Module,
    state: Mapping[str, Any],
    prefix: str,
    metadata: Mapping[str, Any],
    assign: bool,
    keys: IncompatibleKeys,
    errors: list[str],
) -> None:
    local = dict(metadata.get(prefix[:-1], {}))
    if assign:
        local["assign_to_params_buffers"] = True
    for hook in list(module._load_state_dict_pre_hooks.values()):
        hook(module, state, prefix, local, True, *keys, errors)
    module._load_from_state_dict(state, prefix, local, True, *keys, errors)
    for name, child in module._modules.items():
        if child is not None:
            start = f"{prefix}{name}."
            below = OrderedDict((k, v) for k, v in state.items() if k.startswith(start))
            _load(child, below, start, metadata, assign, keys, errors)
    for hook in list(module._load_state_dict_post_hooks.values()):
        if hook(module, keys) is not None:
            raise RuntimeError(
                "Hooks registered with ``register_load_state_dict_post_hook`` are not expected to "
                "return new values, if incompatible_keys need to be modified, it should be done "
                "inplace."
            )


def _load_from_state_dict(
    self: Module,
    state_dict: Mapping[str, Any],
    prefix: str,
    local_metadata: dict[str, Any],
    strict: bool,
    missing_keys: list[str],
    unexpected_keys: list[str],
    error_msgs: list[str],
) -> None:
    """Loads this module itself, adding to the three lists what does not fit."""
    own = _own_state(self)
    assign = local_metadata.get("assign_to_params_buffers", False)
    for name, tensor in own.items():
        key = prefix + name
        if key in state_dict:
            problem = _load_tensor(self, name, tensor, state_dict[key], key, assign)
            if problem:
                error_msgs.append(problem)
        else:
            missing_keys.append(key)
    extra_key = prefix + _EXTRA_STATE
    if type(self).set_extra_state is not set_extra_state:
        if extra_key in state_dict:
            self.set_extra_state(state_dict[extra_key])
        else:
            missing_keys.append(extra_key)
    elif extra_key in state_dict:
        unexpected_keys.append(extra_key)
    for key in state_dict:
        if key.startswith(prefix) and key != extra_key:
            first, dot, _ = key[len(prefix) :].partition(".")
            if first not in (self._modules if dot else own):
                unexpected_keys.append(key)


def _load_tensor(
    module: Module, name: str, tensor: Tensor, value: Any, key: str, assign: bool
) -> str | None:
    """Copies or assigns one value; returns what is wrong with it, if anything is."""
    if isinstance(value, np.ndarray):
        value = wrap(value)
    if not isinstance(value, Tensor):
        return (
            f'While copying the parameter named "{key}", expected a Tensor or an ndarray from '
            f"checkpoint but received {type(value)}"
        )
    if value.shape != tensor.shape:
        return (
            f"size mismatch for {key}: copying a param with shape {value.shape} from checkpoint, "
            f"the shape in current model is {tensor.shape}."
        )
    if not assign:
        tensor._data[...] = value._data
        tensor._versions().n += 1
        return None
    if isinstance(tensor, Parameter):
        if not isinstance(value, Parameter):
            value = Parameter(value, tensor.requires_grad)
        value.requires_grad_(tensor.requires_grad)
    setattr(module, name, value)
    return None
