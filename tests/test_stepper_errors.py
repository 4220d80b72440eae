"""What `step` says to what it cannot step, and what it does when the pass itself fails."""

import json

import numpy as np
import pytest

import autograd
import nn
from autograd.stepper import Trace


def leaf(values):
    return autograd.tensor(values, requires_grad=True)


# Roots -----------------------------------------------------------------------------------------


def test_nothing_requires_grad_names_the_callers_variables():
    x, w = autograd.ones(3), autograd.zeros(3)
    y = (x * w).sum()
    with pytest.raises(RuntimeError, match=r"do not require grad: x \(float32\[3\]\), w") as caught:
        autograd.step(y)
    assert "requires_grad=True" in str(caught.value) and "autograd.trace()" in str(caught.value)


def test_a_cut_is_named_with_its_line_when_it_was_recorded():
    x = leaf([1.0])
    with autograd.trace():
        h = (x * 2).detach()  # gradients end here
        with pytest.raises(RuntimeError, match=r"(?s)cut off here:.*detach\(\) at .*end here"):
            autograd.step(h.sum())
        with autograd.no_grad():  # or here
            h = x.sum()
        with pytest.raises(RuntimeError, match=r"(?s)no_grad at .*or here"):
            autograd.step(h)


def test_integers_have_no_gradients():
    with pytest.raises(RuntimeError, match=r"int64 tensors have no gradients.*\.float\(\)"):
        autograd.step(autograd.tensor(3))


def test_a_root_of_several_elements_needs_a_gradient():
    x = leaf([[1.0, 2.0]])
    with pytest.raises(RuntimeError, match=r"\[1, 2\] has 2 elements.*\.sum\(\).*grad=.*\[1, 2\]"):
        autograd.step(x * 2)
    assert autograd.step(x * 2, [[1.0, 0.0]]).finish().grad(x).tolist() == [[2.0, 0.0]]


def test_roots_in_lists_tuples_and_dicts():
    x = leaf(2.0)
    for roots in ([x * 3, x.exp()], (x * 3, x.exp()), {"a": x * 3, "b": x.exp()}):
        s = autograd.step(roots).finish()
        assert s.grad(x).item() == pytest.approx(3 + np.exp(2.0))
    s = autograd.step({"first": x * 3, "second": x * 4}, {"second": 2.0, "first": 1.0})
    assert "∂L/∂first = 1" in s.text() and s.finish().grad(x) == 11


class Net(nn.Module):
    def forward(self, x):
        return x

    def loss(self):
        return self(1)


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        (Net(), TypeError, r"the module Net; call it"),
        (Net, TypeError, r"the class Net; make an object"),
        (Net().loss, TypeError, r"the function loss itself; call it, as in step\(loss\(\)\)"),
        (np.ones(3), TypeError, r"ndarray, which records no graph"),
        (2.5, TypeError, r"float, which records no graph.*\.item\(\)"),
        (None, TypeError, r"None; was the function's `return` forgotten"),
        ([], ValueError, r"an empty list has no graph"),
        ({}, ValueError, r"an empty dict has no graph"),
        ([[1.0]], TypeError, r"at 0, got a list in it; give one flat list"),
        ({"a": 1}, TypeError, r"at 'a', got int"),
        ("loss", TypeError, r"got str"),
    ],
)
def test_what_is_no_tensor(given, error, message):
    with pytest.raises(error, match=message):
        autograd.step(given)


@pytest.mark.parametrize(
    ("grad", "error", "message"),
    [
        ([1.0, 2.0], ValueError, r"grad has shape \[2\], but float32\[3\] needs.*\[3\]"),
        ([[1.0], [2.0, 3.0]], ValueError, r"grad is no array"),
        (["a", "b", "c"], TypeError, r"grad must be a Tensor.*dtype <U1"),
        (np.ones(3, complex), TypeError, r"complex128"),
        ({"x": 1}, ValueError, r"grad is a dict with the keys \['x'\], the roots have \[\]"),
    ],
)
def test_gradients_that_do_not_fit(grad, error, message):
    x = leaf([1.0, 2.0, 3.0])
    with pytest.raises(error, match=message):
        autograd.step(x * 2, grad)


def test_as_many_gradients_as_roots():
    x = leaf(1.0)
    with pytest.raises(ValueError, match="2 roots but 1 gradient;"):
        autograd.step([x * 2, x * 3], [1.0])


def test_another_float_dtype_is_converted_as_by_backward():
    x = leaf([1.0, 2.0])
    assert autograd.step(x * 2, np.ones(2)).finish().grad(x).dtype == autograd.float32


def test_a_freed_graph():
    x = leaf(2.0)
    y = x.exp()
    y.backward()
    with pytest.raises(RuntimeError, match=r"retain_graph=True.*autograd\.trace\(\)"):
        autograd.step(y)
    with autograd.trace():
        y = x.exp()
        y.backward()  # the first one
    with pytest.raises(RuntimeError, match=r"(?s)freed by a backward pass at File .*the first one"):
        autograd.step(y)
    assert "exp" in y.draw().svg  # the structure can still be drawn


# A pass that fails -----------------------------------------------------------------------------


