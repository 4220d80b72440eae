"""Whether a layer that has a fused operation uses it, or the readable ones it stands for."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from .grad_mode import mode


class _Fusing(threading.local):
    on = True


fusing = _Fusing()


def fuses() -> bool:
    """True unless someone wants to look inside."""
    return fusing.on and not any(w.unfuses for w in mode.watchers)


@contextmanager
def unfused() -> Iterator[None]:
    """Inside, recurrent layers record their cells step by step; also a decorator.

    So they do under `autograd.trace()` and `detect_anomaly()`. Values and gradients are those of
    the one operation that is used otherwise. It is slower, and for looking at: the graph shows each
    cell at each step.

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
