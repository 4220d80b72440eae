"""Writes layout.json: graphs with the places that `autograd.viz.layout` gives them.

Run it after a change of the layout that is meant, and look at a drawing before you believe it.
Each case is {"sizes", "edges", "cluster", "clusters", "down"} with the "result" {"width",
"height", "nodes", "clusters", "paths"}; the tests of the Python and of the JavaScript layout read
the same file.
"""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

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


def main() -> None:
    cases = [
        {"name": name, "down": down} | graph
        for name, graph in graphs().items()
        for down in (False, True)
    ]
    for case in cases:
        case["result"] = result_of(case)
    lines = ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases)
    path = Path(__file__).with_name("layout.json")
    path.write_text(f"[\n{lines}\n]\n", encoding="utf-8")


if __name__ == "__main__":
    main()
