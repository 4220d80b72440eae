"""Smaller networks: 8-bit weights for inference, and products of low rank.

Pruning is in `nn.utils.prune`, distillation in `nn.regularization`.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Collection
from typing import Any

import numpy as np

import autograd
from autograd import Tensor
from autograd.tensor import wrap

from .containers import Sequential
from .linear import Linear
from .module import Module

_LARGEST = 127
# A float32 holds integers up to 2**24: so many products of two 8-bit numbers it adds exactly.
_EXACT = (1 << 24) // _LARGEST**2


class QuantizedLinear(Module):
    """A linear layer with int8 weights, for inference.

    Each row of the weight has a scale, `row max / 127`. The input is quantized when it arrives,
    each sample with a scale of its own ("dynamic"); the product is one of integers, exactly, and
    the scales come afterwards. No gradient flows through it.

    Source: Jacob et al., "Quantization and training of neural networks for efficient
    integer-arithmetic-only inference", 2018, in its symmetric form.
    """

    weight: Tensor
    scale: Tensor
    bias: Tensor | None

    def __init__(self, in_features: int, out_features: int, bias: bool = True) -> None:
        super().__init__()
        self.in_features, self.out_features = in_features, out_features
        shape = (out_features, in_features)
        self.register_buffer("weight", autograd.zeros(shape, dtype=autograd.int8))
        self.register_buffer("scale", autograd.ones(out_features))
        self.register_buffer("bias", autograd.zeros(out_features) if bias else None)

    @classmethod
    def from_float(cls, linear: Linear) -> QuantizedLinear:
        """The quantized twin of `linear`."""
        layer = cls(linear.in_features, linear.out_features, linear.bias is not None)
        integers, scale = quantized(linear.weight.numpy(force=True))
        layer.weight, layer.scale = wrap(integers), wrap(scale)
        layer.bias = None if linear.bias is None else linear.bias.detach().clone()
        layer.training = linear.training
        return layer

    def forward(self, input: Tensor) -> Tensor:
        x = input.numpy(force=True)
        if x.shape[-1:] != (self.in_features,):
            raise ValueError(
                f"{self._get_name()}({self.in_features}, {self.out_features}): expected an input "
                f"of shape (..., {self.in_features}), got {x.dtype}{list(x.shape)}"
            )
        integers, scale = quantized(x)
        product = _integer_product(integers, self.weight.numpy())
        result = product * (scale[..., None] * self.scale.numpy())
        if self.bias is not None:
            result += self.bias.numpy()
        return wrap(result.astype(x.dtype, copy=False))

    def dequantized(self) -> Tensor:
        """The weights as floating numbers (out_features, in_features)."""
        return self.weight.float() * self.scale.unsqueeze(1)

    def extra_repr(self) -> str:
        return (
            f"in_features={self.in_features}, out_features={self.out_features}, "
            f"bias={self.bias is not None}, dtype=int8"
        )


def quantized(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Integers of int8 and a scale for each vector along the last dimension: x ≈ scale * int."""
    scale = np.abs(x).max(-1, initial=0) / _LARGEST
    scale = np.where(scale == 0, 1, scale).astype(np.float32)
    return np.rint(x / scale[..., None]).astype(np.int8), scale


def _integer_product(x: np.ndarray, w: np.ndarray) -> np.ndarray:
    """`x @ w.T` of int8 arrays, exactly, by products of float32, which BLAS makes fast."""
    total = np.zeros((*x.shape[:-1], len(w)), np.float64 if x.shape[-1] > _EXACT else np.float32)
    for start in range(0, x.shape[-1], _EXACT):
        part = slice(start, start + _EXACT)
        total += x[..., part].astype(np.float32) @ w[:, part].T.astype(np.float32)
    return total


def quantize_dynamic(
    model: Module, qconfig_spec: Collection[Any] | None = None, inplace: bool = False
) -> Module:
    """A copy of `model` for inference whose linear layers have int8 weights.

    Args:
        qconfig_spec: classes (by default `{nn.Linear}`), and paths of single layers.
        inplace: change `model` itself.

    >>> import nn
    >>> net = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))
    >>> quantize_dynamic(net)[0]
    QuantizedLinear(in_features=4, out_features=8, bias=True, dtype=int8)
    """
    wanted = {Linear} if qconfig_spec is None else set(qconfig_spec)

    def replacement(path: str, module: Module) -> Module | None:
        if type(module) is Linear and (Linear in wanted or path in wanted):
            return QuantizedLinear.from_float(module)
        return None

    return _replaced(model, replacement, inplace)


def factorize(
    model: Module,
    rank: int | None = None,
    *,
    energy: float | None = None,
    inplace: bool = False,
) -> Module:
    """A copy of `model` whose linear layers are products of two of low rank, by truncated SVD.

    A layer is left alone where two would not have fewer weights.

    Args:
        rank: how many singular values are kept in each layer.
        energy: in the place of `rank`, the share of the squared Frobenius norm that is kept.
        inplace: change `model` itself.

    Source: Eckart and Young, "The approximation of one matrix by another of lower rank", 1936.

    >>> import nn
    >>> factorize(nn.Sequential(nn.Linear(100, 50)), rank=5)[0]
    Sequential(                                                   # 800 parameters
      (0): Linear(in_features=100, out_features=5, bias=False)    # 500
      (1): Linear(in_features=5, out_features=50, bias=True)      # 300
    )
    """
    if (rank is None) == (energy is None):
        raise ValueError("factorize: give rank or energy, one of the two")
    if rank is not None and rank < 1:
        raise ValueError(f"factorize: rank must be 1 or more, got {rank}")
    if energy is not None and not 0 < energy <= 1:
        raise ValueError(f"factorize: energy must be in (0, 1], got {energy}")

    def replacement(path: str, module: Module) -> Module | None:
        return _two_layers(module, rank, energy) if type(module) is Linear else None

    return _replaced(model, replacement, inplace)


def _two_layers(layer: Linear, rank: int | None, energy: float | None) -> Module | None:
    u, s, vh = np.linalg.svd(layer.weight.numpy(force=True), full_matrices=False)
    if rank is None:
        kept = np.cumsum(s**2) / np.sum(s**2)
        rank = int(np.searchsorted(kept, energy - 1e-6)) + 1  # type: ignore[operator]
    if rank * (layer.in_features + layer.out_features) >= layer.weight.numel():
        return None
    root = np.sqrt(s[:rank])
    down = Linear(layer.in_features, rank, bias=False, dtype=layer.weight.dtype)
    up = Linear(rank, layer.out_features, layer.bias is not None, dtype=layer.weight.dtype)
    with autograd.no_grad():
        down.weight.copy_(autograd.from_numpy(np.ascontiguousarray(root[:, None] * vh[:rank])))
        up.weight.copy_(autograd.from_numpy(np.ascontiguousarray(u[:, :rank] * root)))
        if layer.bias is not None and up.bias is not None:
            up.bias.copy_(layer.bias)
    return Sequential(down, up).train(layer.training)


def _replaced(
    model: Module, replacement: Callable[[str, Module], Module | None], inplace: bool
) -> Module:
    """The model with the modules exchanged for which `replacement` has another."""
    model = model if inplace else copy.deepcopy(model)
    made: dict[Module, Module] = {}  # a shared layer stays shared
    for path, module in list(model.named_modules(remove_duplicate=False)):
        new = made.get(module) or replacement(path, module)
        if new is None:
            continue
        made[module] = new
        if not path:
            return new
        model.set_submodule(path, new)
    return model
