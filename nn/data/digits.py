"""A subset of MNIST that comes with the package: real data for a first model, with no download.

`embedded/README.md` says where the data come from, and `embedded/make_digits.py` makes the file.
"""

import lzma
from importlib.resources import files

import numpy as np

from autograd import from_numpy
from nn.data.dataset import TensorDataset
from nn.data.mnist import unit_images

TRAIN, TEST, SIDE = 10_000, 2_000, 28


def digits(flatten: bool = False) -> tuple[TensorDataset, TensorDataset]:
    """The first 10,000 training and the first 2,000 test images of MNIST, with their labels.

    Args:
        flatten: images of shape (784,), for a network of linear layers, instead of (1, 28, 28).

    Returns:
        The training set and the test set: float32 images in [0, 1] of shape (N, 1, 28, 28) or
        (N, 784), and int64 labels (N,).

    Example:
        >>> train, test = digits()
        >>> image, label = train[0]
        >>> len(train), len(test), tuple(image.shape), int(label)
        (10000, 2000, (1, 28, 28), 5)

    Source: see `MNIST`.
    """
    packed = files("nn.data").joinpath("embedded", "digits.xz").read_bytes()
    # xz carries a checksum of its own, so damage cannot pass unseen.
    content = np.frombuffer(lzma.decompress(packed), np.uint8)
    labels = content[: TRAIN + TEST].astype(np.int64)
    images = unit_images(content[TRAIN + TEST :].reshape(-1, SIDE, SIDE))
    if flatten:
        images = images.reshape(len(images), -1)
    train, test = (
        TensorDataset(from_numpy(images[part]), from_numpy(labels[part]))
        for part in (slice(TRAIN), slice(TRAIN, None))
    )
    return train, test
