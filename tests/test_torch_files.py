"""Checkpoints of PyTorch: what `torch.save` wrote is read, and nothing that it names is called."""

from __future__ import annotations

import collections
import io
import pickle
import random
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import autograd
import nn
import optim

DTYPES = ["float16", "float32", "float64", "int8", "int16", "int32", "int64", "uint8", "bool"]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "checkpoint.pt"


@pytest.mark.parity
class TestFromPyTorch:
    @pytest.mark.parametrize("protocol", [1, 2, 3, 4, 5])
    def test_plain_values(self, torch: Any, path: Path, protocol: int) -> None:
        plain = {
            "epoch": 3, "lr": 1e-3, "big": 2**80, 0: None, (1, "a"): [True, (-1.5, "b")],
            "bytes": b"a\xff", "set": {1, 2}, "counter": collections.Counter([3, 3, 10]),
            "ordered": collections.OrderedDict(b=1, a=2), "inf": float("inf"),
        }  # fmt: skip
        torch.save(plain, path, pickle_protocol=protocol)
        found = autograd.load(path)
        assert found == plain and list(found) == list(plain)
        assert type(found["counter"]) is collections.Counter

    def test_what_pytorch_names(self, torch: Any, path: Path) -> None:
        torch.save([torch.float32, torch.int64, torch.ones(2, 3).shape, torch.device("cuda")], path)
        a, b, shape, device = autograd.load(path)
        assert (a, b) == (autograd.float32, autograd.int64)
        assert shape == (2, 3) and shape.numel() == 6 and device == autograd.device("cpu")

    @pytest.mark.parametrize("name", DTYPES)
    def test_tensors(self, torch: Any, path: Path, name: str) -> None:
        x = (torch.arange(24).reshape(2, 3, 4) % 7).to(getattr(torch, name))
        layouts = [x, x[0, 0, 0], x[:0], x.transpose(0, 2), x[1:, :, ::2], x[:, :1].expand(2, 3, 4)]
        torch.save(layouts, path)
        for found, expected in zip(autograd.load(path), layouts, strict=True):
            assert found.dtype == getattr(autograd, name) and found.is_leaf
            assert found.stride() == expected.stride()
            np.testing.assert_array_equal(found.numpy(), expected.numpy())

    def test_bfloat16_becomes_float32_exactly(self, torch: Any, path: Path) -> None:
        x = torch.tensor([1.0, -0.15625, 3e38, 1e-40, float("inf")]).to(torch.bfloat16)
        torch.save(x, path)
        found = autograd.load(path)
        assert found.dtype == autograd.float32
        np.testing.assert_array_equal(found.numpy(), x.float().numpy())

    def test_memory_is_shared_as_it_was(self, torch: Any, path: Path) -> None:
        x = torch.arange(6.0)
        torch.save({"all": x, "again": x, "end": x[4:], "copy": x.clone()}, path)
        found = autograd.load(path)
        found["all"][5] = 10
        assert [found[k][-1].item() for k in found] == [10, 10, 10, 5]
        w = found["end"].requires_grad_()
        loss = (w * w).sum()
        found["all"].zero_()
        with pytest.raises(RuntimeError, match="changed"):
            loss.backward()

    def test_parameters(self, torch: Any, path: Path) -> None:
        layer = torch.nn.Linear(3, 2)
        layer.bias.requires_grad_(False)
        torch.save(list(layer.parameters()), path)
        weight, bias = autograd.load(io.BytesIO(path.read_bytes()))
        assert weight.requires_grad and weight.is_leaf and not bias.requires_grad

    def test_training_goes_on(self, torch: Any, path: Path) -> None:
        """Model, optimizer and schedule of a run in PyTorch continue here."""

        def run(lib: Any, of: Any) -> tuple[Any, Any, Any]:
            model = lib.Sequential(
                lib.Linear(4, 5, bias=False), lib.BatchNorm1d(5), lib.Linear(5, 2)
            )
            optimizer = of.AdamW(model.parameters(), lr=0.1, amsgrad=True)
            return model, optimizer, of.lr_scheduler.MultiStepLR(optimizer, [2, 4, 4, 6], 0.5)

        def train(model: Any, optimizer: Any, schedule: Any, tensor: Any) -> None:
            rng = np.random.default_rng(0)
            for _ in range(5):
                optimizer.zero_grad()
                model(
                    tensor(rng.standard_normal((8, 4)).astype(np.float32))
                ).square().sum().backward()
                optimizer.step()
                schedule.step()

        theirs, ours = run(torch.nn, torch.optim), run(nn, optim)
        train(*theirs, torch.from_numpy)
        torch.save([part.state_dict() for part in theirs], path)
        for part, state in zip(ours, autograd.load(path), strict=True):
            part.load_state_dict(state)
        train(*theirs, torch.from_numpy)
        train(*ours, autograd.from_numpy)
        assert ours[2].get_last_lr() == pytest.approx(theirs[2].get_last_lr())
        for a, b in zip(
            ours[0].state_dict().values(), theirs[0].state_dict().values(), strict=True
        ):
            np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-4, atol=1e-5)

    @pytest.mark.parametrize(
        ("make", "message"),
        [
            (lambda t: t.nn.Linear(1, 1), r"torch.nn.modules.linear.Linear.*model.state_dict\(\)"),
            (lambda t: {"best": np.float64(0.9)}, r"a NumPy array or number .*float\(number\)"),
            (lambda t: np.ones(2), "a NumPy array or number"),
            (lambda t: t.ones(2, dtype=t.complex64), "ComplexFloatStorage.*convert"),
            (lambda t: t.ones(2).to_sparse(), "a tensor that cannot be here"),
            (lambda t: t.ones(2, dtype=t.uint16), "a tensor that cannot be here"),
            (lambda t: Path("x"), "an object of pathlib"),
        ],
    )
    def test_what_is_not_read(self, torch: Any, path: Path, make: Any, message: str) -> None:
        torch.save(make(torch), path)
        with pytest.raises(ValueError, match=f"load: .*checkpoint.pt holds .*{message}"):
            autograd.load(path)

    def test_files_from_before_zip_archives(self, torch: Any, path: Path) -> None:
        """As versions before 1.6 wrote them: models published then are still around."""
        layer = torch.nn.Linear(3, 2)
        x = torch.arange(6.0).reshape(2, 3)
        values = {
            **{n: (x % 3).to(getattr(torch, n)) for n in [*DTYPES, "bfloat16"]},
            "turned": x.t(), "part": x[1], "empty": x[:0], "epoch": 3, **layer.state_dict(),
        }  # fmt: skip
        torch.save(values, path, _use_new_zipfile_serialization=False)
        found = autograd.load(path)
        assert list(found) == list(values)
        for name, value in values.items():
            if name == "epoch":
                assert found[name] == 3
                continue
            expected = "float32" if name == "bfloat16" else str(value.dtype)[6:]
            assert str(found[name].dtype) == expected
            np.testing.assert_array_equal(found[name].numpy(), value.float().numpy())
        found["turned"][0, 0] = 7
        found["turned"][0, 1] = 8
        assert found["part"].tolist() == [8, 4, 5]
        torch.save(torch.nn.Linear(1, 1), path, _use_new_zipfile_serialization=False)
        with pytest.raises(ValueError, match=r"holds an object of torch\.nn\.modules"):
            autograd.load(path)

    @pytest.mark.parametrize("zipped", [True, False])
    def test_damage_is_an_error(self, torch: Any, path: Path, zipped: bool) -> None:
        """Truncations, flipped bits and overwritten bytes, all over a small file."""
        value = {"w": torch.ones(3, 4), "state": {0: {"step": 3.0}}}
        torch.save(value, path, _use_new_zipfile_serialization=zipped)
        whole = path.read_bytes()
        choose = random.Random(0)
        damaged = [whole[:n] for n in range(4, len(whole), 29)]
        for position in range(4, len(whole), 3):
            changed = bytearray(whole)
            changed[position] = choose.randrange(256)
            damaged.append(bytes(changed))
        for content in damaged:
            path.write_bytes(content)
            try:
                loaded = autograd.load(path)
            except ValueError as error:
                assert str(error).startswith(f"load: {path} ")
            else:  # archives have checksums, the older files none
                assert not zipped or loaded["w"].tolist() == [[1.0] * 4] * 3
                assert not zipped or loaded["state"] == {0: {"step": 3.0}}


