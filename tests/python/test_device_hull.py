"""Hulls on devices against those of the CPU, with arrays on either side."""

import os
import pickle
import subprocess
import sys
import textwrap
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from scipy import sparse

import hullspace
from devices import Lent
from hullspace import Hull, Status, certificates
from hullspace.devices import DeviceArray, DeviceCsr
from oracles import DATA_SETS
from proofs import assert_vertices

SETS = ["gaussian", "flat", "duplicated", "fewer points than features"]
LARGE_SETS = ["relu", "real features"]


@pytest.fixture(params=[*SETS, *(pytest.param(s, marks=pytest.mark.slow) for s in LARGE_SETS)])
def data(request, devices):
    points, queries = DATA_SETS[request.param]()
    if request.param == "real features" and devices[0].product.startswith("Emulated"):
        return points[::20], queries[:15]  # 50,000 points take too long
    return points, queries


@pytest.fixture
def small(devices):
    """A set, and queries inside and outside."""
    generator = np.random.default_rng(3)
    points = generator.normal(size=(60, 4))
    weights = generator.dirichlet(np.full(60, 0.1), size=8)
    return points, np.vstack([2.0 * generator.normal(size=(12, 4)), weights @ points])


def assert_agrees(points, queries, found, expected):
    """Answers of a device against those of the CPU; both have proofs."""
    scale = Hull(points).scale
    assert np.array_equal(found.status, expected.status)
    decided = found.status != Status.UNDECIDED
    assert certificates.check(points, queries, found)[decided].all()
    proof = getattr(found, "certificate", found)
    assert proof.weights.shape == (len(queries), len(points))
    assert proof.weights.has_sorted_indices
    if hasattr(found, "distances"):
        assert np.abs(found.distances - expected.distances).max(initial=0.0) <= 1e-9 * scale
        assert np.abs(found.points - expected.points).max(initial=0.0) <= 1e-4 * scale
        assert (found.gaps <= 1e-9 * scale * (1 + 1e-6)).all()
    else:
        assert np.array_equal(found.inside, expected.inside)
        assert proof.tolerance == pytest.approx(expected.certificate.tolerance, rel=1e-12)
        assert (np.isnan(proof.residuals) == ~found.inside).all()


def test_projections_agree_with_the_cpu(data):
    points, queries = data
    hull = Hull(points, device="cuda")
    assert hull.scale == pytest.approx(Hull(points).scale, rel=1e-14)
    found = hull.project(queries)
    assert found.device == "cuda:0"
    assert_agrees(points, queries, found, Hull(points).project(queries))


def test_memberships_agree_with_the_cpu(data):
    points, queries = data
    middle = points.mean(axis=0)
    mixed = np.vstack([queries, points[:5], 0.5 * points[:5] + 0.5 * middle])
    found = Hull(points, device="cuda").contains(mixed)
    assert found.device == "cuda:0"
    assert_agrees(points, mixed, found, Hull(points).contains(mixed))
    assert found.inside[-10:].all()
    assert set(certificates.prove(points, mixed, found)) <= {0, 1, 2}


@pytest.mark.parametrize("n_origins", ["one", "each"])
def test_rays_agree_with_the_cpu(small, n_origins):
    points, queries = small
    origins = points[:1] if n_origins == "one" else np.vstack([points[:10], 3.0 * queries[:10]])
    hull, cpu = Hull(points, device="cuda"), Hull(points)
    expected = cpu.ray(origins, queries)
    found = hull.ray(origins, queries)
    lent = hull.ray(Lent(origins), Lent(queries))
    assert isinstance(lent.steps, DeviceArray)
    assert repr(lent) == repr(found) == repr(expected)
    for rays in (found, lent.cpu(), hull.ray(origins, Lent(queries)).cpu()):
        assert np.array_equal(rays.status, expected.status)
        assert np.allclose(rays.steps, expected.steps, rtol=1e-7, equal_nan=True)
        reached = rays.status == Status.OPTIMAL
        ends = rays.weights @ points
        assert np.abs(ends - rays.points)[reached].max() <= 1e-8 * cpu.scale
        assert (points @ rays.normals.T <= rays.offsets + 1e-12 * cpu.scale).all()
        assert rays.device == "cuda:0"


