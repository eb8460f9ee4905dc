"""Certificates of answers about polyhedra: true ones pass, false and corrupted ones fail."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import sparse

from hullspace import Hull, Polyhedron, Status, certificates, chebyshev_centers
from hullspace.polyhedron import (
    ChebyshevCenter,
    Irredundant,
    PolyhedronProjection,
    PolyhedronSupport,
)
from polytopes import bounded, box, tight

# Made by hand, so that the check is tested without a solver: the square of half width 1, whose
# corner (1, 1) is supported by rows 0 and 1; the same with rows 0 and 2 an empty slab; a halfplane.
SQUARE = Polyhedron(*box(-np.ones(2), np.ones(2)))
NOTHING = Polyhedron(SQUARE.A, [-1.0, 1.0, -1.0, 1.0])
HALF = Polyhedron([[1.0, 0.0]], [2.0])
WEDGE = Polyhedron([[1.0, -1.0], [-1.0, -1.0]], [0.0, 0.0])


def center_of(center, radius, duals, status, *, ray=(0.0, 0.0), gap=0.0):
    parts = (np.array(p, float) for p in (center, duals, ray))
    center, duals, ray = parts
    return ChebyshevCenter(center, radius, gap, duals, np.zeros(0), ray, status)


def support_of(value, point, duals, status, *, ray=(0.0, 0.0), gap=0.0):
    return PolyhedronSupport(
        np.array([value]),
        np.array([point], float),
        sparse.csr_array(np.array([duals], float)),
        np.zeros((1, 0)),
        np.array([ray], float),
        np.array([gap]),
        np.array([status], np.int8),
    )


def projection_of(point, distance, duals, status, *, gap=0.0):
    return PolyhedronProjection(
        np.array([point], float),
        np.array([distance]),
        sparse.csr_array(np.array([duals], float)),
        np.zeros((1, 0)),
        np.array([gap]),
        np.array([status], np.int8),
    )


NAN2 = (np.nan, np.nan)
OPTIMAL, EMPTY, UNBOUNDED = Status.OPTIMAL, Status.EMPTY, Status.UNBOUNDED
CENTERS = [
    (SQUARE, ((0, 0), 1.0, (0.5, 0, 0.5, 0), OPTIMAL), True),
    (SQUARE, ((0, 0), 1.0, (0.25, 0.25, 0.25, 0.25), OPTIMAL), True),
    (SQUARE, ((0, 0), 0.9, (0.5, 0, 0.5, 0), OPTIMAL), False),
    (SQUARE, ((0, 0), 1.1, (0.5, 0, 0.5, 0), OPTIMAL), False),
    (SQUARE, ((0.1, 0), 1.0, (0.5, 0, 0.5, 0), OPTIMAL), False),
    (SQUARE, ((0, 0), 1.0, (0.5, 0.5, 0, 0), OPTIMAL), False),
    (SQUARE, ((0, 0), 1.0, (1.5, 0, 1.5, -2.0), OPTIMAL), False),
    (SQUARE, ((0, 0), 1.0, (1.0, 0, 1.0, 0), OPTIMAL), False),
    (SQUARE, ((0, 0), 1.0, (0, 0, 0, 0), OPTIMAL), False),
    (SQUARE, ((0, 0), -1.0, (0.5, 0, 0.5, 0), OPTIMAL), False),
    (SQUARE, ((0, 0), np.inf, (0, 0, 0, 0), UNBOUNDED), False),
    (SQUARE, (NAN2, np.nan, (0.5, 0, 0.5, 0), EMPTY), False),
    (NOTHING, (NAN2, np.nan, (0.5, 0, 0.5, 0), EMPTY), True),
    (NOTHING, (NAN2, np.nan, (5e9, 0, 5e9, 0), EMPTY), True),
    (NOTHING, (NAN2, 0.0, (0.5, 0, 0.5, 0), EMPTY), False),
    (NOTHING, (NAN2, np.nan, (0.5, 0, 0.6, 0), EMPTY), False),
    (NOTHING, (NAN2, np.nan, (0, 0.5, 0, 0.5), EMPTY), False),
    (NOTHING, (NAN2, np.nan, (0, 0, 0, 0), EMPTY), False),
    (NOTHING, ((0, 0), 0.0, (0.5, 0, 0.5, 0), OPTIMAL), False),
]


@pytest.mark.parametrize(("polyhedron", "answer", "expected"), CENTERS)
def test_centers_made_by_hand(polyhedron, answer, expected):
    found = certificates.check(polyhedron, None, center_of(*answer))
    assert found.dtype == bool
    assert found.tolist() == [expected]


@pytest.mark.parametrize(
    ("center", "ray", "expected"),
    [
        ((0, 0), (-1, 0), True),
        ((2, 5), (-1e-5, 1), True),
        ((2, 5), (-1e200, 0), True),
        ((3, 0), (-1, 0), False),
        ((0, 0), (0, 1), False),
        ((0, 0), (-1e-17, 1), False),
        ((0, 0), (1, 0), False),
        ((0, 0), (0, 0), False),
        ((0, 0), (np.nan, 0), False),
        ((0, 0), (-np.inf, 0), False),
        (NAN2, (-1, 0), False),
    ],
)
def test_unbounded_centers_made_by_hand(center, ray, expected):
    answer = center_of(center, np.inf, (0.0,), UNBOUNDED, ray=ray)
    assert certificates.check(HALF, None, answer).tolist() == [expected]
    assert not certificates.check(HALF, None, replace(answer, radius=1.0)).any()


@pytest.mark.parametrize(
    ("value", "point", "duals", "gap", "expected"),
    [
        (3.0, (1, 1), (1, 2, 0, 0), 0.0, True),
        (3.0, (1, 1), (1, 2, 0, 0), 1e-13, True),
        (3.0, (1, 1), (1, 2, 0, 0), 1e-6, False),
        (3.0, (1, 1), (1, 2, 0, 0), -1e-6, False),
        (3.0, (1, 1), (2, 2, 1, 0), 0.0, False),
        (3.0, (1, 1), (1, 2 + 1e-9, 0, 0), 0.0, False),
        (3.0 + 1e-9, (1, 1), (1, 2, 0, 0), 0.0, False),
        (3.0, (1, 1 + 1e-9), (1, 2, 0, 0), 0.0, False),
        (1.0, (1, 0), (1, 2, 0, 0), 2.0, False),
        (3.0, (3, 0), (1, 2, 0, 0), 0.0, False),
        (np.nan, (1, 1), (1, 2, 0, 0), 0.0, False),
        (3.0, NAN2, (1, 2, 0, 0), 0.0, False),
        (3.0, (1, 1), (1, np.nan, 0, 0), 0.0, False),
        (3.0, (1, 1), (1, 2, np.inf, np.inf), 0.0, False),
        (3.0, (1, 1), (1, 2, 0, 0), np.nan, False),
    ],
)
def test_supports_made_by_hand(value, point, duals, gap, expected):
    answer = support_of(value, point, duals, OPTIMAL, gap=gap)
    assert certificates.check(SQUARE, [[1.0, 2.0]], answer).tolist() == [expected]
    for status in (EMPTY, UNBOUNDED, Status.LIMIT, Status.UNDECIDED, 1, 2, -1, 77):
        other = replace(answer, status=np.array([status], np.int8))
        assert not certificates.check(SQUARE, [[1.0, 2.0]], other).any()


@pytest.mark.parametrize(
    ("point", "ray", "expected"),
    [
        ((0, 0), (0, 1), True),
        ((0, 1), (1, 1), True),
        ((0, 1), (1, 2), True),
        ((0, -1), (0, 1), False),
        ((0, 0), (1, 0.5), False),
        ((0, 0), (0, 0), False),
        ((0, 0), (0, -1), False),
    ],
)
def test_unbounded_supports_made_by_hand(point, ray, expected):
    answer = support_of(np.inf, point, (0, 0), UNBOUNDED, ray=ray)
    assert certificates.check(WEDGE, [[0.0, 1.0]], answer).tolist() == [expected]
    assert not certificates.check(WEDGE, [[0.0, -1.0]], answer).any()
    finite = replace(answer, values=np.array([1e300]))
    assert not certificates.check(WEDGE, [[0.0, 1.0]], finite).any()


@pytest.mark.parametrize(
    ("point", "distance", "duals", "gap", "expected"),
    [
        ((1, 1), 5.0, (3, 4, 0, 0), 0.0, True),
        ((1, 1), 5.0, (3, 4, 0, 0), 1e-12, True),
        ((1, 1), 5.0, (3, 4, 0, 0), 1e-5, False),
        ((1, 1), 5.0, (3, 4, 0, 0), -1e-5, False),
        ((1, 1), 5.0, (4, 4, 1, 0), 0.0, False),
        ((1, 1), 5.0 - 1e-8, (3, 4, 0, 0), 0.0, False),
        ((1, 1), 5.0 + 1e-8, (3, 4, 0, 0), 0.0, False),
        ((1, 1), 5.0, (3, 4 + 1e-8, 0, 0), 0.0, False),
        ((1, 1), 5.0, (0, 0, 0, 0), 5.0, False),
        ((1, 0), 34**0.5, (3, 5, 0, 0), 0.0, False),
        ((1 + 1e-8, 1), 5.0, (3, 4, 0, 0), 0.0, False),
        ((4, 5), 0.0, (0, 0, 0, 0), 0.0, False),
        (NAN2, 5.0, (3, 4, 0, 0), 0.0, False),
        ((1, 1), np.nan, (3, 4, 0, 0), 0.0, False),
        ((1, 1), 5.0, (3, 4, np.nan, 0), 0.0, False),
    ],
)
def test_projections_made_by_hand(point, distance, duals, gap, expected):
    answer = projection_of(point, distance, duals, OPTIMAL, gap=gap)
    assert certificates.check(SQUARE, [[4.0, 5.0]], answer).tolist() == [expected]
    for status in (EMPTY, UNBOUNDED, Status.LIMIT, Status.UNDECIDED, 1, -1, 77):
        other = replace(answer, status=np.array([status], np.int8))
        assert not certificates.check(SQUARE, [[4.0, 5.0]], other).any()


def test_a_projection_that_is_not_the_nearest_needs_its_gap():
    # A point on the edge, with multipliers that give its exact distance to row 0 alone.
    answer = projection_of((1, 0.5), (9 + 20.25) ** 0.5, (3, 4.5, 0, 0), OPTIMAL)
    assert not certificates.check(SQUARE, [[4.0, 5.0]], answer).any()
    inside = projection_of((0.5, -0.5), 0.0, (0, 0, 0, 0), OPTIMAL)
    assert certificates.check(SQUARE, [[0.5, -0.5]], inside).all()
    assert not certificates.check(SQUARE, [[0.5, 0.5]], inside).any()


@pytest.mark.parametrize(
    ("indices", "witnesses", "expected"),
    [
        ([0, 1, 2, 3], [(2, 0), (0, 2), (-2, 0), (0, -2)], [True] * 4),
        ([0, 1, 2, 3], [(2, 0), (2, 2), (-2, 0), (0, 0)], [True, False, True, False]),
        ([0, 1, 2, 3], [(1, 0), NAN2, (2, 0), (0, 2)], [False] * 4),
        ([0, 2], [(2, 9), (-2, -9)], [True, True]),
        ([2, 0], [(-2, 0), (2, 0)], [False, False]),
        ([0, 0], [(2, 0), (2, 0)], [False, False]),
        ([0, 4], [(2, 0), (2, 0)], [False, False]),
        ([-1, 0], [(0, -2), (2, 0)], [False, False]),
    ],
)
def test_witnesses_made_by_hand(indices, witnesses, expected):
    answer = Irredundant(np.array(indices), np.array(witnesses, float))
    assert certificates.check(SQUARE, None, answer).tolist() == expected


def test_witnesses_satisfy_the_equalities():
    line = Polyhedron(SQUARE.A, SQUARE.b, ([[0.0, 1.0]], [0.0]))
    for height, expected in ((0.0, True), (1e-6, False)):
        answer = Irredundant(np.array([0, 2]), np.array([[2.0, height], [-2.0, 0.0]]))
        assert certificates.check(line, None, answer).tolist() == [expected, True]


# Corrupted answers of the solver


@pytest.fixture(scope="module")
def centers():
    generator = np.random.default_rng(0)
    A, b = (np.array(p) for p in zip(*(tight(generator, 3, 7) for _ in range(60)), strict=True))
    found = chebyshev_centers(A, b)
    assert set(found.status.tolist()) == {OPTIMAL, EMPTY, UNBOUNDED}
    assert certificates.check(A, b, found).all()
    return A, b, found


def changed(result, name, row, change):
    array = np.array(getattr(result, name))
    array[row] = change(array[row])
    return replace(result, **{name: array})


@pytest.mark.parametrize(
    ("status", "name", "change"),
    [
        (OPTIMAL, "radii", lambda r: r * 1.000001),
        (OPTIMAL, "radii", lambda r: r * 0.999999),
        (OPTIMAL, "radii", lambda _: np.inf),
        (OPTIMAL, "radii", lambda _: np.nan),
        (OPTIMAL, "centers", lambda c: c + 1e-6),
        (OPTIMAL, "centers", lambda c: c * np.nan),
        (OPTIMAL, "duals", lambda y: y * 1.000001),
        (OPTIMAL, "duals", lambda y: -y),
        (OPTIMAL, "duals", lambda y: np.roll(y, 1)),
        (OPTIMAL, "duals", lambda y: y * 0),
        (OPTIMAL, "duals", lambda y: y * np.nan),
        (OPTIMAL, "gaps", lambda _: 1e-3),
        (OPTIMAL, "gaps", lambda _: -1e-3),
        (OPTIMAL, "gaps", lambda _: np.nan),
        (EMPTY, "duals", lambda y: -y),
        (EMPTY, "duals", lambda y: y * 0),
        (EMPTY, "duals", lambda y: np.full_like(y, np.inf)),
        (EMPTY, "duals", lambda y: y + np.eye(len(y))[0] * 1e-3 * y.max()),
        (EMPTY, "radii", lambda _: 0.0),
        (UNBOUNDED, "rays", lambda d: -d),
        (UNBOUNDED, "rays", lambda d: d * 0),
        (UNBOUNDED, "rays", lambda d: d * np.nan),
        (UNBOUNDED, "centers", lambda c: c * np.nan),
        (UNBOUNDED, "radii", lambda _: 1e10),
    ],
)
def test_corrupted_centers_fail(centers, status, name, change):
    A, b, found = centers
    for row in np.flatnonzero(found.status == status)[:5]:
        checked = certificates.check(A, b, changed(found, name, row, change))
        assert not checked[row]
        assert np.delete(checked, row).all()


def test_other_statuses_fail(centers):
    A, b, found = centers
    for status in (-1, 1, 2, Status.UNDECIDED, Status.LIMIT, 77, OPTIMAL, EMPTY, UNBOUNDED):
        other = replace(found, status=np.full(60, status, np.int8))
        checked = certificates.check(A, b, other)
        assert np.array_equal(checked, found.status == status)


def test_other_problems_fail(centers):
    A, b, found = centers
    optimal = found.status == OPTIMAL
    for other in ((A, b + 1e-6), (A, b * 1.000001), (A * [1.0, 1.0, 1.000001], b)):
        assert not certificates.check(*other, found)[optimal].any()
    assert not certificates.check(A, b + 10.0, found)[found.status == EMPTY].any()
    bounds = box(np.full(3, -9.0), np.full(3, 9.0))
    closed = [np.vstack([rows, bounds[0]]) for rows in A], [np.append(v, bounds[1]) for v in b]
    padded = replace(found, duals=[np.append(y, np.zeros(6)) for y in found.duals])
    assert not certificates.check(*closed, padded)[found.status == UNBOUNDED].any()


@pytest.fixture(scope="module")
def projections():
    generator = np.random.default_rng(1)
    A, b = bounded(generator, 4, 9)
    E = generator.normal(size=(1, 4))
    polyhedron = Polyhedron(A, b, (E, E @ Polyhedron(A, b).chebyshev_center().center))
    points = 3.0 * generator.normal(size=(30, 4))
    return polyhedron, points, polyhedron.project(points), polyhedron.support(points)


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("points", lambda p: p + 1e-6),
        ("distances", lambda d: d * 1.000001),
        ("gaps", lambda _: -1e-3),
        ("gaps", lambda _: 1e-3),
        ("equality_duals", lambda y: y + 1e-6),
        ("equality_duals", lambda y: y * np.nan),
        ("values", lambda v: v + 1e-6),
    ],
)
def test_corrupted_batches_fail(projections, name, change):
    polyhedron, points, *results = projections
    for result in results:
        if hasattr(result, name):
            checked = certificates.check(polyhedron, points, changed(result, name, 7, change))
            assert checked.tolist() == [row != 7 for row in range(30)]


@pytest.mark.parametrize("index", [-1, 17, 2**31 - 1, -(2**31)])
def test_multipliers_of_no_row_fail(projections, index):
    polyhedron, points, *results = projections
    assert polyhedron.n_constraints == 17
    for result in results:
        duals = result.duals.copy()
        duals.indices[duals.indptr[7]] = index
        checked = certificates.check(polyhedron, points, replace(result, duals=duals))
        assert checked.tolist() == [row != 7 for row in range(30)]


def test_misuse_is_named(centers, projections):
    A, b, found = centers
    polyhedron, points, projection, support = projections
    with pytest.raises(TypeError, match=r"result must be one of .*Irredundant.*, got str"):
        certificates.check(polyhedron, points, "yes")
    with pytest.raises(TypeError, match="checked against a Polyhedron, got ndarray"):
        certificates.check(A[0], points, projection)
    with pytest.raises(ValueError, match="points must have 4 columns"):
        certificates.check(polyhedron, points[:, :3], projection)
    with pytest.raises(ValueError, match="directions must be finite"):
        certificates.check(polyhedron, points * np.nan, support)
    with pytest.raises(ValueError, match="3 problems"):
        certificates.check(polyhedron, points[:3], projection)
    with pytest.raises(ValueError, match="queries must be None"):
        certificates.check(polyhedron, points, polyhedron.chebyshev_center())
    with pytest.raises(ValueError, match="equalities must be None"):
        certificates.check(polyhedron, points, projection, equalities=(polyhedron.E, polyhedron.d))
    of_a_hull = Hull(points).project(points)
    with pytest.raises(ValueError, match="equalities must be None"):
        certificates.check(points, points, of_a_hull, equalities=([], []))
    with pytest.raises(ValueError, match="b must"):
        certificates.check(A, b[:, :5], found)
    with pytest.raises(ValueError, match="A must be finite"):
        certificates.check(A * np.nan, b, found)
    with pytest.raises(ValueError, match="3 problems"):
        certificates.check(A[:3], b[:3], found)


def test_arrays_of_other_shapes_are_misuse(projections):
    polyhedron, points, projection, support = projections
    for result in (projection, support):
        short = replace(result, duals=result.duals[:, :5])
        with pytest.raises(ValueError, match="duals"):
            certificates.check(polyhedron, points, short)
        fewer = replace(result, equality_duals=np.zeros((30, 0)))
        with pytest.raises(ValueError, match="duals"):
            certificates.check(polyhedron, points, fewer)
        with pytest.raises(ValueError, match="gaps"):
            certificates.check(polyhedron, points, replace(result, gaps=result.gaps[:3]))
