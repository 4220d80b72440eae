"""Backward and state-dict hooks, each program run here and in PyTorch."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import autograd
import nn

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.parity

HERE = SimpleNamespace(lib=autograd, nn=nn, grad=autograd.grad)
THERE = SimpleNamespace(lib=torch, nn=torch.nn, grad=torch.autograd.grad)


def plain(value: Any) -> Any:
    """Tensors as rounded lists, so that results can be compared with `==`."""
    if isinstance(value, (tuple, list)):
        return [plain(v) for v in value]
    return np.round(np.asarray(value.tolist()), 4).tolist() if hasattr(value, "tolist") else value


def both(program: Callable[[Any], Any]) -> None:
    ours, theirs = (plain(program(side)) for side in (HERE, THERE))
    assert ours == theirs
    assert ours


def linear(side: Any) -> Any:
    layer = side.nn.Linear(2, 3)
    with side.lib.no_grad():
        layer.weight.copy_(side.lib.arange(6.0).reshape(3, 2))
        layer.bias.zero_()
    return layer


def two_in_two_out(side: Any) -> Any:
    class Two(side.nn.Module):
        def forward(self, x: Any, k: int, y: Any) -> Any:
            return x * k, (x * y).sum()

    return Two()


def test_sees_gradients() -> None:
    def program(side: Any) -> Any:
        layer, seen = linear(side), []
        layer.register_full_backward_hook(lambda m, by, of: seen.append((by, of)))
        x = side.lib.ones(2, 2, requires_grad=True)
        (layer(x) * 2).sum().backward()
        return seen, x.grad, layer.weight.grad

    both(program)


def test_replaces_gradients_in_order() -> None:
    def program(side: Any) -> Any:
        layer, seen = linear(side), []

        def note(name: str, factor: float) -> Callable[..., Any]:
            def hook(module: Any, by: Any, of: Any = None) -> Any:
                seen.append(name)
                return tuple(None if g is None else g * factor for g in by)

            return hook

        layer.register_full_backward_hook(note("a", 2))
        layer.register_full_backward_hook(note("b", 3), prepend=True)
        layer.register_full_backward_pre_hook(note("c", 5))
        layer.register_full_backward_pre_hook(note("d", 7), prepend=True)
        x = side.lib.ones(2, 2, requires_grad=True)
        layer(x).sum().backward()
        return seen, x.grad, layer.weight.grad

    both(program)


def test_several_arguments_and_results() -> None:
    def program(side: Any) -> Any:
        module, seen = two_in_two_out(side), []
        module.register_full_backward_hook(lambda m, by, of: seen.append((by, of)))
        x = side.lib.ones(2, requires_grad=True)
        y = side.lib.ones(2) * 3
        a, b = module(x, 4, y)
        (a.sum() + b).backward()
        first = len(seen)
        a, b = module(x, 4, y)
        b.backward()
        return seen, first, x.grad

    both(program)


def test_no_input_needs_a_gradient() -> None:
    def program(side: Any) -> Any:
        layer, seen = linear(side), []
        layer.register_full_backward_hook(lambda m, by, of: seen.append((by, of)))
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            layer(side.lib.ones(2, 2)).sum().backward()
        return seen, len(caught), layer.weight.grad

    both(program)


def test_wrong_number_of_gradients() -> None:
    layer = nn.Linear(2, 3)
    layer.register_full_backward_hook(lambda m, by, of: (by[0], by[0]))
    with pytest.raises(RuntimeError, match="invalid number of grad_input, got 2, but expected 1"):
        layer(autograd.ones(1, 2, requires_grad=True)).sum().backward()
    layer = nn.Linear(2, 3)
    layer.register_full_backward_pre_hook(lambda m, of: (of[0], of[0]))
    with pytest.raises(RuntimeError, match="invalid number of grad_output, got 2, but expected 1"):
        layer(autograd.ones(1, 2, requires_grad=True)).sum().backward()


def test_second_derivatives_and_removal() -> None:
    def program(side: Any) -> Any:
        module, seen = side.nn.Tanh(), []
        handle = module.register_full_backward_hook(lambda m, by, of: seen.append((by, of)))
        x = side.lib.tensor([0.5], requires_grad=True)
        (g,) = side.grad(module(x).sum(), x, create_graph=True)
        (gg,) = side.grad(g.sum(), x)
        handle.remove()
        module(x).sum().backward()
        return seen, g, gg

    both(program)


def test_state_dict_hooks() -> None:
    def program(side: Any) -> Any:
        net = side.nn.Sequential(linear(side), side.nn.Tanh())
        seen: list[Any] = []
        net[0].register_state_dict_pre_hook(lambda m, prefix, keep: seen.append((prefix, keep)))

        def rename(module: Any, state: Any, prefix: str, local: Any) -> None:
            seen.append((sorted(state), prefix, local["version"]))
            state[prefix + "w"] = state.pop(prefix + "weight")

        net[0].register_state_dict_post_hook(rename)
        state = net.state_dict()

        def back(module: Any, state: Any, prefix: str, local: Any, *rest: Any) -> None:
            seen.append((sorted(state), prefix, rest))
            state[prefix + "weight"] = state.pop(prefix + "w")

        net[0].register_load_state_dict_pre_hook(back)
        keys = net.load_state_dict(state)
        net.register_load_state_dict_post_hook(lambda m, keys: keys.missing_keys.clear())
        del state["0.bias"]
        forgiven = net.load_state_dict(state)
        return seen, list(keys.missing_keys), list(forgiven.missing_keys), sorted(state)

    both(program)


def test_load_hook_that_returns() -> None:
    layer = nn.Linear(1, 1)
    layer.register_load_state_dict_post_hook(lambda m, keys: keys)
    with pytest.raises(RuntimeError, match="not expected to return new values"):
        layer.load_state_dict(layer.state_dict())


def test_set_submodule() -> None:
    def program(side: Any) -> Any:
        net = side.nn.Sequential(side.nn.Tanh(), side.nn.Sequential(side.nn.ReLU()))
        net.set_submodule("1.0", side.nn.Tanh())
        net.set_submodule("1.new", side.nn.ReLU())
        errors = []
        for path, module, strict in [
            ("1.other", side.nn.ReLU(), True),
            ("", side.nn.ReLU(), False),
            ("1.training", side.nn.ReLU(), False),
            ("1.0", 3, False),
            ("5.0", side.nn.ReLU(), False),
        ]:
            try:
                net.set_submodule(path, module, strict=strict)
                errors.append("none")
            except (AttributeError, ValueError) as error:
                errors.append(type(error).__name__)
        return [type(m).__name__ for m in net.modules()], errors

    both(program)


def all_modules(side: Any) -> Any:
    return side.nn.modules.module


def test_hooks_of_all_modules_come_first() -> None:
    def program(side: Any) -> Any:
        lists, calls = all_modules(side), []

        def note(what: str) -> Callable[..., None]:
            return lambda m, *args: calls.append((what, type(m).__name__, *args))

        net = side.nn.Sequential(linear(side), side.nn.Tanh())
        x = side.lib.ones(2, 2, requires_grad=True)
        handles = [
            net[0].register_forward_hook(note("own")),
            net[0].register_forward_pre_hook(note("own before")),
            net[0].register_full_backward_hook(note("own backward")),
            net[0].register_full_backward_pre_hook(note("own before backward")),
            lists.register_module_forward_hook(note("all")),
            lists.register_module_forward_pre_hook(note("all before")),
            lists.register_module_full_backward_hook(note("all backward")),
            lists.register_module_full_backward_pre_hook(note("all before backward")),
        ]
        net(x).sum().backward()
        for handle in handles[4:]:
            handle.remove()
        calls.append("removed")
        net(x).sum().backward()
        for handle in handles:
            handle.remove()
        calls.append("all removed")
        net(x).sum().backward()
        return calls

    both(program)


def test_hooks_of_all_modules_replace() -> None:
    def program(side: Any) -> Any:
        lists, layer = all_modules(side), linear(side)
        layer.register_forward_hook(lambda m, args, out: out * 10)
        x = side.lib.ones(2, 2, requires_grad=True)
        with lists.register_module_forward_hook(lambda m, args, out: out + 1):
            once = layer(x)
        with lists.register_module_forward_pre_hook(lambda m, args: args[0] * 2):
            twice = layer(x)
        with lists.register_module_full_backward_hook(lambda m, by, of: (by[0] * 3,)):
            layer(x).sum().backward()
        kwargs = []
        with lists.register_module_forward_hook(
            lambda m, args, kw, out: kwargs.append(dict(kw)), with_kwargs=True
        ):
            layer(input=x)
        return once, twice, x.grad, [sorted(kw) for kw in kwargs]

    both(program)


def test_hooks_of_all_modules_that_are_always_called() -> None:
    def program(side: Any) -> Any:
        calls = []

        def hook(m: Any, args: Any, out: Any) -> None:
            calls.append((type(m).__name__, out))

        with all_modules(side).register_module_forward_hook(hook, always_call=True):
            try:
                side.nn.Sequential(side.nn.Identity(), linear(side))(side.lib.ones(2, 5))
            except (RuntimeError, ValueError):
                calls.append("raised")
        return [(c[0], c[1] is None) if isinstance(c, tuple) else c for c in calls]

    both(program)


def test_modules_without_hooks_do_not_ask() -> None:
    layer = nn.Identity()
    with all_modules(HERE).register_module_forward_hook(lambda *_: None):
        assert layer._hooked
    assert not layer._hooked and not nn.Module._hooked
