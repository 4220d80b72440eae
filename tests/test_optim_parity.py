"""The optimizers beside PyTorch's: numbers step for step, state dicts in both directions."""

import itertools

import numpy as np
import pytest

import autograd
import optim

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.parity

STEPS = 20
SHAPES = [(5, 3), (4,), (), (2, 1, 3)]


def combinations(**choices):
    return [
        dict(zip(choices, picked, strict=True)) for picked in itertools.product(*choices.values())
    ]


CASES = [
    *(
        ("SGD", options)
        for options in combinations(
            lr=[0.1], momentum=[0, 0.9], dampening=[0, 0.3], weight_decay=[0, 0.1],
            nesterov=[False, True], maximize=[False, True],
        )
        if not options["nesterov"] or (options["momentum"] and not options["dampening"])
    ),
    *(
        ("Adam", options)
        for options in combinations(
            lr=[0.01], betas=[(0.9, 0.999), (0.3, 0.7)], eps=[1e-8, 1e-2], weight_decay=[0, 0.1],
            amsgrad=[False, True], maximize=[False, True], decoupled_weight_decay=[False, True],
        )
    ),
    *(
        ("AdamW", options)
        for options in combinations(
            lr=[0.01], betas=[(0.9, 0.99)], weight_decay=[0, 1e-2, 0.5],
            amsgrad=[False, True], maximize=[False, True],
        )
    ),
    *(
        ("RMSprop", options)
        for options in combinations(
            lr=[0.01], alpha=[0.99, 0.6], eps=[1e-8, 1e-2], weight_decay=[0, 0.1],
            momentum=[0, 0.9], centered=[False, True], maximize=[False, True],
        )
    ),
    *(
        ("Adagrad", options)
        for options in combinations(
            lr=[0.1], lr_decay=[0, 0.2], weight_decay=[0, 0.1],
            initial_accumulator_value=[0, 0.3], eps=[1e-10, 1e-2], maximize=[False, True],
        )
    ),
    *(
        ("Adadelta", options)
        for options in combinations(
            lr=[1.0, 0.1], rho=[0.9, 0.5], eps=[1e-6, 1e-2], weight_decay=[0, 0.1],
            maximize=[False, True],
        )
    ),
    *(
        ("Adamax", options)
        for options in combinations(
            lr=[0.01], betas=[(0.9, 0.999), (0.3, 0.7)], eps=[1e-8, 1e-2], weight_decay=[0, 0.1],
            maximize=[False, True],
        )
    ),
    *(
        ("NAdam", options)
        for options in combinations(
            lr=[0.01], betas=[(0.9, 0.999), (0.3, 0.7)], weight_decay=[0, 0.1],
            momentum_decay=[4e-3, 0.3], decoupled_weight_decay=[False, True],
            maximize=[False, True],
        )
    ),
    *(
        ("RAdam", options)
        for options in combinations(
            lr=[0.01], betas=[(0.9, 0.999), (0.9, 0.9)], weight_decay=[0, 0.1],
            decoupled_weight_decay=[False, True], maximize=[False, True],
        )
    ),
    *(
        ("Rprop", options)
        for options in combinations(
            lr=[0.01, 0.3], etas=[(0.5, 1.2), (0.1, 3.0)], step_sizes=[(1e-6, 50), (0.02, 0.1)],
            maximize=[False, True],
        )
    ),
    *(
        ("ASGD", options)
        for options in combinations(
            lr=[0.1], lambd=[1e-4, 0.2], alpha=[0.75, 0.3], t0=[1e6, 4.0], weight_decay=[0, 0.1],
            maximize=[False, True],
        )
    ),
    *(
        ("Adafactor", options)
        for options in combinations(
            lr=[0.1], beta2_decay=[-0.8, -0.3], eps=[(None, 1e-3), (0.1, 2.0)], d=[1.0, 3.0],
            weight_decay=[0, 0.1], maximize=[False, True],
        )
    ),
    *(
        (rule, {})
        for rule in (
            "RMSprop", "Adagrad", "Adadelta", "Adamax", "NAdam", "RAdam", "Rprop", "ASGD",
            "Adafactor",
        )
    ),
    ("SGD", {}),
    ("Adam", {}),
    ("AdamW", {}),
]  # fmt: skip
RESUMED = [
    ("SGD", {"lr": 0.1, "momentum": 0.9}),
    ("Adam", {"amsgrad": True}),
    ("AdamW", {}),
    ("RMSprop", {"momentum": 0.5, "centered": True, "eps": 0.1}),
    ("Adagrad", {"initial_accumulator_value": 0.1}),
    ("Adadelta", {}),
    ("Adamax", {}),
    ("NAdam", {}),
    ("RAdam", {"betas": (0.9, 0.9)}),
    ("Rprop", {}),
    ("ASGD", {"t0": 3.0}),
    ("Adafactor", {}),
]


