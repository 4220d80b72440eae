"""nn.utils: the same program here and in PyTorch, on the same weights."""

from __future__ import annotations

import copy
import importlib
import pickle
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import autograd
import nn

torch = pytest.importorskip("torch")
importlib.import_module("torch.nn.utils.prune")
pytestmark = pytest.mark.parity

HERE = SimpleNamespace(lib=autograd, nn=nn, func=autograd.func)
THERE = SimpleNamespace(lib=torch, nn=torch.nn, func=torch.func)


def plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    if isinstance(value, (tuple, list)):
        return [plain(v) for v in value]
    return np.asarray(value.tolist()) if hasattr(value, "tolist") else value


def assert_same(ours: Any, theirs: Any) -> None:
    if isinstance(theirs, dict):
        assert list(ours) == list(theirs)
        ours, theirs = list(ours.values()), list(theirs.values())
    if isinstance(theirs, list):
        assert len(ours) == len(theirs)
        for a, b in zip(ours, theirs, strict=True):
            assert_same(a, b)
    elif isinstance(theirs, np.ndarray):
        np.testing.assert_allclose(ours, theirs, rtol=2e-5, atol=2e-6)
    else:
        assert ours == theirs


def both(program: Callable[[Any], Any]) -> None:
    ours, theirs = (plain(program(side)) for side in (HERE, THERE))
    assert_same(ours, theirs)


def values(side: Any, *shape: int, seed: int = 0) -> Any:
    return side.lib.tensor(np.random.default_rng(seed).normal(size=shape).tolist())


def filled(side: Any, layer: Any) -> Any:
    """`layer` with the same weights on both sides."""
    with side.lib.no_grad():
        for i, p in enumerate(layer.parameters()):
            p.copy_(values(side, *p.shape, seed=i))
    return layer


def error(call: Callable[[], Any]) -> str:
    try:
        call()
    except Exception as raised:
        return type(raised).__name__
    return "none"


class TestClip:
    @pytest.mark.parametrize("norm", [2.0, 1.0, float("inf"), 3])
    @pytest.mark.parametrize("limit", [0.1, 100.0])
    def test_norm(self, norm: float, limit: float) -> None:
        def program(side: Any) -> Any:
            net = filled(side, side.nn.Sequential(side.nn.Linear(3, 2), side.nn.Linear(2, 1)))
            net[0].bias.requires_grad_(False)
            net(values(side, 4, 3)).sum().backward()
            total = side.nn.utils.clip_grad_norm_(net.parameters(), limit, norm)
            return total, [p.grad for p in net.parameters() if p.grad is not None]

        both(program)

    def test_value_and_single_tensor(self) -> None:
        def program(side: Any) -> Any:
            layer = filled(side, side.nn.Linear(3, 2))
            layer(values(side, 4, 3)).sum().backward()
            side.nn.utils.clip_grad_value_(layer.weight, 0.5)
            total = side.nn.utils.get_total_norm([layer.weight.grad, layer.bias.grad])
            side.nn.utils.clip_grads_with_norm_(layer.bias, 1.0, total)
            return layer.weight.grad, layer.bias.grad, side.nn.utils.get_total_norm([])

        both(program)

    def test_not_finite(self) -> None:
        def program(side: Any) -> Any:
            w = side.nn.Parameter(side.lib.ones(2))
            (w * float("inf")).sum().backward()
            clip = side.nn.utils.clip_grad_norm_
            first = error(lambda: clip([w], 1.0, error_if_nonfinite=True))
            return first, clip([w], 1.0), w.grad

        both(program)

    def test_empty_generator(self) -> None:
        with pytest.warns(UserWarning, match="empty generator"):
            nn.utils.clip_grad_norm_((p for p in ()), 1.0)


