"""Random number generators and the functions that draw from them.

Numbers come from NumPy's PCG64, so a seed gives other values than in PyTorch, from the same
distributions.
"""

from __future__ import annotations

import secrets
from typing import Any

import numpy as np

from .creation import finish, size_of
from .dtypes import as_dtype, get_default_dtype, int64
from .registry import public
from .tensor import Tensor


class Generator:
    """A stream of random numbers with its own state.

    >>> import autograd
    >>> g = autograd.Generator().manual_seed(0)
    >>> bool((autograd.rand(3, generator=g) == autograd.rand(3, generator=g.manual_seed(0))).all())
    True
    """

    def __init__(self, device: Any = None) -> None:
        finish_device(device)
        self.rng = np.random.default_rng(67280421310721)
        self._seed = 67280421310721

    def manual_seed(self, seed: int) -> Generator:
        """Restarts the stream at `seed` and returns the generator."""
        self._seed = int(seed)
        # PyTorch allows negative seeds; NumPy does not.
        self.rng = np.random.default_rng(self._seed % (1 << 64))
        return self

    def seed(self) -> int:
        """Restarts the stream at a random seed and returns that seed."""
        self.manual_seed(secrets.randbits(63))
        return self._seed

    def initial_seed(self) -> int:
        """The seed this stream started from."""
        return self._seed

    def get_state(self) -> dict[str, Any]:
        """The state, plain data that `set_state` restores."""
        return {"seed": self._seed, "state": self.rng.bit_generator.state}

    def set_state(self, state: dict[str, Any]) -> None:
        """Goes back to where `get_state` was called."""
        self._seed = state["seed"]
        self.rng.bit_generator.state = state["state"]


def finish_device(device: Any) -> None:
    """Raises for any device but the CPU."""
    from .creation import check_device

    check_device(device)


default_generator = Generator()
"""The stream behind every random function that is given no generator."""


def manual_seed(seed: int) -> Generator:
    """Seeds the default generator and returns it.

    >>> import autograd
    >>> _ = autograd.manual_seed(0)
    """
    return default_generator.manual_seed(seed)


def seed() -> int:
    """Seeds the default generator at random and returns the seed."""
    return default_generator.seed()


def initial_seed() -> int:
    """The seed the default generator started from."""
    return default_generator.initial_seed()


def get_rng_state() -> dict[str, Any]:
    """The state of the default generator."""
    return default_generator.get_state()


def set_rng_state(state: dict[str, Any]) -> None:
    """Restores a state of the default generator."""
    default_generator.set_state(state)


def rng_of(generator: Generator | None) -> np.random.Generator:
    """NumPy's generator inside `generator`, or inside the default one."""
    return (default_generator if generator is None else generator).rng


def _floating(dtype: Any, name: str) -> np.dtype:
    found = get_default_dtype() if dtype is None else as_dtype(dtype)
    if found.kind != "f":
        raise RuntimeError(f"{name}: only floating dtypes are possible, got {found}")
    return found


def _draw(method: str, shape: Any, dtype: np.dtype, generator: Generator | None) -> np.ndarray:
    """`rng.METHOD` in the dtype; half precision is drawn in single and rounded."""
    drawn = np.dtype(np.float32) if dtype.itemsize < 4 else dtype
    values = np.asarray(getattr(rng_of(generator), method)(shape, dtype=drawn))
    return values.astype(dtype, copy=False)


@public(method=False)
def rand(*size: Any, generator: Any = None, dtype: Any = None, device: Any = None,
         requires_grad: bool = False) -> Tensor:
    """Uniform on [0, 1).

    >>> import autograd
    >>> autograd.rand(2, 3).shape
    Size([2, 3])
    """
    values = _draw("random", size_of(size), _floating(dtype, "rand"), generator)
    return finish(values, None, device, requires_grad)


@public(method=False)
def randn(*size: Any, generator: Any = None, dtype: Any = None, device: Any = None,
          requires_grad: bool = False) -> Tensor:
    """Standard normal.

    >>> import autograd
    >>> autograd.randn(2, 3).dtype
    dtype('float32')
    """
    values = _draw("standard_normal", size_of(size), _floating(dtype, "randn"), generator)
    return finish(values, None, device, requires_grad)


@public(method=False)
def randint(*args: Any, low: int = 0, high: int | None = None, size: Any = None,
            generator: Any = None, dtype: Any = int64, device: Any = None,
            requires_grad: bool = False) -> Tensor:
    """Integers in [low, high): `randint(high, size)` or `randint(low, high, size)`.

    >>> import autograd
    >>> int(autograd.randint(3, 4, (1,)))
    3
    """
    arguments = list(args)
    if arguments and isinstance(arguments[-1], (tuple, list)):
        size = arguments.pop()
    if len(arguments) == 2:
        low, high = arguments
    elif len(arguments) == 1:
        (high,) = arguments
    if size is None or high is None:
        raise TypeError("randint: call it as randint(high, size) or randint(low, high, size)")
    if high <= low:
        raise RuntimeError(f"randint: expected low < high, got low={low}, high={high}")
    values = rng_of(generator).integers(low, high, tuple(size))
    return finish(np.asarray(values), as_dtype(dtype), device, requires_grad)


@public(method=False)
def randperm(n: int, *, generator: Any = None, dtype: Any = int64, device: Any = None,
             requires_grad: bool = False) -> Tensor:
    """A random order of 0..n-1.

    >>> import autograd
    >>> autograd.randperm(4).sum()
    tensor(6)
    """
    return finish(rng_of(generator).permutation(n), as_dtype(dtype), device, requires_grad)


@public(method=False)
def rand_like(input: Any, *, dtype: Any = None, generator: Any = None,
              requires_grad: bool = False) -> Tensor:
    """`rand` with the shape and dtype of `input`."""
    return rand(*input.shape, dtype=input.dtype if dtype is None else dtype, generator=generator,
                requires_grad=requires_grad)


@public(method=False)
def randn_like(input: Any, *, dtype: Any = None, generator: Any = None,
               requires_grad: bool = False) -> Tensor:
    """`randn` with the shape and dtype of `input`."""
    return randn(*input.shape, dtype=input.dtype if dtype is None else dtype, generator=generator,
                 requires_grad=requires_grad)
