"""Collation, compared with PyTorch's on the same items."""

from collections import OrderedDict, namedtuple
from types import MappingProxyType

import numpy as np
import pytest

import autograd
from nn.data import default_collate, default_convert

Point = namedtuple("Point", ["x", "y"])

BATCHES = {
    "float": [0.5, 1.5],
    "int": [3, 2**40],
    "bool": [True, False],
    "float32": [np.float32(1), np.float32(2)],
    "float64": [np.float64(1), np.float64(2)],
    "int8": [np.int8(1), np.int8(-2)],
    "bool_": [np.bool_(True), np.bool_(False)],
    "arrays": [np.ones((2, 3), np.float32), np.zeros((2, 3), np.float32)],
    "0-d arrays": [np.array(1.5), np.array(2.5)],
    "empty arrays": [np.zeros((0, 2)), np.zeros((0, 2))],
    "str": ["a", "bc"],
    "bytes": [b"a", b"bc"],
    "tuple": [(1, 2.0), (3, 4.0)],
    "list": [[1, "a"], [2, "b"]],
    "empty tuple": [(), ()],
    "namedtuple": [Point(1, np.zeros(2)), Point(2, np.ones(2))],
    "dict": [{"x": 1, "y": (2.0, "a")}, {"x": 3, "y": (4.0, "b"), "extra": 0}],
    "ordered dict": [OrderedDict(b=1, a=2), OrderedDict(a=3, b=4)],
    "proxy": [MappingProxyType({"a": 1}), MappingProxyType({"a": 2})],
    "one item": [(np.arange(3), 1)],
}


def plain(value, tensor):
    """A collated value as types, dtypes and numbers that can be compared."""
    if isinstance(value, tensor):
        array = np.asarray(value.numpy())
        return "tensor", str(array.dtype), array.shape, array.tolist()
    if isinstance(value, dict | MappingProxyType):
        return type(value), [(key, plain(value[key], tensor)) for key in value]
    if isinstance(value, list | tuple):
        return type(value), [plain(field, tensor) for field in value]
    return type(value), value


@pytest.mark.parity
@pytest.mark.parametrize("kind", BATCHES)
def test_as_in_pytorch(kind):
    torch = pytest.importorskip("torch")
    expected = torch.utils.data.default_collate(BATCHES[kind])
    found = default_collate(BATCHES[kind])
    assert plain(found, autograd.Tensor) == plain(expected, torch.Tensor)


@pytest.mark.parity
@pytest.mark.parametrize("kind", BATCHES)
def test_convert_as_in_pytorch(kind):
    torch = pytest.importorskip("torch")
    expected = torch.utils.data.default_convert(BATCHES[kind][0])
    found = default_convert(BATCHES[kind][0])
    assert plain(found, autograd.Tensor) == plain(expected, torch.Tensor)


def test_tensors():
    batch = [autograd.tensor([1.0, 2.0]), autograd.tensor([3.0, 4.0], requires_grad=True)]
    collated = default_collate(batch)
    assert collated.tolist() == [[1, 2], [3, 4]] and collated.requires_grad
    assert default_convert(batch[0]) is batch[0]


def test_a_batch_does_not_share_memory_with_its_items():
    items = [{"x": np.zeros(2)}, {"x": np.zeros(2)}]
    default_collate(items)["x"].numpy()[:] = 1
    assert items[0]["x"].tolist() == [0, 0]


@pytest.mark.parametrize(
    ("batch", "message"),
    [
        ([np.zeros(3), np.zeros(3), np.zeros(4)], r"entry 2 .* shape \(4,\), entry 0 has \(3,\)"),
        ([autograd.tensor([1.0]), autograd.tensor(1.0)], r"entry 1 .* shape \(\), .* has \(1,\)"),
        ([(1, np.zeros((2, 2))), (1, np.zeros((2, 1)))], r"entry 1 .* shape \(2, 1\)"),
        ([{"x": np.zeros(1)}, {"x": np.zeros(2)}], r"entry 1 .* shape \(2,\)"),
        ([[1, 2], [1, 2], [1]], "entry 2 of the batch has length 1, entry 0 has 2"),
        ([{"x": 1, "y": 2}, {"x": 1}], "entry 1 lacks the keys {'y'}"),
    ],
)
def test_items_that_do_not_fit(batch, message):
    with pytest.raises(RuntimeError, match=message) as caught:
        default_collate(batch)
    assert "collate_fn" in str(caught.value)
    assert caught.value.entry == len(batch) - 1


@pytest.mark.parametrize(
    ("item", "kind"),
    [(None, "NoneType"), (object(), "object"), ({1, 2}, "set"), (np.array(["a"]), "dtype <U1")],
)
def test_items_without_a_rule(item, kind):
    with pytest.raises(TypeError, match=f"cannot collate .*{kind}.*pass a collate_fn"):
        default_collate([item, item])
    assert default_convert(item) is item
