"""MultiheadAttention and the Transformer beside PyTorch's: outputs, weights, gradients, state."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from test_nn_parity import close, real

import autograd
import nn
import nn.functional as F
from autograd import gradcheck

pytestmark = pytest.mark.parity
RNG = np.random.default_rng(0)
L, S, N, E, HEADS = 3, 5, 2, 4, 2


def causal(n: int) -> np.ndarray:
    """True where a query would look ahead."""
    return np.triu(np.ones((n, n), np.bool_), 1)


def some(*shape: int) -> np.ndarray:
    """A bool mask that leaves every query its first key."""
    mask = RNG.random(shape) < 0.5
    mask[..., 0] = False
    return mask


@dataclass
class Case:
    """A module made with `kwargs` and called with `inputs` and `options`, in both libraries."""

    name: str
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    inputs: tuple[np.ndarray, ...]
    options: dict[str, Any] = field(default_factory=dict)
    same: bool = False  # the one input is query, key and value

    def __str__(self) -> str:
        shown = [f"{k}={getattr(v, '__name__', v)}" for k, v in self.kwargs.items()]
        called = [
            f"{k}={'x'.join(map(str, v.shape)) + v.dtype.kind if isinstance(v, np.ndarray) else v}"
            for k, v in self.options.items()
        ]
        shapes = ["x".join(map(str, a.shape)) for a in self.inputs]
        return f"{self.name}({', '.join(shown)})({', '.join(shapes + called)})"


def attention(*inputs: np.ndarray, of: Any = None, **options: Any) -> Case:
    same = len(inputs) == 1
    return Case("MultiheadAttention", (E, HEADS), of or {}, inputs, options, same)


SELF, QUERY, KEY = real(S, N, E), real(L, N, E), real(S, N, E)
FIRST = {"batch_first": True}
ATTENTION = [
    attention(SELF),
    attention(SELF, need_weights=False),
    attention(SELF, average_attn_weights=False),
    attention(real(N, S, E), of=FIRST),
    attention(real(N, S, E), of=FIRST, need_weights=False, attn_mask=causal(S)),
    attention(real(S, E)),
    attention(real(S, E), of=FIRST, average_attn_weights=False, attn_mask=some(HEADS, S, S)),
    attention(QUERY, KEY, KEY),
    attention(QUERY, KEY, real(S, N, E), of={"bias": False}),
    attention(real(N, L, E), real(N, S, E), real(N, S, E), of=FIRST, need_weights=False),
    attention(QUERY, real(S, N, 6), real(S, N, 3), of={"kdim": 6, "vdim": 3}),
    attention(QUERY, real(S, N, 6), real(S, N, E), of={"kdim": 6, "bias": False}),
    attention(real(L, E), real(S, E), real(S, 3), of={"vdim": 3}, key_padding_mask=some(S)),
    attention(QUERY, KEY, KEY, attn_mask=some(L, S)),
    attention(QUERY, KEY, KEY, attn_mask=some(N * HEADS, L, S), need_weights=False),
    attention(QUERY, KEY, KEY, attn_mask=real(L, S)),
    attention(QUERY, KEY, KEY, attn_mask=real(N * HEADS, L, S), need_weights=False),
    attention(QUERY, KEY, KEY, key_padding_mask=some(N, S)),
    attention(QUERY, KEY, KEY, key_padding_mask=real(N, S), need_weights=False),
    attention(QUERY, KEY, KEY, key_padding_mask=some(N, S), attn_mask=some(L, S)),
    attention(
        QUERY,
        KEY,
        KEY,
        key_padding_mask=real(N, S),
        attn_mask=real(N * HEADS, L, S),
        need_weights=False,
    ),
    *(
        attention(SELF, attn_mask=causal(S), is_causal=True, need_weights=needed, **padding)
        for needed in (True, False)
        for padding in ({}, {"key_padding_mask": some(N, S)})
    ),
    *(
        attention(QUERY, KEY, KEY, of=extra, need_weights=needed, **masks)
        for extra in (
            {"add_bias_kv": True},
            {"add_zero_attn": True},
            {"add_bias_kv": True, "add_zero_attn": True, "batch_first": False},
        )
        for needed, masks in (
            (True, {}),
            (True, {"attn_mask": real(L, S), "key_padding_mask": real(N, S)}),
            (False, {"attn_mask": some(N * HEADS, L, S), "key_padding_mask": some(N, S)}),
        )
    ),
]

SIZES = (E, HEADS)
SMALL = {"dim_feedforward": 6}
LAYER_OPTIONS: list[dict[str, Any]] = [
    {},
    {"norm_first": True},
    {"activation": "gelu", "batch_first": True},
    {"activation": "tanh", "bias": False},
    {"activation": "GELU", "layer_norm_eps": 1e-2, "norm_first": True, "bias": False},
]
SRC = real(S, N, E)
LAYERS = [
    *(
        Case("TransformerEncoderLayer", SIZES, SMALL | kw, (SRC,), masks)
        for kw in LAYER_OPTIONS
        for masks in (
            {},
            {"src_mask": causal(2 if kw.get("batch_first") else S)},
        )
    ),
    Case(
        "TransformerEncoderLayer",
        SIZES,
        SMALL,
        (SRC,),
        {"src_mask": causal(S), "is_causal": True, "src_key_padding_mask": some(N, S)},
    ),
    Case("TransformerEncoderLayer", SIZES, SMALL | FIRST, (real(S, E),), {"src_mask": real(S, S)}),
    *(
        Case("TransformerDecoderLayer", SIZES, SMALL | kw, (real(N, N, E), SRC[:2]), {})
        for kw in LAYER_OPTIONS
    ),
    Case(
        "TransformerDecoderLayer",
        SIZES,
        SMALL,
        (real(L, N, E), SRC),
        {
            "tgt_mask": causal(L),
            "memory_mask": some(L, S),
            "tgt_key_padding_mask": some(N, L),
            "memory_key_padding_mask": some(N, S),
            "tgt_is_causal": True,
        },
    ),
    Case("TransformerDecoderLayer", SIZES, SMALL, (real(L, E), real(S, E))),
]

TRANSFORMERS = [
    Case("Transformer", (E, HEADS, 2, 2), SMALL, (SRC, real(L, N, E)), {"tgt_mask": causal(L)}),
    Case(
        "Transformer",
        (E, HEADS, 1, 2),
        SMALL | {"norm_first": True, "activation": "gelu", **FIRST},
        (real(N, S, E), real(N, L, E)),
        {
            "src_mask": np.where(causal(S), -np.inf, 0.0),
            "tgt_mask": np.where(causal(L), -np.inf, 0.0),
            "memory_mask": real(L, S),
            "src_key_padding_mask": real(N, S),
            "tgt_key_padding_mask": real(N, L),
            "memory_key_padding_mask": real(N, S),
        },
    ),
    Case("Transformer", (E, HEADS, 1, 1), SMALL | {"bias": False}, (real(S, E), real(L, E))),
]
EVERY = ATTENTION + LAYERS + TRANSFORMERS


def built(library: Any, c: Case) -> Any:
    kwargs = dict(c.kwargs)
    if kwargs.get("activation") == "tanh":
        kwargs["activation"] = library.nn.functional.tanh
    if kwargs.get("activation") == "GELU":
        kwargs["activation"] = library.nn.GELU()
    if "Transformer" in c.name:
        kwargs["dropout"] = 0.0
    with warnings.catch_warnings():  # PyTorch's, about nested tensors
        warnings.simplefilter("ignore")
        return getattr(library.nn, c.name)(*c.args, **kwargs).double()


class Ours:
    nn = nn


def both(c: Case, torch: Any) -> tuple[Any, Any]:
    """Our module and PyTorch's, with the same weights, none of which is 0 or 1."""
    ours, theirs = built(Ours, c), built(torch, c)
    with torch.no_grad():
        for p in theirs.parameters():
            p.copy_(torch.from_numpy(RNG.uniform(-1, 1, p.shape)))
    state = {k: v.numpy().copy() for k, v in theirs.state_dict().items()}
    assert ours.load_state_dict(state) == ([], [])
    return ours, theirs


