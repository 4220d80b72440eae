"""Normalization and padding."""

from __future__ import annotations

import numpy as np

from .table import Row, bad, call, edge, exact, pos, x

F = "nn.functional."


def per_channel(p, ndim):
    return 0.0 if p is None else p.reshape(-1, *(1,) * (ndim - 2))


def affine(y, w, b):
    y = y if w is None else y * per_channel(w, y.ndim)
    return y + per_channel(b, y.ndim)


def standard(a, axes, eps):
    mean, var = a.mean(axes, keepdims=True), a.var(axes, keepdims=True)
    return (a - mean) / np.sqrt(var + eps)


def layer(a, shape, w=1.0, b=0.0, eps=1e-5):
    return standard(a, tuple(range(-len(shape), 0)), eps) * w + b


def rms(a, shape, w=1.0, eps=None):
    eps = np.finfo(np.float64).eps if eps is None else eps
    return a / np.sqrt((a * a).mean(tuple(range(-len(shape), 0)), keepdims=True) + eps) * w


def group(a, groups, w=None, b=None, eps=1e-5):
    return affine(standard(a.reshape(len(a), groups, -1), 2, eps).reshape(a.shape), w, b)


def move(running, value, momentum):
    if running is not None:
        running += momentum * (value - running)


def batch(a, mean, var, w=None, b=None, training=False, momentum=0.1, eps=1e-5):
    if training:
        axes = (0, *range(2, a.ndim))
        move(mean, a.mean(axes), momentum)
        move(var, a.var(axes, ddof=1), momentum)
        return affine(standard(a, axes, eps), w, b)
    y = a - per_channel(mean, a.ndim)
    return affine(y / np.sqrt(per_channel(var, a.ndim) + eps), w, b)


def instance(a, mean, var, w=None, b=None, use_input_stats=True, momentum=0.1, eps=1e-5):
    if not use_input_stats:
        return batch(a, mean, var, w, b, eps=eps)
    axes = tuple(range(2, a.ndim))
    move(mean, a.mean(axes).mean(0), momentum)
    move(var, a.var(axes, ddof=1).mean(0), momentum)
    return affine(standard(a, axes, eps), w, b)


