"""Images to look at: a batch as one picture, written as PNG with the standard library alone."""

import os
import struct
import zlib
from typing import Any, BinaryIO

import numpy as np

import autograd
from autograd import Tensor
from autograd.errors import ShapeError, described


def make_grid(
    tensor: Any,
    nrow: int = 8,
    padding: int = 2,
    normalize: bool = False,
    value_range: tuple[float, float] | None = None,
    scale_each: bool = False,
    pad_value: float = 0.0,
) -> Tensor:
    """Images side by side and one below the other, as `torchvision.utils.make_grid`.

    Args:
        tensor: (N, C, H, W), (C, H, W) or (H, W), or a list of images of one size. One channel
            becomes three.
        nrow: how many images there are in a row.
        padding: how many pixels there are between images.
        normalize: whether the values are stretched to [0, 1].
        value_range: what becomes 0 and 1 (default: the smallest and the largest value).
        scale_each: whether each image is stretched by itself.
        pad_value: the colour between images.

    >>> make_grid(autograd.zeros(10, 1, 28, 28), nrow=5).shape
    Size([3, 62, 152])
    """
    if isinstance(tensor, (list, tuple)):
        tensor = autograd.stack(list(tensor))
    images = autograd.as_tensor(tensor).detach().numpy()
    if not 2 <= images.ndim <= 4:
        raise ShapeError(
            f"make_grid: expected (N, C, H, W), (C, H, W) or (H, W), got {described(images)}"
        )
    single = images.ndim < 4
    images = images.reshape(-1, *((1,) * (3 - images.ndim) + images.shape)[-3:])
    if images.shape[1] == 1:
        images = images.repeat(3, 1)
    if normalize and scale_each:
        images = np.stack([_stretched(image, value_range) for image in images])
    elif normalize:
        images = _stretched(images, value_range)
    if single:
        return autograd.from_numpy(images[0])
    count, channels, height, width = images.shape
    columns = min(nrow, count)
    rows = -(-count // columns)
    height, width = height + padding, width + padding
    shape = (channels, rows * height + padding, columns * width + padding)
    grid = np.full(shape, pad_value, images.dtype)
    for i, image in enumerate(images):
        row, column = divmod(i, columns)
        top, left = row * height + padding, column * width + padding
        grid[:, top : top + image.shape[1], left : left + image.shape[2]] = image
    return autograd.from_numpy(grid)


def _stretched(values: np.ndarray, value_range: tuple[float, float] | None) -> np.ndarray:
    low, high = value_range or (values.min(), values.max())
    return (values.clip(low, high) - low) / max(high - low, 1e-5)


def save_image(
    tensor: Any, fp: str | os.PathLike[str] | BinaryIO, format: str | None = None, **kwargs: Any
) -> None:
    """Writes images as one PNG file, as `torchvision.utils.save_image`.

    Args:
        tensor: images with values in [0, 1], for `make_grid`.
        fp: the name of the file, or an open one.
        format: "png" or None; others are not possible.
        **kwargs: for `make_grid`.

    >>> import io
    >>> file = io.BytesIO()
    >>> save_image(autograd.rand(4, 1, 8, 8), file)
    >>> file.getvalue()[:4]
    b'\\x89PNG'
    """
    if (format or "png").lower() != "png":
        raise ValueError(f"save_image: only format='png' is possible, got {format!r}")
    grid = make_grid(tensor, **kwargs).numpy()
    content = png(np.clip(grid * 255 + 0.5, 0, 255).astype(np.uint8).transpose(1, 2, 0))
    if hasattr(fp, "write"):
        fp.write(content)
    else:
        with open(fp, "wb") as file:
            file.write(content)


def png(pixels: np.ndarray) -> bytes:
    """uint8 pixels (height, width, 3), or (height, width) for grey, as a PNG file.

    Source: ISO/IEC 15948, "Portable Network Graphics".
    """
    height, width = pixels.shape[:2]
    colour = 2 if pixels.ndim == 3 else 0
    lines = b"".join(b"\0" + row.tobytes() for row in np.ascontiguousarray(pixels))
    header = struct.pack(">IIBBBBB", width, height, 8, colour, 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(lines, 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in parts
    )
