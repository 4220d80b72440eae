"""A drawing as one HTML page: the SVG with panning and zooming, and no way to the network."""

from __future__ import annotations

import html

_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; \
script-src 'unsafe-inline'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width">
<title>{title}</title>
<style>
html {{ color-scheme: light dark; background: #fff; color: #1a1a1a; }}
body {{ margin: 0; height: 100vh; overflow: hidden; font: 14px Helvetica, Arial, sans-serif; }}
#view {{ width: 100%; height: 100%; overflow: auto; cursor: grab; outline-offset: -3px; }}
#view svg {{ display: block; margin: auto; max-width: none; }}
#bar {{ position: fixed; top: 8px; right: 20px; display: flex; gap: 4px; }}
#bar button {{ min-width: 32px; height: 32px; font: inherit; cursor: pointer; }}
@media (prefers-color-scheme: dark) {{ html {{ background: #16181b; color: #f0f0f0; }} }}
</style>
</head>
<body>
<div id="view" tabindex="0" role="region" aria-label="{title}">{svg}</div>
<div id="bar"><button id="out" aria-label="zoom out">−</button><button id="fit" \
aria-label="fit to the window">fit</button><button id="in" aria-label="zoom in">+</button></div>
<script>
{script}
</script>
</body>
</html>
"""

_SCRIPT = """
"use strict";
const view = document.getElementById("view");
const picture = view.querySelector("svg");
const width = picture.viewBox.baseVal.width;
const height = picture.viewBox.baseVal.height;
let scale = 1;
function zoom(to, x, y) {
  const before = scale;
  scale = Math.min(8, Math.max(0.02, to));
  const left = (view.scrollLeft + x) * scale / before - x;
  const top = (view.scrollTop + y) * scale / before - y;
  picture.setAttribute("width", width * scale);
  picture.setAttribute("height", height * scale);
  view.scrollTo(left, top);
}
function around(factor) {
  zoom(scale * factor, view.clientWidth / 2, view.clientHeight / 2);
}
function fit() {
  zoom(Math.min(view.clientWidth / width, view.clientHeight / height), 0, 0);
}
document.getElementById("in").addEventListener("click", () => around(1.25));
document.getElementById("out").addEventListener("click", () => around(0.8));
document.getElementById("fit").addEventListener("click", fit);
view.addEventListener("wheel", (event) => {
  if (!event.ctrlKey && !event.metaKey) return;
  event.preventDefault();
  const box = view.getBoundingClientRect();
  const factor = Math.exp(-event.deltaY / 300);
  zoom(scale * factor, event.clientX - box.left, event.clientY - box.top);
}, { passive: false });
view.addEventListener("keydown", (event) => {
  if (event.key === "+" || event.key === "=") around(1.25);
  if (event.key === "-") around(0.8);
  if (event.key === "0") fit();
});
let start = null;
view.addEventListener("pointerdown", (event) => {
  if (event.button !== 0) return;
  start = { x: event.clientX, y: event.clientY, left: view.scrollLeft, top: view.scrollTop };
  view.setPointerCapture(event.pointerId);
});
view.addEventListener("pointermove", (event) => {
  if (!start) return;
  view.scrollTo(start.left + start.x - event.clientX, start.top + start.y - event.clientY);
});
view.addEventListener("pointerup", () => { start = null; });
if (width > view.clientWidth || height > view.clientHeight) fit();
if (scale < 0.5) zoom(0.5, 0, 0);
"""


def to_page(svg: str, title: str) -> str:
    """The page that shows `svg`."""
    return _PAGE.format(title=html.escape(title), svg=svg, script=_SCRIPT.strip())
