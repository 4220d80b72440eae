"""Stepping in a terminal: a saved trace, a user's script, a notebook's magic."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import autograd
import nn
from autograd.__main__ import condition, main
from autograd.stepper.replay import Replay
from autograd.stepper.terminal import Terminal

ROOT = Path(__file__).parent.parent


def example() -> Any:
    """A network with two layers, recorded."""
    autograd.manual_seed(0)
    net = nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 1))
    x = autograd.tensor([[0.5, -1.0], [2.0, 1.0]])
    with autograd.trace():
        out = net(x)
        loss = (out * out).mean()
    return net, autograd.step(loss, params=net)


@pytest.fixture
def both() -> tuple[Any, Replay]:
    _, stepper = example()
    return stepper, Replay(autograd.stepper.Trace.from_json(stepper.trace.to_json()))


def session(stepper: Any, *commands: str, **options: Any) -> tuple[str, Terminal]:
    output = io.StringIO()
    text = "".join(f"{command}\n" for command in commands)
    options.setdefault("width", 100)
    terminal = Terminal(stepper, io.StringIO(text), output, **options)
    terminal.cmdloop()
    return output.getvalue(), terminal


MOVES = [
    "next", "into", "over", "over", "back", "out", "next 2", "goto 1", "goto 2.weight", "back 2",
    "out", "out", "finish", "back 99", "goto tanh_2", "over", "goto 0", "goto 2.bias",
]  # fmt: skip


def test_a_replay_moves_and_prints_as_the_stepper_does(both: Any) -> None:
    stepper, replay = both
    for command in MOVES:
        name, *argument = command.split()
        argument = [int(a) if a.isdecimal() else a for a in argument]
        for each in both:
            getattr(each, name)(*argument)
        assert replay.position == stepper.position, command
        assert skeleton(replay) == skeleton(stepper), command


def skeleton(stepper: Any) -> list[str]:
    """The lines without what only one of the two knows: functions' names and seeds."""
    lines = stepper.text(width=500).splitlines()
    lines = [line.partition(" in <")[0].partition(" in example")[0] for line in lines]
    left_out = ("next:", "the pass is complete", "∂loss/∂loss")
    return [line for line in lines if not line.startswith(left_out)]


def test_a_replay_knows_gradients_and_why(both: Any) -> None:
    stepper, replay = both
    assert replay.grad("0.weight") is None
    assert "not computed yet" in replay.why("0.weight")
    stepper.finish(), replay.finish()
    found = replay.grad("0.weight")
    np.testing.assert_allclose(found["values"], stepper.grad("0.weight").numpy().ravel(), rtol=1e-6)
    assert "by linear_1 (step 5)" in replay.why("0.weight")
    with pytest.raises(KeyError, match=r"no node is called 'weight'; there are 0.weight, 2.weight"):
        replay.grad("weight")
    with pytest.raises(IndexError, match="from 0 to 5"):
        replay.goto(6)


@pytest.mark.parametrize(
    ("stop", "position"),
    [
        ({"op": "tan*"}, 4),
        ({"module": "0"}, 5),
        ({"module": "Tanh"}, 4),
        ({"norm_above": 1e9}, 5),
        ({"norm_below": 1e9}, 1),
        ({"nonfinite": True}, 5),
    ],
)
def test_a_replay_stops_where_the_stepper_does(both: Any, stop: Any, position: int) -> None:
    for each in both:
        each.stop_at(**stop).run()
        assert each.position == position
    assert both[0].stopped == both[1].stopped


def test_stops_at_a_line(both: Any) -> None:
    line = next(s for s in both[1].nodes["src"] if s)[1]
    for each in both:
        each.stop_at(line=f"test_stepper_terminal.py:{line}").run()
        assert 0 < each.position < 5 and each.stopped.startswith("the line is")


def test_commands() -> None:
    _, stepper = example()
    text, terminal = session(
        stepper, "n", "", "b", "w 2.weight", "p 2.weight", "g 2.weight", "p 2.weight",
        "e 2.weight 0 1", "l", "stop op tanh", "r", "f", "n", "b 9", "b", "c pass",
    )  # fmt: skip
    assert terminal.outcome == "pass"
    for expected in (
        "start of the backward pass of loss: 5 steps",
        "step 2 of 5: ",
        "∂/∂2.weight: not computed yet",
        "not computed yet",
        "tensor([[",
        "d2.weight[0,1] = Σ_i",
        "->    3  out = linear(",
        "run stops at op tanh",
        "stopped: the operation is tanh",
        "at the end",
        "at the start",
    ):
        assert expected in text, expected


