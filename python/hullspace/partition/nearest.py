"""Nearest points of the sets where classes tie at the top, of one set or of several.

Lower bounds decide which of several sets are tried; projection decides which is nearest.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from scipy import sparse

from hullspace.partition.affine import AffineTies
from hullspace.partition.linear import project_linear
from hullspace.polyhedron import Polyhedron, PolyhedronProjection, project_batch
from hullspace.status import Status

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from hullspace.partition.ties import Subset, Ties

_Floats = npt.NDArray[np.float64]
_Ints = npt.NDArray[np.int64]


@dataclass
class Answers:
    """Nearest points, one for each of n questions; filled in as answers are found."""

    points: _Floats
    distances: _Floats
    gaps: _Floats
    status: npt.NDArray[np.int8]
    row: _Ints = field(repr=False)  # of `duals`, -1 where nothing but the tie binds
    duals: sparse.csr_array = field(repr=False)
    equality_duals: _Floats = field(repr=False)

    @classmethod
    def none(cls, n: int, n_features: int) -> Answers:
        """Return answers that say: there is no such point."""
        return cls(
            np.full((n, n_features), np.nan),
            np.full(n, np.inf),
            np.zeros(n),
            np.full(n, Status.EMPTY, dtype=np.int8),
            np.full(n, -1, dtype=np.int64),
            sparse.csr_array((0, 0)),
            np.zeros((0, 0)),
        )

    def take(
        self, rows: npt.NDArray[np.intp], other: Answers, chosen: npt.NDArray[np.intp]
    ) -> None:
        """Replace the answers in `rows` by chosen ones of other answers."""
        for name in ("points", "distances", "gaps", "status"):
            getattr(self, name)[rows] = getattr(other, name)[chosen]
        held = np.flatnonzero(other.row[chosen] >= 0)
        self.row[rows] = -1
        self.row[rows[held]] = self.duals.shape[0] + np.arange(len(held))
        used = other.row[chosen][held]
        self.duals = _stacked(self.duals, other.duals[used])
        self.equality_duals = _padded([self.equality_duals, other.equality_duals[used]])


@dataclass(frozen=True)
class Multipliers:
    """What proves how far samples are from sets of ties: multipliers of the sets' constraints.

    A set that nothing is said of has multipliers of its equations alone: the distance is that to
    the affine set where the classes tie, or lower bounds ruled the set out.

    Attributes
    ----------
    samples, sets : (n,) int64
        Which sample, and which of the candidates.
    duals : (n, width) sparse CSR array, float64
        Multipliers of the rows of `DecisionPartition.tie_set`, at least 0.
    equality_duals : (n, width) float64
        Multipliers of its equalities, of any sign.
    """

    samples: _Ints
    sets: _Ints
    duals: sparse.csr_array
    equality_duals: _Floats

    @classmethod
    def of(cls, samples: npt.NDArray[np.intp], sets: _Ints, found: Answers) -> Multipliers:
        """Take those of answers about pairs of a sample and a set."""
        held = np.flatnonzero(found.row >= 0)
        used = found.row[held]
        return cls(samples[held], sets[held], found.duals[used], found.equality_duals[used])

    @classmethod
    def joined(cls, parts: Sequence[Multipliers]) -> Multipliers:
        """Put several together."""
        none = np.zeros(0, dtype=np.int64)
        duals = sparse.csr_array((0, 0))
        for part in parts:
            duals = _stacked(duals, part.duals)
        return cls(
            np.concatenate([none, *(part.samples for part in parts)]),
            np.concatenate([none, *(part.sets for part in parts)]),
            duals,
            _padded([part.equality_duals for part in parts]),
        )


def _padded(parts: Sequence[_Floats]) -> _Floats:
    """Rows of all, as wide as the widest."""
    width = max((part.shape[1] for part in parts), default=0)
    padded = [np.pad(part, ((0, 0), (0, width - part.shape[1]))) for part in parts]
    return np.concatenate([np.zeros((0, width)), *padded])


def _stacked(first: sparse.csr_array, second: sparse.csr_array) -> sparse.csr_array:
    """Rows of both, as wide as the wider one."""
    if not second.shape[0]:
        return first
    width = max(first.shape[1], second.shape[1])
    parts = [sparse.csr_array(part) for part in (first, second)]
    for part in parts:
        part.resize((part.shape[0], width))
    return sparse.csr_array(sparse.vstack(parts, format="csr"))


class TieSets:
    """Sets of points where given classes tie at the top, and the points of them nearest to others.

    Polyhedra are made when first needed, and kept if all of them fit in memory.
    """

    def __init__(self, ties: Ties, sets: Sequence[Subset], n_threads: int | None) -> None:
        self.ties = ties
        self.sets = sets
        self._n_threads = n_threads
        self._polyhedra: dict[int, Polyhedron] = {}

    def polyhedron(self, s: int) -> Polyhedron:
        """Where the classes of set s tie, none is above, and the domain allows it."""
        if s not in self._polyhedra:
            if len(self._polyhedra) == self.ties.n_at_a_time:
                self._polyhedra.clear()
            self._polyhedra[s] = self.ties.top(self.sets[s])
        return self._polyhedra[s]

    def project(self, which: _Ints, points: _Floats, norm: float = 2.0) -> Answers:
        """Find the nearest point of ``sets[which[i]]`` to ``points[i]``."""
        answers = Answers.none(len(points), self.ties.n_features)
        left = np.arange(len(points))
        if norm != 2.0:
            left = self._settle_pairs(answers, which, points, norm)
        for rows, polyhedra, local in self._chunks(which, left):
            if norm == 2.0:
                found = project_batch(polyhedra, local, points[rows], n_threads=self._n_threads)
            else:
                found = project_linear(polyhedra, local, points[rows], norm, self._n_threads)
            answers.take(rows, _as_answers(found), np.arange(len(rows)))
        return answers

    def nearest(
        self, index: _Ints, bounds: _Floats, points: _Floats, norm: float = 2.0
    ) -> tuple[Answers, _Ints, Multipliers]:
        """Find the nearest point of several sets, trying those first that may be nearest.

        Parameters
        ----------
        index : (n, m) int64
            Candidates of each point, as places in `sets`.
        bounds : (n, m) float64
            Lower bounds of their distances; infinity rules a candidate out.

        Returns
        -------
        answers, columns, tried
            The nearest points, which candidate they are on, -1 where there is none, and what all
            that were tried have for multipliers.
        """
        answers = Answers.none(len(points), self.ties.n_features)
        columns = np.full(len(points), -1, dtype=np.int64)
        proven = np.full(len(points), np.inf)
        unfinished = np.zeros(len(points), dtype=bool)
        order = np.argsort(bounds, axis=1, kind="stable")
        first, count = 0, 1
        multipliers = []
        while first < bounds.shape[1]:
            batch = order[:, first : first + count]
            promising = np.take_along_axis(bounds, batch, axis=1) < answers.distances[:, None]
            if not promising.any():
                break
            rows, tried = np.nonzero(promising)[0], batch[promising]
            found = self.project(index[rows, tried], points[rows], norm)
            multipliers.append(Multipliers.of(rows, tried, found))
            np.minimum.at(proven, rows, found.distances - found.gaps)
            unfinished[rows[found.status == Status.LIMIT]] = True
            best = _best_of_each(rows, found.distances)
            better = best[found.distances[best] < answers.distances[rows[best]]]
            answers.take(rows[better], found, better)
            columns[rows[better]] = tried[better]
            # Twice as many each time: few rounds, and no more than twice the work.
            first, count = first + count, 2 * count
        reached = columns >= 0
        answers.gaps[reached] = np.maximum(answers.distances[reached] - proven[reached], 0.0)
        answers.status[unfinished] = Status.LIMIT
        return answers, columns, Multipliers.joined(multipliers)

    def _settle_pairs(
        self, answers: Answers, which: _Ints, points: _Floats, norm: float
    ) -> npt.NDArray[np.intp]:
        """Answer in closed form what can be, as a linear program takes longer; return the rest."""
        left = np.ones(len(points), dtype=bool)
        for s in np.unique(which).tolist():
            rows = np.flatnonzero(which == s)
            affine = AffineTies.of(self.ties, self.sets[s])
            settled, moved, distances = affine.settle(self.ties, points[rows], norm)
            done = rows[settled]
            answers.points[done], answers.distances[done] = moved[settled], distances[settled]
            answers.status[done], left[done] = Status.OPTIMAL, False
        return np.flatnonzero(left)

    def _chunks(
        self, which: _Ints, rows: npt.NDArray[np.intp]
    ) -> Iterator[tuple[npt.NDArray[np.intp], list[Polyhedron], _Ints]]:
        """Rows with the polyhedra that they need and each row's place among those."""
        used, place = np.unique(which[rows], return_inverse=True)
        step = self.ties.n_at_a_time
        for start in range(0, len(used), step):
            inside = (place >= start) & (place < start + step)
            polyhedra = [self.polyhedron(s) for s in used[start : start + step].tolist()]
            yield rows[inside], polyhedra, (place[inside] - start).astype(np.int64)


def _as_answers(found: PolyhedronProjection) -> Answers:
    n = len(found.status)
    return Answers(
        found.points,
        found.distances,
        found.gaps,
        found.status,
        np.arange(n),
        found.duals,
        found.equality_duals,
    )


def _best_of_each(owners: npt.NDArray[np.intp], distances: _Floats) -> npt.NDArray[np.intp]:
    """Place of the smallest distance of each owner."""
    order = np.lexsort((distances, owners))
    _, firsts = np.unique(owners[order], return_index=True)
    return order[firsts]
