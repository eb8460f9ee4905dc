"""Membership, boxes, samples, volumes and corners of polyhedra."""

import pickle
import warnings
from math import factorial

import numpy as np
import pytest
from scipy.spatial import ConvexHull, HalfspaceIntersection

import hullspace
from hullspace import Polyhedron
from polytopes import (
    bounded,
    box,
    cross_polytope,
    highs_support,
    simplex,
)

CUBE = Polyhedron(*box(-np.ones(3), np.ones(3)))
EMPTY = Polyhedron([[1.0, 0.0], [-1.0, 0.0]], [0.0, -1.0])
ORTHANT = Polyhedron(-np.eye(2), np.zeros(2))
FLAT = Polyhedron(*box([0.0, 1.0], [2.0, 1.0]))


def test_contains():
    points = np.array([[0, 0, 0], [1, 1, 1], [1, 1, 1 + 1e-6], [2, 0, 0], [-1, 0.5, -1 - 1e-12]])
    assert CUBE.contains(points).tolist() == [True, True, False, False, True]
    assert CUBE.contains(points, tolerance=0.0).tolist() == [True, True, False, False, False]
    assert CUBE.contains(points, tolerance=1e-5).tolist() == [True, True, True, False, True]
    assert CUBE.contains(np.empty((0, 3))).shape == (0,)


def test_contains_does_not_depend_on_the_length_of_rows():
    points = np.array([[1 + 1e-10, 0, 0], [1 + 1e-8, 0, 0]])
    for factor in (1e-200, 1e-9, 1.0, 1e9, 1e200):
        scaled = Polyhedron(CUBE.A * factor, CUBE.b * factor, ([[0.0, factor, 0.0]], [0.0]))
        assert scaled.contains(points).tolist() == [True, False]
        assert scaled.contains([[0.0, 1e-10, 0.0], [0.0, 1e-8, 0.0]]).tolist() == [True, False]


def test_contains_of_far_and_empty_sets():
    far = Polyhedron(*box(np.full(2, 1e6), np.full(2, 1e6 + 1)))
    assert far.contains([[1e6 - 1e-5, 1e6], [1e6 - 1e-2, 1e6]]).tolist() == [True, False]
    assert not EMPTY.contains(np.random.default_rng(0).normal(size=(50, 2))).any()
    assert Polyhedron(np.zeros((0, 2)), []).contains([[1e300, -1e300]]).all()
    assert not Polyhedron(np.zeros((1, 2)), [-1.0]).contains([[0.0, 0.0]]).any()


def test_bounding_box():
    lower, upper = CUBE.bounding_box()
    assert lower == pytest.approx(-np.ones(3), rel=1e-14)
    assert upper == pytest.approx(np.ones(3), rel=1e-14)
    lower, upper = ORTHANT.bounding_box()
    assert np.abs(lower).max() <= 1e-14
    assert (upper == np.inf).all()
    generator = np.random.default_rng(1)
    for _ in range(10):
        A, b = bounded(generator, 4, 12)
        lower, upper = Polyhedron(A, b).bounding_box()
        axes = np.eye(4)
        assert upper == pytest.approx([highs_support(c, A, b)[1] for c in axes], rel=1e-8)
        assert lower == pytest.approx([-highs_support(-c, A, b)[1] for c in axes], rel=1e-8)
    with pytest.raises(ValueError, match="empty"):
        EMPTY.bounding_box()


def test_intersection():
    E = np.array([[1.0, 1.0, 1.0]])
    both = CUBE.intersect(Polyhedron(*box(np.zeros(3), np.full(3, 2.0)), (E, [1.0])))
    lower, upper = both.bounding_box()
    assert np.allclose(lower, 0.0, atol=1e-14)
    assert np.allclose(upper, 1.0)
    assert both.n_constraints == 12
    assert np.array_equal(both.E, E)
    assert CUBE.intersect(CUBE).chebyshev_center().radius == pytest.approx(1.0)
    assert CUBE.intersect(Polyhedron(np.eye(3)[:1], [-2.0])).is_empty()


def test_pickling_and_repr():
    polyhedron = Polyhedron(CUBE.A, CUBE.b, (np.ones((1, 3)), [0.5]))
    copy = pickle.loads(pickle.dumps(polyhedron))  # noqa: S301 - our own bytes
    for name in "AbEd":
        assert np.array_equal(getattr(copy, name), getattr(polyhedron, name))
    points = np.random.default_rng(4).normal(size=(5, 3))
    assert np.array_equal(copy.project(points).points, polyhedron.project(points).points)
    assert "n_constraints=6" in repr(CUBE)
    assert "n_features=3" in repr(CUBE)
    assert (CUBE.n_constraints, CUBE.n_features) == (6, 3)
    assert all(len(repr(result)) < 200 for result in (CUBE.project(points), CUBE.irredundant()))


