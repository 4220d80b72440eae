"""What cannot be computed for a whole batch at once is computed for one element after the other.

Operations come here when their forward, or one of their rules, has failed on Batched arrays; which
of them do, and whether the failure is the user's, shows when they run on one element.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar, cast

from .array import CONTROL_FLOW, Level, NotBatchable, element, highest, joined, levels_in
from .randomness import one_by_one

if TYPE_CHECKING:
    from ..function import Op

F = TypeVar("F", bound=Callable[..., Any])
_new = object.__new__


def is_batched(values: Any) -> bool:
    """Whether there is a Batched array in nested tuples, lists and dicts."""
    return any(True for _ in levels_in(values))


def forward_in_batch(op: type[Op], node: Any, arrays: Any, run: Callable[..., Any]) -> Any:
    """The forward of `op` on Batched arrays: by its own rule, or for each element.

    `run(op, node, arrays)` is the forward on arrays, which may be Batched at outer levels.
    """
    level = highest(arrays)
    if op.batch is not None:
        result = op.batch(node, lambda *values: run(op, node, values), level, *arrays)
        if result is not NotImplemented:
            return result
    results, nodes = [], []
    with one_by_one(level) as numbers:
        for i in numbers:
            one = _new(op)
            one.edges = node.edges
            results.append(run(op, one, element(arrays, level, i)))
            nodes.append(vars(one))
    for name in nodes[0]:
        if name != "edges":  # what forward has set on ctx
            setattr(node, name, joined(level, [n[name] for n in nodes]))
    return joined(level, results)


def vjp_in_batch(node: Any, g: Any, graph: bool, edges: Any) -> Any:
    """`Op.vjp` with the rules that fail on a batch run for each element; None if there is none."""
    if not hasattr(node, "_rules"):
        return None
    gradients: list[Any] = [None] * len(edges)
    for position, rule, sources in node._rules:
        wanted = edges[position:] if position == node.variadic else edges[position : position + 1]
        if all(edge is None for edge in wanted):
            continue
        try:
            values = [node._value(i, graph) for i in sources]
        except Exception:  # what was saved is not to be had, which is the error to report
            return None
        level = level_of([g, *values])
        if level is None:
            return None
        try:
            found = rule(g, *values)
        except Exception:
            found = _rule_for_each(level, rule, g, values)
        if position == node.variadic:
            gradients[position:] = found
        else:
            gradients[position] = found
    return gradients


def level_of(values: list[Any]) -> Level | None:
    """The innermost level in what a rule got: arrays, Tensors, lists of them, or the node."""
    found = list(levels_in([_data(v) for v in values]))
    return max(found, key=lambda level: level.serial) if found else None


def _data(value: Any) -> Any:
    from ..function import Op
    from ..tensor import Tensor

    if isinstance(value, Op):
        return {k: v for k, v in vars(value).items() if k not in ("edges", "args", "_args")}
    if isinstance(value, (list, tuple)):
        return [_data(v) for v in value]
    return value._data if isinstance(value, Tensor) else value


def _rule_for_each(level: Level, rule: Any, g: Any, values: list[Any]) -> Any:
    parts = list(zip(*[_elements(v, level) for v in (g, *values)], strict=True))
    with one_by_one(level) as numbers:
        return _joined(level, [rule(*parts[i]) for i in numbers])


def _elements(value: Any, level: Level) -> list[Any]:
    """What a rule got, for one element after the other."""
    from ..function import Op
    from ..tensor import Tensor
    from .transform import Reveal

    if isinstance(value, Tensor):
        if not (value.requires_grad or is_batched([value._data])):
            return [value] * level.size
        # Also what is the same for all elements gets a gradient from each of them.
        whole = Reveal.apply(value, 0, level)
        return [whole.select(0, i).clone() for i in range(level.size)]
    if isinstance(value, Op):
        nodes = []
        for i in range(level.size):
            node = _new(type(value))
            vars(node).update(vars(value) | element(_data(value), level, i))
            nodes.append(node)
        return nodes
    if isinstance(value, list):
        return [list(v) for v in zip(*[_elements(v, level) for v in value], strict=True)]
    return [element(value, level, i) for i in range(level.size)]


def _joined(level: Level, results: list[Any]) -> Any:
    from ..ops.joining import stack
    from ..tensor import Tensor
    from .transform import Hide

    if isinstance(results[0], (list, tuple)):
        return [_joined(level, list(column)) for column in zip(*results, strict=True)]
    if isinstance(results[0], Tensor):
        return Hide.apply(stack(results), 0, level)
    return joined(level, results)


def per_element(function: F) -> F:
    """Lets a public function that looks at single values be used under `vmap`.

    Where it fails on a batch, it is called for one element after the other.
    """

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except Exception:
            level = level_of([args, list(kwargs.values())])
            if level is None:
                raise
        return call_one_by_one(level, call, args, kwargs)

    return cast(F, call)


def call_one_by_one(level: Level, function: Any, args: Any, kwargs: Any) -> Any:
    """`function(*args, **kwargs)` of Tensors for one element after the other, as one result."""
    calls = list(zip(_trees(args, level), _trees(kwargs, level), strict=True))
    with one_by_one(level) as numbers:
        results = [function(*calls[i][0], **calls[i][1]) for i in numbers]
    return _rewrapped(level, results)


def _trees(tree: Any, level: Level) -> list[Any]:
    """Arguments, nested in tuples, lists and dicts, for one element after the other."""
    if isinstance(tree, dict):
        columns = [_trees(v, level) for v in tree.values()]
        rows = zip(*columns, strict=True) if columns else [()] * level.size
        return [dict(zip(tree, row, strict=True)) for row in rows]
    if isinstance(tree, (tuple, list)):
        rows = zip(*[_trees(v, level) for v in tree], strict=True) if tree else [()] * level.size
        make = type(tree)
        return [make(*row) if hasattr(tree, "_fields") else make(row) for row in rows]
    return _elements(tree, level)


def _rewrapped(level: Level, results: list[Any]) -> Any:
    """The results as one: tensors joined, the structure and what is the same for all kept."""
    first = results[0]
    if isinstance(first, (tuple, list)):
        parts = [_rewrapped(level, list(column)) for column in zip(*results, strict=True)]
        return type(first)(*parts) if hasattr(first, "_fields") else type(first)(parts)
    if hasattr(first, "_data"):
        return _joined(level, results)
    if any(r != first for r in results):
        raise NotBatchable(CONTROL_FLOW)
    return first