def test_vectors() -> None:
    def program(side: Any) -> Any:
        layer = filled(side, side.nn.Linear(3, 2))
        vector = side.nn.utils.parameters_to_vector(layer.parameters())
        side.nn.utils.vector_to_parameters(vector.detach() * 2, layer.parameters())
        return vector, layer.weight, layer.bias

    both(program)
    layer = nn.Linear(3, 2)
    with pytest.raises(ValueError, match="7 entries and the parameters 8"):
        nn.utils.vector_to_parameters(autograd.ones(7), layer.parameters())


CASES = {
    "conv": lambda n: (n.Conv2d(3, 4, 2), n.BatchNorm2d(4), (2, 3, 5, 5), False),
    "no bias": lambda n: (n.Conv1d(3, 4, 2, bias=False), n.BatchNorm1d(4), (2, 3, 5), False),
    "not affine": lambda n: (
        n.Conv1d(3, 4, 2),
        n.BatchNorm1d(4, affine=False),
        (2, 3, 5),
        False,
    ),
    "transposed": lambda n: (n.ConvTranspose2d(3, 4, 2), n.BatchNorm2d(4), (2, 3, 5, 5), True),
}


@pytest.mark.parametrize("case", CASES)
def test_fuse_conv_bn(case: str) -> None:
    def program(side: Any) -> Any:
        conv, bn, shape, transpose = CASES[case](side.nn)
        filled(side, conv), filled(side, bn)
        x = values(side, *shape)
        bn(conv(x))
        conv.eval(), bn.eval()
        fused = side.nn.utils.fuse_conv_bn_eval(conv, bn, transpose)
        return fused(x), bn(conv(x)), fused.state_dict()

    both(program)


def test_fuse_linear_bn() -> None:
    def program(side: Any) -> Any:
        fc, bn = filled(side, side.nn.Linear(3, 4)), filled(side, side.nn.BatchNorm1d(4))
        x = values(side, 5, 3)
        bn(fc(x))
        fuse = side.nn.utils.fuse_linear_bn_eval
        training = error(lambda: fuse(fc, bn))
        wrong = error(lambda: fuse(fc.eval(), side.nn.BatchNorm1d(3).eval()))
        return fuse(fc, bn.eval())(x), bn(fc(x)), training, wrong

    both(program)


class TestFunctionalCall:
    def test_values_and_gradients(self) -> None:
        def program(side: Any) -> Any:
            net = filled(side, side.nn.Sequential(side.nn.Linear(3, 2), side.nn.BatchNorm1d(2)))
            w = values(side, 2, 3, seed=9).requires_grad_()
            buffers = {"1.running_mean": side.lib.ones(2)}
            out = side.func.functional_call(net, [{"0.weight": w}, buffers], values(side, 4, 3))
            (out**3).sum().backward()
            return out, w.grad, buffers, net[1].running_mean, net[0].weight.grad

        both(program)

    def test_tied_and_strict(self) -> None:
        def program(side: Any) -> Any:
            net = side.nn.Sequential(side.nn.Linear(2, 2), side.nn.Linear(2, 2))
            filled(side, net)
            net[1].weight = net[0].weight
            call, x = side.func.functional_call, values(side, 1, 2)
            w, v = values(side, 2, 2, seed=3), values(side, 2, 2, seed=4)
            return (
                call(net, {"1.weight": w}, x),
                call(net, {"1.weight": w}, (x,), tie_weights=False),
                error(lambda: call(net, {"0.weight": w, "1.weight": v}, x)),
                error(lambda: call(net, {"0.weight": w}, x, strict=True)),
                error(lambda: call(net, [{"0.weight": w}, {"0.weight": w}], x)),
                call(net, dict(net.named_parameters()), x, {}),
            )

        both(program)

    def test_restores_after_an_error(self) -> None:
        layer = nn.Linear(2, 2)
        weight = layer.weight
        with pytest.raises(RuntimeError):
            autograd.func.functional_call(layer, {"weight": autograd.ones(2, 2)}, autograd.ones(3))
        assert layer.weight is weight

    def test_stack(self) -> None:
        def program(side: Any) -> Any:
            nets = [filled(side, side.nn.BatchNorm1d(2)) for _ in range(3)]
            params, buffers = side.func.stack_module_state(nets)
            wrong = error(lambda: side.func.stack_module_state([nets[0], nets[1].eval()]))
            return params, buffers, params["weight"].requires_grad, wrong

        both(program)


