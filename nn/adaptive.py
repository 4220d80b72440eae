"""Log-probabilities of very many classes: the rare ones in clusters, with less to compute."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import autograd
from autograd import Tensor
from autograd.errors import IndexRangeError, ShapeError, described

from . import functional as F
from .containers import ModuleList, Sequential
from .linear import Linear
from .module import Module


class ASMoutput(NamedTuple):
    """The log-probability of each target, and the mean of their negatives."""

    output: Tensor
    loss: Tensor


class AdaptiveLogSoftmaxWithLoss(Module):
    """The log-softmax over classes that are sorted by frequency, as words of a vocabulary are.

    The first `cutoffs[0]` classes and one entry for each cluster of rarer ones are the head. A
    cluster computes its own log-softmax, of fewer features the rarer its classes are, and only
    for the samples that need it. The probability of a rare class is that of its cluster times its
    own within it.

    Args:
        in_features: size of the last dimension of the input.
        n_classes: how many classes there are.
        cutoffs: where the clusters begin, increasing numbers from 1 to n_classes - 1.
        div_value: cluster i has in_features / div_value^(i + 1) features.
        head_bias: whether the head has a bias.
        device: "cpu" or None.
        dtype: floating dtype of the parameters (default: the default dtype).

    Called with an input (N, in_features) and class numbers (N,), or (in_features,) and a single
    one, it returns the named tuple `(output, loss)`: the log-probability of each target, and the
    mean of their negatives.

    Source: Grave et al., "Efficient softmax approximation for GPUs", 2017.

    >>> import autograd, nn
    >>> head = nn.AdaptiveLogSoftmaxWithLoss(16, 1000, cutoffs=[10, 100])
    >>> output, loss = head(autograd.randn(5, 16), autograd.tensor([3, 50, 999, 0, 9]))
    >>> output.shape, head.log_prob(autograd.randn(5, 16)).shape
    (Size([5]), Size([5, 1000]))
    """

    def __init__(
        self,
        in_features: int,
        n_classes: int,
        cutoffs: Sequence[int],
        div_value: float = 4.0,
        head_bias: bool = False,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        cutoffs = list(cutoffs)
        if not cutoffs:
            raise ValueError("cutoffs should be a sequence of length larger than 0")
        increasing = cutoffs == sorted(set(cutoffs)) and all(int(c) == c for c in cutoffs)
        if not increasing or not cutoffs[0] >= 1 or not cutoffs[-1] <= n_classes - 1:
            raise ValueError(
                "cutoffs should be a sequence of unique, positive integers sorted in an increasing "
                f"order, where each value is between 1 and n_classes-1, got {cutoffs}"
            )
        made: dict[str, Any] = {"device": device, "dtype": dtype}
        self.in_features = in_features
        self.n_classes = n_classes
        self.cutoffs = [*cutoffs, n_classes]
        self.div_value = div_value
        self.head_bias = head_bias
        self.shortlist_size = cutoffs[0]
        self.n_clusters = len(cutoffs)
        self.head_size = self.shortlist_size + self.n_clusters
        self.head = Linear(in_features, self.head_size, bias=head_bias, **made)
        self.tail = ModuleList()
        for i, (low, high) in enumerate(zip(cutoffs, self.cutoffs[1:], strict=True)):
            hidden = int(in_features // div_value ** (i + 1))
            self.tail.append(
                Sequential(
                    Linear(in_features, hidden, bias=False, **made),
                    Linear(hidden, high - low, bias=False, **made),
                )
            )

    def reset_parameters(self) -> None:
        """Draws the initial values again."""
        for layer in (self.head, *(layer for cluster in self.tail for layer in cluster)):
            layer.reset_parameters()

    def forward(self, input: Tensor, target: Tensor) -> ASMoutput:
        if target.ndim > 1 or input.shape != (*target.shape, self.in_features):
            raise ShapeError(
                f"{self._get_name()}: expected an input [N, {self.in_features}] and targets [N], "
                f"or [{self.in_features}] and a single one, got {described(input)} and "
                f"{described(target)}"
            )
        x, classes = input.reshape(-1, self.in_features), target.reshape(-1)
        if classes.numel() and not (classes.min() >= 0 and classes.max() < self.n_classes):
            raise IndexRangeError(
                f"Target values should be in [0, {self.n_classes - 1}], but values in range "
                f"[{classes.min().item()}, {classes.max().item()}] were found."
            )
        entries = classes.clone()  # of the head
        within = autograd.zeros_like(x[:, 0])
        for i, cluster in enumerate(self.tail):
            low, high = self.cutoffs[i : i + 2]
            rows = ((classes >= low) & (classes < high)).nonzero().reshape(-1)
            if rows.numel() == 0:
                continue
            logs = F.log_softmax(cluster(x[rows]), dim=1)
            own = logs.gather(1, (classes[rows] - low).unsqueeze(1)).squeeze(1)
            within = within.index_add(0, rows, own)
            entries[rows] = self.shortlist_size + i
        logs = F.log_softmax(self.head(x), dim=1)
        output = within + logs.gather(1, entries.unsqueeze(1)).squeeze(1)
        return ASMoutput(output.reshape(target.shape), (-output).mean())

    def log_prob(self, input: Tensor) -> Tensor:
        """The log-probabilities (N, n_classes) of all classes."""
        head = F.log_softmax(self.head(input), dim=1)
        parts = [head[:, : self.shortlist_size]]
        for i, cluster in enumerate(self.tail):
            entry = self.shortlist_size + i
            parts.append(F.log_softmax(cluster(input), dim=1) + head[:, entry : entry + 1])
        return autograd.cat(parts, dim=1)

    def predict(self, input: Tensor) -> Tensor:
        """The most probable class (N,) of each sample."""
        return self.log_prob(input).argmax(dim=1)
