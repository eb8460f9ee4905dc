"""What is known of features in the partition: where the answer changes, and where classes tie."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from hullspace.status import Status

if TYPE_CHECKING:
    from hullspace.facts.asking import Asking
    from hullspace.partition import Ambiguity, BoundaryPoints, DecisionPartition

_Floats = npt.NDArray[np.float64]
_Ints = npt.NDArray[np.int64]


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
    """

    points: _Floats
    distances: _Floats
    lower_bounds: _Floats
    targets: _Ints
    predictions: _Ints
    status: npt.NDArray[np.int8]

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
        )

    @classmethod
    def of(cls, found: BoundaryPoints) -> NearestFlips:
        """Return the nearest of the flip points found, to one class each or to all."""
        if found.distances.ndim == 1:
            return cls(*(getattr(found, field.name) for field in fields(cls)))
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
    """

    distances: _Floats
    lower_bounds: _Floats
    status: npt.NDArray[np.int8]


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
        self._ambiguity: dict[int, tuple[_Ints, Ambiguity]] = {}
        self._tie_distances: dict[int, _Floats] = {}

    def nearest(self, rows: _Ints | None = None) -> NearestFlips:
        """Return the nearest flip points of all features, or of some."""
        rows = np.arange(len(self.features)) if rows is None else rows
        missing = rows[~self._known[rows]]
        if len(missing):
            step = self._asking.progress.add("partition: flip points", len(missing))
            for part in self._asking.progress.chunks(step, len(missing)):
                z = self.features[missing[part]]
                found = self.partition.boundary_points(z, n_threads=self._asking.n_threads)
                self._take(missing[part], found)
        return self._nearest.at(rows)

    def pairs(self, rows: _Ints) -> PairFlips:
        """Find the flip points of some features to every class."""
        shape = len(rows), self.partition.n_classes
        made = PairFlips(np.empty(shape), np.empty(shape), np.empty(shape, np.int8))
        step = self._asking.progress.add("partition: flip points", len(rows))
        for part in self._asking.progress.chunks(step, len(rows)):
            found = self._to_all(rows[part])
            for field in fields(made):
                getattr(made, field.name)[part] = getattr(found, field.name)
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

    def _to_all(self, rows: _Ints) -> BoundaryPoints:
        z, threads = self.features[rows], self._asking.n_threads
        found = self.partition.boundary_points(z, to="all", n_threads=threads)
        self._take(rows, found)
        for i in np.flatnonzero(np.isin(rows, self._keep)).tolist():
            self._ways[int(rows[i])] = found.points[i].copy(), found.distances[i].copy()
        return found

    def _take(self, rows: _Ints, found: BoundaryPoints) -> None:
        nearest = NearestFlips.of(found)
        for field in fields(nearest):
            getattr(self._nearest, field.name)[rows] = getattr(nearest, field.name)
        self._known[rows] = True

    def ambiguity(self, k: int, rows: _Ints) -> Ambiguity:
        """Return how near some features are to a tie of k classes."""
        known = self._ambiguity.get(k)
        if known is None or not np.array_equal(known[0], rows):
            step = self._asking.progress.add(f"partition: ties of {k} classes", len(rows))
            z, threads = self.features[rows], self._asking.n_threads
            known = rows, self.partition.ambiguity(z, k, n_threads=threads)
            self._asking.progress.finish(step)
            self._ambiguity[k] = known
            self._ties_of(k)[rows] = known[1].distances
        return known[1]

    def tie_distances(self, k: int) -> _Floats:
        """Return how far all features are from a tie of k classes."""
        distances = self._ties_of(k)
        missing = np.flatnonzero(np.isnan(distances))
        if len(missing):
            self.ambiguity(k, missing)
        return distances

    def _ties_of(self, k: int) -> _Floats:
        return self._tie_distances.setdefault(k, np.full(len(self.features), np.nan))

    def of(self, rows: _Ints) -> DecisionFacts:
        """Return what is known of some of the features."""
        made = DecisionFacts(self.partition, self.features[rows], self._asking)
        made._nearest, made._known = self._nearest.at(rows), self._known[rows]
        made._tie_distances = {k: known[rows] for k, known in self._tie_distances.items()}
        made._ways = {
            i: self._ways[row] for i, row in enumerate(rows.tolist()) if row in self._ways
        }
        return made