def archive(
    path: Path, pickled: bytes, compression: int = zipfile.ZIP_STORED, **more: bytes
) -> None:
    with zipfile.ZipFile(path, "w", compression) as file:
        file.writestr("archive/data.pkl", pickled)
        for name, content in more.items():
            file.writestr(f"archive/{name.replace('_', '/')}", content)


class Calls:
    """Pickles to a call of `function`."""

    def __init__(self, function: Any, *args: Any) -> None:
        self.call = (function, args)

    def __reduce__(self) -> Any:
        return self.call


def name(module: str, attribute: str) -> bytes:
    return f"c{module}\n{attribute}\n".encode()


STORAGE = b"(U\x07storage" + name("torch", "FloatStorage") + b"U\x010U\x03cpuK\x02tQ"
"""A reference to two floats in data/0."""


def tensor(offset: int = 0, size: int = 2, stride: int = 1) -> bytes:
    where = f"I{offset}\n(I{size}\nt(I{stride}\nt".encode()
    return name("torch._utils", "_rebuild_tensor_v2") + b"(" + STORAGE + where + b"I00\nNtR"


def test_a_file_by_hand(path: Path) -> None:
    archive(path, tensor() + b".", data_0=np.float32([1, 2]).tobytes())
    assert autograd.load(path).tolist() == [1, 2]


