"""Random indices of every kind: reading, writing and both gradients as in PyTorch."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st

import autograd

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.parity

SHAPE = (3, 4, 5)


def part(size: int) -> st.SearchStrategy[Any]:
    """An index of one dimension; lists stand for integer tensors in both libraries."""
    place = st.integers(-size, size - 1)
    bound = st.none() | st.integers(-size, size)
    return st.one_of(
        place,
        st.builds(slice, bound, bound, st.none() | st.integers(1, 3)),
        st.lists(place, min_size=1, max_size=3),
        st.lists(place, min_size=2, max_size=2).map(np.array),
        st.lists(place, min_size=2, max_size=2).map(lambda p: np.array(p)[:, None]),
        place.map(np.array),
        st.lists(st.booleans(), min_size=size, max_size=size).map(np.array),
    )


@st.composite
def indices(draw: Any) -> tuple[Any, ...]:
    """Some of the dimensions from the left, some from the right, with None in between."""
    left = draw(st.integers(0, 3))
    right = draw(st.integers(0, 3 - left))
    parts = [draw(part(n)) for n in SHAPE[:left]]
    if right or draw(st.booleans()):
        parts += [..., *(draw(part(n)) for n in SHAPE[3 - right :])]
    for _ in range(draw(st.integers(0, 2))):
        parts.insert(draw(st.integers(0, len(parts))), None)
    return tuple(parts)


def in_library(lib: Any, index: tuple[Any, ...]) -> tuple[Any, ...]:
    """`index` with its arrays as tensors of the library."""
    tensor = lib.from_numpy
    return tuple(tensor(p.copy()) if isinstance(p, np.ndarray) else p for p in index)


def weights(shape: Any) -> np.ndarray:
    return np.cos(np.arange(int(np.prod(shape))) * 1.7).reshape(tuple(shape))


def gradients(lib: Any, index: tuple[Any, ...], write: bool) -> list[np.ndarray]:
    """What is read, or what is there after writing, and the gradients of its weighted sum."""
    grad = lib.grad if lib is autograd else lib.autograd.grad
    x = lib.from_numpy(weights(SHAPE)).requires_grad_()
    out = x[index]
    inputs = [x]
    if write and out.numel():  # where nothing is written there may be no graph
        value = lib.from_numpy(weights(out.shape)).requires_grad_()
        inputs.append(value)
        out = x * 1
        out[index] = value
    found = grad((out * lib.from_numpy(weights(out.shape))).sum(), inputs)
    return [a.detach().numpy() for a in (out, *found)]


@pytest.mark.parametrize("write", [False, True], ids=["read", "write"])
@given(index=indices())
def test_indexing(write: bool, index: tuple[Any, ...]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # PyTorch's, of deprecated forms
        try:
            expected = gradients(torch, in_library(torch, index), write)
        except IndexError:  # arrays that do not broadcast
            with pytest.raises(IndexError):
                gradients(autograd, in_library(autograd, index), write)
            return
    found = gradients(autograd, in_library(autograd, index), write)
    for a, b in zip(found, expected, strict=True):
        assert a.shape == b.shape
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-12)
