"""The operations, one family per file; importing them fills the table in registry.py."""

from . import activation, arithmetic, einsum, indexing, linalg, loss, matrix, matrix_functions, norms, pointwise, products, reduce, shape

__all__ = ["activation", "arithmetic", "einsum", "indexing", "loss", "matrix", "pointwise", "products", "reduce", "shape"]
