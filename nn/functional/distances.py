"""Distances, normalization and one-hot vectors."""

from __future__ import annotations

from typing import Any

import numpy as np

import autograd
from autograd import Tensor
from autograd.batching.array import whole
from autograd.errors import described
from autograd.registry import public


@public(namespace="nn.functional")
def normalize(
    input: Tensor, p: float = 2.0, dim: Any = 1, eps: float = 1e-12, out: Tensor | None = None
) -> Tensor:
    """input divided by its p-norm along `dim`, or by `eps` where the norm is smaller.

    >>> import autograd, nn
    >>> nn.functional.normalize(autograd.tensor([[3.0, 4.0]]))
    tensor([[0.6000, 0.8000]])
    """
    result = input / autograd.linalg.vector_norm(input, p, dim, True).clamp(min=eps)
    if out is None:
        return result
    return out.copy_(result)


@public(namespace="nn.functional")
def cosine_similarity(x1: Tensor, x2: Tensor, dim: int = 1, eps: float = 1e-8) -> Tensor:
    """x1 · x2 / (|x1| |x2|) along `dim`, with norms of at least `eps`. The inputs broadcast.

    >>> import autograd, nn
    >>> a, b = autograd.tensor([[1.0, 0.0]]), autograd.tensor([[1.0, 1.0]])
    >>> nn.functional.cosine_similarity(a, b)
    tensor([0.7071])
    """
    dtype = autograd.promote_types(x1.dtype, x2.dtype)
    if dtype.kind != "f":
        raise RuntimeError(
            f"cosine_similarity: expected floating inputs, got {described(x1)} and {described(x2)}"
        )
    units = []
    for x in autograd.broadcast_tensors(x1.to(dtype), x2.to(dtype)):
        n = autograd.linalg.vector_norm(x, 2, dim, True)
        # Raising the norm to eps does not stop its gradient, as in PyTorch.
        units.append(x / (n + (n.clamp(min=eps) - n).detach()))
    return (units[0] * units[1]).sum(dim)


@public(namespace="nn.functional")
def pairwise_distance(
    x1: Tensor, x2: Tensor, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False
) -> Tensor:
    """The p-norm of x1 - x2 + eps along the last dimension.

    >>> import autograd, nn
    >>> nn.functional.pairwise_distance(autograd.tensor([[3.0, 4.0]]), autograd.zeros(1, 2))
    tensor([5.0000])
    """
    return autograd.linalg.vector_norm(x1 - x2 + eps, p, -1, keepdim)


@public(namespace="nn.functional", keywords={"input": "tensor"})
def one_hot(tensor: Tensor, num_classes: int = -1) -> Tensor:
    """Class indices as vectors with one 1 in a new last dimension, int64.

    Args:
        tensor: integers in [0, num_classes) of any shape.
        num_classes: the length of the vectors; -1 for one more than the largest index.

    >>> import autograd, nn
    >>> nn.functional.one_hot(autograd.tensor([0, 2]))
    tensor([[1, 0, 0],
            [0, 0, 1]])
    """
    indices = tensor._data
    if indices.dtype.kind not in "iu":
        raise RuntimeError(f"one_hot: expected class indices (int64), got {described(tensor)}")
    if indices.size == 0 and num_classes <= 0:
        raise RuntimeError("one_hot: num_classes is needed for a tensor without elements")
    every = whole(indices)
    if every.size and every.min() < 0:
        raise RuntimeError(f"one_hot: Class values must be non-negative, got {every.min()}")
    if num_classes == -1:
        num_classes = int(every.max()) + 1
    elif every.size and every.max() >= num_classes:
        raise RuntimeError(
            "one_hot: Class values must be smaller than num_classes, "
            f"got {every.max()} and {num_classes}"
        )
    return autograd.as_tensor((indices[..., None] == np.arange(num_classes)).astype(np.int64))


@public(namespace="nn.functional")
def bilinear(input1: Tensor, input2: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """yₖ = x₁ᵀ Wₖ x₂ + bₖ.

    Args:
        input1: x₁ of shape [*, in1].
        input2: x₂ of shape [*, in2].
        weight: W of shape [out, in1, in2].
        bias: b of shape [out].

    >>> import autograd, nn
    >>> x, w = autograd.ones(2, 3), autograd.ones(5, 3, 4)
    >>> nn.functional.bilinear(x, autograd.ones(2, 4), w).shape
    Size([2, 5])
    """
    n_out, n_1, n_2 = weight.shape
    if input1.shape[:-1] != input2.shape[:-1] or (input1.shape[-1], input2.shape[-1]) != (n_1, n_2):
        raise RuntimeError(
            f"bilinear: inputs {described(input1)} and {described(input2)} do not fit the weight "
            f"{described(weight)}; they must be [*, {n_1}] and [*, {n_2}]"
        )
    flat = weight.permute(1, 0, 2).reshape(n_1, n_out * n_2)
    mixed = (input1 @ flat).reshape(*input1.shape[:-1], n_out, n_2)
    out = (mixed @ input2.unsqueeze(-1)).squeeze(-1)
    return out if bias is None else out + bias
