"""Membership against a linear program, with what it promises about its certificate."""

import numpy as np
import pytest

from hullspace import Hull, Status, certificates
from oracles import DATA_SETS, exact_residual, exact_separation, highs_contains, relu_features

DIMENSIONS = [2, 3, 4, 5, 7, 10, 13, 16, 20]


def mixed_queries(points, generator):
    """Queries of every kind; coordinates are dyadic, so that those on faces are exactly there."""
    n = len(points)
    pairs = generator.integers(n, size=(40, 4))
    interior = generator.dirichlet(np.ones(n), size=30) @ points
    middles = points[pairs[:, :2]].mean(axis=1)
    quads = points[pairs].mean(axis=1)
    nearby = points[pairs[:, 0]] + generator.integers(-8, 9, size=(40, points.shape[1])) / 8
    wide = generator.integers(-96, 97, size=(40, points.shape[1])) / 8
    hull_direction = generator.normal(size=(40, points.shape[1]))
    extreme = points[(hull_direction @ points.T).argmax(axis=1)]
    return np.vstack([interior, middles, quads, nearby, wide, extreme])


@pytest.mark.parametrize("n_features", DIMENSIONS)
def test_membership_agrees_with_the_linear_program(n_features):
    generator = np.random.default_rng(n_features)
    points = generator.integers(-64, 65, size=(12 * n_features, n_features)) / 8
    queries = mixed_queries(points, generator)
    assert len(queries) * len(DIMENSIONS) >= 2000
    hull = Hull(points)
    membership = hull.contains(queries)
    assert membership.n_undecided == 0
    assert certificates.check(points, queries, membership).all()
    expected = [highs_contains(points, query) for query in queries]
    assert None not in expected  # else HiGHS could not tell and the comparison would say little
    assert membership.inside.tolist() == expected
    assert membership.inside[:110].all()
    assert membership.inside[-40:].all()
    assert np.count_nonzero(~membership.inside) > 0


def test_points_on_the_faces_of_a_cube():
    corners = np.array(np.meshgrid(*[[0.0, 1.0]] * 6)).reshape(6, -1).T
    generator = np.random.default_rng(1)
    on_faces = generator.integers(0, 17, size=(200, 6)) / 16
    on_faces[np.arange(200), generator.integers(6, size=200)] = generator.integers(2, size=200)
    hull = Hull(corners)
    assert hull.contains(on_faces).inside.all()
    outward = np.where(on_faces == 0, -1.0, np.where(on_faces == 1, 1.0, 0.0))
    just_outside = on_faces + 1e-6 * outward
    membership = hull.contains(just_outside)
    assert (membership.status == Status.OUTSIDE).all()
    assert certificates.check(corners, just_outside, membership).all()


@pytest.mark.parametrize("name", DATA_SETS)
def test_status_agrees_with_the_distance(name):
    points, queries = DATA_SETS[name]()
    hull = Hull(points)
    middles = 0.5 * (points[:20].astype(float) + np.roll(points, 3, axis=0)[:20])
    queries = np.vstack([queries, points[:20], middles])
    membership = hull.contains(queries)
    distances = hull.project(queries).distances
    assert certificates.check(points, queries, membership).all()
    assert np.array_equal(membership.inside, distances <= membership.certificate.tolerance)
    assert membership.inside[50:].all()


def test_certificate_holds_only_what_applies():
    points, queries = DATA_SETS["gaussian"]()
    queries = np.vstack([queries, points[:10]])
    membership = Hull(points).contains(queries)
    certificate, inside = membership.certificate, membership.inside
    assert 10 <= inside.sum() < 60
    assert (np.diff(certificate.weights.indptr) > 0).tolist() == inside.tolist()
    lengths = np.linalg.norm(certificate.normals, axis=1)
    assert np.allclose(lengths, np.where(inside, 0, 1), rtol=0, atol=1e-14)
    assert np.array_equal(certificate.margins > 0, ~inside)
    assert np.array_equal(np.isnan(certificate.residuals), ~inside)
    distances = Hull(points).project(queries).distances
    assert (certificate.margins <= distances * (1 + 1e-12)).all()


