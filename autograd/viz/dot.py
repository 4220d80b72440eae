"""A `Scene` as DOT, for those who have Graphviz.

This is the one module that imports graphviz, so it is imported when DOT is asked for.
"""

from __future__ import annotations

import html
import re
from typing import Any

import graphviz

from .faces import Face
from .scene import Link, Scene

_GREY = "#757575"
_LOOKS = {
    "op": {"shape": "box", "style": "rounded,filled", "fillcolor": "#f3f3f3", "color": _GREY},
    "parameter": {"shape": "box", "style": "filled", "fillcolor": "#cfe3fb", "color": "#2f6db5"},
    "data": {"shape": "note", "style": "filled", "fillcolor": "#fbe6b8", "color": "#a86f00"},
    "output": {
        "shape": "box",
        "style": "rounded,filled",
        "peripheries": "2",
        "fillcolor": "#d4edd0",
        "color": "#3a7f35",
    },
    "group": {"shape": "box3d", "style": "filled", "fillcolor": "#e7dff5", "color": "#6b4fa0"},
    "failed": {
        "shape": "box",
        "style": "rounded,filled,bold",
        "fillcolor": "#fad4d4",
        "color": "#b3261e",
    },
}
_FRAME = {
    "style": "rounded,dashed",
    "color": _GREY,
    "fontcolor": _GREY,
    "fontname": "Helvetica,Arial,sans-serif",
    "fontsize": "10",
    "labeljust": "l",
}


def to_dot(scene: Scene, rankdir: str) -> graphviz.Digraph:
    """The scene as a `graphviz.Digraph`."""
    drawing = graphviz.Digraph(
        "computation",
        graph_attr={
            "rankdir": rankdir,
            "ordering": "in",
            "bgcolor": "transparent",
            "nodesep": "0.25",
            "ranksep": "0.4",
        },
        node_attr={
            "fontname": "Helvetica,Arial,sans-serif",
            "fontcolor": "#1a1a1a",
            "margin": "0.12,0.06",
            "height": "0.3",
            "width": "0.3",
        },
        edge_attr={
            "fontname": "Helvetica,Arial,sans-serif",
            "fontsize": "10",
            "fontcolor": _GREY,
            "color": _GREY,
            "arrowsize": "0.7",
        },
    )
    frames = []
    for k, frame in enumerate(scene.frames):
        inner = graphviz.Digraph(f"cluster_{k}")
        inner.attr(label=_escaped(frame.title), tooltip=_escaped(frame.kind), **_FRAME)
        frames.append(inner)
    for i, (face, k) in enumerate(zip(scene.faces, scene.frame_of, strict=True)):
        look = _LOOKS[face.kind]
        if face.frozen:
            look = look | {"style": "filled,dashed"}
        holder = frames[k] if k >= 0 else drawing
        holder.node(f"n{i}", _label(face), tooltip=_escaped(face.tooltip), **look)
    for k in range(len(frames) - 1, -1, -1):  # the inner ones first
        parent = scene.frames[k].parent
        (frames[parent] if parent >= 0 else drawing).subgraph(frames[k])
    for link in scene.links:
        drawing.edge(f"n{link.source}", f"n{link.target}", **_ends(link))
    return drawing


def _ends(link: Link) -> dict[str, Any]:
    labels = {}
    if link.head:
        labels["headlabel"] = graphviz.escape(link.head)
    if link.tail:
        labels["taillabel"] = graphviz.escape(link.tail)
    if labels:
        labels["labeldistance"] = "1.6"
    if link.times > 1:
        labels |= {"label": f"×{link.times:,}", "penwidth": "2"}
    return labels


def _label(face: Face) -> str:
    """The text in a box as an HTML-like label: what it is in front, the rest in small."""
    lines = [*face.lines, *((line, 10) for block in face.blocks for line in block.lines)]
    texts = [f'<FONT POINT-SIZE="{size}">{_markup(text)}</FONT>' for text, size in lines]
    return "<" + "<BR/>".join(texts) + ">"


def _escaped(text: str) -> str:
    """`text` for an attribute; Graphviz would read an escape into a backslash."""
    return html.escape(text).replace("\\", "/")


def _markup(text: str) -> str:
    """`text` for an HTML-like label, in which Graphviz replaces `\\N` and its like too."""
    return _REPLACED.sub(r"\\<FONT>\1</FONT>", html.escape(text))


_REPLACED = re.compile(r"\\([NGETHL])")
