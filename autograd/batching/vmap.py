"""`vmap`: a function of one element, run once for a whole batch."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from ..ops.joining import cat
from ..ops.splitting import split
from ..random import get_rng_state, set_rng_state
from ..tensor import Tensor
from ..trees import leaves, mapped, rebuilt, spread
from .array import Level
from .transform import depends, in_batch, shown

Function = Callable[..., Any]


def vmap(
    func: Function,
    in_dims: Any = 0,
    out_dims: Any = 0,
    randomness: str = "error",
    *,
    chunk_size: int | None = None,
) -> Function:
    """The function that applies `func` to each element along a dimension of its arguments.

    `func` runs once, for all elements together: it sees one element, and the operations in it
    compute the whole batch. An operation that cannot do that is run for one element after the
    other. It composes with `grad`, `jacrev` and itself, in any order.

    Args:
        in_dims: the dimension to map over, for all arguments, or a tuple with one per argument,
            nested as the arguments are; None for what is the same for all elements.
        out_dims: where the new dimension goes in the results; None for a result that is the same
            for all elements.
        randomness: what random operations do: "error", "different" numbers for each element, or
            the "same".
        chunk_size: how many elements at most are computed together, to save memory.

    Values decide nothing inside: `if x > 0` and `x.item()` raise; `autograd.where` does what `if`
    would.

    >>> import autograd
    >>> dot = autograd.func.vmap(autograd.dot)
    >>> dot(autograd.tensor([[1.0, 2.0], [3.0, 4.0]]), autograd.ones(2, 2))
    tensor([3., 7.])

    The gradient of each sample by itself:

    >>> def loss(w, x, y):
    ...     return (autograd.dot(w, x) - y) ** 2
    >>> per_sample = autograd.func.vmap(autograd.func.grad(loss), in_dims=(None, 0, 0))
    >>> per_sample(autograd.ones(2), autograd.eye(2), autograd.zeros(2))
    tensor([[2., 0.],
            [0., 2.]])
    """
    if randomness not in ("error", "different", "same"):
        raise RuntimeError(
            "Only allowed values for randomness are 'error', 'different', or 'same'. Got "
            f"{randomness}"
        )
    if chunk_size is not None and not chunk_size > 0:
        raise ValueError(f"vmap: chunk_size should be None or greater than 0. (got {chunk_size})")
    name = _name(func)
    if any(not isinstance(d, int) and d is not None for d in leaves(out_dims)):
        raise ValueError(
            f"vmap({name}, ..., out_dims={out_dims}): `out_dims` must be an int, None or a python "
            "collection of ints representing where in the outputs the vmapped dimension should "
            "appear."
        )

    def batched(*args: Any, **kwargs: Any) -> Any:
        flat = leaves(args)
        dims = _dims(in_dims, args, flat, f"vmap({name}, in_dims={in_dims}, ...)(<inputs>)")
        size = _size(flat, dims)

        def call(flat_args: list[Any], count: int) -> Any:
            level = Level(count, randomness)
            outputs = in_batch(
                lambda *xs: func(*rebuilt(args, list(xs)), **kwargs), flat_args, dims, level
            )
            return _shown(outputs, out_dims, level, name)

        if chunk_size is None or size <= chunk_size:
            return call(flat, size)
        return _in_chunks(call, flat, dims, size, chunk_size, out_dims, randomness == "same")

    return functools.wraps(func)(batched) if hasattr(func, "__name__") else batched


def _name(func: Any) -> str:
    if isinstance(func, functools.partial):
        return f"functools.partial({_name(func.func)}, ...)"
    return getattr(func, "__name__", None) or repr(func)


def _dims(in_dims: Any, args: tuple[Any, ...], flat: list[Any], call: str) -> list[Any]:
    """The dimension to map over for each leaf of the arguments."""
    if not isinstance(in_dims, (int, tuple)):
        raise ValueError(
            f"{call}: expected `in_dims` to be int or a (potentially nested) tuple matching the "
            f"structure of inputs, got: {type(in_dims)}."
        )
    if not args:
        raise ValueError(
            f"{call}: got no inputs. Maybe you forgot to add inputs, or you are trying to vmap "
            "over a function with no inputs. The latter is unsupported."
        )
    dims = spread(in_dims, args)
    if dims is None:
        raise ValueError(
            f"{call}: in_dims is not compatible with the structure of `inputs`. in_dims has "
            f"structure {_structure(in_dims)} but inputs has structure {_structure(args)}."
        )
    for x, dim in zip(flat, dims, strict=True):
        if dim is None:
            continue
        if not isinstance(dim, int):
            raise ValueError(
                f"{call}: Got in_dim={dim} for an input but in_dim must be either an integer "
                "dimension or None."
            )
        if not isinstance(x, Tensor):
            raise ValueError(
                f"{call}: Got in_dim={dim} for an input but the input is of type {type(x)}. We "
                "cannot vmap over non-Tensor arguments, please use None as the respective in_dim"
            )
        if not -x.ndim <= dim < x.ndim:
            raise ValueError(
                f"{call}: Got in_dim={dim} for some input, but that input is a Tensor of "
                f"dimensionality {x.ndim} so expected in_dim to satisfy -{x.ndim} <= in_dim < "
                f"{x.ndim}."
            )
    return dims


def _structure(tree: Any) -> str:
    """A tree with * in the place of its leaves."""
    return str(mapped(lambda _: _Star(), tree))


class _Star:
    def __repr__(self) -> str:
        return "*"


def _size(flat: list[Any], dims: list[Any]) -> int:
    sizes = [x.shape[d] for x, d in zip(flat, dims, strict=True) if d is not None]
    if not sizes:
        raise ValueError("vmap: Expected at least one Tensor to vmap over")
    if len(set(sizes)) > 1:
        raise ValueError(
            "vmap: Expected all tensors to have the same size in the mapped dimension, got sizes "
            f"{sizes} for the mapped dimension"
        )
    return sizes[0]


def _places(outputs: Any, out_dims: Any, name: str) -> list[Any]:
    """Where the batch dimension goes, for each leaf of the results."""
    if isinstance(outputs, Tensor) and isinstance(out_dims, tuple) and len(out_dims) == 1:
        return list(out_dims)
    places = spread(out_dims, outputs)
    if places is None:
        raise ValueError(
            f"vmap({name}, ..., out_dims={out_dims})(<inputs>): out_dims is not compatible with "
            f"the structure of `outputs`. out_dims has structure {_structure(out_dims)} but "
            f"outputs has structure {_structure(outputs)}."
        )
    return places


def _shown(outputs: Any, out_dims: Any, level: Level, name: str) -> Any:
    """The results with the batch dimension where it is wanted."""
    results = []
    for y, place in zip(leaves(outputs), _places(outputs, out_dims, name), strict=True):
        if place is None and depends(y, level):
            raise ValueError(
                f"vmap({name}, ...): `{name}` can not return a BatchedTensor when out_dim is None"
            )
        if place is not None and not isinstance(y, Tensor):
            raise ValueError(
                f"vmap({name}, ...): `{name}` must only return Tensors, got type {type(y)}. Did "
                "you mean to set out_dims= to None for output?"
            )
        results.append(shown(y, place, level) if isinstance(y, Tensor) else y)
    return rebuilt(outputs, results)


def _in_chunks(
    call: Function,
    flat: list[Any],
    dims: list[Any],
    size: int,
    chunk_size: int,
    out_dims: Any,
    same: bool,
) -> Any:
    starts = range(0, size, chunk_size)
    parts = [
        [x] * len(starts) if d is None else split(x, chunk_size, d)
        for x, d in zip(flat, dims, strict=True)
    ]
    state = get_rng_state()
    outputs = []
    for i, start in enumerate(starts):
        if same:
            set_rng_state(state)
        outputs.append(call([part[i] for part in parts], min(chunk_size, size - start)))
    places = _places(outputs[0], out_dims, "func")
    columns = zip(*map(leaves, outputs), strict=True)
    joined = [
        column[0] if place is None else cat(column, place)
        for column, place in zip(columns, places, strict=True)
    ]
    return rebuilt(outputs[0], joined)