def called(c: Case, module: Any, tensor: Callable[[np.ndarray], Any]) -> tuple[Any, list[Any]]:
    """What the module returns, as a tuple, and its inputs."""
    inputs = [tensor(a.copy()).requires_grad_() for a in c.inputs]
    if len({a.__array_interface__["data"] for a in c.inputs}) < len(c.inputs):
        inputs[-1] = inputs[-2]  # key and value are one tensor, which has a product of its own
    options = {k: tensor(v) if isinstance(v, np.ndarray) else v for k, v in c.options.items()}
    out = module(*(inputs * 3 if c.same else inputs), **options)
    return out if isinstance(out, tuple) else (out,), inputs


@pytest.mark.parametrize("c", EVERY, ids=str)
@pytest.mark.parametrize("training", [True, False], ids=["train", "eval"])
def test_outputs_and_gradients(c: Case, training: bool, torch: Any) -> None:
    ours, theirs = (module.train(training) for module in both(c, torch))
    outs, xs = called(c, ours, autograd.from_numpy)
    expected, ys = called(c, theirs, torch.from_numpy)
    assert len(outs) == len(expected)
    losses: list[Any] = [0.0, 0.0]
    for a, b in zip(outs, expected, strict=True):
        assert (a is None) == (b is None)
        if a is not None:
            assert tuple(a.shape) == tuple(b.shape)
            close(a, b, 1e-9)
            weights = real(*b.shape)
            losses[0] += (a * autograd.from_numpy(weights)).sum()
            losses[1] += (b * torch.from_numpy(weights)).sum()
    for loss in losses:
        loss.backward()
    for x, y in zip(xs, ys, strict=True):
        close(x.grad, y.grad, 1e-8)
    for (name, p), (_, q) in zip(ours.named_parameters(), theirs.named_parameters(), strict=True):
        close(p.grad, q.grad, 1e-8, name)


