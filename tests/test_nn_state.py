"""State dicts: what is in them, loading them, and what is said about what does not fit."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

import numpy as np
import pytest
from nn_samples import Net

import autograd
import nn


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
