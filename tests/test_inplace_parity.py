"""Random programs of views, in-place changes and arithmetic, run here and by PyTorch.

Values, gradients and who requires grad must agree wherever both compute. Where one refuses what
the other computes there is nothing to compare; how often that happens is counted and bounded.
"""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

import autograd

torch = pytest.importorskip("torch")
pytestmark = [
    pytest.mark.parity,
    pytest.mark.filterwarnings("ignore:Use of .* on expanded tensors:UserWarning"),
]


def no_grad(op):
    def under_no_grad(lib, x, y, k):
        with lib.no_grad():
            return op(lib, x, y, k)

    return under_no_grad


def set_item(index):
    def op(lib, x, y, k):
        x[index(lib, x, k)] = y if k % 2 else 0.5

    return op


def augment_item(index):
    def op(lib, x, y, k):
        x[index(lib, x, k)] *= 1.5

    return op


def augmented(lib, x, y, k):
    if k == 0:
        x += y
    elif k == 1:
        x -= 0.5
    elif k == 2:
        x *= y
    else:
        x /= 1.5


def mask(lib, x, k):
    return x.detach() > 0.2 * (k - 1)


def indices(lib, values):
    return lib.tensor(values)


# Each op takes (library, two tensors of the pool, a small number); a result joins the pool.
VIEWS = {
    "select": lambda lib, x, y, k: x[k % 2],
    "slice": lambda lib, x, y, k: x[:, k % 2 :] if x.ndim > 1 else x[k % 2 :],
    "none": lambda lib, x, y, k: x[None, ..., 0],
    "t": lambda lib, x, y, k: x.t(),
    "reshape": lambda lib, x, y, k: x.reshape(-1),
    "view": lambda lib, x, y, k: x.view(-1),
    "reshape 2": lambda lib, x, y, k: x.reshape(2, -1),
    "transpose": lambda lib, x, y, k: x.transpose(0, -1),
    "unsqueeze": lambda lib, x, y, k: x.unsqueeze(k % 2),
    "squeeze": lambda lib, x, y, k: x.squeeze(),
    "expand": lambda lib, x, y, k: x.expand(2, *x.shape),
    "unbind": lambda lib, x, y, k: x.unbind(0)[k % 2],
    "split": lambda lib, x, y, k: x.split(2, -1)[0],
    "chunk": lambda lib, x, y, k: x.chunk(2)[-1],
    "narrow": lambda lib, x, y, k: x.narrow(-1, k % 2, 1),
    "select 1": lambda lib, x, y, k: x.select(-1, k % 2),
    "unfold": lambda lib, x, y, k: x.unfold(-1, 1 + k % 2, 2),
    "diagonal": lambda lib, x, y, k: x.diagonal(k - 1, 0, -1),
    "movedim": lambda lib, x, y, k: x.movedim(0, -1),
    "flatten": lambda lib, x, y, k: x.flatten(k % 2),
    "unflatten": lambda lib, x, y, k: x.unflatten(0, (1, -1)),
    "expand_as": lambda lib, x, y, k: x.expand_as(y),
    "detach": lambda lib, x, y, k: x.detach(),
    "select under no_grad": no_grad(lambda lib, x, y, k: x[k % 2]),
}
ARITHMETIC = {
    "add": lambda lib, x, y, k: x + y,
    "mul": lambda lib, x, y, k: x * y,
    "scale": lambda lib, x, y, k: x * 0.75,
    "sin": lambda lib, x, y, k: x.sin(),
    "tanh": lambda lib, x, y, k: x.tanh(),
    "clone": lambda lib, x, y, k: x.clone(),
    "sum": lambda lib, x, y, k: x.sum(0),
    "index": lambda lib, x, y, k: x[[1, 0]],
    "mask": lambda lib, x, y, k: x[mask(lib, x, k)],
}
IN_PLACE = {
    "add_": lambda lib, x, y, k: x.add_(y, alpha=k),
    "add_ number": lambda lib, x, y, k: x.add_(0.5),
    "sub_": lambda lib, x, y, k: x.sub_(y),
    "mul_": lambda lib, x, y, k: x.mul_(y),
    "mul_ number": lambda lib, x, y, k: x.mul_(0.5),
    "sin_": lambda lib, x, y, k: x.sin_(),
    "tanh_": lambda lib, x, y, k: x.tanh_(),
    "sigmoid_": lambda lib, x, y, k: x.sigmoid_(),
    "neg_": lambda lib, x, y, k: x.neg_(),
    "zero_": lambda lib, x, y, k: x.zero_(),
    "fill_": lambda lib, x, y, k: x.fill_(y if k % 2 else 0.25),
    "copy_": lambda lib, x, y, k: x.copy_(y),
    "masked_fill_": lambda lib, x, y, k: x.masked_fill_(mask(lib, x, k), 0.5),
    "index_fill_": lambda lib, x, y, k: x.index_fill_(0, indices(lib, [k % 2]), 0.5),
    "index_add_": lambda lib, x, y, k: x.index_add_(0, indices(lib, [1] * len(y)), y.clone()),
    "index_copy_": lambda lib, x, y, k: x.index_copy_(0, indices(lib, [1, 0]), y.clone()),
    "scatter_": lambda lib, x, y, k: x.scatter_(0, lib.ones_like(y[:1]).long(), y[:1].clone()),
    "index_put_": lambda lib, x, y, k: x.index_put_((indices(lib, [0, 0]),), y[1].clone(), k > 1),
    "put_": lambda lib, x, y, k: x.put_(indices(lib, [2, 0]), y.reshape(-1)[:2].clone()),
    "masked_scatter_": lambda lib, x, y, k: x.masked_scatter_(
        mask(lib, x, k), y.reshape(-1).repeat(36)
    ),
    "t_": lambda lib, x, y, k: x.t_(),
    "transpose_": lambda lib, x, y, k: x.transpose_(0, -1),
    "unsqueeze_": lambda lib, x, y, k: x.unsqueeze_(k % 2),
    "squeeze_": lambda lib, x, y, k: x.squeeze_(),
    "augmented": augmented,
    "x[i] = y": set_item(lambda lib, x, k: k % 2),
    "x[:, i] = y": set_item(lambda lib, x, k: (slice(None), k % 2)),
    "x[1:] = y": set_item(lambda lib, x, k: slice(1, None)),
    "x[list] = y": set_item(lambda lib, x, k: [1, 0]),
    "x[mask] = y": set_item(mask),
    "x[...] = y": set_item(lambda lib, x, k: ...),
    "x[i] *= 1.5": augment_item(lambda lib, x, k: k % 2),
    "x[mask] *= 1.5": augment_item(mask),
    "add_ under no_grad": no_grad(lambda lib, x, y, k: x.add_(0.5)),
    "x[0] = under no_grad": no_grad(set_item(lambda lib, x, k: 0)),
    "detach_": lambda lib, x, y, k: x.detach_(),
    "requires_grad_": lambda lib, x, y, k: x.requires_grad_(),
}
OPS = VIEWS | ARITHMETIC | IN_PLACE
REFUSALS = (RuntimeError, IndexError, ValueError, TypeError)
VALUES = np.random.default_rng(0).normal(size=(3, 2, 3))


