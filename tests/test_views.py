"""Views and versions: memory that several tensors show, and values that were saved of it."""

import numpy as np
import pytest

import autograd
import nn
from autograd.errors import GraphError


def leaf(values):
    return autograd.tensor(np.asarray(values, np.float64), requires_grad=True)


def constant(values):
    return autograd.tensor(np.asarray(values, np.float64))


def gradient(y, *xs):
    found = autograd.grad(y.sum(), xs, retain_graph=True)
    return found[0].numpy() if len(xs) == 1 else [g.numpy() for g in found]


# Views


def test_a_change_of_the_base_shows_in_the_gradient_of_its_views():
    x = leaf([[1.0, 2.0], [3.0, 4.0]])
    y = x * 1.0
    column, flat = y[:, 0], y.t().t().reshape(-1)
    y.mul_(3.0)
    np.testing.assert_array_equal(gradient(column, x), [[3, 0], [3, 0]])
    np.testing.assert_array_equal(gradient(flat, x), [[3, 3], [3, 3]])
    assert column._version == y._version == 1


def test_a_change_of_a_view_shows_in_the_base_and_in_other_views():
    x = leaf([[1.0, 2.0], [3.0, 4.0]])
    y = x * 1.0
    row, column = y[0], y[:, 0]
    row.mul_(5.0)
    np.testing.assert_array_equal(y.detach().numpy(), [[5, 10], [3, 4]])
    np.testing.assert_array_equal(gradient(y, x), [[5, 5], [1, 1]])
    np.testing.assert_array_equal(gradient(column, x), [[5, 0], [1, 0]])
    np.testing.assert_array_equal(gradient(row, x), [[5, 5], [0, 0]])


VIEWS = {
    "view of a view": lambda y: y[1:][:, 1],
    "transpose": lambda y: y.t()[1:],
    "reshape of a transpose": lambda y: y.t().t().reshape(-1)[2:5],
    "unsqueeze": lambda y: y.unsqueeze(0)[0, 1],
    "0-d": lambda y: y[1, 2],
    "step": lambda y: y[:, ::2],
    "flatten": lambda y: y.flatten()[1::2],
}


@pytest.mark.parametrize("name", VIEWS)
@pytest.mark.parametrize("order", ["C", "F"])
def test_a_change_of_a_view_in_any_memory_layout(name, order):
    x, w = leaf(np.array(np.arange(6.0).reshape(2, 3), order=order)), leaf(2.0)
    y = x * 1.0
    assert y.is_contiguous() == (order == "C")
    view = VIEWS[name](y)
    if view._base is not y:  # a reshape had to copy
        assert order == "F" and name in ("reshape of a transpose", "flatten")
        return
    view.mul_(w)
    mask = VIEWS[name](constant(np.arange(6.0).reshape(2, 3))).numpy()
    changed = np.isin(np.arange(6.0), mask).reshape(2, 3)
    np.testing.assert_array_equal(gradient(y, x), np.where(changed, 2, 1))
    assert gradient(y, w) == mask.sum()


def test_the_views_history_is_there_also_when_first_used_under_no_grad():
    x = leaf([1.0, 2.0])
    y = x * 1.0
    view = y[0]
    y.mul_(3.0)
    with autograd.no_grad():
        assert view.requires_grad
    np.testing.assert_array_equal(gradient(view, x), [3, 0])


def test_results_of_unbind_cannot_be_changed_and_do_not_outlive_a_change():
    x = leaf([1.0, 2.0])
    y = x * 1.0
    a, _ = y.unbind()
    with pytest.raises(RuntimeError, match=r"add_.*float64\[\].*several results.*x\[index\]"):
        a.add_(1.0)
    y.mul_(2.0)
    for _ in range(2):
        with pytest.raises(RuntimeError, match="base was changed in place"):
            a * 1.0


def test_a_view_made_under_no_grad_cannot_be_changed_under_grad():
    y = leaf([1.0, 2.0]) * 1.0
    with autograd.no_grad():
        view = y[0]
        view.add_(1.0)
    with pytest.raises(RuntimeError, match="made under no_grad"):
        view.add_(1.0)


