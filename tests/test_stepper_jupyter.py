"""The stepper in JupyterLab: live, reopened with and without trust, and exported to HTML."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from test_stepper_browser import CHROMIUM, pytestmark as needs_browser

ROOT = Path(__file__).parent.parent
CELL = """\
import autograd
a = autograd.tensor(2.0, requires_grad=True)
b = autograd.tensor(-3.0, requires_grad=True)
with autograd.trace():
    L = (a * b + a).tanh()
autograd.step(L)"""

pytest.importorskip("playwright")
if not os.environ.get("TAPEGRAD_REQUIRE_BROWSER"):
    pytest.importorskip("jupyterlab")
    pytest.importorskip("nbconvert")
pytestmark = [needs_browser, pytest.mark.slow]


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Nothing of the user's Jupyter is read or written."""
    home = tmp_path_factory.mktemp("jupyter")
    own = {
        name: str(home / name.lower())
        for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR")
    }
    return {**os.environ, **own, "PYTHONPATH": str(ROOT)}


@pytest.fixture(scope="module")
def folder(environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """new.ipynb and widget.ipynb were not run; trusted.ipynb and foreign.ipynb have outputs."""
    folder = tmp_path_factory.mktemp("notebooks")
    (folder / "new.ipynb").write_text(notebook(CELL))
    widget = "\ns = autograd.step(L); s.widget()"
    (folder / "widget.ipynb").write_text(
        notebook(CELL.replace("\nautograd.step(L)", widget), "print('at', s.position, 'in Python')")
    )
    jupyter(environment, folder, "nbconvert", "--to", "notebook", "--execute",
            "--output", "foreign.ipynb", "new.ipynb")  # fmt: skip
    # The signature is of the contents, so that what is not to be trusted has other ones.
    run = (folder / "foreign.ipynb").read_text()
    (folder / "trusted.ipynb").write_text(run.replace("a = autograd.tensor(2.0", "a = (2.0", 1))
    jupyter(environment, folder, "trust", "trusted.ipynb")
    return folder


def notebook(*cells: str) -> str:
    """A notebook that was not run."""
    plain: dict[str, Any] = {
        "cell_type": "code",
        "execution_count": None,
        "metadata": {},
        "outputs": [],
    }
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    return json.dumps(
        {
            "cells": [{**plain, "id": f"cell{i}", "source": cell} for i, cell in enumerate(cells)],
            "metadata": {"kernelspec": kernel},
            "nbformat": 4,
            "nbformat_minor": 5,
        }
    )


def jupyter(environment: dict[str, str], folder: Path, *args: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "jupyter", *args],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def lab(environment: dict[str, str], folder: Path) -> Iterator[str]:
    """The address of a running JupyterLab."""
    args = ["--no-browser", "--ip=127.0.0.1", "--port=0", "--IdentityProvider.token=",
            "--allow-root", "--LabApp.news_url=None",
            "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate"]  # fmt: skip
    server = subprocess.Popen(
        [sys.executable, "-m", "jupyter", "lab", *args],
        cwd=folder,
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert server.stderr is not None
    try:
        for line in server.stderr:
            found = re.search(r"http://127\.0\.0\.1:\d+/lab", line)
            if found:
                yield found[0]
                break
        else:
            pytest.fail("JupyterLab did not start")
    finally:
        server.terminate()
        server.stderr.close()
        server.wait(30)


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
def tab(browser: Any) -> Iterator[Any]:
    """A page that reaches nothing but this machine."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    context.route(re.compile(r"^https?://(?!127\.0\.0\.1)"), lambda route: route.abort())
    tab = context.new_page()
    tab.set_default_timeout(60_000)
    yield tab
    context.close()


def steps(frame: Any) -> None:
    """The stepper in a frame steps."""
    frame.locator(".controls button:has-text('Next')").click()
    assert frame.locator(".track output").inner_text() == "Step 1 of 3"
    assert "∂L/∂add_2" in frame.locator("section.now").inner_text()


def test_in_jupyterlab(lab: str, folder: Path, tab: Any) -> None:
    # Live.
    tab.goto(f"{lab}/tree/new.ipynb")
    tab.locator(".jp-CodeCell .cm-content").click()
    tab.locator(".jp-Notebook-ExecutionIndicator[data-status=idle]").wait_for(state="attached")
    tab.keyboard.press("Shift+Enter")
    output = ".jp-OutputArea-output"
    steps(tab.frame_locator(f"{output} iframe"))
    assert tab.locator(f"{output} details").first.is_hidden()
    assert tab.locator(".jp-RenderedText[data-mime-type*=stderr]").count() == 0

    # Reopened, trusted.
    tab.goto(f"{lab}/tree/trusted.ipynb?reset")
    steps(tab.frame_locator(f"{output} iframe"))

    # Reopened, not trusted: the picture and the steps, and how to get more.
    tab.goto(f"{lab}/tree/foreign.ipynb?reset")
    tab.locator(f"{output} details").first.wait_for()
    assert tab.locator(f"{output} iframe").count() == 0
    assert tab.locator(f"{output} img").evaluate("(one) => one.naturalWidth") > 100
    assert "Trust Notebook" in tab.locator(output).first.inner_text()
    tab.locator(f"{output} summary:has-text('Step 1')").click()
    assert "∂L/∂add_2 += g" in tab.locator(f"{output} pre").first.inner_text()

    held = json.loads((folder / "foreign.ipynb").read_text())["cells"][0]["outputs"]
    assert len(json.dumps(held)) < 100_000
    assert set(held[0]["data"]) == {"text/html", "text/plain"}


def test_the_widget_is_live(lab: str, tab: Any) -> None:
    pytest.importorskip("anywidget")
    tab.goto(f"{lab}/tree/widget.ipynb")
    tab.locator(".jp-Notebook-ExecutionIndicator[data-status=idle]").wait_for(state="attached")
    tab.locator(".jp-CodeCell .cm-content").first.click()
    tab.keyboard.press("Shift+Enter")
    widget = tab.locator(".jp-OutputArea-output .stepper")
    widget.locator(".controls button:has-text('Next')").click()
    assert widget.locator(".track output").inner_text() == "Step 1 of 3"
    tab.locator(".jp-CodeCell .cm-content").nth(1).click()
    tab.keyboard.press("Shift+Enter")
    tab.locator(".jp-OutputArea-output:has-text('at 1 in Python')").wait_for()


def test_exported_to_html(environment: dict[str, str], folder: Path, tab: Any) -> None:
    jupyter(environment, folder, "nbconvert", "--to", "html", "foreign.ipynb")
    tab.goto((folder / "foreign.html").as_uri())
    steps(tab.frame_locator("iframe"))
    assert tab.locator("details").first.is_hidden()
