"""Networks as torch modules."""

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from scipy import sparse
from torch import nn

from hullspace import ReluNetwork
from hullspace.networks import Convolution, Dense, Sparse, Stage, Term
from hullspace.networks.chain import chained
from models import VGG, ResNet20, images, mlp
from network_cases import random_network

MODULES = {
    "mlp": (lambda: mlp(8, 6, 3), (8,)),
    "affine": (lambda: nn.Linear(8, 3), (8,)),
    "slopes": (lambda: nn.Sequential(nn.Linear(8, 6), nn.PReLU(6), nn.Linear(6, 3)), (8,)),
    "absolute values": (lambda: nn.Sequential(nn.Linear(8, 6), nn.LeakyReLU(-1.0)), (8,)),
    "clipping": (lambda: nn.Sequential(nn.Linear(8, 6), nn.ReLU6(), nn.Linear(6, 3)), (8,)),
    "vgg": (VGG, (3, 16, 16)),
    "resnet": (ResNet20, (3, 32, 32)),
    "groups and steps": (
        lambda: nn.Sequential(
            nn.Conv2d(4, 6, (3, 2), (2, 1), (1, 0), (1, 2), groups=2), nn.ReLU(),
            nn.AvgPool2d(2, 2, 1), nn.Conv2d(6, 3, 1), nn.Flatten(),
        ),
        (4, 9, 8),
    ),
    "uneven padding": (
        lambda: nn.Sequential(nn.ZeroPad2d((1, 0, 2, 0)), nn.Conv2d(1, 2, 2), nn.ReLU()),
        (1, 5, 6),
    ),
    "one axis": (lambda: nn.Sequential(nn.Conv1d(2, 3, 3, padding=2), nn.ReLU()), (2, 7)),
    "max pooling": (lambda: nn.Sequential(nn.MaxPool2d(3, 2, 1), nn.Flatten()), (2, 7, 7)),
}  # fmt: skip


@pytest.mark.parametrize("name", MODULES)
def test_modules_compute_what_networks_do(name):
    make, shape = MODULES[name]
    torch.manual_seed(0)
    network = ReluNetwork.from_torch(make().eval(), shape, check=False)
    x = images(3, *shape, seed=1)
    expected = network(x)
    scale = np.abs(expected).max()
    double, single = network.to_torch(), network.to_torch(torch.float32)
    assert_allclose(double(x.double()), expected, atol=1e-11 * scale)
    assert_allclose(double(x.double().flatten(1)), expected, atol=1e-11 * scale)
    assert single(x).dtype == torch.float32
    assert_allclose(single(x), expected, atol=1e-4 * scale)
    assert list(double.parameters()) == []


@pytest.mark.parametrize("name", ["mlp", "slopes", "vgg", "groups and steps", "uneven padding"])
def test_gradients_are_those_of_the_affine_map(name):
    make, shape = MODULES[name]
    torch.manual_seed(0)
    network = ReluNetwork.from_torch(make().eval(), shape)
    x = images(1, *shape, seed=1).double().requires_grad_()
    rows, _ = network.affine_maps(network.bits(x.detach())[0])[-1]
    output = network.to_torch()(x)[0]
    for k in (0, network.n_outputs - 1):
        (gradient,) = torch.autograd.grad(output[k], x, retain_graph=True)
        assert_allclose(gradient.ravel(), rows[k], atol=1e-12)


def test_second_derivatives_and_batched_jacobians_exist():
    network = ReluNetwork.from_torch(nn.Sequential(nn.MaxPool1d(2), nn.Linear(4, 3)), (8,))
    module = network.to_torch()
    x = images(2, 8).double().requires_grad_()
    assert torch.autograd.gradgradcheck(lambda x: module(x).pow(3).sum(), x)
    jacobians = torch.vmap(torch.func.jacrev(lambda one: module(one[None])[0]))(x.detach())
    assert jacobians.shape == (2, 3, 8)


@pytest.mark.parametrize("padding", [(0, 0, 0, 0), (1, 2, 1, 2), (0, 0, 1, 2), (2, 0, 1, 3)])
def test_convolutions_are_padded_on_each_side(padding):
    rng = np.random.default_rng(0)
    kernels = Convolution(rng.standard_normal((4, 1, 2, 3)), (2, 5, 6), (2, 1), padding, (1, 2), 2)
    stage = Stage((Term(0, kernels),), rng.standard_normal(kernels.n_out), np.ones(kernels.n_out))
    network = ReluNetwork([stage], (2, 5, 6))
    x = rng.standard_normal((3, 2, 5, 6))
    assert_allclose(network.to_torch()(torch.tensor(x)), network(x), atol=1e-12)


def test_stages_of_several_sources():
    spread = Sparse(sparse.csr_array(np.array([[1.0, 2.0, 0.0], [0.0, 0.0, 0.0]])))
    kernel = Convolution(np.ones((1, 1, 1, 2)), (1, 1, 3), padding=(0, 0, 0, 0))
    first = Stage((Term(0, spread), Term(0, kernel)), np.array([0.5, -0.5]), np.array([0.0, 0.3]))
    last = Stage((Term(1, Dense(np.ones((1, 2)))), Term(0, Dense(np.ones((1, 3))))),
                 np.ones(1), np.ones(1))  # fmt: skip
    network = ReluNetwork([first, last], (3,))
    x = np.random.default_rng(0).standard_normal((20, 3))
    assert_allclose(network.to_torch()(torch.tensor(x)), network(x), atol=1e-14)


def test_a_network_without_terms_is_constant():
    network = ReluNetwork([Stage((), np.array([2.0, 3.0]), np.ones(2))], (4,))
    assert network.to_torch()(torch.zeros(3, 4, dtype=torch.float64)).tolist() == [[2.0, 3.0]] * 3


def test_the_networks_numbers_are_copied():
    network = random_network(0, 3, 4, 2)
    before = network(np.ones((1, 3)))
    module = network.to_torch()
    for buffer in module.buffers():
        buffer.zero_()
    assert np.array_equal(network(np.ones((1, 3))), before)


def test_misuse_is_named():
    network = random_network(0, 3, 4, 2)
    for dtype in (torch.float16, torch.int64, "float32"):
        with pytest.raises(ValueError, match=r"dtype must be torch\.float64 or torch\.float32"):
            network.to_torch(dtype)
    with pytest.raises(ValueError, match=r"inputs must have shape \(n, 3\), got \(2, 4\)"):
        network.to_torch()(torch.zeros(2, 4, dtype=torch.float64))


def test_networks_one_after_another():
    rng = np.random.default_rng(0)
    first, second = random_network(rng, 3, 5, 4), random_network(rng, 4, 6, 2)
    x = rng.standard_normal((7, 3))
    both = chained(first, second)
    assert_allclose(both(x), second(first(x)), atol=1e-12)
    assert both.n_hidden == first.n_hidden + second.n_hidden
    with pytest.raises(ValueError, match="must take 2 numbers, takes 3"):
        chained(second, first)
