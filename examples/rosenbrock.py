"""Newton's method on the Rosenbrock function: with the Hessian, and without it.

    python examples/rosenbrock.py [--size 10] [--large 100]

f(x) = Σ 100 (x[i+1] - x[i]²)² + (1 - x[i])² has its minimum, 0, at (1, ..., 1), at the end of a
curved valley in which gradient descent creeps. For a small vector x the whole Hessian is made; for
a large one, conjugate gradients solve the Newton equation with nothing but its products with
vectors (Nocedal & Wright, "Numerical optimization", algorithm 7.1).
"""

import argparse
from collections.abc import Callable

import autograd
from autograd import Tensor
from autograd.func import hessian, value_and_grad
from autograd.functional import hvp


def rosenbrock(x: Tensor) -> Tensor:
    return (100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2).sum()


def newton_direction(x: Tensor, g: Tensor) -> Tensor:
    """The solution p of H p = -g, with H shifted until p leads downhill."""
    h, shift = hessian(rosenbrock)(x), 0.0
    while True:
        p = autograd.linalg.solve(h + shift * autograd.eye(len(x), dtype=x.dtype), -g)
        if p @ g < 0:
            return p
        shift = max(10 * shift, 1e-3)


def conjugate_gradients(x: Tensor, g: Tensor) -> Tensor:
    """Nearly the same without the matrix: stops early, and where the curvature is negative."""
    p, residual, d = autograd.zeros_like(x), g, -g
    tolerance = min(0.5, float(g.norm()) ** 0.5) * g.norm()
    for i in range(2 * len(x)):
        _, hd = hvp(rosenbrock, x, d)
        curvature = d @ hd
        if curvature <= 0:
            return d if i == 0 else p
        squared = residual @ residual
        p = p + squared / curvature * d
        residual = residual + squared / curvature * hd
        if residual.norm() < tolerance:
            break
        d = -residual + (residual @ residual) / squared * d
    return p


def minimize(
    direction: Callable[[Tensor, Tensor], Tensor], x: Tensor, tolerance: float = 1e-8
) -> Tensor:
    """Steps along `direction`, halved until they lead down far enough (Armijo's rule)."""
    for i in range(10_000):
        value, g = value_and_grad(rosenbrock)(x)
        if i % 25 == 0 or g.norm() < tolerance:
            print(f"  step {i:4}  f = {value.item():10.3e}  |gradient| = {g.norm().item():.1e}")
        if g.norm() < tolerance:
            break
        p, length = direction(x, g), 1.0
        while rosenbrock(x + length * p) > value + 1e-4 * length * (g @ p):
            length /= 2
        x = x + length * p
    return x


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", type=int, default=10, help="variables for the Hessian")
    parser.add_argument("--large", type=int, default=100, help="variables without it")
    options = parser.parse_args()
    for name, n, direction in (
        ("the Hessian", options.size, newton_direction),
        ("Hessian-vector products", options.large, conjugate_gradients),
    ):
        print(f"{n} variables, with {name}:")
        start = autograd.full((n,), -0.5, dtype=autograd.float64)
        x = minimize(direction, start)
        print(f"  largest distance from the minimum: {(x - 1).abs().max().item():.1e}")


if __name__ == "__main__":
    main()