def attempt(function, *args):
    """(result, None) or (None, error)."""
    try:
        return function(*args), None
    except REFUSALS as error:
        return None, error


def start(lib):
    """Two leaves, their products (which can be changed in place), and a constant."""
    array = autograd.tensor if lib is autograd else torch.tensor
    a, b = (array(v, requires_grad=True) for v in VALUES[:2])
    return [a, b], [a * 1.0, b * a, array(VALUES[2])]


def array_of(x):
    return x.detach().numpy()


def overlap(x, y):
    return np.shares_memory(x._data, y._data)


def run(program):
    """Runs `program` in both libraries; what happened, as a Counter."""
    counts = Counter()
    (ours_leaves, ours), (their_leaves, theirs) = start(autograd), start(torch)
    for name, i, j, k in program:
        i, j = i % len(ours), j % len(ours)
        if name in IN_PLACE and i != j and overlap(ours[i], ours[j]):
            continue  # PyTorch's result depends on the order in which it writes
        if ours[i].stride() != theirs[i].stride():
            continue  # whether a reshape is a view may differ
        if name == "detach_" and any(x._base is ours[i] for x in ours):
            continue  # which history its views have then depends on when each was last used
        mine, my_error = attempt(OPS[name], autograd, ours[i], ours[j], k)
        their, their_error = attempt(OPS[name], torch, theirs[i], theirs[j], k)
        if (my_error is None) != (their_error is None):
            counts["only we refuse a step" if my_error else "only PyTorch refuses a step"] += 1
            return counts
        counts["steps"] += 1
        if their_error is None and (name in VIEWS or name in ARITHMETIC):
            ours.append(mine)
            theirs.append(their)
    for mine, their in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(array_of(mine), array_of(their), rtol=1e-9, atol=1e-12)
        compare_gradients(mine, their, ours_leaves, their_leaves, counts)
    return counts


