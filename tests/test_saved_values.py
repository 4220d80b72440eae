"""What operations save for backward: hooks on it, and checkpoints, which save nothing."""

import gc
import weakref

import numpy as np
import pytest
from function_scenarios import exp_of

import autograd
from autograd.checkpoint import CheckpointError, checkpoint, checkpoint_sequential
from autograd.graph import saved_tensors_hooks
from nn.functional import cross_entropy


def leaf(values):
    return autograd.tensor(np.asarray(values, np.float64), requires_grad=True)


# saved_tensors_hooks


@pytest.fixture
def operands():
    rng = np.random.default_rng(0)
    x, w = (autograd.tensor(rng.random((2, 2)), requires_grad=True) for _ in range(2))
    return x, w, autograd.tensor([[True, False], [False, True]])


def run(x, w, mask):
    y = (x * w).exp()
    a, b = (y @ w.t()).sin().unbind()
    z = autograd.where(mask, y, w) + cross_entropy(x, autograd.tensor([0, 1]))
    return (a * b).sum() + z.softmax(-1).prod() + y.amax(0).sum() + autograd.cat([x, y]).var()


def derivatives(root, x, w):
    first = autograd.grad(root, (x, w), create_graph=True)
    second = autograd.grad((first[0] * first[1]).sum(), (x, w))
    return [g.detach().numpy() for g in (*first, *second)]


def test_saved_values_go_through_the_hooks(operands):
    expected = derivatives(run(*operands), *operands[:2])
    stored, packed, unpacked = [], [], []

    def pack(t):
        assert not t.requires_grad
        packed.append(t.shape)
        stored.append(t.numpy().copy())
        return len(stored) - 1

    def unpack(i):
        unpacked.append(i)
        return autograd.tensor(stored[i])

    with saved_tensors_hooks(pack, unpack):
        root = run(*operands)
    n = len(packed)
    assert n > 10 and not unpacked
    found = derivatives(root, *operands[:2])
    for f, e in zip(found, expected, strict=True):
        np.testing.assert_allclose(f, e)
    assert len(packed) == n  # only what was recorded inside


def test_packed_values_are_not_kept(operands):
    with saved_tensors_hooks(lambda t: t.tolist(), autograd.tensor):
        y = operands[0].exp()
        reference = weakref.ref(y._data)
        z = y.sum()
        del y
        assert reference() is None
    z.backward()
    np.testing.assert_allclose(operands[0].grad.numpy(), np.exp(operands[0].detach().numpy()))


def test_a_users_function_and_in_place_changes_under_saved_hooks():
    exp = exp_of(autograd)
    x = leaf([1.0, 2.0])
    with saved_tensors_hooks(lambda t: t.numpy().copy(), autograd.tensor):
        y = exp.apply(x)
        z = y * x
        z[0] *= y[1]
        z.mul_(x)
    y.detach().zero_()  # what was saved are copies
    (first,) = autograd.grad(z.sum(), x, create_graph=True)
    (second,) = autograd.grad(first.sum(), x)
    e = np.exp([1.0, 2.0])
    # z0 = x0² e^x0 e^x1, z1 = x1² e^x1
    a, b = e[0] * e[1], 4 * e[1]
    np.testing.assert_allclose(first.detach().numpy(), [(2 + 1) * a, a + b + 4 * e[1]])
    np.testing.assert_allclose(
        second.numpy(), [(2 + 2 * 2 + 1) * a + 3 * a, 3 * a + a + (2 + 8 + 4) * e[1]]
    )


def test_the_innermost_hooks_count_and_no_grad_packs_nothing():
    calls = []

    def hooks(name):
        return saved_tensors_hooks(lambda t: calls.append(name) or t, lambda t: t)

    x = leaf(1.0)
    with hooks("outer"):
        with hooks("inner"):
            x.exp()
        x.exp()
        with autograd.no_grad():
            x.exp()
            with autograd.enable_grad():
                x.exp()
    x.exp()
    assert calls == ["inner", "outer", "outer"]


def test_what_saved_hooks_must_not_do():
    x = leaf([1.0, 2.0])
    with saved_tensors_hooks(lambda t: t, lambda t: 3.0):
        y = x.exp()
    with pytest.raises(TypeError, match="unpack hook must return a Tensor, got float"):
        y.sum().backward()
    with (
        pytest.raises(RuntimeError, match="changed its input in place"),
        saved_tensors_hooks(lambda t: t.zero_(), lambda t: t),
    ):
        x.exp()


def test_packed_values_are_freed_by_backward(operands):
    with saved_tensors_hooks(lambda t: t, lambda t: t):
        y = (operands[0] * operands[1]).sum()
    y.backward(retain_graph=True)
    y.backward()
    with pytest.raises(RuntimeError, match="second time"):
        y.backward()


# checkpoint


