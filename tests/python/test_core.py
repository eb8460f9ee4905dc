"""The compiled core by itself: what it takes and what it returns, under the operations."""

import numpy as np
import pytest

from hullspace import _core

SQUARE = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
# x <= 1, -x <= 1, y <= 1, -y <= 1
A = np.array([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, -1.0]])
B = np.ones(4)
STARTS = np.array([0, 4])


def network():
    """max(x, 0) + max(y, 0) of two inputs."""
    stages = [
        ([("dense", 0, np.eye(2))], np.zeros(2), np.zeros(2)),
        ([("dense", 1, np.ones((1, 2)))], np.zeros(1), np.ones(1)),
    ]
    return _core.ReluNetwork(2, stages)


def search():
    return _core.RegionSearch(network(), np.eye(2), np.zeros(2), A, B, True, True)


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
