"""Named tuples for functions with several results, under PyTorch's names and with its `repr`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from .tensor import Tensor


class ValuesIndices(NamedTuple):
    """Elements along a dimension, and where they are."""

    values: Tensor
    indices: Tensor


class MinMax(NamedTuple):
    """The result of `aminmax`."""

    min: Tensor
    max: Tensor


class MantissaExponent(NamedTuple):
    """The result of `frexp`."""

    mantissa: Tensor
    exponent: Tensor


class HistEdges(NamedTuple):
    """The result of `histogram`; of `histogramdd`, with a tuple of edges."""

    hist: Tensor
    bin_edges: Any


def _repr(self: Any) -> str:
    fields = ",\n".join(f"{name}={value!r}" for name, value in zip(self._fields, self, strict=True))
    return f"autograd.return_types.{type(self).__name__}(\n{fields})"


def _named(name: str, base: type) -> Any:
    """`base` under the name of a function, with PyTorch's `repr`."""
    return type(name, (base,), {"__repr__": _repr, "__slots__": (), "__module__": __name__})


max, min, sort, topk, kthvalue, mode, median, nanmedian, cummax, cummin = (
    _named(name, ValuesIndices)
    for name in (
        "max", "min", "sort", "topk", "kthvalue", "mode", "median", "nanmedian", "cummax", "cummin"
    )
)  # fmt: skip
aminmax = _named("aminmax", MinMax)
frexp = _named("frexp", MantissaExponent)
histogram = _named("histogram", HistEdges)
histogramdd = _named("histogramdd", HistEdges)
