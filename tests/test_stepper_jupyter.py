"""The stepper in JupyterLab: live, reopened with and without trust, and exported to HTML."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
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
RAN = re.compile(r"\[\d+\]")  # what stands beside a cell that ran

playwright = pytest.importorskip("playwright.sync_api")
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
    log = folder / "lab.log"  # a pipe that nobody reads would stop the server once it is full
    with log.open("w") as stderr:
        server = subprocess.Popen(
            [sys.executable, "-m", "jupyter", "lab", *args],
            cwd=folder,
            env=environment,
            stderr=stderr,
        )
    try:
        deadline = time.monotonic() + 120
        while not (found := re.search(r"http://127\.0\.0\.1:\d+/lab", log.read_text())):
            assert server.poll() is None and time.monotonic() < deadline, log.read_text()
            time.sleep(0.2)
        yield found[0]
    finally:
        server.terminate()
        try:
            server.wait(60)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as running:
        launched = running.chromium.launch(
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


def opened(tab: Any, lab: str, name: str) -> None:
    """Opens a notebook, in place of those that the workspace remembers: keys go to one alone."""
    tab.goto(f"{lab}/tree/{name}?reset")
    tab.locator(".jp-CodeCell .cm-content").first.wait_for()
    assert tab.locator(".jp-NotebookPanel").count() == 1


def run(tab: Any, cell: int = 0) -> None:
    """Runs a cell. JupyterLab drops what is asked of a kernel that is about to connect, or says in
    a dialog that it is not ready; a person then presses the keys again."""
    tab.locator(".jp-Notebook-ExecutionIndicator[data-status=idle]").wait_for(state="attached")
    done = tab.locator(".jp-CodeCell").nth(cell).locator(".jp-InputPrompt", has_text=RAN)
    for _ in range(6):
        tab.locator(".jp-CodeCell .cm-content").nth(cell).click()
        tab.keyboard.press("Shift+Enter")
        try:
            return done.wait_for(timeout=15_000)
        except playwright.TimeoutError:
            tab.keyboard.press("Escape")
    raise AssertionError("the cell did not run")


def test_in_jupyterlab(lab: str, folder: Path, tab: Any) -> None:
    # Live.
    opened(tab, lab, "new.ipynb")
    run(tab)
    output = ".jp-OutputArea-output"
    steps(tab.frame_locator(f"{output} iframe"))
    assert tab.locator(f"{output} details").first.is_hidden()
    assert tab.locator(".jp-RenderedText[data-mime-type*=stderr]").count() == 0

    # Reopened, trusted.
    opened(tab, lab, "trusted.ipynb")
    steps(tab.frame_locator(f"{output} iframe"))

    # Reopened, not trusted: the picture and the steps, and how to get more.
    opened(tab, lab, "foreign.ipynb")
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
    opened(tab, lab, "widget.ipynb")
    run(tab)
    widget = tab.locator(".jp-OutputArea-output .stepper")
    widget.locator(".controls button:has-text('Next')").click()
    assert widget.locator(".track output").inner_text() == "Step 1 of 3"
    run(tab, 1)
    tab.locator(".jp-OutputArea-output:has-text('at 1 in Python')").wait_for()


def test_exported_to_html(environment: dict[str, str], folder: Path, tab: Any) -> None:
    jupyter(environment, folder, "nbconvert", "--to", "html", "foreign.ipynb")
    tab.goto((folder / "foreign.html").as_uri())
    steps(tab.frame_locator("iframe"))
    assert tab.locator("details").first.is_hidden()
