"""Transforms that move, cover or scale pixels without interpolation."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from autograd import Generator

from .base import Transform, as_probability, as_range

_EDGES = ("constant", "edge", "reflect", "symmetric")


class Normalize(Transform):
    """`(image - mean) / std` for each channel of a floating image (..., C, H, W).

    Raises:
        ValueError: if a `std` is 0.
        TypeError: for an image of integers.

    >>> import autograd
    >>> Normalize(0.5, 0.25)(autograd.tensor([[[0.0, 0.5, 1.0]]]))
    tensor([[[-2.,  0.,  2.]]])
    """

    def __init__(self, mean: Sequence[float], std: Sequence[float]) -> None:
        super().__init__()
        self.mean, self.std = (tuple(np.atleast_1d(given).tolist()) for given in (mean, std))
        if not all(self.std):
            raise ValueError(f"Normalize: std must not be 0, got {self.std}")

    def change(self, image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        if image.dtype.kind != "f":
            raise TypeError(
                f"Normalize: expected a floating image, got {image.dtype}; put ToTensor() before it"
            )
        mean, std = (np.array(v, image.dtype).reshape(-1, 1, 1) for v in (self.mean, self.std))
        if mean.size not in (1, image.shape[-3] if image.ndim > 2 else 1):
            raise ValueError(
                f"Normalize: {mean.size} means for an image of shape {image.shape} (..., C, H, W)"
            )
        result = (image - mean) / std
        return result.reshape(image.shape)


class Pad(Transform):
    """Pixels around the image.

    Args:
        padding: how many: one number, (left and right, top and bottom), or (left, top, right,
            bottom).
        fill: their value, for the mode "constant".
        padding_mode: "constant", "edge", "reflect" or "symmetric".

    >>> import autograd
    >>> Pad(1)(autograd.ones(1, 1, 2))
    tensor([[[0., 0., 0., 0.],
             [0., 1., 1., 0.],
             [0., 0., 0., 0.]]])
    """

    def __init__(self, padding: Any, fill: float = 0, padding_mode: str = "constant") -> None:
        super().__init__()
        self.padding, self.fill, self.padding_mode = _sides(padding), fill, padding_mode
        if padding_mode not in _EDGES:
            raise ValueError(f"padding_mode must be one of {_EDGES}, got {padding_mode!r}")

    def change(self, image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        left, top, right, bottom = self.padding
        widths = [(0, 0)] * (image.ndim - 2) + [(top, bottom), (left, right)]
        options = {"constant_values": self.fill} if self.padding_mode == "constant" else {}
        return np.pad(image, widths, self.padding_mode, **options)  # type: ignore[call-overload]


class CenterCrop(Transform):
    """The middle of the image; a smaller image is padded with zeros.

    >>> import autograd
    >>> CenterCrop(2)(autograd.arange(16).reshape(1, 4, 4))
    tensor([[[ 5,  6],
             [ 9, 10]]])
    """

    def __init__(self, size: Any) -> None:
        super().__init__()
        self.size = _size(size)

    def change(self, image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        image = _grown(image, self.size, 0, "constant")
        top, left = (round((n - s) / 2) for n, s in zip(image.shape[-2:], self.size, strict=True))
        return _cut(image, top, left, self.size)


class RandomCrop(Transform):
    """A window of `size` at a random place.

    Args:
        size: height and width, or one number for both.
        padding: as for `Pad`, added to the image before.
        pad_if_needed: pad an image that is smaller than the window.
        fill: the value of added pixels, for the mode "constant".
        padding_mode: as for `Pad`.

    >>> import autograd
    >>> RandomCrop(28, padding=2)(autograd.zeros(1, 28, 28)).shape
    Size([1, 28, 28])
    """

    def __init__(
        self,
        size: Any,
        padding: Any = None,
        pad_if_needed: bool = False,
        fill: float = 0,
        padding_mode: str = "constant",
        *,
        generator: Generator | None = None,
    ) -> None:
        super().__init__(generator=generator)
        self.size, self.pad_if_needed = _size(size), pad_if_needed
        self.fill, self.padding_mode = fill, padding_mode
        self.pad = None if padding is None else Pad(padding, fill, padding_mode)

    def change(self, image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        if self.pad is not None:
            image = self.pad.change(image, rng)
        if self.pad_if_needed:
            image = _grown(image, self.size, self.fill, self.padding_mode)
        room = [n - s for n, s in zip(image.shape[-2:], self.size, strict=True)]
        if min(room) < 0:
            raise ValueError(
                f"RandomCrop: the size {self.size} is larger than the image "
                f"{tuple(image.shape[-2:])}; pass pad_if_needed=True"
            )
        top, left = (int(rng.integers(n + 1)) for n in room)
        return _cut(image, top, left, self.size)


class RandomHorizontalFlip(Transform):
    """Left and right exchanged, with probability `p`.

    >>> import autograd
    >>> RandomHorizontalFlip(p=1.0)(autograd.tensor([[[1, 2, 3]]]))
    tensor([[[3, 2, 1]]])
    """

    axis = -1

    def __init__(self, p: float = 0.5, *, generator: Generator | None = None) -> None:
        super().__init__(generator=generator)
        self.p = as_probability(type(self).__name__, p)

    def change(self, image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        return np.flip(image, self.axis) if rng.random() < self.p else image


class RandomVerticalFlip(RandomHorizontalFlip):
    """Top and bottom exchanged, with probability `p`.

    >>> import autograd
    >>> RandomVerticalFlip(p=1.0)(autograd.tensor([[[1], [2]]])).flatten()
    tensor([2, 1])
    """

    axis = -2


class RandomErasing(Transform):
    """A random rectangle filled with `value`, with probability `p`.

    Args:
        scale: the range of its area as a fraction of the image's.
        ratio: the range of its height divided by its width.
        value: a number, one for each channel, or "random" for normal noise.

    Source: Zhong et al., "Random erasing data augmentation", 2017.

    >>> import autograd
    >>> 0 < int((RandomErasing(p=1.0)(autograd.ones(1, 28, 28)) == 0).sum()) < 28 * 28
    True
    """

    def __init__(
        self,
        p: float = 0.5,
        scale: Sequence[float] = (0.02, 0.33),
        ratio: Sequence[float] = (0.3, 3.3),
        value: Any = 0,
        *,
        generator: Generator | None = None,
    ) -> None:
        super().__init__(generator=generator)
        self.p, self.value = as_probability("RandomErasing", p), value
        self.scale, self.ratio = as_range("RandomErasing", "scale", scale), tuple(ratio)
        if not 0 <= self.scale[0] <= self.scale[1] <= 1:
            raise ValueError(f"RandomErasing: scale must be within [0, 1], got {scale}")
        if not 0 < self.ratio[0] <= self.ratio[1]:
            raise ValueError(f"RandomErasing: ratio must be positive, got {ratio}")

    def change(self, image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        if rng.random() >= self.p:
            return image
        height, width = image.shape[-2:]
        for _ in range(10):  # until a rectangle fits
            area = height * width * rng.uniform(*self.scale)
            ratio = math.exp(rng.uniform(math.log(self.ratio[0]), math.log(self.ratio[1])))
            h, w = round(math.sqrt(area * ratio)), round(math.sqrt(area / ratio))
            if h < height and w < width:
                top, left = int(rng.integers(height - h + 1)), int(rng.integers(width - w + 1))
                result = image.copy()
                window = result[..., top : top + h, left : left + w]
                window[...] = self._filling(window.shape, rng)
                return result
        return image

    def _filling(self, shape: tuple[int, ...], rng: np.random.Generator) -> Any:
        if isinstance(self.value, str):
            return rng.standard_normal(shape)
        values = np.asarray(self.value)
        return values.reshape(-1, 1, 1) if values.ndim else values


class GaussianNoise(Transform):
    """Normal noise added to a floating image."""

    def __init__(
        self, mean: float = 0.0, sigma: float = 0.1, *, generator: Generator | None = None
    ) -> None:
        super().__init__(generator=generator)
        self.mean, self.sigma = mean, sigma

    def change(self, image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        if image.dtype.kind != "f":
            raise TypeError(f"GaussianNoise: expected a floating image, got {image.dtype}")
        return image + rng.normal(self.mean, self.sigma, image.shape).astype(image.dtype)


def _size(size: Any) -> tuple[int, int]:
    values = (size, size) if isinstance(size, int) else tuple(size)
    if len(values) == 1:
        values *= 2
    if len(values) != 2 or any(v < 1 for v in values):
        raise ValueError(f"size must be one or two positive integers, got {size!r}")
    return values


def _sides(padding: Any) -> tuple[int, int, int, int]:
    values = (padding,) if isinstance(padding, int) else tuple(padding)
    if len(values) not in (1, 2, 4):
        raise ValueError(f"padding must be one, two or four integers, got {padding!r}")
    return (values * 4)[:4] if len(values) < 4 else values


def _grown(image: np.ndarray, size: tuple[int, int], fill: float, mode: str) -> np.ndarray:
    missing = [max(s - n, 0) for n, s in zip(image.shape[-2:], size, strict=True)]
    if not any(missing):
        return image
    (top, bottom), (left, right) = ((m // 2, m - m // 2) for m in missing)
    return Pad((left, top, right, bottom), fill, mode).change(image, np.random.default_rng(0))


def _cut(image: np.ndarray, top: int, left: int, size: tuple[int, int]) -> np.ndarray:
    return image[..., top : top + size[0], left : left + size[1]]
