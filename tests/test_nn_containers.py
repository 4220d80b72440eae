"""Containers: what Python's own lists and dicts do, and what modules add to it."""

from __future__ import annotations

import operator
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import pytest

import autograd
import nn


def layers(n: int) -> list[nn.Module]:
    return [nn.Linear(i + 1, i + 2) for i in range(n)]


def names(module: nn.Module) -> list[str]:
    return [name for name, _ in module.named_children()]


class TestSequential:
    def test_runs_in_order(self) -> None:
        net = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1))
        x = autograd.ones(4, 2)
        expected = net[2](net[0](x).relu())
        assert net(x).tolist() == expected.tolist()
        assert nn.Sequential()(x) is x

    def test_named(self) -> None:
        net = nn.Sequential(OrderedDict(first=nn.Linear(1, 2), then=nn.ReLU()))
        assert names(net) == ["first", "then"]
        assert net.first is net[0]
        assert names(net[1:]) == ["then"]

    def test_indexing(self) -> None:
        parts = layers(4)
        net = nn.Sequential(*parts)
        assert len(net) == 4 and list(net) == parts
        assert net[0] is parts[0] and net[-1] is parts[3]
        assert list(net[1:3]) == parts[1:3] and isinstance(net[1:3], nn.Sequential)
        net[1] = nn.ReLU()
        assert isinstance(net[1], nn.ReLU)
        del net[0]
        assert names(net) == ["0", "1", "2"]
        del net[1:]
        assert names(net) == ["0"]

    def test_growing(self) -> None:
        a, b, c, d = layers(4)
        net = nn.Sequential(b)
        assert net.append(d) is net
        assert net.insert(0, a) is net
        net.insert(2, c)
        assert list(net) == [a, b, c, d] and names(net) == ["0", "1", "2", "3"]
        assert net.pop(-1) is d
        assert net.extend([d]) is net
        assert list(net) == [a, b, c, d]
        assert list(nn.Sequential(a) + nn.Sequential(b)) == [a, b]
        assert list(nn.Sequential(a, b) * 2) == [a, b, a, b] == list(2 * nn.Sequential(a, b))
        grown = nn.Sequential(a)
        grown += nn.Sequential(b)
        grown *= 2
        assert list(grown) == [a, b, a, b]

    @pytest.mark.parametrize(
        ("act", "error", "match"),
        [
            (lambda s: s[5], IndexError, "5 is out of range"),
            (lambda s: s.insert(9, nn.ReLU()), IndexError, "9"),
            (lambda s: s.insert(0, 3), TypeError, "int is not a Module"),
            (lambda s: s.append("x"), TypeError, "str is not a Module"),
            (lambda s: operator.add(s, 3), ValueError, "Sequential class"),
            (lambda s: s * 0, ValueError, "Non-positive"),
            (lambda s: s * 1.5, TypeError, "unsupported operand"),
            (lambda s: nn.Sequential(3), TypeError, "int is not a Module"),
        ],
    )
    def test_errors(self, act: Callable[[Any], Any], error: type[Exception], match: str) -> None:
        with pytest.raises(error, match=match):
            act(nn.Sequential(nn.ReLU()))


class TestModuleList:
    def test_is_a_list(self) -> None:
        parts = layers(3)
        modules = nn.ModuleList(parts)
        assert len(modules) == 3 and list(modules) == parts
        assert modules[-1] is parts[2] and list(modules[:2]) == parts[:2]
        assert isinstance(modules[:2], nn.ModuleList)
        modules[0] = parts[2]
        modules.append(parts[1]).extend(iter(parts[:1]))
        modules.insert(0, parts[0])
        assert list(modules) == [parts[i] for i in (0, 2, 1, 2, 1, 0)]
        assert modules.pop(0) is parts[0]
        del modules[1], modules[-1]
        assert list(modules) == [parts[2], parts[2], parts[1]]
        assert list(modules + parts[:1]) == [parts[2], parts[2], parts[1], parts[0]]
        modules += parts[:1]
        assert len(modules) == 4

    def test_is_known_to_its_owner(self) -> None:
        net = nn.Module()
        net.blocks = nn.ModuleList(layers(2))
        assert [n for n, _ in net.named_parameters()] == [
            f"blocks.{i}.{p}" for i in range(2) for p in ("weight", "bias")
        ]

    def test_errors(self) -> None:
        modules = nn.ModuleList(layers(2))
        with pytest.raises(NotImplementedError, match="ModuleList"):
            modules(1)
        with pytest.raises(TypeError, match="iterable, but got int"):
            modules.extend(3)
        with pytest.raises(IndexError):
            modules[2]


