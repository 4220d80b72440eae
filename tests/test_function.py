"""User-defined Functions: PyTorch's documentation, line by line, and what we add to it."""

import gc
import types
import weakref

import numpy as np
import pytest
from function_scenarios import SCENARIOS, exp_of

import autograd

OURS = types.SimpleNamespace(**vars(autograd))


def plain(found):
    """Tensors as arrays, so that those of two libraries can be compared."""
    if hasattr(found, "detach"):
        return np.asarray(found.detach())
    return [plain(f) for f in found] if isinstance(found, (tuple, list)) else found


def same(ours, theirs):
    if isinstance(ours, list):
        return len(ours) == len(theirs) and all(map(same, ours, theirs))
    if isinstance(ours, np.ndarray):
        return ours.dtype == theirs.dtype and np.allclose(ours, theirs, rtol=1e-12)
    return ours == theirs and type(ours) is type(theirs)


def observed(scenario, lib, tensor):
    leaves = [tensor(np.array(v), requires_grad=True) for v in ([0.5, -1.5], [3.0, 4.0])]
    return plain(scenario(lib, *leaves))


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda s: s.__name__)
@pytest.mark.parity
def test_pytorch_observes_the_same(torch, scenario):
    theirs = types.SimpleNamespace(
        **vars(torch),
        Function=torch.autograd.Function,
        grad=torch.autograd.grad,
        once_differentiable=torch.autograd.function.once_differentiable,
    )
    expected = observed(scenario, theirs, torch.tensor)
    assert same(observed(scenario, OURS, autograd.tensor), expected), expected


def test_the_node_reads_as_pytorchs():
    y = exp_of(autograd).apply(autograd.ones(2, requires_grad=True))
    assert repr(y.grad_fn) == "<ExpBackward>"
    assert repr(y) == "tensor([2.7183, 2.7183], grad_fn=<ExpBackward>)"
    assert [node.name() for node in y.tape()] == ["ExpBackward"]


def test_where_pytorch_keeps_things():
    from autograd.function import Function, FunctionCtx, once_differentiable

    assert Function is autograd.Function and issubclass(Function, FunctionCtx)
    assert once_differentiable is autograd.once_differentiable
    with pytest.raises(AttributeError, match="no attribute 'other'"):
        autograd.function.other  # noqa: B018


class Everything(autograd.Function):
    @staticmethod
    def forward(ctx, x, w):
        y = x * w
        order = x.argsort()
        ctx.mark_dirty(x)
        ctx.mark_non_differentiable(order)
        ctx.save_for_backward(x.add_(1), w, y, order, x * 2)
        return x, y, order, w

    @staticmethod
    def backward(ctx, *grads):
        assert len(ctx.saved_tensors) == 5
        return grads[0], grads[1]


def use_everything():
    x, w = (autograd.ones(2, requires_grad=True) for _ in range(2))
    first, second, _, _ = Everything.apply(x * 1, w)
    second.register_hook(lambda g: g * 2)
    autograd.grad((first * second).sum(), (x, w), create_graph=True)


def test_no_reference_cycles():
    use_everything()
    gc.collect()
    gc.disable()
    try:
        use_everything()
        gc.set_debug(gc.DEBUG_SAVEALL)
        gc.collect()
        found = [o for o in gc.garbage if type(o).__module__.startswith("autograd")]
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.enable()
    assert not found


def test_saved_tensors_are_freed_by_backward():
    x = autograd.ones(2, requires_grad=True)
    y = exp_of(autograd).apply(x)
    reference = weakref.ref(y._data)
    z = y.sum()
    del y
    assert reference() is not None
    z.backward()
    assert reference() is None


def test_messages_name_the_function():
    class Wrong(autograd.Function):
        @staticmethod
        def forward(ctx, x, n):
            return x * n

        @staticmethod
        def backward(ctx, g):
            return g

    x = autograd.ones(2, requires_grad=True)
    with pytest.raises(RuntimeError, match=r"<WrongBackward>.*2 arguments, backward returned 1"):
        Wrong.apply(x, 3).sum().backward()
    with pytest.raises(RuntimeError, match=r"Wrong is not to be instantiated; .*Wrong\.apply"):
        Wrong()


def test_the_second_derivative_of_once_differentiable_is_never_silently_wrong():
    class Square(autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x * x

        @staticmethod
        @autograd.once_differentiable
        def backward(ctx, g):
            (x,) = ctx.saved_tensors
            return 2 * g * x

    # Also where the upstream gradient is a constant, and PyTorch would leave out d(2gx)/dx.
    x = autograd.ones(2, requires_grad=True)
    (g,) = autograd.grad(Square.apply(x).sum() + (x**3).sum(), x, create_graph=True)
    with pytest.raises(RuntimeError, match=r"once_differentiable.*SquareBackward"):
        g.sum().backward()


def test_gradients_that_backward_returns_are_not_handed_out_twice():
    kept = autograd.ones(2)

    class Op(autograd.Function):
        @staticmethod
        def forward(ctx, x, y):
            return x + y

        @staticmethod
        def backward(ctx, g):
            return kept, kept

    x, y = (autograd.ones(2, requires_grad=True) for _ in range(2))
    Op.apply(x, y).sum().backward()
    Op.apply(x, y).sum().backward()
    assert kept.tolist() == [1, 1] and x.grad.tolist() == [2, 2] == y.grad.tolist()
    x.grad[0] = 7.0
    assert kept.tolist() == [1, 1] and y.grad.tolist() == [2, 2]


def test_gradcheck_of_a_function():
    x = autograd.tensor(np.array([0.5, -1.5]), requires_grad=True)
    assert autograd.gradcheck(exp_of(autograd).apply, (x,))
    assert autograd.gradgradcheck(exp_of(autograd).apply, (x,))
