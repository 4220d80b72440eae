"""examples/word_language_model.py: it learns a small language, here and with PyTorch's imports."""

from __future__ import annotations

import os
import random
import re
import subprocess
import sys
from pathlib import Path

import pytest

import autograd

ROOT = Path(__file__).parent.parent
SCRIPT = ROOT / "examples" / "word_language_model.py"
SMALL = ("--width", "24", "--batch-size", "8", "--length", "12", "--lr", "0.02", "--clip", "1")
SMALL += ("--epochs", "6", "--least", "1", "--log-interval", "20", "--write", "150")
SMALL += ("--dropout", "0", "--temperature", "0.7")

NOUNS = {"cat": ("purrs", "sleeps"), "dog": ("barks", "digs"), "bird": ("sings", "flies")}
PLACES = ("in the garden", "on the roof", "under the old tree")


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sentences such as "The dog barks on the roof." """
    rng = random.Random(0)
    lines = []
    for _ in range(600):
        noun = rng.choice(list(NOUNS))
        lines.append(f"The {noun} {rng.choice(NOUNS[noun])} {rng.choice(PLACES)}.")
    path = tmp_path_factory.mktemp("text") / "animals.txt"
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


def run(script: Path, *options: str) -> str:
    done = subprocess.run(
        [sys.executable, str(script), *SMALL, *options],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=300,
        check=True,
    )
    assert done.stderr == ""
    return done.stdout


def perplexities(printed: str) -> list[float]:
    return [float(p) for p in re.findall(r"held-out perplexity (\d+\.\d)", printed)]


def check(printed: str) -> None:
    """The perplexity falls to what the grammar leaves open, and what is written follows it."""
    first, *_, last = perplexities(printed)
    by_piece = [float(p) for p in re.findall(r"piece \d+/\d+  perplexity (\d+\.\d)", printed)]
    assert by_piece[0] > 2 * by_piece[-1]
    # Three nouns, two verbs and three places, in 8.3 words: (3 · 2 · 3) ** (1 / 8.3) = 1.4.
    assert first > last and 1.3 < last < 1.6
    sentences = [line for line in printed.splitlines() if line.endswith(".")]
    assert len(sentences) >= 15
    right = [
        re.fullmatch(rf"the {noun} ({'|'.join(verbs)}) ({'|'.join(PLACES)})\.", line)
        for line in sentences
        for noun, verbs in NOUNS.items()
        if f" {noun} " in line
    ]
    assert sum(map(bool, right)) > 0.8 * len(sentences)


@pytest.mark.parametrize("kind", ["LSTM", "GRU", "RNN"])
def test_it_learns(kind: str, text: Path, tmp_path: Path) -> None:
    weights = tmp_path / "model.safetensors"
    layers = ("--layers", "2", "--tied") if kind == "GRU" else ()
    check(run(SCRIPT, "--text", str(text), "--model", kind, *layers, "--save-model", str(weights)))
    assert "memory.weight_hh_l0" in autograd.load(weights)


def test_the_seed_decides(text: Path) -> None:
    options = ("--text", str(text), "--epochs", "1", "--dry-run")
    first, same, other = (run(SCRIPT, *options, "--seed", seed) for seed in "001")
    without_seconds = [re.sub(r"\d+ s$", "", t, flags=re.M) for t in (first, same, other)]
    assert without_seconds[0] == without_seconds[1] != without_seconds[2]


def test_pythons_help_pages_are_text_enough() -> None:
    printed = run(SCRIPT, "--dry-run", "--least", "4", "--epochs", "1")
    words = int(re.match(r"([\d,]+) words", printed)[1].replace(",", ""))
    assert words > 50_000 and len(perplexities(printed)) == 1


@pytest.mark.parity
def test_with_pytorch_only_the_imports_change(text: Path, tmp_path: Path) -> None:
    pytest.importorskip("torch")
    imports = {
        "import autograd": "import torch as autograd",
        "import nn": "from torch import nn",
        "import nn.functional as F": "import torch.nn.functional as F",
        "import optim": "from torch import optim",
    }
    lines = SCRIPT.read_text(encoding="utf-8").splitlines()
    assert imports.keys() <= set(lines)
    changed = tmp_path / "model.py"
    changed.write_text("\n".join(imports.get(line, line) for line in lines), encoding="utf-8")
    check(run(changed, "--text", str(text)))
