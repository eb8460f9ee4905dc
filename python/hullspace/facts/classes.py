"""What is known of queries and the hulls of classes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from hullspace import certificates
from hullspace.facts.hulls import CheckedHull, Distances, Memberships
from hullspace.status import Proof, Status

if TYPE_CHECKING:
    from hullspace.facts.asking import Asking
    from hullspace.hull import ClassHulls

_Floats = npt.NDArray[np.float64]
_Ints = npt.NDArray[np.int64]
_Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class PairDistances:
    """Distances of class hulls from each other.

    Attributes
    ----------
    values, gaps : (n_classes, n_classes) float64
        The true distances lie in ``[values - gaps, values]``; NaN where a hull is empty.
    checked : (n_classes, n_classes) bool
        Whether nearest points and hyperplanes passed the independent check.
    """

    values: _Floats
    gaps: _Floats
    checked: _Bools


class ClassFacts:
    """Queries against the hull of each class; each pair of them is looked at once.

    A class without points has no hull: all is outside of it, infinitely far away.

    Parameters
    ----------
    hulls : ClassHulls
        The hulls of the classes that have points, which are named by their numbers.
    queries : (n, n_features) array
        What is asked about.
    n_classes : int
        Number of all classes.
    asking : Asking
        How the hulls are asked.
    """

    def __init__(
        self,
        hulls: ClassHulls,
        queries: npt.NDArray[np.floating[Any]],
        n_classes: int,
        asking: Asking,
    ) -> None:
        self.hulls = hulls
        self.queries = queries
        self._asking = asking
        self._n_classes = n_classes
        self._checked = [
            (int(c), CheckedHull(hull, asking))
            for c, hull in zip(hulls.classes, hulls.hulls, strict=True)
        ]
        shape = (len(queries), n_classes)
        absent = np.ones(shape, bool)
        absent[:, hulls.classes] = False
        self._known, self._proven, self._measured = absent, absent.copy(), absent.copy()
        self._members = Memberships(
            np.full(shape, Status.OUTSIDE, np.int8),
            np.ones(shape, bool),
            np.full(shape, Proof.PROVEN_OUTSIDE, np.int8),
        )
        self._distances = Distances(np.full(shape, np.inf), np.zeros(shape), np.ones(shape, bool))

    @property
    def sizes(self) -> _Ints:
        """Points in each class, (n_classes,)."""
        sizes = np.zeros(self._n_classes, dtype=np.int64)
        sizes[self.hulls.classes] = [hull.n_points for hull in self.hulls.hulls]
        return sizes

    def membership(
        self, classes: _Ints, rows: _Ints | None = None, *, prove: bool = False
    ) -> Memberships:
        """Return whether each query, or some of them, is in the hull of a class of its own.

        `classes`, (n,), has one for every query; with `prove` this is decided exactly, too.
        """
        mine, members = self._pairs_of(classes, rows), self._members
        assert members.exact is not None  # noqa: S101 - made with it
        known = self._proven if prove else self._known
        open_ = ~known[mine]
        if open_.any():
            n_open = int(np.count_nonzero(open_))
            step = self._asking.progress.add("class hulls: inside or outside", n_open)
            for c, hull in self._checked:
                chosen = mine[0][open_ & (mine[1] == c)]
                found = hull.contains(self.queries[chosen], step, prove=prove)
                members.status[chosen, c], members.checked[chosen, c] = found.status, found.checked
                self._known[chosen, c] = True
                if found.exact is not None:
                    members.exact[chosen, c], self._proven[chosen, c] = found.exact, True
        exact = members.exact[mine] if prove else None
        return Memberships(members.status[mine], members.checked[mine], exact)

    def distances(self, rows: _Ints | None = None) -> Distances:
        """Return distances to every class hull, of all queries or of some, (n, n_classes)."""
        wanted = np.zeros((len(self.queries), self._n_classes), bool)
        wanted[slice(None) if rows is None else rows] = True
        self._measure(wanted)
        return self._distances if rows is None else self._distances.at(rows)

    def own_distances(self, classes: _Ints, rows: _Ints | None = None) -> Distances:
        """Return the distance of each query, or of some, to the hull of a class of its own."""
        mine = self._pairs_of(classes, rows)
        wanted = np.zeros((len(self.queries), self._n_classes), bool)
        wanted[mine] = True
        self._measure(wanted)
        known = self._distances
        return Distances(known.values[mine], known.gaps[mine], known.checked[mine])

    def _pairs_of(self, classes: _Ints, rows: _Ints | None) -> tuple[_Ints, _Ints]:
        chosen = np.arange(len(self.queries)) if rows is None else rows
        return chosen, classes[chosen]

    def _measure(self, wanted: _Bools) -> None:
        """Find those of the distances wanted that are not known."""
        open_, known = wanted & ~self._measured, self._distances
        if not open_.any():
            return
        step = self._asking.progress.add("class hulls: distances", int(np.count_nonzero(open_)))
        for c, hull in self._checked:
            rows = np.flatnonzero(open_[:, c])
            found = hull.project(self.queries[rows], step)
            known.values[rows, c], known.gaps[rows, c] = found.values, found.gaps
            known.checked[rows, c], self._measured[rows, c] = found.checked, True

    def of(self, rows: _Ints) -> ClassFacts:
        """Return what is known of some of the queries."""
        made = ClassFacts(self.hulls, self.queries[rows], self._n_classes, self._asking)
        made._known, made._proven = self._known[rows], self._proven[rows]
        made._measured = self._measured[rows]
        made._members, made._distances = self._members.at(rows), self._distances.at(rows)
        return made

    @cached_property
    def pairs(self) -> PairDistances:
        """Distances of the hulls from each other."""
        tolerance, n = self._asking.tolerance, self._n_classes
        found = self.hulls.hull_distances(tolerance=tolerance, n_threads=self._asking.n_threads)
        there = np.ix_(self.hulls.classes, self.hulls.classes)
        made = PairDistances(
            np.full((n, n), np.nan), np.full((n, n), np.nan), np.ones((n, n), bool)
        )
        made.values[there], made.gaps[there] = found.distances, found.gaps
        made.checked[there] = certificates.check(self.hulls, None, found, tolerance=tolerance)
        return made
