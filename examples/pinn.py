"""Networks that solve differential equations: physics-informed neural networks.

    python examples/pinn.py [--steps 300]

Poisson's equation Δu = f with u = 0 at the ends, on an interval and on a square, where f is such
that the solution is known. The network never sees it: what is minimized is the residual of the
equation at random points, Δu coming from `hessian`, and `vmap` takes all points at once. A factor
that vanishes at the ends keeps u = 0 there (Lagaris et al., "Artificial neural networks for solving
ordinary and partial differential equations", 1998; Raissi et al., "Physics-informed neural
networks", 2019).
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
    network = nn.Sequential(
        nn.Linear(dims, 24), nn.Tanh(), nn.Linear(24, 24), nn.Tanh(), nn.Linear(24, 1)
    )

    def u(x: Tensor) -> Tensor:
        return (x * (1 - x)).prod() * network(x).squeeze()

    def residual(x: Tensor) -> Tensor:
        return hessian(u)(x).trace() - source(x)

    optimizer = optim.Adam(network.parameters(), lr=1e-2)
    schedule = optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    for _ in range(steps):
        optimizer.zero_grad()
        loss = vmap(residual)(autograd.rand(points, dims)).square().mean()
        loss.backward()
        optimizer.step()
        schedule.step()
    grid = autograd.cartesian_prod(*[autograd.linspace(0, 1, 41)] * dims).reshape(-1, dims)
    error = vmap(lambda x: u(x) - solution(x))(grid).abs().max()
    return loss.item() ** 0.5, error.item()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=300, help="steps of Adam")
    options = parser.parse_args()
    autograd.manual_seed(0)
    for dims, points in ((1, 64), (2, 256)):
        start = time.perf_counter()
        rest, error = solve(dims, points, options.steps)
        seconds = time.perf_counter() - start
        print(
            f"{dims}D, {points} points per step: residual {rest:.3f}, "
            f"largest error {error:.4f} of 1 ({seconds:.1f} s)"
        )


if __name__ == "__main__":
    main()