def compare_gradients(mine, their, ours_leaves, their_leaves, counts):
    found, my_error = attempt(gradients, autograd, mine, ours_leaves)
    expected, their_error = attempt(gradients, torch, their, their_leaves)
    if my_error is None and their_error is None:
        counts["gradients"] += 1
        np.testing.assert_allclose(found, expected, rtol=1e-8, atol=1e-12)
    elif my_error is None:
        counts["only PyTorch refuses a gradient"] += 1
    elif their_error is None:
        counts["only we refuse a gradient"] += 1
    else:
        counts["both refuse a gradient"] += 1


def gradients(lib, x, leaves):
    """First and second derivatives by the leaves.

    None, not requiring grad and zeros are the same statement here.
    """
    grad = getattr(lib, "autograd", lib).grad
    first = second = [None] * len(leaves)
    if x.requires_grad:
        first = grad((x * x).sum(), leaves, allow_unused=True, create_graph=True)
        squares = [(g * g).sum() for g in first if g is not None and g.requires_grad]
        if squares:
            second = grad(sum(squares), leaves, allow_unused=True, retain_graph=True)
    return [np.zeros((2, 3)) if g is None else array_of(g) for g in (*first, *second)]


steps = st.tuples(
    st.sampled_from(sorted(OPS)), st.integers(0, 9), st.integers(0, 9), st.integers(0, 3)
)


@settings(max_examples=300, deadline=None)
@given(st.lists(steps, max_size=12))
def test_random_programs_agree(program):
    run(program)


def test_refusals_are_rare():
    rng = np.random.default_rng(1)
    names = sorted(OPS)
    total = Counter()
    for _ in range(400):
        total += run(
            [
                (names[rng.integers(len(names))], *map(int, rng.integers(10, size=3)))
                for _ in range(rng.integers(1, 12))
            ]
        )
    assert total["steps"] > 1000 and total["gradients"] > 1000
    # Writing to expanded tensors, and views that PyTorch itself warns of.
    assert total["only we refuse a step"] <= 0.01 * total["steps"]
    assert total["only we refuse a gradient"] <= 0.001 * total["gradients"]
    # Where we compute, what PyTorch refuses was right: copies are saved of what is overwritten.
    assert total["only PyTorch refuses a step"] <= 0.01 * total["steps"]
    assert total["only PyTorch refuses a gradient"] <= 0.2 * total["gradients"]


UNTRACKED = {
    "x.data.mul_": lambda lib, x, y: x.data.mul_(2.0),
    "x.data[0] =": lambda lib, x, y: x.data.__setitem__(0, 5.0),
    "detach().numpy()": lambda lib, x, y: np.multiply(array_of(x), 2.0, out=array_of(x)),
}


@pytest.mark.parametrize("name", UNTRACKED)
def test_changes_that_are_not_tracked(name):
    """Of what was saved, the new values are used: the price of going around the engine."""
    found = []
    for lib in (autograd, torch):
        leaves, (x, y, _) = start(lib)
        z = x * y
        UNTRACKED[name](lib, x, y)
        found.append((array_of(x), gradients(lib, z, leaves)))
    for mine, their in zip(*found, strict=True):
        np.testing.assert_allclose(mine, their)
