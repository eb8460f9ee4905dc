"""What is searched for in pixels: flips, to any or to given classes, and images of features."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from hullspace.pixels import Flip, flip, invert

if TYPE_CHECKING:
    from hullspace.comparison.problem import Problem
    from hullspace.partition import BoundaryPoints

_Ints = npt.NDArray[np.int64]

# Of the steps and starts that `flip` makes by default these take a third to a sixth of the time
# and end 1 or 2 % farther away.
_STEPS = 50
_INVERSION_STEPS = 150
_STARTS, _STARTS_TO_A_CLASS = 2, 1


@dataclass(frozen=True)
class Inverted:
    """Images of the flip points in features of some of the sample.

    Attributes
    ----------
    places : (n,) int64
        Where in the sample these are.
    images : (n, ...) array
        What was found.
    status : (n,) int8
        REACHED or NOT_REACHED.
    """

    places: _Ints
    images: npt.NDArray[Any]
    status: npt.NDArray[np.int8]


def find_flips(problem: Problem, rows: _Ints, to: _Ints | None = None) -> Flip:
    """Look for the nearest flips of some test images, to any class or to one for each."""
    return flip(
        problem.space,
        problem.images[rows],
        "nearest" if to is None else to,
        bounds=problem.bounds,
        max_steps=_STEPS,
        n_starts=_STARTS if to is None else _STARTS_TO_A_CLASS,
        random_state=problem.random_state,
    )


def invert_points(problem: Problem, points: BoundaryPoints) -> Inverted:
    """Look for images whose features are flip points, starting from the test images."""
    places = problem.few[np.isfinite(points.distances[problem.few])]
    start = problem.images[problem.rows[places]]
    if not len(places):
        return Inverted(places, start, np.zeros(0, np.int8))
    found = invert(
        problem.space,
        points.points[places],
        start,
        bounds=problem.bounds,
        max_steps=_INVERSION_STEPS,
        random_state=problem.random_state,
    )
    return Inverted(places, np.asarray(found.images), found.status)
