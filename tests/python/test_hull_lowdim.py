"""Few dimensions, where facets and volumes are known, and both methods answer alike."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.spatial import ConvexHull

from hullspace import Hull, Status, certificates, hull_distance
from oracles import cube
from proofs import assert_hull_distance, assert_identical, assert_rays, assert_vertices


def assert_facets(hull, facets):
    """Every facet supports the set and holds the points of its simplex, which span it."""
    points = hull.points.astype(np.float64)
    size = np.abs(points).max()
    points, offsets = points / size, facets.offsets / size
    rounding = 1e-12 + 1e-9 * hull.scale / size
    n_features = points.shape[1]
    assert facets.simplices.shape == (len(offsets), n_features)
    assert facets.normals.shape == (len(offsets), n_features)
    assert facets.simplices.dtype.kind == "i"
    assert np.allclose(np.linalg.norm(facets.normals, axis=1), 1.0, rtol=0, atol=1e-14)
    scores = facets.normals @ points.T
    assert (scores <= offsets[:, None] + rounding).all()
    own = np.take_along_axis(scores, facets.simplices, axis=1)
    assert (np.abs(own - offsets[:, None]) <= rounding).all()
    # The hull is bounded: outward normals point everywhere.
    heading = np.random.default_rng(0).normal(size=(100, n_features))
    assert ((heading @ facets.normals.T).max(axis=1) > 0).all()


@pytest.mark.parametrize("n_features", range(1, 8))
def test_volume_and_facets_of_cubes_and_simplices(n_features):
    corners = cube(n_features)
    shape = 5.0 - 3.0 * corners
    hull = Hull(np.vstack([shape, shape.mean(axis=0), shape[:1]]))
    assert hull.volume == pytest.approx(3.0**n_features, rel=1e-9)
    facets = hull.facets
    assert_facets(hull, facets)
    directions = {tuple(row) for row in np.round(facets.normals).astype(int).tolist()}
    assert directions == {
        tuple(row) for row in np.vstack([np.eye(n_features), -np.eye(n_features)])
    }

    simplex = Hull(np.vstack([np.zeros(n_features), 2.0 * np.eye(n_features)]))
    assert simplex.volume == pytest.approx(2.0**n_features / math.factorial(n_features), rel=1e-9)
    assert len(simplex.facets.offsets) == n_features + 1
    assert_facets(simplex, simplex.facets)


@pytest.mark.parametrize("n_features", range(2, 8))
def test_volume_and_facets_of_random_sets_agree_with_qhull(n_features):
    points = np.random.default_rng(n_features).normal(size=(40, n_features))
    hull = Hull(points)
    expected = ConvexHull(points)
    assert hull.volume == pytest.approx(expected.volume, rel=1e-9)
    facets = hull.facets
    assert_facets(hull, facets)
    found = {tuple(sorted(row)) for row in facets.simplices.tolist()}
    assert found == {tuple(sorted(row)) for row in expected.simplices.tolist()}
    # The facets' half-spaces are the hull.
    queries = 1.5 * np.random.default_rng(1).normal(size=(200, n_features))
    excess = (queries @ facets.normals.T - facets.offsets).max(axis=1)
    assert np.array_equal(hull.contains(queries).inside, excess <= 0)


@pytest.mark.parametrize("scale", [1e-200, 1e-20, 1e20, 1e200])
def test_volume_and_facets_at_any_scale(scale):
    points = np.random.default_rng(2).normal(size=(30, 3))
    hull = Hull(points * scale)
    assert_facets(hull, hull.facets)
    factor = np.float64(scale)
    with np.errstate(over="ignore", under="ignore"):
        assert hull.volume == pytest.approx(Hull(points).volume * factor**3, rel=1e-9)
    line = Hull(points[:, :1] * scale)
    assert line.volume == pytest.approx(np.ptp(points[:, 0]) * scale, rel=1e-12)


@pytest.mark.parametrize(
    "points",
    [
        [[1.0, 2.0]],
        [[1.0, 2.0]] * 5,
        [[0.0, 0.0], [1.0, 1.0], [2.0, 2.0]],
        [[0.0, 0.0, 1.0], [4.0, 0.0, 1.0], [0.0, 4.0, 1.0], [3.0, 3.0, 1.0], [1.0, 1.0, 1.0]],
        [[7.0]],
        [[7.0], [7.0]],
        np.eye(7)[:5].tolist(),
    ],
)
def test_flat_sets_have_no_volume_and_no_facets(points):
    hull = Hull(points)
    assert hull.volume == 0.0
    with pytest.raises(ValueError, match="flat"):
        _ = hull.facets
    middle = np.mean(points, axis=0, keepdims=True)
    assert hull.contains(middle).inside.all()
    assert hull.project(middle + 10.0).distances[0] > 0
    assert_vertices(hull, hull.vertices())


def test_many_features_have_neither_volume_nor_facets():
    hull = Hull(np.random.default_rng(3).normal(size=(30, 8)))
    for name in ("facets", "volume"):
        with pytest.raises(ValueError, match="n_features"):
            getattr(hull, name)
    with pytest.raises(ValueError, match=r"method|n_features"):
        Hull(hull.points, method="facets")
    assert hull.method == "active-set"


@pytest.mark.parametrize("value", ["qhull", "", None, 3, "Facets"])
def test_bad_method(value):
    with pytest.raises((TypeError, ValueError), match="method"):
        Hull(np.eye(3), method=value)


def test_methods_are_what_was_asked_for():
    points = np.random.default_rng(4).normal(size=(50, 3))
    assert Hull(points, method="facets").method == "facets"
    assert Hull(points, method="active-set").method == "active-set"
    assert Hull(points).method == Hull(points, method="auto").method in {"facets", "active-set"}


def few_dimensions(n_features):
    generator = np.random.default_rng(n_features)
    points = generator.integers(-64, 65, size=(40 * n_features, n_features)) / 8
    points = np.vstack([points, points[:5]])
    mixed = generator.dirichlet(np.full(len(points), 0.1), size=20) @ points
    return points, np.vstack(
        [1.5 * generator.normal(size=(30, n_features)) * 8, points[:20], mixed]
    )


@pytest.mark.parametrize("n_features", range(1, 8))
def test_operations_answer_the_same_with_either_method(n_features):
    points, queries = few_dimensions(n_features)
    one, other = (Hull(points, method=method) for method in ("facets", "active-set"))
    slack = 3e-9 * one.scale
    assert one.scale == other.scale
    assert one.volume == other.volume
    assert_identical(one.facets, other.facets)

    first, second = one.project(queries), other.project(queries)
    assert np.abs(first.distances - second.distances).max() <= slack
    assert np.abs(first.points - second.points).max() <= 1e-4 * one.scale
    assert certificates.check(points, queries, first).all()
    assert (first.status == Status.OPTIMAL).all()
    assert np.array_equal(one.contains(queries).status, other.contains(queries).status)
    assert certificates.check(points, queries, one.contains(queries)).all()

    center = points.mean(axis=0, keepdims=True)
    headings = queries - center
    first, second = one.ray(center, headings), other.ray(center, headings)
    assert_rays(one, center, headings, first)
    assert np.allclose(first.steps, second.steps, rtol=1e-6)
    assert np.allclose(one.gauge(queries).values, other.gauge(queries).values, rtol=1e-6)
    assert one.vertices().indices.tolist() == other.vertices().indices.tolist()
    assert_vertices(one, one.vertices())
    assert_identical(one.support(headings), other.support(headings))
    shifted = points[:30] + 10.0
    first, second = hull_distance(one, shifted), hull_distance(other, shifted)
    assert_hull_distance(one, shifted, first)
    assert first.distance == pytest.approx(second.distance, abs=slack)


@pytest.mark.parametrize("method", ["facets", "active-set"])
def test_the_first_of_all_highest_points_supports_with_either_method(method):
    square = [[1, 0], [0, 0], [2, 0], [2, 0], [2, 2], [0, 2], [2, 1], [0, 2]]
    support = Hull(np.array(square, float), method=method).support(
        [[0, -1], [1, -1], [3, 0], [-1, 1], [0, 0]]
    )
    assert support.indices.tolist() == [0, 2, 2, 5, 0]
    assert support.values.tolist() == [0.0, 2.0, 6.0, 2.0, 0.0]


@pytest.mark.parametrize("thickness", [1e-3, 1e-6, 1e-9, 1e-12, 1e-15])
def test_nearly_flat_sets_with_either_method(thickness):
    generator = np.random.default_rng(6)
    flat = np.hstack([generator.normal(size=(80, 3)), np.zeros((80, 1))])
    flat[:, 3] = thickness * generator.normal(size=80)
    rotation, _ = np.linalg.qr(generator.normal(size=(4, 4)))
    points = flat @ rotation
    mixed = generator.dirichlet(np.full(80, 0.1), size=20) @ points
    queries = np.vstack([points[:20], mixed, mixed + 1e-4 * rotation[3], 3 * points[:20]])
    for method in ("auto", "active-set"):
        hull = Hull(points, method=method)
        membership, projection = hull.contains(queries), hull.project(queries)
        assert membership.inside[:40].all()
        assert thickness > 1e-6 or not membership.inside[40:60].any()
        assert certificates.check(points, queries, membership).all()
        assert certificates.check(points, queries, projection).all()
        assert_vertices(hull, hull.vertices())


def test_representations_are_short_and_say_the_type():
    hull = Hull(np.random.default_rng(8).normal(size=(60, 3)))
    queries = np.ones((50, 3))
    results = [hull, hull.support(queries), hull.ray(queries, queries), hull.gauge(queries)]
    results += [hull.vertices(), hull.coreset(0.1), hull.facets, hull_distance(hull, queries)]
    for value in results:
        assert repr(value).startswith(type(value).__name__ + "(")
        assert len(repr(value)) < 200


whole = st.integers(-4, 4).map(float)


@settings(max_examples=60, deadline=None)
@given(st.data(), st.integers(1, 4), st.integers(1, 12), st.integers(1, 5))
def test_any_small_set_grows_into_the_hull_of_all(data, n_features, n_points, n_more):
    points = data.draw(arrays(np.float64, (n_points, n_features), elements=whole))
    more = data.draw(arrays(np.float64, (n_more, n_features), elements=whole))
    queries = data.draw(arrays(np.float64, (4, n_features), elements=whole))
    hull, expected = Hull(points), Hull(np.vstack([points, more]))
    volume = hull.volume
    hull.add(more)
    assert np.array_equal(hull.contains(queries).inside, expected.contains(queries).inside)
    distances = hull.project(queries).distances
    assert np.allclose(distances, expected.project(queries).distances, rtol=0, atol=1e-8)
    assert volume <= hull.volume + 1e-9
    assert hull.volume == pytest.approx(expected.volume, rel=1e-9, abs=1e-12)
    if hull.volume > 0:
        assert_facets(hull, hull.facets)
        inside = (queries @ hull.facets.normals.T <= hull.facets.offsets + 1e-9).all(axis=1)
        assert np.array_equal(hull.contains(queries).inside, inside)
