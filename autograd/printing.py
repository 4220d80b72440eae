"""The text of a tensor, which reads as PyTorch's does."""

from __future__ import annotations

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
    if sci_mode is not None or profile is not None:
        _options["sci_mode"] = sci_mode


def tensor_text(x: Tensor, prefix: str = "tensor(") -> str:
    """`tensor([...], dtype=..., requires_grad=True)` as PyTorch writes it."""
    array = x._data
    suffixes = []
    if array.size == 0 and array.shape != (0,):
        suffixes.append(f"size={tuple(array.shape)}")
    implied = array.dtype in (get_default_dtype(), int64, bool_)
    if not implied or (array.size == 0 and array.dtype != get_default_dtype()):
        suffixes.append(f"dtype={array.dtype}")
    if x.grad_fn is not None:
        suffixes.append(f"grad_fn={x.grad_fn!r}")
    elif x.requires_grad:
        suffixes.append("requires_grad=True")
    return prefix + ", ".join([_array_text(array, len(prefix)), *suffixes]) + ")"


def _array_text(array: np.ndarray, indent: int) -> str:
    if array.size == 0:
        return "[]"
    summarize = array.size > _options["threshold"]
    shown = _corners(array) if summarize else array
    text = _formatter(shown)
    return np.array2string(
        array,
        max_line_width=_options["linewidth"],
        threshold=_options["threshold"] if summarize else array.size + 1,
        edgeitems=_options["edgeitems"],
        separator=", ",
        prefix=" " * indent,
        formatter={"all": text},
    )


def _corners(array: np.ndarray) -> np.ndarray:
    """The elements that a summary shows."""
    n = _options["edgeitems"]
    for axis in range(array.ndim):
        if array.shape[axis] > 2 * n:
            size = array.shape[axis]
            array = np.take(array, [*range(n), *range(size - n, size)], axis)
    return array


def _formatter(shown: np.ndarray) -> Any:
    """PyTorch's choice of fixed or scientific notation and of one width for all elements."""
    flat = shown.ravel()
    if flat.dtype.kind != "f":
        plain = [str(v) for v in flat.tolist()]
        width = max(map(len, plain))
        return lambda v: str(v.item() if hasattr(v, "item") else v).rjust(width)
    precision = _options["precision"]
    with np.errstate(all="ignore"):
        finite = np.abs(flat[np.isfinite(flat) & (flat != 0)].astype(np.float64))
    whole = bool(np.all(finite == np.ceil(finite)))
    low, high = (finite.min(), finite.max()) if finite.size else (0.0, 0.0)
    large = finite.size > 0 and (high / low > 1000 or high > 1e8)
    scientific = large or (not whole and finite.size > 0 and low < 1e-4)
    if _options["sci_mode"] is not None:
        scientific = _options["sci_mode"]

    def text(value: Any) -> str:
        if not np.isfinite(value):
            return str(float(value))
        if scientific:
            return f"{value:.{precision}e}"
        return f"{value:.0f}." if whole else f"{value:.{precision}f}"

    width = max(len(text(v)) for v in flat)
    return lambda v: text(v).rjust(width)
