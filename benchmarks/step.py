"""A training step of an MLP, and a thousand small operations: tapegrad beside PyTorch.

    python benchmarks/step.py [--threads 1] [--rounds 40] [--json]

See README.md in this directory for what is measured and how.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

from compare import Library, argument_parser, checked, compare_cases

SIZES = (784, 512, 256, 10)
SMALL_OPS = 1000


def mlp_step(library: Library, batch_size: int, with_adam: bool) -> Callable[[], Any]:
    """One step of the 784-512-256-10 ReLU network on a fixed batch; returns the loss."""
    import numpy as np

    rng = np.random.default_rng(0)
    images = rng.random((batch_size, SIZES[0]), dtype=np.float32)
    labels = rng.integers(0, SIZES[-1], batch_size)
    nn = library.nn
    layers: list[Any] = []
    for inputs, outputs in itertools.pairwise(SIZES):
        layers += [nn.Linear(inputs, outputs), nn.ReLU()]
    model = nn.Sequential(*layers[:-1])
    with library.tensors.no_grad():
        for p in model.parameters():  # the same weights on both sides
            bound = p.shape[-1] ** -0.5
            p.copy_(library.tensors.tensor(rng.uniform(-bound, bound, p.shape).astype(np.float32)))
    x, y = library.tensors.tensor(images), library.tensors.tensor(labels)
    cross_entropy = nn.CrossEntropyLoss()
    optimizer = library.optim.Adam(model.parameters(), lr=1e-3)

    def step() -> Any:
        optimizer.zero_grad()
        loss = cross_entropy(model(x), y)
        loss.backward()
        if with_adam:
            optimizer.step()
        return loss.item()

    return step


def small_ops(library: Library, shape: tuple[int, ...]) -> Callable[[], Any]:
    """A thousand operations forward and backward: a chain of neurons that share their weights.

    Each neuron is tanh(w * y + b) - c, four operations; w, b, c and the input are leaves.
    """
    import numpy as np

    tensor = library.tensors.tensor
    values = {"w": 0.9, "b": 0.1, "c": 0.2, "x": 0.5}
    w, b, c, x = leaves = [
        tensor(np.full(shape, v, np.float32), requires_grad=True) for v in values.values()
    ]
    seed = tensor(np.ones(shape, np.float32))
    tanh = library.tensors.tanh

    def run() -> Any:
        for leaf in leaves:
            leaf.grad = None
        y = x
        for _ in range(SMALL_OPS // 4):
            y = tanh(w * y + b) - c
        y.backward(seed)
        return float(w.grad.sum())

    return run


def cases(batch_size: int) -> dict[str, tuple[Callable[[Library], Callable[[], Any]], int]]:
    """Each case with the number of runs in one measurement."""
    return {
        "training step with Adam": (lambda lib: mlp_step(lib, batch_size, True), 5),
        "the same without the optimizer": (lambda lib: mlp_step(lib, batch_size, False), 5),
        "1,000 small ops, shape (3,)": (lambda lib: small_ops(lib, (3,)), 5),
        "1,000 small ops, 0-d": (lambda lib: small_ops(lib, ()), 5),
    }


def main() -> None:
    parser = argument_parser(__doc__)
    parser.add_argument("--batch-size", type=int, default=64, help="rows per step (default: 64)")
    options = checked(parser, {"threads": 1, "rounds": 2, "batch_size": 1})
    compare_cases(cases(options.batch_size), options)


if __name__ == "__main__":
    main()
