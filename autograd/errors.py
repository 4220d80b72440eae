"""Errors that name the operation, shapes and dtypes, and say what to do."""

from __future__ import annotations

from typing import Any, NoReturn

import numpy as np


class UnsupportedOperand(TypeError):
    """An operand that is no number; operators turn it into NotImplemented."""


class ShapeError(RuntimeError, ValueError):
    """Shapes that do not fit. A RuntimeError as in PyTorch, and a ValueError as in NumPy."""


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

    NumPy's errors about shapes become `ShapeError`; other types are kept, so that an IndexError
    stays one.
    """
    if isinstance(error, (GraphError, UnsupportedOperand)) or getattr(error, "_described", False):
        raise error
    operands = ", ".join(map(described, args))
    message = f"{name}({operands}): {error}"
    kind: type[Exception] = type(error)
    if kind in (ValueError, ShapeError):
        kind = ShapeError
    elif kind not in (TypeError, IndexError, RuntimeError, NotImplementedError, OverflowError):
        if isinstance(error, IndexError):  # NumPy's AxisError is both
            kind = IndexError
        elif isinstance(error, TypeError):  # NumPy's UFuncTypeError
            kind = TypeError
        else:
            raise error
    described_error = kind(message)
    described_error._described = True  # type: ignore[attr-defined]
    raise described_error from error


def freed_error(node: Any) -> GraphError:
    return GraphError(
        f"backward through {node!r} a second time: the values it had saved were freed by the "
        "first backward pass. Pass retain_graph=True to the first backward() or grad(), or "
        "compute the loss again"
    )


def in_place_error(node: Any, what: str, tensor: Any = None) -> GraphError:
    which = f" ({described(tensor)}, now at version {tensor._version})" if tensor is not None else ""
    return GraphError(
        f"{node!r} needs {what}{which} for its gradient, but it was changed in place after it "
        "was used. Use an out-of-place operation (x = x + 1 for x += 1), or change a clone()"
    )
