"""The number of threads of NumPy's BLAS."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
import threadpoolctl

import autograd
from autograd import threads


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    before = autograd.get_num_threads()
    yield
    autograd.set_num_threads(before)


def test_numpys_openblas_takes_the_number() -> None:
    # Another library, such as SciPy, may have an OpenBLAS of its own.
    controller = threadpoolctl.ThreadpoolController()
    numpys = [
        info
        for info in controller.info()
        if info["internal_api"] == "openblas" and "numpy" in info["filepath"]
    ]
    if not numpys:
        pytest.skip("NumPy's BLAS is not OpenBLAS here")
    for number in (1, 2):
        autograd.set_num_threads(number)
        assert autograd.get_num_threads() == number
        (now,) = [i for i in controller.info() if i["filepath"] == numpys[0]["filepath"]]
        assert now["num_threads"] == number


def test_another_blas_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "_openblas", lambda name: None)
    autograd.set_num_threads(3)
    assert autograd.get_num_threads() == os.cpu_count()


@pytest.mark.parametrize("number", [0, -1])
def test_too_few_are_refused(number: int) -> None:
    with pytest.raises(RuntimeError, match="at least 1 thread"):
        autograd.set_num_threads(number)


@pytest.mark.parametrize("number", [1.0, "2", None, True])
def test_what_is_no_int_is_refused(number: object) -> None:
    with pytest.raises(TypeError, match="expected an int"):
        autograd.set_num_threads(number)  # type: ignore[arg-type]
