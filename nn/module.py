"""`Module`: a tree of layers that knows its parameters, its buffers and its mode.

What is assigned to an attribute is sorted by its type: a `Parameter`, a `Buffer` or a `Module`
goes into a table of its own (`_parameters`, `_buffers`, `_modules`), everything else is an ordinary
attribute. Methods that only walk the tree are written in tree.py, those that save and load in
state.py, those that change dtypes in conversion.py, hooks in hooks.py and the printed form in
text.py.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Self

from autograd import Tensor
from autograd.sites import SCOPES, part_of_library

from . import conversion, hooks, state, text, tree
from .parameter import Buffer, Parameter

_NO_HOOKS: Mapping[int, Any] = MappingProxyType({})


class Module:
    """Base class of all layers and models.

    A subclass creates its layers in `__init__`, after `super().__init__()`, and computes its
    result in `forward`. Calling the module calls `forward` and the hooks.

    >>> import autograd, nn
    >>> class Net(nn.Module):
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.hidden = nn.Linear(4, 8)
    ...         self.out = nn.Linear(8, 2)
    ...
    ...     def forward(self, x):
    ...         return self.out(self.hidden(x).relu())
    >>> net = Net()
    >>> net
    Net(                                                          # 58 parameters
      (hidden): Linear(in_features=4, out_features=8, bias=True)  # 40
      (out): Linear(in_features=8, out_features=2, bias=True)     # 18
    )
    >>> net(autograd.ones(3, 4)).shape
    Size([3, 2])
    """

    training: bool
    _parameters: dict[str, Parameter | None]
    _buffers: dict[str, Tensor | None]
    _modules: dict[str, Module | None]
    _non_persistent_buffers_set: set[str]
    _forward_hooks: Mapping[int, hooks.Hook] = _NO_HOOKS
    _forward_pre_hooks: Mapping[int, hooks.Hook] = _NO_HOOKS
    _backward_hooks: Mapping[int, Callable[..., Any]] = _NO_HOOKS
    _backward_pre_hooks: Mapping[int, Callable[..., Any]] = _NO_HOOKS
    _state_dict_hooks: Mapping[int, Callable[..., Any]] = _NO_HOOKS
    _state_dict_pre_hooks: Mapping[int, Callable[..., Any]] = _NO_HOOKS
    _load_state_dict_pre_hooks: Mapping[int, Callable[..., Any]] = _NO_HOOKS
    _load_state_dict_post_hooks: Mapping[int, Callable[..., Any]] = _NO_HOOKS
    _hooked = False  # whether a hook of a call was ever registered; True while all modules have one
    _version: int = 1

    def __init__(self) -> None:
        self.__dict__.update(
            training=True,
            _parameters={},
            _buffers={},
            _modules={},
            _non_persistent_buffers_set=set(),
        )

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """The computation, which every subclass defines. Call the module, not this."""
        raise NotImplementedError(
            f'Module [{self._get_name()}] is missing the required "forward" function'
        )

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self._hooked:
            return hooks.call_with_hooks(self, args, kwargs)
        return self.forward(*args, **kwargs)

    # Attributes ----------------------------------------------------------------------------

    def __getattr__(self, name: str) -> Any:
        own = self.__dict__
        if "_parameters" in own:
            if name in own["_parameters"]:
                return own["_parameters"][name]
            if name in own["_buffers"]:
                return own["_buffers"][name]
            if name in own["_modules"]:
                return own["_modules"][name]
            hint = ""
        else:
            hint = f"; {self._get_name()}.__init__ must call super().__init__() first"
        raise AttributeError(
            f"'{self._get_name()}' object has no attribute '{name}'{hint}", name=name, obj=self
        )

    def __setattr__(self, name: str, value: Any) -> None:
        own = self.__dict__
        if isinstance(value, Parameter):
            self._table("_parameters")
            self._forget(name, "_parameters")
            self.register_parameter(name, value)
        elif name in own.get("_parameters", ()):
            if value is not None:
                raise TypeError(
                    f"cannot assign '{type(value).__name__}' as parameter '{name}' "
                    "(nn.Parameter or None expected); wrap it as nn.Parameter(tensor), or copy "
                    f"its values under no_grad with .{name}.copy_(tensor)"
                )
            own["_parameters"][name] = None
        elif isinstance(value, Module):
            self._table("_modules")
            self._forget(name, "_modules")
            own["_modules"][name] = value
        elif name in own.get("_modules", ()):
            if value is not None:
                raise TypeError(
                    f"cannot assign '{type(value).__name__}' as child module '{name}' "
                    "(nn.Module or None expected)"
                )
            own["_modules"][name] = None
        elif isinstance(value, Buffer) or name in own.get("_buffers", ()):
            if value is not None and not isinstance(value, Tensor):
                raise TypeError(
                    f"cannot assign '{type(value).__name__}' as buffer '{name}' "
                    "(nn.Buffer, Tensor or None expected)"
                )
            self._table("_buffers")
            self._forget(name, "_buffers")
            stays = name not in own["_non_persistent_buffers_set"]
            self.register_buffer(name, value, getattr(value, "persistent", stays))
        else:
            object.__setattr__(self, name, value)

    def __delattr__(self, name: str) -> None:
        for table in ("_parameters", "_buffers", "_modules"):
            if name in self.__dict__.get(table, ()):
                del self.__dict__[table][name]
                self._non_persistent_buffers_set.discard(name)
                return
        object.__delattr__(self, name)

    def __dir__(self) -> list[str]:
        names = [*object.__dir__(self), *self._parameters, *self._buffers, *self._modules]
        return sorted({name for name in names if not name[0].isdigit()})

    def _table(self, kind: str) -> dict[str, Any]:
        """One of the tables, or an error if `__init__` has not made them yet."""
        if kind not in self.__dict__:
            raise AttributeError(
                f"cannot assign {kind[1:-1]} before Module.__init__() call: "
                f"{self._get_name()}.__init__ must call super().__init__() first"
            )
        return self.__dict__[kind]

    def _forget(self, name: str, keep: str) -> None:
        """Removes `name` from everywhere but the table `keep`."""
        own = self.__dict__
        own.pop(name, None)
        for table in ("_parameters", "_buffers", "_modules"):
            if table != keep:
                own[table].pop(name, None)
        if keep != "_buffers":
            own["_non_persistent_buffers_set"].discard(name)

    def _check_name(self, name: Any, kind: str) -> dict[str, Any]:
        """The table for a new entry called `name`, if it can have that name."""
        table = self._table(f"_{kind}s")
        if not isinstance(name, str):
            raise TypeError(f"{kind} name should be a string. Got {type(name).__name__}")
        if "." in name:
            raise KeyError(f'{kind} name can\'t contain ".", got: {name}')
        if name == "":
            raise KeyError(f'{kind} name can\'t be empty string ""')
        if name not in table and hasattr(self, name):
            raise KeyError(f"attribute '{name}' already exists")
        return table

    def register_parameter(self, name: str, param: Parameter | None) -> None:
        """Adds a parameter; None reserves the name, as for a layer without bias."""
        table = self._check_name(name, "parameter")
        if param is not None and not isinstance(param, Parameter):
            raise TypeError(
                f"cannot assign '{type(param).__name__}' object to parameter '{name}' "
                "(nn.Parameter or None required)"
            )
        if param is not None and param.grad_fn is not None:
            raise ValueError(
                f"Cannot assign non-leaf Tensor to parameter '{name}'. Model parameters must be "
                f"created explicitly. To express '{name}' as a function of another Tensor, "
                "compute the value in the forward() method."
            )
        table[name] = param

    def register_buffer(self, name: str, tensor: Tensor | None, persistent: bool = True) -> None:
        """Adds a tensor that is part of the state but not learned.

        A buffer that is not `persistent` is left out of `state_dict()`.
        """
        table = self._check_name(name, "buffer")
        if tensor is not None and not isinstance(tensor, Tensor):
            raise TypeError(
                f"cannot assign '{type(tensor).__name__}' object to buffer '{name}' "
                "(Tensor or None required)"
            )
        table[name] = tensor
        if persistent:
            self._non_persistent_buffers_set.discard(name)
        else:
            self._non_persistent_buffers_set.add(name)

    def add_module(self, name: str, module: Module | None) -> None:
        """Adds a child, as assigning it to the attribute `name` does."""
        if module is not None and not isinstance(module, Module):
            raise TypeError(f"{type(module).__name__} is not a Module subclass")
        self._check_name(name, "module")[name] = module

    register_module = add_module

    # Below this module, by path (tree.py) --------------------------------------------------

    named_modules = tree.named_modules
    modules = tree.modules
    named_children = tree.named_children
    children = tree.children
    named_parameters = tree.named_parameters
    parameters = tree.parameters
    named_buffers = tree.named_buffers
    buffers = tree.buffers
    get_submodule = tree.get_submodule
    get_parameter = tree.get_parameter
    get_buffer = tree.get_buffer
    set_submodule = tree.set_submodule

    # Saved state (state.py) and hooks (hooks.py) -------------------------------------------

    state_dict = state.state_dict
    load_state_dict = state.load_state_dict
    _save_to_state_dict = state._save_to_state_dict
    _load_from_state_dict = state._load_from_state_dict
    get_extra_state = state.get_extra_state
    set_extra_state = state.set_extra_state
    register_forward_pre_hook = hooks.register_forward_pre_hook
    register_forward_hook = hooks.register_forward_hook
    register_full_backward_hook = hooks.register_full_backward_hook
    register_backward_hook = hooks.register_full_backward_hook  # PyTorch's older one
    register_full_backward_pre_hook = hooks.register_full_backward_pre_hook
    register_state_dict_pre_hook = state.register_state_dict_pre_hook
    register_state_dict_post_hook = state.register_state_dict_post_hook
    register_load_state_dict_pre_hook = state.register_load_state_dict_pre_hook
    register_load_state_dict_post_hook = state.register_load_state_dict_post_hook

    # Modes ---------------------------------------------------------------------------------

    def train(self, mode: bool = True) -> Self:
        """Sets training mode, which Dropout and the norm layers look at, here and below."""
        if not isinstance(mode, bool):
            raise ValueError("training mode is expected to be boolean")
        self.training = mode
        for module in self.children():
            module.train(mode)
        return self

    def eval(self) -> Self:
        """Sets evaluation mode here and below: `train(False)`."""
        return self.train(False)

    def requires_grad_(self, requires_grad: bool = True) -> Self:
        """Freezes the parameters (False) or lets them learn again."""
        for p in self.parameters():
            p.requires_grad_(requires_grad)
        return self

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Drops the gradients of the parameters, or fills them with zeros."""
        for p in self.parameters():
            g = p._grad
            if g is None:
                continue
            if set_to_none:
                p._grad = None
                continue
            if g.requires_grad:  # made with create_graph=True
                p._grad = g = g.detach()
            g._data[...] = 0
            g._versions().n += 1

    def apply(self, fn: Callable[[Module], Any]) -> Self:
        """Calls `fn` on all modules below and on this one, children first.

        >>> import nn
        >>> def zero_bias(module):
        ...     if isinstance(module, nn.Linear):
        ...         nn.init.zeros_(module.bias)
        >>> net = nn.Sequential(nn.Linear(4, 2), nn.ReLU()).apply(zero_bias)
        >>> net[0].bias.tolist()
        [0.0, 0.0]
        """
        for module in self.children():
            module.apply(fn)
        fn(self)
        return self

    # To other dtypes (conversion.py) --------------------------------------------------------

    to = conversion.to
    float = conversion.to_float32
    double = conversion.to_float64
    half = conversion.to_float16
    bfloat16 = conversion.to_bfloat16
    type = conversion.to_dtype
    cpu = conversion.cpu
    share_memory = conversion.cpu  # it is shared with the threads of this process
    cuda = conversion.cuda
    to_empty = conversion.to_empty
    _apply = conversion._apply

    def compile(self, *args: Any, **kwargs: Any) -> None:
        """Does nothing: there is no compiler, as `autograd.compile` says."""

    # Text ----------------------------------------------------------------------------------

    _folds_repeats = False  # print equal neighbours as `(0-2): 3 x Linear(...)`

    def extra_repr(self) -> str:
        """What the printed module shows between its brackets."""
        return ""

    def _get_name(self) -> str:
        return type(self).__name__

    def __repr__(self) -> str:
        return text.module_text(self)


part_of_library(__file__)
SCOPES[Module.__call__.__code__] = tree.path_below
