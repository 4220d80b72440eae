"""The text of tensors: written out for the usual ones, PyTorch's for all kinds of values."""

import re
import warnings

import numpy as np
import pytest

import autograd


@pytest.fixture(autouse=True)
def default_options():
    yield
    autograd.set_printoptions(profile="default")


def leaf(values):
    return autograd.tensor(values, requires_grad=True)


TEXTS = [
    (lambda: autograd.tensor(1.5), "tensor(1.5000)"),
    (lambda: autograd.tensor(3), "tensor(3)"),
    (lambda: autograd.tensor(True), "tensor(True)"),
    (lambda: autograd.tensor([1.0, 2.0]), "tensor([1., 2.])"),
    (lambda: autograd.tensor([-1.0, 2.5]), "tensor([-1.0000,  2.5000])"),
    (lambda: autograd.tensor([1e-5, 1.0]), "tensor([1.0000e-05, 1.0000e+00])"),
    (lambda: autograd.tensor([np.nan, np.inf, 1.0]), "tensor([nan, inf, 1.])"),
    (lambda: autograd.tensor([1, -20]), "tensor([  1, -20])"),
    (lambda: autograd.tensor([True, False]), "tensor([ True, False])"),
    (lambda: autograd.tensor([]), "tensor([])"),
    (lambda: autograd.zeros(2, 0), "tensor([], size=(2, 0))"),
    (lambda: autograd.zeros(0, dtype=autograd.int64), "tensor([], dtype=int64)"),
    (lambda: autograd.ones(1, dtype=autograd.float64), "tensor([1.], dtype=float64)"),
    (lambda: autograd.tensor([[1, 2], [3, 4]]), "tensor([[1, 2],\n        [3, 4]])"),
    (lambda: autograd.ones(2, 1, 1), "tensor([[[1.]],\n\n        [[1.]]])"),
    (lambda: leaf(1.0), "tensor(1., requires_grad=True)"),
    (lambda: leaf(1.0) * 2, "tensor(2., grad_fn=<MulBackward0>)"),
    (lambda: leaf([1.0, 2.0]).unbind()[1], "tensor(2., grad_fn=<UnbindBackward0>)"),
    (
        lambda: autograd.arange(2000),
        "tensor([   0,    1,    2,  ..., 1997, 1998, 1999])",
    ),
    (
        lambda: autograd.zeros(1000, 2, dtype=autograd.int8),
        "tensor([[0, 0],\n        [0, 0],\n        [0, 0],\n        ...,\n        [0, 0],\n"
        "        [0, 0],\n        [0, 0]], dtype=int8)",
    ),
]


@pytest.mark.parametrize(("make", "text"), TEXTS, ids=[t for _, t in TEXTS])
def test_text(make, text):
    assert repr(make()) == text
    assert str(make()) == text
    assert f"{make()}" in (text, format(make(), ""))


def test_a_view_that_cannot_be_made_again():
    y = leaf([1.0, 2.0]) * 1
    a, _ = y.unbind()
    y.mul_(2)
    assert repr(a) == "tensor(2., grad_fn=<Invalid>)"


def test_the_default_dtype_is_not_shown():
    try:
        autograd.set_default_dtype(autograd.float64)
        assert repr(autograd.tensor(1.5)) == "tensor(1.5000)"
        assert repr(autograd.ones(1, dtype=autograd.float32)) == "tensor([1.], dtype=float32)"
    finally:
        autograd.set_default_dtype(autograd.float32)


def test_options():
    autograd.set_printoptions(precision=2, sci_mode=True)
    assert repr(autograd.tensor([1.5])) == "tensor([1.50e+00])"
    autograd.set_printoptions(threshold=3, edgeitems=1)
    assert repr(autograd.arange(5)) == "tensor([0,  ..., 4])"
    assert autograd.get_printoptions()["sci_mode"] is None
    with pytest.raises(ValueError, match="default, short, full"):
        autograd.set_printoptions(profile="long")
    autograd.set_printoptions(**dict(autograd.get_printoptions(), linewidth=20, threshold=10))
    assert repr(autograd.arange(6)) == "tensor([0, 1, 2, 3,\n        4, 5])"


