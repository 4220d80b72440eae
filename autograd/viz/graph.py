"""The computation graph as plain data: what drawings, and later the stepper, are made from.

`graph_of` reads the engine's tape and keeps no reference to it, so a `Graph` holds no array and
frees nothing late. It invents nothing: a constant that no node has saved is not in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..elementwise import Binary
from ..engine import tape
from ..function import Op
from ..tensor import Leaf, Tensor
from .names import Names, identity

Result = tuple[tuple[int, ...], str]
"""The shape and the dtype of a tensor."""


@dataclass(slots=True)
class Node:
    """A box of the graph.

    `kind` is "op", "parameter" (a leaf that requires grad, or a frozen parameter of the module
    given), "data" (a constant) or "output" (a root). `results` has one entry per result of an
    operation and exactly one for every other kind. `sequence` is the number that the engine gave
    the operation, -1 for every other kind.
    """

    id: int
    kind: str
    results: tuple[Result, ...]
    name: str = ""  # the variable's or the parameter's
    op: str = ""  # the operation's name in the registry, or the class of a user's Function
    symbol: str = ""  # how the operation is written, where it has a symbol
    value: Any = None  # the number in a 0-d leaf, constant or root
    requires_grad: bool = True
    infix: bool = False  # an operation between two operands
    arguments: dict[str, str] = field(default_factory=dict)  # such as {"axes": "(1,)"}
    lost: tuple[str, ...] = ()  # operands that were constants and were not kept
    sequence: int = -1

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the (first) result."""
        return self.results[0][0]

    @property
    def dtype(self) -> str:
        """The dtype of the (first) result."""
        return self.results[0][1]


@dataclass(slots=True)
class Edge:
    """Result `output` of node `source` is argument `slot` of node `target`, called `role` there."""

    source: int
    target: int
    slot: int = 0
    output: int = 0
    role: str = ""


@dataclass(slots=True)
class Graph:
    """Nodes in an order in which every edge goes forward; a node's `id` is its place there.

    The edges into a node follow one another in the order of its arguments. `roots` are the ids
    of the output nodes, in the order in which the roots were given.
    """

    nodes: list[Node] = field(default_factory=list)
    edges: list[Edge] = field(default_factory=list)
    roots: list[int] = field(default_factory=list)


def graph_of(
    roots: Sequence[Tensor], names: Names | None = None, labels: Sequence[str] = ()
) -> Graph:
    """The graph that led to `roots`, which must require grad.

    Args:
        roots: tensors of any shape, results of operations or leaves.
        names: what leaves and results are called.
        labels: names of the roots themselves.

    Works after a backward pass has freed the graph: the constants that it held are then unknown.

    >>> import autograd
    >>> x = autograd.tensor(3.0, requires_grad=True)
    >>> graph = graph_of([x * x])
    >>> [(node.kind, node.symbol) for node in graph.nodes]
    [('parameter', ''), ('op', '*'), ('output', '')]
    >>> [(edge.source, edge.target, edge.slot) for edge in graph.edges]
    [(0, 1, 0), (0, 1, 1), (1, 2, 0)]
    """
    builder = _Builder(names or Names())
    for node in tape(roots):
        builder.add_operation(node)
    for i, root in enumerate(roots):
        builder.add_root(root, labels[i] if i < len(labels) else "")
    return builder.graph


