"""Datasets made of others, here and in PyTorch."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import autograd
import nn

pytest.importorskip("torch")
pytestmark = pytest.mark.parity


def side(lib: Any) -> Any:
    """The library, with datasets to combine."""
    data = lib.utils.data

    class Count(data.IterableDataset):
        def __init__(self, n: int) -> None:
            self.n = n

        def __iter__(self) -> Any:
            return iter(range(self.n))

        def __len__(self) -> int:
            return self.n

    class Bulk(data.Dataset):
        def __getitem__(self, index: int) -> int:
            return index * 7

        def __getitems__(self, indices: list[int]) -> list[int]:
            return [i * 7 for i in indices]

        def __len__(self) -> int:
            return 5

    rows = data.TensorDataset(lib.arange(10.0).reshape(5, 2), lib.arange(5))
    return SimpleNamespace(lib=lib, data=data, Count=Count, bulk=Bulk(), rows=rows)


def plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value), [plain(v) for v in value]
    return (str(value.dtype).split(".")[-1], value.tolist()) if hasattr(value, "tolist") else value


PROGRAMS = {
    "chain": lambda s: list(s.data.ChainDataset([s.Count(2), s.Count(0), s.Count(3)])),
    "chain of sums": lambda s: list(s.Count(1) + s.Count(2) + s.Count(1)),
    "length of a chain": lambda s: len(s.data.ChainDataset([s.Count(2), s.Count(3)])),
    "chain in a loader": lambda s: list(s.data.DataLoader(s.Count(2) + s.Count(3), batch_size=2)),
    "items of a stack": lambda s: [
        s.data.StackDataset(s.rows, "abcde", s.bulk)[i] for i in (0, -1)
    ],
    "items by name": lambda s: s.data.StackDataset(x=s.rows, y=s.bulk)[2],
    "many items": lambda s: s.data.StackDataset(s.bulk, "abcde").__getitems__([3, 1]),
    "many items by name": lambda s: s.data.StackDataset(a=s.bulk, b="abcde").__getitems__([3, 1]),
    "length of a stack": lambda s: len(s.data.StackDataset(s.bulk, "abcde")),
    "stack in a loader": lambda s: list(
        s.data.DataLoader(s.data.StackDataset(s.rows, s.bulk, s.rows), batch_size=2)
    ),
    "stack of tensors in a loader": lambda s: list(
        s.data.DataLoader(s.data.StackDataset(s.rows, s.rows), batch_size=3)
    ),
    "stack by name in a loader": lambda s: list(
        s.data.DataLoader(s.data.StackDataset(x=s.rows, y=s.rows), batch_size=3)
    ),
    "stack of NumPy numbers": lambda s: list(
        s.data.DataLoader(
            s.data.StackDataset(x=s.rows, y=[np.float32(i) for i in range(5)]), batch_size=5
        )
    ),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_as_in_pytorch(name: str, torch: Any) -> None:
    ours, theirs = (plain(PROGRAMS[name](side(lib))) for lib in (autograd, torch))
    assert ours == theirs


ERRORS = {
    "both": lambda s: s.data.StackDataset("ab", x="ab"),
    "none": lambda s: s.data.StackDataset(),
    "lengths": lambda s: s.data.StackDataset("ab", "abc"),
    "lengths by name": lambda s: s.data.StackDataset(x="ab", y="abc"),
}


@pytest.mark.parametrize("name", ERRORS)
def test_errors(name: str, torch: Any) -> None:
    for lib in (autograd, torch):
        with pytest.raises(ValueError):
            ERRORS[name](side(lib))


def test_chains_are_of_iterable_datasets() -> None:
    with pytest.raises(TypeError, match="dataset 1 is a str, not an IterableDataset; use Concat"):
        list(nn.data.ChainDataset([side(autograd).Count(1), "ab"]))


def test_transforms_in_a_stack_are_found() -> None:
    """So that what they draw does not depend on the number of workers."""
    digits = nn.data.TensorDataset(autograd.zeros(6, 1))

    class Noisy(nn.data.Dataset[Any]):
        transform = staticmethod(lambda x: x + autograd.rand(1))

        def __getitem__(self, index: int) -> Any:
            return self.transform(digits[index][0])

        def __len__(self) -> int:
            return 6

    found = []
    for workers in (0, 2):
        autograd.manual_seed(0)
        stack = nn.data.StackDataset(x=Noisy())
        loader = nn.data.DataLoader(stack, batch_size=2, num_workers=workers)
        found.append([batch["x"].tolist() for batch in loader])
    assert found[0] == found[1]
