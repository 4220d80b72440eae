"""Devices: there is one, the CPU. What programs ask of others is answered: they are not there."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any


class device:
    """`device("cpu")`; any other device is an error. Equal to its name.

    >>> import autograd
    >>> d = autograd.device("cpu"); d, d.type, d == "cpu"
    (device(type='cpu'), 'cpu', True)
    """

    type = "cpu"

    def __init__(self, type: Any = "cpu", index: int | None = None) -> None:
        kind, _, number = str(type).partition(":")
        if kind != "cpu" or number not in ("", "0") or index not in (None, 0):
            name = str(type) if index is None else f"{type}:{index}"
            raise RuntimeError(f"device {name!r} is not available; everything runs on 'cpu'")
        self.index = 0 if number or index is not None else None

    def __str__(self) -> str:
        return "cpu" if self.index is None else f"cpu:{self.index}"

    def __repr__(self) -> str:
        return f"device(type='cpu'{'' if self.index is None else f', index={self.index}'})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, (device, str)) and str(self) == str(other)

    def __hash__(self) -> int:
        return hash(str(self))


class _Absent:
    """A kind of device that is never there, so that `cuda.is_available()` can be asked."""

    def is_available(self) -> bool:
        """False."""
        return False

    is_built = is_available

    def device_count(self) -> int:
        """0."""
        return 0

    def ignore(self, *args: Any, **kwargs: Any) -> None:
        """Does nothing, as PyTorch does where the device is absent."""

    manual_seed = manual_seed_all = empty_cache = synchronize = ignore


cuda, mps = _Absent(), _Absent()
backends = SimpleNamespace(cuda=cuda, mps=mps, cudnn=_Absent())
