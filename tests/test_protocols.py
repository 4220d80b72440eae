"""Tensors in Python's own protocols: numbers, iteration, membership, text, copies."""

from __future__ import annotations

import copy
import operator
import pickle

import numpy as np
import pytest

import autograd


def test_one_element_is_a_number() -> None:
    t = autograd.tensor([2.5])
    assert float(t) == 2.5 and int(t) == 2 and bool(t) and f"{autograd.tensor(2.5):.2f}" == "2.50"
    assert [10, 20, 30][autograd.tensor(1)] == 20
    with pytest.raises(TypeError, match="only integer tensors can be an index"):
        operator.index(autograd.tensor(1.0))
    with pytest.raises(RuntimeError, match=r"truth value of float32\[2\] is ambiguous"):
        bool(autograd.zeros(2))


def test_iteration_is_over_the_first_dimension_and_recorded() -> None:
    t = autograd.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    first, second = t
    (first * second).sum().backward()
    assert t.grad is not None
    np.testing.assert_array_equal(t.grad.numpy(), [[3.0, 4.0], [1.0, 2.0]])
    assert len(t) == 2
    for function in (len, iter):
        with pytest.raises(TypeError, match="0-d tensor"):
            function(autograd.tensor(1.0))


def test_membership() -> None:
    t = autograd.tensor([1.0, 2.0], requires_grad=True)
    assert 2.0 in t and autograd.tensor(1.0) in t and 3.0 not in t


def test_tensors_hash_by_identity() -> None:
    a, b = autograd.tensor(1.0), autograd.tensor(1.0)
    assert {a: "a", b: "b"}[a] == "a" and len({a, b}) == 2


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda t: pickle.loads(pickle.dumps(t))])
def test_copies_stand_alone(copied: object) -> None:
    t = autograd.tensor([1.0, 2.0], requires_grad=True)
    other = copied(t)  # type: ignore[operator]
    other.data += 1
    assert other.requires_grad and other.is_leaf
    np.testing.assert_array_equal(t.detach().numpy(), [1.0, 2.0])
    with pytest.raises(RuntimeError, match="only leaf tensors"):
        copied(t * 2)  # type: ignore[operator]


def test_arrays() -> None:
    t = autograd.tensor([1.0, 2.0])
    assert np.asarray(t) is t.numpy()
    assert np.asarray(t, np.float64).dtype == np.float64
    with pytest.raises(RuntimeError, match="requires grad"):
        np.asarray(t.requires_grad_())
