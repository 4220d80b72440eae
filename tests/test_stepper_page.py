"""The stepper's page and notebook output without a browser: what is in them, and how large."""

from __future__ import annotations

import html
import json
import re
from html.parser import HTMLParser
from typing import Any

import pytest
import stepper_samples as samples

from autograd.stepper.trace import Trace
from autograd.stepper.web.notebook import notebook
from autograd.stepper.web.page import CSP, _lean, _tight, module, page, payload, style
from autograd.stepper.web.scene import COMFORTABLE, graph_of_trace, grouping_of
from autograd.stepper.web.static import MOST_STEPS, static

MAKERS = [samples.expression, samples.network, samples.not_finite, samples.named]


class Elements(HTMLParser):
    """The tags of a document with their attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.data: dict[str, str] = {}
        self.open = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.found.append((tag, dict(attrs)))
        self.open = dict(attrs).get("data-part") or ""

    def handle_data(self, data: str) -> None:
        if self.open:
            self.data[self.open] = self.data.get(self.open, "") + data
            self.open = ""


@pytest.mark.parametrize("make", MAKERS)
def test_the_page_asks_for_nothing(make: Any) -> None:
    text = page(make())
    elements = Elements(text).found
    for tag, attributes in elements:
        for name in ("src", "href", "data", "action"):
            assert (attributes.get(name) or "data:").startswith("data:"), (tag, attributes)
    assert ("meta", {"http-equiv": "Content-Security-Policy", "content": CSP}) in elements
    assert CSP.startswith("default-src 'none'")
    assert "unsafe-eval" not in CSP
    assert [tag for tag, _ in elements].count("script") == 3


@pytest.mark.parametrize("make", MAKERS)
def test_the_data_survive_the_page(make: Any) -> None:
    trace = make()
    text = page(trace)
    held = json.loads(Elements(text).data["data"])
    assert Trace(held["trace"]) == trace
    # Nothing in the data can end or open an element.
    inside = text.partition('data-part="data">')[2].partition("</script>")[0]
    assert "<" not in inside and "\u2028" not in inside


def test_spaces_that_mean_something_stay() -> None:
    assert "`" not in _lean(module())
    assert (
        _tight('if (a === "x = ( y" ) return { b: 1 , c } ;') == 'if(a==="x = ( y")return{b:1,c};'
    )


@pytest.mark.parametrize("make", MAKERS)
def test_the_page_is_small(make: Any) -> None:
    trace = make()
    assert len(page(trace).encode()) - len(trace.to_json().encode()) < 60_000
    assert len(notebook(trace).encode()) < 100_000


def test_long_passes_are_compressed() -> None:
    trace = samples.loop(400)
    text = page(trace)
    assert 'type="application/gzip" data-part="data"' in text
    assert len(text) < len(trace.to_json())


def test_the_module_is_plain() -> None:
    """No imports, no line comments (hosts join lines), no HTML from text, one export."""
    text = module()
    assert not re.search(r"^\s*import\b|\bimport\(|\beval\(|new Function|innerHTML|insertAdj", text)
    assert not re.search(r"(^|\s)//", text)
    assert text.count("export default") == 1
    assert "`" not in re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)
    assert "url(" not in style() and "@import" not in style()


@pytest.mark.parametrize("make", MAKERS)
def test_static_needs_no_script(make: Any) -> None:
    trace = make()
    text = static(trace)
    tags = [tag for tag, _ in Elements(text).found]
    assert set(tags) <= {"p", "b", "code", "img", "details", "summary", "pre"}
    assert tags.count("details") == len(trace.steps)
    for step in trace.steps:
        for edge in step["edges"]:
            assert html.escape(edge["text"]) in text


def test_static_of_a_long_pass_says_what_is_missing() -> None:
    trace = samples.loop(100)
    text = static(trace)
    assert text.count("<details>") == MOST_STEPS // 2
    assert f"{100 - MOST_STEPS // 2} more steps are not listed here" in text
    assert "7 of 1,000,000 operations" in static(samples.cut_short())


def test_a_notebook_output_has_no_widget() -> None:
    trace = samples.expression()
    found = notebook(trace, 2)
    elements = Elements(found).found
    assert [tag for tag, _ in elements[:2]] == ["div", "iframe"]
    inner = elements[1][1]["srcdoc"] or ""
    assert json.loads(Elements(inner).data["data"])["step"] == 2
    assert "<noscript>" not in inner  # the fallback is beside the frame
    assert ("details", {"open": None}) in elements
    assert "Trust Notebook" in found


@pytest.mark.parametrize("make", [samples.expression, samples.network, lambda: samples.loop(400)])
def test_grouping_covers_the_trace(make: Any) -> None:
    trace = make()
    n = len(trace.nodes["inputs"])
    found = grouping_of(trace)
    assert len(found["home"]) == n
    assert all(-1 <= home < len(found["groups"]) for home in found["home"])
    for g, group in enumerate(found["groups"]):
        assert -1 <= group["parent"] < g
    hidden = [False] * len(found["groups"])
    for g, group in enumerate(found["groups"]):
        hidden[g] = g in found["closed"] or (group["parent"] >= 0 and hidden[group["parent"]])
    apart = sum(1 for home in found["home"] if home < 0 or not hidden[home])
    assert apart <= max(n, COMFORTABLE)
    assert payload(trace)["grouping"] == found


def test_a_trace_as_a_graph() -> None:
    trace = samples.network()
    graph = graph_of_trace(trace)
    assert len(graph.nodes) == len(trace.nodes["inputs"])
    assert [m.type for m in graph.modules] == [m["type"] for m in trace.modules]
    loss = graph.nodes[trace.meta["roots"][0]]
    assert loss.grad == 1.0
    weight = next(node for node in graph.nodes if node.name == "model.0.weight")
    assert weight.kind == "parameter"
    assert weight.grad["shape"] == [3, 2]
