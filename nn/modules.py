"""PyTorch's files of layers by their names: `from nn.modules.batchnorm import _BatchNorm`.

Programs that define layers import base classes and helpers from them. Each name here stands for
the file, or files, that hold the same here; it has everything that `nn` has as well.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, MutableMapping
from itertools import repeat
from types import ModuleType
from typing import Any

import nn

_FILES: dict[str, tuple[str, ...]] = {
    "activation": ("activation", "attention"),
    "adaptive": ("adaptive",),
    "batchnorm": ("batchnorm",),
    "channelshuffle": ("vision",),
    "container": ("containers", "parameter_containers"),
    "conv": ("conv",),
    "distance": ("distance",),
    "dropout": ("dropout",),
    "flatten": ("linear",),
    "fold": ("vision",),
    "instancenorm": ("batchnorm",),
    "lazy": ("lazy",),
    "linear": ("linear",),
    "loss": ("loss", "margin_loss"),
    "module": ("module", "hooks"),
    "normalization": ("norm",),
    "padding": ("padding",),
    "pixelshuffle": ("vision",),
    "pooling": ("pooling",),
    "rnn": ("recurrent", "recurrent_cells"),
    "sparse": ("sparse",),
    "transformer": ("transformer", "transformer_layers"),
    "upsampling": ("vision",),
}


class _File(ModuleType):
    """One of PyTorch's files."""

    def __init__(self, name: str, files: tuple[str, ...]) -> None:
        super().__init__(f"{__name__}.{name}", f"PyTorch's file of the name {name}.")
        self.places = (*(sys.modules[f"nn.{file}"] for file in files), nn)

    def __getattr__(self, name: str) -> Any:
        if name[:2] != "__":
            for place in self.places:
                if hasattr(place, name):
                    return getattr(place, name)
        raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")


def _ntuple(n: int) -> Callable[[Any], tuple[Any, ...]]:
    """A function that makes n of a number, and a tuple of anything iterable."""

    def several(x: Any) -> tuple[Any, ...]:
        return tuple(x) if isinstance(x, Iterable) else tuple(repeat(x, n))

    return several


def consume_prefix_in_state_dict_if_present(
    state_dict: MutableMapping[str, Any], prefix: str
) -> None:
    """Takes `prefix` from the keys that begin with it, in place.

    Checkpoints of a `DataParallel` model have `"module."` before every key:

    >>> state = {"module.weight": 1, "bias": 2}
    >>> consume_prefix_in_state_dict_if_present(state, "module."); state
    {'bias': 2, 'weight': 1}
    """
    for key in list(state_dict):
        if key.startswith(prefix):
            state_dict[key.removeprefix(prefix)] = state_dict.pop(key)
    metadata = getattr(state_dict, "_metadata", {})
    for key in list(metadata):
        if f"{key}." == prefix or key.startswith(prefix):
            metadata[key[len(prefix) :]] = metadata.pop(key)


utils = ModuleType(f"{__name__}.utils", "PyTorch's helpers of that name.")
for _n, _name in enumerate(("_single", "_pair", "_triple", "_quadruple"), 1):
    setattr(utils, _name, _ntuple(_n))
vars(utils).update(
    _ntuple=_ntuple,
    consume_prefix_in_state_dict_if_present=consume_prefix_in_state_dict_if_present,
)
for _name, _files in _FILES.items():
    globals()[_name] = _File(_name, _files)
for _name in (*_FILES, "utils"):
    sys.modules[f"{__name__}.{_name}"] = globals()[_name]


def __getattr__(name: str) -> Any:
    return getattr(nn, name)
