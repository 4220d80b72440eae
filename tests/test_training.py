"""`nn.training`: the loop against one written by hand, callbacks, and runs that are stopped."""

from __future__ import annotations

import math
import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import autograd
import nn
import optim
from nn.data import DataLoader, TensorDataset
from nn.training import (
    Callback,
    CSVLogger,
    EarlyStopping,
    ModelCheckpoint,
    TensorBoard,
    evaluate,
    find_lr,
    fit,
    predict,
)


def data(n: int = 60, seed: int = 0) -> TensorDataset:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 4)).astype(np.float32)
    return TensorDataset(autograd.tensor(x), autograd.tensor((x[:, 0] > x[:, 1]).astype(np.int64)))


def net(seed: int = 0) -> nn.Module:
    autograd.manual_seed(seed)
    return nn.Sequential(
        nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.3), nn.Linear(8, 2)
    )


def weights(model: nn.Module) -> list[Any]:
    return [value.numpy().copy() for value in model.state_dict().values()]


def assert_equal(a: list[Any], b: list[Any]) -> None:
    assert len(a) == len(b)
    for x, y in zip(a, b, strict=True):
        np.testing.assert_array_equal(x, y)


def quiet(*args: Any, **options: Any) -> Any:
    return fit(*args, progress=False, **options)


class Setup:
    """A run with everything that has a state; `fit` starts or resumes it."""

    def __init__(self, epochs: int = 3, **options: Any) -> None:
        self.model = net()
        self.optimizer = optim.AdamW(self.model.parameters(), lr=1e-2)
        self.scheduler = optim.lr_scheduler.OneCycleLR(self.optimizer, 0.05, total_steps=100)
        self.early = EarlyStopping(patience=100)
        self.loader = DataLoader(data(), batch_size=8, shuffle=True)
        self.epochs = epochs
        self.options = {"scheduler_every": "batch", "clip_norm": 1.0, **options}

    def fit(self, *callbacks: Callback, checkpoint: Any = None, **options: Any) -> Any:
        return quiet(
            self.model,
            self.loader,
            nn.CrossEntropyLoss(),
            self.optimizer,
            self.epochs,
            validation=DataLoader(data(20, 1), batch_size=8),
            metrics=["accuracy", "f1"],
            scheduler=self.scheduler,
            callbacks=[self.early, *callbacks],
            checkpoint=checkpoint,
            **self.options,
            **options,
        )


def test_is_the_loop_one_writes_by_hand() -> None:
    model, loss = net(), nn.CrossEntropyLoss()
    optimizer = optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    scheduler = optim.lr_scheduler.StepLR(optimizer, 2)
    losses = []
    for _ in range(4):
        model.train()
        total = 0.0
        for x, y in DataLoader(data(), batch_size=8, shuffle=True):
            value = loss(model(x), y)
            optimizer.zero_grad()
            value.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 0.5)
            optimizer.step()
            total += value.item() * len(y)
        scheduler.step()
        losses.append(total / 60)
    other = net()
    optimizer = optim.SGD(other.parameters(), lr=0.1, momentum=0.9)
    history = quiet(
        other,
        DataLoader(data(), batch_size=8, shuffle=True),
        loss,
        optimizer,
        4,
        scheduler=optim.lr_scheduler.StepLR(optimizer, 2),
        clip_norm=0.5,
    )
    assert_equal(weights(model), weights(other))
    assert history["loss"] == losses
    assert history["lr"] == pytest.approx([0.1, 0.1, 0.01, 0.01])


def test_accumulates_to_the_mean_gradient_of_the_batches() -> None:
    """Also of the last, shorter group: 7 batches in groups of 3."""
    model, other = nn.Linear(4, 2), nn.Linear(4, 2)
    other.load_state_dict(model.state_dict())
    loss, dataset = nn.CrossEntropyLoss(), data(56)
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    quiet(model, DataLoader(dataset, batch_size=8), loss, optimizer, 1, accumulate=3)
    optimizer = optim.SGD(other.parameters(), lr=0.1)
    for start, stop in ((0, 24), (24, 48), (48, 56)):
        optimizer.zero_grad()
        x, y = dataset[start:stop]
        loss(other(x), y).backward()
        optimizer.step()
    for a, b in zip(weights(model), weights(other), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5)

    def endless() -> Any:  # a loader without a length
        return (batch for batch in DataLoader(dataset, batch_size=8))

    third = nn.Linear(4, 2)
    third.load_state_dict(model.state_dict())
    quiet(third, endless(), loss, optim.SGD(third.parameters(), lr=0.1), 1, accumulate=3)
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    quiet(model, DataLoader(dataset, batch_size=8), loss, optimizer, 1, accumulate=3)
    assert_equal(weights(model), weights(third))


