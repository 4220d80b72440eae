"""Moving through a backward pass, and what is shown at each place."""

import json
import textwrap

import numpy as np
import pytest
from optim_samples import OPTIMIZERS

import autograd
import nn
import optim
from autograd.stepper import Trace
from autograd.stepper.replay import Replay
from autograd.stepper.update import changes


def leaf(values):
    return autograd.tensor(values, requires_grad=True)


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = nn.Linear(3, 3)
        self.act = nn.Tanh()

    def forward(self, x):
        h = self.inner(x) * 2
        return self.act(h) + 1


def network():
    autograd.manual_seed(0)
    model = nn.Sequential(Block(), nn.Linear(3, 2))
    with autograd.trace():
        loss = (model(autograd.ones(2, 3)) ** 2).mean()
    return model, autograd.step(loss)


# Moving ----------------------------------------------------------------------------------------


def test_positions():
    x = leaf(2.0)
    s = autograd.step((x * 3).exp().sin())
    assert (len(s), s.position, s.current.node, s.current.k) == (3, 0, None, 0)
    assert s.next().current.op == "sin" and s.next(2).position == 3 and s.next().position == 3
    assert s.back().position == 2 and s.back(9).position == 0
    assert s.goto(2).current.label == "exp_2" and s.goto("mul_1").position == 3
    assert s.goto(x).position == 3 and s.goto(s.current.node).position == 3
    assert [state.k for state in s.goto(1)] == [2, 3]
    assert s.finish() is s


def test_the_classes_have_a_public_place():
    s = autograd.step(leaf(2.0).exp())
    assert isinstance(s, autograd.stepper.Stepper)
    assert isinstance(autograd.stepper.Replay(s.trace), autograd.stepper.Replay)
    with pytest.raises(AttributeError, match="no attribute 'Steppers'"):
        _ = autograd.stepper.Steppers


def test_over_into_and_out_of_modules():
    _, s = network()
    ops = [state.op for state in s]
    assert ops == ["mean", "pow", "linear", "add", "tanh", "mul", "linear"]
    assert s.goto(2).over().position == 7  # all of the model
    assert s.goto(2).into().current.module == "model.1"
    assert s.over().position == 7  # all of Block
    s.goto(3)
    assert s.into().current.module == "model.0"
    assert s.over().current.module == "model.0.act" and s.over().current.op == "mul"
    assert s.goto(5).current.module == "model.0.act"
    assert s.out().current.op == "tanh" and s.goto(4).out().position == 7
    assert s.goto(0).out().position == 7
    assert s.current.module == "model.0.inner"


def test_goto_a_module_and_a_label_by_its_end():
    model, s = network()
    for where in ("model.0", "0", model[0]):
        assert s.goto(1).goto(where).position == 4 and s.current.module == "model.0"
    assert s.goto("0.act").position == 5
    assert s.goto("inner.bias").position == s.goto(model[0].inner.bias).position == 7
    with pytest.raises(ValueError, match="no operation of this pass was recorded in that Linear"):
        s.goto(nn.Linear(1, 1))
    with pytest.raises(KeyError, match="called 'nowhere'; there are loss, pow_6"):
        s.goto("nowhere")
    replay = Replay(s.trace)
    assert replay.goto("model.0").position == replay.goto("0").position == 4
    with pytest.raises(KeyError, match="no node is called 'nowhere'"):
        replay.goto("nowhere")


def test_over_a_source_line_and_turns_of_a_loop():
    x = h = leaf(2.0)
    with autograd.trace():
        for _ in range(3):
            h = (h * x + 1).sin()
    s = autograd.step(h)
    assert s.over().position == 3 and s.current.iteration == (3, 3)
    assert s.into().position == 4 and s.current.iteration == (2, 3)
    assert s.over().position == 6 and s.over().position == 9
    assert s.over().position == 9
    assert "turn 1 of 3" in s.text(200)
    without = autograd.step((x * 2).exp())
    assert without.over().position == 1 and without.current.where == ""


