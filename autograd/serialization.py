"""`save` and `load`: state dicts in the safetensors format, which holds data and no code.

`load` reads the files of `torch.save` as well (torch_files.py).

Tensors are stored under their keys (`"0.weight"`; in nested dicts the path, `"state.0.exp_avg"`),
so that every reader of the format finds them. One entry of the header's metadata holds what the
format has no place for: the nesting with the plain values in it, and a checksum over everything.
A file without it, such as PyTorch's, loads as a flat dict.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import zlib
from collections.abc import Mapping
from typing import IO, Any

import numpy as np

from .devices import device as Device
from .tensor import Tensor, wrap

_ZIP = b"PK\x03\x04"
_OLD = b"\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."  # a number that PyTorch's older files begin with
_KEY, _BEGIN = "tapegrad", '{"crc32": '  # one entry, since the library orders several at random

_DTYPES = {
    "F64": "float64", "F32": "float32", "F16": "float16",
    "I64": "int64", "I32": "int32", "I16": "int16", "I8": "int8", "U8": "uint8",
    "BOOL": "bool",
}  # fmt: skip


def save(state_dict: Any, path: str | os.PathLike[str] | IO[bytes]) -> None:
    """Writes a state dict to `path` in the safetensors format.

    The file is written under a temporary name, flushed to the disk and then renamed, so that
    `path` holds either the old file or the whole new one.

    Args:
        state_dict: a dict, as `state_dict()` of a module or an optimizer returns it. It may hold
            Tensors of any shape, None, numbers, strings, and lists, tuples and dicts of these.
            A tensor that appears under two keys is stored under both. A Tensor, a list or a tuple
            alone can be stored as well.
        path: the file; `.safetensors` is the usual ending. Or a binary file that is open for
            writing, such as an `io.BytesIO`.

    Raises:
        TypeError: for a value that cannot be stored, naming its key.
        OSError: if the file cannot be written.

    >>> import autograd, tempfile, os
    >>> path = os.path.join(tempfile.mkdtemp(), "w.safetensors")
    >>> autograd.save({"w": autograd.tensor([1.0, 2.0]), "epoch": 3}, path)
    >>> autograd.load(path)
    {'w': tensor([1., 2.]), 'epoch': 3}
    """
    if not isinstance(state_dict, (Mapping, Tensor, list, tuple)):
        raise TypeError(f"save: expected a dict, got {_mistaken(state_dict)}")
    opened: Any = path if hasattr(path, "write") else None
    target = "" if opened else os.path.realpath(_name_of(path, "save"))
    arrays: dict[str, np.ndarray] = {}
    # Keys at the top keep their names; "__metadata__" is the format's own.
    named = state_dict if isinstance(state_dict, Mapping) else ()
    reserved = {"__metadata__"} | {key for key in named if isinstance(key, str)}
    try:
        structure = json.dumps(_packed(state_dict, (), arrays, reserved))
    except RecursionError:
        raise ValueError("save: the state dict contains itself, or is nested too deeply") from None
    from safetensors.numpy import save as serialized

    entry = json.dumps({"crc32": _checksum(structure, arrays), "structure": structure})
    content = serialized(arrays, {_KEY: entry})
    if opened:
        opened.write(content)
    else:
        _write(target, content)


def load(
    path: str | os.PathLike[str] | IO[bytes],
    map_location: Any = None,
    *,
    weights_only: bool = True,
    mmap: bool | None = None,
) -> Any:
    """Reads what `save` wrote, any safetensors file, or a file of `torch.save`, and runs no code.

    Of a checkpoint by `torch.save` it reads tensors, plain values and containers of these, which
    is what `torch.load(weights_only=True)` accepts; a whole model in it is an error. bfloat16,
    which NumPy does not have, becomes float32, which holds every value of it exactly. Of a file by
    `safetensors.torch.save_model`, weights that are tied are there under all names.

    Args:
        path: the file, or a binary file that is open for reading.
        map_location: the CPU, by name or as a `device`, which is where everything is anyhow.
        weights_only, mmap: accepted for PyTorch's sake; they change nothing here.

    Returns:
        The dict with its nesting, its key order and new Tensors; from a safetensors file of
        another library a flat dict of Tensors.

    Raises:
        FileNotFoundError: with the names in that directory that look similar.
        ValueError: for a file that is damaged or of another kind, saying which.

    >>> import autograd
    >>> autograd.load("no_such_file.safetensors")
    Traceback (most recent call last):
    ...
    FileNotFoundError: load: there is no file no_such_file.safetensors
    """
    if isinstance(map_location, (str, Device)):
        Device(map_location)
    if hasattr(path, "read"):
        name, content = "the open file", path.read()
    else:
        name = _name_of(path, "load")
        content = _read(name)
    if (content[:4] == _ZIP and b".npy" not in content[:256]) or content[2:].startswith(_OLD):
        return _from_torch(name, content)
    _check_beginning(name, content)
    from safetensors import SafetensorError, deserialize

    try:
        stored = deserialize(content)
        arrays = {key: _array(name, key, entry) for key, entry in stored}
    except (SafetensorError, OverflowError) as error:
        raise ValueError(f"load: {name} {_damage(content)} ({error})") from None
    header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    metadata = header.get("__metadata__") or {}
    for key, entry in metadata.items():
        if key == _KEY or entry.startswith(_BEGIN):  # either, in case the other is damaged
            return _structured(name, entry, arrays)
    tensors = {key: wrap(array) for key, array in arrays.items()}
    # How safetensors.torch.save_model notes a second name of a tensor, which it stores once.
    shared = {key: kept for key, kept in metadata.items() if key not in arrays and kept in arrays}
    return tensors | {key: tensors[kept] for key, kept in shared.items()}


def _from_torch(path: str, content: bytes) -> Any:
    from .torch_files import read  # which imports what is seldom needed

    try:
        return read(content, lambda key, entry: _array(path, key, entry))
    except ValueError as error:
        raise ValueError(f"load: {path} {error}") from None


def _structured(path: str, entry: str, arrays: dict[str, np.ndarray]) -> Any:
    """What `save` was given, from its entry in the metadata and the tensors."""
    try:
        known = json.loads(entry)
        structure = known["structure"]
        if known["crc32"] != _checksum(structure, arrays):
            raise ValueError("its checksum does not match its content")
        return _unpacked(json.loads(structure), arrays)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise ValueError(f"load: {path} is damaged ({error}); use another copy") from None


def _packed(
    value: Any, path: tuple[Any, ...], arrays: dict[str, np.ndarray], taken: set[str]
) -> Any:
    """`value` as JSON, its tensors replaced by their names and put into `arrays`."""
    if isinstance(value, Tensor):
        name = _tensor_name(path, arrays, taken)
        arrays[name] = _storable(value._data, path)
        return {"tensor": name}
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, Mapping):
        for key in value:
            if key is not None and not isinstance(key, (bool, int, float, str)):
                raise TypeError(
                    f"save: {_place(path)} has the key {key!r}, a {type(key).__name__}; only "
                    "strings, numbers and None can be keys"
                )
        items = [[k, _packed(v, (*path, k), arrays, taken)] for k, v in value.items()]
        return {"dict": items}
    if isinstance(value, (list, tuple)):
        entries = [_packed(v, (*path, i), arrays, taken) for i, v in enumerate(value)]
        return entries if isinstance(value, list) else {"tuple": entries}
    raise TypeError(
        f"save: {_place(path)} is {_mistaken(value)}. Tensors, None, numbers, strings, and "
        "lists, tuples and dicts of these can be stored"
    )


def _unpacked(packed: Any, arrays: dict[str, np.ndarray]) -> Any:
    if isinstance(packed, list):
        return [_unpacked(entry, arrays) for entry in packed]
    if not isinstance(packed, dict):
        return packed
    ((kind, content),) = packed.items()
    if kind == "tensor":
        return wrap(arrays[content])
    if kind == "tuple":
        return tuple([_unpacked(entry, arrays) for entry in content])
    if kind == "dict":
        return {key: _unpacked(entry, arrays) for key, entry in content}
    raise ValueError(f"unknown entry {kind!r}")


def _tensor_name(path: tuple[Any, ...], arrays: dict[str, np.ndarray], taken: set[str]) -> str:
    name = ".".join(map(str, path)) or "tensor"
    if len(path) == 1 and isinstance(path[0], str) and name != "__metadata__":
        unique = name
    else:
        unique, n = name, 1
        while unique in taken or unique in arrays:
            unique, n = f"{name}#{n}", n + 1
    try:
        unique.encode()
    except UnicodeEncodeError:
        raise ValueError(f"save: the key {name!r} is no valid Unicode text") from None
    return unique


def _storable(array: np.ndarray, path: tuple[Any, ...]) -> np.ndarray:
    """The array in C order and little-endian, as the format has it."""
    if array.dtype.name not in _DTYPES.values():
        raise TypeError(
            f"save: {_place(path)} has the dtype {array.dtype}; convert it to one of "
            f"{', '.join(_DTYPES.values())}"
        )
    return np.asarray(array, array.dtype.newbyteorder("<"), order="C")


def _checksum(structure: str, arrays: dict[str, np.ndarray]) -> str:
    """CRC-32 of the structure and of every tensor's name, dtype, shape and bytes."""
    crc = zlib.crc32(structure.encode())
    for name in sorted(arrays):
        array = arrays[name]
        crc = zlib.crc32(repr((name, array.dtype.name, array.shape)).encode(), crc)
        crc = zlib.crc32(array.reshape(-1).view(np.uint8).data, crc)
    return f"{crc:08x}"


