"""Certificates: every honest one passes, every corrupted one fails."""

import tomllib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hullspace import ClassHulls, Hull, Polyhedron, Status, certificates, hull_distance
from oracles import DATA_SETS, relu_features


@pytest.fixture(scope="module")
def problem():
    points = relu_features(400, 10, 1)
    queries = np.vstack(
        [relu_features(30, 10, 2), points[:10], points[:200].reshape(10, 20, 10).mean(1)]
    )
    return points, queries


@pytest.fixture(scope="module")
def membership(problem):
    points, queries = problem
    result = Hull(points).contains(queries)
    assert 20 <= result.inside.sum() < 50
    return result


@pytest.fixture(scope="module")
def projection(problem):
    points, queries = problem
    return Hull(points).project(queries)


@pytest.mark.parametrize("name", DATA_SETS)
def test_every_answer_passes(name):
    points, queries = DATA_SETS[name]()
    queries = np.vstack([queries, points[:30], points[:60].mean(axis=0)[None]])
    hull = Hull(points)
    assert certificates.check(points, queries, hull.contains(queries)).all()
    assert certificates.check(points, queries, hull.project(queries)).all()


def change_weights(result, row, change):
    weights = result.certificate.weights.copy()
    change(weights, slice(weights.indptr[row], weights.indptr[row + 1]))
    return replace(result, certificate=replace(result.certificate, weights=weights))


def change_array(result, name, row, value):
    array = getattr(result.certificate, name).copy()
    array[row] = value(array[row])
    return replace(result, certificate=replace(result.certificate, **{name: array}))


def slightly_turned(normal, angle):
    other = np.roll(normal, 1)
    other -= (other @ normal) * normal
    return np.cos(angle) * normal + np.sin(angle) * other / np.linalg.norm(other)


def swap_index(weights, entries):
    weights.indices[entries] = (weights.indices[entries] + 17) % weights.shape[1]


def scale_weights(weights, entries):
    weights.data[entries] *= 1.001


def negative_weight(weights, entries):
    first = entries.start
    weights.data[first] -= 1.5
    weights.data[first + 1] += 1.5


def move_weight(weights, entries):
    weights.data[entries.start] -= 1e-6
    weights.data[entries.start + 1] += 1e-6


def nan_weight(weights, entries):
    weights.data[entries.start] = np.nan


def infinite_weights(weights, entries):
    weights.data[entries.start : entries.start + 2] = np.inf, -np.inf


def no_weight(weights, entries):
    weights.data[entries] = 0


def repeated_index(weights, entries):
    weights.indices[entries] = weights.indices[entries.start]


CHANGES = [
    swap_index,
    scale_weights,
    negative_weight,
    move_weight,
    nan_weight,
    infinite_weights,
    no_weight,
    repeated_index,
]


@pytest.mark.parametrize("change", CHANGES)
def test_corrupted_weights_fail(problem, membership, change):
    sizes = np.diff(membership.certificate.weights.indptr)
    row = int(np.flatnonzero(sizes >= 3)[0])
    checked = certificates.check(*problem, change_weights(membership, row, change))
    assert not checked[row]
    assert np.delete(checked, row).all()


@pytest.mark.parametrize("change", CHANGES)
def test_corrupted_weights_of_projections_fail(problem, projection, change):
    sizes = np.diff(projection.weights.indptr)
    row = int(np.flatnonzero((sizes >= 3) & (projection.distances > 0.1))[0])
    weights = projection.weights.copy()
    change(weights, slice(weights.indptr[row], weights.indptr[row + 1]))
    checked = certificates.check(*problem, replace(projection, weights=weights))
    assert not checked[row]
    assert np.delete(checked, row).all()


