"""The region of one input: its radii, and the units that bound it."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from scipy import sparse

import hullspace
from hullspace.networks import Convolution, Dense, ReluNetwork, Sparse, Stage, Term, identity
from hullspace.regions import region_at
from network_cases import residual_network, usual_network
from region_oracles import cell_rows, composed


def convolutional(seed):
    """A convolution, a residual convolution, a pooling and a linear layer."""
    generator = np.random.default_rng(seed)
    first = Convolution(generator.normal(size=(3, 2, 3, 3)) / 4, (2, 4, 4), padding=(1, 1, 1, 1))
    second = Convolution(generator.normal(size=(3, 3, 3, 3)) / 4, (3, 4, 4), padding=(1, 1, 1, 1))
    pool = sparse.csr_array(np.kron(np.eye(3), np.full((1, 16), 1.0 / 16.0)))
    head = Dense(generator.normal(size=(4, 3)))
    n = 48

    def bias(size):
        return generator.normal(size=size) * 0.1

    return ReluNetwork(
        [
            Stage((Term(0, first),), bias(n), np.zeros(n)),
            Stage((Term(1, second), Term(1, identity(n))), bias(n), np.zeros(n)),
            Stage((Term(2, Sparse(pool)),), np.zeros(3), np.ones(3)),
            Stage((Term(3, head),), bias(4), np.ones(4)),
        ],
        (2, 4, 4),
    )


SLOPES = [0.0, 0.1, 1.5, -0.2]
CASES = {
    "dense": usual_network(0, 5, 9, 7, 3),
    "leaky": residual_network(1, 4, 6, 3, SLOPES),
    "convolution": convolutional(2),
}


@pytest.mark.parametrize("memory", [1.0, 2**28])
@pytest.mark.parametrize("name", CASES)
def test_radii_are_distances_to_hyperplanes(name, memory):
    network = CASES[name]
    x = np.random.default_rng(3).normal(size=network.n_inputs)
    region = region_at(network, x.reshape(network.input_shape), memory=memory)
    bits = network.bits(x[None])[0]
    rows, bounds = cell_rows(network, bits)
    W, b = composed(network, bits)[2:]
    slack = bounds - rows @ x
    assert region.radius == pytest.approx((slack / np.linalg.norm(rows, axis=1)).min(), rel=1e-9)
    assert region.radius_inf == pytest.approx((slack / np.abs(rows).sum(axis=1)).min(), rel=1e-9)
    assert (region.pattern == network.pattern(x[None])[0]).all()
    found_W, found_b = region.affine_map
    assert np.allclose(found_W, W)
    assert np.allclose(found_b, b)
    others = np.delete(np.arange(network.n_outputs), region.label)
    margins = (W[region.label] - W[others]) @ x + b[region.label] - b[others]
    tie = (margins / np.linalg.norm(W[region.label] - W[others], axis=1)).min()
    assert region.class_radius == pytest.approx(min(tie, region.radius), rel=1e-9)
    assert region.exact == (tie <= region.radius)


def rational_distance(row, offset, x):
    """Square of the exact distance from x to a hyperplane whose numbers are exact."""
    value = sum(Fraction(a) * Fraction(c) for a, c in zip(row, x, strict=True)) + Fraction(offset)
    return value * value / sum(Fraction(a) ** 2 for a in row)


def test_radii_never_exceed_exact_distances():
    for seed in range(200):
        generator = np.random.default_rng(seed)
        row, offset = generator.normal(size=6), generator.normal()
        x = generator.normal(size=6)
        if seed % 2:  # nearly on the hyperplane
            x -= row * (row @ x + offset) / (row @ row)
        weights = [row[None], np.zeros((2, 1))]
        region = region_at(ReluNetwork.from_arrays(weights, [[offset], [1, 0]]), x)
        assert Fraction(region.radius) ** 2 <= rational_distance(row, offset, x)


def test_on_a_hyperplane_and_off_units():
    weights = [[[1.0, 0.0], [0.0, 0.0]], [[-1.0, 0.0], [1.0, 1.0]], np.eye(2)]
    network = ReluNetwork.from_arrays(weights, [[0, 0], [0, 0], [1, 0]])
    assert region_at(network, [0.0, 3.0]).radius == 0.0
    # Left of it the first layer is off, and the second sees nothing at all.
    left = region_at(network, [-2.0, 3.0])
    assert left.radius == pytest.approx(2.0)
    assert left.class_radius == left.radius
    assert not left.exact
    assert left.irredundant().indices.tolist() == [0]


def test_ties_and_single_outputs():
    tie = region_at(ReluNetwork.from_arrays([np.eye(2), np.eye(2)], [[0, 0], [0, 0]]), [1.0, 1.0])
    assert tie.label == -1
    assert tie.class_radius == 0.0
    single = region_at(ReluNetwork.from_arrays([[[1.0]], [[1.0]]], [[0], [0]]), [2.0])
    assert single.label == 0
    assert single.class_radius == single.radius == pytest.approx(2.0)


def test_class_stays_within_the_radius():
    network = usual_network(5, 4, 12, 12, 3)
    generator = np.random.default_rng(0)
    for _ in range(50):
        region = region_at(network, generator.normal(size=4))
        steps = generator.normal(size=(200, 4))
        ball = steps / np.linalg.norm(steps, axis=1, keepdims=True) * region.class_radius
        box = np.sign(steps) * region.class_radius_inf
        inside = np.vstack([ball, box]) * 0.999 + region.point
        assert (network(inside).argmax(axis=1) == region.label).all()
        affine = np.vstack([ball / region.class_radius * region.radius * 0.999 + region.point])
        assert region.contains(affine).all()


@pytest.mark.parametrize("seed", range(12))
def test_irredundant_rows_are_those_of_linear_programs(seed):
    sizes = [(3, 5, 6, 3), (6, 4, 4, 2), (5, 9, 7, 3)][seed % 3]
    network = usual_network(seed, *sizes)
    generator = np.random.default_rng(seed)
    for domain in (None, (-2.0, 2.0)):
        region = region_at(network, generator.uniform(-2.0, 2.0, sizes[0]), domain)
        body = region.polyhedron()
        found, expected = region.irredundant(), body.irredundant()
        assert found.indices.tolist() == expected.indices.tolist()
        broken = found.witnesses @ body.A[found.indices].T > body.b[found.indices]
        assert (broken == np.eye(len(found), dtype=bool)).all()
        assert body.contains(region.point[None]).all()


def test_irredundant_rows_of_degenerate_regions():
    twice = [[1.0, 0.0], [1.0, 0.0], [0.0, 0.0], [2.0, 0.0]]
    network = ReluNetwork.from_arrays([twice, np.ones((1, 4))], [[0, 0, 1, 0], [0]])
    region = region_at(network, [1.0, 1.0])
    assert region.irredundant().indices.tolist() == [0]
    nothing = ReluNetwork.from_arrays([np.zeros((2, 3)), np.ones((1, 2))], [[1, 0], [0]])
    found = region_at(nothing, np.zeros(3)).irredundant()
    assert len(found) == 0
    assert found.witnesses.shape == (0, 3)
    assert region_at(nothing, np.zeros(3)).radius == np.inf


def test_a_large_network():
    network = usual_network(7, 60, 40, 30, 10)
    region = region_at(network, np.random.default_rng(1).random(60))
    found, body = region.irredundant(), region.polyhedron()
    assert found.indices.tolist() == body.irredundant().indices.tolist()


def test_contains_follows_pattern_and_domain():
    network = usual_network(1, 3, 6, 6, 2)
    x = np.full(3, 0.25)
    region = region_at(network, x, (0, 1))
    points = np.random.default_rng(0).uniform(-1, 1, (500, 3))
    same = (network.bits(points) == network.bits(x[None])).all(axis=1)
    assert (region.contains(points) == (same & (points >= 0).all(axis=1))).all()


def test_errors_name_the_argument():
    network = usual_network(0, 3, 4, 2)
    with pytest.raises(TypeError, match="network"):
        region_at(None, [0, 0, 0])
    with pytest.raises(ValueError, match="x must have shape"):
        region_at(network, [0, 0])
    with pytest.raises(ValueError, match="finite"):
        region_at(network, [0, np.nan, 0])
    with pytest.raises(ValueError, match="in the domain"):
        region_at(network, [0, 0, 0], (1, 2))
    with pytest.raises(ValueError, match="memory"):
        region_at(network, [0, 0, 0], memory=0)
    flat = hullspace.Polyhedron(np.eye(3), np.ones(3), equalities=([[1.0, 1, 1]], [0.0]))
    with pytest.raises(ValueError, match="equalities"):
        region_at(network, [0, 0, 0], flat)


def test_matrices_that_do_not_fit_are_refused_with_their_size(monkeypatch):
    monkeypatch.setattr("hullspace.regions.local._LARGEST", 64)
    with pytest.raises(ValueError, match=r"constraints of 3 inputs take"):
        region_at(usual_network(0, 3, 4, 2), [0, 0, 0]).polyhedron()
