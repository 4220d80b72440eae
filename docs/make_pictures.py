"""Makes the pictures of the README: docs/images/graph.svg and the two of the stepper.

    python docs/make_pictures.py

It needs Playwright, Chromium and Pillow; the fonts Inter and JetBrains Mono (apt install
fonts-inter fonts-jetbrains-mono) make the pictures look as they do.
"""

from __future__ import annotations

import io
import linecache
import re
import shutil
from pathlib import Path
from typing import Any

import autograd

ROOT = Path(__file__).parent.parent
IMAGES = ROOT / "docs" / "images"
COLOURS = 96

FONT = "document.querySelector('body > div > div').style.setProperty('--sans', 'Inter, sans-serif')"

NEURON = """\
from autograd import tensor, trace

w1, w2 = tensor(-0.5, requires_grad=True), tensor(0.25, requires_grad=True)
b = tensor(0.75, requires_grad=True)
x1, x2, target = tensor(2.0), tensor(-1.0), 1.0

with trace():
    n = w1 * x1 + w2 * x2 + b
    out = n.tanh()
    loss = (out - target) ** 2
"""

NETWORK = """\
import autograd, nn
from autograd import tensor

autograd.manual_seed(1)
model = nn.Sequential(nn.Linear(2, 3), nn.Sigmoid(), nn.Linear(3, 1), nn.Sigmoid())
x = tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
y = tensor([[0.0], [1.0], [1.0], [0.0]])

with autograd.trace():
    loss = ((model(x) - y) ** 2).mean()
"""


def run(name: str, program: str) -> dict[str, Any]:
    """The variables of a program; its lines are known as those of a file of that name."""
    linecache.cache[name] = (len(program), None, program.splitlines(keepends=True), name)
    variables: dict[str, Any] = {"__name__": name}
    exec(compile(program, name, "exec"), variables)
    return variables


def page(name: str, program: str) -> str:
    """The page of the backward pass of a program's `loss`."""
    variables = run(name, program)
    call = compile("import autograd; stepper = autograd.step(loss)", "<step>", "exec")
    exec(call, variables)
    return variables["stepper"].html()


def graph() -> None:
    """The picture that the README's program saves."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    program = next(p for p in re.findall(r"```python\n(.*?)```", readme, re.S) if "draw(" in p)
    variables = run("README.md", program.partition("graph = ")[0])
    exec("graph = loss.draw(model)", variables)
    variables["graph"].save(IMAGES / "graph.svg")


def save(tab: Any, name: str) -> None:
    """A screenshot in few colours, which is a third of the size."""
    from PIL import Image

    picture = Image.open(io.BytesIO(tab.screenshot())).convert("RGB")
    picture.quantize(COLOURS, dither=Image.Dither.NONE).save(IMAGES / name, optimize=True)


def main() -> None:
    """Makes all of them."""
    from playwright.sync_api import sync_playwright

    graph()
    with sync_playwright() as playwright:
        found = shutil.which("chromium") or shutil.which("chromium-browser")
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])

        def opened(name: str, program: str, scheme: Any, height: int, steps: int) -> Any:
            size: Any = {"width": 1200, "height": height}
            tab = browser.new_page(viewport=size, device_scale_factor=1.4, color_scheme=scheme)
            tab.set_content(page(name, program))
            tab.wait_for_selector(".stepper")
            tab.evaluate(FONT)
            for _ in range(steps):
                tab.keyboard.press("ArrowRight")
            return tab

        save(opened("neuron.py", NEURON, "light", 700, 3), "stepper-neuron.png")
        tab = opened("xor.py", NETWORK, "dark", 780, 5)
        tab.locator(".contribution").nth(1).locator(".cell").nth(1).click()
        save(tab, "stepper-network.png")
        browser.close()


if __name__ == "__main__":
    autograd.manual_seed(0)
    main()
