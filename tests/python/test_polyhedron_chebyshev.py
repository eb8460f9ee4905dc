"""Chebyshev centres against HiGHS, known answers and their own certificates."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.linalg import null_space

from hullspace import Polyhedron, Status, certificates, chebyshev_centers
from polytopes import (
    FAMILIES,
    assert_close,
    bounded,
    box,
    cross_polytope,
    highs_radius,
    simplex,
    unit_rows,
)

EPSILON = np.finfo(float).eps


def checked(A, b, equalities=None):
    """Centres of a batch, every one with a certificate that holds."""
    found = chebyshev_centers(A, b, equalities=equalities)
    assert certificates.check(A, b, found, equalities=equalities).all()
    return found


def one(A, b, equalities=None):
    """The centre of one problem."""
    A, b = np.asarray(A, float), np.asarray(b, float)
    return checked(A, b[None], equalities)[0]


def batch(family, n_features, n_rows, n_problems, seed=0):
    generator = np.random.default_rng([seed, n_features, n_rows])
    problems = [FAMILIES[family](generator, n_features, n_rows) for _ in range(n_problems)]
    return tuple(np.array(part) for part in zip(*problems, strict=True))


def assert_agrees_with_highs(A, b):
    found = checked(A, b)
    expected = [highs_radius(*problem) for problem in zip(A, b, strict=True)]
    assert found.status.tolist() == [status for status, _ in expected]
    radii = np.array([value if np.isfinite(value) else np.inf for _, value in expected])
    full = found.status != Status.EMPTY
    assert np.isnan(found.radii[~full]).all()
    assert_close(found.radii[full], radii[full])
    return found


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize(("n_features", "n_rows"), [(1, 3), (2, 6), (3, 5), (5, 20), (8, 30)])
def test_agrees_with_highs(family, n_features, n_rows):
    found = assert_agrees_with_highs(*batch(family, n_features, n_rows, 25))
    assert len(found) == 25


@pytest.mark.slow
@pytest.mark.parametrize("family", FAMILIES)
def test_agrees_with_highs_on_many(family):
    """Together with the supports' test these are 10,000 problems."""
    seen = set()
    for n_features in range(1, 9):
        for n_rows in (n_features + 1, 2 * n_features + 2, 4 * n_features + 5):
            found = assert_agrees_with_highs(*batch(family, n_features, n_rows, 50, seed=1))
            seen |= set(found.status.tolist())
    expected = {"tight": 3, "integers": 3, "spans": 2}
    assert len(seen) == expected.get(family, 1)


@pytest.mark.slow
def test_agrees_with_highs_in_64_dimensions():
    A, b = batch("bounded", 64, 137, 4)
    assert_agrees_with_highs(A, b)


@pytest.mark.parametrize("n", [1, 2, 3, 6, 10])
def test_known_bodies(n):
    for (A, b), radius in (
        (box(-np.ones(n), np.ones(n)), 1.0),
        (cross_polytope(n), n**-0.5),
        (simplex(n), 1.0 / (n + n**0.5)),
        (box(np.zeros(n), np.arange(1.0, n + 1.0)), 0.5),
    ):
        found = one(A, b)
        assert found.status == Status.OPTIMAL
        assert found.radius == pytest.approx(radius, rel=1e-13)
        assert ((A @ found.center + np.linalg.norm(A, axis=1) * radius) <= b + 1e-13).all()


SQUARE, ONES = box(-np.ones(2), np.ones(2))
LEAN = np.array([0.6, 0.8])
KNOWN = {
    "redundant rows": (np.vstack([SQUARE, 0.1 * SQUARE]), np.append(ONES, 5 * ONES), 1.0),
    "duplicate rows": (np.tile(SQUARE, (20, 1)), np.tile(ONES, 20), 1.0),
    "duplicates of other lengths": (
        np.vstack([SQUARE * s for s in (1, 3, 1e-3)]),
        np.concatenate([ONES * s for s in (1, 3, 1e-3)]),
        1.0,
    ),
    "parallel rows": (np.vstack([SQUARE, SQUARE, SQUARE]), np.r_[ONES, ONES + 1e-9, 2 * ONES], 1.0),
    "a slab": ([[0.0, 2.0], [0.0, -2.0]], [2.0, 4.0], 1.5),
    "a wedge cut off": ([[-1, 1], [-1, -1], [1, 0]], [0.0, 0.0, 1.0], 2**0.5 - 1),
    "flat": (np.vstack([SQUARE, LEAN, -LEAN]), np.append(ONES, [0.5, -0.5]), 0.0),
    "flat, away from zero": (np.vstack([LEAN, -LEAN]), [1e3, -1e3], 0.0),
    "a point": (*box([0.3, -0.7], [0.3, -0.7]), 0.0),
    "a point, many rows": (
        np.vstack([SQUARE, LEAN, -LEAN, [[1, 1], [-1, 1]]]),
        [0, 0, 0, 0, 0, 0, 0, 0],
        0.0,
    ),
    "an orthant": (-np.eye(2), [0.0, 0.0], np.inf),
    "a halfspace": ([[3.0, 4.0]], [-10.0], np.inf),
    "no rows": (np.zeros((0, 2)), [], np.inf),
    "zero rows alone": (np.zeros((3, 2)), [0.0, 1.0, 2.0], np.inf),
    "zero rows": (np.vstack([SQUARE, np.zeros((2, 2))]), np.append(ONES, [0.0, 1.0]), 1.0),
    "an empty slab": ([[1.0, 0.0], [-1.0, 0.0]], [0.0, -1.0], np.nan),
    "empty by 1e-7": (np.vstack([SQUARE, LEAN, -LEAN]), np.append(ONES, [0.0, -1e-7]), np.nan),
    "empty by a triangle": ([[-1, 0], [0, -1], [1, 1]], [0.0, 0.0, -1e-7], np.nan),
    "a zero row that nothing satisfies": (np.vstack([SQUARE, [[0, 0]]]), [1, 1, 1, 1, -1], np.nan),
    "a zero row that fails by 1e-300": (np.zeros((1, 2)), [-1e-300], np.nan),
}


