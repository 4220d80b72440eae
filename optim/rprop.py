"""Rprop: a step size of its own for every parameter, from the signs of the gradient alone."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd.tensor import Tensor, wrap

from .optimizer import Optimizer, ParamsT
from .rules import blocks, check_not_negative, next_step, step_count, zeros


class Rprop(Optimizer):
    """Resilient backpropagation: step sizes grow while the gradient keeps its sign.

    For batches of all the data. With gradient g (negated under `maximize`), that of the step before
    g', and step sizes s, which begin as lr::

        s = min(s * etas[1], step_sizes[1])    where g * g' > 0
        s = max(s * etas[0], step_sizes[0])    where g * g' < 0, and there g = 0
        p = p - s * sign(g)

    Riedmiller and Braun, "A Direct Adaptive Method for Faster Backpropagation Learning: The RPROP
    Algorithm", 1993.

    Args:
        params: what to optimize, see `Optimizer`.
        lr: the first step size.
        etas: the factors by which step sizes shrink and grow.
        step_sizes: the least and the largest step size.
        maximize: ascend instead of descend.
        foreach: accepted and ignored; there is one implementation.
        capturable, differentiable: not supported.

    >>> import autograd
    >>> w = autograd.tensor([1.0, -2.0], requires_grad=True)
    >>> optimizer = Rprop([w], lr=0.5)
    >>> for _ in range(2):
    ...     optimizer.zero_grad()
    ...     (w * w).sum().backward()
    ...     optimizer.step()
    >>> w
    tensor([-0.1000, -0.9000], requires_grad=True)
    """

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-2,
        etas: tuple[float, float] = (0.5, 1.2),
        step_sizes: tuple[float, float] = (1e-6, 50),
        *,
        capturable: bool = False,
        foreach: bool | None = None,
        maximize: bool = False,
        differentiable: bool = False,
    ) -> None:
        defaults = {
            "lr": lr,
            "etas": etas,
            "step_sizes": step_sizes,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
            "capturable": capturable,
        }
        super().__init__(params, defaults)

    def _check(self, options: dict[str, Any]) -> None:
        check_not_negative("learning rate", options["lr"])
        shrink, grow = options["etas"]
        if not 0 < shrink < 1 < grow:
            raise ValueError(f"Invalid eta values: {shrink}, {grow}")

    def _update(
        self, param: np.ndarray, grad: np.ndarray, state: dict[str, Any], group: dict[str, Any]
    ) -> None:
        if not state:
            state["step"] = step_count()
            state["prev"] = zeros(param)
            state["step_size"] = wrap(np.full_like(param, float(group["lr"])))
        next_step(state)
        shrink, grow = group["etas"]
        arrays = param, grad, state["prev"]._data, state["step_size"]._data
        for p, g, before, s in blocks(*arrays):
            if group["maximize"]:
                g = -g
            agreement = g * before
            s *= np.where(agreement > 0, grow, np.where(agreement < 0, shrink, 1.0))
            np.clip(s, *group["step_sizes"], out=s)
            g = np.where(agreement < 0, p.dtype.type(0), g)
            p -= s * np.sign(g)
            before[...] = g
