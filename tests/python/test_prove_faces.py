"""Proofs next to faces whose sides are known, and lies about the answer, which change nothing."""

from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
import pytest
from scipy import sparse

from hullspace import Hull, Proof, Status
from hullspace.certificates import evidence, exact, simplex
from hullspace.certificates.centred import CentredData
from hullspace.certificates.integers import ExactData, ratios
from hullspace.certificates.zoom import fit
from oracles import as_integers, cube, exact_inverse, one_ulp
from proofs import as_proofs, assert_proven, prove, truth

INSIDE, OUTSIDE, UNPROVEN = Proof.PROVEN_INSIDE, Proof.PROVEN_OUTSIDE, Proof.UNPROVEN


def sum_of(numbers):
    return sum(Fraction(float(x)) for x in numbers)


# Faces whose sides are known


@dataclass(frozen=True)
class Planted:
    """A set with a known face, and queries on either side of it.

    The face has n_features points. They and one point more, the last of `corners`, make a
    simplex, whose exact coordinates decide: one with a negative last coordinate is beyond the
    face, and so is none of the points; one without negative coordinates is in the simplex.
    """

    points: np.ndarray
    queries: np.ndarray
    proofs: np.ndarray
    corners: np.ndarray
    normal: np.ndarray  # of the face, rounded

    @classmethod
    def make(cls, n_features, n_more, seed):
        generator = np.random.default_rng(seed)
        corners, more = (
            generator.integers(-8, 9, size=(n, n_features)) for n in (n_features + 1, n_more)
        )
        inverse, _ = exact_inverse(np.vstack([corners.T, np.ones(n_features + 1)]))
        more = more[np.column_stack([more, np.ones(n_more, int)]).astype(object) @ inverse[-1] >= 0]
        queries = cls._around_the_face(corners.astype(float), generator)
        columns = np.column_stack([as_integers(queries), [2**1074] * len(queries)])
        coordinates = columns @ inverse.T
        outside, inside = coordinates[:, -1] < 0, (coordinates >= 0).all(axis=1)
        assert (outside | inside).all()
        points = generator.permutation(np.vstack([corners, more]).astype(float))
        normal = -inverse[-1, :-1].astype(float)
        normal /= np.linalg.norm(normal)
        return cls(points, queries, as_proofs(inside), corners.astype(float), normal)

    @staticmethod
    def _around_the_face(corners, generator):
        """Rounded combinations of the face's points, moved towards the last corner or away."""
        n = len(corners) - 1
        weights = generator.dirichlet(np.ones(n), size=64)
        weights[32:, : n // 2] = 0.0  # half of them on a smaller face of the face
        weights /= weights.sum(axis=1, keepdims=True)
        inner = np.full(n, 1.0 / n)
        # Moved towards the middle of the simplex, those on a smaller face stay clear of the others.
        inward = 0.5 * (inner @ corners[:-1] + corners[-1]) - weights @ corners[:-1]
        outward = weights @ corners[:-1] - corners[-1]
        steps = np.resize([1e-9, -1e-9, 1e-11, -1e-11, 1e-13, -1e-13, 1e-9, -1e-9], 64)
        steps[:16:4] = 0.0  # only rounded
        moves = np.where(steps[:, None] > 0, steps[:, None] * outward, -steps[:, None] * inward)
        return weights @ corners[:-1] + moves


PLANTED = [(n_features, n_more) for n_features in (8, 16, 32, 64) for n_more in (0, 200)]


@pytest.fixture(scope="module")
def planted():
    return Planted.make(8, 60, seed=0)


@pytest.mark.parametrize(("n_features", "n_more"), PLANTED)
def test_either_side_of_a_face(n_features, n_more):
    case = Planted.make(n_features, n_more, seed=n_features)
    assert len(case.queries) * len(PLANTED) >= 500
    assert len(case.points) >= n_features + 1 + n_more // 4
    assert min(np.count_nonzero(case.proofs == proof) for proof in (INSIDE, OUTSIDE)) >= 24
    assert np.array_equal(prove(case.points, case.queries), case.proofs)


@pytest.mark.parametrize("n_features", [8, 64])
def test_what_is_next_to_a_face_needs_no_simplex_method(n_features, monkeypatch):
    # That takes a hundred times as long, so the ways before it must do.
    case = Planted.make(n_features, 100, seed=1)
    monkeypatch.setattr(exact, "decide", lambda *_: UNPROVEN)
    monkeypatch.setattr(exact, "Tableau", None)
    assert np.array_equal(prove(case.points, case.queries), case.proofs)
    # A coordinate that all points share makes the set flat, and changes nothing.
    points, queries = (np.insert(rows, 3, 0.1, axis=1) for rows in (case.points, case.queries))
    assert np.array_equal(prove(points, queries), case.proofs)


@pytest.mark.parametrize("n_features", [2, 8, 16, 64])
def test_either_side_of_a_cross_polytope(n_features):
    generator = np.random.default_rng(n_features)
    points = 16 * np.vstack([np.eye(n_features), -np.eye(n_features)])
    sizes = 16 * generator.dirichlet(np.ones(n_features), size=40)
    sizes[20:, : n_features // 2] = 0.0
    sizes *= 16 / sizes.sum(axis=1, keepdims=True)
    place = (np.arange(40), sizes.argmax(axis=1))
    sizes[place] += 16 * np.resize([0.0, 1e-9, -1e-9, 1e-13, -1e-13], 40)
    sizes = np.vstack([sizes, one_ulp(sizes, generator, "nonzero")])
    queries = sizes * generator.choice([-1, 1], size=sizes.shape)
    expected = as_proofs([sum_of(np.abs(query)) <= 16 for query in queries])
    assert min(np.count_nonzero(expected == proof) for proof in (INSIDE, OUTSIDE)) > 20
    assert np.array_equal(prove(points, queries), expected)


@pytest.mark.parametrize("n_features", [3, 10, 64])
def test_whole_numbers_on_facets_and_beside_them(n_features):
    # A simplex: x >= 0 and sum(x) <= 16. Multinomial counts are on its largest facet, exactly.
    generator = np.random.default_rng(n_features)
    points = np.vstack([16 * np.eye(n_features), np.zeros(n_features)])
    counts = generator.multinomial(16, generator.dirichlet(np.ones(n_features), 40)).astype(float)
    place = (np.arange(40), counts.argmax(axis=1))
    above, below, negative = counts.copy(), counts.copy(), counts.copy()
    above[place], below[place] = (np.nextafter(counts[place], end) for end in (17, 0))
    negative[place] -= 1.0
    negative[np.arange(40), counts.argmin(axis=1)] = -5e-324
    queries = np.vstack([counts, above, below, negative])
    expected = as_proofs([(q >= 0).all() and sum_of(q) <= 16 for q in queries])
    assert (expected.reshape(4, 40) == np.array([[INSIDE], [OUTSIDE], [INSIDE], [OUTSIDE]])).all()
    assert np.array_equal(prove(points, queries), expected)


@pytest.mark.parametrize("n_features", [4, 8])
def test_faces_of_a_cube(n_features):
    generator = np.random.default_rng(n_features)
    ends = [0.0, 1.0, 5e-324, np.nextafter(1, 0), 1e-9, 1 - 1e-9, 0.3, 0.5]
    inside = generator.choice(ends, size=(60, n_features))
    beyond = inside.copy()
    place = (np.arange(60), generator.integers(n_features, size=60))
    beyond[place] = generator.choice([-5e-324, np.nextafter(1, 2), 1 + 1e-9, -1e-9], size=60)
    corners = cube(n_features)
    assert (prove(corners, inside) == INSIDE).all()
    assert (prove(corners, beyond) == OUTSIDE).all()
    # Sheared, so that no face but one pair is along an axis: whole numbers of 2**-60 stay exact.
    shear = np.eye(n_features) + np.eye(n_features, k=1)
    fractions = generator.choice([0, 1, 2, 5, 2**20], size=(60, n_features)) * 2.0**-30
    fractions[:, -1] = 1.0 - fractions[:, -1]
    out = fractions.copy()
    out[place] = generator.choice([-(2.0**-40), 1 + 2.0**-40], size=60)
    assert (prove(corners @ shear, fractions @ shear) == INSIDE).all()
    assert (prove(corners @ shear, out @ shear) == OUTSIDE).all()


def with_normals(membership, normals, status=Status.OUTSIDE):
    return replace(
        membership,
        status=np.full(len(membership), status, np.int8),
        certificate=replace(membership.certificate, normals=normals),
    )


def test_many_queries_and_points():
    # More than fit into one block of either kind, in any order.
    generator = np.random.default_rng(7)
    inner = generator.integers(-5, 6, size=(9000, 2)) / 2
    points = generator.permutation(np.vstack([inner, [[8, 0], [-8, 0], [0, 8], [0, -8]]]))
    queries = generator.integers(-30, 31, size=(5000, 2)) / 4
    sizes = np.abs(queries).sum(axis=1)
    membership = Hull(points).contains(queries)
    assert np.array_equal(prove(points, queries, membership), as_proofs(sizes <= 8))
    # With the normal of a facet claimed for each, and those inside before those that are not.
    order = sizes.argsort()
    assert np.count_nonzero(sizes <= 8) > 2048
    claim = with_normals(membership, np.copysign(0.5**0.5, queries[order]))
    assert np.array_equal(prove(points, queries[order], claim), as_proofs(sizes[order] <= 8))


# Memberships that lie


NORMALS = {
    "none": np.zeros_like,
    "the face's own": lambda n: n,
    "opposite": lambda n: -n,
    "rolled": lambda n: np.roll(n, 1, axis=1),
    "turned a little": lambda n: n + 1e-9 * np.roll(n, 1, axis=1),
    "not of unit length": lambda n: 1e-3 * n,
    "huge": lambda n: 1e308 * n,
    "subnormal": lambda n: 1e-320 * n,
    "infinite": lambda n: np.inf * n,
    "NaN": lambda n: np.nan * n,
    "NaN in one place": lambda n: np.where(np.arange(n.shape[1]) == 2, np.nan, n),
    "infinite in one place": lambda n: np.where(np.arange(n.shape[1]) == 2, np.inf, n),
    "single precision": lambda n: n.astype(np.float32),
    "whole numbers": lambda n: np.rint(9 * n).astype(int),
    "any": lambda n: np.random.default_rng(8).normal(size=n.shape),
}


@pytest.mark.parametrize("name", NORMALS)
def test_normals_never_mislead(planted, name):
    normals = np.tile(planted.normal, (len(planted.queries), 1))
    lie = with_normals(Hull(planted.points).contains(planted.queries), NORMALS[name](normals))
    assert np.array_equal(prove(planted.points, planted.queries, lie), planted.proofs)


@pytest.mark.parametrize("status", [*Status, -1, 77])
def test_statuses_never_mislead(planted, status):
    membership = Hull(planted.points).contains(planted.queries)
    changed = with_normals(membership, membership.certificate.normals, status)
    for inside in (membership.inside, ~membership.inside):
        lie = replace(changed, inside=inside)
        assert np.array_equal(prove(planted.points, planted.queries, lie), planted.proofs)


def test_answers_to_other_questions_never_mislead(planted):
    queries, n = planted.queries, len(planted.queries)
    clear = np.vstack([queries, 3 * queries, 0.1 * queries])
    expected = np.concatenate([planted.proofs, prove(planted.points, clear[n:])])
    hull = Hull(planted.points)
    others = [
        hull.contains(clear[::-1]),
        hull.contains(np.roll(clear, 1, axis=0)),
        Hull(0.5 * planted.points).contains(clear),
        Hull(2.0 * planted.points).contains(clear),
        Hull(-planted.points).contains(clear),
        Hull(planted.points[:1]).contains(clear),
    ]
    assert any((other.status == Status.OUTSIDE).any() for other in others)
    for other in others:
        assert np.array_equal(prove(planted.points, clear, other), expected)


def test_a_hyperplane_must_hold_for_every_point():
    # The query itself is one of the points, somewhere among thousands beyond the hyperplane.
    generator = np.random.default_rng(9)
    beyond = generator.normal(size=(9000, 3)) - [0, 0, 20]
    query, normal = np.array([[0.5, 0.25, 1.0]]), np.array([[0.0, 0.0, 1.0]])
    lie = with_normals(Hull(beyond).contains(query), normal)
    assert prove(beyond, query, lie).tolist() == [OUTSIDE]
    for place in (0, 4095, 4096, 9000):
        points = np.insert(beyond, place, query, axis=0)
        assert prove(points, query, lie).tolist() == [INSIDE]


def test_a_hyperplane_through_the_query_proves_nothing():
    points = np.array([[0.0, 0.0], [3.0, 1.0], [1.0, 3.0]])
    queries = np.array([[2.0, 2.0], [1.5, 2.5], [1.0, 3.0]])
    normals = np.tile(np.sqrt([0.5, 0.5]), (3, 1))
    lie = with_normals(Hull(points).contains(queries), normals)
    assert prove(points, queries, lie).tolist() == [INSIDE] * 3


# A search that lies


def random_weights(projection, points, targets):
    dense = np.random.default_rng(15).dirichlet(np.full(len(points), 0.1), size=len(targets))
    return {"weights": sparse.csr_array(np.where(dense > 1e-3, dense, 0.0))}


def affine_weights(projection, points, targets):
    columns = np.vstack([points.T, np.ones(len(points))])
    goals = np.column_stack([targets, np.ones(len(targets))])
    return {"weights": sparse.csr_array(goals @ np.linalg.pinv(columns).T)}


def large_weights(projection, points, targets):
    return {"weights": 3.0 * projection.weights}


def others_answers(projection, points, targets):
    return {"weights": projection.weights[::-1], "normals": projection.normals[::-1]}


def random_normals(projection, points, targets):
    normals = np.random.default_rng(16).normal(size=targets.shape)
    return {"normals": normals / np.linalg.norm(normals, axis=1, keepdims=True)}


def no_numbers(projection, points, targets):
    return {"normals": np.full(targets.shape, np.nan), "distances": np.full(len(targets), np.nan)}


def opposite_normals(projection, points, targets):
    return {"normals": -projection.normals}


LIES = [
    random_weights,
    affine_weights,
    large_weights,
    others_answers,
    random_normals,
    no_numbers,
    opposite_normals,
]


@pytest.mark.parametrize("lie", LIES)
def test_the_search_only_proposes(planted, lie, monkeypatch):
    class LyingHull(Hull):
        def project(self, queries, **options):
            projection = super().project(queries, **options)
            return replace(projection, **lie(projection, self.points, queries))

    monkeypatch.setattr(evidence, "Hull", LyingHull)
    # Whole numbers, so that these means of sixteen points are exact, and well inside.
    means = np.resize(planted.points, (20, 16, 8)).mean(axis=1)
    queries = np.vstack([planted.queries, means, planted.points])
    expected = np.append(planted.proofs, np.full(20 + len(planted.points), INSIDE))
    assert np.array_equal(prove(planted.points, queries), expected)


def propose(monkeypatch, support):
    """Let the search find the same points for every query, and no hyperplane."""

    def project(self, targets, negligible):
        return np.zeros(len(targets)), np.zeros(targets.shape), [np.array(support)] * len(targets)

    monkeypatch.setattr(evidence.Evidence, "project", project)


def test_a_nearest_point_beside_the_face_is_no_proof(monkeypatch):
    # The queries are next to the first edge's line, not to the edge, and outside. Magnified they
    # would be inside, because the angle at the edge's end is obtuse.
    points = np.array([[0.0, 0.0], [4.0, 0.0], [12.0, 0.5]])
    queries = np.column_stack([np.linspace(4.5, 7, 11), np.full(11, 2.0**-40)])
    membership = with_normals(Hull(points).contains(queries), np.zeros((11, 2)))
    propose(monkeypatch, [0, 1])
    assert (prove(points, queries, membership) == OUTSIDE).all()
    assert (prove(points, queries - [3.0, 0.0], membership) == INSIDE).all()


@pytest.mark.parametrize("n_features", [2, 3])
def test_weights_that_may_be_noise_are_no_proof(n_features, monkeypatch):
    # A face goes through the origin, and the queries are there. The first corner's weights, about
    # 1e-300 in size, cannot be told from zero.
    generator = np.random.default_rng(18)
    propose(monkeypatch, range(n_features + 1))
    verdicts = []
    for _ in range(30):
        face = generator.integers(-9, 10, size=(n_features - 1, n_features))
        corners = np.vstack([generator.integers(1, 10, size=n_features), face, -face.sum(axis=0)])
        queries = generator.integers(-2, 3, size=(6, n_features)) * 1e-300
        verdicts += assert_proven(corners.astype(float), queries).tolist()
    assert min(verdicts.count(proof) for proof in (INSIDE, OUTSIDE)) >= 30


def test_a_ball_is_inside_the_hull():
    generator = np.random.default_rng(17)
    for n_features in (1, 2, 3, 5):
        points = generator.integers(-64, 65, size=(3 * n_features + 2, n_features)) / 64
        points = np.vstack([points, -points])  # about the origin, so that centring is exact
        data = CentredData.of(points, points)
        ball = evidence.inner_ball(data)
        assert ball.radius > 1e-3
        ways = generator.normal(size=(10, n_features))
        ways = (
            np.vstack([ways, points]) / np.linalg.norm(np.vstack([ways, points]), axis=1)[:, None]
        )
        surface = ball.center + (1 - 1e-12) * ball.radius * ways
        assert (truth(data.centred(points), surface) == INSIDE).all()


def test_no_ball_without_an_inverse():
    corners = np.array([[1.0, 0.0], [0.0, 1.0], [-1.0, -1.0]])
    matrix = np.vstack([corners.T, np.ones(3)])
    inverse = np.linalg.inv(matrix)
    ball = evidence.verified_ball(np.zeros(2), matrix, inverse)
    assert ball.radius == pytest.approx(5**-0.5 / 2)
    for factor in (-1, 0, 0.4, 3, 1e160, np.nan):
        with np.errstate(invalid="ignore"):
            assert evidence.verified_ball(np.zeros(2), matrix, factor * inverse) is None
    flat = np.outer(np.arange(10.0), [1.0, 3.0, 7.0]) / 7
    assert evidence.inner_ball(CentredData.of(flat, flat)) is None


# The last ways


def rounded_flat():
    """Flat but for rounding, with queries within that thickness: nothing is clear here."""
    generator = np.random.default_rng(10)
    points = generator.normal(size=(25, 3)) @ generator.normal(size=(3, 6))
    return points, points[generator.integers(25, size=(16, 5))].mean(axis=1)


def test_least_indices_decide_as_well(monkeypatch):
    monkeypatch.setattr(simplex, "_GREEDY_PIVOTS", 0)
    assert set(assert_proven(*rounded_flat())) == {INSIDE, OUTSIDE}


def test_giving_up_is_said(monkeypatch):
    points, queries = rounded_flat()
    expected = assert_proven(points, queries)
    monkeypatch.setattr(simplex, "_PIVOTS", 1)
    proofs = prove(points, queries)
    assert (proofs == UNPROVEN).any()
    proven = proofs != UNPROVEN
    assert np.array_equal(proofs[proven], expected[proven])


def surrounded(corners, query):
    """Whether the face that a query next to nothing off all the corners is fitted to has it."""
    data = ExactData(CentredData.of(corners, query[None]))
    face = fit(data, 0, np.arange(len(corners)))
    assert face.coincides
    assert len(face.support) == len(corners)
    return face.surrounds(data)


def test_only_a_simplex_with_volume_surrounds_a_query():
    # A parallelogram has positive weights that give a point 2**-700 above its middle to more than
    # 300 digits. They prove nothing, as the point is not in its plane.
    generator = np.random.default_rng(11)
    for _ in range(40):
        a, b = generator.integers(1, 100, size=(2, 3)) / 7
        flat, middle = np.array([a, b, -a, -b]), np.zeros(3)
        above = np.array([2.0**-700, 0, 0])
        assert not surrounded(flat, above)
        assert prove(flat, np.array([middle, above])).tolist() == [INSIDE, OUTSIDE]
        corners = generator.integers(-99, 100, size=(4, 3)) / 4
        assert surrounded(corners, corners.mean(axis=0))


def test_quotients_of_any_size():
    numbers = np.array([1, -1, 0, 3 * 2**3000, -(2**3000)], dtype=object)
    assert ratios(numbers, 4).tolist() == [0.25, -0.25, 0.0, 2.0**1000, -(2.0**1000)]
    assert ratios(numbers, 2**3000).tolist() == [0.0, 0.0, 0.0, 3.0, -1.0]
