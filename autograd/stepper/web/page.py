"""The stepper as one HTML file that needs no network.

The JavaScript is one ES module, kept in several files that are joined in the order of `FILES`:
nothing is compiled, and nothing is imported when it runs. In a page it is compressed, since a
notebook holds one copy per output. The page forbids itself all network by its
Content-Security-Policy, so a reader need not take its word for it.
"""

from __future__ import annotations

import base64
import gzip
import html
import json
import re
from functools import cache
from pathlib import Path
from typing import Any

from ..trace import Trace
from .scene import grouping_of
from .static import static

FILES = (
    "basics",
    "layout",
    "pass",
    "fold",
    "terms",
    "heat",
    "graph",
    "panels",
    "stops",
    "stepper",
)
COMPRESSED = 50_000
"""Data of more characters than this are compressed."""

CSP = (
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:; "
    "base-uri 'none'; form-action 'none'"
)


@cache
def module() -> str:
    """The front end as an ES module, `export default {render({model, el})}`."""
    return "\n".join(_read(f"{name}.js") for name in FILES)


@cache
def style() -> str:
    """Its style sheet."""
    return _read("stepper.css")


def payload(trace: Trace) -> dict[str, Any]:
    """What the front end is given: the trace, and how its graph folds."""
    return {"trace": trace.data, "grouping": grouping_of(trace)}


def page(trace: Trace, step: int = 0, fallback: bool = True) -> str:
    """The stepper for `trace` as an HTML document.

    Args:
        step: the position that it opens at.
        fallback: whether to add what is shown where JavaScript does not run.
    """
    title = html.escape(f"Backward pass of {trace.meta.get('title', 'L')}")
    noscript = f"<noscript>{static(trace)}</noscript>\n" if fallback else ""
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{CSP}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        f"<title>{title}</title>\n"
        "<style>html, body { margin: 0; height: 100%; font-family: system-ui, sans-serif; } "
        "body > div { --stepper-height: 100vh; }</style>\n"
        f"</head>\n<body>\n{noscript}<div></div>\n"
        f"{_code()}\n{_data(payload(trace) | {'step': step})}\n"
        f"<script>{_read('shim.js')}</script>\n</body>\n</html>\n"
    )


@cache
def _read(name: str) -> str:
    return (Path(__file__).parent / name).read_text(encoding="utf-8")


@cache
def _code() -> str:
    lean = {"module": _tight(_lean(module())), "css": _lean(style())}
    return _packed("code", json.dumps(lean, ensure_ascii=False), 9)


def _lean(text: str) -> str:
    """Without comments and indentation, which a page has no use for."""
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)
    return re.sub(r"^\s+", "", text, flags=re.MULTILINE)


def _tight(code: str) -> str:
    """JavaScript without the spaces beside signs, but for those in strings; it has no templates."""
    parts = re.split(r'("(?:[^"\\\n]|\\.)*")', code)
    parts[::2] = [re.sub(r" ?(=>|[={}(),;?:]) ?", r"\1", part) for part in parts[::2]]
    return "".join(parts)


def _data(data: dict[str, Any]) -> str:
    text = json.dumps(data, allow_nan=False, ensure_ascii=False, separators=(",", ":"))
    if len(text) > COMPRESSED:
        return _packed("data", text)
    # No parser may see a tag in it; and U+2028 and U+2029 once ended lines of JavaScript.
    for letter in "<\u2028\u2029":
        text = text.replace(letter, f"\\u{ord(letter):04x}")
    return f'<script type="application/json" data-part="data">{text}</script>'


def _packed(part: str, text: str, level: int = 6) -> str:
    packed = base64.b64encode(gzip.compress(text.encode(), level, mtime=0)).decode()
    return f'<script type="application/gzip" data-part="{part}">{packed}</script>'
