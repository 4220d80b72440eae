"""`Distribution`: shapes, checks of arguments and samples, and the methods every one may have."""

from __future__ import annotations

import warnings
from typing import Any

from autograd.grad_mode import no_grad
from autograd.tensor import Size, Tensor

from . import constraints
from .utils import lazy_property


class Distribution:
    """Base class of probability distributions.

    A distribution is a batch of `batch_shape` independent ones, whose samples (events) have shape
    `event_shape`; a sample of `sample_shape` has shape sample_shape + batch_shape + event_shape.

    A subclass sets its parameters as attributes, tensors whose leading dimensions are those of the
    batch, and then calls this `__init__`.

    Args:
        batch_shape: the shape of the batch.
        event_shape: the shape of one event.
        validate_args: whether to check parameters and values, by default yes (unless Python runs
            with -O).

    >>> from autograd.distributions import Normal
    >>> import autograd
    >>> d = Normal(autograd.zeros(3), 1.0)
    >>> d.batch_shape, d.event_shape, d.sample((2,)).shape
    (Size([3]), Size([]), Size([2, 3]))
    """

    has_rsample: Any = False
    has_enumerate_support: Any = False
    _validate_args = __debug__
    _unbatched: tuple[str, ...] = ()  # attributes that `expand` leaves as they are

    @staticmethod
    def set_default_validate_args(value: bool) -> None:
        """Turns the checks on or off for distributions that are not told."""
        if value not in (True, False):
            raise ValueError(f"set_default_validate_args: expected True or False, got {value!r}")
        Distribution._validate_args = value

    def __init__(
        self,
        batch_shape: Any = (),
        event_shape: Any = (),
        validate_args: bool | None = None,
    ) -> None:
        self._batch_shape = Size(batch_shape)
        self._event_shape = Size(event_shape)
        if validate_args is not None:
            self._validate_args = validate_args
        if not self._validate_args:
            return
        try:
            arg_constraints = self.arg_constraints
        except NotImplementedError:
            arg_constraints = {}
            warnings.warn(
                f"{type(self)} does not define `arg_constraints`. Please set "
                "`arg_constraints = {}` or initialize the distribution with "
                "`validate_args=False` to turn off validation.",
                stacklevel=2,
            )
        for name, constraint in arg_constraints.items():
            if constraints.is_dependent(constraint):
                continue
            lazy = isinstance(getattr(type(self), name, None), lazy_property)
            if name in self.__dict__ or not lazy:
                self._check(f"parameter {name}", getattr(self, name), constraint)

    def _check(self, what: str, value: Tensor, constraint: constraints.Constraint) -> None:
        """Raises ValueError unless all of `value` satisfies the constraint."""
        with no_grad():
            if constraint.check(value).all():
                return
        kind = f"({type(value).__name__} of shape {tuple(value.shape)})"
        wanted = (
            f"of distribution {self!r} to satisfy the constraint {constraint!r}"
            if what.startswith("parameter")
            else f"to be within the support ({constraint!r}) of the distribution {self!r}"
        )
        raise ValueError(f"Expected {what} {kind} {wanted}, but found invalid values:\n{value}")

    def expand(self, batch_shape: Any, _instance: Any = None) -> Any:
        """The distribution with its batch dimensions expanded to `batch_shape`, without a copy.

        A subclass whose attributes do not begin with the batch dimensions has to override it;
        `_instance` is the object to fill then.
        """
        new = type(self).__new__(type(self)) if _instance is None else _instance
        shape, own = Size(batch_shape), len(self._batch_shape)
        for name, value in self.__dict__.items():
            if name in self._unbatched:
                pass
            elif isinstance(value, Tensor):
                value = value.expand(shape + value.shape[own:])
            elif isinstance(value, Distribution):
                value = value.expand(shape + value.batch_shape[own:])
            new.__dict__.setdefault(name, value)
        new._batch_shape = shape
        return new

    @property
    def batch_shape(self) -> Size:
        """The shape of the batch of distributions."""
        return self._batch_shape

    @property
    def event_shape(self) -> Size:
        """The shape of one sample of one of them."""
        return self._event_shape

    def _missing(self, what: str) -> NotImplementedError:
        return NotImplementedError(f"{type(self).__name__} does not implement {what}")

    @property
    def arg_constraints(self) -> dict[str, constraints.Constraint]:
        """What each parameter has to satisfy."""
        raise self._missing("arg_constraints")

    @property
    def support(self) -> Any:
        """The constraint that samples satisfy."""
        raise self._missing("support")

    @property
    def mean(self) -> Tensor:
        """The mean."""
        raise self._missing("mean")

    @property
    def mode(self) -> Tensor:
        """The most probable value."""
        raise self._missing("mode")

    @property
    def variance(self) -> Tensor:
        """The variance."""
        raise self._missing("variance")

    @property
    def stddev(self) -> Tensor:
        """The standard deviation."""
        return self.variance.sqrt()

    def sample(self, sample_shape: Any = ()) -> Tensor:
        """A sample of shape sample_shape + batch_shape + event_shape, without a gradient."""
        with no_grad():
            return self.rsample(sample_shape)

    def rsample(self, sample_shape: Any = ()) -> Tensor:
        """A sample that is a differentiable function of the parameters (and of noise)."""
        raise self._missing("rsample")

    def sample_n(self, n: int) -> Tensor:
        """`sample((n,))`, deprecated as in PyTorch."""
        warnings.warn(
            "`sample_n(n)` will be deprecated. Use `sample((n,))` instead.",
            FutureWarning,
            stacklevel=2,
        )
        return self.sample((n,))

    def log_prob(self, value: Tensor) -> Tensor:
        """The logarithm of the density or probability at `value`."""
        raise self._missing("log_prob")

    def cdf(self, value: Tensor) -> Tensor:
        """The probability of a sample of at most `value`."""
        raise self._missing("cdf")

    def icdf(self, value: Tensor) -> Tensor:
        """The inverse of `cdf`: the quantile of probability `value`."""
        raise self._missing("icdf")

    def enumerate_support(self, expand: bool = True) -> Tensor:
        """All values of a discrete distribution, along a new first dimension.

        With `expand=False` the batch dimensions have size 1.
        """
        raise self._missing("enumerate_support")

    def entropy(self) -> Tensor:
        """The entropy in nats, of shape batch_shape."""
        raise self._missing("entropy")

    def perplexity(self) -> Tensor:
        """The exponential of the entropy."""
        return self.entropy().exp()

    def _extended_shape(self, sample_shape: Any = ()) -> Size:
        """The shape of a sample."""
        return Size(sample_shape) + self._batch_shape + self._event_shape

    def _enumerated(self, values: Tensor, expand: bool) -> Tensor:
        """`values` along a new dimension before those of the batch."""
        values = values.reshape((-1,) + (1,) * len(self._batch_shape))
        return values.expand((-1, *self._batch_shape)) if expand else values

    def _validate_sample(self, value: Tensor) -> None:
        """Raises ValueError unless `value` has the right shape and lies within the support."""
        if not isinstance(value, Tensor):
            raise ValueError("The value argument to log_prob must be a Tensor")
        shape, wanted = value.shape, self._batch_shape + self._event_shape
        if shape[len(shape) - len(self._event_shape) :] != self._event_shape:
            raise ValueError(
                f"The right-most size of value must match event_shape: {shape} vs "
                f"{self._event_shape}."
            )
        pairs = zip(reversed(shape), reversed(wanted), strict=False)
        if any(i != 1 and j != 1 and i != j for i, j in pairs):
            raise ValueError(
                f"Value is not broadcastable with batch_shape+event_shape: {shape} vs {wanted}."
            )
        try:
            support = self.support
        except NotImplementedError:
            warnings.warn(
                f"{type(self)} does not define `support` to enable sample validation. Please "
                "initialize the distribution with `validate_args=False` to turn off validation.",
                stacklevel=2,
            )
            return
        self._check("value argument", value, support)

    def _get_checked_instance(self, cls: type, _instance: Any = None) -> Any:
        """The object that an `expand` written as in PyTorch fills."""
        if _instance is None and type(self).__init__ is not cls.__init__:  # type: ignore[misc]
            raise NotImplementedError(
                f"Subclass {type(self).__name__} of {cls.__name__} that defines a custom __init__ "
                "method must also define a custom .expand() method."
            )
        return type(self).__new__(type(self)) if _instance is None else _instance

    def __repr__(self) -> str:
        given = {
            name: self.__dict__[name] for name in self.arg_constraints if name in self.__dict__
        }
        texts = [f"{k}: {v if v.numel() == 1 else v.shape}" for k, v in given.items()]
        return f"{type(self).__name__}({', '.join(texts)})"
