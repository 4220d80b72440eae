"""The backward pass: long chains, graph shapes, the options of `backward` and `grad`."""

import numpy as np
import pytest

import autograd
from autograd.errors import GraphError


def leaf(values, dtype=np.float64):
    return autograd.tensor(np.asarray(values, dtype), requires_grad=True)


def chain(x, n):
    for _ in range(n // 2):
        x = (x * 1.0000001) + 1e-9
    return x


# Long chains: nothing may recurse, not the walk and not the freeing of the graph.


def check_chain(n):
    x = leaf(1.0)
    y = chain(x, n)
    y.backward()
    np.testing.assert_allclose(x.grad.item(), 1.0000001 ** (n // 2), rtol=1e-9)
    del y  # freed after backward
    y = chain(x, n)
    assert len(y.tape()) == n
    node = y.grad_fn
    del y  # freed as recorded, through the node
    del node


def test_a_chain_of_200_000_ops():
    check_chain(200_000)


@pytest.mark.slow
def test_a_chain_of_a_million_ops():
    check_chain(1_000_000)


def test_create_graph_on_a_long_chain():
    x = leaf(1.0)
    n = 20_000
    y = x
    for _ in range(n):
        y = y * x
    (first,) = autograd.grad(y, x, create_graph=True)
    (second,) = autograd.grad(first, x)
    assert (first.item(), second.item()) == (n + 1, (n + 1) * n)
    del y, first


def test_a_long_chain_of_views_and_in_place_changes():
    x = leaf([1.0, 2.0])
    y = x * 1.0
    view = y[0]
    for _ in range(3000):
        view.add_(1.0)
        y.mul_(1.0)
    y.sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), [1, 1])
    np.testing.assert_array_equal(y.detach().numpy(), [3001, 2])


# Shapes of graphs


def test_one_tensor_as_both_operands():
    x = leaf(3.0)
    (x * x).backward()
    assert x.grad.item() == 6


def test_a_diamond():
    x = leaf(2.0)
    a, b = x * 3, x.exp()
    (a * b).backward()
    np.testing.assert_allclose(x.grad.item(), 3 * np.exp(2) * (1 + 2))


def test_a_tower_of_diamonds_visits_each_node_once():
    x = y = leaf(1.0)
    for _ in range(60):
        y = y + y
    y.backward()
    assert x.grad.item() == 2.0**60


def test_a_tensor_used_ten_thousand_times():
    x = leaf([1.0, 2.0])
    total = x * 0
    for i in range(10_000):
        total = total + x * i
    total.sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), [49_995_000] * 2)


def test_a_wide_sum_of_one_tensor():
    x = leaf([1.0, 2.0])
    autograd.stack([x] * 10_000).sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), [10_000] * 2)


def test_a_broadcast_operand_gets_the_sum():
    x, w = leaf(np.ones((4, 3))), leaf(np.ones((1, 3)))
    (x * w + leaf(2.0)).sum().backward()
    assert w.grad.shape == (1, 3)
    np.testing.assert_array_equal(w.grad.numpy(), [[4, 4, 4]])


def test_the_tape_is_in_order_of_recording():
    x = leaf(1.0)
    a = x.exp()
    b = x.sin()
    c = b * a
    assert [node.name() for node in c.tape()] == ["ExpBackward0", "SinBackward0", "MulBackward0"]
    assert x.tape() == []


# backward()


def test_a_second_backward_names_the_fix():
    x = leaf([1.0, 2.0])
    y = (x * x).sum()
    y.backward()
    with pytest.raises(GraphError, match=r"MulBackward0.*second time.*retain_graph=True"):
        y.backward()
    with pytest.raises(RuntimeError, match="retain_graph"):
        autograd.grad(y, x)


def test_a_second_backward_works_where_nothing_was_saved():
    x = leaf([1.0, 2.0])
    y = (x + 1).sum()
    y.backward()
    y.backward()
    np.testing.assert_array_equal(x.grad.numpy(), [2, 2])


def test_retain_graph_allows_any_number_of_passes():
    x = leaf([1.0, 2.0])
    y = (x * x).sum()
    for _ in range(3):
        y.backward(retain_graph=True)
    y.backward()
    np.testing.assert_array_equal(x.grad.numpy(), [8, 16])
    with pytest.raises(GraphError):
        y.backward()


