"""Ctrl-C during training: not in the middle of a step, which would leave half-updated weights."""

from __future__ import annotations

import signal
import threading
from types import FrameType
from typing import Any


class Interrupts:
    """While the block runs, the first Ctrl-C inside a step waits until `check` is called.

    A second one is raised at once. In threads other than the main one, where Python allows no
    signal handlers and delivers no Ctrl-C, it does nothing.
    """

    def __init__(self) -> None:
        self.inside_step = False
        self._pending = False
        self._before: Any = None

    def __enter__(self) -> Interrupts:
        if threading.current_thread() is threading.main_thread():
            before = signal.getsignal(signal.SIGINT)
            if before is signal.default_int_handler:  # not where the program has its own
                self._before = signal.signal(signal.SIGINT, self._handle)
        return self

    def __exit__(self, *exc: object) -> None:
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self.inside_step and not self._pending:
            self._pending = True
        else:
            raise KeyboardInterrupt

    def check(self) -> None:
        """Raises the KeyboardInterrupt that waited, now that a step is complete."""
        if self._pending:
            self.inside_step = self._pending = False
            raise KeyboardInterrupt
