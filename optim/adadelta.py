"""Adadelta: steps in the units of the parameters, without a learning rate to tune."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd.tensor import Tensor

from .optimizer import Optimizer, ParamsT
from .rules import blocks, check_not_negative, descent, next_step, step_count, zeros


class Adadelta(Optimizer):
    """Adadelta: the gradient times the ratio of the root mean squares of past steps and gradients.

    With gradient g (negated under `maximize`) and parameters p::

        g = g + weight_decay * p
        v = rho * v + (1 - rho) * g**2
        d = sqrt(u + eps) / sqrt(v + eps) * g
        u = rho * u + (1 - rho) * d**2
        p = p - lr * d

    Zeiler, "ADADELTA: An Adaptive Learning Rate Method", 2012, algorithm 1 (where lr = 1).

    Args:
        params: what to optimize, see `Optimizer`.
        lr: a factor of the step.
        rho: how much of the averages survives a step.
        eps: added under the roots; sets the size of the first steps.
        weight_decay: the factor of an L2 penalty.
        maximize: ascend instead of descend.
        foreach: accepted and ignored; there is one implementation.
        capturable, differentiable: not supported.

    >>> import autograd
    >>> w = autograd.tensor([1.0, -2.0], requires_grad=True)
    >>> optimizer = Adadelta([w], eps=0.01)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> w
    tensor([ 0.6877, -1.6848], requires_grad=True)
    """

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1.0,
        rho: float = 0.9,
        eps: float = 1e-6,
        weight_decay: float = 0,
        foreach: bool | None = None,
        *,
        capturable: bool = False,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        defaults = {
            "lr": lr,
            "rho": rho,
            "eps": eps,
            "weight_decay": weight_decay,
            "maximize": maximize,
            "capturable": capturable,
            "foreach": foreach,
            "differentiable": differentiable,
        }
        super().__init__(params, defaults)

    def _check(self, options: dict[str, Any]) -> None:
        check_not_negative("learning rate", options["lr"])
        if not 0 <= options["rho"] <= 1:
            raise ValueError(f"Invalid rho value: {options['rho']}")
        check_not_negative("epsilon value", options["eps"])
        check_not_negative("weight_decay value", options["weight_decay"])

    def _update(
        self, param: np.ndarray, grad: np.ndarray, state: dict[str, Any], group: dict[str, Any]
    ) -> None:
        if not state:
            state["step"] = step_count()
            state["square_avg"] = zeros(param)
            state["acc_delta"] = zeros(param)
        next_step(state)
        lr, rho, eps = float(group["lr"]), float(group["rho"]), float(group["eps"])
        averages = state["square_avg"]._data, state["acc_delta"]._data
        for p, g, v, u in blocks(param, grad, *averages):
            g = descent(g, p, group)
            v *= rho
            v += (1 - rho) * g * g
            d = np.sqrt(u + eps) / np.sqrt(v + eps) * g
            u *= rho
            u += (1 - rho) * d * d
            p -= lr * d
