"""Module: what an attribute becomes, the tree, modes, conversions and copies."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

import pytest
from nn_samples import Net

import autograd
import nn


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
