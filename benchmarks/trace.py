"""What it costs to look: recording a forward pass, stepping it, its trace and its page.

    python benchmarks/trace.py [--rounds 5]

Milliseconds of the processor, the best of the rounds; "forward" and "backward" are those of a
program that nobody looks at.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from typing import Any

import autograd
import nn

Forward = Callable[[], Any]


def scalars(turns: int = 2500) -> Forward:
    """A loop of numbers, four operations a turn."""
    x = autograd.tensor(1.0, requires_grad=True)

    def forward() -> Any:
        h = x
        for _ in range(turns):
            h = ((h * 0.99 + x) * 0.5).tanh()
        return h

    return forward


def mlp() -> Forward:
    """Two linear layers on 32 images of 784 pixels."""
    model = nn.Sequential(nn.Linear(784, 32), nn.ReLU(), nn.Linear(32, 10))
    x, y = autograd.randn(32, 784), autograd.randint(0, 10, (32,))
    return lambda: nn.functional.cross_entropy(model(x), y)


def lstm() -> Forward:
    """An LSTM over 20 steps; recorders see each cell."""
    model, x = nn.LSTM(8, 16, batch_first=True), autograd.randn(4, 20, 8)
    return lambda: model(x)[0][:, -1].square().mean()


def transformer() -> Forward:
    """A transformer block on 2 sequences of 6."""
    block = nn.TransformerEncoderLayer(16, 4, 32, dropout=0.0, batch_first=True)
    x = autograd.randn(2, 6, 16)
    return lambda: (block(x) ** 2).mean()


def measured(forward: Forward) -> dict[str, float]:
    """One round."""
    times: dict[str, float] = {}

    def timed(name: str, function: Callable[[], Any]) -> Any:
        start = time.process_time()
        result = function()
        times[name] = 1e3 * (time.process_time() - start)
        return result

    def recorded() -> Any:
        with autograd.trace():
            return forward()

    loss = timed("forward", forward)
    timed("backward", loss.backward)
    loss = timed("recorded", recorded)
    stepper = timed("step()", lambda: autograd.step(loss))
    timed("finish", stepper.finish)
    timed("trace", lambda: stepper.trace)
    times["steps"] = len(stepper)
    timed("page", stepper.html)
    timed("draw", lambda: loss.draw().svg)
    return times


def main() -> None:
    """Prints a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    autograd.manual_seed(0)
    for n, make in enumerate((scalars, mlp, lstm, transformer)):
        forward = make()
        all_times = [measured(forward) for _ in range(rounds)]
        best = {name: min(times[name] for times in all_times) for name in all_times[0]}
        if n == 0:
            print(f"{'':12}", *(f"{name:>9}" for name in best), f"{'trace/step':>11}")
        shown = (
            f"{value:9.0f}" if name == "steps" else f"{value:9.2f}" for name, value in best.items()
        )
        print(f"{make.__name__:12}", *shown, f"{best['trace'] / best['steps']:11.2f}")


if __name__ == "__main__":
    main()
