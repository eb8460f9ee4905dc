"""What a complex of linear regions tells of them, how a search stops and goes on, and misuse."""

import importlib.util
import os
import signal
import subprocess
import sys
import textwrap
import time

import numpy as np
import pytest
from scipy import sparse

import hullspace
from hullspace import Polyhedron, ReluNetwork, Status
from hullspace.networks import unpack
from region_cases import (
    COUNTS,
    arrangement,
    generic_count,
    generic_rows,
    integer_network,
    leaky,
    random_network,
    residual_network,
    torch_network,
    trained_on_moons,
)
from region_slow import adjacent, as_set, box_rows, exact_patterns, packed_set

enumerate_regions = getattr(hullspace, "enumerate_regions", None)
BOX = (-1.0, 1.0)
METHODS = pytest.mark.parametrize("method", ["vertices", "lp"])


def networks():
    """Small networks of several kinds, each with a box."""
    generator = np.random.default_rng(0)
    return {
        "one input": (random_network(generator, 1, 6, 5, 2), BOX),
        "plane": (random_network(generator, 2, 6, 5, 3), BOX),
        "space": (random_network(generator, 3, 5, 3, 3), BOX),
        "four inputs": (random_network(generator, 4, 5, 2), BOX),
        "integers": (integer_network(generator, 2, 7, 4, 3), BOX),
        "leaky": (leaky(random_network(generator, 2, 6, 5, 3), 0.1), BOX),
        "long box": (random_network(generator, 2, 6, 5, 3), ([-3.0, 0.5], [2.0, 0.75])),
    }


CASES = pytest.mark.parametrize("name", networks())


@pytest.fixture(params=["vertices", "lp"])
def method(request):
    """The way of searching, both of which must give the same."""
    return request.param


def points_of(box, n, d, seed=1):
    """Random points of a box."""
    return np.random.default_rng(seed).uniform(*box, size=(n, d))


