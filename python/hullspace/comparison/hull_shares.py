"""How test samples lie to the hulls of the training set and of their classes, in one space."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from hullspace.comparison.problem import CHEAP_FEATURES, lengths, quotient
from hullspace.comparison.statistics import proven_if
from hullspace.extras import require
from hullspace.status import Status

if TYPE_CHECKING:
    from hullspace.comparison.problem import Problem
    from hullspace.comparison.representations import Representation
    from hullspace.comparison.statistics import Estimate
    from hullspace.facts import Extremes, PointFacts
    from hullspace.hull import ClassHulls

_Floats = npt.NDArray[np.float64]
_Ints = npt.NDArray[np.int64]
_Bools = npt.NDArray[np.bool_]

# Finding the extreme points of more numbers than this, points times points times dimensions, takes
# more than a minute on two cores; then a part of the points is looked at.
_EXTREME_WORK = 2**39


@dataclass(frozen=True)
class HullShares:
    """Test samples against hulls in one space.

    Attributes
    ----------
    space : str
        Its name.
    n_features : int
        Its dimension.
    classes : (n_classes,) int64
        The classes that training images have, by label where known, else by the model.
    outside, outside_class : (n_test,) bool
        Proven to lie outside the hull of the training set, and of the sample's class.
    undecided, undecided_class : (n_test,) bool
        Left open by rounding; not counted as outside.
    rows : (n_rows,) int64
        Test samples that the distances are of.
    distances : (n_rows,) float64
        To the hull of the training set, in the units of the space.
    checked, class_checked : (n_rows,) bool
        Whether the distances to the hull of the training set, and to those of all classes, passed
        the independent check.
    class_distances, class_gaps : (n_rows, n_classes) float64
        To the hull of each class: the true distances lie in ``[distances - gaps, distances]``.
    own_distances : (n_rows,) float64
        To the hull of the sample's class; NaN where no training image has that class.
    neighbour_distances, own_neighbour_distances : (n_rows,) float64
        To the nearest training point, and to the nearest one of the sample's class.
    mean_distances : (n_rows, n_classes) float64
        To the mean of each class.
    scale : float
        `Hull.scale` of the training set: the unit of tolerances.
    spread : float
        Root mean square distance of training points from their mean.
    own_spreads : (n_rows,) float64
        The same for the sample's class.
    extreme : (n_looked_at,) bool
        Which training points are extreme points of the hull, among `extreme_rows`.
    extreme_checked : (n_looked_at,) bool
        Whether that passed the independent check.
    extreme_rows : (n_looked_at,) int64
        All training points, or a random part where there are very many: extreme is then meant
        among these.
    """

    space: str
    n_features: int
    classes: _Ints
    outside: _Bools
    outside_class: _Bools
    undecided: _Bools
    undecided_class: _Bools
    rows: _Ints
    distances: _Floats
    checked: _Bools
    class_checked: _Bools
    class_distances: _Floats
    class_gaps: _Floats
    own_distances: _Floats
    neighbour_distances: _Floats
    own_neighbour_distances: _Floats
    mean_distances: _Floats
    scale: float
    spread: float
    own_spreads: _Floats
    extreme: _Bools
    extreme_checked: _Bools
    extreme_rows: _Ints

    def at(self, rows: _Ints) -> _Ints:
        """Return where in `rows` of this result the given test samples are."""
        return np.searchsorted(self.rows, rows).astype(np.int64)

    def __repr__(self) -> str:
        n, inside = len(self.outside), int(np.count_nonzero(~self.outside))
        return f"HullShares({self.space!r}, {n} samples, {n - inside} outside the training hull)"


def hull_shares(problem: Problem, where: Representation) -> HullShares:
    """Compare test samples with hulls in one space."""
    classes, n_classes = problem.test_classes, problem.test.head.n_classes
    cheap = where.n_features <= CHEAP_FEATURES
    rows = np.arange(len(where.test)) if cheap else problem.rows
    points = problem.points(where)
    mine = points.by_class(problem.train_classes, n_classes)
    present, hulls = mine.hulls.classes.astype(np.int64), mine.hulls.hulls
    status, own_status = points.membership().decided, mine.membership(classes).decided
    queries = where.test[rows]
    whole, own = points.distances(None if cheap else rows), mine.distances(rows)
    class_distances = own.values[:, present]
    means = [part.points.mean(axis=0, dtype=np.float64) for part in hulls]
    spreads = np.array([spread(part.points) for part in hulls])
    extreme_rows, extreme = _extreme(problem, where, points)
    of_own = partial(_of_own, present, classes=classes[rows])
    return HullShares(
        space=where.name,
        n_features=where.n_features,
        classes=present,
        outside=status == Status.OUTSIDE,
        outside_class=own_status == Status.OUTSIDE,
        undecided=status == Status.UNDECIDED,
        undecided_class=own_status == Status.UNDECIDED,
        rows=rows.astype(np.int64),
        distances=whole.values,
        checked=whole.checked,
        class_checked=np.asarray(own.checked.all(axis=1)),
        class_distances=class_distances,
        class_gaps=own.gaps[:, present],
        own_distances=of_own(class_distances),
        neighbour_distances=_nearest(where.train, queries, problem.n_threads),
        own_neighbour_distances=_own_nearest(mine.hulls, queries, classes[rows], problem.n_threads),
        mean_distances=np.column_stack([lengths(queries - mean) for mean in means]),
        scale=points.hull.scale,
        spread=spread(where.train),
        own_spreads=of_own(np.broadcast_to(spreads, class_distances.shape)),
        extreme=extreme.mask,
        extreme_checked=extreme.checked,
        extreme_rows=extreme_rows,
    )


def spread(points: npt.NDArray[Any]) -> float:
    """Root mean square distance of points from their mean."""
    return float(np.sqrt(points.var(axis=0, dtype=np.float64).sum()))


def _of_own(known: npt.NDArray[Any], values: _Floats, classes: _Ints) -> _Floats:
    """Pick each row's entry for its class, of columns for the known ones; NaN for others."""
    column = np.minimum(np.searchsorted(known, classes), len(known) - 1)
    picked = values[np.arange(len(values)), column]
    return np.where(known[column] == classes, picked, np.nan)


