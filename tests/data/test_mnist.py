"""MNIST on small files: where they are found, what an item is, downloads from a loopback server.

With TAPEGRAD_DATA_DIR set to a folder with the four MNIST files, also the real data.
"""

import gzip
import os
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

import numpy as np
import pytest

from nn.data import (
    MNIST,
    DataLoader,
    FashionMNIST,
    Subset,
    default_collate,
    download,
    mnist,
    write_idx,
)
from nn.data.idx import payload_md5

RNG = np.random.default_rng(0)
IMAGES = {"train": RNG.integers(0, 256, (7, 28, 28), np.uint8), "t10k": np.ones((1, 28, 28), "u1")}
LABELS = {"train": np.array([3, 1, 4, 1, 5, 9, 2], np.uint8), "t10k": np.array([6], np.uint8)}
NAMES = [f"{s}-{k}-ubyte.gz" for s in ("train", "t10k") for k in ("images-idx3", "labels-idx1")]


def write_all(folder, suffix=".gz"):
    folder.mkdir(parents=True, exist_ok=True)
    for split in ("train", "t10k"):
        write_idx(folder / f"{split}-images-idx3-ubyte{suffix}", IMAGES[split])
        write_idx(folder / f"{split}-labels-idx1-ubyte{suffix}", LABELS[split])


@pytest.mark.parametrize("suffix", ["", ".gz"])
@pytest.mark.parametrize("folder", [".", "MNIST/raw"])
def test_files_are_found(tmp_path, folder, suffix):
    write_all(tmp_path / folder, suffix)
    train, test = MNIST(tmp_path), MNIST(str(tmp_path), train=False)
    assert len(train) == 7 and len(test) == 1
    np.testing.assert_array_equal(train.data.numpy(), IMAGES["train"])
    np.testing.assert_array_equal(test.targets.numpy(), [6])
    assert train.data.numpy().dtype == np.uint8 and train.targets.numpy().dtype == np.int64
    assert train.classes[9] == "9 - nine" and train.class_to_idx["0 - zero"] == 0


def test_items(tmp_path):
    write_all(tmp_path)
    image, label = MNIST(tmp_path)[2]
    assert type(label) is int and label == 4
    assert image.numpy().dtype == np.float32
    expected = IMAGES["train"][2:3].astype("f4") / np.float32(255)
    np.testing.assert_array_equal(image.numpy(), expected)


@pytest.mark.parity
def test_pixels_are_those_of_torchvisions_to_tensor():
    torch = pytest.importorskip("torch")
    pixels = np.arange(256, dtype=np.uint8).reshape(16, 16)
    # The formula of torchvision.transforms.functional.to_tensor for uint8 images.
    expected = torch.from_numpy(pixels)[None].to(torch.float32).div(255)
    np.testing.assert_array_equal(mnist.unit_images(pixels), expected.numpy())


def test_transforms_are_applied_to_items_and_batches(tmp_path):
    write_all(tmp_path)
    plain = MNIST(tmp_path)
    data = MNIST(tmp_path, transform=lambda x: x.reshape(784) * 2.0, target_transform=lambda y: -y)
    image, label = data[1]
    np.testing.assert_array_equal(image.numpy(), plain[1][0].numpy().reshape(784) * 2)
    assert label == -1
    images, labels = next(iter(DataLoader(data, batch_size=3)))
    assert tuple(images.shape) == (3, 784) and labels.tolist() == [-3, -1, -4]
    only_labels = MNIST(tmp_path, target_transform=lambda label: -label)
    assert next(iter(DataLoader(only_labels, batch_size=3)))[1].tolist() == [-3, -1, -4]


