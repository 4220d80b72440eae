"""What the documentation shows: saving, several results, arguments of any kind."""

from .tools import exp_of, scale_of


def saved_output(lib, x, w):
    y = exp_of(lib).apply(x)
    (first,) = lib.grad(y.sum(), x, create_graph=True)
    (second,) = lib.grad((first * w).sum(), x, create_graph=True)
    (third,) = lib.grad(second.sum(), x)
    return y, y.grad_fn.name(), first, second, third


def saved_inputs_to_second_order(lib, x, w):
    class Mul(lib.Function):
        @staticmethod
        def forward(ctx, a, b):
            ctx.save_for_backward(a, b)
            return a * b

        @staticmethod
        def backward(ctx, g):
            a, b = ctx.saved_tensors
            return g * b, g * a

    y = Mul.apply(x * x, w)
    dx, dw = lib.grad(y.sum(), (x, w), create_graph=True)
    return dx, dw, *lib.grad((dx * dw).sum(), (x, w))


def saved_intermediates_are_constants(lib, x, w):
    class Square(lib.Function):
        @staticmethod
        def forward(ctx, a):
            ctx.save_for_backward(a * 2, None)
            return a * a

        @staticmethod
        def backward(ctx, g):
            doubled, nothing = ctx.saved_tensors
            assert nothing is None
            return g * doubled

    (dx,) = lib.grad((Square.apply(x) * w).sum(), x, create_graph=True)
    return dx, lib.grad(dx.sum(), (x, w), allow_unused=True)


def arguments_that_are_no_tensors(lib, x, w):
    y = scale_of(lib).apply(x, 3, {"any": "thing"})
    return y, y.grad_fn.words, lib.grad(y.sum(), x)


def names_that_the_engine_uses_itself(lib, x, w):
    class Shapes(lib.Function):
        @staticmethod
        def forward(ctx, a, b):
            ctx.shape, ctx.dtype, ctx.args, ctx.edges = (7,), "d", (1, 2), "e"
            ctx.sequence, ctx.outputs, ctx.results, ctx.hooks, ctx.frees = 1, 2, 3, 4, 5
            return a * 2

        @staticmethod
        def backward(ctx, g):
            assert (ctx.shape, ctx.dtype, ctx.args, ctx.edges) == ((7,), "d", (1, 2), "e")
            assert (ctx.sequence, ctx.outputs, ctx.results, ctx.hooks, ctx.frees) == (1, 2, 3, 4, 5)
            return g * 2, None

    return lib.grad(Shapes.apply(x, w).sum(), (x, w), allow_unused=True)


def keywords_and_defaults(lib, x, w):
    class Scale(lib.Function):
        @staticmethod
        def forward(ctx, a, n=2):
            ctx.n = n
            return a * n

        @staticmethod
        def backward(ctx, g):
            return g * ctx.n, None

    return [lib.grad(y.sum(), x) for y in (Scale.apply(x, n=5), Scale.apply(x, 3))]


def separate_setup(lib, x, w):
    class Scale(lib.Function):
        @staticmethod
        def forward(a, n=2):
            return a * n

        @staticmethod
        def setup_context(ctx, inputs, output):
            a, ctx.n = inputs
            ctx.save_for_backward(a, output)

        @staticmethod
        def backward(ctx, g):
            a, out = ctx.saved_tensors
            return g * ctx.n * out / a, None

    return [
        (y, lib.grad(y.sum(), x)) for y in (Scale.apply(x), Scale.apply(x, 3), Scale.apply(x, n=4))
    ]


def needs_input_grad(lib, x, w):
    seen = []

    class Op(lib.Function):
        @staticmethod
        def forward(ctx, a, b, c):
            seen.append(ctx.needs_input_grad)
            return a * b

        @staticmethod
        def backward(ctx, g):
            seen.append(ctx.needs_input_grad)
            return g, None, None

    lib.grad(Op.apply(x, w.detach(), 3).sum(), x)
    with lib.no_grad():
        y = Op.apply(x, w, 3)
    return seen, y.requires_grad, Op.apply(x.detach(), w.detach(), 3).requires_grad


def several_outputs(lib, x, w):
    seen = []

    class Parts(lib.Function):
        @staticmethod
        def forward(ctx, a, b):
            ctx.save_for_backward(a, b)
            return a * b, "text", a + b, None

        @staticmethod
        def backward(ctx, product, text, total, nothing):
            seen.append((product, text, total, nothing))
            a, b = ctx.saved_tensors
            return product * b + total, product * a + total

    product, text, total, nothing = Parts.apply(x, w)
    a = lib.grad(product.sum(), (x, w), retain_graph=True)
    b = lib.grad((product * total).sum(), (x, w), create_graph=True)
    return text, nothing, product.output_nr, total.output_nr, a, b, seen, lib.grad(b[0].sum(), x)


def a_tuple_of_one(lib, x, w):
    class One(lib.Function):
        @staticmethod
        def forward(ctx, a):
            return (a * 2,)

        @staticmethod
        def backward(ctx, g):
            return (g * 2,)

    (y,) = One.apply(x)
    return lib.grad(y.sum(), x)


def without_materialized_gradients(lib, x, w):
    seen = []

    class Parts(lib.Function):
        @staticmethod
        def forward(ctx, a):
            ctx.set_materialize_grads(False)
            return a * 2, a * 3

        @staticmethod
        def backward(ctx, first, second):
            seen.append((first is None, second is None))
            return None if first is None else first * 2

    a, b = Parts.apply(x)
    found = lib.grad(a.sum(), x, retain_graph=True), lib.grad(b.sum(), x, allow_unused=True)
    return found, seen


def non_differentiable_outputs(lib, x, w):
    seen = []

    class Sort(lib.Function):
        @staticmethod
        def forward(ctx, a):
            order, floats, rest = a.argsort(), a * 3, a * 5
            ctx.mark_non_differentiable(order, floats)
            return a[order], order, floats, rest

        @staticmethod
        def backward(ctx, g, *others):
            seen.append(others)
            return g

    a, order, floats, rest = Sort.apply(x)
    flags = [t.requires_grad for t in (a, order, floats, rest)]
    return flags, order, lib.grad(a.sum(), x), seen