def test_plateau_closure_and_autoencoder() -> None:
    x = TensorDataset(autograd.randn(32, 3))
    model = nn.Linear(3, 3)
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    plateau = optim.lr_scheduler.ReduceLROnPlateau(optimizer, patience=0, threshold=10.0)
    history = quiet(model, DataLoader(x, 8), nn.MSELoss(), optimizer, 4, scheduler=plateau)
    assert history["loss"][-1] < history["loss"][0]
    assert optimizer.param_groups[0]["lr"] < 0.1
    optimizer = optim.LBFGS(model.parameters(), line_search_fn="strong_wolfe")
    history = quiet(model, DataLoader(x, 32), nn.MSELoss(), optimizer, 3, metrics="mse")
    assert history["loss"][-1] < 1e-6


def test_history_and_progress(capsys: Any, tmp_path: Path) -> None:
    model = net()
    optimizer = optim.Adam(model.parameters(), lr=0.01)
    history = fit(
        model,
        DataLoader(data(), batch_size=8),
        nn.CrossEntropyLoss(),
        optimizer,
        2,
        validation=DataLoader(data(20, 1), batch_size=8),
        metrics={"acc": "accuracy", "half": lambda output, target: 0.5, "table": confusion()},
        callbacks=[CSVLogger(tmp_path / "log.csv")],
    )
    lines = capsys.readouterr().out.splitlines()
    assert [line.split("  ")[0] for line in lines] == ["epoch 1/2", "epoch 2/2"]
    assert f"val_acc {history['val_acc'][1]:.4f}" in lines[1]
    assert set(history) == {
        "loss", "acc", "half", "val_loss", "val_acc", "val_half", "lr", "time",
    }  # fmt: skip
    assert history["half"] == [0.5, 0.5]
    rows = (tmp_path / "log.csv").read_text().splitlines()
    assert len(rows) == 3 and rows[2].split(",")[1] == str(history["loss"][1])
    assert "2 epochs" in repr(history)


def confusion() -> Any:
    return nn.training.ConfusionMatrix()