@pytest.mark.parametrize(
    "index",
    [
        -1,
        400,
        2**31 - 1,
    ],
)
def test_indices_of_no_point_fail(problem, membership, index):
    row = int(np.flatnonzero(membership.inside)[0])
    weights = membership.certificate.weights.copy()
    weights.indices[weights.indptr[row]] = index
    lie = replace(membership, certificate=replace(membership.certificate, weights=weights))
    checked = certificates.check(*problem, lie)
    assert not checked[row]
    assert np.delete(checked, row).all()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("normals", lambda n: -n),
        ("normals", lambda n: n * 0),
        ("normals", lambda n: n * np.nan),
        ("normals", lambda n: n * 2),
        ("normals", lambda n: np.roll(n, 1)),
        ("normals", lambda n: slightly_turned(n, 1e-3)),
        ("margins", lambda m: m * 1.01),
        ("margins", lambda _: np.inf),
        ("margins", lambda _: np.nan),
        ("margins", lambda m: -m),
        ("margins", lambda _: 0.0),
    ],
)
def test_corrupted_hyperplanes_fail(problem, membership, name, value):
    row = int(np.flatnonzero(~membership.inside)[3])
    checked = certificates.check(*problem, change_array(membership, name, row, value))
    assert not checked[row]
    assert np.delete(checked, row).all()


def test_corrupted_residuals_and_tolerance_fail(problem, membership):
    row = int(np.flatnonzero(membership.inside)[-1])
    for value in (1e-3, np.nan, np.inf):
        changed = change_array(membership, "residuals", row, lambda _, v=value: v)
        assert not certificates.check(*problem, changed)[row]


@pytest.fixture
def cube():
    """Points whose columns are equally wide, and some around them."""
    generator = np.random.default_rng(3)
    return generator.random((300, 10)), generator.random((40, 10)) * 1.2 - 0.1


def test_understated_residual_fails(cube):
    points, queries = cube
    loose = Hull(points).contains(queries, tolerance=0.3)
    row = int(np.nanargmax(loose.certificate.residuals))
    assert loose.certificate.residuals[row] > 1e-3
    assert certificates.check(points, queries, loose, tolerance=0.3).all()
    lie = change_array(loose, "residuals", row, lambda r: r / 2)
    assert not certificates.check(points, queries, lie, tolerance=0.3)[row]
    strict = replace(loose, certificate=replace(loose.certificate, tolerance=1e-6))
    assert not certificates.check(points, queries, strict, tolerance=0.3)[row]


def test_the_tolerance_is_that_of_the_check(cube):
    points, queries = cube
    loose = Hull(points).contains(queries, tolerance=0.3)
    for tolerance in (1e3, np.inf, loose.certificate.tolerance):
        claimed = replace(loose, certificate=replace(loose.certificate, tolerance=tolerance))
        checked = certificates.check(points, queries, claimed)
        far = loose.certificate.residuals > 1e-6
        assert far.any()
        assert not checked[far].any()


def test_flipped_status_fails(problem, membership):
    flipped = np.where(membership.inside, Status.OUTSIDE, Status.INSIDE).astype(np.int8)
    for inside in (membership.inside, ~membership.inside):
        lie = replace(membership, status=flipped, inside=inside)
        assert not certificates.check(*problem, lie).any()
    assert not certificates.check(*problem, replace(membership, inside=~membership.inside)).any()


def test_undecided_claims_nothing(problem, membership):
    undecided = np.full(len(membership), Status.UNDECIDED, np.int8)
    result = replace(membership, status=undecided, inside=np.zeros(len(membership), bool))
    assert not certificates.check(*problem, result).any()


def test_other_queries_or_points_fail(problem, membership, projection):
    points, queries = problem
    shifted = np.roll(queries, 1, axis=0)
    assert certificates.check(points, shifted, membership).mean() < 0.6
    assert certificates.check(points, shifted, projection).mean() < 0.2
    outside = ~membership.inside
    moved = points.copy()
    moved[: outside.sum()] = 1.5 * queries[outside] - 0.5 * points.mean(axis=0)
    assert not certificates.check(moved, queries, membership)[outside].any()
    with pytest.raises(ValueError, match=r"weights of shape \(50, 399\), got \(50, 400\)"):
        certificates.check(points[1:], queries, membership)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("points", lambda p: p + 1e-3),
        ("distances", lambda d: d * 0.99),
        ("distances", lambda d: d * 1.01),
        ("distances", lambda d: d * np.nan),
        ("gaps", lambda g: -g - 1e-9),
        ("normals", lambda n: -n),
        ("normals", lambda n: 0 * n),
        ("normals", lambda n: 2 * n),
        ("normals", lambda n: np.roll(n, 1)),
    ],
)
def test_corrupted_projections_fail(problem, projection, name, value):
    row = int(projection.distances.argmax())
    array = getattr(projection, name).copy()
    array[row] = value(array[row])
    checked = certificates.check(*problem, replace(projection, **{name: array}))
    assert not checked[row]
    assert np.delete(checked, row).all()


