"""A `Graph` as DOT: `Drawing` is a `graphviz.Digraph` that also shows itself in a notebook.

This is the one module that imports graphviz, so it is imported when something is drawn. The
colours are chosen for white and for black surroundings: dark text in pale boxes, and a grey for
lines and their labels that has a contrast above 4.5 to both. Shape and line tell kinds apart too.
"""

from __future__ import annotations

import html
import re
import unicodedata
from typing import Any

import graphviz

from .graph import Edge, Graph, Node

LARGEST_INLINE = 1500
"""Above this many nodes `dot` takes minutes, so a notebook shows a sentence instead."""
WIDE, LONGEST_NAME = 40, 60

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
}
# Exchanging the operands changes nothing, so that the edges need no label.
_COMMUTATIVE = {"add", "mul", "maximum", "minimum", "eq", "ne", "logaddexp", "hypot"}
# Arguments that the result's shape and dtype say already, or that nearly always have one value.
_UNSAID = {"shape", "sizes", "dtype", "ignore_index", "reduction", "smoothing"}


class Drawing(graphviz.Digraph):
    """A `graphviz.Digraph`: `source` is the DOT text, `save`, `render` and `pipe` write files.

    In a notebook it shows itself as SVG where Graphviz's program `dot` is installed.
    """

    count = 0  # of nodes

    def _repr_mimebundle_(
        self, include: Any = None, exclude: Any = None, **_: Any
    ) -> dict[str, str]:
        text = f"Drawing of a graph with {self.count:,} nodes"
        if self.count > LARGEST_INLINE:
            return {
                "text/plain": f"{text}: too large to show here. "
                "drawing.render('graph', format='svg') lays it out nevertheless, which may take "
                "minutes; drawing.save('graph.dot') writes it as text"
            }
        try:
            return {"image/svg+xml": self.pipe("svg", encoding="utf-8"), "text/plain": text}
        except graphviz.ExecutableNotFound:
            return {
                "text/plain": f"{text}. To see it here, install Graphviz for its program `dot` "
                "(apt install graphviz, brew install graphviz, or https://graphviz.org/download); "
                "drawing.source is its text"
            }
        except Exception as error:  # a notebook cell must show something in any case
            return {"text/plain": f"{text}, which `dot` could not lay out: {error}"}


def to_dot(graph: Graph, rankdir: str | None = None) -> Drawing:
    """The drawing of `graph`.

    Args:
        rankdir: "LR" or "TB"; by default left to right up to 40 nodes, else top down.
    """
    direction = rankdir or ("LR" if len(graph.nodes) <= WIDE else "TB")
    drawing = Drawing(
        "computation",
        graph_attr={
            "rankdir": direction,
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
    drawing.count = len(graph.nodes)
    incoming = [0] * len(graph.nodes)
    for edge in graph.edges:
        incoming[edge.target] += 1
    for node in graph.nodes:
        look = _LOOKS[node.kind]
        if node.kind == "parameter" and not node.requires_grad:
            look = look | {"style": "filled,dashed"}
        drawing.node(f"n{node.id}", _label(node), tooltip=_tooltip(node), **look)
    for edge in graph.edges:
        target = graph.nodes[edge.target]
        drawing.edge(
            f"n{edge.source}",
            f"n{edge.target}",
            **_edge_labels(edge, graph.nodes[edge.source], target, incoming[edge.target]),
        )
    return drawing


def _edge_labels(edge: Edge, source: Node, target: Node, incoming: int) -> dict[str, str]:
    """Labels where the picture would be ambiguous: which argument, and which of several results."""
    labels = {}
    if incoming > 1 and edge.role and target.op not in _COMMUTATIVE:
        # `x` and `y` would be taken for the user's variables.
        sides = {"x": "left", "y": "right"} if target.infix and target.symbol else {}
        labels["headlabel"] = sides.get(edge.role, edge.role)
    if len(source.results) > 1:
        labels["taillabel"] = f"[{edge.output}]"
    return labels | {"labeldistance": "1.6"} if labels else labels


def _label(node: Node) -> str:
    """The text in a box as an HTML-like label: what it is in front, shape and dtype in small."""
    if node.kind == "op":
        big = _operation(node)
        unsaid = _UNSAID if node.shape else _UNSAID | {"axes"}
        small = [f"{k}={v}" for k, v in node.arguments.items() if k not in unsaid]
        small.append(f"{node.name}: {_results(node)}" if node.name else _results(node))
    else:
        big, small = _valued(node), [_results(node)]
    texts = [(big, 15)] if big else []
    texts += [(line, 10) for line in small if line]
    return (
        "<"
        + "<BR/>".join(f'<FONT POINT-SIZE="{size}">{_markup(text)}</FONT>' for text, size in texts)
        + ">"
    )


def _operation(node: Node) -> str:
    symbol = node.symbol or node.op
    if not node.lost:
        return symbol
    if not node.symbol:
        return f"{symbol} (const)"
    return f"const {symbol}" if node.lost[0] == "x" else f"{symbol} const"


def _valued(node: Node) -> str:
    name = node.name or ("output" if node.kind == "output" else "")
    if node.value is None:
        return name
    value = f"{node.value:.4g}" if isinstance(node.value, float) else str(node.value)
    return f"{name} = {value}" if name else value


def _results(node: Node) -> str:
    """`float32[64, 10]`, a bare `float32` for a 0-d one, `3 × float32[2]` for several results."""
    texts = [
        f"{dtype}[{', '.join(map(str, shape))}]" if shape else dtype
        for shape, dtype in node.results
    ]
    if len(texts) > 1 and len(set(texts)) == 1:
        return f"{len(texts)} × {texts[0]}"
    return ", ".join(texts[:4]) + (", ..." if len(texts) > 4 else "")


def _tooltip(node: Node) -> str:
    arguments = ", ".join(f"{k}={v}" for k, v in node.arguments.items())
    text = f"{node.op}({arguments})" if arguments else node.op or node.kind
    return html.escape(_clean(text)).replace("\\", "/")  # Graphviz would read an escape into it


def _markup(text: str) -> str:
    """`text` for an HTML-like label, in which Graphviz replaces `\\N` and its like too."""
    return _REPLACED.sub(r"\\<FONT>\1</FONT>", html.escape(_clean(text)))


_REPLACED = re.compile(r"\\([NGETHL])")


def _clean(text: str) -> str:
    """`text` in one line of reasonable length, with what cannot be shown as an escape."""
    if text.isascii() and text.isprintable() and len(text) <= LONGEST_NAME:
        return text
    if len(text) > LONGEST_NAME:
        text = text[: LONGEST_NAME - 1] + "…"
    return "".join(
        c if c.isprintable() or _joins(c) else c.encode("unicode_escape").decode() for c in text
    )


def _joins(c: str) -> bool:
    """The parts of composed emoji that show nothing themselves."""
    return c == "\u200d" or unicodedata.category(c) == "Mn"
