"""Magics for notebooks: `%load_ext autograd.jupyter`, then `%%backprop` and `%backprop`.

`%%backprop loss` runs its cell with `autograd.trace()` on and shows a stepper through the backward
pass from the variable `loss`; the stepper is the result of the cell, and in the variable
`backprop`.
"""

from __future__ import annotations

import argparse
import shlex
from typing import Any

from .__main__ import condition
from .recording import Recorder


class _Parser(argparse.ArgumentParser):
    """Raises instead of leaving the program."""

    def error(self, message: str) -> Any:
        raise ValueError(f"%backprop: {message}; as in %%backprop loss --stop nonfinite")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="%%backprop", add_help=False)
    parser.add_argument("root", nargs="?", default="loss", help="what is differentiated")
    parser.add_argument("--stop", help="go on to where it holds: nonfinite, above=1e3, op=log, ...")
    parser.add_argument("--at", help="go to a step's number, or to a node by its label")
    parser.add_argument("--optimizer", help="shows its update as the last step")
    parser.add_argument("--name", default="backprop", help="the variable that is set")
    return parser


def backprop(line: str, cell: str | None = None) -> Any:
    """Steps through the backward pass from a variable.

    As a cell magic it runs the cell first, with recording on. Arguments: the variable (by default
    `loss`), `--stop COND`, `--at STEP_OR_LABEL`, `--optimizer NAME`, `--name NAME`.
    """
    from IPython import get_ipython

    from .stepper import step

    shell = get_ipython()
    options = _parser().parse_args(shlex.split(line))
    stop = None if options.stop is None else condition(options.stop)
    space = shell.user_ns
    if cell is not None:
        source = shell.transform_cell(cell)
        name = shell.compile.cache(source, shell.execution_count)
        code = shell.compile(source, name, "exec")
        with Recorder():
            exec(code, space)
    for name in (options.root, options.optimizer):
        if name is not None and name not in space:
            raise NameError(
                f"%backprop: there is no variable {name!r}; name the one to differentiate, as in "
                "%%backprop loss"
            )
    optimizer = None if options.optimizer is None else space[options.optimizer]
    # Called from the notebook's own namespace, whose variables name the leaves.
    call = eval("lambda _function, *_args, **_named: _function(*_args, **_named)", space)
    stepper = call(step, space[options.root], stop=stop, optimizer=optimizer)
    if stop is not None:
        stepper.run()
    elif options.at is not None:
        stepper.goto(int(options.at) if options.at.isdecimal() else options.at)
    space[options.name] = stepper
    return stepper


def load_ipython_extension(ipython: Any) -> None:
    """What `%load_ext autograd.jupyter` calls."""
    ipython.register_magic_function(backprop, "line_cell")
