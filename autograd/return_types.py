"""Named tuples for functions with several results, under PyTorch's names and with its `repr`."""

from __future__ import annotations

from collections import namedtuple
from typing import Any


def _repr(self: Any) -> str:
    fields = ",\n".join(f"{name}={value!r}" for name, value in zip(self._fields, self, strict=True))
    return f"autograd.return_types.{type(self).__name__}(\n{fields})"


def named(name: str, *fields: str) -> Any:
    """A named tuple type with PyTorch's `repr`."""
    members = {"__repr__": _repr, "__slots__": (), "__module__": __name__}
    return type(name, (namedtuple(name, fields),), members)


max, min, sort, topk, kthvalue, mode, median, nanmedian, cummax, cummin = (
    named(name, "values", "indices")
    for name in ("max", "min", "sort", "topk", "kthvalue", "mode", "median", "nanmedian",
                 "cummax", "cummin")
)  # fmt: skip
aminmax = named("aminmax", "min", "max")
frexp = named("frexp", "mantissa", "exponent")
histogram = named("histogram", "hist", "bin_edges")
histogramdd = named("histogramdd", "hist", "bin_edges")