def symmetric(side: Any) -> Any:
    class Symmetric(side.nn.Module):
        def forward(self, x: Any) -> Any:
            return x.triu() + x.triu(1).T

        def right_inverse(self, a: Any) -> Any:
            return a.triu()

    return Symmetric()


def rank_one(side: Any) -> Any:
    class RankOne(side.nn.Module):
        def forward(self, x: Any, y: Any) -> Any:
            return x.unsqueeze(-1) @ y.unsqueeze(-2)

        def right_inverse(self, z: Any) -> Any:
            return z[:, 0], z[0] / z[0, 0]

    return RankOne()


class TestParametrize:
    def test_learns_the_original(self) -> None:
        def program(side: Any) -> Any:
            P = side.nn.utils.parametrize
            layer = filled(side, side.nn.Linear(3, 3))
            weight = layer.weight
            P.register_parametrization(layer, "weight", symmetric(side))
            layer(values(side, 2, 3)).sum().backward()
            original = layer.parametrizations.weight.original
            return (
                layer.weight,
                original.grad,
                original is weight,
                layer.state_dict(),
                type(layer).__name__,
                P.is_parametrized(layer),
                P.is_parametrized(layer, "bias"),
            )

        both(program)

    def test_assign_chain_and_remove(self) -> None:
        def program(side: Any) -> Any:
            P = side.nn.utils.parametrize

            class Double(side.nn.Module):
                def forward(self, x: Any) -> Any:
                    return 2 * x

                def right_inverse(self, x: Any) -> Any:
                    return x / 2

            layer = filled(side, side.nn.Linear(2, 2))
            P.register_parametrization(layer, "weight", symmetric(side))
            P.register_parametrization(layer, "weight", Double())
            first = layer.weight
            a = values(side, 2, 2, seed=5)
            layer.weight = a + a.T
            second = layer.weight
            with P.cached():
                same = layer.weight is layer.weight
            P.register_parametrization(layer, "bias", Double())
            P.remove_parametrizations(layer, "weight")
            third = layer.weight, type(layer).__name__
            P.remove_parametrizations(layer, "bias", leave_parametrized=False)
            kind = type(layer) is side.nn.Linear
            return first, second, same, third, layer.bias, kind, layer.state_dict()

        both(program)

    def test_several_originals(self) -> None:
        def program(side: Any) -> Any:
            P = side.nn.utils.parametrize
            layer = filled(side, side.nn.Linear(3, 2))
            P.register_parametrization(layer, "weight", rank_one(side))
            layer(values(side, 2, 3)).sum().backward()
            names = [name for name, _ in layer.named_parameters()]
            gradients = [p.grad for p in layer.parameters()]
            stuck = error(lambda: P.remove_parametrizations(layer, "weight", False))
            before = layer.weight
            P.remove_parametrizations(layer, "weight")
            return names, gradients, stuck, before, layer.weight, type(layer.weight).__name__

        both(program)

    def test_errors(self) -> None:
        def program(side: Any) -> Any:
            P = side.nn.utils.parametrize

            class Wider(side.nn.Module):
                def forward(self, x: Any) -> Any:
                    return side.lib.cat([x, x])

            layer = side.nn.Linear(2, 2)
            register = P.register_parametrization
            found = [
                error(lambda: register(layer, "nothing", symmetric(side))),
                error(lambda: register(layer, "weight", Wider())),
                error(lambda: P.remove_parametrizations(layer, "weight")),
            ]
            untouched = type(layer) is side.nn.Linear, list(layer.state_dict())
            register(layer, "weight", Wider(), unsafe=True)
            assigned = error(lambda: setattr(layer, "weight", side.lib.ones(2, 2)))
            return found, untouched, layer.weight.shape[0], assigned

        both(program)

    def test_copies_and_pickles(self) -> None:
        layer = nn.utils.parametrizations.weight_norm(nn.Linear(3, 2))
        for other in (copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):
            assert type(other) is type(layer)
            np.testing.assert_array_equal(other.weight.numpy(force=True), layer.weight.tolist())
            other.parametrizations.weight.original0.data.mul_(2)
            assert not autograd.allclose(other.weight, layer.weight)


