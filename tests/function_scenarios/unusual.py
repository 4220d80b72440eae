"""Inputs as outputs, in-place changes, wrong gradients, versions, NumPy, nesting."""

import numpy as np

from .tools import exp_of, refused, scale_of


def an_input_returned_as_output(lib, x, w):
    class Reverse(lib.Function):
        @staticmethod
        def forward(ctx, a):
            return a

        @staticmethod
        def backward(ctx, g):
            return -g

    y = Reverse.apply(x)
    constant = x.detach()
    return (
        y is x,
        y.requires_grad,
        lib.grad((y * y).sum(), x),
        Reverse.apply(constant) is constant,
    )


def a_view_of_an_input_as_output(lib, x, w):
    class First(lib.Function):
        @staticmethod
        def forward(ctx, a):
            return a[:1], a.view(-1)

        @staticmethod
        def backward(ctx, first, flat):
            return flat + first

    base = x * 1
    first, flat = First.apply(base)
    found = lib.grad((first * flat).sum(), x, retain_graph=True)
    return found, refused(first.add_, 1), refused(lambda: (base.mul_(2), flat.exp()))


def none_gradients(lib, x, w):
    class Product(lib.Function):
        @staticmethod
        def forward(ctx, a, b):
            return a * b

        @staticmethod
        def backward(ctx, g):
            return None, g

    return lib.grad(Product.apply(x, w).sum(), (x, w), allow_unused=True)


def broadcast_and_cast_gradients(lib, x, w):
    class Wide(lib.Function):
        @staticmethod
        def forward(ctx, a):
            return a * 2

        @staticmethod
        def backward(ctx, g):
            return lib.ones(4, *g.shape)  # float32, and one dimension too many

    (g,) = lib.grad(Wide.apply(x).sum(), x)
    return g, str(g.dtype)[-7:]


def dirty(lib, x, w):
    class AddOne(lib.Function):
        @staticmethod
        def forward(ctx, a, b):
            ctx.mark_dirty(a)
            a.add_(1)
            ctx.save_for_backward(a, b)
            return a

        @staticmethod
        def backward(ctx, g):
            a, b = ctx.saved_tensors
            return g * b, g * a

    y = x * 1
    z = AddOne.apply(y, w)
    found = lib.grad((z * z).sum(), (x, w), create_graph=True)
    base = x * 1
    view = base[:1]
    AddOne.apply(view, w[:1])
    constant = x.detach().clone()
    AddOne.apply(constant, w)
    return (
        z is y,
        y.grad_fn.name(),
        found,
        lib.grad(found[0].sum(), (x, w)),
        lib.grad(base.sum(), (x, w)),
        lib.grad(constant.sum(), w),
        refused(AddOne.apply, x.detach().requires_grad_(), w),
    )


def dirty_but_not_returned(lib, x, w):
    class Wrong(lib.Function):
        @staticmethod
        def forward(ctx, a):
            ctx.mark_dirty(a)
            return a.add_(1) * 2

        @staticmethod
        def backward(ctx, g):
            return g

    return refused(Wrong.apply, x * 1)


def wrong_gradients(lib, x, w):
    found = []
    for returned in (
        lambda g: g,
        lambda g: (g, None),
        lambda g: (g, None, None, g),
        lambda g: (g, None, None, None),
        lambda g: (g, g, None),
        lambda g: (3.0, None, None),
        lambda g: (lib.ones(3), None, None),
        lambda g: (g.sum(), None, None),
    ):
        y = scale_of(lib, returned).apply(x, 3, None)
        found.append(refused(lambda y=y: lib.grad(y.sum(), x)))
    return found


def methods_that_are_missing(lib, x, w):
    class NoForward(lib.Function):
        pass

    class NoBackward(lib.Function):
        @staticmethod
        def forward(ctx, a):
            return a * 2

    class Both(NoBackward):
        @staticmethod
        def backward(ctx, g):
            return g

        @staticmethod
        def vjp(ctx, g):
            return g

    return (
        refused(NoForward.apply, x),
        refused(NoBackward.apply(x).sum().backward),
        refused(Both.apply(x).sum().backward),
    )


def vjp_for_backward(lib, x, w):
    class Double(lib.Function):
        @staticmethod
        def forward(ctx, a):
            return a * 2

        @staticmethod
        def vjp(ctx, g):
            return g * 2

    return lib.grad(Double.apply(x).sum(), x)


def once(lib, x, w):
    class Square(lib.Function):
        @staticmethod
        def forward(ctx, a):
            ctx.save_for_backward(a)
            return a * a

        @staticmethod
        @lib.once_differentiable
        def backward(ctx, g):
            (a,) = ctx.saved_tensors
            assert not lib.is_grad_enabled()
            return g * 2 * a

    seed = lib.ones_like(x).requires_grad_()
    (g,) = lib.grad(Square.apply(x), x, seed, create_graph=True)
    return g, lib.grad(Square.apply(x).sum(), x), refused(g.sum().backward)


def freed_and_retained(lib, x, w):
    y = exp_of(lib).apply(x).sum()
    z = scale_of(lib).apply(x, 3, None).sum()  # saves nothing
    node = exp_of(lib).apply(x).grad_fn
    before = node.saved_tensors
    return (
        lib.grad(y, x, retain_graph=True),
        lib.grad(y, x),
        refused(lib.grad, y, x),
        lib.grad(z, x),
        lib.grad(z, x),
        before,
        node.saved_tensors[0].requires_grad,
    )


def versions(lib, x, w):
    found = []
    for change in (lambda a, y: a.add_(1), lambda a, y: y.add_(1), lambda a, y: None):
        a = x * 1

        class Op(lib.Function):
            @staticmethod
            def forward(ctx, a):
                y = a.exp()
                ctx.save_for_backward(a, y)
                return y

            @staticmethod
            def backward(ctx, g):
                a, y = ctx.saved_tensors
                return g * y + a * 0

        y = Op.apply(a)
        z = y.sum()
        change(a, y)
        found.append(refused(lambda z=z: lib.grad(z, x)))
    return found


def numpy_inside(lib, x, w):
    class Sin(lib.Function):
        @staticmethod
        def forward(ctx, a):
            values = a.detach().numpy()
            ctx.cos = np.cos(values)
            return lib.from_numpy(np.sin(values))

        @staticmethod
        @lib.once_differentiable
        def backward(ctx, g):
            return lib.from_numpy(g.numpy() * ctx.cos)

    y = Sin.apply(x)
    return y, lib.grad((y * w).sum(), (x, w))


def functions_within_functions(lib, x, w):
    exp = exp_of(lib)

    class Outer(lib.Function):
        @staticmethod
        def forward(ctx, a):
            with lib.enable_grad():
                inner = a.detach().requires_grad_()
                out = exp.apply(inner * inner)
            ctx.inner, ctx.out = inner, out
            return out.detach()

        @staticmethod
        def backward(ctx, g):
            return lib.grad(ctx.out, ctx.inner, g, retain_graph=True)[0]

    y = Outer.apply(x)
    return y, lib.grad((y * w).sum(), (x, w))


def not_a_tensor_saved(lib, x, w):
    class Wrong(lib.Function):
        @staticmethod
        def forward(ctx, a):
            ctx.save_for_backward(a, 3.0)
            return a * 2

    return refused(Wrong.apply, x)
