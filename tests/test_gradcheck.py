"""The checker itself: it must reject what is wrong, say where, and accept what is right."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import autograd
from autograd import gradcheck, gradgradcheck
from autograd.function import OPS, Op
from autograd.gradcheck import GradcheckError


def tensor(*shape: int, dtype: Any = np.float64) -> autograd.Tensor:
    values = np.random.default_rng(0).uniform(0.5, 2.0, shape).astype(dtype)
    return autograd.from_numpy(values).requires_grad_()


@pytest.fixture
def make_op() -> Any:
    """Makes an op of one input and takes it out of the table again."""
    made = []

    def make(forward: Any, rule: Any) -> Any:
        cls = type("Made", (Op,), {"forward": forward, "backward": {"x": rule}})
        made.append(cls)
        return cls.apply

    yield make
    for cls in made:
        OPS.pop(cls.op_name, None)


@pytest.mark.parametrize("fast_mode", [False, True])
@pytest.mark.parametrize(
    "func",
    [
        lambda x: x.sin() * x,
        lambda x: (x * 2, x.exp().sum()),
        lambda x: x.max(1),  # values and integer indices
        lambda x: x.reshape(-1)[1:],  # views of the input
        lambda x: (x > 1).to(np.float64),  # no graph, and piecewise constant
        lambda x: x[:0],
    ],
)
def test_right_derivatives_pass(func: Any, fast_mode: bool) -> None:
    x = tensor(2, 3)
    before = x.detach().numpy().copy()
    assert gradcheck(func, (x,), fast_mode=fast_mode)
    assert gradgradcheck(func, (x,), fast_mode=fast_mode)
    np.testing.assert_array_equal(x.detach().numpy(), before)


@pytest.mark.parametrize("fast_mode", [False, True])
@pytest.mark.parametrize(
    ("forward", "rule"),
    [
        (np.sin, lambda g, x: g * np.sin(x)),
        (np.sin, lambda g, x: g * np.cos(x) * 1.01),
        (np.sin, lambda g, x: -g * np.cos(x)),
        (np.square, lambda g, x: g * 2),
        (np.square, lambda g, x: g * 2 * x.T if x.ndim < 2 else g * 2 * x[::-1]),
        (np.square, lambda g, x: g * np.nan),
        (np.square, lambda g: g * 0),
    ],
)
def test_wrong_first_derivatives_fail(
    make_op: Any, forward: Any, rule: Any, fast_mode: bool
) -> None:
    op, x = make_op(lambda x: forward(x), rule), tensor(2, 2)
    with pytest.raises(GradcheckError, match="Jacobian mismatch for output 0 with respect to inp"):
        gradcheck(op, x, fast_mode=fast_mode)
    assert gradcheck(op, x, fast_mode=fast_mode, raise_exception=False) is False


@pytest.mark.parametrize("fast_mode", [False, True])
def test_wrong_second_derivatives_fail(make_op: Any, fast_mode: bool) -> None:
    def rule(g: Any, x: Any) -> Any:
        factor = 2 * x  # right, but cut off from the graph
        return g * (factor.detach() if isinstance(factor, autograd.Tensor) else factor)

    op, x = make_op(lambda x: x * x, rule), tensor(2, 2)
    assert gradcheck(op, x, fast_mode=fast_mode)
    with pytest.raises(GradcheckError, match="Jacobian mismatch"):
        gradgradcheck(op, x, fast_mode=fast_mode)
    assert not gradgradcheck(op, x, fast_mode=fast_mode, raise_exception=False)


def test_the_message_shows_both_jacobians_and_the_worst_entry(make_op: Any) -> None:
    wrong = np.array([2.0, 2.0, 5.0])
    op = make_op(lambda x: x * x, lambda g, x: g * wrong * x)
    x = autograd.tensor([1.0, 2.0, 3.0], dtype=np.float64, requires_grad=True)
    with pytest.raises(GradcheckError) as caught:
        gradcheck(op, x)
    text = str(caught.value)
    assert "numerical:\n[[2. 0. 0.]\n [0. 4. 0.]\n [0. 0. 6.]]" in text
    assert "analytical:\n[[ 2.  0.  0.]\n [ 0.  4.  0.]\n [ 0.  0. 15.]]" in text
    assert "d output0[2] / d input0[2]: numerical 6, analytical 15, difference 9" in text


def test_a_random_backward_fails(make_op: Any) -> None:
    rng = np.random.default_rng(0)
    op = make_op(lambda x: x * x, lambda g, x: g * (2 * x + 1e-7 * rng.standard_normal(x.shape)))
    with pytest.raises(GradcheckError, match="not reentrant"):
        gradcheck(op, tensor(3))
    assert gradcheck(op, tensor(3), nondet_tol=1e-5)


def test_a_random_forward_fails() -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(GradcheckError, match="Jacobian mismatch"):
        gradcheck(lambda x: x * float(rng.standard_normal()), tensor(3))


def test_a_result_cut_off_from_the_graph_fails() -> None:
    with pytest.raises(GradcheckError, match="does not require grad, but it changes"):
        gradcheck(lambda x: x.detach() * 2, tensor(3))
    with pytest.raises(GradcheckError, match="output 1 with respect to input 0"):
        gradcheck(lambda x: (x * 2, x.detach() * 2), tensor(3))


def test_several_results_and_inputs_are_told_apart(make_op: Any) -> None:
    op = make_op(lambda x: x * x, lambda g, x: g * x)
    with pytest.raises(GradcheckError, match="output 1 with respect to input 1"):
        gradcheck(lambda x, n, y: (x * n, op(y)), (tensor(2), 3, tensor(2)))


def test_results_without_a_gradient_must_count_as_zero(make_op: Any) -> None:
    def right(g: Any) -> Any:
        return sum(
            factor * part for factor, part in zip((1, 2), g, strict=True) if part is not None
        )

    def wrong(g: Any) -> Any:
        return 3 * g[0] if all(part is not None for part in g) else right(g)

    def forward(x: Any) -> Any:
        return x * 1, x * 2

    assert gradcheck(make_op(forward, right), tensor(2))
    with pytest.raises(GradcheckError, match="do not add up"):
        gradcheck(make_op(forward, wrong), tensor(2))
    assert gradcheck(make_op(forward, wrong), tensor(2), check_undefined_grad=False)


def test_inputs_that_cannot_be_checked() -> None:
    with pytest.raises(ValueError, match="no input requires grad"):
        gradcheck(lambda x: x, tensor(2).detach())
    with pytest.warns(UserWarning, match=r"input 0 is float32\[2\]; the check needs .* float64"):
        gradcheck(lambda x: x * 2, tensor(2, dtype=np.float32), atol=1e-1, rtol=1e-1, eps=1e-2)
    expanded = tensor(1).detach().expand(3).requires_grad_()
    with pytest.raises(RuntimeError, match="share one place in memory"):
        gradcheck(lambda x: x * 2, expanded)


def test_given_grad_outputs_are_used() -> None:
    x = tensor(3)
    seen = []

    def func(x: Any) -> Any:
        y = x * x
        y.register_hook(lambda g: seen.append(g.detach().numpy().copy()))
        return y

    v = autograd.tensor([1.0, 2.0, 3.0], dtype=np.float64)
    assert gradgradcheck(func, x, v)
    np.testing.assert_allclose(seen[0], v.numpy())


def test_the_inputs_are_restored_after_an_error() -> None:
    x = tensor(2)
    before = x.detach().numpy().copy()
    calls = []

    def func(x: Any) -> Any:
        calls.append(1)
        if len(calls) > 2:
            raise ZeroDivisionError
        return x * x

    with pytest.raises(ZeroDivisionError):
        gradcheck(func, x)
    np.testing.assert_array_equal(x.detach().numpy(), before)
