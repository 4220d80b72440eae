"""What tensors answer about themselves, their conversions, and exchange with other libraries."""

import copy
import pickle

import numpy as np
import pytest

import autograd


def leaf(values):
    return autograd.tensor(np.asarray(values, np.float64), requires_grad=True)


# Place in the graph


def test_leaves_and_results():
    x = leaf([1.0, 2.0])
    y = x * 2
    assert x.is_leaf and x.requires_grad and x.grad_fn is None and x.output_nr == 0
    assert not y.is_leaf and y.requires_grad and y.grad_fn.name() == "MulBackward0"
    assert y.unbind()[1].output_nr == 1
    assert autograd.ones(2).is_leaf and not autograd.ones(2).requires_grad
    assert [repr(n) for n, _ in y.grad_fn.next_functions] == ["<AccumulateGrad>", "None"]
    assert y.grad_fn.next_functions[0][0].variable is x


def test_requires_grad_can_be_switched():
    x = autograd.ones(2)
    assert x.requires_grad_() is x and x.requires_grad
    x.requires_grad = False
    assert not x.requires_grad and not (x * 2).requires_grad
    y = x.requires_grad_() * 2
    with pytest.raises(RuntimeError, match="leaves"):
        y.requires_grad = False


def test_integers_carry_no_gradient():
    x = leaf([1.0, 2.0])
    for y in (x.long(), x > 1, x.argmax(), x.to(autograd.uint8), x.sign().int()):
        assert not y.requires_grad
    assert x.float().requires_grad and x.float().double().requires_grad


def test_detach_and_data_share_memory():
    x = leaf([1.0, 2.0])
    for other in (x.detach(), x.data):
        assert not other.requires_grad and other.is_leaf
        other[0] += 1
    assert x.tolist() == [3, 2]
    x.data = autograd.tensor([[5.0]])
    assert x.shape == (1, 1) and x.dtype == np.float32 and x.requires_grad
    (x * 2).backward()
    assert x.grad.tolist() == [[2]]


def test_the_gradient_can_be_set():
    x = leaf([1.0, 2.0])
    x.grad = autograd.zeros(2, dtype=autograd.float64)
    (x * 3).sum().backward()
    assert x.grad.tolist() == [3, 3]
    x.grad = None
    assert x.grad is None


# Sizes and memory


def test_sizes():
    x = autograd.zeros(2, 3, 4)
    assert x.shape == x.size() == (2, 3, 4) == tuple(x.shape)
    assert (x.size(0), x.size(-1), x.dim(), x.ndim, x.ndimension()) == (2, 4, 3, 3, 3)
    assert x.numel() == x.nelement() == autograd.numel(x) == x.shape.numel() == 24
    assert (x.element_size(), x.itemsize, x.nbytes) == (4, 4, 96)
    assert x.stride() == (12, 4, 1) and x.stride(1) == 4 and x.is_contiguous()
    t = x.transpose(0, 2)
    assert t.stride() == (1, 4, 12) and not t.is_contiguous() and t.contiguous().is_contiguous()
    assert repr(x.shape) == "Size([2, 3, 4])"
    assert isinstance(x.shape[1:], autograd.Size) and x.shape[1:] == (3, 4)
    for size in (x.shape + (1,), (1,) + x.shape, x.shape * 2, x.shape[:0]):  # noqa: RUF005
        assert isinstance(size, autograd.Size)
    assert (1,) + x.shape == (1, 2, 3, 4)  # noqa: RUF005
    assert x.is_same_size(autograd.ones(2, 3, 4)) and x.data_ptr() == x.view(-1).data_ptr()
    assert x.is_set_to(x.detach()) and not x.is_set_to(x.clone())


def test_where_it_is():
    x = autograd.ones(2)
    assert x.device == autograd.device("cpu") == "cpu" and str(x.device) == "cpu"
    assert x.is_cpu and not x.is_cuda and x.get_device() == -1
    assert x.cpu() is x and x.pin_memory() is x
    assert not autograd.cuda.is_available() and autograd.cuda.device_count() == 0
    assert not autograd.backends.mps.is_available()
    for wrong in (
        x.cuda,
        lambda: autograd.device("cuda:1"),
        lambda: autograd.ones(1, device="mps"),
        lambda: x.to("meta"),
        lambda: autograd.device("cpu", 3),
    ):
        with pytest.raises(RuntimeError, match=r"not available; everything runs on 'cpu'"):
            wrong()


