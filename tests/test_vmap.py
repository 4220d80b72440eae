"""vmap of every operation of the table is the stack of what it gives for each element."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from op_samples import ROWS
from op_samples.calling import flat, weights
from op_samples.table import Input, Row, Sample, map_inputs

import autograd
from autograd import Tensor, func
from autograd.batching import NotBatchable
from autograd.registry import ENTRIES

BATCH = 3


def batches(sample: Sample, vary: str) -> list[np.ndarray]:
    """For each input of the sample a batch of values: of the kinds in `vary` different ones."""

    def drawn(i: int, a: Input) -> np.ndarray:
        seed = zlib.crc32(repr((a, i)).encode())
        step = a.kind in vary and a.data is None
        return np.stack([a.draw(seed + k * step, np.dtype(float)) for k in range(BATCH)])

    return [drawn(i, a) for i, a in enumerate(sample.inputs())]


def called(row: Row, sample: Sample) -> Callable[..., tuple[Tensor, ...]]:
    """The call as a function of its tensors, which gives the tensors in its result."""
    function = ENTRIES[row.name].function

    def call(*xs: Tensor) -> tuple[Tensor, ...]:
        following = iter(xs)
        args, kwargs = (
            map_inputs(v, lambda _: next(following)) for v in (sample.args, sample.kwargs)
        )
        return tuple(r for r in flat(row.evaluate(function, args, kwargs)) if isinstance(r, Tensor))

    return call


def weighted(results: tuple[Tensor, ...]) -> Tensor:
    """A number that depends on all floating results."""
    total = autograd.zeros((), dtype=float)
    for i, r in enumerate(results):
        if r.is_floating_point():
            total = total + (r * autograd.from_numpy(weights(tuple(r.shape), i))).sum()
    return total


def by_element(f: Callable[..., Any], xs: list[Tensor], mapped: tuple[bool, ...]) -> list[Any]:
    return [
        f(*(x[i] if m else x[0] for x, m in zip(xs, mapped, strict=True))) for i in range(BATCH)
    ]


def tensors(arrays: list[np.ndarray], grad: bool = False) -> list[Tensor]:
    xs = [autograd.tensor(a) for a in arrays]
    return [x.requires_grad_() if grad and x.is_floating_point() else x for x in xs]


def close(ours: Tensor, theirs: list[Tensor], what: str) -> None:
    expected = np.stack([t.detach().numpy() for t in theirs])
    found = ours.detach().numpy()
    assert found.dtype == expected.dtype, what
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9, err_msg=what)


def choices(n: int) -> list[tuple[bool, ...]]:
    """Which inputs are mapped: all, and where there are several, each one by itself."""
    alone = [tuple(i == j for j in range(n)) for i in range(n)] if n > 1 else []
    return [(True,) * n, *alone]


WALK = [
    pytest.param(row, sample, id=f"{row.name}-{sample}")
    for row in ROWS
    for sample in row.samples
    if sample.kind == "call" and not row.random and sample.inputs()
]


def values_for(sample: Sample, f: Any) -> list[np.ndarray]:
    """Values for which the call works on each element, with results of the same shapes."""
    for vary in ("real int bool", "real bool", "real", ""):
        arrays = batches(sample, vary)
        try:
            results = by_element(f, tensors(arrays), (True,) * len(arrays))
        except Exception:
            continue
        if len({tuple(r.shape for r in result) for result in results}) == 1:
            return arrays
    raise AssertionError("no values were found for which the call works")


# These write to their first argument, or to another one, which must be mapped as well.
WRITING = ("__setitem__", "clone", "nn.functional.batch_norm", "nn.functional.instance_norm")


@pytest.mark.parametrize(("row", "sample"), WALK)
def test_values_and_gradients_are_those_of_the_elements(row: Row, sample: Sample) -> None:
    f = called(row, sample)
    arrays = values_for(sample, f)
    for mapped in choices(len(arrays)):
        dims = tuple(0 if m else None for m in mapped)
        xs = tensors(arrays)
        inputs = [x if m else x[0].clone() for x, m in zip(xs, mapped, strict=True)]
        try:
            found = func.vmap(f, dims)(*inputs)
        except NotBatchable as refused:
            assert "writing in place" in str(refused) and row.name in WRITING
            continue
        expected = by_element(f, tensors(arrays), mapped)
        for i, result in enumerate(found):
            close(result, [e[i] for e in expected], f"in_dims={dims}")
        wanted = tuple(i for i, a in enumerate(sample.inputs()) if a.grad and a.kind == "real")
        if row.grad and wanted and any(r.is_floating_point() for r in found):
            check_gradients(f, arrays, mapped, wanted)


def check_gradients(
    f: Any, arrays: list[np.ndarray], mapped: tuple[bool, ...], wanted: tuple[int, ...]
) -> None:
    dims = tuple(0 if m else None for m in mapped)

    def value(*xs: Tensor) -> Tensor:
        return weighted(f(*xs))

    # One gradient for each element: vmap of grad.
    gradient = func.grad(value, wanted)
    xs = tensors(arrays)
    inputs = [x if m else x[0] for x, m in zip(xs, mapped, strict=True)]
    found = func.vmap(gradient, dims)(*inputs)
    expected = by_element(gradient, xs, mapped)
    for i, g in enumerate(found):
        close(g, [e[i] for e in expected], f"vmap(grad), in_dims={dims}")
    # The gradient of the sum over the elements: grad of vmap.
    total = func.grad(lambda *xs: func.vmap(value, dims)(*xs).sum(), wanted)(*inputs)
    for place, (i, g) in enumerate(zip(wanted, total, strict=True)):
        parts = np.stack([e[place].numpy() for e in expected])
        wanted_sum = parts if mapped[i] else parts.sum(0)
        np.testing.assert_allclose(
            g.numpy(), wanted_sum, rtol=1e-9, atol=1e-9, err_msg=f"grad(vmap), in_dims={dims}"
        )
