"""Proofs that linear regions are complete pass, and every corruption of one fails."""

from dataclasses import fields, replace
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy import sparse

import hullspace
from hullspace.certificates.regions import RegionProof, check_regions, frame_of
from hullspace.certificates.regions_exact import ExactRegions
from hullspace.certificates.regions_floating import FloatingNetwork
from hullspace.certificates.regions_pruned import Sums, are_empty
from hullspace.certificates.regions_tree import OFF, ON, Branches, Units
from hullspace.networks.network import ReluNetwork, Stage, Term, unpack
from hullspace.networks.operators import Convolution, Dense, Sparse
from network_cases import arrangement, leaky, usual_network
from region_oracles import ReferenceSearch, brute_force


def cube(d, half=1.0):
    return hullspace.Polyhedron(np.vstack([np.eye(d), -np.eye(d)]), np.full(2 * d, half))


def simplex(d):
    return hullspace.Polyhedron(np.vstack([np.ones((1, d)), -np.eye(d)]), np.ones(d + 1))


def checked(network, domain=None, **keywords):
    search = ReferenceSearch(network, domain, **keywords)
    return search, check_regions(network, domain, search.patterns, search.points, search.proof)


DOMAINS = {
    "all": lambda _: None,
    "box": cube,
    "triangle": simplex,
    "half": lambda d: hullspace.Polyhedron(np.ones((1, d)), [0.25]),
}


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


def one_stream(tokens, leaves, certificates):
    counts = [len(rows) for rows, _ in certificates]
    return RegionProof(
        (np.array(tokens, dtype=np.int32),),
        (np.array([], dtype=np.int64),),
        (np.array(leaves, dtype=np.int64),),
        (np.cumsum([0, *counts]),),
        (np.array([r for rows, _ in certificates for r in rows], dtype=np.int64),),
        (np.array([y for _, ys in certificates for y in ys], dtype=float),),
    )


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


# What must not pass


@pytest.fixture(scope="module")
def good():
    network, domain = usual_network(11, 2, 3, 2, 1), cube(2)
    search, check = checked(network, domain, depths=(2,))
    assert check, check
    assert len(search.proof.streams) > 2
    return network, domain, search


def with_array(proof, name, stream, array):
    arrays = list(getattr(proof, name))
    arrays[stream] = np.asarray(array, dtype=arrays[stream].dtype)
    return replace(proof, **{name: tuple(arrays)})


def rejected(good, *, patterns=None, points=None, proof=None):
    network, domain, search = good
    check = check_regions(
        network,
        domain,
        search.patterns if patterns is None else patterns,
        search.points if points is None else points,
        search.proof if proof is None else proof,
    )
    assert not check.complete
    assert check.problems
    assert "not proven complete" in repr(check)
    return check


def test_regions_dropped_doubled_or_swapped(good):
    search = good[2]
    rejected(good, patterns=search.patterns[:-1], points=search.points[:-1])
    rejected(
        good,
        patterns=np.vstack([search.patterns, search.patterns[:1]]),
        points=np.vstack([search.points, search.points[:1]]),
    )
    swapped = search.patterns.copy()
    swapped[[0, 1]] = swapped[[1, 0]]
    rejected(good, patterns=swapped)
    order = np.r_[1, 0, 2 : len(swapped)]
    rejected(good, patterns=swapped, points=search.points[order])
    for stream, leaves in enumerate(search.proof.leaves):
        if len(leaves):
            rejected(good, proof=with_array(search.proof, "leaves", stream, leaves * 0))
    unknown = [np.where(x == 0, len(swapped), x) for x in search.proof.leaves]
    rejected(good, proof=replace(search.proof, leaves=tuple(unknown)))


@pytest.mark.parametrize("bit", [0, 2, 4, 7])
def test_bits_flipped(good, bit):
    for i in range(len(good[2].patterns)):
        patterns = good[2].patterns.copy()
        patterns[i, 0] ^= 1 << bit
        rejected(good, patterns=patterns)


def test_points_moved(good):
    points = good[2].points
    for i in range(len(points)):
        for x in (points[(i + 1) % len(points)], [1.0, 0.0], [50.0, 0.0], [np.nextafter(1, 2), 0]):
            moved = points.copy()
            moved[i] = x
            assert rejected(good, points=moved).unproven_regions == (i,)


def test_points_on_hyperplanes():
    network = arrangement([[1.0, 0.0], [0.0, 1.0]], [0.0, 0.0])
    search, check = checked(network)
    assert check
    for i in range(4):
        points = search.points.copy()
        points[i, 0] = 0.0
        check = check_regions(network, None, search.patterns, points, search.proof)
        assert check.unproven_regions == (i,)


def each_certificate(proof):
    for stream, indptr in enumerate(proof.indptr):
        for i in range(len(indptr) - 1):
            yield stream, i, slice(indptr[i], indptr[i + 1])


def test_multipliers_negative_missing_or_not_finite(good):
    proof = good[2].proof
    for stream, i, entries in each_certificate(proof):
        for value in (-1.0, 0.0, np.nan, np.inf):
            multipliers = proof.multipliers[stream].copy()
            multipliers[entries] = value
            check = rejected(good, proof=with_array(proof, "multipliers", stream, multipliers))
            assert check.unproven_prunes == ((stream, i),)