def test_a_batch_is_what_collating_the_items_gives(tmp_path):
    write_all(tmp_path)
    data = MNIST(tmp_path)
    part = Subset(Subset(data, [6, 5, 4]), [2, 0])
    for dataset, picked in ((data, [5, 0, 5]), (part, [1, 0, 1])):
        batch = dataset.__getbatch__(np.array(picked))
        expected = default_collate([dataset[i] for i in picked])
        assert type(batch) is type(expected) is list
        for field, field_expected in zip(batch, expected, strict=True):
            assert field.dtype == field_expected.dtype
            np.testing.assert_array_equal(field.numpy(), field_expected.numpy())


def test_missing_files(tmp_path):
    write_all(tmp_path)
    (tmp_path / NAMES[1]).unlink()
    with pytest.raises(RuntimeError, match=r"no train-images-idx3-ubyte.*download=True") as caught:
        MNIST(tmp_path)
    assert str(tmp_path) in str(caught.value)
    assert len(MNIST(tmp_path, train=False)) == 1


@pytest.mark.parametrize(
    ("name", "array", "message"),
    [
        (NAMES[0], IMAGES["train"][0], r"uint8 images \(N, H, W\), got uint8 \(28, 28\)"),
        (NAMES[0], IMAGES["train"].astype("f4"), "got float32"),
        (NAMES[1], LABELS["train"][:5], "expected 7 labels, .* got shape"),
    ],
)
def test_files_of_other_contents(tmp_path, name, array, message):
    write_all(tmp_path)
    write_idx(tmp_path / name, array)
    with pytest.raises(ValueError, match=message) as caught:
        MNIST(tmp_path)
    assert str(tmp_path / name) in str(caught.value)


def test_one_dataset_does_not_pass_for_another(tmp_path, monkeypatch):
    write_all(tmp_path)
    monkeypatch.setattr(MNIST, "resources", [(n, payload_md5(tmp_path / n)) for n in NAMES])
    assert len(MNIST(tmp_path)) == 7
    with pytest.raises(ValueError, match="is a file of MNIST, not of FashionMNIST"):
        FashionMNIST(tmp_path)


def test_the_datasets_are_told_apart_by_their_checksums():
    for dataset in (MNIST, FashionMNIST):
        assert [name for name, _ in dataset.resources] == NAMES
        assert len(dataset.classes) == 10
    assert len({md5 for dataset in (MNIST, FashionMNIST) for _, md5 in dataset.resources}) == 8


def test_the_real_files():
    folder = os.environ.get("TAPEGRAD_DATA_DIR")
    if folder is None:
        pytest.skip("TAPEGRAD_DATA_DIR is not set to a folder with the MNIST files")
    data = MNIST(folder)
    for name, md5 in MNIST.resources:
        found = data._find(name)
        assert found is not None and payload_md5(found) == md5
    assert tuple(data.data.shape) == (60000, 28, 28)
    assert np.bincount(data.targets.numpy()).tolist() == [
        *(5923, 6742, 5958, 6131, 5842),
        *(5421, 5918, 6265, 5851, 5949),
    ]