def test_understated_gap_fails(problem):
    points, queries = problem
    loose = Hull(points).project(queries, tolerance=0.1)
    exact = Hull(points).project(queries)
    excess = loose.distances - exact.distances
    row = int(excess.argmax())
    assert excess[row] > 1e-6
    assert certificates.check(points, queries, loose, tolerance=0.1).all()
    assert not certificates.check(points, queries, loose)[row]
    lie = replace(loose, gaps=np.minimum(loose.gaps, excess / 2))
    assert not certificates.check(points, queries, lie, tolerance=0.1)[row]


def test_misuse_is_named(problem, membership):
    points, queries = problem
    with pytest.raises(TypeError, match=r"result must be one of .*Membership.*, got str"):
        certificates.check(points, queries, "yes")
    with pytest.raises(ValueError, match="one answer for each of the 3 queries, got 50"):
        certificates.check(points, queries[:3], membership)
    with pytest.raises(ValueError, match="queries must have 10 columns"):
        certificates.check(points, queries[:, :9], membership)
    with pytest.raises(ValueError, match="points must be finite"):
        certificates.check(points * np.nan, queries, membership)


def test_arrays_of_other_shapes_are_misuse(problem, membership, projection):
    certificate = replace(membership.certificate, normals=membership.certificate.normals[:-1])
    with pytest.raises(ValueError, match=r"normals of shape \(50, 10\), got \(49, 10\)"):
        certificates.check(*problem, replace(membership, certificate=certificate))
    with pytest.raises(ValueError, match=r"weights of shape \(50, 400\), got \(49, 400\)"):
        certificates.check(*problem, replace(projection, weights=projection.weights[:-1]))


def test_margin_may_not_exceed_the_separation(problem, membership):
    points, queries = problem
    for row in np.flatnonzero(~membership.inside):
        normal = membership.certificate.normals[row]
        separation = ((queries[row] - points) @ normal).min()
        assert membership.certificate.margins[row] <= separation
        for factor, expected in ((1 - 1e-9, True), (1 + 1e-9, False)):
            claim = change_array(membership, "margins", row, lambda _, m=factor * separation: m)
            assert certificates.check(*problem, claim)[row] == expected


def test_another_hull_proves_nothing(problem, membership, projection):
    points, queries = problem
    for other in (points + 1e-3, points * 1.001, np.roll(points, 1, axis=0)):
        inside = certificates.check(other, queries, membership)[membership.inside]
        assert not inside.any()
        assert not certificates.check(other, queries, projection).any()
    inflated = points.mean(axis=0) + 100 * (points - points.mean(axis=0))
    outside = ~membership.inside
    assert not certificates.check(inflated, queries, membership)[outside].any()


@pytest.mark.parametrize("code", [-1, 4, 77])
def test_unknown_statuses_claim_nothing(problem, membership, projection, code):
    status = np.full(len(membership), code, np.int8)
    assert not certificates.check(*problem, replace(membership, status=status)).any()
    assert not certificates.check(*problem, replace(projection, status=status)).any()


def test_single_precision_data_is_checked_as_it_is(problem):
    points, queries = (array.astype(np.float32) for array in problem)
    hull = Hull(points)
    for result in (hull.contains(queries), hull.project(queries)):
        assert certificates.check(points, queries, result).all()
        assert certificates.check(points.astype(float), queries.astype(float), result).all()
    # Rounded points are other points: what was proven for them is not proven for these.
    exact = certificates.check(*problem, hull.project(queries))
    assert not exact[hull.project(queries).distances > 0].any()


