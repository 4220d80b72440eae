"""`save` and `load`: what goes in comes out, and nothing else is let in."""

from __future__ import annotations

import errno
import io
import json
import math
import os
import pickle
import random
import stat
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

import autograd
import nn
import optim
from autograd.serialization import _write
from autograd.tensor import wrap

DTYPES = ["float64", "float32", "float16", "int64", "int32", "int16", "int8", "uint8", "bool"]


def array(dtype: str, *shape: int) -> np.ndarray:
    values = np.random.default_rng(0).integers(0, 2 if dtype == "bool" else 100, shape)
    return np.asarray(values, dtype)


def same(a: Any, b: Any) -> bool:
    """Equal in type, nesting, key order, dtype, shape and every bit."""
    if isinstance(b, autograd.Tensor):
        return (
            isinstance(a, autograd.Tensor)
            and a.dtype is b.dtype
            and a.shape == b.shape
            and a.numpy(force=True).tobytes() == b.numpy(force=True).tobytes()
        )
    if isinstance(b, dict):
        return list(a) == list(b) and all(same(a[k], b[k]) for k in b)
    if isinstance(b, (list, tuple)):
        return type(a) is type(b) and len(a) == len(b) and all(map(same, a, b))
    return type(a) is type(b) and (a == b or (a != a and b != b))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "weights.safetensors"


def round_trip(state: dict[Any, Any], path: Path) -> dict[Any, Any]:
    autograd.save(state, path)
    return autograd.load(path)


# What goes in comes out ----------------------------------------------------------------------


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 0, 3), (2, 3, 4)])
def test_every_dtype_and_shape(dtype: str, shape: tuple[int, ...], path: Path) -> None:
    state = {"x": autograd.from_numpy(array(dtype, *shape))}
    loaded = round_trip(state, path)
    assert same(loaded, state)
    assert loaded["x"].numpy().flags.writeable and not loaded["x"].requires_grad


def test_values_that_are_no_numbers(path: Path) -> None:
    state = {"x": autograd.tensor([math.nan, math.inf, -math.inf, -0.0, 5e-45])}
    assert same(round_trip(state, path), state)


def test_memory_in_any_order(path: Path) -> None:
    x = np.arange(24.0).reshape(2, 3, 4)
    views = {
        "transposed": x.T,
        "reversed": x[::-1],
        "strided": x[:, ::2, 1],
        "broadcast": np.broadcast_to(np.float64(3), (2, 2)),
        "fortran": np.asfortranarray(x),
    }
    loaded = round_trip({k: autograd.from_numpy(v.view()) for k, v in views.items()}, path)
    for name, view in views.items():
        np.testing.assert_array_equal(loaded[name].numpy(), view)


def test_key_order_is_kept(path: Path) -> None:
    state = {name: autograd.tensor([1.0]) for name in ("z", "10.w", "2.w", "a", "", "é🎉")}
    assert list(round_trip(state, path)) == list(state)


def test_nested_dicts_with_plain_values(path: Path) -> None:
    state = {
        "state": {0: {"step": 3, "exp_avg": autograd.ones(2)}, 1: {}},
        "groups": [{"betas": (0.9, 0.999), "params": [0, 1], "foreach": None, "maximize": False}],
        "best": math.inf,
        "nan": math.nan,
        "name": 'a "quoted"\nname\ud800',
        "big": 2**80,
        "tensors": [autograd.zeros(1), (autograd.ones(1), [])],
        "keys": {1: "int", "1": "str", None: "none", 2.5: "float"},
    }
    assert same(round_trip(state, path), state)


def test_numpy_numbers_become_pythons(path: Path) -> None:
    loaded = round_trip({"a": np.float32(0.5), "b": np.int64(3), "c": np.bool_(True)}, path)
    assert same(loaded, {"a": 0.5, "b": 3, "c": True})


def test_names_that_would_collide(path: Path) -> None:
    one, two, three = (autograd.tensor([float(i)]) for i in range(3))
    state = {"a": {"b": one}, "a.b": two, "a.b#1": three, "__metadata__": one}
    assert same(round_trip(state, path), state)


