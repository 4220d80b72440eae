"""Layers that learn the size of their input from the first one they see.

Until then their weights have no shape. They are the same objects before and after, so that an
optimizer may be made before the first call.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from autograd import Tensor, no_grad, tensor
from autograd.errors import ShapeError, described

from .batchnorm import (
    BatchNorm1d,
    BatchNorm2d,
    BatchNorm3d,
    InstanceNorm1d,
    InstanceNorm2d,
    InstanceNorm3d,
)
from .conv import (
    Conv1d,
    Conv2d,
    Conv3d,
    ConvTranspose1d,
    ConvTranspose2d,
    ConvTranspose3d,
)
from .linear import Linear
from .module import Module
from .parameter import UninitializedBuffer, UninitializedParameter, is_lazy


class LazyModuleMixin(Module):
    """What lazy layers share. Their class changes to `cls_to_become` with their first call.

    A subclass makes `UninitializedParameter`s and defines `initialize_parameters(*inputs)`, which
    calls `materialize(shape)` on each.
    """

    cls_to_become: type[Module] | None = None

    def initialize_parameters(self, *args: Any, **kwargs: Any) -> None:
        """Gives all parameters their shape, which follows from these inputs."""
        raise NotImplementedError(
            f"initialize_parameters is not implemented for {self._get_name()}"
        )

    def has_uninitialized_params(self) -> bool:
        """Whether a parameter or buffer has no shape yet.

        >>> import nn
        >>> nn.LazyLinear(3).has_uninitialized_params()
        True
        """
        return any(map(is_lazy, [*self._parameters.values(), *self._buffers.values()]))

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        self.initialize_parameters(*args, **kwargs)
        if self.has_uninitialized_params():
            raise RuntimeError(f"module {self._get_name()} has not been fully initialized")
        if self.cls_to_become is not None:
            self.__class__ = self.cls_to_become  # type: ignore[assignment]
        return Module.__call__(self, *args, **kwargs)

    def _save_to_state_dict(
        self, destination: dict[str, Any], prefix: str, keep_vars: bool
    ) -> None:
        super()._save_to_state_dict(destination, prefix, keep_vars)
        hidden = self._non_persistent_buffers_set
        for name, value in [*self._parameters.items(), *self._buffers.items()]:
            if is_lazy(value) and name not in hidden:
                destination[prefix + name] = value

    def _load_from_state_dict(
        self,
        state_dict: Mapping[str, Any],
        prefix: str,
        local_metadata: dict[str, Any],
        strict: bool,
        missing_keys: list[str],
        *rest: Any,
    ) -> None:
        state, neither = dict(state_dict), []
        for name, own in [*self._parameters.items(), *self._buffers.items()]:
            given = state.get(prefix + name)
            if is_lazy(own) and given is not None:
                if is_lazy(given):
                    neither.append(prefix + name)
                    del state[prefix + name]
                else:
                    own.materialize(given.shape)  # type: ignore[union-attr]
        super()._load_from_state_dict(state, prefix, local_metadata, strict, missing_keys, *rest)
        missing_keys[:] = [key for key in missing_keys if key not in neither]


class LazyLinear(LazyModuleMixin, Linear):
    """`Linear` whose `in_features` is the last size of its first input.

    Args:
        out_features: size of the last dimension of the output.
        bias: whether to add a bias.
        device: "cpu" or None.
        dtype: floating dtype of the parameters (default: the default dtype).

    >>> import autograd, nn
    >>> layer = nn.LazyLinear(3)
    >>> layer(autograd.ones(2, 5)).shape, layer
    (Size([2, 3]), Linear(in_features=5, out_features=3, bias=True))
    """

    cls_to_become = Linear

    def __init__(
        self, out_features: int, bias: bool = True, device: Any = None, dtype: Any = None
    ) -> None:
        super().__init__(0, 0, False)
        self.out_features = out_features
        self.weight = UninitializedParameter(device=device, dtype=dtype)
        if bias:
            self.bias = UninitializedParameter(device=device, dtype=dtype)

    def reset_parameters(self) -> None:
        """Draws new initial values, if there are shapes."""
        if not self.has_uninitialized_params() and self.in_features:
            super().reset_parameters()

    def initialize_parameters(self, input: Tensor) -> None:
        """Takes the size of the input's last dimension."""
        missing = self.has_uninitialized_params()
        if missing or self.in_features == 0:
            self.in_features = input.shape[-1]
        if missing:
            with no_grad():
                _materialize(self.weight, (self.out_features, self.in_features))
                _materialize(self.bias, (self.out_features,))
                self.reset_parameters()