def test_two_losses_over_a_shared_part():
    x = leaf([1.0, 2.0])
    shared = x.exp()
    first, second = (shared * 2).sum(), (shared * 3).sum()
    first.backward(retain_graph=True)
    second.backward()
    np.testing.assert_allclose(x.grad.numpy(), 5 * np.exp([1.0, 2.0]))


GRADIENTS = [
    [1.0, 10.0],
    np.array([1.0, 10.0]),
    autograd.tensor(np.array([1.0, 10.0])),
    autograd.tensor([1.0, 10.0]),
]


@pytest.mark.parametrize("gradient", GRADIENTS)
def test_backward_takes_an_upstream_gradient(gradient):
    x = leaf([1.0, 2.0])
    (x * x).backward(gradient)
    np.testing.assert_array_equal(x.grad.numpy(), [2, 40])
    assert x.grad.dtype == np.float64


def test_backward_from_a_leaf():
    x, seed = leaf([1.0, 2.0]), autograd.tensor(np.array([3.0, 4.0]))
    x.backward(seed)
    seed[0] = 7.0
    np.testing.assert_array_equal(x.grad.numpy(), [3, 4])


def test_gradients_add_up_in_the_same_tensor_over_passes():
    x = leaf([1.0, 2.0])
    (x * 2).sum().backward()
    grad = x.grad
    (x * x).sum().backward()
    assert x.grad is grad
    np.testing.assert_array_equal(grad.numpy(), [4, 6])
    x.grad = None
    (x * 5).sum().backward()
    np.testing.assert_array_equal(grad.numpy(), [4, 6])


def test_backward_with_inputs_touches_only_those():
    x, w = leaf([1.0, 2.0]), leaf([3.0, 4.0])
    y = x * w
    z = (y * y).sum()
    z.backward(inputs=[w, y], retain_graph=True)
    assert x.grad is None
    np.testing.assert_array_equal(w.grad.numpy(), [6, 32])
    np.testing.assert_array_equal(y.grad.numpy(), [6, 16])
    z.backward(inputs=x)
    np.testing.assert_array_equal(x.grad.numpy(), [18, 64])
    np.testing.assert_array_equal(w.grad.numpy(), [6, 32])


def test_an_input_named_twice_counts_once():
    x = leaf([1.0, 2.0])
    y = x * 3
    (y * y).sum().backward(inputs=[x, x, y, y])
    np.testing.assert_array_equal(x.grad.numpy(), [18, 36])
    np.testing.assert_array_equal(y.grad.numpy(), [6, 12])


def test_backward_with_create_graph_can_be_differentiated():
    x = leaf([1.0, 2.0])
    (x**3).sum().backward(create_graph=True)
    first = x.grad
    assert first.requires_grad
    x.grad = None
    first.sum().backward()
    np.testing.assert_array_equal(x.grad.numpy(), [6, 12])


def test_create_graph_accumulates_into_a_new_tensor():
    x = leaf([1.0, 2.0])
    (x**2).sum().backward(create_graph=True)
    first = x.grad
    (x**2).sum().backward(create_graph=True)
    np.testing.assert_array_equal(first.detach().numpy(), [2, 4])
    np.testing.assert_array_equal(x.grad.detach().numpy(), [4, 8])
    x.grad = None


def test_several_roots_with_and_without_gradients():
    x = leaf([1.0, 2.0])
    autograd.backward([x.sum(), x * 2, x.sum()], [None, autograd.tensor([1.0, 10.0]), None])
    np.testing.assert_array_equal(x.grad.numpy(), [4, 22])


def test_the_same_root_twice():
    x = leaf(3.0)
    y = x * x
    autograd.backward([y, y])
    assert x.grad.item() == 12


# grad()


def test_grad_touches_no_grad_attribute():
    x, w = leaf([1.0, 2.0]), leaf([3.0, 4.0])
    dx, dw = autograd.grad((x * w).sum(), [x, w])
    np.testing.assert_array_equal(dx.numpy(), [3, 4])
    np.testing.assert_array_equal(dw.numpy(), [1, 2])
    assert x.grad is None and w.grad is None
    assert not dx.requires_grad


