"""RMSprop, plain, centered and with momentum."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd.tensor import Tensor

from .optimizer import Optimizer, ParamsT
from .rules import blocks, check_not_negative, descent, next_step, step_count, zeros


class RMSprop(Optimizer):
    """RMSprop: the gradient divided by a running root mean square of itself.

    With gradient g (negated under `maximize`) and parameters p::

        g = g + weight_decay * p
        v = alpha * v + (1 - alpha) * g**2
        m = alpha * m + (1 - alpha) * g             (centered only)
        d = g / (sqrt(v) + eps)                     (centered: sqrt(v - m**2))
        b = momentum * b + d                        (with momentum only)
        p = p - lr * b                              (without momentum: p - lr * d)

    Hinton, "Neural Networks for Machine Learning", lecture 6e, 2012; the centered form is from
    Graves, "Generating Sequences With Recurrent Neural Networks", 2013, equations 38 to 41.

    Args:
        params: what to optimize, see `Optimizer`.
        lr: learning rate.
        alpha: how much of the averages survives a step.
        eps: added to the denominator.
        weight_decay: the factor of an L2 penalty.
        momentum: how much of the buffer survives a step.
        centered: divide by an estimate of the standard deviation instead.
        maximize: ascend instead of descend.
        foreach: accepted and ignored; there is one implementation.
        capturable, differentiable: not supported.

    >>> import autograd
    >>> w = autograd.tensor([1.0, -2.0], requires_grad=True)
    >>> optimizer = RMSprop([w], lr=0.05)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> w
    tensor([ 0.5000, -1.5000], requires_grad=True)
    """

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum: float = 0,
        centered: bool = False,
        capturable: bool = False,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        defaults = {
            "lr": lr,
            "momentum": momentum,
            "alpha": alpha,
            "eps": eps,
            "centered": centered,
            "weight_decay": weight_decay,
            "capturable": capturable,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
        }
        super().__init__(params, defaults)

    def _check(self, options: dict[str, Any]) -> None:
        check_not_negative("learning rate", options["lr"])
        check_not_negative("epsilon value", options["eps"])
        check_not_negative("momentum value", options["momentum"])
        check_not_negative("weight_decay value", options["weight_decay"])
        check_not_negative("alpha value", options["alpha"])

    def _update(
        self, param: np.ndarray, grad: np.ndarray, state: dict[str, Any], group: dict[str, Any]
    ) -> None:
        momentum, centered = float(group["momentum"]), group["centered"]
        if not state:
            state["step"] = step_count()
            state["square_avg"] = zeros(param)
            if momentum > 0:
                state["momentum_buffer"] = zeros(param)
            if centered:
                state["grad_avg"] = zeros(param)
        next_step(state)
        lr, alpha, eps = float(group["lr"]), float(group["alpha"]), float(group["eps"])
        square = state["square_avg"]._data
        mean = state["grad_avg"]._data if centered else None
        buffer = state["momentum_buffer"]._data if momentum > 0 else None
        for p, g, v, m, b in blocks(param, grad, square, mean, buffer):
            g = descent(g, p, group)
            v *= alpha
            v += (1 - alpha) * g * g
            if centered:
                m += (1 - alpha) * (g - m)
            d = g / (np.sqrt(v - m * m if centered else v) + eps)
            if momentum > 0:
                b *= momentum
                b += d
                d = b
            p -= lr * d
