"""Training steps of recurrent networks: tapegrad beside PyTorch.

    python benchmarks/recurrent.py [--threads 1] [--rounds 20] [--json]

See README.md in this directory for what is measured and how.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from compare import Cases, Library, argument_parser, checked, compare_cases, same_weights

WORDS = 2000


def rows_of_images(library: Library, kind: str) -> Callable[[], Any]:
    """A step of a classifier that reads 64 images of 28 rows, with 128 features and Adam."""
    import numpy as np

    rng, nn = np.random.default_rng(0), library.nn
    layer, out = getattr(nn, kind)(28, 128, batch_first=True), nn.Linear(128, 10)
    for part in (layer, out):
        same_weights(library, part, rng)
    x = library.tensors.tensor(rng.random((64, 28, 28), dtype=np.float32))
    y = library.tensors.tensor(rng.integers(0, 10, 64))
    cross_entropy = nn.CrossEntropyLoss()
    optimizer = library.optim.Adam([*layer.parameters(), *out.parameters()], lr=1e-3)

    def step() -> Any:
        optimizer.zero_grad()
        loss = cross_entropy(out(layer(x)[0][:, -1]), y)
        loss.backward()
        optimizer.step()
        return loss.item()

    return step


def language_model(library: Library, kind: str, layers: int) -> Callable[[], Any]:
    """A step of a word-level model: 35 words of 32 texts, 200 features, clipping and SGD."""
    import numpy as np

    rng, nn = np.random.default_rng(0), library.nn
    words, out = nn.Embedding(WORDS, 200), nn.Linear(200, WORDS)
    layer = getattr(nn, kind)(200, 200, layers)
    model = nn.ModuleList([words, layer, out])
    same_weights(library, model, rng)
    text = library.tensors.tensor(rng.integers(0, WORDS, (36, 32)))
    cross_entropy = nn.CrossEntropyLoss()
    optimizer = library.optim.SGD(model.parameters(), lr=1.0)

    def step() -> Any:
        optimizer.zero_grad()
        scores = out(layer(words(text[:-1]))[0])
        loss = cross_entropy(scores.reshape(-1, WORDS), text[1:].reshape(-1))
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 0.25)
        optimizer.step()
        return loss.item()

    return step


def layer_alone(library: Library, kind: str) -> Callable[[], Any]:
    """Forward and backward of one layer, 35 steps of 32 sequences, to input and weights."""
    import numpy as np

    rng = np.random.default_rng(0)
    layer = getattr(library.nn, kind)(200, 200)
    same_weights(library, layer, rng)
    x = library.tensors.tensor(rng.random((35, 32, 200), dtype=np.float32), requires_grad=True)
    leaves = [x, *layer.parameters()]

    def run() -> Any:
        for leaf in leaves:
            leaf.grad = None
        loss = layer(x)[0].sum()
        loss.backward()
        return loss.item()

    return run


def cases() -> Cases:
    """Each case with the number of runs in one measurement."""
    found: Cases = {}
    for kind in ("LSTM", "GRU", "RNN"):
        found[f"{kind} reads images by rows"] = (partial(rows_of_images, kind=kind), 3)
    for layers in (1, 2):
        name = f"LSTM language model, {layers} layer(s)"
        found[name] = partial(language_model, kind="LSTM", layers=layers), 2
    found["GRU language model, 1 layer(s)"] = partial(language_model, kind="GRU", layers=1), 2
    for kind in ("LSTM", "GRU", "RNN"):
        found[f"{kind} layer alone"] = (partial(layer_alone, kind=kind), 2)
    return found


def main() -> None:
    options = checked(argument_parser(__doc__), {"threads": 1, "rounds": 2})
    compare_cases(cases(), options)


if __name__ == "__main__":
    main()