@pytest.mark.parametrize(
    ("condition", "position", "reason"),
    [
        ({"op": "tanh"}, 5, "the operation is tanh"),
        ({"op": "lin*"}, 3, "the operation is linear"),
        ({"module": "0.*"}, 5, "the module is model.0.act"),
        ({"module": "model.1"}, 3, "the module is model.1"),
        ({"module": "Tanh"}, 5, "the module is model.0.act"),
        ({"norm_above": 1.5}, 3, "a gradient has norm"),
        ({"norm_below": 1e9}, 1, "below 1e+09"),
        ({"when": lambda state: "model.0.inner.bias" in str(state.contributions)}, 7, "`when`"),
        ({"nonfinite": True}, 7, ""),
        ({"op": "tanh", "norm_below": 0.0}, 5, "tanh"),
    ],
)
def test_stops(condition, position, reason):
    _, s = network()
    s.stop_at(**condition).run()
    assert s.position == position and reason in s.stopped
    if reason:
        assert f"stopped: {s.stopped}" in s.text(200)
        assert s.clear_stops().run().position == 7 and s.stopped == ""


def test_stops_at_lines():
    x = leaf(2.0)
    with autograd.trace():
        y = x.exp()
        z = y.sin()
    line = y.grad_fn.origin.site.line
    assert autograd.step(z).stop_at(line=line).run().position == 2
    assert autograd.step(z).stop_at(line=f"test_stepper.py:{line + 1}").run().position == 1
    assert autograd.step(z).stop_at(line=f"other.py:{line}").run().stopped == ""


def test_stop_argument():
    x = leaf([0.0, 1.0])
    assert autograd.step(x.log().sum(), stop="nonfinite").run().current.op == "log"
    assert autograd.step(x.exp().sum(), stop={"op": "sum"}).run().position == 1
    assert autograd.step(x.exp().sum(), stop=lambda st: st.k == 1).run().position == 1


# What is known ---------------------------------------------------------------------------------


def test_state():
    x = leaf([1.0, 2.0])
    with autograd.trace():
        y = x * 3
    state = autograd.step(y, [1.0, -1.0]).next().current
    assert state.value.tolist() == [3.0, 6.0] and state.upstream.tolist() == [1.0, -1.0]
    assert list(state.inputs) == ["x", "y"] and state.inputs["y"] == 3
    (c,) = state.contributions
    assert (c.to, c.rule, c.before) == ("x", "g * y", None)
    assert c.local.tolist() == [3.0, 3.0]
    assert c.contrib.tolist() == c.after.tolist() == [3.0, -3.0]
    assert state.where.endswith(f":{state.line}") and state.flags == []
    c.contrib[0] = 99  # what a user gets is the user's
    assert c.contrib.tolist() == [3.0, -3.0]


def test_gradients_so_far():
    x = leaf(3.0)
    y = x * x
    z = y * x
    s = autograd.step(z)
    assert s.grad(x) is None and s.grad(z) == 1 and s.grad(y) is None
    s.next()
    assert s.grad(x) == 9 and s.grad(y) == 3 and s.grad(y.grad_fn) == 3 and s.grad("y") == 3
    assert s.next().grad(x) == 27 and s.grad(y) == 3


def test_why():
    x = leaf([1.0, 2.0])
    with autograd.trace():
        loss = x.sum() * 10
        for _ in range(3):
            loss = loss + (x * x).sum()
    s = autograd.step(loss)
    assert "not computed yet" in str(s.why(x)) and "the seed" in str(s.why(loss))
    found = s.finish().why(x)
    assert len(found) == 7 and found[0].op == "sum"
    assert found[0].value.tolist() == [10.0, 10.0]
    assert sum(part.value for part in found).tolist() == s.grad(x).tolist() == [16.0, 22.0]
    assert sum(part.share for part in found) == pytest.approx(1)
    assert [count for _, count, _ in found.lines] == [1, 6]
    assert "by source line:" in str(found) and "turn 2 of 3" in str(found)
    assert "more to come" in str(s.goto(4).why(x))


