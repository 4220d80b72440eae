"""The groups that a graph can be folded by: calls of modules, loops, and stretches of the rest.

Every group is an interval of the operations in their order, with the leaves that only it needs, so
whatever is folded, edges go forward. The groups are a tree:

1. Operations that follow one another inside the same module are a group, inside that of the
   module around it, as the recording says.
2. What repeats in a group is a loop, and its parts are the turns. Operations are taken to be the
   same when the same place in the source (line and columns) made them; without a recording, when
   they are the same operation.
3. A group with too many members to be drawn is cut into stretches.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from .repeats import Loop, Tokens, find_loops

LARGEST = 64
MOST_TURNS = 4096

Place = tuple[str, int, int]
"""File, first and last line."""


@dataclass(slots=True)
class Group:
    """An interval of the operations, to be drawn as a box or as a frame around its members.

    `kind` is "module", "loop", "turn" (one pass through a loop) or "stretch". `level` counts the
    modules around a module; `times` the turns of a loop; `operations` all that are inside.
    """

    kind: str
    title: str
    parent: int = -1  # an earlier group
    note: str = ""
    level: int = 0
    times: int = 1
    operations: int = 0
    members: int = 0  # directly inside: operations, groups and leaves


@dataclass(slots=True)
class Grouping:
    """`groups`, parents first, and the innermost one of each node, -1 for none.

    A leaf is in the innermost group that holds all its consumers, a result in none.
    """

    groups: list[Group] = field(default_factory=list)
    home: list[int] = field(default_factory=list)


@dataclass(slots=True)
class Facts:
    """What grouping has to know of a node; `inside` names the modules around it, from outside."""

    kind: str  # as in graph.Node; "op" and "failed" are operations
    name: str  # of the operation or of the leaf
    key: str = ""  # what made it, equal for operations made alike
    inside: Sequence[str] = ()
    place: Place | None = None


class _Part:
    """A group while the tree is built: its children are operations (ids) and parts.

    `period` is how many children of a loop are one turn of it; `first` is the number of its first
    turn, 0 for what is no part of a loop.
    """

    __slots__ = (
        "children", "first", "kind", "level", "names", "operations", "period", "place", "times",
        "title"
    )  # fmt: skip

    def __init__(self, kind: str, title: str = "", level: int = 0) -> None:
        self.kind, self.title, self.level = kind, title, level
        self.children: list[Any] = []
        self.times = self.period = 1
        self.first = 0
        self.operations = 0
        self.place: Place | None = None
        self.names: dict[str, None] = {}


def group(
    facts: Sequence[Facts],
    edges: Sequence[tuple[int, int]],
    types: dict[str, str] | None = None,
    largest: int = LARGEST,
) -> Grouping:
    """The tree of groups of a graph.

    Args:
        facts: of each node, in an order in which edges go forward.
        edges: (source, target).
        types: the class of each module that `Facts.inside` names.
        largest: how many operations and groups a group may have directly in it.

    >>> ops = [Facts("op", "mul", "line 3", (), ("a.py", 3, 3)) for _ in range(8)]
    >>> [(g.kind, g.title, g.times) for g in group(ops, []).groups]
    [('loop', 'line 3', 8)]
    """
    top, parts = _modules(facts)
    table = Tokens()
    signature: dict[int, int] = {}
    for part in reversed([top, *parts]):  # the inner ones first
        tokens = [
            table.of(facts[c].key or facts[c].name)
            if isinstance(c, int)
            else table.of(f"{c.title}:{signature[id(c)]}")
            for c in part.children
        ]
        tokens, contents = find_loops(tokens, part.children, table)
        signature[id(part)] = table.of("[" + ",".join(map(str, tokens)) + "]")
        part.children = contents
    _unfold_loops(top, largest)
    return _numbered(top, facts, edges, types or {})


def _modules(facts: Sequence[Facts]) -> tuple[_Part, list[_Part]]:
    """The whole with a part per call of a module, and those parts in the order they begin."""
    top = _Part("top")
    parts: list[_Part] = []
    around = [top]
    for i, fact in enumerate(facts):
        if fact.kind not in ("op", "failed"):
            continue
        inside = fact.inside
        depth = 0
        while depth < len(inside) and depth + 1 < len(around):
            if around[depth + 1].title != inside[depth]:
                break
            depth += 1
        del around[depth + 1 :]
        for name in inside[depth:]:
            part = _Part("module", name, len(around) - 1)
            around[-1].children.append(part)
            parts.append(part)
            around.append(part)
        around[-1].children.append(i)
    return top, parts


def _unfold_loops(top: _Part, largest: int) -> None:
    """Makes parts of the loops and their turns, and stretches where there are too many members."""
    todo = [top]
    for part in todo:  # grows as the loop goes on
        children: list[Any] = []
        for child in part.children:
            children.append(_loop(child) if isinstance(child, Loop) else child)
        if len(children) > largest:
            period = part.period
            size = -(-len(children) // (largest * period)) * period
            stretches = []
            for first in range(0, len(children), size):
                stretch = _Part("stretch")
                stretch.children = children[first : first + size]
                stretch.period = period
                if part.first:
                    stretch.first = part.first + first // period
                    last = stretch.first + len(stretch.children) // period - 1
                    one = stretch.first == last
                    stretch.title = f"turn {last}" if one else f"turns {stretch.first}–{last}"
                stretches.append(stretch)
            children = stretches
        part.children = children
        todo.extend([c for c in children if isinstance(c, _Part)])


def _loop(found: Loop) -> _Part:
    """The part of a loop, with a part per turn unless they are too many ever to be looked at."""
    loop = _Part("loop")
    loop.times, loop.first = len(found.turns), 1
    if loop.times > MOST_TURNS or len(found.turns[0]) == 1:
        loop.period = len(found.turns[0])
        loop.children = [child for turn in found.turns for child in turn]
        return loop
    for number, turn in enumerate(found.turns):
        inner = _Part("turn", f"turn {number + 1}")
        inner.children = turn
        loop.children.append(inner)
    return loop


def _numbered(
    top: _Part, facts: Sequence[Facts], edges: Sequence[tuple[int, int]], types: dict[str, str]
) -> Grouping:
    """The tree as a table, with what each group says of itself."""
    grouping = Grouping([], [-1] * len(facts))
    parts: list[_Part] = []
    todo = [(top, -1)]
    while todo:
        part, parent = todo.pop()
        number = len(grouping.groups) if part is not top else -1
        if number >= 0:
            grouping.groups.append(Group(part.kind, part.title, parent))
            parts.append(part)
        for child in part.children:
            if isinstance(child, int):
                grouping.home[child] = number
        todo.extend([(c, number) for c in reversed(part.children) if isinstance(c, _Part)])
    _describe(grouping, parts, facts, types)
    _settle_leaves(grouping, facts, edges)
    return grouping


def _describe(
    grouping: Grouping,
    parts: list[_Part],
    facts: Sequence[Facts],
    types: dict[str, str],
) -> None:
    """Counts, titles and notes of all groups, from the inner ones to the outer ones."""
    for number in range(len(parts) - 1, -1, -1):
        part = parts[number]
        for child in part.children:
            if isinstance(child, int):
                fact = facts[child]
                part.operations += 1
                part.place = _joined(part.place, fact.place)
                part.names[fact.name] = None
            else:
                part.operations += child.operations
                part.place = _joined(part.place, child.place)
                part.names.update(child.names)
            if len(part.names) > 4:
                part.names = dict(list(part.names.items())[:4])
        found = grouping.groups[number]
        found.operations = part.operations
        found.members = len(part.children)
        found.times, found.level = part.times, part.level
        names = list(part.names)
        listed = ", ".join(names[:3]) + (", …" if len(names) > 3 else "")
        lines = _lines(part.place)
        if part.kind == "module":
            found.note = types.get(part.title, "")
            found.title = part.title or found.note
        elif part.kind == "turn":
            found.note = lines or listed
        else:
            said = [part.title] * bool(part.title) + [lines] * bool(lines) + [listed]
            found.title, found.note = said[0], said[1] if len(said) > 1 else ""


def _joined(a: Place | None, b: Place | None) -> Place | None:
    """The lines from the first to the last of two places; None when they are not in one file."""
    if a is b or a is None or b is None:
        return a or b
    if a[0] != b[0]:
        return ("", 0, 0)
    return a[0], min(a[1], b[1]), max(a[2], b[2])


def _lines(place: Place | None) -> str:
    if place is None or not place[0]:
        return ""
    first, last = place[1:]
    return f"line {first}" if first == last else f"lines {first}–{last}"


def _settle_leaves(
    grouping: Grouping, facts: Sequence[Facts], edges: Sequence[tuple[int, int]]
) -> None:
    """Gives each leaf the innermost group that holds all its consumers.

    Data that has a name came from outside a module, and stays outside.
    """
    groups, home = grouping.groups, grouping.home
    depth: list[int] = []
    for found in groups:
        depth.append(0 if found.parent < 0 else depth[found.parent] + 1)
    depth.append(-1)
    settled = [False] * len(facts)
    for source, target in edges:
        if facts[source].kind in ("op", "failed"):
            continue
        a, b = home[source], home[target]
        if not settled[source]:
            settled[source] = True
            a = b
        while a != b:
            if depth[a] >= depth[b]:
                a = groups[a].parent
            else:
                b = groups[b].parent
        home[source] = a
    for i, fact in enumerate(facts):
        if not settled[i]:
            continue
        outermost, g = -2, home[i]
        if fact.kind == "data" and fact.name:
            while g >= 0:
                if groups[g].kind == "module":
                    outermost = groups[g].parent
                g = groups[g].parent
        if outermost > -2:
            home[i] = outermost
        if home[i] >= 0:
            groups[home[i]].members += 1
