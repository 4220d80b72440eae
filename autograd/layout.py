"""Tensor methods that change the shape of the tensor itself: `t_`, `squeeze_`, `resize_`, ...

The tensor becomes a view of what it was. Views made of it before belong to what it was, which
they find when they are next used (`Tensor._follow_base`).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from .creation import size_of
from .errors import described
from .grad_mode import enable_grad
from .inplace import check_in_place
from .ops.shape import squeeze, swapaxes, t, transpose, unsqueeze
from .tensor import Tensor, wrap


def relay(
    x: Tensor, name: str, function: Callable[..., Tensor], *args: Any, **kwargs: Any
) -> Tensor:
    """Makes `x` the view `function(x, ...)` of itself."""
    if x.is_leaf and x.requires_grad:
        raise RuntimeError(
            f"{name}: {described(x)} is a leaf that requires grad; its shape cannot be changed in "
            f"place. Assign x.data, or use {name[:-1]}"
        )
    check_in_place(x, name)
    with enable_grad():
        result = function(x, *args, **kwargs)
    counter = x._versions()
    counter.n += 1
    if x._base is None:
        root = wrap(x._data, x._edge)
        root._counter, root._epoch = counter, x._epoch
        x._base = root
    x._data, x._edge, x._view, x._seen = result._data, result._edge, result._view, counter.n
    if x._retained is not None:
        x._retain()
    return x


def _relaying(name: str, function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    def method(self: Tensor, *args: Any, **kwargs: Any) -> Tensor:
        return relay(self, name, function, *args, **kwargs)

    method.__name__ = method.__qualname__ = name
    method.__doc__ = f"In-place version of `{name[:-1]}`: the tensor itself changes its shape."
    return method


def resize_(self: Tensor, *sizes: Any, memory_format: Any = None) -> Tensor:
    """Changes the size of a tensor that does not require grad.

    Elements stay in their order; those that a larger tensor gains are zero, and it then no longer
    shares memory with its views.

    >>> import autograd
    >>> autograd.arange(4).resize_(3)
    tensor([0, 1, 2])
    """
    if self.requires_grad:
        raise RuntimeError(
            f"resize_: {described(self)} requires grad; use reshape or nn.functional.pad"
        )
    shape = size_of(sizes)
    n, flat = math.prod(shape), self._data.reshape(-1)
    if n <= flat.size:
        return relay(self, "resize_", lambda x: x.reshape(-1)[:n].reshape(shape))
    self._data = np.concatenate([flat, np.zeros(n - flat.size, flat.dtype)]).reshape(shape)
    self._base = self._view = self._counter = None
    return self


def resize_as_(self: Tensor, other: Tensor) -> Tensor:
    """`resize_` to the shape of another tensor."""
    return resize_(self, tuple(other.shape))


_RELAYING: dict[str, Callable[..., Tensor]] = {
    "t_": t,
    "transpose_": transpose,
    "swapdims_": transpose,
    "swapaxes_": swapaxes,
    "squeeze_": squeeze,
    "unsqueeze_": unsqueeze,
}
METHODS: dict[str, Callable[..., Tensor]] = {
    **{name: _relaying(name, function) for name, function in _RELAYING.items()},
    "resize_": resize_,
    "resize_as_": resize_as_,
}