@pytest.mark.parametrize("c", EVERY, ids=str)
def test_text_and_state(c: Case, torch: Any) -> None:
    ours, theirs = both(c, torch)
    stripped = "\n".join(line.partition("  # ")[0].rstrip() for line in repr(ours).split("\n"))
    assert stripped == repr(theirs)
    assert list(ours.state_dict()) == list(theirs.state_dict())
    assert [n for n, _ in ours.named_parameters()] == [n for n, _ in theirs.named_parameters()]


@pytest.mark.parametrize(
    ("name", "args"),
    [
        ("MultiheadAttention", (64, 4, 0.0, True, True)),
        ("MultiheadAttention", (64, 4, 0.0, True, False, False, 48, 32)),
        ("TransformerEncoderLayer", (64, 4, 96)),
        ("Transformer", (64, 4, 1, 1, 96)),
    ],
)
def test_initial_distribution(name: str, args: Any, torch: Any) -> None:
    autograd.manual_seed(0)
    torch.manual_seed(0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = getattr(torch.nn, name)(*args)
    ours = getattr(nn, name)(*args)
    for key, value in theirs.state_dict().items():
        a, b = ours.state_dict()[key].numpy(), value.numpy()
        scale = b.std()
        if not scale:
            np.testing.assert_array_equal(a, b)
            continue
        # Means and deviations of n draws differ by a few 1/sqrt(n), ranges by little.
        assert abs(a.mean() - b.mean()) < 6 * scale / np.sqrt(a.size)
        assert abs(a.std() - b.std()) < 6 * scale / np.sqrt(a.size)
        if a.size > 1000:
            assert abs(np.abs(a).max() / np.abs(b).max() - 1) < 0.02


REFUSED: list[tuple[dict[str, Any], tuple[tuple[int, ...], ...], dict[str, Any]]] = [
    ({}, ((S, N, 3),) * 3, {}),
    ({}, ((S, N, E), (S, E), (S, E)), {}),
    ({}, ((E,),) * 3, {}),
    ({}, ((L, N, E), (S, N, E), (L, N, E)), {}),
    ({}, ((L, N, E), (S, N + 1, E), (S, N + 1, E)), {}),
    ({"kdim": 6}, ((L, N, E), (S, N, 6), (L, N, E)), {}),
    ({"kdim": 6}, ((L, N, E), (S, N, 5), (S, N, E)), {}),
    ({}, ((S, N, E),) * 3, {"attn_mask": (S, L)}),
    ({}, ((S, N, E),) * 3, {"attn_mask": (N, S, S)}),
    ({}, ((S, N, E),) * 3, {"attn_mask": (S,)}),
    ({}, ((S, E),) * 3, {"attn_mask": (N * HEADS, S, S)}),
    ({}, ((S, N, E),) * 3, {"key_padding_mask": (S, N)}),
    ({}, ((S, N, E),) * 3, {"key_padding_mask": (S,)}),
    ({}, ((S, E),) * 3, {"key_padding_mask": (1, S)}),
    ({}, ((S, N, E),) * 3, {"is_causal": True}),
]


@pytest.mark.parametrize(("kwargs", "shapes", "options"), REFUSED, ids=str)
def test_wrong_shapes_name_the_layer(kwargs: Any, shapes: Any, options: Any, torch: Any) -> None:
    def call(library: Any, tensor: Any) -> None:
        made = {
            k: tensor(np.zeros(v, np.bool_)) if isinstance(v, tuple) else v
            for k, v in options.items()
        }
        module = library.nn.MultiheadAttention(E, HEADS, **kwargs).double()
        module(*(tensor(np.zeros(shape)) for shape in shapes), **made)

    with pytest.raises((AssertionError, RuntimeError)) as theirs:
        call(torch, torch.from_numpy)
    # A refused product of PyTorch's is a RuntimeError where ours comes earlier.
    with pytest.raises((theirs.type, AssertionError), match=r"^MultiheadAttention\("):
        call(Ours, autograd.from_numpy)


def test_other_errors() -> None:
    x = autograd.ones(S, N, E)
    attend = nn.MultiheadAttention(E, HEADS)
    with pytest.raises(AssertionError, match="only bool and floating types of attn_mask"):
        attend(x, x, x, attn_mask=autograd.ones(S, S, dtype=autograd.int64))
    with pytest.raises(AssertionError, match=r"embed_dim=5 and num_heads=2"):
        nn.MultiheadAttention(5, 2)
    with pytest.raises(ValueError, match="greater than 0"):
        nn.MultiheadAttention(4, 0)
    with pytest.raises(RuntimeError, match=r"TransformerEncoderLayer: activation .*not swish"):
        nn.TransformerEncoderLayer(E, HEADS, activation="swish")
    model = nn.Transformer(E, HEADS, 1, 1, 6)
    with pytest.raises(RuntimeError, match=r"Transformer: src .* one batch size"):
        model(autograd.ones(S, 3, E), autograd.ones(L, 2, E))
    with pytest.raises(RuntimeError, match="d_model=4"):
        model(autograd.ones(S, 2, 3), autograd.ones(L, 2, 3))
    with pytest.warns(UserWarning, match="mismatched key_padding_mask and attn_mask"):
        attend(x, x, x, autograd.zeros(N, S), attn_mask=autograd.zeros(S, S, dtype=autograd.bool))


def test_static_keys_and_values(torch: Any) -> None:
    """The function's own arguments, which the module does not use."""
    arrays = [real(L, N, E), real(S, N, E), real(3 * E, E), real(3 * E), real(E, E), real(E)]
    static = [real(N * HEADS, S, E // HEADS) for _ in range(2)]

    def call(f: Any, tensor: Any) -> Any:
        query, key, w, b, out_w, out_b = map(tensor, arrays)
        k, v = map(tensor, static)
        rest = (None, None, False, 0.0, out_w, out_b)
        return f(query, key, key, E, HEADS, w, b, *rest, static_k=k, static_v=v)

    ours = call(F.multi_head_attention_forward, autograd.from_numpy)
    theirs = call(torch.nn.functional.multi_head_attention_forward, torch.from_numpy)
    for a, b in zip(ours, theirs, strict=True):
        close(a, b, 1e-10)


def test_a_query_that_may_attend_to_nothing() -> None:
    """Its weights are 0 with and without `need_weights`, and no gradient is NaN."""
    x = autograd.randn(S, N, E).requires_grad_()
    mask = autograd.zeros(S, S, dtype=autograd.bool)
    mask[1] = True
    attend = nn.MultiheadAttention(E, HEADS)
    out, weights = attend(x, x, x, attn_mask=mask)
    same, none = attend(x, x, x, attn_mask=mask, need_weights=False)
    assert none is None and autograd.allclose(out, same, atol=1e-6)
    assert (weights[:, 1] == 0).all() and weights.isfinite().all()
    out.sum().backward()
    assert x.grad.isfinite().all()


def test_dropout() -> None:
    """Only while training: weights are dropped and scaled, and eval is train without dropout."""
    autograd.manual_seed(0)
    x = autograd.randn(40, N, E)
    attend = nn.MultiheadAttention(E, HEADS, dropout=0.25)
    _, weights = attend(x, x, x, average_attn_weights=False)
    _, whole = attend.eval()(x, x, x, average_attn_weights=False)
    kept = weights != 0
    assert abs(kept.double().mean().item() - 0.75) < 0.02
    assert autograd.allclose(weights[kept], whole[kept] / 0.75)
    layer = nn.TransformerEncoderLayer(E, HEADS, 6, dropout=0.5)
    plain = nn.TransformerEncoderLayer(E, HEADS, 6, dropout=0.0)
    plain.load_state_dict(layer.state_dict())
    assert autograd.equal(layer.eval()(x), plain(x))
    assert not autograd.allclose(layer.train()(x), plain(x))


def test_gradcheck() -> None:
    autograd.manual_seed(0)
    attend = nn.MultiheadAttention(4, 2, add_bias_kv=True, batch_first=True).double()
    x = autograd.randn(2, 3, 4, dtype=autograd.float64, requires_grad=True)
    names, parameters = zip(*attend.named_parameters(), strict=True)
    assert len(names) == 6

    def function(x: Any, *values: Any) -> Any:
        return attend(x, x, x, attn_mask=autograd.from_numpy(causal(3)))

    assert gradcheck(function, (x, *parameters))
    layer = nn.TransformerDecoderLayer(4, 2, 5, dropout=0.0, activation="gelu").double()
    memory = autograd.randn(3, 2, 4, dtype=autograd.float64, requires_grad=True)
    target = autograd.randn(2, 2, 4, dtype=autograd.float64, requires_grad=True)
    assert autograd.gradgradcheck(layer, (target, memory), fast_mode=True)


def test_stacks_copy_their_layer(torch: Any) -> None:
    """Copies start alike and learn apart; both enable_nested_tensor and mask_check are taken."""
    layer = nn.TransformerEncoderLayer(E, HEADS, 6)
    encoder = nn.TransformerEncoder(
        layer, 3, nn.LayerNorm(E), enable_nested_tensor=False, mask_check=False
    )
    weights = [copied.linear1.weight for copied in encoder.layers]
    assert len({id(w) for w in [*weights, layer.linear1.weight]}) == 4
    assert all((w == layer.linear1.weight).all() for w in weights)


def test_what_is_a_causal_mask() -> None:
    """Found out from the values, so that a stack can spare its layers the mask."""
    from nn.transformer import _is_causal

    mask = nn.Transformer.generate_square_subsequent_mask(4)
    assert _is_causal(mask) and _is_causal(mask.double()) and _is_causal(mask != 0)
    assert not _is_causal(None) and not _is_causal(mask[:3]) and not _is_causal(mask.T)
    assert not _is_causal(mask.clamp(min=-5)) and not _is_causal(mask.expand(2, 4, 4))


@pytest.mark.parametrize("dtype", [None, "float64"])
def test_causal_mask(dtype: str | None, torch: Any) -> None:
    ours, theirs = (
        library.nn.Transformer.generate_square_subsequent_mask(4, dtype=d)
        for library, d in (
            (Ours, dtype and getattr(autograd, dtype)),
            (torch, dtype and getattr(torch, dtype)),
        )
    )
    close(ours, theirs, 0)
