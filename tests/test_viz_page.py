"""The page of a drawing in a real browser, offline: a request or an error fails."""

from __future__ import annotations

import importlib.util
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import autograd
import nn
from autograd.viz.drawing import Drawing

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
MISSING = [
    name
    for name, found in (
        ("playwright (pip install playwright)", importlib.util.find_spec("playwright")),
        ("chromium (apt install chromium)", CHROMIUM),
    )
    if not found
]
if MISSING and os.environ.get("TAPEGRAD_REQUIRE_BROWSER"):
    raise pytest.UsageError(f"TAPEGRAD_REQUIRE_BROWSER is set, but there is no {MISSING[0]}")
pytestmark = pytest.mark.skipif(bool(MISSING), reason=f"needs {', '.join(MISSING)}")

Opener = Callable[..., Any]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"]
        )
        yield launched
        launched.close()


@pytest.fixture
def show(browser: Any, tmp_path: Path) -> Iterator[Opener]:
    """Opens the page of a drawing, and sees to it that nothing goes wrong in it."""
    problems: list[str] = []
    contexts = []

    def opened(drawing: Drawing, **options: Any) -> Any:
        size = {"width": 1000, "height": 800}
        context = browser.new_context(offline=True, viewport=size, **options)
        contexts.append(context)
        tab = context.new_page()
        file = tmp_path / f"{len(contexts)}.html"
        drawing.save(file)
        tab.on("request", lambda r: r.url == file.as_uri() or problems.append(r.url))
        tab.on("console", lambda m: problems.append(m.text))
        tab.on("pageerror", lambda error: problems.append(str(error)))
        tab.goto(file.as_uri())
        return tab

    yield opened
    for context in contexts:
        context.close()
    assert problems == []


def boxes(tab: Any) -> int:
    return tab.locator("#view g.text").count()


def network() -> tuple[autograd.Tensor, nn.Module]:
    model = nn.Sequential(nn.Linear(2, 4), nn.Tanh(), nn.Linear(4, 1))
    with autograd.trace():
        return (model(autograd.ones(3, 2)) ** 2).mean(), model


def test_folded_boxes_open_and_frames_close(show: Opener) -> None:
    loss, model = network()
    drawing = loss.draw(model, depth=1, values=True)
    tab = show(drawing)
    assert boxes(tab) == drawing.boxes
    start = tab.locator("#view").inner_html()
    tab.locator("[aria-label^='unfold 2']").click()
    assert boxes(tab) == drawing.boxes + 2
    assert "− 2 · Linear" in tab.locator("#view").inner_text()
    tab.keyboard.press("Enter")  # the focus is on the title of the frame that has opened
    assert boxes(tab) == drawing.boxes
    assert tab.locator("#view").inner_html() == start
    tab.locator("text=− Sequential").click()
    assert boxes(tab) == loss.draw(model, depth=0).boxes
    assert "folded" in tab.locator("#bar").inner_text()


def test_the_places_are_those_of_python(show: Opener) -> None:
    """Everything open: the page's own layout and the picture from Python agree."""
    loss, model = network()
    for rankdir in ("LR", "TB"):
        drawing = loss.draw(model, rankdir=rankdir, legend=False)
        tab = show(drawing)
        places = tab.evaluate(
            "() => Array.from(document.querySelectorAll('#view g.text'), "
            "(g) => g.getAttribute('transform'))"
        )
        expected = [f"translate({x} {y})" for x, y in drawing._picture.layout.nodes]
        assert places == expected


def test_a_loop_opens_turn_by_turn(show: Opener) -> None:
    y, w = autograd.tensor(0.5, requires_grad=True), autograd.tensor(2.0, requires_grad=True)
    with autograd.trace():
        for _ in range(40):
            y = (y * w).tanh()
    drawing = y.draw(max_boxes=45)
    tab = show(drawing)
    assert boxes(tab) == drawing.boxes < drawing.count
    before = boxes(tab)
    tab.locator("g.text[data-group]").first.click()
    assert boxes(tab) > before
    assert f"83 nodes in {boxes(tab)} boxes" in tab.locator("#note").inner_text()


def test_zoom_and_keys(show: Opener) -> None:
    tab = show(autograd.ones(2, requires_grad=True).exp().draw())
    width = "() => document.querySelector('#view svg').width.baseVal.value"
    start = tab.evaluate(width)
    tab.locator("#in").click()
    assert tab.evaluate(width) == pytest.approx(start * 1.25)
    tab.locator("#view").focus()
    tab.keyboard.press("-")
    assert tab.evaluate(width) == pytest.approx(start)


def test_text_fits_into_its_box_in_the_browser(show: Opener) -> None:
    """What text.py says of widths is no underestimate with this machine's fonts."""
    x = autograd.ones(3, 3, requires_grad=True)
    names = ["WWWW mmmm @@", "日本語 ñandú Ω", "🎉 emoji 👩‍🔬", "illicit fjords", "Ж Щ Ы"]
    others = {name: autograd.ones(3, 3, requires_grad=True) for name in names}
    total = x.exp()
    for other in others.values():
        total = total * other
    tab = show(total.draw(others, values=True))
    wide = tab.evaluate(
        """() => Array.from(document.querySelectorAll("#view g.text")).flatMap((group) => {
          const box = group.querySelector(".box").getBoundingClientRect();
          return Array.from(group.querySelectorAll("text"), (text) => {
            const { left, right } = text.getBoundingClientRect();
            return left < box.left || right > box.right ? text.textContent : null;
          }).filter((found) => found !== null);
        })"""
    )
    assert wide == []


def test_hostile_names_are_text(show: Opener) -> None:
    x = autograd.ones(2, requires_grad=True)
    names = ["</script><script>alert(1)</script>", "<img src=x onerror=alert(1)>", "\"'&<>", "🎉"]
    leaves = {name: autograd.ones(2, requires_grad=True) for name in names}
    for leaf in leaves.values():
        x = x * leaf
    shown = show(x.draw(leaves)).locator("#view").inner_text()
    assert all(name in shown for name in names)


def test_without_javascript_the_picture_is_there(show: Opener) -> None:
    loss, model = network()
    tab = show(loss.draw(model), java_script_enabled=False)
    assert tab.locator("#view g.text").count() == 12


def test_a_page_that_is_too_large_to_fold_shows_the_picture(
    show: Opener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("autograd.viz.drawing.FOLDABLE", 5)
    loss, model = network()
    tab = show(loss.draw(model, depth=0))
    assert boxes(tab) == loss.draw(model, depth=0).boxes
    assert "folded into" in tab.locator("#view").inner_text()
