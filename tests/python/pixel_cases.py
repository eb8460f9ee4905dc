"""Small models with known answers, for the tests of searches in pixels."""

from contextlib import contextmanager

import numpy as np
import torch
from torch import nn

from hullspace import FeatureSpace, ReluNetwork
from models import mlp


def linear(weight, bias=None):
    """A double-precision linear layer."""
    weight = torch.as_tensor(np.array(weight), dtype=torch.float64)
    layer = nn.Linear(weight.shape[1], weight.shape[0]).double()
    with torch.no_grad():
        layer.weight.copy_(weight)
        layer.bias.copy_(torch.zeros(len(weight)) if bias is None else torch.as_tensor(bias))
    return layer


def space_of(model, *shape, **options):
    dtype = next(model.parameters()).dtype
    return FeatureSpace.from_torch(model, torch.zeros(1, *shape, dtype=dtype), **options)


def affine_space(n_inputs=6, n_features=4, n_classes=3, seed=0):
    """Features and logits are affine functions of the pixels; returns the arrays too."""
    random = np.random.default_rng(seed)
    weight, bias = random.normal(size=(n_features, n_inputs)), random.normal(size=n_features)
    head, constant = random.normal(size=(n_classes, n_features)), random.normal(size=n_classes)
    # An identity keeps the first layer from being the head.
    model = nn.Sequential(linear(weight, bias), linear(head, constant))
    return space_of(model, n_inputs), (weight, bias), (head @ weight, head @ bias + constant)


def relu_space(*widths, seed=0):
    """A double-precision network with torch's start, and the same as a ReluNetwork."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = mlp(*widths).double()
        # Weights three times as large, and logits around zero, so that classes change.
        inputs = torch.rand(500, widths[0], dtype=torch.float64)
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.mul_(3)
            model[-1].bias -= model(inputs).mean(0)
    layers = [layer for layer in model if isinstance(layer, nn.Linear)]
    network = ReluNetwork.from_arrays(
        [layer.weight.detach().numpy() for layer in layers],
        [layer.bias.detach().numpy() for layer in layers],
    )
    return space_of(model, widths[0]), network


def constant_space(n_inputs=3):
    """Always class 1."""
    return space_of(
        nn.Sequential(linear(np.zeros((2, n_inputs))), linear(np.eye(2), [0, 1])), n_inputs
    )


@contextmanager
def unchanged(model):
    """Check that a call leaves mode, gradients, hooks and the global generator alone."""
    parameters = [p.requires_grad for p in model.parameters()]
    modes = [module.training for module in model.modules()]
    generator = torch.random.get_rng_state()
    yield
    assert [p.requires_grad for p in model.parameters()] == parameters
    assert all(p.grad is None for p in model.parameters())
    assert [module.training for module in model.modules()] == modes
    assert not any(module._forward_hooks for module in model.modules())
    assert torch.equal(torch.random.get_rng_state(), generator)
