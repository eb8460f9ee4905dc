"""What is searched for in pixels: flips, to any or to given classes, and images of features."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from hullspace.pixels import Flip, flip, invert
from hullspace.status import Status

if TYPE_CHECKING:
    from hullspace.comparison.problem import Problem

_Ints = npt.NDArray[np.int64]

# Of the steps and starts that `flip` makes by default these take a third to a sixth of the time
# and end 1 or 2 % farther away. What they do not reach is searched for again by default.
_STEPS = 50
_STARTS, _STARTS_TO_A_CLASS = 2, 1
_INVERSION_STEPS = 150


@dataclass(frozen=True)
class Flips:
    """Flips of a quick search and, where that failed, of a thorough one; as `pixels.Flip`."""

    images: npt.NDArray[Any]
    distances: npt.NDArray[np.float64]
    sources: _Ints
    targets: _Ints
    features: npt.NDArray[Any]
    status: npt.NDArray[np.int8]


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


def find_flips(problem: Problem, rows: _Ints, to: _Ints | None = None) -> Flips:
    """Look for the nearest flips of some test images, to any class or to one for each."""
    targets: Any = "nearest" if to is None else to
    starts = _STARTS if to is None else _STARTS_TO_A_CLASS
    quick = _flip(problem, rows, targets, max_steps=_STEPS, n_starts=starts)
    found = Flips(*(np.array(getattr(quick, field.name)) for field in fields(Flips)))
    missed = np.flatnonzero(found.status != Status.REACHED)
    if len(missed):
        thorough = _flip(problem, rows[missed], targets if to is None else to[missed])
        for field in fields(Flips):
            getattr(found, field.name)[missed] = getattr(thorough, field.name)
    return found


def _flip(problem: Problem, rows: _Ints, to: Any, **effort: int) -> Flip:
    options = {"bounds": problem.bounds, "random_state": problem.random_state}
    return flip(problem.space, problem.images[rows], to, **options, **effort)  # type: ignore[arg-type]


def invert_points(problem: Problem) -> Inverted:
    """Look for images whose features are flip points, starting from the test images."""
    points = problem.facts.decisions.nearest(problem.rows)
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
