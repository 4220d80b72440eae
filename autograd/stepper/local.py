"""The local derivative of an operation: what the upstream gradient is multiplied by.

It is an array only where the rule is a product element by element, or where the result is a single
number; elsewhere (a matrix product, a convolution) it is a linear map, which elements.py takes
apart.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..custom import FunctionNode
from ..elementwise import Binary, Unary
from ..function import Op
from ..hooks import NodeHooks


def elementwise(node: Any) -> bool:
    """Whether each element of the result comes from one element of each operand."""
    return isinstance(node, (Unary, Binary))


def pull(node: Any, slot: int, g: Any) -> np.ndarray | None:
    """The rule of argument `slot` applied to `g`, without hooks; None where it cannot be asked.

    A user's `Function` and values that went through `saved_tensors_hooks` are never asked again,
    since that would run the user's code more often than `backward()` does.
    """
    found = asked(node, slot, g, False)
    return None if found is None else np.asarray(found)


def asked(node: Any, slot: int, g: Any, graph: bool) -> Any:
    """What `pull` returns as it comes: an array or a number, with `graph` a Tensor."""
    if not isinstance(node, Op) or node.args is None or hasattr(node, "attributes"):
        return None
    edges = [edge if i == slot else None for i, edge in enumerate(node.edges)]
    vjp = next(
        vars(cls)["vjp"]
        for cls in type(node).__mro__
        if "vjp" in vars(cls) and cls is not NodeHooks
    )
    with np.errstate(all="ignore"):
        return vjp(node, g, graph, edges)[slot]


def local(node: Any, slot: int, upstream: Any, contribution: Any) -> np.ndarray | None:
    """The local derivative by argument `slot` as an array, None where it is a linear map.

    For an elementwise operation it has the shape of the result, else that of the argument.
    """
    if node._outputs is not None:
        return None
    if isinstance(node, FunctionNode):
        return _quotient(upstream, contribution)
    if not elementwise(node) and np.prod(node.shape) != 1:
        return None
    found = pull(node, slot, np.ones(node.shape, node.dtype))
    if found is None:
        return None
    if found.shape == node.shape:
        return found
    if elementwise(node):
        return np.broadcast_to(found, np.broadcast_shapes(found.shape, node.shape))
    shape = node.edges[slot].shape
    return np.broadcast_to(found, shape) if found.ndim <= len(shape) else None


def _quotient(upstream: Any, contribution: Any) -> np.ndarray | None:
    """A rule is linear, so with one number in and one out the quotient is its derivative."""
    g, c = np.asarray(upstream), np.asarray(contribution)
    if g.size != 1 or c.size != 1 or not np.isfinite(g).all() or not g.all():
        return None
    return c / g.reshape(c.shape)
