"""Trains a recurrent network to predict the next word of a text, and lets it write.

    python examples/word_language_model.py               the text of Python's own help pages
    python examples/word_language_model.py --text FILE   any text

Embeddings, layers of LSTM (or GRU, or a plain network), and scores of all words. The text runs
past in short pieces; the state is carried from one to the next, the gradients are not (truncated
backpropagation through time).
"""

import argparse
import collections
import math
import pydoc_data.topics
import re
import time
from pathlib import Path

import autograd
import nn
import nn.functional as F
import optim

UNKNOWN, NEW_LINE = "<unk>", "\n"


class Model(nn.Module):
    """Scores of the next word after each word of some texts that are read at the same time."""

    def __init__(self, kind, words, width, layers, dropout, tied):
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.words = nn.Embedding(words, width)
        between = dropout if layers > 1 else 0.0
        self.memory = getattr(nn, kind)(width, width, layers, dropout=between)
        self.scores = nn.Linear(width, words)
        nn.init.uniform_(self.words.weight, -0.1, 0.1)
        nn.init.uniform_(self.scores.weight, -0.1, 0.1)
        nn.init.zeros_(self.scores.bias)
        if tied:
            self.scores.weight = self.words.weight

    def forward(self, text, state=None):
        out, state = self.memory(self.dropout(self.words(text)), state)
        return self.scores(self.dropout(out)), state


def cut_off(state):
    """The state without its history."""
    if isinstance(state, tuple):
        return tuple(part.detach() for part in state)
    return state.detach()


# The text --------------------------------------------------------------------------------------


def words_of(text):
    """Words, numbers, other signs and the ends of lines; underlines are left out."""
    text = re.sub(r"([^\w\s])\1{3,}", "", text.lower())
    return re.findall(r"[^\W\d_]+|\d+|[^\w\s]|_|\n", re.sub(r"\n\s*\n", "\n", text))


def spaced(words):
    """A line as a person would write it."""
    return re.sub(r" ([.,;:!?)\]}])", r"\1", re.sub(r"([(\[{]) ", r"\1", " ".join(words)))


def vocabulary_of(words, least):
    """The words that occur at least `least` times, the most frequent first."""
    counted = collections.Counter(words).most_common()
    return [UNKNOWN, *(word for word, count in counted if count >= least)]


def in_columns(tokens, columns):
    """The text as so many texts side by side, (words, columns); what is left over is dropped."""
    rows = len(tokens) // columns
    return tokens[: rows * columns].reshape(columns, rows).t().contiguous()


def pieces(text, length):
    """The text from top to bottom: pieces of up to `length` words, and the words that follow."""
    for start in range(0, len(text) - 1, length):
        end = min(start + length, len(text) - 1)
        yield text[start:end], text[start + 1 : end + 1]


# Training --------------------------------------------------------------------------------------


def loss_of(scores, targets):
    return F.cross_entropy(scores.reshape(-1, scores.shape[-1]), targets.reshape(-1))


def train(model, text, optimizer, epoch, args):
    model.train()
    state, total, count, start = None, 0.0, 0, time.perf_counter()
    batches = list(pieces(text, args.length))
    for i, (inputs, targets) in enumerate(batches, 1):
        if state is not None:
            state = cut_off(state)
        scores, state = model(inputs, state)
        loss = loss_of(scores, targets)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), args.clip)
        optimizer.step()
        total, count = total + loss.item(), count + 1
        if i % args.log_interval == 0 or i == len(batches):
            seconds = time.perf_counter() - start
            print(
                f"epoch {epoch}  piece {i}/{len(batches)}  perplexity "
                f"{math.exp(total / count):.1f}  {seconds:.0f} s",
                flush=True,
            )
            total, count = 0.0, 0
        if args.dry_run:
            break


