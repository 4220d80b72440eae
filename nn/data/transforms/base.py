"""What all transforms have in common, and those that hold others."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from autograd import Generator, Tensor, from_numpy

from ..dataset import Dataset
from ..streams import random_numbers

Image = Any


class Transform:
    """Base class: `change(array, rng)` returns the new ndarray.

    Args:
        generator: draws the random numbers; see the module.
    """

    def __init__(self, *, generator: Generator | None = None) -> None:
        self.generator = generator

    def change(self, image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        raise NotImplementedError(f"{type(self).__name__} must define change(image, rng)")

    def __call__(self, image: Image) -> Image:
        array = image.numpy(force=True) if isinstance(image, Tensor) else np.asarray(image)
        if array.ndim < 2:
            raise ValueError(
                f"{type(self).__name__}: expected an image of shape (..., H, W), got {array.shape}"
            )
        changed = self.change(array, random_numbers(self.generator))
        changed = np.ascontiguousarray(changed)
        return from_numpy(changed) if isinstance(image, Tensor) else changed

    def __repr__(self) -> str:
        options = (f"{k}={v!r}" for k, v in vars(self).items() if k != "generator")
        return f"{type(self).__name__}({', '.join(options)})"


class Compose:
    """Several transforms, one after the other.

    >>> import autograd
    >>> from nn.data import transforms as T
    >>> augment = T.Compose([T.RandomCrop(28, padding=2), T.Normalize((0.13,), (0.31,))])
    >>> augment(autograd.zeros(1, 28, 28)).shape
    Size([1, 28, 28])
    """

    def __init__(self, transforms: Sequence[Callable[[Image], Image]]) -> None:
        self.transforms = list(transforms)

    def __call__(self, image: Image) -> Image:
        for transform in self.transforms:
            image = transform(image)
        return image

    def __repr__(self) -> str:
        return "Compose(\n" + "".join(f"    {t!r}\n" for t in self.transforms) + ")"


class RandomApply(Compose):
    """Several transforms with probability `p`, else none of them."""

    def __init__(
        self,
        transforms: Sequence[Callable[[Image], Image]],
        p: float = 0.5,
        *,
        generator: Generator | None = None,
    ) -> None:
        super().__init__(transforms)
        self.p, self.generator = as_probability("RandomApply", p), generator

    def __call__(self, image: Image) -> Image:
        return (
            super().__call__(image) if random_numbers(self.generator).random() < self.p else image
        )


class Lambda:
    """A function of the user's, with a place in `Compose`.

    >>> import autograd
    >>> Lambda(lambda image: 1 - image)(autograd.tensor([[[0.0, 0.25]]]))
    tensor([[[1.0000, 0.7500]]])
    """

    def __init__(self, lambd: Callable[[Image], Image]) -> None:
        if not callable(lambd):
            raise TypeError(f"Lambda: expected a function, got {type(lambd).__name__}")
        self.lambd = lambd

    def __call__(self, image: Image) -> Image:
        return self.lambd(image)

    def __repr__(self) -> str:
        return f"Lambda({getattr(self.lambd, '__name__', self.lambd)})"


class ToTensor:
    """An ndarray (H, W) or (H, W, C) as a Tensor (C, H, W); uint8 becomes float32 in [0, 1].

    >>> ToTensor()(np.full((2, 3), 255, np.uint8)).tolist()
    [[[1.0, 1.0, 1.0], [1.0, 1.0, 1.0]]]
    """

    def __call__(self, image: Any) -> Tensor:
        if isinstance(image, Tensor):
            return image
        array = np.asarray(image)  # also a PIL image
        if array.ndim not in (2, 3):
            raise ValueError(f"ToTensor: expected (H, W) or (H, W, C), got {array.shape}")
        array = array[None] if array.ndim == 2 else np.moveaxis(array, -1, 0)
        if array.dtype == np.uint8:
            array = array.astype(np.float32) / 255
        return from_numpy(np.array(array, order="C"))

    def __repr__(self) -> str:
        return "ToTensor()"


class Transformed(Dataset[Any]):
    """A dataset whose items' first entries went through a transform.

    >>> from nn.data import TensorDataset, transforms as T
    >>> import autograd
    >>> data = TensorDataset(autograd.zeros(5, 1, 8, 8), autograd.arange(5))
    >>> image, label = T.Transformed(data, T.CenterCrop(4))[2]
    >>> image.shape, label
    (Size([1, 4, 4]), tensor(2))
    """

    def __init__(self, dataset: Any, transform: Callable[[Any], Any]) -> None:
        self.dataset, self.transform = dataset, transform

    def __getitem__(self, index: Any) -> Any:
        item = self.dataset[index]
        if isinstance(item, (tuple, list)):
            return type(item)((self.transform(item[0]), *item[1:]))
        return self.transform(item)

    def __len__(self) -> int:
        return len(self.dataset)


def as_range(name: str, what: str, value: Any) -> tuple[float, float]:
    if isinstance(value, (int, float)):
        if value < 0:
            raise ValueError(f"{name}: {what} must not be negative as a single number: {value}")
        return (-float(value), float(value))
    low, high = value
    if low > high:
        raise ValueError(f"{name}: {what} must be (low, high), got {value}")
    return (float(low), float(high))


def as_probability(name: str, p: float) -> float:
    if not 0 <= p <= 1:
        raise ValueError(f"{name}: p must be a probability, got {p}")
    return p
