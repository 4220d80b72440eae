"""What all tests share: PyTorch where it is installed, and how many examples hypothesis tries."""

from __future__ import annotations

import importlib.util
import os
import signal
from collections.abc import Iterator
from typing import Any

# Before NumPy and PyTorch are imported. Their products here are small, and threads of several
# processes that wait for each other make them up to a hundred times slower.
for _library in ("OPENBLAS", "OMP", "MKL"):
    os.environ.setdefault(f"{_library}_NUM_THREADS", "1")

import hypothesis
import pytest

# CI asks for parity and must not pass by skipping it.
REQUIRE_PARITY = bool(os.environ.get("TAPEGRAD_REQUIRE_PARITY"))
HAS_TORCH = importlib.util.find_spec("torch") is not None

hypothesis.settings.register_profile("default", max_examples=60, deadline=None)
hypothesis.settings.register_profile("ci", max_examples=500, deadline=None, derandomize=True)
hypothesis.settings.load_profile("ci" if os.environ.get("CI") or REQUIRE_PARITY else "default")


def pytest_configure(config: pytest.Config) -> None:
    # A shell starts background jobs with Ctrl-C ignored; tests send it to themselves and to their
    # children, which would ignore it too.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if REQUIRE_PARITY and not HAS_TORCH:
        raise pytest.UsageError("TAPEGRAD_REQUIRE_PARITY is set, but PyTorch is not installed")


def pytest_terminal_summary(terminalreporter: Any) -> None:
    if not HAS_TORCH:
        terminalreporter.write_line(
            "Parity with PyTorch was skipped: it is not installed (pip install torch).", yellow=True
        )


@pytest.fixture(scope="session")
def torch() -> Iterator[Any]:
    """PyTorch on one thread: the tensors of tests are small. Skips where it is not installed."""
    module = pytest.importorskip("torch")
    threads = module.get_num_threads()
    module.set_num_threads(1)
    yield module
    module.set_num_threads(threads)
