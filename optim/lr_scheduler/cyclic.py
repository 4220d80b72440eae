"""Schedules that cycle learning rate and momentum from step to step, not from epoch to epoch."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from ..optimizer import Optimizer
from .scheduler import LRScheduler, assign, check_optimizer, function_state, number, per_group

_SCALES: dict[str, tuple[str, Callable[[float, float], float]]] = {
    # mode: (what x counts, the height of the cycle from gamma and x)
    "triangular": ("cycle", lambda gamma, x: 1.0),
    "triangular2": ("cycle", lambda gamma, x: 1 / 2.0 ** (x - 1)),
    "exp_range": ("iterations", lambda gamma, x: gamma**x),
}


class _WithMomentum(LRScheduler):
    """A schedule that moves the momentum, or Adam's first beta, against the learning rate."""

    use_beta1: bool

    def _start_momentum(self, base: list[float], highest: list[float], last_epoch: int) -> None:
        defaults = self.optimizer.defaults
        if "momentum" not in defaults and "betas" not in defaults:
            raise ValueError(
                "optimizer must support momentum or beta1 with `cycle_momentum` option enabled"
            )
        self.use_beta1 = "betas" in defaults
        if last_epoch == -1:
            for group, low, high in zip(self.optimizer.param_groups, base, highest, strict=True):
                self._set_momentum(group, high)
                group["max_momentum"] = high
                group["base_momentum"] = low

    def _set_momentum(self, group: dict[str, Any], momentum: float) -> None:
        if self.use_beta1:
            group["betas"] = (momentum, *group["betas"][1:])
        else:
            group["momentum"] = momentum


class CyclicLR(_WithMomentum):
    """Up and down between two rates along straight lines.

    Smith, "Cyclical Learning Rates for Training Neural Networks", WACV 2017. Call `step` after
    each batch.

    Args:
        optimizer: whose groups to set.
        base_lr: the lowest rate, or a list with one per group.
        max_lr: the highest rate of the first cycle, or a list.
        step_size_up: steps from the lowest to the highest.
        step_size_down: steps back (default: as many).
        mode: "triangular"; "triangular2" halves the height after each cycle; "exp_range"
            multiplies it by gamma at each step.
        gamma: for "exp_range".
        scale_fn: the height as a function of the cycle or the step, instead of `mode`.
        scale_mode: "cycle" or "iterations": what `scale_fn` is given.
        cycle_momentum: move the momentum (Adam: the first beta) the other way.
        base_momentum, max_momentum: its bounds, or lists with one per group.
        last_epoch: see `LRScheduler`; it counts steps here.

    >>> import autograd, optim
    >>> optimizer = optim.SGD([autograd.zeros(2)], lr=1.0, momentum=0.9)
    >>> scheduler = CyclicLR(optimizer, base_lr=0.0, max_lr=1.0, step_size_up=2)
    >>> rates = []
    >>> for step in range(5):
    ...     optimizer.step()
    ...     rates.append(scheduler.get_last_lr()[0])
    ...     scheduler.step()
    >>> rates
    [0.0, 0.5, 1.0, 0.5, 0.0]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        base_lr: float | list[float],
        max_lr: float | list[float],
        step_size_up: int = 2000,
        step_size_down: int | None = None,
        mode: str = "triangular",
        gamma: float = 1.0,
        scale_fn: Callable[[float], float] | None = None,
        scale_mode: str = "cycle",
        cycle_momentum: bool = True,
        base_momentum: float | list[float] = 0.8,
        max_momentum: float | list[float] = 0.9,
        last_epoch: int = -1,
    ) -> None:
        check_optimizer(optimizer)
        self.optimizer = optimizer
        base_lrs = per_group("base_lr", optimizer, base_lr)
        if last_epoch == -1:
            for group, rate in zip(optimizer.param_groups, base_lrs, strict=True):
                assign(group, "lr", number(rate))
        self.max_lrs = per_group("max_lr", optimizer, max_lr)
        down = step_size_up if step_size_down is None else step_size_down
        self.total_size = float(step_size_up) + float(down)
        self.step_ratio = float(step_size_up) / self.total_size
        if mode not in _SCALES and scale_fn is None:
            raise ValueError("mode is invalid and scale_fn is None")
        self.mode = mode
        self.gamma = gamma
        self._scale_fn_custom = scale_fn
        self.scale_mode = scale_mode if scale_fn is not None else _SCALES[mode][0]
        self.cycle_momentum = cycle_momentum
        if cycle_momentum:
            self.base_momentums = per_group("base_momentum", optimizer, base_momentum)
            self.max_momentums = per_group("max_momentum", optimizer, max_momentum)
            self._start_momentum(self.base_momentums, self.max_momentums, last_epoch)
        super().__init__(optimizer, last_epoch)
        self.base_lrs = [number(rate) for rate in base_lrs]

    def scale_fn(self, x: float) -> float:
        """The height of the cycle at cycle or step `x`."""
        if self._scale_fn_custom is not None:
            return self._scale_fn_custom(x)
        return _SCALES[self.mode][1](self.gamma, x)

    def get_lr(self) -> list[float]:
        cycle = math.floor(1 + self.last_epoch / self.total_size)
        x = 1.0 + self.last_epoch / self.total_size - cycle
        up = x <= self.step_ratio
        height = x / self.step_ratio if up else (x - 1) / (self.step_ratio - 1)
        scale = self.scale_fn(cycle if self.scale_mode == "cycle" else self.last_epoch)
        if self.cycle_momentum:
            bounds = zip(self.base_momentums, self.max_momentums, strict=True)
            for group, (low, high) in zip(self.optimizer.param_groups, bounds, strict=True):
                self._set_momentum(group, high - (high - low) * height * scale)
        rates = zip(self.base_lrs, self.max_lrs, strict=True)
        return [low + (number(high) - low) * height * scale for low, high in rates]

    def state_dict(self) -> dict[str, Any]:
        """As of every schedule; of `scale_fn` only the attributes of a callable object."""
        return super().state_dict() | {"_scale_fn_custom": function_state(self._scale_fn_custom)}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Continues from what `state_dict` returned; `scale_fn` stays, with saved attributes."""
        super().load_state_dict({k: v for k, v in state_dict.items() if k != "_scale_fn_custom"})
        if state_dict["_scale_fn_custom"] is not None:
            self._scale_fn_custom.__dict__.update(state_dict["_scale_fn_custom"])


