"""Angles between the ways to different classes, in each space."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from hullspace.comparison.flips import features_of
from hullspace.comparison.problem import lengths, quotient
from hullspace.status import Status

if TYPE_CHECKING:
    from collections.abc import Callable

    from hullspace.comparison.flips import FlipLike
    from hullspace.comparison.problem import Problem
    from hullspace.comparison.statistics import Estimate

_Floats = npt.NDArray[np.float64]
_Ints = npt.NDArray[np.int64]

# Classes that ways go to, nearest first.
_TARGETS = 3


@dataclass(frozen=True)
class WayAngles:
    """Angles between the flips of an image to different classes.

    Attributes
    ----------
    rows : (n,) int64
        Test images.
    classes : (n, n_targets) int64
        The classes that they flip to, nearest in features first; -1 where there are fewer.
    pairs : (n_pairs, 2) int64
        Columns of `classes` that an angle is between.
    angles : dict of str to (n, n_pairs) float64
        In degrees; NaN where a flip lacks. In features between the nearest flip points, in other
        spaces between the flips found in pixels.
    estimates : tuple of Estimate
        The median of each image's mean angle, for each space.
    """

    rows: _Ints
    classes: _Ints
    pairs: _Ints
    angles: dict[str, _Floats]
    estimates: tuple[Estimate, ...]

    def __repr__(self) -> str:
        return f"WayAngles({len(self.rows)} images, {self.classes.shape[1]} classes each)"


def way_angles(
    problem: Problem, find: Callable[[Problem, _Ints, _Ints], FlipLike] | None
) -> WayAngles:
    """Measure angles between flips to the nearest classes; without `find` in features only."""
    rows = problem.rows[problem.few]
    z = problem.test.features[rows].astype(np.float64)
    points, distances = problem.facts.decisions.ways(rows)
    n_targets = min(_TARGETS, problem.partition.n_classes - 1)
    nearest = np.argsort(distances, axis=1, kind="stable")[:, :n_targets]
    known = np.isfinite(np.take_along_axis(distances, nearest, axis=1))
    ends = np.take_along_axis(points, nearest[:, :, None], axis=1)
    pairs = np.array(list(combinations(range(n_targets), 2)), np.int64).reshape(-1, 2)
    angles = {}
    if "features" in problem.representations:
        angles["features"] = _angles(np.where(known[:, :, None], ends - z[:, None], np.nan), pairs)
    if find is not None:
        moves = _moves(problem, rows, nearest, known, find)
        angles |= {name: _angles(move, pairs) for name, move in moves.items()}
    classes = np.where(known, nearest, -1)
    estimates = tuple(_estimate(problem, name, found) for name, found in angles.items())
    return WayAngles(rows, classes, pairs, angles, estimates)


def _moves(
    problem: Problem,
    rows: _Ints,
    targets: _Ints,
    known: npt.NDArray[np.bool_],
    find: Callable[[Problem, _Ints, _Ints], FlipLike],
) -> dict[str, _Floats]:
    """Ways to the targets in all spaces but features, (n, n_targets, n_features), NaN if none."""
    others = {name: r for name, r in problem.representations.items() if name != "features"}
    moves = {
        name: np.full((*targets.shape, where.n_features), np.nan) for name, where in others.items()
    }
    places = np.argwhere(known)
    if not (len(places) and others):
        return moves
    flips = find(problem, rows[places[:, 0]], targets[known])
    reached = np.asarray(flips.status) == Status.REACHED
    images, places = np.asarray(flips.images)[reached], places[reached]
    if len(places):
        encoded = problem.encode(images, features_of(flips, reached))
        for name, where in others.items():
            before = where.test[rows[places[:, 0]]].astype(np.float64)
            moves[name][places[:, 0], places[:, 1]] = encoded[name] - before
    return moves


def _angles(moves: _Floats, pairs: _Ints) -> _Floats:
    units = quotient(moves, lengths(moves)[:, :, None])
    cosines = np.einsum("npf,npf->np", units[:, pairs[:, 0]], units[:, pairs[:, 1]])
    angles: _Floats = np.degrees(np.arccos(np.clip(cosines, -1.0, 1.0)))
    return angles


def _estimate(problem: Problem, name: str, angles: _Floats) -> Estimate:
    complete = np.isfinite(angles)
    counts = complete.sum(axis=1)
    means = quotient(np.where(complete, angles, 0.0).sum(axis=1), counts.astype(np.float64))
    return problem.bootstrap.median(
        "angle_between_ways",
        name,
        means,
        "degrees",
        "In {space} the ways from an image to its nearest other classes are {value} apart, in the "
        "median of {n} images; 90 degrees are ways that have nothing in common.",
        "measured" if name == "features" else "heuristic",
    )
