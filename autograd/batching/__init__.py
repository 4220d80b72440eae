"""Arrays with a hidden batch dimension, which `vmap` puts in the place of ndarrays.

Operations, their rules and the engine see one element of the batch: its shape, its dtype, NumPy's
functions on it. What they compute, they compute for the whole batch at once, since NumPy hands its
functions over to the array (`__array_ufunc__`, `__array_function__`). So no operation has a second
rule for batches; those that look behind NumPy's functions, at memory or at single values, name one
(`Op.batch`) or are run for one element after the other (samples.py).
"""

from __future__ import annotations

from .array import Batched as Batched, Level as Level, NotBatchable as NotBatchable
