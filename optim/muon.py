"""Muon: momentum whose matrices are made orthogonal."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from autograd.tensor import Tensor

from .optimizer import Optimizer, ParamsT
from .rules import check_from, zeros

COEFFICIENTS = (3.4445, -4.7750, 2.0315)
"""Of the quintic that steepens at 0: it brings singular values near 1, not to 1, in few steps."""


class Muon(Optimizer):
    """Muon: steps in the direction of the nearest orthogonal matrix of the momentum.

    For the matrices of hidden layers; biases, embeddings and the rest go to another rule, such as
    `AdamW`. With gradient g and parameters p of shape (m, n)::

        b = momentum * b + (1 - momentum) * g
        u = b                                  (nesterov: momentum * b + (1 - momentum) * g)
        o = orthogonal(u)                      (Newton-Schulz iterations, see `orthogonalized`)
        p = p - lr * weight_decay * p
        p = p - lr * sqrt(max(1, m / n)) * o   (match_rms_adamw: lr * 0.2 * sqrt(max(m, n)))

    Jordan et al., "Muon: An optimizer for hidden layers in neural networks", 2024; the other
    factor is from Liu et al., "Muon is Scalable for LLM Training", 2025. PyTorch orthogonalizes in
    bfloat16, which NumPy does not have; here it is done in the dtype of the parameter.

    Args:
        params: what to optimize, see `Optimizer`; matrices only.
        lr: learning rate.
        weight_decay: decoupled, as in `AdamW`.
        momentum: how much of the buffer survives a step.
        nesterov: look ahead along the buffer.
        ns_coefficients: of the quintic polynomial of an iteration.
        eps: least norm to divide by.
        ns_steps: the number of iterations.
        adjust_lr_fn: "original" (also for None) or "match_rms_adamw".

    >>> import autograd
    >>> w = autograd.tensor([[1.0, 0.0], [0.0, 100.0]], requires_grad=True)
    >>> optimizer = Muon([w], lr=0.1, weight_decay=0.0)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> bool(((w - autograd.tensor([[1.0, 0.0], [0.0, 100.0]])).abs() < 0.13).all())
    True
    """

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-3,
        weight_decay: float = 0.1,
        momentum: float = 0.95,
        nesterov: bool = True,
        ns_coefficients: tuple[float, float, float] = COEFFICIENTS,
        eps: float = 1e-7,
        ns_steps: int = 5,
        adjust_lr_fn: str | None = None,
    ) -> None:
        defaults = {
            "lr": lr,
            "weight_decay": weight_decay,
            "momentum": momentum,
            "nesterov": nesterov,
            "ns_coefficients": ns_coefficients,
            "eps": eps,
            "ns_steps": ns_steps,
            "adjust_lr_fn": adjust_lr_fn,
        }
        super().__init__(params, defaults)

    def _check(self, options: dict[str, Any]) -> None:
        check_from(0, "Learning rate", options["lr"])
        check_from(0, "momentum", options["momentum"])
        check_from(0, "weight decay", options["weight_decay"])
        if options["adjust_lr_fn"] not in (None, "original", "match_rms_adamw"):
            raise ValueError(
                f"Adjust learning rate function {options['adjust_lr_fn']} is not supported"
            )
        for p in options.get("params", ()):
            if p._data.ndim != 2:
                raise ValueError(
                    "Muon only supports 2D parameters whereas we found a parameter with size: "
                    f"{p.shape}"
                )

    def _update(
        self, param: np.ndarray, grad: np.ndarray, state: dict[str, Any], group: dict[str, Any]
    ) -> None:
        if not state:
            state["momentum_buffer"] = zeros(param)
        lr, momentum = float(group["lr"]), float(group["momentum"])
        b = state["momentum_buffer"]._data
        b += (1 - momentum) * (grad - b)
        u = momentum * b + (1 - momentum) * grad if group["nesterov"] else b
        o = orthogonalized(u, group["ns_coefficients"], group["ns_steps"], group["eps"])
        m, n = param.shape
        if group["adjust_lr_fn"] == "match_rms_adamw":
            factor = 0.2 * math.sqrt(max(m, n))
        else:
            factor = math.sqrt(max(1, m / max(1, n)))
        param *= 1 - lr * float(group["weight_decay"])
        param -= lr * factor * o


def orthogonalized(
    x: np.ndarray, coefficients: tuple[float, float, float], steps: int, eps: float
) -> np.ndarray:
    """About U Vᵀ of the singular value decomposition x = U S Vᵀ, by products of matrices alone.

    An iteration, a x + (b A + c A²) x with A = x xᵀ, applies a s + b s³ + c s⁵ to each singular
    value s.
    """
    if steps >= 100:
        raise ValueError("Number of steps must be less than 100 for computational efficiency")
    if len(coefficients) != 3:
        raise ValueError("Coefficients must be a tuple of exactly 3 values")
    a, b, c = coefficients
    tall = x.shape[0] > x.shape[1]
    if tall:  # the product of a matrix with its transpose is smaller the other way round
        x = x.T
    x = x / max(float(np.linalg.norm(x)), eps)
    for _ in range(steps):
        gram = x @ x.T
        x = a * x + (b * gram + c * (gram @ gram)) @ x
    return x.T if tall else x