class TestModuleDict:
    def test_is_a_dict(self) -> None:
        a, b, c = layers(3)
        modules = nn.ModuleDict({"a": a, "b": b})
        assert len(modules) == 2 and list(modules) == ["a", "b"] and "a" in modules
        assert list(modules.keys()) == ["a", "b"]
        assert list(modules.values()) == [a, b]
        assert dict(modules.items()) == {"a": a, "b": b}
        modules["c"] = c
        assert modules["c"] is c is modules.c
        modules.update([("a", c)])
        modules.update(nn.ModuleDict({"d": a}))
        assert modules["a"] is c and modules.pop("d") is a
        del modules["b"]
        assert list(modules) == ["a", "c"]
        modules.clear()
        assert len(modules) == 0

    def test_errors(self) -> None:
        modules = nn.ModuleDict()
        with pytest.raises(KeyError):
            modules["x"]
        with pytest.raises(KeyError, match="already exists"):
            modules["keys"] = nn.ReLU()
        with pytest.raises(TypeError, match="got int"):
            modules.update(3)
        with pytest.raises(ValueError, match="length 3"):
            modules.update([(1, 2, 3)])
        with pytest.raises(TypeError, match="#0 should be Iterable"):
            modules.update([1])
        with pytest.raises(NotImplementedError, match="ModuleDict"):
            modules(1)


class TestParameterList:
    def test_is_a_list(self) -> None:
        values = nn.ParameterList([autograd.ones(1), nn.Parameter(autograd.ones(2)), "text"])
        assert len(values) == 3 and isinstance(values[0], nn.Parameter)
        assert [n for n, _ in values.named_parameters()] == ["0", "1"]
        assert values[-1] == "text" and list(values[:2]) == list(values)[:2]
        values[2] = autograd.ones(3)
        values.append(autograd.ones(4))
        values += [autograd.ones(5)]
        assert [p.numel() for p in values] == [1, 2, 3, 4, 5]
        assert len(list(values.parameters())) == 5
        assert "(4): Parameter containing: [float32 of size 5]" in repr(values)
        assert repr(nn.ParameterList(["a"])) == "ParameterList(\n  (0): Object of type: str\n)"

    def test_errors(self) -> None:
        values = nn.ParameterList([autograd.ones(1)])
        with pytest.raises(IndexError):
            values[1]
        with pytest.raises(TypeError, match="got Tensor"):
            values.extend(autograd.ones(3))
        with pytest.raises(RuntimeError, match="should not be called"):
            values()


class TestParameterDict:
    def test_is_a_dict(self) -> None:
        values = nn.ParameterDict({"b": autograd.ones(1), "a": autograd.ones(2)})
        assert list(values) == ["a", "b"] and list(reversed(values)) == ["b", "a"]
        assert isinstance(values["a"], nn.Parameter) and values["a"] is values.a
        values["c"] = 3
        assert values.get("c") == 3 and values.get("d") is None and values.get("d", 4) == 4
        assert values.setdefault("c", 5) == 3
        assert values.setdefault("d", autograd.ones(1)) is values["d"]
        assert [n for n, _ in values.named_parameters()] == ["a", "b", "d"]
        assert values.pop("c") == 3 and "c" not in values
        assert values.popitem()[0] == "d" and len(values) == 2
        assert dict(values.items()) == {"a": values.a, "b": values.b}
        assert list(values.keys()) == ["a", "b"] and list(values.values()) == [values.a, values.b]
        merged = values | {"z": autograd.ones(1)}
        assert list(merged) == ["a", "b", "z"] and "z" not in values
        assert list({"z": autograd.ones(1)} | values) == ["z", "a", "b"]
        values |= OrderedDict(y=autograd.ones(1), x=autograd.ones(1))
        assert list(values) == ["a", "b", "y", "x"]
        assert list(values.fromkeys(["k", "l"], 0).values()) == [0, 0]
        twin = values.copy()
        assert twin["a"] is values["a"]
        values.clear()
        assert len(values) == 0 and not list(values.parameters())

    def test_errors(self) -> None:
        values = nn.ParameterDict()
        with pytest.raises(KeyError, match="'x'"):
            values["x"]
        with pytest.raises(TypeError, match="must be a string, got int"):
            values[3] = 1
        with pytest.raises(RuntimeError, match="should not be called"):
            values()
