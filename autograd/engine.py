"""The backward pass: the tape, one step per node, and what is done with the gradients.

`backward_steps` is a generator that yields after each node. `backward()` and `grad()` exhaust it;
the stepper pauses it, so what a stepper shows is what `backward()` computes. Nothing recurses, so
a chain of a million nodes is as good as one of ten.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator, Sequence
from operator import attrgetter
from typing import Any

import numpy as np

from .batching.samples import vjp_in_batch
from .errors import GraphError, ShapeError, described, placed
from .function import Node, Output
from .grad_mode import mode, set_grad_enabled
from .hooks import Pass, run_hooks
from .leaf import Leaf, in_layout_of, laid_out_as
from .roots import check_inputs, roots_of, sequence_of
from .tensor import Tensor, wrap


def backward(
    tensors: Any,
    grad_tensors: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    inputs: Any = None,
) -> None:
    """Adds the gradients of `tensors` to the `.grad` of the leaves (or of `inputs` only).

    >>> import autograd
    >>> x = autograd.tensor([1.0, 2.0], requires_grad=True)
    >>> autograd.backward([x.sum(), (x * x).sum()])
    >>> x.grad
    tensor([3., 5.])
    """
    if mode.levels:
        raise RuntimeError(
            "backward() called inside a functorch transform. This is not supported, please use "
            "func.grad or func.vjp instead or call backward() outside of vmap."
        )
    if inputs is not None:
        inputs = list(dict.fromkeys(sequence_of(inputs)))
        if not inputs:
            raise RuntimeError("backward: `inputs` is empty; leave it out for all leaves")
        check_inputs(inputs, "backward")
    for watcher in mode.watchers:
        if watcher.backward(tensors, grad_tensors, retain_graph, create_graph, inputs):
            return
    roots, seeds = roots_of(sequence_of(tensors), grad_tensors, create_graph, "backward")
    table = _run(roots, seeds, retain_graph, create_graph, inputs)
    for target, (g, owned) in table.items():
        if type(target) is Leaf and (leaf := target.variable) is not None:
            accumulate(leaf, g, owned, create_graph)
    for x in inputs or ():
        if not x.is_leaf and x._edge in table:
            accumulate(x, *table[x._edge], create_graph)


def grad(
    outputs: Any,
    inputs: Any,
    grad_outputs: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    only_inputs: bool = True,
    allow_unused: bool | None = None,
    is_grads_batched: bool = False,
    materialize_grads: bool = False,
) -> tuple[Tensor | None, ...]:
    """The gradients of the sum of `outputs` with respect to `inputs`; no `.grad` is touched.

    An input that the outputs do not depend on is an error, unless `allow_unused` (its gradient
    is None) or `materialize_grads` (it is zeros). With `is_grads_batched`, `grad_outputs` have a
    first dimension more, as do the results: one backward pass finds the gradients for each entry.
    `only_inputs` is there for old programs: only the gradients of the inputs are ever computed.

    >>> import autograd
    >>> x = autograd.tensor(3.0, requires_grad=True)
    >>> (dx,) = autograd.grad(x**2, x, create_graph=True)
    >>> dx, autograd.grad(dx, x)
    (tensor(6., grad_fn=<MulBackward0>), (tensor(2.),))
    """
    if materialize_grads and allow_unused is False:
        raise ValueError("grad: materialize_grads=True needs allow_unused=True, or leave it out")
    if is_grads_batched:
        from .batching.transform import gradients_in_batch

        options = (retain_graph, create_graph, True, allow_unused, False, materialize_grads)
        vectors = sequence_of(grad_outputs)
        return gradients_in_batch(lambda *vs: grad(outputs, inputs, vs, *options), vectors)
    inputs = sequence_of(inputs)
    if not inputs:
        raise RuntimeError("grad: `inputs` is empty; name the tensors to differentiate by")
    check_inputs(inputs, "grad")
    roots, seeds = roots_of(sequence_of(outputs), grad_outputs, create_graph, "grad")
    table = _run(roots, seeds, retain_graph, create_graph, inputs)
    results: list[Tensor | None] = []
    shared = {id(seed) for seed in seeds}
    for i, x in enumerate(inputs):
        target = target_of(x)
        found = table.get(target)
        if found is None and materialize_grads:
            results.append(wrap(np.zeros_like(x._data)))
        elif found is None:
            if not allow_unused:
                raise RuntimeError(
                    f"grad: the outputs do not depend on input {i}, {described(x)}; set "
                    "allow_unused=True to get None for it"
                )
            results.append(None)
        else:
            g, owned = found
            if not create_graph:
                table[target] = (g, False)  # an input may come twice
                g = wrap(g if owned else g.copy("K"))
            elif id(g) in shared or g._base is not None:
                g = g.clone()
            shared.add(id(g))
            results.append(g)
    return tuple(results)


def tape(roots: Sequence[Tensor]) -> list[Node]:
    """The nodes that `roots` depend on, in the order in which they were recorded."""
    targets = [target_of(root) for root in roots if root.requires_grad]
    found = set(targets)
    for target in targets:  # grows as the loop goes on
        for edge in target.edges:
            if edge is not None and edge not in found:
                found.add(edge)
                targets.append(edge)
    nodes = [target for target in targets if target.sequence >= 0]
    nodes.sort(key=_recorded)
    return nodes


_recorded = attrgetter("sequence")


def backward_steps(
    order: Sequence[Node],
    table: dict[Any, Any],
    *,
    graph: bool = False,
    retain: bool = False,
    edges_of: dict[Node, Any] | None = None,
    keep: bool = False,
    owned: set[Any] | None = None,
    pause: bool = True,
) -> Iterator[tuple[Node, Any, list[Any]]]:
    """Walks `order` (newest first), yielding (node, upstream gradient, contributions) after each.

    `table` maps a target (`Node`, `Output` or `Leaf`) to the gradient gathered so far and is
    changed as the walk goes on; a node's own entry is taken out when its turn comes. `edges_of`
    limits nodes to some of their edges. `keep` promises the caller that no array it was shown is
    changed later. `owned` receives the targets whose array nobody else refers to. Without `pause`
    nothing is yielded: the first `next` runs the whole walk.
    """
    owned = set() if owned is None else owned
    reuse = not (graph or keep)
    take, find = table.pop, table.get
    for node in order:
        if node._outputs is None and node.hooks is None:
            g = take(node, None)
        else:
            g = _upstream(node, table, graph)
        if g is None:
            continue
        edges = node.edges if edges_of is None else edges_of[node]
        try:
            contributions = node.vjp(g, graph, edges)
        except GraphError:
            raise
        except Exception as error:
            contributions = vjp_in_batch(node, g, graph, edges)
            if contributions is None:
                error.add_note(
                    f"in the backward pass of {node!r} (its result was {described(node)})"
                    f"{placed(node)}"
                )
                raise
        if keep:
            contributions = [
                c if edge is None or c is None else fitted(c, edge, node)
                for edge, c in zip(edges, contributions, strict=True)
            ]
        i = -1
        for edge in edges:  # with zip, a pass over small arrays takes a twentieth longer
            i += 1
            c = contributions[i]
            if edge is None or c is None:
                continue
            if c.shape != edge.shape or c.dtype is not edge.dtype:
                c = fitted(c, edge, node)
            before = find(edge)
            if before is None:
                table[edge] = c
                # `g` itself, or a view that may show it, is held by other targets too.
                if type(edge) is Leaf and (
                    reuse
                    and node.makes_own_gradients
                    and c is not g
                    and type(c) is np.ndarray
                    and c.base is None
                ):
                    owned.add(edge)
            elif edge in owned:
                if keep:
                    table[edge] = before = before.copy(order="K")  # the same layout as in place
                before += c
            else:
                table[edge] = before = before + c
                if not graph and type(before) is np.ndarray:
                    owned.add(edge)
        if node.frees and not retain:
            node.args = None
        if pause:
            yield node, g, contributions


def _upstream(node: Node, table: dict[Any, Any], graph: bool) -> Any:
    """Takes the complete gradient of `node` out of the table, after its hooks; None if none came.

    For a node with several results it is a list.
    """
    outputs = node.outputs
    if outputs is None:
        g = table.pop(node, None)
        return hooked(node, g, graph) if node.hooks and g is not None else g
    parts = [table.pop(output, None) for output in outputs]
    if all(part is None for part in parts):
        return None
    return [
        hooked(o, part, graph) if o.hooks and part is not None else part
        for o, part in zip(outputs, parts, strict=True)
    ]


def hooked(target: Any, g: Any, graph: bool) -> Any:
    """The gradient `g` of `target` after the hooks on it."""
    result = run_hooks(target.hooks, g if graph else wrap(g))
    return result if graph else result._data


def fitted(c: Any, edge: Any, node: Node) -> Any:
    """The contribution `c` in the shape and dtype of what it is a gradient of."""
    if c.shape != edge.shape:
        c = unbroadcast(c, edge.shape, node)
    if c.dtype == edge.dtype:
        return c
    return c.to(edge.dtype) if isinstance(c, Tensor) else c.astype(edge.dtype)


def unbroadcast(g: Any, shape: tuple[int, ...], node: Node) -> Any:
    """Sums `g` over the dimensions that broadcasting had added or stretched.

    >>> unbroadcast(np.ones((4, 3)), (3,), Node())
    array([4., 4., 4.])
    """
    extra = g.ndim - len(shape)
    if extra > 0 and g.shape[extra:] == shape:
        return g.sum(axis=tuple(range(extra)))
    stretched = tuple(
        i for i in range(g.ndim) if i < extra or (shape[i - extra] == 1 and g.shape[i] != 1)
    )
    summed = g.sum(axis=stretched, keepdims=True) if stretched else g
    if extra >= 0 and summed.shape[extra:] == tuple(shape):
        return summed.reshape(shape)
    raise ShapeError(
        f"{node!r} returned a gradient of shape {tuple(g.shape)} for an input of shape "
        f"{tuple(shape)}; it must have that shape or broadcast from it"
    )


def _run(
    roots: list[Tensor],
    seeds: list[Any],
    retain_graph: bool | None,
    create_graph: bool,
    inputs: Sequence[Tensor] | None,
) -> dict[Any, tuple[Any, bool]]:
    """Runs the pass and returns each target's (gradient, owned): leaves, or `inputs` if given."""
    order = tape(roots)
    order.reverse()
    wanted = None if inputs is None else {target_of(x) for x in inputs}
    edges_of = None if wanted is None else _needed_edges(order, wanted)
    if edges_of is not None:
        order = [node for node in order if node in edges_of]
    table: dict[Any, Any] = {}
    owned: set[Any] = set()
    for root, seed in zip(roots, seeds, strict=True):
        target = target_of(root)
        table[target] = seed if target not in table else table[target] + seed
    captured: dict[Any, tuple[Any, bool]] = {}
    retain = create_graph if retain_graph is None else retain_graph
    inner = None if wanted is None else {w for w in wanted if type(w) is not Leaf}
    steps = backward_steps(
        order,
        table,
        graph=create_graph,
        retain=retain,
        edges_of=edges_of,
        owned=owned,
        pause=bool(inner) or mode.anomaly is not None,
    )
    running = Pass(order, table, edges_of, wanted)
    with set_grad_enabled(create_graph), np.errstate(all="ignore"), running:
        if mode.anomaly is not None:
            steps = mode.anomaly(steps, roots)
        if not inner:
            deque(steps, maxlen=0)
        else:
            for node, g, _ in steps:
                for target, part in _parts(node, g):
                    if target in inner and part is not None:
                        captured[target] = (part, False)
        if mode.watchers and not retain:
            for watcher in mode.watchers:
                watcher.freed(order)
        for target, g in table.items():
            if wanted is None or target in wanted:
                if target.hooks:
                    captured[target] = (hooked(target, g, create_graph), False)
                else:
                    captured[target] = (g, target in owned)
    return captured