class OneCycleLR(_WithMomentum):
    """Up from a low rate to `max_lr`, then down to nearly nothing, once.

    Smith and Topin, "Super-Convergence: Very Fast Training of Neural Networks Using Large
    Learning Rates", 2018. Call `step` after each batch, `total_steps` times at most.

    Args:
        optimizer: whose groups to set.
        max_lr: the highest rate, or a list with one per group.
        total_steps: the length of the cycle; or give `epochs` and `steps_per_epoch`.
        pct_start: the share of the steps that go up.
        anneal_strategy: "cos" or "linear".
        cycle_momentum: move the momentum (Adam: the first beta) the other way.
        base_momentum, max_momentum: its bounds, or lists with one per group.
        div_factor: the first rate is max_lr / div_factor.
        final_div_factor: the last rate is the first / final_div_factor.
        three_phase: down to the first rate in as many steps as up, then on to the last.
        last_epoch: see `LRScheduler`; it counts steps here.

    >>> import autograd, optim
    >>> optimizer = optim.SGD([autograd.zeros(2)], lr=1.0, momentum=0.9)
    >>> scheduler = OneCycleLR(optimizer, 1.0, total_steps=5, pct_start=0.5, div_factor=2.0)
    >>> rates = []
    >>> for step in range(4):
    ...     optimizer.step()
    ...     rates.append(round(scheduler.get_last_lr()[0], 4))
    ...     scheduler.step()
    >>> rates
    [0.5, 0.875, 0.9045, 0.3455]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        max_lr: float | list[float],
        total_steps: int | None = None,
        epochs: int | None = None,
        steps_per_epoch: int | None = None,
        pct_start: float = 0.3,
        anneal_strategy: str = "cos",
        cycle_momentum: bool = True,
        base_momentum: float | list[float] = 0.85,
        max_momentum: float | list[float] = 0.95,
        div_factor: float = 25.0,
        final_div_factor: float = 1e4,
        three_phase: bool = False,
        last_epoch: int = -1,
    ) -> None:
        check_optimizer(optimizer)
        self.optimizer = optimizer
        self.total_steps = _total_steps(total_steps, epochs, steps_per_epoch)
        if pct_start < 0 or pct_start > 1 or not isinstance(pct_start, float):
            raise ValueError(f"Expected float between 0 and 1 pct_start, but got {pct_start}")
        if anneal_strategy not in ("cos", "linear"):
            raise ValueError(
                "anneal_strategy must be one of 'cos' or 'linear', instead got " + anneal_strategy
            )
        self._schedule_phases = _phases(self.total_steps, pct_start, three_phase)
        self._anneal_func_type = anneal_strategy
        highest = per_group("max_lr", optimizer, max_lr)
        if last_epoch == -1:
            for group, rate in zip(optimizer.param_groups, highest, strict=True):
                group["initial_lr"] = number(rate) / div_factor
                group["max_lr"] = number(rate)
                group["min_lr"] = group["initial_lr"] / final_div_factor
        self.cycle_momentum = cycle_momentum
        if cycle_momentum:
            high = per_group("max_momentum", optimizer, max_momentum)
            low = per_group("base_momentum", optimizer, base_momentum)
            self._start_momentum(low, high, last_epoch)
        super().__init__(optimizer, last_epoch)

    def get_lr(self) -> list[float]:
        step = self.last_epoch
        if step > self.total_steps:
            raise ValueError(
                f"Tried to step {step} times. The specified number of total steps is "
                f"{self.total_steps}"
            )
        start = 0.0
        for phase in self._schedule_phases:
            end = phase["end_step"]
            if step <= end or phase is self._schedule_phases[-1]:
                break
            start = end
        share = (step - start) / (end - start)
        rates = []
        for group in self.optimizer.param_groups:
            rates.append(self._between(group[phase["start_lr"]], group[phase["end_lr"]], share))
            if self.cycle_momentum:
                bounds = group[phase["start_momentum"]], group[phase["end_momentum"]]
                self._set_momentum(group, self._between(*bounds, share))
        return rates

    def _between(self, start: float, end: float, share: float) -> float:
        if self._anneal_func_type == "linear":
            return (end - start) * share + start
        return end + (start - end) / 2.0 * (math.cos(math.pi * share) + 1)


def _total_steps(total: Any, epochs: Any, steps_per_epoch: Any) -> int:
    def positive(name: str, value: Any) -> int:
        if not isinstance(value, int) or value <= 0:
            raise ValueError(f"Expected positive integer {name}, but got {value}")
        return value

    if total is not None:
        return positive("total_steps", total)
    if epochs is None or steps_per_epoch is None:
        raise ValueError("You must define either total_steps OR (epochs AND steps_per_epoch)")
    return positive("epochs", epochs) * positive("steps_per_epoch", steps_per_epoch)


def _phases(total_steps: int, pct_start: float, three_phase: bool) -> list[dict[str, Any]]:
    """The phases of one cycle, as names of the groups' options to go from and to."""

    def phase(end: float, lr: tuple[str, str], momentum: tuple[str, str]) -> dict[str, Any]:
        return {
            "end_step": end,
            "start_lr": lr[0],
            "end_lr": lr[1],
            "start_momentum": momentum[0],
            "end_momentum": momentum[1],
        }

    low, high = "base_momentum", "max_momentum"
    up = float(pct_start * total_steps)
    phases = [phase(up - 1, ("initial_lr", "max_lr"), (high, low))]
    if three_phase:
        phases.append(phase(2 * up - 2, ("max_lr", "initial_lr"), (low, high)))
        phases.append(phase(total_steps - 1, ("initial_lr", "min_lr"), (high, high)))
    else:
        phases.append(phase(total_steps - 1, ("max_lr", "min_lr"), (low, high)))
    return phases
