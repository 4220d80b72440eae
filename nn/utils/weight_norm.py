"""Weight norm in PyTorch's older form, with parameters `NAME_g` and `NAME_v` in the module itself.

A hook computes the weight from them before each forward pass.
"""

from __future__ import annotations

from typing import Any, TypeVar

from autograd import Tensor

from ..hooks import find_pre_hook
from ..module import Module
from ..parameter import Parameter
from .parametrizations import norm_except_dim

M = TypeVar("M", bound=Module)


class WeightNorm:
    """The hook."""

    def __init__(self, name: str, dim: int | None) -> None:
        self.name, self.dim = name, dim

    def compute_weight(self, module: Module) -> Tensor:
        g, v = getattr(module, f"{self.name}_g"), getattr(module, f"{self.name}_v")
        return v * (g / norm_except_dim(v, self.dim))

    def __call__(self, module: Module, args: Any) -> None:
        setattr(module, self.name, self.compute_weight(module))


def weight_norm(module: M, name: str = "weight", dim: int | None = 0) -> M:
    """Learns the length and the direction of a weight separately: w = g v / |v|.

    `nn.utils.parametrizations.weight_norm` is the newer form; this one has the keys `NAME_g` and
    `NAME_v` in the state dict that older programs expect.

    Args:
        dim: one length for each index of this dimension; None: one for all.

    >>> import nn
    >>> sorted(weight_norm(nn.Linear(2, 3)).state_dict())
    ['bias', 'weight_g', 'weight_v']
    """
    if find_pre_hook(module, WeightNorm, name):
        raise RuntimeError(f"Cannot register two weight_norm hooks on the same parameter {name}")
    hook, weight = WeightNorm(name, dim), getattr(module, name)
    del module._parameters[name]
    module.register_parameter(f"{name}_g", Parameter(norm_except_dim(weight, dim).detach()))
    module.register_parameter(f"{name}_v", Parameter(weight.detach()))
    hook(module, ())
    module.register_forward_pre_hook(hook)
    return module


def remove_weight_norm(module: M, name: str = "weight") -> M:
    """Makes the weight an ordinary parameter again, with its present value.

    >>> import nn
    >>> layer = remove_weight_norm(weight_norm(nn.Linear(3, 2)))
    >>> [name for name, _ in layer.named_parameters()]
    ['bias', 'weight']
    """
    found = find_pre_hook(module, WeightNorm, name)
    if found is None:
        raise ValueError(f"weight_norm of '{name}' not found in {module}")
    handle, hook = found
    weight = hook.compute_weight(module)
    delattr(module, name)
    for part in ("_g", "_v"):
        del module._parameters[name + part]
    setattr(module, name, Parameter(weight.detach()))
    handle.remove()
    return module
