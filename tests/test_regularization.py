"""Penalties, mixing, distillation, ensembles, quantization and low rank: what they compute."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest

import autograd
import nn
import nn.functional as F
import optim
from nn.compression import QuantizedLinear, factorize, quantize_dynamic, quantized
from nn.regularization import Ensemble, cutmix, distillation_loss, l1_penalty, l2_penalty, mixup


def generator() -> autograd.Generator:
    return autograd.Generator().manual_seed(0)


def test_penalties() -> None:
    net = nn.Sequential(nn.Linear(3, 2), nn.LayerNorm(2), nn.Linear(2, 1))
    net[2].weight.requires_grad_(False)
    w, everything = net[0].weight, [net[0].weight, net[0].bias, *net[1].parameters(), net[2].bias]
    l1_penalty(net).backward()
    np.testing.assert_array_equal(w.grad.numpy(), np.sign(w.tolist()))
    assert net[0].bias.grad is None and net[2].weight.grad is None
    w.grad = None
    l2_penalty(net).backward()
    np.testing.assert_allclose(w.grad.numpy(), 2 * w.numpy(force=True))
    expected = sum(p.abs().sum().item() for p in everything)
    assert l1_penalty(net, biases=True).item() == pytest.approx(expected, rel=1e-6)
    expected = sum((p**2).sum().item() for p in everything)
    assert l2_penalty(net, biases=True).item() == pytest.approx(expected, rel=1e-6)
    assert l1_penalty(nn.ReLU()).item() == l2_penalty(nn.ReLU()).item() == 0


def test_mixup() -> None:
    x, labels = autograd.eye(8), autograd.arange(8) % 3
    mixed, targets = mixup(x, labels, 1.0, 3, generator=generator())
    own, rest = np.diag(mixed.numpy()), mixed.numpy() - np.diag(np.diag(mixed.numpy()))
    partner = np.where(own == 1, np.arange(8), rest.argmax(1))  # some are mixed with themselves
    assert sorted(partner) == list(range(8))
    share = own[own < 1][0]
    assert 0 < share < 1
    np.testing.assert_allclose(own[own < 1], share)
    np.testing.assert_allclose(mixed.numpy().sum(1), 1, rtol=1e-6)
    true = F.one_hot(labels, 3).numpy()
    np.testing.assert_allclose(
        targets.numpy(), share * true + (1 - share) * true[partner], rtol=1e-5
    )
    values = mixup(x, x * 2, generator=generator())
    np.testing.assert_allclose(values[1].numpy(), 2 * values[0].numpy(), rtol=1e-5)
    again = mixup(x, labels, 1.0, 3, generator=generator())
    np.testing.assert_array_equal(again[0].numpy(), mixed.numpy())


def test_cutmix() -> None:
    x = autograd.arange(6.0).reshape(6, 1, 1, 1).expand(6, 2, 10, 12)
    for seed in range(20):
        random = autograd.Generator().manual_seed(seed)
        mixed, targets = cutmix(x, autograd.arange(6), 1.0, 6, generator=random)
        for i in range(6):
            found, counts = np.unique(mixed.numpy()[i], return_counts=True)
            assert len(found) <= 2 and np.array_equal(mixed.numpy()[i, 0], mixed.numpy()[i, 1])
            shares = np.zeros(6)
            shares[found.astype(int)] = counts / 240
            np.testing.assert_allclose(targets.numpy()[i], shares, atol=1e-6)
    assert (x.numpy()[3] == 3).all()


def test_mixing_bad_arguments() -> None:
    x = autograd.rand(4, 3)
    with pytest.raises(ValueError, match="need num_classes"):
        mixup(x, autograd.arange(4))
    with pytest.raises(ValueError, match="alpha must be positive"):
        mixup(x, x, alpha=0.0)
    with pytest.raises(ValueError, match="4 samples and 3 targets"):
        cutmix(x, x[:3])


@pytest.mark.parity
def test_distillation_against_pytorch() -> None:
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(0)
    scores, teacher = rng.normal(size=(2, 5, 4)) * 3
    labels = rng.integers(0, 4, 5)
    ours = autograd.tensor(scores, requires_grad=True)
    teaching = autograd.tensor(teacher, requires_grad=True)
    loss = distillation_loss(ours, teaching, autograd.tensor(labels), 3.0, 0.7)
    loss.backward()
    theirs = torch.tensor(scores, requires_grad=True)
    log = torch.nn.functional.log_softmax(theirs / 3, 1)
    soft = torch.softmax(torch.tensor(teacher) / 3, 1)
    kl = torch.nn.functional.kl_div(log, soft, reduction="batchmean")
    cross = torch.nn.functional.cross_entropy(theirs, torch.tensor(labels))
    expected = 0.7 * 9 * kl + 0.3 * cross
    expected.backward()
    assert loss.item() == pytest.approx(expected.item(), rel=1e-10)
    np.testing.assert_allclose(ours.grad.numpy(), theirs.grad.numpy(), rtol=1e-8, atol=1e-12)
    assert teaching.grad is None
    alone = distillation_loss(ours, teaching, temperature=3.0)
    assert alone.item() == pytest.approx(9 * kl.item(), rel=1e-10)
    with pytest.raises(ValueError, match=r"student's scores are \(5, 4\), the teacher's \(5, 3\)"):
        distillation_loss(ours, teaching[:, :3])


def test_ensemble() -> None:
    models = [nn.Linear(4, 3) for _ in range(3)]
    x = autograd.randn(2, 4)
    both = Ensemble(models)
    expected = np.mean([F.softmax(m(x), 1).tolist() for m in models], 0)
    np.testing.assert_allclose(both(x).exp().tolist(), expected, rtol=1e-5)
    expected = np.mean([m(x).tolist() for m in models], 0)
    np.testing.assert_allclose(Ensemble(models, "outputs")(x).tolist(), expected, rtol=1e-5)
    assert len(list(both.parameters())) == 6
    with pytest.raises(ValueError, match="average must be"):
        Ensemble(models, "logits")
    with pytest.raises(ValueError, match="at least one"):
        Ensemble([])


@pytest.mark.parametrize("features", [7, 1500])  # more than a float32 adds exactly
def test_quantized_products_are_those_of_integers(features: int) -> None:
    rng = np.random.default_rng(0)
    linear = nn.Linear(features, 5)
    layer = QuantizedLinear.from_float(linear)
    assert layer.weight.dtype == autograd.int8
    x = rng.normal(size=(2, 3, features)).astype(np.float32)
    x[0, 0] = 127.0  # the largest possible sum
    integers, scale = quantized(x)
    exact = integers.astype(np.int64) @ layer.weight.numpy().astype(np.int64).T
    expected = exact * (scale[..., None] * layer.scale.numpy()) + linear.bias.numpy(force=True)
    np.testing.assert_allclose(layer(autograd.tensor(x)).numpy(), expected, rtol=1e-5, atol=1e-6)
    error = (layer.dequantized() - linear.weight).abs().amax(1)
    assert (error <= 0.5001 * layer.scale).all()


def test_quantized_edge_cases() -> None:
    layer = QuantizedLinear.from_float(nn.Linear(4, 2, bias=False))
    assert layer(autograd.zeros(3, 4)).tolist() == [[0.0, 0.0]] * 3
    assert layer(autograd.zeros(0, 4)).shape == (0, 2)
    with pytest.raises(ValueError, match=r"QuantizedLinear\(4, 2\): expected .* float32\[3, 5\]"):
        layer(autograd.zeros(3, 5))
    other = QuantizedLinear(4, 2, bias=False)
    other.load_state_dict(layer.state_dict())
    x = autograd.randn(3, 4)
    np.testing.assert_array_equal(other(x).numpy(), layer(x).numpy())


def test_which_layers_are_quantized() -> None:
    net = nn.Sequential(nn.Linear(4, 4), nn.Sequential(nn.Linear(4, 4), nn.ReLU()))
    net.append(net[0])
    changed = quantize_dynamic(net)
    assert type(net[0]) is nn.Linear
    assert type(changed[0]) is QuantizedLinear and changed[2] is changed[0]
    assert type(changed[1][0]) is QuantizedLinear
    part = quantize_dynamic(net, {"1.0"})
    assert [type(part[0]), type(part[1][0])] == [nn.Linear, QuantizedLinear]
    assert type(quantize_dynamic(nn.Linear(2, 2))) is QuantizedLinear
    assert quantize_dynamic(net, inplace=True) is net and type(net[2]) is QuantizedLinear


def test_factorize() -> None:
    net = nn.Sequential(nn.Linear(40, 30), nn.ReLU(), nn.Linear(30, 10)).eval()
    with autograd.no_grad():  # of rank 3
        net[0].weight.copy_(autograd.randn(30, 3) @ autograd.randn(3, 40))
    x = autograd.randn(5, 40)
    small = factorize(net, energy=0.99999)
    assert small[0][0].weight.shape == (3, 40) and not small[0].training
    assert type(small[2]) is nn.Linear  # nearly of full rank: two layers would be larger
    np.testing.assert_allclose(small(x).tolist(), net(x).tolist(), rtol=1e-3, atol=1e-4)
    two = factorize(nn.Linear(40, 30, bias=False), rank=2)
    assert two[1].bias is None
    layer = nn.Linear(40, 30)
    best = factorize(layer, rank=5)
    lost = (best[1].weight @ best[0].weight - layer.weight).norm().item() ** 2
    rest = np.linalg.svd(layer.weight.numpy(force=True), compute_uv=False)[5:]
    assert lost == pytest.approx((rest**2).sum(), rel=1e-3)
    for bad in ({}, {"rank": 0}, {"energy": 1.5}, {"rank": 1, "energy": 0.5}):
        with pytest.raises(ValueError, match="factorize"):
            factorize(net, **bad)


class Lesson:
    """A small network on 600 of the embedded digits."""

    def __init__(self) -> None:
        train, test = nn.data.digits()
        images, labels = train.tensors
        self.x, self.y = images[:600].flatten(1), labels[:600]
        self.test_x, self.test_y = test.tensors[0].flatten(1), test.tensors[1]
        self.base = self.train()

    def net(self, hidden: int = 64, dropout: float = 0.0) -> nn.Module:
        return nn.Sequential(
            nn.Linear(784, hidden), nn.ReLU(), nn.Dropout(dropout), nn.Linear(hidden, 10)
        )

    def train(
        self,
        loss: Any = F.cross_entropy,
        penalty: Any = None,
        change: Any = lambda x, y: (x, y),
        epochs: int = 20,
        seed: int = 0,
        **options: Any,
    ) -> nn.Module:
        autograd.manual_seed(seed)
        model = self.net(**options)
        optimizer = optim.Adam(model.parameters(), lr=1e-3)
        loader = nn.data.DataLoader(nn.data.TensorDataset(self.x, self.y), 32, shuffle=True)
        for _ in range(epochs):
            for batch in loader:
                x, y = change(*batch)
                value = loss(model(x), y, x) if loss is not F.cross_entropy else loss(model(x), y)
                if penalty is not None:
                    value = value + penalty(model)
                optimizer.zero_grad()
                value.backward()
                optimizer.step()
        return model.eval()

    def scores(self, model: nn.Module) -> tuple[float, float, float]:
        """Accuracy, cross-entropy and mean confidence on the test images."""
        out = nn.training.predict(model, self.test_x)
        accuracy = (out.argmax(1) == self.test_y).float().mean().item()
        confidence = F.softmax(out, 1).amax(1).mean().item()
        return accuracy, F.cross_entropy(out, self.test_y).item(), confidence


@pytest.fixture(scope="module")
def lesson() -> Lesson:
    return Lesson()


@pytest.mark.slow
class TestEffectOnDigits:
    """Each figure asserted holds with a wide margin for other seeds too."""

    def test_penalties(self, lesson: Lesson) -> None:
        def zeros(model: nn.Module) -> float:
            return (model[0].weight.abs() < 1e-3).float().mean().item()

        accuracy = lesson.scores(lesson.base)[0]
        sparse = lesson.train(penalty=lambda m: 2e-4 * l1_penalty(m))
        assert zeros(lesson.base) < 0.05 and zeros(sparse) > 0.4
        small = lesson.train(penalty=lambda m: 2e-3 * l2_penalty(m))
        assert l2_penalty(small).item() < 0.6 * l2_penalty(lesson.base).item()
        assert min(lesson.scores(sparse)[0], lesson.scores(small)[0]) > accuracy - 0.03

    def test_dropout_and_smoothing(self, lesson: Lesson) -> None:
        long = lesson.train(epochs=40)
        dropped = lesson.train(epochs=40, dropout=0.5)
        assert lesson.scores(dropped)[1] < lesson.scores(long)[1] - 0.02
        smooth = lesson.train(lambda out, y, x: F.cross_entropy(out, y, label_smoothing=0.1))
        accuracy, _, confidence = lesson.scores(lesson.base)
        assert lesson.scores(smooth)[2] < confidence - 0.08
        assert lesson.scores(smooth)[0] > accuracy - 0.03

    def test_mixup_resists_wrong_labels(self, lesson: Lesson) -> None:
        noisy = copy.copy(lesson)
        rng = np.random.default_rng(0)
        wrong = rng.random(600) < 0.4
        labels = lesson.y.numpy().copy()
        labels[wrong] = rng.integers(0, 10, int(wrong.sum()))
        noisy.y = autograd.tensor(labels)
        plain = noisy.train(epochs=60)
        mixed = noisy.train(epochs=60, change=lambda x, y: mixup(x, y, 8.0, 10))
        cut = noisy.train(epochs=60, change=self.cut)
        assert lesson.scores(mixed)[0] > lesson.scores(plain)[0] + 0.015
        assert lesson.scores(cut)[0] > lesson.scores(plain)[0] + 0.02

    @staticmethod
    def cut(x: Any, y: Any) -> Any:
        images, targets = cutmix(x.reshape(-1, 1, 28, 28), y, 1.0, 10)
        return images.flatten(1), targets

    def test_augmentation(self, lesson: Lesson) -> None:
        move = nn.data.transforms.RandomAffine(12, (0.08, 0.08), (0.9, 1.1))

        def moved(x: Any, y: Any) -> Any:
            images = [move(image) for image in x.reshape(-1, 1, 28, 28)]
            return autograd.stack(images).flatten(1), y

        plain, augmented = lesson.train(epochs=40), lesson.train(epochs=40, change=moved)
        assert lesson.scores(augmented)[0] > lesson.scores(plain)[0] + 0.008
        assert lesson.scores(augmented)[1] < lesson.scores(plain)[1] - 0.05

    def test_pruning(self, lesson: Lesson) -> None:
        prune = nn.utils.prune
        accuracy = lesson.scores(lesson.base)[0]
        found = []
        for method in (prune.L1Unstructured, prune.RandomUnstructured):
            net = copy.deepcopy(lesson.base)
            weights = [(net[0], "weight"), (net[3], "weight")]
            prune.global_unstructured(weights, method, amount=0.8)
            found.append(lesson.scores(net)[0])
        assert found[0] > accuracy - 0.05 and found[1] < accuracy - 0.2

    def test_quantization(self, lesson: Lesson) -> None:
        net = quantize_dynamic(lesson.base)
        a, b = (nn.training.predict(m, lesson.test_x) for m in (net, lesson.base))
        assert (a.argmax(1) == b.argmax(1)).float().mean() > 0.99
        size = [sum(t.nbytes for t in m.state_dict().values()) for m in (net, lesson.base)]
        assert size[0] < 0.27 * size[1]

    def test_low_rank(self, lesson: Lesson) -> None:
        small = factorize(lesson.base, rank=10)
        count = [sum(p.numel() for p in m.parameters()) for m in (small, lesson.base)]
        assert count[0] < 0.2 * count[1]
        assert lesson.scores(small)[0] > lesson.scores(lesson.base)[0] - 0.02

    def test_ensemble_and_distillation(self, lesson: Lesson) -> None:
        members = [lesson.train(seed=seed) for seed in range(4)]
        teacher = Ensemble(members).eval()
        losses = [lesson.scores(m)[1] for m in members]
        assert lesson.scores(teacher)[1] < np.mean(losses) - 0.003

        def teach(out: Any, y: Any, x: Any) -> Any:
            return distillation_loss(out, teacher(x), y)

        student = lesson.train(hidden=8)
        taught = lesson.train(teach, hidden=8)
        assert lesson.scores(taught)[0] > lesson.scores(student)[0]
        assert lesson.scores(taught)[1] < lesson.scores(student)[1] - 0.03
