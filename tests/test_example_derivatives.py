"""The programs in examples/ about derivatives: what they print is true."""

from __future__ import annotations

import importlib.util
import re
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

import autograd

EXAMPLES = Path(__file__).parent.parent / "examples"


def example(name: str) -> ModuleType:
    """The program as a module."""
    spec = importlib.util.spec_from_file_location(f"{name}_example", EXAMPLES / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def printed(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *options: str
) -> str:
    monkeypatch.setattr(sys, "argv", [f"{name}.py", *options])
    example(name).main()
    return capsys.readouterr().out


def numbers(pattern: str, text: str) -> list[float]:
    return [float(n) for n in re.findall(pattern, text)]


def test_rosenbrock_finds_the_minimum(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out = printed("rosenbrock", monkeypatch, capsys, "--size", "6", "--large", "40")
    assert out.count("variables, with") == 2
    distances = numbers(r"distance from the minimum: (\S+)", out)
    assert len(distances) == 2 and max(distances) < 1e-8
    steps = numbers(r"step +(\d+)", out)
    assert max(steps) < 200  # gradient descent needs tens of thousands


def test_curvature_is_the_largest_eigenvalue() -> None:
    autograd.manual_seed(0)
    module = example("mlp_hvp")
    a = np.random.default_rng(0).standard_normal((6, 6))
    a = autograd.from_numpy(a @ a.T)

    def loss(params):
        x = autograd.cat([params["u"], params["v"]])
        return (x @ a @ x) / 2

    point = {n: autograd.zeros(3, dtype=autograd.float64) for n in ("u", "v")}
    value, products = module.largest_curvature(loss, point, 1e-9)
    np.testing.assert_allclose(value, np.linalg.eigvalsh(a.numpy())[-1], rtol=1e-6)
    assert products < 1000


def test_the_curvature_of_a_network_limits_the_steps(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out = printed("mlp_hvp", monkeypatch, capsys, "--steps", "60")
    (first,) = numbers(r"parameters, loss (\S+)", out)
    small, half, long = numbers(r"steps loss +(\S+),", out)
    assert small < first and half < first < long
    lines = out.splitlines()
    assert "too long" in lines[-1] and all("too long" not in line for line in lines[:-1])
    curvatures = numbers(r"largest curvature (\S+?),", out)
    assert len(curvatures) == 2 and min(curvatures) > 0


def test_gradients_per_sample_are_those_of_a_loop(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out = printed("per_sample_gradients", monkeypatch, capsys, "--samples", "12")
    assert out.startswith("12 gradients of 5258 numbers each")
    (difference,) = numbers(r"largest difference (\S+)", out)
    assert difference < 1e-6
    lengths = numbers(r"of a \d: length (\S+)", out)
    assert len(lengths) == 5 and lengths == sorted(lengths, reverse=True)
    mean, clipped = numbers(r"(\d+\.\d+)(?:,| with)", out.splitlines()[-1])
    assert 0 < clipped < mean


@pytest.mark.parametrize(("dims", "points", "steps"), [(1, 32, 60), (2, 96, 80)])
def test_the_network_solves_the_equation(dims: int, points: int, steps: int) -> None:
    autograd.manual_seed(0)
    _, error = example("pinn").solve(dims, points, steps)
    assert error < 1e-2
