"""Image transforms: what they do to known images, and that their random numbers are settled."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import autograd
from nn.data import ConcatDataset, DataLoader, Subset, TensorDataset, transforms as T

RAMP = np.arange(2 * 6 * 8, dtype=np.float32).reshape(2, 6, 8)


def generator(seed: int = 0) -> autograd.Generator:
    return autograd.Generator().manual_seed(seed)


def many(transform: Any, image: Any = RAMP, n: int = 300) -> list[np.ndarray]:
    return [transform(image) for _ in range(n)]


def test_kinds_and_dtypes_are_kept() -> None:
    for transform in (
        T.Pad(1), T.CenterCrop(4), T.RandomCrop(4), T.RandomHorizontalFlip(1.0),
        T.RandomVerticalFlip(1.0), T.RandomRotation(30), T.RandomAffine(30), T.RandomErasing(1.0),
    ):  # fmt: skip
        for dtype in (np.uint8, np.float32, np.float64):
            for shape in ((8, 8), (3, 8, 8), (2, 3, 8, 8)):
                array = np.ones(shape, dtype)
                changed, tensor = transform(array), transform(autograd.from_numpy(array))
                assert type(changed) is np.ndarray and changed.dtype == dtype
                assert changed.flags.c_contiguous and changed.ndim == len(shape)
                assert isinstance(tensor, autograd.Tensor) and tensor.dtype == dtype
    with pytest.raises(ValueError, match=r"RandomCrop: expected an image of shape"):
        T.RandomCrop(2)(np.ones(3))


def test_the_image_itself_is_not_changed() -> None:
    before = RAMP.copy()
    for transform in (T.RandomErasing(1.0), T.RandomHorizontalFlip(1.0), T.RandomCrop(6)):
        transform(RAMP)[...] = -1
    np.testing.assert_array_equal(RAMP, before)


@pytest.mark.parametrize("mode", ["constant", "edge", "reflect", "symmetric"])
def test_pad(mode: str) -> None:
    options = {"constant_values": 7} if mode == "constant" else {}
    for given, widths in ((2, (2, 2, 2, 2)), ((1, 2), (1, 2, 1, 2)), ((1, 2, 3, 4), (1, 2, 3, 4))):
        left, top, right, bottom = widths
        expected = np.pad(RAMP, [(0, 0), (top, bottom), (left, right)], mode, **options)
        np.testing.assert_array_equal(T.Pad(given, 7, mode)(RAMP), expected)


def test_crops() -> None:
    np.testing.assert_array_equal(T.CenterCrop((2, 4))(RAMP), RAMP[:, 2:4, 2:6])
    assert T.CenterCrop(10)(RAMP).shape == (2, 10, 10)
    found = {crop[0, 0, 0] for crop in many(T.RandomCrop((4, 6), generator=generator()))}
    assert found == {y * 8.0 + x for y in range(3) for x in range(3)}
    for crop in many(T.RandomCrop((4, 6), generator=generator()), n=20):
        start = int(crop[0, 0, 0])
        y, x = divmod(start, 8)
        np.testing.assert_array_equal(crop, RAMP[:, y : y + 4, x : x + 6])
    shifted = T.RandomCrop((6, 8), padding=1, generator=generator())
    assert len({crop.tobytes() for crop in many(shifted)}) == 9
    with pytest.raises(ValueError, match=r"size \(9, 9\) is larger than the image \(6, 8\)"):
        T.RandomCrop(9)(RAMP)
    assert T.RandomCrop(9, pad_if_needed=True)(RAMP).shape == (2, 9, 9)


def test_flips() -> None:
    np.testing.assert_array_equal(T.RandomHorizontalFlip(1.0)(RAMP), RAMP[..., ::-1])
    np.testing.assert_array_equal(T.RandomVerticalFlip(1.0)(RAMP), RAMP[:, ::-1])
    np.testing.assert_array_equal(T.RandomVerticalFlip(0.0)(RAMP), RAMP)
    flips = many(T.RandomHorizontalFlip(0.3, generator=generator()), n=1000)
    share = np.mean([flip[0, 0, 0] != 0 for flip in flips])
    assert abs(share - 0.3) < 4 * math.sqrt(0.21 / 1000)


def test_rotation_by_right_angles() -> None:
    square = RAMP[:, :, :6]
    for turns in (1, 2, 3):
        transform = T.RandomRotation((90 * turns, 90 * turns))
        np.testing.assert_array_equal(transform(square), np.rot90(square, turns, (1, 2)))
    clockwise = T.RandomAffine((90, 90))
    np.testing.assert_array_equal(clockwise(square), np.rot90(square, -1, (1, 2)))


@pytest.mark.parity
@pytest.mark.parametrize("interpolation", ["nearest", "bilinear"])
@pytest.mark.parametrize(
    "parameters",
    [
        (0, (2, -1), 1.0, (0, 0)),
        (30, (0, 0), 1.0, (0, 0)),
        (-17, (1, 2), 1.3, (0, 0)),
        (0, (0, 0), 0.7, (20, 0)),
        (10, (1, 0), 1.1, (15, -25)),
    ],
)
def test_affine_against_grid_sample(parameters: Any, interpolation: str) -> None:
    """PyTorch samples where the inverse of torchvision's matrix points to."""
    torch = pytest.importorskip("torch")
    angle, (tx, ty), scale, shear = parameters
    a, sx, sy = (math.radians(v) for v in (angle, *shear))
    # [x', y'] = M [x, y] about the middle, as torchvision's documentation writes M out.
    m = scale * np.array(
        [
            [
                math.cos(a - sy) / math.cos(sy),
                -math.cos(a - sy) * math.tan(sx) / math.cos(sy) - math.sin(a),
            ],
            [
                math.sin(a - sy) / math.cos(sy),
                -math.sin(a - sy) * math.tan(sx) / math.cos(sy) + math.cos(a),
            ],
        ]
    )
    image = np.random.default_rng(0).random((2, 9, 11)).astype(np.float32)
    height, width = image.shape[1:]
    ys, xs = np.mgrid[:height, :width]
    cy, cx = (height - 1) / 2, (width - 1) / 2
    target = np.stack([xs - cx - tx, ys - cy - ty], -1)
    source = target @ np.linalg.inv(m).T
    grid = torch.tensor(source / np.array([cx, cy]), dtype=torch.float64)[None]
    expected = torch.nn.functional.grid_sample(
        torch.tensor(image, dtype=torch.float64)[None], grid, interpolation, align_corners=True
    )[0]
    found = T.affine(image.astype(np.float64), angle, (tx, ty), scale, shear, interpolation)
    if interpolation == "bilinear":
        np.testing.assert_allclose(found, expected.numpy(), atol=1e-9)
    else:  # where a point is exactly between two pixels, either may be taken
        assert (found != expected.numpy()).mean() < 0.05


