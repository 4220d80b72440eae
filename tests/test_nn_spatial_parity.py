"""Convolution, pooling, padding, normalization, embedding and image layers beside PyTorch's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from test_nn_parity import Case, both, built, case, close, compare_calls, real

import autograd
import nn

pytestmark = pytest.mark.parity
SIZES = {1: (7,), 2: (6, 7), 3: (4, 5, 6)}


def images(dims: int, channels: int = 4, batch: int = 2) -> np.ndarray:
    return real(batch, channels, *SIZES[dims])


CONV = [
    *(case(f"Conv{d}d", 4, 6, 3, of=images(d)) for d in SIZES),
    *(case(f"Conv{d}d", 4, 6, 2, 2, 1, bias=False, of=images(d)[0]) for d in SIZES),
    *(
        case(f"Conv{d}d", 4, 6, 3, padding=1, padding_mode=mode, of=images(d))
        for d, mode in [(1, "reflect"), (2, "replicate"), (2, "circular"), (3, "replicate")]
    ),
    case("Conv1d", 4, 8, 3, dilation=2, groups=4, padding="same", of=images(1)),
    case("Conv2d", 4, 6, (3, 2), (2, 1), (1, 0), (1, 2), 2, of=images(2)),
    case("Conv2d", 4, 6, 2, padding="same", padding_mode="circular", of=images(2)),
    case("Conv2d", 4, 6, 3, padding="valid", padding_mode="reflect", of=images(2)),
    case("Conv2d", 4, 5, 1, of=images(2, batch=0)),
    *(case(f"ConvTranspose{d}d", 4, 6, 3, of=images(d)) for d in SIZES),
    *(case(f"ConvTranspose{d}d", 4, 6, 3, 2, 1, 1, 2, of=images(d)[0]) for d in SIZES),
    case("ConvTranspose2d", 4, 6, (2, 3), (3, 2), dilation=(1, 2), bias=False, of=images(2)),
]

POOLING = [
    *(case(f"{kind}Pool{d}d", 2, of=images(d)) for kind in ("Max", "Avg") for d in SIZES),
    *(
        case(f"{kind}Pool{d}d", 3, 2, 1, ceil_mode=True, of=images(d)[0])
        for kind in ("Max", "Avg")
        for d in SIZES
    ),
    case("MaxPool1d", 2, dilation=2, of=images(1)),
    case("AvgPool2d", 3, 2, 1, count_include_pad=False, of=images(2)),
    case("AvgPool2d", (2, 3), divisor_override=5, of=images(2)),
    *(case(f"LPPool{d}d", 2, 2, of=np.abs(images(d))) for d in SIZES),
    case("LPPool2d", 1.5, (2, 3), 2, True, of=np.abs(images(2))),
    *(case(f"Adaptive{kind}Pool{d}d", 3, of=images(d)) for kind in ("Max", "Avg") for d in SIZES),
    case("AdaptiveAvgPool2d", (None, 2), of=images(2)[0]),
    case("AdaptiveMaxPool2d", (2, None), of=images(2)),
]

PADDING = [
    *(case(f"{kind}Pad{d}d", 2, of=images(d)) for d in SIZES for kind in ("Zero", "Circular")),
    *(
        case(f"{kind}Pad{d}d", tuple(range(2 * d, 0, -1))[: 2 * d], of=images(d)[:, :2])
        for d in (1,)
        for kind in ("Reflection", "Replication", "Zero")
    ),
    *(case(f"{k}Pad{d}d", 1, of=images(d)) for d in SIZES for k in ("Reflection", "Replication")),
    *(case(f"ConstantPad{d}d", 1, 3.5, of=images(d)) for d in SIZES),
    case("ZeroPad2d", (1, -1, 0, 2), of=images(2)),
]

IMAGES = [
    case("Upsample", scale_factor=2, of=images(2)),
    case("Upsample", (5, 9), mode="bicubic", of=images(2)),
    case("Upsample", scale_factor=(1.5, 2.0), mode="bilinear", align_corners=True, of=images(2)),
    case("Upsample", 4, mode="linear", of=images(1)),
    case("UpsamplingNearest2d", scale_factor=3, of=images(2)),
    case("UpsamplingBilinear2d", (8, 8), of=images(2)),
    case("PixelShuffle", 2, of=images(2)),
    case("PixelUnshuffle", 2, of=real(2, 3, 4, 6)),
    case("ChannelShuffle", 2, of=images(2)),
    case("Unfold", (2, 3), 1, 1, 2, of=images(2)),
    case("Fold", (4, 5), 2, of=real(2, 8, 12)),
]

NORMS = [
    case("LayerNorm", 7, of=images(2)),
    case("LayerNorm", [6, 7], 1e-3, bias=False, of=images(2)),
    case("LayerNorm", 7, elementwise_affine=False, of=images(2)),
    case("RMSNorm", 7, of=images(2)),
    case("RMSNorm", (6, 7), 1e-3, False, of=images(2)),
    case("GroupNorm", 2, 4, of=images(2)),
    case("GroupNorm", 4, 4, affine=False, of=images(1)),
    case("GroupNorm", 2, 4, bias=False, of=images(1)),
    case("LocalResponseNorm", 3, 0.3, 0.6, 2.0, of=images(2)),
    *(case(f"InstanceNorm{d}d", 4, of=images(d)) for d in SIZES),
    *(case(f"InstanceNorm{d}d", 4, affine=True, of=images(d)[0]) for d in SIZES),
]

RUNNING = [
    *(case(f"BatchNorm{d}d", 4, of=images(d)) for d in SIZES),
    case("BatchNorm1d", 4, of=real(5, 4)),
    *(case(f"BatchNorm{d}d", 4, 1e-3, None, of=images(d)) for d in SIZES),
    *(case(f"BatchNorm{d}d", 4, momentum=0.4, affine=False, of=images(d)) for d in SIZES),
    *(case(f"BatchNorm{d}d", 4, track_running_stats=False, of=images(d)) for d in SIZES),
    case("BatchNorm1d", 4, bias=False, of=images(1)),
    *(case(f"InstanceNorm{d}d", 4, track_running_stats=True, of=images(d)) for d in SIZES),
    *(
        case(f"InstanceNorm{d}d", 4, 0.1, 0.3, affine=True, track_running_stats=True, of=images(d))
        for d in SIZES
    ),
]

INDICES = np.array([[1, 0, 3], [3, 3, 2]])
EMBEDDINGS = [
    case("Embedding", 4, 3, of=INDICES),
    case("Embedding", 4, 3, padding_idx=-1, of=INDICES),
    case("Embedding", 4, 3, 1, scale_grad_by_freq=True, of=INDICES),
    case("Embedding", 4, 3, max_norm=1.0, norm_type=1.0, of=INDICES),
    case("EmbeddingBag", 4, 3, of=INDICES),
    case("EmbeddingBag", 4, 3, mode="max", of=(INDICES.reshape(-1), np.array([0, 2, 2]))),
    case("EmbeddingBag", 4, 3, mode="sum", padding_idx=3, of=INDICES),
    case("EmbeddingBag", 4, 3, include_last_offset=True, of=(np.arange(4), np.array([0, 1, 4]))),
]

WITHOUT_STATE = POOLING + PADDING + IMAGES
ALL = CONV + WITHOUT_STATE + NORMS + RUNNING + EMBEDDINGS


@pytest.mark.parametrize("c", CONV + WITHOUT_STATE + NORMS + EMBEDDINGS, ids=str)
def test_output_and_gradients(c: Case, torch: Any) -> None:
    compare_calls(c, *both(c, torch), torch, 1e-9)


@pytest.mark.parametrize("c", ALL, ids=str)
def test_text_and_state(c: Case, torch: Any) -> None:
    ours, theirs = both(c, torch)
    assert repr(ours) == repr(theirs)
    assert list(ours.state_dict()) == list(theirs.state_dict())
    for key, value in theirs.state_dict().items():
        mine = ours.state_dict()[key]
        assert tuple(mine.shape) == tuple(value.shape)
        assert str(mine.dtype) == str(value.dtype).removeprefix("torch.")


@pytest.mark.parametrize("c", RUNNING, ids=str)
def test_training_steps_move_the_buffers(c: Case, torch: Any) -> None:
    """Three steps of gradient descent, then evaluation mode: outputs, gradients, buffers."""
    ours, theirs = both(c, torch)
    rng = np.random.default_rng(1)
    for _ in range(3):
        batch = c.inputs[0] * rng.uniform(0.5, 2) + rng.uniform(-1, 1)
        compare_calls(Case(c.name, (batch,)), ours, theirs, torch, 1e-9)
        with autograd.no_grad(), torch.no_grad():
            for parameters in (ours.parameters(), theirs.parameters()):
                for p in parameters:
                    p -= 0.1 * p.grad
                    p.grad = None
        compare_state(ours, theirs)
    compare_calls(c, ours.eval(), theirs.eval(), torch, 1e-9)
    compare_state(ours, theirs)


def compare_state(ours: Any, theirs: Any) -> None:
    state = ours.state_dict()
    assert list(state) == list(theirs.state_dict())
    for key, value in theirs.state_dict().items():
        close(state[key], value, 1e-9, key)


@pytest.mark.parametrize("d", SIZES)
def test_max_unpool(d: int, torch: Any) -> None:
    values = images(d)
    pools = [getattr(lib, f"MaxPool{d}d")(2, return_indices=True) for lib in (nn, torch.nn)]
    unpools = [getattr(lib, f"MaxUnpool{d}d")(2) for lib in (nn, torch.nn)]
    assert repr(unpools[0]) == repr(unpools[1])
    x, y = autograd.from_numpy(values), torch.from_numpy(values)
    ours, theirs = pools[0](x), pools[1](y)
    for a, b in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(a.numpy(), b.numpy())
    close(unpools[0](*ours, output_size=x.shape), unpools[1](*theirs, output_size=y.size()), 1e-12)


def test_output_size_of_a_transposed_convolution(torch: Any) -> None:
    c = case("ConvTranspose2d", 4, 2, 3, stride=2, padding=1, of=images(2))
    ours, theirs = both(c, torch)
    x, y = autograd.from_numpy(c.inputs[0]), torch.from_numpy(c.inputs[0])
    for size in [(11, 14), (12, 13), (2, 2, 12, 14)]:
        close(ours(x, output_size=size), theirs(y, output_size=list(size)), 1e-10)
    for module, image in ((ours, x), (theirs, y)):
        with pytest.raises(ValueError, match="output"):
            module(image, output_size=[13, 14])


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"reduction": "sum", "zero_infinity": True},
        {"reduction": "none"},
        {"blank": 4},
        {"blank": 2, "reduction": "none", "zero_infinity": True},
    ],
)
@pytest.mark.parametrize("form", ["padded", "concatenated", "tensors of lengths", "one"])
def test_ctc_loss(options: dict[str, Any], form: str, torch: Any) -> None:
    scores, targets = real(6, 3, 5), np.array([[1, 3, 3], [3, 1, 0], [1, 0, 0]])
    lengths: Any = ((6, 5, 3), (3, 2, 1))
    if form == "concatenated":
        targets = np.array([1, 3, 3, 3, 1, 1])
    elif form == "one":
        scores, targets, lengths = scores[:, 0], targets[0], ((6,), (3,))
    tensors = form == "tensors of lengths"
    x, y = autograd.from_numpy(scores), torch.from_numpy(scores)
    x.requires_grad_()
    y.requires_grad_()
    losses = [
        lib.CTCLoss(**options)(
            t.log_softmax(-1),
            wrap(targets),
            *([wrap(np.array(n)) for n in lengths] if tensors else lengths),
        )
        for lib, t, wrap in ((nn, x, autograd.from_numpy), (torch.nn, y, torch.from_numpy))
    ]
    close(*losses, 1e-10)
    for loss in losses:
        (loss * loss).sum().backward()
    close(x.grad, y.grad, 1e-9)


@pytest.mark.parametrize("name", ["Conv2d", "ConvTranspose2d", "Embedding", "LayerNorm"])
def test_initial_distribution(name: str, torch: Any) -> None:
    """The same first two moments and the same range, from many numbers."""
    args = {"Embedding": (200, 50), "LayerNorm": (5000,)}.get(name, (20, 40, 3))
    autograd.manual_seed(0)
    torch.manual_seed(0)
    ours, theirs = (getattr(lib, name)(*args) for lib in (nn, torch.nn))
    for key, value in theirs.state_dict().items():
        a, b = ours.state_dict()[key].numpy(), value.numpy()
        scale = b.std() or 1.0
        # Means and deviations of n draws differ by a few 1/sqrt(n).
        assert abs(a.mean() - b.mean()) < 6 * scale / np.sqrt(a.size)
        assert abs(a.std() - b.std()) < 6 * scale / np.sqrt(a.size)


REFUSED = [
    (case("Conv2d", 3, 4, 3), real(2, 1, 5, 5), RuntimeError, r"Conv2d\(3, 4.*\[N, 3, H, W\]"),
    (case("Conv1d", 3, 4, 3), real(3), RuntimeError, r"Conv1d\(3, 4.*\[N, 3, L\]"),
    (case("Conv2d", 3, 4, 7), real(2, 3, 5, 5), RuntimeError, "kernel"),
    (case("ConvTranspose1d", 3, 4, 3), real(2, 2, 5), RuntimeError, r"ConvTranspose1d.*\[N, 3"),
    (case("BatchNorm2d", 3), real(2, 3), ValueError, r"BatchNorm2d\(3\).*4D"),
    (case("BatchNorm1d", 3), real(2, 4), RuntimeError, "batch_norm"),
    (case("InstanceNorm2d", 3), real(3, 4), ValueError, r"InstanceNorm2d\(3\)"),
    (case("InstanceNorm1d", 3, affine=True), real(2, 4, 5), ValueError, "num_features"),
    (case("LayerNorm", 3), real(2, 4), RuntimeError, "layer_norm"),
    (case("GroupNorm", 2, 4), real(2, 5, 3), RuntimeError, "group_norm"),
    (case("Embedding", 4, 3), np.array([4]), IndexError, "embedding"),
    (case("MaxPool2d", 3), real(2, 2), RuntimeError, "max_pool2d"),
]


@pytest.mark.parametrize(("c", "value", "error", "match"), REFUSED, ids=lambda v: str(v)[:40])
def test_wrong_inputs(c: Case, value: np.ndarray, error: Any, match: str, torch: Any) -> None:
    theirs = built(torch.nn, torch.from_numpy, c)
    with pytest.raises(error):
        theirs(torch.from_numpy(value))
    with pytest.raises(error, match=match):
        built(nn, autograd.from_numpy, c)(autograd.from_numpy(value))


BAD_ARGUMENTS = [
    ("Conv2d", (3, 4, 3), {"groups": 2}),
    ("Conv2d", (4, 3, 3), {"groups": 2}),
    ("Conv2d", (4, 4, 3), {"groups": 0}),
    ("Conv2d", (4, 4, 3), {"padding": "full"}),
    ("Conv2d", (4, 4, 3, 2), {"padding": "same"}),
    ("Conv2d", (4, 4, 3), {"padding_mode": "mirror"}),
    ("ConvTranspose2d", (4, 4, 3), {"padding_mode": "circular"}),
    ("GroupNorm", (3, 4), {}),
    ("Embedding", (4, 3, 4), {}),
]


@pytest.mark.parametrize(("name", "args", "kwargs"), BAD_ARGUMENTS)
def test_bad_arguments(name: str, args: Any, kwargs: Any, torch: Any) -> None:
    with pytest.raises(Exception) as theirs:
        getattr(torch.nn, name)(*args, **kwargs)
    with pytest.raises(theirs.type):
        getattr(nn, name)(*args, **kwargs)


def test_state_of_old_batch_norms(torch: Any) -> None:
    """PyTorch's files from before 0.4.1 have no counter of batches."""
    state = {k: v.numpy() for k, v in torch.nn.BatchNorm1d(3).state_dict().items()}
    del state["num_batches_tracked"]
    layer = nn.BatchNorm1d(3)
    assert layer.load_state_dict(state) == ([], [])
    assert layer.num_batches_tracked.item() == 0


