"""A `Scene` as SVG: text that depends on nothing but the graph.

There are no ids, so that several drawings may share a page, and the style rules are the same in
all. The colours are chosen for white and for black surroundings: what is outside of boxes is a
grey with a contrast above 4.5 to both, and inside of them dark text is on a pale ground, or the
reverse where the reader prefers dark. Shapes and outlines tell kinds apart too.
"""

from __future__ import annotations

import html
import math
from collections.abc import Sequence
from typing import Any

from ..stepper.values import plain
from .faces import Block, Face, extreme
from .layout import Layout, control_points, layout
from .scene import Link, Scene
from .text import clean, count, width_of

WIDE = 1100
"""A drawing whose direction is not given goes down when it would be wider than that, since a
notebook shrinks it to the width of a cell."""

MARGIN = 8
CELL = 6
_SIDE, _ABOVE = 10, 6  # between a box's outline and its text
_LEADING = {15: 19, 10: 13, 9: 12}
_HEAD = 9  # the longest label at the head of an edge is as wide as the gap, in this font size
_LONGEST_LABEL = 38

_STYLE = """
.tapegrad { font-family: Helvetica, Arial, "DejaVu Sans", sans-serif; }
.tapegrad text { fill: #1a1a1a; font-size: 10px; text-anchor: middle; }
.tapegrad .big { font-size: 15px; }
.tapegrad .small { font-size: 9px; }
.tapegrad .left { text-anchor: start; }
.tapegrad .edge path { fill: none; stroke: #757575; stroke-width: 1.2; }
.tapegrad .edge .many { stroke-width: 2.6; }
.tapegrad .edge .arrow { fill: #757575; stroke: none; }
.tapegrad .edge text { font-size: 9px; fill: #757575; }
.tapegrad .edge .start { text-anchor: start; }
.tapegrad .edge .end { text-anchor: end; }
.tapegrad .frame rect { fill: #80808014; stroke: #757575; stroke-dasharray: 5 3; }
.tapegrad .frame text, .tapegrad .note { fill: #757575; text-anchor: start; }
.tapegrad .box { stroke-width: 1; }
.tapegrad .op { fill: #f3f3f3; stroke: #757575; }
.tapegrad .parameter { fill: #cfe3fb; stroke: #2f6db5; }
.tapegrad .data { fill: #fbe6b8; stroke: #a86f00; }
.tapegrad .output { fill: #d4edd0; stroke: #3a7f35; }
.tapegrad .group { fill: #e7dff5; stroke: #6b4fa0; }
.tapegrad .failed { fill: #fad4d4; stroke: #b3261e; stroke-width: 2.5; }
.tapegrad .frozen { stroke-dasharray: 4 3; }
.tapegrad .heat { stroke: #757575; stroke-width: .5; }
@media (prefers-color-scheme: dark) {
.tapegrad .text text { fill: #f0f0f0; }
.tapegrad .op { fill: #303236; stroke: #9aa0a8; }
.tapegrad .parameter { fill: #1c3a5e; stroke: #7db3f2; }
.tapegrad .data { fill: #4d3b10; stroke: #e0ad4e; }
.tapegrad .output { fill: #20482a; stroke: #7cc680; }
.tapegrad .group { fill: #3b3057; stroke: #b39ae0; }
.tapegrad .failed { fill: #5e1d1d; stroke: #f28b82; }
}
"""

# From most negative through 0 to most positive; NaN and infinities are black.
_HEAT = ["#2166ac", "#4393c3", "#92c5de", "#d1e5f0", "#f7f7f7"]
_HEAT += ["#fddbc7", "#f4a582", "#d6604d", "#b2182b"]
_KINDS = {
    "op": "operation",
    "parameter": "requires grad",
    "data": "data",
    "output": "result",
    "group": "folded",
    "failed": "raised",
}


