"""Averages of a model's weights over its training, and the functions that average.

PyTorch has these in `optim.swa_utils`, where they have their names here too.
"""

from __future__ import annotations

import copy
from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any

import autograd
from autograd.grad_mode import no_grad
from autograd.tensor import Tensor

from .batchnorm import _BatchNorm
from .module import Module


def _check_decay(decay: float) -> None:
    if not 0 <= decay <= 1:
        raise ValueError(
            f"Invalid decay value {decay} provided. Please provide a value in [0,1] range."
        )


def get_ema_avg_fn(decay: float = 0.999) -> Callable[[Tensor, Tensor, Any], Tensor]:
    """The function decay * average + (1 - decay) * new, for `AveragedModel(avg_fn=...)`."""
    _check_decay(decay)

    @no_grad()
    def average(averaged: Tensor, new: Tensor, number: Any) -> Tensor:
        return decay * averaged + (1 - decay) * new

    return average


def get_swa_avg_fn() -> Callable[[Tensor, Tensor, Any], Tensor]:
    """The function that makes the mean of all weights, for `AveragedModel(avg_fn=...)`."""

    @no_grad()
    def average(averaged: Tensor, new: Tensor, number: Any) -> Tensor:
        return averaged + (new - averaged) / (number + 1)

    return average


def _of_lists(average: Callable[[Tensor, Tensor, Any], Tensor]) -> Callable[..., None]:
    """`average` in place, over lists of tensors."""

    @no_grad()
    def multi_average(averaged: list[Tensor], new: list[Tensor], number: Any) -> None:
        for p, q in zip(averaged, new, strict=True):
            p.copy_(average(p, q, number))

    return multi_average


def get_ema_multi_avg_fn(decay: float = 0.999) -> Callable[..., None]:
    """`get_ema_avg_fn` over lists and in place, for `AveragedModel(multi_avg_fn=...)`."""
    return _of_lists(get_ema_avg_fn(decay))


def get_swa_multi_avg_fn() -> Callable[..., None]:
    """`get_swa_avg_fn` over lists and in place, for `AveragedModel(multi_avg_fn=...)`."""
    return _of_lists(get_swa_avg_fn())


class AveragedModel(Module):
    """A copy of a model whose weights are averages of those that the model has had.

    Call `update_parameters(model)` after each step or epoch that is to count; the first copies the
    weights. Before use, either `use_buffers`, or set the statistics of batch normalization by
    `update_bn`.

    Izmailov et al., "Averaging Weights Leads to Wider Optima and Better Generalization", 2018;
    with `get_ema_multi_avg_fn` an exponential moving average, Polyak averaging.

    Args:
        model: the model; the copy is the attribute `module`.
        device: only the CPU.
        avg_fn: (average, new, number averaged) -> average, of one tensor. By default the mean.
        multi_avg_fn: the same in place, over lists of tensors of one dtype.
        use_buffers: average the buffers too, rather than copying them.

    Attributes:
        n_averaged: how often the weights were averaged, a buffer.

    >>> import autograd, nn
    >>> model = nn.Linear(1, 1, bias=False)
    >>> averaged = AveragedModel(model)
    >>> for value in (1.0, 2.0, 6.0):
    ...     _ = nn.init.constant_(model.weight, value)
    ...     averaged.update_parameters(model)
    >>> averaged(autograd.ones(1)).item()
    3.0
    """

    n_averaged: Tensor

    def __init__(
        self,
        model: Module,
        device: Any = None,
        avg_fn: Callable[[Tensor, Tensor, Any], Tensor] | None = None,
        multi_avg_fn: Callable[..., None] | None = None,
        use_buffers: bool = False,
    ) -> None:
        super().__init__()
        if avg_fn is not None and multi_avg_fn is not None:
            raise AssertionError("Only one of avg_fn and multi_avg_fn should be provided")
        self.module = copy.deepcopy(model)
        if device is not None:
            self.module.to(device)
        self.register_buffer("n_averaged", autograd.tensor(0))
        self.avg_fn = avg_fn
        self.multi_avg_fn = multi_avg_fn
        self.use_buffers = use_buffers

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        return self.module(*args, **kwargs)

    @no_grad()
    def update_parameters(self, model: Module) -> None:
        """Averages the present weights of `model` in."""
        pairs: list[tuple[Tensor, Tensor]] = []
        pairs += zip(self.module.parameters(), model.parameters(), strict=True)
        buffers = list(zip(self.module.buffers(), model.buffers(), strict=True))
        if self.use_buffers:
            pairs += buffers
        if self.n_averaged == 0:
            for averaged, new in pairs:
                averaged.copy_(new)
        else:
            multi_average = self.multi_avg_fn or _of_lists(self.avg_fn or get_swa_avg_fn())
            by_dtype: dict[Any, tuple[list[Tensor], list[Tensor]]] = defaultdict(lambda: ([], []))
            for averaged, new in pairs:
                for tensors, tensor in zip(by_dtype[averaged.dtype], (averaged, new), strict=True):
                    tensors.append(tensor.detach())
            for lists in by_dtype.values():
                multi_average(*lists, self.n_averaged)
        if not self.use_buffers:
            for averaged, new in buffers:
                averaged.copy_(new)
        self.n_averaged += 1


@no_grad()
def update_bn(loader: Iterable[Any], model: Module, device: Any = None) -> None:
    """Sets the running statistics of batch normalization to the means over all batches.

    Args:
        loader: gives batches, or tuples or lists whose first element is the batch.
        model: whose layers to set; run in training mode, without gradients.
        device: only the CPU.
    """
    layers = [m for m in model.modules() if isinstance(m, _BatchNorm)]
    momenta = [layer.momentum for layer in layers]
    if not layers:
        return
    was_training = model.training
    model.train()
    for layer in layers:
        layer.reset_running_stats()
        layer.momentum = None
    for batch in loader:
        inputs = batch[0] if isinstance(batch, (list, tuple)) else batch
        model(inputs if device is None else inputs.to(device))
    for layer, momentum in zip(layers, momenta, strict=True):
        layer.momentum = momentum
    model.train(was_training)
