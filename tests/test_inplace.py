"""In-place changes and views: values, history, versions, and errors where they would be wrong."""

import operator

import numpy as np
import pytest

import autograd


def leaf(values):
    return autograd.tensor(np.asarray(values, np.float64), requires_grad=True)


def constant(values):
    return autograd.tensor(np.asarray(values, np.float64))


def gradient(y, *xs):
    found = autograd.grad(y.sum(), xs, retain_graph=True)
    return found[0].numpy() if len(xs) == 1 else [g.numpy() for g in found]


# The memory is the same, the history new


TWINS = [
    ("add_", (2.0,), {"alpha": 3}),
    ("sub_", (2.0,), {}),
    ("mul_", (2.0,), {}),
    ("div_", (2.0,), {}),
    ("pow_", (2.0,), {}),
    ("exp_", (), {}),
    ("neg_", (), {}),
    ("tanh_", (), {}),
    ("clamp_", (0.5, 1.5), {}),
    ("masked_fill_", (autograd.tensor([True, False]), 7.0), {}),
]


@pytest.mark.parametrize(("name", "args", "options"), TWINS, ids=[t[0] for t in TWINS])
def test_a_twin_changes_the_memory_and_has_the_gradient_of_the_op(name, args, options):
    x = leaf([1.0, 2.0])
    y, z = x * 1.0, x * 1.0
    memory = y.detach().numpy()
    assert getattr(y, name)(*args, **options) is y
    expected = getattr(z, name[:-1])(*args, **options)
    np.testing.assert_array_equal(memory, expected.detach().numpy())
    np.testing.assert_array_equal(gradient(y, x), gradient(expected, x))
    assert y._version == 1


OPERATORS = [operator.iadd, operator.isub, operator.imul, operator.itruediv, operator.ipow]


@pytest.mark.parametrize("op", OPERATORS)
def test_augmented_operators_work_in_place(op):
    x, w = leaf([1.0, 2.0]), leaf([3.0, 4.0])
    y = x * 1.0
    same = y
    y = op(y, w)
    assert y is same
    plain = getattr(operator, op.__name__[1:])(x * 1.0, w)
    np.testing.assert_array_equal(y.detach().numpy(), plain.detach().numpy())
    np.testing.assert_allclose(gradient(y, x, w), gradient(plain, x, w))


@pytest.mark.parametrize("op", [operator.iand, operator.ior, operator.ixor])
def test_augmented_operators_on_masks(op):
    m = autograd.tensor([True, False])
    same = op(m, autograd.tensor([True, True]))
    assert same is m and m._version == 1


def test_an_integer_tensor_in_place():
    x = autograd.tensor([5, 7])
    x //= 2
    x %= 2
    x <<= 3
    assert x.tolist() == [0, 8]
    with pytest.raises(RuntimeError, match=r"div_.*float32.*cannot be stored.*int64\[2\]"):
        x /= 2


def test_the_operand_may_be_the_tensor_itself_or_show_its_memory():
    x = leaf([1.0, 2.0, 3.0])
    y = x * 1.0
    y.mul_(y)
    np.testing.assert_array_equal(gradient(y, x), [2, 4, 6])
    y = x * 1.0
    y[1:].mul_(y[:-1])
    np.testing.assert_array_equal(y.detach().numpy(), [1, 2, 6])
    np.testing.assert_array_equal(gradient(y, x), [1 + 2, 1 + 3, 2])


def test_a_constant_takes_up_the_history_of_what_is_written_to_it():
    w = leaf([1.0, 2.0])
    total = constant([0.0, 0.0])
    for _ in range(3):
        total += w * w
    assert total.requires_grad and not total.is_leaf
    np.testing.assert_array_equal(gradient(total, w), [6, 12])


def test_the_result_is_stored_in_the_dtype_of_the_tensor():
    w = leaf([1.0, 2.0])
    x = autograd.zeros(2)
    x += w
    assert x.dtype == np.float32
    np.testing.assert_array_equal(gradient(x, w), [1, 1])


# Overwriting


@pytest.mark.parametrize(
    "overwrite",
    [
        lambda y: y.zero_(),
        lambda y: y.fill_(3.0),
        lambda y: y.copy_(constant([5.0, 6.0])),
        lambda y: y.copy_(np.array([5, 6])),
        lambda y: y.__setitem__(..., 2.0),
        lambda y: y.gt_(1.5),
    ],
)
def test_old_values_that_are_overwritten_get_gradient_zero(overwrite):
    x = leaf([1.0, 2.0])
    y = x * 1.0
    overwrite(y)
    assert y.requires_grad
    np.testing.assert_array_equal(gradient(y, x), [0, 0])


def test_copy_broadcasts_and_passes_the_gradient_on():
    x, w = leaf([[1.0, 2.0], [3.0, 4.0]]), autograd.tensor([1.0, 2.0], requires_grad=True)
    y = x * 1.0
    y.copy_(w)
    of_x, of_w = gradient(y, x, w)
    np.testing.assert_array_equal(of_x, np.zeros((2, 2)))
    np.testing.assert_array_equal(of_w, [2, 2])
    assert of_w.dtype == np.float32


