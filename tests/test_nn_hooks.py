"""Forward hooks, and the text of modules."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from nn_samples import Net

import autograd
import nn


class TestHooks:
    def test_see_and_replace(self) -> None:
        layer = nn.Linear(2, 2)
        calls: list[Any] = []
        before = layer.register_forward_pre_hook(lambda m, args: calls.append((m, args)))
        after = layer.register_forward_hook(lambda m, args, out: calls.append((m, args, out)))
        x = autograd.ones(1, 2)
        out = layer(x)
        assert calls == [(layer, (x,)), (layer, (x,), out)]
        before.remove()
        after.remove()
        layer(x)
        assert len(calls) == 2
        double = layer.register_forward_pre_hook(lambda m, args: args[0] * 2)
        layer.register_forward_hook(lambda m, args, out: out + 1)
        layer.register_forward_pre_hook(lambda m, args: (args[0] * 3,))
        expected = nn.functional.linear(x * 6, layer.weight, layer.bias) + 1
        np.testing.assert_allclose(layer(x).tolist(), expected.tolist(), rtol=1e-6)
        with double:
            pass
        assert len(layer._forward_pre_hooks) == 1

    def test_keywords(self) -> None:
        net = Net()
        seen: list[Any] = []

        def pre(module: Any, args: Any, kwargs: Any) -> Any:
            seen.append(kwargs)
            return args, {"factor": 5.0}

        net.register_forward_pre_hook(pre, with_kwargs=True)
        net.register_forward_hook(
            lambda m, args, kwargs, out: seen.append(kwargs), with_kwargs=True
        )
        x = autograd.ones(1, 3)
        out = net(x, factor=2.0)
        assert seen == [{"factor": 2.0}, {"factor": 5.0}]
        np.testing.assert_allclose(out.tolist(), (net.forward(x) * 5).tolist(), rtol=1e-6)
        net.register_forward_pre_hook(lambda m, a, k: 3, with_kwargs=True)
        with pytest.raises(RuntimeError, match="new_args, new_kwargs"):
            net(x)

    def test_order(self) -> None:
        layer, order = nn.Identity(), []
        layer.register_forward_hook(lambda *a: order.append(1))
        layer.register_forward_hook(lambda *a: order.append(2))
        layer.register_forward_hook(lambda *a: order.append(0), prepend=True)
        layer(1)
        assert order == [0, 1, 2]

    def test_always_call(self) -> None:
        class Fails(nn.Module):
            def forward(self) -> Any:
                raise ZeroDivisionError

        module, calls = Fails(), []
        module.register_forward_hook(lambda *a: calls.append("skipped"))
        module.register_forward_hook(lambda m, a, out: calls.append(out), always_call=True)
        with pytest.raises(ZeroDivisionError):
            module()
        assert calls == [None]

        def broken(*args: Any) -> Any:
            raise KeyError("mine")

        module.register_forward_hook(broken, always_call=True)
        with pytest.warns(UserWarning, match="mine"), pytest.raises(ZeroDivisionError):
            module()

    def test_a_hook_may_remove_itself(self) -> None:
        layer, calls = nn.Identity(), []

        def once(*args: Any) -> None:
            calls.append(1)
            handle.remove()

        handle = layer.register_forward_hook(once)
        layer(1)
        layer(1)
        assert calls == [1]


class TestText:
    def test_counts_stand_in_a_column(self) -> None:
        net = Net()
        net.first.requires_grad_(False)
        assert repr(net).splitlines() == [
            "Net(" + " " * 57 + "# 40 parameters, 24 trainable",
            "  (first): Linear(in_features=3, out_features=4, bias=True)  # 16",
            "  (inner): Sequential(" + " " * 39 + "# 20",
            "    (0): ReLU()",
            "    (1): Linear(in_features=4, out_features=4, bias=True)    # 20",
            "  )",
            "  (again): Linear(in_features=4, out_features=4, bias=True)  # 20",
            ")",
        ]

    def test_without_parameters_as_in_pytorch(self) -> None:
        text = "Sequential(\n  (0): ReLU()\n  (1): Dropout(p=0.5, inplace=False)\n)"
        assert repr(nn.Sequential(nn.ReLU(), nn.Dropout())) == text
        assert repr(nn.Sequential()) == "Sequential()"
        assert repr(nn.Linear(2, 3)) == "Linear(in_features=2, out_features=3, bias=True)"

    def test_none_and_foreign_texts(self) -> None:
        class Short(nn.Linear):
            def __repr__(self) -> str:
                return "Short\n...twice"

        net = nn.Sequential(Short(1, 1))
        net.add_module("off", None)
        assert repr(net).splitlines() == [
            "Sequential(   # 2 parameters",
            "  (0): Short  # 2",
            "  ...twice",
            "  (off): None",
            ")",
        ]

    def test_lists_fold_equal_neighbours(self) -> None:
        blocks = nn.ModuleList([nn.Linear(2, 2), nn.Linear(2, 2), nn.ReLU(), nn.Linear(2, 2)])
        assert [line.split("  #")[0].rstrip() for line in repr(blocks).splitlines()] == [
            "ModuleList(",
            "  (0-1): 2 x Linear(in_features=2, out_features=2, bias=True)",
            "  (2): ReLU()",
            "  (3): Linear(in_features=2, out_features=2, bias=True)",
            ")",
        ]
        assert repr(blocks).splitlines()[1].endswith("# 2 x 6")

    def test_long_lines_do_not_move_the_column(self) -> None:
        class Wordy(nn.Linear):
            def extra_repr(self) -> str:
                return "x" * 200

        lines = repr(nn.Sequential(Wordy(1, 1), nn.Linear(1, 1))).splitlines()
        assert lines[0].index("#") == lines[2].index("#") < 90
        assert lines[1].endswith("x)  # 2")

    def test_several_lines_of_extra_text(self) -> None:
        class Two(nn.Module):
            def extra_repr(self) -> str:
                return "a=1\nb=2"

        assert repr(Two()) == "Two(\n  a=1\n  b=2\n)"

    def test_parameter(self) -> None:
        p = nn.Parameter(autograd.ones(2))
        assert repr(p) == "Parameter containing:\ntensor([1., 1.], requires_grad=True)"


def test_a_call_without_hooks_is_a_plain_call() -> None:
    """`forward` replaced on the instance is used, and keyword arguments arrive."""
    net = Net()
    x = autograd.ones(1, 3)
    np.testing.assert_allclose(net(x, factor=2.0).tolist(), (net(x) * 2).tolist(), rtol=1e-6)
    net.forward = lambda x: "mine"
    assert net(x) == "mine"
