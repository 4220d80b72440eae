"""Callbacks: what `fit` calls at fixed moments of a run."""

from __future__ import annotations

import csv
import math
import os
from typing import TYPE_CHECKING, Any

import autograd

if TYPE_CHECKING:
    from .fit import Run

Logs = dict[str, float]


class Callback:
    """Base class; a subclass defines the methods it needs.

    `run` is the state of the run: `run.model`, `run.optimizer`, `run.epoch` (epochs finished),
    `run.batch` (batches of the present one), `run.history`; `run.stop = True` ends it after the
    epoch. What `state_dict` returns is part of every checkpoint.

    >>> class Shout(Callback):
    ...     def on_epoch_end(self, run, logs):
    ...         print(f"EPOCH {run.epoch}!")
    """

    def on_fit_begin(self, run: Run) -> None:
        """Before the first epoch, also of a run that is resumed."""

    def on_epoch_begin(self, run: Run) -> None:
        """Before the first batch of an epoch."""

    def on_batch_end(self, run: Run, logs: Logs) -> None:
        """After each batch, with its loss."""

    def on_epoch_end(self, run: Run, logs: Logs) -> None:
        """After the validation of an epoch, with all its values."""

    def on_fit_end(self, run: Run) -> None:
        """After the last epoch."""

    def state_dict(self) -> dict[str, Any]:
        """What a resumed run must remember."""
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Takes it back."""


class _Best(Callback):
    """Watches one quantity for its best value."""

    def __init__(self, monitor: str, mode: str, min_delta: float = 0.0) -> None:
        if mode not in ("auto", "min", "max"):
            raise ValueError(f'mode must be "auto", "min" or "max", got {mode!r}')
        if mode == "auto":
            rising = ("acc", "auc", "f1", "precision", "recall", "top", "r2")
            mode = "max" if any(part in monitor for part in rising) else "min"
        self.monitor, self.mode, self.min_delta = monitor, mode, abs(min_delta)
        self.best = math.inf if mode == "min" else -math.inf

    def _improved(self, logs: Logs) -> bool:
        if self.monitor not in logs:
            raise KeyError(
                f"{type(self).__name__}: there is no {self.monitor!r} to monitor; this run has "
                f"{', '.join(logs)}"
            )
        value, sign = logs[self.monitor], 1 if self.mode == "min" else -1
        if sign * value < sign * self.best - self.min_delta:
            self.best = value
            return True
        return False


class EarlyStopping(_Best):
    """Ends the run when a quantity has not improved for `patience` epochs.

    Args:
        monitor: the quantity, such as "val_loss" or "val_accuracy".
        patience: how many epochs without improvement are endured.
        min_delta: how much better a value must be to count.
        mode: "min", "max", or "auto" by the quantity's name.
        restore_best: at the end of the run, also of one that was not stopped, give the model the
            weights of the best epoch.

    >>> import autograd, nn, optim
    >>> x = autograd.ones(8, 1)
    >>> loader = nn.data.DataLoader(nn.data.TensorDataset(x, 2 * x))
    >>> model = nn.Linear(1, 1)
    >>> history = nn.training.fit(
    ...     model, loader, nn.MSELoss(), optim.SGD(model.parameters(), lr=0.0), epochs=9,
    ...     callbacks=[EarlyStopping("loss", patience=2)], progress=False,
    ... )
    >>> len(history["loss"])
    3
    """

    def __init__(
        self,
        monitor: str = "val_loss",
        patience: int = 5,
        min_delta: float = 0.0,
        mode: str = "auto",
        restore_best: bool = True,
    ) -> None:
        super().__init__(monitor, mode, min_delta)
        self.patience, self.restore_best = patience, restore_best
        self.wait, self.best_epoch = 0, 0
        self.best_weights: dict[str, Any] = {}

    def on_epoch_end(self, run: Run, logs: Logs) -> None:
        if self._improved(logs):
            self.wait, self.best_epoch = 0, run.epoch
            if self.restore_best:
                state = run.model.state_dict()
                self.best_weights = {name: value.clone() for name, value in state.items()}
            return
        self.wait += 1
        if self.wait >= self.patience:
            run.stop = True

    def on_fit_end(self, run: Run) -> None:
        if self.best_weights:
            run.model.load_state_dict(self.best_weights)

    def state_dict(self) -> dict[str, Any]:
        names = ("best", "wait", "best_epoch", "best_weights")
        return {name: getattr(self, name) for name in names}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        vars(self).update(state)


class ModelCheckpoint(_Best):
    """Saves the weights after each epoch, or after each that is better than all before.

    Args:
        path: of a safetensors file; `{epoch}` and the names of quantities are filled in, as in
            "weights-{epoch:02d}-{val_loss:.3f}.safetensors".
        monitor: the quantity that decides what is better.
        save_best_only: keep to the best.
        mode: "min", "max", or "auto" by the quantity's name.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        monitor: str = "val_loss",
        save_best_only: bool = False,
        mode: str = "auto",
    ) -> None:
        super().__init__(monitor, mode)
        self.path, self.save_best_only = os.fspath(path), save_best_only

    def on_epoch_end(self, run: Run, logs: Logs) -> None:
        if not self.save_best_only or self._improved(logs):
            path = self.path.format(epoch=run.epoch, **logs)
            autograd.save(run.model.state_dict(), path)

    def state_dict(self) -> dict[str, Any]:
        return {"best": self.best}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.best = state["best"]


class CSVLogger(Callback):
    """Writes the values of each epoch as a line of a CSV file.

    The file is written anew from the history after each epoch, so that after a resumed run it has
    one line for each epoch.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = os.fspath(path)

    def on_epoch_end(self, run: Run, logs: Logs) -> None:
        names = list(run.history)
        temporary = f"{self.path}.tmp"
        with open(temporary, "w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(["epoch", *names])
            for i, row in enumerate(zip(*run.history.values(), strict=True), 1):
                writer.writerow([i, *row])
        os.replace(temporary, self.path)


class TensorBoard(Callback):
    """Writes the values of each epoch, and the loss of each batch, for TensorBoard.

    Args:
        log_dir: the directory that `tensorboard --logdir` is given.

    Raises:
        ImportError: without tensorboardX, which the extra `tensorboard` installs.
    """

    def __init__(self, log_dir: str | os.PathLike[str] = "runs") -> None:
        try:
            from tensorboardX import SummaryWriter
        except ImportError:
            raise ImportError(
                "TensorBoard needs tensorboardX: pip install tensorboardX, or tapegrad with the "
                "extra `tensorboard`"
            ) from None
        self.log_dir = os.fspath(log_dir)
        self._make = SummaryWriter
        self._writer: Any = None

    def on_fit_begin(self, run: Run) -> None:
        self._writer = self._make(self.log_dir)

    def on_batch_end(self, run: Run, logs: Logs) -> None:
        self._writer.add_scalar("batch/loss", logs["loss"], run.steps)

    def on_epoch_end(self, run: Run, logs: Logs) -> None:
        for name, value in logs.items():
            self._writer.add_scalar(f"epoch/{name}", value, run.epoch)
        self._writer.flush()

    def on_fit_end(self, run: Run) -> None:
        self._writer.close()
