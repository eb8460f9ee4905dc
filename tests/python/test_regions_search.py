"""How a search of regions stops, goes on and is kept; misuse gets an error that names it."""

import importlib.util
import os
import signal
import subprocess
import sys
import textwrap
import time

import numpy as np
import pytest

import hullspace
from hullspace import Polyhedron, ReluNetwork, Status
from network_cases import (
    COUNTS,
    arrangement,
    generic_rows,
    torch_network,
)
from region_oracles import as_set, rows_of

enumerate_regions = getattr(hullspace, "enumerate_regions", None)
BOX = (-1.0, 1.0)


@pytest.fixture(params=["vertices", "lp"])
def method(request):
    """The way of searching, both of which must give the same."""
    return request.param


def points_of(box, n, d, seed=1):
    """Random points of a box."""
    return np.random.default_rng(seed).uniform(*box, size=(n, d))


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
    from network_cases import torch_network

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
    Polyhedron(*rows_of(BOX, 3)),
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


def test_unbounded_regions_have_vertices_and_no_volume():
    everywhere = enumerate_regions(NETWORK)
    assert np.isfinite(everywhere.vertices(0)).all()
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


@pytest.mark.parametrize("method", ["vertices", "lp"])
def test_iteration_keeps_none(method):
    network = torch_network(3, 16, 16, 1)
    whole = enumerate_regions(network, BOX, method=method)
    batches = list(hullspace.iterate_regions(network, BOX, batch_size=100, method=method))
    assert [len(patterns) for patterns, _ in batches[:-1]] == [100] * 12
    assert as_set(np.concatenate([patterns for patterns, _ in batches])) == as_set(whole.patterns)
    for patterns, points in batches:
        assert np.array_equal(network.pattern(points), patterns)


def test_iteration_checks_its_arguments():
    with pytest.raises(ValueError, match=r"^batch_size must"):
        next(hullspace.iterate_regions(NETWORK, BOX, batch_size=0))
    with pytest.raises(ValueError, match=r"^domain"):
        next(hullspace.iterate_regions(NETWORK, (1, 0)))
