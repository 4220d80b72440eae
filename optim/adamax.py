"""Adamax: Adam with the largest gradient in the place of the mean square."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd.tensor import Tensor

from .optimizer import Optimizer, ParamsT
from .rules import blocks, check_betas, check_not_negative, descent, next_step, step_count, zeros


class Adamax(Optimizer):
    """Adamax: steps scaled by a decaying maximum of the gradient.

    With gradient g (negated under `maximize`), parameters p and step t = 1, 2, ...::

        g = g + weight_decay * p
        m = beta1 * m + (1 - beta1) * g
        u = max(beta2 * u, |g| + eps)
        p = p - lr / (1 - beta1**t) * m / u

    Kingma and Ba, "Adam: A Method for Stochastic Optimization", ICLR 2015, algorithm 2; the
    summand eps, which keeps u from 0, is PyTorch's.

    Args:
        params: what to optimize, see `Optimizer`.
        lr: learning rate.
        betas: how much of the average and of the maximum survives a step.
        eps: added to the size of the gradient.
        weight_decay: the factor of an L2 penalty.
        maximize: ascend instead of descend.
        foreach: accepted and ignored; there is one implementation.
        capturable, differentiable: not supported.

    >>> import autograd
    >>> w = autograd.tensor([1.0, -2.0], requires_grad=True)
    >>> optimizer = Adamax([w], lr=0.5)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> w
    tensor([ 0.5000, -1.5000], requires_grad=True)
    """

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0,
        foreach: bool | None = None,
        *,
        maximize: bool = False,
        differentiable: bool = False,
        capturable: bool = False,
    ) -> None:
        defaults = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
            "capturable": capturable,
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
            state["exp_inf"] = zeros(param)
        beta1, beta2 = map(float, group["betas"])
        eps = float(group["eps"])
        step_size = float(group["lr"]) / (1 - beta1 ** next_step(state))
        averages = state["exp_avg"]._data, state["exp_inf"]._data
        for p, g, m, u in blocks(param, grad, *averages):
            g = descent(g, p, group)
            m += (1 - beta1) * (g - m)
            np.maximum(beta2 * u, abs(g) + eps, out=u)
            p -= step_size * m / u