@pytest.mark.parametrize("grad", [True, False])
def test_view_works_on_what_operations_return_in_another_layout(grad):
    """As in `x = pool(relu(conv(x))); x.view(n, -1)`, where PyTorch's results are contiguous."""
    x = leaf(np.arange(2.0 * 3 * 6 * 6).reshape(2, 3, 6, 6))
    w = constant(np.ones((4, 3, 3, 3)))
    with autograd.set_grad_enabled(grad):
        y = nn.functional.max_pool2d(nn.functional.conv2d(x, w).relu(), 2)
        flat = y.view(2, -1)
    np.testing.assert_array_equal(flat.detach().numpy(), y.detach().numpy().reshape(2, -1))
    assert flat._base is y and np.shares_memory(flat._data, y._data)
    if grad:
        (flat * flat).sum().backward(retain_graph=True)
        first = x.grad
        x.grad = None
        (y.reshape(2, -1) ** 2).sum().backward()
        np.testing.assert_allclose(first.numpy(), x.grad.numpy())


def test_view_never_moves_memory_that_is_shared():
    array = np.asfortranarray(np.ones((2, 3)))
    y = leaf(np.asfortranarray(np.ones((2, 3)))) * 1
    part = y[0]
    for x in (autograd.from_numpy(array), constant(np.ones((2, 3))).t(), y):
        with pytest.raises(RuntimeError, match=r"layout of float64.*reshape.*contiguous"):
            x.view(-1)
    assert part._base is y


def test_expanded_memory_cannot_be_written():
    y = constant([1.0, 2.0]).expand(3, 2)
    with pytest.raises(RuntimeError, match=r"add_.*float64\[3, 2\].*expanded.*clone\(\)"):
        y.add_(1.0)
    with pytest.raises(RuntimeError, match=r"clone\(\)"):
        y[0] = 1.0


def test_nan_gradients_of_overwritten_parts_do_not_leak():
    x, w = leaf([1.0, 2.0, 3.0]), leaf([1.0, 1.0, 1.0])
    for change in (
        lambda y: y[:2].copy_(w[:2]),
        lambda y: y.__setitem__(slice(0, 2), w[:2]),
        lambda y: y.masked_fill_(autograd.tensor([True, True, False]), 0.0),
        lambda y: y.copy_(w),
        lambda y: y.zero_(),
    ):
        y = x * 1.0
        change(y)
        (g,) = autograd.grad(y, x, constant([np.nan, np.inf, 1.0]))
        assert np.isfinite(g.numpy()).all()
        assert g[:2].tolist() == [0, 0]


# Versions


def test_a_saved_operand_that_was_changed_is_an_error():
    x, w = leaf([1.0, 2.0]), constant([3.0, 4.0])
    y = (x * w).sum()
    w.add_(1.0)
    with pytest.raises(GraphError, match=r"MulBackward0.*argument y \(float64\[2\], now at ver"):
        y.backward()


def test_a_saved_result_that_was_changed_is_an_error():
    x = leaf([1.0, 2.0])
    y = x.exp()
    y.add_(1.0)
    with pytest.raises(GraphError, match=r"ExpBackward0.*its result.*x = x \+ 1"):
        y.sum().backward()


def test_a_change_that_nobody_saved_is_fine():
    x = leaf([1.0, 2.0])
    y = x + 1.0
    y.add_(1.0)
    y.sum().backward()
    assert x.grad.tolist() == [1, 1]


@pytest.mark.parametrize(
    "change",
    [
        lambda x: x.detach().zero_(),
        lambda x: x[0].zero_(),
        lambda x: x.t().detach()[0].zero_(),
        lambda x: x.detach().__setitem__(0, 9.0),
    ],
)
def test_memory_has_one_version_through_views_and_detach(change):
    x, w = leaf([1.0, 2.0]), constant([3.0, 4.0])
    y = (x * w).sum()
    change(w)
    assert w._version == 1
    with pytest.raises(GraphError):
        y.backward()


def test_the_old_values_of_a_tensor_whose_data_was_replaced_are_not_mixed_up():
    x, w = leaf([1.0, 2.0]), leaf([3.0, 4.0])
    y = (x * w).sum()
    w.data = constant([5.0, 6.0])
    with pytest.raises(GraphError):
        y.backward()
    (x * w).sum().backward()
    assert x.grad.tolist() == [5, 6]


def test_replaced_data_leaves_the_old_memory_to_its_views():
    y = leaf([1.0, 2.0]) * 1.0
    view = y[:1]
    y.data = constant([[5.0], [6.0]])
    assert view.tolist() == [1] and y.shape == (2, 1)
    view.mul_(2.0)
    assert y.tolist() == [[5], [6]]


def test_a_view_without_elements_is_one():
    x, value = autograd.zeros(3, 0, 2), leaf([1.0])
    x[1, :, autograd.tensor([0])] = value.float()
    assert x.requires_grad
    assert autograd.grad(x.sum(), value)[0].tolist() == [0]
    base = autograd.zeros(0, 2)
    assert base.t()._base is base
