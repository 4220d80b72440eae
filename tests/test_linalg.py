"""Linear algebra at points where PyTorch is no oracle, or where no derivative exists."""

from __future__ import annotations

import numpy as np
import pytest

import autograd
from autograd import tensor

SINGULAR = [
    [[1.0, 2.0], [2.0, 4.0]],
    [[1.0, 2.0, 3.0], [2.0, 4.0, 6.0], [0.0, 1.0, 1.0]],
    [[0.0, 0.0], [0.0, 0.0]],
]


@pytest.mark.parametrize("values", SINGULAR)
def test_gradient_of_the_determinant_of_a_singular_matrix_is_the_cofactor_matrix(values) -> None:
    """PyTorch gives zeros here; the finite difference is the cofactor matrix."""
    a = np.array(values)
    x = tensor(a, requires_grad=True)
    autograd.linalg.det(x).backward()
    eps = 1e-6
    expected = np.zeros_like(a)
    for i in np.ndindex(*a.shape):
        step = np.zeros_like(a)
        step[i] = eps
        expected[i] = (np.linalg.det(a + step) - np.linalg.det(a - step)) / (2 * eps)
    np.testing.assert_allclose(x.grad.numpy(), expected, atol=1e-8)


def test_singular_values_that_repeat_have_gradients_and_their_vectors_do_not() -> None:
    x = tensor(2 * np.eye(3), requires_grad=True)
    autograd.linalg.svdvals(x).sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), np.eye(3), atol=1e-12)
    u = autograd.linalg.svd(x).U
    (g,) = autograd.grad((u * tensor(np.arange(9.0).reshape(3, 3))).sum(), x)
    assert not np.isfinite(g.numpy()).all()


@pytest.mark.parametrize("name", ["inv", "cholesky"])
def test_a_matrix_without_the_result_is_an_error_that_names_the_operation(name: str) -> None:
    function = getattr(autograd.linalg, name)
    with pytest.raises(
        RuntimeError, match=rf"{name}\(float32\[2, 2\]\).*must be regular"
    ) as caught:
        function(tensor([[0.0, 0.0], [0.0, -1.0]]))
    assert isinstance(caught.value, np.linalg.LinAlgError)


def test_norm_neither_overflows_nor_underflows() -> None:
    for scale in (1e-30, 1e30):
        x = tensor([3.0 * scale, 4.0 * scale], requires_grad=True)
        norm = autograd.linalg.norm(x)
        norm.backward()
        np.testing.assert_allclose(norm.item(), 5 * scale, rtol=1e-6)
        np.testing.assert_allclose(x.grad.numpy(), [0.6, 0.8], rtol=1e-6)


def test_second_derivative_of_the_norm_at_0_is_finite() -> None:
    x = tensor([0.0, 0.0], requires_grad=True)
    (g,) = autograd.grad(autograd.linalg.norm(x), x, create_graph=True)
    (h,) = autograd.grad(g.sum(), x)
    assert np.isfinite(h.numpy()).all()


def test_multi_dot_takes_the_cheap_order() -> None:
    """(row · matrix) · column costs 2n² products, row · (matrix · matrix) would cost n³."""
    row, square, column = autograd.ones(1, 50), autograd.ones(50, 50), autograd.ones(50, 1)
    shapes = [
        node.shape
        for node in autograd.linalg.multi_dot([row.requires_grad_(), square, square, column]).tape()
    ]
    assert (50, 50) not in shapes


@pytest.mark.parametrize("mode", ["reduced", "complete", "r"])
def test_qr_modes(mode: str) -> None:
    a = np.arange(12.0).reshape(4, 3) + np.eye(4, 3)
    q, r = autograd.linalg.qr(tensor(a), mode)
    if mode == "r":
        assert q.shape == (0,)
        np.testing.assert_allclose(abs(r.numpy()), abs(np.linalg.qr(a, "r")), atol=1e-12)
    else:
        np.testing.assert_allclose((q @ r).numpy(), a, atol=1e-12)
        assert q.shape == ((4, 3) if mode == "reduced" else (4, 4))


def test_norm_goes_by_its_name():
    x = autograd.ones(2, 2, requires_grad=True)
    assert str(autograd.norm(x).grad_fn) == "<NormBackward0>"
    with pytest.raises(TypeError, match=r"^norm\(\) got an unexpected keyword argument 'order'"):
        autograd.norm(x, order=2)
    with pytest.raises(RuntimeError, match="ord must be 'fro', 'nuc'"):
        autograd.norm(x, "max")