@pytest.mark.parametrize("name", KNOWN)
def test_degenerate_problems(name):
    A, b, radius = KNOWN[name]
    found = one(A, b)
    if np.isnan(radius):
        assert found.status == Status.EMPTY
        assert np.isnan(found.radius)
        assert np.isnan(found.center).all()
        assert not found.ray.any()
    elif np.isinf(radius):
        assert found.status == Status.UNBOUNDED
        assert found.radius == np.inf
        assert (np.asarray(A, float).reshape(-1, 2) @ found.center <= np.asarray(b)).all()
    else:
        assert found.status == Status.OPTIMAL
        assert not found.ray.any()
        if radius == 0.0:
            assert found.radius == 0.0
        assert found.radius == pytest.approx(radius, rel=1e-13)


@pytest.mark.parametrize("margin", [1e-7, 1e-5])
@pytest.mark.parametrize(("n_features", "n_rows"), [(2, 6), (5, 30), (20, 80), (64, 140)])
def test_empty_by_a_small_margin(n_features, n_rows, margin):
    generator = np.random.default_rng(n_features)
    A, b = bounded(generator, n_features, n_rows)
    lengths = np.linalg.norm(A, axis=1)
    shrunken = b - (one(A, b).radius + margin) * lengths
    assert one(A, shrunken).status == Status.EMPTY
    left = one(A, shrunken + 2 * margin * lengths)
    assert left.status == Status.OPTIMAL
    assert left.radius == pytest.approx(margin, abs=1e-13)


@pytest.mark.parametrize("n_features", [2, 5, 12])
def test_flat_in_any_position(n_features):
    generator = np.random.default_rng(n_features)
    for _ in range(20):
        A, b = bounded(generator, n_features, 3 * n_features)
        center = one(A, b).center
        normal = unit_rows(generator, 1, n_features)
        rows = np.vstack([A, normal, -3.0 * normal])
        found = one(rows, np.concatenate([b, normal @ center, -3.0 * normal @ center]))
        assert found.status == Status.OPTIMAL
        assert found.radius <= 1e-14


@pytest.mark.parametrize("size", [1e-6, 1e-9, 1e-12, 1e-15])
def test_rows_that_nearly_equal_others(size):
    A, b = batch("bounded", 4, 12, 60)
    generator = np.random.default_rng(13)
    noise = size * generator.normal(size=A.shape), size * generator.normal(size=b.shape)
    near = np.concatenate([A, A + noise[0]], axis=1), np.concatenate([b, b + noise[1]], axis=1)
    assert np.abs(checked(*near).radii - checked(A, b).radii).max() <= 1e3 * size + 1e-13


@pytest.mark.parametrize("n_features", [3, 6])
def test_lineality(n_features):
    # All rows lie in a plane: the ball may be moved along what is orthogonal to it.
    generator = np.random.default_rng(n_features)
    for rows in (
        np.eye(n_features)[:2],
        null_space(generator.normal(size=(n_features - 2, n_features))).T,
    ):
        for _ in range(10):
            plane, b = bounded(generator, 2, 6)
            found = one(plane @ rows, b)
            assert found.radius == pytest.approx(one(plane, b).radius, rel=1e-12)


@pytest.mark.parametrize("exponent", [-500, -60, 60, 500])
def test_units_of_length_do_not_matter(exponent):
    A, b = batch("tight", 4, 12, 40)
    plain, factor = checked(A, b), 2.0**exponent
    scaled = checked(A, b * factor)
    assert np.array_equal(scaled.status, plain.status)
    assert np.array_equal(scaled.radii, plain.radii * factor, equal_nan=True)