def test_rows_unknown_or_undecided(good):
    proof = good[2].proof
    for stream, i, entries in each_certificate(proof):
        for row in (-1, 5 + 4, 10**9):
            rows = proof.rows[stream].copy()
            rows[entries.start] = row
            check = rejected(good, proof=with_array(proof, "rows", stream, rows))
            assert check.unproven_prunes == ((stream, i),)
    # The last unit is undecided in the root's prunes, which are above its subtrees.
    network = arrangement([[1.0], [1.0]], [2.0, 3.0])
    for row, proven in ((0, True), (1, False)):
        proof = one_stream([0, 1, -1, -2, -2], [0], [([1, 3], [1, 1]), ([row, 3], [1, 1])])
        check = check_regions(network, cube(1), np.array([[3]], np.uint8), [[0.0]], proof)
        assert check.complete == proven


def test_multipliers_of_wrong_rows(good):
    network, domain, search = good
    proof = search.proof
    n_hidden = network.n_hidden
    for stream, _, entries in each_certificate(proof):
        rows = proof.rows[stream].copy()
        # The domain alone is not empty, whatever the multipliers.
        rows[entries] = n_hidden + np.arange(entries.stop - entries.start) % len(domain.b)
        rejected(good, proof=with_array(proof, "rows", stream, rows))


def test_certificates_that_lack_a_row_prove_nothing_in_space():
    network = usual_network(2, 2, 4, 1)
    search, check = checked(network)
    assert check
    n_shared = 0
    for stream, i, entries in each_certificate(search.proof):
        for lost in range(entries.start, entries.stop):
            multipliers = search.proof.multipliers[stream].copy()
            multipliers[lost] = 0.0
            proof = with_array(search.proof, "multipliers", stream, multipliers)
            check = check_regions(network, None, search.patterns, search.points, proof)
            assert check.unproven_prunes == ((stream, i),)
            n_shared += 1
    assert n_shared > 5


def test_nonempty_branches_that_are_pruned(good):
    network, domain, search = good
    every_row = np.arange(network.n_hidden + len(domain.b))
    for stream, tokens in enumerate(search.proof.streams):
        for leaf, place in enumerate(np.flatnonzero(tokens == -1)):
            region = search.proof.leaves[stream][leaf]
            proof = with_array(
                search.proof,
                "streams",
                stream,
                np.where(np.arange(len(tokens)) == place, -2, tokens),
            )
            left = np.delete(search.proof.leaves[stream], leaf)
            proof = with_array(proof, "leaves", stream, left)
            leaves = tuple(x - (x > region) for x in proof.leaves)
            before = np.count_nonzero(tokens[:place] == -2)
            at = proof.indptr[stream][before]
            n = len(every_row)
            indptr = proof.indptr[stream]
            indptr = np.concatenate([indptr[: before + 1], indptr[before:] + n])
            proof = with_array(replace(proof, leaves=leaves), "indptr", stream, indptr)
            rows = np.insert(proof.rows[stream], at, every_row)
            multipliers = np.insert(proof.multipliers[stream], at, np.ones(n))
            proof = with_array(proof, "rows", stream, rows)
            proof = with_array(proof, "multipliers", stream, multipliers)
            check = rejected(
                good,
                patterns=np.delete(search.patterns, region, axis=0),
                points=np.delete(search.points, region, axis=0),
                proof=proof,
            )
            assert check.unproven_prunes == ((stream, before),)
            assert check.problems == ("1 pruned branches are not proven to have no interior",)


def test_units_that_are_zero_are_off():
    network = arrangement([[0.0]], [0.0])
    for token, pattern in (([0, -2, -1], 0), ([0, -1, -2], 1)):
        proof = one_stream(token, [0], [([0], [1.0])])
        check = check_regions(network, None, np.array([[pattern]], np.uint8), [[1.0]], proof)
        assert check.complete == (pattern == 0)


def test_touching_needs_a_positive_term():
    # -a and a of an off unit that is zero everywhere sum up to zero, and prove nothing.
    network = arrangement([[0.0], [0.0]], [0.0, 0.0])
    proof = one_stream([0, -2, 1, -2, -2], [], [([0], [1]), ([1], [1]), ([0, 1], [1, 1])])
    check = check_regions(network, None, np.zeros((0, 1), np.uint8), np.zeros((0, 1)), proof)
    assert check.unproven_prunes == ((0, 2),)


def streams_with(proof, tokens):
    return with_array(proof, "streams", 0, tokens)


