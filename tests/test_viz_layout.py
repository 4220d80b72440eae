"""Places of boxes and edges: nothing overlaps, everything goes forward, always the same."""

from __future__ import annotations

import json
import random
import runpy
import statistics
import time
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from autograd.viz.layout import Layout, layout

FOLDER = Path(__file__).parent / "data" / "layout"
CASES = json.loads((FOLDER / "layout.json").read_text(encoding="utf-8"))
MAKE = runpy.run_path(str(FOLDER / "make.py"))

Box = tuple[int, int, int, int]


def meet(a: Box, b: Box) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def holds(outer: Box, inner: Box) -> bool:
    return (
        outer[0] <= inner[0]
        and outer[1] <= inner[1]
        and outer[2] >= inner[2]
        and outer[3] >= inner[3]
    )


def check(case: dict[str, Any], found: Layout) -> None:
    """What must hold for every layout."""
    sizes, edges, down = case["sizes"], case["edges"], case["down"]
    whole = (0, 0, found.width, found.height)
    boxes = [(x, y, x + w, y + h) for (x, y), (w, h) in zip(found.nodes, sizes, strict=True)]
    frames = [(x, y, x + w, y + h) for x, y, w, h in found.clusters]
    assert all(holds(whole, box) for box in boxes + frames)
    assert not any(meet(a, b) for a, b in combinations(boxes, 2))
    for i, box in enumerate(boxes):
        inside, k = set(), case["cluster"][i]
        while k >= 0:
            inside.add(k)
            k = case["clusters"][k][0]
        for k, frame in enumerate(frames):
            assert holds(frame, box) if k in inside else not meet(frame, box)
    for frame, (_, title) in zip(frames, case["clusters"], strict=True):
        assert frame[2] - frame[0] >= title
    axis = int(down)
    for (source, target), path in zip(edges, found.paths, strict=True):
        along = path[axis::2]
        assert along == sorted(along)
        assert along[0] == boxes[source][2 + axis] and along[-1] == boxes[target][axis]
        across = path[1 - axis :: 2]
        assert boxes[source][1 - axis] <= across[0] <= boxes[source][3 - axis]
        assert boxes[target][1 - axis] <= across[-1] <= boxes[target][3 - axis]
        # An edge turns only in gaps: its box over each step aside meets no box.
        for i in range(len(along) - 1):
            if along[i] < along[i + 1]:
                low, high = sorted(across[i : i + 2])
                piece = (along[i], low, along[i + 1], high)
                step = (piece[1], piece[0], piece[3], piece[2]) if down else piece
                assert not any(meet(step, box) for box in boxes)


def same(found: Layout, expected: dict[str, Any]) -> None:
    assert json.loads(json.dumps({k: getattr(found, k) for k in expected})) == expected


@pytest.mark.parametrize("case", CASES, ids=lambda c: f"{c['name']}{', down' * c['down']}")
def test_the_fixtures_hold_what_the_layout_gives(case: dict[str, Any]) -> None:
    args = (case[k] for k in ("sizes", "edges", "cluster", "clusters", "down"))
    found = layout(*args)
    same(found, case["result"])
    check(case, found)


@pytest.mark.parametrize("seed", range(100, 160))
def test_random_graphs_have_no_overlaps_and_go_forward(seed: int) -> None:
    for down in (False, True):
        case = MAKE["random_graph"](seed, 1 + seed % 40) | {"down": down}
        args = [case[k] for k in ("sizes", "edges", "cluster", "clusters", "down")]
        found = layout(*args)
        check(case, found)
        assert layout(*args) == found


def test_a_leaf_is_beside_its_first_consumer() -> None:
    # Five operations in a row, and a leaf that only the last two need.
    edges = [(0, 1), (1, 2), (2, 3), (3, 5), (4, 5), (4, 6), (5, 6)]
    found = layout([(40, 30)] * 7, edges)
    x = [x for x, _ in found.nodes]
    assert x[4] == x[3] and x[4] < x[5]


def test_a_chain_is_straight_and_a_long_edge_goes_around_it() -> None:
    found = layout([(40, 30)] * 6, [(0, 1), (1, 2), (2, 3), (3, 4), (4, 5), (1, 5)])
    assert len({y for _, y in found.nodes[1:5]}) == 1
    long = found.paths[-1]
    assert len(set(long[3:-2:2])) == 1 and long[3] not in range(found.nodes[3][1] - 1, 31)


def test_left_operands_are_above_right_ones() -> None:
    found = layout([(40, 30)] * 5, [(0, 2), (1, 3), (3, 4), (2, 4)])
    assert found.nodes[3][1] < found.nodes[2][1]  # 3 is the first argument of 4


def test_a_cycle_between_clusters_is_refused() -> None:
    with pytest.raises(ValueError, match="cycle"):
        layout([(9, 9)] * 3, [(0, 1), (1, 2)], [0, -1, 0], [(-1, 9)])


def test_two_thousand_boxes_take_a_moment() -> None:
    r = random.Random(1)
    edges = []
    for target in range(1, 2000):
        edges.append((max(0, target - r.randint(1, 6)), target))
        if r.random() < 0.3:
            edges.append((max(0, target - r.randint(1, 20)), target))

    def seconds() -> float:
        start = time.process_time()
        layout([(60, 30)] * 2000, edges)
        return time.process_time() - start

    # 0.1 s on an idle machine.
    assert statistics.median(seconds() for _ in range(3)) < 0.45


def test_a_long_chain_needs_no_recursion() -> None:
    n = 5_000
    found = layout([(60, 30)] * n, [(i, i + 1) for i in range(n - 1)])
    assert len({y for _, y in found.nodes}) == 1