def _parts(node: Node, g: Any) -> Any:
    outputs = node.outputs
    return [(node, g)] if outputs is None else zip(outputs, g, strict=True)


def _needed_edges(order: Sequence[Node], wanted: set[Any]) -> dict[Node, Any]:
    """For each node that leads to a wanted target, its edges with the useless ones blanked."""
    needed: dict[Node, Any] = {}
    for node in reversed(order):
        edges = [
            edge
            if edge is not None
            and (edge in wanted or (edge.node if type(edge) is Output else edge) in needed)
            else None
            for edge in node.edges
        ]
        if any(edge is not None for edge in edges):
            needed[node] = edges
    return needed


def accumulate(x: Tensor, g: Any, owned: bool, graph: bool) -> None:
    """Adds a finished gradient to `x.grad`; never hands out an array that something else holds."""
    with _accumulating:
        if x._grad is None:
            if graph:
                x._grad = g.clone()
            else:
                x._grad = wrap(g if owned and laid_out_as(g, x._data) else in_layout_of(x._data, g))
        elif graph:
            x._grad = x._grad + g
        else:
            total = x._grad._data
            with np.errstate(all="ignore"):
                np.add(total, g, out=total)
            x._grad._versions().n += 1
    if x._post_hooks:
        for hook in list(x._post_hooks.values()):
            hook(x)


_accumulating = threading.RLock()  # leaves are shared between threads


def target_of(x: Tensor) -> Any:
    """What the table calls `x`: its `Node`, `Output` or `Leaf`."""
    if x._base is not None:
        x._follow_base()
    return x._edge
