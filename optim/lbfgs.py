"""L-BFGS: Newton's method with an inverse Hessian from the last steps and gradients."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from autograd.grad_mode import enable_grad, no_grad
from autograd.tensor import Tensor, wrap

from .line_search import Point, strong_wolfe
from .optimizer import Optimizer, ParamsT
from .rules import check_not_negative


class LBFGS(Optimizer):
    """Limited-memory BFGS: each step minimizes on the whole batch, in up to `max_iter` iterations.

    With gradient g, H the inverse Hessian that the last `history_size` pairs of s = p' - p and
    y = g' - g imply, and t = lr or what the line search finds::

        d = -H g
        p = p + t * d

    Nocedal, "Updating Quasi-Newton Matrices with Limited Storage", 1980; the product H g is
    algorithm 7.4 of Nocedal and Wright, "Numerical Optimization", 2006. There can be one parameter
    group only, `step` needs a closure, and the state is that of the first parameter.

    Args:
        params: what to optimize, see `Optimizer`.
        lr: step length, or where the line search begins.
        max_iter: iterations per step.
        max_eval: evaluations of the closure per step; by default 1.25 times `max_iter`.
        tolerance_grad: stop when no component of the gradient is larger.
        tolerance_change: stop when the loss and the parameters change less.
        history_size: how many pairs to remember.
        line_search_fn: None or "strong_wolfe".

    >>> import autograd
    >>> w = autograd.tensor([1.0, -2.0], requires_grad=True)
    >>> optimizer = LBFGS([w], line_search_fn="strong_wolfe")
    >>> def closure():
    ...     optimizer.zero_grad()
    ...     loss = ((w - 3) ** 2).sum()
    ...     loss.backward()
    ...     return loss
    >>> optimizer.step(closure)
    tensor(29., grad_fn=<SumBackward0>)
    >>> w.allclose(autograd.tensor([3.0, 3.0]))
    True
    """

    def __init__(
        self,
        params: ParamsT,
        lr: float | Tensor = 1,
        max_iter: int = 20,
        max_eval: int | None = None,
        tolerance_grad: float = 1e-7,
        tolerance_change: float = 1e-9,
        history_size: int = 100,
        line_search_fn: str | None = None,
    ) -> None:
        defaults = {
            "lr": lr,
            "max_iter": max_iter,
            "max_eval": max_iter * 5 // 4 if max_eval is None else max_eval,
            "tolerance_grad": tolerance_grad,
            "tolerance_change": tolerance_change,
            "history_size": history_size,
            "line_search_fn": line_search_fn,
        }
        super().__init__(params, defaults)

    def _check(self, options: dict[str, Any]) -> None:
        check_not_negative("learning rate", options["lr"])

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Takes the one group; a second is a ValueError."""
        if self.param_groups:
            raise ValueError("LBFGS doesn't support per-parameter options (parameter groups)")
        super().add_param_group(param_group)

    # The parameters as one vector ----------------------------------------------------------

    @property
    def _params(self) -> list[Tensor]:
        return self.param_groups[0]["params"]

    def _gradient(self) -> np.ndarray:
        return np.concatenate(
            [
                (np.zeros_like(p._data) if p._grad is None else p._grad._data).ravel()
                for p in self._params
            ]
        )

    def _move(self, t: Any, d: np.ndarray) -> None:
        start = 0
        for p in self._params:
            part = d[start : start + p._data.size].reshape(p._data.shape)
            p._data[...] += t * part
            p._versions().n += 1
            start += p._data.size

    def _search(
        self, closure: Callable[[], Any], start: Point, t: Any, d: np.ndarray, max_tries: int
    ) -> tuple[Point, int]:
        """The line search along `d`. Leaves the parameters where they were."""
        before = [p._data.copy() for p in self._params]

        def at(t: Any) -> Point:
            self._move(t, d)
            loss = float(closure())
            g = self._gradient()
            for p, values in zip(self._params, before, strict=True):
                p._data[...] = values
                p._versions().n += 1
            return Point(t, loss, g, g @ d)

        tolerance = self.param_groups[0]["tolerance_change"]
        return strong_wolfe(at, start, t, abs(d).max(), tolerance, max_tries)

    # The step ------------------------------------------------------------------------------

    def step(self, closure: Callable[[], Any]) -> Any:
        """Minimizes for up to `max_iter` iterations, and returns the loss before the first.

        Args:
            closure: clears the gradients, evaluates the model, calls `backward` and returns the
                loss.
        """
        with no_grad(), np.errstate(all="ignore"):
            return self._step(enable_grad()(closure))

    def _step(self, closure: Callable[[], Any]) -> Any:
        group = self.param_groups[0]
        lr, tolerance_change = float(group["lr"]), group["tolerance_change"]
        max_iter, max_eval = group["max_iter"], group["max_eval"]
        if group["line_search_fn"] not in (None, "strong_wolfe"):
            raise RuntimeError("only 'strong_wolfe' is supported")
        saved = self.state[self._params[0]]
        saved.setdefault("func_evals", 0)
        saved.setdefault("n_iter", 0)
        first_loss = closure()
        loss, g, evaluations = float(first_loss), self._gradient(), 1
        saved["func_evals"] += 1
        if abs(g).max() <= group["tolerance_grad"]:
            return first_loss
        state = {key: _unwrapped(value) for key, value in saved.items()}
        for iteration in range(1, max_iter + 1):
            state["n_iter"] += 1
            d = _direction(state, g, group["history_size"])
            previous_loss = loss
            state.update(d=d, prev_flat_grad=g, prev_loss=loss)
            t = min(1.0, 1.0 / abs(g).sum()) * lr if state["n_iter"] == 1 else lr
            state["t"] = t
            slope = g @ d
            if slope > -tolerance_change:
                break
            tried = 0
            if group["line_search_fn"] is not None:
                start = Point(0, loss, g, slope)
                end, tried = self._search(closure, start, t, d, max_eval - evaluations)
                t, loss, g = end.t, end.f, end.g
                state["t"] = t
                self._move(t, d)
            else:
                self._move(t, d)
                if iteration != max_iter:  # the next step begins with an evaluation
                    loss, g, tried = float(closure()), self._gradient(), 1
            evaluations += tried
            state["func_evals"] += tried
            if (
                evaluations >= max_eval
                or abs(g).max() <= group["tolerance_grad"]
                or abs(d * t).max() <= tolerance_change
                or abs(loss - previous_loss) < tolerance_change
            ):
                break
        saved.update({key: _wrapped(value) for key, value in state.items()})
        return first_loss