def test_values_that_nobody_kept_are_computed_again():
    x, b = leaf([1.0, 2.0]), leaf([3.0, 4.0])
    s = autograd.step(((x + b) + x).tanh().sum())
    assert s.goto("add_2").current.value.tolist() == [5.0, 8.0]
    s = autograd.step((x + 1.0).sum())
    assert s.goto("add_1").current.value is None and "value not kept" in s.text()


def test_several_results():
    x = leaf([1.0, 2.0, 3.0])
    a, _ = x.split([1, 2])
    s = autograd.step(a.sum()).finish()
    text = s.text()
    assert "g0 = ∂L/∂split_1[0]" in text or "g0" in text
    assert "not computed yet" in text.split("g1")[1].splitlines()[0]
    assert s.trace.steps[-1]["upstream"]["results"][1] is None


def test_unreached_nodes_are_empty_steps():
    class Half(autograd.Function):
        @staticmethod
        def forward(ctx, x, y):
            return x + y

        @staticmethod
        def backward(ctx, g):
            return g, None

    x = leaf(1.0)
    s = autograd.step(Half.apply(x * 2, x * 3))
    assert len(s) == 3
    assert s.next(2).current.flags == ["unreached"] and "no gradient arrives here" in s.text()
    assert s.next().grad(x) == 2
    assert [step["flags"] for step in s.trace.steps] == [[], ["unreached"], []]


# Text ------------------------------------------------------------------------------------------


def test_text():
    a, b = leaf(2.0), leaf(-3.0)
    s = autograd.step((a * b).tanh() + a).finish()
    assert s.text(120) == textwrap.dedent(
        """\
        step 3 of 3: mul_1 = a * b
          mul_1 = −6; a = 2; b = −3
          g = ∂L/∂mul_1 = 2.456e−5
          ∂L/∂a += g · b = 2.456e−5 × (−3) = −7.367e−5 (was 1, now 0.9999)
          ∂L/∂b += g · a = 2.456e−5 × 2 = 4.911e−5 (was not computed yet, now 4.911e−5)
        gradients so far:
          ∂L/∂a = 0.9999 *
          ∂L/∂b = 4.911e−5 *
        the pass is complete; .grad is untouched until commit()"""
    )
    assert repr(s) == str(s) == s.text()


@pytest.mark.parametrize("width", [40, 60, 80, 120])
def test_text_keeps_to_its_width(width):
    _, s = network()
    for _ in range(8):
        assert max(map(len, s.text(width).splitlines())) <= width
        assert s.text(width, ascii=True).isascii()
        s.next()


def test_source_in_the_text():
    _, s = network()
    lines = s.goto("tanh_3").text(120).splitlines()
    at = next(i for i, line in enumerate(lines) if "return self.act(h) + 1" in line)
    marked = lines[at + 1]
    assert lines[at][marked.index("^") : marked.rindex("^") + 1] == "self.act(h)"
    assert any("in model.0.act (Tanh)" in line for line in lines)


# The optimizer's update ------------------------------------------------------------------------


@pytest.mark.parametrize("make", OPTIMIZERS)
def test_updates_are_those_of_the_optimizer(make):
    x, w = leaf(np.array([1.0, -2.0, 3.0])), leaf(np.array([0.5, 0.25, -1.0]))
    optimizer = make([x, w])
    for _ in range(2):
        optimizer.zero_grad()
        loss = ((x * w).sin() ** 2).sum()
        s = autograd.step(loss, optimizer=optimizer)
        state = {k: {n: str(v) for n, v in v.items()} for k, v in optimizer.state.items()}
        found = {c.label: c.after.copy() for c in changes(s.finish(), optimizer)}
        text, trace = s.text(), s.trace
        assert x.tolist() != found["x"].tolist() and x.grad is None
        assert state == {k: {n: str(v) for n, v in v.items()} for k, v in optimizer.state.items()}
        s.commit()
        optimizer.step()
        np.testing.assert_array_equal(x.numpy(force=True), found["x"])
        np.testing.assert_array_equal(w.numpy(force=True), found["w"])
        assert f"update by {type(optimizer).__name__}:" in text
        update = trace.data["update"]
        assert update["params"][0]["after"]["values"] == found["x"].tolist()
        assert update["rule"] and json.dumps(update, allow_nan=False)


