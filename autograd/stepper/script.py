"""Running a script that stops in its backward passes: `python -m autograd step script.py`.

A watcher (see grad_mode.py) is asked by `backward()` before each pass. It steps the pass, opens the
terminal where it is to stop, and commits; the script then goes on as if nothing had been.
"""

from __future__ import annotations

import os
import runpy
import sys
import traceback
from collections.abc import Sequence
from typing import Any

from ..grad_mode import Watcher, watching
from ..recording import Recorder
from ..roots import sequence_of
from ..sites import is_library
from .terminal import Terminal


class Breaks(Watcher):
    """Stops in backward passes.

    Args:
        stop: what `autograd.step(stop=)` takes: stop only where this holds. None: at the start of
            each pass.
        first: the first pass to look at, from 1.
        save: in the place of a terminal, write the first pass that stops to this file.
        terminal: arguments for `Terminal`.
    """

    def __init__(
        self, stop: Any = None, first: int = 1, save: str | None = None, **terminal: Any
    ) -> None:
        self.stop, self.first, self.save_to, self.terminal = stop, first, save, terminal
        self.passes = self.stopped = 0
        self.active = True

    def backward(
        self, tensors: Any, grads: Any, retain: bool | None, graph: bool, inputs: Any
    ) -> bool:
        self.passes += 1
        if not self.active or self.passes < self.first:
            return False
        if graph or inputs is not None:
            self.say("this pass is made with create_graph or inputs, and is not stepped")
            return False
        from . import _stepper

        roots, given = sequence_of(tensors), None if grads is None else sequence_of(grads)
        loss, grad = (roots[0], given and given[0]) if len(roots) == 1 else (list(roots), given)
        stepper = _stepper(_caller(), loss, grad, self.stop, retain_graph=bool(retain))
        if self.stop is not None and not stepper.run().stopped:
            stepper.commit()
            return True
        self.stopped += 1
        if self.save_to is not None:
            stepper.save(self.save_to)
            self.say(f"backward pass {self.passes}: wrote {self.save_to}")
            self.active = False
        else:
            self.say(f"backward pass {self.passes} (Return: the next step, h: all commands)")
            terminal = Terminal(stepper, **self.terminal)
            terminal.cmdloop()
            if terminal.outcome == "quit":
                raise SystemExit(0)
            self.active = terminal.outcome == "pass"
            self.first = terminal.until
        stepper.commit()
        return True

    def say(self, text: str) -> None:
        print(f"[step] {text}", file=self.terminal.get("output") or sys.stdout, flush=True)


def _caller() -> Any:
    """The innermost frame that is not the library's."""
    frame = sys._getframe(1)
    while frame.f_back is not None and is_library(frame.f_code.co_filename):
        frame = frame.f_back
    return frame


def run_script(path: str, arguments: Sequence[str], breaks: Breaks) -> int:
    """Runs a script as `python path arguments` would, with recording on and `breaks` in place.

    Returns the exit status: 1 for a script that raised, whose traceback starts in the script.
    """
    argv, first = sys.argv, sys.path[0]
    sys.argv, sys.path[0] = [path, *arguments], os.path.dirname(os.path.abspath(path))
    recorder = Recorder()
    try:
        with watching(breaks):
            runpy.run_path(path, run_name="__main__")
    except (Exception, KeyboardInterrupt) as error:
        start = error.__traceback__
        while start is not None and start.tb_frame.f_code.co_filename != path:
            start = start.tb_next
        traceback.print_exception(type(error), error, start or error.__traceback__)
        if not breaks.passes:
            breaks.say(f"{path} raised before its first backward pass, so there is none to step")
        return 130 if isinstance(error, KeyboardInterrupt) else 1
    finally:
        recorder.stop()
        sys.argv, sys.path[0] = argv, first
    if not breaks.passes:
        breaks.say(f"{path} came to its end without a backward pass")
    elif not breaks.stopped:
        passes = f"{breaks.passes} backward pass{'es' * (breaks.passes != 1)}"
        from_ = f" from pass {breaks.first} on" if breaks.first > 1 else ""
        breaks.say(f"{path} came to its end; it made {passes}, and none{from_} was one to stop in")
    return 0