class Pair:
    """The same parameters under the same rule in both libraries, two groups each."""

    def __init__(self, rule, options, dtype, seed=0):
        rng = np.random.default_rng(seed)
        starts = [rng.standard_normal(shape).astype(dtype) for shape in SHAPES]
        self.ours = [autograd.tensor(x.copy(), requires_grad=True) for x in starts]
        self.theirs = [torch.tensor(x, requires_grad=True) for x in starts]
        decay = {} if rule == "Rprop" else {"weight_decay": 0.02}
        self.opt, self.opt_theirs = (
            getattr(library, rule)(
                [{"params": p[:2]}, {"params": p[2:], "lr": 0.03, **decay}], **options
            )
            for library, p in ((optim, self.ours), (torch.optim, self.theirs))
        )

    def train(self, steps=STEPS, seed=1):
        """Steps with the same gradients, of which some are missing at times."""
        rng = np.random.default_rng(seed)
        for _ in range(steps):
            for p, q in zip(self.ours, self.theirs, strict=True):
                g = rng.standard_normal(p.shape).astype(p.dtype)
                missing = rng.random() < 0.2
                p.grad = None if missing else autograd.tensor(g)
                q.grad = None if missing else torch.tensor(g)
            self.opt.step()
            self.opt_theirs.step()
            self.compare()

    def compare(self):
        ours, theirs = (
            np.concatenate([p.detach().numpy().ravel() for p in params])
            for params in (self.ours, self.theirs)
        )
        np.testing.assert_allclose(ours, theirs, **TOLERANCE[ours.dtype.name])

    def compare_state(self):
        ours, theirs = self.opt.state_dict(), self.opt_theirs.state_dict()
        assert ours["param_groups"] == theirs["param_groups"]
        assert {i: list(s) for i, s in ours["state"].items()} == {
            i: list(s) for i, s in theirs["state"].items()
        }
        tolerance = TOLERANCE[self.ours[0].dtype.name]
        for i, state in ours["state"].items():
            for key, value in state.items():
                expected = theirs["state"][i][key].numpy()
                assert value.dtype == expected.dtype
                np.testing.assert_allclose(value.numpy(), expected, **tolerance)


TOLERANCE = {
    # A few units in the last place: PyTorch's kernels fuse multiplications with additions.
    "float32": {"rtol": 2e-6, "atol": 1e-6},
    "float64": {"rtol": 1e-12, "atol": 1e-14},
}


@pytest.mark.parametrize(("rule", "options"), CASES)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_same_numbers_step_for_step(rule, options, dtype):
    pair = Pair(rule, options, dtype)
    pair.train()
    pair.compare_state()
    assert repr(pair.opt) == repr(pair.opt_theirs)


def as_torch(x):
    if isinstance(x, autograd.Tensor):
        return torch.tensor(x.numpy())
    if isinstance(x, dict):
        return {k: as_torch(v) for k, v in x.items()}
    return [as_torch(v) for v in x] if isinstance(x, list) else x


def from_torch(x):
    if isinstance(x, torch.Tensor):
        return autograd.tensor(x.numpy())
    if isinstance(x, dict):
        return {k: from_torch(v) for k, v in x.items()}
    return [from_torch(v) for v in x] if isinstance(x, list) else x


