"""Where boxes and edges go: a layered layout of nested boxes, in plain arithmetic.

The method is that of Sugiyama, Tagawa and Toda (1981), made simple by what is special about a
tape: it has no cycles, and a cluster (the operations of one call of a module) is an interval of
it, so that shrinking a cluster to one box makes no cycle either. Clusters are therefore laid out
from the inside to the outside, each as a graph of its own in which its sub-clusters are boxes; an
edge that crosses a border does so at a port, whose place the inner layout decides. No two boxes
can overlap and every edge goes forward, by construction. For each cluster (`Level`):

1. Ranks. A box is one rank after the last of its sources; then, from the end to the start, a box
   that only leaves feed (and every leaf) moves up to just before its first consumer.
2. Lanes. An edge over several ranks gets a dummy in each rank between. Edges of one source share
   them, so that a parameter used at every step of a loop is one line with branches.
3. Order within the ranks. A depth-first search from the results, over the arguments in order,
   puts a left operand before a right one, and a lane as a whole; if edges cross, sweeps by
   barycentre follow, the order with the fewest crossings is kept, and neighbours are exchanged
   as long as that leaves fewer.
4. Places within the ranks. Each vertex wants the weighted mean of its neighbours' places. Pool
   adjacent violators (isotonic regression) finds the places nearest to that which keep the order
   and the distances. Lanes weigh more than edges, those more than leaves' edges: so that chains
   and long edges are straight.

An edge is a chain of points; between two of them it is drawn as a cubic that starts and ends in
the direction of the layout (`control_points`). Inside a rank an edge keeps its place, and all
its turns are in the gaps between ranks, where no boxes are: it never runs over a box.

The rest is in level.py and ordering.py. The page that steps has all three in JavaScript, line by
line; both are held to the coordinates in tests/data/layout. Therefore sizes and places are
integers, means are divided once, and nothing depends on the order of a hash table.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from .level import Level

SPREAD = 9  # the largest distance between the arrowheads at one box


@dataclass(slots=True)
class Layout:
    """Where everything is: left upper corners of boxes, and the points of edges, in pixels.

    `nodes` has (x, y) per node, `clusters` (x, y, width, height) per cluster, `paths` the points
    [x0, y0, x1, y1, ...] of each edge.
    """

    width: int = 0
    height: int = 0
    nodes: list[tuple[int, int]] = field(default_factory=list)
    clusters: list[tuple[int, int, int, int]] = field(default_factory=list)
    paths: list[list[int]] = field(default_factory=list)


def layout(
    sizes: Sequence[tuple[int, int]],
    edges: Sequence[tuple[int, int]],
    cluster: Sequence[int] = (),
    clusters: Sequence[tuple[int, int]] = (),
    down: bool = False,
) -> Layout:
    """Lays out a graph from left to right, or from top to bottom with `down`.

    Args:
        sizes: width and height of each node.
        edges: (source, target) with source < target; those into a node in the order of its
            arguments.
        cluster: for each node the cluster that holds it, or -1.
        clusters: for each cluster the one that holds it (an earlier one, or -1), and the width
            of its title.

    >>> layout([(40, 30), (40, 30)], [(0, 1)]).nodes
    [(0, 0), (74, 0)]
    """
    boxes = [(h, w) for w, h in sizes] if down else list(sizes)
    top = _Nest(boxes, edges, cluster or [-1] * len(boxes), clusters, down)
    top.arrange()
    result = top.place()
    if down:
        result = Layout(
            result.height,
            result.width,
            [(x, y) for y, x in result.nodes],
            [(x, y, w, h) for y, x, h, w in result.clusters],
            [[p[i ^ 1] for i in range(len(p))] for p in result.paths],
        )
    return result


def control_points(x0: int, y0: int, x1: int, y1: int, down: bool) -> tuple[float, ...]:
    """The two inner control points of the cubic between two points of a path."""
    if down:
        return x0, (y0 + y1) / 2, x1, (y0 + y1) / 2
    return (x0 + x1) / 2, y0, (x0 + x1) / 2, y1


class _Nest:
    """The clusters of a graph as levels: level k is the inside of cluster k, the last is the whole.

    An item of a level is a node or a cluster in it, as one number: the node's, or the number of
    nodes + the cluster's. Ports are told apart by the node that their edges come from.
    """

    def __init__(
        self,
        boxes: Sequence[tuple[int, int]],
        edges: Sequence[tuple[int, int]],
        cluster: Sequence[int],
        clusters: Sequence[tuple[int, int]],
        down: bool,
    ) -> None:
        self.boxes, self.edges, self.cluster = boxes, edges, cluster
        self.clusters, self.down = clusters, down
        n, k = len(boxes), len(clusters)
        self.levels = [Level() for _ in range(k + 1)]
        self.home = [*cluster, *(parent for parent, _ in clusters)]  # of each item
        depth: list[int] = []
        for parent, _ in clusters:
            depth.append(0 if parent < 0 else depth[parent] + 1)
        depth.append(-1)
        for item in range(n + k):
            self.levels[self.home[item]].add_item(item)
        self.depth: list[int] = []
        for parent, _ in clusters:
            self.depth.append(0 if parent < 0 else self.depth[parent] + 1)
        self.depth.append(-1)
        self.hops = [self.hops_of(source, target) for source, target in edges]
        for (source, _), hops in zip(edges, self.hops, strict=True):
            for level, a, b in hops:
                self.levels[level].add_link(a, b, source)

    def hops_of(self, source: int, target: int) -> list[tuple[int, int, int]]:
        """An edge as (level, from, to): out of the source's clusters, across, into the target's.

        `from` and `to` are items of the level, or -1 for its border.
        """
        n = len(self.boxes)
        out, into = [], []
        a, b = source, target
        while self.home[a] != self.home[b]:
            if self.depth[self.home[a]] >= self.depth[self.home[b]]:
                out.append((self.home[a], a, -1))
                a = n + self.home[a]
            else:
                into.append((self.home[b], -1, b))
                b = n + self.home[b]
        return [*out, (self.home[a], a, b), *reversed(into)]

    def arrange(self) -> None:
        """Lays out every level, the inner ones first."""
        n = len(self.boxes)
        for k in range(len(self.clusters) - 1, -2, -1):
            level = self.levels[k]
            sizes, enter, leave = [], [], []
            for item in level.items:
                inner = self.levels[item - n] if item >= n else None
                sizes.append(self.boxes[item] if inner is None else (inner.length, inner.breadth))
                enter.append(None if inner is None else inner.entry)
                leave.append(None if inner is None else inner.exit)
            level.arrange(sizes, enter, leave)
            level.find_lengths(self.clusters[k][1] if k >= 0 else None, self.down)

    def place(self) -> Layout:
        """Moves every level to its place in the whole, and follows the edges through them."""
        n, k = len(self.boxes), len(self.clusters)
        whole = self.levels[-1]
        result = Layout(whole.length, whole.breadth, [(0, 0)] * n, [(0, 0, 0, 0)] * k)
        for j in [-1, *range(k)]:
            level = self.levels[j]
            for i, item in enumerate(level.items):
                x, y = level.x + level.left[i], level.y + level.top[i]
                if item < n:
                    result.nodes[item] = (x, y)
                else:
                    inner = self.levels[item - n]
                    inner.x, inner.y = x, y
                    result.clusters[item - n] = (x, y, inner.length, inner.breadth)
        for (source, _), hops in zip(self.edges, self.hops, strict=True):
            points: list[int] = []
            for j, a, b in hops:
                self.levels[j].trace(points, a, b, source)
            result.paths.append(points)
        self.spread(result)
        return result

    def spread(self, result: Layout) -> None:
        """Sets the arrowheads at one box side by side, in the order in which they arrive."""
        into: list[list[int]] = [[] for _ in self.boxes]
        for i, (_, target) in enumerate(self.edges):
            into[target].append(i)
        for target, arriving in enumerate(into):
            if len(arriving) < 2:
                continue
            paths = [result.paths[i] for i in arriving]
            level = self.levels[self.cluster[target]]
            # The end of a path is one point, or two where the box is narrower than its rank.
            ends = 2 if level.is_narrow(target) else 1
            paths.sort(key=lambda path: path[-2 * ends - 1])
            breadth = self.boxes[target][1]
            step = min(SPREAD, (breadth - 6) // len(paths))
            y = result.nodes[target][1] + (breadth - step * (len(paths) - 1)) // 2
            for path in paths:
                path[-1] = y
                if ends == 2:
                    path[-3] = y
                y += step
