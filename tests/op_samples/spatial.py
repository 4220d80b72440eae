"""Operations whose kernels slide over spatial dimensions: convolution and pooling."""

from __future__ import annotations

import math
import string

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from .table import Row, bad, call, edge, exact, pos, x

F = "nn.functional."


def tuples(dims, *values):
    return [v if isinstance(v, tuple) else (v,) * dims for v in values]


def windows(a, kernel, stride, padding, dilation, fill=0.0):
    """Every window over the last dimensions of `a`: (..., *positions, *kernel)."""
    dims = len(kernel)
    stride, padding, dilation = tuples(dims, stride, padding, dilation)
    pairs = [p if isinstance(p, tuple) else (p, p) for p in padding]
    a = np.pad(a, [(0, 0)] * (a.ndim - dims) + pairs, constant_values=fill)
    reach = [d * (k - 1) + 1 for d, k in zip(dilation, kernel, strict=True)]
    axes = tuple(range(-dims, 0))
    found = sliding_window_view(a, reach, axes)
    every = tuple(slice(None, None, s) for s in stride)
    return found[(..., *every, *(slice(None, None, d) for d in dilation))]


def conv(a, w, b=None, stride=1, padding=0, dilation=1, groups=1):
    kernel = w.shape[2:]
    dims = len(kernel)
    if isinstance(padding, str):
        (dilated,) = tuples(dims, dilation)
        total = [d * (k - 1) * (padding == "same") for d, k in zip(dilated, kernel, strict=True)]
        padding = tuple((t // 2, t - t // 2) for t in total)
    k = string.ascii_lowercase[:dims]
    batched = a if a.ndim == dims + 2 else a[None]
    found = windows(batched, kernel, stride, padding, dilation)
    parts = [
        np.einsum(f"NC...{k},OC{k}->NO...", v, u, optimize=True)
        for v, u in zip(np.split(found, groups, 1), np.split(w, groups), strict=True)
    ]
    out = np.concatenate(parts, 1) + (0 if b is None else b.reshape(-1, *(1,) * dims))
    return out if a.ndim == dims + 2 else out[0]


def conv_transpose(a, w, b=None, stride=1, padding=0, output_padding=0, groups=1, dilation=1):
    """Every input adds its multiple of the kernel to the output."""
    kernel = w.shape[2:]
    dims = len(kernel)
    stride, padding, extra, dilation = tuples(dims, stride, padding, output_padding, dilation)
    batched = a if a.ndim == dims + 2 else a[None]
    out = w.shape[1] * groups
    size = [
        (n - 1) * s + d * (k - 1) + 1 + e
        for n, s, d, k, e in zip(batched.shape[2:], stride, dilation, kernel, extra, strict=True)
    ]
    full = np.zeros((len(a) if a.ndim == dims + 2 else 1, out, *size))
    parts = zip(np.split(batched, groups, 1), np.split(w, groups), strict=True)
    per_group = w.shape[1]
    for g, (v, u) in enumerate(parts):
        channels = slice(g * per_group, (g + 1) * per_group)
        for index in np.ndindex(kernel):
            places = tuple(
                slice(i * d, i * d + (n - 1) * s + 1, s)
                for i, d, n, s in zip(index, dilation, v.shape[2:], stride, strict=True)
            )
            full[:, channels, *places] += np.einsum("NC...,CO->NO...", v, u[:, :, *index])
    inner = tuple(slice(p, n - p) for p, n in zip(padding, size, strict=True))
    full = full[:, :, *inner] + (0 if b is None else b.reshape(-1, *(1,) * dims))
    return full if a.ndim == dims + 2 else full[0]


# With an empty batch PyTorch checks no dtypes, so these are edges.
CONV = [
    Row(
        F + "conv1d",
        call(x(2, 3, 7), x(4, 3, 3)),
        call(x(2, 4, 7), x(6, 2, 3), x(6), 2, 1, groups=2),
        call(x(4, 7), x(4, 1, 2), stride=(2,), dilation=2, groups=4),
        call(x(2, 3, 6), x(2, 3, 4), padding="same"),
        edge(x(0, 3, 7), x(4, 3, 3), x(4)),
        bad(RuntimeError, x(2, 3, 7), x(4, 2, 3)),
        bad(RuntimeError, x(2, 3, 7), x(4, 3, 8)),
        bad(RuntimeError, x(3), x(4, 3, 3)),
        numpy=conv,
    ),
    Row(
        F + "conv2d",
        call(x(2, 3, 5, 4), x(4, 3, 3, 2)),
        call(x(64, 2, 5, 5), x(3, 2, 3, 3), x(3)),  # large enough for products row by row
        call(x(40, 2, 6, 7), x(4, 1, 3, 2), x(4), (3, 2), (2, 1), groups=2),
        call(x(3, 5, 4), x(4, 3, 2, 1), x(4), stride=2, padding=(1, 0)),
        call(x(2, 2, 6, 7), x(4, 1, 2, 3), dilation=(2, 1), groups=2, padding="valid"),
        call(x(1, 2, 5, 5), x(2, 2, 3, 2), padding="same", dilation=2),
        call(x(2, 4, 3, 3), x(3, 4, 1, 1), x(3)),
        edge(x(0, 3, 5, 4), x(4, 3, 3, 2)),
        bad(RuntimeError, x(2, 3, 5, 5), x(4, 3, 3, 3), x(3)),
        bad(RuntimeError, x(2, 3, 5, 5), x(4, 3, 3, 3), padding="same", stride=2),
        bad(RuntimeError, x(2, 3, 5, 5), x(4, 3, 3, 3), padding="full"),
        bad(RuntimeError, x(2, 3, 5, 5), x(4, 3, 3, 3), stride=0),
        bad(RuntimeError, x(2, 3, 5, 5), x(4, 3, 3, 3), padding=(1, 1, 1)),
        numpy=conv,
        tol=(1e-10, 3e-5),
        why="sums of dozens of products",
    ),
    Row(
        F + "conv3d",
        call(x(2, 2, 4, 3, 4), x(2, 2, 2, 2, 3)),
        call(x(2, 4, 4, 3, 4), x(2, 2, 2, 1, 3), x(2), (2, 1, 1), (0, 1, 1), (1, 1, 2), 2),
        call(x(2, 3, 3, 3), x(2, 2, 3, 2, 2), padding="same"),
        edge(x(0, 2, 4, 3, 4), x(2, 2, 2, 2, 3)),
        bad(RuntimeError, x(2, 2, 4, 4), x(2, 2, 2, 2)),
        numpy=conv,
    ),
    Row(
        F + "conv_transpose1d",
        call(x(2, 3, 4), x(3, 2, 3)),
        call(x(4, 4), x(4, 2, 3), x(4), 2, 1, 1, 2),
        edge(x(0, 3, 4), x(3, 2, 3)),
        bad(RuntimeError, x(2, 3, 4), x(2, 2, 3)),
        numpy=conv_transpose,
    ),
    Row(
        F + "conv_transpose2d",
        call(x(2, 3, 3, 4), x(3, 2, 3, 2)),
        call(x(64, 2, 3, 3), x(2, 3, 3, 3), x(3)),
        call(x(64, 2, 3, 3), x(2, 2, 4, 3), stride=(2, 3), padding=1, output_padding=(1, 2)),
        call(x(4, 2, 3), x(4, 1, 2, 2), groups=2, dilation=(2, 1), output_padding=(1, 0)),
        edge(x(0, 3, 3, 4), x(3, 2, 3, 2), x(2)),
        bad(RuntimeError, x(2, 3, 3, 3), x(3, 2, 3, 3), output_padding=1),
        numpy=conv_transpose,
        tol=(1e-10, 3e-5),
        why="sums of dozens of products",
    ),
    Row(
        F + "conv_transpose3d",
        call(x(2, 2, 2, 3, 2), x(2, 2, 2, 2, 3)),
        call(x(4, 2, 3, 2), x(4, 1, 2, 1, 3), x(2), (2, 1, 1), (0, 0, 1), (1, 0, 0), 2, (1, 1, 2)),
        numpy=conv_transpose,
    ),
]


def sizes(n, dims):
    return n if isinstance(n, tuple) else (n,) * dims


def pool(dims, name):
    """A reference by windows; it knows nothing of ceil_mode, which PyTorch's results cover."""

    def pooled(a, kernel, stride=None, padding=0, dilation=1, ceil_mode=False, **_):
        kernel = sizes(kernel, dims)
        fill = -np.inf if name == "max" else 0.0
        found = windows(a, kernel, stride or kernel, padding, dilation, fill)
        return getattr(np, name)(found, tuple(range(-dims, 0)))

    return pooled


def places(a, kernel, stride=None, **_):
    """Maxima with their places in the flattened input, for windows without padding."""
    kernel = sizes(kernel, a.ndim - 2)
    dims = len(kernel)
    numbers = np.arange(np.prod(a.shape[2:])).reshape(a.shape[2:])
    v = windows(a, kernel, stride or kernel, 0, 1)
    n = windows(numbers, kernel, stride or kernel, 0, 1)
    v, n = v.reshape(*v.shape[:-dims], -1), n.reshape(*n.shape[:-dims], -1)
    best = v.argmax(-1)[..., None]
    at = np.take_along_axis(np.broadcast_to(n, v.shape), best, -1)
    return np.take_along_axis(v, best, -1)[..., 0], at[..., 0]


def max_pool(dims):
    def pooled(a, kernel, stride=None, return_indices=False, **kwargs):
        if return_indices:
            return places(a, kernel, stride)
        return pool(dims, "max")(a, kernel, stride, **kwargs)

    return pooled


def unpooled(a, index, *_, output_size=None, **__):
    size = output_size[-(a.ndim - 2) :]
    out = np.zeros((*a.shape[:2], int(np.prod(size))))
    np.put_along_axis(out, index.reshape(*a.shape[:2], -1), a.reshape(*a.shape[:2], -1), -1)
    return out.reshape(*a.shape[:2], *size)


def adaptive(dims, name):
    def pooled(a, output_size, return_indices=False):
        n = a.shape[-dims:]
        out = sizes(output_size, dims)
        out = tuple(n[i] if m is None else m for i, m in enumerate(out))
        result = np.empty((*a.shape[:-dims], *out))
        at = np.empty(result.shape, np.int64)
        numbers = np.broadcast_to(np.arange(np.prod(n)).reshape(n), a.shape)
        axes = tuple(range(-dims, 0))
        for i in np.ndindex(out):
            box = (
                ...,
                *(
                    slice(j * p // q, -(-(j + 1) * p // q))
                    for j, p, q in zip(i, n, out, strict=True)
                ),
            )
            result[(..., *i)] = getattr(np, name)(a[box], axes)
            if return_indices:
                hit = a[box] == np.max(a[box], axes, keepdims=True)
                at[(..., *i)] = np.where(hit, numbers[box], 0).sum(axes)
        return (result, at) if return_indices else result

    return pooled


def lp(dims):
    def pooled(a, p, kernel, stride=None):
        found = windows(a, sizes(kernel, dims), stride or sizes(kernel, dims), 0, 1)
        if math.isinf(p):
            reduce = np.max if p > 0 else np.min
            return reduce(np.abs(found), axis=tuple(range(-dims, 0)))
        return (found**p).sum(tuple(range(-dims, 0))) ** (1 / p)

    return pooled


SIZE = {1: (7,), 2: (5, 6), 3: (4, 3, 5)}
INDEX = exact(np.array([[[0, 3, 4]], [[5, 2, 1]]]))

POOLING = (
    [
        row
        for d, n in SIZE.items()
        for row in (
            Row(
                F + f"max_pool{d}d",
                call(x(2, 2, *n), 2),
                call(x(2, 2, *n), 2, return_indices=True),
                call(x(2, *n), 3, 2, padding=1),
                call(x(2, 2, *n), 2, 1, dilation=2),
                call(x(0, 2, *n), 2),
                call(x(2, 2, *(4,) * d), 2),  # windows that tile the input
                bad(RuntimeError, x(2, 2, *n), 9),
                bad(RuntimeError, x(2, 2, *n), 2, padding=2),
                bad(RuntimeError, x(*n[1:]) if d > 1 else x(), 2),
                numpy=max_pool(d),
                skip_dtypes=("bool",),
            ),
            Row(
                F + f"avg_pool{d}d",
                call(x(2, 2, *n), 2),
                call(x(2, *n), 3, 2, padding=1),
                call(x(2, 2, *(4,) * d), 2),
                call(x(0, 2, *n), (2,) * d, stride=1),
                bad(RuntimeError, x(2, 2, *n), 9),
                bad(RuntimeError, x(2, 2, *n), 2, padding=2),
                numpy=pool(d, "mean"),
            ),
            Row(
                F + f"adaptive_max_pool{d}d",
                call(x(2, 2, *n), 3),
                call(x(2, *n), 2, return_indices=True),
                call(x(2, 2, *(4,) * d), 2),
                *([call(x(2, 2, *n), (None, *(2,) * (d - 1)))] if d > 1 else []),
                bad(RuntimeError, x(2, 2, *n), (2,) * (d + 1)),
                numpy=adaptive(d, "max"),
            ),
            Row(
                F + f"adaptive_avg_pool{d}d",
                call(x(2, 2, *n), 3),
                call(x(2, *n), 8),
                call(x(2, 2, *(4,) * d), 2),
                call(x(2, 2, *n), 1),
                *([call(x(2, 2, *n), (None, *(2,) * (d - 1)))] if d > 1 else []),
                bad(RuntimeError, x(2, 2, *n), (2,) * (d + 1)),
                numpy=adaptive(d, "mean"),
            ),
            Row(
                F + f"lp_pool{d}d",
                call(pos(2, 2, *n), 2, 2),
                call(pos(2, *n), 3.0, 3, 2),
                call(x(2, *n), math.inf, 2),
                call(x(2, *n), -math.inf, 2),
                numpy=lp(d),
            ),
        )
    ]
    + [
        Row(
            F + "max_unpool1d",
            call(x(2, 1, 3), INDEX, 2, output_size=(2, 1, 6)),
            bad(ValueError, x(2, 1, 3), INDEX, 2, output_size=(2, 1, 9)),
            numpy=unpooled,
        ),
        Row(
            F + "max_unpool2d",
            call(x(2, 1, 1, 3), exact(INDEX.data.reshape(2, 1, 1, 3)), 2, output_size=(2, 6)),
            bad(RuntimeError, x(2, 1, 3, 1), exact(INDEX.data.reshape(2, 1, 1, 3)), 2),
            numpy=unpooled,
        ),
        Row(
            F + "max_unpool3d",
            call(
                x(2, 1, 1, 1, 3), exact(INDEX.data.reshape(2, 1, 1, 1, 3)), 2, output_size=(2, 2, 6)
            ),
            numpy=unpooled,
        ),
    ]
)

TIED = exact(np.arange(36.0).reshape(1, 1, 6, 6) // 5)
PYTORCH_IS_THE_REFERENCE = [  # windows beyond the end, what counts in the padding, ties
    Row(
        F + "max_pool2d",
        call(x(1, 2, 6, 5), 3, 2, 1, ceil_mode=True, return_indices=True),
        call(x(2, 6, 5), (2, 3), 2, ceil_mode=True),
        edge(TIED, 3, 2, 1),
        edge(TIED, 2, return_indices=True),
        edge(exact(np.full((1, 1, 3, 3), -np.inf)), 3, 1, 1, return_indices=True),
        edge(exact([[[[np.nan, 1.0, -np.inf], [1.0, 2.0, -np.inf]]]]), (1, 2), 1),
        numpy=None,
        skip_dtypes=("bool",),
    ),
    Row(
        F + "avg_pool2d",
        call(x(1, 2, 6, 5), 3, 2, 1, True),
        call(x(1, 2, 6, 5), 3, 2, 1, True, False),
        call(x(1, 2, 6, 5), 3, 2, 1, count_include_pad=False),
        call(x(1, 2, 6, 5), 2, divisor_override=3),
        bad(RuntimeError, x(1, 2, 6, 5), 2, divisor_override=0),
        numpy=None,
    ),
]

ROWS = CONV + POOLING + PYTORCH_IS_THE_REFERENCE
