"""Stepping through a backward pass: the real engine, paused after each node.

forward.py answers what is known of the recorded operations, backward.py drives the engine and logs
what it does, build.py makes of both a `Trace` (trace.py), plain data that every front end reads.
"""

from __future__ import annotations

import sys
from typing import Any

from ..engine import target_of
from ..roots import roots_of, sequence_of
from .backward import Backward
from .forward import Forward, Variables
from .trace import Trace as Trace, TraceError as TraceError

KEEP = 64 * 2**20


def trace_of(loss: Any, grad: Any = None) -> Trace:
    """The backward pass from `loss`, from its first step to its last, as a `Trace`.

    >>> import autograd
    >>> x = autograd.tensor(3.0, requires_grad=True)
    >>> trace_of(x * x).steps[0]["edges"][1]["text"]
    '∂L/∂x += g · x = 1 × 3 = 3 (was 3, now 6)'
    """
    from .build import Builder

    roots, seeds = roots_of(sequence_of(loss), grad, False, "step")
    names = Variables()
    names.add_variables(sys._getframe(1))
    forward = Forward(roots, names)
    backward = Backward(forward.order, [target_of(root) for root in roots], seeds, KEEP)
    backward.advance(len(backward))
    return Builder(forward, backward).trace(len(backward))
