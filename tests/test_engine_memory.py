"""What the engine holds on to: gradients that never alias, values freed in time, no reference
cycles; and two threads at once."""

import gc
import sys
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from op_samples import ROWS
from op_samples.calling import projected, run_ours

import autograd

# Gradients alias nothing


UNARY = [
    lambda x: x + 0.0,
    lambda x: -x,
    lambda x: x * 2.0,
    lambda x: x.exp(),
    lambda x: x.reshape(3, 2).reshape(2, 3),
    lambda x: x.t().t(),
    lambda x: x.flip(0),
    lambda x: x[:],
    lambda x: x[[1, 0]],
    lambda x: x.clone(),
    lambda x: x.to(autograd.float32).to(autograd.float64),
    lambda x: autograd.stack(x.unbind(0)),
    lambda x: x.sum(0, keepdim=True).expand(2, 3),
    lambda x: x.sum() + autograd.zeros(2, 3),
    lambda x: autograd.cat([x, x])[1:3],
    lambda x: x.cumsum(0),
    lambda x: x.amax(1, keepdim=True) - x,
]
BINARY = [
    lambda x, y: x + y,
    lambda x, y: x - y,
    lambda x, y: x * y,
    lambda x, y: autograd.maximum(x, y),
    lambda x, y: autograd.where(x > y, x, y),
    lambda x, y: autograd.cat([x, y])[::2],
    lambda x, y: autograd.stack([x, y]).sum(0),
    lambda x, y: x @ y.t() @ x,
]


@st.composite
def programs(draw):
    n_leaves = draw(st.integers(1, 3))
    steps = []
    for made in range(n_leaves, n_leaves + draw(st.integers(1, 8))):
        if draw(st.booleans()):
            steps.append((draw(st.sampled_from(UNARY)), [draw(st.integers(0, made - 1))]))
        else:
            operands = [draw(st.integers(0, made - 1)) for _ in range(2)]
            steps.append((draw(st.sampled_from(BINARY)), operands))
    return n_leaves, steps


@settings(max_examples=200, deadline=None)
@given(programs(), st.booleans(), st.booleans())
def test_writing_to_a_gradient_changes_nothing_else(program, create_graph, twice):
    n_leaves, steps = program
    rng = np.random.default_rng(0)
    leaves = [autograd.tensor(rng.random((2, 3)), requires_grad=True) for _ in range(n_leaves)]
    values = list(leaves)
    for op, operands in steps:
        values.append(op(*[values[i] for i in operands]))
    for value in values:
        if not value.is_leaf:
            value.retain_grad()
    seed = rng.random((2, 3))
    for _ in range(1 + twice):
        values[-1].backward(autograd.from_numpy(seed), retain_graph=True, create_graph=create_graph)
    found = autograd.grad(
        values[-1], leaves, autograd.from_numpy(seed), allow_unused=True, retain_graph=True
    )
    gradients = [v.grad for v in values] + list(found)
    arrays = [seed] + [v._data for v in values] + [g._data for g in gradients if g is not None]
    for g in gradients:
        if g is None:
            continue
        before = [a.copy() for a in arrays]
        g._data[...] = np.nan
        for a, old in zip(arrays, before, strict=True):
            if a is not g._data:
                np.testing.assert_array_equal(a, old)
    for value in values:
        value.grad = None  # create_graph makes a cycle of each leaf and its gradient's graph


# Values are freed in time


def alive(array):
    """A function that says whether `array` still is; NumPy's arrays can be referred to weakly."""
    reference = weakref.ref(array)
    return lambda: reference() is not None


def test_values_that_nobody_saved_are_freed_during_forward():
    x = autograd.ones(3, requires_grad=True)
    y = x + 1
    is_alive = alive(y._data)
    z = (y * 2).sum()
    del y
    assert not is_alive()
    z.backward()


def test_only_needed_operands_are_saved():
    x, constant = autograd.ones(3, requires_grad=True), autograd.ones(3)
    y = x * 2
    is_alive = alive(y._data)
    z = y * constant
    del y  # only the derivative by the constant would need it
    assert not is_alive()
    z.sum().backward()


def test_saved_values_are_freed_as_backward_goes():
    x = autograd.ones(3, requires_grad=True)
    a = x.exp()
    b = a.exp()
    c = b.exp()
    of_a, of_b, of_c = alive(a._data), alive(b._data), alive(c._data)
    seen = []
    a.register_hook(lambda g: seen.append((of_a(), of_b(), of_c())))
    root = c.sum()
    del a, b, c
    assert of_a() and of_b() and of_c()
    root.backward()
    assert seen == [(True, False, False)]
    assert not of_a()


