"""Recording on and off: context managers, decorators, generators, recursion, exceptions."""

import pytest

import autograd
from autograd.grad_mode import Watcher, watching

MODES = {
    "no_grad": (autograd.no_grad, False),
    "enable_grad": (autograd.enable_grad, True),
    "set_grad_enabled(False)": (lambda: autograd.set_grad_enabled(False), False),
    "set_grad_enabled(True)": (lambda: autograd.set_grad_enabled(True), True),
    "inference_mode": (autograd.inference_mode, False),
}
enabled = autograd.is_grad_enabled


@pytest.fixture(params=[True, False], ids=["inside enable_grad", "inside no_grad"])
def outside(request):
    with autograd.set_grad_enabled(request.param):
        yield request.param
        assert enabled() is request.param


@pytest.fixture(params=MODES)
def switch(request):
    return MODES[request.param]


def test_a_block(outside, switch):
    manager, inside = switch
    with manager():
        assert enabled() is inside
    assert enabled() is outside


def test_an_exception_in_a_block(outside, switch):
    manager, _ = switch
    with pytest.raises(KeyError), manager():
        raise KeyError
    assert enabled() is outside


def test_results_inside(switch):
    manager, inside = switch
    x = autograd.ones(2, requires_grad=True)
    with manager():
        y = x * 2
        z = autograd.ones(2, requires_grad=True)
    assert y.requires_grad is inside and z.requires_grad


def test_a_decorator(outside, switch):
    manager, inside = switch

    @manager()
    def f(x, *, y=2):
        """Says something."""
        return enabled(), x, y

    assert enabled() is outside  # also for set_grad_enabled, which switches when called
    assert f(1, y=3) == (inside, 1, 3)
    assert (f.__name__, f.__doc__) == ("f", "Says something.")
    assert enabled() is outside


@pytest.mark.parametrize(
    "manager", [autograd.no_grad, autograd.enable_grad, autograd.inference_mode]
)
def test_a_decorator_without_parentheses(outside, manager):
    @manager
    def f():
        return enabled()

    assert f() is (manager is autograd.enable_grad)
    assert enabled() is outside


def test_a_decorated_function_that_calls_itself(outside, switch):
    manager, inside = switch

    @manager()
    def f(n):
        assert enabled() is inside
        with autograd.set_grad_enabled(not inside):
            if n:
                f(n - 1)
            assert enabled() is not inside
        assert enabled() is inside

    f(5)
    assert enabled() is outside


def test_a_decorated_function_that_raises(outside, switch):
    manager, _ = switch

    @manager()
    def f():
        raise KeyError

    with pytest.raises(KeyError):
        f()
    assert enabled() is outside


def test_a_manager_entered_twice(outside):
    manager = autograd.no_grad()
    with manager:
        with autograd.enable_grad(), manager:
            assert not enabled()
        assert not enabled()
    assert enabled() is outside


def test_set_grad_enabled_as_a_call():
    autograd.set_grad_enabled(False)
    assert not enabled()
    autograd.set_grad_enabled(mode=True)
    assert enabled()


def test_nested_blocks():
    with autograd.no_grad():
        with autograd.enable_grad():
            with autograd.set_grad_enabled(False):
                assert not enabled()
            assert enabled()
        assert not enabled()


def test_inference_mode():
    with autograd.inference_mode():
        assert autograd.is_inference_mode_enabled() and not enabled()
        with autograd.inference_mode(mode=False):
            assert not autograd.is_inference_mode_enabled() and not enabled()
        with autograd.enable_grad():
            assert enabled()
    assert not autograd.is_inference_mode_enabled() and enabled()
    with autograd.inference_mode(False):
        assert enabled()


# Generators: the mode holds inside, and only there


def modes(n):
    """A generator of the mode it runs in; it can be sent to and thrown at."""
    for _ in range(n):
        try:
            got = yield enabled()
            if got is not None:
                yield got, enabled()
        except KeyError:
            yield "caught", enabled()
    return "done", enabled()


def test_a_generator(outside, switch):
    manager, inside = switch
    generator = manager()(modes)(3)
    assert next(generator) is inside
    assert enabled() is outside
    assert generator.send("sent") == ("sent", inside)
    assert enabled() is outside
    assert next(generator) is inside
    assert generator.throw(KeyError()) == ("caught", inside)
    assert enabled() is outside
    assert next(generator) is inside
    with pytest.raises(StopIteration) as stop:
        next(generator)
    assert stop.value.value == ("done", inside)
    assert enabled() is outside


def test_closing_a_generator(outside, switch):
    manager, inside = switch
    seen = []

    @manager()
    def generate():
        try:
            yield 1
        finally:
            seen.append(enabled())

    generator = generate()
    next(generator)
    generator.close()
    assert seen == [inside]
    assert enabled() is outside


def test_a_generator_that_raises(outside):
    @autograd.no_grad()
    def generate():
        yield 1
        raise KeyError

    generator = generate()
    next(generator)
    with pytest.raises(KeyError):
        next(generator)
    assert enabled() is outside


# Watchers


class Notes(Watcher):
    def __init__(self):
        self.nodes, self.changes = [], []

    def recorded(self, node, results, args):
        assert isinstance(results, (autograd.Tensor, tuple))
        self.nodes.append(node.name())

    def changed(self, tensor):
        self.changes.append(tuple(tensor.shape))


def test_a_watcher_sees_what_is_recorded_and_changed_in_its_block():
    x = autograd.ones(2, requires_grad=True)
    notes = Notes()
    y = x * 2
    with watching(notes):
        z = y.exp() + 1
        with autograd.no_grad():
            y.exp()
            x[0] = 2
        with autograd.enable_grad():
            z[0].mul_(3)
        a, b = z.unbind()
        assert enabled()
    _ = z * a * b
    assert notes.nodes == [
        "ExpBackward0",
        "AddBackward0",
        "GetItemBackward0",
        "MulBackward0",
        "CopySlicesBackward0",
        "GetItemBackward0",
        "UnbindBackward0",
    ]
    assert notes.changes == [(2,), ()]


def test_watchers_nest():
    outer, inner = Notes(), Notes()
    x = autograd.ones(2, requires_grad=True)
    with watching(outer):
        x.exp()
        with pytest.raises(KeyError), watching(inner):
            x.sin()
            raise KeyError
        x.cos()
    x.tan()
    assert outer.nodes == ["ExpBackward0", "SinBackward0", "CosBackward0"]
    assert inner.nodes == ["SinBackward0"]
