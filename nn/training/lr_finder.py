"""A learning rate from one short run in which it grows until the loss does."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from ..module import Module
from .evaluation import Loss, split_batch
from .history import pyplot
from .randomness import random_state, set_random_state

_SMOOTHING, _DIVERGED = 0.9, 4.0


@dataclass
class LRFinder:
    """The learning rates tried and the smoothed losses, and a suggestion.

    `suggestion` is a tenth of the learning rate with the least loss: there it still falls, and
    with a margin to where it begins to grow.
    """

    lrs: list[float]
    losses: list[float]

    def __repr__(self) -> str:
        tried = f"{len(self.lrs)} learning rates from {self.lrs[0]:.1e} to {self.lrs[-1]:.1e}"
        return f"LRFinder of {tried}: suggestion {self.suggestion:.1e}"

    @property
    def suggestion(self) -> float:
        return self.lrs[self.losses.index(min(self.losses))] / 10

    def plot(self) -> Any:
        """The loss over the learning rate, a matplotlib Figure (extra `viz`)."""
        plt = pyplot()
        figure, axis = plt.subplots(figsize=(5, 3.2), layout="constrained")
        axis.semilogx(self.lrs, self.losses)
        axis.axvline(self.suggestion, linestyle=":", label=f"{self.suggestion:.1e}")
        axis.set(xlabel="learning rate", ylabel="loss")
        axis.legend()
        plt.close(figure)
        return figure


def find_lr(
    model: Module,
    loader: Iterable[Any],
    loss: Loss,
    optimizer: Any,
    start: float = 1e-6,
    end: float = 10.0,
    steps: int = 100,
) -> LRFinder:
    """Trains with learning rates from `start` to `end`, growing by a factor in each step.

    It ends early where the loss is four times the least one. Afterwards model, optimizer and
    random streams are as before.

    Source: Smith, "Cyclical learning rates for training neural networks", 2017, section 3.3.

    >>> import autograd, nn, optim
    >>> x = autograd.linspace(-1, 1, 64).reshape(-1, 1)
    >>> data = nn.data.TensorDataset(x, 3 * x)
    >>> loader = nn.data.DataLoader(data, batch_size=16, shuffle=True)
    >>> model = nn.Linear(1, 1)
    >>> found = find_lr(model, loader, nn.MSELoss(), optim.SGD(model.parameters(), lr=1.0))
    >>> 1e-2 < found.suggestion < 1
    True
    """
    if not 0 < start < end or steps < 2:
        raise ValueError("find_lr: needs 0 < start < end and at least 2 steps")
    weights = {k: v.clone() for k, v in model.state_dict().items()}
    known, randomness = copy.deepcopy(optimizer.state_dict()), random_state([loader])
    modes = {m: m.training for m in model.modules()}
    lrs: list[float] = []
    losses: list[float] = []
    mean = 0.0
    batches = _endless(loader)
    try:
        model.train()
        for i in range(steps):
            lr = start * (end / start) ** (i / (steps - 1))
            for group in optimizer.param_groups:
                group["lr"] = lr
            inputs, target = split_batch(next(batches))
            optimizer.zero_grad()
            value = loss(model(*inputs), target)
            number = value.item()
            mean = _SMOOTHING * mean + (1 - _SMOOTHING) * number
            smoothed = mean / (1 - _SMOOTHING ** (i + 1))
            if not math.isfinite(number) or (losses and smoothed > _DIVERGED * min(losses)):
                break
            lrs.append(lr)
            losses.append(smoothed)
            value.backward()
            optimizer.step()
    finally:
        model.load_state_dict(weights)
        optimizer.load_state_dict(known)
        optimizer.zero_grad()
        set_random_state(randomness, [loader])
        for m, training in modes.items():
            m.training = training
    if len(lrs) < 2:
        raise ValueError(f"find_lr: the loss diverged at once; try a start below {start}")
    return LRFinder(lrs, losses)


def _endless(loader: Iterable[Any]) -> Any:
    while True:
        empty = True
        for batch in loader:
            empty = False
            yield batch
        if empty:
            raise ValueError("find_lr: the loader gave no batch")
