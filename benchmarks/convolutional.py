"""Training steps of convolutional networks, and single layers: tapegrad beside PyTorch.

    python benchmarks/convolutional.py [--threads 1] [--rounds 20] [--json]

See README.md in this directory for what is measured and how.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from compare import Cases, Library, argument_parser, checked, compare_cases, same_weights


def classifier(
    library: Library, build: Callable[[Any], Any], image: tuple[int, ...], batch: int
) -> Callable[[], Any]:
    """A step with SGD and momentum of the network that `build` makes of `nn`; returns the loss."""
    import numpy as np

    rng = np.random.default_rng(0)
    model = build(library.nn)
    same_weights(library, model, rng)
    x = library.tensors.tensor(rng.standard_normal((batch, *image), dtype=np.float32))
    y = library.tensors.tensor(rng.integers(0, 10, batch))
    cross_entropy = library.nn.CrossEntropyLoss()
    optimizer = library.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)

    def step() -> Any:
        optimizer.zero_grad()
        loss = cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        return loss.item()

    return step


def lenet(nn: Any) -> Any:
    """LeNet-5 with ReLU and maxima, as it is written today."""
    return nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(6, 16, 5),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(400, 120),
        nn.ReLU(),
        nn.Linear(120, 84),
        nn.ReLU(),
        nn.Linear(84, 10),
    )


def convolution(nn: Any, inputs: int, outputs: int, stride: int = 1) -> Any:
    """A convolution of 3 x 3, batch norm and ReLU."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(),
    )


def resnet(nn: Any) -> Any:
    """A stem and two residual blocks, the second with half the resolution: 32 to 64 channels."""

    class Block(nn.Module):
        def __init__(self, inputs: int, outputs: int, stride: int) -> None:
            super().__init__()
            self.first = convolution(nn, inputs, outputs, stride)
            self.second = nn.Sequential(
                nn.Conv2d(outputs, outputs, 3, padding=1, bias=False), nn.BatchNorm2d(outputs)
            )
            self.short = nn.Identity()
            if inputs != outputs:
                self.short = nn.Conv2d(inputs, outputs, 1, stride=stride, bias=False)
            self.relu = nn.ReLU()

        def forward(self, x: Any) -> Any:
            return self.relu(self.second(self.first(x)) + self.short(x))

    blocks = (convolution(nn, 3, 32), Block(32, 32, 1), Block(32, 64, 2))
    return nn.Sequential(*blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10))


def unet(library: Library, batch: int) -> Callable[[], Any]:
    """A step with Adam of a U-Net of two levels, 16 and 32 features, on 32 x 32 images."""
    import numpy as np

    rng, nn = np.random.default_rng(0), library.nn
    base: Any = nn.Module

    class UNet(base):
        def __init__(self) -> None:
            super().__init__()
            self.down = nn.Sequential(convolution(nn, 3, 16), convolution(nn, 16, 16))
            self.pool = nn.MaxPool2d(2)
            self.below = nn.Sequential(convolution(nn, 16, 32), convolution(nn, 32, 32))
            self.up = nn.ConvTranspose2d(32, 16, 2, stride=2)
            self.out = nn.Sequential(convolution(nn, 32, 16), nn.Conv2d(16, 1, 1))

        def forward(self, x: Any) -> Any:
            beside = self.down(x)
            below = self.up(self.below(self.pool(beside)))
            return self.out(library.tensors.cat([beside, below], 1))

    model = UNet()
    same_weights(library, model, rng)
    x = library.tensors.tensor(rng.standard_normal((batch, 3, 32, 32), dtype=np.float32))
    mask = library.tensors.tensor((rng.random((batch, 1, 32, 32)) < 0.5).astype(np.float32))
    loss_of = nn.BCEWithLogitsLoss()
    optimizer = library.optim.Adam(model.parameters(), lr=1e-3)

    def step() -> Any:
        optimizer.zero_grad()
        loss = loss_of(model(x), mask)
        loss.backward()
        optimizer.step()
        return loss.item()

    return step


