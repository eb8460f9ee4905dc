"""Proofs that linear regions are complete pass."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import sparse

import hullspace
from hullspace.certificates.regions import check_regions
from hullspace.networks.network import ReluNetwork, Stage, Term, unpack
from hullspace.networks.operators import Convolution, Dense, Sparse
from network_cases import arrangement, leaky, usual_network
from proof_cases import DOMAINS, checked, cube, one_stream
from region_oracles import ReferenceSearch, brute_force


@pytest.mark.parametrize("domain", DOMAINS)
@pytest.mark.parametrize("sizes", [(1, 4, 3, 1), (2, 4, 3, 2), (3, 4, 2, 1), (2, 2, 2, 2, 1)])
def test_accepts_what_brute_force_finds(sizes, domain):
    network, domain = usual_network(sum(sizes), *sizes), DOMAINS[domain](sizes[0])
    search, check = checked(network, domain, depths=(1, 3))
    assert check, check
    assert check.n_pruned == sum(len(x) - 1 for x in search.proof.indptr)
    bits = brute_force(network, domain)
    assert {tuple(b) for b in bits} == {tuple(b) for b in unpack(search.patterns, len(bits.T))}


@pytest.mark.parametrize("slopes", [0.25, 0.01, -0.5, 2.0, (0.0, 0.1, 1.0, -1.0)])
def test_slopes(slopes):
    network = leaky(usual_network(3, 2, 4, 4, 1), slopes)
    for domain in (None, cube(2)):
        assert checked(network, domain)[1]


def test_units_in_any_order_within_stages():
    network = usual_network(5, 2, 4, 3, 1)
    search, check = checked(network, cube(2), order=[2, 0, 3, 1, 6, 4, 5], depths=(2, 4, 6))
    assert check, check
    assert len(search.proof.streams) > 5


def test_residual_sparse_and_convolutional_stages():
    generator = np.random.default_rng(0)
    dense = Dense(generator.normal(size=(4, 4)))
    convolution = Convolution(generator.normal(size=(2, 1, 2, 1)), (1, 2, 2), padding=(0, 1, 0, 0))
    mask = sparse.csr_array(generator.normal(size=(6, 4)) * generator.integers(0, 2, size=(6, 4)))
    assert convolution.n_out == 6
    stages = [
        Stage((Term(0, dense),), generator.normal(size=4), np.array([0.0, 1.0, 0.0, 0.125])),
        Stage(
            (Term(0, convolution), Term(1, Sparse(mask))), np.zeros(6), np.array([0.0, 1, 1] * 2)
        ),
        Stage((Term(2, Dense(np.ones((1, 6)))),), np.zeros(1), np.ones(1)),
    ]
    network = ReluNetwork(stages, (1, 2, 2))
    for domain in (None, cube(4)):
        search, check = checked(network, domain)
        assert check, check
        assert len(search.points) == len(brute_force(network, domain))


# Degenerate arrangements, and the number of their cells in space


DEGENERATE = {
    "concurrent": ([[1, 0], [0, 1], [1, 1]], [0, 0, 0], 6),
    "duplicate": ([[1, 0], [0, 1], [1, 0], [1, 2]], [0, 0, 0, 1], 7),
    "opposite": ([[1, 0], [0, 1], [-1, 0]], [0, 0, 0], 4),
    "multiple": ([[1, 0], [0, 1], [3, 0]], [1, 0, 3], 4),
    "grid": ([[1, 0]] * 3 + [[0, 1]] * 3, [0, 1, 2, 0, 1, 2], 16),
    "identity": ([[1, 0], [0, 1]], [0, 0], 4),
    "zero rows": ([[1, 0], [0, 0], [0, 0], [0, 0]], [0, 0, 1, -1], 2),
    "all zero": ([[0, 0], [0, 0]], [0, 0], 1),
    "braid A3": (
        [[1, -1, 0, 0], [1, 0, -1, 0], [1, 0, 0, -1], [0, 1, -1, 0], [0, 1, 0, -1], [0, 0, 1, -1]],
        [0] * 6,
        24,
    ),
    "B3": (
        [[1, 0, 0], [0, 1, 0], [0, 0, 1]]
        + [[1, s, 0] for s in (1, -1)]
        + [[1, 0, s] for s in (1, -1)]
        + [[0, 1, s] for s in (1, -1)],
        [0] * 9,
        48,
    ),
}


@pytest.mark.parametrize("name", DEGENERATE)
def test_degenerate_arrangements(name):
    normals, offsets, count = DEGENERATE[name]
    search, check = checked(arrangement(normals, offsets))
    assert check, check
    assert check.n_regions == len(search.points) == count


def test_hyperplanes_along_faces_and_through_corners():
    network = arrangement([[1, 0], [-1, 0], [1, 1], [1, -1], [0, 1]], [-1, -1, -2, 0, 1])
    search, check = checked(network, cube(2))
    assert check, check
    assert len(search.points) == 2
    assert check.n_exact > 0


def test_layers_that_are_off_or_repeat_each_other():
    first = [[1.0, 0.5], [-0.3, 1.0]]
    for weights, biases in (
        ([first, [[-1.0, -1.0], [-2.0, -0.1]], [[1.0, 1.0]]], [[0.1, 0.2], [0.0, 0.0], [0.0]]),
        ([first, [[0.1, 0.7], [0.1, 0.7], [-0.2, -1.4]], [[1.0] * 3]], [[0.1, 0.2], [0] * 3, [0]]),
        ([first, [[1.0, -1.0], [-1.0, 1.0]], [[1.0, 1.0]]], [[0.1, 0.1], [0.0, 0.0], [0.0]]),
    ):
        network = ReluNetwork.from_arrays(weights, biases)
        for domain in (None, cube(2)):
            search, check = checked(network, domain)
            assert check, check
            assert len(search.points) == len(brute_force(network, domain))


def test_no_hidden_units_and_domains_without_interior():
    linear = ReluNetwork.from_arrays([[[1.0, 2.0]]], [[0.0]])
    assert checked(linear)[1].n_regions == 1
    network = usual_network(0, 2, 2, 1)
    for b in ([0.0, 0.0], [-1.0, 0.0]):  # a line, and nothing
        search, check = checked(network, hullspace.Polyhedron([[1.0, 0.0], [-1.0, 0.0]], b))
        assert check, check
        assert len(search.points) == 0


@pytest.mark.parametrize("gap", [1e-8, 1e-12, 2.0**-52])
def test_thin_cells(gap):
    network = arrangement([[1.0], [1.0]], [-1.0, -1.0 - gap])
    patterns = np.array([[3], [1], [0]], dtype=np.uint8)
    proof = one_stream([0, 1, -1, -1, 1, -2, -1], [0, 1, 2], [([0, 1], [1, 1])])
    points = np.array([[2.0], [1.0 + gap / 2], [0.0]])
    check = check_regions(network, None, patterns, points, proof)
    # Between 1 and the next double is no double: it takes a point in more digits.
    assert check.complete == (gap > 2.0**-52)
    assert check.unproven_regions == (() if check else (1,))
    fine = np.array([[1.0, gap / 2], [1.0, 0.0]])
    assert check_regions(network, None, patterns, points, replace(proof, fine_points={1: fine}))
    at_the_end = np.array([[1.0, gap], [1.0, 0.0]])
    for wrong in (at_the_end, -fine, fine[:1], fine[:, 0], fine * np.nan, fine.astype(int)):
        proven = check_regions(
            network, None, patterns, points, replace(proof, fine_points={1: wrong})
        )
        assert proven.complete == (gap > 2.0**-52)


def test_a_missing_certificate_is_counted():
    network = arrangement([[1.0], [1.0]], [-1.0, -2.0])
    patterns, points = np.array([[3], [1], [0]], dtype=np.uint8), np.array([[3.0], [1.5], [0.0]])
    proof = one_stream([0, 1, -1, -1, 1, -2, -1], [0, 1, 2], [([], [])])
    check = check_regions(network, None, patterns, points, proof)
    assert not check
    assert check.problems == (
        "1 pruned branches are not proven to have no interior",
        "1 of them have no certificate at all",
    )


def test_deep_trees():
    n = 2500
    network = arrangement(np.ones((n, 1)), np.arange(1.0, n + 1))
    tokens = [*range(n), -1, *[-2] * n]
    proof = one_stream(tokens, [0], [([j, n + 1], [1, 1]) for j in range(n)][::-1])
    patterns = np.packbits(np.ones((1, n), dtype=bool), axis=1, bitorder="little")
    done = []
    check = check_regions(
        network,
        cube(1, 0.5),
        patterns,
        np.zeros((1, 1)),
        proof,
        progress=lambda *counts: done.append(counts),
    )
    assert check, check
    assert done[-1] == (n + 1, n + 1)


def test_sets_of_lower_dimension():
    network = usual_network(8, 3, 4, 3, 1)
    origin, basis = np.array([0.5, -0.25, 0.0]), np.array([[1.0, 0.0], [0.5, 1.0], [0.0, -2.0]])
    first = network.stages[0]
    matrix = first.terms[0].operator.matrix
    within = Stage((Term(0, Dense(matrix @ basis)),), first.bias + matrix @ origin, first.slopes)
    search = ReferenceSearch(ReluNetwork([within, *network.stages[1:]], (2,)), cube(2))
    arguments = (cube(2), search.patterns, search.points, search.proof)
    assert check_regions(network, *arguments, origin=origin, basis=basis)
    assert not check_regions(network, *arguments, origin=origin + 1, basis=basis)
