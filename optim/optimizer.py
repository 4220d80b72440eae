"""`Optimizer`: parameter groups, per-parameter state and the step, without any update rule.

A rule is a subclass with `_update`, which changes one parameter's array in place. What PyTorch
programs rely on is here once: groups with their own options, closures, hooks, and the
`state_dict` layout, so that checkpoints load in either library.
"""

from __future__ import annotations

import copy
import warnings
from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any, ClassVar

import numpy as np

from autograd.grad_mode import enable_grad, no_grad
from autograd.sites import part_of_library
from autograd.tensor import Tensor, wrap

from .hooks import (
    Hooked,
    hooked,
    register_optimizer_step_post_hook as register_optimizer_step_post_hook,
    register_optimizer_step_pre_hook as register_optimizer_step_pre_hook,
)
from .rules import step_count

ParamsT = Iterable[Tensor] | Iterable[dict[str, Any]] | Iterable[tuple[str, Tensor]]

part_of_library(__file__)

required: Any = type("required", (), {"__repr__": lambda _: "<required parameter>"})()
"""As a default: an option that every group has to give."""


class Optimizer(Hooked):
    """Base class of the update rules.

    Args:
        params: tensors, (name, tensor) pairs, or dicts with "params" and options of that group.
        defaults: the options of groups that do not give their own.

    Attributes:
        param_groups: a list of dicts with "params" and every option; options may be changed
            between steps.
        state: what the rule remembers of each parameter, by parameter.

    A rule of your own defines `step` as in PyTorch:

    >>> import autograd
    >>> class SignDescent(Optimizer):
    ...     def __init__(self, params, lr=0.1):
    ...         super().__init__(params, {"lr": lr})
    ...
    ...     @autograd.no_grad()
    ...     def step(self):
    ...         for group in self.param_groups:
    ...             for p in group["params"]:
    ...                 p -= group["lr"] * p.grad.sign()
    >>> x = autograd.tensor([3.0, -2.0], requires_grad=True)
    >>> (x * x).sum().backward()
    >>> SignDescent([x]).step()
    >>> x
    tensor([ 2.9000, -1.9000], requires_grad=True)
    """

    _stepped = False  # schedules warn if their first step comes before the optimizer's
    # The state that is one number per parameter, in the default dtype whatever the parameter's.
    _scalars: ClassVar[tuple[str, ...]] = ("step",)
    # Whether all other arrays of the state have the parameter's shape, which loading then checks.
    # A rule with a step of its own may keep what it likes.
    _elementwise: ClassVar[bool] = True

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "step" in cls.__dict__:
            cls.step = hooked(cls.__dict__["step"])  # type: ignore[method-assign]
            if "_elementwise" not in cls.__dict__:
                cls._elementwise = False

    def __init__(self, params: ParamsT, defaults: dict[str, Any]) -> None:
        if isinstance(params, Tensor) or not isinstance(params, Iterable):
            hint = "; pass model.parameters()" if _is_module(params) else ""
            hint = "; pass [tensor]" if isinstance(params, Tensor) else hint
            raise TypeError(
                f"{type(self).__name__}: params argument given to the optimizer should be an "
                f"iterable of Tensors or dicts, but got a {type(params).__name__}{hint}"
            )
        self.defaults = defaults
        self.state: defaultdict[Tensor, Any] = defaultdict(dict)
        self.param_groups: list[dict[str, Any]] = []
        self._no_hooks()
        self._check(defaults)
        groups: list[Any] = list(params)
        if not groups:
            raise ValueError(f"{type(self).__name__}: optimizer got an empty parameter list")
        if not isinstance(groups[0], dict):
            groups = [{"params": groups}]
        for group in groups:
            self.add_param_group(group)

    def _check(self, options: dict[str, Any]) -> None:
        """Raises ValueError for an option that makes no sense to the rule."""

    def _update(
        self, param: np.ndarray, grad: np.ndarray, state: dict[str, Any], group: dict[str, Any]
    ) -> None:
        """Changes `param` in place by one step of the rule. `grad` must be left as it is."""
        raise NotImplementedError(f"{type(self).__name__} defines neither step nor _update")

    @hooked
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """Updates every parameter that has a gradient.

        Args:
            closure: evaluates the model again and returns the loss, which `step` then returns.
        """
        loss = None
        if closure is not None:
            with enable_grad():
                loss = closure()
        # Overflow in a diverging run gives inf and nan silently, as everywhere in the library.
        with no_grad(), np.errstate(all="ignore"):
            for group in self.param_groups:
                for p in group["params"]:
                    if p._grad is not None:
                        self._update(p._data, p._grad._data, self.state[p], group)
                        p._versions().n += 1
        return loss

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forgets the gradients, or with `set_to_none=False` fills them with zeros.

        A parameter without a gradient is left out of `step`; one with a zero gradient is not.
        """
        for group in self.param_groups:
            for p in group["params"]:
                if set_to_none or p._grad is None:
                    p._grad = None
                else:
                    p._grad = p._grad.detach()
                    p._grad._data[...] = 0
                    p._grad._versions().n += 1

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """Adds a group of parameters, for example of layers that thaw later in the training.

        Args:
            param_group: a dict with "params" and options that differ from the defaults.
        """
        name = type(self).__name__
        if not isinstance(param_group, dict):
            raise TypeError(f"{name}: param_group must be a dict, got {type(param_group).__name__}")
        params, names = _tensors_and_names(param_group["params"], name)
        if len(set(params)) != len(params):
            warnings.warn(
                f"{name}: a parameter group contains a parameter more than once; each step will "
                "change it as often",
                stacklevel=3,
            )
        for group in self.param_groups:
            if not set(params).isdisjoint(group["params"]):
                raise ValueError(f"{name}: some parameters appear in more than one parameter group")
            if ("param_names" in group) != bool(names):
                raise ValueError(
                    f"{name}: all parameter groups must come with names, or none; this one comes "
                    + ("with" if names else "without")
                )
        param_group["params"] = params
        if names:
            param_group["param_names"] = names
        for option, default in self.defaults.items():
            if param_group.setdefault(option, default) is required:
                raise ValueError(f"{name}: the parameter group lacks a value for {option!r}")
        if param_group.get("fused") and param_group.get("foreach"):
            raise RuntimeError(f"{name}: `fused` and `foreach` cannot be `True` together")
        for option in ("capturable", "differentiable"):
            if param_group.get(option):
                raise NotImplementedError(f"{name}: {option}=True is not supported; leave it out")
        self._check(param_group)
        self.param_groups.append(param_group)

    # Checkpoints ---------------------------------------------------------------------------

    def state_dict(self) -> dict[str, Any]:
        """The state and the options, with numbers in the place of parameters.

        The layout is PyTorch's: "state" maps a parameter's number to a dict, "param_groups" lists
        the options with the numbers under "params". The arrays are the ones in use, so a later
        `step` changes them; save or deep-copy them before.

        >>> import autograd
        >>> from optim import SGD
        >>> SGD([autograd.zeros(2)], lr=0.1).state_dict()["param_groups"][0]["params"]
        [0]
        """
        for hook in list(self._state_dict_pre_hooks.values()):
            hook(self)
        number: dict[int, int] = {}
        for i, p in enumerate(p for group in self.param_groups for p in group["params"]):
            number.setdefault(id(p), i)
        groups = [
            {
                **{k: v for k, v in group.items() if k != "params"},
                "params": [number[id(p)] for p in group["params"]],
            }
            for group in self.param_groups
        ]
        state = {
            number[id(key)] if isinstance(key, Tensor) else key: value
            for key, value in self.state.items()
            if not (isinstance(value, dict) and not value)  # nothing to remember
        }
        return self._replaced(self._state_dict_post_hooks, {"state": state, "param_groups": groups})

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Continues from what `state_dict` returned, here or in PyTorch (as arrays or Tensors).

        Parameters are matched by their position, the options become the saved ones. Everything
        is copied. A ValueError says where the groups do not match.
        """
        name = type(self).__name__
        state_dict = self._replaced(self._load_state_dict_pre_hooks, dict(state_dict))
        saved = [dict(group) for group in state_dict["param_groups"]]
        if len(saved) != len(self.param_groups):
            raise ValueError(
                f"{name}: loaded state dict has a different number of parameter groups: "
                f"{len(saved)}, not {len(self.param_groups)}"
            )
        param_of: dict[Any, Tensor] = {}
        for i, (ours, theirs) in enumerate(zip(self.param_groups, saved, strict=True)):
            if len(ours["params"]) != len(theirs["params"]):
                raise ValueError(
                    f"{name}: loaded state dict contains a parameter group that doesn't match the "
                    f"size of optimizer's group: group {i} has {len(theirs['params'])} parameters "
                    f"there, {len(ours['params'])} here"
                )
            param_of.update(zip(theirs["params"], ours["params"], strict=True))
        state: defaultdict[Any, Any] = defaultdict(dict)
        for key, values in state_dict["state"].items():
            if key in param_of:
                state[param_of[key]] = self._loaded(values, param_of[key])
            else:
                state[key] = copy.deepcopy(values)
        groups = []
        for ours, theirs in zip(self.param_groups, saved, strict=True):
            group = copy.deepcopy({k: v for k, v in theirs.items() if k != "params"})
            group["params"] = ours["params"]
            if "param_names" in ours:
                group.setdefault("param_names", ours["param_names"])
            groups.append(group)
        self.__setstate__({"state": state, "param_groups": groups})
        for hook in list(self._load_state_dict_post_hooks.values()):
            hook(self)

    def _loaded(self, value: Any, param: Tensor, key: Any = None) -> Any:
        """A copy of a saved state value, with arrays in the dtype of `param`."""
        if key in self._scalars:
            return step_count(float(value))
        if isinstance(value, dict):
            return {k: self._loaded(v, param, k) for k, v in value.items()}
        if isinstance(value, (list, tuple)):
            return type(value)(self._loaded(v, param) for v in value)
        if not isinstance(value, (Tensor, np.ndarray)):
            return value
        array = value._data if isinstance(value, Tensor) else value
        if self._elementwise and array.shape != param._data.shape:
            raise ValueError(
                f"{type(self).__name__}: the saved {key} has shape {array.shape}, its parameter "
                f"{param._data.shape}; the state dict belongs to another model"
            )
        floating = param._data.dtype.kind == "f"
        return wrap(np.array(array, dtype=param._data.dtype if floating else None))

    def __getstate__(self) -> dict[str, Any]:
        return {
            "defaults": self.defaults,
            "state": self.state,
            "param_groups": self.param_groups,
        }

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        if "_step_pre_hooks" not in self.__dict__:
            self._no_hooks()
        for group in self.param_groups:  # options that the saving version did not know
            for option, default in self.defaults.items():
                group.setdefault(option, default)

    def __repr__(self) -> str:
        lines = [f"{type(self).__name__} ("]
        for i, group in enumerate(self.param_groups):
            lines.append(f"Parameter Group {i}")
            lines += [f"    {key}: {group[key]}" for key in sorted(group) if key != "params"]
            lines.append("")
        return "\n".join(lines[:-1]) + "\n)"


def _tensors_and_names(given: Any, name: str) -> tuple[list[Tensor], list[str]]:
    """The parameters of a group and their names, if they came with names."""
    if isinstance(given, (set, frozenset)):
        raise TypeError(
            f"{name}: the parameters came in a set, whose order changes from run to run; use a list"
        )
    given = [given] if isinstance(given, Tensor) else list(given)
    names = [p[0] for p in given if isinstance(p, tuple)]
    if names and len(names) != len(given):
        raise ValueError(f"{name}: give all parameters with names or none; some lack one")
    params = [p[1] if isinstance(p, tuple) else p for p in given]
    for i, p in enumerate(params):
        if not isinstance(p, Tensor):
            raise TypeError(
                f"{name}: optimizer can only optimize Tensors, parameter {i} is a "
                f"{type(p).__name__}" + ("; pass its parameters()" if _is_module(p) else "")
            )
        if not (p.is_leaf or p.retains_grad):
            raise ValueError(
                f"{name}: can't optimize a non-leaf Tensor; parameter {i} is the result of "
                f"{p.grad_fn!r}. Pass the tensor it was computed from, or its .detach()"
            )
    return params, names


def _is_module(x: Any) -> bool:
    return callable(getattr(x, "parameters", None))
