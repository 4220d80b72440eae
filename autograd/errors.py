"""Errors that name the operation, shapes and dtypes, and say what to do."""

from __future__ import annotations

from typing import Any, NoReturn

import numpy as np


class UnsupportedOperand(TypeError):
    """An operand that is no number; operators turn it into NotImplemented."""


class ShapeError(RuntimeError, ValueError):
    """Shapes that do not fit. A RuntimeError as in PyTorch, and a ValueError as in NumPy."""


class DtypeError(NotImplementedError, TypeError):
    """Dtypes without such an operation. PyTorch raises a RuntimeError, NumPy a TypeError."""


class LinAlgError(RuntimeError, np.linalg.LinAlgError):
    """A matrix without the inverse or decomposition that was asked for."""


class IndexRangeError(IndexError, RuntimeError):
    """An index that names nothing. PyTorch raises now one, now the other of the two."""


class GraphError(RuntimeError):
    """A backward pass that cannot be run: no graph, freed graph, changed values."""


def described(x: Any) -> str:
    """A short name for an operand, such as `float32[64, 10]`.

    >>> described(np.zeros((64, 10), np.float32)), described(2.0)
    ('float32[64, 10]', '2.0')
    """
    if hasattr(x, "dtype") and hasattr(x, "shape"):
        return f"{x.dtype}[{', '.join(map(str, x.shape))}]"
    text = repr(x)
    return text if len(text) <= 40 else f"{text[:37]}..."


def rethrow(error: Exception, name: str, args: tuple[Any, ...]) -> NoReturn:
    """Raises `error` again with the operation's name, shapes and dtypes in front.

    NumPy's errors about shapes become `ShapeError`, those about matrices `LinAlgError`; other
    types are kept, so that an IndexError stays one.
    """
    if isinstance(error, GraphError) or getattr(error, "_described", False):
        raise error
    kind = next((ours for theirs, ours in _KINDS if isinstance(error, theirs)), None)
    if kind is None:
        raise error
    reason = str(error).rstrip()
    if "not supported for the input types" in reason:
        reason = "is not defined for these dtypes"
    message = f"{name}({', '.join(map(described, args))}): {reason}"
    if kind is LinAlgError:
        message += " (the input must be regular, or positive definite, for this)"
    if "could not be broadcast" in message:
        message += "; counted from the last dimension, sizes must be equal or 1"
    described_error = kind(message)
    described_error._described = True  # type: ignore[attr-defined]
    raise described_error from error


# The narrower first: NumPy's LinAlgError is a ValueError, its AxisError an IndexError as well.
_KINDS: list[tuple[type[Exception], type[Exception]]] = [
    (UnsupportedOperand, UnsupportedOperand),
    (np.linalg.LinAlgError, LinAlgError),
    (IndexError, IndexError),
    (ValueError, ShapeError),
    (TypeError, DtypeError),
    (NotImplementedError, NotImplementedError),
    (OverflowError, OverflowError),
    (RuntimeError, RuntimeError),
]


def placed(node: Any) -> str:
    """Where `node` was recorded, as far as something watched (`trace`, `detect_anomaly`)."""
    origin = vars(node).get("origin")
    site = None if origin is None else origin.site
    return f"; it was recorded at {site}" if site else ""


def freed_error(node: Any) -> GraphError:
    return GraphError(
        f"backward through {node!r} a second time: the values it had saved were freed by the "
        "first backward pass. Pass retain_graph=True to the first backward() or grad(), or "
        f"compute the loss again{placed(node)}"
    )


def in_place_error(node: Any, what: str, tensor: Any = None) -> GraphError:
    which = "" if tensor is None else f" ({described(tensor)}, now at version {tensor._version})"
    counters = node._out_counters or () if tensor is None else (tensor._counter,)
    places = [c.changed_at for c in counters if c.changed_at]
    return GraphError(
        f"{node!r} needs {what}{which} for its gradient, but it was changed in place after it "
        "was used. Use an out-of-place operation (x = x + 1 for x += 1), or change a clone()"
        f"{placed(node)}{f'; changed at {places[-1]}' if places else ''}"
    )
