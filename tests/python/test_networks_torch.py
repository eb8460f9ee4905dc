"""Import of torch modules, against torch in double precision."""

import copy

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from data import data_file
from hullspace import ReluNetwork, extras
from hullspace.networks import Convolution, Dense
from models import ResNet20, images, mlp
from network_checks import assert_consistent

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402
from torch.nn import functional  # noqa: E402


class Does(nn.Module):
    """Does something to its input."""

    def __init__(self, what):
        super().__init__()
        self.what = what

    def forward(self, x):
        return self.what(x)


class Residual(nn.Module):
    def __init__(self, inner):
        super().__init__()
        self.inner = inner

    def forward(self, x):
        return x + self.inner(x)


def filled(module, seed=0):
    """Give every parameter and statistic a random value."""
    generator = torch.Generator().manual_seed(seed)
    for tensor in [*module.parameters(), *module.buffers()]:
        if tensor.is_floating_point():
            tensor.data = torch.rand(tensor.shape, generator=generator) * 0.8 + 0.1
            tensor.data *= torch.where(torch.rand(tensor.shape, generator=generator) < 0.5, -1, 1)
    for part in module.modules():
        if isinstance(part, nn.modules.batchnorm._BatchNorm):
            part.running_var.abs_()
    return module


def double(module, x):
    with torch.no_grad():
        model = copy.deepcopy(module).double().eval()
        return np.concatenate([model(row[None].double()).reshape(1, -1).numpy() for row in x])


def assert_imported(module, shape, n_hidden=None, tolerance=1e-12):
    """Import a module and compare, input by input, also the affine maps."""
    network = ReluNetwork.from_torch(module, shape)
    x = images(4, *network.input_shape)
    expected = double(module, x)
    scale = max(np.abs(expected).max(), 1.0)
    assert_allclose(network(x.numpy()), expected, rtol=0, atol=tolerance * scale)
    assert_consistent(network, x.numpy())
    assert n_hidden is None or network.n_hidden == n_hidden
    return network


LAYERS = {
    "linear": (nn.Linear(3, 2), (3,), 0),
    "linear without bias": (nn.Linear(3, 2, bias=False), (3,), 0),
    "linear of rows": (nn.Sequential(nn.Linear(3, 4), nn.ReLU()), (5, 3), 20),
    "identity": (nn.Identity(), (3,), 0),
    "relu": (nn.ReLU(), (3,), 3),
    "relu in place": (nn.Sequential(nn.ReLU(True), nn.ReLU(True)), (3,), 6),
    "leaky": (nn.LeakyReLU(0.3), (3,), 3),
    "leaky of slope 1": (nn.LeakyReLU(1.0), (3,), 0),
    "leaky of slope above 1": (nn.LeakyReLU(2.5), (3,), 3),
    "prelu": (nn.PReLU(2), (2, 3), 6),
    "prelu with one slope": (nn.PReLU(), (2, 3), 6),
    "relu6": (nn.ReLU6(), (3,), 6),
    "hardtanh": (nn.Hardtanh(-0.2, 0.5), (3,), 6),
    "conv": (nn.Conv2d(4, 6, 3, (2, 1), (1, 2), (1, 2), groups=2), (4, 7, 8), 0),
    "conv same": (nn.Conv2d(2, 3, (4, 3), padding="same"), (2, 5, 6), 0),
    "conv reflect": (nn.Conv2d(2, 3, 3, padding=1, padding_mode="reflect"), (2, 5, 6), 0),
    "conv 1d": (nn.Conv1d(2, 3, 3, 2, padding=2, dilation=2), (2, 9), 0),
    "conv to one place": (nn.Conv2d(2, 3, (5, 6)), (2, 5, 6), 0),
    "norm": (nn.BatchNorm2d(2), (2, 3, 3), 0),
    "norm without parameters": (nn.BatchNorm1d(3, affine=False), (3,), 0),
    "average": (nn.AvgPool2d(2), (2, 5, 6), 0),
    "average padded": (nn.AvgPool2d(3, 2, 1), (2, 5, 6), 0),
    "average ceiling": (nn.AvgPool2d(3, 2, 1, ceil_mode=True), (2, 8, 7), 0),
    "average of what is there": (
        nn.AvgPool2d(3, 2, 1, ceil_mode=True, count_include_pad=False),
        (2, 8, 7),
        0,
    ),
    "average with divisor": (nn.AvgPool2d((2, 3), divisor_override=5), (2, 8, 7), 0),
    "average 1d": (nn.AvgPool1d(3, 2, 1), (2, 8), 0),
    "adaptive average": (nn.AdaptiveAvgPool2d((3, 4)), (2, 6, 7), 0),
    "adaptive average to more": (nn.AdaptiveAvgPool2d((None, 9)), (2, 6, 7), 0),
    "adaptive average 1d": (nn.AdaptiveAvgPool1d(1), (2, 6), 0),
    "max": (nn.MaxPool2d(2), (1, 4, 6), 18),
    "max padded": (nn.MaxPool2d(3, 2, 1), (2, 7, 5), None),
    "max dilated ceiling": (nn.MaxPool2d(2, 2, 1, dilation=2, ceil_mode=True), (2, 8, 7), None),
    "max 1d": (nn.MaxPool1d(3, 1), (2, 6), None),
    "adaptive max": (nn.AdaptiveMaxPool2d(3), (2, 8, 7), None),
    "max of one": (nn.MaxPool2d(1), (1, 2, 2), 0),
    "dropouts": (nn.Sequential(nn.Dropout(), nn.Dropout2d(), nn.AlphaDropout()), (2, 3, 3), 0),
    "paddings": (nn.Sequential(nn.ReflectionPad2d(1), nn.ConstantPad2d(2, 3.0)), (2, 3, 3), 0),
    "moves": (
        nn.Sequential(nn.PixelShuffle(2), nn.Upsample(scale_factor=2), nn.Flatten()),
        (4, 2, 3),
        0,
    ),
    "shuffle": (nn.Sequential(nn.ChannelShuffle(2), nn.Unflatten(1, (2, 2))), (4, 2, 3), 0),
    "relu of a sum": (nn.Sequential(Residual(nn.Linear(3, 3)), nn.ReLU()), (3,), 3),
    "residual in residual": (Residual(Residual(Residual(nn.Linear(3, 3)))), (3,), 0),
}


