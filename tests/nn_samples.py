"""A module that the tests of modules share."""

from __future__ import annotations

from typing import Any

import autograd
import nn


class Net(nn.Module):
    """Two layers, a shared one, a parameter, and buffers of both kinds."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(3, 4)
        self.inner = nn.Sequential(nn.ReLU(), nn.Linear(4, 4))
        self.again = self.inner[1]
        self.scale = nn.Parameter(autograd.ones(4))
        self.register_buffer("mean", autograd.zeros(4))
        self.register_buffer("cache", autograd.zeros(2), persistent=False)

    def forward(self, x: Any, factor: float = 1.0) -> Any:
        return self.again(self.inner(self.first(x))) * self.scale * factor
