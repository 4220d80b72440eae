"""Linear algebra under PyTorch's names: `autograd.linalg.solve` and its relatives."""

from __future__ import annotations

from .errors import LinAlgError as LinAlgError
from .registry import ENTRIES

globals().update({e.name: e.function for e in ENTRIES.values() if e.namespace == "linalg"})
matmul = ENTRIES["matmul"].function  # PyTorch has it in both places
