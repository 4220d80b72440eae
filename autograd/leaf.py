"""What a tensor has beside its array: where gradients are accumulated, and its memory's version."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

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


def laid_out_as(g: Any, data: Any) -> bool:
    """Whether an array lies in memory as that of its leaf does, so that `x.grad.view(-1)` is
    possible where `x.view(-1)` is."""
    if type(g) is not np.ndarray:
        return False
    return g.strides == data.strides or (g.flags.c_contiguous and data.flags.c_contiguous)


def in_layout_of(data: Any, g: Any) -> Any:
    """A copy of `g` that lies in memory as `data` does."""
    if type(g) is not np.ndarray or type(data) is not np.ndarray:
        return np.array(g)
    out = np.empty_like(data)
    out[...] = g
    return out