def test_the_import_contract_covers_every_check():
    root = Path(__file__).parents[2]
    with (root / "pyproject.toml").open("rb") as file:
        contracts = tomllib.load(file)["tool"]["importlinter"]["contracts"]
    contract = next(c for c in contracts if "shares nothing" in c["name"])
    folder = root / "python" / "hullspace" / "certificates"
    # These search, with the hull; what they find they verify by exact arithmetic.
    searching = {"__init__", "evidence", "exact", "simplex", "zoom"}
    modules = {path.stem for path in folder.glob("*.py")} - searching
    assert {f"hullspace.certificates.{name}" for name in modules} == set(contract["source_modules"])


# One checker for many results


def test_a_checker_says_what_check_says(problem, membership, projection):
    points, queries = problem
    checker = certificates.Checker(points)
    assert (checker.n_points, checker.n_features) == points.shape
    assert repr(checker) == "Checker(n_points=400, n_features=10)"
    lie = change_array(membership, "margins", 3, lambda m: m * 1.01)
    for result in (membership, projection, lie):
        expected = certificates.check(points, queries, result)
        assert np.array_equal(checker.check(queries, result), expected)
        for row in range(3):
            one = Hull(points).contains(queries[row : row + 1])
            assert checker.check(queries[row : row + 1], one).all()
    support = Polyhedron([[1.0], [-1.0]], [1.0, 1.0]).support([[1.0]])
    with pytest.raises(TypeError, match=r"about one hull, got PolyhedronSupport; use hullspace"):
        checker.check([[1.0]], support)


def test_large_sets_are_not_kept_and_checked_alike(problem, membership, projection, monkeypatch):
    points, queries = problem
    monkeypatch.setattr("hullspace.certificates.points._KEPT", 0)
    monkeypatch.setattr("hullspace.certificates.points.POINT_BLOCK", 7)
    monkeypatch.setattr("hullspace.certificates.points.QUERY_BLOCK", 3)
    assert certificates.check(points, queries, membership).all()
    assert certificates.check(points, queries, projection).all()
    assert certificates.check(points, None, Hull(points).vertices()).all()


# Structure


@pytest.mark.parametrize("place", [1, 5, -1])
@pytest.mark.parametrize("value", [10**8, -1, 2**31 - 1])
def test_row_starts_are_not_trusted(problem, membership, projection, place, value):
    for result, weights in (
        (membership, membership.certificate.weights.copy()),
        (projection, projection.weights.copy()),
    ):
        weights.indptr[place] = value
        if result is membership:
            lie = replace(result, certificate=replace(result.certificate, weights=weights))
        else:
            lie = replace(result, weights=weights)
        with pytest.raises(ValueError, match="weights whose row starts and elements fit together"):
            certificates.check(*problem, lie)


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        (lambda: Hull(np.eye(2)[[0, 1, 1]] + [[0, 0], [0, 0], [1, 1]]).facets, "rests on Qhull"),
        (lambda: Polyhedron([[1.0], [-1.0]], [1.0, 1.0]).volume(), "computed by Qhull"),
        (lambda: Polyhedron([[1.0], [-1.0]], [1.0, 1.0]).sample(3), "claim nothing"),
    ],
)
def test_what_cannot_be_checked_says_why(found, reason):
    with pytest.raises(TypeError, match=reason):
        certificates.check(None, None, found())


def test_subjects_and_queries_must_fit(problem, membership):
    points, queries = problem
    hull = Hull(points)
    with pytest.raises(TypeError, match=r"the pair \(origins, directions\) for a Ray"):
        certificates.check(points, queries, hull.ray(points.mean(0)[None], queries))
    with pytest.raises(ValueError, match="queries must be None for Vertices"):
        certificates.check(points, queries, hull.vertices())
    with pytest.raises(TypeError, match=r"the pair \(points_a, points_b\)"):
        certificates.check(points, None, hull_distance(points[:200], points[200:]))
    with pytest.raises(TypeError, match=r"the pair \(points, labels\), or the ClassHulls"):
        certificates.check(points, queries, ClassHulls(points, np.zeros(400)).contains(queries))
    whole = replace(membership.certificate, margins=np.ones(50, dtype=int))
    with pytest.raises(TypeError, match="must have margins of real numbers, got dtype int"):
        certificates.check(points, queries, replace(membership, certificate=whole))