@autograd.no_grad()
def perplexity(model, text, args):
    """exp of the mean loss: among how many words the model hesitates."""
    model.eval()
    state, total, count = None, 0.0, 0
    for inputs, targets in pieces(text, args.length):
        scores, state = model(inputs, state)
        total += loss_of(scores, targets).item() * len(inputs)
        count += len(inputs)
    return math.exp(total / count)


@autograd.no_grad()
def write(model, vocabulary, length, temperature):
    """`length` words, each drawn after what came before it."""
    model.eval()
    word, state, written = vocabulary.index(NEW_LINE), None, []
    for _ in range(length):
        scores, state = model(autograd.tensor([[word]]), state)
        shares = F.softmax(scores[0, 0] / temperature, dim=0)
        shares[0] = 0.0  # it is not to write "<unk>"
        word = autograd.multinomial(shares, 1).item()
        written.append(vocabulary[word])
    lines = " ".join(written).split(NEW_LINE)
    return "\n".join(spaced(line.split()) for line in lines)


def run(args, text):
    autograd.manual_seed(args.seed)
    autograd.set_num_threads(1)  # products this small are not worth sharing
    words = words_of(text)
    vocabulary = vocabulary_of(words, args.least)
    number = {word: i for i, word in enumerate(vocabulary)}
    tokens = autograd.tensor([number.get(word, 0) for word in words])
    held_out = len(tokens) // 10
    training = in_columns(tokens[:-held_out], args.batch_size)
    validation = in_columns(tokens[-held_out:], 10)
    model = Model(args.model, len(vocabulary), args.width, args.layers, args.dropout, args.tied)
    count = sum(p.numel() for p in model.parameters())
    print(f"{len(words):,} words, {len(vocabulary):,} different; {count:,} parameters")
    optimizer = optim.Adam(model.parameters(), lr=args.lr)
    schedule = optim.lr_scheduler.ReduceLROnPlateau(optimizer, factor=0.25, patience=0)
    for epoch in range(1, args.epochs + 1):
        train(model, training, optimizer, epoch, args)
        found = perplexity(model, validation, args)
        schedule.step(found)
        print(f"epoch {epoch}  held-out perplexity {found:.1f}", flush=True)
    if args.save_model:
        autograd.save(model.state_dict(), args.save_model)
    print(write(model, vocabulary, args.write, args.temperature))


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--text", type=Path, help="a text file (default: Python's help pages)")
    parser.add_argument("--model", choices=["LSTM", "GRU", "RNN"], default="LSTM")
    parser.add_argument("--width", type=int, default=128, help="default: %(default)s")
    parser.add_argument("--layers", type=int, default=1, help="default: %(default)s")
    parser.add_argument("--dropout", type=float, default=0.2, help="default: %(default)s")
    parser.add_argument("--tied", action="store_true", help="one matrix for words and scores")
    parser.add_argument("--epochs", type=int, default=3, help="default: %(default)s")
    parser.add_argument("--batch-size", type=int, default=20, help="default: %(default)s")
    parser.add_argument("--length", type=int, default=35, help="of a piece (default: %(default)s)")
    parser.add_argument("--lr", type=float, default=5e-3, help="default: %(default)s")
    parser.add_argument("--clip", type=float, default=0.25, help="default: %(default)s")
    parser.add_argument("--least", type=int, default=4, help="times a word must occur")
    parser.add_argument("--seed", type=int, default=0, help="default: %(default)s")
    parser.add_argument("--log-interval", type=int, default=50, help="default: %(default)s")
    parser.add_argument("--write", type=int, default=120, help="words (default: %(default)s)")
    parser.add_argument("--temperature", type=float, default=0.8, help="default: %(default)s")
    parser.add_argument("--dry-run", action="store_true", help="only one piece of each epoch")
    parser.add_argument("--save-model", type=Path, help="a file for the weights")
    return parser.parse_args()


def main():
    args = arguments()
    if args.text is None:
        text = "\n".join(pydoc_data.topics.topics.values())
    else:
        text = args.text.read_text(encoding="utf-8")
    run(args, text)


if __name__ == "__main__":
    main()
