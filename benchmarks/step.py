"""A training step of an MLP, and a thousand small operations: tapegrad beside PyTorch.

    python benchmarks/step.py [--threads 1] [--rounds 40] [--json]

See README.md in this directory for what is measured and how.
"""

from __future__ import annotations

import argparse
import itertools
import json
import platform
from collections.abc import Callable
from typing import Any

from compare import Library, interleaved, libraries, table

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


def check_same(name: str, values: list[float]) -> None:
    """Stops the comparison if the two libraries did not compute the same."""
    if max(values) - min(values) > 1e-4 * max(1.0, *map(abs, values)):
        raise SystemExit(f"step.py: {name}: the libraries disagree: {values}")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--threads", type=int, default=1, help="threads for both (default: 1)")
    parser.add_argument("--rounds", type=int, default=40, help="measurements of each (default: 40)")
    parser.add_argument("--batch-size", type=int, default=64, help="rows per step (default: 64)")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    options = parser.parse_args()
    for name, least in (("threads", 1), ("rounds", 2), ("batch_size", 1)):
        if getattr(options, name) < least:
            parser.error(f"--{name.replace('_', '-')} must be at least {least}")
    return options


def main() -> None:
    options = arguments()
    compared = libraries(options.threads)
    results = []
    for name, (case, repeats) in cases(options.batch_size).items():
        runs = [case(library) for library in compared]
        for _ in range(3):
            check_same(name, [run() for run in runs])
        results.append(interleaved(name, runs, options.rounds, repeats))
    if options.json:
        found = {"threads": options.threads, "rounds": options.rounds}
        print(json.dumps({**found, "results": [r.summary() for r in results]}, indent=1))
        return
    import numpy

    versions = [f"Python {platform.python_version()}", f"NumPy {numpy.__version__}"]
    versions += [f"PyTorch {library.tensors.__version__}" for library in compared[1:]]
    print(", ".join(versions) + f"; {options.threads} thread(s), {options.rounds} rounds")
    print(table(results))
    if len(compared) == 1:
        print("PyTorch is not installed; for the comparison: pip install 'tapegrad[parity]'")


if __name__ == "__main__":
    main()
