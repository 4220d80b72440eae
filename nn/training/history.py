"""`History`: what `fit` measured, epoch by epoch."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any


class History(Mapping[str, list[float]]):
    """A dict from the name of a quantity to its values, one per epoch.

    >>> history = History()
    >>> history.append({"loss": 0.5, "val_loss": 0.6})
    >>> history["loss"], history.last
    ([0.5], {'loss': 0.5, 'val_loss': 0.6})
    """

    def __init__(self, values: Mapping[str, list[float]] | None = None) -> None:
        self._values = {name: list(numbers) for name, numbers in (values or {}).items()}

    def append(self, logs: Mapping[str, float]) -> None:
        """Adds an epoch."""
        for name, value in logs.items():
            self._values.setdefault(name, []).append(value)

    @property
    def last(self) -> dict[str, float]:
        """The values of the last epoch."""
        return {name: numbers[-1] for name, numbers in self._values.items()}

    def __getitem__(self, name: str) -> list[float]:
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        last = ", ".join(f"{name} {value:.4g}" for name, value in self.last.items())
        epochs = max(map(len, self._values.values()), default=0)
        return f"History of {epochs} epochs{': ' + last if last else ''}"

    def plot(self, *names: str) -> Any:
        """Curves over the epochs, a quantity and its validation twin in one picture.

        Args:
            names: which quantities; by default all but the times.

        Returns:
            The matplotlib Figure, which a notebook shows.

        Raises:
            ImportError: without matplotlib, which the extra `viz` installs.
        """
        plt = pyplot()
        shown = names or [n for n in self if n != "time"]
        groups: dict[str, list[str]] = {}
        for name in shown:
            groups.setdefault(name.removeprefix("val_"), []).append(name)
        figure, axes = plt.subplots(
            1, len(groups), figsize=(4.5 * len(groups), 3.2), squeeze=False, layout="constrained"
        )
        for axis, (title, members) in zip(axes[0], groups.items(), strict=True):
            for name in members:
                epochs = range(1, len(self[name]) + 1)
                axis.plot(epochs, self[name], label=name, marker="." if len(epochs) < 30 else "")
            axis.set(title=title, xlabel="epoch")
            if len(members) > 1:
                axis.legend()
        plt.close(figure)  # a notebook would show it twice
        return figure


def pyplot() -> Any:
    """matplotlib.pyplot, or an error that names the extra to install."""
    try:
        from matplotlib import pyplot as plt
    except ImportError:
        raise ImportError(
            "plot needs matplotlib: pip install matplotlib, or tapegrad with the extra `viz`"
        ) from None
    return plt
