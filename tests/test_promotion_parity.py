"""Mixed dtypes: PyTorch's results for all pairs of dtypes, dimensions and Python numbers."""

import itertools

import numpy as np
import pytest

import autograd

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.parity

DTYPES = ["float16", "float32", "float64", "int8", "int16", "int32", "int64", "uint8", "bool"]
NUMBERS = [2.5, 3, True]


def operands(lib):
    """One of each dtype with dimensions and without, and Python's numbers."""
    for name in DTYPES:
        dtype = getattr(lib, name)
        yield lib.ones(2, dtype=dtype)
        yield lib.ones((), dtype=dtype)
    yield from NUMBERS


def pairs(lib):
    for a, b in itertools.product(operands(lib), repeat=2):
        if not (isinstance(a, (float, int)) and isinstance(b, (float, int))):
            yield a, b


def name_of(dtype):
    return str(dtype).removeprefix("torch.")


@pytest.fixture(params=["float32", "float64"])
def default_dtype(request):
    for lib in (autograd, torch):
        lib.set_default_dtype(getattr(lib, request.param))
    yield
    for lib in (autograd, torch):
        lib.set_default_dtype(lib.float32)


def test_result_type(default_dtype):
    for ours, theirs in zip(pairs(autograd), pairs(torch), strict=True):
        assert name_of(autograd.result_type(*ours)) == name_of(torch.result_type(*theirs)), theirs


OPERATIONS = {
    "add": lambda lib, a, b: a + b,
    "sub": lambda lib, a, b: a - b,
    "mul": lambda lib, a, b: a * b,
    "div": lambda lib, a, b: a / b,
    "floor_divide": lambda lib, a, b: a // b,
    "remainder": lambda lib, a, b: a % b,
    "pow": lambda lib, a, b: a**b,
    "lt": lambda lib, a, b: a < b,
    "eq": lambda lib, a, b: a == b,
    "bitwise_and": lambda lib, a, b: a & b,
    "maximum": lambda lib, a, b: lib.maximum(a, b),
    "where": lambda lib, a, b: lib.where(lib.tensor(True), a, b),
    "atan2": lambda lib, a, b: lib.atan2(a, b),
    "cat": lambda lib, a, b: lib.cat([a.reshape(-1), b.reshape(-1)]),
    "stack": lambda lib, a, b: lib.stack([a, b]),
    "iadd": lambda lib, a, b: a.clone().add_(b),
    "itruediv": lambda lib, a, b: a.clone().div_(b),
    "setitem": lambda lib, a, b: set_first(a.clone(), b),
    "masked_fill": lambda lib, a, b: a.masked_fill(lib.tensor(True), b),
}
REFUSALS = (RuntimeError, TypeError, AttributeError, IndexError)


def set_first(a, b):
    a[0] = b
    return a


def attempt(operation, lib, a, b):
    try:
        return operation(lib, a, b)
    except REFUSALS:
        return None


@pytest.mark.parametrize("name", OPERATIONS)
def test_dtype_and_value_of_results(name):
    operation = OPERATIONS[name]
    checked = 0
    for ours, theirs in zip(pairs(autograd), pairs(torch), strict=True):
        mine, their = attempt(operation, autograd, *ours), attempt(operation, torch, *theirs)
        if their is None:
            continue
        if name == "pow" and their.dtype == torch.bool:
            continue  # a power of bools is int8 here, as in NumPy
        assert mine is not None, theirs
        assert name_of(mine.dtype) == name_of(their.dtype), theirs
        np.testing.assert_allclose(
            mine.numpy().astype(float), their.numpy().astype(float), rtol=1e-2, err_msg=str(theirs)
        )
        checked += 1
    assert checked > 50


def test_promote_types_and_can_cast():
    for a, b in itertools.product(DTYPES, repeat=2):
        ours, theirs = ([getattr(lib, n) for n in (a, b)] for lib in (autograd, torch))
        expected = name_of(torch.promote_types(*theirs))
        assert name_of(autograd.promote_types(*ours)) == expected
        assert autograd.can_cast(*ours) == torch.can_cast(*theirs), (a, b)


@pytest.mark.parametrize("dtype", DTYPES)
def test_gradients_have_the_dtype_of_their_tensor(dtype):
    for lib_dtype in ("float16", "float32", "float64"):
        found = []
        for lib in (autograd, torch):
            x = lib.ones(2, dtype=getattr(lib, lib_dtype), requires_grad=True)
            other = lib.ones(2, dtype=getattr(lib, dtype))
            y = (x * other).sum()
            y.backward()
            found.append((name_of(y.dtype), name_of(x.grad.dtype), x.grad.tolist()))
        assert found[0] == found[1]


@pytest.mark.parametrize(
    "data",
    [
        1,
        1.5,
        True,
        [1, 2],
        [1, 2.5],
        [True, False],
        [True, 2],
        [],
        [[]],
        np.float32(1),
        np.int8(3),
        np.float64(2),
        np.ones(2),
        np.ones(2, np.float16),
        np.arange(3, dtype=np.int32),
        [np.float64(1.0)],
        (1, (2,))[0:1],
        range(3),
    ],
    ids=repr,
)
def test_dtypes_of_data(data, default_dtype):
    ours, theirs = autograd.tensor(data), torch.tensor(data)
    assert name_of(ours.dtype) == name_of(theirs.dtype)
    assert ours.tolist() == theirs.tolist() and ours.shape == theirs.shape
