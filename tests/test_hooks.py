"""Hooks on tensors and nodes; anomaly detection."""

import numpy as np
import pytest

import autograd


def leaf(values):
    return autograd.tensor(np.asarray(values, np.float64), requires_grad=True)


# register_hook


def test_hooks_see_and_replace_the_gradient_in_order():
    x = leaf([1.0, 2.0])
    y = x * 3
    seen = []
    y.register_hook(lambda g: seen.append(("first", g.tolist())))
    y.register_hook(lambda g: g * 10)
    y.register_hook(lambda g: seen.append(("third", g.tolist())))
    y.sum().backward()
    assert seen == [("first", [1, 1]), ("third", [10, 10])]
    assert x.grad.tolist() == [30, 30]


def test_a_hook_sees_the_sum_over_all_uses():
    x = leaf([1.0, 2.0])
    y = x * 1
    seen = []
    for t in (x, y):
        t.register_hook(lambda g: seen.append(g.tolist()))
    (y * 2 + y * y + x).sum().backward()
    assert seen == [[4, 6], [5, 7]]


def test_a_leafs_hook_runs_once_per_pass_on_the_gradient_of_that_pass():
    x = leaf([1.0])
    seen = []
    x.register_hook(lambda g: seen.append(g.item()))
    x.register_hook(lambda g: g * 10)
    for k in (2.0, 3.0):
        (x * k).backward()
    assert seen == [2, 3] and x.grad.item() == 50
    assert autograd.grad(x * 4, x)[0].item() == 40
    assert seen == [2, 3, 4]


def test_a_handle_removes_its_hook():
    x = leaf([1.0])
    calls = []
    handle = x.register_hook(lambda g: calls.append(1))
    with x.register_hook(lambda g: calls.append(2)):
        (x * 1).backward()
    handle.remove()
    handle.remove()
    (x * 1).backward()
    assert calls == [1, 2]


def test_a_hook_may_remove_itself_and_others_while_it_runs():
    x = leaf([1.0])
    y = x * 1
    calls = []
    handles = []

    def first(g):
        calls.append("first")
        for handle in handles:
            handle.remove()

    handles.append(y.register_hook(first))
    handles.append(y.register_hook(lambda g: calls.append("removed")))
    y.register_hook(lambda g: calls.append("last"))
    y.backward(retain_graph=True)
    y.backward()
    assert calls == ["first", "last", "last"]


def test_hooks_on_one_of_several_results():
    x = leaf([1.0, 2.0])
    a, b = (x * 1).unbind()
    seen = []
    a.register_hook(lambda g: seen.append("a") or g * 10)
    b.register_hook(lambda g: seen.append("b"))
    (a * 3).backward(retain_graph=True)
    assert seen == ["a"] and x.grad.tolist() == [30, 0]


def test_a_kept_gradient_stays_as_it_was():
    x = leaf([1.0, 2.0])
    y = x * 1
    kept = []
    for t in (x, y):
        t.register_hook(kept.append)
    (y * 2 + y * 3).sum().backward()
    (x * 7).sum().backward()
    assert [g.tolist() for g in kept] == [[5, 5], [5, 5], [7, 7]]


@pytest.mark.parametrize(
    ("hook", "kind", "message"),
    [
        (lambda g: 3.0, TypeError, "Tensor or None, got float"),
        (lambda g: g[:1], RuntimeError, r"float64\[2\] to float64\[1\]"),
        (lambda g: g.float(), RuntimeError, r"float64\[2\] to float32\[2\]"),
    ],
)
def test_what_a_hook_must_not_return(hook, kind, message):
    x = leaf([1.0, 2.0])
    y = x * 1
    y.register_hook(hook)
    with pytest.raises(kind, match=message):
        y.sum().backward()


def test_a_hooks_operations_are_recorded_with_create_graph():
    x = leaf(2.0)
    y = x * x
    y.register_hook(lambda g: g * x)
    (first,) = autograd.grad(y, x, create_graph=True)  # x · 2x
    assert first.item() == 8
    assert autograd.grad(first, x)[0].item() == 8
    seen = []
    y = x * x
    y.register_hook(lambda g: seen.append((g * x).requires_grad))
    y.backward()
    assert seen == [False]


def test_hooks_do_not_run_off_the_path():
    x, w = leaf(2.0), leaf(3.0)
    y, z = x * 1, w * 1
    calls = []
    y.register_hook(lambda g: calls.append("y"))
    z.register_hook(lambda g: calls.append("z"))
    autograd.grad(y * z, x, retain_graph=True)
    assert calls == ["y"]