def _array(path: str, key: str, entry: Any) -> np.ndarray:
    """A writable array from what the library read."""
    dtype, shape, data = entry["dtype"], entry["shape"], bytearray(entry["data"])
    if dtype == "BF16":  # the upper half of a float32
        array = (np.frombuffer(data, "<u2").astype(np.uint32) << 16).view(np.float32)
    elif dtype == "BOOL":  # a byte above 1 would break NumPy
        array = np.frombuffer(data, np.uint8) != 0
    elif dtype in _DTYPES:
        array = np.frombuffer(data, _DTYPES[dtype])
        if sys.byteorder == "big":
            array = array.byteswap()
    else:
        raise ValueError(
            f"load: {path} holds {key!r} as {dtype}, which no tensor here can have; convert it "
            "where it was made, in PyTorch for example with tensor.float() or tensor.long()"
        )
    try:
        return array.reshape(shape)
    except ValueError:
        raise ValueError(f"load: {path} is damaged: {key!r} has the shape {shape}") from None


def _name_of(path: Any, function: str) -> str:
    if isinstance(path, (str, bytes, os.PathLike)):
        return os.fsdecode(path)
    example = "save(state_dict, path)" if function == "save" else "load(path)"
    raise TypeError(
        f"{function}: the path must be a str or a path object, got {type(path).__name__}; "
        f"use {function}() as in {example}"
    )


