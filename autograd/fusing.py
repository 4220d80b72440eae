"""Whether a layer that has a fused operation uses it, or the readable ones it stands for."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class _Fusing(threading.local):
    on = True


fusing = _Fusing()


@contextmanager
def unfused() -> Iterator[None]:
    """Inside, recurrent layers record their cells step by step; also a decorator.

    Values and gradients are those of the one operation that is used otherwise. It is slower, and
    for looking at: the graph shows each cell at each step.

    >>> import autograd, nn
    >>> layer, x = nn.RNN(2, 3), autograd.zeros(4, 1, 2)
    >>> len(layer(x)[0].tape())
    2
    >>> with autograd.unfused():
    ...     [type(node).__name__ for node in layer(x)[0].tape()].count("Tanh")
    4
    """
    before = fusing.on
    fusing.on = False
    try:
        yield
    finally:
        fusing.on = before
