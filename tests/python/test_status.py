"""Outcomes: the numbers of the compiled core under names."""

import copy
import pickle
from enum import IntEnum

import numpy as np
import pytest

import hullspace
from hullspace import Status, _core


def test_every_outcome_of_the_core_has_its_name_and_number():
    of_core = {name: int(value) for name, value in _core.Status.__members__.items()}
    named = {status.name: status.value for status in Status}
    assert len(of_core) == 7
    assert of_core.items() <= named.items()
    assert {name: named[name] for name in named.keys() - of_core.keys()} == {
        "COMPLETE": 7,
        "REACHED": 8,
        "NOT_REACHED": 9,
    }


def test_outcomes_are_integers():
    assert issubclass(Status, IntEnum)
    assert Status.OUTSIDE == 2
    assert type(Status.OUTSIDE.value) is int
    assert Status(np.int8(2)) is Status.OUTSIDE
    assert repr(Status.OUTSIDE) == "<Status.OUTSIDE: 2>"
    assert (np.array([2, 1], np.int8) == Status.OUTSIDE).tolist() == [True, False]
    with pytest.raises(ValueError, match="10 is not a valid Status"):
        Status(10)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_outcomes_are_pickled_by_name_of_the_package(protocol):
    data = pickle.dumps(Status.LIMIT, protocol)
    assert b"hullspace.status" in data
    assert b"_core" not in data
    assert pickle.loads(data) is Status.LIMIT  # noqa: S301 - made above
    assert copy.deepcopy(Status.LIMIT) is Status.LIMIT


def test_results_hold_small_integers():
    square = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    hull = hullspace.Hull(square)
    found = hull.contains([[0.5, 0.5], [2.0, 2.0]])
    assert found.status.dtype == np.int8
    assert found.status.tolist() == [Status.INSIDE, Status.OUTSIDE]
    assert hullspace.hull_distance(square, square + 3.0).status is Status.OPTIMAL
    assert hullspace.Polyhedron([[1.0], [-1.0]], [0.0, -1.0]).chebyshev_center().status is (
        Status.EMPTY
    )
