"""The computation graph as plain data: what drawings are made from.

`graph_of` reads the engine's tape and keeps no reference to it, so a `Graph` holds no array and
frees nothing late. It invents nothing: a constant that no node has saved is not in it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np

from ..elementwise import Binary
from ..engine import tape
from ..function import Op
from ..leaf import Leaf
from ..stepper.forward import argument_text
from ..tensor import Tensor
from .names import Names, identity
from .recorded import Module, Recorded, Source

NO_ARGUMENTS: Mapping[str, str] = MappingProxyType({})

Result = tuple[tuple[int, ...], str]
"""The shape and the dtype of a tensor."""


@dataclass(slots=True)
class Node:
    """A box of the graph.

    `kind` is "op", "parameter" (a leaf that requires grad, or a frozen parameter of the module
    given), "data" (a constant), "output" (a root) or "failed" (the operation that raised, which
    has no `results`). `results` has one entry per result of an operation and exactly one for
    every other kind. `sequence` is the number that the engine gave the operation, -1 for every
    other kind.
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
    # Such as {"axes": "(1,)"}; the empty one is shared.
    arguments: Mapping[str, str] = field(default_factory=lambda: NO_ARGUMENTS)
    lost: tuple[str, ...] = ()  # operands that were constants and were not kept
    sequence: int = -1
    # What `autograd.trace()` noted:
    module: int = -1  # place in Graph.modules
    source: int = -1  # place in Graph.sources
    iteration: tuple[int, int] | None = None  # (i, n): the i-th of n made by the same source
    # What was asked for with `values` and `grads`, as VALs of docs/trace.md:
    content: Any = None
    grad: Any = None
    missing: str = ""  # why there is no `grad`
    error: str = ""  # what a failed operation said

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the (first) result; there is none where the operation failed."""
        return self.results[0][0] if self.results else ()

    @property
    def dtype(self) -> str:
        """The dtype of the (first) result."""
        return self.results[0][1] if self.results else ""


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
    of the output nodes, in the order in which the roots were given. `modules` and `sources` are
    what was recorded of the operations.
    """

    nodes: list[Node] = field(default_factory=list)
    edges: list[Edge] = field(default_factory=list)
    roots: list[int] = field(default_factory=list)
    modules: list[Module] = field(default_factory=list)
    sources: list[Source] = field(default_factory=list)


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
    builder = Builder(names or Names())
    builder.add(roots, labels)
    return builder.graph


