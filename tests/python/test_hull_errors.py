"""Misuse gets an error that names the argument; odd but valid input gets an answer."""

import numpy as np
import pytest
from scipy import sparse

from hullspace import Hull, Polyhedron, certificates

GOOD = np.eye(4)
NAN_ROW = np.where(np.arange(16).reshape(4, 4) == 9, np.nan, 1.0)

BAD_MATRICES = [
    (None, TypeError, "real numbers"),
    ("points", TypeError, "real numbers"),
    (np.array([[object(), 1]]), TypeError, "real numbers.*object"),
    (np.array([["a", "b"]]), TypeError, "real numbers"),
    (np.eye(4) * 1j, TypeError, "real numbers.*complex"),
    (np.array([["2024-01-01"]], dtype="datetime64[D]"), TypeError, "real numbers"),
    (sparse.csr_array(np.eye(4)), TypeError, "real numbers.*object"),
    (np.ones(4), ValueError, r"two-dimensional.*\(4,\).*single row"),
    (3.0, ValueError, "two-dimensional"),
    (np.ones((2, 2, 4)), ValueError, r"two-dimensional.*\(2, 2, 4\)"),
    (NAN_ROW, ValueError, r"finite, got nan at \[2, 1\]"),
    (np.where(np.isnan(NAN_ROW), -np.inf, 1.0), ValueError, r"finite, got -inf at \[2, 1\]"),
    (np.empty((3, 0)), ValueError, "at least one row and one column"),
]


@pytest.mark.parametrize(("value", "error", "message"), BAD_MATRICES)
def test_bad_points(value, error, message):
    with pytest.raises(error, match=f"points must .*{message}"):
        Hull(value)


def test_no_points():
    with pytest.raises(ValueError, match=r"points must have at least one row.*\(0, 4\)"):
        Hull(np.empty((0, 4)))


@pytest.mark.parametrize("method", ["project", "contains"])
@pytest.mark.parametrize(
    ("value", "error", "message"),
    [
        *BAD_MATRICES,
        (np.ones((2, 3)), ValueError, r"4 columns \(n_features\).*\(2, 3\)"),
        (np.empty((0, 3)), ValueError, r"4 columns \(n_features\).*\(0, 3\)"),
    ],
)
def test_bad_queries(method, value, error, message):
    with pytest.raises(error, match=f"queries must .*{message}"):
        getattr(Hull(GOOD), method)(value)


@pytest.mark.parametrize("method", ["project", "contains"])
@pytest.mark.parametrize("value", [0, -1, 1.5, True, "2"])
def test_bad_threads(method, value):
    hull = Hull(GOOD)
    with pytest.raises((TypeError, ValueError), match="n_threads must be a positive integer"):
        getattr(hull, method)(GOOD, n_threads=value)
    with pytest.raises((TypeError, ValueError), match="n_threads must be a positive integer"):
        Hull(GOOD, n_threads=value)


@pytest.mark.parametrize("method", ["project", "contains"])
@pytest.mark.parametrize("value", [-1e-9, 1.0, np.nan, np.inf, "x", None, True])
def test_bad_tolerance(method, value):
    with pytest.raises((TypeError, ValueError), match="tolerance must be"):
        getattr(Hull(GOOD), method)(GOOD, tolerance=value)


@pytest.mark.parametrize("value", [2**31, 10**30])
def test_absurd_threads(value):
    with pytest.raises((TypeError, ValueError), match=r"^n_threads must be"):
        Hull(GOOD).project(GOOD, n_threads=value)


def test_complex_tolerance():
    with pytest.raises(TypeError, match="tolerance must be"):
        Hull(GOOD).project(GOOD, tolerance=np.complex128(1e-6))


def test_numpy_scalars_and_many_threads_are_fine():
    hull = Hull(GOOD, n_threads=np.int64(2))
    assert (hull.project(GOOD, tolerance=np.float32(1e-6), n_threads=5000).distances == 0).all()
    assert hull.contains(GOOD, tolerance=0, n_threads=np.uint8(1)).inside.all()


def test_ragged_input():
    with pytest.raises(ValueError, match="inhomogeneous"):
        Hull([[1.0, 2.0], [3.0]])


@pytest.mark.parametrize("n_features", [1, 2, 5])
@pytest.mark.parametrize("size", [5e-324, 1e-310, 1e-300, 1.0, 1e300, 1.7e308])
def test_extreme_coordinates_get_proven_answers(n_features, size):
    generator = np.random.default_rng(0)
    points = size * generator.uniform(-1, 1, size=(30, n_features))
    inside = points[:5]
    hull = Hull(points)
    membership = hull.contains(inside)
    assert membership.inside.all()
    assert certificates.check(points, inside, membership).all()
    projection = hull.project(inside)
    assert (projection.distances == 0).all()


@pytest.mark.parametrize("query_size", [1e-300, 1.0, 1e150, 1.7e308])
@pytest.mark.parametrize("size", [5e-324, 1e-200, 1.0, 1e200, 1.7e308])
def test_huge_queries_against_tiny_data_and_the_reverse(size, query_size):
    points = size * np.array([[1.0, 1.0], [1.0, 0.5], [0.5, 1.0]])
    queries = query_size * np.array([[-1.0, -1.0], [1.0, -1.0], [-0.75, 0.75]])
    hull = Hull(points)
    membership = hull.contains(queries)
    projection = hull.project(queries)
    assert not membership.inside.any()
    assert certificates.check(points, queries, membership).all()
    assert not np.isnan(projection.distances).any()
    assert (projection.distances > 0).all()
    assert np.isfinite(projection.points).all()


def test_half_precision_overflow_is_not_silent():
    assert np.isfinite(Hull(np.full((2, 2), 60000, np.float16)).scale)
    huge = np.full((2, 2), np.finfo(np.longdouble).max)
    if np.finfo(np.longdouble).max > np.finfo(np.float64).max:
        with (
            pytest.raises(ValueError, match="points must be finite"),
            np.errstate(over="ignore"),
        ):
            Hull(huge)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_memory_of_any_alignment(dtype):
    memory = np.zeros(16 * np.dtype(dtype).itemsize + 1, np.uint8)
    points = memory[1:].view(dtype).reshape(4, 4)
    points[...] = GOOD
    assert not points.flags.aligned
    assert Hull(points).project(points + 1).distances == pytest.approx(
        Hull(GOOD).project(GOOD + 1).distances
    )
    polyhedron = Polyhedron(points, points[0])
    assert polyhedron.project(points).points == pytest.approx(
        Polyhedron(GOOD, GOOD[0]).project(GOOD).points
    )
