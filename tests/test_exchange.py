"""Tensors and the arrays of other libraries: memory without a copy, and mixed operands."""

import itertools

import numpy as np
import pytest

import autograd


def leaf(values):
    return autograd.tensor(np.asarray(values, np.float64), requires_grad=True)


# Exchange with NumPy and through DLPack


def test_numpy_in_both_directions_without_a_copy():
    array = np.zeros((2, 3))
    for x in (autograd.from_numpy(array), autograd.as_tensor(array), autograd.from_dlpack(array)):
        array[0, 0] += 1
        x[0, 0] += 1
    assert array[0, 0] == 6
    assert x.numpy() is not array and np.shares_memory(x.numpy(), array)
    assert np.shares_memory(np.asarray(x), array) and np.shares_memory(np.from_dlpack(x), array)
    assert not np.shares_memory(np.array(x), array) and not np.shares_memory(
        autograd.tensor(array)._data, array
    )
    with pytest.raises(ValueError):
        np.asarray(x, np.float32, copy=False)


@pytest.mark.parity
@pytest.mark.parametrize(
    "name", ["float16", "float32", "float64", "int8", "int16", "int32", "int64", "uint8", "bool"]
)
def test_pytorch_in_both_directions_without_a_copy(torch, name):
    ours = autograd.zeros(2, 3, dtype=getattr(autograd, name))
    theirs = torch.from_dlpack(ours)
    assert str(theirs.dtype) == f"torch.{name}" and theirs.shape == ours.shape
    theirs[1, 2] = 1
    assert ours[1, 2].item() == 1
    back = autograd.from_dlpack(theirs.t())
    assert back.shape == (3, 2) and back.dtype == ours.dtype
    back[0, 1] = 1
    assert ours.tolist() == [[0, 0, 0], [1, 0, 1]]
    assert torch.as_tensor(ours.numpy()).data_ptr() == ours.data_ptr()


def aligned(shape, dtype):
    """An array at a multiple of 64 bytes, where JAX takes memory over without a copy."""
    size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    memory = np.zeros(size + 64, np.uint8)
    start = -memory.ctypes.data % 64
    return memory[start : start + size].view(dtype).reshape(shape)


@pytest.mark.parametrize(
    "name", ["float16", "float32", "int8", "int16", "int32", "uint8", "bool"]
)  # of 64 bits only where JAX is told so
def test_jax_in_both_directions_without_a_copy(name):
    jax = pytest.importorskip("jax")
    ours = autograd.from_numpy(aligned((2, 3), name))
    theirs = jax.dlpack.from_dlpack(ours)
    assert str(theirs.dtype) == name and theirs.shape == (2, 3)
    ours[1, 2] = 1
    assert theirs.tolist() == [[0, 0, 0], [0, 0, 1]]
    back = autograd.from_dlpack(theirs)
    assert back.dtype == ours.dtype and back.data_ptr() == ours.data_ptr()
    assert jax.numpy.asarray(ours).tolist() == autograd.as_tensor(theirs).tolist() == ours.tolist()


def test_arrays_of_jax_are_operands_of_gradients_and_stay_as_they_are():
    jax = pytest.importorskip("jax")
    x = autograd.from_dlpack(jax.numpy.arange(3.0))
    with pytest.raises(RuntimeError, match=r"read-only array; call .clone\(\)"):
        x[0] = 1.0
    x.requires_grad_()
    (x * x).sum().backward()
    assert x.grad.tolist() == [0, 2, 4]
    with pytest.raises(BufferError, match=r"requires grad.*detach"):
        jax.dlpack.from_dlpack(x)


def test_what_cannot_be_exchanged():
    with pytest.raises(BufferError, match=r"float64\[1\] requires grad.*detach"):
        np.from_dlpack(leaf([1.0]))
    with pytest.raises(TypeError, match="list has no __dlpack__"):
        autograd.from_dlpack([1.0])
    with pytest.raises(TypeError, match="complex128"):
        autograd.from_dlpack(np.ones(2, complex))


# NumPy's operands


ARRAYS = [
    np.array([1.0, 2.0]),
    np.array([1.0, 2.0], np.float32),
    np.array(3),
    np.float32(2.0),
    np.float64(2.0),
    np.int32(2),
    np.array([True, False]),
]
OPERATORS = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
    "**": lambda a, b: a**b,
    "<": lambda a, b: a < b,
    "==": lambda a, b: a == b,
    "@": lambda a, b: a @ b if np.ndim(b) and np.ndim(a) else a * b,
}


@pytest.mark.parametrize("name", OPERATORS)
def test_arrays_and_numpys_scalars_as_operands(name):
    operator = OPERATORS[name]
    for array, swap in itertools.product(ARRAYS, (False, True)):
        if getattr(array, "dtype", None) == np.bool_ and name in ("-", "@"):
            continue
        x = leaf([3.0, 4.0])
        other = array.astype(np.float64) if name == "@" else array
        y = operator(other, x) if swap else operator(x, other)
        plain = x.detach().numpy()
        with np.errstate(divide="ignore"):
            expected = operator(other, plain) if swap else operator(plain, other)
        assert isinstance(y, autograd.Tensor)
        np.testing.assert_allclose(y.detach().numpy(), expected)
        assert y.requires_grad == (name not in ("<", "=="))


def test_augmented_arrays_refuse_to_lose_the_graph():
    array = np.ones(2)
    with pytest.raises(TypeError, match="out= must be a Tensor"):
        array += leaf([1.0, 2.0])
    array2 = np.ones(2)
    array2 = array2 + leaf([1.0, 2.0])
    assert isinstance(array2, autograd.Tensor)


def test_out_may_be_a_tensor_of_the_graph():
    x = leaf([1.0, 2.0])
    y = x * 1
    assert np.multiply(y, y, out=y) is y
    np.exp(y, out=y)
    y.sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), 2 * np.array([1, 2]) * np.exp([1.0, 4.0]))
    with pytest.raises(RuntimeError, match=r"np\.add: .*leaf"):
        np.add(x, 1, out=x)