def test_tied_tensors_are_stored_under_each_name(path: Path) -> None:
    w = autograd.ones(3)
    state = {"embedding": w, "head": w, "view": w[1:]}
    assert same(round_trip(state, path), state)


def test_the_same_state_makes_the_same_file(path: Path) -> None:
    def content() -> bytes:
        autograd.save({name: autograd.ones(3) for name in "abcdefgh"} | {"lr": 0.1}, path)
        return path.read_bytes()

    assert len({content() for _ in range(20)}) == 1


def test_an_empty_dict(path: Path) -> None:
    assert round_trip({}, path) == {}


def test_a_model_and_its_optimizer(path: Path) -> None:
    def made() -> tuple[nn.Module, Any]:
        model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2))
        return model, optim.Adam(model.parameters(), lr=0.01, amsgrad=True)

    def step(model: nn.Module, optimizer: Any) -> None:
        optimizer.zero_grad()
        (model(autograd.ones(5, 3)) ** 2).sum().backward()
        optimizer.step()

    model, optimizer = made()
    step(model, optimizer)
    autograd.save({"model": model.state_dict(), "optimizer": optimizer.state_dict()}, path)
    loaded = autograd.load(path)
    assert same(loaded["optimizer"], optimizer.state_dict())
    again, optimizer_again = made()
    again.load_state_dict(loaded["model"])
    optimizer_again.load_state_dict(loaded["optimizer"])
    step(model, optimizer)
    step(again, optimizer_again)
    assert same(dict(again.state_dict()), dict(model.state_dict()))


trees = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from(DTYPES).map(lambda d: autograd.from_numpy(array(d, 2))),
    lambda inner: (
        st.lists(inner)
        | st.lists(inner).map(tuple)
        | st.dictionaries(st.text() | st.integers(), inner)
    ),
    max_leaves=15,
)


@given(st.dictionaries(st.text() | st.integers(), trees))
@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_state_dict(path: Path, state: dict[Any, Any]) -> None:
    assert same(round_trip(state, path), state)


@pytest.mark.parametrize("kind", [str, Path, os.fsencode])
def test_paths_of_any_kind(kind: Any, path: Path) -> None:
    autograd.save({"x": autograd.ones(1)}, kind(path))
    assert list(autograd.load(kind(path))) == ["x"]


# Other libraries -----------------------------------------------------------------------------


def test_the_safetensors_package_reads_it_and_is_read(path: Path) -> None:
    from safetensors.numpy import load_file, save_file

    arrays = {name: array(name, 2, 3) for name in DTYPES}
    autograd.save({name: autograd.from_numpy(a) for name, a in arrays.items()}, path)
    for name, found in load_file(path).items():
        assert found.dtype == arrays[name].dtype
        np.testing.assert_array_equal(found, arrays[name])
    save_file(arrays, path, metadata={"format": "np"})
    loaded = autograd.load(path)
    assert loaded.keys() == arrays.keys()
    assert all(same(loaded[name], autograd.from_numpy(a)) for name, a in arrays.items())


@pytest.mark.parity
def test_pytorch_reads_it_and_is_read(torch: Any, path: Path) -> None:
    safetensors_torch = pytest.importorskip("safetensors.torch")
    arrays = {name: array(name, 2, 3) for name in DTYPES} | {"0-d": array("float32")}
    tensors = {name: torch.from_numpy(a) for name, a in arrays.items()}
    autograd.save({name: autograd.from_numpy(a) for name, a in arrays.items()}, path)
    found = safetensors_torch.load_file(path)
    assert found.keys() == tensors.keys()
    for name, tensor in tensors.items():
        assert found[name].dtype == tensor.dtype and torch.equal(found[name], tensor)
    safetensors_torch.save_file(tensors, path)
    loaded = autograd.load(path)
    assert all(same(loaded[name], autograd.from_numpy(a)) for name, a in arrays.items())


