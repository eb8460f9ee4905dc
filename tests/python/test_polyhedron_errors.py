"""Misuse of polyhedra gets an error that names the argument; odd but valid input gets an answer."""

import numpy as np
import pytest
from scipy import sparse

from hullspace import Polyhedron, Status, certificates, chebyshev_centers
from hullspace.polyhedron import project_batch
from polytopes import box

A, B = box(-np.ones(3), np.ones(3))
GOOD = Polyhedron(A, B)
NAN = np.where(np.arange(18).reshape(6, 3) == 7, np.nan, A)

BAD_MATRICES = [
    (None, TypeError, "real numbers"),
    ("rows", TypeError, "real numbers"),
    (A * 1j, TypeError, "real numbers"),
    (A.astype(object), TypeError, "real numbers"),
    (sparse.csr_array(A), TypeError, "real numbers"),
    (NAN, ValueError, r"finite, got nan at \[2, 1\]"),
    (np.where(np.isnan(NAN), np.inf, A), ValueError, r"finite, got inf at \[2, 1\]"),
]
BAD_SHAPES = [
    (np.ones(3), ValueError, r"\(3,\)"),
    (3.0, ValueError, r"\(\)"),
    (np.ones((1, 2, 3, 4)), ValueError, r"\(1, 2, 3, 4\)"),
    (np.empty((6, 0)), ValueError, r"\(6, 0\)"),
]
BAD_VECTORS = [
    (None, TypeError, "real numbers"),
    ("b", TypeError, "real numbers"),
    (B * 1j, TypeError, "real numbers"),
    (B[:5], ValueError, r"\(6,\).*\(5,\)"),
    (B[None], ValueError, r"\(6,\).*\(1, 6\)"),
    (1.0, ValueError, r"\(6,\).*\(\)"),
    (np.where(np.arange(6) == 4, np.nan, B), ValueError, r"finite, got nan at \[4\]"),
    (np.where(np.arange(6) == 4, -np.inf, B), ValueError, r"finite, got -inf at \[4\]"),
]
BAD_POINTS = [
    *BAD_MATRICES[:5],
    (NAN, ValueError, r"finite, got nan at \[2, 1\]"),
    (np.ones(3), ValueError, r"two-dimensional.*\(3,\)"),
    (np.ones((4, 2)), ValueError, r"3 columns \(n_features\).*\(4, 2\)"),
    (np.empty((0, 2)), ValueError, r"3 columns \(n_features\).*\(0, 2\)"),
]


@pytest.mark.parametrize(("value", "error", "message"), BAD_MATRICES + BAD_SHAPES)
def test_bad_rows(value, error, message):
    with pytest.raises(error, match=rf"^A must .*{message}"):
        Polyhedron(value, B)
    with pytest.raises((TypeError, ValueError), match=r"^A must"):
        chebyshev_centers(value, B[None])


@pytest.mark.parametrize(("value", "error", "message"), BAD_VECTORS)
def test_bad_bounds(value, error, message):
    with pytest.raises(error, match=rf"^b must .*{message}"):
        Polyhedron(A, value)


@pytest.mark.parametrize(
    ("rows", "bounds"),
    [
        (A, B),
        (A, np.ones((2, 5))),
        (np.stack([A, A]), B),
        (np.stack([A, A]), np.ones((3, 6))),
        (np.stack([A, A]), np.ones((2, 5))),
        ([A, A], [B]),
        ([A, A], [B, B[:5]]),
        ([A, A[:4]], [B, B]),
        (A, None),
        (A, 1.0),
        (A, np.full((2, 6), np.nan)),
        ([A, A], [B, np.full(6, np.inf)]),
        ([A, A], [B, ["x"] * 6]),
    ],
)
def test_bad_bounds_of_batches(rows, bounds):
    with pytest.raises((TypeError, ValueError), match=r"^b(\[\d\])? must"):
        chebyshev_centers(rows, bounds)


@pytest.mark.parametrize(
    "rows", [[A, A[:, :2]], [A, A[0]], [A, NAN], [A, None], [A, A * 1j], np.stack([A, NAN])]
)
def test_bad_rows_of_batches(rows):
    with pytest.raises((TypeError, ValueError), match=r"^A(\[1\])? must"):
        chebyshev_centers(rows, [B, B])


BAD_EQUALITIES = [
    (np.eye(3), [1.0, 1.0]),
    (np.eye(2), np.ones(2)),
    (np.ones(3), [1.0]),
    (np.eye(3)[:1], 1.0),
    (np.eye(3)[:1], [np.nan]),
    (np.full((1, 3), np.inf), [1.0]),
    (np.eye(3)[:1] * 1j, [1.0]),
    (np.eye(3)[:1],),
    3.0,
    (None, None),
]


@pytest.mark.parametrize("value", BAD_EQUALITIES)
def test_bad_equalities(value):
    with pytest.raises((TypeError, ValueError), match=r"^equalities(\[\d\])* must"):
        Polyhedron(A, B, value)
    with pytest.raises((TypeError, ValueError), match=r"^equalities(\[\d\])* must"):
        chebyshev_centers(A, B[None], equalities=value)


def test_as_many_equalities_as_problems():
    pair = (np.eye(3)[:1], [0.0])
    with pytest.raises((TypeError, ValueError), match=r"^equalities must .*2"):
        chebyshev_centers(A, np.stack([B, B]), equalities=[pair] * 3)


@pytest.mark.parametrize(("method", "name"), [
    ("contains", "points"), ("project", "points"), ("support", "directions")
])  # fmt: skip
@pytest.mark.parametrize(("value", "error", "message"), BAD_POINTS)
def test_bad_points_and_directions(method, name, value, error, message):
    with pytest.raises(error, match=rf"^{name} must .*{message}"):
        getattr(GOOD, method)(value)


