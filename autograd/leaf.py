"""What a tensor has beside its array: where gradients are accumulated, and its memory's version."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .tensor import Tensor


class Counter:
    """How often the memory behind a tensor and its views was changed in place."""

    __slots__ = ("changed_at", "n")

    def __init__(self) -> None:
        self.n = 0
        self.changed_at: Any = ""  # where it was changed last, as far as something watched


class Leaf:
    """Where the engine accumulates: the end of every path through the graph.

    It refers to its tensor weakly, since the tensor owns it: a gradient for a tensor that nobody
    can look at any more is dropped.
    """

    __slots__ = ("__weakref__", "_tensor", "dtype", "hooks", "shape")
    edges: tuple[Any, ...] = ()
    sequence = -1

    def __init__(self, tensor: Tensor) -> None:
        self._tensor = weakref.ref(tensor)
        self.shape, self.dtype = tensor._data.shape, tensor._data.dtype
        self.hooks: dict[int, Callable[..., Any]] | None = None

    @property
    def variable(self) -> Tensor | None:
        """The leaf tensor, None if it is gone."""
        return self._tensor()

    def __repr__(self) -> str:
        return "<AccumulateGrad>"
