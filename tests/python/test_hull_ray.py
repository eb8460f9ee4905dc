"""Rays and gauges against linear programs, closed forms, exact arithmetic and their own proofs."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from hullspace import Hull, Status
from oracles import DATA_SETS, cube, exact_plane_step, exact_separation, highs_step, relu_features
from proofs import assert_identical, assert_rays, lengths


def mixed_rays(points, generator, n_rays=15):
    """Rays from inside, from points of the set, towards the set from outside, and anywhere."""
    points = points.astype(np.float64)
    size = np.abs(points - points.mean(axis=0)).max()
    n_features = points.shape[1]
    inside = generator.dirichlet(np.ones(len(points)), size=4 * n_rays) @ points
    outside = inside[:n_rays] + 3 * size * generator.normal(size=(n_rays, n_features))
    towards = inside[n_rays : 2 * n_rays] - outside
    corners = points[generator.integers(len(points), size=n_rays)]
    origins = np.vstack([inside[:n_rays], corners, outside, outside])
    across = inside[2 * n_rays : 3 * n_rays] - corners
    anywhere = generator.normal(size=(2, n_rays, n_features))
    return origins, np.vstack([anywhere[0], across, towards, anywhere[1]])


def crossing_rays(points, generator, n_rays=20):
    """Rays between points inside the hull, which stay in its affine span, begun near and far."""
    inside = generator.dirichlet(np.ones(len(points)), size=2 * n_rays) @ points.astype(np.float64)
    directions = inside[:n_rays] - inside[n_rays:]
    starts = np.where(np.arange(n_rays) % 2, 0.0, 30.0)[:, None]
    return inside[:n_rays] - starts * directions, directions


def assert_steps(ray, directions, expected, size):
    """Agreement with another's steps, None for a miss; grazing rays are less certain."""
    assert (ray.status != Status.UNDECIDED).all()
    misses = [step is None for step in expected]
    assert (ray.status == Status.OUTSIDE).tolist() == misses
    for row in np.flatnonzero(ray.status == Status.OPTIMAL):
        length = np.linalg.norm(directions[row])
        slope = ray.normals[row] @ directions[row] / length
        assert abs(ray.steps[row] - expected[row]) * length <= 1e-7 * size / slope


@pytest.mark.parametrize("n_features", [1, 2, 3, 5, 8, 13, 20])
def test_steps_agree_with_the_linear_program(n_features):
    generator = np.random.default_rng(n_features)
    points = generator.normal(size=(12 * n_features, n_features))
    hull = Hull(points)
    origins, directions = mixed_rays(points, generator)
    ray = hull.ray(origins, directions)
    assert_rays(hull, origins, directions, ray)
    pairs = zip(origins, directions, strict=True)
    expected = [highs_step(points, origin, direction) for origin, direction in pairs]
    assert_steps(ray, directions, expected, hull.scale)
    assert (ray.status[:45] == Status.OPTIMAL).all()
    assert (ray.status[45:] == Status.OUTSIDE).any()


@pytest.mark.parametrize("name", DATA_SETS)
def test_rays_across_every_data_set(name):
    points, _ = DATA_SETS[name]()
    hull = Hull(points)
    origins, directions = crossing_rays(points[:5000], np.random.default_rng(1))
    ray = hull.ray(origins, directions)
    assert (ray.status == Status.OPTIMAL).all()
    assert_rays(hull, origins, directions, ray)
    starts = np.where(np.arange(20) % 2, 0.0, 30.0)
    assert (ray.steps >= starts * (1 - 1e-9)).all()
    if name not in {"real features", "flat"}:  # large; and flat but for rounding
        pairs = zip(origins, directions, strict=True)
        assert_steps(ray, directions, [highs_step(points, *pair) for pair in pairs], hull.scale)


@pytest.mark.parametrize("n_features", [1, 2, 3, 6, 9])
def test_steps_through_a_cube_are_those_of_the_slabs(n_features):
    generator = np.random.default_rng(n_features)
    origins = generator.uniform(-3, 3, size=(200, n_features))
    origins[:50] /= 4
    directions = generator.uniform(-1, 1, size=origins.shape) - 0.5 * np.sign(origins)
    ends = np.stack([(side - origins) / directions for side in (-1, 1)])
    first, last = ends.min(axis=0).max(axis=1), ends.max(axis=0).min(axis=1)
    hull = Hull(2 * cube(n_features) - 1)
    ray = hull.ray(origins, directions)
    assert_rays(hull, origins, directions, ray)
    hits = (first <= last) & (last >= 0)
    assert hits[:50].all()
    assert np.array_equal(ray.status, np.where(hits, Status.OPTIMAL, Status.OUTSIDE))
    assert np.allclose(ray.steps[hits], last[hits], rtol=1e-8)
    # The normal is that of the slab through which the ray leaves.
    axes = ends.max(axis=0).argmin(axis=1)[hits]
    assert np.allclose(np.abs(ray.normals[hits]), np.eye(n_features)[axes], rtol=0, atol=1e-7)


