"""Trains two convolutional networks against each other until one draws digits.

    python examples/dcgan.py                    the digits that come with the package
    python examples/dcgan.py --data-dir DIR     MNIST, fetched into DIR if need be

Radford, Metz & Chintala, "Unsupervised representation learning with deep convolutional generative
adversarial networks" (2015), small: a generator makes images of noise, a discriminator tells them
from real ones, and each learns from the other's mistakes.
"""

import argparse
import time
from pathlib import Path

import autograd
import nn
import optim
from nn.data import MNIST, DataLoader, digits, save_image


def generator(noise, width):
    """From (N, noise, 1, 1) to images (N, 1, 28, 28) with values in (-1, 1)."""
    return nn.Sequential(
        nn.ConvTranspose2d(noise, 2 * width, 7, bias=False),
        nn.BatchNorm2d(2 * width),
        nn.ReLU(),
        nn.ConvTranspose2d(2 * width, width, 4, stride=2, padding=1, bias=False),
        nn.BatchNorm2d(width),
        nn.ReLU(),
        nn.ConvTranspose2d(width, 1, 4, stride=2, padding=1, bias=False),
        nn.Tanh(),
    )


def discriminator(width):
    """From images to the log-odds that they are real, (N, 1, 1, 1)."""
    return nn.Sequential(
        nn.Conv2d(1, width, 4, stride=2, padding=1, bias=False),
        nn.LeakyReLU(0.2),
        nn.Conv2d(width, 2 * width, 4, stride=2, padding=1, bias=False),
        nn.BatchNorm2d(2 * width),
        nn.LeakyReLU(0.2),
        nn.Conv2d(2 * width, 1, 7, bias=False),
    )


def initialize(module):
    """The paper's initial weights, section 4."""
    if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d)):
        nn.init.normal_(module.weight, 0.0, 0.02)
    elif isinstance(module, nn.BatchNorm2d):
        nn.init.normal_(module.weight, 1.0, 0.02)
        nn.init.zeros_(module.bias)


class Game:
    """Both networks with their optimizers, and one step of each."""

    def __init__(self, args):
        self.noise = args.noise
        self.draws = generator(args.noise, args.width).apply(initialize)
        self.judges = discriminator(args.width).apply(initialize)
        self.drawing, self.judging = (
            optim.Adam(network.parameters(), lr=args.lr, betas=(0.5, 0.999))
            for network in (self.draws, self.judges)
        )
        self.loss = nn.BCEWithLogitsLoss()

    def random(self, count):
        return autograd.randn(count, self.noise, 1, 1)

    def step(self, images):
        """Returns the losses of discriminator and generator."""
        real, false = autograd.ones(len(images)), autograd.zeros(len(images))
        made = self.draws(self.random(len(images)))

        self.judging.zero_grad()
        of_real = self.loss(self.judges(images).flatten(), real)
        of_made = self.loss(self.judges(made.detach()).flatten(), false)
        judged = of_real + of_made
        judged.backward()
        self.judging.step()

        self.drawing.zero_grad()
        drawn = self.loss(self.judges(made).flatten(), real)
        drawn.backward()
        self.drawing.step()
        return judged.item(), drawn.item()

    @autograd.no_grad()
    def show(self, noise, path):
        self.draws.eval()
        save_image(self.draws(noise) * 0.5 + 0.5, path)
        self.draws.train()


def arguments():
    parser = argparse.ArgumentParser(description="Trains a generative adversarial network.")
    parser.add_argument("--data-dir", help="use the whole of MNIST, in this folder")
    parser.add_argument("--epochs", type=int, default=3, help="default: %(default)s")
    parser.add_argument("--batch-size", type=int, default=64, help="default: %(default)s")
    parser.add_argument("--noise", type=int, default=32, help="numbers (default: %(default)s)")
    parser.add_argument("--width", type=int, default=16, help="channels (default: %(default)s)")
    parser.add_argument("--lr", type=float, default=1e-3, help="default: %(default)s")
    parser.add_argument("--seed", type=int, default=0, help="default: %(default)s")
    parser.add_argument("--out", type=Path, default=Path("out"), help="default: %(default)s")
    return parser.parse_args()


def main():
    args = arguments()
    autograd.manual_seed(args.seed)
    data = MNIST(args.data_dir, download=True) if args.data_dir else digits()[0]
    batches = DataLoader(data, batch_size=args.batch_size, shuffle=True, drop_last=True)
    args.out.mkdir(parents=True, exist_ok=True)
    game = Game(args)
    fixed = game.random(64)
    start = time.perf_counter()
    for epoch in range(1, args.epochs + 1):
        losses = [game.step(images * 2 - 1) for images, _ in batches]
        judged, drawn = (sum(part) / len(losses) for part in zip(*losses, strict=True))
        picture = args.out / f"dcgan_epoch_{epoch}.png"
        game.show(fixed, picture)
        print(
            f"epoch {epoch}/{args.epochs}  discriminator loss {judged:.3f}  generator loss "
            f"{drawn:.3f}  {time.perf_counter() - start:.0f} s  {picture}",
            flush=True,
        )


if __name__ == "__main__":
    main()