def test_fill_with_a_tensor_passes_the_gradient_on():
    v = leaf(2.0)
    x = constant([1.0, 1.0])
    x.fill_(v)
    assert gradient(x, v) == 2
    with pytest.raises(RuntimeError, match="0-d tensor"):
        x.fill_(constant([1.0, 2.0]))


# Setting items


INDICES = [
    0,
    -1,
    (slice(None), 1),
    slice(1, None),
    (slice(None), slice(None, None, 2)),
    ([1, 0], [2, 0]),
    np.array([1, 0]),
    autograd.tensor([1, 0]),
    np.array([[True, False, True], [False, True, False]]),
    autograd.tensor([True, False]),
    ...,
    (..., None, 0),
    (0, 1),
]


@pytest.mark.parametrize("index", INDICES, ids=str)
@pytest.mark.parametrize("number", [True, False])
def test_set_item(index, number):
    x, v = leaf(np.arange(6.0).reshape(2, 3)), leaf(7.0)
    y = x * 1.0
    expected = x.detach().numpy().copy()
    plain = tuple(
        np.asarray(i) if isinstance(i, autograd.Tensor) else i
        for i in (index if isinstance(index, tuple) else (index,))
    )
    expected[plain] = 7.0
    y[index] = 7.0 if number else v
    np.testing.assert_array_equal(y.detach().numpy(), expected)
    selected = np.zeros((2, 3))
    selected[plain] = 1
    np.testing.assert_array_equal(gradient(y, x), 1 - selected)
    if not number:
        assert gradient(y, v) == selected.sum()


def test_set_item_broadcasts_and_drops_leading_ones():
    x, row = constant(np.zeros((2, 3))), leaf([[[1.0, 2.0, 3.0]]])
    x[0:2] = row
    np.testing.assert_array_equal(x.detach().numpy(), [[1, 2, 3]] * 2)
    np.testing.assert_array_equal(gradient(x, row), [[[2, 2, 2]]])


def test_augmented_items():
    x = leaf([1.0, 2.0, 3.0])
    y = x * 1.0
    y[0] += 10.0
    y[1:] *= y[:2]
    y[y > 20.0] *= 3.0
    np.testing.assert_array_equal(y.detach().numpy(), [11, 66, 6])
    # y1 = 3 x1 (x0 + 10), y2 = x2 x1
    np.testing.assert_array_equal(gradient(y, x), [1 + 3 * 2, 3 * 11 + 3, 2])


def test_errors_of_set_item_say_what_does_not_fit():
    x = constant(np.zeros((2, 3)))
    with pytest.raises(RuntimeError, match=r"float64\[4\].*selection of shape \(3,\).*\[2, 3\]"):
        x[0] = constant(np.zeros(4))
    with pytest.raises(IndexError, match=r"x\[index\] = value.*5.*float64\[2, 3\]"):
        x[5] = 1.0
    with pytest.raises(IndexError, match=r"x\[index\] = value"):
        x[0, 0, 0] = constant([1.0])


# Leaves


@pytest.mark.parametrize(
    "change",
    [
        lambda x: x.add_(1.0),
        lambda x: x.__iadd__(1.0),
        lambda x: x.__setitem__(0, 1.0),
        lambda x: x.zero_(),
    ],
)
def test_a_leaf_that_requires_grad_changes_only_under_no_grad(change):
    x = leaf([1.0, 2.0])
    with pytest.raises(RuntimeError, match=r"float64\[2\] is a leaf that requires grad.*no_grad"):
        change(x)
    with pytest.raises(RuntimeError, match=r"a view of a leaf that requires grad"):
        change(x[:])
    assert x._version == 0
    with autograd.no_grad():
        change(x)
        change(x[:])
    assert x.is_leaf and x.requires_grad and x._version == 2


# What follows a tensor through a change


def test_retain_grad_means_the_value_after_the_change():
    x = leaf([1.0, 2.0])
    y = x * 1.0
    y.retain_grad()
    y.mul_(constant([3.0, 4.0]))
    (y * 5.0).sum().backward()
    assert y.grad.tolist() == [5, 5] and x.grad.tolist() == [15, 20]


def test_a_hook_means_the_value_at_registration():
    x = leaf([1.0, 2.0])
    y = x * 1.0
    seen = []
    y.register_hook(seen.append)
    y.mul_(3.0)
    y.sum().backward()
    assert [g.tolist() for g in seen] == [[3, 3]]


def test_detach_in_place():
    x = leaf([1.0, 2.0])
    y = x * 1.0
    assert y.detach_() is y
    assert y.is_leaf and not y.requires_grad
    with pytest.raises(RuntimeError, match="view"):
        (x * 1.0)[0].detach_()


def test_second_derivatives_through_in_place_changes():
    x, w = leaf([1.0, 2.0, 3.0]), leaf(2.0)
    y = x * x
    y[1:].mul_(w * y[:2])
    y[0] = w * x[0]
    y.exp_()
    (first,) = autograd.grad(y.log().sum(), x, create_graph=True)
    # log y = [w x0, w x0² x1², w x1² x2²]
    expected = [2 + 2 * 2 * 4, 2 * 4 + 2 * 4 * 9, 2 * 8 * 3]
    np.testing.assert_allclose(first.detach().numpy(), expected)
    (second,) = autograd.grad(first[0], x)
    np.testing.assert_allclose(second.numpy(), [2 * 2 * 4, 2 * 2 * 2 * 2, 0])