def test_plots(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib").use("Agg")
    history = nn.training.History({"loss": [2.0, 1.0], "val_loss": [2.1, 1.5], "time": [1.0, 1.0]})
    figure = history.plot()
    (axis,) = figure.axes
    assert [line.get_label() for line in axis.lines] == ["loss", "val_loss"]
    figure.savefig(tmp_path / "history.png")
    finder = nn.training.LRFinder([1e-3, 1e-2, 1e-1], [2.0, 1.0, 3.0])
    assert finder.suggestion == pytest.approx(1e-3)
    finder.plot().savefig(tmp_path / "lr.png")


def test_tensorboard(tmp_path: Path) -> None:
    pytest.importorskip("tensorboardX")
    model = nn.Linear(4, 2)
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    loader, loss = DataLoader(data(), batch_size=30), nn.CrossEntropyLoss()
    quiet(model, loader, loss, optimizer, 2, callbacks=[TensorBoard(tmp_path)])
    (log,) = tmp_path.iterdir()
    content = log.read_bytes()
    assert content.count(b"epoch/loss") == 2 and content.count(b"batch/loss") == 4


def test_early_stopping_restores_the_best() -> None:
    class Spoil(Callback):
        """Makes the model worse after the second epoch."""

        kept: list[Any]

        def on_epoch_end(self, run: Any, logs: Any) -> None:
            if run.epoch == 2:
                self.kept = weights(run.model)
                with autograd.no_grad():
                    for p in run.model.parameters():
                        p.neg_()

    model, spoil = nn.Linear(4, 2), Spoil()
    optimizer = optim.SGD(model.parameters(), lr=1e-3)
    early = EarlyStopping(patience=2)
    loader, loss = DataLoader(data(), batch_size=8), nn.CrossEntropyLoss()
    options = {"validation": loader, "callbacks": [early, spoil]}
    history = quiet(model, loader, loss, optimizer, 50, **options)
    assert len(history["loss"]) == 4 and early.best_epoch == 2
    assert_equal(weights(model), spoil.kept)
    with pytest.raises(KeyError, match=r"no 'val_f1' to monitor; this run has loss, lr"):
        quiet(model, loader, loss, optimizer, 1, callbacks=[EarlyStopping("val_f1")])
    with pytest.raises(ValueError, match="mode must be"):
        EarlyStopping(mode="best")


def test_model_checkpoint(tmp_path: Path) -> None:
    model = nn.Linear(4, 2)
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    loader, loss = DataLoader(data(), batch_size=8), nn.CrossEntropyLoss()
    every = ModelCheckpoint(tmp_path / "w{epoch}.safetensors")
    best = ModelCheckpoint(tmp_path / "best", "loss", save_best_only=True)
    quiet(model, loader, loss, optimizer, 3, callbacks=[every, best])
    assert sorted(p.name for p in tmp_path.iterdir()) == ["best"] + [
        f"w{i}.safetensors" for i in (1, 2, 3)
    ]
    other = nn.Linear(4, 2)
    other.load_state_dict(autograd.load(tmp_path / "w3.safetensors"))
    assert_equal(weights(model), weights(other))


def test_loss_that_is_not_finite() -> None:
    model = nn.Linear(4, 2)
    before = weights(model)
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    x = autograd.full((8, 4), float("inf"))
    loader = DataLoader(TensorDataset(x, autograd.zeros(8, dtype=autograd.int64)), 4)
    with pytest.raises(FloatingPointError, match=r"loss is nan in epoch 1, batch 1"):
        quiet(model, loader, nn.CrossEntropyLoss(), optimizer, 1)
    assert_equal(weights(model), before)


def test_bad_arguments() -> None:
    model = nn.Linear(4, 2)
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    arguments = (model, [], nn.CrossEntropyLoss(), optimizer, 1)
    with pytest.raises(ValueError, match="gave no batch"):
        quiet(*arguments)
    with pytest.raises(ValueError, match="1 or more"):
        quiet(*arguments, accumulate=0)
    with pytest.raises(ValueError, match="scheduler_every"):
        quiet(*arguments, scheduler_every="step")
    with pytest.raises(ValueError, match="a metric is one of 'accuracy'"):
        quiet(*arguments, metrics=["accuracies"])
    loader = [data().tensors]
    with pytest.raises(TypeError, match=r"loss is a function or a module, as nn.MSELoss\(\)"):
        quiet(model, loader, nn.MSELoss, optimizer, 1)
    with pytest.raises(TypeError, match="loss is a function"):
        quiet(model, loader, "mse", optimizer, 1)
    with pytest.raises(TypeError, match=r"as optim.Adam\(model.parameters\(\)\), got str"):
        quiet(model, loader, nn.MSELoss(), "adam", 1)
    with pytest.raises(ValueError, match="none of the model's parameters"):
        quiet(nn.Linear(4, 2), loader, nn.MSELoss(), optimizer, 1)
    with pytest.raises(ValueError, match=r"one number, .*shape \(60,\)"):
        quiet(model, loader, nn.CrossEntropyLoss(reduction="none"), optimizer, 1)
    once = (data().tensors for _ in range(1))
    with pytest.raises(ValueError, match="epoch 2; a generator can be passed over only once"):
        quiet(model, once, nn.CrossEntropyLoss(), optimizer, 2)


def test_gradients_from_before_are_dropped() -> None:
    model = nn.Linear(4, 2)
    model(autograd.full((1, 4), 1e6)).sum().backward()
    before = model.weight.detach().clone()
    x = autograd.zeros(4, 4)
    quiet(model, [(x, x[:, :2])], nn.MSELoss(), optim.SGD(model.parameters(), lr=0.1), 1)
    assert_equal([model.weight.detach()], [before])


def test_a_loader_of_unknown_length() -> None:
    class Stream(nn.data.IterableDataset):
        def __iter__(self) -> Any:
            return iter(zip(*data().tensors, strict=True))

    a, b = net(), net()
    b.load_state_dict(a.state_dict())
    for model, dataset in ((a, Stream()), (b, data())):
        optimizer = optim.SGD(model.parameters(), lr=0.1)
        autograd.manual_seed(3)
        quiet(model, DataLoader(dataset, 8), nn.CrossEntropyLoss(), optimizer, 2, accumulate=3)
    assert_equal(weights(a), weights(b))


def test_evaluate_and_predict() -> None:
    model = net()
    model[1].eval()
    loader = DataLoader(data(), batch_size=7)
    found = evaluate(model, loader, nn.CrossEntropyLoss(), ["accuracy"])
    assert [m.training for m in model] == [True, False, True, True, True]
    outputs = predict(model, loader)
    x, y = data().tensors
    np.testing.assert_allclose(outputs.tolist(), predict(model, x).tolist(), atol=1e-6)
    np.testing.assert_allclose(outputs.tolist(), predict(model, data(), 9).tolist(), atol=1e-6)
    assert found["accuracy"] == (outputs.argmax(1) == y).float().mean().item()
    assert found["loss"] == pytest.approx(nn.CrossEntropyLoss()(outputs, y).item(), rel=1e-5)
    assert not outputs.requires_grad
    with pytest.raises(ValueError, match="no batches"):
        predict(model, iter(()))

    class Two(nn.Module):
        def forward(self, x: Any) -> Any:
            return x, x.sum(1)

    first, second = predict(Two(), x, 7)
    assert first.shape == (60, 4) and second.shape == (60,)


def test_find_lr_leaves_everything_as_it_was() -> None:
    model = net()
    optimizer = optim.Adam(model.parameters(), lr=0.5)
    loader, loss = DataLoader(data(), batch_size=8, shuffle=True), nn.CrossEntropyLoss()
    quiet(model, loader, loss, optimizer, 1)
    before, state = weights(model), autograd.get_rng_state()
    found = find_lr(model, loader, loss, optimizer, steps=50)
    assert found.lrs == sorted(found.lrs) and len(found.lrs) == len(found.losses) > 30
    assert_equal(weights(model), before)
    assert autograd.get_rng_state() == state
    assert optimizer.param_groups[0]["lr"] == 0.5
    assert optimizer.state[model[0].weight]["step"].item() == 8
    with pytest.raises(ValueError, match="start < end"):
        find_lr(model, loader, loss, optimizer, start=1.0, end=0.1)


class Stop(Callback):
    """Interrupts the run after some batches, as Ctrl-C in the middle of a batch does."""

    def __init__(self, after: int) -> None:
        self.after = after

    def on_batch_end(self, run: Any, logs: Any) -> None:
        if run.steps == self.after:
            run._interrupts.inside_step = True  # the batch is not over for the signal's sake
            os.kill(os.getpid(), signal.SIGINT)


@pytest.mark.parametrize("options", [{}, {"accumulate": 3}], ids=["", "accumulate"])
@pytest.mark.parametrize("after", [1, 5, 8, 9, 16, 23])
def test_interrupted_and_resumed_is_the_same(
    tmp_path: Path, after: int, options: dict[str, Any]
) -> None:
    path = tmp_path / "run.safetensors"
    whole = Setup(**options)
    expected = whole.fit()
    stopped = Setup(**options)
    with pytest.raises(KeyboardInterrupt) as caught:
        stopped.fit(Stop(after), checkpoint=path)
    assert f"resumed from {path}" in caught.value.__notes__[0]
    random.random(), np.random.random(), autograd.manual_seed(99)
    resumed = Setup(**options)
    history = resumed.fit(Stop(-1), checkpoint=path)
    assert_equal(weights(whole.model), weights(resumed.model))
    for name in expected:
        assert name == "time" or history[name] == expected[name]
    again = Setup(**options)
    assert again.fit(Stop(-1), checkpoint=path)["loss"] == expected["loss"]
    assert_equal(weights(again.model), weights(whole.model))


class Noisy:
    """Items with noise that is drawn when they are fetched."""

    def __len__(self) -> int:
        return 60

    def __getitem__(self, index: int) -> Any:
        x, y = data()[index]
        return x + 0.1 * autograd.randn(4), y


@pytest.mark.parametrize("workers", [0, 3])
@pytest.mark.parametrize("after", [5, 8, 13])
def test_noise_of_items_is_resumed(tmp_path: Path, workers: int, after: int) -> None:
    def run(*callbacks: Callback, **options: Any) -> list[Any]:
        model = net()
        loader = DataLoader(Noisy(), 8, shuffle=True, num_workers=workers)
        optimizer = optim.AdamW(model.parameters(), lr=1e-2)
        quiet(model, loader, nn.CrossEntropyLoss(), optimizer, 3, callbacks=callbacks, **options)
        return weights(model)

    expected = run()
    with pytest.raises(KeyboardInterrupt):
        run(Stop(after), checkpoint=tmp_path / "run")
    assert_equal(run(Stop(-1), checkpoint=tmp_path / "run"), expected)


def test_own_generators_are_resumed(tmp_path: Path) -> None:
    def run(checkpoint: Any, *callbacks: Callback, resume: bool = True) -> nn.Module:
        model = nn.Linear(4, 2)
        nn.init.ones_(model.weight), nn.init.zeros_(model.bias)
        generator = autograd.Generator().manual_seed(5)
        loader = DataLoader(data(), 8, shuffle=True, generator=generator)
        optimizer = optim.SGD(model.parameters(), lr=0.1)
        loss = nn.CrossEntropyLoss()
        options = {"callbacks": callbacks, "checkpoint": checkpoint, "resume": resume}
        quiet(model, loader, loss, optimizer, 3, **options)
        return model

    whole = run(None)
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "c", Stop(13))
    assert_equal(weights(run(tmp_path / "c", Stop(-1))), weights(whole))
    anew = run(tmp_path / "c", Stop(-1), resume=False)
    assert_equal(weights(anew), weights(whole))


