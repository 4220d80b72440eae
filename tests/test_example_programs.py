"""The programs in examples/ that PyTorch users know: they learn, and so does the same source with
PyTorch behind it, only the import lines changed."""

from __future__ import annotations

import re
import struct
import subprocess
import sys
import types
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import autograd
import nn.data

EXAMPLES = Path(__file__).parent.parent / "examples"
PROGRAMS = ("actor_critic", "dcgan", "gpt", "mnist_cnn", "vae")
TO_PYTORCH = {
    "import autograd": "import torch as autograd",
    "import nn": "import torch.nn as nn",
    "import nn.functional as F": "import torch.nn.functional as F",
    "import optim": "import torch.optim as optim",
    "from autograd.distributions import": "from torch.distributions import",
    "from optim.lr_scheduler import": "from torch.optim.lr_scheduler import",
}
LIBRARIES = ["tapegrad", pytest.param("PyTorch", marks=pytest.mark.parity)]


def few_digits(count: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """The images and labels of the first training and test digits."""
    return [tuple(t.numpy()[:count] for t in data.tensors) for data in nn.data.digits()]


@pytest.fixture(params=LIBRARIES)
def library(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Which library is behind the programs. `here` stands for torchvision, with few digits."""
    here = types.ModuleType("here")
    if request.param == "PyTorch":
        torch = request.getfixturevalue("torch")
        tensor, dataset = torch.from_numpy, torch.utils.data.TensorDataset
        before = torch.get_num_threads()
    else:
        tensor, dataset, before = autograd.from_numpy, nn.data.TensorDataset, None

    def digits() -> list[Any]:
        return [dataset(*map(tensor, arrays)) for arrays in few_digits(960)]

    def save_image(images: Any, *args: Any, **kwargs: Any) -> None:
        nn.data.save_image(autograd.from_numpy(images.numpy()), *args, **kwargs)

    vars(here).update(digits=digits, save_image=save_image, MNIST=None)
    monkeypatch.setitem(sys.modules, "here", here)
    yield request.param
    if before is not None:
        torch.set_num_threads(before)


def import_line(line: str, library: str) -> str:
    if line.startswith("from nn.data import"):
        loader = "torch.utils" if library == "PyTorch" else "nn"
        names = set(re.findall(r"\w+", line.partition("import")[2])) - {"DataLoader"}
        return f"from {loader}.data import DataLoader; from here import {', '.join(sorted(names))}"
    if library == "PyTorch":
        for ours, theirs in TO_PYTORCH.items():
            if line == ours or (ours.endswith(" import") and line.startswith(ours + " ")):
                return theirs + line[len(ours) :]
    return line


def run(name: str, library: str, options: str, capsys: Any, monkeypatch: Any) -> str:
    """What the program prints, with other import lines and the same rest."""
    path = EXAMPLES / f"{name}.py"
    lines = path.read_text(encoding="utf-8").split("\n")
    source = "\n".join(
        import_line(line, library) if line.startswith(("import ", "from ")) else line
        for line in lines
    )
    monkeypatch.setattr(sys, "argv", [path.name, *options.split()])
    threads = autograd.get_num_threads()
    autograd.set_num_threads(1)  # tests run side by side
    exec(compile(source, str(path), "exec"), {"__name__": "__main__"})
    autograd.set_num_threads(threads)
    return capsys.readouterr().out


def pixels(path: Path) -> np.ndarray:
    """A PNG file without filters, (height, width, 3), in [0, 1]."""
    content = path.read_bytes()
    assert content.startswith(b"\x89PNG\r\n\x1a\n")
    chunks: dict[bytes, bytes] = {}
    at = 8
    while at < len(content):
        (size,) = struct.unpack(">I", content[at : at + 4])
        kind, data = content[at + 4 : at + 8], content[at + 8 : at + 8 + size]
        (crc,) = struct.unpack(">I", content[at + 8 + size : at + 12 + size])
        assert crc == zlib.crc32(kind + data)
        chunks[kind], at = data, at + 12 + size
    assert list(chunks) == [b"IHDR", b"IDAT", b"IEND"]
    width, height, *rest = struct.unpack(">IIBBBBB", chunks[b"IHDR"])
    assert rest == [8, 2, 0, 0, 0]
    lines = np.frombuffer(zlib.decompress(chunks[b"IDAT"]), np.uint8).reshape(height, -1)
    assert not lines[:, 0].any()
    return lines[:, 1:].reshape(height, width, 3) / 255


def numbers(pattern: str, text: str) -> list[float]:
    return [float(value) for value in re.findall(pattern, text)]


@pytest.fixture(autouse=True)
def in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_gpt(library: str, capsys: Any, monkeypatch: Any) -> None:
    options = "--steps 60 --layers 2 --width 32 --context 32 --log-interval 20 --write 30"
    text = run("gpt", library, f"{options} --save-model w", capsys, monkeypatch)
    losses = numbers(r"held-out loss (\d+\.\d+)", text)
    assert len(losses) == 4
    assert losses[0] > 4.4 and losses[-1] < 3.1  # ln of 103 characters, and single letters' entropy
    assert len(text.split("\n", 5)[5]) == 32  # the first letter, 30 more and the end of the line
    if library == "tapegrad":
        state = autograd.load("w")
        assert (state["scores.weight"] == state["characters.weight"]).all()


def test_gpt_reads_a_file(capsys: Any, monkeypatch: Any) -> None:
    Path("abc.txt").write_text("abc" * 400)
    options = "--text abc.txt --steps 120 --layers 1 --width 16 --heads 2 --context 8 --write 30"
    text = run("gpt", "tapegrad", options, capsys, monkeypatch)
    assert text.startswith("1,200 characters, 3 different; ")
    assert text.split("\n")[-2].count("abc") >= 9


def test_mnist_cnn(library: str, capsys: Any, monkeypatch: Any) -> None:
    options = "--epochs 1 --batch-size 32 --log-interval 10 --save-model"
    text = run("mnist_cnn", library, options, capsys, monkeypatch)
    losses = numbers(r"batch \d+/30  loss (\d+\.\d+)", text)
    assert len(losses) == 3 and 2.2 < losses[0] < 2.5 and losses[-1] < 1.7
    assert numbers(r"accuracy \d+/960 \((\d+\.\d+)%\)", text)[0] > 50
    assert Path("mnist_cnn.safetensors").exists()


def test_mnist_cnn_dry_run(capsys: Any, monkeypatch: Any) -> None:
    write = nn.data.write_idx
    for split, (images, labels) in zip(("train", "t10k"), few_digits(20), strict=True):
        write(f"{split}-images-idx3-ubyte", np.uint8(images[:, 0] * 255))
        write(f"{split}-labels-idx1-ubyte", np.uint8(labels))
    options = ["--data-dir", ".", "--batch-size", "4", "--epochs", "1", "--dry-run"]
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / "mnist_cnn.py"), *options],
        env={"PYTHONPATH": str(EXAMPLES.parent), "PATH": ""},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count("loss") == 2 and "/20 (" in done.stdout


def test_vae(library: str, capsys: Any, monkeypatch: Any) -> None:
    text = run("vae", library, "--epochs 4 --batch-size 32", capsys, monkeypatch)
    losses = numbers(r"test loss (\d+\.\d+)", text)
    assert len(losses) == 4 and losses == sorted(losses, reverse=True)
    assert losses[-1] < 190  # 206 is what the mean image alone is worth
    pairs = pixels(Path("out/vae_rebuilt.png"))
    assert pairs.shape == (62, 242, 3)
    digits, rebuilt = pairs[2:30, 2:-2], pairs[32:60, 2:-2]
    assert np.corrcoef(digits.reshape(-1), rebuilt.reshape(-1))[0, 1] > 0.6
    assert pixels(Path("out/vae_made_up.png")).shape == (242, 242, 3)


def test_dcgan(library: str, capsys: Any, monkeypatch: Any) -> None:
    options = "--epochs 3 --batch-size 32 --width 8 --lr 0.002"
    text = run("dcgan", library, options, capsys, monkeypatch)
    assert len(numbers(r"discriminator loss \d+\.\d+  generator loss (\d+\.\d+)", text)) == 3
    made = pixels(Path("out/dcgan_epoch_3.png"))
    assert made.shape == (242, 242, 3)
    tiles = made[2:, 2:, 0].reshape(8, 30, 8, 30)[:, :28, :, :28]
    # What they look like on average; before any training, this is grey and the correlation 0.
    average, expected = tiles.mean((0, 2)), few_digits(960)[0][0].mean((0, 1))
    assert np.corrcoef(average.reshape(-1), expected.reshape(-1))[0, 1] > 0.6
    assert tiles.std((0, 2)).mean() > 0.1  # but they differ


def test_actor_critic(library: str, capsys: Any, monkeypatch: Any) -> None:
    options = "--episodes 120 --limit 60 --log-interval 10"
    text = run("actor_critic", library, options, capsys, monkeypatch)
    averages = numbers(r"average +(\d+\.\d+)", text)
    assert averages[0] < 25 and max(averages) > 38  # a push at random keeps it up for 22 steps


@pytest.mark.parametrize("name", PROGRAMS)
def test_help(name: str) -> None:
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / f"{name}.py"), "--help"],
        env={"PYTHONPATH": str(EXAMPLES.parent)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, "") and "--seed" in done.stdout


def test_the_digits_program_is_tested_elsewhere() -> None:
    """Every program has a test: a new one belongs in the list above or in its own file."""
    found = {path.stem for path in EXAMPLES.glob("*.py")}
    assert set(PROGRAMS) <= found
