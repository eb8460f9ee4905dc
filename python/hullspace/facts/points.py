"""What is known of queries and the hulls of a set."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from hullspace.facts.classes import ClassFacts

if TYPE_CHECKING:
    from hullspace.facts.hulls import Distances, Extremes, Gauges, Memberships, PreparedHulls
    from hullspace.hull import Hull

_Ints = npt.NDArray[np.int64]


class PointFacts:
    """Queries against the hull of a set, and of its classes; each question is asked once.

    Parameters
    ----------
    hulls : PreparedHulls
        Of the set.
    queries : (n, n_features) array
        What is asked about.
    """

    def __init__(self, hulls: PreparedHulls, queries: npt.NDArray[np.floating[Any]]) -> None:
        self.hulls = hulls
        self.queries = queries
        self._membership: Memberships | None = None
        self._distances: Distances | None = None
        self._gauge: Gauges | None = None
        self._by_class: dict[bytes, ClassFacts] = {}

    @property
    def hull(self) -> Hull:
        """The hull of all points of the set."""
        return self.hulls.whole.hull

    @property
    def extremes(self) -> Extremes:
        """Which points of the set are extreme points of its hull."""
        return self.hulls.extremes

    def membership(self, *, prove: bool = False) -> Memberships:
        """Return which queries are in the hull; with `prove` in exact arithmetic, too."""
        known = self._membership
        if known is None or (prove and known.exact is None):
            step = self._step("inside or outside", len(self.queries))
            known = self.hulls.whole.contains(self.queries, step, prove=prove)
            self._membership = known
        return known

    def distances(self, rows: _Ints | None = None) -> Distances:
        """Return the distances of the queries, or of some of them, to the hull."""
        known, queries = self._distances, self.queries
        if known is not None:
            return known if rows is None else known.at(rows)
        queries = queries if rows is None else queries[rows]
        found = self.hulls.whole.project(queries, self._step("distances", len(queries)))
        if rows is None:
            self._distances = found
        return found

    def gauge(self) -> Gauges:
        """Return by how much the hull must be scaled about the set's mean to reach the queries."""
        if self._gauge is None:
            step = self._step("gauge", len(self.queries))
            self._gauge = self.hulls.whole.gauge(self.queries, step)
        return self._gauge

    def by_class(self, classes: _Ints, n_classes: int) -> ClassFacts:
        """Return what is known of the hulls of classes; `classes` has one for each point."""
        key = classes.tobytes()
        if key not in self._by_class:
            made = self.hulls.of_classes(classes)
            self._by_class[key] = ClassFacts(made, self.queries, n_classes, self.hulls.asking)
        return self._by_class[key]

    def of(self, rows: _Ints) -> PointFacts:
        """Return what is known of some of the queries."""
        made = PointFacts(self.hulls, self.queries[rows])
        made._membership = None if self._membership is None else self._membership.at(rows)
        made._distances = None if self._distances is None else self._distances.at(rows)
        made._gauge = None if self._gauge is None else self._gauge.at(rows)
        made._by_class = {classes: facts.of(rows) for classes, facts in self._by_class.items()}
        return made

    def _step(self, what: str, n_items: int) -> int:
        return self.hulls.asking.progress.add(f"{self.hulls.name}: {what}", n_items)
