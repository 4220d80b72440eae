"""The text of a tensor, which reads as PyTorch's does."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from .dtypes import bool_, get_default_dtype, int64

if TYPE_CHECKING:
    from .tensor import Tensor

_options: dict[str, Any] = {
    "precision": 4,
    "threshold": 1000,
    "edgeitems": 3,
    "linewidth": 80,
    "sci_mode": None,
}
_DEFAULTS = dict(_options)
_PROFILES: dict[str, dict[str, Any]] = {
    "default": {},
    "short": {"precision": 2, "edgeitems": 2},
    "full": {"threshold": float("inf")},
}


def set_printoptions(
    precision: int | None = None,
    threshold: float | None = None,
    edgeitems: int | None = None,
    linewidth: int | None = None,
    profile: str | None = None,
    sci_mode: bool | None = None,
) -> None:
    """How tensors are printed, with PyTorch's options.

    >>> import autograd
    >>> autograd.set_printoptions(precision=2)
    >>> autograd.tensor([1.23456])
    tensor([1.23])
    >>> autograd.set_printoptions(profile="default")
    """
    if profile is not None:
        if profile not in _PROFILES:
            raise ValueError(f"set_printoptions: profile must be one of {', '.join(_PROFILES)}")
        _options.update(_DEFAULTS | _PROFILES[profile])
    given = {
        "precision": precision,
        "threshold": threshold,
        "edgeitems": edgeitems,
        "linewidth": linewidth,
    }
    _options.update({k: v for k, v in given.items() if v is not None})
    _options["sci_mode"] = sci_mode


def get_printoptions() -> dict[str, Any]:
    """The options in use, as `set_printoptions` takes them.

    >>> get_printoptions()["precision"]
    4
    """
    return dict(_options)


def tensor_text(x: Tensor, prefix: str = "tensor(") -> str:
    """`tensor([...], dtype=..., requires_grad=True)` as PyTorch writes it."""
    array = x._data
    text = prefix + (_array_text(array, len(prefix)) if array.size else "[]")
    last_line = len(text) - text.rfind("\n") - len(prefix) + 1
    for suffix in _suffixes(x, array):
        if last_line + len(suffix) + len(prefix) + 2 > _options["linewidth"]:
            text += ",\n" + " " * len(prefix) + suffix
            last_line = len(suffix)
        else:
            text += ", " + suffix
            last_line += len(suffix) + 2
    return text + ")"


def _suffixes(x: Tensor, array: np.ndarray) -> list[str]:
    suffixes = []
    if array.size == 0 and array.ndim != 1:
        suffixes.append(f"size={array.shape}")
    implied = (int64, bool_) if array.size else ()  # by how the elements look
    if array.dtype not in (get_default_dtype(), *implied):
        suffixes.append(f"dtype={array.dtype}")
    try:
        node = x.grad_fn
    except RuntimeError:  # a view that cannot be made again, see Tensor._follow_base
        return [*suffixes, "grad_fn=<Invalid>"]
    if node is not None:
        suffixes.append(f"grad_fn={node!r}")
    elif x.requires_grad:
        suffixes.append("requires_grad=True")
    return suffixes


def _array_text(array: np.ndarray, indent: int) -> str:
    summarize = array.size > _options["threshold"]
    text, width = _formatter(_corners(array) if summarize else array)
    return _nested_text(array, indent, summarize, text, width)


def _nested_text(
    array: np.ndarray, indent: int, summarize: bool, text: Callable[[Any], str], width: int
) -> str:
    """The elements in brackets: rows broken into lines, larger blocks set apart by empty ones."""
    if array.ndim == 0:
        return text(array.item())
    n = _options["edgeitems"]
    edges = summarize and len(array) > 2 * n
    if array.ndim > 1:
        parts = [
            _nested_text(part, indent + 1, summarize, text, width)
            for part in (itertools.chain(array[:n], array[len(array) - n :]) if edges else array)
        ]
        if edges:
            parts.insert(n, "...")
        return "[" + ("," + "\n" * (array.ndim - 1) + " " * (indent + 1)).join(parts) + "]"
    values = [text(v) for v in (_corners(array) if edges else array).tolist()]
    if edges:
        values.insert(n, " ...")
    per_line = max(1, (_options["linewidth"] - indent) // (width + 2))
    lines = [", ".join(values[i : i + per_line]) for i in range(0, len(values), per_line)]
    return "[" + (",\n" + " " * (indent + 1)).join(lines) + "]"


def _corners(array: np.ndarray) -> np.ndarray:
    """The elements that a summary shows."""
    n = _options["edgeitems"]
    for axis, size in enumerate(array.shape):
        if size > 2 * n:
            array = np.take(array, [*range(n), *range(size - n, size)], axis)
    return array


def _formatter(shown: np.ndarray) -> tuple[Callable[[Any], str], int]:
    """PyTorch's choice of fixed or scientific notation, and of one width for all elements."""
    flat = shown.ravel()
    if flat.dtype.kind != "f":
        width = max(map(len, map(str, flat.tolist())), default=1)
        return lambda value: str(value).rjust(width), width
    precision = _options["precision"]
    finite = flat[np.isfinite(flat) & (flat != 0)].astype(np.float64)
    whole = bool(np.all(finite == np.ceil(finite)))
    scientific = False
    if finite.size:
        low, high = np.abs(finite).min(), np.abs(finite).max()
        scientific = _options["sci_mode"]
        if scientific is None:
            scientific = bool(high / low > 1000 or high > 1e8 or low < 1e-4)

    def text(value: float) -> str:
        if scientific:
            return f"{value:{width}.{precision}e}"
        if whole:
            return (f"{value:.0f}." if math.isfinite(value) else f"{value:.0f}").rjust(width)
        return f"{value:{width}.{precision}f}"

    width = 1
    width = max([1, *(len(text(value)) for value in finite.tolist())])
    return text, width