@pytest.mark.parametrize(
    ("points", "origin", "direction", "step"),
    [
        ([[0, 0], [2, 0], [0, 2], [2, 2]], [-1, 0], [1, 0], 3.0),  # along an edge
        ([[0, 0], [2, 0], [0, 2], [2, 2]], [-1, 1], [1, -1], 1.0),  # grazes a corner
        ([[0, 0], [2, 0], [0, 2], [2, 2]], [2, 1], [1, 0], 0.0),  # leaves from a face
        ([[0, 0], [2, 0], [0, 2], [2, 2]], [0, 0], [-1, -3], 0.0),  # leaves from a corner
        ([[0, 0], [2, 0], [0, 2], [2, 2]], [0, 0], [0, 0.5], 4.0),  # corner to corner
        ([[0, 0], [2, 0], [0, 2], [2, 2]], [3, 1], [1, 0], None),  # the hull lies behind
        ([[0, 0], [2, 0], [0, 2], [2, 2]], [-1, 3], [1, 0], None),  # passes beside, parallel
        ([[3, 4]], [0, 0], [3, 4], 1.0),
        ([[3, 4]], [3, 4], [1, 0], 0.0),
        ([[3, 4]], [0, 0], [-3, -4], None),
        ([[0, 0], [4, 0]], [1, 0], [1, 0], 3.0),  # within a segment
        ([[0, 0], [4, 0]], [1, 0], [0, 1], 0.0),  # out of its line
        ([[0, 0], [4, 0]], [1, -2], [0, 2], 1.0),  # across it
        ([[0, 0], [4, 0]], [5, -2], [0, 2], None),
        ([[5], [7], [6]], [4], [2], 1.5),
    ],
)
def test_rays_at_faces_corners_and_flat_sets(points, origin, direction, step):
    hull = Hull(np.array(points, float))
    ray = hull.ray([origin], [direction])
    assert_rays(hull, [origin], [direction], ray)
    if step is None:
        assert ray.status.tolist() == [Status.OUTSIDE]
    else:
        assert ray.status.tolist() == [Status.OPTIMAL]
        assert ray.steps[0] == pytest.approx(step, abs=1e-7)


def test_rays_in_the_plane_are_exact():
    generator = np.random.default_rng(0)
    n_hits = 0
    for _ in range(40):
        points = generator.integers(-4, 5, size=(9, 2)).astype(float)
        origins = generator.integers(-6, 7, size=(10, 2)) / 2.0
        directions = generator.integers(1, 5, size=(10, 2)) * generator.choice([-1, 1], (10, 2))
        hull = Hull(points)
        ray = hull.ray(origins, directions)
        assert_rays(hull, origins, directions, ray)
        pairs = zip(origins, directions, strict=True)
        expected = [exact_plane_step(points, *pair) for pair in pairs]
        assert_steps(ray, directions, [None if t is None else float(t) for t in expected], 1.0)
        n_hits += np.count_nonzero(ray.status == Status.OPTIMAL)
    assert 100 < n_hits < 390


@pytest.mark.parametrize("n_features", [2, 3, 6])
def test_proofs_of_a_miss_hold_in_exact_arithmetic(n_features):
    generator = np.random.default_rng(n_features)
    points = generator.integers(-4, 5, size=(9, n_features)).astype(float)
    origins = generator.integers(-6, 7, size=(120, n_features)) / 2.0
    directions = generator.integers(-4, 5, size=(120, n_features)) * 1.0
    directions[:, 0] = 1.0
    ray = Hull(points).ray(origins, directions)
    misses = np.flatnonzero(ray.status == Status.OUTSIDE)
    assert len(misses) >= 10
    for row in misses:
        # The origin is beyond the hyperplane, and the ray never comes back.
        assert exact_separation(points, origins[row], ray.normals[row]) > 0
        assert exact_separation(np.zeros((1, n_features)), directions[row], ray.normals[row]) >= 0


@pytest.mark.parametrize("factor", [1e3, 1e6, 1e15, 1e100])
def test_rays_from_far_away(factor):
    points, _ = DATA_SETS["gaussian"]()
    generator = np.random.default_rng(2)
    inside = generator.dirichlet(np.ones(300), size=20) @ points
    directions = generator.normal(size=inside.shape)
    hull = Hull(points)
    if factor < 1e9:  # beyond, rounding of the origins is as large as the tolerance
        near = hull.ray(inside, directions)
        far = hull.ray(inside - factor * directions, directions)
        assert_rays(hull, inside - factor * directions, directions, far)
        assert (far.status == Status.OPTIMAL).all()
        assert np.allclose(far.points, near.points, rtol=0, atol=1e-7 * hull.scale)
    away = hull.ray(inside + factor * directions, directions)
    assert (away.status == Status.OUTSIDE).all()
    assert_rays(hull, inside + factor * directions, directions, away)


