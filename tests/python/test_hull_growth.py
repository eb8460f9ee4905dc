"""Hulls that grow, and copies of hulls, answer like the hull of the same points made at once."""

import copy
import pickle

import numpy as np
import pytest

from hullspace import Hull, certificates
from oracles import DATA_SETS, relu_features
from proofs import assert_identical, assert_rays


def assert_same_answers(found, expected, queries):
    """Two hulls of the same points agree up to the tolerance, whatever their history."""
    assert found.n_points == expected.n_points
    assert np.array_equal(found.points, expected.points)
    assert found.scale == pytest.approx(expected.scale, rel=1e-6)
    slack = 3e-9 * expected.scale
    first, second = found.project(queries), expected.project(queries)
    assert np.abs(first.distances - second.distances).max() <= slack
    assert certificates.check(expected.points, queries, first).all()
    assert np.array_equal(found.contains(queries).inside, expected.contains(queries).inside)
    directions = queries - expected.points[:1]
    directions[0] = 1.0
    supports = found.support(directions), expected.support(directions)
    assert np.allclose(supports[0].values, supports[1].values, rtol=1e-12)
    assert np.array_equal(supports[0].indices, supports[1].indices)
    rays = found.ray(queries[:1], directions)
    assert_rays(found, queries[:1], directions, rays)
    assert np.array_equal(rays.status, expected.ray(queries[:1], directions).status)
    assert found.vertices().indices.tolist() == expected.vertices().indices.tolist()


@pytest.mark.parametrize("n_features", [1, 2, 5, 9, 30])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_hull_that_grew_is_the_hull_of_all(n_features, dtype):
    generator = np.random.default_rng(n_features)
    points = generator.normal(size=(160, n_features)).astype(dtype)
    points[100:] *= 5  # beyond what is there, so that the scale grows
    queries = 2.0 * generator.normal(size=(40, n_features))
    before = points.copy()
    hull = Hull(points[:20])
    for first, last in ((20, 21), (21, 100), (100, 160)):
        assert hull.add(points[first:last]) is None
        assert_same_answers(hull, Hull(points[:last]), queries)
    assert np.array_equal(points, before)


def test_growing_keeps_the_precision_of_what_is_added():
    generator = np.random.default_rng(5)
    single, double = (
        generator.normal(size=(30, 4)).astype(np.float32),
        generator.normal(size=(9, 4)),
    )
    hull = Hull(single)
    hull.add(2.0 * double)
    expected = np.vstack([single, 2.0 * double])
    corner = hull.project(expected).distances
    assert corner.max() <= 1e-12
    assert np.allclose(hull.support(double).values, (double @ expected.T).max(axis=1), rtol=1e-12)


def test_growing_far_beyond_and_from_a_single_point():
    hull = Hull([[0.0, 0.0]])
    hull.add([[1.0, 0.0], [0.0, 1.0]])
    assert hull.volume == pytest.approx(0.5)
    hull.add([[1e6, 0.0]])
    assert hull.volume == pytest.approx(5e5)
    assert hull.contains([[1e5, 0.1], [1e5, 0.95]]).inside.tolist() == [True, False]
    assert hull.scale == pytest.approx(Hull([[0, 0], [1, 0], [0, 1], [1e6, 0.0]]).scale)
    assert len(hull.facets.offsets) == 3


@pytest.mark.parametrize(
    ("value", "error"),
    [
        (None, TypeError),
        (np.eye(3) * 1j, TypeError),
        (np.ones(3), ValueError),
        (np.ones((2, 4)), ValueError),
        (np.full((1, 3), np.nan), ValueError),
        (np.full((1, 3), np.inf), ValueError),
    ],
)
def test_what_cannot_be_added_changes_nothing(value, error):
    hull = Hull(np.eye(3))
    expected = hull.project(np.ones((1, 3)))
    with pytest.raises(error, match="points"):
        hull.add(value)
    assert hull.n_points == 3
    assert_identical(hull.project(np.ones((1, 3))), expected)


def pickled(hull):
    return pickle.loads(pickle.dumps(hull))  # noqa: S301 - made here


@pytest.mark.parametrize("duplicate", [copy.deepcopy, pickled])
@pytest.mark.parametrize("name", ["gaussian", "flat", "few dimensions", "single", "grown"])
def test_copies_answer_the_same_and_live_by_themselves(duplicate, name):
    points, queries = DATA_SETS[name if name == "flat" else "gaussian"]()
    if name == "few dimensions":
        points, queries = points[:, :3], queries[:, :3]
    hull = Hull(points.astype(np.float32) if name == "single" else points)
    if name == "grown":
        hull.add(queries[:10])
    twin = duplicate(hull)
    assert isinstance(twin, Hull)
    assert twin.points.dtype == hull.points.dtype
    assert np.array_equal(twin.points, hull.points)
    assert (twin.method, twin.scale) == (hull.method, hull.scale)
    calls = (
        lambda h: h.project(queries),
        lambda h: h.contains(queries),
        lambda h: h.ray(points[:1] + 0.5, queries - points[0] + 1e-3),
        lambda h: h.support(queries),
        lambda h: h.vertices(),
    )
    expected = [call(hull) for call in calls]
    for call, answer in zip(calls, expected, strict=True):
        assert_identical(call(twin), answer)
    twin.add(100.0 * queries)
    assert twin.n_points == hull.n_points + len(queries)
    for call, answer in zip(calls, expected, strict=True):
        assert_identical(call(hull), answer)


def test_growing_and_copying_leave_the_array_of_the_user_alone():
    points = relu_features(50, 6, 7)
    before = points.copy()
    hull = Hull(points)
    earlier = hull.project(points[:5] + 1.0)
    kept = earlier.points.copy()
    hull.add(points + 3.0)
    copy.deepcopy(hull).add(points - 3.0)
    assert np.array_equal(points, before)
    assert np.array_equal(earlier.points, kept)
    assert repr(hull).startswith("Hull(n_points=100, n_features=6")
