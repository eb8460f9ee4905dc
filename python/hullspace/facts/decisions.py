"""What is known of features in the partition: where the answer changes, and where classes tie."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from hullspace import certificates
from hullspace.status import Status

if TYPE_CHECKING:
    from hullspace.facts.asking import Asking
    from hullspace.partition import Ambiguity, BoundaryPoints, DecisionPartition

_Floats = npt.NDArray[np.float64]
_Ints = npt.NDArray[np.int64]
_Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class NearestFlips:
    """The nearest flip point of each feature.

    Attributes
    ----------
    points : (n, n_features) float64
        Where the answer changes; NaN where it does so nowhere in the domain.
    distances, lower_bounds : (n,) float64
        As in `BoundaryPoints`.
    targets, predictions : (n,) int64
        The class across, -1 without, and the feature's class, computed in double precision.
    status : (n,) int8
        As in `BoundaryPoints`.
    checked : (n,) bool
        Whether it passed the independent check that no other flip point is nearer.
    """

    points: _Floats
    distances: _Floats
    lower_bounds: _Floats
    targets: _Ints
    predictions: _Ints
    status: npt.NDArray[np.int8]
    checked: _Bools

    @classmethod
    def unknown(cls, n: int, n_features: int) -> NearestFlips:
        """Return room for n features."""
        return cls(
            np.full((n, n_features), np.nan),
            np.full(n, np.inf),
            np.full(n, np.inf),
            np.full(n, -1, dtype=np.int64),
            np.full(n, -1, dtype=np.int64),
            np.full(n, Status.EMPTY, dtype=np.int8),
            np.zeros(n, bool),
        )

    @classmethod
    def of(cls, found: BoundaryPoints, checked: _Bools) -> NearestFlips:
        """Return the nearest of the flip points found, to one class each or to all."""
        if found.distances.ndim == 1:
            names = ("points", "distances", "lower_bounds", "targets", "predictions", "status")
            return cls(**{name: getattr(found, name) for name in names}, checked=checked)
        nearest = found.distances.argmin(axis=1)
        place = np.arange(len(nearest)), nearest
        distances = found.distances[place]
        return cls(
            found.points[place],
            distances,
            found.lower_bounds.min(axis=1),
            np.where(np.isfinite(distances), nearest, -1),
            found.predictions,
            found.status[place],
            np.asarray(checked.all(axis=1)),
        )

    def at(self, rows: _Ints) -> NearestFlips:
        """Return those of some of the features."""
        return NearestFlips(*(getattr(self, field.name)[rows] for field in fields(self)))


@dataclass(frozen=True)
class PairFlips:
    """Flip points of features to every class.

    Attributes
    ----------
    distances, lower_bounds : (n, n_classes) float64
        As in `BoundaryPoints`.
    status : (n, n_classes) int8
        As in `BoundaryPoints`.
    checked : (n, n_classes) bool
        Whether it passed the independent check.
    """

    distances: _Floats
    lower_bounds: _Floats
    status: npt.NDArray[np.int8]
    checked: _Bools


@dataclass(frozen=True)
class TieDistances:
    """How far features are from a tie of so many classes.

    Attributes
    ----------
    values : (n,) float64
        As in `Ambiguity`; NaN where that is not known.
    checked : (n,) bool
        Whether it passed the independent check.
    """

    values: _Floats
    checked: _Bools


class DecisionFacts:
    """Features in the partition; each is asked about once.

    Parameters
    ----------
    partition : DecisionPartition
        The decision regions within the domain.
    features : (n, n_features) array
        What is asked about.
    asking : Asking
        How questions are put.
    keep : (n_kept,) int64, optional
        Rows whose flip points to every class are kept; there is no room for those of all.
    """

    def __init__(
        self,
        partition: DecisionPartition,
        features: npt.NDArray[np.floating[Any]],
        asking: Asking,
        keep: _Ints | None = None,
    ) -> None:
        self.partition = partition
        self.features = features
        self._asking = asking
        self._keep = np.zeros(0, np.int64) if keep is None else keep
        self._nearest = NearestFlips.unknown(len(features), partition.n_features)
        self._known = np.zeros(len(features), bool)
        self._ways: dict[int, tuple[_Floats, _Floats]] = {}
        self._ambiguity: dict[int, tuple[_Ints, Ambiguity, _Bools]] = {}
        self._ties: dict[int, TieDistances] = {}

    def nearest(self, rows: _Ints | None = None) -> NearestFlips:
        """Return the nearest flip points of all features, or of some."""
        rows = np.arange(len(self.features)) if rows is None else rows
        missing = rows[~self._known[rows]]
        if len(missing):
            step = self._asking.progress.add("partition: flip points", len(missing))
            for part in self._asking.progress.chunks(step, len(missing)):
                z = self.features[missing[part]]
                found = self.partition.boundary_points(z, n_threads=self._asking.n_threads)
                self._take(missing[part], found, certificates.check(self.partition, z, found))
        return self._nearest.at(rows)

    def pairs(self, rows: _Ints) -> PairFlips:
        """Find the flip points of some features to every class."""
        shape = len(rows), self.partition.n_classes
        made = PairFlips(
            np.empty(shape), np.empty(shape), np.empty(shape, np.int8), np.empty(shape, bool)
        )
        step = self._asking.progress.add("partition: flip points", len(rows))
        for part in self._asking.progress.chunks(step, len(rows)):
            found, made.checked[part] = self._to_all(rows[part])
            for name in ("distances", "lower_bounds", "status"):
                getattr(made, name)[part] = getattr(found, name)
        return made

    def ways(self, rows: _Ints) -> tuple[_Floats, _Floats]:
        """Return flip points to every class, (n, n_classes, n_features), and their distances."""
        missing = np.array([row for row in rows.tolist() if row not in self._ways], np.int64)
        if len(missing):
            self._keep = np.union1d(self._keep, missing)
            self._to_all(missing)
        shape = len(rows), self.partition.n_classes
        points, distances = np.empty((*shape, self.partition.n_features)), np.empty(shape)
        for i, row in enumerate(rows.tolist()):
            points[i], distances[i] = self._ways[row]
        return points, distances

    def _to_all(self, rows: _Ints) -> tuple[BoundaryPoints, _Bools]:
        z, threads = self.features[rows], self._asking.n_threads
        found = self.partition.boundary_points(z, to="all", n_threads=threads)
        checked = certificates.check(self.partition, z, found)
        self._take(rows, found, checked)
        for i in np.flatnonzero(np.isin(rows, self._keep)).tolist():
            self._ways[int(rows[i])] = found.points[i].copy(), found.distances[i].copy()
        return found, checked

    def _take(self, rows: _Ints, found: BoundaryPoints, checked: _Bools) -> None:
        nearest = NearestFlips.of(found, checked)
        for field in fields(nearest):
            getattr(self._nearest, field.name)[rows] = getattr(nearest, field.name)
        self._known[rows] = True

    def ambiguity(self, k: int, rows: _Ints) -> tuple[Ambiguity, _Bools]:
        """Return how near some features are to a tie of k classes, and whether that is checked."""
        known = self._ambiguity.get(k)
        if known is None or not np.array_equal(known[0], rows):
            step = self._asking.progress.add(f"partition: ties of {k} classes", len(rows))
            z, threads = self.features[rows], self._asking.n_threads
            found = self.partition.ambiguity(z, k, n_threads=threads)
            known = rows, found, certificates.check(self.partition, z, found)
            self._asking.progress.finish(step)
            self._ambiguity[k] = known
            ties = self._ties_of(k)
            ties.values[rows], ties.checked[rows] = found.distances, known[2]
        return known[1:]

    def tie_distances(self, k: int) -> TieDistances:
        """Return how far all features are from a tie of k classes."""
        ties = self._ties_of(k)
        missing = np.flatnonzero(np.isnan(ties.values))
        if len(missing):
            self.ambiguity(k, missing)
        return ties

    def _ties_of(self, k: int) -> TieDistances:
        n = len(self.features)
        return self._ties.setdefault(k, TieDistances(np.full(n, np.nan), np.zeros(n, bool)))

    def of(self, rows: _Ints) -> DecisionFacts:
        """Return what is known of some of the features."""
        made = DecisionFacts(self.partition, self.features[rows], self._asking)
        made._nearest, made._known = self._nearest.at(rows), self._known[rows]
        made._ties = {
            k: TieDistances(ties.values[rows], ties.checked[rows]) for k, ties in self._ties.items()
        }
        made._ways = {
            i: self._ways[row] for i, row in enumerate(rows.tolist()) if row in self._ways
        }
        return made
