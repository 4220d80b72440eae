"""Networks that solve differential equations: physics-informed neural networks.

    python examples/pinn.py [--steps 150]

Poisson's equation Δu = f with u = 0 at the ends, on an interval and on a square, where f is such
that the solution is known. The network never sees it: what is minimized is the residual of the
equation at random points, Δu coming from `hessian`, and `vmap` takes all points at once. A factor
that vanishes at the ends keeps u = 0 there (Lagaris et al., "Artificial neural networks for solving
ordinary and partial differential equations", 1998; Raissi et al., "Physics-informed neural
networks", 2019). The points stay the same from step to step, so that L-BFGS can be used, which is
far ahead of Adam on such losses.
"""

import argparse
import math
import time

import autograd
import nn
import optim
from autograd import Tensor
from autograd.func import hessian, vmap


def solution(x: Tensor) -> Tensor:
    """Π sin(π x[i]), the solution for the f below."""
    return (math.pi * x).sin().prod()


def source(x: Tensor) -> Tensor:
    """f = Δ solution."""
    return -len(x) * math.pi**2 * solution(x)


def solve(dims: int, points: int, steps: int) -> tuple[float, float]:
    """(root mean square of the residual, largest error) after training."""
    network = nn.Sequential(nn.Linear(dims, 32), nn.Tanh(), nn.Linear(32, 1))
    inside = autograd.rand(points, dims)

    def u(x: Tensor) -> Tensor:
        return (x * (1 - x)).prod() * network(x).squeeze()

    def residual(x: Tensor) -> Tensor:
        return hessian(u)(x).trace() - source(x)

    optimizer = optim.LBFGS(
        network.parameters(), max_iter=steps, history_size=50, line_search_fn="strong_wolfe"
    )

    def loss() -> Tensor:
        optimizer.zero_grad()
        mean = vmap(residual)(inside).square().mean()
        mean.backward()
        return mean

    optimizer.step(loss)
    grid = autograd.cartesian_prod(*[autograd.linspace(0, 1, 41)] * dims).reshape(-1, dims)
    error = vmap(lambda x: u(x) - solution(x))(grid).abs().max()
    return loss().item() ** 0.5, error.item()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=150, help="steps of L-BFGS")
    options = parser.parse_args()
    autograd.manual_seed(0)
    for dims, points in ((1, 32), (2, 128)):
        start = time.perf_counter()
        rest, error = solve(dims, points, options.steps)
        seconds = time.perf_counter() - start
        print(
            f"{dims}D, {points} points: residual {rest:.3f}, "
            f"largest error {error:.4f} of 1 ({seconds:.1f} s)"
        )


if __name__ == "__main__":
    main()