# PyTorch's text

SCALARS = [
    0.0,
    1.0,
    -1.0,
    0.5,
    1e-5,
    1e5,
    1e10,
    123456789.0,
    np.nan,
    np.inf,
    -np.inf,
    -0.0,
    3.14159,
    1e-30,
]
LISTS = [
    [],
    [0.0],
    [1.0, 2.0],
    [1.0, 2.5],
    [-1.0, 2.5],
    [1e-5, 1.0],
    [1e-3, 1e3],
    [1e-4, 1.0],
    [1e8, 1.0],
    [1e5, 1.5],
    [99999.0, 1.0],
    [1e4, 0.5],
    [np.nan, 1.0],
    [np.nan, np.inf],
    [np.nan, 1.5],
    [-np.inf, 1e-6],
    [0.0, 1e-5],
    [1e-10, 1e-10],
    [999.99, 0.01],
    [1.5, 10.5, 100.5],
    [1e20, 1.0],
    [[1.5, np.nan], [-3.0, 4.0]],
    [[[1.0, 2.0]], [[3.0, 4.0]]],
    [[]],
    [[[]]],
]
SHAPES = [
    (20,),
    (4, 7),
    (2, 3, 4),
    (30, 2),
    (5, 20),
    (2, 2, 2, 2),
    (300,),
    (1001,),
    (40, 40),
    (100, 3, 4),
    (7, 7, 30),
    (2, 1, 501),
    (2, 0, 3),
]


def arrays():
    rng = np.random.default_rng(0)
    with np.errstate(all="ignore"):
        for dtype in (np.float32, np.float64, np.float16):
            yield from (np.array(v, dtype) for v in (*SCALARS, *LISTS))
    for dtype in (np.int64, np.int32, np.int16, np.int8, np.uint8):
        yield from (np.array(v, dtype) for v in (0, [], [1, 100], [[1, 20], [3, 4]]))
    yield from map(np.array, (-5, [-1, 5, 100], True, [[True, False]], np.ones((30, 40), bool)))
    for i, shape in enumerate(SHAPES):
        values = rng.normal(size=shape).astype(np.float32)
        yield (values, values * 1e6, np.abs(values) * 1e-6, np.round(values * 100))[i % 4]
    yield from (np.arange(2000), np.arange(1500).reshape(3, 500), np.arange(8)[:, None] * 10**6)


def plain(text):
    """PyTorch's names of dtypes are longer, so that lines may break elsewhere before them."""
    text = re.sub(r"torch\.(float|int|uint|bool)", r"\1", text)
    return re.sub(r",\s+(?=dtype|requires_grad|grad_fn)", ", ", text) if "dtype" in text else text


OPTIONS = [
    {},
    {"precision": 2},
    {"sci_mode": True},
    {"sci_mode": False},
    {"linewidth": 40},
    {"edgeitems": 1, "threshold": 5},
    {"profile": "short"},
    {"profile": "full"},
]


@pytest.mark.parity
@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_pytorch_writes_the_same(torch, options):
    torch.set_printoptions(**options)
    autograd.set_printoptions(**options)
    try:
        for i, array in enumerate(arrays()):
            if options and i % 3:
                continue  # a third of them for each option
            if options.get("profile") == "full" and array.size > 200:
                continue  # slow to print in full
            theirs = torch.tensor(array.tolist(), dtype=getattr(torch, str(array.dtype)))
            theirs = theirs.reshape(array.shape)
            ours = autograd.tensor(array)
            assert plain(repr(ours)) == plain(repr(theirs))
            if array.dtype.kind == "f":
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")  # float16 overflows
                    leaves = ours.requires_grad_(), theirs.requires_grad_()
                    results = ours * 2, theirs * 2
                for mine, their in (leaves, results):
                    assert plain(repr(mine)) == plain(repr(their))
    finally:
        torch.set_printoptions(profile="default")
