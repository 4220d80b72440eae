"""Overflow, division by zero and NaN are values here, as in PyTorch, not warnings.

NumPy reports them as RuntimeWarnings. `np.errstate` around every operation would cost as much as a
small operation itself, so instead: warnings raised from this package's modules are filtered, and
where the user has turned warnings into errors, `apply` catches the RuntimeWarning and runs the
forward again under `np.errstate`. The backward pass is under one `np.errstate` as a whole.
"""

from __future__ import annotations

import warnings

warnings.filterwarnings("ignore", category=RuntimeWarning, module=r"autograd(\.|$)")
