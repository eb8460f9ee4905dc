"""Cases for pytest-benchmark: ``pytest benchmarks/test_regressions.py --benchmark-autosave``.

Compare with an earlier run by ``--benchmark-compare``. Small enough to run within a minute.
"""

import numpy as np
import pytest

import hullspace
from common import relu_features
from hullspace import certificates
from polyhedron import problems

POINTS = relu_features(10_000, 64)
QUERIES = relu_features(500, 64, seed=1)
LABELS = np.arange(len(POINTS)) % 10


@pytest.fixture(scope="module")
def hull():
    return hullspace.Hull(POINTS)


@pytest.fixture(scope="module")
def cut_boxes():
    return problems(10, 80, 500)


@pytest.fixture(scope="module")
def polyhedron():
    A, b = problems(32, 150, 1)
    return hullspace.Polyhedron(A[0], b[0])


@pytest.fixture(scope="module")
def classes():
    return hullspace.ClassHulls(POINTS, LABELS)


def test_construction(benchmark):
    assert benchmark(hullspace.Hull, POINTS).n_points == len(POINTS)


def test_project(benchmark, hull):
    assert benchmark(hull.project, QUERIES).n_undecided == 0


def test_project_one_query(benchmark, hull):
    assert benchmark(hull.project, QUERIES[:1]).n_undecided == 0


def test_contains(benchmark, hull):
    assert benchmark(hull.contains, QUERIES).n_undecided == 0


def test_gauge(benchmark, hull):
    center = POINTS.mean(axis=0)
    gauge = benchmark(hull.gauge, QUERIES[:100], center=center)
    assert np.array_equal(gauge.values > 1, ~hull.contains(QUERIES[:100]).inside)


def test_vertices(benchmark, hull):
    assert len(benchmark.pedantic(hull.vertices, rounds=2)) > 0


def test_class_hulls(benchmark, classes):
    assert benchmark(classes.project, QUERIES).distances.shape == (len(QUERIES), 10)


def test_class_distances(benchmark, classes):
    assert len(benchmark(classes.hull_distances).pairs) == 45


def test_check(benchmark, hull):
    projection = hull.project(QUERIES)
    assert benchmark(certificates.check, POINTS, QUERIES, projection).all()


def test_prove(benchmark, hull):
    membership = hull.contains(QUERIES)
    proofs = benchmark(certificates.prove, POINTS, QUERIES, membership)
    assert (proofs == hullspace.Proof.PROVEN_OUTSIDE).all()


def test_chebyshev_centers(benchmark, cut_boxes):
    found = benchmark(hullspace.chebyshev_centers, *cut_boxes)
    assert (found.status == hullspace.Status.OPTIMAL).all()


def test_support(benchmark, polyhedron):
    directions = np.random.default_rng(0).normal(size=(200, 32))
    assert np.isfinite(benchmark(polyhedron.support, directions).values).all()


def test_polyhedron_project(benchmark, polyhedron):
    points = 3.0 * np.random.default_rng(0).normal(size=(200, 32))
    assert benchmark(polyhedron.project, points).distances.min() > 0


def test_irredundant(benchmark, polyhedron):
    assert len(benchmark(polyhedron.irredundant)) > 64


def test_check_of_centers(benchmark, cut_boxes):
    found = hullspace.chebyshev_centers(*cut_boxes)
    assert benchmark(certificates.check, *cut_boxes, found).all()
