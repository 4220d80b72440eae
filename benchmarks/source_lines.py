"""What it would cost to note the source line of every operation, always.

    python benchmarks/source_lines.py [--rounds 60]

Beside the operation as it is stands the same with one line more, which keeps the caller's code
object and its place in it: the least that is needed to find line and columns later. Calls that
reach an operation through a function of the library would have to look further up as well.
"""

from __future__ import annotations

import argparse
import inspect
from collections.abc import Callable
from typing import Any

from compare import interleaved, libraries

CALLS = 2000
LINE = "node.sequence = _next_sequence()"
NOTED = "node.origin = (_f := sys._getframe(1)).f_code, _f.f_lasti; " + LINE


def noting(op: Any) -> Callable[..., Any]:
    """`op.apply` with the source line noted."""
    import sys

    from autograd import elementwise

    make = elementwise._unary_apply if len(op.parameters) == 1 else elementwise._binary_apply
    source = inspect.getsource(make)
    assert LINE in source
    scope = {**vars(elementwise), "sys": sys}
    exec("from __future__ import annotations\n" + source.replace(LINE, NOTED), scope)
    made = scope[make.__name__]
    return made(op) if len(op.parameters) == 1 else made(op, op.apply)


def repeated(apply: Callable[..., Any], *args: Any) -> Callable[[], Any]:
    def run() -> None:
        for _ in range(CALLS):
            apply(*args)

    return run


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=60, help="measurements of each")
    rounds = parser.parse_args().rounds
    autograd = libraries(1)[0].tensors
    from autograd.function import OPS

    print("operation      shape     as it is   with line   ratio (quartiles)")
    for name in ("add", "mul", "tanh"):
        for shape in ((), (3,), (64, 64)):
            x = autograd.ones(*shape, requires_grad=True)
            op = OPS[name]
            args = (x,) * len(op.parameters)
            runs = [repeated(noting(op), *args), repeated(op.apply, *args)]
            found = interleaved(name, runs, rounds, 1, pause=0.0).summary()
            low, high = found["ratio_quartiles"]
            print(
                f"{name:14} {shape!s:9} {1e9 * found['pytorch'] / CALLS:5.0f} ns    "
                f"{1e9 * found['ours'] / CALLS:5.0f} ns    {found['ratio']:.3f} "
                f"({low:.3f} to {high:.3f})"
            )


if __name__ == "__main__":
    main()
