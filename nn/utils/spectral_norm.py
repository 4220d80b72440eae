"""Spectral norm in PyTorch's older form, with `NAME_orig`, `NAME_u` and `NAME_v` in the module.

A hook computes the weight from them before each forward pass.
"""

from __future__ import annotations

from typing import Any, TypeVar

from autograd import Tensor

from .. import functional as F
from ..hooks import find_pre_hook
from ..module import Module
from ..parameter import Parameter
from .parametrizations import as_matrix, default_dim, power_iteration

M = TypeVar("M", bound=Module)


class SpectralNorm:
    """The hook."""

    def __init__(self, name: str, n_power_iterations: int, dim: int, eps: float) -> None:
        if n_power_iterations <= 0:
            raise ValueError(
                "Expected n_power_iterations to be positive, but got "
                f"n_power_iterations={n_power_iterations}"
            )
        self.name, self.n_power_iterations = name, n_power_iterations
        self.dim, self.eps = dim, eps

    def compute_weight(self, module: Module, do_power_iteration: bool) -> Tensor:
        weight = getattr(module, f"{self.name}_orig")
        u, v = getattr(module, f"{self.name}_u"), getattr(module, f"{self.name}_v")
        matrix = as_matrix(weight, self.dim)
        if do_power_iteration:
            # The right vector first, unlike the newer form, as in PyTorch.
            v, u = power_iteration(matrix.detach().T, v, u, self.n_power_iterations, self.eps)
            module._buffers[f"{self.name}_u"], module._buffers[f"{self.name}_v"] = u, v
        return weight / (u @ (matrix @ v))

    def __call__(self, module: Module, args: Any) -> None:
        setattr(module, self.name, self.compute_weight(module, module.training))


def spectral_norm(
    module: M,
    name: str = "weight",
    n_power_iterations: int = 1,
    eps: float = 1e-12,
    dim: int | None = None,
) -> M:
    """Divides a weight, seen as a matrix, by an estimate of its largest singular value.

    `nn.utils.parametrizations.spectral_norm` is the newer form; this one has the keys
    `NAME_orig`, `NAME_u` and `NAME_v` in the state dict that older programs expect.

    >>> import nn
    >>> sorted(spectral_norm(nn.Linear(2, 3)).state_dict())
    ['bias', 'weight_orig', 'weight_u', 'weight_v']
    """
    if find_pre_hook(module, SpectralNorm, name):
        raise RuntimeError(f"Cannot register two spectral_norm hooks on the same parameter {name}")
    dim = default_dim(module) if dim is None else dim
    hook = SpectralNorm(name, n_power_iterations, dim, eps)
    weight = module._parameters[name]
    if weight is None:
        raise ValueError(f"`SpectralNorm` cannot be applied as parameter `{name}` is None")
    matrix = as_matrix(weight, dim)
    del module._parameters[name]
    module.register_parameter(f"{name}_orig", weight)
    for part, n in zip("uv", matrix.shape, strict=True):
        start = F.normalize(weight.new_empty(n).normal_(), dim=0, eps=eps)
        module.register_buffer(f"{name}_{part}", start)
    setattr(module, name, weight.detach())
    module.register_forward_pre_hook(hook)
    return module


def remove_spectral_norm(module: M, name: str = "weight") -> M:
    """Makes the weight an ordinary parameter again, with its present value."""
    found = find_pre_hook(module, SpectralNorm, name)
    if found is None:
        raise ValueError(f"spectral_norm of '{name}' not found in {module}")
    handle, hook = found
    weight = hook.compute_weight(module, do_power_iteration=False).detach()
    delattr(module, name)
    for part in ("_u", "_v"):
        del module._buffers[name + part]
    del module._parameters[f"{name}_orig"]
    setattr(module, name, Parameter(weight))
    handle.remove()
    return module
