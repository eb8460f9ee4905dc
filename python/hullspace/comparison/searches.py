"""What is searched for in pixels: flips, to any or to given classes, and images of features."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from hullspace.pixels import Flip, flip, invert
from hullspace.status import Status

if TYPE_CHECKING:
    from hullspace.comparison.problem import Problem
    from hullspace.partition import BoundaryPoints

_Ints = npt.NDArray[np.int64]

# Of the steps and starts that `flip` makes by default these take a third to a sixth of the time
# and end 1 or 2 % farther away.
_STEPS = 50
_STARTS, _STARTS_TO_A_CLASS = 2, 1


@dataclass(frozen=True)
class Inverted:
    """Images of given features; those that were not looked for count as not reached."""

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
    """Look for images whose features are flip points, starting from the sample's images."""
    images = np.array(problem.images[problem.rows])
    status = np.full(len(images), Status.NOT_REACHED, np.int8)
    known = np.flatnonzero(np.isfinite(points.distances))
    if len(known):
        found = invert(
            problem.space,
            points.points[known],
            images[known],
            bounds=problem.bounds,
            random_state=problem.random_state,
        )
        images[known], status[known] = found.images, found.status
    return Inverted(images, status)
