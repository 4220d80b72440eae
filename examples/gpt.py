"""Trains a small GPT on text, character by character, and lets it write.

    python examples/gpt.py                   the text of Python's own help pages
    python examples/gpt.py --text FILE       any text

The network is the decoder of Radford et al., "Language models are unsupervised multitask
learners" (2019): blocks of causal self-attention and a two-layer network, each normalized before,
and one matrix for both the embedding and the scores of the next character.
"""

import argparse
import pydoc_data.topics
import time
from pathlib import Path

import autograd
import nn
import nn.functional as F
import optim


class Block(nn.Module):
    """Attention to what came before, then a network for each place, both added to their input."""

    def __init__(self, width, heads, dropout):
        super().__init__()
        self.heads = heads
        self.norm1 = nn.LayerNorm(width)
        self.queries_keys_values = nn.Linear(width, 3 * width)
        self.mixed = nn.Linear(width, width)
        self.norm2 = nn.LayerNorm(width)
        self.network = nn.Sequential(
            nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width)
        )
        self.dropout = nn.Dropout(dropout)

    def forward(self, x):
        x = x + self.dropout(self.mixed(self.attend(self.norm1(x))))
        return x + self.dropout(self.network(self.norm2(x)))

    def attend(self, x):
        batch, length, width = x.shape
        parts = self.queries_keys_values(x).split(width, dim=2)
        q, k, v = (
            part.view(batch, length, self.heads, width // self.heads).transpose(1, 2)
            for part in parts
        )
        out = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return out.transpose(1, 2).reshape(batch, length, width)


class GPT(nn.Module):
    """Scores of the next character at every place of a text of up to `context` characters."""

    def __init__(self, characters, context, width, layers, heads, dropout):
        super().__init__()
        self.context = context
        self.characters = nn.Embedding(characters, width)
        self.places = nn.Embedding(context, width)
        self.blocks = nn.Sequential(*(Block(width, heads, dropout) for _ in range(layers)))
        self.norm = nn.LayerNorm(width)
        self.scores = nn.Linear(width, characters, bias=False)
        self.apply(self.initialize)
        self.scores.weight = self.characters.weight

    @staticmethod
    def initialize(module):
        if isinstance(module, (nn.Linear, nn.Embedding)):
            nn.init.normal_(module.weight, 0.0, 0.02)
        if isinstance(module, nn.Linear) and module.bias is not None:
            nn.init.zeros_(module.bias)

    def forward(self, text):
        places = autograd.arange(text.shape[1])
        x = self.characters(text) + self.places(places)
        return self.scores(self.norm(self.blocks(x)))

    @autograd.no_grad()
    def write(self, text, length, temperature=0.8):
        """`text`, of shape (1, n), continued by `length` characters drawn one after the other."""
        self.eval()
        for _ in range(length):
            scores = self(text[:, -self.context :])[:, -1]
            shares = F.softmax(scores / temperature, dim=-1)
            text = autograd.cat([text, autograd.multinomial(shares, 1)], dim=1)
        return text


def batch_of(text, context, size):
    """`size` pieces of the text, and the same moved on by a character, which is to be predicted."""
    starts = autograd.randint(0, len(text) - context, (size, 1))
    places = starts + autograd.arange(context)
    return text[places], text[places + 1]


def loss_of(model, inputs, targets):
    scores = model(inputs)
    return F.cross_entropy(scores.reshape(-1, scores.shape[-1]), targets.reshape(-1))


@autograd.no_grad()
def mean_loss(model, text, args, batches=8):
    model.eval()
    losses = [
        loss_of(model, *batch_of(text, args.context, args.batch_size)) for _ in range(batches)
    ]
    model.train()
    return sum(loss.item() for loss in losses) / batches


def train(model, text, held_out, args):
    optimizer = optim.AdamW(model.parameters(), lr=args.lr, weight_decay=0.1)
    schedule = optim.lr_scheduler.OneCycleLR(optimizer, args.lr, total_steps=args.steps + 1)
    print(f"step {0:5}  held-out loss {mean_loss(model, held_out, args):.3f}", flush=True)
    start = time.perf_counter()
    for step in range(1, args.steps + 1):
        loss = loss_of(model, *batch_of(text, args.context, args.batch_size))
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        if step % args.log_interval == 0 or step == args.steps:
            held_out_loss = mean_loss(model, held_out, args)
            print(
                f"step {step:5}  loss {loss.item():.3f}  held-out loss {held_out_loss:.3f}  "
                f"{time.perf_counter() - start:.0f} s",
                flush=True,
            )


def arguments():
    parser = argparse.ArgumentParser(description="Trains a small GPT on text.")
    parser.add_argument("--text", type=Path, help="a text file (default: Python's help pages)")
    parser.add_argument("--steps", type=int, default=400, help="default: %(default)s")
    parser.add_argument("--layers", type=int, default=4, help="default: %(default)s")
    parser.add_argument("--heads", type=int, default=4, help="default: %(default)s")
    parser.add_argument("--width", type=int, default=64, help="default: %(default)s")
    parser.add_argument("--context", type=int, default=64, help="default: %(default)s")
    parser.add_argument("--batch-size", type=int, default=16, help="default: %(default)s")
    parser.add_argument("--dropout", type=float, default=0.0, help="default: %(default)s")
    parser.add_argument("--lr", type=float, default=4e-3, help="the highest (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="default: %(default)s")
    parser.add_argument("--log-interval", type=int, default=100, help="default: %(default)s")
    parser.add_argument("--write", type=int, default=400, help="characters (default: %(default)s)")
    parser.add_argument("--save-model", type=Path, help="a file for the weights")
    return parser.parse_args()


def main():
    args = arguments()
    autograd.manual_seed(args.seed)
    autograd.set_num_threads(1)  # products this small are not worth sharing
    if args.text is None:
        text = "\n".join(pydoc_data.topics.topics.values())
    else:
        text = args.text.read_text(encoding="utf-8")
    characters = sorted(set(text))
    number = {c: i for i, c in enumerate(characters)}
    tokens = autograd.tensor([number[c] for c in text])
    parts = tokens.split(len(tokens) * 9 // 10 + 1)
    model = GPT(len(characters), args.context, args.width, args.layers, args.heads, args.dropout)
    count = sum(p.numel() for p in model.parameters())
    print(f"{len(text):,} characters, {len(characters)} different; {count:,} parameters")
    train(model, *parts, args)
    if args.save_model:
        autograd.save(model.state_dict(), args.save_model)
    written = model.write(tokens[:1].reshape(1, 1), args.write)
    print("".join(characters[i] for i in written[0].tolist()))


if __name__ == "__main__":
    main()