@pytest.mark.parity
def test_weights_of_a_pytorch_model(torch: Any, path: Path) -> None:
    safetensors_torch = pytest.importorskip("safetensors.torch")
    theirs = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.ReLU(), torch.nn.Linear(4, 2))
    ours = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))
    safetensors_torch.save_file(theirs.state_dict(), path)
    ours.load_state_dict(autograd.load(path))
    x = array("float32", 5, 3)
    expected = theirs(torch.from_numpy(x)).detach().numpy()
    # Two small products summed in another order: a few units in the last place.
    np.testing.assert_allclose(
        ours(autograd.from_numpy(x)).numpy(force=True), expected, rtol=1e-5, atol=1e-4
    )
    autograd.save(ours.state_dict(), path)
    theirs.load_state_dict(safetensors_torch.load_file(path))


@pytest.mark.parity
def test_bfloat16_becomes_float32_exactly(torch: Any, path: Path) -> None:
    safetensors_torch = pytest.importorskip("safetensors.torch")
    x = torch.tensor([1.0, -0.15625, 3e38, 1e-40, math.inf]).to(torch.bfloat16)
    safetensors_torch.save_file({"x": x, "0-d": x[0].clone()}, path)
    loaded = autograd.load(path)
    np.testing.assert_array_equal(loaded["x"].numpy(), x.float().numpy())
    assert loaded["0-d"].shape == () and loaded["x"].dtype is autograd.float32


def handmade(header: Any, data: bytes = b"", length: int | None = None) -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return (len(text) if length is None else length).to_bytes(8, "little") + text + data


@pytest.mark.parametrize("dtype", ["F8_E4M3", "C64", "U32"])
def test_a_dtype_that_no_tensor_can_have(dtype: str, path: Path) -> None:
    size = {"F8_E4M3": 1, "C64": 8, "U32": 4}[dtype]
    entry = {"dtype": dtype, "shape": [1], "data_offsets": [0, size]}
    path.write_bytes(handmade({"w": entry}, b"\0" * size))
    with pytest.raises(ValueError, match=f"holds 'w' as {dtype}"):
        autograd.load(path)


def test_a_byte_above_one_is_true(path: Path) -> None:
    entry = {"dtype": "BOOL", "shape": [3], "data_offsets": [0, 3]}
    path.write_bytes(handmade({"w": entry}, b"\0\1\xff"))
    assert autograd.load(path)["w"].tolist() == [False, True, True]


def test_what_is_no_dict(path: Path) -> None:
    x = autograd.arange(6.0).reshape(2, 3)
    for value in (x, [x, 1], (x, {"tensor": x.t(), "n": [None, "a"]}), [], {}):
        autograd.save(value, path)
        assert same(autograd.load(path), value)


def test_an_open_file() -> None:
    buffer = io.BytesIO()
    autograd.save({"w": autograd.ones(2), "epoch": 3}, buffer)
    buffer.seek(0)
    assert same(autograd.load(buffer), {"w": autograd.ones(2), "epoch": 3})
    with pytest.raises(ValueError, match="the open file is empty"):
        autograd.load(buffer)


def test_arguments_of_pytorch(path: Path) -> None:
    autograd.save({"w": autograd.ones(2)}, path)
    for there in ("cpu", autograd.device("cpu"), None, lambda storage, location: storage):
        assert autograd.load(path, map_location=there, weights_only=False)["w"].sum() == 2
    with pytest.raises(RuntimeError, match="device 'cuda' is not available"):
        autograd.load(path, "cuda")


# What is refused on saving -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("state", "error", "message"),
    [
        ({"a": {"b": [1, np.ones(2)]}}, TypeError, r"state_dict\['a'\]\['b'\]\[1\] is a NumPy"),
        ({"f": print}, TypeError, r"state_dict\['f'\] is a builtin_function"),
        ({"m": nn.Linear(1, 1)}, TypeError, r"state_dict\['m'\] is a Linear; store its state_d"),
        ({"c": 1j}, TypeError, r"state_dict\['c'\] is a complex"),
        ({"s": {1, 2}}, TypeError, "is a set"),
        ({(1, 2): 3}, TypeError, r"has the key \(1, 2\), a tuple"),
        ({"\ud800": autograd.ones(1)}, ValueError, "no valid Unicode"),
        (nn.Linear(1, 1), TypeError, r"expected a dict, got a Linear; store its state_dict\(\)"),
        ({1, 2}, TypeError, "expected a dict, got a set"),
        ("w.safetensors", TypeError, r"the order is save\(state_dict, path\)"),
    ],
)
def test_what_cannot_be_stored(
    state: Any, error: type[Exception], message: str, path: Path
) -> None:
    with pytest.raises(error, match=message):
        autograd.save(state, path)
    assert list(path.parent.iterdir()) == []


