"""Checks derivatives against finite differences: `gradcheck`, `gradgradcheck`.

In float64 the central difference (f(x + eps) - f(x - eps)) / 2 eps is exact to about ten digits,
so a rule with a wrong factor, sign or term does not pass. The names, arguments and verdicts are
those of `torch.autograd.gradcheck`.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from .engine import grad
from .errors import described
from .tensor import Tensor, wrap


class GradcheckError(RuntimeError):
    """A derivative that finite differences do not confirm."""


def gradcheck(
    func: Callable[..., Any],
    inputs: Any,
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    raise_exception: bool = True,
    nondet_tol: float = 0.0,
    check_undefined_grad: bool = True,
    check_grad_dtypes: bool = False,
    fast_mode: bool = False,
) -> bool:
    """Whether the gradients of `func(*inputs)` agree with central differences.

    Args:
        func: takes tensors, returns a tensor or several. It must not change its inputs.
        inputs: a tensor or several; those that require grad, in float64, are checked.
        eps: the step of the differences.
        atol, rtol: how far |analytical - numerical| may be from 0: atol + rtol · |numerical|.
        raise_exception: raise a `GradcheckError` that shows both Jacobians and their worst entry,
            instead of returning False.
        nondet_tol: how far two backward passes over the same values may differ.
        check_undefined_grad: also check that gradients for several results add up, and that a
            result without a gradient counts as one with gradient 0.
        check_grad_dtypes: also check that gradients have the dtype of their input.
        fast_mode: compare one random projection of each Jacobian instead of every entry.

    >>> import autograd
    >>> x = autograd.tensor([0.5, 2.0], dtype=autograd.float64, requires_grad=True)
    >>> gradcheck(lambda x: x.sin() * x, x)
    True
    """
    args = _as_tuple(inputs)
    checked = _checked_inputs(args)
    try:
        outputs = _outputs(func, args)
        with_graph = [o for o in outputs if o.requires_grad]
        if not with_graph:
            _check_zero(func, args, checked, eps, atol)
            return True
        _check_reentrant(with_graph, checked, nondet_tol, check_grad_dtypes)
        if fast_mode:
            _check_projections(func, args, outputs, checked, eps, atol, rtol)
        else:
            _check_jacobians(func, args, outputs, checked, eps, atol, rtol)
        if check_undefined_grad and len(with_graph) > 1:
            _check_undefined(with_graph, checked)
    except GradcheckError:
        if raise_exception:
            raise
        return False
    return True


def gradgradcheck(
    func: Callable[..., Any],
    inputs: Any,
    grad_outputs: Any = None,
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    raise_exception: bool = True,
    nondet_tol: float = 0.0,
    check_undefined_grad: bool = True,
    check_grad_dtypes: bool = False,
    fast_mode: bool = False,
) -> bool:
    """Whether the second derivatives of `func(*inputs)` agree with differences of its gradients.

    `grad_outputs` are upstream gradients for the results, by default random ones; derivatives with
    respect to them are checked as well. The other arguments are those of `gradcheck`.

    >>> import autograd
    >>> x = autograd.tensor([0.5, 2.0], dtype=autograd.float64, requires_grad=True)
    >>> gradgradcheck(lambda x: x.sin() * x, x)
    True
    """
    args = _as_tuple(inputs)
    if grad_outputs is None:
        rng = np.random.default_rng(0)  # the same every time: a check must not fail by chance
        upstream = tuple(
            wrap(rng.uniform(0.5, 1.5, o.shape).astype(o.dtype)).requires_grad_()
            for o in _outputs(func, args)
            if o.requires_grad
        )
    else:
        upstream = tuple(g.detach().requires_grad_() for g in _as_tuple(grad_outputs))

    def gradients(*both: Any) -> tuple[Tensor, ...]:
        own, given = both[: len(args)], both[len(args) :]
        outputs = [o for o in _outputs(func, own) if o.requires_grad]
        if not outputs:
            return ()
        found = grad(
            outputs, _requiring_grad(own), list(given), create_graph=True, allow_unused=True
        )
        return tuple(g for g in found if g is not None)

    return gradcheck(
        gradients,
        args + upstream,
        eps=eps,
        atol=atol,
        rtol=rtol,
        raise_exception=raise_exception,
        nondet_tol=nondet_tol,
        check_undefined_grad=check_undefined_grad,
        check_grad_dtypes=check_grad_dtypes,
        fast_mode=fast_mode,
    )


def _as_tuple(value: Any) -> tuple[Any, ...]:
    return tuple(value) if isinstance(value, (tuple, list)) else (value,)


def _requiring_grad(args: Sequence[Any]) -> list[Tensor]:
    return [a for a in args if isinstance(a, Tensor) and a.requires_grad]


def _checked_inputs(args: Sequence[Any]) -> list[Tensor]:
    """The inputs that require grad, after a look at what would make the differences wrong."""
    checked = _requiring_grad(args)
    if not checked:
        raise ValueError("gradcheck: no input requires grad; set requires_grad=True on one")
    for i, a in enumerate(args):
        if not isinstance(a, Tensor) or not a.requires_grad:
            continue
        if a.dtype != np.float64:
            warnings.warn(
                f"gradcheck: input {i} is {described(a)}; the check needs the precision of "
                "float64 and will likely fail. Convert it with .double()",
                UserWarning,
                stacklevel=3,
            )
        strides = zip(a._data.strides, a._data.shape, strict=True)
        if a._data.size and any(step == 0 and n > 1 for step, n in strides):
            raise RuntimeError(
                f"gradcheck: several elements of input {i}, {described(a)}, share one place in "
                "memory (it was expanded), so one cannot be changed alone; use .clone()"
            )
    return checked


def _outputs(func: Callable[..., Any], args: Sequence[Any]) -> list[Tensor]:
    """The floating tensors among the results."""
    results = _as_tuple(func(*args))
    return [r for r in results if isinstance(r, Tensor) and r.dtype.kind == "f"]


# Numerically ---------------------------------------------------------------------------------


def _difference(
    func: Callable[..., Any], args: Sequence[Any], x: Tensor, step: np.ndarray, eps: float
) -> list[np.ndarray]:
    """For each output, its change per unit of change of `x` by `step`."""
    values = x._data
    before = values.copy()
    try:
        values += eps * step
        above = [o._data.copy() for o in _outputs(func, args)]
        values[...] = before - eps * step
        below = [o._data.copy() for o in _outputs(func, args)]
    finally:
        values[...] = before
    with np.errstate(all="ignore"):
        return [(a - b) / (2 * eps) for a, b in zip(above, below, strict=True)]


def _numerical(
    func: Callable[..., Any], args: Sequence[Any], x: Tensor, outputs: list[Tensor], eps: float
) -> list[np.ndarray]:
    """For each output, its Jacobian by `x`: (elements of x, elements of the output)."""
    jacobians = [np.zeros((x._data.size, o._data.size)) for o in outputs]
    step = np.zeros(x._data.shape, x.dtype)
    for row, place in enumerate(np.ndindex(step.shape)):
        step[place] = 1
        for jacobian, column in zip(jacobians, _difference(func, args, x, step, eps), strict=True):
            jacobian[row] = column.reshape(-1)
        step[place] = 0
    return jacobians


# Analytically --------------------------------------------------------------------------------


def _vjp(outputs: Any, inputs: list[Tensor], upstream: Any) -> list[np.ndarray]:
    """The gradients of `inputs`, zeros where there is no path."""
    found = grad(outputs, inputs, upstream, retain_graph=True, allow_unused=True)
    return [
        np.zeros(x._data.shape) if g is None else g._data
        for g, x in zip(found, inputs, strict=True)
    ]


def _analytical(output: Tensor, inputs: list[Tensor]) -> list[np.ndarray]:
    """For each input, the Jacobian of `output`: (elements of the input, elements of the output)."""
    jacobians = [np.zeros((x._data.size, output._data.size)) for x in inputs]
    if not output.requires_grad:
        return jacobians
    upstream = np.zeros(output._data.shape, output.dtype)
    for column, place in enumerate(np.ndindex(upstream.shape)):
        upstream[place] = 1
        for jacobian, g in zip(jacobians, _vjp(output, inputs, wrap(upstream)), strict=True):
            jacobian[:, column] = g.reshape(-1)
        upstream[place] = 0
    return jacobians


# Comparisons ---------------------------------------------------------------------------------


def _check_jacobians(
    func: Any, args: Any, outputs: Any, checked: Any, eps: float, atol: float, rtol: float
) -> None:
    numerical = [_numerical(func, args, x, outputs, eps) for x in checked]
    for j, output in enumerate(outputs):
        for i, analytical in enumerate(_analytical(output, checked)):
            expected = numerical[i][j]
            wrong = _excess(analytical, expected, atol, rtol)
            if not (wrong <= 0).all():
                raise GradcheckError(
                    _mismatch(i, j, checked[i], output, expected, analytical, wrong)
                )


def _excess(a: np.ndarray, n: np.ndarray, atol: float, rtol: float) -> np.ndarray:
    """By how much `a` is further from `n` than allowed; infinite for NaN."""
    with np.errstate(all="ignore"):
        excess = np.abs(a - n) - (atol + rtol * np.abs(n))
    return np.where(np.isnan(excess), np.inf, excess)


def _mismatch(
    i: int, j: int, x: Tensor, output: Tensor, numerical: Any, analytical: Any, wrong: Any
) -> str:
    row, column = np.unravel_index(wrong.argmax(), wrong.shape)
    at_x = list(map(int, np.unravel_index(row, x._data.shape))) if x.ndim else ""
    at_o = list(map(int, np.unravel_index(column, output._data.shape))) if output.ndim else ""
    n, a = numerical[row, column], analytical[row, column]
    with np.printoptions(precision=6, suppress=True, threshold=200):
        return (
            f"Jacobian mismatch for output {j} with respect to input {i} (rows: elements of the "
            f"input {described(x)}, columns: elements of the output {described(output)}),\n"
            f"numerical:\n{numerical}\nanalytical:\n{analytical}\n"
            f"worst entry: d output{j}{at_o} / d input{i}{at_x}: numerical {n:.9g}, "
            f"analytical {a:.9g}, difference {abs(a - n):.3g}"
        )


def _check_projections(
    func: Any, args: Any, outputs: Any, checked: Any, eps: float, atol: float, rtol: float
) -> None:
    """vᵀJu for one random u and v per Jacobian; where it is off, every entry for the message."""
    rng = np.random.default_rng(0)
    upstream = [rng.standard_normal(o.shape) for o in outputs]
    for i, x in enumerate(checked):
        u = rng.standard_normal(x.shape)
        u /= max(float(np.linalg.norm(u)), 1e-300)
        differences = _difference(func, args, x, u, eps)
        for j, (output, v) in enumerate(zip(outputs, upstream, strict=True)):
            numerical = np.vdot(v, differences[j])
            g = _vjp(output, [x], wrap(v))[0] if output.requires_grad else np.zeros(x.shape)
            analytical = np.vdot(g, u)
            # A projection adds up the allowed errors of all entries.
            allowed = atol * np.abs(v).sum() * np.abs(u).sum() + rtol * abs(numerical)
            if not abs(analytical - numerical) <= allowed:
                _check_jacobians(func, args, outputs, checked, eps, atol, rtol)
                raise GradcheckError(
                    f"Jacobian mismatch for output {j} with respect to input {i} in a random "
                    f"projection: numerical {numerical:.9g}, analytical {analytical:.9g}"
                )


def _check_zero(func: Any, args: Any, checked: Any, eps: float, atol: float) -> None:
    """Without a graph, the outputs must really not depend on the inputs."""
    for i, x in enumerate(checked):
        for j, jacobian in enumerate(_numerical(func, args, x, _outputs(func, args), eps)):
            if not (np.abs(jacobian) <= atol).all():
                raise GradcheckError(
                    f"output {j} does not require grad, but it changes with input {i}; numerical:\n"
                    f"{jacobian}"
                )


def _check_reentrant(outputs: Any, checked: Any, nondet_tol: float, dtypes: bool) -> None:
    """The same backward pass twice must give the same."""
    upstream = [wrap(v) for v in _random_like(outputs)]
    first, second = _vjp(outputs, checked, upstream), _vjp(outputs, checked, upstream)
    for i, (a, b, x) in enumerate(zip(first, second, checked, strict=True)):
        if a.shape != x._data.shape or (dtypes and a.dtype != x.dtype):
            raise GradcheckError(
                f"the gradient of input {i} is {described(a)}, the input is {described(x)}"
            )
        if not np.allclose(a, b, rtol=0, atol=nondet_tol, equal_nan=True):
            raise GradcheckError(
                f"Backward is not reentrant: two passes with the same values gave gradients of "
                f"input {i} that differ by up to {np.abs(a - b).max():.3g} (nondet_tol is "
                f"{nondet_tol}). First:\n{a}\nsecond:\n{b}"
            )


def _check_undefined(outputs: Any, checked: Any) -> None:
    """Gradients for all results at once must be the sum of those for one and none for the rest."""
    upstream = [wrap(v) for v in _random_like(outputs)]
    together = _vjp(outputs, checked, upstream)
    alone = [_vjp(o, checked, g) for o, g in zip(outputs, upstream, strict=True)]
    for i, total in enumerate(together):
        parts = sum(part[i] for part in alone)
        if not np.allclose(total, parts, rtol=1e-6, atol=1e-9, equal_nan=True):
            raise GradcheckError(
                f"the gradients of input {i} do not add up over the results: all at once:\n"
                f"{total}\none by one, with no gradient for the others:\n{parts}\n"
                "backward must treat a gradient of None as zeros"
            )


def _random_like(outputs: Sequence[Tensor]) -> Iterator[np.ndarray]:
    rng = np.random.default_rng(1)
    for o in outputs:
        yield rng.standard_normal(o._data.shape).astype(o.dtype)