def test_gauges_agree_with_the_cpu(small):
    points, queries = small
    queries[0] = points.mean(axis=0)
    hull, expected = Hull(Lent(points)), Hull(points).gauge(queries)
    found, lent = hull.gauge(queries), hull.gauge(Lent(queries))
    assert isinstance(found.values, np.ndarray)
    assert isinstance(lent.values, DeviceArray)
    assert isinstance(lent.ray.steps, DeviceArray)
    assert repr(lent) == repr(found) == repr(expected)
    for gauge in (found, lent.cpu(), hull.gauge(queries, Lent(points.mean(axis=0)))):
        assert np.allclose(gauge.values, expected.values, rtol=1e-7)
        assert gauge.device == gauge.ray.device == "cuda:0"
    with pytest.raises(ValueError, match="queries must be in the host's memory like the hull"):
        Hull(points).gauge(Lent(queries))


def test_supports_agree_with_the_cpu(data):
    points, queries = data
    found, expected = (Hull(points, device=d).support(queries) for d in ("cuda", "cpu"))
    assert np.allclose(found.values, expected.values, rtol=1e-12, atol=0)
    assert np.array_equal(found.indices, expected.indices)
    assert (found.indices.dtype, found.device) == (np.int64, "cuda:0")


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.float16, np.int64])
def test_types_of_elements(small, dtype):
    points, queries = ((8 * x).astype(dtype) for x in small)
    found = Hull(points, device="cuda").project(queries)
    assert_agrees(points, queries, found, Hull(points).project(queries))


def test_vertices(small):
    points = np.vstack([small[0], small[0][:5]])
    hull = Hull(points, device="cuda")
    found = hull.vertices()
    assert np.array_equal(found.indices, Hull(points).vertices().indices)
    assert found.device == "cuda:0"
    assert_vertices(Hull(points), found)


def test_coarse_tolerances(small):
    points, queries = small
    for tolerance in (0.0, 1e-3, 0.3):
        found, expected = (
            Hull(points, device=d).contains(queries, tolerance=tolerance) for d in ("cuda", "cpu")
        )
        clear = (found.status != Status.UNDECIDED) & (expected.status != Status.UNDECIDED)
        checked = certificates.check(points, queries, found, tolerance=tolerance)
        assert checked[clear].all()
        assert found.certificate.tolerance == pytest.approx(expected.certificate.tolerance)


@pytest.mark.parametrize("scale", [1e-150, 1e-20, 1e20, 1e150])
def test_any_scale(small, scale):
    points, queries = (scale * x for x in small)
    found = Hull(points, device="cuda").project(queries)
    assert_agrees(points, queries, found, Hull(points).project(queries))


def test_single_points_and_no_queries(devices):
    hull = Hull([[1.0, 2.0]], device="cuda")
    assert np.allclose(hull.project([[4.0, 6.0]]).distances, 5.0, rtol=1e-9)
    assert hull.contains([[1.0, 2.0]]).inside.all()
    for found in (hull.project(np.empty((0, 2))), hull.contains(np.empty((0, 2)))):
        assert len(found) == 0
        assert getattr(found, "certificate", found).weights.shape == (0, 1)
    lent = hull.project(Lent(np.empty((0, 2))))
    assert len(lent) == len(lent.cpu()) == 0
    assert len(hull.support(np.empty((0, 2)))) == 0


def test_arrays_on_the_device_stay_there(small, devices):
    points, queries = small
    name = devices[-1].name
    hull = Hull(Lent(points, name))
    assert hull.device == name
    assert repr(hull) == f"Hull(n_points=60, n_features=4, device='{name}')"
    for operation in ("project", "contains"):
        found = getattr(hull, operation)(Lent(queries, name))
        expected = getattr(Hull(points), operation)(queries)
        assert repr(found) == repr(expected)
        assert found.n_undecided == expected.n_undecided
        assert isinstance(found.status, DeviceArray)
        proof = getattr(found, "certificate", found)
        assert isinstance(proof.weights, DeviceCsr)
        for array in (found.status, proof.normals, proof.weights.data, proof.weights.indptr):
            assert array.device == name
        assert certificates.check(hull.points, Lent(queries, name), found).all()
        back = found.cpu()
        assert back.device == name
        assert isinstance(getattr(back, "certificate", back).weights, sparse.csr_array)
        assert_agrees(points, queries, back, expected)
    assert np.array_equal(found.inside.numpy(), expected.inside)
    assert found.inside.dtype == bool
    proofs = certificates.prove(hull.points, Lent(queries, name), found)
    assert np.array_equal(proofs, certificates.prove(points, queries, expected))
    support = hull.support(Lent(queries, name))
    assert isinstance(support.values, DeviceArray)
    assert np.array_equal(support.cpu().indices, Hull(points).support(queries).indices)


