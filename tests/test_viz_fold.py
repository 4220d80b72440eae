"""Groups of a graph, and what is left of it when some are closed."""

from __future__ import annotations

import json
import random
import runpy
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from autograd.viz.fold import Folded, choose, fold
from autograd.viz.grouping import Facts, Grouping, group
from autograd.viz.repeats import Loop, Tokens, find_loops

FOLDER = Path(__file__).parent / "data" / "layout"
CASES = json.loads((FOLDER / "fold.json").read_text(encoding="utf-8"))
MAKE = runpy.run_path(str(FOLDER / "make.py"))


def read(case: dict[str, Any]) -> dict[str, Any]:
    """A case of the file as Python has it."""
    facts = [Facts(**f | {"place": f["place"] and tuple(f["place"])}) for f in case["facts"]]
    return case | {"facts": facts, "edges": [tuple(edge) for edge in case["edges"]]}


@pytest.mark.parametrize("case", CASES, ids=lambda c: c["name"])
def test_the_fixtures_hold_what_folding_gives(case: dict[str, Any]) -> None:
    found = json.loads(json.dumps(MAKE["fold_result"](read(case))))
    assert found == {name: case[name] for name in found}


def check(facts: list[Facts], edges: list[tuple[int, int]], folded: Folded) -> None:
    """Every node in one box, every edge in one line, every line forward."""
    assert sorted(n for box in folded.boxes for n in box.nodes) == list(range(len(facts)))
    for place, box in enumerate(folded.boxes):
        assert all(folded.box_of[n] == place for n in box.nodes)
    assert all(line.source < line.target for line in folded.lines)
    drawn = sorted(i for line in folded.lines for i in line.edges)
    assert drawn == [i for i, (a, b) in enumerate(edges) if folded.box_of[a] != folded.box_of[b]]


def random_facts(seed: int) -> tuple[list[Facts], list[tuple[int, int]]]:
    """A graph with leaves, nested modules, loops and results."""
    r = random.Random(seed)
    facts: list[Facts] = []
    edges: list[tuple[int, int]] = []
    operations: list[int] = []
    leaves: list[int] = []
    inside: tuple[str, ...] = ()
    for _ in range(r.randint(1, 250)):
        if r.random() < 0.2:
            inside = inside[: r.randint(0, len(inside))]
            if r.random() < 0.7 and len(inside) < 4:
                inside = (*inside, ".".join([*inside[-1:], r.choice("abc")]))
        sources = r.choices(operations[-6:], k=r.randint(0, 2)) if operations else []
        for _ in range(r.randint(0, 2)):
            if not leaves or r.random() < 0.6:
                leaves.append(len(facts))
                facts.append(Facts(r.choice(["data", "parameter"]), r.choice(["", "x"])))
            sources.append(r.choice(leaves))
        edges.extend((source, len(facts)) for source in sources)
        operations.append(len(facts))
        facts.append(Facts("op", r.choice(["mul", "add"]), "", inside))
    for root in r.sample(operations, min(len(operations), 2)):
        edges.append((root, len(facts)))
        facts.append(Facts("output", "y"))
    return facts, edges


@pytest.mark.parametrize("seed", range(60))
def test_whatever_is_closed_edges_go_forward(seed: int) -> None:
    facts, edges = random_facts(seed)
    grouping = group(facts, edges, largest=8)
    assert all(found.parent < i for i, found in enumerate(grouping.groups))
    r = random.Random(seed)
    for _ in range(5):
        closed = {g for g in range(len(grouping.groups)) if r.random() < 0.4}
        for bundled in (False, True):
            check(facts, edges, fold(facts, edges, grouping, closed, bundled))
    for limit in (12, 40):
        closed, bundled = choose(facts, edges, grouping, None, limit)
        folded = fold(facts, edges, grouping, closed, bundled)
        check(facts, edges, folded)
        assert len(folded.boxes) <= limit or not grouping.groups or closed >= top_groups(grouping)