@pytest.mark.parametrize(("rule", "options"), RESUMED)
def test_state_dicts_cross_over(rule, options):
    """Each library continues from what the other saved."""
    # PyTorch loads NAdam's product of momenta and ASGD's rates, which are in single precision, into
    # the parameters' dtype.
    dtype = "float32" if rule in ("NAdam", "ASGD") else "float64"
    trained = Pair(rule, options, dtype)
    trained.train(6)
    fresh = Pair(rule, {"lr": 1.0}, dtype, seed=5)
    for p, q in zip(fresh.ours, trained.theirs, strict=True):
        p.data = autograd.tensor(q.detach().numpy().copy())
    for q, p in zip(fresh.theirs, trained.ours, strict=True):
        q.data = torch.tensor(p.detach().numpy())
    fresh.opt.load_state_dict(from_torch(trained.opt_theirs.state_dict()))
    fresh.opt_theirs.load_state_dict(as_torch(trained.opt.state_dict()))
    fresh.compare_state()
    fresh.train(6, seed=2)
    trained.train(6, seed=2)
    for p, q in zip(fresh.ours, trained.ours, strict=True):
        np.testing.assert_allclose(p.detach().numpy(), q.detach().numpy(), **TOLERANCE[dtype])


ERRORS = [
    ("SGD", {"lr": -1}),
    ("SGD", {"momentum": -1}),
    ("SGD", {"weight_decay": -1}),
    ("SGD", {"nesterov": True}),
    ("Adam", {"lr": -0.5}),
    ("Adam", {"eps": -1}),
    ("Adam", {"betas": (0.9, 1.5)}),
    ("Adam", {"betas": (-0.9, 0.5)}),
    ("AdamW", {"weight_decay": -1}),
    ("RMSprop", {"alpha": -1}),
    ("RMSprop", {"momentum": -1}),
    ("Adagrad", {"initial_accumulator_value": -1}),
    ("Adadelta", {"rho": -0.5}),
    ("Adamax", {"betas": (0.9, 1.0)}),
    ("NAdam", {"momentum_decay": -1}),
    ("RAdam", {"eps": -1}),
    ("Rprop", {"lr": -1}),
    ("Rprop", {"etas": (1.5, 2.0)}),
    ("ASGD", {"weight_decay": -1}),
    ("Adafactor", {"lr": -1}),
    ("Adafactor", {"beta2_decay": 0.5}),
    ("Adafactor", {"eps": (-1.0, 1e-3)}),
    ("Adafactor", {"eps": (None, -1.0)}),
    ("Adafactor", {"d": 0.5}),
    ("Adafactor", {"weight_decay": -1}),
    ("LBFGS", {"lr": -1}),
    ("Muon", {"lr": -1}),
    ("Muon", {"momentum": -1}),
    ("Muon", {"weight_decay": -1}),
    ("Muon", {"adjust_lr_fn": "other"}),
    ("Muon", {}),
]


@pytest.mark.parametrize(("rule", "options"), ERRORS)
def test_same_errors_for_bad_options(rule, options):
    messages = []
    for library, tensor in ((optim, autograd.tensor), (torch.optim, torch.tensor)):
        with pytest.raises(ValueError) as caught:
            getattr(library, rule)([tensor([1.0], requires_grad=True)], **options)
        messages.append(str(caught.value).replace("torch.Size", "Size"))
    assert messages[0] == messages[1]


@pytest.mark.parametrize(
    "make",
    [
        lambda lib, tensor, p: lib.SGD([]),
        lambda lib, tensor, p: lib.SGD(p),
        lambda lib, tensor, p: lib.SGD([p, 3]),
        lambda lib, tensor, p: lib.SGD([p * 2]),
        lambda lib, tensor, p: lib.SGD([{"params": [p]}, {"params": p}]),
        lambda lib, tensor, p: lib.SGD([{"params": {p}}]),
        lambda lib, tensor, p: lib.SGD([("a", p), tensor([2.0])]),
        lambda lib, tensor, p: lib.SGD([p], lr=tensor([0.1, 0.2])),
        lambda lib, tensor, p: lib.SGD([p]).load_state_dict(
            {"state": {}, "param_groups": [{"params": [0, 1]}]}
        ),
        lambda lib, tensor, p: lib.SGD([p]).load_state_dict({"state": {}, "param_groups": []}),
        lambda lib, tensor, p: lib.SGD([p], lr="fast"),
        lambda lib, tensor, p: lib.Adam([p], fused=True, foreach=True),
    ],
)
def test_same_error_types(make):
    kinds = []
    for library, tensor in ((optim, autograd.tensor), (torch.optim, torch.tensor)):
        with pytest.raises((TypeError, ValueError, RuntimeError)) as caught:
            make(library, tensor, tensor([1.0], requires_grad=True))
        kinds.append(caught.type)
    assert kinds[0] is kinds[1]