@CASES
def test_patterns_and_interior_points(name, method):
    network, box = networks()[name]
    found = enumerate_regions(network, box, method=method)
    assert found.status == Status.COMPLETE
    assert found.method == method
    assert found.network is network
    assert found.patterns.dtype == np.uint8
    assert found.patterns.shape == (len(found), -(-network.n_hidden // 8))
    assert found.interior_points.shape == (len(found), network.n_inputs)
    assert found.interior_points.dtype == np.float64
    assert np.array_equal(network.pattern(found.interior_points), found.patterns)
    for i, point in enumerate(found.interior_points):
        region = found.polyhedron(i)
        assert (region.A @ point < region.b).all()
    assert as_set(found.patterns) == packed_set(exact_patterns(network, *box))


@CASES
def test_inradii(name, method):
    network, box = networks()[name]
    found = enumerate_regions(network, box, method=method)
    expected = [found.polyhedron(i).chebyshev_center().radius for i in range(len(found))]
    assert found.inradii.shape == (len(found),)
    np.testing.assert_allclose(found.inradii, expected, rtol=1e-8)


def test_inradii_of_unbounded_regions(method):
    network = arrangement([[1, 0], [1, 0], [0, 1]], [0, 1, 0])
    found = enumerate_regions(network, method=method)
    assert sorted(found.inradii.tolist()) == [0.5, 0.5, *[np.inf] * 4]
    assert np.isfinite(found.interior_points).all()


@CASES
def test_affine_maps(name, method):
    network, box = networks()[name]
    found = enumerate_regions(network, box, method=method)
    for i, point in enumerate(found.interior_points):
        matrix, offset = found.affine_map(i)
        assert matrix.shape == (network.n_outputs, network.n_inputs)
        assert offset.shape == (network.n_outputs,)
        np.testing.assert_allclose(matrix @ point + offset, network(point[None])[0], atol=1e-9)


@CASES
def test_polyhedra_hold_exactly_the_points_with_their_pattern(name, method):
    network, box = networks()[name]
    found = enumerate_regions(network, box, method=method)
    points = points_of(box, 300, network.n_inputs)
    patterns = network.pattern(points)
    for i in range(len(found)):
        region = found.polyhedron(i)
        assert region.irredundant().indices.tolist() == list(range(region.n_constraints))
        same = (patterns == found.patterns[i]).all(axis=1)
        assert np.array_equal(region.contains(points, tolerance=0.0), same)


@CASES
def test_vertices(name, method):
    network, box = networks()[name]
    found = enumerate_regions(network, box, method=method)
    for i in range(len(found)):
        region, vertices = found.polyhedron(i), found.vertices(i)
        assert region.contains(vertices).all()
        expected = region.vertices()
        assert len(vertices) == len(expected)
        distances = np.linalg.norm(vertices[:, None] - expected[None], axis=2)
        assert distances.min(axis=1).max() < 1e-7
        assert distances.min(axis=0).max() < 1e-7


@CASES
def test_volumes_add_up(name, method):
    network, box = networks()[name]
    found = enumerate_regions(network, box, method=method)
    whole = np.prod(np.broadcast_to(np.subtract(*box[::-1]), network.n_inputs))
    assert found.volumes.shape == (len(found),)
    assert (found.volumes > 0).all()
    assert abs(found.volumes.sum() - whole) <= 1e-9 * whole


@pytest.mark.parametrize("widths", [(2, 16, 16, 1), (3, 16, 16, 1)])
def test_volumes_of_larger_networks_add_up(widths):
    found = enumerate_regions(torch_network(*widths), BOX)
    assert abs(found.volumes.sum() - 2.0 ** widths[0]) <= 1e-9 * 2.0 ** widths[0]


@CASES
def test_adjacency(name, method):
    network, box = networks()[name]
    found = enumerate_regions(network, box, method=method)
    graph = found.adjacency()
    assert sparse.issparse(graph)
    assert graph.format == "csr"
    assert graph.shape == (len(found), len(found))
    bits = unpack(found.patterns, network.n_hidden)
    assert np.array_equal(graph.toarray().astype(bool), adjacent(network, bits, *box))


def test_adjacency_in_all_space(method):
    network = random_network(np.random.default_rng(2), 2, 5, 3, 1)
    found = enumerate_regions(network, method=method)
    bits = unpack(found.patterns, network.n_hidden)
    assert np.array_equal(found.adjacency().toarray().astype(bool), adjacent(network, bits))


def test_adjacency_of_a_grid(method):
    """A 3 x 3 grid of lines: corners do not count, copies of a line do not hide facets."""
    normals = np.repeat(np.eye(2), 3, axis=0)
    network = arrangement(np.vstack([normals, -normals]), np.tile([-0.5, 0.0, 0.5], 4))
    graph = enumerate_regions(network, BOX, method=method).adjacency()
    assert graph.shape == (16, 16)
    assert sorted(graph.astype(int).sum(axis=1).tolist()) == [2] * 4 + [3] * 8 + [4] * 4


@CASES
def test_labels(name, method):
    network, box = networks()[name]
    found = enumerate_regions(network, box, method=method)
    assert found.labels.dtype == np.int64
    for i, label in enumerate(found.labels):
        matrix, offset = found.affine_map(i)
        values = found.vertices(i) @ matrix.T + offset
        best = values >= values.max(axis=1, keepdims=True) - 1e-9
        if label >= 0:
            assert best[:, label].all()
        else:
            assert not best.all(axis=0).any()
    points = points_of(box, 500, network.n_inputs)
    labels = found.labels[found.find(points)]
    assert np.array_equal(labels[labels >= 0], network(points).argmax(axis=1)[labels >= 0])


def test_labels_of_a_classifier(method):
    network = trained_on_moons(8, 8)
    found = enumerate_regions(network, (-2.0, 3.0), method=method)
    assert set(found.labels) == {-1, 0, 1}
    labels = found.labels[found.find(points_of((-2.0, 3.0), 2000, 2))]
    assert (labels >= 0).mean() > 0.3


@CASES
def test_find(name, method):
    network, box = networks()[name]
    found = enumerate_regions(network, box, method=method)
    assert found.find(found.interior_points).tolist() == list(range(len(found)))
    points = points_of(box, 500, network.n_inputs)
    places = found.find(points)
    assert np.issubdtype(places.dtype, np.integer)
    assert np.array_equal(found.patterns[places], network.pattern(points))
    assert found.find(points[:1] + 100.0).tolist() == [-1]
    assert found.find(np.zeros((0, network.n_inputs))).shape == (0,)


def test_find_in_an_incomplete_complex(method):
    network = torch_network(2, 16, 16, 1)
    found = enumerate_regions(network, BOX, max_regions=20, method=method)
    points = points_of(BOX, 500, 2)
    known = {bytes(row): i for i, row in enumerate(found.patterns)}
    expected = [known.get(bytes(row), -1) for row in network.pattern(points)]
    assert found.find(points).tolist() == expected
    assert -1 in expected


def test_forms_of_the_domain(method):
    network = torch_network(2, 10, 5, 1)
    sides = Polyhedron(*box_rows(-1.0, 1.0, 2))
    domains = [
        BOX, (-1, 1), ([-1, -1], [1, 1]), (np.full(2, -1.0), 1.0), [-1.0, 1.0], sides,
        (np.float32(-1), np.ones(2, np.float32)),
    ]  # fmt: skip
    for domain in domains:
        found = enumerate_regions(network, domain, method=method)
        assert len(found) == COUNTS[2, 10, 5, 1][1]
        assert isinstance(found.domain, Polyhedron)
        assert found.domain.contains([[0.99, -0.99], [1.01, 0.0]]).tolist() == [True, False]
    assert enumerate_regions(network, method=method).domain is None


@pytest.mark.parametrize(("A", "b"), [
    ([[-1, 0], [0, -1], [1, 1]], [1, 1, 1]),  # a triangle
    ([[-1, 0.2], [0.1, -1]], [0.3, 0.2]),  # a wedge, unbounded
    ([[1, 0], [-1, 0]], [0.5, 0.25]),  # a strip, without vertices
    ([[1, 1]], [0.1]),  # a half-plane
    ([[1, 0], [1, 0], [1, 1], [0, 0], [-1, 0], [0, 1], [0, -1]], [1, 2, 50, 0, 1, 1, 1]),
    (np.zeros((0, 2)), []),
])  # fmt: skip
def test_polyhedral_domains(A, b, method):
    """As many regions as of the network with the domain's rows for units, where these are off."""
    first, second = generic_rows(np.random.default_rng(4), 7, 2)
    network = arrangement(first, second)
    found = enumerate_regions(network, Polyhedron(A, b), method=method)
    assert found.status == Status.COMPLETE
    A, b = np.asarray(A, float), np.asarray(b, float)
    more = arrangement(np.vstack([first, A]), np.append(second, -b))
    bits = exact_patterns(more)
    inside = bits[~bits[:, 7:].any(axis=1), :7]
    assert as_set(found.patterns) == packed_set(inside)
    for i, point in enumerate(found.interior_points):
        assert (A @ point <= b).all()
        region = found.polyhedron(i)
        assert region.irredundant().indices.tolist() == list(range(region.n_constraints))
        assert (region.A @ point < region.b).all()


def test_domain_with_equalities(method):
    """A plane of R^3: the regions are those of the network of the plane's coordinates."""
    network = random_network(np.random.default_rng(5), 3, 6, 4, 2)
    A, b = box_rows(-1.0, 1.0, 3)
    domain = Polyhedron(A, b, ([[0.0, 0.0, 2.0]], [0.5]))
    found = enumerate_regions(network, domain, method=method)
    first = network.stages[0].terms[0].operator.matrix
    arrays = [[s.terms[0].operator.matrix, s.bias] for s in network.stages]
    arrays[0] = [first[:, :2], network.stages[0].bias + 0.25 * first[:, 2]]
    plane = ReluNetwork.from_arrays(*zip(*arrays, strict=True))
    assert as_set(found.patterns) == packed_set(exact_patterns(plane, *BOX))
    assert np.allclose(found.interior_points[:, 2], 0.25, rtol=0, atol=1e-12)
    assert np.array_equal(network.pattern(found.interior_points), found.patterns)
    assert len(found.polyhedron(0).E) == 1


def test_all_space(method):
    network = random_network(np.random.default_rng(6), 3, 5, 3, 1)
    found = enumerate_regions(network, method=method)
    assert as_set(found.patterns) == packed_set(exact_patterns(network))
    assert np.array_equal(network.pattern(found.interior_points), found.patterns)
    points = 10.0 * np.random.default_rng(7).normal(size=(500, 3))
    assert np.array_equal(found.patterns[found.find(points)], network.pattern(points))


def test_methods_agree_on_networks_with_skips(method):
    network = residual_network(np.random.default_rng(8), 2, 6)
    found = enumerate_regions(network, BOX, method=method)
    assert np.array_equal(network.pattern(found.interior_points), found.patterns)
    assert abs(found.volumes.sum() - 4.0) <= 4e-9
    other = enumerate_regions(network, BOX, method="lp" if method == "vertices" else "vertices")
    assert as_set(found.patterns) == as_set(other.patterns)


def test_more_inputs_than_vertices_can_serve():
    network = arrangement(*generic_rows(np.random.default_rng(9), 9, 16))
    found = enumerate_regions(network, BOX)
    assert found.method == "lp"
    assert len(found) <= generic_count(9, 16)
    everywhere = enumerate_regions(network)
    assert len(everywhere) == 2**9
    assert as_set(found.patterns) <= as_set(everywhere.patterns)


def test_limit_of_regions_and_resuming(method):
    network = torch_network(2, 16, 16, 1)
    whole = enumerate_regions(network, BOX, method=method)
    assert len(whole.frontier) == 0
    for limit in (1, 20, len(whole) - 1):
        found = enumerate_regions(network, BOX, max_regions=limit, method=method)
        assert found.status == Status.LIMIT
        assert len(found) == limit
        assert len(found.frontier) > 0
        assert as_set(found.patterns) < as_set(whole.patterns)
        again = found.resume()
        assert again.status == Status.COMPLETE
        assert as_set(again.patterns) == as_set(whole.patterns)
    enough = enumerate_regions(network, BOX, max_regions=len(whole) + 1, method=method)
    assert enough.status == Status.COMPLETE


def test_resuming_in_small_steps(method):
    network = torch_network(2, 10, 5, 1)
    found = enumerate_regions(network, max_regions=25, method=method)
    while found.status == Status.LIMIT:
        before = as_set(found.patterns)
        found = found.resume(max_regions=len(found) + 25)
        assert before < as_set(found.patterns)
    assert len(found) == COUNTS[2, 10, 5, 1][0]


def test_limit_of_time(method):
    network = torch_network(5, 64, 64, 64, 1)
    start = time.perf_counter()
    found = enumerate_regions(network, BOX, time_limit=0.3, method=method)
    assert time.perf_counter() - start < 3.0
    assert found.status == Status.LIMIT
    assert len(found.frontier) > 0
    assert np.array_equal(network.pattern(found.interior_points), found.patterns)
    small = enumerate_regions(torch_network(2, 10, 5, 1), BOX, time_limit=0.0, method=method)
    again = small if small.status == Status.COMPLETE else small.resume()
    assert len(again) == COUNTS[2, 10, 5, 1][1]


def test_an_incomplete_search_never_claims_to_be_complete(method):
    network = torch_network(2, 10, 5, 1)
    found = enumerate_regions(network, BOX, max_regions=10, method=method, verify=True)
    assert found.status == Status.LIMIT
    assert not found.verify().complete


@pytest.mark.parametrize("n_threads", [1, 2])
@pytest.mark.parametrize("domain", [None, BOX])
def test_verify(domain, n_threads, method):
    network = torch_network(2, 10, 5, 1)
    found = enumerate_regions(network, domain, method=method, n_threads=n_threads, verify=True)
    assert found.check.complete is True
    assert found.verify().complete is True
    resumed = enumerate_regions(network, domain, max_regions=10, method=method).resume()
    assert resumed.verify().complete is True


@pytest.mark.parametrize("domain", [None, BOX])
def test_threads_do_not_change_the_result(domain, method):
    network = torch_network(3, 12, 8, 2)
    one, two, default = (
        enumerate_regions(network, domain, method=method, n_threads=n) for n in (1, 2, None)
    )
    for other in (two, default):
        assert np.array_equal(one.patterns, other.patterns)
        assert np.array_equal(one.interior_points, other.interior_points)


@pytest.mark.parametrize("domain", [None, BOX])
def test_save_and_load(domain, method, tmp_path):
    network = torch_network(2, 10, 5, 1)
    for limit in (None, 12):
        found = enumerate_regions(network, domain, method=method, max_regions=limit)
        found.save(tmp_path / "regions.npz")
        again = hullspace.RegionComplex.load(tmp_path / "regions.npz")
        assert np.array_equal(again.patterns, found.patterns)
        assert np.array_equal(again.interior_points, found.interior_points)
        assert np.array_equal(again.inradii, found.inradii)
        assert (again.status, again.method) == (found.status, found.method)
        points = points_of(BOX, 50, 2)
        assert np.array_equal(again.find(points), found.find(points))
        assert np.array_equal(again.network(points), network(points))
        if limit:
            assert as_set(again.resume().patterns) == as_set(found.resume().patterns)
        else:
            assert again.verify().complete is True


def test_load_of_something_else(tmp_path):
    np.savez(tmp_path / "other.npz", rows=np.eye(2))
    with pytest.raises(ValueError, match="path"):
        hullspace.RegionComplex.load(tmp_path / "other.npz")
    with pytest.raises(FileNotFoundError):
        hullspace.RegionComplex.load(tmp_path / "missing.npz")


def test_parquet(tmp_path):
    found = enumerate_regions(torch_network(2, 10, 5, 1), BOX)
    path = tmp_path / "regions.parquet"
    if importlib.util.find_spec("pyarrow") is None:
        with pytest.raises(ImportError, match=r"pyarrow.*pip install"):
            found.to_parquet(path)
        return
    found.to_parquet(path)
    table = importlib.import_module("pyarrow.parquet").read_table(path)
    assert table.num_rows == len(found)


SLOW_SEARCH = """
    import os, signal, sys, threading, time
    import hullspace
    from region_cases import torch_network

    network = torch_network(*WIDTHS)
    sent = []

    def interrupt():
        time.sleep(1.0)
        sent.append(time.perf_counter())
        os.kill(os.getpid(), signal.SIGINT)

    if INTERRUPT:
        threading.Thread(target=interrupt).start()
    try:
        hullspace.enumerate_regions(
            network, (-1.0, 1.0), checkpoint=sys.argv[1], method="METHOD", n_threads=1
        )
        print("finished")
    except KeyboardInterrupt as error:
        print("interrupted", time.perf_counter() - sent[0])
        print(int(error.complex.status), len(error.complex))
"""


def script(widths, method, interrupt):
    """The command of a search with a checkpoint, less the checkpoint's path."""
    text = textwrap.dedent(SLOW_SEARCH).replace("WIDTHS", repr(widths)).replace("METHOD", method)
    return [sys.executable, "-c", text.replace("INTERRUPT", repr(interrupt))]


def environment():
    """The environment, with this folder's modules."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}


def test_a_killed_search_goes_on_from_its_checkpoint(method, tmp_path):
    widths = (4, 32, 24, 1) if method == "vertices" else (3, 24, 16, 1)
    path = tmp_path / "search.checkpoint"
    search = subprocess.Popen([*script(widths, method, False), str(path)], env=environment())
    try:
        end = time.monotonic() + 60
        while not path.exists() and search.poll() is None and time.monotonic() < end:
            time.sleep(0.01)
        time.sleep(0.2)
    finally:
        search.send_signal(signal.SIGKILL)
        search.wait()
    assert path.exists()
    network = torch_network(*widths)
    found = enumerate_regions(network, BOX, checkpoint=path, method=method)
    assert found.status == Status.COMPLETE
    whole = enumerate_regions(network, BOX, method=method)
    assert as_set(found.patterns) == as_set(whole.patterns)
    # What is complete is read, not searched again.
    assert len(enumerate_regions(network, BOX, checkpoint=path, method=method)) == len(whole)


def test_ctrl_c_keeps_what_was_found(method, tmp_path):
    widths = (5, 64, 64, 64, 1)
    path = tmp_path / "search.checkpoint"
    done = subprocess.run(
        [*script(widths, method, True), str(path)],
        env=environment(), capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    first, second = done.stdout.splitlines()
    word, seconds = first.split()
    assert word == "interrupted"
    assert float(seconds) < 1.0
    status, count = map(int, second.split())
    assert status == Status.LIMIT
    assert count > 0
    network = torch_network(*widths)
    found = enumerate_regions(network, BOX, checkpoint=path, method=method, max_regions=count + 10)
    assert found.status == Status.LIMIT
    assert len(found) == count + 10
    assert len(as_set(found.patterns)) == count + 10


def test_a_limited_search_goes_on_from_its_checkpoint(method, tmp_path):
    network = torch_network(2, 10, 5, 1)
    path = tmp_path / "search.checkpoint"
    options = {"checkpoint": path, "method": method}
    assert len(enumerate_regions(network, BOX, max_regions=10, **options)) == 10
    found = enumerate_regions(network, BOX, **options)
    assert found.status == Status.COMPLETE
    assert len(found) == COUNTS[2, 10, 5, 1][1]


def test_checkpoint_of_another_search(tmp_path):
    path = tmp_path / "search.checkpoint"
    network = torch_network(2, 10, 5, 1)
    enumerate_regions(network, BOX, checkpoint=path, max_regions=5)
    with pytest.raises(ValueError, match=r"^checkpoint "):
        enumerate_regions(torch_network(2, 10, 6, 1), BOX, checkpoint=path)
    with pytest.raises(ValueError, match=r"^checkpoint "):
        enumerate_regions(network, (-2.0, 2.0), checkpoint=path)
    path.write_bytes(b"something else")
    with pytest.raises(ValueError, match=r"^checkpoint "):
        enumerate_regions(network, BOX, checkpoint=path)
    assert path.read_bytes() == b"something else"


NETWORK = ReluNetwork.from_arrays([np.eye(2), np.ones((1, 2))], [np.zeros(2), [0.0]])
BAD_DOMAINS = [
    1.0,
    "box",
    (1.0,),
    (-1.0, 1.0, 2.0),
    (None, 1.0),
    ("a", "b"),
    (-1.0, 1.0j),
    (np.zeros(3), np.ones(3)),
    (np.zeros((2, 1)), np.ones((2, 1))),
    (np.zeros(2), np.ones(3)),
    (np.nan, 1.0),
    ([0.0, np.nan], 1.0),
    (-np.inf, 1.0),
    (1.0, -1.0),
    ([0.0, 2.0], [1.0, 1.0]),
    (0.5, 0.5),
    ([0.0, 1.0], [1.0, 1.0]),
    Polyhedron(*box_rows(-1.0, 1.0, 3)),
    Polyhedron([[1, 0], [-1, 0]], [-1, -1]),
    Polyhedron([[1, 0], [-1, 0]], [1, -1]),
    Polyhedron([[0, 0]], [-1]),
    Polyhedron(np.eye(2), [1, 1], (np.eye(2), [5, 5])),
]


@pytest.mark.parametrize("domain", BAD_DOMAINS)
def test_bad_domains(domain):
    with pytest.raises((TypeError, ValueError), match=r"^domain\b"):
        enumerate_regions(NETWORK, domain)


@pytest.mark.parametrize("domain", BAD_DOMAINS[-4:])
def test_empty_and_flat_domains_are_errors_of_value(domain):
    with pytest.raises(ValueError, match=r"^domain\b"):
        enumerate_regions(NETWORK, domain)


@pytest.mark.parametrize(("option", "values"), [
    ("max_regions", [0, -1, 1.5, True, "2"]),
    ("time_limit", [-1.0, np.nan, "2", True]),
    ("n_threads", [0, -1, 1.5, True, "2", 2**31]),
    ("method", ["qhull", "", None, 3]),
    ("checkpoint", [3, 1.5]),
])  # fmt: skip
def test_bad_options(option, values):
    for value in values:
        with pytest.raises((TypeError, ValueError), match=rf"^{option} must"):
            enumerate_regions(NETWORK, BOX, **{option: value})


def test_bad_networks():
    for value in (None, "network", np.eye(2), [np.eye(2)]):
        with pytest.raises(TypeError, match=r"^network must"):
            enumerate_regions(value, BOX)


def test_vertices_of_too_many_inputs():
    network = arrangement(*generic_rows(np.random.default_rng(10), 3, 40))
    with pytest.raises(ValueError, match=r"^method must"):
        enumerate_regions(network, BOX, method="vertices")


def test_bad_queries():
    found = enumerate_regions(NETWORK, BOX)
    for value in (np.zeros(2), np.zeros((1, 3)), [[0.0, np.nan]], "points", None):
        with pytest.raises((TypeError, ValueError), match=r"^points must"):
            found.find(value)
    for ask in (found.polyhedron, found.vertices, found.affine_map):
        assert str(ask(3)) == str(ask(-1))
        for index in (4, -5):
            with pytest.raises(IndexError, match=r"4 regions"):
                ask(index)


def test_questions_that_have_no_answer():
    everywhere = enumerate_regions(NETWORK)
    with pytest.raises(ValueError, match="unbounded"):
        everywhere.vertices(0)
    assert np.isinf(everywhere.volumes).all()


def test_repr():
    found = enumerate_regions(NETWORK, BOX)
    assert repr(found).startswith("RegionComplex(")
    assert "4" in repr(found)
    assert "COMPLETE" in repr(found)


def test_progress_goes_to_the_error_stream(capsys):
    assert len(enumerate_regions(NETWORK, BOX, progress=True)) == 4
    assert capsys.readouterr().out == ""
    assert len(enumerate_regions(NETWORK, BOX)) == 4
    assert capsys.readouterr() == ("", "")
