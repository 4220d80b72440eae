"""How a kernel slides over the spatial dimensions: what convolution, pooling and unfold share.

These operations compute on arrays with the batch dimension last in memory, (channels, *spatial,
batch): a window's elements are then rows of contiguous numbers, one per image, whatever the kernel
and stride, so that slices of them run at full speed. Results are views of such an array in
PyTorch's order of dimensions; the next operation of the family finds its layout as it needs it.
"""

from __future__ import annotations

import itertools
import math
import operator
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from ..creation import as_tensor
from ..errors import ShapeError, described
from ..registry import public
from ..tensor import Tensor

IN_CACHE = 1 << 17  # elements: half a megabyte of float32


class Windows(NamedTuple):
    """The positions of a kernel; each field has one entry per spatial dimension."""

    size: tuple[int, ...]  # of the input
    kernel: tuple[int, ...]
    out: tuple[int, ...]  # how many positions
    stride: tuple[int, ...]
    before: tuple[int, ...]  # padding
    after: tuple[int, ...]
    dilation: tuple[int, ...]

    @property
    def padded(self) -> tuple[int, ...]:
        """The size with the padding."""
        parts = zip(self.before, self.size, self.after, strict=True)
        return tuple(b + n + a for b, n, a in parts)

    def offsets(self, first: int = 0) -> Iterator[tuple[slice, ...]]:
        """For each kernel element, the slices of the padded input that it meets.

        Dimensions before `first` are left out.
        """
        for index in itertools.product(*map(range, self.kernel[first:])):
            yield tuple(
                slice(i * d, i * d + (n - 1) * s + 1, s)
                for i, d, n, s in zip(
                    index, self.dilation[first:], self.out[first:], self.stride[first:], strict=True
                )
            )

    def inner(self) -> tuple[slice, ...]:
        """The slices of the padded input that are no padding."""
        return tuple(slice(b, b + n) for b, n in zip(self.before, self.size, strict=True))

    def after_dummy(self) -> Windows:
        """The same windows with a spatial dimension of size 1 in front."""
        fill = (1, 1, 1, 1, 0, 0, 1)
        return Windows(*((x, *field) for x, field in zip(fill, self, strict=True)))


def batch_last(x: np.ndarray) -> np.ndarray:
    """(N, C, *spatial) as a contiguous (C, *spatial, N); a copy only where it has to be."""
    return np.ascontiguousarray(x.transpose(*range(1, x.ndim), 0))


def padded(x: np.ndarray, windows: Windows, fill: float = 0) -> np.ndarray:
    """(C, *size, N) as a contiguous (C, *padded, N); a copy only where it has to be."""
    if windows.padded == windows.size:
        return np.ascontiguousarray(x)
    out = np.empty((len(x), *windows.padded, x.shape[-1]), x.dtype)
    out[:, *windows.inner()] = x
    for d, (before, size) in enumerate(zip(windows.before, windows.size, strict=True), 1):
        along = (slice(None),) * d
        out[*along, :before] = fill
        out[*along, before + size :] = fill
    return out


def blocks(rows: int, size: int) -> Iterator[slice]:
    """Some rows at a time, as many as fit in the cache; `size` is the elements of one."""
    step = max(1, IN_CACHE // max(size, 1))
    return (slice(i, i + step) for i in range(0, rows, step))


def batch_first(x: np.ndarray) -> np.ndarray:
    """(C, *spatial, N) seen as (N, C, *spatial)."""
    return x.transpose(-1, *range(x.ndim - 1))


def per_dimension(value: Any, dims: int, name: str, what: str, least: int) -> tuple[int, ...]:
    """A number, or a sequence of 1 or `dims` of them, as `dims` numbers, each at least `least`."""
    values = tuple(value) if isinstance(value, (tuple, list)) else (value,)
    if len(values) not in (1, dims):
        raise RuntimeError(f"{name}: {what} must be one number or {dims}, got {value!r}")
    values = tuple(operator.index(v) for v in values) * (dims // len(values))
    if min(values) < least:
        raise RuntimeError(f"{name}: {what} must be at least {least}, got {value!r}")
    return values


def batched(input: Any, dims: int, name: str) -> tuple[Tensor, bool]:
    """(N, C, *spatial) from a tensor with or without N, and whether it had it."""
    x = as_tensor(input)
    if x.ndim == dims + 2:
        return x, True
    if x.ndim == dims + 1:
        return x.reshape(1, *x.shape), False
    raise ShapeError(
        f"{name}: expected an input of {dims + 1} dimensions (channels and {dims} spatial) or "
        f"{dims + 2} (with a batch in front), got {described(x)}"
    )


def restored(x: Tensor, was_batched: bool) -> Tensor:
    """`x` without the batch dimension that `batched` had added."""
    return x if was_batched else x.reshape(x.shape[1:])


def positions(
    size: tuple[int, ...],
    kernel: tuple[int, ...],
    stride: tuple[int, ...],
    before: tuple[int, ...],
    after: tuple[int, ...],
    dilation: tuple[int, ...],
    name: str,
    ceil: bool = False,
) -> Windows:
    """The windows that fit; with `ceil`, also those that begin inside but reach beyond the end."""
    out, end = [], []
    for n, k, s, b, a, d in zip(size, kernel, stride, before, after, dilation, strict=True):
        reach = d * (k - 1) + 1
        room = b + n + a - reach
        if room < 0 and not (ceil and room > -s):
            padded = tuple(b + n + a for b, n, a in zip(before, size, after, strict=True))
            raise ShapeError(
                f"{name}: the kernel of size {kernel} (dilation {dilation}) is larger than the "
                f"padded input of size {padded}"
            )
        count = (-(-room // s) if ceil else room // s) + 1
        if ceil and (count - 1) * s >= n + b:  # PyTorch drops windows that begin in the padding
            count -= 1
        out.append(count)
        end.append(max(a, (count - 1) * s + reach - b - n))
    return Windows(size, kernel, tuple(out), stride, before, tuple(end), dilation)


def spatial(
    function: Any, name: str, dims: int, text: str, op: Any = None, reads_values: bool = False
) -> Any:
    """Registers `function` as NAMEd for `dims` spatial dimensions, documented with `text`.

    In it, {dims}, {sizes} ("H, W") and {twos} ("2, 2") to {sixes} stand for what they say.
    """
    function.__name__ = function.__qualname__ = f"{name}{dims}d"
    words = ("twos", "threes", "fours", "fives", "sixes")
    repeated = {word: ", ".join(str(n) * dims) for n, word in enumerate(words, 2)}
    sizes = ", ".join("DHW"[-dims:]) if dims > 1 else "L"
    function.__doc__ = text.format(dims=dims, sizes=sizes, **repeated)
    return public(namespace="nn.functional", op=op, reads_values=reads_values)(function)


def volume(sizes: tuple[int, ...]) -> int:
    """The number of elements."""
    return math.prod(sizes)
