"""The embedded digits: their form, their size, and, given the real MNIST, their content."""

import os
import time
from importlib.resources import files

import numpy as np
import pytest

from nn.data import MNIST, DataLoader, digits


@pytest.fixture(scope="module")
def both():
    return digits()


def test_form(both):
    for dataset, size in zip(both, (10_000, 2_000), strict=True):
        images, labels = (tensor.numpy() for tensor in dataset.tensors)
        assert images.shape == (size, 1, 28, 28) and images.dtype == np.float32
        assert labels.shape == (size,) and labels.dtype == np.int64
        assert images.min() == 0 and images.max() == 1
        assert set(labels.tolist()) == set(range(10))


def test_known_facts_of_mnist(both):
    train, test = (dataset.tensors for dataset in both)
    assert train[1].numpy()[:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
    assert test[1].numpy()[:10].tolist() == [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]
    # The mean and deviation every MNIST tutorial normalises with, on this part of it.
    assert abs(train[0].numpy().mean() - 0.1307) < 1e-3
    assert abs(train[0].numpy().std() - 0.3081) < 1e-3


def test_labels_belong_to_the_images(both):
    (x, y), (x_test, y_test) = ([t.numpy() for t in dataset.tensors] for dataset in both)
    means = np.stack([x[y == digit].mean(0).ravel() for digit in range(10)])
    distances = ((x_test.reshape(-1, 1, 784) - means) ** 2).sum(-1)
    assert (distances.argmin(-1) == y_test).mean() > 0.75


def test_flatten(both):
    for flat, dataset in zip(digits(flatten=True), both, strict=True):
        images = dataset.tensors[0].numpy()
        np.testing.assert_array_equal(flat.tensors[0].numpy(), images.reshape(len(images), 784))
        np.testing.assert_array_equal(flat.tensors[1].numpy(), dataset.tensors[1].numpy())


def test_batches(both):
    images, labels = next(iter(DataLoader(both[0], batch_size=64, shuffle=True)))
    assert tuple(images.shape) == (64, 1, 28, 28) and tuple(labels.shape) == (64,)


def test_small_and_fast():
    assert len(files("nn.data").joinpath("embedded", "digits.xz").read_bytes()) < 1_700_000
    times = []
    for _ in range(3):
        start = time.process_time()
        digits()
        times.append(time.process_time() - start)
    assert min(times) < 0.3


def test_same_as_the_real_files(both):
    folder = os.environ.get("TAPEGRAD_DATA_DIR")
    if folder is None:
        pytest.skip("TAPEGRAD_DATA_DIR is not set to a folder with the MNIST files")
    for dataset, train in zip(both, (True, False), strict=True):
        real, size = MNIST(folder, train=train), len(dataset)
        images, labels = real.__getbatch__(np.arange(size))
        np.testing.assert_array_equal(dataset.tensors[0].numpy(), images.numpy())
        np.testing.assert_array_equal(dataset.tensors[1].numpy(), labels.numpy())
