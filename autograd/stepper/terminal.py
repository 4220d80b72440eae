"""Stepping in a terminal, with the commands of a debugger.

It drives a `Stepper` (of a script that was stopped in its backward pass) or a `Replay` (of a trace
in a file) and reads commands from any input, so that it works through a pipe as well.
"""

from __future__ import annotations

import cmd
import shlex
import sys
from collections.abc import Callable
from typing import Any, TextIO

from .replay import Replay
from .stepper import Stepper
from .trace import Trace

HELP = """\
n, next [N]     the next step, or N of them    b, back [N]   back
o, over         over a module or a line        i, into       one step, into it
u, out          out of the module              g, goto WHERE a step's number or a name
r, run          to the next stop               f, finish     to the end
stop COND       stop where COND holds: nonfinite, above 1e3, below 1e-9, op softmax,
                module 'enc.*', line 12 (or train.py:12); stop clear removes all
w, why NAME     where a gradient comes from    p, print NAME  the gradient so far
e, element NAME I J ...  the sum behind one element of what this step adds
l, list         all operations, in the order of the backward pass
s, save FILE    .html (a page), .json (the trace), .txt
"""
LEAVE = {
    Stepper: "c, continue     add the gradients to .grad, and go on with the program to its end\n"
    "                (c pass: to its next backward pass, c pass 10: to the 10th)\n"
    "q, quit         end the program\n",
    Replay: "q, quit         leave\n",
}
SHORT = {
    "n": "next", "b": "back", "o": "over", "i": "into", "u": "out", "g": "goto", "r": "run",
    "f": "finish", "w": "why", "p": "print", "e": "element", "l": "list", "s": "save",
    "c": "continue", "q": "quit", "h": "help", "?": "help",
}  # fmt: skip


