"""Sums at repeated indices: the way for many elements gives what np.add.at does."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import autograd
from autograd.ops import accumulate
from autograd.ops.accumulate import summed_at
from autograd.ops.indexing import along

RNG = np.random.default_rng(0)
FULL = slice(None)


def picks(size: int, *shape: int, low: int = 0) -> np.ndarray:
    return RNG.integers(low, size, shape)


# name: (shape, index, whether it goes by rows)
INDICES: dict[str, tuple[tuple[int, ...], tuple[Any, ...], bool]] = {
    "rows": ((9, 40), (picks(9, 300),), True),
    "negative": ((9, 40), (picks(9, 300, low=-9),), True),
    "rows of rows": ((9, 4, 10), (picks(9, 30, 10),), True),
    "trailing slices": ((9, 40), (picks(9, 300), FULL), True),
    "trailing ellipsis": ((9, 40), (picks(9, 300), ...), True),
    "second axis": ((20, 9, 3), (FULL, picks(9, 100)), True),
    "two arrays": ((5, 6, 30), (picks(5, 200), picks(6, 200)), True),
    "two arrays that broadcast": ((5, 6, 30), (picks(5, 20, 1), picks(6, 10)), True),
    "elements": ((8, 9), along(picks(9, 8, 900), 1), False),
    "vector": ((9,), (picks(9, 5000),), False),
    "small integers": ((9, 40), (picks(9, 300).astype(np.uint8),), True),
    "empty rows": ((9, 0), (picks(9, 300),), True),
    "slice that selects": ((9, 40), (picks(9, 300), slice(0, 30)), False),
    "array behind a slice": ((20, 9), (slice(2, 20), picks(9, 400)), False),
    "arrays apart": ((9, 20, 6), (picks(9, 300), FULL, picks(6, 300)), False),
    "new dimension": ((9, 40), (None, picks(9, 300)), False),
    "with a mask": ((9, 6, 20), (np.arange(9) > 3, picks(6, 5)), False),
}


@pytest.mark.parametrize("dtype", ["float64", "float32", "float16", "int64", "int8", "bool"])
@pytest.mark.parametrize("name", INDICES)
def test_sums(name: str, dtype: str, monkeypatch: pytest.MonkeyPatch) -> None:
    shape, index, by_rows = INDICES[name]
    ran = []
    sums_of_rows = accumulate._sums_of_rows
    monkeypatch.setattr(accumulate, "_FEW", 0)
    monkeypatch.setattr(
        accumulate, "_sums_of_rows", lambda *args: ran.append(1) or sums_of_rows(*args)
    )
    values = RNG.integers(0, 2, np.empty(shape)[index].shape).astype(dtype)
    expected = np.zeros(shape, dtype)
    np.add.at(expected, index, values)
    found = summed_at(values, shape, index)
    assert found.dtype == dtype and found.shape == shape
    np.testing.assert_array_equal(found, expected)
    assert bool(ran) == (by_rows and dtype != "bool" and values.size > 0)


def test_what_is_broadcast_to_the_index() -> None:
    values, index = RNG.normal(size=5000), (np.array([1, 0, 1]),)
    expected = np.stack([values, 2 * values])
    np.testing.assert_allclose(summed_at(values, (2, 5000), index), expected)
    x = autograd.zeros(2, 5000, dtype=autograd.float64, requires_grad=True)
    v = autograd.from_numpy(values).requires_grad_()
    added = x.index_put((autograd.tensor([1, 0, 1]),), v, accumulate=True)
    np.testing.assert_allclose(added.detach().numpy(), expected)
    added.sum().backward()
    assert v.grad is not None and (v.grad == 3).all()


def test_gradient_of_a_large_embedding() -> None:
    index = picks(50, 200)
    table = autograd.from_numpy(RNG.normal(size=(50, 64))).requires_grad_()
    weights = RNG.normal(size=(200, 64))
    (table[index] * autograd.from_numpy(weights)).sum().backward()
    expected = np.zeros((50, 64))
    np.add.at(expected, index, weights)
    assert table.grad is not None
    np.testing.assert_allclose(table.grad.numpy(), expected, rtol=1e-13)
