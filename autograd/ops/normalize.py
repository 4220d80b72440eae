"""Normalization as primitives: over any axes, and over channels with parameters per channel.

They are primitives because their composite takes about four times as long: forward keeps the
moments, or what it computed from them, and the gradient needs only those.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..function import Op
from ..tensor import Tensor
from .windows import batch_first, batch_last, blocks


class Normalize(Op):
    """(x - mean) / √(var + eps) over `axes`, times `w` plus `b`, which broadcast.

    Without `centre`, the mean counts as 0 and var is the mean square.
    """

    symbol, public, saves_on_ctx = "norm", False, True
    backward = {
        "x": lambda g, x, w, ctx, axes, eps, centre: _by_x(
            g, *_standard(g, x, ctx, axes, eps, centre), w, axes, centre
        ),
        "w": lambda g, x, ctx, axes, eps, centre: g * _standard(g, x, ctx, axes, eps, centre)[0],
        "b": lambda g: g,
    }
    formula = {
        "x": "(g w - mean of g w - y mean of g w y) / deviation, with y the normalized x",
        "w": "g times the normalized x",
        "b": "sum of g over what b was broadcast to",
    }

    def forward(ctx, x, w, b, axes, eps, centre):
        y = x - _mean(x, axes) if centre else x.copy()
        ctx.scale = 1 / np.sqrt(_mean_square(y, axes) + eps)
        y *= ctx.scale
        ctx.y = y
        out = y.copy() if w is None else y * w.astype(x.dtype, copy=False)
        if b is not None:
            out += b
        return out


def _mean(x: Any, axes: tuple[int, ...]) -> Any:
    return x.mean(axis=axes, keepdims=True)


def _mean_square(x: Any, axes: tuple[int, ...]) -> Any:
    if isinstance(x, np.ndarray) and axes == (x.ndim - 1,):
        return (np.vecdot(x, x) / np.asarray(x.shape[-1], x.dtype))[..., None]
    return _mean(x * x, axes)


def _standard(g: Any, x: Any, ctx: Any, axes: Any, eps: float, centre: bool) -> tuple[Any, Any]:
    """The normalized x and 1 / deviation: as forward left them, or as part of the graph."""
    return _normalized(x, axes, eps, centre) if isinstance(g, Tensor) else (ctx.y, ctx.scale)


def _normalized(x: Any, axes: Any, eps: float, centre: bool) -> tuple[Any, Any]:
    y = x - _mean(x, axes) if centre else x
    scale = 1 / np.sqrt(_mean_square(y, axes) + eps)
    return y * scale, scale


def _by_x(g: Any, y: Any, scale: Any, w: Any, axes: Any, centre: bool) -> Any:
    g = g if w is None else g * w
    if isinstance(g, np.ndarray) and axes == (g.ndim - 1,):
        return _by_rows(g, y, scale, centre)
    inner = g - y * _mean(g * y, axes)
    return (inner - _mean(g, axes) if centre else inner) * scale


def _by_rows(g: np.ndarray, y: np.ndarray, scale: np.ndarray, centre: bool) -> np.ndarray:
    """The same over the last dimension, with half the passes over memory."""
    n = np.asarray(y.shape[-1], y.dtype)
    by_x = y * (np.vecdot(g, y) / n)[..., None]
    if centre:
        by_x += (g @ np.full(g.shape[-1], 1 / n, g.dtype))[..., None]
    np.subtract(g, by_x, out=by_x)
    by_x *= scale
    return by_x


class ChannelNorm(Op):
    """`x` (N, C, *) normalized per channel, or per sample in `groups` of channels, unless 0.

    `w` and `b` have one number per channel. `moments` receives mean and variance. Plain arrays
    are taken as `_Rows`, a few of them at a time, which stay in the cache until they are done.
    """

    symbol, public, saves_on_ctx = "norm", False, True
    backward = {
        "x": lambda g, x, w, ctx, groups, eps: _channels_by_x(g, x, w, ctx, groups, eps),
        "w": lambda g, x, w, ctx, groups, eps: _channels_by_w(g, x, w, ctx, groups, eps),
        "b": lambda g, ctx: _channels_by_b(g, ctx),
    }
    formula = Normalize.formula | {
        "w": "sum of g times the normalized x over all but channels",
        "b": "sum of g over all but channels",
    }

    def forward(ctx, x, w, b, groups, eps, moments):
        if not _plain(x, w, b):
            parted, axes = _parted(x, groups), _axes(groups)
            mean = _mean(parted, axes)
            moments[:] = mean, _mean_square(parted - mean, axes)
            y = _normalized(parted, axes, eps, True)[0]
            y = y if w is None else y * _parted_parameter(w, groups)
            return (y if b is None else y + _parted_parameter(b, groups)).reshape(x.shape)
        rows = _Rows(x, groups)
        out, ctx.mean, ctx.scale, var = _normalized_rows(
            rows.of(x), rows.parameter(w), rows.parameter(b), eps
        )
        moments[:] = ctx.mean, var
        return rows.back(out)


def _plain(*arrays: Any) -> bool:
    """Whether all are ndarrays: no Tensors, no batches of arrays."""
    return all(a is None or type(a) is np.ndarray for a in arrays)


def _parted(x: Any, groups: int) -> Any:
    """(N, C, length) or (N, groups, channels, length), to be normalized over `_axes(groups)`."""
    n, channels = x.shape[:2]
    length = math.prod(x.shape[2:])
    return x.reshape(n, groups, channels // groups, length) if groups else x.reshape(n, -1, length)


def _parted_parameter(w: Any, groups: int) -> Any:
    return None if w is None else w.reshape(*((groups, -1, 1) if groups else (-1, 1)))


def _axes(groups: int) -> tuple[int, ...]:
    return (2, 3) if groups else (0, 2)


def _channels_by_x(g: Any, x: Any, w: Any, ctx: Any, groups: int, eps: float) -> Any:
    if _plain(g, x, w):
        rows = _Rows(x, groups)
        out, *sums = _rows_by_x(rows.of(g), rows.of(x), ctx.mean, ctx.scale, rows.parameter(w))
        ctx.sums = [g, *map(rows.per_channel, sums)]  # which the other rules need
        return rows.back(out)
    axes = _axes(groups)
    y, scale = _normalized(_parted(x, groups), axes, eps, True)
    w = _parted_parameter(w, groups)
    return _by_x(_parted(g, groups), y, scale, w, axes, True).reshape(x.shape)


def _channels_by_w(g: Any, x: Any, w: Any, ctx: Any, groups: int, eps: float) -> Any:
    if _plain(g, x, w):
        if not _has_sums(ctx, g):
            _channels_by_x(g, x, w, ctx, groups, eps)
        return ctx.sums[1]
    y = _normalized(_parted(x, groups), _axes(groups), eps, True)[0]
    return (_parted(g, groups) * y).sum((0, -1)).reshape(w.shape)


def _channels_by_b(g: Any, ctx: Any) -> Any:
    return ctx.sums[2] if _has_sums(ctx, g) else g.sum((0, *range(2, g.ndim)))


def _has_sums(ctx: Any, g: Any) -> bool:
    return "sums" in vars(ctx) and ctx.sums[0] is g


class _Rows:
    """Images (N, C, *) as (parts, rows, length): a row is what one mean and variance are of.

    For normalization per channel, the parts of a row are its samples, or all of it where the
    batch is last in memory; in groups, they are the group's channels.
    """

    def __init__(self, x: np.ndarray, groups: int) -> None:
        self.shape, self.groups = x.shape, groups
        last = x.transpose(*range(1, x.ndim), 0)
        self.batch_last = not groups and last.flags.c_contiguous

    def of(self, x: np.ndarray) -> np.ndarray:
        n, channels = self.shape[:2]
        length = math.prod(self.shape[2:])
        if self.batch_last:
            return batch_last(x).reshape(1, channels, length * n)
        x = np.ascontiguousarray(x)
        if not self.groups:
            return x.reshape(n, channels, length)
        return x.reshape(n * self.groups, channels // self.groups, length).swapaxes(0, 1)

    def back(self, rows: np.ndarray) -> np.ndarray:
        if self.batch_last:
            n, channels, *sizes = self.shape
            return batch_first(rows.reshape(channels, *sizes, n))
        return (rows.swapaxes(0, 1) if self.groups else rows).reshape(self.shape)

    def parameter(self, w: np.ndarray | None) -> Any:
        """One number per channel as what multiplies rows, (parts or 1, rows, 1)."""
        if w is None or not self.groups:
            return None if w is None else w.reshape(1, -1, 1)
        return np.tile(w.reshape(self.groups, -1).T, (1, self.shape[0]))[..., None]

    def per_channel(self, sums: np.ndarray) -> np.ndarray:
        """(parts, rows) summed to one number per channel."""
        if not self.groups:
            return sums.sum(0)
        return sums.reshape(len(sums), -1, self.groups).sum(1).T.reshape(-1)


def _normalized_rows(x: np.ndarray, w: Any, b: Any, eps: float) -> tuple[np.ndarray, ...]:
    """The result, the means, 1 / deviations and variances of rows."""
    parts, rows, length = x.shape
    n, out = parts * length, np.empty_like(x)
    mean, scale, var = np.empty((3, rows, 1), x.dtype)
    for block in blocks(rows, n):
        part, y = x[:, block], out[:, block]
        mean[block, 0] = part.sum(-1).sum(0) / n
        np.subtract(part, mean[block], out=y)
        var[block, 0] = np.vecdot(y, y).sum(0) / n
        scale[block] = 1 / np.sqrt(var[block] + eps)
        y *= scale[block] if w is None else (w[:, block] * scale[block]).astype(x.dtype, copy=False)
        if b is not None:
            y += b[:, block]
    return out, mean, scale, var


def _rows_by_x(
    g: np.ndarray, x: np.ndarray, mean: np.ndarray, scale: np.ndarray, w: Any
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The gradient of x; the sums (parts, rows) of g times the normalized x, and of g."""
    parts, rows, length = x.shape
    n, out = parts * length, np.empty_like(x)
    products, sums = np.empty((2, parts, rows, 1), x.dtype)
    for block in blocks(rows, n):
        upstream, d, s = g[:, block], out[:, block], scale[block]
        weight = np.ones_like(s) if w is None else w[:, block].astype(x.dtype, copy=False)
        np.subtract(x[:, block], mean[block], out=d)
        products[:, block, 0] = np.vecdot(upstream, d) * s[:, 0]
        sums[:, block, 0] = upstream.sum(-1)
        d *= (products[:, block] * weight).sum(0) * (-s * s / n)
        d -= (sums[:, block] * weight).sum(0) * (s / n)
        d += upstream * (weight * s)
    return out, products[..., 0], sums[..., 0]