class Terminal(cmd.Cmd):
    """Reads commands until one of them leaves; `outcome` then is "quit", "continue" or "pass".

    Args:
        stepper: a Stepper or a Replay.
        input, output: the streams; a line editor is used where they are the terminal's.
        ascii: use only ASCII characters.
        width: of the lines, by default the terminal's.
    """

    prompt = "(step) "

    def __init__(
        self,
        stepper: Stepper | Replay,
        input: TextIO | None = None,
        output: TextIO | None = None,
        ascii: bool | None = None,
        width: int | None = None,
    ) -> None:
        super().__init__(stdin=input, stdout=output)
        self.use_rawinput = input is None and sys.stdin.isatty()
        self.stepper, self.width = stepper, width
        encoding = (getattr(self.stdout, "encoding", None) or "utf-8").lower()
        self.ascii = "utf" not in encoding if ascii is None else ascii
        self.outcome = ""
        self.until = 1  # with "pass": the first pass to stop in
        self._last = "next"

    def cmdloop(self, intro: Any = None) -> None:
        """Reads commands; Ctrl-C ends what one of them does, not the program."""
        self.show()
        while True:
            try:
                return super().cmdloop(intro)
            except KeyboardInterrupt:
                self.say("\ninterrupted; q ends the program")

    def show(self) -> None:
        """Prints the state."""
        self.say(self.stepper.text(self.width, self.ascii))

    def say(self, text: str) -> None:
        """Prints a text; what the stream cannot show becomes a question mark."""
        encoding = getattr(self.stdout, "encoding", None) or "utf-8"
        print(text.encode(encoding, "replace").decode(encoding), file=self.stdout, flush=True)

    # What cmd.Cmd asks for -------------------------------------------------------------------

    def emptyline(self) -> bool:
        """Return repeats the last move."""
        return self.onecmd(self._last)

    def onecmd(self, line: str) -> bool:
        """Runs a command; True ends the loop."""
        if line == "EOF":
            self.say("")
            return self._leave("quit")
        try:
            words = shlex.split(line)
        except ValueError as error:
            self.say(f"{line!r}: {error}")
            return False
        if not words:
            return self.emptyline()
        name = SHORT.get(words[0], words[0])
        method: Callable[..., Any] | None = getattr(self, f"do_{name}", None)
        if method is None:
            self.say(f"there is no command {words[0]!r}; h lists them")
            return False
        try:
            return bool(method(*words[1:]))
        except Exception as error:  # also what a rule of the user's own raises in its step
            if isinstance(error, TypeError) and "positional argument" in str(error):
                self.say(f"{name}: wrong number of arguments; h lists the commands")
            else:
                message = error.args[0] if isinstance(error, KeyError) else error
                self.say(f"{type(error).__name__}: {message}")
        return False

    def completenames(self, text: str, *ignored: Any) -> list[str]:
        return [name for name in SHORT.values() if name.startswith(text)]

    def completedefault(self, text: str, *ignored: Any) -> list[str]:
        return [label for label in self._labels() if label.startswith(text)]

    def _labels(self) -> list[str]:
        if isinstance(self.stepper, Replay):
            return self.stepper.nodes["label"]
        return list(self.stepper.forward.labels())

    def _leave(self, outcome: str) -> bool:
        self.outcome = outcome
        return True

    # Moving ----------------------------------------------------------------------------------

    def _moved(self, command: str, move: Callable[..., Any], *args: Any) -> None:
        before = self.stepper.position
        move(*args)
        self._last = command
        if self.stepper.position == before:
            at_end = before == len(self.stepper)
            self.say("at the end" if at_end else "at the start" if before == 0 else "no change")
        else:
            self.show()

    def do_next(self, n: str = "1") -> None:
        self._moved("next", self.stepper.next, _number(n))

    def do_back(self, n: str = "1") -> None:
        self._moved("back", self.stepper.back, _number(n))

    def do_over(self) -> None:
        self._moved("over", self.stepper.over)

    def do_into(self) -> None:
        self._moved("into", self.stepper.into)

    def do_out(self) -> None:
        self._moved("out", self.stepper.out)

    def do_run(self) -> None:
        self._moved("run", self.stepper.run)

    def do_finish(self) -> None:
        self._moved("next", self.stepper.finish)

    def do_goto(self, where: str) -> None:
        place = int(where) if where.lstrip("-").isdigit() else where
        self._moved("next", self.stepper.goto, place)

    def do_stop(self, kind: str = "", *values: str) -> None:
        stepper = self.stepper
        value = " ".join(values)
        if kind == "clear":
            stepper.clear_stops()
            self.say("no stops")
            return
        if kind == "nonfinite":
            stepper.stop_at(nonfinite=True)
        elif kind == "above":
            stepper.stop_at(norm_above=_real(value))
        elif kind == "below":
            stepper.stop_at(norm_below=_real(value))
        elif kind == "op" and value:
            stepper.stop_at(op=value)
        elif kind == "module" and value:
            stepper.stop_at(module=value)
        elif kind == "line" and value:
            stepper.stop_at(line=value)
        else:
            self.say("stop: nonfinite, above X, below X, op NAME, module PATH, line N, or clear")
            return
        self.say(f"run stops at {kind} {value}".rstrip())

    # Looking ---------------------------------------------------------------------------------

    def do_why(self, name: str) -> None:
        self.say(str(self.stepper.why(name)))

    def do_print(self, name: str) -> None:
        found = self.stepper.grad(name)
        if isinstance(self.stepper, Replay):
            from .values import describe

            self.say("not computed yet" if found is None else describe(found))
        else:
            self.say("not computed yet" if found is None else str(found))

    def do_element(self, name: str, *index: str) -> None:
        if isinstance(self.stepper, Replay):
            self.say("element: a trace in a file shows it in its page (s FILE.html)")
            return
        for line in self.stepper.element(name, *(_number(i) for i in index)):
            self.say(str(line))

    def do_list(self) -> None:
        stepper = self.stepper
        for k in range(len(stepper)):
            if isinstance(stepper, Replay):
                made = stepper._made(stepper.steps[k]["node"])
            else:
                from .text import _made

                made = _made(stepper, stepper.backward.order[k])
            mark = "->" if k + 1 == stepper.position else "  "
            self.say(f"{mark} {k + 1:4}  {made}")

    def do_save(self, path: str) -> None:
        if isinstance(self.stepper, Stepper):
            self.stepper.save(path)
        else:
            save_trace(self.stepper.trace, path, self.stepper.position)
        self.say(f"wrote {path}")

    def do_help(self, arg: str = "") -> None:
        self.say(HELP + LEAVE[type(self.stepper)])

    # Leaving ---------------------------------------------------------------------------------

    def do_continue(self, until: str = "", number: str = "1") -> bool:
        if isinstance(self.stepper, Replay):
            self.say("continue: there is no program here; q leaves")
            return False
        if until not in ("", "pass"):
            raise ValueError(
                "it is c, c pass to stop in the next backward pass, or c pass 10 for the 10th"
            )
        self.until = _number(number)
        return self._leave("pass" if until else "continue")

    def do_quit(self) -> bool:
        return self._leave("quit")


def _number(text: str) -> int:
    if not text.isdecimal():
        raise ValueError(f"expected a whole number, got {text!r}")
    return int(text)


def _real(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ValueError(f"expected a number, got {text!r}") from None


def save_trace(trace: Trace, path: str, position: int = 0) -> None:
    """Writes a trace as a page or as JSON, by the ending of the file's name."""
    if path.lower().endswith((".html", ".htm")):
        from .web.page import page

        content = page(trace, position)
    elif path.lower().endswith(".json"):
        content = trace.to_json()
    else:
        raise ValueError(f"{path!r} must end in .html (a page) or .json (the trace)")
    with open(path, "w", encoding="utf-8", newline="\n") as file:
        file.write(content)