CALLS = [
    lambda n: chebyshev_centers(A, B[None], n_threads=n),
    lambda n: GOOD.chebyshev_center(n_threads=n),
    lambda n: GOOD.support(np.eye(3), n_threads=n),
    lambda n: GOOD.project(np.eye(3), n_threads=n),
    lambda n: GOOD.bounding_box(n_threads=n),
    lambda n: GOOD.irredundant(n_threads=n),
    lambda n: project_batch([GOOD], [0, 0, 0], np.eye(3), n_threads=n),
]


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("value", [0, -1, 1.5, True, "2", 2**31])
def test_bad_threads(call, value):
    with pytest.raises((TypeError, ValueError), match=r"^n_threads must be a positive integer"):
        call(value)


@pytest.mark.parametrize("value", [-1e-9, 1.0, np.nan, "x", None, True])
def test_bad_tolerance(value):
    with pytest.raises((TypeError, ValueError), match=r"^tolerance must be"):
        GOOD.contains(np.eye(3), tolerance=value)


@pytest.mark.parametrize("value", [0, -1, 1.5, True, "2", None])
def test_bad_counts(value):
    with pytest.raises((TypeError, ValueError), match=r"^n must be"):
        GOOD.sample(value)
    with pytest.raises((TypeError, ValueError), match=r"^n_chains must be"):
        GOOD.sample(10, n_chains=value)
    with pytest.raises((TypeError, ValueError), match=r"^n_samples must be"):
        GOOD.volume(n_samples=value)


@pytest.mark.parametrize("value", [-1, 1.5, True, "2"])
def test_bad_thinning(value):
    with pytest.raises((TypeError, ValueError), match=r"^thin must be"):
        GOOD.sample(10, thin=value)


@pytest.mark.parametrize("value", [None, A, 3, "cube", Polyhedron(np.eye(2), np.ones(2))])
def test_bad_intersection(value):
    with pytest.raises((TypeError, ValueError), match=r"^other must"):
        GOOD.intersect(value)


@pytest.mark.parametrize(
    ("polyhedra", "which", "name"),
    [
        ([], [0, 0], "polyhedra"),
        ([GOOD, Polyhedron(np.eye(2), np.ones(2))], [0, 0], "polyhedra"),
        ([GOOD], [0], "which"),
        ([GOOD], [0, 1], "which"),
        ([GOOD], [0, -1], "which"),
        ([GOOD], [[0, 0]], "which"),
        ([GOOD], [0.5, 0.0], "which"),
        ([GOOD], ["a", "b"], "which"),
        ([GOOD, A], [0, 0], "polyhedra"),
    ],
)
def test_bad_batches_of_projections(polyhedra, which, name):
    with pytest.raises((TypeError, ValueError), match=f"^{name} must"):
        project_batch(polyhedra, which, np.eye(3)[:2])


def test_no_polyhedron_changes_what_it_was_given():
    rows, bounds, points = A.copy(), B.copy(), np.full((2, 3), 2.0)
    for array in (rows, bounds, points):
        array.flags.writeable = False
    polyhedron = Polyhedron(rows, bounds, (np.eye(3)[:1], np.zeros(1)))
    assert polyhedron.project(points).distances == pytest.approx([6**0.5] * 2)
    assert chebyshev_centers(rows, bounds[None]).radii == pytest.approx([1.0])


@pytest.mark.parametrize(
    "convert",
    [
        np.asfortranarray,
        lambda a: np.repeat(a, 2, axis=0)[::2],
        lambda a: a[..., ::-1][..., ::-1],
        lambda a: a.tolist(),
        lambda a: a.astype(np.float32),
        lambda a: a.astype(np.int8),
        lambda a: a.astype(">f8"),
    ],
)
def test_every_kind_of_array_gives_the_same_answer(convert):
    expected = GOOD.project(3.0 * A).points
    assert np.array_equal(
        Polyhedron(convert(A), convert(B)).project(convert(3.0 * A)).points, expected
    )
    assert chebyshev_centers(convert(A), convert(B[None])).radii[0] == 1.0


@pytest.mark.parametrize("size", [1e-300, 1e-160, 1e160, 1e300])
def test_extreme_numbers_get_answers(size):
    small = Polyhedron(A, B * size)
    assert small.chebyshev_center().radius == pytest.approx(size, rel=1e-13)
    assert small.support(np.eye(3)).values == pytest.approx([size] * 3, rel=1e-13)
    found = small.project(2.0 * size * np.eye(3)[:1])
    assert found.distances == pytest.approx([size], rel=1e-13)
    rows = Polyhedron(A * size, B * size)
    assert rows.chebyshev_center().radius == pytest.approx(1.0, rel=1e-13)
    assert rows.support(np.eye(3)).values == pytest.approx([1.0] * 3, rel=1e-13)
    assert rows.project(2.0 * np.eye(3)[:1]).distances == pytest.approx([1.0], rel=1e-13)
    assert rows.contains(np.eye(3)).all()
    assert not rows.contains(2.0 * np.eye(3)).any()


@pytest.mark.parametrize("far", [1e-200, 1e25, 1e200])
def test_points_of_other_sizes(far):
    points = far * np.array([[1.0, 0.0, 0.0], [0.5, -0.5, 0.25]])
    found = GOOD.project(points)
    if far < 1e30:
        assert (found.status == Status.OPTIMAL).all()
        assert np.array_equal(found.points, np.clip(points, -1.0, 1.0))
    else:
        # Nothing of the cube is left in differences from such points, and that is said.
        assert (found.status == Status.LIMIT).all()
        assert np.isnan(found.points).all()
        assert not certificates.check(GOOD, points, found).any()
    assert GOOD.contains(points).tolist() == [far < 1.0] * 2
