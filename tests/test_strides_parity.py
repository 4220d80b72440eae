"""`as_strided` on tensors of every layout beside PyTorch: values, derivatives, in-place changes."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest

import autograd

pytest.importorskip("torch")
pytestmark = pytest.mark.parity

LAYOUTS = {
    "contiguous": lambda b: b,
    "slice": lambda b: b[1:, ::2],
    "transposed": lambda b: b.t(),
    "row": lambda b: b[2],
    "element": lambda b: b[1, 2],
    "expanded": lambda b: b[:1].expand(3, 6),
    "columns": lambda b: b.t()[2:4],
    "detached": lambda b: b.t().detach(),
}


def drawn(seed: int) -> tuple[list[int], list[int], int | None]:
    rng = random.Random(seed)
    n = rng.randint(0, 3)
    size = [rng.randint(rng.random() > 0.1, 3) for _ in range(n)]
    offset = rng.choice([None, None, 0, 1, 3, 7, 20, -1])
    return size, [rng.randint(0, 5) for _ in range(n)], offset


def views(m: Any, layout: str, arguments: Any) -> tuple[Any, Any, Any]:
    x = m.tensor(np.arange(24.0).reshape(4, 6), requires_grad=True)
    base = x * 1
    return x, base, LAYOUTS[layout](base).as_strided(*arguments)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_as_strided(layout: str, torch: Any) -> None:
    for seed in range(40):
        arguments = drawn(seed)
        try:
            x, _, theirs = views(torch, layout, arguments)
        except RuntimeError:
            with pytest.raises(RuntimeError, match="as_strided"):
                views(autograd, layout, arguments)
            continue
        ours_x, _, ours = views(autograd, layout, arguments)
        np.testing.assert_array_equal(ours.detach().numpy(), theirs.detach().numpy())
        assert ours.requires_grad == theirs.requires_grad
        assert not theirs.numel() or ours.storage_offset() == theirs.storage_offset()
        if theirs.requires_grad:
            weights = np.cos(np.arange(theirs.numel())).reshape(theirs.shape)
            expected = second_order(torch, torch.autograd.grad, x, theirs, weights)
            found = second_order(autograd, autograd.grad, ours_x, ours, weights)
            np.testing.assert_allclose(found, expected, err_msg=str(arguments))


def second_order(m: Any, grad: Any, x: Any, y: Any, weights: Any) -> list[Any]:
    (g,) = grad((y * y * m.tensor(weights)).sum(), x, create_graph=True)
    (h,) = grad((g * g).sum() + (x * 0).sum(), x)
    return [g.detach().numpy(), h.numpy()]


@pytest.mark.parametrize("layout", [k for k in LAYOUTS if k not in ("detached", "expanded")])
def test_changed_in_place(layout: str, torch: Any) -> None:
    """The base's values and gradient are PyTorch's, or an error says that they would not be."""
    compared = 0
    for seed in range(60):
        arguments = drawn(seed)
        try:
            x, base, theirs = views(torch, layout, arguments)
            theirs.mul_(3.0)
        except RuntimeError:
            continue
        ours_x, ours_base, ours = views(autograd, layout, arguments)
        try:
            ours.mul_(3.0)
        except RuntimeError as error:
            assert "share one place" in str(error) or "is a view made" in str(error)
            continue
        np.testing.assert_array_equal(ours_base.detach().numpy(), base.detach().numpy())
        (expected,) = torch.autograd.grad((base * base).sum(), x)
        (found,) = autograd.grad((ours_base * ours_base).sum(), ours_x)
        np.testing.assert_array_equal(found.numpy(), expected.numpy(), err_msg=str(arguments))
        compared += 1
    assert compared > 2


USES = {
    "transposed": lambda m, x: x.t() * m.ones(3, 2),
    "right factor": lambda m, x: m.ones(4, 3) @ x.t(),
    "left factor": lambda m, x: x @ m.ones(3, 4),
    "summed": lambda m, x: x.sum(0),
    "expanded": lambda m, x: x.expand(4, 2, 3).permute(2, 0, 1),
    "cast": lambda m, x: x.double().t() * m.ones(3, 2, dtype=m.float64),
    "indexed": lambda m, x: x[:, [0, 0]],
}


@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize("transposed", [False, True])
def test_a_gradient_lies_as_its_leaf_does(use: str, transposed: bool, torch: Any) -> None:
    """So that what can be done with `p.view(-1)` can be done with `p.grad.view(-1)`."""
    strides = []
    for m in (autograd, torch):
        x = (m.ones(3, 2).t() if transposed else m.ones(2, 3)).requires_grad_()
        USES[use](m, x).sum().backward()
        strides.append(x.grad.stride())
    assert strides[0] == strides[1]
