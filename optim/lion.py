"""Lion: steps of one size, in the direction of the sign of the momentum."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd.tensor import Tensor

from .optimizer import Optimizer, ParamsT
from .rules import blocks, check_betas, check_not_negative, zeros


class Lion(Optimizer):
    """Lion: the sign of an average of gradients, found by a search over programs.

    With gradient g (negated under `maximize`) and parameters p::

        p = p - lr * weight_decay * p
        p = p - lr * sign(beta1 * m + (1 - beta1) * g)
        m = beta2 * m + (1 - beta2) * g

    Chen et al., "Symbolic Discovery of Optimization Algorithms", 2023, algorithm 2. Good learning
    rates are 3 to 10 times smaller than for `AdamW`, and weight decays as much larger. PyTorch has
    no Lion; arguments, defaults and state are those of the authors' implementation.

    Args:
        params: what to optimize, see `Optimizer`.
        lr: learning rate: how far every parameter moves in a step.
        betas: the share of the average in the direction of a step, and what survives of it.
        weight_decay: decoupled, as in `AdamW`.
        maximize: ascend instead of descend.

    >>> import autograd
    >>> w = autograd.tensor([1.0, -200.0], requires_grad=True)
    >>> optimizer = Lion([w], lr=0.5)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> w
    tensor([   0.5000, -199.5000], requires_grad=True)
    """

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-4,
        betas: tuple[float, float] = (0.9, 0.99),
        weight_decay: float = 0.0,
        *,
        maximize: bool = False,
    ) -> None:
        defaults = {"lr": lr, "betas": betas, "weight_decay": weight_decay, "maximize": maximize}
        super().__init__(params, defaults)

    def _check(self, options: dict[str, Any]) -> None:
        check_not_negative("learning rate", options["lr"])
        check_betas(options["betas"])
        check_not_negative("weight_decay value", options["weight_decay"])

    def _update(
        self, param: np.ndarray, grad: np.ndarray, state: dict[str, Any], group: dict[str, Any]
    ) -> None:
        if not state:
            state["exp_avg"] = zeros(param)
        lr = float(group["lr"])
        beta1, beta2 = map(float, group["betas"])
        for p, g, m in blocks(param, grad, state["exp_avg"]._data):
            if group["maximize"]:
                g = -g
            p *= 1 - lr * float(group["weight_decay"])
            p -= lr * np.sign(beta1 * m + (1 - beta1) * g)
            m *= beta2
            m += (1 - beta2) * g
