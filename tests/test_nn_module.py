"""Module: what an attribute becomes, the tree, states, modes, conversions, text and copies."""

from __future__ import annotations

import copy
import pickle
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import autograd
import nn


class Net(nn.Module):
    """Two layers, a shared one, a parameter, and buffers of both kinds."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(3, 4)
        self.inner = nn.Sequential(nn.ReLU(), nn.Linear(4, 4))
        self.again = self.inner[1]
        self.scale = nn.Parameter(autograd.ones(4))
        self.register_buffer("mean", autograd.zeros(4))
        self.register_buffer("cache", autograd.zeros(2), persistent=False)

    def forward(self, x: Any, factor: float = 1.0) -> Any:
        return self.again(self.inner(self.first(x))) * self.scale * factor


class TestAttributes:
    def test_are_sorted_by_type(self) -> None:
        net = Net()
        net.steps = 3
        net.plain = autograd.ones(2)
        assert [n for n, _ in net.named_parameters(recurse=False)] == ["scale"]
        assert [n for n, _ in net.named_buffers()] == ["mean", "cache"]
        assert [n for n, _ in net.named_children()] == ["first", "inner", "again"]
        assert net.steps == 3
        assert {"scale", "mean", "first", "steps", "forward"} <= set(dir(net))

    def test_parameter_shares_memory(self) -> None:
        data = autograd.zeros(2)
        p = nn.Parameter(data)
        p.data[0] = 5.0
        assert data.tolist() == [5.0, 0.0]
        assert p.requires_grad and p.is_leaf and not data.requires_grad
        with autograd.no_grad():
            assert nn.Parameter(autograd.ones(1)).requires_grad
        assert not nn.Parameter(autograd.ones(1), requires_grad=False).requires_grad
        assert nn.Parameter().shape == (0,)
        assert isinstance(p * 2, autograd.Tensor) and not isinstance(p * 2, nn.Parameter)

    def test_parameter_follows_changes_of_its_data(self) -> None:
        """What a node saved from a parameter may not be changed through the tensor below it."""
        data = autograd.ones(2)
        p = nn.Parameter(data)
        loss = (p * p).sum()
        data.mul_(2)
        with pytest.raises(RuntimeError, match="changed in place"):
            loss.backward()

    def test_replacing(self) -> None:
        net = Net()
        net.scale = None
        assert net.scale is None
        assert "scale" not in dict(net.named_parameters())
        net.scale = nn.Parameter(autograd.zeros(4))
        assert "scale" in net.state_dict()
        net.mean = autograd.ones(4)
        assert "mean" in dict(net.named_buffers())
        net.first = None
        assert "first" not in dict(net.named_children())
        net.first = nn.Identity()
        net.inner = nn.Parameter(autograd.ones(1))  # changes kind
        assert "inner" not in dict(net.named_children())
        assert "inner" in dict(net.named_parameters())
        net.mean = nn.Parameter(autograd.ones(1))
        assert "mean" not in dict(net.named_buffers())

    def test_buffer_type(self) -> None:
        net = nn.Module()
        net.kept = nn.Buffer(autograd.ones(2))
        net.dropped = nn.Buffer(autograd.ones(2), persistent=False)
        assert list(net.state_dict()) == ["kept"]
        net.dropped = autograd.zeros(2)  # stays what it was
        assert list(net.state_dict()) == ["kept"]
        assert net.dropped.tolist() == [0.0, 0.0]

    def test_deleting(self) -> None:
        net = Net()
        del net.scale, net.mean, net.cache, net.first
        net.steps = 1
        del net.steps
        for name in ("scale", "mean", "cache", "first", "steps"):
            assert not hasattr(net, name)
        with pytest.raises(AttributeError):
            del net.scale

    @pytest.mark.parametrize(
        ("act", "error", "match"),
        [
            (
                lambda m: setattr(m, "scale", autograd.ones(4)),
                TypeError,
                "nn.Parameter or None.*wrap",
            ),
            (lambda m: setattr(m, "scale", nn.ReLU()), TypeError, "parameter 'scale'"),
            (lambda m: setattr(m, "first", 3), TypeError, "child module 'first'"),
            (lambda m: setattr(m, "mean", 3), TypeError, "buffer 'mean'"),
            (lambda m: m.missing, AttributeError, "'Net' object has no attribute 'missing'"),
            (lambda m: m.register_parameter("a.b", None), KeyError, "name can.*contain"),
            (lambda m: m.register_parameter("", None), KeyError, "empty"),
            (lambda m: m.register_parameter(3, None), TypeError, "string"),
            (lambda m: m.register_parameter("forward", None), KeyError, "already exists"),
            (lambda m: m.register_parameter("w", autograd.ones(1)), TypeError, "Parameter or None"),
            (lambda m: m.register_buffer("first", None), KeyError, "already exists"),
            (lambda m: m.register_buffer("b", 3), TypeError, "Tensor or None"),
            (lambda m: m.add_module("x", 3), TypeError, "int is not a Module"),
            (lambda m: m.add_module("scale", None), KeyError, "already exists"),
            (lambda m: m.get_submodule("inner.9"), AttributeError, "has no attribute `9`"),
            (lambda m: m.get_submodule("scale"), AttributeError, "not an nn.Module"),
            (lambda m: m.get_parameter("mean"), AttributeError, "not an nn.Parameter"),
            (lambda m: m.get_buffer("scale"), AttributeError, "not a buffer"),
            (lambda m: m.get_buffer("inner.mean"), AttributeError, "has no attribute"),
            (lambda m: m.train("yes"), ValueError, "boolean"),
            (lambda m: nn.Module()(1), NotImplementedError, 'missing the required "forward"'),
            (lambda m: nn.Parameter([1.0]), TypeError, "autograd.tensor"),
            (lambda m: nn.Parameter(autograd.arange(3)), RuntimeError, "only floating"),
        ],
    )
    def test_errors(self, act: Callable[[Any], Any], error: type[Exception], match: str) -> None:
        with pytest.raises(error, match=match):
            act(Net())

    def test_non_leaf_parameter_is_refused(self) -> None:
        class Odd(nn.Parameter):
            grad_fn = "made by an operation"

        with pytest.raises(ValueError, match="non-leaf"):
            nn.Module().register_parameter("w", Odd(autograd.ones(1)))

    @pytest.mark.parametrize(
        "value", [nn.Linear(1, 1), nn.Parameter(autograd.ones(1)), nn.Buffer(autograd.ones(1))]
    )
    def test_before_init(self, value: Any) -> None:
        class Early(nn.Module):
            def __init__(self) -> None:
                self.x = value
                super().__init__()

        with pytest.raises(
            AttributeError, match=r"Early.__init__ must call super\(\).__init__\(\)"
        ):
            Early()

    def test_read_before_init(self) -> None:
        class Early(nn.Module):
            def __init__(self) -> None:
                self.steps = self.layer

        with pytest.raises(AttributeError, match=r"'layer'.*super\(\).__init__\(\) first"):
            Early()


class TestTree:
    def test_shared_modules_and_parameters_once(self) -> None:
        net = Net()
        names = [n for n, _ in net.named_modules()]
        assert names == ["", "first", "inner", "inner.0", "inner.1"]
        every = [n for n, _ in net.named_modules(remove_duplicate=False)]
        assert every == [*names, "again"]
        net.tied = nn.Parameter(autograd.ones(4))
        net.inner.tied = net.tied
        assert sum(p is net.tied for p in net.parameters()) == 1
        everywhere = [n for n, _ in net.named_parameters(remove_duplicate=False)]
        assert {"tied", "inner.tied", "again.weight", "inner.1.weight"} <= set(everywhere)

    def test_prefix_and_recurse(self) -> None:
        net = Net()
        assert [n for n, _ in net.named_parameters("net", recurse=False)] == ["net.scale"]
        assert next(iter(net.named_parameters("net")))[0] == "net.scale"
        assert [n for n, _ in net.named_buffers("net")] == ["net.mean", "net.cache"]
        assert len(list(net.parameters(recurse=False))) == 1
        assert list(net.buffers()) == [net.mean, net.cache]

    def test_get(self) -> None:
        net = Net()
        assert net.get_submodule("") is net
        assert net.get_submodule("inner.1") is net.again
        assert net.get_parameter("inner.1.weight") is net.again.weight
        assert net.get_parameter("scale") is net.scale
        assert net.get_buffer("mean") is net.mean

    def test_apply_goes_from_children_to_parents(self) -> None:
        seen: list[str] = []
        net = Net()
        assert net.apply(lambda m: seen.append(type(m).__name__)) is net
        assert seen == ["Linear", "ReLU", "Linear", "Sequential", "Linear", "Net"]

    def test_deep_trees_do_not_recurse(self) -> None:
        net = nn.Module()
        for _ in range(3000):
            outer = nn.Module()
            outer.inner = net
            net = outer
        assert sum(1 for _ in net.modules()) == 3001


class TestState:
    def test_round_trip(self) -> None:
        a, b = Net(), Net()
        a.mean.add_(1)
        result = b.load_state_dict(a.state_dict())
        assert result.missing_keys == [] and result.unexpected_keys == []
        assert str(result) == "<All keys matched successfully>"
        for (name, x), (_, y) in zip(a.state_dict().items(), b.state_dict().items(), strict=True):
            np.testing.assert_array_equal(x.numpy(), y.numpy(), err_msg=name)
        assert "cache" not in a.state_dict()

    def test_values_share_memory_and_leave_the_graph(self) -> None:
        net = Net()
        state = net.state_dict()
        assert not state["scale"].requires_grad
        state["scale"].mul_(3)
        assert net.scale.tolist() == [3.0] * 4
        assert net.state_dict(keep_vars=True)["scale"] is net.scale

    def test_prefix_and_destination(self) -> None:
        destination: dict[str, Any] = {"epoch": 3}
        assert nn.Linear(1, 1).state_dict(destination=destination, prefix="fc.") is destination
        assert list(destination) == ["epoch", "fc.weight", "fc.bias"]

    def test_not_strict(self) -> None:
        net = Net()
        result = net.load_state_dict({"scale": np.full(4, 2.0), "extra": np.zeros(1)}, strict=False)
        assert net.scale.tolist() == [2.0] * 4
        assert result.unexpected_keys == ["extra"]
        assert "first.weight" in result.missing_keys and "mean" in result.missing_keys
        assert repr(result).startswith("IncompatibleKeys(missing_keys=['mean'")

    def test_values_are_converted_and_copied(self) -> None:
        layer = nn.Linear(2, 2)
        weight, optimizer_sees = layer.weight, layer.weight
        values = np.arange(4.0).reshape(2, 2)
        layer.load_state_dict({"weight": values, "bias": autograd.zeros(2)})
        assert layer.weight is weight is optimizer_sees
        assert layer.weight.dtype == autograd.float32
        values[0, 0] = 9
        assert layer.weight[0, 0].item() == 0

    def test_assign(self) -> None:
        layer = nn.Linear(2, 2).requires_grad_(False)
        weight = autograd.zeros(2, 2, dtype=autograd.float64)
        bias = nn.Parameter(autograd.zeros(2))
        layer.load_state_dict({"weight": weight, "bias": bias}, assign=True)
        assert layer.weight.dtype == autograd.float64
        assert np.shares_memory(layer.weight.numpy(), weight.numpy())
        assert layer.bias is bias
        assert not layer.weight.requires_grad and not layer.bias.requires_grad

    def test_loading_is_known_to_the_graph(self) -> None:
        layer = nn.Linear(2, 2)
        loss = (layer(autograd.ones(1, 2, requires_grad=True)) ** 2).sum()
        layer.load_state_dict(nn.Linear(2, 2).state_dict())
        with pytest.raises(RuntimeError, match="changed in place"):
            loss.backward()

    def test_none_parameters_have_no_key(self) -> None:
        layer = nn.Linear(2, 2, bias=False)
        assert list(layer.state_dict()) == ["weight"]
        with pytest.raises(RuntimeError, match=r'Unexpected key.*"bias"'):
            layer.load_state_dict(nn.Linear(2, 2).state_dict())

    @pytest.mark.parametrize("value", [3, [1.0, 2.0], None])
    def test_wrong_kinds(self, value: Any) -> None:
        with pytest.raises(TypeError, match="dict-like"):
            Net().load_state_dict(value)
        state = nn.Linear(2, 2).state_dict()
        state["bias"] = value
        with pytest.raises(RuntimeError, match='named "bias", expected a Tensor'):
            nn.Linear(2, 2).load_state_dict(state)

    def test_extra_state(self) -> None:
        class Counted(nn.Linear):
            calls = 0

            def get_extra_state(self) -> Any:
                return {"calls": self.calls}

            def set_extra_state(self, state: Any) -> None:
                self.calls = state["calls"]

        a, b = nn.Sequential(Counted(1, 1)), nn.Sequential(Counted(1, 1))
        a[0].calls = 7
        b.load_state_dict(a.state_dict())
        assert b[0].calls == 7
        with pytest.raises(RuntimeError, match=r'Missing key.*"0._extra_state"'):
            b.load_state_dict(nn.Sequential(nn.Linear(1, 1)).state_dict())
        with pytest.raises(RuntimeError, match=r'Unexpected key.*"0._extra_state"'):
            nn.Sequential(nn.Linear(1, 1)).load_state_dict(a.state_dict())

    def test_version_of_an_old_state(self) -> None:
        """A layer can translate what it saved before its layout changed."""

        class Renamed(nn.Module):
            _version = 2

            def __init__(self) -> None:
                super().__init__()
                self.gain = nn.Parameter(autograd.zeros(1))

            def _load_from_state_dict(  # type: ignore[override]
                self, state_dict: Any, prefix: str, local_metadata: Any, *rest: Any
            ) -> None:
                if local_metadata.get("version", 1) < 2:
                    state_dict[prefix + "gain"] = state_dict.pop(prefix + "scale")
                super()._load_from_state_dict(state_dict, prefix, local_metadata, *rest)

        net = nn.Sequential(Renamed())
        assert net.state_dict()._metadata["0"] == {"version": 2}
        old = OrderedDict({"0.scale": autograd.ones(1)})
        net.load_state_dict(old)
        assert net[0].gain.item() == 1
        assert "0.scale" in old  # the caller's dict is not touched


class TestModes:
    def test_train_and_eval(self) -> None:
        net = Net()
        assert all(m.training for m in net.modules())
        assert net.eval() is net
        assert not any(m.training for m in net.modules())
        net.inner.train()
        assert net.inner[0].training and not net.training

    def test_a_module_may_refuse_to_train(self) -> None:
        class Frozen(nn.Dropout):
            def train(self, mode: bool = True) -> Any:
                return super().train(False)

        net = nn.Sequential(Frozen(), nn.Dropout()).train()
        assert [m.training for m in net] == [False, True]

    def test_requires_grad_and_zero_grad(self) -> None:
        net = Net().requires_grad_(False)
        assert not any(p.requires_grad for p in net.parameters())
        net.requires_grad_()
        net(autograd.ones(2, 3)).sum().backward()
        kept = net.scale.grad
        net.zero_grad(set_to_none=False)
        assert net.scale.grad is kept and kept.tolist() == [0.0] * 4
        net.zero_grad()
        assert all(p.grad is None for p in net.parameters())

    def test_zero_grad_of_gradients_with_a_graph(self) -> None:
        net = Net()
        net(autograd.ones(2, 3)).square().sum().backward(create_graph=True)
        assert net.scale.grad.requires_grad
        net.zero_grad(set_to_none=False)
        assert not net.scale.grad.requires_grad and net.scale.grad.tolist() == [0.0] * 4

    def test_conversion_keeps_the_objects(self) -> None:
        net = Net()
        net.register_buffer("count", autograd.tensor(3))
        net(autograd.ones(2, 3)).sum().backward()
        scale = net.scale
        assert net.double() is net
        assert net.scale is scale
        assert scale.dtype == scale.grad.dtype == net.mean.dtype == autograd.float64
        assert net.count.dtype == autograd.int64
        net(autograd.ones(2, 3, dtype=autograd.float64)).sum().backward()
        for dtype, convert in [
            (autograd.float32, lambda m: m.float()),
            (autograd.float16, lambda m: m.half()),
            (autograd.float64, lambda m: m.to(autograd.float64)),
            (autograd.float32, lambda m: m.to("cpu", autograd.float32)),
            (autograd.float64, lambda m: m.to(dtype=autograd.float64, device="cpu")),
            (autograd.float32, lambda m: m.to(autograd.ones(1), non_blocking=True)),
            (autograd.float32, lambda m: m.to("cpu")),
            (autograd.float32, lambda m: m.cpu()),
        ]:
            assert convert(net).scale.dtype == dtype

    def test_conversion_errors(self) -> None:
        with pytest.raises(TypeError, match=r"floating point dtypes.*int64"):
            Net().to(autograd.int64)
        with pytest.raises(RuntimeError, match="cuda"):
            Net().to("cuda:0")
        with pytest.raises(RuntimeError, match="cuda"):
            nn.Linear(2, 2, device="cuda")
        with pytest.raises(TypeError, match="no_such"):
            Net().to(no_such=3)


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


class TestCopies:
    @pytest.mark.parametrize(
        "copied",
        [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))],
        ids=["deepcopy", "pickle"],
    )
    def test_stand_alone(self, copied: Callable[[Any], Any]) -> None:
        net = Net()
        net(autograd.ones(2, 3)).sum().backward()
        twin = copied(net)
        x = autograd.ones(1, 3)
        assert twin(x).tolist() == net(x).tolist()
        assert twin.again is twin.inner[1]
        assert isinstance(twin.scale, nn.Parameter) and twin.scale.requires_grad
        with autograd.no_grad():
            twin.scale.mul_(2)
        assert net.scale.tolist() == [1.0] * 4
        twin(x).sum().backward()
        assert twin.scale.grad is not None

    def test_start_without_gradients(self) -> None:
        net = Net()
        net(autograd.ones(2, 3)).sum().backward()
        assert copy.deepcopy(net).scale.grad is None
        assert pickle.loads(pickle.dumps(net)).scale.grad is None

    def test_a_copied_parameter_keeps_what_it_was_told(self) -> None:
        p = nn.Parameter(autograd.ones(2), requires_grad=False)
        p.name = "w"
        twin = copy.deepcopy(p)
        assert not twin.requires_grad and twin.name == "w" and type(twin) is nn.Parameter


def test_a_call_without_hooks_is_a_plain_call() -> None:
    """`forward` replaced on the instance is used, and keyword arguments arrive."""
    net = Net()
    x = autograd.ones(1, 3)
    np.testing.assert_allclose(net(x, factor=2.0).tolist(), (net(x) * 2).tolist(), rtol=1e-6)
    net.forward = lambda x: "mine"
    assert net(x) == "mine"
