"""IDX files: round trips, bytes written by hand, and every way a file can be damaged."""

import gzip
import hashlib
import tracemalloc

import numpy as np
import pytest

from nn.data import idx, read_idx, write_idx

DTYPES = ["uint8", "int8", "int16", "int32", "float32", "float64"]
SHAPES = [(), (0,), (5,), (2, 3), (0, 4), (2, 1, 3, 2)]


@pytest.mark.parametrize("suffix", ["", ".gz"])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("dtype", DTYPES)
def test_round_trip(tmp_path, dtype, shape, suffix):
    array = np.random.default_rng(0).uniform(-100, 100, shape).astype(dtype)
    write_idx(tmp_path / f"a{suffix}", array)
    back = read_idx(tmp_path / f"a{suffix}")
    assert back.dtype == np.dtype(dtype) and back.dtype.isnative
    assert back.shape == shape and back.flags.writeable
    np.testing.assert_array_equal(back, array)


def test_bytes_are_those_of_the_format(tmp_path):
    by_hand = bytes.fromhex("00000b02 00000001 00000002 0102 fffe")
    (tmp_path / "a").write_bytes(by_hand)
    np.testing.assert_array_equal(read_idx(tmp_path / "a"), [[0x0102, -2]])
    write_idx(tmp_path / "b", np.array([[0x0102, -2]], dtype=">i2"))
    write_idx(tmp_path / "c", np.array([[0x0102], [-2]], dtype="<i2").T)
    assert (tmp_path / "b").read_bytes() == (tmp_path / "c").read_bytes() == by_hand


def test_gzip_is_told_by_content_and_equal_arrays_make_equal_files(tmp_path):
    write_idx(tmp_path / "a.gz", np.arange(3, dtype=np.uint8))
    (tmp_path / "plain").write_bytes((tmp_path / "a.gz").read_bytes())
    assert read_idx(tmp_path / "plain").tolist() == [0, 1, 2]
    write_idx(tmp_path / "b.gz", np.arange(3, dtype=np.uint8))
    assert (tmp_path / "a.gz").read_bytes() == (tmp_path / "b.gz").read_bytes()
    assert (tmp_path / "a.gz").read_bytes()[4:8] == bytes(4)  # no time of writing


GOOD = bytes.fromhex("00000802 00000002 00000003 010203040506")


@pytest.mark.parametrize("zipped", [False, True])
@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "not an IDX file: it starts with nothing"),
        (b"\0\0\x08", "not an IDX file: it starts with 00 00 08"),
        (b"PK\x03\x04 and so on", "not an IDX file: it starts with 50 4b 03 04"),
        (b"\0\0\x0a\x01\0\0\0\0", "not an IDX file: it starts with 00 00 0a 01"),
        (GOOD[:10], "cut short inside the sizes of its 2 dimensions"),
        (GOOD[:-1], r"cut short: its header claims 6 bytes .*\(2, 3\), uint8.*but 5 are there"),
        (GOOD + b"\0", r"claims 6 bytes .* but more bytes follow"),
        (bytes.fromhex("00000802 80000000 80000000 01"), "claims 4611686018427387904 bytes"),
        (bytes.fromhex("00000e03") + b"\xff" * 13, "but 1 are there"),
        (bytes.fromhex("00000841") + bytes(4 * 65), "NumPy cannot hold an array of shape"),
        (bytes.fromhex("00000803") + bytes(4) + b"\xff" * 8, "NumPy cannot hold an array of shape"),
    ],
)
def test_damage_is_named(tmp_path, content, message, zipped):
    path = tmp_path / "some-file"
    path.write_bytes(gzip.compress(content) if zipped else content)
    with pytest.raises(ValueError, match=message) as caught:
        read_idx(path)
    assert str(path) in str(caught.value)


def damaged_gzips():
    whole = gzip.compress(GOOD, mtime=0)
    middle = len(whole) - 12
    flipped = bytearray(whole)
    flipped[middle] ^= 0xFF
    wrong_check = bytearray(whole)
    wrong_check[-8] ^= 0xFF
    return {
        "cut": whole[:-9],
        "header only": whole[:10],
        "two bytes": whole[:2],
        "flipped": bytes(flipped),
        "wrong check": bytes(wrong_check),
        "garbage after": whole + b"garbage",
    }


@pytest.mark.parametrize("kind", damaged_gzips())
def test_damaged_gzip(tmp_path, kind):
    path = tmp_path / "some.gz"
    path.write_bytes(damaged_gzips()[kind])
    with pytest.raises(ValueError, match=r"some\.gz: damaged gzip .* get it again"):
        read_idx(path)


@pytest.mark.parametrize("zipped", [False, True])
def test_a_header_alone_makes_nothing_be_allocated(tmp_path, zipped):
    content = bytes.fromhex("00000801 7fffffff") + bytes(1000)
    (tmp_path / "a").write_bytes(gzip.compress(content) if zipped else content)
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match="but 1000 are there"):
            read_idx(tmp_path / "a")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 4 * idx.CHUNK


def test_a_file_longer_than_it_says_is_not_read_to_its_end(tmp_path):
    with gzip.open(tmp_path / "bomb", "wb", compresslevel=1) as file:
        file.write(bytes.fromhex("00000801 00000001") + bytes(64 * idx.CHUNK))
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match="more bytes follow"):
            read_idx(tmp_path / "bomb")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 4 * idx.CHUNK


def test_larger_than_a_chunk(tmp_path):
    array = np.random.default_rng(0).integers(0, 256, (3, idx.CHUNK // 2), dtype=np.uint8)
    write_idx(tmp_path / "a", array)
    np.testing.assert_array_equal(read_idx(tmp_path / "a"), array)


@pytest.mark.parametrize("dtype", ["int64", "bool", "uint16", "complex64", "U3"])
def test_dtypes_without_a_code_are_refused(tmp_path, dtype):
    with pytest.raises(TypeError, match=r"IDX cannot hold dtype .* convert with .astype"):
        write_idx(tmp_path / "a", np.zeros(3, dtype=dtype))
    assert list(tmp_path.iterdir()) == []


def test_sizes_beyond_32_bits_are_refused(tmp_path):
    wide = np.broadcast_to(np.uint8(0), (0, 2**32))
    with pytest.raises(ValueError, match="32 bits"):
        write_idx(tmp_path / "a", wide)


def test_an_interrupted_write_keeps_the_old_file(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(b"old")
    with pytest.raises(KeyboardInterrupt), idx.replacing(path) as file:
        file.write(b"half of the new")
        raise KeyboardInterrupt
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_payload_md5_is_of_the_content(tmp_path):
    (tmp_path / "plain").write_bytes(GOOD)
    (tmp_path / "zipped").write_bytes(gzip.compress(GOOD))
    expected = hashlib.md5(GOOD).hexdigest()
    assert idx.payload_md5(tmp_path / "plain") == idx.payload_md5(tmp_path / "zipped") == expected
