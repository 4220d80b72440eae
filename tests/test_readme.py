"""The programs in README.md run and print what it says."""

from __future__ import annotations

import doctest
import re
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
HEADINGS = re.findall(r"^#+ (.*)$", README, re.M)
BLOCKS = re.findall(r"^```python\n(.*?)^```", README, re.M | re.S)
SESSIONS = [block for block in BLOCKS if block.startswith(">>>")]
PROGRAMS = [block for block in BLOCKS if not block.startswith(">>>")]


def test_the_programs_learn_draw_and_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """They run in their order; the one that steps goes on with the model of the one before."""
    monkeypatch.chdir(tmp_path)
    namespace: dict[str, Any] = {"__name__": "readme"}

    def printed(program: str) -> str:
        exec(compile(program, "README.md", "exec"), namespace)
        return capsys.readouterr().out

    small, training, stepping, fitting = PROGRAMS
    assert printed(small) == re.search(r"# (tensor.*), that", small)[1] + "\n"  # type: ignore[index]
    assert "Backward pass of y" in (tmp_path / "backprop.html").read_text(encoding="utf-8")
    printed(training)
    assert namespace["loss"].item() < 0.05
    assert "hidden.weight" in (tmp_path / "graph.svg").read_text(encoding="utf-8")
    assert printed(stepping).startswith("hidden.weight: float32[16, 2]")
    assert "Backward pass of loss" in (tmp_path / "backprop.html").read_text(encoding="utf-8")
    assert namespace["model"].hidden.weight.grad.norm() > 0
    assert "epoch 3/3" in printed(fitting)
    assert namespace["history"]["val_accuracy"][-1] > 0.85


def test_links_lead_somewhere() -> None:
    headings = {re.sub(r"[^\w-]", "", h.lower().replace(" ", "-")) for h in HEADINGS}
    for target in re.findall(r"\]\(([^)]+)\)", README):
        if target.startswith("#"):
            assert target[1:] in headings
        elif "://" not in target:
            assert (ROOT / target).exists(), target


@pytest.mark.parametrize("i", range(len(SESSIONS)))
def test_sessions_print_what_they_say(i: int) -> None:
    # A session may use what an earlier one imported.
    text = "\n".join(SESSIONS[: i + 1])
    test = doctest.DocTestParser().get_doctest(text, {}, "README.md", "README.md", 0)
    report: list[str] = []
    assert doctest.DocTestRunner().run(test, out=report.append).failed == 0, "".join(report)


@pytest.mark.parametrize("folder", ["notebooks/*.ipynb", "examples/*.py", "benchmarks/*.py"])
def test_the_list_of_lessons_and_programs_is_whole(folder: str) -> None:
    listed = (ROOT / "docs" / "README.md").read_text(encoding="utf-8")
    parts = {"benchmarks/compare.py"}  # what the others share
    for path in ROOT.glob(folder):
        name = f"{path.parent.name}/{path.name}"
        assert f"](../{name})" in listed or name in parts, name
