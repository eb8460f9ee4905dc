"""Networks for tests: random and degenerate ones, and those whose linear regions are known."""

from __future__ import annotations

from functools import cache
from itertools import combinations, pairwise, product
from math import comb

import numpy as np
import pytest

from hullspace import ReluNetwork
from hullspace.networks import Dense, Stage, Term, identity

# Regions in all of R^d and in [-1, 1]^d, each found by at least two independent programs.
COUNTS = {
    (2, 10, 5, 1): (124, 42),
    (2, 16, 16, 1): (572, 127),
    (2, 32, 32, 1): (2268, 795),
    (3, 16, 16, 1): (5028, 1276),
    (3, 32, 32, 1): (None, 11512),
}


def torch_network(*widths):
    """Layers with torch's default initialization, in single precision, then taken as doubles."""
    torch = pytest.importorskip("torch")
    torch.manual_seed(0)
    layers = [torch.nn.Linear(n, m) for n, m in pairwise(widths)]
    return network_of_layers(layers)


def network_of_layers(layers):
    """Linear layers of torch with ReLU between them."""
    arrays = [(x.weight.detach().double().numpy(), x.bias.detach().double().numpy())
              for x in layers]  # fmt: skip
    return ReluNetwork.from_arrays(*zip(*arrays, strict=True))


def random_network(seed, *widths, biases=1.0, outputs=1.0):
    """Normal weights and biases, from a seed or a generator."""
    generator = np.random.default_rng(seed)
    weights = [generator.normal(size=(m, n)) for n, m in pairwise(widths)]
    weights[-1] *= outputs
    return ReluNetwork.from_arrays(weights, [generator.normal(size=m) * biases for m in widths[1:]])


def usual_network(seed, *widths):
    """Weights and biases of about the size of a usual start."""
    network = random_network(seed, *widths, biases=0.3)
    arrays = [(weight / weight.shape[1] ** 0.5, bias) for weight, bias, _ in layers_of(network)]
    return ReluNetwork.from_arrays(*zip(*arrays, strict=True))


def integer_network(seed, *widths, largest=2):
    """Small integers: parallel, equal, concurrent and zero hyperplanes."""
    generator = np.random.default_rng(seed)
    weights = [generator.integers(-largest, largest + 1, size=(m, n)) for n, m in pairwise(widths)]
    biases = [generator.integers(-largest, largest + 1, size=m) for m in widths[1:]]
    return ReluNetwork.from_arrays(weights, biases)


def arrangement(normals, offsets):
    """One layer whose units vanish on the hyperplanes ``normals @ x + offsets = 0``."""
    normals = np.asarray(normals, float)
    return ReluNetwork.from_arrays(
        [normals, np.ones((1, len(normals)))], [np.asarray(offsets, float), [0.0]]
    )


def scaled(network, factors):
    """Multiply all weights and biases of each layer by its factor."""
    arrays = [(s * w, s * b) for (w, b, _), s in zip(layers_of(network), factors, strict=True)]
    return ReluNetwork.from_arrays(*zip(*arrays, strict=True))


def leaky(network, slope):
    """The same network with LeakyReLU; the slope may differ from unit to unit of a stage."""
    stages = [
        Stage(stage.terms, stage.bias, np.broadcast_to(slope, stage.n_units).astype(float))
        for stage in network.stages[:-1]
    ]
    return ReluNetwork([*stages, network.stages[-1]], network.input_shape)


def partly_linear(network, generator):
    """The same network with some hidden units linear and the others with slopes of their own."""
    stages = [
        Stage(stage.terms, stage.bias, generator.choice([0.0, 0.25, 1.0, -0.5], stage.n_units))
        for stage in network.stages[:-1]
    ]
    return ReluNetwork([*stages, network.stages[-1]], network.input_shape)


