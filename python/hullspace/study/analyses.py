"""The analyses of a study: each takes features and returns a small frozen result."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from hullspace import certificates
from hullspace.hull import Hull
from hullspace.status import Status

if TYPE_CHECKING:
    from hullspace.features import FeatureSplit
    from hullspace.study.progress import Steps

_Floats = npt.NDArray[np.float64]
_Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Settings:
    """What every call of the core is given."""

    tolerance: float
    n_threads: int | None


@dataclass(frozen=True)
class HullResult:
    """Test features against a hull: one, or the one of each feature's predicted class.

    Attributes
    ----------
    status : (n,) int8
        INSIDE, OUTSIDE or UNDECIDED.
    proven : (n,) bool
        Whether the certificate passed the independent check.
    distances : (n,) float64
        Distance to the hull, in the units of the features; infinity if the hull is empty.
    gaps : (n,) float64
        The true distance lies in ``[distances - gaps, distances]``.
    """

    status: npt.NDArray[np.int8]
    proven: _Bools
    distances: _Floats
    gaps: _Floats

    @property
    def outside(self) -> _Bools:
        """Where the feature is proven to lie outside."""
        return np.asarray(self.status == Status.OUTSIDE)

    @property
    def inside(self) -> _Bools:
        """Where the feature lies inside, within the tolerance."""
        return np.asarray(self.status == Status.INSIDE)

    @property
    def undecided(self) -> _Bools:
        """Where rounding leaves the question open."""
        return np.asarray(self.status == Status.UNDECIDED)


@dataclass(frozen=True)
class ClassHulls:
    """Test features against the hull of each class.

    The hull of class c is that of the training features that the network predicts as c. They lie
    in the decision region of c, which is convex, so the whole hull does: its class is certain.

    Attributes
    ----------
    own : HullResult
        Against the hull of the feature's predicted class.
    distances : (n, n_classes) float64
        Distance to every class hull; infinity where it is empty.
    gaps : (n, n_classes) float64
        As in `HullResult`.
    nearest : (n,) int64
        Class of the nearest hull, or -1 where the gaps leave that open.
    sizes : (n_classes,) int64
        Training features in each hull.
    """

    own: HullResult
    distances: _Floats
    gaps: _Floats
    nearest: npt.NDArray[np.int64]
    sizes: npt.NDArray[np.int64]


def training_hull(split: FeatureSplit, settings: Settings, steps: Steps) -> HullResult:
    """Compare the test features with the hull of all training features."""
    hull = Hull(split.train.features, n_threads=settings.n_threads)
    queries = split.test.features
    step = steps.add("training hull: inside or outside", len(queries))
    status, proven = _membership(hull, queries, settings, steps, step)
    step = steps.add("training hull: distances", len(queries))
    distances, gaps = _distances(hull, queries, settings, steps, step)
    return HullResult(status, proven, distances, gaps)


def class_hulls(split: FeatureSplit, settings: Settings, steps: Steps) -> ClassHulls:
    """Compare the test features with the hull of each class."""
    queries, predictions = split.test.features, split.test.predictions
    n, n_classes = len(queries), split.head.n_classes
    distances = np.full((n, n_classes), np.inf)
    gaps = np.zeros((n, n_classes))
    # Without any training feature of the class, every query is outside its empty hull.
    status = np.full(n, Status.OUTSIDE, np.int8)
    proven = np.ones(n, dtype=bool)
    sizes = np.bincount(split.train.predictions, minlength=n_classes)
    membership_step = steps.add("class hulls: inside or outside", n)
    distance_step = steps.add("class hulls: distances", n * int(np.count_nonzero(sizes)))
    for c in np.flatnonzero(sizes):
        points = split.train.features[split.train.predictions == c]
        hull = Hull(points, n_threads=settings.n_threads)
        distances[:, c], gaps[:, c] = _distances(hull, queries, settings, steps, distance_step)
        rows = np.flatnonzero(predictions == c)
        status[rows], proven[rows] = _membership(
            hull, queries[rows], settings, steps, membership_step
        )
    everyone = np.arange(n)
    own = HullResult(status, proven, distances[everyone, predictions], gaps[everyone, predictions])
    return ClassHulls(own, distances, gaps, _nearest_class(distances, gaps), sizes)


def _membership(
    hull: Hull, queries: npt.NDArray[np.floating], settings: Settings, steps: Steps, step: int
) -> tuple[npt.NDArray[np.int8], _Bools]:
    status = np.empty(len(queries), np.int8)
    proven = np.empty(len(queries), bool)
    for rows in steps.chunks(step, len(queries)):
        found = hull.contains(
            queries[rows], tolerance=settings.tolerance, n_threads=settings.n_threads
        )
        status[rows] = found.status
        proven[rows] = certificates.check(hull.points, queries[rows], found)
    return status, proven


def _distances(
    hull: Hull, queries: npt.NDArray[np.floating], settings: Settings, steps: Steps, step: int
) -> tuple[_Floats, _Floats]:
    distances, gaps = np.empty(len(queries)), np.empty(len(queries))
    for rows in steps.chunks(step, len(queries)):
        found = hull.project(
            queries[rows], tolerance=settings.tolerance, n_threads=settings.n_threads
        )
        distances[rows], gaps[rows] = found.distances, found.gaps
    return distances, gaps


def _nearest_class(distances: _Floats, gaps: _Floats) -> npt.NDArray[np.int64]:
    nearest = distances.argmin(axis=1)
    best = distances.min(axis=1)
    with np.errstate(invalid="ignore"):  # infinity minus zero is fine, and compares as it should
        contenders = np.count_nonzero(distances - gaps <= best[:, None], axis=1)
    return np.where((contenders == 1) & np.isfinite(best), nearest, -1)
