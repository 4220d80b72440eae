"""Generators of random numbers, and the functions that make tensors of them.

Those that take a tensor's values as parameters are in ops/sampling.py. Numbers come from NumPy's
PCG64, so a seed gives other values than in PyTorch, from the same distributions.
"""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Iterator
from contextvars import ContextVar
from typing import Any

import numpy as np

from .batching.array import as_array
from .batching.randomness import Draws
from .creation import check_device, finish, size_of
from .devices import device as Device
from .dtypes import as_dtype, get_default_dtype, int64
from .errors import described
from .grad_mode import mode
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
        check_device(device)
        self.device = Device("cpu")
        self.manual_seed(67280421310721)

    def manual_seed(self, seed: int) -> Generator:
        """Restarts the stream at `seed` and returns the generator."""
        self._start(int(seed), 0)
        return self

    def _start(self, seed: int, spawned: int) -> None:
        self._seed = seed
        # PyTorch allows negative seeds; NumPy does not.
        source = np.random.SeedSequence(seed % (1 << 64), n_children_spawned=spawned)
        self._rng = np.random.Generator(np.random.PCG64(source))

    @property
    def rng(self) -> np.random.Generator:
        """NumPy's generator behind the stream."""
        return self._rng

    def seed(self) -> int:
        """Restarts the stream at a random seed and returns that seed."""
        self.manual_seed(secrets.randbits(63))
        return self._seed

    def initial_seed(self) -> int:
        """The seed this stream started from."""
        return self._seed

    def get_state(self) -> dict[str, int]:
        """The state as plain numbers, which JSON can hold and `set_state` restores.

        It includes how many streams were split off (`rng.spawn`, as shuffling data does for each
        pass), so that those to come are the same too.
        """
        source, state = self._rng.bit_generator.seed_seq, self._rng.bit_generator.state
        return {
            "seed": self._seed,
            "spawned": source.n_children_spawned,  # type: ignore[attr-defined]
            **state["state"],
            "has_uint32": state["has_uint32"],
            "uinteger": state["uinteger"],
        }

    def set_state(self, state: dict[str, int]) -> None:
        """Goes back to where `get_state` was called."""
        try:
            self._start(state["seed"], state["spawned"])
            self._rng.bit_generator.state = {
                "bit_generator": "PCG64",
                "state": {"state": state["state"], "inc": state["inc"]},
                "has_uint32": state["has_uint32"],
                "uinteger": state["uinteger"],
            }
        except (LookupError, TypeError) as error:
            raise TypeError(
                f"set_state: expected what get_state returned, got {described(state)}"
            ) from error


local_stream: ContextVar[Any] = ContextVar("local_stream", default=None)
"""In a thread that has a stream of its own, as those of a `DataLoader`, what has it as `.rng`."""


class _Default(Generator):
    @property
    def rng(self) -> np.random.Generator:
        """NumPy's generator behind the stream of this thread."""
        local = local_stream.get()
        return self._rng if local is None else local.rng

    def manual_seed(self, seed: int) -> Generator:
        """Restarts the stream of this thread at `seed` and returns the generator."""
        local = local_stream.get()
        if local is None:
            return super().manual_seed(seed)
        local.manual_seed(seed)
        return self


default_generator = _Default()
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


def get_rng_state() -> dict[str, int]:
    """The state of the default generator."""
    return default_generator.get_state()


def set_rng_state(state: dict[str, int]) -> None:
    """Restores a state of the default generator."""
    default_generator.set_state(state)


@contextlib.contextmanager
def fork_rng(devices: Any = None, enabled: bool = True) -> Iterator[None]:
    """A block whose random numbers leave the default generator as it was before.

    >>> import autograd
    >>> before = autograd.initial_seed()
    >>> with autograd.random.fork_rng():
    ...     _ = autograd.manual_seed(1)
    >>> autograd.initial_seed() == before
    True
    """
    state = get_rng_state()
    try:
        yield
    finally:
        if enabled:
            set_rng_state(state)


def rng_of(generator: Generator | None) -> Any:
    """NumPy's generator inside `generator`, or inside the default one."""
    rng = (default_generator if generator is None else generator).rng
    return Draws(rng) if mode.levels else rng


def _floating(dtype: Any, name: str) -> np.dtype:
    found = get_default_dtype() if dtype is None else as_dtype(dtype)
    if found.kind != "f":
        raise NotImplementedError(f"{name}: only floating dtypes are possible, got {found}")
    return found