def _materialize(parameter: Any, shape: tuple[int, ...]) -> None:
    if is_lazy(parameter):
        parameter.materialize(shape)


class _LazyConv(LazyModuleMixin):
    """Convolutions whose `in_channels` is the number of channels of their first input."""

    in_channels: int

    def __init__(self, out_channels: int, *args: Any, **kwargs: Any) -> None:
        bias = kwargs.pop("bias")
        options = {"device": kwargs["device"], "dtype": kwargs["dtype"]}
        super().__init__(0, 0, *args, bias=False, **kwargs)  # type: ignore[call-arg]
        self.out_channels = out_channels
        if out_channels % self.groups:
            raise ValueError("out_channels must be divisible by groups")
        self.weight = UninitializedParameter(**options)
        if bias:
            self.bias = UninitializedParameter(**options)

    def reset_parameters(self) -> None:
        """Draws new initial values, if there are shapes."""
        if not self.has_uninitialized_params() and self.in_channels:
            super().reset_parameters()  # type: ignore[misc]

    def initialize_parameters(self, input: Tensor, *args: Any, **kwargs: Any) -> None:
        """Takes the number of the input's channels."""
        missing = self.has_uninitialized_params()
        if missing or self.in_channels == 0:
            self.in_channels = self._channels_of(input)
        if not missing:
            return
        if self.in_channels % self.groups:
            raise ValueError("in_channels must be divisible by groups")
        ends = (self.out_channels, self.in_channels)
        first, second = ends[::-1] if self.transposed else ends
        with no_grad():
            _materialize(self.weight, (first, second // self.groups, *self.kernel_size))
            _materialize(self.bias, (self.out_channels,))
            self.reset_parameters()

    def _channels_of(self, input: Tensor) -> int:
        dims = self._dims
        if input.ndim not in (dims + 1, dims + 2):
            raise ShapeError(
                f"Expected {dims + 1}D (unbatched) or {dims + 2}D (batched) input to "
                f"{self._get_name()}, but got {described(input)}"
            )
        return input.shape[input.ndim - dims - 1]


class _LazyForward(_LazyConv):
    def __init__(
        self,
        out_channels: int,
        kernel_size: Any,
        stride: Any = 1,
        padding: Any = 0,
        dilation: Any = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(
            out_channels,
            kernel_size,
            stride,
            padding,
            dilation,
            groups,
            bias=bias,
            padding_mode=padding_mode,
            device=device,
            dtype=dtype,
        )


class _LazyTransposed(_LazyConv):
    def __init__(
        self,
        out_channels: int,
        kernel_size: Any,
        stride: Any = 1,
        padding: Any = 0,
        output_padding: Any = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: Any = 1,
        padding_mode: str = "zeros",
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(
            out_channels,
            kernel_size,
            stride,
            padding,
            output_padding,
            groups,
            bias=bias,
            dilation=dilation,
            padding_mode=padding_mode,
            device=device,
            dtype=dtype,
        )


class LazyConv1d(_LazyForward, Conv1d):  # type: ignore[misc]
    """`Conv1d` that takes its `in_channels` from its first input; other arguments as there.

    >>> import autograd, nn
    >>> layer = nn.LazyConv1d(8, 3)
    >>> layer(autograd.ones(2, 4, 9)).shape, layer
    (Size([2, 8, 7]), Conv1d(4, 8, kernel_size=(3,), stride=(1,)))
    """

    cls_to_become = Conv1d


class LazyConv2d(_LazyForward, Conv2d):  # type: ignore[misc]
    """`Conv2d` that takes its `in_channels` from its first input; other arguments as there."""

    cls_to_become = Conv2d


class LazyConv3d(_LazyForward, Conv3d):  # type: ignore[misc]
    """`Conv3d` that takes its `in_channels` from its first input; other arguments as there."""

    cls_to_become = Conv3d


class LazyConvTranspose1d(_LazyTransposed, ConvTranspose1d):  # type: ignore[misc]
    """`ConvTranspose1d` that takes its `in_channels` from its first input."""

    cls_to_become = ConvTranspose1d


class LazyConvTranspose2d(_LazyTransposed, ConvTranspose2d):  # type: ignore[misc]
    """`ConvTranspose2d` that takes its `in_channels` from its first input."""

    cls_to_become = ConvTranspose2d


class LazyConvTranspose3d(_LazyTransposed, ConvTranspose3d):  # type: ignore[misc]
    """`ConvTranspose3d` that takes its `in_channels` from its first input."""

    cls_to_become = ConvTranspose3d


class _LazyNorm(LazyModuleMixin):
    """Normalization whose `num_features` is the number of channels of its first input."""

    num_features: int

    def __init__(
        self,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        device: Any = None,
        dtype: Any = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__(0, eps, momentum, False, False)  # type: ignore[call-arg]
        self.affine = affine
        self.track_running_stats = track_running_stats
        options = {"device": device, "dtype": dtype}
        if affine:
            self.weight = UninitializedParameter(**options)
            if bias:
                self.bias = UninitializedParameter(**options)
        if track_running_stats:
            self.running_mean = UninitializedBuffer(**options)
            self.running_var = UninitializedBuffer(**options)
            self.num_batches_tracked = tensor(0)

    def reset_parameters(self) -> None:
        """Forgets the moments and makes the weight ones and the bias zeros, if there are shapes."""
        if not self.has_uninitialized_params() and self.num_features:
            super().reset_parameters()  # type: ignore[misc]

    def initialize_parameters(self, input: Tensor) -> None:
        """Takes the number of the input's channels."""
        missing = self.has_uninitialized_params()
        if missing or self.num_features == 0:
            dims = getattr(self, "_dims", None)  # instances may come without a batch
            self.num_features = input.shape[1 if dims is None else input.ndim - dims - 1]
        if missing:
            with no_grad():
                for own in (self.weight, self.bias, self.running_mean, self.running_var):
                    _materialize(own, (self.num_features,))
                self.reset_parameters()


class LazyBatchNorm1d(_LazyNorm, BatchNorm1d):  # type: ignore[misc]
    """`BatchNorm1d` that takes its `num_features` from its first input; other arguments as there.

    >>> import autograd, nn
    >>> layer = nn.LazyBatchNorm1d()
    >>> layer(autograd.ones(2, 4)).shape, layer.num_features
    (Size([2, 4]), 4)
    """

    cls_to_become = BatchNorm1d


class LazyBatchNorm2d(_LazyNorm, BatchNorm2d):  # type: ignore[misc]
    """`BatchNorm2d` that takes its `num_features` from its first input; arguments as there."""

    cls_to_become = BatchNorm2d


class LazyBatchNorm3d(_LazyNorm, BatchNorm3d):  # type: ignore[misc]
    """`BatchNorm3d` that takes its `num_features` from its first input; arguments as there."""

    cls_to_become = BatchNorm3d


class LazyInstanceNorm1d(_LazyNorm, InstanceNorm1d):  # type: ignore[misc]
    """`InstanceNorm1d` that takes its `num_features` from its first input."""

    cls_to_become = InstanceNorm1d


class LazyInstanceNorm2d(_LazyNorm, InstanceNorm2d):  # type: ignore[misc]
    """`InstanceNorm2d` that takes its `num_features` from its first input."""

    cls_to_become = InstanceNorm2d


class LazyInstanceNorm3d(_LazyNorm, InstanceNorm3d):  # type: ignore[misc]
    """`InstanceNorm3d` that takes its `num_features` from its first input."""

    cls_to_become = InstanceNorm3d
