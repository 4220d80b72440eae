"""Ways to choose what is pruned: classes with `compute_mask`, which are the hooks of prune.py."""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from collections.abc import Iterator
from numbers import Integral, Real
from typing import Any, ClassVar

import autograd
from autograd import Tensor

from ..hooks import find_pre_hook
from ..module import Module


class BasePruningMethod(ABC):
    """Base class of the ways to choose what is pruned.

    A subclass sets `PRUNING_TYPE`: "unstructured" (single entries are chosen among those that are
    left), "structured" (whole slices along `self.dim`) or "global" (from the whole tensor).
    """

    PRUNING_TYPE: ClassVar[str]
    name: str

    @property
    def _tensor_name(self) -> str:
        return self.name

    @_tensor_name.setter
    def _tensor_name(self, name: str) -> None:
        self.name = name

    @abstractmethod
    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """The new mask for a tensor with importances `t`: zeros where to prune, else the old."""

    def __call__(self, module: Module, inputs: Any) -> None:
        setattr(module, self.name, self.apply_mask(module))

    def apply_mask(self, module: Module) -> Tensor:
        """The pruned tensor, differentiable by the original."""
        original = getattr(module, f"{self.name}_orig")
        return getattr(module, f"{self.name}_mask").to(original.dtype) * original

    @classmethod
    def apply(
        cls, module: Module, name: str, *args: Any, importance_scores: Any = None, **kwargs: Any
    ) -> BasePruningMethod:
        """Prunes a parameter; one that is pruned already is pruned further.

        Args:
            importance_scores: what `compute_mask` looks at in the place of the parameter.
        """
        method: BasePruningMethod = cls(*args, **kwargs)
        method.name = name
        tensor = getattr(module, name)
        scores = tensor if importance_scores is None else importance_scores
        if scores.shape != tensor.shape:
            raise AssertionError(
                f"importance_scores should have the same shape as parameter {name} of {module}, "
                f"got {tuple(scores.shape)} vs {tuple(tensor.shape)}"
            )
        earlier = find_pre_hook(module, BasePruningMethod, name)
        if earlier is None:
            mask = method.compute_mask(scores.detach(), autograd.ones_like(tensor.detach()))
            original = module._parameters.pop(name)
            module.register_parameter(f"{name}_orig", original)
        else:
            handle, known = earlier
            container = copy.copy(known)
            if not isinstance(known, PruningContainer):
                container = PruningContainer(known)
            container.add_pruning_method(method)
            method = container
            old = getattr(module, f"{name}_mask").detach().clone()
            mask = method.compute_mask(scores.detach(), old)
            handle.remove()
        module.register_buffer(f"{name}_mask", mask)
        method(module, ())
        module.register_forward_pre_hook(method)
        return method

    def prune(self, t: Tensor, default_mask: Any = None, importance_scores: Any = None) -> Tensor:
        """`t` with zeros where this method prunes it."""
        scores = t if importance_scores is None else importance_scores
        if scores.shape != t.shape:
            raise AssertionError(
                "importance_scores should have the same shape as tensor t, got "
                f"{tuple(scores.shape)} vs {tuple(t.shape)}"
            )
        mask = autograd.ones_like(t) if default_mask is None else default_mask
        return t * self.compute_mask(scores, default_mask=mask)

    def remove(self, module: Module) -> None:
        """Makes the parameter an ordinary one again that has the zeros."""
        pruned = self.apply_mask(module)
        delattr(module, self.name)
        original = module._parameters.pop(f"{self.name}_orig")
        assert original is not None
        original.data = pruned.detach()
        del module._buffers[f"{self.name}_mask"]
        setattr(module, self.name, original)


class PruningContainer(BasePruningMethod):
    """Several methods for one parameter, each pruning what the earlier ones left."""

    PRUNING_TYPE = "global"

    def __init__(self, *methods: BasePruningMethod) -> None:
        self._pruning_methods: tuple[BasePruningMethod, ...] = ()
        if methods:
            self.name = methods[0].name
        for method in methods:
            self.add_pruning_method(method)

    def add_pruning_method(self, method: BasePruningMethod) -> None:
        """Adds one more, for the same parameter."""
        if not isinstance(method, BasePruningMethod):
            raise TypeError(f"{type(method)} is not a BasePruningMethod subclass")
        if method.name != self.name:
            raise ValueError(
                "Can only add pruning methods acting on the parameter named "
                f"'{self.name}' to PruningContainer {self}. Found '{method.name}'"
            )
        self._pruning_methods += (method,)

    def __len__(self) -> int:
        return len(self._pruning_methods)

    def __iter__(self) -> Iterator[BasePruningMethod]:
        return iter(self._pruning_methods)

    def __getitem__(self, i: Any) -> Any:
        return self._pruning_methods[i]

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        """The mask of the last method, which chooses among what is left."""
        method, mask = self._pruning_methods[-1], default_mask.to(t.dtype).clone()
        index: Any = ...
        if method.PRUNING_TYPE == "unstructured":
            index = mask == 1
        elif method.PRUNING_TYPE == "structured":
            dim = _dimension(t, method.dim)  # type: ignore[attr-defined]
            kept = mask.sum(dim=[d for d in range(t.ndim) if d != dim]) != 0
            index = (slice(None),) * dim + (kept,)
        elif method.PRUNING_TYPE != "global":
            raise ValueError(f"Unrecognized PRUNING_TYPE {method.PRUNING_TYPE}")
        mask[index] = method.compute_mask(t[index], default_mask=mask[index]).to(mask.dtype)
        return mask


