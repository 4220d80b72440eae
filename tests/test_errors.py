"""Bad input gets one clear error: of PyTorch's type, with the operation, the shapes and dtypes of
its operands, and what to do."""

import numpy as np
import pytest

import autograd
import nn
import optim
from autograd.errors import GraphError, ShapeError, described


def f32(*shape, grad=False):
    return autograd.ones(*shape, requires_grad=grad)


def twice():
    x = f32(2, grad=True)
    y = (x * x).sum()
    y.backward()
    y.backward()


def changed_operand():
    x, w = f32(2, grad=True), f32(2)
    y = x * w
    w += 1
    y.sum().backward()


def changed_result():
    y = f32(2, grad=True).exp()
    y[0] = 0.0
    y.sum().backward()


# (what is done, type, patterns that the message must have)
CASES = {
    "shapes that do not broadcast": (
        lambda: f32(2, 3) + f32(4),
        RuntimeError,
        [r"add\(float32\[2, 3\], float32\[4\]\)", "sizes must be equal or 1"],
    ),
    "shapes that do not broadcast, with an ndarray": (
        lambda: np.ones(4) * f32(2, 3),
        ValueError,
        [r"mul\(float64\[4\], float32\[2, 3\]\)", "sizes must be equal or 1"],
    ),
    "matmul": (
        lambda: f32(2, 3) @ f32(4, 5),
        RuntimeError,
        [r"matmul\(float32\[2, 3\], float32\[4, 5\]\)", "last dimension of the first, 3", "4"],
    ),
    "operand that is no number": (
        lambda: autograd.add(f32(2), "text"),
        TypeError,
        [r"add\(float32\[2\], 'text'\)", "str is no Tensor, ndarray or number"],
    ),
    "where with a float condition": (
        lambda: autograd.where(f32(2), f32(2), f32(2)),
        RuntimeError,
        ["where", "bool", "float32"],
    ),
    "too many indices": (
        lambda: f32(2, 3)[0, 0, 0],
        IndexError,
        [r"getitem\(float32\[2, 3\]", "too many indices"],
    ),
    "index out of range": (
        lambda: f32(2, 3)[5],
        IndexError,
        [r"getitem\(float32\[2, 3\]", "index 5 is out of bounds"],
    ),
    "reshape": (lambda: f32(2, 3).reshape(4, 2), RuntimeError, [r"\(4, 2\)", r"\(2, 3\)"]),
    "view": (lambda: f32(2, 3).t().view(-1), RuntimeError, ["view", r"\.reshape"]),
    "backward from several elements": (
        lambda: (f32(2, 3, grad=True) * 2).backward(),
        RuntimeError,
        [r"backward: .*float32\[2, 3\]", r"\.sum\(\)", "pass a gradient"],
    ),
    "backward without a graph": (
        lambda: f32(2).sum().backward(),
        RuntimeError,
        [r"backward: float32\[\] does not require grad", "requires_grad=True", "no_grad", "detach"],
    ),
    "backward of a function": (
        lambda: autograd.backward(len),
        TypeError,
        ["expected a Tensor", "builtin_function", "call the model"],
    ),
    "gradient of another shape": (
        lambda: (f32(2, grad=True) * 2).backward(f32(3)),
        RuntimeError,
        [r"float32\[3\]", r"float32\[2\]"],
    ),
    "too many gradients": (
        lambda: autograd.backward([f32(1, grad=True) * 2], [f32(1), f32(1)]),
        RuntimeError,
        ["1 outputs but 2 gradients"],
    ),
    "backward a second time": (
        twice,
        GraphError,
        ["MulBackward0", "second time", "retain_graph=True", "compute the loss"],
    ),
    "inputs=[]": (
        lambda: f32(2, grad=True).sum().backward(inputs=[]),
        RuntimeError,
        ["backward", "inputs", "empty"],
    ),
    "inputs=[constant]": (
        lambda: f32(2, grad=True).sum().backward(inputs=[f32(3)]),
        RuntimeError,
        [r"input 0, float32\[3\], does not require grad"],
    ),
    "grad of a constant": (
        lambda: autograd.grad(f32(2, grad=True).sum(), [f32(3)]),
        RuntimeError,
        [r"grad: input 0, float32\[3\], does not require grad"],
    ),
    "grad of an unused input": (
        lambda: autograd.grad(f32(2, grad=True).sum(), f32(3, grad=True)),
        RuntimeError,
        [r"input 0, float32\[3\]", "allow_unused=True"],
    ),
    "grad without inputs": (
        lambda: autograd.grad(f32(2, grad=True).sum(), []),
        RuntimeError,
        ["inputs", "empty"],
    ),
    "integers that require grad": (
        lambda: autograd.tensor([1, 2], requires_grad=True),
        RuntimeError,
        ["only floating", r"int64\[2\]", r"\.float\(\)"],
    ),
    "bools that require grad": (
        lambda: autograd.tensor([True]).requires_grad_(),
        RuntimeError,
        [r"bool\[1\]"],
    ),
    "in-place change of a leaf": (
        lambda: f32(2, grad=True).add_(1),
        RuntimeError,
        [r"add_: float32\[2\] is a leaf that requires grad", "no_grad", "out-of-place"],
    ),
    "item of a leaf": (
        lambda: f32(2, grad=True).__setitem__(0, 1.0),
        RuntimeError,
        [r"x\[index\] = value: float32\[2\] is a leaf", "no_grad"],
    ),
    "in-place change of a view of a leaf": (
        lambda: f32(2, grad=True)[0].mul_(2),
        RuntimeError,
        ["mul_", "view of a leaf", "no_grad"],
    ),
    "in-place result of another shape": (
        lambda: f32(3).add_(f32(2, 3)),
        RuntimeError,
        [r"add_: .*float32\[2, 3\].*float32\[3\]"],
    ),
    "in-place result of another kind": (
        lambda: autograd.arange(3).add_(0.5),
        RuntimeError,
        ["add_", "float32", r"int64\[3\]"],
    ),
    "saved operand changed": (
        changed_operand,
        GraphError,
        ["MulBackward0", r"argument y \(float32\[2\], now at version 1\)", r"clone\(\)"],
    ),
    "saved result changed": (
        changed_result,
        GraphError,
        ["ExpBackward0", "its result", "in place", r"clone\(\)"],
    ),
    "requires_grad_(False) of a result": (
        lambda: (f32(2, grad=True) * 2).requires_grad_(False),
        RuntimeError,
        ["leaves", "detach"],
    ),
    "numpy() of what requires grad": (
        lambda: f32(2, grad=True).numpy(),
        RuntimeError,
        [r"float32\[2\] requires grad", r"detach\(\)\.numpy\(\)"],
    ),
    "item() of several": (lambda: f32(2).item(), RuntimeError, ["2 elements", "exactly one"]),
    "truth of several": (
        lambda: bool(f32(2)),
        RuntimeError,
        [r"float32\[2\]", "ambiguous", r"\.any\(\)"],
    ),
    "float() of several": (lambda: float(f32(2)), RuntimeError, ["2 elements"]),
    "a float as an index": (
        lambda: [1, 2][autograd.tensor(1.0)],
        TypeError,
        ["integer", r"float32\[\]"],
    ),
    "len of a number": (lambda: len(autograd.tensor(1.0)), TypeError, ["0-d"]),
    "iteration over a number": (lambda: list(autograd.tensor(1.0)), TypeError, ["0-d"]),
    "ragged lists": (
        lambda: autograd.tensor([[1], [1, 2]]),
        ValueError,
        ["tensor", "same length"],
    ),
    "text": (lambda: autograd.tensor("a"), TypeError, ["tensor", "'a'"]),
    "complex numbers": (lambda: autograd.tensor([1j]), TypeError, ["tensor", "1j"]),
    "an array of an unknown dtype": (
        lambda: autograd.tensor(np.ones(2, np.complex64)),
        TypeError,
        ["complex64", "astype"],
    ),
    "an unknown dtype": (
        lambda: f32(2).to("float13"),
        (TypeError, RuntimeError),
        ["float13"],
    ),
    "another device": (lambda: f32(2).to("cuda"), RuntimeError, ["'cuda'", "'cpu'"]),
    "a negative size": (lambda: autograd.ones(2, -1), RuntimeError, ["negative", "-1"]),
    "a gradient of another shape": (
        lambda: setattr(f32(2), "grad", f32(3)),
        RuntimeError,
        [r"float32\[2\]", r"float32\[3\]"],
    ),
    "a gradient that is no tensor": (
        lambda: setattr(f32(2), "grad", 3.0),
        TypeError,
        ["grad", "float"],
    ),
    "a hook on a constant": (
        lambda: f32(2).register_hook(print),
        RuntimeError,
        ["register_hook", "require grad"],
    ),
    "a NumPy function without a counterpart": (
        lambda: np.unwrap(f32(2)),
        TypeError,
        [r"np\.unwrap", r"detach\(\)\.numpy\(\)"],
    ),
    "deepcopy of a result": (
        lambda: __import__("copy").deepcopy(f32(2, grad=True) * 2),
        RuntimeError,
        ["leaf", "clone"],
    ),
    "a model where parameters are asked for": (
        lambda: optim.SGD(nn.Linear(1, 1)),
        TypeError,
        [r"SGD: params argument given .* got a Linear; pass model.parameters\(\)"],
    ),
    "a model that can be iterated over": (
        lambda: optim.Adam(nn.Sequential(nn.Linear(1, 1))),
        TypeError,
        [r"Adam: .* parameter 0 is a Linear; pass its parameters\(\)"],
    ),
    "a tensor where parameters are asked for": (
        lambda: optim.SGD(f32(2, grad=True)),
        TypeError,
        [r"should be an iterable of Tensors or dicts, but got a Tensor; pass \[tensor\]"],
    ),
    "a number where parameters are asked for": (
        lambda: optim.SGD(3),
        TypeError,
        [r"should be an iterable of Tensors or dicts, but got a int$"],
    ),
    "gradients of a model": (
        lambda: nn.utils.clip_grad_norm_(nn.Linear(1, 1), 1.0),
        TypeError,
        [r"clip_grad_norm_: .* got a Linear; pass model.parameters\(\)"],
    ),
    "gradients of layers": (
        lambda: nn.utils.clip_grad_value_(nn.Sequential(nn.Linear(1, 1)), 1.0),
        TypeError,
        [r"clip_grad_value_: .* got one with a Linear; pass model.parameters\(\)"],
    ),
    "gradients of a number": (
        lambda: nn.utils.clip_grad_norm_([3], 1.0),
        TypeError,
        [r"clip_grad_norm_: expected .* got one with a int$"],
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_message(name):
    action, kind, patterns = CASES[name]
    with pytest.raises(kind) as info:
        action()
    for pattern in patterns:
        assert info.match(pattern)


SAME_AS_PYTORCH = {
    "broadcast": lambda lib: lib.ones(2, 3) + lib.ones(4),
    "matmul": lambda lib: lib.ones(2, 3) @ lib.ones(4, 5),
    "operand": lambda lib: lib.ones(2) + "text",
    "none": lambda lib: lib.ones(2) + None,
    "index": lambda lib: lib.ones(2)[5],
    "indices": lambda lib: lib.ones(2)[0, 0],
    "reshape": lambda lib: lib.ones(2, 3).reshape(4, 2),
    "view": lambda lib: lib.ones(2, 3).t().view(-1),
    "dim": lambda lib: lib.ones(2, 3).sum(5),
    "non-scalar": lambda lib: lib.ones(2, requires_grad=True).backward(),
    "no graph": lambda lib: lib.ones(2).sum().backward(),
    "no graph for grad": lambda lib: autograd_of(lib).grad(lib.ones(1), lib.ones(1)),
    "unused": lambda lib: autograd_of(lib).grad(
        lib.ones(1, requires_grad=True) * 2, lib.ones(1, requires_grad=True)
    ),
    "no inputs": lambda lib: autograd_of(lib).grad(lib.ones(1, requires_grad=True) * 2, []),
    "integers": lambda lib: lib.tensor([1], requires_grad=True),
    "leaf": lambda lib: lib.ones(2, requires_grad=True).add_(1),
    "cast": lambda lib: lib.arange(3).add_(0.5),
    "numpy": lambda lib: lib.ones(2, requires_grad=True).numpy(),
    "item": lambda lib: lib.ones(2).item(),
    "bool": lambda lib: bool(lib.ones(2)),
    "len": lambda lib: len(lib.tensor(1.0)),
    "iter": lambda lib: list(lib.tensor(1.0)),
    "float": lambda lib: float(lib.ones(2)),
    "range": lambda lib: range(lib.tensor(1.0)),
    "text": lambda lib: lib.tensor("a"),
    "ragged": lambda lib: lib.tensor([[1], [1, 2]]),
    "grad shape": lambda lib: setattr(lib.ones(2), "grad", lib.ones(3)),
    "grad type": lambda lib: setattr(lib.ones(2), "grad", 3.0),
    "hook": lambda lib: lib.ones(2).register_hook(print),
    "retain_grad": lambda lib: lib.ones(2).retain_grad(),
    "cuda": lambda lib: lib.ones(2).new_zeros(-1),
    "boolean subtraction": lambda lib: lib.tensor([True]) - lib.tensor([True]),
    "parameters in a model": lambda lib: lib.optim.SGD(lib.nn.Linear(1, 1), lr=0.1),
    "parameters in a tensor": lambda lib: lib.optim.SGD(lib.ones(1), lr=0.1),
    "gradients in a model": lambda lib: lib.nn.utils.clip_grad_norm_(lib.nn.Linear(1, 1), 1.0),
    "bits of floats": lambda lib: lib.ones(2) & lib.ones(2),
    "division of integers by 0": lambda lib: lib.arange(3) // 0,
}


def autograd_of(lib):
    return getattr(lib, "autograd", lib)


@pytest.mark.parity
@pytest.mark.parametrize("name", SAME_AS_PYTORCH)
def test_the_type_is_one_that_catches_pytorchs(torch, name):
    action = SAME_AS_PYTORCH[name]
    with pytest.raises(Exception) as theirs:
        action(torch)
    with pytest.raises(Exception) as ours:
        action(autograd)
    assert isinstance(ours.value, theirs.type), (ours.value, theirs.value)


def test_a_shape_error_is_also_numpys():
    assert issubclass(ShapeError, RuntimeError) and issubclass(ShapeError, ValueError)


def test_long_operands_are_cut_short():
    assert described(np.zeros((2, 3))) == "float64[2, 3]"
    assert len(described(list(range(1000)))) == 40


def test_an_error_in_a_backward_rule_names_the_node():
    class Wrong(autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

        @staticmethod
        def backward(ctx, g):
            raise KeyError("missing")

    with pytest.raises(KeyError) as info:
        Wrong.apply(f32(2, 3, grad=True)).sum().backward()
    assert info.value.__notes__ == [
        "in the backward pass of <WrongBackward> (its result was float32[2, 3])"
    ]


def test_a_list_of_parameters_that_is_a_module():
    weights = nn.ParameterList([autograd.ones(2)])
    (weights[0] * 3).sum().backward()
    assert nn.utils.clip_grad_norm_(weights, 100.0).item() == pytest.approx(18**0.5)
    optim.SGD(weights, lr=1.0).step()
    assert weights[0].tolist() == [-2.0, -2.0]
