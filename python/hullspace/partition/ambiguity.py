"""Where k classes tie at the top: whether anywhere, where nearest, and how near to each sample."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import combinations
from math import comb
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from hullspace.partition.affine import AffineTies
from hullspace.partition.balls import largest_balls
from hullspace.partition.nearest import Answers, Multipliers, TieSets
from hullspace.status import Status

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hullspace.partition.ties import Subset, Ties
    from hullspace.polyhedron import ChebyshevCenters, Polyhedron

_Floats = npt.NDArray[np.float64]
_Ints = npt.NDArray[np.int64]

# More subsets than this are not listed.
_MAX_SUBSETS = 100_000
# Samples times constraints that are handled at a time: what stays in cache.
_BLOCK = 2**16


@dataclass(frozen=True)
class AmbiguousPoints:
    """Points where given classes tie at the top, as `DecisionPartition.ambiguous_points` finds.

    Attributes
    ----------
    classes : tuple of int
        The classes that tie.
    exists : bool
        Whether they tie at the top anywhere in the domain.
    points : (n, n_features) float64
        The tie nearest to each feature asked about; without any, one point: the center of the
        largest ball of the set of ties, within the affine set where the classes tie. NaN if none.
    distances : (n,) float64
        Distance of the features to those; infinity if none exists. Without features, (0,).
    radius : float
        Radius of that largest ball: 0 if the set is flat, NaN if it is empty, infinity if it
        holds balls of any size.
    status : Status
        OPTIMAL or UNBOUNDED where a point exists, which proves it; EMPTY, or LIMIT if undecided.
    polyhedron : Polyhedron
        The set of ties.
    certificate : ChebyshevCenters
        One problem, with the multipliers of Farkas' lemma that prove an EMPTY set.
    gaps : (n,) float64
        The true distances lie in ``[distances - gaps, distances]``.
    multipliers : Multipliers
        What proves the distances; there is one candidate.
    """

    classes: Subset
    exists: bool
    points: _Floats
    distances: _Floats
    radius: float
    status: Status
    polyhedron: Polyhedron
    certificate: ChebyshevCenters
    gaps: _Floats = field(repr=False)
    multipliers: Multipliers = field(repr=False)

    def __repr__(self) -> str:
        verdict = f"radius {self.radius:.4g}" if self.exists else "none in the domain"
        return f"AmbiguousPoints(classes {self.classes}: {verdict}, {self.status.name})"


def ambiguous_points(
    ties: Ties,
    classes: Iterable[int],
    nearest_to: npt.ArrayLike | None,
    n_threads: int | None,
) -> AmbiguousPoints:
    """Find where classes tie; see `DecisionPartition.ambiguous_points`."""
    subset = as_subset(classes, ties.n_classes)
    points, found = largest_balls(ties, [subset], n_threads)
    status = Status(found.status[0])
    exists = status in (Status.OPTIMAL, Status.UNBOUNDED)
    distances = gaps = np.zeros(0)
    multipliers = Multipliers.joined([])
    if nearest_to is not None:
        z = ties.as_features(nearest_to, "nearest_to")
        which = np.zeros(len(z), dtype=np.int64)
        answers = TieSets(ties, [subset], n_threads).project(which, z)
        points, distances, gaps = answers.points, answers.distances, answers.gaps
        multipliers = Multipliers.of(np.arange(len(z)), which, answers)
    return AmbiguousPoints(
        subset,
        exists,
        points,
        distances,
        float(found.radii[0]),
        status,
        ties.top(subset),
        found,
        gaps,
        multipliers,
    )


@dataclass(frozen=True)
class AmbiguityTable:
    """Which k classes tie at the top anywhere, as `DecisionPartition.ambiguity_table` returns it.

    Attributes
    ----------
    subsets : (n_subsets, k) int64
        All subsets of k classes, in lexicographic order.
    exists : (n_subsets,) bool
        Whether the classes tie at the top somewhere in the domain.
    points : (n_subsets, n_features) float64
        Such a point: the center of the largest ball of the set of ties; NaN if there is none.
    radii : (n_subsets,) float64
        The ball's radius; 0 if the set is flat, NaN if empty, infinity if it holds any ball.
    status : (n_subsets,) int8
        OPTIMAL, UNBOUNDED, EMPTY or LIMIT.
    certificate : ChebyshevCenters
        The proof either way, one problem a subset; `polyhedron` gives the problems.
    """

    subsets: _Ints
    exists: npt.NDArray[np.bool_]
    points: _Floats
    radii: _Floats
    status: npt.NDArray[np.int8]
    certificate: ChebyshevCenters
    _ties: Ties = field(repr=False)

    def polyhedron(self, i: int) -> Polyhedron:
        """Return the set where the classes of subset i tie at the top."""
        return self._ties.top(tuple(int(c) for c in self.subsets[i]))

    def __len__(self) -> int:
        return len(self.subsets)

    def __repr__(self) -> str:
        n_found = int(np.count_nonzero(self.exists))
        k = self.subsets.shape[1]
        return f"AmbiguityTable({n_found} of {len(self)} subsets of {k} classes tie at the top)"


def ambiguity_table(ties: Ties, k: int, n_threads: int | None) -> AmbiguityTable:
    """Decide for all subsets of k classes whether they tie at the top anywhere."""
    sets = all_subsets(ties.n_classes, k)
    points, found = largest_balls(ties, sets, n_threads)
    exists = (found.status == Status.OPTIMAL) | (found.status == Status.UNBOUNDED)
    return AmbiguityTable(
        np.array(sets, dtype=np.int64), exists, points, found.radii, found.status, found, ties
    )


@dataclass(frozen=True)
class Ambiguity:
    """How near samples are to a tie of k classes, as `DecisionPartition.ambiguity` returns it.

    Attributes
    ----------
    distances : (n,) float64
        Distance to the nearest tie of k classes at the top within the domain; infinity if there
        is none. Small means ambiguous.
    gaps : (n,) float64
        The true distance lies in ``[distances - gaps, distances]``.
    classes : (n, k) int64
        The classes that tie there, ascending; -1 if there is none.
    points : (n, n_features) float64
        Where they tie; NaN if nowhere.
    status : (n,) int8
        OPTIMAL, EMPTY or LIMIT.
    table : AmbiguityTable
        Which classes tie anywhere; the others are no candidates.
    multipliers : Multipliers
        What proves the distances; candidates are rows of `table`.
    """

    distances: _Floats
    gaps: _Floats
    classes: _Ints
    points: _Floats
    status: npt.NDArray[np.int8]
    table: AmbiguityTable = field(repr=False)
    multipliers: Multipliers = field(repr=False)

    def most_ambiguous(self, n: int = 10) -> _Ints:
        """Return the indices of the n samples nearest to a tie, nearest first."""
        order = np.argsort(self.distances, kind="stable")[:n]
        return order[np.isfinite(self.distances[order])]

    def __len__(self) -> int:
        return len(self.distances)

    def __repr__(self) -> str:
        k = self.classes.shape[1]
        nearest = self.distances.min(initial=np.inf)
        return f"Ambiguity({len(self)} samples, ties of {k} classes, nearest at {nearest:.4g})"


def ambiguity(ties: Ties, features: npt.ArrayLike, k: int, n_threads: int | None) -> Ambiguity:
    """Find the nearest tie of k classes to each sample; see `DecisionPartition.ambiguity`."""
    z = ties.as_features(features, "z")
    table = ambiguity_table(ties, k, n_threads)
    numbers = np.flatnonzero(table.status != Status.EMPTY)
    sets = [tuple(int(c) for c in row) for row in table.subsets[numbers]]
    tie_sets = TieSets(ties, sets, n_threads)
    answers = Answers.none(len(z), ties.n_features)
    classes = np.full((len(z), k), -1, dtype=np.int64)
    parts = []
    at_a_time = max(1, _BLOCK // (ties.n_classes + ties.domain.polyhedron.n_constraints))
    for start in range(0, len(z) if sets else 0, at_a_time):
        rows = np.arange(start, min(start + at_a_time, len(z)))
        bounds = _lower_bounds(tie_sets, z[rows])
        index = np.broadcast_to(np.arange(len(sets)), bounds.shape)
        found, columns, tried = tie_sets.nearest(index, bounds, z[rows])
        parts.append(replace(tried, samples=rows[tried.samples], sets=numbers[tried.sets]))
        answers.take(rows, found, np.arange(len(rows)))
        reached = columns >= 0
        classes[rows[reached]] = np.array(sets)[columns[reached]]
    multipliers = Multipliers.joined(parts)
    return Ambiguity(
        answers.distances,
        answers.gaps,
        classes,
        answers.points,
        answers.status,
        table,
        multipliers,
    )


def _lower_bounds(tie_sets: TieSets, z: _Floats) -> _Floats:
    """Lower bounds of the distances to every set, (n, n_sets)."""
    ties, domain = tie_sets.ties, tie_sets.ties.domain.polyhedron
    walls = z @ domain.A.T - domain.b
    bounds = np.empty((len(z), len(tie_sets.sets)))
    for s, classes in enumerate(tie_sets.sets):
        polyhedron = tie_sets.polyhedron(s)
        others = slice(ties.n_classes - len(classes))  # the rows before the domain's
        above = z @ polyhedron.A[others].T - polyhedron.b[others]
        affine = AffineTies.of(ties, classes)
        bounds[:, s] = affine.lower_bounds(polyhedron, z, np.hstack([above, walls]))
    return bounds


def all_subsets(n_classes: int, k: int) -> list[Subset]:
    """Return all subsets of k classes, after checking that they are not too many."""
    if isinstance(k, bool) or not isinstance(k, int | np.integer):
        raise TypeError(f"k must be an integer, got {k!r}")
    if not 2 <= k <= n_classes:
        raise ValueError(f"k must be between 2 and {n_classes}, the number of classes, got {k}")
    if comb(n_classes, int(k)) > _MAX_SUBSETS:
        raise ValueError(
            f"k must leave at most {_MAX_SUBSETS} subsets of the {n_classes} classes, "
            f"got {comb(n_classes, int(k))} for {k}"
        )
    return list(combinations(range(n_classes), int(k)))


def as_subset(classes: Iterable[int], n_classes: int) -> Subset:
    """Return two or more different classes in ascending order."""
    array = np.asarray(list(classes) if not isinstance(classes, np.ndarray) else classes)
    if array.ndim != 1 or array.dtype.kind not in "iu":
        raise TypeError(f"classes must be a sequence of integers, got {classes!r}")
    subset = tuple(sorted({int(c) for c in array}))
    if len(subset) < 2 or len(subset) != len(array):
        raise ValueError(f"classes must be two or more different ones, got {classes!r}")
    if subset[0] < 0 or subset[-1] >= n_classes:
        raise ValueError(f"classes must be between 0 and {n_classes - 1}, got {classes!r}")
    return subset
