"""Adagrad: steps that shrink with the squares of all gradients so far."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd.tensor import Tensor, wrap

from .optimizer import Optimizer, ParamsT
from .rules import blocks, check_not_negative, descent, next_step, step_count


class Adagrad(Optimizer):
    """Adagrad: each parameter's step is divided by the root of its summed squared gradients.

    With gradient g (negated under `maximize`), parameters p and step t = 1, 2, ...::

        g = g + weight_decay * p
        s = s + g**2                                (s = initial_accumulator_value before)
        p = p - lr / (1 + (t - 1) * lr_decay) * g / (sqrt(s) + eps)

    Duchi, Hazan and Singer, "Adaptive Subgradient Methods for Online Learning and Stochastic
    Optimization", JMLR 2011, with diagonal matrices.

    Args:
        params: what to optimize, see `Optimizer`.
        lr: learning rate.
        lr_decay: how fast the learning rate falls by itself.
        weight_decay: the factor of an L2 penalty.
        initial_accumulator_value: where the sum of squares starts.
        eps: added to the denominator.
        maximize: ascend instead of descend.
        foreach, fused: accepted and ignored; there is one implementation.
        differentiable: not supported.

    >>> import autograd
    >>> w = autograd.tensor([1.0, -2.0], requires_grad=True)
    >>> optimizer = Adagrad([w], lr=0.5)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> w
    tensor([ 0.5000, -1.5000], requires_grad=True)
    """

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-2,
        lr_decay: float = 0,
        weight_decay: float = 0,
        initial_accumulator_value: float = 0,
        eps: float = 1e-10,
        foreach: bool | None = None,
        *,
        maximize: bool = False,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        defaults = {
            "lr": lr,
            "lr_decay": lr_decay,
            "eps": eps,
            "weight_decay": weight_decay,
            "initial_accumulator_value": initial_accumulator_value,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
            "fused": fused,
        }
        super().__init__(params, defaults)
        for group in self.param_groups:
            for p in group["params"]:
                self._start(p._data, self.state[p])

    def _check(self, options: dict[str, Any]) -> None:
        check_not_negative("learning rate", options["lr"])
        for option in ("lr_decay", "weight_decay", "initial_accumulator_value"):
            check_not_negative(f"{option} value", options[option])
        check_not_negative("epsilon value", options["eps"])

    def _start(self, param: np.ndarray, state: dict[str, Any]) -> None:
        state["step"] = step_count()
        state["sum"] = wrap(np.full_like(param, self.defaults["initial_accumulator_value"]))

    def _update(
        self, param: np.ndarray, grad: np.ndarray, state: dict[str, Any], group: dict[str, Any]
    ) -> None:
        if not state:  # a parameter of a group that was added later
            self._start(param, state)
        t = next_step(state)
        lr = float(group["lr"]) / (1 + (t - 1) * float(group["lr_decay"]))
        eps = float(group["eps"])
        for p, g, s in blocks(param, grad, state["sum"]._data):
            g = descent(g, p, group)
            s += g * g
            p -= lr * g / (np.sqrt(s) + eps)