class TestParametrizations:
    @pytest.mark.parametrize("dim", [0, 1, None, -1])
    @pytest.mark.parametrize("old", [False, True])
    def test_weight_norm(self, dim: Any, old: bool) -> None:
        def program(side: Any) -> Any:
            utils = side.nn.utils
            add = utils.weight_norm if old else utils.parametrizations.weight_norm
            conv = filled(side, side.nn.Conv1d(3, 4, 2))
            x = values(side, 2, 3, 5)
            expected = conv(x)
            layer = add(conv, dim=dim)
            out = layer(x)
            (out**2).sum().backward()
            gradients = {name: p.grad for name, p in layer.named_parameters()}
            state = layer.state_dict()
            if old:
                utils.remove_weight_norm(layer)
            else:
                utils.parametrize.remove_parametrizations(layer, "weight")
            return out - expected, gradients, state, layer.state_dict()

        with pytest.warns(FutureWarning) if old else _nothing():  # PyTorch's own
            both(program)

    def test_weight_norm_loads_the_old_keys(self) -> None:
        old = nn.utils.weight_norm(nn.Linear(3, 2))
        new = nn.utils.parametrizations.weight_norm(nn.Linear(3, 2))
        new.load_state_dict(old.state_dict())
        x = autograd.randn(4, 3)
        np.testing.assert_allclose(new(x).tolist(), old(x).tolist(), rtol=1e-6)

    @pytest.mark.parametrize("old", [False, True])
    @pytest.mark.parametrize("kind", ["Linear", "ConvTranspose1d"])
    def test_spectral_norm(self, kind: str, old: bool) -> None:
        def program(side: Any) -> Any:
            utils = side.nn.utils
            add = utils.spectral_norm if old else utils.parametrizations.spectral_norm
            make = {"Linear": lambda: side.nn.Linear(3, 4)}
            make["ConvTranspose1d"] = lambda: side.nn.ConvTranspose1d(3, 4, 2)
            layer = filled(side, make[kind]())
            add(layer, n_power_iterations=2)
            with side.lib.no_grad():  # start from the same vectors
                for name, buffer in layer.named_buffers():
                    start = values(side, *buffer.shape, seed=len(name))
                    buffer.copy_(start / start.norm())
            x = values(side, 2, 3) if kind == "Linear" else values(side, 2, 3, 5)
            for _ in range(3):
                (layer(x) ** 2).sum().backward()
            layer.eval()
            out = layer(x)
            gradients = {name: p.grad for name, p in layer.named_parameters()}
            state = layer.state_dict()
            if old:
                utils.remove_spectral_norm(layer)
            else:
                utils.parametrize.remove_parametrizations(layer, "weight")
            return out, gradients, state, layer.state_dict()

        both(program)

    @pytest.mark.parametrize("shape", [(3, 3), (5, 3), (3, 5)])
    @pytest.mark.parametrize("map_", ["matrix_exp", "cayley", "householder"])
    @pytest.mark.parametrize("trivial", [True, False])
    def test_orthogonal(self, shape: Any, map_: str, trivial: bool) -> None:
        def program(side: Any) -> Any:
            add = side.nn.utils.parametrizations.orthogonal
            layer = filled(side, side.nn.Linear(shape[1], shape[0]))
            if not trivial and map_ != "householder":
                side.nn.init.zeros_(layer.weight)
            add(layer, orthogonal_map=map_, use_trivialization=trivial)
            parametrization = layer.parametrizations.weight
            if trivial:  # the base is completed at random: start from a known one
                n = max(shape)
                parametrization[0].base.copy_(side.lib.eye(n))
            with side.lib.no_grad():
                parametrization.original.add_(0.3 * values(side, *shape, seed=7).tril(-1))
            w = layer.weight
            (w * values(side, *shape, seed=8)).sum().backward()
            gram = w @ w.T if shape[0] < shape[1] else w.T @ w
            assigned = error(lambda: setattr(layer, "weight", w.detach()))
            return w, gram, parametrization.original.grad, assigned, list(layer.state_dict())

        both(program)


