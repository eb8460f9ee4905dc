"""Checks of regions that are guaranteed a class, and of what is said of features and them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from hullspace.certificates import signs
from hullspace.certificates.decisions import Decisions
from hullspace.certificates.fields import array_of, floats_of, require_no_queries, statuses_of
from hullspace.certificates.hulls import check_membership, check_projection
from hullspace.certificates.points import PointSet
from hullspace.certificates.rounding import are_nan, every
from hullspace.status import Status

if TYPE_CHECKING:
    from collections.abc import Callable

    from hullspace.certificates.rounding import Bools

    Check = Callable[[PointSet, Any, Any, float], Bools]


def check_regions(subject: Any, queries: Any, result: Any, tolerance: float) -> Bools:
    """Check `GuaranteedRegions`; see `hullspace.certificates.check`."""
    del tolerance  # everything is exact
    require_no_queries(queries, result)
    decisions = Decisions.of(subject)
    classes = np.asarray(result.hulls.classes)
    proven = np.zeros(len(classes), dtype=bool)
    for i, (c, hull) in enumerate(zip(classes.tolist(), result.hulls.hulls, strict=True)):
        points = np.asarray(hull.points)
        if not isinstance(c, int) or not 0 <= c < decisions.n_classes:
            continue
        proven[i] = np.isfinite(points).all() and _are_guaranteed(decisions, c, points).all()
    return proven


def _are_guaranteed(decisions: Decisions, c: int, points: Any) -> Bools:
    """Whether the logit of c is at the top at points of the domain, in exact arithmetic."""
    rows = signs.class_rows(decisions.weight, decisions.bias, c)
    whole = points.astype(np.float64)
    inside = signs.in_domain(decisions.A, decisions.b, decisions.E, decisions.d, whole)
    return signs.never_positive(rows, signs.doubled(whole)) & inside


def _point_sets(decisions: Decisions, regions: Any) -> dict[int, Any]:
    """Points of each class's region: of regions as made, or of the features they are made of."""
    if hasattr(regions, "hulls"):
        hulls = regions.hulls
        return {int(c): h.points for c, h in zip(hulls.classes, hulls.hulls, strict=True)}
    features = decisions.features(regions, "features")
    inside = signs.in_domain(decisions.A, decisions.b, decisions.E, decisions.d, features)
    features = features[inside]
    winners = signs.winners(decisions.weight, decisions.bias, features)
    return {int(c): features[winners == c] for c in np.unique(winners)}


def _parts(subject: Any) -> tuple[Decisions, dict[int, Any]]:
    if not isinstance(subject, tuple | list) or len(subject) != 2:
        raise TypeError(
            "subject must be the pair (partition, features) or (partition, regions), where "
            "regions are GuaranteedRegions"
        )
    decisions = Decisions.of(subject[0])
    return decisions, _point_sets(decisions, subject[1])


def check_guarantees(subject: Any, queries: Any, result: Any, tolerance: float) -> Bools:
    """Check `Guarantees`; see `hullspace.certificates.check`."""
    decisions, sets = _parts(subject)
    samples = decisions.features(queries)
    n = len(samples)
    classes, status = array_of(result, "classes", (n,), "iu"), statuses_of(result, (n,))
    inside = array_of(result, "inside", (n,), "b")
    right = classes == signs.winners(decisions.weight, decisions.bias, samples)
    # Without a region, there is nothing to be in.
    proven = (status == Status.OUTSIDE) & ~np.isin(classes, list(sets))
    for c, rows in decisions.by_class(classes):
        if c in sets:
            part = _part_of(result.memberships, c)
            points = PointSet(np.asarray(sets[c]))
            proven[rows] = check_membership(points, samples[rows], part, tolerance)
            proven[rows] &= status[rows] == part.status
            proven[rows] &= _are_guaranteed(decisions, c, points.points).all()
    checked: Bools = proven & right & (inside == (status == Status.INSIDE))
    return checked


def _part_of(parts: Any, c: int) -> Any:
    if c not in parts:
        raise ValueError(f"result must have the answers for class {c}")
    return parts[c]


def check_guaranteed_projections(
    subject: Any, queries: Any, result: Any, tolerance: float
) -> Bools:
    """Check `GuaranteedProjections`; see `hullspace.certificates.check`."""
    decisions, sets = _parts(subject)
    samples = decisions.features(queries)
    n = len(samples)
    classes, status = array_of(result, "classes", (n,), "iu"), statuses_of(result, (n,))
    points = floats_of(result, "points", samples.shape)
    distances, gaps = floats_of(result, "distances", (n,)), floats_of(result, "gaps", (n,))
    known = (classes >= 0) & (classes < decisions.n_classes) & ~np.isin(classes, list(sets))
    nowhere = are_nan(points) & np.isposinf(distances) & (gaps == 0.0)
    proven = (status == Status.EMPTY) & known & nowhere
    for c, rows in decisions.by_class(classes):
        if c in sets:
            part = _part_of(result.projections, c)
            own = PointSet(np.asarray(sets[c]))
            proven[rows] = check_projection(own, samples[rows], part, tolerance)
            proven[rows] &= status[rows] == part.status
            proven[rows] &= every(points[rows] == part.points)
            proven[rows] &= (distances[rows] == part.distances) & (gaps[rows] == part.gaps)
            proven[rows] &= _are_guaranteed(decisions, c, own.points).all()
    checked: Bools = proven
    return checked