# retain_grad and the hook after accumulation


def test_retain_grad_sees_what_all_other_hooks_made_of_it():
    x = leaf([1.0])
    y = x * 1
    y.retain_grad()
    y.retain_grad()
    y.register_hook(lambda g: g * 10)
    (y * 2).backward(retain_graph=True)
    assert y.grad.item() == 20 and y.retains_grad
    (y * 2).backward()
    assert y.grad.item() == 40
    assert not x.retains_grad
    x.retain_grad()  # nothing to do for a leaf


def test_the_grad_of_a_non_leaf_warns():
    y = leaf([1.0]) * 1
    with pytest.warns(UserWarning, match=r"float64\[1\].*not a leaf.*retain_grad"):
        assert y.grad is None


def test_the_hook_after_accumulation():
    x = leaf([1.0])
    seen = []
    handle = x.register_post_accumulate_grad_hook(lambda t: seen.append((t is x, t.grad.item())))
    (x * 2).backward()
    (x * 3).backward()
    autograd.grad(x * 4, x)  # accumulates nothing
    handle.remove()
    (x * 5).backward()
    assert seen == [(True, 2), (True, 5)]
    with pytest.raises(RuntimeError, match="leaves"):
        (x * 1).register_post_accumulate_grad_hook(print)


def test_an_optimizer_step_in_backward():
    w = leaf([1.0, 2.0])

    def step(w):
        with autograd.no_grad():
            w -= 0.1 * w.grad
        w.grad = None

    w.register_post_accumulate_grad_hook(step)
    for _ in range(3):
        (w * w).sum().backward()
    np.testing.assert_allclose(w.detach().numpy(), np.array([1, 2]) * 0.8**3)
    assert w.grad is None


# Hooks on nodes


def test_hooks_on_a_node():
    x, w = leaf(2.0), leaf(3.0)
    y = x * w
    seen = []
    before = y.grad_fn.register_prehook(lambda of: (of[0] * 10,))
    y.grad_fn.register_prehook(lambda of: seen.append(of[0].item()))
    after = y.grad_fn.register_hook(lambda by, of: seen.append([g.item() for g in (*by, *of)]))
    y.grad_fn.register_hook(lambda by, of: (by[0], by[1] * 2))
    assert repr(y.grad_fn) == "<MulBackward0>"
    y.backward(retain_graph=True)
    assert seen == [10, [30, 20, 10]]
    assert (x.grad.item(), w.grad.item()) == (30, 40)
    before.remove()
    after.remove()
    y.backward()
    assert seen == [10, [30, 20, 10], 1]
    assert (x.grad.item(), w.grad.item()) == (33, 44)


def test_hooks_on_a_node_with_constants_several_results_and_a_users_function():
    class Double(autograd.Function):
        @staticmethod
        def forward(ctx, x, n):
            return x * n, x

        @staticmethod
        def backward(ctx, g, h):
            return g * 2 + h, None

    x = leaf(2.0)
    a, _ = Double.apply(x, 2)
    seen = []
    a.grad_fn.register_hook(
        lambda by, of: seen.append([None if g is None else g.item() for g in (*by, *of)])
    )
    (a * 3).backward()
    assert seen == [[6, None, 3, None]]
    with pytest.raises(RuntimeError, match="2 gradients in the place of 1"):
        y = x * 1
        y.grad_fn.register_prehook(lambda of: (of[0], of[0]))
        y.backward()


def test_a_node_hook_cannot_make_a_gradient_for_a_constant():
    x = leaf(2.0)
    y = x * 3
    y.grad_fn.register_hook(lambda by, of: (by[0], by[0]))
    with pytest.raises(RuntimeError, match="None gradient"):
        y.backward()


def test_a_node_hook_may_keep_gradients():
    x = leaf([1.0, 2.0])
    kept = []
    y = x * 2
    y.grad_fn.register_hook(lambda by, of: kept.append(by[0]))
    (y + x * 3).sum().backward()
    assert kept[0].tolist() == [2, 2] and x.grad.tolist() == [5, 5]


# detect_anomaly


def test_nan_in_backward_is_named_with_its_line():
    x = leaf(0.0)
    with autograd.detect_anomaly():
        y = (x * 0).sqrt()  # the line
        with pytest.raises(RuntimeError, match=r"<MulBackward0>.*nan.*gradient 0.*the line"):
            y.backward()
    assert not autograd.is_anomaly_enabled()
    (x * 0).sqrt().backward()


