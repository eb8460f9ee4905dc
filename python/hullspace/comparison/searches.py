"""What is searched for in pixels: flips, flips to given classes, images of given features."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from hullspace.status import Status

if TYPE_CHECKING:
    from hullspace.comparison.flips import FlipLike
    from hullspace.comparison.problem import Problem
    from hullspace.partition import BoundaryPoints

_Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Inverted:
    """Images of given features; those that were not looked for count as not reached."""

    images: npt.NDArray[Any]
    status: npt.NDArray[np.int8]


def find_flips(problem: Problem, rows: _Ints, to: Any = "nearest") -> FlipLike:
    """Look for the nearest flips of some test images."""
    from hullspace import pixels  # noqa: PLC0415 - searches need torch

    found: FlipLike = pixels.flip(
        problem.space,
        problem.images[rows],
        to,
        bounds=problem.bounds,
        random_state=problem.random_state,
    )
    return found


def invert_points(problem: Problem, points: BoundaryPoints) -> Inverted:
    """Look for images whose features are flip points, starting from the sample's images."""
    from hullspace import pixels  # noqa: PLC0415 - searches need torch

    images = np.array(problem.images[problem.rows])
    status = np.full(len(images), Status.NOT_REACHED, np.int8)
    known = np.flatnonzero(np.isfinite(points.distances))
    if len(known):
        found = pixels.invert(
            problem.space,
            points.points[known],
            images[known],
            bounds=problem.bounds,
            random_state=problem.random_state,
        )
        images[known], status[known] = found.images, found.status
    return Inverted(images, status)
