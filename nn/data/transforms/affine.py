"""Rotations, shifts, zooms and shears."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from autograd import Generator

from .base import Transform, as_range


class RandomAffine(Transform):
    """A random rotation, shift, zoom and shear about the middle of the image.

    Args:
        degrees: the rotation is from this range, (-degrees, degrees) for one number; positive is
            clockwise as torchvision's `affine` has it.
        translate: (a, b): the shift is at most the fraction a of the width and b of the height.
        scale: the zoom is from this range.
        shear: the shear parallel to the x axis is from this range, in degrees; with four numbers
            the last two are the range parallel to the y axis.
        interpolation: "nearest" or "bilinear".
        fill: the value outside of the image.
    """

    clockwise = 1

    def __init__(
        self,
        degrees: Any,
        translate: Sequence[float] | None = None,
        scale: Sequence[float] | None = None,
        shear: Any = None,
        interpolation: str = "nearest",
        fill: float = 0,
        *,
        generator: Generator | None = None,
    ) -> None:
        super().__init__(generator=generator)
        name = type(self).__name__
        self.degrees = as_range(name, "degrees", degrees)
        self.translate = (0.0, 0.0) if translate is None else tuple(translate)
        if len(self.translate) != 2 or not all(0 <= t <= 1 for t in self.translate):
            raise ValueError(f"{name}: translate must be two numbers in [0, 1], got {translate}")
        self.scale = (1.0, 1.0) if scale is None else as_range(name, "scale", scale)
        if self.scale[0] <= 0:
            raise ValueError(f"{name}: scale must be positive, got {scale}")
        shears = (0.0, 0.0) if shear is None else tuple(np.atleast_1d(shear).tolist())
        pairs = [shears[:2], shears[2:]] if len(shears) == 4 else [shears, (0.0, 0.0)]
        self.shear = tuple(as_range(name, "shear", s if len(s) > 1 else s[0]) for s in pairs)
        if interpolation not in ("nearest", "bilinear"):
            raise ValueError(f'{name}: interpolation is "nearest" or "bilinear"')
        self.interpolation, self.fill = interpolation, fill

    def change(self, image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        height, width = image.shape[-2:]
        angle = rng.uniform(*self.degrees) * self.clockwise
        limits = self.translate[0] * width, self.translate[1] * height
        shift = [round(rng.uniform(-limit, limit)) for limit in limits]
        scale = rng.uniform(*self.scale)
        shear = [rng.uniform(*s) for s in self.shear]
        return affine(image, angle, shift, scale, shear, self.interpolation, self.fill)


class RandomRotation(RandomAffine):
    """A rotation about the middle by an angle in the given range; positive is anticlockwise.

    >>> import autograd
    >>> RandomRotation((90, 90))(autograd.tensor([[[1.0, 2.0], [3.0, 4.0]]]))
    tensor([[[2., 4.],
             [1., 3.]]])
    """

    clockwise = -1

    def __init__(
        self,
        degrees: Any,
        interpolation: str = "nearest",
        fill: float = 0,
        *,
        generator: Generator | None = None,
    ) -> None:
        super().__init__(degrees, interpolation=interpolation, fill=fill, generator=generator)


def affine(
    image: np.ndarray,
    angle: float,
    translate: Sequence[float],
    scale: float,
    shear: Sequence[float],
    interpolation: str = "nearest",
    fill: float = 0,
) -> np.ndarray:
    """The image rotated (degrees, clockwise), shifted (x, y), zoomed and sheared (degrees, x, y).

    The matrix is torchvision's: rotation, shear, zoom about the middle, then the shift.
    """
    from scipy.ndimage import affine_transform  # slow to import, seldom needed

    a, sx, sy = (math.radians(v) for v in (angle, *shear))
    # In the order x, y. Shearing along x, then along y, then the rotation.
    rotation = np.array([[math.cos(a), -math.sin(a)], [math.sin(a), math.cos(a)]])
    sheared = np.array([[1, 0], [-math.tan(sy), 1]]) @ np.array([[1, -math.tan(sx)], [0, 1]])
    forward = scale * rotation @ sheared
    backward = np.linalg.inv(forward)[::-1, ::-1]  # in the order y, x
    middle = (np.array(image.shape[-2:]) - 1) / 2
    offset = middle - backward @ (middle + np.array(translate, float)[::-1])
    options = {"order": int(interpolation == "bilinear"), "mode": "grid-constant", "cval": fill}
    result = np.empty_like(image)
    for plane in np.ndindex(image.shape[:-2]):  # ten times faster than in all dimensions at once
        affine_transform(image[plane], backward, offset, output=result[plane], **options)
    return result
