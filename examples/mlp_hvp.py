"""The largest curvature of a network's loss, and how it limits the learning rate.

    python examples/mlp_hvp.py [--steps 200]

Gradient descent is stable while the learning rate is below 2 / λ, λ being the largest eigenvalue
of the Hessian of the loss. The Hessian of this small MLP would have 1,500² entries; power iteration
needs only its products with vectors, each about as expensive as two gradients (Pearlmutter, "Fast
exact multiplication by the Hessian", 1994).
"""

import argparse
import time

import autograd
import nn
import nn.functional as F
from autograd import Tensor
from autograd.func import functional_call, grad
from autograd.functional import hvp
from nn.data import digits

Params = dict[str, Tensor]


def largest_curvature(loss, params: Params, tolerance: float = 1e-3) -> tuple[float, int]:
    """The largest eigenvalue of the Hessian of `loss`, and how many products it took."""
    names, point = list(params), tuple(params.values())
    v = tuple(autograd.randn_like(p) for p in point)
    value, products = 0.0, 0
    while products < 1000:
        norm = sum((x * x).sum() for x in v) ** 0.5
        v = tuple(x / norm for x in v)
        _, hv = hvp(lambda *ps: loss(dict(zip(names, ps, strict=True))), point, v)
        products += 1
        before, value = value, sum((x * y).sum() for x, y in zip(v, hv, strict=True)).item()
        if abs(value - before) <= tolerance * abs(value):
            break
        v = hv
    return value, products


def descend(loss, params: Params, rate: float, steps: int) -> tuple[Params, float]:
    """Gradient descent, and the loss it ends with."""
    gradient = grad(loss)
    for _ in range(steps):
        params = {
            k: p - rate * g
            for (k, p), g in zip(params.items(), gradient(params).values(), strict=True)
        }
    return params, loss(params).item()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=200, help="steps of gradient descent")
    options = parser.parse_args()
    autograd.manual_seed(0)
    images, labels = (t[:256] for t in digits()[0].tensors)
    x = F.avg_pool2d(images, 4).flatten(1)  # 7 x 7 pixels
    model = nn.Sequential(nn.Linear(49, 24), nn.Tanh(), nn.Linear(24, 10))

    def loss(params: Params) -> Tensor:
        return F.cross_entropy(functional_call(model, params, x), labels)

    params = {name: p.detach() for name, p in model.named_parameters()}
    first = loss(params).item()
    print(f"{sum(p.numel() for p in params.values())} parameters, loss {first:.3f}")
    start = time.perf_counter()
    sharpness, products = largest_curvature(loss, params)
    seconds = time.perf_counter() - start
    print(f"largest curvature {sharpness:.3f} after {products} products ({seconds:.2f} s)")
    print(f"so steps of gradient descent should be below 2 / {sharpness:.3f} = {2 / sharpness:.2f}")
    for share in (0.1, 0.5, 20):
        rate = share * 2 / sharpness
        end, value = descend(loss, params, rate, options.steps)
        if value < first:
            curvature, _ = largest_curvature(loss, end)
            outcome = f"largest curvature {curvature:.3f}, 2 / it {2 / curvature:.2f}"
        else:
            outcome = "the steps were too long"
        print(f"  rate {rate:6.2f}: after {options.steps} steps loss {value:8.4f}, {outcome}")


if __name__ == "__main__":
    main()
