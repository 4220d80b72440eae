"""`skip_init`, for PyTorch programs that call it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..module import Module


def skip_init(module_cls: Callable[..., Module], *args: Any, **kwargs: Any) -> Module:
    """`module_cls(*args, **kwargs)`, whose values the caller is going to replace.

    PyTorch saves the time of drawing them; here they are drawn as ever.

    >>> import nn
    >>> nn.utils.skip_init(nn.Linear, 2, 3)
    Linear(in_features=2, out_features=3, bias=True)
    """
    if not (isinstance(module_cls, type) and issubclass(module_cls, Module)):
        raise RuntimeError(f"Expected a Module; got {module_cls}")
    return module_cls(*args, **kwargs)
