"""Transformations of functions that compose: `grad(grad(f))`, `vmap(grad(f))`, `jacfwd(jacrev(f))`.

Names and arguments are those of `torch.func`. A transformed function differentiates with respect
to positions (`argnums`), takes and returns tuples, lists and dicts of Tensors, and stays in the
graph of whatever surrounds it. What is differentiated by may also be numbers and ndarrays, so that
functions written for NumPy need no preparation.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .batching.vmap import vmap as vmap
from .creation import as_tensor
from .engine import grad as _grad
from .errors import described
from .functional import alias, blocks, depends_on_others, jvp as _jvp
from .grad_mode import enable_grad
from .stateless import functional_call as functional_call, stack_module_state as stack_module_state
from .tensor import Tensor, wrap
from .trees import leaves, mapped, rebuilt

Function = Callable[..., Any]


def _chosen(argnums: int | tuple[int, ...], args: tuple[Any, ...], name: str) -> tuple[int, ...]:
    positions = argnums if isinstance(argnums, tuple) else (argnums,)
    for position in positions:
        if not -len(args) <= position < len(args):
            raise RuntimeError(f"{name}: argnums={argnums}, but there are {len(args)} arguments")
    return tuple(position % len(args) for position in positions)


def _tensors(tree: Any) -> Any:
    return mapped(_tensor, tree)


def _tensor(x: Any) -> Tensor:
    if isinstance(x, Tensor):
        return x
    if not isinstance(x, (int, float, np.ndarray, np.generic)):
        raise TypeError(
            "func: what is differentiated by must be Tensors, ndarrays or numbers, or tuples, "
            f"lists and dicts of them, got {type(x).__name__}; name others with argnums"
        )
    return as_tensor(x)


def grad_and_value(
    func: Function, argnums: int | tuple[int, ...] = 0, has_aux: bool = False
) -> Function:
    """Like `grad`; the new function returns (gradient, value)."""

    def transformed(*args: Any, **kwargs: Any) -> Any:
        positions = _chosen(argnums, args, "grad")
        with enable_grad():
            replaced = list(args)
            for position in positions:
                replaced[position] = mapped(alias, _tensors(args[position]))
            result = func(*replaced, **kwargs)
            value, aux = result if has_aux else (result, None)
            if not isinstance(value, Tensor) or value._data.ndim:
                got = described(value) if isinstance(value, Tensor) else type(value).__name__
                raise RuntimeError(f"grad: the function must return a 0-d Tensor, got {got}")
            xs = [x for position in positions for x in leaves(replaced[position])]
            # Only what depends on more than these inputs can be differentiated again.
            outer = depends_on_others([value], xs)
            found = (
                _grad(value, xs, create_graph=outer, materialize_grads=True)
                if (value.requires_grad)
                else tuple(wrap(np.zeros_like(x._data)) for x in xs)
            )
        gradients = iter(found)
        trees = tuple(
            mapped(lambda _: next(gradients), replaced[position]) for position in positions
        )
        slopes = trees if isinstance(argnums, tuple) else trees[0]
        if not outer:
            value, aux = value.detach(), _detached(aux)
        return (slopes, (value, aux)) if has_aux else (slopes, value)

    return transformed


def grad(func: Function, argnums: int | tuple[int, ...] = 0, has_aux: bool = False) -> Function:
    """The function that returns the gradient of `func` with respect to some of its arguments.

    >>> import autograd, numpy as np
    >>> autograd.func.grad(autograd.func.grad(lambda x: x**3))(autograd.tensor(2.0))
    tensor(12.)
    >>> autograd.func.grad(lambda x: np.sum(np.sin(x)))(np.array([0.0, 1.0]))
    tensor([1.0000, 0.5403], dtype=float64)
    """
    both = grad_and_value(func, argnums, has_aux)

    def gradient(*args: Any, **kwargs: Any) -> Any:
        slopes, value = both(*args, **kwargs)
        return (slopes, value[1]) if has_aux else slopes

    return gradient


def value_and_grad(
    func: Function, argnums: int | tuple[int, ...] = 0, has_aux: bool = False
) -> Function:
    """Like `grad`; the new function returns (value, gradient), as in JAX.

    >>> import autograd
    >>> autograd.func.value_and_grad(lambda x: x**3)(autograd.tensor(2.0))
    (tensor(8.), tensor(12.))
    """
    both = grad_and_value(func, argnums, has_aux)

    def transformed(*args: Any, **kwargs: Any) -> Any:
        return both(*args, **kwargs)[::-1]

    return transformed


def vjp(func: Function, *primals: Any, has_aux: bool = False) -> Any:
    """(func(*primals), f): f takes a vector for each output and returns the products with J.

    >>> import autograd
    >>> y, f = autograd.func.vjp(lambda x: x**2, autograd.tensor([1.0, 2.0]))
    >>> f(autograd.ones(2))
    (tensor([2., 4.]),)
    """
    with enable_grad():
        xs = tuple(mapped(alias, _tensors(p)) for p in primals)
        result = func(*xs)
    value, aux = result if has_aux else (result, None)
    flat_x, flat_y = leaves(list(xs)), leaves(value)
    outer = depends_on_others(flat_y, flat_x)

    def products(*cotangents: Any) -> Any:
        vectors = leaves(_tensors(list(cotangents)))
        pairs = [(y, v) for y, v in zip(flat_y, vectors, strict=True) if y.requires_grad]
        again = outer or any(v.requires_grad for v in vectors)
        if not pairs:
            return tuple(mapped(lambda x: wrap(np.zeros_like(x._data)), x) for x in xs)
        ys, vs = zip(*pairs, strict=True)
        with enable_grad():
            found = iter(
                _grad(ys, flat_x, vs, retain_graph=True, create_graph=again, materialize_grads=True)
            )
        return tuple(mapped(lambda _: next(found), x) for x in xs)

    shown = value if outer else mapped(lambda y: y.detach(), value)
    return (shown, products, _shown(aux, flat_x)) if has_aux else (shown, products)


def jvp(
    func: Function, primals: tuple[Any, ...], tangents: tuple[Any, ...], *, has_aux: bool = False
) -> Any:
    """(func(*primals), J tangents).

    >>> import autograd
    >>> x = autograd.tensor([1.0, 2.0])
    >>> autograd.func.jvp(lambda x: x**2, (x,), (autograd.ones(2),))
    (tensor([1., 4.]), tensor([2., 4.]))
    """
    aux: list[Any] = []

    def plain(*xs: Any) -> Any:
        result = func(*xs)
        if has_aux:
            aux.append(_shown(result[1], leaves(list(xs))))
            return result[0]
        return result

    value, product = _jvp(
        plain, _tensors(tuple(primals)), _tensors(tuple(tangents)), create_graph=None
    )
    return (value, product, aux[0]) if has_aux else (value, product)


def _jacobian_of(
    func: Function,
    argnums: int | tuple[int, ...],
    has_aux: bool,
    forward: bool,
    chunk_size: int | None,
) -> Function:
    def transformed(*args: Any, **kwargs: Any) -> Any:
        positions = _chosen(argnums, args, "jacobian")
        inputs = _tensors(tuple(args[position] for position in positions))
        values: list[Any] = []

        def restricted(*xs: Any) -> Any:
            replaced = list(args)
            for position, x in zip(positions, rebuilt(inputs, list(xs)), strict=True):
                replaced[position] = x
            value = func(*replaced, **kwargs)
            values.append((value[0], _shown(value[1], xs)) if has_aux else value)
            return tuple(leaves(values[0][0] if has_aux else values[0]))

        found = blocks(restricted, tuple(leaves(inputs)), None, False, forward, chunk_size)
        value, aux = values[0] if has_aux else (values[0], None)
        trees = [rebuilt(inputs, list(row)) for row in found]
        result = rebuilt(value, trees if isinstance(argnums, tuple) else [t[0] for t in trees])
        return (result, aux) if has_aux else result

    return transformed


def _shown(aux: Any, xs: Any) -> Any:
    """`aux`, without its graph if it depends on nothing that requires grad but on `xs`."""
    tensors = [x for x in leaves(aux) if isinstance(x, Tensor)]
    return aux if depends_on_others(tensors, list(xs)) else _detached(aux)


def _detached(tree: Any) -> Any:
    return mapped(lambda x: x.detach() if isinstance(x, Tensor) else x, tree)


def jacrev(
    func: Function,
    argnums: int | tuple[int, ...] = 0,
    *,
    has_aux: bool = False,
    chunk_size: int | None = None,
) -> Function:
    """The function that returns the Jacobian of `func`, all rows in one backward pass.

    It is `vmap` of `vjp` over the basis vectors, `chunk_size` of them at a time. Arguments and
    results may be tuples, lists and dicts of tensors; the Jacobian is a tree of results that has
    a tree of arguments in the place of each.

    >>> import autograd
    >>> autograd.func.jacrev(lambda x: x**2)(autograd.tensor([1.0, 2.0]))
    tensor([[2., 0.],
            [0., 4.]])
    """
    if chunk_size is not None and chunk_size < 1:
        raise ValueError(f"jacrev: chunk_size should be None or greater than 0, got {chunk_size}")
    return _jacobian_of(func, argnums, has_aux, False, chunk_size)


def jacfwd(
    func: Function,
    argnums: int | tuple[int, ...] = 0,
    has_aux: bool = False,
    *,
    randomness: str = "error",
) -> Function:
    """The function that returns the Jacobian of `func`, all columns together.

    It is `vmap` of `jvp` over the basis vectors. Each vector would see the same random numbers,
    since `func` runs once; `randomness` is accepted as in PyTorch.

    >>> import autograd
    >>> autograd.func.jacfwd(lambda x: x.sum())(autograd.tensor([1.0, 2.0]))
    tensor([1., 1.])
    """
    return _jacobian_of(func, argnums, has_aux, True, None)


def hessian(func: Function, argnums: int | tuple[int, ...] = 0) -> Function:
    """The function that returns the Hessian of `func`.

    >>> import autograd
    >>> autograd.func.hessian(lambda x: (x**3).sum())(autograd.tensor([1.0, 2.0]))
    tensor([[ 6.,  0.],
            [ 0., 12.]])
    """
    # PyTorch has jacfwd outside, which here is two passes in the place of one.
    return jacrev(jacrev(func, argnums), argnums)
