"""What programs written for PyTorch name besides tensors and layers: devices, precision, places."""

import importlib
import inspect
import pkgutil
from collections import OrderedDict

import numpy as np
import pytest

import autograd
import nn.data
import nn.functional
import optim
from autograd import elsewhere


def test_what_programs_for_accelerators_ask():
    lib = autograd
    for absent in (lib.cuda, lib.mps, lib.xpu, lib.accelerator, lib.backends.cudnn):
        assert not absent.is_available() and absent.device_count() == 0
    assert lib.accelerator.current_accelerator() is None
    assert not lib.cuda.is_bf16_supported() and lib.cuda.max_memory_allocated() == 0
    with pytest.raises(RuntimeError, match=r"cuda.is_available\(\) first"):
        lib.cuda.get_device_name(0)
    lib.backends.cudnn.benchmark = lib.backends.cuda.matmul.allow_tf32 = True
    lib.use_deterministic_algorithms(True, warn_only=True)
    lib.set_float32_matmul_precision("high")
    with pytest.raises(RuntimeError, match="highest"):
        lib.set_float32_matmul_precision("low")
    lib.set_default_device("cpu")
    assert lib.get_default_device() == lib.device("cpu")
    with pytest.raises(RuntimeError, match="not available"):
        lib.set_default_device("cuda")


@pytest.mark.parametrize(
    "autocast",
    [
        lambda: autograd.autocast("cuda", dtype=autograd.float16, enabled=False),
        lambda: autograd.amp.autocast(device_type="cpu", dtype=autograd.bfloat16),
        lambda: autograd.cuda.amp.autocast(False),
    ],
)
def test_mixed_precision_changes_nothing(autocast):
    w = autograd.ones(2, requires_grad=True)
    for scaler in (autograd.cuda.amp.GradScaler(), autograd.amp.GradScaler("cuda", enabled=False)):
        with autocast():
            loss = (w @ w) * 3
        decorated = autocast()(lambda: (w @ w) * 3)
        assert loss.dtype == autograd.float32 and decorated() == loss
        w.grad = None
        scaler.scale(loss).backward()
        optimizer = optim.SGD([w], lr=0.5)
        scaler.unscale_(optimizer)
        assert w.grad.tolist() == [6, 6]
        assert scaler.step(optimizer) is None and w.tolist() == [-2, -2]
        scaler.update()
        scaler.load_state_dict(scaler.state_dict())
        with autograd.no_grad():
            w.fill_(1)
    with pytest.raises(ValueError, match="device_type"):
        autograd.autocast(True)
    for use in (lambda: w.to(autograd.bfloat16), lambda: autograd.ones(1, dtype=autograd.bfloat16)):
        with pytest.raises(TypeError, match="dtype bfloat16 is not supported"):
            use()


def test_compile_gives_back_what_it_is_given():
    model = nn.Linear(2, 2)
    model.compile(mode="max-autotune")
    assert autograd.compile(model, mode="reduce-overhead", dynamic=True) is model

    @autograd.compile
    def f(x):
        return x + 1

    @autograd.compile(fullgraph=True)
    def g(x):
        return x + 2

    assert (f(1), g(1)) == (2, 3)


def test_what_is_marked_for_scripts_stays_as_it_is():
    @autograd.jit.script
    def f(x):
        return x + 1

    class Net(autograd.jit.ScriptModule):
        @autograd.jit.ignore(drop=True)
        def helper(self):
            return 2

        @autograd.jit.script_method
        def forward(self, x):
            return x * self.helper()

    net = autograd.jit.script(Net())
    assert isinstance(net, nn.Module) and f(net(autograd.ones(1))).item() == 3
    assert autograd.jit.trace(net, autograd.ones(1)) is net and not autograd.jit.is_tracing()
    with pytest.raises(AttributeError, match=r"autograd.save\(model.state_dict\(\), path\)"):
        autograd.jit.save(net, "net.pt")


@pytest.mark.parity
def test_new(torch):
    for args in ((2, 3), ([1, 2],), (), (4,)):
        ours, theirs = autograd.arange(2).new(*args), torch.arange(2).new(*args)
        assert tuple(ours.shape) == tuple(theirs.shape) and ours.dtype == autograd.int64
    assert autograd.arange(2).new([1, 2]).tolist() == [1, 2]


def test_names_that_are_at_home_elsewhere():
    assert autograd.nn is nn and autograd.optim is optim and autograd.autograd is autograd
    assert autograd.utils.data is nn.data
    assert autograd.utils.checkpoint.checkpoint is autograd.checkpoint.checkpoint
    assert autograd.conv2d is nn.functional.conv2d and autograd.vmap is autograd.func.vmap
    for name in elsewhere._FUNCTIONAL:
        assert getattr(autograd, name) is getattr(nn.functional, name)
    with pytest.raises(AttributeError, match="module 'autograd' has no attribute 'fx'"):
        _ = autograd.fx
    with pytest.raises(AttributeError, match="it has data, checkpoint"):
        _ = autograd.utils.hooks