def draw(method: str, shape: Any, dtype: np.dtype, generator: Generator | None) -> np.ndarray:
    """`rng.METHOD` in the dtype; half precision is drawn in single and rounded."""
    drawn = np.dtype(np.float32) if dtype.itemsize < 4 else dtype
    values = as_array(getattr(rng_of(generator), method)(shape, dtype=drawn))
    return values.astype(dtype, copy=False)


def _drawn(name: str, method: str, what: str) -> tuple[Any, Any]:
    """The function of a distribution, and the one that takes shape and dtype from a tensor."""

    def function(
        *sizes: Any,
        size: Any = None,
        generator: Any = None,
        dtype: Any = None,
        device: Any = None,
        requires_grad: bool = False,
    ) -> Tensor:
        values = draw(method, size_of(sizes, size), _floating(dtype, name), generator)
        return finish(values, None, device, requires_grad)

    def like(
        input: Any,
        *,
        generator: Any = None,
        dtype: Any = None,
        device: Any = None,
        requires_grad: bool = False,
        memory_format: Any = None,
    ) -> Tensor:
        kind = _floating(input.dtype if dtype is None else dtype, name + "_like")
        return finish(
            draw(method, tuple(input.shape), kind, generator), None, device, requires_grad
        )

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"""{what}, of the default dtype.

    >>> import autograd
    >>> autograd.{name}(2, 3).shape
    Size([2, 3])
    """
    like.__name__ = like.__qualname__ = name + "_like"
    like.__doc__ = f"""`{name}` with the shape and dtype of `input`.

    >>> import autograd
    >>> autograd.{name}_like(autograd.ones(2)).shape
    Size([2])
    """
    return public(method=False)(function), public(method=False)(like)


rand, rand_like = _drawn("rand", "random", "Uniform on [0, 1)")
randn, randn_like = _drawn("randn", "standard_normal", "Standard normal")


def range_of(bounds: tuple[Any, ...], low: Any, high: Any, name: str) -> tuple[int, int]:
    """`(high,)` or `(low, high)`, or the keywords."""
    if len(bounds) == 2:
        low, high = bounds
    elif len(bounds) == 1:
        (high,) = bounds
    if high is None or len(bounds) > 2:
        raise TypeError(f"{name}: give `high`, or `low` and `high`")
    if int(high) <= int(low):
        raise RuntimeError(f"{name}: expected low < high, got low={low}, high={high}")
    return int(low), int(high)


@public(method=False)
def randint(
    *args: Any,
    low: int = 0,
    high: int | None = None,
    size: Any = None,
    generator: Any = None,
    dtype: Any = int64,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """Integers in [low, high): `randint(high, size)` or `randint(low, high, size)`.

    >>> import autograd
    >>> int(autograd.randint(3, 4, (1,)))
    3
    """
    if args and isinstance(args[-1], (tuple, list)):
        *args, size = args  # type: ignore[assignment]
    if size is None:
        raise TypeError("randint: call it as randint(high, size) or randint(low, high, size)")
    start, stop = range_of(tuple(args), low, high, "randint")
    values = rng_of(generator).integers(start, stop, size_of((), size))
    return finish(as_array(values), as_dtype(dtype), device, requires_grad)


@public(method=False)
def randint_like(
    input: Any,
    *args: Any,
    low: int = 0,
    high: int | None = None,
    generator: Any = None,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
    memory_format: Any = None,
) -> Tensor:
    """`randint` with the shape and dtype of `input`.

    >>> import autograd
    >>> autograd.randint_like(autograd.ones(2), 3, 4)
    tensor([3., 3.])
    """
    start, stop = range_of(args, low, high, "randint_like")
    values = rng_of(generator).integers(start, stop, tuple(input.shape))
    kind = input.dtype if dtype is None else as_dtype(dtype)
    return finish(as_array(values), kind, device, requires_grad)


@public(method=False)
def randperm(
    n: int,
    *,
    generator: Any = None,
    dtype: Any = int64,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """A random order of 0..n-1.

    >>> import autograd
    >>> autograd.randperm(4).sum()
    tensor(6)
    """
    (count,) = size_of((n,))
    return finish(rng_of(generator).permutation(count), as_dtype(dtype), device, requires_grad)