@pytest.mark.parametrize("n", [1, 2, 5])
def test_samples_of_a_box(n):
    lower, upper = -np.arange(1.0, n + 1), 10.0 ** np.arange(n)
    found = Polyhedron(*box(lower, upper)).sample(4000, random_state=0)
    assert found.points.shape == (4000, n)
    assert ((found.points >= lower) & (found.points <= upper)).all()
    assert found.r_hat.shape == (n,)
    assert (found.r_hat < 1.05).all()
    unit = (found.points - lower) / (upper - lower)
    assert np.abs(unit.mean(axis=0) - 0.5).max() < 0.04
    assert np.abs(unit.var(axis=0) - 1 / 12).max() < 0.01
    # All quarters of every side get their share.
    shares = [np.histogram(column, 4, (0, 1))[0] / 4000 for column in unit.T]
    assert np.abs(np.array(shares) - 0.25).max() < 0.04


@pytest.mark.parametrize("n", [2, 4, 10])
def test_samples_of_a_simplex(n):
    found = Polyhedron(*simplex(n)).sample(4000, random_state=1)
    assert (found.points >= -1e-12).all()
    assert (found.points.sum(axis=1) <= 1 + 1e-12).all()
    assert (found.r_hat < 1.05).all()
    # The coordinates follow a Dirichlet distribution of n + 1 ones.
    mean, variance = 1 / (n + 1), n / ((n + 1) ** 2 * (n + 2))
    assert np.abs(found.points.mean(axis=0) - mean).max() < 5 * (variance / 1000) ** 0.5
    assert np.allclose(found.points.var(axis=0), variance, rtol=0.25)


def test_samples_of_a_random_polyhedron_against_rejection():
    generator = np.random.default_rng(5)
    polyhedron = Polyhedron(*bounded(generator, 4, 8))
    lower, upper = polyhedron.bounding_box()
    uniform = generator.uniform(lower, upper, size=(200_000, 4))
    expected = uniform[polyhedron.contains(uniform)]
    assert len(expected) > 1000
    found = polyhedron.sample(4000, random_state=6).points
    assert polyhedron.contains(found).all()
    deviation = expected.std(axis=0)
    assert (np.abs(found.mean(axis=0) - expected.mean(axis=0)) < 0.08 * deviation).all()
    assert np.allclose(found.std(axis=0), deviation, rtol=0.08)


def test_samples_within_equalities():
    restricted = Polyhedron(*simplex(3), (np.ones((1, 3)), [0.5]))
    points = restricted.sample(2000, random_state=7).points
    assert np.abs(points.sum(axis=1) - 0.5).max() <= 1e-13
    assert np.abs(points.mean(axis=0) - 1 / 6).max() < 0.015


def test_samples_are_reproducible():
    for state in (0, 1):
        first = CUBE.sample(50, random_state=state).points
        assert np.array_equal(first, CUBE.sample(50, random_state=state).points)
    assert not np.array_equal(first, CUBE.sample(50, random_state=0).points)
    generator = np.random.default_rng(0)
    points = [CUBE.sample(50, random_state=generator).points for _ in range(2)]
    assert not np.array_equal(*points)


def test_chains_that_have_not_mixed_are_reported():
    long = Polyhedron(*box(np.zeros(20), 10.0 ** np.linspace(0, 9, 20)))
    with pytest.warns(UserWarning, match="R-hat"):
        found = long.sample(100, random_state=8, n_chains=4, thin=1)
    assert found.r_hat.max() > 1.05


@pytest.mark.parametrize("polyhedron", [EMPTY, ORTHANT])
def test_nothing_to_sample(polyhedron):
    with pytest.raises(ValueError, match=r"empty|unbounded"):
        polyhedron.sample(10)


BODIES = {
    "box": (lambda n: box(-np.ones(n), np.arange(1.0, n + 1.0)), lambda n: factorial(n + 1)),
    "simplex": (simplex, lambda n: 1 / factorial(n)),
    "cross-polytope": (cross_polytope, lambda n: 2**n / factorial(n)),
}