def test_update_of_sgd_in_numbers():
    w = leaf(2.0)
    s = autograd.step(w * 3, optimizer=optim.SGD([w], lr=0.1)).finish()
    assert "  w ← w − lr · g = 2 − 0.3 = 1.7\n" in s.text() + "\n"


def test_the_options_of_an_update_are_those_of_the_optimizer_alone():
    w = leaf(2.0)
    optimizer = optim.SGD([w], lr=0.1)
    optim.lr_scheduler.StepLR(optimizer, 1)  # keeps "initial_lr" beside them
    options = autograd.step(w * 3, optimizer=optimizer).trace.data["update"]["options"]
    assert options["lr"] == 0.1 and "initial_lr" not in options


def test_update_adds_to_gradients_that_are_there():
    w = leaf(2.0)
    w.grad = autograd.tensor(1.0)
    s = autograd.step(w * 3, optimizer=optim.SGD([w], lr=1.0)).finish()
    (change,) = changes(s, s.optimizer)
    assert change.after == -2


def test_updates_that_need_a_closure_say_so():
    w = leaf(2.0)
    s = autograd.step(w * w, optimizer=optim.LBFGS([w])).next()
    with pytest.raises(ValueError, match="evaluates the loss again, as LBFGS does"):
        s.text()


# What if ---------------------------------------------------------------------------------------


def test_what_if_a_leaf_had_another_value():
    autograd.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 4), nn.Dropout(0.5), nn.GELU(), nn.Linear(4, 2))
    x, y = autograd.randn(5, 3), autograd.tensor([0, 1, 0, 1, 1])

    def loss():
        autograd.manual_seed(1)  # the same units are dropped
        return nn.functional.cross_entropy(model(x), y)

    with autograd.trace():
        s = autograd.step(loss())
    found = s.what_if({model[0].bias: [1.0, 2.0, 3.0, 4.0]})
    assert s.position == 0
    with autograd.no_grad():
        model[0].bias.copy_(autograd.tensor([1.0, 2.0, 3.0, 4.0]))
    expected = autograd.step(loss()).finish()
    for p, path in zip(
        model.parameters(), ("0.weight", "0.bias", "3.weight", "3.bias"), strict=True
    ):
        g = found.stepper.grad(f"model.{path}")
        assert g.tolist() == expected.grad(p).tolist()
    (what, _, after), *_ = found.changes
    assert after == expected.forward.roots[0].item() and "→" in str(found) and what


def test_what_if_another_gradient_arrived():
    x, b = leaf(2.0), leaf(1.0)
    y = x * x
    z = y.exp() + b
    s = autograd.step(z)
    found = s.what_if(grad={y: 10.0})
    assert found.changes == [("∂z/∂x", pytest.approx(4 * np.exp(4)), 40.0)] and found.same == ["b"]
    assert str(found).splitlines()[0] == "what if ∂z/∂y = 10:"
    assert s.commit().committed and x.grad.item() == pytest.approx(4 * np.exp(4), rel=1e-6)


def test_what_if_after_the_commit():
    x = leaf(2.0)
    s = autograd.step(x.exp()).commit()
    assert s.what_if({x: 0.0}).changes[0][2] == 1
    assert s.what_if(grad={"exp_1": 0.0}).changes[0][2] == 0


def test_what_cannot_be_asked():
    x = leaf(2.0)
    s = autograd.step((x + 1).exp())
    with pytest.raises(ValueError, match=r"add_1 \(add\) were not kept.*autograd\.trace\(\)"):
        s.what_if({x: 1.0})
    with pytest.raises(ValueError, match="give either values"):
        s.what_if()
    with pytest.raises(ValueError, match="add_1 is computed from others"):
        s.what_if({"add_1": 1.0})
    with pytest.raises(ValueError, match="x is a leaf"):
        s.what_if(grad={x: 1.0})
    with pytest.raises(ValueError, match=r"'much' does not fit x, which is float32\[\]"):
        s.what_if({x: "much"})
    with autograd.trace():
        y = autograd.ones(2) * x
        y[0] = x * x
        y[1].mul_(x)
        L = y.sum()
        s = autograd.step(L)
    assert s.what_if({x: 5.0}).changes == [("L", 8.0, 50.0), ("∂L/∂x", 8.0, 20.0)]
    x = leaf(np.ones(300))
    with autograd.trace(keep=0):
        y = x + autograd.ones(300, dtype=autograd.float64)
        z = y * 2
        s = autograd.step(z.sum())
    with pytest.raises(ValueError, match=r"y \(add\) were not kept.*raise its keep="):
        s.what_if({x: 1.0})


