"""Random expressions of up to 50 operations from the whole table, against PyTorch and against
finite differences: what one operation alone does not show, such as gradients that meet, are
shared or arrive in pieces."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import Any

import hypothesis
import hypothesis.strategies as st
import numpy as np
import pytest
from op_samples import ROWS, Row, Sample
from op_samples.calling import (
    Outcome,
    array_of,
    counterpart,
    derivatives,
    flat,
    run_torch,
    weights,
    with_torch_dtypes,
)
from op_samples.table import Input

import autograd
from autograd.registry import ENTRIES

Pair = tuple[Row, Sample]
Program = Sequence[tuple[int, int]]  # for each operation: which of the pairs, and which operands

PAIRS: list[Pair] = [
    (row, sample)
    for row in ROWS
    if row.grad and not row.random
    for sample in row.samples
    if sample.kind == "call" and any(a.grad and 0 not in a.shape for a in sample.inputs())
]
LEAVES = [np.cos(np.arange(n) + n).reshape(shape) for n, shape in ((6, (2, 3)), (3, (3,)), (1, ()))]


def programs(pairs: Sequence[Pair], longest: int = 50) -> st.SearchStrategy[Program]:
    operation = st.tuples(st.integers(0, len(pairs) - 1), st.integers(0, 10**4))
    # Of any length alike; lists of a range of lengths are mostly short.
    return st.integers(1, longest).flatmap(lambda n: st.lists(operation, min_size=n, max_size=n))


def run(
    program: Program,
    pairs: Sequence[Pair],
    leaves: list[Any],
    function: Callable[[Row], Callable[..., Any]],
    tensor: Callable[[np.ndarray], Any],
) -> Any:
    """A weighted sum of every value of the program."""
    values = list(leaves)
    for which, pick in program:
        row, sample = pairs[which]
        operands = iter(range(pick, pick + 1000 * 7, 7))

        def made(array: np.ndarray, a: Input) -> Any:
            t = tensor(array)
            if not a.grad or array.size == 0 or array.dtype.kind != "f":
                return t
            # Near the sample: there the function is defined and well conditioned.
            operand = values[next(operands) % len(values)].reshape(-1)  # noqa: B023
            spread_out = operand[tensor(np.arange(array.size) % len(operand))]
            return t + (0.04 * (a.high - a.low)) * spread_out.sin().reshape(array.shape)

        args, kwargs = sample.build(made, np.float64)
        results = flat(row.evaluate(function(row), args, kwargs))
        values += [
            r for r in results if getattr(r, "requires_grad", False) and 0 not in tuple(r.shape)
        ]
    terms = [(v * tensor(weights(tuple(v.shape), i))).sum() for i, v in enumerate(values)]
    return sum(terms[1:], terms[0])


def leaf(values: Any) -> autograd.Tensor:
    return autograd.from_numpy(np.array(values)).requires_grad_()


def ours(program: Program, pairs: Sequence[Pair], leaves: list[autograd.Tensor]) -> Any:
    return run(program, pairs, leaves, lambda row: ENTRIES[row.name].function, autograd.from_numpy)


def noted(program: Program, pairs: Sequence[Pair]) -> None:
    for which, pick in program:
        hypothesis.note(f"{pairs[which][0].name}({pairs[which][1]}) of operands from {pick}")


@pytest.fixture(scope="module")
def pairs_of_torch(torch: Any) -> dict[int, list[Pair]]:
    """The pairs that PyTorch can differentiate, by how often."""
    found: dict[int, list[Pair]] = {1: [], 2: []}
    for row, sample in PAIRS:
        if row.torch is None:
            continue
        for order in range(1, row.grad + 1):
            try:
                derivatives(run_torch(torch, row, sample, "float64"), torch, order)
            except RuntimeError:
                break
            found[order].append((row, sample))
    return found


def of_torch(torch: Any, row: Row) -> Callable[..., Any]:
    """The counterpart of a row, quiet and with PyTorch's dtypes."""

    def function(*args: Any, **kwargs: Any) -> Any:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            f = counterpart(torch, row)
            return f(*with_torch_dtypes(torch, args), **with_torch_dtypes(torch, kwargs))

    return function


def close(a: Any, b: Any, what: str) -> None:
    """Within rounding, as fifty operations in another order of summation may add it up."""
    a, b = array_of(a), array_of(b)
    np.testing.assert_allclose(a, b, rtol=1e-8, atol=1e-8 * max(1.0, np.abs(b).max()), err_msg=what)


def both(torch: Any, program: Program, pairs: Sequence[Pair]) -> tuple[Outcome, Outcome]:
    """The program with autograd and with PyTorch, each with its own leaves."""
    noted(program, pairs)
    mine = [leaf(a) for a in LEAVES]
    theirs = [torch.from_numpy(a.copy()).requires_grad_() for a in LEAVES]

    def expected() -> Any:
        return run(program, pairs, theirs, lambda row: of_torch(torch, row), torch.from_numpy)

    return Outcome(lambda: ours(program, pairs, mine), mine), Outcome(expected, theirs)


@pytest.mark.parity
def test_values_and_gradients_are_those_of_pytorch(
    torch: Any, pairs_of_torch: dict[int, list[Pair]]
) -> None:
    @hypothesis.given(programs(pairs_of_torch[1]))
    def check(program: Program) -> None:
        found, expected = both(torch, program, pairs_of_torch[1])
        close(found.results[0], expected.results[0], "value")
        found.results[0].backward()
        expected.results[0].backward()
        for i, (a, b) in enumerate(zip(found.inputs, expected.inputs, strict=True)):
            close(a.grad, b.grad, f"gradient of leaf {i}")

    check()


@pytest.mark.parity
def test_second_derivatives_are_those_of_pytorch(
    torch: Any, pairs_of_torch: dict[int, list[Pair]]
) -> None:
    @hypothesis.given(programs(pairs_of_torch[2], longest=15))
    def check(program: Program) -> None:
        found, expected = both(torch, program, pairs_of_torch[2])
        try:
            by_torch = list(derivatives(expected, torch, 2))
        except NotImplementedError:  # embedding_bag's gradient: alone it looks differentiable
            hypothesis.reject()
        levels = zip(derivatives(found, autograd, 2), by_torch, strict=True)
        for order, (mine, theirs) in enumerate(levels, 1):
            for i, (a, b) in enumerate(zip(mine, theirs, strict=True)):
                close(a, b, f"derivative {order} by leaf {i}")

    check()


@hypothesis.given(programs(PAIRS))
def test_gradients_are_those_of_finite_differences(program: Program) -> None:
    noted(program, PAIRS)
    leaves = [leaf(a) for a in LEAVES]
    value = ours(program, PAIRS, leaves)
    hypothesis.assume(np.isfinite(value.item()))
    value.backward()
    directions = [weights(a.shape, 50) for a in LEAVES]
    along = sum(np.vdot(x.grad.numpy(), d) for x, d in zip(leaves, directions, strict=True))
    eps = 1e-6
    above, below = (
        ours(program, PAIRS, [leaf(a + step * d) for a, d in zip(LEAVES, directions, strict=True)])
        for step in (eps, -eps)
    )
    above, below = above.item(), below.item()
    # The difference of two sums of this size has no more digits.
    allowed = 1e-4 * max(1.0, abs(along)) + 1e-9 * max(abs(above), abs(below)) / eps
    assert abs((above - below) / (2 * eps) - along) <= allowed
