"""The inside of one cluster: ranks, lanes and places. The method is described in layout.py."""

from __future__ import annotations

from math import floor

from .ordering import SWEEPS, Neighbours, ordered

GAP, BORDER_GAP = 34, 22  # between ranks, and between a cluster's border and its ranks
SEP, LANE = 14, 9  # between boxes of a rank, and between a lane and its neighbour
PAD, TITLE = 12, 18  # inside a cluster; the height of its title
NEARLY = 5
LEAF_WEIGHT, SIDE_WEIGHT, EDGE_WEIGHT, LANE_WEIGHT = 1, 4, 64, 256


class Level:
    """The inside of one cluster, in lengths (along the layout) and breadths (across it).

    Vertices are numbered: first the items, then the ports of the near border, then those of the
    far border, then the dummies of lanes.
    """

    def __init__(self) -> None:
        self.items: list[int] = []
        self.local: dict[int, int] = {}  # item -> vertex
        self.links: list[tuple[int, int, int]] = []  # (item or -1, item or -1, source node)
        self.known: set[tuple[int, int, int]] = set()
        self.x = self.y = 0  # of the left upper corner, in the whole
        self.entry: dict[int, int] = {}  # source node -> place of its port on the border
        self.exit: dict[int, int] = {}

    def add_item(self, item: int) -> None:
        self.local[item] = len(self.items)
        self.items.append(item)

    def add_link(self, a: int, b: int, source: int) -> None:
        if (a, b, source) not in self.known:
            self.known.add((a, b, source))
            self.links.append((a, b, source))

    def arrange(
        self,
        sizes: list[tuple[int, int]],
        entries: list[dict[int, int] | None],
        exits: list[dict[int, int] | None],
    ) -> None:
        """Finds the places of everything, from the items' sizes and the ports of clusters."""
        count = len(self.items)
        near = list(dict.fromkeys(s for a, _, s in self.links if a < 0))
        far = list(dict.fromkeys(s for _, b, s in self.links if b < 0))
        self.near = {s: count + i for i, s in enumerate(near)}
        self.far = {s: count + len(near) + i for i, s in enumerate(far)}
        ports = len(near) + len(far)
        self.breadth_of = [breadth for _, breadth in sizes] + [0] * ports
        self.length_of = [length for length, _ in sizes] + [0] * ports
        ends = []
        for a, b, source in self.links:
            u = self.near[source] if a < 0 else self.local[a]
            v = self.far[source] if b < 0 else self.local[b]
            out = exits[u] if u < count else None
            into = entries[v] if v < count else None
            leave = self.breadth_of[u] // 2 if out is None else out[source]
            arrive = self.breadth_of[v] // 2 if into is None else into[source]
            ends.append((u, v, source, leave, arrive))
        self.find_ranks(ends)
        self.make_lanes(ends)
        self.leave = {(u, source): leave for u, _, source, leave, _ in ends}
        self.arrive = {(v, source): arrive for _, v, source, _, arrive in ends}
        self.order = ordered(
            self.rank, list(self.lanes.values()), self.before, self.after, self.breadth_of
        )
        self.find_breadths()

    def find_ranks(self, ends: list[tuple[int, int, int, int, int]]) -> None:
        """Step 1. The ports of the near border have rank 0 and those of the far one the last."""
        count, first_far = len(self.items), len(self.items) + len(self.near)
        start = 1 if self.near else 0
        before: list[list[int]] = [[] for _ in self.breadth_of]
        after: list[list[int]] = [[] for _ in self.breadth_of]
        for u, v, _, _, _ in ends:
            before[v].append(u)
            after[u].append(v)
        rank = [start] * count + [0] * (len(self.breadth_of) - count)
        missing = [sum(1 for u in sources if u < count) for sources in before]
        todo = [v for v in range(count) if missing[v] == 0]
        for u in todo:  # grows as the loop goes on
            for v in after[u]:
                if v < count:
                    rank[v] = max(rank[v], rank[u] + 1)
                    missing[v] -= 1
                    if missing[v] == 0:
                        todo.append(v)
        if len(todo) < count:
            raise ValueError("layout: the edges between clusters make a cycle")
        last = max(rank[:count], default=0) + 1
        for v in range(first_far, len(rank)):
            rank[v] = last
        self.depth = [0] * len(rank)  # the longest way to a vertex, leaves not counted
        for v in todo:
            for u in before[v]:
                if u >= count or before[u]:
                    self.depth[v] = max(self.depth[v], self.depth[u] + 1)
        for v in reversed(todo):
            if after[v] and not any(u >= count or before[u] for u in before[v]):
                rank[v] = min(rank[w] for w in after[v]) - 1
        self.rank, self.last = rank, last if self.far else last - 1
        self.is_leaf = [v < count and not before[v] for v in range(len(rank))]

    def make_lanes(self, ends: list[tuple[int, int, int, int, int]]) -> None:
        """Step 2. Neighbours are (vertex, its place of contact, one's own, weight)."""
        rank, count = self.rank, len(self.items)
        self.before: Neighbours = [[] for _ in rank]
        self.after: Neighbours = [[] for _ in rank]
        self.lanes: dict[tuple[int, int], list[int]] = {}

        def join(u: int, v: int, leave: int, arrive: int, weight: int) -> None:
            self.before[v].append((u, leave, arrive, weight))
            self.after[u].append((v, arrive, leave, weight))

        for u, v, source, leave, arrive in ends:
            lane = self.lanes.setdefault((u, source), [u])
            span = rank[v] - rank[u]
            while len(lane) < span:
                dummy = len(rank)
                rank.append(rank[u] + len(lane))
                self.breadth_of.append(0)
                self.length_of.append(0)
                self.is_leaf.append(False)
                self.before.append([])
                self.after.append([])
                tail = lane[-1]
                if tail == u:
                    join(u, dummy, leave, 0, SIDE_WEIGHT)
                else:
                    join(tail, dummy, 0, 0, LANE_WEIGHT)
                lane.append(dummy)
            tail = lane[span - 1]
            weight = EDGE_WEIGHT
            if self.is_leaf[u]:
                weight = LEAF_WEIGHT
            elif v < count and self.depth[u] + 1 < self.depth[v]:
                weight = SIDE_WEIGHT
            join(tail, v, leave if tail == u else 0, arrive, weight)

    def distance(self, u: int, v: int) -> int:
        """Between two neighbours in a rank."""
        items = len(self.items)
        return SEP if u < items and v < items else LANE

    def find_breadths(self) -> None:
        """Step 4. `top` is the near side of each vertex across the layout."""
        count = len(self.rank)
        top: list[float] = [0] * count
        packed = [0] * count  # the place when all in the rank are as near as possible
        for row in self.order:
            place = 0
            for i, v in enumerate(row):
                if i:
                    place += self.distance(row[i - 1], v)
                packed[v] = place
                top[v] = place
                place += self.breadth_of[v]
        for _ in range(SWEEPS):
            for row in self.order[1:]:
                self.settle(row, top, packed, self.before)
            for row in self.order[-2::-1]:
                self.settle(row, top, packed, self.after)
        for row in reversed(self.order):
            self.settle(row, top, packed, self.after, leaves=True)
        whole = [floor(t - p + 0.5) + p for t, p in zip(top, packed, strict=True)]
        for row in self.order[1:]:
            self.straighten(row, whole, self.before)
        for row in self.order[-2::-1]:
            self.straighten(row, whole, self.after)
        nearest = min(whole, default=0)
        self.top = [t - nearest for t in whole]
        far_sides = (t + b for t, b in zip(self.top, self.breadth_of, strict=True))
        self.breadth = max(far_sides, default=0)

    def straighten(self, row: list[int], top: list[int], neighbours: Neighbours) -> None:
        """Makes edges straight that are so but for a few pixels, where there is room."""
        for i, v in enumerate(row):
            strongest = aside = 0
            for u, contact, own, weight in neighbours[v]:
                if weight > strongest:
                    strongest = weight
                    aside = top[u] + contact - own - top[v]
            if aside == 0 or abs(aside) > NEARLY:
                continue
            place = top[v] + aside
            w = row[i - 1]
            if i > 0 and place < top[w] + self.breadth_of[w] + self.distance(w, v):
                continue
            if i + 1 < len(row):
                w = row[i + 1]
                if place + self.breadth_of[v] + self.distance(v, w) > top[w]:
                    continue
            top[v] = place

    def settle(
        self,
        row: list[int],
        top: list[float],
        packed: list[int],
        neighbours: Neighbours,
        leaves: bool = False,
    ) -> None:
        """Moves the vertices of a rank to where their neighbours are, by weighted least squares.

        Without the packed places what remains is an increasing sequence, and the nearest one of
        those is found by pooling adjacent violators. `leaves`: only leaves move, around the rest.
        """
        pools: list[tuple[float, float, int]] = []  # sum of weight * place, of weight, how many
        for v in row:
            if leaves and not self.is_leaf[v]:
                weight = 65536.0
                place = weight * (top[v] - packed[v])
            else:
                weight = place = 0.0
                for u, contact, own, w in neighbours[v]:
                    weight += w
                    place += w * (top[u] + contact - own - packed[v])
                if weight == 0:
                    weight = 1.0
                    place = top[v] - packed[v]
            many = 1
            while pools and pools[-1][0] / pools[-1][1] >= place / weight:
                other = pools.pop()
                place += other[0]
                weight += other[1]
                many += other[2]
            pools.append((place, weight, many))
        i = 0
        for place, weight, many in pools:
            mean = place / weight
            for v in row[i : i + many]:
                top[v] = packed[v] + mean
            i += many

    def find_lengths(self, title: int | None, down: bool) -> None:
        """Where ranks begin and end, and the size of all; `title`: the width of a cluster's."""
        inside = title is not None
        pad = PAD if inside else 0
        above = pad + (TITLE if inside else 0)
        thickness = [0] * (self.last + 1)
        turn = [0] * (self.last + 1)  # the largest step aside in the gap after a rank
        for v, r in enumerate(self.rank):
            thickness[r] = max(thickness[r], self.length_of[v])
            for w, arrive, leave, _ in self.after[v]:
                turn[r] = max(turn[r], abs(self.top[w] + arrive - self.top[v] - leave))
        first, final = (1 if self.near else 0), self.last - (1 if self.far else 0)
        self.start, self.end = [], []
        x = 0 if self.near else above if down else pad
        for r in range(self.last + 1):
            self.start.append(x)
            x += thickness[r]
            self.end.append(x)
            gap = (BORDER_GAP if r < first or r >= final else GAP) + min(48, turn[r] // 8)
            if r < first and down:
                gap = max(gap, above)
            if r < self.last:
                x += gap
        self.length = x if self.far else x + pad
        breadth = self.breadth + (2 * pad if down else above + pad)
        if title is not None and down:
            breadth = max(breadth, title + 2 * PAD)
        elif title is not None and self.length < title + 2 * PAD:
            self.length = title + 2 * PAD
        if self.far:
            self.start[-1] = self.end[-1] = self.length
        shift = (breadth - self.breadth) // 2 if down else above
        self.breadth = breadth
        self.top = [t + shift for t in self.top]
        self.left = []
        for v in range(len(self.items)):
            r = self.rank[v]
            spare = self.end[r] - self.start[r] - self.length_of[v]
            if not self.before[v]:
                self.left.append(self.start[r] + spare)
            else:
                self.left.append(self.start[r] + (spare // 2 if self.after[v] else 0))
        self.entry = {s: self.top[v] for s, v in self.near.items()}
        self.exit = {s: self.top[v] for s, v in self.far.items()}

    def is_narrow(self, item: int) -> bool:
        """Does the rank of an item begin before the item does?"""
        v = self.local[item]
        return self.left[v] > self.start[self.rank[v]]

    def trace(self, points: list[int], a: int, b: int, source: int) -> None:
        """Appends the points of a link."""
        u = self.near[source] if a < 0 else self.local[a]
        v = self.far[source] if b < 0 else self.local[b]
        count = len(self.items)

        def go(x: int, y: int) -> None:
            x, y = x + self.x, y + self.y
            if not points or points[-2] != x or points[-1] != y:
                points.extend((x, y))

        y = self.top[u] + self.leave[u, source]
        go(self.left[u] + self.length_of[u] if u < count else self.start[self.rank[u]], y)
        go(self.end[self.rank[u]], y)
        for dummy in self.lanes[u, source][1 : self.rank[v] - self.rank[u]]:
            go(self.start[self.rank[dummy]], self.top[dummy])
            go(self.end[self.rank[dummy]], self.top[dummy])
        y = self.top[v] + self.arrive[v, source]
        go(self.start[self.rank[v]], y)
        if v < count:
            go(self.left[v], y)