def test_many_gradients_that_are_not_there_share_a_line():
    leaves = {f"w{i}": leaf(float(i)) for i in range(6)}
    s = autograd.step(sum(leaves.values()), params=leaves)
    assert "  not computed yet: ∂L/∂w0, ∂L/∂w1, " in s.text(200)
    lines = s.next(3).text(200).splitlines()
    assert [line for line in lines if "not computed" in line][-1] == "  ∂L/∂w2 = not computed yet"
    assert Replay(s.trace).next(3).text(200).splitlines()[-7:-1] == lines[-7:-1]


# The trace -------------------------------------------------------------------------------------


def test_trace_of_a_network():
    model, s = network()
    trace = s.trace
    assert Trace.from_json(trace.to_json()) == trace
    assert [m["path"] for m in trace.modules] == ["", "0", "0.inner", "0.act", "1"]
    assert trace.modules[0]["name"] == "model" and trace.modules[2]["parent"] == 1
    n = trace.nodes
    tanh = n["op"].index("tanh")
    file, line, column, end, stop = n["src"][tanh]
    assert trace.files[file]["lines"][str(line)][column:stop] == "self.act(h)" and end == line
    assert trace.modules[n["module"][tanh]]["type"] == "Tanh"
    assert n["label"][n["inputs"][tanh][0]] == "mul_2"
    assert all(max(i, default=-1) < k for k, i in enumerate(n["inputs"]))
    assert n["kind"].count("leaf") == 4 and "model.0.inner.bias" in n["name"]
    assert trace.meta["total_steps"] == len(trace.steps) == 7 and trace.meta["notes"] == []
    assert s.position == 0 and model[1].weight.grad is None


def test_trace_replays_the_stepper():
    """The state at each position, from the trace alone."""
    _, s = network()
    trace = s.trace
    leaves = [i for i, kind in enumerate(trace.nodes["kind"]) if kind == "leaf"]
    for k in range(len(s) + 1):
        s.goto(k)
        for i in leaves:
            g = s.grad(trace.nodes["label"][i])
            after = [e["after"] for t in trace.steps[:k] for e in t["edges"] if e["to"] == i]
            assert (g is None) == (not after)
            if after:
                values = np.float32(after[-1]["values"]).reshape(after[-1]["shape"])
                np.testing.assert_array_equal(values, g.numpy())


def test_long_passes_are_cut_to_a_window_and_say_so():
    x = y = leaf(1.0)
    for i in range(7000):
        y = y * 1.0 + (x if i != 3000 else x * float("inf"))
    s = autograd.step(y).goto(2000)
    trace = s.trace
    cut = trace.meta["truncated"]
    assert cut["nodes"] == 14001 and cut["kept"] == trace.nodes["kind"].count("op") < 3000
    assert {1501, 2001, 2500} <= {step["k"] for step in trace.steps}
    assert any("inf" in step["flags"] for step in trace.steps)
    assert sum(group["count"] for group in cut["groups"]) == 14001 - cut["kept"]
    assert Trace.from_json(trace.to_json()) == trace


def test_notebook_files_and_saving(tmp_path):
    x = leaf(2.0)
    s = autograd.step(x * x).finish()
    for suffix in ("html", "json", "txt"):
        s.save(tmp_path / f"pass.{suffix}")
    assert Trace.load(tmp_path / "pass.json") == s.trace
    assert (tmp_path / "pass.txt").read_text() == s.text()
    assert "<!DOCTYPE html>" in (tmp_path / "pass.html").read_text()
