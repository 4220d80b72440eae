"""A choice between two tensors by a condition."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..batching.array import as_array
from ..creation import as_tensor
from ..dtypes import made
from ..function import Op, promoted
from ..registry import public
from ..tensor import Tensor
from .common import passing


class Where(Op):
    backward = {
        "x": lambda g, condition: passing(g, condition),
        "y": lambda g, condition: passing(g, np.logical_not(condition)),
    }
    formula = {"x": "g where the condition holds", "y": "g where it does not"}

    def forward(x, y, condition):
        return np.where(condition, *promoted([x, y], "same", made))


@public(op=Where, method=False)
def where(condition: Any, input: Any = None, other: Any = None) -> Any:
    """Elements of `input` where `condition` holds, of `other` elsewhere; all three broadcast.

    With the condition alone, the indices where it holds, one tensor per dimension.

    >>> import autograd
    >>> x = autograd.tensor([-1.0, 2.0])
    >>> autograd.where(x > 0, x, 0.0), autograd.where(x > 0)
    (tensor([0., 2.]), (tensor([1]),))
    """
    mask = condition._data if isinstance(condition, Tensor) else as_array(condition)
    if input is None and other is None:
        return tuple(as_tensor(i) for i in np.nonzero(mask))
    if mask.dtype != np.bool_:
        raise RuntimeError(f"where: the condition must be a bool tensor, got dtype {mask.dtype}")
    return Where.apply(input, other, mask)