def residual_network(seed, n_inputs, width, n_outputs=2, slopes=0.0):
    """A layer, a second one added to the first, and an output that also sees the input."""
    generator = np.random.default_rng(seed)
    shapes = [(width, n_inputs), (width, width), (n_outputs, width), (n_outputs, n_inputs)]
    first, second, last, skip = (Dense(generator.normal(size=s) / s[1] ** 0.5) for s in shapes)
    slopes = np.resize(slopes, width).astype(float)
    stages = [
        Stage((Term(0, first),), generator.normal(size=width), slopes),
        Stage((Term(1, second), Term(1, identity(width))), generator.normal(size=width), slopes),
        Stage((Term(2, last), Term(0, skip)), np.zeros(n_outputs), np.ones(n_outputs)),
    ]
    return ReluNetwork(stages, (n_inputs,))


def degenerate_matrix(generator, n_out, n_in):
    """Small integers with zero, repeated and opposite rows."""
    matrix = generator.integers(-3, 4, (n_out, n_in)).astype(float)
    if n_out > 2:
        matrix[generator.integers(n_out)] = 0.0
        matrix[generator.integers(n_out)] = matrix[generator.integers(n_out)]
        matrix[generator.integers(n_out)] = -matrix[generator.integers(n_out)]
    return np.where(generator.random(matrix.shape) < 0.2, 0.0, matrix)


def layers_of(network):
    """Matrix, bias and slopes of each layer of a network without skips."""
    for k, stage in enumerate(network.stages):
        assert [term.source for term in stage.terms] == [k]
    return [(s.terms[0].operator.matrix, s.bias, s.slopes) for s in network.stages]


def generic_count(n, d):
    """Regions of n hyperplanes in general position in R^d, Buck (1943)."""
    return sum(comb(n, i) for i in range(d + 1))


def central_count(n, d):
    """Regions of n hyperplanes through zero, otherwise in general position."""
    return 2 * sum(comb(n - 1, i) for i in range(d))


def braid(n):
    """Normals of the reflections that permute n coordinates: n! regions."""
    return np.array([np.eye(n)[i] - np.eye(n)[j] for i, j in combinations(range(n), 2)])


def hyperoctahedral(n):
    """Normals of the reflections that permute and negate n coordinates: 2^n n! regions."""
    plus = [np.eye(n)[i] + np.eye(n)[j] for i, j in combinations(range(n), 2)]
    return np.vstack([np.eye(n), braid(n), plus])


def shifted_braid(n, shifts):
    """The hyperplanes ``x_i - x_j = shift`` for i < j."""
    normals = np.repeat(braid(n), len(shifts), axis=0)
    return arrangement(normals, -np.tile(np.asarray(shifts, float), n * (n - 1) // 2))


def resonance(n):
    """Normals of zeros and ones, all but zero: 2, 6, 32, 370, 11292 regions in turn."""
    return np.array([row for row in product([0.0, 1.0], repeat=n) if any(row)])


def generic_rows(generator, n, d):
    """Random hyperplanes near zero."""
    return generator.normal(size=(n, d)), generator.normal(size=n)


@cache
def trained_on_moons(*widths, steps=400):
    """A classifier of two half moons, trained with momentum from a fixed seed."""
    torch = pytest.importorskip("torch")
    generator = np.random.default_rng(0)
    angles = generator.uniform(0.0, np.pi, size=400)
    upper = np.arange(400) % 2 == 0
    points = np.column_stack([np.cos(angles), np.sin(angles)])
    points[~upper] = [1.0, 0.5] - points[~upper]
    points += 0.08 * generator.normal(size=points.shape)
    torch.manual_seed(0)
    layers = [torch.nn.Linear(n, m) for n, m in pairwise((2, *widths, 2))]
    steps_of = [module for layer in layers for module in (layer, torch.nn.ReLU())][:-1]
    model = torch.nn.Sequential(*steps_of)
    inputs, labels = torch.tensor(points).float(), torch.tensor(~upper).long()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    for _ in range(steps):
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(model(inputs), labels).backward()
        optimizer.step()
    return network_of_layers(layers)
