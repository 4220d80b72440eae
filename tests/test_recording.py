"""`autograd.trace()`: source lines, iterations, modules and values of what is recorded."""

import gc
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest

import autograd
import nn
from autograd.grad_mode import mode
from autograd.recording import Recorder, byte_count, first_bad


def leaf(values):
    return autograd.tensor(values, requires_grad=True)


def sites(loss):
    return [node.origin.site for node in loss.tape()]


def shown(site):
    """The marked part of the site's lines, joined."""
    line, column, end, end_column = site.positions
    if line == end:
        return site.text(line)[column:end_column]
    return site.text(line)[column:] + " " + site.text(end)[:end_column].strip()


# Source lines --------------------------------------------------------------------------------


def test_columns_of_each_operation_of_a_line():
    x = leaf(2.0)
    with autograd.trace():
        y = (x * 3 + x).exp()
    assert [shown(s) for s in sites(y)] == ["x * 3", "x * 3 + x", "(x * 3 + x).exp()"]
    assert {s.line for s in sites(y)} == {sites(y)[0].code.co_firstlineno + 3}


def test_columns_count_characters():
    ünïcode = leaf(2.0)
    with autograd.trace():
        y = "é" and ünïcode * 3
    assert [shown(s) for s in sites(y)] == ["ünïcode * 3"]


def test_expression_of_several_lines():
    x = leaf(2.0)
    with autograd.trace():
        y = x.exp(
        ).log() * (
            x +
            1
        )  # fmt: skip
    assert [shown(s) for s in sites(y)][-1].startswith("x.exp( )")
    assert "x + 1" in [shown(s) for s in sites(y)]


def test_library_frames_are_skipped():
    layer, x = nn.Linear(3, 2), autograd.ones(4, 3)
    with autograd.trace():
        y = nn.functional.mse_loss(layer(x), autograd.zeros(4, 2))
        z = np.exp(y)
    assert all(Path(s.filename) == Path(__file__) for s in sites(z))
    assert shown(sites(z)[0]) == "layer(x)"
    assert shown(sites(z)[-1]) == "np.exp(y)"


def test_lambda_and_comprehension():
    x = leaf(2.0)
    f = lambda t: t.sin()
    with autograd.trace():
        y = sum([f(x) * i for i in range(3)])
    assert [shown(s) for s in sites(y)][:2] == ["t.sin()", "f(x) * i"]


def test_exec_has_lines_without_text():
    scope = {"x": leaf(2.0)}
    with autograd.trace():
        exec("\n\ny = x * x", scope)
    (site,) = sites(scope["y"])
    assert (site.filename, site.line, site.text(3)) == ("<string>", 3, "")
    assert str(site) == 'File "<string>", line 3, in <module>'


def test_script(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        textwrap.dedent(
            """
            import autograd
            autograd.trace()
            x = autograd.tensor(1.0, requires_grad=True)
            y = x * 2
            print(y.tape()[0].origin.site)
            """
        )
    )
    done = subprocess.run(
        [sys.executable, str(script)],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parent.parent,
        env={"PYTHONPATH": str(Path(__file__).parent.parent)},
    )
    assert done.stdout == f'File "{script}", line 5, in <module>: y = x * 2\n'


def test_the_same_place_is_the_same_site():
    x = leaf(2.0)
    y = x
    with autograd.trace():
        for _ in range(3):
            y = y * x
        z = y * x
    found = sites(z)
    assert found[0] is found[1] is found[2] is not found[3]


def test_one_call_that_records_several_operations_has_several_sites():
    x = leaf([1.0, 2.0, 4.0])
    with autograd.trace():
        y = autograd.logaddexp2(x, x).nansum() * x.std()
    found = sites(y)
    assert len(set(found)) == len(found)


# Modules -------------------------------------------------------------------------------------


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList([nn.Linear(2, 2), nn.Tanh()])

    def forward(self, x):
        for layer in self.layers:
            x = layer(x)
        return x * 2