@pytest.mark.parametrize("scale", [1e-200, 1e-30, 1e30, 1e200])
def test_rays_at_any_scale(scale):
    points = relu_features(120, 6, 3)
    origins, directions = mixed_rays(points, np.random.default_rng(3))
    expected = Hull(points).ray(origins, directions)
    hull = Hull(points * scale)
    ray = hull.ray(origins * scale, directions)
    assert_rays(hull, origins * scale, directions, ray)
    assert np.array_equal(ray.status, expected.status)
    assert np.allclose(ray.steps / scale, expected.steps, rtol=1e-6, equal_nan=True)
    longer = hull.ray(origins * scale, directions * scale)
    assert np.allclose(longer.steps, expected.steps, rtol=1e-6, equal_nan=True)


def test_one_origin_serves_all_directions():
    points, _ = DATA_SETS["relu"]()
    directions = np.random.default_rng(4).normal(size=(30, 20))
    hull = Hull(points)
    center = points.mean(axis=0)[None, :]
    one = hull.ray(center, directions)
    assert_identical(one, hull.ray(np.repeat(center, 30, axis=0), directions))
    assert np.allclose(hull.ray(center, 4 * directions).steps * 4, one.steps, rtol=1e-7)


def test_rays_do_not_depend_on_threads_or_precision():
    points = relu_features(900, 12, 5).astype(np.float32)
    origins, directions = mixed_rays(points, np.random.default_rng(5))
    expected = Hull(points, n_threads=1).ray(origins, directions, n_threads=1)
    assert_identical(Hull(points, n_threads=2).ray(origins, directions, n_threads=2), expected)
    doubles = Hull(points.astype(np.float64))
    assert_identical(doubles.ray(origins, directions), expected)
    gauge = doubles.gauge(origins, n_threads=1)
    assert_identical(doubles.gauge(origins, n_threads=2), gauge)


def test_no_rays():
    hull = Hull(np.eye(3))
    for origins in (np.empty((0, 3)), np.eye(3)[:1]):
        ray = hull.ray(origins, np.empty((0, 3)))
        assert ray.steps.shape == ray.status.shape == (0,)
        assert ray.points.shape == ray.weights.shape == (0, 3)
    assert hull.gauge(np.empty((0, 3))).values.shape == (0,)


GOOD = np.eye(3)
BAD = [
    (None, TypeError),
    (GOOD * 1j, TypeError),
    (np.ones(3), ValueError),
    (np.ones((2, 4)), ValueError),
    (np.where(GOOD == 1, np.nan, 1.0), ValueError),
]


@pytest.mark.parametrize(("value", "error"), BAD)
def test_bad_arguments_are_named(value, error):
    with pytest.raises(error, match="origins"):
        Hull(GOOD).ray(value, GOOD)
    with pytest.raises(error, match="directions"):
        Hull(GOOD).ray(GOOD, value)
    with pytest.raises(error, match="queries"):
        Hull(GOOD).gauge(value)


def test_impossible_rays_are_errors():
    hull = Hull(GOOD)
    with pytest.raises(ValueError, match="directions"):
        hull.ray(GOOD, np.diag([1.0, 0.0, 1.0]))
    with pytest.raises(ValueError, match="origins"):
        hull.ray(GOOD[:2], GOOD)
    for options in ({"tolerance": -1.0}, {"tolerance": "x"}, {"n_threads": 0}):
        name = next(iter(options))
        with pytest.raises((TypeError, ValueError), match=name):
            hull.ray(GOOD, GOOD, **options)
        with pytest.raises((TypeError, ValueError), match=name):
            hull.gauge(GOOD, **options)


def test_center_must_be_a_point_of_the_hull():
    hull = Hull(GOOD)
    for center in ([1.0, 1.0, 1.0], [0.5, 0.5], [np.nan, 0.5, 0.5], [[1.0, 0.0, 0.0]] * 2):
        with pytest.raises(ValueError, match="center"):
            hull.gauge(GOOD, center)
    with pytest.raises(TypeError, match="center"):
        hull.gauge(GOOD, "middle")