def test_a_dtype_that_cannot_be_stored(path: Path) -> None:
    x = wrap(np.ones(2, np.complex128))
    with pytest.raises(TypeError, match=r"state_dict\['x'\] has the dtype complex128"):
        autograd.save({"x": x}, path)


def test_a_dict_that_contains_itself(path: Path) -> None:
    state: dict[str, Any] = {}
    state["self"] = state
    with pytest.raises(ValueError, match="contains itself"):
        autograd.save(state, path)


@pytest.mark.parametrize("wrong", [3, None, open])
def test_a_path_of_another_kind(wrong: Any) -> None:
    with pytest.raises(TypeError, match="the path must be a str or a path object"):
        autograd.save({}, wrong)
    with pytest.raises(TypeError, match="the path must be a str or a path object"):
        autograd.load(wrong)


# Writing -------------------------------------------------------------------------------------


def test_no_directory_a_directory_and_a_device(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"there is no directory .*missing"):
        autograd.save({}, tmp_path / "missing" / "w")
    with pytest.raises(IsADirectoryError, match="add a file name"):
        autograd.save({}, tmp_path)
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(OSError, match="a device or a pipe"):
        autograd.save({}, pipe)
    assert stat.S_ISFIFO(pipe.stat().st_mode)


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_failure_leaves_the_old_file_alone(
    step: str, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    autograd.save({"x": autograd.ones(2)}, path)
    before = path.read_bytes()

    def fails(*args: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", "a temporary name")

    monkeypatch.setattr(os, step, fails)
    with pytest.raises(OSError, match="No space left") as info:
        autograd.save({"x": autograd.zeros(2)}, path)
    assert info.value.filename == str(path) and info.value.errno == errno.ENOSPC
    assert path.read_bytes() == before and list(path.parent.iterdir()) == [path]


def test_an_interrupt_leaves_no_temporary_file(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*args: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupted)
    with pytest.raises(KeyboardInterrupt):
        autograd.save({"x": autograd.zeros(2)}, path)
    assert list(path.parent.iterdir()) == []


def test_permissions_and_links_are_kept(path: Path) -> None:
    umask = os.umask(0o027)
    try:
        _write(str(path), b"new")
    finally:
        os.umask(umask)
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    path.chmod(0o604)
    link = path.with_name("link")
    link.symlink_to(path)
    autograd.save({"x": autograd.ones(1)}, link)
    assert stat.S_IMODE(path.stat().st_mode) == 0o604
    assert link.is_symlink() and list(autograd.load(path)) == ["x"]


def test_a_name_as_long_as_the_system_allows(tmp_path: Path) -> None:
    autograd.save({}, tmp_path / ("x" * 255))
    assert [len(p.name) for p in tmp_path.iterdir()] == [255]


# Files that are none of ours -----------------------------------------------------------------


def test_a_missing_file_names_its_neighbours(path: Path) -> None:
    autograd.save({}, path)
    for wrong in ("weihgts.safetensors", "weights"):
        with pytest.raises(FileNotFoundError, match=f"no file .*{wrong}; did you mean .*{path}"):
            autograd.load(path.with_name(wrong))
    with pytest.raises(FileNotFoundError, match=r"no file .*/else\.bin$"):
        autograd.load(path.with_name("else.bin"))
    with pytest.raises(FileNotFoundError, match=r"nor a directory .*nowhere"):
        autograd.load(path.parent / "nowhere" / "w")
    with pytest.raises(IsADirectoryError, match="is a directory"):
        autograd.load(path.parent)


def npz(path: Path) -> None:
    with open(path, "wb") as file:
        np.savez(file, x=np.ones(1))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"\x01", "not a safetensors file"),
        (b"hello, world, this is text", "not a safetensors file"),
        (pickle.dumps({"x": 1}), "a pickle, .*autograd.save"),
        (pickle.dumps({"x": 1}, 2), "a pickle"),
        (npz, r"a NumPy .npz file; read it with numpy.load"),
        (b"\x93NUMPY\x01\x00v\x00{'descr'", "a NumPy .npy file"),
        (b"\x89HDF\r\n\x1a\n" + b"\0" * 20, "h5py"),
        (b"\x1f\x8b\x08\0\0\0\0\0\0\0", "gzip"),
        (b"version https://git-lfs.github.com/spec/v1\n", "git lfs pull"),
        (handmade({}, length=2**62), "announces a header of 4,611,686"),
        (handmade({}, length=100), "is cut short or damaged: it announces a header of 100 bytes"),
        (handmade(b"{nonsense"), "its header is invalid"),
        (handmade(b'{"a":' * 1000), "its header is invalid"),
        (handmade(b"{}", b"rest"), "header and data do not fit"),
        (
            handmade({"w": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}}, b"\0" * 7),
            "is cut short: it should have",
        ),
        (
            handmade({"w": {"dtype": "F32", "shape": [3], "data_offsets": [0, 8]}}, b"\0" * 8),
            "header and data do not fit",
        ),
        (
            handmade({"w": {"dtype": "F32", "shape": [0, 2**62, 2**62], "data_offsets": [0, 0]}}),
            "is damaged",
        ),
        (handmade({"__metadata__": {"tapegrad": "{}"}}), "is damaged"),
        (
            handmade({"__metadata__": {"tapegrad": '{"crc32": "12345678", "structure": ""}'}}),
            "checksum does not match",
        ),
    ],
    ids=lambda value: str(value)[:20] if isinstance(value, str) else "",
)
def test_files_of_another_kind(content: Any, message: str, path: Path) -> None:
    if callable(content):
        content(path)
    else:
        path.write_bytes(content)
    with pytest.raises(ValueError, match=message):
        autograd.load(path)


