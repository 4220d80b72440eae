"""A graph made ready to be drawn: what is folded, what the boxes say, and the frames around."""

from __future__ import annotations

from dataclasses import dataclass, field

from .faces import Face, face_of, is_told, labels_of
from .fold import Folded, choose, fold
from .graph import Graph
from .grouping import LARGEST, Facts, Group, Grouping, group
from .text import clean, count

MOST = 300
"""So many boxes are drawn unless more are asked for."""


@dataclass(slots=True)
class Frame:
    """An open group, drawn around its boxes; `parent` is an earlier frame, or -1."""

    parent: int
    title: str
    kind: str


@dataclass(slots=True)
class Link:
    """An edge between two boxes: what it says at its ends, and how many edges it stands for."""

    source: int
    target: int
    head: str = ""
    tail: str = ""
    times: int = 1


@dataclass(slots=True)
class Scene:
    """Boxes (`faces`) in an order in which links go forward; `frame_of` says which frame is
    around each, -1 for none. `notes` tell what was left out and how to see it."""

    nodes: int
    faces: list[Face]
    links: list[Link]
    frames: list[Frame]
    frame_of: list[int]
    notes: list[str] = field(default_factory=list)


class Folding:
    """The groups of a graph, and which of them are closed."""

    def __init__(self, graph: Graph, depth: int | None = None, limit: int = MOST) -> None:
        self.graph = graph
        self.facts = facts_of(graph)
        self.edges = [(edge.source, edge.target) for edge in graph.edges]
        types = {module.name: module.type for module in graph.modules}
        largest = max(8, min(LARGEST, limit // 3))
        self.grouping: Grouping = group(self.facts, self.edges, types, largest)
        self.closed, self.bundled = choose(self.facts, self.edges, self.grouping, depth, limit)
        self.folded: Folded = fold(self.facts, self.edges, self.grouping, self.closed, self.bundled)

    @property
    def shown(self) -> list[int]:
        """The nodes that have a box of their own."""
        return [box.nodes[0] for box in self.folded.boxes if box.group < 0 and len(box.nodes) == 1]


def facts_of(graph: Graph) -> list[Facts]:
    """What grouping has to know of the nodes."""
    inside: list[tuple[str, ...]] = []
    for module in graph.modules:
        around = inside[module.parent] if module.parent >= 0 else ()
        inside.append((*around, module.name))
    places = [(source.file, source.line, source.end_line) for source in graph.sources]
    keys: dict[tuple[int, str], str] = {}
    facts = []
    for node in graph.nodes:
        fact = Facts(node.kind, node.op or node.name)
        if node.source >= 0:
            made = node.source, node.op
            fact.key = keys.setdefault(made, f"{node.source}:{node.op}")
            fact.place = places[node.source]
        if node.module >= 0:
            fact.inside = inside[node.module]
        facts.append(fact)
    return facts


def scene_of(folding: Folding, values: bool = False, grads: bool = False) -> Scene:
    """The scene of a folded graph."""
    graph, folded, groups = folding.graph, folding.folded, folding.grouping.groups
    frames: list[Frame] = []
    frame_at: list[int] = []  # the frame of each group, or of the one around it
    for g, found in enumerate(groups):
        around = frame_at[found.parent] if found.parent >= 0 else -1
        framed = is_framed(found, folding.bundled) and found.kind != "stretch"
        if g not in folding.closed and framed:
            frame_at.append(len(frames))
            frames.append(Frame(around, frame_title(found), found.kind))
        else:
            frame_at.append(around)
    faces = [face_of(graph, box, groups, values, grads) for box in folded.boxes]
    frame_of = [frame_at[box.home] if box.home >= 0 else -1 for box in folded.boxes]
    alike = told(graph)
    links = []
    for line in folded.lines:
        link = Link(line.source, line.target, times=len(line.edges))
        source, target = folded.boxes[line.source], folded.boxes[line.target]
        if target.group < 0 and source.group < 0 and len(source.nodes) == 1:
            edge = graph.edges[line.edges[0]]
            ends = graph.nodes[edge.source], graph.nodes[edge.target]
            link.head, link.tail = labels_of(edge, *ends, alike[edge.target])
        links.append(link)
    return Scene(len(graph.nodes), faces, links, frames, frame_of, _notes(folding, values, grads))


def frame_title(found: Group) -> str:
    """What a frame says."""
    title = found.title if found.note in ("", found.title) else f"{found.title} · {found.note}"
    return clean(f"{title} ×{found.times:,}" if found.times > 1 else title)


def told(graph: Graph) -> list[int]:
    """Of how many of each node's sources it has to be said which argument they are."""
    found = [0] * len(graph.nodes)
    for edge in graph.edges:
        found[edge.target] += is_told(graph.nodes[edge.source], graph.nodes[edge.target])
    return found


def is_framed(found: Group, bundled: bool) -> bool:
    """Frames say something where a module holds several boxes; loops only where some are folded."""
    several = found.members > 1 or found.operations > 1
    return several and (found.kind == "module" or bundled)


def _notes(folding: Folding, values: bool, grads: bool) -> list[str]:
    graph, folded = folding.graph, folding.folded
    notes = []
    if len(folded.boxes) < len(graph.nodes):
        notes.append(
            f"{count(len(graph.nodes), 'node')} folded into {count(len(folded.boxes), 'box')}: "
            f"draw(depth=...) opens or closes modules, draw(max_boxes=...) allows more boxes"
        )
    nodes = [graph.nodes[i] for i in folding.shown]
    if values and any(n.content is None and n.value is None and n.kind == "op" for n in nodes):
        notes.append("value not kept: compute it under autograd.trace() to see it here")
    if grads and any(n.missing == "not computed yet" for n in nodes):
        notes.append("grad —: not computed yet, call backward() first")
    if grads and any(n.missing == "not kept" for n in nodes):
        notes.append(
            "grad —: not kept, call retain_grad() on the tensor before backward(), or see all of "
            "them in autograd.step(loss)"
        )
    return notes
