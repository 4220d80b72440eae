"""The order of the vertices within the ranks of a level: step 3 of layout.py."""

from __future__ import annotations

from bisect import bisect_right

SWEEPS = 4

Neighbours = list[list[tuple[int, int, int, int]]]
"""For each vertex its neighbours as (vertex, its place of contact, one's own, weight)."""


def ordered(
    rank: list[int],
    lanes: list[list[int]],
    before: Neighbours,
    after: Neighbours,
    breadth: list[int],
) -> list[list[int]]:
    """Step 3: the vertices of each rank in their order."""
    rows: list[list[int]] = [[] for _ in range(max(rank, default=-1) + 1)]
    lane_of = {v: lane for lane in lanes for v in lane[1:]}
    seen = [False] * len(rank)
    for sink in range(len(rank)):
        todo = [] if after[sink] else [sink]
        while todo:
            v = todo.pop()
            if seen[v]:
                continue
            lane = lane_of.get(v)
            for u in [v] if lane is None else lane[1:]:
                seen[u] = True
                rows[rank[u]].append(u)
            if lane is None:
                todo.extend([u for u, _, _, _ in reversed(before[v])])
            else:
                todo.append(lane[0])
    best = _crossings(rows, after)
    if best == 0:
        return rows
    order = [list(row) for row in rows]
    place = [0] * len(rank)
    for row in order:
        for i, v in enumerate(row):
            place[v] = i
    for turn in range(2 * SWEEPS):
        forward = turn % 2 == 0
        neighbours = before if forward else after
        for row in order[1:] if forward else order[-2::-1]:
            _sort_row(row, neighbours, breadth, place)
        found = _crossings(order, after)
        if found < best:
            best, rows = found, [list(row) for row in order]
        if found == 0:
            break
    for _ in range(SWEEPS):
        if not _exchange(rows, before, after):
            break
    return rows


def _sort_row(
    row: list[int],
    neighbours: Neighbours,
    breadth: list[int],
    place: list[int],
) -> None:
    """Sorts a rank by the mean of its neighbours' places, of which ports are fractions."""
    key = {}
    for i, v in enumerate(row):
        total = 0.0
        for u, contact, _, _ in neighbours[v]:
            total += place[u] + contact / (breadth[u] + 1)
        many = len(neighbours[v])
        key[v] = total / many if many else i + 0.5
    row.sort(key=key.__getitem__)
    for i, v in enumerate(row):
        place[v] = i


def _exchange(rows: list[list[int]], before: Neighbours, after: Neighbours) -> bool:
    """Exchanges neighbours in a rank where that leaves fewer crossings; was there any?"""
    place = [0] * len(after)
    for row in rows:
        for i, v in enumerate(row):
            place[v] = i
    exchanged = False
    for row in rows:
        for i in range(len(row) - 1):
            v, w = row[i], row[i + 1]
            gain = 0
            for neighbours in (before, after):
                for u, contact, _, _ in neighbours[v]:
                    a = place[u] * 65536 + contact
                    for x, other, _, _ in neighbours[w]:
                        b = place[x] * 65536 + other
                        gain += 1 if a > b else -1 if a < b else 0
            if gain > 0:
                row[i], row[i + 1] = w, v
                place[v], place[w] = i + 1, i
                exchanged = True
    return exchanged


def _crossings(rows: list[list[int]], after: Neighbours) -> int:
    """How many pairs of edges cross in the gaps between ranks."""
    place = [0] * len(after)
    for row in rows:
        for i, v in enumerate(row):
            place[v] = i
    count = 0
    for row in rows:
        arrived: list[int] = []  # sorted
        for v in row:
            leaving = [(leave, place[w] * 65536 + arrive) for w, arrive, leave, _ in after[v]]
            if len(leaving) > 1:
                leaving.sort()
            for _, target in leaving:
                i = bisect_right(arrived, target)
                count += len(arrived) - i
                arrived.insert(i, target)
    return count
