"""examples/digits.py as a user runs it: what it prints, what it writes, what it refuses."""

from __future__ import annotations

import gzip
import importlib.util
import os
import pty
import re
import signal
import subprocess
import sys
import termios
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import autograd
from nn.data import digits, write_idx

ROOT = Path(__file__).parent.parent
SCRIPT = ROOT / "examples" / "digits.py"


def environment(**changes: str) -> dict[str, str]:
    return os.environ | {"PYTHONPATH": str(ROOT)} | changes


def run(*options: str, cwd: Path, **changes: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(SCRIPT), *options],
        cwd=cwd,
        env=environment(**changes),
        capture_output=True,
        text=True,
        timeout=300,
    )


def write_digits(folder: Path, train: int, test: int) -> None:
    for split, data, count in zip(("train", "t10k"), digits(), (train, test), strict=True):
        images, labels = (tensor.numpy()[:count] for tensor in data.tensors)
        write_idx(folder / f"{split}-images-idx3-ubyte", np.uint8(images[:, 0] * 255))
        write_idx(folder / f"{split}-labels-idx1-ubyte", np.uint8(labels))


@pytest.fixture(scope="module")
def few(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the IDX files of a few digits, two of them zipped."""
    folder = tmp_path_factory.mktemp("few")
    write_digits(folder, 500, 100)
    for path in sorted(folder.glob("t10k*")):
        path.with_name(path.name + ".gz").write_bytes(gzip.compress(path.read_bytes()))
        path.unlink()
    return folder


# What it does --------------------------------------------------------------------------------


def test_it_trains_saves_reloads_and_draws(few: Path, tmp_path: Path) -> None:
    done = run("--data-dir", str(few), "--epochs", "2", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert "\r" not in done.stdout and "\x1b" not in done.stdout
    lines = done.stdout.splitlines()
    assert lines[0].startswith("Net(") and lines[5] == "500 training and 100 test images"
    epochs = re.findall(r"epoch (\d)/2  loss (\d\.\d{4})  test accuracy (\d+\.\d\d)%", done.stdout)
    assert [number for number, _, _ in epochs] == ["1", "2"]
    assert float(epochs[1][1]) < float(epochs[0][1])
    assert f"reloaded into a new network, test accuracy {epochs[1][2]}%" in done.stdout
    assert lines[-2].startswith("out/graph.svg: the graph")
    assert lines[-1].startswith("out/backprop.html: step through")

    weights = autograd.load(tmp_path / "out" / "digits.safetensors")
    assert {name: tuple(w.shape) for name, w in weights.items()} == {
        "hidden1.weight": (512, 784),
        "hidden1.bias": (512,),
        "hidden2.weight": (256, 512),
        "hidden2.bias": (256,),
        "out.weight": (10, 256),
        "out.bias": (10,),
    }
    graph = (tmp_path / "out" / "graph.svg").read_text(encoding="utf-8")
    assert all(name in graph for name in [*weights, "relu", "cross_entropy", "float32[64, 784]"])
    assert "hidden1 · Linear" in graph
    page = (tmp_path / "out" / "backprop.html").read_text(encoding="utf-8")
    assert "Backward pass of loss" in page and "default-src 'none'" in page


def test_the_seed_decides(few: Path, tmp_path: Path) -> None:
    def result(seed: str) -> tuple[list[str], bytes]:
        options = ("--data-dir", str(few), "--epochs", "1", "--seed", seed, "--out", "here")
        lines = run(*options, cwd=tmp_path).stdout.splitlines()
        return lines[6:7], (tmp_path / "here" / "digits.safetensors").read_bytes()

    first = result("3")
    assert first[0][0].startswith("epoch 1/1") and result("3") == first
    assert result("4")[1] != first[1]


def test_it_needs_no_other_program(few: Path, tmp_path: Path) -> None:
    done = run("--data-dir", str(few), "--epochs", "1", cwd=tmp_path, PATH="")
    assert (done.returncode, done.stderr) == (0, "")
    assert {"digits.safetensors", "graph.svg"} <= {p.name for p in (tmp_path / "out").iterdir()}


def test_a_terminal_shows_a_progress_bar(few: Path, tmp_path: Path) -> None:
    terminal, inside = pty.openpty()
    termios.tcsetwinsize(inside, (24, 100))
    process = subprocess.Popen(
        [sys.executable, str(SCRIPT), "--data-dir", str(few), "--epochs", "1"],
        cwd=tmp_path,
        env=environment(TERM="xterm"),
        stdout=inside,
        stderr=inside,
    )
    os.close(inside)
    shown = b""
    try:
        while chunk := os.read(terminal, 4096):
            shown += chunk
    except OSError:  # how Linux tells that the other end is closed
        pass
    finally:
        os.close(terminal)
    assert process.wait(timeout=60) == 0
    assert b"\repoch 1/1:" in shown and b"batch/s" in shown
    assert b"Traceback" not in shown


def test_ctrl_c_ends_it_without_a_traceback(few: Path, tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, str(SCRIPT), "--data-dir", str(few), "--epochs", "100000"],
        cwd=tmp_path,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        while not process.stdout.readline().startswith("epoch 1/"):
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert errors.strip() == "interrupted"


# What it refuses -----------------------------------------------------------------------------


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """The script as a module, in an empty working directory."""
    spec = importlib.util.spec_from_file_location("digits_example", SCRIPT)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.chdir(tmp_path)
    return module


def refusal(
    script: Any,
    options: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> str:
    """The one line that the script says before it exits with status 2."""
    monkeypatch.setattr(sys, "argv", ["digits.py", *options])
    with pytest.raises(SystemExit) as info:
        script.main()
    out, err = capsys.readouterr()
    assert info.value.code == 2 and out == ""
    assert err.startswith("digits.py: ") and err.count("\n") == 1
    return err


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("--epochs 0", "--epochs: must be a whole number above 0, got '0'"),
        ("--epochs -3", "--epochs: must be a whole number above 0, got '-3'"),
        ("--epochs 1.5", "--epochs: must be a whole number above 0, got '1.5'"),
        ("--epochs ²", "--epochs: must be a whole number above 0, got '²'"),
        ("--lr nan", "--lr: must be a number above 0, got 'nan'"),
        ("--lr inf", "--lr: must be a number above 0, got 'inf'"),
        ("--lr 0", "--lr: must be a number above 0, got '0'"),
        ("--lr fast", "--lr: must be a number above 0, got 'fast'"),
        ("--batch-size 0", "--batch-size: must be a whole number above 0"),
        ("--batch-size 10001", "--batch-size: the data has only 10,000 images"),
        ("--seed x", "--seed: invalid int value: 'x'"),
        ("--data-dir nowhere", "--data-dir: there is no directory nowhere"),
        ("--data-dir .", "--data-dir: . must hold the four files train-images-idx3-ubyte,"),
        ("--speed 3", "unrecognized arguments: --speed 3"),
        ("--epochs", "--epochs: expected one argument"),
    ],
)
def test_a_wrong_option_gets_one_line(
    options: str,
    message: str,
    script: Any,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert message in refusal(script, options.split(), monkeypatch, capsys)
    assert list(Path().iterdir()) == []


def test_damaged_and_foreign_files_get_one_line(
    script: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = Path("data")
    folder.mkdir()
    options = ["--data-dir", "data"]
    write_digits(folder, 20, 10)
    images = folder / "train-images-idx3-ubyte"
    whole = images.read_bytes()
    images.write_bytes(whole[:-100])
    assert "train-images-idx3-ubyte" in refusal(script, options, monkeypatch, capsys)
    images.unlink()
    write_idx(images, np.zeros((20, 32, 32), np.uint8))
    expected = "data must hold digits of 28 x 28 pixels"
    assert expected in refusal(script, options, monkeypatch, capsys)
    images.write_bytes(whole)
    write_idx(folder / "t10k-labels-idx1-ubyte", np.full(10, 11, np.uint8))
    assert expected in refusal(script, options, monkeypatch, capsys)
    write_digits(folder, 20, 0)
    assert expected in refusal(script, options, monkeypatch, capsys)


def test_an_output_that_is_no_folder_gets_one_line(
    script: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("taken").write_text("")
    for out in ("taken", "taken/below"):
        assert "taken" in refusal(script, ["--out", out], monkeypatch, capsys)


def test_the_exit_status_reaches_the_shell(tmp_path: Path) -> None:
    done = run("--epochs", "none", cwd=tmp_path)
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr.splitlines() == [
        "digits.py: argument --epochs: must be a whole number above 0, got 'none'"
    ]
    helped = run("--help", cwd=tmp_path)
    assert helped.returncode == 0 and "--data-dir DIR" in helped.stdout


# The main job --------------------------------------------------------------------------------


@pytest.mark.slow
def test_the_main_job_is_accurate_and_fast(tmp_path: Path) -> None:
    done = run(cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    (accuracy,) = re.findall(r"reloaded .* test accuracy (\d+\.\d+)%", done.stdout)
    (seconds,) = re.findall(r"trained in (\d+\.\d) s", done.stdout)
    assert float(accuracy) >= 95 and float(seconds) < 40


@pytest.mark.slow
def test_full_mnist(tmp_path: Path) -> None:
    folder = os.environ.get("TAPEGRAD_DATA_DIR")
    if not folder:
        pytest.skip("TAPEGRAD_DATA_DIR does not name a folder with the MNIST files")
    done = run("--data-dir", folder, "--epochs", "2", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert "60,000 training and 10,000 test images" in done.stdout
    (accuracy,) = re.findall(r"reloaded .* test accuracy (\d+\.\d+)%", done.stdout)
    assert float(accuracy) >= 96
