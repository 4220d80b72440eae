"""Attention, encoder layers and a small GPT: tapegrad beside PyTorch.

    python benchmarks/transformer.py [--threads 1] [--rounds 20] [--json]

See README.md in this directory for what is measured and how.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from compare import Cases, Library, argument_parser, checked, compare_cases, same_weights

CHARACTERS, CONTEXT, WIDTH, HEADS = 96, 64, 128, 4


def attention(library: Library, batch: int, heads: int, length: int, size: int) -> Any:
    """Causal self-attention of packed projections, forward and backward."""
    import numpy as np

    rng, width = np.random.default_rng(0), heads * size
    values = rng.standard_normal((batch, length, 3 * width)).astype(np.float32)
    packed = library.tensors.tensor(values, requires_grad=True)
    attend = library.nn.functional.scaled_dot_product_attention

    def run() -> Any:
        packed.grad = None
        parts = packed.split(width, dim=2)
        q, k, v = (part.view(batch, length, heads, size).transpose(1, 2) for part in parts)
        out = attend(q, k, v, is_causal=True).transpose(1, 2).reshape(batch, length, width)
        loss = (out * out).sum()
        loss.backward()
        return loss.item() / 1e3

    return run


def encoder(library: Library, batch: int, length: int, width: int, **options: Any) -> Any:
    """A causal encoder layer, forward and backward to its weights."""
    import numpy as np

    rng, nn = np.random.default_rng(0), library.nn
    dropout = options.get("dropout", 0.0)
    options |= {"batch_first": True, "norm_first": True, "dropout": dropout}
    layer = nn.TransformerEncoderLayer(width, width // 32, 4 * width, **options)
    same_weights(library, layer, rng)
    x = library.tensors.tensor(rng.standard_normal((batch, length, width)).astype(np.float32))
    mask = nn.Transformer.generate_square_subsequent_mask(length)

    def run() -> Any:
        for p in layer.parameters():
            p.grad = None
        loss = (layer(x, src_mask=mask, is_causal=True) ** 2).mean()
        loss.backward()
        return loss.item() * (not dropout)  # random, so not compared

    return run


def block(library: Library) -> Any:
    """A layer of a GPT as people write it."""
    nn, f = library.nn, library.nn.functional

    class Block(nn.Module):  # type: ignore[name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.norm1, self.norm2 = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
            self.packed, self.out = nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(WIDTH, WIDTH)
            self.up, self.down = nn.Linear(WIDTH, 4 * WIDTH), nn.Linear(4 * WIDTH, WIDTH)

        def forward(self, x: Any) -> Any:
            n, length, _ = x.shape
            parts = self.packed(self.norm1(x)).split(WIDTH, dim=2)
            q, k, v = (part.view(n, length, HEADS, -1).transpose(1, 2) for part in parts)
            y = f.scaled_dot_product_attention(q, k, v, is_causal=True)
            x = x + self.out(y.transpose(1, 2).reshape(n, length, WIDTH))
            return x + self.down(f.gelu(self.up(self.norm2(x))))

    return Block()


def gpt(library: Library, layers: int, batch: int) -> Callable[[], Any]:
    """A training step with AdamW of a character-level GPT with tied embedding."""
    import numpy as np

    rng, nn, tensors = np.random.default_rng(0), library.nn, library.tensors
    characters, places = nn.Embedding(CHARACTERS, WIDTH), nn.Embedding(CONTEXT, WIDTH)
    blocks = nn.Sequential(*(block(library) for _ in range(layers)), nn.LayerNorm(WIDTH))
    model = nn.ModuleList([characters, places, blocks])
    same_weights(library, model, rng)
    text = tensors.tensor(rng.integers(0, CHARACTERS, (batch, CONTEXT + 1)))
    numbers = tensors.arange(CONTEXT)
    optimizer = library.optim.AdamW(model.parameters(), lr=1e-4)

    def step() -> Any:
        optimizer.zero_grad()
        x = blocks(characters(text[:, :-1]) + places(numbers))
        scores = nn.functional.linear(x, characters.weight).reshape(-1, CHARACTERS)
        loss = nn.functional.cross_entropy(scores, text[:, 1:].reshape(-1))
        loss.backward()
        optimizer.step()
        return loss.item()

    return step


def cases() -> Cases:
    """Each case with the number of runs in one measurement."""
    sizes = {"64 characters": (16, 4, 64, 32), "256 characters": (8, 8, 256, 32)}
    found: Cases = {
        f"attention to {name}": (partial(attention, batch=b, heads=h, length=n, size=d), 4)
        for name, (b, h, n, d) in sizes.items()
    }
    made = partial(encoder, batch=32, length=64, width=128)
    found["encoder layer, ReLU"] = made, 3
    found["encoder layer, GELU"] = partial(made, activation="gelu"), 3
    found["encoder layer, GELU, dropout"] = partial(made, activation="gelu", dropout=0.1), 3
    found["encoder layer, long and wide"] = partial(encoder, batch=8, length=256, width=256), 1
    found["GPT, 4 layers"] = partial(gpt, layers=4, batch=16), 2
    return found


def main() -> None:
    options = checked(argument_parser(__doc__), {"threads": 1, "rounds": 2})
    compare_cases(cases(), options)


if __name__ == "__main__":
    main()
