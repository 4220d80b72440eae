"""Makes digits.xz, beside this file, from a folder with the MNIST files. See README.md."""

import argparse
import lzma
from pathlib import Path

from nn.data import MNIST
from nn.data.digits import TEST, TRAIN
from nn.data.idx import payload_md5, read_idx


def pack(data_dir: Path) -> bytes:
    parts = {}
    for name, md5 in MNIST.resources:
        path = data_dir / name
        if not path.exists():
            path = path.with_suffix("")
        if payload_md5(path) != md5:
            raise SystemExit(f"{path} is not the file of MNIST: its MD5 is not {md5}")
        kind = name.split("-")[0], name.split("-")[1]
        parts[kind] = read_idx(path)[: TRAIN if kind[0] == "train" else TEST].tobytes()
    order = [(split, what) for what in ("labels", "images") for split in ("train", "t10k")]
    # lc=4 instead of 3: the byte to the left says more of a pixel than its position does.
    filters = [{"id": lzma.FILTER_LZMA2, "preset": 9 | lzma.PRESET_EXTREME, "lc": 4, "pb": 0}]
    return lzma.compress(b"".join(parts[key] for key in order), filters=filters)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data-dir", type=Path, required=True)
    packed = pack(parser.parse_args().data_dir)
    target = Path(__file__).with_name("digits.xz")
    target.write_bytes(packed)
    print(f"{target}: {len(packed):,} bytes")


if __name__ == "__main__":
    main()