class Broken(autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x * 2

    @staticmethod
    def backward(ctx, g):
        raise ValueError("out of order")


def test_a_rule_that_raises_leaves_a_partial_trace():
    x = leaf(2.0)
    with autograd.trace():
        y = Broken.apply(x) * 3  # made here
    s = autograd.step(y)
    with pytest.raises(ValueError, match="out of order") as caught:
        s.finish()
    assert any("made here" in note for note in caught.value.__notes__)
    assert s.position == 1 and s.error is caught.value
    assert "the next step, of Broken_1 = Broken(x), fails: out of order" in s.text()
    with pytest.raises(ValueError, match="out of order"):
        s.next()
    with pytest.raises(ValueError, match="out of order"):
        s.commit()
    assert s.back().position == 0 and x.grad is None
    trace = s.trace
    assert [step["k"] for step in trace.steps] == [1]
    error = trace.meta["error"]
    assert (error["k"], error["type"]) == (2, "ValueError") and "made here" in error["message"]
    assert trace.nodes["op"][error["node"]] == "Broken"


def test_a_saved_value_changed_in_place():
    x = leaf([1.0, 2.0])
    with autograd.trace():
        y = x.exp()  # saved here
        y.mul_(2)  # changed here
        z = y.sum()
    y.detach().zero_()
    s = autograd.step(z)
    with autograd.trace():
        w = x * 1
        q = (w * x).sum()
        w.add_(1)  # wrong
    with pytest.raises(RuntimeError, match=r"(?s)saved here.*changed here"):
        s.finish()
    s = autograd.step(q)
    with pytest.raises(RuntimeError, match=r"(?s)changed in place.*wrong"):
        s.finish()
    assert s.trace.meta["error"]["k"] == s.position + 1


def test_a_nan_loss_and_its_cause():
    x = leaf([0.0, 1.0])
    with autograd.trace():
        loss = (x / x).sum()
    s = autograd.step(loss, stop="nonfinite")
    assert "∂loss/∂loss = 1" in s.text()
    s.run()
    assert s.stopped == "a gradient is not finite" and s.current.op == "div"
    assert "! a gradient here is infinite and NaN" in s.text()
    trace = s.trace
    bad = trace.data["first_bad"]
    assert trace.nodes["op"][bad["forward"]] == "div" and bad["step"] == 2
    assert json.loads(trace.to_json())["nodes"]["value"][bad["forward"]]["values"] == ["NaN", 1.0]


def test_the_cause_of_a_nan_that_nobody_recorded():
    x = leaf([-1.0, 1.0])
    s = autograd.step((x.log() * 2).sum())
    assert "the first value that is not finite: log_1 = log(x)" in s.text()


def test_nan_in_the_data_is_the_first_bad_value():
    x, data = leaf([1.0, 2.0]), autograd.tensor([float("nan"), 1.0])
    with autograd.trace():
        loss = (x * data).exp().sum()
    bad = autograd.step(loss).trace.data["first_bad"]
    assert autograd.step(loss).trace.nodes["name"][bad["forward"]] == "data"


def test_empty_arrays_and_integers_beside_them():
    x = leaf(np.zeros((0, 3)))
    index = autograd.tensor([0, 1])
    loss = x.sum() + leaf([[1.0, 2.0], [3.0, 4.0]])[index].sum()
    s = autograd.step(loss).finish()
    assert s.grad(x).shape == (0, 3) and s.text() and Trace.from_json(s.to_json())


HOSTILE = ["</script><b>", "quo\"tes'", "two\nlines", "emoji 🦆", "‮", "\x00"]


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_are_data(name):
    x = leaf(2.0)
    x.name = name
    s = autograd.step(x * 3).finish()
    assert s.grad(name) == 3
    assert Trace.from_json(s.to_json()).nodes["name"][0] == name
    assert s.text(ascii=True).isascii()


# Arguments -------------------------------------------------------------------------------------


def test_arguments():
    x, y = leaf(2.0), leaf(3.0)
    s = autograd.step(x * x)
    for bad in (-1, 1.5, True, "2"):
        with pytest.raises(ValueError, match="number of steps"):
            s.next(bad)
    with pytest.raises(IndexError, match="no position 7; they go from 0 to 1"):
        s.goto(7)
    with pytest.raises(TypeError, match="got a bool"):
        s.goto(True)
    with pytest.raises(KeyError, match="no node or leaf is called 'mull_1'; there are"):
        s.goto("mull_1")
    with pytest.raises(ValueError, match="is not in this graph"):
        s.grad(y)
    with pytest.raises(ValueError, match="does not require grad"):
        s.grad(autograd.ones(1))
    with pytest.raises(ValueError, match="nonfinite=True"):
        s.stop_at()
    with pytest.raises(TypeError, match="norm_above must be a number"):
        s.stop_at(norm_above="much")
    with pytest.raises(TypeError, match="function of the state"):
        s.stop_at(when="now")
    with pytest.raises(ValueError, match=r'a number or "file\.py:12"'):
        s.stop_at(line="twelve")
    with pytest.raises(ValueError, match='stop must be "nonfinite"'):
        autograd.step(x * x, stop="somewhere")
    with pytest.raises(ValueError, match="64MB"):
        autograd.step(x * x, keep="lots")
    with pytest.raises(TypeError, match="expected an optimizer"):
        s.step_with([x])
    with pytest.raises(ValueError, match=r"must end in \.html"):
        s.save("x.pdf")
    s.commit()
    with pytest.raises(RuntimeError, match="has been committed"):
        s.commit()


def test_elements_that_are_not_there():
    w, x = leaf([[1.0, 2.0]]), leaf([1.0])
    s = autograd.step((w * 2).sum() + x.sum())
    with pytest.raises(ValueError, match=r"no step has been taken yet; next\(\)"):
        s.element(w, 0, 0)
    s.next()
    with pytest.raises(ValueError, match=r"adds nothing to w; goto a node that uses it"):
        s.element(w, 0, 0)
    s.goto("mul_1")
    with pytest.raises(IndexError, match=r"w has shape \[1, 2\].*2 indices, got 1"):
        s.element(w, 0)
    with pytest.raises(IndexError, match=r"\[0, 5\] is outside of w"):
        s.element(w, 0, 5)
    s = autograd.step(Broken.apply(x).sum())
    with pytest.raises(ValueError, match="out of order"):
        s.finish()
