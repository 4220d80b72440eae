"""Layers that mix features: Linear, Bilinear; and those that only rearrange: Identity, Flatten."""

from __future__ import annotations

import math
from typing import Any

import autograd
from autograd import Tensor
from autograd.errors import ShapeError, described

from . import functional as F, init
from .module import Module
from .parameter import Parameter


class Identity(Module):
    """Returns its input; a placeholder. Takes any arguments and ignores them.

    >>> import autograd, nn
    >>> nn.Identity(54, unused=True)(autograd.ones(2))
    tensor([1., 1.])
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__()

    def forward(self, input: Any) -> Any:
        return input


class Linear(Module):
    """y = x Wᵀ + b.

    Args:
        in_features: size of the last dimension of the input.
        out_features: size of the last dimension of the output.
        bias: whether to add b.
        device: "cpu" or None.
        dtype: floating dtype of the parameters (default: the default dtype).

    Shape:
        input [*, in_features], output [*, out_features].

    Attributes:
        weight: W, [out_features, in_features], uniform on ±1/√in_features at first.
        bias: b, [out_features], likewise.

    >>> import autograd, nn
    >>> layer = nn.Linear(20, 30)
    >>> layer(autograd.randn(128, 20)).shape
    Size([128, 30])
    """

    weight: Parameter
    bias: Parameter | None

    def __init__(
        self,
        in_features: int,
        out_features: int,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.in_features = in_features
        self.out_features = out_features
        shape = (out_features, in_features)
        self.weight = Parameter(autograd.empty(shape, device=device, dtype=dtype))
        if bias:
            self.bias = Parameter(autograd.empty(out_features, device=device, dtype=dtype))
        else:
            self.register_parameter("bias", None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draws new initial values."""
        bound = 1 / math.sqrt(self.in_features) if self.in_features > 0 else 0
        init.uniform_(self.weight, -bound, bound)  # kaiming_uniform_ with a = √5
        if self.bias is not None:
            init.uniform_(self.bias, -bound, bound)

    def forward(self, input: Tensor) -> Tensor:
        try:
            return F.linear(input, self.weight, self.bias)
        except RuntimeError as error:
            if input.ndim and input.shape[-1] == self.in_features:
                raise
            raise ShapeError(
                f"{self._get_name()}({self.extra_repr()}): expected an input of shape "
                f"[*, {self.in_features}], got {described(input)}"
            ) from error

    def extra_repr(self) -> str:
        return (
            f"in_features={self.in_features}, out_features={self.out_features}, "
            f"bias={self.bias is not None}"
        )


class NonDynamicallyQuantizableLinear(Linear):
    """A Linear layer whose weight others use directly, so that nothing may take its place."""


class Bilinear(Module):
    """yₖ = x₁ᵀ Wₖ x₂ + bₖ.

    Args:
        in1_features: size of the last dimension of the first input.
        in2_features: size of the last dimension of the second input.
        out_features: size of the last dimension of the output.
        bias: whether to add b.
        device: "cpu" or None.
        dtype: floating dtype of the parameters (default: the default dtype).

    Shape:
        inputs [*, in1_features] and [*, in2_features], output [*, out_features].

    Attributes:
        weight: W, [out_features, in1_features, in2_features], uniform on ±1/√in1_features at first.
        bias: b, [out_features], likewise.

    >>> import autograd, nn
    >>> nn.Bilinear(20, 30, 40)(autograd.randn(128, 20), autograd.randn(128, 30)).shape
    Size([128, 40])
    """

    weight: Parameter
    bias: Parameter | None

    def __init__(
        self,
        in1_features: int,
        in2_features: int,
        out_features: int,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        if in1_features <= 0:
            raise ValueError(f"in1_features must be > 0, but got (in1_features={in1_features})")
        self.in1_features = in1_features
        self.in2_features = in2_features
        self.out_features = out_features
        shape = (out_features, in1_features, in2_features)
        self.weight = Parameter(autograd.empty(shape, device=device, dtype=dtype))
        if bias:
            self.bias = Parameter(autograd.empty(out_features, device=device, dtype=dtype))
        else:
            self.register_parameter("bias", None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draws new initial values."""
        bound = 1 / math.sqrt(self.in1_features)
        init.uniform_(self.weight, -bound, bound)
        if self.bias is not None:
            init.uniform_(self.bias, -bound, bound)

    def forward(self, input1: Tensor, input2: Tensor) -> Tensor:
        sizes = (self.in1_features, self.in2_features)
        if (input1.shape[-1:], input2.shape[-1:]) != (sizes[:1], sizes[1:]):
            raise ShapeError(
                f"{self._get_name()}({self.extra_repr()}): expected inputs of shapes "
                f"[*, {sizes[0]}] and [*, {sizes[1]}], got {described(input1)} and "
                f"{described(input2)}"
            )
        return F.bilinear(input1, input2, self.weight, self.bias)

    def extra_repr(self) -> str:
        return (
            f"in1_features={self.in1_features}, in2_features={self.in2_features}, "
            f"out_features={self.out_features}, bias={self.bias is not None}"
        )


class Flatten(Module):
    """Joins the dimensions from `start_dim` to `end_dim` into one; by default all but the first.

    >>> import autograd, nn
    >>> nn.Flatten()(autograd.zeros(64, 1, 28, 28)).shape
    Size([64, 784])
    """

    def __init__(self, start_dim: int = 1, end_dim: int = -1) -> None:
        super().__init__()
        self.start_dim = start_dim
        self.end_dim = end_dim

    def forward(self, input: Tensor) -> Tensor:
        return autograd.flatten(input, self.start_dim, self.end_dim)

    def extra_repr(self) -> str:
        return f"start_dim={self.start_dim}, end_dim={self.end_dim}"


class Unflatten(Module):
    """Splits dimension `dim` into several of sizes `unflattened_size`, one of which may be -1.

    >>> import autograd, nn
    >>> nn.Unflatten(1, (1, 28, -1))(autograd.zeros(64, 784)).shape
    Size([64, 1, 28, 28])
    """

    def __init__(self, dim: int, unflattened_size: tuple[int, ...]) -> None:
        super().__init__()
        if not isinstance(unflattened_size, (tuple, list)):
            raise TypeError(
                "unflattened_size must be a tuple of ints, "
                f"but found type {type(unflattened_size).__name__}"
            )
        for i, size in enumerate(unflattened_size):
            if not isinstance(size, int):
                raise TypeError(
                    "unflattened_size must be tuple of ints, but found element of type "
                    f"{type(size).__name__} at pos {i}"
                )
        self.dim = dim
        self.unflattened_size = unflattened_size

    def forward(self, input: Tensor) -> Tensor:
        shape = input.shape
        axis = self.dim + input.ndim if self.dim < 0 else self.dim
        return input.reshape(*shape[:axis], *self.unflattened_size, *shape[axis + 1 :])

    def extra_repr(self) -> str:
        return f"dim={self.dim}, unflattened_size={self.unflattened_size}"