@pytest.mark.parametrize("scale", [1e-150, 1e-40, 1e40, 1e150])
def test_any_scale(scale):
    A, b = batch("tight", 3, 8, 40)
    plain = checked(A, b)
    for rows, bounds, factor in (
        (A, b * scale, scale),
        (A * scale, b * scale, 1.0),
        (A * scale, b, 1 / scale),
    ):
        found = checked(rows, bounds)
        assert np.array_equal(found.status, plain.status)
        assert np.allclose(found.radii / factor, plain.radii, rtol=1e-12, equal_nan=True)


def test_badly_scaled_rows():
    A, b = batch("tight", 4, 12, 60)
    plain = checked(A, b)
    generator = np.random.default_rng(1)
    factors = 10.0 ** generator.uniform(-100, 100, size=b.shape)
    found = checked(A * factors[..., None], b * factors)
    assert np.array_equal(found.status, plain.status)
    assert np.allclose(found.radii, plain.radii, rtol=1e-11, atol=1e-14, equal_nan=True)


@pytest.mark.parametrize("decades", [3, 4])
def test_multipliers_that_do_not_cancel_are_no_proof(decades):
    """Columns of very different sizes wear the method out; it must not call that empty."""
    n_claims = 0
    for seed in range(100):
        generator = np.random.default_rng(seed)
        n = 3 + seed % 6
        sizes = 10.0 ** (decades * generator.normal(size=n))
        A = generator.normal(size=(4 * n, n))
        b = A @ generator.normal(size=n) + np.abs(0.1 * generator.normal(size=4 * n)) + 1e-3
        A *= sizes
        found = chebyshev_centers(A[None], b[None])
        if found.status[0] != Status.EMPTY:
            continue
        n_claims += 1
        lengths = np.linalg.norm(A, axis=1)
        multipliers = found.duals[0] * lengths
        rest = np.linalg.norm(multipliers @ (A / lengths[:, None])) / multipliers.sum()
        # What is left may be some way off, but then so is the nearest point that is feasible.
        value = multipliers @ (b / lengths) / multipliers.sum()
        assert rest <= 1e-14 or 2**19 * rest * np.abs(b / lengths)[multipliers > 0].max() <= -value
    assert n_claims <= 20


def test_rows_far_away_do_not_matter():
    A, b = batch("bounded", 3, 6, 20)
    far = np.concatenate([A, A], axis=1), np.concatenate([b, np.full_like(b, 1e200)], axis=1)
    assert np.allclose(checked(*far).radii, checked(A, b).radii, rtol=1e-13)


@pytest.mark.parametrize("family", ["bounded", "tight", "integers"])
def test_equalities(family):
    generator = np.random.default_rng(3)
    seen = set()
    for _ in range(60):
        A, b = FAMILIES[family](generator, 5, 12)
        E = generator.normal(size=(2, 5))
        d = E @ generator.normal(size=5) * 0.3
        found = one(A, b, (E, d))
        status, radius = highs_radius(A, b, E, d)
        assert found.status == status
        seen.add(status)
        if status != Status.EMPTY:
            assert_close([found.radius], np.array([radius]))
            assert np.abs(E @ found.center - d).max() <= 1e-12 * (1 + np.abs(found.center).max())
    assert Status.OPTIMAL in seen


def test_equalities_that_contradict_each_other():
    A, b = box(-np.ones(3), np.ones(3))
    E = np.array([[1.0, 2.0, 3.0], [2.0, 4.0, 6.0]])
    assert one(A, b, (E, [0.0, 1e-3])).status == Status.EMPTY
    assert one(A, b, (E, [0.5, 1.0])).status == Status.OPTIMAL


def test_equalities_of_each_problem_and_of_all():
    A, b = batch("bounded", 4, 10, 6)
    generator = np.random.default_rng(4)
    E = generator.normal(size=(6, 1, 4))
    d = np.einsum("kij,kj->ki", E, checked(A, b).centers)
    pairs = list(zip(E, d, strict=True))
    found = checked(A, b, pairs)
    for i, pair in enumerate(pairs):
        alone = one(A[i], b[i], pair)
        assert alone.radius == found.radii[i]
        assert len(found.equality_duals[i]) == 1
    shared = checked(A, b, (E[0], E[0] @ A[2, 0]))
    alone = [one(A[i], b[i], (E[0], E[0] @ A[2, 0])).radius for i in range(6)]
    assert np.array_equal(shared.radii, alone, equal_nan=True)


