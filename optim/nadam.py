"""NAdam: Adam with Nesterov's momentum."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd.tensor import Tensor

from .optimizer import Optimizer, ParamsT
from .rules import blocks, check_betas, check_not_negative, descent, next_step, step_count, zeros


class NAdam(Optimizer):
    """NAdam: Adam whose step looks ahead along the average of the gradient.

    With gradient g (negated under `maximize`), parameters p and step t = 1, 2, ...::

        g = g + weight_decay * p                    (decoupled: p = p - lr * weight_decay * p)
        mu_t = beta1 * (1 - 0.96**(t * momentum_decay) / 2)
        product_t = mu_1 * ... * mu_t
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g**2
        m_hat = mu_(t+1) * m / (1 - product_(t+1)) + (1 - mu_t) * g / (1 - product_t)
        v_hat = v / (1 - beta2**t)
        p = p - lr * m_hat / (sqrt(v_hat) + eps)

    Dozat, "Incorporating Nesterov Momentum into Adam", ICLR 2016 workshop.

    Args:
        params: what to optimize, see `Optimizer`.
        lr: learning rate.
        betas: how much of the averages of the gradient and of its square survives a step.
        eps: added to the denominator.
        weight_decay: the factor of an L2 penalty.
        momentum_decay: how fast the momentum rises to beta1.
        decoupled_weight_decay: decay as in `AdamW`.
        maximize: ascend instead of descend.
        foreach: accepted and ignored; there is one implementation.
        capturable, differentiable: not supported.

    >>> import autograd
    >>> w = autograd.tensor([1.0, -2.0], requires_grad=True)
    >>> optimizer = NAdam([w], lr=0.5)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> w
    tensor([ 0.4718, -1.4718], requires_grad=True)
    """

    _scalars = ("step", "mu_product")

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        momentum_decay: float = 4e-3,
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
            "momentum_decay": momentum_decay,
            "decoupled_weight_decay": decoupled_weight_decay,
            "maximize": maximize,
            "foreach": foreach,
            "capturable": capturable,
            "differentiable": differentiable,
        }
        super().__init__(params, defaults)

    def _check(self, options: dict[str, Any]) -> None:
        check_not_negative("learning rate", options["lr"])
        check_not_negative("epsilon value", options["eps"])
        check_betas(options["betas"])
        check_not_negative("weight_decay value", options["weight_decay"])
        check_not_negative("momentum_decay value", options["momentum_decay"])

    def _update(
        self, param: np.ndarray, grad: np.ndarray, state: dict[str, Any], group: dict[str, Any]
    ) -> None:
        if not state:
            state["step"] = step_count()
            state["mu_product"] = step_count(1.0)
            state["exp_avg"] = zeros(param)
            state["exp_avg_sq"] = zeros(param)
        lr, eps, decay = float(group["lr"]), float(group["eps"]), float(group["momentum_decay"])
        beta1, beta2 = map(float, group["betas"])
        t = next_step(state)
        mu = beta1 * (1 - 0.5 * 0.96 ** (t * decay))
        mu_next = beta1 * (1 - 0.5 * 0.96 ** ((t + 1) * decay))
        state["mu_product"]._data *= mu
        mu_product = state["mu_product"].item()
        of_g = lr * (1 - mu) / (1 - mu_product)
        of_m = lr * mu_next / (1 - mu_product * mu_next)
        averages = state["exp_avg"]._data, state["exp_avg_sq"]._data
        for p, g, m, v in blocks(param, grad, *averages):
            g = descent(g, p, group)
            m += (1 - beta1) * (g - m)
            v *= beta2
            v += (1 - beta2) * g * g
            root = np.sqrt(v / (1 - beta2**t)) + eps
            p -= of_g * g / root
            p -= of_m * m / root
