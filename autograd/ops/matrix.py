"""Triangles and diagonals of matrices."""

from __future__ import annotations

from types import FunctionType
from typing import Any

import numpy as np

from ..axes import axis_of
from ..creation import as_tensor
from ..errors import described
from ..function import Op
from ..registry import public
from ..tensor import Tensor


def _triangle(name: str, ufunc: Any, what: str) -> Any:
    class Triangle(Op):
        op_name = name
        backward = {"x": lambda g, k: ufunc(g, k)}
        formula = {"x": f"{name}(g, k)"}

        def forward(x, k):
            return ufunc(x, k)

    def function(input: Any, diagonal: int = 0) -> Tensor:
        x = as_tensor(input)
        if x._data.ndim < 2:
            raise RuntimeError(f"{name}: expected at least 2 dimensions, got {described(x)}")
        return Triangle.apply(x, diagonal)

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"""The {what} triangle of the last two dimensions, 0 elsewhere.

    `diagonal` moves its edge: positive up, negative down.

    >>> import autograd
    >>> autograd.{name}(autograd.ones(2, 2)).sum()
    tensor(3.)
    """
    return public(name, numpy=ufunc, in_place=True, op=Triangle)(function)


tril = _triangle("tril", np.tril, "lower")
triu = _triangle("triu", np.triu, "upper")


class Diagonal(Op):
    view = True
    backward = {
        "x": lambda g, ctx, offset, dim1, dim2: DiagonalScatter.call(
            g, ctx.input_shape, offset, dim1, dim2
        )
    }
    formula = {"x": "g on the diagonal of zeros"}

    def forward(ctx, x, offset, dim1, dim2):
        ctx.input_shape = x.shape
        diagonal = np.diagonal(x, offset, dim1, dim2)
        if x.flags.writeable:
            diagonal.flags.writeable = True  # NumPy hands it out read-only; a view is not
        return diagonal


class DiagonalScatter(Op):
    """Zeros with `x` on a diagonal: the adjoint of taking it."""

    public = False
    backward = {"x": lambda g, offset, dim1, dim2: Diagonal.call(g, offset, dim1, dim2)}
    formula = {"x": "the diagonal of g"}

    def forward(x, shape, offset, dim1, dim2):
        out = np.zeros_like(x, shape=shape)
        diagonal = np.diagonal(out, offset, dim1, dim2)
        diagonal.flags.writeable = True
        diagonal[...] = x
        return out


@public(numpy=np.diagonal, op=Diagonal)
def diagonal(input: Any, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Tensor:
    """The diagonal of two dimensions, as a new last dimension. A view.

    >>> import autograd
    >>> autograd.arange(4).reshape(2, 2).diagonal()
    tensor([0, 3])
    """
    x = as_tensor(input)
    a, b = axis_of(dim1, x._data.ndim), axis_of(dim2, x._data.ndim)
    if a == b:
        raise RuntimeError(f"diagonal: dim1 and dim2 must differ, both are {a}")
    return Diagonal.apply(x, offset, a, b)


@public()
def diag_embed(input: Any, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Tensor:
    """Matrices, in the dimensions dim1 and dim2, with the last dimension of `input` on a diagonal.

    >>> import autograd
    >>> autograd.tensor([1, 2]).diag_embed()
    tensor([[1, 0],
            [0, 2]])
    """
    x = as_tensor(input)
    a, b = axis_of(dim1, x._data.ndim + 1), axis_of(dim2, x._data.ndim + 1)
    if a == b:
        raise RuntimeError(f"diag_embed: dim1 and dim2 must differ, both are {a}")
    shape = list(x._data.shape[:-1])
    size = x._data.shape[-1] + abs(offset)
    for axis in sorted((a, b)):
        shape.insert(axis, size)
    return DiagonalScatter.apply(x, tuple(shape), offset, a, b)


@public(numpy=np.diag)
def diag(input: Any, diagonal: int = 0) -> Tensor:
    """The matrix with a vector on its diagonal, or the diagonal of a matrix.

    >>> import autograd
    >>> autograd.diag(autograd.tensor([[1, 2], [3, 4]]))
    tensor([1, 4])
    """
    x = as_tensor(input)
    if x._data.ndim == 1:
        return diag_embed(x, diagonal)
    if x._data.ndim != 2:
        raise RuntimeError(f"diag: expected a vector or a matrix, got {described(x)}")
    return Diagonal.apply(x, diagonal, 0, 1).clone()


@public(numpy=np.diagflat)
def diagflat(input: Any, offset: int = 0) -> Tensor:
    """The matrix with all elements of `input` on its diagonal.

    >>> import autograd
    >>> autograd.diagflat(autograd.tensor([1, 2])).shape
    Size([2, 2])
    """
    return diag_embed(as_tensor(input).reshape(-1), offset)


@public(numpy=np.trace)
def trace(input: Any = None, *, keep: str | int = "64MB") -> Any:
    """The sum of a matrix's diagonal; without a matrix, turns on the recorder (recording.py).

    `autograd.trace()` makes the operations that follow remember their source lines, modules and
    values, for `autograd.step`, drawings and error messages. It is on until its `stop()`; in a
    `with` statement to the end of the block, as a decorator during the calls. Of the values it
    keeps at most `keep` bytes.

    >>> import autograd
    >>> autograd.trace(autograd.tensor([[1.0, 2.0], [3.0, 4.0]]))
    tensor(5.)
    >>> x = autograd.tensor(2.0, requires_grad=True)
    >>> with autograd.trace():
    ...     y = (x * 3).exp()
    """
    if input is None or isinstance(input, FunctionType):
        from ..recording import Recorder

        recorder = Recorder(keep)
        return recorder if input is None else recorder(input)
    x = as_tensor(input)
    if x._data.ndim != 2:
        raise RuntimeError(f"trace: expected a matrix, got {described(x)}")
    return Diagonal.apply(x, 0, 0, 1).sum()
