"""Every corruption of a proof that linear regions are complete fails."""

from dataclasses import fields, replace

import numpy as np
import pytest

import hullspace
from hullspace.certificates.regions import RegionProof, check_regions
from network_cases import arrangement, usual_network
from proof_cases import checked, cube, one_stream

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
