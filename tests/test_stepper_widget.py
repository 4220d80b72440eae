"""The live widget without a browser: what it holds, what it answers, and what it needs."""

from __future__ import annotations

import json
import sys
from typing import Any

import numpy as np
import pytest

import autograd
from autograd.stepper.stepper import Stepper
from autograd.stepper.web import widget as source
from autograd.stepper.web.widget import answer


@pytest.fixture
def stepper() -> Any:
    x = autograd.tensor(np.arange(6.0).reshape(2, 3) + 1)
    w = autograd.tensor(np.ones((3, 40)), requires_grad=True)
    y = x @ w
    loss = (y * y).sum()
    found = autograd.step(loss)
    assert len(found.trace) == 3  # what a page shows has been computed
    return found


@pytest.fixture
def widget(stepper: Stepper) -> Any:
    pytest.importorskip("anywidget")
    return stepper.widget()


def test_traits(widget: Any, stepper: Stepper) -> None:
    assert "export default { render }" in widget.get_state()["_esm"]
    assert widget.trace == stepper.trace.data
    assert len(widget.grouping["home"]) == len(widget.trace["nodes"]["inputs"])
    assert widget.step == 0
    json.dumps(widget.get_state()["trace"], allow_nan=False)


def test_moving_one_moves_the_other(widget: Any, stepper: Stepper) -> None:
    widget.step = 2
    assert stepper.position == 2
    assert stepper.widget().step == 2


def test_messages_reach_the_stepper(widget: Any, stepper: Stepper) -> None:
    sent: list[Any] = []
    widget.send = sent.append
    step = next(s for s in stepper.trace.steps if stepper.trace.nodes["op"][s["node"]] == "matmul")
    question = {"want": "element", "step": step["k"], "edge": 0, "index": [1, 0], "number": 7}
    widget._handle_custom_msg(question, [])
    (reply,) = sent
    assert reply["number"] == 7
    assert reply["text"] == str(stepper.goto(step["k"]).element("w", 1, 0)[0])


def test_whole_tensors(stepper: Stepper) -> None:
    step = next(s for s in stepper.trace.steps if stepper.trace.nodes["op"][s["node"]] == "matmul")
    edge = step["edges"][0]
    assert "values" not in edge["contrib"]
    reply = answer(stepper, {"want": "tensor", "step": step["k"], "edge": 0, "what": "contrib"})
    w = stepper.grad("w")
    assert w is None  # nothing moved
    stepper.finish()
    assert np.allclose(reply["value"]["values"], stepper.grad("w").numpy().reshape(-1))


def test_run_asks_python(stepper: Stepper) -> None:
    stepper.stop_at(when=lambda state: state.op == "matmul")
    reply = answer(stepper, {"want": "run", "from": 0})
    assert reply["step"] == stepper.position
    assert stepper.current.op == "matmul"


def test_windows(stepper: Stepper) -> None:
    reply = answer(stepper, {"want": "window", "around": 1})
    assert set(reply) == {"number", "trace", "grouping"}
    assert reply["trace"]["schema"] == "autograd-trace/1"


@pytest.mark.parametrize(
    ("question", "said"),
    [
        (None, "unknown question None"),
        ({"want": "exec"}, "unknown question 'exec'"),
        ({"want": "element", "step": 99, "edge": 0, "index": []}, "Error"),
        ({"want": "tensor", "step": 1, "edge": 0, "what": "__class__"}, "KeyError"),
    ],
)
def test_bad_questions_are_answered(stepper: Stepper, question: Any, said: str) -> None:
    assert said in answer(stepper, question)["error"]


def test_without_anywidget_the_error_names_the_extra(
    stepper: Stepper, monkeypatch: pytest.MonkeyPatch
) -> None:
    source._widget_class.cache_clear()
    monkeypatch.setitem(sys.modules, "anywidget", None)
    with pytest.raises(ImportError, match=r"tapegrad\[jupyter\]"):
        stepper.widget()
