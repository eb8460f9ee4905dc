"""Membership proven with tolerance zero, against slow exact arithmetic."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from data import real_features
from hullspace import Hull, Proof, Status, certificates
from oracles import exact_contains, exact_plane_distance, one_ulp
from proofs import as_proofs, assert_proven, prove, truth

INSIDE, OUTSIDE = Proof.PROVEN_INSIDE, Proof.PROVEN_OUTSIDE


def on_faces(points, generator, n):
    """Vertices, rounded midpoints of edges and rounded combinations, which may be on faces."""
    n_points, n_features = points.shape
    extreme = points[(generator.normal(size=(n, n_features)) @ points.T).argmax(axis=1)]
    other = points[(generator.normal(size=(n, n_features)) @ points.T).argmax(axis=1)]
    chosen = points[generator.integers(n_points, size=(n, n_features + 1))]
    weights = generator.dirichlet(np.ones(n_features + 1), size=(n, 1))
    few = generator.dirichlet(np.ones(2), size=(n, 1))
    return np.vstack(
        [
            extreme,
            0.5 * extreme + 0.5 * other,
            (few @ np.stack([extreme, other], axis=1))[:, 0],
            (weights @ chosen)[:, 0],
        ]
    )


def nearby(points, generator, n=3):
    """Queries on faces, as they are, and to either side by one unit in the last place."""
    rows = on_faces(points, generator, n)
    moved = [one_ulp(rows, generator, coordinates) for coordinates in ("one", "all")]
    return np.vstack([rows, *moved])


def test_the_oracle_agrees_with_triangles():
    generator = np.random.default_rng(0)
    points = generator.integers(-4, 5, size=(7, 2)) / 4
    queries = np.vstack([generator.integers(-4, 5, size=(60, 2)) / 4, nearby(points, generator)])
    found = [exact_contains(points, query) for query in queries]
    assert found == [exact_plane_distance(points, query) == 0 for query in queries]
    assert 20 < sum(found) < len(found) - 20


# Small sets of any kind


whole = st.integers(-4, 4).map(float)
dyadic = st.builds(lambda m, e: m * 2.0**e, st.integers(-3, 3), st.sampled_from([0, 3, -52, -60]))


@settings(max_examples=200, deadline=None)
@given(
    st.data(), st.sampled_from([whole, dyadic]), st.integers(1, 3), st.integers(1, 9), st.booleans()
)
def test_any_small_set_agrees_with_the_oracle(data, numbers, n_features, n_points, guided):
    points = data.draw(arrays(np.float64, (n_points, n_features), elements=numbers))
    free = data.draw(arrays(np.float64, (3, n_features), elements=numbers))
    pairs = data.draw(arrays(np.intp, (3, 2), elements=st.integers(0, n_points - 1)))
    queries = np.vstack([free, free / 2, points[pairs].mean(axis=1)])
    membership = Hull(points).contains(queries)
    if not guided:
        membership = replace(membership, status=np.full(len(queries), Status.UNDECIDED, np.int8))
    assert np.array_equal(prove(points, queries, membership), truth(points, queries))


def _normal(generator, n_features):
    return generator.normal(size=(2 * n_features + 4, n_features))


def _whole(generator, n_features):
    return generator.integers(-3, 4, size=(3 * n_features + 4, n_features)).astype(float)


def _far_away(generator, n_features):
    return 1e-3 * _normal(generator, n_features) + generator.normal(size=n_features)


def _duplicated(generator, n_features):
    return np.repeat(_normal(generator, n_features)[:-3], 3, axis=0)


def _rounded_flat(generator, n_features):
    basis = generator.normal(size=(max(1, n_features - 1), n_features))
    return generator.normal(size=(12, len(basis))) @ basis + 1.0


def _exactly_flat(generator, n_features):
    basis = generator.integers(-2, 3, size=(max(1, n_features - 1), n_features))
    return (generator.integers(-8, 9, size=(12, len(basis))) @ basis + 1) / 8


def _collinear(generator, n_features):
    return np.outer(generator.integers(-8, 9, size=7), np.arange(1.0, n_features + 1)) / 4


def _few(generator, n_features):
    return generator.normal(size=(max(2, n_features // 2 + 1), n_features))


SETS = [
    _normal,
    _whole,
    _far_away,
    _duplicated,
    _rounded_flat,
    _exactly_flat,
    _collinear,
    _few,
]


@pytest.mark.parametrize("n_features", [1, 2, 3, 6])
@pytest.mark.parametrize("make", SETS)
def test_queries_next_to_faces(make, n_features):
    generator = np.random.default_rng(n_features)
    points = make(generator, n_features)
    proofs = assert_proven(points, nearby(points, generator))
    assert set(proofs) == {INSIDE, OUTSIDE}
    assert (prove(points, points) == INSIDE).all()


@pytest.mark.parametrize("point", [[0.0], [2.0, -3.0], [1e300, -5e-324, 0.1]])
@pytest.mark.parametrize("copies", [1, 50])
def test_a_single_point_holds_itself_alone(point, copies):
    points, query = np.array([point] * copies), np.array([point])
    above, below = np.nextafter(query, np.inf), np.nextafter(query, -np.inf)
    others = np.vstack([above, below, 2 * query + 1])
    assert prove(points, query).tolist() == [INSIDE]
    assert prove(points, others).tolist() == [OUTSIDE] * 3


def test_zeros_of_either_sign_are_equal():
    points = np.array([[0.0, 1.0], [-0.0, -1.0]])
    assert prove(points, np.array([[-0.0, -0.0], [0.0, 0.5]])).tolist() == [INSIDE] * 2


# Scales


@pytest.mark.parametrize("scale", [2.0**1018, 2.0**-1000, 1e300, 1e-300, 5e-324, 7e-322])
def test_any_scale(scale):
    generator = np.random.default_rng(1)
    points = generator.integers(-4, 5, size=(10, 3)) * scale
    queries = np.vstack([nearby(points, generator), generator.integers(-3, 4, (20, 3)) * scale])
    assert set(assert_proven(points, queries)) == {INSIDE, OUTSIDE}


def test_sizes_of_all_orders_in_one_set():
    generator = np.random.default_rng(2)
    verdicts = set()
    for exponents in ((-1070, 1000), (-40, 40), (-600, 600)):
        points = generator.integers(-3, 4, (7, 2)) * 2.0 ** generator.integers(*exponents, (7, 2))
        verdicts |= set(assert_proven(points, nearby(points, generator, 2)))
    assert verdicts == {INSIDE, OUTSIDE}


def test_distances_that_no_sum_could_hold():
    corners = np.array([[0.0, 0.0], [1.0, 2.0], [2.0, 4.0], [3.0, 1.0]])
    on_edge = np.array([[0.5, 1.0], [1.5, 3.0], [0.0, 0.0]])
    assert prove(corners, on_edge).tolist() == [INSIDE] * 3
    for tiny in (2.0**-300, 1e-300, 5e-324):
        queries = np.array([[tiny, tiny], [tiny, 2 * tiny], [tiny, 3 * tiny], [0.0, tiny]])
        assert prove(corners, queries).tolist() == [INSIDE, INSIDE, OUTSIDE, OUTSIDE]


@pytest.mark.parametrize("n_features", [2, 3])
@pytest.mark.parametrize("tiny", [2.0**-300, 2.0**-330, 1e-300, 5e-324])
def test_next_to_nothing_off_a_face(n_features, tiny):
    # A face goes through the origin, where queries may be as close to it as numbers can be.
    generator = np.random.default_rng(14)
    verdicts = []
    for _ in range(12):
        face = generator.integers(-9, 10, size=(n_features - 1, n_features))
        face = np.vstack([face, -face.sum(axis=0) * generator.integers(1, 9)]) / 3
        points = np.vstack([face, generator.integers(-9, 10, size=(2, n_features))])
        queries = generator.integers(-2, 3, size=(6, n_features)) * tiny
        verdicts += assert_proven(points, queries).tolist()
    assert min(verdicts.count(proof) for proof in (INSIDE, OUTSIDE)) >= 12


def test_far_queries():
    generator = np.random.default_rng(3)
    points = generator.normal(size=(100, 5)) * 1e-300
    directions = generator.normal(size=(20, 5))
    for size in (1e-290, 1.0, 1e307):
        assert (prove(points, directions * size) == OUTSIDE).all()


# What arrays may be


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.int8, np.uint8, np.int64, bool])
def test_types_that_double_precision_holds(dtype):
    generator = np.random.default_rng(4)
    points = generator.integers(0, 2 if dtype is bool else 5, size=(9, 3)).astype(dtype)
    queries = np.vstack([points.astype(float), nearby(points.astype(float), generator)])
    assert set(assert_proven(points, queries)) == {INSIDE, OUTSIDE}
    typed = generator.integers(0, 2 if dtype is bool else 5, size=(20, 3)).astype(dtype)
    assert np.array_equal(prove(points, typed), truth(points, typed))
    assert np.array_equal(prove(points.tolist(), typed.tolist()), truth(points, typed))


def test_single_precision_is_taken_as_it_is():
    generator = np.random.default_rng(5)
    points = generator.normal(size=(12, 3)).astype(np.float32)
    queries = nearby(points.astype(float), generator)
    assert set(assert_proven(points, queries)) == {INSIDE, OUTSIDE}
    rounded = queries.astype(np.float32)
    assert not np.array_equal(assert_proven(points, rounded), prove(points, queries))


def test_numbers_are_not_rounded():
    limit = 2**53
    points = np.array([[0], [limit]])
    assert prove(points, [[limit], [-1], [2**60], [-(2**63)]]).tolist() == [INSIDE] + [OUTSIDE] * 3
    membership = Hull(points).contains([[0]])
    named = r"must hold numbers that float64 holds exactly, got"
    with pytest.raises(ValueError, match=f"queries {named} {limit + 1}"):
        certificates.prove(points, [[limit + 1]], membership)
    with pytest.raises(ValueError, match=f"queries {named} {2**64 - 1}"):
        certificates.prove(points, np.array([[2**64 - 1]], np.uint64), membership)
    with pytest.raises(ValueError, match=f"points {named} {-limit - 1}"):
        certificates.prove([[-limit - 1], [0]], [[0]], membership)


@pytest.mark.skipif(
    np.finfo(np.longdouble).nmant == np.finfo(float).nmant, reason="no extended precision here"
)
def test_extended_precision_is_not_rounded():
    points = np.array([[0], [1]], np.longdouble)
    membership = Hull(points).contains([[0]])
    assert prove(points, points).tolist() == [INSIDE] * 2
    with pytest.raises(ValueError, match=r"queries must hold numbers that float64 holds exactly"):
        certificates.prove(points, np.nextafter(points[1:], np.longdouble(2)), membership)


def test_no_queries():
    assert len(prove(np.eye(3), np.empty((0, 3)))) == 0
    assert len(prove(np.ones((4, 2)), np.empty((0, 2)))) == 0


def test_any_layout():
    generator = np.random.default_rng(6)
    points = generator.integers(-4, 5, size=(12, 4)).astype(float)
    queries = nearby(points, generator)
    expected = prove(points, queries)
    wide = np.zeros((2 * len(queries), 7))
    wide[::2, 1:5] = queries
    assert np.array_equal(prove(np.asfortranarray(points), wide[::2, 1:5]), expected)


# Misuse


def test_misuse_is_named():
    points, queries = np.eye(3), np.zeros((2, 3))
    membership = Hull(points).contains(queries)
    for other in ("yes", None, membership.status, Hull(points).project(queries)):
        with pytest.raises(TypeError, match="membership must be a Membership, got"):
            certificates.prove(points, queries, other)
    named = r"membership must have 1 answers and normals of shape \(1, 3\), got 2 and \(2, 3\)"
    with pytest.raises(ValueError, match=named):
        certificates.prove(points, queries[:1], membership)
    with pytest.raises(ValueError, match=r"normals of shape \(2, 2\), got 2 and \(2, 3\)"):
        certificates.prove(points[:, :2], queries[:, :2], membership)
    short = replace(membership, status=membership.status[:1])
    with pytest.raises(ValueError, match="membership must have 2 answers"):
        certificates.prove(points, queries, short)


@pytest.mark.parametrize("name", ["points", "queries"])
@pytest.mark.parametrize(
    ("value", "error", "message"),
    [
        ([["a", "b"]], TypeError, "must hold real numbers"),
        ([[1j, 0]], TypeError, "must hold real numbers"),
        ([[Fraction(1, 3), 0]], TypeError, "must hold real numbers"),
        ([1.0, 2.0], ValueError, "must be two-dimensional"),
        (np.zeros((2, 2, 2)), ValueError, "must be two-dimensional"),
        (np.zeros((3, 0)), ValueError, "must have at least one row and one column"),
        ([[np.nan, 0.0]], ValueError, "must be finite"),
        ([[0.0, -np.inf]], ValueError, "must be finite"),
    ],
)
def test_unfit_arrays_are_named(name, value, error, message):
    arguments = {"points": np.eye(2), "queries": np.zeros((1, 2))}
    membership = Hull(np.eye(2)).contains(np.zeros((1, 2)))
    with pytest.raises(error, match=f"{name} {message}"):
        certificates.prove(**{**arguments, name: value}, membership=membership)


def test_shapes_of_points_and_queries_belong_together():
    membership = Hull(np.eye(2)).contains(np.zeros((1, 2)))
    with pytest.raises(ValueError, match=r"queries must have 2 columns .*got shape \(1, 3\)"):
        certificates.prove(np.eye(2), np.zeros((1, 3)), membership)
    with pytest.raises(ValueError, match="points must have at least one row"):
        certificates.prove(np.empty((0, 2)), np.zeros((1, 2)), membership)


# Real features


def test_real_test_features():
    train, test = real_features()
    queries = test[::33]
    membership = Hull(train).contains(queries)
    assert len(queries) > 300
    assert membership.n_undecided == 0
    assert np.array_equal(prove(train, queries, membership), as_proofs(membership.inside))


def exact_combinations(points, generator, n, smallest=3, largest=200):
    """Convex combinations of single-precision points that double precision holds exactly.

    Rounded ones of few points may be outside: the points may span a face of the hull.
    """
    whole = (np.ldexp(points, 40) % 1 == 0).all(axis=1) & (np.abs(points) < 8).all(axis=1)
    points = points[whole].astype(float)
    rows = []
    for size in generator.integers(smallest, largest + 1, size=n):
        weights = generator.multinomial(1024 - size, generator.dirichlet(np.ones(size))) + 1
        chosen = generator.choice(len(points), size, replace=False)
        rows.append(weights / 1024 @ points[chosen])
    return np.array(rows)


def test_combinations_of_real_features():
    train, _ = real_features()
    queries = exact_combinations(train, np.random.default_rng(12), 200)
    assert (prove(train, queries) == INSIDE).all()


def test_faces_of_real_features():
    # The points that a projection rests on span a face of the hull.
    train, test = real_features()
    weights = Hull(train).project(test[:10]).weights
    faces = [train[indices] for indices in np.split(weights.indices, weights.indptr[1:-1])]
    generator = np.random.default_rng(13)
    queries = [exact_combinations(face, generator, 1, len(face), len(face)) for face in faces]
    assert (prove(train, np.vstack(queries)) == INSIDE).all()
