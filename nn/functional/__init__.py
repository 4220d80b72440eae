"""Layers and losses as functions: what a module computes, with its parameters as arguments.

Primitives come from autograd; those built from them are in this package. All of them are in the
registry under `nn.functional`, from where they get here.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from autograd.registry import ENTRIES

from . import (  # noqa: F401 (registers them)
    activations,
    attention,
    distances,
    dropouts,
    losses,
    margin_losses,
)

globals().update({e.name: e.function for e in ENTRIES.values() if e.namespace == "nn.functional"})
selu = ENTRIES["selu"].function  # PyTorch has it in both places
# Second names that PyTorch has for one argument.
for _name in ("relu", "elu", "celu", "selu", "leaky_relu", "rrelu", "hardtanh", "threshold"):
    globals()[_name + "_"] = partial(globals()[_name], inplace=True)
for _name in (f"{kind}max_pool{dims}d" for kind in ("", "adaptive_") for dims in (1, 2, 3)):
    globals()[_name + "_with_indices"] = partial(globals()[_name], return_indices=True)

if TYPE_CHECKING:
    from .activations import *  # noqa: F403
    from .attention import *  # noqa: F403
    from .distances import *  # noqa: F403
    from .dropouts import *  # noqa: F403
    from .losses import *  # noqa: F403
    from .margin_losses import *  # noqa: F403

    def __getattr__(name: str) -> Any: ...