def test_learning_rate_changed_between_steps():
    pair = Pair("Adam", {}, "float64")
    for lr in (0.1, 0.0, 0.05):
        for optimizer in (pair.opt, pair.opt_theirs):
            optimizer.param_groups[0]["lr"] = lr
        pair.train(3)


@pytest.mark.parametrize(
    "options",
    combinations(
        lr=[0.02], weight_decay=[0.0, 0.1], momentum=[0.95, 0.5], nesterov=[False, True],
        ns_coefficients=[(3.4445, -4.775, 2.0315), (2.0, -1.5, 0.5)], ns_steps=[5, 2],
        adjust_lr_fn=[None, "original", "match_rms_adamw"],
    ),
)  # fmt: skip
def test_muon_step_for_step(options, monkeypatch):
    # NumPy has no bfloat16; without that rounding the numbers are the same.
    monkeypatch.setattr(torch.Tensor, "bfloat16", torch.Tensor.clone)
    rng = np.random.default_rng(0)
    starts = [rng.standard_normal(shape) for shape in ((4, 4), (3, 6), (6, 2), (1, 1))]
    ours = [autograd.tensor(x, requires_grad=True) for x in starts]
    theirs = [torch.tensor(x, requires_grad=True) for x in starts]
    opt, opt_theirs = optim.Muon(ours, **options), torch.optim.Muon(theirs, **options)
    for _ in range(STEPS):
        for p, q in zip(ours, theirs, strict=True):
            g = rng.standard_normal(p.shape)
            p.grad, q.grad = autograd.tensor(g), torch.tensor(g)
        opt.step()
        opt_theirs.step()
        for p, q in zip(ours, theirs, strict=True):
            np.testing.assert_allclose(p.detach().numpy(), q.detach().numpy(), rtol=1e-9)
    assert repr(opt) == repr(opt_theirs)
    saved = opt_theirs.state_dict()
    assert opt.state_dict()["param_groups"] == saved["param_groups"]
    opt.load_state_dict(from_torch(saved))
    opt_theirs.load_state_dict(as_torch(opt.state_dict()))
    opt.step()
    opt_theirs.step()
    np.testing.assert_allclose(ours[0].detach().numpy(), theirs[0].detach().numpy(), rtol=1e-9)


def test_muon_is_close_to_pytorch_in_bfloat16():
    x, g = (np.random.default_rng(i).standard_normal((20, 30)).astype(np.float32) for i in (0, 1))
    p, q = autograd.tensor(x, requires_grad=True), torch.tensor(x, requires_grad=True)
    p.grad, q.grad = autograd.tensor(g), torch.tensor(g)
    optim.Muon([p], lr=1.0).step()
    torch.optim.Muon([q], lr=1.0).step()
    step, their_step = (y.detach().numpy() - x for y in (p, q))
    assert np.linalg.norm(step - their_step) < 0.05 * np.linalg.norm(their_step)


@pytest.mark.parametrize("rule", ["SGD", "AdamW", "Adafactor", "Rprop"])
def test_a_group_added_later(rule):
    pair = Pair(rule, {}, "float64")
    pair.train(3)
    x = np.random.default_rng(3).standard_normal((3, 2))
    for optimizer, params, tensor in (
        (pair.opt, pair.ours, autograd.tensor),
        (pair.opt_theirs, pair.theirs, torch.tensor),
    ):
        params.append(tensor(x.copy(), requires_grad=True))
        optimizer.add_param_group({"params": params[-1:], "lr": 0.2})
    pair.train(5, seed=4)
    pair.compare_state()