@pytest.mark.filterwarnings("ignore:Using padding='same'")
@pytest.mark.parametrize("name", LAYERS)
def test_layers_mean_what_torch_computes(name):
    module, shape, n_hidden = LAYERS[name]
    assert_imported(filled(module), shape, n_hidden)


@pytest.mark.filterwarnings("ignore:Using padding='same'")
@pytest.mark.parametrize("name", [k for k, (_, shape, _) in LAYERS.items() if len(shape) == 3])
def test_layers_follow_others(name):
    """Behind scaled inputs, a convolution, a unit and a residual sum."""
    module, shape, _ = LAYERS[name]
    before = nn.Sequential(
        Does(lambda x: (x - 0.3) / torch.arange(1.0, shape[0] + 1).reshape(-1, 1, 1)),
        nn.Conv2d(shape[0], shape[0], 3, padding=1),
        nn.BatchNorm2d(shape[0]),
        nn.ReLU(),
        Residual(nn.Conv2d(shape[0], shape[0], 1)),
    )
    # Its own copy, since torch modules in the table are shared.
    assert_imported(filled(nn.Sequential(before, copy.deepcopy(module), nn.LeakyReLU())), shape)


def in_place(x):
    y = x
    y += 1.0
    functional.relu_(y)
    return x * 2 - y


def branch_on_shape(x):
    return x[:, 0] if x.dim() == 2 and x.size(0) == 1 and len(x) == 1 else x


