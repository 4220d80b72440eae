"""Trains a variational autoencoder on digits and shows what it rebuilds and what it makes up.

    python examples/vae.py                    the digits that come with the package
    python examples/vae.py --data-dir DIR     MNIST, fetched into DIR if need be

Kingma & Welling, "Auto-encoding variational Bayes" (2013): an encoder turns an image into a normal
distribution of 20 numbers, a decoder turns numbers drawn from it into an image, and the loss is
how unlikely the image then is plus how far that distribution is from the standard normal one.
"""

import argparse
from pathlib import Path

import autograd
import nn
import nn.functional as F
import optim
from nn.data import MNIST, DataLoader, digits, save_image


class VAE(nn.Module):
    """784 pixels, 400 units, 20 numbers, and the same way back."""

    def __init__(self):
        super().__init__()
        self.hidden = nn.Linear(784, 400)
        self.mean = nn.Linear(400, 20)
        self.log_variance = nn.Linear(400, 20)
        self.back = nn.Linear(20, 400)
        self.pixels = nn.Linear(400, 784)

    def encode(self, x):
        h = F.relu(self.hidden(x))
        return self.mean(h), self.log_variance(h)

    def decode(self, z):
        return autograd.sigmoid(self.pixels(F.relu(self.back(z))))

    def forward(self, x):
        mean, log_variance = self.encode(x.view(-1, 784))
        noise = autograd.randn_like(mean)
        z = mean + noise * autograd.exp(0.5 * log_variance)
        return self.decode(z), mean, log_variance


def loss_of(rebuilt, x, mean, log_variance):
    unlikely = F.binary_cross_entropy(rebuilt, x.view(-1, 784), reduction="sum")
    # The Kullback-Leibler divergence from the standard normal distribution, appendix B.
    divergence = -0.5 * autograd.sum(1 + log_variance - mean.pow(2) - log_variance.exp())
    return unlikely + divergence


def train(model, batches, optimizer):
    model.train()
    total = 0.0
    for images, _ in batches:
        optimizer.zero_grad()
        loss = loss_of(*rebuilt(model, images))
        loss.backward()
        optimizer.step()
        total += loss.item()
    return total / len(batches.dataset)


def rebuilt(model, images):
    out, mean, log_variance = model(images)
    return out, images, mean, log_variance


@autograd.no_grad()
def test(model, batches, picture):
    model.eval()
    total = 0.0
    for i, (images, _) in enumerate(batches):
        out, *rest = rebuilt(model, images)
        total += loss_of(out, *rest).item()
        if i == 0:
            pairs = autograd.cat([images[:8], out[:8].view(-1, 1, 28, 28)])
            save_image(pairs, picture, nrow=8)
    return total / len(batches.dataset)


def arguments():
    parser = argparse.ArgumentParser(description="Trains a variational autoencoder on digits.")
    parser.add_argument("--data-dir", help="use the whole of MNIST, in this folder")
    parser.add_argument("--epochs", type=int, default=10, help="default: %(default)s")
    parser.add_argument("--batch-size", type=int, default=128, help="default: %(default)s")
    parser.add_argument("--lr", type=float, default=1e-3, help="default: %(default)s")
    parser.add_argument("--seed", type=int, default=1, help="default: %(default)s")
    parser.add_argument("--out", type=Path, default=Path("out"), help="default: %(default)s")
    return parser.parse_args()


def main():
    args = arguments()
    autograd.manual_seed(args.seed)
    if args.data_dir:
        train_data, test_data = (
            MNIST(args.data_dir, train=train, download=True) for train in (True, False)
        )
    else:
        train_data, test_data = digits()
    train_batches = DataLoader(train_data, batch_size=args.batch_size, shuffle=True)
    test_batches = DataLoader(test_data, batch_size=args.batch_size)
    args.out.mkdir(parents=True, exist_ok=True)

    model = VAE()
    optimizer = optim.Adam(model.parameters(), lr=args.lr)
    seen = autograd.randn(64, 20)
    for epoch in range(1, args.epochs + 1):
        loss = train(model, train_batches, optimizer)
        test_loss = test(model, test_batches, args.out / "vae_rebuilt.png")
        print(
            f"epoch {epoch}/{args.epochs}  loss {loss:.2f}  test loss {test_loss:.2f}", flush=True
        )
    with autograd.no_grad():
        save_image(model.decode(seen).view(64, 1, 28, 28), args.out / "vae_made_up.png")
    print(f"{args.out}/vae_rebuilt.png: test digits, and below each what was rebuilt of it")
    print(f"{args.out}/vae_made_up.png: digits made from random numbers")


if __name__ == "__main__":
    main()
