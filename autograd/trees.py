"""Trees: Tensors and other values (leaves) in nested tuples, lists and dicts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def children(tree: Any) -> list[Any] | None:
    """The branches of a tree, None if it is a leaf."""
    if isinstance(tree, dict):
        return list(tree.values())
    return list(tree) if isinstance(tree, (tuple, list)) else None


def leaves(tree: Any) -> list[Any]:
    """The leaves, in the order of `mapped`.

    >>> leaves({"a": (1, 2), "b": [3]})
    [1, 2, 3]
    """
    branches = children(tree)
    return [tree] if branches is None else [leaf for b in branches for leaf in leaves(b)]


def mapped(function: Callable[..., Any], tree: Any, *others: Any) -> Any:
    """`tree` with `function` applied to each leaf (and to the same leaf of the others).

    >>> mapped(lambda x, y: x + y, {"a": 1, "b": (2,)}, {"a": 10, "b": (20,)})
    {'a': 11, 'b': (22,)}
    """
    if isinstance(tree, dict):
        results = {k: mapped(function, v, *(o[k] for o in others)) for k, v in tree.items()}
        return results if type(tree) is dict else type(tree)(results)
    if isinstance(tree, (tuple, list)):
        branches = [mapped(function, *parts) for parts in zip(tree, *others, strict=True)]
        return type(tree)(*branches) if hasattr(tree, "_fields") else type(tree)(branches)
    return function(tree, *others)


def rebuilt(tree: Any, values: list[Any]) -> Any:
    """`tree` with `values` in the place of its leaves."""
    following = iter(values)
    return mapped(lambda _: next(following), tree)


def spread(prefix: Any, tree: Any) -> list[Any] | None:
    """For each leaf of `tree` what `prefix`, a tree that may stop earlier, says of it.

    None where the two do not fit.

    >>> spread((0, None), (["x", "y"], "z")), spread((0, 1), "x")
    ([0, 0, None], None)
    """
    mine, theirs = children(prefix), children(tree)
    if mine is None:
        return [prefix] * len(leaves(tree))
    if theirs is None or len(mine) != len(theirs) or type(prefix) is not type(tree):
        return None
    if isinstance(tree, dict):
        if prefix.keys() != tree.keys():
            return None
        mine = [prefix[k] for k in tree]
    parts = [spread(p, t) for p, t in zip(mine, theirs, strict=True)]
    return None if any(p is None for p in parts) else [d for p in parts for d in p or ()]
