"""The operations, one family per file; importing them fills the table in registry.py."""

from . import (
    activation as activation,
    arithmetic as arithmetic,
    compare as compare,
    einsum as einsum,
    indexing as indexing,
    linalg as linalg,
    loss as loss,
    matrix as matrix,
    matrix_functions as matrix_functions,
    norms as norms,
    pointwise as pointwise,
    products as products,
    reduce as reduce,
    rounding as rounding,
    shape as shape,
    special as special,
)
