"""Averages of a model's weights over its training: the schedule that goes with them.

The averaged model itself and its averaging functions need modules, which `optim` does not know:
they are in nn/averaging.py and only have their PyTorch names here, imported when first used.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from .lr_scheduler.scheduler import LRScheduler, per_group
from .optimizer import Optimizer

if TYPE_CHECKING:
    from nn.averaging import (
        AveragedModel as AveragedModel,
        get_ema_avg_fn as get_ema_avg_fn,
        get_ema_multi_avg_fn as get_ema_multi_avg_fn,
        get_swa_avg_fn as get_swa_avg_fn,
        get_swa_multi_avg_fn as get_swa_multi_avg_fn,
        update_bn as update_bn,
    )

__all__ = [
    "SWALR",
    "AveragedModel",
    "get_ema_avg_fn",
    "get_ema_multi_avg_fn",
    "get_swa_avg_fn",
    "get_swa_multi_avg_fn",
    "update_bn",
]


class SWALR(LRScheduler):
    """From the present rate to a constant one, at which to average the weights.

    Izmailov et al., "Averaging Weights Leads to Wider Optima and Better Generalization", 2018.

    Args:
        optimizer: whose groups to set.
        swa_lr: the rate to reach, or a list with one per group.
        anneal_epochs: after how many epochs.
        anneal_strategy: "cos" or "linear".
        last_epoch: see `LRScheduler`.

    >>> import autograd, optim
    >>> optimizer = optim.SGD([autograd.zeros(2)], lr=0.8)
    >>> scheduler = SWALR(optimizer, swa_lr=0.2, anneal_epochs=2, anneal_strategy="linear")
    >>> optimizer.step(); scheduler.step()
    >>> scheduler.get_last_lr()
    [0.5]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        swa_lr: float | list[float],
        anneal_epochs: int = 10,
        anneal_strategy: str = "cos",
        last_epoch: int = -1,
    ) -> None:
        rates = per_group("swa_lr", optimizer, swa_lr)
        for rate, group in zip(rates, optimizer.param_groups, strict=True):
            group["swa_lr"] = rate
        if anneal_strategy not in ("cos", "linear"):
            raise ValueError(
                f"anneal_strategy must be one of 'cos' or 'linear', instead got {anneal_strategy}"
            )
        if not isinstance(anneal_epochs, int) or anneal_epochs < 0:
            raise ValueError(f"anneal_epochs must be equal or greater than 0, got {anneal_epochs}")
        self._anneal_strategy = anneal_strategy
        self.anneal_epochs = anneal_epochs
        super().__init__(optimizer, last_epoch)

    def _share(self, step: int) -> float:
        """How much of the way is done."""
        t = max(0.0, min(1.0, step / max(1, self.anneal_epochs)))
        return t if self._anneal_strategy == "linear" else (1 - math.cos(math.pi * t)) / 2

    def get_lr(self) -> list[float]:
        step = self._step_count - 1
        if self.anneal_epochs == 0:
            step = max(1, step)
        before, now = self._share(step - 1), self._share(step)
        rates = []
        for rate, group in zip(self._present(), self.optimizer.param_groups, strict=True):
            end = group["swa_lr"]
            # Chainable: the rate that the way began at follows from the present one.
            start = end if before == 1 else (rate - before * end) / (1 - before)
            rates.append(end * now + start * (1 - now))
        return rates


def __getattr__(name: str) -> Any:
    if name in __all__:
        import nn.averaging

        return getattr(nn.averaging, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
