"""The graph of a trace: as a `Graph` for drawing, and how it folds, for the page.

The groups are computed once, here, and shipped with the page, which only opens and closes them
(fold.js).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ...viz.fold import bundles
from ...viz.graph import Edge, Graph, Node
from ...viz.grouping import Group, Grouping
from ...viz.recorded import Module, Source
from ...viz.scene import Folding, is_framed
from ..trace import Trace

COMFORTABLE = 60
"""What a reader can take in at a glance: larger graphs open with groups folded to so many boxes."""

_KINDS = {"leaf": "parameter"}


def graph_of_trace(trace: Trace) -> Graph:
    """The graph of a trace's nodes, with their values and with their gradients at the end."""
    nodes = trace.nodes
    graph = Graph()
    tops: list[str] = []  # what the module at the top of each is called
    for module in trace.modules:
        path, type_, parent = module["path"], module["type"], module["parent"]
        tops.append(module.get("name", "") if parent < 0 else tops[parent])
        name = ".".join(part for part in (tops[-1], path) if part) or type_
        graph.modules.append(Module(path, type_, name, parent))
    gradients = _gradients(trace)
    sources: dict[tuple[Any, ...], int] = {}
    for i, kind in enumerate(nodes["kind"]):
        results = nodes["results"][i] or [[nodes["shape"][i], nodes["dtype"][i]]]
        node = Node(
            i,
            _KINDS.get(kind, kind),
            tuple((tuple(shape), dtype) for shape, dtype in results),
            name=nodes["name"][i],
            op=nodes["op"][i],
            symbol=nodes["symbol"][i],
            requires_grad=nodes["needs_grad"][i],
            arguments=nodes["args"][i],
            content=nodes["value"][i],
            grad=gradients.get(i),
            missing="" if i in gradients else "not computed yet",
        )
        value = nodes["value"][i]
        if kind in ("leaf", "data") and not isinstance(value, dict):
            node.value = value
        if nodes["module"][i] is not None:
            node.module = nodes["module"][i]
        if nodes["src"][i] is not None:
            file, *place = nodes["src"][i]
            source = Source(trace.files[file]["name"], *place)
            node.source = sources.setdefault(source, len(sources))
        if nodes["iteration"][i] is not None:
            node.iteration = tuple(nodes["iteration"][i])
        graph.nodes.append(node)
        for slot, reference in enumerate(nodes["inputs"][i]):
            if reference is not None:
                operand, output = reference if isinstance(reference, list) else (reference, 0)
                role = nodes["roles"][i][slot] if slot < len(nodes["roles"][i]) else ""
                graph.edges.append(Edge(operand, i, slot, output, role))
    graph.sources.extend(sources)  # type: ignore[arg-type]
    return graph


def _gradients(trace: Trace) -> dict[int, Any]:
    """The gradients after the last step, of nodes with one result."""
    found = {
        root: seed
        for root, seed in zip(trace.meta["roots"], trace.meta.get("seeds", []), strict=False)
        if isinstance(root, int)
    }
    for step in trace.steps:
        for edge in step["edges"]:
            if "result" not in edge:
                found[edge["to"]] = edge["after"]
    return found


def grouping_of(trace: Trace) -> dict[str, Any]:
    """The groups of a trace's nodes and which are folded at first, as plain data.

    {"groups": [{kind, title, note, parent, operations}], "home": the innermost group of each node
    or -1, "closed": [groups], "bundle": for each node the first one of its bundle of leaves or -1}.
    """
    folding = Folding(graph_of_trace(trace), limit=COMFORTABLE)
    found, number = _framed(folding.grouping, folding.bundled)
    if trace.meta.get("truncated"):
        _number_turns(found, trace.nodes["iteration"])
    return {
        "groups": [
            {key: getattr(g, key) for key in ("kind", "title", "note", "parent", "operations")}
            for g in found.groups
        ],
        "home": found.home,
        "closed": sorted(number[g] for g in folding.closed if g in number),
        "bundle": bundles(folding.facts, folding.edges, folding.grouping)
        if folding.bundled
        else [],
    }


def _number_turns(grouping: Grouping, iterations: list[Any]) -> None:
    """Calls turns by their numbers in the whole pass, of which the trace holds a part."""
    spans: dict[int, list[int]] = {}
    for node, g in enumerate(grouping.home):
        while g >= 0 and iterations[node] is not None:
            spans.setdefault(g, []).append(iterations[node][0])
            g = grouping.groups[g].parent
    for g, turns in spans.items():
        first, last = min(turns), max(turns)
        if grouping.groups[g].title.startswith("turn"):
            title = f"turn {first}" if first == last else f"turns {first}–{last}"
            grouping.groups[g] = replace(grouping.groups[g], title=title)


def _framed(grouping: Grouping, bundled: bool) -> tuple[Grouping, dict[int, int]]:
    """The grouping without groups that would be frames around nothing worth one.

    Also the new numbers of the groups that stay.
    """
    number: dict[int, int] = {}
    around = [-1]  # of each old group, after the whole: the new group that it is or is in
    groups: list[Group] = []
    for g, found in enumerate(grouping.groups):
        parent = around[found.parent + 1]
        if is_framed(found, bundled):
            number[g] = len(groups)
            groups.append(replace(found, parent=parent))
        around.append(number.get(g, parent))
    return Grouping(groups, [around[home + 1] for home in grouping.home]), number
