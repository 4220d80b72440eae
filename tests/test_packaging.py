"""What a user installs: what importing costs and pulls in, and what a wheel holds."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

import autograd

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def run(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    return done.stdout


def test_importing_pulls_in_no_optional_package() -> None:
    loaded = set(
        json.loads(
            run(
                "import sys, json, autograd, nn, optim;"
                "print(json.dumps(sorted({m.partition('.')[0] for m in sys.modules})))"
            )
        )
    )
    extras = {
        re.split(r"[<>=!~]", requirement)[0].replace("-", "_")
        for group in PROJECT["optional-dependencies"].values()
        for requirement in group
    } | {"IPython", "sklearn"}
    assert loaded & extras == set()
    assert {"numpy", "scipy"} <= loaded


def test_importing_costs_little_more_than_numpy_and_scipy() -> None:
    # Processor time: unlike the wall clock it hardly depends on what else the machine does.
    clock = "import time; t = time.process_time(); import {}; print(time.process_time() - t)"

    def measured(modules: str) -> float:
        return float(run(clock.format(modules)))

    measured("autograd, nn, optim")  # the first pass compiles bytecode
    # The least of several, since whatever else runs on the machine can only add to it.
    ours, theirs = float("inf"), float("inf")
    for _ in range(6):
        ours = min(ours, measured("autograd, nn, optim"))
        theirs = min(theirs, measured("numpy, scipy.special"))
        if ours - theirs < 0.25:
            return
    raise AssertionError(f"{ours - theirs:.3f} s more than NumPy and SciPy")


def test_the_version_is_the_one_that_is_published() -> None:
    assert autograd.__version__ == PROJECT["version"]


def test_core_dependencies_are_few() -> None:
    names = {re.split(r"[<>=!~]", d)[0] for d in PROJECT["dependencies"]}
    assert names == {"numpy", "scipy", "graphviz", "tqdm", "safetensors"}


@pytest.mark.slow
def test_wheel_installs_and_holds_the_embedded_data(tmp_path: Path) -> None:
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
    # Built from a copy: setuptools leaves build/ and *.egg-info beside the sources.
    source = tmp_path / "source"
    tracked = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split("\0")
    for name in filter(None, tracked):
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_bytes((ROOT / name).read_bytes())
    subprocess.run([*pip, "wheel", "--no-deps", "-w", tmp_path, source], check=True)
    (wheel,) = tmp_path.glob("*.whl")
    held = {info.filename: info.file_size for info in zipfile.ZipFile(wheel).infolist()}
    assert {"autograd/py.typed", "nn/py.typed", "optim/py.typed"} <= held.keys()
    packages = {"autograd", "nn", "optim"}
    assert {name.split("/")[0] for name in held if ".dist-info" not in name} == packages
    shipped = {name for name in tracked if name.split("/")[0] in packages}
    assert shipped <= held.keys(), shipped - held.keys()  # code, stubs, scripts, styles and data
    assert sum(info.compress_size for info in zipfile.ZipFile(wheel).infolist()) < 4e6
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "venv"], check=True)
    python = tmp_path / "venv" / "bin" / "python"
    install = [python, "-m", "pip", "--disable-pip-version-check", "--quiet", "install", wheel]
    subprocess.run(install, check=True)
    code = "import autograd, nn, optim; print(*(len(part) for part in nn.data.digits()))"
    done = subprocess.run(
        [python, "-W", "error", "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
    )
    assert done.stdout.split() == ["10000", "2000"]
