"""MNIST and FashionMNIST: torchvision's classes, with arrays where torchvision gives PIL images.

Both are four IDX files of the same names, from a mirror or put there by the user.
"""

import os
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np

from autograd import Tensor, from_numpy
from nn.data.dataset import Dataset
from nn.data.idx import StrPath, payload_md5, read_idx, replacing


class MNIST(Dataset[tuple[Any, Any]]):
    """Handwritten digits: 60,000 training and 10,000 test images of 28 x 28 pixels.

    As in torchvision, except that an item's image is a float32 tensor in [0, 1] of shape
    (1, 28, 28), where torchvision gives a PIL image: what its `transforms.ToTensor()` makes of it.
    Without transforms, the dataset answers a whole batch at once (see `Dataset`).

    Args:
        root: the folder of the files, plain or .gz: `root/MNIST/raw`, else `root` itself.
        train: the training set, else the test set.
        transform: applied to an item's image, the float32 tensor (1, 28, 28).
        target_transform: applied to an item's label, an int.
        download: fetch into `root/MNIST/raw` the files that are not there yet.

    Attributes:
        data: the images, a uint8 tensor (N, 28, 28).
        targets: the labels, an int64 tensor (N,).
        classes: the name of each label.

    Raises:
        RuntimeError: a file is missing, or no mirror gave it.
        ValueError: a file is damaged, or the files are another dataset's.

    Example:
        >>> import tempfile
        >>> from nn.data import write_idx
        >>> with tempfile.TemporaryDirectory() as root:
        ...     write_idx(f"{root}/t10k-images-idx3-ubyte", np.zeros((2, 28, 28), np.uint8))
        ...     write_idx(f"{root}/t10k-labels-idx1-ubyte", np.array([7, 2], np.uint8))
        ...     image, label = MNIST(root, train=False)[0]
        >>> tuple(image.shape), label
        ((1, 28, 28), 7)

    Source: Y. LeCun, C. Cortes, C. Burges, "The MNIST database of handwritten digits".
    """

    mirrors: ClassVar[list[str]] = [
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
        "https://storage.googleapis.com/cvdf-datasets/mnist/",
    ]
    # MD5s of the unzipped files: a mirror that zips them anew still serves the same data.
    resources: ClassVar[list[tuple[str, str]]] = [
        ("train-images-idx3-ubyte.gz", "6bbc9ace898e44ae57da46a324031adb"),
        ("train-labels-idx1-ubyte.gz", "a25bea736e30d166cdddb491f175f624"),
        ("t10k-images-idx3-ubyte.gz", "2646ac647ad5339dbf082846283269ea"),
        ("t10k-labels-idx1-ubyte.gz", "27ae3e4e09519cfbb04c329615203637"),
    ]
    classes: ClassVar[list[str]] = [
        *("0 - zero", "1 - one", "2 - two", "3 - three", "4 - four"),
        *("5 - five", "6 - six", "7 - seven", "8 - eight", "9 - nine"),
    ]
    timeout: ClassVar[float] = 30.0
    """Seconds without an answer or a byte after which a download turns to the next mirror."""

    def __init__(
        self,
        root: StrPath,
        train: bool = True,
        transform: Callable[[Tensor], Any] | None = None,
        target_transform: Callable[[int], Any] | None = None,
        download: bool = False,
    ) -> None:
        self.root = os.fspath(root)
        self.train = train
        self.transform = transform
        self.target_transform = target_transform
        if download:
            self.download()
        images_path, labels_path = (self._find(name) for name in self._split_files())
        if images_path is None or labels_path is None:
            raise RuntimeError(
                f"{type(self).__name__}: no {' and '.join(self._split_files())} (plain or .gz) in "
                f"{self.raw_folder} or {self.root}; put them there, or pass download=True"
            )
        self._refuse_another_dataset(labels_path)
        images, labels = read_idx(images_path), read_idx(labels_path)
        if images.ndim != 3 or images.dtype != np.uint8:
            raise ValueError(
                f"{images_path}: expected uint8 images (N, H, W), got {images.dtype} {images.shape}"
            )
        if labels.shape != images.shape[:1]:
            raise ValueError(
                f"{labels_path}: expected {len(images)} labels, one for each image in "
                f"{images_path}; got shape {labels.shape}"
            )
        self.data = from_numpy(images)
        self.targets = from_numpy(labels.astype(np.int64))

    @property
    def raw_folder(self) -> str:
        """Where `download` puts the files."""
        return os.path.join(self.root, type(self).__name__, "raw")

    @property
    def class_to_idx(self) -> dict[str, int]:
        return {name: label for label, name in enumerate(self.classes)}

    def __len__(self) -> int:
        return len(self.data)

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        image: Any = from_numpy(unit_images(self.data.numpy()[index]))
        target: Any = int(self.targets.numpy()[index])
        if self.transform is not None:
            image = self.transform(image)
        if self.target_transform is not None:
            target = self.target_transform(target)
        return image, target

    def __getbatch__(self, indices: np.ndarray) -> Any:
        if self.transform is not None or self.target_transform is not None:
            return NotImplemented
        images = unit_images(self.data.numpy()[indices])
        return [from_numpy(images), from_numpy(self.targets.numpy()[indices])]

    def download(self) -> None:
        """Fetches the files that are not there yet, each from the first mirror that has it."""
        for name, md5 in self.resources:
            if self._find(name) is None:
                os.makedirs(self.raw_folder, exist_ok=True)
                self._fetch(name, md5)

    def _fetch(self, name: str, md5: str) -> None:
        from nn.data import download  # what it imports costs more than all the rest of nn.data

        failures = []
        for mirror in self.mirrors:
            try:
                with replacing(os.path.join(self.raw_folder, name)) as file:
                    for chunk in download.stream(mirror + name, self.timeout):
                        file.write(chunk)
                    file.flush()
                    found = payload_md5(file.name)
                    if found != md5:
                        raise ValueError(f"wrong checksum: expected MD5 {md5}, got {found}")
                return
            except (OSError, ValueError) as error:
                failures.append(f"  {mirror + name}: {error}")
        raise RuntimeError(
            f"could not download {name}:\n"
            + "\n".join(failures)
            + f"\nTry again later, or put the file into {self.raw_folder} yourself."
        )

    def _split_files(self) -> list[str]:
        split = "train" if self.train else "t10k"
        return [f"{split}-images-idx3-ubyte", f"{split}-labels-idx1-ubyte"]

    def _find(self, name: str) -> str | None:
        plain = name.removesuffix(".gz")
        for folder in (self.raw_folder, self.root):
            for file in (plain, plain + ".gz"):
                path = os.path.join(folder, file)
                if os.path.isfile(path):
                    return path
        return None

    def _refuse_another_dataset(self, labels_path: str) -> None:
        # The datasets share their file names, so a folder holding one would silently pass for the
        # other. Files of nobody's checksum may be the user's own.
        found = payload_md5(labels_path)
        for other in (type(self), MNIST, FashionMNIST):
            if found in {md5 for _, md5 in other.resources}:
                if other.resources != self.resources:
                    raise ValueError(
                        f"{labels_path} is a file of {other.__name__}, not of {type(self).__name__}"
                    )
                return


class FashionMNIST(MNIST):
    """Articles of clothing, as many, as large and in the same files as `MNIST`.

    Source: H. Xiao, K. Rasul, R. Vollgraf, "Fashion-MNIST", arXiv:1708.07747 (2017).
    """

    mirrors: ClassVar[list[str]] = [
        "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
        "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
    ]
    resources: ClassVar[list[tuple[str, str]]] = [
        ("train-images-idx3-ubyte.gz", "f4a8712d7a061bf5bd6d2ca38dc4d50a"),
        ("train-labels-idx1-ubyte.gz", "9018921c3c673c538a1fc5bad174d6f9"),
        ("t10k-images-idx3-ubyte.gz", "8181f5470baa50b63fa0f6fddb340f0a"),
        ("t10k-labels-idx1-ubyte.gz", "15d484375f8d13e6eb1aabb0c3f46965"),
    ]
    classes: ClassVar[list[str]] = [
        *("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat"),
        *("Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
    ]


def unit_images(pixels: np.ndarray) -> np.ndarray:
    """uint8 images (..., H, W) as float32 in [0, 1] of shape (..., 1, H, W)."""
    images: np.ndarray = np.divide(pixels, np.float32(255), dtype=np.float32)
    return images[..., None, :, :]
