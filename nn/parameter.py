"""`Parameter` and `Buffer`: tensors that a `Module` takes note of when they are assigned to it."""

from __future__ import annotations

from typing import Any

import numpy as np

from autograd import Tensor, get_default_dtype


def _adopt(target: Tensor, data: Tensor | None) -> None:
    """Makes `target` show the memory of `data`, outside its graph but with its version."""
    kind = type(target).__name__
    if data is None:
        target._data = np.empty(0, get_default_dtype())
    elif isinstance(data, Tensor):
        target._data = data._data
        target._counter = data._versions()
    else:
        raise TypeError(
            f"{kind}: expected a Tensor, got {type(data).__name__}; "
            f"use nn.{kind}(autograd.tensor(...))"
        )


class Parameter(Tensor):
    """A tensor that a module learns.

    Assigned to an attribute of a `Module`, it becomes one of its `parameters()`. It shares the
    memory of `data`, and requires grad also when made under `no_grad`.

    Args:
        data: a floating Tensor of any shape (default: an empty one).
        requires_grad: whether `backward()` fills its `.grad`.

    >>> import autograd, nn
    >>> nn.Parameter(autograd.ones(2))
    Parameter containing:
    tensor([1., 1.], requires_grad=True)
    """

    def __init__(self, data: Tensor | None = None, requires_grad: bool = True) -> None:
        _adopt(self, data)
        if requires_grad:
            self.requires_grad_()

    def __repr__(self) -> str:
        return "Parameter containing:\n" + super().__repr__()

    def __deepcopy__(self, memo: dict[int, Any]) -> Tensor:
        # As in PyTorch, a copied model starts without gradients.
        result = super().__deepcopy__(memo)
        result._grad = None
        return result


class Buffer(Tensor):
    """A tensor that belongs to a module's state but is not learned, such as a running mean.

    Assigning it to an attribute of a `Module` is `register_buffer` in short form.

    Args:
        data: a Tensor of any shape and dtype (default: an empty one).
        persistent: whether it is part of the module's `state_dict()`.

    >>> import autograd, nn
    >>> module = nn.Module()
    >>> module.mean = nn.Buffer(autograd.zeros(2))
    >>> dict(module.named_buffers())
    {'mean': tensor([0., 0.])}
    """

    persistent: bool

    def __init__(self, data: Tensor | None = None, *, persistent: bool = True) -> None:
        _adopt(self, data)
        self.persistent = persistent
