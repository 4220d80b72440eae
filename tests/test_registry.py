"""The table of public functions is complete: every entry has a sample row and a docstring."""

from __future__ import annotations

import pytest
from op_samples import ROWS

import autograd  # noqa: F401  (fills the table)
from autograd.registry import ENTRIES


def names_by_function() -> dict[object, list[str]]:
    """The qualified names of each public function: its own first, then its aliases."""
    names: dict[object, list[str]] = {}
    for name, entry in ENTRIES.items():
        names.setdefault(entry.function, []).append(name)
    return names


def test_every_public_function_has_a_row() -> None:
    rows = {row.name for row in ROWS}
    missing = [names[0] for names in names_by_function().values() if not rows & set(names)]
    assert not missing, (
        f"public functions without a row in tests/op_samples (its docstring says how to add one): "
        f"{', '.join(missing)}"
    )


def test_every_row_names_a_public_function() -> None:
    unknown = sorted({row.name for row in ROWS} - set(ENTRIES))
    assert not unknown, f"rows of tests/op_samples for what is not registered: {unknown}"


@pytest.mark.parametrize("name", ENTRIES)
def test_every_public_function_has_a_docstring(name: str) -> None:
    text = ENTRIES[name].function.__doc__
    assert text and text.strip(), f"{name} has no docstring"
