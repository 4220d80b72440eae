"""What the engine knows of a recorded operation: `Node`, and `Output` where there are several."""

from __future__ import annotations

import itertools
import weakref
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .hooks import RemovableHandle, add_node_hook

next_sequence = itertools.count().__next__
"""Numbers the nodes of all threads in the order in which they are recorded."""


class Node:
    """What the engine knows of a recorded operation.

    `edges` has one entry per argument of the operation: where that argument's gradient goes (the
    `Node` or `Output` that made it, or its `Leaf`), None where no gradient flows. `shape` and
    `dtype` are the result's (of the first where there are several; `results` has all). `args` is
    what was saved, None once freed.
    """

    edges: tuple[Any, ...] = ()
    sequence: int = -1
    shape: tuple[int, ...] = ()
    dtype: np.dtype
    results: tuple[tuple[tuple[int, ...], np.dtype], ...]
    args: tuple[Any, ...] | None = ()
    frees = False  # whether `args` holds arrays, which a backward pass drops
    _outputs: list[Callable[[], Output | None]] | None = None  # weak, when there are several
    _out_counters: list[Any] | None = None  # of the results, once they or views may change
    hooks: dict[int, Callable[..., Any]] | None = None
    # True: a gradient that vjp returns is the upstream one, a view of it, or a new array.
    makes_own_gradients = False
    index = 0  # beside an `Output`'s: of a node with one result, the place of that result

    @property
    def node(self) -> Node:
        """The node itself, beside an `Output`'s node."""
        return self

    @property
    def needs_input_grad(self) -> tuple[bool, ...]:
        """One bool per argument: does a gradient flow to it?"""
        return tuple([edge is not None for edge in self.edges])

    @property
    def outputs(self) -> tuple[Output, ...] | None:
        """Where the gradients of the results arrive, None when there is just one result.

        Results and their consumers refer to the node through these, so the node's references
        are weak; one that nobody has is made anew.
        """
        if self._outputs is None:
            return None
        found = []
        for i, reference in enumerate(self._outputs):
            output = reference()
            if output is None:
                output = Output(self, i, *self.results[i])
                self._outputs[i] = weakref.ref(output)
            found.append(output)
        return tuple(found)

    def _record_outputs(self, arrays: Sequence[np.ndarray]) -> tuple[Output, ...]:
        """Notes that the operation has several results."""
        self.results = tuple((a.shape, a.dtype) for a in arrays)
        self.shape, self.dtype = self.results[0]
        outputs = tuple(Output(self, i, *result) for i, result in enumerate(self.results))
        self._outputs = [weakref.ref(output) for output in outputs]
        return outputs

    @property
    def next_functions(self) -> tuple[tuple[Any, int], ...]:
        """PyTorch's view of `edges`: pairs of a node (or leaf) and the result's index.

        There is one for each argument that could have a gradient, with None for those that need
        none; arguments such as a dimension or an index have no pair.
        """
        return tuple(
            (getattr(e, "node", e), getattr(e, "index", 0))
            for i, e in enumerate(self.edges)
            if self._differentiable_by(i)
        )

    def _differentiable_by(self, i: int) -> bool:
        """Whether argument `i` could have a gradient."""
        return True

    def name(self) -> str:
        """The operation's name in PyTorch's manner, for example `MulBackward0`."""
        return type(self).__name__ + "Backward"

    def __repr__(self) -> str:
        return f"<{self.name()}>"

    def register_prehook(self, fn: Callable[..., Any]) -> RemovableHandle:
        """Calls `fn(grad_outputs)` before the node's step of a backward pass.

        It gets a tuple with the gradient of each result, and may return another in its place.
        """
        return add_node_hook(self, fn, after=False)

    def register_hook(self, fn: Callable[..., Any]) -> RemovableHandle:
        """Calls `fn(grad_inputs, grad_outputs)` after the node's step of a backward pass.

        It gets tuples with the gradients of the arguments (None for constants) and of the results,
        and may return another tuple in the place of the first.

        >>> import autograd
        >>> x = autograd.tensor(3.0, requires_grad=True)
        >>> y = x * x
        >>> handle = y.grad_fn.register_hook(lambda by, of: print(by, of))
        >>> y.backward()
        (tensor(3.), tensor(3.)) (tensor(1.),)
        """
        return add_node_hook(self, fn, after=True)

    def vjp(self, g: Any, graph: bool, edges: Any) -> Any:
        """The gradient of each argument whose entry in `edges` is not None, aligned with it.

        `edges` is `self.edges`, or a copy with the entries blanked that nobody asked for. `g` is
        the upstream gradient, or a list with one entry per result when there are several;
        ndarrays in and out, or Tensors when `graph` is set, so that the result can be
        differentiated again. Shapes may still be those of a broadcast; the engine undoes that.
        """
        raise NotImplementedError


class Output:
    """One of several results of a node; stands in the `edges` of the results' consumers."""

    __slots__ = ("__weakref__", "dtype", "edges", "hooks", "index", "node", "shape")
    sequence = -1

    def __init__(self, node: Node, index: int, shape: tuple[int, ...], dtype: np.dtype) -> None:
        self.node, self.index, self.shape, self.dtype = node, index, shape, dtype
        self.edges = (node,)
        self.hooks: dict[int, Callable[..., Any]] | None = None

    def __repr__(self) -> str:
        return f"<{self.node.name()} output {self.index}>"
