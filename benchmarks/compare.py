"""Timing the same code in two libraries: interleaved rounds, medians, ratios.

A case is a function that takes a `Library` and returns what to time. It is called once for each
library, so that both do the same work by construction. NumPy and PyTorch read their number of
threads when they are imported, so nothing here imports them before `libraries` is called.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable
from types import ModuleType
from typing import Any, NamedTuple

THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)


class Library(NamedTuple):
    """The modules under test; both libraries have the same names in them."""

    name: str
    tensors: ModuleType
    nn: ModuleType
    optim: ModuleType


class Result(NamedTuple):
    """Seconds per run of one case, one entry per round; `theirs` is empty without PyTorch."""

    case: str
    ours: list[float]
    theirs: list[float]

    @property
    def ratios(self) -> list[float]:
        return [a / b for a, b in zip(self.ours, self.theirs, strict=True)]

    def summary(self) -> dict[str, Any]:
        """The medians, and the quartiles of the ratios of single rounds."""
        found: dict[str, Any] = {"case": self.case, "ours": statistics.median(self.ours)}
        if self.theirs:
            low, middle, high = statistics.quantiles(self.ratios, n=4)
            found |= {"pytorch": statistics.median(self.theirs)}
            found |= {"ratio": middle, "ratio_quartiles": [low, high]}
        return found


def libraries(threads: int) -> list[Library]:
    """tapegrad, and PyTorch where it is installed, each limited to `threads` threads."""
    for variable in THREAD_VARIABLES:
        os.environ[variable] = str(threads)
    import autograd
    import nn
    import optim

    found = [Library("tapegrad", autograd, nn, optim)]
    try:
        import torch
    except ImportError:
        return found
    torch.set_num_threads(threads)
    return [*found, Library("PyTorch", torch, torch.nn, torch.optim)]


def interleaved(
    name: str, runs: list[Callable[[], Any]], rounds: int, repeats: int, pause: float = 0.03
) -> Result:
    """Times the functions in turn, the order changing from round to round.

    Each measurement is the mean of `repeats` calls after one that is not counted. The pause
    before it lets the other library's idle threads, which spin for a while, go to sleep.
    """
    times: list[list[float]] = [[] for _ in runs]
    for i in range(rounds):
        order = range(len(runs)) if i % 2 else reversed(range(len(runs)))
        for which in order:
            time.sleep(pause)
            runs[which]()
            start = time.perf_counter()
            for _ in range(repeats):
                runs[which]()
            times[which].append((time.perf_counter() - start) / repeats)
    return Result(name, times[0], times[1] if len(runs) > 1 else [])


def table(results: list[Result]) -> str:
    """The medians in ms and the ratio with its quartiles, one line per case."""
    width = max(len(r.case) for r in results)
    lines = [f"{'median of the rounds':{width}}  tapegrad   PyTorch  ratio (quartiles)"]
    for result in results:
        s = result.summary()
        line = f"{s['case']:{width}}  {s['ours'] * 1e3:5.2f} ms"
        if "ratio" in s:
            low, high = s["ratio_quartiles"]
            line += f"  {s['pytorch'] * 1e3:5.2f} ms  {s['ratio']:.2f}  ({low:.2f} to {high:.2f})"
        lines.append(line)
    return "\n".join(lines)


def same_weights(library: Library, model: Any, rng: Any) -> None:
    """The same in both libraries; uniform on ±1/√n, n the last size, as linear layers begin."""
    with library.tensors.no_grad():
        for p in model.parameters():
            values = rng.uniform(-1, 1, p.shape) * p.shape[-1] ** -0.5
            p.copy_(library.tensors.tensor(values.astype("float32")))


# The programs ----------------------------------------------------------------------------------

Cases = dict[str, tuple[Callable[[Library], Callable[[], Any]], int]]
"""Each case with the number of runs in one measurement."""


def argument_parser(description: str | None) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=(description or "").split("\n")[0])
    parser.add_argument("--threads", type=int, default=1, help="threads for both (default: 1)")
    parser.add_argument("--rounds", type=int, default=40, help="measurements of each (default: 40)")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    return parser


def checked(parser: argparse.ArgumentParser, least: dict[str, int]) -> argparse.Namespace:
    """The options, none below its least value."""
    options = parser.parse_args()
    for name, value in least.items():
        if getattr(options, name) < value:
            parser.error(f"--{name.replace('_', '-')} must be at least {value}")
    return options


def check_same(name: str, values: list[float]) -> None:
    """Stops the comparison if the two libraries did not compute the same."""
    if max(values) - min(values) > 1e-4 * max(1.0, *map(abs, values)):
        program = os.path.basename(sys.argv[0])
        raise SystemExit(f"{program}: {name}: the libraries disagree: {values}")


def compare_cases(cases: Cases, options: argparse.Namespace) -> None:
    """Times each case in both libraries, after a check that they compute the same, and prints."""
    compared = libraries(options.threads)
    results = []
    for name, (case, repeats) in cases.items():
        runs = [case(library) for library in compared]
        for _ in range(3):
            check_same(name, [run() for run in runs])
        results.append(interleaved(name, runs, options.rounds, repeats))
    if options.json:
        found = {"threads": options.threads, "rounds": options.rounds}
        print(json.dumps({**found, "results": [r.summary() for r in results]}, indent=1))
        return
    import numpy

    versions = [f"Python {platform.python_version()}", f"NumPy {numpy.__version__}"]
    versions += [f"PyTorch {library.tensors.__version__}" for library in compared[1:]]
    print(", ".join(versions) + f"; {options.threads} thread(s), {options.rounds} rounds")
    print(table(results))
    if len(compared) == 1:
        print("PyTorch is not installed; for the comparison: pip install 'tapegrad[parity]'")
