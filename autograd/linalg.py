"""Linear algebra under PyTorch's names: `autograd.linalg.solve` and its relatives."""

from __future__ import annotations

from .registry import ENTRIES

globals().update({e.name: e.function for e in ENTRIES.values() if e.namespace == "linalg"})