def test_checkpoint_that_does_not_fit(tmp_path: Path) -> None:
    path = tmp_path / "run.safetensors"
    Setup(1).fit(checkpoint=path)
    with pytest.raises(ValueError, match="other callbacks, metrics or scheduler"):
        Setup(1).fit(Stop(-1), checkpoint=path)
    autograd.save({"w": autograd.ones(1)}, path)
    with pytest.raises(ValueError, match="is no checkpoint of fit"):
        Setup(1).fit(checkpoint=path)


def test_second_ctrl_c_is_immediate_and_keeps_the_old_checkpoint(tmp_path: Path) -> None:
    path = tmp_path / "run.safetensors"

    class Impatient(Callback):
        def on_batch_end(self, run: Any, logs: Any) -> None:
            if run.steps == 10:
                run._interrupts.inside_step = True
                os.kill(os.getpid(), signal.SIGINT)
                os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        Setup().fit(Impatient(), checkpoint=path)
    assert autograd.load(path)["progress"][:2] == [1, 0]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_in_another_thread() -> None:
    found: list[Any] = []
    thread = threading.Thread(target=lambda: found.append(Setup(1).fit()))
    thread.start()
    thread.join()
    assert math.isfinite(found[0]["loss"][0])


PROGRAM = """
import sys
sys.path[:0] = [{root!r}, {tests!r}]
from test_training import Setup
import autograd
setup = Setup(8, checkpoint_every=5)
print("ready", flush=True)
setup.fit(checkpoint=sys.argv[1])
autograd.save(setup.model.state_dict(), sys.argv[1] + ".end")
"""


@pytest.mark.slow
def test_killed_at_ten_moments_and_resumed_is_the_same(tmp_path: Path) -> None:
    here = Path(__file__).parent
    program = PROGRAM.format(root=str(here.parent), tests=str(here))

    def start(name: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", program, str(tmp_path / name)], stdout=-1, text=True
        )
        assert process.stdout is not None and process.stdout.readline() == "ready\n"
        return process

    begin = time.perf_counter()
    whole = start("whole")
    whole.communicate()
    duration = time.perf_counter() - begin
    rng = random.Random(0)
    kills = 0
    while kills < 10:
        process = start("killed")
        try:
            process.communicate(timeout=rng.uniform(0, duration / 8))
        except subprocess.TimeoutExpired:
            process.kill()
            kills += 1
        else:  # it came to its end: begin another
            (tmp_path / "killed").unlink()
        process.communicate()
    last = start("killed")
    last.communicate()
    assert last.returncode == 0
    ends = [autograd.load(tmp_path / f"{name}.end") for name in ("whole", "killed")]
    for key, value in ends[0].items():
        np.testing.assert_array_equal(value.numpy(), ends[1][key].numpy())
