"""A `Scene` as text: the boxes in the order of the tape, with arrows to what they are made from.

It is what a terminal, a notebook that is not trusted, and a file `.txt` show.
"""

from __future__ import annotations

from .scene import Scene
from .text import count

_MARKS = {"op": "", "parameter": "□ ", "data": "▱ ", "output": "◎ ", "group": "▣ ", "failed": ""}


def to_text(scene: Scene) -> str:
    """The text of a scene.

    Boxes are numbered; `← 1, 2` names the boxes that a box is made from, in the order of its
    arguments. Frames are indented.
    """
    sources: list[list[str]] = [[] for _ in scene.faces]
    for link in scene.links:
        times = f" (×{link.times:,})" if link.times > 1 else ""
        sources[link.target].append(f"{link.source + 1}{link.tail}{times}")
    lines = [f"Computation graph with {count(scene.nodes, 'node')}"]
    rows: list[tuple[str, str, str]] = []
    inside: list[int] = []
    for i, face in enumerate(scene.faces):
        around = _around(scene, scene.frame_of[i])
        common = 0
        while common < min(len(around), len(inside)) and around[common] == inside[common]:
            common += 1
        for depth in range(common, len(around)):
            rows.append(("", "  " * depth + f"┌ {scene.frames[around[depth]].title}", ""))
        inside = around
        first, *rest = [text for text, _ in face.lines] or [face.kind]
        arrow = f" ← {', '.join(sources[i])}" if sources[i] else ""
        what = "  " * len(around) + _MARKS[face.kind] + first + arrow
        numbers = [" ".join(block.lines) for block in face.blocks]
        rows.append((str(i + 1), what, "  ".join([*rest, *numbers])))
    left = max((len(number) for number, _, _ in rows), default=0)
    middle = min(max((len(what) for _, what, small in rows if small), default=0), 48)
    for number, what, small in rows:
        lines.append(f"{number:>{left}}  {what:<{middle}}  {small}".rstrip())
    marks = {"□": "parameter", "▱": "data", "◎": "output", "▣": "group"}
    shown = {face.kind for face in scene.faces}
    words = {"parameter": "requires grad", "data": "data", "output": "result", "group": "folded"}
    legend = [f"{mark} {words[kind]}" for mark, kind in marks.items() if kind in shown]
    lines += ["", "   ".join([*legend, "← made from"]), *scene.notes]
    return "\n".join(lines) + "\n"


def _around(scene: Scene, frame: int) -> list[int]:
    """The frames around a box, from outside."""
    found: list[int] = []
    while frame >= 0:
        found.append(frame)
        frame = scene.frames[frame].parent
    return found[::-1]
