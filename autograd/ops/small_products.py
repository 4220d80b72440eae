"""Products of matrices in pieces that OpenBLAS multiplies as they are.

It packs the operands of a product before it multiplies, unless the product is small. Where one
side of a product is short, packing takes about as long as it saves: in pieces that are small, such
a product is up to 1.6 times as fast. That holds for one thread; small products are not shared
among several.
"""

from __future__ import annotations

import functools

import numpy as np

from ..threads import get_num_threads

SMALL = 10**6  # multiplications


def most_in_a_piece(others: int) -> int:
    """How many rows or columns a small product has, where it has `others` elements for each.

    0 where products are better left whole.
    """
    return 0 if get_num_threads() > 1 else SMALL // max(others, 1)


def product(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """a @ b, some rows of `a` at a time."""
    rows = _even(len(a), most_in_a_piece(b.size))
    if rows == len(a):
        return a @ b
    return np.matmul(a.reshape(-1, rows, a.shape[1]), b).reshape(len(a), b.shape[1])


@functools.cache
def _even(n: int, most: int) -> int:
    """The largest divisor of `n` up to `most`; `n` itself where that would be too small to pay."""
    return next((rows for rows in range(min(n, most), 24, -1) if n % rows == 0), n)