class Picture:
    """A scene with its layout.

    Args:
        rankdir: "LR", "TB", "RL" or "BT"; by default from left to right where that fits.
        legend: whether the colours and shapes are explained below.
    """

    def __init__(self, scene: Scene, rankdir: str | None = None, legend: bool = True) -> None:
        self.scene, self.legend = scene, legend
        self.sizes = [size_of(face) for face in scene.faces]
        self.rankdir = rankdir or "LR"
        self.layout = self._arranged()
        if rankdir is None and self.layout.width > WIDE:
            across, self.rankdir = self.layout, "TB"
            self.layout = self._arranged()
            if self.layout.width > across.width:
                self.layout, self.rankdir = across, "LR"

    @property
    def down(self) -> bool:
        """Does it go up or down?"""
        return self.rankdir in ("TB", "BT")

    def _arranged(self) -> Layout:
        scene = self.scene
        titles = [(frame.parent, width_of(frame.title, 10)) for frame in scene.frames]
        edges = [(link.source, link.target) for link in scene.links]
        found = layout(self.sizes, edges, scene.frame_of, titles, self.down)
        if self.rankdir in ("RL", "BT"):
            _mirror(found, self.sizes, self.down)
        return found

    def svg(self) -> str:
        """The text of the SVG file."""
        footer, width, height = _footer(self.scene, self.layout.width, self.legend)
        width = max(self.layout.width, width) + 2 * MARGIN
        above = self.layout.height + (10 if height else 0)
        height = above + height + 2 * MARGIN
        what = f"Computation graph with {count(self.scene.nodes, 'node')}"
        parts = [
            f'<svg xmlns="http://www.w3.org/2000/svg" class="tapegrad" role="img" width="{width}"'
            f' height="{height}" viewBox="{-MARGIN} {-MARGIN} {width} {height}">',
            f"<title>{what}</title>",
            f"<style>{_STYLE}</style>",
            *self._frames(),
            '<g class="edge">',
            *self._edges(),
            "</g>",
            *self._boxes(),
        ]
        if footer:
            parts += [f'<g transform="translate(0 {above})">', *footer, "</g>"]
        return "\n".join([*parts, "</svg>", ""])

    def _frames(self) -> list[str]:
        parts = []
        for frame, (x, y, w, h) in zip(self.scene.frames, self.layout.clusters, strict=True):
            parts.append(
                f'<g class="frame"><title>{escape(f"{frame.kind} {frame.title}")}</title>'
                f'<rect x="{x}" y="{y}" width="{w}" height="{h}" rx="6"/>'
                f'<text x="{x + self._beside(x, y, w, frame.title)}" y="{y + 14}">'
                f"{escape(frame.title)}</text></g>"
            )
        return parts

    def _beside(self, x: int, y: int, w: int, title: str) -> int:
        """Where a frame's title begins, so that no edge that comes in from above crosses it."""
        wide, crossing = width_of(title, 10), []
        if self.down:
            for points in self.layout.paths:
                for i in range(0, len(points) - 2, 2):
                    low, high = sorted((points[i + 1], points[i + 3]))
                    if low < y + 18 and high > y and x <= points[i] <= x + w:
                        crossing.append(points[i] - x)
        for start in [9, *(place + 7 for place in sorted(crossing))]:
            if start + wide + 7 > w:
                break
            if not any(start - 5 < place < start + wide + 5 for place in crossing):
                return start
        return 9

    def _boxes(self) -> list[str]:
        placed = zip(self.scene.faces, self.layout.nodes, self.sizes, strict=True)
        return [
            f'<g class="text" transform="translate({x} {y})">{box(face, w, h)}</g>'
            for face, (x, y), (w, h) in placed
        ]

    def _edges(self) -> list[str]:
        """Lines, then arrowheads, then labels. What edges of one source share is drawn once."""
        thin: list[str] = []
        thick: list[str] = []
        arrows: list[str] = []
        labels: list[str] = []
        drawn: set[tuple[int, ...]] = set()
        axis = -2 if self.down else -1
        ends: dict[int, list[int]] = {}
        for link, points in zip(self.scene.links, self.layout.paths, strict=True):
            ends.setdefault(link.target, []).append(points[axis])
        for link, points in zip(self.scene.links, self.layout.paths, strict=True):
            d = self._path(points, drawn)
            if d:
                (thick if link.times > 1 else thin).append(d)
            arrows.append(self._arrow(points))
            arriving = ends[link.target]
            outer = points[axis] in (min(arriving), max(arriving))
            labels += self._labels(link, points, outer, points[axis] == min(arriving))
        parts = [f'<path d="{" ".join(thin)}"/>'] if thin else []
        parts += [f'<path class="many" d="{" ".join(thick)}"/>'] if thick else []
        parts += [f'<path class="arrow" d="{" ".join(arrows)}"/>'] if arrows else []
        return parts + labels

    def _path(self, points: list[int], drawn: set[tuple[int, ...]]) -> str:
        parts: list[str] = []
        pen = None
        for i in range(0, len(points) - 2, 2):
            piece = tuple(points[i : i + 4])
            if piece in drawn:
                continue
            drawn.add(piece)
            x0, y0, x1, y1 = piece
            if pen != (x0, y0):
                parts.append(f"M{x0} {y0}")
            if (x0 == x1) if self.down else (y0 == y1):
                parts.append(f"L{x1} {y1}")
            else:
                a, b, c, d = control_points(x0, y0, x1, y1, self.down)
                parts.append(f"C{a:g} {b:g} {c:g} {d:g} {x1} {y1}")
            pen = x1, y1
        return "".join(parts)

    def _arrow(self, points: list[int]) -> str:
        x, y = points[-2:]
        back = 7 if self.rankdir in ("RL", "BT") else -7
        if self.down:
            return f"M{x} {y}l-3.2 {back}h6.4z"
        return f"M{x} {y}l{back} -3.2v6.4z"

    def _labels(self, link: Link, points: list[int], outer: bool, first: bool) -> list[str]:
        """The words of an edge, for the first and the last that arrive at a box: there is no room
        between them."""
        forward = -1 if self.rankdir in ("RL", "BT") else 1
        texts = []
        # Which of several results it is, is said here too: their edges leave from one point.
        whole = f"{link.tail} {link.head}".strip() or (f"×{link.times:,}" if link.times > 1 else "")
        room = 2 * _LONGEST_LABEL if self.down else _LONGEST_LABEL
        head = next((t for t in (whole, link.head, link.tail) if width_of(t, 9) <= room), "")
        if head and outer:
            x, y = points[-2:]
            if self.down:
                aside = -4 if first else 4
                texts.append(("end" if first else "start", x + aside, y + 3 - 12 * forward, head))
            else:
                anchor = "end" if forward > 0 else "start"
                texts.append((anchor, x - 5 * forward, y + (-3 if first else 10), head))
        return [
            f'<text class="{anchor}" x="{x}" y="{y}">{escape(text)}</text>'
            for anchor, x, y, text in texts
        ]


