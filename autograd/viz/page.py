"""A drawing as one HTML page: panning, zooming and folding, and no way to the network.

Up to `FOLDABLE` nodes the page has what is needed to draw any set of closed groups: each box as
SVG that was written here, and the edges; the layout is done again in the page. A larger graph, or
one that runs backwards, is the picture as it is. Without JavaScript every page is that.
"""

from __future__ import annotations

import html
import json
import re
from functools import cache
from pathlib import Path
from typing import Any

from .faces import face_of, labels_of
from .fold import Box, bundles
from .scene import Folding, frame_title, is_framed, told
from .svg import Picture, box, legend_of, size_of
from .text import width_of

FOLDABLE = 20_000

_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; \
script-src 'unsafe-inline'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<style>
html {{ background: #fff; color: #1a1a1a; }}
body {{ margin: 0; height: 100vh; display: flex; flex-direction: column; }}
body {{ font: 13px Helvetica, Arial, "DejaVu Sans", sans-serif; }}
#view {{ flex: 1; overflow: auto; cursor: grab; outline-offset: -3px; user-select: none; }}
#view svg {{ display: block; margin: auto; max-width: none; }}
#bar {{ display: flex; gap: 4px; align-items: center; padding: 6px 10px; flex-wrap: wrap; }}
#bar {{ border-top: 1px solid #757575; }}
#note {{ flex: 1; margin: 0 8px; }}
#bar button {{ min-width: 32px; height: 28px; font: inherit; cursor: pointer; }}
.fold {{ cursor: pointer; }}
.fold:focus-visible {{ outline: 3px solid #1a73e8; }}
@media (prefers-color-scheme: dark) {{ html {{ background: #16181b; color: #f0f0f0; }} }}
{style}
</style>
</head>
<body>
<div id="view" tabindex="0" role="region" aria-label="{title}">{svg}</div>
<div id="bar">{legend}<p id="note" aria-live="polite"></p><button id="out" type="button" \
aria-label="zoom out">−</button><button id="fit" type="button">fit</button><button id="in" \
type="button" aria-label="zoom in">+</button></div>
<script type="application/json" id="data">{data}</script>
<script>
{script}
</script>
</body>
</html>
"""


def to_page(
    folding: Folding | None,
    picture: Picture,
    title: str,
    values: bool,
    grads: bool,
    known: set[int],
) -> str:
    """The page of a picture; `known` are the nodes whose values and gradients were looked up."""
    data = {}
    if folding is not None and picture.rankdir in ("LR", "TB"):
        data = _data(folding, picture.down, values, grads, known)
    text = json.dumps(data, allow_nan=False, ensure_ascii=True, separators=(",", ":"))
    svg = picture.svg()
    return _PAGE.format(
        title=html.escape(title),
        style=re.search("<style>(.*?)</style>", svg, re.DOTALL)[1],  # type: ignore[index]
        svg=svg,
        legend=legend_of(picture.scene) if picture.legend else "",
        data=text.replace("<", "\\u003c"),
        script=_script(),
    )


def _data(
    folding: Folding, down: bool, values: bool, grads: bool, known: set[int]
) -> dict[str, Any]:
    """What the page needs to draw the graph with other groups closed."""
    graph, grouping, groups = folding.graph, folding.grouping, folding.grouping.groups
    faces: list[dict[str, Any]] = []
    numbers: dict[str, int] = {}

    def number(found: Box, numbered: bool) -> int:
        """The place of a box's face in the table of different ones."""
        face = face_of(graph, found, groups, values and numbered, grads and numbered)
        size = size_of(face)
        markup = box(face, *size)
        if markup not in numbers:
            numbers[markup] = len(faces)
            faces.append({"markup": markup, "size": size})
        return numbers[markup]

    members: list[list[int]] = [[] for _ in groups]
    for node, home in enumerate(grouping.home):
        while home >= 0:
            members[home].append(node)
            home = groups[home].parent
    bundle = bundles(folding.facts, folding.edges, grouping) if folding.bundled else []
    together: dict[int, list[int]] = {}
    for node, first in enumerate(bundle):
        if first >= 0:
            together.setdefault(first, []).append(node)
    alike = told(graph)
    heads = []
    for edge in graph.edges:
        ends = graph.nodes[edge.source], graph.nodes[edge.target]
        head, tail = labels_of(edge, *ends, alike[edge.target])
        heads.append(f"{tail} {head}".strip())
    return {
        "down": down,
        "faces": faces,
        "face": [number(Box([i]), i in known) for i in range(len(graph.nodes))],
        "bundleFace": {first: number(Box(nodes), False) for first, nodes in together.items()},
        "groups": [
            {
                "parent": found.parent,
                "title": frame_title(found),
                "wide": width_of("− " + frame_title(found), 10),
                "framed": found.kind != "stretch" and is_framed(found, folding.bundled),
                "face": number(Box(members[g], g), False),
            }
            for g, found in enumerate(groups)
        ],
        "home": grouping.home,
        "operation": [node.kind in ("op", "failed", "output") for node in graph.nodes],
        "edges": folding.edges,
        "heads": heads,
        "bundle": bundle,
        "closed": sorted(folding.closed),
    }


@cache
def _script() -> str:
    """The page's JavaScript: the layout and the folding of the stepper's page, and drawing.js."""
    here = Path(__file__).parent
    web = here.parent / "stepper" / "web"
    files = (web / "layout.js", web / "fold.js", here / "drawing.js")
    text = "\n".join(file.read_text(encoding="utf-8") for file in files)
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)
    return '"use strict";\n' + re.sub(r"^\s+", "", text, flags=re.MULTILINE)
