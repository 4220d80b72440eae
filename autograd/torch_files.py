"""Checkpoints that PyTorch wrote with `torch.save`: their tensors and plain values, and no code.

Such a file is a zip archive of a pickle (`data.pkl`), which says how the values are nested, and of
the memory of each tensor (`data/0`, ...). A pickle may call any function it names. This reader
knows the few names in `_known` and refuses all others before anything of the file is called, as
`torch.load(weights_only=True)` does. PyTorch is not needed.

Archives that PyTorch writes are not compressed, so what is read is never larger than the file.
Before version 1.6 files were several pickles in a row, and the memory after them.
"""

from __future__ import annotations

import io
import pickle
import zipfile
from collections import Counter, OrderedDict
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np

from .devices import device
from .dtypes import SUPPORTED, bfloat16
from .size import Size
from .tensor import Tensor, wrap

_STORAGES = {
    "Double": "F64", "Float": "F32", "Half": "F16", "BFloat16": "BF16", "Long": "I64",
    "Int": "I32", "Short": "I16", "Char": "I8", "Byte": "U8", "Bool": "BOOL",
}  # fmt: skip
"""PyTorch's classes of memory, `FloatStorage` and so on, by the names dtypes have in files."""

_SIZES = {
    "F64": 8, "F32": 4, "F16": 2, "BF16": 2,
    "I64": 8, "I32": 4, "I16": 2, "I8": 1, "U8": 1, "BOOL": 1,
}  # fmt: skip


class _Storage(str):
    """A class of memory in a pickle: the name of its dtype."""

    __slots__ = ()


def _view(
    memory: Tensor,
    offset: int,
    size: tuple[int, ...],
    stride: tuple[int, ...],
    requires_grad: bool,
    hooks: Any,
    metadata: Any = None,
) -> Tensor:
    """A tensor in `memory`, which it shares with the others there, as tied weights do."""
    return memory.as_strided(size, stride, offset).detach().requires_grad_(requires_grad)


def _parameter(data: Tensor, requires_grad: bool, hooks: Any, state: Any = None) -> Tensor:
    return data.requires_grad_(requires_grad)


def _latin(text: str, encoding: str) -> bytes:
    """Bytes, as the second version of pickles writes them."""
    if encoding != "latin1":
        raise ValueError(f"bytes in the encoding {encoding!r}")
    return text.encode("latin1")


_known: dict[str, Any] = {
    "collections.OrderedDict": OrderedDict,
    "collections.Counter": Counter,
    "__builtin__.set": set,  # as the second version of pickles names it
    "builtins.set": set,
    "_codecs.encode": _latin,
    "torch.Size": Size,
    "torch.device": lambda *where: device("cpu"),
    "torch._utils._rebuild_tensor_v2": _view,
    "torch._utils._rebuild_parameter": _parameter,
    "torch._utils._rebuild_parameter_with_state": _parameter,
    **{f"torch.{name}Storage": _Storage(dtype) for name, dtype in _STORAGES.items()},
    **{f"torch.{dtype.name}": dtype for dtype in SUPPORTED},
    "torch.bfloat16": bfloat16,
}


def _unknown(module: str, name: str) -> str:
    """What a name in a pickle stands for that is not read, and what to store in its place."""
    if module == "torch" or name.startswith("_rebuild"):
        return (
            f"a tensor that cannot be here ({module}.{name}): complex, sparse, quantized or of "
            "unsigned integers; convert it where the file was made, for example with .to_dense()"
        )
    if module.startswith("numpy"):
        return (
            f"a NumPy array or number ({module}.{name}); store torch.from_numpy(array), or "
            "float(number) and int(number)"
        )
    return (
        f"an object of {module}.{name}, which is not read since making one runs the code of its "
        "class; store plain values, of a model torch.save(model.state_dict(), FILE)"
    )


Memory = Callable[[str, str, int], np.ndarray]
"""Gives the array of a dtype, a key and a length."""
Array = Callable[[str, dict[str, Any]], np.ndarray]
"""Makes an array from its name and the "dtype", "shape" and "data" of an entry."""


class _Refused(Exception):
    """A file that is whole, but holds what is not read."""


