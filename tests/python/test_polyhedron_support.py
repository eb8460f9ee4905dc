"""Linear programs over one polyhedron against HiGHS, exact simplex steps and certificates."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.linalg import null_space

from hullspace import Polyhedron, Status, certificates
from polytopes import (
    FAMILIES,
    assert_close,
    bounded,
    box,
    cross_polytope,
    exact_support,
    highs_support,
    integers,
    simplex,
    tight,
    unit_rows,
)


def checked(polyhedron, directions):
    """Supports of a batch, every one with a certificate that holds."""
    found = polyhedron.support(directions)
    assert certificates.check(polyhedron, directions, found).all()
    return found


def assert_agrees_with_highs(polyhedron, directions):
    found = checked(polyhedron, directions)
    A, b, E, d = polyhedron.A, polyhedron.b, polyhedron.E, polyhedron.d
    equalities = (E, d) if len(E) else (None, None)
    expected = [highs_support(c, A, b, *equalities) for c in directions]
    assert found.status.tolist() == [status for status, _ in expected]
    assert_close(found.values, np.array([value for _, value in expected]))
    return found.status


def some_directions(generator, family, n_features, count):
    if family == "integers":
        return generator.integers(-2, 3, size=(count, n_features)).astype(float)
    return generator.normal(size=(count, n_features))


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize(("n_features", "n_rows"), [(1, 3), (2, 6), (3, 5), (5, 20), (8, 30)])
def test_agrees_with_highs(family, n_features, n_rows):
    generator = np.random.default_rng([0, n_features, n_rows])
    for _ in range(4):
        polyhedron = Polyhedron(*FAMILIES[family](generator, n_features, n_rows))
        directions = some_directions(generator, family, n_features, 6)
        assert_agrees_with_highs(polyhedron, directions)


@pytest.mark.slow
@pytest.mark.parametrize("family", FAMILIES)
def test_agrees_with_highs_on_many(family):
    seen = set()
    for n_features in range(1, 9):
        generator = np.random.default_rng([1, n_features])
        for _ in range(10):
            n_rows = int(generator.integers(n_features, 5 * n_features + 4))
            polyhedron = Polyhedron(*FAMILIES[family](generator, n_features, n_rows))
            directions = some_directions(generator, family, n_features, 10)
            seen |= set(assert_agrees_with_highs(polyhedron, directions).tolist())
    expected = {"tight": 3, "integers": 3, "spans": 2}
    assert len(seen) == expected.get(family, 1)


@pytest.mark.parametrize("n", [1, 2, 4, 8])
def test_known_supports(n):
    directions = np.vstack(
        [np.random.default_rng(n).normal(size=(20, n)), np.eye(n), np.ones((1, n))]
    )
    for (A, b), values in (
        (box(-np.ones(n), np.ones(n)), np.abs(directions).sum(axis=1)),
        (box(np.zeros(n), np.full(n, 3.0)), 3.0 * np.maximum(directions, 0).sum(axis=1)),
        (cross_polytope(n), np.abs(directions).max(axis=1)),
        (simplex(n), np.maximum(directions.max(axis=1), 0.0)),
    ):
        found = checked(Polyhedron(A, b), directions)
        assert (found.status == Status.OPTIMAL).all()
        assert np.allclose(found.values, values, rtol=1e-13, atol=1e-13)
        assert (found.points @ A.T <= b + 1e-13).all()


@pytest.mark.parametrize("n", [3, 5, 8])
def test_corners_where_many_rows_meet(n):
    # A cross-polytope's corners lie on 2**(n - 1) rows; the pyramid over a cube ends in one.
    axes = np.vstack([np.eye(n), -np.eye(n)])
    found = checked(Polyhedron(*cross_polytope(n)), axes)
    assert np.abs(found.points - axes).max() <= 1e-13
    sides, bounds = box(-np.ones(n - 1), np.ones(n - 1))
    A = np.vstack([np.column_stack([sides, bounds]), np.append(np.zeros(n - 1), -1.0)])
    tip = checked(Polyhedron(A, np.append(bounds, 0.0)), np.eye(n)[-1:])
    assert tip.points[0] == pytest.approx(np.eye(n)[-1], abs=1e-13)


@pytest.mark.parametrize("seed", range(4))
def test_integer_data_against_exact_arithmetic(seed):
    generator = np.random.default_rng(seed)
    seen = set()
    for _ in range(60):
        n = int(generator.integers(1, 5))
        A, b = integers(generator, n, int(generator.integers(1, 11)))
        directions = some_directions(generator, "integers", n, 2)
        found = checked(Polyhedron(A, b), directions)
        for c, value, status in zip(directions, found.values, found.status, strict=True):
            exact = exact_support(c, A, b)
            seen.add(int(status))
            if exact is None:
                assert status == Status.EMPTY
                assert value == -np.inf
            elif exact == np.inf:
                assert status == Status.UNBOUNDED
                assert value == np.inf
            else:
                assert status == Status.OPTIMAL
                assert abs(value - float(exact)) <= 1e-13 * max(1, abs(float(exact)))
    assert seen == {Status.OPTIMAL, Status.EMPTY, Status.UNBOUNDED}


def test_heavy_degeneracy():
    # Transport polytopes and cubes cut through corners: many optimal bases for one corner.
    generator = np.random.default_rng(0)
    for _ in range(20):
        n = int(generator.integers(2, 7))
        A, b = box(np.zeros(n), np.ones(n))
        cuts = generator.integers(-1, 2, size=(30, n)).astype(float)
        corners = generator.integers(0, 2, size=(30, n))
        rows, bounds = np.vstack([A, cuts]), np.append(b, (cuts * corners).sum(axis=1))
        assert_agrees_with_highs(Polyhedron(rows, bounds), cuts[:5] + np.eye(n)[0])


@pytest.mark.parametrize("size", [2, 3, 4, 5])
def test_assignment_problems(size):
    # Doubly stochastic matrices: every corner is a permutation with size**2 - 2 size + 2 ties.
    n = size**2
    E = np.vstack([np.kron(np.eye(size), np.ones(size)), np.kron(np.ones(size), np.eye(size))])
    polyhedron = Polyhedron(-np.eye(n), np.zeros(n), (E, np.ones(2 * size)))
    directions = np.random.default_rng(size).integers(0, 4, size=(10, n)).astype(float)
    assert_agrees_with_highs(polyhedron, directions)
    found = polyhedron.support(directions)
    assert np.abs(found.values - np.round(found.values)).max() <= 1e-12


def test_equalities():
    generator = np.random.default_rng(5)
    seen = set()
    for _ in range(40):
        A, b = FAMILIES["tight"](generator, 5, 8)
        E = generator.normal(size=(2, 5))
        polyhedron = Polyhedron(A, b, (E, 0.3 * E @ generator.normal(size=5)))
        seen |= set(assert_agrees_with_highs(polyhedron, generator.normal(size=(4, 5))).tolist())
    assert {Status.OPTIMAL, Status.EMPTY} <= seen


def test_equalities_that_leave_a_point_or_nothing():
    A, b = box(-np.ones(2), np.ones(2))
    directions = np.array([[1.0, 2.0], [-3.0, 0.0]])
    inside = checked(Polyhedron(A, b, (np.eye(2), [0.25, -0.5])), directions)
    assert np.allclose(inside.values, [-0.75, -0.75], rtol=1e-14)
    outside = checked(Polyhedron(A, b, (np.eye(2), [0.25, -1.5])), directions)
    assert (outside.status == Status.EMPTY).all()
    E = np.vstack([np.eye(2), np.ones(2)])
    none = checked(Polyhedron(A, b, (E, [0.0, 0.0, 0.1])), directions)
    assert (none.status == Status.EMPTY).all()
    assert (none.values == -np.inf).all()


def test_directions_that_are_constant_on_the_equalities():
    E = np.array([[-2.0, 1.0, -2.0, 0.0], [1.0, 2.0, 1.0, 1.0], [1.0, -1.0, 0.0, -1.0]])
    d = np.array([0.3, -1.3, 0.8])
    line = Polyhedron(np.zeros((0, 4)), [], (E, d))
    weights = np.random.default_rng(12).integers(-2, 3, size=(20, 3)).astype(float)
    found = checked(line, weights @ E)
    assert (found.status == Status.OPTIMAL).all()
    assert found.values == pytest.approx(weights @ d, abs=1e-14)


def test_a_large_point_leaves_nothing_behind_in_the_next():
    # The first direction leads to a point with coordinates of 1e5, the second from there to 8.
    A = [[0, -1000, 1000, -2000], [-0.1, 0, 0.2, -0.1], [-1000, 2000, 1000, 0],
         [0, -0.001, 0.002, -0.002], [200, 200, 200, -100]]  # fmt: skip
    polyhedron = Polyhedron(A, [0.0, -1.0, 2.0, 3.0, -1.0])
    checked(polyhedron, [[1.0, -2, 2, 2], [-1, -1, -2, -1], [2, -2, -1, -1]])


def test_unbounded_directions_come_with_a_ray():
    polyhedron = Polyhedron([[1.0, -1.0], [-1.0, -1.0]], [0.0, 0.0])  # |x| <= y
    found = checked(polyhedron, [[0.0, 1.0], [0.0, -1.0], [1.0, -1.0], [1.0, -0.9]])
    status = [Status.UNBOUNDED, Status.OPTIMAL, Status.OPTIMAL, Status.UNBOUNDED]
    assert found.status.tolist() == status
    assert found.values.tolist() == [np.inf, 0.0, 0.0, np.inf]
    assert (polyhedron.A @ found.rays[[0, 3]].T <= 1e-14).all()
    assert not found.rays[1:3].any()


def test_the_zero_direction():
    for A, b in (box(-np.ones(3), np.ones(3)), (-np.eye(3), np.zeros(3)), (np.zeros((0, 3)), [])):
        found = checked(Polyhedron(A, b), np.zeros((1, 3)))
        assert found.status.tolist() == [Status.OPTIMAL]
        assert found.values.tolist() == [0.0]


def test_no_constraints():
    found = checked(Polyhedron(np.zeros((0, 2)), []), [[1.0, 0.0], [0.0, -2.0]])
    assert (found.status == Status.UNBOUNDED).all()
    assert found.duals.shape == (2, 0)


@pytest.mark.parametrize("n_features", [2, 6, 20])
def test_lineality(n_features):
    generator = np.random.default_rng(n_features)
    rows = null_space(generator.normal(size=(n_features - 1, n_features))).T
    line = Polyhedron(np.vstack([rows, -rows]), [2.0, 1.0])
    found = checked(line, np.vstack([rows, -3.0 * rows, generator.normal(size=(3, n_features))]))
    assert found.status.tolist() == [Status.OPTIMAL] * 2 + [Status.UNBOUNDED] * 3
    assert found.values[:2] == pytest.approx([2.0, 3.0], rel=1e-13)


@pytest.mark.parametrize("scale", [1e-150, 1e-30, 1e30, 1e150])
def test_any_scale(scale):
    generator = np.random.default_rng(6)
    directions = generator.normal(size=(10, 4))
    for _ in range(10):
        A, b = tight(generator, 4, 10)
        plain = checked(Polyhedron(A, b), directions)
        for A2, b2, c2, factor in (
            (A, b * scale, directions, scale),
            (A * scale, b * scale, directions, 1.0),
            (A * scale, b, directions, 1 / scale),
            (A, b, directions * scale, scale),
        ):
            found = checked(Polyhedron(A2, b2), c2)
            assert np.array_equal(found.status, plain.status)
            assert np.allclose(found.values / factor, plain.values, rtol=1e-11)


def test_badly_scaled_rows():
    generator = np.random.default_rng(7)
    directions = generator.normal(size=(10, 4))
    for _ in range(20):
        A, b = tight(generator, 4, 10)
        factors = 10.0 ** generator.uniform(-100, 100, size=10)
        plain = checked(Polyhedron(A, b), directions)
        found = checked(Polyhedron(A * factors[:, None], b * factors), directions)
        assert np.array_equal(found.status, plain.status)
        assert np.allclose(found.values, plain.values, rtol=1e-11)


@pytest.mark.parametrize("size", [1e-6, 1e-9, 1e-12, 1e-15])
def test_rows_that_nearly_equal_others(size):
    generator = np.random.default_rng(13)
    for _ in range(30):
        A, b = bounded(generator, 4, 12)
        near = np.vstack([A, A + size * generator.normal(size=A.shape)])
        polyhedron = Polyhedron(near, np.append(b, b + size * generator.normal(size=len(b))))
        directions = generator.normal(size=(5, 4))
        found = checked(polyhedron, directions)
        expected = checked(Polyhedron(A, b), directions)
        assert np.abs(found.values - expected.values).max() <= 1e3 * size + 1e-13


@pytest.mark.parametrize("angle", [1e-3, 1e-6, 1e-9])
def test_nearly_parallel_rows(angle):
    # Two rows that lean together meet far away: at height cos / sin of the angle.
    A = np.array([[np.cos(angle), np.sin(angle)], [-np.cos(angle), np.sin(angle)]])
    found = checked(Polyhedron(A, np.full(2, np.cos(angle))), [[0.0, 1.0], [0.0, -1.0]])
    assert found.status.tolist() == [Status.OPTIMAL, Status.UNBOUNDED]
    assert found.values[0] == pytest.approx(np.cos(angle) / np.sin(angle), rel=1e-6)


def test_sharp_corners_of_large_ratio():
    generator = np.random.default_rng(8)
    for ratio in (1e3, 1e6, 1e9):
        turn, _ = np.linalg.qr(generator.normal(size=(4, 4)))
        A, b = box(-np.ones(4), np.array([1.0, 1.0, 1.0, ratio]))
        found = checked(Polyhedron(A @ turn, b), turn)
        assert np.allclose(found.values, [1.0, 1.0, 1.0, ratio], rtol=1e-12)


def test_results_do_not_depend_on_threads():
    generator = np.random.default_rng(9)
    directions = generator.normal(size=(300, 6))
    for maker in (bounded, tight):
        polyhedron = Polyhedron(*maker(generator, 6, 25))
        single = polyhedron.support(directions, n_threads=1)
        for n_threads in (2, 5, None):
            found = polyhedron.support(directions, n_threads=n_threads)
            for name in ("values", "points", "rays", "gaps", "status"):
                same = np.array_equal(
                    getattr(found, name), getattr(single, name), equal_nan=name != "status"
                )
                assert same, name
            assert (found.duals != single.duals).nnz == 0


def test_a_batch_agrees_with_single_directions():
    generator = np.random.default_rng(10)
    polyhedron = Polyhedron(*bounded(generator, 5, 30))
    directions = generator.normal(size=(40, 5))
    whole = polyhedron.support(directions)
    alone = [polyhedron.support(direction[None]).values[0] for direction in directions]
    assert np.allclose(whole.values, alone, rtol=1e-13)


def test_no_directions():
    polyhedron = Polyhedron(*bounded(np.random.default_rng(11), 3, 5))
    found = checked(polyhedron, np.empty((0, 3)))
    assert len(found) == 0
    assert found.points.shape == (0, 3)
    assert found.duals.shape == (0, polyhedron.n_constraints)


def test_every_kind_of_array():
    A, b = box(-np.ones(2), np.ones(2))
    expected = Polyhedron(A, b).support([[2.0, 1.0]]).values
    for kind in (np.float32, np.float16, np.int8, np.longdouble, ">f8"):
        polyhedron = Polyhedron(A.astype(kind), b.astype(kind))
        found = polyhedron.support(np.array([[2, 1]], kind))
        assert np.array_equal(found.values, expected)
    assert np.array_equal(Polyhedron(A.tolist(), b.tolist()).support([[2, 1]]).values, expected)


@pytest.mark.slow
@pytest.mark.parametrize("n_features", [30, 64])
def test_many_features(n_features):
    generator = np.random.default_rng(n_features)
    polyhedron = Polyhedron(*bounded(generator, n_features, 2 * n_features))
    assert_agrees_with_highs(polyhedron, unit_rows(generator, 5, n_features))


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
def test_every_answer_is_proven_and_exact(problem):
    A, b, directions = problem
    found = checked(Polyhedron(A, b), directions)
    for c, value in zip(directions, found.values, strict=True):
        exact = exact_support(c, A, b)
        expected = -np.inf if exact is None else float(exact)
        assert value == expected or abs(value - expected) <= 1e-8 * max(1.0, abs(expected))
