"""The optimizer's update as the step after the last, made on copies.

The rule is the optimizer's own (`_update`, or `step` for one that a user wrote), run on copies of
the parameters and of its state, so that what is shown is what `optimizer.step()` will do.
"""

from __future__ import annotations

import copy
import inspect
import re
from typing import TYPE_CHECKING, Any

import numpy as np

from ..engine import target_of
from ..grad_mode import no_grad
from ..tensor import Tensor, wrap
from . import formula
from .values import encode, short

if TYPE_CHECKING:
    from .stepper import Stepper


FEW = 12
"""Of so many parameters the text shows the update."""


class Change:
    """What an optimizer will do to one parameter."""

    def __init__(
        self, param: Tensor, label: str, grad: Any, group: dict[str, Any], root: str
    ) -> None:
        self.param, self.label, self.grad, self.group = param, label, grad, group
        self.root = root
        self.before = param._data.copy()
        self.after = self.before
        self.earlier: dict[str, Any] = {}  # the optimizer's state before
        self.state: dict[str, Any] = {}  # and after

    @property
    def numbers(self) -> str:
        """`2 − 0.3 = 1.7`, for a number."""
        moved = self.before - self.after
        sign = "−" if moved >= 0 else "+"
        return f"{short(self.before[()])} {sign} {short(abs(moved))} = {short(self.after[()])}"

    @property
    def text(self) -> str:
        """`w ← 2 − 0.1 × 3 = 1.7` for numbers, norms for arrays."""
        if self.before.ndim == 0:
            return f"{self.label} ← {self.numbers}"
        moved = formula.summary(self.after - self.before)
        return f"{self.label} ← {self.label} + {moved}"


def changes(stepper: Stepper, optimizer: Any) -> list[Change]:
    """What `optimizer.step()` will do to each parameter, given the gradients of this pass."""
    twin, pairs = _twin(optimizer)
    found = []
    for group in optimizer.param_groups:
        for param in group["params"]:
            copied = pairs[param]
            target = target_of(param)
            g = None
            if target in stepper.forward.leaves:
                g = stepper.backward.gradient(target, len(stepper))
                earlier = stepper.forward.gradient_before(target)
                if g is not None and earlier is not None:
                    g = earlier + g
            elif param._grad is not None:
                g = param._grad._data
            copied._grad = None if g is None else wrap(np.array(g))
            if g is not None:
                label, root = _label(stepper, param), stepper.forward.root_label()
                found.append((Change(param, label, np.asarray(g), group, root), copied))
    _step(twin)
    for change, copied in found:
        change.after = copied._data
        before, after = optimizer.state.get(change.param), twin.state.get(copied)
        change.earlier = _arrays(before)
        change.state = _arrays(after)
    return [change for change, _ in found]


def _step(twin: Any) -> None:
    step = inspect.unwrap(type(twin).step)  # without hooks, those of every optimizer included
    try:
        with no_grad(), np.errstate(all="ignore"):
            step(twin)
    except Exception as error:
        raise ValueError(
            f"step_with: {type(twin).__name__}.step() could not be run on copies of the "
            f"parameters ({type(error).__name__}: {error}); a rule that evaluates the loss again, "
            "as LBFGS does, has no single update to show"
        ) from error


def _arrays(state: Any) -> dict[str, np.ndarray]:
    """The tensors in the state of a parameter."""
    if not isinstance(state, dict):
        return {}
    return {str(k): np.asarray(v._data).copy() for k, v in state.items() if isinstance(v, Tensor)}


def _label(stepper: Stepper, param: Tensor) -> str:
    target = target_of(param)
    if target in stepper.forward.leaves:
        return stepper.forward.label(target)
    return stepper.forward.name(target) or "parameter"


def _twin(optimizer: Any) -> tuple[Any, dict[Tensor, Tensor]]:
    """A copy of the optimizer with parameters and state of its own, without hooks."""
    pairs: dict[Tensor, Tensor] = {}
    for group in optimizer.param_groups:
        for param in group["params"]:
            twin = wrap(param._data.copy())
            twin.requires_grad_()
            pairs[param] = twin
    memo = {id(param): twin for param, twin in pairs.items()}
    copied = copy.copy(optimizer)
    copied.__dict__ = dict(vars(optimizer))
    copied.param_groups = [
        {
            key: [pairs[p] for p in value] if key == "params" else copy.deepcopy(value, memo)
            for key, value in group.items()
        }
        for group in optimizer.param_groups
    ]
    copied.state = copy.copy(optimizer.state)
    copied.state.clear()
    for key, value in optimizer.state.items():
        copied.state[pairs.get(key, key)] = copy.deepcopy(value, memo)
    if hasattr(copied, "_no_hooks"):
        copied._no_hooks()
    return copied, pairs


def equations(optimizer: Any) -> list[str]:
    """The rule as the optimizer's documentation writes it."""
    found: list[str] = []
    for line in inspect.cleandoc(type(optimizer).__doc__ or "").splitlines():
        if re.match(r"    \w+ = ", line):
            found.append(re.split(r"\s{2,}\(", line.strip())[0])
        elif found:
            break
    return found


