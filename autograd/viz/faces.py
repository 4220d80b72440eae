"""What is written in each box: the same words for the SVG, for DOT and for the text drawing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from ..stepper.values import plain, short
from .fold import Box
from .graph import Edge, Graph, Node
from .grouping import Group
from .recorded import Source
from .text import clean, count

BIG, SMALL = 15, 10
MOST_TURNS = 1000
"""Of more operations from one place nobody wants the number of each."""
LONGEST_ARGUMENT = 24
"""A longer one, and one with arrays in it, is in the tooltip only."""
SIDE = 8
FEW = 4
"""A tensor of at most so many elements is shown by its numbers."""

# Exchanging the operands changes nothing, so that the edges need no label.
_COMMUTATIVE = {"add", "mul", "maximum", "minimum", "eq", "ne", "logaddexp", "hypot"}
# Arguments that the result's shape and dtype say already, or that nearly always have one value.
_USUAL = {"groups=1"}
_UNSAID = {"shape", "sizes", "dtype", "ignore_index", "reduction", "smoothing"}


@dataclass(slots=True)
class Block:
    """The numbers of a tensor: a heat map (rows of numbers) with lines beside it."""

    heat: list[list[Any]]
    lines: list[str]


@dataclass(slots=True)
class Face:
    """A box as it is shown: lines with their sizes, then blocks; `kind` decides on the look."""

    kind: str  # of graph.Node, or "group"
    lines: list[tuple[str, int]]
    blocks: list[Block] = field(default_factory=list)
    tooltip: str = ""
    frozen: bool = False


def face_of(graph: Graph, box: Box, groups: Sequence[Group], values: bool, grads: bool) -> Face:
    """The face of a node, of a closed group, or of a bundle of leaves."""
    if box.group >= 0:
        return _group_face(graph, box, groups[box.group])
    if len(box.nodes) > 1:
        return _bundle_face(graph, box)
    node = graph.nodes[box.nodes[0]]
    big, small = _words(node)
    lines = [(clean(big), BIG)] if big else []
    lines += [(clean(line), SMALL) for line in small if line]
    face = Face(node.kind, lines, [], _tooltip(graph, node))
    face.frozen = node.kind == "parameter" and not node.requires_grad
    if node.kind != "failed":
        # The value of a 0-d leaf or result is in its first line already.
        if values and node.value is None:
            _add_value(face, "value", node.content, "value not kept")
        if grads and node.requires_grad:
            # Said once for all results of operations, in a note below.
            missing = f"grad {node.missing}" if node.kind == "parameter" else "grad —"
            _add_value(face, "grad", node.grad, missing)
    return face


def _words(node: Node) -> tuple[str, list[str]]:
    """What a node is, and the small lines below that."""
    if node.kind == "failed":
        return f"✗ {node.op}", [node.error]
    if node.kind == "op":
        unsaid = _UNSAID if node.shape else _UNSAID | {"axes"}
        said = [f"{k}={v}" for k, v in node.arguments.items() if k not in unsaid]
        small = [
            text
            for text in said
            if len(text) <= LONGEST_ARGUMENT and "·" not in text and text not in _USUAL
        ]
        small.append(f"{node.name}: {results_text(node)}" if node.name else results_text(node))
        return operation_text(node), small
    return _valued(node), [results_text(node)]


def operation_text(node: Node) -> str:
    """The operation as it is written, with the operands that nobody kept."""
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
    value = short(node.value) if isinstance(node.value, float) else str(node.value)
    return f"{name} = {value}" if name else value


def results_text(node: Node) -> str:
    """`float32[64, 10]`, a bare `float32` for a 0-d one, `3 × float32[2]` for several results."""
    texts = [
        f"{dtype}[{', '.join(map(str, shape))}]" if shape else dtype
        for shape, dtype in node.results
    ]
    if len(texts) > 1 and len(set(texts)) == 1:
        return f"{len(texts)} × {texts[0]}"
    return ", ".join(texts[:4]) + (", ..." if len(texts) > 4 else "")


def _add_value(face: Face, word: str, value: Any, missing: str) -> None:
    """Adds a VAL (docs/trace.md) to a face: a number as a line, a tensor as a block."""
    if isinstance(value, dict) and "results" in value:
        for i, part in enumerate(value["results"][:4]):
            _add_value(face, f"{word}[{i}]", part, f"{word}[{i}] not kept")
    elif value is None:
        face.lines.append((missing, SMALL))
    elif not isinstance(value, dict):
        face.lines.append((f"{word} {short(value)}", SMALL))
    elif value["n"] <= FEW:
        numbers = ", ".join(short(v, 3) for v in value["values"])
        face.lines.append((f"{word} [{numbers}]", SMALL))
    else:
        face.blocks.append(Block(_heat(value), [word, *_statistics(value["stats"])]))


def _heat(value: Any) -> list[list[Any]]:
    if "preview" in value:
        return value["preview"]
    columns, flat = value["shape"][-1], value["values"]
    if columns > 2 * SIDE or len(flat) > columns * 2 * SIDE:
        columns = SIDE  # a long vector goes on in the next row
    return [flat[i : i + columns] for i in range(0, len(flat), columns)]


def _statistics(stats: Any) -> list[str]:
    lines = []
    bad = stats["nan"] or stats["inf"]
    if stats["min"] is not None and stats["min"] == stats["max"] and not bad:
        lines.append(f"all {short(stats['min'], 3)}")
    elif stats["min"] is not None:
        lines.append(f"{short(stats['min'], 3)} … {short(stats['max'], 3)}")
        lines.append(f"mean {short(stats['mean'], 3)}")
    if stats["min"] is not None:
        lines.append(f"norm {short(stats['norm'], 3)}")
    for key, word in (("nan", "NaN"), ("inf", "infinite")):
        if stats[key]:
            lines.append(f"{stats[key]:,} {word}")
    return lines


def extreme(rows: list[list[Any]]) -> float:
    """The largest size of the finite numbers of a heat map."""
    sizes = [abs(plain(v)) for row in rows for v in row]
    return max((s for s in sizes if s - s == 0), default=0.0)


def _group_face(graph: Graph, box: Box, group: Group) -> Face:
    title = f"{group.title} ×{group.times:,}" if group.times > 1 else group.title
    small = [group.note] if group.note and group.note != group.title else []
    kinds = [graph.nodes[i].kind for i in box.nodes]
    words = (("op", "operation"), ("parameter", "parameter"), ("data", "data"))
    inside = [count(kinds.count(kind), word) for kind, word in words if kind in kinds]
    if kinds.count("op") == 1:
        inside[0] = graph.nodes[box.nodes[kinds.index("op")]].op
    small.append(", ".join(inside))
    lines = [(clean(title), BIG), *((clean(line), SMALL) for line in small)]
    tooltip = f"{group.kind} {title}: {', '.join(inside)}, folded"
    return Face("failed" if "failed" in kinds else "group", lines, [], tooltip)


def _bundle_face(graph: Graph, box: Box) -> Face:
    nodes = [graph.nodes[i] for i in box.nodes]
    kind = nodes[0].kind
    lines = [(count(len(nodes), "result" if kind == "output" else kind), BIG)]
    shapes = list(dict.fromkeys(results_text(node) for node in nodes))
    lines.append((clean(", ".join(shapes[:3]) + (", …" if len(shapes) > 3 else "")), SMALL))
    names = [node.name for node in nodes if node.name]
    said = ", ".join(names[:8]) + (", …" if len(names) > 8 else "")
    return Face(kind, lines, [], said or lines[0][0])


def _tooltip(graph: Graph, node: Node) -> str:
    """The operation with its arguments, and where it comes from."""
    arguments = ", ".join(f"{k}={v}" for k, v in node.arguments.items())
    parts = [f"{node.op}({arguments})" if arguments else node.op or node.kind]
    if node.source >= 0:
        parts.append(place_text(graph.sources[node.source]))
    if node.iteration is not None and node.iteration[1] <= MOST_TURNS:
        parts.append(f"{node.iteration[0]:,} of {node.iteration[1]:,} from there")
    if node.module >= 0:
        module = graph.modules[node.module]
        parts.append(f"in {module.name} ({module.type})")
    if node.grad is None and node.missing == "not kept":
        parts.append("its gradient was not kept: call retain_grad() on it before backward()")
    if node.error:
        parts.append(node.error)
    return "; ".join(parts)


def place_text(source: Source) -> str:
    """`train.py:12`, or `cell:3` for a line of a notebook."""
    file = source.file.replace("\\", "/").rpartition("/")[2]
    if source.file.startswith("<") or "ipykernel" in source.file:
        file = "cell"
    return f"{file}:{source.line}"


def is_told(source: Node, target: Node) -> bool:
    """Has an edge to say which argument it is? The weight of a layer says so by its name."""
    return target.infix or source.kind != "parameter" or not source.name


def labels_of(edge: Edge, source: Node, target: Node, alike: int) -> tuple[str, str]:
    """Words for the head and the tail of an edge where the picture would be ambiguous: which
    argument of the target, and which of the source's results.

    `alike` is how many of the target's sources would get such a word.
    """
    head = ""
    if alike > 1 and edge.role and target.op not in _COMMUTATIVE and is_told(source, target):
        # `x` and `y` would be taken for the user's variables.
        sides = {"x": "left", "y": "right"} if target.infix and target.symbol else {}
        head = sides.get(edge.role, edge.role)
    return head, f"[{edge.output}]" if len(source.results) > 1 else ""
