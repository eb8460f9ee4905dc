"""Test features against the hulls of all training features and of each class."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from hullspace.status import Status

if TYPE_CHECKING:
    from hullspace.facts import Distances, Memberships
    from hullspace.studies.knowledge import Knowledge

_Floats = npt.NDArray[np.float64]
_Bools = npt.NDArray[np.bool_]

# Finding the extreme points of a set costs as much as asking about each of its points. Beyond this
# many it is left out.
_MOST_EXTREME_POINTS = 100_000


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

    @property
    def fifths(self) -> npt.NDArray[np.int64]:
        """The features by their distance, in five groups of nearly equal size: 0 is nearest."""
        order = np.argsort(self.distances, kind="stable")
        ranks = np.empty(len(order), np.int64)
        ranks[order] = np.arange(len(order)) * 5 // max(len(order), 1)
        return ranks

    @property
    def ends_proven(self) -> bool:
        """Whether it is proven which features are in the nearest and in the farthest fifth."""
        fifths, least = self.fifths, self.distances - self.gaps
        return bool(self.checked.all()) and all(
            self.distances[fifths <= last].max(initial=0.0)
            <= least[fifths > last].min(initial=np.inf)
            for last in (0, 3)
        )


@dataclass(frozen=True)
class TrainingResult(HullResult):
    """Test features against the hull of all training features, and what spans that hull.

    Attributes
    ----------
    gauge : (n,) float64
        By how much the hull must be scaled about the mean of the training features to reach the
        feature: below 1 inside, above 1 outside.
    gauge_checked : (n,) bool
        Whether the ray that proves it passed the independent check.
    extreme : (n_train,) bool or None
        Which training features are extreme points of the hull; None for very large sets.
    extreme_checked : (n_train,) bool or None
        Whether it passed the independent check that the point is extreme, or that it lies in the
        hull of those that are.
    """

    gauge: _Floats
    gauge_checked: _Bools
    extreme: _Bools | None
    extreme_checked: _Bools | None


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
    pair_checked : (n_classes, n_classes) bool
        Whether their nearest points and hyperplanes passed the independent check.
    """

    own: HullResult
    distances: _Floats
    gaps: _Floats
    checked: _Bools
    nearest: npt.NDArray[np.int64]
    sizes: npt.NDArray[np.int64]
    pair_distances: _Floats
    pair_gaps: _Floats
    pair_checked: _Bools

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


def find(known: Knowledge) -> HullsResult:
    """Compare the test features with the hulls of all training features and of each class."""
    return HullsResult(_training(known), _classes(known))


def _training(known: Knowledge) -> TrainingResult:
    points = known.features.points
    found = _against(points.membership(prove=True), points.distances())
    gauge, few = points.gauge(), len(known.split.train) <= _MOST_EXTREME_POINTS
    return TrainingResult(
        **vars(found),
        gauge=gauge.values,
        gauge_checked=gauge.checked,
        extreme=points.extremes.mask if few else None,
        extreme_checked=points.extremes.checked if few else None,
    )


def _classes(known: Knowledge) -> ClassResult:
    predictions, facts = known.split.test.predictions, known.features.predicted
    distances = facts.distances()
    own = _against(facts.membership(predictions, prove=True), facts.own_distances(predictions))
    return ClassResult(
        own,
        distances.values,
        distances.gaps,
        distances.checked,
        nearest_class(distances.values, distances.gaps),
        facts.sizes,
        facts.pairs.values,
        facts.pairs.gaps,
        facts.pairs.checked,
    )


def _against(members: Memberships, distances: Distances) -> HullResult:
    assert members.exact is not None  # noqa: S101 - it was asked for
    return HullResult(
        members.status,
        members.checked,
        members.exact,
        distances.values,
        distances.gaps,
        distances.checked,
    )


def nearest_class(distances: _Floats, gaps: _Floats) -> npt.NDArray[np.int64]:
    """Return the class of the nearest hull, or -1 where the gaps leave that open."""
    nearest = distances.argmin(axis=1)
    best = distances.min(axis=1)
    with np.errstate(invalid="ignore"):  # infinity minus zero is fine, and compares as it should
        contenders = np.count_nonzero(distances - gaps <= best[:, None], axis=1)
    return np.where((contenders == 1) & np.isfinite(best), nearest, -1)
