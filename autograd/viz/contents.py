"""The numbers in a drawing: values and gradients of the nodes that are shown.

What is not known is said to be so, and is never a 0: a value that nobody kept and that cannot be
computed again, a gradient before `backward()`, the gradient of an intermediate result that was
not retained.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from ..leaf import Leaf
from ..stepper.forward import Forward, Variables
from ..stepper.values import encode
from ..tensor import Tensor
from .graph import Graph

NOT_YET = "not computed yet"
NOT_KEPT = "not kept"


class Contents:
    """Knows the values and gradients of the tape of `roots`."""

    def __init__(self, roots: Sequence[Tensor], names: Variables) -> None:
        self.forward = Forward(roots, names)
        self.tensors = names.tensors | {root._edge: root for root in roots}
        leaves = (leaf.variable for leaf in self.forward.leaves)
        self.done = any(x is not None and x._grad is not None for x in leaves)

    def fill(
        self, graph: Graph, targets: Sequence[Any], shown: Iterable[int], values: bool, grads: bool
    ) -> None:
        """Notes in the nodes `shown` their values, their gradients, or both."""
        for i in shown:
            node, target = graph.nodes[i], targets[i]
            if node.kind == "failed":
                continue
            if values:
                node.content = self.value(target)
            if grads and node.requires_grad:
                node.grad, node.missing = self.gradient(target)

    def value(self, target: Any) -> Any:
        """The value as a VAL, None where it is not known."""
        if isinstance(target, Tensor):
            return encode(target._data)
        if isinstance(target, (np.ndarray, np.generic, bool, int, float, complex)):
            return encode(target)
        outputs = getattr(target, "outputs", None)
        if outputs is not None:
            parts = [self.forward.value(output) for output in outputs]
            return {"results": [None if part is None else encode(part) for part in parts]}
        found = self.forward.value(target)
        return None if found is None else encode(found)

    def gradient(self, target: Any) -> tuple[Any, str]:
        """The gradient as a VAL, or None and the reason."""
        tensor = target if isinstance(target, Tensor) else self.tensors.get(target)
        if type(target) is Leaf:
            tensor = target.variable
        if tensor is not None and tensor._grad is not None:
            return encode(tensor._grad._data), ""
        leaf = type(target) is Leaf or (tensor is not None and tensor.is_leaf)
        return None, NOT_KEPT if self.done and not leaf else NOT_YET
