"""`fit`: the training loop, with progress, validation, callbacks and checkpoints.

A checkpoint holds all that the rest of a run depends on: weights, optimizer, scheduler, callbacks,
history, the place in the epoch, and the state of every random stream, now and at the beginning
of the epoch. A resumed run draws the order of the epoch again, passes over the batches it had seen,
and goes on.
"""

from __future__ import annotations

import inspect
import math
import os
import sys
import time
from collections.abc import Iterable, Sequence, Sized
from typing import Any

from tqdm import tqdm

import autograd
from autograd import Tensor

from ..module import Module
from ..utils import clip_grad_norm_
from .callbacks import Callback
from .evaluation import Loss, evaluate, split_batch
from .history import History
from .interrupts import Interrupts
from .metrics import Metric, Metrics, as_metrics, batch_size
from .randomness import random_state, set_random_state

_FORMAT = "tapegrad-run/1"


def fit(
    model: Module,
    loader: Iterable[Any],
    loss: Loss,
    optimizer: Any,
    epochs: int,
    *,
    validation: Iterable[Any] | None = None,
    metrics: Metrics = None,
    callbacks: Sequence[Callback] | Callback = (),
    scheduler: Any = None,
    scheduler_every: str = "epoch",
    clip_norm: float | None = None,
    accumulate: int = 1,
    checkpoint: str | os.PathLike[str] | None = None,
    checkpoint_every: int | None = None,
    resume: bool = True,
    progress: bool = True,
) -> History:
    """Trains `model` for `epochs` passes over `loader`.

    Args:
        model: called in train mode with all entries of a batch but the last, the target.
        loader: batches `(input, ..., target)`; a batch without a target is its own target.
        loss: a function or module of output and target that returns the mean over a batch.
        optimizer: of the model's parameters.
        epochs: how many in all; a resumed run does what is left of them.
        validation: batches that are evaluated after each epoch; quantities begin with "val_".
        metrics: names ("accuracy", "f1", ...), `Metric`s, or functions of output and target.
        callbacks: see `Callback`.
        scheduler: its `step` is called after each epoch (`ReduceLROnPlateau` gets the validation
            loss, or the loss), or with `scheduler_every="batch"` after each step of the optimizer.
        clip_norm: the greatest norm of the gradients in a step.
        accumulate: how many batches make a step of the optimizer, with the mean of their gradients.
        checkpoint: a file that is written after each epoch, and when the run is interrupted with
            Ctrl-C; there is either the old or the whole new one.
        checkpoint_every: write it also after so many batches.
        resume: go on from the file `checkpoint` if it exists: the end is the same, bit for bit,
            as if the run had never been stopped. False: begin anew and replace it.
        progress: print a line for each epoch, and on a terminal a bar.

    Returns:
        A `History`: "loss", the metrics, their "val_" twins, "lr" and "time" (seconds) by epoch.

    Raises:
        FloatingPointError: when the loss is NaN or infinite; the model is left as it was then.
        ValueError: for a checkpoint of another kind, or one that does not fit.
        KeyboardInterrupt: on Ctrl-C, after the present step is done and the checkpoint written.

    >>> import autograd, nn, optim
    >>> x = autograd.linspace(-1, 1, 32).reshape(-1, 1)
    >>> loader = nn.data.DataLoader(nn.data.TensorDataset(x, 3 * x), batch_size=8, shuffle=True)
    >>> model = nn.Linear(1, 1)
    >>> optimizer = optim.SGD(model.parameters(), lr=0.3)
    >>> history = fit(model, loader, nn.MSELoss(), optimizer, epochs=30, progress=False)
    >>> history["loss"][-1] < 1e-3
    True
    """
    if accumulate < 1 or (checkpoint_every is not None and checkpoint_every < 1):
        raise ValueError("fit: accumulate and checkpoint_every must be 1 or more")
    if scheduler_every not in ("epoch", "batch"):
        raise ValueError(f'fit: scheduler_every is "epoch" or "batch", got {scheduler_every!r}')
    _check(model, loss, optimizer)
    callbacks = [callbacks] if isinstance(callbacks, Callback) else callbacks
    run = Run(model, loader, loss, optimizer, epochs, as_metrics(metrics), callbacks)
    run.validation, run.scheduler, run.scheduler_every = validation, scheduler, scheduler_every
    run.clip_norm, run.accumulate, run.progress = clip_norm, accumulate, progress
    run.checkpoint = None if checkpoint is None else os.fspath(checkpoint)
    run.checkpoint_every = checkpoint_every
    if run.checkpoint is not None and resume and os.path.exists(run.checkpoint):
        run.load(run.checkpoint)
    run.train()
    return run.history