def test_the_exception_has_values_and_the_first_bad_one_of_the_forward_pass():
    x = leaf([0.0, 2.0])
    with autograd.detect_anomaly():
        y = x / x  # the cause
        loss = (y * 2).sum()
        with (
            pytest.warns(UserWarning, match=r"is differentiated is NaN: nan\. .*the cause"),
            pytest.raises(RuntimeError) as caught,
        ):
            loss.backward()
    text = str(caught.value)
    assert "<DivBackward0> returned nan values in gradient 0; it was recorded at" in text
    assert "there x = float64[2] [0, 2] (finite from 0 to 2); y = float64[2]" in text
    assert "the gradient that arrived = float64[2] [2, 2]" in text
    assert "the first result that is NaN is that of <DivBackward0>" in text


def test_a_nan_loss_with_finite_gradients_is_reported_and_differentiated():
    x = leaf([-1.0, 2.0])
    with autograd.detect_anomaly():
        loss = x.log().sum()
        with pytest.warns(UserWarning, match=r"LogBackward0>.*x = float64\[2\] \[-1, 2\]"):
            loss.backward()
    assert x.grad.tolist() == [-1.0, 0.5]


def test_other_errors_of_backward_name_both_lines():
    x = leaf([1.0, 2.0])
    with autograd.detect_anomaly():
        y = x.exp()  # recorded here
        y.add_(1)  # changed here
        with pytest.raises(RuntimeError, match=r"its result.*recorded here.*changed here"):
            y.sum().backward()
        w = x * 1
        z = x * w  # recorded there
        w[0] = 0.0  # changed there
        with pytest.raises(RuntimeError, match=r"argument y.*recorded there.*changed there"):
            z.sum().backward()


def test_switches_of_anomaly_detection():
    assert not autograd.is_anomaly_enabled()
    with autograd.set_detect_anomaly(True, check_nan=False):
        assert autograd.is_anomaly_enabled() and not autograd.is_anomaly_check_nan_enabled()
        with autograd.detect_anomaly():
            assert autograd.is_anomaly_check_nan_enabled()
        (leaf(0.0) * 0).sqrt().backward()
    assert not autograd.is_anomaly_enabled()
    autograd.set_detect_anomaly(True)
    assert autograd.is_anomaly_check_nan_enabled()
    autograd.set_detect_anomaly(False)
    assert not autograd.is_anomaly_enabled()


# The order of all kinds of hooks


def hooks_in_order(lib, tensor):
    """What is called when, with values that show what each was given."""
    grad = getattr(lib, "autograd", lib).grad
    x = tensor([1.0, 2.0], requires_grad=True)
    w = tensor([3.0, 4.0], requires_grad=True)
    calls = []

    def note(name, result=lambda *given: None):
        def hook(*given):
            flat = [g for part in given for g in (part if isinstance(part, tuple) else (part,))]
            calls.append((name, [None if g is None else g.detach().tolist() for g in flat]))
            return result(*given)

        return hook

    y = x * w
    y.retain_grad()
    y.register_hook(note("y", lambda g: g * 2))
    y.grad_fn.register_hook(
        note("after mul", lambda by, of: tuple(None if g is None else g * 5 for g in by))
    )
    y.grad_fn.register_prehook(note("before mul", lambda of: (of[0] * 3,)))
    handle = y.register_hook(note("removed"))
    y.register_hook(note("y again"))
    x.register_hook(note("x", lambda g: g + 1))
    x.register_post_accumulate_grad_hook(note("x accumulated"))
    w.register_hook(note("w"))
    handle.remove()
    z = (y.exp() + y).sum()
    z.register_hook(note("z", lambda g: g * 0.5))
    z.backward(retain_graph=True)
    found = [t.grad.tolist() for t in (x, w, y)]
    found += [grad(z, t, retain_graph=True)[0].tolist() for t in (y, x)]
    z.backward(inputs=[w])
    return calls, [*found, w.grad.tolist()]


@pytest.mark.parity
def test_pytorch_calls_hooks_in_the_same_order(torch):
    calls, values = hooks_in_order(autograd, autograd.tensor)
    their_calls, their_values = hooks_in_order(torch, torch.tensor)
    for leaf_name in ("x", "w", "other"):  # leaves have no order among them
        mine, theirs = (
            [c for c in found if (c[0][0] if c[0][0] in "xw" else "other") == leaf_name]
            for found in (calls, their_calls)
        )
        assert [name for name, _ in mine] == [name for name, _ in theirs]
        for (_, given), (_, expected) in zip(mine, theirs, strict=True):
            for g, e in zip(given, expected, strict=True):
                assert (g is None and e is None) or np.allclose(g, e)
    for mine, theirs in zip(values, their_values, strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-5)
