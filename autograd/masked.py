"""Operations with a mask under PyTorch's names: `autograd.masked.sum` and its relatives."""

from __future__ import annotations

from .registry import ENTRIES

globals().update({e.name: e.function for e in ENTRIES.values() if e.namespace == "masked"})
