"""Writes layout.json (graphs with the places that `autograd.viz.layout` gives them) and fold.json.

Run it after a change of the layout that is meant, and look at a drawing before you believe it.
A case of layout.json is {"sizes", "edges", "cluster", "clusters", "down"} with the "result"
{"width", "height", "nodes", "clusters", "paths"}. One of fold.json is {"facts", "edges", "types",
"depth", "limit", "largest"} with "groups" and "home" (of grouping.py), "closed" and "bundled" (of
`choose`), "boxes", "lines" and "box_of" (of `fold`). The tests of the Python and of the JavaScript
code read the same files.
"""

from __future__ import annotations

import json
import random
from dataclasses import asdict
from pathlib import Path
from typing import Any

from autograd.viz.fold import choose, fold
from autograd.viz.grouping import Facts, group
from autograd.viz.layout import layout


def random_graph(seed: int, nodes: int) -> dict[str, Any]:
    """A graph like a tape: edges from recent nodes, clusters that are nested intervals."""
    r = random.Random(seed)
    sizes = [(r.randint(20, 90), r.randint(20, 50)) for _ in range(nodes)]
    edges = []
    for target in range(1, nodes):
        for _ in range(r.choice([0, 1, 1, 2, 3])):
            edges.append((r.randrange(max(0, target - 8), target), target))
    cluster, clusters = [-1] * nodes, []

    def cut(first: int, end: int, parent: int, depth: int) -> None:
        while first < end:
            stop = min(end, first + r.randint(1, 8))
            if r.random() < 0.5 and depth < 3:
                clusters.append((parent, r.randint(10, 120)))
                cluster[first:stop] = [len(clusters) - 1] * (stop - first)
                cut(first, stop, len(clusters) - 1, depth + 1)
            first = stop

    cut(0, nodes, -1, 0)
    return {"sizes": sizes, "edges": edges, "cluster": cluster, "clusters": clusters}


def flat(nodes: int, edges: list[tuple[int, int]]) -> dict[str, Any]:
    sizes = [(60, 30)] * nodes
    return {"sizes": sizes, "edges": edges, "cluster": [-1] * nodes, "clusters": []}


def graphs() -> dict[str, dict[str, Any]]:
    """The cases by name, each drawn in both directions."""
    loop = [edge for t in range(2, 40, 2) for edge in ((t - 1, t), (0, t), (t, t + 1))]
    cases = {
        "nothing": flat(0, []),
        "one": flat(1, []),
        "square": flat(2, [(0, 1), (0, 1)]),
        "diamond": flat(4, [(0, 1), (0, 2), (1, 3), (2, 3)]),
        "chain": flat(12, [(i, i + 1) for i in range(11)]),
        "skip": flat(6, [(0, 1), (1, 2), (2, 3), (3, 4), (0, 4), (4, 5), (0, 5)]),
        "loop": flat(42, loop),
    }
    for seed in range(12):
        cases[f"random {seed}"] = random_graph(seed, 5 + 4 * seed)
    return cases


def result_of(case: dict[str, Any]) -> dict[str, Any]:
    """The layout of a case as the file holds it."""
    found = layout(case["sizes"], case["edges"], case["cluster"], case["clusters"], case["down"])
    return {name: getattr(found, name) for name in found.__slots__}


def scalar_network(widths: list[int], lines: bool) -> dict[str, Any]:
    """The operations of a network of scalars: per neuron products, sums and a tanh."""
    facts: list[Facts] = []
    edges: list[tuple[int, int]] = []

    def add(kind: str, name: str, line: int, *sources: int) -> int:
        key = f"net.py:{line}:{name}" if lines and line else ""
        place = ("net.py", line, line) if lines and line else None
        edges.extend((source, len(facts)) for source in sources)
        facts.append(Facts(kind, name, key, (), place))
        return len(facts) - 1

    values = [add("data", "", 0) for _ in range(widths[0])]
    for width in widths[1:]:
        outputs = []
        for _ in range(width):
            total = add("parameter", "", 0)
            for value in values:
                weight = add("parameter", "", 0)
                total = add("op", "add", 4, total, add("op", "mul", 4, weight, value))
            outputs.append(add("op", "tanh", 5, total))
        values = outputs
    for value in values:
        add("output", "", 0, value)
    return {"facts": facts, "edges": edges, "types": {}}


def module_network(blocks: int) -> dict[str, Any]:
    """Linear layers with residual connections, in modules in modules."""
    facts = [Facts("data", "x")]
    edges: list[tuple[int, int]] = []
    value = 0

    def add(kind: str, name: str, inside: tuple[str, ...], *sources: int) -> int:
        edges.extend((source, len(facts)) for source in sources)
        facts.append(Facts(kind, name, "", inside if kind == "op" else ()))
        return len(facts) - 1

    for b in range(blocks):
        start = value
        for part in ("first", "second"):
            inside = ("", f"block{b}", f"block{b}.{part}")
            weight, bias = (add("parameter", n, inside) for n in ("w", "b"))
            value = add("op", "linear", inside, value, weight, bias)
            value = add("op", "relu", inside, value)
        value = add("op", "add", ("", f"block{b}"), start, value)
    add("output", "loss", (), add("op", "sum", (), value))
    types = {"": "Net"} | {f"block{b}": "Block" for b in range(blocks)}
    return {"facts": facts, "edges": edges, "types": types}


def fold_cases() -> list[dict[str, Any]]:
    irregular = {
        "facts": [Facts("op", f"f{i * i % 1009}") for i in range(500)],
        "edges": [(i, i + 1) for i in range(499)],
        "types": {},
    }
    cases = [
        {"name": "few scalars", "depth": None, "limit": 300} | scalar_network([2, 2], True),
        {"name": "scalars by line", "depth": None, "limit": 40}
        | scalar_network([3, 8, 8, 2], True),
        {"name": "scalars", "depth": None, "limit": 60} | scalar_network([3, 8, 8, 2], False),
        {"name": "modules", "depth": None, "limit": 300} | module_network(3),
        {"name": "modules, depth 0", "depth": 0, "limit": 300} | module_network(3),
        {"name": "modules, depth 2", "depth": 2, "limit": 300} | module_network(3),
        {"name": "many modules", "depth": None, "limit": 30} | module_network(80),
        {"name": "irregular", "depth": None, "limit": 100} | irregular,
    ]
    for case in cases:
        case["largest"] = max(8, min(64, case["limit"] // 3))
        case |= fold_result(case)
        case["facts"] = [asdict(fact) for fact in case["facts"]]
    return cases


def fold_result(case: dict[str, Any]) -> dict[str, Any]:
    """What the file holds of the groups and the folding of a case."""
    facts, edges = case["facts"], case["edges"]
    grouping = group(facts, edges, case["types"], case["largest"])
    closed, bundled = choose(facts, edges, grouping, case["depth"], case["limit"])
    folded = fold(facts, edges, grouping, closed, bundled)
    return asdict(grouping) | {"closed": sorted(closed), "bundled": bundled} | asdict(folded)


def write(name: str, cases: list[dict[str, Any]]) -> None:
    lines = ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases)
    path = Path(__file__).with_name(name)
    path.write_text(f"[\n{lines}\n]\n", encoding="utf-8")


def main() -> None:
    cases = [
        {"name": name, "down": down} | graph
        for name, graph in graphs().items()
        for down in (False, True)
    ]
    for case in cases:
        case["result"] = result_of(case)
    write("layout.json", cases)
    write("fold.json", fold_cases())


if __name__ == "__main__":
    main()