def test_old_names():
    y = autograd.ones(2, requires_grad=True) * 2
    assert not autograd.Variable(y).requires_grad and isinstance(y, autograd.Variable)
    assert autograd.Variable(y, requires_grad=True).is_leaf
    assert autograd.Variable(y).data_ptr() == y.data_ptr()
    with pytest.raises(TypeError, match="expected FloatTensor"):
        autograd.set_default_tensor_type("double")


def test_grad_takes_pytorchs_arguments_in_its_order():
    x = autograd.ones(2, requires_grad=True)
    loss = (x * x).sum()
    (g,) = autograd.grad(loss, x, None, True, True, True, False)
    assert g.tolist() == [2, 2] and g.requires_grad
    assert autograd.grad(loss, inputs=x, only_inputs=True, allow_unused=True)[0].tolist() == [2, 2]


def test_grad_by_whatever_can_be_iterated_over():
    model = nn.Linear(2, 1)
    named = dict(model.named_parameters())
    for inputs in (model.parameters(), named.values(), (p for p in named.values())):
        weight, bias = autograd.grad(model(autograd.ones(3, 2)).sum(), inputs)
        assert weight.tolist() == [[3, 3]] and bias.tolist() == [3]
    model(autograd.ones(3, 2)).sum().backward(inputs=model.parameters())
    assert model.bias.grad.tolist() == [3]
    with pytest.raises(RuntimeError, match="`inputs` is empty"):
        autograd.grad(model(autograd.ones(3, 2)).sum(), iter(()))


def test_comparison_with_none():
    x = autograd.ones(2)
    assert (x == None) is False and (x != None) is True and (x == None) is False  # noqa: E711
    with pytest.raises(TypeError, match="unsupported operand"):
        x + None


class Counting(nn.data.IterableDataset):
    def __iter__(self):
        return iter(range(5))


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"batch_size": 2}, [[0, 1], [2, 3], [4]]),
        ({"batch_size": 2, "drop_last": True, "num_workers": 2}, [[0, 1], [2, 3]]),
        ({"batch_size": None}, [0, 1, 2, 3, 4]),
        ({"batch_size": 4, "collate_fn": sum}, [6, 4]),
    ],
)
def test_datasets_that_are_only_iterated_over(options, expected):
    loader = nn.data.DataLoader(Counting(), **options)
    for _ in range(2):
        assert [getattr(batch, "tolist", lambda b=batch: b)() for batch in loader] == expected
    torch = pytest.importorskip("torch")
    theirs = torch.utils.data.DataLoader(
        type("Theirs", (torch.utils.data.IterableDataset,), {"__iter__": Counting.__iter__})(),
        **{**options, "num_workers": 0},
    )
    assert [getattr(b, "tolist", lambda b=b: b)() for b in theirs] == expected


def test_an_iterable_dataset_has_its_own_order_and_perhaps_a_length():
    with pytest.raises(ValueError, match="its own order"):
        nn.data.DataLoader(Counting(), shuffle=True)
    with pytest.raises(TypeError, match="len"):
        len(nn.data.DataLoader(Counting()))

    class Five(Counting):
        def __len__(self):
            return 5

    for options in ({"batch_size": 2}, {"batch_size": 2, "drop_last": True}, {"batch_size": None}):
        loader = nn.data.DataLoader(Five(), **options)
        assert len(loader) == len(list(loader))
    assert nn.data.get_worker_info() is None


def test_random_numbers_in_a_fork():
    autograd.manual_seed(0)
    expected = autograd.rand(3)
    autograd.manual_seed(0)
    with autograd.random.fork_rng():
        autograd.manual_seed(7)
        autograd.rand(2)
    assert autograd.equal(autograd.rand(3), expected)
    with autograd.random.fork_rng(enabled=False):
        changed = autograd.rand(3)
    assert not autograd.equal(changed, autograd.rand(3))


def test_small_names():
    with autograd.device("cpu"):
        assert autograd.ones(1).layout == autograd.strided
    assert not autograd.distributed.is_initialized()
    assert not autograd.backends.cudnn.deterministic
    assert isinstance(nn.BatchNorm2d(1), nn.modules.batchnorm._BatchNorm)
    assert isinstance(nn.MSELoss(), nn.modules.loss._Loss) and nn.modules.Module is nn.Module
    assert nn.init.constant(autograd.empty(2), 3).tolist() == [3, 3]


@pytest.mark.parametrize(
    "name", ["zeros_like", "ones_like", "empty_like", "full_like", "rand_like", "randn_like"]
)
def test_a_memory_format_is_accepted(name):
    """As in optimizers that were written after PyTorch's own."""
    x = autograd.ones(2, 3)
    arguments = (5,) if name == "full_like" else ()
    for given in (autograd.preserve_format, autograd.contiguous_format):
        made = getattr(autograd, name)(x, *arguments, memory_format=given)
        assert made.shape == x.shape and made.is_contiguous()
    assert autograd.randint_like(x, 3, memory_format=autograd.preserve_format).shape == x.shape
    assert autograd.empty(2, memory_format=autograd.contiguous_format).shape == (2,)