def scopes(loss):
    return [None if (s := node.origin.scope) is None else (s.path, s.type) for node in loss.tape()]


def test_modules_by_path_and_type():
    model = nn.Sequential(Block(), nn.ReLU())
    with autograd.trace():
        y = model(autograd.ones(1, 2)).sum()
    assert scopes(y) == [
        ("0.layers.0", "Linear"),
        ("0.layers.1", "Tanh"),
        ("0", "Block"),
        ("1", "ReLU"),
        None,
    ]


def test_modules_with_hooks_and_modules_made_in_forward():
    class Odd(nn.Module):
        def forward(self, x):
            return nn.Softplus()(x)

    model = Odd()
    model.register_forward_hook(lambda module, args, out: out * 1)
    with autograd.trace():
        y = model(leaf([1.0]))
    assert scopes(y)[0] == ("Softplus", "Softplus")
    assert scopes(y)[-1] == ("", "Odd")


def test_equal_paths_of_two_models_are_two_scopes():
    first, second = nn.Linear(2, 2), nn.Linear(2, 2)
    with autograd.trace():
        y = second(first(autograd.ones(2)))
    a, b = (node.origin.scope for node in y.tape())
    assert a is not b and a.module() is first


# Values --------------------------------------------------------------------------------------


def value(node, index=0):
    return node.origin.value(node, index)


def test_arguments_and_results():
    x = leaf([1.0, 2.0])
    with autograd.trace():
        y = (x + 3).sum()
    add, total = y.tape()
    assert value(add).tolist() == [4.0, 5.0] and value(total) == 9.0
    assert add.origin.args[1] == 3


def test_values_that_were_overwritten_are_not_known():
    x = leaf(np.ones(500))
    with autograd.trace():
        y = x.exp()
        z = x.sin()
        y.detach().mul_(0)
    assert value(y.tape()[0]) is None
    assert value(z.tape()[0]) is not None


def test_small_values_survive_changes_in_place():
    x = leaf([0.0])
    with autograd.trace():
        y = x + 1
        y.mul_(5)
    add, mul = y.tape()
    assert value(add).tolist() == [1.0] and value(mul).tolist() == [5.0]


