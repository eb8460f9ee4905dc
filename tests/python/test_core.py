"""The compiled core by itself: what it takes and what it returns, under the operations."""

import json
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest

import core_cases
from core_cases import SQUARE, STARTS, A, B, search
from hullspace import _core


def results():
    """One result of each kind."""
    hull, queries = _core.Hull(SQUARE, 1), np.array([[3.0, 0.5], [0.5, 0.5]])
    regions = search()
    batch = regions.run(100, 60.0, 1)
    return {
        "project": hull.project(queries, 1e-9, 1),
        "contains": hull.contains(queries, 1e-9, 1),
        "leave_one_out": hull.leave_one_out(1e-9, 1),
        "ray": hull.ray(np.full((1, 2), 0.5), np.eye(2), 1e-9, 1),
        "hull_distances": _core.hull_distances([(hull, hull)], 1e-9, 1),
        "chebyshev_centers": _core.chebyshev_centers(A, B, STARTS, 1),
        "maximize": _core.maximize(A, B, np.eye(2), 1),
        "irredundant": _core.irredundant(A, B, 1),
        "project_onto": _core.project_onto(A, B, STARTS, np.zeros(2, np.int64), queries, 1),
        "run": batch,
        "stream": batch.streams[0],
        "root": regions.root(),
        "open": search().open(),
        "shapes": regions.shapes(batch.patterns, True, 1),
        "boundary": regions.boundary(batch.patterns, 1),
    }


def attributes(result):
    return {name: getattr(result, name) for name in dir(result) if not name.startswith("_")}


def test_results_are_read_only_records():
    for result in results().values():
        for name, value in attributes(result).items():
            with pytest.raises(AttributeError):
                setattr(result, name, value)


def test_results_lend_their_arrays_without_a_copy():
    n_arrays = 0
    for result in results().values():
        parts = [result, *(v for v in attributes(result).values() if isinstance(v, _core.Csr))]
        for part in parts:
            for name, array in attributes(part).items():
                if isinstance(array, np.ndarray) and array.size:
                    n_arrays += 1
                    assert getattr(part, name) is array
                    # What owns the memory is what the core returned.
                    assert type(array.base).__name__ == "PyCapsule", (part, name)
    assert n_arrays > 50


def test_arrays_outlive_their_result():
    found = _core.Hull(SQUARE, 1).project(np.array([[3.0, 0.5]]), 1e-9, 1)
    points, weights = found.points, found.weights
    del found
    assert points == pytest.approx(np.array([[1.0, 0.5]]))
    assert weights.data.sum() == pytest.approx(1.0)
    assert weights.indptr.tolist() == [0, 2]


@pytest.fixture(scope="module")
def outcomes():
    """What became of each of the wrong calls, in a process of their own, which may crash."""
    command = [sys.executable, "-X", "faulthandler", str(Path(core_cases.__file__))]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    found = {name: rest for name, *rest in map(json.loads, done.stdout.splitlines())}
    assert done.returncode == 0, (list(found)[-1:], done.stderr)
    return found


@pytest.mark.parametrize("name", core_cases.CALLS)
def test_wrong_arguments_are_named(outcomes, name):
    word, _, *error = core_cases.CALLS[name]
    kinds, said = outcomes[name]
    assert word in said
    assert kinds[0] == (error[0].__name__ if error else "ArgumentError")
    assert error or "ValueError" in kinds


def run(script):
    """Run a script in a process of its own; how it ended and what it said last."""
    command = [sys.executable, "-X", "faulthandler", "-c", textwrap.dedent(script)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.returncode, done.stderr.strip().splitlines()[-1]


NETWORK = """
    import numpy as np
    from scipy import sparse

    import hullspace
    from hullspace.networks import Dense, ReluNetwork, Sparse, Stage, Term

    matrix = sparse.csr_array(np.eye(2))
    def network():
        first = Stage((Term(0, Sparse(matrix)),), np.zeros(2), np.zeros(2))
        last = Stage((Term(1, Dense(np.ones((1, 2)))),), np.zeros(1), np.ones(1))
        return ReluNetwork([first, last], (2,))
"""


@pytest.mark.parametrize("starts", [[0, 10**8, 2], [0, -(10**8), 2], [0, 2, 1]])
def test_a_network_with_rows_elsewhere_is_refused(starts):
    code, said = run(
        NETWORK
        + f"""
    matrix.indptr[:] = {starts}
    hullspace.enumerate_regions(network(), (-1, 1))
    """
    )
    assert code == 1
    assert "ArgumentError: row_starts must lead from 0" in said


def test_a_file_with_rows_elsewhere_is_refused(tmp_path):
    code, said = run(
        NETWORK
        + f"""
    from hullspace.networks import storage
    from hullspace.regions.found import fingerprint, write
    from hullspace.regions.search_space import SearchSpace
    path = {str(tmp_path / "regions.npz")!r}
    hullspace.enumerate_regions(network(), (-1, 1)).save(path)
    arrays = dict(np.load(path))
    (name,) = (name for name in arrays if name.endswith("0.0.indptr"))
    arrays[name][1] = 10**8
    prefix = name.removesuffix("0.0.indptr")
    own = {{k.removeprefix(prefix): v for k, v in arrays.items() if k.startswith(prefix)}}
    space = SearchSpace.from_arrays(arrays)
    arrays["fingerprint"] = np.array(fingerprint(storage.from_arrays(own), space))
    del arrays["digest"]  # written anew
    write(path, arrays)
    try:
        hullspace.regions.RegionComplex.load(path)
    except ValueError as error:
        raise error.__cause__
    """
    )
    assert code == 1
    assert "ArgumentError: row_starts must lead from 0" in said