@pytest.mark.parity
def test_layers_are_found_in_pytorchs_files(torch):
    found = 0
    for file in pkgutil.iter_modules(torch.nn.modules.__path__):
        theirs = importlib.import_module(f"torch.nn.modules.{file.name}")
        if not hasattr(nn.modules, file.name):
            assert file.name.startswith(("_", "linear_cross"))
            continue
        ours = importlib.import_module(f"nn.modules.{file.name}")
        for name in getattr(theirs, "__all__", ()):
            if hasattr(nn, name):
                assert getattr(ours, name) is getattr(nn, name)
                found += 1
    assert found > 150
    for file, base in (("conv", "_ConvNd"), ("batchnorm", "_BatchNorm"), ("loss", "_WeightedLoss")):
        assert issubclass(getattr(getattr(nn.modules, file), base), nn.Module)
    with pytest.raises(AttributeError, match=r"'nn\.modules\.conv' has no attribute 'Dense'"):
        _ = nn.modules.conv.Dense


@pytest.mark.parity
def test_helpers_of_pytorchs_layers(torch):
    from nn.modules.utils import _ntuple, _pair, consume_prefix_in_state_dict_if_present

    assert _pair(3) == (3, 3) and _pair([1, 2]) == (1, 2) and _ntuple(4)(0) == (0,) * 4
    states = []
    for consume in (
        consume_prefix_in_state_dict_if_present,
        torch.nn.modules.utils.consume_prefix_in_state_dict_if_present,
    ):
        state = OrderedDict({"module.a": 1, "b": 2, "module": 3})
        state._metadata = OrderedDict({"": 0, "module": 1, "module.a": 2})
        consume(state, "module.")
        states.append((state, state._metadata))
    assert states[0] == states[1]


@pytest.mark.parity
def test_a_loader_takes_its_arguments_in_pytorchs_order(torch):
    ours, theirs = (
        [p.name for p in inspect.signature(loader).parameters.values() if p.kind != p.KEYWORD_ONLY]
        for loader in (nn.data.DataLoader, torch.utils.data.DataLoader)
    )
    assert ours == theirs


def test_conversions_by_their_older_names():
    layer = nn.Linear(2, 3)
    assert layer.type(autograd.float64) is layer and layer.weight.dtype == autograd.float64
    assert layer.to_empty(device="cpu") is layer
    with pytest.raises(TypeError, match="bfloat16 is not supported"):
        layer.bfloat16()
    assert list(layer.state_dict(None, "net.")) == ["net.weight", "net.bias"]
    seen = []
    layer.register_backward_hook(lambda module, by, of: seen.append(of[0].tolist()))
    layer(autograd.ones(1, 2, dtype=autograd.float64, requires_grad=True)).sum().backward()
    assert seen == [[[1, 1, 1]]]


@pytest.mark.parity
@pytest.mark.parametrize(
    "call",
    [
        lambda f, x: f.relu_(x),
        lambda f, x: f.elu_(x, 0.5),
        lambda f, x: f.celu_(x, alpha=0.5),
        lambda f, x: f.selu_(x),
        lambda f, x: f.leaky_relu_(x, 0.3),
        lambda f, x: f.rrelu_(x, 0.3, 0.3),
        lambda f, x: f.hardtanh_(x, -0.5, 0.5),
        lambda f, x: f.threshold_(x, 0.1, 7.0),
    ],
)
def test_functions_in_place(torch, call):
    values = [[-2.0, -0.2], [0.3, 4.0]]
    x, y = autograd.tensor(values), torch.tensor(values)
    assert call(nn.functional, x) is x
    np.testing.assert_allclose(x.numpy(), call(torch.nn.functional, y).numpy(), rtol=1e-6)


@pytest.mark.parity
@pytest.mark.parametrize("name", ["max_pool2d_with_indices", "adaptive_max_pool2d_with_indices"])
def test_pooling_with_indices(torch, name):
    x = autograd.arange(16.0).reshape(1, 1, 4, 4)
    ours = getattr(nn.functional, name)(x, 2)
    theirs = getattr(torch.nn.functional, name)(torch.from_numpy(x.numpy()), 2)
    assert [t.tolist() for t in ours] == [t.tolist() for t in theirs]


def test_a_parameter_of_another_library(torch):
    with pytest.raises(TypeError, match=r"a Tensor of autograd, got torch\.Tensor"):
        nn.Parameter(torch.ones(1))


def test_what_has_no_shape_yet_is_not_counted():
    with pytest.raises(RuntimeError, match="call the model once"):
        sum(p.numel() for p in nn.LazyLinear(3).parameters())