def dcgan(library: Library, batch: int) -> Callable[[], Any]:
    """Forward and backward of a generator of 32 x 32 images and a discriminator of them."""
    import numpy as np

    rng, nn = np.random.default_rng(0), library.nn
    generator = nn.Sequential(
        nn.ConvTranspose2d(64, 128, 4, bias=False),
        nn.BatchNorm2d(128),
        nn.ReLU(),
        nn.ConvTranspose2d(128, 64, 4, 2, 1, bias=False),
        nn.BatchNorm2d(64),
        nn.ReLU(),
        nn.ConvTranspose2d(64, 32, 4, 2, 1, bias=False),
        nn.BatchNorm2d(32),
        nn.ReLU(),
        nn.ConvTranspose2d(32, 3, 4, 2, 1),
        nn.Tanh(),
    )
    discriminator = nn.Sequential(
        nn.Conv2d(3, 32, 4, 2, 1),
        nn.LeakyReLU(0.2),
        nn.Conv2d(32, 64, 4, 2, 1, bias=False),
        nn.BatchNorm2d(64),
        nn.LeakyReLU(0.2),
        nn.Conv2d(64, 1, 8),
        nn.Flatten(),
    )
    model = nn.Sequential(generator, discriminator)
    same_weights(library, model, rng)
    z = library.tensors.tensor(rng.standard_normal((batch, 64, 1, 1), dtype=np.float32))
    ones = library.tensors.ones(batch, 1)
    loss_of = nn.BCEWithLogitsLoss()

    def run() -> Any:
        model.zero_grad()
        loss = loss_of(model(z), ones)
        loss.backward()
        return loss.item()

    return run


def layer(
    library: Library, build: Callable[[Any], Any], shape: tuple[int, ...]
) -> Callable[[], Any]:
    """Forward and backward of one layer, to its input and its parameters.

    Returns sums of one image and of its gradient, which cost next to nothing.
    """
    import numpy as np

    rng = np.random.default_rng(0)
    alone = build(library.nn)
    same_weights(library, alone, rng)
    tensor = library.tensors.tensor
    x = tensor(rng.standard_normal(shape, dtype=np.float32), requires_grad=True)
    with library.tensors.no_grad():
        out = tuple(alone(x).shape)
    seed = tensor(rng.standard_normal(out, dtype=np.float32))
    leaves = [x, *alone.parameters()]

    def run() -> Any:
        for leaf in leaves:
            leaf.grad = None
        y = alone(x)
        y.backward(seed)
        return float(y.detach()[0].sum() + x.grad[0].sum())

    return run


LAYERS: dict[str, tuple[Callable[[Any], Any], tuple[int, ...]]] = {
    "conv 1x1": (lambda nn: nn.Conv2d(32, 32, 1), (16, 32, 32, 32)),
    "conv 3x3": (lambda nn: nn.Conv2d(32, 32, 3, padding=1), (16, 32, 32, 32)),
    "conv 3x3, stride 2": (lambda nn: nn.Conv2d(32, 64, 3, 2, 1), (16, 32, 32, 32)),
    "conv 3x3, 128 channels": (lambda nn: nn.Conv2d(128, 128, 3, padding=1), (16, 128, 8, 8)),
    "conv 5x5": (lambda nn: nn.Conv2d(6, 16, 5), (64, 6, 14, 14)),
    "conv 3x3, depthwise": (
        lambda nn: nn.Conv2d(32, 32, 3, padding=1, groups=32),
        (16, 32, 32, 32),
    ),
    "conv of length 5": (lambda nn: nn.Conv1d(32, 64, 5), (32, 32, 100)),
    "transposed conv 4x4, stride 2": (
        lambda nn: nn.ConvTranspose2d(64, 32, 4, 2, 1),
        (16, 64, 16, 16),
    ),
    "max pool": (lambda nn: nn.MaxPool2d(2), (16, 32, 32, 32)),
    "max pool 3x3, stride 2": (lambda nn: nn.MaxPool2d(3, 2, 1), (16, 32, 32, 32)),
    "average pool": (lambda nn: nn.AvgPool2d(2), (16, 32, 32, 32)),
    "batch norm": (lambda nn: nn.BatchNorm2d(32), (16, 32, 32, 32)),
    "group norm": (lambda nn: nn.GroupNorm(4, 32), (16, 32, 32, 32)),
}


def cases() -> Cases:
    """Each case with the number of runs in one measurement."""
    found: Cases = {
        "LeNet, 28 x 28": (partial(classifier, build=lenet, image=(1, 28, 28), batch=64), 3),
        "ResNet of two blocks": (partial(classifier, build=resnet, image=(3, 32, 32), batch=16), 2),
        "U-Net of two levels": (partial(unet, batch=16), 2),
        "DCGAN": (partial(dcgan, batch=16), 2),
    }
    for name, (build, shape) in LAYERS.items():
        found[f"{name} alone"] = (partial(layer, build=build, shape=shape), 4)
    return found


def main() -> None:
    options = checked(argument_parser(__doc__), {"threads": 1, "rounds": 2})
    compare_cases(cases(), options)


if __name__ == "__main__":
    main()