@pytest.mark.parametrize(
    ("command", "answer"),
    [
        ("foo", "there is no command 'foo'; h lists them"),
        ("n many", "ValueError: expected a whole number, got 'many'"),
        ("w", "why: wrong number of arguments; h lists the commands"),
        ("w nobody", "KeyError: no node or leaf is called 'nobody'"),
        ("g 77", "IndexError: there is no position 77"),
        ("stop", "stop: nonfinite, above X, below X, op NAME"),
        ("stop above much", "ValueError: expected a number, got 'much'"),
        ("s picture.bmp", "must end in .html"),
        ("s nowhere/x.json", "FileNotFoundError"),
        ("c later", "ValueError: it is c, c pass to stop in the next"),
        ("p 'open", "No closing quotation"),
        ("h", "q, quit         end the program"),
    ],
)
def test_a_wrong_command_is_answered(command: str, answer: str) -> None:
    text, terminal = session(example()[1], command, "q")
    assert answer in text
    assert terminal.outcome == "quit" and terminal.stepper.position == 0


def test_end_of_input_and_ascii() -> None:
    text, terminal = session(example()[1], "n", ascii=True)
    assert terminal.outcome == "quit" and text.isascii()
    assert "dloss/d" in text


def test_a_rule_that_raises_is_shown() -> None:
    class Broken(autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            return x * 1

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            raise ZeroDivisionError("my own")

    x = autograd.tensor(1.0, requires_grad=True)
    text, _ = session(autograd.step(Broken.apply(x * 2) * 3), "n 9", "b")
    assert "ZeroDivisionError: my own" in text


def test_files(tmp_path: Path, capsys: Any) -> None:
    trace, page = tmp_path / "t.json", tmp_path / "t.html"
    session(example()[1], "n 2", f"s {trace}", f"s {page}")
    assert "Content-Security-Policy" in page.read_text(encoding="utf-8")
    text, _ = session(Replay(autograd.stepper.Trace.load(trace)), "f", f"s {page}", "e a 0", "c")
    assert "step 5 of 5" in text and f"wrote {page}" in text
    assert "there is no program here" in text
    assert main(["view", str(trace), "--save", str(tmp_path / "again.html")]) == 0
    assert (tmp_path / "again.html").exists()
    assert main(["view", str(tmp_path / "none.json")]) == 2
    page.write_text("no trace")
    assert main(["view", str(page)]) == 2
    assert "not a trace" in capsys.readouterr().err


def test_conditions() -> None:
    assert condition("nonfinite") == "nonfinite"
    assert condition("above=1e3") == {"norm_above": 1e3}
    assert condition("module=enc.*") == {"module": "enc.*"}
    for wrong in ("nonsense", "above=much", "op="):
        with pytest.raises(ValueError, match="--stop"):
            condition(wrong)


SCRIPT = """
import sys
import autograd, nn, optim
autograd.manual_seed(0)
net = nn.Linear(2, 1)
optimizer = optim.SGD(net.parameters(), lr=0.5)
x = autograd.tensor([[1.0, 2.0]])
for epoch in range(3):
    loss = (net(x) ** 2).sum()
    if epoch == 1 and "nan" in sys.argv:
        loss = loss * float("nan")
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print("weights", net.weight.tolist(), __name__, sys.argv[1:])
"""


def run(tmp_path: Path, options: list[str], arguments: list[str], commands: str) -> Any:
    script = tmp_path / "train.py"
    script.write_text(SCRIPT)
    command = [sys.executable, *options, str(script), *arguments]
    environment = {"PYTHONPATH": str(ROOT), "PYTHONUTF8": "1"}
    return subprocess.run(
        command, input=commands, capture_output=True, text=True, cwd=tmp_path, env=environment
    )


def test_a_script_stops_in_its_backward_pass(tmp_path: Path) -> None:
    plain = run(tmp_path, [], ["a"], "")
    step = ["-m", "autograd", "step", "--width", "90"]
    done = run(tmp_path, step, ["a"], "n\nw net.weight\nc pass\nf\nc\n")
    assert done.returncode == 0, done.stderr
    assert plain.stdout.strip() in done.stdout  # committed gradients are those of backward()
    assert "[step] backward pass 1" in done.stdout and "[step] backward pass 2" in done.stdout
    assert "[step] backward pass 3" not in done.stdout
    assert "train.py:9" in done.stdout and "∂loss/∂net.weight = " in done.stdout
    stopped = run(tmp_path, step, [], "q\n")
    assert stopped.returncode == 0 and "weights" not in stopped.stdout
    options = ([*step, "--first", "3"], []), (step, ["--first", "3"]), (step, ["--first=3"])
    for before, after in options:
        late = run(tmp_path, before, after, "c\n")
        assert "backward pass 3" in late.stdout and "backward pass 1" not in late.stdout
        assert late.stdout.rstrip().endswith("__main__ []")
    third = run(tmp_path, step, ["b", "--", "--stop", "x"], "c pass 3\nc\n").stdout
    assert "backward pass 3" in third and "backward pass 2" not in third
    assert third.rstrip().endswith("['b', '--stop', 'x']")


def test_a_script_stops_at_a_condition(tmp_path: Path) -> None:
    step = ["-m", "autograd", "step", "--stop", "nonfinite"]
    fine = run(tmp_path, step, [], "")
    assert "it made 3 backward passes, and none was one to stop in" in fine.stdout
    assert run(tmp_path, [], [], "").stdout.strip() in fine.stdout
    bad = run(tmp_path, step, ["nan"], "c\n")
    assert "[step] backward pass 2" in bad.stdout
    assert "stopped: a gradient is not finite" in bad.stdout
    saved = run(tmp_path, [*step, "--save", "bad.html"], ["nan"], "")
    assert "backward pass 2: wrote bad.html" in saved.stdout
    assert (tmp_path / "bad.html").exists() and "weights" in saved.stdout
    wrong = run(tmp_path, ["-m", "autograd", "step", "--stop", "x"], [], "")
    assert wrong.returncode == 2 and "--stop x: expected nonfinite" in wrong.stderr


def test_a_script_that_fails_or_is_not_there(tmp_path: Path, capsys: Any) -> None:
    assert main(["step", str(tmp_path / "none.py")]) == 2
    assert "there is no script" in capsys.readouterr().err
    failing = tmp_path / "failing.py"
    failing.write_text("raise ValueError('of the script')")
    assert main(["step", str(failing)]) == 1
    said = capsys.readouterr()
    assert "ValueError: of the script" in said.err and "runpy" not in said.err
    assert "raised before its first backward pass" in said.out
    assert main(["step", "--first", "0", str(failing)]) == 2
    assert "counted from 1" in capsys.readouterr().err
    quiet = tmp_path / "quiet.py"
    quiet.write_text("import autograd\nx = autograd.ones(2, requires_grad=True) * 2\n")
    assert main(["step", str(quiet)]) == 0
    assert "without a backward pass" in capsys.readouterr().out
    assert not autograd.grad_mode.mode.watchers


def test_ctrl_c_ends_a_command_and_not_the_program() -> None:
    x = autograd.tensor(2.0, requires_grad=True)

    class Keys(io.StringIO):
        pressed = False

        def readline(self, *size: int) -> str:  # type: ignore[override]
            if not self.pressed:
                self.pressed = True
                raise KeyboardInterrupt
            return super().readline(*size)

    output = io.StringIO()
    terminal = Terminal(autograd.step(x * x), Keys("n\nq\n"), output)
    terminal.cmdloop()
    assert terminal.outcome == "quit" and terminal.stepper.position == 1
    assert "interrupted; q ends" in output.getvalue()


def test_other_passes_are_left_alone(tmp_path: Path, capsys: Any) -> None:
    script = tmp_path / "second.py"
    script.write_text(
        "import autograd\n"
        "x = autograd.tensor(2.0, requires_grad=True)\n"
        "(x ** 3).backward(create_graph=True)\n"
        "(x ** 3).backward(inputs=[x])\n"
        "print(x.grad)\n"
    )
    main(["step", str(script)])
    found = capsys.readouterr().out
    assert found.count("is not stepped") == 2 and "tensor(24." in found


class TestMagic:
    @pytest.fixture
    def shell(self) -> Any:
        pytest.importorskip("IPython")
        from IPython.core.interactiveshell import InteractiveShell

        InteractiveShell.clear_instance()
        shell = InteractiveShell.instance()
        shell.run_line_magic("load_ext", "autograd.jupyter")
        yield shell
        InteractiveShell.clear_instance()

    CELL = """
import autograd, optim
x = autograd.tensor(3.0, requires_grad=True)
w = autograd.tensor(2.0, requires_grad=True)
sgd = optim.SGD([w], lr=0.1)
loss = (x * w).tanh()
"""

    def test_steps_what_the_cell_computed(self, shell: Any, capsys: Any) -> None:
        found = shell.run_cell(f"%%backprop loss --at mul_1 --optimizer sgd{self.CELL}")
        assert found.success
        stepper = shell.user_ns["backprop"]
        assert stepper.position == 2 and stepper.optimizer is shell.user_ns["sgd"]
        text = stepper.text()
        assert "mul_1 = x * w" in text and "loss = (x * w).tanh()" in text
        assert not autograd.grad_mode.mode.watchers

    def test_line_magic_and_stop(self, shell: Any, capsys: Any) -> None:
        shell.run_cell(self.CELL)
        shell.run_cell("%backprop loss --stop op=tanh --name s")
        assert shell.user_ns["s"].stopped == "the operation is tanh"
        shell.run_cell("%backprop loss --at 2 --name s")
        assert shell.user_ns["s"].position == 2

    @pytest.mark.parametrize(
        ("cell", "kind"),
        [
            ("%%backprop nothing\nx = 1", NameError),
            ("%%backprop loss --stp nonfinite\nx = 1", ValueError),
            ("%%backprop\n1 / 0", ZeroDivisionError),
        ],
    )
    def test_errors(self, shell: Any, cell: str, kind: type, capsys: Any) -> None:
        assert isinstance(shell.run_cell(cell).error_in_exec, kind)
        assert not autograd.grad_mode.mode.watchers
