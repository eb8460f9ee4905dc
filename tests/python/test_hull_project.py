"""Projection onto a hull against NNLS, exact arithmetic and its own certificates."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import hullspace
from hullspace import Hull, Status, certificates
from oracles import (
    DATA_SETS,
    exact_plane_distance,
    nnls_distance,
    relu_features,
    simplex_projection,
)


def assert_sound(hull, queries, projection, *, rows=slice(None)):
    """Everything that a projection promises, apart from being the best."""
    queries = np.asarray(queries, np.float64)
    weights = projection.weights
    assert (projection.status == Status.OPTIMAL).all()
    assert weights.shape == (len(queries), hull.n_points)
    assert (weights.data > 0).all()
    assert np.allclose(weights.sum(axis=1), 1, rtol=0, atol=1e-12)
    assert np.diff(weights.indptr).max(initial=0) <= hull.n_features + 1
    assert (projection.gaps >= 0).all()
    assert (projection.gaps <= 1e-9 * hull.scale * (1 + 1e-6)).all()
    reproduced = weights @ hull.points.astype(np.float64)
    assert np.abs(reproduced - projection.points).max() <= 1e-12 * np.abs(hull.points).max()
    assert certificates.check(hull.points, queries, projection)[rows].all()


def assert_identical(projection, expected, rows=slice(None)):
    """Equality of every number, bit by bit, with the given rows of `expected`."""
    for name in ("points", "distances", "normals", "gaps", "status"):
        assert np.array_equal(getattr(projection, name), getattr(expected, name)[rows]), name
    weights = expected.weights[rows]
    for name in ("data", "indices", "indptr"):
        assert np.array_equal(getattr(projection.weights, name), getattr(weights, name)), name


@pytest.mark.parametrize("name", DATA_SETS)
def test_distances_agree_with_nnls(name):
    points, queries = DATA_SETS[name]()
    hull = Hull(points)
    projection = hull.project(queries)
    assert len(queries) == 50
    assert_sound(hull, queries, projection)
    for query, distance in zip(queries, projection.distances, strict=True):
        expected, gap = nnls_distance(points, query)
        assert abs(distance - expected) <= 1e-6 * hull.scale
        # The oracle errs upwards only, by at most its own gap.
        assert distance <= expected + 1e-12 * hull.scale
        assert gap <= 1e-9 * hull.scale


def test_distances_in_the_plane_are_exact():
    generator = np.random.default_rng(0)
    for _ in range(30):
        points = generator.integers(-4, 5, size=(9, 2)).astype(float)
        queries = generator.integers(-12, 13, size=(6, 2)) / 2.0
        distances = Hull(points).project(queries).distances
        for query, distance in zip(queries, distances, strict=True):
            assert abs(distance - float(exact_plane_distance(points, query)) ** 0.5) < 1e-14 * 10


@pytest.mark.parametrize("name", ["gaussian", "relu", "flat", "duplicated"])
def test_points_of_the_set_and_combinations_are_at_distance_zero(name):
    points, _ = DATA_SETS[name]()
    generator = np.random.default_rng(7)
    weights = generator.dirichlet(np.full(len(points), 0.05), size=30)
    edges = 0.25 * points[:30] + 0.75 * points[30:60]
    queries = np.vstack([points[:30], weights @ points, edges])
    hull = Hull(points)
    projection = hull.project(queries)
    assert_sound(hull, queries, projection)
    assert (projection.distances[:30] == 0).all()
    assert (projection.distances <= 1e-9 * hull.scale).all()


@pytest.mark.parametrize("factor", [1e3, 1e8, 1e14])
def test_far_queries(factor):
    points, queries = DATA_SETS["relu"]()
    hull = Hull(points)
    directions = queries - points.mean(axis=0)
    far = points.mean(axis=0) + factor * directions
    projection = hull.project(far)
    assert_sound(hull, far, projection)
    # From far away the nearest point is where the direction's support is attained.
    unit = directions / np.linalg.norm(directions, axis=1, keepdims=True)
    reached = np.einsum("ij,ij->i", unit, projection.points)
    if factor >= 1e8:
        assert np.allclose(reached, (unit @ points.T).max(axis=1), rtol=1e-5)


@pytest.mark.parametrize("exponent", [-150, -20, 20, 150])
def test_scaling_by_powers_of_two_scales_the_answer(exponent):
    points, queries = DATA_SETS["gaussian"]()
    factor = 2.0 ** round(exponent * np.log2(10))
    plain = Hull(points).project(queries)
    scaled = Hull(points * factor).project(queries * factor)
    assert np.array_equal(plain.distances * factor, scaled.distances)
    assert np.array_equal(plain.weights.toarray(), scaled.weights.toarray())


@pytest.mark.parametrize("scale", [1e-150, 1e-40, 1e40, 1e150])
def test_any_scale(scale):
    points, queries = DATA_SETS["relu"]()
    hull = Hull(points * scale)
    projection = hull.project(queries * scale)
    assert_sound(hull, queries * scale, projection)
    expected = Hull(points).project(queries).distances
    assert np.allclose(projection.distances / scale, expected, rtol=1e-8)


def test_translation_far_from_the_origin():
    points, queries = DATA_SETS["gaussian"]()
    expected = Hull(points).project(queries).distances
    moved = Hull(points + 1e6).project(queries + 1e6)
    assert np.allclose(moved.distances, expected, atol=1e-8)


@pytest.mark.parametrize(
    ("points", "query", "distance"),
    [
        ([[1.0, 2.0]], [4.0, 6.0], 5.0),
        ([[1.0, 2.0]], [1.0, 2.0], 0.0),
        ([[0.0, 0.0]], [0.0, 3.0], 3.0),
        ([[0.0, 0.0], [0.0, 4.0]], [3.0, 2.0], 3.0),
        ([[0.0, 0.0], [0.0, 4.0]], [3.0, 8.0], 5.0),
        ([[5.0], [7.0], [6.0]], [9.5], 2.5),
        ([[5.0], [7.0], [6.0]], [6.5], 0.0),
        ([[0.0, 0, 0], [1, 1, 1], [2, 2, 2], [3, 3, 3]], [1.0, 1.0, -2.0], 6**0.5),
        ([[1.0, 1.0]] * 50, [1.0, 4.0], 3.0),
    ],
)
def test_small_and_flat_sets(points, query, distance):
    hull = Hull(points)
    projection = hull.project([query])
    assert_sound(hull, [query], projection)
    assert projection.distances[0] == pytest.approx(distance, abs=1e-14)


@pytest.mark.parametrize("height", [1e-3, 1e-6, 1e-8, 1e-9, 1e-11, 1e-13])
def test_queries_just_above_a_face(height):
    generator = np.random.default_rng(8)
    face = np.hstack([generator.normal(size=(40, 5)), np.zeros((40, 1))])
    points = np.vstack([face, [[0, 0, 0, 0, 0, -1.0]]])
    queries = generator.dirichlet(np.ones(40), size=20) @ face
    queries[:, -1] += height
    hull = Hull(points)
    projection = hull.project(queries, tolerance=1e-13)
    assert np.abs(projection.distances - height).max() <= 1e-14
    assert certificates.check(points, queries, projection).all()


@pytest.mark.parametrize("n_features", [300, 1000])
def test_high_dimension(n_features):
    points, queries = relu_features(150, n_features, 9), relu_features(4, n_features, 10)
    hull = Hull(points)
    projection = hull.project(queries)
    assert_sound(hull, queries, projection)
    for query, distance in zip(queries, projection.distances, strict=True):
        assert abs(distance - nnls_distance(points, query)[0]) <= 1e-6 * hull.scale


def test_a_million_points():
    points = np.random.default_rng(11).normal(size=(1_000_000, 8)).astype(np.float32)
    queries = 3.0 * np.random.default_rng(12).normal(size=(16, 8))
    hull = Hull(points)
    assert_sound(hull, queries, hull.project(queries))


def test_results_do_not_depend_on_threads_or_on_the_batch():
    points, queries = relu_features(6000, 16, 13), relu_features(600, 16, 14)
    hull = Hull(points)
    whole = hull.project(queries, n_threads=1)
    for n_threads in (2, 5, None):
        assert_identical(hull.project(queries, n_threads=n_threads), whole)
        assert_identical(Hull(points, n_threads=n_threads).project(queries), whole)
    for size in (37, 255, 256, 257, 599):
        for first in range(0, 600, size):
            rows = slice(first, min(first + size, 600))
            assert_identical(hull.project(queries[rows]), whole, rows)
    for row in range(0, 600, 60):
        assert_identical(hull.project(queries[[row]]), whole, slice(row, row + 1))
    order = np.random.default_rng(19).permutation(600)
    assert_identical(hull.project(queries[order]), whole, order)


@pytest.mark.parametrize(
    "convert",
    [
        np.asfortranarray,
        lambda a: np.repeat(a, 2, axis=0)[::2],
        lambda a: a[:, ::-1][:, ::-1],
        lambda a: a.tolist(),
        lambda a: a.astype(np.longdouble),
        lambda a: a.astype(np.int16),
        lambda a: a.astype(np.float16),
        lambda a: a.astype(">f8"),
    ],
)
def test_every_kind_of_array_gives_the_same_answer(convert):
    generator = np.random.default_rng(15)
    points = generator.integers(-20, 20, size=(60, 4)).astype(np.float64)
    queries = generator.integers(-40, 40, size=(20, 4)).astype(np.float64)
    expected = Hull(points).project(queries)
    found = Hull(convert(points)).project(convert(queries))
    assert np.array_equal(expected.points, found.points)


def test_read_only_arrays_and_the_view_of_the_points():
    points = np.random.default_rng(16).normal(size=(20, 3))
    points.flags.writeable = False
    hull = Hull(points)
    assert hull.points.base is points
    with pytest.raises(ValueError, match="read-only"):
        hull.points[0, 0] = 1.0
    assert hull.project(points).distances.max() == 0.0


def test_hull_keeps_its_array_alive():
    hull = Hull(np.random.default_rng(17).normal(size=(50_000, 8)))
    queries = np.random.default_rng(18).normal(size=(5, 8))
    expected = hull.project(queries).points
    garbage = [np.ones((50_000, 8)) for _ in range(5)]
    assert np.array_equal(expected, hull.project(queries).points)
    assert len(garbage) == 5


def test_no_queries():
    projection = Hull(np.eye(3)).project(np.empty((0, 3)))
    assert len(projection) == 0
    assert projection.points.shape == (0, 3)
    assert projection.weights.shape == (0, 3)


def test_tolerance_zero_is_the_sharpest_there_is():
    points, queries = DATA_SETS["relu"]()
    hull = Hull(points)
    sharp = hull.project(queries, tolerance=0.0)
    assert sharp.n_undecided == 0
    assert sharp.gaps.max() <= 1e-12 * hull.scale
    loose = hull.project(queries, tolerance=1e-3)
    assert (loose.gaps <= 1e-3 * hull.scale).all()
    assert (loose.distances >= sharp.distances - 1e-12 * hull.scale).all()
    assert (loose.distances - loose.gaps <= sharp.distances + 1e-12 * hull.scale).all()


coordinates = st.floats(-100, 100, width=32).map(lambda x: round(x, 3))


@st.composite
def problems(draw):
    n_features = draw(st.integers(1, 5))
    shape = (draw(st.integers(1, 12)), n_features)
    points = draw(arrays(np.float64, shape, elements=coordinates))
    queries = draw(arrays(np.float64, (3, n_features), elements=coordinates))
    return points, queries


@settings(max_examples=150, deadline=None)
@given(problems())
def test_optimality_for_any_small_problem(problem):
    points, queries = problem
    hull = Hull(points)
    projection = hull.project(queries)
    assert_sound(hull, queries, projection)
    again = hull.project(projection.points)
    assert (again.distances <= 1e-9 * hull.scale + 1e-12).all()


@settings(max_examples=50, deadline=None)
@given(problems(), st.integers(0, 2**32 - 1))
def test_invariance(problem, seed):
    points, queries = problem
    hull = Hull(points)
    distances = hull.project(queries).distances
    generator = np.random.default_rng(seed)
    rotation, _ = np.linalg.qr(generator.normal(size=(points.shape[1],) * 2))
    turned = Hull(points @ rotation).project(queries @ rotation).distances
    slack = 1e-8 * (hull.scale + np.abs(points).max() + np.abs(queries).max())
    assert np.allclose(turned, distances, rtol=0, atol=slack)
    more = np.vstack([points, generator.normal(size=(3, points.shape[1]))])
    assert (Hull(more).project(queries).distances <= distances + slack).all()


def test_repr_says_what_there_is():
    hull = Hull(np.eye(3))
    assert repr(hull) == "Hull(n_points=3, n_features=3)"
    assert "2 queries" in repr(hull.project(np.eye(3)[:2]))
    assert hullspace.Status.OPTIMAL == 0


@pytest.mark.parametrize("seed", range(4))
def test_coarsely_quantized_data_far_from_the_origin(seed):
    # Single precision leaves each coordinate only two or three values: a degenerate cube.
    generator = np.random.default_rng(seed)
    center = 1e3 * generator.normal(size=33)
    points = (center + 1e-6 * generator.normal(size=(500, 33))).astype(np.float32)
    queries = generator.dirichlet(np.full(500, 0.05), size=40) @ points
    hull = Hull(points)
    projection = hull.project(queries, tolerance=1e-10)
    assert projection.n_undecided == 0
    assert certificates.check(points, queries, projection).all()


@pytest.mark.parametrize("factor", [0.7, 1.0, 1e3, 1e8, 1e14])
@pytest.mark.parametrize("n_features", [1, 2, 5, 9])
def test_projection_onto_a_cube_clips(n_features, factor):
    corners = np.array(np.meshgrid(*[[0.0, 1.0]] * n_features)).reshape(n_features, -1).T
    queries = factor * np.random.default_rng(20).normal(size=(60, n_features))
    queries[:20, 0] = 0.5  # nearest points within a face
    hull = Hull(corners)
    projection = hull.project(queries)
    assert_sound(hull, queries, projection)
    found, nearest = projection.points, np.clip(queries, 0, 1)
    # Far away, moving along a face hardly changes the distance; elsewhere the point is sharp.
    sharp = slice(0 if factor <= 1e3 else 20, None)
    assert np.abs(found - nearest)[sharp].max() <= 1e-12
    # The difference of the two distances, without cancellation.
    lengths = np.linalg.norm(queries - found, axis=1) + np.linalg.norm(queries - nearest, axis=1)
    product = ((nearest - found) * (2 * queries - nearest - found)).sum(axis=1)
    excess = np.divide(product, lengths, out=np.zeros(60), where=lengths > 0)
    assert (np.abs(excess) <= projection.gaps + 1e-14 * hull.scale).all()


@pytest.mark.parametrize("n_features", [2, 20, 300])
def test_projection_onto_the_probability_simplex(n_features):
    queries = np.random.default_rng(21).normal(size=(12, n_features))
    hull = Hull(np.eye(n_features))
    projection = hull.project(queries)
    assert_sound(hull, queries, projection)
    expected = np.array([simplex_projection(query) for query in queries])
    assert np.abs(projection.points - expected).max() <= 1e-12


@pytest.mark.parametrize("queries_type", [np.float32, np.float64])
@pytest.mark.parametrize("points_type", [np.float32, np.float64])
def test_precision_of_the_input_does_not_matter(points_type, queries_type):
    points = relu_features(400, 12, 22).astype(np.float32)
    queries = relu_features(40, 12, 23).astype(np.float32)
    expected = Hull(points.astype(np.float64)).project(queries.astype(np.float64))
    found = Hull(points.astype(points_type)).project(queries.astype(queries_type))
    assert_identical(found, expected)


@pytest.mark.parametrize(
    ("points", "scale"),
    [
        ([[0.0, 0.0], [6.0, 0.0], [0.0, 8.0]], 5.0),
        ([[10.0, 10.0], [16.0, 18.0], [13.0, 14.0]], 5.0),
        ([[3.0, -4.0]], 5.0),
        ([[3.0, -4.0]] * 7, 5.0),
        ([[0.0, 0.0]], 1.0),
        ([[-2.0], [5.0], [1.0]], 3.5),
    ],
)
def test_scale_is_the_largest_distance_from_the_centre_of_the_box(points, scale):
    assert Hull(points).scale == pytest.approx(scale, rel=1e-15)
    assert Hull(np.float32(points)).scale == pytest.approx(scale, rel=1e-15)


def test_calls_leave_their_arguments_and_earlier_results_alone():
    points, queries = relu_features(300, 9, 24), relu_features(40, 9, 25)
    points_before, queries_before = points.copy(), queries.copy()
    hull = Hull(points)
    first = hull.project(queries)
    kept = first.distances.copy(), first.points.copy(), first.weights.data.copy()
    hull.project(2 * queries)
    hull.contains(queries)
    assert np.array_equal(points, points_before)
    assert np.array_equal(queries, queries_before)
    for now, before in zip((first.distances, first.points, first.weights.data), kept, strict=True):
        assert np.array_equal(now, before)


@settings(max_examples=50, deadline=None)
@given(problems(), st.integers(-40, 40), st.integers(0, 2**32 - 1))
def test_translation_scaling_and_order_do_not_matter(problem, exponent, seed):
    points, queries = problem
    distances = Hull(points).project(queries).distances
    generator = np.random.default_rng(seed)
    shift = 100 * generator.normal(size=points.shape[1])
    slack = 1e-8 * (Hull(points).scale + np.abs(points).max() + np.abs(queries).max() + 100)
    moved = Hull(points + shift).project(queries + shift).distances
    assert np.allclose(moved, distances, rtol=0, atol=slack)
    factor = 3.0 * 10.0**exponent
    scaled = Hull(points * factor).project(queries * factor).distances
    assert np.allclose(scaled / factor, distances, rtol=0, atol=slack)
    shuffled = Hull(generator.permutation(points)).project(queries).distances
    assert np.allclose(shuffled, distances, rtol=0, atol=slack)
