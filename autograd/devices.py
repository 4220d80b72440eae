"""Devices: there is one, the CPU. What programs ask of others is answered: they are not there."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from .amp import GradScaler, cuda_autocast


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

    def __enter__(self) -> device:
        return self

    def __exit__(self, *exc_info: Any) -> None:
        pass


class _Absent:
    """A kind of device that is never there, so that `cuda.is_available()` can be asked."""

    enabled = benchmark = deterministic = allow_tf32 = False  # which programs set and read

    def __init__(self, name: str) -> None:
        self._name = name

    def is_available(self) -> bool:
        """False."""
        return False

    is_built = is_initialized = is_bf16_supported = is_available

    def device_count(self) -> int:
        """0."""
        return 0

    def memory_allocated(self, device: Any = None) -> int:
        """0 bytes."""
        return 0

    max_memory_allocated = memory_reserved = max_memory_reserved = memory_allocated

    def current_accelerator(self, check_available: bool = False) -> None:
        """None."""

    version = current_accelerator

    def ignore(self, *args: Any, **kwargs: Any) -> None:
        """Does nothing, as PyTorch does where the device is absent."""

    manual_seed = manual_seed_all = empty_cache = synchronize = ignore
    reset_peak_memory_stats = ignore

    def refuse(self, *args: Any, **kwargs: Any) -> Any:
        """An error: what is asked for needs the device."""
        raise RuntimeError(
            f"device {self._name!r} is not available; everything runs on 'cpu'. Programs ask "
            f"{self._name}.is_available() first"
        )

    set_device = current_device = get_device_name = get_device_properties = refuse
    get_device_capability = refuse


class _AbsentCuda(_Absent):
    amp = SimpleNamespace(autocast=cuda_autocast, GradScaler=GradScaler)


cuda = _AbsentCuda("cuda")
mps, xpu, accelerator = _Absent("mps"), _Absent("xpu"), _Absent("accelerator")
distributed = _Absent("distributed")
backends = SimpleNamespace(cuda=_Absent("cuda"), mps=mps, cudnn=_Absent("cudnn"))
backends.cuda.matmul = SimpleNamespace(allow_tf32=False)


_check = device


def get_default_device() -> device:
    """Where tensors are made: the CPU.

    >>> import autograd
    >>> autograd.get_default_device()
    device(type='cpu')
    """
    return device()


def set_default_device(device: Any) -> None:
    """Accepts the CPU, and raises for other devices.

    >>> import autograd
    >>> autograd.set_default_device("cpu")
    """
    _check("cpu" if device is None else device)
