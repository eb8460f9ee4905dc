"""Largest balls on devices against those of the CPU, with arrays on either side."""

import numpy as np
import pytest

from devices import Lent
from hullspace import Polyhedron, Status, certificates, chebyshev_centers
from hullspace.devices import DeviceArray
from polytopes import FAMILIES, box, cross_polytope, simplex


def batch(family, n_features, n_rows, n_problems=6):
    generator = np.random.default_rng([n_features, n_rows])
    problems = [FAMILIES[family](generator, n_features, n_rows) for _ in range(n_problems)]
    return tuple(np.array(part) for part in zip(*problems, strict=True))


def assert_agrees(A, b, found):
    """Answers of a device against those of the CPU; both have proofs."""
    expected = chebyshev_centers(A, b)
    assert np.array_equal(found.status, expected.status)
    decided = found.status != Status.LIMIT
    assert certificates.check(A, b, found)[decided].all()
    both = np.isfinite(expected.radii)
    assert np.array_equal(np.isfinite(found.radii), both)
    sizes = 1.0 + np.abs(expected.radii[both])
    assert (np.abs(found.radii[both] - expected.radii[both]) <= 1e-9 * sizes).all()
    assert found.device == "cuda:0"


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize(("n_features", "n_rows"), [(1, 3), (2, 6), (3, 5), (5, 20)])
def test_agrees_with_the_cpu(devices, family, n_features, n_rows):
    A, b = batch(family, n_features, n_rows)
    assert_agrees(A, b, chebyshev_centers(A, b, device="cuda"))


@pytest.mark.slow
@pytest.mark.parametrize("family", FAMILIES)
def test_agrees_with_the_cpu_in_more_dimensions(devices, family):
    A, b = batch(family, 24, 70, 4)
    assert_agrees(A, b, chebyshev_centers(A, b, device="cuda"))


def test_shared_rows(devices):
    A, b = batch("bounded", 4, 12)
    assert_agrees(A[0], b, chebyshev_centers(A[0], b, device="cuda"))
    found = chebyshev_centers(Lent(A[0]), Lent(b))
    assert_agrees(A[0], b, found.cpu())


def test_lists_of_problems(devices):
    shapes = [box(np.zeros(3), np.ones(3)), cross_polytope(3), simplex(3)]
    A, b = (list(part) for part in zip(*shapes, strict=True))
    found = chebyshev_centers(A, b, device="cuda")
    assert [len(d) for d in found.duals] == [len(v) for v in b]
    assert_agrees(A, b, found)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_arrays_on_the_device_stay_there(devices, dtype):
    name = devices[-1].name
    A, b = (x.astype(dtype) for x in batch("bounded", 3, 8))
    if dtype == np.float32:
        with pytest.raises(ValueError, match="A must hold float64 numbers"):
            chebyshev_centers(Lent(A, name), Lent(b, name))
        return
    found = chebyshev_centers(Lent(A, name), Lent(b, name))
    assert found.device == name
    assert repr(found) == repr(chebyshev_centers(A, b))
    for field in ("centers", "radii", "gaps", "duals", "rays", "status"):
        assert isinstance(getattr(found, field), DeviceArray)
        assert getattr(found, field).device == name
    assert certificates.check(Lent(A, name), Lent(b, name), found).all()
    back = found.cpu()
    assert back.duals.shape == b.shape
    assert isinstance(back[0].center, np.ndarray)
    assert back[0].device == name
    assert certificates.check(A, b, back).all()


def test_on_the_host_if_that_is_asked_for(devices):
    A, b = batch("bounded", 3, 8)
    found = chebyshev_centers(Lent(A), Lent(b), device="cpu")
    assert found.device == "cpu"
    assert np.array_equal(found.centers, chebyshev_centers(A, b).centers)


def test_one_polyhedron(devices):
    A, b = box(-np.ones(3), np.ones(3))
    name = devices[-1].name
    found = Polyhedron(A, b).chebyshev_center(device=name)
    assert found.radius == pytest.approx(1.0)
    assert found.device == name
    within = Polyhedron(A, b, equalities=([[1.0, 0.0, 0.0]], [0.5]))
    found = within.chebyshev_center(device=name)
    assert found.center[0] == pytest.approx(0.5)
    assert found.device == name
    assert certificates.check(within, None, found).all()


def test_no_problems(devices):
    found = chebyshev_centers(np.eye(2), np.zeros((0, 2)), device="cuda")
    assert len(found) == 0
    assert found.centers.shape == (0, 2)


def test_misuse(devices):
    A, b = batch("bounded", 3, 8)
    with pytest.raises(TypeError, match="A must be one array, not a list of arrays"):
        chebyshev_centers([Lent(A[0]), Lent(A[1])], b)
    with pytest.raises(ValueError, match="b must be where A is, on cuda:0, got an array on cpu"):
        chebyshev_centers(Lent(A), b)
    with pytest.raises(ValueError, match="b must be where A is, on cpu, got an array on cuda:0"):
        chebyshev_centers(A, Lent(b))
    with pytest.raises(ValueError, match=r"b must have shape \(6, 14\), got \(6, 7\)"):
        chebyshev_centers(Lent(A), Lent(b[:, :7]))
    with pytest.raises(ValueError, match=r"b must have shape \(n_problems, 14\), got \(6, 7\)"):
        chebyshev_centers(Lent(A[0]), Lent(b[:, :7]))
    with pytest.raises(ValueError, match=r"A must be .*got shape \(14,\)"):
        chebyshev_centers(Lent(A[0, :, 0]), Lent(b))
    with pytest.raises(NotImplementedError, match="equalities are reduced on the CPU"):
        chebyshev_centers(Lent(A), Lent(b), equalities=(np.eye(3)[:1], [0.0]))
    for wrap in (np.asarray, Lent):
        with pytest.raises(ValueError, match=r"b must .*finite"):
            chebyshev_centers(wrap(A), wrap(b * np.inf), device="cuda")
