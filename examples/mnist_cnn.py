"""Trains a convolutional network to read handwritten digits.

    python examples/mnist_cnn.py                    the digits that come with the package
    python examples/mnist_cnn.py --data-dir DIR     MNIST, fetched into DIR if need be

Two convolutions, one pooling, two linear layers, with dropout; Adadelta, and a learning rate that
falls after each epoch.
"""

import argparse
import time

import autograd
import nn
import nn.functional as F
import optim
from nn.data import MNIST, DataLoader, digits
from optim.lr_scheduler import StepLR


class Net(nn.Module):
    """The log-probabilities of ten digits for images of 28 x 28 pixels."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 32, 3)
        self.conv2 = nn.Conv2d(32, 64, 3)
        self.dropout1 = nn.Dropout(0.25)
        self.dropout2 = nn.Dropout(0.5)
        self.hidden = nn.Linear(64 * 12 * 12, 128)
        self.out = nn.Linear(128, 10)

    def forward(self, x):
        x = F.relu(self.conv1(x))
        x = F.relu(self.conv2(x))
        x = self.dropout1(F.max_pool2d(x, 2))
        x = F.relu(self.hidden(autograd.flatten(x, 1)))
        return F.log_softmax(self.out(self.dropout2(x)), dim=1)


def train(model, batches, optimizer, epoch, args):
    model.train()
    start = time.perf_counter()
    for i, (images, labels) in enumerate(batches):
        optimizer.zero_grad()
        loss = F.nll_loss(model(images), labels)
        loss.backward()
        optimizer.step()
        if i % args.log_interval == 0:
            print(
                f"epoch {epoch}  batch {i}/{len(batches)}  loss {loss.item():.4f}  "
                f"{time.perf_counter() - start:.1f} s",
                flush=True,
            )
            if args.dry_run:
                break


@autograd.no_grad()
def test(model, batches):
    model.eval()
    loss, correct = 0.0, 0
    for images, labels in batches:
        output = model(images)
        loss += F.nll_loss(output, labels, reduction="sum").item()
        correct += output.argmax(dim=1).eq(labels).sum().item()
    count = len(batches.dataset)
    print(f"test loss {loss / count:.4f}  accuracy {correct}/{count} ({correct / count:.2%})")


def arguments():
    parser = argparse.ArgumentParser(description="Trains a convolutional network on digits.")
    parser.add_argument("--data-dir", help="use the whole of MNIST, in this folder")
    parser.add_argument("--epochs", type=int, default=1, help="default: %(default)s")
    parser.add_argument("--batch-size", type=int, default=64, help="default: %(default)s")
    parser.add_argument("--test-batch-size", type=int, default=500, help="default: %(default)s")
    parser.add_argument("--lr", type=float, default=1.0, help="default: %(default)s")
    parser.add_argument("--gamma", type=float, default=0.7, help="of the rate, for each epoch")
    parser.add_argument("--seed", type=int, default=1, help="default: %(default)s")
    parser.add_argument("--log-interval", type=int, default=25, help="in batches")
    parser.add_argument("--dry-run", action="store_true", help="one batch only")
    parser.add_argument("--save-model", action="store_true", help="to mnist_cnn.safetensors")
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
    test_batches = DataLoader(test_data, batch_size=args.test_batch_size)

    model = Net()
    optimizer = optim.Adadelta(model.parameters(), lr=args.lr)
    scheduler = StepLR(optimizer, step_size=1, gamma=args.gamma)
    for epoch in range(1, args.epochs + 1):
        train(model, train_batches, optimizer, epoch, args)
        test(model, test_batches)
        scheduler.step()
    if args.save_model:
        autograd.save(model.state_dict(), "mnist_cnn.safetensors")


if __name__ == "__main__":
    main()
