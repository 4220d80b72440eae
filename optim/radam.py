"""RAdam: Adam that waits until it knows the size of the gradients."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd.tensor import Tensor

from .optimizer import Optimizer, ParamsT
from .rules import blocks, check_betas, check_not_negative, descent, next_step, step_count, zeros


class RAdam(Optimizer):
    """RAdam: Adam with the variance of its adaptive step rectified.

    With gradient g (negated under `maximize`), parameters p and step t = 1, 2, ...::

        g = g + weight_decay * p                    (decoupled: p = p - lr * weight_decay * p)
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g**2
        m_hat = m / (1 - beta1**t)
        rho_inf = 2 / (1 - beta2) - 1
        rho = rho_inf - 2 * t * beta2**t / (1 - beta2**t)
        if rho > 5:
            l = sqrt(1 - beta2**t) / (sqrt(v) + eps)
            r = sqrt((rho - 4) * (rho - 2) * rho_inf / ((rho_inf - 4) * (rho_inf - 2) * rho))
            p = p - lr * m_hat * r * l
        else:
            p = p - lr * m_hat

    Liu et al., "On the Variance of the Adaptive Learning Rate and Beyond", ICLR 2020, algorithm 2
    (with PyTorch's threshold of 5 for the paper's 4).

    Args:
        params: what to optimize, see `Optimizer`.
        lr: learning rate.
        betas: how much of the averages of the gradient and of its square survives a step.
        eps: added to the denominator.
        weight_decay: the factor of an L2 penalty.
        decoupled_weight_decay: decay as in `AdamW`.
        maximize: ascend instead of descend.
        foreach: accepted and ignored; there is one implementation.
        capturable, differentiable: not supported.

    >>> import autograd
    >>> w = autograd.tensor([1.0, -2.0], requires_grad=True)
    >>> optimizer = RAdam([w], lr=0.25)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> w
    tensor([ 0.5000, -1.0000], requires_grad=True)
    """

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        decoupled_weight_decay: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
    ) -> None:
        defaults = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "maximize": maximize,
            "foreach": foreach,
            "capturable": capturable,
            "decoupled_weight_decay": decoupled_weight_decay,
            "differentiable": differentiable,
        }
        super().__init__(params, defaults)

    def _check(self, options: dict[str, Any]) -> None:
        check_not_negative("learning rate", options["lr"])
        check_not_negative("epsilon value", options["eps"])
        check_betas(options["betas"])
        check_not_negative("weight_decay value", options["weight_decay"])

    def _update(
        self, param: np.ndarray, grad: np.ndarray, state: dict[str, Any], group: dict[str, Any]
    ) -> None:
        if not state:
            state["step"] = step_count()
            state["exp_avg"] = zeros(param)
            state["exp_avg_sq"] = zeros(param)
        eps = float(group["eps"])
        beta1, beta2 = map(float, group["betas"])
        t = next_step(state)
        step_size = float(group["lr"]) / (1 - beta1**t)
        rho_inf = 2 / (1 - beta2) - 1
        rho = rho_inf - 2 * t * beta2**t / (1 - beta2**t)
        if rho > 5:
            r = ((rho - 4) * (rho - 2) * rho_inf / ((rho_inf - 4) * (rho_inf - 2) * rho)) ** 0.5
            step_size *= r * (1 - beta2**t) ** 0.5
        averages = state["exp_avg"]._data, state["exp_avg_sq"]._data
        for p, g, m, v in blocks(param, grad, *averages):
            g = descent(g, p, group)
            m += (1 - beta1) * (g - m)
            v *= beta2
            v += (1 - beta2) * g * g
            p -= step_size * m / (np.sqrt(v) + eps) if rho > 5 else step_size * m