def test_points_and_queries_may_be_on_different_sides(small):
    points, queries = small
    expected = Hull(points).project(queries)
    found = Hull(Lent(points)).project(queries)
    assert isinstance(found.points, np.ndarray)
    assert_agrees(points, queries, found, expected)
    found = Hull(points, device="cuda").project(Lent(queries))
    assert isinstance(found.points, DeviceArray)
    assert_agrees(points, queries, found.cpu(), expected)


def test_answers_of_a_device_can_be_asked_about(small):
    points, queries = small
    hull = Hull(Lent(points))
    nearest = hull.project(Lent(queries)).points
    assert hull.contains(nearest, tolerance=1e-6).cpu().inside.all()


def test_the_device_that_is_asked_for(small, devices):
    points, _ = small
    assert Hull(points, device="auto").device == "cuda:0"
    assert Hull(points, device="cuda").device == "cuda:0"
    assert Hull(points).device == Hull(Lent(points), device="cpu").device == "cpu"
    last = devices[-1].name
    for device in (None, "cuda", "auto", last):
        assert Hull(Lent(points, last), device=device).device == last
    moved = Hull(Lent(points, last), device="cuda:0")
    assert moved.device == "cuda:0"
    assert moved.contains(points).inside.all()


def test_points_are_those_that_were_given(small):
    points, _ = small
    lent = Lent(points)
    assert Hull(lent).points is lent
    seen = Hull(points, device="cuda").points
    assert np.shares_memory(seen, points)
    assert not seen.flags.writeable


def test_pickles_keep_the_device(small, devices):
    points, queries = small
    name = devices[-1].name
    hull = Hull(Lent(points, name), memory_limit=1 << 28)
    copy = pickle.loads(pickle.dumps(hull))  # noqa: S301 - made here
    assert copy.device == name
    assert copy._set.memory_limit == 1 << 28
    assert np.array_equal(copy.points, points)
    assert np.array_equal(copy.project(queries).distances, hull.project(queries).distances)


def test_less_memory_gives_the_same_answers(devices):
    """Queries come in pieces, and at last the points do, before there is too little to work."""
    generator = np.random.default_rng(5)
    points, queries = generator.normal(size=(1500, 12)), generator.normal(size=(20, 12))
    expected = Hull(points, device="cuda").project(queries)
    lent = Lent(queries)
    streamed = []
    for limit in 2 ** np.arange(22, 10, -1):
        try:
            hull = Hull(points, device="cuda", memory_limit=limit)
            found = hull.project(queries)
        except MemoryError:
            break
        streamed.append(hull._set.core.is_streamed)
        assert hull._set.core.memory_limit == limit
        assert_agrees(points, queries, found, expected)
        assert_agrees(points, queries, hull.project(lent).cpu(), expected)
    assert not streamed[0]
    assert streamed[-1]
    with pytest.raises(MemoryError):
        Hull(points, device="cuda", memory_limit=1).project(queries)


def test_messages_count_rows_over_pieces(small):
    points, queries = small
    bad = np.tile(queries, (5, 1))
    bad[73, 2] = np.inf
    hull = Hull(points, device="cuda", memory_limit=2**18)
    with pytest.raises(ValueError, match=r"queries must be finite, got inf at \[73, 2\]"):
        hull.contains(bad)


def test_runs_are_alike(small):
    points, queries = small
    hull = Hull(points, device="cuda")
    first, second = hull.project(queries), Hull(points, device="cuda").project(queries)
    for name in ("points", "distances", "normals", "gaps", "status"):
        assert np.array_equal(getattr(first, name), getattr(second, name)), name
    assert (first.weights != second.weights).nnz == 0
    alone = hull.project(queries[3:4])
    assert np.array_equal(alone.distances, first.distances[3:4])


