"""How many threads a matrix product uses: PyTorch's two names, for the BLAS inside NumPy."""

from __future__ import annotations

import functools
import os
from typing import Any

import numpy as np


def set_num_threads(number: int) -> None:
    """Sets the number of threads that NumPy's matrix products use.

    One is best for small networks: their products are too short to be worth sharing, and on a
    busy machine threads that wait for one another make a step many times slower.

    It has an effect where NumPy's BLAS is OpenBLAS, as in its wheels for Linux, and none
    elsewhere; the environment variable of the BLAS in use does the same from outside
    (`OPENBLAS_NUM_THREADS`, `MKL_NUM_THREADS`, `VECLIB_MAXIMUM_THREADS`).

    >>> import autograd
    >>> before = autograd.get_num_threads()
    >>> autograd.set_num_threads(1)
    >>> autograd.set_num_threads(before)
    """
    if not isinstance(number, int) or isinstance(number, bool):
        raise TypeError(f"set_num_threads: expected an int, got {type(number).__name__}")
    if number < 1:
        raise RuntimeError(f"set_num_threads: expected at least 1 thread, got {number}")
    if (function := _openblas("set_num_threads")) is not None:
        function(number)


def get_num_threads() -> int:
    """The number of threads that NumPy's matrix products use; of processors where not known."""
    function = _openblas("get_num_threads")
    return os.cpu_count() or 1 if function is None else function()


@functools.cache
def _openblas(name: str) -> Any:
    """A function of the OpenBLAS that NumPy has loaded, whose names are decorated variously."""
    import ctypes

    # Looking a name up in an extension module also searches the libraries it is linked with.
    library = ctypes.CDLL(np._core._multiarray_umath.__file__)  # type: ignore[attr-defined]
    for decorated in ("scipy_openblas_{}64_", "scipy_openblas_{}", "openblas_{}64_", "openblas_{}"):
        function = getattr(library, decorated.format(name), None)
        if function is not None:
            return function
    return None
