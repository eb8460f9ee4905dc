"""Distances of two hulls against an interior-point method, exact arithmetic and projections."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from hullspace import Hull, Status, hull_distance
from oracles import DATA_SETS, clarabel_distance, exact_plane_distance, relu_features
from proofs import assert_hull_distance, assert_identical


def differences(a, b):
    """Every difference of two points, whose hull is as far from zero as `a` is from `b`."""
    return (a[:, None, :] - b[None, :, :]).reshape(-1, a.shape[1])


def disjoint_pair(generator, n_features, sizes):
    direction = generator.normal(size=n_features)
    shift = 6 * np.sqrt(n_features) * direction / np.linalg.norm(direction)
    a, b = (generator.normal(size=(size, n_features)) for size in sizes)
    return a, b + shift


def overlapping_pair(generator, n_features, sizes):
    a, b = (generator.normal(size=(size, n_features)) for size in sizes)
    return a, b - b.mean(axis=0) + a[: n_features + 1].mean(axis=0)


def touching_pair(generator, n_features, sizes):
    """Two sets on either side of a plane, with one dyadic point of the plane in both hulls."""
    a, b = (generator.integers(-64, 65, size=(size, n_features)) / 8 for size in sizes)
    a[:, 0], b[:, 0] = np.abs(a[:, 0]) + 1, -np.abs(b[:, 0]) - 1
    a[0], b[0] = 0, 0
    return a, b


def flat_pair(generator, n_features, sizes):
    """Two flat sets in parallel planes, or lines, or points, at distance 2."""
    a, b = (generator.integers(-64, 65, size=(size, n_features)) / 8 for size in sizes)
    a[:, -1], b[:, -1] = 3, 1
    b[:, :-1] += a[0, :-1] - b[0, :-1]
    return a, b


KINDS = {
    "disjoint": disjoint_pair,
    "overlapping": overlapping_pair,
    "touching": touching_pair,
    "flat": flat_pair,
}
SIZES = [(1, 1), (1, 30), (5, 2), (40, 40), (12, 150)]
CASES = [(n, sizes) for n in (1, 2, 4, 9, 25) for sizes in SIZES]


@pytest.mark.parametrize("kind", KINDS)
def test_distances_agree_with_an_interior_point_method(kind):
    assert len(CASES) * len(KINDS) == 100
    for seed, (n_features, sizes) in enumerate(CASES):
        a, b = KINDS[kind](np.random.default_rng(seed), n_features, sizes)
        found = hull_distance(a, b)
        scale = Hull(a).scale + Hull(b).scale
        assert found.status == Status.OPTIMAL
        assert_hull_distance(a, b, found)
        lower, upper = clarabel_distance(a, b)
        assert upper - lower <= 1e-4 * scale  # the oracle's own proof of what it knows
        assert lower - 1e-9 * scale <= found.distance <= upper + 1e-9 * scale
        assert found.disjoint == (kind in {"disjoint", "flat"})
        if kind == "flat":
            assert found.distance == pytest.approx(2.0, rel=1e-9)


def test_distances_in_the_plane_are_exact():
    generator = np.random.default_rng(0)
    n_meet = 0
    for _ in range(60):
        n_a, n_b = generator.integers(1, 6, size=2)
        a = generator.integers(-4, 5, size=(n_a, 2)).astype(float)
        b = generator.integers(-4, 5, size=(n_b, 2)) + generator.integers(0, 5, size=2) * 1.0
        found = hull_distance(a, b)
        assert_hull_distance(a, b, found)
        assert found.status == Status.OPTIMAL
        exact = float(exact_plane_distance(differences(a, b), [0, 0])) ** 0.5
        assert abs(found.distance - exact) <= 1e-12
        assert found.disjoint == (exact > 0)
        n_meet += exact == 0
    assert 10 < n_meet < 50


@pytest.mark.parametrize(
    ("a", "b", "distance"),
    [
        ([[1, 2]], [[4, 6]], 5.0),
        ([[1, 2]], [[1, 2]], 0.0),
        ([[1, 2]] * 5, [[4, 6]] * 3, 5.0),
        ([[0, 0], [0, 4]], [[3, 1], [3, 9]], 3.0),  # parallel segments
        ([[0, 0], [4, 4]], [[0, 4], [4, 0]], 0.0),  # crossing segments
        ([[0, 0], [0, 4]], [[0, 4], [0, 8]], 0.0),  # end to end
        ([[0, 0], [4, 0]], [[1, 0], [2, 0]], 0.0),  # one within the other
        ([[0, 0], [4, 0]], [[6, 0], [7, 0]], 2.0),
        ([[0, 0], [4, 0], [0, 4]], [[3, 3], [5, 3], [3, 5]], 2**0.5),  # face to corner
        ([[0, 0], [4, 0], [0, 4]], [[4, 0], [0, 4], [4, 4]], 0.0),  # a common face
        ([[0, 0, 0], [1, 0, 0]], [[0.5, -1, 2], [0.5, 1, 2]], 2.0),  # skew lines
        ([[5], [7], [6]], [[1], [2]], 3.0),
        ([[5], [7], [6]], [[1], [6]], 0.0),
    ],
)
def test_faces_edges_and_corners(a, b, distance):
    a, b = np.array(a, float), np.array(b, float)
    for one, other in ((a, b), (b, a)):
        found = hull_distance(one, other)
        assert_hull_distance(one, other, found)
        assert found.status == Status.OPTIMAL
        assert found.distance == pytest.approx(distance, abs=1e-13)
        assert found.disjoint == (distance > 0)
        if distance > 0:
            assert found.margin == pytest.approx(distance, rel=1e-9)


@pytest.mark.parametrize("n_features", [2, 7, 64])
def test_distance_of_two_cubes_and_of_two_simplices_is_known(n_features):
    shift = np.zeros(n_features)
    shift[:2] = 3.0, 4.0
    simplex = np.eye(n_features)
    # Along the diagonal the simplices are parallel faces; across it, corners face corners.
    raised = hull_distance(simplex + 2.0, simplex)
    assert raised.distance == pytest.approx(2.0 * n_features**0.5, rel=1e-12)
    assert np.allclose(raised.normal, n_features**-0.5, rtol=0, atol=1e-7)
    if n_features == 7:
        cube = np.array(np.meshgrid(*[[0.0, 1.0]] * 7)).reshape(7, -1).T
        apart = hull_distance(cube + shift, cube)
        assert apart.distance == pytest.approx(13**0.5, rel=1e-12)
        assert np.allclose(apart.normal[:2] * 13**0.5, [2.0, 3.0], rtol=1e-7)
        assert apart.offset == pytest.approx(apart.normal[:2] @ [2.0, 2.5], rel=1e-7)


@pytest.mark.parametrize("name", DATA_SETS)
def test_two_halves_of_every_data_set(name):
    points, queries = DATA_SETS[name]()
    points = points[:3000]
    direction = np.random.default_rng(1).normal(size=points.shape[1])
    order = np.argsort(points @ direction)
    low, high = points[order[: len(order) // 2]], points[order[len(order) // 2 :]]
    gap = 0.3 * Hull(points).scale
    pushed = (high + gap * direction / np.linalg.norm(direction)).astype(points.dtype)
    for a, b in ((pushed, low), (points, queries)):
        found = hull_distance(a, b)
        assert found.status == Status.OPTIMAL
        assert_hull_distance(a, b, found)
    assert hull_distance(pushed, low).margin >= gap * (1 - 1e-6)


def test_distance_agrees_with_the_projection_of_zero_on_all_differences():
    a, b = relu_features(60, 15, 1), relu_features(80, 15, 2) + 4.0
    found = hull_distance(a, b)
    expected = Hull(differences(a, b)).project(np.zeros((1, 15)))
    assert found.distance == pytest.approx(expected.distances[0], rel=1e-9)
    single = hull_distance(a, b[:1])
    assert single.distance == pytest.approx(Hull(a).project(b[:1]).distances[0], rel=1e-9)
    assert np.allclose(single.weights_b, [1.0])


def test_order_of_the_two_does_not_matter():
    for kind in KINDS.values():
        a, b = kind(np.random.default_rng(3), 6, (30, 50))
        one, other = hull_distance(a, b), hull_distance(b, a)
        assert one.distance == pytest.approx(other.distance, abs=1e-9 * Hull(b).scale)
        assert one.disjoint == other.disjoint
        if one.disjoint:
            assert np.allclose(one.normal, -other.normal, rtol=0, atol=1e-6)
            assert one.offset == pytest.approx(-other.offset, abs=1e-6)


def test_hulls_and_arrays_are_the_same():
    a, b = disjoint_pair(np.random.default_rng(4), 5, (20, 30))
    expected = hull_distance(a, b)
    assert_identical(hull_distance(Hull(a), Hull(b)), expected)
    assert_identical(hull_distance(Hull(a), b), expected)
    assert_identical(hull_distance(a.tolist(), b), expected)
    singles = hull_distance(a.astype(np.float32), b.astype(np.float32))
    assert_hull_distance(a.astype(np.float32), b.astype(np.float32), singles)
    assert singles.distance == pytest.approx(expected.distance, rel=1e-6)
    mixed = hull_distance(a.astype(np.float32), b)
    assert_hull_distance(a.astype(np.float32), b, mixed)


@pytest.mark.parametrize("kind", KINDS)
def test_threads_do_not_matter(kind):
    a, b = KINDS[kind](np.random.default_rng(5), 12, (700, 1500))
    expected = hull_distance(Hull(a, n_threads=1), Hull(b, n_threads=1), n_threads=1)
    assert_identical(hull_distance(a, b, n_threads=2), expected)
    assert_identical(hull_distance(a, b), expected)


@pytest.mark.parametrize("scale", [1e-200, 1e-30, 1e30, 1e200])
def test_any_scale(scale):
    for seed, kind in enumerate(KINDS.values()):
        a, b = kind(np.random.default_rng(seed), 5, (30, 20))
        expected = hull_distance(a, b)
        found = hull_distance(a * scale, b * scale)
        assert_hull_distance(a * scale, b * scale, found)
        assert found.disjoint == expected.disjoint
        slack = 2e-9 * (Hull(a).scale + Hull(b).scale)
        assert found.distance / scale == pytest.approx(expected.distance, abs=slack)


@pytest.mark.parametrize("ratio", [1e-12, 1e-6, 1e6])
def test_sets_of_very_different_size(ratio):
    generator = np.random.default_rng(6)
    a = generator.normal(size=(40, 6))
    b = ratio * generator.normal(size=(30, 6))
    b[:, 0] += 10 * (1 + ratio)
    found = hull_distance(a, b)
    assert_hull_distance(a, b, found)
    assert found.disjoint
    expected = Hull(differences(a, b)).project(np.zeros((1, 6))).distances[0]
    assert found.distance == pytest.approx(expected, rel=1e-8)
    swallowed = hull_distance(a, b - b.mean(axis=0))
    assert_hull_distance(a, b - b.mean(axis=0), swallowed)
    assert not swallowed.disjoint


@pytest.mark.parametrize("shift", [1e3, 1e6])
def test_translation_far_from_the_origin(shift):
    a, b = disjoint_pair(np.random.default_rng(7), 5, (40, 30))
    expected = hull_distance(a, b)
    found = hull_distance(a + shift, b + shift)
    assert_hull_distance(a + shift, b + shift, found)
    assert found.distance == pytest.approx(expected.distance, abs=1e-15 * shift * 100)
    apart = hull_distance(a + shift, b)
    assert_hull_distance(a + shift, b, apart)
    assert apart.margin > 0.99 * shift * 5**0.5 - Hull(a).scale - Hull(b).scale - 15


@pytest.mark.parametrize("distance", [1e-2, 1e-5, 1e-7])
def test_narrow_gaps_between_faces(distance):
    generator = np.random.default_rng(8)
    a, b = (generator.normal(size=(60, 4)) for _ in range(2))
    a[:, 0], b[:, 0] = np.abs(a[:, 0]), -np.abs(b[:, 0])
    a[:20, 0], b[:20, 0] = distance, 0.0
    a[20:, 0] += distance
    a[:20, 1:] += b[:20, 1:].mean(axis=0) - a[:20, 1:].mean(axis=0)
    found = hull_distance(a, b)
    assert_hull_distance(a, b, found)
    assert found.distance == pytest.approx(distance, rel=1e-2)
    assert found.margin >= distance * 0.9
    assert abs(found.normal[0]) == pytest.approx(1.0, abs=1e-4)


BAD = [
    (None, TypeError),
    ("points", TypeError),
    (np.eye(3) * 1j, TypeError),
    (np.ones(3), ValueError),
    (np.empty((0, 3)), ValueError),
    (np.full((2, 3), np.nan), ValueError),
]


@pytest.mark.parametrize(("value", "error"), BAD)
def test_bad_arguments_are_named(value, error):
    with pytest.raises(error, match=r"^a must"):
        hull_distance(value, np.eye(3))
    with pytest.raises(error, match=r"^b must"):
        hull_distance(np.eye(3), value)


def test_bad_options_and_unequal_features_are_named():
    with pytest.raises(ValueError, match=r"\b(a|b)\b.*n_features"):
        hull_distance(np.eye(3), np.eye(4))
    with pytest.raises((TypeError, ValueError), match="tolerance"):
        hull_distance(np.eye(3), np.eye(3), tolerance=2.0)
    with pytest.raises((TypeError, ValueError), match="n_threads"):
        hull_distance(np.eye(3), np.eye(3), n_threads=0)


whole = st.integers(-5, 5).map(float)


@settings(max_examples=80, deadline=None)
@given(st.data(), st.integers(1, 4), st.integers(1, 8), st.integers(1, 8), st.integers(-60, 60))
def test_any_small_pair_is_proven(data, n_features, n_a, n_b, exponent):
    a = data.draw(arrays(np.float64, (n_a, n_features), elements=whole))
    b = data.draw(arrays(np.float64, (n_b, n_features), elements=whole))
    scale = 10.0**exponent
    found = hull_distance(a * scale, b * scale)
    assert_hull_distance(a * scale, b * scale, found)
    assert found.status == Status.OPTIMAL
    expected = Hull(differences(a, b)).project(np.zeros((1, n_features))).distances[0] * scale
    slack = 2e-9 * (Hull(a * scale).scale + Hull(b * scale).scale)
    assert found.distance == pytest.approx(expected, rel=1e-9, abs=slack)
    assert found.disjoint or expected <= slack
    assert not found.disjoint or expected > 1e-12 * scale
