"""Checks of answers about several hulls: how far two are from each other, and those of classes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from hullspace.arguments import as_matrix
from hullspace.certificates.fields import Weights, array_of, float_of, floats_of, require_no_queries
from hullspace.certificates.frames import Frame
from hullspace.certificates.hulls import check_membership, check_projection
from hullspace.certificates.points import PointSet
from hullspace.certificates.rounding import are_unit, are_zero, norms
from hullspace.status import Status

if TYPE_CHECKING:
    from hullspace.certificates.rounding import Bools, Floats


def check_hull_distance(subject: Any, queries: Any, result: Any, tolerance: float) -> Bools:
    """Check a `HullDistance`; see `hullspace.certificates.check`."""
    require_no_queries(queries, result)
    if not isinstance(subject, tuple | list) or len(subject) != 2:
        raise TypeError("subject must be the pair (points_a, points_b) for a HullDistance")
    first, second = as_matrix(subject[0], "points_a"), as_matrix(subject[1], "points_b")
    if first.shape[1] != second.shape[1]:
        raise ValueError(
            f"points_b must have {first.shape[1]} columns (n_features) like points_a, "
            f"got {second.shape[1]}"
        )
    allowed = tolerance * (PointSet(first).width + PointSet(second).width)
    return np.array([_Pair(first, second, result).holds(allowed)])


class _Pair:
    """Two point sets in one frame, and what is said of the distance of their hulls."""

    def __init__(self, first: Any, second: Any, result: Any) -> None:
        frame = Frame.of([first, second])
        self.sets = PointSet(first, frame), PointSet(second, frame)
        self.frame, self.result = frame, result
        d = first.shape[1]
        self.ends = [floats_of(result, name, (d,))[None] for name in ("point_a", "point_b")]
        self.weights = [
            Weights.of_vector(floats_of(result, name, (len(points),)))
            for name, points in zip(("weights_a", "weights_b"), self.sets, strict=True)
        ]
        self.normal = floats_of(result, "normal", (d,))[None]
        names = ("distance", "gap", "offset")
        self.distance, self.gap, self.offset = (float_of(result, name) for name in names)

    def holds(self, allowed: float) -> bool:
        """Whether the distance is proven, up to a gap that is allowed."""
        if self.result.status != Status.OPTIMAL:
            return False
        n_terms = sum(len(weights.indices) for weights in self.weights)
        rounding = float(self.frame.length_rounding(np.zeros_like(self.normal), n_terms)[0])
        combined = [s.combinations(w) for s, w in zip(self.sets, self.weights, strict=True)]
        found = norms(self.frame.restored(combined[0] - combined[1]))[0]
        small = 0.0 <= self.gap <= allowed + rounding
        return bool(
            small
            and all(weights.are_convex()[0] for weights in self.weights)
            and all(self._is_end(i, combined[i]) for i in (0, 1))
            and abs(found - self.distance) <= rounding
            and (self._touch(rounding) or self._are_apart())
        )

    def _is_end(self, i: int, combined: Floats) -> bool:
        there = self.frame.place(self.ends[i])
        return bool(self.sets[i].are_equal(combined, there, self.weights[i])[0])

    def _touch(self, rounding: float) -> bool:
        """Whether there is no hyperplane, and none is needed."""
        none = are_zero(self.normal)[0] and np.isnan(self.offset)
        return bool(none and self.distance - self.gap <= rounding)

    def _are_apart(self) -> bool:
        """Whether the hyperplane separates by the distance less the gap, and lies halfway."""
        normals = self.frame.normals(self.normal)
        first, second = self.sets
        separation = -self.frame_heights(first) - second.heights(normals)
        reach = first.radius + second.radius
        rounding = self.frame.product_rounding(normals, reach)
        claimed = np.ldexp(self.distance - self.gap, -normals.units)
        halfway = 0.5 * self.ends[0] + 0.5 * self.ends[1]
        level, doubt = self.frame.levels(np.array([self.offset]), normals)
        middle = normals.rows @ self.frame.place(halfway).rows[0]
        doubt = doubt + rounding + normals.lengths * self.frame.digits
        return bool(
            are_unit(self.normal)[0]
            and (claimed <= separation + rounding)[0]
            and (claimed <= 0.0 or separation > rounding)[0]
            and (np.abs(level - middle) <= doubt)[0]
        )

    def frame_heights(self, points: PointSet) -> Floats:
        """Largest product of a set with the opposite normal."""
        return points.heights(self.frame.normals(-self.normal))


# Classes


def class_sets(subject: Any) -> tuple[npt.NDArray[Any], list[npt.NDArray[Any]]]:
    """Return the classes in order, and the points of each.

    Raises
    ------
    TypeError, ValueError
        If the subject is neither a pair of points and labels nor has hulls and classes.
    """
    if hasattr(subject, "hulls") and hasattr(subject, "classes"):
        return np.asarray(subject.classes), [hull.points for hull in subject.hulls]
    if not isinstance(subject, tuple | list) or len(subject) != 2:
        raise TypeError("subject must be the pair (points, labels), or the ClassHulls")
    points, labels = as_matrix(subject[0], "points"), np.asarray(subject[1])
    if labels.shape != (len(points),):
        raise ValueError(f"labels must have shape ({len(points)},), got {labels.shape}")
    classes, members = np.unique(labels, return_inverse=True)
    return classes, [points[members == k] for k in range(len(classes))]


def check_class_memberships(subject: Any, queries: Any, result: Any, tolerance: float) -> Bools:
    """Check `ClassMemberships`; see `hullspace.certificates.check`."""
    _, sets = class_sets(subject)
    parts = _parts(result, "memberships", len(sets))
    shape = (len(result), len(sets))
    status = array_of(result, "status", shape, "iu")
    proven = np.empty(shape, dtype=bool)
    for k, (points, part) in enumerate(zip(sets, parts, strict=True)):
        proven[:, k] = check_membership(PointSet(points), queries, part, tolerance)
        proven[:, k] &= status[:, k] == part.status
    return proven


def check_class_projections(subject: Any, queries: Any, result: Any, tolerance: float) -> Bools:
    """Check `ClassProjections`; see `hullspace.certificates.check`."""
    _, sets = class_sets(subject)
    parts = _parts(result, "projections", len(sets))
    shape = (len(result), len(sets))
    status = array_of(result, "status", shape, "iu")
    distances, gaps = floats_of(result, "distances", shape), floats_of(result, "gaps", shape)
    proven = np.empty(shape, dtype=bool)
    for k, (points, part) in enumerate(zip(sets, parts, strict=True)):
        proven[:, k] = check_projection(PointSet(points), queries, part, tolerance)
        proven[:, k] &= status[:, k] == part.status
        proven[:, k] &= (distances[:, k] == part.distances) & (gaps[:, k] == part.gaps)
    return proven


def _parts(result: Any, name: str, n_classes: int) -> Any:
    parts = getattr(result, name)
    if parts is None:
        raise ValueError(
            f"result must have its {name}: they were left out, as certificates=False asks for"
        )
    if len(parts) != n_classes:
        raise ValueError(f"result must have {name} of {n_classes} classes, got {len(parts)}")
    return parts


def check_nearest_class(subject: Any, queries: Any, result: Any, tolerance: float) -> Bools:
    """Check a `NearestClass`; see `hullspace.certificates.check`."""
    classes, _ = class_sets(subject)
    n, found = len(result), result.projections
    proven = check_class_projections(subject, queries, found, tolerance).all(axis=1)
    labels = array_of(result, "labels", (n,), classes.dtype.kind)
    distances, unique = floats_of(result, "distances", (n,)), array_of(result, "unique", (n,), "b")
    best = found.distances.argmin(axis=1)
    contenders = np.count_nonzero(found.distances - found.gaps <= distances[:, None], axis=1)
    same: Bools = (
        (labels == classes[best])
        & (distances == found.distances.min(axis=1))
        & (unique == (contenders == 1))
    )
    return proven & same


def check_class_distances(subject: Any, queries: Any, result: Any, tolerance: float) -> Bools:
    """Check `ClassDistances`; see `hullspace.certificates.check`."""
    require_no_queries(queries, result)
    _, sets = class_sets(subject)
    n = len(sets)
    distances, gaps = floats_of(result, "distances", (n, n)), floats_of(result, "gaps", (n, n))
    disjoint = array_of(result, "disjoint", (n, n), "b")
    wanted = [(i, j) for i in range(n) for j in range(i + 1, n)]
    if sorted(result.pairs) != wanted:
        raise ValueError(f"result must have pairs of {n} classes, got {sorted(result.pairs)}")
    widths = [PointSet(np.asarray(points)).width for points in sets]
    proven = np.zeros((n, n), dtype=bool)
    for i, j in wanted:
        pair = result.pairs[i, j]
        holds = _Pair(sets[i], sets[j], pair).holds(tolerance * (widths[i] + widths[j]))
        for a, b in ((i, j), (j, i)):
            same = distances[a, b] == pair.distance and gaps[a, b] == pair.gap
            proven[a, b] = holds and same and disjoint[a, b] == pair.disjoint
    own = np.arange(n)
    proven[own, own] = (distances[own, own] == 0.0) & (gaps[own, own] == 0.0) & ~disjoint[own, own]
    return proven