def test_devices():
    assert repr(autograd.device("cpu")) == "device(type='cpu')"
    first = autograd.device("cpu", 0)
    assert repr(first) == "device(type='cpu', index=0)" and str(first) == "cpu:0"
    assert first == autograd.device("cpu:0") != autograd.device("cpu")
    assert (first.type, first.index, autograd.device("cpu").index) == ("cpu", 0, None)
    assert {autograd.device("cpu"): 1}[autograd.device("cpu")] == 1
    assert autograd.zeros(1, device=first).to(first).to(device=autograd.device("cpu")).sum() == 0


# Conversions


def test_forms_of_to():
    x = autograd.tensor([1.5])
    for same in (
        x.to("cpu"),
        x.to(autograd.float32),
        x.to(x),
        x.to(device="cpu"),
        x.to(dtype=None),
        x.to("cpu", autograd.float32),
        x.to(autograd.ones(3)),
        x.float(),
        x.type_as(x),
        x.to("cpu", non_blocking=True),
        x.type(autograd.float32),
        x.type("torch.FloatTensor"),
    ):
        assert same is x
    for other in (
        x.to(autograd.int64),
        x.to("int64"),
        x.to(dtype=autograd.int64),
        x.to("cpu", autograd.int64),
        x.to(device="cpu", dtype=np.int64),
        x.to(autograd.arange(2)),
        x.long(),
        x.to(int),
        x.type(autograd.int64),
        x.type(autograd.LongTensor),
        x.type("autograd.LongTensor"),
        x.type_as(autograd.arange(2)),
    ):
        assert other.dtype == autograd.int64 and other.tolist() == [1]
    copied = x.to(autograd.float32, copy=True)
    assert copied is not x and copied.data_ptr() != x.data_ptr()
    for wrong in ("float13", object(), str):
        with pytest.raises((TypeError, RuntimeError)):
            x.to(wrong)


CONVERSIONS = {
    "half": "float16",
    "float": "float32",
    "double": "float64",
    "char": "int8",
    "short": "int16",
    "int": "int32",
    "long": "int64",
    "byte": "uint8",
    "bool": "bool",
}


@pytest.mark.parametrize("name", CONVERSIONS)
def test_conversions_by_name(name):
    x = leaf([0.0, 1.0])
    y = getattr(x, name)()
    assert y.dtype == CONVERSIONS[name] and y.tolist() == [0, 1]
    assert y.requires_grad == (y.dtype.kind == "f")
    if y.requires_grad:
        y.sum().backward()
        assert x.grad.dtype == np.float64 and x.grad.tolist() == [1, 1]


def test_typed_constructors():
    assert autograd.LongTensor([1, 2]).dtype == autograd.int64
    assert autograd.FloatTensor(2, 3).shape == (2, 3)
    assert autograd.BoolTensor([0, 2]).tolist() == [False, True]
    assert autograd.DoubleTensor(np.array([1, 2])).dtype == autograd.float64
    assert autograd.IntTensor().shape == (0,)
    x = autograd.ones(2)
    assert isinstance(x, autograd.FloatTensor) and not isinstance(x, autograd.LongTensor)
    assert not isinstance(np.ones(2, np.float32), autograd.FloatTensor)
    assert x.type() == "autograd.FloatTensor" and x.bool().type() == "autograd.BoolTensor"
    assert autograd.Tensor([1, 2]).dtype == autograd.float32 and autograd.Tensor(2, 3).shape == (
        2,
        3,
    )


def test_questions():
    x = autograd.ones(1)
    assert autograd.is_tensor(x) and not autograd.is_tensor(np.ones(1))
    assert (
        autograd.is_floating_point(x) and x.is_floating_point() and not x.bool().is_floating_point()
    )
    assert autograd.is_nonzero(x) and not x.is_complex() and not autograd.is_complex(x)
    assert x.is_signed() and not x.byte().is_signed()
    with pytest.raises(RuntimeError, match="ambiguous"):
        autograd.ones(2).is_nonzero()


