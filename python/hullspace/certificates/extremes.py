"""Checks of what is said of a set's extreme points, and of how far it reaches."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from hullspace.arguments import as_matrix
from hullspace.certificates.fields import (
    Weights,
    array_of,
    blocks_of,
    float_of,
    floats_of,
    require_no_queries,
    statuses_of,
)
from hullspace.certificates.points import QUERY_BLOCK, PointSet
from hullspace.certificates.rounding import are_unit, dots, norms
from hullspace.status import Status

if TYPE_CHECKING:
    from hullspace.certificates.frames import Normals
    from hullspace.certificates.rounding import Bools, Floats, Rows


def check_support(points: PointSet, queries: Any, result: Any, tolerance: float) -> Bools:
    """Check a `Support`; see `hullspace.certificates.check`."""
    del tolerance  # what is said is exact, but for rounding
    rows = as_matrix(queries, "queries", columns=points.n_features, allow_empty=True)
    n = len(rows)
    values = floats_of(result, "values", (n,))
    indices = array_of(result, "indices", (n,), "iu")
    directions = points.frame.normals(rows.astype(np.float64))
    known = (indices >= 0) & (indices < len(points))
    own = _scores(points, directions, np.where(known, indices, 0))
    levels, doubt = points.frame.levels(values, directions)
    rounding = points.frame.product_rounding(directions, points.radius)
    result_holds: Bools = (
        known
        & (points.heights(directions) <= own + 2.0 * rounding)
        & (np.abs(levels - own) <= doubt + rounding)
    )
    return result_holds


def _scores(points: PointSet, directions: Normals, indices: Rows) -> Floats:
    """Products of directions, each with a centred point of its own."""
    return dots(directions.rows, points.frame.centred(points.points[indices]))


def check_vertices(points: PointSet, queries: Any, result: Any, tolerance: float) -> Bools:
    """Check `Vertices`; see `hullspace.certificates.check`."""
    require_no_queries(queries, result)
    n = len(result)
    indices = array_of(result, "indices", (n,), "iu")
    status = statuses_of(result, (n,))
    given = floats_of(result, "directions", (n, points.n_features))
    margins = floats_of(result, "margins", (n,))
    if not _are_ascending(indices, len(points)) or not n:
        return np.zeros(n, dtype=bool)
    directions = points.frame.normals(given)
    own = _scores(points, directions, indices)
    rounding = 2.0 * points.frame.product_rounding(directions, points.radius)
    listed = PointSet(points.points[indices], points.frame)
    separations = own - listed.heights(directions, of_others=True)
    # The others lie in the hull of the vertices, up to the tolerance.
    rest = np.delete(np.arange(len(points)), indices)
    slack = points.slack(directions, tolerance)
    beyond = np.zeros(n, dtype=bool)
    if len(rest):
        others = PointSet(points.points[rest], points.frame)
        beyond = others.heights(directions) > own + slack + rounding
    claimed = np.ldexp(margins, -directions.units)
    proven: Bools = (
        (status == Status.OUTSIDE)
        & are_unit(given)
        & (separations > rounding)
        & (margins > 0.0)
        & (claimed <= separations + rounding)
        & ~beyond
    )
    return proven


def check_coreset(points: PointSet, queries: Any, result: Any, tolerance: float) -> Bools:
    """Check a `Coreset`; see `hullspace.certificates.check`."""
    del tolerance  # the error is the answer
    require_no_queries(queries, result)
    n = len(points)
    indices = array_of(result, "indices", (len(result),), "iu")
    error, diameter = float_of(result, "error"), float_of(result, "diameter")
    ends = np.asarray(result.ends)
    weights = Weights.of(result, "weights", n, n)
    known = ends.shape == (2,) and ends.dtype.kind in "iu"
    known = known and bool(((ends >= 0) & (ends < n)).all())
    if not (known and len(indices) and _are_ascending(indices, n) and 0.0 <= error < np.inf):
        return np.zeros(n, dtype=bool)
    frame = points.frame
    apart = frame.place(points.points[ends]).away
    rounding = float(frame.length_rounding(apart).max())
    length = float(norms(apart[:1] - apart[1:])[0])
    # No point is farther from an end than the diameter, which so is no less than half of all.
    farthest = max(
        float(norms(frame.restored(block) - end).max())
        for end in apart
        for block in points.blocks()
    )
    if not (abs(length - diameter) <= rounding and farthest <= diameter + rounding):
        return np.zeros(n, dtype=bool)
    strange = np.bincount(weights.owners[~np.isin(weights.indices, indices)], minlength=n) > 0
    proven, largest = weights.are_convex() & ~strange, 0.0
    for rows in blocks_of(proven, QUERY_BLOCK):
        places = frame.place(points.points[rows])
        some = weights.select(rows)
        misses = points.distances(points.combinations(some), places)
        doubts = frame.length_rounding(places.away, some.counts)
        proven[rows] = misses <= error + doubts
        largest = max(largest, float((misses + doubts).max()))
    # Nor is the error larger than it need be.
    return proven & (error <= largest)


def _are_ascending(indices: Rows, n_points: int) -> bool:
    """Whether indices are those of points, each above the one before."""
    known = (indices >= 0) & (indices < n_points)
    return bool(known.all() and (np.diff(indices) > 0).all())