def test_a_checkpoint_has_the_same_derivatives(operands):
    expected = derivatives(run(*operands), *operands[:2])
    calls = []

    def counted(*args):
        calls.append(autograd.is_grad_enabled())
        return run(*args)

    found = derivatives(checkpoint(counted, *operands), *operands[:2])
    assert calls == [True] * len(calls) and len(calls) >= 2
    for f, e in zip(found, expected, strict=True):
        np.testing.assert_allclose(f, e)


def test_a_checkpoint_keeps_no_intermediate_values():
    references = []

    def f(x):
        y = x.exp()
        references.append(weakref.ref(y._data))
        return y.sin().sum()

    x = leaf([1.0, 2.0])
    y = checkpoint(f, x, use_reentrant=False)
    assert references[0]() is None
    y.backward()
    np.testing.assert_allclose(x.grad.numpy(), np.cos(np.exp([1, 2])) * np.exp([1, 2]))
    assert len(references) == 2 and references[1]() is None


def test_random_numbers_are_the_same_again_and_the_stream_goes_on():
    def f(x):
        return (x * autograd.rand(1000)).exp().sum()

    x = autograd.zeros(1000, requires_grad=True)
    autograd.manual_seed(0)
    y = f(x)
    following = autograd.rand(3)
    y.backward()
    expected, x.grad = x.grad, None
    autograd.manual_seed(0)
    y = checkpoint(f, x)
    before = autograd.rand(3)
    y.backward()
    np.testing.assert_array_equal(x.grad.numpy(), expected.numpy())
    np.testing.assert_array_equal(before.numpy(), following.numpy())
    state = autograd.get_rng_state()
    (g,) = autograd.grad(checkpoint(f, x, preserve_rng_state=False), x)
    assert (g.numpy() != expected.numpy()).any() and autograd.get_rng_state() != state


def test_arguments_of_any_kind_and_closures():
    w = leaf([3.0, 4.0])
    seen = []

    def f(x, n, *, words):
        seen.append(words)
        return (x**n * w).sum(), n

    x = leaf([1.0, 2.0])
    y, n = checkpoint(f, x, 3, words="any")
    y.backward()
    assert n == 3 and seen == ["any", "any"]
    np.testing.assert_array_equal(x.grad.numpy(), [9, 48])
    np.testing.assert_array_equal(w.grad.numpy(), [1, 8])


def test_checkpoints_nest_and_can_be_walked_twice():
    def inner(x):
        return x.exp().sin()

    def outer(x):
        return checkpoint(inner, x * x).exp()

    x = leaf([0.5, 0.25])
    expected = autograd.grad(inner(x * x).exp().sum(), x)[0].numpy()
    y = checkpoint(outer, x).sum()
    for _ in range(2):
        found = autograd.grad(y, x, retain_graph=True)[0].numpy()
        np.testing.assert_allclose(found, expected)


def test_a_function_that_changes_its_mind_is_an_error():
    flips = []

    def f(x):
        flips.append(1)
        return x.exp().sum() if len(flips) == 1 else (x * 2).exp().sin().sum()

    with pytest.raises(CheckpointError, match="must do the same each time"):
        checkpoint(f, leaf([1.0, 2.0])).backward()


def test_a_changed_argument_is_an_error():
    x = leaf([1.0, 2.0])
    a = x * 1
    y = checkpoint(lambda t: t.exp().sum(), a)
    a.add_(1)
    with pytest.raises(RuntimeError, match=r"argument 0, float64\[2\].*changed in place"):
        y.backward()


def test_contexts_and_bad_options():
    entered = []

    class Context:
        def __init__(self, name):
            self.name = name

        def __enter__(self):
            entered.append(self.name)

        def __exit__(self, *exc):
            pass

    x = leaf(1.0)
    options = {"context_fn": lambda: (Context("first"), Context("again"))}
    checkpoint(lambda t: t.exp(), x, **options).backward()
    assert entered == ["first", "again"]
    with pytest.raises(ValueError, match="determinism_check"):
        checkpoint(lambda t: t, x, determinism_check="often")


def test_checkpoint_sequential():
    chain = [autograd.exp, autograd.sin, lambda t: t * t, autograd.cos, autograd.tanh]
    x = leaf([0.1, 0.2])
    y = x
    for f in chain:
        y = f(y)
    (expected,) = autograd.grad(y.sum(), x)
    (found,) = autograd.grad(checkpoint_sequential(chain, 2, x).sum(), x)
    np.testing.assert_allclose(found.numpy(), expected.numpy())


def test_no_reference_cycles():
    def once():
        x = leaf([1.0, 2.0])
        y = checkpoint(lambda t: t.exp().sin(), x)
        y.grad_fn.register_hook(lambda by, of: None)
        with saved_tensors_hooks(lambda t: t, lambda t: t):
            (y * y).sum().backward()

    once()
    gc.collect()
    gc.disable()
    try:
        once()
        gc.set_debug(gc.DEBUG_SAVEALL)
        gc.collect()
        found = [o for o in gc.garbage if type(o).__module__.startswith("autograd")]
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.enable()
    assert not found
