"""Fetching a file over HTTP piece by piece, with a progress bar."""

from collections.abc import Iterator
from http.client import HTTPException
from urllib.request import urlopen

from tqdm import tqdm


def stream(url: str, timeout: float) -> Iterator[bytes]:
    """The bytes at a URL, in pieces.

    Every failure is an OSError, also a connection that ends before all bytes have come.
    """
    try:
        with urlopen(url, timeout=timeout) as response:
            length = response.headers.get("Content-Length")
            total = None if length is None else int(length)
            received = 0
            name = url.rpartition("/")[2]
            with tqdm(total=total, desc=name, unit="B", unit_scale=True) as bar:
                while chunk := response.read(1 << 16):
                    received += len(chunk)
                    bar.update(len(chunk))
                    yield chunk
    except HTTPException as error:
        raise OSError(f"the answer is no valid HTTP: {error!r}") from error
    if total is not None and received < total:
        raise OSError(f"connection cut short after {received} of {total} bytes")
