"""Padding: with a constant, or with the input's own elements, reflected, repeated or wrapped."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..creation import as_tensor
from ..dtypes import stored
from ..errors import ShapeError, described
from ..function import Op
from ..registry import public
from ..tensor import Tensor
from .indexing import IndexSelect

Pairs = tuple[tuple[int, int], ...]  # (before, after) for each dimension; negative ones cut off


class Pad(Op):
    public = False
    backward = {
        "x": lambda g, pairs: Pad.call(g, tuple((-before, -after) for before, after in pairs), 0)
    }
    formula = {"x": "g without the padding"}

    def forward(x, pairs, value):
        shape = [n + before + after for n, (before, after) in zip(x.shape, pairs, strict=True)]
        out = np.empty_like(x, shape=shape)
        out[...] = value
        source = tuple(slice(max(-b, 0), n - max(-a, 0)) for n, (b, a) in _sized(x, pairs))
        target = tuple(slice(max(b, 0), n - max(a, 0)) for n, (b, a) in _sized(out, pairs))
        out[target] = x[source]
        return out


def _sized(x: np.ndarray, pairs: Pairs) -> Any:
    return zip(x.shape, pairs, strict=True)


@public(namespace="nn.functional", op=Pad)
def pad(input: Any, pad: Any, mode: str = "constant", value: float | None = None) -> Tensor:
    """`input` with elements added at the ends of its last dimensions.

    Args:
        input: of any shape; for other modes than "constant", one or two dimensions precede the
            padded ones.
        pad: (left, right) for the last dimension, followed by a pair for the one before, and so
            on. Negative numbers cut off.
        mode: "constant", "reflect" (without repeating the edge), "replicate" (the edge) or
            "circular".
        value: the constant (default 0).

    >>> import autograd, nn
    >>> x = autograd.tensor([[1.0, 2.0, 3.0]])
    >>> nn.functional.pad(x, (1, 2))
    tensor([[0., 1., 2., 3., 0., 0.]])
    >>> nn.functional.pad(x, (1, 2), mode="reflect")
    tensor([[2., 1., 2., 3., 2., 1.]])
    """
    x, numbers = as_tensor(input), tuple(int(n) for n in pad)
    if len(numbers) % 2 or len(numbers) > 2 * x.ndim:
        raise RuntimeError(
            f"pad: expected at most {x.ndim} pairs of numbers for {described(x)}, got {numbers}"
        )
    given = tuple(zip(numbers[::2], numbers[1::2], strict=True))[::-1]
    pairs = ((0, 0),) * (x.ndim - len(given)) + given
    if any(n + before + after < 0 for n, (before, after) in _sized(x._data, pairs)):
        raise ShapeError(f"pad: {numbers} would cut more off {described(x)} than there is")
    if mode == "constant":
        return Pad.apply(x, pairs, stored(float(value or 0), x.dtype)[()])
    if mode not in _INDEX:
        raise NotImplementedError(f"pad: mode must be constant, {', '.join(_INDEX)}, got {mode!r}")
    if value is not None:
        raise RuntimeError(f"pad: mode {mode!r} takes no value")
    if not 1 <= len(given) <= 3 or x.ndim - len(given) not in (1, 2):
        raise NotImplementedError(
            f"pad: mode {mode!r} pads the last 1, 2 or 3 dimensions, with one or two before "
            f"them; got {len(given)} pairs for {described(x)}"
        )
    for axis, (before, after) in enumerate(pairs):
        if before or after:
            x = IndexSelect.apply(x, axis, _INDEX[mode](x.shape[axis], before, after))
    return x


# Which elements of a dimension of size n the padded one shows.


def _reflected(n: int, before: int, after: int) -> np.ndarray:
    if max(before, after) >= n:
        raise ShapeError(
            f"pad: to reflect a dimension of size {n}, the padding must be smaller, got "
            f"{(before, after)}"
        )
    distance = np.abs(np.arange(-before, n + after))
    return np.where(distance < n, distance, 2 * (n - 1) - distance)


def _replicated(n: int, before: int, after: int) -> np.ndarray:
    if n == 0:
        raise ShapeError("pad: a dimension of size 0 has no edge to replicate")
    return np.clip(np.arange(-before, n + after), 0, n - 1)


def _wrapped(n: int, before: int, after: int) -> np.ndarray:
    kept = np.arange(max(-before, 0), n - max(-after, 0))  # what is left wraps around
    if max(before, after) > len(kept):
        raise ShapeError(
            f"pad: to wrap a dimension of size {len(kept)} around, the padding must not exceed "
            f"it, got {(before, after)}"
        )
    return kept.take(np.arange(-max(before, 0), len(kept) + max(after, 0)), mode="wrap")


_INDEX = {"reflect": _reflected, "replicate": _replicated, "circular": _wrapped}
