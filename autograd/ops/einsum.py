"""Sums of products by Einstein's convention: one node for any expression, whose gradients are
expressions of the same kind."""

from __future__ import annotations

import string
from typing import Any

import numpy as np

from ..creation import as_tensor
from ..errors import ShapeError, described
from ..function import Op, promoted
from ..registry import public
from ..tensor import Tensor

Labels = tuple[int, ...]
Plan = tuple[tuple[Labels, ...], Labels]  # the labels of each operand, and of the result


class EinSum(Op):
    op_name, symbol = "einsum", "einsum"
    backward = {"xs": lambda g, plan, xs: [_by_operand(g, plan, xs, i) for i in range(len(xs))]}
    formula = {"xs": "einsum of g and the other operands"}

    def forward(plan, *xs):
        operands, out = plan
        return contract(promoted(list(xs), "same"), operands, out)


def _by_operand(g: Any, plan: Plan, xs: list[Any], i: int) -> Any:
    """The gradient of operand i: the result's labels and the others' give its own back.

    Labels that only operand i has were summed over; a factor of ones spreads g over them again.
    """
    operands, out = plan
    others = [x for j, x in enumerate(xs) if j != i]
    labels = [operand for j, operand in enumerate(operands) if j != i]
    known = set(out).union(*labels)
    lone = tuple(label for label in operands[i] if label not in known)
    if lone:
        sizes = [xs[i].shape[operands[i].index(label)] for label in lone]
        others.append(np.ones(sizes, xs[i].dtype))
        labels.append(lone)
    return EinSum.call(((out, *labels), operands[i]), g, *others)


def contract(xs: list[np.ndarray], operands: tuple[Labels, ...], out: Labels) -> np.ndarray:
    """The result on ndarrays: operands are joined from left to right by matrix products."""
    x, labels = xs[0], operands[0]
    for i in range(1, len(xs)):
        later = set(out).union(*operands[i + 1 :])
        x, labels = _pair(x, labels, xs[i], operands[i], later)
    x, labels = _summed(x, labels, set(out))
    return x.transpose([labels.index(label) for label in out])


def _summed(x: np.ndarray, labels: Labels, keep: set[int]) -> tuple[np.ndarray, Labels]:
    lone = tuple(i for i, label in enumerate(labels) if label not in keep)
    if not lone:
        return x, labels
    dtype = x.dtype if x.dtype.kind == "f" else np.int64  # as `sum` does
    return x.sum(axis=lone, dtype=dtype), tuple(label for label in labels if label in keep)


def _pair(
    x: np.ndarray, of_x: Labels, y: np.ndarray, of_y: Labels, keep: set[int]
) -> tuple[np.ndarray, Labels]:
    """x · y with the labels summed that neither the result nor a later operand has."""
    x, of_x = _summed(x, of_x, keep | set(of_y))
    y, of_y = _summed(y, of_y, keep | set(of_x))
    size = dict(zip(of_x, x.shape, strict=True))
    for label, n in zip(of_y, y.shape, strict=True):
        size[label] = n if size.get(label, 1) == 1 else size[label]
    x = np.broadcast_to(x, [size[label] for label in of_x])
    y = np.broadcast_to(y, [size[label] for label in of_y])
    shared = [label for label in of_x if label in of_y]
    batch = [label for label in shared if label in keep]
    inner = [label for label in shared if label not in keep]
    left = [label for label in of_x if label not in shared]
    right = [label for label in of_y if label not in shared]

    def grouped(a: np.ndarray, labels: Labels, *groups: list[int]) -> np.ndarray:
        order = [labels.index(label) for group in groups for label in group]
        shape = [int(np.prod([size[label] for label in group], dtype=int)) for group in groups]
        return a.transpose(order).reshape(shape)

    product = grouped(x, of_x, batch, left, inner) @ grouped(y, of_y, batch, inner, right)
    labels = (*batch, *left, *right)
    return product.reshape([size[label] for label in labels]), labels