# ---- downloads -----------------------------------------------------------------------------------


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        server = self.server
        server.requests.append(self.path)
        mirror, name = self.path.strip("/").split("/")
        content = server.files[name]
        if mirror == "missing":
            self.send_error(404)
            return
        if mirror == "stalled":
            server.released.wait(10)
            return
        if mirror == "nonsense":
            self.wfile.write(b"not HTTP\r\n\r\n")
            return
        if mirror == "wrong":
            content = gzip.compress(b"another file")
        if mirror == "page":
            content = b"<html>Please log in</html>"
        if mirror == "damaged":
            content = content[:-12] + bytes(12)
        self.send_response(200)
        if mirror != "nolength":
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content[: len(content) // 2] if mirror == "short" else content)

    def log_message(self, *args):
        pass


@pytest.fixture
def server(tmp_path, monkeypatch):
    """A loopback server of the small files; `server.dataset(*mirrors)` is an MNIST that asks it."""
    monkeypatch.setattr(download.tqdm, "monitor_interval", 0)  # else tqdm starts a thread for good
    write_all(tmp_path / "served")
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = False
    server.requests, server.released = [], threading.Event()
    server.files = {name: (tmp_path / "served" / name).read_bytes() for name in NAMES}
    address = f"http://127.0.0.1:{server.server_port}"

    def dataset(*wanted):
        class Small(MNIST):
            mirrors: ClassVar = [f"{address}/{mirror}/" for mirror in wanted]
            resources: ClassVar = [(n, payload_md5(tmp_path / "served" / n)) for n in NAMES]

        return Small

    server.dataset = dataset
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.released.set()
    server.shutdown()
    server.server_close()
    thread.join()


def contents(root):
    return sorted(path.name for path in root.rglob("*") if path.is_file())


def test_download(server, tmp_path):
    root = tmp_path / "root"
    data = server.dataset("good")(root, download=True)
    np.testing.assert_array_equal(data.data.numpy(), IMAGES["train"])
    assert server.requests == [f"/good/{name}" for name in NAMES]
    assert contents(root) == sorted(NAMES)
    assert data.raw_folder == str(root / "Small" / "raw")
    for name in NAMES:
        assert (root / "Small" / "raw" / name).read_bytes() == server.files[name]


def test_what_is_there_is_not_asked_for(server, tmp_path):
    dataset = server.dataset("good")
    dataset(tmp_path / "root", download=True)
    server.requests.clear()
    dataset(tmp_path / "root", download=True)
    dataset(tmp_path / "served", download=True)
    assert server.requests == []
    (tmp_path / "served" / NAMES[2]).unlink()
    dataset(tmp_path / "served", download=True)
    assert server.requests == [f"/good/{NAMES[2]}"]


def test_an_answer_without_a_length(server, tmp_path):
    assert len(server.dataset("nolength")(tmp_path / "root", download=True)) == 7


FAULTS = {
    "missing": "HTTP Error 404",
    "wrong": "wrong checksum: expected MD5 [0-9a-f]{32}, got [0-9a-f]{32}",
    "page": "wrong checksum",
    "damaged": "damaged gzip",
    "short": r"cut short after \d+ of \d+ bytes|IncompleteRead",
    "stalled": "timed out",
    "nonsense": "not HTTP",
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_faulty_mirror(server, tmp_path, fault, monkeypatch):
    if fault == "stalled":
        monkeypatch.setattr(MNIST, "timeout", 0.2)
    root = tmp_path / "root"
    with pytest.raises(RuntimeError, match=FAULTS[fault]) as caught:
        server.dataset(fault)(root, download=True)
    assert f"/{fault}/{NAMES[0]}" in str(caught.value)
    assert f"put the file into {root / 'Small' / 'raw'} yourself" in str(caught.value)
    assert contents(root) == []
    # With one more mirror, the same fault is got over.
    assert len(server.dataset(fault, "good")(root, download=True)) == 7
    assert contents(root) == sorted(NAMES)


def test_every_failure_is_listed(server, tmp_path):
    with pytest.raises(RuntimeError, match=r"(?s)could not download.*404.*wrong checksum"):
        server.dataset("missing", "wrong")(tmp_path / "root", download=True)


def test_no_server_at_all(server, tmp_path):
    dataset = server.dataset("good")
    with socket.socket() as bound:  # to a port on which nothing listens
        bound.bind(("127.0.0.1", 0))
        dataset.mirrors = [f"http://127.0.0.1:{bound.getsockname()[1]}/"]
        with pytest.raises(RuntimeError, match="refused"):
            dataset(tmp_path / "root", download=True)


def test_an_interrupted_download_leaves_nothing(server, tmp_path, monkeypatch):
    whole = download.stream

    def interrupted(url, timeout):
        yield next(whole(url, timeout))[:10]
        raise KeyboardInterrupt

    monkeypatch.setattr(download, "stream", interrupted)
    with pytest.raises(KeyboardInterrupt):
        server.dataset("good")(tmp_path / "root", download=True)
    assert contents(tmp_path / "root") == []