@pytest.mark.parametrize("name", BODIES)
@pytest.mark.parametrize("n", [1, 2, 3, 5])
def test_volumes_by_qhull(name, n):
    body, volume = BODIES[name]
    found = Polyhedron(*body(n)).volume()
    assert found.method == "qhull"
    assert found.value == pytest.approx(volume(n), rel=1e-12)
    assert found.interval[0] <= found.value <= found.interval[1]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "n"), [("box", 10), ("simplex", 9)])
def test_intervals_of_volumes_hold_the_truth(name, n):
    body, volume = BODIES[name]
    polyhedron, truth = Polyhedron(*body(n)), volume(n)
    found = [polyhedron.volume(n_samples=5000, random_state=seed) for seed in range(20)]
    assert {f.method for f in found} == {"monte-carlo"}
    # At 95 % each, 15 or fewer of 20 have a chance of 1 in 400.
    assert sum(f.interval[0] <= truth <= f.interval[1] for f in found) >= 16
    assert np.mean([f.value for f in found]) == pytest.approx(truth, rel=0.1)
    assert all(0 < f.interval[0] < f.value < f.interval[1] < 2 * f.value for f in found)


def test_a_needle_has_its_volume():
    n = 10
    needle = Polyhedron(*box(np.zeros(n), np.append(np.full(n - 1, 0.01), 1.0)))
    found = needle.volume(n_samples=20_000, random_state=0)
    assert found.value == pytest.approx(0.01 ** (n - 1), rel=0.3)


def test_volumes_within_equalities_and_of_nothing():
    # The triangle x + y + z = 1 of the orthant has sides of sqrt(2).
    triangle = Polyhedron(-np.eye(3), np.zeros(3), (np.ones((1, 3)), [1.0]))
    assert triangle.volume().value == pytest.approx(3**0.5 / 2, rel=1e-12)
    for polyhedron in (EMPTY, ORTHANT):
        with pytest.raises(ValueError, match=r"empty|unbounded"):
            polyhedron.volume()


@pytest.mark.parametrize("n", [1, 2, 3, 5])
def test_corners_of_known_bodies(n):
    corners = np.array(np.meshgrid(*[[-1.0, 1.0]] * n)).reshape(n, -1).T
    for (A, b), expected in (
        (box(-np.ones(n), np.ones(n)), corners),
        (simplex(n), np.vstack([np.zeros(n), np.eye(n)])),
        (cross_polytope(n), np.vstack([np.eye(n), -np.eye(n)])),
    ):
        found = Polyhedron(A, b).vertices()
        assert found.shape == expected.shape
        apart = np.abs(found[:, None] - expected[None]).max(axis=2)
        assert (apart.min(axis=0) <= 1e-12).all()
        assert (apart.min(axis=1) <= 1e-12).all()


def test_corners_against_qhull_and_supports():
    generator = np.random.default_rng(9)
    for n in (2, 3, 4):
        A, b = bounded(generator, n, 3 * n)
        polyhedron = Polyhedron(A, b)
        found = polyhedron.vertices()
        center = polyhedron.chebyshev_center().center
        expected = HalfspaceIntersection(np.column_stack([A, -b]), center).intersections
        apart = np.abs(found[:, None] - expected[None]).max(axis=2)
        assert apart.min(axis=0).max() <= 1e-10
        assert apart.min(axis=1).max() <= 1e-10
        directions = generator.normal(size=(30, n))
        values = polyhedron.support(directions).values
        assert np.allclose((directions @ found.T).max(axis=1), values, rtol=1e-11)
        assert ConvexHull(found).volume == pytest.approx(polyhedron.volume().value, rel=1e-11)


def test_corners_that_do_not_exist():
    high = Polyhedron(*box(-np.ones(12), np.ones(12)))
    for polyhedron in (EMPTY, ORTHANT, FLAT, high):
        with pytest.raises(ValueError, match=r"empty|unbounded|flat|dimensions"):
            polyhedron.vertices()


def test_samples_warn_only_when_they_must():
    generator = np.random.default_rng(10)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for n in (2, 6, 15):
            polyhedron = Polyhedron(*bounded(generator, n, 4 * n))
            assert polyhedron.contains(polyhedron.sample(1000, random_state=0).points).all()


def test_names_at_the_top():
    assert hullspace.Polyhedron is Polyhedron
    assert hullspace.polyhedron.Polyhedron is Polyhedron
    assert hullspace.chebyshev_centers is hullspace.polyhedron.chebyshev_centers
