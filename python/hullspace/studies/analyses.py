"""The analyses of a study: each takes features and returns a small frozen result."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from hullspace import certificates
from hullspace.hull import Hull
from hullspace.hull.classes import ClassHulls
from hullspace.status import Proof, Status

if TYPE_CHECKING:
    from hullspace.features import FeatureSplit
    from hullspace.studies.progress import Steps

_Floats = npt.NDArray[np.float64]
_Bools = npt.NDArray[np.bool_]

# Finding the extreme points of a set costs as much as asking about each of its points. Beyond this
# many it is left out.
_MOST_EXTREME_POINTS = 100_000


@dataclass(frozen=True)
class Settings:
    """What every part of a study is given.

    Attributes
    ----------
    tolerance, n_threads
        For every call of the core.
    sample : int
        Test images at which searches in pixel space start.
    seed : int
        Of everything that is drawn at random.
    layers : tuple of str
        Hidden layers that are compared with pixels and features.
    """

    tolerance: float
    n_threads: int | None
    sample: int = 100
    seed: int = 0
    layers: tuple[str, ...] = ()


@dataclass(frozen=True)
class HullResult:
    """Test features against a hull: one, or the one of each feature's predicted class.

    Attributes
    ----------
    status : (n,) int8
        INSIDE, OUTSIDE or UNDECIDED.
    proven : (n,) bool
        Whether the certificate passed the independent check.
    exact : (n,) int8
        `Proof.PROVEN_INSIDE`, `Proof.PROVEN_OUTSIDE` or `Proof.UNPROVEN`, with tolerance zero.
    distances : (n,) float64
        Distance to the hull, in the units of the features; infinity if the hull is empty.
    gaps : (n,) float64
        The true distance lies in ``[distances - gaps, distances]``.
    checked : (n,) bool
        Whether the distance's certificate passed the independent check.
    """

    status: npt.NDArray[np.int8]
    proven: _Bools
    exact: npt.NDArray[np.int8]
    distances: _Floats
    gaps: _Floats
    checked: _Bools

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
class TrainingResult(HullResult):
    """Test features against the hull of all training features, and what spans that hull.

    Attributes
    ----------
    gauge : (n,) float64
        By how much the hull must be scaled about the mean of the training features to reach the
        feature: below 1 inside, above 1 outside.
    extreme : (n_train,) bool or None
        Which training features are extreme points of the hull; None for very large sets.
    """

    gauge: _Floats
    extreme: _Bools | None


@dataclass(frozen=True)
class ClassResult:
    """Test features against the hull of each class.

    The hull of class c is that of the training features that the network predicts as c. They lie
    in the decision region of c, which is convex, so the whole hull does: its class is certain.

    Attributes
    ----------
    own : HullResult
        Against the hull of the feature's predicted class.
    distances : (n, n_classes) float64
        Distance to every class hull; infinity where it is empty.
    gaps, checked : (n, n_classes) float64, bool
        As in `HullResult`.
    nearest : (n,) int64
        Class of the nearest hull, or -1 where the gaps leave that open.
    sizes : (n_classes,) int64
        Training features in each hull.
    pair_distances, pair_gaps : (n_classes, n_classes) float64
        Distances of the hulls from each other; NaN where one is empty.
    """

    own: HullResult
    distances: _Floats
    gaps: _Floats
    checked: _Bools
    nearest: npt.NDArray[np.int64]
    sizes: npt.NDArray[np.int64]
    pair_distances: _Floats
    pair_gaps: _Floats

    @property
    def disjoint(self) -> _Bools:
        """Which pairs of hulls are proven to have no point in common."""
        return np.asarray(self.pair_distances - self.pair_gaps > 0.0)


@dataclass(frozen=True)
class HullsResult:
    """Test features against the hulls of training features.

    Attributes
    ----------
    training : TrainingResult
        Against the hull of all training features, and what spans that hull.
    classes : ClassResult
        Against the hull of each class, and those hulls against each other.
    """

    training: TrainingResult
    classes: ClassResult


def hulls_study(split: FeatureSplit, settings: Settings, steps: Steps) -> HullsResult:
    """Compare the test features with the hulls of all training features and of each class."""
    return HullsResult(training_hull(split, settings, steps), class_hulls(split, settings, steps))


def training_hull(split: FeatureSplit, settings: Settings, steps: Steps) -> TrainingResult:
    """Compare the test features with the hull of all training features."""
    hull = Hull(split.train.features, n_threads=settings.n_threads)
    queries = split.test.features
    step = steps.add("training hull: inside or outside", len(queries))
    status, proven, exact = _membership(hull, queries, settings, steps, step)
    step = steps.add("training hull: distances", len(queries))
    distances, gaps, checked = _distances(hull, queries, settings, steps, step)
    step = steps.add("training hull: gauge", len(queries))
    gauge = np.empty(len(queries))
    for rows in steps.chunks(step, len(queries)):
        found = hull.gauge(
            queries[rows], tolerance=settings.tolerance, n_threads=settings.n_threads
        )
        gauge[rows] = found.values
    extreme = _extreme(hull, settings, steps)
    return TrainingResult(status, proven, exact, distances, gaps, checked, gauge, extreme)


def _extreme(hull: Hull, settings: Settings, steps: Steps) -> _Bools | None:
    if hull.n_points > _MOST_EXTREME_POINTS:
        return None
    step = steps.add("training hull: extreme points", hull.n_points)
    found = hull.vertices(tolerance=settings.tolerance, n_threads=settings.n_threads)
    steps.finish(step)
    extreme = np.zeros(hull.n_points, dtype=bool)
    extreme[found.indices] = True
    return extreme


def class_hulls(split: FeatureSplit, settings: Settings, steps: Steps) -> ClassResult:
    """Compare the test features with the hull of each class."""
    queries, predictions = split.test.features, split.test.predictions
    n, n_classes = len(queries), split.head.n_classes
    distances = np.full((n, n_classes), np.inf)
    gaps, checked = np.zeros((n, n_classes)), np.ones((n, n_classes), dtype=bool)
    # Without any training feature of the class, every query is outside its empty hull.
    status = np.full(n, Status.OUTSIDE, np.int8)
    proven = np.ones(n, dtype=bool)
    exact = np.full(n, Proof.PROVEN_OUTSIDE, np.int8)
    sizes = np.bincount(split.train.predictions, minlength=n_classes)
    membership_step = steps.add("class hulls: inside or outside", n)
    distance_step = steps.add("class hulls: distances", n * int(np.count_nonzero(sizes)))
    hulls = ClassHulls(split.train.features, split.train.predictions, n_threads=settings.n_threads)
    for c, hull in zip(hulls.classes, hulls.hulls, strict=True):
        distances[:, c], gaps[:, c], checked[:, c] = _distances(
            hull, queries, settings, steps, distance_step
        )
        rows = np.flatnonzero(predictions == c)
        status[rows], proven[rows], exact[rows] = _membership(
            hull, queries[rows], settings, steps, membership_step
        )
    everyone = np.arange(n)
    mine = everyone, predictions
    own = HullResult(status, proven, exact, distances[mine], gaps[mine], checked[mine])
    nearest = _nearest_class(distances, gaps)
    return ClassResult(
        own, distances, gaps, checked, nearest, sizes, *_pairs(hulls, n_classes, settings)
    )


def _pairs(hulls: ClassHulls, n_classes: int, settings: Settings) -> tuple[_Floats, _Floats]:
    """Distances and gaps of all pairs of class hulls, with NaN for classes without any."""
    found = hulls.hull_distances(tolerance=settings.tolerance, n_threads=settings.n_threads)
    result = []
    for matrix in (found.distances, found.gaps):
        full = np.full((n_classes, n_classes), np.nan)
        full[np.ix_(hulls.classes, hulls.classes)] = matrix
        result.append(full)
    return result[0], result[1]


def _membership(
    hull: Hull, queries: npt.NDArray[np.floating], settings: Settings, steps: Steps, step: int
) -> tuple[npt.NDArray[np.int8], _Bools, npt.NDArray[np.int8]]:
    status = np.empty(len(queries), np.int8)
    proven = np.empty(len(queries), bool)
    exact = np.empty(len(queries), np.int8)
    for rows in steps.chunks(step, len(queries)):
        found = hull.contains(
            queries[rows], tolerance=settings.tolerance, n_threads=settings.n_threads
        )
        status[rows] = found.status
        proven[rows] = certificates.check(hull.points, queries[rows], found)
        exact[rows] = certificates.prove(hull.points, queries[rows], found)
    return status, proven, exact


def _distances(
    hull: Hull, queries: npt.NDArray[np.floating], settings: Settings, steps: Steps, step: int
) -> tuple[_Floats, _Floats, _Bools]:
    distances, gaps = np.empty(len(queries)), np.empty(len(queries))
    checked = np.empty(len(queries), dtype=bool)
    for rows in steps.chunks(step, len(queries)):
        found = hull.project(
            queries[rows], tolerance=settings.tolerance, n_threads=settings.n_threads
        )
        distances[rows], gaps[rows] = found.distances, found.gaps
        checked[rows] = certificates.check(hull.points, queries[rows], found)
    return distances, gaps, checked


def _nearest_class(distances: _Floats, gaps: _Floats) -> npt.NDArray[np.int64]:
    nearest = distances.argmin(axis=1)
    best = distances.min(axis=1)
    with np.errstate(invalid="ignore"):  # infinity minus zero is fine, and compares as it should
        contenders = np.count_nonzero(distances - gaps <= best[:, None], axis=1)
    return np.where((contenders == 1) & np.isfinite(best), nearest, -1)