class _Builder:
    def __init__(self, names: Names) -> None:
        self.names = names
        self.graph = Graph()
        self.ids: dict[Any, int] = {}  # engine node or leaf -> id
        self.constants: dict[
            Any, int
        ] = {}  # identity of an array, which its node keeps alive -> id

    def new(self, kind: str, results: tuple[Result, ...], **fields: Any) -> Node:
        node = Node(len(self.graph.nodes), kind, results, **fields)
        self.graph.nodes.append(node)
        return node

    def add_operation(self, node: Any) -> None:
        sources = []
        arguments: dict[str, str] = {}
        lost = []
        is_op = isinstance(node, Op)
        infix = isinstance(node, Binary) or (is_op and node.op_name == "matmul")
        saved = node.args if is_op and node.args else ()
        for slot, edge in enumerate(node.edges):
            role = node.parameter(slot) if is_op else ""
            if edge is not None:
                sources.append((slot, role, self.target(edge), getattr(edge, "index", 0)))
                continue
            value = saved[slot] if slot < len(saved) else None
            if isinstance(value, (Tensor, np.ndarray)) or (infix and value is not None):
                sources.append((slot, role, self.constant(value), 0))
            elif infix:
                lost.append(role)
            elif (text := _argument(value)) is not None:
                arguments[role] = text
        results = node.outputs or (node,)
        added = self.new(
            "op",
            tuple((tuple(r.shape), str(r.dtype)) for r in results),
            name=self.names.of(node),
            op=node.op_name if is_op else node.name().removesuffix("Backward"),
            symbol=node.symbol if is_op else "",
            infix=infix,
            arguments=arguments,
            lost=tuple(lost),
            sequence=node.sequence,
        )
        self.ids[node] = added.id
        for slot, role, source, output in sources:
            self.graph.edges.append(Edge(source, added.id, slot, output, role))

    def target(self, edge: Any) -> int:
        """The id of what an edge of the engine points to."""
        known = self.ids.get(getattr(edge, "node", edge))
        return self.leaf(edge) if known is None else known

    def leaf(self, leaf: Leaf) -> int:
        tensor = leaf.variable
        added = self.new(
            "parameter",
            ((tuple(leaf.shape), str(leaf.dtype)),),
            name=self.names.of(leaf) or (tensor.name or "" if tensor is not None else ""),
            value=None if tensor is None else _number(tensor._data),
        )
        self.ids[leaf] = added.id
        return added.id

    def constant(self, value: Any) -> int:
        """The id of an array or a number that a node has saved."""
        if not isinstance(value, (Tensor, np.ndarray)):
            dtype = type(value).__name__
            return self.new("data", (((), dtype),), value=value, requires_grad=False).id
        array = value._data if isinstance(value, Tensor) else value
        known = self.constants.get(identity(array))
        if known is not None:
            return known
        added = self.new(
            "parameter" if self.names.is_parameter(array) else "data",
            ((array.shape, str(array.dtype)),),
            name=self.names.of(array) or (getattr(value, "name", None) or ""),
            value=_number(array),
            requires_grad=False,
        )
        self.constants[identity(array)] = added.id
        return added.id

    def add_root(self, root: Tensor, label: str) -> None:
        source = self.target(root._edge)
        node = self.graph.nodes[source]
        added = self.new(
            "output",
            ((tuple(root._data.shape), str(root._data.dtype)),),
            name=label or root.name or self.names.of(root._edge),
            value=_number(root._data),
        )
        if node.name == added.name:
            node.name = node.name if node.kind == "parameter" else ""  # said once is enough
        self.graph.edges.append(Edge(source, added.id, 0, root.output_nr))
        self.graph.roots.append(added.id)


def _number(array: np.ndarray) -> Any:
    return array.item() if array.ndim == 0 else None


def _argument(value: Any) -> str | None:
    """A plain argument as text; None for what is a default or tells a reader nothing."""
    if value is None or value is False:
        return None
    if isinstance(value, (bool, int, float, str)):
        return str(value)
    if isinstance(value, slice):
        parts = ["" if p is None else str(p) for p in (value.start, value.stop, value.step)]
        return ":".join(parts if value.step is not None else parts[:2])
    if value is Ellipsis:
        return "..."
    if isinstance(value, (tuple, list)):
        texts = [_argument(v) or ("None" if v is None else "·") for v in value]
        return f"({', '.join(texts)}{',' * (len(texts) == 1)})"
    return None
