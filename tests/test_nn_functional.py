"""What the table of op samples cannot say: warnings, randomness, error messages, hard points."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import scipy.stats

import autograd
import nn
import nn.functional as F
from autograd.registry import ENTRIES


def test_every_registered_function_is_there() -> None:
    names = [e for e in ENTRIES.values() if e.namespace == "nn.functional"]
    assert len(names) > 40
    for entry in names:
        assert getattr(F, entry.name) is entry.function


class TestWarnings:
    @pytest.mark.parametrize("f", [F.mse_loss, F.l1_loss, F.smooth_l1_loss, F.huber_loss])
    def test_sizes_that_only_broadcast(self, f: Callable[..., Any]) -> None:
        with pytest.warns(UserWarning, match=r"target size \(Size\(\[3\]\)\).*different"):
            assert f(autograd.ones(2, 3), autograd.ones(3), reduction="none").shape == (2, 3)

    @pytest.mark.parametrize(
        ("old", "new"),
        [
            ({"size_average": False}, "sum"),
            ({"size_average": True}, "mean"),
            ({"reduce": False}, "none"),
            ({"reduce": True}, "mean"),
            ({"size_average": False, "reduce": False}, "none"),
        ],
    )
    def test_old_spelling_of_reduction(self, old: dict[str, bool], new: str) -> None:
        x, y = autograd.tensor([0.1, 0.9]), autograd.tensor([1.0, 0.0])
        two_way = [F.mse_loss, F.l1_loss, F.smooth_l1_loss, F.binary_cross_entropy]
        for f in [*two_way, F.binary_cross_entropy_with_logits, F.kl_div]:
            with pytest.warns(UserWarning, match=f"reduction='{new}'"):
                result = f(x, y, **old)
            if f is F.kl_div and new == "mean":
                continue  # which warns by itself
            assert result.tolist() == f(x, y, reduction=new).tolist()
        for f in (F.nll_loss, F.cross_entropy):
            logits, target = autograd.ones(3, 2), autograd.tensor([0, 1, 0])
            with pytest.warns(UserWarning, match=f"reduction='{new}'"):
                result = f(logits, target, **old)
            assert result.tolist() == f(logits, target, reduction=new).tolist()
        with pytest.warns(UserWarning, match=f"reduction='{new}'"):
            assert nn.MSELoss(**old).reduction == new

    def test_mean_of_kl_div(self) -> None:
        with pytest.warns(UserWarning, match="batchmean"):
            F.kl_div(autograd.zeros(1, 2), autograd.ones(1, 2))

    @pytest.mark.parametrize(
        ("shape", "dim"), [((), 0), ((3,), 0), ((2, 3), 1), ((2, 3, 4), 0), ((1, 2, 2, 2), 1)]
    )
    def test_implicit_dim(self, shape: tuple[int, ...], dim: int) -> None:
        x = autograd.rand(*shape)
        for name in ("softmax", "log_softmax", "softmin"):
            f = getattr(F, name)
            with pytest.warns(UserWarning, match=f"Implicit dimension choice for {name}"):
                assert f(x).tolist() == f(x, dim).tolist()
        with pytest.warns(UserWarning, match="Implicit"):
            nn.Softmax()(x)

    def test_dropout_of_channels(self) -> None:
        with pytest.warns(UserWarning, match="dropout1d"):
            F.dropout2d(autograd.ones(2, 3, 4))
        with pytest.warns(UserWarning, match="deprecated"):
            F.dropout2d(autograd.ones(2, 3))
        with pytest.warns(UserWarning, match="deprecated"):
            F.dropout3d(autograd.ones(2, 3))

    def test_renamed_arguments(self) -> None:
        with pytest.warns(FutureWarning, match="`min_value` is deprecated and renamed"):
            assert nn.Hardtanh(min_value=-3.0).min_val == -3.0
        with pytest.warns(FutureWarning, match="`max_value`"):
            assert nn.Hardtanh(max_value=3.0).max_val == 3.0
        with pytest.warns(UserWarning, match="eps"):
            F.gumbel_softmax(autograd.ones(2), eps=1e-5)


class TestDropout:
    @pytest.mark.parametrize("p", [0.1, 0.5, 0.9])
    def test_share_and_scale(self, p: float) -> None:
        autograd.manual_seed(0)
        n = 20_000
        out = F.dropout(autograd.ones(n), p).numpy()
        np.testing.assert_allclose(np.unique(out), [0, 1 / (1 - p)], rtol=1e-6)
        assert scipy.stats.binomtest(int((out == 0).sum()), n, p).pvalue > 1e-3

    def test_gradient_goes_where_values_went(self) -> None:
        x = autograd.rand(50, requires_grad=True)
        out = F.dropout(x + 1, 0.3)
        out.sum().backward()
        assert x.grad is not None
        np.testing.assert_allclose(x.grad.numpy(), (out / (x + 1)).tolist(), rtol=1e-6)

    def test_seed_and_mode(self) -> None:
        layer, x = nn.Dropout(0.4), autograd.ones(100)
        autograd.manual_seed(5)
        first = layer(x).tolist()
        assert layer(x).tolist() != first
        autograd.manual_seed(5)
        assert layer(x).tolist() == first
        assert layer.eval()(x) is x
        assert F.dropout(x, 0.0) is x
        assert F.dropout(x, 1.0).tolist() == [0.0] * 100

    @pytest.mark.parametrize(
        ("layer", "shape"),
        [
            (nn.Dropout1d, (40, 30, 5)),
            (nn.Dropout1d, (600, 5)),
            (nn.Dropout2d, (40, 30, 2, 3)),
            (nn.Dropout3d, (40, 30, 2, 2, 2)),
            (nn.Dropout3d, (600, 2, 2, 2)),
        ],
    )
    def test_whole_channels(self, layer: Any, shape: tuple[int, ...]) -> None:
        autograd.manual_seed(0)
        out = layer(0.25)(autograd.ones(*shape)).numpy()
        batched = len(shape) == {nn.Dropout1d: 3, nn.Dropout2d: 4, nn.Dropout3d: 5}[layer]
        channels = out.reshape(shape[0] * shape[1] if batched else shape[0], -1)
        assert (channels == channels[:, :1]).all()
        dropped = int((channels[:, 0] == 0).sum())
        assert scipy.stats.binomtest(dropped, len(channels), 0.25).pvalue > 1e-3

    @pytest.mark.parametrize("layer", [nn.AlphaDropout, nn.FeatureAlphaDropout])
    def test_alpha_keeps_mean_and_variance(self, layer: Any) -> None:
        autograd.manual_seed(0)
        x = autograd.randn(400, 500, 1)
        out = layer(0.2)(x).numpy()
        assert abs(out.mean()) < 0.01 and abs(out.std() - 1) < 0.01
        assert layer(0.2).eval()(x) is x
        assert layer(0.2)(autograd.randn(2, 3, 4)).shape == (2, 3, 4)

    def test_in_place(self) -> None:
        x = autograd.ones(50)
        assert F.dropout(x, 0.5, inplace=True) is x
        assert set(x.tolist()) == {0.0, 2.0}
        assert F.alpha_dropout(x, 0.5, True, inplace=True) is x

    def test_errors(self) -> None:
        for layer in (nn.Dropout, nn.AlphaDropout):
            with pytest.raises(ValueError, match=r"between 0 and 1, but got 1\.2"):
                layer(1.2)
        with pytest.raises(RuntimeError, match="Expected 2D or 3D"):
            F.dropout1d(autograd.ones(3))


class TestRandomActivations:
    def test_rrelu(self) -> None:
        autograd.manual_seed(0)
        x = -autograd.ones(20_000)
        slopes = -F.rrelu(x, 0.1, 0.4, training=True).numpy()
        assert scipy.stats.kstest(slopes, scipy.stats.uniform(0.1, 0.3).cdf).pvalue > 1e-3
        assert F.rrelu(-x, training=True).tolist() == (-x).tolist()
        with pytest.raises(RuntimeError, match="lower must not exceed upper"):
            F.rrelu(x, 0.5, 0.1)

    def test_gumbel_softmax_follows_the_logits(self) -> None:
        autograd.manual_seed(0)
        p = np.array([0.1, 0.2, 0.7])
        logits = autograd.from_numpy(np.log(np.tile(p, (5000, 1)))).requires_grad_()
        hard = F.gumbel_softmax(logits, tau=0.5, hard=True)
        assert set(hard.detach().numpy().ravel().round(12)) == {0.0, 1.0}
        counts = hard.sum(0).tolist()
        assert scipy.stats.chisquare(counts, p * 5000).pvalue > 1e-3
        soft = F.gumbel_softmax(logits, tau=0.5)
        np.testing.assert_allclose(soft.sum(1).tolist(), 1.0)
        (hard * autograd.tensor([1.0, 2.0, 3.0])).sum().backward()
        assert logits.grad is not None and (logits.grad != 0).all()


class TestHardPoints:
    def test_nothing_counts(self) -> None:
        """The mean over no target is NaN, but the weights must not become NaN by it."""
        target = autograd.tensor([-100, -100])
        for f in (F.nll_loss, F.cross_entropy):
            x = autograd.rand(2, 3, requires_grad=True)
            loss = f(x, target)
            loss.backward()
            assert np.isnan(loss.item())
            assert x.grad is not None and x.grad.tolist() == [[0.0] * 3] * 2
            assert f(x, target, reduction="sum").item() == 0

    def test_saturated_probabilities(self) -> None:
        """Sigmoids that have reached 0 and 1 in float32."""
        x = autograd.tensor([200.0, -200.0, 200.0], requires_grad=True)
        F.binary_cross_entropy(x.sigmoid(), autograd.tensor([1.0, 0.0, 0.0])).backward()
        assert x.grad is not None and np.isfinite(x.grad.numpy()).all()

    def test_logits_far_out(self) -> None:
        x = autograd.tensor([1e4, -1e4], requires_grad=True)
        loss = F.binary_cross_entropy_with_logits(x, autograd.tensor([0.0, 1.0]), reduction="none")
        assert loss.tolist() == [1e4, 1e4]
        loss.sum().backward()
        assert x.grad is not None and x.grad.tolist() == [1.0, -1.0]

    def test_zero_vectors(self) -> None:
        x = autograd.zeros(2, 3, requires_grad=True)
        (F.normalize(x).sum() + F.cosine_similarity(x, autograd.ones(2, 3)).sum()).backward()
        assert x.grad is not None and np.isfinite(x.grad.numpy()).all()


class TestErrors:
    @pytest.mark.parametrize(
        ("call", "error", "match"),
        [
            (lambda: nn.Linear(4, 2)(autograd.ones(3, 5)), RuntimeError,
             r"Linear\(in_features=4.*input of shape \[\*, 4\], got float32\[3, 5\]"),
            (lambda: nn.Linear(4, 2)(autograd.tensor(1.0)), RuntimeError, r"got float32\[\]"),
            (lambda: nn.Linear(4, 2)(autograd.ones(3, 4, dtype=autograd.float64)), RuntimeError,
             "one dtype"),
            (lambda: nn.Linear(4, 2)(autograd.arange(4)), RuntimeError, "one dtype"),
            (lambda: nn.Bilinear(2, 3, 4)(autograd.ones(5, 2), autograd.ones(5, 2)), RuntimeError,
             r"\[\*, 2\] and \[\*, 3\], got float32\[5, 2\] and float32\[5, 2\]"),
            (lambda: nn.Bilinear(0, 3, 4), ValueError, "in1_features must be > 0"),
            (lambda: nn.Unflatten(1, 3), TypeError, "tuple of ints, but found type int"),
            (lambda: nn.Unflatten(1, (1, "x")), TypeError, "type str at pos 1"),
            (lambda: nn.Unflatten(1, (3, 3))(autograd.ones(2, 4)), RuntimeError, "invalid"),
            (lambda: nn.Softmax2d()(autograd.ones(2)), ValueError, "3D or 4D, got 1D"),
            (lambda: nn.PReLU(3)(autograd.ones(2, 4)), RuntimeError, r"\[4\] for an input"),
            (lambda: nn.Hardtanh(1.0, 0.5), ValueError, "larger than min_val"),
            (lambda: nn.HuberLoss(delta="1"), TypeError, "float or int"),
            (lambda: F.huber_loss(autograd.ones(1), autograd.ones(1), delta=0), RuntimeError,
             "non-positive"),
            (lambda: F.celu(autograd.ones(1), 0.0), RuntimeError, "alpha must not be 0"),
            (lambda: F.mse_loss(autograd.ones(2), autograd.ones(2), reduction="avg"), ValueError,
             "mse_loss: reduction must be"),
            (lambda: F.nll_loss(autograd.ones(2, 3), autograd.tensor([0, 3])), IndexError,
             "target 3 is out of bounds for 3 classes"),
            (lambda: F.nll_loss(autograd.ones(2, 3), autograd.tensor([0, 1, 2])), RuntimeError,
             r"input float32\[2, 3\] the target must have shape \(2,\), got int64\[3\]"),
            (lambda: F.nll_loss(autograd.ones(2, 3), autograd.ones(2)), RuntimeError, "int64"),
            (lambda: F.nll_loss(autograd.tensor(1.0), autograd.tensor(0)), ValueError, "0-d"),
            (lambda: nn.BCELoss()(autograd.tensor([1.5]), autograd.ones(1)), RuntimeError,
             "between 0 and 1, found 1.5.*sigmoid"),
            (lambda: nn.BCELoss()(autograd.ones(2), autograd.ones(3)), ValueError,
             r"float32\[3\] and input float32\[2\]"),
            (lambda: nn.BCEWithLogitsLoss()(autograd.ones(2), autograd.ones(3)), ValueError,
             "same size"),
            (lambda: F.one_hot(autograd.ones(2)), RuntimeError, "class indices"),
            (lambda: F.cosine_similarity(autograd.arange(2), autograd.arange(2), 0), RuntimeError,
             "floating"),
        ],
    )  # fmt: skip
    def test_say_what_was_expected(
        self, call: Callable[[], Any], error: type[Exception], match: str
    ) -> None:
        with pytest.raises(error, match=match):
            call()

    def test_in_place_on_a_leaf(self) -> None:
        x = autograd.ones(2, requires_grad=True)
        with pytest.raises(RuntimeError, match="leaf that requires grad"):
            nn.ReLU(inplace=True)(x)


def test_initial_weights_of_linear_layers() -> None:
    """PyTorch's: uniform on ±1/sqrt(in_features), from the seed of autograd."""
    autograd.manual_seed(0)
    layer = nn.Linear(100, 300)
    for p in (layer.weight, layer.bias):
        assert p is not None
        values = p.detach().numpy().ravel()
        assert scipy.stats.kstest(values, scipy.stats.uniform(-0.1, 0.2).cdf).pvalue > 1e-3
    autograd.manual_seed(0)
    assert nn.Linear(100, 300).weight.tolist() == layer.weight.tolist()
    layer.reset_parameters()
    assert nn.Linear(0, 3)(autograd.ones(2, 0)).shape == (2, 3)
    two = nn.Bilinear(64, 20, 30)
    values = two.weight.detach().numpy().ravel()
    assert scipy.stats.kstest(values, scipy.stats.uniform(-0.125, 0.25).cdf).pvalue > 1e-3
    assert nn.Linear(2, 2, dtype=autograd.float64, device="cpu").weight.dtype == autograd.float64
    assert nn.PReLU(3).weight.tolist() == [0.25] * 3


@pytest.mark.parametrize("shape", [(300, 130), (1,), (0, 3), ()])
def test_gelu_of_float32(shape: tuple[int, ...]) -> None:
    """Computed in blocks by a formula of its own: as exact as float32 is, tails included."""
    values = np.random.default_rng(0).normal(0, 3, shape)
    found = []
    for dtype in (np.float32, np.float64):
        x = autograd.from_numpy(np.asarray(values.T, np.float32).astype(dtype)).requires_grad_()
        out = F.gelu(x.T)
        out.sum().backward()
        found.append((out.detach().numpy(), x.grad.numpy()))
    for a, b in zip(*found, strict=True):
        assert a.dtype == np.float32
        np.testing.assert_allclose(a, b, rtol=1e-6, atol=3e-7)
    assert F.gelu(autograd.tensor([-40.0, 40.0])).tolist() == [0.0, 40.0]