def _nearest(points: npt.NDArray[Any], queries: npt.NDArray[Any], n_threads: int | None) -> _Floats:
    """Distance of each query to the nearest point, recomputed without cancellation."""
    neighbours = require("sklearn.neighbors", "study")
    search = neighbours.NearestNeighbors(n_neighbors=1, n_jobs=n_threads or -1).fit(points)
    nearest = search.kneighbors(queries, return_distance=False)[:, 0]
    return lengths(queries.astype(np.float64) - points[nearest])


def _own_nearest(
    hulls: ClassHulls, queries: npt.NDArray[Any], classes: _Ints, n_threads: int | None
) -> _Floats:
    distances = np.full(len(queries), np.nan)
    for c, hull in zip(hulls.classes, hulls.hulls, strict=True):
        members = np.flatnonzero(classes == c)
        if len(members):
            distances[members] = _nearest(hull.points, queries[members], n_threads)
    return distances


def _extreme(problem: Problem, where: Representation, points: PointFacts) -> tuple[_Ints, Extremes]:
    """Say which training points are extreme, all or as many as can be looked at."""
    n = len(where.train)
    most = max(int((_EXTREME_WORK / where.n_features) ** 0.5), 1)
    rows = np.arange(n)
    if n > most:
        rows = np.sort(problem.rng(1).choice(n, most, replace=False))
        points = problem.point_facts(where.train[rows], where.test)
    return rows.astype(np.int64), points.extremes


def hull_estimates(problem: Problem, found: HullShares) -> list[Estimate]:
    """Shares outside and extreme, and how far outside, as estimates."""
    make, space = problem.bootstrap, found.space
    return [
        make.share(
            "outside_training_hull",
            space,
            found.outside,
            "{value} of {n} test samples lie outside the hull of the training set in {space}: "
            "for these the model extrapolates there.",
            "proven",
        ),
        make.share(
            "outside_class_hull",
            space,
            found.outside_class,
            "{value} of {n} test samples lie outside the hull of the training samples of their "
            "class in {space}.",
            "proven",
        ),
        *_distance_estimates(problem, found),
        make.share(
            "extreme_points",
            space,
            found.extreme,
            "{value} of {n} training points are extreme points of their hull in {space}: "
            "no mixture of the others gives them.",
            proven_if(found.extreme_checked),
        ),
    ]


def _distance_estimates(problem: Problem, found: HullShares) -> list[Estimate]:
    out, out_class = found.outside[found.rows], found.outside_class[found.rows]
    scales = [
        ("hull_to_neighbour", found.distances, found.neighbour_distances, out,
         "the hull of the training set", "as the nearest training point"),
        ("hull_to_spread", found.distances, np.full(len(out), found.spread), out,
         "the hull of the training set", "as training points are from their mean"),
        ("class_hull_to_neighbour", found.own_distances, found.own_neighbour_distances, out_class,
         "the hull of their class", "as the nearest training point of the class"),
        ("class_hull_to_spread", found.own_distances, found.own_spreads, out_class,
         "the hull of their class", "as the class's points are from their mean"),
    ]  # fmt: skip
    return [
        problem.bootstrap.median(
            name,
            found.space,
            quotient(far[chosen], unit[chosen]),
            "ratio",
            f"In {{space}} the {{n}} test samples outside {hull} are {{value}} times as far from "
            f"it, in the median, {scale}.",
            proven_if((found.class_checked if name.startswith("class") else found.checked)[chosen]),
        )
        for name, far, unit, chosen, hull, scale in scales
    ]