def _direction(state: dict[str, Any], g: np.ndarray, history_size: int) -> np.ndarray:
    """-H g, after the last step and its change of the gradient have gone into H."""
    if state["n_iter"] == 1:
        state.update(old_dirs=[], old_stps=[], ro=[], H_diag=1)
        return -g
    ys, ss, ro = state["old_dirs"], state["old_stps"], state["ro"]
    y, s = g - state["prev_flat_grad"], state["d"] * state["t"]
    curvature = y @ s
    if curvature > 1e-10:  # or H would not stay positive definite
        if len(ys) == history_size:
            del ys[0], ss[0], ro[0]
        ys.append(y)
        ss.append(s)
        ro.append(1.0 / curvature)
        state["H_diag"] = curvature / (y @ y)
    alpha = state.setdefault("al", [None] * history_size)
    q = -g
    for i in reversed(range(len(ys))):
        alpha[i] = (ss[i] @ q) * ro[i]
        q -= alpha[i] * ys[i]
    q = q * state["H_diag"]
    for i in range(len(ys)):
        q += (alpha[i] - (ys[i] @ q) * ro[i]) * ss[i]
    return q


# State as Tensors, as PyTorch has it ------------------------------------------------------------


def _wrapped(value: Any) -> Any:
    if isinstance(value, list):
        return [_wrapped(v) for v in value]
    return wrap(np.asarray(value)) if isinstance(value, (np.ndarray, np.generic)) else value


def _unwrapped(value: Any) -> Any:
    if isinstance(value, list):
        return [_unwrapped(v) for v in value]
    if not isinstance(value, Tensor):
        return value
    return value._data if value._data.ndim else value._data[()]
