"""Vertices, coresets and supports against Qhull, linear programs, projections and products."""

import functools
import json
import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.spatial import ConvexHull
from scipy.spatial.distance import pdist

import hullspace
from data import real_features
from hullspace import Hull
from oracles import DATA_SETS, highs_vertices, relu_features
from proofs import assert_identical, assert_vertices


def gaussian_set(generator, n_features):
    return generator.normal(size=(25 * n_features, n_features))


def uniform_set(generator, n_features):
    return generator.uniform(size=(25 * n_features, n_features))


def sphere_set(generator, n_features):
    points = generator.normal(size=(12 * n_features, n_features))
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    return np.vstack([points, 0.5 * points])


def repeated_set(generator, n_features):
    points = generator.normal(size=(10 * n_features, n_features))
    return points[generator.integers(len(points), size=40 * n_features)]


def grid_set(generator, n_features):
    """Few distinct coordinates: points on faces, on edges and twice."""
    return generator.integers(-2, 3, size=(10 * n_features, n_features)).astype(float)


SETS = [gaussian_set, uniform_set, sphere_set, repeated_set, grid_set]
SHAPES = [(n_features, seed) for n_features in (2, 3, 4, 5, 6) for seed in (0, 1)]


@pytest.mark.parametrize("draw", SETS)
def test_vertices_agree_with_qhull(draw):
    assert len(SETS) * len(SHAPES) == 50
    for n_features, seed in SHAPES:
        points = draw(np.random.default_rng(seed), n_features)
        hull = Hull(points)
        found = hull.vertices()
        assert_vertices(hull, found)
        distinct, first = np.unique(points, axis=0, return_index=True)
        expected = np.sort(first[ConvexHull(distinct).vertices])
        if draw is grid_set:  # Qhull lists points on faces, too; these linear programs do not
            assert np.isin(found.indices, expected).all()
            expected = highs_vertices(points)
        assert found.indices.tolist() == expected.tolist()


@pytest.mark.parametrize("n_columns", [4, 8, 64])
def test_vertices_agree_with_leaving_one_real_point_out(n_columns):
    train, _ = real_features()
    points = train[:500, :n_columns]
    hull = Hull(points)
    found = hull.vertices()
    assert_vertices(hull, found)
    rows = np.arange(500)
    distances = [Hull(points[rows != k]).project(points[[k]]).distances[0] for k in rows]
    expected = np.flatnonzero(np.array(distances) > 1e-9 * hull.scale)
    assert found.indices.tolist() == expected.tolist()
    assert (found.margins <= np.array(distances)[expected] * (1 + 1e-9)).all()
    assert n_columns == 64 or len(expected) < 400


@pytest.mark.parametrize("name", DATA_SETS)
def test_vertices_of_every_data_set_span_it(name):
    points = DATA_SETS[name]()[0][:800]
    hull = Hull(points)
    found = hull.vertices()
    assert_vertices(hull, found)
    assert len(np.unique(points[found.indices], axis=0)) == len(found.indices)
    again = Hull(points[found.indices]).vertices()
    assert again.indices.tolist() == list(range(len(found.indices)))


def test_margins_hold_against_every_other_point_in_general_position():
    points, _ = DATA_SETS["gaussian"]()
    found = Hull(points).vertices()
    scores = found.directions @ points.T
    own = np.take_along_axis(scores, found.indices[:, None], axis=1)
    lead = own - scores
    np.put_along_axis(lead, found.indices[:, None], np.inf, axis=1)
    assert (lead.min(axis=1) >= found.margins - 1e-13).all()


@pytest.mark.parametrize(
    ("points", "expected"),
    [
        ([[2, 3]], [0]),
        ([[2, 3]] * 6, [0]),
        ([[0, 0]] * 6, [0]),
        ([[1, 1], [0, 0], [2, 2], [0, 0], [2, 2]], [1, 2]),
        ([[5], [7], [6], [7], [5]], [0, 1]),
        ([[1, 0], [0, 0], [2, 0], [0, 2], [1, 1], [2, 2], [1, 2], [0, 2]], [1, 2, 3, 5]),
        ([[0, 0, 1], [0, 4, 1], [4, 0, 1], [1, 1, 1], [2, 2, 1]], [0, 1, 2]),
    ],
)
def test_vertices_of_small_and_flat_sets(points, expected):
    hull = Hull(np.array(points, float))
    found = hull.vertices()
    assert found.indices.tolist() == expected
    assert_vertices(hull, found)