def _mirror(found: Layout, sizes: Sequence[tuple[int, int]], down: bool) -> None:
    """Turns a layout around, so that it ends where it began."""
    if down:
        h = found.height
        found.nodes = [(x, h - y - b) for (x, y), (_, b) in zip(found.nodes, sizes, strict=True)]
        found.clusters = [(x, h - y - b, a, b) for x, y, a, b in found.clusters]
        found.paths = [[h - v if i % 2 else v for i, v in enumerate(p)] for p in found.paths]
    else:
        w = found.width
        found.nodes = [(w - x - a, y) for (x, y), (a, _) in zip(found.nodes, sizes, strict=True)]
        found.clusters = [(w - x - a, y, a, b) for x, y, a, b in found.clusters]
        found.paths = [[v if i % 2 else w - v for i, v in enumerate(p)] for p in found.paths]


def size_of(face: Face) -> tuple[int, int]:
    """Width and height of a box in which its text fits."""
    width = max((width_of(text, size) for text, size in face.lines), default=0)
    height = sum(_LEADING[size] for _, size in face.lines)
    for block in face.blocks:
        w, h = _block_size(block)
        width, height = max(width, w), height + h + 5
    return max(width + 2 * _SIDE, 30), max(height + 2 * _ABOVE, 26)


def _block_size(block: Block) -> tuple[int, int]:
    beside = max(width_of(line, 9) for line in block.lines)
    return _columns(block) * CELL + 6 + beside, max(len(block.heat) * CELL, 12 * len(block.lines))


def _columns(block: Block) -> int:
    return max((len(row) for row in block.heat), default=0)


