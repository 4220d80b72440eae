"""autograd.functional and autograd.func against finite differences, known formulas and PyTorch."""

from __future__ import annotations

import numpy as np
import pytest

import autograd
import nn
from autograd import func, functional, tensor

RNG = np.random.default_rng(0)
POINT = RNG.normal(size=4)


def rosenbrock(x):
    return (100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2).sum()


def rosenbrock_hessian(x: np.ndarray) -> np.ndarray:
    n = len(x)
    h = np.zeros((n, n))
    for i in range(n - 1):
        h[i, i] += 1200 * x[i] ** 2 - 400 * x[i + 1] + 2
        h[i, i + 1] = h[i + 1, i] = -400 * x[i]
        h[i + 1, i + 1] += 200
    return h


@pytest.mark.parametrize("strategy", ["reverse-mode", "forward-mode"])
def test_hessian_of_rosenbrock(strategy: str) -> None:
    h = functional.hessian(rosenbrock, tensor(POINT), outer_jacobian_strategy=strategy)
    np.testing.assert_allclose(h.numpy(), rosenbrock_hessian(POINT), rtol=1e-12)
    np.testing.assert_allclose(func.hessian(rosenbrock)(tensor(POINT)).numpy(), h.numpy())


def test_products_with_the_hessian() -> None:
    v = RNG.normal(size=4)
    expected = rosenbrock_hessian(POINT) @ v
    for product in (functional.hvp, functional.vhp):
        value, hv = product(rosenbrock, tensor(POINT), tensor(v))
        np.testing.assert_allclose(hv.numpy(), expected, rtol=1e-12)
        np.testing.assert_allclose(value.item(), rosenbrock(POINT))
    g = func.grad(rosenbrock)
    _, forward = func.jvp(g, (tensor(POINT),), (tensor(v),))
    np.testing.assert_allclose(forward.numpy(), expected, rtol=1e-12)


def test_jvp_and_vjp_are_the_jacobian_from_either_side() -> None:
    a = RNG.normal(size=(3, 4))

    def f(x):
        return (tensor(a) @ x).sin(), x.prod()

    j = a * np.cos(a @ POINT)[:, None]
    u, v = RNG.normal(size=3), RNG.normal(size=4)
    (y, _), (jv, _) = functional.jvp(f, tensor(POINT), tensor(v))
    np.testing.assert_allclose(y.numpy(), np.sin(a @ POINT))
    np.testing.assert_allclose(jv.numpy(), j @ v)
    _, product = functional.vjp(f, tensor(POINT), (tensor(u), tensor(0.0, dtype=float)))
    np.testing.assert_allclose(product.numpy(), u @ j)


def test_jacobian_of_several_inputs_and_outputs() -> None:
    x, y = tensor(POINT[:2]), tensor(POINT[2:])

    def f(x, y):
        return x * y, x.sum().reshape(1)

    for strategy in ("reverse-mode", "forward-mode"):
        (dxy_dx, dxy_dy), (ds_dx, ds_dy) = functional.jacobian(f, (x, y), strategy=strategy)
        np.testing.assert_allclose(dxy_dx.numpy(), np.diag(POINT[2:]))
        np.testing.assert_allclose(dxy_dy.numpy(), np.diag(POINT[:2]))
        np.testing.assert_allclose(ds_dx.numpy(), np.ones((1, 2)))
        np.testing.assert_allclose(ds_dy.numpy(), np.zeros((1, 2)))


def test_transforms_nest_to_any_order() -> None:
    f = autograd.sin
    expected = [np.sin, np.cos, lambda x: -np.sin(x), lambda x: -np.cos(x), np.sin]
    for reference in expected:
        np.testing.assert_allclose(f(tensor(0.7)).item(), reference(0.7), rtol=1e-6)
        f = func.grad(f)


def test_inner_derivative_does_not_mix_with_the_outer() -> None:
    """d/dx (x · d/dy (x + y)) is 1: the classic perturbation confusion (Siskind & Pearlmutter)."""
    outer = func.grad(lambda x: x * func.grad(lambda y: x + y)(tensor(1.0)))
    assert outer(tensor(3.0)).item() == 1.0


def test_grad_takes_trees_argnums_and_aux() -> None:
    def f(params, x, scale):
        y = (params["w"] * x + params["b"]).sum() * scale
        return y, y * 2

    params = {"w": tensor(2.0), "b": tensor(1.0)}
    (slopes, d_scale), aux = func.grad(f, argnums=(0, 2), has_aux=True)(
        params, tensor([1.0, 2.0]), tensor(10.0)
    )
    assert {k: v.item() for k, v in slopes.items()} == {"w": 30.0, "b": 20.0}
    assert d_scale.item() == 8.0
    assert aux.item() == 160.0
    value, slope = func.value_and_grad(lambda x: x**2)(tensor(3.0))
    assert (value.item(), slope.item()) == (9.0, 6.0)


def test_results_leave_the_graph_unless_something_else_needs_it() -> None:
    assert not func.grad(lambda x: x**2)(tensor(3.0)).requires_grad
    w = tensor(2.0, requires_grad=True)
    slope = func.grad(lambda x: w * x**2)(tensor(3.0))  # 2 w x
    (dw,) = autograd.grad(slope, w)
    assert dw.item() == 6.0