@pytest.mark.parametrize(
    "structure", ['{"tensor": "w"}', '{"dict": 3}', '{"code": 1}', "{}", "[" * 100_000]
)
def test_a_structure_of_another_kind(structure: str, path: Path) -> None:
    crc = f"{zlib.crc32(structure.encode()):08x}"
    metadata = {"tapegrad": json.dumps({"crc32": crc, "structure": structure})}
    path.write_bytes(handmade({"__metadata__": metadata}))
    with pytest.raises(ValueError, match="is damaged"):
        autograd.load(path)


def test_damage_is_an_error_or_changes_nothing(path: Path) -> None:
    """Truncations, flipped bits, overwritten and inserted bytes, all over a small file."""
    state = {
        "w": autograd.from_numpy(array("float32", 3, 4)),
        "mask": autograd.from_numpy(array("bool", 5)),
        "optimizer": {"lr": 0.001, "state": {0: {"step": autograd.tensor(3)}}},
    }
    autograd.save(state, path)
    whole = path.read_bytes()
    choose = random.Random(0)
    damaged = [whole[:n] for n in range(0, len(whole), 7)]
    for position in range(len(whole)):
        flipped = bytearray(whole)
        flipped[position] ^= 1 << choose.randrange(8)
        damaged.append(bytes(flipped))
    for _ in range(300):
        start, length = choose.randrange(len(whole)), choose.randrange(1, 20)
        patch = choose.randbytes(length)
        end = start + (length if choose.random() < 0.5 else 0)
        damaged.append(whole[:start] + patch + whole[end:])
    refused = 0
    for content in damaged:
        path.write_bytes(content)
        try:
            loaded = autograd.load(path)
        except ValueError as error:
            refused += 1
            assert str(error).startswith(f"load: {path} ")
        else:
            assert same(loaded, state)
    assert refused > 0.9 * len(damaged)
