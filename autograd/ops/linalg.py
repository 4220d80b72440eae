"""Products of matrices and vectors."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import ShapeError, described
from ..function import Op, promoted
from ..registry import public
from ..tensor import Tensor


class MatMul(Op):
    op_name, symbol = "matmul", "@"
    backward = {"x": lambda g, x, y: _by_x(g, x, y), "y": lambda g, x, y: _by_y(g, x, y)}
    formula = {"x": "g @ y.T", "y": "x.T @ g"}

    def forward(x, y):  # type: ignore[no-untyped-def]
        x, y = promoted([x, y], "same")
        if x.ndim > 2 and y.ndim == 2:  # one large product is faster than a batch of small ones
            return (x.reshape(-1, x.shape[-1]) @ y).reshape(*x.shape[:-1], y.shape[-1])
        return np.matmul(x, y)


def _by_x(g: Any, x: Any, y: Any) -> Any:
    if y.ndim == 1:
        return g[..., None] * y
    if x.ndim == 1:
        return (y @ g[..., None])[..., 0]
    return g @ y.swapaxes(-1, -2)


def _by_y(g: Any, x: Any, y: Any) -> Any:
    if x.ndim == 1:
        return g * x if y.ndim == 1 else x[:, None] * g[..., None, :]
    if y.ndim == 1:
        return (x.swapaxes(-1, -2) @ g[..., None])[..., 0]
    if x.ndim > 2 and y.ndim == 2:
        return x.reshape(-1, x.shape[-1]).swapaxes(0, 1) @ g.reshape(-1, g.shape[-1])
    return x.swapaxes(-1, -2) @ g


@public(numpy=np.matmul, op=MatMul)
def matmul(input: Any, other: Any) -> Tensor:
    """The product of vectors, matrices and batches of matrices (which broadcast).

    >>> import autograd
    >>> a = autograd.tensor([[1.0, 2.0], [3.0, 4.0]])
    >>> a @ autograd.tensor([1.0, 1.0])
    tensor([3., 7.])
    """
    x, y = _operand(input), _operand(other)
    if x.ndim == 0 or y.ndim == 0:
        raise RuntimeError(
            f"matmul({described(x)}, {described(y)}): both need at least 1 dimension; use * to "
            "multiply by a number"
        )
    inner = y.shape[0] if y.ndim == 1 else y.shape[-2]
    if x.shape[-1] != inner:
        raise ShapeError(
            f"matmul({described(x)}, {described(y)}): the last dimension of the first, "
            f"{x.shape[-1]}, must equal the {'only' if y.ndim == 1 else 'second to last'} "
            f"dimension of the second, {inner}"
        )
    return MatMul.apply(x, y)


def _operand(x: Any) -> Any:
    return x if isinstance(x, (Tensor, np.ndarray)) else np.asarray(x)


def _exact(name: str, first: int, second: int, doc: str) -> Any:
    def function(input: Tensor, other: Tensor) -> Tensor:
        x, y = _operand(input), _operand(other)
        if x.ndim != first or y.ndim != second:
            raise RuntimeError(
                f"{name}({described(x)}, {described(y)}): expected tensors with {first} and "
                f"{second} dimensions; matmul takes any"
            )
        return matmul(x, y)

    function.__name__ = function.__qualname__ = name
    function.__doc__ = doc
    return public(name)(function)


mm = _exact("mm", 2, 2, "The product of two matrices.")
bmm = _exact("bmm", 3, 3, "The products of two batches of matrices.")
mv = _exact("mv", 2, 1, "The product of a matrix and a vector.")
dot = _exact("dot", 1, 1, "The product of two vectors, a number.")


class Linear(Op):
    """x Wᵀ + b as one operation: one node, and the sum is written over the product."""

    symbol, public = "xWᵀ+b", False
    backward = {
        "x": lambda g, x, w: (_rows(g) @ w).reshape(x.shape),
        "w": lambda g, x: _rows(g).swapaxes(0, 1) @ _rows(x),
        "b": lambda g: _rows(g).sum(0),
    }
    formula = {"x": "g @ w", "w": "g.T @ x", "b": "sum of g over the rows"}

    def forward(x, w, b):  # type: ignore[no-untyped-def]
        out = _rows(x) @ w.T
        if b is not None:
            out += b
        return out.reshape(*x.shape[:-1], w.shape[0])


def _rows(x: Any) -> Any:
    """All leading dimensions joined into one."""
    return x if x.ndim == 2 else x.reshape(-1, x.shape[-1])


@public(namespace="nn.functional", op=Linear)
def linear(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """input Wᵀ + b for `weight` of shape (out, in), or (in,), and `bias` of shape (out,).

    >>> import autograd, nn
    >>> nn.functional.linear(autograd.ones(2, 3), autograd.ones(4, 3)).shape
    Size([2, 4])
    """
    x, w = _operand(input), _operand(weight)
    same = x.dtype == w.dtype and (bias is None or bias.dtype == w.dtype)
    fits = w.ndim in (1, 2) and x.ndim > 0 and x.shape[-1] == w.shape[-1]
    if not fits or (bias is not None and bias.ndim and tuple(bias.shape) != tuple(w.shape[:-1])):
        raise ShapeError(
            f"linear({described(x)}, {described(w)}, {described(bias)}): the last dimension of "
            f"the input must be the weight's last, and the bias must have the weight's first"
        )
    if not same:
        raise RuntimeError(
            f"linear({described(x)}, {described(w)}, {described(bias)}): input, weight and bias "
            "must have one dtype; convert with .to(dtype)"
        )
    if w.ndim == 1 or (bias is not None and bias.ndim == 0):
        out = matmul(x, w.T)
        return out if bias is None else out + bias
    return Linear.apply(x, w, bias)