@pytest.mark.parametrize("height", [1e-12, 1e-10, 1e-8, 1e-5])
def test_tolerance_decides_just_off_a_flat_set(height):
    generator = np.random.default_rng(2)
    points = np.hstack([generator.normal(size=(60, 3)), np.zeros((60, 1))])
    queries = generator.dirichlet(np.ones(60), size=20) @ points
    queries[:, 3] = height
    hull = Hull(points)
    for tolerance in (1e-13, 1e-11, 1e-9, 1e-7, 1e-3):
        membership = hull.contains(queries, tolerance=tolerance)
        assert membership.n_undecided == 0
        assert certificates.check(points, queries, membership, tolerance=tolerance).all()
        within = height <= tolerance * hull.scale
        assert (membership.inside == within).all()
        assert membership.certificate.tolerance == pytest.approx(tolerance * hull.scale)


def test_rounding_level_is_left_undecided_or_proven():
    # Combinations of flat points miss the flat by rounding alone; nothing can be wrong here.
    generator = np.random.default_rng(3)
    points = generator.normal(size=(40, 3)) @ generator.normal(size=(3, 9))
    queries = generator.dirichlet(np.ones(40), size=200) @ points
    membership = Hull(points).contains(queries, tolerance=0.0)
    proven = certificates.check(points, queries, membership)
    assert np.array_equal(proven, membership.status != Status.UNDECIDED)
    assert membership.n_undecided + proven.sum() == 200
    assert Hull(points).contains(queries).inside.all()


@pytest.mark.parametrize("scale", [1e-150, 1e-30, 1e30, 1e150])
def test_any_scale(scale):
    points, queries = relu_features(300, 10, 4), relu_features(80, 10, 5)
    queries = np.vstack([queries, points[:20]])
    expected = Hull(points).contains(queries)
    found = Hull(points * scale).contains(queries * scale)
    assert np.array_equal(expected.status, found.status)
    assert certificates.check(points * scale, queries * scale, found).all()


def test_single_points_and_duplicates():
    for points in ([[2.0, 3.0]], [[2.0, 3.0]] * 100, [[0.0, 0.0]]):
        hull = Hull(points)
        query = np.array(points[0])
        membership = hull.contains([query, query + np.array([0, 1e-3]), query - 1e6])
        assert membership.status.tolist() == [Status.INSIDE, Status.OUTSIDE, Status.OUTSIDE]
        assert membership.certificate.margins[1] == pytest.approx(1e-3, rel=1e-2)


def test_far_queries():
    points, queries = DATA_SETS["gaussian"]()
    for factor in (1e6, 1e15, 1e100, 1e300):
        membership = Hull(points).contains(factor * queries)
        assert (membership.status == Status.OUTSIDE).all()
        assert certificates.check(points, factor * queries, membership).all()


def test_threads_and_batches_do_not_matter():
    points = relu_features(2000, 12, 6)
    queries = np.vstack([relu_features(300, 12, 7), points[:20]])
    hull = Hull(points)
    whole = hull.contains(queries, n_threads=1)
    assert 0 < whole.inside.sum() < len(whole)

    def assert_identical(found, rows):
        assert np.array_equal(found.status, whole.status[rows])
        for name in ("normals", "margins", "residuals"):
            expected = getattr(whole.certificate, name)[rows]
            assert np.array_equal(getattr(found.certificate, name), expected, equal_nan=True), name
        weights = whole.certificate.weights[rows]
        for name in ("data", "indices", "indptr"):
            assert np.array_equal(getattr(found.certificate.weights, name), getattr(weights, name))

    for n_threads in (2, 5, None):
        assert_identical(hull.contains(queries, n_threads=n_threads), slice(None))
    for size in (1, 19, 256):
        for first in range(0, 320, size):
            rows = slice(first, min(first + size, 320))
            assert_identical(hull.contains(queries[rows]), rows)


def test_no_queries():
    membership = Hull(np.eye(3)).contains(np.empty((0, 3)))
    assert len(membership) == 0
    assert membership.inside.dtype == bool
    assert membership.n_undecided == 0


