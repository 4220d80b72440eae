"""Derivatives of functions: products with Jacobians and Hessians, and these matrices themselves.

Names and results are those of `torch.autograd.functional`. Everything is reverse mode: a Jacobian
is made row by row, or with `vectorize` of all rows at once, in one backward pass under `vmap`; and
`jvp` differentiates the vector-Jacobian product, which is linear in its vector, once more
(J. Townsend, "A new trick for calculating Jacobian vector products", 2017).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .engine import grad, tape
from .errors import described
from .grad_mode import enable_grad
from .leaf import Leaf
from .ops.joining import cat
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


def depends_on_others(ys: Any, xs: Any) -> bool:
    """Whether `ys` have a graph with other leaves than `xs`, by which it may be differentiated."""
    own = {x._edge for x in xs if x.is_leaf}
    edges = {edge for node in tape(ys) for edge in node.edges if type(edge) is Leaf}
    return bool(edges - own)


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
    ys: Any,
    xs: Any,
    vs: Any,
    create_graph: bool,
    strict: bool,
    name: str,
    count: int | None = None,
) -> tuple[Tensor, ...]:
    """Vector-Jacobian products; zeros where nothing depends on an input, unless `strict`.

    `count` vectors at once, where that is given.
    """
    active = [(y, v) for y, v in zip(ys, vs, strict=True) if y.requires_grad]
    if strict and len(active) < len(ys):
        raise RuntimeError(f"{name}: an output does not depend on the inputs, which strict forbids")
    found: tuple[Tensor | None, ...] = (None,) * len(xs)
    if active:
        outs, weights = zip(*active, strict=True)
        batched = count is not None
        found = grad(
            outs, xs, weights, True, create_graph, allow_unused=True, is_grads_batched=batched
        )
    if strict and any(g is None for g in found):
        raise RuntimeError(f"{name}: the output does not depend on an input, which strict forbids")
    zeros = [np.zeros_like(x._data) for x in xs]
    if count is not None:
        zeros = [np.broadcast_to(z, (count, *z.shape)) for z in zeros]
    return tuple(wrap(z) if g is None else g for g, z in zip(found, zeros, strict=True))


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
    create_graph: bool | None = False,
    strict: bool = False,
) -> tuple[Any, Any]:
    """(func(*inputs), J v): the product of the Jacobian with a vector.

    With None for `create_graph`, both are part of a graph if they depend on more than `inputs`.

    >>> import autograd
    >>> x = autograd.tensor([1.0, 2.0])
    >>> autograd.functional.jvp(lambda x: x.sum() * x, x, autograd.tensor([1.0, 0.0]))[1]
    tensor([4., 2.])
    """
    with enable_grad():
        _, xs = _inputs(inputs, create_graph is not False, "jvp")
        vs = _vectors(v, xs, "jvp")
        many_out, ys = _call(func, xs, "jvp")
        if create_graph is None:
            create_graph = any(v.requires_grad for v in vs) or depends_on_others(ys, xs)
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
    column by column, which is faster for more outputs than inputs. With `vectorize`, all rows (or
    columns) are computed together, which is faster and takes more memory.

    >>> import autograd
    >>> autograd.functional.jacobian(lambda x: x**2, autograd.tensor([1.0, 2.0]))
    tensor([[2., 0.],
            [0., 4.]])
    """
    if strategy not in ("reverse-mode", "forward-mode"):
        raise ValueError(
            f"jacobian: strategy must be 'reverse-mode' or 'forward-mode', got {strategy!r}"
        )
    if strict and vectorize:
        raise RuntimeError(
            "jacobian: `strict=True` and `vectorized=True` are not supported together. Please "
            "either set `strict=False` or `vectorize=False`."
        )
    forward = strategy == "forward-mode"
    return blocks(func, inputs, create_graph, strict, forward, None if vectorize else 1)


def blocks(
    func: Callable[..., Any],
    inputs: Any,
    create_graph: bool | None,
    strict: bool,
    forward: bool,
    chunk_size: int | None,
) -> Any:
    """The Jacobian, `chunk_size` rows (or, for `forward`, columns) at a time; None: all at once.

    With None for `create_graph`, it is part of a graph if `func` depends on more than `inputs`.
    """
    with enable_grad():
        many_in, xs = _inputs(inputs, create_graph is not False, "jacobian")
        many_out, ys = _call(func, xs, "jacobian")
        if create_graph is None:
            create_graph = depends_on_others(ys, xs)
        if forward:
            found = _by_columns(ys, xs, create_graph, chunk_size)
        else:
            found = [_by_rows(y, xs, create_graph, strict, chunk_size) for y in ys]
        results = tuple(_finished(row, many_in, create_graph) for row in found)
    return results if many_out else results[0]


def _by_rows(
    y: Tensor, xs: Any, create_graph: bool, strict: bool, chunk_size: int | None
) -> list[Tensor]:
    rows = _for_basis((y,), xs, y, create_graph, strict, chunk_size)
    return [row.reshape(*y._data.shape, *x._data.shape) for row, x in zip(rows, xs, strict=True)]


def _by_columns(ys: Any, xs: Any, create_graph: bool, chunk_size: int | None) -> list[list[Tensor]]:
    dummies = tuple(wrap(np.zeros_like(y._data)).requires_grad_() for y in ys)
    rows = _gradients(ys, xs, dummies, True, False, "jacobian")
    found: list[list[Tensor]] = [[] for _ in ys]
    for row, x in zip(rows, xs, strict=True):
        columns = _for_basis((row,), dummies, x, create_graph, False, chunk_size)
        for y, of_y, column in zip(ys, found, columns, strict=True):
            of_y.append(column.movedim(0, -1).reshape(*y._data.shape, *x._data.shape))
    return found


def _for_basis(
    ys: Any, xs: Any, like: Tensor, create_graph: bool, strict: bool, chunk_size: int | None
) -> list[Any]:
    """For each of `xs`, its gradients for each vector of the basis of tensors like `like`."""
    n, dtype = like._data.size, like._data.dtype
    step = n if chunk_size is None else chunk_size
    parts: list[tuple[Tensor, ...]] = []
    for start in range(0, n, max(step, 1)):
        count = min(step, n - start)
        units = wrap(np.eye(count, n, start, dtype).reshape(count, *like._data.shape))
        if step > 1:
            found = _gradients(ys, xs, (units,), create_graph, False, "jacobian", count)
            parts.append(found)
        else:
            found = _gradients(ys, xs, (units[0],), create_graph, strict, "jacobian")
            parts.append(tuple(g.unsqueeze(0) for g in found))
    if not parts:
        return [wrap(np.zeros((0, *x._data.shape), x._data.dtype)) for x in xs]
    return [cat(column) if len(column) > 1 else column[0] for column in zip(*parts, strict=True)]


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

    With `vectorize`, all of its rows are computed together.

    >>> import autograd
    >>> autograd.functional.hessian(lambda x: (x**3).sum(), autograd.tensor([1.0, 2.0]))
    tensor([[ 6.,  0.],
            [ 0., 12.]])
    """
    several = isinstance(inputs, (tuple, list))
    scalar = _scalar(func, "hessian")

    def gradient(*xs: Tensor) -> Any:
        rows = blocks(scalar, xs, True, strict, False, 1)
        return rows if several else rows[0]

    return jacobian(gradient, inputs, create_graph, strict, vectorize, outer_jacobian_strategy)


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
