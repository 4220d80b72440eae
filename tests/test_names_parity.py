"""Small functions and methods that programs lean on, called here and in PyTorch."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import autograd

pytest.importorskip("torch")
pytestmark = pytest.mark.parity

CALLS = {
    "detach": lambda lib: lib.detach(lib.ones(2)).tolist(),
    "is_signed": lambda lib: [lib.is_signed(lib.ones(1, dtype=d)) for d in (lib.int8, lib.uint8)],
    "is_same_size": lambda lib: lib.is_same_size(lib.ones(2), lib.ones(3)),
    "get_device": lambda lib: lib.get_device(lib.ones(2)),
    "typename": lambda lib: [
        lib.typename(lib.ones(1)).rpartition(".")[2],
        lib.typename(1),
        lib.typename(np.ones(1)),
    ],
    "_is_view": lambda lib: [x._is_view() for x in (lib.ones(2), lib.ones(2)[:1])],
    "is_pinned": lambda lib: [getattr(lib.ones(1), n)() for n in ("is_pinned", "is_shared")],
    "generator's device": lambda lib: lib.Generator().device.type,
    "hamming_window": lambda lib: np.round(
        [w.tolist() for w in (lib.hamming_window(4, True, 0.6, 0.4), lib.hamming_window(4, False))],
        6,
    ).tolist(),
    "linalg.matmul": lambda lib: lib.linalg.matmul(lib.ones(2, 2), lib.ones(2)).tolist(),
    "linalg.LinAlgError": lambda lib: _raised(lib, lib.linalg.LinAlgError),
    "save_on_cpu": lambda lib: _saved(lib),
    "selu_": lambda lib: lib.celu_(lib.selu_(lib.ones(1))).tolist(),
    "aux leaves the graph": lambda lib: (
        lib.func.vjp(lambda x: (x**2, x * 2), lib.ones(2), has_aux=True)[2].requires_grad
    ),
    "index by an element of a batch": lambda lib: lib.func.vmap(lambda x, i: x[i])(
        lib.arange(6.0).reshape(2, 3), lib.tensor([2, 0])
    ).tolist(),
}


def _raised(lib: Any, error: Any) -> bool:
    with pytest.raises(error):
        lib.linalg.inv(lib.zeros(2, 2))
    return issubclass(error, RuntimeError)


def _saved(lib: Any) -> list[float]:
    x = lib.ones(2, requires_grad=True)
    graph = lib.autograd.graph
    with graph.save_on_cpu():
        (x * x).sum().backward()
    return x.grad.tolist()


@pytest.mark.parametrize("name", CALLS)
def test_call(name: str, torch: Any) -> None:
    assert CALLS[name](autograd) == CALLS[name](torch)


PAIRS = [
    ([1.0, 2.0], [1.0, 2.0 + 1e-9], {}),
    ([1.0, 2.0], [1.0, 2.1], {}),
    ([1.0, 2.0], [1.0, 2.1], {"rtol": 0.1, "atol": 0.0}),
    ([1.0, 2.0], [1.0, 2.0, 3.0], {}),
    ([1, 2], [1, 2], {}),
    ([1, 2], [1, 3], {}),
    ([1, 2], [1.0, 2.0], {}),
    ([1, 2], [1.0, 2.0], {"check_dtype": False}),
    ([np.nan], [np.nan], {}),
    ([np.nan], [np.nan], {"equal_nan": True}),
    ([True], [False], {}),
    ([np.inf], [np.inf], {}),
    (0.0, 1e-6, {}),
]


@pytest.mark.parametrize(("a", "b", "options"), PAIRS)
def test_assert_close(a: Any, b: Any, options: dict[str, Any], torch: Any) -> None:
    """It passes where PyTorch's does, for tensors as well as in sequences and mappings of them."""
    for wrapped in (lambda x: x, lambda x: [x], lambda x: {"k": (x, x)}):
        outcomes = []
        for lib in (autograd, torch):
            x, y = wrapped(lib.tensor(a)), wrapped(lib.tensor(b))
            try:
                lib.testing.assert_close(x, y, **options)
                outcomes.append("")
            except AssertionError as error:
                outcomes.append(str(error))
        ours, theirs = outcomes
        assert bool(ours) == bool(theirs), outcomes
        assert ours.partition("\n")[0].split("(")[0][:30] == theirs.partition("\n")[0][:30]


def test_assert_close_says_where() -> None:
    with pytest.raises(AssertionError, match=r"(?s)1 / 2 \(50.0%\).*0.5 at index \(1,\).*\['k'\]"):
        autograd.testing.assert_close({"k": autograd.ones(2)}, {"k": autograd.tensor([1.0, 1.5])})
    with pytest.raises(AssertionError, match="mine"):
        autograd.testing.assert_close(1.0, 2.0, msg="mine")
    with pytest.raises(ValueError, match="both rtol and atol"):
        autograd.testing.assert_close(1.0, 2.0, rtol=0.1)


