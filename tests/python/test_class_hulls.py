"""The hulls of several classes at once give the answers that each hull gives by itself."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hullspace import ClassHulls, Hull, Status, hull_distance
from oracles import relu_features
from proofs import assert_identical


def blobs(n_classes, n_features, seed, spread=4.0):
    """Classes of unequal size in shuffled order, some far apart and some overlapping."""
    generator = np.random.default_rng(seed)
    sizes = generator.integers(1, 40, size=n_classes)
    sizes[0] += 20
    labels = generator.permutation(np.repeat(np.arange(n_classes), sizes))
    centers = spread * generator.normal(size=(n_classes, n_features))
    return centers[labels] + generator.normal(size=(len(labels), n_features)), labels


def mixed_queries(points, generator):
    pairs = generator.integers(len(points), size=(20, 2))
    noise = generator.normal(size=(20, points.shape[1]))
    return np.vstack([points[:20], points[pairs].mean(axis=1), points[pairs[:, 0]] + noise])


CASES = [(1, 3), (2, 2), (5, 6), (10, 30)]


@pytest.mark.parametrize(("n_classes", "n_features"), CASES)
def test_projections_are_those_of_every_hull(n_classes, n_features):
    points, labels = blobs(n_classes, n_features, 0)
    queries = mixed_queries(points, np.random.default_rng(0))
    classes = ClassHulls(points, labels)
    projections = classes.project(queries)
    shape = (len(queries), n_classes)
    assert projections.distances.shape == projections.gaps.shape == projections.status.shape
    assert projections.distances.shape == shape
    assert (projections.status == Status.OPTIMAL).all()
    for k in range(n_classes):
        hull = Hull(points[labels == k])
        expected = hull.project(queries)
        within = 1e-9 * hull.scale
        assert (projections.gaps[:, k] <= within * (1 + 1e-6)).all()
        assert np.abs(projections.distances[:, k] - expected.distances).max() <= 2 * within
    assert (projections.distances[np.arange(20), labels[:20]] == 0).all()


@pytest.mark.parametrize(("n_classes", "n_features"), CASES)
def test_membership_is_that_of_every_hull(n_classes, n_features):
    points, labels = blobs(n_classes, n_features, 1, spread=1.0)
    queries = mixed_queries(points, np.random.default_rng(1))
    membership = ClassHulls(points, labels).contains(queries)
    assert membership.status.dtype == np.int8
    assert membership.inside.dtype == bool
    assert membership.status.shape == membership.inside.shape == (len(queries), n_classes)
    assert np.array_equal(membership.inside, membership.status == Status.INSIDE)
    for k in range(n_classes):
        expected = Hull(points[labels == k]).contains(queries)
        assert np.array_equal(membership.status[:, k], expected.status)
    assert membership.inside[np.arange(20), labels[:20]].all()
    assert (membership.status == Status.OUTSIDE).any()


@pytest.mark.parametrize(("n_classes", "n_features"), CASES)
def test_hull_distances_are_those_of_every_pair(n_classes, n_features):
    points, labels = blobs(n_classes, n_features, 2)
    classes = ClassHulls(points, labels)
    found = classes.hull_distances()
    assert found.distances.shape == found.gaps.shape == found.disjoint.shape
    assert found.distances.shape == (n_classes, n_classes)
    assert found.disjoint.dtype == bool
    assert np.array_equal(found.distances, found.distances.T)
    assert np.array_equal(found.disjoint, found.disjoint.T)
    assert not found.distances.diagonal().any()
    assert not found.disjoint.diagonal().any()
    for i in range(n_classes):
        for j in range(i):
            a, b = points[labels == i], points[labels == j]
            expected = hull_distance(a, b)
            within = 1e-9 * (Hull(a).scale + Hull(b).scale)
            assert abs(found.distances[i, j] - expected.distance) <= 2 * within
            assert found.gaps[i, j] <= within * (1 + 1e-6)
            assert found.disjoint[i, j] == expected.disjoint
    assert n_classes == 1 or found.disjoint.any()


@pytest.mark.parametrize(("n_classes", "n_features"), CASES)
def test_nearest_class_is_the_one_at_the_least_distance(n_classes, n_features):
    points, labels = blobs(n_classes, n_features, 3)
    names = np.array([f"class {k}" for k in range(n_classes)])
    queries = mixed_queries(points, np.random.default_rng(3))
    classes = ClassHulls(points, names[labels])
    nearest = classes.nearest(queries)
    distances = classes.project(queries).distances
    assert nearest.labels.shape == nearest.distances.shape == (len(queries),)
    assert nearest.labels.dtype == classes.classes.dtype
    slack = 2e-9 * max(hull.scale for hull in classes.hulls)
    assert np.abs(nearest.distances - distances.min(axis=1)).max() <= slack
    chosen = np.searchsorted(classes.classes, nearest.labels)
    own = distances[np.arange(len(queries)), chosen]
    assert (own <= distances.min(axis=1) + slack).all()
    # A point of one class only, outside of every other, is nearest to its own.
    alone = (distances[:20] <= slack).sum(axis=1) == 1
    assert alone.sum() >= 10
    assert (nearest.labels[:20] == names[labels[:20]])[alone].all()


def test_hulls_hold_the_points_of_their_class_in_order():
    points, labels = blobs(4, 5, 4)
    classes = ClassHulls(points, labels * 10 - 7)
    assert len(classes) == len(classes.hulls) == 4
    assert classes.classes.tolist() == [-7, 3, 13, 23]
    for k, hull in enumerate(classes.hulls):
        assert isinstance(hull, Hull)
        assert np.array_equal(hull.points, points[labels == k])


@pytest.mark.parametrize(
    ("labels", "classes"),
    [
        (["b", "a", "b", "c"], ["a", "b", "c"]),
        ([True, False, True, True], [False, True]),
        ([2.5, -1.0, 2.5, 2.5], [-1.0, 2.5]),
        (np.array([200, 3, 200, 3], np.uint8), [3, 200]),
        ((7, 7, 7, 7), [7]),
    ],
)
def test_labels_of_any_kind(labels, classes):
    points = np.array([[0.0, 0.0], [5.0, 0.0], [0.0, 2.0], [0.0, 9.0]])
    found = ClassHulls(points, labels)
    assert found.classes.tolist() == classes
    assert found.nearest(points).distances.max() == 0
    inside = found.contains(points).inside
    expected = [[label == name for name in classes] for label in np.asarray(labels).tolist()]
    assert (inside >= np.array(expected)).all()


def test_classes_of_very_different_scale_are_each_judged_by_their_own():
    generator = np.random.default_rng(5)
    small, large = 1e-6 * generator.normal(size=(30, 4)), 1e6 * generator.normal(size=(30, 4))
    classes = ClassHulls(np.vstack([small, large]), np.repeat([0, 1], 30))
    query = small.mean(axis=0)[None, :] + [[1e-9, 0, 0, 0], [1e-4, 0, 0, 0]]
    assert classes.contains(query).inside.tolist() == [[True, True], [False, True]]
    assert classes.project(query).distances[1, 0] == pytest.approx(1e-4, rel=0.1)
    assert classes.nearest(query[1:]).labels.tolist() == [1]


def test_threads_and_precision_do_not_matter():
    points = relu_features(600, 10, 6).astype(np.float32)
    labels = np.random.default_rng(6).integers(5, size=600)
    queries = relu_features(80, 10, 7)
    one, two = ClassHulls(points, labels, n_threads=1), ClassHulls(points, labels, n_threads=2)
    double = ClassHulls(points.astype(np.float64), labels)
    for call in (
        lambda c, n: c.project(queries, n_threads=n),
        lambda c, n: c.contains(queries, n_threads=n),
        lambda c, n: c.nearest(queries, n_threads=n),
        lambda c, n: c.hull_distances(n_threads=n),
    ):
        expected = call(one, 1)
        assert_identical(call(two, 2), expected)
        assert_identical(call(double, None), expected)


def test_no_queries():
    points, labels = blobs(3, 4, 8)
    classes = ClassHulls(points, labels)
    assert classes.project(np.empty((0, 4))).distances.shape == (0, 3)
    assert classes.contains(np.empty((0, 4))).inside.shape == (0, 3)
    assert classes.nearest(np.empty((0, 4))).labels.shape == (0,)


def test_points_and_labels_are_left_alone():
    points, labels = blobs(3, 4, 9)
    kept = points.copy(), labels.copy()
    classes = ClassHulls(points, labels)
    expected = classes.project(points[:9]).distances
    assert np.array_equal(points, kept[0])
    assert np.array_equal(labels, kept[1])
    labels[:] = 0
    assert np.array_equal(classes.project(points[:9]).distances, expected)
    assert len(classes) == 3


@pytest.mark.parametrize(
    "labels",
    [[0, 1], [0] * 5, [[0], [1], [1], [0]], [[0, 1, 1, 0]], 3, "abcd", [0.0, 1.0, np.nan, 0.0]],
)
def test_labels_that_do_not_fit_are_named(labels):
    with pytest.raises((TypeError, ValueError), match="labels"):
        ClassHulls(np.eye(4), labels)


@pytest.mark.parametrize(
    ("points", "error"),
    [
        (None, TypeError),
        (np.ones(4), ValueError),
        (np.empty((0, 4)), ValueError),
        (np.full((4, 4), np.nan), ValueError),
        (np.eye(4) * 1j, TypeError),
    ],
)
def test_bad_points_and_queries_are_named(points, error):
    with pytest.raises(error, match="points"):
        ClassHulls(points, [0, 0, 1, 1])
    classes = ClassHulls(np.eye(4), [0, 0, 1, 1])
    queries = np.ones((2, 3)) if error is ValueError and np.size(points) == 0 else points
    for method in ("project", "contains", "nearest"):
        with pytest.raises(error, match="queries"):
            getattr(classes, method)(queries)


def test_bad_options_are_named():
    classes = ClassHulls(np.eye(4), [0, 0, 1, 1])
    for method in ("project", "contains", "nearest"):
        with pytest.raises((TypeError, ValueError), match="tolerance"):
            getattr(classes, method)(np.eye(4), tolerance=-1.0)
        with pytest.raises((TypeError, ValueError), match="n_threads"):
            getattr(classes, method)(np.eye(4), n_threads=0)
    with pytest.raises((TypeError, ValueError), match="tolerance"):
        classes.hull_distances(tolerance="x")
    with pytest.raises((TypeError, ValueError), match="n_threads"):
        classes.hull_distances(n_threads=1.5)


def test_representations_say_the_type():
    points, labels = blobs(3, 4, 10)
    classes = ClassHulls(points, labels)
    results = (classes, classes.project(points), classes.nearest(points), classes.hull_distances())
    for value in (*results, classes.contains(points)):
        assert repr(value).startswith(type(value).__name__ + "(")
    assert len(repr(classes)) < 100


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 5), st.integers(1, 4), st.integers(0, 2**32 - 1), st.integers(-40, 40))
def test_order_and_scale_do_not_matter(n_classes, n_features, seed, exponent):
    generator = np.random.default_rng(seed)
    labels = np.append(np.arange(n_classes), generator.integers(n_classes, size=10))
    points = generator.integers(-5, 6, size=(len(labels), n_features)) + 6.0
    queries = generator.integers(-5, 6, size=(6, n_features)) + 6.0
    order, scale = generator.permutation(len(labels)), 2.0**exponent
    classes = ClassHulls(points, labels)
    shuffled = ClassHulls(scale * points[order], labels[order])
    expected, found = classes.project(queries), shuffled.project(scale * queries)
    assert np.allclose(found.distances / scale, expected.distances, rtol=0, atol=1e-7)
    inside = shuffled.contains(scale * queries).inside
    assert np.array_equal(inside, classes.contains(queries).inside)
    between = shuffled.hull_distances().distances / scale
    assert np.allclose(between, classes.hull_distances().distances, rtol=0, atol=1e-7)
