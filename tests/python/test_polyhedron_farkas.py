"""Multipliers that prove a polyhedron empty pass, those that do not fail."""

from fractions import Fraction

import numpy as np
import pytest

from hullspace import Status, certificates
from hullspace.polyhedron import ChebyshevCenters
from polytopes import unit_rows


def proves_empty(A, b, duals, equalities=None, equality_duals=()):
    A, b = np.asarray(A, float), np.asarray(b, float)
    answer = ChebyshevCenters(
        np.full((1, A.shape[1]), np.nan),
        np.array([np.nan]),
        np.zeros(1),
        np.array([duals], float),
        [np.array(equality_duals, float)],
        np.zeros((1, A.shape[1])),
        np.array([Status.EMPTY], np.int8),
    )
    return bool(certificates.check(A, b[None], answer, equalities=equalities)[0])


def test_far_away_feasible_points_are_not_overlooked():
    # Rows that lean together by a small angle leave a wedge: there are feasible points.
    for angle in (1e-3, 1e-7, 1e-10, 1e-13, 1e-14):
        A, b = [[1.0, 0.0], [-1.0, angle]], [-1.0, -1.0]
        assert not proves_empty(A, b, (1.0, 1.0))
        # With the wedge cut off, the same multipliers and one more prove it, exactly.
        cut = [*A, [0.0, -1.0]], [*b, 0.5 / angle]
        assert proves_empty(*cut, (1.0, 1.0, angle))
        assert not proves_empty(*cut, (1.0, 1.0, 0.0))


def test_parallel_up_to_rounding_counts_as_parallel():
    row = np.array([0.1, 0.7, 0.3])
    for factor in (1 / 3, 1 / 7, 1e10 / 3):
        A, b = np.array([row, -row * factor]), np.array([0.0, -0.5 * factor])
        assert proves_empty(A, b, (1.0, 1 / factor))
        # A hundred roundings are too many.
        A[1, 1] *= 1 + 100 * 2.0**-52
        assert not proves_empty(A, b, (1.0, 1 / factor))


def exactly_empty_triangle(seed, margin):
    """Three random rows that cut a polyhedron empty by a margin; multipliers rounded."""
    generator = np.random.default_rng(seed)
    A = unit_rows(generator, 3, 2)
    A[2] = -(A[0] * generator.uniform(0.5, 1) + A[1] * generator.uniform(0.5, 1))
    exact = [[Fraction(float(x)) for x in row] for row in A]
    # Multipliers with y2 = 1 solve y0 a0 + y1 a1 = -a2.
    (a, c), (e, f), (p, q) = exact
    det = a * f - c * e
    y = [(-p * f + q * e) / det, (-q * a + p * c) / det, Fraction(1)]
    center = generator.normal(size=2)
    b = A @ center
    value = sum(w * Fraction(float(x)) for w, x in zip(y, b, strict=True))
    b[2] -= float(value) + margin
    value = sum(w * Fraction(float(x)) for w, x in zip(y, b, strict=True))
    return A, b, np.array([float(w) for w in y]), value


@pytest.mark.parametrize("margin", [1e-7, 1e-12, 1e-15])
def test_thin_margins_are_decided_exactly(margin):
    decided = set()
    for seed in range(40):
        for sign in (1.0, -1.0):
            A, b, y, value = exactly_empty_triangle(seed, sign * margin)
            assert proves_empty(A, b, y) == (value < 0)
            decided.add(value < 0)
    assert decided == {True, False}


def test_multipliers_are_repaired_only_where_exact_ones_exist():
    # Thin margins far away from the origin, where rounding exceeds them.
    A = np.array([[1.0, 0.0], [-3.0, 1.0], [0.0, -1.0]])
    center = np.array([2.0**40, 2.0**41])
    b = A @ center
    y = np.array([3.0, 1.0, 1.0])
    for change, expected in ((-1e-3, True), (0.0, False), (1e-3, False)):
        b2 = b + np.array([0.0, change, 0.0])
        for noise in (0.0, 2.0**-52, -(2.0**-52)):
            assert proves_empty(A, b2, y * (1 + np.array([noise, 0.0, 0.0]))) == expected
    # Multipliers that are off by more are no proof, though there is one on these rows.
    assert not proves_empty(A, b - np.array([0.0, 1e-3, 0.0]), y * (1 + 1e-6 * np.eye(3)[0]))
    assert not proves_empty(A[:2], b[:2] - 1.0, (3.0, 1.0))


def test_equalities_prove_emptiness():
    E, d = np.array([[1.0, 2.0], [2.0, 4.0]]), np.array([1.0, 3.0])
    none = np.zeros((0, 2)), np.zeros(0)
    assert proves_empty(*none, (), (E, d), (2.0, -1.0))
    assert not proves_empty(*none, (), (E, d), (-2.0, 1.0))
    assert not proves_empty(*none, (), (E, [1.0, 2.0]), (2.0, -1.0))
    assert not proves_empty([[1.0, 2.0]], [0.0], (0.0,), (E[:1], d[:1]), (-1.0,))
    assert proves_empty([[1.0, 2.0]], [0.0], (1.0,), (E[:1], d[:1]), (-1.0,))


@pytest.mark.parametrize("scale", [1e-150, 1.0, 1e150])
def test_emptiness_in_any_units(scale):
    A, b, y, _ = exactly_empty_triangle(0, 1e-7)
    assert proves_empty(A, b * scale, y)
    assert proves_empty(A * scale, b, y)
    assert proves_empty(A, b, y * scale)
    factors = np.array([scale, 1.0, 1 / scale])
    assert proves_empty(A * factors[:, None], b * factors, y / factors)
    A, b, y, _ = exactly_empty_triangle(0, -1e-7)
    assert not proves_empty(A * factors[:, None], b * factors, y / factors)


def test_zero_rows_prove_emptiness_by_themselves():
    A = np.vstack([np.eye(2), np.zeros((2, 2))])
    for bound in (-1.0, -1e-300, -1e300):
        assert proves_empty(A, [1.0, 1.0, 0.0, bound], (0.0, 0.0, 0.0, 1.0))
    assert not proves_empty(A, [1.0, 1.0, 0.0, -1.0], (0.0, 0.0, 1.0, 0.0))
    assert not proves_empty(A, [1.0, 1.0, 0.0, -1.0], (1e-3, 0.0, 0.0, 1.0))