def _check(model: Module, loss: Any, optimizer: Any) -> None:
    """Raises an error for what would fail later with another one, or not learn."""
    if isinstance(loss, type) or not callable(loss):
        raise TypeError(f"fit: the loss is a function or a module, as nn.MSELoss(), got {loss!r}")
    if not hasattr(optimizer, "param_groups"):
        raise TypeError(
            "fit: the optimizer is an object, as optim.Adam(model.parameters()), got "
            f"{type(optimizer).__name__}"
        )
    given = {id(p) for group in optimizer.param_groups for p in group["params"]}
    if given.isdisjoint(map(id, model.parameters())):
        raise ValueError(
            "fit: the optimizer has none of the model's parameters, so that nothing would be "
            "learned; make it of model.parameters()"
        )


def _length(loader: Iterable[Any]) -> int | None:
    """How many batches there are, None where that is not known."""
    try:
        return len(loader) if isinstance(loader, Sized) else None
    except TypeError:  # a DataLoader of an IterableDataset without a length
        return None


class Run:
    """The state of a run, which callbacks see."""

    validation: Iterable[Any] | None
    scheduler: Any
    scheduler_every: str
    clip_norm: float | None
    accumulate: int
    progress: bool
    checkpoint: str | None
    checkpoint_every: int | None

    def __init__(
        self,
        model: Module,
        loader: Iterable[Any],
        loss: Loss,
        optimizer: Any,
        epochs: int,
        metrics: dict[str, Metric],
        callbacks: Sequence[Callback],
    ) -> None:
        self.model, self.loader, self.loss = model, loader, loss
        self.optimizer, self.epochs = optimizer, epochs
        self.metrics, self.callbacks = metrics, list(callbacks)
        self.epoch, self.batch, self.steps = 0, 0, 0
        self.history = History()
        self.stop = False
        self._total, self._count = 0.0, 0  # the loss over the samples of this epoch
        self._epoch_start: dict[str, Any] | None = None
        self._resumed: dict[str, Any] | None = None  # the random state where the run goes on
        # Optimizers such as LBFGS evaluate the loss themselves.
        step = inspect.signature(optimizer.step).parameters.get("closure")
        self._needs_closure = step is not None and step.default is inspect.Parameter.empty

    # The loop ------------------------------------------------------------------------------

    def train(self) -> None:
        """All epochs that are left."""
        with Interrupts() as self._interrupts:
            try:
                self.optimizer.zero_grad()  # what an earlier backward() left behind
                self._tell("on_fit_begin")
                while self.epoch < self.epochs and not self.stop:
                    self._run_epoch()
                self._tell("on_fit_end")
            except KeyboardInterrupt as interrupt:
                if self.checkpoint is not None and not self._interrupts.inside_step:
                    self.save(self.checkpoint)
                    interrupt.add_note(f"the run can be resumed from {self.checkpoint}")
                raise

    def _tell(self, event: str, *args: Any) -> None:
        for callback in self.callbacks:
            getattr(callback, event)(self, *args)

    def _loaders(self) -> list[Any]:
        return [self.loader] if self.validation is None else [self.loader, self.validation]

    def _run_epoch(self) -> None:
        start = time.perf_counter()
        self.model.train()
        if self._resumed is None:
            self._epoch_start = random_state(self._loaders())
            self.batch, self._total, self._count = 0, 0.0, 0
            for metric in self.metrics.values():
                metric.reset()
            self._tell("on_epoch_begin")
        else:
            assert self._epoch_start is not None
            set_random_state(self._epoch_start, self._loaders())
        self._run_batches()
        logs = {"loss": self._mean_loss(), **self._metric_values()}
        if self.validation is not None:
            found = evaluate(self.model, self.validation, self.loss, self.metrics)
            logs |= {f"val_{name}": value for name, value in found.items()}
        logs["lr"] = float(self.optimizer.param_groups[0]["lr"])
        if self.scheduler is not None and self.scheduler_every == "epoch":
            self._step_scheduler(logs)
        logs["time"] = time.perf_counter() - start
        self.epoch, self.batch = self.epoch + 1, 0
        self.history.append({k: v for k, v in logs.items() if isinstance(v, (int, float))})
        self._tell("on_epoch_end", logs)
        if self.progress:
            print(self._line(logs), flush=True)
        if self.checkpoint is not None:
            self._epoch_start = None
            self.save(self.checkpoint)

    def _run_batches(self) -> None:
        seen, gathered = self.batch, 0
        count = _length(self.loader)
        bar = tqdm(
            total=count,
            desc=f"epoch {self.epoch + 1}/{self.epochs}",
            initial=seen,
            file=sys.stdout,
            leave=False,
            disable=None if self.progress else True,
        )
        with bar:
            for i, batch in enumerate(self.loader):
                if i < seen:
                    if i == seen - 1:
                        self._go_on()
                    continue
                self._interrupts.inside_step = True
                value = self._backward(batch)
                gathered += 1
                if gathered == self.accumulate or i + 1 == count:
                    self._update(gathered)
                    gathered = 0
                self.batch, self.steps = i + 1, self.steps + 1
                self._interrupts.inside_step = gathered > 0
                self._tell("on_batch_end", {"loss": value})
                bar.update()
                bar.set_postfix_str(f"loss {self._mean_loss():.4f}", refresh=False)
                if gathered == 0:
                    self._interrupts.check()
                    if self.checkpoint and self.checkpoint_every and self._due():
                        self.save(self.checkpoint)
            if gathered:  # the last step of a loader whose length was not known
                self._update(gathered)
                self._interrupts.inside_step = False
        if self.batch == 0:
            again = "; a generator can be passed over only once" if self.epoch else ""
            raise ValueError(f"fit: the loader gave no batch in epoch {self.epoch + 1}{again}")

    def _due(self) -> bool:
        assert self.checkpoint_every is not None
        return self.steps % self.checkpoint_every < self.accumulate

    def _go_on(self) -> None:
        """Restores the random state in which the run was stopped."""
        assert self._resumed is not None
        set_random_state(self._resumed, self._loaders())
        self._resumed = None

    def _backward(self, batch: Any) -> float:
        """Adds the gradients of a batch; returns its loss."""
        inputs, target = split_batch(batch)
        if self._needs_closure:
            return self._step_by_closure(inputs, target)
        output = self.model(*inputs)
        value = self.loss(output, target)
        number = self._checked(value)
        value.backward()
        self._note(number, output, target)
        return number

    def _step_by_closure(self, inputs: tuple[Any, ...], target: Any) -> float:
        output: Any = None

        def closure() -> Tensor:
            nonlocal output
            self.optimizer.zero_grad()
            output = self.model(*inputs)
            value = self.loss(output, target)
            value.backward()
            return value

        number = self._checked(self.optimizer.step(closure))
        self._note(number, output, target)
        return number

    def _note(self, number: float, output: Any, target: Any) -> None:
        size = batch_size(target, output)
        self._total, self._count = self._total + number * size, self._count + size
        with autograd.no_grad():
            for metric in self.metrics.values():
                metric.update(output, target)

    def _checked(self, value: Tensor) -> float:
        if value.numel() != 1:
            raise ValueError(
                f"fit: the loss must be one number, the mean over the batch, got the shape "
                f"{tuple(value.shape)}; a loss module gives it with reduction='mean'"
            )
        number = float(value.item())
        if not math.isfinite(number):
            raise FloatingPointError(
                f"fit: the loss is {number} in epoch {self.epoch + 1}, batch {self.batch + 1}. A "
                "smaller learning rate or clip_norm may help; autograd.detect_anomaly() shows the "
                "operation that made it"
            )
        return number

    def _update(self, gathered: int) -> None:
        if self._needs_closure:
            return
        if gathered > 1:
            for group in self.optimizer.param_groups:
                for p in group["params"]:
                    if p.grad is not None:
                        p.grad.div_(gathered)
        if self.clip_norm is not None:
            clip_grad_norm_(self.model.parameters(), self.clip_norm)
        self.optimizer.step()
        self.optimizer.zero_grad()
        if self.scheduler is not None and self.scheduler_every == "batch":
            self.scheduler.step()

    def _step_scheduler(self, logs: dict[str, float]) -> None:
        first = next(iter(inspect.signature(self.scheduler.step).parameters), "")
        if first == "metrics":  # ReduceLROnPlateau
            self.scheduler.step(logs.get("val_loss", logs["loss"]))
        else:
            self.scheduler.step()

    def _mean_loss(self) -> float:
        return self._total / self._count if self._count else math.nan

    def _metric_values(self) -> dict[str, Any]:
        return {name: metric.compute() for name, metric in self.metrics.items()}

    def _line(self, logs: dict[str, Any]) -> str:
        parts = [f"epoch {self.epoch}/{self.epochs}"]
        for name, value in logs.items():
            if isinstance(value, (int, float)) and name not in ("lr", "time"):
                parts.append(f"{name} {value:.4f}")
        return "  ".join([*parts, f"{logs['time']:.1f} s"])

    # Checkpoints ---------------------------------------------------------------------------

    def save(self, path: str) -> None:
        """Writes all that the rest of the run depends on."""
        autograd.save(
            {
                "format": _FORMAT,
                "model": self.model.state_dict(),
                "optimizer": self.optimizer.state_dict(),
                "scheduler": None if self.scheduler is None else self.scheduler.state_dict(),
                "callbacks": [callback.state_dict() for callback in self.callbacks],
                "metrics": {n: _as_tensors(m.state) for n, m in self.metrics.items()},
                "progress": [self.epoch, self.batch, self.steps, self._total, self._count],
                "stop": self.stop,
                "history": dict(self.history),
                "random": random_state(self._loaders()),
                "epoch_start": self._epoch_start if self.batch else None,
            },
            path,
        )

    def load(self, path: str) -> None:
        """Goes back to where `save` was called."""
        state = autograd.load(path)
        if state.get("format") != _FORMAT:
            raise ValueError(f"fit: {path} is no checkpoint of fit; give another checkpoint=")
        kinds = len(state["callbacks"]), set(state["metrics"]), state["scheduler"] is None
        if kinds != (len(self.callbacks), set(self.metrics), self.scheduler is None):
            raise ValueError(
                f"fit: {path} is of a run with other callbacks, metrics or scheduler; resume with "
                "the same, or begin anew with resume=False"
            )
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        if self.scheduler is not None:
            self.scheduler.load_state_dict(state["scheduler"])
        for callback, known in zip(self.callbacks, state["callbacks"], strict=True):
            callback.load_state_dict(known)
        for name, metric in self.metrics.items():
            metric.state.update(_as_arrays(state["metrics"][name]))
        self.epoch, self.batch, self.steps, self._total, self._count = state["progress"]
        self.stop = state["stop"]
        self.history = History(state["history"])
        self._epoch_start = state["epoch_start"]
        set_random_state(state["random"], self._loaders())
        self._resumed = state["random"] if self.batch else None
        if self.progress:
            place = f", batch {self.batch}" if self.batch else ""
            print(f"resumed from {path}: epoch {self.epoch}/{self.epochs} done{place}")


def _as_tensors(state: dict[str, Any]) -> dict[str, Any]:
    """`state` with Tensors in the place of ndarrays, as `autograd.save` takes it."""
    return {k: autograd.as_tensor(v) if hasattr(v, "dtype") else v for k, v in state.items()}


def _as_arrays(state: dict[str, Any]) -> dict[str, Any]:
    return {k: v.numpy() if isinstance(v, Tensor) else v for k, v in state.items()}