def test_pretrained_embeddings(torch: Any) -> None:
    table = real(4, 3)
    for name in ("Embedding", "EmbeddingBag"):
        for freeze in (True, False):
            ours = getattr(nn, name).from_pretrained(autograd.from_numpy(table), freeze)
            theirs = getattr(torch.nn, name).from_pretrained(torch.from_numpy(table), freeze)
            assert ours.weight.requires_grad == theirs.weight.requires_grad == (not freeze)
            i = np.array([[1, 3]])
            close(ours(autograd.from_numpy(i)), theirs(torch.from_numpy(i)), 1e-12)


@pytest.mark.parametrize("steps", [2, 3, 7, 28, 101])
@pytest.mark.parametrize(("start", "end"), [(-1, 1), (0, 1), (1e-4, 0.02), (3.0, -5.0)])
def test_linspace_to_the_last_bit(start: float, end: float, steps: int, torch: Any) -> None:
    ours, theirs = (lib.linspace(start, end, steps).numpy() for lib in (autograd, torch))
    np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize("align_corners", [True, False])
@pytest.mark.parametrize("size", [(5, 6), (7, 7), (28, 9)])
def test_spatial_transformers_begin_alike(
    size: tuple[int, int], align_corners: bool, torch: Any
) -> None:
    """At the identity every point is on a kink, and rounding picks the side of the gradient."""
    image = real(2, 1, *size).astype(np.float32)
    gradients = []
    for lib, f in ((autograd, nn.functional), (torch, torch.nn.functional)):
        theta = lib.tensor([[[1.0, 0, 0], [0, 1, 0]]] * 2, requires_grad=True)
        grid = f.affine_grid(theta, image.shape, align_corners=align_corners)
        sampled = f.grid_sample(
            lib.from_numpy(image), grid, padding_mode="border", align_corners=align_corners
        )
        (sampled * sampled).sum().backward()
        gradients.append(theta.grad.numpy())
    np.testing.assert_allclose(*gradients, rtol=1e-3, atol=1e-3)