@pytest.mark.parametrize(
    ("tokens", "words"),
    [
        ([0, 1, -1, -1, 1, -2, -1, -2], "more or fewer"),
        ([0, 1, -1, -1, 1, -2, -1, 0], "goes on"),
        ([0, 0, -1, -1, 1, -2, -1], "twice"),
        ([0, 2, -1, -1, 1, -2, -1], "which is none"),
        ([0, 1, -1, -1, 1, -2, -4], "more or fewer"),
        ([0, -1, 1, -1, -2, -4, -1], "undecided"),
        ([-1, -1, -1, -2], "undecided"),
        ([0, 1, -1, -1, 1, -2, -1, -5], "goes on"),
        ([0, -5, 1, -1, -1, -2, -1], "token -5"),
        ([1, 0, -1, -1, 0, -2, -1], "another pattern"),
        ([], "more or fewer"),
    ],
)
def test_streams_that_are_no_tree(tokens, words):
    network = arrangement([[1.0], [1.0]], [0.0, -1.0])
    patterns, points = np.array([[3], [1], [0]], dtype=np.uint8), np.array([[2.0], [0.5], [-1]])
    proof = one_stream([0, 1, -1, -1, 1, -2, -1], [0, 1, 2], [([0, 1], [1, 1])])
    assert check_regions(network, None, patterns, points, proof)
    check = check_regions(network, None, patterns, points, streams_with(proof, tokens))
    assert not check.complete
    assert words in repr(check)
    cut = one_stream([0, 1, -1, -1, 1, -2], [0, 1], [([0, 1], [1, 1])])
    assert "ends before" in repr(check_regions(network, None, patterns, points, cut))


def test_units_of_later_stages_come_later():
    network = usual_network(4, 1, 2, 2, 1)
    search, check = checked(network, order=[1, 0, 3, 2])
    assert check
    proof = search.proof
    swapped = np.array([1, 2, 0, 3])[np.maximum(proof.streams[0], 0)]
    proof = streams_with(proof, np.where(proof.streams[0] >= 0, swapped, proof.streams[0]))
    check = check_regions(network, None, search.patterns, search.points, proof)
    assert "before all units of earlier stages" in repr(check)


def test_streams_missing_cyclic_or_open(good):
    proof = good[2].proof
    children = proof.children[0]
    assert len(children) > 1
    for i in range(len(children)):
        for child in (0, children[i - 1], len(proof.streams), -2):
            changed = np.where(np.arange(len(children)) == i, child, children)
            rejected(good, proof=with_array(proof, "children", 0, changed))
        changed = np.where(np.arange(len(children)) == i, -1, children)
        check = rejected(good, proof=with_array(proof, "children", 0, changed))
        assert "1 subtrees were not searched" in check.problems
    rejected(good, proof=with_array(proof, "children", 0, children[:-1]))
    arrays = [f.name for f in fields(proof) if f.name != "fine_points"]
    shorter = {name: getattr(proof, name)[:-1] for name in arrays}
    rejected(good, proof=RegionProof(**shorter))
    rejected(good, proof=RegionProof((), (), (), (), (), ()))
    # Two streams that lead to each other, apart from the tree.
    twins = {
        "streams": (np.array([-3], np.int32),) * 2,
        "children": tuple(np.array([len(proof.streams) + i]) for i in (1, 0)),
        "leaves": (np.array([], np.int64),) * 2,
        "indptr": (np.array([0]),) * 2,
        "rows": (np.array([], np.int64),) * 2,
        "multipliers": (np.array([]),) * 2,
    }
    check = rejected(
        good, proof=RegionProof(**{name: getattr(proof, name) + x for name, x in twins.items()})
    )
    assert check.problems == ("2 streams are in no place of the tree",)


def test_arrays_that_do_not_belong_together(good):
    proof = good[2].proof
    for name in ("leaves", "indptr", "rows", "multipliers"):
        stream = next(i for i, x in enumerate(getattr(proof, name)) if len(x) > 1)
        array = getattr(proof, name)[stream]
        rejected(good, proof=with_array(proof, name, stream, array[:-1]))
    floats = tuple(x.astype(float) for x in proof.rows)
    rejected(good, proof=replace(proof, rows=floats))
    stream = next(i for i, x in enumerate(proof.indptr) if len(x) > 2)
    rejected(good, proof=with_array(proof, "indptr", stream, proof.indptr[stream][::-1]))


def test_errors_name_the_argument(good):
    network, domain, search = good
    proof = search.proof
    flat = hullspace.Polyhedron(domain.A, domain.b, ([[1.0, 1.0]], [0.0]))
    with pytest.raises(ValueError, match="domain must have no equalities"):
        check_regions(network, flat, search.patterns, search.points, proof)
    with pytest.raises(ValueError, match="domain must have 2 features"):
        check_regions(network, cube(3), search.patterns, search.points, proof)
    with pytest.raises(TypeError, match="patterns must be uint8"):
        check_regions(network, domain, search.patterns.astype(int), search.points, proof)
    with pytest.raises(ValueError, match="patterns must have shape"):
        check_regions(network, domain, search.patterns[:, :0], search.points, proof)
    with pytest.raises(ValueError, match="points must have a row"):
        check_regions(network, domain, search.patterns, search.points[1:], proof)
    with pytest.raises(ValueError, match="points"):
        check_regions(network, domain, search.patterns, search.points * np.nan, proof)
    with pytest.raises(ValueError, match="together"):
        check_regions(network, domain, search.patterns, search.points, proof, origin=[0, 0])


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