def test_several_results_and_custom_functions():
    class Double(autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

        @staticmethod
        def backward(ctx, g):
            return g * 2

    x = leaf([1.0, 2.0, 3.0])
    with autograd.trace() as recorder:
        a, b = Double.apply(x).split([1, 2])
    double, split = (a.sum() + b.sum()).tape()[:2]
    assert value(double).tolist() == [2.0, 4.0, 6.0]
    assert value(split, 1).tolist() == [4.0, 6.0]
    assert recorder.cuts == []  # what the library does inside is none of the user's


def test_no_more_is_kept_than_allowed_and_what_is_gone_does_not_count():
    x = leaf(np.zeros(1000))
    with autograd.trace(keep=20_000):
        kept = [x + i for i in range(10)]
        assert sum(value(y.tape()[0]) is not None for y in kept) < 5
        del kept
        gc.collect()
        y = x + 1
    assert value(y.tape()[0]) is not None


def test_nothing_outlives_the_graph():
    x = leaf(np.zeros(10))
    with autograd.trace() as recorder:
        y = (x * 2).exp()
    assert len(recorder._nodes) == 2
    del y
    gc.collect()
    assert len(recorder._nodes) == 0


@pytest.mark.parametrize(("text", "expected"), [("1 GB", 2**30), ("0.5k", 512), ("7", 7), (0, 0)])
def test_byte_counts(text, expected):
    assert byte_count(text) == expected


@pytest.mark.parametrize("text", ["much", "-1MB", -1, True, None])
def test_bad_byte_counts(text):
    with pytest.raises(ValueError, match="64MB"):
        byte_count(text)


# Switching -----------------------------------------------------------------------------------


def test_switches():
    x = leaf(1.0)
    assert mode.plain
    recorder = autograd.trace()
    assert isinstance(recorder, Recorder) and "on" in repr(recorder)
    assert "origin" in vars((x * 2).tape()[0])
    recorder.stop()
    recorder.stop()
    assert mode.plain and "off" in repr(recorder)
    assert "origin" not in vars((x * 2).tape()[0])
    with recorder, recorder:
        with autograd.trace():
            assert len(mode.watchers) == 2
        assert mode.watchers == (recorder,)
    assert mode.plain


@pytest.mark.parametrize("decorate", [autograd.trace, lambda f: autograd.trace()(f)])
def test_decorator(decorate):
    @decorate
    def double(x):
        """Twice."""
        return x * 2

    assert mode.plain and double.__doc__ == "Twice."
    assert "origin" in vars(double(leaf(1.0)).tape()[0])
    assert mode.plain


def test_the_trace_of_a_matrix_still_is_that():
    x = autograd.tensor([[1.0, 2.0], [3.0, 4.0]])
    assert autograd.trace(x) == x.trace() == np.trace(x) == 5
    assert autograd.trace([[1.0]]) == 1
    assert mode.plain


def test_gradients_are_those_of_an_unrecorded_pass():
    def run():
        autograd.manual_seed(0)
        model = nn.Sequential(nn.Linear(4, 8), nn.GELU(), nn.Linear(8, 3))
        loss = nn.functional.cross_entropy(model(autograd.randn(5, 4)), autograd.arange(5) % 3)
        loss.backward()
        return [p.grad.numpy() for p in model.parameters()]

    expected = run()
    with autograd.trace():
        found = run()
    assert all(np.array_equal(a, b) for a, b in zip(found, expected, strict=True))


# What goes wrong -----------------------------------------------------------------------------


def test_a_forward_pass_that_raises_leaves_what_exists():
    x, w = leaf(np.ones((2, 3))), leaf(np.ones((4, 5)))
    recorder = autograd.trace()
    with pytest.raises(RuntimeError, match="matmul"), recorder:
        h = x.exp()
        h @ w  # the line
    failure = recorder.failure
    assert failure.op == "matmul" and failure.type == "ShapeError"
    assert [tuple(t.shape) for _, t in failure.operands] == [(2, 3), (4, 5)]
    assert "the line" in str(failure.site) and shown(failure.site) == "h @ w"
    (end,) = recorder.results
    assert end.grad_fn is h.grad_fn and mode.plain


def test_failures_that_are_the_users_own():
    recorder = autograd.trace()
    with pytest.raises(KeyError), recorder:
        raise KeyError("x")
    assert (recorder.failure.op, recorder.failure.type) == ("", "KeyError")


def test_cuts_are_remembered_with_their_lines():
    x = leaf([1.0])
    with autograd.trace() as recorder:
        y = (x * 2).detach()  # cut here
        with autograd.no_grad():  # and here
            y = x * 2
    assert y.requires_grad is False
    assert [how for how, _ in recorder.cuts] == ["detach()", "no_grad"]
    assert ["cut here" in str(recorder.cuts[0][1]), "and here" in str(recorder.cuts[1][1])]


def test_first_bad_value_in_the_order_of_the_forward_pass():
    x = leaf([0.0, 1.0])
    with autograd.trace():
        masked = x.masked_fill(autograd.tensor([True, False]), -float("inf"))
        y = (masked.softmax(0) * (x - 1).log() * x).sum()
    node, kind = first_bad(y.tape())
    assert (node.name(), kind) == ("LogBackward0", "nan")
    with autograd.trace():
        z = (x.log() * x).sum()
    node, kind = first_bad(z.tape())
    assert (node.name(), kind) == ("LogBackward0", "inf")
    with autograd.trace():
        assert first_bad((x * 2).sum().tape()) is None
