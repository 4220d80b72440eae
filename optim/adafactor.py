"""Adafactor: adaptive steps whose state is a row and a column per matrix."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd.tensor import Tensor, wrap

from .optimizer import Optimizer, ParamsT
from .rules import check_from, next_step, step_count, zeros


class Adafactor(Optimizer):
    """Adafactor: the average of squared gradients, factored into one of rows and one of columns.

    With gradient g (negated under `maximize`), parameters p, step t = 1, 2, ... and the root mean
    square rms(x)::

        p = p - lr * weight_decay * p
        beta = 1 - t**beta2_decay
        r = beta * r + (1 - beta) * mean of g**2 along rows     (vectors: one v for all elements)
        c = beta * c + (1 - beta) * mean of g**2 along columns
        v = r c / mean(r)
        u = g / sqrt(v)
        p = p - max(eps[1], rms(p)) * min(lr, 1 / sqrt(t)) * u / max(1, rms(u) / d)

    Shazeer and Stern, "Adafactor: Adaptive Learning Rates with Sublinear Memory Cost", 2018,
    algorithm 4, with PyTorch's use of eps[0], which bounds v from below rather than being added
    to g**2. Tensors of more dimensions are stacks of matrices.

    Args:
        params: what to optimize, see `Optimizer`.
        lr: the largest relative step.
        beta2_decay: the power by which the average comes to forget less.
        eps: bounds the root of v (None: the dtype's epsilon) and the size of parameters from below.
        d: the largest root mean square of u.
        weight_decay: decoupled, as in `AdamW`.
        maximize: ascend instead of descend.
        foreach: accepted and ignored; there is one implementation.

    >>> import autograd
    >>> w = autograd.ones(20, 30, requires_grad=True)
    >>> optimizer = Adafactor([w], lr=0.5)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> optimizer.state[w]["row_var"].shape, optimizer.state[w]["col_var"].shape
    (Size([20, 1]), Size([1, 30]))
    """

    _elementwise = False

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1e-2,
        beta2_decay: float = -0.8,
        eps: tuple[float | None, float] = (None, 1e-3),
        d: float = 1.0,
        weight_decay: float = 0.0,
        *,
        foreach: bool | None = None,
        maximize: bool = False,
    ) -> None:
        defaults = {
            "lr": lr,
            "beta2_decay": beta2_decay,
            "eps": eps,
            "d": d,
            "weight_decay": weight_decay,
            "foreach": foreach,
            "maximize": maximize,
        }
        super().__init__(params, defaults)

    def _check(self, options: dict[str, Any]) -> None:
        check_from(0, "Learning rate", options["lr"])
        if not options["beta2_decay"] <= 0:
            raise ValueError(f"beta2_decay should be <= 0 but is: {options['beta2_decay']}")
        for name, eps in zip(("epsilon1", "epsilon2"), options["eps"], strict=True):
            if eps is not None:
                check_from(0, name, eps)
        check_from(1, "Clipping threshold d", options["d"])
        check_from(0, "weight_decay", options["weight_decay"])

    def _update(
        self, param: np.ndarray, grad: np.ndarray, state: dict[str, Any], group: dict[str, Any]
    ) -> None:
        if not state:
            state["step"] = step_count()
            if grad.ndim > 1:
                shape = grad.shape
                state["row_var"] = wrap(np.zeros((*shape[:-1], 1), grad.dtype))
                state["col_var"] = wrap(np.zeros((*shape[:-2], 1, shape[-1]), grad.dtype))
            else:
                state["variance"] = zeros(grad)
        g = -grad if group["maximize"] else grad
        lr, (eps1, eps2) = float(group["lr"]), group["eps"]
        eps1 = float(np.finfo(param.dtype).eps) if eps1 is None else eps1
        t = next_step(state)
        forgotten = t ** float(group["beta2_decay"])
        alpha = max(eps2, rms(param)) * min(lr, 1 / t**0.5)
        if group["weight_decay"] != 0:
            param *= 1 - lr * float(group["weight_decay"])
        if g.ndim > 1:
            r, c = state["row_var"]._data, state["col_var"]._data
            for average, axis in ((r, -1), (c, -2)):
                mean = np.square(g).sum(axis, keepdims=True) / max(1, g.shape[axis])
                average += forgotten * (mean - average)
            mean_of_rows = r.sum(-2, keepdims=True) / max(1, r.shape[-2])
            v = r @ c / np.maximum(mean_of_rows, eps1)
        else:
            v = state["variance"]._data
            v += forgotten * (np.square(g) - v)
        u = g / np.sqrt(np.maximum(v, eps1 * eps1))
        param -= alpha / max(1.0, rms(u) / float(group["d"])) * u


def rms(x: np.ndarray) -> float:
    """The root mean square."""
    return float(np.linalg.norm(x.ravel())) / max(1, x.size) ** 0.5
