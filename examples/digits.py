"""Trains a network to read handwritten digits, saves and reloads it, and shows what it does.

    python examples/digits.py                        12,000 digits that come with the package
    python examples/digits.py --data-dir DIR         the full MNIST, from its four IDX files

The network is 784-512-256-10 with ReLU, trained with Adam on the cross-entropy of images that
are moved by up to a pixel.
"""

import argparse
import math
import sys
import time
from pathlib import Path
from typing import NoReturn

from tqdm import tqdm

import autograd
import nn
import nn.functional as F
import optim
from nn.data import MNIST, DataLoader, TensorDataset, digits

Data = TensorDataset | MNIST


class Net(nn.Module):
    """784 pixels, two hidden layers, ten scores."""

    def __init__(self) -> None:
        super().__init__()
        self.hidden1 = nn.Linear(28 * 28, 512)
        self.hidden2 = nn.Linear(512, 256)
        self.out = nn.Linear(256, 10)

    def forward(self, images: autograd.Tensor) -> autograd.Tensor:
        x = images.flatten(1)
        x = F.relu(self.hidden1(x))
        x = F.relu(self.hidden2(x))
        return self.out(x)


def moved(images: autograd.Tensor) -> autograd.Tensor:
    """A batch one pixel up, down, left or right, or where it was: the network learns shapes, not
    places, which is worth almost 2 % of accuracy with so few images."""
    down, right = autograd.randint(-1, 2, (2,)).tolist()
    return images.roll((down, right), (-2, -1))


def train_epoch(model: Net, optimizer: optim.Optimizer, batches: DataLoader, title: str) -> float:
    """One pass over the training data; returns the mean loss."""
    model.train()
    total, count = 0.0, 0
    # Drawn only on a terminal, and wiped away at the end.
    bar = tqdm(batches, title, unit="batch", file=sys.stdout, leave=False, disable=None)
    for images, labels in bar:
        loss = F.cross_entropy(model(moved(images)), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item() * len(labels)
        count += len(labels)
        bar.set_postfix_str(f"loss {total / count:.3f}", refresh=False)
    return total / count


def accuracy(model: Net, data: Data) -> float:
    """The share of the images in `data` whose highest score is the right one."""
    model.eval()
    correct = 0
    with autograd.no_grad():
        for images, labels in DataLoader(data, batch_size=1000):
            correct += (model(images).argmax(1) == labels).sum().item()
    return correct / len(data)


def run(args: argparse.Namespace, train: Data, test: Data) -> None:
    autograd.manual_seed(args.seed)
    autograd.set_num_threads(1)  # products this small are not worth sharing
    model = Net()
    print(model)
    print(f"{len(train):,} training and {len(test):,} test images")
    batches = DataLoader(train, batch_size=args.batch_size, shuffle=True)
    optimizer = optim.Adam(model.parameters(), lr=args.lr)
    # The learning rate falls in a line: ever smaller steps settle on a better network.
    schedule = optim.lr_scheduler.PolynomialLR(optimizer, total_iters=args.epochs)
    start = time.perf_counter()
    for epoch in range(1, args.epochs + 1):
        title = f"epoch {epoch}/{args.epochs}"
        mean_loss = train_epoch(model, optimizer, batches, title)
        schedule.step()
        score = accuracy(model, test)
        print(f"{title}  loss {mean_loss:.4f}  test accuracy {score:.2%}", flush=True)
    print(f"trained in {time.perf_counter() - start:.1f} s")

    weights = args.out / "digits.safetensors"
    autograd.save(model.state_dict(), weights)
    reloaded = Net()
    reloaded.load_state_dict(autograd.load(weights))
    print(f"{weights}: reloaded into a new network, test accuracy {accuracy(reloaded, test):.2%}")

    images, labels = next(iter(batches))
    with autograd.trace():  # remembers values, source lines, and which layer made what
        loss = F.cross_entropy(model(images), labels)
    graph = loss.draw(model).save(args.out / "graph.svg")
    print(f"{graph}: the graph of one loss")
    page = args.out / "backprop.html"
    update = optim.Adam(model.parameters(), lr=args.lr)  # that of the training came to rate 0
    autograd.step(loss, optimizer=update, params=model).save(page)
    print(f"{page}: step through its backward pass in a browser; it needs no network")


class Parser(argparse.ArgumentParser):
    """Answers a wrong option with one line instead of the whole usage."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {' '.join(message.split())}\n")


def positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"must be a whole number above 0, got {text!r}")
    return int(text)


def rate(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"must be a number above 0, got {text!r}")
    return value


def load_data(folder: Path | None) -> tuple[Data, Data]:
    if folder is None:
        return digits()
    if not folder.is_dir():
        raise ValueError(f"argument --data-dir: there is no directory {folder}")
    try:
        train, test = MNIST(folder, train=True), MNIST(folder, train=False)
    except RuntimeError:
        raise ValueError(
            f"argument --data-dir: {folder} must hold the four files train-images-idx3-ubyte, "
            "train-labels-idx1-ubyte, t10k-images-..., t10k-labels-..., plain or .gz"
        ) from None
    for data in (train, test):
        if data.data.shape[1:] != (28, 28) or not len(data) or data.targets.max() > 9:
            raise ValueError(f"argument --data-dir: {folder} must hold digits of 28 x 28 pixels")
    return train, test


def main() -> int:
    parser = Parser(prog="digits.py", description=__doc__.partition("\n")[0])
    parser.add_argument("--data-dir", type=Path, metavar="DIR", help="full MNIST (plain or .gz)")
    parser.add_argument("--epochs", type=positive, default=10, help="default: %(default)s")
    parser.add_argument("--batch-size", type=positive, default=64, help="default: %(default)s")
    parser.add_argument("--lr", type=rate, default=1e-3, help="default: %(default)s")
    parser.add_argument("--seed", type=int, default=0, help="default: %(default)s")
    parser.add_argument("--out", type=Path, default=Path("out"), help="default: %(default)s")
    args = parser.parse_args()
    try:
        train, test = load_data(args.data_dir)
        if args.batch_size > len(train):
            raise ValueError(f"argument --batch-size: the data has only {len(train):,} images")
        args.out.mkdir(parents=True, exist_ok=True)
    except (OSError, ValueError) as error:
        parser.error(str(error))
    try:
        run(args, train, test)
    except KeyboardInterrupt:
        print("\ninterrupted", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
