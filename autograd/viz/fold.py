"""Folding a graph: which groups are closed, and the boxes and edges that remain.

A closed group is one box. Its edges are those of its members to the outside, each drawn once with
a count. Leaves that are many and alike (same group, same kind, first needed by the same member of
that group) are one box too, once anything has to be folded.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from .grouping import Facts, Group, Grouping

MANY = 6
"""Up to so many leaves that are alike are drawn one by one."""


@dataclass(slots=True)
class Box:
    """What is drawn as one box: a node, a closed group, or a bundle of leaves.

    `group` is the closed group, else -1; `home` the group around the box; `nodes` the members.
    """

    nodes: list[int]
    group: int = -1
    home: int = -1


@dataclass(slots=True)
class Line:
    """What is drawn as one edge: `edges` of the graph between two boxes."""

    source: int
    target: int
    edges: list[int]


@dataclass(slots=True)
class Folded:
    """Boxes in an order in which lines go forward; `box_of` is each node's box."""

    boxes: list[Box] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    box_of: list[int] = field(default_factory=list)


def choose(
    facts: Sequence[Facts],
    edges: Sequence[tuple[int, int]],
    grouping: Grouping,
    depth: int | None = None,
    limit: int = 300,
) -> tuple[set[int], bool]:
    """The groups to close, and whether leaves are bundled.

    Groups are opened from the outside to the inside, in their order, as long as there are at most
    `limit` boxes, the turns of a loop and the stretches of a whole all or none; with `depth`,
    modules that have `depth` modules around them stay closed. Loops, turns and stretches matter
    only where something has to be closed.
    """
    groups = grouping.groups
    shut = {
        g
        for g, found in enumerate(groups)
        if depth is not None and found.kind == "module" and found.level >= depth
    }
    hidden = _hidden(groups, shut)
    apart = sum(1 for home in grouping.home if home < 0 or hidden[home] < 0)
    apart += sum(1 for g in shut if hidden[g] == g)
    if apart <= limit:
        return shut, False
    bundle_of = bundles(facts, edges, grouping)
    members = [0] * (len(groups) + 1)  # directly inside each group, the whole being the last
    for found in groups:
        members[found.parent] += 1
    counted = set()
    for node, home in enumerate(grouping.home):
        bundle = bundle_of[node]
        if bundle < 0 or bundle not in counted:
            counted.add(bundle)
            members[home] += 1
    count = members[-1]
    closed = set(range(len(groups)))
    children: list[list[int]] = [[] for _ in range(len(groups) + 1)]
    for g, found in enumerate(groups):
        children[found.parent].append(g)
    todo = [-1]
    for parent in todo:  # grows as the loop goes on, level by level
        alike = [g for g in children[parent] if groups[g].kind in ("turn", "stretch")]
        others = [[g] for g in children[parent] if groups[g].kind not in ("turn", "stretch")]
        for together in [alike, *others]:
            more = sum(members[g] - 1 for g in together)
            if together and together[0] not in shut and count + more <= limit:
                count += more
                closed.difference_update(together)
                todo.extend(together)
    return closed, True


def fold(
    facts: Sequence[Facts],
    edges: Sequence[tuple[int, int]],
    grouping: Grouping,
    closed: Collection[int] = (),
    bundled: bool = False,
) -> Folded:
    """The boxes and lines of a graph with some groups closed.

    >>> from .grouping import group
    >>> facts = [Facts("op", "mul") for _ in range(8)]
    >>> edges = [(i, i + 1) for i in range(7)]
    >>> fold(facts, edges, group(facts, edges), closed={0}).boxes
    [Box(nodes=[0, 1, 2, 3, 4, 5, 6, 7], group=0, home=-1)]
    """
    hidden = _hidden(grouping.groups, closed)
    bundle_of = bundles(facts, edges, grouping) if bundled else []
    found: dict[int, Box] = {}  # by the first node, or by what is closed, below 0
    key_of: list[int] = []
    for node, home in enumerate(grouping.home):
        outer = hidden[home] if home >= 0 else -1
        if outer >= 0:
            key = -2 - outer
        elif bundle_of and bundle_of[node] >= 0:
            key = bundle_of[node]
        else:
            key = node
        key_of.append(key)
        if key not in found:
            parent = grouping.groups[outer].parent if outer >= 0 else home
            found[key] = Box([], outer, parent)
        found[key].nodes.append(node)
    rank = _ranks(facts, edges, key_of)
    order = sorted(found, key=lambda key: (rank.get(key, -1), found[key].nodes[0]))
    place = {key: i for i, key in enumerate(order)}
    result = Folded([found[key] for key in order], [], [place[key] for key in key_of])
    _join(result, edges)
    return result


def _hidden(groups: Sequence[Group], closed: Collection[int]) -> list[int]:
    """For each group the outermost closed one that it is in or is, else -1."""
    hidden: list[int] = []
    for g, found in enumerate(groups):
        outer = hidden[found.parent] if found.parent >= 0 else -1
        hidden.append(outer if outer >= 0 else g if g in closed else -1)
    return hidden


def bundles(
    facts: Sequence[Facts], edges: Sequence[tuple[int, int]], grouping: Grouping
) -> list[int]:
    """For each node the first one of its bundle, or -1 for a node that is in none."""
    groups, home = grouping.groups, grouping.home
    alike: dict[tuple[str, int, int], list[int]] = {}
    seen = [False] * len(facts)
    for source, target in edges:
        for leaf, other in ((source, target), (target, source)):
            if seen[leaf] or facts[leaf].kind in ("op", "failed"):
                continue
            seen[leaf] = True
            beside, g = -2 - other, home[other]
            while g != home[leaf] and g >= 0:
                beside, g = g, groups[g].parent
            alike.setdefault((facts[leaf].kind, home[leaf], beside), []).append(leaf)
    bundle = [-1] * len(facts)
    for leaves in alike.values():
        if len(leaves) > MANY:
            for leaf in leaves:
                bundle[leaf] = leaves[0]
    return bundle


def _ranks(
    facts: Sequence[Facts], edges: Sequence[tuple[int, int]], key_of: list[int]
) -> dict[int, int]:
    """An order of the boxes by their first operation, leaves just before their first consumer."""
    rank: dict[int, int] = {}
    for node, fact in enumerate(facts):
        if fact.kind in ("op", "failed", "output") and key_of[node] not in rank:
            rank[key_of[node]] = 2 * node + 1
    for source, target in edges:
        key, consumer = key_of[source], key_of[target]
        if key != consumer and facts[source].kind not in ("op", "failed"):
            before = rank[consumer] - 1
            if key not in rank or before < rank[key]:
                rank[key] = before
    return rank


def _join(folded: Folded, edges: Sequence[tuple[int, int]]) -> None:
    """Adds the lines: one per edge between two nodes, one per pair where a box stands for many."""
    known: dict[tuple[int, int], Line] = {}
    for i, (source, target) in enumerate(edges):
        a, b = folded.box_of[source], folded.box_of[target]
        if a == b:
            continue
        if len(folded.boxes[a].nodes) == 1 and len(folded.boxes[b].nodes) == 1:
            folded.lines.append(Line(a, b, [i]))
        elif (a, b) in known:
            known[a, b].edges.append(i)
        else:
            known[a, b] = Line(a, b, [i])
            folded.lines.append(known[a, b])
