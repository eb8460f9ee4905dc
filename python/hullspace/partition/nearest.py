"""Nearest points of the sets where classes tie: closed form where it holds, else optimization.

The distance to the affine set where classes tie is a lower bound of the distance to the part of it
where they are at the top and the domain allows it. Where the nearest point of the affine set
happens to lie in that part it is the answer; only other points are left to the solver.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from scipy import sparse

from hullspace.partition.linear import project_linear
from hullspace.polyhedron import Polyhedron, PolyhedronProjection, project_batch
from hullspace.status import Status

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from hullspace.partition.ties import Subset, Ties

_Floats = npt.NDArray[np.float64]
_Ints = npt.NDArray[np.int64]

# Polyhedra are made as they are needed, at most this many bytes of them at a time.
_BYTES = 2**28
# Directions of an affine set's normals that are shorter, relative to the longest, are rounding.
_RANK = 1e-12
# A tie must hold this well, relative to the sizes of what cancels, to count as a tie.
_TIE = 1e-12


@dataclass(frozen=True)
class AffineTies:
    """Where classes tie, the domain and the other classes aside: ``E x = d``.

    Attributes
    ----------
    E : (k - 1, n_features) float64
        Differences of weights.
    d : (k - 1,) float64
        Differences of biases.
    inverse : (n_features, k - 1) float64
        Pseudo-inverse of E.
    consistent : bool
        Whether there is such a place at all.
    """

    E: _Floats
    d: _Floats
    inverse: _Floats
    consistent: bool

    @classmethod
    def of(cls, ties: Ties, classes: Subset) -> AffineTies:
        """Make the equations for given classes."""
        first, rest = classes[0], list(classes[1:])
        E, d = ties.weight[rest] - ties.weight[first], ties.bias[first] - ties.bias[rest]
        inverse = np.linalg.pinv(E, rcond=_RANK) if rest else E.T
        scale = np.abs(ties.bias[list(classes)]).max() + np.abs(d).max(initial=0.0)
        consistent = bool((np.abs(E @ (inverse @ d) - d) <= 1e-10 * scale).all())
        return cls(E, d, inverse, consistent)

    def steps(self, points: _Floats) -> _Floats:
        """Shortest moves from points to the affine set."""
        result: _Floats = (self.d - points @ self.E.T) @ self.inverse.T
        return result

    def distances(self, points: _Floats) -> _Floats:
        """Lower bounds of Euclidean distances; infinity if the classes tie nowhere."""
        if not self.consistent:
            return np.full(len(points), np.inf)
        # In the row space of E, of dimension k - 1 at most, moves are as long as in all of space.
        factor = np.linalg.qr(self.inverse, mode="r")
        return np.linalg.norm((self.d - points @ self.E.T) @ factor.T, axis=1)


@dataclass
class Answers:
    """Nearest points, one for each of n questions; filled in as answers are found."""

    points: _Floats
    distances: _Floats
    gaps: _Floats
    status: npt.NDArray[np.int8]
    row: _Ints = field(repr=False)  # of `duals`, -1 where nothing but the tie binds
    duals: sparse.csr_array = field(repr=False)

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
        self.duals = _stacked(self.duals, other.duals[other.row[chosen][held]])


def _stacked(first: sparse.csr_array, second: sparse.csr_array) -> sparse.csr_array:
    """Rows of both, as wide as the wider one."""
    if not second.shape[0]:
        return first
    width = max(first.shape[1], second.shape[1])
    parts = [sparse.csr_array(part) for part in (first, second)]
    for part in parts:
        part.resize((part.shape[0], width))
    return sparse.csr_array(sparse.vstack(parts, format="csr"))


def project_onto_ties(
    ties: Ties,
    sets: Sequence[Subset],
    which: _Ints,
    points: _Floats,
    norm: float,
    n_threads: int | None,
) -> Answers:
    """Find the nearest point of ``sets[which[i]]`` to ``points[i]``."""
    answers = Answers.none(len(points), ties.n_features)
    left = np.ones(len(points), dtype=bool)
    for s in np.unique(which):
        rows = np.flatnonzero(which == s)
        settled, moved, distances = _closed_form(ties, sets[s], points[rows], norm)
        done = rows[settled]
        answers.points[done], answers.distances[done] = moved[settled], distances[settled]
        answers.status[done], left[done] = Status.OPTIMAL, False
    for rows, polyhedra, local in _chunks(ties, sets, which, np.flatnonzero(left)):
        if norm == 2.0:
            found = project_batch(polyhedra, local, points[rows], n_threads=n_threads)
        else:
            found = project_linear(polyhedra, local, points[rows], norm, n_threads)
        answers.take(rows, _as_answers(found), np.arange(len(rows)))
    return answers


def _as_answers(found: PolyhedronProjection) -> Answers:
    n = len(found.status)
    return Answers(
        found.points, found.distances, found.gaps, found.status, np.arange(n), found.duals
    )


def _closed_form(
    ties: Ties, classes: Subset, points: _Floats, norm: float
) -> tuple[npt.NDArray[np.bool_], _Floats, _Floats]:
    """Nearest points of the affine set, and whether they satisfy everything else as well."""
    affine = AffineTies.of(ties, classes)
    if not affine.consistent or (norm != 2.0 and len(classes) != 2):
        return np.zeros(len(points), dtype=bool), points, np.zeros(len(points))
    steps = affine.steps(points) if norm == 2.0 else _steps_to_plane(affine, points, norm)
    moved = points + steps
    logits = ties.logits(moved)
    tied = logits[:, list(classes)]
    sizes = np.abs(moved) @ np.abs(ties.weight[list(classes)]).T + np.abs(ties.bias[list(classes)])
    fits = np.ptp(tied, axis=1) <= _TIE * sizes.max(axis=1)
    fits &= logits.max(axis=1) <= tied.max(axis=1)
    fits[fits] = ties.domain.polyhedron.contains(moved[fits], tolerance=0.0)
    return fits, moved, np.linalg.norm(steps, ord=norm, axis=1)


def _steps_to_plane(affine: AffineTies, points: _Floats, norm: float) -> _Floats:
    """Shortest moves to a hyperplane in the norms 1 and infinity."""
    normal, steps = affine.E[0], np.zeros_like(points)
    missing = affine.d[0] - points @ normal
    if norm == np.inf:
        length = np.abs(normal).sum()
        return np.outer(missing / length if length else missing, np.sign(normal))
    i = np.abs(normal).argmax()
    steps[:, i] = missing / normal[i] if normal[i] else 0.0
    return steps


def _chunks(
    ties: Ties, sets: Sequence[Subset], which: _Ints, rows: npt.NDArray[np.intp]
) -> Iterator[tuple[npt.NDArray[np.intp], list[Polyhedron], _Ints]]:
    """Rows with the polyhedra that they need and each row's place among those."""
    n_rows = ties.n_classes + ties.domain.polyhedron.n_constraints
    at_a_time = max(1, _BYTES // (8 * n_rows * ties.n_features))
    used, place = np.unique(which[rows], return_inverse=True)
    for start in range(0, len(used), at_a_time):
        inside = (place >= start) & (place < start + at_a_time)
        polyhedra = [ties.top(sets[s]) for s in used[start : start + at_a_time]]
        yield rows[inside], polyhedra, (place[inside] - start).astype(np.int64)


def nearest_of(
    ties: Ties,
    sets: Sequence[Subset],
    index: _Ints,
    bounds: _Floats,
    points: _Floats,
    norm: float,
    n_threads: int | None,
) -> tuple[Answers, _Ints]:
    """Find the nearest point of several sets, nearest by lower bound first.

    Parameters
    ----------
    index : (n, m) int64
        Candidates of each point, as places in `sets`.
    bounds : (n, m) float64
        Lower bounds of their distances; infinity rules a candidate out.

    Returns
    -------
    answers, columns
        The nearest points and which candidate they are on; -1 where there is none.
    """
    bounds = bounds.copy()
    answers = Answers.none(len(points), ties.n_features)
    columns = np.full(len(points), -1, dtype=np.int64)
    proven = np.full(len(points), np.inf)
    unfinished = np.zeros(len(points), dtype=bool)
    while bounds.shape[1]:
        tried = bounds.argmin(axis=1)
        rows = np.flatnonzero(bounds[np.arange(len(points)), tried] < answers.distances)
        if not len(rows):
            break
        tried = tried[rows]
        found = project_onto_ties(ties, sets, index[rows, tried], points[rows], norm, n_threads)
        bounds[rows, tried] = np.inf
        proven[rows] = np.minimum(proven[rows], found.distances - found.gaps)
        unfinished[rows] |= found.status == Status.LIMIT
        better = np.flatnonzero(found.distances < answers.distances[rows])
        answers.take(rows[better], found, better)
        columns[rows[better]] = tried[better]
    reached = columns >= 0
    answers.gaps[reached] = np.maximum(answers.distances - proven, 0.0)[reached]
    answers.status[unfinished] = Status.LIMIT
    return answers, columns


def region_distances(ties: Ties, points: _Floats, n_threads: int | None) -> PolyhedronProjection:
    """Project every point onto every region; see `DecisionPartition.region_distances`."""
    sets = [(c,) for c in range(ties.n_classes)]
    which = np.tile(np.arange(ties.n_classes), len(points)).astype(np.int64)
    polyhedra = [ties.top(subset) for subset in sets]
    repeated = np.repeat(points, ties.n_classes, axis=0)
    return project_batch(polyhedra, which, repeated, n_threads=n_threads)
