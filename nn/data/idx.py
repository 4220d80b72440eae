"""Reads and writes IDX, the file format of MNIST: a magic number, the sizes, then the numbers.

A header is a claim, and a file may be cut short or damaged: nothing is allocated on a header's
word, and every error names the file. Files are written under another name and renamed when whole.

Format: http://yann.lecun.com/exdb/mnist/ ("The IDX file format").
"""

import gzip
import hashlib
import math
import os
import secrets
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any, cast

import numpy as np

StrPath = str | os.PathLike[str]

DTYPES: dict[int, np.dtype[Any]] = {
    0x08: np.dtype("u1"),
    0x09: np.dtype("i1"),
    0x0B: np.dtype(">i2"),
    0x0C: np.dtype(">i4"),
    0x0D: np.dtype(">f4"),
    0x0E: np.dtype(">f8"),
}
"""The type code in an IDX magic number -> the dtype in the file (big-endian)."""

CHUNK = 1 << 20


def read_idx(path: StrPath) -> np.ndarray:
    """Reads an IDX file, plain or gzipped (told by its first bytes, not by its name).

    Returns:
        An array of the file's shape in native byte order: uint8, int8, int16, int32, float32 or
        float64. It is writable and owns its memory.

    Raises:
        ValueError: not an IDX file, cut short, bytes left over, or damaged gzip.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     write_idx(f"{folder}/labels.gz", np.array([5, 0, 4], dtype=np.uint8))
        ...     read_idx(f"{folder}/labels.gz")
        array([5, 0, 4], dtype=uint8)
    """
    name = os.fspath(path)
    with open_payload(name) as file:
        magic = file.read(4)
        if len(magic) < 4 or magic[:2] != b"\0\0" or magic[2] not in DTYPES:
            codes = ", ".join(f"0x{code:02x}" for code in DTYPES)
            raise ValueError(
                f"{name}: not an IDX file: it starts with {magic.hex(' ') or 'nothing'}; expected "
                f"00 00, a type code ({codes}) and the number of dimensions"
            )
        dtype, ndim = DTYPES[magic[2]], magic[3]
        sizes = file.read(4 * ndim)
        if len(sizes) < 4 * ndim:
            raise ValueError(f"{name}: cut short inside the sizes of its {ndim} dimensions")
        shape = tuple(np.frombuffer(sizes, ">u4").tolist())
        claimed = math.prod(shape) * dtype.itemsize
        body = bytearray()
        while len(body) <= claimed and (chunk := file.read(min(CHUNK, claimed + 1 - len(body)))):
            body += chunk
    claim = f"its header claims {claimed} bytes of data (shape {shape}, {dtype.name})"
    if len(body) < claimed:
        raise ValueError(f"{name}: cut short: {claim}, but {len(body)} are there")
    if len(body) > claimed:
        raise ValueError(f"{name}: {claim}, but more bytes follow")
    try:
        array: np.ndarray = np.frombuffer(body, dtype).reshape(shape)
    except ValueError as error:
        raise ValueError(f"{name}: NumPy cannot hold an array of shape {shape}: {error}") from None
    return array.astype(dtype.newbyteorder("="), copy=False)


def write_idx(path: StrPath, array: np.ndarray) -> None:
    """Writes an array as an IDX file, gzipped when the name ends in `.gz`.

    An interrupted write leaves the old file, or none. Equal arrays make equal files.

    Args:
        array: of dtype uint8, int8, int16, int32, float32 or float64, at most 255 dimensions.

    Raises:
        TypeError: the format has no code for the array's dtype.
        ValueError: a dimension is 2**32 or longer.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     write_idx(f"{folder}/points", np.eye(2, dtype=np.float32))
        ...     read_idx(f"{folder}/points").shape
        (2, 2)
    """
    array = np.asarray(array)
    stored = array.dtype.newbyteorder(">")
    codes = [code for code, dtype in DTYPES.items() if dtype == stored]
    if not codes:
        names = ", ".join(dtype.name for dtype in DTYPES.values())
        raise TypeError(f"IDX cannot hold dtype {array.dtype}; convert with .astype to: {names}")
    if any(size >= 2**32 for size in array.shape):
        raise ValueError(f"IDX sizes have 32 bits; the array's shape is {array.shape}")
    header = bytes([0, 0, codes[0], array.ndim]) + np.array(array.shape, ">u4").tobytes()
    payload = header + array.astype(stored, copy=False).tobytes()
    with replacing(path) as file:
        if os.fspath(path).endswith(".gz"):
            payload = gzip.compress(payload, mtime=0)
        file.write(payload)


def payload_md5(path: StrPath) -> str:
    """The MD5 of a file's content, ungzipped first if it is gzipped.

    Of the content, since the same data gzipped by another mirror is another file.
    """
    digest = hashlib.md5(usedforsecurity=False)
    with open_payload(path) as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


@contextmanager
def open_payload(path: StrPath) -> Iterator[IO[bytes]]:
    """Opens a file for reading, through gzip if it is gzipped; damaged gzip is a ValueError."""
    with open(path, "rb") as file:
        gzipped = file.read(2) == b"\x1f\x8b"
        file.seek(0)
        if not gzipped:
            yield file
            return
        try:
            with gzip.open(file) as content:
                yield cast(IO[bytes], content)
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise ValueError(
                f"{os.fspath(path)}: damaged gzip ({error}); delete the file and get it again"
            ) from error


@contextmanager
def replacing(path: StrPath) -> Iterator[IO[bytes]]:
    """A new file to write that takes the name `path` when the block ends, and not if it raises."""
    # In the same folder, since a rename is atomic only within a file system; not by `tempfile`,
    # whose files nobody but the user may read.
    part = f"{os.fspath(path)}.{secrets.token_hex(4)}.part"
    try:
        with open(part, "xb") as file:
            yield file
        os.replace(part, path)
    except BaseException:
        if os.path.exists(part):
            os.unlink(part)
        raise