@pytest.mark.parametrize("n_features", [1, 2, 7, 200])
def test_gauge_of_a_cross_polytope_is_its_norm(n_features):
    hull = Hull(np.vstack([np.eye(n_features), -np.eye(n_features)]))
    generator = np.random.default_rng(n_features)
    queries = generator.normal(size=(40, n_features)) * generator.exponential(size=(40, 1))
    queries[5] = 0
    gauge = hull.gauge(queries)
    assert np.array_equal(gauge.center, np.zeros(n_features))
    assert np.allclose(gauge.values, np.abs(queries).sum(axis=1), rtol=1e-7, atol=0)
    assert gauge.values[5] == 0
    others = np.arange(40) != 5
    assert np.allclose(gauge.ray.steps[others] * gauge.values[others], 1.0, rtol=1e-12)


@pytest.mark.parametrize("name", ["gaussian", "relu", "real features"])
def test_gauge_agrees_with_membership_and_is_convex(name):
    points, queries = DATA_SETS[name]()
    hull = Hull(points)
    middle = points.mean(axis=0, dtype=np.float64)
    queries = queries[:20].astype(np.float64)
    mixed = np.vstack([queries, 0.5 * (queries + middle), 0.5 * (queries + queries[::-1])])
    gauge = hull.gauge(mixed)
    assert (gauge.ray.status == Status.OPTIMAL).all()
    assert_rays(hull, gauge.center[None, :], mixed - gauge.center, gauge.ray)
    assert np.allclose(gauge.center, middle, rtol=0, atol=1e-12 * np.abs(points).max())
    clear = np.abs(gauge.values - 1) > 1e-6
    assert clear.sum() > 40
    assert np.array_equal(hull.contains(mixed).inside[clear], (gauge.values < 1)[clear])
    values, halves, middles = np.split(gauge.values, 3)
    assert np.allclose(halves, values / 2, rtol=1e-6)
    assert (middles <= 0.5 * (values + values[::-1]) * (1 + 1e-6)).all()
    # Scaled by its gauge, a query is on the boundary: just below it inside, just above outside.
    for factor, inside in ((1 - 1e-6, True), (1 + 1e-6, False)):
        steps = factor / values[:, None]
        scaled = gauge.center + steps * (queries - gauge.center)
        assert (hull.contains(scaled).inside == inside).all()


def test_gauge_agrees_with_the_linear_program():
    points, queries = DATA_SETS["gaussian"]()
    hull = Hull(points)
    for center, n_inward in ((None, 50), (points[:60].mean(axis=0), 50), (points[3], 5)):
        gauge = hull.gauge(queries, center)
        origin = points.mean(axis=0) if center is None else center
        steps = [highs_step(points, origin, query - origin) for query in queries]
        inward = np.array(steps) > 1e-6  # others leave from a corner
        assert inward.sum() >= n_inward
        found, expected = gauge.values[inward], 1 / np.array(steps)[inward]
        assert np.allclose(found, expected, rtol=1e-5)
        assert (gauge.values[~inward] > 1e4).all()


def test_gauge_of_flat_sets_is_infinite_outside_their_span():
    generator = np.random.default_rng(6)
    points = np.hstack([generator.integers(-64, 65, size=(64, 3)) / 8, np.ones((64, 2))])
    queries = np.vstack([points[:5], points[:5] + np.eye(5)[4]])
    gauge = Hull(points).gauge(queries)
    assert (gauge.values[:5] <= 1 + 1e-9).all()
    assert np.isposinf(gauge.values[5:]).all()
    assert Hull([[1.0, 2.0]] * 3).gauge([[1.0, 2.0], [1.0, 3.0]]).values.tolist() == [0.0, np.inf]
    rotated, _ = DATA_SETS["flat"]()
    assert (Hull(rotated).gauge(rotated[:9] + generator.normal(size=(9, 12))).values > 1e6).all()


whole = st.integers(-6, 6).map(float)


@settings(max_examples=80, deadline=None)
@given(st.data(), st.integers(1, 4), st.integers(1, 9), st.integers(-60, 60))
def test_any_small_ray_is_proven(data, n_features, n_points, exponent):
    scale = 10.0**exponent
    points = scale * data.draw(arrays(np.float64, (n_points, n_features), elements=whole))
    origins = scale * data.draw(arrays(np.float64, (4, n_features), elements=whole))
    directions = data.draw(arrays(np.float64, (4, n_features), elements=whole))
    directions[lengths(directions) == 0, 0] = 1.0
    hull = Hull(points)
    ray = hull.ray(origins, directions)
    assert_rays(hull, origins, directions, ray)
    near = lengths(origins) < 1e6 * hull.scale  # all, but for a single point at the origin
    assert (ray.status != Status.UNDECIDED)[near].all()
    inside = hull.contains(origins).inside
    assert (ray.status[inside] == Status.OPTIMAL).all()
    assert hull.contains(ray.points[ray.status == Status.OPTIMAL], tolerance=1e-8).inside.all()
