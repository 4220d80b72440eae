"""The printed tree of a module: PyTorch's, with a column of parameter counts."""

from __future__ import annotations

import re
from itertools import groupby
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .module import Module

_ENTRY = re.compile(r"\(\w+\): ")  # "(0): ", how an `extra_repr` lists what the module holds
_WIDEST = 84  # a longer line does not push the column of counts further to the right

_Line = tuple[str, str]  # the text, and what to note beside it


def module_text(module: Module) -> str:
    """The tree of `module`. A layer without modules inside is printed as in PyTorch.

    Otherwise the first line gives the number of parameters (and how many of them are trained, if
    not all are) and each line below that of its own module. A shared parameter counts once.
    """
    lines = _tree(module)
    total = sum(p._data.size for p in module.parameters())
    if not module._modules or not total:
        return "\n".join(line for line, _ in lines)
    trained = sum(p._data.size for p in module.parameters() if p.requires_grad)
    notes = [note for _, note in lines]
    notes[0] += " parameters" + (f", {trained:,} trainable" if trained != total else "")
    noted = [len(line) for (line, _), note in zip(lines, notes, strict=True) if note]
    column = min(max(noted), _WIDEST)
    return "\n".join(
        f"{line:<{column}}  # {note}" if note else line
        for (line, _), note in zip(lines, notes, strict=True)
    )


def _tree(module: Module | None) -> list[_Line]:
    if module is None:
        return [("None", "")]
    count = sum(p._data.size for p in module.parameters())
    note = f"{count:,}" if count else ""
    if not _prints_a_tree(module):
        return [(line, "" if i else note) for i, line in enumerate(repr(module).split("\n"))]
    extra = module.extra_repr()
    name = module._get_name()
    if not module._modules and "\n" not in extra and not _ENTRY.match(extra):
        return [(f"{name}({extra})", note)]
    body: list[_Line] = [(line, "") for line in extra.split("\n") if extra]
    for label, times, child in _children(module):
        (first, number), *rest = _tree(child)
        body.append((label + first, f"{times} x {number}" if times > 1 and number else number))
        body += rest
    return [(f"{name}(", note), *(("  " + line, number) for line, number in body), (")", "")]


def _prints_a_tree(module: Module) -> bool:
    """False for a class with a `__repr__` of its own."""
    from .module import Module

    return type(module).__repr__ is Module.__repr__


def _children(module: Module) -> list[tuple[str, int, Module | None]]:
    """The modules directly below with their labels; a list folds equal neighbours into one."""
    if not module._folds_repeats:
        return [(f"({name}): ", 1, child) for name, child in module._modules.items()]
    labelled: list[tuple[str, int, Module | None]] = []
    for _, group in groupby(module._modules.items(), lambda item: repr(item[1])):
        (first, child), *others = group
        times = len(others) + 1
        label = f"({first}-{others[-1][0]}): {times} x " if others else f"({first}): "
        labelled.append((label, times, child))
    return labelled
