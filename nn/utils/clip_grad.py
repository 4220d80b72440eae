"""Gradients that are too large, made smaller before the optimizer's step."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from types import GeneratorType
from typing import Any

import autograd
from autograd import Tensor, no_grad

from ..module import Module

Tensors = Tensor | Iterable[Tensor]


def _listed(tensors: Tensors, name: str) -> list[Tensor]:
    if isinstance(tensors, Tensor):
        return [tensors]
    alone = not isinstance(tensors, Iterable)
    listed: list[Any] = [tensors] if alone else list(tensors)
    for x in listed:
        if alone or not isinstance(x, Tensor):
            hint = "; pass model.parameters()" if isinstance(x, Module) else ""
            raise TypeError(
                f"{name}: expected a Tensor or an iterable of Tensors, got "
                f"{'' if alone else 'one with '}a {type(x).__name__}{hint}"
            )
    return listed


@no_grad()
def get_total_norm(
    tensors: Tensors,
    norm_type: float | str = 2.0,
    error_if_nonfinite: bool = False,
    foreach: bool | None = None,
) -> Tensor:
    """The norm of all tensors as if they were one vector.

    Args:
        norm_type: the order p of the norm; `inf` for the largest absolute value.
        error_if_nonfinite: raise RuntimeError if the norm is NaN or infinite.
        foreach: accepted as in PyTorch; means nothing here.

    >>> import autograd
    >>> get_total_norm([autograd.tensor([3.0]), autograd.tensor([4.0])])
    tensor(5.)
    """
    tensors = _listed(tensors, "get_total_norm")
    order = float(norm_type)
    if not tensors:
        return autograd.tensor(0.0)
    norms = autograd.stack([autograd.linalg.vector_norm(t.detach(), order) for t in tensors])
    total = autograd.linalg.vector_norm(norms, order)
    if error_if_nonfinite and not total.isfinite().item():
        raise RuntimeError(
            f"The total norm of order {order} for gradients from `parameters` is non-finite, so it "
            "cannot be clipped. To disable this error and scale the gradients by the non-finite "
            "norm anyway, set `error_if_nonfinite=False`"
        )
    return total


@no_grad()
def clip_grads_with_norm_(
    parameters: Tensors, max_norm: float, total_norm: Tensor, foreach: bool | None = None
) -> None:
    """Scales the gradients by `min(max_norm / (total_norm + 1e-6), 1)`, in place."""
    factor = (float(max_norm) / (total_norm + 1e-6)).clamp(max=1.0)
    for p in _listed(parameters, "clip_grads_with_norm_"):
        if p.grad is not None:
            p.grad.mul_(factor)


def clip_grad_norm_(
    parameters: Tensors,
    max_norm: float,
    norm_type: float | str = 2.0,
    error_if_nonfinite: bool = False,
    foreach: bool | None = None,
) -> Tensor:
    """Scales all gradients by one factor so that their common norm is at most `max_norm`.

    Args:
        parameters: the parameters, or one; those without a gradient are left out.
        norm_type: the order p of the norm; `inf` for the largest absolute value.
        error_if_nonfinite: raise RuntimeError if the norm is NaN or infinite.
        foreach: accepted as in PyTorch; means nothing here.

    Returns:
        The norm before clipping, a 0-d Tensor.

    Source: Pascanu, Mikolov and Bengio, "On the difficulty of training recurrent neural
    networks", 2013, algorithm 1.

    >>> import autograd, nn
    >>> w = nn.Parameter(autograd.tensor([0.0, 0.0]))
    >>> (w * autograd.tensor([3.0, 4.0])).sum().backward()
    >>> nn.utils.clip_grad_norm_([w], 1.0), w.grad
    (tensor(5.), tensor([0.6000, 0.8000]))
    """
    listed = _listed(parameters, "clip_grad_norm_")
    if not listed and isinstance(parameters, GeneratorType):
        warnings.warn(
            "`parameters` is an empty generator, no gradient clipping will occur.", stacklevel=2
        )
    gradients = [p.grad for p in listed if p.grad is not None]
    total = get_total_norm(gradients, norm_type, error_if_nonfinite)
    clip_grads_with_norm_(listed, max_norm, total)
    return total


@no_grad()
def clip_grad_value_(parameters: Tensors, clip_value: float, foreach: bool | None = None) -> None:
    """Limits every entry of the gradients to [-clip_value, clip_value], in place.

    >>> import autograd
    >>> w = autograd.tensor([1.0, 2.0], requires_grad=True)
    >>> (w**3).sum().backward()
    >>> clip_grad_value_(w, 5.0)
    >>> w.grad
    tensor([3., 5.])
    """
    limit = float(clip_value)
    for p in _listed(parameters, "clip_grad_value_"):
        if p.grad is not None:
            p.grad.clamp_(-limit, limit)
