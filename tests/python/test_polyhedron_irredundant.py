"""Rows that matter against one linear program each, and their witnesses."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from hullspace import Polyhedron, certificates
from polytopes import (
    FAMILIES,
    bounded,
    box,
    cross_polytope,
    highs_support,
    simplex,
    unit_rows,
)

CUBE = Polyhedron(*box(-np.ones(3), np.ones(3)))
EMPTY = Polyhedron([[1.0, 0.0], [-1.0, 0.0]], [0.0, -1.0])
ORTHANT = Polyhedron(-np.eye(2), np.zeros(2))
FLAT = Polyhedron(*box([0.0, 1.0], [2.0, 1.0]))


def redundant_rows(A, b):
    """Rows that the others imply, one linear program each."""
    found = []
    for i, row in enumerate(A):
        others = np.delete(A, i, axis=0), np.delete(b, i)
        relaxed = np.vstack([others[0], row]), np.append(others[1], b[i] + 1.0)
        found.append(highs_support(row, *relaxed)[1] <= b[i] + 1e-9)
    return np.array(found)


@pytest.mark.parametrize("family", ["bounded", "spans", "moved"])
@pytest.mark.parametrize(("n_features", "n_rows"), [(1, 4), (2, 12), (4, 20), (7, 25)])
def test_irredundant_rows_against_brute_force(family, n_features, n_rows):
    generator = np.random.default_rng([0, n_features])
    for _ in range(5):
        A, b = FAMILIES[family](generator, n_features, n_rows)
        polyhedron = Polyhedron(A, b)
        found = polyhedron.irredundant()
        assert certificates.check(polyhedron, None, found).all()
        assert np.array_equal(found.indices, np.flatnonzero(~redundant_rows(A, b)))
        assert (np.einsum("ij,ij->i", A[found.indices], found.witnesses) > b[found.indices]).all()


def test_irredundant_rows_of_known_bodies():
    for n in (1, 2, 4, 7):
        for A, b in (box(-np.ones(n), np.ones(n)), cross_polytope(n), simplex(n)):
            polyhedron = Polyhedron(A, b)
            found = polyhedron.irredundant()
            assert certificates.check(polyhedron, None, found).all()
            if n > 1 or len(A) == 2:
                assert found.indices.tolist() == list(range(len(A)))


def test_of_equal_rows_the_first_is_kept():
    A = np.vstack([0.1 * CUBE.A[3:], CUBE.A, 2.0 * CUBE.A, np.zeros((1, 3)), np.ones((1, 3))])
    b = np.concatenate([np.full(3, 0.1), CUBE.b, 2.0 * CUBE.b, [0.0], [3.0]])
    polyhedron = Polyhedron(A, b)
    found = polyhedron.irredundant()
    assert found.indices.tolist() == [0, 1, 2, 3, 4, 5]
    assert certificates.check(polyhedron, None, found).all()


def test_rows_that_touch_a_corner_are_redundant():
    # x + y + z <= 3 and many more rows hold the corner (1, 1, 1) and nothing else.
    cuts = np.abs(unit_rows(np.random.default_rng(2), 30, 3))
    polyhedron = Polyhedron(np.vstack([cuts, CUBE.A]), np.append(cuts.sum(axis=1), CUBE.b))
    found = polyhedron.irredundant()
    assert certificates.check(polyhedron, None, found).all()
    assert found.indices.tolist() == list(range(30, 36))


def test_rows_that_touch_the_origin_are_redundant():
    rows = [[-2, -1], [0, -1], [0, -2], [-1, -2], [2, -1], [0, 2], [2, 1], [1, 0], [-1, -1]]
    polyhedron = Polyhedron(rows, [0, 3, 3, 0, 1, 3, 1, 0, 3])
    found = polyhedron.irredundant()
    assert certificates.check(polyhedron, None, found).all()
    assert found.indices.tolist() == [0, 5, 6, 7]
    # Of equal rows the first is kept in cones, too.
    rows = [[1, -1], [-1, 0], [-1, 0], [2, -3], [-2, -1], [3, 3], [2, 2], [-2, -1]]
    cone = Polyhedron(rows, [0, 0, 0, 0, 1, 0, 0, 0])
    found = cone.irredundant()
    assert certificates.check(cone, None, found).all()
    assert not {1, 2} <= set(found.indices.tolist())


@pytest.mark.parametrize("size", [1e-6, 1e-9, 1e-11, 1e-14])
def test_rows_that_nearly_equal_others(size):
    generator = np.random.default_rng(11)
    directions = generator.normal(size=(30, 6))
    sides, bounds = box(-np.ones(6), np.ones(6))
    A, b = np.vstack([sides, unit_rows(generator, 15, 6)]), np.append(bounds, np.full(15, 0.6))
    copies = generator.integers(0, 27, size=27)
    near = np.vstack([A, A[copies] + size * generator.normal(size=(27, 6))])
    polyhedron = Polyhedron(near, np.append(b, b[copies] + size * generator.normal(size=27)))
    found = polyhedron.irredundant()
    assert certificates.check(polyhedron, None, found).all()
    fewer = Polyhedron(polyhedron.A[found.indices], polyhedron.b[found.indices])
    values = polyhedron.support(directions).values
    assert np.allclose(fewer.support(directions).values, values, rtol=1e-9)


def test_irredundant_rows_of_unbounded_flat_and_restricted_sets():
    assert ORTHANT.irredundant().indices.tolist() == [0, 1]
    assert len(Polyhedron(np.zeros((0, 2)), []).irredundant()) == 0
    assert len(Polyhedron(np.zeros((3, 2)), [0.0, 1.0, 2.0]).irredundant()) == 0
    flat = FLAT.irredundant()
    assert certificates.check(FLAT, None, flat).all()
    assert flat.indices.tolist() == [0, 1, 2, 3]
    # Within the plane z = 1/2 the cube's rows across z do not matter.
    slice_ = Polyhedron(CUBE.A, CUBE.b, ([[0.0, 0.0, 1.0]], [0.5]))
    found = slice_.irredundant()
    assert certificates.check(slice_, None, found).all()
    assert found.indices.tolist() == [0, 1, 3, 4]
    with pytest.raises(ValueError, match="empty"):
        EMPTY.irredundant()


def test_irredundant_rows_describe_the_same_set():
    generator = np.random.default_rng(3)
    directions = generator.normal(size=(30, 5))
    for _ in range(10):
        A, b = bounded(generator, 5, 40)
        kept = Polyhedron(A, b).irredundant().indices
        fewer = Polyhedron(A[kept], b[kept])
        assert len(kept) < len(A)
        values = Polyhedron(A, b).support(directions).values
        assert np.allclose(fewer.support(directions).values, values, rtol=1e-12)


elements = st.integers(-4, 4).map(float) | st.floats(-10, 10).map(lambda x: round(x, 3))


@st.composite
def problems(draw):
    n_features = draw(st.integers(1, 4))
    n_rows = draw(st.integers(0, 9))
    A = draw(arrays(np.float64, (n_rows, n_features), elements=elements))
    return A, draw(arrays(np.float64, n_rows, elements=elements))


@settings(max_examples=200, deadline=None)
@given(problems())
def test_irredundant_rows_are_proven_and_enough(problem):
    polyhedron = Polyhedron(*problem)
    if polyhedron.is_empty():
        with pytest.raises(ValueError, match="empty"):
            polyhedron.irredundant()
        return
    found = polyhedron.irredundant()
    assert certificates.check(polyhedron, None, found).all()
    A, b, kept = polyhedron.A, polyhedron.b, found.indices
    fewer = Polyhedron(A[kept], b[kept])
    for row, bound in zip(np.delete(A, kept, axis=0), np.delete(b, kept), strict=True):
        value = fewer.support(row[None]).values[0]
        assert value <= bound + 1e-9 * (np.linalg.norm(row) + abs(bound))
