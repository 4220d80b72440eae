"""Every core and wanted name of docs/scope.md exists, but for those listed here as missing."""

from __future__ import annotations

import functools
import re
from pathlib import Path

import pytest

import autograd
import nn
import nn.functional
import optim

TEXT = (Path(__file__).parent.parent / "docs" / "scope.md").read_text(encoding="utf-8")

NOT_YET: dict[str, str] = {}


def names(section: str) -> list[str]:
    body = re.search(rf"^## {re.escape(section)}.*?(?=^## |\Z)", TEXT, re.M | re.S)[0]
    tiers = re.findall(r"^\*\*(core|wanted)\*\* \((\d+)\): (.*)$", body, re.M)
    found = [re.findall(r"`([^`]+)`", line) for _, _, line in tiers]
    assert [len(part) for part in found] == [int(count) for _, count, _ in tiers]
    return [name for part in found for name in part]


def exists(name: str) -> bool:
    root, _, rest = name.partition(".")
    roots = {"nn": nn, "optim": optim}
    start, path = (roots[root], rest) if root in roots else (autograd, name)
    try:
        functools.reduce(getattr, path.split("."), start)
    except AttributeError:
        # As a method, or in place only: PyTorch has no `uniform`, but `Tensor.uniform_`.
        own = (hasattr(autograd.Tensor, label) for label in (name, f"{name}_"))
        return "." not in name and any(own)
    return True


@pytest.mark.parametrize(
    ("section", "prefix"),
    [
        ("Operators and functions", ""),
        ("Modules", ""),
        ("Optimizers", "optim."),
        ("Schedulers", "optim.lr_scheduler."),
        ("Distributions", "distributions."),
    ],
)
def test_names_exist(section: str, prefix: str) -> None:
    wanted = {prefix + name for name in names(section)}
    missing = {name for name in wanted if not exists(name)}
    listed = set(NOT_YET.get(section, "").split())
    assert missing - listed == set(), "names of docs/scope.md that do not exist"
    assert listed & wanted - missing == set(), "names that exist now; take them off the list"