def box(face: Face, w: int, h: int) -> str:
    """A box with its text, at the origin."""
    parts = [f"<title>{escape(face.tooltip)}</title>", _outline(face, w, h)]
    y = _ABOVE if face.lines or face.blocks else 0
    free = h - 2 * _ABOVE - sum(_LEADING[size] for _, size in face.lines)
    free -= sum(_block_size(block)[1] + 5 for block in face.blocks)
    y += max(free, 0) // 2
    for text, size in face.lines:
        y += _LEADING[size]
        look = ' class="big"' if size == 15 else ""
        parts.append(f'<text{look} x="{w / 2:g}" y="{y - size // 4}">{escape(text)}</text>')
    for block in face.blocks:
        wide, high = _block_size(block)
        parts.append(_block(block, (w - wide) // 2, y + 5))
        y += high + 5
    return "".join(parts)


def _outline(face: Face, w: int, h: int) -> str:
    look = f'class="box {face.kind}{" frozen" if face.frozen else ""}"'
    if face.kind == "data":
        return f'<path {look} d="M0 0H{w - 7}L{w} 7V{h}H0Z"/><path {look} d="M{w - 7} 0V7H{w}Z"/>'
    if face.kind == "group":
        return (
            f'<rect {look} x="4" y="4" width="{w - 4}" height="{h - 4}" rx="4"/>'
            f'<rect {look} width="{w - 3}" height="{h - 3}" rx="4"/>'
        )
    if face.kind == "output":
        return (
            f'<rect {look} width="{w}" height="{h}" rx="7"/>'
            f'<rect {look} x="3" y="3" width="{w - 6}" height="{h - 6}" rx="5"/>'
        )
    return f'<rect {look} width="{w}" height="{h}" rx="{0 if face.kind == "parameter" else 7}"/>'


def _block(block: Block, x: int, y: int) -> str:
    """A heat map with its lines, one path per colour."""
    cells: dict[str, list[str]] = {}
    scale = extreme(block.heat)
    for r, row in enumerate(block.heat):
        for c, value in enumerate(row):
            d = f"M{x + c * CELL} {y + r * CELL}h{CELL}v{CELL}h-{CELL}z"
            cells.setdefault(_colour(value, scale), []).append(d)
    parts = [f'<path fill="{colour}" d="{"".join(cells[colour])}"/>' for colour in sorted(cells)]
    wide, high = _columns(block) * CELL, len(block.heat) * CELL
    parts.append(f'<rect class="heat" fill="none" x="{x}" y="{y}" width="{wide}" height="{high}"/>')
    for i, line in enumerate(block.lines):
        at = f'x="{x + wide + 6}" y="{y + 9 + 12 * i}"'
        parts.append(f'<text class="left small" {at}>{escape(line)}</text>')
    return "".join(parts)


def _colour(value: Any, scale: float) -> str:
    number = plain(value)
    if not math.isfinite(number):
        return "#000000"
    middle = len(_HEAT) // 2
    return _HEAT[middle + math.floor(number / scale * middle + 0.5) if scale else middle]


def _footer(scene: Scene, width: int, legend: bool) -> tuple[list[str], int, int]:
    """Legend and notes as SVG, with their width and height."""
    parts: list[str] = []
    limit, widest = max(width, 420), 0
    x = y = 0
    shown = {face.kind for face in scene.faces}
    for kind, word in _KINDS.items():
        if not legend or kind not in shown:
            continue
        wide = 26 + width_of(word, 10) + 14
        if x and x + wide > limit:
            x, y = 0, y + 18
        parts.append(
            f'<g transform="translate({x} {y})">{_outline(Face(kind, [("", 10)]), 20, 13)}'
            f'<text class="note" x="26" y="10">{word}</text></g>'
        )
        x += wide
        widest = max(widest, x)
    y += 18 if parts else 0
    notes = list(scene.notes)
    if legend and any(face.blocks for face in scene.faces):
        notes.append(
            "squares: blue below 0, red above, black not finite; the largest of each block"
        )
    for note in notes:
        for line in _wrapped(note, limit):
            parts.append(f'<text class="note" x="0" y="{y + 10}">{escape(line)}</text>')
            widest = max(widest, width_of(line, 10))
            y += 14
    return parts, widest, y


def legend_of(scene: Scene) -> str:
    """The legend as a picture of its own."""
    bare = Scene(scene.nodes, scene.faces, [], [], [])
    parts, width, height = _footer(bare, 900, True)
    size = f'width="{width}" height="{height}" viewBox="-1 -1 {width + 2} {height + 2}"'
    return "\n".join([f'<svg class="tapegrad" {size} aria-hidden="true">', *parts, "</svg>"])


def _wrapped(text: str, width: int) -> list[str]:
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and width_of(longer, 10) > width:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines


def escape(text: str) -> str:
    """Text for an element or an attribute of SVG."""
    return html.escape(clean(text, 400))
