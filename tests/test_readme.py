"""The programs in README.md run and print what it says."""

from __future__ import annotations

import doctest
import re
from pathlib import Path

import pytest

BLOCKS = re.findall(
    r"^```python\n(.*?)^```",
    (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8"),
    re.M | re.S,
)
SESSIONS = [block for block in BLOCKS if block.startswith(">>>")]
PROGRAMS = [block for block in BLOCKS if not block.startswith(">>>")]


def test_the_program_learns_and_draws(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (program,) = PROGRAMS
    namespace: dict[str, object] = {"__name__": "readme"}
    exec(compile(program, "README.md", "exec"), namespace)
    assert float(namespace["loss"]) < 0.05  # type: ignore[arg-type]
    drawn = (tmp_path / "graph.svg").read_text(encoding="utf-8")
    assert "hidden.weight" in drawn


@pytest.mark.parametrize("i", range(len(SESSIONS)))
def test_sessions_print_what_they_say(i: int) -> None:
    # A session may use what an earlier one imported.
    text = "\n".join(SESSIONS[: i + 1])
    test = doctest.DocTestParser().get_doctest(text, {}, "README.md", "README.md", 0)
    report: list[str] = []
    assert doctest.DocTestRunner().run(test, out=report.append).failed == 0, "".join(report)