def top_groups(grouping: Grouping) -> set[int]:
    return {g for g, found in enumerate(grouping.groups) if found.parent < 0}


def test_nothing_is_closed_that_need_not_be() -> None:
    case = MAKE["scalar_network"]([3, 4, 1], True)
    grouping = group(case["facts"], case["edges"])
    assert choose(case["facts"], case["edges"], grouping) == (set(), False)


def test_loops_are_told_by_their_lines_and_turns() -> None:
    case = MAKE["scalar_network"]([2, 9], True)
    grouping = group(case["facts"], case["edges"])
    loop = grouping.groups[0]
    assert (loop.kind, loop.title, loop.times, loop.operations) == ("loop", "lines 4–5", 9, 45)
    assert [g.title for g in grouping.groups[1:]] == [f"turn {i}" for i in range(1, 10)]
    folded = fold(case["facts"], case["edges"], grouping, {0}, True)
    # The loop with the 27 parameters and two inputs that only it needs, and nine results.
    assert [len(box.nodes) for box in folded.boxes] == [74, 9]


def test_without_lines_loops_are_told_by_their_operations() -> None:
    case = MAKE["scalar_network"]([2, 9], False)
    loop = group(case["facts"], case["edges"]).groups[0]
    assert (loop.kind, loop.title, loop.times) == ("loop", "mul, add, tanh", 9)


def test_depth_counts_the_modules_around_a_module() -> None:
    case = MAKE["module_network"](2)
    grouping = group(case["facts"], case["edges"], case["types"])

    def shown(depth: int) -> list[str]:
        closed, bundled = choose(case["facts"], case["edges"], grouping, depth)
        folded = fold(case["facts"], case["edges"], grouping, closed, bundled)
        return [grouping.groups[box.group].title for box in folded.boxes if box.group >= 0]

    assert shown(0) == ["Net"]
    assert shown(1) == ["block0", "block1"]
    assert shown(2) == ["block0.first", "block0.second", "block1.first", "block1.second"]
    assert shown(3) == []


def test_named_data_stays_outside_of_modules_and_parameters_inside() -> None:
    case = MAKE["module_network"](1)
    grouping = group(case["facts"], case["edges"], case["types"])
    homes = [grouping.groups[h].title if h >= 0 else "" for h in grouping.home]
    assert homes[0] == "" and homes[1] == homes[2] == "block0.first"


def test_one_call_after_another_of_the_same_module_may_repeat() -> None:
    facts = [Facts("op", name, "", ("cell",)) for _ in range(5) for name in ("mul", "tanh")]
    edges = [(i, i + 1) for i in range(len(facts) - 1)]
    groups = group(facts, edges).groups
    assert [(g.kind, g.times) for g in groups[:2]] == [("module", 1), ("loop", 5)]


def test_loops_in_loops() -> None:
    inner = [1, 2] * 4
    _, contents = find_loops(([*inner, 3] * 3), list(range(27)), Tokens())
    (outer,) = contents
    assert isinstance(outer, Loop) and len(outer.turns) == 3
    assert [len(turn) for turn in outer.turns] == [2, 2, 2]
    assert all(isinstance(turn[0], Loop) and len(turn[0].turns) == 4 for turn in outer.turns)


def test_a_sequence_without_repeats_is_left_alone() -> None:
    r = random.Random(0)
    tokens = [r.randrange(1000) for _ in range(500)]
    assert find_loops(tokens, tokens, Tokens()) == (tokens, tokens)


def test_many_leaves_that_are_alike_become_one_box() -> None:
    facts = [Facts("parameter", f"w{i}") for i in range(500)] + [Facts("op", "stack")]
    edges = [(i, 500) for i in range(500)]
    grouping = group(facts, edges)
    closed, bundled = choose(facts, edges, grouping)
    folded = fold(facts, edges, grouping, closed, bundled)
    assert [len(box.nodes) for box in folded.boxes] == [500, 1]
    assert len(folded.lines) == 1 and len(folded.lines[0].edges) == 500
    assert asdict(folded.boxes[0])["group"] == -1
