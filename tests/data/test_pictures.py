"""Images side by side, and as PNG files."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest

import autograd
from nn.data import make_grid, save_image


def test_a_grid() -> None:
    images = autograd.arange(5).reshape(5, 1, 1, 1).expand(5, 1, 2, 3).to(autograd.float32)
    grid = make_grid(images, nrow=3, padding=1, pad_value=9)
    assert grid.shape == (3, 7, 13) and grid.dtype == autograd.float32
    expected = [
        [9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9],
        [9, 0, 0, 0, 9, 1, 1, 1, 9, 2, 2, 2, 9],
        [9, 0, 0, 0, 9, 1, 1, 1, 9, 2, 2, 2, 9],
        [9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9],
        [9, 3, 3, 3, 9, 4, 4, 4, 9, 9, 9, 9, 9],
        [9, 3, 3, 3, 9, 4, 4, 4, 9, 9, 9, 9, 9],
        [9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9, 9],
    ]
    for channel in grid.tolist():
        assert channel == expected
    assert make_grid(list(images), nrow=3, padding=1, pad_value=9).tolist() == grid.tolist()


def test_grids_of_other_shapes() -> None:
    assert make_grid(autograd.zeros(4, 5)).shape == (3, 4, 5)
    assert make_grid(autograd.zeros(3, 4, 5)).shape == (3, 4, 5)
    assert make_grid(autograd.zeros(2, 3, 4, 5, requires_grad=True)).shape == (3, 8, 16)
    with pytest.raises(ValueError, match=r"make_grid: .*float32\[3\]"):
        make_grid(autograd.zeros(3))


def test_stretching() -> None:
    images = autograd.tensor([[0.0, 5.0], [5.0, 10.0]]).reshape(2, 1, 1, 2)
    row = make_grid(images, padding=0, normalize=True)[0, 0]
    assert row.tolist() == [0.0, 0.5, 0.5, 1.0]
    row = make_grid(images, padding=0, normalize=True, scale_each=True)[0, 0]
    assert row.tolist() == [0.0, 1.0, 0.0, 1.0]
    row = make_grid(images, padding=0, normalize=True, value_range=(0, 20))[0, 0]
    assert row.tolist() == [0.0, 0.25, 0.25, 0.5]
    assert images.max() == 10


def test_a_png_file(tmp_path: Path) -> None:
    image = autograd.tensor([[[0.0, 0.5], [1.0, 2.0]], [[-1.0, 0.2], [0.4, 0.6]], [[0.0] * 2] * 2])
    save_image(image, tmp_path / "a.png")
    content = (tmp_path / "a.png").read_bytes()
    file = io.BytesIO()
    save_image(image, file, "PNG")
    assert file.getvalue() == content
    assert content[:8] == b"\x89PNG\r\n\x1a\n" and content[12:16] == b"IHDR"
    assert struct.unpack(">IIBBBBB", content[16:29]) == (2, 2, 8, 2, 0, 0, 0)
    (size,) = struct.unpack(">I", content[33:37])
    lines = np.frombuffer(zlib.decompress(content[41 : 41 + size]), np.uint8).reshape(2, 7)
    assert lines.tolist() == [[0, 0, 0, 0, 128, 51, 0], [0, 255, 102, 0, 255, 153, 0]]
    with pytest.raises(ValueError, match="png"):
        save_image(image, tmp_path / "a.jpg", format="jpeg")