class Builder:
    """Makes a `Graph`; `targets` has what each node was in the engine, as long as it lives."""

    def __init__(self, names: Names) -> None:
        self.names = names
        self.graph = Graph()
        self.targets: list[Any] = []  # a node, a leaf, or the tensor of a root or a constant
        self.ids: dict[Any, int] = {}  # engine node or leaf -> id
        # Identity of an array, which its node keeps alive -> id:
        self.constants: dict[Any, int] = {}
        self.results: dict[Any, tuple[Result, ...]] = {}
        self.recorded = Recorded(names)
        self.graph.modules, self.graph.sources = self.recorded.modules, self.recorded.sources

    def add(self, roots: Sequence[Tensor], labels: Sequence[str] = (), failure: Any = None) -> None:
        """Adds all that led to `roots`, which get a box each.

        With a `Failure`, that too, and the operation that failed; the roots get no boxes.
        """
        operands = [] if failure is None else _operands(failure, roots)
        for node in tape([*roots, *(x for _, x in operands if x.requires_grad)]):
            if node not in self.ids:  # a root that is given twice is there twice
                self.add_operation(node)
        if failure is not None:
            self.add_failure(failure, operands)
        else:
            for i, root in enumerate(roots):
                self.add_root(root, labels[i] if i < len(labels) else "")
        self.count_turns()

    def count_turns(self) -> None:
        """Numbers the nodes that the same source made."""
        total = [0] * len(self.graph.sources)
        for node in self.graph.nodes:
            if node.source >= 0 and node.kind == "op":
                total[node.source] += 1
        turn = [0] * len(total)
        for node in self.graph.nodes:
            if node.source >= 0 and total[node.source] > 1 and node.kind == "op":
                turn[node.source] += 1
                node.iteration = turn[node.source], total[node.source]

    def add_failure(self, failure: Any, operands: Sequence[tuple[str, Tensor]]) -> None:
        """The operation at which a forward pass raised, after its operands."""
        sources = []
        for slot, (role, tensor) in enumerate(operands):
            edge = tensor._edge
            source = self.constant(tensor) if edge is None else self.target(edge)
            sources.append((slot, role, source, tensor.output_nr))
        name = failure.op
        if not name or name.startswith("_"):  # a layer, which says what it is in its message
            found = re.match(r"\w+(?=[(:])", failure.message)
            name = found[0] if found else "operation"
        added = self.new("failed", (), failure, op=name, error=f"{failure.type}: {failure.message}")
        added.source = self.recorded.source(failure.site)
        for slot, role, source, output in sources:
            self.graph.edges.append(Edge(source, added.id, slot, output, role))

    def new(self, kind: str, results: tuple[Result, ...], target: Any, **fields: Any) -> Node:
        node = Node(len(self.graph.nodes), kind, results, **fields)
        self.graph.nodes.append(node)
        self.targets.append(target)
        return node

    def add_operation(self, node: Any) -> None:
        sources = []
        arguments: dict[str, str] = {}
        lost = []
        is_op = isinstance(node, Op)
        infix = isinstance(node, Binary) or (is_op and node.op_name == "matmul")
        saved = node.args if is_op and node.args else ()
        origin = vars(node).get("origin")
        if is_op and origin is not None and origin.args:
            saved = origin.args  # autograd.trace() keeps more than the rules ask for, and longer
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
            elif (text := argument_text(value)) is not None:
                arguments[role] = text
        added = self.new(
            "op",
            self.results_of(node),
            node,
            name=self.names.of(node),
            op=node.op_name if is_op else node.name().removesuffix("Backward"),
            symbol=node.symbol if is_op else "",
            infix=infix,
            arguments=arguments or NO_ARGUMENTS,
            lost=tuple(lost),
            sequence=node.sequence,
        )
        added.source, added.module = self.recorded.of(node)
        self.ids[node] = added.id
        for slot, role, source, output in sources:
            self.graph.edges.append(Edge(source, added.id, slot, output, role))

    def results_of(self, node: Any) -> tuple[Result, ...]:
        """Shapes and dtypes of the results, equal ones shared."""
        if node.outputs is None:
            key = node.shape, node.dtype
            if key not in self.results:
                self.results[key] = ((tuple(node.shape), str(node.dtype)),)
            return self.results[key]
        return tuple((tuple(r.shape), str(r.dtype)) for r in node.outputs)

    def target(self, edge: Any) -> int:
        """The id of what an edge of the engine points to."""
        known = self.ids.get(getattr(edge, "node", edge))
        return self.leaf(edge) if known is None else known

    def leaf(self, leaf: Leaf) -> int:
        tensor = leaf.variable
        added = self.new(
            "parameter",
            ((tuple(leaf.shape), str(leaf.dtype)),),
            leaf,
            name=self.names.of(leaf) or (tensor.name or "" if tensor is not None else ""),
            value=None if tensor is None else _number(tensor._data),
        )
        self.ids[leaf] = added.id
        return added.id

    def constant(self, value: Any) -> int:
        """The id of an array or a number that a node has saved."""
        if not isinstance(value, (Tensor, np.ndarray)):
            dtype = type(value).__name__
            value = value.item() if isinstance(value, np.generic) else value
            return self.new("data", (((), dtype),), value, value=value, requires_grad=False).id
        array = value._data if isinstance(value, Tensor) else value
        known = self.constants.get(identity(array))
        if known is not None:
            return known
        added = self.new(
            "parameter" if self.names.is_parameter(array) else "data",
            ((array.shape, str(array.dtype)),),
            array,
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
            root,
            name=label or root.name or self.names.of(root._edge),
            value=_number(root._data),
        )
        if node.name == added.name:
            node.name = node.name if node.kind == "parameter" else ""  # said once is enough
        self.graph.edges.append(Edge(source, added.id, 0, root.output_nr))
        self.graph.roots.append(added.id)


def _operands(failure: Any, ends: Sequence[Tensor]) -> list[tuple[str, Tensor]]:
    """What the operation that failed was given.

    Inside a model only what the outermost layer was given is known; what was computed last is
    nearer.
    """
    if failure.op.startswith("_") and ends:
        return [("", ends[-1])]
    return list(failure.operands)


def _number(array: np.ndarray) -> Any:
    return array.item() if array.ndim == 0 else None
