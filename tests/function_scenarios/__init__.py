"""Programs with user-defined Functions that run on this library and on PyTorch alike.

Each takes `lib` (with `Function`, `once_differentiable` and `grad` beside the tensor functions) and
two leaves, and returns what is to be observed.
"""

from . import unusual, usual
from .tools import exp_of

SCENARIOS = [
    value
    for module in (usual, unusual)
    for value in vars(module).values()
    if getattr(value, "__module__", "") == module.__name__
]

__all__ = ["SCENARIOS", "exp_of"]
