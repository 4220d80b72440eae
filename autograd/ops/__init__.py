"""The operations, one family per file; importing them fills the table in registry.py."""

from . import activation, arithmetic, indexing, linalg, loss, pointwise, reduce, shape

__all__ = ["activation", "arithmetic", "indexing", "linalg", "loss", "pointwise", "reduce", "shape"]
