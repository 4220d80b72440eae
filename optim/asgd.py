"""Averaged stochastic gradient descent."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd.tensor import Tensor

from .optimizer import Optimizer, ParamsT
from .rules import blocks, check_not_negative, next_step, step_count, zeros


class ASGD(Optimizer):
    """Gradient descent with falling steps, which keeps the average of the parameters.

    With gradient g (negated under `maximize`), parameters p and step t = 1, 2, ...::

        g = g + weight_decay * p
        p = p - eta * (g + lambd * p)
        ax = ax + mu * (p - ax)
        eta = lr / (1 + lambd * lr * t)**alpha
        mu = 1 / max(1, t - t0)

    Polyak and Juditsky, "Acceleration of stochastic approximation by averaging", 1992. The average
    is in the state, under "ax"; the parameters themselves are the last ones.

    Args:
        params: what to optimize, see `Optimizer`.
        lr: learning rate.
        lambd: how fast the learning rate and the parameters decay.
        alpha: the power of the decay of the learning rate.
        t0: the step after which to average.
        weight_decay: the factor of an L2 penalty.
        maximize: ascend instead of descend.
        foreach: accepted and ignored; there is one implementation.
        capturable, differentiable: not supported.

    >>> import autograd
    >>> w = autograd.tensor([1.0, -2.0], requires_grad=True)
    >>> optimizer = ASGD([w], lr=0.25, lambd=0.0, t0=0)
    >>> for _ in range(2):
    ...     optimizer.zero_grad()
    ...     (w * w).sum().backward()
    ...     optimizer.step()
    >>> w, optimizer.state[w]["ax"]
    (tensor([ 0.2500, -0.5000], requires_grad=True), tensor([ 0.2500, -0.5000]))
    """

    _scalars = ("step", "eta", "mu")

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-2,
        lambd: float = 1e-4,
        alpha: float = 0.75,
        t0: float = 1e6,
        weight_decay: float = 0,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
        capturable: bool = False,
    ) -> None:
        defaults = {
            "lr": lr,
            "lambd": lambd,
            "alpha": alpha,
            "t0": t0,
            "weight_decay": weight_decay,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
            "capturable": capturable,
        }
        super().__init__(params, defaults)

    def _check(self, options: dict[str, Any]) -> None:
        check_not_negative("learning rate", options["lr"])
        check_not_negative("weight_decay value", options["weight_decay"])

    def _update(
        self, param: np.ndarray, grad: np.ndarray, state: dict[str, Any], group: dict[str, Any]
    ) -> None:
        lr, lambd = float(group["lr"]), float(group["lambd"])
        if not state:
            state["step"] = step_count()
            state["eta"] = step_count(lr)
            state["mu"] = step_count(1.0)
            state["ax"] = zeros(param)
        t = next_step(state)
        eta, mu = state["eta"].item(), state["mu"].item()
        for p, g, ax in blocks(param, grad, state["ax"]._data):
            if group["maximize"]:
                g = -g
            if group["weight_decay"] != 0:
                g = g + float(group["weight_decay"]) * p
            p *= 1 - lambd * eta
            p -= eta * g
            if mu == 1:
                ax[...] = p
            else:
                ax += mu * (p - ax)
        state["eta"]._data[...] = lr / (1 + lambd * lr * t) ** float(group["alpha"])
        state["mu"]._data[...] = 1 / max(1.0, t - float(group["t0"]))
