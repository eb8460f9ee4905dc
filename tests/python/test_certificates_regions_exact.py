"""What the check of linear regions relies on: bounds of rounding errors, and integers."""

from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import hullspace
from hullspace.certificates.regions import check_regions, frame_of
from hullspace.certificates.regions_exact import ExactRegions
from hullspace.certificates.regions_floating import FloatingNetwork
from hullspace.certificates.regions_pruned import Sums, are_empty
from hullspace.certificates.regions_tree import OFF, ON, Branches, Units
from hullspace.networks.network import ReluNetwork, Stage, Term
from hullspace.networks.operators import Dense
from network_cases import arrangement, leaky, usual_network
from proof_cases import DOMAINS, checked, cube
from region_oracles import ReferenceSearch, brute_force

# Bounds of the rounding errors, and integers


@pytest.mark.parametrize("slopes", [0.0, 0.1])
def test_exact_functions_are_within_the_bounds(slopes):
    network = leaky(usual_network(6, 3, 12, 10, 8, 2), slopes)
    units = Units.of(network)
    origin, basis = np.array([0.1, 0.2, 0.3]), np.random.default_rng(0).normal(size=(3, 2))
    frame = frame_of(network, None, origin, basis)
    floating, exact = FloatingNetwork(network, units, frame), ExactRegions(network, units, frame)
    points = np.random.default_rng(1).normal(size=(4, 2))
    bits = network.bits(origin + points @ basis.T)
    values, errors = floating.maps(bits, 3)
    different = 0
    for i, own in enumerate(bits):
        states = np.where(own, ON, OFF).astype(np.uint8)
        rows = exact._functions.rows(states, list(range(len(units))))
        for u, (row, exponent) in enumerate(rows):
            for j, number in enumerate(row):
                true = Fraction(int(number)) * Fraction(2) ** exponent
                distance = abs(true - Fraction(values[i, j, u]))
                assert distance <= Fraction(errors[i, j, u])
                different += distance > 0
    assert different > 100
    assert errors.max() < 1e-12


@pytest.mark.parametrize("bounded", [False, True])
def test_double_precision_accepts_no_more_than_integers(bounded):
    # Rows that just cancel, with constants that miss each other by some roundings.
    generator = np.random.default_rng(int(bounded))
    counts = np.zeros(3, dtype=int)
    for _ in range(300):
        d = int(generator.integers(1, 4))
        normals, offsets = generator.normal(size=(d + 1, d)), generator.normal(size=d + 1)
        multipliers = generator.uniform(0.5, 2.0, size=d + 1)
        normals[-1] = -(multipliers[:-1] @ normals[:-1]) / multipliers[-1]
        margin = 2.0 ** generator.integers(-56, -38) * generator.choice([-1.0, 1.0])
        offsets[-1] = (margin - multipliers[:-1] @ offsets[:-1]) / multipliers[-1]
        network = arrangement(normals, offsets)
        units, frame = (
            Units.of(network),
            frame_of(network, cube(d) if bounded else None, None, None),
        )
        floating = FloatingNetwork(network, units, frame)
        branches = Branches(np.zeros(1, np.int64), np.full((1, d + 1), ON, np.uint8))
        sums = Sums(np.array([d + 1]), np.arange(d + 1), multipliers)
        exact = ExactRegions(network, units, frame).is_empty(
            branches.states[0], sums.rows, multipliers
        )
        found = bool(are_empty(floating, branches, sums)[0])
        assert exact or not found
        counts += np.array([found, exact, 1])
    assert 50 < counts[0] < counts[1] < 250


def test_sums_over_nonempty_branches_prove_nothing():
    generator = np.random.default_rng(0)
    for seed in range(12):
        sizes = [int(generator.integers(1, 4)), 2, int(generator.integers(1, 4)), 1]
        weights = [generator.integers(-2, 3, size=(n_out, n_in)) for n_in, n_out in pairwise(sizes)]
        biases = [generator.integers(-2, 3, size=n_out) for n_out in sizes[1:]]
        network = ReluNetwork.from_arrays(weights, biases)
        frame = frame_of(network, (None, cube(sizes[0]))[seed % 2], None, None)
        exact, n_rows = ExactRegions(network, Units.of(network), frame), network.n_hidden
        n_rows += len(frame.b)
        for bits in brute_force(network, (None, cube(sizes[0]))[seed % 2]):
            states = np.where(bits, ON, OFF).astype(np.uint8)
            for _ in range(20):
                n = int(generator.integers(1, min(n_rows, sizes[0] + 2) + 1))
                rows = generator.choice(n_rows, size=n, replace=False)
                assert not exact.is_empty(states, rows, generator.integers(1, 4, size=n) * 1.0)


def test_extreme_weights_are_left_to_integers():
    for scale in (1e-100, 1e100):
        normals = np.array([[1.0, 0.3], [0.2, 1.0], [-1.0, 0.7]]) * scale
        network = arrangement(normals, np.array([0.1, 0.2, 0.3]) * scale)
        search = ReferenceSearch(arrangement(normals / scale, [0.1, 0.2, 0.3]))
        check = check_regions(network, None, search.patterns, search.points, search.proof)
        assert check, check
        assert check.n_exact == check.n_regions + check.n_pruned
        box = hullspace.Polyhedron(cube(2).A * scale**2.5, cube(2).b * scale**2.5)
        search, check = checked(arrangement(normals / scale, [0.1, 0.2, 0.3]), cube(2))
        assert check_regions(network, box, search.patterns, search.points, search.proof)


# Small integers, where everything touches


@st.composite
def tiny_networks(draw):
    sizes = [draw(st.integers(1, 3)), *draw(st.lists(st.integers(1, 3), min_size=1, max_size=2)), 1]
    numbers = st.integers(-2, 2)
    stages = []
    for k, (n_in, n_out) in enumerate(pairwise(sizes)):
        matrix = draw(st.lists(numbers, min_size=n_in * n_out, max_size=n_in * n_out))
        bias = draw(st.lists(numbers, min_size=n_out, max_size=n_out))
        slope = draw(st.sampled_from([0.0, 0.0, 0.5, -1.0])) if k + 2 < len(sizes) else 1.0
        operator = Dense(np.array(matrix, dtype=float).reshape(n_out, n_in))
        stages.append(Stage((Term(k, operator),), np.array(bias, float), np.full(n_out, slope)))
    return ReluNetwork(stages, (sizes[0],))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(tiny_networks(), st.sampled_from(sorted(DOMAINS)), st.randoms(use_true_random=False))
def test_tiny_networks_of_integers(network, domain, random):
    domain = DOMAINS[domain](network.n_inputs)
    search, check = checked(network, domain, depths=(1,))
    assert check, check
    # No region can be missed, whatever certificates say.
    proof, n = search.proof, len(search.points)
    i = random.randrange(n) if n else 0
    if n:
        wrong = search.patterns.copy()
        wrong[i, 0] ^= 1 << random.randrange(network.n_hidden)
        assert not check_regions(network, domain, wrong, search.points, proof)
        keep = np.arange(n) != i
        fewer = search.patterns[keep], search.points[keep]
        assert not check_regions(network, domain, *fewer, proof)
