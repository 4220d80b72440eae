"""PyTorch's names that are at home elsewhere here, so that `import autograd as torch` finds them.

`torch.nn.Linear`, `torch.optim.Adam`, `torch.utils.data.DataLoader`, `torch.autograd.grad` and
`torch.conv2d` are written out in programs as often as they are imported. Nothing is imported
before it is asked for, and nothing in this package asks.
"""

from __future__ import annotations

import functools
import importlib
from typing import Any

_MODULES = {
    "nn": "nn",
    "optim": "optim",
    "autograd": "autograd",
    "distributions": "autograd.distributions",
    "testing": "autograd.testing",
}
_UTILS = {"data": "nn.data", "checkpoint": "autograd.checkpoint"}
# Functions that PyTorch has both as torch.NAME and as torch.nn.functional.NAME.
_FUNCTIONAL = {
    "adaptive_avg_pool1d", "alpha_dropout", "avg_pool1d", "bilinear",
    "binary_cross_entropy_with_logits", "celu", "conv1d", "conv2d", "conv3d",
    "conv_transpose1d", "conv_transpose2d", "conv_transpose3d", "cosine_embedding_loss",
    "cosine_similarity", "ctc_loss", "dropout", "group_norm", "hardshrink",
    "hinge_embedding_loss", "kl_div", "layer_norm", "margin_ranking_loss", "max_pool1d",
    "max_pool2d", "max_pool3d", "pairwise_distance", "poisson_nll_loss", "prelu", "rms_norm",
    "rrelu", "rrelu_", "celu_", "selu_", "threshold", "threshold_", "triplet_margin_loss",
}  # fmt: skip


class _Utils:
    """`torch.utils`: its parts by their names."""

    def __getattr__(self, name: str) -> Any:
        if name in _UTILS:
            return importlib.import_module(_UTILS[name])
        raise AttributeError(f"'utils' has no attribute {name!r}; it has {', '.join(_UTILS)}")


_utils = _Utils()


@functools.cache  # programs write `torch.nn.functional.relu` in their loops
def find(name: str) -> Any:
    """What `autograd.NAME` is where autograd itself has no such name."""
    if name in _MODULES:
        return importlib.import_module(_MODULES[name])
    if name == "utils":
        return _utils
    if name == "vmap":
        return importlib.import_module("autograd.func").vmap
    if name in _FUNCTIONAL:
        return getattr(importlib.import_module("nn.functional"), name)
    raise AttributeError(f"module 'autograd' has no attribute {name!r}")
