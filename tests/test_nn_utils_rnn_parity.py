"""Packing and padding beside PyTorch's: values, gradients, indices, text, errors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import autograd
import nn.utils.rnn as ours

pytestmark = pytest.mark.parity
RNG = np.random.default_rng(0)
LENGTHS = {"sorted": [4, 3, 3, 1], "unsorted": [3, 1, 4, 3], "equal": [4, 4, 4, 4]}


@pytest.fixture
def theirs(torch: Any) -> Any:
    return torch.nn.utils.rnn


def pair(array: np.ndarray, torch: Any) -> tuple[Any, Any]:
    x, y = autograd.from_numpy(array.copy()), torch.from_numpy(array.copy())
    if array.dtype.kind == "f":
        x.requires_grad_()
        y.requires_grad_()
    return x, y


def same(a: Any, b: Any) -> None:
    if a is None or b is None:
        assert a is b
        return
    np.testing.assert_array_equal(a.detach().numpy(), b.detach().numpy())
    assert str(a.dtype) == str(b.dtype).removeprefix("torch.")


def same_gradients(pairs: list[tuple[Any, Any]], a: Any, b: Any, torch: Any) -> None:
    g = RNG.random(tuple(b.shape))
    a.backward(autograd.from_numpy(g))
    b.backward(torch.from_numpy(g))
    for x, y in pairs:
        same(x.grad, y.grad)


@pytest.mark.parametrize("rest", [(), (2,), (2, 3)])
@pytest.mark.parametrize("batch_first", [False, True])
@pytest.mark.parametrize("kind", LENGTHS)
def test_pack_and_pad(kind: str, batch_first: bool, rest: Any, torch: Any, theirs: Any) -> None:
    shape = (4, 5, *rest) if batch_first else (5, 4, *rest)
    x, y = pair(RNG.random(shape), torch)
    options = {"batch_first": batch_first, "enforce_sorted": kind != "unsorted"}
    a = ours.pack_padded_sequence(x, LENGTHS[kind], **options)
    b = theirs.pack_padded_sequence(y, LENGTHS[kind], **options)
    for p, q in zip(a, b, strict=True):
        same(p, q)
    for more in ({}, {"total_length": 6, "padding_value": -2.5}):
        (p, n), (q, m) = (
            lib.pad_packed_sequence(packed, batch_first, **more)
            for lib, packed in ((ours, a), (theirs, b))
        )
        same(p, q)
        same(n, m)
    same_gradients([(x, y)], p, q, torch)


def test_forms_of_lengths(torch: Any, theirs: Any) -> None:
    x, y = pair(RNG.random((3, 2)), torch)
    expected = theirs.pack_padded_sequence(y, torch.tensor([3, 2]))
    for lengths in ((3, 2), np.array([3, 2], np.int32), autograd.tensor([3, 2])):
        same(ours.pack_padded_sequence(x, lengths).data, expected.data)


def sequences(torch: Any, kind: str, *rest: int, dtype: Any = float) -> list[tuple[Any, Any]]:
    return [pair((RNG.random((n, *rest)) * 9).astype(dtype), torch) for n in LENGTHS[kind]]


@pytest.mark.parametrize("kind", LENGTHS)
def test_lists_of_sequences(kind: str, torch: Any, theirs: Any) -> None:
    pairs = sequences(torch, kind, 2)
    a = ours.pack_sequence([x for x, _ in pairs], enforce_sorted=kind != "unsorted")
    b = theirs.pack_sequence([y for _, y in pairs], enforce_sorted=kind != "unsorted")
    for p, q in zip(a, b, strict=True):
        same(p, q)
    for p, q in zip(ours.unpack_sequence(a), theirs.unpack_sequence(b), strict=True):
        same(p, q)
    same_gradients(pairs, a.data, b.data, torch)


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("batch_first", [False, True])
@pytest.mark.parametrize("dtype", [np.float64, np.int64])
def test_pad_sequence(dtype: Any, batch_first: bool, side: str, torch: Any, theirs: Any) -> None:
    pairs = sequences(torch, "unsorted", 2, dtype=dtype)
    a = ours.pad_sequence([x for x, _ in pairs], batch_first, -1, side)
    b = theirs.pad_sequence([y for _, y in pairs], batch_first, -1, side)
    same(a, b)
    if dtype == np.float64:
        same_gradients(pairs, a, b, torch)
    if side == "right":
        lengths = LENGTHS["unsorted"]
        found = ours.unpad_sequence(a, autograd.tensor(lengths), batch_first)
        for p, (_, y) in zip(found, pairs, strict=True):
            same(p, y)


def test_packed_sequence_is_a_named_tuple(torch: Any, theirs: Any) -> None:
    a = ours.pack_sequence([autograd.tensor([1, 2]), autograd.tensor([3])])
    b = theirs.pack_sequence([torch.tensor([1, 2]), torch.tensor([3])])
    assert repr(a) == repr(b)
    assert isinstance(a, tuple) and len(a) == 4 and a._fields == b._fields
    data, batch_sizes, *_ = a
    assert data is a.data and batch_sizes is a.batch_sizes
    for name in ("double", "float", "half", "long", "int", "short", "char", "byte", "cpu"):
        same(getattr(a, name)().data, getattr(b, name)().data)
    assert a.to(autograd.int64) is a and not a.is_cuda and not a.is_pinned()
    order = autograd.tensor([1, 0])
    for made in (
        ours.PackedSequence(data, batch_sizes, order),
        ours.PackedSequence((data, batch_sizes), sorted_indices=order),
    ):
        assert made.unsorted_indices.tolist() == [1, 0] and made.data is data
    assert ours.invert_permutation(None) is None


BAD = [
    ("pack_padded_sequence", ((3, 2), [2, 3]), {}, RuntimeError),
    ("pack_padded_sequence", ((3, 2), [3, 0]), {}, RuntimeError),
    ("pack_padded_sequence", ((3, 2), [3]), {}, RuntimeError),
    ("pad_sequence", ([],), {}, RuntimeError),
    ("pad_sequence", (3,), {}, RuntimeError),
    ("pad_sequence", ([(3,), (2,)],), {"padding_side": "up"}, RuntimeError),
    ("pad_sequence", ([(3, 2), (2, 3)],), {}, RuntimeError),
]


@pytest.mark.parametrize(("name", "args", "kwargs", "error"), BAD)
def test_errors(name: str, args: Any, kwargs: Any, error: Any, torch: Any, theirs: Any) -> None:
    for library, zeros in ((ours, autograd.zeros), (theirs, torch.zeros)):

        def made(value: Any, zeros: Any = zeros) -> Any:
            if isinstance(value, tuple):
                return zeros(value)
            return [made(v) if isinstance(v, tuple) else v for v in value]

        values = [made(v) if isinstance(v, (tuple, list)) else v for v in args]
        with pytest.raises(error):
            getattr(library, name)(*values, **kwargs)


def test_lengths_that_are_too_long(torch: Any, theirs: Any) -> None:
    with pytest.raises(RuntimeError, match=r"lengths must be in \[1, 3\]"):
        ours.pack_padded_sequence(autograd.ones(3, 2), [4, 3])  # PyTorch counts missing rows
    packed = ours.pack_sequence([autograd.ones(3)])
    with pytest.raises(ValueError, match="total_length"):
        ours.pad_packed_sequence(packed, total_length=2)
