"""Special functions under PyTorch's names: `autograd.special.entr` and its relatives."""

from __future__ import annotations

from .registry import ENTRIES

globals().update({e.name: e.function for e in ENTRIES.values() if e.namespace == "special"})