FUNCTIONS = {
    "matrix": lambda x: functional.relu(x @ torch.ones(3, 2).to(x) + 1),
    "vector": lambda x: x @ torch.arange(3.0).to(x),
    "matrix on the left": lambda x: torch.ones(2, 3).to(x) @ x.squeeze(0),
    "addmm": lambda x: torch.addmm(torch.ones(2).to(x), x, torch.ones(3, 2).to(x), alpha=2),
    "arithmetic": lambda x: 1 - 2 * x / 3 + torch.tensor([1.0, 2.0, 3.0]) - (-x).sub(x, alpha=2),
    "constant first": lambda x: torch.ones(2, 3) + x,
    "in place": in_place,
    "in place, of a view": lambda x: functional.relu_(x.clone().view(-1)) + x,
    "shape": branch_on_shape,
    "concatenation": lambda x: torch.cat([x, functional.relu(x), torch.ones(1, 2)], 1),
    "concatenation after constants": lambda x: torch.cat(
        [torch.ones(1, 2), x, torch.ones(1, 0), torch.ones(1, 1)], 1
    ),
    "stack of numbers": lambda x: torch.stack([x.sum(), torch.ones(()), x.mean()]),
    "stack": lambda x: torch.stack([x, -x], 2).amax(2),
    "sum of parts": lambda x: sum(part * i for i, part in enumerate(x.unbind(1))),
    "chunks": lambda x: [*x.chunk(3, 1)][1],
    "steps": lambda x: x.view(x.size(0), -1)[:, ::2].flip(1),
    "indices": lambda x: x[:, torch.tensor([2, 0, 2])].unsqueeze(1).expand(-1, 2, 3),
    "transposed": lambda x: x.T.reshape_as(torch.zeros(1, 3)),
    "padded": lambda x: functional.pad(x, (1, 2), value=4.0),
    "absolute": lambda x: x.abs() + abs(x),
    "clamp": lambda x: x.clamp(-0.5, 0.5) + x.clamp(min=0.1) + torch.clamp(x, max=0.1),
    "clamp to nothing": lambda x: x.clamp(-torch.inf, torch.finfo(torch.float32).max),
    "clamp by tensors": lambda x: x.clamp(torch.zeros(3), torch.arange(3.0)),
    "maximum": lambda x: torch.maximum(x, -2 * x) + torch.max(x, torch.zeros(3)),
    "minimum": lambda x: torch.minimum(x, x.flip(1)) - x.min(),
    "means": lambda x: x.mean(1, keepdim=True) - x.mean() + x.sum(-1),
    "types": lambda x: x.to(x.dtype).contiguous().detach().clone(),
    "zeros like it": lambda x: torch.zeros_like(x) + x + x.new_ones(3),
    "nothing of it": lambda x: x * 0,
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_mean_what_torch_computes(name):
    assert_imported(Does(FUNCTIONS[name]), (3,))


def branch_on_values(x):
    return x if x.sum() > 0 else -x


def write_through_view(x):
    functional.relu_(x.view(-1))
    return x


def write_under_view(x):
    part = x[:, :1]
    x += 1.0
    return part


REFUSED = {
    "writing through a view": (Does(write_through_view), "written to through another view"),
    "writing under a view": (Does(write_under_view), "written to through another view"),
    "sigmoid": (nn.Sequential(nn.Linear(3, 3), nn.Sequential(nn.Sigmoid())), "module 1.0: sigmoid"),
    "tanh": (nn.Tanh(), r"module \(root\): tanh is not piecewise affine"),
    "gelu": (nn.GELU(), "gelu is not piecewise affine"),
    "softmax": (nn.Softmax(1), "softmax is not .* gives logits"),
    "log softmax": (nn.LogSoftmax(1), "log_softmax is not .* gives logits"),
    "layer norm": (nn.LayerNorm(3), "layer_norm is not"),
    "statistics": (
        nn.Sequential(nn.BatchNorm1d(3, track_running_stats=False)),
        "module 0: batch_norm: .*statistics of the batch",
    ),
    "recurrence": (nn.LSTM(3, 3), "lstm is not"),
    "square": (Does(lambda x: x * x), "mul: the product of two values"),
    "power": (Does(lambda x: x**2), "pow is not"),
    "product": (Does(lambda x: x @ x.T), "matmul: the product of two values"),
    "inverse": (Does(lambda x: 1 / x), "division by values"),
    "division by zero": (Does(lambda x: x / 0), "division by zero"),
    "part of a bound": (
        Does(lambda x: x.clamp(torch.tensor([0.0, -torch.inf, 0.0]))),
        "clamp: a bound must be finite",
    ),
    "bounds that cross": (nn.Sequential(Does(lambda x: x.clamp(1, 0))), "must be ascending"),
    "wrong end": (Does(lambda x: x.clamp(torch.inf)), "clamp: a bound must be finite"),
    "nan": (Does(lambda x: x + float("nan")), "must be finite"),
    "branch": (Does(branch_on_values), "gt is not"),
    "truth": (Does(lambda x: x if x else -x), "branch depends on the values"),
    "integers": (Does(lambda x: x.to(torch.int64)), "to: conversion to torch.int64"),
    "rounding": (Does(torch.round), "round is not"),
    "mask": (Does(lambda x: x[x > 0]), "gt is not"),
    "numpy": (Does(lambda x: x.numpy()), "numpy is not"),
    "unknown method": (Does(lambda x: x.no_such_method()), "cannot be followed, AttributeError"),
    "two outputs": (Does(lambda x: (x, x)), "must return one tensor.*got tuple"),
    "constant": (Does(lambda x: torch.ones(1)), "must return one tensor.*got Tensor"),
    "wrong width": (nn.Linear(4, 2), r"linear: a matrix of shape \(2, 4\) does not fit \(1, 3\)"),
    "random": (Does(functional.dropout), "drops elements at random"),
    "script": (nn.Sequential(nn.ReLU()), "module 0: a script module"),
    "writing": (Does(lambda x: torch.ones(1, 3).add_(x)), "writes into a constant"),
    "places": (Does(lambda x: x.__setitem__(0, 1.0)), "setitem is not"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_not_piecewise_affine_is_refused(name):
    module, message = REFUSED[name]
    if name == "script":
        with pytest.warns(DeprecationWarning, match="jit"):
            module = nn.Sequential(torch.jit.script(nn.ReLU()))
    with pytest.raises(ValueError, match=message):
        ReluNetwork.from_torch(module, (3,))


@pytest.mark.parametrize(
    ("module", "message"),
    [
        (nn.Conv3d(1, 1, 1), "conv3d is not"),
        (nn.ConvTranspose2d(1, 1, 1), "conv_transpose2d is not"),
        (nn.InstanceNorm2d(1), "instance_norm is not"),
        (nn.Upsample(scale_factor=2, mode="bilinear"), "mode 'bilinear' is not supported"),
        (nn.MaxPool2d(2, return_indices=True), "max_pool2d_with_indices is not"),
        (nn.MaxPool2d(9), "does not fit"),
        (nn.Conv2d(1, 1, 9), "larger than"),
        (nn.Conv2d(3, 1, 1), "do not fit"),
    ],
)
def test_layers_of_images_that_are_refused(module, message):
    shape = (1, 1, 2, 2) if isinstance(module, nn.Conv3d) else (1, 2, 2)
    with pytest.raises(ValueError, match=message):
        ReluNetwork.from_torch(module, shape)


@pytest.mark.parametrize("shape", [(), (0,), (3, -1), "ab", (1.5,), None, (True,)])
def test_bad_shapes_are_named(shape):
    with pytest.raises(ValueError, match="input_shape must hold the positive sizes"):
        ReluNetwork.from_torch(nn.ReLU(), shape)


def test_other_things_than_modules():
    with pytest.raises(TypeError, match=r"module must be a torch\.nn\.Module, got function"):
        ReluNetwork.from_torch(lambda x: x, (3,))


def test_the_module_stays_as_it_is():
    module = nn.Sequential(nn.Linear(3, 3), nn.BatchNorm1d(3), nn.Dropout(), nn.ReLU(True)).train()
    module[1].eval()
    before = copy.deepcopy(module.state_dict())
    assert_imported(module, (3,))
    assert [part.training for part in module.modules()] == [True, True, False, True, True]
    assert all(
        torch.equal(a, b)
        for a, b in zip(before.values(), module.state_dict().values(), strict=True)
    )
    assert module[0].weight.dtype == torch.float32
    assert not any(part._forward_hooks or part._forward_pre_hooks for part in module.modules())


@pytest.mark.parametrize("kind", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_weights_are_kept_exactly(kind):
    module = mlp(3, 5, 2).to(kind)
    network = ReluNetwork.from_torch(module, (3,))
    operators = [stage.terms[0].operator for stage in network.stages]
    for operator, layer in zip(operators, (module[0], module[2]), strict=True):
        assert isinstance(operator, Dense)
        assert (operator.matrix == layer.weight.detach().double().numpy()).all()


def test_code_that_runs_in_single_precision_only():
    module = Does(lambda x: x.float() @ torch.full((3, 2), 0.1))
    network = ReluNetwork.from_torch(module, (3,))
    assert_allclose(network(np.ones((1, 3))), 0.3, rtol=1e-6)


def test_disagreement_is_an_error(monkeypatch):
    from hullspace.networks import torch_operations

    monkeypatch.setitem(torch_operations.OPERATIONS, "relu", lambda x: x.leaky(1e-6))
    with pytest.raises(RuntimeError, match=r"differs from the torch module ReLU by up to [\d.e-]+"):
        ReluNetwork.from_torch(nn.ReLU(), (3,))
    assert ReluNetwork.from_torch(nn.ReLU(), (3,), check=False).n_hidden == 3


def test_torch_is_named_where_it_is_missing(monkeypatch):
    original = extras.importlib.import_module

    def without(name, *rest):
        if name == "torch":
            raise ModuleNotFoundError("No module named 'torch'", name="torch")
        return original(name, *rest)

    monkeypatch.setattr(extras.importlib, "import_module", without)
    with pytest.raises(ImportError, match=r"needs torch.*pip install 'hullspace\[torch\]'"):
        ReluNetwork.from_torch(nn.ReLU(), (3,))


def test_stages_are_at_units_only():
    """A sum, a shift and a norm need none; convolutions stay convolutions."""
    block = nn.Sequential(
        nn.Conv2d(2, 2, 3, padding=1), nn.BatchNorm2d(2), nn.ReLU(), nn.Conv2d(2, 2, 3, padding=1)
    )
    scaled = Does(lambda x: (x - 0.5) / torch.tensor([2.0, 3.0]).reshape(-1, 1, 1))
    module = nn.Sequential(scaled, block, nn.ReLU(), Residual(block), nn.ReLU(), nn.Flatten())
    network = assert_imported(filled(module), (2, 4, 4), 4 * 32)
    assert [len(stage.hidden) for stage in network.stages] == [32, 32, 32, 32, 0]
    assert [len(stage.terms) for stage in network.stages] == [1, 1, 1, 2, 1]
    assert isinstance(network.stages[0].terms[0].operator, Convolution)


def test_long_chains_of_sums_do_not_grow():
    module = nn.Sequential(*(Residual(mlp(3, 3, 3)) for _ in range(30)))
    network = assert_imported(filled(module), (3,), 90, tolerance=1e-10)
    assert max(len(stage.terms) for stage in network.stages) <= 4


@settings(max_examples=20, deadline=None)
@given(st.data())
def test_random_sequences_of_layers(data):
    draw, shape, layers = data.draw, (2, 6, 6), []
    for _ in range(draw(st.integers(1, 5))):
        makers = [
            lambda n: nn.Conv2d(n, draw(st.integers(1, 3)), 3, draw(st.integers(1, 2)), 1),
            nn.BatchNorm2d,
            lambda _: nn.ReLU(inplace=True),
            nn.PReLU,
            lambda _: nn.MaxPool2d(2, draw(st.integers(1, 2)), 1),
            lambda _: nn.AvgPool2d(2, 1, 1, count_include_pad=draw(st.booleans())),
            lambda n: Residual(nn.Conv2d(n, n, 3, padding=1)),
            lambda n: Residual(nn.Sequential(nn.ReLU(), nn.Conv2d(n, n, 1))),
            lambda _: Does(lambda x: torch.cat([x, -x.flip(3)], 1)),
        ]
        n = nn.Sequential(*layers).eval()(torch.zeros(1, *shape)).shape[1]
        layers.append(draw(st.sampled_from(makers))(n).eval())
    features = nn.Sequential(*layers, nn.Flatten())
    n = features(torch.zeros(1, *shape)).shape[1]
    module = filled(nn.Sequential(features, nn.Linear(n, 2)), draw(st.integers(0, 1000)))
    assert_imported(module, shape, tolerance=1e-11)


def test_the_resnet_of_the_data():
    safetensors = pytest.importorskip("safetensors.torch")
    model = ResNet20()
    state = safetensors.load_file(data_file("cifar10_resnet20/resnet20.safetensors"))
    model.load_state_dict(state, strict=False)
    network = ReluNetwork.from_torch(model, (3, 32, 32))
    assert (network.n_hidden, network.n_outputs, len(network.stages)) == (188_416, 10, 21)
    x = images(2, 3, 32, 32)
    assert_allclose(network(x.numpy()), double(model, x), rtol=1e-11, atol=1e-11)
    kinds = [type(t.operator) for stage in network.stages for t in stage.terms]
    assert kinds.count(Convolution) == 19
    assert kinds.count(Dense) == 1
    onnx_file = data_file("cifar10_resnet20/resnet20.onnx")
    pytest.importorskip("onnx")
    other = ReluNetwork.from_onnx(onnx_file, check=False)
    assert_allclose(network(x.numpy()), other(x.numpy()), rtol=1e-4, atol=1e-4)
    # The normalization is folded in double precision here, in single precision there.
    assert (network.bits(x.numpy()) != other.bits(x.numpy())).mean() < 1e-4
