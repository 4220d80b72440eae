"""Every lesson runs from its first cell to its last, and what it tells the reader comes true."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import Any

import pytest

NOTEBOOKS = sorted((Path(__file__).parent.parent / "notebooks").glob("*.ipynb"))


def load(path: Path) -> list[dict[str, Any]]:
    return json.loads(path.read_text(encoding="utf-8"))["cells"]


def test_there_are_notebooks() -> None:
    assert NOTEBOOKS


def executed(path: Path) -> dict[str, Any]:
    """The names after all cells have run in order; the value that ends a cell can be shown."""
    namespace: dict[str, Any] = {}
    for i, cell in enumerate(load(path)):
        if cell["cell_type"] != "code":
            continue
        tree = ast.parse("".join(cell["source"]), filename=f"{path.name} cell {i}")
        shown = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
        exec(compile(tree, f"{path.name} cell {i}", "exec"), namespace)
        if shown is not None:
            expression = ast.Expression(shown.value)
            value = eval(compile(expression, f"{path.name} cell {i}", "eval"), namespace)
            assert isinstance(repr(value), str)
    return namespace


def digits(found: dict[str, Any]) -> None:
    dense, convolutional, moved = found["dense"], found["convolutional"], found["moved"]
    assert convolutional > dense + 0.02 and dense > 0.88
    assert found["dense_mixed"] > dense - 0.03  # dealing the pixels anew does it no harm
    assert found["convolutional_mixed"] < found["dense_mixed"]
    assert moved[2][1] > moved[2][0] + 0.1
    assert 3 * found["count"](found["lenet"]()) < found["count"](found["network"]())


def vanishing_gradients(found: dict[str, Any]) -> None:
    sigmoid, tanh, relu = found["sigmoid"], found["tanh"], found["relu"]
    assert sigmoid[-1] > 1e9 * sigmoid[0]
    assert tanh[-1] < 1e3 * tanh[0] and relu[-1] < 1e4 * relu[0]
    for gain, expected in ((1.0, 1 / 45), (2.0, 2**0.5), (4.0, 64)):
        assert all(0.5 < size / expected < 2 for size in found["through"][gain])
    sizes = found["sizes"]
    assert sizes["plain", 0.1] < 1e-10 and sizes["plain", 10.0] > 1e10
    assert all(0.4 < sizes["normalized", factor] < 0.8 for factor in (0.1, 10.0))
    assert found["residual"][-1] < 100 * found["residual"][0]
    assert found["learnt"]["sigmoid"] > 2.2
    assert all(found["learnt"][name] < 0.6 for name in list(found["learnt"])[2:])


def recurrent_networks(found: dict[str, Any]) -> None:
    allclose = found["autograd"].allclose
    assert allclose(found["dU"], found["U"].grad) and allclose(found["dW"], found["W"].grad)
    arrives = found["arrives"]
    assert arrives["plain"] < 1e-3 and min(arrives["LSTM"], arrives["GRU"]) > 0.05
    reached = found["reached"]
    assert all(reached[kind, 5] > 0.98 for kind in ("plain", "LSTM", "GRU"))
    assert reached["plain", 30] < 0.6 and min(reached["LSTM", 30], reached["GRU", 30]) > 0.95
    assert found["written"] == found["text"][:-1]


def attention(found: dict[str, Any]) -> None:
    slopes = found["slopes"]
    assert slopes[1024, True] < 0.1 * slopes[4, True]
    assert slopes[1024, False] > 0.8 * slopes[4, False]
    assert found["right"] > 0.99 and found["on_the_place"] > 0.95
    depends = found["depends"].tolist()
    assert min(depends[:3]) > 0 and depends[3:] == [0.0] * 3
    assert found["sorted_right"] > 0.9


def higher_derivatives(found: dict[str, Any]) -> None:
    newton, descent = found["newton"], found["descent"]
    assert newton[4] < 1e-11 and descent[5] > 1e-4
    assert found["newton_steps"] < 10 and found["descent_steps"] == 3000
    assert found["error"] < 0.02


def your_own_operation(found: dict[str, Any]) -> None:
    assert "worst entry" in found["complaint"]
    assert found["stable"].tolist() == [0.0, pytest.approx(0.693147, abs=1e-6), 1000.0]
    assert found["found"]["round"].tolist() == [0.0, 0.0, 0.0]
    assert found["found"]["straight through"].tolist() == [1.5, -2.0, 0.5]


def generalization(found: dict[str, Any]) -> None:
    assert found["by_heart"] > 0.99 and found["understood"] < 0.85
    losses = found["history"]["val_loss"]
    assert losses[-1] > 1.1 * min(losses)
    assert found["remembered"] > 0.95 and found["guessed"] < 0.2
    reached = found["reached"]
    tricks = [reached[name] for name in ("weight decay", "dropout", "label smoothing")]
    assert all(abs(accuracy - reached["nothing"]) < 0.03 for accuracy in tricks)
    assert reached["augmentation"] > max(tricks) + 0.03
    assert reached["ten times the data"] > reached["augmentation"] + 0.03
    assert reached["and augmentation"] > reached["augmentation"] + 0.02
    assert reached["and augmentation"] > reached["convolutions"] > reached["nothing"]
    for name, largest, least in (("to the end", 1.0, 0.06), ("stopped early", 0.06, -0.06)):
        confidence, right = found["sure"][name]
        assert least < confidence - right < largest


CLAIMS = {
    "04_digits": digits,
    "05_vanishing_gradients": vanishing_gradients,
    "06_recurrent_networks": recurrent_networks,
    "07_attention": attention,
    "08_higher_derivatives": higher_derivatives,
    "09_your_own_operation": your_own_operation,
    "10_generalization": generalization,
}


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_runs_and_keeps_its_word(path: Path) -> None:
    found = executed(path)
    if path.stem in CLAIMS:
        CLAIMS[path.stem](found)


def test_every_claim_has_its_lesson() -> None:
    assert CLAIMS.keys() <= {path.stem for path in NOTEBOOKS}


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_is_stored_without_outputs(path: Path) -> None:
    for cell in load(path):
        if cell["cell_type"] == "code":
            assert cell["outputs"] == []
            assert cell["execution_count"] is None
