"""Numbers and arrays as plain data: what a trace keeps of a tensor.

JSON has no NaN and no infinity, so those are the words "NaN", "Infinity" and "-Infinity". Of a
small array everything is kept, of a large one its statistics, a picture of at most 8 x 8 blocks
and its largest elements.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

FULL = 64
"""Arrays of at most this many elements are kept whole."""

BLOCKS = 8
TOP = 5

_WORDS = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


def number(x: Any) -> Any:
    """A number for JSON: the shortest that is the same in the dtype of `x`, or a word.

    >>> number(np.float32(0.1)), number(float("nan")), number(np.int64(3)), number(np.True_)
    (0.1, 'NaN', 3, True)
    """
    if isinstance(x, np.generic):
        # A float32 is written with its own digits, not with those of the float64 it becomes.
        x = float(str(x)) if x.dtype.kind == "f" and x.itemsize < 8 else x.item()
    if isinstance(x, float) and not math.isfinite(x):
        return "NaN" if x != x else "Infinity" if x > 0 else "-Infinity"
    return x


def plain(value: Any) -> float:
    """The float behind a number of a trace.

    >>> plain("-Infinity"), plain(2)
    (-inf, 2.0)
    """
    return _WORDS[value] if isinstance(value, str) else float(value)


def encode(x: Any, full: int = FULL) -> Any:
    """A VAL, see docs/trace.md: the number in a 0-d array, else a description of the array.

    >>> encode(np.float64(0.5))
    0.5
    >>> encode(np.array([1.0, np.inf]))["values"]
    [1.0, 'Infinity']
    """
    x = np.asarray(x)
    if x.ndim == 0:
        return number(x[()])
    found: dict[str, Any] = {
        "shape": list(x.shape),
        "dtype": str(x.dtype),
        "n": x.size,
        "stats": statistics(x),
    }
    if x.size <= full:
        found["values"] = numbers(x)
    else:
        found["preview"] = preview(x)
        found["top"] = largest(x)
    return found


def numbers(x: np.ndarray) -> list[Any]:
    """`number` of each element in C order."""
    flat = x.reshape(-1)
    if flat.dtype.kind != "f":
        return flat.tolist()
    if flat.itemsize < 8 or not np.isfinite(flat).all():
        return [number(v) for v in flat]
    return flat.tolist()


def statistics(x: np.ndarray) -> dict[str, Any]:
    """min, max, mean and 2-norm of the finite elements; how many are NaN, infinite and zero."""
    flat = x.reshape(-1)
    found: dict[str, Any] = {"min": None, "max": None, "mean": None, "norm": None}
    nan = inf = 0
    if flat.dtype.kind == "f":
        finite = np.isfinite(flat)
        if not finite.all():
            nan = int(np.isnan(flat).sum())
            inf = int(flat.size - nan - finite.sum())
            flat = flat[finite]
    if flat.size:
        wide = flat.astype(np.float64, copy=False)
        with np.errstate(all="ignore"):
            mean, norm = wide.mean(), math.sqrt(float(np.dot(wide, wide)))
        found = {
            "min": number(flat.min()),
            "max": number(flat.max()),
            "mean": _rounded(mean),
            "norm": _rounded(norm),
        }
    return found | {"nan": nan, "inf": inf, "zero": int(flat.size - np.count_nonzero(flat))}


def _rounded(x: Any) -> Any:
    if isinstance(x, int):
        return x
    found = float(f"{x:.7g}")
    return found if math.isfinite(found) else number(found)


def preview(x: np.ndarray) -> list[list[Any]]:
    """At most 8 x 8 blocks of the array laid out as a matrix (its last dimension across).

    Each block shows its element of largest size; one that is not finite counts as largest.
    """
    across = min(BLOCKS, x.shape[-1])
    found = [_rounded(v) for v in x.reshape(-1)[extremes(x)].tolist()]
    return [found[i : i + across] for i in range(0, len(found), across)]


def extremes(x: np.ndarray) -> list[int]:
    """The flat places of the elements that `preview` shows, in its order.

    >>> extremes(np.arange(81.0).reshape(9, 9))[:3]
    [10, 11, 12]
    """
    columns = x.shape[-1]
    size = (np.abs(x) if x.dtype.kind == "f" else x).reshape(-1, columns)
    bands, across = _blocks(len(size)), _blocks(columns)
    found = []
    for top, bottom in bands:
        for left, right in across:
            row, column = divmod(int(size[top:bottom, left:right].argmax()), right - left)
            found.append((top + row) * columns + left + column)
    return found


def _blocks(n: int) -> list[tuple[int, int]]:
    """Where `numpy.array_split` cuts n rows into at most `BLOCKS` parts."""
    parts = min(BLOCKS, n)
    size, longer = divmod(n, parts)
    ends = [(i + 1) * size + min(i + 1, longer) for i in range(parts)]
    return list(zip([0, *ends], ends, strict=False))


def largest(x: np.ndarray) -> list[list[Any]]:
    """The five elements of largest size: [[index, value], ...]; what is not finite comes first."""
    flat = x.reshape(-1)
    size = np.abs(flat) if flat.dtype.kind == "f" else flat.astype(np.float64)
    size = np.where(np.isnan(size), np.inf, size)
    places = np.argpartition(-size, TOP - 1)[:TOP]
    places = places[np.argsort(-size[places], kind="stable")]
    return [[[int(i) for i in np.unravel_index(p, x.shape)], number(flat[p])] for p in places]


def finite(x: Any) -> bool:
    """Whether all elements are finite: one pass over them, nearly always of the sum of squares."""
    if x.ndim == 0:
        return math.isfinite(x)
    if x.dtype.kind != "f":
        return True
    flat = x.reshape(-1)
    with np.errstate(all="ignore"):
        return bool(np.isfinite(np.dot(flat, flat)) or np.isfinite(flat).all())


def flags(x: Any) -> list[str]:
    """What is wrong with the values: some of "nan" and "inf"."""
    if x is None or finite(x):
        return []
    found = []
    if np.isnan(x).any():
        found.append("nan")
    if np.isinf(x).any():
        found.append("inf")
    return found


def short(x: Any, digits: int = 4) -> str:
    """A number for a reader, with the typographic minus.

    >>> short(-0.2771231), short(13440.2), short(1.5e-9), short("NaN"), short(True)
    ('−0.2771', '13440', '1.5e−9', 'NaN', 'True')
    """
    if isinstance(x, float | np.floating):
        value = float(x)
    elif x is None or isinstance(x, bool | np.bool_):
        return str(x)
    else:
        value = plain(number(x))
    if value != value:
        return "NaN"
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    text = f"{value:.{digits}g}"
    if "e+" in text and abs(value) < 1e6:
        text = f"{value:.0f}"
    return text.replace("e-0", "e-").replace("e+0", "e+").replace("-", "−")


def magnitude(value: Any) -> float:
    """The 2-norm of a VAL (of its finite elements)."""
    if value is None:
        return 0.0
    if not isinstance(value, dict):
        return abs(plain(value))
    if "results" in value:
        return math.sqrt(sum(magnitude(part) ** 2 for part in value["results"]))
    norm = (value.get("stats") or {}).get("norm")
    return 0.0 if norm is None else plain(norm)


def describe(value: Any) -> str:
    """A VAL in a few words."""
    if not isinstance(value, dict):
        return short(value)
    if "results" in value:
        return ", ".join(describe(part) for part in value["results"])
    shape, stats = value.get("shape", []), value.get("stats") or {}
    kind = f"{value.get('dtype', '')}[{', '.join(map(str, shape))}]"
    values = value.get("values")
    if values is not None and len(values) <= 9:
        return f"{kind} {_nested(values, shape)}"
    bad = [
        f"{stats[k]} {word}" for k, word in (("nan", "NaN"), ("inf", "infinite")) if stats.get(k)
    ]
    norm = "" if stats.get("norm") is None else f" of norm {short(stats['norm'])}"
    return f"{kind}{norm}" + (f" ({', '.join(bad)})" if bad else "")


def _nested(values: list[Any], shape: list[int]) -> str:
    """The elements in brackets, a pair for each dimension."""
    if not shape:
        return short(values[0])
    n = len(values) // max(shape[0], 1)
    rows = (values[i * n : (i + 1) * n] for i in range(shape[0]))
    return f"[{', '.join(_nested(row, shape[1:]) for row in rows)}]"