@pytest.mark.parametrize("n_features", [2, 6, 40])
def test_corners_are_the_vertices_and_the_first_of_each_is_kept(n_features):
    corners = np.vstack([np.eye(n_features), -np.eye(n_features)])
    generator = np.random.default_rng(n_features)
    inner = generator.dirichlet(np.ones(2 * n_features), size=50) @ corners
    edges = 0.5 * (corners[0] + corners[1:n_features])
    points = np.vstack([inner, corners, edges, corners[::-1], corners])
    found = Hull(points).vertices()
    assert found.indices.tolist() == list(range(50, 50 + 2 * n_features))
    assert_vertices(Hull(points), found)


@pytest.mark.parametrize("scale", [1e-200, 1e-30, 1e30, 1e200])
def test_vertices_and_coresets_at_any_scale(scale):
    points = relu_features(80, 5, 1)
    hull, scaled = Hull(points), Hull(points * scale)
    found = scaled.vertices()
    assert found.indices.tolist() == hull.vertices().indices.tolist()
    assert_vertices(scaled, found)
    coreset = scaled.coreset(0.1)
    assert_coreset(scaled, coreset, 0.1)
    assert coreset.diameter / scale == pytest.approx(hull.coreset(0.1).diameter, rel=1e-9)


def test_offset_far_from_the_origin_keeps_the_vertices():
    points = np.random.default_rng(2).integers(-64, 65, size=(100, 5)) / 8
    expected = Hull(points).vertices().indices
    assert np.array_equal(Hull(points + 2.0**20).vertices().indices, expected)


def assert_coreset(hull, found, epsilon):
    """The chosen points span all points to within the error, and the diameter is a diameter."""
    assert found.indices.dtype.kind == "i"
    assert len(np.unique(found.indices)) == len(found.indices) > 0
    points = hull.points.astype(np.float64)
    span = Hull(points[found.indices])
    distances = span.project(points, tolerance=1e-13).distances
    assert distances.max() <= found.error + 1e-9 * hull.scale
    assert 0 <= found.error <= epsilon * found.diameter
    size = np.abs(points).max() or 1.0
    diameter = pdist(points / size).max(initial=0.0) * size
    assert 0.5 * diameter * (1 - 1e-9) <= found.diameter <= diameter * (1 + 1e-9)


@pytest.mark.parametrize("epsilon", [0.5, 0.1, 0.02])
@pytest.mark.parametrize("name", DATA_SETS)
def test_coresets_are_within_their_error(name, epsilon):
    hull = Hull(DATA_SETS[name]()[0][:1500])
    assert_coreset(hull, hull.coreset(epsilon), epsilon)


def test_coresets_are_small_and_grow_with_precision():
    points = np.random.default_rng(3).normal(size=(3000, 3))
    hull = Hull(points)
    sizes = [len(hull.coreset(epsilon).indices) for epsilon in (0.5, 0.1, 0.01)]
    assert sizes == sorted(sizes)
    assert sizes[0] <= 6
    assert sizes[1] < sizes[2] <= len(hull.vertices().indices)


def test_coresets_of_single_points():
    for points in ([[2.0, 3.0]], [[2.0, 3.0]] * 7):
        found = Hull(points).coreset(0.1)
        assert len(found.indices) == 1
        assert (found.error, found.diameter) == (0, 0)
    pair = Hull([[0.0, 0.0], [3.0, 4.0], [0.0, 0.0]]).coreset(1e-3)
    assert sorted(pair.indices.tolist()) in ([0, 1], [1, 2])
    assert pair.diameter == pytest.approx(5.0, rel=1e-12)


@pytest.mark.parametrize("value", [-0.1, np.nan, np.inf, "x", None, True])
def test_bad_epsilon(value):
    with pytest.raises((TypeError, ValueError), match="epsilon"):
        Hull(np.eye(3)).coreset(value)


def test_support_is_exact_on_whole_numbers():
    generator = np.random.default_rng(4)
    points = generator.integers(-3, 4, size=(400, 7)).astype(float)
    directions = generator.integers(-3, 4, size=(100, 7)).astype(float)
    directions[10] = 0
    scores = directions @ points.T
    for convert in (np.float32, np.float64):
        support = Hull(points.astype(convert)).support(directions.astype(convert))
        assert support.values.dtype == np.float64
        assert np.array_equal(support.values, scores.max(axis=1))
        assert np.array_equal(support.indices, scores.argmax(axis=1))  # the first of the ties
    assert np.count_nonzero((scores == scores.max(axis=1, keepdims=True)).sum(axis=1) > 1) > 10
    assert (support.values[10], support.indices[10]) == (0.0, 0)