@pytest.mark.parametrize("protocol", [0, 1, 2, 3, 4, 5])
@pytest.mark.parametrize(
    "function", [print, eval, open, getattr, __import__, autograd.ones, pickle.loads]
)
def test_nothing_is_called(path: Path, protocol: int, function: Any, capsys: Any) -> None:
    archive(path, pickle.dumps(Calls(function, "1"), protocol))
    with pytest.raises(ValueError, match="holds an object of"):
        autograd.load(path)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    "pickled",
    [
        tensor(offset=1),
        tensor(offset=-1),
        tensor(size=3),
        tensor(size=-1),
        tensor(stride=2),
        tensor(stride=-1),
        tensor(size=2**62),
        tensor() + b"(dU\x05_dataNsb",  # a tensor without its memory
        tensor() + b"(N}U\x05_dataNstb",
        name("torch", "Size") + b"}U\x05numelNsb",  # an attribute of the class
        name("torch", "Size") + b"(I1\nt\x81",  # NEWOBJ
        name("torch", "Size") + b")R" + b"}U\x01aNsb",
        name("_codecs", "encode") + b"(U\x01aU\x05rot13tR",
        name("torch", "float32") + b"(I1\ntR",  # a call of what is no function
        name("collections", "OrderedDict.fromkeys") + b"(NtR",
        b"(U\x06modulesU\x010tQ",
        b"\x82\x01",  # EXT1
        b"",
    ],
)
def test_hostile_pickles(path: Path, pickled: bytes) -> None:
    before = autograd.ones(2).shape.numel()
    archive(path, pickled + b".", data_0=np.float32([1, 2]).tobytes())
    with pytest.raises(ValueError, match=r"load: .*checkpoint.pt (is damaged|holds)"):
        autograd.load(path)
    assert autograd.ones(2).shape.numel() == before == 2


@pytest.mark.parametrize("length", [0, 4, 12])
def test_memory_of_another_length(path: Path, length: int) -> None:
    archive(path, tensor() + b".", data_0=b"\0" * length)
    with pytest.raises(ValueError, match="is damaged"):
        autograd.load(path)


@pytest.mark.parametrize("length", [2**40, -1, 100_000])
def test_memory_that_is_not_in_the_file(path: Path, length: int) -> None:
    """It is refused before there is any, in either kind of file."""
    storage = STORAGE.replace(b"K\x02", f"I{length}\n".encode())
    archive(path, storage + b".", data_0=b"\0" * 8)
    with pytest.raises(ValueError, match="more than the file has"):
        autograd.load(path)
    magic = pickle.dumps(0x1950A86A20F9469CFC6C, 2)
    machine = pickle.dumps({"little_endian": True}, 2)
    path.write_bytes(magic + pickle.dumps(1001, 2) + machine + storage + b"." + pickle.dumps(["0"]))
    with pytest.raises(ValueError, match="more than the file has"):
        autograd.load(path)


def test_other_archives(path: Path) -> None:
    archive(path, tensor() + b".", zipfile.ZIP_DEFLATED, data_0=b"\0" * 8)
    with pytest.raises(ValueError, match="is compressed"):
        autograd.load(path)
    archive(path, tensor() + b".", data_0=b"\0" * 8, byteorder=b"big")
    with pytest.raises(ValueError, match="big-endian"):
        autograd.load(path)
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("readme.txt", "hello")
    with pytest.raises(ValueError, match=r"not one that torch\.save wrote"):
        autograd.load(path)
    archive(path, b"N.", **{"constants.pkl": b""})
    with pytest.raises(ValueError, match="TorchScript"):
        autograd.load(path)