class _Unpickler(pickle._Unpickler):
    """Python's own, in Python, since there what an instruction may do can be narrowed."""

    stack: list[Any]
    dispatch: ClassVar[dict[int, Callable[[Any], None]]] = dict(pickle._Unpickler.dispatch)
    for _instruction in (pickle.NEWOBJ, pickle.NEWOBJ_EX, pickle.INST, pickle.OBJ,
                         pickle.EXT1, pickle.EXT2, pickle.EXT4):  # fmt: skip
        del dispatch[_instruction[0]]  # objects of classes, which no plain value needs

    def __init__(self, file: io.BytesIO, memory: Memory, size: int) -> None:
        super().__init__(file)
        self._memory = memory
        self._left = size  # bytes that the memory of all tensors may take: those of the file
        self._read: dict[str, Tensor] = {}

    def find_class(self, module: str, name: str) -> Any:
        found = _known.get(f"{module}.{name}")
        if found is None:
            raise _Refused(f"holds {_unknown(module, name)}")
        return found

    def persistent_load(self, pid: Any) -> Tensor:
        """The memory that the pickle refers to."""
        kind, dtype, key, _, length, *part = pid
        if kind != "storage" or not isinstance(dtype, _Storage) or any(part):
            raise ValueError(f"a reference to {kind!r}")
        if key not in self._read:
            self._left -= length * _SIZES[dtype]
            if length < 0 or self._left < 0:
                raise ValueError(f"{length} elements are more than the file has")
            self._read[key] = wrap(self._memory(str(dtype), key, length))
        return self._read[key]

    def load_build(self) -> None:
        """Attributes of an object: here only `_metadata`, of a state dict."""
        state = self.stack.pop()
        if type(self.stack[-1]) is not OrderedDict or list(state) != ["_metadata"]:
            raise ValueError(f"it sets attributes of a {type(self.stack[-1]).__name__}")
        self.stack[-1].__dict__.update(state)

    dispatch[pickle.BUILD[0]] = load_build


def read(content: bytes, array: Array) -> Any:
    """The value in a file of `torch.save`.

    Raises:
        ValueError: without the file's name, for one that is damaged or holds other objects.
    """
    try:
        if not content.startswith(b"PK"):
            return _old_value(content, array)
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return _value(archive, array, len(content))
    except _Refused as error:
        raise ValueError(str(error)) from None
    except RecursionError:
        raise ValueError("is damaged: it is nested too deeply") from None
    except Exception as error:  # a damaged pickle may do anything that its few functions allow
        raise ValueError(
            f"is damaged ({type(error).__name__}: {error}); use another copy"
        ) from None


def _value(archive: zipfile.ZipFile, array: Array, size: int) -> Any:
    entries = {entry.filename.partition("/")[2]: entry for entry in archive.infolist()}
    if "constants.pkl" in entries:
        raise _Refused(
            "is a TorchScript program; save the weights where PyTorch is installed: "
            "torch.save(torch.jit.load(FILE).state_dict(), ...)"
        )
    if "data.pkl" not in entries:
        raise _Refused("is a zip file, but not one that torch.save wrote")

    def content(name: str) -> bytes:
        entry = entries[name]
        if entry.compress_type != zipfile.ZIP_STORED:
            raise _Refused("is compressed, which files of torch.save are not; write it anew")
        return archive.read(entry)

    if "byteorder" in entries and content("byteorder") != b"little":
        raise _Refused("was written on a big-endian machine; write it anew on another")

    def memory(dtype: str, key: str, length: int) -> np.ndarray:
        return array(key, {"dtype": dtype, "shape": (length,), "data": content(f"data/{key}")})

    return _Unpickler(io.BytesIO(content("data.pkl")), memory, size).load()


def _old_value(content: bytes, array: Array) -> Any:
    """Pickles of a magic number, a version, the machine, the value and the keys; the memory."""
    file, places = io.BytesIO(content), {}

    def memory(dtype: str, key: str, length: int) -> np.ndarray:
        data = bytes(length * _SIZES[dtype])
        place = array(key, {"dtype": dtype, "shape": (length,), "data": data})
        places[key] = dtype, place
        return place

    _magic, _version, machine, value, keys = [
        _Unpickler(file, memory, len(content)).load() for _ in range(5)
    ]
    if not machine["little_endian"]:
        raise _Refused("was written on a big-endian machine; write it anew on another")
    for key in keys:
        dtype, place = places.pop(key)
        length = int.from_bytes(file.read(8), "little")
        data = file.read(len(place) * _SIZES[dtype])
        if length != len(place):
            raise ValueError(f"{length} elements in the place of {len(place)}")
        place[...] = array(key, {"dtype": dtype, "shape": (length,), "data": data})
    if places:
        raise ValueError("memory is missing")
    return value