@pytest.mark.parametrize("n_features", [2, 6, 14])
def test_proofs_hold_in_exact_arithmetic(n_features):
    generator = np.random.default_rng(100 + n_features)
    points = generator.integers(-64, 65, size=(8 * n_features, n_features)) / 8
    queries = mixed_queries(points, generator)
    hull = Hull(points)
    certificate = hull.contains(queries).certificate
    inside = hull.contains(queries).inside
    assert 20 < inside.sum() < len(queries) - 20
    for row in np.flatnonzero(~inside):
        separation = exact_separation(points, queries[row], certificate.normals[row])
        assert 0 < certificate.margins[row] <= separation
    for row in np.flatnonzero(inside):
        residual = exact_residual(points, queries[row], certificate.weights[[row]])
        assert residual <= certificate.tolerance
        assert abs(residual - certificate.residuals[row]) <= 1e-14 * hull.scale


def simplex_excess(queries):
    """Largest violation of ``x >= 0`` and ``sum(x) <= 16``."""
    return np.maximum(-queries.min(axis=1), queries.sum(axis=1) - 16)


def cross_polytope_excess(queries):
    """Violation of ``sum(abs(x)) <= 16``, which stands for 2**n_features facets."""
    return np.abs(queries).sum(axis=1) - 16


@pytest.mark.parametrize("n_features", [2, 5, 11, 20])
@pytest.mark.parametrize("shape", ["simplex", "cross-polytope"])
def test_boundary_of_a_polytope_with_known_inequalities(shape, n_features):
    cone, excess = (
        (np.zeros((1, n_features)), simplex_excess)
        if shape == "simplex"
        else (-16 * np.eye(n_features), cross_polytope_excess)
    )
    points = np.vstack([16 * np.eye(n_features), cone])
    generator = np.random.default_rng(n_features)
    # Whole numbers that sum to 16 lie exactly on a facet; a few zeros put them on smaller faces.
    on_facet = generator.multinomial(16, generator.dirichlet(np.ones(n_features), 50)).astype(float)
    if shape == "cross-polytope":
        on_facet *= generator.choice([-1, 1], size=on_facet.shape)
    step = 2.0**-20 * np.where(on_facet < 0, -1, 1)
    lowered = on_facet * (1 - 2.0**-20)
    queries = np.vstack([on_facet, on_facet + step, lowered, on_facet - 24 * np.abs(step)])
    hull = Hull(points)
    membership = hull.contains(queries)
    assert certificates.check(points, queries, membership).all()
    assert np.array_equal(membership.inside, excess(queries) <= 0)
    assert membership.inside[:50].all()
    assert not membership.inside[50:100].any()
    assert membership.inside[100:150].all()
    # No query is nearer to the hull than its violation, in the unit of the facet's normal.
    outside = ~membership.inside
    margins, distances = membership.certificate.margins, hull.project(queries).distances
    assert (margins[outside] <= distances[outside] * (1 + 1e-12)).all()
    assert (distances[outside] >= excess(queries[outside]) / n_features**0.5 - 1e-12).all()


def test_undecided_is_rare_and_never_contradicts():
    # Rounding to single precision makes flat sets 1e-8 thick, with queries within the thickness:
    # as hard as it gets. A few queries in a thousand are left open there.
    n_undecided = n_queries = 0
    for seed in range(10):
        generator = np.random.default_rng(seed)
        exact = generator.normal(size=(600, 20)) @ generator.normal(size=(20, 60))
        points = exact.astype(np.float32)
        queries = exact[generator.integers(600, size=(200, 5))].mean(axis=1)
        hull = Hull(points)
        membership, projection = hull.contains(queries), hull.project(queries, tolerance=0.0)
        decided = membership.status != Status.UNDECIDED
        assert np.array_equal(certificates.check(points, queries, membership), decided)
        certificate, outside = membership.certificate, membership.status == Status.OUTSIDE
        nearest = projection.distances - projection.gaps
        assert (nearest[membership.inside] <= certificate.tolerance).all()
        assert (certificate.margins[outside] <= projection.distances[outside] * (1 + 1e-9)).all()
        assert (certificate.margins[~outside] == 0).all()
        n_undecided += membership.n_undecided
        n_queries += len(queries)
    print(f"{n_undecided} of {n_queries} undecided")
    assert n_undecided <= 0.02 * n_queries