def terms(change: Change) -> list[tuple[str, str, Any]]:
    """(name, equation with names, value) of what the update is made of, as far as it is known."""
    group, state, g = change.group, change.state, change.grad
    if {"momentum", "dampening", "nesterov"} <= group.keys():
        return _of_sgd(change, group, state, g)
    if {"exp_avg", "exp_avg_sq", "step"} <= state.keys() and "betas" in group:
        return _of_adam(change, group, state, g)
    w = change.label
    found = [("g", f"∂{change.root}/∂{w}", g), *((name, name, v) for name, v in state.items())]
    return [*found, (w, f"{w} ←", change.after)]


def _decayed(change: Change, group: dict[str, Any], g: Any) -> list[tuple[str, str, Any]]:
    decay = float(group.get("weight_decay", 0))
    sign = -1 if group.get("maximize") else 1
    found = [("g", f"g = {'−' * (sign < 0)}∂{change.root}/∂{change.label}", sign * g)]
    if decay and not group.get("decoupled_weight_decay"):
        total = sign * g + decay * change.before
        found.append(("g", f"g = g + {decay:g} · {change.label}", total))
    return found


def _of_sgd(
    change: Change, group: dict[str, Any], state: dict[str, Any], g: Any
) -> list[tuple[str, str, Any]]:
    lr, momentum = float(group["lr"]), float(group["momentum"])
    found = [("lr", "lr", lr), *_decayed(change, group, g)]
    step = "g"
    if momentum:
        first = "momentum_buffer" not in change.earlier
        kept = 1 - float(group["dampening"])
        gain = "g" if kept == 1 else f"{kept:g} · g"
        equation = "b = g (the first step)" if first else f"b = {momentum:g} · b + {gain}"
        found.append(("b", equation, state["momentum_buffer"]))
        step = f"(g + {momentum:g} · b)" if group["nesterov"] else "b"
    w = change.label
    found.append((w, f"{w} ← {w} − lr · {step}", change.after))
    return found


def _of_adam(
    change: Change, group: dict[str, Any], state: dict[str, Any], g: Any
) -> list[tuple[str, str, Any]]:
    lr, eps, t = float(group["lr"]), float(group["eps"]), float(state["step"])
    beta1, beta2 = map(float, group["betas"])
    m, v, w = state["exp_avg"], state["exp_avg_sq"], change.label
    found = [("lr", "lr", lr), ("t", "t, the number of the step", t), *_decayed(change, group, g)]
    if group.get("decoupled_weight_decay") and float(group["weight_decay"]):
        decay = float(group["weight_decay"])
        found.append((w, f"{w} ← {w} − lr · {decay:g} · {w}", change.before * (1 - lr * decay)))
    biggest = state.get("max_exp_avg_sq")
    found += [
        ("m", f"m = {beta1:g} · m + {1 - beta1:.4g} · g", m),
        ("v", f"v = {beta2:g} · v + {1 - beta2:.4g} · g²", v),
        ("m̂", f"m̂ = m / (1 − {beta1:g}^t)", m / (1 - beta1**t)),
    ]
    if biggest is not None:
        found.append(("v_max", "v_max = max(v_max, v)", biggest))
        v = biggest
    found += [
        ("v̂", f"v̂ = {'v' if biggest is None else 'v_max'} / (1 − {beta2:g}^t)", v / (1 - beta2**t)),
        (w, f"{w} ← {w} − lr · m̂ / (√v̂ + {short(eps)})", change.after),
    ]
    return found


def lines(stepper: Stepper, optimizer: Any) -> list[str]:
    """The update for a reader."""
    found = [f"update by {type(optimizer).__name__}:"]
    every = changes(stepper, optimizer)
    for change in every[:FEW]:
        for _, equation, value in terms(change)[:-1]:
            found.append(f"    {equation} = {formula.summary(value)}")
        *_, (_, equation, value) = terms(change)
        result = formula.summary(value) if change.before.ndim else change.numbers
        found.append(f"  {equation} = {result}")
    if len(every) > FEW:
        found.append(f"  and {len(every) - FEW} more parameters")
    if not every:
        found.append("  no parameter of it has a gradient")
    return found


def rule(change: Change) -> list[str]:
    """The update of any `w`, without what a setting of zero leaves out."""
    label, root = change.label, change.root
    change.label, change.root = "w", "L"
    found = [equation for name, equation, _ in terms(change) if name not in ("lr", "t")]
    change.label, change.root = label, root
    return found if found[-1] != "w ←" else []


def record(stepper: Stepper, optimizer: Any, ids: dict[Any, int]) -> dict[str, Any]:
    """The `update` of a trace, see docs/trace.md."""
    params = []
    every = changes(stepper, optimizer)
    for change in every:
        target = target_of(change.param)
        params.append(
            {
                "node": ids.get(target),
                "name": change.label,
                "text": change.text,
                "before": encode(change.before),
                "after": encode(change.after),
                "grad": encode(change.grad),
                "terms": [
                    {"name": name, "text": equation, "value": encode(np.asarray(value))}
                    for name, equation, value in terms(change)
                ],
            }
        )
    group = optimizer.param_groups[0]
    return {
        "optimizer": type(optimizer).__name__,
        "rule": "; ".join((every and rule(every[0])) or equations(optimizer)),
        "options": {
            key: value
            for key, value in group.items()
            if key in optimizer.defaults  # not what schedules keep there
            and isinstance(value, (bool, int, float, str))
            and value == value
        },
        "params": params,
    }