class Identity(BasePruningMethod):
    """Prunes nothing: makes the mask, with ones."""

    PRUNING_TYPE = "unstructured"

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        return default_mask


class _ByAmount(BasePruningMethod):
    """Prunes `amount` of something: a fraction as a float, a number as an int."""

    amount: Any

    def __init__(self, amount: Any) -> None:
        if not isinstance(amount, Real):
            raise TypeError(f"Invalid type for amount: {amount}. Must be int or float.")
        if float(amount) < 0 or (not isinstance(amount, Integral) and float(amount) > 1):
            raise ValueError(
                f"amount={amount} should either be a float in the range [0, 1] or a non-negative "
                "integer"
            )
        self.amount = amount

    def _count(self, size: int) -> int:
        if not isinstance(self.amount, Integral):
            return round(float(self.amount) * size)
        if int(self.amount) > size:
            raise ValueError(
                f"amount={self.amount} should be smaller than the number of parameters to "
                f"prune={size}"
            )
        return int(self.amount)


class _Unstructured(_ByAmount):
    PRUNING_TYPE = "unstructured"

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        mask = default_mask.clone()
        count = self._count(t.numel())
        lowest = autograd.topk(self._importance(t).reshape(-1), count, largest=False).indices
        mask.view(-1)[lowest] = 0
        return mask

    def _importance(self, t: Tensor) -> Tensor:
        raise NotImplementedError


class RandomUnstructured(_Unstructured):
    """Prunes entries drawn at random."""

    def _importance(self, t: Tensor) -> Tensor:
        return autograd.rand_like(t)


class L1Unstructured(_Unstructured):
    """Prunes the entries with the smallest absolute values."""

    def _importance(self, t: Tensor) -> Tensor:
        return t.abs()


class _Structured(_ByAmount):
    PRUNING_TYPE = "structured"
    dim: int

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        if t.ndim <= 1:
            raise ValueError(
                "Structured pruning can only be applied to multidimensional tensors. Found tensor "
                f"of shape {tuple(t.shape)} with {t.ndim} dims"
            )
        dim = _dimension(t, self.dim)
        count = self._count(t.shape[dim])
        lowest = autograd.topk(self._importance(t, dim), count, largest=False).indices
        mask = default_mask.clone()
        mask.index_fill_(dim, lowest, 0)
        return mask

    def _importance(self, t: Tensor, dim: int) -> Tensor:
        raise NotImplementedError


class RandomStructured(_Structured):
    """Prunes whole slices along `dim`, drawn at random."""

    def __init__(self, amount: float, dim: int = -1) -> None:
        super().__init__(amount)
        self.dim = dim

    def _importance(self, t: Tensor, dim: int) -> Tensor:
        return autograd.rand(t.shape[dim])


class LnStructured(_Structured):
    """Prunes the slices along `dim` with the smallest Ln norms."""

    def __init__(self, amount: float, n: Any, dim: int = -1) -> None:
        super().__init__(amount)
        self.n, self.dim = n, dim

    def _importance(self, t: Tensor, dim: int) -> Tensor:
        return autograd.norm(t, p=self.n, dim=[d for d in range(t.ndim) if d != dim])


class CustomFromMask(BasePruningMethod):
    """Prunes where a given mask is 0."""

    PRUNING_TYPE = "global"

    def __init__(self, mask: Tensor) -> None:
        self.mask = mask

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        if default_mask.shape != self.mask.shape:
            raise AssertionError(
                f"default_mask shape {tuple(default_mask.shape)} must match self.mask shape "
                f"{tuple(self.mask.shape)}"
            )
        return default_mask * self.mask.to(default_mask.dtype)


def _dimension(t: Tensor, dim: int) -> int:
    if not -t.ndim <= dim < t.ndim:
        raise IndexError(f"Invalid index {dim} for tensor of size {tuple(t.shape)}")
    return dim % t.ndim