@pytest.mark.parametrize("name", DATA_SETS)
@pytest.mark.parametrize("length", [1e-200, 1.0, 1e200])
def test_support_of_every_data_set(name, length):
    points, _ = DATA_SETS[name]()
    directions = np.random.default_rng(5).normal(size=(60, points.shape[1]))
    support = Hull(points).support(length * directions)
    scores = directions @ points.T.astype(np.float64)
    slack = 1e-13 * np.abs(points).max() * np.abs(directions).sum(axis=1)
    assert (np.abs(support.values / length - scores.max(axis=1)) <= slack).all()
    attained = np.take_along_axis(scores, support.indices[:, None], axis=1)[:, 0]
    assert (attained >= scores.max(axis=1) - slack).all()
    distinct = np.unique(points, axis=0, return_index=True)[1]
    assert np.isin(support.indices, distinct).all()  # the first of each duplicate


def test_support_is_decided_in_double_precision():
    # Far from the origin, single precision sees no difference between the points.
    points = 1e6 + 1e-6 * np.random.default_rng(6).integers(-512, 513, size=(300, 5))
    directions = np.vstack([np.eye(5), -np.eye(5)])
    support = Hull(points).support(directions)
    assert np.array_equal(support.values, (directions @ points.T).max(axis=1))
    assert np.array_equal(support.indices, (directions @ points.T).argmax(axis=1))


@pytest.mark.parametrize(
    ("value", "error"),
    [(None, TypeError), (np.ones(3), ValueError), (np.ones((2, 4)), ValueError)],
)
def test_bad_directions(value, error):
    with pytest.raises(error, match="directions"):
        Hull(np.eye(3)).support(value)
    with pytest.raises(ValueError, match="directions"):
        Hull(np.eye(3)).support(np.full((1, 3), np.nan))
    with pytest.raises((TypeError, ValueError), match="n_threads"):
        Hull(np.eye(3)).support(np.eye(3), n_threads=0)


def test_no_directions():
    support = Hull(np.eye(3)).support(np.empty((0, 3)))
    assert support.values.shape == support.indices.shape == (0,)


def test_threads_and_precision_do_not_matter():
    points = relu_features(700, 9, 7).astype(np.float32)
    directions = np.random.default_rng(7).normal(size=(300, 9))
    one, two = Hull(points, n_threads=1), Hull(points, n_threads=2)
    double = Hull(points.astype(np.float64))
    for call in (
        lambda hull, n: hull.support(directions, n_threads=n),
        lambda hull, n: hull.vertices(n_threads=n),
        lambda hull, n: hull.coreset(0.05, n_threads=n),
    ):
        expected = call(one, 1)
        assert_identical(call(two, 2), expected)
        assert_identical(call(double, None), expected)
        assert_identical(call(one, 1), expected)


@settings(max_examples=40, deadline=None)
@given(st.data(), st.integers(1, 4), st.integers(1, 14), st.integers(-60, 60))
def test_vertices_of_any_small_set_are_proven(data, n_features, n_points, exponent):
    whole = st.integers(-4, 4).map(float)
    points = data.draw(arrays(np.float64, (n_points, n_features), elements=whole))
    hull = Hull(points * 10.0**exponent)
    found = hull.vertices()
    assert_vertices(hull, found)
    assert found.indices.tolist() == highs_vertices(points).tolist()
    assert_coreset(hull, hull.coreset(0.1), 0.1)


ANSWERS = """
import functools
import json
import numpy as np
import hullspace
generator = np.random.default_rng(0)
points = np.maximum(generator.normal(size=(1500, 17)), 0)
directions = generator.normal(size=(60, 17))
hull = hullspace.Hull(points)
support = hull.support(directions)
apart = hullspace.hull_distance(hull, points[:200] - 1.5)
print(json.dumps([hullspace.build_info()["instruction_sets"]["used"], {
    "steps": hull.ray(points.mean(axis=0, keepdims=True), directions).steps.tolist(),
    "gauge": hull.gauge(directions).values.tolist(),
    "support": [support.values.tolist(), support.indices.tolist()],
    "vertices": hullspace.Hull(points[:300]).vertices().indices.tolist(),
    "hull distance": [apart.distance, apart.offset, apart.point_a.tolist()],
    "diameter": hull.coreset(0.2).diameter,
}]))
"""


@functools.cache
def answers(instruction_set):
    done = subprocess.run(
        [sys.executable, "-c", ANSWERS],
        capture_output=True,
        text=True,
        env={**os.environ, "HULLSPACE_ISA": instruction_set},
        check=True,
    )
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize("name", ["baseline", "avx2", "avx512", "avx512vnni"])
def test_forced_instruction_sets_agree(name):
    if name not in hullspace.build_info()["instruction_sets"]["found"]:
        pytest.skip(f"this machine has no {name}")
    (used, found), (_, expected) = answers(name), answers("")
    assert used == name
    assert found.keys() == expected.keys()
    for key in expected:
        values = [
            np.concatenate([np.ravel(x) for x in a]) if isinstance(a, list) else a
            for a in (found[key], expected[key])
        ]
        assert np.allclose(*values, rtol=1e-7, atol=1e-8), key