def _write(target: str, content: bytes) -> None:
    import secrets
    import shutil

    directory = os.path.dirname(target)
    if not os.path.isdir(directory):
        raise FileNotFoundError(
            f"save: there is no directory {directory}; make it first with os.makedirs"
        )
    if os.path.isdir(target):
        raise IsADirectoryError(f"save: {target} is a directory; add a file name")
    if os.path.exists(target) and not os.path.isfile(target):
        raise OSError(f"save: {target} is a device or a pipe, not a file that can be replaced")
    temporary = os.path.join(directory, f".tapegrad-{secrets.token_hex(8)}.tmp")
    try:
        with open(temporary, "xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        if os.path.exists(target):
            shutil.copymode(target, temporary)
        os.replace(temporary, target)
    except BaseException as error:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        if isinstance(error, OSError):  # of the same type, but naming the user's file
            raise OSError(error.errno, f"save: {error.strerror}", target) from error
        raise


def _read(path: str) -> bytes:
    if os.path.isdir(path):
        raise IsADirectoryError(f"load: {path} is a directory, not a file")
    try:
        with open(path, "rb") as file:
            return file.read()
    except FileNotFoundError:
        raise FileNotFoundError(f"load: there is no file {path}{_similar(path)}") from None


def _check_beginning(path: str, content: bytes) -> None:
    if not content:
        raise ValueError(f"load: {path} is empty")
    length = int.from_bytes(content[:8], "little")
    if len(content) < 9 or content[8:9] != b"{":
        raise ValueError(f"load: {path} is {_kind(content)}")
    if length > len(content) - 8:
        raise ValueError(
            f"load: {path} is cut short or damaged: it announces a header of {length:,} bytes "
            f"and has {len(content):,} in all"
        )


def _similar(path: str) -> str:
    """The names near a missing file that may have been meant."""
    import difflib

    directory, name = os.path.split(path)
    try:
        present = os.listdir(directory or ".")
    except OSError:
        return f", nor a directory {directory}"
    close = difflib.get_close_matches(name, present, n=3, cutoff=0.7)
    close += [p for p in present if p.startswith(name + ".") and p not in close][:3]
    return (
        f"; did you mean {' or '.join(os.path.join(directory, c) for c in close)}?" if close else ""
    )


def _kind(content: bytes) -> str:
    """What a file is that is no safetensors file, and how to read or convert it."""
    if content[:4] == _ZIP:
        return "a NumPy .npz file; read it with numpy.load"
    if content[:1] == b"\x80" and content[1:2] in (b"\x02", b"\x03", b"\x04", b"\x05"):
        return (
            "a pickle, which is not read here since loading one can run code; store a state dict "
            "with autograd.save, torch.save or safetensors.torch.save_file"
        )
    if content[:6] == b"\x93NUMPY":
        return "a NumPy .npy file; read it with numpy.load"
    if content[:4] == b"\x89HDF":
        return "an HDF5 file, not a safetensors file; read it with h5py"
    if content[:2] == b"\x1f\x8b":
        return "compressed with gzip; unpack it first"
    if content.startswith(b"version https://git-lfs"):
        return "a Git LFS pointer to the real file; fetch that with: git lfs pull"
    return "not a safetensors file, or its beginning is damaged"


def _damage(content: bytes) -> str:
    """What is wrong with a file that the library refused."""
    start = 8 + int.from_bytes(content[:8], "little")
    try:
        header = json.loads(content[8:start])
        entries = [entry for key, entry in header.items() if key != "__metadata__"]
        size = start + max((entry["data_offsets"][1] for entry in entries), default=0)
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError):
        return "is damaged: its header is invalid"
    if isinstance(size, int) and size > len(content):
        return f"is cut short: it should have {size:,} bytes and has {len(content):,}"
    return "is damaged: header and data do not fit"


def _place(path: tuple[Any, ...]) -> str:
    return "state_dict" + "".join(f"[{key!r}]" for key in path)


def _mistaken(value: Any) -> str:
    kind = type(value).__name__
    if isinstance(value, np.ndarray):
        return f"a NumPy array; store autograd.from_numpy(array), or .tolist() of a small {kind}"
    if callable(getattr(value, "state_dict", None)):
        return f"a {kind}; store its state_dict()"
    if isinstance(value, (str, os.PathLike)):
        return f"the {kind} {str(value)!r}; the order is save(state_dict, path)"
    return f"a {kind}"
