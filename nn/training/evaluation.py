"""`evaluate` and `predict`: a model on data, in eval mode and without recording."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import autograd
from autograd import Tensor, no_grad

from ..data import DataLoader
from ..module import Module
from ..tree import evaluating
from .metrics import Mean, Metric, Metrics, as_metrics

Loss = Callable[[Any, Any], Tensor]


def split_batch(batch: Any) -> tuple[tuple[Any, ...], Any]:
    """The arguments for the model, and the target: the last entry of a tuple or list.

    A dict is one argument, and so is a batch without a target; the target is then the batch, as
    an autoencoder wants it.
    """
    if isinstance(batch, (tuple, list)) and len(batch) > 1:
        return tuple(batch[:-1]), batch[-1]
    alone = batch[0] if isinstance(batch, (tuple, list)) else batch
    return (alone,), alone


def evaluate(
    model: Module, loader: Iterable[Any], loss: Loss | None = None, metrics: Metrics = None
) -> dict[str, Any]:
    """The mean loss and the metrics of a model over data.

    Args:
        model: called in eval mode without recording; afterwards its modes are as before.
        loader: batches `(input, ..., target)`.
        loss: a function or module of output and target that returns the mean over a batch.
        metrics: names ("accuracy", "f1", ...), `Metric`s, or functions of output and target.

    Returns:
        A dict with "loss", if one is given, and the metrics by name.

    >>> import autograd, nn
    >>> x, y = autograd.eye(3), autograd.tensor([0, 1, 1])
    >>> loader = nn.data.DataLoader(nn.data.TensorDataset(x, y), batch_size=2)
    >>> evaluate(nn.Identity(), loader, metrics="accuracy")
    {'accuracy': 0.6666666666666666}
    """
    meters: dict[str, Metric] = {} if loss is None else {"loss": Mean(loss)}
    meters |= as_metrics(metrics)
    for meter in meters.values():
        meter.reset()
    with evaluating(model), no_grad():
        for batch in loader:
            inputs, target = split_batch(batch)
            output = model(*inputs)
            for meter in meters.values():
                meter.update(output, target)
    return {name: meter.compute() for name, meter in meters.items()}


def predict(model: Module, data: Any, batch_size: int = 256) -> Any:
    """The outputs of a model for all of `data`, in eval mode and without recording.

    Args:
        data: a Tensor or dataset of inputs, taken in batches of `batch_size`; or a loader, whose
            batches may be `(input, ..., target)`.

    Returns:
        One Tensor; a tuple of them where the model returns a tuple.

    >>> import autograd, nn
    >>> predict(nn.Linear(3, 2), autograd.ones(5, 3), batch_size=2).shape
    Size([5, 2])
    """
    batches: Iterable[Any]
    if isinstance(data, Tensor):
        batches = data.split(batch_size)
    elif hasattr(data, "__getitem__"):
        batches = DataLoader(data, batch_size)
    else:
        batches = data
    with evaluating(model), no_grad():
        outputs = [model(*split_batch(batch)[0]) for batch in batches]
    if not outputs:
        raise ValueError("predict: there are no batches in the data")
    if isinstance(outputs[0], Tensor):
        return autograd.cat(outputs)
    return tuple(autograd.cat(parts) for parts in zip(*outputs, strict=True))