@pytest.mark.parametrize(
    ("name", "call"),
    [
        ("coreset", lambda hull: hull.coreset(0.1)),
        ("add", lambda hull: hull.add(np.eye(4))),
        ("facets", lambda hull: hull.facets),
        ("volume", lambda hull: hull.volume),
        ("hull_distance", lambda hull: hullspace.hull_distance(hull, np.eye(4))),
        ("hull_distance", lambda hull: hullspace.hull_distance(np.eye(4), hull)),
    ],
)
def test_what_no_device_does(small, name, call):
    hull = Hull(small[0], device="cuda")
    message = f'{name} runs on the CPU alone, but the hull is on cuda:0; use Hull.*device="cpu"'
    with pytest.raises(NotImplementedError, match=message):
        call(hull)
    call(Hull(hull.points, device="cpu"))


def test_misuse(small, devices):
    points, queries = small
    hull = Hull(points, device="cuda")
    with pytest.raises(ValueError, match="method 'facets' needs device='cpu', got 'cuda:0'"):
        Hull(points, device="cuda", method="facets")
    for wrap in (np.asarray, Lent):
        with pytest.raises(ValueError, match=r"queries must have 4 columns.*\(20, 3\)"):
            hull.project(wrap(queries[:, :3]))
        with pytest.raises(ValueError, match=r"directions must be two-dimensional.*\(4,\)"):
            hull.support(wrap(queries[0]))
        with pytest.raises(ValueError, match="at least one row"):
            Hull(wrap(points[:0]), device="cuda")
        bad = np.where(np.arange(4) == 2, np.nan, queries)
        with pytest.raises(ValueError, match=r"queries must .*finite"):
            hull.contains(wrap(bad))
        with pytest.raises(ValueError, match=r"points must .*finite"):
            Hull(wrap(bad), device="cuda")
    with pytest.raises(ValueError, match=r"origins must have one row or as many.*\(20\), got 2"):
        hull.ray(points[:2], queries)
    with pytest.raises(ValueError, match="directions must not be zero"):
        hull.ray(points[:1], 0.0 * queries)
    with pytest.raises(ValueError, match="queries must be a float32 or float64 array"):
        hull.project(Lent(queries.astype(int)))
    with pytest.raises(ValueError, match="must be in the host's memory like the hull"):
        Hull(points).project(Lent(queries))
    with pytest.raises(ValueError, match="tolerance must be at least 0"):
        hull.project(queries, tolerance=-1.0)
    with pytest.raises(ValueError, match="n_threads must be a positive"):
        hull.project(queries, n_threads=0)
    if len(devices) > 1:
        with pytest.raises(ValueError, match="queries must be on cuda:0, got an array on cuda:1"):
            hull.project(Lent(queries, "cuda:1"))


def test_one_hull_serves_many_threads(small):
    points, queries = small
    hull = Hull(points, device="cuda")
    expected = hull.project(queries).points
    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(lambda _: hull.project(queries).points, range(8)))
    assert all(np.array_equal(points, expected) for points in found)


def test_ctrl_c_ends_a_call_and_leaves_the_hull_usable(devices):
    # Memory for few queries at a time: an emulated device does not end a kernel.
    script = """
        import os, signal, threading, time
        import numpy as np
        from hullspace import Hull

        generator = np.random.default_rng(0)
        hull = Hull(generator.normal(size=(1000, 8)), device="cuda", memory_limit=200_000)
        queries = np.tile(0.3 * generator.normal(size=(1000, 8)), (200, 1))
        print(len(hull.project(queries[:1])), flush=True)
        threading.Timer(0.5, os.kill, (os.getpid(), signal.SIGINT)).start()
        start = time.perf_counter()
        try:
            hull.contains(queries)
            print("finished")
        except KeyboardInterrupt:
            print("interrupted" if time.perf_counter() - start < 5.0 else "late")
        print(len(hull.contains(queries[:3])))
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)],
        capture_output=True,
        text=True,
        timeout=300,
        env=os.environ,
        check=True,
    )
    assert done.stdout.split() == ["1", "interrupted", "3"]
