"""Checks of what is said of a set's extreme points, and of how far it reaches."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from hullspace.arguments import as_matrix
from hullspace.certificates.fields import array_of, floats_of, require_no_queries, statuses_of
from hullspace.certificates.points import PointSet
from hullspace.certificates.rounding import are_unit, dots
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


def _are_ascending(indices: Rows, n_points: int) -> bool:
    """Whether indices are those of points, each above the one before."""
    known = (indices >= 0) & (indices < n_points)
    return bool(known.all() and (np.diff(indices) > 0).all())
