"""`Drawing`: a graph as SVG, DOT, HTML, text, and through Graphviz as PNG and PDF."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .listing import to_text
from .page import FOLDABLE, to_page
from .scene import Folding, scene_of
from .svg import Picture
from .text import count

if TYPE_CHECKING:
    import graphviz

LONGEST_PLAIN = 60
"""So many lines of the text drawing are shown where pictures are not."""

_SUFFIXES = ".svg, .html, .txt, .dot, .gv, .png or .pdf"
_INSTALL = "apt install graphviz, brew install graphviz, or https://graphviz.org/download"


class Drawing:
    """What `draw` returns; in a notebook it is shown as a picture.

    Attributes:
        count: the number of nodes in the graph.
        boxes: the number of boxes in the picture; fewer when something is folded.
        rankdir: the direction of the picture, "LR", "TB", "RL" or "BT".
    """

    def __init__(
        self,
        folding: Folding,
        values: bool = False,
        grads: bool = False,
        known: Iterable[int] = (),
        rankdir: str | None = None,
        engine: str = "auto",
        legend: bool = True,
    ) -> None:
        self._scene = scene_of(folding, values, grads)
        self._given, self._engine, self._legend = rankdir, engine, legend
        self.count, self.boxes = self._scene.nodes, len(self._scene.faces)
        # What a page would be too large for is not kept: a million nodes take a gigabyte.
        self._folding = folding if self.count <= FOLDABLE else None
        self._numbers = values, grads, set(known)

    @cached_property
    def _picture(self) -> Picture:
        return Picture(self._scene, self._given, self._legend)

    @property
    def rankdir(self) -> str:
        return self._picture.rankdir

    @cached_property
    def svg(self) -> str:
        """The picture as SVG text, the same for the same graph."""
        if self._engine == "dot":
            return self.pipe("svg", encoding="utf-8")
        return self._picture.svg()

    @property
    def text(self) -> str:
        """The drawing as text: a numbered list of boxes with arrows."""
        return to_text(self._scene)

    @cached_property
    def digraph(self) -> graphviz.Digraph:
        """The drawing as a `graphviz.Digraph`, to change or to lay out with Graphviz."""
        from .dot import to_dot

        return to_dot(self._scene, self.rankdir)

    @property
    def dot(self) -> str:
        """The drawing as DOT text, the language of Graphviz."""
        return self.digraph.source

    source = dot

    @property
    def html(self) -> str:
        """The drawing as one HTML page that needs no network."""
        title = f"Computation graph with {count(self.count, 'node')}"
        return to_page(self._folding, self._picture, title, *self._numbers)

    def pipe(self, format: str = "svg", encoding: str | None = None) -> Any:
        """The drawing as Graphviz's program `dot` lays it out, as bytes (text with `encoding`)."""
        self._need_dot(format)
        return self.digraph.pipe(format, encoding=encoding)

    def render(self, filename: Any = None, *args: Any, **kwargs: Any) -> str:
        """Writes DOT and a picture of it by Graphviz, as `graphviz.Digraph.render` does."""
        self._need_dot(kwargs.get("format") or "pdf")
        return self.digraph.render(filename, *args, **kwargs)

    def copy(self) -> graphviz.Digraph:
        """A copy as a `graphviz.Digraph`."""
        return self.digraph.copy()

    def save(self, path: str | os.PathLike[str]) -> str:
        """Writes the drawing to a file, in the format that the suffix names.

        `.svg`, `.html`, `.txt` and `.dot` (or `.gv`) need nothing else; `.png` and `.pdf` are
        made by Graphviz.

        Returns:
            The path.

        Raises:
            ValueError: for another suffix.
            RuntimeError: for `.png` and `.pdf` where Graphviz is not installed.
        """
        target = Path(path)
        suffix = target.suffix.lower()
        if suffix in (".png", ".pdf"):
            target.write_bytes(self.pipe(suffix[1:]))
            return os.fspath(path)
        if suffix not in (".svg", ".html", ".htm", ".txt", ".dot", ".gv"):
            what = f"not {target.suffix}" if target.suffix else "and there is none"
            raise ValueError(f"save: the suffix of {target.name!r} must be {_SUFFIXES}, {what}")
        texts = {".svg": "svg", ".txt": "text", ".dot": "dot", ".gv": "dot"}
        text = getattr(self, texts.get(suffix, "html"))
        target.write_text(text, encoding="utf-8", errors="backslashreplace")
        return os.fspath(path)

    def _need_dot(self, format: str) -> None:
        if shutil.which("dot") is None:
            raise RuntimeError(
                f"draw: {format.upper()} by Graphviz needs its program `dot`, which is not "
                f"installed ({_INSTALL}); .svg, .html, .txt and .dot need nothing"
            )

    def __repr__(self) -> str:
        folded = f", folded into {count(self.boxes, 'box')}" if self.boxes < self.count else ""
        return f"<Drawing of a graph with {count(self.count, 'node')}{folded}>"

    def __str__(self) -> str:
        return self.text

    def _repr_mimebundle_(
        self, include: Any = None, exclude: Any = None, **_: Any
    ) -> dict[str, str]:
        lines = self.text.splitlines()
        if len(lines) > LONGEST_PLAIN:
            more = len(lines) - LONGEST_PLAIN
            lines[LONGEST_PLAIN:] = [f"... {more:,} more lines: print(drawing) shows them"]
        try:
            svg = self.svg
        except RuntimeError as error:  # engine="dot", but a cell must show something in any case
            lines += [f"{error}. This picture was laid out without it"]
            svg = self._picture.svg()
        return {"image/svg+xml": svg, "text/plain": "\n".join(lines)}