@public(method=False)
def einsum(equation: Any, *operands: Any) -> Tensor:
    """Sums of products by Einstein's convention.

    Letters name dimensions; those that `equation` does not give to the result are summed.
    "..." stands for the dimensions without a letter, which broadcast; a letter repeated within an
    operand takes its diagonal. Also accepts PyTorch's form `einsum(x, [0, 1], y, [1, 2], [0, 2])`.

    >>> import autograd
    >>> a = autograd.tensor([[1.0, 2.0], [3.0, 4.0]])
    >>> autograd.einsum("ij,jk->ik", a, a), autograd.einsum("ii", a)
    (tensor([[ 7., 10.],
            [15., 22.]]), tensor(5.))
    """
    if not isinstance(equation, str):
        equation, operands = _from_lists((equation, *operands))
    elif len(operands) == 1 and isinstance(operands[0], (list, tuple)):
        operands = tuple(operands[0])
    xs = [as_tensor(x) for x in operands]
    terms, out = _parsed(equation.replace(" ", ""), [x._data.ndim for x in xs])
    for i, term in enumerate(terms):
        xs[i], terms[i] = _without_repeats(xs[i], term)
    _check_sizes(equation, xs, terms)
    return EinSum.apply((tuple(map(tuple, terms)), tuple(out)), *xs)


def _parsed(equation: str, ndims: list[int]) -> tuple[list[list[int]], list[int]]:
    """Labels of each operand and of the result; "..." becomes negative labels, the last one -1."""
    left, arrow, right = equation.partition("->")
    terms = left.split(",")
    if len(terms) != len(ndims):
        raise RuntimeError(
            f"einsum: {equation!r} describes {len(terms)} operands, but {len(ndims)} were given"
        )
    labels: list[list[int]] = []
    for i, (term, ndim) in enumerate(zip(terms, ndims, strict=True)):
        named = len(term.replace("...", ""))
        if named > ndim or (named < ndim and "..." not in term):
            raise RuntimeError(
                f"einsum: {term!r} in {equation!r} names {named} dimensions, but operand {i} has "
                f"{ndim}"
            )
        labels.append(_labels_of(term, ndim - named, equation))
    if arrow:
        widest = max((-min(term, default=0) for term in labels), default=0)
        out = _labels_of(right, max(widest, 0) if "..." in right else 0, equation)
        known = set().union(*labels)
        for label in out:
            if out.count(label) > 1 or label not in known:
                raise RuntimeError(
                    f"einsum: in the result of {equation!r} every label must appear once, and in "
                    "an operand too"
                )
        return labels, out
    counted = [label for term in labels for label in term]
    free = sorted({label for label in counted if label < 0})
    named_out = sorted({label for label in counted if label >= 0 and counted.count(label) == 1})
    return labels, free + named_out


def _labels_of(term: str, rest: int, equation: str) -> list[int]:
    before, dots, after = term.partition("...")
    if not set(before + after) <= set(string.ascii_letters):
        raise RuntimeError(f"einsum: {equation!r} may hold letters, ',', '->' and '...' only")
    free = list(range(-rest, 0)) if dots else []
    return [
        *map(string.ascii_letters.index, before),
        *free,
        *map(string.ascii_letters.index, after),
    ]


def _without_repeats(x: Tensor, labels: list[int]) -> tuple[Tensor, list[int]]:
    """`x` with the diagonal taken of each pair of dimensions that have one label."""
    for label in set(labels):
        while labels.count(label) > 1:
            i = labels.index(label)
            j = labels.index(label, i + 1)
            if x._data.shape[i] != x._data.shape[j]:
                raise ShapeError(f"einsum: a repeated label needs equal sizes, got {described(x)}")
            x = x.diagonal(0, i, j)
            labels = [*(a for k, a in enumerate(labels) if k not in (i, j)), label]
    return x, labels


def _check_sizes(equation: str, xs: list[Tensor], terms: list[list[int]]) -> None:
    size: dict[int, int] = {}
    for x, term in zip(xs, terms, strict=True):
        for label, n in zip(term, x._data.shape, strict=True):
            if size.get(label, 1) != 1 and n not in (1, size[label]):
                raise ShapeError(
                    f"einsum({equation!r}, {', '.join(map(described, xs))}): a label has the "
                    f"sizes {size[label]} and {n}"
                )
            size[label] = max(n, size.get(label, 1)) if n else n


def _from_lists(arguments: tuple[Any, ...]) -> tuple[str, tuple[Any, ...]]:
    """`einsum(x, [0, 1], y, [1, 2], [0, 2])` as an equation and its operands."""

    def text(labels: Any) -> str:
        return "".join("..." if k is Ellipsis else string.ascii_letters[k] for k in labels)

    pairs = len(arguments) // 2
    operands = arguments[: 2 * pairs : 2]
    equation = ",".join(text(labels) for labels in arguments[1 : 2 * pairs : 2])
    if len(arguments) % 2:
        equation += "->" + text(arguments[-1])
    return equation, operands
