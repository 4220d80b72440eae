"""The examples in the docstrings of all packages, and of every public function, run as written."""

from __future__ import annotations

import doctest
import importlib
import pkgutil
from types import ModuleType

import pytest

import autograd
import nn
import optim
from autograd.registry import ENTRIES


def modules() -> list[str]:
    """The modules of the three packages, by name."""
    names = []
    for package in (autograd, nn, optim):
        names.append(package.__name__)
        names += [m.name for m in pkgutil.walk_packages(package.__path__, package.__name__ + ".")]
    return names


def examples(module: ModuleType) -> list[doctest.DocTest]:
    return [test for test in doctest.DocTestFinder().find(module) if test.examples]


@pytest.mark.parametrize("name", modules())
def test_module(name: str) -> None:
    try:
        module = importlib.import_module(name)
    except ModuleNotFoundError as error:  # an optional package of an extra
        pytest.skip(str(error))
    for test in examples(module):
        run(test)


def run(test: doctest.DocTest) -> None:
    report: list[str] = []
    autograd.manual_seed(0)
    failed, _ = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE).run(
        test, out=report.append
    )
    assert not failed, "".join(report)


MADE = [  # what a finder does not see as defined in its module: made by a helper, or wrapped
    name for name, entry in ENTRIES.items() if ">>>" in (entry.function.__doc__ or "")
]


@pytest.mark.parametrize("name", MADE)
def test_public_function(name: str) -> None:
    function = ENTRIES[name].function
    parser = doctest.DocTestParser()
    run(parser.get_doctest(function.__doc__, {}, name, None, None))
