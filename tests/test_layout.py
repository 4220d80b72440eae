"""Shapes changed in place, and views under programs that PyTorch's test does not draw."""

from __future__ import annotations

import numpy as np
import pytest

import autograd
from autograd import Tensor, gradcheck


@pytest.mark.parametrize(
    ("change", "shape"),
    [
        (lambda x: x.t_(), (3, 2)),
        (lambda x: x.transpose_(0, 1), (3, 2)),
        (lambda x: x.swapaxes_(0, -1), (3, 2)),
        (lambda x: x.swapdims_(0, 1), (3, 2)),
        (lambda x: x.unsqueeze_(-1), (2, 3, 1)),
        (lambda x: x.unsqueeze_(0).squeeze_(), (2, 3)),
    ],
)
def test_the_tensor_itself_changes(change: object, shape: tuple[int, ...]) -> None:
    x = autograd.arange(6.0).reshape(2, 3) * 1
    row, version = x[1], x._version
    assert change(x) is x  # type: ignore[operator]
    assert x.shape == shape and x._version > version
    row.zero_()
    assert (x == 0).sum() == 4  # 0 was there before


def test_views_made_before_keep_their_place() -> None:
    def program(x: Tensor) -> Tensor:
        base = autograd.zeros(2, 3, dtype=autograd.float64)
        row = base[1]
        base.t_()
        base.unsqueeze_(0)
        base[0, :, 0] = x[0]
        row.mul_(x[1])
        row.add_(x[0] * x[1])
        base.add_(1.0)
        return (base * base).sum() + (row * x[0]).sum()

    x = autograd.from_numpy(np.random.default_rng(0).normal(size=(2, 3))).requires_grad_()
    assert gradcheck(program, (x,))


def test_what_a_node_has_saved_may_not_change_its_shape() -> None:
    x = autograd.ones(2, 3, requires_grad=True)
    y = x.exp()
    z = y * y
    y.t_()
    with pytest.raises(RuntimeError, match="changed in place"):
        z.sum().backward()


@pytest.mark.parametrize("guard", [autograd.enable_grad, autograd.no_grad])
def test_a_leaf_that_requires_grad_keeps_its_shape(guard: type) -> None:
    x = autograd.ones(2, 3, requires_grad=True)
    with guard(), pytest.raises(RuntimeError, match="leaf"):
        x.t_()
    assert x.shape == (2, 3)


def test_resize() -> None:
    x = autograd.arange(6)
    part = x[1:3]
    x.resize_(2, 2)
    x[0, 1] = 9
    assert x.tolist() == [[0, 9], [2, 3]] and part.tolist() == [9, 2]
    x.resize_(6)
    assert x.tolist()[:4] == [0, 9, 2, 3] and x.shape == (6,)
    assert x.resize_as_(autograd.zeros(3, 1)).shape == (3, 1)
    with pytest.raises(RuntimeError, match="requires grad"):
        autograd.ones(2, requires_grad=True).resize_(1)


VIEWS = {
    "narrow": lambda x: x.narrow(1, 1, 2),
    "select": lambda x: x.select(1, -1),
    "split": lambda x: x.split(2, 1)[1],
    "chunk": lambda x: x.chunk(2)[0],
    "tensor_split": lambda x: x.tensor_split((1,), 1)[1],
    "unbind": lambda x: x.unbind(1)[0],
    "hsplit": lambda x: x.hsplit(2)[1],
    "unfold": lambda x: x.unfold(1, 2, 2),
    "as_strided": lambda x: x.as_strided((2, 2), (4, 1)),
    "diagonal": lambda x: x.diagonal(),
    "squeeze": lambda x: x.squeeze(),
    "unflatten": lambda x: x.unflatten(1, (2, 2)),
    "expand by 1": lambda x: x.expand(1, 2, 4),
    "movedim": lambda x: x.movedim(0, 1),
    "mT": lambda x: x.mT,
    "H": lambda x: x.H,
    "view as": lambda x: x.view(autograd.int64),
}


@pytest.mark.parametrize("name", VIEWS)
def test_views_share_memory_and_version(name: str) -> None:
    x = autograd.arange(8.0, dtype=autograd.float64).reshape(2, 4).clone()
    v = VIEWS[name](x)
    v.fill_(7)
    assert (x.numpy() == 7).any() or name == "view as"
    assert np.shares_memory(v.numpy(), x.numpy())
    assert x._version == v._version == 1


@pytest.mark.parametrize(
    "view",
    [lambda x: x.expand(3, 2, 4), lambda x: x.unfold(1, 2, 1), lambda x: x.T.expand(2, 4, 2)],
)
def test_views_that_show_an_element_twice_are_not_written_to(view: object) -> None:
    v = view(autograd.zeros(2, 4))  # type: ignore[operator]
    with pytest.raises(RuntimeError, match="clone"):
        v.add_(1)


@pytest.mark.parametrize(
    "parts", [lambda x: x.split(2), lambda x: x.unbind(), lambda x: x.chunk(3)]
)
def test_the_parts_of_a_split_come_from_one_node(parts: object) -> None:
    x = autograd.ones(6, 2, requires_grad=True)
    found = parts(x)  # type: ignore[operator]
    assert len({part.grad_fn for part in found}) == 1
    assert [part.output_nr for part in found] == list(range(len(found)))
    (found[0] * 2 + found[-1] * 3).sum().backward()
    assert x.grad is not None and sorted(set(x.grad.flatten().tolist())) in ([0, 2, 3], [2, 3])
    with pytest.raises(RuntimeError, match="several"):
        parts(x * 1)[0].add_(1)  # type: ignore[operator]