def test_grad_of_non_leaf_inputs_and_of_the_root_itself():
    x = leaf([1.0, 2.0])
    y = x * 2
    z = y * y
    seed = autograd.tensor(np.array([1.0, 10.0]))
    dz, dy, dx = autograd.grad(z, [z, y, x], seed)
    np.testing.assert_array_equal(dz.numpy(), [1, 10])
    np.testing.assert_array_equal(dy.numpy(), [4, 80])
    np.testing.assert_array_equal(dx.numpy(), [8, 160])
    dz[0] = 5.0  # its own memory
    assert seed[0].item() == 1


def test_grad_of_a_leaf_with_respect_to_itself():
    x = leaf(2.0)
    assert autograd.grad(x, x)[0].item() == 1


def test_grad_does_not_walk_below_the_inputs():
    x = leaf([1.0, 2.0])
    y = x.exp()
    z = (y * 2).sum()
    autograd.grad(z, y)
    autograd.grad(z, y)  # neither freed what exp saved, nor needed it
    z.backward()
    np.testing.assert_allclose(x.grad.numpy(), 2 * np.exp([1.0, 2.0]))


def test_unused_inputs():
    x, other = leaf([1.0, 2.0]), leaf([[3.0]])
    y = (x * 2).sum()
    with pytest.raises(RuntimeError, match=r"input 1, float64\[1, 1\].*allow_unused=True"):
        autograd.grad(y, [x, other])
    _, unused = autograd.grad(y, [x, other], allow_unused=True)
    assert unused is None
    _, zeros = autograd.grad(y, [x, other], materialize_grads=True)
    np.testing.assert_array_equal(zeros.numpy(), [[0]])
    assert zeros.dtype == np.float64
    with pytest.raises(ValueError, match="allow_unused"):
        autograd.grad(y, [x, other], allow_unused=False, materialize_grads=True)


def test_several_results_of_one_op():
    x = leaf([1.0, 2.0, 3.0])
    a, b, c = (x * x).unbind()
    da, db = autograd.grad(a * b, [a, b], retain_graph=True)
    assert (da.item(), db.item()) == (4, 1)
    (dc,) = autograd.grad(a, c, allow_unused=True, retain_graph=True)
    assert dc is None
    (dx,) = autograd.grad([a, c], x, [autograd.tensor(2.0), None])
    np.testing.assert_array_equal(dx.numpy(), [4, 0, 6])


def test_grad_with_create_graph_of_several_results():
    x = leaf([1.0, 2.0])
    a, b = (x * x).unbind()
    (dx,) = autograd.grad(a * b, x, create_graph=True)  # d/dx x0²x1²
    np.testing.assert_array_equal(dx.detach().numpy(), [8, 4])
    (dxx,) = autograd.grad(dx.sum(), x)
    np.testing.assert_array_equal(dxx.numpy(), [2 * 4 + 8, 8 + 2])


def test_grad_outputs_take_part_in_the_graph():
    x, v = leaf([1.0, 2.0]), leaf([1.0, 1.0])
    (dx,) = autograd.grad(x**2, x, v, create_graph=True)
    (dv,) = autograd.grad(dx, v, autograd.tensor(np.array([1.0, 0.5])))
    np.testing.assert_array_equal(dv.numpy(), [2, 2])


def test_higher_derivatives():
    x = leaf(0.5)
    y = x.sin()
    for expected in (np.cos(0.5), -np.sin(0.5), -np.cos(0.5), np.sin(0.5)):
        (y,) = autograd.grad(y, x, create_graph=True)
        np.testing.assert_allclose(y.item(), expected)


def test_a_graph_recorded_around_a_detached_or_toggled_tensor():
    x, w = leaf(2.0), leaf(3.0)
    y = x * 1.0
    z = y * w
    y.detach_()  # z was recorded before: its graph still reaches x
    dx, dw = autograd.grad(z, [x, w], create_graph=True)
    assert dx.item() == 3 and dw.item() == 2
    assert autograd.grad(dw, x)[0].item() == 1
