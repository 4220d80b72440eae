"""Training steps of other textbook programs: tapegrad beside PyTorch.

    python benchmarks/textbook.py [--threads 1] [--rounds 20] [--json]

See README.md in this directory for what is measured and how.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from functools import partial
from typing import Any

from compare import Cases, Library, argument_parser, checked, compare_cases, same_weights


def dense(nn: Any, *sizes: int, last: Any = None) -> Any:
    """Linear layers with ReLU between them, and `last` behind."""
    layers: list[Any] = []
    for inputs, outputs in itertools.pairwise(sizes):
        layers += [nn.Linear(inputs, outputs), nn.ReLU()]
    return nn.Sequential(*layers[:-1], *([] if last is None else [last]))


def autoencoder(library: Library) -> Callable[[], Any]:
    """A step with Adam of a 784-256-64-256-784 autoencoder, mean squared error, batch 64."""
    import numpy as np

    rng, nn = np.random.default_rng(0), library.nn
    model = dense(nn, 784, 256, 64, 256, 784, last=nn.Sigmoid())
    same_weights(library, model, rng)
    x = library.tensors.tensor(rng.random((64, 784), dtype=np.float32))
    loss_of, optimizer = nn.MSELoss(), library.optim.Adam(model.parameters(), lr=1e-3)

    def step() -> Any:
        optimizer.zero_grad()
        loss = loss_of(model(x), x)
        loss.backward()
        optimizer.step()
        return loss.item()

    return step


def vae(library: Library) -> Callable[[], Any]:
    """A step with Adam of a variational autoencoder, 784-400-20, batch 64; the noise is given."""
    import numpy as np

    rng, nn = np.random.default_rng(0), library.nn
    encoder, decoder = dense(nn, 784, 400, 40), dense(nn, 20, 400, 784)
    model = nn.ModuleList([encoder, decoder])
    same_weights(library, model, rng)
    x = library.tensors.tensor(rng.random((64, 784), dtype=np.float32))
    noise = library.tensors.tensor(rng.standard_normal((64, 20), dtype=np.float32))
    loss_of = nn.BCEWithLogitsLoss(reduction="sum")
    optimizer = library.optim.Adam(model.parameters(), lr=1e-4)

    def step() -> Any:
        optimizer.zero_grad()
        mean, log_variance = encoder(x).chunk(2, 1)
        z = mean + noise * (0.5 * log_variance).exp()
        divergence = -0.5 * (1 + log_variance - mean**2 - log_variance.exp()).sum()
        loss = (loss_of(decoder(z), x) + divergence) / len(x)
        loss.backward()
        optimizer.step()
        return loss.item()

    return step


def gan(library: Library) -> Callable[[], Any]:
    """Both steps, with Adam, of a generator 64-256-784 and a discriminator 784-256-1, batch 64."""
    import numpy as np

    rng, nn = np.random.default_rng(0), library.nn
    generator = dense(nn, 64, 256, 784, last=nn.Tanh())
    discriminator = dense(nn, 784, 256, 1)
    for part in (generator, discriminator):
        same_weights(library, part, rng)
    tensors = library.tensors
    x = tensors.tensor(rng.random((64, 784), dtype=np.float32))
    z = tensors.tensor(rng.standard_normal((64, 64), dtype=np.float32))
    ones, zeros, loss_of = tensors.ones(64, 1), tensors.zeros(64, 1), nn.BCEWithLogitsLoss()
    adam = partial(library.optim.Adam, lr=1e-4, betas=(0.5, 0.999))
    steps = adam(generator.parameters()), adam(discriminator.parameters())

    def step() -> Any:
        made = generator(z)
        steps[1].zero_grad()
        of_discriminator = loss_of(discriminator(x), ones) + loss_of(
            discriminator(made.detach()), zeros
        )
        of_discriminator.backward()
        steps[1].step()
        steps[0].zero_grad()
        of_generator = loss_of(discriminator(made), ones)
        of_generator.backward()
        steps[0].step()
        return of_discriminator.item() + of_generator.item()

    return step


def crf(library: Library, words: int, tags: int) -> Callable[[], Any]:
    """Forward and backward of the likelihood under a linear-chain CRF, word after word.

    The loop of PyTorch's tutorial on the BiLSTM-CRF with the tags as vectors: additions,
    logsumexp, indexing.
    """
    import numpy as np

    rng, tensors = np.random.default_rng(0), library.tensors
    scores = tensors.tensor(
        rng.standard_normal((words, tags), dtype=np.float32), requires_grad=True
    )
    moves = tensors.tensor(rng.standard_normal((tags, tags), dtype=np.float32), requires_grad=True)
    path = rng.integers(0, tags, words).tolist()

    def run() -> Any:
        scores.grad = moves.grad = None
        total, gold = scores[0], scores[0, path[0]]
        for i in range(1, words):
            total = tensors.logsumexp(total[:, None] + moves, dim=0) + scores[i]
            gold = gold + moves[path[i - 1], path[i]] + scores[i, path[i]]
        loss = tensors.logsumexp(total, dim=0) - gold
        loss.backward()
        return loss.item()

    return run


def recurrent_by_hand(library: Library) -> Callable[[], Any]:
    """Forward and backward of a plain recurrent network in small steps: products, cat, stack."""
    import numpy as np

    rng, tensors = np.random.default_rng(0), library.tensors
    w = tensors.tensor(rng.standard_normal((48, 32), dtype=np.float32) * 0.1, requires_grad=True)
    b = tensors.tensor(np.zeros(32, np.float32), requires_grad=True)
    x = tensors.tensor(rng.standard_normal((50, 8, 16), dtype=np.float32))
    start = tensors.zeros(8, 32)

    def run() -> Any:
        w.grad = b.grad = None
        h, states = start, []
        for i in range(50):
            h = tensors.tanh(tensors.cat([x[i], h], 1) @ w + b)
            states.append(h)
        loss = (tensors.stack(states) ** 2).mean()
        loss.backward()
        return loss.item()

    return run


def cases() -> Cases:
    """Each case with the number of runs in one measurement."""
    return {
        "autoencoder": (autoencoder, 4),
        "variational autoencoder": (vae, 4),
        "GAN, both steps": (gan, 4),
        "CRF, 30 words, 10 tags": (partial(crf, words=30, tags=10), 10),
        "recurrent network by hand": (recurrent_by_hand, 10),
    }


def main() -> None:
    options = checked(argument_parser(__doc__), {"threads": 1, "rounds": 2})
    compare_cases(cases(), options)


if __name__ == "__main__":
    main()
