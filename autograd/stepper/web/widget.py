"""The stepper as a live Jupyter widget: the page's module, with the kernel to ask.

Both sides show the same position. Beyond what a page can do, the kernel answers questions: all
entries of a tensor of which the trace has statistics only, the sum behind any element, where `run`
stops by a Python function, and another part of a pass that is too long for one trace. The package
anywidget is imported when the first widget is made.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any

from ..build import build
from ..elements import Rule
from ..values import encode
from .page import module, payload, style

if TYPE_CHECKING:
    from ..stepper import Stepper

LARGEST = 1_000_000
"""Tensors of more elements than this are not sent whole."""


def widget(stepper: Stepper) -> Any:
    """A widget for `stepper`: moving one moves the other."""
    return _widget_class()(stepper)


@cache
def _widget_class() -> type:
    """The class, made when it is first needed since its base must not be imported before."""
    try:
        import anywidget
        import traitlets
    except ImportError as error:
        raise ImportError(
            "widget: a live widget needs anywidget (pip install 'tapegrad[jupyter]'). Without it "
            "the stepper as the last line of a cell shows a page that steps as well"
        ) from error

    class StepperWidget(anywidget.AnyWidget):
        """A stepper in the browser; `stepper` is the one in the kernel."""

        _esm = module()
        css = traitlets.Unicode(style()).tag(sync=True)
        trace = traitlets.Dict().tag(sync=True)
        grouping = traitlets.Dict().tag(sync=True)
        step = traitlets.Int(0).tag(sync=True)
        theme = traitlets.Unicode("").tag(sync=True)

        def __init__(self, stepper: Stepper) -> None:
            self.stepper = stepper
            step = stepper.trace.place(stepper.position)
            super().__init__(**payload(stepper.trace), step=step)
            self.observe(self._moved, names="step")
            self.on_msg(self._asked)

        def _moved(self, change: Any) -> None:
            steps = self.trace["steps"]
            k = steps[change["new"] - 1]["k"] if 0 < change["new"] <= len(steps) else change["new"]
            self.stepper.goto(min(k, len(self.stepper)))

        def _asked(self, _widget: Any, question: Any, _buffers: Any) -> None:
            found = answer(self.stepper, question)
            if "trace" in found:
                with self.hold_sync():
                    self.trace, self.grouping = found.pop("trace"), found.pop("grouping")
            self.send(found)

    return StepperWidget


def answer(stepper: Stepper, question: Any) -> dict[str, Any]:
    """The reply to a question of the browser: its "number" and what was asked for, or an "error".

    The questions, by "want":

    - "element": "step", "edge" (its place in the step) and "index": the "text" of the sum.
    - "tensor": "step", "edge" and "what" ("contrib", "before", "after"): the "value", a VAL.
    - "run": "from" a step: the "step" where `run` stops by the stepper's own conditions.
    - "window": "around" a step: "trace" and "grouping" of that part of the pass.
    """
    asked = question if isinstance(question, dict) else {}
    number = asked.get("number")
    want = asked.get("want")
    if want not in _ANSWERS:
        return {"number": number, "error": f"unknown question {want!r:.40}"}
    try:
        return {"number": number} | _ANSWERS[want](stepper, asked)
    except Exception as error:  # the reader sees it in the browser; the kernel goes on
        return {"number": number, "error": f"{type(error).__name__}: {error}"}


def _edge(stepper: Stepper, asked: dict[str, Any]) -> tuple[Any, Any]:
    """The step and one of its contributions, as (slot, edge, contrib, before, after)."""
    step = stepper.backward.step(asked["step"] - 1)
    return step, list(step.arriving())[asked["edge"]]


def _element(stepper: Stepper, asked: dict[str, Any]) -> dict[str, Any]:
    step, (slot, *_) = _edge(stepper, asked)
    with stepper._saved(step.node):
        found = Rule(stepper.forward, step, slot).element(tuple(asked["index"]))
    return {"text": str(found)}


def _tensor(stepper: Stepper, asked: dict[str, Any]) -> dict[str, Any]:
    _, (_, _, contrib, before, after) = _edge(stepper, asked)
    found = {"contrib": contrib, "before": before, "after": after}[asked["what"]]
    return {"value": encode(found, LARGEST)}


def _run(stepper: Stepper, asked: dict[str, Any]) -> dict[str, Any]:
    stepper.goto(asked["from"])
    stepper.run()
    return {"step": stepper.position}


def _window(stepper: Stepper, asked: dict[str, Any]) -> dict[str, Any]:
    return payload(build(stepper, around=asked["around"]))


_ANSWERS: dict[str, Callable[[Stepper, dict[str, Any]], dict[str, Any]]] = {
    "element": _element,
    "tensor": _tensor,
    "run": _run,
    "window": _window,
}
