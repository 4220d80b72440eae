"""What is made from the table of functions is up to date, and type checkers understand it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

PROGRAM = """
import autograd
import nn
import numpy as np
import optim
from autograd import Tensor


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(3, 1)

    def forward(self, x: Tensor) -> Tensor:
        return nn.functional.relu(self.layer(x)).sum(dim=1, keepdim=True)


x = autograd.tensor([[1.0, 2.0, 3.0]], requires_grad=True)
loss: Tensor = ((Net()(x) - 1) ** 2).mean()
loss.backward()
optim.SGD(Net().parameters(), lr=0.1).step()
reveal_type(x.reshape(3).sin() @ np.ones(3))
reveal_type(autograd.linalg.inv(x))
reveal_type(x.shape)
reveal_type(-2 * x[0] + x.T.max(dim=0).values)
x.no_such_method()
"""


def test_stubs_and_reference_are_up_to_date() -> None:
    done = subprocess.run(
        [sys.executable, "docs/make_reference.py", "--check"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        env={"PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
def test_a_type_checker_knows_the_methods(tmp_path: Path) -> None:
    pytest.importorskip("mypy", reason="mypy is not installed (extra: dev)")
    program = tmp_path / "program.py"
    program.write_text(PROGRAM)
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--config-file", ROOT / "pyproject.toml", program],
        capture_output=True,
        text=True,
        env={"MYPYPATH": str(ROOT), "PATH": ""},
        cwd=tmp_path,
    )
    lines = [line.split(": ", 1)[1] for line in done.stdout.splitlines() if ": " in line]
    assert lines[0] == 'note: Revealed type is "autograd.tensor.Tensor"', done.stdout
    assert lines[1] == lines[0]
    assert lines[2] == 'note: Revealed type is "autograd.size.Size"'
    errors = [line for line in lines if line.startswith("error")]
    assert len(errors) == 1
    assert '"Tensor" has no attribute "no_such_method"' in errors[0]
