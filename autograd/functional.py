"""Derivatives of functions: products with Jacobians and Hessians, and these matrices themselves.

Names and results are those of `torch.autograd.functional`. Everything is reverse mode: a Jacobian
is made row by row, and `jvp` differentiates the vector-Jacobian product, which is linear in its
vector, once more (J. Townsend, "A new trick for calculating Jacobian vector products", 2017).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .engine import grad
from .errors import described
from .grad_mode import enable_grad
from .ops.joining import stack
from .tensor import Tensor, wrap


def _inputs(inputs: Any, create_graph: bool, name: str) -> tuple[bool, tuple[Tensor, ...]]:
    """(was it a tuple, aliases of the inputs that belong to this call alone and require grad)."""
    several = isinstance(inputs, (tuple, list))
    given = tuple(inputs) if several else (inputs,)
    for i, x in enumerate(given):
        if not isinstance(x, Tensor):
            raise TypeError(f"{name}: input {i} must be a Tensor, got {type(x).__name__}")
    return several, tuple(alias(x, create_graph) for x in given)


def alias(x: Tensor, connected: bool = True) -> Tensor:
    """`x` as a node of its own: in the graph of `x` if it has one and `connected`, else a leaf."""
    if connected and x.requires_grad:
        return x.reshape(x.shape)
    return x.detach().requires_grad_()


def _call(
    func: Callable[..., Any], xs: tuple[Tensor, ...], name: str
) -> tuple[bool, tuple[Any, ...]]:
    outputs = func(*xs)
    several = isinstance(outputs, (tuple, list))
    ys = tuple(outputs) if several else (outputs,)
    for i, y in enumerate(ys):
        if not isinstance(y, Tensor):
            raise TypeError(f"{name}: output {i} must be a Tensor, got {type(y).__name__}")
    return several, ys


def _vectors(v: Any, like: tuple[Tensor, ...], name: str) -> tuple[Tensor, ...]:
    """`v` as one tensor per element of `like`; ones where it may be left out."""
    if v is None:
        if len(like) == 1 and like[0]._data.size == 1:
            return (wrap(np.ones_like(like[0]._data)),)
        raise RuntimeError(
            f"{name}: the vector v can be left out only for a single one-element tensor, not for "
            f"{', '.join(map(described, like))}"
        )
    vs = tuple(v) if isinstance(v, (tuple, list)) else (v,)
    if [a._data.shape for a in vs] != [b._data.shape for b in like]:
        raise RuntimeError(
            f"{name}: v must match {', '.join(map(described, like))}, got "
            f"{', '.join(map(described, vs))}"
        )
    return vs


def _gradients(
    ys: Any, xs: Any, vs: Any, create_graph: bool, strict: bool, name: str
) -> tuple[Tensor, ...]:
    """Vector-Jacobian products; zeros where nothing depends on an input, unless `strict`."""
    active = [(y, v) for y, v in zip(ys, vs, strict=True) if y.requires_grad]
    if strict and len(active) < len(ys):
        raise RuntimeError(f"{name}: an output does not depend on the inputs, which strict forbids")
    found: tuple[Tensor | None, ...] = (None,) * len(xs)
    if active:
        outs, weights = zip(*active, strict=True)
        found = grad(outs, xs, weights, True, create_graph, allow_unused=True)
    if strict and any(g is None for g in found):
        raise RuntimeError(f"{name}: the output does not depend on an input, which strict forbids")
    return tuple(
        wrap(np.zeros_like(x._data)) if g is None else g for g, x in zip(found, xs, strict=True)
    )


def _finished(values: Any, several: bool, create_graph: bool) -> Any:
    """The values as a user gave them, outside the graph unless it was asked for."""
    results = tuple(v if create_graph else v.detach() for v in values)
    return results if several else results[0]


def vjp(
    func: Callable[..., Any],
    inputs: Any,
    v: Any = None,
    create_graph: bool = False,
    strict: bool = False,
) -> tuple[Any, Any]:
    """(func(*inputs), vᵀ J): the product of a vector with the Jacobian.

    >>> import autograd
    >>> x = autograd.tensor([1.0, 2.0])
    >>> autograd.functional.vjp(lambda x: x**2, x, autograd.tensor([1.0, 10.0]))[1]
    tensor([ 2., 40.])
    """
    with enable_grad():
        many_in, xs = _inputs(inputs, create_graph, "vjp")
        many_out, ys = _call(func, xs, "vjp")
        vs = _vectors(v, ys, "vjp")
        products = _gradients(ys, xs, vs, create_graph, strict, "vjp")
    return _finished(ys, many_out, create_graph), _finished(products, many_in, create_graph)


def jvp(
    func: Callable[..., Any],
    inputs: Any,
    v: Any = None,
    create_graph: bool = False,
    strict: bool = False,
) -> tuple[Any, Any]:
    """(func(*inputs), J v): the product of the Jacobian with a vector.

    >>> import autograd
    >>> x = autograd.tensor([1.0, 2.0])
    >>> autograd.functional.jvp(lambda x: x.sum() * x, x, autograd.tensor([1.0, 0.0]))[1]
    tensor([4., 2.])
    """
    with enable_grad():
        _, xs = _inputs(inputs, create_graph, "jvp")
        vs = _vectors(v, xs, "jvp")
        many_out, ys = _call(func, xs, "jvp")
        # u ↦ uᵀ J is linear, so its derivative with respect to u, times v, is J v for any u.
        dummies = tuple(wrap(np.zeros_like(y._data)).requires_grad_() for y in ys)
        rows = _gradients(ys, xs, dummies, True, strict, "jvp")
        products = _gradients(rows, dummies, vs, create_graph, False, "jvp")
    return _finished(ys, many_out, create_graph), _finished(products, many_out, create_graph)


def jacobian(
    func: Callable[..., Any],
    inputs: Any,
    create_graph: bool = False,
    strict: bool = False,
    vectorize: bool = False,
    strategy: str = "reverse-mode",
) -> Any:
    """The Jacobian of `func`: for each output and input a tensor of shape (*output, *input).

    A tuple of inputs (or of outputs) gives a tuple (of tuples). `strategy="forward-mode"` goes
    column by column, which is faster for more outputs than inputs; `vectorize` changes nothing.

    >>> import autograd
    >>> autograd.functional.jacobian(lambda x: x**2, autograd.tensor([1.0, 2.0]))
    tensor([[2., 0.],
            [0., 4.]])
    """
    if strategy not in ("reverse-mode", "forward-mode"):
        raise ValueError(
            f"jacobian: strategy must be 'reverse-mode' or 'forward-mode', got {strategy!r}"
        )
    with enable_grad():
        many_in, xs = _inputs(inputs, create_graph, "jacobian")
        many_out, ys = _call(func, xs, "jacobian")
        if strategy == "forward-mode":
            blocks = _by_columns(ys, xs, create_graph)
        else:
            blocks = [_by_rows(y, xs, create_graph, strict) for y in ys]
        results = tuple(_finished(block, many_in, create_graph) for block in blocks)
    return results if many_out else results[0]


def _units(x: Tensor) -> list[Tensor]:
    """The basis of the space of tensors like `x`."""
    basis = np.eye(x._data.size, dtype=x._data.dtype).reshape(x._data.size, *x._data.shape)
    return [wrap(unit) for unit in basis]


def _by_rows(y: Tensor, xs: Any, create_graph: bool, strict: bool) -> list[Tensor]:
    rows = [_gradients((y,), xs, (unit,), create_graph, strict, "jacobian") for unit in _units(y)]
    return [_stacked([row[i] for row in rows], y._data.shape, x._data, 0) for i, x in enumerate(xs)]


def _by_columns(ys: Any, xs: Any, create_graph: bool) -> list[list[Tensor]]:
    dummies = tuple(wrap(np.zeros_like(y._data)).requires_grad_() for y in ys)
    rows = _gradients(ys, xs, dummies, True, False, "jacobian")
    blocks: list[list[Tensor]] = [[] for _ in ys]
    for row, x in zip(rows, xs, strict=True):
        columns = [
            _gradients((row,), dummies, (unit,), create_graph, False, "jacobian")
            for unit in _units(x)
        ]
        for i, y in enumerate(ys):
            parts = [column[i] for column in columns]
            blocks[i].append(_stacked(parts, x._data.shape, y._data, -1))
    return blocks


def _stacked(parts: list[Tensor], shape: tuple[int, ...], like: np.ndarray, dim: int) -> Any:
    """One tensor of the parts, the dimension they are counted by unfolded to `shape`."""
    sizes = (*shape, *like.shape) if dim == 0 else (*like.shape, *shape)
    if not parts:
        return wrap(np.zeros(sizes, like.dtype))
    return stack(parts, dim).reshape(sizes)


def _scalar(func: Callable[..., Any], name: str) -> Callable[..., Tensor]:
    """`func`, with an error unless it returns one number."""

    def checked(*xs: Any) -> Tensor:
        y = func(*xs)
        if not isinstance(y, Tensor) or y._data.size != 1:
            got = described(y) if isinstance(y, Tensor) else type(y).__name__
            raise RuntimeError(f"{name}: func must return a tensor with one element, got {got}")
        return y.reshape(())

    return checked


def hessian(
    func: Callable[..., Any],
    inputs: Any,
    create_graph: bool = False,
    strict: bool = False,
    vectorize: bool = False,
    outer_jacobian_strategy: str = "reverse-mode",
) -> Any:
    """The Hessian of a function with one number as result: (*input, *input) per pair of inputs.

    >>> import autograd
    >>> autograd.functional.hessian(lambda x: (x**3).sum(), autograd.tensor([1.0, 2.0]))
    tensor([[ 6.,  0.],
            [ 0., 12.]])
    """
    several = isinstance(inputs, (tuple, list))
    scalar = _scalar(func, "hessian")

    def gradient(*xs: Tensor) -> Any:
        rows = jacobian(scalar, xs, create_graph=True, strict=strict)
        return rows if several else rows[0]

    return jacobian(gradient, inputs, create_graph, strict, strategy=outer_jacobian_strategy)


def vhp(
    func: Callable[..., Any],
    inputs: Any,
    v: Any = None,
    create_graph: bool = False,
    strict: bool = False,
) -> tuple[Any, Any]:
    """(func(*inputs), vᵀ H): the product of a vector with the Hessian, without the matrix.

    >>> import autograd
    >>> x = autograd.tensor([1.0, 2.0])
    >>> autograd.functional.vhp(lambda x: (x**3).sum(), x, autograd.ones(2))[1]
    tensor([ 6., 12.])
    """
    with enable_grad():
        several, xs = _inputs(inputs, create_graph, "vhp")
        vs = _vectors(v, xs, "vhp")
        y = _scalar(func, "vhp")(*xs)
        slopes = _gradients((y,), xs, (wrap(np.ones_like(y._data)),), True, strict, "vhp")
        products = _gradients(slopes, xs, vs, create_graph, strict, "vhp")
    return _finished((y,), False, create_graph), _finished(products, several, create_graph)


def hvp(
    func: Callable[..., Any],
    inputs: Any,
    v: Any = None,
    create_graph: bool = False,
    strict: bool = False,
) -> tuple[Any, Any]:
    """(func(*inputs), H v). The Hessian is symmetric, so this is `vhp` (Pearlmutter 1994).

    >>> import autograd
    >>> x = autograd.tensor([1.0, 2.0])
    >>> autograd.functional.hvp(lambda x: (x**3).sum(), x, autograd.ones(2))[1]
    tensor([ 6., 12.])
    """
    return vhp(func, inputs, v, create_graph, strict)