def test_affine_ranges() -> None:
    point = np.zeros((21, 21), np.float32)
    point[10, 10] = 1
    transform = T.RandomAffine(0, translate=(0.2, 0.1), generator=generator())
    places = [np.argwhere(moved)[0] - 10 for moved in many(transform, point)]
    assert np.abs(places).max(0).tolist() == [2, 4]
    ring = np.ones((21, 21), np.float32)
    grown = [(z > 0).sum() for z in many(T.RandomAffine(0, scale=(0.5, 0.5)), ring, 3)]
    assert all(abs(size - 21 * 21 / 4) < 25 for size in grown)
    for options in (
        {"degrees": -1}, {"degrees": (3, 1)}, {"degrees": 0, "translate": (2, 0)},
        {"degrees": 0, "scale": (0, 1)}, {"degrees": 0, "interpolation": "cubic"},
    ):  # fmt: skip
        with pytest.raises(ValueError, match="RandomAffine"):
            T.RandomAffine(**options)


def test_erasing() -> None:
    image = np.ones((3, 20, 20), np.float32)
    areas, ratios = [], []
    transform = T.RandomErasing(1.0, (0.05, 0.2), (0.5, 2.0), value=7, generator=generator())
    for erased in many(transform, image):
        ys, xs = np.nonzero(erased[0] == 7)
        h, w = np.ptp(ys) + 1, np.ptp(xs) + 1
        assert (erased == 7).sum() == 3 * h * w and (erased != 1).sum() == 3 * h * w
        areas.append(h * w / 400), ratios.append(h / w)
    assert 0.03 < min(areas) < 0.07 and 0.17 < max(areas) < 0.24
    assert 0.4 < min(ratios) < 0.6 and 1.6 < max(ratios) < 2.4
    colours = T.RandomErasing(1.0, value=(1, 2, 3))(np.zeros((3, 20, 20)))
    assert [set(np.unique(c)) - {0} for c in colours] == [{1}, {2}, {3}]
    noise = T.RandomErasing(1.0, value="random")(image)
    assert len(np.unique(noise)) > 10
    assert T.RandomErasing(0.0)(image) is not None
    np.testing.assert_array_equal(T.RandomErasing(0.0)(image), image)
    with pytest.raises(ValueError, match="probability"):
        T.RandomErasing(2.0)