class _nothing:
    def __enter__(self) -> None: ...

    def __exit__(self, *exc: object) -> None: ...


class TestPrune:
    @pytest.mark.parametrize("amount", [0.4, 3, 0, 1.0])
    def test_l1(self, amount: float) -> None:
        def program(side: Any) -> Any:
            prune = side.nn.utils.prune
            layer = filled(side, side.nn.Linear(4, 3))
            prune.l1_unstructured(layer, "weight", amount)
            x = values(side, 2, 4)
            out = layer(x)
            out.sum().backward()
            first = out, layer.weight_orig.grad, layer.state_dict(), prune.is_pruned(layer)
            prune.remove(layer, "weight")
            return first, layer.state_dict(), layer(x), prune.is_pruned(layer)

        both(program)

    def test_again_and_again(self) -> None:
        def program(side: Any) -> Any:
            prune = side.nn.utils.prune
            layer = filled(side, side.nn.Conv2d(4, 3, 2))
            masks = []
            prune.identity(layer, "weight")
            prune.ln_structured(layer, "weight", 1, 2, 0)
            masks.append(layer.weight_mask)
            prune.l1_unstructured(layer, "weight", 0.25)
            masks.append(layer.weight_mask)
            prune.ln_structured(layer, "weight", 0.5, float("inf"), -3)
            masks.append(layer.weight_mask)
            keep = side.lib.ones(3, 4, 2, 2)
            keep[1, 1] = 0
            prune.custom_from_mask(layer, "weight", keep)
            return masks, layer.weight_mask, layer.weight, len(layer._forward_pre_hooks)

        both(program)

    def test_globally(self) -> None:
        def program(side: Any) -> Any:
            prune = side.nn.utils.prune
            net = filled(side, side.nn.Sequential(side.nn.Linear(4, 3), side.nn.Linear(3, 5)))
            pairs = [(net[0], "weight"), (net[1], "weight"), (net[1], "bias")]
            scores = {(net[1], "bias"): side.lib.ones(5)}
            method = prune.L1Unstructured
            prune.global_unstructured(pairs, method, amount=9)
            prune.global_unstructured(pairs, method, importance_scores=scores, amount=0.5)
            return net.state_dict()

        both(program)

    def test_scores_and_errors(self) -> None:
        def program(side: Any) -> Any:
            prune = side.nn.utils.prune
            layer = filled(side, side.nn.Linear(2, 2))
            scores = values(side, 2, 2, seed=4)
            prune.l1_unstructured(layer, "weight", 2, importance_scores=scores)
            return (
                layer.weight,
                error(lambda: prune.l1_unstructured(layer, "bias", 1.5)),
                error(lambda: prune.l1_unstructured(layer, "bias", -1)),
                error(lambda: prune.l1_unstructured(layer, "bias", "many")),
                error(lambda: prune.l1_unstructured(layer, "bias", 5)),
                error(lambda: prune.ln_structured(layer, "bias", 1, 2, 0)),
                error(lambda: prune.remove(layer, "bias")),
                sorted(layer.state_dict()),  # PyTorch moves a parameter after an error
                prune.L1Unstructured(1).prune(scores),
            )

        both(program)

    def test_at_random(self) -> None:
        autograd.manual_seed(0)
        layer = nn.utils.prune.random_unstructured(nn.Linear(10, 10), "weight", 0.3)
        assert int((layer.weight == 0).sum()) == 30
        layer = nn.utils.prune.random_structured(nn.Linear(10, 10), "weight", 4, 1)
        assert int((layer.weight_mask.sum(0) == 0).sum()) == 4
        assert int((layer.weight == 0).sum()) == 40