def local_response(a, size, alpha=1e-4, beta=0.75, k=1.0):
    c = a.shape[1]
    total = [
        (a[:, max(i - size // 2, 0) : min(i + (size - 1) // 2, c - 1) + 1] ** 2).sum(1)
        for i in range(c)
    ]
    return a / (np.stack(total, 1) * alpha / size + k) ** beta


def constant(*shape):
    """Running moments: PyTorch gives them no gradient, and training changes them."""
    return pos(*shape, grad=False)


def fresh(f, a, mean=None, var=None, *rest, **kwargs):
    """The call on copies of the running moments, which may change."""
    copies = [None if m is None else m * 1 for m in (mean, var)]
    return f(a, *copies, *rest, **kwargs)


def moved(f, a, mean, var, *rest, **kwargs):
    """What becomes of the running moments."""
    copies = [m * 1 for m in (mean, var)]
    f(a, *copies, *rest, **kwargs)
    return copies


NORMS = [
    Row(
        F + "layer_norm",
        call(x(2, 3), (3,)),
        call(x(2, 3), (3,), x(3), x(3), 0.1),
        call(x(2, 3, 2), (3, 2), x(3, 2)),
        call(x(0, 3), (3,)),
        edge(x(2, 3, 2), (2,), None, x(2)),  # PyTorch lacks its second derivative
        edge(exact([[2.0, 2.0], [1e4, 1e4]]), (2,)),
        bad(RuntimeError, x(2, 3), (2,)),
        bad(RuntimeError, x(2, 3), ()),
        bad(RuntimeError, x(2, 3), (3,), x(2)),
        numpy=lambda a, n, w=None, b=None, eps=1e-5: layer(
            a, n, 1.0 if w is None else w, 0.0 if b is None else b, eps
        ),
        tol=(1e-9, 5e-5),
        why="near-equal numbers are divided by their deviation",
    ),
    Row(
        F + "rms_norm",
        call(x(2, 3), (3,)),
        call(x(2, 3), (3,), x(3), 0.1),
        call(x(2, 3, 2), (3, 2)),
        call(x(0, 3), (3,)),
        bad(RuntimeError, x(2, 3), (2,)),
        bad(RuntimeError, x(2, 3), ()),
        numpy=rms,
    ),
    Row(
        F + "group_norm",
        call(x(2, 4, 3), 2),
        call(x(2, 4, 2, 2), 2, x(4), x(4), 0.1),
        call(x(3, 4), 2),
        bad(RuntimeError, x(2, 4, 3), 3),
        bad(RuntimeError, x(4), 2),
        bad(ValueError, x(1, 4, 1), 4),
        numpy=group,
        tol=(1e-9, 1e-4),
        why="near-equal numbers are divided by their deviation",
    ),
    Row(
        F + "batch_norm",
        call(x(3, 2), None, None, training=True),
        call(x(2, 3, 4), constant(3), constant(3), x(3), x(3), True, 0.3, 0.1),
        call(x(2, 3, 2, 2), constant(3), constant(3), x(3), x(3)),
        edge(x(2, 3), constant(3), constant(3), None, x(3)),
        edge(x(0, 3), constant(3), constant(3)),
        bad(ValueError, x(1, 3), None, None, training=True),
        bad(RuntimeError, x(2, 3), None, None),
        bad(RuntimeError, x(2, 3), constant(2), constant(2)),
        bad(RuntimeError, x(2, 3), constant(3), constant(3), x(2)),
        bad(ValueError, x(2, 3), None, None, training=True, eps=0.0),
        numpy=batch,
        run=fresh,
        tol=(1e-9, 1e-4),
        why="near-equal numbers are divided by their deviation",
    ),
    Row(
        F + "instance_norm",
        call(x(2, 3, 4)),
        call(x(2, 3, 2, 2), constant(3), constant(3), x(3), x(3), momentum=0.3, eps=0.1),
        call(x(2, 3, 4), constant(3), constant(3), x(3), use_input_stats=False),
        bad(ValueError, x(2, 3, 1)),
        bad(RuntimeError, x(2, 3, 4), use_input_stats=False),
        numpy=instance,
        run=fresh,
        tol=(1e-9, 1e-4),
        why="near-equal numbers are divided by their deviation",
    ),
    *(
        Row(
            F + name,
            call(x(3, 2, 2, 2, grad=False), constant(2), constant(2), **options),
            call(x(3, 2, 4, grad=False), constant(2), constant(2), momentum=0.5, **options),
            numpy=reference,
            run=moved,
            grad=0,
        )
        for name, reference, options in [
            ("batch_norm", batch, {"training": True}),
            ("instance_norm", instance, {}),
        ]
    ),
    Row(
        F + "local_response_norm",
        call(x(2, 4, 3), 2, alpha=1.0),
        call(x(2, 5, 2, 2), 3, 0.5, 0.6, 2.0),
        call(x(0, 4, 3), 2),
        bad(ValueError, x(4, 3), 2),
        numpy=local_response,
    ),
]


def padded(a, pad, mode="constant", value=None):
    if not pad:
        return a
    pairs = list(zip(pad[::2], pad[1::2], strict=True))[::-1]
    pairs = [(0, 0)] * (a.ndim - len(pairs)) + pairs
    cut = tuple(slice(max(-p, 0), n - max(-q, 0)) for n, (p, q) in zip(a.shape, pairs, strict=True))
    pairs = [(max(p, 0), max(q, 0)) for p, q in pairs]
    names = {"circular": "wrap", "replicate": "edge"}
    options = {"constant_values": value or 0} if mode == "constant" else {}
    return np.pad(a[cut], pairs, mode=names.get(mode, mode), **options)


PADDING = [
    Row(
        F + "pad",
        call(x(2, 3), (1, 2)),
        call(x(2, 3), (1, 2, 0, 1), "constant", 2.5),
        call(x(3), (-1, 2)),
        call(x(2, 3, 4), (1, 2), "reflect"),
        call(x(2, 3, 4), (2, 0, 1, 1), mode="replicate"),
        call(x(1, 2, 3, 3, 2), (1, 1, 2, 2, 0, 1), "circular"),
        call(x(2, 4), (-1, 3), "circular"),
        call(x(0, 3), (1, 1)),
        call(x(), ()),
        bad(RuntimeError, x(2, 3), (1,)),
        bad(RuntimeError, x(2, 3), (1, 1, 1, 1, 1, 1)),
        bad(RuntimeError, x(2, 3), (-2, -2)),
        bad(RuntimeError, x(2, 3), (3, 0), "reflect"),
        bad(RuntimeError, x(2, 3), (4, 0), "circular"),
        bad(NotImplementedError, x(3), (1, 1), "reflect"),
        bad(NotImplementedError, x(2, 3), (1, 1), "other"),
        bad(RuntimeError, x(2, 3), (1, 1), "reflect", 1.0),
        numpy=padded,
    )
]

ROWS = NORMS + PADDING