def test_retain_graph_keeps_them():
    x = autograd.ones(3, requires_grad=True)
    y = x.exp()
    is_alive = alive(y._data)
    z = y.sum()
    del y
    z.backward(retain_graph=True)
    assert is_alive()
    z.backward()
    assert not is_alive()


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_no_operation_keeps_arrays_after_backward(row):
    """Neither among what it saved nor as attributes of ctx (see `Op.saves_on_ctx`)."""
    for sample in row.samples:
        if sample.kind != "call" or not row.grad:
            continue
        total = projected(
            run_ours(row, sample, "float64").results, lambda array, _: autograd.tensor(array)
        )
        if total is None:
            continue
        nodes = total.tape()
        total.backward()
        for node in nodes:
            kept = [*vars(node).values(), *(node.args or ())]
            kept += [item for part in kept if type(part) in (list, tuple) for item in part]
            assert not [a for a in kept if isinstance(a, np.ndarray) and a.ndim], node


def test_a_graph_does_not_keep_its_leaves_results_or_views_alive():
    x = autograd.ones(3, requires_grad=True)
    reference = weakref.ref(x)
    y = x + 1
    del x
    assert reference() is None
    y.sum().backward()  # the gradient has nowhere to go


# No reference cycles


def simple():
    x = autograd.ones(3, requires_grad=True)
    return (x.exp() * x).sum(), x


def run_backward():
    y, x = simple()
    y.backward()
    assert x.grad is not None


def run_grad_twice():
    y, x = simple()
    (g,) = autograd.grad(y, x, create_graph=True)
    autograd.grad(g.sum(), x)


def run_hooks():
    y, x = simple()
    z = y * 2
    z.retain_grad()
    z.register_hook(lambda g: g * 2)
    x.register_hook(lambda g: None)
    x.register_post_accumulate_grad_hook(lambda t: None)
    z.backward()


def run_views_and_in_place():
    x = autograd.ones(3, requires_grad=True)
    y = x * 2
    v = y[1:]
    v.mul_(y[:-1])
    y.exp_()
    y[0] = 3.0
    y[1:] += x[1:]
    y.mul_(y)
    y.sum().backward()


def run_several_results():
    x = autograd.ones(3, requires_grad=True)
    a, *_ = (x * 2).unbind()
    a.register_hook(lambda g: g)
    a.backward()


def run_errors():
    x = autograd.ones(3, requires_grad=True)
    y = x.exp()
    y.add_(1)
    with pytest.raises(RuntimeError):
        y.sum().backward()
    with pytest.raises(RuntimeError):
        autograd.ones(3) @ autograd.ones(4)


RUNS = [
    run_backward,
    run_grad_twice,
    run_hooks,
    run_views_and_in_place,
    run_several_results,
    run_errors,
]


@pytest.mark.parametrize("run", RUNS)
def test_no_reference_cycles(run):
    run()  # what is made once, such as plans of what to save
    gc.collect()
    gc.disable()
    try:
        run()
        gc.set_debug(gc.DEBUG_SAVEALL)
        gc.collect()
        found = [o for o in gc.garbage if type(o).__module__.startswith("autograd")]
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.enable()
    assert not found


# Threads


def test_grad_mode_is_per_thread():
    inside, leave = threading.Event(), threading.Event()

    def other():
        with autograd.no_grad():
            inside.set()
            leave.wait(10)
            return autograd.is_grad_enabled()

    with ThreadPoolExecutor(1) as pool, autograd.enable_grad():
        result = pool.submit(other)
        assert inside.wait(10)
        assert autograd.is_grad_enabled()
        leave.set()
        assert result.result() is False
        assert pool.submit(autograd.is_grad_enabled).result()  # a thread starts with it on


def test_a_new_thread_records_even_when_made_under_no_grad():
    with autograd.no_grad(), ThreadPoolExecutor(1) as pool:
        assert pool.submit(autograd.is_grad_enabled).result()


def test_threads_running_backward_at_once_on_shared_leaves():
    w = autograd.ones(50, requires_grad=True)
    n_threads, n_passes = 4, 100
    start = threading.Barrier(n_threads)

    def work(i):
        start.wait(10)
        for _ in range(n_passes):
            (w * (i + 1)).exp().log().sum().backward()

    with ThreadPoolExecutor(n_threads) as pool:
        list(pool.map(work, range(n_threads)))
    np.testing.assert_allclose(w.grad.numpy(), n_passes * 10, rtol=1e-4)


@pytest.fixture
def rapid_switching():
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(interval)


def test_first_gradients_from_many_threads_are_all_counted(rapid_switching):
    n_threads = 8
    with ThreadPoolExecutor(n_threads) as pool:
        for _ in range(50):
            w = autograd.zeros(1, requires_grad=True)
            start = threading.Barrier(n_threads)

            def work(_, w=w, start=start):
                start.wait(10)
                (w * 1.0).sum().backward()

            list(pool.map(work, range(n_threads)))
            assert w.grad.item() == n_threads
