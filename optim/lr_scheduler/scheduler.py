"""`LRScheduler`: counts epochs and writes learning rates into the optimizer's groups."""

from __future__ import annotations

import types
import warnings
from collections.abc import Callable, Sequence
from typing import Any

from autograd.tensor import Tensor

from ..optimizer import Optimizer


class LRScheduler:
    """Base class of the schedules.

    A schedule defines `get_lr`, which returns a learning rate per parameter group from
    `last_epoch`, `base_lrs` (the rates at the start) and the groups' present rates. Most are
    chainable: they change the present rate by a factor, so that several can act on one optimizer.

    Args:
        optimizer: whose groups to set.
        last_epoch: the epoch to resume after; -1 starts, and sets the rates of epoch 0.

    >>> import autograd, optim
    >>> class Halving(LRScheduler):
    ...     def get_lr(self):
    ...         return [lr * 0.5**self.last_epoch for lr in self.base_lrs]
    >>> optimizer = optim.SGD([autograd.zeros(2)], lr=0.8)
    >>> scheduler = Halving(optimizer)
    >>> optimizer.step(); scheduler.step()
    >>> scheduler.get_last_lr()
    [0.4]
    """

    _get_lr_called_within_step = False
    _is_initial = False
    _get_closed_form_lr: Callable[[], list[float]] | None = None

    def __init__(self, optimizer: Optimizer, last_epoch: int = -1) -> None:
        check_optimizer(optimizer)
        self.optimizer = optimizer
        for i, group in enumerate(optimizer.param_groups):
            if last_epoch == -1:
                group.setdefault("initial_lr", number(group["lr"]))
            elif "initial_lr" not in group:
                raise KeyError(
                    f"{type(self).__name__}: param 'initial_lr' is not specified in "
                    f"param_groups[{i}] when resuming with last_epoch >= 0; load the state dict of "
                    "the optimizer first, or set it to the learning rate of the start"
                )
        self.base_lrs = [number(group["initial_lr"]) for group in optimizer.param_groups]
        self.last_epoch = last_epoch
        self._initial_step()

    def _initial_step(self) -> None:
        self._step_count = 0
        self._is_initial = True
        try:
            self.step()
        finally:
            self._is_initial = False

    def get_lr(self) -> list[float]:
        """The rate of each group at `last_epoch`. For `step` to call; see `get_last_lr`."""
        raise NotImplementedError(f"{type(self).__name__} does not define get_lr")

    def get_last_lr(self) -> list[float]:
        """The rate of each group that the last `step` has set."""
        return self._last_lr

    def step(self, epoch: int | None = None) -> None:
        """Goes to the next epoch; call it after the optimizer's steps of this one.

        Args:
            epoch: go to this epoch instead (deprecated in PyTorch, with a warning as there).
        """
        if self._step_count == 1 and not self.optimizer._stepped:
            warnings.warn(
                "Detected call of `lr_scheduler.step()` before `optimizer.step()`: the first "
                "learning rate of the schedule is skipped. Call them in the opposite order",
                UserWarning,
                stacklevel=2,
            )
        self._step_count += 1
        if epoch is not None:
            warn_about_epoch()
        self._update_lr(epoch)

    def _update_lr(self, epoch: int | None = None) -> None:
        self._get_lr_called_within_step = True
        try:
            if epoch is None:
                self.last_epoch += 1
                rates = self.get_lr()
            else:
                self.last_epoch = epoch
                closed_form = self._get_closed_form_lr
                rates = self.get_lr() if closed_form is None else closed_form()
        finally:
            self._get_lr_called_within_step = False
        self._set(rates)

    def _set(self, rates: Sequence[float]) -> None:
        for group, rate in zip(self.optimizer.param_groups, rates, strict=True):
            assign(group, "lr", rate)
        self._last_lr = self._present()

    def _present(self) -> list[float]:
        """The groups' rates as they are, also if someone else has changed them."""
        return [number(group["lr"]) for group in self.optimizer.param_groups]

    def _times(self, factor: float) -> list[float]:
        return [rate * factor for rate in self._present()]

    def state_dict(self) -> dict[str, Any]:
        """Everything but the optimizer, by attribute name, as in PyTorch."""
        return {key: value for key, value in self.__dict__.items() if key != "optimizer"}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Continues from what `state_dict` returned. The optimizer loads its own state dict."""
        self.__dict__.update(state_dict)


def check_optimizer(optimizer: Any) -> None:
    """Raises TypeError for what is no optimizer."""
    if not isinstance(optimizer, Optimizer):
        raise TypeError(f"{type(optimizer).__name__} is not an Optimizer")


def warn_about_epoch() -> None:
    """Warns that a schedule was sent to an epoch."""
    warnings.warn(
        "The epoch parameter in `scheduler.step()` is deprecated in PyTorch: call "
        "`scheduler.step()` once per epoch. With it the closed form of the schedule is used, which "
        "forgets what other schedules did",
        UserWarning,
        stacklevel=3,
    )


def number(value: Any) -> Any:
    """An option's value as a number: learning rates may be one-element Tensors."""
    return value.item() if isinstance(value, Tensor) else value


def assign(group: dict[str, Any], key: str, value: float) -> None:
    """Sets an option; a Tensor stays the same Tensor."""
    if isinstance(group[key], Tensor):
        group[key]._data[...] = value
        group[key]._versions().n += 1
    else:
        group[key] = value


def per_group(name: str, optimizer: Optimizer, value: Any) -> list[Any]:
    """`value` for each group: a list with one entry per group, or one value for all."""
    n = len(optimizer.param_groups)
    if not isinstance(value, (list, tuple)):
        return [value] * n
    if len(value) != n:
        raise ValueError(
            f"{name} must have the same length as optimizer.param_groups. {name} has "
            f"{len(value)} values, param_groups has {n}."
        )
    return list(value)


def function_state(function: Any) -> dict[str, Any] | None:
    """What to save of a callable: the attributes of an object, nothing of a plain function."""
    if function is None or isinstance(function, types.FunctionType):
        return None
    return dict(function.__dict__)
