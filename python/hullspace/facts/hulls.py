"""Hulls that check their answers, and the hulls of a set: of all of it, and of its classes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from hullspace import certificates
from hullspace.hull import ClassHulls, Hull
from hullspace.status import Proof, Status

if TYPE_CHECKING:
    from hullspace.facts.asking import Asking

_Floats = npt.NDArray[np.float64]
_Ints = npt.NDArray[np.int64]
_Bools = npt.NDArray[np.bool_]
_Points = npt.NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Memberships:
    """Whether queries lie in a hull.

    Attributes
    ----------
    status : (n,) int8
        As `Hull.contains` returned it.
    checked : (n,) bool
        Whether the certificate passed the independent check.
    exact : (n,) int8 or None
        The `Proof` with tolerance zero; None where that was not asked for.
    """

    status: npt.NDArray[np.int8]
    checked: _Bools
    exact: npt.NDArray[np.int8] | None = None

    def at(self, rows: _Ints) -> Memberships:
        """Return those of some of the queries."""
        exact = None if self.exact is None else self.exact[rows]
        return Memberships(self.status[rows], self.checked[rows], exact)

    @property
    def decided(self) -> npt.NDArray[np.int8]:
        """The status where the certificate passed the check, UNDECIDED elsewhere."""
        return np.where(self.checked, self.status, np.int8(Status.UNDECIDED))


@dataclass(frozen=True)
class Distances:
    """Distances of queries to hulls.

    Attributes
    ----------
    values, gaps : float64
        The true distances lie in ``[values - gaps, values]``.
    checked : bool
        Whether the certificates passed the independent check.
    """

    values: _Floats
    gaps: _Floats
    checked: _Bools

    def at(self, rows: _Ints) -> Distances:
        """Return those of some of the queries."""
        return Distances(self.values[rows], self.gaps[rows], self.checked[rows])


@dataclass(frozen=True)
class Gauges:
    """By how much a hull must be scaled about its mean to reach queries.

    Attributes
    ----------
    values : (n,) float64
        As in `hullspace.Hull.gauge`.
    checked : (n,) bool
        Whether the rays that prove them passed the independent check.
    """

    values: _Floats
    checked: _Bools

    def at(self, rows: _Ints) -> Gauges:
        """Return those of some of the queries."""
        return Gauges(self.values[rows], self.checked[rows])


@dataclass(frozen=True)
class Extremes:
    """Which points of a set are extreme points of its hull.

    Attributes
    ----------
    mask : (n_points,) bool
        Of equal points the first.
    checked : (n_points,) bool
        Whether it passed the independent check that the point is extreme, or that it lies in the
        hull of those that are.
    """

    mask: _Bools
    checked: _Bools


class CheckedHull:
    """A hull whose answers are checked as they are found, by code apart from the solver.

    Parameters
    ----------
    hull : Hull
        The hull.
    asking : Asking
        How it is asked.
    """

    def __init__(self, hull: Hull, asking: Asking) -> None:
        self.hull = hull
        self._asking = asking
        self._checker: certificates.Checker | None = None
        self._options: dict[str, Any] = {
            "tolerance": asking.tolerance,
            "n_threads": asking.n_threads,
        }

    def _check(self, queries: _Points | None, found: Any) -> _Bools:
        """Check answers; the points are prepared for that when the first ones come."""
        if self._checker is None:
            self._checker = certificates.Checker(self.hull.points)
        return self._checker.check(queries, found, tolerance=self._asking.tolerance)

    def contains(self, queries: _Points, step: int, *, prove: bool = False) -> Memberships:
        """Ask which queries are inside; with `prove` in exact arithmetic, too."""
        n = len(queries)
        status, checked = np.empty(n, np.int8), np.empty(n, bool)
        exact = np.full(n, Proof.UNPROVEN, np.int8) if prove else None
        for rows in self._asking.progress.chunks(step, n):
            found = self.hull.contains(queries[rows], **self._options)
            status[rows] = found.status
            checked[rows] = self._check(queries[rows], found)
            if exact is not None:
                exact[rows] = certificates.prove(self.hull.points, queries[rows], found)
        return Memberships(status, checked, exact)

    def project(self, queries: _Points, step: int) -> Distances:
        """Ask how far queries are away."""
        n = len(queries)
        found = Distances(np.empty(n), np.empty(n), np.empty(n, bool))
        for rows in self._asking.progress.chunks(step, n):
            nearest = self.hull.project(queries[rows], **self._options)
            found.values[rows], found.gaps[rows] = nearest.distances, nearest.gaps
            found.checked[rows] = self._check(queries[rows], nearest)
        return found

    def gauge(self, queries: _Points, step: int) -> Gauges:
        """Ask by how much the hull must be scaled to reach queries."""
        n = len(queries)
        found = Gauges(np.empty(n), np.empty(n, bool))
        for rows in self._asking.progress.chunks(step, n):
            gauge = self.hull.gauge(queries[rows], **self._options)
            found.values[rows] = gauge.values
            found.checked[rows] = self._check(queries[rows], gauge)
        return found

    def extremes(self, step: int) -> Extremes:
        """Ask which points are extreme."""
        points, found = self.hull.points, self.hull.vertices(**self._options)
        mask, checked = np.zeros((2, len(points)), dtype=bool)
        mask[found.indices] = True
        checked[mask] = self._check(None, found)
        if not mask.all():
            spanned = CheckedHull(
                Hull(points[mask], n_threads=self._asking.n_threads), self._asking
            )
            within = spanned.contains(points[~mask], step)
            checked[~mask] = within.decided == Status.INSIDE
        return Extremes(mask, checked)


class PreparedHulls:
    """The hull of a set and the hulls of its classes, each prepared when first asked for, once.

    Parameters
    ----------
    points : (n_points, n_features) array
        The set.
    asking : Asking
        How they are asked.
    name : str, default "hull"
        Of the hull, in the names of steps.
    """

    def __init__(self, points: _Points, asking: Asking, name: str = "hull") -> None:
        self.points = points
        self.asking = asking
        self.name = name
        self._of_classes: dict[bytes, ClassHulls] = {}

    @cached_property
    def whole(self) -> CheckedHull:
        """The hull of all points."""
        return CheckedHull(Hull(self.points, n_threads=self.asking.n_threads), self.asking)

    def of_classes(self, classes: _Ints) -> ClassHulls:
        """Return the hulls of the points of each class; `classes` has one for each point."""
        key = classes.tobytes()
        if key not in self._of_classes:
            made = ClassHulls(self.points, classes, n_threads=self.asking.n_threads)
            self._of_classes[key] = made
        return self._of_classes[key]

    @cached_property
    def extremes(self) -> Extremes:
        """Which points are extreme points of the hull of all."""
        progress = self.asking.progress
        step = progress.add(f"{self.name}: extreme points", len(self.points))
        found = self.whole.extremes(step)
        progress.finish(step)
        return found