def test_normalize_and_totensor() -> None:
    image = np.random.default_rng(0).random((2, 3, 4, 5)).astype(np.float32)
    mean, std = (0.1, 0.2, 0.3), (1.0, 2.0, 3.0)
    expected = (image - np.reshape(mean, (3, 1, 1))) / np.reshape(std, (3, 1, 1))
    np.testing.assert_allclose(T.Normalize(mean, std)(image), expected, rtol=1e-5)
    np.testing.assert_allclose(T.Normalize(0.5, 2.0)(image[0, 0]), (image[0, 0] - 0.5) / 2)
    with pytest.raises(TypeError, match="floating image, got uint8"):
        T.Normalize(0.5, 0.5)(np.zeros((1, 2, 2), np.uint8))
    with pytest.raises(ValueError, match="std must not be 0"):
        T.Normalize((0.5,), (0.0,))
    with pytest.raises(ValueError, match="2 means for an image"):
        T.Normalize((0.5, 0.1), (1.0, 1.0))(image)
    picture = np.random.default_rng(0).integers(0, 256, (4, 5, 3)).astype(np.uint8)
    tensor = T.ToTensor()(picture)
    assert tuple(tensor.shape) == (3, 4, 5) and tensor.dtype == autograd.float32
    np.testing.assert_allclose(tensor.numpy(), np.moveaxis(picture, -1, 0) / np.float32(255))


def test_compose_apply_lambda() -> None:
    chain = T.Compose([T.Pad(1), T.Lambda(lambda image: image + 1), T.CenterCrop((6, 8))])
    np.testing.assert_array_equal(chain(RAMP), RAMP + 1)
    assert "Pad(padding=(1, 1, 1, 1), fill=0, padding_mode='constant')" in repr(chain)
    flip = T.RandomApply([T.RandomHorizontalFlip(1.0)], p=0.5, generator=generator())
    found = [image[0, 0, 0] for image in many(flip)]
    assert 100 < sum(value == 0 for value in found) < 200
    with pytest.raises(TypeError, match="expected a function"):
        T.Lambda(3)  # type: ignore[arg-type]


def test_noise() -> None:
    noisy = T.GaussianNoise(1.0, 0.5, generator=generator())(np.zeros((1, 100, 100), np.float32))
    assert noisy.dtype == np.float32
    assert abs(noisy.mean() - 1) < 0.02 and abs(noisy.std() - 0.5) < 0.02


AUGMENT = T.Compose([T.RandomCrop(8, padding=2), T.RandomHorizontalFlip(), T.GaussianNoise()])
DATA = TensorDataset(autograd.rand(30, 1, 8, 8), autograd.arange(30))


def epoch(dataset: Any, workers: int, shuffle: bool = True) -> list[Any]:
    loader = DataLoader(dataset, 4, shuffle=shuffle, num_workers=workers)
    return [[part.tolist() for part in batch] for batch in loader]


@pytest.mark.parametrize("wrap", [lambda d: d, lambda d: Subset(d, list(range(20)))])
def test_threads_change_nothing(wrap: Any) -> None:
    dataset = wrap(T.Transformed(DATA, AUGMENT))
    results = []
    for workers in (0, 1, 3):
        autograd.manual_seed(1)
        results.append([epoch(dataset, workers), epoch(dataset, workers)])
        assert results[-1][0] != results[-1][1]
    assert results[0] == results[1] == results[2]
    together = ConcatDataset([DATA, dataset])
    autograd.manual_seed(2)
    first = epoch(together, 0, shuffle=False)
    second = epoch(together, 2, shuffle=False)
    assert first != second  # not shuffled, yet each pass draws anew
    autograd.manual_seed(2)
    assert epoch(together, 2, shuffle=False) == first


def test_a_loader_without_transforms_draws_nothing() -> None:
    autograd.manual_seed(0)
    before = autograd.get_rng_state()
    epoch(DATA, 0, shuffle=False)
    assert autograd.get_rng_state() == before


def test_own_seed() -> None:
    crops = [T.RandomCrop(4, generator=generator(3))(RAMP) for _ in range(2)]
    np.testing.assert_array_equal(*crops)
    autograd.manual_seed(5)
    first = T.RandomCrop(2)(RAMP)
    autograd.manual_seed(5)
    np.testing.assert_array_equal(T.RandomCrop(2)(RAMP), first)


def test_transformed_keeps_what_is_no_image() -> None:
    class Bare:
        def __getitem__(self, i: int) -> Any:
            return RAMP

        def __len__(self) -> int:
            return 2

    assert T.Transformed(Bare(), T.CenterCrop(2))[0].shape == (2, 2, 2)