def test_a_ball_within_a_plane_ignores_what_rows_do_across_it():
    # Rows lean against the plane z = 0: in it, they are a square of half width 1.
    A = np.column_stack([SQUARE, [5.0, -7.0, 2.0, 11.0]])
    found = one(A, ONES, ([[0.0, 0.0, 3.0]], [0.0]))
    assert found.radius == pytest.approx(1.0, rel=1e-14)
    assert found.duals @ np.linalg.norm(SQUARE, axis=1) == pytest.approx(1.0)


def test_shared_rows_ragged_lists_and_batches_agree():
    A, b = batch("tight", 4, 14, 30)
    whole = checked(A, b)
    ragged = checked(list(A), list(b))
    assert isinstance(ragged.duals, list)
    shared = checked(A[0], b)
    repeated = checked(np.repeat(A[:1], 30, axis=0), b)
    for found, expected in ((ragged, whole), (shared, repeated)):
        assert np.array_equal(found.status, expected.status)
        assert np.allclose(found.radii, expected.radii, rtol=1e-13, equal_nan=True)
    uneven = checked([A[0], A[1, :9], A[2, :5]], [b[0], b[1, :9], b[2, :5]])
    assert [len(y) for y in uneven.duals] == [14, 9, 5]
    assert uneven.radii[0] == pytest.approx(whole.radii[0], rel=1e-13, nan_ok=True)


def test_results_do_not_depend_on_threads():
    A, b = batch("tight", 5, 20, 300)
    pair = (np.ones((1, 5)), np.zeros(1))
    for arguments in ({}, {"equalities": pair}):
        single = chebyshev_centers(A, b, n_threads=1, **arguments)
        for n_threads in (2, 3, None):
            found = chebyshev_centers(A, b, n_threads=n_threads, **arguments)
            for name in ("centers", "radii", "duals", "gaps", "rays", "status"):
                mine, others = getattr(found, name), getattr(single, name)
                assert np.array_equal(mine, others, equal_nan=name != "status"), name


def test_one_polyhedron():
    A, b = batch("bounded", 4, 9, 1)
    polyhedron = Polyhedron(A[0], b[0])
    found = polyhedron.chebyshev_center()
    assert found.radius == chebyshev_centers(A, b).radii[0]
    assert certificates.check(polyhedron, None, found).tolist() == [True]
    assert not polyhedron.is_empty()
    assert Polyhedron(*KNOWN["an empty slab"][:2]).is_empty()
    assert "OPTIMAL" in repr(found)


def test_no_problems():
    found = chebyshev_centers(np.zeros((0, 5, 3)), np.zeros((0, 5)))
    assert len(found) == 0
    assert found.centers.shape == found.rays.shape == (0, 3)
    assert certificates.check(np.zeros((0, 5, 3)), np.zeros((0, 5)), found).shape == (0,)


elements = st.integers(-4, 4).map(float) | st.floats(-10, 10).map(lambda x: round(x, 3))


@st.composite
def problems(draw):
    n_features = draw(st.integers(1, 4))
    n_rows = draw(st.integers(1, 12))
    A = draw(arrays(np.float64, (n_rows, n_features), elements=elements))
    return A, draw(arrays(np.float64, n_rows, elements=elements))


@settings(max_examples=300, deadline=None)
@given(problems())
def test_every_answer_is_proven(problem):
    A, b = problem
    found = one(A, b)
    assert found.status in {Status.OPTIMAL, Status.EMPTY, Status.UNBOUNDED}


@settings(max_examples=300, deadline=None)
@given(problems())
def test_the_ball_touches_enough_rows_or_could_move(problem):
    """It lies inside and touches ``n_features + 1`` rows, or the optimum is not unique."""
    n_features = problem[0].shape[1]
    sides, bounds = box(np.full(n_features, -20.0), np.full(n_features, 20.0))
    A, b = np.vstack([problem[0], sides]), np.append(problem[1], bounds)
    found = one(A, b)
    if found.status == Status.EMPTY:
        return
    lengths = np.linalg.norm(A, axis=1)
    A, b = A[lengths > 0] / lengths[lengths > 0, None], b[lengths > 0] / lengths[lengths > 0]
    size = 20.0 * n_features + np.abs(b)
    slack = b - A @ found.center - found.radius
    assert (slack >= -1e-12 * size).all()
    near = slack <= 1e-9 * size
    touched = np.column_stack([A, np.ones(len(A))])[near]
    if np.linalg.matrix_rank(touched, tol=1e-6) == n_features + 1:
        assert near.sum() >= n_features + 1
        return
    # The rows that it touches leave a direction in which it moves without shrinking.
    move = null_space(touched, rcond=1e-6)[:, 0]
    assert abs(move[-1]) <= 1e-5
    speeds = np.abs(A[~near] @ move[:-1])
    step = 0.5 * (slack[~near] / np.maximum(speeds, 1e-9)).min(initial=1.0)
    moved = found.center + step * move[:-1]
    assert step > 0
    assert (A @ moved + found.radius <= b + 1e-5 * step + 1e-9 * size).all()