@pytest.mark.parity
@pytest.mark.parametrize(
    "name", ["float16", "float32", "float64", "int8", "int32", "int64", "uint8"]
)
def test_limits(torch, name):
    kind = "finfo" if "float" in name else "iinfo"
    ours = getattr(autograd, kind)(getattr(autograd, name))
    theirs = getattr(torch, kind)(getattr(torch, name))
    for attribute in ("min", "max", "bits", "dtype"):
        assert getattr(ours, attribute) == getattr(theirs, attribute)
    if kind == "finfo":
        for attribute in ("eps", "tiny", "smallest_normal", "resolution"):
            np.testing.assert_allclose(
                getattr(ours, attribute), getattr(theirs, attribute), rtol=1e-3
            )
        assert type(ours.eps) is float and autograd.finfo().bits == torch.finfo().bits
    with pytest.raises(TypeError, match="use"):
        (autograd.iinfo if kind == "finfo" else autograd.finfo)(getattr(autograd, name))


def test_constants():
    assert autograd.pi == np.pi and autograd.inf == np.inf and np.isnan(autograd.nan)
    assert autograd.ones(2)[autograd.newaxis].shape == (1, 2)
    assert isinstance(autograd.ones(1).dtype, autograd.dtype)


# Numbers


def test_item_and_tolist_are_pythons_numbers():
    for value, kind in ((1.5, float), (3, int), (True, bool)):
        assert type(autograd.tensor(value).item()) is kind
        assert type(autograd.tensor([[value]]).tolist()[0][0]) is kind
        assert type(autograd.tensor(value).tolist()) is kind
    assert autograd.zeros(0, 2).tolist() == [] and autograd.zeros(2, 0).tolist() == [[], []]
    assert leaf(2.5).item() == 2.5 and float(leaf([[2.5]])) == 2.5


def test_text_in_format_strings():
    assert f"{autograd.tensor(1.23456):.2f}" == "1.23" and f"{autograd.tensor(7):03d}" == "007"
    assert f"{autograd.tensor([1, 2])}" == "tensor([1, 2])" and f"{autograd.tensor(7)}" == "7"
    with pytest.raises(TypeError):
        f"{autograd.tensor([1.0]):.2f}"


def test_a_tensor_as_an_index_and_a_length():
    i = autograd.tensor(2)
    assert [5, 6, 7][i] == 7 and list(range(i)) == [0, 1] and "ab" * i == "abab"
    assert autograd.zeros(i, 3).shape == (2, 3)
    assert [5, 6][autograd.tensor([[1]])] == 6


# Copies


def test_a_deep_copy_has_the_gradient_and_keeps_what_was_shared():
    x = leaf([1.0, 2.0])
    (x * 2).sum().backward()
    x.note = {"any": [1]}
    a, b = copy.deepcopy([x, x])
    assert a is b and a is not x and a.requires_grad and a.is_leaf
    assert a.grad is not x.grad and a.grad.tolist() == [2, 2]
    assert a.note == x.note and a.note is not x.note
    a.detach()[0] = 7.0
    a.grad[0] = 7.0
    assert x.tolist() == [1, 2] and x.grad.tolist() == [2, 2]
    (a * 3).sum().backward()
    assert x.grad.tolist() == [2, 2]


def test_a_shallow_copy_shares_memory():
    x = autograd.ones(2)
    y = copy.copy(x)
    assert y is not x
    y[0] = 5.0
    assert x.tolist() == [5, 1]


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_pickles(protocol):
    for x in (
        leaf([[1.0, 2.0]]),
        autograd.arange(3)[1:],
        autograd.tensor(True),
        autograd.zeros(0, 2),
    ):
        y = pickle.loads(pickle.dumps(x, protocol))
        assert y.dtype == x.dtype and y.shape == x.shape and y.tolist() == x.tolist()
        assert y.requires_grad == x.requires_grad and y.is_leaf


def test_elementwise_calls():
    x = autograd.tensor([1.0, 2.0])
    assert x.apply_(lambda v: v * 10) is x and x.tolist() == [10, 20] and x._version == 1
    with pytest.raises(TypeError, match="requires grad"):
        leaf([1.0]).apply_(abs)
    assert [t.item() for t in reversed(autograd.arange(3))] == [2, 1, 0]
