"""Products of matrices and vectors."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..axes import axis_of
from ..creation import as_tensor
from ..errors import ShapeError, described
from ..function import Op, promoted
from ..registry import public
from ..tensor import Tensor
from .einsum import EinSum


class MatMul(Op):
    op_name, symbol = "matmul", "@"
    backward = {"x": lambda g, x, y: _by_x(g, x, y), "y": lambda g, x, y: _by_y(g, x, y)}
    formula = {"x": "g @ y.mT", "y": "x.mT @ g"}

    def forward(x, y):
        x, y = promoted([x, y], "same")
        if x.ndim > 2 and y.ndim == 2:  # one large product is faster than a batch of small ones
            return (_rows(x) @ y).reshape(*x.shape[:-1], y.shape[-1])
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
        return _rows(x).swapaxes(0, 1) @ _rows(g)
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
    of_x, of_y = x._data.shape, y._data.shape
    if not of_x or not of_y:
        raise RuntimeError(
            f"matmul({described(x)}, {described(y)}): both need at least 1 dimension; use * to "
            "multiply by a number"
        )
    inner = of_y[0] if len(of_y) == 1 else of_y[-2]
    if of_x[-1] != inner:
        raise ShapeError(
            f"matmul({described(x)}, {described(y)}): the last dimension of the first, "
            f"{of_x[-1]}, must equal the {'only' if len(of_y) == 1 else 'second to last'} "
            f"dimension of the second, {inner}"
        )
    return MatMul.apply(x, y)


def _operand(x: Any) -> Any:
    return x if isinstance(x, Tensor) else as_tensor(x)


def _exact(name: str, first: int, second: int, other: str, doc: str) -> Any:
    def function(input: Tensor, other: Tensor) -> Tensor:
        x, y = _operand(input), _operand(other)
        if x.ndim != first or y.ndim != second:
            raise RuntimeError(
                f"{name}({described(x)}, {described(y)}): expected tensors with {first} and "
                f"{second} dimensions; matmul takes any"
            )
        if x.shape[:-2] != y.shape[:-2]:
            raise ShapeError(
                f"{name}({described(x)}, {described(y)}): the batches differ in size; matmul "
                "broadcasts them"
            )
        return matmul(x, y)

    function.__name__ = function.__qualname__ = name
    function.__doc__ = doc
    return public(name, keywords={other: "other"})(function)


mm = _exact("mm", 2, 2, "mat2", "The product of two matrices.")
bmm = _exact("bmm", 3, 3, "mat2", "The products of two batches of matrices.")
mv = _exact("mv", 2, 1, "vec", "The product of a matrix and a vector.")
dot = _exact("dot", 1, 1, "tensor", "The product of two vectors, a number.")
vdot = _exact("vdot", 1, 1, "other", "The product of two vectors, a number.")


@public(numpy=np.inner)
def inner(input: Any, other: Any) -> Tensor:
    """Products over the last dimension of both; with a 0-d tensor, the elementwise product.

    >>> import autograd
    >>> autograd.inner(autograd.tensor([1.0, 2.0]), autograd.tensor([3.0, 4.0]))
    tensor(11.)
    """
    x, y = _operand(input), _operand(other)
    if x.ndim == 0 or y.ndim == 0:
        return x * y
    if x.shape[-1] != y.shape[-1]:
        raise ShapeError(f"inner({described(x)}, {described(y)}): the last dimensions differ")
    return tensordot(x, y, ([-1], [-1]))


@public(numpy=np.outer, aliases=("ger",))
def outer(input: Tensor, vec2: Tensor) -> Tensor:
    """All products of an element of the first vector with one of the second.

    >>> import autograd
    >>> autograd.outer(autograd.tensor([1.0, 2.0]), autograd.tensor([3.0, 4.0]))
    tensor([[3., 4.],
            [6., 8.]])
    """
    if input.ndim != 1 or vec2.ndim != 1:
        raise RuntimeError(f"outer({described(input)}, {described(vec2)}): expected two vectors")
    return input[:, None] * vec2


@public(method=False, numpy=np.tensordot)
def tensordot(a: Any, b: Any, dims: Any = 2) -> Tensor:
    """Sums of products over `dims`: the last of `a` with the first of `b`, or two lists.

    >>> import autograd
    >>> autograd.tensordot(autograd.ones(2, 3, 4), autograd.ones(3, 4, 5)).shape
    Size([2, 5])
    """
    x, y = _operand(a), _operand(b)
    if isinstance(dims, int):
        if not 0 <= dims <= min(x.ndim, y.ndim):
            raise RuntimeError(
                f"tensordot({described(x)}, {described(y)}): dims={dims} is negative, or more "
                "than there are"
            )
        of_x, of_y = list(range(x.ndim - dims, x.ndim)), list(range(dims))
    else:
        lists = [[d] if isinstance(d, int) else list(d) for d in dims]
        of_x = [axis_of(d, x.ndim) for d in lists[0]]
        of_y = [axis_of(d, y.ndim) for d in lists[1]]
    if len(of_x) != len(of_y):
        raise RuntimeError(f"tensordot: as many dimensions of both, got {of_x} and {of_y}")
    for i, j in zip(of_x, of_y, strict=True):  # a dimension of size 1 broadcasts
        x = x.sum(i, True, dtype=x.dtype) if y.shape[j] == 1 != x.shape[i] else x
        y = y.sum(j, True, dtype=y.dtype) if x.shape[i] == 1 != y.shape[j] else y
    if [x.shape[i] for i in of_x] != [y.shape[i] for i in of_y]:
        raise ShapeError(
            f"tensordot({described(x)}, {described(y)}): the contracted dimensions {of_x} and "
            f"{of_y} differ in size"
        )
    labels_x = list(range(x.ndim))
    labels_y = [x.ndim + i for i in range(y.ndim)]
    for i, j in zip(of_x, of_y, strict=True):
        labels_y[j] = labels_x[i]
    shared = {labels_x[i] for i in of_x}
    out = [label for label in (*labels_x, *labels_y) if label not in shared]
    return EinSum.apply(((tuple(labels_x), tuple(labels_y)), tuple(out)), x, y)


def _scaled(name: str, product: Any, check: tuple[int, int], factors: str, doc: str) -> Any:
    def function(
        input: Tensor, first: Tensor, second: Tensor, *, beta: float = 1, alpha: float = 1
    ) -> Tensor:
        x, y = _operand(first), _operand(second)
        if (x.ndim, y.ndim) != check:
            raise RuntimeError(
                f"{name}({described(input)}, {described(x)}, {described(y)}): the factors must "
                f"have {check[0]} and {check[1]} dimensions"
            )
        result = product(x, y)
        if result.dtype.kind in "iu":
            beta, alpha = int(beta), int(alpha)  # as in PyTorch, integers stay integers
        if alpha != 1:
            result = result * alpha
        if beta == 0:  # as in PyTorch, NaN in an input that counts for nothing does not spread
            return result.expand(np.broadcast_shapes(tuple(input.shape), tuple(result.shape)))
        return input * beta + result if beta != 1 else input + result

    function.__name__ = function.__qualname__ = name
    function.__doc__ = doc
    keywords = dict(zip(factors.split(), ("first", "second"), strict=True))
    return public(name, in_place=True, keywords=keywords)(function)


addmm = _scaled("addmm", matmul, (2, 2), "mat1 mat2", "beta · input + alpha · (mat1 @ mat2).")
addmv = _scaled("addmv", matmul, (2, 1), "mat vec", "beta · input + alpha · (mat @ vec).")
addr = _scaled("addr", outer, (1, 1), "vec1 vec2", "beta · input + alpha · outer(vec1, vec2).")
baddbmm = _scaled(
    "baddbmm", matmul, (3, 3), "batch1 batch2", "beta · input + alpha · (batch1 @ batch2)."
)
addbmm = _scaled(
    "addbmm",
    lambda x, y: matmul(x, y).sum(0).to(x.dtype),
    (3, 3),
    "batch1 batch2",
    "beta · input + alpha · Σ over the batch of (batch1 @ batch2).",
)


class Linear(Op):
    """x Wᵀ + b as one operation: one node, and the sum is written over the product."""

    symbol, public = "xWᵀ+b", False
    backward = {
        "x": lambda g, x, w: (_rows(g) @ w).reshape(x.shape),
        "w": lambda g, x: _rows(g).swapaxes(0, 1) @ _rows(x),
        "b": lambda g: _rows(g).sum(0),
    }
    formula = {"x": "g @ w", "w": "g.mT @ x", "b": "sum of g over the rows"}

    def forward(x, w, b):
        rows = _rows(x)
        # BLAS is up to twice as fast with the taller factor first, which in a small batch is w; the
        # result has to be copied then.
        small = 8 * len(rows) <= rows.shape[1]
        out = (w @ rows.T).T.copy() if small else rows @ w.T
        if b is not None:
            out += b
        return out.reshape(*x.shape[:-1], w.shape[0])


def _rows(x: Any) -> Any:
    """All leading dimensions joined into one."""
    return x if x.ndim == 2 else x.reshape((math.prod(x.shape[:-1]), x.shape[-1]))


@public(namespace="nn.functional", op=Linear)
def linear(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """input Wᵀ + b for `weight` of shape (out, in), or (in,), and `bias` of shape (out,).

    >>> import autograd, nn
    >>> nn.functional.linear(autograd.ones(2, 3), autograd.ones(4, 3)).shape
    Size([2, 4])
    """
    x, w = _operand(input), _operand(weight)
    sizes, of_w = x._data.shape, w._data.shape
    same = x.dtype == w.dtype and (bias is None or bias.dtype == w.dtype)
    fits = len(of_w) in (1, 2) and bool(sizes) and sizes[-1] == of_w[-1]
    if not fits or (bias is not None and bias.ndim and bias._data.shape != of_w[:-1]):
        raise ShapeError(
            f"linear({described(x)}, {described(w)}, {described(bias)}): the last dimension of "
            f"the input must be the weight's last, and the bias must have the weight's first"
        )
    if not same:
        raise RuntimeError(
            f"linear({described(x)}, {described(w)}, {described(bias)}): input, weight and bias "
            "must have one dtype; convert with .to(dtype)"
        )
    if len(of_w) == 1 or (bias is not None and bias.ndim == 0):
        out = matmul(x, w.T)
        return out if bias is None else out + bias
    return Linear.apply(x, w, bias)
