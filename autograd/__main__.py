"""`python -m autograd`: stepping a script's backward pass, and viewing one that was saved."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from typing import Any


def parser() -> argparse.ArgumentParser:
    """The command line."""
    main = argparse.ArgumentParser(prog="python -m autograd", description=__doc__)
    commands = main.add_subparsers(dest="command", required=True)

    step = commands.add_parser(
        "step",
        help="run a script and stop in its backward pass",
        description="Runs a script and stops in its backward pass, as a debugger does. --stop and "
        "--first may also stand after the script; what follows a -- is the script's alone.",
        epilog="example: python -m autograd step train.py --stop nonfinite",
    )
    step.add_argument(
        "--stop",
        metavar="COND",
        help="stop only where it holds: nonfinite, above=1e3, below=1e-9, op=softmax, "
        "module=enc.*, line=12",
    )
    step.add_argument(
        "--first", type=int, default=1, metavar="N", help="stop no earlier than in pass N"
    )
    step.add_argument(
        "--save", metavar="FILE", help="write the pass to FILE (.html, .json, .txt) and go on"
    )
    step.add_argument("script", help="the script")
    step.add_argument("arguments", nargs=argparse.REMAINDER, help="its arguments")

    view = commands.add_parser(
        "view",
        help="view a trace that was saved",
        description="Steps through a trace that Stepper.save wrote as .json.",
    )
    view.add_argument("--save", metavar="FILE", help="write it as a page (.html) and leave")
    view.add_argument("trace", help="the .json file")
    for command in (step, view):
        command.add_argument("--ascii", action="store_true", help="only ASCII characters")
        command.add_argument("--width", type=int, metavar="N", help="columns of a line")
    return main


def condition(text: str) -> Any:
    """What `--stop` says, for `autograd.step`."""
    name, _, value = text.partition("=")
    if text == "nonfinite":
        return "nonfinite"
    if name in ("above", "below") and value:
        try:
            return {f"norm_{name}": float(value)}
        except ValueError:
            pass
    elif name in ("op", "module", "line") and value:
        return {name: value}
    raise ValueError(
        f"--stop {text}: expected nonfinite, above=1e3, below=1e-9, op=softmax, module=enc.* or "
        "line=12"
    )


def _late(arguments: Sequence[str]) -> tuple[list[str], list[str]]:
    """`--stop` and `--first` among the arguments of a script, and the other arguments."""
    found: list[str] = []
    left: list[str] = []
    rest = iter(arguments)
    for argument in rest:
        if argument == "--":
            left += rest
        elif argument in ("--stop", "--first"):
            found += [argument, *[value for value in [next(rest, None)] if value is not None]]
        elif argument.startswith(("--stop=", "--first=")):
            found.append(argument)
        else:
            left.append(argument)
    return found, left


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command; returns the exit status."""
    options = parser().parse_args(arguments)
    if options.command == "step":
        late, options.arguments = _late(options.arguments)
        if late:
            given = parser().parse_args(["step", *late, options.script])
            options.stop = given.stop or options.stop
            options.first = max(given.first, options.first)
    looks = {"ascii": options.ascii or None, "width": options.width}
    try:
        if options.command == "view":
            return _view(options, looks)
        return _step(options, looks)
    except BrokenPipeError:  # whoever read the output, such as `head`, has enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except FileNotFoundError as error:
        print(f"python -m autograd: there is no file {error.filename}", file=sys.stderr)
    except (ValueError, OSError) as error:
        print(f"python -m autograd: {error}", file=sys.stderr)
    return 2


def _view(options: argparse.Namespace, looks: dict[str, Any]) -> int:
    from .stepper.replay import Replay
    from .stepper.terminal import Terminal, save_trace
    from .stepper.trace import Trace

    trace = Trace.load(options.trace)
    if options.save is not None:
        save_trace(trace, options.save)
        print(f"wrote {options.save}")
    else:
        Terminal(Replay(trace), **looks).cmdloop()
    return 0


def _step(options: argparse.Namespace, looks: dict[str, Any]) -> int:
    from .stepper.script import Breaks, run_script

    stop = None if options.stop is None else condition(options.stop)
    if not os.path.isfile(options.script):
        raise ValueError(f"there is no script {options.script}")
    if options.first < 1:
        raise ValueError(f"--first {options.first}: passes are counted from 1")
    breaks = Breaks(stop, options.first, options.save, **looks)
    return run_script(options.script, options.arguments, breaks)


if __name__ == "__main__":
    sys.exit(main())
