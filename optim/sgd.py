"""Stochastic gradient descent, with momentum, Nesterov's momentum and weight decay."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd.tensor import Tensor, wrap

from .optimizer import Optimizer, ParamsT
from .rules import blocks, check_not_negative, descent


class SGD(Optimizer):
    """Stochastic gradient descent.

    With gradient g (negated under `maximize`), parameters p and momentum buffer b::

        g = g + weight_decay * p
        b = momentum * b + (1 - dampening) * g        (at the first step b = g)
        p = p - lr * b                                (nesterov: p - lr * (g + momentum * b))

    Momentum and its Nesterov form are those of Sutskever et al., "On the importance of
    initialization and momentum in deep learning", ICML 2013, but with the learning rate outside
    the buffer, as in PyTorch.

    Args:
        params: what to optimize, see `Optimizer`.
        lr: learning rate.
        momentum: how much of the buffer survives a step.
        dampening: how much of the gradient is kept out of the buffer.
        weight_decay: the factor of an L2 penalty.
        nesterov: look ahead along the buffer; needs momentum and no dampening.
        maximize: ascend instead of descend.
        foreach, fused: accepted and ignored; there is one implementation.
        differentiable: not supported.

    >>> import autograd
    >>> w = autograd.tensor([1.0, -2.0], requires_grad=True)
    >>> optimizer = SGD([w], lr=0.25, momentum=0.5)
    >>> for _ in range(2):
    ...     optimizer.zero_grad()
    ...     (w * w).sum().backward()
    ...     optimizer.step()
    >>> w
    tensor([0., 0.], requires_grad=True)
    """

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-3,
        momentum: float = 0,
        dampening: float = 0,
        weight_decay: float | Tensor = 0,
        nesterov: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        differentiable: bool = False,
        fused: bool | None = None,
    ) -> None:
        defaults = {
            "lr": lr,
            "momentum": momentum,
            "dampening": dampening,
            "weight_decay": weight_decay,
            "nesterov": nesterov,
            "maximize": maximize,
            "foreach": foreach,
            "differentiable": differentiable,
            "fused": fused,
        }
        super().__init__(params, defaults)

    def _check(self, options: dict[str, Any]) -> None:
        check_not_negative("learning rate", options["lr"])
        check_not_negative("momentum value", options["momentum"])
        check_not_negative("weight_decay value", options["weight_decay"])
        if options["nesterov"] and (options["momentum"] == 0 or options["dampening"] != 0):
            raise ValueError("Nesterov momentum requires a momentum and zero dampening")

    def _update(
        self, param: np.ndarray, grad: np.ndarray, state: dict[str, Any], group: dict[str, Any]
    ) -> None:
        lr, momentum = float(group["lr"]), float(group["momentum"])
        first = momentum != 0 and state.get("momentum_buffer") is None
        if first:
            state["momentum_buffer"] = wrap(np.empty_like(param))
        buffer = state["momentum_buffer"]._data if momentum != 0 else None
        for p, g, b in blocks(param, grad, buffer):
            g = descent(g, p, group)
            if momentum != 0:
                if first:
                    b[...] = g
                else:
                    b *= momentum
                    b += (1 - float(group["dampening"])) * g
                g = g + momentum * b if group["nesterov"] else b
            p -= lr * g
