"""Resizing, sampling at positions, patches and shuffles."""

from __future__ import annotations

import itertools

import numpy as np

from .table import Row, bad, call, edge, exact, x

F = "nn.functional."
SHAPE = {1: (2, 2, 5), 2: (2, 2, 4, 5), 3: (1, 2, 3, 4, 3)}


def unfold(a, kernel, dilation=1, padding=0, stride=1):
    k, d, p, s = ((v, v) if np.ndim(v) == 0 else v for v in (kernel, dilation, padding, stride))
    batched = a if a.ndim == 4 else a[None]
    b = np.pad(batched, ((0, 0), (0, 0), (p[0], p[0]), (p[1], p[1])))
    out = [(n - e * (m - 1) - 1) // t + 1 for n, m, e, t in zip(b.shape[2:], k, d, s, strict=True)]
    columns = np.empty((*b.shape[:2], k[0] * k[1], out[0] * out[1]))
    for c, (i, j) in enumerate(np.ndindex(*k)):
        part = b[:, :, i * d[0] :: s[0], j * d[1] :: s[1]][:, :, : out[0], : out[1]]
        columns[:, :, c] = part.reshape(*b.shape[:2], out[0] * out[1])
    columns = columns.reshape(len(b), b.shape[1] * k[0] * k[1], out[0] * out[1])
    return columns if a.ndim == 4 else columns[0]


def fold(a, size, kernel, **kwargs):
    """The adjoint of unfold, by its matrix."""
    k = (kernel, kernel) if np.ndim(kernel) == 0 else kernel
    batched = a if a.ndim == 3 else a[None]
    channels = batched.shape[1] // (k[0] * k[1])
    basis = np.eye(channels * size[0] * size[1]).reshape(-1, channels, *size)
    columns = unfold(basis, kernel, **kwargs)
    out = np.einsum("nij,pij->np", batched, columns).reshape(-1, channels, *size)
    return out if a.ndim == 3 else out[0]


def pixel_shuffle(a, r):
    *n, c, h, w = a.shape
    b = np.moveaxis(a.reshape(*n, c // r**2, r, r, h, w), [-4, -3], [-3, -1])
    return b.reshape(*n, c // r**2, h * r, w * r)


def pixel_unshuffle(a, r):
    *n, c, h, w = a.shape
    b = np.moveaxis(a.reshape(*n, c, h // r, r, w // r, r), [-3, -1], [-4, -3])
    return b.reshape(*n, c * r**2, h // r, w // r)


def affine_grid(theta, size, align_corners=False):
    sizes = size[2:]
    axes = [
        np.linspace(-1, 1, m) if align_corners else (np.arange(m) * 2 + 1) / m - 1 for m in sizes
    ]
    points = np.stack([*np.meshgrid(*axes, indexing="ij")[::-1], np.ones(sizes)], -1)
    return np.einsum("...i,nji->n...j", points, theta)


def grid_sample(a, grid, mode="bilinear", padding_mode="zeros", align_corners=False):
    """Linear interpolation among zeros; other modes are PyTorch's to check."""
    n, c, *sizes = a.shape
    out = np.zeros((n, c, *grid.shape[1:-1]))
    half = (np.array(sizes[::-1]) - (1 if align_corners else 0)) / 2
    position = (grid + 1) * half - (0 if align_corners else 0.5)
    low = np.floor(position).astype(int)
    for corner in itertools.product((0, 1), repeat=len(sizes)):
        place = low + np.array(corner)
        weight = np.prod(1 - np.abs(position - place), -1)
        inside = np.all((place >= 0) & (place < np.array(sizes[::-1])), -1)
        index = np.where(inside[..., None], place, 0)[..., ::-1]
        samples = np.arange(n).reshape(-1, *(1,) * len(sizes))
        values = a[samples, :, *np.moveaxis(index, -1, 0)]
        out += np.moveaxis(values * (weight * inside)[..., None], -1, 1)
    return out


MODES = [
    (1, "nearest"),
    (2, "nearest"),
    (3, "nearest"),
    (2, "nearest-exact"),
    (1, "area"),
    (2, "area"),
    (1, "linear"),
    (2, "bilinear"),
    (2, "bicubic"),
    (3, "trilinear"),
]
CORNERS = [(1, "linear"), (2, "bilinear"), (2, "bicubic"), (3, "trilinear")]


def old(name):
    """The row of an alias that warns."""

    def run(f, *args, **kwargs):
        import warnings

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return f(*args, **kwargs)

    return Row(
        F + name, call(x(2, 2, 3, 4), scale_factor=2), numpy=None, run=run, skip_dtypes=("uint8",)
    )


RESIZING = [
    Row(
        F + "interpolate",
        *(call(x(*SHAPE[d]), 7, mode=m) for d, m in MODES),
        *(call(x(*SHAPE[d]), 2, mode=m) for d, m in MODES),
        *(call(x(*SHAPE[d]), scale_factor=1.7, mode=m) for d, m in MODES),
        *(call(x(*SHAPE[d]), 6, mode=m, align_corners=True) for d, m in CORNERS),
        call(x(*SHAPE[2]), 1, mode="bilinear", align_corners=True),
        call(x(*SHAPE[2]), (3, 8), mode="bicubic"),
        call(x(*SHAPE[2]), scale_factor=(2, 0.6), mode="bilinear", recompute_scale_factor=True),
        call(x(2, 1, 7, 9), (3, 4), mode="bilinear", antialias=True),
        call(x(2, 1, 7, 9), (3, 12), mode="bicubic", antialias=True),
        edge(exact(np.array([[[0.0, np.inf, 1.0, 2.0]]])), 3),
        call(x(0, 2, 4, 5), 3),
        bad(NotImplementedError, x(*SHAPE[2]), 3, mode="linear"),
        bad(NotImplementedError, x(2, 3), 3),
        bad(ValueError, x(*SHAPE[2]), 3, align_corners=True),
        bad(ValueError, x(*SHAPE[2])),
        bad(ValueError, x(*SHAPE[2]), 3, 2.0),
        bad(ValueError, x(*SHAPE[2]), (3, 3, 3)),
        bad(ValueError, x(*SHAPE[1]), 3, mode="linear", antialias=True),
        bad(RuntimeError, x(*SHAPE[2]), scale_factor=0.1),
        numpy=None,
        skip_dtypes=("uint8",),
        why="PyTorch computes some modes of 8-bit images in fixed point",
    ),
    old("upsample"),
    old("upsample_nearest"),
    old("upsample_bilinear"),
]

SAMPLING = [
    Row(
        F + "affine_grid",
        call(x(2, 2, 3), (2, 1, 3, 4)),
        call(x(2, 2, 3), (2, 1, 2, 4), align_corners=True),
        call(x(1, 3, 4), (1, 1, 2, 3, 2)),
        bad(ValueError, x(2, 3, 3), (2, 1, 3, 4)),
        bad(NotImplementedError, x(2, 2, 3), (2, 1, 3)),
        numpy=affine_grid,
    ),
    Row(
        F + "grid_sample",
        call(x(2, 2, 3, 4), x(2, 2, 3, 2, low=-1.3, high=1.3)),
        call(x(1, 2, 2, 3, 4), x(1, 2, 2, 1, 3, low=-1.3, high=1.3), align_corners=True),
        bad(RuntimeError, x(2, 2, 3, 4), x(1, 2, 3, 2)),
        bad(RuntimeError, x(2, 2, 3, 4), x(2, 2, 3, 3)),
        bad(ValueError, x(2, 2, 3, 4), x(2, 2, 3, 2), "cubic"),
        bad(ValueError, x(2, 2, 3, 4), x(2, 2, 3, 2), padding_mode="wrap"),
        bad(RuntimeError, x(2, 2, 3, 4, 4), x(2, 2, 3, 2, 3), "bicubic"),
        numpy=grid_sample,
    ),
    Row(
        F + "grid_sample",
        *(
            call(x(2, 2, 3, 4), x(2, 2, 3, 2, low=-2.3, high=2.3), *modes)
            for modes in itertools.product(
                ("bilinear", "nearest", "bicubic"), ("border", "reflection"), (False, True)
            )
        ),
        call(x(2, 2, 3, 4), x(2, 2, 3, 2, low=-1.3, high=1.3), "bicubic"),
        call(x(2, 2, 3, 4), x(2, 2, 3, 2, low=-1.3, high=1.3), "nearest", align_corners=True),
        edge(
            x(1, 1, 3, 3, grad=False),
            exact([[[[np.nan, 0.0], [np.inf, -0.5], [-np.inf, 3.0]]]], grad=False),
            padding_mode="border",
        ),
        numpy=None,
    ),
]

PATCHES = [
    Row(
        F + "unfold",
        call(x(2, 2, 4, 5), 2),
        call(x(2, 4, 5), (2, 3), padding=(1, 0), stride=(1, 2)),
        call(x(1, 2, 5, 6), 2, 2, 1, 2),
        call(x(0, 2, 4, 5), 2),
        bad(RuntimeError, x(2, 2, 4, 5), 6),
        numpy=unfold,
    ),
    Row(
        F + "fold",
        call(x(2, 8, 12), (4, 5), 2),
        call(x(12, 8), (4, 6), (2, 3), padding=(1, 1), stride=(2, 1), dilation=(2, 2)),
        call(x(0, 8, 12), (4, 5), 2),
        bad(RuntimeError, x(2, 8, 11), (4, 5), 2),
        bad(RuntimeError, x(2, 7, 12), (4, 5), 2),
        numpy=fold,
    ),
    Row(
        "pixel_shuffle",
        call(x(2, 8, 2, 3), 2),
        call(x(9, 2, 1), 3),
        bad(RuntimeError, x(2, 7, 2, 3), 2),
        bad(RuntimeError, x(4, 3), 2),
        numpy=pixel_shuffle,
    ),
    Row(
        "pixel_unshuffle",
        call(x(2, 2, 4, 6), 2),
        call(x(1, 3, 6), 3),
        bad(RuntimeError, x(2, 2, 5, 6), 2),
        numpy=pixel_unshuffle,
    ),
    Row(
        "channel_shuffle",
        call(x(2, 6, 2), 3),
        call(x(1, 4, 2, 3), 2),
        bad(RuntimeError, x(2, 5, 2), 2),
        numpy=lambda a, g: a.reshape(len(a), g, -1, *a.shape[2:]).swapaxes(1, 2).reshape(a.shape),
    ),
]

ROWS = RESIZING + SAMPLING + PATCHES
