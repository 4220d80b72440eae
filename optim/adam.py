"""Adam, with the AMSGrad variant and both kinds of weight decay."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd.tensor import Tensor

from .optimizer import Optimizer, ParamsT
from .rules import blocks, check_betas, check_not_negative, descent, next_step, step_count, zeros


class Adam(Optimizer):
    """Adam: steps scaled by running averages of the gradient and of its square.

    With gradient g (negated under `maximize`), parameters p and step t = 1, 2, ...::

        g = g + weight_decay * p                          (decoupled: p = p - lr * weight_decay * p)
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g**2                (amsgrad: v_max = max(v_max, v))
        m_hat = m / (1 - beta1**t)
        v_hat = v / (1 - beta2**t)                        (amsgrad: v_max in the place of v)
        p = p - lr * m_hat / (sqrt(v_hat) + eps)

    Kingma and Ba, "Adam: A Method for Stochastic Optimization", ICLR 2015, algorithm 1; AMSGrad
    is from Reddi, Kale and Kumar, "On the Convergence of Adam and Beyond", ICLR 2018.

    Args:
        params: what to optimize, see `Optimizer`.
        lr: learning rate.
        betas: how much of the averages of the gradient and of its square survives a step.
        eps: added to the denominator.
        weight_decay: the factor of an L2 penalty.
        amsgrad: divide by the largest average so far.
        maximize: ascend instead of descend.
        decoupled_weight_decay: decay as in `AdamW`.
        foreach, fused: accepted and ignored; there is one implementation.
        capturable, differentiable: not supported.

    >>> import autograd
    >>> w = autograd.tensor([1.0, -2.0], requires_grad=True)
    >>> optimizer = Adam([w], lr=0.5)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> w
    tensor([ 0.5000, -1.5000], requires_grad=True)
    """

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-3,
        betas: tuple[float | Tensor, float | Tensor] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        amsgrad: bool = False,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
        capturable: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
        decoupled_weight_decay: bool = False,
    ) -> None:
        defaults = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "amsgrad": amsgrad,
            "maximize": maximize,
            "foreach": foreach,
            "capturable": capturable,
            "differentiable": differentiable,
            "fused": fused,
            "decoupled_weight_decay": decoupled_weight_decay,
        }
        super().__init__(params, defaults)

    def _check(self, options: dict[str, Any]) -> None:
        check_not_negative("learning rate", options["lr"])
        check_not_negative("epsilon value", options["eps"])
        check_not_negative("weight_decay value", options["weight_decay"])
        check_betas(options["betas"])

    def _update(
        self, param: np.ndarray, grad: np.ndarray, state: dict[str, Any], group: dict[str, Any]
    ) -> None:
        if not state:
            state["step"] = step_count()
            state["exp_avg"] = zeros(param)
            state["exp_avg_sq"] = zeros(param)
            if group["amsgrad"]:
                state["max_exp_avg_sq"] = zeros(param)
        lr, eps = float(group["lr"]), float(group["eps"])
        beta1, beta2 = map(float, group["betas"])
        averages = state["exp_avg"]._data, state["exp_avg_sq"]._data
        largest = state["max_exp_avg_sq"]._data if group["amsgrad"] else None
        t = next_step(state)
        # m_hat / (sqrt(v_hat) + eps) with the corrections taken out of the pass over the elements,
        # as the paper proposes at the end of its section 2.
        root = (1 - beta2**t) ** 0.5
        alpha = lr * root / (1 - beta1**t)
        # One operation per line on one temporary d is a seventh faster than three expressions.
        for p, g, m, v, v_max in blocks(param, grad, *averages, largest):
            g = descent(g, p, group)
            # m = beta1 * m + (1 - beta1) * g
            d = g - m
            d *= 1 - beta1
            m += d
            # v = beta2 * v + (1 - beta2) * g**2
            d = (1 - beta2) * g
            d *= g
            v *= beta2
            v += d
            if v_max is not None:
                v = np.maximum(v_max, v, out=v_max)
            # p = p - alpha * m / (sqrt(v) + eps * root)
            d = np.sqrt(v)
            d += eps * root
            d = m / d
            d *= alpha
            p -= d