@pytest.mark.parametrize("weighted", ["cross_entropy", "nll_loss", "multi_margin_loss"])
def test_weights_of_classes_have_no_gradient(weighted: str, torch: Any) -> None:
    """An error as in PyTorch: a gradient that never comes would be a wrong one."""
    for lib in (autograd, torch):
        scores, target = lib.ones(2, 3), lib.tensor([0, 1])
        w = lib.ones(3, requires_grad=True)
        function = getattr(lib.nn.functional, weighted)
        with pytest.raises(RuntimeError):
            function(scores, target, weight=w)
        assert function(scores, target, weight=w.detach()).ndim == 0


@pytest.mark.parametrize("uplo", ["L", "U"])
def test_gradients_of_eigh_are_symmetric(uplo: str, torch: Any) -> None:
    """Also where the matrix is not: one triangle of it is read."""
    a = np.random.default_rng(0).normal(size=(4, 4))
    w = np.random.default_rng(1).normal(size=(4, 4))
    found = []
    for lib, grad in ((autograd, autograd.grad), (torch, torch.autograd.grad)):
        x = lib.from_numpy(a.copy()).requires_grad_()
        values, vectors = lib.linalg.eigh(x, UPLO=uplo)
        (g,) = grad(
            (vectors.abs() * lib.from_numpy(w)).sum() + values[1] ** 2, x, create_graph=True
        )
        (h,) = grad((g * lib.from_numpy(w.T)).sum(), x)
        found.append((g.detach().numpy(), h.numpy()))
    for ours, theirs in zip(*found, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-7)


def test_full_svd_has_gradients_of_what_is_determined(torch: Any) -> None:
    a = np.random.default_rng(0).normal(size=(2, 5, 3))
    for shape in ((0, 1, 2), (0, 2, 1)):
        found = []
        for lib, grad in ((autograd, autograd.grad), (torch, torch.autograd.grad)):
            x = lib.from_numpy(a.transpose(shape).copy()).requires_grad_()
            u, s, vh = lib.linalg.svd(x)
            loss = (s**3).sum() + u[..., 0, :3].abs().sum() + vh[..., :3, 0].abs().sum()
            (g,) = grad(loss, x, create_graph=True)
            (h,) = grad((g**2).sum(), x)
            found.append((g.detach().numpy(), h.numpy()))
        for ours, theirs in zip(*found, strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=1e-7, atol=1e-9)


EDGES = {
    "whole numbers between cast ends": lambda lib: (
        [
            lib.linspace(*ends, dtype=lib.int64).tolist()
            for ends in ((4.3, -3, 50), (1.9, 7.9, 5), (-3.7, 3.7, 7))
        ]
        + lib.logspace(0.5, 3.9, 5, dtype=lib.int64).tolist()
    ),
    "integer factors are cut": lambda lib: [
        lib.addmm(i := lib.arange(4).reshape(2, 2), i, i, beta=0.6, alpha=1.7).tolist(),
        lib.addmv(i[0], i, i[1], beta=1.6, alpha=2.7).tolist(),
        lib.baddbmm(i[None], i[None], i[None], beta=1.6, alpha=0.7).tolist(),
    ],
    "norms of empty matrices": lambda lib: [
        lib.linalg.matrix_norm(lib.zeros(3, 0), order).item() for order in (1, 2, float("inf"))
    ],
    "tolerances as tensors": lambda lib: [
        lib.linalg.matrix_rank(lib.eye(3), atol=lib.tensor(2.0)).item(),
        list(lib.linalg.matrix_rank(lib.zeros(0, 5, 5), atol=lib.zeros(0)).shape),
    ],
    "two numbers": lambda lib: [lib.add(2, 3).item(), lib.mul(2.0, 3).item()],
    "one number's powers": lambda lib: lib.linalg.vander(lib.tensor(2.0), N=3).tolist(),
    "matrices without an inverse": lambda lib: [
        getattr(lib.linalg, name)(*args).info.tolist()
        for a in ([[0.0, 0.0], [0.0, 1.0]], [[1.0, 2.0], [2.0, 4.0]], [[[1.0]], [[-1.0]], [[0.0]]])
        for name, args in (
            ("inv_ex", [lib.tensor(a)]),
            ("cholesky_ex", [lib.tensor(a)]),
            ("solve_ex", [lib.tensor(a), lib.ones(len(a[0]), 1)]),
        )
    ],
    "the inverses beside one that is missing": lambda lib: (
        lib.linalg.inv_ex(lib.tensor([[[2.0]], [[0.0]], [[4.0]]])).inverse[::2].tolist()
    ),
    "LU of nothing": lambda lib: [
        [list(part.shape) for part in lib.linalg.lu(lib.zeros(*shape))]
        for shape in ((0, 0), (3, 0), (0, 3, 3))
    ],
    "index without elements": lambda lib: list(
        lib.ones(5).gather(0, lib.zeros(2, 0, dtype=lib.int64)).shape
    ),
}


@pytest.mark.parametrize("name", EDGES)
def test_edges(name: str, torch: Any) -> None:
    assert EDGES[name](autograd) == EDGES[name](torch)


@pytest.mark.parametrize("name", ["inv_ex", "cholesky_ex"])
def test_errors_of_matrices_can_be_asked_for(name: str, torch: Any) -> None:
    for lib in (autograd, torch):
        with pytest.raises(lib.linalg.LinAlgError, match=f"linalg.{name}.*1"):
            getattr(lib.linalg, name)(lib.zeros(2, 2), check_errors=True)
