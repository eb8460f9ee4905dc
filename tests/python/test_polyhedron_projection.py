"""Nearest points of polyhedra against NNLS, Clarabel, known answers and their certificates."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from hullspace import Polyhedron, Status, certificates
from hullspace.polyhedron import project_batch
from oracles import simplex_projection
from polytopes import (
    FAMILIES,
    bounded,
    box,
    clarabel_distance,
    cross_polytope,
    integers,
    nnls_distance,
    simplex,
    tight,
    unit_rows,
)


def checked(polyhedron, points):
    """Projections of a batch, every one with a certificate that holds."""
    found = polyhedron.project(points)
    proven = certificates.check(polyhedron, points, found)
    assert proven.all(), found.status[~proven]
    return found


def equations(polyhedron):
    return (polyhedron.E, polyhedron.d) if len(polyhedron.E) else (None, None)


def assert_optimal(polyhedron, points):
    """The conditions of Karush, Kuhn and Tucker, written out."""
    found = checked(polyhedron, points)
    A, b, E, d = polyhedron.A, polyhedron.b, polyhedron.E, polyhedron.d
    nearest, y = found.points, found.duals.toarray()
    assert (found.status == Status.OPTIMAL).all()
    lengths = np.linalg.norm(A, axis=1)
    size = 1.0 + np.abs(points).max() + np.abs(nearest).max()
    slack = b - nearest @ A.T
    assert (slack >= -1e-12 * lengths * size).all()
    assert (np.abs(nearest @ E.T - d) <= 1e-12 * np.linalg.norm(E, axis=1) * size).all()
    assert (y >= 0).all()
    assert np.abs(points - nearest - y @ A - found.equality_duals @ E).max() <= 1e-11 * size
    assert (slack[y > 0] <= (1e-9 * size * np.broadcast_to(lengths, slack.shape))[y > 0]).all()
    assert np.allclose(found.distances, np.linalg.norm(points - nearest, axis=1), atol=1e-13 * size)
    assert (found.gaps >= 0).all()
    assert (found.gaps <= 1e-10 * size).all()
    return found


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize(("n_features", "n_rows"), [(1, 3), (2, 6), (3, 5), (5, 20), (8, 30)])
def test_distances_agree_with_nnls(family, n_features, n_rows):
    generator = np.random.default_rng([0, n_features, n_rows])
    for _ in range(6):
        polyhedron = Polyhedron(*FAMILIES[family](generator, n_features, n_rows))
        points = 2.0 * generator.normal(size=(5, n_features))
        found = checked(polyhedron, points)
        for point, distance in zip(points, found.distances, strict=True):
            expected = nnls_distance(polyhedron.A, polyhedron.b, point)
            if np.isinf(expected):
                assert distance == np.inf
            else:
                assert abs(distance - expected) <= 1e-8 * max(1.0, expected)
        if not polyhedron.is_empty():
            assert_optimal(polyhedron, points)


@pytest.mark.parametrize("n_features", [4, 12, 40])
def test_distances_agree_with_clarabel(n_features):
    generator = np.random.default_rng(n_features)
    A, b = bounded(generator, n_features, 2 * n_features)
    E = generator.normal(size=(2, n_features))
    center = Polyhedron(A, b).chebyshev_center().center
    points = 2.0 * generator.normal(size=(4, n_features))
    for equalities in (None, (E, E @ center)):
        found = assert_optimal(Polyhedron(A, b, equalities), points)
        for point, distance in zip(points, found.distances, strict=True):
            expected = clarabel_distance(A, b, point, *(equalities or ()))
            assert abs(distance - expected) <= 1e-7 * max(1.0, expected)


@pytest.mark.parametrize("factor", [0.7, 1.0, 1e3, 1e8, 1e14])
@pytest.mark.parametrize("n_features", [1, 2, 5, 30])
def test_projection_onto_a_box_clips(n_features, factor):
    generator = np.random.default_rng(n_features)
    points = factor * generator.normal(size=(40, n_features))
    points[:10, 0] = 0.5
    found = assert_optimal(Polyhedron(*box(np.zeros(n_features), np.ones(n_features))), points)
    assert np.abs(found.points - np.clip(points, 0, 1)).max() <= 1e-14 * factor


@pytest.mark.parametrize("n_features", [2, 10, 60])
def test_projection_onto_the_probability_simplex(n_features):
    points = np.random.default_rng(n_features).normal(size=(15, n_features))
    expected = np.array([simplex_projection(point) for point in points])
    as_equality = Polyhedron(
        -np.eye(n_features), np.zeros(n_features), (np.ones((1, n_features)), [1.0])
    )
    rows = np.vstack([-np.eye(n_features), np.ones(n_features), -np.ones(n_features)])
    as_rows = Polyhedron(rows, np.append(np.zeros(n_features), [1.0, -1.0]))
    for polyhedron in (as_equality, as_rows):
        found = assert_optimal(polyhedron, points)
        assert np.abs(found.points - expected).max() <= 1e-13


def test_halfspace_and_plane():
    normal = np.array([3.0, 0.0, 4.0])
    points = np.random.default_rng(0).normal(size=(20, 3))
    heights = points @ normal / 5.0 - 2.0
    half = assert_optimal(Polyhedron(normal[None], [10.0]), points)
    assert np.allclose(half.distances, np.maximum(heights, 0.0), atol=1e-15)
    plane = assert_optimal(Polyhedron(np.zeros((0, 3)), [], (normal[None], [10.0])), points)
    assert np.allclose(plane.distances, np.abs(heights), atol=1e-15)
    everything = checked(Polyhedron(np.zeros((0, 3)), []), points)
    assert np.array_equal(everything.points, points)


@pytest.mark.parametrize("n", [3, 6, 9])
def test_corners_where_many_rows_meet(n):
    polyhedron = Polyhedron(*cross_polytope(n))
    axes = np.vstack([3.0 * np.eye(n), -5.0 * np.eye(n)])
    found = assert_optimal(polyhedron, axes)
    assert np.abs(found.points - np.sign(axes)).max() <= 1e-13
    # A little off the axis, the corner is still nearest, and so are its edges and faces.
    assert_optimal(polyhedron, axes + 0.1 * np.random.default_rng(n).normal(size=axes.shape))
    assert_optimal(polyhedron, np.ones((1, n)))


def test_duplicate_redundant_and_zero_rows():
    A, b = box(-np.ones(3), np.ones(3))
    plain = Polyhedron(A, b)
    rows = np.vstack([A, 3.0 * A, A, np.zeros((2, 3)), np.ones((1, 3))])
    crowded = Polyhedron(rows, np.concatenate([b, 3.0 * b, 2.0 * b, [0.0, 1.0], [3.0]]))
    points = 3.0 * np.random.default_rng(1).normal(size=(50, 3))
    points[:5] = 2.0
    found = assert_optimal(crowded, points)
    assert np.abs(found.points - assert_optimal(plain, points).points).max() <= 1e-13


def test_points_inside_stay_where_they_are():
    generator = np.random.default_rng(2)
    for n_features in (1, 3, 10):
        A, b = bounded(generator, n_features, 3 * n_features)
        center = Polyhedron(A, b).chebyshev_center()
        steps = unit_rows(generator, 20, n_features) * generator.uniform(0, 0.999, size=(20, 1))
        inside = center.center + center.radius * steps
        found = checked(Polyhedron(A, b), inside)
        assert np.array_equal(found.points, inside)
        assert (found.distances == 0.0).all()
        assert (found.gaps == 0.0).all()
        assert found.duals.nnz == 0


@pytest.mark.parametrize("family", ["bounded", "spans", "integers", "moved"])
def test_projection_is_idempotent(family):
    generator = np.random.default_rng(3)
    for n_features in (2, 4, 9):
        polyhedron = Polyhedron(*FAMILIES[family](generator, n_features, 3 * n_features))
        if polyhedron.is_empty():
            continue
        points = 10.0 * generator.normal(size=(20, n_features))
        once = assert_optimal(polyhedron, points).points
        again = checked(polyhedron, once)
        size = 1.0 + np.abs(points).max() + np.abs(once).max()
        assert (again.distances <= 1e-12 * size).all()
        assert np.abs(again.points - once).max() <= 1e-12 * size
        assert polyhedron.contains(once).all()


@pytest.mark.parametrize("factor", [1e3, 1e8, 1e14])
def test_far_points(factor):
    generator = np.random.default_rng(4)
    polyhedron = Polyhedron(*bounded(generator, 4, 12))
    directions = unit_rows(generator, 30, 4)
    found = checked(polyhedron, factor * directions)
    # From far away the nearest point is where the direction's support is attained.
    values = polyhedron.support(directions).values
    reached = (directions * found.points).sum(axis=1)
    assert np.allclose(reached, values, atol=10.0 / factor + 1e-15 * factor)


@pytest.mark.parametrize("height", [1e-3, 1e-7, 1e-11])
def test_points_just_beyond_a_face(height):
    generator = np.random.default_rng(5)
    A, b = bounded(generator, 5, 10)
    polyhedron = Polyhedron(A, b)
    row = int(polyhedron.irredundant().indices[-1])
    normal = A[row] / np.linalg.norm(A[row])
    facet = Polyhedron(A, b, (A[[row]], b[[row]])).chebyshev_center().center
    found = checked(polyhedron, (facet + height * normal)[None])
    assert found.distances[0] == pytest.approx(height, abs=1e-13)


@pytest.mark.parametrize("scale", [1e-150, 1e-40, 1e40, 1e150])
def test_any_scale(scale):
    generator = np.random.default_rng(6)
    points = 2.0 * generator.normal(size=(10, 4))
    for _ in range(10):
        A, b = tight(generator, 4, 10)
        plain = checked(Polyhedron(A, b), points)
        for rows, bounds, queries, factor in (
            (A, b * scale, points * scale, scale),
            (A * scale, b * scale, points, 1.0),
        ):
            found = checked(Polyhedron(rows, bounds), queries)
            assert np.array_equal(found.status, plain.status)
            assert np.allclose(found.distances / factor, plain.distances, rtol=1e-10, atol=1e-14)


def test_badly_scaled_rows():
    generator = np.random.default_rng(7)
    points = 2.0 * generator.normal(size=(10, 4))
    for _ in range(20):
        A, b = tight(generator, 4, 10)
        factors = 10.0 ** generator.uniform(-100, 100, size=10)
        plain = checked(Polyhedron(A, b), points)
        found = checked(Polyhedron(A * factors[:, None], b * factors), points)
        assert np.array_equal(found.status, plain.status)
        assert np.allclose(found.distances, plain.distances, rtol=1e-10, atol=1e-13)


@pytest.mark.parametrize("angle", [1e-2, 1e-5, 1e-8])
def test_sharp_wedges(angle):
    A = np.array([[np.sin(angle), np.cos(angle)], [np.sin(angle), -np.cos(angle)]])
    points = np.array([[1.0, 0.0], [2.0, 3.0], [1.0, -1e-3], [-1.0, 0.5]])
    polyhedron = Polyhedron(A, [0.0, 0.0])
    found = checked(polyhedron, points)
    for point, distance in zip(points, found.distances, strict=True):
        along = np.array([-np.cos(angle), np.sin(angle) * np.sign(point[1] or 1.0)])
        height = abs(along[0] * point[1] - along[1] * point[0])
        expected = height if along @ point > 0 else np.linalg.norm(point)
        assert distance == pytest.approx(expected, rel=1e-8)


EMPTY = {
    "a slab": (*box([0.0, 1.0], [1.0, 0.0]), None),
    "by 1e-7": ([[0.6, 0.8], [-0.6, -0.8], [1, 0], [-1, 0]], [0.0, -1e-7, 1.0, 1.0], None),
    "a triangle by 1e-7": ([[-1, 0], [0, -1], [1, 1]], [0.0, 0.0, -1e-7], None),
    "a zero row": ([[1, 0], [0, 0]], [1.0, -1e-3], None),
    "equalities against a row": ([[1, 1]], [0.0], ([[1, 1]], [1.0])),
    "equalities against each other": ([[1, 0]], [0.0], ([[1, 1], [2, 2]], [1.0, 2.1])),
}


@pytest.mark.parametrize("name", EMPTY)
def test_empty_polyhedra(name):
    polyhedron = Polyhedron(*EMPTY[name])
    points = np.vstack([np.zeros(2), np.ones(2), np.random.default_rng(8).normal(size=(8, 2))])
    found = checked(polyhedron, points)
    assert (found.status == Status.EMPTY).all()
    assert (found.distances == np.inf).all()
    assert np.isnan(found.points).all()
    assert polyhedron.is_empty()


def test_a_single_point_where_rows_meet_is_not_empty():
    rows = [[-1, -1], [-1, -1], [1, 2], [0, 1], [-1, 0], [2, 1], [-1, 0], [-1, -2]]
    point = Polyhedron(rows, [2.0, 0.0, 0.0, 3.0, 4.0, 0.0, 3.0, 1.0])
    found = assert_optimal(point, np.array([[3.0, 4.0], [-1.0, 2.0], [0.0, 0.0]]))
    assert np.abs(found.points).max() <= 1e-15
    assert found.distances == pytest.approx([5.0, 5**0.5, 0.0], abs=1e-15)


@pytest.mark.parametrize("n_features", [2, 6, 20])
def test_flat_polyhedra(n_features):
    generator = np.random.default_rng(n_features)
    A, b = bounded(generator, n_features, 2 * n_features)
    center = Polyhedron(A, b).chebyshev_center().center
    normal = unit_rows(generator, 1, n_features)
    points = 2.0 * generator.normal(size=(10, n_features))
    level = normal @ center
    flat = Polyhedron(np.vstack([A, normal, -normal]), np.concatenate([b, level, -level]))
    plane = Polyhedron(A, b, (normal, level))
    found, expected = checked(flat, points), assert_optimal(plane, points)
    assert np.allclose(found.distances, expected.distances, rtol=1e-12)


def test_integer_data():
    generator = np.random.default_rng(9)
    n_empty = 0
    for _ in range(150):
        n = int(generator.integers(1, 6))
        polyhedron = Polyhedron(*integers(generator, n, int(generator.integers(1, 15))))
        points = generator.integers(-4, 5, size=(4, n)).astype(float)
        if polyhedron.is_empty():
            n_empty += 1
            assert (checked(polyhedron, points).status == Status.EMPTY).all()
        else:
            assert_optimal(polyhedron, points)
    assert 10 < n_empty < 140


def test_many_polyhedra_in_one_call():
    generator = np.random.default_rng(10)
    E = generator.normal(size=(1, 3))
    polyhedra = [
        Polyhedron(*bounded(generator, 3, 4)),
        Polyhedron(*simplex(3), (E, E @ np.full(3, 0.2))),
        Polyhedron([[1, 0, 0], [-1, 0, 0]], [0.0, -1.0]),
        Polyhedron(np.zeros((0, 3)), []),
        Polyhedron(*cross_polytope(3)),
    ]
    which = generator.integers(0, 5, size=80)
    points = 2.0 * generator.normal(size=(80, 3))
    found = project_batch(polyhedra, which, points)
    assert found.duals.shape == (80, max(p.n_constraints for p in polyhedra))
    assert found.equality_duals.shape == (80, 1)
    for k, polyhedron in enumerate(polyhedra):
        rows = np.flatnonzero(which == k)
        alone = polyhedron.project(points[rows])
        assert np.array_equal(found.points[rows], alone.points, equal_nan=True)
        assert np.array_equal(found.distances[rows], alone.distances)
        assert np.array_equal(found.status[rows], alone.status)
        mine = found.duals[rows].toarray()
        assert np.array_equal(mine[:, : polyhedron.n_constraints], alone.duals.toarray())
        assert not mine[:, polyhedron.n_constraints :].any()


def test_results_do_not_depend_on_threads_or_on_the_batch():
    generator = np.random.default_rng(11)
    points = 2.0 * generator.normal(size=(300, 6))
    polyhedron = Polyhedron(*bounded(generator, 6, 25))
    single = polyhedron.project(points, n_threads=1)
    for n_threads in (2, 5, None):
        found = polyhedron.project(points, n_threads=n_threads)
        for name in ("points", "distances", "gaps", "status", "equality_duals"):
            assert np.array_equal(getattr(found, name), getattr(single, name)), name
        assert (found.duals != single.duals).nnz == 0
    order = generator.permutation(300)
    assert np.array_equal(polyhedron.project(points[order]).points, single.points[order])


def test_no_points():
    polyhedron = Polyhedron(*bounded(np.random.default_rng(12), 3, 5))
    found = checked(polyhedron, np.empty((0, 3)))
    assert len(found) == 0
    assert found.points.shape == (0, 3)
    assert found.duals.shape == (0, polyhedron.n_constraints)


elements = st.integers(-4, 4).map(float) | st.floats(-10, 10).map(lambda x: round(x, 3))


@st.composite
def problems(draw):
    n_features = draw(st.integers(1, 4))
    n_rows = draw(st.integers(0, 12))
    A = draw(arrays(np.float64, (n_rows, n_features), elements=elements))
    b = draw(arrays(np.float64, n_rows, elements=elements))
    return A, b, draw(arrays(np.float64, (3, n_features), elements=elements))


@settings(max_examples=300, deadline=None)
@given(problems())
def test_every_answer_is_proven_and_the_nearest(problem):
    A, b, points = problem
    polyhedron = Polyhedron(A, b)
    found = checked(polyhedron, points)
    if (found.status == Status.EMPTY).any():
        assert (found.status == Status.EMPTY).all()
        return
    # No other point of the set is nearer: not the projections of the others, nor their middle.
    nearest = np.vstack([found.points, found.points.mean(axis=0)])
    apart = np.linalg.norm(points[:, None] - nearest[None], axis=2)
    assert (apart >= found.distances[:, None] - 1e-9 * (1 + apart)).all()
    # Projections are never farther apart than the points.
    for i, j in ((0, 1), (0, 2), (1, 2)):
        between = np.linalg.norm(found.points[i] - found.points[j])
        size = 1 + np.abs(found.points).max()
        assert between <= np.linalg.norm(points[i] - points[j]) + 1e-9 * size