def test_per_sample_gradients() -> None:
    """One gradient per row of a batch equals a loop over the rows."""
    model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1)).double()
    params = dict(model.named_parameters())
    x, y = tensor(RNG.normal(size=(5, 3))), tensor(RNG.normal(size=(5, 1)))

    def loss(params, x, y):
        hidden = (x @ params["0.weight"].T + params["0.bias"]).tanh()
        return ((hidden @ params["2.weight"].T + params["2.bias"] - y) ** 2).mean()

    rows = func.vmap(func.grad(loss), in_dims=(None, 0, 0))(
        {k: p.detach() for k, p in params.items()}, x, y
    )
    for i in range(5):
        model.zero_grad()
        ((model(x[i]) - y[i]) ** 2).mean().backward()
        for name, p in params.items():
            np.testing.assert_allclose(rows[name][i].numpy(), p.grad.numpy(), rtol=1e-10)


def test_laplacian_of_a_network() -> None:
    """What physics-informed networks need: Σ ∂²u/∂xᵢ² by two passes, against differences."""
    model = nn.Sequential(nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 1)).double()

    def u(x):
        return model(x).squeeze(-1)

    def laplacian(x):
        return func.hessian(u)(x).trace()

    x, eps = POINT[:2], 1e-4
    value = laplacian(tensor(x))
    steps = eps * np.eye(2)
    expected = sum(
        (u(tensor(x + e)) - 2 * u(tensor(x)) + u(tensor(x - e))).item() / eps**2 for e in steps
    )
    np.testing.assert_allclose(value.item(), expected, rtol=1e-5)


def test_vmap_dims() -> None:
    a, b = RNG.normal(size=(3, 4)), RNG.normal(size=(4, 3))
    f = func.vmap(lambda x, y: (x * y, x.sum()), in_dims=(0, 1), out_dims=(1, 0))
    product, total = f(tensor(a), tensor(b))
    np.testing.assert_allclose(product.numpy(), (a * b.T).T)
    np.testing.assert_allclose(total.numpy(), a.sum(1))
    nested = func.vmap(func.vmap(autograd.mul, in_dims=(None, 0)), in_dims=(0, None))
    np.testing.assert_allclose(nested(tensor(POINT), tensor(POINT)).numpy(), np.outer(POINT, POINT))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: func.grad(lambda x: x * 2)(tensor([1.0, 2.0])), "0-d Tensor, got float32"),
        (lambda: func.grad(lambda x: x, argnums=1)(tensor(1.0)), "argnums=1"),
        (lambda: func.vmap(lambda x: x, in_dims=(None,))(tensor([1.0])), "at least one Tensor"),
        (lambda: func.vmap(autograd.add)(tensor([1.0]), tensor([1.0, 2.0])), "the same size"),
        (lambda: functional.vjp(lambda x: x, tensor([1.0, 2.0])), "can be left out only"),
        (lambda: functional.jvp(lambda x: x, tensor([1.0]), tensor([1.0, 2.0])), "must match"),
        (lambda: functional.jacobian(lambda x: 3, tensor(1.0)), "output 0 must be a Tensor"),
        (lambda: functional.hessian(lambda x: x, tensor([1.0, 2.0])), "one element"),
        (lambda: functional.jacobian(lambda x: tensor(1.0), tensor(1.0), strict=True), "strict"),
    ],
)
def test_errors_say_what_is_wrong(call, message: str) -> None:
    with pytest.raises((RuntimeError, ValueError, TypeError), match=message):
        call()


def test_functions_written_for_numpy() -> None:
    """Numbers and ndarrays are differentiated by as they come; a list of them is a tree of them."""

    def energy(x, scale=1.0):
        return scale * np.sum(np.tanh(x) ** 2)

    x = np.array([0.5, -1.0])
    slope = 2 * np.tanh(x) * (1 - np.tanh(x) ** 2)
    found = func.grad(energy)(x)
    assert isinstance(found, autograd.Tensor) and found.dtype == autograd.float64
    np.testing.assert_allclose(found.numpy(), slope, atol=1e-12)
    np.testing.assert_allclose(func.jacrev(np.tanh)(x).numpy(), np.diag(1 - np.tanh(x) ** 2))
    d_x, d_scale = func.grad(energy, argnums=(0, 1))(x, 2.0)
    np.testing.assert_allclose(d_x.numpy(), 2 * slope, atol=1e-12)
    assert d_scale.item() == pytest.approx(np.sum(np.tanh(x) ** 2))
    assert func.vjp(np.tanh, 0.0)[1](3.0)[0].item() == 3.0
    assert [y.item() for y in func.jvp(np.sin, (0.0,), (2.0,))] == [0.0, 2.0]
    with pytest.raises(TypeError, match="got str; name others with argnums"):
        func.grad(energy)("x")
    with pytest.raises(RuntimeError, match="only floating tensors"):
        func.grad(energy)(3)


@pytest.mark.parity
def test_agrees_with_pytorch() -> None:
    torch = pytest.importorskip("torch")
    w, x = RNG.normal(size=(4, 4)), RNG.normal(size=(2, 4))

    def f(lib):
        return lambda a, b: lib.tanh(a @ b).sum(0) * b[0]

    ours = functional.jacobian(f(autograd), (tensor(x), tensor(w)))
    theirs = torch.autograd.functional.jacobian(f(torch), (torch.tensor(x), torch.tensor(w)))
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(a.numpy(), b.numpy(), atol=1e-12)
    one = functional.hessian(lambda a: f(autograd)(a, tensor(w)).sum(), tensor(x))
    two = torch.autograd.functional.hessian(
        lambda a: f(torch)(a, torch.tensor(w)).sum(), torch.tensor(x)
    )
    np.testing.assert_allclose(one.numpy(), two.numpy(), atol=1e-12)
