"""How far a hull must be scaled to reach a point: Minkowski's functional."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from hullspace.arguments import as_matrix
from hullspace.devices import beside, on_host
from hullspace.hull.results import Gauge

if TYPE_CHECKING:
    import numpy.typing as npt

    from hullspace.hull.point_set import PointSet


def gauge(
    points: PointSet, queries: Any, center: npt.ArrayLike | None, tolerance: float, threads: int
) -> Gauge:
    """See `Hull.gauge`."""
    matrix = points.read(queries, "queries").astype(np.float64)
    if center is None:
        center = points.host_points.mean(axis=0, dtype=np.float64)
    start = as_matrix(np.asarray(on_host(center))[None], "center", columns=points.shape[1])
    if not points.contains(start, tolerance, threads).inside.all():
        raise ValueError("center must lie in the hull")
    directions = np.asarray(matrix - start)
    if not np.isfinite(directions).all():
        raise ValueError("queries must be finite and not overflow when center is subtracted")
    away: npt.NDArray[np.bool_] = np.any(directions != 0.0, axis=1)
    # A query at the center has no direction; any will do, and the value is 0.
    along = beside(queries, np.where(away[:, None], directions, 1.0))
    found = points.ray(start, along, tolerance, threads)
    steps = on_host(found.steps)
    lengths = steps * np.linalg.norm(directions, axis=1)
    with np.errstate(divide="ignore"):
        values = np.where(lengths > tolerance * points.scale, 1.0 / steps, np.inf)
    values[np.isnan(steps)] = np.nan
    values[~away] = 0.0
    return Gauge(beside(queries, values), np.array(start[0], np.float64), found, points.device)
